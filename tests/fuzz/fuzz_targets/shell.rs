//! A shell script, read as one for dash and as one for bash: nesting and time are bounded.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use decant::closure::script::{Context, Dialect, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let environment = BTreeMap::from([("A".to_owned(), "value /etc/x".to_owned())]);
    let (known, functions) = (BTreeMap::new(), BTreeSet::new());
    for dialect in [Dialect::Posix, Dialect::Bash] {
        let context = Context {
            environment: &environment,
            name: &Some("/entrypoint.sh".to_owned()),
            directory: "/srv",
            dialect,
            wrappers: &[],
            known: &known,
            functions: &functions,
        };
        let _ = read(text, &context);
    }
});
