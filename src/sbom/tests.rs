use serde_json::Value;

use super::document;
use crate::closure::zip::tests::archive;
use crate::distill::manifest::{self, Entry, EntryKind, Layer};
use crate::rootfs::tree::TreeRootfs;

const CREATED: &str = "2023-11-14T22:13:20Z";

fn escaped(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\x{byte:02x}").unwrap();
        text
    })
}

fn json(tree: &str) -> Value {
    let tree = TreeRootfs::parse(tree).unwrap();
    serde_json::from_slice(&document(&tree, CREATED).unwrap()).unwrap()
}

/// A document as text: packages with what they hold and need.
fn outline(document: &Value) -> String {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let list = |key: &str| document[key].as_array().cloned().unwrap_or_default();
    let label = |id: &str| {
        let file = list("files").into_iter().find(|file| text(file, "SPDXID") == id);
        let package = list("packages").into_iter().find(|package| text(package, "SPDXID") == id);
        file.map(|file| text(&file, "fileName"))
            .or_else(|| package.map(|package| text(&package, "name")))
            .unwrap_or_else(|| id.to_owned())
    };
    let mut lines = vec![format!("{} {}", text(document, "name"), document["creationInfo"])];
    for package in list("packages") {
        let id = text(&package, "SPDXID");
        lines.push(format!(
            "{} {} {}",
            text(&package, "name"),
            text(&package, "versionInfo"),
            text(&package["externalRefs"][0], "referenceLocator")
        ));
        for key in ["supplier", "licenseDeclared", "licenseComments", "comment"] {
            let value = text(&package, key);
            if !value.is_empty() && value != "NOASSERTION" {
                lines.push(format!("    {key}: {value}"));
            }
        }
        for related in list("relationships").iter().filter(|related| text(related, "spdxElementId") == id) {
            let other = label(&text(related, "relatedSpdxElement"));
            lines.push(format!("    {} {other}", text(related, "relationshipType")));
        }
    }
    lines.join("\n")
}

macro_rules! check {
    ($tree:expr) => {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(outline(&json($tree)));
        })
    };
}

#[test]
fn packages_of_debian_with_what_the_manifest_gives_them() {
    let entry = |path: &str, package: Option<&str>| Entry {
        path: path.to_owned(),
        kind: EntryKind::File { size: 1 },
        mode: "0644".to_owned(),
        uid: 0,
        gid: 0,
        layer: Layer::Os,
        reason: Vec::new(),
        hard: false,
        package: package.map(str::to_owned),
        instruction: None,
    };
    let manifest = manifest::tests::manifest(vec![
        entry("/etc/services", Some("netbase")),
        entry("/usr/lib/libz.so.1", None),
    ]);
    let manifest = escaped(&manifest::pack(&manifest));
    check!(&format!(
        r#"
            /etc/os-release text "ID=debian\nVERSION_ID=\"12\"\n"
            /etc/services text s
            /usr/lib/libc.so.6 text c
            /usr/lib/libc.so -> libc.so.6
            /usr/lib/libz.so.1 text "put there by the user"
            /usr/lib/decant/manifest.json.gz text "{manifest}"
            /var/lib/dpkg/status.d/libc6 text "Package: libc6\nSource: glibc\nVersion: 2.36-9+deb12u1\nArchitecture: amd64\nMaintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>\n"
            /var/lib/dpkg/status.d/libc6.md5sums text "00000000000000000000000000000000  usr/lib/libc.so.6\n"
            /var/lib/dpkg/status.d/netbase text "Package: netbase\nVersion: 1:6.4\nArchitecture: all\nMaintainer: A Person\n"
            /var/lib/dpkg/status.d/zlib1g text "Package: zlib1g\nVersion: 1\nArchitecture: amd64\n"
            /var/lib/dpkg/status.d/zlib1g.md5sums text "00000000000000000000000000000000  usr/lib/libz.so.1\n"
            "#
    ));
}

#[test]
fn packages_of_alpine() {
    check!(
        r#"
        /etc/os-release text "ID=alpine\nVERSION_ID=3.22.1\n"
        /lib/ld-musl-x86_64.so.1 text m
        /lib/apk/db/installed text "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\nm:Timo <t@alpine.org>\nF:lib\nR:ld-musl-x86_64.so.1\n\nP:odd\nV:1\nA:x86_64\nL:custom thing\no:odd-source\n\n"
        "#
    );
}

#[test]
fn packages_of_languages() {
    let inner = archive(&[("META-INF/MANIFEST.MF", b"Implementation-Version: 7\n", false)]);
    let jar = archive(&[
        (
            "META-INF/maven/org.a/app/pom.properties",
            b"#x\ngroupId=org.a\nartifactId=app\nversion=1.0\n",
            true,
        ),
        ("BOOT-INF/lib/inner.jar", &inner, false),
        ("META-INF/MANIFEST.MF", b"Implementation-Version: 9\n", true),
    ]);
    let jar = escaped(&jar);
    check!(&format!(
        r#"
            /srv/app.py text "import flask"
            /usr/lib/site-packages/Flask_Cors-4.0.dist-info/METADATA text "Name: Flask_Cors\nVersion: 4.0\nLicense-Expression: MIT\n\nVersion: 9\n"
            /usr/lib/site-packages/Flask_Cors-4.0.dist-info/RECORD text "flask_cors/__init__.py,,\n\"flask_cors/a,b.py\",,\n../../bin/tool,,\nnone.py,,\n../../../../etc/passwd,,\n"
            /usr/lib/site-packages/flask_cors/__init__.py text a
            /usr/lib/site-packages/flask_cors/a,b.py text b
            /usr/bin/tool text t
            /app/package.json text "{{\"name\":\"app\",\"version\":\"1\"}}"
            /app/node_modules/@a/b/package.json text "{{\"name\":\"@a/b\",\"version\":\"2.0.0\",\"license\":\"SEE LICENSE\"}}"
            /app/node_modules/@a/b/lib/index.js text i
            /app/node_modules/@a/b/node_modules/c/package.json text "{{\"name\":\"c\",\"version\":\"3\"}}"
            /app/node_modules/@a/b/node_modules/c/broken/package.json text "no"
            /opt/app-1.0.jar text "{jar}"
            "#
    ));
}

#[test]
fn files_are_the_regular_ones_with_their_sums() {
    let found =
        json("/a/x text hello\n/a/y = /a/x\n/b -> a\n/tmp/ 1777\n\"/odd\\xff\" text \"\"\n/pipe fifo");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!(found);
    });
}

#[test]
fn the_name_is_a_function_of_the_content() {
    let name = |tree: &str| json(tree)["documentNamespace"].as_str().unwrap().to_owned();
    assert_eq!(name("/a text x"), name("/a text x"));
    assert_ne!(name("/a text x"), name("/a text y"));
}

proptest::proptest! {
    #[test]
    fn hostile_descriptions_do_no_harm(text in "[a-z{}\":,\\[\\]A-Z \n=-]{0,80}", bytes: Vec<u8>) {
        let (text, bytes) = (escaped(text.as_bytes()), escaped(&bytes));
        let tree = format!(
            "/node_modules/a/package.json text \"{text}\"\n/x.dist-info/METADATA text \"{text}\"\n\
             /x.dist-info/RECORD text \"{text}\"\n/a.jar text \"PK{bytes}\"\n/p 0755 text \"\\x7fELF{bytes}\"\n\
             /etc/os-release text \"ID={text}\"\n/usr/lib/decant/manifest.json.gz text \"{bytes}\""
        );
        if let Ok(tree) = TreeRootfs::parse(&tree) {
            document(&tree, CREATED).unwrap();
        }
    }
}
