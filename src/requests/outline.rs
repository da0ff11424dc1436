//! `frontend.outline`: the build arguments, secrets and ssh keys that a target takes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::Answer;
use super::align::aligned;
use crate::image::json;
use crate::llb::json::Location;
use crate::lower::outline::{Asked, Outline};

/// The name of the request.
pub const NAME: &str = "frontend.outline";
pub(super) const VERSION: &str = "1.0.0";

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<Arg<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<Needed<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ssh: Vec<Needed<'a>>,
    sources: [String; 1],
}

#[derive(Serialize)]
struct Arg<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    value: &'a str,
    location: Location,
}

#[derive(Serialize)]
struct Needed<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    location: Location,
}

impl<'a> Needed<'a> {
    fn of(asked: &'a Asked) -> Self {
        Self { name: &asked.name, required: asked.required, location: Location::of(&[asked.span]) }
    }
}

/// What the target of the Dockerfile `data` takes.
pub fn answer(data: &[u8], outline: &Outline) -> Answer {
    let args = outline.args.iter().map(|arg| Arg {
        name: &arg.name,
        description: arg.description.as_deref().unwrap_or_default(),
        value: arg.value.as_deref().unwrap_or_default(),
        location: Location::of(&[arg.span]),
    });
    let document = Document {
        name: outline.name.as_deref().unwrap_or_default(),
        description: outline.description.as_deref().unwrap_or_default(),
        args: args.collect(),
        secrets: outline.secrets.iter().map(Needed::of).collect(),
        ssh: outline.ssh.iter().map(Needed::of).collect(),
        sources: [STANDARD.encode(data)],
    };
    Answer { version: VERSION, json: json::to_pretty(&document), text: Some(text_of(&document)), wrong: None }
}

fn text_of(document: &Document<'_>) -> String {
    let mut text = String::new();
    if !document.name.is_empty() || !document.description.is_empty() {
        let name = if document.name.is_empty() { "(default)" } else { document.name };
        let mut rows = vec![vec!["TARGET:", name]];
        if !document.description.is_empty() {
            rows.push(vec!["DESCRIPTION:", document.description]);
        }
        push_table(&mut text, &rows, 1);
    }
    if !document.args.is_empty() {
        let mut rows = vec![vec!["BUILD ARG", "VALUE", "DESCRIPTION"]];
        rows.extend(document.args.iter().map(|arg| vec![arg.name, arg.value, arg.description]));
        push_table(&mut text, &rows, 3);
    }
    for (title, list) in [("SECRET", &document.secrets), ("SSH", &document.ssh)] {
        if !list.is_empty() {
            let mut rows = vec![vec![title, "REQUIRED"]];
            rows.extend(list.iter().map(|item| vec![item.name, if item.required { "true" } else { "" }]));
            push_table(&mut text, &rows, 3);
        }
    }
    text
}

/// A table and a blank line.
fn push_table(text: &mut String, rows: &[Vec<&str>], padding: usize) {
    let lines: Vec<String> = rows.iter().map(|row| row.join("\t") + "\n").collect();
    text.push_str(&aligned(&lines.concat(), padding));
    text.push('\n');
}
