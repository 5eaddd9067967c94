//! What the rows show: loops, figures, histories.

use super::*;
use crate::model::fleet::{self, Fleet};
use crate::model::series::{SAMPLES_MAX, SPAN_MS, Sample, Series};
use crate::model::totals::Totals;

/// A process as it is after so many crashes.
fn crashed(restarts: u32) -> ProcessInfo {
    ProcessInfo { restarts, ..info(1, "api", ProcessStatus::Online) }
}

#[test]
fn a_row_loops_by_the_rule_of_one_look_until_it_is_stable() {
    use crate::model::looping::looks_looping;
    let of = |restarts: u32, up_ms: i64, at_ms: i64| ProcessInfo {
        created_at_ms: Some(-600_000),
        online_since_ms: Some(at_ms - up_ms),
        ..crashed(restarts)
    };
    let mut watched = api();
    // One crash in twenty seconds and a half: no calm word in between.
    for restarts in 1..12_u32 {
        for up_ms in [0, 5_000, 20_000] {
            let at_ms = i64::from(restarts) * 20_500 + up_ms;
            let info = of(restarts, up_ms, at_ms);
            poll(&mut watched, vec![info.clone()], at_ms);
            assert_eq!(row(&watched).is_looping, restarts >= 3, "{restarts} {up_ms}");
            assert_eq!(row(&watched).is_looping, looks_looping(&info, at_ms));
        }
    }
    let at_ms = 12 * 20_500 + 30_000;
    poll(&mut watched, vec![of(11, 30_000, at_ms)], at_ms);
    assert!(!row(&watched).is_looping, "it has calmed down");
}

/// `restart_time` grows between the exit of what was restarted and its start, `created_at` is new before
/// both.
#[test]
fn a_restart_of_what_loops_is_no_crash() {
    use crate::model::looping::looks_looping;
    let looping =
        ProcessInfo { created_at_ms: Some(-600_000), online_since_ms: Some(-1_000), ..crashed(41) };
    let mut watched = watched(vec![looping.clone()]);
    assert!(row(&watched).is_looping);
    let told = |kind, status, restarts, online_since_ms| {
        let mut event = event(kind, status);
        let created_at_ms = Some(1_000);
        let status = event.info.status.clone();
        event.info = ProcessInfo {
            restarts,
            created_at_ms,
            status,
            online_since_ms: Some(online_since_ms),
            ..event.info
        };
        event
    };
    for event in [
        told(EventKind::Exit, ProcessStatus::Stopping, 41, -1_000),
        told(EventKind::Exit, ProcessStatus::Stopped, 41, -1_000),
        told(EventKind::Online, ProcessStatus::Launching, 42, 1_100),
    ] {
        apply(&mut watched, DAEMON, Report::Process(Box::new(event)), at(1_100));
        assert!(!row(&watched).is_looping);
    }
    let now = ProcessInfo {
        created_at_ms: Some(1_000),
        online_since_ms: Some(1_100),
        unstable_restarts: 1,
        ..crashed(42)
    };
    assert!(!looks_looping(&now, 2_000));
    poll(&mut watched, vec![now.clone()], 2_000);
    assert!(!row(&watched).is_looping, "as `ls` says");
    let crashed = ProcessInfo { unstable_restarts: 2, restarts: 43, ..now };
    assert!(looks_looping(&crashed, 2_100));
    poll(&mut watched, vec![crashed], 2_100);
    assert!(row(&watched).is_looping, "as `ls` says");
}

#[test]
fn a_loop_shows_from_the_first_look_on_and_not_between_its_words() {
    let looping =
        ProcessInfo { created_at_ms: Some(-600_000), online_since_ms: Some(-1_000), ..crashed(41) };
    let mut watched = watched(vec![looping.clone()]);
    assert!(row(&watched).is_looping, "from PM2's own figures");
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info = ProcessInfo { status: ProcessStatus::Stopped, pid: None, ..looping.clone() };
    let launching = ProcessInfo { status: ProcessStatus::Launching, ..looping.clone() };
    let waiting = ProcessInfo { status: ProcessStatus::WaitingRestart, ..looping.clone() };
    apply(&mut watched, DAEMON, Report::Process(Box::new(exit.clone())), at(100));
    assert!(row(&watched).is_looping, "stopped for a moment");
    for between in [launching, waiting] {
        poll(&mut watched, vec![between.clone()], 200);
        assert!(row(&watched).is_looping, "{:?}", between.status);
    }
    // Who stops it ends the loop; so does PM2 when it gives up.
    let mut stopping = exit.clone();
    stopping.info.status = ProcessStatus::Stopping;
    for event in [stopping, exit] {
        apply(&mut watched, DAEMON, Report::Process(Box::new(event)), at(300));
    }
    assert!(!row(&watched).is_looping);
    let errored = ProcessInfo { status: ProcessStatus::Errored, ..looping };
    poll(&mut watched, vec![errored], 400);
    assert!(!row(&watched).is_looping);
}

#[test]
fn restarts_that_somebody_commanded_are_no_loop() {
    let mut watched = api();
    for restarts in 1..9_u32 {
        let at_ms = i64::from(restarts) * 2_000;
        let commanded = ProcessInfo {
            created_at_ms: Some(at_ms - 300),
            online_since_ms: Some(at_ms - 200),
            ..crashed(restarts)
        };
        poll(&mut watched, vec![commanded], at_ms);
        assert!(!row(&watched).is_looping, "{restarts}");
    }
}

#[test]
fn one_process_without_a_pid_blinds_pm2() {
    let mut ghost = info(2, "ghost", ProcessStatus::Online);
    ghost.pid = None;
    ghost.memory_bytes = Some(0);
    let mut blind = info(1, "api", ProcessStatus::Online);
    (blind.memory_bytes, blind.cpu_percent) = (Some(0), Some(0.0));
    let mut watched = api();
    let before = watched.news.len();
    for second in 1..4 {
        poll(&mut watched, vec![blind.clone(), ghost.clone()], second * 1_000);
    }
    assert_eq!(watched.daemons[0].blinded_by, Some(key(2)));
    assert_eq!(told(&watched, before).len(), 1, "{:?}", told(&watched, before));
    assert!(told(&watched, before)[0].contains("ghost[2]"));
    // PM2 complains at each poll, which is no news.
    let console = |text: &str| {
        let source = LogSource { daemon: DAEMON, pm_id: None, name: "PM2".into() };
        LogLine::event(500, source, "pm2", Severity::Neutral, text)
    };
    let complaint = [
        "Error caught while calling pidusage",
        "TypeError: One of the pids provided is invalid",
        "    at get (/usr/lib/node_modules/pm2/node_modules/pidusage/lib/stats.js:63:14)",
        "    at Server.onmessage (/usr/lib/node_modules/pm2/node_modules/pm2-axon-rpc/lib/server.js:1:2)",
        "something else",
        "    at its own place",
    ];
    let before = watched.news.len();
    for _ in 0..2 {
        let lines = complaint.iter().map(|text| console(text)).collect();
        apply(&mut watched, DAEMON, Report::Lines(lines), at(3_500));
    }
    let said = told(&watched, before);
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said.iter().all(|line| !line.contains("pid")), "{said:?}");
    let figures = row(&watched).figures;
    assert_eq!((figures.cpu_percent(), figures.memory_bytes()), (None, None), "no zeros");
    assert_eq!(row(&watched).series.iter().count(), 1, "nor in the chart");
    poll(&mut watched, vec![info(1, "api", ProcessStatus::Online), ghost], 9_000);
    assert_eq!(watched.daemons[0].blinded_by, None, "it measures after all");
    assert!(row(&watched).figures.memory_bytes().is_some());
    let lines = complaint.iter().map(|text| console(text)).collect();
    let before = watched.news.len();
    apply(&mut watched, DAEMON, Report::Lines(lines), at(9_500));
    assert_eq!(told(&watched, before).len(), complaint.len(), "it does not say so elsewhere");
}

#[test]
fn what_was_not_measured_yet_is_not_zero() {
    let mut unmeasured = info(1, "api", ProcessStatus::Online);
    (unmeasured.memory_bytes, unmeasured.cpu_percent) = (Some(0), Some(0.0));
    let watched = watched(vec![unmeasured, info(2, "other", ProcessStatus::Online)]);
    assert_eq!(row(&watched).figures.cpu_percent(), None);
    assert!(row(&watched).series.last().is_none());
    let totals = Totals::of(&watched);
    assert_eq!((totals.cpu_percent, totals.memory_bytes), (Some(1.0), Some(1 << 20)));
}

#[test]
fn only_an_online_process_that_is_not_measured_tells_of_blindness() {
    let with = |id, status, pid, memory_bytes| {
        let mut info = info(id, "api", status);
        (info.pid, info.memory_bytes) = (pid, memory_bytes);
        info
    };
    let ghost = with(3, ProcessStatus::Online, None, Some(0));
    let stopped = with(1, ProcessStatus::Stopped, None, Some(0));
    let unmeasured = with(2, ProcessStatus::Online, Some(7), None);
    let culprit = |all: &[&ProcessInfo]| fleet::blinding(all.iter().copied()).map(|it| it.pm_id.0);
    assert_eq!(culprit(&[&stopped, &ghost]), None, "nothing could be measured");
    assert_eq!(culprit(&[&unmeasured]), None, "nobody is to blame");
    assert_eq!(culprit(&[&unmeasured, &stopped, &ghost]), Some(3));
}

#[test]
fn online_without_a_pid_never_started() {
    let mut ghost = info(1, "ghost", ProcessStatus::Online);
    ghost.pid = None;
    assert!(Process::new(ghost).never_started());
    assert!(!Process::new(info(1, "api", ProcessStatus::Online)).never_started());
    assert!(!Process::new(info(1, "api", ProcessStatus::Stopped)).never_started());
}

#[test]
fn a_reused_pm_id_does_not_inherit_the_history() {
    let mut watched = api();
    assert!(row(&watched).series.last().is_some());
    let before = watched.news.len();
    let changes = poll(&mut watched, vec![info(1, "other", ProcessStatus::Stopped)], 1_000);
    let Change::Replaced { target, by } = &changes.0[1] else { panic!("{changes:?}") };
    assert_eq!((&*target.name, target.god, &**by), ("api", Some(7), "other[1]"));
    assert_eq!(told(&watched, before), ["delete: deleted from PM2; its id is other[1]'s now"]);
    assert_eq!(&*row(&watched).info.name, "other");
    assert!(row(&watched).series.last().is_none());
    // The event of a newcomer says it before any poll.
    let mut online = event(EventKind::Online, ProcessStatus::Launching);
    online.info = info(1, "third", ProcessStatus::Launching);
    let report = Report::Process(Box::new(online));
    let changes = apply(&mut watched, DAEMON, report, at(1_100));
    assert!(changes.0.iter().any(|change| matches!(change, Change::Replaced { .. })));
}

#[test]
fn a_snapshot_removes_only_its_own_daemons_processes() {
    let mut fleet = Fleet::default();
    let other = DaemonId(1);
    for daemon in [DAEMON, other] {
        let processes = vec![info(1, "api", ProcessStatus::Online)];
        fleet.apply_snapshot(daemon, snapshot(processes), (at(0), at(0)));
    }
    let gone = fleet.apply_snapshot(DAEMON, snapshot(vec![]), (at(1_000), at(1_000))).gone;
    assert_eq!(gone.len(), 1);
    assert_eq!(fleet.len(), 1);
    assert!(fleet.get(ProcessKey { daemon: other, pm_id: PmId(1) }).is_some());
}

#[test]
fn a_snapshot_that_was_asked_for_before_an_event_does_not_undo_it() {
    let mut watched = watched(vec![]);
    let started = |at_ms: i64| {
        let mut online = event(EventKind::Online, ProcessStatus::Launching);
        online.at_ms = Some(at_ms);
        Report::Process(Box::new(online))
    };
    apply(&mut watched, DAEMON, started(1_050), at(1_060));
    let answered = |watched: &mut Watched, processes, asked_ms: i64, now_ms: i64| {
        let took_ms = (now_ms - asked_ms) as u64;
        let snapshot = snapshot(processes);
        let at_ms = now_ms;
        let report = Report::Snapshot { at_ms, took_ms, interval_ms: 1_000, snapshot };
        apply(watched, DAEMON, report, at(now_ms))
    };
    answered(&mut watched, vec![], 1_040, 1_070);
    assert_eq!(row(&watched).info.status, ProcessStatus::Online, "it began after the question");
    let before = vec![info(1, "api", ProcessStatus::Stopped)];
    answered(&mut watched, before.clone(), 1_045, 1_080);
    assert_eq!(row(&watched).info.status, ProcessStatus::Online);
    let other = vec![info(1, "other", ProcessStatus::Online)];
    answered(&mut watched, other, 1_045, 1_090);
    assert_eq!(&*row(&watched).info.name, "api", "the id was another's before");
    // A daemon whose clock is an hour ahead: what came before the question is known in the answer.
    apply(&mut watched, DAEMON, started(3_600_000), at(1_100));
    answered(&mut watched, before, 1_150, 1_160);
    assert_eq!(row(&watched).info.status, ProcessStatus::Stopped);
    answered(&mut watched, vec![], 1_200, 1_210);
    assert!(watched.fleet.is_empty());
}

#[test]
fn a_stopped_process_has_a_gap_not_zeros() {
    let mut watched = api();
    poll(&mut watched, vec![info(1, "api", ProcessStatus::Stopped)], 10_000);
    poll(&mut watched, vec![info(1, "api", ProcessStatus::Online)], 20_000);
    let series = &row(&watched).series;
    let bars = series.bars(20_000, 1_000, 21, 2_500, |sample| f64::from(sample.cpu_percent));
    let filled: Vec<usize> = (0..21).filter(|index| bars[*index].is_some()).collect();
    assert_eq!(filled, [0, 1, 2, 20], "a bar is bridged for the gap at most, the rest is empty");
}

#[test]
fn a_series_is_bounded_in_samples_and_time() {
    let mut series = Series::default();
    for at_ms in 0..2_000 {
        series.push(Sample { at_ms, cpu_percent: 0.0, memory_bytes: 0 });
    }
    assert_eq!(series.iter().count(), SAMPLES_MAX);
    series.push(Sample { at_ms: SPAN_MS * 2, cpu_percent: 0.0, memory_bytes: 0 });
    assert_eq!(series.iter().count(), 1);
    // The clock was set back.
    series.push(Sample { at_ms: 5, cpu_percent: 7.0, memory_bytes: 0 });
    assert_eq!(series.iter().count(), 1);
    assert_eq!(series.last().map(|sample| sample.at_ms), Some(5));
}

#[test]
fn figures_are_called_pm2s_once_none_of_this_machine_came() {
    let snapshots = |count: i64, measured: bool| {
        let mut watched = Watched::new(vec![Daemon::new(DAEMON, "host", "/home/x/.pm2", 1_000)]);
        apply(&mut watched, DAEMON, live(1), at(0));
        for ms in 0..count {
            poll(&mut watched, vec![info(1, "api", ProcessStatus::Online)], ms * 1_000);
        }
        if measured {
            let report = Report::Measured { interval_ms: 1_000, processes: Vec::new() };
            apply(&mut watched, DAEMON, report, at(count * 1_000));
        }
        watched.daemons[0].has_figures_of_pm2()
    };
    assert_eq!([0, 1, 2, 3].map(|count| snapshots(count, false)), [false, false, false, true]);
    assert!(!snapshots(1, true) && !snapshots(9, true));
    // Of one that is not of this machine nothing is waited for.
    let mut watched = Watched::new(vec![Daemon::new(DAEMON, "host", "/home/x/.pm2", 1_000)]);
    let remote = Report::Connection(Connection::Live { serial: 1, god: None });
    apply(&mut watched, DAEMON, remote, at(0));
    assert!(watched.daemons[0].has_figures_of_pm2());
}

/// The bus may bring what was so before a later look: a restart beside a `watch off` has the setting of
/// before it.
#[test]
fn an_event_of_before_a_look_sets_nothing_back() {
    let mut watched = watched(vec![crashed(0)]);
    let watching = |is_watching| {
        let mut info = crashed(0);
        info.setup.is_watching = is_watching;
        info
    };
    poll(&mut watched, vec![watching(true)], 1_000);
    poll(&mut watched, vec![watching(false)], 5_000);
    let mut told = |at_ms| {
        let mut event = event(EventKind::Online, ProcessStatus::Online);
        (event.at_ms, event.info) = (Some(at_ms), watching(true));
        apply(&mut watched, DAEMON, Report::Process(Box::new(event)), at(6_000));
        row(&watched).info.setup.is_watching
    };
    assert!(!told(4_000), "it was switched off since");
    assert!(told(5_500));
}

#[test]
fn that_others_can_read_the_saved_list_is_told_once_for_each_mode() {
    use crate::model::boot::{ReadList, SavedList};
    use crate::protocol::drift::Drift;
    let list = |mode| {
        let read = ReadList { drift: Drift::default(), mode, written_ms: 0 };
        Report::SavedList(Box::new(SavedList::Read(read)))
    };
    let told = |watched: &mut Watched, report| {
        let _ = watched.news.take();
        apply(watched, DAEMON, report, at(0));
        let mut lines = watched.news.take();
        lines.any(|line| format!("{line:?}").contains("others can read it"))
    };
    let mut watched = api();
    assert!(told(&mut watched, list(0o644)));
    assert!(!told(&mut watched, list(0o644)));
    let missing = SavedList::Missing { has_backup: true };
    assert!(!told(&mut watched, Report::SavedList(Box::new(missing))));
    assert!(!told(&mut watched, list(0o644)), "it is as it was");
    assert!(told(&mut watched, list(0o664)), "another mode");
    assert!(!told(&mut watched, list(0o600)));
    assert!(told(&mut watched, list(0o664)), "again, after it was private");
    // As an earlier run told it.
    let mut watched = api();
    watched.daemons[0].told_open = Some(0o644);
    assert!(!told(&mut watched, list(0o644)));
}
