//! Messages of the build graph as proto3-JSON, from their encoded bytes and a table of their fields.
//!
//! The rules are protobuf's: names in lower camel case, 64-bit integers as text, bytes as base64, enums by name;
//! fields without presence that are zero are left out. Members come in the order of the `.proto` file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A message as JSON.
#[derive(Debug)]
pub(crate) struct Message {
    members: Vec<(&'static str, Value)>,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Number(i64),
    Bool(bool),
    Message(Message),
    List(Vec<Value>),
    /// Sorted by key.
    Map(Vec<(String, Value)>),
}

/// Bytes that are no such message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of the build graph is no valid protobuf message")]
pub(crate) struct Malformed;

impl From<prost::DecodeError> for Malformed {
    fn from(_: prost::DecodeError) -> Self {
        Self
    }
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Bytes,
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Enum(&'static [&'static str]),
    Message(&'static [Field]),
    /// A map with text as key.
    Map(&'static Kind),
}

#[derive(Clone, Copy)]
struct Field {
    number: u32,
    name: &'static str,
    kind: Kind,
    repeated: bool,
    /// Written even when it is zero: a member of a oneof.
    present: bool,
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: false, present: false }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: true, present: false }
}

const fn choice(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: false, present: true }
}

impl Message {
    /// `pb.Op`.
    ///
    /// # Errors
    /// Bytes that are no such message.
    pub(crate) fn op(bytes: &[u8]) -> Result<Self, Malformed> {
        read(bytes, OP)
    }

    /// `pb.Source`.
    ///
    /// # Errors
    /// Bytes that are no such message.
    pub(crate) fn source(bytes: &[u8]) -> Result<Self, Malformed> {
        read(bytes, &SOURCE)
    }
}

/// Reads a message. Its depth is that of the table, but for definitions inside of source infos: these are read
/// from bytes that we made ourselves.
fn read(mut bytes: &[u8], fields: &'static [Field]) -> Result<Message, Malformed> {
    let mut found: Vec<Option<Value>> = fields.iter().map(|_| None).collect();
    while !bytes.is_empty() {
        let (number, wire) = decode_key(&mut bytes)?;
        let Some(index) = fields.iter().position(|field| field.number == number) else {
            prost::encoding::skip_field(wire, number, &mut bytes, DecodeContext::default())?;
            continue;
        };
        let (field, slot) = (&fields[index], &mut found[index]);
        if wire == WireType::Varint {
            let value = number_of(field.kind, decode_varint(&mut bytes)?);
            put(slot, field, value);
        } else {
            let body = delimited(&mut bytes)?;
            match field.kind {
                Kind::Map(kind) => {
                    let entry = entry(body, *kind)?;
                    match slot {
                        Some(Value::Map(entries)) => entries.push(entry),
                        _ => *slot = Some(Value::Map(vec![entry])),
                    }
                }
                Kind::Text | Kind::Bytes | Kind::Message(_) => {
                    let value = delimited_value(field.kind, body)?;
                    put(slot, field, value);
                }
                kind => {
                    let mut packed = body;
                    while !packed.is_empty() {
                        let value = number_of(kind, decode_varint(&mut packed)?);
                        put(slot, field, value);
                    }
                }
            }
        }
    }
    let members = fields.iter().zip(found).filter_map(|(field, value)| {
        let mut value = value.filter(|value| field.present || field.repeated || !value.is_zero())?;
        if let Value::Map(entries) = &mut value {
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        Some((field.name, value))
    });
    Ok(Message { members: members.collect() })
}

fn put(slot: &mut Option<Value>, field: &Field, value: Value) {
    match slot {
        Some(Value::List(list)) if field.repeated => list.push(value),
        slot => *slot = Some(if field.repeated { Value::List(vec![value]) } else { value }),
    }
}

fn delimited<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = prost::decode_length_delimiter(&mut *bytes)?;
    let Some((body, rest)) = bytes.split_at_checked(length) else {
        return Err(Malformed);
    };
    *bytes = rest;
    Ok(body)
}

fn delimited_value(kind: Kind, body: &[u8]) -> Result<Value, Malformed> {
    Ok(match kind {
        Kind::Message(fields) => Value::Message(read(body, fields)?),
        Kind::Bytes => Value::Text(STANDARD.encode(body)),
        _ => Value::Text(String::from_utf8_lossy(body).into_owned()),
    })
}

/// One entry of a map: key in field 1, value in field 2.
fn entry(mut body: &[u8], kind: Kind) -> Result<(String, Value), Malformed> {
    let mut key = String::new();
    let mut value = kind.zero();
    while !body.is_empty() {
        let (number, wire) = decode_key(&mut body)?;
        if wire == WireType::Varint {
            value = number_of(kind, decode_varint(&mut body)?);
            continue;
        }
        let inner = delimited(&mut body)?;
        if number == 1 {
            key = String::from_utf8_lossy(inner).into_owned();
        } else {
            value = delimited_value(kind, inner)?;
        }
    }
    Ok((key, value))
}

#[expect(clippy::cast_possible_wrap, reason = "protobuf writes negative numbers as their two's complement")]
#[expect(clippy::cast_possible_truncation, reason = "32-bit fields keep the low half")]
fn number_of(kind: Kind, raw: u64) -> Value {
    match kind {
        Kind::Bool => Value::Bool(raw != 0),
        Kind::Int64 => Value::Text((raw as i64).to_string()),
        Kind::Uint64 => Value::Text(raw.to_string()),
        Kind::Uint32 => Value::Number(i64::from(raw as u32)),
        Kind::Enum(names) => match usize::try_from(raw).ok().and_then(|index| names.get(index)) {
            Some(name) => Value::Text((*name).to_owned()),
            None => Value::Number(raw as i64),
        },
        _ => Value::Number(i64::from(raw as i32)),
    }
}

impl Kind {
    fn zero(self) -> Value {
        match self {
            Self::Message(_) => Value::Message(Message { members: Vec::new() }),
            Self::Text | Self::Bytes => Value::Text(String::new()),
            kind => number_of(kind, 0),
        }
    }
}

impl Value {
    /// What a field without presence leaves out. Encoders write no zero numbers at all.
    fn is_zero(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Message(message) => message.serialize(serializer),
            Self::List(list) => list.serialize(serializer),
            Self::Map(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key.as_str(), value)))
            }
        }
    }
}

// The messages of proto/ops.proto.

static OP: &[Field] = &[
    many(1, "inputs", Kind::Message(INPUT)),
    choice(2, "exec", Kind::Message(EXEC)),
    choice(3, "source", Kind::Message(SOURCE_OP)),
    choice(4, "file", Kind::Message(FILE)),
    choice(6, "merge", Kind::Message(&[many(1, "inputs", Kind::Message(OPERAND))])),
    choice(7, "diff", Kind::Message(DIFF)),
    choice(8, "passthrough", Kind::Message(PASSTHROUGH)),
    one(10, "platform", Kind::Message(PLATFORM)),
    one(11, "constraints", Kind::Message(&[many(1, "filter", Kind::Text)])),
];

const INPUT: &[Field] = &[one(1, "digest", Kind::Text), one(2, "index", Kind::Int64)];

const PLATFORM: &[Field] = &[
    one(1, "Architecture", Kind::Text),
    one(2, "OS", Kind::Text),
    one(3, "Variant", Kind::Text),
    one(4, "OSVersion", Kind::Text),
    many(5, "OSFeatures", Kind::Text),
];

const EXEC: &[Field] = &[
    one(1, "meta", Kind::Message(META)),
    many(2, "mounts", Kind::Message(MOUNT)),
    one(3, "network", Kind::Enum(&["UNSET", "HOST", "NONE"])),
    one(4, "security", Kind::Enum(&["SANDBOX", "INSECURE"])),
    many(
        5,
        "secretenv",
        Kind::Message(&[
            one(1, "ID", Kind::Text),
            one(2, "name", Kind::Text),
            one(3, "optional", Kind::Bool),
        ]),
    ),
    many(6, "cdiDevices", Kind::Message(&[one(1, "name", Kind::Text), one(2, "optional", Kind::Bool)])),
];

const META: &[Field] = &[
    many(1, "args", Kind::Text),
    many(2, "env", Kind::Text),
    one(3, "cwd", Kind::Text),
    one(4, "user", Kind::Text),
    one(5, "proxyEnv", Kind::Message(PROXY)),
    many(6, "extraHosts", Kind::Message(&[one(1, "Host", Kind::Text), one(2, "IP", Kind::Text)])),
    one(7, "hostname", Kind::Text),
    many(9, "ulimit", Kind::Message(ULIMIT)),
    one(10, "cgroupParent", Kind::Text),
    one(11, "removeMountStubsRecursive", Kind::Bool),
    many(12, "validExitCodes", Kind::Int32),
];

const PROXY: &[Field] = &[
    one(1, "httpProxy", Kind::Text),
    one(2, "httpsProxy", Kind::Text),
    one(3, "ftpProxy", Kind::Text),
    one(4, "noProxy", Kind::Text),
    one(5, "allProxy", Kind::Text),
];

const ULIMIT: &[Field] =
    &[one(1, "Name", Kind::Text), one(2, "Soft", Kind::Int64), one(3, "Hard", Kind::Int64)];

const MOUNT: &[Field] = &[
    one(1, "input", Kind::Int64),
    one(2, "selector", Kind::Text),
    one(3, "dest", Kind::Text),
    one(4, "output", Kind::Int64),
    one(5, "readonly", Kind::Bool),
    one(6, "mountType", Kind::Enum(&["BIND", "SECRET", "SSH", "CACHE", "TMPFS"])),
    one(19, "TmpfsOpt", Kind::Message(&[one(1, "size", Kind::Int64)])),
    one(20, "cacheOpt", Kind::Message(CACHE)),
    one(21, "secretOpt", Kind::Message(SECRET)),
    one(22, "SSHOpt", Kind::Message(SECRET)),
    one(23, "resultID", Kind::Text),
    one(24, "contentCache", Kind::Enum(&["DEFAULT", "ON", "OFF"])),
];

const CACHE: &[Field] =
    &[one(1, "ID", Kind::Text), one(2, "sharing", Kind::Enum(&["SHARED", "PRIVATE", "LOCKED"]))];

const SECRET: &[Field] = &[
    one(1, "ID", Kind::Text),
    one(2, "uid", Kind::Uint32),
    one(3, "gid", Kind::Uint32),
    one(4, "mode", Kind::Uint32),
    one(5, "optional", Kind::Bool),
];

const SOURCE_OP: &[Field] = &[one(1, "identifier", Kind::Text), one(2, "attrs", Kind::Map(&Kind::Text))];

const OPERAND: &[Field] = &[one(1, "input", Kind::Int64)];

const DIFF: &[Field] = &[one(1, "lower", Kind::Message(OPERAND)), one(2, "upper", Kind::Message(OPERAND))];

const PASSTHROUGH: &[Field] = &[one(1, "id", Kind::Text), many(2, "outputs", Kind::Int64)];

const FILE: &[Field] = &[many(2, "actions", Kind::Message(ACTION))];

const ACTION: &[Field] = &[
    one(1, "input", Kind::Int64),
    one(2, "secondaryInput", Kind::Int64),
    one(3, "output", Kind::Int64),
    choice(4, "copy", Kind::Message(COPY)),
    choice(5, "mkfile", Kind::Message(MKFILE)),
    choice(6, "mkdir", Kind::Message(MKDIR)),
    choice(7, "rm", Kind::Message(RM)),
    choice(8, "symlink", Kind::Message(SYMLINK)),
];

const COPY: &[Field] = &[
    one(1, "src", Kind::Text),
    one(2, "dest", Kind::Text),
    one(3, "owner", Kind::Message(OWNER)),
    one(4, "mode", Kind::Int32),
    one(5, "followSymlink", Kind::Bool),
    one(6, "dirCopyContents", Kind::Bool),
    one(7, "attemptUnpackDockerCompatibility", Kind::Bool),
    one(8, "createDestPath", Kind::Bool),
    one(9, "allowWildcard", Kind::Bool),
    one(10, "allowEmptyWildcard", Kind::Bool),
    one(11, "timestamp", Kind::Int64),
    many(12, "includePatterns", Kind::Text),
    many(13, "excludePatterns", Kind::Text),
    one(14, "alwaysReplaceExistingDestPaths", Kind::Bool),
    one(15, "modeStr", Kind::Text),
    many(16, "requiredPaths", Kind::Text),
];

const MKFILE: &[Field] = &[
    one(1, "path", Kind::Text),
    one(2, "mode", Kind::Int32),
    one(3, "data", Kind::Bytes),
    one(4, "owner", Kind::Message(OWNER)),
    one(5, "timestamp", Kind::Int64),
];

const MKDIR: &[Field] = &[
    one(1, "path", Kind::Text),
    one(2, "mode", Kind::Int32),
    one(3, "makeParents", Kind::Bool),
    one(4, "owner", Kind::Message(OWNER)),
    one(5, "timestamp", Kind::Int64),
];

const RM: &[Field] =
    &[one(1, "path", Kind::Text), one(2, "allowNotFound", Kind::Bool), one(3, "allowWildcard", Kind::Bool)];

const SYMLINK: &[Field] = &[
    one(1, "oldpath", Kind::Text),
    one(2, "newpath", Kind::Text),
    one(3, "owner", Kind::Message(OWNER)),
    one(4, "timestamp", Kind::Int64),
];

const OWNER: &[Field] = &[one(1, "user", Kind::Message(USER)), one(2, "group", Kind::Message(USER))];

const USER: &[Field] = &[choice(1, "byName", Kind::Message(NAMED_USER)), choice(2, "byID", Kind::Uint32)];

const NAMED_USER: &[Field] = &[one(1, "name", Kind::Text), one(2, "input", Kind::Int64)];

// These three name each other, so they have addresses.

static SOURCE: [Field; 2] = [
    one(1, "locations", Kind::Map(&Kind::Message(&[many(1, "locations", Kind::Message(LOCATION))]))),
    many(2, "infos", Kind::Message(&INFO)),
];

const LOCATION: &[Field] = &[one(1, "sourceIndex", Kind::Int32), many(2, "ranges", Kind::Message(RANGE))];

const RANGE: &[Field] = &[one(1, "start", Kind::Message(POSITION)), one(2, "end", Kind::Message(POSITION))];

const POSITION: &[Field] = &[one(1, "line", Kind::Int32), one(2, "character", Kind::Int32)];

static INFO: [Field; 4] = [
    one(1, "filename", Kind::Text),
    one(2, "data", Kind::Bytes),
    one(3, "definition", Kind::Message(&DEFINITION)),
    one(4, "language", Kind::Text),
];

static DEFINITION: [Field; 3] = [
    many(1, "def", Kind::Bytes),
    one(2, "metadata", Kind::Map(&Kind::Message(OP_METADATA))),
    one(3, "Source", Kind::Message(&SOURCE)),
];

const OP_METADATA: &[Field] = &[
    one(1, "ignoreCache", Kind::Bool),
    one(2, "description", Kind::Map(&Kind::Text)),
    one(4, "exportCache", Kind::Message(&[one(1, "Value", Kind::Bool)])),
    one(5, "caps", Kind::Map(&Kind::Bool)),
    one(
        6,
        "progressGroup",
        Kind::Message(&[one(1, "id", Kind::Text), one(2, "name", Kind::Text), one(3, "weak", Kind::Bool)]),
    ),
    one(7, "linuxResources", Kind::Message(RESOURCES)),
];

const RESOURCES: &[Field] = &[
    one(1, "memory", Kind::Int64),
    one(2, "memorySwap", Kind::Int64),
    one(3, "cpuShares", Kind::Uint64),
    one(4, "cpuPeriod", Kind::Uint64),
    one(5, "cpuQuota", Kind::Int64),
    one(6, "cpusetCpus", Kind::Text),
    one(7, "cpusetMems", Kind::Text),
];
