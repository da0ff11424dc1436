//! The `#!` line of a script, as the kernel and `env(1)` read it.

/// A `#!` line: the interpreter and the rest of the line as one argument (`execve(2)`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shebang {
    pub interpreter: Vec<u8>,
    pub argument: Option<Vec<u8>>,
}

/// Bytes of a script that the kernel looks at (`BINPRM_BUF_SIZE`, Linux 5.1).
pub const SHEBANG_BYTES: usize = 256;

impl Shebang {
    /// Reads the first bytes of a file; `None` when they are no `#!` line that the kernel accepts
    /// (`fs/binfmt_script.c`).
    pub fn parse(head: &[u8]) -> Option<Self> {
        let head = &head[..head.len().min(SHEBANG_BYTES)];
        let text = head.strip_prefix(b"#!")?;
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let ended = text.iter().position(|byte| *byte == b'\n');
        let line = match ended {
            Some(end) => &text[..end],
            // A line that is cut must at least hold the whole interpreter.
            None if head.len() == SHEBANG_BYTES => {
                let start = text.iter().position(|byte| !blank(byte))?;
                text[start..].iter().position(|byte| blank(byte) || *byte == 0)?;
                text
            }
            None => text,
        };
        let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let start = line.iter().position(|byte| !blank(byte))?;
        let end = line.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
        let line = &line[start..end];
        let split = line.iter().position(blank).unwrap_or(line.len());
        let (interpreter, rest) = line.split_at(split);
        let argument = rest.iter().position(|byte| !blank(byte)).map(|at| rest[at..].to_vec());
        Some(Self { interpreter: interpreter.to_vec(), argument })
    }
}

/// What `env` is asked to do by its arguments (`env(1)`; `-S` splits).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvCall {
    /// The program that `env` looks up by `PATH`, and its arguments.
    pub command: Vec<Vec<u8>>,
    /// `NAME=value` settings, in order.
    pub settings: Vec<(Vec<u8>, Vec<u8>)>,
    /// `-u NAME`, in order.
    pub unset: Vec<Vec<u8>>,
    /// `-i`: starts from an empty environment.
    pub clear: bool,
    /// `-C DIR`.
    pub directory: Option<Vec<u8>>,
}

impl EnvCall {
    /// Reads the arguments of `env` (its own name left out).
    ///
    /// # Errors
    /// What `env` would refuse, in a phrase.
    pub fn parse(arguments: &[Vec<u8>]) -> Result<Self, String> {
        let mut call = Self::default();
        let mut rest: Vec<Vec<u8>> = arguments.iter().rev().cloned().collect();
        while let Some(argument) = rest.pop() {
            match argument.as_slice() {
                b"--" => break,
                b"-" => call.clear = true,
                long if long.starts_with(b"--") => call.long_option(long, &mut rest)?,
                short if short.starts_with(b"-") => call.short_options(&short[1..], &mut rest)?,
                _ => {
                    rest.push(argument);
                    break;
                }
            }
        }
        while let Some(argument) = rest.pop() {
            match argument.iter().position(|byte| *byte == b'=') {
                Some(at) if at > 0 => {
                    call.settings.push((argument[..at].to_vec(), argument[at + 1..].to_vec()));
                }
                _ => {
                    call.command.push(argument);
                    break;
                }
            }
        }
        rest.reverse();
        call.command.extend(rest);
        Ok(call)
    }

    fn long_option(&mut self, option: &[u8], rest: &mut Vec<Vec<u8>>) -> Result<(), String> {
        let (name, value) = match option.iter().position(|byte| *byte == b'=') {
            Some(at) => (&option[..at], Some(option[at + 1..].to_vec())),
            None => (option, None),
        };
        let mut wanted = || value.clone().or_else(|| rest.pop()).ok_or_else(|| missing(name));
        match name {
            b"--ignore-environment" => self.clear = true,
            b"--unset" => self.unset.push(wanted()?),
            b"--chdir" => self.directory = Some(wanted()?),
            b"--split-string" => {
                let text = wanted()?;
                push_words(rest, &text)?;
            }
            b"--debug" | b"--null" | b"--list-signal-handling" => {}
            _ if SIGNAL_OPTIONS.contains(&name) => {}
            _ => return Err(format!("`env` has no option `{}`", name.escape_ascii())),
        }
        Ok(())
    }

    fn short_options(&mut self, letters: &[u8], rest: &mut Vec<Vec<u8>>) -> Result<(), String> {
        for (at, letter) in letters.iter().enumerate() {
            let attached = &letters[at + 1..];
            let mut wanted = || match attached {
                [] => rest.pop().ok_or_else(|| missing(&[b'-', *letter])),
                text => Ok(text.to_vec()),
            };
            match letter {
                b'i' => self.clear = true,
                b'v' | b'0' => {}
                b'u' => {
                    self.unset.push(wanted()?);
                    return Ok(());
                }
                b'C' => {
                    self.directory = Some(wanted()?);
                    return Ok(());
                }
                b'S' => {
                    let text = wanted()?;
                    return push_words(rest, &text);
                }
                other => return Err(format!("`env` has no option `-{}`", other.escape_ascii())),
            }
        }
        Ok(())
    }
}

const SIGNAL_OPTIONS: [&[u8]; 3] = [b"--default-signal", b"--ignore-signal", b"--block-signal"];

fn missing(option: &[u8]) -> String {
    format!("option `{}` of `env` has no value", option.escape_ascii())
}

fn push_words(rest: &mut Vec<Vec<u8>>, text: &[u8]) -> Result<(), String> {
    let mut words = split_string(text)?;
    words.reverse();
    rest.extend(words);
    Ok(())
}

/// Splits as `env -S` does: quotes, a few escapes, `#` at a word's start; `${NAME}` stays as it is.
fn split_string(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote: Option<u8> = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\'' | b'"', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (byte, Some(open)) if byte == open => quote = None,
            (b'\\', Some(b'\'')) => match bytes.next() {
                Some(next @ (b'\'' | b'\\')) => word.get_or_insert_default().push(next),
                Some(next) => word.get_or_insert_default().extend([b'\\', next]),
                None => word.get_or_insert_default().push(b'\\'),
            },
            (b'\\', _) => match bytes.next().ok_or("`env -S` ends in `\\`")? {
                b'c' => break,
                b'_' if quote.is_none() => words.extend(word.take()),
                b'_' => word.get_or_insert_default().push(b' '),
                b'n' => word.get_or_insert_default().push(b'\n'),
                b't' => word.get_or_insert_default().push(b'\t'),
                b'r' => word.get_or_insert_default().push(b'\r'),
                b'f' => word.get_or_insert_default().push(0x0c),
                b'v' => word.get_or_insert_default().push(0x0b),
                next @ (b'"' | b'#' | b'$' | b'\'' | b'\\' | b' ') => word.get_or_insert_default().push(next),
                next => return Err(format!("`env -S` has no escape `\\{}`", next.escape_ascii())),
            },
            (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, None) => words.extend(word.take()),
            (b'#', None) if word.is_none() => break,
            (byte, _) => word.get_or_insert_default().push(byte),
        }
    }
    if quote.is_some() {
        return Err("`env -S` has a quote that is not closed".into());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shebang_lines_are_read_as_the_kernel_does() {
        let long = format!("#!/bin/{}", "x".repeat(300));
        let long_argument = format!("#!/bin/sh {}", "x".repeat(300));
        for (summary, head, expected) in [
            ("plain", "#!/bin/sh\necho", Some(("/bin/sh", None))),
            ("blanks before and after", "#! \t/bin/sh \t\n", Some(("/bin/sh", None))),
            ("one argument", "#!/usr/bin/awk -f\n", Some(("/usr/bin/awk", Some("-f")))),
            ("the rest is one argument", "#!/usr/bin/env  a  b \n", Some(("/usr/bin/env", Some("a  b")))),
            ("a carriage return belongs to the name", "#!/bin/sh\r\n", Some(("/bin/sh\r", None))),
            ("no newline at the end of the file", "#!/bin/sh", Some(("/bin/sh", None))),
            ("a relative interpreter", "#!bin/sh\n", Some(("bin/sh", None))),
            ("nothing after it", "#!\n", None),
            ("only blanks", "#!  \n", None),
            ("not at the start", " #!/bin/sh\n", None),
            ("an interpreter that is cut", &long, None),
            ("an argument that is cut", &long_argument, Some(("/bin/sh", Some(&long_argument[10..256])))),
        ] {
            let found = Shebang::parse(head.as_bytes());
            let expected = expected.map(|(interpreter, argument): (&str, Option<&str>)| Shebang {
                interpreter: interpreter.into(),
                argument: argument.map(Into::into),
            });
            assert_eq!(found, expected, "{summary}");
        }
    }

    #[test]
    fn env_arguments_lead_to_a_command() {
        let parse = |words: &[&str]| -> String {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
            match EnvCall::parse(&words) {
                Err(why) => why,
                Ok(call) => {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let mut parts: Vec<String> = Vec::new();
                    parts.extend(call.clear.then(|| "clear".to_owned()));
                    parts.extend(call.directory.iter().map(|dir| format!("in {}", text(dir))));
                    parts.extend(call.unset.iter().map(|name| format!("-{}", text(name))));
                    parts.extend(
                        call.settings.iter().map(|(name, value)| format!("{}={}", text(name), text(value))),
                    );
                    parts.extend(call.command.iter().map(|word| format!("[{}]", text(word))));
                    parts.join(" ")
                }
            }
        };
        for (words, expected) in [
            (&["python3", "-u"][..], "[python3] [-u]"),
            (&["-i", "A=1", "sh", "B=2"], "clear A=1 [sh] [B=2]"),
            (&["-S", "node --flag 'a b' \"c\\td\" # no"], "[node] [--flag] [a b] [c\td]"),
            (&["-S-i X=1 perl -w", "x.pl"], "clear X=1 [perl] [-w] [x.pl]"),
            (&["-vS", "a"], "[a]"),
            (&["-u", "HOME", "--unset=X", "-C", "/srv", "--", "run"], "in /srv -HOME -X [run]"),
            (&["--chdir=/a", "-", "b"], "clear in /a [b]"),
            (&["-S", "'open"], "`env -S` has a quote that is not closed"),
            (&["-z"], "`env` has no option `-z`"),
            (&["-u"], "option `-u` of `env` has no value"),
            (&[], ""),
        ] {
            assert_eq!(parse(words), expected, "{words:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(head: Vec<u8>, words: Vec<Vec<u8>>, split: Vec<u8>) {
            let _ = Shebang::parse(&[b"#!", &head[..]].concat());
            let _ = EnvCall::parse(&words);
            let _ = EnvCall::parse(&[b"-S".to_vec(), split]);
        }
    }
}
