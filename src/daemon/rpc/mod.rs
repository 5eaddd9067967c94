//! How the bytes of a call get to a daemon and back: where it is, one connection, when to poll and
//! when to connect again.

pub(crate) mod backoff;
pub(crate) mod connection;
pub mod endpoint;
mod poller;
pub(crate) mod session;
pub(crate) mod socket;
