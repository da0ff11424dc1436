//! Users and groups of the image: who is kept, and what their names mean (`passwd(5)`, `group(5)`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::rootfs::{Rootfs, RootfsPath};

/// One line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) comment: String,
    pub(super) home: String,
    /// The login shell.
    pub(super) shell: String,
}

/// One line of `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) gid: u32,
    pub(super) members: Vec<String>,
}

/// A passwd file and a group file.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    pub(super) users: Vec<User>,
    pub(super) groups: Vec<Group>,
}

/// Names that a user or group lookup did not find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    User(String),
    Group(String),
}

impl Accounts {
    /// What every set has: root, nobody and nonroot, as in Google's images.
    pub(super) fn base() -> Self {
        let user = |name: &str, uid, home: &str| User {
            name: name.to_owned(),
            uid,
            gid: uid,
            comment: name.to_owned(),
            home: home.to_owned(),
            shell: String::new(),
        };
        let group = |name: &str, gid| Group { name: name.to_owned(), gid, members: Vec::new() };
        Self {
            users: vec![
                user("root", 0, "/root"),
                user("nobody", 65534, "/nonexistent"),
                user("nonroot", NONROOT, "/home/nonroot"),
            ],
            groups: vec![
                group("root", 0),
                group("nobody", 65534),
                group("tty", 5),
                group("staff", 50),
                group("nonroot", NONROOT),
            ],
        }
    }

    /// Reads the two files of a root; a file that is missing or odd has the lines that can be read.
    pub(super) fn read(rootfs: &dyn Rootfs) -> Self {
        let text = |path: &str| {
            let bytes = rootfs.read(&RootfsPath::from(path), 0..MAX_BYTES).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self {
            users: text("/etc/passwd").lines().filter_map(parse_user).collect(),
            groups: text("/etc/group").lines().filter_map(parse_group).collect(),
        }
    }

    pub(super) fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    pub(super) fn user_of(&self, uid: u32) -> Option<&User> {
        self.users.iter().find(|user| user.uid == uid)
    }

    fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    fn group_of(&self, gid: u32) -> Option<&Group> {
        self.groups.iter().find(|group| group.gid == gid)
    }
}

/// Where names are looked up: the base set, then what came before in the tree, then the sources in order.
#[derive(Default)]
pub(super) struct Directory {
    all: Vec<Accounts>,
    used_users: BTreeSet<u32>,
    used_groups: BTreeSet<u32>,
    named: BTreeMap<String, u32>,
}

impl Directory {
    pub(super) fn new(all: Vec<Accounts>) -> Self {
        Self { all, used_users: BTreeSet::new(), used_groups: BTreeSet::new(), named: BTreeMap::new() }
    }

    /// Puts accounts before all others: those of a passwd file that the user copied.
    pub(super) fn prefer(&mut self, accounts: Accounts) {
        self.all.insert(0, accounts);
    }

    /// The numbers of `user[:group]` as in `--chown`: a user without a group has the user's number as group when it is
    /// a number, its own group when it is a name.
    pub(super) fn chown(&mut self, text: &str) -> Result<(u32, u32), Unknown> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let (uid, own) = match user.parse::<u32>() {
            Ok(uid) => (uid, uid),
            Err(_) if user.is_empty() => (0, 0),
            Err(_) => {
                let found = self.find_user(user).ok_or_else(|| Unknown::User(user.to_owned()))?;
                (found.uid, found.gid)
            }
        };
        let gid = match group {
            None | Some("") => own,
            Some(group) => self.group_number(group)?,
        };
        Ok((uid, gid))
    }

    /// The numbers of a `USER` text as the runtime understands them: the group of a user is what its passwd line says,
    /// else 0.
    pub(super) fn user(&mut self, text: &str) -> Result<(u32, u32), Unknown> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let (uid, own) = if let Ok(uid) = user.parse::<u32>() {
            (uid, self.all.iter().find_map(|all| all.user_of(uid)).map_or(0, |found| found.gid))
        } else {
            let found = self.find_user(user).ok_or_else(|| Unknown::User(user.to_owned()))?;
            (found.uid, found.gid)
        };
        let gid = match group {
            None | Some("") => own,
            Some(group) => self.group_number(group)?,
        };
        self.keep(uid, gid);
        Ok((uid, gid))
    }

    fn group_number(&mut self, group: &str) -> Result<u32, Unknown> {
        if let Ok(gid) = group.parse() {
            return Ok(gid);
        }
        let found = self.all.iter().find_map(|all| all.group(group)).cloned();
        let found = found.ok_or_else(|| Unknown::Group(group.to_owned()))?;
        self.used_groups.insert(found.gid);
        Ok(found.gid)
    }

    fn find_user(&mut self, name: &str) -> Option<User> {
        let found = self.all.iter().find_map(|all| all.user(name)).cloned()?;
        self.named.insert(name.to_owned(), found.uid);
        self.keep(found.uid, found.gid);
        Some(found)
    }

    /// The groups besides its own that a user is a member of: an engine gives them to a user that is written without
    /// a group.
    pub(super) fn further_groups(&self, uid: u32) -> BTreeSet<u32> {
        let Some(user) = self.of(uid) else { return BTreeSet::new() };
        let groups = self.all.iter().flat_map(|all| &all.groups);
        let member = |group: &&Group| group.gid != user.gid && group.members.contains(&user.name);
        groups.filter(member).map(|group| group.gid).collect()
    }

    /// Keeps the lines of a file's owner.
    pub(super) fn keep(&mut self, uid: u32, gid: u32) {
        self.used_users.insert(uid);
        self.used_groups.insert(gid);
    }

    /// The user of this number.
    pub(super) fn of(&self, uid: u32) -> Option<&User> {
        let named = self.named.iter().find(|(_, number)| **number == uid).map(|(name, _)| name);
        match named {
            Some(name) => self.all.iter().find_map(|all| all.user(name)),
            None => self.all.iter().find_map(|all| all.user_of(uid)),
        }
    }

    /// The users kept, the base set's first, then by number.
    pub(super) fn users(&self) -> Vec<User> {
        let mut users = Accounts::base().users;
        let known: BTreeSet<u32> = users.iter().map(|user| user.uid).collect();
        users.extend(self.used_users.difference(&known).filter_map(|uid| self.of(*uid)).cloned());
        users
    }

    /// Keeps the lines of an account by its name, where there is one.
    pub(super) fn keep_named(&mut self, name: &str) {
        // A user's number that the base set has under another name stays that one's.
        let _ = self.chown(name);
        let _ = self.chown(&format!(":{name}"));
    }

    /// `/etc/passwd` of the image; a login shell that the image holds stays, for `su(1)` starts it. `locks`: nobody
    /// has a password, for what would look for one in a shadow file.
    pub(super) fn passwd(&self, holds: &dyn Fn(&str) -> bool, locks: bool) -> Vec<u8> {
        let password = if locks { '*' } else { 'x' };
        let mut text = String::new();
        for User { name, uid, gid, comment, home, shell } in self.users() {
            let own = self.all.iter().find_map(|all| all.user(&name)).map(|user| user.shell.clone());
            let shell = [shell, own.unwrap_or_default()].into_iter().find(|shell| !shell.is_empty());
            let shell = shell.filter(|shell| holds(shell)).unwrap_or_else(|| "/sbin/nologin".to_owned());
            let _ = writeln!(text, "{name}:{password}:{uid}:{gid}:{comment}:{home}:{shell}");
        }
        text.into_bytes()
    }

    /// `/etc/group` of the image: the base set's groups, the groups of users and files, and those that a kept user is
    /// a member of.
    pub(super) fn group(&self) -> Vec<u8> {
        let base = Accounts::base();
        let names: BTreeSet<String> = self.users().into_iter().map(|user| user.name).collect();
        let mut wanted = self.used_groups.clone();
        wanted.extend(self.users().into_iter().map(|user| user.gid));
        for group in self.all.iter().flat_map(|all| &all.groups) {
            let extra = |member: &String| names.contains(member) && base.user(member).is_none();
            if group.members.iter().any(extra) {
                wanted.insert(group.gid);
            }
        }
        let mut groups = base.groups.clone();
        for gid in wanted.iter().filter(|gid| base.group_of(**gid).is_none()) {
            groups.extend(self.all.iter().find_map(|all| all.group_of(*gid)).cloned());
        }
        let mut text = String::new();
        for group in groups {
            let members: Vec<&String> =
                group.members.iter().filter(|member| names.contains(*member)).collect();
            let members = members.into_iter().map(String::as_str).collect::<Vec<_>>().join(",");
            let _ = writeln!(text, "{}:x:{}:{members}", group.name, group.gid);
        }
        text.into_bytes()
    }
}

fn parse_user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let comment = fields.next().unwrap_or_default().to_owned();
    let home = fields.next().filter(|home| !home.is_empty()).unwrap_or("/").to_owned();
    let shell = fields.next().unwrap_or_default().trim().to_owned();
    Some(User { name, uid, gid, comment, home, shell })
}

fn parse_group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let gid = fields.nth(1)?.parse().ok()?;
    let members = fields.next().unwrap_or_default();
    let members = members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect();
    Some(Group { name, gid, members })
}

/// uid and gid of `nonroot`.
pub(super) const NONROOT: u32 = 65532;

/// Bytes of a passwd or group file that are read.
const MAX_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let source = Accounts {
            users: "app:x:1000:1001:App,,,:/home/app:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/x"
                .lines()
                .filter_map(parse_user)
                .collect(),
            groups: "app:x:1001:\nwww-data:x:33:app\ndocker:x:999:app,other"
                .lines()
                .filter_map(parse_group)
                .collect(),
        };
        Directory::new(vec![Accounts::base(), source])
    }

    #[test]
    fn names_become_numbers() {
        type Numbers = Result<(u32, u32), Unknown>;
        let rows: [(&str, Numbers, Numbers); 8] = [
            ("app", Ok((1000, 1001)), Ok((1000, 1001))),
            ("1000", Ok((1000, 1000)), Ok((1000, 1001))),
            ("4711", Ok((4711, 4711)), Ok((4711, 0))),
            ("app:docker", Ok((1000, 999)), Ok((1000, 999))),
            ("nonroot", Ok((65532, 65532)), Ok((65532, 65532))),
            ("1:2", Ok((1, 2)), Ok((1, 2))),
            ("ap", Err(Unknown::User("ap".to_owned())), Err(Unknown::User("ap".to_owned()))),
            ("0:g", Err(Unknown::Group("g".to_owned())), Err(Unknown::Group("g".to_owned()))),
        ];
        for (text, chown, user) in rows {
            assert_eq!(directory().chown(text), chown, "--chown={text}");
            assert_eq!(directory().user(text), user, "USER {text}");
        }
    }

    #[test]
    fn kept_accounts_are_written() {
        let mut directory = directory();
        directory.user("app").expect("the source has it");
        let passwd = String::from_utf8(directory.passwd(&|_| false, false)).expect("text");
        assert!(passwd.starts_with("root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:"), "{passwd}");
        assert!(passwd.ends_with("\napp:x:1000:1001:App,,,:/home/app:/sbin/nologin\n"), "{passwd}");
        let group = String::from_utf8(directory.group()).expect("text");
        assert!(
            group.ends_with("nonroot:x:65532:\nwww-data:x:33:app\ndocker:x:999:app\napp:x:1001:\n"),
            "{group}"
        );
    }
}
