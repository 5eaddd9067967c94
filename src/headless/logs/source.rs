//! One log file: whose output it holds, and how it is read.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use unicode_width::UnicodeWidthStr;

use super::super::{Context, output, targets};
use super::entries::{self, Beside};
use super::filter::Filter;
use super::kept::LINE_BYTES_MAX;
use super::said::BusId;
use crate::cli::Logs;
use crate::daemon::history::shared::all_of;
use crate::daemon::history::sources::{LogFile, log_files};
use crate::daemon::history::{Backwards, InFile, Line, Sought};
use crate::daemon::lives::{self, Lives};
use crate::daemon::seam::ReadAt;
use crate::daemon::{clock, files};
use crate::protocol::bus::LogStream;
use crate::protocol::process::{PmId, ProcessInfo};
use crate::protocol::text::clean;

/// One log file.
#[derive(Debug)]
pub(super) struct Source {
    /// What stands before its lines: `api[3]`, `api` where several instances write it.
    pub(super) label: String,
    /// The file.
    pub(super) file: LogFile,
    /// The outputs in it that were asked for. What it holds of others comes with them, and is told as
    /// what nobody says for certain.
    wanted: Vec<(PmId, LogStream)>,
    /// The name of those that write it.
    name: String,
    /// Where several write it, what stands before lines that came on the bus: `api[3]`.
    labels: Vec<(PmId, String)>,
    /// Its size before the bus was connected, and then, bytes.
    pub(super) sizes: (u64, u64),
    /// How large it was together with the next of its name when the bus went away, bytes.
    reached: Option<u64>,
    /// When the second was measured, milliseconds since 1970.
    pub(super) measured_ms: Option<i64>,
    /// Opened before the bus was connected: rotation does not change which file this is.
    pub(super) opened: Option<Arc<File>>,
    /// Where history ends: [`Self::sizes`] when followed, else its end.
    end: Option<u64>,
    /// When the process lived that alone writes it.
    lives: Lives,
    /// Lines before [`Self::end`] that the bus brings, and how often.
    pub(super) had: HashMap<Vec<u8>, u32>,
    /// When the first life of all that write it began, where that is known: milliseconds since 1970.
    begun_ms: Option<i64>,
    /// Whether all that goes into it comes on the bus, from its first line on.
    pub(super) is_heard: bool,
    /// Whether the daemon has none any more that writes it.
    pub(super) is_gone: bool,
    /// Whether several wrote it once: what is left of them goes on as one of several.
    was_shared: bool,
    /// Whether several processes did: what it alone holds is said by none of them for certain.
    was_of_several: bool,
}

impl Source {
    fn new(label: String, file: LogFile) -> Self {
        Self {
            wanted: file.keys().collect(),
            name: label.clone(),
            label,
            labels: Vec::new(),
            file,
            sizes: (0, 0),
            reached: None,
            measured_ms: None,
            opened: None,
            end: None,
            lives: Lives::default(),
            had: HashMap::new(),
            begun_ms: None,
            is_heard: false,
            is_gone: false,
            was_shared: false,
            was_of_several: false,
        }
    }

    /// One without a file, of a process that the daemon does not have any more.
    pub(super) fn of_gone(label: String, id: PmId, name: &str, stream: LogStream) -> Self {
        let file = LogFile::nowhere(id, name, stream);
        Self { is_gone: true, is_heard: true, ..Self::new(label, file) }
    }

    /// History ends here, but for these lines that the bus brings: it was written by then, milliseconds since 1970.
    pub(super) fn end_at(&mut self, at: u64, had: HashMap<Vec<u8>, u32>, written_ms: i64) {
        (self.sizes.1, self.end, self.had) = (at, Some(at), had);
        self.measured_ms = Some(written_ms);
    }

    /// These processes write it now.
    pub(super) fn become_that_of(&mut self, other: Self) {
        let Self { label, name, wanted, labels, file, lives, begun_ms, .. } = other;
        self.was_shared = self.is_shared();
        self.was_of_several |= self.file.ids.len() > 1;
        (self.label, self.file, self.lives, self.begun_ms) = (label, file, lives, begun_ms);
        (self.name, self.wanted, self.labels) = (name, wanted, labels);
        self.is_gone = false;
    }

    /// Whether the lines of several outputs are in it.
    pub(super) fn is_shared(&self) -> bool {
        self.was_shared || self.file.is_shared()
    }

    /// Whether all that goes into it was asked for.
    pub(super) fn is_all_wanted(&self) -> bool {
        self.file.keys().all(|key| self.wanted.contains(&key))
    }

    /// Who says what came of an output on the bus, and on which stream; `None` where that was not asked for.
    pub(super) fn who(&self, of: Option<(BusId, LogStream)>) -> Option<(&str, LogStream)> {
        let Some((id, stream)) = of else { return Some((&self.label, self.file.stream)) };
        if !self.wanted.contains(&(PmId(id), stream)) {
            return None;
        }
        let label = self.labels.iter().find(|(other, _)| other.0 == id);
        Some((label.map_or(&self.label, |(_, label)| label), stream))
    }

    /// What stands before lines that came of no bus.
    pub(super) fn label_of_file(&self) -> &str {
        if self.was_of_several { &self.name } else { &self.label }
    }

    /// How wide the widest is of what stands before its lines, columns.
    pub(super) fn label_columns(&self) -> usize {
        let labels = self.labels.iter().map(|(_, label)| label);
        labels.chain([&self.label]).map(|label| label.width()).max().unwrap_or_default()
    }

    /// Whether there is a file to be read.
    pub(super) fn has_file(&self) -> bool {
        self.file.path.is_some()
    }

    /// When the first life of those that write it began since a moment, where none was on then, as far as that is
    /// known: milliseconds since 1970.
    pub(super) fn begun_since(&self, from_ms: i64) -> Option<i64> {
        let of_all = self.begun_ms.filter(|begun_ms| *begun_ms > from_ms);
        of_all.or_else(|| self.lives.begun_since(from_ms))
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
        self.end = Some(self.sizes.1);
        self.measured_ms = Some(clock::now_ms());
    }

    /// A source that was not known before; the bus was lost last at `lost_ms`, and nothing older than
    /// `started_ms` is asked for, milliseconds since 1970. False where some of it may not have come.
    pub(super) fn arrive(&mut self, lost_ms: Option<i64>, started_ms: i64) -> bool {
        self.measure();
        self.measure_after();
        let is_heard = lost_ms.is_none_or(|lost_ms| self.begun_ms > Some(lost_ms));
        let is_new = self.opened.as_ref().is_none_or(|file| files::is_made_since(file, started_ms));
        if is_new {
            // All that it holds is asked for.
            (self.sizes, self.measured_ms) = ((0, 0), Some(started_ms));
        }
        self.is_heard = is_heard;
        is_heard || is_new
    }

    /// Opens it where it was not there before: then all that it holds is new.
    pub(super) fn open_late(&mut self) -> Option<Arc<File>> {
        if self.opened.is_none() {
            self.opened =
                self.file.path.as_ref().and_then(|path| files::open(path).ok()).map(Arc::new);
            self.sizes = (0, 0);
        }
        self.opened.clone()
    }

    /// The bus went away so long ago that what came is written, in so much of it.
    pub(super) fn goes_away(&mut self) {
        self.reached = self.reached.or_else(|| self.reached());
    }

    /// How large it was together with the next of its name when the bus went away, or is now, bytes.
    pub(super) fn take_reached(&mut self) -> Option<u64> {
        self.reached.take().or_else(|| self.reached())
    }

    fn reached(&self) -> Option<u64> {
        let (opened, path) = self.opened.clone().zip(self.file.path.as_ref())?;
        Some(all_of(&files::generations(opened, path)))
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
        let written_ms = self.measured_ms.filter(|_| self.end.is_some());
        match file.map(|file| file.leaving_lines_over(LINE_BYTES_MAX)) {
            Ok(file) => Some(Reading {
                file: file.written_by(written_ms).of_lives(self.lives.clone()),
                source: self.file.clone(),
                path: path.clone(),
                is_over: false,
                is_broken: false,
                left_by_estimate: 0,
                end: self.end,
                beside: Beside::default(),
                ready: Vec::new(),
                taken: None,
                had: self.had.clone(),
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
    /// How many lines may be of the time that is wanted, but for an estimate.
    left_by_estimate: u64,
    /// Where history ends.
    end: Option<u64>,
    /// What is read of it for what is found.
    beside: Beside,
    /// Lines of the last entry that fits, newest last.
    ready: Vec<Line>,
    /// Where the last entry begins that was found by what it says.
    taken: Option<u64>,
    /// Lines that the bus brings, and how often: those are not of history.
    had: HashMap<Vec<u8>, u32>,
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

    /// How many lines were left out that may be of the time that is wanted, but for an estimate.
    pub(super) fn left_by_estimate(&self) -> u64 {
        self.left_by_estimate
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
            if filter.is_by_line() && self.had.is_empty() {
                // Nothing is held of a line that is taken by itself.
                match self.file.next() {
                    Ok(Some(line)) if filter.fits(&line) => return Some(line),
                    Ok(Some(line)) => self.leave(&[line], filter),
                    Ok(None) => self.is_over = true,
                    Err(error) => self.break_off(&error),
                }
                continue;
            }
            let next = if filter.is_by_line() {
                self.file.next().map(|line| line.map(|line| vec![line]))
            } else if filter.is_by_text() {
                self.found(filter)
            } else {
                entries::next(&mut self.file)
            };
            match next.map(|entry| entry.map(|entry| self.not_had(entry))) {
                Ok(Some(entry)) if entry.is_empty() => {}
                Ok(Some(entry)) if filter.fits_entry(&entry, Some(&self.file.file())) => {
                    self.ready = entry;
                }
                Ok(Some(entry)) => self.leave(&entry, filter),
                Ok(None) => self.is_over = true,
                Err(error) => self.break_off(&error),
            }
        }
    }

    /// An entry is not wanted; behind one that is certainly too old there is none.
    fn leave(&mut self, entry: &[Line], filter: &Filter) {
        self.left_by_estimate += filter.left_by_estimate(entry, &self.file.file());
        let is_before = |line: &Line| filter.is_before(line) && !line.is_estimated;
        self.is_over = entry.first().is_some_and(is_before);
    }

    /// It cannot be read on, and that is said.
    fn break_off(&mut self, error: &std::io::Error) {
        let path = clean(&self.path.to_string_lossy()).into_owned();
        output::complain(&format!("{path}: {error}"));
        (self.is_over, self.is_broken) = (true, true);
    }

    /// The lines of an entry less those that the bus brings.
    fn not_had(&mut self, mut entry: Vec<Line>) -> Vec<Line> {
        if self.had.is_empty() {
            return entry;
        }
        let had = &mut self.had;
        // The newest of the same are those that came on the bus.
        let is_new: Vec<bool> =
            entry.iter().rev().map(|line| !take_one(had, &line.bytes)).collect();
        let mut is_new = is_new.into_iter().rev();
        entry.retain(|_| is_new.next().unwrap_or(true));
        entry
    }

    /// The next older entry with a line that says what is wanted.
    fn found(&mut self, filter: &Filter) -> std::io::Result<Option<Vec<Line>>> {
        let is_it = |line: &[u8], in_file: Option<InFile<'_>>| filter.says(line, in_file);
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

/// Takes one of the lines of this text; false where there is none.
fn take_one(had: &mut HashMap<Vec<u8>, u32>, line: &[u8]) -> bool {
    let Some(left) = had.get_mut(line) else { return false };
    *left -= 1;
    if *left == 0 {
        had.remove(line);
    }
    true
}

/// The log files of the first of these processes, each once, of all that there are.
pub(super) fn of(
    (infos, all): (&[ProcessInfo], &[ProcessInfo]),
    what: &Logs,
    context: &Context,
) -> Vec<Source> {
    let is_wanted = |stream| match stream {
        LogStream::Out => !what.err || what.out,
        LogStream::Err => !what.out || what.err,
    };
    let console = lives::Console::of(&context.endpoint.home);
    let source = |file: LogFile| {
        let wanted: Vec<(PmId, LogStream)> = file.keys().collect();
        let mut file = file;
        file.join_writers(all);
        let label = |id: PmId| {
            let info = infos.iter().find(|info| info.pm_id == id);
            let label = info.map_or_else(String::new, targets::label);
            output::printable(&label, context.is_ascii)
        };
        let own = infos.iter().filter(|info| file.ids == [info.pm_id]);
        let lives = own.map(|info| Lives::of(info, &console)).next().unwrap_or_default();
        let begun = all.iter().filter(|info| file.ids.contains(&info.pm_id));
        let begun_ms = begun.map(|info| info.online_since_ms.filter(|_| info.restarts == 0)).min();
        let name = output::printable(&clean(&file.name), context.is_ascii);
        let (shown, labels) = match file.ids.as_slice() {
            [id] => (label(*id), Vec::new()),
            ids => {
                let ours = ids.iter().filter(|id| wanted.iter().any(|(other, _)| other == *id));
                (name.clone(), ours.map(|id| (*id, label(*id))).collect())
            }
        };
        let begun_ms = begun_ms.flatten();
        Source { wanted, name, labels, lives, begun_ms, ..Source::new(shown, file) }
    };
    log_files(infos, is_wanted).into_iter().map(source).collect()
}

/// What is said of those of these processes that write no log file: there is nothing to be read.
pub(super) fn without_files(
    infos: &[ProcessInfo],
    sources: &[Source],
    is_ascii: bool,
) -> Option<String> {
    let has_file = |id: PmId| sources.iter().any(|it| it.has_file() && it.file.ids.contains(&id));
    let without = infos.iter().filter(|info| !has_file(info.pm_id));
    let labels: Vec<String> =
        without.map(|info| output::printable(&clean(&targets::label(info)), is_ascii)).collect();
    let said = match labels.len() {
        0 => return None,
        1 => "writes no log file (/dev/null): it has no history",
        _ => "write no log file (/dev/null): they have no history",
    };
    Some(format!("{} {said}", targets::some(&labels)))
}

/// Those of standard output, for tests.
#[cfg(test)]
pub(super) fn of_outputs(infos: &[ProcessInfo]) -> Vec<Source> {
    let source = |file: LogFile| Source::new(String::new(), file);
    log_files(infos, |stream| stream == LogStream::Out).into_iter().map(source).collect()
}
