//! `--chown=user[:group]`, after expansion.

/// Who a copied file shall belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `:g` gives uid 0.
    pub user: Principal,
    /// `None` for `u` and `u:`.
    pub group: Option<Principal>,
}

/// A user or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// `root` is 0.
    Id(u32),
    Name(String),
}

impl Owner {
    /// Whether a user or group must be looked up in the target's file system.
    pub fn has_names(&self) -> bool {
        [Some(&self.user), self.group.as_ref()]
            .into_iter()
            .flatten()
            .any(|one| matches!(one, Principal::Name(_)))
    }
}

/// Splits the value of `--chown`; there are no bad values.
pub fn parse_owner(text: &str) -> Owner {
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    Owner { user: principal(user), group: (!group.is_empty()).then(|| principal(group)) }
}

fn principal(text: &str) -> Principal {
    match text {
        "" | "root" => Principal::Id(0),
        // A negative number wraps, as it does in the official client library.
        _ => text
            .parse::<i32>()
            .map_or_else(|_| Principal::Name(text.to_owned()), |id| Principal::Id(id.cast_unsigned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Owner, Principal, parse_owner};

    #[test]
    fn splits_owners() {
        let name = |name: &str| Principal::Name(name.to_owned());
        for (text, user, group) in [
            ("1", Principal::Id(1), None),
            ("1:", Principal::Id(1), None),
            ("bob:staff", name("bob"), Some(name("staff"))),
            ("root:5", Principal::Id(0), Some(Principal::Id(5))),
            (":5", Principal::Id(0), Some(Principal::Id(5))),
            ("a:b:c", name("a"), Some(name("b:c"))),
            ("99999999999", name("99999999999"), None),
        ] {
            assert_eq!(parse_owner(text), Owner { user, group }, "{text}");
        }
        assert!(parse_owner("1:staff").has_names());
        assert!(!parse_owner("root:0").has_names());
    }
}
