//! The texts for people.

use super::case::Case;
use crate::closure::report::{explain, manifest_of, text};
use crate::distill::manifest::Manifest;

fn manifest() -> Manifest {
    let case = Case::parse(
        "source build
           debian
           /usr/bin/curl elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
           /out/app elf needed=libz.so.1,libc.so.6 import=pthread_exit string=/usr/share/zoneinfo interp=/lib64/ld-linux-x86-64.so.2
           /out/site/index.html text \"hi\"
         step COPY --from=build /out/app /usr/bin/app
         step COPY --from=build --chown=nonroot /out/site /srv
         nonroot
         entrypoint app",
    );
    manifest_of(&case.plan().expect("it plans"), &case.spec, "decant 0.0.0")
}

#[test]
fn the_table_of_a_set() {
    let text = text(&manifest(), Some((180_000_000, 6_912)));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(text);
    });
}

#[test]
fn the_reason_of_a_path() {
    let manifest = manifest();
    let paths = ["/usr/lib/x86_64-linux-gnu/libz.so.1.2.13", "/srv/index.html", "/lib", "/tmp"];
    let texts: Vec<String> =
        paths.iter().map(|path| explain(&manifest, path).expect("it is in the set")).collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(texts.join("\n"));
    });
    assert_eq!(explain(&manifest, "/bin/sh"), None);
}
