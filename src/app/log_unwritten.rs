//! Which lines of the log no file has: told by how the file of a process ends.

use super::log_view::LogView;
use crate::logs::{FileEnd, Owner, SourceId, Stream};
use crate::model::DaemonId;
use crate::model::past::FileEnded;
use crate::protocol::bus::LogStream;

impl LogView {
    /// Marks the lines of a process that only the bus had. Returns whether there are such.
    pub(super) fn compare(&mut self, of: DaemonId, ended: &FileEnded) -> bool {
        let meant = match ended.stream {
            LogStream::Out => Stream::Out,
            LogStream::Err => Stream::Err,
        };
        let sources = self.store.sources().filter(|(_, key, _)| {
            let is_of_process = matches!(&key.owner, Owner::Process { daemon, pm_id, name, .. }
                if *daemon == of && *pm_id == Some(ended.pm_id) && **name == *ended.name);
            is_of_process && key.stream == meant
        });
        let sources: Vec<SourceId> = sources.map(|(source, ..)| source).collect();
        let FileEnded { life_ms, is_whole, written_ms, .. } = *ended;
        let end = FileEnd { bytes: &ended.bytes, is_whole, written_ms };
        let lines = sources.iter().flat_map(|source| self.store.unwritten(*source, life_ms, end));
        let lines: Vec<_> = lines.collect();
        for line in &lines {
            self.store.set_bus_only(*line);
        }
        !lines.is_empty()
    }
}
