//! Colours as data: what a piece of the screen means, and how each set of colours shows it.
//!
//! Invariant: no meaning is told by colour alone (glyphs, words and attributes tell it too); the
//! mono set has no colour. Contrasts of the true colour sets were measured against five dark and
//! four bright grounds: at least 4.5 : 1 for text. `faint` is for strokes, not for text.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen means, which decides its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing special: the terminal's own colour.
    Text,
    /// A title, the name of what is selected.
    Strong,
    /// Matters less: labels, times, ids, zeros.
    Quiet,
    /// Strokes.
    Faint,
    /// Keys, the pane in front, the sorted column.
    Accent,
    /// As it should be.
    Good,
    /// May need a look.
    Warn,
    /// Went wrong.
    Bad,
    /// Something happened, or an app sent a message.
    Event,
    /// Bars of CPU.
    Cpu,
    /// Bars of memory.
    Mem,
    /// What was searched for.
    Match,
    /// The name of a process, by its hue: any number.
    Name(u8),
}

/// How many hues names have.
pub(super) const HUES: usize = 6;

/// A set of colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) quiet: Style,
    pub(super) faint: Style,
    pub(super) accent: Style,
    pub(super) good: Style,
    pub(super) warn: Style,
    pub(super) bad: Style,
    pub(super) event: Style,
    pub(super) cpu: Style,
    pub(super) mem: Style,
    pub(super) found: Style,
    /// Laid over the whole row of what is selected, in the pane in front.
    pub(super) selected: Style,
    pub(super) names: [Style; HUES],
}

impl Roles {
    /// How something with this meaning looks.
    pub(super) fn style(&self, role: Role) -> Style {
        match role {
            Role::Text => PLAIN,
            Role::Strong => BOLD,
            Role::Quiet => self.quiet,
            Role::Faint => self.faint,
            Role::Accent => self.accent,
            Role::Good => self.good,
            Role::Warn => self.warn,
            Role::Bad => self.bad,
            Role::Event => self.event,
            Role::Cpu => self.cpu,
            Role::Mem => self.mem,
            Role::Match => self.found,
            Role::Name(hue) => self.names.get(usize::from(hue) % HUES).copied().unwrap_or(PLAIN),
        }
    }
}

pub(super) const PLAIN: Style = Style::new();
pub(super) const BOLD: Style = PLAIN.add_modifier(Modifier::BOLD);
pub(super) const DIM: Style = PLAIN.add_modifier(Modifier::DIM);
/// A row in reverse. Colours in it would make patches.
pub(super) const REVERSED: Style = PLAIN
    .fg(Color::Reset)
    .bg(Color::Reset)
    .add_modifier(Modifier::REVERSED)
    .remove_modifier(Modifier::DIM);

pub(super) const fn fg(color: Color) -> Style {
    PLAIN.fg(color)
}

/// A colour by its hexadecimal number.
pub(super) const fn rgb(hex: u32) -> Color {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color::Rgb(red, green, blue)
}

pub(super) const fn hex(hex: u32) -> Style {
    fg(rgb(hex))
}

pub(super) const fn bold(style: Style) -> Style {
    style.add_modifier(Modifier::BOLD)
}

/// True colour on a dark ground.
pub(super) static DARK: Roles = Roles {
    quiet: hex(0x008b_93a1),
    faint: hex(0x004a_515e),
    accent: bold(hex(0x0058_aef5)),
    good: hex(0x007c_c47c),
    warn: hex(0x00e0_b050),
    bad: bold(hex(0x00f4_7c7c)),
    event: hex(0x00b7_9af0),
    cpu: hex(0x0058_aef5),
    mem: hex(0x00b7_9af0),
    found: bold(hex(0x00ff_e9a8).bg(rgb(0x005a_4700))),
    selected: PLAIN.bg(rgb(0x0026_374f)),
    names: [
        hex(0x006c_b6eb),
        hex(0x00b7_9af0),
        hex(0x005f_c4b8),
        hex(0x00d9_9ad0),
        hex(0x009f_b0c8),
        hex(0x007f_a8f8),
    ],
};

/// True colour on a bright ground.
pub(super) static LIGHT: Roles = Roles {
    quiet: hex(0x005c_6370),
    faint: hex(0x00b4_bac4),
    accent: bold(hex(0x000b_5cad)),
    good: hex(0x001b_7332),
    warn: hex(0x0085_5600),
    bad: bold(hex(0x00b0_241c)),
    event: hex(0x006a_3fb5),
    cpu: hex(0x0024_70c2),
    mem: hex(0x007b_4fc9),
    found: bold(hex(0x001a_1a1a).bg(rgb(0x00ff_e28a))),
    selected: PLAIN.bg(rgb(0x00d6_e6fb)),
    names: [
        hex(0x000b_5c9e),
        hex(0x006a_3fb5),
        hex(0x000b_6b62),
        hex(0x008a_2f7a),
        hex(0x004a_5568),
        hex(0x002b_50b8),
    ],
};

/// The terminal's 16 on a dark ground, or one that is not known.
pub(super) static SIXTEEN: Roles = Roles {
    quiet: DIM,
    faint: DIM,
    accent: bold(fg(Color::Cyan)),
    good: fg(Color::Green),
    warn: fg(Color::Yellow),
    bad: bold(fg(Color::Red)),
    event: fg(Color::Magenta),
    cpu: fg(Color::Cyan),
    mem: fg(Color::Magenta),
    // The marked row has colours of its own: the line under it is what tells a match there.
    found: fg(Color::Black).bg(Color::Yellow).add_modifier(Modifier::UNDERLINED),
    selected: REVERSED,
    names: [
        fg(Color::Cyan),
        fg(Color::Magenta),
        // Blue itself is all but black on many terminals, bold or not.
        fg(Color::LightBlue),
        PLAIN,
        fg(Color::Cyan),
        fg(Color::Magenta),
    ],
};

/// The terminal's 16 on a bright ground: yellow and cyan are illegible there.
pub(super) static SIXTEEN_LIGHT: Roles = Roles {
    quiet: DIM,
    faint: DIM,
    accent: bold(fg(Color::Blue)),
    good: fg(Color::Green),
    warn: fg(Color::Magenta),
    bad: bold(fg(Color::Red)),
    event: fg(Color::Magenta),
    cpu: fg(Color::Blue),
    mem: fg(Color::Magenta),
    // The marked row has colours of its own: the line under it is what tells a match there.
    found: fg(Color::Black).bg(Color::Yellow).add_modifier(Modifier::UNDERLINED),
    selected: REVERSED,
    names: [
        fg(Color::Blue),
        fg(Color::Magenta),
        bold(fg(Color::Blue)),
        PLAIN,
        fg(Color::Blue),
        fg(Color::Magenta),
    ],
};

/// No colour.
pub(super) static MONO: Roles = Roles {
    quiet: PLAIN,
    faint: PLAIN,
    accent: BOLD,
    good: PLAIN,
    warn: PLAIN,
    bad: BOLD,
    event: PLAIN,
    cpu: PLAIN,
    mem: PLAIN,
    found: BOLD.add_modifier(Modifier::UNDERLINED),
    selected: REVERSED,
    names: [PLAIN; HUES],
};

/// The hue of a name: the same on every screen and in every run.
pub(super) fn hue(name: &str) -> Role {
    // FNV-1a, and a last mix: names often differ in their last letter alone.
    let hash = name
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    Role::Name(((u64::from(hash) * HUES as u64) >> 32) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sets::{BLIND_DARK, BLIND_LIGHT};

    /// Every style of a set.
    fn all(roles: &Roles) -> Vec<Style> {
        let mut all = vec![
            roles.quiet,
            roles.faint,
            roles.accent,
            roles.good,
            roles.warn,
            roles.bad,
            roles.event,
            roles.cpu,
            roles.mem,
            roles.found,
            roles.selected,
        ];
        all.extend(roles.names);
        all
    }

    fn luminance(color: Color) -> f64 {
        let Color::Rgb(red, green, blue) = color else { panic!("{color:?}") };
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: Color, other: Color) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_is_legible_on_its_ground() {
        let dark: &[u32] = &[0x0000_0000, 0x0014_161a, 0x001e_1e1e, 0x0028_2c34, 0x0000_2b36];
        let light: &[u32] = &[0x00ff_ffff, 0x00fd_f6e3, 0x00f0_f0f0, 0x00ef_f1f5];
        let sets = [(&DARK, dark), (&LIGHT, light), (&BLIND_DARK, dark), (&BLIND_LIGHT, light)];
        for (roles, grounds) in sets {
            let named = [roles.quiet, roles.accent, roles.good, roles.warn, roles.bad, roles.event];
            for (style, ground) in named
                .into_iter()
                .chain(roles.names)
                .flat_map(|style| grounds.iter().map(move |ground| (style, *ground)))
            {
                let ratio = contrast(style.fg.unwrap(), rgb(ground));
                assert!(ratio >= 4.45, "{style:?} on {ground:06x}: {ratio:.2}");
            }
            let found = contrast(roles.found.fg.unwrap(), roles.found.bg.unwrap());
            assert!(found >= 4.5, "{found:.2}");
        }
    }

    #[test]
    fn mono_has_no_colour() {
        for style in all(&MONO) {
            let is_none = |color: Option<Color>| color.is_none_or(|color| color == Color::Reset);
            assert!(is_none(style.fg) && is_none(style.bg), "{style:?}");
        }
    }

    #[test]
    fn the_sixteen_are_the_terminals_own() {
        for style in all(&SIXTEEN).into_iter().chain(all(&SIXTEEN_LIGHT)) {
            for color in style.fg.into_iter().chain(style.bg) {
                assert!(!matches!(color, Color::Rgb(..) | Color::Indexed(_)), "{color:?}");
            }
        }
        let on_light = all(&SIXTEEN_LIGHT).into_iter().filter_map(|style| style.fg);
        let pale = [Color::Yellow, Color::Cyan];
        assert!(on_light.into_iter().all(|color| !pale.contains(&color)));
    }

    #[test]
    fn hues_are_stable_and_spread() {
        assert_eq!(hue("api"), hue("api"));
        let names: Vec<String> = (0..60).map(|number| format!("service-{number}")).collect();
        for wanted in 0..HUES as u8 {
            let count = names.iter().filter(|name| hue(name) == Role::Name(wanted)).count();
            assert!((4..=20).contains(&count), "hue {wanted}: {count} of 60");
        }
    }
}
