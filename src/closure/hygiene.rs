//! What never goes into an image by itself: secrets, and names that are no plain files.

use crate::rootfs::RootfsPath;

/// Whether a file or directory of this name, below a directory of this name, holds secrets.
///
/// `parent` is the name of the directory that holds it.
pub(super) fn is_secret_name(parent: &[u8], name: &[u8]) -> bool {
    if EXAMPLES.iter().any(|suffix| name.ends_with(suffix.as_bytes())) {
        return false;
    }
    let listed = NAMES.iter().any(|known| known.as_bytes() == name);
    let dotenv = name.starts_with(b".env.");
    let key = KEYS
        .iter()
        .any(|known| name.strip_prefix(known.as_bytes()).is_some_and(|rest| !rest.ends_with(b".pub")));
    let nested = NESTED.iter().any(|(dir, file)| dir.as_bytes() == parent && file.as_bytes() == name);
    listed || dotenv || key || nested || ENDINGS.iter().any(|ending| name.ends_with(ending.as_bytes()))
}

/// Whether a path, or a directory that it lies in, holds secrets by its name.
pub(super) fn is_secret_path(path: &RootfsPath) -> bool {
    let mut parent: &[u8] = b"";
    path.components().any(|name| is_secret_name(std::mem::replace(&mut parent, name), name))
}

/// Whether the name would be read as a deletion when the layer is unpacked (OCI image-spec, `layer.md`).
pub(super) fn is_whiteout(name: &[u8]) -> bool {
    name.starts_with(b".wh.")
}

/// Names that are only templates of secrets.
const EXAMPLES: [&str; 4] = [".example", ".sample", ".template", ".dist"];

/// Files that hold keys, by how their names end.
const ENDINGS: [&str; 4] = [".keytab", ".tfstate", ".tfstate.backup", ".kdbx"];

const NAMES: [&str; 28] = [
    ".env",
    ".git",
    ".hg",
    ".svn",
    ".ssh",
    ".npmrc",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".aws",
    ".azure",
    ".kube",
    ".dockercfg",
    ".boto",
    ".s3cfg",
    ".vault-token",
    ".pgpass",
    ".my.cnf",
    ".bash_history",
    ".python_history",
    ".node_repl_history",
    ".terraform.d",
    ".htpasswd",
    ".gnupg",
    ".credentials",
    ".databrickscfg",
    ".sentryclirc",
];

/// Private keys of ssh, of users and of hosts; their `.pub` halves are none.
const KEYS: [&str; 5] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "ssh_host_"];

/// (directory, name)
const NESTED: [(&str, &str); 17] = [
    ("etc", "shadow"),
    ("etc", "shadow-"),
    ("etc", "gshadow"),
    ("etc", "gshadow-"),
    (".docker", "config.json"),
    (".config", "gcloud"),
    (".cargo", "credentials"),
    (".cargo", "credentials.toml"),
    (".m2", "settings.xml"),
    (".gradle", "gradle.properties"),
    (".gem", "credentials"),
    ("ssl", "private"),
    ("gcloud", "application_default_credentials.json"),
    (".m2", "settings-security.xml"),
    (".bundle", "config"),
    ("run", "secrets"),
    (".config", "gh"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_by_name() {
        let rows: [(&str, &str, &str, bool); 15] = [
            ("environment", "app", ".env", true),
            ("environment of a stage", "app", ".env.production", true),
            ("its example", "app", ".env.example", false),
            ("version control", "app", ".git", true),
            ("not its settings", "app", ".gitignore", false),
            ("ssh key", "x", "id_rsa", true),
            ("ssh key with a name", "x", "id_ed25519_work", true),
            ("public half", "x", "id_rsa.pub", false),
            ("registry login", ".docker", "config.json", true),
            ("any other config.json", "app", "config.json", false),
            ("password hashes", "etc", "shadow", true),
            ("code", "app", "key.py", false),
            ("key of a host", "ssh", "ssh_host_rsa_key", true),
            ("its public half", "ssh", "ssh_host_rsa_key.pub", false),
            ("keys of Kerberos", "etc", "krb5.keytab", true),
        ];
        for (summary, parent, name, expected) in rows {
            assert_eq!(is_secret_name(parent.as_bytes(), name.as_bytes()), expected, "{summary}");
        }
    }

    #[test]
    fn what_lies_in_a_secret_directory_is_secret() {
        for (path, expected) in [
            ("/etc/ssl/private/site.key", true),
            ("/srv/.aws/credentials", true),
            ("/etc/ssl/certs/a.pem", false),
        ] {
            assert_eq!(is_secret_path(&RootfsPath::from(path)), expected, "{path}");
        }
    }
}
