//! MAINTAINER is a label today.

use super::{Rule, Sink};
use crate::dockerfile::instruction::{Instruction, Kind};

pub(super) fn check(instruction: &Instruction, sink: &mut Sink) {
    if matches!(instruction.value, Kind::Maintainer(_)) {
        let message = "Maintainer instruction is deprecated in favor of using label";
        sink.report(&RULE, &instruction.doc, instruction.span, message);
    }
}

static RULE: Rule = Rule {
    name: "MaintainerDeprecated",
    description: "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
    url: "https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/",
    experimental: false,
};
