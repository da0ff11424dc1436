//! `decant plan`: which files of a root file system a program needs, without a daemon.

use std::io::Write;

use super::place::{Place, platform};
use super::{VerbError, exit_code};
use crate::assemble::describe;
use crate::closure::plan::{Roots, plan as compute};
use crate::closure::report::{manifest_of, text};
use crate::distill::spec::{
    AssembleSpec, Command, Config, Control, InstructionId, Mode, Source, VERSION, Variant, is_shell_form,
};
use crate::image::config::ImageConfig;
use crate::rules::Rules;

/// `decant plan (DIRECTORY | OCI LAYOUT | ARCHIVE) [--entrypoint WORD]… [--env NAME=VALUE]… [--user USER] [--workdir DIR] [--json] [-- WORD…]`
pub fn plan(args: &[String], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    let outcome = parse(args).and_then(|request| run(&request, out, err));
    exit_code("plan", outcome, err)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    place: String,
    command: Vec<String>,
    env: Vec<String>,
    user: String,
    working_dir: String,
    json: bool,
}

fn parse(args: &[String]) -> Result<Request, VerbError> {
    let mut request = Request::default();
    let mut places = Vec::new();
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
            _ => places.push(word.clone()),
        }
    }
    match <[String; 1]>::try_from(places) {
        Ok([place]) => request.place = place,
        Err(_) => return Err(VerbError::Usage(USAGE.to_owned())),
    }
    Ok(request)
}

fn run(request: &Request, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), VerbError> {
    let place = Place::open(&request.place)?;
    let spec = spec(request, place.config.as_ref());
    if spec.config.entrypoint.is_none() && spec.config.cmd.is_none() {
        return Err(VerbError::Usage(format!("no program is named; {USAGE}")));
    }
    let roots: Roots<'_> = [(MOUNT.to_owned(), &*place.rootfs)].into();
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

/// A directory is a source that the program is looked up in; an image is cut down as `FROM --distroless` would.
fn spec(request: &Request, image: Option<&ImageConfig>) -> AssembleSpec {
    let own = image.map(|image| image.config.clone()).unwrap_or_default();
    let mut env = own.env;
    env.extend(request.env.iter().cloned());
    let chosen = |mine: &str, images: String, default: &str| match (mine, images.as_str()) {
        ("", "") => default.to_owned(),
        ("", _) => images,
        (mine, _) => mine.to_owned(),
    };
    let (entrypoint, cmd) = match request.command.as_slice() {
        [] => (command(own.entrypoint, "ENTRYPOINT"), command(own.cmd, "CMD")),
        words => (command(Some(words.to_vec()), "ENTRYPOINT"), None),
    };
    AssembleSpec {
        version: VERSION,
        mode: if image.is_some() { Mode::Distil } else { Mode::Compose },
        implicit: false,
        stage: STAGE.to_owned(),
        platform: platform(),
        variant: Variant::default(),
        steps: Vec::new(),
        sources: vec![Source {
            name: request.place.clone(),
            mount: MOUNT.to_owned(),
            base: None,
            env: env.clone(),
            fallback: false,
        }],
        config: Config {
            env,
            working_dir: chosen(&request.working_dir, own.working_dir, "/"),
            user: chosen(&request.user, own.user, ""),
            entrypoint,
            cmd,
            volumes: own.volumes.into_iter().flatten().map(|(path, _)| path).collect(),
            exposed_ports: own.exposed_ports.into_iter().flatten().map(|(port, _)| port).collect(),
            ..Config::default()
        },
        control: Control::default(),
    }
}

fn command(words: Option<Vec<String>>, keyword: &str) -> Option<Command> {
    let args = words.filter(|words| !words.is_empty())?;
    let text = format!("{keyword} {}", serde_json::Value::from(args.clone()));
    let id = InstructionId { stage: STAGE.to_owned(), ordinal: 0, text };
    Some(Command { shell_form: is_shell_form(&args), args, id: Some(id) })
}

const USAGE: &str = "usage: decant plan (DIRECTORY | IMAGE) [--env NAME=VALUE] [--user USER] [--workdir DIR] [--json] [-- PROGRAM [WORD…]]";
const MOUNT: &str = "/";
const STAGE: &str = "plan";

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
                place: "root".to_owned(),
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
            ("unknown option", "a --evn X", format!("unknown option `--evn`; {USAGE}")),
            ("no value", "a --env", format!("`--env` needs a value; {USAGE}")),
        ];
        for (summary, line, expected) in rows {
            assert_eq!(parse(&words(line)).unwrap_err().to_string(), expected, "{summary}");
        }
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let path = |name: &str| temporary.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("text"), "").unwrap();
        let rows = [
            (
                "text",
                format!(
                    "`{}` cannot be opened: it has neither `index.json` nor `manifest.json`, so it is no saved image",
                    path("text")
                ),
                1,
            ),
            (
                "missing",
                format!("`{}` cannot be opened: No such file or directory (os error 2)", path("missing")),
                1,
            ),
            ("", format!("no program is named; {USAGE}"), 2),
        ];
        for (name, expected, code) in rows {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            assert_eq!(plan(&[path(name)], &mut out, &mut err), code, "{name}");
            assert_eq!(String::from_utf8(err).unwrap(), format!("decant plan: {expected}\n"));
        }
    }
}
