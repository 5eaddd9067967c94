//! Lines for the audit file: what was asked for here, and what came of it; and how it stands with the
//! file.
//!
//! Invariant: a line is one object of JSON without a line end, whatever a process is called. Arguments
//! and lines that were sent are not in it: they may be secret.

use std::fmt::Write;

use serde_json::Value as Json;

use super::Target;
use super::deed::Deed;
use super::errand::Task;
use crate::protocol::text::clean;

/// Who does it, and where.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The user.
    pub user: &'a str,
    /// The daemon's home.
    pub home: &'a str,
}

/// The line of something that was asked for, at this time, milliseconds since 1970.
#[must_use]
pub fn asked(at_ms: i64, who: Who<'_>, action: &str, target: &str) -> String {
    line(at_ms, who, [("event", "asked"), ("action", action), ("target", target)], None)
}

/// The line of what came of something: whether it succeeded, and in which words.
#[must_use]
pub fn outcome(
    at_ms: i64,
    who: Who<'_>,
    (action, target): (&str, &str),
    (is_good, words): (bool, &str),
) -> String {
    let fields = [("event", "outcome"), ("action", action), ("target", target)];
    line(at_ms, who, fields, Some((is_good, words)))
}

/// What is asked for with a task, and to whom.
#[must_use]
pub fn of_task(task: &Task) -> Vec<(String, String)> {
    match task {
        Task::Each { errand, targets } => {
            let verb = Deed::from(errand).verb;
            targets.iter().map(|target| (verb.to_string(), target.label())).collect()
        }
        Task::Scale { targets, .. } => {
            let app = targets.first().map(|target| target.name.to_string());
            vec![(task.deed().verb.into_owned(), app.unwrap_or_default())]
        }
        task => vec![(task.deed().verb.into_owned(), String::new())],
    }
}

/// What is asked for with a call by name, and for whom.
#[must_use]
pub fn of_call(method: &str, targets: &[Target]) -> (String, String) {
    let whom: Vec<String> = targets.iter().map(Target::label).collect();
    (format!("call {method}"), whom.join(" "))
}

fn line(
    at_ms: i64,
    who: Who<'_>,
    fields: [(&str, &str); 3],
    outcome: Option<(bool, &str)>,
) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms);
    let at = at.map(|at| format!("{at:.3}")).unwrap_or_default();
    let text = |text: &str| Json::String(clean(text).into_owned()).to_string();
    let (at, user, home) = (text(&at), text(who.user), text(who.home));
    let mut line = format!("{{\"time\":{at},\"user\":{user},\"home\":{home}");
    for (key, value) in fields {
        let _ = write!(line, ",\"{key}\":{}", text(value));
    }
    if let Some((is_good, words)) = outcome {
        let _ = write!(line, ",\"ok\":{is_good},\"outcome\":{}", text(words));
    }
    line.push('}');
    line
}

/// How it stands with the audit file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Why it is not written, in one clean sentence; `None` while it is.
    pub trouble: Option<Box<str>>,
    /// How many lines wait to be counted in it as lost.
    pub lost: u64,
}

impl Standing {
    /// What a warning says; `None` where all is well.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        self.trouble.as_ref()?;
        Some(match self.lost {
            0 => "the audit file is not written".to_owned(),
            1 => "the audit file is not written: 1 line lost".to_owned(),
            lost => format!("the audit file is not written: {lost} lines lost"),
        })
    }

    /// The same, in few columns.
    #[must_use]
    pub fn short_words(&self) -> Option<String> {
        self.trouble.as_ref().map(|_| format!("no audit ({} lost)", self.lost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_says_how_many_lines_are_lost() {
        let with =
            |trouble: Option<&str>, lost| Standing { trouble: trouble.map(Into::into), lost };
        assert_eq!(with(None, 3).words(), None, "they are counted in the file");
        let said = |lost| with(Some("why"), lost).words().unwrap();
        assert_eq!(said(0), "the audit file is not written");
        assert_eq!(said(1), "the audit file is not written: 1 line lost");
        assert_eq!(said(2), "the audit file is not written: 2 lines lost");
    }
}
