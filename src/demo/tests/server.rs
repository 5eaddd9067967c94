//! The daemon over its real sockets.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};
use tokio_util::codec::Framed;

use crate::demo::{Demo, Fault, Script, Socket, When, World, epoch_ms};
use crate::protocol::amp::{AmpCodec, AmpError, Frame};
use crate::protocol::value;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Client {
    frames: Framed<UnixStream, AmpCodec>,
}

impl Client {
    async fn rpc(demo: &Demo) -> Self {
        Self::connect(demo, "rpc.sock").await.unwrap()
    }

    /// A subscriber that the daemon knows of.
    async fn bus(demo: &Demo) -> Self {
        let before = demo.script().counters().bus_connections_total;
        let client = Self::connect(demo, "pub.sock").await.unwrap();
        let script = demo.script();
        let known = script.wait_until(|counters| counters.bus_connections_total > before);
        timeout(PATIENCE, known).await.unwrap();
        client
    }

    async fn connect(demo: &Demo, socket: &str) -> io::Result<Self> {
        let stream = UnixStream::connect(demo.home().join(socket)).await?;
        let frames = Framed::new(stream, AmpCodec::default());
        Ok(Self { frames })
    }

    async fn send(&mut self, id: &str, body: &Json) {
        let frame = Frame::new(vec![value::json(body), value::text(id)]).unwrap();
        self.frames.send(frame).await.unwrap();
    }

    async fn send_call(&mut self, id: &str, method: &str, args: &Json) {
        let body = json!({ "type": "call", "method": method, "args": args });
        self.send(id, &body).await;
    }

    async fn next(&mut self) -> Option<Result<Frame, AmpError>> {
        timeout(PATIENCE, self.frames.next()).await.expect("something within 20 s")
    }

    /// The id and the envelope of the next reply.
    async fn reply(&mut self) -> (String, Json) {
        let frame = self.next().await.expect("a reply, not the end").unwrap();
        let [body, id] = frame.args() else {
            panic!("no reply");
        };
        let body = serde_json::from_slice(&body[2..]).unwrap();
        (String::from_utf8_lossy(&id[2..]).into_owned(), body)
    }

    async fn call(&mut self, method: &str, args: Json) -> Json {
        self.send_call("1:1", method, &args).await;
        let (id, body) = self.reply().await;
        assert_eq!(id, "1:1");
        body
    }

    /// The topic and the payload of the next bus message.
    async fn message(&mut self) -> (String, Json) {
        let frame = self.next().await.expect("a message, not the end").unwrap();
        let [topic, payload] = frame.args() else {
            panic!("no message");
        };
        let payload = serde_json::from_slice(&payload[2..]).unwrap();
        (String::from_utf8_lossy(&topic[2..]).into_owned(), payload)
    }

    async fn expect_end(&mut self) {
        // A read of a connection that was cut may also say so with an error.
        let next = self.next().await;
        assert!(matches!(next, None | Some(Err(AmpError::Io(_)))), "{next:?}");
    }
}

fn quiet(processes: usize, script: Script) -> Demo {
    Demo::start(World::quiet(processes, epoch_ms()), script).unwrap()
}

#[tokio::test]
async fn the_folder_is_private_and_goes_with_the_demo() {
    let demo = quiet(1, Script::default());
    let home = demo.home().to_owned();
    let mode = std::fs::metadata(&home).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut client = Client::rpc(&demo).await;
    assert_eq!(client.call("ping", json!([{}])).await, json!({ "args": [{ "msg": "pong" }] }));
    drop(demo);
    assert!(!home.exists());
    client.expect_end().await;
}

#[tokio::test]
async fn a_folder_of_the_callers_stays_without_sockets() {
    let folder = tempfile::tempdir().unwrap();
    // A stale socket file of a daemon that was killed is in the way of nobody.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("rpc.sock")).unwrap());
    let demo = Demo::start_in(folder.path(), World::empty(), Script::default()).unwrap();
    let mut client = Client::rpc(&demo).await;
    assert_eq!(client.call("getMonitorData", json!([{}])).await, json!({ "args": [[]] }));
    demo.stop();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn without_a_runtime_it_says_so() {
    assert!(Demo::start(World::empty(), Script::default()).is_err());
}

#[tokio::test]
async fn calls_are_answered_and_counted() {
    let demo = quiet(3, Script::default());
    let mut client = Client::rpc(&demo).await;
    client.send("9:1", &json!({ "type": "methods" })).await;
    client.send_call("9:2", "getVersion", &json!([{}])).await;
    client.send_call("9:3", "getMonitorData", &json!([{}])).await;
    let (id, methods) = client.reply().await;
    assert_eq!(id, "9:1");
    assert_eq!(methods["methods"]["stopWatch"]["params"], json!(["method", "value", "fn"]));
    assert_eq!(client.reply().await, ("9:2".to_owned(), json!({ "args": ["7.0.4"] })));
    let (id, processes) = client.reply().await;
    assert_eq!(id, "9:3");
    assert_eq!(processes["args"][0].as_array().unwrap().len(), 3);
    let counters = demo.script().counters();
    let methods: Vec<&str> = counters.calls.iter().map(|call| &*call.method).collect();
    assert_eq!(methods, ["methods", "getVersion", "getMonitorData"]);
    assert_eq!(counters.calls[2].args, json!([{}]));
    assert_eq!((counters.rpc_connections, counters.bus_connections()), (1, 0));
    assert!(!counters.had_bad_call);
    drop(client);
    let script = demo.script();
    let closed = script.wait_until(|counters| counters.rpc_connections == 0);
    timeout(PATIENCE, closed).await.unwrap();
}

#[tokio::test]
async fn a_stop_shows_on_the_bus_before_its_reply() {
    let demo = quiet(1, Script::default());
    let mut bus = Client::bus(&demo).await;
    let mut client = Client::rpc(&demo).await;
    let reply = client.call("stopProcessId", json!([0])).await;
    assert_eq!(reply["args"][0]["pm2_env"]["status"], "stopped");
    let mut events = Vec::new();
    while events.len() < 2 {
        let (topic, payload) = bus.message().await;
        if topic == "process:event" {
            events.push(payload["process"]["status"].clone());
        }
    }
    assert_eq!(events, ["stopping", "stopped"]);
}

#[tokio::test]
async fn quick_calls_overtake_slow_ones() {
    let demo = quiet(1, Script::default());
    let mut client = Client::rpc(&demo).await;
    client.send_call("2:1", "stopProcessId", &json!([0])).await;
    client.send_call("2:2", "ping", &json!([{}])).await;
    assert_eq!(client.reply().await.0, "2:2");
    assert_eq!(client.reply().await.0, "2:1");
}

#[tokio::test]
async fn a_call_that_kills_god_kills_this_one_and_is_told() {
    for body in [
        json!({ "type": "call", "method": "ping", "args": [] }),
        json!({ "type": "call", "method": "stopProcessId", "args": [null] }),
        json!({ "type": "call", "method": "ping", "args": {} }),
        Json::Null,
    ] {
        let demo = quiet(1, Script::default());
        let mut bus = Client::bus(&demo).await;
        let mut client = Client::rpc(&demo).await;
        client.send("1:1", &body).await;
        client.expect_end().await;
        bus.expect_end().await;
        assert!(demo.script().counters().had_bad_call, "{body}");
        let refused = Client::connect(&demo, "rpc.sock").await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn a_client_that_dies_inside_a_frame_harms_nobody() {
    let demo = quiet(1, Script::default());
    let mut stream = UnixStream::connect(demo.home().join("rpc.sock")).await.unwrap();
    stream.write_all(b"\x12\x00\x00\x00\x30j:{\"ty").await.unwrap();
    let script = demo.script();
    let is_open = |wanted| script.wait_until(move |counters| counters.rpc_connections == wanted);
    timeout(PATIENCE, is_open(1)).await.unwrap();
    drop(stream);
    timeout(PATIENCE, is_open(0)).await.unwrap();
    assert!(!script.counters().had_bad_call);
    let mut client = Client::rpc(&demo).await;
    assert_eq!(client.call("getVersion", json!([{}])).await["args"][0], "7.0.4");
}

#[tokio::test]
async fn faults_of_replies_do_what_they_say() {
    let script = Script::default().with("getVersion", When::Nth(2), Fault::Silent);
    let demo = quiet(2, script);
    let script = demo.script();
    let mut client = Client::rpc(&demo).await;
    // Silent, the second of its method only.
    client.send_call("3:1", "getVersion", &json!([{}])).await;
    client.send_call("3:2", "getVersion", &json!([{}])).await;
    client.send_call("3:3", "getVersion", &json!([{}])).await;
    assert_eq!(client.reply().await.0, "3:1");
    assert_eq!(client.reply().await.0, "3:3");
    // Out of order.
    script.set("ping", When::Next, Fault::HoldUntilNext);
    client.send_call("3:4", "ping", &json!([{}])).await;
    client.send_call("3:5", "ping", &json!([{}])).await;
    assert_eq!(client.reply().await.0, "3:5");
    assert_eq!(client.reply().await.0, "3:4");
    // Slow.
    script.set_any(When::Next, Fault::Slow(Duration::from_millis(60)));
    let asked = Instant::now();
    client.call("ping", json!([{}])).await;
    assert!(asked.elapsed() >= Duration::from_millis(60));
    // To nobody first.
    script.set("ping", When::Next, Fault::UnknownIdFirst);
    client.send_call("3:6", "ping", &json!([{}])).await;
    assert_eq!(client.reply().await.0, "0:0");
    assert_eq!(client.reply().await.0, "3:6");
    // Without an environment; the action refused and not done.
    script.set("getMonitorData", When::Next, Fault::WithoutEnv);
    let reply = client.call("getMonitorData", json!([{}])).await;
    assert!(reply["args"][0][0].get("pm2_env").is_none());
    assert!(reply["args"][0][1].get("pm2_env").is_some());
    script.set("stopProcessId", When::Always, Fault::Refuse("not today".to_owned()));
    assert_eq!(client.call("stopProcessId", json!([0])).await["error"], "not today");
    let reply = client.call("getMonitorData", json!([{}])).await;
    assert_eq!(reply["args"][0][0]["pm2_env"]["status"], "online");
    script.behave();
    let reply = client.call("stopProcessId", json!([0])).await;
    assert_eq!(reply["args"][0]["pid"], 0);
    assert_eq!(script.counters().count("ping"), 4);
}

#[tokio::test]
async fn damaged_frames_are_damaged_as_told() {
    let demo = quiet(1, Script::default());
    for fault in [
        Fault::HalfFrame,
        Fault::Garbage,
        Fault::WrongVersion,
        Fault::Oversize,
        Fault::BrokenJson,
        Fault::Close,
    ] {
        let mut client = Client::rpc(&demo).await;
        demo.script().set("ping", When::Next, fault.clone());
        client.send_call("4:1", "ping", &json!([{}])).await;
        check_damage(&fault, client.next().await.as_ref());
        // The next connection is served as ever.
        let mut client = Client::rpc(&demo).await;
        assert!(client.call("ping", json!([{}])).await.get("args").is_some());
        // And the same on the bus.
        let mut bus = Client::bus(&demo).await;
        demo.script().now(Socket::Bus, fault.clone()).await.unwrap();
        check_damage(&fault, bus.next().await.as_ref());
        drop(bus);
        let script = demo.script();
        let gone = script.wait_until(|counters| counters.bus_connections() == 0);
        timeout(PATIENCE, gone).await.unwrap();
    }
}

fn check_damage(fault: &Fault, next: Option<&Result<Frame, AmpError>>) {
    match (fault, next) {
        (Fault::HalfFrame, Some(Err(AmpError::Io(_))))
        | (Fault::Garbage | Fault::WrongVersion, Some(Err(AmpError::Version { .. })))
        | (Fault::Oversize, Some(Err(AmpError::FrameTooLarge { .. })))
        | (Fault::Close, None) => {}
        (Fault::BrokenJson, Some(Ok(frame))) => {
            let is_json = |arg: &[u8]| serde_json::from_slice::<Json>(&arg[2..]).is_ok();
            let json = frame.args().iter().find(|arg| arg.starts_with(b"j:")).unwrap();
            assert!(!is_json(json));
        }
        _ => panic!("{fault:?}: {next:?}"),
    }
}

#[tokio::test]
async fn it_vanishes_and_comes_back_as_another() {
    let demo = quiet(2, Script::default());
    let script = demo.script();
    let mut bus = Client::bus(&demo).await;
    script.vanish().await.unwrap();
    bus.expect_end().await;
    let missing = Client::connect(&demo, "rpc.sock").await.err().unwrap();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    let world = World::quiet(2, epoch_ms()).renumbered(7).with_version("5.4.3");
    script.come_back(world).await.unwrap();
    let mut client = Client::rpc(&demo).await;
    assert_eq!(client.call("getVersion", json!([{}])).await["args"][0], "5.4.3");
    let reply = client.call("getMonitorData", json!([{}])).await;
    let ids = reply.pointer("/args/0").unwrap().as_array().unwrap();
    let ids: Vec<u64> = ids.iter().map(|one| one["pm_id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [7, 8]);
    // Killed: the files stay, nobody answers.
    script.die().await.unwrap();
    client.expect_end().await;
    let refused = Client::connect(&demo, "pub.sock").await.err().unwrap();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    script.come_back(World::empty()).await.unwrap();
    Client::rpc(&demo).await;
}

#[tokio::test]
async fn kill_me_says_so_and_takes_the_sockets_along() {
    let demo = quiet(1, Script::default());
    let mut bus = Client::bus(&demo).await;
    let mut client = Client::rpc(&demo).await;
    client.send_call("5:1", "killMe", &json!([{}])).await;
    assert_eq!(bus.message().await.0, "pm2:kill");
    bus.expect_end().await;
    client.expect_end().await;
    assert!(!demo.script().counters().had_bad_call);
    let script = demo.script();
    // Answered once the daemon is through with its end.
    script.set_method("ping", None).await.unwrap();
    assert!(!demo.home().join("rpc.sock").exists());
}

#[tokio::test]
async fn an_old_daemon_lists_and_takes_other_things() {
    let world = World::lively(epoch_ms())
        .with_method("reloadProcessId", &["id", "cb"])
        .without_method("getReport");
    let demo = Demo::start(world, Script::default()).unwrap();
    let mut client = Client::rpc(&demo).await;
    client.send("6:1", &json!({ "type": "methods" })).await;
    let (_, methods) = client.reply().await;
    assert_eq!(methods["methods"]["reloadProcessId"]["params"], json!(["id", "cb"]));
    let reply = client.call("reloadProcessId", json!([1])).await;
    assert_eq!(reply["args"][0]["pm_id"], "_old_1");
    let reply = client.call("getReport", json!([{}])).await;
    assert_eq!(reply, json!({ "error": "method \"getReport\" does not exist" }));
    demo.script().set_method("ping", Some(&["cb"])).await.unwrap();
    assert!(client.call("ping", json!([])).await.get("args").is_some());
}

#[tokio::test]
async fn anything_can_be_published() {
    let demo = quiet(1, Script::default());
    let mut first = Client::bus(&demo).await;
    let mut second = Client::bus(&demo).await;
    let payload = json!({ "process": 7, "data": "\u{1b}]0;x\u{7}" });
    demo.script().publish("log:out", payload.clone()).await.unwrap();
    assert_eq!(first.message().await, ("log:out".to_owned(), payload.clone()));
    assert_eq!(second.message().await, ("log:out".to_owned(), payload));
}

#[tokio::test]
async fn a_flood_comes_whole_in_chunks_of_a_pipe_read() {
    const LINES: u64 = 50_000;
    let demo = quiet(1, Script::default());
    let mut bus = Client::bus(&demo).await;
    demo.script().flood(0, LINES).await.unwrap();
    let (mut text, mut largest) = (String::new(), 0);
    while text.len() < LINES as usize * 92 {
        let (topic, payload) = bus.message().await;
        assert_eq!(topic, "log:out");
        let data = payload["data"].as_str().unwrap();
        largest = largest.max(data.len());
        text.push_str(data);
    }
    assert_eq!(largest, 65_536);
    assert_eq!(text.lines().count() as u64, LINES);
    assert!(text.lines().last().unwrap().starts_with("flood     50000 of     50000 "));
    let script = demo.script();
    let done =
        script.wait_until(|counters| counters.floods_done == 1 && counters.bus_queued_bytes == [0]);
    timeout(PATIENCE, done).await.unwrap();
    assert!(script.counters().bus_queued_bytes_peak < 2 * 1024 * 1024);
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_is_dropped_at_the_bound() {
    let script = Script::default().with_queue_bytes_max(3 * 1024 * 1024);
    let demo = quiet(1, script);
    let mut stalled = UnixStream::connect(demo.home().join("pub.sock")).await.unwrap();
    let mut reading = Client::bus(&demo).await;
    let reader = tokio::spawn(async move {
        let mut bytes = 0;
        while bytes < 9_200_000 {
            bytes += reading.message().await.1["data"].as_str().unwrap().len();
        }
    });
    let script = demo.script();
    let both = script.wait_until(|counters| counters.bus_connections() == 2);
    timeout(PATIENCE, both).await.unwrap();
    script.flood(0, 100_000).await.unwrap();
    timeout(PATIENCE, reader).await.unwrap().unwrap();
    let counters = script.counters();
    assert_eq!(counters.bus_overflows, 1);
    assert!(counters.bus_queued_bytes_peak > 3 * 1024 * 1024);
    let dropped = script.wait_until(|counters| counters.bus_connections() <= 1);
    timeout(PATIENCE, dropped).await.unwrap();
    let mut rest = Vec::new();
    // What the kernel still had, then the end.
    let end = timeout(PATIENCE, stalled.read_to_end(&mut rest)).await.unwrap();
    assert!(end.is_ok() && rest.len() < 3 * 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn a_lively_demo_lives_on_the_clock_of_its_runtime() {
    let demo = Demo::start(World::lively(epoch_ms()), Script::default()).unwrap();
    let mut bus = Client::bus(&demo).await;
    let mut has_errored = false;
    let started = Instant::now();
    while !has_errored {
        let frame = bus.frames.next().await.unwrap().unwrap();
        let payload: Json = serde_json::from_slice(&frame.args()[1][2..]).unwrap();
        has_errored = payload["event"] == "restart overlimit";
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
}
