//! The environment of a frontend: one option a line.
#![no_main]

use decant::options::BuildOptions;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = text.lines().enumerate();
    let env = lines.map(|(number, line)| match line.strip_prefix('!') {
        Some(plain) => plain.split_once('=').map_or((plain.to_owned(), String::new()), |(a, b)| (a.to_owned(), b.to_owned())),
        None => (format!("BUILDKIT_FRONTEND_OPT_{number}"), line.to_owned()),
    });
    if let Err(error) = BuildOptions::from_env(env) {
        assert!(!error.message.is_empty());
    }
});
