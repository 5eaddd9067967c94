//! Which calls are allowed, in which shape and at what risk, and how long each may take.

mod ask;
pub(crate) mod chosen;
pub(crate) mod failure;
mod guard;
pub(crate) mod message;
pub(crate) mod named;
mod opened;
pub(super) mod run;
pub(super) mod trigger;
