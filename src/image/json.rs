//! JSON bytes as Go's `encoding/json` writes them.

use serde::Serialize;

/// Compact JSON with Go's escapes.
pub fn to_vec(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("our types have string keys and no failing parts")
}
