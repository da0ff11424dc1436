//! What a set has to say as far as the image config alone decides it: `--call=check` tells it and builds nothing.

use super::accounts::NONROOT;
use super::{finding, roots};
use crate::distill::manifest::Finding;
use crate::distill::spec::{Config, Variant};

/// Ports below this one are privileged.
const PRIVILEGED: u32 = 1024;

/// The findings about commands, user and ports that no file can change.
pub fn foreseen(config: &Config, variant: Variant) -> Vec<Finding> {
    let (commands, _, mut findings) = roots::commands(config);
    for command in &commands {
        if let Some((_, why)) = &command.script {
            findings.push(roots::shell_needed(roots::keyword(command.why), command.id.as_ref(), why));
        }
    }
    let user = config.user.trim();
    let name = user.split(':').next().unwrap_or_default();
    // The user of a `nonroot` variant is in every set; what other names stand for is in the image's accounts.
    let uid = match name {
        "" | "nonroot" if variant.nonroot => Some(NONROOT),
        "" | "root" => Some(0),
        name => name.parse().ok(),
    };
    findings.extend(uid.into_iter().flat_map(|uid| of_user(uid, config)));
    findings
}

/// What is to be said about an image that runs as `uid`.
pub(super) fn of_user(uid: u32, config: &Config) -> Vec<Finding> {
    if uid == 0 {
        return vec![
            finding::notice(finding::ROOT_USER, "the image runs as root")
                .hint("use the variant `nonroot`, or add a USER instruction")
                .at(config.user_id.as_ref()),
        ];
    }
    let is_privileged = |port: &&String| {
        let number = port.split('/').next().and_then(|port| port.split('-').next()?.parse::<u32>().ok());
        number.is_some_and(|number| number < PRIVILEGED)
    };
    let warn = |port: &String| {
        finding::warning(
            finding::PRIVILEGED_PORT,
            format!("port {port} is below {PRIVILEGED}, and the image runs as user {uid}"),
        )
        .hint("listen on a higher port")
    };
    config.exposed_ports.iter().filter(is_privileged).map(warn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distill::spec::Command;

    fn shell_form(script: &str) -> Command {
        let args = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        Command { args, shell_form: true, id: None }
    }

    fn check(config: &Config, nonroot: bool, expected: &[&str]) {
        let variant = Variant { nonroot, debug: false };
        let told: Vec<String> = foreseen(config, variant)
            .into_iter()
            .map(|finding| format!("{}: {}", finding.rule, finding.message))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn commands() {
        let config = Config {
            user: "5".to_owned(),
            cmd: Some(shell_form("/server -v")),
            healthcheck: Some(shell_form("curl $URL")),
            ..Config::default()
        };
        check(
            &config,
            false,
            &[
                "DistrolessExecForm: CMD needs no shell: it is written as [\"/server\", \"-v\"]",
                "DistrolessShellNeeded: HEALTHCHECK needs a shell, so one is in the image: `$` is expanded by the shell",
            ],
        );
    }

    #[test]
    fn users_and_ports() {
        let ports: Vec<String> = ["80/tcp", "8080/tcp"].map(str::to_owned).to_vec();
        let config =
            |user: &str| Config { user: user.to_owned(), exposed_ports: ports.clone(), ..Config::default() };
        let root = "DistrolessRootUser: the image runs as root";
        for (user, nonroot, expected) in [
            ("", false, &[root][..]),
            ("root:root", true, &[root]),
            ("0", true, &[root]),
            (
                "",
                true,
                &["DistrolessPrivilegedPort: port 80/tcp is below 1024, and the image runs as user 65532"],
            ),
            (
                "10:0",
                false,
                &["DistrolessPrivilegedPort: port 80/tcp is below 1024, and the image runs as user 10"],
            ),
            (
                "nonroot",
                true,
                &["DistrolessPrivilegedPort: port 80/tcp is below 1024, and the image runs as user 65532"],
            ),
            ("nonroot", false, &[]),
            ("app", false, &[]),
        ] {
            check(&config(user), nonroot, expected);
        }
    }
}
