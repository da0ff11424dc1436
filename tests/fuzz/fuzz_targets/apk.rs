//! An apk database.
#![no_main]

use decant_fuzz::Files;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let root = Files::split(data, &["/lib/apk/db/installed", "/usr/lib/apk/db/installed"]);
    decant_fuzz::read_packages(&root);
});
