//! ELF headers, notes, symbols and versions of a file.
#![no_main]

use decant::closure::elf::symbols::{self, Wanted};
use decant::closure::{elf, strings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = elf::parse(data);
    let _ = symbols::read(data, Wanted::Undefined);
    let _ = symbols::read(data, Wanted::All);
    let _ = strings::scan(data, 5, &mut |_| {});
});
