//! `RUN --mount`: one CSV record to a typed mount.

use super::csv::{self, CsvError};
use super::number::{boolean, memory_size, unsigned};
use super::quote::quote;
use super::suggest;

/// A mount as written, with expanded values and checked keys; paths are not resolved yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    pub kind: MountKind,
    /// Stage, named context or image; empty if not given.
    pub from: String,
    /// Path in the source; for a secret its id. Empty if not given.
    pub source: String,
    /// Mount path as written; empty if not given.
    pub target: String,
    /// With the kind's default applied: bind, secret and ssh are read-only.
    pub read_only: bool,
    /// `id=`; empty if not given.
    pub id: String,
    pub sharing: Option<Sharing>,
    pub required: bool,
    /// tmpfs size in bytes; 0 if not given.
    pub size: i64,
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    /// Environment variable of a secret.
    pub env: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MountKind {
    #[default]
    Bind,
    Cache,
    Tmpfs,
    Secret,
    Ssh,
}

impl MountKind {
    /// As written in `type=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Cache => "cache",
            Self::Tmpfs => "tmpfs",
            Self::Secret => "secret",
            Self::Ssh => "ssh",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    Shared,
    Private,
    Locked,
}

/// A `--mount` value that is wrong; texts equal the official frontend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    #[error("failed to parse csv mounts: {0}")]
    Csv(String),
    #[error("'from' doesn't support variable expansion, define alias stage instead")]
    VariableInFrom,
    #[error("unsupported mount type {}{suggestion}", quote(value))]
    Kind { value: String, suggestion: String },
    #[error("unsupported sharing value {}{suggestion}", quote(value))]
    Sharing { value: String, suggestion: String },
    #[error("invalid field '{0}' must be a key=value pair")]
    Bare(String),
    #[error("unexpected key '{key}' in '{field}'{suggestion}")]
    Key { key: String, field: String, suggestion: String },
    #[error("unexpected key '{key}' for mount type '{}'", kind.name())]
    KeyForKind { key: String, kind: MountKind },
    #[error("invalid value for {key}: {value}")]
    Value { key: String, value: String },
    #[error("invalid value {value} for {key}")]
    Number { key: &'static str, value: String },
    #[error("{key} not allowed for {} type mounts", quote(kind.name()))]
    NotAllowed { key: &'static str, kind: MountKind },
    #[error("invalid cache sharing set for {} mount", .0.name())]
    SharingForKind(MountKind),
    #[error("secret mount should not have a from")]
    SecretFrom,
    #[error("secret mount should not define sharing")]
    SecretSharing,
    #[error("invalid secret mount. one of source, target required")]
    SecretWithoutName,
    #[error("both source and id can't be set")]
    SecretTwoNames,
}

impl From<CsvError> for MountError {
    fn from(error: CsvError) -> Self {
        Self::Csv(error.to_string())
    }
}

/// Reads one `--mount` value; `expand` is called for each value, in order.
///
/// Fields count from left to right, so `required` and `size` must follow the `type` that takes them.
///
/// # Errors
/// What `expand` returns, unknown keys, bad values, keys that the mount type does not take.
pub fn parse_mount<E: From<MountError>>(
    csv: &str,
    mut expand: impl FnMut(&str) -> Result<String, E>,
) -> Result<Mount, E> {
    let mut mount = Mount::default();
    let mut read_only = None;
    for field in csv::fields(csv).map_err(MountError::from)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_lowercase(), Some(expand(value)?)),
            None => (field.to_lowercase(), None),
        };
        match value {
            Some(value) => assign(&mut mount, &mut read_only, &field, key, value)?,
            None => switch_on(&mut mount, &mut read_only, &field, key)?,
        }
    }
    mount.read_only = read_only.unwrap_or(!matches!(mount.kind, MountKind::Cache | MountKind::Tmpfs));
    check(&mount)?;
    Ok(mount)
}

/// The `from=` of one `--mount` value, read at parse time; nothing else is checked yet.
///
/// # Errors
/// A malformed record, and a variable in `from`.
pub(super) fn source(csv: &str) -> Result<Option<String>, MountError> {
    let mut from = None;
    for field in csv::fields(csv)? {
        let Some((key, value)) = field.split_once('=') else { continue };
        if key.to_lowercase() != "from" {
            continue;
        }
        // A `$` at the very end is text.
        if value.find('$').is_some_and(|place| place + 1 != value.len()) {
            return Err(MountError::VariableInFrom);
        }
        from = Some(value.to_owned());
    }
    Ok(from.filter(|from| !from.is_empty()))
}

/// A field without `=`.
fn switch_on(
    mount: &mut Mount,
    read_only: &mut Option<bool>,
    field: &str,
    key: String,
) -> Result<(), MountError> {
    match key.as_str() {
        "readonly" | "ro" => *read_only = Some(true),
        "readwrite" | "rw" => *read_only = Some(false),
        "required" => {
            takes_required(mount, key)?;
            mount.required = true;
        }
        _ => return Err(MountError::Bare(field.to_owned())),
    }
    Ok(())
}

fn assign(
    mount: &mut Mount,
    read_only: &mut Option<bool>,
    field: &str,
    key: String,
    value: String,
) -> Result<(), MountError> {
    let switch = |key: String, value: String| boolean(&value).ok_or(MountError::Value { key, value });
    match key.as_str() {
        "type" => mount.kind = kind(value)?,
        "from" => mount.from = value,
        "source" | "src" => mount.source = value,
        "target" | "dst" | "destination" => mount.target = value,
        "readonly" | "ro" => *read_only = Some(switch(key, value)?),
        "readwrite" | "rw" => *read_only = Some(!switch(key, value)?),
        "required" => {
            let key = takes_required(mount, key)?;
            mount.required = switch(key, value)?;
        }
        "size" if mount.kind == MountKind::Tmpfs => {
            mount.size = memory_size(&value).ok_or(MountError::Value { key, value })?;
        }
        "size" => return Err(MountError::KeyForKind { key, kind: mount.kind }),
        "id" => mount.id = value,
        "sharing" => mount.sharing = Some(sharing(value)?),
        "mode" => mount.mode = Some(number("mode", value, 8)?),
        "uid" => mount.uid = Some(number("uid", value, 10)?),
        "gid" => mount.gid = Some(number("gid", value, 10)?),
        "env" => mount.env = Some(value),
        _ => {
            let suggestion = suggest::suffix(&key, KEYS);
            return Err(MountError::Key { key, field: field.to_owned(), suggestion });
        }
    }
    Ok(())
}

fn takes_required(mount: &Mount, key: String) -> Result<String, MountError> {
    match mount.kind {
        MountKind::Secret | MountKind::Ssh => Ok(key),
        kind => Err(MountError::KeyForKind { key, kind }),
    }
}

fn kind(value: String) -> Result<MountKind, MountError> {
    let kinds = [MountKind::Bind, MountKind::Cache, MountKind::Tmpfs, MountKind::Secret, MountKind::Ssh];
    let lower = value.to_lowercase();
    kinds.into_iter().find(|kind| kind.name() == lower).ok_or_else(|| MountError::Kind {
        suggestion: suggest::suffix(&value, kinds.map(MountKind::name)),
        value,
    })
}

fn sharing(value: String) -> Result<Sharing, MountError> {
    match value.to_lowercase().as_str() {
        "shared" => Ok(Sharing::Shared),
        "private" => Ok(Sharing::Private),
        "locked" => Ok(Sharing::Locked),
        _ => {
            let suggestion = suggest::suffix(&value, ["shared", "private", "locked"]);
            Err(MountError::Sharing { value, suggestion })
        }
    }
}

fn number(key: &'static str, value: String, radix: u32) -> Result<u32, MountError> {
    unsigned(&value, radix).ok_or(MountError::Number { key, value })
}

/// What can be said only when all fields are known.
fn check(mount: &Mount) -> Result<(), MountError> {
    let kind = mount.kind;
    if matches!(kind, MountKind::Bind | MountKind::Tmpfs) {
        for (key, given) in
            [("mode", mount.mode.is_some()), ("uid", mount.uid.is_some()), ("gid", mount.gid.is_some())]
        {
            if given {
                return Err(MountError::NotAllowed { key, kind });
            }
        }
    }
    if kind == MountKind::Secret {
        if !mount.from.is_empty() {
            return Err(MountError::SecretFrom);
        }
        if mount.sharing.is_some() {
            return Err(MountError::SecretSharing);
        }
        if mount.source.is_empty() && mount.target.is_empty() && mount.id.is_empty() {
            return Err(MountError::SecretWithoutName);
        }
        if !mount.source.is_empty() && !mount.id.is_empty() {
            return Err(MountError::SecretTwoNames);
        }
    }
    if mount.sharing.is_some() && kind != MountKind::Cache {
        return Err(MountError::SharingForKind(kind));
    }
    Ok(())
}

/// In the order in which the official frontend suggests them.
const KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
    "env",
];

#[cfg(test)]
mod tests {
    use super::{Mount, MountError, MountKind, Sharing, parse_mount, source};

    fn parse(csv: &str) -> Result<Mount, String> {
        let expand = |value: &str| Ok(value.replace("$X", "x"));
        parse_mount::<MountError>(csv, expand).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_options() {
        let bind = Mount { read_only: true, ..Mount::default() };
        let cache = Mount { kind: MountKind::Cache, ..Mount::default() };
        let secret = Mount { kind: MountKind::Secret, read_only: true, ..Mount::default() };
        for (csv, expected) in [
            ("target=/$X", Mount { target: "/x".into(), ..bind.clone() }),
            (
                "TYPE=Bind,SRC=a,dst=b,rw",
                Mount { source: "a".into(), target: "b".into(), read_only: false, ..bind.clone() },
            ),
            ("\"target=/a,b\",readwrite=0", Mount { target: "/a,b".into(), ..bind.clone() }),
            (
                "type=cache,id=$X,sharing=LOCKED,mode=0755,uid=1,gid=2,ro=false",
                Mount {
                    id: "x".into(),
                    sharing: Some(Sharing::Locked),
                    mode: Some(0o755),
                    uid: Some(1),
                    gid: Some(2),
                    ..cache.clone()
                },
            ),
            ("type=tmpfs,size=10m", Mount { kind: MountKind::Tmpfs, size: 10 << 20, ..Mount::default() }),
            (
                "type=secret,id=a,required,env=A",
                Mount { id: "a".into(), required: true, env: Some("A".into()), ..secret.clone() },
            ),
            (
                "type=ssh,required=0,from=a",
                Mount { kind: MountKind::Ssh, from: "a".into(), ..secret.clone() },
            ),
        ] {
            assert_eq!(parse(csv), Ok(expected), "{csv}");
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        for (csv, expected) in [
            ("", "failed to parse csv mounts: EOF"),
            ("type=bnd", "unsupported mount type \"bnd\" (did you mean bind?)"),
            ("type=volume", "unsupported mount type \"volume\""),
            ("sharing=share", "unsupported sharing value \"share\" (did you mean shared?)"),
            ("foo=1", "unexpected key 'foo' in 'foo=1' (did you mean from?)"),
            ("targt=1", "unexpected key 'targt' in 'targt=1' (did you mean target?)"),
            ("x", "invalid field 'x' must be a key=value pair"),
            ("ro=v", "invalid value for ro: v"),
            ("required", "unexpected key 'required' for mount type 'bind'"),
            ("required=1,type=secret", "unexpected key 'required' for mount type 'bind'"),
            ("type=secret,id=a,required=x", "invalid value for required: x"),
            ("size=1", "unexpected key 'size' for mount type 'bind'"),
            ("type=tmpfs,size=x", "invalid value for size: x"),
            ("mode=9", "invalid value 9 for mode"),
            ("uid=-1", "invalid value -1 for uid"),
            ("mode=1", "mode not allowed for \"bind\" type mounts"),
            ("type=tmpfs,gid=1", "gid not allowed for \"tmpfs\" type mounts"),
            ("sharing=shared", "invalid cache sharing set for bind mount"),
            ("type=secret", "invalid secret mount. one of source, target required"),
            ("type=secret,id=a,from=b", "secret mount should not have a from"),
            ("type=secret,id=a,sharing=shared", "secret mount should not define sharing"),
            ("type=secret,id=a,source=b", "both source and id can't be set"),
        ] {
            assert_eq!(parse(csv).unwrap_err(), expected, "{csv}");
        }
    }

    #[test]
    fn reads_from_at_parse_time() {
        for (csv, expected) in [
            ("from=a,from=b,bogus=1", Ok(Some("b"))),
            ("FROM=a$", Ok(Some("a$"))),
            ("from=", Ok(None)),
            ("type=$X", Ok(None)),
            ("from=$X", Err("'from' doesn't support variable expansion, define alias stage instead")),
        ] {
            let found = source(csv).map_err(|error| error.to_string());
            assert_eq!(found.as_ref().map(Option::as_deref).map_err(String::as_str), expected, "{csv}");
        }
    }
}
