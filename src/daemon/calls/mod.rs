//! Which calls are allowed, in which shape and at what risk, and how long each may take.

pub(crate) mod ask;
pub(crate) mod failure;
mod guard;
pub(crate) mod message;
mod named;
pub(super) mod run;
