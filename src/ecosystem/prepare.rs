//! From a checked app to the argument of `prepare`, as the pm2 CLI 7.0.4 builds it.
//!
//! Invariant: [`prepare_payloads`] reads the file system (does the script exist?) and changes
//! nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::{AppConfig, EcosystemError};

/// What the pm2 CLI takes from the shell that it runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The daemon's `PM2_HOME`, absolute.
    pub pm2_home: PathBuf,
    /// The caller's working folder, absolute.
    pub cwd: PathBuf,
    /// The caller's environment: what apps get below their own `env`.
    pub environment: BTreeMap<String, String>,
    /// `--env NAME`: lays `env_NAME` over `env`.
    pub env_name: Option<String>,
}

/// The payloads of `prepare` for one app: one call each (the daemon itself makes the instances).
///
/// # Errors
/// [`EcosystemError::App`]: script or folder missing, no interpreter, a bad cron pattern.
pub fn prepare_payloads(app: &AppConfig, context: &Context) -> Result<Vec<Json>, EcosystemError> {
    let _ = context;
    Err(EcosystemError::Shape { file: app.file.clone(), reason: "not yet".to_owned() })
}

/// The payloads of all apps, in order, or the first error: to be called before any is sent.
///
/// # Errors
/// As [`prepare_payloads`].
pub fn prepare_all(apps: &[AppConfig], context: &Context) -> Result<Vec<Json>, EcosystemError> {
    let payloads = apps.iter().map(|app| prepare_payloads(app, context));
    Ok(payloads.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Makes the folders of the payloads' log and pid files, as the pm2 CLI does just before it sends
/// them.
///
/// # Errors
/// [`EcosystemError::Unreadable`] names the folder that could not be made.
pub fn create_log_folders(payloads: &[Json]) -> Result<(), EcosystemError> {
    let _ = payloads;
    Ok(())
}
