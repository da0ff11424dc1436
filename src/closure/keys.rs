//! Private keys and tokens, by what is in a file: names alone do not tell.

use super::literals::contains;
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// Whether a file of this name is looked into.
pub(super) fn may_hold_key(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending.as_bytes()));
    // Reading all JSON of a tree would read most of node_modules.
    let service = ends(&[".json", ".txt", ".yaml", ".yml"])
        && TELLING.iter().any(|part| contains(&lower, part.as_bytes()));
    let bare = !lower.contains(&b'.') && contains(&lower, b"key");
    ends(&KEY_ENDINGS) || service || bare || is_settings(name)
}

/// Whether the file begins with, or soon contains, a private key (PEM: RFC 7468; PKCS #12: RFC 7292; Java's keystore;
/// `PuTTY`'s format), or the settings of a package manager hold a token.
///
/// # Errors
/// What the root answers.
pub(super) fn holds_key(rootfs: &dyn Rootfs, path: &RootfsPath) -> Result<bool, RootfsError> {
    let head = rootfs.read(path, 0..KEY_BYTES)?;
    let name = path.name().to_ascii_lowercase();
    if is_settings(path.name()) {
        return Ok(holds_token(&head));
    }
    // PKCS #12 is encrypted: one that only says whom to trust is known by its name.
    if name.ends_with(b".p12") || name.ends_with(b".pfx") {
        return Ok(head.starts_with(DER_SEQUENCE)
            && !contains(&name, b"trust")
            && !contains(&name, b"cacert"));
    }
    if head.starts_with(KEYSTORE) {
        return Ok(head.get(12..16) == Some(KEY_ENTRY));
    }
    Ok(head.starts_with(b"PuTTY-User-Key-File") || holds_pem_key(&head))
}

/// A private key in PEM form at the beginning of a line, or of a quoted text.
fn holds_pem_key(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_start);
    lines.any(|line| {
        (line.starts_with(b"-----BEGIN ") || contains(line, b"\"-----BEGIN "))
            && (contains(line, b"PRIVATE KEY-----") || contains(line, b"PRIVATE KEY BLOCK-----"))
    })
}

/// A setting called token or password with a value, or an address with a password.
fn holds_token(text: &[u8]) -> bool {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_start);
    let mut lines = lines.filter(|line| !matches!(line.first(), Some(b'#' | b';')));
    lines.any(|line| {
        let lower = line.to_ascii_lowercase();
        let named = [&b"token"[..], b"password", b"authident"].iter().any(|word| contains(&lower, word));
        let host = line.split(|byte| *byte == b'/').nth(2).filter(|_| contains(line, b"://"));
        let address = host.is_some_and(|host| host.contains(&b'@') && host.contains(&b':'));
        named && (line.contains(&b':') || line.contains(&b'=')) || address
    })
}

fn is_settings(name: &[u8]) -> bool {
    SETTINGS.iter().any(|known| known.as_bytes() == name)
}

/// Files that are looked into, by how their names end.
const KEY_ENDINGS: [&str; 10] =
    [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".ppk", ".asc", ".gpg", ".priv"];

/// Parts of the names that people give to files with keys of services.
const TELLING: [&str; 7] = ["account", "adminsdk", "apikey", "auth", "credential", "private", "secret"];

/// Settings of package managers and of git.
const SETTINGS: [&str; 5] = [".gitconfig", ".yarnrc", ".yarnrc.yml", "auth.json", "pip.conf"];

/// The tag of a DER sequence.
const DER_SEQUENCE: &[u8] = b"\x30";

/// The magic number of Java's own keystore (`sun.security.provider.JavaKeyStore`).
const KEYSTORE: &[u8] = b"\xfe\xed\xfe\xed";

/// Its first entry is a private key.
const KEY_ENTRY: &[u8] = b"\x00\x00\x00\x01";

/// Bytes of a key file that are looked at: a bundle of certificates may come before the key.
const KEY_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tree::TreeRootfs;

    #[test]
    fn keys_by_content() {
        let rows = [
            ("private key", r#"/a/server.key text "-----BEGIN PRIVATE KEY-----""#, true),
            ("certificate", r#"/a/server.pem text "-----BEGIN CERTIFICATE-----""#, false),
            (
                "behind others",
                r#"/a/all.pem text "-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----""#,
                true,
            ),
            ("of ssh, any name", r#"/a/deploy_key text "-----BEGIN OPENSSH PRIVATE KEY-----""#, true),
            ("of OpenPGP", r#"/a/me.asc text "-----BEGIN PGP PRIVATE KEY BLOCK-----""#, true),
            (
                "of a service",
                r#"/a/service-account.json text "{\x22k\x22: \x22-----BEGIN PRIVATE KEY-----\x22}""#,
                true,
            ),
            ("other JSON", r#"/a/account.json text "{}""#, false),
            ("PKCS 12", r#"/a/client.p12 text "0\x82""#, true),
            ("PKCS 12 that trusts", r#"/a/truststore.p12 text "0\x82""#, false),
            (
                "keystore",
                r#"/a/k.jks text "\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01""#,
                true,
            ),
            (
                "that trusts",
                r#"/a/k.jks text "\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02""#,
                false,
            ),
            ("a token", r#"/a/.yarnrc.yml text "npmAuthToken: abc""#, true),
            ("settings", r#"/a/.yarnrc.yml text "nodeLinker: node-modules""#, false),
            ("an address", r#"/a/pip.conf text "index-url = https://me:pw@host/simple""#, true),
            ("without a password", r#"/a/pip.conf text "index-url = https://host/simple""#, false),
        ];
        for (summary, line, expected) in rows {
            let tree = TreeRootfs::parse(line).unwrap_or_else(|error| panic!("{summary}: {error}"));
            let path = RootfsPath::from(line.split(' ').next().unwrap_or_default());
            let found = may_hold_key(path.name()) && holds_key(&tree, &path).expect("a file of the tree");
            assert_eq!(found, expected, "{summary}");
        }
    }
}
