//! The details of a process.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

use super::*;
use crate::app::details::{Prompt, Sheet, Tab, rows};
use crate::app::press;
use crate::model::charts::spans::Span;
use crate::model::exam::{Exam, Sealed};
use crate::model::trigger::{Reply, Trigger};

/// Presses a key as the loop does, and gives what else is to be done.
fn hit(app: &mut App, code: KeyCode) -> Vec<Effect> {
    let key = KeyEvent::new(code, KeyModifiers::NONE);
    press::message(&app.keys, &app.mode, app.focus, key)
        .map_or_else(Vec::new, |message| update(app, Moment::at(2_000), message).0)
}

fn keys(app: &mut App, text: &str) {
    for c in text.chars() {
        assert_eq!(hit(app, KeyCode::Char(c)), [], "{c}");
    }
}

fn open(processes: u32) -> App {
    let mut app = app(processes);
    let effects = hit(&mut app, KeyCode::Enter);
    assert_eq!(effects, [Effect::Examine { daemon: D, pm_id: Some(PmId(0)) }]);
    app
}

fn sheet(app: &App) -> &Sheet {
    app.sheet().unwrap()
}

/// What the engine reads of the process 0.
fn exam() -> Report {
    let raw = json!({ "pm_id": 0, "name": "p0", "pm2_env": {
        "pm_exec_path": "/srv/p0.js",
        "SECRET": "hunter2",
        "env": { "PATH": "/bin", "SECRET": "hunter2" },
        "axm_actions": [{ "action_name": "gc", "arity": 2 }],
        "axm_monitor": { "Users": { "value": 7 }, "Version": { "value": "1.2.3" } },
    }});
    let info = info(0, "p0", ProcessStatus::Online);
    Report::Examined(Box::new(Exam {
        info,
        raw: Sealed(raw),
        sizes: Vec::new(),
        family: None,
        zone: None,
    }))
}

#[test]
fn enter_opens_them_and_esc_ends_the_reading() {
    let mut app = open(2);
    assert!(matches!(app.mode, Mode::Details(_)), "{:?}", app.mode);
    assert_eq!(hit(&mut app, KeyCode::Esc), [Effect::Examine { daemon: D, pm_id: None }]);
    assert_eq!(app.mode, Mode::Normal);
}

#[test]
fn another_process_under_that_id_closes_them() {
    let mut app = open(2);
    let mut other = info(0, "other", ProcessStatus::Online);
    other.unique_id = Some("u2".into());
    let snapshot = Snapshot { processes: vec![other], warnings: Vec::new() };
    let report = Report::Snapshot { at_ms: 2, took_ms: 1, interval_ms: 1_000, snapshot };
    let effects = update(&mut app, Moment::at(2_000), Message::Report(D, report)).0;
    assert_eq!(effects, [Effect::Examine { daemon: D, pm_id: None }]);
    assert_eq!(app.mode, Mode::Normal);
    let notice = app.notice.unwrap().text;
    assert_eq!(notice, "closed the details of p0[0]: replaced: id 0 is other now");
}

#[test]
fn tabs_and_spans_have_their_keys() {
    let mut app = open(1);
    for (code, tab) in [
        (KeyCode::Right, Tab::Charts),
        (KeyCode::Tab, Tab::Metrics),
        (KeyCode::Left, Tab::Charts),
        (KeyCode::BackTab, Tab::Overview),
        (KeyCode::Left, Tab::Raw),
        (KeyCode::Char('5'), Tab::Environment),
        (KeyCode::Char('2'), Tab::Charts),
    ] {
        assert_eq!(hit(&mut app, code), []);
        assert_eq!(sheet(&app).tab, tab, "{code:?}");
    }
    for (c, span) in [('+', Span::Quarter), ('=', Span::Hour), ('+', Span::Hour)] {
        keys(&mut app, &c.to_string());
        assert_eq!(sheet(&app).span, span);
    }
    keys(&mut app, "---");
    assert_eq!(sheet(&app).span, Span::Minute);
    // What sorts and filters the table does nothing here.
    let before = app.mode.clone();
    keys(&mut app, "!eE<>IclLfC");
    assert_eq!(app.mode, before);
}

#[test]
fn actions_are_of_the_process_and_leave_them_open() {
    let mut app = open(2);
    let effects = hit(&mut app, KeyCode::Char('r'));
    let [Effect::Act { action: Action::Restart, targets, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(targets[0].pm_id, PmId(0));
    assert!(matches!(app.mode, Mode::Details(_)));
    let mut app = open(2);
    assert_eq!(hit(&mut app, KeyCode::Char('d')), []);
    assert!(app.mode.is_question());
    assert!(matches!(hit(&mut app, KeyCode::Char('y'))[..], [Effect::Act { .. }]));
    assert!(matches!(app.mode, Mode::Details(_)), "{:?}", app.mode);
    app.read_only = true;
    assert_eq!(hit(&mut app, KeyCode::Char('s')), []);
    assert!(app.notice.as_ref().unwrap().text.contains("--read-only"));
}

#[test]
fn a_value_is_shown_once_it_is_revealed_and_forgotten_with_the_view() {
    let mut app = open(1);
    send(&mut app, exam());
    keys(&mut app, "5");
    let examined = sheet(&app).examined.as_ref().unwrap();
    let name = |at: usize| examined.details.environment[at].name.clone();
    assert_eq!((&*name(0), &*name(1)), ("PATH", "SECRET"));
    assert!(!format!("{app:?}").contains("hunter2"), "no debug output has it");
    assert!(!examined.raw.join("\n").contains("hunter2"), "nor the raw JSON");
    hit(&mut app, KeyCode::Down);
    hit(&mut app, KeyCode::Enter);
    assert!(sheet(&app).revealed.contains("SECRET") && sheet(&app).revealed.len() == 1);
    hit(&mut app, KeyCode::Esc);
    hit(&mut app, KeyCode::Enter);
    assert!(sheet(&app).revealed.is_empty() && sheet(&app).examined.is_none());
}

#[test]
fn an_action_is_triggered_with_json_and_its_reply_comes_back() {
    let mut app = open(2);
    send(&mut app, exam());
    keys(&mut app, "4");
    assert_eq!(hit(&mut app, KeyCode::Enter), []);
    keys(&mut app, "{\"a\":");
    assert_eq!(hit(&mut app, KeyCode::Enter), [], "no JSON yet");
    keys(&mut app, "1}");
    let effects = hit(&mut app, KeyCode::Enter);
    let [Effect::Trigger { trigger: Trigger { action, params, targets }, .. }] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!((&**action, params), ("gc", &Some(json!({ "a": 1 }))));
    let (target, reply) = (targets[0].clone(), Reply::Returned("{\"freed\":7}".into()));
    let replied = Report::Replied { action: "gc".into(), target, reply: reply.clone() };
    send(&mut app, replied.clone());
    assert_eq!(sheet(&app).asked[0].reply, Some(reply));
    let command = "pm2 trigger 0 gc '{\"a\":1}'";
    assert_eq!(app.notice.as_ref().unwrap().command.as_deref(), Some(command));
    hit(&mut app, KeyCode::Esc);
    send(&mut app, replied);
    assert_eq!(app.notice.unwrap().text, format!("gc of p0[0]: {{\"freed\":7}}   = {command}"));
}

/// Where all is asked about, the question stands over the details, and the reply comes back to them.
#[test]
fn a_trigger_that_is_asked_about_leaves_the_details_open() {
    let mut app = open(2);
    app.watched.daemons[0].is_production = true;
    send(&mut app, exam());
    keys(&mut app, "4");
    hit(&mut app, KeyCode::Enter);
    assert_eq!(hit(&mut app, KeyCode::Enter), []);
    assert!(app.mode.is_question());
    let effects = hit(&mut app, KeyCode::Char('y'));
    let [Effect::Trigger { trigger, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert!(matches!(app.mode, Mode::Details(_)), "{:?}", app.mode);
    let (target, reply) = (trigger.targets[0].clone(), Reply::Returned("7".into()));
    send(&mut app, Report::Replied { action: "gc".into(), target, reply: reply.clone() });
    assert_eq!(sheet(&app).asked[0].reply, Some(reply));
}

#[test]
fn the_menu_of_the_details_is_of_their_process_and_leaves_them_open() {
    let mut app = open(2);
    app.selected = Some(key(1));
    keys(&mut app, "x");
    let Mode::Sheet(menu) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(menu.about()[0].1.pm_id, PmId(0));
    // What is selected behind them is not meant.
    assert_eq!(hit(&mut app, KeyCode::Char('d')), []);
    assert!(app.mode.is_question(), "{:?}", app.mode);
    let effects = hit(&mut app, KeyCode::Char('y'));
    let [Effect::Act { action: Action::Delete, targets, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(targets[0].pm_id, PmId(0));
    assert!(matches!(app.mode, Mode::Details(_)), "{:?}", app.mode);
}

#[test]
fn read_only_triggers_nothing() {
    let mut app = open(1);
    app.read_only = true;
    send(&mut app, exam());
    keys(&mut app, "4");
    assert_eq!(hit(&mut app, KeyCode::Enter), []);
    assert!(sheet(&app).prompt.is_none());
    assert!(app.notice.unwrap().text.contains("--read-only"));
}

#[test]
fn the_raw_json_is_searched_round_its_end() {
    let mut app = open(1);
    send(&mut app, exam());
    keys(&mut app, "/axm");
    hit(&mut app, KeyCode::Enter);
    let at = |app: &App| sheet(app).search.as_ref().unwrap().at.unwrap();
    let lines = sheet(&app).examined.as_ref().unwrap().raw.clone();
    let hits: Vec<usize> = (0..lines.len()).filter(|line| lines[*line].contains("axm")).collect();
    assert_eq!(hits.len(), 2, "{lines:?}");
    assert_eq!((sheet(&app).tab, at(&app)), (Tab::Raw, hits[0]));
    keys(&mut app, "n");
    assert_eq!(at(&app), hits[1]);
    keys(&mut app, "n");
    assert_eq!(at(&app), hits[0]);
    keys(&mut app, "N");
    assert_eq!(at(&app), hits[1]);
    hit(&mut app, KeyCode::Esc);
    assert!(sheet(&app).search.is_none(), "the first step back drops the search");
    assert_eq!(sheet(&app).tab, Tab::Overview, "and leads to where it was asked for");
    // Where it is not searched after all, too; but not away from where one went since.
    keys(&mut app, "3/a");
    hit(&mut app, KeyCode::Esc);
    assert_eq!(sheet(&app).tab, Tab::Metrics);
    keys(&mut app, "/axm");
    hit(&mut app, KeyCode::Enter);
    keys(&mut app, "56");
    hit(&mut app, KeyCode::Esc);
    assert_eq!((sheet(&app).tab, sheet(&app).search.is_none()), (Tab::Raw, true));
}

#[test]
fn the_environment_is_searched_by_its_names_alone() {
    let mut app = open(1);
    send(&mut app, exam());
    keys(&mut app, "5");
    let names = |app: &App| -> Vec<Box<str>> {
        let all = &sheet(app).examined.as_ref().unwrap().details.environment;
        all.iter().map(|variable| variable.name.clone()).collect()
    };
    let secret = names(&app).iter().position(|name| &**name == "SECRET").unwrap();
    let found =
        |app: &App| sheet(app).search_here().unwrap().hits(sheet(app).examined.as_ref().unwrap());
    keys(&mut app, "/secr");
    assert_eq!(sheet(&app).tab, Tab::Environment);
    hit(&mut app, KeyCode::Enter);
    assert_eq!((found(&app), sheet(&app).place()), (vec![secret], secret));
    hit(&mut app, KeyCode::Esc);
    assert_eq!((sheet(&app).tab, sheet(&app).search.is_none()), (Tab::Environment, true));
    // Nobody finds out a value by searching for it, not even one that is shown.
    hit(&mut app, KeyCode::Enter);
    assert!(sheet(&app).revealed.contains("SECRET"));
    keys(&mut app, "/hunter2");
    hit(&mut app, KeyCode::Enter);
    assert_eq!((found(&app), sheet(&app).place()), (vec![], secret));
    hit(&mut app, KeyCode::Esc);
    keys(&mut app, "/x");
    hit(&mut app, KeyCode::Esc);
    assert_eq!((sheet(&app).tab, sheet(&app).place()), (Tab::Environment, secret));
    assert!(matches!(app.mode, Mode::Details(_)));
}

#[test]
fn a_value_is_copied_only_after_a_yes_and_all_else_is_masked() {
    let mut app = open(1);
    send(&mut app, exam());
    keys(&mut app, "5");
    hit(&mut app, KeyCode::Down);
    assert_eq!(hit(&mut app, KeyCode::Char('y')), [], "it asks");
    assert_eq!(sheet(&app).prompt, Some(Prompt::Copy("SECRET".into())));
    assert_eq!(hit(&mut app, KeyCode::Char('y')), [], "what asked does not answer");
    hit(&mut app, KeyCode::Esc);
    assert!(matches!(app.mode, Mode::Details(_)) && sheet(&app).prompt.is_none());
    hit(&mut app, KeyCode::Char('y'));
    assert_eq!(hit(&mut app, KeyCode::Enter), [Effect::Copy("hunter2".into())]);
    assert_eq!(app.notice.as_ref().unwrap().text, "copied: the value of SECRET");
    for tab in ["1", "3", "4", "5", "6"] {
        keys(&mut app, tab);
        let effects = hit(&mut app, KeyCode::Char('Y'));
        let [Effect::Copy(text)] = &effects[..] else { panic!("{tab}: {effects:?}") };
        let text = std::str::from_utf8(text).unwrap();
        assert!(!text.is_empty() && !text.contains("hunter2"), "{tab}: {text}");
    }
    keys(&mut app, "6");
    hit(&mut app, KeyCode::Home);
    assert_eq!(hit(&mut app, KeyCode::Char('y')), [Effect::Copy("{".into())]);
}

#[test]
fn the_raw_json_folds_and_a_hit_unfolds_it() {
    let mut app = open(1);
    send(&mut app, exam());
    keys(&mut app, "6");
    let all = sheet(&app).count(100);
    hit(&mut app, KeyCode::Home);
    hit(&mut app, KeyCode::Enter);
    assert_eq!(sheet(&app).count(100), 1, "all of it");
    send(&mut app, exam());
    assert_eq!(sheet(&app).count(100), 1, "the next poll leaves it");
    keys(&mut app, "/axm");
    hit(&mut app, KeyCode::Enter);
    assert_eq!(sheet(&app).count(100), all);
    let line = sheet(&app).raw_line().unwrap();
    assert!(sheet(&app).examined.as_ref().unwrap().raw[line].contains("axm"));
}

#[test]
fn a_metric_has_its_chart_and_one_without_a_number_has_none() {
    let mut app = open(1);
    send(&mut app, exam());
    keys(&mut app, "3");
    hit(&mut app, KeyCode::Enter);
    assert_eq!(sheet(&app).charted.as_deref(), Some("Users"));
    hit(&mut app, KeyCode::Esc);
    assert_eq!(sheet(&app).charted, None);
    hit(&mut app, KeyCode::Down);
    hit(&mut app, KeyCode::Enter);
    assert_eq!(sheet(&app).charted, None, "a version is no number");
}

#[test]
fn what_the_table_knows_stands_there_before_the_daemon_answered() {
    let mut app = open(1);
    let sheet = sheet(&app);
    assert!(sheet.examined.is_none());
    let rows = rows::overview(sheet, 76);
    let facts: Vec<String> = rows
        .iter()
        .flat_map(|it| &it.rows)
        .map(|row| format!("{} {}", row.label, row.text))
        .collect();
    for wanted in ["status online", "name p0", "id 0", "mode fork"] {
        assert!(facts.iter().any(|fact| fact == wanted), "{wanted}: {facts:?}");
    }
    assert!(!facts.iter().any(|fact| fact.starts_with("script")), "nobody told it yet: {facts:?}");
    send(&mut app, exam());
    let rows = rows::overview(app.sheet().unwrap(), 76);
    let script = rows.iter().flat_map(|it| &it.rows).find(|row| row.label == "script");
    assert_eq!(script.unwrap().text, "/srv/p0.js");
}

#[test]
fn a_clock_that_is_set_changes_no_uptime() {
    let day_ms = 24 * 3_600_000;
    for jump_ms in [-day_ms, 0, day_ms] {
        let mut app = app(0);
        let since = ProcessInfo {
            pid: Some(42),
            online_since_ms: Some(60_000),
            ..info(0, "p0", ProcessStatus::Online)
        };
        let snapshot = Snapshot { processes: vec![since.clone()], warnings: Vec::new() };
        let report = Report::Snapshot { at_ms: 1, took_ms: 1, interval_ms: 1_000, snapshot };
        let _ = update(&mut app, Moment::at(3_660_000), Message::Report(D, report));
        // An hour later by the steady clock; somebody set the other one meanwhile.
        let later = Moment { wall_ms: 7_260_000 + jump_ms, steady_ms: 7_260_000 };
        let _ = update(&mut app, later, Message::Command(Command::Open));
        let uptime = |app: &App| {
            let rows = rows::overview(sheet(app), 76);
            let row = rows.iter().flat_map(|it| &it.rows).find(|row| row.label == "uptime");
            row.unwrap().text.clone()
        };
        assert!(uptime(&app).starts_with("2h 00m,"), "{jump_ms}: {}", uptime(&app));
        let Report::Examined(mut exam) = exam() else { unreachable!() };
        exam.info = since;
        let _ = update(&mut app, later, Message::Report(D, Report::Examined(exam)));
        assert!(sheet(&app).examined.is_some());
        assert!(uptime(&app).starts_with("2h 00m,"), "{jump_ms}: {}", uptime(&app));
    }
}
