//! Polls and bus events in, rows and told lines out.

use super::fleet::{self, Fleet, Process};
use super::lifecycle;
use super::log::{LogBuffer, LogLine, LogSource, Severity};
use super::series::{SAMPLES_MAX, SPAN_MS, Sample, Series};
use super::{Action, DaemonId, ProcessKey};
use crate::protocol::bus::{EventKind, ProcessEvent};
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus, Snapshot};

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

fn fleet_of(info: ProcessInfo) -> Fleet {
    let mut fleet = Fleet::default();
    fleet.apply_snapshot(DAEMON, snapshot(vec![info]), 0);
    fleet
}

/// Feeds events as the app does and returns what was told: `word: text`.
fn tell_all(fleet: &mut Fleet, events: &[ProcessEvent]) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let now_ms = 1_000 + index as i64;
        let told = lifecycle::tell(fleet.get_mut(key(1)), event, now_ms);
        fleet.apply_event(DAEMON, event, now_ms);
        lines.extend(told.map(|told| format!("{}: {}", told.word, told.text)));
    }
    lines
}

#[test]
fn a_deliberate_stop_is_one_line_not_two_exits_and_a_stop() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    let mut last = event(EventKind::Exit, ProcessStatus::Stopped);
    last.info.exit_code = Some("0".into());
    let events = [
        event(EventKind::Exit, ProcessStatus::Stopping),
        last,
        event(EventKind::Stop, ProcessStatus::Stopped),
    ];
    assert_eq!(tell_all(&mut fleet, &events), ["stop: stopped on request, code 0"]);
    assert_eq!(fleet.get(key(1)).unwrap().info.status, ProcessStatus::Stopped);
}

#[test]
fn a_restart_asked_for_here_is_told_by_its_outcome_alone() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    fleet.get_mut(key(1)).unwrap().pending = Some(Action::Restart);
    let events = [
        event(EventKind::Exit, ProcessStatus::Stopping),
        event(EventKind::Exit, ProcessStatus::Stopped),
        event(EventKind::Online, ProcessStatus::Launching),
    ];
    assert!(tell_all(&mut fleet, &events).is_empty());
    assert_eq!(fleet.get(key(1)).unwrap().info.status, ProcessStatus::Online);
}

#[test]
fn a_crash_tells_its_code_and_signal_and_the_row_changes_before_any_poll() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info.exit_code = Some("1".into());
    exit.info.unstable_restarts = 3;
    assert_eq!(
        tell_all(&mut fleet, &[exit.clone()]),
        ["exit: code 1, unstable restart 3 of 16 follows"]
    );
    assert_eq!(fleet.get(key(1)).unwrap().info.status, ProcessStatus::Stopped);
    exit.signal = Some("SIGKILL".into());
    exit.info.unstable_restarts = 0;
    assert_eq!(tell_all(&mut fleet, &[exit]), ["exit: killed by SIGKILL, restart 1 follows"]);
    let mut online = event(EventKind::Online, ProcessStatus::Launching);
    online.info.restarts = 2;
    assert_eq!(tell_all(&mut fleet, &[online]), ["online: started again, restart 2"]);
    let row = fleet.get(key(1)).unwrap();
    assert_eq!(row.info.status, ProcessStatus::Online);
    // The event has no pid: that is no ghost, it is not known yet.
    assert!(!row.never_started());
}

#[test]
fn giving_up_is_one_line() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    let mut over = event(EventKind::RestartOverlimit, ProcessStatus::Errored);
    over.info.exit_code = Some("1".into());
    over.info.unstable_restarts = 16;
    let told = tell_all(&mut fleet, &[over, event(EventKind::Exit, ProcessStatus::Errored)]);
    assert_eq!(told, ["overlimit: code 1, gave up at max_restarts 16: errored, 0 restarts in all"]);
    assert_eq!(fleet.get(key(1)).unwrap().info.status, ProcessStatus::Errored);
}

#[test]
fn the_echo_of_an_own_action_is_not_told_again() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    fleet.get_mut(key(1)).unwrap().asked = Some((Action::Restart, 1_000));
    assert!(tell_all(&mut fleet, &[event(EventKind::Restart, ProcessStatus::Online)]).is_empty());
    fleet.get_mut(key(1)).unwrap().asked = Some((Action::Restart, -60_000));
    let told = tell_all(&mut fleet, &[event(EventKind::Restart, ProcessStatus::Online)]);
    assert_eq!(told, ["restart: restarted by a client, 0 restarts in all"]);
}

#[test]
fn a_crash_with_a_restart_delay_waits_with_a_countdown() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info.restart_delay_ms = Some(3_000);
    fleet.apply_event(DAEMON, &exit, 10_000);
    let row = fleet.get(key(1)).unwrap();
    assert_eq!(row.info.status, ProcessStatus::WaitingRestart);
    assert_eq!(row.restarts_at_ms, Some(13_000));
}

#[test]
fn a_growing_backoff_is_reckoned_as_god_does() {
    for (last, wanted) in [(None, 100), (Some(0), 100), (Some(337), 505), (Some(14_000), 15_000)] {
        let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
        let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
        exit.info.backoff_first_ms = Some(100);
        exit.info.backoff_last_ms = last;
        fleet.apply_event(DAEMON, &exit, 0);
        assert_eq!(fleet.get(key(1)).unwrap().restarts_at_ms, Some(wanted), "{last:?}");
    }
}

#[test]
fn an_old_worker_leaves_the_row_alone() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    let mut old = event(EventKind::Exit, ProcessStatus::Stopping);
    old.is_old_worker = true;
    assert!(tell_all(&mut fleet, &[old.clone()]).is_empty());
    assert!(fleet.get(key(1)).unwrap().is_reloading);
    old.info.status = ProcessStatus::Stopped;
    assert_eq!(tell_all(&mut fleet, &[old]), ["exit: old worker of a reload ended"]);
    let row = fleet.get(key(1)).unwrap();
    assert!(!row.is_reloading);
    assert_eq!(row.info.status, ProcessStatus::Online);
    assert_eq!(row.info.pid, Some(4_001));
}

#[test]
fn restarts_that_nobody_asked_for_are_a_loop() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    for restart in 1..=3 {
        let mut again = info(1, "api", ProcessStatus::Online);
        again.restarts = restart;
        fleet.apply_snapshot(DAEMON, snapshot(vec![again]), i64::from(restart) * 1_700);
        assert_eq!(fleet.get(key(1)).unwrap().is_looping(6_000), restart == 3);
    }
    let row = fleet.get_mut(key(1)).unwrap();
    assert!(!row.is_looping(120_000), "it has calmed down");
    row.asked = Some((Action::Restart, 7_000));
    let mut asked = info(1, "api", ProcessStatus::Online);
    asked.restarts = 4;
    fleet.apply_snapshot(DAEMON, snapshot(vec![asked]), 7_200);
    assert!(!fleet.get(key(1)).unwrap().is_looping(62_000), "a restart asked for does not count");
}

#[test]
fn one_process_without_a_pid_blinds_pm2() {
    let mut ghost = info(2, "ghost", ProcessStatus::Online);
    ghost.pid = None;
    let mut blind = info(1, "api", ProcessStatus::Online);
    blind.memory_bytes = Some(0);
    let mut fleet = Fleet::default();
    fleet.apply_snapshot(DAEMON, snapshot(vec![blind, ghost.clone()]), 0);
    assert_eq!(fleet.blinding(DAEMON), Some(key(2)));
    fleet.apply_snapshot(DAEMON, snapshot(vec![info(1, "api", ProcessStatus::Online), ghost]), 1);
    assert_eq!(fleet.blinding(DAEMON), None, "it measures after all");
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
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    assert!(fleet.get(key(1)).unwrap().series.last().is_some());
    let other = info(1, "other", ProcessStatus::Stopped);
    fleet.apply_snapshot(DAEMON, snapshot(vec![other]), 1_000);
    let row = fleet.get(key(1)).unwrap();
    assert_eq!(&*row.info.name, "other");
    assert!(row.series.last().is_none());
}

#[test]
fn a_snapshot_removes_only_its_own_daemons_processes() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    let other = DaemonId(1);
    fleet.apply_snapshot(other, snapshot(vec![info(1, "api", ProcessStatus::Online)]), 0);
    let gone = fleet.apply_snapshot(DAEMON, snapshot(vec![]), 1_000);
    assert_eq!(gone.len(), 1);
    assert_eq!(fleet.len(), 1);
    assert!(fleet.get(ProcessKey { daemon: other, pm_id: PmId(1) }).is_some());
}

#[test]
fn a_stopped_process_has_a_gap_not_zeros() {
    let mut fleet = fleet_of(info(1, "api", ProcessStatus::Online));
    fleet.apply_snapshot(DAEMON, snapshot(vec![info(1, "api", ProcessStatus::Stopped)]), 10_000);
    fleet.apply_snapshot(DAEMON, snapshot(vec![info(1, "api", ProcessStatus::Online)]), 20_000);
    let series = &fleet.get(key(1)).unwrap().series;
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
fn the_log_is_bounded_in_lines_and_bytes_and_lines_keep_their_numbers() {
    let source = LogSource { daemon: DAEMON, pm_id: None, name: "PM2".into() };
    let line = |text: &str| LogLine::event(0, source.clone(), "event", Severity::Neutral, text);
    let mut log = LogBuffer::new(3, 1 << 20);
    for text in ["a", "b", "c", "d"] {
        log.push(line(text));
    }
    assert_eq!(log.numbers(), 1..4);
    assert!(log.get(0).is_none());
    assert_eq!(&*log.get(3).unwrap().text.text, "d");
    let one = line(&"x".repeat(1_000)).bytes();
    let mut log = LogBuffer::new(1_000, one * 2);
    for _ in 0..5 {
        log.push(line(&"x".repeat(1_000)));
    }
    assert_eq!(log.len(), 2);
    assert_eq!(log.bytes(), one * 2);
}
