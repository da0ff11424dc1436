//! Options for the environment of RUN: hosts, limits, network.

use std::net::IpAddr;

use crate::dockerfile::csv;
use crate::llb::LinuxResources;
use crate::llb::op::{NetMode, Ulimit};
use crate::options::{Options, number};

/// `add-hosts`: (host in lower case, IP in canonical form).
///
/// # Errors
/// The official text without prefix.
pub(super) fn extra_hosts(text: &str) -> Result<Vec<(String, String)>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    csv::fields(text)
        .map_err(|error| error.to_string())?
        .iter()
        .map(|field| {
            let (host, ip) =
                field.split_once('=').ok_or_else(|| format!("invalid key-value pair {field}"))?;
            let ip = ip.to_lowercase();
            let address: IpAddr = ip.parse().map_err(|_| format!("failed to parse IP {ip}"))?;
            Ok((host.to_lowercase(), address.to_canonical().to_string()))
        })
        .collect()
}

/// `ulimit`, with the texts of `go-units`.
///
/// # Errors
/// The official text without prefix.
pub(super) fn ulimits(text: &str) -> Result<Vec<Ulimit>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    csv::fields(text).map_err(|error| error.to_string())?.iter().map(|field| ulimit(field)).collect()
}

fn ulimit(field: &str) -> Result<Ulimit, String> {
    let (name, limits) = field.split_once('=').ok_or_else(|| format!("invalid ulimit argument: {field}"))?;
    if !ULIMITS.contains(&name) {
        return Err(format!("invalid ulimit type: {name}"));
    }
    let parts: Vec<&str> = limits.split(':').collect();
    let (soft, hard) = match parts[..] {
        [both] => {
            let both = number::int(both)?;
            (both, both)
        }
        [soft, hard] => (number::int(soft)?, number::int(hard)?),
        _ => {
            return Err(format!(
                "too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`"
            ));
        }
    };
    let refused = "ulimit soft limit must be less than or equal to hard limit";
    if hard != -1 && soft == -1 {
        return Err(format!("{refused}: soft: -1 (unlimited), hard: {hard}"));
    }
    if hard != -1 && soft > hard {
        return Err(format!("{refused}: {soft} > {hard}"));
    }
    Ok(Ulimit { name: name.to_owned(), soft, hard })
}

/// `shm-size` in bytes.
///
/// # Errors
/// The official text without prefix.
pub(super) fn shm_size(text: &str) -> Result<i64, String> {
    if text.is_empty() { Ok(0) } else { number::int(text) }
}

/// `force-network-mode`.
///
/// # Errors
/// The official text.
pub(super) fn network(text: &str) -> Result<NetMode, String> {
    match text {
        "" | "sandbox" => Ok(NetMode::Unset),
        "none" => Ok(NetMode::None),
        "host" => Ok(NetMode::Host),
        other => Err(format!("invalid netmode {other}")),
    }
}

/// `memory`, `cpushares`, …; `None` when none is given.
///
/// # Errors
/// The official text without prefix.
pub(super) fn resources(options: &Options<'_>) -> Result<Option<LinuxResources>, String> {
    let limits = LinuxResources {
        memory: positive(options, "memory")?,
        memory_swap: swap(options)?,
        cpu_shares: positive_unsigned(options, "cpushares")?,
        cpu_period: positive_unsigned(options, "cpuperiod")?,
        cpu_quota: positive(options, "cpuquota")?,
        cpuset_cpus: cpuset(options, "cpusetcpus")?,
        cpuset_mems: cpuset(options, "cpusetmems")?,
    };
    Ok((limits != LinuxResources::default()).then_some(limits))
}

fn positive(options: &Options<'_>, key: &str) -> Result<i64, String> {
    let Some(text) = options.non_empty(key) else { return Ok(0) };
    let value = number::int(text).map_err(|error| invalid(key, text, &error))?;
    if value > 0 { Ok(value) } else { Err(invalid(key, text, "must be > 0")) }
}

fn positive_unsigned(options: &Options<'_>, key: &str) -> Result<u64, String> {
    let Some(text) = options.non_empty(key) else { return Ok(0) };
    let value = number::uint(text).map_err(|error| invalid(key, text, &error))?;
    if value > 0 { Ok(value) } else { Err(invalid(key, text, "must be > 0")) }
}

fn swap(options: &Options<'_>) -> Result<i64, String> {
    let key = "memswap";
    let Some(text) = options.non_empty(key) else { return Ok(0) };
    let value = number::int(text).map_err(|error| invalid(key, text, &error))?;
    if value > 0 || value == -1 {
        Ok(value)
    } else {
        Err(invalid(key, text, "must be -1 (unlimited) or > 0"))
    }
}

fn cpuset(options: &Options<'_>, key: &str) -> Result<String, String> {
    let Some(text) = options.non_empty(key) else { return Ok(String::new()) };
    for element in text.split(',').filter(|element| !element.is_empty()) {
        let range = element.split_once('-');
        let valid = match range {
            Some((first, last)) => match (first.parse::<u32>(), last.parse::<u32>()) {
                (Ok(first), Ok(last)) => first <= last,
                _ => false,
            },
            None => element.parse::<u32>().is_ok(),
        };
        if !valid {
            let kind = if range.is_some() { "range" } else { "element" };
            return Err(invalid(key, text, &format!("invalid cpuset {kind} \"{element}\"")));
        }
    }
    Ok(text.to_owned())
}

fn invalid(key: &str, text: &str, why: &str) -> String {
    format!("invalid {key} value: {text}: {why}")
}

/// `getrlimit(2)`'s names, as `go-units` spells them.
const ULIMITS: &[&str] = &[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];
