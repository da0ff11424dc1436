//! `USER` and `STOPSIGNAL`: one word of the image config each.

use super::expand::Words;
use super::{Lowering, Site, StageState, history};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::signal::is_signal;

impl Lowering<'_> {
    /// The user that later RUN steps and the image run as; any text, names included.
    pub(super) fn user(
        &mut self,
        user: &str,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let user = Words::new(self, site, state).one(user)?;
        history::note(&mut state.config, self.request.stages.epoch, format!("USER {user}"));
        state.user.clone_from(&user);
        state.config.config.user = user;
        Ok(())
    }

    /// The signal that stops a container, stored as typed.
    pub(super) fn stopsignal(
        &mut self,
        signal: &str,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let signal = Words::new(self, site, state).one(signal)?;
        if !is_signal(&signal) {
            return Err(site.error(format!("invalid signal: {signal}")));
        }
        history::note(&mut state.config, self.request.stages.epoch, format!("STOPSIGNAL {signal}"));
        state.config.config.stop_signal = signal;
        Ok(())
    }
}
