//! A script as steps that can be taken one after the other, for those that are simple enough.

use brush_parser::ast::{
    self, AndOr, AndOrList, AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem,
    CompoundCommand, CompoundList, ExtendedTestExpr, IoFileRedirectTarget, IoRedirect, SeparatorOperator,
};

use super::parse;

/// Pipelines joined by `&&` and `||`; the first has neither before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line(pub(super) Vec<(Option<Joined>, Step, Negated)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    And,
    Or,
}

/// `!` before a command.
pub(super) type Negated = bool;

/// Words are as they stand in the text, quotes and all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Simple {
        settings: Vec<(String, String)>,
        words: Vec<String>,
    },
    /// Conditions with what they lead to; the last may have none.
    If(Vec<(Option<Vec<Line>>, Vec<Line>)>),
    Case {
        word: String,
        arms: Vec<(Vec<String>, Vec<Line>)>,
    },
    Group(Vec<Line>),
    /// `[[ A == PATTERN ]]`, `=~` left out.
    Compare {
        left: String,
        pattern: String,
        equal: bool,
    },
    Define,
    /// What is not followed.
    Other(&'static str),
}

/// Reads a script.
///
/// # Errors
/// Why it cannot be read, in a phrase.
pub(super) fn read(text: &str) -> Result<Vec<Line>, String> {
    parse::with_program(text, |program| program.complete_commands.iter().flat_map(lines).collect())
}

fn lines(list: &CompoundList) -> Vec<Line> {
    list.0
        .iter()
        .map(|item| match item.1 {
            SeparatorOperator::Sequence => line(&item.0),
            SeparatorOperator::Async => other("it starts something in the background"),
        })
        .collect()
}

fn other(why: &'static str) -> Line {
    Line(vec![(None, Step::Other(why), false)])
}

fn line(list: &AndOrList) -> Line {
    let mut parts = vec![(None, pipeline(&list.first), list.first.bang)];
    for item in &list.additional {
        let (joined, pipe) = match item {
            AndOr::And(pipe) => (Joined::And, pipe),
            AndOr::Or(pipe) => (Joined::Or, pipe),
        };
        parts.push((Some(joined), pipeline(pipe), pipe.bang));
    }
    Line(parts)
}

fn pipeline(pipe: &ast::Pipeline) -> Step {
    match pipe.seq.as_slice() {
        [one] if pipe.timed.is_none() => command(one),
        _ => Step::Other("it has a pipeline"),
    }
}

fn command(command: &Command) -> Step {
    match command {
        Command::Simple(command) => simple(command),
        Command::Compound(_, Some(_)) => Step::Other("it redirects"),
        Command::Compound(command, None) => compound(command),
        Command::Function(_) => Step::Define,
        Command::ExtendedTest(test) => test_step(&test.expr),
    }
}

fn compound(command: &CompoundCommand) -> Step {
    match command {
        CompoundCommand::BraceGroup(group) => Step::Group(lines(&group.list)),
        CompoundCommand::IfClause(clause) => {
            let mut arms = vec![(Some(lines(&clause.condition)), lines(&clause.then))];
            for part in clause.elses.iter().flatten() {
                arms.push((part.condition.as_ref().map(lines), lines(&part.body)));
            }
            Step::If(arms)
        }
        CompoundCommand::CaseClause(clause) => {
            let plain = |item: &ast::CaseItem| matches!(item.post_action, ast::CaseItemPostAction::ExitCase);
            if !clause.cases.iter().all(plain) {
                return Step::Other("it has a case that goes on in the next");
            }
            let arm = |item: &ast::CaseItem| {
                let patterns = item.patterns.iter().map(|word| word.value.clone()).collect();
                (patterns, item.cmd.as_ref().map(lines).unwrap_or_default())
            };
            Step::Case { word: clause.value.value.clone(), arms: clause.cases.iter().map(arm).collect() }
        }
        _ => Step::Other("it has a loop, a subshell or arithmetic"),
    }
}

fn test_step(test: &ExtendedTestExpr) -> Step {
    use ast::{BinaryPredicate, UnaryPredicate};
    let test_words = |option: &str, word: &ast::Word| Step::Simple {
        settings: Vec::new(),
        words: vec!["test".to_owned(), option.to_owned(), format!("\"{}\"", word.value.trim_matches('"'))],
    };
    let join = |joined, left: &ExtendedTestExpr, right: &ExtendedTestExpr| {
        Step::Group(vec![Line(vec![(None, test_step(left), false), (Some(joined), test_step(right), false)])])
    };
    match test {
        ExtendedTestExpr::And(left, right) => join(Joined::And, left, right),
        ExtendedTestExpr::Or(left, right) => join(Joined::Or, left, right),
        ExtendedTestExpr::Not(inner) => Step::Group(vec![Line(vec![(None, test_step(inner), true)])]),
        ExtendedTestExpr::Parenthesized(inner) => test_step(inner),
        ExtendedTestExpr::UnaryTest(UnaryPredicate::StringHasZeroLength, word) => test_words("-z", word),
        ExtendedTestExpr::UnaryTest(UnaryPredicate::StringHasNonZeroLength, word) => test_words("-n", word),
        ExtendedTestExpr::UnaryTest(UnaryPredicate::FileExistsAndIsRegularFile, word) => {
            test_words("-f", word)
        }
        ExtendedTestExpr::UnaryTest(UnaryPredicate::FileExistsAndIsDir, word) => test_words("-d", word),
        ExtendedTestExpr::UnaryTest(UnaryPredicate::FileExists, word) => test_words("-e", word),
        ExtendedTestExpr::BinaryTest(
            predicate @ (BinaryPredicate::StringExactlyMatchesPattern
            | BinaryPredicate::StringDoesNotExactlyMatchPattern
            | BinaryPredicate::StringExactlyMatchesString
            | BinaryPredicate::StringDoesNotExactlyMatchString),
            left,
            right,
        ) => Step::Compare {
            left: left.value.clone(),
            pattern: right.value.clone(),
            equal: matches!(
                predicate,
                BinaryPredicate::StringExactlyMatchesPattern | BinaryPredicate::StringExactlyMatchesString
            ),
        },
        _ => Step::Other("it has a test that depends on more than its text"),
    }
}

fn simple(command: &ast::SimpleCommand) -> Step {
    let mut settings = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let prefix = command.prefix.iter().flat_map(|prefix| &prefix.0).map(|item| (item, true));
    let suffix = command.suffix.iter().flat_map(|suffix| &suffix.0).map(|item| (item, false));
    let mut name = command.word_or_name.iter().map(|word| word.value.clone());
    for (item, before) in prefix.chain(suffix) {
        if !before {
            words.extend(name.next());
        }
        match item {
            CommandPrefixOrSuffixItem::IoRedirect(redirect) if is_quiet(redirect) => {}
            CommandPrefixOrSuffixItem::IoRedirect(_) => return Step::Other("it redirects"),
            CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) if before => {
                match (&assignment.name, &assignment.value) {
                    (AssignmentName::VariableName(name), AssignmentValue::Scalar(value))
                        if !assignment.append =>
                    {
                        settings.push((name.clone(), value.value.clone()));
                    }
                    _ => return Step::Other("it has an array"),
                }
            }
            CommandPrefixOrSuffixItem::Word(word) | CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                words.push(word.value.clone());
            }
            CommandPrefixOrSuffixItem::ProcessSubstitution(..) => return Step::Other("it has a pipeline"),
        }
    }
    words.extend(name);
    Step::Simple { settings, words }
}

/// Whether a redirection only throws output away.
fn is_quiet(redirect: &IoRedirect) -> bool {
    match redirect {
        IoRedirect::File(_, _, IoFileRedirectTarget::Filename(word))
        | IoRedirect::OutputAndError(word, _) => word.value == "/dev/null",
        IoRedirect::File(Some(2), _, IoFileRedirectTarget::Fd(1)) => true,
        IoRedirect::File(Some(2), _, IoFileRedirectTarget::Duplicate(word)) => word.value == "1",
        _ => false,
    }
}
