//! Shell text to a flat list of simple commands, by `brush-parser` under limits of our own.
//!
//! The parser recurses with the nesting of the text, and takes time that doubles with each level of a few
//! constructs, so both are bounded before it runs. What is not read is no error: the caller scans the text instead.

use brush_parser::ast::{
    AndOr, AndOrList, AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem, CompoundCommand,
    CompoundList, ExtendedTestExpr, IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, Pipeline, Program,
    SimpleCommand, Word,
};
use brush_parser::{ParserOptions, SourceInfo, Token};

use crate::watched;

/// One thing that a script does; words are as they stand in the text, quotes and all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Simple(Simple),
    /// `for NAME in WORDS`; without `in`, over the arguments.
    Loop {
        name: String,
        words: Option<Vec<String>>,
    },
    /// Words that are compared or tested.
    Words(Vec<String>),
    Function(String),
}

/// A simple command (POSIX shell 2.9.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    pub(super) assignments: Vec<Assignment>,
    pub(super) words: Vec<String>,
    /// Files that it reads by redirection.
    pub(super) inputs: Vec<String>,
    /// Texts that it reads, and whether the shell expands them first.
    pub(super) documents: Vec<(String, bool)>,
    /// Whether it runs whatever happens: it is in no branch and in no function.
    pub(super) certain: bool,
    /// The function that it is in.
    pub(super) function: Option<String>,
    /// Indices of the simple commands before it in its pipeline.
    pub(super) fed_by: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) value: AssignedValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AssignedValue {
    Scalar(String),
    Array(Vec<String>),
}

/// Reads a script.
///
/// # Errors
/// Why it cannot be read, in a phrase.
pub(super) fn parse(text: &str) -> Result<Vec<Item>, String> {
    with_program(text, |program| {
        let mut walk = Walk { items: Vec::new(), function: None };
        for list in &program.complete_commands {
            walk.list(list, true);
        }
        walk.items
    })
}

/// Parses a script and takes what is asked out of it, where neither its depth nor a panic of the parser does harm.
///
/// # Errors
/// Why it cannot be read, in a phrase.
pub(super) fn with_program<T: Send + 'static>(
    text: &str,
    take: impl FnOnce(&Program) -> T + Send + 'static,
) -> Result<T, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("it is larger than {} KiB", MAX_BYTES >> 10));
    }
    let openers = openers(text);
    if openers > MAX_OPENERS {
        return Err("it is nested too much".to_owned());
    }
    // The tokenizer does not come to an end where a heredoc with an empty name is opened and no line follows; two,
    // because the first may belong to a backslash.
    let text = format!("{text}\n\n");
    watched::attempt(STACK_BASE + openers * STACK_PER_LEVEL, move || parse_here(&text, take))
        .unwrap_or_else(|_| Err("the parser failed".to_owned()))
}

/// At most so many levels can the text be nested.
fn openers(text: &str) -> usize {
    let signs = text.bytes().filter(|byte| matches!(byte, b'(' | b'{' | b'`' | b'"')).count();
    let words: usize =
        ["if", "while", "until", "for", "case", "!"].iter().map(|word| text.matches(word).count()).sum();
    signs + words
}

fn parse_here<T>(text: &str, take: impl FnOnce(&Program) -> T) -> Result<T, String> {
    let options = ParserOptions::default();
    let tokens = brush_parser::uncached_tokenize_str(text, &options.tokenizer_options())
        .map_err(|error| error.to_string())?;
    if cost(&tokens) > MAX_COST {
        return Err("it is nested too much".to_owned());
    }
    let program = brush_parser::parse_tokens(&tokens, &options, &SourceInfo::default())
        .map_err(|error| error.to_string())?;
    Ok(take(&program))
}

/// A bound for the parser's steps: they double with each level of parentheses, and with each `case` in a `case`.
fn cost(tokens: &[Token]) -> u64 {
    let mut open: u32 = 0;
    let mut cases: u32 = 0;
    let mut deepest: u32 = 0;
    let word = |index: usize| match tokens.get(index) {
        Some(Token::Word(word, _)) => Some(word.as_str()),
        _ => None,
    };
    let operator = |index: usize| match tokens.get(index) {
        Some(Token::Operator(sign, _)) => Some(sign.as_str()),
        _ => None,
    };
    for index in 0..tokens.len() {
        match (word(index), operator(index)) {
            (_, Some("(")) => open += 1,
            (_, Some(")")) => open = open.saturating_sub(1),
            (Some("case"), _) => cases += 1,
            (Some("esac"), _) => {
                // In `esac)` and `esac | x)` it is a pattern to the parser.
                let mut next = index + 1;
                while operator(next) == Some("|") && word(next + 1).is_some() {
                    next += 2;
                }
                let begins = index == 0
                    || matches!(operator(index - 1), Some("\n" | ";" | ";;" | ";&" | ";;&" | "&" | ")"));
                if begins && operator(next) != Some(")") {
                    cases = cases.saturating_sub(1);
                }
            }
            _ => {}
        }
        deepest = deepest.max(open + cases);
    }
    (tokens.len() as u64).checked_shl(deepest.min(40)).unwrap_or(u64::MAX)
}

struct Walk {
    items: Vec<Item>,
    function: Option<String>,
}

impl Walk {
    fn list(&mut self, list: &CompoundList, certain: bool) {
        for item in &list.0 {
            self.and_or(&item.0, certain);
        }
    }

    fn and_or(&mut self, list: &AndOrList, certain: bool) {
        self.pipeline(&list.first, certain && list.additional.is_empty());
        for item in &list.additional {
            let (AndOr::And(pipeline) | AndOr::Or(pipeline)) = item;
            self.pipeline(pipeline, false);
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, certain: bool) {
        let start = self.items.len();
        for command in &pipeline.seq {
            let first = self.items.len();
            self.command(command, certain);
            let before: Vec<usize> = (start..first).rev().take(MAX_PIPE).collect();
            for item in &mut self.items[first..] {
                if let Item::Simple(simple) = item {
                    simple.fed_by.extend(&before);
                }
            }
        }
    }

    fn command(&mut self, command: &Command, certain: bool) {
        match command {
            Command::Simple(simple) => self.simple(simple, certain),
            Command::Compound(compound, redirects) => {
                self.compound(compound, certain);
                self.redirects(redirects.iter().flat_map(|list| &list.0));
            }
            Command::Function(function) => {
                let name = function.fname.value.clone();
                self.items.push(Item::Function(name.clone()));
                let outer = self.function.replace(name);
                self.compound(&function.body.0, false);
                self.redirects(function.body.1.iter().flat_map(|list| &list.0));
                self.function = outer;
            }
            Command::ExtendedTest(test) => {
                let mut words = Vec::new();
                test_words(&test.expr, &mut words);
                self.items.push(Item::Words(words));
            }
        }
    }

    fn compound(&mut self, compound: &CompoundCommand, certain: bool) {
        match compound {
            CompoundCommand::Arithmetic(_) => {}
            CompoundCommand::ArithmeticForClause(clause) => self.list(&clause.body.list, false),
            CompoundCommand::BraceGroup(group) => self.list(&group.list, certain),
            CompoundCommand::Subshell(shell) => self.list(&shell.list, certain),
            CompoundCommand::ForClause(clause) => {
                let words = clause.values.as_ref().map(|words| texts(words));
                self.items.push(Item::Loop { name: clause.variable_name.clone(), words });
                self.list(&clause.body.list, false);
            }
            CompoundCommand::CaseClause(clause) => {
                self.items.push(Item::Words(vec![clause.value.value.clone()]));
                for case in &clause.cases {
                    if let Some(list) = &case.cmd {
                        self.list(list, false);
                    }
                }
            }
            CompoundCommand::IfClause(clause) => {
                self.list(&clause.condition, false);
                self.list(&clause.then, false);
                for part in clause.elses.iter().flatten() {
                    if let Some(condition) = &part.condition {
                        self.list(condition, false);
                    }
                    self.list(&part.body, false);
                }
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.list(&clause.0, false);
                self.list(&clause.1.list, false);
            }
        }
    }

    fn simple(&mut self, command: &SimpleCommand, certain: bool) {
        let mut simple = Simple { certain, function: self.function.clone(), ..Simple::default() };
        let prefix = command.prefix.iter().flat_map(|prefix| &prefix.0);
        for item in prefix {
            self.part(item, true, &mut simple);
        }
        simple.words.extend(command.word_or_name.iter().map(|word| word.value.clone()));
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            self.part(item, false, &mut simple);
        }
        self.items.push(Item::Simple(simple));
    }

    fn part(&mut self, item: &CommandPrefixOrSuffixItem, prefix: bool, simple: &mut Simple) {
        match item {
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => self.redirect(redirect, simple),
            CommandPrefixOrSuffixItem::Word(word) => simple.words.push(word.value.clone()),
            CommandPrefixOrSuffixItem::AssignmentWord(assignment, word) => {
                let sets =
                    prefix || simple.words.first().is_some_and(|name| DECLARING.contains(&name.as_str()));
                if sets {
                    let (AssignmentName::VariableName(name) | AssignmentName::ArrayElementName(name, _)) =
                        &assignment.name;
                    let value = match &assignment.value {
                        AssignmentValue::Scalar(word) => AssignedValue::Scalar(word.value.clone()),
                        AssignmentValue::Array(words) => {
                            AssignedValue::Array(words.iter().map(|(_, word)| word.value.clone()).collect())
                        }
                    };
                    simple.assignments.push(Assignment { name: name.clone(), value });
                } else {
                    simple.words.push(word.value.clone());
                }
            }
            CommandPrefixOrSuffixItem::ProcessSubstitution(_, shell) => self.list(&shell.list, false),
        }
    }

    fn redirects<'r>(&mut self, redirects: impl Iterator<Item = &'r IoRedirect>) {
        let mut simple = Simple { function: self.function.clone(), ..Simple::default() };
        for redirect in redirects {
            self.redirect(redirect, &mut simple);
        }
        if simple.inputs.len() + simple.documents.len() > 0 {
            self.items.push(Item::Simple(simple));
        }
    }

    fn redirect(&mut self, redirect: &IoRedirect, simple: &mut Simple) {
        match redirect {
            IoRedirect::File(_, kind, IoFileRedirectTarget::Filename(word)) => {
                if matches!(kind, IoFileRedirectKind::Read | IoFileRedirectKind::ReadAndWrite) {
                    simple.inputs.push(word.value.clone());
                } else {
                    self.items.push(Item::Words(vec![word.value.clone()]));
                }
            }
            IoRedirect::File(_, _, IoFileRedirectTarget::ProcessSubstitution(_, shell)) => {
                self.list(&shell.list, false);
            }
            IoRedirect::HereDocument(_, document) => {
                simple.documents.push((document.doc.value.clone(), document.requires_expansion));
            }
            IoRedirect::HereString(_, word) => simple.documents.push((word.value.clone(), true)),
            IoRedirect::OutputAndError(..) | IoRedirect::File(..) => {}
        }
    }
}

fn texts(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.value.clone()).collect()
}

fn test_words(test: &ExtendedTestExpr, words: &mut Vec<String>) {
    match test {
        ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
            test_words(left, words);
            test_words(right, words);
        }
        ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => test_words(inner, words),
        ExtendedTestExpr::UnaryTest(_, word) => words.push(word.value.clone()),
        ExtendedTestExpr::BinaryTest(_, left, right) => {
            words.extend([left.value.clone(), right.value.clone()]);
        }
    }
}

/// Commands whose arguments are assignments (POSIX `export`, `readonly`; bash and dash the others).
const DECLARING: [&str; 5] = ["export", "readonly", "local", "declare", "typeset"];

/// Entry scripts have up to a few thousand lines; what is longer is generated.
const MAX_BYTES: usize = 512 << 10;

const MAX_OPENERS: usize = 8192;

/// Bytes of stack that a level of nesting takes at most: measured, 40 KiB without optimisation, 5 KiB with.
const STACK_PER_LEVEL: usize = 64 << 10;

const STACK_BASE: usize = 1 << 20;

/// The parser does about 40 million of these steps a second.
const MAX_COST: u64 = 1 << 25;

/// Commands before one in a pipeline that are remembered.
const MAX_PIPE: usize = 8;
