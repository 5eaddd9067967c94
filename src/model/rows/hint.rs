//! What a filter that lets nobody through was probably meant as.
//!
//! Invariant: what any process has is not said to be mistyped.

use super::filter::{Filter, STATUS_WORDS};
use crate::model::process::Process;

/// So many of [`STATUS_WORDS`], the first, are PM2's own, and not a one-launch's.
const PM2_STATUSES: usize = 6;
const MODES: [&str; 2] = ["fork", "cluster"];
/// Words that are listed.
const LISTED_MAX: usize = 8;

impl Filter {
    /// Of a status, mode or namespace that none of these has: the near one, or which there are.
    #[must_use]
    pub fn hint(&self, all: &[&Process]) -> Option<String> {
        let fields = self.fields();
        let missing = fields.into_iter().find(|(_, _, takes)| !all.iter().any(|it| takes(it)));
        let (field, word, _) = missing?;
        let mut known: Vec<&str> = match field {
            "status" => STATUS_WORDS.to_vec(),
            "mode" => MODES.to_vec(),
            _ => all.iter().filter_map(|process| process.info.namespace.as_deref()).collect(),
        };
        known.sort_unstable();
        known.dedup();
        let has = format!("no process has the {field} `{word}`");
        if field == "status" && STATUS_WORDS.iter().any(|status| status.contains(word)) {
            return None;
        }
        if let Some(near) = near(word, &known) {
            return Some(format!("{has}: did you mean {near}?"));
        }
        let shown = known.get(..LISTED_MAX).unwrap_or(&known).join(", ");
        let more = if known.len() > LISTED_MAX { " and others" } else { "" };
        Some(format!("{has}; there are: {shown}{more}"))
    }
}

/// The status of PM2 that a word is probably meant as.
#[must_use]
pub fn near_status(word: &str) -> Option<&'static str> {
    near(&word.to_lowercase(), STATUS_WORDS.get(..PM2_STATUSES).unwrap_or(&STATUS_WORDS))
}

/// The one that a word is probably meant as: at most one letter in three is wrong.
fn near<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(word, &name.to_lowercase()), *name))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, name)| edits * 3 <= word.len().max(name.len()))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

    #[test]
    fn a_mistyped_word_is_told_with_the_near_one() {
        let process = |id, name: &str, namespace: &str| {
            let info = ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
            Process::new(ProcessInfo { namespace: Some(namespace.into()), ..info })
        };
        let all = [process(0, "api", "shop"), process(1, "job", "jobs")];
        let hint = |text: &str| {
            let filter = Filter::parse(text).unwrap().unwrap();
            filter.hint(&all.iter().collect::<Vec<_>>())
        };
        let said = |text: &str| hint(text).unwrap();
        assert_eq!(
            said("status:stopd"),
            "no process has the status `stopd`: did you mean stopped?"
        );
        assert_eq!(
            said("api status:onlin3"),
            "no process has the status `onlin3`: did you mean online?"
        );
        assert_eq!(said("ns:jobbs"), "no process has the namespace `jobbs`: did you mean jobs?");
        assert_eq!(
            said("ns:zzzzzz"),
            "no process has the namespace `zzzzzz`; there are: jobs, shop"
        );
        assert_eq!(
            said("mode:clutter"),
            "no process has the mode `clutter`: did you mean cluster?"
        );
        assert_eq!(near_status("Onlin"), Some("online"));
        assert_eq!(near_status("waiting-restart"), Some("waiting restart"));
        assert_eq!(near_status("loopin"), None, "no status of PM2");
        assert_eq!(near_status("down"), None);
        assert_eq!(hint("status:stopped"), None, "nobody is stopped");
        assert_eq!(hint("status:stop"), None, "the beginning of one");
        assert_eq!(hint("ns:shop mode:fork"), None);
        assert_eq!(hint("api"), None);
    }
}
