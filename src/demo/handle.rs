//! How a test scripts a daemon that runs, and reads its counters.

use std::io;
use std::sync::Arc;

use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};

use super::command::{Command, Control};
use super::script::{Counters, Fault, Socket, When};
use super::shared::Shared;
use super::world::World;

/// Scripts a running daemon and reads its counters.
#[derive(Debug, Clone)]
pub struct ScriptHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::Sender<Command>,
}

impl ScriptHandle {
    /// Sets a fault for a method (PM2's name of it, or `methods`).
    pub fn set(&self, method: &str, when: When, fault: Fault) {
        self.plan(Some(method.into()), when, fault);
    }

    /// Sets a fault for whatever is called.
    pub fn set_any(&self, when: When, fault: Fault) {
        self.plan(None, when, fault);
    }

    fn plan(&self, method: Option<Box<str>>, when: When, fault: Fault) {
        self.shared.record.plan(method, when, fault);
    }

    /// Forgets every fault.
    pub fn behave(&self) {
        self.shared.record.forget_faults();
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = self.shared.record.counters();
        let subscribers = self.shared.subscribers();
        counters.bus_queued_bytes = subscribers.iter().map(|one| one.queued_bytes()).collect();
        counters
    }

    /// Waits until the counters are as wanted, without polling.
    pub async fn wait_until(&self, mut wanted: impl FnMut(&Counters) -> bool) {
        loop {
            let changed = self.shared.record.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if wanted(&self.counters()) {
                return;
            }
            changed.await;
        }
    }

    /// Does this to every connection of a socket now. [`Fault::Slow`], [`Fault::Silent`] and the
    /// like, which need a call, do nothing here.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn now(&self, socket: Socket, fault: Fault) -> io::Result<()> {
        self.ask(|done| Control::Harm { socket, fault, done }).await
    }

    /// Stops listening, closes every connection and removes the sockets, as `pm2 kill` does.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn vanish(&self) -> io::Result<()> {
        let leave_files = false;
        self.ask(|done| Control::Vanish { leave_files, done }).await
    }

    /// Stops listening and closes every connection but leaves the socket files, as a God that was
    /// killed does: connecting is then refused.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn die(&self) -> io::Result<()> {
        let leave_files = true;
        self.ask(|done| Control::Vanish { leave_files, done }).await
    }

    /// Listens again, with another world.
    ///
    /// # Errors
    /// When the sockets cannot be made, or the daemon has been stopped.
    pub async fn come_back(&self, world: World) -> io::Result<()> {
        let world = Box::new(world);
        self.ask(|done| Control::ComeBack { world, done }).await?
    }

    /// Publishes a bus message.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn publish(&self, topic: &str, payload: Json) -> io::Result<()> {
        let topic = topic.to_owned();
        self.ask(|done| Control::Publish { topic, payload, done }).await
    }

    /// Lists a method with these parameters from now on (the callback last), or no longer.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn set_method(&self, method: &str, params: Option<&[&str]>) -> io::Result<()> {
        let method = method.to_owned();
        let params = params.map(|params| params.iter().map(|one| (*one).to_owned()).collect());
        self.ask(|done| Control::SetMethod { method, params, done }).await
    }

    /// Starts a flood: so many log lines of one process (92 bytes each, `flood N of TOTAL ...`), in
    /// chunks of 64 KiB cut anywhere, as fast as the quickest subscriber takes them.
    /// [`Counters::floods_done`] tells its end.
    ///
    /// # Errors
    /// When the daemon has been stopped.
    pub async fn flood(&self, pm_id: u32, lines: u64) -> io::Result<()> {
        self.ask(|done| Control::Flood { pm_id, lines, done }).await
    }

    async fn ask<T>(&self, control: impl FnOnce(oneshot::Sender<T>) -> Control) -> io::Result<T> {
        let stopped = || io::Error::other("the simulated daemon has been stopped");
        let (done, answer) = oneshot::channel();
        let sent = self.commands.send(Command::Control(control(done))).await;
        sent.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }
}
