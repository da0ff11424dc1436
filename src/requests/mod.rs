//! Answers to what a client asks in place of a build: pure functions from what is known of a Dockerfile to the
//! JSON and the text that clients print (buildkit-protocol 13).

mod align;
pub mod convert;
pub mod describe;
mod excerpt;
pub mod lint;
pub mod outline;
pub mod targets;

use std::collections::BTreeMap;

use crate::dockerfile::raw;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Of the form of the JSON.
    pub version: &'static str,
    pub json: String,
    /// What a person reads; some answers are for programs only.
    pub text: Option<String>,
    /// For answers that are a verdict: whether something is wrong, the client's exit status.
    pub wrong: Option<bool>,
}

impl Answer {
    /// As the metadata of a result.
    pub fn into_metadata(self) -> BTreeMap<String, Vec<u8>> {
        let mut metadata = BTreeMap::from([
            ("version".to_owned(), self.version.as_bytes().to_vec()),
            ("result.json".to_owned(), self.json.into_bytes()),
        ]);
        if let Some(text) = self.text {
            metadata.insert("result.txt".to_owned(), raw::encode(&text).into_owned());
        }
        if let Some(wrong) = self.wrong {
            metadata.insert("result.statuscode".to_owned(), u8::from(wrong).to_string().into_bytes());
        }
        metadata
    }
}
