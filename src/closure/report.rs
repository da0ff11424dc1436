//! What a person reads about a set: the table of `--call=distroless`, the reason of one path.

use crate::distill::manifest::Manifest;
use crate::distill::spec::AssembleSpec;

use super::plan::Plan;

/// The manifest of a plan; `tool` is `decant <version>`.
pub fn manifest_of(plan: &Plan, spec: &AssembleSpec, tool: &str) -> Manifest {
    let _ = (plan, spec, tool);
    unimplemented!("the plan is not computed yet")
}

/// The set as text: by layer, by package, each path with its reason. `before` is (bytes, files) of the stage.
pub fn text(manifest: &Manifest, before: Option<(u64, u32)>) -> String {
    let _ = (manifest, before);
    String::new()
}

/// Why `path` (as in the manifest) is in the set; `None` when it is not.
pub fn explain(manifest: &Manifest, path: &str) -> Option<String> {
    let _ = (manifest, path);
    None
}
