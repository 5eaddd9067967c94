//! What the log shows by one key each: streams, levels, muted ones, times, wrapping.

use super::log::{event, filled, keys, line, marked_text, output, past, shown};
use super::*;
use crate::app::log_columns::Columns;
use crate::app::log_shape::Times;
use crate::app::log_sheet::LogSheet;
use crate::app::log_sight::{laid, sight};
use crate::logs::parse::Level;
use crate::model::log::LineKind;

fn notice(app: &App) -> String {
    app.notice.as_ref().unwrap().text.clone()
}

#[test]
fn streams_are_shown_or_not() {
    let daemon = LogSource { daemon: D, pm_id: None, name: "PM2".into() };
    let mut app = filled(vec![
        output(0, "p0", "out"),
        line(0, "p0", LineKind::Err, "err"),
        event("exit", "exit code 1"),
        line(0, "p0", LineKind::Message("my:topic".into()), "{}"),
        LogLine::event(0, daemon, "pm2", Severity::Neutral, "own"),
    ]);
    let all = ["out", "err", "exit code 1", "{}", "pm2: own"];
    keys(&mut app, "\t1");
    assert_eq!(shown(&app), all[1..]);
    keys(&mut app, "12");
    assert_eq!(shown(&app), [all[0], all[2], all[3], all[4]]);
    keys(&mut app, "23");
    assert_eq!(shown(&app), [all[0], all[1], all[4]]);
    keys(&mut app, "34");
    assert_eq!(shown(&app), all[..4]);
    keys(&mut app, "123");
    assert!(shown(&app).is_empty());
    keys(&mut app, "1234");
    assert_eq!(shown(&app), all);
}

#[test]
fn levels_below_the_least_are_not_shown_and_what_happened_is() {
    let mut app = filled(vec![
        output(0, "p0", "debug: d"),
        output(0, "p0", "says nothing"),
        output(0, "p0", "warn: w"),
        output(0, "p0", "error: e"),
        event("exit", "exit code 1"),
    ]);
    keys(&mut app, "\t+");
    assert_eq!(shown(&app).len(), 4, "what says nothing is below all levels");
    keys(&mut app, "++");
    assert_eq!(shown(&app), ["warn: w", "error: e", "exit code 1"]);
    keys(&mut app, "!");
    assert_eq!(shown(&app), ["error: e", "exit code 1"]);
    assert_eq!(app.log_view.query().least, Some(Level::Error));
    keys(&mut app, "++++");
    assert_eq!(app.log_view.query().least, Some(Level::Fatal), "and no further");
    keys(&mut app, "-");
    keys(&mut app, "!");
    assert_eq!((shown(&app).len(), app.log_view.query().least), (5, None));
    keys(&mut app, "-");
    assert_eq!(app.log_view.query().least, None);
}

#[test]
fn a_muted_process_is_silent_until_it_is_chosen_in_the_list() {
    let mut app = filled(vec![output(0, "p0", "a"), output(1, "p1", "b"), output(2, "p2", "c")]);
    keys(&mut app, "\t#");
    assert_eq!((shown(&app), notice(&app).contains("p2[2]")), (vec!["a", "b"], true));
    send(&mut app, Report::Lines(vec![output(2, "p2", "more"), output(0, "p0", "d")]));
    assert_eq!(shown(&app), ["a", "b", "d"]);
    keys(&mut app, "#");
    assert_eq!(app.mode, Mode::LogSheet(LogSheet::Muted { chosen: 0 }));
    keys(&mut app, "#");
    assert_eq!((app.mode.clone(), shown(&app)), (Mode::Normal, vec!["b"]));
    assert!(notice(&app).contains("p0[0] is muted"));
    keys(&mut app, "#j\r");
    assert_eq!(shown(&app), ["b", "c", "more"]);
    assert!(notice(&app).contains("p0[0] is muted"), "it still is");
    keys(&mut app, "\r");
    assert_eq!((app.mode.clone(), shown(&app).len()), (Mode::Normal, 5));
    assert_eq!(app.notice, None, "it is not muted any more");
}

#[test]
fn cleared_is_the_view_and_not_the_log() {
    let mut app = filled(vec![output(0, "p0", "a"), event("exit", "exit code 1")]);
    keys(&mut app, "\tC");
    assert!(shown(&app).is_empty() && app.log_view.is_cleared());
    send(&mut app, Report::Lines(vec![output(0, "p0", "b")]));
    assert_eq!((shown(&app), notice(&app).contains("0 brings")), (vec!["b"], true));
    keys(&mut app, "0");
    assert_eq!((shown(&app), app.notice.as_ref()), (vec!["a", "exit code 1", "b"], None));
}

/// Columns keep their place: names have their room as long as the log has their lines.
#[test]
fn names_of_processes_that_are_gone_are_not_cut() {
    let mut app = filled(vec![output(0, "p0", "a"), output(7, "gateway-worker", "b")]);
    let name = |app: &App, width| Columns::of(app, width).name;
    assert_eq!((name(&app, 120), name(&app, 41)), (18, 8), "as `gateway-worker[7]`");
    send(&mut app, Report::Lines(vec![output(77, "payments-gateway-worker", "c")]));
    assert_eq!((name(&app, 120), name(&app, 60)), (20, 12), "within bounds");
    send(&mut app, past(&[(-90, "old")], false, false));
    send(&mut app, snapshot(1..2));
    assert_eq!(name(&app, 120), 20);
    // Those that only log files tell of, too.
    let Report::History(mut report) = past(&[(-90, "old")], false, false) else { panic!() };
    (report.files[0].pm_id, report.files[0].name) = (None, "of-several".into());
    let mut app = filled(vec![]);
    send(&mut app, Report::History(report));
    assert_eq!(name(&app, 120), 10);
}

/// The time of a line is left out of its text only where it stands in the column of times.
#[test]
fn a_time_that_is_not_shown_stays_in_the_text() {
    let own =
        ["1970-01-01T00:01:29.000Z INFO clock", r#"{"time":"1970-01-01T00:01:29Z","msg":"j"}"#];
    let texts = |at_ms, is_estimated| {
        let lines = own.map(|text| (at_ms, text));
        let Report::History(mut report) = past(&lines, false, false) else { panic!() };
        for line in &mut report.files[0].lines {
            line.is_estimated = is_estimated;
        }
        let mut app = filled(vec![]);
        send(&mut app, Report::History(report));
        let laid = laid(&app, &Columns::of(&app, 120), 9);
        laid.into_iter().map(|laid| laid.line.text.text.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(texts(89_000, false), ["clock", "j"]);
    let kept = [own[0], "1970-01-01T00:01:29Z j"];
    assert_eq!(texts(185_857, true), kept);
    assert_eq!(texts(89_000, true), kept, "it is not known that it is that time");
    assert_eq!(texts(185_857, false), kept, "it stands at the time of another");
}

#[test]
fn following_stops_where_the_pane_stands() {
    let mut app = filled((0..50).map(|n| output(0, "p0", &format!("{n}."))).collect());
    keys(&mut app, "\tf");
    let (top, mark) = (app.log_top, marked(&app));
    assert!(top.is_some());
    send(&mut app, Report::Lines(vec![output(0, "p0", "more")]));
    assert_eq!((app.log_top, marked(&app), marked_text(&app)), (top, mark, "49."));
    keys(&mut app, "f");
    assert_eq!((app.log_top, marked_text(&app)), (None, "more"));
    keys(&mut app, "f ");
    assert_eq!(app.log_top, None, "a page down at the end follows");
}

#[test]
fn times_go_round_and_a_distance_is_from_the_marked_line_on() {
    let at = |at_ms| LogLine { at_ms, ..output(0, "p0", "x") };
    let mut app = filled(vec![at(1_000), at(61_500)]);
    let time = |app: &App| {
        let columns = Columns::of(app, 120);
        columns.time(1_000, 61_500, 0)
    };
    assert_eq!(time(&app), "00:00:01.000");
    keys(&mut app, "\tt");
    assert_eq!(
        (time(&app), notice(&app)),
        ("1970-01-01 00:00:01.000".into(), "times: with date".into())
    );
    keys(&mut app, "t");
    assert_eq!(time(&app), "  -1m 00s");
    keys(&mut app, "t");
    assert_eq!((time(&app), Columns::of(&app, 120).time), (String::new(), 0));
    keys(&mut app, "t");
    assert_eq!(app.log_view.shape.times, Times::Clock);
}

/// Lines of other days that are held out of sight take no column.
#[test]
fn the_day_has_a_column_only_where_one_of_another_is_in_sight() {
    let at = |at_ms| LogLine { at_ms, ..output(0, "p0", "x") };
    let today = (0..60).map(|n| at(n * 10));
    let mut app = filled(std::iter::once(at(-10_000)).chain(today).collect());
    let time = |app: &App| Columns::of(app, 120).time(500, 0, 0);
    assert_eq!(time(&app), "00:00:00.500");
    keys(&mut app, "\tg");
    assert_eq!(time(&app), "           00:00:00.500", "of another year, even");
    keys(&mut app, "f");
    assert_eq!(time(&app), "00:00:00.500");
}

#[test]
fn json_is_words_and_what_has_a_column_does_not_stand_twice() {
    // Minutes after the times that they say.
    let at = |line| LogLine { at_ms: 1_795_836_000_000, ..line };
    let lines = [
        output(
            0,
            "p0",
            r#"{"level":30,"time":1795831920000,"pid":7,"msg":"paid","req":{"id":"x 1"}}"#,
        ),
        output(0, "p0", "2026-11-28T03:12:00.123Z INFO \u{1b}[31mred\u{1b}[0m hot"),
        output(0, "p0", "level=info msg=\"a b\" n=1"),
        output(0, "p0", "plain {not json}"),
    ];
    let mut app = filled(lines.map(at).to_vec());
    let text = |app: &App| -> Vec<String> {
        let columns = Columns::of(app, 120);
        laid(app, &columns, 10).iter().map(|laid| laid.line.text.text.to_string()).collect()
    };
    let wanted = ["paid req.id=\"x 1\"", "red hot", "a b n=1", "plain {not json}"];
    assert_eq!(text(&app), wanted);
    let columns = Columns::of(&app, 120);
    let red = &laid(&app, &columns, 10)[1].line.text.runs;
    assert_eq!((red.len(), red[0].start, red[0].end), (1, 0, 3));
    keys(&mut app, "\tttt");
    assert!(text(&app)[1].starts_with("2026-"), "without a column for times");
    keys(&mut app, "tJ");
    assert!(text(&app)[0].starts_with('{') && text(&app)[1].starts_with("2026-"));
}

#[test]
fn json_is_found_by_what_its_row_shows_and_its_trace_is_one_row() {
    let trace = r#"{"message":"Error: no disk\n    at write (/srv/disk.js:7:3)\n","timestamp":"t","type":"err","process_id":0,"app_name":"p0"}"#;
    let lines = [r#"{"level":30,"msg":"paid","reqId":42}"#, r#"{"level":30,"reqId":43}"#, trace];
    let mut app = filled(lines.map(|text| output(0, "p0", text)).to_vec());
    let columns = Columns::of(&app, 120);
    let laid = laid(&app, &columns, 10);
    assert_eq!(&*laid[2].line.text.text, "Error: no disk   + 1 frame");
    assert_eq!(laid[2].height(), 1);
    keys(&mut app, "\t/reqId=42\r");
    assert_eq!((app.log_view.found(), marked_text(&app)), (1, lines[0]));
    keys(&mut app, "&!reqId=42\r");
    assert_eq!(shown(&app), lines[1..]);
    keys(&mut app, "G\r");
    let Mode::LogSheet(LogSheet::Entry(entry)) = &app.mode else { panic!("{:?}", app.mode) };
    let has = |text: &str| entry.lines.iter().any(|line| line.contains(text));
    assert!(has("  Error: no disk") && has("    at write (/srv/disk.js:7:3)"), "{:?}", entry.lines);
    assert!(has("\"process_id\": 0"), "what the row leaves out: {:?}", entry.lines);
}

#[test]
fn wrapped_lines_take_their_rows_and_the_mark_stays_in_sight() {
    let long = |n: usize| output(0, "p0", &format!("{n:03}").repeat(40));
    let mut app = filled((0..60).map(long).collect());
    keys(&mut app, "\tw");
    let rows = 8;
    let columns = Columns::of(&app, app.size.0 - 2);
    let placed = laid(&app, &columns, rows);
    assert!(
        placed.len() < rows && placed.iter().map(|laid| laid.rows.len()).sum::<usize>() <= rows
    );
    assert_eq!(marked_text(&app), "059".repeat(40));
    for (key, wanted) in [("k", 58), ("kkkkk", 53), ("g", 0), ("j", 1), ("jjjj", 5)] {
        keys(&mut app, key);
        assert_eq!(marked_text(&app), format!("{wanted:03}").repeat(40), "{key}");
        let page = app.geometry(app.size).unwrap().log_rows;
        let seen = sight(&app, usize::from(page));
        let place = app.lines().place_of(marked(&app).unwrap());
        assert!((seen.top..seen.top + seen.whole).contains(&place), "{seen:?} {place}");
    }
    keys(&mut app, "g");
    let mut last = 0;
    for _ in 0..60 {
        keys(&mut app, " ");
        let Some(_) = app.log_top else { break };
        let place = app.lines().place_of(app.log_top.unwrap());
        assert!(place > last, "a page further");
        last = place;
    }
    assert_eq!(app.log_top, None, "pages lead to the end");
    press(&mut app, Command::Newer);
    assert!(notice(&app).contains("lines wrap"));
    keys(&mut app, "w");
    press(&mut app, Command::Newer);
    press(&mut app, Command::Newer);
    press(&mut app, Command::Older);
    assert_eq!(app.log_view.shape.shift, 20);
}

#[test]
fn each_key_of_the_log_stands_in_the_readme_and_in_the_help() {
    use crate::app::help::Help;
    use crate::app::keymap::{Keymap, Place};
    use crate::app::log_commands::LOG_COMMANDS;
    let readme = include_str!("../../../README.md");
    let help = Help::of(Place::Log).lines(&Keymap::default(), 76);
    for row in LOG_COMMANDS {
        for key in row.keys.split(' ') {
            assert!(readme.contains(&format!("`{key}`")), "README: {key} {}", row.label);
        }
        let is_there = help.iter().any(|line| line.keys == row.keys);
        assert!(is_there, "help: {} {}", row.keys, row.label);
    }
}

#[test]
fn only_what_came_since_one_reads_is_new() {
    let many = |count: usize| (0..count).map(|n| output(0, "p0", &format!("line {n}"))).collect();
    let mut app = filled(many(300));
    keys(&mut app, "\tg");
    assert_eq!(app.log_title()[0].as_deref(), Some("reading"));
    send(&mut app, Report::Lines(many(3)));
    assert_eq!(app.log_title()[0].as_deref(), Some("3 new below"));
    send(&mut app, Report::Lines(many(1_231)));
    assert_eq!(app.log_title()[0].as_deref(), Some("1234 new below"));
    keys(&mut app, "G");
    assert_eq!(app.log_title()[0], None);
}
