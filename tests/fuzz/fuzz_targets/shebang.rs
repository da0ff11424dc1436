//! The first line of a script, and the arguments of `env -S`.
#![no_main]

use decant::closure::shebang::{EnvCall, Shebang};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(line) = Shebang::parse(data) {
        let _ = format!("{line:?}");
    }
    let words: Vec<Vec<u8>> = data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let _ = EnvCall::parse(&words);
});
