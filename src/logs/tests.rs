//! The store and its views beside a naive model, and the cases that are worth a name.

mod against_naive;
mod long;
mod patterns;
mod stores;
mod views;

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use super::parse::Level;
use super::{
    Body, FileId, FilePlace, Files, Kind, Line, LineTime, Owner, SourceKey, Stream, TimeFrom,
};
use crate::model::DaemonId;
use crate::protocol::process::PmId;

/// Files in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) files: Vec<Vec<u8>>,
    pub(super) reads: RefCell<usize>,
}

impl Files for Memory {
    fn read_at(&self, file: FileId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        *self.reads.borrow_mut() += 1;
        let all = self.files.get(usize::from(file.0)).ok_or(io::ErrorKind::NotFound)?;
        let rest = &all[(offset as usize).min(all.len())..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl Memory {
    /// Adds a line to a file.
    pub(super) fn write(&mut self, file: u16, bytes: &[u8]) -> FilePlace {
        let index = usize::from(file);
        self.files.resize(self.files.len().max(index + 1), Vec::new());
        let offset = self.files[index].len() as u64;
        self.files[index].extend_from_slice(bytes);
        self.files[index].push(b'\n');
        FilePlace { file: FileId(file), offset, len: bytes.len() as u64 }
    }
}

pub(super) fn owner(pm_id: u32, namespace: &str, name: &str) -> Owner {
    Owner::Process {
        daemon: DaemonId(0),
        pm_id: Some(PmId(pm_id)),
        namespace: Arc::from(namespace),
        name: Arc::from(name),
    }
}

pub(super) fn key(pm_id: u32, name: &str, stream: Stream) -> SourceKey {
    SourceKey { owner: owner(pm_id, "default", name), stream }
}

pub(super) fn line(at_ms: i64, bytes: &[u8]) -> Line<'_> {
    Line {
        time: LineTime { at_ms, from: TimeFrom::Bus },
        level: Some(Level::Info),
        kind: Kind::Output,
        body: Body::Held(bytes),
    }
}
