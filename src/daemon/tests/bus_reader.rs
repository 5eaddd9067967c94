//! The bus: lines, events, its end, and a flood.

use super::*;
use crate::model::apply::apply;
use crate::model::daemon::Daemon;
use crate::model::log::{LineKind, LogLine};
use crate::model::moment::Moment;
use crate::model::watched::Watched;

fn message(topic: &str, payload: &Json) -> Vec<u8> {
    let mut bytes = bytes::BytesMut::new();
    let frame = Frame::new(vec![value::text(topic), value::json(payload)]).unwrap();
    tokio_util::codec::Encoder::encode(&mut AmpCodec::default(), frame, &mut bytes).unwrap();
    bytes.to_vec()
}

fn output(data: &str) -> Vec<u8> {
    let process = json!({ "pm_id": 1, "name": "api" });
    message("log:out", &json!({ "process": process, "at": 5, "data": data }))
}

fn event(word: &str) -> Vec<u8> {
    let process = json!({ "pm_id": 1, "name": "api", "status": "stopped" });
    let payload = json!({ "event": word, "manually": false, "process": process, "at": 6 });
    message("process:event", &payload)
}

fn lines(report: &Report) -> Option<Vec<String>> {
    match report {
        Report::Lines(lines) => {
            Some(lines.iter().flat_map(LogLine::lines).map(str::to_owned).collect())
        }
        _ => None,
    }
}

fn is_event(report: &Report) -> Option<()> {
    matches!(report, Report::Process(_)).then_some(())
}

#[tokio::test]
async fn lines_and_events_come_in_order_and_a_change_is_polled() {
    let peer = Peer::new();
    let long = Timings { partial_line: PATIENCE, ..timings() };
    let mut client = Client::new(&peer, long);
    let mut bus = peer.accept_bus().await;
    let mut rpc = peer.accept_live().await;
    let id = rpc.expect("getMonitorData").await;
    let bytes = [output("a\nb\nhal"), output("f"), event("exit"), output("c\n")].concat();
    bus.write_all(&bytes).await.unwrap();
    assert_eq!(client.wait(lines).await, ["a", "b", "half"]);
    client.wait(is_event).await;
    assert_eq!(client.wait(lines).await, ["c"]);
    // The poll that was under way may not know of the change: another follows.
    rpc.answer(&id, &poll_reply()).await;
    rpc.expect("getMonitorData").await;
}

#[tokio::test]
async fn an_unfinished_line_shows_when_it_has_waited_long_enough() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut bus = peer.accept_bus().await;
    bus.write_all(&output("Password: ")).await.unwrap();
    assert_eq!(client.wait(lines).await, ["Password: "]);
}

#[tokio::test]
async fn a_malformed_message_costs_itself_only() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut bus = peer.accept_bus().await;
    let broken = [0x11, 0, 0, 0, 3, b'?', b'?', b'?'];
    bus.write_all(&broken).await.unwrap();
    assert!(client.warning().await.starts_with("bus: "));
    bus.write_all(&output("x\n")).await.unwrap();
    assert_eq!(client.wait(lines).await, ["x"]);
    // Out of step: another connection.
    bus.write_all(b"garbage").await.unwrap();
    client.warning().await;
    let mut bus = peer.accept_bus().await;
    bus.write_all(&output("y\n")).await.unwrap();
    // Which file it goes into nobody said.
    let told = client.wait(lines).await;
    assert!(told.len() == 2 && told[0].contains("lines may be missing here"), "{told:?}");
    assert_eq!(told[1], "y");
}

#[tokio::test]
async fn messages_of_apps_are_lines_under_their_topic() {
    let peer = Peer::new();
    let client = Client::new(&peer, timings());
    let mut bus = peer.accept_bus().await;
    let process = json!({ "pm_id": 4, "name": "api" });
    let packages = json!({ "at": 1, "data": { "express": {} }, "process": process });
    bus.write_all(&message("application:dependencies", &packages)).await.unwrap();
    let long = "x".repeat(100_000);
    for (topic, payload) in [
        ("my:answer", json!({ "at": 5, "data": { "n": [1, 2] }, "process": process })),
        ("process:msg", json!({ "at": 6, "raw": "x\u{9b}2J\ny", "process": process })),
        ("odd\u{1b}[2J", json!(["no object"])),
        ("long", json!({ "data": long })),
        (
            "process:msg",
            json!({ "raw": { "type": "process:heap", "heap": 5 }, "process": process }),
        ),
    ] {
        bus.write_all(&message(topic, &payload)).await.unwrap();
    }
    let mut seen = Vec::new();
    while seen.len() < 5 {
        soon(client.inbox.ready()).await;
        let mut batch = Vec::new();
        client.inbox.take(&mut batch, usize::MAX);
        for (_, report) in batch {
            if let Report::Lines(lines) = report {
                seen.extend(lines);
            }
        }
    }
    let said: Vec<(&str, &str)> = seen.iter().map(|line| (line.kind.word(), &*line.text)).collect();
    assert_eq!(said[0], ("my:answer", r#"{"n":[1,2]}"#));
    assert_eq!((seen[0].at_ms, &*seen[0].source.name), (5, "api"));
    assert_eq!(seen[0].source.pm_id, Some(PmId(4)));
    assert!(said[1].0 == "process:msg" && !said[1].1.contains(char::is_control), "{:?}", said[1]);
    assert_eq!(said[2], ("odd", r#"["no object"]"#));
    assert!(said[3].1.len() <= 64 * 1024 + 3 && said[3].1.ends_with('…'));
    let heap = ("process:heap", r#"{"heap":5,"type":"process:heap"}"#);
    assert_eq!(said[4], heap, "under the type that the app gave it");
}

#[tokio::test]
async fn a_killed_daemon_is_told_from_a_lost_one() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, Timings { kill_notice: PATIENCE, ..timings() });
    let mut bus = peer.accept_bus().await;
    let mut rpc = peer.accept_live().await;
    client.live().await;
    let id = rpc.expect("getMonitorData").await;
    rpc.answer(&id, &poll_reply()).await;
    client.snapshot().await;
    let said = json!({ "status": "killed", "msg": "pm2 has been killed via CLI" });
    let home = peer.home.path().to_owned();
    // The end of the one socket can be seen before the word on the other.
    drop(rpc);
    bus.write_all(&message("pm2:kill", &said)).await.unwrap();
    drop(bus);
    for name in ["rpc.sock", "pub.sock"] {
        std::fs::remove_file(home.join(name)).unwrap();
    }
    let killed = || Problem::Killed { message: "pm2 has been killed via CLI".into() };
    assert_eq!(client.down().await, killed());
    // The socket is missing now, because it was killed.
    assert_eq!(client.down().await, killed());
    // Whether there is a list to be brought back is told, too.
    let has_saved =
        |is_so| move |report: &Report| (*report == Report::HasSaved(is_so)).then_some(());
    client.wait(has_saved(false)).await;
    std::fs::write(home.join("dump.pm2.bak"), "[]").unwrap();
    // Reports come as long as it is tried again: the wait itself has no end.
    tokio::time::timeout(PATIENCE, client.wait(has_saved(true))).await.unwrap();
}

#[tokio::test]
async fn the_daemons_end_is_told_before_its_bus_is_tried_again() {
    let peer = Peer::new();
    // Longer than a test waits: a bus that has ended has no last word.
    let timings =
        Timings { kill_notice: 2 * PATIENCE, backoff_base: Duration::from_secs(1), ..timings() };
    let mut client = Client::new(&peer, timings);
    let bus = peer.accept_bus().await;
    let rpc = peer.accept_live().await;
    client.live().await;
    for name in ["rpc.sock", "pub.sock"] {
        std::fs::remove_file(peer.home.path().join(name)).unwrap();
    }
    drop(bus);
    drop(rpc);
    assert_eq!(client.down().await, Problem::Closed);
    let is_advised = |report: &Report| matches!(report, Report::Bus(BusState::Down(problem)) if *problem != Problem::Closed);
    assert!(!client.seen.iter().any(is_advised), "{:?}", client.seen);
}

#[tokio::test]
async fn a_flood_is_read_while_the_app_takes_nothing() {
    // More than what may wait to be decoded and to be taken together.
    const FRAMES: usize = 10_000;
    const LINES: usize = 50;
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut bus = peer.accept_bus().await;
    let _rpc = peer.accept_live().await;
    client.live().await;
    let frame = output(&"a line of the flood\n".repeat(LINES));
    soon(async {
        for _ in 0..FRAMES {
            bus.write_all(&frame).await.unwrap();
        }
    })
    .await;
    bus.write_all(&event("exit")).await.unwrap();
    let (mut kept, mut lost, mut is_over) = (0, 0, false);
    while !is_over || !client.inbox.is_empty() {
        soon(client.inbox.ready()).await;
        let mut batch = Vec::new();
        client.inbox.take(&mut batch, usize::MAX);
        for (_, report) in batch {
            match report {
                Report::Lines(lines) => {
                    for line in lines {
                        let is_lost = matches!(line.kind, LineKind::Lost { .. });
                        let count = if is_lost { &mut lost } else { &mut kept };
                        *count += line.missing().1;
                    }
                }
                Report::Process(_) => is_over = true,
                _ => {}
            }
        }
    }
    assert_eq!(kept + lost, (FRAMES * LINES) as u64);
    assert!(lost > 0, "the flood was too small to mean anything");
}

/// What was told: what happened, and how many lines of output there were and were lost.
#[derive(Default)]
struct Collected {
    events: Vec<LogLine>,
    chatter: u64,
    lost: u64,
}

/// Everything up to the exit of this number is taken.
async fn take_until_exit(
    client: &Client,
    watched: &mut Watched,
    told: &mut Collected,
    code: usize,
) {
    let last = format!("exit code {code}, ");
    while !told.events.iter().any(|line| line.text.starts_with(&last)) {
        soon(client.inbox.ready()).await;
        let mut batch = Vec::new();
        client.inbox.take(&mut batch, usize::MAX);
        for (_, report) in batch {
            apply(watched, DaemonId(0), report, Moment::at(0));
            for line in watched.news.take() {
                match line.kind {
                    LineKind::Event(..) => told.events.push(line),
                    LineKind::Lost { lines, .. } => told.lost += lines,
                    _ => told.chatter += line.count() as u64,
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_of_chatter_pushes_no_exit_out() {
    const SECONDS: usize = 60;
    const FRAMES: usize = 100;
    const LINES: usize = 100;
    let peer = Peer::new();
    let client = Client::new(&peer, timings());
    let mut bus = peer.accept_bus().await;
    let chatter = output(&"a line of an app that says ten thousand in a second\n".repeat(LINES));
    let exit = |code: usize| {
        let process = json!({
            "pm_id": 1, "name": "api", "status": "stopped", "exit_code": code, "autorestart": false,
        });
        message("process:event", &json!({ "event": "exit", "process": process, "at": 6 }))
    };
    let mut watched = Watched::new(vec![Daemon::new(DaemonId(0), "host", "/h", 0)]);
    let mut told = Collected::default();
    for second in 1..=SECONDS {
        // As fast as it is read: far faster than in a minute.
        let said = [chatter.repeat(FRAMES), exit(second)].concat();
        soon(bus.write_all(&said)).await.unwrap();
        // In the first half nobody takes anything, as behind a terminal that has stopped.
        if second >= SECONDS / 2 {
            take_until_exit(&client, &mut watched, &mut told, second).await;
        }
    }
    let exits = told.events.iter().filter(|line| line.kind.word() == "exit");
    let codes: Vec<String> = exits.map(|line| line.text.to_string()).collect();
    assert_eq!(codes.len(), SECONDS, "{codes:#?}");
    for (code, said) in (1..).zip(&codes) {
        assert!(said.starts_with(&format!("exit code {code}, ")), "{said} for {code}");
    }
    let lines = told.chatter + told.lost;
    assert_eq!(lines, (SECONDS * FRAMES * LINES) as u64, "every line is there or counted");
}
