//! The task that owns the world: listens, hands requests to the world, and sends what comes of
//! them.
//!
//! Invariant: this task never waits for a client. Where its clients are, see `connection`.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::calls::Request;
use super::connection::{ReplyTo, RpcConnections, accept_bus, accept_rpc, flood};
use super::damage::{bus_frame, damaged, deliver, encode, reply_frame, send_damaged};
use super::script::{Fault, Shared, Socket};
use super::world::{Answer, Published, Slot, Ticket, World};
use super::{epoch_ms, wire};
use crate::protocol::value;

/// Time between `pm2:kill` and the end (measured about 50 ms).
const KILL_PAUSE: Duration = Duration::from_millis(50);

/// What the world's task is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Request { request: Request, to: ReplyTo },
    Harm { socket: Socket, fault: Fault, done: oneshot::Sender<()> },
    Vanish { leave_files: bool, done: oneshot::Sender<()> },
    ComeBack { world: Box<World>, done: oneshot::Sender<io::Result<()>> },
    Publish { topic: String, payload: Json, done: oneshot::Sender<()> },
    SetMethod { method: String, params: Option<Vec<String>>, done: oneshot::Sender<()> },
    Flood { pm_id: u32, lines: u64, done: oneshot::Sender<()> },
}

/// The sockets while they are listened on.
#[derive(Debug)]
pub(super) struct Listening {
    token: CancellationToken,
    rpc: UnixListener,
    bus: UnixListener,
}

impl Listening {
    /// Makes both sockets in a folder, in place of stale ones.
    pub(super) fn bind(home: &Path, root: &CancellationToken) -> io::Result<Self> {
        remove_sockets(home);
        Ok(Self {
            token: root.child_token(),
            rpc: UnixListener::bind(home.join("rpc.sock"))?,
            bus: UnixListener::bind(home.join("pub.sock"))?,
        })
    }
}

/// Removes both socket files, if they are there.
pub(super) fn remove_sockets(home: &Path) {
    for name in ["rpc.sock", "pub.sock"] {
        // One that is not there is as good as removed.
        let _ = std::fs::remove_file(home.join(name));
    }
}

/// The accepting tasks of one time of being up.
#[derive(Debug)]
struct Up {
    token: CancellationToken,
    accepting: Vec<JoinHandle<()>>,
}

/// The task that owns the world.
#[derive(Debug)]
pub(super) struct Server {
    home: PathBuf,
    world: World,
    shared: Arc<Shared>,
    root: CancellationToken,
    commands: mpsc::Sender<Command>,
    up: Option<Up>,
    /// Calls whose answer the world still owes; every one is settled within the world's plans.
    owed: HashMap<Ticket, ReplyTo>,
    rpc_connections: RpcConnections,
    started: Instant,
    started_ms: i64,
}

impl Server {
    pub(super) fn new(
        home: PathBuf,
        mut world: World,
        shared: Arc<Shared>,
        root: CancellationToken,
        commands: mpsc::Sender<Command>,
    ) -> Self {
        world.set_home(&home);
        Self {
            home,
            world,
            shared,
            root,
            commands,
            up: None,
            owed: HashMap::new(),
            rpc_connections: RpcConnections::default(),
            started: Instant::now(),
            started_ms: epoch_ms(),
        }
    }

    fn now_ms(&self) -> i64 {
        self.started_ms + i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Lives until the root token is cancelled.
    pub(super) async fn run(mut self, first: Listening, mut inbox: mpsc::Receiver<Command>) {
        self.accept(first);
        let root = self.root.clone();
        loop {
            self.advance();
            let due = self.world.next_ms().filter(|_| self.up.is_some());
            let wait_ms = due.map_or(60_000, |due| due - self.now_ms()).max(0);
            let wake = Instant::now() + Duration::from_millis(wait_ms.unsigned_abs());
            tokio::select! {
                () = root.cancelled() => return,
                command = inbox.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                () = sleep_until(wake) => {}
            }
        }
    }

    fn accept(&mut self, listening: Listening) {
        let Listening { token, rpc, bus } = listening;
        let accepting = vec![
            tokio::spawn(accept_rpc(
                rpc,
                token.clone(),
                Arc::clone(&self.shared),
                self.commands.clone(),
                self.rpc_connections.clone(),
            )),
            tokio::spawn(accept_bus(bus, token.clone(), Arc::clone(&self.shared))),
        ];
        self.up = Some(Up { token, accepting });
    }

    /// Lets the world live up to now and sends what it says.
    fn advance(&mut self) {
        if self.up.is_none() {
            return;
        }
        for published in self.world.step(self.now_ms()) {
            match published {
                Published::Bus { topic, payload } => self.broadcast(topic, &payload),
                Published::Reply { ticket, body } => {
                    if let Some(to) = self.owed.remove(&ticket) {
                        deliver(to, body);
                    }
                }
            }
        }
    }

    fn broadcast(&self, topic: &str, payload: &Json) {
        let subscribers = self.shared.subscribers();
        if subscribers.is_empty() {
            return;
        }
        let frame = bus_frame(topic, payload);
        for subscriber in subscribers {
            subscriber.push(frame.clone(), &self.shared);
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Request { request, to } => self.request(request, to).await,
            Command::Harm { socket, fault, done } => {
                self.harm(socket, &fault);
                let _ = done.send(());
            }
            Command::Vanish { leave_files, done } => {
                self.go_down(leave_files).await;
                let _ = done.send(());
            }
            Command::ComeBack { world, done } => {
                self.go_down(false).await;
                self.world = *world;
                self.world.set_home(&self.home);
                let bound = Listening::bind(&self.home, &self.root);
                let _ = done.send(bound.map(|listening| self.accept(listening)));
            }
            Command::Publish { topic, payload, done } => {
                self.broadcast(&topic, &payload);
                let _ = done.send(());
            }
            Command::SetMethod { method, params, done } => {
                let params: Option<Vec<&str>> =
                    params.as_ref().map(|params| params.iter().map(String::as_str).collect());
                self.world.set_method(&method, params.as_deref());
                let _ = done.send(());
            }
            Command::Flood { pm_id, lines, done } => {
                if let Some(proc) = self.world.proc(Slot::live(pm_id)).cloned() {
                    let shared = Arc::clone(&self.shared);
                    let at_ms = self.now_ms();
                    let root = self.root.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = root.cancelled() => {}
                            () = flood(proc, lines, at_ms, &shared) => {}
                        }
                    });
                }
                let _ = done.send(());
            }
        }
    }

    async fn request(&mut self, request: Request, to: ReplyTo) {
        let answer = match (request, &to.fault) {
            (Request::Call { .. }, Some(Fault::Refuse(text))) => Answer::Now(wire::error(text)),
            (Request::Call { method, args }, _) => {
                self.advance();
                let now_ms = self.now_ms();
                self.world.call(&method, &args, now_ms)
            }
            (Request::Methods, _) => Answer::Now(self.world.list_methods()),
            (Request::Refused(body), _) => Answer::Now(body),
            (Request::Ignored, _) => Answer::Never,
            (Request::Fatal, _) => Answer::Dies,
        };
        if let Answer::Later(ticket) = answer {
            // The world may have settled it already.
            self.owed.insert(ticket, to);
            self.advance();
            return;
        }
        // What the call set off goes out before its reply, as PM2 has it.
        self.advance();
        match answer {
            Answer::Now(body) => deliver(to, body),
            Answer::Later(_) | Answer::Never => {}
            Answer::Ends => {
                sleep(KILL_PAUSE).await;
                self.go_down(false).await;
            }
            Answer::Dies => {
                self.shared.change(|state| state.counters.had_bad_call = true);
                self.go_down(true).await;
            }
        }
    }

    async fn go_down(&mut self, leave_files: bool) {
        self.owed.clear();
        if let Some(up) = self.up.take() {
            up.token.cancel();
            for task in up.accepting {
                // It ends at once; if it panicked there is no listener either.
                let _ = task.await;
            }
        }
        if !leave_files {
            remove_sockets(&self.home);
        }
    }

    fn harm(&self, socket: Socket, fault: &Fault) {
        match socket {
            Socket::Rpc => {
                for connection in self.rpc_connections.all() {
                    let frame = reply_frame(&value::text("0:0"), &json!({ "args": [{}] }));
                    send_damaged(&connection, fault, &frame, &value::text("0:0"));
                }
            }
            Socket::Bus => {
                let frame = bus_frame("pm2-tui:nobody-knows", &json!({ "data": [1, 2, 3] }));
                let broken = encode(vec![
                    value::text("process:event"),
                    Bytes::from_static(b"j:{\"event\":\"exit\",\"process\":"),
                ]);
                for subscriber in self.shared.subscribers() {
                    let (bytes, is_end) = damaged(fault, &frame, &broken);
                    if let Some(bytes) = bytes {
                        subscriber.push(bytes, &self.shared);
                    }
                    if is_end {
                        subscriber.close();
                    }
                }
            }
        }
    }
}
