//! pm2-tui: a terminal cockpit for the PM2 process manager, and the library it is made of. The
//! library's contract is [`client`] and what it gives.
//!
//! Data flows one way, through the modules in this order:
//!
//! ```text
//!  unix sockets
//!      │
//!   daemon    the only module that opens sockets, sleeps or retries
//!      │        (speaks through protocol: bytes <-> typed values)
//!   model     facts about PM2: processes, series, logs; no I/O
//!      │
//!   app       what the user is doing; update(&mut App, now, Message) -> Effects
//!      │
//!   view      a frame is a pure function of App and Theme
//!      │
//!   terminal  borrowed terminal, writer thread
//!   runtime   the loop: names what happened, lets update decide, performs effects
//! ```

// The contract is `client` and what it gives. The rest is public for the program, its tests and its
// benches.
#[doc(hidden)]
pub mod app;
#[doc(hidden)]
pub mod cli;
pub mod client;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod daemon;
#[doc(hidden)]
pub mod debug_log;
#[doc(hidden)]
pub mod demo;
#[doc(hidden)]
pub mod ecosystem;
#[doc(hidden)]
pub mod headless;
mod homes;
mod input;
#[doc(hidden)]
pub mod logs;
#[doc(hidden)]
pub mod model;
mod pacing;
#[doc(hidden)]
pub mod panic;
#[doc(hidden)]
pub mod protocol;
#[doc(hidden)]
pub mod runtime;
#[doc(hidden)]
pub mod session;
mod terminal;
#[doc(hidden)]
pub mod view;

pub use client::{Bus, Client};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
