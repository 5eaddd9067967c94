//! The black box of a process that nobody watched: made up from what is left of its deaths in the
//! daemon's own log, its error log, and PM2's figures.
//!
//! Invariant: pure; what is not known for certain says so ([`Sure`]). Source of the lines and rules:
//! docs/pm2-ops.md sections 2.2 and 2.3.

use super::black_box::{BlackBox, LATER_MS};
use super::cause::{Cause, Evidence, Sure, is_error_line, judge};
use super::error_log::{say_cleaned, says_version, share};
use super::last_words::telling;
use super::lines::{Log, Next};
use super::stamp::{stamped, without_stamp};
use super::{Death, Follows, LIVES_MAX};
use crate::model::end::End;
use crate::model::lifecycle;
use crate::protocol::process::{ExecMode, PmId, ProcessInfo, ProcessStatus};
use crate::protocol::text::clean;

mod console;

pub use self::console::may_tell_an_end;

/// The error log is that of the last life where it was written no later than so long after its end,
/// milliseconds.
const WRITTEN_MS: i64 = 5_000;
/// The life that goes on has said nothing so soon after its start: Node.js takes longer to begin. What was
/// written so long after it is no word of the life before, milliseconds (docs/pm2-ops.md section 0).
const BEGUN_MS: (i64, i64) = (20, 200);
/// A restart that PM2 was told of takes at least and at most so long, milliseconds, over the
/// `kill_timeout` (docs/pm2-ops.md section 2.3).
const COMMANDED_MS: (i64, i64) = (60, 500);
/// A reload puts the new worker in place within so long, milliseconds.
const RELOADED_MS: i64 = 5;

/// What is left of a process's lives.
#[derive(Debug, Clone, Copy)]
pub struct Left<'a> {
    /// What PM2 says of the process now.
    pub info: &'a ProcessInfo,
    /// The end of `pm2.log`.
    pub console: &'a str,
    /// The end of its error log, and when that was last written, milliseconds since 1970.
    pub errors: Option<(&'a str, i64)>,
    /// What that log begins with: what its first life said first, as long as it was not rotated.
    pub opening: Option<&'a str>,
    /// Since when the kernel of its machine has killed nothing for want of memory, milliseconds since
    /// 1970; `None` where it has, or nobody knows.
    pub calm_since_ms: Option<i64>,
    /// Seconds that the daemon's local time is ahead of UTC: its log has no zone.
    pub utc_offset_s: i32,
    /// The processes that PM2 lists now, by id and name: what was there before under other ids is told where that
    /// is known.
    pub listed: &'a [(PmId, Box<str>)],
    /// Since when its error log is there, milliseconds since 1970: a life that began later may not have been the
    /// first that wrote it.
    pub log_since_ms: Option<i64>,
}

/// The lines of standard error of one life, as they are dated.
#[derive(Debug, Clone, Default)]
pub struct LifeLines {
    /// They.
    pub text: String,
    /// Whether their times tell for certain that they are of that life.
    pub is_exact: bool,
    /// Whether some of them say their times.
    pub is_dated: bool,
    /// Whether the log was read as far back as that life began.
    pub is_whole: bool,
    /// Whether all stand before the end of the log that is [`Left::errors`].
    pub is_older: bool,
}

/// All deaths of a process, oldest first: without their last words.
#[derive(Debug, Default)]
pub struct Deaths {
    all: Vec<Death>,
    /// How many of the first ones wrote other log files.
    elsewhere: usize,
}

impl Deaths {
    /// That `pm2.log` and the figures tell.
    #[must_use]
    pub fn of(left: &Left<'_>) -> Self {
        Self::with_figures(console::told(left), left.info)
    }

    fn with_figures(told: console::Told, info: &ProcessInfo) -> Self {
        let console::Told { deaths: mut all, mut own, elsewhere } = told;
        if all.iter().all(Death::is_lost_with_daemon)
            && let Some(death) = from_figures(info)
        {
            all.push(death);
            own = 1;
        }
        if own > 0
            && let Some(last) = all.last_mut()
        {
            take_figures(last, info);
        }
        Self { all, elsewhere }
    }

    /// Those that wrote the log files that the process has now, one after the other.
    #[must_use]
    pub fn here(&self) -> Vec<Death> {
        let here = self.all.get(self.elsewhere..).unwrap_or_default();
        here.iter().filter(|death| !was_replaced(death)).cloned().collect()
    }
}

/// Makes a black box of what is left. Its deaths are told as such.
#[must_use]
pub fn reconstruct(left: &Left<'_>) -> BlackBox {
    reconstruct_with(left, Deaths::of(left), &[])
}

/// The same of these deaths, with the lines of all lives that ended here, the newest last.
#[must_use]
pub fn reconstruct_with(left: &Left<'_>, deaths: Deaths, lines: &[LifeLines]) -> BlackBox {
    let Deaths { all: mut older, elsewhere } = deaths;
    let skip = older.len().saturating_sub(LIVES_MAX);
    let mut deaths = older.split_off(skip);
    let elsewhere = elsewhere.saturating_sub(skip).min(deaths.len());
    let mut here = deaths.split_off(elsewhere);
    let is_log_empty = left.errors.is_some_and(|(text, _)| text.is_empty());
    for death in &mut here {
        death.is_log_empty = is_log_empty;
    }
    let is_replaced: Vec<bool> = here.iter().map(was_replaced).collect();
    let (replaced, mut here): (Vec<_>, Vec<_>) = here.into_iter().partition(was_replaced);
    // Others wrote the same log at the same time, or they wrote another one.
    for death in &mut deaths {
        death.is_unclear = true;
    }
    take_errors(&mut here, left, lines);
    let (mut replaced, mut here) = (replaced.into_iter(), here.into_iter());
    for (place, was_replaced) in is_replaced.iter().enumerate() {
        let next = if *was_replaced { replaced.next() } else { here.next() };
        let is_behind =
            place.checked_sub(1).is_some_and(|before| is_replaced.get(before) == Some(&true));
        deaths.extend(next.map(|mut death| {
            death.is_unclear |= *was_replaced;
            // The one before wrote the same log.
            death.is_mixed |= is_behind && !death.words.is_empty();
            death
        }));
    }
    let mut black_box = BlackBox::default();
    // What it does not keep it counts.
    for death in older.into_iter().chain(deaths).rev() {
        black_box.reconstruct(death);
    }
    if left.info.never_started()
        && let Some(why) = left.console.lines().rev().find_map(spawn_error)
    {
        black_box.could_not_start(&why);
    }
    black_box
}

/// All deaths that `pm2.log` and the figures tell of its name and id, oldest first: whichever processes those
/// were.
#[must_use]
pub fn deaths_of_id(left: &Left<'_>) -> Vec<Death> {
    Deaths::with_figures(console::of_id(left), left.info).all
}

/// The time of a line of `pm2.log` and what it says: `2026-11-28T03:12:00: PM2 log: TEXT`; before
/// 2.0 without the word.
fn console_line(line: &str, utc_offset_s: i32) -> Option<(i64, &str)> {
    let (at_ms, rest) = stamped(line, utc_offset_s)?;
    let text = rest
        .strip_prefix("PM2 ")
        .and_then(|rest| rest.split_once(": "))
        .filter(|(level, _)| ["log", "info", "error", "warn"].contains(level))
        .map_or(rest, |(_, text)| text);
    Some((at_ms, text))
}

fn spawn_error(line: &str) -> Option<String> {
    let (_, text) = console_line(line, 0)?;
    lifecycle::read_spawn_error(text).map(|why| clean(why).into_owned())
}

/// Whether a reload put another worker in its place while it was on.
fn was_replaced(death: &Death) -> bool {
    death.evidence.is_old_worker && !death.evidence.is_of_figures
}

fn is_stopped_waiting(death: &Death) -> bool {
    matches!(death.follows, Follows::StoppedWaiting { .. })
}

fn death(evidence: Evidence, started_ms: Option<i64>, ended_ms: i64) -> Death {
    let (cause, sure) = judge(&evidence);
    let uptime_ms = started_ms.and_then(|started| u64::try_from(ended_ms - started).ok());
    Death {
        started_ms,
        ended_ms,
        uptime_ms,
        cause,
        sure,
        evidence,
        follows: Follows::Unknown,
        stack: Box::default(),
        words: std::collections::VecDeque::new(),
        cpu_percent: None,
        memory_bytes: None,
        peak_bytes: None,
        is_watched: false,
        is_read: true,
        is_mixed: false,
        is_unclear: false,
        is_log_empty: false,
    }
}

/// The last death as PM2's figures alone tell it (docs/pm2-ops.md section 2.3).
fn from_figures(info: &ProcessInfo) -> Option<Death> {
    let has_died = info.exit_code.is_some() || info.restarts > 0;
    let is_down = !matches!(info.status, ProcessStatus::Online | ProcessStatus::Launching);
    // Its exit code may be of a life before it was put into the list: PM2 keeps that, and counts from 0.
    if !has_died || info.was_put_in_stopped || (info.restarts == 0 && !is_down) {
        return None;
    }
    let after_ms = info.online_since_ms.zip(info.created_at_ms).map(|(up, made)| up - made);
    let kill_ms = i64::try_from(info.kill_ms()).unwrap_or(i64::MAX);
    let mut evidence = Evidence {
        end: Some(info.exit_code.clone().map_or(End::Unseen, End::Code)),
        is_of_figures: true,
        is_cluster: info.exec_mode == ExecMode::Cluster,
        is_shell: info.setup.runs_shell,
        ..Evidence::default()
    };
    if !is_down && let Some(after_ms) = after_ms {
        evidence.is_asked =
            (COMMANDED_MS.0..=kill_ms.saturating_add(COMMANDED_MS.1)).contains(&after_ms);
        evidence.is_old_worker = (0..=RELOADED_MS).contains(&after_ms) && info.restarts > 0;
    }
    // The life that goes on began when the last one ended; of one that is over only the start is known.
    let ended_ms = info.online_since_ms.unwrap_or_default();
    let mut death = death(evidence, None, ended_ms);
    death.sure = death.sure.min(Sure::Likely);
    if let Cause::Zero { .. } = death.cause {
        death.sure = Sure::Guess;
    }
    death.follows = if is_down { Follows::Unknown } else { Follows::Again };
    Some(death)
}

/// What followed an end, where a life began then: a restart on request leaves no pause.
fn again(death: &Death, began_ms: i64) -> Follows {
    let is_later = began_ms.saturating_sub(death.ended_ms) >= LATER_MS;
    if is_later && death.evidence.is_asked { Follows::Later } else { Follows::Again }
}

/// What PM2 says of how it stands now belongs to the last death.
fn take_figures(last: &mut Death, info: &ProcessInfo) {
    // The daemon's log is read a moment later: that life may have begun and ended since.
    let begun_ms = info.online_since_ms.unwrap_or(i64::MAX);
    let is_before = last.ended_ms <= begun_ms;
    last.follows = match info.status {
        _ if is_stopped_waiting(last) || last.evidence.with_daemon.is_some() => {
            last.follows.clone()
        }
        // Another one had its place before it ended.
        _ if was_replaced(last) => last.follows.clone(),
        _ if info.has_given_up() => Follows::GaveUp { max: info.restarts_max() },
        ProcessStatus::Stopped if info.is_over() => Follows::StaysStopped,
        ProcessStatus::Stopped | ProcessStatus::WaitingRestart => Follows::Soon,
        // It may have been a stop and a later start, which PM2 does not count.
        ProcessStatus::Online if info.restarts > 0 && is_before && last.evidence.is_asked => {
            match info.online_since_ms {
                None if last.follows == Follows::Later => Follows::Later,
                began => again(last, began.unwrap_or(last.ended_ms)),
            }
        }
        ProcessStatus::Online if info.restarts > 0 && is_before => {
            Follows::Restart { count: info.restarts }
        }
        ProcessStatus::Online if info.restarts > 0 && info.stays_stopped().is_none() => {
            Follows::Soon
        }
        _ => last.follows.clone(),
    };
}

/// The end of the error log belongs to the deaths of those that wrote it, not to the life that goes on.
fn take_errors(deaths: &mut [Death], left: &Left<'_>, lines: &[LifeLines]) {
    let (Some((text, written_ms)), Some(last)) = (left.errors, deaths.last()) else { return };
    let is_on = matches!(left.info.status, ProcessStatus::Online | ProcessStatus::Launching);
    // Of whole seconds: it may have begun within the one of the end.
    let begun_ms = left.info.online_since_ms.filter(|ms| is_on && *ms >= last.ended_ms);
    let is_later = begun_ms.is_some_and(|ms| written_ms >= ms + BEGUN_MS.1);
    let has_written = is_on && (is_later || written_ms > last.ended_ms + WRITTEN_MS);
    let is_silent = !is_on || begun_ms.is_some_and(|ms| written_ms < ms + BEGUN_MS.0);
    let next = Next { is_on, has_written, is_silent, begun_ms };
    let log = Log { text, opening: left.opening };
    let is_stamped = text.lines().any(|line| stamped(line, left.utc_offset_s).is_some());
    let is_exact = !is_stamped && are_exact(lines);
    let shared = (!is_exact).then(|| share(deaths, &log, next, left.utc_offset_s));
    let is_theirs = shared.is_none_or(|shared| shared.are_theirs);
    take_lines(deaths, lines, is_stamped);
    // Those of which nothing is told wrote it before that.
    if !is_stamped
        && shared.is_some_and(|shared| !shared.are_all)
        && let Some(first) = deaths.first_mut().filter(|first| is_late(first, left.log_since_ms))
    {
        first.is_mixed = true;
    }
    // Whether it is early enough to know it does not count: an end is told alike at each look.
    let may_be_later = !is_theirs && !left.info.is_over();
    for death in deaths {
        let is_doubtful = may_be_later && !death.words.iter().any(|line| says_version(line));
        conclude(death, is_doubtful);
    }
}

/// Whether this life said some of a log that is older than it.
fn is_late(first: &Death, log_since_ms: Option<i64>) -> bool {
    let (started_ms, since_ms) =
        (first.started_ms, log_since_ms.map(|ms| ms.saturating_add(1_000)));
    !first.words.is_empty() && started_ms.zip(since_ms).is_some_and(|(began, since)| since < began)
}

/// Whether the times of all lines tell whose they are.
fn are_exact(lines: &[LifeLines]) -> bool {
    let read = || lines.iter().rev().take_while(|life| life.is_whole);
    read().all(|life| life.is_exact) && read().any(|life| life.is_dated)
}

/// Gives deaths of which no line was told those that are dated into their lives, and those that somebody ended
/// where they have the lines of earlier lives, too. Where those may be of others, or are not known, that is said.
/// `is_stamped`: what the end of the log has is shared out by its stamps.
fn take_lines(deaths: &mut [Death], lines: &[LifeLines], is_stamped: bool) {
    for (death, life) in deaths.iter_mut().rev().zip(lines.iter().rev()) {
        if death.is_mixed && death.evidence.is_asked {
            death.words.clear();
        }
        if !death.words.is_empty() {
            continue;
        }
        if !is_stamped || life.is_older {
            life.text.lines().for_each(|line| say_cleaned(death, line));
        }
        let is_sure = life.is_exact && (life.is_whole || !death.words.is_empty());
        death.is_unclear = !(is_sure || is_stamped && life.is_whole);
        death.is_mixed = death.is_unclear && !death.words.is_empty();
    }
}

/// Decides anew why a life ended, of its last lines. `is_doubtful`: they may be of a life after it.
fn conclude(death: &mut Death, is_doubtful: bool) {
    if death.words.is_empty() || death.is_unclear {
        return;
    }
    let words = &death.words;
    let has_head = words.iter().any(|line| is_error_line(line));
    let last_line = telling(words.iter().map(|line| &**line));
    death.evidence.last_line = last_line.map(|line| without_stamp(line).into());
    if death.evidence.is_asked || death.evidence.is_old_worker {
        return;
    }
    // A cluster worker that threw ends with code 0: then only its last words tell.
    if death.evidence.is_cluster && has_head && matches!(death.cause, Cause::Zero { .. }) {
        death.evidence.exception.clone_from(&death.evidence.last_line);
        death.cause = Cause::Exception(death.evidence.last_line.clone().unwrap_or_default());
        death.sure = if is_doubtful { Sure::Guess } else { Sure::Likely };
        return;
    }
    let before = death.cause.clone();
    let sure = death.sure;
    (death.cause, death.sure) = judge(&death.evidence);
    if death.cause == before {
        // The daemon's own log said it: the words add nothing to how sure that is.
        death.sure = sure;
        return;
    }
    death.sure = if is_doubtful { Sure::Guess } else { death.sure.min(Sure::Likely) };
}

#[cfg(test)]
mod tests;
