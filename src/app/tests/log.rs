//! What the log shows: scope, search, filters, jumps.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::app::log_view::{LogView, words};
use crate::app::press;
use crate::logs::parse::{self, Clock, Context, Facts, Judge, Place};
use crate::logs::{Bounds, Reach, Scope};
use crate::model::log::LineKind;
use crate::model::past::{FileStream, Past, PastFile, PastLine, PastNote};

/// Presses keys by their characters; Enter is `\r`, Esc is `\u{1b}`.
pub(super) fn keys(app: &mut App, text: &str) {
    for c in text.chars() {
        let code = match c {
            '\r' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\t' => KeyCode::Tab,
            c => KeyCode::Char(c),
        };
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        let message = press::message(&app.keys, &app.mode, app.focus, key);
        if let Some(message) = message {
            let mut effects = update(app, Moment::at(2_000), message);
            effects.0.retain(|effect| !matches!(effect, Effect::Sizes(_)));
            assert_eq!(effects, Effects::none(), "{c:?}");
        }
    }
}

pub(super) fn line(pm_id: u32, name: &str, kind: LineKind, text: &str) -> LogLine {
    let source = LogSource { daemon: D, pm_id: Some(PmId(pm_id)), name: name.into() };
    LogLine { said: None, is_estimated: false, at_ms: 0, source, kind, text: text.into() }
}

pub(super) fn output(pm_id: u32, name: &str, text: &str) -> LogLine {
    line(pm_id, name, LineKind::Out, text)
}

pub(super) fn event(word: &'static str, text: &str) -> LogLine {
    line(0, "p0", LineKind::Event(word, Severity::Neutral), text)
}

pub(super) fn filled(lines: Vec<LogLine>) -> App {
    let mut app = app(3);
    app.log_view = LogView::new(Bounds::default());
    send(&mut app, Report::Lines(lines));
    app
}

/// Texts that live as long as the test.
pub(super) fn shown(app: &App) -> Vec<&'static str> {
    texts(app).into_iter().map(|text| &*text.leak()).collect()
}

pub(super) fn marked_text(app: &App) -> &'static str {
    Box::leak(app.log_view.whole(marked(app).unwrap()).unwrap().text.text)
}

#[test]
fn scope_is_a_process_its_app_or_all() {
    let daemon = LogSource { daemon: D, pm_id: None, name: "PM2".into() };
    let mut app = filled(vec![
        output(0, "p0", "one"),
        output(1, "p1", "two"),
        output(7, "p1", "three"),
        LogLine::event(0, daemon, "pm2", Severity::Neutral, "four"),
        output(1, "other", "of another that had its id"),
    ]);
    keys(&mut app, "jl");
    assert_eq!(shown(&app), ["two"]);
    assert_eq!((words(app.log_view.scope()), app.focus), ("p1[1]".into(), Pane::Log));
    keys(&mut app, "L");
    assert_eq!(shown(&app), ["two", "three"]);
    // What comes is sorted in, in order, while lines come.
    send(&mut app, Report::Lines(vec![output(0, "p0", "no"), output(7, "p1", "five")]));
    assert_eq!(shown(&app), ["two", "three", "five"]);
    keys(&mut app, "0");
    assert_eq!(shown(&app).len(), 7);
    // In the log it is that of the marked line; one of the daemon is of no process.
    keys(&mut app, "gjjjl");
    assert_eq!((marked_text(&app), app.log_view.scope()), ("pm2: four", &Scope::All));
    assert!(app.notice.as_ref().unwrap().text.contains("no process"));
    keys(&mut app, "kl");
    assert_eq!(shown(&app), ["three", "five"]);
    // From the table one comes to the log, also of one that said nothing, and its app is known there.
    keys(&mut app, "\tG");
    keys(&mut app, "lL");
    assert_eq!((words(app.log_view.scope()), app.focus), ("app p2".into(), Pane::Log));
}

/// There is no line to go to: that is said. Before the first line is that, and one stays where one is
/// otherwise.
#[test]
fn a_time_outside_of_the_log_is_said() {
    let at = |at_ms, text| LogLine { at_ms, ..output(0, "p0", text) };
    let mut app = filled(vec![at(5_300, "one"), at(7_000, "two"), at(9_000, "three")]);
    keys(&mut app, "\tgj");
    assert_eq!(marked_text(&app), "two");
    for (typed, wanted, marked) in [
        ("1970-01-01T00:00:20Z", "nothing that late yet: the last line is of 00:00:09", "two"),
        ("1970-01-01T00:00:04Z", "no line is that old: the log begins 00:00:05", "one"),
    ] {
        keys(&mut app, &format!("T{typed}\r"));
        assert_eq!(app.notice.as_ref().unwrap().text, wanted);
        assert_eq!((app.mode.clone(), marked_text(&app)), (Mode::Normal, marked), "{typed}");
    }
    for (typed, wanted) in [("1970-01-01T00:00:05Z", "one"), ("1970-01-01T00:00:08Z", "three")] {
        app.notice = None;
        keys(&mut app, &format!("T{typed}\r"));
        assert_eq!((app.notice.as_ref(), marked_text(&app)), (None, wanted), "{typed}");
    }
}

#[test]
fn a_search_goes_along_while_it_is_typed() {
    let words = ["alpha", "Beta", "beta", "gamma", "alphabet"];
    let mut app = filled(words.map(|text| output(0, "p0", text)).to_vec());
    keys(&mut app, "\t/beta");
    assert!(matches!(app.mode, Mode::LogInput(_)));
    // Following, it looks upwards from the end.
    assert_eq!((app.log_view.found(), marked_text(&app)), (2, "beta"));
    keys(&mut app, "\rN");
    assert_eq!((app.mode.clone(), marked_text(&app)), (Mode::Normal, "Beta"));
    let notice = |app: &App| app.notice.as_ref().unwrap().text.clone();
    keys(&mut app, "N");
    assert_eq!(notice(&app), "no match above this line: n goes to those below");
    keys(&mut app, "j");
    assert_eq!(app.notice, None, "another key makes it old");
    keys(&mut app, "k");
    keys(&mut app, "nn");
    assert_eq!(notice(&app), "no match below this line: N goes to those above");
    assert_eq!(marked_text(&app), "beta");
    send(&mut app, Report::Lines(vec![output(0, "p0", "more beta")]));
    keys(&mut app, "n");
    assert_eq!((app.log_view.found(), marked_text(&app)), (3, "more beta"));
    // Another one that is given up: the old one and its place come back.
    keys(&mut app, "/alphab");
    assert_eq!(marked_text(&app), "alphabet");
    keys(&mut app, "\u{1b}");
    assert_eq!((app.log_view.found(), marked_text(&app)), (3, "more beta"));
    // Smart case, and what is no regular expression is literal.
    keys(&mut app, "/Beta\r");
    assert_eq!(app.log_view.found(), 1);
    keys(&mut app, "/a(\r");
    assert!(app.log_view.search().unwrap().problem.is_some());
    assert_eq!(app.log_view.found(), 0);
    // Back to following first; where it follows, the search leaves.
    keys(&mut app, "\u{1b}");
    assert!(app.log_view.search().is_some() && app.log_top.is_none());
    keys(&mut app, "\u{1b}");
    assert!(app.log_view.search().is_none());
    // Recent ones, the latest first.
    keys(&mut app, "/");
    for (command, wanted) in
        [(Command::Up, "a("), (Command::Up, "Beta"), (Command::Up, "beta"), (Command::Up, "beta")]
            .into_iter()
            .chain([(Command::Down, "Beta")])
    {
        press(&mut app, command);
        let Mode::LogInput(typed) = &app.mode else { panic!("{:?}", app.mode) };
        assert_eq!(typed.input.text(), wanted);
    }
}

#[test]
fn what_stands_before_the_text_is_found_too() {
    let mut app = filled(vec![event("exit", "exit code 1"), output(0, "p0", "exits")]);
    keys(&mut app, "/exit code\r");
    assert_eq!((app.log_view.found(), marked_text(&app), app.focus), (0, "exits", Pane::Processes));
    keys(&mut app, "\t/exit code\r");
    assert_eq!((app.log_view.found(), marked_text(&app)), (1, "exit code 1"));
}

#[test]
fn filters_add_up_and_leave_one_by_one() {
    let words = ["get /a 200", "get /b 500", "post /a 200", "post /b 500"];
    let mut app = filled(words.map(|text| output(0, "p0", text)).to_vec());
    keys(&mut app, "\t&get");
    assert_eq!(shown(&app), words[..2], "while it is typed");
    keys(&mut app, "\r&!500\r");
    assert_eq!(shown(&app), ["get /a 200"]);
    keys(&mut app, "/a\r");
    assert_eq!(app.log_view.found(), 1, "only what is shown is searched");
    keys(&mut app, "&never\u{1b}");
    assert_eq!(app.log_view.filters().count(), 2, "given up");
    keys(&mut app, "\u{1b}\u{1b}\u{1b}");
    assert_eq!((shown(&app), app.log_view.search().is_none()), (words[..2].to_vec(), true));
    keys(&mut app, "\u{1b}");
    assert_eq!(shown(&app), words);
    keys(&mut app, "&nothing has this\r");
    assert_eq!((shown(&app).len(), marked(&app)), (0, None));
    keys(&mut app, "jkgGneE[]lL");
    assert_eq!(app.focus, Pane::Log);
}

#[test]
fn errors_and_ends_are_gone_to() {
    let stack = ["Error: gone".into(), "at a.js:1".into()];
    let source = LogSource { daemon: D, pm_id: Some(PmId(0)), name: "p0".into() };
    let mut app = filled(vec![
        output(0, "p0", r#"{"level":50,"msg":"pino"}"#),
        line(0, "p0", LineKind::Err, "only on standard error"),
        event("exit", "exit code 1"),
        LogLine::exception(0, source, "thrown", &stack),
        output(0, "p0", "no errors found"),
        event("restart", "restarted by another client"),
        output(0, "p0", "the end"),
    ]);
    keys(&mut app, "\tE");
    assert!(marked_text(&app).starts_with("thrown"), "{}", marked_text(&app));
    keys(&mut app, "E");
    assert!(marked_text(&app).contains("pino"));
    keys(&mut app, "e");
    assert!(marked_text(&app).starts_with("thrown"));
    keys(&mut app, "e");
    assert!(app.notice.as_ref().unwrap().text.contains("no error below"));
    keys(&mut app, "]");
    assert_eq!(marked_text(&app), "restarted by another client");
    keys(&mut app, "[");
    assert_eq!(marked_text(&app), "exit code 1");
}

/// On the bus as in files.
#[test]
fn an_error_that_standard_error_names_in_capitals_is_one() {
    let texts = ["no error at all", "worker 3 ERROR slow upstream", "all is calm"];
    let mut app = filled(texts.map(|text| line(0, "p0", LineKind::Err, text)).to_vec());
    keys(&mut app, "\t!");
    assert_eq!(shown(&app), [texts[1]]);
    keys(&mut app, "-");
    assert_eq!(shown(&app), texts, "of the others the stream warns");
}

#[test]
fn a_jump_out_of_sight_scrolls_and_one_in_sight_does_not() {
    let lines = (0..200).map(|n| output(0, "p0", &format!("line {n}.")));
    let mut app = filled(lines.collect());
    keys(&mut app, "\t/line 150[.]\r");
    let page = 8;
    let top = log_top(&app, page);
    assert_eq!(marked_text(&app), "line 150.");
    assert!(top < 150 && top + page > 150, "{top}");
    keys(&mut app, "/line 151[.]\r");
    assert_eq!((log_top(&app, page), marked_text(&app)), (top, "line 151."));
}

#[test]
fn zoom_gives_the_pane_in_front_all_and_esc_takes_it_back() {
    let mut app = filled((0..50).map(|n| output(0, "p0", &n.to_string())).collect());
    keys(&mut app, "z");
    let parts = app.geometry(app.size).unwrap();
    assert_eq!((parts.table.rows, parts.log.rows, parts.log_rows), (22, 0, 0));
    // What is to be seen of the log is seen.
    keys(&mut app, "l");
    assert_eq!(app.focus, Pane::Log);
    let parts = app.geometry(app.size).unwrap();
    assert_eq!((parts.table_rows, parts.log.y, parts.log_rows), (0, 1, 21));
    keys(&mut app, "\u{1b}");
    assert_eq!((app.is_zoomed, app.focus), (false, Pane::Log));
}

#[test]
fn that_nothing_was_found_is_said_of_what_is_searched_for_still() {
    let nothing = || {
        let mut report = past(&[], false, true);
        if let Report::History(past) = &mut report {
            past.has_nothing = true;
        }
        report
    };
    let notice = |app: &App| app.notice.as_ref().map(|notice| notice.text.clone());
    let searched = || {
        let mut app = filled(vec![output(0, "p0", "line")]);
        send(&mut app, past(&[(-30, "one")], true, false));
        keys(&mut app, "\t/nope");
        let effects = press(&mut app, Command::Open);
        assert!(
            matches!(effects[..], [Effect::Older { reach: Reach::Match(_), .. }]),
            "{effects:?}"
        );
        app
    };
    let mut app = searched();
    send(&mut app, nothing());
    assert_eq!(notice(&app).as_deref(), Some("no match, to the beginning of the log files"));
    press(&mut app, Command::Back);
    assert_eq!((notice(&app), app.log_view.search()), (None, None), "Esc drops both");
    // It is answered late, of a search that is another one by then.
    let mut app = searched();
    app.log_view.set_search(None);
    send(&mut app, nothing());
    assert_eq!(notice(&app), None);
}

#[test]
fn letters_that_act_do_nothing_in_the_log() {
    let mut app = filled(vec![output(0, "p0", "line")]);
    // `keys` checks that nothing is sent.
    keys(&mut app, "\trsadRm");
    assert_eq!((app.mode.clone(), app.focus), (Mode::Normal, Pane::Log));
}

pub(super) fn past(lines: &[(i64, &str)], has_more: bool, is_asked: bool) -> Report {
    let mut judge = Judge::default();
    let line = |(at_ms, text): &(i64, &str)| {
        let clock = Clock { zone: &jiff::tz::TimeZone::UTC, reference_ms: 0 };
        let context = Context { declared: None, clock, is_stderr: false };
        let facts = Facts::of(&parse::read(text.as_bytes(), &context));
        let judged = judge.feed(text.as_bytes(), &facts);
        PastLine {
            at_ms: *at_ms,
            is_estimated: false,
            level: judged.level,
            bytes: text.as_bytes().to_vec().into(),
            more: 0,
            offset: None,
            goes_on: judged.place == Place::GoesOn,
        }
    };
    let file = PastFile {
        pm_id: Some(PmId(0)),
        name: "p0".into(),
        namespace: "default".into(),
        stream: FileStream::Out,
        lines: lines.iter().map(line).collect(),
        rest: None,
        is_exact: true,
        is_after: false,
        again: None,
        has_more: false,
        gap: 0,
    };
    let (files, notes) = (vec![file], Vec::new());
    Report::History(Box::new(Past { files, notes, has_more, is_asked, ..Past::default() }))
}

#[test]
fn history_goes_before_what_came_and_older_lines_are_asked_for_at_the_top() {
    let mut app = filled(vec![output(0, "p0", "of the bus")]);
    // What a clock says that runs ahead does not bring it behind what came later.
    send(&mut app, past(&[(-30, "one"), (-20, "two"), (9_000, "three")], true, false));
    assert_eq!(shown(&app), ["one", "two", "three", "of the bus"]);
    keys(&mut app, "\tg");
    assert_eq!(marked_text(&app), "one");
    let effects = press(&mut app, Command::First);
    assert_eq!(
        effects,
        [Effect::Older { daemon: D, of: Vec::new(), reach: Reach::Begin, room: 89_997 }]
    );
    assert!(press(&mut app, Command::Up).is_empty(), "it is under way");
    send(&mut app, past(&[(-90, "zero")], false, true));
    assert_eq!((shown(&app)[0], marked_text(&app)), ("zero", "zero"));
    keys(&mut app, "gk");
    assert!(app.notice.as_ref().unwrap().text.contains("no older lines"));
    // Those of the process alone are asked for where it is alone.
    send(&mut app, past(&[], true, false));
    keys(&mut app, "l");
    let effects = press(&mut app, Command::Up);
    let wanted = Effect::Older { daemon: D, of: vec![PmId(0)], reach: Reach::More, room: 89_996 };
    assert_eq!(effects, [wanted]);
}

#[test]
fn where_the_bus_began_within_a_line_its_pieces_are_one() {
    let mut app = filled(vec![output(0, "p0", "bus"), output(0, "p0", "more")]);
    let Report::History(mut report) = past(&[(-1, "old"), (-1, "of the ")], false, false) else {
        panic!()
    };
    report.files[0].rest = Some(b"bus".to_vec());
    send(&mut app, Report::History(report));
    assert_eq!(shown(&app), ["old", "of the bus", "more"]);
}

#[test]
fn what_cannot_be_read_and_where_nothing_meets_is_said() {
    let mut app = filled(vec![output(0, "p0", "of the bus")]);
    let Report::History(mut report) = past(&[(-1, "old")], false, false) else { panic!() };
    report.files[0].is_exact = false;
    report.notes = vec!["/a.log: permission denied".into(), "/b.log: too".into()];
    send(&mut app, Report::History(report));
    let shown = shown(&app);
    assert!(shown[0] == "old" && shown[1].contains("may be missing"), "{shown:?}");
    assert!(shown[3].contains("/a.log: permission denied"), "{shown:?}");
    assert!(shown[4].contains("/b.log: too"), "{shown:?}");
}

#[test]
fn the_log_of_a_process_says_why_it_has_no_history() {
    let mut app = filled(Vec::new());
    let note = |pm_id, text: &str| PastNote { pm_id, text: text.into() };
    let notes = vec![note(Some(PmId(0)), "p0: denied"), note(None, "all: denied")];
    send(&mut app, Report::History(Box::new(Past { notes, ..Past::default() })));
    assert_eq!(shown(&app), ["history: p0: denied", "history: all: denied"]);
    keys(&mut app, "l");
    assert_eq!(shown(&app), ["history: p0: denied", "history: all: denied"]);
    keys(&mut app, "\tjl");
    assert_eq!(shown(&app), ["history: all: denied"]);
}

#[test]
fn the_sizes_of_the_files_in_the_scope_are_asked_for_once() {
    let mut app = filled(vec![output(0, "p0", "one")]);
    let mut asked = |key: char| {
        let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
        let message = press::message(&app.keys, &app.mode, app.focus, key).unwrap();
        let effects = update(&mut app, Moment::at(1_000), message).0.into_iter();
        let sizes = effects.filter_map(|effect| match effect {
            Effect::Sizes(scope) => Some(words(&scope)),
            _ => None,
        });
        sizes.collect::<Vec<_>>()
    };
    assert_eq!(asked('l'), ["p0[0]"]);
    assert_eq!(asked('e'), [] as [&str; 0], "the same lines");
    assert_eq!(asked('0'), ["all"]);
}

#[test]
fn what_happened_before_stands_between_what_was_logged_before() {
    let mut app = filled(vec![output(0, "p0", "of the bus")]);
    let Report::History(mut report) = past(&[(-30, "one"), (-10, "two")], false, false) else {
        panic!()
    };
    let source = LogSource { daemon: D, pm_id: Some(PmId(0)), name: "p0".into() };
    let exit = LogLine::event(-20, source.clone(), "exit", Severity::Bad, "exit code 1");
    let live = LogLine::event(5, source, "restart", Severity::Warning, "restarted");
    send(&mut app, Report::Lines(vec![live]));
    report.events = vec![LogLine { is_estimated: true, ..exit }];
    send(&mut app, Report::History(report));
    assert_eq!(shown(&app), ["one", "exit code 1", "two", "of the bus", "restarted"]);
    // It is gone to as those that were seen.
    keys(&mut app, "\tG[[");
    assert_eq!(marked_text(&app), "exit code 1");
}
