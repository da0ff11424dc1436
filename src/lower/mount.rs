//! `RUN --mount`: typed mounts to mounts of the exec op.

use super::expand::Words;
use super::outline::Taken;
use super::run::bind;
use super::{Lowering, Site, StageState, path};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::instruction::Run;
use crate::dockerfile::mount::{
    Mount as Typed, MountError, MountKind as Kind, Sharing as TypedSharing, parse_mount,
};
use crate::dockerfile::quote::quote;
use crate::llb::op::{Access, FileAction, FileOp, Mount, MountKind, Op, Owner, SecretEnv, Sharing, UserRef};
use crate::llb::{NodeMeta, State};

/// Mounts of one RUN.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    pub exec: Vec<Mount>,
    pub secret_env: Vec<SecretEnv>,
    /// Path of the first ssh socket.
    pub ssh_socket: Option<String>,
    ssh_count: usize,
}

/// Lets the mount parser report its own errors and those of expansion.
struct Failure(Diagnostic);

impl From<MountError> for Failure {
    fn from(error: MountError) -> Self {
        Self(Diagnostic::new(error.to_string()))
    }
}

impl Lowering<'_> {
    pub(super) fn mounts(
        &mut self,
        run: &Run,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<Mounts, Diagnostic> {
        let mut typed = Vec::with_capacity(run.mounts.len());
        let mut words = Words::new(self, site, state);
        for csv in &run.mounts {
            let mount = parse_mount(csv, |value| words.one(value).map_err(Failure));
            typed.push(mount.map_err(
                |Failure(error)| {
                    if error.spans.is_empty() { error.at(site.span()) } else { error }
                },
            )?);
        }
        let mut mounts = Mounts::default();
        for (index, mount) in typed.iter().enumerate() {
            let source = self.mount_source(index, mount, site, state)?;
            match mount.kind {
                Kind::Secret => {
                    let id = secret(&mut mounts, mount).map_err(|text| site.error(text))?;
                    Taken::ask(&mut state.taken.secrets, &id, mount.required, site.span());
                }
                Kind::Ssh => {
                    ssh(&mut mounts, mount).map_err(|text| site.error(text))?;
                    let id = if mount.id.is_empty() { "default" } else { &mount.id };
                    Taken::ask(&mut state.taken.ssh, id, mount.required, site.span());
                }
                Kind::Bind | Kind::Cache | Kind::Tmpfs => {
                    let made = self.file_mount(source, mount, state).map_err(|text| site.error(text))?;
                    mounts.exec.push(made);
                    self.record(index, mount, site);
                }
            }
        }
        Ok(mounts)
    }

    /// The file system that a mount shows: a finished stage, or the build context.
    fn mount_source(
        &self,
        index: usize,
        mount: &Typed,
        site: &Site<'_>,
        state: &StageState,
    ) -> Result<State, Diagnostic> {
        if mount.from.is_empty() && mount.kind != Kind::Cache {
            return Ok(self.request.context.state);
        }
        let source = site.step.sources.get(index);
        if let Some(reached) = source.and_then(|&source| self.reached(source, site, state)) {
            return Ok(reached);
        }
        let from = if mount.from.is_empty() { "scratch" } else { &mount.from };
        Err(site.error(format!(
            "cannot mount from stage {} to {}, stage needs to be defined before current command",
            quote(from),
            quote(&mount.target),
        )))
    }

    fn file_mount(&mut self, source: State, mount: &Typed, state: &StageState) -> Result<Mount, String> {
        let dest = if mount.target.starts_with('/') {
            mount.target.clone()
        } else {
            path::join(&path::join("/", &state.cwd), &mount.target)
        };
        if dest == "/" {
            return Err(format!("invalid mount target {}", quote(&dest)));
        }
        let selector = Some(path::join("/", &mount.source)).filter(|selector| selector != "/");
        Ok(match mount.kind {
            Kind::Tmpfs => {
                Mount { dest, kind: MountKind::Tmpfs { size: mount.size, readonly: mount.read_only } }
            }
            Kind::Cache => self.cache(source, selector, dest, mount),
            _ => {
                let access = if mount.read_only {
                    Access::Readonly
                } else if self.supports("exec.mount.bind.readwrite-nooutput") {
                    Access::Discard
                } else {
                    Access::Output
                };
                bind(&dest, source, &selector.unwrap_or_default(), access)
            }
        })
    }

    fn cache(&mut self, source: State, selector: Option<String>, dest: String, mount: &Typed) -> Mount {
        let id = if mount.id.is_empty() { path::clean(&mount.target) } else { mount.id.clone() };
        let has_owner = mount.uid.is_some() || mount.gid.is_some() || mount.mode.is_some();
        let (source, selector) = match selector {
            Some(selector) => (source, selector),
            None if has_owner => (Some(self.owned_cache(source, mount)), "/cache".to_owned()),
            None => (source, String::new()),
        };
        let kind = MountKind::Cache {
            source,
            selector,
            id: format!("{}/{id}", self.request.options.cache_mount_namespace),
            sharing: match mount.sharing {
                Some(TypedSharing::Private) => Sharing::Private,
                Some(TypedSharing::Locked) => Sharing::Locked,
                Some(TypedSharing::Shared) | None => Sharing::Shared,
            },
            readonly: mount.read_only,
        };
        Mount { dest, kind }
    }

    /// A cache starts as a directory with the wanted owner and mode.
    fn owned_cache(&mut self, base: State, mount: &Typed) -> crate::llb::Output {
        let owner = Owner {
            user: Some(UserRef::Id(mount.uid.unwrap_or(0))),
            group: Some(UserRef::Id(mount.gid.unwrap_or(0))),
        };
        let action = FileAction::Mkdir {
            path: "/cache".to_owned(),
            mode: mount.mode.and_then(|mode| i32::try_from(mode).ok()).unwrap_or(0o755),
            make_parents: false,
            owner: Some(owner),
            timestamp: -1,
        };
        let meta = NodeMeta {
            name: Some("[internal] setting cache mount permissions".to_owned()),
            ..NodeMeta::default()
        };
        self.nodes.add(Op::File(FileOp { base, actions: vec![action] }), None, meta).output()
    }

    /// Paths that a mount reads; a tmpfs counts too, as in the official frontend.
    fn record(&mut self, index: usize, mount: &Typed, site: &Site<'_>) {
        if mount.from.is_empty() && mount.kind != Kind::Cache {
            self.usage.use_context(&mount.source);
        } else if let Some(&source) = site.step.sources.get(index) {
            self.usage.use_stage(source, &mount.source);
        }
    }
}

/// Adds a secret and returns its id.
fn secret(mounts: &mut Mounts, mount: &Typed) -> Result<String, String> {
    let id = match (mount.source.as_str(), mount.id.as_str(), mount.target.as_str()) {
        ("", "", "") => return Err("one of source, target required".to_owned()),
        ("", "", target) => path::base(target).to_owned(),
        ("", id, _) => id.to_owned(),
        (source, _, _) => source.to_owned(),
    };
    let optional = !mount.required;
    if let Some(name) = &mount.env {
        mounts.secret_env.push(SecretEnv { id: id.clone(), name: name.clone(), optional });
    }
    let dest = match (mount.target.as_str(), &mount.env) {
        ("", Some(_)) => return Ok(id),
        ("", None) => format!("/run/secrets/{}", path::base(&id)),
        (target, _) => target.to_owned(),
    };
    let kind = MountKind::Secret {
        id: id.clone(),
        uid: mount.uid.unwrap_or(0),
        gid: mount.gid.unwrap_or(0),
        mode: mount.mode.unwrap_or(0o400),
        optional,
    };
    mounts.exec.push(Mount { dest, kind });
    Ok(id)
}

fn ssh(mounts: &mut Mounts, mount: &Typed) -> Result<(), String> {
    if !mount.source.is_empty() {
        return Err("ssh does not support source".to_owned());
    }
    let dest = if mount.target.is_empty() {
        format!("/run/buildkit/ssh_agent.{}", mounts.ssh_count)
    } else {
        mount.target.clone()
    };
    mounts.ssh_count += 1;
    mounts.ssh_socket.get_or_insert_with(|| dest.clone());
    let kind = MountKind::Ssh {
        id: mount.id.clone(),
        uid: mount.uid.unwrap_or(0),
        gid: mount.gid.unwrap_or(0),
        mode: mount.mode.unwrap_or(0o600),
        optional: !mount.required,
    };
    mounts.exec.push(Mount { dest, kind });
    Ok(())
}
