//! A manifest as images hold it, packed and plain.
#![no_main]

use decant::distill::manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = manifest::unpack(data);
    if let Ok(read) = manifest::parse_manifest(data) {
        assert_eq!(manifest::unpack(&manifest::pack(&read)).expect("what was packed can be unpacked"), read);
    }
});
