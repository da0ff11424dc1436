//! `make traps`: builds each situation of tests/traps ordinary and distroless, runs both, and compares them.
//!
//! The README beside this directory tells how a situation is written.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

mod accounts;
mod build;
mod case;
mod check;
mod container;
mod inside;
mod requests;
mod store;
#[allow(dead_code, reason = "shared with the daemon tests")]
#[path = "../../daemon/support/mod.rs"]
mod support;
mod trace;

use build::{Built, build};
use case::Case;
use check::{Set, megabytes};
use container::{Behaviour, run_image};
use store::{Store, Stored};
use support::Environment;

/// What one situation came to.
#[derive(Default)]
struct Verdict {
    faults: Vec<String>,
    ordinary_bytes: Option<u64>,
    distroless_bytes: Option<u64>,
    files: usize,
    assemble: Option<Duration>,
    /// Stays as it is, or fails to build, as expected.
    word: Option<&'static str>,
}

/// What is kept of an ordinary image between runs: the same image does the same again.
#[derive(serde::Serialize, serde::Deserialize)]
struct Remembered {
    bytes: u64,
    behaviour: Behaviour,
}

fn main() -> ExitCode {
    container::adopt_containers();
    let environment = Environment::read();
    let selected = match select() {
        Ok(selected) => selected,
        Err(message) => {
            eprintln!("traps: {message}");
            return ExitCode::FAILURE;
        }
    };
    let store = Store::open();
    let total = Mutex::new(Total::default());
    let next = Mutex::new(selected.iter());
    let jobs = std::env::var("JOBS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(case) = { lock(&next).next() } {
                    let (name, verdict) = match case {
                        Ok(case) => (&case.name, judge(&store, &environment, case)),
                        Err((name, fault)) => (
                            name,
                            Verdict { faults: vec![format!("trap.toml: {fault}")], ..Verdict::default() },
                        ),
                    };
                    lock(&total).add(name, &verdict);
                }
            });
        }
    });
    let total = lock(&total);
    total.print(started.elapsed());
    if is_whole() {
        store.sweep();
    }
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether all situations are run.
fn is_whole() -> bool {
    ["ONLY", "SAMPLE"].iter().all(|name| std::env::var(name).unwrap_or_default().is_empty())
}

/// The situations that ONLY names, or the sample, or all. None is an error.
fn select() -> Result<Vec<case::Read>, String> {
    let only = std::env::var("ONLY").unwrap_or_default();
    let words: Vec<_> = only.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let sample = std::env::var("SAMPLE").is_ok_and(|text| text == "1");
    let mut selected = case::all(&build::traps());
    let name_of = |case: &case::Read| match case {
        Ok(case) => case.name.clone(),
        Err((name, _)) => name.clone(),
    };
    let fits = |word: &str, name: &str| {
        word == name || name.starts_with(word) && word.ends_with('/') || name.split('/').nth(1) == Some(word)
    };
    for word in &words {
        if !selected.iter().any(|case| fits(word, &name_of(case))) {
            return Err(format!("no situation is called `{word}`"));
        }
    }
    if !words.is_empty() {
        selected.retain(|case| words.iter().any(|word| fits(word, &name_of(case))));
    } else if sample {
        selected.retain(|case| case.as_ref().map_or(true, |case| case.expected.sample));
    }
    if selected.is_empty() { Err("nothing is selected".to_owned()) } else { Ok(selected) }
}

fn judge(store: &Store, environment: &Environment, case: &Case) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| {
        let mut verdict = Verdict::default();
        if let Err(fault) = judge_builds(store, environment, case, &mut verdict) {
            verdict.faults.push(fault);
        }
        verdict
    }))
    .unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Verdict { faults: vec![text.unwrap_or_default()], ..Verdict::default() }
    })
}

/// The first thing that makes further looking useless is the error; all else is in the verdict.
fn judge_builds(
    store: &Store,
    environment: &Environment,
    case: &Case,
    verdict: &mut Verdict,
) -> Result<(), String> {
    let frontend = build::frontend(case, &environment.image);
    let unmodified = build(store, case, "Dockerfile", Some(&frontend));
    verdict.assemble = unmodified.assemble;
    if let (Some(most), Some(took)) = (case.expected.max_ms, unmodified.assemble)
        && took > Duration::from_millis(most)
    {
        verdict.faults.push(format!("assembling took {took:?}, at most {most} ms are wanted"));
    }
    let second = case.distroless_dockerfile().map(|file| build(store, case, file, Some(&frontend)));
    if let Some(text) = &case.expected.error {
        verdict.word = Some("refused");
        for built in [Some(&unmodified), second.as_ref()].into_iter().flatten() {
            match &built.image {
                Ok(_) => verdict.faults.push(format!("the build succeeds; it should say `{text}`")),
                Err(said) if said.contains(text.as_str()) => {}
                Err(said) => verdict.faults.push(format!("the build does not say `{text}`:\n{said}")),
            }
        }
        return Ok(());
    }
    if let Some(output) = &case.expected.output {
        let image = unmodified.image.as_ref().map_err(|error| format!("the build fails:\n{error}"))?;
        check_findings(case, &unmodified, verdict);
        let stdout = output.clone();
        let behaviour = Behaviour { exit: Some(case.expected.exit), stdout, ..Behaviour::default() };
        judge_image(store, case, image, &Remembered { bytes: 0, behaviour }, Form::Unmodified, verdict);
        return Ok(());
    }
    let official = build(store, case, "Dockerfile", None);
    let ordinary = official.image.map_err(|error| format!("the ordinary build fails:\n{error}"))?;
    let image = unmodified.image.as_ref().map_err(|error| format!("the build fails:\n{error}"))?;
    if let Some(text) = &case.expected.left {
        verdict.word = Some("left");
        let told = unmodified.warnings.iter().filter(|warning| warning.starts_with("Distroless"));
        if told.clone().any(|warning| warning.contains(text.as_str())) == text.is_empty() {
            verdict.faults.push(format!("no notice says `{text}`: {:?}", unmodified.warnings));
        }
        if image.identity() != ordinary.identity() {
            verdict.faults.push("the stage does not stay as it is".to_owned());
        }
    } else {
        check_findings(case, &unmodified, verdict);
    }
    if case.expected.left.is_some() && second.is_none() {
        return Ok(());
    }
    let remembered = ordinary_behaviour(store, case, &ordinary)?;
    verdict.ordinary_bytes = Some(remembered.bytes);
    if let Some(reason) = check::proves_nothing(&case.expected, &remembered.behaviour) {
        return Err(reason);
    }
    if case.expected.left.is_none() {
        judge_image(store, case, image, &remembered, Form::Unmodified, verdict);
    }
    if let Some(second) = second {
        let image =
            second.image.map_err(|error| format!("Dockerfile.distroless: the build fails:\n{error}"))?;
        judge_image(store, case, &image, &remembered, Form::Written, verdict);
    }
    Ok(())
}

/// How the Dockerfile says that the image is distroless.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Unmodified,
    /// `Dockerfile.distroless`, where programs may have other places than in the ordinary image.
    Written,
}

fn judge_image(
    store: &Store,
    case: &Case,
    image: &Stored,
    remembered: &Remembered,
    form: Form,
    verdict: &mut Verdict,
) {
    let mounted = store.mount(image);
    let root = mounted.root();
    let mut faults = match Set::read(&root) {
        Err(fault) => vec![fault],
        Ok(set) => {
            if form == Form::Unmodified || verdict.distroless_bytes.is_none() {
                verdict.distroless_bytes = Some(set.bytes);
                verdict.files = set.files;
            }
            set.faults(&root, image, &case.expected)
        }
    };
    if form == Form::Unmodified {
        let volumes = container::volumes(image);
        faults.extend(check::unexplained(&case.expected, &volumes, &remembered.behaviour, &root));
    }
    let behaviour = run_image(store, case, image, &mounted, false);
    faults.extend(check::differences(&case.expected, &remembered.behaviour, &behaviour));
    if form == Form::Written {
        faults = faults.into_iter().map(|fault| format!("Dockerfile.distroless: {fault}")).collect();
    }
    verdict.faults.extend(faults);
}

/// The rules told are those that the case expects; that an image runs as root is always told.
fn check_findings(case: &Case, built: &Built, verdict: &mut Verdict) {
    const ALWAYS: &str = "DistrolessRootUser";
    let told: BTreeSet<&str> = built
        .warnings
        .iter()
        .filter_map(|warning| warning.split(':').next())
        .filter(|rule| rule.starts_with("Distroless") && *rule != ALWAYS)
        .collect();
    let expected: BTreeSet<&str> = case.expected.findings.iter().map(String::as_str).collect();
    if told != expected {
        let all: Vec<_> = built.warnings.iter().map(|warning| format!("  {warning}")).collect();
        verdict.faults.push(format!("told {told:?}, expected {expected:?}:\n{}", all.join("\n")));
    }
}

fn ordinary_behaviour(store: &Store, case: &Case, image: &Stored) -> Result<Remembered, String> {
    use sha2::{Digest, Sha256};
    let key = format!("1 {} {}", image.identity(), case.text);
    let file = store.remembered(&store::hex(&Sha256::digest(key))[..32]);
    if let Ok(text) = std::fs::read(&file)
        && std::env::var_os("STRACE").is_none()
    {
        return serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()));
    }
    let mounted = store.mount(image);
    let (bytes, _) = check::size(&inside::walk(&mounted.root()));
    let behaviour = run_image(store, case, image, &mounted, true);
    let remembered = Remembered { bytes, behaviour };
    if check::proves_nothing(&case.expected, &remembered.behaviour).is_none() {
        let text = serde_json::to_vec(&remembered).map_err(|error| error.to_string())?;
        std::fs::write(&file, text).map_err(|error| error.to_string())?;
    }
    Ok(remembered)
}

/// Counts, and the lines as they come.
#[derive(Default)]
struct Total {
    passed: usize,
    failed: usize,
    ordinary: u64,
    distroless: u64,
    failures: Vec<String>,
}

impl Total {
    fn add(&mut self, name: &str, verdict: &Verdict) {
        let size =
            |bytes: Option<u64>| bytes.map_or("–".to_owned(), |bytes| format!("{:.1}", megabytes(bytes)));
        let word = if verdict.faults.is_empty() { verdict.word.unwrap_or("ok") } else { "FAILED" };
        say(&format!(
            "{name:<44} {:>8} → {:<7} MB {:>6} files {:>9}  {word}",
            size(verdict.ordinary_bytes),
            size(verdict.distroless_bytes),
            verdict.files,
            verdict.assemble.map_or("cached".to_owned(), |time| format!("{} ms", time.as_millis())),
        ));
        if let (Some(ordinary), Some(distroless)) = (verdict.ordinary_bytes, verdict.distroless_bytes) {
            self.ordinary += ordinary;
            self.distroless += distroless;
        }
        if verdict.faults.is_empty() {
            self.passed += 1;
        } else {
            self.failed += 1;
            self.failures.push(name.to_owned());
            for fault in &verdict.faults {
                say(&format!("    {}", fault.trim_end().replace('\n', "\n    ")));
            }
        }
    }

    fn print(&self, took: Duration) {
        say(&format!(
            "\n{:.1} → {:.1} MB in {} s",
            megabytes(self.ordinary),
            megabytes(self.distroless),
            took.as_secs()
        ));
        if !self.failures.is_empty() {
            say(&format!("failed: {}", self.failures.join(" ")));
        }
        let word = if self.failed == 0 { "ok" } else { "FAILED" };
        say(&format!("test result: {word}. {} passed; {} failed", self.passed, self.failed));
    }
}

#[expect(clippy::print_stdout, reason = "what this program finds is its output")]
fn say(text: &str) {
    println!("{text}");
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
