//! What is known of an end when it is told.

use super::*;

/// The kernel counts before it kills, and is asked when the end is told.
#[test]
fn a_kill_is_judged_by_the_count_at_its_end() {
    let killed = || {
        let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
        exit.signal = Some("SIGKILL".into());
        exit.info.exit_code = Some("0".into());
        Report::Process(Box::new(exit))
    };
    let reason = |watched: &Watched| {
        let last = watched.boxes.get(key(1)).and_then(|it| it.last()).cloned();
        super::super::death::words::reason(&last.unwrap()).unwrap()
    };
    let mut watched = api();
    for (kills, at_ms) in [(3, 0), (3, 1_100)] {
        if at_ms > 0 {
            apply(&mut watched, DAEMON, killed(), at(at_ms - 10));
        }
        apply(&mut watched, DAEMON, Report::OomKills(kills), at(at_ms));
    }
    assert_eq!(reason(&watched), "SIGKILL", "somebody else's");
    // A poll between the kill and its end has counted it already.
    apply(&mut watched, DAEMON, Report::OomKills(4), at(2_000));
    apply(&mut watched, DAEMON, killed(), at(2_100));
    apply(&mut watched, DAEMON, Report::OomKills(4), at(2_110));
    assert_eq!(reason(&watched), "SIGKILL, out of memory");
    apply(&mut watched, DAEMON, killed(), at(9_000));
    apply(&mut watched, DAEMON, Report::OomKills(4), at(9_010));
    assert_eq!(reason(&watched), "SIGKILL");
}

/// The last death of the process in words, and what the event log said of it.
fn said(watched: &mut Watched, events: &[ProcessEvent]) -> (String, Vec<String>) {
    let told = tell_all(watched, events);
    let last = watched.boxes.get(key(1)).and_then(|it| it.last()).cloned();
    (super::super::death::words::sentence(&last.unwrap()), told)
}

fn exit(code: &str, signal: Option<&str>) -> ProcessEvent {
    let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
    exit.signal = signal.map(Into::into);
    exit.info.exit_code = Some(code.into());
    exit
}

#[test]
fn a_signal_that_was_sent_here_is_told_as_that() {
    let mut watched = api();
    row_mut(&mut watched).send("SIGTERM", at(900));
    let events = [exit("0", Some("SIGTERM")), event(EventKind::Online, ProcessStatus::Online)];
    let (why, told) = said(&mut watched, &events);
    assert!(why.starts_with("killed by SIGTERM, sent by pm2-tui (here)"), "{why}");
    assert!(told[0].contains("killed by SIGTERM after 0.0 s, sent by pm2-tui (here)"), "{told:?}");
    // The next end has nothing to do with it.
    let (why, told) = said(&mut watched, &[exit("0", Some("SIGTERM"))]);
    assert!(why.contains("from outside PM2") && !told[0].contains("here"), "{why} {told:?}");
    // SIGINT leaves the same trace as an exit code 0.
    row_mut(&mut watched).send("SIGINT", at(900));
    let (why, told) = said(&mut watched, &[exit("0", None)]);
    let wanted = "exit code 0 or SIGINT, after SIGINT was sent by pm2-tui (here)";
    assert!(why.contains(wanted), "{why}");
    assert!(told[0].contains("after SIGINT was sent by pm2-tui (here)"), "{told:?}");
    // One that was refused ends nothing.
    let signal = crate::model::errand::Signal::parse("HUP").unwrap();
    row_mut(&mut watched).send(signal.name(), at(900));
    let target = row(&watched).target(None);
    let errand = crate::model::errand::Errand::Signal(signal);
    let outcome =
        crate::model::errand::Outcome::of(&errand, &target, Verdict::Refused("no".into()));
    let task = crate::model::errand::TaskId(1);
    apply(&mut watched, DAEMON, Report::Did { task, outcome: Box::new(outcome) }, at(950));
    let (why, _) = said(&mut watched, &[exit("0", Some("SIGHUP"))]);
    assert!(why.contains("from outside PM2"), "{why}");
}

/// The verdict may come before the event; and what this program tells PM2 of it comes back as of a client.
#[test]
fn an_end_that_was_asked_for_here_is_never_the_pm2_commands() {
    for action in [Action::Stop, Action::Restart, Action::Reload] {
        let mut watched = api();
        let echo = match action {
            Action::Stop => EventKind::Stop,
            Action::Restart => EventKind::Restart,
            _ => EventKind::Reload,
        };
        row_mut(&mut watched).ask(action, at(800));
        row_mut(&mut watched).finish(action, &Verdict::Done, at(900));
        let events = [
            event(EventKind::Exit, ProcessStatus::Stopping),
            exit("0", None),
            event(echo.clone(), ProcessStatus::Stopped),
        ];
        let (why, told) = said(&mut watched, &events);
        assert!(why.contains(" by pm2-tui (here)"), "{action:?}: {why}");
        assert!(!told.concat().contains("client"), "{told:?}");
        // Of another one it is said still.
        let mut watched = api();
        let (why, _) = said(&mut watched, &events);
        assert!(why.contains("by another client"), "{why}");
    }
}

/// PM2 tells the same end once more, and no process has ended.
#[test]
fn one_that_was_stopped_while_it_waited_ended_once_and_by_itself() {
    use super::super::death::words;
    let waits = |mut event: ProcessEvent| {
        event.info.restart_delay_ms = Some(5_000);
        event
    };
    let told = |watched: &mut Watched, events: &[ProcessEvent]| {
        tell_all(watched, events);
        let black_box = watched.boxes.get(key(1)).unwrap();
        let last = black_box.last().unwrap();
        let why = words::sentence(last);
        assert!(why.starts_with("ended by itself with exit code 3"), "{why}");
        (black_box.lives().len(), words::follows(&last.follows))
    };
    let exit = || waits(exit("3", None));
    let stop = || waits(event(EventKind::Stop, ProcessStatus::Stopped));
    let online = || waits(event(EventKind::Online, ProcessStatus::Online));
    let said = |who: &str| format!("it was stopped by {who} while it waited for its restart");
    let mut watched = api();
    assert_eq!(told(&mut watched, &[exit(), exit()]), (1, said("somebody")));
    let mut watched = api();
    let by_cli = (1, said("another client"));
    assert_eq!(told(&mut watched, &[exit(), exit(), stop()]), by_cli);
    // PM2 restarts what waits by stopping it first.
    let (count, follows) = told(&mut watched, &[online(), exit(), exit(), online()]);
    assert_eq!((count, &*follows), (2, "it was started again"));
    let mut watched = api();
    let events = [exit()];
    told(&mut watched, &events);
    row_mut(&mut watched).ask(Action::Stop, at(1_100));
    assert_eq!(told(&mut watched, &events), (1, said("pm2-tui (here)")));
    // Two lives that end alike are two.
    let mut watched = api();
    assert_eq!(told(&mut watched, &[exit(), online(), exit()]).0, 2);
}

/// What a process said before anybody listened is in its error log alone.
#[test]
fn an_end_just_as_the_screen_starts_gets_its_last_words_from_the_file() {
    use crate::model::death::after::{Left, reconstruct};
    let told = |end_ms: i64, code: &str, looked_ms: i64| {
        let mut watched = api();
        let mut exit = exit("1", None);
        exit.at_ms = Some(end_ms);
        apply(&mut watched, DAEMON, Report::Process(Box::new(exit)), at(end_ms));
        let online = event(EventKind::Online, ProcessStatus::Online);
        apply(&mut watched, DAEMON, Report::Process(Box::new(online)), at(end_ms + 50));
        poll(&mut watched, vec![info(1, "api", ProcessStatus::Online)], end_ms + 1_600);
        let console = format!(
            "1970-01-01T00:00:01: PM2 log: App [api:1] exited with code [{code}] via signal [SIGINT]\n"
        );
        let info = ProcessInfo { restarts: 1, ..info(1, "api", ProcessStatus::Online) };
        let errors = Some(("TypeError: x\n    at f (/srv/a.js:1:1)\n\nNode.js v20\n", 1_000));
        let left = Left {
            listed: &[],
            log_since_ms: None,
            opening: None,
            info: &info,
            console: &console,
            errors,
            calm_since_ms: None,
            utc_offset_s: 0,
        };
        for _ in 0..2 {
            let lives = Report::Lives(vec![(PmId(1), reconstruct(&left))]);
            apply(&mut watched, DAEMON, lives, at(looked_ms));
        }
        let black_box = watched.boxes.get(key(1)).unwrap();
        assert_eq!(black_box.lives().len(), 1, "it is the same end");
        let last = black_box.last().unwrap();
        let why = super::super::death::words::sentence(last);
        (why.contains("TypeError: x"), last.words.len(), watched.exceptions.total())
    };
    assert_eq!(told(1_300, "1", 3_000), (true, 4, 1));
    assert_eq!(told(1_300, "1", 1_500), (false, 0, 0), "they may come on the bus still");
    assert_eq!(told(1_300, "7", 3_000), (false, 0, 0), "another end");
}

/// PM2 7 tells the signal in its console before the first of the two exits (`pm2 stop` of a process that
/// ignores SIGINT, seen with 7.0.4).
#[test]
fn a_stop_that_took_a_sigkill_is_told_as_that() {
    let mut watched = api();
    let first = |signal: Option<&str>| {
        let mut first = exit("0", signal);
        first.info.status = ProcessStatus::Stopping;
        first
    };
    let told = tell_all(&mut watched, &[first(Some("SIGKILL")), exit("0", None)]);
    let wanted = "stop: stopped on request, killed by SIGKILL: it did not end in its kill_timeout";
    assert_eq!(told, [wanted]);
    // The next one has nothing to do with it.
    let online = event(EventKind::Online, ProcessStatus::Online);
    let told = tell_all(&mut watched, &[online, first(None), exit("0", None)]);
    assert_eq!(told.last().unwrap(), "stop: stopped on request, exit code 0 or SIGINT");
    // An end under a restart has one, too.
    let told = tell_all(&mut watched, &[first(Some("SIGTERM")), exit("0", None)]);
    assert_eq!(told.last().unwrap(), "stop: stopped on request, killed by SIGTERM");
}
