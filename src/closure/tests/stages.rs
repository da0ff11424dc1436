//! A distroless stage on another one, and RUN in it.

use std::collections::BTreeMap;

use super::case::{Case, files, print};
use super::output::Output;
use crate::closure::plan::{Content, plan};
use crate::closure::report::manifest_of;
use crate::distill::manifest;
use crate::distill::spec::{InstructionId, Step, StepKind};
use crate::rootfs::tree::{TreeRootfs, dump};
use crate::rootfs::{Rootfs, RootfsPath};
use crate::rules::Rules;

const FIRST: &str = "source build
     debian
     /out/app elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
   step COPY --from=build /out/app /usr/bin/app
   entrypoint app";

fn id(text: &str) -> InstructionId {
    InstructionId { stage: "final".to_owned(), ordinal: 90, text: text.to_owned() }
}

#[test]
fn a_stage_on_a_distroless_stage_carries_its_entries() {
    let case = Case::parse(FIRST);
    let mut first = case.plan().expect("it plans");
    let packed = manifest::pack(&manifest_of(&first, &case.spec, "decant 0.0.0"));
    let mut entry = first.entries[&RootfsPath::from("/etc/passwd")].clone();
    entry.content = Content::Bytes(packed);
    let directory = RootfsPath::from("/usr/lib/decant");
    first.entries.insert(directory.clone(), first.entries[&RootfsPath::from("/usr/lib")].clone());
    first.entries.insert(RootfsPath::from(manifest::PATH), entry);
    let output = Output::new(&first, case.roots());

    let mut second = case.spec.clone();
    second.steps = vec![Step { id: id("FROM first"), kind: StepKind::Base { mount: "/first".to_owned() } }];
    second.sources.clear();
    let roots = BTreeMap::from([("/first".to_owned(), &output as &dyn Rootfs)]);
    let planned = plan(&second, &roots, &Rules::built_in()).expect("the base is complete");
    first.entries.remove(&RootfsPath::from(manifest::PATH));
    first.entries.remove(&directory);
    let packages = |path: &RootfsPath| path.is_within(&RootfsPath::from("/var/lib/dpkg"));
    let missing: Vec<RootfsPath> =
        files(&first).into_iter().filter(|path| !planned.entries.contains_key(path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (path, entry) in first.entries.iter().filter(|(path, _)| !packages(path)) {
        let now = &planned.entries.get(path);
        let Some(now) = now else { continue };
        assert_eq!((now.layer, now.hard, &now.package), (entry.layer, entry.hard, &entry.package), "{path}");
    }
}

#[test]
fn what_run_changed_stays_with_its_needs() {
    let case = Case::parse(FIRST);
    let first = case.plan().expect("it plans");
    let output = Output::new(&first, case.roots());
    let before =
        TreeRootfs::parse(&dump(&output, &RootfsPath::root()).expect("a tree")).expect("its own text");
    let after = format!(
        "{}\n/etc/app.conf text \"made\"\n/usr/bin/tool elf needed=libm.so.6 interp=/lib64/ld-linux-x86-64.so.2\n\
         /etc/resolv.conf text \"stub\"\n",
        dump(&output, &RootfsPath::root()).expect("a tree")
    );
    let after = TreeRootfs::parse(&after).expect("a tree");
    let mut spec = case.spec.clone();
    spec.steps.push(Step {
        id: id("RUN [\"app\", \"--setup\"]"),
        kind: StepKind::Run { before: "/before".to_owned(), after: "/after".to_owned() },
    });
    let mut roots = case.roots();
    roots.insert("/before".to_owned(), &before);
    roots.insert("/after".to_owned(), &after);
    let planned = plan(&spec, &roots, &Rules::built_in()).expect("it plans");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(print(&planned));
    });
}
