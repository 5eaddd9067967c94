//! What came of saving lines of the log.

use super::units;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// They are in a file.
    Written {
        /// Its path, cleaned.
        path: Box<str>,
        /// How many.
        lines: u64,
        /// Its size.
        bytes: u64,
        /// Of the lines, those that their log files do not hold any more.
        unreadable: u64,
    },
    /// A file is there already, and was not to be replaced.
    IsThere {
        /// Its path, cleaned.
        path: Box<str>,
    },
    /// Why they are not: a sentence.
    Failed(Box<str>),
}

impl Saved {
    /// What came of it, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Written { path, lines, bytes, unreadable } => {
                let count =
                    if *lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
                let but = match unreadable {
                    0 => String::new(),
                    gone => format!("; {gone} of them were gone from their log files"),
                };
                format!("saved {count}, {}, to {path}{but}", units::bytes(*bytes))
            }
            Self::IsThere { path } => format!("{path} is there already"),
            Self::Failed(why) => why.to_string(),
        }
    }
}
