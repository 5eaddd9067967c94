//! Bytes to typed values and back: AMP frames, axon messages, pm2-axon-rpc calls and replies,
//! bus events, and PM2's process JSON.
//!
//! Invariant: this module knows no sockets, no clock and no other module of the crate. Reading is
//! lenient (a missing, null, mistyped or new field costs that field, never the message; a
//! malformed message costs that message, never the connection), writing is strict (what the
//! God daemon would choke on cannot be built).

pub mod amp;
pub mod bus;
pub mod cron;
pub mod drift;
pub mod dump;
pub(crate) mod escape;
mod json;
pub mod layout;
pub mod meant;
pub mod message;
pub mod process;
pub mod redact;
pub mod risk;
pub mod rpc;
pub mod settings;
mod sgr;
pub mod shape;
pub mod shell;
mod style;
pub mod text;
pub mod value;
