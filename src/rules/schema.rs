//! The schema of the rules; `README.md` beside this file is the same for people.
//!
//! `build.rs` reads the rule files with these types as well, so that a mistake stops the build.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All rules, each list sorted by file name.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    #[serde(default)]
    pub resource: Vec<Resource>,
    #[serde(default)]
    pub runtime: Vec<Runtime>,
    #[serde(default)]
    pub wrapper: Vec<Wrapper>,
    #[serde(default)]
    pub server: Vec<Server>,
    #[serde(default)]
    pub unopened: Vec<Unopened>,
    pub application: Application,
    #[serde(default)]
    pub runner: Vec<Runner>,
}

/// Files that a program opens though no header names them, and the evidence that it does.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The file's name without `.toml`.
    pub id: String,
    /// What it is, for messages: `CA certificates`.
    pub title: String,
    /// Any of these asks for it.
    #[serde(default)]
    pub when: Vec<Evidence>,
    /// A value cut out of a library's data, for `{name}` in paths.
    #[serde(default)]
    pub capture: Vec<Capture>,
    /// What comes.
    pub include: Vec<Include>,
    /// What to do when no source has it; absent: it is not missed.
    pub missing: Option<String>,
    /// Files that no package owns count to this one.
    pub package: Option<String>,
}

/// Facts about one file of the set (and the image's environment) that must all hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// It needs one of these libraries (sonames, `*` and `?`).
    #[serde(default)]
    pub needed: Vec<String>,
    /// It imports one of these symbols (`*` and `?`).
    #[serde(default)]
    pub import: Vec<String>,
    /// One of these texts is in its read-only data. Asked only of files that no package owns, and of programs that a
    /// command names.
    #[serde(default)]
    pub string: Vec<String>,
    /// It is a Go program that holds one of these functions (`crypto/x509.loadSystemRoots`).
    #[serde(default)]
    pub go: Vec<String>,
    /// It is one of these libraries (sonames): source text may open it by its name.
    #[serde(default)]
    pub soname: Vec<String>,
    /// It is none of these libraries (sonames).
    #[serde(default)]
    pub not_soname: Vec<String>,
    /// None of these Go functions is in it.
    #[serde(default)]
    pub not_go: Vec<String>,
    /// One of these variables is set to something (names, `*` and `?`); its value is `{value}`.
    #[serde(default)]
    pub env: Vec<String>,
    /// Values of `env` that do not count.
    #[serde(default)]
    pub not_value: Vec<String>,
    /// glibc older than this version (`2.34`).
    pub glibc_before: Option<String>,
    /// It is source text of a language of the set (see [`Runtime::text`]) and holds one of these words.
    #[serde(default)]
    pub text: Vec<String>,
    /// It is source text that imports one of these modules, or one below it (see [`Runtime::imports`]).
    #[serde(default)]
    pub module: Vec<String>,
    /// One of these languages (ids) is in the set: its interpreter is started. Alone, it asks nothing of a file.
    #[serde(default)]
    pub runtime: Vec<String>,
}

/// A value between two texts in a library's data.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    pub name: String,
    /// Sonames of the libraries to look in.
    pub library: Vec<String>,
    pub after: String,
    pub before: String,
}

/// Paths or a library that come.
///
/// Paths may hold `*`, `?` (one component) and `**` (any number), `{libdir}` (each directory that the loader always
/// searches), `{value}` and `{locale}` (the variable that is the evidence, as it is and with its codeset as glibc
/// spells it) and captured values.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Include {
    /// All of these that exist.
    #[serde(default)]
    pub all: Vec<String>,
    /// The first of these that exists.
    #[serde(default)]
    pub first: Vec<String>,
    /// Trees: of these what no package owns, and what is from packages that the Dockerfile installed by name.
    #[serde(default)]
    pub chosen: Vec<String>,
    /// Looked up as `dlopen(3)` would.
    #[serde(default)]
    pub library: Vec<String>,
    /// Programs that are started: paths, or names that are looked up in `PATH`.
    #[serde(default)]
    pub program: Vec<String>,
    /// Paths below these stay away.
    #[serde(default)]
    pub except: Vec<String>,
    /// Links whose texts match one of these stay away (whole texts, `*` and `?`).
    #[serde(default)]
    pub except_target: Vec<String>,
    /// Nothing is said when no source has it.
    #[serde(default)]
    pub optional: bool,
    /// Only what a RUN of the stage made and no package owns: that was the user's wish.
    #[serde(default)]
    pub made: bool,
    /// In a runtime: only when one of these holds; without, always.
    #[serde(default)]
    pub when: Vec<Evidence>,
    /// In a runtime: the layer. Default: `runtime` for what comes always, `dependencies` for what comes on evidence.
    pub layer: Option<IncludeLayer>,
}

/// Where the files of an include belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncludeLayer {
    /// A function of the base image and the rule only: applications share it.
    Runtime,
    Dependencies,
}

/// A language: its interpreter, what comes with it, and how its command line names files.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// The file's name without `.toml`.
    pub id: String,
    pub title: String,
    /// Names of interpreters (`python3`, `python3.*`): of the program, or of a link to it that is started.
    #[serde(default)]
    pub interpreter: Vec<String>,
    /// Whether decant knows what its programs need besides ELF and the resources.
    #[serde(default)]
    pub complete: bool,
    /// How the real program is called; what `*` stands for is `{version}`, and the whole name labels the layer.
    #[serde(default)]
    pub version: Vec<String>,
    /// `{name}` is the first of these paths that exists.
    #[serde(default)]
    pub place: BTreeMap<String, Vec<String>>,
    /// `{name}` is each of these paths that exists.
    #[serde(default)]
    pub each: BTreeMap<String, Vec<String>>,
    /// A value cut out of the interpreter's data (no `library`), or out of a library's, for `{name}` in paths.
    #[serde(default)]
    pub capture: Vec<Capture>,
    /// What comes with the interpreter. An unmet need of these files is no fault: a module that nobody imports.
    #[serde(default)]
    pub include: Vec<Include>,
    /// What stays away although it was copied or made there, unless something names it: programs and packages that
    /// only install. What the includes for packages `except` does so as well.
    #[serde(default)]
    pub leave: Vec<String>,
    /// Words in an application's own source text that show that it may start a shell: a hint.
    #[serde(default)]
    pub shell: Vec<String>,
    /// What its command line names.
    #[serde(default)]
    pub arguments: Arguments,
    /// Variables that name files or hold arguments.
    #[serde(default)]
    pub environment: Vec<Variable>,
    /// Files that stand in the top directory of a project: the nearest above a script is the tree it runs from.
    #[serde(default)]
    pub project: Vec<String>,
    /// Names that are looked for in each directory above a script (`node_modules`).
    #[serde(default)]
    pub ancestors: Vec<String>,
    /// Names of files that hold source text of the language (`*.py`).
    #[serde(default)]
    pub text: Vec<String>,
    /// How source text imports modules.
    pub imports: Option<Imports>,
    /// What rules cannot say, by the names of decant's own functions.
    #[serde(default)]
    pub mechanism: Vec<Mechanism>,
    /// What only building needs.
    #[serde(default)]
    pub build: Build,
}

/// How the words behind an interpreter are read.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Options with a value, those that name something. All other words that begin with `-` stand alone.
    #[serde(default)]
    pub option: Vec<ArgumentOption>,
    /// Letters may be combined behind one `-` (`-Im`).
    #[serde(default)]
    pub combined: bool,
    /// A word that begins with this names a file with more arguments (`@`).
    pub file_prefix: Option<String>,
    /// What the first word that is no option is; the words behind it are the program's own. Absent: `script`.
    pub operand: Option<Value>,
    /// What may be added to the name of a script (`.js`).
    #[serde(default)]
    pub suffixes: Vec<String>,
    /// A directory that is started is a program by one of these files in it (`__main__.py`).
    #[serde(default)]
    pub index: Vec<String>,
}

/// An option of an interpreter and what its value is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ArgumentOption {
    /// `-cp`: the value is the next word; `--class-path`: or follows behind `=`; `-javaagent:` (ends with `:` or `=`):
    /// the value is in the same word; `-D*=`: behind the first `=` of any word that begins with `-D`.
    pub names: Vec<String>,
    pub value: Value,
    /// The value ends before this (`-javaagent:a.jar=x`).
    pub until: Option<String>,
    /// The words behind are the program's own (`-m`, `-c`, `-jar`).
    #[serde(default)]
    pub last: bool,
    /// Options, by their first names, whose values do not count before this one (`-cp` before `-jar`).
    #[serde(default)]
    pub instead_of: Vec<String>,
}

/// What the value of an option or a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Nothing that names a file.
    Text,
    /// Program text in the language.
    Code,
    /// The program that is run: a file, whose project comes along, or a directory (see [`Arguments::index`]).
    Script,
    /// A module, looked up from the working directory and in the paths of the language.
    Module,
    /// A file or a directory with everything in it.
    Path,
    /// Several, with `:` between; `dir/*` are the files in it.
    Paths,
    /// Words of a command line.
    Arguments,
    /// Takes the place of `{home}`.
    Home,
}

/// Variables of the image's environment.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub names: Vec<String>,
    pub value: Value,
}

/// Languages whose import statements decant reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Imports {
    /// `import a.b`, `from a import b`, `import_module("a")`.
    Python,
    /// `require("a")`, `import … from "a"`, `import("a")`, `export … from "a"`.
    Node,
}

/// Parts of a runtime that are functions of decant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// `pyvenv.cfg`: the interpreter that an environment stands on (PEP 405).
    Pyvenv,
    /// `.pth` files and links of editable installs: directories besides site-packages (Python's `site`).
    Pth,
    /// `package.json`: the file that a directory is started by (Node's `main`).
    PackageJson,
    /// Packages that a distribution installed for all programs, in `{shared}`: those that source text imports.
    SharedPackages,
    /// Native modules of other systems, architectures and C libraries in packages stay out.
    ForeignBinaries,
    /// `Class-Path` in the manifest of a jar (JAR file specification).
    ClassPath,
    /// Classes, also in jars, are source text: the names in their constant pools (JVM specification 4.4).
    ClassText,
    /// Libraries in jars, which are unpacked when the program runs: what they need comes.
    NativeInJar,
    /// `.pyc` files that are stale once all times are 1970 stay out (PEP 552).
    Pyc,
    /// Libraries that source text opens by name: `CDLL("libx.so.1")`, `find_library("x")`, `dlopen("…")`.
    ForeignLibraries,
}

/// What only building needs, where a stage also compiled what it runs.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// Names of the language's source files (`*.go`).
    #[serde(default)]
    pub sources: Vec<String>,
    /// Names of directories with objects, caches and reports (`__pycache__`, `target/*/deps`).
    #[serde(default)]
    pub caches: Vec<String>,
    /// Names of files that only the toolchain reads (`go.mod`, `Cargo.lock`).
    #[serde(default)]
    pub files: Vec<String>,
    /// What its toolchain makes a program of: `elf`, `go` (an ELF file of Go's linker), or names of files (`*.jar`).
    #[serde(default)]
    pub makes: Vec<String>,
    /// Programs that compile or install: a RUN that calls one has built with this language.
    #[serde(default)]
    pub tools: Vec<String>,
}

/// Libraries that another one can open by name, for work that programs of an image do not do.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Unopened {
    /// Sonames of the libraries that hold the names (`*` and `?`).
    pub by: Vec<String>,
    /// Names that are not looked up (`*` and `?`).
    pub names: Vec<String>,
}

/// A program that starts another one named in its arguments.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of a rule file, independent of the others")]
pub struct Wrapper {
    pub names: Vec<String>,
    /// Options whose value is the next word.
    #[serde(default)]
    pub options_with_value: Vec<String>,
    /// Words before the program that are not options.
    #[serde(default)]
    pub operands: usize,
    /// One of these words must come before the program (`uv run`).
    #[serde(default)]
    pub words: Vec<String>,
    /// `NAME=value` words may stand before the program.
    #[serde(default)]
    pub assignments: bool,
    /// A word `-` may stand before the program.
    #[serde(default)]
    pub dash: bool,
    /// Options whose value is a script for a shell.
    #[serde(default)]
    pub script: Vec<String>,
    /// Options whose value is a program that is started.
    #[serde(default)]
    pub program: Vec<String>,
    /// Words that are no options are no programs.
    #[serde(default)]
    pub options_only: bool,
    /// Options behind which a command stands, up to `;` or `+`.
    #[serde(default)]
    pub behind: Vec<String>,
    /// Directories, from the working directory, in which the program is looked for first.
    #[serde(default)]
    pub search: Vec<String>,
    /// It starts the shell of the user that its words name.
    #[serde(default)]
    pub login_shell: bool,
    /// Each word that is no option is a text for a shell, with this before it.
    pub texts: Option<String>,
    /// What the beginnings of such texts stand for.
    #[serde(default)]
    pub short: BTreeMap<String, String>,
    /// Programs that it starts whatever its words say.
    #[serde(default)]
    pub starts: Vec<String>,
    /// The program that it starts when its words name none.
    pub alone: Option<String>,
    /// Words that are no options are directories whose files it starts.
    #[serde(default)]
    pub directories: bool,
}

/// A server: what its configuration names, and what it needs whatever that says.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The file's name without `.toml`.
    pub id: String,
    pub title: String,
    /// Names of its programs, or of links to them (`*` and `?`).
    pub program: Vec<String>,
    /// What `{name}` stands for in the texts of this rule.
    #[serde(default)]
    pub value: BTreeMap<String, ServerValue>,
    /// Its configuration files: all that exist.
    #[serde(default)]
    pub config: Vec<String>,
    /// Configuration files whose commands begin with the account that runs them.
    #[serde(default)]
    pub accounts_in: Vec<String>,
    /// Words of commands that are not followed.
    #[serde(default)]
    pub passed_over: Vec<String>,
    /// The first word behind the program is the configuration file.
    #[serde(default)]
    pub operand: bool,
    #[serde(default)]
    pub syntax: ConfigSyntax,
    /// Files of a shell that set variables which the configuration uses.
    #[serde(default)]
    pub variables: Vec<String>,
    /// Directives that set such variables.
    #[serde(default)]
    pub define: Vec<String>,
    #[serde(default)]
    pub directive: Vec<ServerDirective>,
    /// What always comes: `all`, `first` and `except` as in resources.
    #[serde(default)]
    pub include: Vec<Include>,
    /// Directories that it writes to: they come without their content, and if they are absent, the one above.
    #[serde(default)]
    pub directory: Vec<String>,
    /// Accounts that it uses.
    #[serde(default)]
    pub user: Vec<String>,
    /// Programs that it starts.
    #[serde(default)]
    pub starts: Vec<String>,
    /// It reads passwords: passwd says that there are none, as no image has a shadow file.
    #[serde(default)]
    pub locks_accounts: bool,
    /// It starts the shells of accounts that log in.
    #[serde(default)]
    pub login_shells: bool,
}

/// A value: of an option, else cut out of a path or of the program, else a default.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServerValue {
    #[serde(default)]
    pub option: Vec<String>,
    /// The words that stand behind a text in the program's data.
    pub capture: Option<ServerCapture>,
    /// What the first `*` of this pattern is in the program's path.
    pub path: Option<String>,
    /// The first that exists, else the first.
    #[serde(default)]
    pub default: Vec<String>,
}

/// Where a value stands in a program.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServerCapture {
    pub after: String,
}

/// Directives of a configuration that name something.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServerDirective {
    /// `*` and `?`.
    pub names: Vec<String>,
    pub value: DirectiveValue,
    /// What relative paths are relative to; absent: the directory of the configuration file.
    pub base: Option<String>,
    /// Words before the one that counts.
    #[serde(default)]
    pub skip: usize,
}

/// What the words of a directive are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectiveValue {
    /// More configuration: files and patterns.
    Include,
    /// A file, or a directory that must exist; a program or a library comes with what it needs.
    File,
    /// A directory with everything in it.
    Tree,
    /// An account.
    User,
    /// A command that it starts.
    Command,
    /// A command that a shell reads.
    Script,
}

/// How a configuration is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigSyntax {
    /// `name word …;` and `name { … }`.
    Blocks,
    /// Times and a command, which is the directive `command`.
    Crontab,
    /// One directive a line: `name word …`.
    #[default]
    Lines,
    /// `name = word …`, sections in brackets.
    Pairs,
    /// `name = ("key" => "word", …)`, over several lines.
    Lists,
}

/// Which files of a stage are its application's.
///
/// Paths: `/a/b` is that path, `a/b` any path that ends so; each name with `*` and `?`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Made by a RUN, these are never the application's.
    pub never: Vec<String>,
    /// Made in /etc when a package is installed, though it does not own them.
    pub generated: Vec<String>,
    /// Directories with packages of languages.
    pub dependencies: Vec<String>,
    /// Directories of such packages with what only their tests read.
    pub tests: Vec<String>,
    pub mention: Mention,
    pub prefix: Prefix,
    pub package: InstalledPackages,
    pub hint: Hint,
}

/// What of a prefix that is copied as a whole is not for running.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    /// It stays away, with everything below.
    pub left: Vec<String>,
    /// Names of programs that read it.
    pub compilers: Vec<String>,
}

/// Packages that the Dockerfile installed and nothing uses.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InstalledPackages {
    /// Only building needs them: nothing is said.
    pub quiet: Vec<String>,
    /// Mostly used while building: a notice.
    pub tools: Vec<String>,
}

/// What the application's own programs name that exists and is left out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// Only paths below these are told.
    pub below: Vec<String>,
    /// Paths that every program of a language or library names, and what rules decide about.
    pub ignored: Vec<String>,
    /// What RUN made there is not told when nothing names it.
    pub unsaid: Vec<String>,
}

/// How the application's own text names programs and files.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mention {
    /// Files with program text.
    pub source: Vec<String>,
    /// Files in which only whole paths count.
    pub data: Vec<String>,
    /// Files that are not read.
    pub skipped: Vec<String>,
    /// Words that start programs.
    pub starters: Vec<String>,
    /// Names of programs that are also words: they count only near a word that starts programs.
    pub common: Vec<String>,
    /// Programs that come by the text of an installed package only if the application imports something of that name.
    pub asked: Vec<String>,
    /// Variables that name no data of the application.
    pub variables: Vec<String>,
}

/// A package manager that starts what a script of `package.json` says, or a program of `node_modules/.bin`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Runner {
    pub names: Vec<String>,
    /// Words before the name of a script.
    #[serde(default)]
    pub run: Vec<String>,
    /// Words that are the name of a script themselves.
    #[serde(default)]
    pub direct: Vec<String>,
    /// Any other word may be the name of a script, or else of a program.
    #[serde(default)]
    pub other: bool,
    /// Words before the name of a program.
    #[serde(default)]
    pub exec: Vec<String>,
    /// Its first word is the name of a program.
    #[serde(default)]
    pub programs: bool,
    /// Words before a program and its arguments, which are started as they are (`yarn node`).
    #[serde(default)]
    pub itself: Vec<String>,
    /// Options that change no more than what is printed.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Options whose value is the directory that it works in.
    #[serde(default)]
    pub directory: Vec<String>,
    /// Options whose value is the name or the directory of a workspace.
    #[serde(default)]
    pub workspace: Vec<String>,
    /// A word before the name of a workspace.
    #[serde(default)]
    pub workspace_word: Vec<String>,
    /// Options for the script stand behind `--`; without, all that follows its name is the script's.
    #[serde(default)]
    pub separator: bool,
}
