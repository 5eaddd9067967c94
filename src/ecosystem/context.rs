//! What the pm2 CLI takes from the shell that it runs in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::interpreter::Search;

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
    /// The version that the daemon tells: a cron pattern has to be one that this release reads.
    /// Without it, one that every release reads.
    pub pm2_version: Option<String>,
}

impl Context {
    pub(super) fn search(&self) -> Search<'_> {
        let variable = |name: &str| {
            self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
        };
        Search { path: variable("PATH"), nvm: variable("NVM_DIR"), cwd: &self.cwd }
    }
}
