//! Log files that cannot be read: what is said of them.
//!
//! Invariant: pure but for [`are_elsewhere`]; what has one reason, such as a folder without permission,
//! is told once, however many files are in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::daemon::{files, offload};
use crate::model::past::PastNote;
use crate::protocol::process::PmId;
use crate::protocol::text::clean;

/// Why a file cannot be read whose disk hangs.
pub(super) const NO_ANSWER: &str = "it does not answer";

/// Said where a daemon answers whose log files are not on this machine: its socket is forwarded.
pub(super) const ELSEWHERE: &str =
    "no history from here: the folders of the log files are not on this machine";

/// The history of more processes is told of in one sentence for each reason and folder.
const APART_MAX: usize = 8;
/// So many files are named in one sentence.
const NAMED_MAX: usize = 4;

/// A log file that cannot be read.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) path: PathBuf,
    /// The processes that write it.
    pub(super) ids: Vec<PmId>,
    /// The name of these, cleaned.
    pub(super) name: Box<str>,
    /// Why not, cleaned.
    pub(super) why: Box<str>,
}

/// Whose files cannot be read, if these are told apart, in which folder, and why not.
type Reason = (Option<PmId>, PathBuf, Box<str>);

/// A sentence for each reason in each folder: of each process in its own log, where these are few.
pub(super) fn notes(failures: &[Failure]) -> Vec<PastNote> {
    let ids: BTreeSet<PmId> = failures.iter().flat_map(|it| it.ids.iter().copied()).collect();
    let is_apart = ids.len() <= APART_MAX;
    let mut by_reason: BTreeMap<Reason, Vec<&Failure>> = BTreeMap::new();
    for failure in failures {
        let folder = failure.path.parent().unwrap_or(Path::new("/"));
        let own = failure.ids.iter().copied().map(Some).filter(|_| is_apart);
        for id in own.chain((!is_apart).then_some(None)) {
            let key = (id, folder.to_owned(), failure.why.clone());
            by_reason.entry(key).or_default().push(failure);
        }
    }
    let note = |((pm_id, folder, why), all): (Reason, Vec<&Failure>)| PastNote {
        pm_id,
        text: sentence(pm_id, &folder, &why, &all).into(),
    };
    by_reason.into_iter().map(note).collect()
}

/// Says which files are meant, whose they are, and why they cannot be read.
fn sentence(pm_id: Option<PmId>, folder: &Path, why: &str, all: &[&Failure]) -> String {
    let said = |path: &Path| clean(&path.to_string_lossy()).into_owned();
    let whose = |failure: &Failure| {
        let id = pm_id.map(|id| format!("[{id}]")).unwrap_or_default();
        format!("{}{id}", failure.name)
    };
    let named = all.iter().take(NAMED_MAX).map(|failure| {
        let file = said(Path::new(failure.path.file_name().unwrap_or_default()));
        if pm_id.is_some() || all.len() == 1 { file } else { format!("{file} of {}", failure.name) }
    });
    let mut named = named.collect::<Vec<String>>().join(", ");
    if let more @ 1.. = all.len().saturating_sub(NAMED_MAX) {
        named = format!("{named} and {more} more");
    }
    let why = match why {
        why if all.len() == 1 => why,
        files::NOT_REGULAR => "they are not regular files",
        NO_ANSWER => "they do not answer",
        why => why,
    };
    let folder = said(folder);
    match (pm_id, all) {
        (Some(_), [first, ..]) | (None, [first]) => {
            format!("none from {named} of {}: {why} ({folder})", whose(first))
        }
        _ => format!("none from {} log files ({named}): {why} ({folder})", all.len()),
    }
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

    fn failure(path: &str, id: u32, name: &str, why: &str) -> Failure {
        Failure { path: path.into(), ids: vec![PmId(id)], name: name.into(), why: why.into() }
    }

    fn told(failures: &[Failure]) -> Vec<(Option<u32>, String)> {
        let told = notes(failures).into_iter();
        told.map(|note| (note.pm_id.map(|id| id.0), note.text.into_string())).collect()
    }

    #[test]
    fn the_log_of_each_of_a_few_processes_says_what_is_missing_and_why() {
        let both = Failure {
            ids: vec![PmId(2), PmId(3)],
            ..failure("/var/c.log", 2, "c", "Permission denied (os error 13)")
        };
        let told = told(&[
            failure("/srv/logs/a-out.log", 0, "a", files::NOT_REGULAR),
            failure("/srv/logs/a-err.log", 0, "a", files::NOT_REGULAR),
            failure("/srv/logs/b-err.log", 1, "b", NO_ANSWER),
            both,
        ]);
        let wanted = [
            "none from a-out.log, a-err.log of a[0]: they are not regular files (/srv/logs)",
            "none from b-err.log of b[1]: it does not answer (/srv/logs)",
            "none from c.log of c[2]: Permission denied (os error 13) (/var)",
            "none from c.log of c[3]: Permission denied (os error 13) (/var)",
        ];
        let wanted: Vec<_> = wanted.into_iter().map(str::to_owned).collect();
        let ids = [0, 1, 2, 3].map(Some);
        assert_eq!(told, ids.into_iter().zip(wanted).collect::<Vec<_>>());
    }

    #[test]
    fn one_reason_of_many_in_one_folder_is_one_notice() {
        let mut all: Vec<Failure> =
            (0..9).map(|id| failure(&format!("/srv/logs/{id}.log"), id, "a", NO_ANSWER)).collect();
        all.push(failure("/var/c.log", 10, "c", "denied"));
        let wanted = [
            "none from 9 log files (0.log of a, 1.log of a, 2.log of a, \
             3.log of a and 5 more): they do not answer (/srv/logs)",
            "none from c.log of c: denied (/var)",
        ];
        assert_eq!(told(&all), wanted.map(|text| (None, text.to_owned())));
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
