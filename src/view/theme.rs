//! Colours and glyphs for what the terminal can show.
//!
//! Invariant: no state is told by colour alone; with [`Colors::None`] no style has a colour, with
//! `ascii` every glyph here is ASCII.

use ratatui::style::{Color, Modifier, Style};

use crate::model::log::Severity;
use crate::protocol::text::{TextColor, TextStyle};

/// How many colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// None at all (`NO_COLOR`, `TERM=dumb`): state is told by words, glyphs and attributes.
    None,
    /// The terminal's own 16.
    Sixteen,
    /// 256 and more.
    Many,
}

/// Colours and glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// How many colours may be used.
    pub colors: Colors,
    /// Whether only ASCII may be drawn (a locale without UTF-8, `TERM=dumb`).
    pub ascii: bool,
}

impl Theme {
    /// Reads what the terminal can show from the environment: `NO_COLOR` (no-color.org: set and
    /// not empty), `TERM`, `COLORTERM`, and the locale's charset by the order of POSIX (`LC_ALL`,
    /// `LC_CTYPE`, `LANG`; the first that is set and not empty counts).
    #[must_use]
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default().to_ascii_lowercase();
        let color_term = set("COLORTERM").unwrap_or_default().to_ascii_lowercase();
        let is_dumb = term == "dumb";
        let colors = if is_dumb || set("NO_COLOR").is_some() {
            Colors::None
        } else if matches!(color_term.as_str(), "truecolor" | "24bit")
            || term.contains("256color")
            || term.contains("direct")
        {
            Colors::Many
        } else {
            Colors::Sixteen
        };
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_utf8 = locale.contains("utf-8") || locale.contains("utf8");
        Self { colors, ascii: is_dumb || !is_utf8 }
    }

    /// The glyphs to draw with.
    #[must_use]
    pub(super) fn glyphs(self) -> &'static Glyphs {
        if self.ascii { &ASCII } else { &UNICODE }
    }

    /// A colour where colours may be used.
    fn color(self, color: Color) -> Style {
        match self.colors {
            Colors::None => Style::new(),
            Colors::Sixteen | Colors::Many => Style::new().fg(color),
        }
    }

    /// How something with this meaning looks.
    pub(super) fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Good => self.color(Color::Green),
            Tone::Warning => self.color(Color::Yellow),
            Tone::Bad => self.color(Color::Red).add_modifier(Modifier::BOLD),
            Tone::Quiet => self.quiet(),
            Tone::Accent => self.color(Color::Cyan),
            Tone::Strong => Style::new().add_modifier(Modifier::BOLD),
        }
    }

    /// Text that matters less. A grey of the 256 is legible on dark and bright ground; bright
    /// black of the 16 is not on some (Solarized), so those terminals dim.
    fn quiet(self) -> Style {
        match self.colors {
            Colors::Many => Style::new().fg(Color::Indexed(245)),
            Colors::None | Colors::Sixteen => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// The row of the selected process: without a colour, so that it shows on every terminal.
    pub(super) fn selected(has_focus: bool) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        if has_focus { bold.add_modifier(Modifier::REVERSED) } else { bold }
    }

    /// What is no longer true for certain, laid over its own style.
    pub(super) fn stale(self) -> Style {
        let dim = Style::new().add_modifier(Modifier::DIM);
        match self.colors {
            Colors::None => dim,
            Colors::Sixteen => dim.fg(Color::Reset),
            Colors::Many => dim.fg(Color::Indexed(245)),
        }
    }

    /// A frame.
    pub(super) fn frame(self, is_focused: bool) -> Style {
        if is_focused { self.color(Color::Cyan).add_modifier(Modifier::BOLD) } else { self.quiet() }
    }

    /// The word in the log's kind column.
    pub(super) fn severity(self, severity: Severity) -> Style {
        self.tone(match severity {
            Severity::Good => Tone::Good,
            Severity::Neutral => Tone::Accent,
            Severity::Warning => Tone::Warning,
            Severity::Bad => Tone::Bad,
        })
    }

    /// The style of a stretch of log text, in the colours that there are.
    pub(super) fn text_style(self, text: TextStyle) -> Style {
        let mut style = Style::new();
        if let Some(color) = text.fg.and_then(|color| self.text_color(color)) {
            style = style.fg(color);
        }
        if let Some(color) = text.bg.and_then(|color| self.text_color(color)) {
            style = style.bg(color);
        }
        let modifiers = [
            (text.bold, Modifier::BOLD),
            (text.dim, Modifier::DIM),
            (text.italic, Modifier::ITALIC),
            (text.underline, Modifier::UNDERLINED),
            (text.reverse, Modifier::REVERSED),
        ];
        for (is_set, modifier) in modifiers {
            if is_set {
                style = style.add_modifier(modifier);
            }
        }
        style
    }

    /// The nearest colour that the terminal has. Red-green-blue goes to the 256, since
    /// `TERM=xterm-256color` does not promise more.
    fn text_color(self, color: TextColor) -> Option<Color> {
        match (self.colors, color) {
            (Colors::None, _) => None,
            (_, TextColor::Indexed(index @ 0..=15)) => Some(named(index)),
            (Colors::Many, TextColor::Indexed(index)) => Some(Color::Indexed(index)),
            (Colors::Many, TextColor::Rgb(red, green, blue)) => {
                Some(Color::Indexed(nearest_256([red, green, blue])))
            }
            (Colors::Sixteen, TextColor::Indexed(index)) => Some(named(nearest_16(rgb_of(index)))),
            (Colors::Sixteen, TextColor::Rgb(red, green, blue)) => {
                Some(named(nearest_16([red, green, blue])))
            }
        }
    }
}

/// What a piece of text means, which decides its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing special.
    Plain,
    /// As it should be.
    Good,
    /// May need a look.
    Warning,
    /// Went wrong.
    Bad,
    /// Matters less.
    Quiet,
    /// Stands out, without a judgement.
    Accent,
    /// Bold.
    Strong,
}

/// The terminal's own colour of that number.
fn named(index: u8) -> Color {
    match index {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        7 => Color::Gray,
        8 => Color::DarkGray,
        9 => Color::LightRed,
        10 => Color::LightGreen,
        11 => Color::LightYellow,
        12 => Color::LightBlue,
        13 => Color::LightMagenta,
        14 => Color::LightCyan,
        _ => Color::White,
    }
}

/// Steps of the 6x6x6 cube of xterm's 256 colours.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Red, green and blue of one of xterm's 256 colours from 16 on.
fn rgb_of(index: u8) -> [u8; 3] {
    if index >= 232 {
        return [8 + 10 * (index - 232); 3];
    }
    let index = index.saturating_sub(16);
    let step = |at: u8| CUBE.get(usize::from(at % 6)).copied().unwrap_or(0);
    [step(index / 36), step(index / 6), step(index)]
}

/// The nearest of the cube's and the greys' 240 colours.
fn nearest_256(rgb: [u8; 3]) -> u8 {
    (16..=255).min_by_key(|index| distance(rgb, rgb_of(*index))).unwrap_or(15)
}

/// The nearest of the 16 by their usual values, which users may have changed.
fn nearest_16(rgb: [u8; 3]) -> u8 {
    const USUAL: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    (0..).zip(USUAL).min_by_key(|(_, usual)| distance(rgb, *usual)).map_or(7, |(index, _)| index)
}

/// Square of the distance of two colours.
fn distance(left: [u8; 3], right: [u8; 3]) -> u32 {
    left.iter().zip(right).map(|(left, right)| u32::from(left.abs_diff(right)).pow(2)).sum()
}

/// The strokes of a frame.
#[derive(Debug)]
pub(super) struct Border {
    pub(super) horizontal: &'static str,
    pub(super) vertical: &'static str,
    pub(super) top_left: &'static str,
    pub(super) top_right: &'static str,
    pub(super) bottom_left: &'static str,
    pub(super) bottom_right: &'static str,
}

/// Every glyph that is not a letter. All are one column wide, but for ASCII's `ellipsis`
/// and `restarts`.
#[derive(Debug)]
pub(super) struct Glyphs {
    pub(super) ellipsis: &'static str,
    pub(super) pointer: &'static str,
    pub(super) online: &'static str,
    pub(super) launching: &'static str,
    pub(super) busy: &'static str,
    pub(super) stopped: &'static str,
    pub(super) bad: &'static str,
    pub(super) waiting: &'static str,
    pub(super) good: &'static str,
    pub(super) warning: &'static str,
    pub(super) restarts: &'static str,
    /// One to eight eighths.
    pub(super) bars: [&'static str; 8],
    pub(super) plain: Border,
    pub(super) focused: Border,
    pub(super) dialog: Border,
}

static UNICODE: Glyphs = Glyphs {
    ellipsis: "…",
    pointer: "▶",
    online: "●",
    launching: "◌",
    busy: "◍",
    stopped: "○",
    bad: "✗",
    waiting: "↻",
    good: "✓",
    warning: "⚠",
    restarts: "↺",
    bars: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    plain: Border {
        horizontal: "─",
        vertical: "│",
        top_left: "╭",
        top_right: "╮",
        bottom_left: "╰",
        bottom_right: "╯",
    },
    focused: Border {
        horizontal: "━",
        vertical: "┃",
        top_left: "┏",
        top_right: "┓",
        bottom_left: "┗",
        bottom_right: "┛",
    },
    dialog: Border {
        horizontal: "═",
        vertical: "║",
        top_left: "╔",
        top_right: "╗",
        bottom_left: "╚",
        bottom_right: "╝",
    },
};

static ASCII: Glyphs = Glyphs {
    ellipsis: "...",
    pointer: ">",
    online: "*",
    launching: "~",
    busy: "%",
    stopped: "o",
    bad: "x",
    waiting: "@",
    good: "+",
    warning: "!",
    restarts: "rst",
    bars: [".", ":", "-", "=", "+", "*", "#", "#"],
    plain: Border {
        horizontal: "-",
        vertical: "|",
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
    },
    focused: Border {
        horizontal: "=",
        vertical: "|",
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
    },
    dialog: Border {
        horizontal: "=",
        vertical: "|",
        top_left: "#",
        top_right: "#",
        bottom_left: "#",
        bottom_right: "#",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(pairs: &[(&str, &str)]) -> Theme {
        Theme::detect(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colors_by_environment() {
        let utf8 = ("LANG", "de_DE.UTF-8");
        let colors = |pairs: &[(&str, &str)]| detect(pairs).colors;
        assert_eq!(colors(&[utf8, ("TERM", "xterm")]), Colors::Sixteen);
        assert_eq!(colors(&[utf8, ("TERM", "xterm-256color")]), Colors::Many);
        assert_eq!(colors(&[utf8, ("TERM", "xterm-direct")]), Colors::Many);
        assert_eq!(colors(&[utf8, ("TERM", "xterm"), ("COLORTERM", "truecolor")]), Colors::Many);
        assert_eq!(colors(&[utf8, ("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Colors::None);
        assert_eq!(colors(&[utf8, ("TERM", "xterm-256color"), ("NO_COLOR", "")]), Colors::Many);
        assert_eq!(colors(&[utf8, ("TERM", "dumb"), ("COLORTERM", "truecolor")]), Colors::None);
    }

    #[test]
    fn charset_by_environment() {
        let ascii = |pairs: &[(&str, &str)]| detect(pairs).ascii;
        assert!(ascii(&[]));
        assert!(ascii(&[("LANG", "C")]));
        assert!(ascii(&[("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")]));
        assert!(!ascii(&[("LC_ALL", ""), ("LANG", "en_US.UTF-8")]));
        assert!(!ascii(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(ascii(&[("LANG", "en_US.UTF-8"), ("TERM", "dumb")]));
    }

    #[test]
    fn colors_of_logs_are_mapped() {
        let of = |colors, color| {
            let theme = Theme { colors, ascii: false };
            theme.text_color(color)
        };
        assert_eq!(of(Colors::None, TextColor::Indexed(1)), None);
        assert_eq!(of(Colors::Sixteen, TextColor::Indexed(1)), Some(Color::Red));
        assert_eq!(of(Colors::Sixteen, TextColor::Indexed(196)), Some(Color::LightRed));
        assert_eq!(of(Colors::Sixteen, TextColor::Rgb(0, 200, 10)), Some(Color::Green));
        assert_eq!(of(Colors::Many, TextColor::Indexed(196)), Some(Color::Indexed(196)));
        assert_eq!(of(Colors::Many, TextColor::Rgb(255, 0, 0)), Some(Color::Indexed(196)));
        assert_eq!(of(Colors::Many, TextColor::Rgb(128, 128, 128)), Some(Color::Indexed(244)));
    }
}
