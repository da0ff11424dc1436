//! `EXPOSE`: ports in the image config.

use super::{Lowering, Site, StageState, history, lint};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::port::parse_port;
use crate::dockerfile::word::Lexer;
use crate::image::config::Empty;

impl Lowering<'_> {
    /// Words are expanded and split again, so one variable can hold several ports.
    pub(super) fn expose(
        &mut self,
        words: &[String],
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let lexer = Lexer::new(self.request.stages.escape);
        let mut specifications = Vec::new();
        for word in words {
            let expanded = lexer.expand_words(word, &state.env);
            specifications.extend(expanded.map_err(|error| site.error(error.to_string()))?);
        }
        let mut ports = Vec::new();
        for specification in &specifications {
            let exposed = parse_port(specification);
            let style = exposed.as_ref().map_or_else(|error| error.style, |exposed| exposed.style);
            lint::exposed_port(self.lint, site, specification, style);
            ports.extend(exposed.map_err(|error| site.error(error.to_string()))?.ports);
        }
        let shown = format!("EXPOSE [{}]", ports.join(" "));
        let known = state.config.config.exposed_ports.get_or_insert_default();
        known.extend(ports.into_iter().map(|port| (port, Empty {})));
        history::note(&mut state.config, self.request.stages.epoch, shown);
        Ok(())
    }
}
