//! `RUN`: an exec op.

use super::command::arguments;
use super::text::{Shown, vertex_text};
use super::{Environment, Lowering, Made, Site, Snapshot, StageState, heredoc, history};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::device::parse_device;
use crate::dockerfile::heredoc::parse_word;
use crate::dockerfile::instruction::{CommandLine, Run};
use crate::dockerfile::raw;
use crate::dockerfile::word::Variables;
use crate::llb::op::{
    Access, CdiDevice, ContentCache, ExecOp, Mount, MountKind, NetMode, Op, ProxyEnv, SecurityMode,
};
use crate::llb::{NodeMeta, State};

/// Where the file of a single heredoc with a `#!` line is mounted.
const PIPES: &str = "/dev/pipes/";

impl Lowering<'_> {
    pub(super) fn run(
        &mut self,
        run: &Run,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let mounts = self.mounts(run, site, state)?;
        // A command can read any file of what it runs in.
        self.usage.use_whole(site.id);
        let (command, summary, script) = self.command(run);
        let args = arguments(&command, &state.config);
        if args.is_empty() {
            self.marshal_error.get_or_insert_with(|| Diagnostic::new("arguments are required"));
        }
        let text = format!("{}{summary}", site.step.instruction.text);

        let mut exec = ExecOp {
            args: args.clone(),
            cwd: state.cwd.clone(),
            user: state.user.clone(),
            remove_mount_stubs_recursive: true,
            network: self.network(run),
            security: match run.security.as_deref() {
                Some("insecure") => SecurityMode::Insecure,
                _ => SecurityMode::Sandbox,
            },
            secret_env: mounts.secret_env,
            proxy_env: self.proxy(),
            ..ExecOp::default()
        };
        exec.mounts.push(bind("/", state.state, "", Access::Output));
        exec.mounts.extend(script);
        exec.mounts.extend(mounts.exec);
        self.apply_daemon_options(&mut exec);
        self.devices(run, site, &mut exec)?;
        let mut env = state.env.clone();
        if let Some(socket) = mounts.ssh_socket
            && env.lookup("SSH_AUTH_SOCK").is_none()
        {
            env.set("SSH_AUTH_SOCK", &socket);
        }
        exec.env = env.to_list();
        if exec.args.iter().chain(&exec.env).any(|text| raw::has(text)) {
            let error = || Diagnostic::new("string field contains invalid UTF-8");
            self.marshal_error.get_or_insert_with(error);
        }

        let masked = MaskedSecrets { env: &state.env, secrets: &exec.secret_env };
        let shown = vertex_text(&text, Shown::AsTyped, self.request.stages.escape, &masked);
        // LLB keeps the platform of a state normalised, whatever FROM said; a state without one is the target's.
        let exec_platform = if state.has_platform {
            state.platform.clone().normalize()
        } else {
            self.request.stages.target_platform.clone()
        };
        let platform = Some(&exec_platform).filter(|_| state.has_platform);
        let name = self.next_vertex(site, state, platform, &shown);
        let resources =
            Some(&self.request.options.resources).filter(|_| self.supports("exec.meta.linux.resources"));
        let meta = NodeMeta {
            name: Some(name),
            command: Some(site.step.instruction.text.clone()),
            ignore_cache: site.stage.no_cache,
            progress_group: None,
            linux_resources: resources.cloned().flatten(),
            spans: vec![site.span()],
        };
        let before = state.state;
        let node = self.nodes.add(Op::Exec(Box::new(exec)), Some(exec_platform), meta);
        state.state = Some(node.output());
        state.snapshots.push(Snapshot { step: site.index, before, after: state.state, made: Made::Run });
        let shown = format!("RUN {}{} # buildkit", build_args_text(state), args.join(" "));
        history::layer(&mut state.config, self.request.stages.epoch, shown);
        Ok(())
    }

    /// The command with its heredocs in place, what is added to the vertex name, and the mount of a script.
    fn command(&mut self, run: &Run) -> (CommandLine, String, Option<Mount>) {
        let (CommandLine::Shell(text), Some(first)) = (&run.command, run.heredocs.first()) else {
            return (run.command.clone(), String::new(), None);
        };
        // The whole command is one heredoc: `RUN <<EOF`.
        if parse_word(text).is_none() {
            let mut full = text.clone();
            for document in &run.heredocs {
                full.push('\n');
                full.push_str(&document.body);
                full.push_str(&document.name);
            }
            return (CommandLine::Shell(full), String::new(), None);
        }
        let summary = format!(" ({})", heredoc::summary(&first.body));
        let data = heredoc::content(first);
        if !data.starts_with("#!") {
            return (CommandLine::Shell(data), summary, None);
        }
        let file = heredoc::file(self.nodes, &first.name, 0o755, &data);
        let mount = bind(PIPES, Some(file), "/", Access::Readonly);
        (CommandLine::Shell(format!("{PIPES}{}", first.name)), summary, Some(mount))
    }

    fn network(&self, run: &Run) -> NetMode {
        match run.network.as_deref() {
            Some("none") => NetMode::None,
            Some("host") => NetMode::Host,
            _ => self.request.options.network,
        }
    }

    /// Proxy build arguments reach the command without being part of its cache key.
    fn proxy(&self) -> Option<ProxyEnv> {
        let mut proxy = ProxyEnv::default();
        let mut any = false;
        for (name, value) in &self.request.stages.build_args {
            let slot = match name.to_ascii_lowercase().as_str() {
                "http_proxy" => &mut proxy.http_proxy,
                "https_proxy" => &mut proxy.https_proxy,
                "ftp_proxy" => &mut proxy.ftp_proxy,
                "no_proxy" => &mut proxy.no_proxy,
                "all_proxy" => &mut proxy.all_proxy,
                _ => continue,
            };
            slot.clone_from(value);
            any = true;
        }
        any.then_some(proxy)
    }

    /// Options of `docker build` that hold for every RUN, as far as the daemon knows them.
    fn apply_daemon_options(&self, exec: &mut ExecOp) {
        let options = self.request.options;
        exec.extra_hosts.clone_from(&options.extra_hosts);
        exec.hostname.clone_from(&options.hostname);
        if self.supports("exec.meta.ulimit") {
            exec.ulimits.clone_from(&options.ulimits);
        }
        if options.shm_size > 0 && self.supports("exec.mount.tmpfs.size") {
            let kind = MountKind::Tmpfs { size: options.shm_size, readonly: false };
            exec.mounts.push(Mount { dest: "/dev/shm".to_owned(), kind });
        }
        if self.supports("exec.meta.cgroup.parent") {
            exec.cgroup_parent.clone_from(&options.cgroup_parent);
        }
    }

    fn devices(&self, run: &Run, site: &Site<'_>, exec: &mut ExecOp) -> Result<(), Diagnostic> {
        if !self.supports("exec.meta.cdi") {
            return Ok(());
        }
        for csv in &run.devices {
            let device = parse_device(csv).map_err(|error| site.error(error.to_string()))?;
            exec.cdi_devices.push(CdiDevice { name: device.name, optional: !device.required });
        }
        Ok(())
    }
}

/// A bind mount.
pub(super) fn bind(dest: &str, source: State, selector: &str, access: Access) -> Mount {
    Mount {
        dest: dest.to_owned(),
        kind: MountKind::Bind {
            source,
            selector: selector.to_owned(),
            access,
            content_cache: ContentCache::Default,
        },
    }
}

/// `|2 A=1 B=2 ` for a stage with build arguments: each name once, at its first place.
fn build_args_text(state: &StageState) -> String {
    let mut shown: Vec<(&str, String)> = Vec::new();
    for (name, value) in &state.build_args {
        let current = state.env.lookup(name).or(value.as_deref()).unwrap_or_default().to_owned();
        match shown.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = current,
            None => shown.push((name, current)),
        }
    }
    if shown.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = shown.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("|{} {} ", pairs.len(), pairs.join(" "))
}

/// The environment for vertex names: variables that hold a secret show stars.
struct MaskedSecrets<'a> {
    env: &'a Environment,
    secrets: &'a [crate::llb::op::SecretEnv],
}

impl Variables for MaskedSecrets<'_> {
    fn lookup(&self, name: &str) -> Option<&str> {
        if self.secrets.iter().any(|secret| secret.name == name) {
            return Some("****");
        }
        self.env.lookup(name)
    }
}
