//! Python: its library and packages, environments, what imports and texts show.

use super::case::check;

/// A small interpreter in the layout of the official image.
const PYTHON: &str = r##"
/usr/local/bin/python -> python3
/usr/local/bin/python3 -> python3.12
/usr/local/bin/python3.12 elf needed=libpython3.12.so.1.0,libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 runpath=/usr/local/lib
/usr/local/bin/pip text "#!/usr/local/bin/python3.12\nfrom pip import main\n" 0755
/usr/local/lib/libpython3.12.so.1.0 elf soname=libpython3.12.so.1.0 needed=libm.so.6,libc.so.6
/usr/local/lib/python3.12/os.py text "import stat"
/usr/local/lib/python3.12/encodings/idna.py text ""
/usr/local/lib/python3.12/idlelib/run.py text "import tkinter"
/usr/local/lib/python3.12/test/support/__init__.py text ""
/usr/local/lib/python3.12/sqlite3/__init__.py text ""
/usr/local/lib/python3.12/lib-dynload/zlib.so elf needed=libz.so.1,libc.so.6
/usr/local/lib/python3.12/lib-dynload/_sqlite3.so elf needed=libsqlite3.so.0,libc.so.6
/usr/local/lib/python3.12/lib-dynload/_missing.so elf needed=libnowhere.so.7
/usr/local/lib/python3.12/site-packages/pip/__init__.py text "import sqlite3"
/usr/lib/x86_64-linux-gnu/libsqlite3.so.0 elf soname=libsqlite3.so.0 needed=libc.so.6
/usr/lib/x86_64-linux-gnu/libmagic.so.1 elf soname=libmagic.so.1 needed=libc.so.6
/usr/sbin/ldconfig elf static
"##;

/// A stage that is cut down, with more lines for its tree and for the rest.
fn distilled(tree: &str, rest: &str) -> String {
    check(&format!(
        "source final\n debian\n{PYTHON}\n{tree}\nmode distil\nenv PATH=/usr/local/bin:/usr/bin\n{rest}"
    ))
}

fn show(name: &str, set: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, set);
    });
}

#[test]
fn the_library_comes_without_what_installs_and_tests() {
    show("the_library_comes_without_what_installs_and_tests", &distilled("", "cmd python3 -c pass"));
}

#[test]
fn an_import_brings_an_optional_module_with_its_library() {
    show(
        "an_import_brings_an_optional_module_with_its_library",
        &distilled(
            "/app/main.py text \"try: import sqlite3\\nexcept ImportError: pass\"",
            "workdir /app\ncmd python main.py",
        ),
    );
}

#[test]
fn program_text_of_the_command_is_evidence() {
    let set = distilled("", "cmd python3 -Ic __import__('sqlite3')");
    assert!(set.contains("/lib-dynload/_sqlite3.so") && set.contains("/libsqlite3.so.0"), "{set}");
    let set = distilled("", "cmd python3 -Ic sqlite3");
    assert!(!set.contains("_sqlite3.so"), "a word is no import:\n{set}");
}

#[test]
fn an_environment_leads_to_its_packages_and_to_the_library_of_its_base() {
    show("an_environment_leads_to_its_packages_and_to_the_library_of_its_base", &distilled(
        "/venv/pyvenv.cfg text \"home = /usr/local/bin\\ninclude-system-site-packages = false\\nversion = 3.12.1\\n\"
         /venv/bin/python -> /usr/local/bin/python3
         /venv/bin/serve text \"#!/venv/bin/python\\nimport served\\n\" 0755
         /venv/bin/activate text \"x\"
         /venv/lib/python3.12/site-packages/served.py text \"\"
         /venv/lib/python3.12/site-packages/served.pth text \"/src/more\\nimport x\\n\"
         /venv/lib/python3.12/site-packages/pip/__init__.py text \"\"
         /usr/local/lib/python3.12/site-packages/other.py text \"\"
         /src/more/extra.py text \"\"",
        "entrypoint /venv/bin/serve"
    ));
}

#[test]
fn installers_in_a_copied_environment_stay_out() {
    show(
        "installers_in_a_copied_environment_stay_out",
        &check(&format!(
            "source build
           debian
           {PYTHON}
           /venv/pyvenv.cfg text \"home = /usr/local/bin\\nversion = 3.12.1\\n\"
           /venv/bin/python -> /usr/local/bin/python3
           /venv/bin/pip text \"#!/venv/bin/python\\n\" 0755
           /venv/bin/activate text \"x\"
           /venv/lib/python3.12/site-packages/served/__main__.py text \"\"
           /venv/lib/python3.12/site-packages/pip/__init__.py text \"import sqlite3\"
         step COPY --from=build /venv /venv
         entrypoint /venv/bin/python -m served"
        )),
    );
}

#[test]
fn libraries_that_source_text_opens_by_name() {
    show(
        "libraries_that_source_text_opens_by_name",
        &distilled(
            "/app/main.py text \"from ctypes import util, CDLL\\nCDLL(util.find_library('magic'))\"",
            "workdir /app\ncmd python main.py",
        ),
    );
}

#[test]
fn a_module_is_looked_up_from_the_working_directory_of_a_source() {
    show(
        "a_module_is_looked_up_from_the_working_directory_of_a_source",
        &check(&format!(
            "source build
           debian
           {PYTHON}
           /app/web/main.py text \"from . import more\"
           /app/web/more.py text \"\"
           /app/web/__pycache__/more.cpython-312.pyc text \"stale\"
           /app/.env text \"SECRET=1\"
         env PATH=/usr/local/bin
         workdir /app
         entrypoint python -m web.main"
        )),
    );
}

#[test]
fn compiled_files_are_used_only_while_they_fit() {
    // Magic number, flags, the time 7, the size 1 or 2.
    let compiled = |size: char| {
        format!(
            "\"\\xcb\\x0d\\x0d\\x0a\\x00\\x00\\x00\\x00\\x07\\x00\\x00\\x00\\x0{size}\\x00\\x00\\x00code\""
        )
    };
    show(
        "compiled_files_are_used_only_while_they_fit",
        &distilled(
            &format!(
                "/app/main.py text \"x\"
             /app/fits.py text \"x\" mtime=7
             /app/__pycache__/fits.cpython-312.pyc text {}
             /app/larger.py text \"x\" mtime=7
             /app/__pycache__/larger.cpython-312.pyc text {}
             /app/newer.py text \"x\" mtime=8
             /app/__pycache__/newer.cpython-312.pyc text {}
             /app/__pycache__/gone.cpython-312.pyc text {}
             /app/__pycache__/fits.cpython-311.pyc text {}",
                compiled('1'),
                compiled('2'),
                compiled('1'),
                compiled('1'),
                compiled('1')
            ),
            "workdir /app\ncmd python main.py",
        ),
    );
}
