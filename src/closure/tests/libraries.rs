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

#[test]
fn runpath_is_not_inherited_and_rpath_is() {
    snapshot!(
        "source build
           debian
           /opt/a/libone.so elf soname=libone.so needed=libtwo.so
           /opt/b/libtwo.so elf soname=libtwo.so
           /out/runpath elf needed=libone.so runpath=/opt/a:/opt/b interp=/lib64/ld-linux-x86-64.so.2
           /out/rpath elf needed=libone.so rpath=/opt/a:/opt/b interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/rpath /bin/rpath
         step COPY --from=build /out/runpath /bin/runpath
         entrypoint rpath"
    );
}

#[test]
fn a_library_found_by_the_configuration_gets_a_cache() {
    snapshot!(
        "source build
           debian
           /etc/ld.so.conf text \"/usr/local/lib\\n\"
           /usr/local/lib/liblocal.so.1 elf soname=liblocal.so.1 needed=libc.so.6
           /out/app elf needed=liblocal.so.1 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn a_library_of_the_users_wins_over_the_sources() {
    snapshot!(
        "source build
           debian
           /src/libz.so.1 elf soname=libz.so.1 needed=libc.so.6
           /out/app elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /src/libz.so.1 /usr/lib/x86_64-linux-gnu/libz.so.1
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn variants_for_processors_come_all_and_none_is_hard() {
    snapshot!(
        "source build
           debian
           /usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libz.so.1 elf soname=libz.so.1
           /out/app elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn musl_programs_search_by_musls_rules() {
    snapshot!(
        "source build
           /lib/ld-musl-x86_64.so.1 elf soname=libc.musl-x86_64.so.1 export=__libc_start_main,stdin
           /lib/libc.musl-x86_64.so.1 -> ld-musl-x86_64.so.1
           /usr/lib/libz.so.1 elf soname=libz.so.1 needed=libc.musl-x86_64.so.1
           /out/app elf needed=libz.so.1,libc.musl-x86_64.so.1 interp=/lib/ld-musl-x86_64.so.1
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn a_preloaded_library_comes_and_a_missing_one_warns() {
    snapshot!(
        "source build
           debian
           /usr/lib/x86_64-linux-gnu/libjemalloc.so.2 elf soname=libjemalloc.so.2 needed=libc.so.6
           /out/app elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         env PATH=/bin
         env LD_PRELOAD=libjemalloc.so.2:libnone.so
         entrypoint /app"
    );
}

#[test]
fn a_file_that_is_no_library_stops_the_loader() {
    snapshot!(
        "source build
           debian
           /opt/lib/libz.so.1 text \"GROUP ( libz.so.1.2 )\"
           /out/app elf needed=libz.so.1 runpath=/opt/lib interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn a_missing_library_of_a_program_in_a_copied_directory_is_a_warning() {
    snapshot!(
        "source build
           debian
           /out/bin/app elf static
           /out/bin/tool elf needed=libnone.so.1 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/bin /app/bin
         entrypoint /app/bin/app"
    );
}

#[test]
fn a_plugin_that_nothing_loads_brings_its_libraries() {
    snapshot!(
        "source build
           debian
           /out/app elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /out/plugins/one.so elf needed=libz.so.1
         step COPY --from=build /out /app
         entrypoint /app/app"
    );
}

#[test]
fn closure_can_be_switched_off_for_one_copy() {
    snapshot!(
        "source build
           debian
           /out/app elf static
           /out/tool elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         step COPY --from=build --closure=false /out/tool /tool
         entrypoint /app"
    );
}

#[test]
fn a_libraries_name_in_the_data_is_opened_or_missed() {
    snapshot!(
        "source build
           debian
           /out/app elf needed=libc.so.6 import=dlopen string=libz.so.1 string=libnone.so.7 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn names_of_libraries_that_no_program_makes_it_open_bring_nothing() {
    snapshot!(
        "source build
           debian
           /usr/lib/x86_64-linux-gnu/libselinux.so.1 elf soname=libselinux.so.1 needed=libc.so.6 import=dlopen string=libsepol.so.2
           /usr/lib/x86_64-linux-gnu/libsepol.so.2 elf soname=libsepol.so.2 needed=libc.so.6
           /out/app elf needed=libselinux.so.1,libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn dlopen_notes_are_followed_by_priority() {
    snapshot!(
        r#"source build
           debian
           /out/app elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 "dlopen=[{\"soname\":[\"libz.so.1\"],\"priority\":\"recommended\"},{\"soname\":[\"libm.so.6\"],\"priority\":\"suggested\"},{\"soname\":[\"libreq.so.1\"],\"priority\":\"required\"}]"
         step COPY --from=build /out/app /app
         entrypoint /app"#
    );
}

#[test]
fn what_moves_along_wins_over_what_lies_at_the_new_place_in_the_source() {
    snapshot!(
        "source build
           debian
           /out/bin/app elf needed=libapp.so runpath=$ORIGIN/../lib interp=/lib64/ld-linux-x86-64.so.2
           /out/lib/libapp.so elf soname=libapp.so string=mine
           /usr/local/lib/libapp.so elf soname=libapp.so string=another
         step COPY --from=build /out/bin/app /usr/local/bin/app
         entrypoint /usr/local/bin/app"
    );
}

#[test]
fn a_library_that_the_user_put_beside_a_moved_program_wins() {
    snapshot!(
        "source build
           debian
           /out/bin/app elf needed=libapp.so runpath=$ORIGIN/../lib interp=/lib64/ld-linux-x86-64.so.2
           /out/lib/libapp.so elf soname=libapp.so string=old
           /new/libapp.so elf soname=libapp.so string=new
         step COPY --from=build /out/bin/app /app/bin/app
         step COPY --from=build /new/libapp.so /app/lib/libapp.so
         entrypoint /app/bin/app"
    );
}

#[test]
fn a_library_alone_may_need_the_loader_by_name() {
    snapshot!(
        "source build
           debian
           /out/libplug.so elf soname=libplug.so needed=libc.so.6,ld-linux-x86-64.so.2 verneed=ld-linux-x86-64.so.2:GLIBC_2.2.5,libc.so.6:GLIBC_2.34
         step COPY --from=build /out/libplug.so /opt/libplug.so"
    );
}

#[test]
fn a_preload_file_of_the_stage_comes_with_its_libraries() {
    snapshot!(
        "base
           debian
         changed COPY app libhook.so /opt/
           /opt/app elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /usr/lib/x86_64-linux-gnu/libhook.so elf needed=libc.so.6
         changed RUN echo libhook.so > /etc/ld.so.preload
           /etc/ld.so.preload text \"/usr/lib/x86_64-linux-gnu/libhook.so\\n\"
         entrypoint /opt/app"
    );
}
