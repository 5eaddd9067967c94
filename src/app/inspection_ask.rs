//! What can be asked for in the details of a process alone.

/// What can be asked for in the details alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// The next tab.
    Next,
    /// The tab before.
    Previous,
    /// The tab of this number, from 1; 0 in the table of keys, where it is any.
    Tab(u8),
    /// Charts that reach further back.
    Longer,
    /// Charts that reach less far back.
    Shorter,
    /// Copy what is chosen.
    Copy,
    /// Copy all of the tab.
    CopyAll,
    /// Search the names of the environment, or the raw JSON.
    Search,
    /// To the next hit.
    NextHit,
    /// To the hit before.
    PreviousHit,
}
