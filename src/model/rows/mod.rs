//! Which processes the table has, and in which order.
//!
//! Invariant: pure, and the same for the screen and for `ls`; whatever the order, what has no value
//! comes last, and what is equal stays in the order of daemons and ids.

pub mod columns;
mod filter;
mod hint;
mod lexer;
pub mod metric;
mod natural;
mod order;
#[cfg(test)]
mod tests;
pub mod tree;

pub use self::columns::Field;
pub use self::filter::Filter;
pub(crate) use self::filter::STATUS_WORDS;
pub use self::hint::near_status;
pub use self::lexer::Wrong;
pub use self::metric::MetricName;
pub use self::natural::natural;
pub use self::order::Sort;
use super::ProcessKey;
use super::death::cause::Cause;
use super::death::{BlackBox, Death, words};
use super::fleet::{Fleet, Process};
use super::watched::Watched;
use crate::protocol::process::ProcessStatus;

/// So many of the last ends in a crash loop are looked at for one that says something.
const LIVES_TELLING: usize = 4;

/// What is asked of the fleet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Only those that it lets through.
    pub filter: Option<Filter>,
    /// Only those that are not well.
    pub only_unwell: bool,
    /// The order.
    pub sort: Sort,
}

impl Query {
    /// Whether it leaves all as it is: every process, by its id.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.leaves_out() && self.sort == Sort::default()
    }

    /// What its filter was probably meant as, where that lets none of these through.
    #[must_use]
    pub fn hint(&self, fleet: &Fleet) -> Option<String> {
        let filter = self.filter.as_ref()?;
        let all: Vec<&Process> = fleet.iter().map(|(_, process)| process).collect();
        let is_empty = !all.iter().any(|process| filter.takes(process));
        filter.hint(&all).filter(|_| is_empty)
    }

    /// Whether it may leave processes out.
    #[must_use]
    pub fn leaves_out(&self) -> bool {
        self.filter.is_some() || self.only_unwell
    }

    /// Whether a process is one of those asked for.
    #[must_use]
    pub fn takes(&self, process: &Process) -> bool {
        (!self.only_unwell || is_unwell(process))
            && self.filter.as_ref().is_none_or(|filter| filter.takes(process))
    }
}

/// The processes of a query, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows(pub Vec<ProcessKey>);

impl Rows {
    /// Those of this query.
    #[must_use]
    pub fn of(fleet: &Fleet, query: &Query) -> Self {
        Self::with(fleet, query, None)
    }

    /// The same, with one that is among them whether it fits or not.
    #[must_use]
    pub fn with(fleet: &Fleet, query: &Query, kept: Option<ProcessKey>) -> Self {
        let rows = fleet.iter();
        let mut rows: Vec<_> =
            rows.filter(|(key, process)| kept == Some(*key) || query.takes(process)).collect();
        query.sort.apply(&mut rows);
        Self(rows.into_iter().map(|(key, _)| key).collect())
    }
}

/// Whether somebody should look at it: errored, looping, waiting for its restart, online without a
/// process, near its memory limit, past a threshold of the user's, stopped though it is saved as running,
/// or a job that failed.
#[must_use]
pub fn is_unwell(process: &Process) -> bool {
    let is_bad_word =
        matches!(process.info.status, ProcessStatus::Errored | ProcessStatus::WaitingRestart);
    is_bad_word
        || is_forgotten(process)
        || has_failed(process)
        || process.tag.crossed.is_some()
        || process.is_looping
        || process.never_started()
        || process.is_near_limit()
}

/// Whether it is a job that ended with an exit code that is not 0 or by a signal, and nobody stopped it, as far
/// as is known.
fn has_failed(process: &Process) -> bool {
    let info = &process.info;
    let is_killed = info.may_have_been_killed() && process.is_killed;
    (info.has_failed() || is_killed) && process.stopping_since_ms.is_none()
}

/// Whether it is stopped though it is saved as running.
fn is_forgotten(process: &Process) -> bool {
    process.info.status == ProcessStatus::Stopped && process.is_saved_running
}

/// The last reason in a crash loop that says something: PM2 reports code 0 of a worker that threw, now and
/// then, where the others say why.
fn telling(black_box: &BlackBox) -> Option<String> {
    let last = black_box.last()?;
    let says_little = |death: &&Death| !matches!(death.cause, Cause::Zero { is_cluster: true, .. });
    let lately = black_box.lives().iter().rev().take(LIVES_TELLING);
    words::reason(lately.into_iter().find(says_little).unwrap_or(last))
}

/// Why a process is not running as it should, for its row; `None` while it is, where somebody stopped
/// it, and where nobody knows.
#[must_use]
pub fn reason(watched: &Watched, key: ProcessKey) -> Option<String> {
    let process = watched.fleet.get(key)?;
    let black_box = watched.boxes.get(key);
    let not_started = || black_box.and_then(BlackBox::not_started).map(str::to_owned);
    if process.never_started() {
        return not_started();
    }
    let is_down = matches!(
        process.info.status,
        ProcessStatus::Errored | ProcessStatus::Stopped | ProcessStatus::WaitingRestart
    );
    if !is_down && !process.is_looping && !process.info.has_given_up() {
        return None;
    }
    let last = black_box.and_then(BlackBox::last);
    let forgotten = || is_forgotten(process).then(|| "saved as running".to_owned());
    let reason = || match black_box {
        Some(black_box) if process.is_looping => telling(black_box),
        _ => last.and_then(words::reason),
    };
    reason().or_else(|| not_started().filter(|_| last.is_none())).or_else(forgotten)
}
