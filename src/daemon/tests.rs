//! The actors against a scripted peer on real sockets.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::Framed;

use super::*;
use crate::model::daemon::{Connection as Standing, Problem};
use crate::model::{Action, Target, Verdict};
use crate::protocol::amp::{AmpCodec, Frame};
use crate::protocol::process::{PmId, ProcessStatus};
use crate::protocol::value::{self, Value};

/// A test that waits longer than this for something has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const FRAME_BYTES_MAX: usize = 1 << 20;

/// A daemon that says what its test makes it say.
struct Peer {
    home: TempDir,
    rpc: UnixListener,
    publish: UnixListener,
}

/// One connection to its RPC socket.
struct Rpc {
    frames: Framed<UnixStream, AmpCodec>,
    /// The process that polls are answered with.
    polled: Json,
    /// Others beside it.
    besides: Vec<Json>,
    /// Whether polls are answered with an error instead.
    refuses: bool,
}

impl Peer {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let bind = |name| UnixListener::bind(home.path().join(name)).unwrap();
        let (rpc, publish) = (bind("rpc.sock"), bind("pub.sock"));
        Self { home, rpc, publish }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::in_home(self.home.path())
    }

    async fn accept(&self) -> Rpc {
        let (stream, _) = soon(self.rpc.accept()).await.unwrap();
        let frames = Framed::new(stream, AmpCodec::default());
        Rpc { frames, polled: process(), besides: Vec::new(), refuses: false }
    }

    async fn accept_bus(&self) -> UnixStream {
        soon(self.publish.accept()).await.unwrap().0
    }

    /// Accepts and answers the handshake as a PM2 7.
    async fn accept_live(&self) -> Rpc {
        let mut rpc = self.accept().await;
        rpc.shake_hands(&methods()).await;
        rpc
    }
}

impl Rpc {
    /// The next request: its id and what it asks; `None` at the end of the connection.
    async fn request(&mut self) -> Option<(String, Json)> {
        let frame = soon(self.frames.next()).await?.ok()?;
        let [Value::Json(body), Value::Text(id)] =
            [&frame.args()[0], &frame.args()[1]].map(|arg| Value::parse(arg))
        else {
            panic!("no request: {frame:?}");
        };
        Some((id.to_owned(), serde_json::from_slice(body).unwrap()))
    }

    async fn expect(&mut self, method: &str) -> String {
        let (id, body) = self.request().await.unwrap();
        let asked = body["method"].as_str().or(body["type"].as_str());
        assert_eq!(asked, Some(method), "{body}");
        id
    }

    async fn shake_hands(&mut self, methods: &Json) {
        let id = self.expect("methods").await;
        self.answer(&id, &json!({ "methods": methods })).await;
        let id = self.expect("getVersion").await;
        self.answer(&id, &json!({ "args": ["7.0.4"] })).await;
    }

    /// The next call that is no poll; polls are answered with one process.
    async fn call(&mut self) -> Option<(String, String, Json)> {
        loop {
            let (id, mut body) = self.request().await?;
            let method = body["method"].as_str().unwrap().to_owned();
            if method != "getMonitorData" {
                return Some((id, method, body["args"].take()));
            }
            let all: Vec<&Json> = std::iter::once(&self.polled).chain(&self.besides).collect();
            let polled = json!({ "args": [all] });
            let refused = json!({ "error": "no list" });
            let answer = if self.refuses { refused } else { polled };
            self.answer(&id, &answer).await;
        }
    }

    /// From now on, polls say this status of the process.
    fn say(&mut self, status: &ProcessStatus) {
        self.polled["pm2_env"]["status"] = json!(status.as_str());
    }

    /// Answers every call with a success, for ever.
    async fn serve(&mut self) -> std::convert::Infallible {
        loop {
            match self.call().await {
                Some((id, ..)) => self.answer(&id, &json!({ "args": [{}] })).await,
                None => std::future::pending().await,
            }
        }
    }

    /// The next calls that are no polls, each answered with a success.
    async fn calls(&mut self, count: usize) -> Vec<(String, Json)> {
        let mut calls = Vec::new();
        while calls.len() < count {
            let (id, method, args) = self.call().await.unwrap();
            self.answer(&id, &json!({ "args": [{}] })).await;
            calls.push((method, args));
        }
        calls
    }

    async fn answer(&mut self, id: &str, body: &Json) {
        self.send(&[value::json(body), value::text(id)]).await;
    }

    async fn send(&mut self, args: &[bytes::Bytes]) {
        let frame = Frame::new(args.to_vec()).unwrap();
        self.frames.send(frame).await.unwrap();
    }

    async fn send_bytes(&mut self, bytes: &[u8]) {
        self.frames.get_mut().write_all(bytes).await.unwrap();
    }
}

/// Params as PM2 7.0.4 reports them.
fn methods() -> Json {
    json!({
        "getVersion": {"params": ["env", "cb"]},
        "getMonitorData": {"params": ["env", "cb"]},
        "startProcessId": {"params": ["id", "cb"]},
        "stopProcessId": {"params": ["id", "cb"]},
        "restartProcessId": {"params": ["opts", "cb"]},
        "reloadProcessId": {"params": ["opts", "cb"]},
        "deleteProcessId": {"params": ["id", "cb"]},
        "stopWatch": {"params": ["method", "value", "fn"]},
        "notifyByProcessId": {"params": ["opts", "cb"]},
        "resetMetaProcessId": {"params": ["id", "cb"]},
        "duplicateProcessId": {"params": ["id", "cb"]},
        "prepare": {"params": ["env", "cb"]},
    })
}

fn process() -> Json {
    json!({
        "pid": 10, "name": "api", "pm_id": 1, "monit": {"memory": 1, "cpu": 2},
        "pm2_env": {
            "status": "online", "name": "api", "pm_id": 1, "kill_timeout": 0, "listen_timeout": 0,
        },
    })
}

fn poll_reply() -> Json {
    json!({ "args": [[process()]] })
}

/// The process, as the user chose it.
fn target() -> Target {
    let body = poll_reply().to_string();
    let snapshot = crate::protocol::process::decode_monitor_data(body.as_bytes()).unwrap();
    Target::of(&snapshot.processes[0])
}

/// What is asked of a future in a test comes, or the test fails.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing came")
}

/// Long where a test does not wait for the timeout, short where it does.
fn timings() -> Timings {
    Timings {
        backoff_base: Duration::from_millis(2),
        backoff_max: Duration::from_millis(20),
        debounce: Duration::from_millis(5),
        partial_line: Duration::from_millis(20),
        handshake: PATIENCE,
        // Longer than a test waits, so that no poll that times out stands in for what is tested.
        read: 2 * PATIENCE,
        last_poll: Duration::from_millis(20),
        act_margin: PATIENCE,
        ..Timings::default()
    }
}

struct Client {
    handle: DaemonHandle,
    inbox: Inbox,
    seen: Vec<Report>,
}

impl Client {
    fn new(peer: &Peer, timings: Timings) -> Self {
        let options = Options {
            interval: Duration::from_millis(20),
            frame_bytes_max: FRAME_BYTES_MAX,
            settle: Settle::For(Duration::ZERO),
            measures_here: false,
        };
        let inbox = Inbox::new(InboxBounds::default());
        let handle = spawn_with(DaemonId(3), peer.endpoint(), options, timings, inbox.clone());
        Self { handle, inbox, seen: Vec::new() }
    }

    /// Takes reports until one fits, and gives what that says.
    async fn wait<T>(&mut self, fits: impl Fn(&Report) -> Option<T>) -> T {
        loop {
            for (at, report) in self.seen.iter().enumerate() {
                if let Some(found) = fits(report) {
                    self.seen.drain(..=at);
                    return found;
                }
            }
            let ready = tokio::time::timeout(PATIENCE, self.inbox.ready()).await;
            assert!(ready.is_ok(), "not among {:?}", self.seen);
            let mut batch = Vec::new();
            self.inbox.take(&mut batch, usize::MAX);
            self.seen.extend(batch.into_iter().map(|(id, report)| {
                assert_eq!(id, DaemonId(3));
                report
            }));
        }
    }

    async fn live(&mut self) {
        self.wait(|report| {
            matches!(report, Report::Connection(Standing::Live { .. })).then_some(())
        })
        .await;
    }

    async fn down(&mut self) -> Problem {
        self.wait(|report| match report {
            Report::Connection(Standing::Down { problem, .. }) => Some(problem.clone()),
            _ => None,
        })
        .await
    }

    async fn snapshot(&mut self) -> usize {
        self.wait(|report| match report {
            Report::Snapshot { snapshot, .. } => Some(snapshot.processes.len()),
            _ => None,
        })
        .await
    }

    async fn warning(&mut self) -> String {
        self.wait(|report| match report {
            Report::Warning { text, .. } => Some(text.to_string()),
            _ => None,
        })
        .await
    }

    async fn verdict(&mut self) -> (Action, Verdict) {
        self.wait(|report| match report {
            Report::ActionFinished { action, verdict, .. } => Some((*action, verdict.clone())),
            _ => None,
        })
        .await
    }

    /// The verdict, while the peer answers whatever is asked.
    async fn verdict_from(&mut self, rpc: &mut Rpc) -> (Action, Verdict) {
        tokio::select! {
            verdict = self.verdict() => verdict,
            never = rpc.serve() => match never {},
        }
    }

    fn call(&self, method: &str, args: Vec<Json>) {
        self.handle.call(NamedCall::new(method, args));
    }

    async fn call_outcome(&mut self) -> CallOutcome {
        self.wait(|report| match report {
            Report::CallFinished { outcome, .. } => Some(outcome.clone()),
            _ => None,
        })
        .await
    }

    fn act(&self, action: Action) {
        self.handle.act(action, vec![target()]);
    }
}

mod bus_reader;
mod calls;
mod deaths;
mod faults;
mod tasks;
