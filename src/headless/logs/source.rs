//! One log file: whose output it holds, and how it is read.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::super::{Context, output, targets};
use super::filter::Filter;
use crate::cli::Logs;
use crate::daemon::files;
use crate::daemon::history::{Backwards, Format, Line};
use crate::daemon::seam::ReadAt;
use crate::logs::parse::Pattern;
use crate::protocol::bus::LogStream;
use crate::protocol::process::{ExecMode, PmId, ProcessInfo};
use crate::protocol::text::clean;

/// One log file.
#[derive(Debug)]
pub(super) struct Source {
    /// What stands before its lines: `api[3]`, `api` where several instances write it.
    pub(super) label: String,
    /// Which of the two outputs; of a file for both, the first.
    pub(super) stream: LogStream,
    /// The processes that write it.
    pub(super) ids: Vec<PmId>,
    /// Whether both outputs go into it.
    pub(super) is_for_both: bool,
    /// Whether God writes it, not the process.
    pub(super) is_fork: bool,
    path: Option<PathBuf>,
    date_format: Option<Box<str>>,
    /// Its size before the bus was connected, and then, bytes.
    pub(super) sizes: (u64, u64),
    /// Opened before the bus was connected: rotation does not change which file this is.
    pub(super) file: Option<File>,
    /// Where history ends: [`Self::sizes`] when followed, else its end.
    end: Option<u64>,
}

impl Source {
    /// Whether several outputs are written into it.
    pub(super) fn is_shared(&self) -> bool {
        self.ids.len() > 1 || self.is_for_both
    }

    /// Whether there is a file to be read.
    pub(super) fn has_file(&self) -> bool {
        self.path.is_some()
    }

    /// There is no file to be read.
    pub(super) fn close(&mut self) {
        self.path = None;
    }

    /// Looks how large it is, before the bus is connected.
    pub(super) fn measure(&mut self) {
        self.file = self.path.as_ref().and_then(|path| files::open(path).ok());
        self.sizes.0 = self.size();
    }

    /// Looks again; history ends here.
    pub(super) fn measure_after(&mut self) {
        self.sizes.1 = self.size();
        self.end = Some(self.sizes.1);
    }

    fn size(&self) -> u64 {
        self.file.as_ref().and_then(|file| file.size().ok()).unwrap_or_default()
    }

    /// How its lines are read.
    pub(super) fn format(&self) -> Format {
        Format {
            declared: self.date_format.as_deref().and_then(Pattern::new),
            zone: TimeZone::system(),
            is_err: self.stream == LogStream::Err,
        }
    }

    /// The reader of its history; `None` where there is none, and that is said.
    pub(super) fn backwards(&mut self) -> Option<Reading> {
        let path = self.path.as_ref()?;
        match Backwards::open(path, self.end, self.format()) {
            Ok(file) => {
                Some(Reading { file, path: path.clone(), is_over: false, is_broken: false })
            }
            Err(error) => {
                let path = clean(&path.to_string_lossy()).into_owned();
                output::complain(&format!("cannot read {path} of {}: {error}", self.label));
                None
            }
        }
    }
}

/// A file being read backwards.
#[derive(Debug)]
pub(super) struct Reading {
    file: Backwards,
    path: PathBuf,
    is_over: bool,
    is_broken: bool,
}

impl Reading {
    /// Whether reading it failed before its start.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The next older line that fits.
    pub(super) fn fitting(&mut self, filter: &Filter) -> Option<Line> {
        while !self.is_over {
            match self.file.next() {
                Ok(Some(line)) if filter.fits(&line) => return Some(line),
                Ok(Some(line)) => self.is_over = filter.is_before(&line) && !line.is_estimated,
                Ok(None) => self.is_over = true,
                Err(error) => {
                    let path = clean(&self.path.to_string_lossy()).into_owned();
                    output::complain(&format!("{path}: {error}"));
                    (self.is_over, self.is_broken) = (true, true);
                }
            }
        }
        None
    }
}

/// The log files of processes, each once.
pub(super) fn of(infos: &[ProcessInfo], what: &Logs, context: &Context) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    let mut known: HashMap<Box<str>, usize> = HashMap::new();
    for info in infos {
        let label = output::printable(&targets::label(info), context.is_ascii);
        let outputs = [
            (LogStream::Out, &info.logs.out, !what.err || what.out),
            (LogStream::Err, &info.logs.err, !what.out || what.err),
        ];
        for (stream, path, is_wanted) in outputs {
            if !is_wanted {
                continue;
            }
            let is_file = |path: &&str| *path != "/dev/null";
            let both = info.logs.both.as_deref().filter(is_file);
            let path = path.as_deref().filter(is_file).or(both);
            let index = path.and_then(|path| known.get(path).copied());
            if let Some(source) = index.and_then(|index| sources.get_mut(index)) {
                source.is_for_both |= source.stream != stream;
                if !source.ids.contains(&info.pm_id) {
                    source.ids.push(info.pm_id);
                    source.label = output::printable(&clean(&info.name), context.is_ascii);
                }
                continue;
            }
            if let Some(path) = path {
                known.insert(path.into(), sources.len());
            }
            sources.push(Source {
                label: label.clone(),
                stream,
                ids: vec![info.pm_id],
                is_for_both: false,
                is_fork: info.exec_mode == ExecMode::Fork,
                path: path.map(PathBuf::from),
                date_format: info.logs.date_format.clone(),
                sizes: (0, 0),
                file: None,
                end: None,
            });
        }
    }
    sources
}
