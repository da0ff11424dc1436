//! Commands as text: a shell form that needs no shell, the programs that a script calls.

/// What a shell-form command turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ShellForm {
    /// The same without a shell.
    Exec(Vec<String>),
    /// It needs the shell, for this reason.
    Shell(String),
}

/// Judges the script of a shell-form command.
///
/// Only what is certain to mean the same counts as needing no shell: one simple command of words and quotes
/// (POSIX shell 2.2, 2.9.1), with an `exec` before it or not.
pub(super) fn judge(script: &str) -> ShellForm {
    match simple(script) {
        Err(why) => ShellForm::Shell(why),
        Ok(Simple { settings, .. }) if !settings.is_empty() => {
            ShellForm::Shell(format!("`{}` sets a variable", settings[0]))
        }
        Ok(Simple { words, .. }) => ShellForm::Exec(words),
    }
}

/// One simple command of words and quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Simple {
    /// `NAME=value` before the program.
    pub(super) settings: Vec<String>,
    /// The program, which is none of the shell's own commands, and its arguments.
    pub(super) words: Vec<String>,
}

/// Reads a script that is one simple command.
///
/// # Errors
/// Why it needs a shell.
pub(super) fn simple(script: &str) -> Result<Simple, String> {
    let mut words = words(script)?;
    let count = words.iter().take_while(|word| is_assignment(word)).count();
    let mut command = words.split_off(count);
    let settings = words;
    if settings.is_empty()
        && let [first, second, ..] = command.as_slice()
        && first == "exec"
        && !second.starts_with('-')
    {
        command.remove(0);
    }
    match command.first() {
        None if settings.is_empty() => Err("it is empty".to_owned()),
        None => Err(format!("`{}` sets a variable", settings[0])),
        Some(first) if is_assignment(first) => Err(format!("`{first}` sets a variable")),
        Some(first) if BUILTINS.contains(&first.as_str()) => {
            Err(format!("`{first}` is a command of the shell itself"))
        }
        Some(_) => Ok(Simple { settings, words: command }),
    }
}

/// The same for a health check, where `|| exit 1` and `|| false` only make a failure 1: Docker takes any exit code
/// but 0 as unhealthy. What is thrown away (`>/dev/null`) is no more than text that an engine would keep of a check.
pub(super) fn judge_healthcheck(script: &str) -> ShellForm {
    let trimmed = script.trim_end();
    let tail = ["exit 1", "false", "exit", "exit 1;"].iter().find_map(|tail| {
        let head = trimmed.strip_suffix(tail)?.trim_end().strip_suffix("||")?;
        Some(head.trim_end())
    });
    judge(without_discards(tail.unwrap_or(trimmed)))
}

/// A command without the redirections at its end that throw its output away.
fn without_discards(script: &str) -> &str {
    let mut rest = script.trim_end();
    while let Some(head) = DISCARDS.iter().find_map(|discard| rest.strip_suffix(discard)) {
        // `a2>&1` writes nothing of `a`'s away: a number belongs to the sign only when it stands alone.
        if !head.ends_with([' ', '\t']) {
            break;
        }
        rest = head.trim_end();
    }
    rest
}

/// Redirections to nowhere, the longer ones first.
const DISCARDS: [&str; 11] = [
    "2>&1",
    "&>/dev/null",
    "&> /dev/null",
    "1>/dev/null",
    "1> /dev/null",
    "2>/dev/null",
    "2> /dev/null",
    ">>/dev/null",
    ">> /dev/null",
    ">/dev/null",
    "> /dev/null",
];

/// The words of a script that is one simple command without expansions.
fn words(script: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = script.trim().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(inside) => word.push(inside),
                        None => return Err("a quote is not closed".to_owned()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') if matches!(characters.peek(), Some('$' | '`' | '"' | '\\')) => {
                            word.extend(characters.next());
                        }
                        Some(special @ ('$' | '`')) => {
                            return Err(format!("`{special}` is expanded by the shell"));
                        }
                        Some(inside) => word.push(inside),
                        None => return Err("a quote is not closed".to_owned()),
                    }
                }
            }
            '\\' => match characters.next() {
                Some('\n') | None => return Err("it has more than one line".to_owned()),
                Some(next) => word.get_or_insert_default().push(next),
            },
            '\n' => return Err("it has more than one line".to_owned()),
            '$' | '`' | '*' | '?' | '[' => return Err(format!("`{character}` is expanded by the shell")),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' => {
                return Err(format!("`{character}` is an operator of the shell"));
            }
            '#' if word.is_none() => return Err("`#` begins a comment".to_owned()),
            '~' if word.is_none() => return Err("`~` is expanded by the shell".to_owned()),
            '{' | '}' | '!' if word.is_none() => {
                return Err(format!("`{character}` means something to the shell"));
            }
            '{' => return Err("`{` may be expanded by the shell".to_owned()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The programs that a script calls, in order, each once; words of the shell itself are left out.
///
/// This is a scan, not a parse: it may name too much (which only brings a file that exists on `PATH`), and misses
/// commands whose names are in variables.
pub(super) fn called(script: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut expects = true;
    for token in tokens(script) {
        let word = match token {
            Token::Separator => {
                expects = true;
                continue;
            }
            Token::Word(word) => word,
        };
        if !expects || is_assignment(&word) || KEYWORDS.contains(&word.as_str()) {
            continue;
        }
        expects = STARTERS.contains(&word.as_str());
        let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._+-[".contains(&byte));
        let begins = word.starts_with(|first: char| first.is_ascii_alphanumeric() || "/._[".contains(first));
        if plain && begins && !BUILTINS.contains(&word.as_str()) && !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

enum Token {
    /// After it a command may begin.
    Separator,
    Word(String),
}

fn tokens(script: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = script.chars().peekable();
    let mut single = false;
    while let Some(character) = characters.next() {
        let separates = !single && matches!(character, '\n' | ';' | '|' | '&' | '(' | ')' | '`' | '{' | '}');
        match character {
            '\'' => {
                single = !single;
                word.get_or_insert_default();
            }
            _ if single => word.get_or_insert_default().push(character),
            '"' => {
                word.get_or_insert_default();
            }
            '\\' if characters.peek() == Some(&'\n') => {
                characters.next();
            }
            '$' if characters.peek() == Some(&'{') => {
                // A variable: the word is not plain text any more.
                word.get_or_insert_default().push('$');
                for inside in characters.by_ref() {
                    if inside == '}' {
                        break;
                    }
                }
            }
            '#' if word.is_none() => {
                for inside in characters.by_ref() {
                    if inside == '\n' {
                        break;
                    }
                }
                tokens.push(Token::Separator);
            }
            ' ' | '\t' | '\r' => tokens.extend(word.take().map(Token::Word)),
            _ if separates => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Separator);
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    tokens.extend(word.map(Token::Word));
    tokens
}

/// Reserved words after which a command follows (POSIX shell 2.4).
const KEYWORDS: [&str; 10] = ["!", "if", "then", "else", "elif", "while", "until", "do", "time", "coproc"];

/// Programs and builtins whose next word is a command.
const STARTERS: [&str; 7] = ["exec", "command", "nohup", "env", "sudo", "xargs", "builtin"];

/// Builtins of dash and bash, and the reserved words that begin no command, without those that are programs as well
/// in every image that scripts are written for.
const BUILTINS: [&str; 62] = [
    ".",
    ":",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "continue",
    "declare",
    "dirs",
    "disown",
    "done",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "history",
    "in",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "times",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
    "[[",
    "]]",
    "ll",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_form_that_needs_no_shell() {
        type Words = Result<&'static [&'static str], &'static str>;
        let rows: [(&str, &str, Words); 17] = [
            ("one word", "server", Ok(&["server"])),
            ("words", " /bin/app  --port 80 ", Ok(&["/bin/app", "--port", "80"])),
            ("exec goes", "exec app -x", Ok(&["app", "-x"])),
            ("quotes", "app 'a b' \"c d\"e", Ok(&["app", "a b", "c de"])),
            ("an empty argument stays", "app ''", Ok(&["app", ""])),
            ("escapes", "app a\\ b \"q\\\"q\"", Ok(&["app", "a b", "q\"q"])),
            ("a sign in the middle", "app --a=b c#d e~f", Ok(&["app", "--a=b", "c#d", "e~f"])),
            ("variable", "app $PORT", Err("`$` is expanded by the shell")),
            ("variable in quotes", "app \"$PORT\"", Err("`$` is expanded by the shell")),
            ("and", "a && b", Err("`&` is an operator of the shell")),
            ("redirection", "a > b", Err("`>` is an operator of the shell")),
            ("wildcard", "a *.js", Err("`*` is expanded by the shell")),
            ("assignment", "A=1 app", Err("`A=1` sets a variable")),
            ("builtin", "cd /x", Err("`cd` is a command of the shell itself")),
            ("open quote", "a 'b", Err("a quote is not closed")),
            ("two lines", "a\nb", Err("it has more than one line")),
            ("empty", " ", Err("it is empty")),
        ];
        for (summary, script, expected) in rows {
            let expected = match expected {
                Ok(words) => ShellForm::Exec(words.iter().map(ToString::to_string).collect()),
                Err(why) => ShellForm::Shell(why.to_owned()),
            };
            assert_eq!(judge(script), expected, "{summary}");
        }
    }

    #[test]
    fn a_health_check_may_end_with_its_failure() {
        let expected =
            ShellForm::Exec(vec!["curl".to_owned(), "-f".to_owned(), "http://localhost/".to_owned()]);
        for script in [
            "curl -f http://localhost/ || exit 1",
            "curl -f http://localhost/ || false",
            "curl -f http://localhost/ > /dev/null 2>&1 || exit 1",
            "curl -f http://localhost/ >/dev/null",
        ] {
            assert_eq!(judge_healthcheck(script), expected, "{script}");
        }
        for script in ["a || b", "a > /tmp/x || exit 1", "a b2>&1"] {
            assert!(matches!(judge_healthcheck(script), ShellForm::Shell(_)), "{script}");
        }
    }

    #[test]
    fn commands_of_a_script() {
        let script = "#!/bin/sh\nset -e\n# ls\nif [ \"$(id -u)\" = 0 ]; then\n  exec gosu nobody \"$@\"\nfi\n\
                      A=1 sort x | head -1 && find . -exec rm {} +\ncase $1 in x) date;; esac\n";
        assert_eq!(called(script), ["[", "id", "gosu", "sort", "head", "find", "date"]);
    }
}
