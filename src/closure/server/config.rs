//! Configuration files of servers as a list of directives, as far as their paths go.

use crate::rules::ConfigSyntax;

/// A name and the words behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) words: Vec<String>,
}

/// Reads a configuration file.
pub(super) fn directives(text: &str, syntax: ConfigSyntax) -> Vec<Directive> {
    if syntax == ConfigSyntax::Crontab {
        return text.lines().filter_map(job).take(MAX_DIRECTIVES).collect();
    }
    let mut reader = Reader { syntax, words: Vec::new(), word: None, all: Vec::new(), open: 0 };
    reader.read(text);
    reader.all
}

/// A line of a crontab (`crontab(5)`): `command`, and the words behind the times. What follows `%` is input.
fn job(line: &str) -> Option<Directive> {
    let line = line.trim();
    let first = line.split_ascii_whitespace().next().filter(|word| !word.starts_with('#'))?;
    if first.contains('=') || line.split_once('=').is_some_and(|(name, _)| !name.trim_end().contains(' ')) {
        return None;
    }
    let times = if first.starts_with('@') { 1 } else { 5 };
    let text = line.split_once('%').map_or(line, |(text, _)| text);
    let words: Vec<String> = text.split_ascii_whitespace().skip(times).map(str::to_owned).collect();
    (!words.is_empty()).then(|| Directive { name: "command".to_owned(), words })
}

struct Reader {
    syntax: ConfigSyntax,
    words: Vec<String>,
    word: Option<String>,
    all: Vec<Directive>,
    /// Brackets of a list that are open.
    open: usize,
}

impl Reader {
    fn read(&mut self, text: &str) {
        let mut signs = text.chars().peekable();
        let mut fresh = true;
        let mut assigned = false;
        let mut section = false;
        while let Some(sign) = signs.next() {
            let begins = std::mem::replace(&mut fresh, false);
            match (sign, self.syntax) {
                ('#', _) | (';', ConfigSyntax::Pairs) if self.word.is_none() => {
                    while signs.peek().is_some_and(|next| *next != '\n') {
                        signs.next();
                    }
                }
                ('\\', _) => match signs.next() {
                    // A line that goes on.
                    Some('\n') => self.end_word(),
                    Some(next) => self.word.get_or_insert_default().push(next),
                    None => {}
                },
                ('"' | '\'', _) => {
                    let word = self.word.get_or_insert_default();
                    while let Some(inside) = signs.next() {
                        match inside {
                            end if end == sign => break,
                            '\\' => word.extend(signs.next()),
                            inside => word.push(inside),
                        }
                    }
                }
                // What is indented goes on (`files =` of supervisord with one file a line).
                ('(' | ')' | ',', ConfigSyntax::Lists) => {
                    self.end_word();
                    match sign {
                        '(' => self.open += 1,
                        ')' => self.open = self.open.saturating_sub(1),
                        _ => {}
                    }
                }
                ('\n', ConfigSyntax::Lists) if self.open > 0 => self.end_word(),
                ('\n', syntax)
                    if syntax == ConfigSyntax::Blocks
                        || syntax == ConfigSyntax::Pairs && matches!(signs.peek(), Some(' ' | '\t')) =>
                {
                    self.end_word();
                }
                ('\n', _) | (';' | '{' | '}', ConfigSyntax::Blocks) => {
                    self.end_directive();
                    fresh = true;
                    assigned = false;
                    section = false;
                }
                ('=', ConfigSyntax::Pairs)
                    if self.words.is_empty() || self.words.len() == 1 && self.word.is_none() && !assigned =>
                {
                    assigned = true;
                    self.end_word();
                }
                ('<' | '>', ConfigSyntax::Lines) | ('=' | '+' | '>', ConfigSyntax::Lists) => self.end_word(),
                ('[', ConfigSyntax::Pairs) if begins => section = true,
                (']', ConfigSyntax::Pairs) if section => self.end_word(),
                (blank, _) if blank.is_ascii_whitespace() => self.end_word(),
                (other, _) => self.word.get_or_insert_default().push(other),
            }
        }
        self.end_directive();
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.words.push(word);
        }
    }

    fn end_directive(&mut self) {
        self.end_word();
        let mut words = std::mem::take(&mut self.words).into_iter();
        if let Some(name) = words.next()
            && self.all.len() < MAX_DIRECTIVES
        {
            self.all.push(Directive { name, words: words.collect() });
        }
    }
}

/// Directives of one file.
const MAX_DIRECTIVES: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, syntax: ConfigSyntax) -> String {
        let all = directives(text, syntax);
        let lines: Vec<String> = all
            .iter()
            .map(|directive| format!("{}({})", directive.name, directive.words.join(",")))
            .collect();
        lines.join(" ")
    }

    #[test]
    fn ways_to_write_directives() {
        for (summary, syntax, text, expected) in [
            (
                "nginx",
                ConfigSyntax::Blocks,
                "user www;\n# x;\nhttp {\n  include a.conf;\n  log_format m '$a ;'\n   \"b\";\n  server { root /w; }\n}\n",
                "user(www) http() include(a.conf) log_format(m,$a ;,b) server() root(/w)",
            ),
            (
                "redis and apache",
                ConfigSyntax::Lines,
                "dir /data\n# no\n  LoadModule a \\\n b.so\n<Directory \"/srv/w w\">\n",
                "dir(/data) LoadModule(a,b.so) Directory(/srv/w w)",
            ),
            (
                "haproxy's sections",
                ConfigSyntax::Lines,
                "global\n    user haproxy\n    group haproxy\ndefaults\n\tmode http\n",
                "global() user(haproxy) group(haproxy) defaults() mode(http)",
            ),
            (
                "lighttpd",
                ConfigSyntax::Lists,
                "server.modules += (\n  \"mod_a\", # b\n\t\"mod_c\",\n)\nalias.url=(\"/d/\"=>\"/e/\")\ninclude \"f\"\n$HTTP[\"g\"] == \"h\" {\n  i = \"j\"\n}\n",
                "server.modules(mod_a,mod_c) alias.url(/d/,/e/) include(f) $HTTP[g](h,{) i(j) }()",
            ),
            (
                "php-fpm, postgres and supervisord",
                ConfigSyntax::Pairs,
                "[www]\nuser = app ; no\n;no\ninclude=etc/*.conf\n[include]\nfiles = /a/*.conf\n  /b.conf\nenv[PATH] = /x\n",
                "www() user(app) include(etc/*.conf) include() files(/a/*.conf,/b.conf) env[PATH](/x)",
            ),
        ] {
            assert_eq!(show(text, syntax), expected, "{summary}");
        }
    }

    #[test]
    fn jobs_of_a_crontab() {
        let text = "# m h\nSHELL=/bin/sh\nMAILTO = \"\"\n\n*/5 * * * * root cd / && a --b=c\n@reboot b %in\n1 2 3 4 5\n";
        assert_eq!(show(text, ConfigSyntax::Crontab), "command(root,cd,/,&&,a,--b=c) command(b)");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[a/{}#;'\"\\\\=\\[\\]\n <>é]{0,40}") {
            for syntax in [
                ConfigSyntax::Blocks,
                ConfigSyntax::Crontab,
                ConfigSyntax::Lines,
                ConfigSyntax::Lists,
                ConfigSyntax::Pairs,
            ] {
                let _ = directives(&text, syntax);
            }
        }
    }
}
