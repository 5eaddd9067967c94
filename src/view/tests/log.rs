//! The log pane in its shapes, each screen read before it was accepted.

use super::check;
use super::fleet::*;
use crate::app::command::{Command, LogCommand};
use crate::app::log_shape::Times;
use crate::app::log_sheet::LogSheet;
use crate::app::log_view::LogView;
use crate::app::message::Message;
use crate::app::{App, Mode, Pane, update};
use crate::logs::{Bounds, Owner, Stream};
use crate::model::DaemonId;
use crate::model::log::{LineKind, LogLine, LogSource, Severity};
use crate::model::past::FileEnded;
use crate::model::report::Report;
use crate::protocol::bus::LogStream;
use crate::protocol::process::PmId;

const SIZES: [(u16, u16); 2] = [(120, 40), (80, 24)];

fn source(pm_id: u32, name: &str) -> LogSource {
    LogSource { daemon: DaemonId(0), pm_id: Some(PmId(pm_id)), name: name.into() }
}

/// Two minutes of an evening, zoomed.
fn evening() -> App {
    let mut app = typical();
    app.log_view = LogView::new(Bounds::default());
    let texts = [
        (0, "api", LineKind::Out, r#"{"level":20,"msg":"GET /v1/cart/8863 404 17ms"}"#),
        (
            3,
            "worker",
            LineKind::Out,
            r#"{"level":30,"msg":"paid","amount":13142,"req":{"id":"r-1"}}"#,
        ),
        (3, "worker", LineKind::Err, "WARN query \"garden chair\" slow: 3216 hits 836ms"),
        (3, "worker", LineKind::Err, "Error: connect ECONNREFUSED 10.0.0.7:5432"),
        (3, "worker", LineKind::Err, "    at TCPConnectWrap (node:net:1595:16)"),
        (3, "worker", LineKind::Err, "    at load (/srv/worker/index.js:42:17)"),
        (3, "worker", LineKind::Err, "    at main (/srv/worker/index.js:7:3)"),
        (0, "api", LineKind::Message("my:stats".into()), r#"{"rps":41.2,"p99":88}"#),
    ];
    let mut lines = Vec::new();
    for turn in 0..12_i64 {
        for (offset, (pm_id, name, kind, text)) in (0..).zip(&texts) {
            let at_ms = NOW_MS - 120_000 + turn * 10_000 + offset * 120;
            lines.push(output(at_ms, source(*pm_id, name), kind.clone(), text));
        }
    }
    let exit = "exit code 1 after 0.4 s, restart 4 follows";
    let at_ms = NOW_MS - 31_000;
    lines.push(LogLine::event(at_ms, source(3, "worker"), "exit", Severity::Bad, exit));
    app.take_lines(lines);
    app.focus = Pane::Log;
    app.is_zoomed = true;
    app
}

fn press(app: &mut App, command: Command) {
    let _ = update(app, app.now, Message::Command(command));
}

fn go(app: &mut App, size: (u16, u16), commands: &[LogCommand]) {
    let _ = update(app, app.now, Message::Resized(size.0, size.1));
    for command in commands {
        press(app, Command::Log(*command));
    }
}

fn search(app: &mut App, text: &str) {
    press(app, Command::Log(LogCommand::Search));
    for c in text.chars() {
        let _ = update(app, app.now, Message::Text(c));
    }
    press(app, Command::Open);
}

#[test]
fn json_levels_and_traces() {
    for size in SIZES {
        let mut app = evening();
        go(&mut app, size, &[]);
        search(&mut app, "main|slow");
        press(&mut app, Command::Up);
        press(&mut app, Command::Log(LogCommand::Mark));
        press(&mut app, Command::Log(LogCommand::PreviousMatch));
        check!(&app, COLOR, "log_zoomed", [size]);
    }
}

#[test]
fn what_only_the_bus_had_has_a_broken_line() {
    let mut app = evening();
    let said = ["written", "last word"].into_iter().zip(0..);
    let said = said
        .map(|(text, after_ms)| output(NOW_MS + after_ms, source(0, "api"), LineKind::Out, text));
    app.take_lines(said);
    let end = FileEnded {
        pm_id: PmId(0),
        name: "api".into(),
        stream: LogStream::Out,
        life_ms: (NOW_MS - 1_000, NOW_MS + 10),
        bytes: b"written\n".as_slice().into(),
        is_whole: true,
        written_ms: NOW_MS,
    };
    let now = app.now;
    app.is_dirty = false;
    let other = FileEnded { name: "another".into(), ..end.clone() };
    let report = Report::FileEnded(Box::new(other));
    let _ = update(&mut app, now, Message::Report(DaemonId(0), report));
    assert!(!app.is_dirty, "an id is given out again");
    let report = Report::FileEnded(Box::new(end));
    let _ = update(&mut app, now, Message::Report(DaemonId(0), report));
    assert!(app.is_dirty);
    let row = |theme, text: &str| {
        let all = screen(&app, theme, (120, 40));
        all.lines().find(|row| row.contains(text)).unwrap_or_default().to_owned()
    };
    assert!(row(COLOR, "written").contains("│") && !row(COLOR, "written").contains("┊"));
    assert!(row(COLOR, "last word").contains("┊"), "{}", row(COLOR, "last word"));
    let _ = update(&mut app, now, Message::Resized(120, 40));
    press(&mut app, Command::Last);
    press(&mut app, Command::Open);
    let whole = screen(&app, COLOR, (120, 40));
    assert!(whole.contains("only on the bus, not in its log file"), "{whole}");
}

/// A long search has room where there is some, and says where it is cut.
#[test]
fn what_is_searched_for_says_where_it_is_cut() {
    let typed = "Error: connect ECONNREFUSED 10.0.0.7:5432";
    let title = |app: &App, theme, size| {
        let all = screen(app, theme, size);
        all.lines().find(|row| row.contains(" Log ")).unwrap_or_default().to_owned()
    };
    let mut app = evening();
    for (columns, wanted) in [
        (160, "/ Error: connect ECONNREFUSED 10.0.0.7:5432 12 of 12 "),
        (120, "/ Error: connect ECONNREFUSED 10.0.0.7:54… 12 of 12 "),
        (80, "/ Error: connect ECONNREFUS… 12 of 12 "),
        (60, "/ Error: connect ECONNREF… 12 of 12 "),
    ] {
        go(&mut app, (columns, 24), &[]);
        if columns == 160 {
            search(&mut app, typed);
        }
        let title = title(&app, COLOR, (columns, 24));
        assert!(title.contains(wanted), "{columns}: {title}");
    }
    assert!(title(&app, PLAIN, (60, 24)).contains("/ Error: connect ECONNR... 12 of 12 "));
    press(&mut app, Command::Log(LogCommand::Search));
    let now = app.now;
    let _ = update(&mut app, now, Message::Paste(typed.into()));
    for (columns, wanted) in [
        (160, "/ Error: connect ECONNREFUSED 10.0.0.7:5432  12 of 12 "),
        (60, "/ …NREFUSED 10.0.0.7:5432  12 of 12 "),
    ] {
        go(&mut app, (columns, 24), &[]);
        let title = title(&app, COLOR, (columns, 24));
        assert!(title.contains(wanted), "{columns}: {title}");
    }
    press(&mut app, Command::Back);
    // Where several things are said there, each has less.
    press(&mut app, Command::Log(LogCommand::Filter));
    let _ = update(&mut app, now, Message::Paste(typed.into()));
    press(&mut app, Command::Open);
    go(&mut app, (90, 24), &[]);
    let title = title(&app, COLOR, (90, 24));
    let both = "& Error: connect ECONNREF… ━ / Error: connect ECONNREF… 12 of 12 ";
    assert!(title.contains(both), "{title}");
}

#[test]
fn wrapped_with_distances_and_what_is_left_out() {
    for size in SIZES {
        let mut app = evening();
        let commands = [
            LogCommand::Time,
            LogCommand::Time,
            LogCommand::Wrap,
            LogCommand::Shows(Stream::Pm2),
            LogCommand::Shows(Stream::Events),
            LogCommand::LessLevels,
            LogCommand::LessLevels,
        ];
        go(&mut app, size, &commands);
        let long = format!("WARN {}", "a long line that wraps ".repeat(9));
        app.take_lines([output(NOW_MS, source(0, "api"), LineKind::Out, &long)]);
        assert_eq!(app.log_view.shape.times, Times::Distance);
        check!(&app, COLOR, "log_wrapped", [size]);
    }
}

#[test]
fn lines_over_time() {
    for size in [(120, 40), (80, 24), (40, 10)] {
        let mut app = evening();
        go(&mut app, size, &[LogCommand::Histogram]);
        check!(&app, COLOR, "log_over_time", [size]);
    }
    let mut app = evening();
    go(&mut app, (80, 24), &[LogCommand::Histogram]);
    check!(&app, PLAIN, "log_over_time_ascii", [(80, 24)]);
    // Which lines are counted.
    let mut app = evening();
    app.log_view.count_lost(None, 12);
    press(&mut app, Command::Log(LogCommand::Filter));
    let now = app.now;
    let _ = update(&mut app, now, Message::Paste("gateway".into()));
    press(&mut app, Command::Open);
    go(&mut app, (120, 40), &[LogCommand::LessLevels, LogCommand::Histogram]);
    let shown = screen(&app, COLOR, (120, 40));
    let title = shown.lines().next().unwrap();
    assert!(title.contains(" ━ & gateway ━ ") && title.contains("12 dropped"), "{title}");
    assert!(title.contains(" or worse ━ "), "{title}");
}

#[test]
fn the_muted_ones_and_the_question_before_a_file_is_replaced() {
    let mut app = evening();
    go(&mut app, (80, 24), &[LogCommand::Mute, LogCommand::Mute]);
    assert!(matches!(app.log_view.muted().next(), Some(Owner::Process { .. })));
    check!(&app, COLOR, "log_muted", [(80, 24)]);
    app.mode = Mode::LogSheet(LogSheet::Replace { path: "/srv/logs/evening.txt".into() });
    check!(&app, COLOR, "log_replace", [(80, 24)]);
}

#[test]
fn an_entry_whole_with_a_search_in_it() {
    let mut app = evening();
    go(&mut app, (80, 24), &[LogCommand::PreviousError]);
    press(&mut app, Command::Open);
    search(&mut app, "index");
    check!(&app, COLOR, "log_entry", [(80, 24)]);
}

/// What happened says which word it is once, and cannot be taken for what an app printed.
#[test]
fn in_plain_words_each_line_says_its_kind_once() {
    use crate::view::plain::{Announced, news};
    let mut app = typical();
    app.log_view = LogView::new(Bounds::default());
    let told = "restart: up 1.0 s";
    let json = r#"{"rps":41.2}"#;
    let at_ms = NOW_MS - 1_000;
    app.take_lines(vec![
        output(at_ms, source(0, "api"), LineKind::Out, told),
        output(at_ms, source(0, "api"), LineKind::Err, told),
        LogLine::event(at_ms, source(0, "api"), "restart", Severity::Good, told),
        LogLine::message(at_ms, source(0, "api"), "my:stats", json),
        LogLine::exception(at_ms, source(0, "api"), "Error: boom", &[]),
    ]);
    let lines = news(&app, &mut Announced::default());
    let is_of_log = |line: &&String| line.get(2..3) == Some(":");
    let said = lines.iter().filter(is_of_log).filter_map(|line| line.split_once(" api[0]"));
    let said: Vec<&str> = said.map(|(_, said)| said).collect();
    assert_eq!(
        said,
        [
            ": restart: up 1.0 s",
            " err: restart: up 1.0 s",
            " event: restart: up 1.0 s",
            " message: my:stats {\"rps\":41.2}",
            " event: exception: Error: boom",
        ]
    );
}

#[test]
fn each_level_has_its_letter() {
    let mut app = evening();
    let levels =
        [10, 20, 30, 40, 50, 60].map(|level| format!(r#"{{"level":{level},"msg":"of {level}"}}"#));
    let lines = levels.map(|text| output(NOW_MS, source(0, "api"), LineKind::Out, &text));
    app.take_lines(lines);
    let shown = screen(&app, COLOR, (120, 40));
    for wanted in ["t of 10", "d of 20", "i of 30", "W of 40", "E of 50", "E of 60"] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
}
