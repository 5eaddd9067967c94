//! Black boxes that are made up from what is left.

use super::*;
use crate::model::death::{document, words};
use crate::protocol::process::PmId;

/// Two instances.
fn listed() -> [(PmId, Box<str>); 2] {
    [3, 31].map(|id| (PmId(id), "my:a]pp".into()))
}

fn told(info: &ProcessInfo, console: &str, errors: Option<(&str, i64)>) -> Vec<String> {
    let listed = listed();
    let left = Left {
        listed: &listed,
        log_since_ms: None,
        opening: None,
        info,
        console,
        errors,
        calm_since_ms: None,
        utc_offset_s: 3_600,
    };
    let black_box = reconstruct(&left);
    let line = |death: &Death| {
        let follows = words::follows(&death.follows);
        format!("{} [{}] {follows}", words::sentence(death), death.sure.word())
    };
    black_box.lives().iter().map(line).collect()
}

fn info(status: ProcessStatus) -> ProcessInfo {
    ProcessInfo { restarts: 2, pid: Some(7), ..ProcessInfo::new(PmId(3), "my:a]pp", status) }
}

#[test]
fn lives_are_read_from_the_daemons_own_log() {
    let console = "\
2026-11-28T03:12:00: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:12:00: PM2 log: App [my:a]pp:3] online
2026-11-28T03:12:01: PM2 log: App [my:a]pp:31] exited with code [9] via signal [SIGINT]
2026-11-28T03:12:04: PM2 log: App [my:a]pp:3] exited with code [0] via signal [SIGKILL]
2026-11-28T03:12:04: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:13:00: PM2 log: [PM2][WORKER] Process 3 restarted because it exceeds --max-memory-restart value (current_memory=174600192 max_memory_limit=104857600 [octets])
2026-11-28T03:13:00: PM2 log: Stopping app:my:a]pp id:3
2026-11-28T03:13:01: PM2 log: App [my:a]pp:3] exited with code [0] via signal [SIGINT]
2026-11-28T03:13:01: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:13:02: PM2 log: App [my:a]pp:3] exited with code [1] via signal [SIGINT]
2026-11-28T03:13:02: PM2 error: Script /srv/a.js had too many unstable restarts (16). Stopped. \"errored\"
a line of a stack
";
    let errors = "TypeError: x is no function\n    at a (b.js:1:1)\n\nNode.js v20\n";
    insta::assert_snapshot!(
        told(&info(ProcessStatus::Errored), console, Some((errors, 0))).join("\n"),
        @r"
    killed by SIGKILL (by the kernel because memory ran out, or kill -9, a supervisor), after about 4 s [a guess] it was started again
    PM2 restarted it: over its memory limit, 166.5 MiB of 100.0 MiB, after about 57 s [certain] it was started again
    uncaught exception: TypeError: x is no function, exit code 1, after about 1 s [likely] PM2 gave up at max_restarts 16
    "
    );
}

/// As PM2 7.0.4 wrote it where its daemon was killed by SIGKILL, and another one was told to resurrect; of an old
/// release, whose first words have no time, the same.
#[test]
fn a_life_without_an_end_is_over_where_another_daemon_begins() {
    let log = |between: &str| {
        format!(
            "\
2026-11-28T03:12:00: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:12:04: PM2 log: App [my:a]pp:3] exited with code [3] via signal [SIGINT]
2026-11-28T03:12:04: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:12:09: PM2 log: App [my:a]pp:31] starting in -fork mode-
{between}
2026-11-28T03:15:00: PM2 log: Time                 : Sat Nov 28 2026 03:15:00 GMT+0100
2026-11-28T03:15:02: PM2 log: App [my:a]pp:3] starting in -fork mode-
"
        )
    };
    let began = "2026-11-28T03:15:00: PM2 log: --- New PM2 Daemon started -----------";
    let died =
        "PM2's daemon had died (killed, crashed, or the machine went down) by then, and it too";
    let online = ProcessInfo { restarts: 0, ..info(ProcessStatus::Online) };
    let first = "ended by itself with exit code 3, after about 4 s [certain] it was started again";
    for (between, words) in [
        (began.to_owned(), died),
        ("--- New PM2 Daemon started -----------".to_owned(), died),
        (
            format!("2026-11-28T03:14:00: PM2 log: PM2 successfully stopped\n{began}"),
            "PM2's daemon had been stopped by then, and it too",
        ),
    ] {
        let wanted = [first.to_owned(), format!("{words} [likely] it was started again")];
        assert_eq!(told(&online, &log(&between), None), wanted);
    }
    // It had ended before that.
    let ended =
        "2026-11-28T03:13:00: PM2 log: App [my:a]pp:3] exited with code [4] via signal [SIGINT]";
    let all = told(&online, &log(&format!("{ended}\n{began}")), None);
    assert_eq!(all.len(), 2);
    assert!(all[1].starts_with("ended by itself with exit code 4"), "{all:?}");
    let tells = |log: &str| may_tell_an_end(&online, &[], log);
    assert!(tells(&log("")) && !tells(log("").split_once("exited").unwrap().0));
    assert!(tells(&log(began).replace("exited", "said")));
    // Who watched before and behind that learns it from the log, once.
    let read = |console: &str| {
        reconstruct(&Left {
            listed: &listed(),
            log_since_ms: None,
            info: &online,
            console,
            errors: None,
            opening: None,
            calm_since_ms: None,
            utc_offset_s: 0,
        })
    };
    let mut watched = read(&log("").lines().take(2).collect::<Vec<_>>().join("\n"));
    for _ in 0..2 {
        watched.take_ends_with_daemons(read(&log(began)).ends_with_daemons());
        let causes = watched.lives().iter().map(|death| document::kind(&death.cause));
        assert!(causes.eq(["exit", "daemon"]));
    }
}

/// PM2 names the script, not the process, where it gives up: it is the one that ended last.
#[test]
fn another_one_that_is_given_up_is_not_this_one() {
    let console = "\
2026-11-28T03:12:00: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:12:04: PM2 log: App [my:a]pp:3] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:04: PM2 log: App [other:4] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:04: PM2 error: Script /srv/b.js had too many unstable restarts (1). Stopped. \"errored\"
2026-11-28T03:12:04: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:12:09: PM2 log: App [my:a]pp:3] exited with code [1] via signal [SIGINT]
2026-11-28T03:12:09: PM2 error: Script /srv/a.js had too many unstable restarts (2). Stopped. \"errored\"
";
    let told = told(&info(ProcessStatus::Errored), console, None);
    assert!(told[0].ends_with("it was started again"), "{told:?}");
    assert!(told[1].ends_with("PM2 gave up at max_restarts 16"), "{told:?}");
    // The end of the other one is not there: its script tells.
    let console = console.replace(" [other:4] exited", " [other:4] left");
    for (script, is_given_up) in
        [(None, true), (Some("/srv/b.js"), true), (Some("/srv/a.js"), false)]
    {
        let mut info = info(ProcessStatus::Online);
        info.script = script.map(Into::into);
        let told = self::told(&info, &console, None);
        assert_eq!(told[0].contains("PM2 gave up"), is_given_up, "{script:?}: {told:?}");
    }
}

/// There was no process any more that could have been stopped.
#[test]
fn one_that_was_stopped_while_it_waited_for_its_restart_is_told_so() {
    let console = "\
2026-11-28T03:12:00: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:12:04: PM2 log: App [my:a]pp:3] exited with code [3] via signal [SIGINT]
2026-11-28T03:12:06: PM2 log: Stopping app:my:a]pp id:3
2026-11-28T03:12:06: PM2 log: pid=99 msg=process killed
";
    let stopped = ProcessInfo { pid: None, ..info(ProcessStatus::Stopped) };
    let alone = "ended by itself with exit code 3, after about 4 s [certain] it was stopped by \
                 somebody while it waited for its restart";
    assert_eq!(told(&stopped, console, None), [alone]);
    let start = |at: &str| {
        let line = "PM2 log: App [my:a]pp:3] starting in -fork mode-";
        format!("{console}2026-11-28T03:{at}: {line}\n")
    };
    let online = info(ProcessStatus::Online);
    assert_eq!(told(&online, &start("13:00"), None), [alone]);
    let at_once = told(&online, &start("12:06"), None);
    assert!(at_once[0].ends_with("restart 2 followed"), "{at_once:?}");
}

/// A restart leaves no pause: what was started a minute later was stopped.
#[test]
fn what_was_started_much_later_was_no_restart() {
    let console = |start: &str| {
        format!(
            "2026-11-28T03:12:00: PM2 log: Stopping app:my:a]pp id:3\n\
             2026-11-28T03:12:01: PM2 log: App [my:a]pp:3] exited with code [0] via signal [SIGINT]\n\
             2026-11-28T03:{start}: PM2 log: App [my:a]pp:3] starting in -fork mode-\n"
        )
    };
    let online = info(ProcessStatus::Online);
    let stop = "ended by PM2 on request: a stop [certain] it was started again";
    assert_eq!(told(&online, &console("13:01"), None), [stop]);
    let any = "ended by PM2 on request: a restart, a reload, or a stop and a later start";
    let at_once = told(&online, &console("12:01"), None);
    assert!(at_once[0].starts_with(any), "{at_once:?}");
}

/// Those that are not kept are counted.
#[test]
fn more_ends_than_are_kept_are_not_all_there_were() {
    let kept = |ends: u32| {
        let end = |n| {
            format!(
                "2026-11-28T03:12:{n:02}: PM2 log: App [api:3] exited with code [1] via signal [SIGINT]\n"
            )
        };
        let console: String = (0..ends).map(end).collect();
        let info = ProcessInfo { name: "api".into(), ..info(ProcessStatus::Online) };
        let (opening, errors, calm_since_ms) = (None, None, None);
        let left = Left {
            listed: &[],
            log_since_ms: None,
            opening,
            info: &info,
            console: &console,
            errors,
            calm_since_ms,
            utc_offset_s: 0,
        };
        let black_box = reconstruct(&left);
        (black_box.lives().len(), black_box.is_cut(), black_box.older())
    };
    assert_eq!(kept(20), (20, false, 0));
    assert_eq!(kept(44), (20, true, 24));
}

#[test]
fn figures_alone_say_how_little_is_known() {
    let online = |exit_code: Option<&str>, after_ms: i64| ProcessInfo {
        exit_code: exit_code.map(Into::into),
        created_at_ms: Some(1_000),
        online_since_ms: Some(1_000 + after_ms),
        ..info(ProcessStatus::Online)
    };
    let all = [
        told(&online(Some("0"), 170), "", None),
        told(&online(Some("7"), 60_000), "", None),
        told(&online(Some("0"), 60_000), "", None),
        told(&online(None, 2), "", None),
        told(&ProcessInfo { restarts: 0, ..online(None, 0) }, "", None),
    ];
    insta::assert_snapshot!(all.map(|lines| lines.join("")).join("\n"), @r"
    ended by PM2 on request: a restart, a reload, or a stop and a later start [likely] it was started again
    ended by itself with exit code 7 [likely] restart 2 followed
    ended with exit code 0 or a signal [a guess] restart 2 followed
    replaced by a reload [likely] restart 2 followed
    ");
}

/// Looked at between an end and the next start: PM2 says `stopped`, and starts it again.
#[test]
fn what_pm2_starts_again_is_not_left_stopped() {
    let console =
        "2026-11-28T03:13:02: PM2 log: App [my:a]pp:3] exited with code [1] via signal [SIGINT]\n";
    let between = info(ProcessStatus::Stopped);
    let stopped = ProcessInfo { pid: None, ..info(ProcessStatus::Stopped) };
    let waiting = ProcessInfo { created_at_ms: Some(1), ..info(ProcessStatus::WaitingRestart) };
    for console in [console, ""] {
        let last = |info: &ProcessInfo| {
            let info = ProcessInfo { exit_code: Some("1".into()), ..info.clone() };
            told(&info, console, None).concat()
        };
        assert!(last(&between).ends_with("PM2 starts it again"), "{}", last(&between));
        assert!(last(&waiting).ends_with("PM2 starts it again"), "{}", last(&waiting));
        assert!(last(&stopped).ends_with("PM2 leaves it stopped"), "{}", last(&stopped));
    }
    // The look is older than the end of the log: that life has ended since.
    let (at_ms, _) = console_line(console.trim_end(), 3_600).unwrap();
    let online =
        |ms: i64| ProcessInfo { online_since_ms: Some(at_ms + ms), ..info(ProcessStatus::Online) };
    assert!(told(&online(-300), console, None).concat().ends_with("PM2 starts it again"));
    assert!(told(&online(300), console, None).concat().ends_with("restart 2 followed"));
}

/// What was put back into PM2's list keeps the exit code of a life that it had before.
#[test]
fn no_end_is_made_up_of_a_process_that_has_not_ended() {
    let kept = |status: ProcessStatus, pid: Option<u32>| ProcessInfo {
        pid,
        exit_code: Some("0".into()),
        restarts: 0,
        created_at_ms: Some(1_000),
        online_since_ms: Some(90_000),
        ..info(status)
    };
    let put_in =
        ProcessInfo { was_put_in_stopped: true, restarts: 4, ..kept(ProcessStatus::Stopped, None) };
    assert_eq!(told(&put_in, "", None), [] as [String; 0]);
    assert_eq!(told(&kept(ProcessStatus::Online, Some(7)), "", None), [] as [String; 0]);
    assert_eq!(told(&kept(ProcessStatus::Stopped, None), "", None).len(), 1, "it has ended here");
}

#[test]
fn a_sigkill_is_the_kernels_only_where_that_has_killed() {
    let console =
        "2026-11-28T03:13:02: PM2 log: App [my:a]pp:3] exited with code [0] via signal [SIGKILL]\n";
    let (at_ms, _) = console_line(console.trim_end(), 3_600).unwrap();
    let info = info(ProcessStatus::Online);
    let said = |calm_since_ms| {
        let left = Left {
            listed: &[],
            log_since_ms: None,
            opening: None,
            info: &info,
            console,
            errors: None,
            calm_since_ms,
            utc_offset_s: 3_600,
        };
        let black_box = reconstruct(&left);
        let death = black_box.last().unwrap();
        (words::reason(death).unwrap(), death.sure)
    };
    let or_kernel = ("SIGKILL, out of memory?".to_owned(), Sure::Guess);
    assert_eq!(said(Some(at_ms - 1)), ("SIGKILL".to_owned(), Sure::Likely));
    assert_eq!(said(Some(at_ms + 1)), or_kernel, "the machine started since");
    assert_eq!(said(None), or_kernel);
}

#[test]
fn what_was_logged_later_may_be_of_the_life_that_goes_on() {
    let console =
        "2026-11-28T03:13:02: PM2 log: App [my:a]pp:3] exited with code [1] via signal [SIGINT]\n";
    let (at_ms, _) = console_line(console.trim_end(), 3_600).unwrap();
    let words = |written_ms| {
        told(&info(ProcessStatus::Online), console, Some(("RangeError: r\n", written_ms)))
    };
    // The same at each look: there is no other exception that a later life may have reported.
    assert!(words(at_ms + 100).concat().contains("RangeError: r, exit code 1 [likely]"));
    assert!(words(at_ms + 60_000).concat().contains("RangeError: r, exit code 1 [likely]"));
    let handled = "RangeError: r\n    at a (b.js:1:1)\nError: handled\n";
    for later_ms in [100, 60_000] {
        let said = told(&info(ProcessStatus::Online), console, Some((handled, at_ms + later_ms)));
        assert!(said.concat().contains("[a guess]"), "{said:?}");
    }
    let over = told(&info(ProcessStatus::Errored), console, Some(("RangeError: r\n", 0)));
    assert!(
        over.concat().contains("RangeError: r, exit code 1 [likely]"),
        "nothing wrote after it"
    );
    let node = "RangeError: r\n    at a (b.js:1:1)\n\nNode.js v20\n";
    for later_ms in [100, 60_000] {
        let said = told(&info(ProcessStatus::Online), console, Some((node, at_ms + later_ms)));
        assert!(
            said.concat().contains("RangeError: r, exit code 1 [likely]"),
            "nobody lives on behind that"
        );
    }
    let later = told(&info(ProcessStatus::Online), console, Some(("slow\n", at_ms + 60_000)));
    assert!(later.concat().contains("exit code 1 [certain]"), "{later:?}");
}

/// A loop: every life is told alike, each with its own lines, and one that was stopped with none of
/// theirs.
#[test]
fn each_life_has_its_own_lines_of_the_error_log() {
    let exit = |second: u32, code: u32| {
        format!(
            "2026-11-28T03:12:{second:02}: PM2 log: App [my:a]pp:3] starting in -fork mode-\n\
             2026-11-28T03:12:{second:02}: PM2 log: App [my:a]pp:3] exited with code [{code}] via signal [SIGINT]\n"
        )
    };
    let words_of = |status, console: &str, errors: &str| -> Vec<String> {
        let info = info(status);
        let errors = Some((errors, 0));
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
        let line = |death: &Death| {
            let words: Vec<&str> = death.words.iter().map(|line| &**line).collect();
            let mixed = if death.is_mixed { " (mixed)" } else { "" };
            format!("{}: {}{mixed}", words::cause(&death.cause), words.join("|"))
        };
        black_box.lives().iter().map(line).collect()
    };
    let words = |console: &str, errors: &str| words_of(ProcessStatus::Errored, console, errors);
    let loops: String = (1..4).map(|second| exit(second, 1)).collect();
    let boom = |port: u32| format!("starting\nError: port {port}\n    at a (b.js:1:1)\n");
    let booms = format!("{}{}{}", boom(1), boom(2), boom(3));
    let is = |port: u32| {
        let words = boom(port).trim_end().replace('\n', "|");
        format!("uncaught exception: Error: port {port}: {words}")
    };
    assert_eq!(words(&loops, &booms), [is(1), is(2), is(3)]);
    // The life that goes on has said something already.
    let told = words_of(ProcessStatus::Online, &loops, &format!("{booms}starting\n"));
    assert_eq!(told, [is(1), is(2), is(3)]);
    // Of the last second, two lives: the stamps do not tell them apart, the exceptions do.
    let stamped = |second: u32, port: u32| {
        let stamp = format!("2026-11-28T03:12:{second:02}: ");
        format!("{stamp}{}\n", boom(port).trim_end().replace('\n', &format!("\n{stamp}")))
    };
    let twice = format!("{}{}{}", exit(1, 1), exit(2, 1), exit(2, 1));
    let told = words(&twice, &format!("{}{}{}", stamped(1, 1), stamped(2, 2), stamped(2, 3)));
    for (told, port) in told.iter().zip(1..) {
        assert_eq!(told.matches("Error").count(), 2, "{told}");
        assert!(
            told.contains(&format!("|2026-11-28T03:12:0{}: Error: port {port}|", port.min(2))),
            "{told}"
        );
    }
    let stop = "2026-11-28T03:12:09: PM2 log: Stopping app:my:a]pp id:3\n";
    let stopped = format!("{}{}", exit(1, 1), exit(9, 0).replacen('\n', &format!("\n{stop}"), 1));
    let told = words(&stopped, &format!("{}closing\n", boom(1)));
    assert_eq!(told[0], is(1));
    assert!(told[1].ends_with(": closing"), "{told:?}");
    // Which of them said a line that is no exception, nothing tells.
    let told = words(&loops, "no port\nno port\nno port\n");
    assert!(told[2].ends_with("no port|no port|no port (mixed)"), "{told:?}");
    assert!(told[1].ends_with("exit code 1: "), "{told:?}");
}

/// The words of the last end of a process that is on again, whether they are mixed, and whether unclear.
fn last_words(
    console: &str,
    errors: &str,
    (written_ms, begun_ms): (i64, i64),
) -> (Vec<String>, bool, bool) {
    let info = ProcessInfo { online_since_ms: Some(begun_ms), ..info(ProcessStatus::Online) };
    let errors = (errors, written_ms);
    let left = Left {
        listed: &[],
        log_since_ms: None,
        opening: Some(errors.0),
        info: &info,
        console,
        errors: Some(errors),
        calm_since_ms: None,
        utc_offset_s: 0,
    };
    let black_box = reconstruct(&left);
    let death = black_box.last().unwrap();
    (death.words.iter().map(ToString::to_string).collect(), death.is_mixed, death.is_unclear)
}

/// Lives that begin in the very second in which the one before ended, each with two lines first and two
/// last ones that are no exception.
fn shared_seconds(is_stamped: bool, lives: i64) -> (String, String, i64) {
    let (mut console, mut errors) = (Vec::new(), Vec::new());
    let first: jiff::Timestamp = "2026-11-28T03:12:00Z".parse().unwrap();
    let at = |second: i64| {
        let at = first + jiff::SignedDuration::from_secs(second);
        at.to_string().trim_end_matches('Z').to_owned()
    };
    for life in 0..=lives {
        let second = 3 * life;
        let told = |what: &str| format!("{}: PM2 log: App [my:a]pp:3] {what}\n", at(second));
        if life > 0 {
            console.push(told("exited with code [1] via signal [SIGINT]"));
        }
        console.push(told("starting in -fork mode-"));
        if life < lives {
            let said = [(0, format!("boot {life}")), (0, "config read".to_owned())];
            let last = [(3, "pool is slow".to_owned()), (3, format!("FATAL db {life}"))];
            errors.extend(said.into_iter().chain(last).map(|(later, text)| {
                let stamp = format!("{}: ", at(second + later));
                format!("{}{text}\n", if is_stamped { &stamp } else { "" })
            }));
        }
    }
    (console.concat(), errors.concat(), first.as_millisecond() + 3_000 * lives)
}

#[test]
fn no_line_of_the_next_life_is_among_the_last_words() {
    for is_stamped in [true, false] {
        let (console, mut errors, at_ms) = shared_seconds(is_stamped, 3);
        let begun_ms = at_ms + 300;
        // The life that goes on has said nothing yet.
        let (words, _, is_unclear) = last_words(&console, &errors, (at_ms + 290, begun_ms));
        assert!(words.last().unwrap().ends_with("FATAL db 2") && !is_unclear, "{words:?}");
        let stamp = if is_stamped { "2026-11-28T03:12:09: " } else { "" };
        for said in ["boot 3", "config read"] {
            errors.extend([stamp, said, "\n"]);
            let (words, is_mixed, is_unclear) =
                last_words(&console, &errors, (at_ms + 800, begun_ms));
            assert!(words.last().unwrap().ends_with("FATAL db 2"), "{words:?}");
            assert_eq!((words.len(), is_mixed, is_unclear), (4, false, false), "{words:?}");
        }
    }
}

/// A log that was rotated: what it begins with is nothing that lives say first.
#[test]
fn what_cannot_be_told_apart_is_shown_and_said() {
    let (console, errors, at_ms) = shared_seconds(false, 3);
    let errors = format!("in the middle\n{errors}boot 3\n");
    let (words, _, is_unclear) = last_words(&console, &errors, (at_ms + 800, at_ms + 300));
    assert!(is_unclear && words.iter().any(|line| line == "FATAL db 2"), "{words:?}");
    let stamped = |line: &str| format!("2026-11-28T03:12:09: {line}\n");
    let console =
        "2026-11-28T03:12:09: PM2 log: App [my:a]pp:3] exited with code [1] via signal [SIGINT]\n";
    let errors = stamped("FATAL db") + &stamped("hello");
    let (words, _, is_unclear) = last_words(console, &errors, (at_ms + 800, at_ms + 300));
    assert!(is_unclear && words.len() == 2, "{words:?}");
}
