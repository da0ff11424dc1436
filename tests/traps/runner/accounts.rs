//! Who a container runs as, by the rules of engines.

use std::fs;
use std::path::Path;

/// The ids of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
}

/// What `USER` means in an image: names come from its passwd and group, a user without a group has the groups that
/// passwd and group list for it, and a number that they do not know has group 0.
pub(crate) fn resolve(user: &str, root: &Path) -> Result<Ids, String> {
    let (name, group) = match user.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (user, None),
    };
    let name = if name.is_empty() { "0" } else { name };
    let passwd = table(root, "/etc/passwd");
    let groups = table(root, "/etc/group");
    let entry = passwd.iter().find(|fields| field(fields, 0) == name || field(fields, 2) == name);
    let uid = match entry {
        Some(entry) => number(entry, 2),
        None => name.parse().ok(),
    };
    let uid = uid.ok_or_else(|| format!("no user {name} in the image"))?;
    if let Some(group) = group {
        let entry = groups.iter().find(|fields| field(fields, 0) == group || field(fields, 2) == group);
        let gid = entry.map_or_else(|| group.parse().ok(), |entry| number(entry, 2));
        let gid = gid.ok_or_else(|| format!("no group {group} in the image"))?;
        return Ok(Ids { uid, gid, groups: Vec::new() });
    }
    let Some(entry) = entry else { return Ok(Ids { uid, gid: 0, groups: Vec::new() }) };
    let member = |fields: &&Vec<String>| field(fields, 3).split(',').any(|member| member == field(entry, 0));
    let groups = groups.iter().filter(member).filter_map(|fields| number(fields, 2)).collect();
    Ok(Ids { uid, gid: number(entry, 3).unwrap_or(0), groups })
}

fn table(root: &Path, path: &str) -> Vec<Vec<String>> {
    let text = super::inside::resolve(root, path).and_then(|file| fs::read_to_string(file).ok());
    let text = text.unwrap_or_default();
    text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
}

fn field(fields: &[String], at: usize) -> &str {
    fields.get(at).map_or("", String::as_str)
}

fn number(fields: &[String], at: usize) -> Option<u32> {
    field(fields, at).parse().ok()
}
