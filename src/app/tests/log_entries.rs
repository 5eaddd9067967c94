//! Entries of several lines: folded stack traces, one opened whole; marks, copies, times.

use std::sync::Arc;

use super::log::{filled, keys, line, marked_text, output, shown};
use super::*;
use crate::app::command::LogCommand;
use crate::app::log_columns::Columns;
use crate::app::log_dress::Laid;
use crate::app::log_entry::Entry;
use crate::app::log_keys::step;
use crate::app::log_sheet::LogSheet;
use crate::app::log_sight::laid;
use crate::logs::{Kind, Owner, Scope, TimeFrom};
use crate::model::log::{LineKind, LogSource};
use crate::protocol::bus::LogStream;

const TRACE: [&str; 8] = [
    "/srv/app/index.js:12",
    "  throw err;",
    "  ^",
    "",
    "Error: no disk",
    "    at Module._load (node:internal/modules/cjs/loader:1051:27)",
    "    at write (/srv/app/disk.js:7:3)",
    "    at main (/srv/app/index.js:12:9)",
];

fn err(pm_id: u32, name: &str, text: &str) -> LogLine {
    line(pm_id, name, LineKind::Err, text)
}

fn trace() -> Vec<LogLine> {
    TRACE.iter().map(|text| err(0, "p0", text)).collect()
}

fn told(at_ms: i64) -> LogLine {
    let source = LogSource { daemon: D, pm_id: Some(PmId(0)), name: "p0".into() };
    let stack: Vec<Box<str>> = TRACE[4..].iter().map(|text| (*text).into()).collect();
    LogLine::exception(at_ms, source, "no disk", &stack)
}

fn placed(app: &App) -> Vec<Laid> {
    laid(app, &Columns::of(app, 120), 20)
}

fn open(app: &App) -> Entry {
    let Mode::LogSheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    let LogSheet::Entry(entry) = sheet else { panic!("{sheet:?}") };
    (**entry).clone()
}

#[test]
fn a_trace_is_one_entry_with_its_title_and_its_first_own_frame() {
    // Lines of others come in between.
    let mut lines: Vec<LogLine> = Vec::new();
    for line in trace() {
        lines.push(line);
        lines.push(output(1, "p1", "tick"));
    }
    lines.push(err(0, "p0", "goes on"));
    let mut app = filled(lines);
    let all = placed(&app);
    assert_eq!((all.len(), all[0].height(), all[1].height()), (10, 2, 1));
    assert_eq!(&*all[0].line.text.text, "Error: no disk");
    let fold = all[0].fold.clone().unwrap();
    assert_eq!(fold.frame, "at write (/srv/app/disk.js:7:3)");
    assert_eq!(fold.more, "+ 2 frames");
    // It is one line to move over, an error, and found by each of its lines.
    keys(&mut app, "\tgj");
    assert_eq!(marked_text(&app), "tick");
    keys(&mut app, "E");
    assert_eq!(marked_text(&app), TRACE[0]);
    keys(&mut app, "G/index[.]js:12:9\r");
    assert_eq!((app.log_view.found(), marked_text(&app)), (1, TRACE[0]));
    let fold = placed(&app)[0].fold.clone().unwrap();
    assert_eq!(fold.frame, "at main (/srv/app/index.js:12:9)", "what was searched for is seen");
    keys(&mut app, "&disk[.]js\r");
    assert_eq!(shown(&app), [TRACE[0]]);
    keys(&mut app, "&!_load\r");
    assert!(shown(&app).is_empty(), "an entry passes whole or not");
}

/// PM2 puts its prefix before each line, in the format that the process declares.
#[test]
fn a_dated_trace_of_a_file_is_folded_as_one_without_dates() {
    for (format, stamp) in [
        ("YYYY-MM-DD HH:mm:ss Z", "2026-11-29 20:18:21 +00:00"),
        ("YYYY-MM-DD HH:mm:ss.SSS", "2026-11-29 20:18:21.662"),
    ] {
        let mut app = filled(Vec::new());
        let mut processes: Vec<_> =
            (0..3).map(|id| info(id, &format!("p{id}"), ProcessStatus::Online)).collect();
        processes[0].logs.date_format = Some(format.into());
        let snapshot = Snapshot { processes, warnings: Vec::new() };
        send(&mut app, Report::Snapshot { at_ms: 2, took_ms: 1, interval_ms: 1_000, snapshot });
        let texts: Vec<String> =
            TRACE.iter().chain(&[""]).map(|text| format!("{stamp}: {text}")).collect();
        // The second that the stamps say.
        let lines: Vec<(i64, &str)> =
            texts.iter().map(|text| (1_795_983_501_000, text.as_str())).collect();
        let Report::History(mut past) = super::log::past(&lines, false, false) else { panic!() };
        for (index, line) in past.files[0].lines.iter_mut().enumerate() {
            line.goes_on = (1..TRACE.len()).contains(&index);
        }
        send(&mut app, Report::History(past));
        let all = placed(&app);
        assert_eq!(all.len(), 2, "{format}");
        assert_eq!(&*all[0].line.text.text, "Error: no disk");
        let fold = all[0].fold.clone().unwrap();
        assert_eq!(fold.frame, "at write (/srv/app/disk.js:7:3)");
        assert_eq!(fold.more, "+ 2 frames");
        assert_eq!(&*all[1].line.text.text, "", "an empty line is empty");
    }
}

#[test]
fn a_trace_that_shows_at_its_second_line_joins_the_first() {
    let mut app = filled(vec![
        output(0, "p0", "something went wrong"),
        output(0, "p0", "    at write (/srv/app/disk.js:7:3)"),
    ]);
    send(&mut app, Report::Lines(vec![output(0, "p0", "    at main (/srv/app/index.js:1:9)")]));
    let all = placed(&app);
    assert_eq!((all.len(), all[0].fold.as_ref().unwrap().more.as_str()), (1, "+ 1 frame"));
    assert_eq!(&*all[0].line.text.text, "something went wrong");
    // What was filtered before its rest came is filtered anew.
    keys(&mut app, "\t&!index\r");
    assert!(shown(&app).is_empty());
    send(&mut app, Report::Lines(vec![output(0, "p0", "other")]));
    assert_eq!(shown(&app), ["other"]);
    send(&mut app, Report::Lines(vec![output(0, "p0", "    at b (/srv/app/index.js:2:9)")]));
    assert!(shown(&app).is_empty());
}

#[test]
fn what_is_printed_and_told_is_one_entry() {
    let mut app = filled([trace(), vec![told(30)]].concat());
    assert_eq!(shown(&app).len(), 1, "printed first");
    send(&mut app, Report::Lines(vec![told(40)]));
    assert_eq!(shown(&app).len(), 2, "each joins one");
    let mut app = filled([vec![told(0)], trace()].concat());
    assert_eq!(shown(&app), [TRACE[0]], "told first");
    send(&mut app, Report::Lines(vec![told(9_000)]));
    let all = placed(&app);
    assert_eq!(all.len(), 2, "much later is another one");
    assert_eq!(&*all[1].line.text.text, "no disk");
    let fold = all[1].fold.clone().unwrap();
    assert_eq!(fold.frame, "at write (/srv/app/disk.js:7:3)");
    assert_eq!(fold.more, "+ 2 frames");
}

#[test]
fn an_entry_is_opened_whole_searched_and_copied() {
    let mut app = filled(trace());
    keys(&mut app, "\t\r");
    assert_eq!(open(&app).lines, TRACE);
    keys(&mut app, "/disk\r");
    let entry = open(&app);
    assert_eq!(entry.found(&entry.rows(80)).0, 2);
    keys(&mut app, "\u{1b}");
    assert!(open(&app).search.is_none());
    assert_eq!(
        press(&mut app, Command::Log(LogCommand::Copy)),
        [Effect::Copy(TRACE.join("\n").into())]
    );
    assert!(app.notice.as_ref().unwrap().text.contains("8 lines"));
    keys(&mut app, "w");
    press(&mut app, Command::Newer);
    assert_eq!(open(&app).rows(80)[5], *TRACE[5].get(20..).unwrap());
    keys(&mut app, "\r");
    assert_eq!(app.mode, Mode::Normal);
    let json = r#"api: {"a":[1,2],"b":"x"}"#;
    let mut app = filled(vec![output(0, "p0", json)]);
    keys(&mut app, "\t\r");
    assert_eq!(open(&app).lines[..3], ["api:", "{", "  \"a\": ["]);
    assert_eq!(press(&mut app, Command::Log(LogCommand::Copy)), [Effect::Copy(json.into())]);
    // What its row leaves out.
    let pino = r#"{"level":30,"time":1795831920000,"pid":7,"hostname":"box","v":1,"err":{"stack":"E: x\n  at a"},"msg":"up"}"#;
    let mut app = filled(vec![output(0, "p0", pino)]);
    keys(&mut app, "\t\r");
    let lines = open(&app).lines.join("\n");
    for part in [
        "\"level\": 30",
        "\"time\": 1795831920000",
        "\"pid\": 7",
        "\"hostname\": \"box\"",
        "\"v\": 1",
        "  at a",
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
}

#[test]
fn marked_lines_are_gone_to_and_copied_and_nothing_hostile_with_them() {
    let hostile = "\u{1b}]52;c;aGk=\u{7}\u{1b}[31mred\u{1b}[0m\u{202e}x\r\n";
    let mut app = filled(vec![
        output(0, "p0", "one"),
        output(0, "p0", hostile.trim_end()),
        output(0, "p0", "three"),
    ]);
    keys(&mut app, "\t'");
    assert!(app.notice.as_ref().unwrap().text.contains("no line is marked"));
    keys(&mut app, "gmjm");
    assert_eq!((app.log_view.marks(), marked_text(&app)), (2, "redx"));
    keys(&mut app, "'");
    assert_eq!(marked_text(&app), "one", "round the end");
    keys(&mut app, "'");
    assert_eq!(marked_text(&app), "redx");
    let copied = press(&mut app, Command::Log(LogCommand::CopyMany));
    assert_eq!(copied, [Effect::Copy("one\nredx".into())]);
    keys(&mut app, "m'm");
    assert_eq!(app.log_view.marks(), 0);
    let copied = press(&mut app, Command::Log(LogCommand::CopyMany));
    assert_eq!(copied, [Effect::Copy("one\nredx\nthree".into())], "what is in sight");
    let long = output(0, "p0", &"é".repeat(60_000));
    send(&mut app, Report::Lines(vec![long]));
    keys(&mut app, "G");
    let copied = press(&mut app, Command::Log(LogCommand::Copy));
    let [Effect::Copy(text)] = &copied[..] else { panic!("{copied:?}") };
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.len() <= 74_000 && text.chars().all(|c| c == 'é'));
    let notice = app.notice.as_ref().unwrap();
    assert!(notice.is_bad && notice.text.contains("the first 72.3 KiB"), "{}", notice.text);
}

/// So many lines of an output of that process are missing there.
fn lost(pm_id: u32, at_ms: i64, of: Option<LogStream>, lines: u64) -> LogLine {
    let source = output(pm_id, &format!("p{pm_id}"), "").source;
    LogLine::lost(at_ms, source, of, lines)
}

#[test]
fn lost_lines_stand_where_they_are_missing_with_their_number() {
    let out = Some(LogStream::Out);
    let said = |pm_id: u32, at_ms, text: &str| LogLine {
        at_ms,
        ..output(pm_id, &format!("p{pm_id}"), text)
    };
    // The lines say earlier times themselves than those that the bus told.
    let mut app = filled(vec![said(0, 100, "1970-01-01T00:00:00.050Z a"), said(1, 100, "x")]);
    send(&mut app, Report::Lines(vec![lost(0, 101, out, 3)]));
    send(
        &mut app,
        Report::Lines(vec![lost(0, 101, out, 4), lost(0, 101, Some(LogStream::Err), 1)]),
    );
    let b = said(0, 102, "1970-01-01T00:00:00.060Z b");
    send(&mut app, Report::Lines(vec![b, said(1, 103, "y"), lost(0, 103, out, 2)]));
    app.now.wall_ms += 100_000;
    send(&mut app, Report::Lines(vec![said(0, 104, "1970-01-01T00:00:00.070Z c")]));
    let of = |pm_id, daemon| Owner::Process {
        daemon,
        pm_id: Some(PmId(pm_id)),
        namespace: "default".into(),
        name: format!("p{pm_id}").into(),
    };
    let mut of_scope = |scope| {
        app.log_view.set_scope(scope);
        step(&mut app);
        let short = |line: &str| match line.split_once(" dropped here") {
            Some((count, _)) => count.to_owned(),
            None => line.chars().last().into_iter().collect(),
        };
        shown(&app).into_iter().map(short).collect::<Vec<_>>()
    };
    let first = ["a", "7 lines were", "1 line was", "b", "2 lines were", "c"];
    let of_first = |shown: Vec<String>| {
        let places = first.map(|line| shown.iter().position(|it| it == line).unwrap());
        // Of two outputs the order is that of their times.
        let out = [0, 1, 3, 4, 5].map(|index| places[index]);
        assert!(out.is_sorted() && shown.len() >= first.len(), "{shown:?}");
    };
    of_first(of_scope(Scope::Process(of(0, D))));
    of_first(of_scope(Scope::App(D, "default".into(), "p0".into())));
    of_first(of_scope(Scope::Namespace(D, "default".into())));
    of_first(of_scope(Scope::All));
    of_first(of_scope(Scope::Marked(Arc::new([of(0, D)].into()))));
    assert_eq!(of_scope(Scope::Process(of(1, D))), ["x", "y"], "nothing is missing of it");
    assert_eq!(app.log_view.lost(), 0, "of what is shown");
    let rulers = app.log_view.store.iter().filter(|line| line.kind == Kind::Loss);
    let times: Vec<i64> = rulers.map(|line| line.time.at_ms).collect();
    assert_eq!(times, [101, 101, 103], "when they were lost");
    app.log_view.set_scope(Scope::All);
    step(&mut app);
    assert_eq!(app.log_view.lost(), 10);
    keys(&mut app, "\t/nowhere\rn");
    let notice = app.notice.as_ref().map(|notice| &*notice.text);
    assert_eq!(notice, Some("no match below this line; 10 dropped lines are not searched"));
}

/// Without it the lines around the gap would look as if they followed each other.
#[test]
fn a_loss_of_nobody_stands_in_the_log_of_each_process_of_its_daemon() {
    let mut app = filled(vec![output(0, "p0", "a"), output(1, "p1", "x")]);
    let source = LogSource { daemon: D, pm_id: None, name: "PM2".into() };
    send(&mut app, Report::Lines(vec![LogLine::lost(50_000, source, None, 3)]));
    send(&mut app, Report::Lines(vec![LogLine { at_ms: 60_000, ..output(0, "p0", "b") }]));
    let of = |pm_id, daemon| Owner::Process {
        daemon,
        pm_id: Some(PmId(pm_id)),
        namespace: "default".into(),
        name: format!("p{pm_id}").into(),
    };
    let marked = |owner| Scope::Marked(Arc::new([owner].into()));
    let mut of_scope = |scope| {
        app.log_view.set_scope(scope);
        step(&mut app);
        let lines = shown(&app).into_iter();
        lines.map(|line| line.contains("3 lines were dropped here")).collect::<Vec<_>>()
    };
    assert_eq!(of_scope(Scope::Process(of(0, D))), [false, true, false]);
    assert_eq!(of_scope(marked(of(1, D))), [false, true]);
    assert_eq!(of_scope(Scope::Namespace(D, "default".into())), [false, false, true, false]);
    assert_eq!(of_scope(Scope::App(D, "default".into(), "p1".into())), [false, true]);
    assert_eq!(of_scope(Scope::Process(of(0, DaemonId(9)))), [] as [bool; 0]);
}

#[test]
fn lines_over_time_lead_to_their_lines() {
    let at = |minute: i64| LogLine {
        said: None,
        at_ms: minute * 60_000,
        ..output(0, "p0", if minute == 40 { "ERROR at 40" } else { "fine" })
    };
    let mut app = filled((0..600).map(at).collect());
    keys(&mut app, "\ti");
    let at_ms = |app: &App| {
        let Mode::LogSheet(LogSheet::Histogram(moments)) = app.mode else {
            panic!("{:?}", app.mode)
        };
        moments.at_ms
    };
    assert_eq!(at_ms(&app), None, "the newest");
    keys(&mut app, "E");
    let found = at_ms(&app).unwrap();
    assert!((found..found + 600_000).contains(&(40 * 60_000)), "{found}");
    let (buckets, _) = crate::app::log_charts::parts(&app, app.size);
    assert_eq!(buckets.len(), usize::from(app.size.0) - 2);
    assert_eq!(crate::app::log_charts::counts(&buckets[0])[0], 0);
    press(&mut app, Command::Older);
    assert!(at_ms(&app).unwrap() < found);
    press(&mut app, Command::Newer);
    assert_eq!(at_ms(&app), Some(found));
    keys(&mut app, "\r");
    assert_eq!(app.mode, Mode::Normal);
    let line = app.log_view.time_of(marked(&app).unwrap()).unwrap();
    assert!(line >= found && line - found < 600_000, "{line} {found}");
    // From a line on, it opens there.
    keys(&mut app, "i");
    assert_eq!(at_ms(&app), Some(line));
    press(&mut app, Command::First);
    press(&mut app, Command::Last);
    assert_eq!(at_ms(&app), None);
    // Who chose a column for its errors goes to these.
    keys(&mut app, "Ee");
    assert_eq!(
        (&*app.notice.as_ref().unwrap().text, at_ms(&app)),
        ("no later errors", Some(found))
    );
    keys(&mut app, "\r");
    assert_eq!(app.log_view.time_of(marked(&app).unwrap()), Some(40 * 60_000));
    keys(&mut app, "i");
    keys(&mut app, "i");
    assert_eq!(app.mode, Mode::Normal);
}

#[test]
fn a_time_is_gone_to() {
    let at =
        |minute: i64| LogLine { at_ms: minute * 60_000, ..output(0, "p0", &minute.to_string()) };
    let mut app = filled((0..600).map(at).collect());
    app.now.wall_ms = 700 * 60_000;
    let now = app.now;
    app.focus = Pane::Log;
    let go = |app: &mut App, text: &str| {
        let _ = update(app, now, Message::Command(Command::Log(LogCommand::GoToTime)));
        for c in text.chars() {
            let _ = update(app, now, Message::Text(c));
        }
        let _ = update(app, now, Message::Command(Command::Open));
    };
    go(&mut app, "02:30");
    assert_eq!((marked_text(&app), app.mode.clone()), ("150", Mode::Normal));
    go(&mut app, "-10m");
    assert_eq!(marked_text(&app), "589", "from the newest line on");
    go(&mut app, "1970-01-01T01:00:00Z");
    assert_eq!(marked_text(&app), "60");
    app.notice = None;
    go(&mut app, "yesterday 0:00");
    assert_eq!(marked_text(&app), "0", "the first line there is");
    assert!(app.notice.as_ref().unwrap().text.ends_with("the log begins 00:00:00"));
    go(&mut app, "11:00");
    assert_eq!(marked_text(&app), "0", "nothing moves");
    assert!(app.notice.as_ref().unwrap().text.ends_with("the last line is of 09:59:00"));
    go(&mut app, "soon");
    assert!(matches!(app.mode, Mode::LogInput(_)), "it stays open");
    assert!(app.notice.as_ref().unwrap().text.contains("14:05"));
}

/// What is indented comes when it comes; and much later it goes on nothing.
#[test]
fn lines_that_come_later_have_their_own_times() {
    let at = |at_ms, text: &str| LogLine { at_ms, ..output(0, "p0", text) };
    let lines = ["Error: no", "    at f (/srv/a.js:1:1)", "  one", "  two"];
    let mut app = filled(vec![
        at(10_000, lines[0]),
        at(10_100, lines[1]),
        at(20_000, lines[2]),
        at(30_000, lines[3]),
    ]);
    let shown = app.lines().rows(0, 9);
    let told: Vec<(i64, bool)> =
        shown.iter().map(|line| (line.time.at_ms, line.level.is_some())).collect();
    assert_eq!(told, [(10_000, true), (20_000, false), (30_000, false)]);
    let frame = app.log_view.store.iter().nth(1).unwrap();
    assert_eq!((frame.time.at_ms, frame.kind), (10_000, Kind::More));
    // A frame stands right behind its head, whatever came of others in between.
    send(&mut app, Report::Lines(vec![at(40_000, "Error: two")]));
    send(&mut app, Report::Lines(vec![LogLine { at_ms: 40_001, ..output(1, "p1", "between") }]));
    send(&mut app, Report::Lines(vec![at(40_002, lines[1])]));
    let last: Vec<Kind> = app.log_view.store.iter().map(|line| line.kind).skip(4).collect();
    assert_eq!(last, [Kind::Output, Kind::More, Kind::Output]);
}

/// A line that came on no bus was written until now at the latest: its own time counts, that of the future not.
#[test]
fn a_time_of_its_own_is_behind_an_estimate_that_is_too_early() {
    let (early, late) = ("1970-01-01T00:00:14.500Z in time", "1970-01-01T02:00:00.500Z too late");
    let at = |text: &str| LogLine { at_ms: 7_000, is_estimated: true, ..output(0, "p0", text) };
    let mut app = filled(vec![]);
    app.now.wall_ms = 15_000;
    app.take_lines(vec![at(early), at(late)]);
    let told: Vec<(i64, TimeFrom)> =
        app.log_view.store.iter().map(|line| (line.time.at_ms, line.time.from)).collect();
    assert_eq!(told, [(14_500, TimeFrom::Line), (7_000, TimeFrom::Estimated)]);
}
