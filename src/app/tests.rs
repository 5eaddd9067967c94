//! Messages in, state and effects out.

use proptest::prelude::*;

use super::command::{Command, RowsCommand};
use super::editor::Edit;
use super::effect::{Effect, Effects};
use super::message::Message;
use super::{App, Mode, Pane, log_top, marked, update};
use crate::model::call::CallOutcome;
use crate::model::daemon::{Connection, Daemon, Problem};
use crate::model::log::{LogLine, LogSource, Severity};
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::model::tests::info;
use crate::model::{Action, DaemonId, ProcessKey, Target, Verdict};
use crate::protocol::bus::{EventKind, ProcessEvent};
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus, Snapshot};

mod details;
mod exceptions;
mod followed;
mod guard;
mod held;
mod log;
mod log_entries;
mod log_filed;
mod log_taking;
mod log_toggles;
mod meant;
mod menu;
mod noticed;
mod overlays;
mod pointer;
mod quiet;
mod said;
mod sending;
mod several;
mod table;
mod undone;
mod why;

const D: DaemonId = DaemonId(0);

fn key(pm_id: u32) -> ProcessKey {
    ProcessKey { daemon: D, pm_id: PmId(pm_id) }
}

fn snapshot(pm_ids: impl IntoIterator<Item = u32>) -> Report {
    let processes =
        pm_ids.into_iter().map(|id| info(id, &format!("p{id}"), ProcessStatus::Online)).collect();
    let snapshot = Snapshot { processes, warnings: Vec::new() };
    Report::Snapshot { at_ms: 1, took_ms: 1, interval_ms: 1_000, snapshot }
}

fn app(processes: u32) -> App {
    let mut app =
        App::new(vec![Daemon::new(D, "host", "/home/x/.pm2", 1_000)], Moment::at(0), 0, (80, 24));
    send(&mut app, live(1));
    send(&mut app, snapshot(0..processes));
    app
}

fn live(serial: u64) -> Report {
    Report::Connection(Connection::Live { serial, god: Some(7) })
}

fn send(app: &mut App, report: Report) {
    assert_eq!(update(app, Moment::at(1_000), Message::Report(D, report)), Effects::none());
}

fn press(app: &mut App, command: Command) -> Vec<Effect> {
    update(app, Moment::at(2_000), Message::Command(command)).0
}

fn lines(count: usize) -> Report {
    let source = LogSource { daemon: D, pm_id: Some(PmId(0)), name: "p0".into() };
    let line = |n| LogLine::event(0, source.clone(), "event", Severity::Neutral, &format!("{n}"));
    Report::Lines((0..count).map(line).collect())
}

fn texts(app: &App) -> Vec<String> {
    app.lines().rows(0, usize::MAX).iter().map(|line| line.text.text.to_string()).collect()
}

#[test]
fn read_only_refuses_what_changes_something() {
    let mut app = app(1);
    app.read_only = true;
    for action in [Action::Restart, Action::Stop, Action::Start, Action::Reload, Action::Delete] {
        assert_eq!(press(&mut app, Command::Act(action)), []);
        assert_eq!(app.mode, Mode::Normal, "nothing is asked");
        let notice = app.notice.take().unwrap();
        assert!(notice.is_bad && notice.text.contains("--read-only"), "{}", notice.text);
    }
    assert!(app.watched.fleet.get(key(0)).unwrap().pending.is_none());
    assert_eq!(press(&mut app, Command::Compose), []);
    assert_eq!(app.mode, Mode::Normal, "refused before it is typed");
    assert!(app.notice.as_ref().unwrap().text.contains("--read-only"));
}

#[test]
fn restart_acts_at_once_and_the_row_shows_it() {
    let mut app = app(3);
    press(&mut app, Command::Down);
    let effects = press(&mut app, Command::Act(Action::Restart));
    let [Effect::Act { daemon, action, targets }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((*daemon, *action, targets.len()), (D, Action::Restart, 1));
    assert_eq!(targets[0].pm_id, PmId(1));
    assert_eq!(app.watched.fleet.get(key(1)).unwrap().pending, Some(Action::Restart));
    assert!(press(&mut app, Command::Act(Action::Stop)).is_empty(), "one action at a time");
    assert!(app.notice.as_ref().unwrap().text.contains("already restarting"));
    let (action, verdict) = (Action::Restart, Verdict::Up { after_ms: 1_000, was_looping: false });
    let target = targets[0].clone();
    send(&mut app, Report::ActionFinished { action, target, verdict });
    assert_eq!(app.watched.fleet.get(key(1)).unwrap().pending, None);
    assert!(app.notice.as_ref().unwrap().text.contains("pm2 restart 1"));
}

#[test]
fn delete_asks_and_no_does_nothing() {
    let mut app = app(2);
    assert!(press(&mut app, Command::Act(Action::Delete)).is_empty());
    assert!(matches!(app.mode, Mode::Confirm { action: Action::Delete, .. }), "{:?}", app.mode);
    assert!(press(&mut app, Command::No).is_empty());
    assert_eq!(app.mode, Mode::Normal);
    press(&mut app, Command::Act(Action::Delete));
    assert_eq!(press(&mut app, Command::Yes).len(), 1);
}

#[test]
fn every_outcome_is_a_notice_and_a_line() {
    let outcomes = [
        (Verdict::Gone, "gone"),
        (Verdict::timed_out(11_600), "no answer in 11.6 s, it may have happened"),
        (Verdict::Unknown { waited_ms: 0, is_closed: true }, "closed the connection"),
        (Verdict::Refused("too many actions".into()), "too many actions"),
    ];
    for (verdict, wanted) in outcomes {
        let mut app = app(2);
        press(&mut app, Command::Act(Action::Stop));
        let target = Target::of(&app.watched.fleet.get(key(0)).unwrap().info);
        send(&mut app, Report::ActionFinished { action: Action::Stop, target, verdict });
        let notice = app.notice.clone().unwrap();
        assert!(notice.is_bad && notice.text.contains(wanted), "{}", notice.text);
        assert!(texts(&app).iter().any(|text| text.contains(wanted)));
        let row = app.watched.fleet.get(key(0));
        assert!(row.is_none_or(|process| process.pending.is_none()), "what is gone has no row");
    }
}

#[test]
fn a_process_that_vanishes_under_the_question_is_said_to_be_gone() {
    let mut app = app(2);
    press(&mut app, Command::Act(Action::Delete));
    send(&mut app, snapshot(1..2));
    assert_eq!(app.mode, Mode::Normal);
    assert!(app.notice.as_ref().unwrap().text.contains("closed delete p0[0]: gone: "));
    assert!(texts(&app).iter().any(|text| text == "deleted from PM2"));
}

#[test]
fn nothing_is_sent_to_a_daemon_that_is_down() {
    let mut app = app(1);
    let problem = Problem::Closed;
    send(&mut app, Report::Connection(Connection::Down { problem, retry_in_ms: 9_000 }));
    assert!(press(&mut app, Command::Act(Action::Restart)).is_empty());
    assert!(app.notice.as_ref().unwrap().text.contains("not connected"));
    assert_eq!(app.watched.fleet.len(), 1, "the last known rows stay");
}

#[test]
fn the_selection_stays_on_its_process_and_moves_on_when_that_is_gone() {
    let mut app = app(5);
    press(&mut app, Command::Down);
    press(&mut app, Command::Down);
    assert_eq!(app.selected, Some(key(2)));
    send(&mut app, snapshot([1, 2, 3]));
    assert_eq!(app.selected, Some(key(2)));
    send(&mut app, snapshot([1, 3]));
    assert_eq!(app.selected, Some(key(3)));
    send(&mut app, snapshot([]));
    assert_eq!(app.selected, None);
    assert!(press(&mut app, Command::Act(Action::Stop)).is_empty());
}

#[test]
fn a_new_daemons_first_snapshot_deletes_nothing_in_words() {
    let mut app = app(3);
    let down = Connection::Down { problem: Problem::Closed, retry_in_ms: 9_000 };
    send(&mut app, Report::Connection(down));
    send(&mut app, live(2));
    send(&mut app, snapshot([7]));
    assert_eq!(*app.rows(), [key(7)]);
    assert!(!texts(&app).iter().any(|text| text.contains("deleted")));
}

#[test]
fn an_event_changes_the_row_before_any_poll() {
    let mut app = app(1);
    let event = ProcessEvent {
        kind: EventKind::Exit,
        manually: false,
        at_ms: Some(500),
        is_old_worker: false,
        signal: None,
        info: info(0, "p0", ProcessStatus::Stopped),
    };
    send(&mut app, Report::Process(Box::new(event)));
    assert_eq!(app.watched.fleet.get(key(0)).unwrap().info.status, ProcessStatus::Stopped);
}

#[test]
fn new_lines_do_not_move_what_is_being_read() {
    let mut app = app(1);
    send(&mut app, lines(100));
    press(&mut app, Command::NextPane);
    assert_eq!(app.focus, Pane::Log);
    press(&mut app, Command::PageUp);
    let top = app.log_top.expect("not following any more");
    send(&mut app, lines(50));
    assert_eq!(app.log_top, Some(top));
    press(&mut app, Command::Last);
    assert_eq!(app.log_top, None, "End follows again");
    press(&mut app, Command::First);
    assert_eq!(app.log_top, app.lines().at(0));
    let below = app.lines().at(7);
    (app.log_top, app.log_mark) = (below, below);
    for _ in 0..10 {
        send(&mut app, lines(20_000));
    }
    assert!(
        app.log_view.whole(below.unwrap()).is_none(),
        "the place is kept while its lines fall out"
    );
    press(&mut app, Command::Down);
    let place = app.lines().place_of(below.unwrap());
    let wanted = (app.lines().at(place), app.lines().at(place + 1));
    assert_eq!((app.log_top, marked(&app)), wanted, "and clamped");
}

#[test]
fn esc_goes_back_one_step_at_a_time() {
    let mut app = app(1);
    send(&mut app, lines(100));
    press(&mut app, Command::NextPane);
    press(&mut app, Command::PageUp);
    press(&mut app, Command::Back);
    assert_eq!((app.log_top, app.log_mark, app.focus), (None, None, Pane::Log), "it follows");
    press(&mut app, Command::Up);
    press(&mut app, Command::Back);
    assert_eq!((marked(&app), app.focus), (app.lines().at(app.lines().len() - 1), Pane::Log));
    press(&mut app, Command::Back);
    assert_eq!(app.focus, Pane::Processes);
    app.notify("said", false);
    press(&mut app, Command::Back);
    assert_eq!(app.notice, None);
}

#[test]
fn scrolling_down_to_the_end_follows_again() {
    let mut app = app(1);
    send(&mut app, lines(100));
    press(&mut app, Command::NextPane);
    press(&mut app, Command::Up);
    assert!(app.log_top.is_some());
    press(&mut app, Command::Down);
    assert_eq!(app.log_top, None);
}

#[test]
fn a_tick_is_due_only_while_something_counts_time() {
    let mut app = App::new(vec![Daemon::new(D, "host", "/x", 1_000)], Moment::at(0), 0, (80, 24));
    assert_eq!(app.next_tick_ms(), None);
    let down = Connection::Down { problem: Problem::Closed, retry_in_ms: 3_500 };
    send(&mut app, Report::Connection(down));
    assert_eq!(app.next_tick_ms(), Some(1_500));
    send(&mut app, live(1));
    let mut old = info(0, "old", ProcessStatus::Online);
    old.online_since_ms = Some(-3 * 86_400_000);
    let snapshot = Snapshot { processes: vec![old], warnings: Vec::new() };
    let report = Report::Snapshot { at_ms: 1, took_ms: 1, interval_ms: 1_000, snapshot };
    send(&mut app, report);
    assert_eq!(app.next_tick_ms(), Some(3_600_000), "days change by the hour");
}

#[test]
fn all_uptimes_change_in_one_frame() {
    let mut app = app(3);
    let since = |(pm_id, since_ms): (u32, i64)| {
        let mut process = info(pm_id, "young", ProcessStatus::Online);
        process.online_since_ms = Some(since_ms);
        process
    };
    let processes = [(0, -300), (1, -700), (2, -9_950)].into_iter().map(since).collect();
    let snapshot = Snapshot { processes, warnings: Vec::new() };
    send(&mut app, Report::Snapshot { at_ms: 1, took_ms: 1, interval_ms: 1_000, snapshot });
    let tick = app.next_tick_ms().unwrap();
    assert_eq!((tick % 1_000, tick - app.now.steady_ms <= 1_000), (0, true), "{tick}");
}

#[derive(Debug, Clone)]
enum Step {
    Press(Command),
    Type(char),
    Edit(Edit),
    Methods,
    CallFinished,
    Snapshot(Vec<u32>),
    Lines(usize),
    Finish(u32),
    Resize(u16, u16),
    Down,
    Live,
}

fn step() -> impl Strategy<Value = Step> {
    let rows = super::log_commands::all().chain(super::details::keys::DETAILS);
    let commands = rows.map(|row| row.command);
    let commands: Vec<_> = commands.chain([Command::Yes, Command::No]).collect();
    prop_oneof![
        6 => proptest::sample::select(commands).prop_map(Step::Press),
        2 => proptest::collection::vec(0_u32..40, 0..30).prop_map(Step::Snapshot),
        2 => (0_usize..300).prop_map(Step::Lines),
        1 => (0_u32..40).prop_map(Step::Finish),
        1 => (0_u16..200, 0_u16..60).prop_map(|(w, h)| Step::Resize(w, h)),
        1 => Just(Step::Down),
        1 => Just(Step::Live),
        3 => any::<char>().prop_map(Step::Type),
        3 => proptest::sample::select(vec!['p', 's', 't', '0', '{', '"', ' ', ',']).prop_map(Step::Type),
        1 => proptest::sample::select(vec![
            Edit::Backspace, Edit::Delete, Edit::DeleteWord, Edit::DeleteToStart,
            Edit::Left, Edit::Right, Edit::Start, Edit::End,
        ]).prop_map(Step::Edit),
        1 => Just(Step::Methods),
        1 => Just(Step::CallFinished),
    ]
}

proptest! {
    #[test]
    fn invariants_hold_whatever_happens(steps in proptest::collection::vec(step(), 0..60)) {
        let mut app = app(3);
        for (index, step) in steps.into_iter().enumerate() {
            let now_ms = 10_000 + index as i64 * 400;
            let message = match step {
                Step::Press(command) => Message::Command(command),
                Step::Type(c) => Message::Text(c),
                Step::Edit(edit) => Message::Edit(edit),
                Step::Methods => Message::Report(D, overlays::methods()),
                Step::CallFinished => Message::Report(D, Report::CallFinished {
                    method: "ping".into(), outcome: CallOutcome::Disconnected,
                }),
                Step::Snapshot(ids) => Message::Report(D, snapshot(ids)),
                Step::Lines(count) => Message::Report(D, lines(count)),
                Step::Finish(id) => Message::Report(D, Report::ActionFinished {
                    action: Action::Restart,
                    target: Target::of(&ProcessInfo::new(PmId(id), "api", ProcessStatus::Online)),
                    verdict: Verdict::Up { after_ms: 1_000, was_looping: false },
                }),
                Step::Resize(columns, rows) => Message::Resized(columns, rows),
                Step::Down => Message::Report(D, Report::Connection(Connection::Down {
                    problem: Problem::Closed, retry_in_ms: 1_000,
                })),
                Step::Live => Message::Report(D, live(index as u64)),
            };
            let effects = update(&mut app, Moment::at(now_ms), message);
            for effect in &effects.0 {
                match effect {
                    Effect::Act { targets, .. } => for target in targets {
                        prop_assert!(app.watched.fleet.get(key(target.pm_id.0)).is_some());
                    }
                    Effect::Call { daemon, call } => {
                        let methods = app.daemon(*daemon).unwrap().methods.as_ref().unwrap();
                        let checked = methods.check_named(&call.method, call.args.clone());
                        prop_assert!(checked.is_ok(), "{:?}", checked);
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(app.selected.is_none(), app.rows().is_empty());
            prop_assert!(app.selected.is_none_or(|key| app.watched.fleet.get(key).is_some()));
            prop_assert!(app.table_top <= app.watched.fleet.len());
            prop_assert!(app.lines().len() <= 100_000);
            for mode in app.below.iter().chain([&app.mode]) {
                let (daemon, targets) = mode.about().unwrap_or((D, Vec::new()));
                let mut all: Vec<_> = targets.into_iter().map(|target| (daemon, target)).collect();
                if let Mode::Sheet(sheet) = mode {
                    all.extend(sheet.about().iter().map(|(daemon, target)| (*daemon, target)));
                }
                for (daemon, target) in all {
                    let process = app.watched.fleet.get(target.key(daemon));
                    prop_assert!(process.is_some_and(|process| target.is(&process.info)));
                }
            }
            let rows = app.geometry(app.size).map_or(1, |parts| usize::from(parts.log_rows).max(1));
            if let Some(mark) = marked(&app) {
                let place = app.lines().place_of(mark);
                prop_assert!(app.log_view.whole(mark).is_some());
                let top = log_top(&app, rows);
                prop_assert!((top..top + rows).contains(&place), "the mark is in sight");
            }
            prop_assert!(app.next_tick_ms().is_none_or(|at_ms| at_ms > now_ms - 8_000));
        }
    }
}
