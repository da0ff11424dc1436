//! Names of vertices: `[linux/amd64 build 2/4] RUN make`.

use super::{Environment, Lowering, Site, StageState};
use crate::dockerfile::word::{Lexer, Variables};
use crate::image::platform::Platform;

/// How much of an instruction's text is expanded for its vertex name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Quotes go, unset variables become empty: COPY, ADD, WORKDIR.
    Expanded,
    /// Quotes, escapes and unset variables stay: RUN.
    AsTyped,
}

/// A name without its `[stage i/N]` prefix.
pub(super) fn vertex_text(text: &str, shown: Shown, escape: char, variables: &dyn Variables) -> String {
    let lexer = match shown {
        Shown::Expanded => Lexer::new(escape),
        Shown::AsTyped => Lexer::vertex_name(escape),
    };
    let expanded =
        lexer.expand(text, variables).map_or_else(|_| text.to_owned(), |expansion| expansion.value);
    match expanded.split_once(' ') {
        Some((keyword, rest)) => format!("{} {rest}", keyword.to_uppercase()),
        None => expanded.to_uppercase(),
    }
}

impl Lowering<'_> {
    /// Puts the prefix of the stage's next vertex before `text`.
    pub(super) fn next_vertex(
        &self,
        site: &Site<'_>,
        state: &mut StageState,
        platform: Option<&Platform>,
        text: &str,
    ) -> String {
        state.vertices += 1;
        self.vertex(site, state, platform, text)
    }

    /// Puts the prefix of the stage's current vertex before `text`.
    pub(super) fn vertex(
        &self,
        site: &Site<'_>,
        state: &StageState,
        platform: Option<&Platform>,
        text: &str,
    ) -> String {
        let onbuild = if site.step.trigger { "ONBUILD " } else { "" };
        let prefix = prefix(
            &site.stage.label,
            (state.vertices, site.stage.step_total),
            platform.filter(|_| self.request.stages.multi_platform),
            &state.env,
        );
        format!("{prefix}{onbuild}{text}")
    }
}

/// `[platform stage i/N] `, or nothing in a stage without steps that count.
pub(super) fn prefix(
    label: &str,
    (index, total): (u32, u32),
    platform: Option<&Platform>,
    env: &Environment,
) -> String {
    if total == 0 {
        return String::new();
    }
    let platform = platform.map_or_else(String::new, |platform| {
        format!("{}{} ", platform.format_all(), cross_target(platform, env))
    });
    let label = if label.is_empty() { String::new() } else { format!("{label} ") };
    let width = total.to_string().len();
    format!("[{platform}{label}{index:>width$}/{total}] ")
}

/// `->arm64` when the environment says that the stage makes files for another platform.
fn cross_target(base: &Platform, env: &Environment) -> String {
    let Some(mut target) = target_of(env) else { return String::new() };
    if target.os.is_empty() {
        target.os.clone_from(&base.os);
    }
    if target.architecture.is_empty() {
        target.architecture.clone_from(&base.architecture);
    }
    let target = target.normalize();
    if target.os != base.os {
        return format!("->{}", target.format());
    }
    if target.architecture == base.architecture {
        return String::new();
    }
    let variant = if target.variant.is_empty() { String::new() } else { format!("/{}", target.variant) };
    format!("->{}{variant}", target.architecture)
}

/// The platform in `TARGETPLATFORM`, or put together from its parts; the first that the environment has wins.
fn target_of(env: &Environment) -> Option<Platform> {
    let mut parts: Option<Platform> = None;
    for name in env.names() {
        let value = env.lookup(name).unwrap_or_default();
        match name {
            "TARGETPLATFORM" => {
                if let Ok(platform) = Platform::parse(value) {
                    return Some(platform);
                }
            }
            "TARGETOS" => value.clone_into(&mut parts.get_or_insert_default().os),
            "TARGETARCH" => value.clone_into(&mut parts.get_or_insert_default().architecture),
            "TARGETVARIANT" => value.clone_into(&mut parts.get_or_insert_default().variant),
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_count_and_name_the_stage() {
        let mut env = Environment::default();
        env.set("TARGETARCH", "arm64");
        let amd64 =
            Platform { os: "linux".to_owned(), architecture: "amd64".to_owned(), ..Platform::default() };
        for (label, count, platform, expected) in [
            ("", (1, 4), None, "[1/4] "),
            ("build", (4, 18), None, "[build  4/18] "),
            ("build", (1, 0), None, ""),
            ("build", (2, 3), Some(&amd64), "[linux/amd64->arm64 build 2/3] "),
        ] {
            assert_eq!(prefix(label, count, platform, &env), expected);
        }
    }
}
