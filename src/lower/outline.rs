//! What a target can be given: build arguments, secrets and ssh keys, from the stages that it needs.

use std::collections::{BTreeMap, BTreeSet};

use super::StageState;
use crate::dockerfile::instruction::description;
use crate::dockerfile::source::Span;
use crate::stage::{Base, DeclaredArg, StageGraph, StageId};

/// A secret or an ssh key and the first RUN of its stage that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub name: String,
    pub required: bool,
    pub span: Span,
}

/// What a target takes, each list by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Of the target stage.
    pub name: Option<String>,
    pub description: Option<String>,
    pub args: Vec<DeclaredArg>,
    pub secrets: Vec<Asked>,
    pub ssh: Vec<Asked>,
}

/// What the instructions of one stage take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Names of all `ARG`s.
    pub(super) used: BTreeSet<String>,
    /// Those of them that are declared here and not inherited from the arguments before the first `FROM`.
    pub(super) args: BTreeMap<String, DeclaredArg>,
    pub(super) secrets: Vec<Asked>,
    pub(super) ssh: Vec<Asked>,
}

impl Taken {
    /// Only the first use of a name is told.
    pub(super) fn ask(list: &mut Vec<Asked>, name: &str, required: bool, span: Span) {
        if list.iter().all(|known| known.name != name) {
            list.push(Asked { name: name.to_owned(), required, span });
        }
    }
}

/// Gathers what the target takes; `lowered` are the states of its stages, by id.
pub fn outline(graph: &StageGraph, lowered: &[Option<StageState>]) -> Outline {
    let mut walk =
        Walk { graph, lowered, visited: BTreeSet::new(), outline: Outline::default(), names: <_>::default() };
    walk.enter(graph.target);
    let mut outline = walk.outline;
    outline.args.sort_by_key(|arg| (arg.span.first, arg.place));
    outline.secrets.sort_by_key(|asked| asked.span.first);
    outline.ssh.sort_by_key(|asked| asked.span.first);
    let target = graph.stage(graph.target);
    outline.name.clone_from(&target.name);
    outline.description =
        target.name.as_deref().and_then(|name| description(&target.doc, name)).map(str::to_owned);
    outline
}

struct Walk<'a> {
    graph: &'a StageGraph,
    lowered: &'a [Option<StageState>],
    visited: BTreeSet<StageId>,
    outline: Outline,
    /// Names that are told already, of arguments, secrets and keys.
    names: [BTreeSet<String>; 3],
}

impl Walk<'_> {
    /// A stage, then what it builds on, then what it copies from. With a stack of its own: the depth is the
    /// number of stages.
    fn enter(&mut self, target: StageId) {
        let mut pending = vec![target];
        while let Some(id) = pending.pop() {
            if !self.visited.insert(id) {
                continue;
            }
            let stage = self.graph.stage(id);
            self.tell(id);
            let sources = stage.steps.iter().rev().flat_map(|step| step.sources.iter().rev());
            pending.extend(sources);
            if let Base::Stage(below) = stage.base {
                pending.push(below);
            }
        }
    }

    fn tell(&mut self, id: StageId) {
        let nothing = Taken::default();
        let taken = self.lowered[id.index()].as_ref().map_or(&nothing, |state| &state.taken);
        for name in self.used(id, taken) {
            let found = taken.args.get(&name).or_else(|| self.graph.global_args.declaration(&name));
            if let Some(arg) = found
                && self.names[0].insert(name)
            {
                self.outline.args.push(arg.clone());
            }
        }
        let [_, secrets, ssh] = &mut self.names;
        let lists =
            [(&taken.secrets, secrets, &mut self.outline.secrets), (&taken.ssh, ssh, &mut self.outline.ssh)];
        for (asked, names, told) in lists {
            for asked in asked {
                if names.insert(asked.name.clone()) {
                    told.push(asked.clone());
                }
            }
        }
    }

    /// The arguments of the stage's instructions and of the FROM lines of its chain, and all that the defaults
    /// of those before the first FROM are made of.
    fn used(&self, id: StageId, taken: &Taken) -> BTreeSet<String> {
        let mut pending: Vec<String> = taken.used.iter().cloned().collect();
        let mut chain = Some(id);
        while let Some(id) = chain {
            let stage = self.graph.stage(id);
            pending.extend(stage.from_args.iter().cloned());
            chain = match stage.base {
                Base::Stage(below) => Some(below),
                _ => None,
            };
        }
        let mut used = BTreeSet::new();
        while let Some(name) = pending.pop() {
            if !taken.args.contains_key(&name) {
                pending.extend(
                    self.graph.global_args.ingredients(&name).filter(|name| !used.contains(*name)).cloned(),
                );
            }
            used.insert(name);
        }
        used
    }
}
