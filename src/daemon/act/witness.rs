//! What is heard of processes while something is done to them.
//!
//! Invariant: listening begins before the first call is sent, and is bounded by the ear; what was
//! missed is known ([`Witness::is_deaf`]) and made up for by looks.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::daemon::bus::ear::{Ear, Heard};
use crate::daemon::clock::now_ms;
use crate::daemon::said::Said;
use crate::model::death::{says_more, without_stamp};
use crate::model::end::End;
use crate::protocol::bus::{BusPmId, EventKind, Exception, ProcessEvent};
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

/// The longest last words, characters.
const WORDS_CHARS_MAX: usize = 300;
/// So many last lines of standard error are kept: V8 prints two stacks behind what it says.
const LINES_MAX: usize = 128;

/// What is known of one process since listening began.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Record {
    /// When it first came online after the last time that PM2 itself ended it.
    pub(super) online_at: Option<Instant>,
    /// The same by the daemon's own clock, milliseconds since 1970.
    pub(super) online_ms: Option<i64>,
    /// Its `restart_time` then.
    pub(super) restarts: Option<u32>,
    /// When the process before that ended, or was told to.
    pub(super) stopped_at: Option<Instant>,
    /// The same by the daemon's own clock, milliseconds since 1970.
    pub(super) stopped_ms: Option<i64>,
    /// Whether PM2 is ending it: the second of the two `exit`s is still to come.
    pub(super) is_stopping: bool,
    /// Whether PM2 ended it since it came online.
    pub(super) was_stopped: bool,
    /// Whether PM2 had to end it with SIGKILL.
    pub(super) was_killed: bool,
    /// Whether it ended by itself and has not come online since.
    pub(super) is_down: bool,
    /// How often it ended by itself since then.
    pub(super) ends: u32,
    /// When it first did.
    pub(super) first_end_at: Option<Instant>,
    /// How it last did.
    pub(super) last_end: Option<End>,
    /// Whether PM2 gave up starting it again.
    pub(super) has_given_up: bool,
    /// The message of its last exception.
    pub(super) exception: Option<Box<str>>,
    /// Its last lines of standard error, as they came.
    pub(super) lines: VecDeque<Box<str>>,
}

impl Record {
    /// Its exception, else its last line that says something; without what PM2 puts around the lines of
    /// this process.
    pub(super) fn last_words(&self, info: &ProcessInfo) -> Option<Box<str>> {
        let words = match &self.exception {
            Some(exception) => exception.to_string(),
            None => self.last_line(info)?,
        };
        Some(words.chars().take(WORDS_CHARS_MAX).collect::<String>().into())
    }

    fn last_line(&self, info: &ProcessInfo) -> Option<String> {
        let said = Said::at(info.logs.date_format.as_deref(), now_ms());
        let mut last: Option<String> = None;
        for line in &self.lines {
            for line in said.text(line.as_bytes()).lines().map(|line| without_stamp(line).trim()) {
                if says_more(line, last.as_deref()) {
                    last = Some(line.to_owned());
                }
            }
        }
        last
    }

    fn take_line(&mut self, line: &str) {
        if self.lines.len() >= LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    fn take_event(&mut self, event: &ProcessEvent, now: Instant) {
        match event.kind {
            EventKind::Online => {
                (self.is_stopping, self.is_down) = (false, false);
                if self.online_at.is_none() {
                    (self.online_at, self.online_ms) = (Some(now), event.at_ms);
                    self.restarts = Some(event.info.restarts);
                }
            }
            EventKind::Exit if event.info.status == ProcessStatus::Stopping => {
                // What was before that is another life.
                let was_stopped = self.online_at.is_some();
                *self = Self {
                    is_stopping: true,
                    was_stopped,
                    was_killed: event.signal.as_deref() == Some("SIGKILL"),
                    stopped_at: Some(now),
                    stopped_ms: event.at_ms,
                    ..Self::default()
                };
            }
            EventKind::Exit if self.is_stopping => {
                self.is_stopping = false;
                (self.stopped_at, self.stopped_ms) = (Some(now), event.at_ms);
            }
            // It waited for its restart, and somebody stopped it: PM2 tells the same end once more.
            EventKind::Exit if self.is_down => {}
            EventKind::Exit => {
                self.is_down = true;
                self.ends = self.ends.saturating_add(1);
                self.first_end_at.get_or_insert(now);
                let code = event.info.exit_code.clone();
                self.last_end = Some(match (&event.signal, code) {
                    (Some(signal), _) => End::Signal(signal.clone()),
                    (None, Some(code)) => End::Code(code),
                    (None, None) => End::Unseen,
                });
                self.has_given_up |= event.info.status == ProcessStatus::Errored;
            }
            EventKind::RestartOverlimit => self.has_given_up = true,
            _ => {}
        }
    }
}

/// Listens for an action.
pub(crate) struct Witness {
    ear: Ear,
    records: BTreeMap<PmId, Record>,
    /// Whether something was missed: the bus was away, or more came than was kept.
    is_deaf: bool,
}

impl Witness {
    pub(super) fn new(ear: Ear, is_connected: bool) -> Self {
        Self { ear, records: BTreeMap::new(), is_deaf: !is_connected }
    }

    /// Whether something was missed.
    pub(super) fn is_deaf(&self) -> bool {
        self.is_deaf
    }

    /// PM2 will end what waits for its restart, and tells one `exit` of that: its process is gone already.
    pub(super) fn expect_stop(&mut self, id: PmId) {
        self.records.entry(id).or_default().is_stopping = true;
    }

    /// What is known of a process.
    pub(super) fn of(&self, id: PmId) -> Record {
        self.records.get(&id).cloned().unwrap_or_default()
    }

    /// Listens until then. Cancel-safe.
    pub(super) async fn listen_until(&mut self, at: Instant) {
        while let Ok(heard) = timeout_at(at, self.ear.next()).await {
            self.take(heard, Instant::now());
        }
    }

    /// Listens while something else is done.
    pub(crate) async fn listen_during<T>(&mut self, doing: impl Future<Output = T>) -> T {
        tokio::pin!(doing);
        loop {
            tokio::select! {
                done = &mut doing => {
                    // What was said before the answer is heard before it is judged.
                    self.listen_until(Instant::now() + Duration::from_millis(1)).await;
                    return done;
                }
                heard = self.ear.next() => self.take(heard, Instant::now()),
            }
        }
    }

    fn take(&mut self, heard: Heard, now: Instant) {
        match heard {
            Heard::Process(event) if event.is_old_worker => {}
            Heard::Process(event) => {
                self.records.entry(event.info.pm_id).or_default().take_event(&event, now);
            }
            Heard::Exception(exception) => {
                if let Some(BusPmId::Process(id)) = exception.process.pm_id {
                    self.records.entry(id).or_default().exception = Some(said_by(&exception));
                }
            }
            Heard::ErrLine { is_old_worker: true, .. } | Heard::Reply { .. } => {}
            Heard::ErrLine { pm_id, line, .. } => {
                self.records.entry(pm_id).or_default().take_line(&line);
            }
            Heard::Lost => self.is_deaf = true,
        }
    }
}

/// What an exception says, with its kind where the stack begins with it: `TypeError: ..`.
fn said_by(exception: &Exception) -> Box<str> {
    let head = exception.stack.first().filter(|head| head.contains(&*exception.message));
    head.unwrap_or(&exception.message).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::ProcessInfo;

    fn event(kind: EventKind, status: ProcessStatus, code: Option<&str>) -> ProcessEvent {
        let mut info = ProcessInfo::new(PmId(1), "api", status);
        info.exit_code = code.map(Into::into);
        ProcessEvent {
            kind,
            manually: false,
            at_ms: None,
            is_old_worker: false,
            signal: None,
            info,
        }
    }

    #[test]
    fn what_pm2_ends_itself_is_no_end() {
        let mut record = Record::default();
        let now = Instant::now();
        let exit = |status, code| event(EventKind::Exit, status, Some(code));
        // A crash just before the restart is of the life before.
        record.take_event(&exit(ProcessStatus::Stopped, "7"), now);
        assert_eq!(record.ends, 1);
        record.take_event(&exit(ProcessStatus::Stopping, "0"), now);
        record.take_event(&exit(ProcessStatus::Stopped, "0"), now);
        assert_eq!((record.ends, record.was_stopped), (0, false));
        record.take_event(&event(EventKind::Online, ProcessStatus::Online, None), now);
        for code in ["1", "2"] {
            record.take_event(&exit(ProcessStatus::Stopped, code), now);
            record.take_event(&event(EventKind::Online, ProcessStatus::Online, None), now);
        }
        assert_eq!((record.ends, record.last_end.clone()), (2, Some(End::Code("2".into()))));
        record.take_event(&event(EventKind::RestartOverlimit, ProcessStatus::Errored, None), now);
        assert!(record.has_given_up);
    }

    #[test]
    fn last_words_are_the_line_that_tells_why() {
        let info = ProcessInfo::new(PmId(1), "api", ProcessStatus::Online);
        let mut record = Record::default();
        let fatal =
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";
        for line in
            ["up", fatal, "----- Native stack trace -----", " 9: 0x195e476  [node]", "Aborted"]
        {
            record.take_line(line);
        }
        assert_eq!(record.last_words(&info).as_deref(), Some(fatal));
    }

    #[test]
    fn last_words_are_what_the_process_said_and_not_what_pm2_put_around_it() {
        let trace =
            ["Traceback (most recent call last):", "  File \"x.py\", line 1", "KeyError: 'x'"];
        let json = |line: &str| {
            let message = serde_json::Value::from(format!("{line}\n"));
            let time = "2026-11-29T20:15:57+00:00";
            format!(
                "{{\"message\":{message},\"timestamp\":\"{time}\",\"type\":\"err\",\"process_id\":1,\"app_name\":\"api\"}}"
            )
        };
        let said = |format: Option<&str>, around: &dyn Fn(&str) -> String| {
            let mut info = ProcessInfo::new(PmId(1), "api", ProcessStatus::Online);
            info.logs.date_format = format.map(Into::into);
            let mut record = Record::default();
            for line in trace {
                record.take_line(&around(line));
            }
            record.last_words(&info)
        };
        let wanted = Some(trace[2].into());
        assert_eq!(said(None, &|line| line.to_owned()), wanted);
        let usual = "YYYY-MM-DDTHH:mm:ss";
        assert_eq!(said(Some(usual), &|line| format!("2026-11-29T20:15:57: {line}")), wanted);
        let zoned = "YYYY-MM-DD HH:mm:ss Z";
        assert_eq!(
            said(Some(zoned), &|line| format!("2026-11-29 20:15:57 +00:00: {line}")),
            wanted
        );
        assert_eq!(said(None, &json), wanted);
    }

    #[test]
    fn the_stop_of_what_waits_for_its_restart_is_no_end() {
        let now = Instant::now();
        // Somebody else's.
        let (mut record, exit) = (Record::default(), EventKind::Exit);
        for kind in [EventKind::Online, exit.clone(), exit] {
            record.take_event(&event(kind, ProcessStatus::Stopped, Some("3")), now);
        }
        assert_eq!(record.ends, 1);
        let exit = || event(EventKind::Exit, ProcessStatus::Stopped, Some("1"));
        let online = || event(EventKind::Online, ProcessStatus::Online, None);
        let mut record = Record { is_stopping: true, ..Record::default() };
        for heard in [exit(), online(), exit()] {
            record.take_event(&heard, now);
        }
        assert_eq!(record.ends, 1);
        // PM2 was quicker, and started it before.
        let mut record = Record { is_stopping: true, ..Record::default() };
        for heard in [online(), exit()] {
            record.take_event(&heard, now);
        }
        assert_eq!(record.ends, 1);
    }
}
