//! Named contexts: options `context:NAME` that replace an image, or a whole stage.

use std::collections::BTreeMap;

use super::{ContextBase, ContextSource, StageGraph};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::git_ref::parse_git_ref;
use crate::dockerfile::quote::quote;
use crate::image::platform::Platform;
use crate::image::reference::ImageRef;

impl StageGraph {
    /// The context for an image or stage name, not read yet; the key with the platform is tried first.
    ///
    /// # Errors
    /// A name that is no image name.
    pub(super) fn named_context(
        &self,
        name: &str,
        platform: Option<&Platform>,
        replaces_stage: bool,
    ) -> Result<Option<ContextBase>, Diagnostic> {
        // These two names always mean the empty file system and the main context.
        if name.eq_ignore_ascii_case("scratch") || name.eq_ignore_ascii_case("context") {
            return Ok(None);
        }
        let found = find(&self.contexts, name, platform.unwrap_or(&self.target_platform))?;
        Ok(found.map(|Named { name, key, value }| ContextBase {
            source: ContextSource::Given { name, value: value.to_owned() },
            key,
            replaces_stage,
        }))
    }
}

/// An option `context:KEY`.
pub(super) struct Named<'a> {
    /// Of the image that it stands for, in the familiar form.
    pub(super) name: String,
    /// The key that matched.
    pub(super) key: String,
    pub(super) value: &'a str,
}

/// The option for a name.
///
/// # Errors
/// A name that is no image name.
pub(super) fn find<'a>(
    contexts: &'a BTreeMap<String, String>,
    name: &str,
    platform: &Platform,
) -> Result<Option<Named<'a>>, Diagnostic> {
    let reference = ImageRef::parse(name)
        .map_err(|error| Diagnostic::new(format!("invalid context name {name}: {error}")))?;
    let familiar = reference.familiar();
    let name = familiar.strip_suffix(":latest").unwrap_or(&familiar).to_owned();
    let qualified = format!("{name}::{}", platform.clone().normalize().format_all());
    let found = [qualified, name.clone()].into_iter().find_map(|key| Some((contexts.get(&key)?, key)));
    Ok(found.map(|(value, key)| Named { name, key, value }))
}

/// Reads `scheme:rest` (dockerfile-semantics 4.8).
pub(super) fn parse_source(name: &str, key: &str, value: &str) -> Result<ContextSource, Diagnostic> {
    let Some((scheme, rest)) = value.split_once(':') else {
        return Err(Diagnostic::new(format!("invalid context specifier {value} for {key}")));
    };
    // `git@host:path` has its first colon after the host.
    let scheme = if scheme.starts_with("git@") { "git" } else { scheme };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    match scheme {
        "docker-image" if path == "scratch" => Ok(ContextSource::Scratch),
        "docker-image" => Ok(ContextSource::Image { written: path.to_owned(), known: None }),
        "git" => git(value)?.ok_or_else(|| Diagnostic::new(format!("invalid git context {value}"))),
        "http" | "https" => Ok(git(value)?.unwrap_or_else(|| ContextSource::Http(value.to_owned()))),
        "oci-layout" => oci_layout(name, path),
        "local" => Ok(ContextSource::Local { name: rest.to_owned(), ignore: None }),
        "input" => Ok(ContextSource::Input { name: rest.to_owned(), loaded: None }),
        _ => Err(Diagnostic::new(format!("unsupported context source {scheme} for {key}"))),
    }
}

fn git(value: &str) -> Result<Option<ContextSource>, Diagnostic> {
    parse_git_ref(value)
        .map(|found| found.map(|git| ContextSource::Git { written: value.to_owned(), git }))
        .map_err(|error| Diagnostic::new(error.to_string()))
}

/// `STORE[:tag]@sha256:…`: the digest names the image in the store.
fn oci_layout(name: &str, specifier: &str) -> Result<ContextSource, Diagnostic> {
    if ImageRef::parse(specifier).is_err() {
        let reason = match ImageRef::parse(&specifier.to_lowercase()) {
            Ok(_) => "repository name must be lowercase",
            Err(_) => "invalid reference format",
        };
        let text = format!("could not parse oci-layout reference {}: {reason}", quote(specifier));
        return Err(Diagnostic::new(text));
    }
    let without_digest =
        || Diagnostic::new(format!("oci-layout reference {} has no digest", quote(specifier)));
    let (store, digest) = specifier.split_once('@').ok_or_else(without_digest)?;
    let store = match store.rsplit_once(':') {
        Some((store, tag)) if !tag.contains('/') => store,
        _ => store,
    };
    let reference = ImageRef::parse(name)
        .map_err(|error| {
            Diagnostic::new(format!("could not parse oci-layout reference {}: {error}", quote(name)))
        })?
        .with_digest(digest);
    Ok(ContextSource::OciLayout { reference: reference.to_string(), store: store.to_owned(), known: None })
}
