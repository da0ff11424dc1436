//! Searches over text trees; each row's answer was given by a real loader first (glibc 2.36, musl 1.2).

use super::*;
use crate::closure::elf::ByteOrder;
use crate::closure::search::cache::{Cache, CacheEntry};
use crate::rootfs::tree::TreeRootfs;

/// What all the glibc trees have.
const GLIBC: &str = "
    /lib -> usr/lib
    /lib64 -> usr/lib64
    /usr/lib64/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 string=/lib/x86_64-linux-gnu/ \
    string=/usr/lib/x86_64-linux-gnu/ string=/lib/ string=/usr/lib/ \
    \"string=ld.so (Debian GLIBC 2.36-9) stable release version 2.36.\"
    /usr/lib/x86_64-linux-gnu/libc.so.6 elf soname=libc.so.6 needed=ld-linux-x86-64.so.2 verdef=GLIBC_2.2.5,GLIBC_2.34
";

const MUSL: &str = "
    /lib/ld-musl-x86_64.so.1 elf soname=libc.musl-x86_64.so.1 export=__libc_start_main,stdin
";

/// `app` stands for the usual words of a program.
fn tree(base: &str, text: &str, interp: &str) -> TreeRootfs {
    let text = text.replace(" app ", &format!(" elf pie interp={interp} "));
    TreeRootfs::parse(&format!("{base}\n{text}")).unwrap()
}

fn describe(load: &Load) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut lines = Vec::new();
    for loaded in &load.objects {
        let Some(request) = &loaded.request else { continue };
        let rule = match &request.rule {
            Rule::Rpath(of) => format!("rpath of {of}"),
            Rule::Runpath(of) => format!("runpath of {of}"),
            rule => format!("{rule:?}").to_lowercase(),
        };
        let mut line = format!("{} => {} ({rule}", text(&request.name), loaded.object.path);
        if request.through_origin {
            line.push_str(", $ORIGIN");
        }
        if let Some(hwcap) = &request.hwcap {
            line = format!("{line}, {}", text(hwcap));
        }
        for pass in &request.passes {
            line = format!("{line}, through {pass}");
        }
        line.push(')');
        if request.kind != RequestKind::Interpreter && text(&request.name) != "libc.so.6" {
            lines.push(line);
        }
    }
    for problem in &load.problems {
        lines.push(match problem {
            Problem::Missing { by, kind, name, .. } => {
                format!("{} needs {} ({kind:?}), which is missing", load.objects[*by].object.path, text(name))
            }
            Problem::NoBaseline { name, .. } => format!("{} has no baseline", text(name)),
            Problem::Refused { file, .. } => format!("{}: {}", file.path, file.why),
            Problem::Version { by, provider, version, .. } => format!(
                "{}: version `{}' not found (required by {})",
                load.objects[*provider].object.path,
                text(version),
                load.objects[*by].object.path
            ),
        });
    }
    lines
}

fn start(tree: &TreeRootfs, surroundings: &Surroundings, preload: &[Vec<u8>]) -> Vec<String> {
    let objects = Objects::new(tree);
    let program = objects.program(&RootfsPath::from("/app")).unwrap().expect("each tree has /app");
    let interp = RootfsPath::parse(program.elf.interp.as_ref().expect("each /app has an interpreter"));
    let loader = Loader::open(&objects, &interp, program.elf.abi).unwrap();
    describe(&Load::start(&loader, &objects, program, preload, surroundings).unwrap())
}

fn plain() -> Surroundings {
    Surroundings { library_path: None, directory: RootfsPath::from("/work"), secure: false }
}

fn check(summary: &str, text: &str, surroundings: &Surroundings, expected: &[&str]) {
    let found = start(&tree(GLIBC, text, "/lib64/ld-linux-x86-64.so.2"), surroundings, &[]);
    assert_eq!(found, expected, "{summary}");
}

fn glibc(summary: &str, text: &str, expected: &[&str]) {
    check(summary, text, &plain(), expected);
}

fn musl(summary: &str, text: &str, expected: &[&str]) {
    let found = start(&tree(MUSL, text, "/lib/ld-musl-x86_64.so.1"), &plain(), &[]);
    assert_eq!(found, expected, "{summary}");
}

#[test]
fn rpath_and_runpath() {
    glibc(
        "RPATH of the program is inherited",
        "/app app needed=libb.so rpath=/b:/c\n/b/libb.so elf needed=libc2.so\n/c/libc2.so elf",
        &["libb.so => /b/libb.so (rpath of /app)", "libc2.so => /c/libc2.so (rpath of /app)"],
    );
    glibc(
        "RUNPATH of the program is not",
        "/app app needed=libb.so runpath=/b:/c\n/b/libb.so elf needed=libc2.so\n/c/libc2.so elf",
        &["libb.so => /b/libb.so (runpath of /app)", "/b/libb.so needs libc2.so (Needed), which is missing"],
    );
    glibc(
        "RUNPATH of the requester ends the chain of RPATHs",
        "/app app needed=libb.so rpath=/b:/c\n/b/libb.so elf needed=libc2.so runpath=/none\n/c/libc2.so elf",
        &["libb.so => /b/libb.so (rpath of /app)", "/b/libb.so needs libc2.so (Needed), which is missing"],
    );
    glibc(
        "both tags: RPATH is ignored, for others too",
        "/app app needed=libb.so rpath=/c runpath=/b\n/b/libb.so elf needed=libc2.so\n/c/libc2.so elf",
        &["libb.so => /b/libb.so (runpath of /app)", "/b/libb.so needs libc2.so (Needed), which is missing"],
    );
    glibc(
        "RPATH of the library between",
        "/app app needed=libb.so runpath=/b\n/b/libb.so elf needed=libc2.so rpath=/c\n/c/libc2.so elf needed=libd.so\n\
         /c/libd.so elf",
        &[
            "libb.so => /b/libb.so (runpath of /app)",
            "libc2.so => /c/libc2.so (rpath of /b/libb.so)",
            "libd.so => /c/libd.so (rpath of /b/libb.so)",
        ],
    );
    glibc(
        "an empty element is the working directory, an empty list is nothing",
        "/app app needed=libh.so,libi.so runpath=/none:\n/work/libh.so elf needed=libj.so runpath=\n/work/libi.so elf\n\
         /work/libj2.so elf",
        &[
            "libh.so => /work/libh.so (runpath of /app)",
            "libi.so => /work/libi.so (runpath of /app)",
            "/work/libh.so needs libj.so (Needed), which is missing",
        ],
    );
}

#[test]
fn origin_is_real_for_programs_and_as_found_for_libraries() {
    glibc(
        "a program reached by a link",
        "/app -> opt/x/bin/app\n/opt/x/bin/app app needed=libh.so runpath=$ORIGIN/../lib\n/opt/x/lib/libh.so elf",
        &["libh.so => /opt/x/lib/libh.so (runpath of /app, $ORIGIN, through /opt/x/bin)"],
    );
    glibc(
        "a library reached by a link looks beside the link",
        "/app app needed=libb.so runpath=/f\n/f/libb.so -> ../real/libb.so\n\
         /real/libb.so elf needed=libc2.so runpath=$ORIGIN\n/real/libc2.so elf",
        &["libb.so => /f/libb.so (runpath of /app)", "/f/libb.so needs libc2.so (Needed), which is missing"],
    );
    glibc(
        "a parent is taken physically, behind a linked directory",
        "/app app needed=libq.so runpath=/g\n/g -> deep/x\n\
         /deep/x/libq.so elf needed=libc2.so runpath=${ORIGIN}/../lib\n/deep/lib/libc2.so elf",
        &[
            "libq.so => /g/libq.so (runpath of /app)",
            "libc2.so => /deep/lib/libc2.so (runpath of /g/libq.so, $ORIGIN, through /g)",
        ],
    );
    glibc(
        "a directory before `..` must exist",
        "/app app needed=libh.so runpath=/none/../b\n/b/libh.so elf",
        &["/app needs libh.so (Needed), which is missing"],
    );
    glibc(
        "names with a slash are opened as they are",
        "/app app needed=./libs.so,$ORIGIN/libo.so\n/work/libs.so elf soname=other.so\n/libo.so elf",
        &["./libs.so => /work/libs.so (name)", "$ORIGIN/libo.so => /libo.so (name, $ORIGIN)"],
    );
    glibc(
        "$LIB is the compiled-in one",
        "/app app needed=libh.so runpath=/o/$LIB\n/o/lib/x86_64-linux-gnu/libh.so elf",
        &["libh.so => /o/lib/x86_64-linux-gnu/libh.so (runpath of /app)"],
    );
    glibc(
        "$PLATFORM may be several",
        "/app app needed=libh.so runpath=/p/$PLATFORM\n/p/haswell/libh.so elf\n/p/x86_64/libh.so elf",
        &[
            "libh.so => /p/haswell/libh.so (runpath of /app, haswell)",
            "libh.so => /p/x86_64/libh.so (runpath of /app)",
        ],
    );
}

#[test]
fn library_path_of_the_environment() {
    let with = |list: &str| Surroundings { library_path: Some(list.into()), ..plain() };
    let text = "/app app needed=libh.so runpath=/r\n/a/libh.so elf\n/b/libh.so elf\n/r/libh.so elf\n/work/libh.so elf";
    check("before RUNPATH", text, &with("/a"), &["libh.so => /a/libh.so (librarypath)"]);
    check("semicolons separate too", text, &with("/none;/b"), &["libh.so => /b/libh.so (librarypath)"]);
    check(
        "an empty element is the working directory",
        text,
        &with(":/a"),
        &["libh.so => /work/libh.so (librarypath)"],
    );
    check("an empty variable is none", text, &with(""), &["libh.so => /r/libh.so (runpath of /app)"]);
    check("tokens work", text, &with("$ORIGIN/b"), &["libh.so => /b/libh.so (librarypath, $ORIGIN)"]);
    let rpath = text.replace("runpath", "rpath");
    check("after RPATH", &rpath, &with("/a"), &["libh.so => /r/libh.so (rpath of /app)"]);
    let secure = Surroundings { secure: true, ..with("/a") };
    check("ignored for setuid programs", text, &secure, &["libh.so => /r/libh.so (runpath of /app)"]);
    check(
        "$ORIGIN of a setuid program only leads to system directories",
        "/app app needed=libh.so runpath=$ORIGIN/r:$ORIGIN/lib\n/r/libh.so elf\n/usr/lib/libh.so elf",
        &secure,
        &["libh.so => /lib/libh.so (runpath of /app, $ORIGIN)"],
    );
}

#[test]
fn directories_for_certain_processors() {
    glibc(
        "all variants and the baseline",
        "/app app needed=libh.so runpath=/h\n/h/libh.so elf\n/h/glibc-hwcaps/x86-64-v3/libh.so elf needed=libonly3.so\n\
         /h/glibc-hwcaps/x86-64-v2/libh.so elf\n/h/glibc-hwcaps/x86-64-v9/libh.so elf\n/usr/lib/libonly3.so elf",
        &[
            "libh.so => /h/glibc-hwcaps/x86-64-v3/libh.so (runpath of /app, glibc-hwcaps/x86-64-v3)",
            "libh.so => /h/glibc-hwcaps/x86-64-v2/libh.so (runpath of /app, glibc-hwcaps/x86-64-v2)",
            "libh.so => /h/libh.so (runpath of /app)",
            "libonly3.so => /lib/libonly3.so (systemdirectory)",
        ],
    );
    glibc(
        "the baseline may lie in a later directory",
        "/app app needed=libh.so runpath=/h:/i\n/h/glibc-hwcaps/x86-64-v3/libh.so elf\n/i/libh.so elf",
        &[
            "libh.so => /h/glibc-hwcaps/x86-64-v3/libh.so (runpath of /app, glibc-hwcaps/x86-64-v3)",
            "libh.so => /i/libh.so (runpath of /app)",
        ],
    );
    glibc(
        "or nowhere",
        "/app app needed=libh.so runpath=/h\n/h/glibc-hwcaps/x86-64-v4/libh.so elf",
        &[
            "libh.so => /h/glibc-hwcaps/x86-64-v4/libh.so (runpath of /app, glibc-hwcaps/x86-64-v4)",
            "libh.so has no baseline",
        ],
    );
    glibc(
        "old names up to glibc 2.36; `tls` and the machine's name are for every processor",
        "/app app needed=libh.so runpath=/h\n/h/haswell/libh.so elf\n/h/tls/x86_64/libh.so elf\n/h/libh.so elf",
        &["libh.so => /h/tls/x86_64/libh.so (runpath of /app, tls/x86_64)"],
    );
    let newer = GLIBC.replace("2.36", "2.37");
    let found = start(
        &tree(
            &newer,
            "/app app needed=libh.so runpath=/h\n/h/x86_64/libh.so elf\n/h/libh.so elf",
            "/lib64/ld-linux-x86-64.so.2",
        ),
        &plain(),
        &[],
    );
    assert_eq!(found, ["libh.so => /h/libh.so (runpath of /app)"], "gone in 2.37");
}

#[test]
fn default_directories_and_nodeflib() {
    glibc(
        "in the loader's order",
        "/app app needed=libz.so\n/usr/lib/libz.so elf\n/usr/lib/x86_64-linux-gnu/libz.so elf",
        &["libz.so => /lib/x86_64-linux-gnu/libz.so (systemdirectory)"],
    );
    glibc(
        "left out for NODEFLIB",
        "/app app nodeflib needed=libz.so,libc.so.6\n/usr/lib/libz.so elf",
        &["/app needs libz.so (Needed), which is missing", "/app needs libc.so.6 (Needed), which is missing"],
    );
    glibc(
        "only configured, never cached",
        "/app app needed=libz.so\n/etc/ld.so.conf text /usr/local/lib\n/usr/local/lib/libz.so elf",
        &["libz.so => /usr/local/lib/libz.so (cacheconfiguration)"],
    );
}

#[test]
fn the_cache_gives_one_candidate() {
    let entry = |name: &str, path: &str, flags: i32, hwcap: Option<&str>| CacheEntry {
        name: name.into(),
        path: path.into(),
        flags,
        hwcap: hwcap.map(Into::into),
    };
    let cache = Cache {
        entries: vec![
            entry("libz.so.1", "/usr/local/lib/libz.so.1", 0x303, None),
            entry("libz.so.1", "/other/libz.so.1", 0x303, None),
            entry("libz.so.1", "/usr/local/lib/glibc-hwcaps/x86-64-v3/libz.so.1", 0x303, Some("x86-64-v3")),
            entry("libz.so.1", "/usr/lib32/libz.so.1", 3, None),
            entry("libgone.so", "/gone/libgone.so", 0x303, None),
            entry("libsys.so", "/lib/libsys.so", 0x303, None),
        ],
    };
    let bytes: Vec<String> =
        cache.write(ByteOrder::Little).iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let bytes = bytes.concat();
    let rows = format!(
        "/etc/ld.so.cache text \"{bytes}\"\n/other/libz.so.1 elf\n/usr/local/lib/libz.so.1 elf\n/usr/lib/libgone.so elf\n\
         /usr/local/lib/glibc-hwcaps/x86-64-v3/libz.so.1 elf\n/usr/lib/libsys.so elf\n"
    );
    glibc(
        "the best for each processor, by the order of the cache; what is gone falls through",
        &format!("{rows}/app app needed=libz.so.1,libgone.so,libsys.so"),
        &[
            "libz.so.1 => /usr/local/lib/glibc-hwcaps/x86-64-v3/libz.so.1 (cache, x86-64-v3)",
            "libz.so.1 => /other/libz.so.1 (cache)",
            "libgone.so => /lib/libgone.so (systemdirectory)",
            "libsys.so => /lib/libsys.so (cache)",
        ],
    );
    glibc(
        "NODEFLIB refuses hits in system directories",
        &format!("{rows}/app app nodeflib needed=libz.so.1,libsys.so"),
        &[
            "libz.so.1 => /usr/local/lib/glibc-hwcaps/x86-64-v3/libz.so.1 (cache, x86-64-v3)",
            "libz.so.1 => /other/libz.so.1 (cache)",
            "/app needs libsys.so (Needed), which is missing",
        ],
    );
}

#[test]
fn files_that_do_not_fit() {
    let good = "/app app needed=libh.so rpath=/bad:/good\n/good/libh.so elf\n";
    let skipped = &["libh.so => /good/libh.so (rpath of /app)"][..];
    for (summary, bad, expected) in [
        ("another machine is passed over", "/bad/libh.so elf machine=aarch64", skipped),
        ("another class is passed over", "/bad/libh.so elf machine=i386", skipped),
        ("a dangling link is nothing", "/bad/libh.so -> nowhere", skipped),
        (
            "a linker script is fatal",
            "/bad/libh.so text \"/* GNU ld script */ INPUT(libh.so.1) and more words after it\"",
            &["/bad/libh.so: invalid ELF header"],
        ),
        ("an empty file is fatal", "/bad/libh.so", &["/bad/libh.so: file too short"]),
        ("a directory is fatal", "/bad/libh.so/", &["/bad/libh.so: cannot read file data: Is a directory"]),
        (
            "a program is fatal",
            "/bad/libh.so elf pie",
            &["/bad/libh.so: cannot dynamically load position-independent executable"],
        ),
        (
            "a circle of links ends this list",
            "/bad/libh.so -> libh.so",
            &["/app needs libh.so (Needed), which is missing"],
        ),
    ] {
        glibc(summary, &format!("{good}{bad}"), expected);
    }
}

#[test]
fn what_is_loaded_already_is_not_searched() {
    glibc(
        "by soname",
        "/app app needed=libreal.so,libuser.so runpath=/l\n/l/libreal.so elf soname=libalias.so\n\
         /l/libuser.so elf needed=libalias.so\n",
        &["libreal.so => /l/libreal.so (runpath of /app)", "libuser.so => /l/libuser.so (runpath of /app)"],
    );
    glibc(
        "a file under two names is one object",
        "/app app needed=liba.so,libb.so runpath=/l\n/l/liba.so elf needed=libc.so.6\n/l/libb.so -> liba.so",
        &["liba.so => /l/liba.so (runpath of /app)"],
    );
    glibc("the loader by its soname", "/app app needed=ld-linux-x86-64.so.2", &[]);
    glibc(
        "filters are needed, auxiliaries are not",
        "/app app needed=libf.so runpath=/l\n/l/libf.so elf filter=libnone.so auxiliary=libaux.so,libnever.so runpath=/l\n\
         /l/libaux.so elf",
        &[
            "libf.so => /l/libf.so (runpath of /app)",
            "libaux.so => /l/libaux.so (runpath of /l/libf.so)",
            "/l/libf.so needs libnone.so (Filter), which is missing",
        ],
    );
}

#[test]
fn preloads_come_first_and_only_warn() {
    let text = "/app app needed=libz.so runpath=/l\n/l/libz.so elf\n/opt/libjemalloc.so.2 elf needed=libz.so";
    let tree = tree(GLIBC, text, "/lib64/ld-linux-x86-64.so.2");
    let names = load::preload_names(b"/opt/libjemalloc.so.2 libgone.so # not this\n");
    assert_eq!(
        start(&tree, &plain(), &names),
        [
            "/opt/libjemalloc.so.2 => /opt/libjemalloc.so.2 (name)",
            "libz.so => /l/libz.so (runpath of /app)",
            "/app needs libgone.so (Preload), which is missing",
        ]
    );
}

#[test]
fn symbol_versions_are_checked() {
    glibc(
        "a program from a newer system",
        "/app app needed=libc.so.6 verneed=libc.so.6:GLIBC_2.34+GLIBC_2.38+GLIBC_2.39?",
        &[
            "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /app)",
            "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.39' not found (required by /app)",
        ],
    );
    glibc(
        "a library without versions satisfies everything",
        "/app app needed=libv.so runpath=/l verneed=libv.so:V1\n/l/libv.so elf",
        &["libv.so => /l/libv.so (runpath of /app)"],
    );
}

#[test]
fn dlopen_searches_for_the_caller() {
    let text = "/app app needed=libb.so runpath=/l\n/l/libb.so elf runpath=/plugins\n/plugins/libp.so elf needed=libq.so\n\
                /usr/lib/libq.so elf";
    let tree = tree(GLIBC, text, "/lib64/ld-linux-x86-64.so.2");
    let objects = Objects::new(&tree);
    let program = objects.program(&RootfsPath::from("/app")).unwrap().unwrap();
    let loader =
        Loader::open(&objects, &RootfsPath::from("/lib64/ld-linux-x86-64.so.2"), program.elf.abi).unwrap();
    let mut load = Load::start(&loader, &objects, program, &[], &plain()).unwrap();
    assert!(load.dlopen(&loader, &objects, 0, b"libp.so", &plain()).unwrap().is_empty());
    let by =
        load.objects.iter().position(|loaded| loaded.object.path == RootfsPath::from("/l/libb.so")).unwrap();
    let found = load.dlopen(&loader, &objects, by, b"libp.so", &plain()).unwrap();
    assert_eq!(load.chain(found[0]).len(), 3);
    assert_eq!(
        describe(&load),
        [
            "libb.so => /l/libb.so (runpath of /app)",
            "libp.so => /plugins/libp.so (runpath of /l/libb.so)",
            "libq.so => /lib/libq.so (systemdirectory)",
        ]
    );
}

#[test]
fn musl_has_rules_of_its_own() {
    musl(
        "its own parts are the loader, whatever lies about",
        "/app app needed=libc.so,libm.so.6,libpthread.so.0\n/lib/libc.so text \"/* GNU ld script */\"",
        &[],
    );
    musl(
        "so is another libc, by what it defines",
        "/app app needed=libc6x.so runpath=/g\n/g/libc6x.so elf export=__libc_start_main,stdin",
        &[],
    );
    musl(
        "RUNPATH is inherited",
        "/app app needed=libb.so runpath=/b:/c\n/b/libb.so elf needed=libc2.so\n/c/libc2.so elf",
        &["libb.so => /b/libb.so (runpath of /app)", "libc2.so => /c/libc2.so (runpath of /app)"],
    );
    musl(
        "another token spoils the whole list",
        "/app app needed=libh.so runpath=/a:/x/$LIB\n/a/libh.so elf\n/usr/lib/libh.so elf",
        &["libh.so => /usr/lib/libh.so (systemdirectory)"],
    );
    musl(
        "the default order",
        "/app app needed=libh.so,libi.so\n/usr/lib/libh.so elf\n/usr/local/lib/libh.so elf\n/usr/lib/libi.so elf",
        &[
            "libh.so => /usr/local/lib/libh.so (systemdirectory)",
            "libi.so => /usr/lib/libi.so (systemdirectory)",
        ],
    );
    musl(
        "the path file replaces it",
        "/app app needed=libh.so,libi.so\n/etc/ld-musl-x86_64.path text \"/p\\n/q:/r\\n\"\n/r/libh.so elf\n/usr/lib/libi.so elf",
        &["libh.so => /r/libh.so (systemdirectory)", "/app needs libi.so (Needed), which is missing"],
    );
    musl(
        "empty elements are no directory",
        "/app app needed=libh.so runpath=:/none\n/work/libh.so elf",
        &["/app needs libh.so (Needed), which is missing"],
    );
    musl(
        "names asked for count, sonames do not",
        "/app app needed=libreal.so,libuser.so runpath=/l\n/l/libreal.so elf soname=libalias.so\n\
         /l/libuser.so elf needed=libalias.so",
        &[
            "libreal.so => /l/libreal.so (runpath of /app)",
            "libuser.so => /l/libuser.so (runpath of /app)",
            "/l/libuser.so needs libalias.so (Needed), which is missing",
        ],
    );
}
