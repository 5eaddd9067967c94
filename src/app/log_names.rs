//! How wide names are in the log.
//!
//! Invariant: it does not shrink, so that the text does not jump sideways as processes go.

use unicode_width::UnicodeWidthStr;

use crate::logs::Owner;
use crate::protocol::process::PmId;

/// The widest names of those that had lines, whether they are still there or not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Names {
    /// Without their ids, columns.
    pub(super) bare: u16,
    /// With them.
    pub(super) whole: u16,
}

impl Names {
    /// One more has lines.
    pub(super) fn take(&mut self, owner: &Owner) {
        if let Owner::Process { name, pm_id, .. } = owner {
            self.bare = self.bare.max(columns(name));
            self.whole = self.whole.max(pm_id.map_or_else(|| columns(name), |id| whole(name, id)));
        }
    }
}

/// Columns of a name with its id: `api[0]`.
pub(super) fn whole(name: &str, pm_id: PmId) -> u16 {
    let id = pm_id.to_string().len() + 2;
    columns(name).saturating_add(u16::try_from(id).unwrap_or(u16::MAX))
}

/// Columns of a text.
pub(super) fn columns(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}
