//! What a daemon says by itself: the bus, always read. One thread drains it ([`drain`]), one reader
//! makes messages of that ([`reader`]) for whoever takes them: the screen ([`reports`]), an action
//! ([`attendance`]), the library's stream.

pub(crate) mod attendance;
pub(super) mod decoder;
mod drain;
pub(crate) mod ear;
pub(super) mod gathered;
pub(super) mod output;
pub(crate) mod reader;
mod reconnect;
pub(super) mod reports;
pub(crate) mod waiting;
