//! Stages that stay as they are, and the check of their programs.

use super::snapshot;

#[test]
fn a_distroless_stage_is_checked_and_left() {
    snapshot!(
        "mode unmodified
         source gcr.io/distroless/base base=/base
           /lib64/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 string=/lib/x86_64-linux-gnu/\\x00/usr/lib/x86_64-linux-gnu/\\x00/lib/\\x00/usr/lib/
           /lib/x86_64-linux-gnu/libc.so.6 elf soname=libc.so.6 verdef=GLIBC_2.34,GLIBC_2.36
           /hello elf needed=libc.so.6 verneed=libc.so.6:GLIBC_2.34 interp=/lib64/ld-linux-x86-64.so.2
         entrypoint /hello"
    );
}

#[test]
fn a_program_from_a_newer_release_is_an_error() {
    snapshot!(
        "mode unmodified
         source gcr.io/distroless/base base=/base
           /lib64/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 string=/lib/x86_64-linux-gnu/\\x00/usr/lib/x86_64-linux-gnu/\\x00/lib/\\x00/usr/lib/
           /lib/x86_64-linux-gnu/libc.so.6 elf soname=libc.so.6 verdef=GLIBC_2.34,GLIBC_2.36
           /hello elf needed=libc.so.6 verneed=libc.so.6:GLIBC_2.34+GLIBC_2.38+GLIBC_2.39 interp=/lib64/ld-linux-x86-64.so.2
         entrypoint /hello"
    );
}

#[test]
fn a_dynamic_program_on_scratch_is_an_error() {
    snapshot!(
        "mode check
         source final
           /hello elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
         entrypoint /hello"
    );
}

#[test]
fn a_missing_library_on_a_distroless_base_names_the_chain() {
    snapshot!(
        "mode unmodified
         source final base=/base
           /lib64/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 string=/lib/x86_64-linux-gnu/\\x00/usr/lib/x86_64-linux-gnu/\\x00/lib/\\x00/usr/lib/
           /lib/libone.so elf soname=libone.so needed=libtwo.so
           /hello elf needed=libone.so interp=/lib64/ld-linux-x86-64.so.2
         entrypoint /hello"
    );
}

#[test]
fn a_stage_is_distilled_to_what_its_command_needs() {
    snapshot!(
        "mode distil
         source final base=/base
           debian
           /srv/app/server elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
           /srv/app/page.html text \"x\"
         workdir /srv/app
         cmd ./server"
    );
}
