//! Stages as text: sources, steps and config in, the plan with its reasons out.
//!
//! ```text
//! source build
//!   /out/app elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
//! step COPY --from=build /out/app /app
//! entrypoint /app
//! ```
//!
//! A step's tree is cut out of its source's text, or follows the step. `debian` in a source is [`DEBIAN`].

use std::fmt::Write as _;

use crate::closure::plan::{Content, Plan, Roots, plan, verify};
use crate::closure::reason::arrows;
use crate::closure::tests::output::Output;
use crate::distill::manifest::{Finding, Layer, Severity};
use crate::distill::spec::{
    AssembleSpec, Change, ChangedBy, Command, Config, Control, InstructionId, Mode, Source, Step, StepKind,
    TreeStep, VERSION, Variant,
};
use crate::image::platform::Platform;
use crate::rootfs::tree::TreeRootfs;
use crate::rootfs::{Rootfs, RootfsPath};
use crate::rules::Rules;

/// A Debian of the usual shape: merged /usr, glibc 2.36, three packages.
pub(super) const DEBIAN: &str = r#"
/bin -> usr/bin
/lib -> usr/lib
/lib64 -> usr/lib64
/sbin -> usr/sbin
/usr/sbin/
/usr/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 verdef=GLIBC_PRIVATE,GLIBC_2.2.5 "string=/lib/x86_64-linux-gnu/\x00/usr/lib/x86_64-linux-gnu/\x00/lib/\x00/usr/lib/" "string=GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36."
/usr/lib/x86_64-linux-gnu/libc.so.6 elf soname=libc.so.6 needed=ld-linux-x86-64.so.2 verdef=GLIBC_2.2.5,GLIBC_2.34,GLIBC_2.36,GLIBC_PRIVATE
/usr/lib/x86_64-linux-gnu/libm.so.6 elf soname=libm.so.6 needed=libc.so.6 verdef=GLIBC_2.2.5,GLIBC_2.29
/usr/lib/x86_64-linux-gnu/libz.so.1 -> libz.so.1.2.13
/usr/lib/x86_64-linux-gnu/libz.so.1.2.13 elf soname=libz.so.1 needed=libc.so.6
/usr/lib/x86_64-linux-gnu/libgcc_s.so.1 elf soname=libgcc_s.so.1 needed=libc.so.6
/usr/bin/dash elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
/usr/bin/sh -> dash
/usr/bin/id elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
/usr/bin/env elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
/usr/bin/apt elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
/usr/share/doc/libc6/copyright text "licence of libc6"
/usr/share/doc/zlib1g/copyright text "licence of zlib1g"
/etc/os-release -> ../usr/lib/os-release
/usr/lib/os-release text "ID=debian\nVERSION_ID=\"12\"\n"
/etc/debian_version text "12.5\n"
/etc/passwd text "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
/etc/group text "root:x:0:\nwww-data:x:33:\n"
/etc/services text "https 443/tcp\n"
/etc/ssl/certs/ca-certificates.crt text "bundle"
/usr/share/zoneinfo/Europe/Berlin text "TZif2"
/usr/share/zoneinfo/right/Europe/Berlin text "TZif2"
/var/lib/dpkg/status text "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\nPackage: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13\n\nPackage: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4\n\nPackage: ca-certificates\nStatus: install ok installed\nArchitecture: all\nVersion: 2023\n\n"
/var/lib/dpkg/info/libc6:amd64.list text "/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2\n/lib/x86_64-linux-gnu/libc.so.6\n/lib/x86_64-linux-gnu/libm.so.6\n/lib64/ld-linux-x86-64.so.2\n/usr/share/doc/libc6/copyright\n"
/var/lib/dpkg/info/libc6:amd64.md5sums text "00000000000000000000000000000001  lib/x86_64-linux-gnu/ld-linux-x86-64.so.2\n00000000000000000000000000000002  lib/x86_64-linux-gnu/libc.so.6\n00000000000000000000000000000003  lib/x86_64-linux-gnu/libm.so.6\n"
/var/lib/dpkg/info/zlib1g:amd64.list text "/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libz.so.1\n/lib/x86_64-linux-gnu/libz.so.1.2.13\n/usr/share/doc/zlib1g/copyright\n"
/var/lib/dpkg/info/base-files.list text "/.\n/usr/lib/os-release\n/etc/os-release\n/etc/debian_version\n"
/var/lib/dpkg/info/base-files.md5sums text "00000000000000000000000000000004  usr/lib/os-release\n"
/var/lib/dpkg/info/ca-certificates.list text "/.\n/usr/share/ca-certificates\n"
"#;

/// What a test asks for.
pub(super) struct Case {
    pub(super) spec: AssembleSpec,
    mounts: Vec<(String, TreeRootfs)>,
}

impl Case {
    pub(super) fn parse(text: &str) -> Self {
        let mut reader = Reader::default();
        for line in text.lines() {
            reader.line(line.trim());
        }
        reader.close_block();
        if !reader.stage.is_empty() {
            let stage = TreeRootfs::parse(&reader.stage).unwrap_or_else(|error| panic!("/final: {error}"));
            reader.mounts.push(("/final".to_owned(), stage));
        }
        Self { spec: reader.spec(), mounts: reader.mounts }
    }

    pub(super) fn roots(&self) -> Roots<'_> {
        self.mounts.iter().map(|(mount, tree)| (mount.clone(), tree as &dyn Rootfs)).collect()
    }

    pub(super) fn plan(&self) -> Result<Plan, Vec<Finding>> {
        plan(&self.spec, &self.roots(), &Rules::built_in())
    }

    pub(super) fn mount(&self, name: &str) -> &TreeRootfs {
        &self.mounts.iter().find(|(mount, _)| mount == name).expect("a mount of the case").1
    }
}

/// Plans a case, checks that the output alone gives the same answers, and prints the set.
pub(super) fn check(text: &str) -> String {
    let case = Case::parse(text);
    match case.plan() {
        Ok(plan) => {
            let output = Output::new(&plan, case.roots());
            let differences = verify(&output, &case.spec, &plan);
            assert!(differences.is_empty(), "the output alone differs: {differences:#?}\n{}", print(&plan));
            assert_parents(&plan);
            print(&plan)
        }
        Err(findings) => print_findings(&findings),
    }
}

fn assert_parents(plan: &Plan) {
    for path in plan.entries.keys() {
        if let Some(parent) = path.parent().filter(|parent| !parent.is_root()) {
            let parent = plan.entries.get(&parent).unwrap_or_else(|| panic!("{path} has no parent"));
            assert!(matches!(parent.content, Content::Directory), "the parent of {path} is no directory");
        }
    }
}

/// The set without the parts that every set has.
pub(super) fn print(plan: &Plan) -> String {
    let mut text = String::new();
    if let Some(left) = &plan.left {
        let _ = writeln!(text, "left: {left}");
    }
    for (path, entry) in &plan.entries {
        let base =
            entry.reason.first().is_some_and(|reason| reason.why == "base set" || reason.why == "parent");
        if base {
            continue;
        }
        let layer = match entry.layer {
            Layer::Os => "os",
            Layer::Runtime => "run",
            Layer::Dependencies => "dep",
            Layer::Application => "app",
            Layer::Debug | Layer::Manifest => "top",
        };
        let kind = match &entry.content {
            Content::Directory => "/".to_owned(),
            Content::Symlink(target) => format!(" -> {}", String::from_utf8_lossy(target)),
            Content::Copy { path: from, .. } if from != path => format!(" (from {from})"),
            Content::Copy { .. } | Content::Bytes(_) => String::new(),
        };
        let hard = if entry.hard { " hard" } else { "" };
        let package = entry.package.as_ref().map(|package| format!(" [{package}]")).unwrap_or_default();
        let owner = if (entry.uid, entry.gid) == (0, 0) {
            String::new()
        } else {
            format!(" {}:{}", entry.uid, entry.gid)
        };
        let mode = match (&entry.content, entry.mode) {
            (Content::Symlink(_), _) | (_, 0o644 | 0o755) => String::new(),
            (_, mode) => format!(" {mode:04o}"),
        };
        let _ = writeln!(text, "{layer}{hard} {path}{kind}{mode}{owner}{package}: {}", arrows(&entry.reason));
    }
    if !plan.config.user.is_empty() {
        let _ = writeln!(text, "user {}", plan.config.user);
    }
    for (name, words) in [
        ("entrypoint", &plan.config.entrypoint),
        ("cmd", &plan.config.cmd),
        ("healthcheck", &plan.config.healthcheck),
    ] {
        if let Some(words) = words {
            let _ = writeln!(text, "{name} {words:?}");
        }
    }
    text.push_str(&print_findings(&plan.findings));
    text
}

pub(super) fn print_findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings.iter().filter(|finding| finding.rule != "DistrolessRootUser") {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let place = finding.instruction.as_ref().map(|id| format!(" at `{}`", id.text)).unwrap_or_default();
        let _ = writeln!(text, "{severity} {}{place}: {}", finding.rule, finding.message);
        if let Some(hint) = &finding.hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
    }
    text
}

#[derive(Default)]
struct Reader {
    mounts: Vec<(String, TreeRootfs)>,
    texts: Vec<(String, String)>,
    sources: Vec<Source>,
    steps: Vec<Step>,
    config: Config,
    control: Control,
    variant: Variant,
    mode: Option<Mode>,
    implicit: bool,
    block: Option<(String, String)>,
    /// Lines of the stage that is cut down: its base image and what its instructions changed.
    stage: String,
    ordinal: u32,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if line.starts_with(['/', '"']) {
            let block = self.block.as_mut().expect("a tree line follows a source or a step");
            block.1.push_str(line);
            block.1.push('\n');
            return;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "debian" {
            self.block.as_mut().expect("in a source").1.push_str(DEBIAN);
            return;
        }
        self.close_block();
        let words = || rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match word {
            "source" => self.source(rest),
            "step" => self.step(rest),
            "base" => self.base(),
            "changed" => self.changed(rest),
            "gone" => {
                self.stage =
                    self.stage.split_inclusive('\n').filter(|line| !line.starts_with(rest)).collect();
            }
            "entrypoint" => self.config.entrypoint = Some(self.command("ENTRYPOINT", words(), false)),
            "entrypoint-shell" => {
                self.config.entrypoint = Some(self.command("ENTRYPOINT", shell(rest), true));
            }
            "cmd" => self.config.cmd = Some(self.command("CMD", words(), false)),
            "cmd-shell" => self.config.cmd = Some(self.command("CMD", shell(rest), true)),
            "healthcheck-shell" => {
                self.config.healthcheck = Some(self.command("HEALTHCHECK", shell(rest), true));
            }
            "env" => self.config.env.push(rest.to_owned()),
            "user" => self.config.user = rest.to_owned(),
            "workdir" => self.config.working_dir = rest.to_owned(),
            "volume" => self.config.volumes.push(rest.to_owned()),
            "expose" => self.config.exposed_ports.push(rest.to_owned()),
            "program" => self.control.program.push(rest.to_owned()),
            "include" => self.control.include.push(rest.to_owned()),
            "exclude" => self.control.exclude.push(rest.to_owned()),
            "nonroot" => self.variant.nonroot = true,
            "mode" => {
                self.mode = Some(match rest {
                    "check" => Mode::Check,
                    "distil" => Mode::Distil,
                    "unmodified" => {
                        self.implicit = true;
                        Mode::Distil
                    }
                    other => panic!("unknown mode {other}"),
                });
            }
            other => panic!("unknown word {other}"),
        }
    }

    fn command(&mut self, keyword: &str, args: Vec<String>, shell_form: bool) -> Command {
        let text = format!("{keyword} {}", args.join(" "));
        Command { args, shell_form, id: Some(self.id(&text)) }
    }

    fn id(&mut self, text: &str) -> InstructionId {
        self.ordinal += 1;
        InstructionId { stage: "final".to_owned(), ordinal: self.ordinal, text: text.to_owned() }
    }

    fn source(&mut self, rest: &str) {
        let mut words = rest.split_whitespace();
        let name = words.next().expect("a name").to_owned();
        let mut source = Source {
            name: name.clone(),
            mount: format!("/{name}"),
            base: None,
            env: Vec::new(),
            fallback: false,
        };
        for word in words {
            match word.split_once('=') {
                None if word == "fallback" => source.fallback = true,
                Some(("base", base)) => source.base = Some(base.to_owned()),
                _ => panic!("unknown word {word}"),
            }
        }
        self.block = Some((source.mount.clone(), String::new()));
        self.sources.push(source);
    }

    /// `COPY [--from=NAME] [--chown=…] [--closure=false] [--parents] SRC… DEST`, `WORKDIR DIR`.
    fn step(&mut self, text: &str) {
        let id = self.id(text);
        let mount = format!("/step{}", self.steps.len());
        let mut words: Vec<&str> = text.split_whitespace().skip(1).collect();
        let mut step = TreeStep {
            mount: mount.clone(),
            from: None,
            src: Vec::new(),
            dest: String::new(),
            parents: false,
            closure: true,
            chown: None,
        };
        words.retain(|word| {
            match word.split_once('=') {
                Some(("--from", name)) => {
                    step.from = self.sources.iter().position(|source| source.name == name);
                }
                Some(("--chown", owner)) => step.chown = Some(owner.to_owned()),
                Some(("--closure", "false")) => step.closure = false,
                None if *word == "--parents" => step.parents = true,
                _ => return true,
            }
            false
        });
        step.dest = words.pop().expect("a destination").to_owned();
        step.src = words.iter().map(|word| (*word).to_owned()).collect();
        let tree = self.copied(&step);
        self.block = Some((mount, tree));
        self.steps.push(Step { id, kind: StepKind::Tree(step) });
    }

    /// The base image of the stage that is cut down, which is the only source and the result of all `changed` steps.
    fn base(&mut self) {
        self.mode = Some(Mode::Distil);
        self.sources.push(Source {
            name: "final".to_owned(),
            mount: "/final".to_owned(),
            base: Some("/base".to_owned()),
            env: Vec::new(),
            fallback: false,
        });
        self.block = Some(("/base".to_owned(), String::new()));
    }

    /// `COPY [--from=NAME] SRC… DEST`, `WORKDIR DIR`, `RUN …` of that stage.
    fn changed(&mut self, text: &str) {
        let id = self.id(text);
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let by = match words.remove(0) {
            "COPY" => ChangedBy::Copy,
            "ADD" => ChangedBy::Add,
            "WORKDIR" => ChangedBy::Workdir,
            "RUN" => ChangedBy::Run,
            other => panic!("unknown instruction {other}"),
        };
        let mut change = Change {
            by,
            mount: format!("/change{}", self.steps.len()),
            before: None,
            src: Vec::new(),
            dest: None,
            from: None,
        };
        if by != ChangedBy::Run {
            change.from = words.iter().find_map(|word| word.strip_prefix("--from=")).map(str::to_owned);
            words.retain(|word| !word.starts_with("--"));
            change.dest = words.pop().map(str::to_owned);
            change.src = words.iter().map(|word| (*word).to_owned()).collect();
        }
        self.block = Some((change.mount.clone(), String::new()));
        self.steps.push(Step { id, kind: StepKind::Changed(change) });
    }

    /// The lines of a source that a COPY without wildcards takes, at their destination.
    fn copied(&self, step: &TreeStep) -> String {
        let mut out = String::new();
        let Some(from) = step.from else { return out };
        let (_, text) = &self.texts[from];
        for source in &step.src {
            for line in text.lines().filter(|line| line.starts_with('/')) {
                let (path, rest) = line.split_once(' ').unwrap_or((line, ""));
                let target = if path == source && step.dest.ends_with('/') {
                    format!("{}{}", step.dest, path.rsplit('/').next().unwrap_or_default())
                } else if path == source {
                    step.dest.clone()
                } else {
                    match path.strip_prefix(&format!("{source}/")) {
                        Some(below) => format!("{}/{below}", step.dest.trim_end_matches('/')),
                        None => continue,
                    }
                };
                let _ = writeln!(out, "{target} {rest}");
            }
        }
        out
    }

    fn close_block(&mut self) {
        if let Some((mount, text)) = self.block.take() {
            let tree = TreeRootfs::parse(&text).unwrap_or_else(|error| panic!("{mount}: {error}"));
            self.mounts.push((mount.clone(), tree));
            if mount == "/base" || mount.starts_with("/change") {
                self.stage.push_str(&text);
            }
            if self.sources.iter().any(|source| source.mount == mount) {
                self.texts.push((mount, text));
            }
        }
    }

    fn spec(&mut self) -> AssembleSpec {
        if self.config.env.is_empty() {
            self.config.env.push("PATH=/usr/local/bin:/usr/bin:/bin".to_owned());
        }
        if self.config.working_dir.is_empty() {
            self.config.working_dir = "/".to_owned();
        }
        AssembleSpec {
            version: VERSION,
            mode: self.mode.unwrap_or(Mode::Compose),
            implicit: self.implicit,
            stage: "final".to_owned(),
            platform: Platform {
                os: "linux".to_owned(),
                architecture: "amd64".to_owned(),
                ..Platform::default()
            },
            variant: self.variant,
            steps: std::mem::take(&mut self.steps),
            sources: std::mem::take(&mut self.sources),
            config: std::mem::take(&mut self.config),
            control: std::mem::take(&mut self.control),
        }
    }
}

fn shell(script: &str) -> Vec<String> {
    vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()]
}

/// The paths of a plan that are files or links.
pub(super) fn files(plan: &Plan) -> Vec<RootfsPath> {
    let files = plan.entries.iter().filter(|(_, entry)| !matches!(entry.content, Content::Directory));
    files.map(|(path, _)| path.clone()).collect()
}
