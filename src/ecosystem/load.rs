//! Reads a config file: JSON with comments, YAML, or JavaScript by way of the user's node.
//!
//! Invariant: the file's extension decides how it is read, as in PM2's `Common.isConfigFile`.

use std::path::Path;

use serde_json::Value as Json;

use super::{AppConfig, EcosystemError, NodeFinder};

/// Reads the apps of a config file.
///
/// # Errors
/// What is wrong with the file or with one of its apps.
#[expect(clippy::unused_async, reason = "signature first")]
pub async fn load(file: &Path, node: &NodeFinder) -> Result<Vec<AppConfig>, EcosystemError> {
    let _ = node;
    parse_value(&Json::Null, &file.to_string_lossy())
}

/// Reads the apps of a value: one app, an array of apps, or `{apps: ..}`. `file` is named in
/// errors (`standard input`, say, where there is no file).
///
/// # Errors
/// What is wrong with one of the apps.
pub fn parse_value(value: &Json, file: &str) -> Result<Vec<AppConfig>, EcosystemError> {
    Ok(vec![AppConfig::from_json(value, file, 1)?])
}
