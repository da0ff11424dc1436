//! ld.so.conf with includes that name itself and each other.
#![no_main]

use decant::closure::search::ldconf;
use decant_fuzz::Files;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let root = Files::split(data, &["/etc/ld.so.conf", "/etc/ld.so.conf.d/a.conf", "/etc/ld.so.conf.d/b.conf"]);
    let _ = ldconf::directories(&root);
});
