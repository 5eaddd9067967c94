//! What a daemon says by itself: the bus, always read.

pub(super) mod gather;
mod output;
pub(super) mod reader;
