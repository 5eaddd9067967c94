//! A piece of output as the bus brought it.

use crate::client::Message;
use crate::protocol::bus::{BusPmId, LogStream};

/// A process by its id on the bus.
pub(super) type BusId = u32;

/// An output on its way into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Which source it belongs to.
    pub(super) source: usize,
    /// Whose it is where several go into it: of one, whoever writes it goes on where another ended.
    pub(super) of: Option<(BusId, LogStream)>,
}

impl Key {
    /// Of a source that one output alone goes into.
    pub(super) fn own(source: usize) -> Self {
        Self { source, of: None }
    }
}

/// A piece of output.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) id: BusId,
    /// Its process's name, cleaned.
    pub(super) name: Box<str>,
    pub(super) stream: LogStream,
    pub(super) at_ms: i64,
    pub(super) text: String,
}

impl Said {
    pub(super) fn of(message: &Message) -> Option<Self> {
        let (Some(process), at_ms, text) = message.log()? else { return None };
        let stream = match message.topic() {
            "log:out" => LogStream::Out,
            "log:err" => LogStream::Err,
            _ => return None,
        };
        let (BusPmId::Process(id) | BusPmId::Old(id)) = process.pm_id? else { return None };
        Some(Self { id: id.0, name: process.name, stream, at_ms, text })
    }
}
