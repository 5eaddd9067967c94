//! Palette, arguments, message, and the line shown whole.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

use super::*;
use crate::app::editor::Editor;
use crate::app::log_sheet::LogSheet;
use crate::app::palette::{self, Entry, Palette, entries};
use crate::app::press;
use crate::app::{offers, row_keys};
use crate::model::call::NamedCall;
use crate::protocol::amp::Frame;
use crate::protocol::process::ProcessInfo;
use crate::protocol::risk::Risk;
use crate::protocol::rpc::{Methods, Reply};
use crate::protocol::value;

/// Some methods as 7.0.4 lists them.
pub(super) fn methods() -> Report {
    let list = json!({ "methods": {
        "ping": { "params": ["env", "cb"] },
        "getVersion": { "params": ["env", "cb"] },
        "stopProcessId": { "params": ["id", "cb"] },
        "restartProcessId": { "params": ["opts", "cb"] },
        "deleteProcessId": { "params": ["id", "cb"] },
        "duplicateProcessId": { "params": ["id", "cb"] },
        "msgProcess": { "params": ["cmd", "cb"] },
        "sendDataToProcessId": { "params": ["packet", "cb"] },
        "stopWatch": { "params": ["method", "value", "fn"] },
        "killMe": { "params": [] },
    }});
    listed(&list)
}

/// The methods of this list.
pub(super) fn listed(list: &serde_json::Value) -> Report {
    let frame = Frame::new(vec![value::json(list), value::text("1:1")]).unwrap();
    Report::Methods(Arc::new(Methods::parse(&Reply::parse(&frame).unwrap()).unwrap()))
}

fn live(processes: u32) -> App {
    let mut app = app(processes);
    send(&mut app, methods());
    app
}

/// Presses a key as the loop does.
fn key_press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    let key = KeyEvent::new(code, KeyModifiers::NONE);
    press::message(&app.keys, &app.mode, app.focus, key)
        .map_or_else(Vec::new, |message| update(app, Moment::at(2_000), message).0)
}

/// Types text.
fn keys(app: &mut App, text: &str) {
    for c in text.chars() {
        let effects = key_press(app, KeyCode::Char(c));
        assert!(effects.is_empty(), "{c} did {effects:?}");
    }
}

fn enter(app: &mut App) -> Vec<Effect> {
    key_press(app, KeyCode::Enter)
}

fn call(method: &str, args: Vec<serde_json::Value>) -> Vec<Effect> {
    vec![Effect::Call { daemon: D, call: NamedCall::new(method, args) }]
}

/// The same, meant for this process.
fn call_to(app: &App, id: u32, method: &str, args: Vec<serde_json::Value>) -> Vec<Effect> {
    let targets = vec![app.target(key(id)).unwrap()];
    let was_asked = Risk::of(method).asks();
    let call = NamedCall { targets, was_asked, ..NamedCall::new(method, args) };
    vec![Effect::Call { daemon: D, call }]
}

/// What the open prompt says against what is typed.
fn refusal(app: &App) -> String {
    match &app.mode {
        Mode::Arguments(arguments) => arguments.call(&app.watched).unwrap_err(),
        Mode::Compose(compose) => compose.call(&app.watched).unwrap_err(),
        mode => panic!("{mode:?}"),
    }
}

#[test]
fn the_palette_does_commands_by_name() {
    let mut app = live(3);
    keys(&mut app, ":rest");
    let effects = enter(&mut app);
    let [Effect::Act { action: Action::Restart, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(app.mode, Mode::Normal);
    // What asks, asks here too; letters are text and no commands.
    keys(&mut app, ":delete");
    assert!(enter(&mut app).is_empty());
    assert!(matches!(app.mode, Mode::Confirm { action: Action::Delete, .. }), "{:?}", app.mode);
    key_press(&mut app, KeyCode::Char('n'));
    keys(&mut app, ":qqqq");
    assert!(enter(&mut app).is_empty(), "nothing fits, nothing is done");
    key_press(&mut app, KeyCode::Esc);
    assert_eq!(app.mode, Mode::Normal);
    keys(&mut app, ":quit");
    assert_eq!(enter(&mut app), [Effect::Quit]);
}

#[test]
fn the_palette_offers_every_command_and_every_method() {
    let app = live(1);
    let found = |typed: &str| {
        let input = Editor::new(typed);
        entries(&offers::scene(&app), &Palette { input, ..Palette::new(row_keys::menu(&app)) })
    };
    let all = found("");
    for row in app.keys.rows() {
        let is_there =
            |entry: &Entry| matches!(entry, Entry::Command(other) if other.keys == row.keys);
        assert_eq!(all.iter().any(is_there), row.command != Command::Palette, "{}", row.label);
    }
    let methods = all.iter().filter(|entry| matches!(entry, Entry::Method { .. }));
    assert_eq!(methods.count(), 10);
    let of_stop = found("stopw");
    let Entry::Method { name, params } = &of_stop[0] else { panic!("{of_stop:?}") };
    assert_eq!((&**name, params.len()), ("stopWatch", 2), "without the callback");
    for (word, first) in [
        ("describe", "details"),
        ("scale", "scale .."),
        ("save", "save"),
        ("env", "details: environment"),
        ("scale up", "scale .."),
        ("restart p0", "restart"),
        ("flush all", "flush all logs"),
        ("trigger", "trigger an action .."),
        ("flush", "flush logs"),
        ("monit", "details: charts"),
        ("attach", "write a line .."),
    ] {
        assert_eq!(found(word).first().map(Entry::name), Some(first), "{word}");
    }
}

#[test]
fn a_tab_of_the_details_is_opened_by_name() {
    let mut app = live(1);
    keys(&mut app, ":env");
    enter(&mut app);
    let Mode::Details(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(sheet.tab, crate::app::inspection::Tab::Environment);
}

#[test]
fn all_logs_are_flushed_after_a_question_that_names_all() {
    let mut app = live(3);
    keys(&mut app, ":flush all");
    enter(&mut app);
    let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    let crate::app::sheet::Sheet::Several(several) = &**sheet else { panic!("{sheet:?}") };
    assert_eq!(several.marked.targets.len(), 3);
}

#[test]
fn what_cannot_be_done_stands_in_the_palette_with_the_reason_and_is_not_done() {
    let mut app = live(1);
    app.read_only = true;
    keys(&mut app, ":restart");
    let Mode::Palette(open) = &app.mode else { panic!("{:?}", app.mode) };
    let scene = offers::scene(&app);
    let first = entries(&scene, open).swap_remove(0);
    assert_eq!(palette::refusal(&scene, open, &first).as_deref(), Some("this is --read-only"));
    let of_method = |name: &str| {
        let method = Entry::Method { name: name.into(), params: Vec::new() };
        palette::refusal(&scene, open, &method)
    };
    assert_eq!(of_method("deleteProcessId").as_deref(), Some("this is --read-only"));
    assert_eq!(of_method("getVersion"), None);
    assert!(enter(&mut app).is_empty());
    assert!(matches!(app.mode, Mode::Palette(_)), "{:?}", app.mode);
    app.read_only = false;
    key_press(&mut app, KeyCode::Esc);
    keys(&mut app, ":nextmatch");
    assert!(enter(&mut app).is_empty());
    assert!(matches!(app.mode, Mode::Palette(_)), "nothing is searched for: {:?}", app.mode);
    key_press(&mut app, KeyCode::Esc);
    // What only the menu has is done from here, too: it asks as there.
    keys(&mut app, ":scale");
    assert!(enter(&mut app).is_empty());
    assert!(matches!(app.mode, Mode::Sheet(_)), "{:?}", app.mode);
}

#[test]
fn a_method_that_ignores_its_argument_is_called_at_once() {
    let mut app = live(1);
    keys(&mut app, ":ping");
    assert_eq!(enter(&mut app), call("ping", vec![json!({})]));
    let outcome = CallOutcome::Answered(r#"{"msg":"pong"}"#.into());
    send(&mut app, Report::CallFinished { method: "ping".into(), outcome });
    assert!(texts(&app).iter().any(|text| text == r#"{"msg":"pong"}"#));
    assert!(app.notice.as_ref().unwrap().text.contains("pong"));
}

#[test]
fn arguments_are_filled_in_checked_while_typing_and_sent() {
    let mut app = live(3);
    press(&mut app, Command::Down);
    keys(&mut app, ":restartProcessId");
    assert!(enter(&mut app).is_empty());
    let Mode::Arguments(arguments) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(arguments.input.text(), r#"{"id":1}"#);
    keys(&mut app, " 7");
    assert!(refusal(&app).contains("2 given"), "{}", refusal(&app));
    assert!(enter(&mut app).is_empty(), "what is refused is not sent");
    key_press(&mut app, KeyCode::Backspace);
    key_press(&mut app, KeyCode::Backspace);
    let wanted = call_to(&app, 1, "restartProcessId", vec![json!({ "id": 1 })]);
    assert_eq!(enter(&mut app), wanted);
    // Another id than the selected one's is that process, as it is shown then.
    keys(&mut app, ":restartProcessId");
    enter(&mut app);
    key_press(&mut app, KeyCode::Backspace);
    key_press(&mut app, KeyCode::Backspace);
    keys(&mut app, "2}");
    let wanted = call_to(&app, 2, "restartProcessId", vec![json!({ "id": 2 })]);
    assert_eq!(enter(&mut app), wanted);
}

#[test]
fn a_method_that_ends_something_is_asked_for_twice() {
    let mut app = live(1);
    keys(&mut app, ":stopProcessId");
    enter(&mut app);
    assert!(enter(&mut app).is_empty());
    assert!(matches!(app.mode, Mode::ConfirmCall { .. }));
    assert!(enter(&mut app).is_empty(), "only y is yes");
    let effects = key_press(&mut app, KeyCode::Char('y'));
    assert_eq!(effects, call_to(&app, 0, "stopProcessId", vec![json!(0)]));
    keys(&mut app, ":duplicateProcessId");
    enter(&mut app);
    assert!(enter(&mut app).is_empty(), "a process more is asked for, too");
    key_press(&mut app, KeyCode::Char('n'));
    for _ in 0..3 {
        key_press(&mut app, KeyCode::Esc);
    }
    // What would harm the daemon is refused whatever is typed.
    keys(&mut app, ":killMe");
    enter(&mut app);
    keys(&mut app, "{}");
    assert!(refusal(&app).contains("never called by name"), "{}", refusal(&app));
    assert!(enter(&mut app).is_empty());
}

#[test]
fn a_message_goes_to_the_selected_process() {
    let mut app = live(3);
    press(&mut app, Command::Down);
    keys(&mut app, "m");
    assert!(enter(&mut app).is_empty(), "nothing to send yet");
    keys(&mut app, "quit :m?");
    let message = json!({ "type": "process:msg", "topic": "process:msg", "data": "quit :m?" });
    let wanted = call_to(&app, 1, "msgProcess", vec![json!({ "id": 1, "msg": message })]);
    assert_eq!(enter(&mut app), wanted, "whole, so that no text is taken for an action's name");
    assert_eq!(app.mode, Mode::Normal);
    keys(&mut app, "m{\"a\": 1");
    assert_eq!(refusal(&app), "not complete yet", "half a JSON is no text");
    assert!(enter(&mut app).is_empty());
    key_press(&mut app, KeyCode::Esc);
    keys(&mut app, "mx");
    send(&mut app, snapshot([0, 2]));
    assert_eq!(app.mode, Mode::Normal, "its process is gone");
    assert!(app.notice.as_ref().unwrap().text.contains(": gone: "));
}

#[test]
fn a_paste_of_lines_is_one_message_of_lines() {
    let mut app = live(1);
    keys(&mut app, "m");
    let paste = |app: &mut App, text: &str| {
        let effects = update(app, Moment::at(2_000), Message::Paste(text.to_owned()));
        assert_eq!(effects.0, []);
    };
    paste(&mut app, "first line\r\nrestart the service\n");
    let Mode::Compose(compose) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(compose.message()["data"], "first line\nrestart the service\n");
    // What is too long is not taken, nor a part of it, and that is said.
    paste(&mut app, &"x".repeat(20_000));
    let Mode::Compose(compose) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(compose.message()["data"], "first line\nrestart the service\n");
    assert!(app.notice.as_ref().unwrap().text.starts_with("not inserted: longer than 8 KiB"));
    key_press(&mut app, KeyCode::Esc);
    assert_eq!(app.notice, None, "it leaves with what it is about");
    // Laid out JSON stays JSON.
    keys(&mut app, "m");
    paste(&mut app, "{\n\t\"type\": \"x\",\n\t\"data\": \"a\nb\"\n}");
    let Mode::Compose(compose) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(
        (&compose.message()["type"], &compose.message()["data"]),
        (&json!("x"), &json!("a\nb"))
    );
    key_press(&mut app, KeyCode::Esc);
    keys(&mut app, ":restartProcessId");
    enter(&mut app);
    let _ = update(&mut app, Moment::at(2_000), Message::Edit(Edit::DeleteToStart));
    paste(&mut app, "{\n  \"id\":\n  0\n}\n");
    let wanted = call_to(&app, 0, "restartProcessId", vec![json!({ "id": 0 })]);
    assert_eq!(enter(&mut app), wanted);
    // One line: breaks are spaces.
    keys(&mut app, ":");
    paste(&mut app, "re\nst");
    let Mode::Palette(palette) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(palette.input.text(), "re st");
}

#[test]
fn a_message_goes_to_the_whole_app() {
    let mut app = live(2);
    keys(&mut app, "m");
    key_press(&mut app, KeyCode::Tab);
    let Mode::Compose(compose) = &app.mode else { panic!("{:?}", app.mode) };
    assert!(!compose.is_to_app, "its app has no other process");
    key_press(&mut app, KeyCode::Esc);
    let same = |id| ProcessInfo::new(PmId(id), "api", ProcessStatus::Online);
    let processes = vec![same(0), same(1), same(2)];
    let snapshot = Snapshot { processes, warnings: vec![] };
    send(&mut app, Report::Snapshot { at_ms: 1_500, took_ms: 1, interval_ms: 1_000, snapshot });
    keys(&mut app, "gm");
    key_press(&mut app, KeyCode::Tab);
    keys(&mut app, r#"{"type":"god:heap"}"#);
    let Mode::Compose(compose) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(compose.to(&app.watched), "api (3 processes)");
    let message = json!({ "type": "god:heap", "topic": "god:heap", "data": {} });
    let opts = json!({ "name": "api", "msg": message });
    assert_eq!(enter(&mut app), call("msgProcess", vec![opts]));
    let outcome = CallOutcome::Answered(r#"{"process_count":2,"success":true}"#.into());
    send(&mut app, Report::CallFinished { method: "msgProcess".into(), outcome });
    assert_eq!(app.notice.as_ref().unwrap().text, "the message reached 2 processes");
}

#[test]
fn nothing_is_called_on_a_daemon_that_is_down() {
    let mut app = live(1);
    let down = Connection::Down { problem: Problem::Closed, retry_in_ms: 9_000 };
    send(&mut app, Report::Connection(down));
    keys(&mut app, ":ping");
    assert!(enter(&mut app).is_empty());
    assert!(refusal(&app).contains("not connected"));
}

#[test]
fn enter_shows_the_marked_line_whole() {
    let mut app = live(1);
    send(&mut app, lines(100));
    press(&mut app, Command::NextPane);
    press(&mut app, Command::Up);
    press(&mut app, Command::Up);
    let top = app.log_top;
    assert!(enter(&mut app).is_empty());
    let Mode::LogSheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    let LogSheet::Entry(entry) = sheet else { panic!("{sheet:?}") };
    assert_eq!(&*entry.line.text.text, "event: 98");
    assert!(press(&mut app, Command::Act(Action::Restart)).is_empty(), "nothing but scrolling");
    key_press(&mut app, KeyCode::Esc);
    assert_eq!((app.log_top, app.focus), (top, Pane::Log), "the place is kept");
}

#[test]
fn the_mark_moves_over_all_lines_and_stays_on_its_line() {
    let mut app = live(1);
    send(&mut app, lines(100));
    press(&mut app, Command::NextPane);
    let last = app.lines().len() - 1;
    assert_eq!(marked(&app), app.lines().at(last));
    for back in 1..=last {
        press(&mut app, Command::Up);
        assert_eq!(marked(&app), app.lines().at(last - back));
    }
    press(&mut app, Command::Up);
    assert_eq!(marked(&app), app.lines().at(0), "no further");
    press(&mut app, Command::Down);
    let mark = marked(&app);
    send(&mut app, lines(50));
    assert_eq!(marked(&app), mark, "new lines do not move it");
}

#[test]
fn a_message_line_is_counted_and_laid_out() {
    let source = LogSource { daemon: D, pm_id: None, name: "p0".into() };
    let line = LogLine::message(0, source, "my:topic", "{\"b\": [1,\n 2], \"a\": \"\u{1b}[31mx\"}");
    assert_eq!(&*line.text, r#"{"b":[1,2],"a":"x"}"#);
    assert_eq!(line.bytes(), size_of::<LogLine>() + line.text.len() + "my:topic".len());
    let mut app = app(1);
    app.take_lines([line]);
    let entry = app.log_view.entry(app.lines().at(0).unwrap()).unwrap();
    assert_eq!((&*entry.line.lead, entry.line.word()), ("my:topic ", "my:topic"));
    let rows = entry.rows(40);
    let wanted = ["{", "  \"b\": [", "    1,", "    2", "  ],", "  \"a\": \"x\"", "}"];
    assert_eq!(rows, wanted);
    let narrow = entry.rows(8);
    assert_eq!(narrow[5..7], ["  \"a\": \"", "  x\""], "what goes on stands as far in");
}

#[test]
fn why_shows_the_last_ends_and_their_evidence() {
    use crate::model::death::after::{Left, reconstruct};
    let mut app = app(2);
    let console = "2026-11-28T03:12:00: PM2 log: App [p0:0] starting in -fork mode-\n\
                   2026-11-28T03:12:04: PM2 log: App [p0:0] exited with code [0] via signal [SIGKILL]\n\
                   2026-11-28T03:12:04: PM2 log: App [p0:0] starting in -fork mode-\n\
                   2026-11-28T03:12:09: PM2 log: App [p0:0] exited with code [3] via signal [SIGINT]\n";
    let info = info(0, "p0", ProcessStatus::Online);
    let left = Left {
        listed: &[],
        log_since_ms: None,
        opening: None,
        info: &info,
        console,
        errors: Some(("Error: no disk\n", 0)),
        calm_since_ms: None,
        utc_offset_s: 0,
    };
    let lives = vec![(PmId(0), reconstruct(&left))];
    send(&mut app, Report::Lives(lives));
    press(&mut app, Command::Why);
    let rows = |app: &App| -> String {
        let Mode::Why { key, life, .. } = app.mode else { panic!("{:?}", app.mode) };
        let rows = crate::app::why::rows(app, key, life, (100, 40));
        rows.into_iter().map(|(_, row)| row + "\n").collect()
    };
    assert!(rows(&app).starts_with("ended by itself with exit code 3"), "{}", rows(&app));
    press(&mut app, Command::Older);
    assert!(rows(&app).contains("SIGKILL"), "{}", rows(&app));
    press(&mut app, Command::Older);
    assert!(rows(&app).contains("SIGKILL"), "the oldest stays");
    press(&mut app, Command::Newer);
    assert!(rows(&app).contains("code 3"));
    press(&mut app, Command::Why);
    assert_eq!(app.mode, Mode::Normal);
    press(&mut app, Command::Down);
    press(&mut app, Command::Why);
    assert!(rows(&app).contains("No exit is on record"));
}

/// The daemon's own log has whole seconds: the last words are of the second in which it ended, and not of
/// the end two seconds later.
#[test]
fn enter_on_an_end_goes_to_the_last_words_of_that_life() {
    use crate::model::death::after::{Left, reconstruct};
    let mut app = app(1);
    let end = |second: u32| {
        format!(
            "1970-01-01T00:00:{second:02}: PM2 log: App [p0:0] starting in -fork mode-\n\
             1970-01-01T00:00:{second:02}: PM2 log: App [p0:0] exited with code [1] via signal [SIGINT]\n"
        )
    };
    let console: String = [12, 14, 16].map(end).concat();
    let info = info(0, "p0", ProcessStatus::Online);
    let said = "Error: no 1\nError: no 2\nError: no 3\n";
    let left = Left {
        listed: &[],
        log_since_ms: None,
        opening: None,
        info: &info,
        console: &console,
        errors: Some((said, 0)),
        calm_since_ms: None,
        utc_offset_s: 0,
    };
    let lives = vec![(PmId(0), reconstruct(&left))];
    send(&mut app, Report::Lives(lives));
    let texts: Vec<(i64, String)> = (1..4)
        .flat_map(|n| {
            let at_ms = 10_000 + 2_000 * i64::from(n) + 700;
            [
                (at_ms - 600, format!("up {n}")),
                (at_ms, format!("Error: no {n}")),
                (at_ms, format!("    at f (/srv/a.js:1:{n})")),
            ]
        })
        .collect();
    let texts: Vec<(i64, &str)> = texts.iter().map(|(at, text)| (*at, text.as_str())).collect();
    send(&mut app, super::log::past(&texts, false, false));
    press(&mut app, Command::Why);
    for (number, step) in [(3, Command::Older), (2, Command::Older), (1, Command::Older)] {
        let before = app.mode.clone();
        press(&mut app, Command::Open);
        let line = app.log_mark.and_then(|line| app.log_view.whole(line));
        assert_eq!(line.map(|line| line.text.text.into()), Some(format!("Error: no {number}")));
        app.mode = before;
        press(&mut app, step);
    }
}
