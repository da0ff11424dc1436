//! The image config: OCI with Docker's extras, in Go's key order.
//!
//! Field order and omission of empties follow what the official frontend writes, because the config's
//! bytes are the image's digest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::image::json::{self, null_as_default};

/// SHELL of an image that names none, but for Windows.
pub const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// `containerimage.config`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_as_default")]
    pub author: String,
    #[serde(deserialize_with = "null_as_default")]
    pub architecture: String,
    #[serde(deserialize_with = "null_as_default")]
    pub os: String,
    #[serde(
        rename = "os.version",
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub os_version: String,
    #[serde(
        rename = "os.features",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub os_features: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_as_default")]
    pub variant: String,
    #[serde(deserialize_with = "null_as_default")]
    pub rootfs: Rootfs,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub history: Vec<History>,
    #[serde(deserialize_with = "null_as_default")]
    pub config: Config,
}

/// The layers, by digest of their uncompressed tar.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rootfs {
    /// `layers`.
    #[serde(rename = "type", deserialize_with = "null_as_default")]
    pub kind: String,
    pub diff_ids: Option<Vec<String>>,
}

/// One step that made the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_as_default")]
    pub created_by: String,
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_as_default")]
    pub author: String,
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_as_default")]
    pub comment: String,
    #[serde(skip_serializing_if = "is_false", deserialize_with = "null_as_default")]
    pub empty_layer: bool,
}

/// The `config` member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[expect(clippy::zero_sized_map_values, reason = "the shape of the JSON")]
pub struct Config {
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_as_default")]
    pub user: String,
    #[serde(skip_serializing_if = "is_empty_map")]
    pub exposed_ports: Option<BTreeMap<String, Empty>>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub env: Vec<String>,
    /// An empty one is written like none.
    #[serde(skip_serializing_if = "is_empty_list")]
    pub entrypoint: Option<Vec<String>>,
    /// An empty one is written like none.
    #[serde(skip_serializing_if = "is_empty_list")]
    pub cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "is_empty_map")]
    pub volumes: Option<BTreeMap<String, Empty>>,
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_as_default")]
    pub working_dir: String,
    #[serde(skip_serializing_if = "is_empty_map")]
    pub labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_as_default")]
    pub stop_signal: String,
    #[serde(skip_serializing_if = "is_false", deserialize_with = "null_as_default")]
    pub args_escaped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub on_build: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub shell: Vec<String>,
}

/// `{}`: how Go writes a set's members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Durations are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Healthcheck {
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub test: Vec<String>,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "null_as_default")]
    pub interval: i64,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "null_as_default")]
    pub timeout: i64,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "null_as_default")]
    pub start_period: i64,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "null_as_default")]
    pub start_interval: i64,
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "null_as_default")]
    pub retries: i64,
}

impl ImageConfig {
    /// The bytes as the official frontend writes them, escapes included.
    pub fn to_json(&self) -> Vec<u8> {
        json::to_vec(self)
    }

    /// Reads a base image's config to build on: unknown keys are dropped, `created` is removed.
    ///
    /// # Errors
    /// When it is no such JSON.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        Self::read(bytes).map(|config| Self { created: None, ..config })
    }

    /// The bytes of `containerimage.base.config` for the config of a base image: the same with our keys only.
    ///
    /// # Errors
    /// When it is no such JSON.
    pub fn base_json(bytes: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        Self::read(bytes).map(|config| config.to_json())
    }

    fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let mut config: Self = serde_json::from_slice(bytes)?;
        let times = config.history.iter_mut().map(|entry| &mut entry.created);
        for time in times.chain([&mut config.created]).flatten() {
            *time = canonical_time(time);
        }
        Ok(config)
    }
}

/// How Go writes a time that it has read: nine digits of a second at most, without trailing zeros.
fn canonical_time(time: &str) -> String {
    let Some((seconds, rest)) = time.split_once('.') else { return canonical_zone(time) };
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (fraction, zone) = rest.split_at(digits);
    let fraction = fraction.get(..9).unwrap_or(fraction).trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    canonical_zone(&format!("{seconds}{dot}{fraction}{zone}"))
}

fn canonical_zone(time: &str) -> String {
    match time.strip_suffix("+00:00") {
        Some(utc) => format!("{utc}Z"),
        None => time.to_owned(),
    }
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference")]
fn is_empty_list(list: &Option<Vec<String>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference")]
fn is_empty_map<T>(map: &Option<BTreeMap<String, T>>) -> bool {
    map.as_ref().is_none_or(BTreeMap::is_empty)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `dockerfile.v0` 1.28 wrote it.
    const OFFICIAL: &str = concat!(
        r#"{"author":"a\u0026b \u003cc\u003e","architecture":"arm","os":"linux","os.version":"1.2","#,
        r#""os.features":["f"],"variant":"v6","rootfs":{"type":"layers","diff_ids":null},"#,
        r#""history":[{"created":"2023-11-14T22:13:20Z","created_by":"CMD [\"é\"]","#,
        r#""comment":"buildkit.dockerfile.v0","empty_layer":true}],"#,
        r#""config":{"User":"1","ExposedPorts":{"80/tcp":{}},"Env":["PATH=/bin"],"Cmd":["é"],"#,
        r#""Volumes":{"/v":{}},"WorkingDir":"/x","Labels":{"a":"\u003c\u0026\u003e","b":""},"#,
        r#""StopSignal":"9","ArgsEscaped":true,"Healthcheck":{"Test":["CMD-SHELL","x"],"#,
        r#""Interval":1000000000,"Timeout":2000000000,"StartPeriod":3000000000,"#,
        r#""StartInterval":4000000000,"Retries":3},"OnBuild":["RUN x"],"Shell":["a"]}}"#
    );

    #[test]
    fn writes_the_official_bytes() {
        let config = ImageConfig::from_json(OFFICIAL.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(config.to_json()).unwrap(), OFFICIAL);
    }

    #[test]
    fn reads_what_other_tools_write() {
        let docker = concat!(
            r#"{"created":"2025-06-15T15:06:40.120000000Z","container":"x","os":"linux","architecture":null,"#,
            r#""history":[{"created":"2025-01-01T00:00:00.000+00:00","empty_layer":null}],"rootfs":null,"#,
            r#""config":{"Cmd":null,"Volumes":null,"Labels":{},"OnBuild":null,"Image":"","Entrypoint":[],"#,
            r#""User":null,"ArgsEscaped":null}}"#
        );
        let base = ImageConfig::base_json(docker.as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(base).unwrap(),
            concat!(
                r#"{"created":"2025-06-15T15:06:40.12Z","architecture":"","os":"linux","#,
                r#""rootfs":{"type":"","diff_ids":null},"history":[{"created":"2025-01-01T00:00:00Z"}],"#,
                r#""config":{}}"#
            )
        );
        assert_eq!(ImageConfig::from_json(docker.as_bytes()).unwrap().created, None);
        assert!(ImageConfig::from_json(b"1").is_err());
    }
}
