//! The black box of one process: the life that it leads, and those that ended.

use std::collections::VecDeque;

use super::cause::{By, Evidence, Trigger};
use super::last_words::{says_better, says_heap_is_full, says_more};
use super::stamp::without_stamp;
use super::{Death, Follows, LIVES_MAX, LifeNumber, WORD_CHARS_MAX, WORDS_MAX};
use crate::model::Action;
use crate::model::end::End;
use crate::model::exceptions::whole_message;
use crate::model::lifecycle;
use crate::model::looping::restart_delay_ms;
use crate::model::moment::Moment;
use crate::model::ours::Ours;
use crate::protocol::bus::{EventKind, Exception, ProcessEvent};
use crate::protocol::process::{ExecMode, ProcessStatus};

mod mended;
mod thrown;

/// An exception is why a process ended where it ended so soon after it, milliseconds.
const EXCEPTION_MS: i64 = 2_000;
/// What a client says of what it did comes so soon after it, milliseconds.
const TOLD_MS: i64 = 2_000;
/// What PM2 gives as its reason is the reason of an end so soon after it, over the `kill_timeout`,
/// milliseconds.
const TRIGGER_MS: i64 = 2_000;
/// The daemon's own log has whole seconds: an end may be the same that was seen, milliseconds.
const SECOND_MS: i64 = 1_000;
/// What a life said last has come so long after its end, milliseconds (docs/pm2-ops.md section 0).
const SETTLED_MS: i64 = 1_000;
/// A restart on request starts the next life so soon after what waited was stopped; later than that it
/// was a stop and a later start, milliseconds.
pub(super) const LATER_MS: i64 = 10_000;
/// No process has said anything so soon after it came online: what comes then is of the life before,
/// milliseconds. Node.js takes 30 to start.
const LAST_WORDS_MS: i64 = 20;

/// The lives of one process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlackBox {
    /// Those that ended, oldest first.
    lives: VecDeque<Death>,
    /// How many older ones fell out.
    older: u32,
    /// How many ended while they were watched.
    ended: i64,
    /// The one that it leads, or that is about to end.
    life: Life,
    /// The one whose place a reload has given to [`Self::life`], until it ends.
    old: Option<Life>,
    /// When it came online last, by the steady clock; lines just after that are of the life before.
    online_at_ms: Option<i64>,
    /// When the last life ended, by the steady clock.
    ended_at_ms: Option<i64>,
    /// How often it had been restarted then.
    ended_restarts: Option<u32>,
    /// When it was stopped while it waited for its restart, by the steady clock.
    stopped_at_ms: Option<i64>,
    /// Why it could not be started, as PM2 said it, cleaned.
    not_started: Option<Box<str>>,
    /// How many of the last lives [`Self::settled`] has not given yet.
    unsettled: usize,
}

/// What is known of a life that goes on.
#[derive(Debug, Clone, Default, PartialEq)]
struct Life {
    /// Whether it is running, as far as is known.
    is_on: bool,
    started_ms: Option<i64>,
    words: VecDeque<Box<str>>,
    last_line: Option<Box<str>>,
    exception: Option<Thrown>,
    trigger: Option<(Trigger, i64)>,
    is_heap_full: bool,
    is_asked: bool,
    by: Option<By>,
    end: Option<End>,
    cpu_percent: Option<f32>,
    memory_bytes: Option<u64>,
    peak_bytes: Option<u64>,
}

/// An exception of a life that goes on.
#[derive(Debug, Clone, PartialEq)]
struct Thrown {
    message: Box<str>,
    stack: Box<[Box<str>]>,
    /// When it came, by the steady clock.
    at_ms: i64,
}

impl BlackBox {
    /// The lives that ended, oldest first; at most [`LIVES_MAX`].
    #[must_use]
    pub fn lives(&self) -> &VecDeque<Death> {
        &self.lives
    }

    /// The last death.
    #[must_use]
    pub fn last(&self) -> Option<&Death> {
        self.lives.back()
    }

    /// The signal of the last death, where it is known.
    #[must_use]
    pub fn signal(&self) -> Option<&str> {
        self.last_in_place()?.evidence.end.as_ref()?.signal()
    }

    /// The signal of the last death, where PM2 did not end it itself.
    #[must_use]
    pub fn killed_by(&self) -> Option<&str> {
        let evidence = &self.last_in_place()?.evidence;
        self.signal().filter(|_| !evidence.is_asked)
    }

    /// The life with this number, or the one that is nearest to it where that is gone; without a number
    /// the last. With its place in [`Self::lives`] and its number, which it keeps while others end.
    #[must_use]
    pub fn numbered(&self, number: LifeNumber) -> Option<(&Death, usize, i64)> {
        let last = self.lives.len().checked_sub(1)?;
        let back = number.map_or(0, |number| self.ended.saturating_sub(number));
        let place = last.saturating_sub(usize::try_from(back).unwrap_or(0));
        Some((self.lives.get(place)?, place, self.ended - (last - place) as i64))
    }

    /// When the life began after the one at this place of [`Self::lives`], as far as that is known: after the
    /// last the one that goes on since `online_since_ms`. Milliseconds since 1970.
    #[must_use]
    pub fn next_began(&self, place: usize, online_since_ms: Option<i64>) -> Option<i64> {
        self.lives.get(place + 1).map_or(online_since_ms, |next| next.started_ms)
    }

    /// How many older lives are not kept any more.
    #[must_use]
    pub fn older(&self) -> u32 {
        self.older
    }

    /// Whether there were more lives than are kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.older > 0
    }

    /// Why it could not be started the last time, as PM2's console said it: `spawn python3 ENOENT`.
    #[must_use]
    pub fn not_started(&self) -> Option<&str> {
        self.not_started.as_deref()
    }

    /// When it last came online, by the steady clock.
    pub(in crate::model) fn online_at_ms(&self) -> Option<i64> {
        self.online_at_ms
    }

    /// PM2 could not start the process.
    pub(in crate::model) fn could_not_start(&mut self, why: &str) {
        self.not_started = Some(why.into());
    }

    /// The deaths that were seen and that nothing more will be told of, each once; of one that is gone
    /// that is all of them.
    pub(in crate::model) fn settled(
        &mut self,
        now: Moment,
        is_gone: bool,
    ) -> impl Iterator<Item = &Death> {
        let is_fresh = !is_gone
            && self
                .ended_at_ms
                .is_some_and(|at_ms| now.steady_ms.saturating_sub(at_ms) < SETTLED_MS);
        let left = self.unsettled.min(usize::from(is_fresh));
        let count = self.unsettled - left;
        self.unsettled = left;
        let skip = self.lives.len().saturating_sub(count + left);
        self.lives.iter().skip(skip).take(count)
    }

    /// Takes what was made up of the lives before those that were seen; how many it took.
    pub(in crate::model) fn take_past(&mut self, past: Self) -> usize {
        // A second connection looks back, too: on what was seen already.
        let before_ms = self.lives.front().map(|first| first.ended_ms.saturating_sub(SECOND_MS));
        let is_older = |death: &Death| before_ms.is_none_or(|before_ms| death.ended_ms < before_ms);
        let (before, older) = (self.lives.len(), self.older);
        for death in past.lives.into_iter().rev().filter(is_older) {
            self.reconstruct(death);
        }
        // At each look they are the same ones.
        let unkept = self.older - older;
        self.older = older.max(unkept.saturating_add(past.older));
        self.not_started = self.not_started.take().or(past.not_started);
        self.lives.len() - before
    }

    /// Puts a death that was made up from what was left before all that were seen.
    pub fn reconstruct(&mut self, death: Death) {
        if self.lives.len() < LIVES_MAX {
            self.lives.push_front(death);
        } else {
            self.older = self.older.saturating_add(1);
        }
    }

    /// Takes an event of the process; `ours` is what this program has asked for.
    pub(in crate::model) fn event(&mut self, event: &ProcessEvent, ours: Ours, now: Moment) {
        let told = |action: Action| {
            if ours.echo == Some(action) { By::Here(action) } else { By::Cli(action) }
        };
        match event.kind {
            EventKind::Online => self.online(event, now),
            EventKind::Exit => self.exit(event, ours, now),
            EventKind::RestartOverlimit => {
                let max = event.info.restarts_max();
                self.end_life(event, ours, now);
                self.with_last(|death| death.follows = Follows::GaveUp { max });
            }
            EventKind::Restart => self.told(told(Action::Restart), now),
            EventKind::Stop => self.told(told(Action::Stop), now),
            EventKind::Reload | EventKind::GracefulReload => self.told(told(Action::Reload), now),
            EventKind::Start | EventKind::Delete | EventKind::Other(_) => {}
        }
    }

    fn online(&mut self, event: &ProcessEvent, now: Moment) {
        let count = event.info.restarts;
        if self.life.is_on {
            // A reload, or the restart for its memory of a cluster worker: the new one is up first.
            let mut old = std::mem::take(&mut self.life);
            old.is_asked = true;
            self.old = Some(old);
        } else {
            // PM2 counts a restart, and no start of what was stopped.
            let is_restart = self.ended_restarts.is_some_and(|before| count > before);
            let is_fresh = |at_ms: i64| now.steady_ms.saturating_sub(at_ms) < LATER_MS;
            let is_request = self.stopped_at_ms.take().is_some_and(is_fresh);
            self.with_last(|death| {
                let was_stopped = matches!(death.follows, Follows::StoppedWaiting { .. });
                if death.follows == Follows::Unknown || (was_stopped && is_request) {
                    death.follows =
                        if is_restart { Follows::Restart { count } } else { Follows::Again };
                }
            });
            self.life = Life::default();
        }
        self.not_started = None;
        self.life.is_on = true;
        self.life.started_ms = event.info.online_since_ms;
        self.online_at_ms = Some(now.steady_ms);
    }

    fn exit(&mut self, event: &ProcessEvent, ours: Ours, now: Moment) {
        let end = lifecycle::end(event);
        let life =
            if event.is_old_worker { self.old.get_or_insert_default() } else { &mut self.life };
        match event.info.status {
            // PM2 ends it; the second `exit` comes when it is gone, without the signal.
            ProcessStatus::Stopping => {
                life.is_asked = true;
                life.end = Some(end);
                life.by = ours.ends.map(By::Here);
            }
            // `restart overlimit` came just before, and told it.
            ProcessStatus::Errored => {}
            // There is no process that could end: PM2 tells the same end once more.
            _ if self.is_waiting(event) => {
                self.stopped_at_ms = Some(now.steady_ms);
                let by = ours.ends.map(By::Here);
                self.with_last(|death| death.follows = Follows::StoppedWaiting { by });
            }
            _ => self.end_life(event, ours, now),
        }
    }

    /// Whether the process waits for its restart, as far as was seen.
    fn is_waiting(&self, event: &ProcessEvent) -> bool {
        let waits = self.last().is_some_and(|last| {
            matches!(last.follows, Follows::Unknown | Follows::Soon)
                && !last.evidence.is_asked
                && last.evidence.end == Some(lifecycle::end(event))
        });
        let is_same = self.ended_restarts.is_none_or(|restarts| restarts == event.info.restarts);
        waits
            && is_same
            && !self.life.is_on
            && !event.is_old_worker
            && restart_delay_ms(&event.info).is_some()
    }

    fn end_life(&mut self, event: &ProcessEvent, ours: Ours, now: Moment) {
        let life = if event.is_old_worker {
            self.old.take().unwrap_or_default()
        } else {
            std::mem::take(&mut self.life)
        };
        let info = &event.info;
        let ended_ms = event.at_ms.unwrap_or(now.wall_ms);
        let started_ms = info.online_since_ms.or(life.started_ms);
        let kill_ms = i64::try_from(info.kill_ms());
        let trigger_ms = TRIGGER_MS.saturating_add(kill_ms.unwrap_or(i64::MAX));
        let is_fresh =
            |at_ms: i64, within_ms: i64| now.steady_ms.saturating_sub(at_ms) <= within_ms;
        let exception = life.exception.filter(|thrown| is_fresh(thrown.at_ms, EXCEPTION_MS));
        let (message, stack) = match exception {
            Some(Thrown { message, stack, .. }) => (Some(message), stack),
            None => (None, Box::default()),
        };
        let evidence = Evidence {
            end: Some(life.end.unwrap_or_else(|| lifecycle::end(event))),
            is_asked: life.is_asked,
            is_old_worker: event.is_old_worker,
            by: life.by,
            sent: ours.signal.filter(|_| !event.is_old_worker),
            trigger: life
                .trigger
                .filter(|(_, at_ms)| is_fresh(*at_ms, trigger_ms))
                .map(|(trigger, _)| trigger),
            exception: message,
            last_line: life.last_line,
            may_be_cron: false,
            is_heap_full: life.is_heap_full,
            is_oom: None,
            is_cluster: info.exec_mode == ExecMode::Cluster,
            is_shell: info.setup.runs_shell,
            is_of_figures: false,
            with_daemon: None,
        };
        let (cause, sure) = super::cause::judge(&evidence);
        let uptime_ms = started_ms.map(|started| ended_ms.saturating_sub(started));
        let stays = !evidence.is_asked && info.stays_stopped().is_some();
        self.push(Death {
            started_ms,
            ended_ms,
            uptime_ms: uptime_ms.and_then(|ms| u64::try_from(ms).ok()),
            cause,
            sure,
            evidence,
            follows: if stays { Follows::StaysStopped } else { Follows::Unknown },
            stack,
            words: life.words,
            cpu_percent: life.cpu_percent,
            memory_bytes: life.memory_bytes,
            peak_bytes: life.peak_bytes,
            is_watched: true,
            is_read: false,
            is_mixed: false,
            is_unclear: false,
            is_log_empty: false,
        });
        self.ended_at_ms = Some(now.steady_ms);
        self.ended_restarts = Some(event.info.restarts);
    }

    fn push(&mut self, death: Death) {
        if self.lives.len() >= LIVES_MAX {
            self.lives.pop_front();
            self.older = self.older.saturating_add(1);
        }
        self.lives.push_back(death);
        self.ended += 1;
        self.unsettled = (self.unsettled + 1).min(LIVES_MAX);
    }

    /// A client says what it did: so it was the one that had the process ended just before.
    fn told(&mut self, by: By, now: Moment) {
        let is_fresh = |at_ms: i64| now.steady_ms.saturating_sub(at_ms) <= TOLD_MS;
        if self.stopped_at_ms.is_some_and(is_fresh) {
            self.with_last(|death| {
                if let Follows::StoppedWaiting { by: unknown @ None } = &mut death.follows {
                    *unknown = Some(by);
                }
            });
            return;
        }
        let ended_at_ms = self.ended_at_ms;
        if ended_at_ms.is_none_or(|at_ms| now.steady_ms.saturating_sub(at_ms) > TOLD_MS) {
            return;
        }
        self.with_last(|death| {
            let evidence = &mut death.evidence;
            if (evidence.is_asked || evidence.is_old_worker) && evidence.by.is_none() {
                evidence.by = Some(by);
                death.judge();
            }
        });
    }

    /// Takes an exception of the process. It may survive it.
    pub(in crate::model) fn exception(&mut self, exception: &Exception, now: Moment) {
        let message: Box<str> = whole_message(&exception.message, &exception.stack).into();
        let stack = exception.stack.clone();
        if self.is_about_the_dead(now) {
            self.with_last(|death| {
                if death.evidence.exception.is_none() {
                    death.evidence.exception = Some(message);
                    death.stack = stack.into();
                    death.judge();
                }
            });
            return;
        }
        let stack = stack.into();
        self.life.exception = Some(Thrown { message, stack, at_ms: now.steady_ms });
    }

    /// Takes a cleaned line of the process's standard error.
    pub(in crate::model) fn err_line(&mut self, line: &str, now: Moment) {
        let cut: Box<str> = line.chars().take(WORD_CHARS_MAX).collect::<String>().into();
        let is_heap_full = says_heap_is_full(line);
        let last_line: Box<str> = without_stamp(&cut).into();
        if self.is_about_the_dead(now) {
            self.with_last(|death| {
                push_line(&mut death.words, cut);
                death.evidence.is_heap_full |= is_heap_full;
                let known = death.evidence.last_line.as_deref();
                if says_better(&last_line, known) {
                    death.evidence.last_line = Some(last_line);
                }
                death.judge();
            });
            return;
        }
        push_line(&mut self.life.words, cut);
        self.life.is_heap_full |= is_heap_full;
        if says_more(&last_line, self.life.last_line.as_deref()) {
            self.life.last_line = Some(last_line);
        }
    }

    /// PM2 says why it will restart the process.
    pub(in crate::model) fn trigger(&mut self, trigger: Trigger, now: Moment) {
        self.life.trigger = Some((trigger, now.steady_ms));
    }

    /// V8 says on the daemon's console that a heap is full: that of a worker which dies just now.
    pub(in crate::model) fn heap_is_full(&mut self) {
        self.life.is_heap_full = true;
    }

    /// Takes what was measured of the process.
    pub(in crate::model) fn sample(
        &mut self,
        cpu_percent: Option<f32>,
        memory: Option<u64>,
        now: Moment,
    ) {
        // A poll that was answered before the end can come after it.
        let has_just_ended =
            self.ended_at_ms.is_some_and(|at_ms| now.steady_ms.saturating_sub(at_ms) < SETTLED_MS);
        if !self.life.is_on && has_just_ended {
            return;
        }
        // Nothing runs in 0 bytes: what was not measured.
        let memory = memory.filter(|bytes| *bytes > 0);
        let life = &mut self.life;
        life.is_on = true;
        life.cpu_percent = cpu_percent.or(life.cpu_percent);
        life.memory_bytes = memory.or(life.memory_bytes);
        life.peak_bytes = life.peak_bytes.max(memory);
    }

    /// Whether the kernel has killed a process for want of memory since that was last asked; where
    /// nobody knows it of the last death yet, that is where it belongs.
    pub(in crate::model) fn out_of_memory(&mut self, is_oom: bool) {
        self.with_last(|death| {
            if death.is_watched && death.evidence.is_oom.is_none() {
                death.evidence.is_oom = Some(is_oom);
                death.judge();
            }
        });
    }

    /// Whether what comes now is of the life that ended, not of the one that began.
    fn is_about_the_dead(&self, now: Moment) -> bool {
        if self.lives.is_empty() || self.ended_at_ms.is_none() {
            return false;
        }
        if !self.life.is_on {
            return true;
        }
        self.online_at_ms.is_some_and(|at_ms| now.steady_ms.saturating_sub(at_ms) < LAST_WORDS_MS)
    }

    fn with_last(&mut self, change: impl FnOnce(&mut Death)) {
        if let Some(death) = self.lives.back_mut() {
            change(death);
        }
    }
}

fn push_line(words: &mut VecDeque<Box<str>>, line: Box<str>) {
    if words.len() >= WORDS_MAX {
        words.pop_front();
    }
    words.push_back(line);
}
