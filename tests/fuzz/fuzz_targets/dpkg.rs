//! A dpkg database: status, lists and checksums of one package.
#![no_main]

use decant_fuzz::Files;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let root = Files::split(
        data,
        &["/var/lib/dpkg/status", "/var/lib/dpkg/info/a.list", "/var/lib/dpkg/info/a.md5sums", "/var/lib/dpkg/status.d/b"],
    );
    decant_fuzz::read_packages(&root);
});
