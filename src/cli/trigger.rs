//! The options of `trigger`.
//!
//! Invariant: the parameters are a text, as `pm2 trigger` hands it to the app.

use std::time::Duration;

use clap::Args;

use super::quantity::parse_wait;

/// `trigger`.
#[derive(Debug, Clone, Args)]
pub struct Trigger {
    /// Id, name, namespace or `all`
    pub target: String,
    /// The action's name, as the app declares it
    pub action: String,
    /// Parameter of the action, as text
    #[arg(allow_hyphen_values = true)]
    pub params: Option<String>,
    /// How long to wait for the replies
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_wait)]
    pub timeout: Duration,
    /// Print JSON lines: `pm_id`, `name`, `action` and `return`
    #[arg(long)]
    pub json: bool,
}
