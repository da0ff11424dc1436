//! URLs as Go's `net/url` reads and writes them, as far as git references need it.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use super::raw;

/// A URL with a scheme and an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// Lower case.
    pub(super) scheme: String,
    /// Host and port.
    pub(super) host: String,
    /// Decoded.
    pub(super) path: String,
    /// Decoded pairs in order; pairs that cannot be decoded are dropped.
    pub(super) query: Vec<(String, String)>,
    /// Decoded.
    pub(super) fragment: String,
    /// The whole URL without query and fragment.
    pub(super) remote: String,
}

impl Url {
    /// `None` for what Go refuses, and for URLs without `//`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return None;
        }
        let fragment = percent_decode(fragment, |_| true)?;
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_lowercase();
        let (rest, query) = match rest.split_once('?') {
            // A lone question mark at the end is kept in the remote.
            Some((rest, "")) => (rest, None),
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, Some("")),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(userinfo(user)?), host),
            None => (None, authority),
        };
        let host = parse_host(&scheme, host)?;
        let decoded = percent_decode(path, |_| true)?;
        let mut remote = format!("{scheme}:");
        if !host.is_empty() || !path.is_empty() || user.is_some() {
            remote.push_str("//");
        }
        if let Some(user) = user {
            remote.push_str(&user);
            remote.push('@');
        }
        remote.push_str(&percent_encode(host.as_bytes(), is_host_byte));
        if path.bytes().all(is_path_byte_or_escape) {
            remote.push_str(path);
        } else {
            remote.push_str(&percent_encode(&decoded, is_path_byte));
        }
        if query.is_none() {
            remote.push('?');
        }
        Some(Self {
            scheme,
            host,
            path: lossy(&decoded),
            query: parse_query(query.unwrap_or_default()).0,
            fragment: lossy(&fragment),
            remote,
        })
    }
}

/// The pairs of a query, and whether all of it could be decoded.
pub(super) fn parse_query(query: &str) -> (Vec<(String, String)>, bool) {
    let mut pairs = Vec::new();
    let mut complete = true;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let text = |part: &str| {
            let bytes = percent_decode(&part.replace('+', " "), |_| true)?;
            Some(lossy(&bytes))
        };
        match (text(key), text(value)) {
            (Some(key), Some(value)) if !pair.contains(';') => pairs.push((key, value)),
            _ => complete = false,
        }
    }
    (pairs, complete)
}

fn parse_host(scheme: &str, host: &str) -> Option<String> {
    let bracketed = match host.rfind('[') {
        None => None,
        Some(0) => Some(host[1..].rsplit_once(']')?),
        Some(_) => return None,
    };
    if let Some((address, port)) = bracketed {
        if !is_port(port) {
            return None;
        }
        let (address, zone) = match address.split_once("%25") {
            Some((address, zone)) => (address, Some(percent_decode(zone, is_zone_byte)?)),
            None => (address, None),
        };
        address.parse::<Ipv6Addr>().ok()?;
        let zone = zone.map(|zone| format!("%{}", lossy(&zone))).unwrap_or_default();
        return Some(format!("[{address}{zone}]{port}"));
    }
    // Only http and https insist on one colon.
    let colon = if matches!(scheme, "http" | "https") { host.find(':') } else { host.rfind(':') };
    if colon.is_some_and(|colon| !is_port(&host[colon..])) {
        return None;
    }
    if host.bytes().any(|byte| byte.is_ascii() && byte != b'%' && !is_host_byte(byte)) {
        return None;
    }
    // Escapes in a host stand for bytes beyond ASCII.
    let decoded = percent_decode(host, |byte| !byte.is_ascii() || byte == b'%')?;
    Some(lossy(&decoded))
}

fn is_port(text: &str) -> bool {
    let digits = text.strip_prefix(':');
    text.is_empty() || digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `user[:password]` in Go's own escapes.
fn userinfo(text: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !text.bytes().all(allowed) {
        return None;
    }
    let own = |part: &str| {
        let bytes = percent_decode(part, |_| true)?;
        Some(percent_encode(&bytes, |byte| is_unreserved(byte) || b"$&+,;=".contains(&byte)))
    };
    match text.split_once(':') {
        Some((user, password)) => Some(format!("{}:{}", own(user)?, own(password)?)),
        None => own(text),
    }
}

/// Bytes as text, with U+FFFD for what is not UTF-8.
fn lossy(bytes: &[u8]) -> String {
    raw::lossy(&raw::decode(bytes)).into_owned()
}

/// Decodes `%XX`; `None` for a malformed escape and for a byte that may not be escaped.
fn percent_decode(text: &str, may_be_escaped: impl Fn(u8) -> bool) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
        let byte = u8::try_from(high? * 16 + low?).ok()?;
        if !may_be_escaped(byte) {
            return None;
        }
        decoded.push(byte);
        rest = after;
    }
    Some(decoded)
}

fn percent_encode(bytes: &[u8], stays: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        if stays(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

fn is_path_byte(byte: u8) -> bool {
    is_unreserved(byte) || b"$&+,/:;=@".contains(&byte)
}

fn is_path_byte_or_escape(byte: u8) -> bool {
    is_path_byte(byte) || b"!'()*[]%".contains(&byte)
}

fn is_host_byte(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:[]<>\"".contains(&byte)
}

fn is_zone_byte(byte: u8) -> bool {
    is_host_byte(byte) || matches!(byte, b' ' | b'%')
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn reads_and_writes_urls() {
        for (text, expected) in [
            ("HTTPS://Host/a.git?x=1#f", Some(("https://Host/a.git", "Host", "/a.git", "f"))),
            ("ssh://git@h:22/a", Some(("ssh://git@h:22/a", "h:22", "/a", ""))),
            ("https://u:p%40@h/a", Some(("https://u:p%40@h/a", "h", "/a", ""))),
            ("https://h/a%20b c", Some(("https://h/a%20b%20c", "h", "/a b c", ""))),
            ("https://h/a%2fb", Some(("https://h/a%2fb", "h", "/a/b", ""))),
            ("https://[::1%25en0]:8/a", Some(("https://[::1%25en0]:8/a", "[::1%en0]:8", "/a", ""))),
            ("https://h/a?", Some(("https://h/a?", "h", "/a", ""))),
            ("https://h:x/a", None),
            ("https://h:1:2/a", None),
            ("https://a b/c", None),
            ("https://h/%zz", None),
            ("https://h/a#%z", None),
            ("https://[1.2.3.4]/a", None),
            ("https://h/a\n", None),
        ] {
            let url = Url::parse(text);
            let found = url.as_ref().map(|url| (&*url.remote, &*url.host, &*url.path, &*url.fragment));
            assert_eq!(found, expected, "{text}");
        }
    }
}
