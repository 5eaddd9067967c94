//! An action that apps declare, triggered, and what each process replied.

use serde_json::Value as Json;

use super::Target;

/// An action to be triggered.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// Its name, as it is declared.
    pub action: Box<str>,
    /// What the action is handed, if anything.
    pub params: Option<Json>,
    /// In which processes, as the user chose them.
    pub targets: Vec<Target>,
}

/// What one process replied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// This: one cleaned line of JSON.
    Returned(Box<str>),
    /// It called back with nothing.
    Nothing,
    /// No reply came: the action never called back, or not in time.
    Silent {
        /// How long was waited, milliseconds.
        waited_ms: u64,
        /// Whether something of the bus was missed meanwhile.
        is_deaf: bool,
    },
    /// It ended before it replied.
    Ended,
    /// It was not triggered: why, cleaned.
    Refused(Box<str>),
}

impl Reply {
    /// Whether the action called back.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Returned(_) | Self::Nothing)
    }

    /// The reply in one line.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Returned(json) => json.to_string(),
            Self::Nothing => "it is done, and returned nothing".to_owned(),
            Self::Silent { waited_ms, is_deaf } => {
                let waited = *waited_ms as f64 / 1000.0;
                let missed = if *is_deaf { ", but some events were missed" } else { "" };
                format!("no reply in {waited:.0} s{missed}")
            }
            Self::Ended => "it ended before it replied".to_owned(),
            Self::Refused(why) => format!("not triggered: {why}"),
        }
    }
}
