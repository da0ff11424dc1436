//! A Dockerfile: lines, heredocs, flags, instructions.
#![no_main]

use decant::dockerfile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = dockerfile::parse(data);
});
