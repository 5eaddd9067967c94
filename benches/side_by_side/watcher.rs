//! The programs that are compared.

use std::time::Duration;

use crate::harness::home::Pm2Home;
use crate::harness::install::{Pm2, Release};
use crate::harness::screen::Screen;

/// The terminal of every watcher: columns and rows.
pub(crate) const SIZE: (u16, u16) = (120, 40);

/// Who watches the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watcher {
    /// Nobody: what God costs by itself.
    Nobody,
    /// A thread that reads the bus and does nothing with it.
    Drain,
    /// `pm2 monit`.
    Monit,
    /// `pm2 logs`.
    Logs,
    /// `pm2 logs --raw`.
    Raw,
    /// pm2-tui, polling once a second.
    Cockpit,
}

impl Watcher {
    /// Its name in the tables.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Drain => "a draining reader",
            Self::Monit => "pm2 monit",
            Self::Logs => "pm2 logs",
            Self::Raw => "pm2 logs --raw",
            Self::Cockpit => "pm2-tui",
        }
    }

    /// Starts it in a terminal; `None` for those that have none. `marker` is what is looked for
    /// in the output of `pm2 logs`, which is too much for a screen's parser to keep up with.
    pub(crate) fn start(self, home: &Pm2Home, marker: &'static str) -> Option<Screen> {
        let pm2 = Pm2::install();
        let cli = pm2.cli(Release::Seven);
        let cli = cli.to_str().unwrap();
        let environment = home.environment();
        match self {
            Self::Nobody | Self::Drain => None,
            Self::Monit => Some(Screen::program(SIZE, &pm2.node, &[cli, "monit"], &environment)),
            Self::Logs | Self::Raw => {
                let mut words = vec![cli, "logs", "--lines", "0"];
                words.extend((self == Self::Raw).then_some("--raw"));
                Some(Screen::searched(SIZE, &pm2.node, &words, &environment, marker))
            }
            Self::Cockpit => {
                Some(Screen::cockpit(SIZE, &["--home", home.path().to_str().unwrap()]))
            }
        }
    }
}

/// How long a watcher may take for anything before it counts as never.
pub(crate) const NEVER: Duration = Duration::from_mins(2);
