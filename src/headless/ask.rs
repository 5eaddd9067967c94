//! Asking before what cannot be undone.
//!
//! Invariant: without a yes nothing is done; where nobody can be asked, only `--yes` is one.

use std::io::{self, BufRead, IsTerminal, Write};

use super::Context;
use super::failure::Failure;
use crate::client::Client;
use crate::protocol::risk::Risk;

/// [`require`], for a call of this risk.
pub(super) fn require_for(context: &Context, risk: Risk, what: &str) -> Result<(), Failure> {
    if risk.needs_yes() { require(context, what) } else { Ok(()) }
}

/// [`confirm`], for a call of this risk: a person is asked sooner than a script is held up.
pub(super) fn confirm_for(context: &Context, risk: Risk, question: &str) -> Result<(), Failure> {
    if is_asked(context, risk) { confirm(context, question) } else { Ok(()) }
}

/// The same before what is done to processes of a daemon: whoever answers takes their time, and another
/// daemon may be there by then.
pub(super) async fn confirm_about(
    context: &Context,
    client: &Client,
    question: &str,
) -> Result<(), Failure> {
    if context.yes {
        return Ok(());
    }
    confirm(context, question)?;
    client.expect_same_daemon().await.map_err(|error| context.failure(error))
}

/// Whether a question comes before a call of this risk.
pub(super) fn is_asked(context: &Context, risk: Risk) -> bool {
    !context.yes && (risk.needs_yes() || (risk.asks() && can_ask()))
}

/// Refuses what has to be asked where nobody can be; called before anything is sent.
pub(super) fn require(context: &Context, what: &str) -> Result<(), Failure> {
    require_because(context, what, "")
}

/// The same, with what comes first: why it has to be asked.
pub(super) fn require_because(context: &Context, what: &str, why: &str) -> Result<(), Failure> {
    if context.yes || can_ask() {
        return Ok(());
    }
    let text = format!("{why}`{what}` needs --yes where nobody can be asked: nothing was done");
    Err(Failure::usage(text))
}

/// Asks, unless `--yes` has answered already.
pub(super) fn confirm(context: &Context, question: &str) -> Result<(), Failure> {
    if context.yes {
        return Ok(());
    }
    let mut error = io::stderr();
    write!(error, "{question} [y/N] ")?;
    error.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if is_yes(&answer) { Ok(()) } else { Err(Failure::condition("not done")) }
}

fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        assert!(is_yes("y\n") && is_yes(" YES \r\n"));
        for no in ["", "\n", "n", "yess", "ok", "y n"] {
            assert!(!is_yes(no), "{no}");
        }
    }
}
