//! What the terminal can show: how many colours, on which ground, which charset; and the glyphs.
//!
//! Invariant: no state is told by colour alone; with [`Colors::None`] no style has a colour, with
//! `ascii` every glyph here is ASCII.

use ratatui::style::{Color, Modifier, Style};

use super::colors::{named, nearest_16, nearest_256, rgb_of};
use super::glyphs::{ASCII, Glyphs, UNICODE};
use super::roles::{self, Role, Roles};
use super::sets::{self, Choice};
use crate::model::log::Severity;
use crate::protocol::text::{TextColor, TextStyle};

/// How many colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// None at all (`NO_COLOR`, `TERM=dumb`): state is told by words, glyphs and attributes.
    None,
    /// The terminal's own 16.
    Sixteen,
    /// 256: as 16, but for the colours of log lines.
    Many,
    /// Any: red, green and blue (`COLORTERM`).
    True,
}

/// The colour behind the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The terminal does not say.
    Unknown,
    /// Bright text on dark.
    Dark,
    /// Dark text on bright.
    Light,
}

/// Colours and glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// How many colours may be used.
    pub colors: Colors,
    /// What they stand on.
    pub ground: Ground,
    /// Whether only ASCII may be drawn (a locale without UTF-8, `TERM=dumb`).
    pub ascii: bool,
    /// The set of colours, where the user chose one.
    pub choice: Choice,
}

impl Ground {
    /// That of a colour: red, green, blue.
    #[must_use]
    pub fn of_color([red, green, blue]: [u8; 3]) -> Self {
        // Rec. 601, in thousandths.
        let luma = u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114;
        if luma > 127_500 { Self::Light } else { Self::Dark }
    }
}

/// The nearest colour that a terminal with these has.
fn fitting(colors: Colors, color: Color) -> Color {
    match (colors, color) {
        (Colors::Sixteen, Color::Rgb(red, green, blue)) => named(nearest_16([red, green, blue])),
        (Colors::Sixteen, Color::Indexed(index @ 16..)) => named(nearest_16(rgb_of(index))),
        (Colors::Many, Color::Rgb(red, green, blue)) => {
            Color::Indexed(nearest_256([red, green, blue]))
        }
        (_, color) => color,
    }
}

impl Theme {
    /// Reads what the terminal can show from the environment: `NO_COLOR` (no-color.org: set and
    /// not empty), `TERM`, `COLORTERM`, `COLORFGBG`, and the locale's charset by the order of POSIX
    /// (`LC_ALL`, `LC_CTYPE`, `LANG`; the first that is set and not empty counts).
    #[must_use]
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default().to_ascii_lowercase();
        let color_term = set("COLORTERM").unwrap_or_default().to_ascii_lowercase();
        let is_dumb = term == "dumb";
        let colors = if is_dumb || set("NO_COLOR").is_some() {
            Colors::None
        } else if matches!(color_term.as_str(), "truecolor" | "24bit") || term.contains("direct") {
            Colors::True
        } else if term.contains("256color") {
            Colors::Many
        } else {
            Colors::Sixteen
        };
        let ground = set("COLORFGBG").map_or(Ground::Unknown, |colors| ground_of(&colors));
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_utf8 = locale.contains("utf-8") || locale.contains("utf8");
        Self::new(colors, ground, is_dumb || !is_utf8)
    }

    /// So many colours on this ground, in the set that fits.
    #[must_use]
    pub const fn new(colors: Colors, ground: Ground, ascii: bool) -> Self {
        Self { colors, ground, ascii, choice: Choice::Auto }
    }

    /// The same with the colours that the user wants. What has no colours gets none, and a set of one's
    /// own those that the terminal has.
    #[must_use]
    pub fn choose(self, choice: Choice) -> Self {
        match choice {
            Choice::Auto => self,
            Choice::Dark => self.on(Ground::Dark),
            Choice::Light => self.on(Ground::Light),
            _ if self.colors == Colors::None => self,
            Choice::Sixteen => Self { colors: Colors::Sixteen, ..self },
            Choice::Mono => Self { colors: Colors::None, ..self },
            Choice::HighContrast | Choice::ColorBlind => Self { choice, ..self },
            Choice::Own(own) => {
                let has = |color| fitting(self.colors, color);
                Self { choice: Choice::Own(own.fitted(has)), ..self }
            }
        }
    }

    /// Whether it depends on the ground, and nothing said yet which that is.
    #[must_use]
    pub fn asks_for_ground(self) -> bool {
        let depends =
            matches!(self.choice, Choice::Auto | Choice::HighContrast | Choice::ColorBlind);
        self.colors == Colors::True && self.ground == Ground::Unknown && depends
    }

    /// The same on this ground: what a configuration or the terminal's own answer says of it.
    #[must_use]
    pub fn on(self, ground: Ground) -> Self {
        Self { ground, ..self }
    }

    /// The glyphs to draw with.
    #[must_use]
    pub(super) fn glyphs(self) -> &'static Glyphs {
        if self.ascii { &ASCII } else { &UNICODE }
    }

    /// The set of colours. True colours are chosen for a ground; on one that is not known the
    /// terminal's own 16 are safer.
    fn roles(self) -> &'static Roles {
        match (self.colors, self.choice) {
            (Colors::None, _) => return &roles::MONO,
            (_, Choice::Own(own)) => return own.roles(),
            (_, Choice::HighContrast) if self.ground == Ground::Light => {
                return &sets::CONTRAST_LIGHT;
            }
            (_, Choice::HighContrast) => return &sets::CONTRAST,
            (Colors::True, Choice::ColorBlind) if self.ground == Ground::Dark => {
                return &sets::BLIND_DARK;
            }
            (Colors::True, Choice::ColorBlind) if self.ground == Ground::Light => {
                return &sets::BLIND_LIGHT;
            }
            (_, Choice::ColorBlind) if self.ground == Ground::Light => {
                return &sets::BLIND_SIXTEEN_LIGHT;
            }
            (_, Choice::ColorBlind) => return &sets::BLIND_SIXTEEN,
            _ => {}
        }
        match (self.colors, self.ground) {
            (Colors::True, Ground::Dark) => &roles::DARK,
            (Colors::True, Ground::Light) => &roles::LIGHT,
            (_, Ground::Light) => &roles::SIXTEEN_LIGHT,
            (_, Ground::Dark | Ground::Unknown) => &roles::SIXTEEN,
        }
    }

    /// How something with this meaning looks.
    pub(super) fn role(self, role: Role) -> Style {
        self.roles().style(role)
    }

    /// Laid over the whole row of what is selected, in the pane in front.
    pub(super) fn selected(self) -> Style {
        self.roles().selected
    }

    /// What is no longer true for certain, laid over its own style.
    pub(super) fn stale(self) -> Style {
        let dim = Style::new().add_modifier(Modifier::DIM);
        match self.role(Role::Quiet).fg {
            Some(_) => self.role(Role::Quiet).remove_modifier(Modifier::BOLD),
            None if self.colors == Colors::None => dim,
            None => dim.fg(Color::Reset),
        }
    }

    /// Laid over what an overlay leaves of the screen: it can be read, and does not vie with it.
    pub(super) fn behind(self) -> Style {
        let attributes = Modifier::BOLD | Modifier::REVERSED | Modifier::UNDERLINED;
        self.stale().bg(Color::Reset).remove_modifier(attributes)
    }

    /// What happened, by how bad it is.
    pub(super) fn severity(severity: Severity) -> Role {
        match severity {
            Severity::Good => Role::Good,
            Severity::Neutral => Role::Event,
            Severity::Warning => Role::Warn,
            Severity::Bad => Role::Bad,
        }
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

    /// The nearest colour that the terminal has. Without `COLORTERM` red-green-blue goes to the
    /// 256: `TERM=xterm-256color` does not promise more.
    fn text_color(self, color: TextColor) -> Option<Color> {
        match (self.colors, color) {
            (Colors::None, _) => None,
            (_, TextColor::Indexed(index @ 0..=15)) => Some(named(index)),
            (Colors::Many | Colors::True, TextColor::Indexed(index)) => Some(Color::Indexed(index)),
            (Colors::True, TextColor::Rgb(red, green, blue)) => Some(Color::Rgb(red, green, blue)),
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

/// The ground by `COLORFGBG`: `foreground;background` or `foreground;other;background`, each a
/// number of the 16. White and the bright ones but dark grey are bright, as in Vim.
fn ground_of(colors: &str) -> Ground {
    match colors.rsplit(';').next().and_then(|last| last.trim().parse::<u8>().ok()) {
        Some(0..=6 | 8) => Ground::Dark,
        Some(7 | 9..=15) => Ground::Light,
        Some(_) | None => Ground::Unknown,
    }
}

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
        assert_eq!(colors(&[utf8, ("TERM", "xterm-direct")]), Colors::True);
        assert_eq!(colors(&[utf8, ("TERM", "xterm"), ("COLORTERM", "truecolor")]), Colors::True);
        assert_eq!(colors(&[utf8, ("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Colors::None);
        assert_eq!(colors(&[utf8, ("TERM", "xterm-256color"), ("NO_COLOR", "")]), Colors::Many);
        assert_eq!(colors(&[utf8, ("TERM", "dumb"), ("COLORTERM", "truecolor")]), Colors::None);
    }

    #[test]
    fn ground_by_environment() {
        for (value, ground) in [
            ("15;0", Ground::Dark),
            ("0;15", Ground::Light),
            ("0;default;15", Ground::Light),
            ("12;8", Ground::Dark),
            ("0;7", Ground::Light),
            ("default;default", Ground::Unknown),
            ("", Ground::Unknown),
            ("15;300", Ground::Unknown),
        ] {
            assert_eq!(detect(&[("COLORFGBG", value)]).ground, ground, "{value:?}");
        }
    }

    #[test]
    fn the_terminals_answer_tells_the_ground() {
        for (color, ground) in [
            ([0, 0, 0], Ground::Dark),
            ([0x28, 0x2c, 0x34], Ground::Dark),
            ([0xff, 0xff, 0xff], Ground::Light),
            ([0xfd, 0xf6, 0xe3], Ground::Light),
        ] {
            assert_eq!(Ground::of_color(color), ground, "{color:?}");
        }
        assert!(Theme::new(Colors::True, Ground::Unknown, false).asks_for_ground());
        assert!(!Theme::new(Colors::True, Ground::Dark, false).asks_for_ground());
        assert!(!Theme::new(Colors::Sixteen, Ground::Unknown, false).asks_for_ground());
        let chosen = Theme::new(Colors::True, Ground::Unknown, false).choose(Choice::Light);
        assert!(!chosen.asks_for_ground());
    }

    #[test]
    fn no_choice_colours_what_has_no_colours() {
        let own = sets::Own::of("light", &[]).unwrap().0;
        let none = Theme::new(Colors::None, Ground::Unknown, false);
        for (_, choice) in sets::NAMES.iter().copied().chain([("own", Choice::Own(own))]) {
            assert_eq!(*none.choose(choice).roles(), roles::MONO, "{choice:?}");
        }
        let sixteen = Theme::new(Colors::Sixteen, Ground::Unknown, false);
        let color = sixteen.choose(Choice::Own(own)).role(Role::Good).fg.unwrap();
        assert!(!matches!(color, Color::Rgb(..) | Color::Indexed(_)), "{color:?}");
        let role =
            |choice| Theme::new(Colors::True, Ground::Dark, false).choose(choice).role(Role::Good);
        assert_ne!(role(Choice::ColorBlind), role(Choice::Auto));
        assert_ne!(role(Choice::HighContrast), role(Choice::Auto));
    }

    #[test]
    fn true_colours_need_a_known_ground() {
        let roles = |colors, ground| {
            let theme = Theme::new(colors, Ground::Unknown, false).on(ground);
            std::ptr::from_ref(theme.roles())
        };
        let is = |colors, ground, wanted: &'static Roles| {
            assert_eq!(roles(colors, ground), std::ptr::from_ref(wanted), "{colors:?} {ground:?}");
        };
        is(Colors::True, Ground::Unknown, &roles::SIXTEEN);
        is(Colors::True, Ground::Dark, &roles::DARK);
        is(Colors::True, Ground::Light, &roles::LIGHT);
        is(Colors::Many, Ground::Dark, &roles::SIXTEEN);
        is(Colors::Sixteen, Ground::Light, &roles::SIXTEEN_LIGHT);
        is(Colors::None, Ground::Light, &roles::MONO);
    }

    #[test]
    fn glyphs_take_one_column() {
        use crate::view::text::width;
        for glyphs in [&UNICODE, &ASCII] {
            let one = [
                glyphs.selected,
                glyphs.selected_behind,
                glyphs.marked,
                glyphs.online,
                glyphs.busy,
                glyphs.stopped,
                glyphs.bad,
                glyphs.waiting,
                glyphs.good,
                glyphs.warning,
                glyphs.ascending,
                glyphs.descending,
                glyphs.rule,
                glyphs.rule_in_front,
                glyphs.limit,
                glyphs.out,
                glyphs.err,
                glyphs.event,
                glyphs.message,
                glyphs.meter_empty,
            ];
            for glyph in one.into_iter().chain(glyphs.bars).chain(glyphs.meter) {
                assert_eq!(width(glyph), 1, "{glyph:?}");
            }
        }
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
            let theme = Theme::new(colors, Ground::Unknown, false);
            theme.text_color(color)
        };
        assert_eq!(of(Colors::None, TextColor::Indexed(1)), None);
        assert_eq!(of(Colors::Sixteen, TextColor::Indexed(1)), Some(Color::Red));
        assert_eq!(of(Colors::Sixteen, TextColor::Indexed(196)), Some(Color::LightRed));
        assert_eq!(of(Colors::Sixteen, TextColor::Rgb(0, 200, 10)), Some(Color::Green));
        assert_eq!(of(Colors::Many, TextColor::Indexed(196)), Some(Color::Indexed(196)));
        assert_eq!(of(Colors::True, TextColor::Rgb(1, 2, 3)), Some(Color::Rgb(1, 2, 3)));
        assert_eq!(of(Colors::Many, TextColor::Rgb(255, 0, 0)), Some(Color::Indexed(196)));
        assert_eq!(of(Colors::Many, TextColor::Rgb(128, 128, 128)), Some(Color::Indexed(244)));
    }
}
