//! What would come back at the next boot: the saved list, and who starts PM2 then; and which PM2 runs.
//!
//! Invariant: plain data and its words; what could not be looked at is said to be unknown.

use std::fmt;

use super::units;
use crate::protocol::drift::{Changed, Difference, Drift};
use crate::protocol::process::PmId;

/// The bits of a mode that let others read.
const OTHERS: u32 = 0o044;
/// The most processes that one line of words names.
const NAMED_MAX: usize = 8;

/// The file with the saved list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedList {
    /// There is none.
    Missing {
        /// Whether there is the one before, `dump.pm2.bak`.
        has_backup: bool,
    },
    /// Why it cannot be read: a sentence.
    Unreadable(Box<str>),
    /// It was read.
    Read(ReadList),
}

/// A saved list that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadList {
    /// Where it differs from what runs.
    pub drift: Drift,
    /// The permissions of its file.
    pub mode: u32,
    /// When it was written, milliseconds since 1970.
    pub written_ms: i64,
}

/// Who starts PM2 at boot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Startup {
    /// It was not looked.
    #[default]
    Unknown,
    /// Nobody that was found.
    Nobody,
    /// This unit.
    Unit {
        /// Of which system: `systemd`.
        system: &'static str,
        /// Its file, cleaned.
        path: Box<str>,
        /// Whether it is switched on; `None` where that is not known.
        is_enabled: Option<bool>,
    },
}

/// How one process stands to the saved list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// It is saved as it is.
    Same,
    /// It is not saved.
    Unsaved,
    /// It is saved otherwise.
    Changed(&'a [Difference]),
}

impl SavedList {
    /// How a process stands to it; `None` where it cannot be read.
    #[must_use]
    pub fn standing(&self, pm_id: PmId) -> Option<Standing<'_>> {
        let Self::Read(read) = self else { return None };
        let drift = &read.drift;
        if drift.unsaved.iter().any(|it| it.pm_id == pm_id) {
            return Some(Standing::Unsaved);
        }
        let changed = drift.changed.iter().find(|it| it.process.pm_id == pm_id);
        Some(changed.map_or(Standing::Same, |it| Standing::Changed(&it.differences)))
    }

    /// Whether this process is saved as running, and is stopped.
    #[must_use]
    pub fn is_down(&self, pm_id: PmId) -> bool {
        let Self::Read(read) = self else { return false };
        read.drift.changed.iter().any(|it| it.is_down && it.process.pm_id == pm_id)
    }

    /// Where it differs, in a line; `None` where nothing does.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("not saved".to_owned()),
            Self::Unreadable(_) => Some("it cannot be read".to_owned()),
            Self::Read(read) => read.words(),
        }
    }

    /// The same in two or three words.
    #[must_use]
    pub fn short_words(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("not saved".to_owned()),
            Self::Unreadable(_) => Some("saved list broken".to_owned()),
            Self::Read(ReadList { drift, .. }) => {
                let (unsaved, changed) = (drift.unsaved.len(), drift.changed.len());
                let absent: usize = drift.absent.iter().map(|(_, count)| count).sum();
                match (unsaved, changed + absent) {
                    (0, 0) => None,
                    (0, differ) => Some(format!("{differ} not as saved")),
                    (unsaved, _) => Some(format!("{unsaved} not saved")),
                }
            }
        }
    }
}

impl ReadList {
    /// Whether others than the owner can read it, with all environments.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.mode & OTHERS != 0
    }

    /// `2 would be lost at reboot, 1 has other args`.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let Drift { unsaved, absent, changed, .. } = &self.drift;
        let absent: usize = absent.iter().map(|(_, count)| count).sum();
        let mut parts = Vec::new();
        if !unsaved.is_empty() {
            parts.push(format!("{} would be lost at reboot", unsaved.len()));
        }
        if !changed.is_empty() {
            parts.push(changed_words(changed));
        }
        if absent > 0 {
            parts.push(format!(
                "{absent} saved {} not there",
                if absent == 1 { "is" } else { "are" }
            ));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// `1 has other args`, `2 differ`.
fn changed_words(changed: &[Changed]) -> String {
    let count = changed.len();
    let down = changed.iter().filter(|it| it.is_down).count();
    let mut labels = changed.iter().flat_map(|it| it.differences.iter().map(|it| it.label));
    let first = labels.next().unwrap_or_default();
    let is_one = labels.all(|label| label == first);
    if down == count && is_one {
        let are = if count == 1 { "is" } else { "are" };
        return format!("{count} saved as running {are} stopped");
    }
    match (count, is_one && first != "status") {
        (1, true) => format!("1 has other {first}"),
        (1, false) => "1 differs".to_owned(),
        (count, true) => format!("{count} have other {first}"),
        (count, false) => format!("{count} differ"),
    }
}

impl fmt::Display for Startup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("not looked at"),
            Self::Nobody => f.write_str(
                "nobody: no systemd, launchd or OpenRC unit for this PM2_HOME was found \
                 (pm2 startup makes one)",
            ),
            Self::Unit { system, path, is_enabled } => {
                let state = match is_enabled {
                    Some(true) => ", enabled",
                    Some(false) => ", but it is not enabled",
                    None => "",
                };
                write!(f, "{system}: {path}{state}")
            }
        }
    }
}

/// Which PM2 runs, and which is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// When the daemon was started, milliseconds since 1970.
    pub started_ms: Option<i64>,
    /// Its version of Node.js, cleaned.
    pub node: Option<Box<str>>,
    /// Whether it knows the program that would start it again after a crash of its own.
    pub can_respawn: Option<bool>,
    /// The version on disk where the daemon came from, cleaned.
    pub on_disk: Option<Box<str>>,
    /// The first `pm2` in our `PATH`: its version and its folder, cleaned.
    pub in_path: Option<(Box<str>, Box<str>)>,
}

impl Release {
    /// The installed version, where it is another one than runs.
    #[must_use]
    pub fn newer<'a>(&'a self, running: &str) -> Option<&'a str> {
        self.on_disk.as_deref().filter(|on_disk| *on_disk != running)
    }
}

/// The processes of a list in a few words: `api[0], web[4] and 3 more`.
#[must_use]
pub fn named(all: &[String]) -> String {
    let more = all.len().saturating_sub(NAMED_MAX);
    let shown: Vec<&str> = all.iter().take(NAMED_MAX).map(String::as_str).collect();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

/// How long ago, in words: `3d 04h ago`.
#[must_use]
pub fn ago(at_ms: i64, now_ms: i64) -> String {
    format!("{} ago", units::uptime(now_ms.saturating_sub(at_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::drift::Listed;

    fn listed(id: u32) -> Listed {
        Listed { pm_id: PmId(id), name: "api".into() }
    }

    fn changed(id: u32, labels: &[&'static str], is_down: bool) -> Changed {
        let difference = |label: &&'static str| Difference { label, words: "saved x".into() };
        Changed {
            process: listed(id),
            is_down,
            differences: labels.iter().map(difference).collect(),
        }
    }

    fn list(drift: Drift) -> SavedList {
        SavedList::Read(ReadList { drift, mode: 0o600, written_ms: 0 })
    }

    #[test]
    fn where_they_differ_is_said_in_a_line() {
        let said = |unsaved: u32, changed: Vec<Changed>, absent: usize| {
            let absent = if absent > 0 { vec![("old".into(), absent)] } else { Vec::new() };
            let unsaved = (0..unsaved).map(listed).collect();
            let list = list(Drift { unsaved, absent, changed, ..Drift::default() });
            (list.words().unwrap_or_default(), list.short_words().unwrap_or_default())
        };
        let both = |long: &str, short: &str| (long.to_owned(), short.to_owned());
        assert_eq!(said(0, vec![], 0), both("", ""));
        assert_eq!(
            said(2, vec![changed(3, &["args"], false)], 0),
            both("2 would be lost at reboot, 1 has other args", "2 not saved")
        );
        assert_eq!(
            said(0, vec![changed(3, &["args", "cwd"], false)], 1),
            both("1 differs, 1 saved is not there", "2 not as saved")
        );
        assert_eq!(
            said(0, vec![changed(1, &["status"], true)], 0).0,
            "1 saved as running is stopped"
        );
        let two = vec![changed(1, &["environment"], false), changed(2, &["environment"], false)];
        assert_eq!(said(0, two, 0).0, "2 have other environment");
    }

    #[test]
    fn each_process_knows_how_it_is_saved() {
        let list = list(Drift {
            unsaved: vec![listed(1)],
            changed: vec![changed(2, &["status"], true)],
            ..Drift::default()
        });
        assert_eq!(list.standing(PmId(0)), Some(Standing::Same));
        assert_eq!(list.standing(PmId(1)), Some(Standing::Unsaved));
        assert!(matches!(list.standing(PmId(2)), Some(Standing::Changed([_]))));
        assert!(list.is_down(PmId(2)) && !list.is_down(PmId(1)));
        let none = SavedList::Missing { has_backup: false };
        assert!(none.standing(PmId(1)).is_none());
        assert_eq!(none.short_words().as_deref(), Some("not saved"));
    }

    #[test]
    fn another_version_on_disk_is_told() {
        let release = Release { on_disk: Some("7.0.6".into()), ..Release::default() };
        assert_eq!(release.newer("7.0.4"), Some("7.0.6"));
        assert_eq!(release.newer("7.0.6"), None);
        assert_eq!(Release::default().newer("7.0.6"), None);
        let many: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        assert_eq!(named(&many), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }
}
