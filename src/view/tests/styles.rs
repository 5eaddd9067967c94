//! What cells look like: the state shows with and without colour.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::fleet::*;
use crate::app::palette::Palette;
use crate::app::{App, Mode, Notice, Pane};
use crate::model::log::{LineKind, LogLine, LogSource};
use crate::model::{Action, DaemonId};
use crate::protocol::process::{PmId, ProcessStatus};
use crate::view::roles::Role;
use crate::view::theme::{Colors, Ground, Theme};

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
        ("◌ deleting", Color::Cyan),
    ];
    app.watched.fleet.insert(key(0, 5), process(info(5, "a", ProcessStatus::WaitingRestart)));
    let mut ghost = process(info(6, "b", ProcessStatus::Online));
    ghost.info.pid = None;
    app.watched.fleet.insert(key(0, 6), ghost);
    let mut pending = process(info(7, "c", ProcessStatus::Online));
    pending.pending = Some(Action::Delete);
    app.watched.fleet.insert(key(0, 7), pending);
    // In reverse there is no colour.
    app.selected = Some(key(0, 4));
    let buffer = draw(&app, COLOR, SIZE);
    for (word, color) in words {
        assert_eq!(buffer[find(&buffer, word)].fg, color, "{word}");
    }
}

const DARK: Theme = Theme::new(Colors::True, Ground::Dark, false);

#[test]
fn the_selected_row_has_no_holes() {
    let mut app = typical();
    for theme in [COLOR, PLAIN, DARK] {
        app.focus = Pane::Processes;
        let buffer = draw(&app, theme, SIZE);
        let y = find(&buffer, "api").1;
        assert_eq!(buffer[(0, y)].symbol(), theme.glyphs().selected);
        let name = &buffer[find(&buffer, "api")];
        assert!(name.modifier.contains(Modifier::BOLD));
        for x in 0..SIZE.0 {
            let cell = &buffer[(x, y)];
            let is_painted = |cell: &ratatui::buffer::Cell| {
                cell.modifier.contains(Modifier::REVERSED) || cell.bg != Color::Reset
            };
            assert!(is_painted(cell), "{x} {cell:?}");
            assert_eq!(cell.bg, buffer[(0, y)].bg, "{x}");
            // In reverse a colour would be a patch.
            assert!(theme == DARK || cell.fg == Color::Reset, "{x} {cell:?}");
            assert!(!is_painted(&buffer[(x, y + 1)]), "{x}");
        }
        app.focus = Pane::Log;
        let buffer = draw(&app, theme, SIZE);
        assert_eq!(buffer[(0, y)].symbol(), theme.glyphs().selected_behind);
        assert!(buffer[find(&buffer, "api")].modifier.contains(Modifier::BOLD));
        for x in 0..SIZE.0 {
            let cell = &buffer[(x, y)];
            assert!(!cell.modifier.contains(Modifier::REVERSED), "{x}");
            assert_eq!(cell.bg, Color::Reset, "{x}");
        }
    }
}

#[test]
fn the_pane_in_front_shows_without_colour() {
    let mut app = typical();
    for (theme, heavy, thin) in [(COLOR, "━", "─"), (PLAIN, "=", "-")] {
        app.focus = Pane::Processes;
        let buffer = draw(&app, theme, SIZE);
        assert_eq!(buffer[(0, 1)].symbol(), heavy);
        assert_eq!(buffer[(0, find(&buffer, "Log").1)].symbol(), thin);
        app.focus = Pane::Log;
        let buffer = draw(&app, theme, SIZE);
        assert_eq!(buffer[(0, 1)].symbol(), thin);
        assert_eq!(buffer[(0, find(&buffer, "Log").1)].symbol(), heavy);
        // What covers the screen is in front of both.
        app.mode = Mode::Palette(Palette::default());
        let buffer = draw(&app, theme, SIZE);
        assert_eq!(buffer[(0, 1)].symbol(), thin);
        assert_eq!(buffer[(0, 15)].symbol(), thin, "the log");
        assert_eq!(buffer[find(&buffer, &format!("{heavy} Command or"))].symbol(), heavy);
        app.mode = Mode::Normal;
    }
}

#[test]
fn an_overlay_stands_out_from_what_it_leaves() {
    let mut app = typical();
    app.mode = Mode::Palette(Palette::default());
    for theme in [COLOR, PLAIN, DARK] {
        let buffer = draw(&app, theme, SIZE);
        // The table behind it is read, and neither bold nor coloured; header and footer stay.
        let quiet = buffer[find(&buffer, "status")].style();
        let (x, y) = find(&buffer, "api ");
        assert_eq!(buffer[(x, y)].style(), quiet, "{theme:?}");
        let (x, y) = find(&buffer, "errored");
        assert_eq!(buffer[(x, y)].style(), quiet, "{theme:?}");
        let live = &buffer[find(&buffer, "live")];
        assert_eq!(live.fg, theme.role(Role::Good).fg.unwrap_or(Color::Reset));
        assert_eq!(buffer[find(&buffer, ": ")].style().fg, buffer[find(&buffer, "Esc")].style().fg);
    }
}

#[test]
fn names_have_the_hue_of_the_name() {
    let app = typical();
    let buffer = draw(&app, DARK, SIZE);
    let at = |time: &str| {
        let (x, y) = find(&buffer, time);
        &buffer[(x + 13, y)]
    };
    let (first, worker, last) = (at("23:13:10.123"), at("23:13:12.001"), at("23:13:13.000"));
    assert_eq!((first.symbol(), worker.symbol(), last.symbol()), ("a", "w", "a"));
    assert!(matches!(first.fg, Color::Rgb(..)), "{first:?}");
    assert_eq!(first.fg, last.fg);
    assert_ne!(first.fg, worker.fg);
    // The daemon is no process.
    assert_eq!(at("23:13:12.500").fg, DARK.role(Role::Quiet).fg.unwrap());
}

#[test]
fn log_lines_have_their_gutter() {
    let app = typical();
    let buffer = draw(&app, COLOR, SIZE);
    for (text, color) in [
        ("┃ E Error: connect", Color::Yellow),
        ("◆   exit code 1, restart 16", Color::Red),
        ("◆   connected: PM2 7.0.4", Color::Green),
        ("│   listening on", Color::Reset),
    ] {
        assert_eq!(buffer[find(&buffer, text)].fg, color, "{text}");
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
    app.take_lines([colored()]);
    for theme in [PLAIN, Theme::new(Colors::None, Ground::Unknown, false)] {
        let buffer = draw(&app, theme, SIZE);
        for cell in buffer.content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{cell:?}");
        }
        find(&buffer, if theme.ascii { "x failed" } else { "✗ failed" });
    }
}

/// `plain red bold`, coloured as it says.
fn colored() -> LogLine {
    let source = LogSource { daemon: DaemonId(0), pm_id: Some(PmId(0)), name: "api".into() };
    output(NOW_MS, source, LineKind::Err, "plain \u{1b}[31mred\u{1b}[0m \u{1b}[1mbold\u{1b}[0m")
}

#[test]
fn colours_of_log_lines_show() {
    let mut app = typical();
    app.take_lines([colored()]);
    let buffer = draw(&app, COLOR, SIZE);
    let (x, y) = find(&buffer, "plain red bold");
    let looks = |at: u16| (buffer[(x + at, y)].fg, buffer[(x + at, y)].modifier);
    assert_eq!(looks(5), (Color::Reset, Modifier::empty()));
    assert_eq!(looks(6), (Color::Red, Modifier::empty()));
    assert_eq!(looks(8), (Color::Red, Modifier::empty()));
    assert_eq!(looks(9), (Color::Reset, Modifier::empty()));
    assert_eq!(looks(13), (Color::Reset, Modifier::BOLD));
    // The gutter tells standard error apart, by its stroke and in colour.
    assert_eq!(buffer[find(&buffer, "┃ W plain red bold")].fg, Color::Yellow);
}

#[test]
fn losses_are_a_warning() {
    let mut app = typical();
    app.log_view.count_lost(None, 7);
    let alarmed = draw(&app, COLOR, SIZE);
    assert_eq!(alarmed[find(&alarmed, "7 dropped")].fg, Color::Yellow);
}

#[test]
fn memory_near_its_limit_is_a_warning() {
    let mut app = typical();
    app.selected = Some(key(0, 4));
    let process = app.watched.fleet.get_mut(key(0, 1)).unwrap();
    process.info.memory_bytes = Some(270 * MIB);
    settle(process);
    let buffer = draw(&app, COLOR, SIZE);
    assert_eq!(buffer[find(&buffer, "270/300M")].fg, Color::Yellow);
    assert_eq!(buffer[find(&buffer, "90%")].fg, Color::Yellow);
    let process = app.watched.fleet.get_mut(key(0, 1)).unwrap();
    process.info.memory_bytes = Some(291 * MIB);
    settle(process);
    let buffer = draw(&app, COLOR, SIZE);
    assert_eq!(buffer[find(&buffer, "291/300M")].fg, Color::Red);
    // The other one has a bar, too, and is far from it.
    assert_eq!(buffer[find(&buffer, "██▌·· 50%")].fg, Color::Magenta);
}

#[test]
fn production_is_red_and_named_at_any_width() {
    let mut app = typical();
    let rule = |app: &App, size: (u16, u16)| draw(app, COLOR, size)[(0, 1)].fg;
    for size in [(120, 40), (80, 24), (40, 10)] {
        assert_ne!(rule(&app, size), Color::Red);
        assert!(!row(&draw(&app, COLOR, size), 0).contains("PRODUCTION"));
    }
    app.watched.daemons[0].is_production = true;
    for size in [(120, 40), (80, 24), (40, 10)] {
        let buffer = draw(&app, COLOR, size);
        assert_eq!(buffer[find(&buffer, "PRODUCTION")].fg, Color::Red, "{size:?}");
        assert_eq!(find(&buffer, "PRODUCTION").1, 0);
        assert_eq!(rule(&app, size), Color::Red, "{size:?}");
        for theme in [PLAIN, DARK] {
            assert!(row(&draw(&app, theme, size), 0).contains("PRODUCTION"), "{size:?}");
        }
    }
}

#[test]
fn only_what_is_unstable_is_coloured() {
    let mut app = typical();
    let mut shaky = process(info(5, "shaky", ProcessStatus::Online));
    shaky.info.unstable_restarts = 3;
    app.watched.fleet.insert(key(0, 5), shaky);
    let buffer = draw(&app, DARK, (240, 40));
    let (x, head) = find(&buffer, "unstable");
    let cells = (head + 1..head + 7).map(|y| &buffer[(x + 9, y)]);
    let colours: Vec<_> = cells.map(|cell| (cell.symbol() == "0", cell.fg)).collect();
    let of = |is_zero| colours.iter().filter(move |(zero, _)| *zero == is_zero);
    assert!(of(true).all(|(_, fg)| Some(*fg) == DARK.role(Role::Quiet).fg), "{colours:?}");
    assert!(of(false).any(|(_, fg)| Some(*fg) == DARK.role(Role::Warn).fg), "{colours:?}");
    assert!(of(true).count() > 2, "{colours:?}");
}
