//! Ends of processes whose ids or daemons changed, as PM2 7.0.4 wrote them (5.4.3 writes the same).

use crate::model::death::after::{Left, may_tell_an_end, reconstruct};
use crate::model::death::{Death, words};
use crate::protocol::process::{ExecMode, PmId, ProcessInfo, ProcessStatus};

const BEGINS: &str =
    "--- New PM2 Daemon started ----------------------------------------------------";

/// The log of what was said at these seconds.
fn log(lines: &[(u32, &str)]) -> String {
    let line = |(second, text): &(u32, &str)| {
        let (minute, second) = (44 + second / 60, second % 60);
        format!("2026-11-30T10:{minute}:{second:02}: PM2 log: {text}\n")
    };
    lines.iter().map(line).collect()
}

fn starts(label: &str) -> String {
    format!("App [{label}] starting in -fork mode-")
}

fn exits(label: &str, code: u32, signal: &str) -> String {
    format!("App [{label}] exited with code [{code}] via signal [{signal}]")
}

/// A process that is on since the last second, where PM2 lists those of its name.
struct Listed<'a> {
    id: u32,
    exit_code: Option<&'a str>,
    ids: &'a [u32],
}

fn info(process: &Listed<'_>) -> (ProcessInfo, Vec<(PmId, Box<str>)>) {
    let mut info = ProcessInfo::new(PmId(process.id), "s", ProcessStatus::Online);
    info.pid = Some(7);
    info.exit_code = process.exit_code.map(Into::into);
    info.exec_mode = ExecMode::Fork;
    let other: (PmId, Box<str>) = (PmId(90), "other".into());
    (info, process.ids.iter().map(|id| (PmId(*id), "s".into())).chain([other]).collect())
}

/// What is said of its ends, oldest first.
fn told(process: &Listed<'_>, console: &str) -> Vec<String> {
    let (info, listed) = info(process);
    of(&info, &listed, console)
}

fn of(info: &ProcessInfo, listed: &[(PmId, Box<str>)], console: &str) -> Vec<String> {
    let left = Left {
        info,
        console,
        errors: None,
        opening: None,
        calm_since_ms: Some(0),
        utc_offset_s: 0,
        listed,
        log_since_ms: None,
    };
    let black_box = reconstruct(&left);
    let has_some = !black_box.lives().is_empty();
    assert!(!has_some || may_tell_an_end(info, listed, console), "{black_box:?}");
    let next = |place| black_box.next_began(place, None);
    let line = |(place, death): (usize, &Death)| {
        let facts = words::facts(death, next(place)).join("; ");
        let text = format!("{} ({}) {facts}", words::sentence(death), words::sure(death));
        text.trim_end().to_owned()
    };
    black_box.lives().iter().enumerate().map(line).collect()
}

const ONE: Listed<'static> = Listed { id: 3, exit_code: Some("0"), ids: &[3] };

/// `pm2 delete` and `start`, a crash, `pm2 kill`, a resurrection, SIGTERM to the daemon, another resurrection: the
/// process had the ids 0, 4, 3, 3.
#[test]
fn ends_under_other_ids_and_daemons_are_those_of_the_process() {
    let console = log(&[
        (9, BEGINS),
        (9, &starts("s:0")),
        (10, &starts("d:1")),
        (10, &exits("d:1", 3, "SIGINT")),
        (12, "Stopping app:s id:0"),
        (12, &exits("s:0", 0, "SIGINT")),
        (12, "pid=31062 msg=process tree killed (1 pids)"),
        (12, &starts("s:0")),
        (14, "Stopping app:s id:0"),
        (14, &exits("s:0", 0, "SIGINT")),
        (14, &starts("s:4")),
        (16, &exits("s:4", 0, "SIGKILL")),
        (16, &starts("s:4")),
        (17, "Stopping app:c id:2"),
        (17, "Stopping app:s id:4"),
        (17, &exits("s:4", 0, "SIGINT")),
        (17, "App name:c id:2 disconnected"),
        (17, &exits("c:2", 0, "SIGINT")),
        (17, "PM2 successfully stopped"),
        (18, BEGINS),
        (18, &starts("c:1")),
        (18, &starts("s:3")),
        (19, "pm2 has been killed by signal, dumping process list before exit..."),
        (19, "Deleting process 3"),
        (19, "Stopping app:s id:3"),
        (19, &exits("s:3", 0, "SIGINT")),
        (20, "Exited peacefully"),
        (22, BEGINS),
        (22, &starts("s:3")),
    ]);
    insta::assert_snapshot!(told(&ONE, &console).join("\n"), @r"
    ended by PM2 on request: a restart, a reload, or a stop and a later start, after about 3 s (nothing tells which of these) exit code 0 or SIGINT; it was started again within a second
    ended by PM2 on request: a stop or a delete, after about 2 s (nothing tells which of these) exit code 0 or SIGINT; it was deleted, as it seems, and started anew with id 4 within a second
    killed by SIGKILL from outside PM2 or by its signal command (kill -9, a supervisor; the kernel counts no kill for want of memory), after about 2 s (likely) it was started again within a second
    ended by PM2 because its daemon was stopped on request (pm2 kill, pm2 update), after about 1 s (likely) it was started again after about 1 s
    ended by PM2 because its daemon was stopped by a signal (a shutdown, a service manager, kill), after about 1 s (certain) it was started again
    ");
    // The first one is there still, under another name.
    let (info, mut listed) = info(&ONE);
    listed.push((PmId(0), "renamed".into()));
    let last = console.rfind("PM2 successfully").unwrap();
    let console_now = console.get(..last).unwrap();
    let four = ProcessInfo { pm_id: PmId(4), ..info };
    let listed: Vec<_> =
        listed.into_iter().filter(|(id, _)| id.0 != 3).chain([(PmId(4), "s".into())]).collect();
    assert_eq!(of(&four, &listed, console_now).len(), 2);
    // Another id is another process.
    let other = Listed { id: 1, exit_code: None, ids: &[1] };
    assert_eq!(told(&other, &console.replace("App [s:", "App [t:")), [] as [String; 0]);
}

/// What was stopped long before its daemon ended was not ended by that.
#[test]
fn a_stop_before_the_end_of_a_daemon_is_a_stop() {
    let console = |second| {
        log(&[
            (9, &starts("s:3")),
            (10, &starts("d:1")),
            (20, "Stopping app:s id:3"),
            (20, &exits("s:3", 0, "SIGINT")),
            (second, "Stopping app:d id:1"),
            (
                second + 30,
                "Process with pid 7 still alive after 30000ms, sending it SIGKILL now...",
            ),
            (second + 30, &exits("d:1", 0, "SIGKILL")),
            (second + 30, "PM2 successfully stopped"),
            (60, BEGINS),
            (61, &starts("s:3")),
            (61, &starts("d:1")),
        ])
    };
    let stopped = told(&ONE, &console(24)).concat();
    assert!(stopped.starts_with("ended by PM2 on request: a stop or a delete, after"), "{stopped}");
    assert!(stopped.ends_with("it was started again under PM2's next daemon"), "{stopped}");
    let ended = told(&ONE, &console(21)).concat();
    assert!(ended.starts_with("ended by PM2 because its daemon was stopped on request"), "{ended}");
    let slow = log(&[
        (9, &starts("s:3")),
        (20, "Stopping app:s id:3"),
        (50, "Process with pid 7 still alive after 30000ms, sending it SIGKILL now..."),
        (50, &exits("s:3", 0, "SIGKILL")),
        (50, "PM2 successfully stopped"),
        (60, BEGINS),
        (61, &starts("s:3")),
    ]);
    let killed = "and killed by SIGKILL since it did not end in its kill_timeout";
    assert!(told(&ONE, &slow).concat().contains(killed), "{:?}", told(&ONE, &slow));
}

/// Ids are told apart by their order where there are as many instances, else nothing is told of them.
#[test]
fn instances_are_matched_by_their_order_where_that_is_clear() {
    let console = |first: &str, second: &str| {
        log(&[
            (9, &starts("s:4")),
            (9, &starts("s:6")),
            (11, &exits("s:4", 4, "SIGINT")),
            (11, first),
            (12, &exits("s:6", 6, "SIGINT")),
            (12, second),
            (18, BEGINS),
            (19, &starts("s:0")),
            (19, &starts("s:1")),
        ])
    };
    let of = |id, ids: &[u32], console: &str| {
        told(&Listed { id, exit_code: Some("0"), ids }, console).join("\n")
    };
    let both = console(&starts("s:4"), &starts("s:6"));
    for (id, code) in [(0, 4), (1, 6)] {
        let told = of(id, &[0, 1], &both);
        assert!(told.starts_with(&format!("ended by itself with exit code {code}")), "{told}");
        assert_eq!(told.lines().count(), 2, "{told}");
    }
    assert_eq!(of(0, &[0, 1, 2], &both), "", "it may have been either");
    assert_eq!(of(0, &[0], &both), "", "there were two");
    // One of them did not run any more when the daemon ended.
    let alone = console("", &starts("s:6"));
    assert!(of(0, &[0], &alone).starts_with("ended by itself with exit code 6"));
}

/// One after the other, under one daemon: what is listed still, or was there meanwhile, was another instance.
#[test]
fn what_was_deleted_and_started_anew_is_told_so() {
    let console = log(&[
        (1, BEGINS),
        (9, &starts("s:0")),
        (11, &exits("s:0", 3, "SIGINT")),
        (15, &starts("s:2")),
        (16, &exits("s:2", 5, "SIGINT")),
        (18, &starts("s:3")),
    ]);
    let of = |ids| told(&Listed { ids, ..ONE }, &console);
    insta::assert_snapshot!(of(&[3]).join("\n"), @r"
    ended by itself with exit code 3, after about 2 s (certain) it was deleted, and started anew with id 2 after about 4 s
    ended by itself with exit code 5, after about 1 s (certain) it was deleted, and started anew with id 3
    ");
    assert_eq!(of(&[0, 3]), [] as [String; 0], "s:0 is there still");
    let at_a_time = console.replace("s:2", "s:x").replace("s:3", "s:2").replace("s:x", "s:3");
    let scaled = Listed { id: 3, exit_code: Some("5"), ids: &[3] };
    assert_eq!(told(&scaled, &at_a_time).len(), 2, "s:2 began behind it");
}

/// All were deleted: then ids count from 0 again. An exit code tells that it has ended itself.
#[test]
fn what_has_no_exit_code_was_deleted_before() {
    let console = log(&[
        (1, BEGINS),
        (9, &starts("s:3")),
        (11, "Stopping app:s id:3"),
        (11, &exits("s:3", 0, "SIGINT")),
        (12, &starts("s:3")),
    ]);
    let fresh = Listed { exit_code: None, ..ONE };
    let told_since = |since_ms| {
        let (mut info, listed) = info(&fresh);
        info.online_since_ms = Some(since_ms);
        of(&info, &listed, &console).concat()
    };
    let ended_ms = 1_796_035_451_000;
    let early = told_since(ended_ms + 900);
    assert!(early.contains("a restart, a reload"), "it may be its own end: {early}");
    let anew = told_since(ended_ms + 1_000);
    let words = "ended by PM2 on request: a stop or a delete, after about 2 s";
    assert!(anew.starts_with(words), "{anew}");
    assert!(anew.ends_with("it was deleted, and started anew with id 3"), "{anew}");
    let again = told(&ONE, &console).concat();
    assert!(again.contains("a restart, a reload, or a stop and a later start"), "{again}");
}

/// The new worker is there before the old one ends.
#[test]
fn a_reload_is_read_afterwards() {
    let console = log(&[
        (9, &starts("s:3")),
        (20, &starts("s:3")),
        (21, "-reload- New worker listening"),
        (21, "Stopping app:s id:_old_3"),
        (21, "App name:s id:_old_3 disconnected"),
        (21, &exits("s:_old_3", 0, "SIGINT")),
        (30, &exits("s:3", 4, "SIGINT")),
        (30, &starts("s:3")),
    ]);
    insta::assert_snapshot!(told(&ONE, &console).join("\n"), @r"
    replaced by a reload, after about 12 s (certain)
    ended by itself with exit code 4, after about 10 s (certain) it was started again
    ");
}

/// Which of them said a line that says no time, nothing tells.
#[test]
fn lines_of_a_log_that_is_older_than_the_life_may_be_of_others() {
    let console = log(&[(1, BEGINS), (9, &starts("s:3")), (11, &exits("s:3", 3, "SIGINT"))]);
    let (mut info, listed) = info(&ONE);
    info.status = ProcessStatus::Stopped;
    let began_ms = 1_796_035_449_000;
    let is_mixed = |log_since_ms: i64| {
        let left = Left {
            info: &info,
            console: &console,
            errors: Some(("FATAL no database\n", began_ms + 2_000)),
            opening: None,
            calm_since_ms: None,
            utc_offset_s: 0,
            listed: &listed,
            log_since_ms: Some(log_since_ms),
        };
        let black_box = reconstruct(&left);
        let death = black_box.last().unwrap();
        assert_eq!((death.started_ms, death.words.len()), (Some(began_ms), 1));
        death.is_mixed
    };
    assert!(is_mixed(began_ms - 60_000) && !is_mixed(began_ms + 300));
}

/// An instance has a log file of its own, named by the id that it was started with.
#[test]
fn who_wrote_another_file_has_no_line_of_this_one() {
    let console = log(&[
        (1, BEGINS),
        (9, &starts("s:0")),
        (11, &exits("s:0", 3, "SIGINT")),
        (15, &starts("s:3")),
        (16, &exits("s:3", 3, "SIGINT")),
    ]);
    let (mut info, listed) = info(&ONE);
    info.status = ProcessStatus::Stopped;
    for (path, has_other) in [("/logs/s-error-3.log", true), ("/logs/s-error.log", false)] {
        info.logs.err = Some(path.into());
        let text = "Error: a\n    at a (b.js:1:1)\nError: a\n    at a (b.js:1:1)\n";
        let left = Left {
            info: &info,
            console: &console,
            errors: Some((text, 0)),
            opening: None,
            calm_since_ms: None,
            utc_offset_s: 0,
            listed: &listed,
            log_since_ms: None,
        };
        let black_box = reconstruct(&left);
        let first = &black_box.lives()[0];
        assert_eq!(
            (first.words.is_empty(), words::untold(first).is_some()),
            (has_other, has_other)
        );
    }
}
