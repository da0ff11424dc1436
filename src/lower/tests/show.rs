//! A graph as text: one line for each node that the result needs, inputs first.

use std::fmt::Write as _;

use super::Built;
use crate::llb::op::{Access, CopyAction, ExecOp, FileAction, Mount, MountKind, Op, Owner, UserRef};
use crate::llb::{NodeId, State};

impl Built {
    /// Lines such as `2 [1/1] RUN x = exec in 1 …`; numbers count the lines.
    pub(super) fn graph(&self) -> String {
        let mut shown = Shown { built: self, order: Vec::new() };
        if let Some(output) = self.lowered.state {
            shown.visit(output.node);
        }
        let lines: Vec<String> =
            shown.order.iter().enumerate().map(|(index, id)| shown.line(index, *id)).collect();
        lines.join("\n")
    }

    pub(super) fn created_by(&self) -> Vec<String> {
        let history = &self.lowered.config.history;
        let layer = |empty: bool| if empty { "" } else { "+ " };
        history.iter().map(|entry| format!("{}{}", layer(entry.empty_layer), entry.created_by)).collect()
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let warnings = self.lint.warnings().iter();
        warnings.map(|warning| format!("{}: {}", warning.rule.name, warning.message)).collect()
    }
}

struct Shown<'a> {
    built: &'a Built,
    order: Vec<NodeId>,
}

impl Shown<'_> {
    fn visit(&mut self, id: NodeId) {
        if self.order.contains(&id) {
            return;
        }
        for input in inputs(&self.built.nodes.node(id).op).into_iter().flatten() {
            self.visit(input.node);
        }
        self.order.push(id);
    }

    fn number(&self, state: State) -> String {
        let position = state.and_then(|output| self.order.iter().position(|id| *id == output.node));
        position.map_or_else(|| "-".to_owned(), |index| index.to_string())
    }

    fn line(&self, index: usize, id: NodeId) -> String {
        let node = self.built.nodes.node(id);
        let name = node.meta.name.as_deref().unwrap_or("-");
        let mut line = format!("{index} {name} = {}", self.op(&node.op));
        if node.meta.ignore_cache {
            line.push_str(" ignore-cache");
        }
        line
    }

    fn op(&self, op: &Op) -> String {
        match op {
            Op::Source(source) => {
                let attrs: Vec<String> =
                    source.attrs.iter().map(|(key, value)| format!(" {key}={value}")).collect();
                format!("{}{}", source.identifier, attrs.concat())
            }
            Op::Exec(exec) => self.exec(exec),
            Op::File(file) => {
                let actions: Vec<String> = file.actions.iter().map(|action| self.action(action)).collect();
                format!("file on {}: {}", self.number(file.base), actions.join("; "))
            }
            Op::Merge(inputs) => {
                let inputs: Vec<String> = inputs.iter().map(|input| self.number(Some(*input))).collect();
                format!("merge {}", inputs.join(" "))
            }
            Op::Diff { lower, upper } => format!("diff {} {}", self.number(*lower), self.number(*upper)),
            Op::Raw(_) => "raw".to_owned(),
        }
    }

    fn exec(&self, exec: &ExecOp) -> String {
        let mut text = format!("exec {:?} env {:?} cwd {}", exec.args, exec.env, exec.cwd);
        if !exec.user.is_empty() {
            _ = write!(text, " user {}", exec.user);
        }
        for secret in &exec.secret_env {
            _ = write!(text, " {}=secret {}", secret.name, secret.id);
        }
        for mount in &exec.mounts {
            _ = write!(text, " {}", self.mount(mount));
        }
        text
    }

    fn mount(&self, mount: &Mount) -> String {
        let dest = &mount.dest;
        match &mount.kind {
            MountKind::Bind { source, selector, access, .. } => {
                let access = match access {
                    Access::Readonly => " ro",
                    Access::Output => "",
                    Access::Discard => " discard",
                };
                format!("{dest}={}{selector}{access}", self.number(*source))
            }
            MountKind::Cache { source, selector, id, sharing, readonly } => {
                let readonly = if *readonly { " ro" } else { "" };
                format!("{dest}=cache {id} {sharing:?} of {}{selector}{readonly}", self.number(*source))
            }
            MountKind::Tmpfs { size, readonly } => {
                format!("{dest}=tmpfs {size}{}", if *readonly { " ro" } else { "" })
            }
            MountKind::Secret { id, uid, gid, mode, optional } => {
                format!("{dest}=secret {id} {uid}:{gid} {mode:o}{}", needed(*optional))
            }
            MountKind::Ssh { id, uid, gid, mode, optional } => {
                format!("{dest}=ssh {id:?} {uid}:{gid} {mode:o}{}", needed(*optional))
            }
        }
    }

    fn action(&self, action: &FileAction) -> String {
        match action {
            FileAction::Copy(copy) => self.copy(copy),
            FileAction::Mkfile { path, mode, data, .. } => {
                format!("mkfile {path} {mode:o} {:?}", String::from_utf8_lossy(data))
            }
            FileAction::Mkdir { path, mode, owner, timestamp, .. } => {
                let time = if *timestamp < 0 { String::new() } else { format!(" at {timestamp}") };
                format!("mkdir {path} {mode:o}{}{time}", owner_text(owner.as_ref()))
            }
            FileAction::Rm { path, .. } => format!("rm {path}"),
            FileAction::Symlink { oldpath, newpath, .. } => format!("symlink {newpath} -> {oldpath}"),
        }
    }

    fn copy(&self, copy: &CopyAction) -> String {
        let mut text = format!("copy {}:{} {}", self.number(copy.source), copy.src, copy.dest);
        text.push_str(&owner_text(copy.owner.as_ref()));
        match (copy.mode, copy.mode_str.as_str()) {
            (-1, _) => {}
            (mode, "") => _ = write!(text, " mode {mode:o}"),
            (_, mode) => _ = write!(text, " mode {mode}"),
        }
        let lists = [
            ("include", &copy.include_patterns),
            ("exclude", &copy.exclude_patterns),
            ("required", &copy.required_paths),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            _ = write!(text, " {name} {}", list.join(" "));
        }
        let flags = [
            (copy.attempt_unpack, " unpack"),
            (!copy.allow_wildcard, " literal"),
            (!copy.create_dest_path, " no-parents"),
        ];
        text.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, word)| word));
        text
    }
}

fn inputs(op: &Op) -> Vec<State> {
    match op {
        Op::Source(_) | Op::Raw(_) => Vec::new(),
        Op::Exec(exec) => {
            let sources = exec.mounts.iter().map(|mount| match &mount.kind {
                MountKind::Bind { source, .. } | MountKind::Cache { source, .. } => *source,
                _ => None,
            });
            sources.collect()
        }
        Op::File(file) => {
            let sources = file.actions.iter().map(|action| match action {
                FileAction::Copy(copy) => copy.source,
                _ => None,
            });
            std::iter::once(file.base).chain(sources).collect()
        }
        Op::Merge(inputs) => inputs.iter().map(|input| Some(*input)).collect(),
        Op::Diff { lower, upper } => vec![*lower, *upper],
    }
}

fn needed(optional: bool) -> &'static str {
    if optional { "" } else { " required" }
}

fn owner_text(owner: Option<&Owner>) -> String {
    let principal = |principal: &Option<UserRef>| match principal {
        Some(UserRef::Id(id)) => id.to_string(),
        Some(UserRef::Name(name)) => name.clone(),
        None => String::new(),
    };
    owner.map_or_else(String::new, |owner| {
        format!(" owner {}:{}", principal(&owner.user), principal(&owner.group))
    })
}
