//! What cells look like: the state shows with and without colour.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::fleet::*;
use crate::app::{Notice, Pane};
use crate::model::Action;
use crate::model::log::LineKind;
use crate::protocol::process::ProcessStatus;
use crate::protocol::text::{StyledRun, StyledText, TextColor, TextStyle};
use crate::view::theme::{Colors, Theme};

const SIZE: (u16, u16) = (120, 40);

/// Where a text stands: its first column and row.
fn find(buffer: &Buffer, text: &str) -> (u16, u16) {
    for y in 0..buffer.area.height {
        let line: Vec<&str> = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        for x in 0..line.len() {
            if line[x..].concat().starts_with(text) {
                return (x as u16, y);
            }
        }
    }
    panic!("no {text:?} on the screen");
}

#[test]
fn states_differ_in_text_and_in_colour() {
    let mut app = typical();
    let words = [
        ("● online", Color::Green),
        ("✗ errored", Color::Red),
        ("↻ waiting restart", Color::Yellow),
        ("✗ never started", Color::Red),
        ("◍ deleting", Color::Cyan),
    ];
    app.watched.fleet.insert(key(0, 5), process(info(5, "a", ProcessStatus::WaitingRestart)));
    let mut ghost = process(info(6, "b", ProcessStatus::Online));
    ghost.info.pid = None;
    app.watched.fleet.insert(key(0, 6), ghost);
    let mut pending = process(info(7, "c", ProcessStatus::Online));
    pending.pending = Some(Action::Delete);
    app.watched.fleet.insert(key(0, 7), pending);
    let buffer = draw(&app, COLOR, SIZE);
    for (word, color) in words {
        assert_eq!(buffer[find(&buffer, word)].fg, color, "{word}");
    }
}

#[test]
fn selection_shows_by_pointer_and_reversal() {
    let mut app = typical();
    for theme in [COLOR, PLAIN] {
        app.focus = Pane::Processes;
        let buffer = draw(&app, theme, SIZE);
        let pointer = if theme.ascii { ">" } else { "▶" };
        let (x, y) = find(&buffer, pointer);
        for x in x..119 {
            let cell = &buffer[(x, y)];
            assert!(cell.modifier.contains(Modifier::BOLD), "{x}");
            // Bars in reverse would read upside down.
            let is_bar = !theme.ascii && theme.glyphs().bars.contains(&cell.symbol());
            let is_reversed = cell.modifier.contains(Modifier::REVERSED);
            assert!(!is_bar || !is_reversed, "{x}");
        }
        let (name, _) = find(&buffer, "api");
        assert!(buffer[(name, y)].modifier.contains(Modifier::REVERSED));
        assert!(buffer[(name + 8, y)].modifier.contains(Modifier::REVERSED));
        assert!(!buffer[(x, y + 1)].modifier.contains(Modifier::REVERSED));
        app.focus = Pane::Log;
        let buffer = draw(&app, theme, SIZE);
        assert_eq!(find(&buffer, pointer), (x, y));
        assert!(!buffer[(x, y)].modifier.contains(Modifier::REVERSED));
    }
}

#[test]
fn stale_rows_are_dimmed_and_say_so() {
    let mut app = typical();
    app.watched.daemons.push(down(1, "web-02"));
    fill(&mut app, 1);
    for theme in [COLOR, PLAIN] {
        let buffer = draw(&app, theme, SIZE);
        let (x, y) = find(&buffer, "web-02  api");
        assert!(buffer[(x, y)].modifier.contains(Modifier::DIM));
        let (x, y) = find(&buffer, "web-01  api");
        assert!(!buffer[(x, y)].modifier.contains(Modifier::DIM));
        find(&buffer, "stale since 23:12:19");
    }
}

#[test]
fn no_color_has_no_colour() {
    let mut app = typical();
    app.notice = Some(Notice::new("failed", true, NOW_MS));
    let mut line = app.watched.log.get(0).unwrap().clone();
    line.text = colored();
    app.watched.log.push_output(line);
    for theme in [PLAIN, Theme { colors: Colors::None, ascii: false }] {
        let buffer = draw(&app, theme, SIZE);
        for cell in buffer.content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{cell:?}");
        }
        find(&buffer, if theme.ascii { "x failed" } else { "✗ failed" });
    }
}

/// `plain red bold`, coloured as it says.
fn colored() -> StyledText {
    let run = |start, end, style| StyledRun { start, end, style };
    let red = TextStyle { fg: Some(TextColor::Indexed(1)), ..TextStyle::default() };
    let bold = TextStyle { bold: true, ..TextStyle::default() };
    StyledText { text: "plain red bold".into(), runs: [run(6, 9, red), run(10, 14, bold)].into() }
}

#[test]
fn colours_of_log_lines_show() {
    let mut app = typical();
    let mut line = app.watched.log.get(0).unwrap().clone();
    line.kind = LineKind::Err;
    line.text = colored();
    app.watched.log.push_output(line);
    let buffer = draw(&app, COLOR, SIZE);
    let (x, y) = find(&buffer, "plain red bold");
    let looks = |at: u16| (buffer[(x + at, y)].fg, buffer[(x + at, y)].modifier);
    assert_eq!(looks(5), (Color::Reset, Modifier::empty()));
    assert_eq!(looks(6), (Color::Red, Modifier::empty()));
    assert_eq!(looks(8), (Color::Red, Modifier::empty()));
    assert_eq!(looks(9), (Color::Reset, Modifier::empty()));
    assert_eq!(looks(13), (Color::Reset, Modifier::BOLD));
    // The kind tells standard error apart, in words and in colour.
    assert_eq!(buffer[find(&buffer, "err ")].fg, Color::Yellow);
}

#[test]
fn losses_are_a_warning() {
    let mut app = typical();
    let calm = draw(&app, COLOR, SIZE);
    assert_eq!(calm[find(&calm, "0 dropped")].fg, Color::Reset);
    app.watched.log.count_lost(7);
    let alarmed = draw(&app, COLOR, SIZE);
    assert_eq!(alarmed[find(&alarmed, "7 dropped")].fg, Color::Yellow);
}

#[test]
fn memory_near_its_limit_is_a_warning() {
    let mut app = typical();
    let process = app.watched.fleet.get_mut(key(0, 1)).unwrap();
    process.info.memory_bytes = Some(270 * MIB);
    settle(process);
    let buffer = draw(&app, COLOR, SIZE);
    assert_eq!(buffer[find(&buffer, "270/300M")].fg, Color::Yellow);
}
