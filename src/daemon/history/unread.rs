//! Log files that cannot be read: what is said of them.
//!
//! Invariant: pure but for [`are_elsewhere`]; what has one reason, such as a folder without permission,
//! is told once, however many files are in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::daemon::offload;
use crate::protocol::text::clean;

/// Said where a daemon answers whose log files are not on this machine: its socket is forwarded.
pub(super) const ELSEWHERE: &str =
    "no history from here: the folders of the log files are not on this machine";

/// A log file that cannot be read.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) path: PathBuf,
    /// Whose it is, cleaned.
    pub(super) name: Box<str>,
    /// Why not, cleaned.
    pub(super) why: Box<str>,
}

/// A sentence for each reason in each folder.
pub(super) fn notes(failures: Vec<Failure>) -> Vec<Box<str>> {
    let mut by_reason: BTreeMap<(PathBuf, Box<str>), Vec<Failure>> = BTreeMap::new();
    for failure in failures {
        let folder = failure.path.parent().unwrap_or(Path::new("/")).to_owned();
        by_reason.entry((folder, failure.why.clone())).or_default().push(failure);
    }
    let said = |path: &Path| clean(&path.to_string_lossy()).into_owned();
    let notes = by_reason.into_iter().map(|((folder, why), all)| match &all[..] {
        [only] => format!("{} of {}: {why}", said(&only.path), only.name).into(),
        all => format!("{} log files in {}: {why}", all.len(), said(&folder)).into(),
    });
    notes.collect()
}

/// Whether there are files, and none of their folders is on this machine.
pub(super) async fn are_elsewhere(paths: Vec<PathBuf>) -> bool {
    let looking = offload::look(move || {
        !paths.is_empty() && !paths.iter().any(|path| path.parent().is_some_and(Path::is_dir))
    });
    looking.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reason_in_one_folder_is_one_notice() {
        let failure = |path: &str, name: &str, why: &str| Failure {
            path: path.into(),
            name: name.into(),
            why: why.into(),
        };
        let told = notes(vec![
            failure("/srv/logs/a-out.log", "a", "denied"),
            failure("/srv/logs/a-err.log", "a", "denied"),
            failure("/srv/logs/b-err.log", "b", "it does not answer"),
            failure("/var/c.log", "c", "denied"),
        ]);
        let wanted = [
            "2 log files in /srv/logs: denied",
            "/srv/logs/b-err.log of b: it does not answer",
            "/var/c.log of c: denied",
        ];
        assert_eq!(told.iter().map(|note| &**note).collect::<Vec<_>>(), wanted);
    }

    #[tokio::test]
    async fn files_without_a_folder_here_are_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("none.log");
        let away = folder.path().join("none/a.log");
        assert!(are_elsewhere(vec![away.clone()]).await);
        assert!(!are_elsewhere(vec![away, here]).await);
        assert!(!are_elsewhere(Vec::new()).await);
    }
}
