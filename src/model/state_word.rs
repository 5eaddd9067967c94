//! What is said of how a process stands: PM2's word, and what that leaves out. The table of `ls`, the
//! filter, the exporter, `describe` and the details all say it by this one function.

use super::process::Process;
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// PM2's word, and what it leaves out: `online, looping`.
#[must_use]
pub fn state_word(info: &ProcessInfo, is_looping: bool) -> String {
    match &info.status {
        _ if info.never_started() => "online, never started".to_owned(),
        ProcessStatus::WaitingRestart if info.has_given_up() => {
            "waiting restart, given up".to_owned()
        }
        // PM2 says `stopped` of what it is about to start.
        ProcessStatus::Stopped if is_looping => "restarting, looping".to_owned(),
        ProcessStatus::Stopped if info.is_between_lives() => "restarting".to_owned(),
        status if is_looping => format!("{}, looping", status.as_str()),
        status => status.as_str().to_owned(),
    }
}

/// The same of a process that is watched.
#[must_use]
pub fn of(process: &Process) -> String {
    state_word(&told_now(process), process.is_looping)
}

/// What PM2 says of a process, and what events told since. They tell no pid: one that came online has one
/// all the same, which is 0 here.
#[must_use]
pub fn told_now(process: &Process) -> ProcessInfo {
    let is_untold = !process.is_pid_known && process.info.status == ProcessStatus::Online;
    let pid = process.info.pid.or(is_untold.then_some(0));
    ProcessInfo { pid, ..process.info.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::PmId;

    #[test]
    fn what_pm2_is_about_to_start_is_not_called_stopped() {
        let info = |status, pid| ProcessInfo { pid, ..ProcessInfo::new(PmId(0), "a", status) };
        let said = |pid, is_looping| state_word(&info(ProcessStatus::Stopped, pid), is_looping);
        assert_eq!(said(None, false), "stopped");
        assert_eq!(said(Some(7), false), "restarting");
        assert_eq!(said(Some(7), true), "restarting, looping");
        let mut process = Process::new(info(ProcessStatus::Online, None));
        assert_eq!(of(&process), "online, never started");
        process.is_pid_known = false;
        assert_eq!(of(&process), "online", "an event has no pid");
    }
}
