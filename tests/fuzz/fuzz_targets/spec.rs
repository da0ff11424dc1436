//! The spec of an assemble step: what can be read is written as the same.
#![no_main]

use decant::distill::spec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(read) = spec::from_bytes(data) {
        let bytes = spec::to_bytes(&read);
        let again = spec::from_bytes(&bytes).expect("what was written can be read");
        assert_eq!(bytes, spec::to_bytes(&again));
    }
});
