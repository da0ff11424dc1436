//! Declarative rules for runtimes and resources: data, one TOML file each, read into one table.
//!
//! `README.md` beside this file is the schema for people. `build.rs` turns the files into one JSON text, so that the
//! program holds no TOML parser.

mod schema;

pub use schema::{
    Application, ArgumentOption, Arguments, Build, Capture, ConfigSyntax, DirectiveValue, Evidence, Imports,
    Include, IncludeLayer, Mechanism, Mention, Resource, Rules, Runner, Runtime, Server, ServerCapture,
    ServerDirective, ServerValue, Value, Variable, Wrapper,
};

impl Rules {
    /// The rules that are built in.
    pub fn built_in() -> Self {
        serde_json::from_str(BUILT_IN).expect("build.rs read the same text with the same types")
    }
}

const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_what_and_why() {
        let rules = Rules::built_in();
        let ids: Vec<&str> = rules.resource.iter().map(|resource| resource.id.as_str()).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        for Resource { id, title, when, include, missing, .. } in &rules.resource {
            assert!(!title.is_empty() && !when.is_empty() && !include.is_empty(), "{id}");
            for part in include {
                let kinds = [&part.all, &part.first, &part.chosen, &part.library, &part.program];
                let kinds = kinds.iter().filter(|list| !list.is_empty()).count();
                assert_eq!(kinds, 1, "{id}: each include has one kind of things");
            }
            let told = include.iter().any(|part| !part.optional && part.library.is_empty());
            assert!(!told || missing.is_some(), "{id}: what may be missed has a hint");
            for path in include.iter().flat_map(|part| part.all.iter().chain(&part.first)) {
                assert!(path.starts_with(['/', '{']), "{id}: {path} is absolute");
            }
        }
        assert!(rules.runtime.iter().any(|runtime| runtime.id == "go" && runtime.complete));
        assert!(rules.wrapper.iter().any(|wrapper| wrapper.names.contains(&"tini".to_owned())));
    }
}
