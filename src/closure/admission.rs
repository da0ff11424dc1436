//! What of a copied tree an image may have: secrets, odd files and privileges, and what is said about them.

use super::finding;
use super::hygiene;
use super::keys;
use crate::distill::manifest::Finding;
use crate::distill::spec::InstructionId;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// How an instruction stands to an entry that it brings.
#[derive(Clone, Copy)]
pub(super) struct Claim<'i> {
    pub(super) id: Option<&'i InstructionId>,
    /// It names this file itself, not by its directory or a wildcard.
    pub(super) named: bool,
    /// It names something that holds secrets, and this is (in) it.
    pub(super) secret: bool,
}

/// Whether an entry may come, and what is said about it.
pub(super) enum Verdict {
    Admitted(Option<Finding>),
    Refused(Finding),
}

/// Judges an entry by its kind, its name and, for key files, its content.
///
/// # Errors
/// What the root answers.
pub(super) fn judge(
    rootfs: &dyn Rootfs,
    path: &RootfsPath,
    stat: &Stat,
    claim: Claim<'_>,
) -> Result<Verdict, RootfsError> {
    if let Some(what) = odd(path, stat) {
        return Ok(Verdict::Refused(odd_finding(path, what).at(claim.id)));
    }
    let Some(what) = secret(rootfs, path, stat)? else { return Ok(Verdict::Admitted(None)) };
    if claim.named || claim.secret {
        let finding = finding::warning(
            finding::SECRET_COPIED,
            format!("`{path}` {what} and is in the image: it is named itself"),
        )
        .hint("use a secret mount, or give it to the container when it starts");
        return Ok(Verdict::Admitted(Some(finding.at(claim.id))));
    }
    let finding = finding::warning(finding::SECRET_SKIPPED, format!("`{path}` {what}: left out"))
        .hint("name the file itself in a COPY to keep it");
    Ok(Verdict::Refused(finding.at(claim.id)))
}

/// Why an entry counts as a secret, as the end of a sentence.
fn secret(rootfs: &dyn Rootfs, path: &RootfsPath, stat: &Stat) -> Result<Option<&'static str>, RootfsError> {
    if hygiene::is_secret_path(path) {
        return Ok(Some("holds secrets"));
    }
    let key =
        stat.kind == FileKind::Regular && keys::may_hold_key(path.name()) && keys::holds_key(rootfs, path)?;
    Ok(key.then_some("holds a private key"))
}

/// Why no image may have the entry, as the end of a sentence.
pub(super) fn odd(path: &RootfsPath, stat: &Stat) -> Option<&'static str> {
    match stat.kind {
        _ if hygiene::is_whiteout(path.name()) => Some("would delete a file when its layer is unpacked"),
        FileKind::CharDevice | FileKind::BlockDevice => Some("is a device"),
        FileKind::Fifo => Some("is a pipe"),
        FileKind::Socket => Some("is a socket"),
        FileKind::Regular if stat.size > MAX_FILE_BYTES => Some("is longer than a terabyte"),
        FileKind::Regular | FileKind::Directory | FileKind::Symlink(_) => None,
    }
}

/// The warning for an entry that [`odd`] keeps out.
pub(super) fn odd_finding(path: &RootfsPath, what: &str) -> Finding {
    finding::warning(finding::SPECIAL_FILE, format!("`{path}` {what}: left out"))
}

/// Takes setuid, setgid and capabilities from a file that only lies in a copied directory; what is said about a file
/// that has them.
pub(super) fn take_privileges(path: &RootfsPath, stat: &mut Stat, claim: Claim<'_>) -> Option<Finding> {
    let privileged = stat.kind == FileKind::Regular && stat.mode & 0o6000 != 0;
    let capable = stat.xattrs.iter().any(|(name, _)| name == CAPABILITY);
    if !privileged && !capable {
        return None;
    }
    let what = if privileged { "is setuid or setgid" } else { "has file capabilities" };
    let finding = if claim.named {
        finding::warning(finding::SETUID, format!("`{path}` {what} and is named itself, so it stays so"))
            .hint("COPY --chmod=0755 it unless its user must change")
    } else {
        stat.mode &= !0o6000;
        stat.xattrs.retain(|(name, _)| name != CAPABILITY);
        finding::warning(finding::SETUID, format!("`{path}` {what} in a copied directory: taken away"))
            .hint("name the file itself in a COPY to keep it")
    };
    Some(finding.at(claim.id))
}

/// A longer file is mostly a hole, which a layer holds as zeros: no build that exports it ends.
const MAX_FILE_BYTES: u64 = 1 << 40;

/// The extended attribute with file capabilities (`capabilities(7)`).
pub(super) const CAPABILITY: &[u8] = b"security.capability";
