//! Which licence texts are SPDX expressions (SPDX 2.3, annex D).

/// Whether a text is an expression of identifiers that are on the list here. Others may be on SPDX's list, too; what is
/// not is no valid document.
pub(super) fn is_expression(text: &str) -> bool {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut depth = 0_usize;
    let mut wants = Wants::Licence;
    for word in spaced.split_whitespace() {
        wants = match (wants, word) {
            (Wants::Licence, "(") => {
                depth += 1;
                Wants::Licence
            }
            (Wants::Licence, id) if LICENCES.contains(&id.strip_suffix('+').unwrap_or(id)) => Wants::Operator,
            (Wants::Exception, id) if EXCEPTIONS.contains(&id) => Wants::Operator,
            (Wants::Operator, "AND" | "OR") => Wants::Licence,
            (Wants::Operator, "WITH") => Wants::Exception,
            (Wants::Operator, ")") if depth > 0 => {
                depth -= 1;
                Wants::Operator
            }
            _ => return false,
        };
    }
    depth == 0 && wants == Wants::Operator
}

/// What comes next.
#[derive(Clone, Copy, PartialEq)]
enum Wants {
    Licence,
    Operator,
    Exception,
}

/// The identifiers that packages mostly have, of SPDX's list of licences.
const LICENCES: &[&str] = &[
    "0BSD",
    "AFL-2.1",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-1.0-Perl",
    "Artistic-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD-4-Clause",
    "BSD-4-Clause-UC",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC0-1.0",
    "CDDL-1.0",
    "CDDL-1.1",
    "EPL-1.0",
    "EPL-2.0",
    "FSFAP",
    "FTL",
    "GPL-1.0-only",
    "GPL-1.0-or-later",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "HPND",
    "ICU",
    "IJG",
    "ISC",
    "LGPL-2.0-only",
    "LGPL-2.0-or-later",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "Libpng",
    "MIT",
    "MIT-0",
    "MPL-1.1",
    "MPL-2.0",
    "MS-PL",
    "NCSA",
    "OFL-1.1",
    "OLDAP-2.8",
    "OpenSSL",
    "PHP-3.01",
    "PSF-2.0",
    "PostgreSQL",
    "Python-2.0",
    "Ruby",
    "SSLeay-standalone",
    "Sleepycat",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "W3C",
    "WTFPL",
    "X11",
    "ZPL-2.1",
    "Zlib",
    "blessing",
    "bzip2-1.0.6",
    "curl",
    "zlib-acknowledgement",
];

const EXCEPTIONS: &[&str] = &[
    "Autoconf-exception-3.0",
    "Bison-exception-2.2",
    "Classpath-exception-2.0",
    "GCC-exception-3.1",
    "LLVM-exception",
    "Linux-syscall-note",
    "OCaml-LGPL-linking-exception",
    "Universal-FOSS-exception-1.0",
];

#[cfg(test)]
mod tests {
    use super::is_expression;

    #[test]
    fn expressions_of_known_identifiers() {
        for text in [
            "MIT",
            "GPL-2.0-or-later WITH GCC-exception-3.1",
            "(MIT OR Apache-2.0) AND BSD-3-Clause",
            "((MIT))",
            "MPL-2.0+",
        ] {
            assert!(is_expression(text), "{text}");
        }
        for text in ["", "BSD", "MIT License", "MIT OR", "(MIT", "MIT)", "MIT WITH MIT", "Apache 2.0", "AND"]
        {
            assert!(!is_expression(text), "{text}");
        }
    }
}
