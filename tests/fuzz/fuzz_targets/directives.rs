//! Parser directives, and the policy that `# distroless=` says.
#![no_main]

use decant::dockerfile::directive;
use decant::options::Policy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = directive::syntax(data);
    let _ = directive::check(data);
    let _ = directive::distroless(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.lines();
    match Policy::resolve(lines.next(), lines.next(), lines.next()) {
        Ok(_) => {}
        Err(error) => assert!(!error.diagnostic(None).message.is_empty()),
    }
});
