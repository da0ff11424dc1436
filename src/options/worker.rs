//! Workers: where the daemon runs build steps.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::image::json::null_as_default;
use crate::image::platform::Platform;

/// One worker, as in `BUILDKIT_WORKERS` and the answer to a ping. Old daemons capitalise the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Worker {
    #[serde(default, alias = "ID")]
    pub id: String,
    #[serde(default, alias = "Labels", deserialize_with = "null_as_default")]
    pub labels: BTreeMap<String, String>,
    /// The first is its own.
    #[serde(default, alias = "Platforms", deserialize_with = "null_as_default")]
    pub platforms: Vec<Platform>,
}

impl Worker {
    /// Reads `BUILDKIT_WORKERS`; empty text is no worker.
    ///
    /// # Errors
    /// When it is no such JSON.
    pub(super) fn list(text: &str) -> Result<Vec<Self>, serde_json::Error> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        serde_json::from_str::<Option<Vec<Self>>>(text).map(Option::unwrap_or_default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_spellings() {
        let platforms = r#"[{"architecture":"arm64","os":"linux","variant":"v8"}]"#;
        for (summary, text) in [
            (
                "current",
                format!(r#"[{{"id":"w","labels":{{"a":"b"}},"platforms":{platforms},"gcPolicy":[{{}}]}}]"#),
            ),
            (
                "old",
                format!(r#"[{{"ID":"w","Labels":{{"a":"b"}},"Platforms":{platforms},"GCPolicy":null}}]"#),
            ),
        ] {
            let workers = Worker::list(&text).expect(summary);
            assert_eq!(workers[0].id, "w", "{summary}");
            assert_eq!(workers[0].labels["a"], "b", "{summary}");
            assert_eq!(workers[0].platforms[0].format(), "linux/arm64/v8", "{summary}");
        }
        assert_eq!(Worker::list("null").unwrap(), []);
        assert_eq!(Worker::list(r#"[{"Labels":null}]"#).unwrap(), [Worker::default()]);
    }
}
