//! `frontend.subrequests.describe`: which requests there are.

use serde::Serialize;

use super::Answer;
use super::align::aligned;
use crate::image::json;

/// The name of the request.
pub const NAME: &str = "frontend.subrequests.describe";
const VERSION: &str = "1.0.0";

#[derive(Serialize)]
struct Request {
    name: &'static str,
    version: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    description: &'static str,
    /// `null` and an empty list both occur, as in the official frontend.
    opts: Option<&'static [Named]>,
    inputs: Option<&'static [Named]>,
    metadata: &'static [Named],
    refs: Option<&'static [Named]>,
}

#[derive(Serialize)]
struct Named {
    name: &'static str,
    description: &'static str,
}

const RESULTS: &[Named] =
    &[Named { name: "result.json", description: "" }, Named { name: "result.txt", description: "" }];

/// Lint is left out, as it is by the official frontend.
const REQUESTS: [Request; 3] = [
    Request {
        name: super::outline::NAME,
        version: super::outline::VERSION,
        kind: "rpc",
        description: "List all parameters current build target supports",
        opts: Some(&[Named { name: "target", description: "Target build stage" }]),
        inputs: None,
        metadata: RESULTS,
        refs: None,
    },
    Request {
        name: super::targets::NAME,
        version: super::targets::VERSION,
        kind: "rpc",
        description: "List all targets current build supports",
        opts: Some(&[]),
        inputs: None,
        metadata: RESULTS,
        refs: None,
    },
    Request {
        name: NAME,
        version: VERSION,
        kind: "rpc",
        description: "List available subrequest types",
        opts: None,
        inputs: None,
        metadata: RESULTS,
        refs: None,
    },
];

/// The answer; it is always the same.
pub fn answer() -> Answer {
    let mut table = String::from("NAME\tVERSION\tDESCRIPTION\n");
    for request in &REQUESTS {
        let name = request.name.trim_start_matches("frontend.");
        table.push_str(&[name, request.version, request.description].join("\t"));
        table.push('\n');
    }
    Answer { version: VERSION, json: json::to_pretty(&REQUESTS), text: Some(aligned(&table, 1)), wrong: None }
}
