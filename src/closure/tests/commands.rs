//! Programs that the commands name, shell forms, wrappers and scripts.

use super::snapshot;

#[test]
fn a_program_that_is_not_copied_is_found_on_the_path_of_the_stage() {
    snapshot!(
        "source build
           debian
           /usr/local/bin/app elf needed=libm.so.6 interp=/lib64/ld-linux-x86-64.so.2
         cmd app --now"
    );
}

#[test]
fn a_program_that_is_nowhere_is_an_error() {
    snapshot!(
        "source build
           debian
           /out/app elf static
         step COPY --from=build /out/app /app
         entrypoint aap"
    );
}

#[test]
fn without_a_source_the_error_asks_for_one() {
    snapshot!("entrypoint /server");
}

#[test]
fn the_arguments_of_the_entrypoint_name_files() {
    snapshot!(
        "source build
           debian
           /usr/bin/app elf static
           /srv/app/main.cfg text \"x\"
           /srv/app/parts/a text \"x\"
           /etc/app.conf text \"x\"
         workdir /srv/app
         entrypoint app --config=/etc/app.conf main.cfg
         cmd parts /usr /"
    );
}

#[test]
fn a_shell_form_that_needs_no_shell_is_written_in_exec_form() {
    snapshot!(
        "source build
           debian
           /out/app elf static
         step COPY --from=build /out/app /usr/bin/app
         entrypoint-shell exec app 'a b'
         cmd ignored
         healthcheck-shell app --check || exit 1"
    );
}

#[test]
fn a_shell_form_that_needs_a_shell_brings_it() {
    snapshot!(
        "source build
           debian
           /out/app elf static
         step COPY --from=build /out/app /usr/bin/app
         cmd-shell id && app --port $PORT"
    );
}

#[test]
fn wrappers_are_seen_through() {
    snapshot!(
        "source build
           debian
           /usr/bin/tini elf static
           /usr/sbin/gosu elf static
           /out/app elf needed=libm.so.6 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /usr/bin/app
         env PATH=/usr/sbin:/usr/bin
         entrypoint tini -e 143 -- env A=1 gosu www-data
         cmd app --x"
    );
}

#[test]
fn a_script_brings_its_shell_and_what_it_calls() {
    snapshot!(
        "source build
           debian
           /src/entry.sh text \"#!/bin/sh\\nid -u\\nexec \\\"$@\\\"\\n\" 0755
           /out/app elf static
           /usr/bin/app elf needed=libm.so.6 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /src/entry.sh /entry.sh
         entrypoint /entry.sh
         cmd app"
    );
}

#[test]
fn a_script_without_its_interpreter_is_an_error() {
    snapshot!(
        "source build
           /src/entry text \"#!/usr/bin/python3 -u\\n\" 0755
         step COPY --from=build /src/entry /entry
         entrypoint /entry"
    );
}

#[test]
fn env_in_a_script_names_the_interpreter() {
    snapshot!(
        "source build
           debian
           /usr/bin/python3 -> python3.11
           /usr/bin/python3.11 elf needed=libm.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /src/main text \"#!/usr/bin/env python3\\n\" 0755
         step COPY --from=build /src/main /main
         entrypoint /main"
    );
}

#[test]
fn further_programs_come_with_their_libraries() {
    snapshot!(
        "source build
           debian
           /out/app elf static
         step COPY --from=build /out/app /app
         program id
         entrypoint /app"
    );
}

#[test]
fn a_script_in_a_copied_directory_brings_no_shell() {
    snapshot!(
        "source build
           debian
           /out/app elf static
           /out/tools/run.sh text \"#!/bin/sh\\nid\\n\" 0755
         step COPY --from=build /out /app
         entrypoint /app/app"
    );
}

#[test]
fn a_healthcheck_whose_program_the_ordinary_image_lacks_is_told() {
    snapshot!(
        "mode unmodified
         source final base=/base
           debian
           /srv/app elf static
         cmd /srv/app
         healthcheck-shell curl -f http://localhost/ || exit 1"
    );
}

#[test]
fn a_command_behind_the_own_words_of_a_script() {
    snapshot!(
        "source build
           debian
           /src/wait.sh text \"#!/bin/sh\\nhost=$1\\nshift 2\\nuntil nc -z $host; do sleep 1; done\\nexec \\\"$@\\\"\\n\" 0755
           /out/app elf static
           /usr/bin/app elf needed=libm.so.6 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /src/wait.sh /wait.sh
         entrypoint /wait.sh db:5432 --
         cmd app"
    );
}

#[test]
fn a_program_without_the_x_bit_is_told_as_such() {
    snapshot!(
        "mode unmodified
         source final base=/base
           debian
           /srv/start.sh text \"#!/bin/sh\\n\"
         cmd /srv/start.sh"
    );
}

#[test]
fn a_script_that_nobody_holds_is_told() {
    snapshot!(
        "mode unmodified
         source final base=/base
           debian
           /usr/bin/python3 -> python3.11
           /usr/bin/python3.11 elf needed=libm.so.6 interp=/lib64/ld-linux-x86-64.so.2
         workdir /app
         cmd python3 -u server.py --port 80"
    );
}
