//! A loader cache in either byte order; what was read is written and read again as the same.
#![no_main]

use decant::closure::elf::ByteOrder;
use decant::closure::search::cache::Cache;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let Ok(cache) = Cache::parse(data, order) else { continue };
        let again = Cache::parse(&cache.write(order), order).expect("what was written can be read");
        assert_eq!(cache.write(order), again.write(order));
    }
});
