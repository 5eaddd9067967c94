//! Polls and bus events in, rows and told lines out.

use super::apply::{Change, Changes, apply};
use super::daemon::{BusState, Connection, Daemon, Problem};
use super::fleet::Process;
use super::log::{LineKind, LogLine, LogSource, Severity};
use super::moment::Moment;
use super::report::Report;
use super::watched::Watched;
use super::{Action, DaemonId, ProcessKey, Target, Verdict};
use crate::protocol::bus::{EventKind, ProcessEvent};
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus, Snapshot};

mod emptied;
mod ends;
mod exceptions;
mod rows;

const DAEMON: DaemonId = DaemonId(0);

fn key(pm_id: u32) -> ProcessKey {
    ProcessKey { daemon: DAEMON, pm_id: PmId(pm_id) }
}

pub(crate) fn info(pm_id: u32, name: &str, status: ProcessStatus) -> ProcessInfo {
    let is_online = status == ProcessStatus::Online;
    ProcessInfo {
        pid: is_online.then_some(4_000 + pm_id),
        online_since_ms: Some(0),
        unique_id: Some(format!("{name}-{pm_id}").into()),
        cpu_percent: is_online.then_some(1.0),
        memory_bytes: is_online.then_some(1 << 20),
        ..ProcessInfo::new(PmId(pm_id), name, status)
    }
}

fn snapshot(processes: Vec<ProcessInfo>) -> Snapshot {
    Snapshot { processes, warnings: Vec::new() }
}

fn event(kind: EventKind, status: ProcessStatus) -> ProcessEvent {
    let info = info(1, "api", status);
    ProcessEvent { kind, manually: false, at_ms: Some(0), is_old_worker: false, signal: None, info }
}

fn at(ms: i64) -> Moment {
    Moment::at(ms)
}

/// A live daemon whose first poll told of this.
fn watched(processes: Vec<ProcessInfo>) -> Watched {
    let mut watched = Watched::new(vec![Daemon::new(DAEMON, "host", "/home/x/.pm2", 1_000)]);
    apply(&mut watched, DAEMON, live(1), at(0));
    poll(&mut watched, processes, 0);
    watched
}

fn live(serial: u64) -> Report {
    Report::Connection(Connection::Live { serial, god: Some(7) })
}

fn poll(watched: &mut Watched, processes: Vec<ProcessInfo>, ms: i64) -> Changes {
    poll_at(watched, processes, at(ms))
}

fn poll_at(watched: &mut Watched, processes: Vec<ProcessInfo>, now: Moment) -> Changes {
    let snapshot = snapshot(processes);
    let report = Report::Snapshot { at_ms: now.wall_ms, took_ms: 1, interval_ms: 1_000, snapshot };
    apply(watched, DAEMON, report, now)
}

fn api() -> Watched {
    watched(vec![info(1, "api", ProcessStatus::Online)])
}

fn row(watched: &Watched) -> &Process {
    watched.fleet.get(key(1)).unwrap()
}

fn row_mut(watched: &mut Watched) -> &mut Process {
    watched.fleet.get_mut(key(1)).unwrap()
}

/// Feeds events and returns what was told: `word: text`.
fn tell_all(watched: &mut Watched, events: &[ProcessEvent]) -> Vec<String> {
    let before = watched.news.len();
    for (index, event) in events.iter().enumerate() {
        let report = Report::Process(Box::new(event.clone()));
        apply(watched, DAEMON, report, at(1_000 + index as i64));
    }
    told(watched, before)
}

/// What the log says from a place on: `word: text`.
fn told(watched: &Watched, place: usize) -> Vec<String> {
    let lines = watched.news.iter().skip(place);
    lines.map(|line| format!("{}: {}", line.kind.word(), line.text)).collect()
}

#[test]
fn a_deliberate_stop_is_its_end_and_by_whom_not_two_exits() {
    let mut watched = api();
    let mut last = event(EventKind::Exit, ProcessStatus::Stopped);
    last.info.exit_code = Some("0".into());
    let events = [
        event(EventKind::Exit, ProcessStatus::Stopping),
        last,
        event(EventKind::Stop, ProcessStatus::Stopped),
    ];
    assert_eq!(
        tell_all(&mut watched, &events),
        ["stop: stopped on request, exit code 0 or SIGINT", "stop: stopped by another client"]
    );
    assert_eq!(row(&watched).info.status, ProcessStatus::Stopped);
}

#[test]
fn a_restart_asked_for_here_is_told_by_its_verdict_alone() {
    let mut watched = api();
    row_mut(&mut watched).ask(Action::Restart, at(900));
    let events = [
        event(EventKind::Exit, ProcessStatus::Stopping),
        event(EventKind::Exit, ProcessStatus::Stopped),
        event(EventKind::Online, ProcessStatus::Launching),
    ];
    assert!(tell_all(&mut watched, &events).is_empty());
    assert_eq!(row(&watched).info.status, ProcessStatus::Online);
}

#[test]
fn a_stop_asked_for_here_is_told_once_though_its_verdict_comes_first() {
    let mut watched = api();
    row_mut(&mut watched).ask(Action::Stop, at(900));
    let exit = |status| event(EventKind::Exit, status);
    assert!(tell_all(&mut watched, &[exit(ProcessStatus::Stopping)]).is_empty());
    let before = watched.news.len();
    let (action, target) = (Action::Stop, Target::of(&row(&watched).info));
    let done = Report::ActionFinished { action, target, verdict: Verdict::Done };
    apply(&mut watched, DAEMON, done, at(1_000));
    assert_eq!(told(&watched, before).len(), 1);
    let late = [exit(ProcessStatus::Stopped), event(EventKind::Stop, ProcessStatus::Stopped)];
    assert!(tell_all(&mut watched, &late).is_empty());
}

#[test]
fn a_crash_tells_its_code_and_signal_and_the_row_changes_before_any_poll() {
    let mut watched = api();
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info.exit_code = Some("1".into());
    exit.info.unstable_restarts = 3;
    let told = tell_all(&mut watched, &[exit.clone()]);
    assert_eq!(told, ["exit: exit code 1 after 0.0 s, unstable restart 3 of 16 follows"]);
    assert_eq!(row(&watched).info.status, ProcessStatus::Stopped);
    exit.signal = Some("SIGKILL".into());
    exit.at_ms = Some(90_000);
    let told = tell_all(&mut watched, &[exit]);
    assert_eq!(told, ["exit: killed by SIGKILL after 1m, restart 1 follows"], "it lived long");
    let mut online = event(EventKind::Online, ProcessStatus::Launching);
    online.info.restarts = 2;
    assert_eq!(tell_all(&mut watched, &[online]), ["online: started again, restart 2"]);
    let row = row(&watched);
    assert_eq!(row.info.status, ProcessStatus::Online);
    // The event has no pid: that is no ghost, it is not known yet.
    assert!(!row.never_started());
}

#[test]
fn an_end_that_pm2_leaves_is_told_as_that() {
    let exit = |change: &dyn Fn(&mut ProcessInfo)| {
        let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
        exit.info.exit_code = Some("3".into());
        exit.info.restart_delay_ms = Some(2_000);
        change(&mut exit.info);
        exit
    };
    let code = |info: &mut ProcessInfo| info.stop_exit_codes = Box::from([0, 3]);
    let off = |info: &mut ProcessInfo| info.autorestart = false;
    for (exit, why) in [(exit(&code), "stop_exit_codes"), (exit(&off), "autorestart is off")] {
        let mut watched = api();
        let told = tell_all(&mut watched, &[exit]);
        assert!(told[0].contains("not restarted") && told[0].contains(why), "{told:?}");
        let row = row(&watched);
        assert_eq!((&row.info.status, row.restarts_at_ms), (&ProcessStatus::Stopped, None));
    }
    let mut watched = api();
    let other = exit(&|info| info.stop_exit_codes = Box::from([0]));
    assert!(tell_all(&mut watched, &[other])[0].ends_with("restart 1 follows in 2.0 s"));
    assert_eq!(row(&watched).info.status, ProcessStatus::WaitingRestart);
}

#[test]
fn a_restart_for_its_memory_is_told_as_that_with_both_figures() {
    let mut watched = api();
    let console = |text: &str| {
        let source = LogSource { daemon: DAEMON, pm_id: None, name: "PM2".into() };
        LogLine::event(500, source, "pm2", Severity::Neutral, text)
    };
    let lines = vec![
        console(
            "[PM2][WORKER] Process 1 restarted because it exceeds --max-memory-restart value \
             (current_memory=250000000 max_memory_limit=104857600 [octets])",
        ),
        console("[PM2][WORKER] something else"),
    ];
    let before = watched.news.len();
    apply(&mut watched, DAEMON, Report::Lines(lines), at(900));
    let events = [
        event(EventKind::Exit, ProcessStatus::Stopping),
        event(EventKind::Exit, ProcessStatus::Stopped),
        event(EventKind::Online, ProcessStatus::Launching),
    ];
    tell_all(&mut watched, &events);
    let told = told(&watched, before);
    assert_eq!(
        told,
        [
            "memory: over its memory limit, 238.4 MiB of 100.0 MiB: PM2 restarts it",
            "pm2: [PM2][WORKER] something else",
            "online: started",
        ],
        "the stop that follows needs no other reason"
    );
    let line = watched.news.iter().nth(before).unwrap();
    assert_eq!(line.source.pm_id, Some(PmId(1)), "at the process that it happened to");
    // Much later, a stop is somebody's again.
    let mut stop = event(EventKind::Exit, ProcessStatus::Stopped);
    stop.info.exit_code = Some("0".into());
    row_mut(&mut watched).stopping_since_ms = Some(60_000);
    let before = watched.news.len();
    apply(&mut watched, DAEMON, Report::Process(Box::new(stop)), at(60_100));
    assert_eq!(self::told(&watched, before), ["stop: stopped on request, exit code 0 or SIGINT"]);
}

/// The daemon is asked again only a moment later, where it is busy after seconds; and the bus may be late.
#[test]
fn what_was_deleted_here_is_gone_at_once_and_what_comes_late_of_it_is_of_before() {
    let mut watched =
        watched(vec![info(1, "api", ProcessStatus::Online), info(2, "api", ProcessStatus::Online)]);
    let target = |pm_id| Target::of(&info(pm_id, "api", ProcessStatus::Online));
    let (action, verdict) = (Action::Delete, Verdict::Done);
    let done = Report::ActionFinished { action, target: target(1), verdict: verdict.clone() };
    let changes = apply(&mut watched, DAEMON, done, at(1_000));
    assert!(changes.0.iter().any(|it| matches!(it, Change::Gone(gone) if gone.pm_id.0 == 1)));
    // A step of a task, as the scale of an app is.
    let outcome = Box::new(super::errand::Outcome::of(action, &target(2), verdict));
    apply(&mut watched, DAEMON, Report::Did { task: super::errand::TaskId(1), outcome }, at(1_000));
    assert!(watched.fleet.is_empty());
    let before = watched.news.len();
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info.exit_code = Some("0".into());
    assert!(tell_all(&mut watched, &[exit]).is_empty(), "no restart follows");
    let late = vec![info(1, "api", ProcessStatus::Online)];
    poll_at(&mut watched, late.clone(), at(1_000));
    assert!(watched.fleet.is_empty(), "that was asked for before");
    assert!(told(&watched, before).is_empty());
    poll_at(&mut watched, late, at(1_100));
    assert_eq!(watched.fleet.len(), 1, "PM2 undid it");
}

#[test]
fn the_exit_of_what_the_poll_missed_first_promises_no_restart() {
    let mut watched = api();
    let before = watched.news.len();
    poll(&mut watched, vec![], 1_000);
    let exits = [
        event(EventKind::Exit, ProcessStatus::Stopping),
        event(EventKind::Exit, ProcessStatus::Stopped),
    ];
    tell_all(&mut watched, &exits);
    assert_eq!(told(&watched, before), ["delete: deleted from PM2"]);
    assert!(watched.fleet.is_empty());
}

#[test]
fn a_start_of_what_was_stopped_is_no_restart() {
    let counted = |kind, status, restarts| {
        let mut event = event(kind, status);
        event.info.restarts = restarts;
        event.info.exit_code = Some("0".into());
        event
    };
    let exit = |status, restarts| counted(EventKind::Exit, status, restarts);
    let online = |restarts| counted(EventKind::Online, ProcessStatus::Launching, restarts);
    let stop = [exit(ProcessStatus::Stopping, 3), exit(ProcessStatus::Stopped, 3)];
    for (started, word, follows) in [
        (3, "online: started again", super::death::Follows::Again),
        (4, "online: started again, restart 4", super::death::Follows::Restart { count: 4 }),
    ] {
        let mut watched = api();
        tell_all(&mut watched, &stop);
        // A look may be quicker than the bus.
        let launching = info(1, "api", ProcessStatus::Launching);
        poll(&mut watched, vec![ProcessInfo { restarts: started, ..launching }], 900);
        assert_eq!(tell_all(&mut watched, &[online(started)]), [word]);
        let last = watched.boxes.of(key(1)).last().unwrap().follows.clone();
        assert_eq!(last, follows);
    }
}

#[test]
fn giving_up_is_one_line() {
    let mut watched = api();
    let mut over = event(EventKind::RestartOverlimit, ProcessStatus::Errored);
    over.info.exit_code = Some("1".into());
    over.info.unstable_restarts = 16;
    let told = tell_all(&mut watched, &[over, event(EventKind::Exit, ProcessStatus::Errored)]);
    assert_eq!(
        told,
        ["overlimit: exit code 1, gave up at max_restarts 16: errored, 0 restarts in all"]
    );
    assert_eq!(row(&watched).info.status, ProcessStatus::Errored);
}

#[test]
fn the_echo_of_an_own_action_is_not_told_again() {
    let mut watched = api();
    row_mut(&mut watched).asked = Some((Action::Restart, 1_000));
    let restart = [event(EventKind::Restart, ProcessStatus::Online)];
    assert!(tell_all(&mut watched, &restart).is_empty());
    row_mut(&mut watched).asked = Some((Action::Restart, -60_000));
    let told = tell_all(&mut watched, &restart);
    assert_eq!(told, ["restart: restarted by another client, 0 restarts in all"]);
}

#[test]
fn a_crash_with_a_restart_delay_waits_with_a_countdown() {
    let mut watched = api();
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info.restart_delay_ms = Some(3_000);
    let now = Moment { wall_ms: 777, steady_ms: 10_000 };
    apply(&mut watched, DAEMON, Report::Process(Box::new(exit)), now);
    let row = row(&watched);
    assert_eq!(row.info.status, ProcessStatus::WaitingRestart);
    assert_eq!(row.restarts_at_ms, Some(13_000));
}

#[test]
fn the_end_of_what_a_list_says_already_waits_is_no_stop() {
    let mut watched = api();
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info.restart_delay_ms = Some(3_000);
    // The reply of a list may come before the event that it knows of.
    let waiting = ProcessInfo { status: ProcessStatus::WaitingRestart, ..exit.info.clone() };
    let snapshot = snapshot(vec![waiting]);
    let list = Report::Snapshot { at_ms: 700, took_ms: 1, interval_ms: 1_000, snapshot };
    apply(&mut watched, DAEMON, list, Moment { wall_ms: 700, steady_ms: 9_000 });
    let told = tell_all(&mut watched, &[exit.clone(), exit]);
    assert!(told[0].contains("restart 1 follows in 3.0 s"), "{told:?}");
    assert_eq!(told[1], "stop: stopped on request", "that is one");
}

#[test]
fn the_stop_of_what_waits_for_its_restart_is_no_crash() {
    let mut watched = api();
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info.restart_delay_ms = Some(3_000);
    let exits = [exit.clone(), exit];
    let told = tell_all(&mut watched, &exits);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("restart 1 follows in 3.0 s"), "{told:?}");
    assert_eq!(told[1], "stop: stopped on request");
    let row = row(&watched);
    assert_eq!((&row.info.status, row.restarts_at_ms), (&ProcessStatus::Stopped, None));
}

#[test]
fn a_growing_backoff_is_reckoned_as_god_does() {
    for (last, wanted) in [(None, 100), (Some(0), 100), (Some(337), 505), (Some(14_000), 15_000)] {
        let mut watched = api();
        let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
        exit.info.backoff_first_ms = Some(100);
        exit.info.backoff_last_ms = last;
        apply(&mut watched, DAEMON, Report::Process(Box::new(exit)), at(0));
        assert_eq!(row(&watched).restarts_at_ms, Some(wanted), "{last:?}");
    }
}

#[test]
fn an_old_worker_leaves_the_row_alone() {
    let mut watched = api();
    let mut old = event(EventKind::Exit, ProcessStatus::Stopping);
    old.is_old_worker = true;
    assert!(tell_all(&mut watched, &[old.clone()]).is_empty());
    assert!(row(&watched).is_reloading);
    old.info.status = ProcessStatus::Stopped;
    assert_eq!(tell_all(&mut watched, &[old]), ["exit: old worker of a reload ended"]);
    let row = row(&watched);
    assert!(!row.is_reloading);
    assert_eq!(row.info.status, ProcessStatus::Online);
    assert_eq!(row.info.pid, Some(4_001));
}

#[test]
fn another_connection_is_seen_also_where_nobody_saw_the_end_of_the_last() {
    let mut watched = api();
    let again = apply(&mut watched, DAEMON, live(2), at(10));
    assert!(again.0.contains(&Change::Connected { is_other: false }), "{again:?}");
    assert!(apply(&mut watched, DAEMON, live(2), at(11)).0.iter().all(|it| *it == Change::Daemon));
    // What is gone then was not deleted, for all that is known.
    let before = watched.news.len();
    let gone = poll(&mut watched, vec![], 12);
    assert!(matches!(&gone.0[..], [Change::Gone(target), Change::Polled] if target.pm_id.0 == 1));
    assert!(told(&watched, before).is_empty());
    let other = Report::Connection(Connection::Live { serial: 3, god: Some(8) });
    let other = apply(&mut watched, DAEMON, other, at(20));
    assert!(other.0.contains(&Change::Connected { is_other: true }));
}

#[test]
fn why_there_are_no_events_is_said_once() {
    let mut watched = api();
    let denied = || Problem::PermissionDenied {
        path: "/home/x/.pm2/pub.sock".into(),
        owner: Some("root".into()),
    };
    let before = watched.news.len();
    for _ in 0..3 {
        apply(&mut watched, DAEMON, Report::Bus(BusState::Down(denied())), at(10));
    }
    let why = "no events: permission denied: /home/x/.pm2/pub.sock belongs to root; run: sudo -u \
               root pm2-tui --home /home/x/.pm2";
    assert_eq!(told(&watched, before), [format!("no events: {why}")]);
    apply(&mut watched, DAEMON, Report::Bus(BusState::Live), at(20));
    assert_eq!(told(&watched, before).len(), 2);
}

#[test]
fn each_reason_for_no_events_is_said() {
    let path = || "/h/pub.sock".into();
    for (problem, why) in [
        (Problem::PermissionDenied { path: path(), owner: None }, "run pm2-tui as the user that"),
        (Problem::SocketMissing { path: path() }, "/h/pub.sock is missing; pm2 update"),
        (Problem::Refused { path: path() }, "nobody listens on /h/pub.sock; pm2 update"),
        (Problem::Busy { path: path() }, "try again"),
        (Problem::Silent { method: "connect".into() }, "the bus does not answer"),
    ] {
        let mut watched = api();
        let before = watched.news.len();
        apply(&mut watched, DAEMON, Report::Bus(BusState::Down(problem)), at(10));
        let said = told(&watched, before);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("no events: ") && said[0].contains(why), "{said:?}");
    }
}

#[test]
fn a_clock_that_is_set_back_changes_no_time_that_passed() {
    const HOUR_MS: i64 = 3_600_000;
    let since =
        |ms| ProcessInfo { online_since_ms: Some(ms), ..info(1, "api", ProcessStatus::Online) };
    let mut watched = Watched::new(vec![Daemon::new(DAEMON, "host", "/home/x/.pm2", 1_000)]);
    let moment = |wall_ms, steady_ms| Moment { wall_ms, steady_ms };
    poll_at(&mut watched, vec![since(10 * HOUR_MS)], moment(11 * HOUR_MS, 5_000));
    assert_eq!(row(&watched).uptime_ms(5_000), Some(HOUR_MS));
    // An hour back.
    poll_at(&mut watched, vec![since(10 * HOUR_MS)], moment(10 * HOUR_MS, 6_000));
    assert_eq!(row(&watched).uptime_ms(6_000), Some(HOUR_MS + 1_000));
    assert_eq!(row(&watched).series.iter().count(), 2, "the chart goes on");
    let down = Connection::Down { problem: Problem::Closed, retry_in_ms: 700 };
    apply(&mut watched, DAEMON, Report::Connection(down), moment(0, 7_000));
    assert_eq!(watched.daemons[0].retry_at_ms, Some(7_700));
}

/// Its time stood still until this machine's clock had come so far, and one that had crashed before was
/// called looping as long.
#[test]
fn a_daemon_whose_clock_is_ahead_has_processes_that_grow_older() {
    const HOUR_MS: i64 = 3_600_000;
    let started = ProcessInfo {
        online_since_ms: Some(HOUR_MS),
        restarts: 3,
        unstable_restarts: 3,
        ..info(1, "api", ProcessStatus::Online)
    };
    let mut watched = watched(vec![started.clone()]);
    assert_eq!((row(&watched).uptime_ms(0), row(&watched).is_looping), (Some(0), true));
    poll(&mut watched, vec![started], 60_000);
    assert_eq!((row(&watched).uptime_ms(60_000), row(&watched).is_looping), (Some(60_000), false));
}

#[test]
fn an_exception_is_one_line_with_all_its_frames_behind_it() {
    let source = LogSource { daemon: DAEMON, pm_id: Some(PmId(1)), name: "api".into() };
    let stack = [
        "TypeError: x is no function",
        "    at node:internal/timers:581:17",
        "    at handler (/srv/app/node_modules/express/index.js:7:1)",
        "    at pay (/srv/app/pay.js:42:17)",
        "    at main (/srv/app/main.js:3:1)",
    ];
    let stack: Vec<Box<str>> = stack.iter().map(|line| Box::from(*line)).collect();
    let line = LogLine::exception(5, source.clone(), "x is no function", &stack);
    assert_eq!(&*line.text, "x is no function   at pay (/srv/app/pay.js:42:17)   + 3 frames");
    let LineKind::Exception(whole) = &line.kind else { panic!("{line:?}") };
    assert_eq!(whole.len(), 5, "the stack repeats the message");
    assert!(line.bytes() > stack.iter().map(|line| line.len()).sum());
    let bare = LogLine::exception(5, source, "Non-error value: \"text\"", &[]);
    assert_eq!(&*bare.text, "Non-error value: \"text\"");
}
