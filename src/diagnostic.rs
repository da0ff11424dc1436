//! What a user is told when something is wrong: one message, the place in the Dockerfile, the fix.

use crate::dockerfile::source::Span;

/// One error or warning as the client shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// One line, values in backticks. Messages that the official frontend has too are equal to its text.
    pub message: String,
    /// Places in the Dockerfile, the most important first; empty only if no line is to blame.
    /// Most errors have one; a circular dependency has one for each command in the cycle.
    pub spans: Vec<Span>,
    /// What to change, in the imperative. `None` for messages that equal the official frontend's.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without a place or a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), spans: Vec::new(), hint: None }
    }

    /// The same with one place in the Dockerfile.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.spans.push(span);
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Both: the texts one below the other, all places.
    #[must_use]
    pub fn and(mut self, next: Self) -> Self {
        self.message = format!("{}\n{}", self.text(), next.message);
        self.hint = next.hint;
        self.spans
            .extend(next.spans.into_iter().filter(|span| !self.spans.contains(span)).collect::<Vec<_>>());
        self
    }

    /// Message and hint in one line, as clients print it.
    pub fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} (hint: {hint})", self.message),
            None => self.message.clone(),
        }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for Diagnostic {}
