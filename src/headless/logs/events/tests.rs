use super::*;
use crate::protocol::process::{PmId, ProcessStatus};

fn wanted(with_daemon: bool) -> Wanted {
    let info = ProcessInfo::new(PmId(3), "api", ProcessStatus::Online);
    let labels = vec![(3, targets::label(&info))];
    Wanted {
        teller: Teller::of(Known::of(std::slice::from_ref(&info), &[]), Vec::new()),
        labels,
        with_daemon,
    }
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
    let mut console = Console::open(file.path(), Begins::of(file.path()), wanted(false));
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
    bus_at(text, 7)
}

fn bus_at(text: &str, at_ms: i64) -> Message {
    let json = serde_json::json!({ "process": { "pm_id": "PM2" }, "data": text, "at": at_ms });
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
    let mut live = Console::open(home.path(), Begins::of(home.path()), wanted(false)).live();
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
        teller: Teller::of(Known::of(std::slice::from_ref(&info), &[]), Vec::new()),
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
    let mut live = Console::open(home.path(), Begins::of(home.path()), wanted(false)).live();
    live.was_away();
    let online = "App [web:7] online";
    std::fs::write(&path, format!("2026-11-28T03:12:00: PM2 log: {online}\n")).unwrap();
    assert_eq!(words(&live.know(wanted(false))), [] as [String; 0]);
    assert_eq!(words(&live.take(&bus(online))), [] as [String; 0], "the bus brings it, too");
    let web = || Wanted {
        labels: vec![(7, "web[7]".to_owned())],
        teller: Teller::of(vec![Known::named(7, "web")], Vec::new()),
        with_daemon: false,
    };
    assert_eq!(words(&live.know(wanted(false))), [] as [String; 0]);
    let told = live.know(web());
    assert_eq!(words(&told), ["web[7] online"]);
    assert!(told[0].line.is_estimated, "the log has whole seconds");
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
        teller: Teller::of(vec![Known::named(7, "web")], Vec::new()),
        with_daemon: false,
    };
    assert_eq!(words(&live.know(web())), ["web[7] online"]);
    assert_eq!(words(&live.know(web())), [] as [String; 0]);
}

/// A crash loop says the same again right after its log was read: that is news.
#[test]
fn what_is_said_after_the_log_was_read_is_told() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("pm2.log");
    let (stamp, online) = ("2026-11-28T03:12:00: PM2 log: ", "App [api:3] online");
    std::fs::write(&path, "").unwrap();
    let mut console = Console::open(home.path(), Begins::of(home.path()), wanted(false));
    std::fs::write(&path, format!("{stamp}{online}\n")).unwrap();
    console.measure_after();
    assert_eq!(console.history(&Filter::any()).len(), 1);
    let mut live = console.live();
    let later_ms = clock::now_ms() + 1;
    assert_eq!(words(&live.take(&bus_at(online, later_ms))), ["api[3] online"]);
    live.was_away();
    std::fs::write(&path, format!("{stamp}{online}\n").repeat(3)).unwrap();
    assert_eq!(words(&live.know(wanted(false))), ["api[3] online"]);
    let later_ms = clock::now_ms() + 1;
    assert_eq!(words(&live.take(&bus_at(online, later_ms))), ["api[3] online"]);
}

fn running(id: u32, name: &str, script: &str) -> ProcessInfo {
    let mut info = ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
    info.script = Some(script.into());
    info
}

/// The events of the first of these processes, of all of them.
fn wanted_of(all: &[ProcessInfo]) -> Wanted {
    let first = &all[..1];
    let labels = first.iter().map(|info| (info.pm_id.0, targets::label(info))).collect();
    let teller = Teller::of(Known::of(first, all), Script::of(all));
    Wanted { teller, labels, with_daemon: false }
}

fn exit(name: &str, id: u32) -> String {
    format!("App [{name}:{id}] exited with code [1] via signal [SIGINT]")
}

fn gave_up(script: &str) -> String {
    format!("Script {script} had too many unstable restarts (4). Stopped. \"errored\"")
}

/// PM2 names the script alone, right behind the end: that of another process is no end of this one.
#[test]
fn of_whom_pm2_gave_up_its_script_tells() {
    const NONE: [String; 0] = [];
    let scripts = [running(0, "crash", "/crash.js"), running(1, "fast", "/fast.js")];
    let same = [running(0, "crash", "/a.js"), running(1, "fast", "/a.js")];
    let live = |all: &[ProcessInfo]| Console::nowhere(wanted_of(all)).live();
    for all in [&scripts, &same] {
        let mut live = live(all);
        let [crash, fast] = all.each_ref().map(|info| gave_up(info.script.as_deref().unwrap()));
        assert_eq!(words(&live.take(&bus(&exit("crash", 0)))), ["crash[0] exit"]);
        assert_eq!(words(&live.take(&bus(&exit("fast", 1)))), NONE);
        assert_eq!(words(&live.take(&bus(&fast))), NONE);
        assert_eq!(words(&live.know(wanted_of(all))), NONE, "nor once the others are known");
        assert_eq!(words(&live.take(&bus(&exit("crash", 0)))), ["crash[0] exit"]);
        assert_eq!(words(&live.know(wanted_of(all))), NONE);
        assert_eq!(words(&live.take(&bus(&crash))), ["crash[0] overlimit"]);
    }
    // Its end came before anybody listened.
    assert_eq!(words(&live(&scripts).take(&bus(&gave_up("/crash.js")))), ["crash[0] overlimit"]);
    assert_eq!(words(&live(&scripts).take(&bus(&gave_up("/fast.js")))), NONE);
    assert_eq!(words(&live(&scripts).take(&bus(&gave_up("/gone.js")))), NONE);
    let told = live(&same).take(&bus(&gave_up("/a.js")));
    assert_eq!(words(&told), ["PM2 overlimit"]);
    let text = String::from_utf8_lossy(&told[0].line.bytes);
    assert_eq!(text, "PM2 gave up after 4 unstable restarts: errored (a process of /a.js)");
}

/// That a process was deleted comes on no bus: it is told when it is not there any more.
#[test]
fn what_was_deleted_is_told() {
    let wanted = wanted(false);
    let info = |id, name| ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
    let told = |all: &[ProcessInfo]| -> Vec<String> {
        let gone = wanted.gone(all).into_iter();
        gone.map(|it| format!("{} {:?}", it.label, it.line.bytes)).collect()
    };
    assert_eq!(told(&[info(3, "api"), info(4, "b")]), [""; 0]);
    assert_eq!(told(&[info(4, "b")]), ["api[3] b\"deleted from PM2\""]);
    let by = "api[3] b\"deleted from PM2; its id is b[3]'s now\"";
    assert_eq!(told(&[info(3, "b")]), [by]);
}

/// It was started behind the list and before the bus: in history nobody knew it, and the bus does not bring it again.
#[test]
fn what_is_started_before_the_bus_is_there_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("pm2.log");
    std::fs::write(&path, "").unwrap();
    let begins = Begins::of(home.path());
    let online = "App [web:7] online";
    std::fs::write(&path, format!("2026-11-28T03:12:00: PM2 log: {online}\n")).unwrap();
    let mut console = Console::open(home.path(), begins, wanted(false));
    console.measure_after();
    assert_eq!(words(&console.history(&Filter::any())), [""; 0]);
    let mut live = console.live();
    assert!(live.has_unknown());
    let web = Wanted {
        labels: vec![(7, "web[7]".to_owned())],
        teller: Teller::of(vec![Known::named(7, "web")], Vec::new()),
        with_daemon: false,
    };
    assert_eq!(words(&live.know(web)), ["web[7] online"]);
    assert!(!live.has_unknown());
    assert_eq!(words(&live.take(&bus(online))), [""; 0], "the bus brings it, too");
}

/// PM2's console says that a process was started, wherever that is read; its command says so, too, on the bus alone.
#[test]
fn a_start_is_told_in_one_way_and_once() {
    let by_client = |event: &str, restarts: u32| {
        let process = serde_json::json!({ "pm_id": 3, "name": "api", "status": "online", "restart_time": restarts });
        let json =
            serde_json::json!({ "event": event, "manually": true, "process": process, "at": 8 });
        Message::new("process:event".into(), json.to_string().into_bytes().into(), 0)
    };
    let mut live = Console::nowhere(wanted(false)).live();
    assert_eq!(words(&live.take(&by_client("start", 0))), ["api[3] start"], "no console");
    assert_eq!(words(&live.take(&bus("App [api:3] starting in -fork mode-"))), [""; 0]);
    // Before PM2 6 this came before the console said that it is online.
    assert_eq!(words(&live.take(&by_client("start", 0))), [""; 0]);
    assert_eq!(words(&live.take(&bus("App [api:3] online"))), ["api[3] online"]);
    assert_eq!(words(&live.take(&by_client("restart", 0))), [""; 0], "it was stopped before");
    assert_eq!(words(&live.take(&by_client("restart", 1))), ["api[3] restart"]);
}

/// What was seen to come stands at that time, within about its second.
#[test]
fn what_the_daemons_log_dates_by_seconds_is_of_when_it_was_seen() {
    let moments = [(5_000, 5_321), (5_000, 6_010), (5_000, 9_000), (5_000, 4_000)]
        .map(|(second, seen)| moment_of(Some(second), Some(seen)).unwrap());
    assert_eq!(moments, [5_321, 6_010, 6_500, 5_000]);
    assert_eq!([moment_of(Some(5), None), moment_of(None, Some(7))], [Some(5), Some(7)]);
}
