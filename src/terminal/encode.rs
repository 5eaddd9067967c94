//! From the cells that changed to the fewest bytes that a terminal of that kind draws them by.
//!
//! Invariant: the terminal's colours and attributes are as they were before, the defaults; what a
//! kind of terminal has not is not sent to it. Colours of the 16 are sent as those (SGR 30 to 37 and
//! 90 to 97): a terminal that knows no more takes the 5 of `38;5;1` for blinking.

use std::io::Write;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use super::kind::Kind;

/// Attributes, and their SGR numbers.
const MODIFIERS: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// Those that every terminal has.
const BASIC: Modifier = Modifier::BOLD
    .union(Modifier::UNDERLINED)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::REVERSED);

/// How text is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// Adds the bytes that draw these cells.
pub(super) fn cells<'a>(
    kind: Kind,
    cells: impl Iterator<Item = (u16, u16, &'a Cell)>,
    out: &mut Vec<u8>,
) {
    let mut pen = PLAIN;
    let mut cursor = Cursor { at: None, is_certain: false };
    for (x, y, cell) in cells {
        cursor.go(x, y, out);
        let wanted = kind.pen(cell);
        if wanted != pen {
            change(pen, wanted, out);
            pen = wanted;
        }
        out.extend_from_slice(cell.symbol().as_bytes());
        cursor.wrote(x, y, cell.symbol());
    }
    if pen != PLAIN {
        out.extend_from_slice(b"\x1b[m");
    }
}

/// Where the terminal's cursor is.
struct Cursor {
    at: Option<(u16, u16)>,
    /// Whether all that was drawn since it was last placed is ASCII: of other characters, terminals
    /// do not agree how wide they are.
    is_certain: bool,
}

impl Cursor {
    fn go(&mut self, x: u16, y: u16, out: &mut Vec<u8>) {
        // Writing into memory cannot fail.
        let _ = match self.at {
            Some(at) if at == (x, y) => Ok(()),
            Some((from, row)) if row == y && from < x && self.is_certain => match x - from {
                1 => write!(out, "\x1b[C"),
                columns => write!(out, "\x1b[{columns}C"),
            },
            _ => {
                self.is_certain = true;
                write!(out, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1)
            }
        };
    }

    fn wrote(&mut self, x: u16, y: u16, symbol: &str) {
        self.is_certain &= symbol.is_ascii();
        self.at = Some((x.saturating_add(1), y));
    }
}

impl Kind {
    /// How this kind of terminal draws a cell.
    fn pen(self, cell: &Cell) -> Pen {
        let color = |color| if self.has_colors { color } else { Color::Reset };
        let modifier = if self.is_modern { cell.modifier } else { cell.modifier & BASIC };
        Pen { fg: color(cell.fg), bg: color(cell.bg), modifier }
    }
}

/// Adds the sequence from one pen to another.
fn change(from: Pen, to: Pen, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b[");
    let start = out.len();
    let loses_modifiers = !to.modifier.contains(from.modifier);
    let from = if loses_modifiers || to == PLAIN {
        // No number at all is 0: everything off.
        out.extend_from_slice(if to == PLAIN { b"" } else { b"0;" });
        PLAIN
    } else {
        from
    };
    // Writing into memory cannot fail.
    for (modifier, number) in MODIFIERS {
        if to.modifier.contains(modifier) && !from.modifier.contains(modifier) {
            let _ = write!(out, "{number};");
        }
    }
    if to.fg != from.fg {
        color(to.fg, 30, out);
    }
    if to.bg != from.bg {
        color(to.bg, 40, out);
    }
    if out.len() > start {
        out.pop();
    }
    out.push(b'm');
}

/// Adds the numbers of a colour, with a semicolon behind; `base` is 30 for the text and 40 for what
/// is behind it.
fn color(color: Color, base: u8, out: &mut Vec<u8>) {
    let number = match color {
        Color::Reset => base + 9,
        Color::Rgb(red, green, blue) => {
            let _ = write!(out, "{};2;{red};{green};{blue};", base + 8);
            return;
        }
        Color::Indexed(index @ 16..) => {
            let _ = write!(out, "{};5;{index};", base + 8);
            return;
        }
        Color::Indexed(index @ 8..) => base + 52 + index,
        Color::Indexed(index) => base + index,
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::DarkGray => base + 60,
        Color::LightRed => base + 61,
        Color::LightGreen => base + 62,
        Color::LightYellow => base + 63,
        Color::LightBlue => base + 64,
        Color::LightMagenta => base + 65,
        Color::LightCyan => base + 66,
        Color::White => base + 67,
    };
    let _ = write!(out, "{number};");
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn drawn(term: &str, pieces: &[(u16, u16, &str, Style)]) -> String {
        let made: Vec<(u16, u16, Cell)> = pieces
            .iter()
            .map(|(x, y, symbol, style)| {
                let mut cell = Cell::default();
                cell.set_symbol(symbol).set_style(*style);
                (*x, *y, cell)
            })
            .collect();
        let mut out = Vec::new();
        let kind = Kind::of(term).unwrap();
        cells(kind, made.iter().map(|(x, y, cell)| (*x, *y, cell)), &mut out);
        String::from_utf8(out).unwrap().replace('\x1b', "^")
    }

    fn fg(color: Color) -> Style {
        Style::new().fg(color)
    }

    #[test]
    fn sixteen_colours_are_sent_as_such() {
        for (color, numbers) in [
            (Color::Red, "31"),
            (Color::Gray, "37"),
            (Color::DarkGray, "90"),
            (Color::White, "97"),
            (Color::Indexed(1), "31"),
            (Color::Indexed(12), "94"),
            (Color::Indexed(16), "38;5;16"),
            (Color::Rgb(1, 2, 3), "38;2;1;2;3"),
        ] {
            let text = drawn("xterm", &[(0, 0, "a", fg(color))]);
            assert_eq!(text, format!("^[1;1H^[{numbers}ma^[m"), "{color:?}");
        }
        let text = drawn("xterm", &[(0, 0, "a", Style::new().bg(Color::LightRed))]);
        assert_eq!(text, "^[1;1H^[101ma^[m");
    }

    #[test]
    fn old_terminals_get_what_they_have() {
        let style = fg(Color::Red)
            .bg(Color::Blue)
            .add_modifier(Modifier::BOLD | Modifier::DIM | Modifier::ITALIC | Modifier::REVERSED);
        assert_eq!(drawn("vt100", &[(0, 0, "a", style)]), "^[1;1H^[1;7ma^[m");
        assert_eq!(drawn("linux", &[(0, 0, "a", style)]), "^[1;1H^[1;2;3;7;31;44ma^[m");
    }

    #[test]
    fn what_stays_is_not_sent_again() {
        let (red, bold) = (fg(Color::Red), fg(Color::Red).add_modifier(Modifier::BOLD));
        let text = drawn(
            "xterm",
            &[
                (0, 0, "a", red),
                (1, 0, "b", red),
                (2, 0, "c", bold),
                (3, 0, "d", red),
                (4, 0, "e", Style::new()),
                (6, 0, "f", Style::new()),
                (9, 0, "é", Style::new()),
                (10, 0, "g", Style::new()),
                (12, 0, "h", Style::new()),
                (0, 1, "i", Style::new()),
            ],
        );
        assert_eq!(text, "^[1;1H^[31mab^[1mc^[0;31md^[me^[Cf^[2Cég^[1;13Hh^[2;1Hi");
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(drawn("xterm", &[]), "");
    }
}
