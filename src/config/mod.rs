//! The configuration of the screen: a TOML file of the user's, read once at the start.
//!
//! Invariant: a file that cannot be read, or is wrong somewhere, costs what is wrong in it and never
//! the screen; everything that is wrong is a [`Finding`] with its line. What guards processes is never
//! less safe by a mistake. A flag counts more than the file. The commands without a screen heed
//! `read-only` and `audit` and nothing else of it: a script does not depend on its user's taste.

mod commands;
mod file;
mod guards;
mod keys;
mod reading;
mod sections;
#[cfg(test)]
mod tests;
mod themes;
mod values;
mod watching;
mod words;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use guards::{Doubts, Guard};
pub use reading::Finding;

use crate::app::keymap::{Binding, Keymap};
use crate::app::settings::Settings;
use crate::cli::{Cli, Screen};
use crate::protocol::text::clean;
use crate::view::sets::{Choice, Own};

/// The annotated defaults, as `pm2-tui config` prints them.
const DEFAULTS: &str = include_str!("default.toml");

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// Options of the screen; a flag counts more.
    pub screen: Screen,
    /// Whether everything that changes something is refused.
    pub read_only: bool,
    /// How long a started process is watched.
    pub settle: Option<Duration>,
    /// Largest message accepted from the daemon, MiB.
    pub frame_mib: Option<u32>,
    /// The colours that are wanted.
    pub theme: Choice,
    /// The user's own themes, by their names.
    themes: Vec<(String, Own)>,
    /// Which keys mean what.
    pub keys: Keymap,
    /// What the app is told.
    pub settings: Settings,
    /// The keys as they were written, until all are read.
    bindings: Vec<Binding>,
}

/// What came of looking for the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// What it says; the defaults where it says nothing.
    pub config: Config,
    /// Where it is, or would be; `None` where nothing says.
    pub path: Option<PathBuf>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Whether there is a file.
    pub is_there: bool,
}

impl Loaded {
    /// The disk that the file is on does not answer.
    #[must_use]
    pub fn unanswered() -> Self {
        Self::unread("the configuration is not read: its disk does not answer")
    }

    /// There is a file, perhaps, and nothing of it is known.
    fn unread(why: &str) -> Self {
        let mut config = Config::default();
        let mut doubts = Doubts::default();
        doubts.note(Guard::All);
        doubts.settle(&mut config);
        Self { config, findings: vec![Finding::of_file(why)], is_there: true, path: None }
    }

    /// Why everything is refused, where that is because of the file.
    #[must_use]
    pub fn read_only(&self) -> Option<String> {
        if !self.config.read_only {
            return None;
        }
        let path = self.path.as_deref().unwrap_or_else(|| Path::new("the configuration"));
        let path = clean(&path.to_string_lossy()).into_owned();
        let is_it =
            |finding: &&Finding| matches!(finding.guard, Some(Guard::ReadOnly | Guard::All));
        let finding = self.findings.iter().find(is_it);
        Some(match finding {
            Some(Finding { line: Some(line), text, .. }) => format!("{path}:{line}: {text}"),
            Some(Finding { text, .. }) => {
                format!("{path}: {text}; PM2_TUI_CONFIG=/dev/null goes without it")
            }
            None => format!("read-only = true in {path}"),
        })
    }

    /// What is wrong, a line each: `config.toml:12: ..`.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        let name = self.file_name();
        let line = |finding: &Finding| match finding.line {
            Some(line) => format!("{name}:{line}: {}", finding.text),
            None => format!("{name}: {}", finding.text),
        };
        self.findings.iter().map(line).collect()
    }

    /// The name of the file, cleaned.
    fn file_name(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name).unwrap_or_default();
        clean(&name.to_string_lossy()).into_owned()
    }

    /// What is wrong, in one line that may be cut at its end: how many findings there are, and the first,
    /// before all one about what guards.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        let guards = self.findings.iter().find(|finding| finding.guard.is_some());
        let first = guards.or_else(|| self.findings.first())?;
        let name = self.file_name();
        let place = first.line.map_or_else(String::new, |line| format!(":{line}"));
        let all = match self.findings.len() {
            1 => String::new(),
            all => format!("{all} mistakes (pm2-tui config check), "),
        };
        Some(format!("{all}{name}{place}: {}", first.text))
    }
}

/// Reads the file that `--config`, `PM2_TUI_CONFIG` or the XDG folders name. Blocks.
#[must_use]
pub fn load(named: Option<&Path>, env: impl Fn(&str) -> Option<OsString>) -> Loaded {
    let Some(place) = file::place(named, env) else { return Loaded::default() };
    let text = match file::read(&place) {
        Ok(text) => text.unwrap_or_default(),
        Err(why) => {
            return Loaded { path: Some(place.path), ..Loaded::unread(&why) };
        }
    };
    let is_there = file::is_there(&place);
    let (config, findings) = sections::read(&text);
    Loaded { config, path: Some(place.path), findings, is_there }
}

/// What is wrong with a home of `production` that is not there.
pub(crate) const NO_FOLDER: &str = "there is no such folder on this machine: it guards nothing";

/// What is to be known of a host of `production` that is neither this machine nor watched.
pub(crate) const OTHER_HOST: &str =
    "this machine is not called so: it guards only a daemon that is watched there (--daemon)";

/// Which of these places are paths where nothing is on this machine: a mistyped home guards nothing.
/// Blocks.
pub(crate) fn missing(places: &[Box<str>]) -> Vec<Box<str>> {
    let is_missing = |place: &str| {
        let found = place.starts_with('/').then(|| std::fs::metadata(place));
        found.is_some_and(|found| found.is_err_and(|it| it.kind() == ErrorKind::NotFound))
    };
    places.iter().filter(|place| is_missing(place)).cloned().collect()
}

/// The annotated defaults: every setting, commented out.
#[must_use]
pub fn defaults() -> String {
    format!("{DEFAULTS}{}", keys::printed())
}

impl Config {
    /// The colours that are wanted: those of this name, else as the file says.
    ///
    /// # Errors
    /// There is no theme of that name, and which there are.
    pub fn theme(&self, named: Option<&str>) -> Result<Choice, String> {
        named.map_or(Ok(self.theme), |name| themes::named(name, &self.themes))
    }

    /// Fills in what the command line leaves open.
    pub fn complete(&self, cli: &mut Cli) {
        cli.screen = cli.screen.or(&self.screen);
        cli.read_only |= self.read_only;
        cli.settle = cli.settle.or(self.settle);
        cli.frame_mib = cli.frame_mib.or(self.frame_mib);
    }
}
