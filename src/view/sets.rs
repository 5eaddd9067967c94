//! Sets of colours beside those that fit a terminal by themselves, and the user's own.
//!
//! Invariant: a set is data: what it does not name it has from another one. Contrasts of the true colour
//! sets are as those of the sets that fit a terminal.

use ratatui::style::{Color, Modifier, Style};

use super::colors::named;
use super::roles::{
    BOLD, DARK, HUES, LIGHT, MONO, PLAIN, REVERSED, Roles, SIXTEEN, SIXTEEN_LIGHT, bold, fg, hex,
};

/// The colours that the user wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// Those that fit the terminal, as far as it says.
    #[default]
    Auto,
    /// For a dark ground.
    Dark,
    /// For a bright ground.
    Light,
    /// The terminal's own 16, nothing dimmed, what matters bold.
    HighContrast,
    /// No red beside green: blue is good, orange or red is bad.
    ColorBlind,
    /// The terminal's own 16.
    Sixteen,
    /// No colour.
    Mono,
    /// The user's own.
    Own(Own),
}

/// The sets that are there, by their names in the configuration.
pub const NAMES: &[(&str, Choice)] = &[
    ("auto", Choice::Auto),
    ("dark", Choice::Dark),
    ("light", Choice::Light),
    ("high-contrast", Choice::HighContrast),
    ("color-blind", Choice::ColorBlind),
    ("16", Choice::Sixteen),
    ("mono", Choice::Mono),
];

/// What a set of one's own can say.
pub const ROLES: &[&str] = &[
    "quiet", "faint", "accent", "good", "warn", "bad", "event", "cpu", "mem", "match", "selected",
    "names",
];

/// A set of the user's own. It lives as long as the program, which reads its configuration once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own(&'static Roles);

impl Own {
    /// The set that is named, with other styles for some roles: each the role's name and its styles, one
    /// but for `names`. What is wrong with them, each with the place in the list.
    ///
    /// # Errors
    /// There is no set of that name to begin with.
    pub fn of(
        base: &str,
        styles: &[(&str, Vec<&str>)],
    ) -> Result<(Self, Vec<(usize, String)>), String> {
        let mut roles = match base {
            "dark" => DARK.clone(),
            "light" => LIGHT.clone(),
            "high-contrast" => CONTRAST.clone(),
            "color-blind" => BLIND_DARK.clone(),
            "16" => SIXTEEN.clone(),
            "mono" => MONO.clone(),
            _ => {
                return Err(
                    "a base is one of dark, light, high-contrast, color-blind, 16, mono".to_owned()
                );
            }
        };
        let mut wrong = Vec::new();
        for (place, (role, words)) in styles.iter().enumerate() {
            let read: Result<Vec<Style>, String> = words.iter().map(|words| style(words)).collect();
            match read {
                Ok(styles) => {
                    if let Err(why) = set(&mut roles, role, &styles) {
                        wrong.push((place, why));
                    }
                }
                Err(why) => wrong.push((place, why)),
            }
        }
        Ok((Self(Box::leak(Box::new(roles))), wrong))
    }

    pub(super) fn roles(self) -> &'static Roles {
        self.0
    }

    /// With the colours that a terminal has in the place of others.
    pub(super) fn fitted(self, has: impl Fn(Color) -> Color) -> Self {
        let mut roles = self.0.clone();
        for style in all(&mut roles) {
            style.fg = style.fg.map(&has);
            style.bg = style.bg.map(&has);
        }
        if roles == *self.0 { self } else { Self(Box::leak(Box::new(roles))) }
    }
}

/// Every style of a set.
fn all(roles: &mut Roles) -> impl Iterator<Item = &mut Style> {
    [
        &mut roles.quiet,
        &mut roles.faint,
        &mut roles.accent,
        &mut roles.good,
        &mut roles.warn,
        &mut roles.bad,
        &mut roles.event,
        &mut roles.cpu,
        &mut roles.mem,
        &mut roles.found,
        &mut roles.selected,
    ]
    .into_iter()
    .chain(roles.names.iter_mut())
}

/// Sets the styles of a role.
fn set(roles: &mut Roles, role: &str, styles: &[Style]) -> Result<(), String> {
    if role == "names" {
        if styles.is_empty() {
            return Err("one to six styles are wanted".to_owned());
        }
        for (place, own) in roles.names.iter_mut().zip(styles.iter().cycle()) {
            *place = *own;
        }
        return match styles.len() {
            ..=HUES => Ok(()),
            more => Err(format!("only the first {HUES} of {more} styles count")),
        };
    }
    let [style] = styles else { return Err("one style is wanted".to_owned()) };
    let place = match role {
        "quiet" => &mut roles.quiet,
        "faint" => &mut roles.faint,
        "accent" => &mut roles.accent,
        "good" => &mut roles.good,
        "warn" => &mut roles.warn,
        "bad" => &mut roles.bad,
        "event" => &mut roles.event,
        "cpu" => &mut roles.cpu,
        "mem" => &mut roles.mem,
        "match" => &mut roles.found,
        "selected" => &mut roles.selected,
        _ => return Err("there is no such role".to_owned()),
    };
    *place = *style;
    Ok(())
}

/// Reads a style: a colour, `on` another one, and attributes, in any order but that: `#7cc47c`,
/// `bold red`, `black on yellow`, `reverse`.
///
/// # Errors
/// Which word means nothing.
fn style(text: &str) -> Result<Style, String> {
    let mut style = PLAIN;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let attribute = match word {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underline" => Modifier::UNDERLINED,
            "reverse" => Modifier::REVERSED,
            "plain" => Modifier::empty(),
            "on" => {
                let color = words.next().ok_or("a colour is missing after `on`")?;
                style = style.bg(self::color(color)?);
                continue;
            }
            other => {
                style = style.fg(color(other)?);
                continue;
            }
        };
        style = style.add_modifier(attribute);
    }
    Ok(style)
}

/// Reads a colour: `#7cc47c`, `208` of the 256, or a name of the 16.
fn color(word: &str) -> Result<Color, String> {
    const SIXTEEN: [&str; 16] = [
        "black",
        "red",
        "green",
        "yellow",
        "blue",
        "magenta",
        "cyan",
        "white",
        "bright-black",
        "bright-red",
        "bright-green",
        "bright-yellow",
        "bright-blue",
        "bright-magenta",
        "bright-cyan",
        "bright-white",
    ];
    if let Some(digits) = word.strip_prefix('#') {
        let is_hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
        let number = number.ok_or_else(|| format!("`{word}` is no colour: #rrggbb is wanted"))?;
        let [_, red, green, blue] = number.to_be_bytes();
        return Ok(Color::Rgb(red, green, blue));
    }
    if word == "default" {
        return Ok(Color::Reset);
    }
    if let Some(index) = (0..).zip(SIXTEEN).find(|(_, name)| *name == word).map(|(at, _)| at) {
        return Ok(named(index));
    }
    match word.parse::<u8>() {
        Ok(index @ ..=15) => Ok(named(index)),
        Ok(index) => Ok(Color::Indexed(index)),
        Err(_) => Err(format!(
            "`{word}` is neither a colour (#rrggbb, 0 to 255, red, bright-blue ..) nor bold, dim, \
             italic, underline, reverse"
        )),
    }
}

/// The terminal's 16 on a dark ground, or one that is not known; nothing is dim.
pub(super) static CONTRAST: Roles = Roles {
    quiet: PLAIN,
    faint: PLAIN,
    accent: bold(fg(Color::LightCyan)),
    good: bold(fg(Color::LightGreen)),
    warn: bold(fg(Color::LightYellow)),
    bad: bold(fg(Color::LightRed)).add_modifier(Modifier::UNDERLINED),
    event: bold(fg(Color::LightMagenta)),
    cpu: fg(Color::LightCyan),
    mem: fg(Color::LightMagenta),
    found: fg(Color::Black).bg(Color::LightYellow),
    selected: REVERSED,
    names: [BOLD; HUES],
};

/// The same on a bright ground.
pub(super) static CONTRAST_LIGHT: Roles = Roles {
    quiet: PLAIN,
    faint: PLAIN,
    accent: bold(fg(Color::Blue)),
    good: BOLD,
    warn: bold(fg(Color::Magenta)),
    bad: bold(fg(Color::Red)).add_modifier(Modifier::UNDERLINED),
    event: bold(fg(Color::Magenta)),
    cpu: fg(Color::Blue),
    mem: fg(Color::Magenta),
    found: fg(Color::Black).bg(Color::Yellow),
    selected: REVERSED,
    names: [BOLD; HUES],
};

/// Without red beside green, true colour on a dark ground.
pub(super) static BLIND_DARK: Roles = Roles {
    quiet: DARK.quiet,
    faint: DARK.faint,
    accent: bold(hex(0x00d8_dee9)),
    good: hex(0x004a_a3df),
    warn: hex(0x00f0_e442),
    bad: bold(hex(0x00f0_883e)),
    event: hex(0x00d9_9ad0),
    cpu: hex(0x004a_a3df),
    mem: hex(0x00d9_9ad0),
    found: DARK.found,
    selected: DARK.selected,
    names: [
        hex(0x006c_b6eb),
        hex(0x00d9_9ad0),
        hex(0x009f_b0c8),
        hex(0x00b7_9af0),
        hex(0x00d8_dee9),
        hex(0x007f_a8f8),
    ],
};

/// The same on a bright ground.
pub(super) static BLIND_LIGHT: Roles = Roles {
    quiet: LIGHT.quiet,
    faint: LIGHT.faint,
    accent: bold(hex(0x0020_242c)),
    good: hex(0x000b_5cad),
    warn: hex(0x006b_5f00),
    bad: bold(hex(0x00a3_4700)),
    event: hex(0x008a_2f7a),
    cpu: hex(0x000b_5cad),
    mem: hex(0x008a_2f7a),
    found: LIGHT.found,
    selected: LIGHT.selected,
    names: [
        hex(0x000b_5c9e),
        hex(0x008a_2f7a),
        hex(0x004a_5568),
        hex(0x006a_3fb5),
        hex(0x0020_242c),
        hex(0x002b_50b8),
    ],
};

/// The terminal's 16, on a dark ground or one that is not known.
pub(super) static BLIND_SIXTEEN: Roles = Roles {
    quiet: SIXTEEN.quiet,
    faint: SIXTEEN.faint,
    accent: bold(fg(Color::Cyan)),
    good: fg(Color::LightBlue),
    warn: fg(Color::Yellow),
    bad: bold(fg(Color::Red)),
    event: fg(Color::Magenta),
    cpu: fg(Color::LightBlue),
    mem: fg(Color::Magenta),
    found: fg(Color::Black).bg(Color::Yellow),
    selected: REVERSED,
    names: SIXTEEN.names,
};

/// The same on a bright ground.
pub(super) static BLIND_SIXTEEN_LIGHT: Roles = Roles {
    quiet: SIXTEEN_LIGHT.quiet,
    faint: SIXTEEN_LIGHT.faint,
    accent: BOLD,
    good: fg(Color::Blue),
    warn: fg(Color::Magenta),
    bad: bold(fg(Color::Red)),
    event: fg(Color::Magenta),
    cpu: fg(Color::Blue),
    mem: fg(Color::Magenta),
    found: fg(Color::Black).bg(Color::Yellow),
    selected: REVERSED,
    names: SIXTEEN_LIGHT.names,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_read() {
        for (text, wanted) in [
            ("#7cc47c", fg(Color::Rgb(0x7c, 0xc4, 0x7c))),
            ("bold red", bold(fg(Color::Red))),
            ("black on yellow", fg(Color::Black).bg(Color::Yellow)),
            ("208", fg(Color::Indexed(208))),
            ("9", fg(Color::LightRed)),
            ("bright-blue underline", fg(Color::LightBlue).add_modifier(Modifier::UNDERLINED)),
            ("default on default", fg(Color::Reset).bg(Color::Reset)),
            ("plain", PLAIN),
            ("", PLAIN),
        ] {
            assert_eq!(style(text), Ok(wanted), "{text}");
        }
        for (text, wanted) in [
            ("reddish", "`reddish` is neither"),
            ("#12345", "#rrggbb is wanted"),
            ("#+12345", "#rrggbb is wanted"),
            ("red on", "missing after `on`"),
            ("256", "`256` is neither"),
        ] {
            assert!(style(text).unwrap_err().contains(wanted), "{text}: {:?}", style(text));
        }
    }

    #[test]
    fn a_set_of_ones_own_has_the_rest_from_its_base() {
        let styles = [("good", vec!["cyan"]), ("bad", vec!["nope"]), ("names", vec!["1", "2"])];
        let (own, wrong) = Own::of("light", &styles).unwrap();
        let roles = own.roles();
        assert_eq!((roles.good, roles.bad), (fg(Color::Cyan), LIGHT.bad));
        assert_eq!((roles.names[2], roles.names[5]), (fg(Color::Red), fg(Color::Green)));
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].0, 1);
        assert!(Own::of("none", &[]).is_err());
        for role in ROLES {
            let (_, wrong) = Own::of("dark", &[(role, vec!["red"])]).unwrap();
            assert_eq!(wrong, [], "{role}");
        }
    }

    #[test]
    fn true_colours_become_those_that_there_are() {
        let (own, _) = Own::of("dark", &[]).unwrap();
        let sixteen = own.fitted(|_| Color::Red);
        assert_eq!(sixteen.roles().good, fg(Color::Red));
        assert_eq!(own.fitted(|color| color), own);
    }
}
