//! A process as it was before it was deleted, so that it can be started again.
//!
//! Invariant: it is in memory only; what it holds, its environment among it, is never shown: it is not
//! even in the text for debugging.

use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Target;
use crate::protocol::process::ProcessInfo;

/// A process as it was.
#[derive(Clone, PartialEq)]
pub struct Kept {
    /// Which one.
    pub target: Target,
    /// Its `pm2_env`.
    env: Json,
    /// All of its app at that time, itself among them.
    app: Arc<[Target]>,
}

impl Kept {
    /// A process with its `pm2_env`.
    #[must_use]
    pub fn new(target: Target, env: Json) -> Self {
        let app = Arc::from([target.clone()]);
        Self { target, env, app }
    }

    /// The same, of an app that had these processes then.
    #[must_use]
    pub fn among(self, app: Arc<[Target]>) -> Self {
        Self { app, ..self }
    }

    /// Whether this is a process of its app that was not there yet when it was deleted: started again
    /// beside it, there would be one too many.
    #[must_use]
    pub fn is_newcomer(&self, info: &ProcessInfo) -> bool {
        self.is_of_app(info) && !self.app.iter().any(|known| known.is(info))
    }

    /// Whether this is a process of its app: of its name and namespace.
    #[must_use]
    pub fn is_of_app(&self, info: &ProcessInfo) -> bool {
        (&info.name, &info.namespace) == (&self.target.name, &self.target.namespace)
    }

    /// Whether both were of one app.
    #[must_use]
    pub fn is_sister(&self, other: &Self) -> bool {
        (&self.target.name, &self.target.namespace) == (&other.target.name, &other.target.namespace)
    }

    /// How many processes its app had then, itself among them.
    #[must_use]
    pub fn count_before(&self) -> usize {
        self.app.len()
    }

    /// Whether it was stopped: so it comes back.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.env.get("status").and_then(Json::as_str) == Some("stopped")
    }

    /// What it is started again from.
    #[must_use]
    pub fn into_env(self) -> Json {
        self.env
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("target", &self.target).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

    #[test]
    fn its_environment_is_not_in_any_text() {
        let target = Target::of(&ProcessInfo::new(PmId(3), "api", ProcessStatus::Online));
        let kept = Kept::new(target, serde_json::json!({ "env": { "TOKEN": "hunter2" } }));
        let text = format!("{kept:?}");
        assert!(text.contains("api") && !text.contains("hunter2"), "{text}");
    }
}
