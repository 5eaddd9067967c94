//! What the status column says of a process: a glyph and PM2's word.
//!
//! Invariant: the word is PM2's own, but where PM2's word misleads (`online` without a pid), where
//! the user's own action is under way, or where the column is too short for it.

use std::borrow::Cow;

use super::glyphs::Glyphs;
use super::roles::Role;
use super::text;
use crate::model::Action;
use crate::model::fleet::Process;
use crate::model::process::RowOutcome;
use crate::model::state_word::in_columns;
use crate::model::verdict::{AGAIN, DOWN, Verdict};
use crate::protocol::process::ProcessStatus;

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status<'a> {
    /// One column.
    pub(super) glyph: &'static str,
    /// PM2's word.
    pub(super) word: Cow<'a, str>,
    /// A word for a column of [`SHORT_COLUMNS`].
    pub(super) short: Cow<'a, str>,
    /// How it looks.
    pub(super) role: Role,
    /// Seconds until PM2 starts it again.
    pub(super) restarts_in_s: Option<i64>,
    /// Whether it says what went wrong, and needs all of the row behind it for that.
    pub(super) is_long: bool,
    /// Whether what it waits for is one more round of a loop.
    is_looping: bool,
}

/// Columns of the status column with the longest of PM2's words, and its glyph.
pub(super) const COLUMNS: u16 = 17;
/// Columns of the status column on narrow terminals.
pub(super) const SHORT_COLUMNS: u16 = 12;

impl Status<'_> {
    /// The cell's text for so many columns. `has_countdown`: whether another column shows when
    /// it is started again.
    pub(super) fn text(&self, columns: u16, has_countdown: bool) -> String {
        let glyph = self.glyph;
        let (waiting, wait) =
            if self.is_looping { ("looping", "loop") } else { ("waiting", "wait") };
        match self.restarts_in_s.filter(|_| !has_countdown) {
            Some(seconds) if columns > SHORT_COLUMNS => {
                format!("{glyph} {waiting} {}", text::wait(seconds))
            }
            Some(seconds) => format!("{glyph} {wait} {}", text::wait(seconds)),
            None if columns < COLUMNS => format!("{glyph} {}", self.short),
            None => format!("{glyph} {}", self.word),
        }
    }
}

/// What it says of a process that is online and past a threshold of the user's: the threshold, behind
/// PM2's word where both fit.
fn past<'a>(crossed: &'a str, glyphs: &Glyphs) -> Status<'a> {
    let both = format!("online {crossed}");
    let fits = text::width(&both) + 2 <= COLUMNS;
    Status {
        glyph: glyphs.warning,
        word: if fits { both.into() } else { crossed.into() },
        short: crossed.into(),
        role: Role::Warn,
        restarts_in_s: None,
        is_long: false,
        is_looping: false,
    }
}

/// What came of an action, with when PM2 starts the process again: `down, restart in 3s: exit code 1`. That it
/// does is left out: the row shows it a moment later, and has more room for why.
fn again_in(words: &str, process: &Process, waits_s: Option<i64>) -> String {
    let is_waiting =
        process.info.status == ProcessStatus::WaitingRestart && !process.info.has_given_up();
    let words = words.strip_suffix(AGAIN).unwrap_or(words);
    match (words.strip_prefix(DOWN), waits_s.filter(|_| is_waiting)) {
        (Some(rest), Some(seconds)) => format!("down, restart in {}: {rest}", text::wait(seconds)),
        _ => words.to_owned(),
    }
}

/// What came of an action.
fn came_of<'a>(
    outcome: &RowOutcome,
    process: &Process,
    waits_s: Option<i64>,
    glyphs: &Glyphs,
) -> Status<'a> {
    let is_good = outcome.verdict.is_success();
    // It need not be the end of that, and has to be read whole.
    let is_doubtful = matches!(outcome.verdict, Verdict::Up { was_looping: true, .. });
    let words = outcome.verdict.words(outcome.action);
    let word: Cow<'a, str> = again_in(&words, process, waits_s.filter(|_| !is_good)).into();
    let (glyph, role) = match (is_good, is_doubtful) {
        (_, true) => (glyphs.warning, Role::Warn),
        (true, false) => (glyphs.good, Role::Good),
        (false, false) => (glyphs.bad, Role::Bad),
    };
    let (short, is_long) = (word.clone(), !is_good || is_doubtful);
    Status { glyph, word, short, role, restarts_in_s: None, is_long, is_looping: false }
}

/// What the status column says of this process.
/// `now_ms` is by the steady clock.
pub(super) fn of<'a>(process: &'a Process, now_ms: i64, glyphs: &Glyphs) -> Status<'a> {
    let plain = |glyph, word: &'a str, role| Status {
        glyph,
        word: word.into(),
        short: word.into(),
        role,
        restarts_in_s: None,
        is_long: false,
        is_looping: false,
    };
    let waits_s = process.restarts_at_ms.and_then(|at_ms| text::seconds_until(at_ms, now_ms));
    if process.pending.is_some() && process.is_queued {
        return plain(glyphs.busy, "queued", Role::Quiet);
    }
    if let Some(action) = process.pending {
        let glyph = match action {
            Action::Restart | Action::Reload => glyphs.waiting,
            Action::Start | Action::Stop | Action::Delete => glyphs.busy,
        };
        return plain(glyph, action.progressive(), Role::Accent);
    }
    if let Some(outcome) = process.outcome.as_ref().filter(|outcome| outcome.until_ms > now_ms) {
        return came_of(outcome, process, waits_s, glyphs);
    }
    if process.is_reloading {
        return plain(glyphs.waiting, "reloading", Role::Accent);
    }
    let said = |columns| in_columns(process, columns);
    let word = said(usize::from(COLUMNS.saturating_sub(2)));
    if process.never_started() {
        let short = "never ran".into();
        return Status { word: word.into(), short, ..plain(glyphs.bad, "", Role::Bad) };
    }
    if process.info.status == ProcessStatus::WaitingRestart && process.info.has_given_up() {
        let short = said(0).into();
        return Status { word: word.into(), short, ..plain(glyphs.bad, "", Role::Bad) };
    }
    if process.is_looping {
        let (short, restarts_in_s) = (said(0).into(), waits_s);
        let looping = plain(glyphs.warning, "", Role::Warn);
        return Status { word: word.into(), short, restarts_in_s, is_looping: true, ..looping };
    }
    let word = process.info.status.as_str();
    match &process.info.status {
        ProcessStatus::Online => match &process.tag.crossed {
            Some(crossed) => past(crossed, glyphs),
            None => plain(glyphs.online, word, Role::Good),
        },
        ProcessStatus::Launching | ProcessStatus::Stopping => plain(glyphs.busy, word, Role::Warn),
        // PM2 says `stopped` of what it is about to start.
        ProcessStatus::Stopped if process.info.is_between_lives() => {
            let word = said(usize::MAX);
            let restarting = plain(glyphs.waiting, "", Role::Warn);
            Status { short: word.clone().into(), word: word.into(), ..restarting }
        }
        ProcessStatus::Stopped => plain(glyphs.stopped, word, Role::Quiet),
        ProcessStatus::Errored => plain(glyphs.bad, word, Role::Bad),
        ProcessStatus::WaitingRestart => Status {
            short: "waiting".into(),
            restarts_in_s: waits_s,
            ..plain(glyphs.waiting, word, Role::Warn)
        },
        ProcessStatus::Other(_) => plain("?", word, Role::Warn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::end::End;
    use crate::model::moment::Moment;
    use crate::model::verdict::{Down, Why};
    use crate::protocol::process::{PmId, ProcessInfo};
    use crate::view::glyphs::UNICODE;

    #[test]
    fn what_looped_before_is_said_first_and_with_room() {
        let online = ProcessInfo::new(PmId(0), "api", ProcessStatus::Online);
        let mut process = Process::new(online);
        let up = |was_looping| Verdict::Up { after_ms: 5_000, was_looping };
        process.finish(Action::Restart, &up(true), Moment::at(0));
        let status = of(&process, 0, &UNICODE);
        assert!(status.is_long && status.text(COLUMNS, false).starts_with("⚠ looped before"));
        process.finish(Action::Restart, &up(false), Moment::at(0));
        let status = of(&process, 0, &UNICODE);
        assert!(!status.is_long && status.text(COLUMNS, false) == "✓ up 5.0 s");
    }

    #[test]
    fn what_is_down_says_when_it_is_started_again() {
        let info = ProcessInfo {
            created_at_ms: Some(1),
            restart_delay_ms: Some(3_000),
            ..ProcessInfo::new(PmId(0), "api", ProcessStatus::WaitingRestart)
        };
        let mut process = Process::new(info);
        let down = Verdict::Down(Down {
            why: Why::Ends(End::Code("1".into())),
            ends: 1,
            watched_ms: 1_000,
            last_words: Some("Error: no".into()),
        });
        process.finish(Action::Restart, &down, Moment::at(0));
        let word = |process: &Process| of(process, 0, &UNICODE).word.into_owned();
        assert_eq!(word(&process), "down: exit code 1: Error: no", "nobody knows when");
        process.restarts_at_ms = Some(3_000);
        assert_eq!(word(&process), "down, restart in 3s: exit code 1: Error: no");
        process.info.status = ProcessStatus::Online;
        assert_eq!(word(&process), "down: exit code 1: Error: no", "it was started again");
    }
}
