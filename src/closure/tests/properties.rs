//! What holds for every set.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::{ProptestConfig, any, prop, proptest};
use proptest::prop_assert;

use super::case::{Case, files};
use super::output::Output;
use crate::closure::plan::plan;
use crate::distill::spec::Source;
use crate::rootfs::{FileKind, Rootfs, RootfsPath};
use crate::rules::Rules;

/// A stage with some programs and libraries: `edges[i]` are the libraries that library `i` needs.
fn stage(edges: &[Vec<usize>], programs: &[Vec<usize>], chosen: &[usize]) -> String {
    let needed = |names: &[usize], count: usize| {
        let names: BTreeSet<String> = names.iter().map(|name| format!("liba{}.so", name % count)).collect();
        let mut names: Vec<String> = names.into_iter().collect();
        names.push("libc.so.6".to_owned());
        names.join(",")
    };
    let mut text = "source build\ndebian\n".to_owned();
    for (index, names) in edges.iter().enumerate() {
        let dir = if index % 2 == 0 { "/usr/lib/x86_64-linux-gnu" } else { "/opt/lib" };
        let _ = writeln!(
            text,
            "{dir}/liba{index}.so elf soname=liba{index}.so needed={} runpath=/opt/lib",
            needed(names, edges.len())
        );
    }
    for (index, names) in programs.iter().enumerate() {
        let _ = writeln!(
            text,
            "/usr/bin/p{index} elf needed={} runpath=/opt/lib interp=/lib64/ld-linux-x86-64.so.2",
            needed(names, edges.len())
        );
    }
    for index in chosen {
        let _ = writeln!(text, "program p{}", index % programs.len());
    }
    text
}

proptest! {
    // Each case plans one or two whole stages.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn adding_a_root_never_removes_a_file(
        edges in prop::collection::vec(prop::collection::vec(any::<usize>(), 0..3), 1..6),
        programs in prop::collection::vec(prop::collection::vec(any::<usize>(), 0..3), 1..4),
        chosen in prop::collection::vec(any::<usize>(), 1..3),
        more in any::<usize>(),
    ) {
        let few = Case::parse(&stage(&edges, &programs, &chosen)).plan().expect("every library is there");
        let mut chosen = chosen;
        chosen.push(more);
        let many = Case::parse(&stage(&edges, &programs, &chosen)).plan().expect("every library is there");
        let few: BTreeSet<RootfsPath> = files(&few).into_iter().collect();
        let many: BTreeSet<RootfsPath> = files(&many).into_iter().collect();
        prop_assert!(few.is_subset(&many), "{:?}", few.difference(&many).collect::<Vec<_>>());
    }

    #[test]
    fn the_output_alone_plans_to_itself(
        edges in prop::collection::vec(prop::collection::vec(any::<usize>(), 0..3), 1..6),
        programs in prop::collection::vec(prop::collection::vec(any::<usize>(), 0..3), 1..4),
        chosen in prop::collection::vec(any::<usize>(), 1..3),
    ) {
        let case = Case::parse(&stage(&edges, &programs, &chosen));
        let first = case.plan().expect("every library is there");
        let output = Output::new(&first, case.roots());
        let mut spec = case.spec.clone();
        spec.sources = vec![Source { name: "output".to_owned(), mount: "/output".to_owned(), base: None, env: Vec::new(), fallback: false }];
        let roots = [("/output".to_owned(), &output as &dyn Rootfs)].into_iter().collect();
        let second = plan(&spec, &roots, &Rules::built_in()).expect("the output is complete");
        prop_assert!(files(&first) == files(&second), "{:?}\n{:?}", files(&first), files(&second));
    }

    #[test]
    fn a_sets_own_files_as_roots_add_nothing(
        edges in prop::collection::vec(prop::collection::vec(any::<usize>(), 0..3), 1..6),
        programs in prop::collection::vec(prop::collection::vec(any::<usize>(), 0..3), 1..4),
        chosen in prop::collection::vec(any::<usize>(), 1..3),
    ) {
        let mut case = Case::parse(&stage(&edges, &programs, &chosen));
        let first = case.plan().expect("every library is there");
        let own: Vec<RootfsPath> = files(&first);
        let has = |path: &RootfsPath| {
            matches!(case.mount("/build").stat(path), Ok(Some(stat)) if stat.kind == FileKind::Regular)
        };
        let include: Vec<String> = own.iter().filter(|path| has(path)).map(ToString::to_string).collect();
        case.spec.control.include = include;
        let second = case.plan().expect("every library is there");
        prop_assert!(own == files(&second), "{own:?}\n{:?}", files(&second));
    }
}
