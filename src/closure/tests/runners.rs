//! Commands of package managers that are seen through.

use super::case::Case;

/// The command that a stage with this `package.json` gets, or the rules that are told when it stays.
fn written(package: &str, cmd: &str) -> String {
    written_with(package, cmd, "")
}

fn written_with(package: &str, cmd: &str, more: &str) -> String {
    let package = package.replace('\\', "\\\\").replace('"', "\\\"");
    let text = format!(
        "source build
           debian
           /usr/bin/node elf static
           /usr/bin/npm -> ../lib/npm-cli.js
           /usr/bin/npx -> ../lib/npm-cli.js
           /usr/lib/npm-cli.js text \"#!/usr/bin/env node\\n\" 0755
           /app/package.json text \"{package}\"
           /app/server.js text \"console.log(process.env.npm_package_version)\"
           /app/node_modules/next/bin.js text \"#!/usr/bin/env node\\n\" 0755
           /app/node_modules/.bin/next -> ../next/bin.js
           {more}
         mode distil
         workdir /app
         {cmd}"
    );
    match Case::parse(&text).plan() {
        Ok(plan) => match (&plan.config.entrypoint, &plan.config.cmd) {
            (None, None) => {
                let shell = plan.entries.keys().any(|path| path.name() == b"dash");
                format!("stays{}", if shell { " with a shell" } else { "" })
            }
            (entrypoint, cmd) => [entrypoint, cmd]
                .into_iter()
                .flatten()
                .map(|words| format!("{words:?}"))
                .collect::<Vec<_>>()
                .join(" "),
        },
        Err(findings) => format!("{findings:#?}"),
    }
}

#[test]
fn scripts_are_written_as_what_they_start() {
    let rows = [
        (
            "a plain script",
            r#"{"scripts":{"start":"node dist/main.js"}}"#,
            "cmd npm start",
            r#"["node", "dist/main.js"]"#,
        ),
        (
            "in shell form",
            r#"{"scripts":{"start":"node x.js"}}"#,
            "cmd-shell npm start",
            r#"["node", "x.js"]"#,
        ),
        (
            "run with arguments",
            r#"{"scripts":{"web":"node x.js"}}"#,
            "cmd npm run web -- --port 80",
            r#"["node", "x.js", "--port", "80"]"#,
        ),
        (
            "yarn",
            r#"{"scripts":{"web":"node x.js"}}"#,
            "cmd yarn web --port 80",
            r#"["node", "x.js", "--port", "80"]"#,
        ),
        ("pnpm", r#"{"scripts":{"web":"node x.js"}}"#, "cmd pnpm run web", r#"["node", "x.js"]"#),
        (
            "a flag that only silences",
            r#"{"scripts":{"start":"node x.js"}}"#,
            "cmd npm run --silent start",
            r#"["node", "x.js"]"#,
        ),
        (
            "an option that is not known",
            r#"{"scripts":{"start":"node x.js"}}"#,
            "cmd npm start --workspaces",
            "stays with a shell",
        ),
        ("no such script", r#"{"scripts":{}}"#, "cmd npm run web", "stays with a shell"),
        ("start without a script", r"{}", "cmd npm start", r#"["node", "server.js"]"#),
        (
            "a program of the package",
            r#"{"scripts":{"start":"next start -p 80"}}"#,
            "cmd npm start",
            r#"["node", "/app/node_modules/.bin/next", "start", "-p", "80"]"#,
        ),
        ("npx", r"{}", "cmd npx next start", r#"["node", "/app/node_modules/.bin/next", "start"]"#),
        (
            "npm exec",
            r"{}",
            "cmd npm exec -- next start",
            r#"["node", "/app/node_modules/.bin/next", "start"]"#,
        ),
        ("npx of what is not there", r"{}", "cmd npx other", "stays with a shell"),
        (
            "a script that starts a script",
            r#"{"scripts":{"start":"npm run web","web":"node x.js"}}"#,
            "cmd npm start",
            r#"["node", "x.js"]"#,
        ),
        (
            "a script that starts itself",
            r#"{"scripts":{"start":"npm start"}}"#,
            "cmd npm start",
            "stays with a shell",
        ),
        (
            "a variable",
            r#"{"scripts":{"start":"NODE_ENV=production node x.js"}}"#,
            "cmd npm start",
            r#"["env", "NODE_ENV=production", "node", "x.js"]"#,
        ),
        (
            "a variable of npm's that is read",
            r#"{"version":"1.2.3","scripts":{"start":"node x.js"}}"#,
            "cmd npm start",
            r#"["env", "npm_package_version=1.2.3", "node", "x.js"]"#,
        ),
        (
            "a variable of npm's in the script",
            r#"{"scripts":{"start":"node x.js $npm_package_name"}}"#,
            "cmd npm start",
            "stays with a shell",
        ),
        (
            "a script for a shell",
            r#"{"scripts":{"start":"node a.js && node b.js"}}"#,
            "cmd npm start",
            r#"["/usr/bin/sh", "-c", "export PATH=/app/node_modules/.bin:\"$PATH\"; node a.js && node b.js"]"#,
        ),
        (
            "hooks",
            r#"{"scripts":{"prestart":"node a.js","start":"next start"}}"#,
            "cmd npm start",
            r#"["/usr/bin/sh", "-c", "export PATH=/app/node_modules/.bin:\"$PATH\"; (\nnode a.js\n) || exit; exec next start"]"#,
        ),
        (
            "an entrypoint and its arguments",
            r#"{"scripts":{"web":"node x.js"}}"#,
            "entrypoint npm\ncmd run web",
            r#"["node", "x.js"] []"#,
        ),
        (
            "behind a wrapper",
            r#"{"scripts":{"start":"node x.js"}}"#,
            "entrypoint nohup\ncmd npm start",
            r#"["node", "x.js"]"#,
        ),
    ];
    for (summary, package, cmd, expected) in rows {
        assert_eq!(written_with(package, cmd, "/usr/bin/nohup elf static"), expected, "{summary}");
    }
    assert_eq!(written("not json", "cmd npm start"), "stays with a shell");
}

#[test]
fn scripts_of_workspaces_and_other_directories() {
    let root = r#"{"workspaces":["packages/*"],"scripts":{"start":"npm start -w @acme/api"}}"#;
    let more = r#"/app/packages/api/package.json text "{\"name\":\"@acme/api\",\"scripts\":{\"start\":\"node x.js\",\"web\":\"next start\",\"all\":\"node a.js && node b.js\"}}"
           /app/packages/web/package.json text "{\"name\":\"web\"}"
           /app/pnpm-workspace.yaml text "packages:\n  # all\n  - 'packages/*'\n"
           /usr/bin/yarn -> ../lib/npm-cli.js
           /usr/bin/pnpm -> ../lib/npm-cli.js"#;
    let there = r#"["env", "--chdir=/app/packages/api", "node", "x.js"]"#;
    let rows = [
        ("a workspace by its name", "cmd npm start -w @acme/api", there),
        ("before the word", "cmd npm --workspace=@acme/api run start", there),
        ("by its directory", "cmd npm run start -w packages/api", there),
        ("a directory", "cmd npm --prefix packages/api start", there),
        ("a directory behind", "cmd npm start --prefix ./packages/api", there),
        ("through a script of the root", "cmd npm start", there),
        ("yarn", "cmd yarn workspace @acme/api start", there),
        ("yarn in a directory", "cmd yarn --cwd packages/api start", there),
        ("pnpm", "cmd pnpm --filter @acme/api start", there),
        ("pnpm in a directory", "cmd pnpm -C packages/api run start", there),
        (
            "behind env",
            "cmd env --chdir=packages/api npm start",
            r#"["env", "--chdir=packages/api", "node", "x.js"]"#,
        ),
        (
            "a program of the root",
            "cmd npm run web -w @acme/api",
            r#"["env", "--chdir=/app/packages/api", "node", "/app/node_modules/.bin/next", "start"]"#,
        ),
        (
            "a script for a shell",
            "cmd npm run all -w @acme/api",
            r#"["/usr/bin/sh", "-c", "cd /app/packages/api || exit; export PATH=/app/node_modules/.bin:\"$PATH\"; node a.js && node b.js"]"#,
        ),
        ("no such workspace", "cmd npm start -w other", "stays with a shell"),
        ("two", "cmd npm start -w @acme/api -w web", "stays with a shell"),
        ("all that fit", "cmd pnpm --filter @acme/* start", "stays with a shell"),
    ];
    for (summary, cmd, expected) in rows {
        assert_eq!(written_with(root, cmd, more), expected, "{summary}");
    }
}

#[test]
fn programs_that_pnpm_and_yarn_start_in_their_own_ways() {
    let package = r#"{"scripts":{"start":"tool -p 80"}}"#;
    let shim = r##"/usr/bin/pnpm -> ../lib/npm-cli.js
           /app/node_modules/tool/cli.js text ""
           /app/node_modules/.bin/tool text "#!/bin/sh\nbasedir=$(dirname \"$0\")\nif [ -z \"$NODE_PATH\" ]; then\n  export NODE_PATH=\"/app/a:/app/b\"\nfi\nif [ -x \"$basedir/node\" ]; then\n  exec \"$basedir/node\"  \"$basedir/../tool/cli.js\" \"$@\"\nelse\n  exec node  \"$basedir/../tool/cli.js\" \"$@\"\nfi\n" 0755"##;
    assert_eq!(
        written_with(package, "cmd pnpm start", shim),
        r#"["env", "NODE_PATH=/app/a:/app/b", "node", "/app/node_modules/tool/cli.js", "-p", "80"]"#
    );
    let cross = r##"/app/node_modules/.bin/cross-env text "#!/usr/bin/env node\n" 0755"##;
    assert_eq!(
        written_with(r#"{"scripts":{"start":"cross-env A=b next start"}}"#, "cmd npm start", cross),
        r#"["env", "PATH=/app/node_modules/.bin:/usr/local/bin:/usr/bin:/bin", "node", "/app/node_modules/.bin/cross-env", "A=b", "next", "start"]"#
    );
    let plug = r#"/usr/bin/yarn -> ../lib/npm-cli.js
           /app/.pnp.cjs text """#;
    let package = r#"{"scripts":{"start":"node x.js"}}"#;
    let loaded = r#"["env", "NODE_OPTIONS=--require /app/.pnp.cjs", "node", "x.js"]"#;
    for cmd in ["cmd yarn start", "cmd yarn node x.js"] {
        assert_eq!(written_with(package, cmd, plug), loaded, "{cmd}");
    }
}

#[test]
fn yarn_since_2_runs_no_hooks() {
    let package = r#"{"packageManager":"yarn@4.1.0","scripts":{"prestart":"node a.js","start":"node x.js"}}"#;
    assert_eq!(written(package, "cmd yarn start"), r#"["node", "x.js"]"#);
}

#[test]
fn entry_scripts_that_only_start_their_arguments_are_left_out() {
    let package = r#"{"scripts":{"start":"node x.js"}}"#;
    let plain = "/entry.sh text \"#!/bin/sh\\nset -e\\nexec \\\"$@\\\"\\n\" 0755";
    let busy = "/entry.sh text \"#!/bin/sh\\nid\\nexec \\\"$@\\\"\\n\" 0755";
    let exporting = "/entry.sh text \"#!/bin/sh\\nexport A=b\\nexec \\\"$@\\\"\\n\" 0755";
    let asking = "/entry.sh text \"#!/bin/sh\\n[ -z \\\"$X\\\" ] || id\\nexec \\\"$@\\\"\\n\" 0755";
    let rows = [
        ("a program", plain, "entrypoint /entry.sh\ncmd node x.js", r#"[] ["node", "x.js"]"#),
        ("a script of the package", plain, "entrypoint /entry.sh\ncmd npm start", r#"[] ["node", "x.js"]"#),
        ("a shell form", plain, "entrypoint /entry.sh\ncmd-shell node x.js", r#"[] ["node", "x.js"]"#),
        (
            "a shell form that needs a shell",
            plain,
            "entrypoint /entry.sh\ncmd-shell node x.js | id",
            r#"[] ["/bin/sh", "-c", "node x.js | id"]"#,
        ),
        ("nothing behind it", plain, "entrypoint /entry.sh node x.js", r#"["node", "x.js"]"#),
        ("a script that does more", busy, "entrypoint /entry.sh\ncmd node x.js", "stays with a shell"),
        (
            "a variable",
            exporting,
            "entrypoint /entry.sh\ncmd node x.js",
            r#"[] ["env", "A=b", "node", "x.js"]"#,
        ),
        ("a variable that may be set", asking, "entrypoint /entry.sh\ncmd node x.js", "stays with a shell"),
    ];
    for (summary, script, cmd, expected) in rows {
        assert_eq!(written_with(package, cmd, script), expected, "{summary}");
    }
}
