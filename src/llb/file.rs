//! File ops: actions chained on one snapshot, and the input table that they share.

use crate::llb::encode::Member;
use crate::llb::op::{CopyAction, FileAction, FileOp, Owner, UserRef};
use crate::llb::{Output, State};
use crate::proto::pb;

/// No input, no output.
const NONE: i64 = -1;

/// The input table of one op: each distinct vertex output once, in first-use order.
pub(super) struct Inputs<'a> {
    digest_of: &'a dyn Fn(Output) -> pb::Input,
    table: Vec<pb::Input>,
}

impl<'a> Inputs<'a> {
    /// An empty table; `digest_of` names the vertex of a node.
    pub(super) fn new(digest_of: &'a dyn Fn(Output) -> pb::Input) -> Self {
        Self { digest_of, table: Vec::new() }
    }

    /// The index of `state`, -1 for scratch.
    pub(super) fn index(&mut self, state: State) -> i64 {
        let Some(output) = state else { return NONE };
        let input = (self.digest_of)(output);
        let known = self.table.iter().position(|other| *other == input);
        let index = known.unwrap_or_else(|| {
            self.table.push(input);
            self.table.len() - 1
        });
        count(index)
    }

    /// A new entry even if the vertex has one: merge and diff need an entry for each operand.
    pub(super) fn push(&mut self, state: State) -> i64 {
        let Some(output) = state else { return NONE };
        self.table.push((self.digest_of)(output));
        count(self.table.len() - 1)
    }

    /// The finished table.
    pub(super) fn into_table(self) -> Vec<pb::Input> {
        self.table
    }
}

/// The message of `file`.
pub(super) fn member(file: &FileOp, inputs: &mut Inputs<'_>) -> Member {
    let base = inputs.index(file.base);
    // Sources come before the indices of actions are known, since those count after all inputs.
    let sources: Vec<i64> = file
        .actions
        .iter()
        .map(|action| match action {
            FileAction::Copy(copy) => inputs.index(copy.source),
            _ => NONE,
        })
        .collect();
    let first_action = count(inputs.table.len());
    let last = file.actions.len().saturating_sub(1);
    let actions = file
        .actions
        .iter()
        .zip(sources)
        .enumerate()
        .map(|(position, (action, source))| pb::FileAction {
            input: if position == 0 { base } else { first_action + count(position) - 1 },
            secondary_input: source,
            output: if position == last { 0 } else { NONE },
            action: Some(self::action(action, base)),
        })
        .collect();
    Member::File(pb::FileOp { actions })
}

fn action(action: &FileAction, base: i64) -> pb::file_action::Action {
    use pb::file_action::Action;
    match action {
        FileAction::Copy(copy) => Action::Copy(self::copy(copy, base)),
        FileAction::Mkfile { path, mode, data, owner, timestamp } => Action::Mkfile(pb::FileActionMkFile {
            path: path.clone(),
            mode: *mode,
            data: data.clone(),
            owner: owner.as_ref().map(|owner| chown(owner, base)),
            timestamp: *timestamp,
        }),
        FileAction::Mkdir { path, mode, make_parents, owner, timestamp } => {
            Action::Mkdir(pb::FileActionMkDir {
                path: path.clone(),
                mode: *mode,
                make_parents: *make_parents,
                owner: owner.as_ref().map(|owner| chown(owner, base)),
                timestamp: *timestamp,
            })
        }
        FileAction::Rm { path, allow_not_found, allow_wildcard } => Action::Rm(pb::FileActionRm {
            path: path.clone(),
            allow_not_found: *allow_not_found,
            allow_wildcard: *allow_wildcard,
        }),
        FileAction::Symlink { oldpath, newpath, owner, timestamp } => {
            Action::Symlink(pb::FileActionSymlink {
                oldpath: oldpath.clone(),
                newpath: newpath.clone(),
                owner: owner.as_ref().map(|owner| chown(owner, base)),
                timestamp: *timestamp,
            })
        }
    }
}

fn copy(copy: &CopyAction, base: i64) -> pb::FileActionCopy {
    pb::FileActionCopy {
        src: copy.src.clone(),
        dest: copy.dest.clone(),
        owner: copy.owner.as_ref().map(|owner| chown(owner, base)),
        mode: copy.mode,
        follow_symlink: copy.follow_symlink,
        dir_copy_contents: copy.dir_copy_contents,
        attempt_unpack_docker_compatibility: copy.attempt_unpack,
        create_dest_path: copy.create_dest_path,
        allow_wildcard: copy.allow_wildcard,
        allow_empty_wildcard: copy.allow_empty_wildcard,
        timestamp: copy.timestamp,
        include_patterns: copy.include_patterns.clone(),
        exclude_patterns: copy.exclude_patterns.clone(),
        always_replace_existing_dest_paths: copy.always_replace_existing_dest_paths,
        mode_str: copy.mode_str.clone(),
        required_paths: copy.required_paths.clone(),
    }
}

/// Names are looked up in the base of the op, whichever action they belong to.
fn chown(owner: &Owner, base: i64) -> pb::ChownOpt {
    let user = |reference: &UserRef| pb::UserOpt {
        user: Some(match reference {
            UserRef::Id(id) => pb::user_opt::User::ById(*id),
            UserRef::Name(name) => {
                pb::user_opt::User::ByName(pb::NamedUserOpt { name: name.clone(), input: base })
            }
        }),
    };
    pb::ChownOpt { user: owner.user.as_ref().map(user), group: owner.group.as_ref().map(user) }
}

fn count(items: usize) -> i64 {
    i64::try_from(items).expect("memory holds fewer than 2^63 items")
}
