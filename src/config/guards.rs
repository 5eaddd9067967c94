//! The settings that guard processes, and what counts where one of them is wrong.
//!
//! Invariant: no mistake in the file makes anything less safe. What guards and may not have been read as
//! it was meant counts as its safest value, and what is said of it says that too.

use super::Config;
use super::words::near;
use crate::app::settings::Confirm;

/// A setting that guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// `read-only`.
    ReadOnly,
    /// `confirm`.
    Confirm,
    /// `production`.
    Production,
    /// `confirm` or `dangerous` of a `[[command]]`.
    Command,
    /// All of them: the file cannot be read.
    All,
}

/// Those before all tables.
const ROOT: [(&str, Guard); 3] = [
    ("read-only", Guard::ReadOnly),
    ("confirm", Guard::Confirm),
    ("production", Guard::Production),
];
/// Those of a `[[command]]`.
const COMMAND: [&str; 2] = ["confirm", "dangerous"];
/// The shortest beginning of a name that is taken for it, bytes.
const BEGINNING_MIN: usize = 4;

impl Guard {
    /// What counts until it is mended, in a few words.
    pub(super) const fn meanwhile(self) -> &'static str {
        match self {
            Self::ReadOnly | Self::All => "(until then: read-only)",
            Self::Confirm | Self::Production => "(until then all is asked about)",
            Self::Command => "(until then it counts as dangerous, and is asked about)",
        }
    }
}

/// What of the guards is in doubt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Doubts {
    is_read_only: bool,
    is_asked: bool,
    commands: bool,
}

impl Doubts {
    /// This one is.
    pub(super) fn note(&mut self, guard: Guard) {
        match guard {
            Guard::ReadOnly => self.is_read_only = true,
            Guard::Confirm | Guard::Production => self.is_asked = true,
            Guard::Command => {}
            Guard::All => (self.is_read_only, self.is_asked) = (true, true),
        }
    }

    /// Those of commands are; it is not known of which.
    pub(super) fn note_commands(&mut self) {
        self.commands = true;
    }

    /// Takes the safest values where something is in doubt.
    pub(super) fn settle(self, config: &mut Config) {
        config.read_only |= self.is_read_only;
        if self.is_asked {
            config.settings.confirm = Confirm::Always;
        }
        if self.commands {
            for command in &mut config.settings.commands {
                (command.asks, command.is_dangerous) = (true, true);
            }
        }
    }
}

/// The guard that a key before all tables is probably meant as.
pub(super) fn meant(key: &str) -> Option<Guard> {
    let plain = key.to_lowercase().replace(['_', ' '], "-");
    let begins = |name: &str| {
        plain.starts_with(name) || (plain.len() >= BEGINNING_MIN && name.starts_with(&*plain))
    };
    let near = near(key, ROOT.iter().map(|(name, _)| *name));
    ROOT.iter().find(|(name, _)| Some(*name) == near || begins(name)).map(|(_, guard)| *guard)
}

/// Whether a key of a `[[command]]` is probably meant as one that guards.
pub(super) fn is_meant_of_command(key: &str) -> bool {
    near(key, COMMAND.into_iter()).is_some()
}

/// A line that begins with a key.
struct KeyLine<'t> {
    /// From 1.
    line: usize,
    key: &'t str,
    /// Whether it stands in a `[[command]]`.
    is_of_command: bool,
    /// Whether it stands before all tables.
    is_of_root: bool,
    /// Whether its value goes on in the lines behind it, or would if it were not broken.
    is_open: bool,
}

/// The lines of a text that begin with a key, as far as that can be told without TOML.
fn key_lines(text: &str) -> Vec<KeyLine<'_>> {
    let (mut is_of_command, mut is_of_root) = (false, true);
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start().trim_start_matches('\u{feff}');
        if line.starts_with('[') {
            let name = line.trim_start_matches(['[', ' ']);
            (is_of_command, is_of_root) = (name.starts_with("command"), false);
            continue;
        }
        let key = line.trim_start_matches(['"', '\'']);
        let end = key.find(|c: char| !(c.is_alphanumeric() || "-_".contains(c)));
        let key = key.get(..end.unwrap_or(key.len())).unwrap_or_default();
        if !key.is_empty() {
            let count = |c: char| line.chars().filter(|other| *other == c).count();
            let is_open =
                count('[') > count(']') || line.contains("\"\"\"") || line.contains("'''");
            lines.push(KeyLine { line: at + 1, key, is_of_command, is_of_root, is_open });
        }
    }
    lines
}

/// Which guards may not have been read as they were meant, each with its line, of a text that is no
/// TOML in these lines. A broken line may swallow those behind it; a key that stands twice counts once.
pub(super) fn doubtful(
    text: &str,
    broken: &[usize],
    is_read: impl Fn(&str) -> bool,
) -> Vec<(usize, Guard)> {
    if broken.is_empty() {
        return Vec::new();
    }
    let lines = key_lines(text);
    let mut found = Vec::new();
    for (place, at) in lines.iter().enumerate() {
        let next = lines.get(place + 1).map_or(usize::MAX, |next| next.line);
        let is_its = |line: &usize| (at.line..next).contains(line) || (at.is_open && *line == next);
        let is_broken = broken.iter().any(is_its);
        if at.is_of_command && is_meant_of_command(at.key) {
            if is_broken {
                found.push((at.line, Guard::Command));
            }
            continue;
        }
        let Some(guard) = meant(at.key) else { continue };
        if is_broken || !at.is_of_root || !is_read(at.key) {
            found.push((at.line, guard));
        }
    }
    found
}
