use super::*;
use crate::protocol::process::{PmId, ProcessStatus};

fn wanted(with_daemon: bool) -> Wanted {
    let info = ProcessInfo::new(PmId(3), "api", ProcessStatus::Online);
    let labels = vec![(3, targets::label(&info))];
    Wanted { teller: Teller::of(Known::of(std::slice::from_ref(&info), &[])), labels, with_daemon }
}

#[test]
fn only_what_is_wanted_is_told() {
    let lines = [
        "App [other:3] exited with code [1] via signal [SIGINT]",
        "Script /srv/x.js had too many unstable restarts (4). Stopped. \"errored\"",
        "App [api:3] exited with code [1] via signal [SIGINT]",
        "Script /srv/a.js had too many unstable restarts (4). Stopped. \"errored\"",
        "[PM2] Resurrecting PM2",
    ];
    let told = |with_daemon| {
        let mut wanted = wanted(with_daemon);
        let events = lines.iter().filter_map(|line| wanted.read(line, 1));
        events.map(|event| format!("{} {}", event.label, event.word)).collect::<Vec<_>>()
    };
    assert_eq!(told(false), ["api[3] exit", "api[3] overlimit"]);
    assert_eq!(told(true), ["api[3] exit", "api[3] overlimit", "PM2 pm2"]);
}

#[test]
fn what_history_had_is_not_told_again() {
    let said = |text: &str| {
        let json = serde_json::json!({ "process": { "pm_id": "PM2" }, "data": text, "at": 7 });
        Message::new("log:PM2".into(), json.to_string().into_bytes().into(), 0)
    };
    let file = tempfile::tempdir().unwrap();
    let stamp = "2026-11-28T03:12:00: PM2 log: ";
    let (exit, online) =
        ("App [api:3] exited with code [1] via signal [SIGINT]", "App [api:3] online");
    let before = format!("{stamp}{exit}\n");
    std::fs::write(file.path().join("pm2.log"), &before).unwrap();
    let mut console = Console::open(file.path(), wanted(false));
    std::fs::write(file.path().join("pm2.log"), format!("{before}{stamp}{online}\n")).unwrap();
    console.measure_after();
    let filter = Filter::any();
    let words: Vec<&str> = console.history(&filter).iter().map(|event| event.word).collect();
    assert_eq!(words, ["exit", "online"]);
    let mut live = console.live();
    let mut words =
        |text: &str| live.take(&said(text)).iter().map(|one| one.word).collect::<Vec<_>>();
    assert_eq!(words(&format!("{online}\n{exit}\n")), ["exit"], "online was told");
    assert_eq!(words(online), ["online"], "once only");
}

fn bus(text: &str) -> Message {
    let json = serde_json::json!({ "process": { "pm_id": "PM2" }, "data": text, "at": 7 });
    Message::new("log:PM2".into(), json.to_string().into_bytes().into(), 0)
}

fn words(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{} {}", event.label, event.word)).collect()
}

/// The daemon said it before the bus was there again: it is in its log alone.
#[test]
fn what_happened_while_the_bus_was_away_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("pm2.log");
    let stamp = "2026-11-28T03:12:00: PM2 log: ";
    let mut text = format!("{stamp}App [api:3] online\n");
    std::fs::write(&path, &text).unwrap();
    let mut live = Console::open(home.path(), wanted(false)).live();
    let exit = "App [api:3] exited with code [0] via signal [SIGINT]";
    text = format!("{text}{stamp}{exit}\n");
    std::fs::write(&path, &text).unwrap();
    assert_eq!(words(&live.take(&bus(exit))), ["api[3] exit"]);
    live.was_away();
    let online = "App [api:5] online";
    text = format!("{text}--- New PM2 Daemon started ---\n{stamp}{online}\n");
    std::fs::write(&path, &text).unwrap();
    let mut info = ProcessInfo::new(PmId(5), "api", ProcessStatus::Online);
    info.pid = Some(1);
    let renewed = || Wanted {
        labels: vec![(info.pm_id.0, targets::label(&info))],
        teller: Teller::of(Known::of(std::slice::from_ref(&info), &[])),
        with_daemon: true,
    };
    assert_eq!(words(&live.know(renewed())), ["PM2 pm2", "api[5] online"]);
    assert_eq!(words(&live.take(&bus(online))), [] as [String; 0], "the bus brings it, too");
    assert_eq!(words(&live.know(renewed())), [] as [String; 0], "once");
    assert_eq!(words(&live.take(&bus(online))), ["api[5] online"], "that is another");
}

/// The daemon starts it between its answer and the reading of its log.
#[test]
fn what_is_started_while_the_log_is_read_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("pm2.log");
    std::fs::write(&path, "").unwrap();
    let mut live = Console::open(home.path(), wanted(false)).live();
    live.was_away();
    let online = "App [web:7] online";
    std::fs::write(&path, format!("2026-11-28T03:12:00: PM2 log: {online}\n")).unwrap();
    assert_eq!(words(&live.know(wanted(false))), [] as [String; 0]);
    assert_eq!(words(&live.take(&bus(online))), [] as [String; 0], "the bus brings it, too");
    let web = || Wanted {
        labels: vec![(7, "web[7]".to_owned())],
        teller: Teller::of(vec![Known::named(7, "web")]),
        with_daemon: false,
    };
    assert_eq!(words(&live.know(wanted(false))), [] as [String; 0]);
    assert_eq!(words(&live.know(web())), ["web[7] online"]);
    assert_eq!(words(&live.know(web())), [] as [String; 0]);
}

/// Its console names a process before an event makes that known.
#[test]
fn what_is_said_of_a_new_process_waits_until_it_is_known() {
    let mut live = Console::nowhere(wanted(false)).live();
    let online = "App [web:7] online";
    assert_eq!(words(&live.take(&bus(online))), [] as [String; 0]);
    let web = || Wanted {
        labels: vec![(7, "web[7]".to_owned())],
        teller: Teller::of(vec![Known::named(7, "web")]),
        with_daemon: false,
    };
    assert_eq!(words(&live.know(web())), ["web[7] online"]);
    assert_eq!(words(&live.know(web())), [] as [String; 0]);
}
