//! `wait`: until every process of a target has a status.
//!
//! Invariant: the daemon is watched as the screen watches it: polled for at most 5 % of its time, its
//! events heard in between, so that a status that lasts shorter than the pause is not missed. What
//! is to last (`online`, `stopped`, and all under `--for`) has to be in a poll.

use std::io::Write;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::{Code, Failure};
use super::{Context, targets};
use crate::cli::Wait;
use crate::client::ClientError;
use crate::daemon::clock::now_ms;
use crate::daemon::{self, Endpoint, Inbox, InboxBounds, Options};
use crate::model::DaemonId;
use crate::model::apply::{Change, apply};
use crate::model::daemon::{Connection, Daemon, Problem};
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::model::rows::near_status;
use crate::model::state_word::standing;
use crate::model::watched::Watched;
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};
use crate::protocol::text::clean;

/// The shortest pause between two polls.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// There is only one.
const DAEMON: DaemonId = DaemonId(0);

/// Waits.
pub(super) async fn run(
    context: &Context,
    what: &Wait,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let deadline = Instant::now() + what.timeout;
    let mut waiting = Waiting::new(what, &context.endpoint)?;
    let inbox = Inbox::new(InboxBounds::default());
    let options = Options {
        interval: PAUSE_MIN,
        frame_bytes_max: context.options.frame_bytes_max,
        ..Options::default()
    };
    let daemon = daemon::spawn(DAEMON, context.endpoint.clone(), options, inbox.clone());
    let kept = tokio::time::timeout_at(deadline, waiting.keep(&inbox)).await;
    daemon.shut_down().await;
    let Ok(kept) = kept else {
        let line = format!("timed out after {} s: {}", what.timeout.as_secs_f64(), waiting.missing);
        return Err(Failure::Said(Code::Timeout, line));
    };
    kept?;
    for info in targets::matching(&what.target, &waiting.infos())? {
        writeln!(out, "{} {}", targets::label(info), info.status.as_str())?;
    }
    Ok(Code::Fine)
}

/// One daemon, of which nothing is known yet; of its output nothing is kept.
fn watched(endpoint: &Endpoint) -> Watched {
    let home = clean(&endpoint.home.to_string_lossy()).into_owned();
    let daemon = Daemon::new(DAEMON, "PM2", &home, 0);
    Watched::new(vec![daemon])
}

/// One life of a process: a restart makes it another.
type Life = (PmId, Option<u32>, u32);

/// What is known of the target while it is waited for.
struct Waiting<'a> {
    what: &'a Wait,
    endpoint: &'a Endpoint,
    wanted: ProcessStatus,
    watched: Watched,
    /// Where the steady clock begins.
    started: Instant,
    /// Whether the processes known are the daemon's: not before its first poll, nor while it is gone.
    is_known: bool,
    was_live: bool,
    /// Since when these have had the status.
    held: Option<(Instant, Vec<Life>)>,
    /// What is in the way, in one sentence.
    missing: String,
}

impl<'a> Waiting<'a> {
    fn new(what: &'a Wait, endpoint: &'a Endpoint) -> Result<Self, Failure> {
        let wanted = ProcessStatus::parse(&what.status);
        if let ProcessStatus::Other(word) = &wanted {
            let near = near_status(word).map_or_else(
                || {
                    "use online, launching, stopping, stopped, errored or \"waiting restart\""
                        .to_owned()
                },
                |near| format!("did you mean {}?", crate::protocol::shell::word(near)),
            );
            let word = clean(word);
            return Err(Failure::usage(format!("`{word}` is not a status of PM2: {near}")));
        }
        if what.span.is_some_and(|span| span >= what.timeout) {
            return Err(Failure::usage("--for must be shorter than --timeout"));
        }
        Ok(Self {
            what,
            endpoint,
            wanted,
            watched: watched(endpoint),
            started: Instant::now(),
            is_known: false,
            was_live: false,
            held: None,
            missing: format!("the daemon did not answer about {}", clean(&what.target)),
        })
    }

    /// Returns when the target has the status.
    async fn keep(&mut self, inbox: &Inbox) -> Result<(), Failure> {
        let mut batch = Vec::new();
        loop {
            inbox.ready().await;
            inbox.take(&mut batch, usize::MAX);
            for (_, report) in batch.drain(..) {
                if self.take(report, Instant::now())? {
                    return Ok(());
                }
            }
        }
    }

    /// Takes a report; true when the target has the status.
    fn take(&mut self, report: Report, now: Instant) -> Result<bool, Failure> {
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        let steady_ms = i64::try_from(elapsed).unwrap_or(i64::MAX);
        let moment = Moment { wall_ms: now_ms(), steady_ms };
        let mut has = false;
        let changes = apply(&mut self.watched, DAEMON, report, moment).0;
        // Of what is told nothing is kept.
        drop(self.watched.news.take());
        for change in changes {
            match change {
                Change::Polled => {
                    self.is_known = true;
                    has = self.look()? && self.is_held(now)?;
                }
                Change::Event(_) if self.is_known => {
                    has = self.look()? && self.is_passing() && self.what.span.is_none();
                }
                // Who knows what happened before it was connected.
                Change::Connected { .. } => {
                    (self.was_live, self.is_known, self.held) = (true, false, None);
                }
                Change::Daemon => {
                    let connection = self.watched.daemon(DAEMON).map(|daemon| &daemon.connection);
                    if let Some(Connection::Down { problem, .. }) = connection {
                        let problem = problem.clone();
                        self.lost(problem)?;
                    }
                }
                _ => {}
            }
        }
        Ok(has)
    }

    /// Whether the status that is wanted does not last.
    fn is_passing(&self) -> bool {
        matches!(
            self.wanted,
            ProcessStatus::Launching | ProcessStatus::Stopping | ProcessStatus::WaitingRestart
        )
    }

    /// A daemon that was never there is a failure. One that went away (`pm2 update` replaces it) or
    /// does not answer is waited for.
    fn lost(&mut self, problem: Problem) -> Result<(), Failure> {
        let is_passing = matches!(problem, Problem::Silent { .. } | Problem::Busy { .. });
        if !self.was_live && !is_passing {
            return Err(Failure::of_client(ClientError::NotRunning(problem), self.endpoint));
        }
        self.missing = problem.sentence();
        self.is_known = false;
        self.held = None;
        Ok(())
    }

    fn infos(&self) -> Vec<&ProcessInfo> {
        self.watched.fleet.iter().map(|(_, process)| &process.info).collect()
    }

    /// Whether all have the status now; fails where it will not come by itself.
    fn look(&mut self) -> Result<bool, Failure> {
        let infos = self.infos();
        let missing = missing(&self.what.target, &self.wanted, &infos)?;
        let has = missing.is_none();
        if let Some(missing) = missing {
            self.missing = missing;
            self.held = None;
        }
        Ok(has)
    }

    /// Whether the status, which all have, was held long enough without a restart in between.
    fn is_held(&mut self, now: Instant) -> Result<bool, Failure> {
        let Some(span) = self.what.span else { return Ok(true) };
        let infos = self.infos();
        let found = targets::matching(&self.what.target, &infos)?;
        let lives: Vec<Life> =
            found.iter().map(|info| (info.pm_id, info.pid, info.restarts)).collect();
        let since = match &self.held {
            Some((since, known)) if *known == lives => *since,
            _ => now,
        };
        self.held = Some((since, lives));
        self.missing = format!(
            "{} has not been {} for {} s without a restart",
            clean(&self.what.target),
            self.wanted.as_str(),
            span.as_secs_f64()
        );
        Ok(now.duration_since(since) >= span)
    }
}

/// What is in the way, if something is.
///
/// # Errors
/// Where the status will not come by itself, and where the target is ambiguous.
fn missing(
    target: &str,
    wanted: &ProcessStatus,
    processes: &[&ProcessInfo],
) -> Result<Option<String>, Failure> {
    let found = targets::matching(target, processes)?;
    if found.is_empty() {
        return Ok(Some(targets::unknown(target, processes)));
    }
    let has = |info: &ProcessInfo| info.status == *wanted && !info.never_started();
    // What PM2 has given up stays so.
    let stays =
        |info: &&&ProcessInfo| info.has_given_up() && !info.is_started_by_others() && !has(info);
    if let Some(info) = found.iter().find(stays) {
        let label = targets::label(info);
        return Err(Failure::condition(format!("{label} is {}", standing(info))));
    }
    Ok(found.iter().find(|info| !has(info)).map(|info| {
        let label = targets::label(info);
        if info.never_started() {
            format!("{label} is {}", standing(info))
        } else {
            format!("{label} is {}, not {}", info.status.as_str(), wanted.as_str())
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::bus::{EventKind, ProcessEvent};
    use crate::protocol::process::Snapshot;

    fn info(id: u32, status: ProcessStatus) -> ProcessInfo {
        ProcessInfo { pid: Some(1), ..ProcessInfo::new(PmId(id), "api", status) }
    }

    #[test]
    fn all_of_a_target_must_have_the_status() {
        let missing = |target: &str, wanted: &ProcessStatus, infos: &[ProcessInfo]| {
            let infos: Vec<&ProcessInfo> = infos.iter().collect();
            missing(target, wanted, &infos).map_err(|failure| failure.line().unwrap())
        };
        let online = ProcessStatus::Online;
        let both = [info(0, ProcessStatus::Online), info(1, ProcessStatus::Launching)];
        assert_eq!(missing("0", &online, &both), Ok(None));
        let why = Ok(Some("api[1] is launching, not online".to_owned()));
        assert_eq!(missing("api", &online, &both), why);
        let why = "no process has the id, name or namespace `web`; there are: api";
        assert_eq!(missing("web", &online, &both), Ok(Some(why.to_owned())));
        let none = Ok(Some("there are no processes".to_owned()));
        assert_eq!(missing("all", &online, &[]), none);
        let bad = [info(0, ProcessStatus::Errored)];
        assert!(missing("api", &online, &bad).unwrap_err().contains("gave up"));
        assert_eq!(missing("api", &ProcessStatus::Errored, &bad), Ok(None));
        // With a restart_delay PM2 goes on saying `waiting restart` of it.
        let given_up = ProcessInfo { restarts: 5, ..info(0, ProcessStatus::WaitingRestart) };
        let why = missing("api", &online, std::slice::from_ref(&given_up)).unwrap_err();
        assert!(why.contains("given up"), "{why}");
        let waiting = ProcessStatus::WaitingRestart;
        assert_eq!(missing("api", &waiting, std::slice::from_ref(&given_up)), Ok(None));
        // Its cron pattern starts it again.
        let mut by_cron = given_up;
        by_cron.setup.cron = Some("0 3 * * *".into());
        assert!(missing("api", &online, &[by_cron]).unwrap().is_some());
        let mut two = both.clone();
        two[1].name = "0".into();
        assert!(missing("0", &online, &two).unwrap_err().contains("ambiguous"), "not waited for");
        let ghost = [ProcessInfo::new(PmId(0), "api", ProcessStatus::Online)];
        let why = missing("api", &online, &ghost).unwrap().unwrap();
        assert!(why.contains("never started"), "{why}");
    }

    fn wait(status: &str, span: Option<Duration>) -> Wait {
        let timeout = Duration::from_mins(1);
        Wait { target: "api".to_owned(), status: status.to_owned(), span, timeout }
    }

    fn polled(processes: Vec<ProcessInfo>) -> Report {
        let snapshot = Snapshot { processes, warnings: Vec::new() };
        Report::Snapshot { at_ms: 2, took_ms: 0, interval_ms: 0, snapshot }
    }

    fn event(kind: EventKind, info: ProcessInfo) -> Report {
        let at_ms = Some(1);
        let (manually, is_old_worker, signal) = (false, false, None);
        Report::Process(Box::new(ProcessEvent {
            kind,
            manually,
            at_ms,
            is_old_worker,
            signal,
            info,
        }))
    }

    fn down(problem: Problem) -> Report {
        Report::Connection(Connection::Down { problem, retry_in_ms: 0 })
    }

    #[test]
    fn a_status_that_passes_between_two_polls_is_seen() {
        let endpoint = Endpoint::in_home("/h".as_ref());
        let online = info(0, ProcessStatus::Online);
        let mut crashed = info(0, ProcessStatus::Stopped);
        crashed.restart_delay_ms = Some(2_000);
        // What is to last has to be in a poll: a crashed one is stopped for a moment.
        for (status, delay, is_seen) in
            [("waiting restart", 2_000, true), ("stopped", 0, false), ("online", 0, false)]
        {
            let what = wait(status, None);
            let mut waiting = Waiting::new(&what, &endpoint).unwrap();
            let now = Instant::now();
            crashed.restart_delay_ms = Some(delay);
            let exit = || event(EventKind::Exit, crashed.clone());
            assert_eq!(waiting.take(exit(), now), Ok(false), "not all processes are known yet");
            assert_eq!(waiting.take(polled(vec![online.clone()]), now), Ok(status == "online"));
            assert_eq!(waiting.take(exit(), now), Ok(is_seen), "{status}");
        }
    }

    #[test]
    fn a_status_is_held_by_one_life() {
        let endpoint = Endpoint::in_home("/h".as_ref());
        let what = wait("online", Some(Duration::from_secs(10)));
        let mut waiting = Waiting::new(&what, &endpoint).unwrap();
        let start = Instant::now();
        let mut at = |seconds, report| waiting.take(report, start + Duration::from_secs(seconds));
        let online = info(0, ProcessStatus::Online);
        let restarted = ProcessInfo { restarts: 1, ..online.clone() };
        let other_pid = ProcessInfo { pid: Some(2), ..restarted.clone() };
        let launching = info(0, ProcessStatus::Launching);
        for (seconds, info, is_held) in [
            (0, &online, false),
            (9, &online, false),
            (10, &restarted, false),
            (19, &restarted, false),
            (20, &other_pid, false),
            (29, &launching, false),
            (30, &other_pid, false),
            (39, &other_pid, false),
        ] {
            assert_eq!(at(seconds, polled(vec![info.clone()])), Ok(is_held), "{seconds}");
        }
        // The daemon was replaced: who knows what happened meanwhile.
        assert_eq!(
            at(39, Report::Connection(Connection::Live { serial: 1, god: None })),
            Ok(false)
        );
        assert_eq!(at(39, down(Problem::Closed)), Ok(false));
        assert_eq!(at(40, polled(vec![other_pid.clone()])), Ok(false));
        assert_eq!(at(50, polled(vec![other_pid])), Ok(true));
        let too_long = wait("online", Some(Duration::from_mins(1)));
        assert_eq!(Waiting::new(&too_long, &endpoint).err().unwrap().code(), Code::Usage);
    }

    #[test]
    fn a_daemon_that_was_never_there_is_not_waited_for() {
        let endpoint = Endpoint::in_home("/h".as_ref());
        let what = wait("online", None);
        let mut waiting = Waiting::new(&what, &endpoint).unwrap();
        let silent = Problem::Silent { method: "methods".into() };
        assert_eq!(waiting.take(down(silent), Instant::now()), Ok(false), "it may be busy");
        let gone =
            waiting.take(down(Problem::Refused { path: "/h/rpc.sock".into() }), Instant::now());
        assert_eq!(gone.unwrap_err().code(), Code::NoDaemon);
    }
}
