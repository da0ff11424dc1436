//! `ARG`: a variable of the build, not of the image.

use super::expand::{SCANNER_ARGS, Words};
use super::{Lowering, Site, StageState, history, lint};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::instruction::Arg;
use crate::dockerfile::instruction::description;
use crate::dockerfile::word::Variables;
use crate::stage::DeclaredArg;

impl Lowering<'_> {
    /// Build argument, else the own default, else the global value; each item sees the ones before it.
    pub(super) fn arg(
        &mut self,
        args: &[Arg],
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let stages = self.request.stages;
        let mut shown = String::from("ARG");
        for (place, arg) in args.iter().enumerate() {
            lint::secret_name(self.lint, site, "ARG", &arg.name);
            let value = match (stages.build_args.get(&arg.name), &arg.value) {
                (Some(given), _) => Some(given.clone()),
                (None, Some(default)) => Some(Words::new(self, site, state).one(default)?),
                (None, None) => stages.global_args.lookup(&arg.name).map(str::to_owned),
            };
            let inherited = arg.value.is_none()
                && !stages.build_args.contains_key(&arg.name)
                && stages.global_args.lookup(&arg.name).is_some();
            if !inherited {
                let described = description(&site.step.instruction.doc, &arg.name);
                let declared = DeclaredArg {
                    name: arg.name.clone(),
                    description: described.map(str::to_owned),
                    value: value.clone(),
                    span: site.span(),
                    place,
                };
                state.taken.args.insert(arg.name.clone(), declared);
            }
            state.taken.used.insert(arg.name.clone());
            shown.push(' ');
            shown.push_str(&arg.name);
            if let Some(value) = &value {
                if !SCANNER_ARGS.contains(&arg.name.as_str()) {
                    state.env.set(&arg.name, value);
                }
                shown.push('=');
                shown.push_str(value);
            }
            state.build_args.push((arg.name.clone(), value));
        }
        history::note(&mut state.config, stages.epoch, shown);
        Ok(())
    }
}
