//! One process and its history.
//!
//! Invariant: a snapshot is the truth of its moment, an event changes the row at once and until the
//! next snapshot; what was not measured is not there, rather than 0.

use super::end::End;
use super::figures::Figures;
use super::looping::{loops, restart_delay_ms};
use super::moment::Moment;
use super::series::{Sample, Series};
use super::speech::Speech;
use super::system::Measured;
use super::{Action, Target, Verdict};
use crate::protocol::bus::{EventKind, ProcessEvent};
use crate::protocol::process::{ProcessInfo, ProcessStatus};

mod shown;

pub use self::shown::Shown;

/// What was measured here longer ago is not so any more, milliseconds.
const MEASURED_MS: i64 = 5_000;
/// For how long the row says what came of an action, milliseconds.
const OUTCOME_MS: i64 = 4_000;
/// The same, where it went wrong.
const BAD_OUTCOME_MS: i64 = 10_000;

/// A process and its history. Times named `_ms` are by the steady clock of [`Moment`], but for those
/// that PM2 gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// What PM2 says of it. CPU and memory are `None` where PM2 did not measure them.
    pub info: ProcessInfo,
    /// Whether a snapshot has told its pid since the last event: events carry none.
    pub is_pid_known: bool,
    /// Its last five minutes.
    pub series: Series,
    /// CPU and memory as they are shown.
    pub figures: Figures,
    /// CPU and memory as this machine tells them, and when it last did.
    pub measured: Option<(Measured, i64)>,
    /// CPU and memory with its children, as they are shown; measured here alone.
    pub tree: Figures,
    /// The ports on which it and its children listen, in order; found here alone.
    pub ports: Box<[u16]>,
    /// How much it says.
    pub speech: Speech,
    /// When it was first seen here, milliseconds since 1970.
    pub first_seen_ms: i64,
    /// When a snapshot or an event last told of it.
    pub seen_ms: i64,
    /// When the last event told of it: by PM2's own wall clock, and when it came here.
    told: Option<Moment>,
    /// What the user asked for and the engine has not decided yet.
    pub pending: Option<Action>,
    /// Whether its turn in that has not come yet.
    pub is_queued: bool,
    /// In which state it was when an action was last asked for, where PM2 would not have started it by itself.
    pub was_down: Option<&'static str>,
    /// When the last list that told of it was asked for, milliseconds since 1970.
    pub(super) listed_ms: i64,
    /// The last action asked for here and when, to know its echo on the bus.
    pub asked: Option<(Action, i64)>,
    /// The last signal that was asked for here to be sent to it, and when; until it ends.
    pub sent: Option<(&'static str, i64)>,
    /// What came of the last action asked for here, while the row says it.
    pub outcome: Option<RowOutcome>,
    /// When it came online: PM2's time, and the steady clock's at it.
    pub online_since: Option<(i64, i64)>,
    /// While `waiting restart`: when PM2 will start it again.
    pub restarts_at_ms: Option<i64>,
    /// Whether a reload is replacing its worker.
    pub is_reloading: bool,
    /// Whether it keeps crashing: PM2 says `online` of it, since it is, between its crashes.
    pub is_looping: bool,
    /// When PM2 said why it would restart it (its memory, a changed file).
    pub explained_at_ms: Option<i64>,
    /// When the first of a deliberate stop's two exits came.
    pub stopping_since_ms: Option<i64>,
    /// By which signal it ended then: PM2's console tells it with the first of the two alone.
    pub stopped_by: Option<Box<str>>,
    /// When the event log last said that it was stopped.
    pub stop_told_at_ms: Option<i64>,
    /// `restart_time` when an event told of its last end.
    ended_restarts: Option<u32>,
    /// The signal of its last end, where that was seen: PM2 says code 0 of each.
    pub signal: Option<Box<str>>,
    /// Whether a signal ended it that was not PM2's.
    pub is_killed: bool,
    /// Whether it is saved as running and was stopped at the last look.
    pub is_saved_running: bool,
    /// What its daemon and the configuration say of it.
    pub tag: super::tag::Tag,
}

/// What the row says came of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct RowOutcome {
    /// The action.
    pub action: Action,
    /// What came of it.
    pub verdict: Verdict,
    /// When the row stops saying it.
    pub until_ms: i64,
}

impl Process {
    /// A process that was just seen, without history.
    #[must_use]
    pub fn new(info: ProcessInfo) -> Self {
        Self {
            info,
            is_pid_known: true,
            series: Series::default(),
            figures: Figures::default(),
            measured: None,
            tree: Figures::default(),
            ports: Box::default(),
            speech: Speech::default(),
            first_seen_ms: 0,
            seen_ms: 0,
            told: None,
            pending: None,
            is_queued: false,
            was_down: None,
            listed_ms: i64::MIN,
            asked: None,
            sent: None,
            outcome: None,
            online_since: None,
            restarts_at_ms: None,
            is_reloading: false,
            is_looping: false,
            explained_at_ms: None,
            stopping_since_ms: None,
            stopped_by: None,
            stop_told_at_ms: None,
            ended_restarts: None,
            signal: None,
            is_killed: false,
            is_saved_running: false,
            tag: super::tag::Tag::default(),
        }
    }

    /// A process as the first snapshot tells of it.
    #[must_use]
    pub fn polled(info: ProcessInfo, at: Moment) -> Self {
        let mut process = Self::new(info.clone());
        process.first_seen_ms = at.wall_ms;
        // It ended before: no event will tell of that.
        let is_waiting = process.info.status == ProcessStatus::WaitingRestart;
        process.ended_restarts = is_waiting.then_some(process.info.restarts);
        process.take_snapshot(info, true, at);
        process
    }

    /// It, as what is to be acted on.
    #[must_use]
    pub fn target(&self, god: Option<u32>) -> Target {
        Target::of(&self.info).seen(self.first_seen_ms, god)
    }

    /// Whether PM2 says `online` of a process that it could not spawn.
    #[must_use]
    pub fn never_started(&self) -> bool {
        self.info.never_started() && self.is_pid_known
    }

    /// How it last ended; `None` where it never did.
    #[must_use]
    pub fn last_end(&self) -> Option<End> {
        let code = self.info.exit_code.as_deref().filter(|code| !code.is_empty())?;
        Some(End::last(code, self.signal.as_deref()))
    }

    /// In which state it is where it is over: `stopped` or `errored`. What an event says alone tells no pid, and
    /// so not whether PM2 starts it again.
    #[must_use]
    pub fn over_word(&self) -> Option<&'static str> {
        let is_known = self.is_pid_known || self.info.has_given_up();
        self.info.over_word().filter(|_| is_known)
    }

    /// Whether it is up and running.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.info.status == ProcessStatus::Online && !self.never_started()
    }

    /// Whether there is a process, so that its CPU, memory and uptime mean something: PM2 says 0 for
    /// the others, which nobody measured.
    #[must_use]
    pub fn is_running(&self) -> bool {
        match self.info.status {
            ProcessStatus::Online
            | ProcessStatus::Launching
            | ProcessStatus::Stopping
            | ProcessStatus::Other(_) => !self.never_started(),
            ProcessStatus::Stopped | ProcessStatus::Errored | ProcessStatus::WaitingRestart => {
                false
            }
        }
    }

    /// How long it has been online, milliseconds; `None` while it is not.
    #[must_use]
    pub fn uptime_ms(&self, steady_ms: i64) -> Option<i64> {
        let (_, since_ms) = self.online_since.filter(|_| self.is_online())?;
        Some(steady_ms.saturating_sub(since_ms).max(0))
    }

    /// Whether its memory is within a tenth of its limit, as it is shown.
    #[must_use]
    pub fn is_near_limit(&self) -> bool {
        let memory = self.figures.memory_bytes();
        memory.zip(self.info.memory_limit_bytes).is_some_and(|(memory, limit)| {
            limit > 0 && u128::from(memory) * 10 >= u128::from(limit) * 9
        })
    }

    /// How often it had been restarted when it last ended, as far as was seen: a snapshot may count the
    /// restart before its start is told.
    pub(super) fn counted(&self) -> u32 {
        self.ended_restarts.unwrap_or(self.info.restarts)
    }

    /// Whether it waits for its restart after an end that an event told: a list may be ahead of the event.
    pub(super) fn waits_after_its_end(&self) -> bool {
        self.info.status == ProcessStatus::WaitingRestart
            && self.ended_restarts == Some(self.info.restarts)
    }

    /// Notes that an action was asked for.
    pub fn ask(&mut self, action: Action, now: Moment) {
        self.pending = Some(action);
        self.asked = Some((action, now.steady_ms));
        self.outcome = None;
        self.is_reloading = action == Action::Reload;
        self.is_queued = false;
        self.was_down = self.over_word();
    }

    /// Notes that an action was asked for in which others come before it.
    pub fn queue(&mut self, action: Action, now: Moment) {
        self.ask(action, now);
        self.is_queued = true;
    }

    /// Notes that a signal was asked for to be sent to it.
    pub fn send(&mut self, signal: &'static str, now: Moment) {
        self.sent = Some((signal, now.steady_ms));
    }

    /// Notes what came of it.
    pub fn finish(&mut self, action: Action, verdict: &Verdict, now: Moment) {
        self.pending = None;
        (self.is_queued, self.is_reloading) = (false, false);
        // The echo on the bus comes about now, however long the action took.
        self.asked = self.asked.map(|(action, _)| (action, now.steady_ms));
        let stays_ms = if verdict.is_success() { OUTCOME_MS } else { BAD_OUTCOME_MS };
        let until_ms = now.steady_ms.saturating_add(stays_ms);
        self.outcome = Some(RowOutcome { action, verdict: verdict.clone(), until_ms });
    }

    /// Whether an event told of it what a snapshot that was asked for at this moment cannot know: it
    /// happened later, and came later. (A daemon's clock may differ from this machine's, so neither
    /// of the two is enough.)
    pub(super) fn is_told_after(&self, asked: Moment) -> bool {
        self.told
            .is_some_and(|told| told.wall_ms > asked.wall_ms && told.steady_ms > asked.steady_ms)
    }

    /// Whether this is still that process.
    #[must_use]
    pub fn is(&self, other: &ProcessInfo) -> bool {
        Target::of(&self.info).is(other)
    }

    /// Takes a snapshot of `at` in; whether what is shown of it changed. `is_measured` is false where
    /// PM2 measures nothing.
    pub(super) fn take_snapshot(
        &mut self,
        mut info: ProcessInfo,
        is_measured: bool,
        at: Moment,
    ) -> bool {
        let before = Shown::of(self);
        // Nothing runs in 0 bytes: PM2 sends zeros of what it has not measured.
        if !is_measured || info.memory_bytes == Some(0) || info.never_started() {
            info.cpu_percent = None;
            info.memory_bytes = None;
        }
        let measured = self.measured_of(info.pid, at.steady_ms);
        if let Some(measured) = measured {
            // Newer, and of an even pace.
            info.cpu_percent = Some(measured.own.cpu_percent);
            info.memory_bytes = Some(measured.own.memory_bytes);
        }
        self.info = info;
        self.seen_ms = at.steady_ms;
        self.speech.listen(at.steady_ms);
        self.is_pid_known = true;
        self.note_online(at);
        if self.info.status == ProcessStatus::WaitingRestart {
            // The event told when; without one (the program started later) nobody knows.
            self.restarts_at_ms = self.restarts_at_ms.filter(|until| *until > at.steady_ms - 1_000);
        } else {
            self.restarts_at_ms = None;
        }
        if self.info.status == ProcessStatus::Online {
            self.stopping_since_ms = None;
        }
        if self.info.status != ProcessStatus::Launching {
            self.is_reloading = self.is_reloading && self.pending == Some(Action::Reload);
        }
        self.judge_loop(at);
        self.drop_contradicted_outcome();
        if measured.is_none() {
            self.measured = None;
            self.tree = Figures::default();
            self.sample(at.steady_ms);
        }
        before != Shown::of(self)
    }

    /// What was measured here a moment ago, if it was of the process with this system's id.
    #[must_use]
    pub fn measured_of(&self, pid: Option<u32>, steady_ms: i64) -> Option<Measured> {
        let (measured, at_ms) = self.measured?;
        let is_fresh = steady_ms.saturating_sub(at_ms) <= MEASURED_MS;
        (is_fresh && pid == Some(measured.pid)).then_some(measured)
    }

    /// Takes in what was measured here.
    pub(crate) fn take_measured(&mut self, measured: &Measured, at: Moment) {
        if self.info.pid != Some(measured.pid) || !self.is_running() {
            return;
        }
        self.measured = Some((*measured, at.steady_ms));
        self.speech.listen(at.steady_ms);
        self.info.cpu_percent = Some(measured.own.cpu_percent);
        self.info.memory_bytes = Some(measured.own.memory_bytes);
        self.sample(at.steady_ms);
        self.judge_loop(at);
        if measured.descendants == 0 {
            // The same, to the digit.
            self.tree = self.figures;
        } else {
            let Measured { tree, .. } = measured;
            self.tree.take(Some(tree.cpu_percent), Some(tree.memory_bytes), at.steady_ms);
        }
    }

    /// Keeps CPU and memory as they are now.
    fn sample(&mut self, steady_ms: i64) {
        let is_running = self.is_running();
        let cpu_percent = self.info.cpu_percent.filter(|_| is_running);
        let memory_bytes = self.info.memory_bytes.filter(|_| is_running);
        self.figures.take(cpu_percent, memory_bytes, steady_ms);
        if let (true, Some(cpu_percent), Some(memory_bytes)) =
            (self.is_online(), cpu_percent, memory_bytes)
        {
            self.series.push(Sample { at_ms: steady_ms, cpu_percent, memory_bytes });
        }
    }

    /// Lets an event change it at once.
    pub(super) fn take_event(&mut self, event: &ProcessEvent, now: Moment) {
        let mut info = event.info.clone();
        // The bus carries neither; the last snapshot's hold until the process ends.
        info.pid = self.info.pid;
        info.cpu_percent = self.info.cpu_percent;
        info.memory_bytes = self.info.memory_bytes;
        // What is set meanwhile, such as watching, a later look has told already.
        if event.at_ms.is_some_and(|at_ms| at_ms < self.listed_ms) {
            info.setup.clone_from(&self.info.setup);
        }
        let was_waiting = self.waits_after_its_end();
        self.info = info;
        self.seen_ms = now.steady_ms;
        let wall_ms = event.at_ms.unwrap_or(now.wall_ms);
        self.told = Some(Moment { wall_ms, steady_ms: now.steady_ms });
        match event.kind {
            EventKind::Online => {
                self.info.status = ProcessStatus::Online;
                self.restarts_at_ms = None;
                self.stopping_since_ms = None;
                self.forget_pid();
            }
            EventKind::Exit => self.take_exit(now, was_waiting),
            EventKind::Reload | EventKind::GracefulReload => self.is_reloading = false,
            _ => {}
        }
        self.note_online(now);
        self.judge_loop(now);
        self.drop_contradicted_outcome();
    }

    /// `was_waiting` for its restart: then nothing crashed, a client stops it.
    fn take_exit(&mut self, now: Moment, was_waiting: bool) {
        self.forget_pid();
        (self.restarts_at_ms, self.sent) = (None, None);
        self.ended_restarts = Some(self.info.restarts);
        if self.info.status == ProcessStatus::Stopping {
            self.stopping_since_ms = Some(now.steady_ms);
        }
        let crashed = self.info.status == ProcessStatus::Stopped
            && !was_waiting
            && self.stopping_since_ms.is_none()
            && self.info.stays_stopped().is_none();
        if let (true, Some(delay)) = (crashed, restart_delay_ms(&self.info)) {
            // God says `stopped` on the bus and sets `waiting restart` right after (`handleExit`).
            self.info.status = ProcessStatus::WaitingRestart;
            self.restarts_at_ms = Some(now.steady_ms.saturating_add(delay as i64));
        }
    }

    fn forget_pid(&mut self) {
        self.is_pid_known = false;
        self.info.pid = None;
        self.info.cpu_percent = None;
        self.info.memory_bytes = None;
        self.measured = None;
        (self.tree, self.ports) = (Figures::default(), Box::default());
        self.figures = Figures::default();
    }

    /// Keeps when it came online by the steady clock too, so that a wall clock that is set later
    /// changes no uptime.
    fn note_online(&mut self, now: Moment) {
        let since_ms = self.info.online_since_ms;
        if since_ms != self.online_since.map(|(wall_ms, _)| wall_ms) {
            // By the clock of a daemon that is ahead it will come online: it has already.
            let steady_of = |wall_ms| now.steady_of(wall_ms).min(now.steady_ms);
            self.online_since = since_ms.map(|wall_ms| (wall_ms, steady_of(wall_ms)));
        }
    }

    /// Whether it loops, by PM2's own figures alone: the rule of `ls` and `check` too.
    fn judge_loop(&mut self, now: Moment) {
        // The wall clock may have been set since.
        let now_ms = self.online_since.map_or(now.wall_ms, |(wall_ms, since_ms)| {
            wall_ms.saturating_add(now.steady_ms.saturating_sub(since_ms))
        });
        let is_stopped = self.stopping_since_ms.is_some();
        self.is_looping = !is_stopped && loops(&self.info, self.is_pid_known, now_ms);
    }

    /// `up 1.0 s` of what has ended since is not so any more.
    fn drop_contradicted_outcome(&mut self) {
        let is_up = self.outcome.as_ref().is_some_and(|it| match it.verdict {
            Verdict::Up { .. } => true,
            Verdict::Already => it.action != Action::Stop,
            _ => false,
        });
        if is_up && !self.is_online() {
            self.outcome = None;
        }
    }
}
