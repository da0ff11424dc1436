//! Facts of small synthesised files, and that damaged files do no harm.

use super::symbols::{self, Wanted};
use super::*;
use crate::closure::strings::{self, Texts};
use crate::rootfs::tree::elf::ElfText;
use proptest::prelude::*;

fn file(words: &str) -> Vec<u8> {
    let mut text = ElfText::default();
    for word in words.split('|').map(str::trim).filter(|word| !word.is_empty()) {
        text.set(word.as_bytes()).unwrap();
    }
    text.bytes()
}

const RICH: &str = "soname=libx.so.1|interp=/lib64/ld-linux-x86-64.so.2|needed=libz.so.1,libc.so.6|runpath=$ORIGIN/../lib\
    |rpath=/r|verneed=libc.so.6:GLIBC_2.34+GLIBC_2.38?,libz.so.1:ZLIB_1|verdef=X_1,X_2|import=getaddrinfo@GLIBC_2.34,free\
    |export=x_open|pie|nodeflib|filter=f|auxiliary=a|audit=u|depaudit=d|string=/usr/share/zoneinfo/|string=words|go\
    |dlopen=[{\"soname\":[\"libp11-kit.so.0\"],\"feature\":\"p11kit\",\"priority\":\"suggested\"},{\"soname\":\"libq.so\"}]";

#[test]
fn facts_are_the_same_for_all_classes_and_byte_orders() {
    for machine in ["x86-64", "i386", "aarch64", "s390x", "mips"] {
        let bytes = file(&format!("machine={machine}|{RICH}"));
        let elf = parse(&bytes[..]).unwrap().unwrap();
        assert_eq!(elf.shape, Shape::Dynamic, "{machine}");
        assert_eq!(elf.interp.as_deref(), Some(&b"/lib64/ld-linux-x86-64.so.2"[..]));
        assert_eq!(elf.needed, [&b"libz.so.1"[..], b"libc.so.6"]);
        assert_eq!(
            (elf.rpath.as_deref(), elf.runpath.as_deref()),
            (Some(&b"/r"[..]), Some(&b"$ORIGIN/../lib"[..]))
        );
        assert_eq!(elf.version_needs.len(), 2);
        assert_eq!(elf.version_needs[0].library, b"libc.so.6");
        assert!(elf.version_needs[0].versions[1].weak && !elf.version_needs[0].versions[0].weak);
        assert_eq!(elf.version_defs, BTreeSet::from([b"X_1".to_vec(), b"X_2".to_vec()]));
        assert!(elf.pie && elf.no_default_lib && elf.go && !elf.fixed);
        assert_eq!((&elf.filter[0][..], &elf.auxiliary[0][..]), (&b"f"[..], &b"a"[..]));
        assert_eq!(elf.dlopen[0].priority, DlopenPriority::Suggested);
        assert_eq!(elf.dlopen[1].sonames, ["libq.so"]);
        assert_eq!(elf.dlopen[1].priority, DlopenPriority::Recommended);
        let symbols = symbols::read(&bytes[..], Wanted::All).unwrap();
        assert!(symbols.wants(b"getaddrinfo") && symbols.wants(b"free") && !symbols.wants(b"x_open"));
        assert!(symbols.defines(b"x_open"));
        assert_eq!(symbols.undefined[1].version.as_deref(), Some(&b"GLIBC_2.34"[..]));
        assert!(
            strings::absolute_paths(&bytes[..], Texts::Ended).unwrap().contains(&b"/usr/share/zoneinfo/"[..])
        );
    }
}

#[test]
fn shapes() {
    for (words, expected) in [
        ("static", Shape::Static),
        ("pie", Shape::StaticPie),
        ("fixed", Shape::Static),
        ("soname=a", Shape::SharedObject),
        ("needed=a", Shape::SharedObject),
        ("", Shape::SharedObject),
        ("interp=/l", Shape::Dynamic),
        ("fixed|interp=/l", Shape::Dynamic),
    ] {
        assert_eq!(parse(&file(words)[..]).unwrap().unwrap().shape, expected, "{words}");
    }
}

#[test]
fn what_is_no_elf_file_is_none_and_what_is_cut_is_an_error() {
    assert_eq!(parse(&b"#!/bin/sh\n"[..]).unwrap(), None);
    assert_eq!(parse(&b""[..]).unwrap(), None);
    let whole = file(RICH);
    for (length, expected) in [
        (4, "its header lies outside the file"),
        (40, "its header lies outside the file"),
        (100, "its program header table lies outside the file"),
        (whole.len() - 8, "its dynamic section lies outside the file"),
    ] {
        assert_eq!(parse(&whole[..length]).unwrap_err().to_string(), expected, "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn damaged_files_do_no_harm(
        machine in prop::sample::select(vec!["x86-64", "i386", "s390x", "mips"]),
        changes in prop::collection::vec((0_usize..4096, any::<u8>()), 1..12),
        length in 0_usize..4096,
    ) {
        let mut bytes = file(&format!("machine={machine}|{RICH}"));
        let whole = bytes.len();
        for (at, byte) in changes {
            bytes[at % whole] = byte;
        }
        bytes.truncate(length.max(whole / 2));
        let _ = parse(&bytes[..]);
        let _ = symbols::read(&bytes[..], Wanted::All);
        let _ = go::read(&bytes[..]);
        let _ = strings::absolute_paths(&bytes[..], Texts::Ended);
    }
}
