//! What a command without a screen sees of this machine beside the daemon's answer: the zone of its
//! clock, and the saved list.
//!
//! Invariant: the daemon is asked nothing; what cannot be looked at is not there.

use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use super::{measure, saved_list};
use crate::model::boot::SavedList;

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// The time zone that the daemon goes by.
    pub(crate) zone: Option<TimeZone>,
    /// The saved list as it stands to what was listed.
    pub(crate) saved: Option<SavedList>,
}

/// Looks at the daemon of this process in this home, which listed these. Blocks.
pub(crate) fn look(god: u32, home: &Path, listed: &[Json]) -> Beside {
    let reply = json!({ "args": [listed] }).to_string();
    let saved = saved_list::compared(&home.join("dump.pm2"), reply.as_bytes());
    Beside { zone: measure::zone(god), saved: Some(saved) }
}
