use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

use super::source::Span;
use super::{directive, ignore, parse, parse_all, parse_trigger};

/// `line-line message` of every error.
fn errors(text: &str) -> Vec<String> {
    let errors = parse(text.as_bytes()).err().unwrap_or_default();
    let place = |spans: &[Span]| match spans {
        [span] => format!("{}-{}", span.first, span.last),
        _ => "-".to_owned(),
    };
    errors.iter().map(|error| format!("{} {}", place(&error.spans), error.message)).collect()
}

#[test]
fn reports_the_official_error_first() {
    for (summary, text, expected) in [
        ("nothing", "", "- the Dockerfile cannot be empty"),
        ("no instruction", "# x\n", "1-1 file with no instructions"),
        ("no stage", "ARG A", "- dockerfile contains no stages to build"),
        ("before the first stage", "ARG A\nRUN b", "2-2 no build stage in current context"),
        (
            "unknown",
            "FROM x\nWORKDIRR a",
            "2-2 dockerfile parse error on line 2: unknown instruction: WORKDIRR (did you mean WORKDIR?)",
        ),
        (
            "unknown, lower case",
            "FROM x\nrum a",
            "2-2 dockerfile parse error on line 2: unknown instruction: rum (did you mean run?)",
        ),
        ("line grammar comes before instructions", "FOO\nENV a", "2-2 ENV must have two arguments"),
        (
            "a flag over several lines",
            "FROM x\nCOPY --frm=y \\\n a b",
            "2-3 dockerfile parse error on line 2: unknown flag: --frm (did you mean from?)",
        ),
        (
            "destination",
            "FROM x\nCOPY a",
            "2-2 dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined",
        ),
        (
            "heredoc as destination",
            "FROM x\nADD a <<E\nE",
            "2-3 dockerfile parse error on line 2: ADD cannot accept a heredoc as a destination",
        ),
        (
            "FROM words",
            "FROM a b",
            "1-1 dockerfile parse error on line 1: FROM requires either one or three arguments",
        ),
        (
            "stage name",
            "FROM a AS 1x",
            "1-1 dockerfile parse error on line 1: invalid name for build stage: \"1x\", name can't start with a number or contain symbols",
        ),
        (
            "one argument",
            "FROM x\nUSER",
            "2-2 dockerfile parse error on line 2: USER requires exactly one argument",
        ),
        (
            "some argument",
            "FROM x\nEXPOSE",
            "2-2 dockerfile parse error on line 2: EXPOSE requires at least one argument",
        ),
        ("blank name", "FROM x\nENV =a", "2-2 dockerfile parse error on line 2: ENV names can not be blank"),
        (
            "SHELL form",
            "FROM x\nSHELL sh",
            "2-2 dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form",
        ),
        (
            "empty SHELL",
            "FROM x\nSHELL []",
            "2-2 dockerfile parse error on line 2: SHELL requires at least one argument",
        ),
        (
            "JSON of other things",
            "FROM x\nCMD [1]",
            "2-2 when using JSON array syntax, arrays must be comprised of strings only",
        ),
        (
            "empty volume",
            "FROM x\nVOLUME [\"\"]",
            "2-2 dockerfile parse error on line 2: VOLUME specified can not be an empty string",
        ),
        (
            "network",
            "FROM x\nRUN --network=x a",
            "2-2 dockerfile parse error on line 2: invalid network mode \"x\"",
        ),
        (
            "security",
            "FROM x\nRUN --security=x a",
            "2-2 dockerfile parse error on line 2: security \"x\" is not valid",
        ),
        (
            "variable in a mount's from",
            "FROM x\nRUN --mount=from=$a a",
            "2-2 dockerfile parse error on line 2: 'from' doesn't support variable expansion, define alias stage instead",
        ),
        (
            "healthcheck type",
            "FROM x\nHEALTHCHECK foo",
            "2-2 dockerfile parse error on line 2: Unknown type \"FOO\" in HEALTHCHECK (try CMD)",
        ),
        (
            "healthcheck interval",
            "FROM x\nHEALTHCHECK --interval=1us CMD a",
            "2-2 dockerfile parse error on line 2: Interval \"interval\" cannot be less than 1ms",
        ),
        (
            "healthcheck retries",
            "FROM x\nHEALTHCHECK --retries=-1 CMD a",
            "2-2 dockerfile parse error on line 2: --retries cannot be negative (-1)",
        ),
        (
            "healthcheck retries, no number",
            "FROM x\nHEALTHCHECK --retries=x CMD a",
            "2-2 dockerfile parse error on line 2: strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        (
            "healthcheck without command",
            "FROM x\nHEALTHCHECK CMD",
            "2-2 dockerfile parse error on line 2: Missing command after HEALTHCHECK CMD",
        ),
        (
            "no healthcheck",
            "FROM x\nHEALTHCHECK --bogus NONE a",
            "2-2 dockerfile parse error on line 2: HEALTHCHECK NONE takes no arguments",
        ),
        (
            "nested trigger",
            "FROM x\nONBUILD ONBUILD RUN a",
            "2-2 dockerfile parse error on line 2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
        ),
        (
            "FROM as trigger",
            "FROM x\nONBUILD from y",
            "2-2 dockerfile parse error on line 2: FROM isn't allowed as an ONBUILD trigger",
        ),
    ] {
        assert_eq!(errors(text).first().map(String::as_str), Some(expected), "{summary}");
    }
}

#[test]
fn goes_on_after_an_error() {
    let text = "FROM x\nFOO\nUSER\nRUN a\nFROM y\nCOPY a";
    let lines: Vec<String> =
        errors(text).iter().map(|error| error.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["2-2", "3-3", "6-6"]);
    let outcome = parse_all(b"ARG a\nFROM x\nRUN a\nFOO\nRUN b");
    assert_eq!(outcome.dockerfile.stages[0].instructions.len(), 1);
}

#[test]
fn knows_the_flags_of_decant() {
    let file = parse(b"FROM --distroless --platform=p a AS b\nFROM --distroless=debug c\nCOPY --closure=false a b\nCOPY a b").unwrap();
    let distroless: Vec<_> = file.stages.iter().map(|stage| stage.from.value.distroless.clone()).collect();
    assert_eq!(distroless, [Some(None), Some(Some("debug".to_owned()))]);
    let closure = file.stages[1].instructions.iter().map(|instruction| match &instruction.value {
        super::Kind::Copy(copy) => copy.closure,
        other => panic!("{other:?}"),
    });
    assert_eq!(closure.collect::<Vec<_>>(), [Some(false), None]);
    let message = errors("FROM --distroless= a").remove(0);
    assert_eq!(message, "1-1 dockerfile parse error on line 1: missing a value on flag: --distroless");
}

#[test]
fn reads_triggers() {
    let file = parse(b"FROM x\n onbuild  COPY <<E <<-F /d \na\nE\n\tb\n\tF\n").unwrap();
    let super::Kind::Onbuild(text) = &file.stages[0].instructions[0].value else { panic!() };
    assert_eq!(text, "COPY <<E <<-F /d \na\nE\n\tb\nF");
    let trigger = parse_trigger(text).unwrap();
    assert_eq!(trigger.text, "COPY <<E <<-F /d");
    for (text, expected) in [
        ("RUN a\nRUN b", "onbuild trigger should be a single expression"),
        ("", "file with no instructions"),
        (
            "COPY a",
            "COPY requires at least two arguments, but only one was provided. Destination could not be determined",
        ),
        ("FROM a", "*instructions.Stage is not a command type"),
    ] {
        assert_eq!(parse_trigger(text).unwrap_err().message, expected, "{text}");
    }
}

#[test]
fn time_grows_with_length() {
    // Each of these took minutes in a reader that goes back, or overflowed the stack of one that nests.
    let length = 60_000;
    for piece in [
        "\\\n",
        "# x\n",
        "ONBUILD ",
        "\"",
        "'",
        "<<",
        "<<A ",
        "${a:-",
        "[",
        "{\"a\":",
        "--a ",
        "=",
        "a=",
        " ",
        "\n\\\n\n",
        "FROM x AS y\n",
        "RUN <<A\nA\n",
        "COPY a b\n",
        "\u{a0}",
        "\u{feff}",
    ] {
        let soup = piece.repeat(length / piece.len());
        for start in [
            "",
            "FROM x\n",
            "RUN ",
            "ENV a=",
            "ONBUILD RUN ",
            "CMD ",
            "COPY ",
            "HEALTHCHECK CMD ",
            "# syntax=",
        ] {
            let text = format!("{start}{soup}");
            let outcome = parse_all(text.as_bytes());
            assert!(!outcome.errors.is_empty() || !outcome.dockerfile.stages.is_empty());
        }
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("FROM x AS y\n"),
        Just("RUN "),
        Just("COPY "),
        Just("ENV "),
        Just("ONBUILD "),
        Just("HEALTHCHECK "),
        Just("ARG "),
        Just("--mount=type=cache"),
        Just("--from=a"),
        Just("<<EOF"),
        Just("\nEOF\n"),
        Just("\\\n"),
        Just("\n"),
        Just("# c\n"),
        Just("# escape=`\n"),
        Just("\""),
        Just("'"),
        Just("["),
        Just("]"),
        Just("$"),
        Just("{"),
        Just("}"),
        Just("="),
        Just(" "),
        Just("a"),
        Just("\\"),
        Just("`"),
        Just("\u{a0}"),
        Just("é"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Every place lies in the file, and instructions stand in order.
fn check_places(data: &[u8]) {
    let lines = u32::try_from(data.split(|&byte| byte == b'\n').count()).unwrap();
    let outcome = parse_all(data);
    let mut last = 0;
    let file = &outcome.dockerfile;
    let global = file.global_args.iter().map(|arg| arg.span);
    let staged = file.stages.iter().flat_map(|stage| {
        std::iter::once(stage.from.span).chain(stage.instructions.iter().map(|instruction| instruction.span))
    });
    for span in global.chain(staged) {
        assert!(last < span.first && span.first <= span.last && span.last <= lines, "{span:?} of {lines}");
        last = span.last;
    }
    for span in outcome.errors.iter().flat_map(|error| &error.spans) {
        assert!(span.first <= span.last && span.last <= lines, "{span:?} of {lines}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read(data in prop::collection::vec(any::<u8>(), 0..400)) {
        check_places(&data);
        let _ = (directive::syntax(&data), directive::check(&data), directive::distroless(&data));
        let _ = ignore::parse_ignore(&data);
    }

    #[test]
    fn anything_like_a_dockerfile_is_read(text in pieces()) {
        check_places(text.as_bytes());
    }

    #[test]
    fn any_word_is_expanded(word in r#"[$"'\\{}:#%/*?<a-c é+-]{0,40}"#) {
        use super::word::{Lexer, NoVariables};
        for lexer in [Lexer::new('\\'), Lexer::new('`'), Lexer::vertex_name('\\'), Lexer::heredoc_body()] {
            let _ = lexer.expand(&word, &NoVariables);
            let _ = lexer.expand_words(&word, &NoVariables);
        }
    }

    #[test]
    fn small_grammars_take_any_text(text in r"[\PC\n]{0,30}") {
        use super::{chmod, chown, device, duration, git_ref, mount, pattern, port, signal};
        let _ = (chmod::parse_mode(&text), chown::parse_owner(&text), device::parse_device(&text));
        let _ = (git_ref::parse_git_ref(&text), port::parse_port(&text), signal::is_signal(&text));
        let _ = mount::parse_mount::<mount::MountError>(&text, |value| Ok(value.to_owned()));
        if let Ok(duration) = duration::parse_duration(&text) {
            assert_eq!(duration::parse_duration(&duration::format_duration(duration)), Ok(duration));
        }
        if let Ok(set) = pattern::PatternSet::new([text.as_str()]) {
            let _ = set.matches_or_parent("a/b/c");
        }
    }

    #[test]
    fn durations_survive_printing(nanoseconds: i64) {
        use super::duration::{format_duration, parse_duration};
        assert_eq!(parse_duration(&format_duration(nanoseconds)), Ok(nanoseconds));
    }
}
