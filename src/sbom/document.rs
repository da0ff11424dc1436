//! An inventory as an SPDX 2.3 document.

use std::collections::BTreeMap;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::files::File;
use super::inventory::{Component, Inventory};
use super::licence;
use super::spdx::{
    self, Checksum, CreationInfo, Document, ExternalRef, NOASSERTION, Package, Relationship, VerificationCode,
};
use crate::closure::reason;
use crate::hex::hex;
use crate::rootfs::RootfsPath;

/// What a document says of itself.
pub(super) struct Header<'a> {
    /// Of the document and of the package that stands for the image.
    pub(super) name: &'a str,
    pub(super) created: &'a str,
}

/// The document; one that would be too large for the daemon lists no files.
pub(super) fn write(header: &Header<'_>, inventory: &Inventory) -> Vec<u8> {
    let whole = named(assemble(header, inventory, Files::Listed));
    if whole.len() <= MAX_BYTES { whole } else { named(assemble(header, inventory, Files::LeftOut)) }
}

#[derive(Clone, Copy, PartialEq)]
enum Files {
    Listed,
    LeftOut,
}

/// Gives a document the name that is a function of all it says.
fn named(mut document: Document<'_>) -> Vec<u8> {
    let bytes = |document: &Document<'_>| {
        serde_json::to_vec(document).expect("a document has no map with keys that are no text")
    };
    document.namespace = format!("{NAMESPACE}{}", hex(&Sha256::digest(bytes(&document))));
    bytes(&document)
}

fn assemble<'a>(header: &Header<'a>, inventory: &'a Inventory, listed: Files) -> Document<'a> {
    let mut files = Vec::new();
    let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", IMAGE)];
    // `None` stands for the image: what is of no package is the image's own.
    let mut held: BTreeMap<Option<&str>, Vec<(&RootfsPath, &File)>> = BTreeMap::new();
    if listed == Files::Listed {
        for (path, file) in &inventory.files {
            files.push(file_of(path, file));
            let owner = inventory.owners.get(path).map(String::as_str);
            held.entry(owner).or_default().push((path, file));
        }
    }
    let mut packages = vec![image(header.name, held.get(&None).map(Vec::as_slice))];
    for (purl, component) in &inventory.components {
        packages.push(package(purl, component, held.get(&Some(purl.as_str())).map(Vec::as_slice)));
        relationships.push(relationship(IMAGE, "CONTAINS", &package_id(purl, component)));
        for other in &component.depends {
            let Some(depended) = inventory.components.get(other) else { continue };
            let ids = [package_id(purl, component), package_id(other, depended)];
            relationships.push(relationship(&ids[0], "DEPENDS_ON", &ids[1]));
        }
    }
    for (owner, files) in held {
        let component = owner.and_then(|purl| Some((purl, inventory.components.get(purl)?)));
        let id = component.map_or_else(|| IMAGE.to_owned(), |(purl, component)| package_id(purl, component));
        relationships.extend(files.iter().map(|(path, _)| relationship(&id, "CONTAINS", &file_id(path))));
    }
    Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: header.name,
        namespace: String::new(),
        creation_info: CreationInfo { created: header.created, creators: [TOOL] },
        comment: (listed == Files::LeftOut).then_some("The image has too many files to list them here."),
        packages,
        files,
        relationships,
    }
}

fn image<'a>(name: &'a str, held: Option<&[(&RootfsPath, &File)]>) -> Package<'a> {
    Package {
        name,
        id: IMAGE.to_owned(),
        version_info: "",
        supplier: None,
        download_location: NOASSERTION,
        files_analyzed: held.is_some(),
        verification_code: held.map(verification_code),
        license_concluded: NOASSERTION,
        license_declared: NOASSERTION,
        license_comments: None,
        copyright_text: NOASSERTION,
        comment: None,
        purpose: Some("CONTAINER"),
        external_refs: Vec::new(),
    }
}

fn package<'a>(
    purl: &'a str,
    component: &'a Component,
    held: Option<&[(&RootfsPath, &File)]>,
) -> Package<'a> {
    let licence = component.licence.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let declared = licence.filter(|text| licence::is_expression(text));
    let url = ExternalRef { category: "PACKAGE-MANAGER", kind: "purl", locator: purl };
    Package {
        name: &component.name,
        id: package_id(purl, component),
        version_info: &component.version,
        supplier: component.supplier.as_deref().map(supplier),
        download_location: NOASSERTION,
        files_analyzed: held.is_some(),
        verification_code: held.map(verification_code),
        license_concluded: NOASSERTION,
        license_declared: declared.unwrap_or(NOASSERTION),
        license_comments: licence
            .filter(|_| declared.is_none())
            .map(|text| format!("The package's record says: {text}")),
        copyright_text: NOASSERTION,
        comment: component.comment,
        purpose: None,
        external_refs: vec![url],
    }
}

/// `Name <address>` as SPDX writes it.
fn supplier(maintainer: &str) -> String {
    match maintainer.split_once('<') {
        Some((name, address)) => {
            format!("Person: {} ({})", name.trim().trim_matches('"'), address.trim().trim_end_matches('>'))
        }
        None => format!("Person: {}", maintainer.trim()),
    }
}

/// SPDX 2.3, 7.9: the SHA-1 of all sums, sorted.
fn verification_code(files: &[(&RootfsPath, &File)]) -> VerificationCode {
    let mut sums: Vec<&str> = files.iter().map(|(_, file)| file.sums.sha1.as_str()).collect();
    sums.sort_unstable();
    VerificationCode { package_verification_code_value: hex(&Sha1::digest(sums.concat())) }
}

fn file_of<'a>(path: &RootfsPath, file: &'a File) -> spdx::File<'a> {
    spdx::File {
        name: format!(".{}", reason::escaped(path)),
        id: file_id(path),
        checksums: [
            Checksum { algorithm: "SHA1", checksum_value: &file.sums.sha1 },
            Checksum { algorithm: "SHA256", checksum_value: &file.sums.sha256 },
        ],
        license_concluded: NOASSERTION,
        copyright_text: NOASSERTION,
    }
}

fn relationship(from: &str, kind: &'static str, to: &str) -> Relationship {
    Relationship { from: from.to_owned(), kind, to: to.to_owned() }
}

fn file_id(path: &RootfsPath) -> String {
    format!("SPDXRef-File-{}", digest(path.as_bytes()))
}

/// The name is for people; the digest makes it one of a kind.
fn package_id(purl: &str, component: &Component) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    let name: String = component.name.chars().take(MAX_NAME).map(plain).collect();
    format!("SPDXRef-Package-{name}-{}", digest(purl.as_bytes()))
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..ID_BYTES])
}

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
const TOOL: &str = concat!("Tool: decant-", env!("CARGO_PKG_VERSION"));

/// What SPDX offers to those who have no site for documents (SPDX 2.3, 6.5).
const NAMESPACE: &str = "https://spdx.org/spdxdocs/decant-";

/// Bytes of a digest in an id.
const ID_BYTES: usize = 10;

/// Letters of a name in an id.
const MAX_NAME: usize = 60;

/// `BuildKit` 0.32 refuses attestations of more than 40 MiB, and writes longer ones than it reads.
const MAX_BYTES: usize = 30 << 20;
