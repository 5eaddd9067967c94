//! Users and groups, as the pm2 CLI reads them from `/etc/passwd` and `/etc/group`.
//!
//! Invariant: nothing but these two files is asked (PM2 does not ask a directory service either).

/// The texts of the two files.
#[derive(Debug, Clone, Default)]
pub(super) struct Accounts {
    /// `/etc/passwd`.
    pub(super) users: String,
    /// `/etc/group`.
    pub(super) groups: String,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) id: u32,
    pub(super) group: u32,
    pub(super) home: String,
}

impl Accounts {
    /// The files of this machine; one that cannot be read has nobody in it.
    pub(super) fn read() -> Self {
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        Self { users: read("/etc/passwd"), groups: read("/etc/group") }
    }

    /// A user by name or number. As in PM2, the last line that fits counts.
    pub(super) fn user(&self, wanted: &str) -> Option<User> {
        self.users.lines().rev().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, id, group, _, home, ..] = fields.as_slice() else { return None };
            let is_it = !line.starts_with('#') && (*name == wanted || *id == wanted);
            let (id, group) = (id.parse().ok()?, group.parse().ok()?);
            let (name, home) = ((*name).to_owned(), (*home).to_owned());
            is_it.then_some(User { name, id, group, home })
        })
    }

    /// A group's number by its name or number.
    pub(super) fn group(&self, wanted: &str) -> Option<u32> {
        self.groups.lines().rev().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, id, ..] = fields.as_slice() else { return None };
            let is_it = !line.starts_with('#') && (*name == wanted || *id == wanted);
            is_it.then(|| id.parse().ok())?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_found_by_name_and_number() {
        let accounts = Accounts {
            users: "# no:x:1:1::/:\nroot:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv:/bin/false\nodd:x\n"
                .to_owned(),
            groups: "root:x:0:\nweb:x:34:a,b\nbroken\n".to_owned(),
        };
        let web = User { name: "web".to_owned(), id: 33, group: 34, home: "/srv".to_owned() };
        assert_eq!(accounts.user("web"), Some(web.clone()));
        assert_eq!(accounts.user("33"), Some(web));
        for nobody in ["# no", "no", "odd", "", "1"] {
            assert_eq!(accounts.user(nobody), None, "{nobody}");
        }
        assert_eq!((accounts.group("web"), accounts.group("34")), (Some(34), Some(34)));
        assert_eq!((accounts.group("broken"), accounts.group("")), (None, None));
    }
}
