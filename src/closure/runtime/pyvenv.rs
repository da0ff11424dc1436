//! Environments of Python: an interpreter started beside a `pyvenv.cfg` looks there, and for its library where that
//! says (PEP 405, `Modules/getpath.py`).

use std::collections::BTreeSet;

use super::places::{Values, text};
use crate::closure::glob;
use crate::closure::set::Closure;
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// What a `pyvenv.cfg` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Configuration {
    /// The directory that the base interpreter's program is in.
    home: Option<String>,
    /// Whether packages of the base interpreter count as well.
    system: bool,
    /// `3.12`.
    version: Option<String>,
}

impl Configuration {
    fn parse(file: &[u8]) -> Self {
        let mut configuration = Self::default();
        for line in String::from_utf8_lossy(file).lines() {
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "home" => configuration.home = Some(value.to_owned()),
                "include-system-site-packages" => configuration.system = value.eq_ignore_ascii_case("true"),
                // `venv` writes the first, virtualenv and uv the second.
                "version" | "version_info" => {
                    let mut parts = value.split('.');
                    if let (Some(major), Some(minor)) = (parts.next(), parts.next()) {
                        configuration.version = Some(format!("{major}.{minor}"));
                    }
                }
                _ => {}
            }
        }
        configuration
    }
}

impl Closure<'_> {
    /// Sets `{venv}`, `{system}` and, where the program's name and place do not tell them, `{home}` and `{version}`.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn python_environments(
        &self,
        program: &RootfsPath,
        view: usize,
        values: &mut Values,
    ) -> Result<(), RootfsError> {
        let eyes = &self.world.views[view];
        let mut environments: BTreeSet<RootfsPath> = BTreeSet::new();
        let mut system = false;
        let own = BTreeSet::from([program.clone()]);
        let starts = self.starts(program).filter(|starts| !starts.is_empty()).unwrap_or(&own);
        for start in starts {
            let Some((directory, configuration)) = self.python_environment(start, view)? else {
                system = true;
                continue;
            };
            system |= configuration.system;
            environments.insert(directory.clone());
            if !program.is_within(&directory) {
                continue;
            }
            // A copy of the program: nothing at its place tells about the base.
            let home = configuration.home.and_then(|home| RootfsPath::parse(home.as_bytes()).parent());
            values.extend(home.map(|home| ("home".to_owned(), vec![text(&home)])));
            values.extend(configuration.version.map(|version| ("version".to_owned(), vec![version])));
        }
        let home = values.get("home").cloned().unwrap_or_default();
        let known = values.get("version").and_then(|versions| versions.first());
        if known.is_none_or(|version| !version.contains('.')) {
            // A program that is called `python` or `python3` alone has one library beside it.
            for home in &home {
                let found = glob::expand(eyes, format!("{home}/lib*/python*.*/os.py").as_bytes())?;
                let names = found.iter().filter_map(RootfsPath::parent);
                let version = names.filter_map(|dir| {
                    let name = dir.name().strip_prefix(b"python")?;
                    String::from_utf8(name.to_vec()).ok()
                });
                values.insert("version".to_owned(), version.take(1).collect());
            }
        }
        values.insert("venv".to_owned(), environments.iter().map(text).collect());
        values.insert("system".to_owned(), if system { home } else { Vec::new() });
        Ok(())
    }

    /// The environment that a program is started in: its `pyvenv.cfg` lies beside it or one directory above.
    fn python_environment(
        &self,
        start: &RootfsPath,
        view: usize,
    ) -> Result<Option<(RootfsPath, Configuration)>, RootfsError> {
        let eyes = &self.world.views[view];
        let beside = start.parent();
        let above = beside.as_ref().and_then(RootfsPath::parent);
        for directory in beside.into_iter().chain(above) {
            if let Some(file) = eyes.file(&directory.join(b"pyvenv.cfg"))? {
                let bytes = eyes.read(&file, 0..MAX_CONFIGURATION_BYTES)?;
                return Ok(Some((directory, Configuration::parse(&bytes))));
            }
        }
        Ok(None)
    }
}

const MAX_CONFIGURATION_BYTES: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_of_venv_and_uv() {
        let venv = "home = /usr/local/bin\ninclude-system-site-packages = false\nversion = 3.12.1\n";
        let uv = "home = /opt/py/bin\nimplementation = CPython\nuv = 0.5\nversion_info = 3.13.0\ninclude-system-site-packages = true\n";
        assert_eq!(
            Configuration::parse(venv.as_bytes()),
            Configuration {
                home: Some("/usr/local/bin".to_owned()),
                system: false,
                version: Some("3.12".to_owned())
            }
        );
        let uv = Configuration::parse(uv.as_bytes());
        assert_eq!((uv.system, uv.version.as_deref()), (true, Some("3.13")));
    }
}
