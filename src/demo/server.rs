//! The task that owns the world: listens, hands requests to the world, and sends what comes of
//! them.
//!
//! Invariant: this task never waits for a client. Where its clients are, see `connection`.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::calls::Request;
use super::command::Command;
use super::connection::{accept_bus, accept_rpc};
use super::frames::bus_frame;
use super::peer::{ReplyTo, RpcConnections};
use super::script::Fault;
use super::shared::Shared;
use super::world::{Answer, Published, Ticket, World};
use super::{deliver, epoch_ms, wire};

/// Time between `pm2:kill` and the end (measured about 50 ms).
const KILL_PAUSE: Duration = Duration::from_millis(50);

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
    pub(super) home: PathBuf,
    pub(super) world: World,
    pub(super) shared: Arc<Shared>,
    pub(super) root: CancellationToken,
    commands: mpsc::Sender<Command>,
    up: Option<Up>,
    /// Calls whose answer the world still owes; every one is settled within the world's plans.
    owed: HashMap<Ticket, ReplyTo>,
    pub(super) rpc_connections: RpcConnections,
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

    pub(super) fn wall_ms(&self) -> i64 {
        self.started_ms + i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Lives until the root token is cancelled.
    pub(super) async fn run(mut self, first: Listening, mut inbox: mpsc::Receiver<Command>) {
        self.accept(first);
        let root = self.root.clone();
        loop {
            self.advance();
            let due = self.world.next_ms().filter(|_| self.up.is_some());
            let wait_ms = due.map_or(60_000, |due| due - self.wall_ms()).max(0);
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

    pub(super) fn accept(&mut self, listening: Listening) {
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
        for published in self.world.step(self.wall_ms()) {
            match published {
                Published::Bus { topic, payload } => self.broadcast(topic, &payload),
                Published::Reply { ticket, body } => {
                    if let Some(to) = self.owed.remove(&ticket) {
                        deliver(to, &body);
                    }
                }
            }
        }
    }

    pub(super) fn broadcast(&self, topic: &str, payload: &Json) {
        let subscribers = self.shared.subscribers();
        if subscribers.is_empty() {
            return;
        }
        let frame = bus_frame(topic, payload);
        for subscriber in subscribers {
            self.shared.push(&subscriber, frame.clone());
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Request { request, to } => self.request(request, to).await,
            #[cfg(feature = "testing")]
            Command::Control(control) => self.control(control).await,
        }
    }

    async fn request(&mut self, request: Request, to: ReplyTo) {
        let refusal = to.fault.as_ref().and_then(Fault::refusal);
        let answer = match (request, refusal) {
            (Request::Call { .. }, Some(text)) => Answer::Now(wire::error(text)),
            (Request::Call { method, args }, None) => {
                self.advance();
                let now_ms = self.wall_ms();
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
            Answer::Now(body) => deliver(to, &body),
            Answer::Later(_) | Answer::Never => {}
            Answer::Ends => {
                sleep(KILL_PAUSE).await;
                self.go_down(false).await;
            }
            Answer::Dies => {
                self.shared.record.bad_call();
                self.go_down(true).await;
            }
        }
    }

    pub(super) async fn go_down(&mut self, leave_files: bool) {
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
}
