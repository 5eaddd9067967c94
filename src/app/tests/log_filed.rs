//! Lines that stay in their log files.

use std::sync::Arc;

use super::log::{filled, output};
use super::meant::poll;
use super::*;
use crate::app::command::LogCommand;
use crate::app::log_sheet::LogSheet;
use crate::logs::Reach;
use crate::model::log::{LogLine, LogSource, Severity};
use crate::model::past::{Again, FileStream, PartRead, Past, PastFile, PastLine, Reread};

/// A file of which nothing is read: the test brings what is asked for.
#[derive(Debug)]
struct Nothing;

impl Reread for Nothing {
    fn read_at(&self, _: &mut [u8], _: u64) -> std::io::Result<usize> {
        panic!("the app reads no file");
    }
}

fn text() -> String {
    let filler = "x".repeat(1_000);
    (0..6_000).map(|n| format!("line {n} {filler}\n")).collect::<Vec<_>>().concat()
}

fn history(text: &str) -> Report {
    past(text.lines().map(str::as_bytes))
}

fn past<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Report {
    let mut offset = 0;
    let line = |line: &[u8]| {
        let at = offset;
        offset += line.len() as u64 + 1;
        let bytes = line.to_vec().into();
        PastLine {
            at_ms: at as i64 - 10_000_000,
            is_estimated: false,
            level: None,
            bytes,
            more: 0,
            offset: Some(at),
            goes_on: false,
        }
    };
    let file = PastFile {
        pm_id: Some(PmId(0)),
        name: "p0".into(),
        namespace: "default".into(),
        stream: FileStream::Out,
        lines: lines.map(line).collect(),
        rest: None,
        is_exact: true,
        is_after: false,
        again: Some(Again(Arc::new(Nothing))),
        has_more: false,
        gap: 0,
    };
    let (files, notes) = (vec![file], Vec::new());
    Report::History(Box::new(Past { files, notes, ..Past::default() }))
}

/// What is asked for, read of a text.
fn read(effects: &[Effect], text: Option<&str>) -> Vec<PartRead> {
    let parts = effects.iter().filter_map(|effect| match effect {
        Effect::Reread { parts, .. } => Some(parts),
        _ => None,
    });
    let read = |(_, part): &(Again, PartRead)| {
        let from = part.offset as usize;
        let bytes =
            text.map(|text| text.as_bytes()[from..from + part.len as usize].to_vec().into());
        PartRead { bytes, ..part.clone() }
    };
    parts.flatten().map(read).collect()
}

fn report(app: &mut App, report: Report) -> Vec<Effect> {
    update(app, Moment::at(1_000), Message::Report(D, report)).0
}

#[test]
fn lines_are_read_again_for_the_screen_and_for_a_search() {
    let text = text();
    let mut app = filled(vec![output(0, "p0", "of the bus")]);
    let effects = report(&mut app, history(&text));
    assert_eq!(app.lines().len(), 6_001);
    assert!(app.log_view.store.bytes() < 1_000, "nothing of the file is held");
    let shown = |app: &App, place| app.lines().rows(place, 1)[0].text.text.to_string();
    assert!(shown(&app, 5_999).contains("being read"));
    let parts = read(&effects, Some(&text));
    assert!(parts.len() < 200, "what is in sight is asked for, not all: {}", parts.len());
    report(&mut app, Report::Parts(parts));
    assert!(shown(&app, 5_999).starts_with("line 5999 x"));
    // A search goes through all, some at a time.
    let mut effects = press(&mut app, Command::Log(LogCommand::Search));
    for c in "ne 77 ".chars() {
        effects.extend(update(&mut app, Moment::at(1_000), Message::Text(c)).0);
    }
    let mut rounds = 0;
    while !app.log_view.is_done() {
        assert!(!app.log_view.has_work() || effects.is_empty());
        let parts = read(&effects, Some(&text));
        assert!(!parts.is_empty(), "it waits for nothing");
        let bytes: u32 = parts.iter().map(|part| part.len).sum();
        assert!(bytes < 6 << 20);
        effects = report(&mut app, Report::Parts(parts));
        while app.log_view.has_work() {
            effects.extend(update(&mut app, Moment::at(1_000), Message::Clock).0);
        }
        rounds += 1;
    }
    assert_eq!((app.log_view.found(), app.log_view.unreadable()), (1, 0));
    assert!(rounds > 1);
}

/// What is looked for is not lost by a key that is pressed before it is found.
#[test]
fn the_next_match_does_not_end_the_search_of_the_files() {
    let text = text();
    for command in [LogCommand::NextMatch, LogCommand::PreviousMatch] {
        let mut app = filled(vec![output(0, "p0", "of the bus")]);
        let effects = report(&mut app, history(&text));
        report(&mut app, Report::Parts(read(&effects, Some(&text))));
        let mut effects = press(&mut app, Command::Log(LogCommand::Search));
        for c in "ne 77 ".chars() {
            effects.extend(update(&mut app, Moment::at(1_000), Message::Text(c)).0);
        }
        effects.extend(press(&mut app, Command::Open));
        effects.extend(press(&mut app, Command::Log(command)));
        assert!(!app.log_view.is_done() && app.notice.is_none());
        while !app.log_view.is_done() {
            let parts = read(&effects, Some(&text));
            assert!(!parts.is_empty(), "it waits for nothing");
            effects = report(&mut app, Report::Parts(parts));
            while app.log_view.has_work() {
                effects.extend(update(&mut app, Moment::at(1_000), Message::Clock).0);
            }
        }
        assert_eq!((app.log_view.found(), app.notice.as_ref()), (1, None), "{command:?}");
        let marked = marked(&app).filter(|line| app.log_view.found_place(*line).is_some());
        assert_eq!(marked, app.log_mark, "{command:?}");
        assert!(marked.is_some(), "{command:?}");
    }
}

/// Nor one that goes to older lines than those that are held; what is known is gone to at once.
#[test]
fn the_next_match_does_not_end_the_search_of_older_lines() {
    let of_bus = ["needle", "b"].map(|text| output(0, "p0", text)).to_vec();
    for command in [LogCommand::NextMatch, LogCommand::PreviousMatch] {
        let mut app = filled(vec![output(0, "p0", "of the bus")]);
        send(&mut app, super::log::past(&[(-30, "one")], true, false));
        super::log::keys(&mut app, "\t/needle");
        let effects = press(&mut app, Command::Open);
        assert!(matches!(&effects[..], [Effect::Older { reach: Reach::Match(_), .. }]));
        let said = app.notice.clone();
        assert!(press(&mut app, Command::Log(command)).is_empty());
        assert_eq!(app.notice, said, "{command:?}");
        send(&mut app, super::log::past(&[(-90, "needle"), (-80, "x")], true, true));
        assert_eq!((super::log::marked_text(&app), &app.notice), ("needle", &None), "{command:?}");
        send(&mut app, Report::Lines(of_bus.clone()));
        assert_eq!(press(&mut app, Command::Log(LogCommand::PreviousMatch)).len(), 1);
        assert!(press(&mut app, Command::Log(LogCommand::NextMatch)).is_empty());
        let marked = marked(&app).and_then(|line| app.log_view.found_place(line));
        assert_eq!(marked, Some(1), "{command:?}");
    }
}

#[test]
fn what_its_file_does_not_hold_any_more_says_so() {
    let text = text();
    let mut app = filled(vec![output(0, "p0", "of the bus")]);
    let effects = report(&mut app, history(&text));
    report(&mut app, Report::Parts(read(&effects, None)));
    let row = &app.lines().rows(5_999, 1)[0];
    assert!(row.text.text.contains("no longer to be read"), "{row:?}");
    assert!(app.notice.as_ref().unwrap().text.contains("truncated"));
}

#[test]
fn enter_on_a_line_that_is_not_read_yet_waits_for_it() {
    let text = text();
    let mut app = filled(vec![output(0, "p0", "of the bus")]);
    let _ = report(&mut app, history(&text));
    let mut effects = press(&mut app, Command::NextPane);
    effects.extend(press(&mut app, Command::First));
    effects.extend(press(&mut app, Command::Open));
    assert_eq!(app.mode, Mode::Normal);
    report(&mut app, Report::Parts(read(&effects, Some(&text))));
    assert!(matches!(app.mode, Mode::LogSheet(_)), "{:?}", app.mode);
}

/// A line of 30 MiB with a needle across the border of two MiB, as history reports it: its beginning.
fn with_long() -> (App, String, Vec<Effect>) {
    let mut long = "x".repeat(30 << 20);
    long.replace_range((20 << 20) - 3..(20 << 20) + 3, "needle");
    long.replace_range(..5, "start");
    let text = format!("before\n{long}\nafter\n");
    let Report::History(mut past) = history("before\nstart\nafter\n") else { panic!() };
    let lines = &mut past.files[0].lines;
    lines[1].more = long.len() as u64 - 5;
    lines[2].offset = Some(lines[1].offset.unwrap() + long.len() as u64 + 1);
    let mut app = filled(vec![]);
    let effects = report(&mut app, Report::History(past));
    (app, text, effects)
}

/// Brings what is asked for until nothing is; how much that was, bytes.
fn bring(app: &mut App, mut effects: Vec<Effect>, text: &str) -> usize {
    let mut sum = 0;
    loop {
        while app.log_view.has_work() {
            effects.extend(update(app, Moment::at(1_000), Message::Clock).0);
        }
        let parts = read(&effects, Some(text));
        if parts.is_empty() {
            return sum;
        }
        let bytes: usize = parts.iter().map(|part| part.len as usize).sum();
        assert!(bytes < 5 << 20, "{bytes} bytes at a time");
        sum += bytes;
        effects = report(app, Report::Parts(parts));
    }
}

#[test]
fn a_very_long_line_is_one_row_that_says_how_much_more_there_is() {
    let (mut app, text, effects) = with_long();
    assert_eq!(app.lines().len(), 3, "before, it, after");
    let line = app.lines().at(1).unwrap();
    let kept = app.log_view.store.line(line).unwrap();
    assert_eq!((kept.len, app.log_view.store.bytes()), (30 << 20, 13), "it stays in the file");
    let read = bring(&mut app, effects, &text);
    assert!(read < 1 << 20, "{read} bytes for what is in sight");
    let columns = crate::app::log_columns::Columns::of(&app, 100);
    let laid = crate::app::log_sight::laid(&app, &columns, 20);
    let shown: Vec<(String, Option<String>)> = laid
        .iter()
        .map(|laid| {
            let more = laid.fold.as_ref().map(|fold| fold.more.clone());
            (laid.line.text.text.chars().take(6).collect(), more)
        })
        .collect();
    let more = Some("cut: 30.0 MiB more of this line".to_owned());
    let row = |text: &str, more| (text.to_owned(), more);
    assert_eq!(shown, [row("before", None), row("startx", more), row("after", None)]);
}

#[test]
fn a_very_long_line_is_searched_and_filtered_whole_and_found_once() {
    let (mut app, text, effects) = with_long();
    bring(&mut app, effects, &text);
    for command in [LogCommand::Search, LogCommand::Filter] {
        let mut effects = press(&mut app, Command::Log(command));
        for c in "needle".chars() {
            effects.extend(update(&mut app, Moment::at(1_000), Message::Text(c)).0);
        }
        let read = bring(&mut app, effects, &text);
        assert!(read > 20 << 20 && app.log_view.is_done(), "{read} bytes");
        let count = if command == LogCommand::Search {
            app.log_view.found() as usize
        } else {
            app.lines().len()
        };
        assert_eq!((count, app.log_view.unreadable()), (1, 0), "{command:?}");
        press(&mut app, Command::Back);
    }
}

/// Lines that come are looked at, too: what that misses is asked for, without a key or a frame.
#[test]
fn a_search_goes_on_also_where_lines_come() {
    let (mut app, text, effects) = with_long();
    bring(&mut app, effects, &text);
    let mut effects = press(&mut app, Command::Log(LogCommand::Search));
    effects.extend(update(&mut app, Moment::at(1_000), Message::Text('#')).0);
    report(&mut app, Report::Parts(read(&effects, Some(&text))));
    assert!(app.log_view.has_work(), "it has looked at enough for once");
    let came = report(&mut app, Report::Lines(vec![output(0, "p0", "of the bus")]));
    assert!(!read(&came, Some(&text)).is_empty(), "it waits for nothing");
}

#[test]
fn enter_on_a_very_long_line_shows_its_beginning_and_y_says_that_it_took_a_part() {
    let (mut app, text, effects) = with_long();
    bring(&mut app, effects, &text);
    press(&mut app, Command::NextPane);
    press(&mut app, Command::First);
    press(&mut app, Command::Down);
    let effects = press(&mut app, Command::Open);
    bring(&mut app, effects, &text);
    let Mode::LogSheet(LogSheet::Entry(entry)) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!((entry.lines.len(), entry.lines[0].len()), (2, 1 << 20));
    assert_eq!(entry.lines[1], "(cut: 29.0 MiB more of this line)");
    let copied = press(&mut app, Command::Log(LogCommand::Copy));
    assert!(matches!(&copied[..], [Effect::Copy(text)] if text.starts_with(b"startxx")));
    let said = app.notice.as_ref().unwrap().text.clone();
    assert!(said.starts_with("copied the first 72.3 KiB of the entry"), "{said}");
    // Where what is shown of it is little, too.
    let (mut app, text, effects) = with_long();
    let text = text.replacen(&"x".repeat(8), "\u{1b}[1m\u{1b}[0m", (2 << 20) / 8);
    bring(&mut app, effects, &text);
    press(&mut app, Command::NextPane);
    press(&mut app, Command::First);
    press(&mut app, Command::Down);
    let effects = press(&mut app, Command::Log(LogCommand::Copy));
    bring(&mut app, effects, &text);
    let said = app.notice.as_ref().unwrap().text.clone();
    assert!(said.contains("the rest of it is in the log file"), "{said}");
}

/// Where the bus began within it, the rest of it stands behind it in the file.
#[test]
fn a_very_long_line_that_the_bus_began_within_is_one() {
    let Report::History(mut past) = history("before\nstart\n") else { panic!() };
    past.files[0].lines[1].more = 5 << 20;
    past.files[0].rest = Some(b"its end".to_vec());
    let mut app = filled(vec![output(0, "p0", "its end"), output(0, "p0", "next")]);
    report(&mut app, Report::History(past));
    assert_eq!(app.lines().len(), 3, "before, it, next");
    let line = app.lines().at(1).unwrap();
    assert_eq!(app.log_view.store.line(line).unwrap().len, (5 << 20) + 5 + 7);
}

/// An exit of hours ago says nothing of the lines that are held: what was logged then is in the files.
#[test]
fn what_happened_before_the_lines_that_are_held_waits_for_those_of_its_time() {
    let exit = |at_ms: i64| {
        let source = LogSource { daemon: D, pm_id: Some(PmId(0)), name: "p0".into() };
        LogLine::event(at_ms, source, "exit", Severity::Bad, "exit code 1")
    };
    let file = |times: &[i64], has_more: bool| PastFile {
        pm_id: Some(PmId(0)),
        name: "p0".into(),
        namespace: "default".into(),
        stream: FileStream::Out,
        lines: times
            .iter()
            .map(|at_ms| PastLine {
                at_ms: *at_ms,
                is_estimated: false,
                level: None,
                bytes: format!("at {at_ms}").into_bytes().into(),
                more: 0,
                offset: None,
                goes_on: false,
            })
            .collect(),
        rest: None,
        is_exact: true,
        is_after: false,
        again: None,
        has_more,
        gap: 0,
    };
    let mut app = filled(Vec::new());
    let past = |file: PastFile, events: Vec<LogLine>, is_asked: bool| {
        let has_more = file.has_more;
        let past = Past { files: vec![file], events, has_more, is_asked, ..Past::default() };
        Report::History(Box::new(past))
    };
    report(&mut app, past(file(&[5_000, 6_000], true), vec![exit(1_000), exit(5_500)], false));
    let texts = |app: &App| -> Vec<String> {
        app.log_view
            .store
            .iter()
            .filter_map(|line| {
                let bytes = line.read(&app.log_view.filed.seen, 0, 100).ok()?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            })
            .collect()
    };
    assert_eq!(texts(&app), ["at 5000", "exit code 1", "at 6000"]);
    assert!(app.log_view.is_missing_at(1_000) && !app.log_view.is_missing_at(5_500));
    assert_eq!(app.log_view.early_turn(), Some(1_000));
    assert_eq!(app.log_view.events(D).len(), 2, "a bundle has both");
    report(&mut app, past(file(&[500, 2_000], false), Vec::new(), true));
    assert_eq!(
        texts(&app),
        ["at 500", "exit code 1", "at 2000", "at 5000", "exit code 1", "at 6000"]
    );
    assert!(!app.log_view.is_missing_at(1_000));
}

/// Several write it: it has a format where all of them declare the same.
#[test]
fn a_file_of_several_is_read_in_the_format_that_all_declare() {
    const DOTTED: &str = "DD.MM.YY HH-mm-ss";
    let is_known = |others: Option<&str>| {
        let process = |id, name: &str, format: Option<&str>| {
            let mut info = info(id, name, ProcessStatus::Online);
            info.logs.out = Some("/srv/all.log".into());
            info.logs.date_format = format.map(Into::into);
            info
        };
        let mut app = filled(Vec::new());
        let all = vec![process(0, "p0", Some(DOTTED)), process(1, "p1", others)];
        send(&mut app, poll(all, 1_000));
        let Report::History(mut past) = history("29.11.26 20-15-57: one\n") else { panic!() };
        past.files[0].pm_id = None;
        past.files[0].lines[0].offset = None;
        report(&mut app, Report::History(past));
        let source = LogSource { daemon: D, pm_id: None, name: "p0".into() };
        app.log_view.formats.of(&source).is_some()
    };
    assert!(is_known(Some(DOTTED)));
    assert!(!is_known(None) && !is_known(Some("HH-mm")));
}

/// Older lines of one file may all be newer than the first line of another.
#[test]
fn older_lines_that_are_all_below_the_first_one_are_said_to_be_so() {
    let of = |pm_id, at_ms: i64, is_asked| {
        let Report::History(mut past) = history("one\n") else { panic!() };
        (past.is_asked, past.has_more) = (is_asked, true);
        let file = &mut past.files[0];
        (file.pm_id, file.name, file.has_more) = (Some(PmId(pm_id)), "p".into(), true);
        (file.lines[0].at_ms, file.lines[0].offset, file.again) = (at_ms, None, None);
        Report::History(past)
    };
    let told = |at_ms| {
        let mut app = filled(Vec::new());
        report(&mut app, of(0, 5_000, false));
        report(&mut app, of(1, 9_000, false));
        press(&mut app, Command::NextPane);
        press(&mut app, Command::First);
        press(&mut app, Command::Up);
        assert!(app.notice.as_ref().unwrap().text.contains("reading older lines"));
        report(&mut app, of(1, at_ms, true));
        app.notice.unwrap().text
    };
    assert_eq!(told(7_000), "1 older lines, all of them below the first one");
    assert_eq!(told(3_000), "1 older lines: g goes to the first");
}

#[test]
fn what_is_copied_are_the_bytes_as_they_came_without_what_does_something() {
    let lines: [&[u8]; 3] = [
        b"Error: \xff\xe9\t\x1b[31mred\x1b[0m\x07 \xe2\x80\xaex\r",
        b"    at a\xfe (/srv/a.js:1:1)",
        b"\tat b (/srv/b.js:1:1)",
    ];
    let mut app = app(1);
    let Report::History(mut held) = past(lines.into_iter()) else { panic!() };
    held.files[0].again = None;
    held.files[0].lines.iter_mut().skip(1).for_each(|line| line.goes_on = true);
    send(&mut app, Report::History(held));
    let wanted =
        b"Error: \xff\xe9\tred x\n    at a\xfe (/srv/a.js:1:1)\n\tat b (/srv/b.js:1:1)".to_vec();
    super::log::keys(&mut app, "\tg");
    let copied = press(&mut app, Command::Log(LogCommand::Copy));
    assert_eq!(copied, [Effect::Copy(wanted.clone())]);
    super::log::keys(&mut app, "\r");
    assert_eq!(press(&mut app, Command::Log(LogCommand::Copy)), [Effect::Copy(wanted)]);
}
