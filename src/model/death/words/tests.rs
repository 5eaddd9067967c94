//! What is said of the ends of lives.

use super::*;
use std::collections::VecDeque;

use crate::model::Action;

use crate::model::death::cause::{Evidence, Sure};
use crate::protocol::process::{LogFiles, PmId, ProcessStatus};

fn unseen() -> Death {
    Death {
        started_ms: None,
        ended_ms: 0,
        uptime_ms: None,
        cause: Cause::Unseen,
        sure: Sure::Certain,
        evidence: Evidence::default(),
        follows: Follows::Unknown,
        stack: [].into(),
        words: VecDeque::new(),
        cpu_percent: None,
        memory_bytes: None,
        peak_bytes: None,
        is_watched: false,
        is_read: true,
        is_mixed: true,
        is_unclear: false,
        is_log_empty: false,
    }
}

#[test]
fn what_followed_is_told_with_how_long_after() {
    let mut death = Death { ended_ms: 10_000, ..unseen() };
    let mut told = |is_watched, follows, next_ms| {
        (death.is_watched, death.follows) = (is_watched, follows);
        followed(&death, next_ms)
    };
    let restart = || Follows::Restart { count: 4 };
    assert_eq!(told(true, restart(), Some(10_100)), "restart 4 followed after 0.1 s");
    assert_eq!(told(true, restart(), Some(10_020)), "restart 4 followed at once");
    assert_eq!(told(false, restart(), Some(10_100)), "restart 4 followed within a second");
    assert_eq!(told(false, Follows::Again, Some(13_000)), "it was started again after about 3 s");
    assert_eq!(told(false, Follows::Again, None), "it was started again");
    let gave_up = Follows::GaveUp { max: 16 };
    assert_eq!(
        told(true, gave_up.clone(), Some(3_610_000)),
        "PM2 gave up at max_restarts 16, and it was started again after 1h 00m"
    );
    assert_eq!(told(true, gave_up, None), "PM2 gave up at max_restarts 16");
    let stopped = |by| Follows::StoppedWaiting { by };
    assert_eq!(
        told(true, stopped(None), Some(40_000)),
        "it was stopped by somebody while it waited for its restart, and it was started again \
        after 30.0 s"
    );
    let here = Some(By::Here(Action::Stop));
    assert_eq!(
        told(true, stopped(here), None),
        "it was stopped by pm2-tui (here) while it waited for its restart"
    );
    assert_eq!(told(true, Follows::Soon, Some(10_500)), "it was started again after 0.5 s");
    // A clock that was set back: no life begins before the one before it ended.
    assert_eq!(told(true, Follows::Again, Some(9_000)), "it was started again");
    assert_eq!(told(true, Follows::Unknown, None), "");
}

/// A stop is as certain after a later start as while it lasts.
#[test]
fn of_one_cause_it_is_not_said_that_nothing_tells_which() {
    let told = |follows, may_be_cron| {
        let cause = Cause::Asked { by: None, was_killed: false, may_be_cron };
        let death = Death { cause, follows, ..unseen() };
        (sentence(&death), sure(&death))
    };
    for follows in [Follows::StaysStopped, Follows::Later] {
        let stop = ("ended by PM2 on request: a stop".to_owned(), "certain");
        assert_eq!(told(follows.clone(), false), stop);
        assert_eq!(told(follows, true), stop);
    }
    for may_be_cron in [false, true] {
        assert_eq!(told(Follows::Again, may_be_cron).1, "nothing tells which of these");
    }
}

/// Instances with `merge_logs` write one file: the lines are not only of lives of this one.
#[test]
fn lines_of_a_shared_file_are_said_to_be_so() {
    let info = |id, path: &str| {
        let logs = LogFiles { err: Some(path.into()), ..LogFiles::default() };
        ProcessInfo { logs, ..ProcessInfo::new(PmId(id), "api", ProcessStatus::Online) }
    };
    let all = [info(0, "/a"), info(1, "/a"), info(2, "/b")];
    assert_eq!([0, 2].map(|at| writers(&all[at], all.iter())), [2, 1]);
    let mut death = unseen();
    assert!(last_lines(&death, 2).contains("2 processes share this file"));
    assert!(last_lines(&death, 1).contains("earlier lives"));
    (death.is_watched, death.is_read, death.is_mixed) = (true, false, false);
    assert_eq!(last_lines(&death, 2), "its last lines of standard error", "the bus tells whose");
}

/// A shell gives 137 for a child that SIGKILL ended; any program may end with it, too.
#[test]
fn a_code_over_128_is_that_of_a_child_only_where_a_shell_ran_it() {
    let said = |is_shell| {
        let of = Cause::ShellCode { code: "137".into(), signal: "SIGKILL", is_shell };
        cause(&of)
    };
    assert_eq!(said(true), "exit code 137: a child of its shell was killed by SIGKILL");
    assert_eq!(
        said(false),
        "ended with exit code 137, of its own or as a shell gives it for a child killed by SIGKILL"
    );
}

#[test]
fn a_message_is_said_by_its_errno() {
    let table = [
        ("listen EADDRINUSE: address already in use :::3000", "EADDRINUSE :3000"),
        ("bind EADDRINUSE null:34567", "EADDRINUSE :34567"),
        ("ENOENT: no such file or directory, open 'config.json'", "ENOENT config.json"),
        ("connect ECONNREFUSED 127.0.0.1:5432", "ECONNREFUSED 127.0.0.1:5432"),
        ("connect ECONNREFUSED ::1:5672", "ECONNREFUSED ::1:5672"),
        ("connect ETIMEDOUT mq.shop.internal:5672", "ETIMEDOUT mq.shop.internal:5672"),
        ("listen EADDRINUSE: address already in use 0.0.0.0:80", "EADDRINUSE :80"),
        ("Error: boom", "boom"),
        ("TypeError: boom", "TypeError: boom"),
        ("EXIT: no", "EXIT: no"),
    ];
    for (message, short) in table {
        assert_eq!(short_message(message), short, "{message}");
    }
}

#[test]
fn of_an_empty_log_it_is_said_that_it_is() {
    let told = |is_unclear, is_log_empty| untold(&Death { is_unclear, is_log_empty, ..unseen() });
    assert_eq!(
        told(true, true),
        Some("no lines of standard error are left: its error log is empty")
    );
    assert!(told(true, false).unwrap().ends_with("cannot be told from the log"));
    assert_eq!(told(false, true), None);
}
