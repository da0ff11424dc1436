//! Global arguments: the predefined platform ones and the `ARG`s before the first `FROM`.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Diagnostic;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::instruction::Kind;
use crate::dockerfile::instruction::description;
use crate::dockerfile::source::Span;
use crate::dockerfile::word::{Lexer, Variables};
use crate::image::platform::Platform;

/// Values of global arguments, in order of last assignment.
///
/// An argument that is declared without a value has no entry in the lookup but counts as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GlobalArgs {
    values: Vec<(String, String)>,
    /// Names of all `ARG`s before the first `FROM`, with or without a value.
    declared: Vec<String>,
    /// Name → its last `ARG` before the first `FROM`.
    declarations: BTreeMap<String, Declaration>,
}

/// A build argument and where it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredArg {
    pub name: String,
    /// The comment above the `ARG` that starts with its name.
    pub description: Option<String>,
    pub value: Option<String>,
    pub span: Span,
    /// Position among the arguments of its line.
    pub place: usize,
}

/// One global `ARG`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Declaration {
    arg: DeclaredArg,
    /// Arguments that its default is made of.
    ingredients: BTreeSet<String>,
}

impl GlobalArgs {
    /// The arguments that are always there, before any `ARG` (dockerfile-semantics 4.4). Build arguments of
    /// the same name win.
    pub(super) fn predefined(
        build: &Platform,
        target: &Platform,
        target_stage: &str,
        build_args: &BTreeMap<String, String>,
    ) -> Self {
        let facts = [
            ("BUILDPLATFORM", build.format()),
            ("BUILDOS", build.os.clone()),
            ("BUILDOSVERSION", build.os_version.clone()),
            ("BUILDARCH", build.architecture.clone()),
            ("BUILDVARIANT", build.variant.clone()),
            ("TARGETPLATFORM", target.format_all()),
            ("TARGETOS", target.os.clone()),
            ("TARGETOSVERSION", target.os_version.clone()),
            ("TARGETARCH", target.architecture.clone()),
            ("TARGETVARIANT", target.variant.clone()),
            ("TARGETSTAGE", target_stage.to_owned()),
        ];
        let values = facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), build_args.get(name).cloned().unwrap_or(value)))
            .collect();
        Self { values, ..Self::default() }
    }

    /// The same after the global `ARG`s of `dockerfile`: a build argument wins over the default, which sees
    /// the arguments before it.
    pub(super) fn declare(
        mut self,
        dockerfile: &Dockerfile,
        build_args: &BTreeMap<String, String>,
    ) -> Result<Self, Diagnostic> {
        let lexer = Lexer::new(dockerfile.escape);
        for instruction in &dockerfile.global_args {
            let Kind::Arg(args) = &instruction.value else { continue };
            for (place, arg) in args.iter().enumerate() {
                let mut ingredients = BTreeSet::new();
                let value = match (build_args.get(&arg.name), &arg.value) {
                    (Some(given), _) => Some(given.clone()),
                    (None, Some(default)) => {
                        let expansion = lexer
                            .expand(default, &self)
                            .map_err(|error| Diagnostic::new(error.to_string()).at(instruction.span))?;
                        ingredients = self.ingredients_of(&arg.name, expansion.matched);
                        Some(expansion.value)
                    }
                    (None, None) => None,
                };
                self.declared.push(arg.name.clone());
                let declared = DeclaredArg {
                    name: arg.name.clone(),
                    description: description(&instruction.doc, &arg.name).map(str::to_owned),
                    value: value.clone(),
                    span: instruction.span,
                    place,
                };
                self.declarations.insert(arg.name.clone(), Declaration { arg: declared, ingredients });
                if let Some(value) = value {
                    self.set(&arg.name, value);
                }
            }
        }
        Ok(self)
    }

    /// What a default is made of: of itself means of what was there before.
    fn ingredients_of(&self, name: &str, mut matched: BTreeSet<String>) -> BTreeSet<String> {
        if matched.remove(name)
            && let Some(before) = self.declarations.get(name)
        {
            matched.extend(before.ingredients.iter().cloned());
        }
        matched
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.remove(name);
        self.values.push((name.to_owned(), value));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.values.retain(|(known, _)| known != name);
    }

    /// Names that have a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| name.as_str())
    }

    /// The global `ARG` of that name.
    pub fn declaration(&self, name: &str) -> Option<&DeclaredArg> {
        self.declarations.get(name).map(|declaration| &declaration.arg)
    }

    /// The arguments that the default of a global `ARG` is made of.
    pub fn ingredients(&self, name: &str) -> impl Iterator<Item = &String> {
        self.declarations.get(name).into_iter().flat_map(|declaration| &declaration.ingredients)
    }

    /// Names of the Dockerfile's own global `ARG`s.
    pub fn declared(&self) -> &[String] {
        &self.declared
    }
}

impl Variables for GlobalArgs {
    fn lookup(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
