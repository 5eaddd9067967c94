//! Makes the README's pictures: runs `pm2-tui demo` in a pseudo-terminal for a while, presses keys, and
//! writes what its screen shows then as an SVG.
//!
//! ```text
//! cargo run --release --example picture -- target/release/pm2-tui assets/demo.svg [SECONDS [KEY ..]]
//! ```
//!
//! A key is a character, `enter`, `esc` or `down`. `PICTURE_SIZE=80x24` is another size than 120x40, and
//! `PICTURE_GROUND=light` a light terminal.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::num::NonZero;
use std::sync::mpsc;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use vt100::{Cell, Color, Parser, Screen};

/// Size of one cell of the picture, in pixels.
const CELL: (f32, f32) = (8.4, 17.0);
/// What COLORFGBG says of a terminal, its foreground and its background.
const DARK: Ground = ("15;0", "#d7dae0", "#14161a");
const LIGHT: Ground = ("0;15", "#1f2328", "#ffffff");
const SIXTEEN: [&str; 16] = [
    "#1d1f21", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0",
    "#6b7280", "#ff7b85", "#b5e890", "#ffd68a", "#82c4ff", "#dc9bff", "#7fdbe6", "#ffffff",
];

type Ground = (&'static str, &'static str, &'static str);

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(program), Some(picture)) = (args.next(), args.next()) else {
        return Err("usage: picture PROGRAM FILE.svg [SECONDS [KEY ..]]".into());
    };
    let seconds = args.next().map_or(Ok(65), |text| text.parse())?;
    let keys: Vec<String> = args.collect();
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    let (columns, rows) = match of("PICTURE_SIZE").split_once('x') {
        Some((columns, rows)) => (columns.parse()?, rows.parse()?),
        None => (120, 40),
    };
    let ground = if of("PICTURE_GROUND") == "light" { LIGHT } else { DARK };
    let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
    let bytes = record(&program, (size, ground), Duration::from_secs(seconds), keys)?;
    let size = |number: u16| NonZero::new(number).ok_or("a size of 0");
    let mut parser = Parser::new(size(rows)?, size(columns)?, 0);
    parser.process(&bytes);
    std::fs::write(picture, svg(parser.screen(), ground))?;
    Ok(())
}

/// What the program writes to its terminal in this time, and while the keys are pressed after it; it is
/// then killed.
fn record(
    program: &str,
    (size, ground): (PtySize, Ground),
    time: Duration,
    keys: Vec<String>,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let pair = native_pty_system().openpty(size)?;
    // Whole: with no PATH in its environment, a relative one is looked for nowhere.
    let mut command = CommandBuilder::new(std::path::absolute(program)?);
    command.arg("demo");
    command.env_clear();
    for (name, value) in [
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
        ("COLORFGBG", ground.0),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
    ] {
        command.env(name, value);
    }
    let mut child = pair.slave.spawn_command(command)?;
    let mut reader = pair.master.try_clone_reader()?;
    let (sender, pieces) = mpsc::sync_channel::<Vec<u8>>(64);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer.iter().take(length).copied().collect()).is_err() {
                return;
            }
        }
    });
    let mut bytes = Vec::new();
    // The demo never ends by itself: it is killed when its time is over.
    let mut killer = child.clone_killer();
    let mut keyboard = pair.master.take_writer()?;
    std::thread::spawn(move || {
        std::thread::sleep(time);
        for key in keys {
            let bytes = match key.as_str() {
                "enter" => "\r",
                "esc" => "\x1b",
                "down" => "\x1b[B",
                character => character,
            };
            let _ = keyboard.write_all(bytes.as_bytes());
            std::thread::sleep(Duration::from_secs(1));
        }
        let _ = killer.kill();
    });
    drop(pair.slave);
    for piece in pieces {
        bytes.extend(piece);
    }
    child.wait()?;
    // It gave the screen back when it ended: what stood there before is wanted.
    let leaves = b"\x1b[?1049l";
    let end = bytes.windows(leaves.len()).position(|window| window == leaves);
    bytes.truncate(end.unwrap_or(bytes.len()));
    Ok(bytes)
}

fn svg(screen: &Screen, ground: Ground) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (f32::from(columns) * CELL.0 + 16.0, f32::from(rows) * CELL.1 + 16.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{}\"/>\n",
        ground.2
    );
    for row in 0..rows {
        for column in 0..columns {
            if let Some(cell) = screen.cell(row, column) {
                draw(&mut svg, cell, (row, column), ground);
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, cell: &Cell, (row, column): (u16, u16), (_, plain, ground): Ground) {
    let (x, y) = (8.0 + f32::from(column) * CELL.0, 8.0 + f32::from(row) * CELL.1);
    let mut foreground = color(cell.fgcolor(), plain);
    let mut background = color(cell.bgcolor(), ground);
    if cell.inverse() {
        std::mem::swap(&mut foreground, &mut background);
    }
    if background != ground {
        // A little wider than a cell, so that neighbours leave no seam.
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{}\" fill=\"{background}\"/>",
            CELL.0 + 0.3,
            CELL.1
        );
    }
    let text = cell.contents().trim_end();
    if text.is_empty() {
        return;
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let weight = if cell.bold() { " font-weight=\"bold\"" } else { "" };
    let opacity = if cell.dim() { " opacity=\"0.6\"" } else { "" };
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{foreground}\"{weight}{opacity}>{text}</text>",
        y + 13.0
    );
}

fn color(color: Color, default: &str) -> String {
    match color {
        Color::Default => default.to_owned(),
        Color::Idx(index) => match SIXTEEN.get(usize::from(index)) {
            Some(name) => (*name).to_owned(),
            None => indexed(index),
        },
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}

/// Colours 16 to 255: a cube of six levels each, then greys.
fn indexed(index: u8) -> String {
    if let Some(grey) = index.checked_sub(232) {
        let level = 8 + grey * 10;
        return format!("#{level:02x}{level:02x}{level:02x}");
    }
    let cube = index.saturating_sub(16);
    let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
    format!("#{:02x}{:02x}{:02x}", level(cube / 36), level(cube / 6 % 6), level(cube % 6))
}
