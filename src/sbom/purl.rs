//! Package URLs (`purl-spec`).

use std::fmt::Write as _;

/// `pkg:kind/namespace/name@version?key=value&…`. The namespace may have several parts; empty parts of all kinds are
/// left out. The qualifiers are written in their order, which should be that of their keys.
pub(super) fn purl(
    kind: &str,
    namespace: &str,
    name: &str,
    version: &str,
    qualifiers: &[(&str, &str)],
) -> String {
    let mut url = format!("pkg:{kind}");
    for part in namespace.split('/').chain([name]).filter(|part| !part.is_empty()) {
        url.push('/');
        encode(&mut url, part);
    }
    if !version.is_empty() {
        url.push('@');
        encode(&mut url, version);
    }
    let mut sign = '?';
    for (key, value) in qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(url, "{sign}{key}=");
        encode(&mut url, value);
        sign = '&';
    }
    url
}

fn encode(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::purl;

    #[test]
    fn package_urls() {
        let distro = [("arch", "amd64"), ("distro", "debian-12"), ("upstream", "glibc@2.36")];
        for (url, expected) in [
            (
                purl("deb", "debian", "libc6", "1:2.36+x~1", &distro),
                "pkg:deb/debian/libc6@1%3A2.36%2Bx~1?arch=amd64&distro=debian-12&upstream=glibc%402.36",
            ),
            (purl("npm", "@a", "b", "1.0.0", &[]), "pkg:npm/%40a/b@1.0.0"),
            (purl("golang", "github.com/a", "b", "", &[("x", "")]), "pkg:golang/github.com/a/b"),
        ] {
            assert_eq!(url, expected);
        }
    }
}
