//! Op bytes in the order of Go's deterministic encoder: the daemon encodes every op again before it names
//! the vertex, and only equal bytes keep the digest that our source map refers to.
//!
//! Plain fields come by number, the member of the oneof last; map entries are sorted and write key and value
//! even when they are empty. prost does neither.

use prost::Message;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::image::platform::Platform;
use crate::llb::op::SourceOp;
use crate::proto::pb;

/// The member of `pb.Op`'s oneof.
#[expect(clippy::large_enum_variant, reason = "one lives at a time, on the stack")]
pub(super) enum Member {
    Exec(pb::ExecOp),
    Source(SourceOp),
    File(pb::FileOp),
    Merge(pb::MergeOp),
    Diff(pb::DiffOp),
}

/// The bytes of an op.
pub(super) fn op(inputs: Vec<pb::Input>, platform: Option<&Platform>, member: Member) -> Vec<u8> {
    let frame = pb::Op {
        inputs,
        platform: platform.map(Into::into),
        // The Go client writes it even when it is empty.
        constraints: Some(pb::WorkerConstraints::default()),
        op: None,
    };
    let mut bytes = frame.encode_to_vec();
    let (number, body) = match member {
        Member::Exec(exec) => (2, exec.encode_to_vec()),
        Member::Source(source) => (3, source_op(source)),
        Member::File(file) => (4, file.encode_to_vec()),
        Member::Merge(merge) => (6, merge.encode_to_vec()),
        Member::Diff(diff) => (7, diff.encode_to_vec()),
    };
    field(&mut bytes, number, &body);
    bytes
}

/// The bytes of the op that names the result.
pub(super) fn terminal_op(result: pb::Input) -> Vec<u8> {
    pb::Op { inputs: vec![result], ..pb::Op::default() }.encode_to_vec()
}

/// `sha256:…` of the bytes of an op.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

fn source_op(source: SourceOp) -> Vec<u8> {
    let mut bytes = Vec::new();
    if !source.identifier.is_empty() {
        field(&mut bytes, 1, source.identifier.as_bytes());
    }
    for (key, value) in source.attrs {
        let mut entry = Vec::with_capacity(key.len() + value.len() + 8);
        field(&mut entry, 1, key.as_bytes());
        field(&mut entry, 2, value.as_bytes());
        field(&mut bytes, 2, &entry);
    }
    bytes
}

/// Appends a length-delimited field.
fn field(bytes: &mut Vec<u8>, number: u8, body: &[u8]) {
    const LENGTH_DELIMITED: u8 = 2;
    bytes.push(number << 3 | LENGTH_DELIMITED);
    prost::encode_length_delimiter(body.len(), bytes).expect("a vector grows as needed");
    bytes.extend_from_slice(body);
}
