//! Errors: their texts equal the official frontend's, and they point at the line.

use super::Build;
use crate::llb::Caps;
use crate::lower::features::first_unknown;

#[test]
fn refuses() {
    for (dockerfile, message, lines) in [
        ("FROM $X", "base name ($X) should not be blank", &[1][..]),
        (
            "FROM --platform=a/b/c/d busybox",
            "failed to parse platform a/b/c/d: \"a/b/c/d\": cannot parse platform specifier: \
             invalid argument",
            &[1, 1],
        ),
        ("FROM scratch\nCOPY --from=7 a b", "invalid stage index 7", &[]),
        (
            "FROM scratch\nCOPY --from=$A a b",
            "variable expansion is not supported for --from, define a new stage with FROM using ARG from global \
             scope as a workaround",
            &[],
        ),
        (
            "FROM scratch AS a\nCOPY --from=b x y\nFROM a AS b\nWORKDIR /x",
            "cannot copy from stage \"b\", it needs to be defined before current stage \"a\"",
            &[2],
        ),
        (
            "FROM scratch AS a\nCOPY --from=b x y\nFROM scratch AS b\nCOPY --from=a x y",
            "circular dependency detected on stage: a",
            &[2, 4],
        ),
        (
            "FROM missing",
            "missing: failed to resolve source metadata for docker.io/library/missing:latest: not found",
            &[1],
        ),
        (
            "FROM scratch\nCOPY --link --chown=bob a b",
            "--chown=bob: user and group names can't be resolved when used with --link, use numeric uid[:gid] \
             instead",
            &[2],
        ),
        ("FROM scratch\nADD --checksum=sha256:x a b", "checksum requires HTTP(S) or Git sources", &[2]),
        ("FROM scratch\nCOPY https://a.invalid/b /", "source can't be a URL for COPY", &[2]),
        ("FROM scratch\nCOPY https://a.invalid/b.git /", "source can't be a git ref for COPY", &[2]),
        ("FROM scratch\nRUN --mount=target=/ x", "invalid mount target \"/\"", &[2]),
        ("FROM scratch\nSTOPSIGNAL $X", "invalid signal: ", &[2]),
        ("FROM scratch\nVOLUME $X", "VOLUME specified can not be an empty string", &[2]),
        ("FROM distroless:tiny", "unknown distroless variant \"tiny\"", &[1]),
        ("FROM distroless\nRUN x", "shell-form RUN in a distroless stage, which has no shell", &[2]),
    ] {
        let error =
            Build::default().run(dockerfile).err().unwrap_or_else(|| panic!("accepted: {dockerfile}"));
        assert_eq!(error.message, message, "{dockerfile}");
        let found: Vec<u32> = error.spans.iter().map(|span| span.first).collect();
        assert_eq!(found, lines, "{dockerfile}");
    }
}

/// Lints and outlines look at such a file too.
#[test]
fn a_run_without_words_is_noticed_at_the_end() {
    let lowered = Build::default().run("FROM scratch\nRUN []").ok().unwrap().lowered;
    assert_eq!(lowered.marshal_error.unwrap().message, "arguments are required");
}

#[test]
fn names_a_target_that_is_near() {
    let mut build = Build::default();
    build.options.target = "biuld".to_owned();
    let error = build.run("FROM scratch AS build").err().unwrap();
    assert_eq!(error.message, "target stage \"biuld\" could not be found (did you mean build?)");
}

#[test]
fn leaves_unneeded_stages_alone() {
    for dockerfile in [
        "FROM missing AS a\nFROM scratch",
        "FROM scratch AS a\nRUN --mount=bogus=1 x\nFROM scratch",
        "FROM scratch AS a\nENV A=${B:?no}\nFROM scratch",
    ] {
        assert!(Build::default().run(dockerfile).is_ok(), "{dockerfile}");
    }
}

/// Only a trigger can name the stage that it stands in; it sees what is there by then.
#[test]
fn a_trigger_can_copy_from_its_own_stage() {
    for trigger in ["COPY --from=end /t /u", "RUN --mount=from=end,target=/t x"] {
        let dockerfile =
            format!("FROM busybox AS base\nONBUILD {trigger}\nFROM base AS end\nCOPY --from=base /x /y");
        assert!(Build::default().run(&dockerfile).is_ok(), "{trigger}");
    }
}

#[test]
fn says_what_an_old_daemon_lacks() {
    for (instruction, expected) in [
        ("COPY a /b", None),
        ("COPY --chmod=755 a /b", None),
        ("RUN --mount=type=secret,id=s --mount=type=tmpfs,target=/t x", None),
        ("ADD https://h/a.git#main /b", None),
        (
            "COPY --exclude=*.md . /b",
            Some("`--parents` or `--exclude` of COPY and ADD needs BuildKit 0.9 or later"),
        ),
        (
            "COPY --parents a/./b /b",
            Some("`--parents` or `--exclude` of COPY and ADD needs BuildKit 0.9 or later"),
        ),
        ("COPY --chmod=u+x a /b", Some("a symbolic `--chmod` needs BuildKit 0.20 or later")),
        (
            "RUN --mount=type=secret,id=s,env=S x",
            Some("`env=` of a secret mount needs BuildKit 0.10 or later"),
        ),
        (
            "RUN --mount=type=tmpfs,target=/t,size=1m x",
            Some("`size=` of a tmpfs mount needs BuildKit 0.10 or later"),
        ),
        (
            "ADD https://h/a.git#main:sub /b",
            Some("a subdirectory of a Git repository needs BuildKit 0.9 or later"),
        ),
        (
            "ADD --checksum=abc https://h/a.git /b",
            Some("the checksum of a Git repository needs BuildKit 0.22 or later"),
        ),
        (
            "ADD https://h/a.git?submodules=false /b",
            Some("a Git repository without its submodules needs BuildKit 0.24 or later"),
        ),
        (
            "ADD https://h/a.git?fetch-by-commit=1 /b",
            Some("`fetch-by-commit` of a Git repository needs BuildKit 0.32 or later"),
        ),
    ] {
        let built = Build::default().run(&format!("FROM busybox\n{instruction}\n"));
        let built = built.unwrap_or_else(|error| panic!("{instruction}: {}", error.message));
        let unknown = first_unknown(&built.nodes, built.lowered.state, &Caps::default());
        assert_eq!(unknown.as_ref().map(|error| error.message.as_str()), expected, "{instruction}");
        assert!(unknown.is_none_or(|error| error.spans.iter().all(|span| span.first == 2)), "{instruction}");
    }
}
