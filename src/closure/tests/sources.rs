//! Several sources, sources that nobody named, and symbol versions.

use super::snapshot;

/// A Debian one release later, with other packages.
const NEWER: &str = "/lib -> usr/lib
           /lib64 -> usr/lib64
           /usr/lib64/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 string=newer
           /usr/lib/x86_64-linux-gnu/libc.so.6 elf soname=libc.so.6 verdef=GLIBC_2.2.5,GLIBC_2.34,GLIBC_2.36,GLIBC_2.41
           /usr/lib/x86_64-linux-gnu/libm.so.6 elf soname=libm.so.6 verdef=GLIBC_2.2.5,GLIBC_2.41
           /etc/os-release text \"ID=debian\\nVERSION_ID=13\\n\"";

#[test]
fn a_version_that_the_source_does_not_have() {
    snapshot!(
        "source build
           debian
           /out/app elf needed=libc.so.6 verneed=libc.so.6:GLIBC_2.2.5+GLIBC_2.38 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn the_c_library_that_satisfies_all_programs_is_taken_whole() {
    let text = format!(
        "source old
           debian
           /out/one elf needed=libc.so.6,libm.so.6 verneed=libc.so.6:GLIBC_2.34 interp=/lib64/ld-linux-x86-64.so.2
         source new
           {NEWER}
           /out/two elf needed=libc.so.6 verneed=libc.so.6:GLIBC_2.41 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=old /out/one /one
         step COPY --from=new /out/two /two
         entrypoint /one
         program /two"
    );
    snapshot!(&text);
}

#[test]
fn the_loader_alone_does_not_choose_the_c_library() {
    snapshot!(
        "source old
           /lib -> usr/lib
           /usr/lib/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 string=older
           /usr/lib/libc.so.6 elf soname=libc.so.6 verdef=GLIBC_2.36
           /usr/lib/libm.so.6 elf soname=libm.so.6 verdef=GLIBC_2.35
           /out/one elf needed=libc.so.6 verneed=libc.so.6:GLIBC_2.36 interp=/lib/ld-linux-x86-64.so.2
         source new
           /lib -> usr/lib
           /usr/lib/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 string=newer
           /usr/lib/libc.so.6 elf soname=libc.so.6 verdef=GLIBC_2.36,GLIBC_2.38
           /usr/lib/libm.so.6 elf soname=libm.so.6 verdef=GLIBC_2.35,GLIBC_2.39
           /out/two elf needed=libc.so.6,libm.so.6 verneed=libc.so.6:GLIBC_2.38 interp=/lib/ld-linux-x86-64.so.2
         step COPY --from=old /out/one /one
         step COPY --from=new /out/two /two
         entrypoint /one
         program /two"
    );
}

#[test]
fn a_library_from_another_stage_chooses_the_c_library_it_needs() {
    let text = format!(
        "source old
           debian
           /out/app elf needed=libplug.so runpath=/opt/lib interp=/lib64/ld-linux-x86-64.so.2
         source new
           {NEWER}
           /out/libplug.so elf soname=libplug.so needed=libc.so.6 verneed=libc.so.6:GLIBC_2.41
         step COPY --from=old /out/app /app
         step COPY --from=new /out/libplug.so /opt/lib/libplug.so
         entrypoint /app"
    );
    snapshot!(&text);
}

#[test]
fn when_no_source_satisfies_all_both_are_named() {
    snapshot!(
        "source one
           debian
           /usr/lib/x86_64-linux-gnu/libfoo.so.1 elf soname=libfoo.so.1 verdef=FOO_1.0,FOO_2.0
           /out/a elf needed=libfoo.so.1 verneed=libfoo.so.1:FOO_2.0 interp=/lib64/ld-linux-x86-64.so.2
         source two
           debian
           /usr/lib/x86_64-linux-gnu/libfoo.so.1 elf soname=libfoo.so.1 verdef=FOO_1.0,BAR_1
           /out/b elf needed=libfoo.so.1 verneed=libfoo.so.1:BAR_1 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=one /out/a /a
         step COPY --from=two /out/b /b
         entrypoint /a
         program /b"
    );
}

#[test]
fn equal_files_of_two_sources_are_no_conflict() {
    snapshot!(
        "source one
           debian
           /out/a elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
         source two
           debian
           /out/b elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=one /out/a /a
         step COPY --from=two /out/b /b
         entrypoint /a"
    );
}

#[test]
fn the_nearest_stage_helps_when_something_is_missing() {
    snapshot!(
        "source build fallback
           debian
         step COPY app /usr/bin/app
           /usr/bin/app elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
         entrypoint app"
    );
}

#[test]
fn the_nearest_stage_stays_out_when_nothing_is_missing() {
    snapshot!(
        "source build fallback
           debian
         step COPY app /usr/bin/app
           /usr/bin/app elf static
         entrypoint app"
    );
}

#[test]
fn a_source_without_merged_directories_fits_a_merged_tree() {
    snapshot!(
        "source build
           debian
           /out/app elf needed=libsplit.so.1 interp=/lib64/ld-linux-x86-64.so.2
         source split
           /lib/x86_64-linux-gnu/libsplit.so.1 elf soname=libsplit.so.1
           /tool elf needed=libsplit.so.1 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         step COPY --from=split /tool /tool
         entrypoint /app"
    );
}
