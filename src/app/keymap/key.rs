//! A key: how it is written in the configuration, how it is shown, and which event is it.
//!
//! Invariant: every key that can be written arrives as an event of its own: what a terminal sends alike
//! for two keys is refused with the reason.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key, with Control or without. Shift is in the character, or in Shift-Tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    is_control: bool,
}

/// Names of keys that are no character: as they are shown, and as they may be written too.
const NAMES: &[(KeyCode, &[&str])] = &[
    (KeyCode::Up, &["↑", "up"]),
    (KeyCode::Down, &["↓", "down"]),
    (KeyCode::Left, &["←", "left"]),
    (KeyCode::Right, &["→", "right"]),
    (KeyCode::PageUp, &["PgUp", "pageup", "page-up"]),
    (KeyCode::PageDown, &["PgDn", "pagedown", "page-down", "pgdown"]),
    (KeyCode::Home, &["Home"]),
    (KeyCode::End, &["End"]),
    (KeyCode::Insert, &["Ins", "insert"]),
    (KeyCode::Delete, &["Del", "delete"]),
    (KeyCode::Tab, &["Tab"]),
    (KeyCode::BackTab, &["Shift-Tab", "backtab"]),
    (KeyCode::Enter, &["Enter", "return"]),
    (KeyCode::Esc, &["Esc", "escape"]),
    (KeyCode::Backspace, &["Backspace", "bs"]),
    (KeyCode::Char(' '), &["Space"]),
];
/// What a terminal sends alike.
const ALIKE: &[(char, &str)] =
    &[('h', "Backspace"), ('i', "Tab"), ('j', "a line feed"), ('m', "Enter"), ('[', "Esc")];

impl Key {
    /// Always goes a step back.
    pub(super) const ESCAPE: Self = Self { code: KeyCode::Esc, is_control: false };
    /// Always quits.
    pub(super) const INTERRUPT: Self = Self { code: KeyCode::Char('c'), is_control: true };

    /// Reads a key as it is written: `ctrl-r`, `shift-tab`, `G`, `f5`, `pgup`; or as it is shown.
    ///
    /// # Errors
    /// Why there is no such key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let plain = |code| Ok(Self { code, is_control: false });
        let mut characters = text.chars();
        if let (Some(c), None) = (characters.next(), characters.next()) {
            if c == ' ' || (!c.is_control() && !c.is_whitespace()) {
                return match NAMES.iter().find(|(_, names)| names.contains(&text)) {
                    Some((code, _)) => plain(*code),
                    None => plain(KeyCode::Char(c)),
                };
            }
            return Err("is no key".to_owned());
        }
        let lower = text.to_lowercase();
        if let Some((code, _)) =
            NAMES.iter().find(|(_, names)| names.iter().any(|name| name.to_lowercase() == lower))
        {
            return plain(*code);
        }
        if let Some(rest) = lower.strip_prefix("ctrl-").or_else(|| lower.strip_prefix("control-")) {
            return Self::with_control(rest);
        }
        if let Some(letter) = lower.strip_prefix("shift-").and_then(only_character) {
            return if letter.is_lowercase() {
                plain(KeyCode::Char(letter.to_uppercase().next().unwrap_or(letter)))
            } else {
                Err("is written as the character that Shift makes of it".to_owned())
            };
        }
        if lower.starts_with("alt-") || lower.starts_with("meta-") {
            return Err(
                "cannot be used: Alt and a letter is Esc and the letter to a terminal".into()
            );
        }
        let number = lower.strip_prefix('f').and_then(|number| number.parse::<u8>().ok());
        match number {
            Some(number @ 1..=12) => plain(KeyCode::F(number)),
            _ => {
                Err("is no key; keys are written as r, G, ctrl-r, shift-tab, f5, space".to_owned())
            }
        }
    }

    fn with_control(rest: &str) -> Result<Self, String> {
        let Some(letter) = only_character(rest) else {
            return Err("cannot be used: Control goes with one letter".to_owned());
        };
        if let Some((_, same)) = ALIKE.iter().find(|(own, _)| *own == letter) {
            return Err(format!("cannot be used: to a terminal it is the same as {same}"));
        }
        if !letter.is_ascii_lowercase() {
            return Err("cannot be used: Control goes with a letter from a to z".to_owned());
        }
        Ok(Self { code: KeyCode::Char(letter), is_control: true })
    }

    /// The key of an event; `None` where no key that can be written is it.
    #[must_use]
    pub fn of(event: KeyEvent) -> Option<Self> {
        if event.modifiers.contains(KeyModifiers::ALT) {
            return None;
        }
        let is_control = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(c) if is_control => KeyCode::Char(c.to_ascii_lowercase()),
            _ if is_control => return None,
            code => code,
        };
        Some(Self { code, is_control })
    }

    /// As it is shown: `r`, `Ctrl-R`, `PgUp`, `↑`.
    #[must_use]
    pub fn label(self) -> String {
        if let Some((_, names)) = NAMES.iter().find(|(code, _)| *code == self.code)
            && let Some(name) = names.first()
        {
            return (*name).to_owned();
        }
        match self.code {
            KeyCode::Char(c) if self.is_control => format!("Ctrl-{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::F(number) => format!("F{number}"),
            _ => String::new(),
        }
    }

    /// As it is written in the configuration: `ctrl-r`, `pgup`, `up`.
    #[must_use]
    pub fn written(self) -> String {
        let names = NAMES.iter().find(|(code, _)| *code == self.code).map(|(_, names)| *names);
        match names {
            Some([name, ..]) if name.is_ascii() => name.to_lowercase(),
            Some([_, name, ..]) => (*name).to_owned(),
            _ => match self.label() {
                label if label.chars().count() == 1 => label,
                label => label.to_lowercase(),
            },
        }
    }

    /// The key without Shift, where Shift is not in its character.
    pub(super) fn without_shift(self) -> Option<Self> {
        (self.code == KeyCode::BackTab).then_some(Self { code: KeyCode::Tab, ..self })
    }

    /// Whether it may mean what changes something. Not those that come in bursts of their own: the
    /// arrows, which a mouse wheel sends on some terminals, and what a pasted line ends with.
    #[must_use]
    pub fn may_act(self) -> bool {
        matches!(self.code, KeyCode::Char(_) | KeyCode::F(_) | KeyCode::Insert | KeyCode::Delete)
    }
}

fn only_character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_shown() {
        for (text, label, written) in [
            ("r", "r", "r"),
            ("G", "G", "G"),
            ("shift-g", "G", "G"),
            ("ctrl-r", "Ctrl-R", "ctrl-r"),
            ("Ctrl-R", "Ctrl-R", "ctrl-r"),
            ("shift-tab", "Shift-Tab", "shift-tab"),
            ("PGUP", "PgUp", "pgup"),
            ("space", "Space", "space"),
            (" ", "Space", "space"),
            ("f12", "F12", "f12"),
            ("up", "↑", "up"),
            ("↑", "↑", "up"),
            ("del", "Del", "del"),
            ("-", "-", "-"),
            ("+", "+", "+"),
            ("é", "é", "é"),
            ("f", "f", "f"),
        ] {
            let key = Key::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((&*key.label(), &*key.written()), (label, written), "{text}");
            assert_eq!(Key::parse(&key.label()), Ok(key));
            assert_eq!(Key::parse(&key.written()), Ok(key));
        }
    }

    #[test]
    fn what_is_no_key_of_its_own_is_refused_with_the_reason() {
        for (text, reason) in [
            ("ctrl-h", "the same as Backspace"),
            ("ctrl-i", "the same as Tab"),
            ("ctrl-m", "the same as Enter"),
            ("ctrl-[", "the same as Esc"),
            ("alt-r", "Alt and a letter is Esc"),
            ("ctrl-up", "one letter"),
            ("ctrl-1", "from a to z"),
            ("shift-1", "the character that Shift makes"),
            ("f13", "is no key"),
            ("hyper-x", "is no key"),
            ("", "is no key"),
            ("\u{7}", "is no key"),
            ("rr", "is no key"),
        ] {
            let why = Key::parse(text).unwrap_err();
            assert!(why.contains(reason), "{text}: {why}");
        }
    }

    #[test]
    fn what_comes_in_bursts_does_not_act() {
        let may_act = |text| Key::parse(text).unwrap().may_act();
        assert!(may_act("r") && may_act("ctrl-r") && may_act("f5") && may_act("del"));
        for text in ["up", "pgdn", "home", "tab", "shift-tab", "enter", "esc", "backspace"] {
            assert!(!may_act(text), "{text}");
        }
    }
}
