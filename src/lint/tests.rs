use super::{Options, Sink, check};
use crate::dockerfile::parse;

/// Findings as `line Rule: message`.
fn findings(options: &str, text: &str) -> Vec<String> {
    let mut sink = Sink::new(Options::parse(options).unwrap());
    check(&parse(text.as_bytes()).unwrap(), &mut sink);
    let lines = sink.warnings().iter();
    lines
        .map(|warning| format!("{} {}: {}", warning.span.first, warning.rule.name, warning.message))
        .collect()
}

#[test]
fn reports_in_the_official_order() {
    let text = "ARG a\n\
        from x as Base\n\
        FROM x as scratch\n\
        MAINTAINER me\n\
        From x AS base\n\
        Run a \\\n\n  b\n";
    let expected = [
        "8 NoEmptyContinuation: Empty continuation line",
        "2 StageNameCasing: Stage name 'Base' should be lowercase",
        "3 FromAsCasing: 'as' and 'FROM' keywords' casing do not match",
        "4 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label",
        "3 ReservedStageName: Stage name should not use the same name as reserved stage \"scratch\"",
        "5 DuplicateStageName: Duplicate stage name \"base\", stage names should be unique",
        "2 ConsistentInstructionCasing: Command 'from' should match the case of the command majority (uppercase)",
        "5 ConsistentInstructionCasing: Command 'From' should match the case of the command majority (uppercase)",
        "6 ConsistentInstructionCasing: Command 'Run' should match the case of the command majority (uppercase)",
    ];
    assert_eq!(findings("", text), expected);
}

#[test]
fn casing_follows_the_majority() {
    for (summary, text, expected) in [
        (
            "a tie is upper case",
            "from x\nRUN a",
            &[
                "1 ConsistentInstructionCasing: Command 'from' should match the case of the command majority (uppercase)",
            ][..],
        ),
        (
            "most are lower case",
            "from x\nrun a\nRUN b",
            &[
                "3 ConsistentInstructionCasing: Command 'RUN' should match the case of the command majority (lowercase)",
            ],
        ),
        ("global arguments do not count", "arg a\narg b\nFROM x", &[]),
    ] {
        assert_eq!(findings("", text), expected, "{summary}");
    }
}

#[test]
fn experimental_rules_run_on_demand() {
    let text = "# hello\nARG A\n# x y\nARG B C\n# base is it\nFROM x AS base\n# nothing\nFROM y\n# no\nFROM z AS last";
    assert_eq!(findings("skip=all", text), Vec::<String>::new());
    let expected = [
        "2 InvalidDefinitionDescription: Comment for ARG should follow the format: `# A <description>`",
        "4 InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>`",
        "10 InvalidDefinitionDescription: Comment for FROM should follow the format: `# last <description>`",
    ];
    assert_eq!(findings("skip=all;experimental=InvalidDefinitionDescription", text), expected);
}

#[test]
fn rules_are_skipped() {
    let text = "FROM x AS Y\nMAINTAINER a\n";
    let maintainer = "2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label";
    for (summary, options, above, expected) in [
        ("by name", "skip=StageNameCasing", "", &[maintainer][..]),
        ("all", "skip=all", "", &[]),
        (
            "names are case-sensitive",
            "skip=stagenamecasing,MaintainerDeprecated",
            "",
            &["1 StageNameCasing: Stage name 'Y' should be lowercase"],
        ),
        (
            "by comment",
            "",
            "# check=skip=MaintainerDeprecated\n",
            &["1 StageNameCasing: Stage name 'Y' should be lowercase"],
        ),
        (
            "only the first comment counts",
            "skip=StageNameCasing",
            "# check=skip=X\n# check=skip=all\n",
            &["2 MaintainerDeprecated"],
        ),
        (
            "a bad comment changes nothing",
            "skip=StageNameCasing",
            "# check=bad\n# check=skip=all\n",
            &["2 MaintainerDeprecated"],
        ),
    ] {
        let text = text.replace("MAINTAINER", &format!("{above}MAINTAINER"));
        let found = findings(options, &text);
        assert_eq!(found.len(), expected.len(), "{summary}");
        for (found, expected) in found.iter().zip(expected) {
            let expected = expected.split_once(' ').unwrap().1;
            assert!(found.contains(expected), "{summary}: {found}");
        }
    }
}

#[test]
fn names_rules_once() {
    let mut sink = Sink::default();
    check(&parse(b"FROM x AS Y\nMAINTAINER a\nMAINTAINER b").unwrap(), &mut sink);
    assert_eq!(sink.rule_names(), ["MaintainerDeprecated", "StageNameCasing"]);
    let short = "StageNameCasing: Stage name 'Y' should be lowercase (line 1)";
    assert_eq!(sink.warnings()[0].short(), short);
}
