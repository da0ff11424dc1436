//! Instructions that make vertices.

use super::Build;

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Rows of (summary, Dockerfile, graph); `$PATH` in the graph stands for the default search path.
fn check(build: &Build, rows: &[(&str, &str, &str)]) {
    for (summary, dockerfile, expected) in rows {
        let built = build.run(dockerfile).unwrap_or_else(|error| panic!("{summary}: {error}"));
        assert_eq!(built.graph().replace(PATH, "$PATH"), *expected, "{summary}");
    }
}

#[test]
fn bases() {
    let image = "docker-image://docker.io/library/busybox:latest@sha256:\
                 0000000000000000000000000000000000000000000000000000000000000001";
    let name = image.trim_start_matches("docker-image://");
    check(
        &Build::default(),
        &[
            ("scratch has no vertex", "FROM scratch", ""),
            ("an image alone has a number", "FROM busybox", &format!("0 [1/1] FROM {name} = {image}")),
            (
                "an image that only COPY names has none",
                "FROM scratch\nCOPY --from=busybox /a /b",
                &format!(
                    "0 FROM {name} = {image}\n\
                     1 [stage-0 1/1] COPY --from=busybox /a /b = file on -: copy 0:/a /b"
                ),
            ),
            (
                "a stage counts its own steps",
                "FROM scratch AS a\nWORKDIR /a\nFROM a\nWORKDIR b",
                "0 [a 1/1] WORKDIR /a = file on -: mkdir /a 755\n\
                 1 [stage-1 1/1] WORKDIR b = file on 0: mkdir /a/b 755",
            ),
        ],
    );
}

#[test]
fn named_contexts() {
    check(
        &Build::default().context("src", "local:dir").context("debian", "docker-image://scratch"),
        &[
            (
                "a local context is narrowed to what is read",
                "FROM scratch\nCOPY --from=src b a /",
                "0 [context src] load from client = local://dir local.excludepatterns=[\"*.o\"] \
                 local.followpaths=[\"a\",\"b\"] local.session=session local.sharedkeyhint=context:src-\n\
                 1 [stage-0 1/1] COPY --from=src b a / = file on -: copy 0:/b /; copy 0:/a /",
            ),
            ("a context replaces an image", "FROM debian", ""),
        ],
    );
}

#[test]
fn copies() {
    check(
        &Build::default(),
        &[
            (
                "several sources, owner names, quotes",
                "FROM scratch\nCOPY --chown=bob:grp --chmod=640 a \"b\" /w/.",
                "0 - = local://context local.followpaths=[\"a\",\"b\"]\n\
                 1 [1/1] COPY --chown=bob:grp --chmod=640 a b /w/. = file on -: \
                 copy 0:/a /w/. owner bob:grp mode 640; copy 0:/b /w/. owner bob:grp mode 640",
            ),
            (
                "the whole context is not narrowed",
                "FROM scratch\nCOPY . a /x/",
                "0 - = local://context\n1 [1/1] COPY . a /x/ = file on -: copy 0:/ /x/; copy 0:/a /x/",
            ),
            (
                "--parents",
                "FROM scratch\nCOPY --parents ./x/./y/*.txt foo/bar /d/",
                "0 - = local://context local.followpaths=[\"foo/bar\",\"x/y/*.txt\"]\n\
                 1 [1/1] COPY --parents ./x/./y/*.txt foo/bar /d/ = file on -: \
                 copy 0:/x /d/ include y/*.txt; copy 0:/ /d/ include foo/bar required /foo/bar",
            ),
            (
                "heredocs come after paths",
                "FROM scratch\nENV X=1\nCOPY <<A a /d/\n$X \\n\nA\n",
                "0 - = local://context local.followpaths=[\"a\"]\n\
                 1 [internal] preparing inline document = file on -: mkfile /A 644 \"1 n\\n\"\n\
                 2 [1/1] COPY <<A a /d/ = file on -: copy 0:/a /d/; copy 1:/A /d/ literal",
            ),
            (
                "ADD unpacks files of the context, not URLs",
                "FROM scratch\nADD a.tar https://h.invalid/b.tar?x /d/",
                "0 - = local://context local.followpaths=[\"a.tar\"]\n\
                 1 [1/1] ADD a.tar https://h.invalid/b.tar?x /d/ = https://h.invalid/b.tar?x \
                 http.filename=b.tar\n\
                 2 [1/1] ADD a.tar https://h.invalid/b.tar?x /d/ = file on -: \
                 copy 0:/a.tar /d/ unpack; copy 1:/b.tar /d/ literal",
            ),
            (
                "--link merges a copy on scratch",
                "FROM scratch\nWORKDIR /w\nCOPY --link a b",
                "0 [1/2] WORKDIR /w = file on -: mkdir /w 755\n\
                 1 - = local://context local.followpaths=[\"a\"]\n\
                 2 [2/2] COPY --link a b = file on -: copy 1:/a /w/b\n\
                 3 [2/2] LINK COPY --link a b = merge 0 2",
            ),
            (
                "--chmod makes --link an ordinary copy",
                "FROM scratch\nWORKDIR /w\nCOPY --link --chmod=u=rw a b",
                "0 [1/2] WORKDIR /w = file on -: mkdir /w 755\n\
                 1 - = local://context local.followpaths=[\"a\"]\n\
                 2 [2/2] COPY --link --chmod=u=rw a b = file on 0: copy 1:/a /w/b mode u=rw",
            ),
        ],
    );
}

#[test]
fn commands() {
    check(
        &Build::default().arg("SOURCE_DATE_EPOCH", "7"),
        &[
            (
                "environment by last assignment",
                "FROM scratch\nENV A=1 B=2\nARG C=3\nENV A=4\nRUN echo $A ${U}",
                "0 [1/1] RUN echo 4 ${U} = exec [\"/bin/sh\", \"-c\", \"echo $A ${U}\"] \
                 env [\"$PATH\", \"B=2\", \"C=3\", \"A=4\"] cwd / /=-",
            ),
            (
                "a working directory belongs to the user and has the build's time",
                "FROM scratch\nUSER u\nWORKDIR /a/../b/\nRUN [\"x\"]",
                "0 [1/2] WORKDIR /a/../b/ = file on -: mkdir /b 755 owner u: at 7000000000\n\
                 1 [2/2] RUN [\"x\"] = exec [\"x\"] env [\"$PATH\"] cwd /a/../b/ user u /=0",
            ),
            (
                "a script of its own is mounted",
                "FROM scratch\nRUN <<-X\n\t#!/bin/y\n\tz\n\tX\n",
                "0 [internal] preparing inline document = file on -: mkfile /X 755 \"#!/bin/y\\nz\\n\"\n\
                 1 [1/1] RUN <<-X (#!/bin/y...) = exec [\"/bin/sh\", \"-c\", \"/dev/pipes/X\"] \
                 env [\"$PATH\"] cwd / /=- /dev/pipes/=0/ ro",
            ),
            (
                "heredocs of other programs stay in the command",
                "FROM scratch\nRUN cat <<X >/f\na\nX\n",
                "0 [1/1] RUN cat <<X >/f = exec [\"/bin/sh\", \"-c\", \"cat <<X >/f\\na\\nX\"] \
                 env [\"$PATH\"] cwd / /=-",
            ),
        ],
    );
}

#[test]
fn mounts() {
    check(
        &Build::default(),
        &[
            (
                "tmpfs and owned cache",
                "FROM scratch\nRUN --mount=type=tmpfs,target=/t --mount=type=cache,target=c,uid=5 x",
                "0 [internal] setting cache mount permissions = file on -: mkdir /cache 755 owner 5:0\n\
                 1 [stage-0 1/1] RUN --mount=type=tmpfs,target=/t --mount=type=cache,target=c,uid=5 x = \
                 exec [\"/bin/sh\", \"-c\", \"x\"] env [\"$PATH\"] cwd / /=- /t=tmpfs 0 \
                 /c=cache /c Shared of 0/cache",
            ),
            (
                "secrets and an agent",
                "FROM scratch\nRUN --mount=type=secret,id=foo --mount=type=secret,id=bar,env=B \
                 --mount=type=ssh x $B",
                "0 [stage-0 1/1] RUN --mount=type=secret,id=foo --mount=type=secret,id=bar,env=B \
                 --mount=type=ssh x **** = exec [\"/bin/sh\", \"-c\", \"x $B\"] \
                 env [\"$PATH\", \"SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0\"] cwd / B=secret bar /=- \
                 /run/secrets/foo=secret foo 0:0 400 /run/buildkit/ssh_agent.0=ssh \"\" 0:0 600",
            ),
            (
                "a writable bind of the context",
                "FROM scratch\nRUN --mount=source=s/,target=d,rw x",
                "0 - = local://context local.followpaths=[\"s\"]\n\
                 1 [stage-0 1/1] RUN --mount=source=s/,target=d,rw x = exec [\"/bin/sh\", \"-c\", \"x\"] \
                 env [\"$PATH\"] cwd / /=- /d=0/s discard",
            ),
        ],
    );
}

#[test]
fn several_platforms_show_in_names() {
    let build = Build { platform: Some("linux/arm64"), ..Build::default() };
    let built = build
        .run("FROM --platform=$BUILDPLATFORM busybox\nARG TARGETARCH\nRUN x\nFROM scratch\nRUN y\nCOPY --from=0 a b")
        .unwrap();
    let names: Vec<String> =
        built.graph().lines().map(|line| line.split(" = ").next().unwrap_or_default().to_owned()).collect();
    assert_eq!(
        names,
        [
            "0 [stage-1 1/2] RUN y",
            "1 [linux/amd64 stage-0 1/2] FROM docker.io/library/busybox:latest@sha256:\
             0000000000000000000000000000000000000000000000000000000000000001",
            "2 [linux/amd64->arm64 stage-0 2/2] RUN x",
            "3 [linux/arm64 stage-1 2/2] COPY --from=0 a b",
        ]
    );
}
