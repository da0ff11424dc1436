//! `frontend.targets`: the stages that can be built. Only the text of the Dockerfile counts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::Answer;
use super::align::aligned;
use crate::dockerfile::StageSource;
use crate::dockerfile::instruction::description;
use crate::image::json;
use crate::llb::json::Location;

/// The name of the request.
pub const NAME: &str = "frontend.targets";
pub(super) const VERSION: &str = "1.0.0";

#[derive(Serialize)]
struct List<'a> {
    /// `null` if there are none.
    targets: Option<Vec<Target<'a>>>,
    sources: [String; 1],
}

#[derive(Serialize)]
struct Target<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    base: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    platform: &'a str,
    location: Location,
}

/// The stages of the Dockerfile `data`.
pub fn answer(data: &[u8], stages: &[StageSource]) -> Answer {
    let targets: Vec<Target<'_>> = stages
        .iter()
        .enumerate()
        .map(|(index, stage)| {
            let from = &stage.from;
            let name = from.value.name.as_deref().unwrap_or_default();
            Target {
                name,
                default: index + 1 == stages.len(),
                description: description(&from.doc, name).unwrap_or_default(),
                base: &from.value.image,
                platform: from.value.platform.as_deref().unwrap_or_default(),
                location: Location::of(&[from.span]),
            }
        })
        .collect();
    let mut table = String::from("TARGET\tDESCRIPTION\n");
    for target in &targets {
        let shown = match (target.name, target.default) {
            ("", true) => "(default)".to_owned(),
            (name, true) => format!("{name} (default)"),
            (name, false) => name.to_owned(),
        };
        table.push_str(&[shown.as_str(), target.description].join("\t"));
        table.push('\n');
    }
    let list =
        List { targets: Some(targets).filter(|list| !list.is_empty()), sources: [STANDARD.encode(data)] };
    Answer { version: VERSION, json: json::to_pretty(&list), text: Some(aligned(&table, 1)), wrong: None }
}
