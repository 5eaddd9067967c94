//! The help: a line for each command, by pane, the one in front first; and where it stands on the
//! screen.
//!
//! Invariant: it is made of the keymap, and of nothing else; before it stands what is wrong with the
//! configuration.

use std::borrow::Cow;

use super::command::{Command, LogCommand};
use super::editor::Editor;
use super::geometry::{Overlay, SIDES, overlay, wrap};
use super::keymap::{Keymap, Place, Row, name};

/// The most columns of the keys.
const KEYS_MAX: u16 = 16;
/// The widest text.
const COLUMNS_MAX: u16 = 76;

/// The open help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// First row shown.
    pub top: u16,
    /// Where it was opened: what is said of that comes first.
    pub place: Place,
    /// What is searched for; nothing where it is empty.
    pub input: Editor,
    /// Whether that is being typed.
    pub is_typing: bool,
    /// What is wrong with the configuration.
    pub mistakes: Vec<String>,
}

/// One line of the help overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpLine {
    /// The keys, on the first line of a command; `""` on those that follow.
    pub keys: String,
    /// A piece of the sentence, or the title of a pane.
    pub text: String,
    /// Whether it is that title.
    pub is_title: bool,
}

impl Help {
    /// With what is said of this place first.
    #[must_use]
    pub fn of(place: Place) -> Self {
        let (input, mistakes) = (Editor::default(), Vec::new());
        Self { top: 0, place, input, is_typing: false, mistakes }
    }

    /// The same, and what is wrong with the configuration.
    #[must_use]
    pub(super) fn with(self, mistakes: &[String]) -> Self {
        Self { mistakes: mistakes.to_vec(), ..self }
    }

    /// The overlay, for a terminal of `size`.
    #[must_use]
    pub fn overlay(&self, keymap: &Keymap, size: (u16, u16)) -> Overlay {
        let columns = size.0.min(COLUMNS_MAX).saturating_sub(SIDES);
        let lines = self.lines(keymap, columns).len() + usize::from(self.has_input());
        overlay(size, columns, u16::try_from(lines).unwrap_or(u16::MAX))
    }

    /// Whether the line with what is searched for is shown.
    #[must_use]
    pub fn has_input(&self) -> bool {
        self.is_typing || !self.input.text().is_empty()
    }

    /// The rows for lines of help.
    #[must_use]
    pub fn rows(&self, keymap: &Keymap, size: (u16, u16)) -> u16 {
        self.overlay(keymap, size).text.rows.saturating_sub(u16::from(self.has_input()))
    }

    /// How far it can be scrolled down.
    #[must_use]
    pub fn top_max(&self, keymap: &Keymap, size: (u16, u16)) -> u16 {
        let columns = self.overlay(keymap, size).text.columns;
        let lines = u16::try_from(self.lines(keymap, columns).len()).unwrap_or(u16::MAX);
        lines.saturating_sub(self.rows(keymap, size))
    }

    /// Its lines, one or more for each command that is searched for, wrapped for so many columns.
    #[must_use]
    pub fn lines(&self, keymap: &Keymap, columns: u16) -> Vec<HelpLine> {
        let typed = self.input.text().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let is_wanted = |row: &&Row| {
            let text = format!("{} {} {}", row.label, name(&row.label), row.help).to_lowercase();
            let keys = row.keys.to_lowercase();
            words.iter().all(|word| text.contains(word) || keys.split(' ').any(|key| key == *word))
        };
        let text_columns = columns.saturating_sub(keys_columns(keymap));
        let mut lines = self.mistaken(&words, text_columns);
        for (place, title) in self.places() {
            let rows: Vec<&Row> = match place {
                Place::Details => keymap.details().filter(is_wanted).collect(),
                _ => keymap
                    .rows()
                    .filter(|row| Place::of(row.pane) == place)
                    .filter(is_wanted)
                    .collect(),
            };
            if rows.is_empty() {
                continue;
            }
            if !lines.is_empty() {
                lines.push(HelpLine { keys: String::new(), text: String::new(), is_title: false });
            }
            lines.push(HelpLine { keys: String::new(), text: title.to_owned(), is_title: true });
            for row in rows {
                let mut keys = row.keys.clone();
                for text in wrap(&without_place(&row.help), text_columns) {
                    lines.push(HelpLine { keys: std::mem::take(&mut keys), text, is_title: false });
                }
            }
        }
        lines
    }

    /// What is wrong with the configuration, of what has these words.
    fn mistaken(&self, words: &[&str], columns: u16) -> Vec<HelpLine> {
        let line = |text: String, is_title| HelpLine { keys: String::new(), text, is_title };
        let is_wanted = |text: &&String| {
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let found = self.mistakes.iter().filter(is_wanted);
        let mut lines: Vec<HelpLine> =
            found.flat_map(|text| wrap(text, columns)).map(|text| line(text, false)).collect();
        if !lines.is_empty() {
            lines.insert(0, line("Wrong in the configuration".to_owned(), true));
        }
        lines
    }

    /// The panes, that in front first.
    fn places(&self) -> Vec<(Place, &'static str)> {
        let mut all = vec![
            (Place::Table, "In the table"),
            (Place::Everywhere, "In table and log"),
            (Place::Log, "In the log"),
            (Place::Details, "In the details"),
        ];
        all.sort_by_key(|(place, _)| {
            let is_own = *place == self.place;
            (!is_own, *place != Place::Everywhere)
        });
        all
    }

    /// A command while it is open; false where it closes.
    pub(super) fn take(&mut self, keymap: &Keymap, size: (u16, u16), command: Command) -> bool {
        match command {
            Command::Open if self.is_typing => self.is_typing = false,
            Command::Back if self.has_input() => {
                (self.input, self.is_typing, self.top) = (Editor::default(), false, 0);
            }
            Command::Back | Command::No | Command::Help => return false,
            Command::Filter | Command::Log(LogCommand::Search) => self.is_typing = true,
            command => self.scroll(keymap, size, command),
        }
        true
    }

    fn scroll(&mut self, keymap: &Keymap, size: (u16, u16), command: Command) {
        let page = self.rows(keymap, size).max(1);
        let last = self.top_max(keymap, size);
        self.top = match command {
            Command::Up => self.top.saturating_sub(1),
            Command::Down => self.top.saturating_add(1),
            Command::PageUp => self.top.saturating_sub(page),
            Command::PageDown => self.top.saturating_add(page),
            Command::First => 0,
            Command::Last => last,
            _ => self.top,
        }
        .min(last);
    }
}

/// A sentence without the pane that it is about: that stands above it.
pub(crate) fn without_place(help: &str) -> Cow<'_, str> {
    let rest = placeless(help);
    if rest == help { Cow::Borrowed(help) } else { Cow::Owned(sentence(rest)) }
}

/// With a capital at its beginning.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// The same as it is written, in the middle of a line.
pub(crate) fn placeless(help: &str) -> &str {
    let rest = help.strip_prefix("In the table: ").or_else(|| help.strip_prefix("In the log: "));
    rest.unwrap_or(help)
}

/// Columns of the keys: the widest, and a gap.
#[must_use]
pub fn keys_columns(keymap: &Keymap) -> u16 {
    let rows = keymap.rows().chain(keymap.details());
    let widest = rows.map(|row| row.keys.chars().count()).max().unwrap_or(0);
    u16::try_from(widest).unwrap_or(u16::MAX).saturating_add(1).min(KEYS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help() -> Help {
        Help::of(Place::Table)
    }

    fn searched(text: &str) -> Vec<HelpLine> {
        let mut help = help();
        help.input = Editor::new(text);
        help.lines(&Keymap::default(), 70)
    }

    #[test]
    fn help_scrolls_to_its_end() {
        let (keymap, help) = (Keymap::default(), help());
        let text = help.overlay(&keymap, (40, 10)).text;
        assert_eq!((text.columns, text.rows), (38, 8));
        let lines = help.lines(&keymap, text.columns).len() as u16;
        assert_eq!(help.top_max(&keymap, (40, 10)), lines - text.rows);
        assert_eq!(help.top_max(&keymap, (120, 300)), 0);
        let _ = help.top_max(&keymap, (0, 0));
    }

    #[test]
    fn what_is_in_front_comes_first() {
        let first = |place| Help::of(place).lines(&Keymap::default(), 70)[0].text.clone();
        assert_eq!(first(Place::Table), "In the table");
        assert_eq!(first(Place::Log), "In the log");
        assert_eq!(first(Place::Details), "In the details");
    }

    #[test]
    fn it_is_searched_by_words_names_and_keys() {
        let found = searched("undo");
        assert!(found[0].is_title && found.iter().any(|line| line.keys == "u"), "{found:?}");
        assert!(searched("ctrl-r").iter().any(|line| line.text.contains("Reconnect")));
        assert!(searched("mark-all").iter().any(|line| line.keys == "*"));
        assert_eq!(searched("nothing of the kind"), []);
    }

    #[test]
    fn a_search_closes_before_the_help_does() {
        let (keymap, mut help) = (Keymap::default(), help());
        let mut take = |command| help.take(&keymap, (80, 24), command);
        assert!(take(Command::Filter) && take(Command::Open) && take(Command::Down));
        assert!(take(Command::Filter) && take(Command::Back));
        assert!(!take(Command::Back));
    }

    #[test]
    fn a_sentence_does_not_repeat_its_title() {
        for place in [Place::Table, Place::Log] {
            let lines = Help::of(place).lines(&Keymap::default(), 500);
            let repeats = |line: &&HelpLine| {
                let is_place = ["In the table: ", "In the log: "];
                is_place.iter().any(|place| line.text.starts_with(place))
            };
            assert_eq!(lines.iter().find(repeats), None);
        }
        assert_eq!(without_place("In the log: to a time"), "To a time");
    }

    #[test]
    fn what_has_another_name_elsewhere_is_found_by_that() {
        for (typed, keys) in [("jump", "T"), ("hist", "i")] {
            let help = Help { input: Editor::new(typed), ..Help::of(Place::Log) };
            let lines = help.lines(&Keymap::default(), 70);
            assert!(lines.iter().any(|line| line.keys == keys), "{typed}: {lines:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_configuration_stands_before_the_keys() {
        let mistakes = ["config.toml:3: unknown key `colour`".to_owned()];
        let help = Help::of(Place::Table).with(&mistakes);
        let text = |help: &Help, at: usize| help.lines(&Keymap::default(), 70)[at].text.clone();
        assert_eq!(text(&help, 0), "Wrong in the configuration");
        assert_eq!(text(&help, 1), mistakes[0]);
        assert_eq!(text(&Help { input: Editor::new("colour"), ..help.clone() }, 1), mistakes[0]);
        let other = Help { input: Editor::new("restart"), ..help };
        assert_ne!(text(&other, 0), "Wrong in the configuration");
    }
}
