//! Owners of files that an instruction makes.

use super::Site;
use crate::diagnostic::Diagnostic;
use crate::dockerfile::chown::{self, Principal};
use crate::llb::op::{Owner, UserRef};

/// An owner as LLB has it.
pub(super) fn owner_of(owner: &chown::Owner) -> Owner {
    let principal = |principal: &Principal| match principal {
        Principal::Id(id) => UserRef::Id(*id),
        Principal::Name(name) => UserRef::Name(name.clone()),
    };
    Owner { user: Some(principal(&owner.user)), group: owner.group.as_ref().map(principal) }
}

/// A linked copy is made without the files below, so nothing can say what a name means.
pub(super) fn refuse_names(chown: &str, owner: &chown::Owner, site: &Site<'_>) -> Result<(), Diagnostic> {
    if !owner.has_names() {
        return Ok(());
    }
    Err(site.error(format!(
        "--chown={chown}: user and group names can't be resolved when used with --link, \
         use numeric uid[:gid] instead"
    )))
}
