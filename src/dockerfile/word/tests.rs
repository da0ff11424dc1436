use std::collections::BTreeMap;

use super::{Lexer, NoVariables, Variables};

fn variables() -> BTreeMap<String, String> {
    [
        ("S", "foobarbaz"),
        ("E", ""),
        ("P", "/usr/local/lib"),
        ("G", "a*b?c"),
        ("W", r"C:\dir\x"),
        ("Q", r"a\b"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// Value, or the error text without the words around it.
fn check(lexer: Lexer, rows: &[(&str, &str)]) {
    for (word, expected) in rows {
        let result = lexer.expand(word, &variables());
        let result = result.map_or_else(|error| format!("! {}", error.reason), |expansion| expansion.value);
        assert_eq!(result, *expected, "{word}");
    }
}

#[test]
fn substitutes() {
    check(
        Lexer::new('\\'),
        &[
            ("${S:-d}", "foobarbaz"),
            ("${E:-d}", "d"),
            ("${E-d}", ""),
            ("${U:-d}", "d"),
            ("${U-d}", "d"),
            ("${E:+y}", ""),
            ("${E+y}", "y"),
            ("${U+y}", ""),
            ("${S:?x}", "foobarbaz"),
            ("${U:-${E:-nest}}", "nest"),
            ("\"${U:-a b}\"", "a b"),
            ("${S}x$1x$$y$-z", "foobarbazxxyz"),
            ("$Sx", ""),
            ("${S}_x", "foobarbaz_x"),
            ("$(date)", "$(date)"),
            ("a$", "a$"),
            ("`x`", "`x`"),
            ("$@a", "a"),
            ("$12x", "x"),
            ("$é", ""),
        ],
    );
}

#[test]
fn cuts_and_replaces_patterns() {
    check(
        Lexer::new('\\'),
        &[
            ("${S#f*b}", "arbaz"),
            ("${S##f*b}", "az"),
            ("${S%b*}", "foobar"),
            ("${S%%b*}", "foo"),
            ("${S/ba/XX}", "fooXXrbaz"),
            ("${S//ba/XX}", "fooXXrXXz"),
            ("${S/b*/Z}", "fooZ"),
            ("${P##*/}", "lib"),
            ("${P%/*}", "/usr/local"),
            (r"${P//\//_}", "_usr_local_lib"),
            (r"${G#a\*}", "b?c"),
            ("${S#zzz}", "foobarbaz"),
            ("${U#x}", ""),
            (r"${S/o/\}}", r"f\}obarbaz"),
            (r"${S//o/\$0}", r"f\o\obarbaz"),
            ("${S//o/$0}", "foobarbaz".replace('o', "").as_str()),
            ("${S//o/${E}}", "fbarbaz"),
            ("${S#'foo'}", "barbaz"),
            (r"${W#'C:\dir'}", r"\x"),
            (r#"${W#"C:\dir"}"#, r"\x"),
            (r"${Q%'\b'}", "a"),
            (r"${Q/'\'/_}", "a_b"),
            (r#"${Q/"\\"/_}"#, "a_b"),
            (r"${Q//\\/_}", "a_b"),
            ("${G/'*'/X}", "X"),
            (r"${Q/a/'\'}", r"\\b"),
            ("${S//x*/-}", "foobarbaz"),
            ("${S//?/-}", "---------"),
            ("${S///-}", "-f-o-o-b-a-r-b-a-z-"),
            ("${E///-}", "-"),
            ("${E//*/-}", "-"),
        ],
    );
}

#[test]
fn quotes_and_escapes() {
    check(
        Lexer::new('\\'),
        &[
            (r"a\ b", "a b"),
            (r#""a\ b""#, r"a\ b"),
            (r"'a\ b'", r"a\ b"),
            (r#""a\"b""#, "a\"b"),
            ("'$S'", "$S"),
            ("\"$S'x'\"", "foobarbaz'x'"),
            (r"\$S", "$S"),
            (r"\${S}", "${S}"),
            (r#"a"b c"'d e'f"#, "ab cd ef"),
            (r"a\", "a"),
            ("<<EOF", "<<EOF"),
            ("\u{feff}a", "a"),
        ],
    );
    check(Lexer::new('`'), &[(r"a\b`$S`", r"a\b$S"), ("\"a`\"b`c\"", "a\"b`c")]);
}

#[test]
fn reports_what_cannot_be_expanded() {
    check(
        Lexer::new('\\'),
        &[
            ("'a", "! unexpected end of statement while looking for matching single-quote"),
            ("\"a", "! unexpected end of statement while looking for matching double-quote"),
            ("\"a\\", "! unexpected end of statement while looking for matching double-quote"),
            ("${", "! syntax error: missing '}'"),
            ("${S:-x", "! syntax error: missing '}'"),
            ("${S:", "! syntax error: missing '}'"),
            ("${}", "! syntax error: bad substitution"),
            ("${:-x}", "! syntax error: bad substitution"),
            ("${{S}}", "! syntax error: bad substitution"),
            ("${S/p}", "! syntax error: missing '/' in ${}"),
            ("${S/p/", "! syntax error: missing '}'"),
            ("${S:z}", "! unsupported modifier (:z) in substitution"),
            ("${S:0:2}", "! unsupported modifier (:0) in substitution"),
            ("${S:#p}", "! unsupported modifier (:#) in substitution"),
            ("${!S}", "! unsupported modifier (S) in substitution"),
            ("${#S}", "! unsupported modifier (S) in substitution"),
            ("${S^^}", "! unsupported modifier (^) in substitution"),
            ("${S", "! unsupported modifier (\u{fffd}) in substitution"),
            ("${U:?}", "! U: is not allowed to be unset"),
            ("${E:?}", "! E: is not allowed to be empty"),
            ("${E:?why}", "! E: why"),
            ("${U?why $S}", "! U: why foobarbaz"),
            (r"${S#\d}", r"! invalid pattern (\d) in substitution: invalid escape '\d'"),
            (r"${S%a\d}", r"! invalid pattern (\da) in substitution: invalid escape '\d'"),
        ],
    );
}

#[test]
fn wraps_errors_around_the_quoted_word() {
    let error = Lexer::new('\\').expand("a\"${U:?no}\"", &NoVariables).unwrap_err();
    assert_eq!(error.to_string(), r#"failed to process "a\"${U:?no}\"": U: no"#);
    assert_eq!(error.unmatched.into_iter().collect::<Vec<_>>(), ["U"]);
}

#[test]
fn keeps_what_the_mode_asks_for() {
    check(
        Lexer::vertex_name('\\'),
        &[
            (r#"echo \$X "a\"b" '$S'"#, r#"echo \$X "a\"b" '$S'"#),
            ("$S $U ${U} ${U:-a} ${S:+b}", "foobarbaz $U ${U} ${U:-a} b"),
            ("${U/a/b} ${U#a}", "${U/a/b} ${U#a}"),
            (r#""a\b""#, r#""a\b""#),
        ],
    );
    check(Lexer::heredoc_body(), &[(r#"'$S' "a\n\$S" it's"#, "'foobarbaz' \"an$S\" it's"), ("$U", "")]);
}

#[test]
fn names_what_was_looked_up() {
    let expansion = Lexer::new('\\').expand("$S ${U:-d} '$X' ${U/a/b} ${E:+$V}", &variables()).unwrap();
    assert_eq!(expansion.matched.into_iter().collect::<Vec<_>>(), ["E", "S"]);
    assert_eq!(expansion.unmatched.into_iter().collect::<Vec<_>>(), ["U", "V"]);
}

#[test]
fn splits_words() {
    let variables: BTreeMap<String, String> =
        [("A".to_owned(), "1  2".to_owned()), ("B".to_owned(), String::new())].into();
    for (word, expected) in [
        ("80 81", &["80", "81"][..]),
        ("$A", &["1", "2"]),
        ("x$A", &["x1", "2"]),
        ("\"$A\"", &["1  2"]),
        (r"a\ b", &["a b"]),
        ("$B", &[]),
        ("\"\"", &[]),
        ("$B/x", &["/x"]),
        ("a${B:-b}", &["b"]),
        ("${B:-b}c", &["bc"]),
    ] {
        assert_eq!(Lexer::new('\\').expand_words(word, &variables).unwrap(), expected, "{word}");
    }
}

#[test]
fn time_is_bounded() {
    struct Long(String);
    impl Variables for Long {
        fn lookup(&self, _name: &str) -> Option<&str> {
            Some(&self.0)
        }
    }
    let long = Long("ab".repeat(20_000));
    for word in ["${X#*a*a*a*a*a*a*c}", "${X%%*b*b*b*b*c}", "${X//a*a*a*c/x}", "${X/?*?*?*c/x}"] {
        assert_eq!(Lexer::new('\\').expand(word, &long).unwrap().value, long.0, "{word}");
    }
    let deep = "${U:-".repeat(100_000);
    assert!(Lexer::new('\\').expand(&deep, &NoVariables).is_err());
}
