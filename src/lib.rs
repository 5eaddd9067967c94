//! pm2-tui: a terminal cockpit for the PM2 process manager.

pub mod app;
pub mod demo;
pub mod model;
pub mod protocol;
pub mod view;
