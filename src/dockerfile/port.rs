//! EXPOSE after expansion: port specifications to single ports.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::quote::quote;

/// What one EXPOSE word stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// `80/tcp`, protocol in lower case, ranges written out.
    pub ports: Vec<String>,
    /// What to lint, found or not found before any error.
    pub style: Style,
}

/// What the lint rules about EXPOSE look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The protocol as typed has upper case (`ExposeProtoCasing`).
    pub upper_protocol: bool,
    /// There is an IP address or a host port (`ExposeInvalidFormat`).
    pub host_part: bool,
}

/// A bad EXPOSE word; texts equal the official frontend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    pub message: String,
    /// The official frontend lints a word before it checks its numbers.
    pub style: Style,
}

/// Reads `[ip:][hostport:]port[-end][/proto]`.
///
/// # Errors
/// Anything else.
pub fn parse_port(raw: &str) -> Result<Exposed, PortError> {
    let (host, container) = raw.rsplit_once(':').unwrap_or(("", raw));
    let (ip, host_port) = host.rsplit_once(':').unwrap_or(("", host));
    let (port, protocol) = container.split_once('/').unwrap_or((container, ""));
    let mut style = Style::default();
    let invalid = |reason: String| PortError {
        message: format!("invalid port: {}: {reason}", quote(raw)),
        style: Style::default(),
    };
    if port.is_empty() {
        return Err(invalid("no port specified".to_owned()));
    }
    let lower = match protocol.to_lowercase() {
        lower if lower.is_empty() => "tcp".to_owned(),
        lower if matches!(lower.as_str(), "tcp" | "udp" | "sctp") => lower,
        _ => return Err(invalid(format!("invalid proto: {protocol}"))),
    };
    style.upper_protocol = !protocol.is_empty() && protocol != lower;
    style.host_part = !ip.is_empty() || !host_port.is_empty();
    let ports = ports(ip, host_port, port).map_err(|message| PortError { message, style })?;
    Ok(Exposed { ports: ports.map(|port| format!("{port}/{lower}")).collect(), style })
}

fn ports(ip: &str, host_port: &str, port: &str) -> Result<RangeInclusive<u16>, String> {
    if !ip.is_empty() {
        let bare = without_brackets(ip)?;
        if bare.is_empty() {
            // The official check skips an address that is empty once its brackets are off.
        } else if bare.parse::<IpAddr>().is_err() {
            return Err(format!("invalid IP address: {bare}"));
        }
    }
    let ports = range(port).ok_or_else(|| format!("invalid containerPort: {port}"))?;
    if !host_port.is_empty() {
        let host = range(host_port).ok_or_else(|| format!("invalid hostPort: {host_port}"))?;
        let span = |range: &RangeInclusive<u16>| range.end() - range.start();
        if span(&ports) != span(&host) && span(&ports) != 0 {
            return Err(format!(
                "invalid ranges specified for container and host Ports: {port} and {host_port}"
            ));
        }
    }
    Ok(ports)
}

/// An IPv6 address without its brackets, with the errors of Go's `net.SplitHostPort`.
fn without_brackets(ip: &str) -> Result<&str, String> {
    let Some(inner) = ip.strip_prefix('[') else { return Ok(ip) };
    let fail = |reason: &str| Err(format!("invalid IP address {ip}: address {ip}:: {reason}"));
    let Some((address, rest)) = inner.split_once(']') else { return fail("missing ']' in address") };
    match rest {
        "" if address.contains('[') => fail("unexpected '[' in address"),
        "" => Ok(address),
        rest if rest.starts_with(':') => fail("too many colons in address"),
        _ => fail("missing port in address"),
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (start, end) = text.split_once('-').unwrap_or((text, text));
    let (start, end) = (number(start)?, number(end)?);
    (start <= end).then_some(start..=end)
}

fn number(text: &str) -> Option<u16> {
    u16::try_from(text.parse::<i64>().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::parse_port;

    #[test]
    fn reads_ports() {
        for (raw, expected) in [
            ("80", "80/tcp"),
            ("80/UDP", "80/udp upper"),
            ("80/", "80/tcp"),
            ("0", "0/tcp"),
            ("100-102", "100/tcp 101/tcp 102/tcp"),
            ("7-7/sctp", "7/sctp"),
            ("1:2", "2/tcp host"),
            ("127.0.0.1::2", "2/tcp host"),
            ("[::1]:1:2", "2/tcp host"),
            ("1-9:80", "80/tcp host"),
            ("", "! invalid port: \"\": no port specified"),
            ("1:/tcp", "! invalid port: \"1:/tcp\": no port specified"),
            ("80/x", "! invalid port: \"80/x\": invalid proto: x"),
            ("a", "! invalid containerPort: a"),
            ("65536", "! invalid containerPort: 65536"),
            ("9-8", "! invalid containerPort: 9-8"),
            ("a:80", "! invalid hostPort: a"),
            ("x:1:80", "! invalid IP address: x"),
            ("[::1:1:80", "! invalid IP address [::1: address [::1:: missing ']' in address"),
            ("1-3:80-81", "! invalid ranges specified for container and host Ports: 80-81 and 1-3"),
        ] {
            let found = match parse_port(raw) {
                Ok(exposed) => {
                    let upper = if exposed.style.upper_protocol { " upper" } else { "" };
                    let host = if exposed.style.host_part { " host" } else { "" };
                    format!("{}{upper}{host}", exposed.ports.join(" "))
                }
                Err(error) => format!("! {error}"),
            };
            assert_eq!(found, expected, "{raw}");
        }
    }
}
