//! Each exception is counted once, whoever tells it.

use super::*;
use crate::model::death::after::{Left, reconstruct};
use crate::protocol::bus::{BusPmId, Exception, ProcessRef};
use crate::protocol::process::ExecMode;

fn exception(message: &str) -> Report {
    let stack = format!("Error: {message}\n    at f (/srv/a.js:1:1)");
    Report::Exception(Box::new(Exception {
        process: ProcessRef { pm_id: Some(BusPmId::Process(PmId(1))), name: "api".into() },
        at_ms: Some(900),
        message: message.into(),
        stack: stack.lines().map(Into::into).collect(),
    }))
}

fn err_lines(text: &str) -> Report {
    let source = LogSource { daemon: DAEMON, pm_id: Some(PmId(1)), name: "api".into() };
    let line = |text: &str| LogLine {
        said: None,
        kind: LineKind::Err,
        ..LogLine::event(0, source.clone(), "err", Severity::Neutral, text)
    };
    Report::Lines(text.lines().map(line).collect())
}

fn crash(watched: &mut Watched, ms: i64) {
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info.exit_code = Some("1".into());
    apply(watched, DAEMON, Report::Process(Box::new(exit)), at(ms));
    let online = event(EventKind::Online, ProcessStatus::Online);
    apply(watched, DAEMON, Report::Process(Box::new(online)), at(ms + 50));
}

/// What the groups say, and how often.
fn groups(watched: &Watched) -> Vec<(String, u64)> {
    let groups = watched.exceptions.latest_first();
    groups.into_iter().map(|group| (group.says().to_owned(), group.count)).collect()
}

#[test]
fn the_bus_and_the_death_after_it_are_one() {
    let mut watched = api();
    let changes = apply(&mut watched, DAEMON, exception("boom"), at(900));
    assert!(changes.0.contains(&Change::Exceptions));
    apply(&mut watched, DAEMON, err_lines("Error: boom\n    at f (/srv/a.js:1:1)"), at(950));
    crash(&mut watched, 1_000);
    poll(&mut watched, vec![info(1, "api", ProcessStatus::Online)], 9_000);
    assert_eq!(groups(&watched), [("Error: boom".to_owned(), 1)]);
}

#[test]
fn one_that_only_the_last_words_tell_is_counted_when_they_are_in() {
    let mut watched = api();
    let traceback = "Traceback (most recent call last):\n  File \"/srv/a.py\", line 3, in <module>\n\
                     ValueError: no 17";
    apply(&mut watched, DAEMON, err_lines(traceback), at(950));
    crash(&mut watched, 1_000);
    let up = || vec![info(1, "api", ProcessStatus::Online)];
    assert!(!poll(&mut watched, up(), 1_500).0.contains(&Change::Exceptions));
    assert_eq!(groups(&watched), [], "more may come");
    assert!(poll(&mut watched, up(), 2_100).0.contains(&Change::Exceptions));
    poll(&mut watched, up(), 9_000);
    assert_eq!(groups(&watched), [("ValueError: no 17".to_owned(), 1)]);
    let group = watched.exceptions.latest_first()[0];
    assert_eq!(group.frame.as_deref(), Some("/srv/a.py, line 3, in <module>"));
    // Of one that is gone nothing more comes.
    apply(&mut watched, DAEMON, err_lines(traceback), at(9_950));
    crash(&mut watched, 10_000);
    poll(&mut watched, vec![], 10_100);
    assert_eq!(groups(&watched), [("ValueError: no 17".to_owned(), 2)]);
}

#[test]
fn deaths_that_nobody_watched_count_once() {
    let watched = api();
    let info = info(1, "api", ProcessStatus::Online);
    let console =
        "1970-01-01T00:00:00: PM2 log: App [api:1] exited with code [1] via signal [SIGINT]\n";
    let stamp = "1970-01-01T00:00:00: ";
    let stamped = format!("{stamp}TypeError: x\n{stamp}    at f (/srv/a.js:1:1)\n");
    for errors in ["TypeError: x\n    at f (/srv/a.js:1:1)\n", &stamped] {
        let errors = Some((errors, 0));
        let (opening, calm_since_ms) = (None, None);
        let left = Left {
            listed: &[],
            log_since_ms: None,
            opening,
            info: &info,
            console,
            errors,
            calm_since_ms,
            utc_offset_s: 0,
        };
        let mut watched = watched.clone();
        for _ in 0..2 {
            let lives = vec![(PmId(1), reconstruct(&left))];
            apply(&mut watched, DAEMON, Report::Lives(lives), at(100));
        }
        assert_eq!(groups(&watched), [("TypeError: x".to_owned(), 1)]);
        let group = watched.exceptions.latest_first()[0];
        assert_eq!(group.frame.as_deref(), Some("f (/srv/a.js:1:1)"));
    }
}

/// The pipe of standard error may be read after the end was told.
#[test]
fn last_words_that_come_after_the_end_tell_the_exception() {
    let mut watched = api();
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.info.exit_code = Some("1".into());
    apply(&mut watched, DAEMON, Report::Process(Box::new(exit)), at(1_000));
    // An answer from before the end, which comes after it.
    poll(&mut watched, vec![info(1, "api", ProcessStatus::Online)], 1_001);
    let traceback = "Traceback (most recent call last):\n  File \"/srv/a.py\", line 3, in <module>\n\
                     ValueError: no 17\nbye";
    apply(&mut watched, DAEMON, err_lines(traceback), at(1_002));
    let last = watched.boxes.get(key(1)).unwrap().last().unwrap();
    let told = crate::model::death::words::cause(&last.cause);
    assert_eq!(told, "uncaught exception: ValueError: no 17");
}

/// PM2 gives code 0 of a cluster worker that threw, and of one that it gives up.
#[test]
fn an_end_after_an_exception_has_no_code_where_pm2_gives_none() {
    for (mode, code, wanted) in [
        (ExecMode::Cluster, "0", "by an uncaught exception"),
        (ExecMode::Cluster, "7", "code 7"),
        (ExecMode::Fork, "0", "code 0 or SIGINT"),
    ] {
        let mut watched = api();
        apply(&mut watched, DAEMON, exception("x"), at(900));
        let of = |kind, status| {
            let mut event = event(kind, status);
            (event.info.exec_mode, event.info.exit_code) = (mode, Some(code.into()));
            event
        };
        let told = tell_all(&mut watched, &[of(EventKind::Exit, ProcessStatus::Stopped)]);
        assert!(told[0].starts_with(&format!("exit: exit {wanted}")), "{told:?}");
        let report = |event| Report::Process(Box::new(event));
        let online = of(EventKind::Online, ProcessStatus::Online);
        apply(&mut watched, DAEMON, report(online), at(1_050));
        apply(&mut watched, DAEMON, exception("x"), at(1_100));
        let before = watched.news.len();
        let over = of(EventKind::RestartOverlimit, ProcessStatus::Errored);
        apply(&mut watched, DAEMON, report(over), at(1_200));
        let told = self::told(&watched, before);
        assert!(told[0].starts_with(&format!("overlimit: exit {wanted}")), "{told:?}");
        // Long after one it is told as before.
        let late = of(EventKind::Exit, ProcessStatus::Stopped);
        let before = watched.news.len();
        apply(&mut watched, DAEMON, report(late), at(60_000));
        assert!(!self::told(&watched, before).concat().contains("exception"));
    }
}

/// Who watched says the same as who came afterwards: type, message and exit code.
#[test]
fn an_exception_is_told_alike_live_and_afterwards() {
    use crate::model::death::words::{facts, sentence};
    let mut watched = api();
    let stack = ["TypeError: x", "    at f (/srv/a.js:1:1)"].map(Into::into).into();
    let Report::Exception(plain) = exception("x") else { panic!() };
    let thrown = Exception { stack, ..*plain };
    apply(&mut watched, DAEMON, Report::Exception(Box::new(thrown)), at(900));
    crash(&mut watched, 1_000);
    let live = watched.boxes.get(key(1)).unwrap().last().unwrap();
    let info = info(1, "api", ProcessStatus::Stopped);
    let console =
        "1970-01-01T00:00:01: PM2 log: App [api:1] exited with code [1] via signal [SIGINT]\n";
    let errors = Some(("TypeError: x\n    at f (/srv/a.js:1:1)\n", 1_000));
    let left = Left {
        listed: &[],
        log_since_ms: None,
        opening: None,
        info: &info,
        console,
        errors,
        calm_since_ms: None,
        utc_offset_s: 0,
    };
    let black_box = reconstruct(&left);
    let afterwards = black_box.last().unwrap();
    for death in [live, afterwards] {
        let said = sentence(death);
        assert!(said.starts_with("uncaught exception: TypeError: x, exit code 1"), "{said}");
        assert!(!facts(death, None).concat().contains("exit code"), "once is enough");
    }
}
