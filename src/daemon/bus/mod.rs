//! What a daemon says by itself: the bus, always read.

pub(crate) mod attendance;
pub(crate) mod ear;
pub(super) mod gather;
pub(super) mod output;
pub(super) mod reader;
