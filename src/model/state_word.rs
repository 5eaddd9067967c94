//! What is said of how a process stands: PM2's word, and what that leaves out. The table on the screen and
//! of `ls`, the filter, the exporter, `check`, `describe` and the details all take it from here.

use super::process::Process;
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// PM2's word, and what it leaves out: `online, looping`.
#[must_use]
pub fn state_word(info: &ProcessInfo, is_looping: bool) -> String {
    match (pm2_word(info, is_looping), beside(info, info.never_started(), is_looping)) {
        (word, Some(beside)) => format!("{word}, {beside}"),
        (word, None) => word.to_owned(),
    }
}

/// PM2's word, but of what it is about to start: that it calls `stopped`.
fn pm2_word(info: &ProcessInfo, is_looping: bool) -> &str {
    match &info.status {
        ProcessStatus::Stopped if is_looping || info.is_between_lives() => "restarting",
        status => status.as_str(),
    }
}

/// What PM2's word leaves out.
fn beside(info: &ProcessInfo, is_never: bool, is_looping: bool) -> Option<&'static str> {
    if is_never {
        Some("never started")
    } else if info.status == ProcessStatus::WaitingRestart && info.has_given_up() {
        Some("given up")
    } else {
        is_looping.then_some("looping")
    }
}

/// The same for a row that is looked at: both words where these have room, else the one that says more.
/// Between two lives of a loop its word stays: in and out of them it goes many times a second.
#[must_use]
pub fn in_columns(process: &Process, columns: usize) -> String {
    let (info, is_looping) = (&process.info, process.is_looping);
    let word = match pm2_word(info, is_looping) {
        "restarting" if is_looping => ProcessStatus::Online.as_str(),
        word => word,
    };
    let Some(beside) = beside(info, process.never_started(), is_looping) else {
        return word.to_owned();
    };
    let both = format!("{word}, {beside}");
    if both.len() <= columns { both } else { beside.to_owned() }
}

/// What a word means that says of itself too little; `None` of the others.
#[must_use]
pub fn meaning(info: &ProcessInfo) -> Option<&'static str> {
    match info.status {
        _ if info.never_started() => Some("there is no process"),
        ProcessStatus::Errored => Some("PM2 gave up"),
        _ if info.has_given_up() => Some("PM2 starts it no more"),
        _ => None,
    }
}

/// The word, and what it means: `errored: PM2 gave up`.
#[must_use]
pub fn standing(info: &ProcessInfo) -> String {
    let word = state_word(info, false);
    meaning(info).map_or_else(|| word.clone(), |meaning| format!("{word}: {meaning}"))
}

/// The words for a process that is watched.
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
    fn a_row_says_the_same_words_or_the_one_that_says_more() {
        let info = |status| ProcessInfo { pid: Some(7), ..ProcessInfo::new(PmId(0), "a", status) };
        let said = |status, is_looping| {
            let info = info(status);
            let mut process = Process::new(info.clone());
            process.is_looping = is_looping;
            let rows = [24, 15].map(|columns| in_columns(&process, columns));
            (state_word(&info, is_looping), rows.join("; "))
        };
        for (status, is_looping, whole, rows) in [
            (ProcessStatus::Online, true, "online, looping", "online, looping; online, looping"),
            (
                ProcessStatus::WaitingRestart,
                true,
                "waiting restart, looping",
                "waiting restart, looping; looping",
            ),
            // As it was an instant ago, and will be.
            (
                ProcessStatus::Stopped,
                true,
                "restarting, looping",
                "online, looping; online, looping",
            ),
            (ProcessStatus::Stopped, false, "restarting", "restarting; restarting"),
        ] {
            assert_eq!(said(status, is_looping), (whole.to_owned(), rows.to_owned()));
        }
        let given_up = info(ProcessStatus::WaitingRestart);
        let given_up = ProcessInfo { created_at_ms: None, restarts: 5, ..given_up };
        assert!(given_up.has_given_up());
        assert_eq!(state_word(&given_up, true), "waiting restart, given up");
        assert_eq!(meaning(&given_up), Some("PM2 starts it no more"));
        assert_eq!(in_columns(&Process::new(given_up), 15), "given up");
        let never = ProcessInfo { pid: None, ..info(ProcessStatus::Online) };
        let never = Process::new(never);
        assert_eq!(in_columns(&never, 15), "never started");
        assert_eq!(in_columns(&never, 24), "online, never started");
    }

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
