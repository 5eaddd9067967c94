//! One app of a config, its keys and types checked as PM2's schema has them.
//!
//! Invariant: an [`AppConfig`] has only keys that PM2's schema has, by their own names (not the
//! aliases), each of a type that the schema allows.

use serde_json::{Map, Value as Json};

use super::EcosystemError;

/// One app of a config file, checked; paths are still as written.
#[derive(Debug, Clone, PartialEq)]
pub struct AppConfig {
    /// The file that it is from, for errors.
    pub(super) file: String,
    /// Its name, for errors and `--only`.
    pub(super) name: String,
    /// PM2's keys.
    pub(super) keys: Map<String, Json>,
    /// The `deploy` part of the file: each environment there may add variables.
    pub(super) deploy: Map<String, Json>,
}

impl AppConfig {
    /// Checks one app as PM2's `Config.validateJSON` does, but with unknown keys refused.
    ///
    /// `file` is named in errors; `place` is the app's number in it, from 1.
    ///
    /// # Errors
    /// [`EcosystemError::App`] for the first key that is not understood.
    pub fn from_json(value: &Json, file: &str, place: usize) -> Result<Self, EcosystemError> {
        let _ = (value, place);
        Err(EcosystemError::Shape { file: file.to_owned(), reason: "not yet".to_owned() })
    }

    /// The app's name as PM2 will list it (without what `append_env_to_name` appends).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
