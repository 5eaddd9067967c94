//! History for the screen: the ends of all log files when they become known, older lines on a wish.
//!
//! Invariant: what comes on the bus is never held up for it: history ends where the bus began. All
//! file calls are offloaded; a file that cannot be read costs a note. What is read at a time has a
//! bound.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::Line;
use super::events::{self, Script};
use super::first_look::{Look, first_look};
use super::heard::Heard;
use super::listed::Listed;
use super::mend::{self, Mending, SharedLines};
use super::newcomers::{New, Newcomers};
use super::older::{Course, Reader, Wish, next_older};
use super::past_file::past_file;
use super::sources::{LogFile, log_files};
use super::unread;
use crate::daemon::clock::now_ms;
use crate::daemon::lives::Console;
use crate::daemon::{Watch, offload};
use crate::logs::Reach;
use crate::logs::parse::{Judge, Place};
use crate::model::log::LogLine;
use crate::model::past::{Past, PastFile};
use crate::model::report::Report;
use crate::protocol::process::{PmId, ProcessInfo};
use crate::protocol::text::clean;

/// How long the files wait for the bus: without it, history ends where the files do.
const BUS_MAX: Duration = Duration::from_secs(2);
/// The last lines of each file, and bytes of them.
const FILE_LINES: usize = 1_000;
const FILE_BYTES: usize = 1 << 20;
/// The same of all files together.
const ALL_LINES: usize = 50_000;
const ALL_BYTES: usize = 24 << 20;
/// How long reading older lines may take before what there is is given.
const OLDER_MAX: Duration = Duration::from_secs(1);
/// So much longer than that, a disk hangs: a busy machine needs seconds for the last step.
const HANGS: Duration = Duration::from_secs(10);
/// Files that are read at a time.
const AT_A_TIME: usize = 8;

/// The history of one daemon's processes, over suspensions.
#[derive(Debug, Default)]
pub(in crate::daemon) struct History {
    /// What came on the bus.
    pub(in crate::daemon) heard: Heard,
    /// The files of the processes that there are.
    pub(super) files: watch::Sender<Vec<LogFile>>,
    /// The processes, as their lives are told by.
    pub(super) listed: Arc<Listed>,
    /// How often they were said.
    lists: AtomicU64,
    /// Which older lines are wanted.
    wish: Mutex<Option<Wish>>,
    /// What is wanted is not wanted any more.
    is_halted: Arc<AtomicBool>,
    wished: Notify,
    readers: tokio::sync::Mutex<Readers>,
    is_remote_told: AtomicBool,
}

#[derive(Debug, Default)]
struct Readers {
    /// Files that were looked at.
    known: HashSet<PathBuf>,
    new: Newcomers,
    all: Vec<Reader>,
    /// The wish that is under way.
    course: Option<Course>,
    mending: Mending,
    /// How often the bus had been connected.
    connections: u64,
    /// Where the daemon's own log ended when it first was, and when that was.
    console: Option<(u64, i64)>,
    /// Whether what that log says up to there was told.
    is_console_told: bool,
}

impl History {
    /// These are the processes now.
    pub(in crate::daemon) fn processes(&self, infos: &[ProcessInfo]) {
        let files = log_files(infos, |_| true);
        self.listed.note(infos);
        self.files.send_if_modified(|known| {
            let is_other = *known != files;
            if is_other {
                *known = files;
            }
            is_other
        });
        self.lists.fetch_add(1, Ordering::Relaxed);
    }

    /// Older lines are wanted, of these processes, or of all; so many there is room for.
    pub(in crate::daemon) fn wish(&self, of: Vec<PmId>, reach: Reach, room: usize) {
        self.is_halted.store(false, Ordering::Relaxed);
        let wish = Wish { of, reach, room };
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner) = Some(wish);
        self.wished.notify_one();
    }

    /// When the life of a process began that goes on, milliseconds since 1970.
    pub(super) fn since_ms(&self, id: PmId) -> Option<i64> {
        self.listed.since_ms(id)
    }

    /// The scripts of all processes.
    pub(super) fn scripts(&self) -> Vec<Script> {
        Script::of(&self.listed.lock())
    }

    /// What came of a wish until now was taken: it goes on.
    pub(in crate::daemon) fn go_on(&self) {
        self.wished.notify_one();
    }

    /// Older lines are not wanted any more.
    pub(in crate::daemon) fn halt(&self) {
        self.is_halted.store(true, Ordering::Relaxed);
        self.wished.notify_one();
    }
}

/// Reads history for ever.
pub(in crate::daemon) async fn run(watch: &Watch) {
    let history = &*watch.history;
    if !watch.endpoint.is_local() {
        if !history.is_remote_told.swap(true, Ordering::Relaxed) {
            let note = "no history from here: the log files are on the daemon's own machine";
            report(watch, Past { notes: vec![note.into()], ..Past::default() });
        }
        return;
    }
    let mut readers = history.readers.lock().await;
    let mut files = history.files.subscribe();
    let mut connections = history.heard.connections();
    history.heard.mend();
    // One that a suspension broke off is done again.
    history.heard.look_ends();
    loop {
        let (count, is_connected) = *connections.borrow_and_update();
        if count > readers.connections {
            let is_again = std::mem::replace(&mut readers.connections, count) > 0;
            if !is_again {
                readers.console = events::end(watch).await;
            }
            // Files that were read before the bus was there have grown since.
            if is_again || readers.mending.has_files() {
                readers.mending.begin(&history.heard, history.lists.load(Ordering::Relaxed));
                if !history.heard.is_by_speed() {
                    watch.requests.change.notify_one();
                }
            }
        }
        if readers.mending.is_under_way() && is_connected {
            mend(watch, &mut readers).await;
        }
        let is_mending = readers.mending.is_under_way();
        // Before the bus was there for the first time nothing is joined to it.
        let is_away = is_mending || !is_connected && count > 0;
        readers.mending.measure(&history.heard, (is_away, is_connected)).await;
        let rest = if is_mending { mend::EVERY } else { readers.mending.rest() };
        let listed = files.borrow_and_update().clone();
        readers.note(&listed).await;
        if !is_mending {
            readers.renew(&listed, &history.heard, is_connected);
        }
        // A loss may be mended for long, and a bus that goes again and again for ever.
        let (new, waits_until) = readers.new.take(!is_mending, BUS_MAX);
        if !new.is_empty() {
            begin(watch, &mut readers, (new, waits_until)).await;
        }
        tokio::select! {
            changed = files.changed() => if changed.is_err() { return },
            changed = connections.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(rest), if is_away => {}
            () = history.wished.notified() => older(watch, &mut readers).await,
        }
    }
}

/// Looks for what came of no bus, and reports what belongs to no single output.
async fn mend(watch: &Watch, readers: &mut Readers) {
    let history = &watch.history;
    let files = history.files.borrow().clone();
    let lists = history.lists.load(Ordering::Relaxed);
    let around = (&history.heard, &history.listed, watch.endpoint.home.as_path());
    let told = readers.mending.step(around, &files, lists).await;
    for SharedLines { file, lines, is_exact, between_ms: (from_ms, until_ms) } in told {
        let format = file.format();
        let (mut judge, mut head_ms) = (Judge::default(), from_ms);
        let line = |(bytes, at_ms): (Vec<u8>, i64)| {
            let (line, _) = format.judge(&bytes, at_ms, &mut judge);
            head_ms = if line.place == Place::Begins { line.at_ms } else { head_ms };
            Line { at_ms: head_ms, ..line }
        };
        let lines = lines.into_iter().map(line).collect();
        let past =
            PastFile { is_after: true, ..past_file(&file, lines, is_exact, (until_ms, i64::MAX)) };
        report(watch, Past { files: vec![past], ..Past::default() });
    }
}

fn report(watch: &Watch, past: Past) {
    watch.report(Report::History(Box::new(past)));
}

impl Readers {
    /// Opens the files that were not looked at yet.
    async fn note(&mut self, files: &[LogFile]) {
        let known = &self.known;
        let is_new = |path: &PathBuf| !known.contains(path);
        self.new.note(files.iter().filter(|file| file.path.as_ref().is_some_and(is_new))).await;
    }

    /// These are the outputs of the files that were looked at. Those without history are not listened to any
    /// more.
    fn renew(&mut self, files: &[LogFile], heard: &Heard, is_connected: bool) {
        for file in files {
            match &file.path {
                // The processes of another daemon come one by one: their files are mended first.
                Some(path) if is_connected && self.known.contains(path) => {
                    self.mending.renew(path, file, heard);
                }
                Some(_) => {}
                None => file.keys().for_each(|key| heard.join(key, None)),
            }
        }
    }
}

/// Looks for the first time at files, and reports their last lines.
async fn begin(watch: &Watch, readers: &mut Readers, (new, waits_until): (Vec<New>, Instant)) {
    let heard = &watch.history.heard;
    let is_heard = tokio::time::timeout_at(waits_until, heard.wait_connected()).await.is_ok();
    let outputs: Vec<Vec<_>> = new.iter().map(|new| new.file.keys().collect()).collect();
    heard.look_begins(outputs.iter().map(Vec::as_slice));
    // What does not come on the bus was written before it was connected.
    let unheard_ms = if is_heard { now_ms() } else { i64::MAX };
    if !is_heard {
        heard.is_unheard();
    }
    let lines_max = (ALL_LINES / new.len().max(1)).clamp(20, FILE_LINES);
    let bytes_max = (ALL_BYTES / new.len().max(1)).clamp(4 << 10, FILE_BYTES);
    let writers = watch.history.files.borrow().clone();
    let mut events = readers.events_before(watch, &writers).await;
    let console = Console::of(&watch.endpoint.home);
    let paths: Vec<PathBuf> = new.iter().map(|new| new.path.clone()).collect();
    let reading = stream::iter(new)
        .map(|New { file, path, opened, .. }| {
            let lives = watch.history.listed.lives_of(&file, &console);
            let bounds = (lines_max, bytes_max, unheard_ms);
            let looking = first_look(heard, (file.clone(), lives), (path.clone(), opened), bounds);
            async move { (path, file, looking.await) }
        })
        .buffer_unordered(AT_A_TIME);
    // What is there together is reported together: so it is merged at once.
    let mut reading = std::pin::pin!(reading.ready_chunks(AT_A_TIME * 32));
    let (mut failures, mut absent) = (Vec::new(), 0);
    while let Some(looks) = reading.next().await {
        let mut past = Past::default();
        for (path, of, look) in looks {
            readers.known.insert(path.clone());
            match look {
                Look::Nothing => {
                    absent += 1;
                    readers.mending.join(path, None, of);
                }
                Look::Failed(failure) => {
                    failures.push(failure);
                    readers.mending.pass_over(path);
                }
                Look::Read(file, reader) => {
                    past.files.extend(Some(file).filter(|file| !file.lines.is_empty()));
                    readers.mending.join(path, Some(reader.lines.file()), of);
                    readers.all.push(*reader);
                }
            }
        }
        past.has_more = readers.has_more();
        // What happened is told with the lines that it happened between, not before them.
        past.events.append(&mut events);
        report(watch, past);
    }
    heard.look_ends();
    let mut notes = unread::notes(&failures);
    if absent == paths.len() && unread::are_elsewhere(paths).await {
        let is_told = watch.history.is_remote_told.swap(true, Ordering::Relaxed);
        notes.extend((!is_told).then(|| unread::ELSEWHERE.into()));
    }
    if !notes.is_empty() {
        report(watch, Past { notes, has_more: readers.has_more(), ..Past::default() });
    }
}

impl Readers {
    /// What the daemon's own log told up to when the bus was connected, once.
    async fn events_before(&mut self, watch: &Watch, writers: &[LogFile]) -> Vec<LogLine> {
        if self.is_console_told {
            return Vec::new();
        }
        // The list of the processes may be there before the bus is, or without one.
        let end = match self.console {
            Some(end) => Some(end),
            None => events::end(watch).await,
        };
        self.is_console_told = true;
        match end {
            Some(end) => events::before(watch, writers, end).await,
            None => Vec::new(),
        }
    }

    fn has_more(&self) -> bool {
        self.all.iter().any(|reader| !reader.is_over)
    }
}

/// Goes on with the wish for older lines, for a while, and reports what came of it.
async fn older(watch: &Watch, readers: &mut Readers) {
    let history = &watch.history;
    let wish = history.wish.lock().unwrap_or_else(PoisonError::into_inner).take();
    let course = readers.course.take();
    let of = match (&wish, &course) {
        (Some(wish), _) => wish.of.clone(),
        (None, Some(course)) => course.wish.of.clone(),
        (None, None) => return,
    };
    let is_meant =
        |reader: &Reader| of.is_empty() || reader.file.ids.iter().any(|id| of.contains(id));
    let all = std::mem::take(&mut readers.all);
    let (mut meant, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_meant);
    readers.all = others;
    let is_halted = Arc::clone(&history.is_halted);
    // The thread looks at its own watch, so that this ends unless a disk hangs.
    let reading = offload::blocking(OLDER_MAX + HANGS, move || {
        let mut course = match wish {
            Some(wish) if wish.reach == Reach::More => None,
            Some(wish) => Some(Course::new(wish, &mut meant)),
            None => course,
        };
        let slice = match &mut course {
            Some(course) => course.step(&mut meant, &is_halted),
            None => next_older(&mut meant),
        };
        (meant, course, slice)
    });
    let mut past = Past::default();
    if let Some((mut meant, course, slice)) = reading.await {
        let with_lines = meant.iter_mut().zip(slice.lines);
        past.files = with_lines.filter_map(|(reader, lines)| reader.past(lines)).collect();
        past.has_more = meant.iter().any(|reader| !reader.is_over);
        past.notes.extend(slice.failures.into_iter().map(|(name, error)| {
            let note = format!("log of {}: {}", clean(&name), clean(&error.to_string()));
            note.into()
        }));
        (past.is_asked, past.has_nothing) = (slice.is_done, slice.has_nothing);
        past.progress = slice.progress;
        readers.all.extend(meant);
        if !slice.is_done {
            readers.course = course;
            // Lines are taken before more are read.
            if past.files.is_empty() {
                history.wished.notify_one();
            }
        }
    } else {
        past.is_asked = true;
        past.notes.push("log files do not answer: no older lines".into());
    }
    report(watch, past);
}

impl Reader {
    /// Its next older lines as they are reported.
    fn past(&mut self, lines: Vec<Line>) -> Option<PastFile> {
        if lines.is_empty() {
            return None;
        }
        let (again, gap) = (Some(self.again.clone()), std::mem::take(&mut self.gap));
        let has_more = !self.is_over;
        let bounds_ms = (now_ms(), i64::MAX);
        Some(PastFile { again, has_more, gap, ..past_file(&self.file, lines, true, bounds_ms) })
    }
}

#[cfg(test)]
mod tests;
