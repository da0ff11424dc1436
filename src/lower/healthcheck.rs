//! `HEALTHCHECK`: a command in the image config that tells whether a container is well.

use super::{Lowering, Site, StageState, history, lint};
use crate::dockerfile::duration::format_duration;
use crate::dockerfile::instruction::{CommandLine, Healthcheck, HealthcheckCmd};
use crate::image::config;

impl Lowering<'_> {
    pub(super) fn healthcheck(&mut self, check: &Healthcheck, site: &Site<'_>, state: &mut StageState) {
        lint::used_once(self.lint, site, &mut state.healthcheck_at);
        let check = match check {
            Healthcheck::None => config::Healthcheck { test: vec!["NONE".to_owned()], ..Default::default() },
            Healthcheck::Cmd(command) => of_command(command),
        };
        let shown = format!(
            "HEALTHCHECK {{Test:[{}] Interval:{} Timeout:{} StartPeriod:{} StartInterval:{} Retries:{}}}",
            check.test.join(" "),
            format_duration(check.interval),
            format_duration(check.timeout),
            format_duration(check.start_period),
            format_duration(check.start_interval),
            check.retries,
        );
        state.config.config.healthcheck = Some(check);
        history::note(&mut state.config, self.request.stages.epoch, shown);
    }
}

fn of_command(check: &HealthcheckCmd) -> config::Healthcheck {
    let test = match &check.command {
        CommandLine::Shell(text) => vec!["CMD-SHELL".to_owned(), text.clone()],
        CommandLine::Exec(args) => std::iter::once("CMD".to_owned()).chain(args.iter().cloned()).collect(),
    };
    config::Healthcheck {
        test,
        interval: check.interval,
        timeout: check.timeout,
        start_period: check.start_period,
        start_interval: check.start_interval,
        retries: i64::from(check.retries),
    }
}
