//! Ecosystem files: from what the user wrote to what the God daemon's `prepare` takes, as the pm2
//! CLI 7.0.4 does it.
//!
//! Invariant: nothing here talks to a daemon, and nothing is changed before every app of the file
//! was understood: an unknown key, a wrong type or a missing script is an [`EcosystemError`] that
//! names file, app and key.
//!
//! ```
//! use pm2_tui::client::ecosystem;
//!
//! let config = serde_json::json!({"apps": [{"script": "api.js", "instances": "max"}]});
//! let apps = ecosystem::parse_value(&config, "standard input")?;
//! assert_eq!(apps[0].name(), "api");
//!
//! let config = serde_json::json!({"name": "api", "script": "api.js", "instnaces": 2});
//! let error = ecosystem::parse_value(&config, "standard input").unwrap_err();
//! assert_eq!(error.to_string(), "standard input: app api: instnaces (instances?): PM2 has no such key");
//! # Ok::<(), ecosystem::EcosystemError>(())
//! ```
//!
//! To start the apps of a file: [`load`], [`prepare_all`], [`create_log_folders`], then one call of
//! `prepare` for each payload; where a process has the name already, [`restart_env`] and one of
//! `restartProcessId`.

mod accounts;
mod app;
mod comments;
mod context;
mod environment;
mod error;
mod expression;
mod interpreter;
mod load;
mod node;
mod paths;
mod prepare;
mod restart;
mod schema;

pub use app::AppConfig;
pub use context::Context;
pub use error::EcosystemError;
pub use load::{is_config_file, load, load_text, parse_json, parse_value};
pub use node::NodeFinder;
pub use prepare::{check_environment, create_log_folders, prepare_all, prepare_payloads};
pub use restart::restart_env;

#[cfg(test)]
mod tests;
