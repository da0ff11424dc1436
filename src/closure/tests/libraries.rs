//! Programs and their libraries.

use super::snapshot;

#[test]
fn a_static_program_brings_nothing() {
    snapshot!(
        "source build
           debian
           /out/server elf static
         step COPY --from=build /out/server /server
         entrypoint /server"
    );
}

#[test]
fn a_dynamic_program_brings_loader_and_libraries_with_their_links() {
    snapshot!(
        "source build
           debian
           /out/app elf needed=libz.so.1,libm.so.6,libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /usr/bin/app
         cmd app"
    );
}

#[test]
fn a_missing_library_names_the_chain_and_the_directories() {
    snapshot!(
        "source build
           debian
           /usr/lib/x86_64-linux-gnu/libbar.so.2 elf soname=libbar.so.2 needed=libfoo.so.1
           /out/app elf needed=libbar.so.2,libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /usr/bin/app
         entrypoint /usr/bin/app"
    );
}

#[test]
fn what_a_moved_program_finds_beside_itself_moves_along() {
    snapshot!(
        "source build
           debian
           /opt/greeter/bin/greeter elf needed=libgreet.so,libc.so.6 runpath=$ORIGIN/../lib interp=/lib64/ld-linux-x86-64.so.2
           /opt/greeter/lib/libgreet.so -> libgreet.so.1
           /opt/greeter/lib/libgreet.so.1 elf soname=libgreet.so needed=libdeep.so runpath=$ORIGIN/deep
           /opt/greeter/lib/deep/libdeep.so elf soname=libdeep.so
         step COPY --from=build /opt/greeter/bin/greeter /app/bin/greeter
         entrypoint /app/bin/greeter"
    );
}
