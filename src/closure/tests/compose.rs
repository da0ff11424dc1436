//! The stage's own instructions: where files go, what stays out, whose they are.

use super::snapshot;

#[test]
fn destinations_go_through_the_merge_links_of_the_source() {
    snapshot!(
        "source build
           debian
           /out/lib/libx.so elf soname=libx.so
         step COPY --from=build /out/lib /lib/app"
    );
}

#[test]
fn a_later_instruction_wins() {
    snapshot!(
        "source build
           debian
           /a text \"one\"
           /b text \"two\" 0600
         step COPY --from=build /a /etc/app.conf
         step COPY --from=build /b /etc/app.conf"
    );
}

#[test]
fn secrets_in_a_directory_stay_out_and_those_named_are_told() {
    snapshot!(
        "source build
           debian
           /src/.env text \"TOKEN=1\"
           /src/.env.example text \"TOKEN=\"
           /src/.git/config text \"x\"
           /src/id_rsa text \"x\"
           /src/server.key text \"-----BEGIN PRIVATE KEY-----\\nx\\n\"
           /src/public.pem text \"-----BEGIN CERTIFICATE-----\\nx\\n\"
           /src/key.py text \"print()\"
         step COPY --from=build /src /app
         step COPY --from=build /src/.env /app/.env"
    );
}

#[test]
fn a_secret_directory_that_is_named_is_copied() {
    snapshot!(
        "source build
           debian
           /root/.ssh/id_rsa text \"x\"
         step COPY --from=build /root/.ssh /home/nonroot/.ssh"
    );
}

#[test]
fn privileges_are_taken_from_files_that_only_lie_in_a_directory() {
    snapshot!(
        "source build
           debian
           /out/su elf static 04755
           /out/ping elf static xattr.security.capability=x
         step COPY --from=build /out /app
         step COPY --from=build /out/su /usr/bin/su"
    );
}

#[test]
fn devices_and_deletion_marks_stay_out() {
    snapshot!(
        "source build
           debian
           /out/pipe fifo
           /out/disk blockdev
           /out/.wh.gone text \"\"
           /out/file text \"\"
         step COPY --from=build /out /app"
    );
}

#[test]
fn owners_by_name_come_from_the_base_set_and_the_sources() {
    snapshot!(
        "source build
           debian
           /out/site/index.html text \"hi\"
         step COPY --from=build --chown=www-data:nonroot /out/site /srv/www
         step COPY --from=build --chown=nobody /out/site/index.html /srv/index.html"
    );
}

#[test]
fn an_unknown_owner_is_an_error_at_its_instruction() {
    snapshot!(
        "source build
           debian
           /out/app elf static
         step COPY --from=build --chown=nginx:web /out/app /app
         entrypoint /app"
    );
}

#[test]
fn a_directory_that_is_there_keeps_its_mode_only_as_the_destination() {
    snapshot!(
        "source build
           debian
           /out/etc/ 0700
           /out/etc/app/ 0750
           /out/etc/app/x text \"\"
         step COPY --from=build /out/etc /etc"
    );
}

#[test]
fn parents_are_kept_on_request() {
    snapshot!(
        "source build
           debian
           /out/bin/app elf needed=libapp.so runpath=$ORIGIN/../lib interp=/lib64/ld-linux-x86-64.so.2
           /out/lib/libapp.so elf soname=libapp.so
         step COPY --from=build --parents /out/./bin/app /opt/
           /opt/bin/app elf needed=libapp.so runpath=$ORIGIN/../lib interp=/lib64/ld-linux-x86-64.so.2
         entrypoint /opt/bin/app"
    );
}

#[test]
fn a_wildcard_names_no_file_itself() {
    snapshot!(
        "source build
           debian
           /out/one elf needed=libnone.so interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/* /app/
           /app/one elf needed=libnone.so interp=/lib64/ld-linux-x86-64.so.2"
    );
}

#[test]
fn hard_links_and_foreign_names_stay() {
    snapshot!(
        "source build
           debian
           /out/a text \"x\"
           /out/b = /out/a
           \"/out/caf\\xe9\" text \"x\"
         step COPY out /app
           /app/a text \"x\"
           /app/b = /app/a
           \"/app/caf\\xe9\" text \"x\""
    );
}

#[test]
fn exclude_wins_over_what_is_not_hard() {
    snapshot!(
        "source build
           debian
           /out/app elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
           /out/debug/symbols text \"x\"
         step COPY --from=build /out /app
         exclude /app/debug
         exclude /usr/lib/x86_64-linux-gnu/libz*
         entrypoint /app/app"
    );
}

#[test]
fn include_brings_what_a_source_has_with_its_closure() {
    snapshot!(
        "source build
           debian
           /opt/data/a.txt text \"x\"
           /opt/data/.env text \"x\"
           /opt/data/tool elf needed=libm.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /out/app elf static
         step COPY --from=build /out/app /app
         include /opt/data
         include /opt/none/*
         entrypoint /app"
    );
}

#[test]
fn a_secret_that_include_names_comes_with_a_warning() {
    snapshot!(
        "source build
           debian
           /srv/.npmrc text \"x\"
           /srv/app/.npmrc text \"x\"
         include /srv/.npmrc
         include /srv/app"
    );
}
