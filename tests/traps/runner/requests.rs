//! Asks a server in a container, from inside the container's network.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::case::Serve;
use super::support::run_within;

/// Time that one answer may take.
const LIMIT: Duration = Duration::from_secs(15);

/// How long a server that speaks no HTTP must be silent until its answer counts as whole.
const SILENCE: Duration = Duration::from_millis(500);

/// Request and answer of each request of a case.
pub(crate) fn ask(pid: Pid, serve: &Serve) -> Result<Vec<(String, String)>, String> {
    let network = File::open(format!("/proc/{}/ns/net", pid.as_raw_nonzero()))
        .map_err(|error| format!("the container is gone: {error}"))?;
    // The thread, and what it starts, are in the container's network; it ends with the last answer.
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
                    .map_err(|error| format!("the container's network cannot be entered: {error}"))?;
                wait_until_it_listens(serve)?;
                let mut answers = Vec::new();
                for request in &serve.get {
                    answers.push((request.clone(), http(serve.port, request)?));
                }
                for text in &serve.send {
                    answers.push((text.clone(), raw(serve.port, text)?));
                }
                Ok(answers)
            })
            .join()
            .expect("asking does not panic")
    })
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn wait_until_it_listens(serve: &Serve) -> Result<(), String> {
    let started = Instant::now();
    loop {
        let Err(error) = TcpStream::connect_timeout(&address(serve.port), LIMIT) else { return Ok(()) };
        if started.elapsed() > Duration::from_secs(serve.start) {
            return Err(format!("nothing listens on port {} after {} s: {error}", serve.port, serve.start));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Body and status.
fn http(port: u16, request: &str) -> Result<String, String> {
    let mut words = request.splitn(3, ' ');
    let (first, second, body) = (words.next().unwrap_or_default(), words.next(), words.next());
    let mut command = Command::new("curl");
    command.args(["-sSk", "--max-time", "15", "-w", "\n%{http_code}"]);
    let path = if let Some(path) = second {
        command.args(["-X", first]);
        path
    } else {
        first
    };
    if let Some(body) = body {
        command.args(["--data", body]);
    }
    command.arg(if path.starts_with('/') {
        format!("http://127.0.0.1:{port}{path}")
    } else {
        path.to_owned()
    });
    let outcome = run_within(LIMIT * 2, &mut command);
    if outcome.status.success() { Ok(outcome.stdout) } else { Err(format!("{request}: {}", outcome.stderr)) }
}

/// What a server sends back, until it closes or is silent.
fn raw(port: u16, text: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{text:?}: {error}");
    let mut stream = TcpStream::connect_timeout(&address(port), LIMIT).map_err(failed)?;
    stream.write_all(text.as_bytes()).map_err(failed)?;
    stream.set_read_timeout(Some(LIMIT)).map_err(failed)?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..read]);
        stream.set_read_timeout(Some(SILENCE)).map_err(failed)?;
    }
    if answer.is_empty() {
        Err(format!("{text:?}: no answer"))
    } else {
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
