//! A package of npm's kind: its `package.json`, and the workspaces that it or `pnpm-workspace.yaml` names.

use serde_json::Value;

use super::call::Target;
use crate::closure::set::Closure;
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// A package: the directory that its scripts work in, with its `package.json`.
pub(super) struct Package {
    pub(super) directory: RootfsPath,
    pub(super) manifest: Value,
}

impl Package {
    pub(super) fn script(&self, name: &str) -> Option<&str> {
        self.manifest.get("scripts")?.get(name)?.as_str()
    }

    /// The value of a variable that npm sets for a script (`npm-run-script(1)`, Environment).
    pub(super) fn variable(&self, name: &str, script: &str) -> Option<String> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        };
        match name {
            "npm_lifecycle_event" => Some(script.to_owned()),
            "npm_lifecycle_script" => self.script(script).map(str::to_owned),
            "npm_package_json" => Some(self.directory.join(b"package.json").to_string()),
            "npm_package_name" | "npm_package_version" => {
                text(self.manifest.get(name.strip_prefix("npm_package_")?)?)
            }
            _ => text(self.manifest.get("config")?.get(name.strip_prefix("npm_package_config_")?)?),
        }
    }

    /// Patterns of the directories of its workspaces (npm: `workspaces`; yarn 1: `workspaces.packages` as well).
    fn workspaces(&self) -> Vec<String> {
        let value = self.manifest.get("workspaces");
        let list = value.and_then(|value| value.get("packages")).or(value).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

impl Closure<'_> {
    /// The package that a call works for; `None` when there is none, or more than one.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn target_package(
        &self,
        from: &RootfsPath,
        target: &Target,
    ) -> Result<Option<Package>, RootfsError> {
        let directory = match &target.directory {
            Some(directory) => from.join(directory.as_bytes()),
            None => from.clone(),
        };
        match &target.workspace {
            Some(name) => self.workspace(&directory, name),
            None => self.package(&directory),
        }
    }

    /// The workspace of a name or a directory.
    fn workspace(&self, root: &RootfsPath, name: &str) -> Result<Option<Package>, RootfsError> {
        let mut patterns = self.pnpm_workspaces(root)?;
        if let Some(package) = self.package(root)? {
            patterns.extend(package.workspaces());
        }
        let directory = root.join(name.as_bytes());
        let mut found = Vec::new();
        for pattern in patterns.iter().filter(|pattern| !pattern.starts_with('!')) {
            let pattern = root.join(pattern.trim_end_matches("/**").as_bytes()).to_string();
            for path in self.locate_all(&pattern, MAX_WORKSPACES)? {
                let Some(package) = self.package(&path)? else { continue };
                let own = package.manifest.get("name").and_then(Value::as_str);
                let known = |known: &Package| known.directory == path;
                if (path == directory || own == Some(name)) && !found.iter().any(known) {
                    found.push(package);
                }
            }
        }
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    /// The list `packages` of a `pnpm-workspace.yaml`: one item a line, as pnpm writes it.
    fn pnpm_workspaces(&self, root: &RootfsPath) -> Result<Vec<String>, RootfsError> {
        let eyes = &self.world.views[self.first_view()];
        let Some(file) = eyes.file(&root.join(b"pnpm-workspace.yaml"))? else { return Ok(Vec::new()) };
        let text = eyes.read(&file, 0..MAX_TEXT_BYTES)?;
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines().skip_while(|line| line.trim_end() != "packages:").skip(1);
        let items = std::iter::from_fn(|| {
            let line = lines.find(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty())?;
            line.trim_start().strip_prefix("- ").map(|item| item.trim().trim_matches(['"', '\'']).to_owned())
        });
        Ok(items.take(MAX_WORKSPACES).collect())
    }

    pub(super) fn package(&self, directory: &RootfsPath) -> Result<Option<Package>, RootfsError> {
        let eyes = &self.world.views[self.first_view()];
        let Some(file) = eyes.file(&directory.join(b"package.json"))? else { return Ok(None) };
        let text = eyes.read(&file, 0..MAX_TEXT_BYTES)?;
        let manifest = serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text)).ok();
        Ok(manifest.map(|manifest| Package { directory: directory.clone(), manifest }))
    }
}

/// Bytes of a `package.json` or a source file that are read.
pub(super) const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Workspaces of one package.
const MAX_WORKSPACES: usize = 1000;
