//! Ecosystem files: from what the user wrote to what the God daemon's `prepare` takes, as the pm2
//! CLI 7.0.4 does it.
//!
//! Invariant: nothing here talks to a daemon, and nothing is changed before every app of the file
//! was understood: an unknown key, a wrong type or a missing script is an [`EcosystemError`] that
//! names file, app and key.

mod accounts;
mod app;
mod comments;
mod cron;
mod environment;
mod error;
mod interpreter;
mod load;
mod node;
mod paths;
mod prepare;
mod schema;

pub use app::AppConfig;
pub use error::EcosystemError;
pub use load::{is_config_file, load, parse_json, parse_value};
pub use node::NodeFinder;
pub use prepare::{Context, create_log_folders, prepare_all, prepare_payloads};

#[cfg(test)]
mod tests;
