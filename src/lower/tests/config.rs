//! Instructions that change the image config, its history, and what is linted on the way.

use super::Build;

const WORKED: &str = r#"ARG G=gv
FROM scratch AS base
ENV A=1 B="x y"
LABEL l="a b" m=$A
CMD ["base"]
ONBUILD ENV OB=1
ONBUILD COPY <<EOF /ob
x
EOF
FROM base AS fin
ARG G H=2 I TARGETARCH
MAINTAINER me <x@y>
WORKDIR sub/
WORKDIR /abs/../q/
USER 1:2
EXPOSE 90/udp 80 100-102
VOLUME /v /w
VOLUME ["/j k"]
SHELL ["/bin/x","-c"]
STOPSIGNAL 9
HEALTHCHECK --interval=30s --retries=2 CMD curl x || exit 1
ENTRYPOINT foo $A
COPY --chown=1 --chmod=0644 <<EOT <<-X d/
t
EOT
	y
X
ONBUILD RUN zz
"#;

#[test]
fn writes_history_as_the_official_frontend() {
    let built = Build::default().arg("SOURCE_DATE_EPOCH", "1700000000").run(WORKED).unwrap();
    assert_eq!(
        built.created_by(),
        [
            "ENV A=1 B=x y",
            "LABEL l=a b m=1",
            "CMD [\"base\"]",
            "ENV OB=1",
            "+ COPY <<EOF /ob # buildkit",
            "ARG G=gv H=2 I TARGETARCH=amd64",
            "MAINTAINER me <x@y>",
            "+ WORKDIR /sub",
            "+ WORKDIR /abs/../q/",
            "USER 1:2",
            "EXPOSE [100/tcp 101/tcp 102/tcp 80/tcp 90/udp]",
            "VOLUME [/v /w]",
            "VOLUME [/j k]",
            "SHELL [/bin/x -c]",
            "STOPSIGNAL 9",
            "HEALTHCHECK {Test:[CMD-SHELL curl x || exit 1] Interval:30s Timeout:0s StartPeriod:0s \
             StartInterval:0s Retries:2}",
            "ENTRYPOINT [\"/bin/x\" \"-c\" \"foo $A\"]",
            "+ COPY --chown=1 --chmod=0644 <<EOT <<X d/ # buildkit",
        ]
    );
    assert_eq!(built.lowered.config.history[0].created.as_deref(), Some("2023-11-14T22:13:20Z"));
}

#[test]
fn writes_the_config() {
    let built = Build::default().run(WORKED).unwrap();
    let mut config = built.lowered.config;
    config.history.clear();
    let json = String::from_utf8(config.to_json()).unwrap();
    assert_eq!(
        json,
        r#"{"author":"me \u003cx@y\u003e","architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":null},"config":{"User":"1:2","ExposedPorts":{"100/tcp":{},"101/tcp":{},"102/tcp":{},"80/tcp":{},"90/udp":{}},"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","A=1","B=x y","OB=1"],"Entrypoint":["/bin/x","-c","foo $A"],"Volumes":{"/j k":{},"/v":{},"/w":{}},"WorkingDir":"/abs/../q/","Labels":{"l":"a b","m":"1"},"StopSignal":"9","ArgsEscaped":true,"Healthcheck":{"Test":["CMD-SHELL","curl x || exit 1"],"Interval":30000000000,"Retries":2},"OnBuild":["RUN zz"],"Shell":["/bin/x","-c"]}}"#
    );
}

#[test]
fn counts_triggers_among_the_steps() {
    let built = Build::default().run(WORKED).unwrap();
    let graph = built.graph();
    let names: Vec<&str> = graph
        .lines()
        .filter_map(|line| line.split(" = ").next())
        .filter(|line| line.contains("/5]"))
        .collect();
    assert_eq!(
        names,
        [
            "1 [fin 1/5] ONBUILD COPY <<EOF /ob",
            "2 [fin 2/5] WORKDIR sub/",
            "3 [fin 3/5] WORKDIR /abs/../q/",
            "6 [fin 4/5] COPY --chown=1 --chmod=0644 <<EOT <<-X d/",
        ]
    );
}

#[test]
fn keeps_or_drops_the_command_of_the_base() {
    for (summary, dockerfile, expected) in [
        ("kept", "FROM busybox", Some("sh")),
        ("dropped by an entrypoint", "FROM busybox\nENTRYPOINT [\"e\"]", None),
        ("kept when set here", "FROM busybox\nCMD [\"c\"]\nENTRYPOINT [\"e\"]", Some("c")),
        (
            "one of the stage below is dropped",
            "FROM busybox AS a\nCMD [\"c\"]\nFROM a\nENTRYPOINT [\"e\"]",
            None,
        ),
    ] {
        let built = Build::default().run(dockerfile).unwrap();
        let cmd = built.lowered.config.config.cmd.map(|words| words.concat());
        assert_eq!(cmd.as_deref(), expected, "{summary}");
    }
}

#[test]
fn arguments_and_their_values() {
    for (summary, dockerfile, expected) in [
        ("a build argument beats the default", "FROM scratch\nARG GIVEN=x\nENV V=$GIVEN", "given"),
        ("a global needs a declaration", "ARG X=1\nFROM scratch\nENV V=${X:-no}", "no"),
        ("a declared global", "ARG X=1\nFROM scratch\nARG X\nENV V=$X", "1"),
        ("a default of the stage beats the global", "ARG X=1\nFROM scratch\nARG X=2\nENV V=$X", "2"),
        ("the later one wins", "FROM scratch\nENV X=1\nARG X=2\nENV V=$X", "2"),
        ("arguments of the stage below", "FROM scratch AS a\nARG X=1\nFROM a\nENV V=$X", "1"),
        (
            "an ENV of the stage below is set again",
            "FROM scratch AS a\nENV X=1\nARG X=2\nFROM a\nENV V=$X",
            "1",
        ),
    ] {
        let built = Build::default().arg("GIVEN", "given").run(dockerfile).unwrap();
        let env = &built.lowered.config.config.env;
        assert_eq!(env.last().map(String::as_str), Some(format!("V={expected}").as_str()), "{summary}");
    }
}

#[test]
fn lints_what_the_state_of_a_stage_decides() {
    for (dockerfile, expected) in [
        ("FROM scratch\nARG NAME\nENV A=$QQQ", "UndefinedVar: Usage of undefined variable '$QQQ'"),
        (
            "FROM scratch\nENV NAME=1\nENV A=$NAM",
            "UndefinedVar: Usage of undefined variable '$NAM' (did you mean $NAME?)",
        ),
        (
            "FROM scratch\nWORKDIR a\nWORKDIR b",
            "WorkdirRelativePath: Relative workdir \"a\" can have unexpected results if the base image changes",
        ),
        (
            "FROM scratch\nCMD [\"a\"]\nCMD [\"b\"]",
            "MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage \
             because only the last one will be used",
        ),
        (
            "FROM scratch\nENV API_TOKEN=1",
            "SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV \"API_TOKEN\")",
        ),
        (
            "FROM scratch\nentrypoint x",
            "JSONArgsRecommended: JSON arguments recommended for entrypoint to prevent unintended behavior \
             related to OS signals",
        ),
        (
            "FROM scratch\nEXPOSE 80/TCP",
            "ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
        ),
        (
            "FROM --platform=linux/arm64 busybox",
            "InvalidBaseImagePlatform: Base image busybox was pulled with platform \"linux/amd64\", expected \
             \"linux/arm64\" for current build",
        ),
        ("FROM scratch$X", "UndefinedArgInFrom: FROM argument 'X' is not declared"),
        (
            "FROM --platform=linux/amd64 scratch",
            "FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value \"linux/amd64\"",
        ),
    ] {
        let warnings = Build::default().run(dockerfile).unwrap().warnings();
        assert!(warnings.iter().any(|warning| warning == expected), "{dockerfile}: {warnings:?}");
    }
}

#[test]
fn lints_only_what_is_wrong() {
    for dockerfile in [
        "ARG TAG\nFROM scratch$TAG",
        "FROM --platform=linux/amd64 scratch AS for-amd64",
        "FROM scratch\nARG X\nENV A=$X",
        "FROM scratch\nWORKDIR /a\nWORKDIR b",
        "FROM scratch\nENV PUBLIC_KEY=1 TOKEN_FILE=/x KEYS=2",
        "FROM scratch\nSHELL [\"/bin/x\"]\nCMD x",
    ] {
        let warnings = Build::default().run(dockerfile).unwrap().warnings();
        assert!(warnings.is_empty(), "{dockerfile}: {warnings:?}");
    }
}
