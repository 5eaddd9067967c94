//! What the world's task is asked to do.

#[cfg(feature = "testing")]
use std::io;

#[cfg(feature = "testing")]
use serde_json::Value as Json;
#[cfg(feature = "testing")]
use tokio::sync::oneshot;

use super::calls::Request;
use super::peer::ReplyTo;
#[cfg(feature = "testing")]
use super::script::{Fault, Socket};
#[cfg(feature = "testing")]
use super::world::World;

/// What the world's task is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    /// By a client.
    Request { request: Request, to: ReplyTo },
    /// By a test.
    #[cfg(feature = "testing")]
    Control(Control),
}

/// What a test asks for.
#[cfg(feature = "testing")]
#[derive(Debug)]
pub(super) enum Control {
    Harm { socket: Socket, fault: Fault, done: oneshot::Sender<()> },
    Vanish { leave_files: bool, done: oneshot::Sender<()> },
    ComeBack { world: Box<World>, done: oneshot::Sender<io::Result<()>> },
    Publish { topic: String, payload: Json, done: oneshot::Sender<()> },
    SetMethod { method: String, params: Option<Vec<String>>, done: oneshot::Sender<()> },
    Flood { pm_id: u32, lines: u64, done: oneshot::Sender<()> },
}
