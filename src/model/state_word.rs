//! What is said of how a process stands: PM2's word, and what that leaves out. The table of `ls`, the
//! filter, the exporter, `describe` and the details all say it by this one function.

use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// PM2's word, and what it leaves out: `online, looping`.
#[must_use]
pub fn state_word(info: &ProcessInfo, is_looping: bool) -> String {
    match &info.status {
        _ if info.never_started() => "online, never started".to_owned(),
        ProcessStatus::WaitingRestart if info.has_given_up() => {
            "waiting restart, given up".to_owned()
        }
        status if is_looping => format!("{}, looping", status.as_str()),
        status => status.as_str().to_owned(),
    }
}
