//! `ENV` and `LABEL`, and `MAINTAINER`, which is a label of old.

use super::expand::Words;
use super::{Lowering, Site, StageState, history, lint};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::instruction::KeyValues;

impl Lowering<'_> {
    /// Sets variables of build and image.
    pub(super) fn env(
        &mut self,
        pairs: &KeyValues,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let mut shown = String::from("ENV");
        for (name, value) in self.pairs(pairs, site, state)? {
            if pairs.legacy {
                lint::legacy_key_value(self.lint, site);
            }
            lint::secret_name(self.lint, site, "ENV", &name);
            shown.extend([" ", &name, "=", &value]);
            state.env.set(&name, &value);
            set_in_place(&mut state.config.config.env, &name, &value);
        }
        history::note(&mut state.config, self.request.stages.epoch, shown);
        Ok(())
    }

    /// Sets labels of the image.
    pub(super) fn label(
        &mut self,
        pairs: &KeyValues,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let mut shown = String::from("LABEL");
        let expanded = self.pairs(pairs, site, state)?;
        let labels = state.config.config.labels.get_or_insert_default();
        for (name, value) in expanded {
            if pairs.legacy {
                lint::legacy_key_value(self.lint, site);
            }
            shown.extend([" ", &name, "=", &value]);
            labels.insert(name, value);
        }
        history::note(&mut state.config, self.request.stages.epoch, shown);
        Ok(())
    }

    /// Sets the image's author.
    pub(super) fn maintainer(&mut self, author: &str, state: &mut StageState) {
        author.clone_into(&mut state.config.author);
        let epoch = self.request.stages.epoch;
        history::note(&mut state.config, epoch, format!("MAINTAINER {author}"));
    }

    /// Names and values expanded against the environment before the instruction.
    fn pairs(
        &mut self,
        pairs: &KeyValues,
        site: &Site<'_>,
        state: &StageState,
    ) -> Result<Vec<(String, String)>, Diagnostic> {
        let mut words = Words::new(self, site, state);
        pairs.pairs.iter().map(|(name, value)| Ok((words.one(name)?, words.one(value)?))).collect()
    }
}

/// The image's list keeps the place of a variable that is set again.
fn set_in_place(env: &mut Vec<String>, name: &str, value: &str) {
    let entry = format!("{name}={value}");
    let known = env.iter_mut().find(|entry| entry.split_once('=').map_or(entry.as_str(), |(n, _)| n) == name);
    match known {
        Some(known) => *known = entry,
        None => env.push(entry),
    }
}
