//! With distilling off, decant makes of every case what the built-in Dockerfile frontend makes.

use std::process::Command;
use std::time::Duration;

use crate::support::environment::checkout;
use crate::support::{Environment, run_within};

/// Fewer cases than this do not cover the language.
const MIN_CASES: usize = 100;

/// All cases, the warnings of each, and the first build of the oracle program; three minutes on an idle machine.
const LIMIT: Duration = Duration::from_mins(30);

/// Cases whose builders really run, for builds with distilling on.
const DISTILLED: &str = "distilled-*";

#[test]
fn every_case_equals_the_official_frontend() {
    let passed = all_passed(&["-warnings", "-requests"]);
    assert!(passed >= MIN_CASES, "only {passed} cases");
}

/// A build cache filled before a Dockerfile was distilled serves it afterwards.
#[test]
fn distilling_changes_no_vertex_below_the_target_stage() {
    let passed = all_passed(&["-distilling", "-only", DISTILLED]);
    assert!(passed > 0);
}

/// Runs the oracle and returns how many cases passed.
#[track_caller]
fn all_passed(flags: &[&str]) -> usize {
    let environment = Environment::read();
    let mut oracle = Command::new(checkout().join("tests/tools/oracle/run"));
    oracle
        .args(flags)
        .env("BUILDKIT_HOST", &environment.buildkit_host)
        .env("DECANT_IMAGE", &environment.image);
    let outcome = run_within(LIMIT, &mut oracle);
    let (passed, failed) = counts(&outcome.stdout);
    assert!(outcome.status.success() && failed == 0, "{}", outcome.text());
    passed
}

/// An oracle that overlooks a difference would prove nothing.
#[test]
fn the_oracle_sees_each_kind_of_difference() {
    let mut tests = Command::new("go");
    tests.args(["test", "-mod=readonly", "./..."]).current_dir(checkout().join("tests/tools/oracle"));
    let _ = run_within(LIMIT, &mut tests).succeeded();
}

/// Reads the last line, `N passed, N failed`.
fn counts(output: &str) -> (usize, usize) {
    let last = output.lines().last().unwrap_or_default();
    let words: Vec<&str> = last.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    match words[..] {
        [passed, "passed", failed, "failed"] => (
            passed.parse().expect("the oracle counts what passed"),
            failed.parse().expect("the oracle counts what failed"),
        ),
        _ => panic!("the oracle ends without counting: {output}"),
    }
}
