//! `assemble` and `report` on a directory that stands for the container's file system.

use std::fs;
use std::path::Path;

use super::{dump, materialise};
use crate::assemble::{Places, assemble, report};
use crate::distill::manifest::{self, Layer, Report};
use crate::distill::spec::{
    self, AssembleSpec, Command, Config, Control, InstructionId, Mode, Source, Step, StepKind, TreeStep,
    VERSION, Variant,
};
use crate::distill::step::{BUSYBOX_MOUNT, layers_of};
use crate::image::platform::Platform;

const BUILD: &str = r#"
/lib -> usr/lib
/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 verdef=GLIBC_2.2.5 "string=/lib/x86_64-linux-gnu/\x00/usr/lib/x86_64-linux-gnu/\x00/lib/\x00/usr/lib/"
/usr/lib/x86_64-linux-gnu/libc.so.6 elf soname=libc.so.6 needed=ld-linux-x86-64.so.2 verdef=GLIBC_2.2.5 0755
/etc/passwd text "root:x:0:0:root:/root:/bin/bash\nbob:x:1000:1000:bob:/home/bob:/bin/sh\n"
/etc/group text "root:x:0:\nbob:x:1000:\n"
/out/app elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 0755
"#;

const OWN: &str = "/app elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 0755";

fn id(ordinal: u32, text: &str) -> InstructionId {
    InstructionId { stage: "final".to_owned(), ordinal, text: text.to_owned() }
}

fn example(variant: Variant) -> AssembleSpec {
    let tree = TreeStep {
        mount: "/in/own/0".to_owned(),
        from: Some(0),
        src: vec!["/out/app".to_owned()],
        dest: "/app".to_owned(),
        parents: false,
        closure: true,
        chown: Some("bob".to_owned()),
    };
    AssembleSpec {
        version: VERSION,
        mode: Mode::Compose,
        implicit: false,
        stage: "final".to_owned(),
        platform: Platform {
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            ..Platform::default()
        },
        variant,
        steps: vec![Step { id: id(0, "COPY --from=build /out/app /app"), kind: StepKind::Tree(tree) }],
        sources: vec![Source {
            name: "build".to_owned(),
            mount: "/in/src/0".to_owned(),
            base: None,
            env: Vec::new(),
            fallback: false,
        }],
        config: Config {
            working_dir: "/".to_owned(),
            user: "bob".to_owned(),
            entrypoint: Some(Command {
                args: vec!["/app".to_owned()],
                shell_form: false,
                id: Some(id(1, "ENTRYPOINT [\"/app\"]")),
            }),
            ..Config::default()
        },
        control: Control::default(),
    }
}

/// The container's file system before the step.
fn container(spec: &AssembleSpec, build: &str) -> tempfile::TempDir {
    let container = tempfile::tempdir().unwrap();
    let inside = |path: &str| container.path().join(&path[1..]);
    fs::create_dir_all(inside("/in/spec")).unwrap();
    fs::create_dir(inside("/out")).unwrap();
    fs::write(inside("/in/spec/spec.json"), spec::to_bytes(spec)).unwrap();
    materialise(build, &inside("/in/src/0"));
    materialise(OWN, &inside("/in/own/0"));
    container
}

fn run(verb: fn(&Places, &mut dyn std::io::Write) -> i32, root: &Path) -> (i32, String) {
    let mut log = Vec::new();
    let code = verb(&Places::below(root), &mut log);
    (code, String::from_utf8(log).unwrap())
}

/// Paths only: what is in a set and why is the plan's business.
fn paths(dump: &str, layer: &str) -> Vec<String> {
    let lines = dump.lines().filter_map(|line| line.strip_prefix(layer)?.strip_prefix(' '));
    lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn a_set_is_written_as_one_tree_for_each_layer() {
    let spec = example(Variant::default());
    let container = container(&spec, BUILD);
    let (code, log) = run(assemble, container.path());
    assert_eq!(code, 0, "{log}");
    let text = dump(&container.path().join("out"), &layers_of(&spec));
    let libraries = paths(&text, "os");
    assert!(libraries.contains(&"/usr/lib/x86_64-linux-gnu/libc.so.6".to_owned()), "{text}");
    assert_eq!(paths(&text, "runtime"), Vec::<String>::new());
    assert!(
        text.lines().any(|line| line.starts_with("application /app ") && line.ends_with(" 0755 1000:1000"))
    );
    assert_eq!(
        paths(&text, "manifest"),
        ["/usr", "/usr/lib", "/usr/lib/decant", "/usr/lib/decant/manifest.json.gz"]
    );
    let log: Vec<&str> = log.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(log[..4], ["os", "runtime", "dependencies", "application"]);
}

#[test]
fn the_manifest_is_in_the_output_and_in_the_report() {
    let spec = example(Variant::default());
    let container = container(&spec, BUILD);
    assert_eq!(run(assemble, container.path()).0, 0);
    let out = container.path().join("out");
    let packed = fs::read(out.join("manifest/usr/lib/decant/manifest.json.gz")).unwrap();
    let manifest = manifest::unpack(&packed).unwrap();
    assert_eq!((manifest.stage.as_str(), manifest.config.user.as_str()), ("final", "1000:1000"));
    let report = manifest::parse_report(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report.manifest, Some(manifest));
}

#[test]
fn equal_input_gives_equal_bytes() {
    let spec = example(Variant { nonroot: false, debug: true });
    let outputs: Vec<String> = (0..2)
        .map(|_| {
            let container = container(&spec, BUILD);
            materialise(BUSYBOX, &container.path().join(&BUSYBOX_MOUNT[1..]));
            let (code, log) = run(assemble, container.path());
            assert_eq!(code, 0, "{log}");
            let out = container.path().join("out");
            let manifest = fs::read(out.join("manifest/usr/lib/decant/manifest.json.gz")).unwrap();
            format!("{}{manifest:?}", dump(&out, &layers_of(&spec)))
        })
        .collect();
    assert_eq!(outputs[0], outputs[1]);
}

const BUSYBOX: &str = r#"
/bin/busybox text "busybox" 0755
/bin/sh = /bin/busybox
/bin/ls -> busybox
/bin/other text "another program" 0755
"#;

#[test]
fn the_debug_variant_has_one_busybox_under_all_its_names() {
    let spec = example(Variant { nonroot: false, debug: true });
    let container = container(&spec, BUILD);
    materialise(BUSYBOX, &container.path().join(&BUSYBOX_MOUNT[1..]));
    // The text tree's link is a copy on the disk.
    let bin = container.path().join("in/busybox/bin");
    fs::remove_file(bin.join("sh")).unwrap();
    fs::hard_link(bin.join("busybox"), bin.join("sh")).unwrap();
    let (code, log) = run(assemble, container.path());
    assert_eq!(code, 0, "{log}");
    assert_eq!(
        dump(&container.path().join("out"), &[Layer::Debug]),
        "debug /busybox dir 0755 0:0\n\
         debug /busybox/busybox text busybox 0755 0:0\n\
         debug /busybox/ls text busybox 0755 0:0\n\
         debug /busybox/sh text busybox 0755 0:0\n"
    );
}

#[test]
fn other_layers_are_equal_among_variants() {
    let layers = [Layer::Os, Layer::Runtime, Layer::Dependencies, Layer::Application];
    let output = |debug| {
        let spec = example(Variant { nonroot: false, debug });
        let container = container(&spec, BUILD);
        materialise(BUSYBOX, &container.path().join(&BUSYBOX_MOUNT[1..]));
        assert_eq!(run(assemble, container.path()).0, 0);
        dump(&container.path().join("out"), &layers)
    };
    assert_eq!(output(false), output(true));
}

#[test]
fn a_missing_library_fails_the_step_and_is_told_by_the_report() {
    let spec = example(Variant::default());
    let container =
        container(&spec, &BUILD.replace("libc.so.6 elf soname=libc.so.6", "libd.so.6 elf soname=libd.so.6"));
    let (code, log) = run(assemble, container.path());
    assert_eq!(code, 1);
    assert!(log.starts_with("error: `/app` needs `libc.so.6`"), "{log}");
    assert!(log.ends_with("decant: the file set has errors\n"), "{log}");
    assert!(!container.path().join("out/os").exists(), "nothing is written");

    let (code, log) = run(report, container.path());
    assert_eq!(code, 0, "{log}");
    let report = read_report(container.path());
    assert_eq!(report.manifest, None);
    assert_eq!(report.findings[0].rule, "DistrolessLibraryMissing");
    assert_eq!(report.before.map(|(_, files)| files), Some(7), "the stage before is measured");
}

fn read_report(root: &Path) -> Report {
    manifest::parse_report(&fs::read(root.join("out/report.json")).unwrap()).unwrap()
}

#[test]
fn a_check_writes_a_manifest_and_no_tree() {
    let mut spec = example(Variant::default());
    spec.mode = Mode::Check;
    spec.steps.clear();
    spec.config.user.clear();
    spec.config.entrypoint.as_mut().unwrap().args = vec!["/out/app".to_owned()];
    let container = container(&spec, BUILD);
    let (code, log) = run(assemble, container.path());
    assert_eq!(code, 0, "{log}");
    let names: Vec<_> =
        fs::read_dir(container.path().join("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(paths(&dump(&container.path().join("out"), &layers_of(&spec)), "manifest").len(), 4);
    assert!(log.starts_with("final stays as it is: "), "{log}");
}

#[test]
fn input_that_cannot_be_read_fails_both_verbs() {
    for verb in [assemble, report] {
        let empty = tempfile::tempdir().unwrap();
        let (code, log) = run(verb, empty.path());
        let path = empty.path().join("in/spec/spec.json");
        let expected =
            format!("decant: reading the spec {}: No such file or directory (os error 2)\n", path.display());
        assert_eq!((code, log), (1, expected));

        let container = container(&example(Variant::default()), BUILD);
        fs::remove_dir_all(container.path().join("in/own")).unwrap();
        let (code, log) = run(verb, container.path());
        let path = container.path().join("in/own/0");
        let expected = format!(
            "decant: opening the root file system {}: No such file or directory (os error 2)\n",
            path.display()
        );
        assert_eq!((code, log), (1, expected));
    }
}
