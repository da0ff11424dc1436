//! `AS` has the case of its `FROM`.

use super::{Rule, Sink};
use crate::dockerfile::instruction::{From, Spanned};

pub(super) fn check(from: &Spanned<From>, sink: &mut Sink) {
    let (Some(keyword), instruction) = (&from.value.as_keyword, &from.keyword) else { return };
    let consistent = if *instruction == instruction.to_lowercase() {
        *keyword == keyword.to_lowercase()
    } else if *instruction == instruction.to_uppercase() {
        *keyword == keyword.to_uppercase()
    } else {
        // `From` is another rule's business.
        true
    };
    if !consistent {
        let message = format!("'{keyword}' and '{instruction}' keywords' casing do not match");
        sink.report(&RULE, &from.doc, from.span, message);
    }
}

static RULE: Rule = Rule {
    name: "FromAsCasing",
    description: "The 'as' keyword should match the case of the 'from' keyword",
    url: "https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
    experimental: false,
};
