//! One log file: whose output it holds, and how it is read.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::{Context, output, targets};
use super::entries::{self, Beside};
use super::filter::Filter;
use crate::cli::Logs;
use crate::daemon::history::sources::{LogFile, log_files};
use crate::daemon::history::{Backwards, Line, Sought};
use crate::daemon::lives::{self, Lives};
use crate::daemon::seam::ReadAt;
use crate::daemon::{clock, files};
use crate::protocol::bus::LogStream;
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// One log file.
#[derive(Debug)]
pub(super) struct Source {
    /// What stands before its lines: `api[3]`, `api` where several instances write it.
    pub(super) label: String,
    /// The file.
    pub(super) file: LogFile,
    /// Its size before the bus was connected, and then, bytes.
    pub(super) sizes: (u64, u64),
    /// When the latter was looked at, milliseconds since 1970.
    pub(super) measured_ms: i64,
    /// Opened before the bus was connected: rotation does not change which file this is.
    pub(super) opened: Option<Arc<File>>,
    /// Where history ends: [`Self::sizes`] when followed, else its end.
    end: Option<u64>,
    /// When the process lived that alone writes it.
    lives: Lives,
}

impl Source {
    /// Whether there is a file to be read.
    pub(super) fn has_file(&self) -> bool {
        self.file.path.is_some()
    }

    /// There is no file to be read.
    pub(super) fn close(&mut self) {
        self.file.path = None;
    }

    /// Looks how large it is, before the bus is connected.
    pub(super) fn measure(&mut self) {
        self.opened = self.file.path.as_ref().and_then(|path| files::open(path).ok()).map(Arc::new);
        self.sizes.0 = self.size();
    }

    /// Looks again; history ends here.
    pub(super) fn measure_after(&mut self) {
        self.sizes.1 = self.size();
        self.measured_ms = clock::now_ms();
        self.end = Some(self.sizes.1);
    }

    fn size(&self) -> u64 {
        self.opened.as_ref().and_then(|file| file.size().ok()).unwrap_or_default()
    }

    /// The reader of its history; `None` where there is none, and that is said.
    pub(super) fn backwards(&mut self) -> Option<Reading> {
        let path = self.file.path.as_ref()?;
        // What is followed is read where it was opened, whatever has become of its name since.
        let file = match &self.opened {
            Some(opened) => Backwards::of(Arc::clone(opened), self.end, self.file.format()),
            None => Backwards::open(path, self.end, self.file.format()),
        };
        match file {
            Ok(file) => Some(Reading {
                file: file.of_lives(self.lives.clone()),
                source: self.file.clone(),
                path: path.clone(),
                is_over: false,
                is_broken: false,
                end: self.end,
                beside: Beside::default(),
                ready: Vec::new(),
                taken: None,
            }),
            // Of a process that never ran. `files` says what there should be.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
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
    source: LogFile,
    path: PathBuf,
    is_over: bool,
    is_broken: bool,
    /// Where history ends.
    end: Option<u64>,
    /// What is read of it for what is found.
    beside: Beside,
    /// Lines of the last entry that fits, newest last.
    ready: Vec<Line>,
    /// Where the last entry begins that was found by what it says.
    taken: Option<u64>,
}

impl Reading {
    /// The file.
    pub(super) fn file(&self) -> Arc<File> {
        self.file.file()
    }

    /// Whether reading it failed before its start.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The next older line that fits.
    pub(super) fn fitting(&mut self, filter: &Filter) -> Option<Line> {
        loop {
            if let Some(line) = self.ready.pop() {
                return Some(line);
            }
            if self.is_over {
                return None;
            }
            let next = if filter.is_by_line() {
                self.file.next().map(|line| line.map(|line| vec![line]))
            } else if filter.is_by_text() {
                self.found(filter)
            } else {
                entries::next(&mut self.file)
            };
            match next {
                Ok(Some(entry)) if filter.fits_entry(&entry) => self.ready = entry,
                Ok(Some(entry)) => {
                    let is_before = |line: &Line| filter.is_before(line) && !line.is_estimated;
                    self.is_over = entry.first().is_some_and(is_before);
                }
                Ok(None) => self.is_over = true,
                Err(error) => {
                    let path = clean(&self.path.to_string_lossy()).into_owned();
                    output::complain(&format!("{path}: {error}"));
                    (self.is_over, self.is_broken) = (true, true);
                }
            }
        }
    }

    /// The next older entry with a line that says what is wanted.
    fn found(&mut self, filter: &Filter) -> std::io::Result<Option<Vec<Line>>> {
        let is_it = |line: &[u8]| filter.says(line);
        let may_be_in = |lines: &[u8]| filter.may_say(lines);
        let sought = Sought { is_it: &is_it, may_be_in: &may_be_in };
        loop {
            let Some(hit) = self.file.next_sought(&sought)? else { return Ok(None) };
            // Several lines of one entry may say it.
            if self.taken.is_some_and(|taken| hit.offset >= Some(taken)) {
                continue;
            }
            let entry = self.beside.entry(hit, &self.file, self.end, || self.source.format())?;
            self.taken = entry.first().and_then(|head| head.offset);
            return Ok(Some(entry));
        }
    }
}

/// The log files of processes, each once.
pub(super) fn of(infos: &[ProcessInfo], what: &Logs, context: &Context) -> Vec<Source> {
    let is_wanted = |stream| match stream {
        LogStream::Out => !what.err || what.out,
        LogStream::Err => !what.out || what.err,
    };
    let console = lives::Console::of(&context.endpoint.home);
    let source = |file: LogFile| {
        let label = match file.ids.as_slice() {
            [id] => {
                let info = infos.iter().find(|info| info.pm_id == *id);
                info.map_or_else(String::new, targets::label)
            }
            _ => clean(&file.name).into_owned(),
        };
        let label = output::printable(&label, context.is_ascii);
        let own = infos.iter().filter(|info| file.ids == [info.pm_id]);
        let lives = own.map(|info| Lives::of(info, &console)).next().unwrap_or_default();
        Source { label, file, sizes: (0, 0), measured_ms: 0, opened: None, end: None, lives }
    };
    log_files(infos, is_wanted).into_iter().map(source).collect()
}

/// Those of standard output, for tests.
#[cfg(test)]
pub(super) fn of_outputs(infos: &[ProcessInfo]) -> Vec<Source> {
    let source = |file: LogFile| Source {
        label: String::new(),
        file,
        sizes: (0, 0),
        measured_ms: 0,
        opened: None,
        end: None,
        lives: Lives::default(),
    };
    log_files(infos, |stream| stream == LogStream::Out).into_iter().map(source).collect()
}
