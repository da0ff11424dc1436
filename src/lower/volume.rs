//! `VOLUME`: paths in the image config; LLB knows nothing of them.

use super::expand::Words;
use super::{Lowering, Site, StageState, history};
use crate::diagnostic::Diagnostic;
use crate::image::config::Empty;

impl Lowering<'_> {
    pub(super) fn volume(
        &mut self,
        paths: &[String],
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let paths = Words::new(self, site, state).each(paths)?;
        if paths.iter().any(String::is_empty) {
            return Err(site.error("VOLUME specified can not be an empty string"));
        }
        let shown = format!("VOLUME [{}]", paths.join(" "));
        let volumes = state.config.config.volumes.get_or_insert_default();
        volumes.extend(paths.into_iter().map(|path| (path, Empty {})));
        history::note(&mut state.config, self.request.stages.epoch, shown);
        Ok(())
    }
}
