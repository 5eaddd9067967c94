//! What an action under way hears of processes on the bus.
//!
//! Invariant: telling never waits; each ear keeps at most [`HEARD_MAX`] things, and one that missed
//! something knows it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};

use super::waiting::Lost;
use crate::model::log::one_line;
use crate::protocol::bus::{
    BusEvent, BusPmId, Exception, LogChunk, LogStream, Other, ProcessEvent,
};
use crate::protocol::process::PmId;
use crate::protocol::text::clean;

/// How much an ear keeps.
const HEARD_MAX: usize = 1024;
/// How many lines of one piece of standard error are told, the last ones: a stack is longer.
const LINES_MAX: usize = 64;

/// One thing that was heard.
#[derive(Debug, Clone)]
pub(crate) enum Heard {
    /// A `process:event`.
    Process(Box<ProcessEvent>),
    /// A `process:exception`.
    Exception(Box<Exception>),
    /// A line of standard error, cleaned.
    ErrLine {
        /// Whose.
        pm_id: PmId,
        /// Whether it is of the worker that a reload replaces.
        is_old_worker: bool,
        /// The line.
        line: Box<str>,
    },
    /// An `axm:reply`: an action called back.
    Reply {
        /// Whose; `None` where the message does not say.
        pm_id: Option<PmId>,
        /// The action's name, as it was declared.
        action: Box<str>,
        /// What it returned: one cleaned line of JSON; `None` for nothing.
        returned: Option<Box<str>>,
    },
    /// Something was missed: the bus went away, or more came than was kept.
    Lost,
}

/// Those who listen to one bus. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Ears(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    listeners: Mutex<Vec<Listener>>,
    is_connected: watch::Sender<bool>,
    /// Whether the last connection is over.
    is_over: watch::Sender<bool>,
}

#[derive(Debug)]
struct Listener {
    sender: mpsc::Sender<Heard>,
    /// Something could not be kept, and it was not told yet.
    missed: bool,
}

impl Default for Ears {
    fn default() -> Self {
        let (is_connected, is_over) = (watch::Sender::new(false), watch::Sender::new(false));
        Self(Arc::new(Shared { listeners: Mutex::default(), is_connected, is_over }))
    }
}

impl Ears {
    /// Listens from now on.
    pub(crate) fn listen(&self) -> Ear {
        let (sender, heard) = mpsc::channel(HEARD_MAX);
        self.lock().push(Listener { sender, missed: false });
        Ear(heard)
    }

    /// Waits until the bus is connected; false where it is not in that time.
    pub(crate) async fn connected(&self, timeout: Duration) -> bool {
        let mut seen = self.0.is_connected.subscribe();
        let connected = seen.wait_for(|is_connected| *is_connected);
        tokio::time::timeout(timeout, connected).await.is_ok_and(|seen| seen.is_ok())
    }

    /// Waits until a connection to the bus is over, with all that it said; not where there is none yet.
    pub(crate) async fn over(&self) {
        let mut seen = self.0.is_over.subscribe();
        // The sender is held here.
        let _ = seen.wait_for(|is_over| *is_over).await;
    }

    /// Whether the bus is connected.
    pub(crate) fn is_connected(&self) -> bool {
        *self.0.is_connected.borrow()
    }

    /// Whether telling reaches anyone: what costs something is not made for nobody.
    pub(crate) fn is_anyone_listening(&self) -> bool {
        let mut listeners = self.lock();
        listeners.retain(|listener| !listener.sender.is_closed());
        !listeners.is_empty()
    }

    /// The bus is connected, or not any more.
    pub(crate) fn set_connected(&self, is_connected: bool) {
        let was_connected = self.0.is_connected.send_replace(is_connected);
        if is_connected {
            self.0.is_over.send_replace(false);
            return;
        }
        if was_connected {
            self.0.is_over.send_replace(true);
            self.tell(&Heard::Lost);
        }
    }

    /// Something of the bus was lost that an action may have waited for.
    pub(crate) fn tell_lost(&self, lost: &Lost) {
        if lost.errors > 0 || lost.events > 0 {
            self.tell(&Heard::Lost);
        }
    }

    /// Tells what matters to an action of a message of the bus.
    pub(crate) fn tell_event(&self, event: &BusEvent) {
        let heard = match event {
            BusEvent::Process(event) => Heard::Process(event.clone()),
            BusEvent::Exception(exception) => Heard::Exception(exception.clone()),
            BusEvent::Log(chunk) => return self.tell_log(chunk),
            _ => return,
        };
        self.tell(&heard);
    }

    /// Tells the last lines of a piece of output, where it is standard error.
    pub(crate) fn tell_log(&self, chunk: &LogChunk) {
        if chunk.stream != LogStream::Err {
            return;
        }
        let (pm_id, is_old_worker) = match chunk.process.pm_id {
            Some(BusPmId::Process(id)) => (id, false),
            Some(BusPmId::Old(id)) => (id, true),
            Some(BusPmId::Daemon) | None => return,
        };
        if !self.is_anyone_listening() {
            return;
        }
        let lines: Vec<&str> = chunk.data.lines().rev().take(LINES_MAX).collect();
        for line in lines.into_iter().rev() {
            let line = clean(line).into();
            self.tell(&Heard::ErrLine { pm_id, is_old_worker, line });
        }
    }

    /// Tells of an `axm:reply`.
    pub(crate) fn tell_reply(&self, other: &Other) {
        if !self.is_anyone_listening() {
            return;
        }
        let Ok(payload) = serde_json::from_slice::<Json>(&other.json) else { return };
        let Some(data) = payload.get("data") else { return };
        // 0.10 has the app's whole message as its data.
        let inner = if data.get("action_name").is_some() { Some(data) } else { data.get("data") };
        let action = inner.and_then(|inner| inner.get("action_name")?.as_str());
        let (Some(inner), Some(action)) = (inner, action) else { return };
        let pm_id = match other.process.as_ref().and_then(|process| process.pm_id) {
            Some(BusPmId::Process(id)) => Some(id),
            // Not that of the worker that was asked.
            Some(BusPmId::Old(_) | BusPmId::Daemon) => return,
            None => None,
        };
        let returned = inner.get("return").map(|value| one_line(&value.to_string()));
        self.tell(&Heard::Reply { pm_id, action: action.into(), returned });
    }

    /// Tells all.
    pub(crate) fn tell(&self, heard: &Heard) {
        self.lock().retain_mut(|listener| {
            if listener.missed && listener.sender.try_send(Heard::Lost).is_ok() {
                listener.missed = false;
            }
            match listener.sender.try_send(heard.clone()) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    listener.missed = true;
                    true
                }
                Err(mpsc::error::TrySendError::Closed(_)) => false,
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears what was told since [`Ears::listen`].
#[derive(Debug)]
pub(crate) struct Ear(mpsc::Receiver<Heard>);

impl Ear {
    /// The next thing; never ends. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Heard {
        match self.0.recv().await {
            Some(heard) => heard,
            // All ears are gone: nothing is ever heard again.
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_keeps_no_more_hears_that_it_missed_something() {
        let ears = Ears::default();
        let mut ear = ears.listen();
        for id in 0..=HEARD_MAX as u32 {
            let line = "x".into();
            ears.tell(&Heard::ErrLine { pm_id: PmId(id), is_old_worker: false, line });
        }
        for _ in 0..HEARD_MAX {
            assert!(matches!(ear.next().await, Heard::ErrLine { .. }));
        }
        ears.set_connected(true);
        let line = "y".into();
        ears.tell(&Heard::ErrLine { pm_id: PmId(0), is_old_worker: false, line });
        assert!(matches!(ear.next().await, Heard::Lost));
        assert!(matches!(ear.next().await, Heard::ErrLine { .. }));
        assert!(ears.connected(Duration::ZERO).await && ears.is_anyone_listening());
        drop(ear);
        assert!(!ears.is_anyone_listening());
    }
}
