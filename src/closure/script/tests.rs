//! Scripts and what they start.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Context, Dialect, Script, Word, read};
use crate::rules::Rules;

fn script(text: &str, dialect: Dialect, environment: &[(&str, &str)]) -> Result<Script, String> {
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(
        text,
        &Context {
            environment: &environment,
            name: &Some("/opt/app/entry.sh".to_owned()),
            directory: "/srv",
            dialect,
            wrappers: &Rules::built_in().wrapper,
            known: &BTreeMap::new(),
            functions: &BTreeSet::new(),
        },
    )
}

/// The calls in a line: `!` certain, `=` in the script's place; then what else it does.
fn show(text: &str, dialect: Dialect, environment: &[(&str, &str)]) -> String {
    let script = match script(text, dialect, environment) {
        Ok(script) => script,
        Err(why) => return format!("error: {why}"),
    };
    let mut parts: Vec<String> = script
        .calls
        .iter()
        .map(|call| {
            let words: Vec<&str> = call
                .words
                .iter()
                .map(|word| if *word == Word::Arguments { "$@" } else { word.shown() })
                .collect();
            let certain = if call.certain { "!" } else { "" };
            let replaces = if call.replaces { "=" } else { "" };
            format!("{certain}{replaces}{}", words.join(" "))
        })
        .collect();
    parts.extend(script.sourced.iter().map(|word| format!("<{}>", word.shown())));
    parts.extend(script.probed.iter().map(|name| format!("?{name}")));
    parts.extend(script.starts_arguments.then(|| "arguments".to_owned()));
    parts.extend(script.dynamic.iter().map(|text| format!("dynamic {text}")));
    parts.join("; ")
}

fn check(rows: &[(&str, &str, &str)], dialect: Dialect) {
    let mut wrong = Vec::new();
    for (summary, text, expected) in rows {
        let found = show(text, dialect, &[("HOME", "/root"), ("APP", "/opt/app")]);
        if found != *expected {
            wrong.push(format!("{summary}: {text}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_and_what_the_shell_does_itself() {
    check(
        &[
            ("simple commands", "id -u\ndate\n", "!id -u; !date"),
            ("builtins", "cd /x; echo a; [ -f b ]; test c; printf d; export E=f; read g; true", ""),
            (
                "a builtin by way of a program",
                "xargs echo <list; env printf a",
                "!xargs echo; !echo; !env printf a; !printf a",
            ),
            (
                "substitutions",
                "a=$(hostname -f) b=`uname -m`; echo \"$(id -u)\"",
                "!hostname -f; !uname -m; !id -u",
            ),
            ("nested substitutions", "echo $(basename \"$(realpath x)\")", "!basename /srv/x; !realpath x"),
            ("pipes", "ps | grep x | wc -l", "!ps; !grep x; !wc -l"),
            ("branches are not certain", "if id x; then a; else b; fi; c && d || e", "id x; a; b; c; d; e"),
            (
                "loops",
                "while sleep 1; do a; done; until b; do c; done; for x in 1 2; do d $x; done",
                "sleep 1; a; b; c; d 1; d 2",
            ),
            ("case", "case $1 in a|b) x;; *) y;; esac", "x; y"),
            ("functions are no programs", "log() { date; }\nfunction run { who; }\nlog a; run", "date; who"),
            ("negation and time", "! a; (b); { c; }", "!a; !b; !c"),
            ("settings before a command", "A=1 B=2 prog -x", "!prog -x"),
            ("here-documents", "cat <<EOF\n$(id)\nEOF\ncat <<'EOF'\n$(no)\nEOF\n", "!cat; !id"),
            ("a script by here-document", "sh <<EOF\nwhoami\nEOF\n", "!sh; !whoami"),
            ("traps and eval", "trap 'rm -f x; stop' EXIT; eval 'tar x' y", "rm -f x; stop; !tar x y"),
            ("an alias", "alias ll='ls -l'; ll", "ls -l"),
            ("comments", "# ls\na # b\n", "!a"),
            ("a command that prints nothing", "if ! `mkdir -p \"$1\"`; then a; fi", "a; mkdir -p $@"),
        ],
        Dialect::Posix,
    );
}

#[test]
fn what_wrappers_start() {
    check(
        &[
            ("exec", "exec nginx -g 'daemon off;'", "!=nginx -g daemon off;"),
            ("exec with redirections only", "exec 3>&1", ""),
            (
                "gosu",
                "exec gosu redis redis-server /etc/r.conf",
                "!=gosu redis redis-server /etc/r.conf; !=redis-server /etc/r.conf",
            ),
            ("gosu with the arguments", "exec gosu app \"$@\"", "!=gosu app $@; arguments"),
            (
                "several",
                "tini -- env -i A=1 nice -n 5 timeout 5 app",
                "!tini -- env -i A=1 nice -n 5 timeout 5 app; !env -i A=1 nice -n 5 timeout 5 app; !nice -n 5 timeout 5 app; !timeout 5 app; !app",
            ),
            (
                "find",
                "find . \\! -user redis -exec chown redis '{}' + -o -exec ls {} \\;",
                "!find . ! -user redis -exec chown redis {} + -o -exec ls {} ;; !chown redis {}; !ls {}",
            ),
            ("xargs", "xargs -0 -n 1 rm -f", "!xargs -0 -n 1 rm -f; !rm -f"),
            ("xargs starts echo by itself", "set -- $(xargs -n1 <f)", "!xargs -n1; !echo"),
            (
                "the files of a directory",
                "run-parts --exit-on-error --regex '\\.sh$' -a x /etc/start.d",
                "!run-parts --exit-on-error --regex \\.sh$ -a x /etc/start.d; !/etc/start.d/*",
            ),
            (
                "su",
                "su - postgres -c 'pg_ctl start'; su -s /bin/bash -c id web",
                "!su - postgres -c pg_ctl start; !pg_ctl start; !su -s /bin/bash -c id web; !/bin/bash; !id",
            ),
            ("runuser", "runuser -u app -- serve --x", "!runuser -u app -- serve --x; !serve --x"),
            ("sudo", "sudo -E -u app A=1 serve", "!sudo -E -u app A=1 serve; !serve"),
            (
                "a shell in a shell",
                "sh -c 'id; exec \"$@\"' -- serve a",
                "!sh -c id; exec \"$@\" -- serve a; !id; serve a",
            ),
            (
                "options of a shell",
                "bash -euxo pipefail -c 'tr a b'",
                "!bash -euxo pipefail -c tr a b; !tr a b",
            ),
            (
                "awk",
                "awk '{ system(\"date -u\"); \"uname -r\" | getline x; print | \"sort -n\" }' f",
                "!awk { system(\"date -u\"); \"uname -r\" | getline x; print | \"sort -n\" } f; date -u; uname -r; sort -n",
            ),
            (
                "tools of languages",
                "exec uv run --with x gunicorn app:app",
                "!=uv run --with x gunicorn app:app; !=gunicorn app:app",
            ),
            (
                "command and builtin",
                "command ls; command -v curl >/dev/null || wget x; builtin cd /x",
                "!ls; wget x; ?curl",
            ),
            (
                "flock",
                "flock /tmp/l -c 'job a'; flock -n /tmp/l job b",
                "!flock /tmp/l -c job a; !job a; !flock -n /tmp/l job b; !job b",
            ),
        ],
        Dialect::Bash,
    );
}

#[test]
fn variables_have_every_value_that_they_are_given() {
    check(
        &[
            ("a path", "S=/usr/sbin/app; exec \"$S\" --x", "!=/usr/sbin/app --x"),
            ("the environment", "$APP/bin/run", "!/opt/app/bin/run"),
            ("a default", "exec ${SERVER:-/bin/serve} a", "!=/bin/serve a"),
            ("both of two", "if x; then P=a; else P=b; fi\n$P -v", "x; !a -v; !b -v"),
            ("split at blanks", "C='nice -n 5 app'; $C -x", "!nice -n 5 app -x; !app -x"),
            ("not set", "$SUDO mount x", "!mount x"),
            (
                "an array",
                "run=( gosu app serve --p ); \"${run[@]}\" -q",
                "!gosu app serve --p -q; !serve --p -q",
            ),
            (
                "beside the script",
                "D=$(cd \"$(dirname \"$0\")\" && pwd); . \"$D/lib.sh\"; \"${0%/*}/tool\"",
                "!/opt/app/tool; dirname /opt/app/entry.sh; </opt/app/lib.sh>",
            ),
            (
                "the script itself",
                "exec gosu redis \"$0\" \"$@\"",
                "!=gosu redis /opt/app/entry.sh $@; !=/opt/app/entry.sh $@",
            ),
            ("a name that is not known", "read -r x; \"$x\" --go", "dynamic \"$x\""),
            (
                "a directory that is not known",
                "x=$(cat f); $x/bin/java -jar a",
                "!*/bin/java -jar a; java -jar a; !cat f",
            ),
            ("an endless one", "A=$B; B=$A; $A x", "dynamic $A"),
        ],
        Dialect::Bash,
    );
}

#[test]
fn arguments_and_directories() {
    check(
        &[
            ("arguments", "set -e\nexec \"$@\"", "arguments"),
            ("some of them", "exec \"${@:2}\"", "arguments"),
            (
                "in front of them",
                "if [ \"${1#-}\" != \"$1\" ]; then set -- redis-server \"$@\"; fi; exec \"$@\"",
                "=redis-server $@; arguments",
            ),
            (
                "a function that starts its own",
                "run() { echo \"$@\"; \"$@\"; }\nrun migrate --all",
                "migrate --all",
            ),
            ("through a function", "_main() { exec \"$@\"; }\n_main \"$@\"", "arguments"),
            (
                "a directory of scripts",
                "for f in /docker-entrypoint.d/*; do case $f in *.sh) . \"$f\";; *) \"$f\";; esac; done",
                "/docker-entrypoint.d/*; </docker-entrypoint.d/*>",
            ),
            (
                "a directory that find lists",
                "find /e.d/ -type f | sort -V | while read -r f; do \"$f\"; done",
                "!find /e.d/ -type f; !sort -V; /e.d/**",
            ),
            (
                "the same by process substitution",
                "while read -r f; do . $f; done < <(find /e.d -name '*.sh')",
                "find /e.d -name *.sh; </e.d/**>",
            ),
            (
                "a directory through a function",
                "each() { local f; for f; do case $f in *.sh) \"$f\";; esac; done; }\neach /x.d/*",
                "/x.d/*",
            ),
            ("what ls lists", "for f in $(ls /x.d/*.sh); do bash $f; done", "bash /x.d/*.sh; ls /x.d/*.sh"),
        ],
        Dialect::Bash,
    );
}

#[test]
fn texts_that_are_too_much_are_refused() {
    for text in [
        "case x in a) ".repeat(40) + &"esac\n".repeat(40),
        "( ".repeat(60) + "a" + &" )".repeat(60),
        "(".repeat(20_000),
        "x\n".repeat(400_000),
        // The parser panics.
        "a ".to_owned() + &"7".repeat(30) + "<b",
        "${A\nif<<-\"${1:} b\"".to_owned(),
    ] {
        let result = script(&text, Dialect::Bash, &[]);
        assert!(result.is_err(), "{} bytes", text.len());
    }
    // A tokenizer that does not end.
    for text in ["cat <<''", "a <<\"\" \\\n", "a <<\u{c}&"] {
        let _ = script(text, Dialect::Bash, &[]);
    }
    // Deep, but not too deep.
    let text = "if a; then ".repeat(400) + "b; " + &"fi; ".repeat(400);
    assert_eq!(script(&text, Dialect::Bash, &[]).map(|script| script.calls.len()), Ok(2));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 300, ..Default::default() })]
    #[test]
    fn any_text_is_read_or_refused(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "if", "then", "fi", "case", "in", "esac", "do", "done", "for", "x", "a)", ";;", ";", "\n", "|", "&&",
                "(", ")", "{", "}", "$(", "`", "\"", "'", "$x", "${", "x=", "<<E", "E", "<(", "[[", "]]", "\\", "é", "eval",
                "exec", "\"$@\"", "find", "-exec", "+", "sh", "-c", "f()", "read", "env", "-S", "trap", "set", "--", "((", "))",
            ]),
            0..40,
        ),
    ) {
        let _ = script(&words.join(" "), Dialect::Bash, &[]);
    }
}

#[test]
fn what_many_variables_stand_for_is_found_once() {
    // The two values of each variable double with every step when each use looks them up anew.
    let mut text = String::from("d0=$1 d0=/opt\n");
    for step in 1..30 {
        let before = step - 1;
        let _ = writeln!(text, "[ $d{before} ] && d{step}=\"$d{before}/a\" || d{step}=\"$d{before}\"");
    }
    text +=
        "[ $2 ] && bin=\"$d29/bin\" || bin=/usr/bin\ntool=\"$d29/tool\" tool=\"$bin/tool\"\n\"$tool\" a\n";
    let found = show(&text, Dialect::Posix, &[]);
    assert!(found.contains("!/usr/bin/tool a"), "{found}");
    assert!(!found.contains("dynamic"), "{found}");
}
