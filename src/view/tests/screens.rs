//! Screens as text, each read before it was accepted.

use super::fleet::*;
use super::{ALL, check};
use crate::app::command::Command;
use crate::app::editor::{Edit, Editor};
use crate::app::help::Help;
use crate::app::keymap::Place;
use crate::app::log_sheet::LogSheet;
use crate::app::marked;
use crate::app::message::Message;
use crate::app::prompt::{Arguments, Compose};
use crate::app::{App, Mode, Notice, Pane, update};
use crate::model::call::NamedCall;
use crate::model::daemon::{BusState, Connection, Problem};
use crate::model::end::End;
use crate::model::log::{LineKind, LogLine, LogSource};
use crate::model::moment::Moment;
use crate::model::verdict::{Down, Why};
use crate::model::{Action, DaemonId, Verdict};
use crate::protocol::process::{PmId, ProcessStatus};

#[test]
fn typical_fleet() {
    check!(&typical(), COLOR, "typical", ALL);
    check!(&typical(), COLOR, "typical", [(30, 6), (60, 18), (200, 50)]);
}

#[test]
fn heads_of_columns_stand_apart() {
    let mut app = typical();
    let heads = |app: &App, size| {
        let text = screen(app, COLOR, size);
        text.lines().find(|line| line.starts_with(" id")).unwrap().to_owned()
    };
    assert!(heads(&app, (80, 24)).contains("mem  of limit"), "{}", heads(&app, (80, 24)));
    let _ = update(&mut app, Moment::at(NOW_MS), Message::Command(Command::SortRight));
    // Whatever it is sorted by, the sign stands in between.
    for _ in 0..12 {
        let _ = update(&mut app, Moment::at(NOW_MS), Message::Command(Command::SortRight));
        let line = heads(&app, (80, 24));
        assert!(["mem  of", "mem▼ of", "mem▲ of"].iter().any(|it| line.contains(it)), "{line}");
    }
}

#[test]
fn a_narrow_screen_has_restarts_and_keys_with_words() {
    let text = screen(&typical(), COLOR, (40, 10));
    let worker = text.lines().find(|line| line.contains("worker")).unwrap();
    assert!(worker.contains("✗ errored") && worker.contains(" 16 "), "{worker}");
    let footer = text.lines().last().unwrap();
    assert_eq!(footer.trim(), "api[0]  r restart  ? help  q quit");
}

#[test]
fn ascii_and_no_color() {
    check!(&typical(), PLAIN, "ascii", ALL);
}

#[test]
fn too_small() {
    check!(&typical(), COLOR, "too_small", [(29, 5)]);
}

#[test]
fn no_daemon() {
    let mut app = app(vec![down(0, "deploy")]);
    app.watched.daemons[0].snapshot_at_ms = None;
    check!(&app, COLOR, "no_daemon", ALL);
    check!(&app, COLOR, "no_daemon", [(30, 6)]);
}

#[test]
fn no_daemon_of_two() {
    let mut app = app(vec![down(0, "deploy"), down(1, "root")]);
    app.watched.daemons[1].connection = Connection::Down {
        problem: Problem::PermissionDenied {
            path: "/root/.pm2/rpc.sock".into(),
            owner: Some("root".into()),
        },
        retry_in_ms: 0,
    };
    check!(&app, COLOR, "no_daemon_of_two", [(80, 24), (40, 10)]);
}

#[test]
fn connecting() {
    let mut app = app(vec![daemon(0, "web-01")]);
    app.watched.daemons[0].connection = Connection::Connecting;
    check!(&app, COLOR, "connecting", [(80, 24)]);
}

#[test]
fn live_and_empty() {
    check!(&app(vec![daemon(0, "web-01")]), COLOR, "empty", ALL);
}

#[test]
fn one_of_two_daemons_down() {
    let mut app = typical();
    app.watched.daemons.push(down(1, "web-02"));
    fill(&mut app, 1);
    check!(&app, COLOR, "two_daemons", ALL);
}

#[test]
fn daemon_went_away() {
    let mut app = typical();
    app.watched.daemons[0] = down(0, "web-01");
    check!(&app, COLOR, "went_away", ALL);
}

#[test]
fn warnings_and_losses() {
    let mut app = typical();
    app.is_demo = true;
    app.watched.daemons[0].bus =
        BusState::Down(Problem::Refused { path: "/home/web-01/.pm2/pub.sock".into() });
    app.watched.daemons[0].warnings = 3;
    app.watched.daemons[0].last_warning = Some("a process without pm2_env was left out".into());
    app.log_view.count_lost(None, 1234);
    check!(&app, COLOR, "warnings", ALL);
    check!(&app, COLOR, "warnings", [(180, 12)]);
}

#[test]
fn question() {
    let mut app = typical();
    let (daemon, target) = (DaemonId(0), target(3, "worker"));
    app.mode = Mode::Confirm { action: Action::Delete, daemon, target };
    check!(&app, COLOR, "confirm", ALL);
    check!(&app, COLOR, "confirm", [(30, 6)]);
    let all = vec![self::target(0, "api"), self::target(1, "api")];
    let target = self::target(1, "api");
    app.mode = Mode::ConfirmReload { daemon, target, all };
    check!(&app, COLOR, "confirm_reload", ALL);
    check!(&app, COLOR, "confirm_reload", [(30, 6)]);
}

#[test]
fn help() {
    let mut app = typical();
    app.mode = Mode::Help(Box::new(Help::of(Place::Table)));
    check!(&app, COLOR, "help", ALL);
    app.mode = Mode::Help(Box::new(Help { top: 9999, ..Help::of(Place::Table) }));
    check!(&app, COLOR, "help_end", [(40, 10)]);
}

fn palette(app: &mut App, typed: &str, chosen: usize) {
    app.watched.daemons[0].methods = Some(methods());
    app.mode = Mode::Normal;
    let now = app.now;
    let _ = update(app, now, Message::Command(Command::Palette));
    let Mode::Palette(open) = &mut app.mode else { panic!("{:?}", app.mode) };
    (open.input, open.chosen) = (Editor::new(typed), chosen);
}

#[test]
fn palette_open() {
    let mut app = typical();
    palette(&mut app, "", 0);
    check!(&app, COLOR, "palette", ALL);
    palette(&mut app, "st", 2);
    check!(&app, COLOR, "palette_typed", ALL);
    check!(&app, COLOR, "palette_typed", [(30, 6)]);
    check!(&app, PLAIN, "palette_ascii", [(80, 24)]);
    palette(&mut app, "", 20);
    check!(&app, COLOR, "palette_scrolled", [(40, 10)]);
    palette(&mut app, "nothing like it", 0);
    check!(&app, COLOR, "palette_nothing", [(80, 24)]);
}

#[test]
fn arguments_asked_for() {
    let mut app = typical();
    app.watched.daemons[0].methods = Some(methods());
    let arguments = |typed: &str| {
        let mut arguments = Arguments::new(
            DaemonId(0),
            "sendDataToProcessId",
            vec!["packet".into()],
            Some(target(0, "api")),
        );
        for c in typed.chars() {
            arguments.input.insert(c);
        }
        Mode::Arguments(arguments)
    };
    app.mode = arguments("");
    check!(&app, COLOR, "arguments", ALL);
    app.mode = arguments(" 7");
    check!(&app, COLOR, "arguments_refused", ALL);
    check!(&app, PLAIN, "arguments_ascii", [(80, 24)]);
}

#[test]
fn read_only() {
    let mut app = typical();
    app.read_only = true;
    check!(&app, COLOR, "read_only", [(80, 24), (40, 10)]);
}

#[test]
fn message_written() {
    let mut app = typical();
    app.watched.daemons[0].methods = Some(methods());
    let written = |input, is_to_app| {
        let target = app.watched.fleet.get(key(0, 0)).unwrap().target(None);
        Mode::Compose(Compose { daemon: DaemonId(0), target, others: Vec::new(), is_to_app, input })
    };
    let compose = |input| written(input, false);
    app.mode = compose(Editor::default());
    check!(&app, COLOR, "compose", ALL);
    let input = Editor::new("hello");
    app.mode = written(input, true);
    check!(&app, COLOR, "compose_to_app", [(80, 24), (40, 10)]);
    let mut input = Editor::new("said {\"type\":\"god:heap\",\"data\":{\"日本\":1}} and more");
    for _ in 0..9 {
        input.edit(Edit::Left);
    }
    app.mode = compose(input);
    check!(&app, COLOR, "compose_json", [(80, 24), (40, 10), (30, 6)]);
    check!(&app, PLAIN, "compose_ascii", [(80, 24)]);
}

#[test]
fn message_of_lines() {
    let mut app = typical();
    app.watched.daemons[0].methods = Some(methods());
    let target = app.watched.fleet.get(key(0, 0)).unwrap().target(None);
    let mut compose = Compose::new(&app.watched, DaemonId(0), target);
    compose.input.paste("first line\r\n\tsecond\nthird");
    for _ in 0..6 {
        compose.input.edit(Edit::Left);
    }
    app.mode = Mode::Compose(compose);
    check!(&app, COLOR, "compose_lines", [(80, 24), (30, 6)]);
    check!(&app, PLAIN, "compose_lines_ascii", [(80, 24)]);
}

#[test]
fn question_before_a_method() {
    let mut app = typical();
    let call = NamedCall::new("stopProcessId", vec![3.into()]);
    app.mode = Mode::ConfirmCall { daemon: DaemonId(0), call };
    check!(&app, COLOR, "confirm_call", [(80, 24), (40, 10)]);
}

#[test]
fn question_before_a_message() {
    let mut app = typical();
    let (_, process) = app.watched.fleet.iter().next().unwrap();
    let target = crate::model::Target::of(&process.info);
    let text = serde_json::json!({ "id": 0, "msg": { "data": "hi", "topic": "process:msg" } });
    let mut call = NamedCall::new("msgProcess", vec![text]);
    call.targets = vec![target];
    app.mode = Mode::ConfirmCall { daemon: DaemonId(0), call };
    check!(&app, COLOR, "confirm_message", [(80, 24), (40, 10)]);
}

fn message_line() -> LogLine {
    let source = LogSource { daemon: DaemonId(0), pm_id: Some(PmId(0)), name: "api".into() };
    let json = r#"{"heap":{"used":4711,"total":9000},"list":[1,2,{"deep":[]}],
        "text":"a long text that has to be broken over several rows because it is longer than the
        screen is wide, 日本語 included, whatever the size of the terminal may be: 0123456789"}"#;
    LogLine::message(NOW_MS, source, "my:very:long:topic", &json.replace('\n', " "))
}

#[test]
fn line_shown_whole() {
    let mut app = typical();
    app.focus = Pane::Log;
    app.take_lines([message_line()]);
    check!(&app, COLOR, "message", ALL);
    let mut entry = app.log_view.entry(marked(&app).unwrap()).unwrap();
    app.mode = Mode::LogSheet(LogSheet::Entry(Box::new(entry.clone())));
    check!(&app, COLOR, "line", ALL);
    check!(&app, COLOR, "line", [(30, 6)]);
    check!(&app, PLAIN, "line_ascii", [(80, 24)]);
    app.notice = Some(Notice::new("copied the entry: 1 line, 312 B", false, NOW_MS));
    check!(&app, COLOR, "line_copied", [(80, 24)]);
    app.notice = None;
    entry.top = 9999;
    app.mode = Mode::LogSheet(LogSheet::Entry(Box::new(entry)));
    check!(&app, COLOR, "line_end", [(40, 10)]);
}

#[test]
fn notices() {
    let mut app = typical();
    let up = "restarted api[0], up 1.0 s   = pm2 restart 0";
    app.notice = Some(Notice::new(up, false, NOW_MS).done());
    check!(&app, COLOR, "notice_good", [(80, 24)]);
    let down = "restarted worker[3], but it is down: exit code 1: Error: Cannot find module \
                './x' (PM2 starts it again)";
    app.notice = Some(Notice::new(down, true, NOW_MS));
    check!(&app, COLOR, "notice_bad", [(80, 24), (40, 10)]);
}

#[test]
fn states_of_processes() {
    let mut app = typical();
    app.table_top = 0;
    let mut waiting = process(info(5, "flaky", ProcessStatus::WaitingRestart));
    waiting.info.created_at_ms = Some(NOW_MS - 90_000);
    waiting.info.restarts = 7;
    waiting.restarts_at_ms = Some(NOW_MS + 2900);
    app.watched.fleet.insert(key(0, 5), waiting.clone());
    waiting.restarts_at_ms = None;
    app.watched.fleet.insert(key(0, 6), waiting);
    let mut ghost = info(7, "ghost", ProcessStatus::Online);
    ghost.pid = None;
    app.watched.fleet.insert(key(0, 7), process(ghost));
    app.watched.daemons[0].blinded_by = Some(key(0, 7));
    let mut pending = process(info(8, "busy", ProcessStatus::Online));
    pending.pending = Some(Action::Restart);
    app.watched.fleet.insert(key(0, 8), pending);
    let mut reloading = process(info(9, "cluster", ProcessStatus::Online));
    reloading.is_reloading = true;
    app.watched.fleet.insert(key(0, 9), reloading);
    let odd = ProcessStatus::Other("one-launch-status".into());
    app.watched.fleet.insert(key(0, 10), process(info(10, "odd", odd)));
    for (pm_id, status) in [(11, ProcessStatus::Launching), (12, ProcessStatus::Stopping)] {
        let name = status.as_str().to_owned();
        app.watched.fleet.insert(key(0, pm_id), process(info(pm_id, &name, status)));
    }
    check!(&app, COLOR, "states", [(120, 40)]);
    app.table_top = 5;
    app.selected = Some(key(0, 7));
    check!(&app, COLOR, "states", [(40, 16)]);
    check!(&app, PLAIN, "states_ascii", [(120, 40)]);
}

#[test]
fn scrolled_log() {
    let mut app = typical();
    app.focus = Pane::Log;
    for number in 0..100 {
        let source = LogSource {
            daemon: DaemonId(0),
            pm_id: Some(PmId(2)),
            name: "nightly-report-generator".into(),
        };
        let line = output(NOW_MS + number, source, LineKind::Out, &format!("line {number}"));
        app.take_lines([line]);
    }
    app.log_top = app.lines().at(20);
    check!(&app, COLOR, "scrolled_log", ALL);
}

#[test]
fn foreign_names() {
    let mut app = typical();
    let names = [
        "日本語のサービス名前",
        "שלום-עולם",
        "e\u{301}te\u{301}",
        "",
        "a\u{1b}[2Jb\nc",
        "👩‍👩‍👧‍👦-family",
        "क्षि",
    ];
    for (pm_id, name) in (20..).zip(names) {
        app.watched.fleet.insert(key(0, pm_id), process(info(pm_id, name, ProcessStatus::Online)));
    }
    check!(&app, COLOR, "foreign_names", [(100, 30)]);
    check!(&app, PLAIN, "foreign_names_ascii", [(100, 30)]);
}

#[test]
fn long_table_scrolls() {
    let mut app = app(vec![daemon(0, "web-01")]);
    for pm_id in 0..120 {
        app.watched.fleet.insert(key(0, pm_id), process(info(pm_id, "api", ProcessStatus::Online)));
    }
    app.selected = Some(key(0, 4));
    app.table_top = 2;
    check!(&app, COLOR, "long_table", [(80, 24)]);
}

#[test]
fn outcome_in_the_row() {
    let mut app = typical();
    let now = Moment::at(NOW_MS);
    let up = Verdict::Up { after_ms: 1_000, was_looping: false };
    app.watched.fleet.get_mut(key(0, 1)).unwrap().finish(Action::Restart, &up, now);
    let why = Why::Ends(End::Code("1".into()));
    let last_words = Some("Cannot find module './config/production.json'".into());
    let down = Verdict::Down(Down { why, ends: 6, watched_ms: 1_000, last_words });
    app.watched.fleet.get_mut(key(0, 2)).unwrap().finish(Action::Restart, &down, now);
    app.selected = Some(key(0, 2));
    let short = format!("jobs[2] {}", down.words(Action::Restart));
    let text = down.sentence(Action::Restart, "jobs[2]");
    app.notice = Some(Notice::new(text, true, NOW_MS).or(short));
    check!(&app, COLOR, "outcome", ALL);
}

#[test]
fn looping_and_a_limit_close_by() {
    let mut app = typical();
    app.watched.fleet.get_mut(key(0, 2)).unwrap().is_looping = true;
    let mut waiting = process(info(5, "flaky", ProcessStatus::WaitingRestart));
    (waiting.is_looping, waiting.info.restarts) = (true, 212);
    waiting.restarts_at_ms = Some(NOW_MS + 11_500);
    app.watched.fleet.insert(key(0, 5), waiting);
    let leaky = app.watched.fleet.get_mut(key(0, 1)).unwrap();
    leaky.info.memory_bytes = Some(290 * MIB);
    settle(leaky);
    check!(&app, COLOR, "looping", ALL);
    check!(&app, PLAIN, "looping_ascii", [(80, 24)]);
}

#[test]
fn log_in_front_names_the_process() {
    let mut app = typical();
    app.focus = Pane::Log;
    check!(&app, COLOR, "log_focus", ALL);
    app.read_only = true;
    check!(&app, COLOR, "log_focus_read_only", [(80, 24)]);
}

#[test]
fn emoji_with_selectors() {
    let mut app = typical();
    let source = LogSource { daemon: DaemonId(0), pm_id: Some(PmId(0)), name: "api".into() };
    for text in ["\u{26a0}\u{fe0f} low", "\u{2714}\u{fe0e} ok \u{1f680}", "1\u{fe0f}\u{20e3} one"] {
        app.take_lines([output(NOW_MS, source.clone(), LineKind::Out, text)]);
    }
    let screen = screen(&app, COLOR, (80, 24));
    assert!(!screen.contains(['\u{fe0e}', '\u{fe0f}']), "{screen}");
    assert!(screen.contains("\u{26a0} low") && screen.contains("\u{2714} ok \u{1f680}"));
    // What is kept has them.
    let kept = &app.lines().rows(5, 1)[0];
    assert_eq!(&*kept.text.text, "\u{26a0}\u{fe0f} low");
}
