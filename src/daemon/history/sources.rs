//! Which log files processes write, and whose output each of them holds.
//!
//! Invariant: each file is named once, however many processes and outputs go into it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Format;
use crate::daemon::clock;
use crate::logs::parse::Pattern;
use crate::protocol::bus::LogStream;
use crate::protocol::process::{ExecMode, PmId, ProcessInfo};

/// A log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFile {
    /// Which of the two outputs; of a file for both, the first.
    pub(crate) stream: LogStream,
    /// The processes that write it.
    pub(crate) ids: Vec<PmId>,
    /// The name of these, as PM2 says it: of several, of the first.
    pub(crate) name: Box<str>,
    /// Their namespace.
    pub(crate) namespace: Option<Box<str>>,
    /// Whether both outputs go into it.
    pub(crate) is_for_both: bool,
    /// Whether God writes it, not the process.
    pub(crate) is_fork: bool,
    /// Where it is; `None` for an output that goes into no file.
    pub(crate) path: Option<PathBuf>,
    date_format: Option<Box<str>>,
}

impl LogFile {
    /// That of an output that goes into no file.
    pub(crate) fn nowhere(id: PmId, name: &str, stream: LogStream) -> Self {
        Self {
            stream,
            ids: vec![id],
            name: name.into(),
            namespace: None,
            is_for_both: false,
            is_fork: true,
            path: None,
            date_format: None,
        }
    }

    /// Whether several outputs are written into it.
    pub(crate) fn is_shared(&self) -> bool {
        self.ids.len() > 1 || self.is_for_both
    }

    /// Names those of all processes that write it, too, behind those that are named.
    pub(crate) fn join_writers(&mut self, all: &[ProcessInfo]) {
        let Some(path) = self.path.clone() else { return };
        for info in all {
            for stream in [LogStream::Out, LogStream::Err] {
                if path_of(info, stream).is_none_or(|other| path != Path::new(other)) {
                    continue;
                }
                self.is_for_both |= self.stream != stream;
                if !self.ids.contains(&info.pm_id) {
                    self.ids.push(info.pm_id);
                }
            }
        }
    }

    /// How its lines are read.
    pub(crate) fn format(&self) -> Format {
        Format {
            declared: self.date_format.as_deref().and_then(Pattern::new),
            zone: clock::zone(),
            is_err: self.stream == LogStream::Err,
        }
    }

    /// The outputs that go into it.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (PmId, LogStream)> {
        let streams = [LogStream::Out, LogStream::Err];
        self.ids.iter().flat_map(move |id| {
            let held = streams.into_iter().filter(|stream| self.holds(*id, *stream));
            held.map(|stream| (*id, stream))
        })
    }

    /// Whether the output of a process goes into it.
    pub(crate) fn holds(&self, id: PmId, stream: LogStream) -> bool {
        (self.stream == stream || self.is_for_both) && self.ids.contains(&id)
    }
}

/// Where an output of a process goes, if that is a file.
fn path_of(info: &ProcessInfo, stream: LogStream) -> Option<&str> {
    let own = match stream {
        LogStream::Out => &info.logs.out,
        LogStream::Err => &info.logs.err,
    };
    let is_file = |path: &&str| *path != "/dev/null";
    let both = info.logs.both.as_deref().filter(is_file);
    own.as_deref().filter(is_file).or(both)
}

/// The log files of processes for the outputs that are wanted, in the order of the processes.
pub(crate) fn log_files(
    infos: &[ProcessInfo],
    is_wanted: impl Fn(LogStream) -> bool,
) -> Vec<LogFile> {
    let mut files: Vec<LogFile> = Vec::new();
    let mut known: HashMap<Box<str>, usize> = HashMap::new();
    for info in infos {
        let streams = [LogStream::Out, LogStream::Err];
        for stream in streams.into_iter().filter(|stream| is_wanted(*stream)) {
            let path = path_of(info, stream);
            let index = path.and_then(|path| known.get(path).copied());
            if let Some(file) = index.and_then(|index| files.get_mut(index)) {
                file.is_for_both |= file.stream != stream;
                if !file.ids.contains(&info.pm_id) {
                    file.ids.push(info.pm_id);
                }
                continue;
            }
            if let Some(path) = path {
                known.insert(path.into(), files.len());
            }
            files.push(LogFile {
                stream,
                ids: vec![info.pm_id],
                name: info.name.clone(),
                namespace: info.namespace.clone(),
                is_for_both: false,
                is_fork: info.exec_mode == ExecMode::Fork,
                path: path.map(PathBuf::from),
                date_format: info.logs.date_format.clone(),
            });
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::ProcessStatus;

    fn info(id: u32, out: &str, err: &str) -> ProcessInfo {
        let mut info = ProcessInfo::new(PmId(id), "api", ProcessStatus::Online);
        info.logs.out = Some(out.into());
        info.logs.err = Some(err.into());
        info
    }

    #[test]
    fn a_file_is_named_once_whoever_writes_it() {
        let infos = [info(0, "/o", "/e0"), info(1, "/o", "/e1"), info(2, "/b", "/b")];
        let files = log_files(&infos, |_| true);
        let said: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_deref().unwrap().to_str().unwrap(), file.is_shared()))
            .collect();
        assert_eq!(said, [("/o", true), ("/e0", false), ("/e1", false), ("/b", true)]);
        assert!(files[0].holds(PmId(1), LogStream::Out));
        assert!(
            !files[0].holds(PmId(1), LogStream::Err) && files[3].holds(PmId(2), LogStream::Err)
        );
        assert_eq!(log_files(&infos, |stream| stream == LogStream::Err).len(), 3);
    }

    #[test]
    fn what_goes_nowhere_has_no_path_and_the_common_file_stands_in() {
        let mut none = info(0, "/dev/null", "/dev/null");
        assert_eq!(log_files(std::slice::from_ref(&none), |_| true)[0].path, None);
        none.logs.both = Some("/both".into());
        let files = log_files(&[none], |_| true);
        assert_eq!((files.len(), files[0].is_for_both), (1, true));
    }
}
