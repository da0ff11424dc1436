//! Frontends to measure decant against. The first word, part of the image's entrypoint, says which:
//!
//! - `exit` ends at once: the price of any frontend container;
//! - `empty` greets the daemon and returns an empty file system: the price of the protocol;
//! - `record` builds as decant does and returns the calls it made as a file;
//! - `replay` makes those calls again and computes nothing;
//! - `peak PROGRAM` runs a frontend and tells its largest resident set and processor time on standard error.
//!
//! In place of decant's own program (`/decant`, which is `/decant.real` there) it tells the same of a step.

mod peak;
mod record;
mod recording;
mod replay;

use std::collections::BTreeMap;
use std::process::ExitCode;

use decant::frontend::Process;
use decant::gateway::serve::serve;
use decant::output::BuildResult;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["exit"] => ExitCode::SUCCESS,
        ["empty"] => serve(async |_| Ok(BuildResult::of_request(BTreeMap::new()))),
        ["record"] => serve(async |gateway| record::build(gateway, process()).await),
        ["replay"] => serve(async |gateway| replay::build(gateway).await),
        ["peak", program] => peak::run(program, &[]),
        ["assemble" | "report" | "sbom"] => peak::run("/decant.real", &words),
        _ => {
            eprintln!("usage: stub exit | empty | record | replay | peak PROGRAM");
            ExitCode::from(2)
        }
    }
}

fn process() -> Process {
    Process { env: std::env::vars().collect(), own_definition: None }
}
