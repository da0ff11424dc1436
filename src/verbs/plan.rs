//! `decant plan`: which files of a root file system a program needs, without a daemon.

use std::io::Write;
use std::path::Path;

use super::{VerbError, exit_code};
use crate::assemble::describe;
use crate::closure::plan::{Roots, plan as compute};
use crate::closure::report::{manifest_of, text};
use crate::distill::spec::{
    AssembleSpec, Command, Config, Control, InstructionId, Mode, Source, VERSION, Variant,
};
use crate::image::platform::Platform;
use crate::rootfs::Rootfs;
use crate::rootfs::dir::DirRootfs;
use crate::rules::Rules;

/// `decant plan DIRECTORY [--entrypoint WORD]… [--env NAME=VALUE]… [--user USER] [--workdir DIR] [--json] [-- WORD…]`
pub fn plan(args: &[String], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    let outcome = parse(args).and_then(|request| run(&request, out, err));
    exit_code("plan", outcome, err)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    directory: String,
    command: Vec<String>,
    env: Vec<String>,
    user: String,
    working_dir: String,
    json: bool,
}

fn parse(args: &[String]) -> Result<Request, VerbError> {
    let mut request = Request::default();
    let mut directories = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let (name, mut inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        let mut value = || {
            let value = inline.take().or_else(|| words.next().cloned());
            value.ok_or_else(|| VerbError::Usage(format!("`{name}` needs a value; {USAGE}")))
        };
        match name {
            "--entrypoint" => request.command.push(value()?),
            "--env" => request.env.push(value()?),
            "--user" => request.user = value()?,
            "--workdir" => request.working_dir = value()?,
            "--json" => request.json = true,
            "--" => {
                request.command.extend(words.by_ref().cloned());
            }
            _ if name.starts_with('-') => {
                return Err(VerbError::Usage(format!("unknown option `{name}`; {USAGE}")));
            }
            _ => directories.push(word.clone()),
        }
    }
    match <[String; 1]>::try_from(directories) {
        Ok([directory]) => request.directory = directory,
        Err(_) => return Err(VerbError::Usage(USAGE.to_owned())),
    }
    if request.command.is_empty() {
        return Err(VerbError::Usage(format!("no program is named; {USAGE}")));
    }
    Ok(request)
}

fn run(request: &Request, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), VerbError> {
    let rootfs = open(&request.directory)?;
    let spec = spec(request);
    let roots: Roots<'_> = [(MOUNT.to_owned(), &rootfs as &dyn Rootfs)].into();
    let planned = compute(&spec, &roots, &Rules::built_in()).map_err(|findings| {
        describe(err, &findings);
        VerbError::Failed("the file set has errors".to_owned())
    })?;
    let manifest = manifest_of(&planned, &spec, concat!("decant ", env!("CARGO_PKG_VERSION")));
    if request.json {
        let json = serde_json::to_string_pretty(&manifest).expect("a manifest has keys that are text only");
        writeln!(out, "{json}")?;
    } else {
        out.write_all(text(&manifest, None).as_bytes())?;
    }
    Ok(())
}

fn open(directory: &str) -> Result<DirRootfs, VerbError> {
    let path = Path::new(directory);
    let failed = |what: &str| VerbError::Failed(format!("`{directory}` {what}"));
    if path.is_file() {
        return Err(failed("is a file; archives cannot be planned yet, unpack it to a directory"));
    }
    if path.join("oci-layout").is_file() {
        return Err(failed(
            "is an OCI layout, which cannot be planned yet; unpack its layers to a directory",
        ));
    }
    DirRootfs::open(path).map_err(|error| failed(&format!("cannot be opened: {error}")))
}

fn spec(request: &Request) -> AssembleSpec {
    let id = InstructionId {
        stage: STAGE.to_owned(),
        ordinal: 0,
        text: format!("ENTRYPOINT {}", serde_json::Value::from(request.command.clone())),
    };
    AssembleSpec {
        version: VERSION,
        mode: Mode::Compose,
        implicit: false,
        stage: STAGE.to_owned(),
        platform: Platform {
            os: "linux".to_owned(),
            architecture: ARCHITECTURE.to_owned(),
            ..Platform::default()
        },
        variant: Variant::default(),
        steps: Vec::new(),
        sources: vec![Source {
            name: request.directory.clone(),
            mount: MOUNT.to_owned(),
            base: None,
            env: request.env.clone(),
            fallback: false,
        }],
        config: Config {
            env: request.env.clone(),
            working_dir: if request.working_dir.is_empty() { "/" } else { &request.working_dir }.to_owned(),
            user: request.user.clone(),
            entrypoint: Some(Command { args: request.command.clone(), shell_form: false, id: Some(id) }),
            ..Config::default()
        },
        control: Control::default(),
    }
}

const USAGE: &str = "usage: decant plan DIRECTORY [--env NAME=VALUE] [--user USER] [--workdir DIR] [--json] -- PROGRAM [WORD…]";
const MOUNT: &str = "/";
const STAGE: &str = "plan";
/// As in platform names; the planned files are this machine's unless a program says otherwise.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn words_are_read() {
        let request = parse(&words("--env=A=B root --user 1 --json -- /app --json")).unwrap();
        assert_eq!(
            request,
            Request {
                directory: "root".to_owned(),
                command: words("/app --json"),
                env: words("A=B"),
                user: "1".to_owned(),
                working_dir: String::new(),
                json: true,
            }
        );
        assert_eq!(parse(&words("root --entrypoint a --entrypoint b")).unwrap().command, ["a", "b"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let rows = [
            ("no directory", "-- /app", USAGE.to_owned()),
            ("two directories", "a b -- /app", USAGE.to_owned()),
            ("no program", "a", format!("no program is named; {USAGE}")),
            ("unknown option", "a --evn X", format!("unknown option `--evn`; {USAGE}")),
            ("no value", "a --env", format!("`--env` needs a value; {USAGE}")),
        ];
        for (summary, line, expected) in rows {
            assert_eq!(parse(&words(line)).unwrap_err().to_string(), expected, "{summary}");
        }
    }

    #[test]
    fn what_is_no_directory_is_refused_by_kind() {
        let temporary = tempfile::tempdir().unwrap();
        let path = |name: &str| temporary.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("archive.tar"), "").unwrap();
        std::fs::create_dir(path("layout")).unwrap();
        std::fs::write(path("layout") + "/oci-layout", "").unwrap();
        let rows = [
            ("archive.tar", "is a file; archives cannot be planned yet, unpack it to a directory"),
            ("layout", "is an OCI layout, which cannot be planned yet; unpack its layers to a directory"),
            ("missing", "cannot be opened: No such file or directory (os error 2)"),
        ];
        for (name, expected) in rows {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let code = plan(&[path(name), "--".to_owned(), "/app".to_owned()], &mut out, &mut err);
            let err = String::from_utf8(err).unwrap();
            assert_eq!((code, err), (1, format!("decant plan: `{}` {expected}\n", path(name))));
        }
    }
}
