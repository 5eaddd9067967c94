//! pm2-tui: a terminal cockpit for the PM2 process manager, and the library it is made of.
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

pub mod app;
pub mod cli;
pub mod client;
pub mod daemon;
pub mod debug_log;
pub mod demo;
pub mod ecosystem;
pub mod headless;
mod homes;
mod input;
pub mod logs;
pub mod model;
mod pacing;
pub mod panic;
pub mod protocol;
pub mod runtime;
pub mod session;
mod terminal;
pub mod view;

pub use client::{Bus, Client};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
