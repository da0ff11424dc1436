//! The verbs of the `decant` binary.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use decant::assemble::{self, Places};
use decant::frontend::{self, Process};
use decant::gateway::serve::serve;
use decant::verbs;
use decant::watched;

/// The definition of the image that this program was started from (buildkit-protocol 1).
const OWN_DEFINITION: &str = "/run/config/buildkit/metadata/frontend.bin";

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    match words.next().as_deref() {
        // The wire is a pipe; a person at a terminal wants to know the verbs.
        None if std::io::stdin().is_terminal() => usage("no verb given"),
        None => serve(async |gateway| frontend::build(gateway, process()).await),
        Some("--version" | "version") => version(),
        Some("assemble") => step(assemble::assemble),
        Some("report") => step(assemble::report),
        Some("sbom") => {
            let words: Vec<String> = words.collect();
            step(move |places, log| assemble::sbom(places, &words, log))
        }
        Some("plan") => tool(verbs::plan, words),
        Some("explain") => tool(verbs::explain, words),
        Some("diff") => tool(verbs::diff, words),
        Some(other) => usage(&format!("unknown verb `{other}`")),
    }
}

/// What the daemon gives a frontend besides the wire.
fn process() -> Process {
    // What is not UTF-8 keeps replacement characters.
    let text = |word: std::ffi::OsString| word.to_string_lossy().into_owned();
    Process {
        env: std::env::vars_os().map(|(key, value)| (text(key), text(value))).collect(),
        own_definition: std::fs::read(OWN_DEFINITION).ok(),
    }
}

/// An exec step inside a build: its input is mounted, its output is the build step's log.
fn step(run: impl FnOnce(&Places, &mut dyn Write) -> i32 + Send + 'static) -> ExitCode {
    let code = watched::start(move || run(&Places::below("/"), &mut std::io::stdout())).wait();
    exit_code(code.unwrap_or_else(|panic| assemble::crashed(&panic, &mut std::io::stdout())))
}

/// A verb for the command line: the words after it, standard output, standard error.
type Tool = fn(&[String], &mut dyn Write, &mut dyn Write) -> i32;

fn tool(run: Tool, words: impl Iterator<Item = String>) -> ExitCode {
    let words: Vec<String> = words.collect();
    let code = watched::start(move || run(&words, &mut std::io::stdout(), &mut std::io::stderr())).wait();
    exit_code(code.unwrap_or_else(|panic| assemble::crashed(&panic, &mut std::io::stderr())))
}

fn exit_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[expect(clippy::print_stdout, reason = "this verb serves no wire")]
fn version() -> ExitCode {
    println!("decant {}", env!("CARGO_PKG_VERSION"));
    ExitCode::SUCCESS
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("decant: {problem}");
    eprintln!("without a verb decant serves one build to BuildKit on stdin and stdout;");
    eprintln!("verbs: plan, explain, diff, --version (assemble, report and sbom run inside a build)");
    ExitCode::from(2)
}
