//! A .dockerignore file: the last line is a path that is matched.
#![no_main]

use decant::dockerfile::ignore;
use decant::dockerfile::pattern::PatternSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(lines) = ignore::parse_ignore(data) else { return };
    let path = data.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if let Ok(patterns) = PatternSet::new(lines.iter().map(String::as_str)) {
        let _ = patterns.matches_or_parent(path);
        let _ = patterns.covers_root();
    }
});
