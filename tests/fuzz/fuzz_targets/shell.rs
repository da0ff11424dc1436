//! A shell script, read as one for dash or for bash (its length says which): nesting and time are bounded.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use decant::closure::script::{Context, Dialect, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let context = Context {
        environment: &BTreeMap::from([("A".to_owned(), "value /etc/x".to_owned())]),
        name: &Some("/entrypoint.sh".to_owned()),
        directory: "/srv",
        dialect: if data.len() % 2 == 0 { Dialect::Posix } else { Dialect::Bash },
        wrappers: &[],
        known: &BTreeMap::new(),
        functions: &BTreeSet::new(),
    };
    let _ = read(text, &context);
});
