//! What happened to a process: facts. [`super::words`] makes text of them.
//!
//! Invariant: one fact for one thing. PM2 sends two `exit`s for a deliberate stop, an `exit` after
//! `restart overlimit`, and an echo of what this program itself asked for; each is told once.

use super::Action;
use super::end::End;
use super::looping::restart_delay_ms;
use super::moment::Moment;
use super::ours::{ECHO_MS, Ours};
use super::process::Process;
use crate::protocol::bus::{BusPmId, EventKind, ProcessEvent};
use crate::protocol::process::{PmId, ProcessStatus, Stays};

/// For how long after PM2 said why it would restart a process its stop is explained by that, over
/// its `kill_timeout`, milliseconds (docs/pm2-ops.md section 2.2).
const EXPLAINED_MS: i64 = 2_000;
/// What a cron pattern starts comes so soon after the second, milliseconds (seen: 3).
const CRON_LATE_MS: i64 = 20;
/// PM2's default of `min_uptime` (`lib/God.js`), milliseconds.
const MIN_UPTIME_MS: u64 = 1_000;

/// Something that happened to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// It came online, for the first time or after so many restarts.
    Online {
        /// How often it was restarted before.
        restarts: u32,
    },
    /// It came online again, and that was no restart: it had been stopped.
    Again,
    /// It ended by itself.
    Ended(Ended),
    /// PM2 gave up starting it again.
    GaveUp {
        /// How it ended last.
        end: End,
        /// Whether an exception was the reason, of which PM2 gives no code.
        has_thrown: bool,
        /// `max_restarts`.
        max: u32,
        /// How often it was restarted in all.
        restarts: u32,
    },
    /// PM2 ended it: somebody asked for it.
    Stopped {
        /// How it ended; unseen where it waited for its restart.
        end: End,
    },
    /// A client says that it stopped it.
    StoppedByClient,
    /// A client started it.
    Started,
    /// A client restarted it.
    Restarted {
        /// How often it was restarted in all.
        restarts: u32,
    },
    /// A client reloaded it.
    Reloaded,
    /// The worker that a reload replaced ended.
    OldWorkerEnded {
        /// How.
        end: End,
    },
    /// It left PM2's list.
    Deleted,
    /// Another process has its id now.
    Replaced {
        /// How that one is named.
        by: Box<str>,
    },
    /// PM2 restarts it: it uses more memory than its `max_memory_restart`, bytes.
    OverMemory {
        /// What it used.
        used: u64,
        /// What it may use.
        limit: u64,
    },
    /// PM2 restarts it: a watched file changed, whose cleaned path this is.
    FileChanged(Box<str>),
    /// PM2 restarts it: its `cron_restart` is due.
    CronDue,
    /// Whatever a client gave to `notifyByProcessId`, cleaned.
    Named(Box<str>),
}

impl Life {
    /// An exception of the process came just before. PM2 reports code 0 of each cluster worker that
    /// threw.
    pub(super) fn after_exception(&mut self) {
        if let Self::Ended(Ended { end, has_thrown, .. }) | Self::GaveUp { end, has_thrown, .. } =
            self
        {
            *has_thrown = matches!(end, End::Code(code) if **code == *"0");
        }
    }
}

/// An end that nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub end: End,
    /// Whether an exception was the reason, of which PM2 gives no code.
    pub has_thrown: bool,
    /// How long it had been online, milliseconds, where that is known.
    pub after_ms: Option<u64>,
    /// The signal that was sent to it just before, from here.
    pub sent: Option<&'static str>,
    /// What PM2 does about it.
    pub next: Next,
}

/// What follows on the end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// PM2 restarts it.
    Restart {
        /// How many restarts it will have had then.
        restart: u32,
        /// After this pause, milliseconds.
        delay_ms: Option<u64>,
        /// Where it did not even live for `min_uptime`: how often in a row, and when PM2 gives up.
        unstable: Option<(u32, u32)>,
    },
    /// PM2 leaves it stopped.
    Stays(Stays),
}

/// What an event says that happened, if anything new. `process` is the row before the event, where
/// there is one; what was told is remembered in it.
#[must_use]
pub fn read(process: Option<&mut Process>, event: &ProcessEvent, now: Moment) -> Option<Life> {
    if event.is_old_worker {
        let has_ended =
            event.kind == EventKind::Exit && event.info.status == ProcessStatus::Stopped;
        return has_ended.then(|| Life::OldWorkerEnded { end: end(event) });
    }
    let since = |at_ms: i64| now.steady_ms.saturating_sub(at_ms);
    let asked = process.as_ref().and_then(|process| process.asked);
    let is_echo = |action: Action| {
        asked.is_some_and(|(asked, at_ms)| asked == action && since(at_ms) < ECHO_MS)
    };
    // While an action asked for here is under way, its verdict will tell.
    let pending = process.as_ref().and_then(|process| process.pending);
    match &event.kind {
        EventKind::Online if matches!(pending, Some(Action::Restart | Action::Start)) => None,
        // PM2 counts a restart, and no start of what was stopped.
        EventKind::Online
            if process
                .as_ref()
                .is_some_and(|process| process.counted() >= event.info.restarts.max(1)) =>
        {
            Some(Life::Again)
        }
        EventKind::Online => Some(Life::Online { restarts: event.info.restarts }),
        EventKind::Exit => read_exit(process, event, now),
        EventKind::RestartOverlimit => Some(Life::GaveUp {
            end: end(event),
            has_thrown: false,
            max: event.info.restarts_max(),
            restarts: event.info.restarts,
        }),
        EventKind::Start if is_echo(Action::Start) => None,
        EventKind::Start => Some(Life::Started),
        EventKind::Stop if is_echo(Action::Stop) => None,
        EventKind::Stop => {
            let told_at_ms = process.and_then(|process| process.stop_told_at_ms);
            let is_told = told_at_ms.is_some_and(|at_ms| since(at_ms) < ECHO_MS);
            (!is_told).then_some(Life::StoppedByClient)
        }
        EventKind::Restart if is_echo(Action::Restart) => None,
        EventKind::Restart => Some(Life::Restarted { restarts: event.info.restarts }),
        EventKind::Reload | EventKind::GracefulReload if is_echo(Action::Reload) => None,
        EventKind::Reload | EventKind::GracefulReload => Some(Life::Reloaded),
        EventKind::Delete => Some(Life::Deleted),
        EventKind::Other(word) => Some(Life::Named(word.clone())),
    }
}

fn read_exit(process: Option<&mut Process>, event: &ProcessEvent, now: Moment) -> Option<Life> {
    match event.info.status {
        // The first of a deliberate stop's two exits; the second tells.
        ProcessStatus::Stopping => {
            if let Some(process) = process {
                process.stopped_by.clone_from(&event.signal);
            }
            return None;
        }
        // `restart overlimit` came just before and told it.
        ProcessStatus::Errored => return None,
        _ => {}
    }
    match process {
        // There is no process that could end: a client stops what waits for its restart.
        Some(process) if process.waits_after_its_end() => {
            let is_told = process.pending.is_some() || is_ended_here(process, now);
            process.stop_told_at_ms = is_told.then_some(now.steady_ms);
            (!is_told).then_some(Life::Stopped { end: End::Unseen })
        }
        Some(process) if process.stopping_since_ms.is_some() => {
            let is_told = process.pending.is_some()
                || is_ended_here(process, now)
                || is_explained(process, now);
            process.stop_told_at_ms = is_told.then_some(now.steady_ms);
            let by = process.stopped_by.take().filter(|_| event.signal.is_none());
            (!is_told).then(|| Life::Stopped { end: by.map_or_else(|| end(event), End::Signal) })
        }
        process => {
            let sent = process.and_then(|process| Ours::of(process, now).signal);
            Some(Life::Ended(Ended { sent, ..ended(event) }))
        }
    }
}

/// Whether the verdict of a stop that was asked for here told it, which may come before the event.
fn is_ended_here(process: &Process, now: Moment) -> bool {
    process.asked.is_some_and(|(action, at_ms)| {
        matches!(action, Action::Stop | Action::Delete)
            && now.steady_ms.saturating_sub(at_ms) < ECHO_MS
    })
}

/// Whether PM2 said just before why it stops the process.
fn is_explained(process: &Process, now: Moment) -> bool {
    let kill_ms = process.info.kill_ms();
    let within_ms = EXPLAINED_MS.saturating_add(i64::try_from(kill_ms).unwrap_or(i64::MAX));
    process.explained_at_ms.is_some_and(|at_ms| now.steady_ms.saturating_sub(at_ms) < within_ms)
}

/// The end that an event tells, which nobody asked for.
pub(super) fn ended(event: &ProcessEvent) -> Ended {
    let info = &event.info;
    let life_ms =
        event.at_ms.zip(info.online_since_ms).map(|(end, start)| end.saturating_sub(start));
    let after_ms = life_ms.and_then(|ms| u64::try_from(ms).ok());
    // The count stays when a process lives long again.
    let is_short = after_ms.is_none_or(|ms| ms < info.min_uptime_ms.unwrap_or(MIN_UPTIME_MS));
    let next = match info.stays_stopped() {
        Some(why) => Next::Stays(why),
        None => Next::Restart {
            restart: info.restarts.saturating_add(1),
            delay_ms: restart_delay_ms(info),
            unstable: (info.unstable_restarts > 0 && is_short)
                .then(|| (info.unstable_restarts, info.restarts_max())),
        },
    };
    Ended { end: end(event), has_thrown: false, after_ms, sent: None, next }
}

/// How an event says that its process ended.
pub(super) fn end(event: &ProcessEvent) -> End {
    match (&event.info.exit_code, &event.signal) {
        (_, Some(signal)) => End::Signal(signal.clone()),
        (Some(code), None) => End::Code(code.clone()),
        (None, None) => End::Unseen,
    }
}

/// What a line of the daemon's own console says of a process that no event says: which process, by
/// its id or, of a watched file, by its name (docs/pm2-ops.md section 2.2). `at_ms` is when it came.
#[must_use]
pub fn read_console(line: &str, at_ms: i64) -> Option<(Whom<'_>, Life)> {
    if let Some(id) = line.strip_prefix("[PM2] Deregistering a cron job on: ") {
        // Any restart of a process with a cron pattern says so; those of the pattern are on the second.
        let is_on_the_second = at_ms.rem_euclid(1_000) < CRON_LATE_MS;
        return is_on_the_second.then_some((Whom::Id(id.trim().parse().ok()?), Life::CronDue));
    }
    if let Some(rest) = line.strip_prefix("[PM2][WORKER] Process ") {
        let (id, rest) = rest.split_once(" restarted because it exceeds --max-memory-restart")?;
        let number = |field: &str| -> Option<u64> {
            let (_, rest) = rest.split_once(field)?;
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        let (used, limit) = (number("current_memory=")?, number("max_memory_limit=")?);
        return Some((Whom::Id(id.parse().ok()?), Life::OverMemory { used, limit }));
    }
    let rest = line.strip_prefix("Change detected on path ")?.strip_suffix(" - restarting")?;
    let (path, name) = rest.rsplit_once(" for app ")?;
    Some((Whom::Name(name), Life::FileChanged(path.into())))
}

/// Why PM2 could not start a process, in a line of the daemon's console: `spawn python3 ENOENT`
/// (docs/pm2-ops.md section 2.2).
#[must_use]
pub fn read_spawn_error(line: &str) -> Option<&str> {
    let why = line.strip_prefix("Error: ")?;
    let errno = why.strip_prefix("spawn ")?.rsplit(' ').next()?;
    matches!(errno, "ENOENT" | "EACCES" | "ENOTDIR" | "E2BIG").then_some(why)
}

/// Of the line of the daemon's console that says how a process ended: its id as the bus has it, and
/// the signal; none where the line has `SIGINT`, which is its text where there was no signal too
/// (docs/pm2-ops.md section 2.2).
#[must_use]
pub fn read_exit_line(line: &str) -> Option<(BusPmId, Option<&str>)> {
    let (app, end) = line.strip_prefix("App [")?.rsplit_once("exited with code [")?;
    let (_, signal) = end.split_once("] via signal [")?;
    let signal = signal.trim_end().strip_suffix(']')?;
    let id = match app.strip_suffix("] ") {
        Some(label) => label.rsplit_once(':')?.1,
        // 1.1: `App [NAME] with id [ID] and pid [PID], exited ..`
        None => app.rsplit_once("] with id [")?.1.split_once(']')?.0,
    };
    let id = match id.strip_prefix("_old_") {
        Some(old) => BusPmId::Old(PmId(old.parse().ok()?)),
        None => BusPmId::Process(PmId(id.parse().ok()?)),
    };
    Some((id, Some(signal).filter(|signal| *signal != "SIGINT")))
}

/// Whether a line of the daemon's console says what an event says that comes with it: that an app was
/// started, is online, ended, or was stopped (docs/pm2-ops.md section 2.2).
#[must_use]
pub fn repeats_event(line: &str) -> bool {
    let of_app = || {
        line.starts_with("App [")
            && (line.ends_with("] online")
                || line.ends_with("] starting in -fork mode-")
                || line.ends_with("] starting in -cluster mode-")
                || read_exit_line(line).is_some())
    };
    let is_disconnect = line.starts_with("App name:") && line.ends_with(" disconnected");
    let of_stop = || {
        (line.starts_with("Stopping app:") && line.contains(" id:"))
            || (line.starts_with("pid=")
                && line.contains(" msg=process ")
                && line.contains("killed"))
    };
    of_app() || is_disconnect || of_stop()
}

/// How a line of the console names a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom<'a> {
    /// By its id.
    Id(u32),
    /// By its name.
    Name(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_names_the_signal_and_its_default_text_is_none() {
        let line =
            |label, signal| format!("App [{label}] exited with code [0] via signal [{signal}]");
        let id = |id| BusPmId::Process(PmId(id));
        assert_eq!(read_exit_line(&line("my:a]pp:12", "SIGKILL")), Some((id(12), Some("SIGKILL"))));
        assert_eq!(read_exit_line(&line("api:3", "SIGINT")), Some((id(3), None)));
        let old = BusPmId::Old(PmId(1));
        assert_eq!(read_exit_line(&line("a:_old_1", "SIGTERM")), Some((old, Some("SIGTERM"))));
        let older = "App [api] with id [7] and pid [42], exited with code [0] via signal [SIGHUP]";
        assert_eq!(read_exit_line(older), Some((id(7), Some("SIGHUP"))));
        for other in ["", "App [api:0] online", "App [api:x] exited with code [0] via signal [S]"] {
            assert_eq!(read_exit_line(other), None, "{other}");
        }
    }

    #[test]
    fn what_the_console_repeats_is_known() {
        for line in [
            "App [api:0] starting in -fork mode-",
            "App [api:_old_0] starting in -cluster mode-",
            "App [my:a]pp:12] online",
            "App [api:0] exited with code [1] via signal [SIGINT]",
            "Stopping app:api id:0",
            "App name:api id:0 disconnected",
            "pid=42 msg=process killed",
            "pid=42 msg=process tree killed (1 pids)",
        ] {
            assert!(repeats_event(line), "{line}");
        }
        for line in [
            "",
            "Script /a.js had too many unstable restarts (16). Stopped. \"errored\"",
            "[PM2] Deregistering a cron job on: 3",
            "pid=42 msg=failed to kill - retrying in 100ms",
            "App [api:0] did not exit",
            "Process 0 in a stopped status, starting it",
        ] {
            assert!(!repeats_event(line), "{line}");
        }
    }

    #[test]
    fn the_console_says_why_pm2_restarts_a_process() {
        let memory = "[PM2][WORKER] Process 7 restarted because it exceeds --max-memory-restart \
                      value (current_memory=250000000 max_memory_limit=104857600 [octets])";
        let over = Life::OverMemory { used: 250_000_000, limit: 104_857_600 };
        assert_eq!(read_console(memory, 0), Some((Whom::Id(7), over)));
        let watched = "Change detected on path src/a for app b.js for app api 2 - restarting";
        let changed = Life::FileChanged("src/a for app b.js".into());
        assert_eq!(read_console(watched, 0), Some((Whom::Name("api 2"), changed)));
        let cron = "[PM2] Deregistering a cron job on: 3";
        assert_eq!(read_console(cron, 5_002), Some((Whom::Id(3), Life::CronDue)));
        assert_eq!(read_console(cron, 5_400), None, "somebody restarted it");
        let spawn = "spawn /opt/my python ENOENT";
        assert_eq!(read_spawn_error(&format!("Error: {spawn}")), Some(spawn));
        assert_eq!(read_spawn_error("Error: boom"), None);
        for other in ["", "App [api:0] online", "[PM2][WORKER] Process x restarted because"] {
            assert_eq!(read_console(other, 0), None, "{other}");
        }
    }
}
