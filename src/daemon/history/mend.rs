//! After a loss of the bus: what the log files hold of the time in between is told before what comes
//! again.
//!
//! Invariant: an output is held for a few seconds at most; what is not certain is told with a ruler.
//! All file calls are offloaded.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::away::{Around, Looked};
use super::gap::{Gap, Missed, OWN_BYTES, Still, Tail};
use super::growth::Growth;
use super::heard::{Heard, Mended, OutputKey, UNSURE};
use super::shared::SHARED_BYTES;
use super::sources::LogFile;
use crate::daemon::{files, offload};
use crate::protocol::bus::{BusPmId, ProcessRef};
use crate::protocol::text::clean;

/// How often files are looked at meanwhile.
pub(super) const EVERY: Duration = Duration::from_millis(25);
/// How long the list of the processes that there are now is waited for, and what comes of one that is
/// not in it is held.
const LIST_MAX: Duration = Duration::from_secs(3);
/// How long the place is looked for where the bus goes on, milliseconds.
const LOOK_MAX_MS: i64 = 4_000;
/// How long processes may take to come again: a daemon that was restarted starts them one by one.
const ALL_MAX: Duration = Duration::from_secs(15);

/// A file that no process has this long after the bus came back is read to its end: old workers wrote it
/// until they saw that their daemon was gone.
const GONE_AFTER: Duration = Duration::from_secs(8);

/// A file that was joined to the bus.
#[derive(Debug)]
struct Joined {
    /// It; `None` as long as it is not there.
    file: Option<Arc<File>>,
    of: LogFile,
    /// The outputs that went into it.
    keys: Vec<OutputKey>,
    /// Whether there ever were several: the bytes of one do not follow each other in it.
    is_shared: bool,
    /// Since when the file of several outputs is as it is.
    still: Still,
    /// When the bus was lost that it is not mended since, or up to when it was told since: milliseconds
    /// since 1970.
    lost_ms: Option<i64>,
    /// How it grew since then.
    growth: Growth,
}

/// What is to be mended.
#[derive(Debug, Default)]
pub(super) struct Mending {
    joined: HashMap<PathBuf, Joined>,
    /// Into which of them each output goes: another process may have the id of one that is gone.
    owners: HashMap<OutputKey, PathBuf>,
    /// Files that cannot be read.
    unreadable: HashSet<PathBuf>,
    current: Option<Current>,
    looked: Looked,
}

/// The loss that is being mended.
#[derive(Debug)]
struct Current {
    since: Instant,
    /// How many lists of processes there had been.
    lists: u64,
    /// How the outputs of each file ended.
    ended: HashMap<PathBuf, Vec<(OutputKey, Tail)>>,
    /// How those ended whose files were not joined by then.
    tails: HashMap<OutputKey, Tail>,
    gaps: HashMap<PathBuf, Gap>,
    /// Since when files of several outputs are looked at.
    together: HashMap<PathBuf, Instant>,
    done: HashSet<PathBuf>,
    /// After how many lists it was seen that outputs came again of processes that are in none.
    unlisted: HashMap<OutputKey, u64>,
}

/// Lines that belong to no single output.
#[derive(Debug)]
pub(super) struct SharedLines {
    /// Where they are from.
    pub(super) file: LogFile,
    /// They, without their newlines, and about when each was written, milliseconds since 1970.
    pub(super) lines: Vec<(Vec<u8>, i64)>,
    /// Whether that is certainly all.
    pub(super) is_exact: bool,
    /// When they were written at the earliest and at the latest, likewise.
    pub(super) between_ms: (i64, i64),
}

impl Mending {
    /// A file is joined to the bus, also one that is not there yet: a worker makes its own, late.
    pub(super) fn join(&mut self, path: PathBuf, file: Option<Arc<File>>, of: LogFile) {
        let keys: Vec<OutputKey> = of.keys().collect();
        self.owners.extend(keys.iter().map(|key| (*key, path.clone())));
        let (is_shared, still, lost_ms, growth) =
            (of.is_shared(), Still::default(), None, Growth::default());
        let joined = Joined { file, of, keys, is_shared, still, lost_ms, growth };
        self.joined.insert(path, joined);
    }

    /// A file cannot be read.
    pub(super) fn pass_over(&mut self, path: PathBuf) {
        self.unreadable.insert(path);
    }

    /// The files that no process has any more. Those of several outputs, and those of an id that another process
    /// has now, are of none: nothing of them comes on the bus.
    fn gone(&self, files: &[LogFile]) -> Vec<LogFile> {
        let is_there = |of: &LogFile| files.iter().any(|file| file.path == of.path);
        let is_taken =
            |of: &LogFile| files.iter().any(|file| of.ids.iter().any(|id| file.ids.contains(id)));
        let all = self.joined.values().filter(|joined| !is_there(&joined.of));
        let of = |joined: &Joined| {
            let mut of = joined.of.clone();
            if joined.is_shared || is_taken(&of) {
                of.ids.clear();
            }
            of
        };
        all.map(of).collect()
    }

    /// These outputs go into a file that was looked at: new ones go on where those ended that are gone, as
    /// where an app was deleted and started again.
    pub(super) fn renew(&mut self, path: &Path, file: &LogFile, heard: &Heard) {
        let keys: Vec<OutputKey> = file.keys().collect();
        let mut joined = self.joined.get_mut(path);
        let bytes_max = joined.as_mut().map_or(OWN_BYTES, |joined| joined.is_of(file));
        let known = joined.as_mut().map_or(Vec::new(), |joined| std::mem::take(&mut joined.keys));
        let mut gone: Vec<OutputKey> =
            known.iter().copied().filter(|old| !keys.contains(old)).collect();
        for key in &keys {
            let is_new = !known.contains(key);
            let at = gone.iter().position(|old| is_new && old.1 == key.1);
            heard.go_on(*key, at.map(|at| gone.remove(at)), bytes_max);
        }
        if let Some(joined) = joined {
            if known != keys {
                self.owners.extend(keys.iter().map(|key| (*key, path.to_owned())));
            }
            joined.keys = keys;
            joined.of.clone_from(file);
        }
    }

    /// The bus is connected again.
    pub(super) fn begin(&mut self, heard: &Heard, lists: u64) {
        let mut tails = heard.take_before();
        let mut ended: HashMap<PathBuf, Vec<(OutputKey, Tail)>> = HashMap::new();
        if let Some(old) = self.current.take() {
            // What was not mended yet has nothing told behind it.
            for (key, tail) in old.tails {
                tails.entry(key).or_insert(tail);
            }
            ended = old.ended;
            for (path, gap) in old.gaps {
                if let Some(key) = self.joined.get(&path).and_then(|joined| joined.keys.first()) {
                    ended.entry(path).or_default().push((*key, gap.into_tail()));
                }
            }
            ended.retain(|path, _| !old.done.contains(path));
        }
        for (path, joined) in &self.joined {
            let of = ended.entry(path.clone()).or_default();
            for key in joined.keys.iter().filter(|key| self.owners.get(key) == Some(path)) {
                if let Some(tail) = tails.remove(key) {
                    of.retain(|(known, _)| known != key);
                    of.push((*key, tail));
                }
            }
        }
        let lost_ms = heard.lost_ms();
        for joined in self.joined.values_mut() {
            joined.lost_ms.get_or_insert(lost_ms);
        }
        let (gaps, together, done) = (HashMap::new(), HashMap::new(), HashSet::new());
        let since = Instant::now();
        let unlisted = HashMap::new();
        self.current = Some(Current { since, lists, ended, tails, gaps, together, done, unlisted });
    }

    /// Whether files are joined to the bus.
    pub(super) fn has_files(&self) -> bool {
        !self.joined.is_empty()
    }

    /// Whether a loss is being mended.
    pub(super) fn is_under_way(&self) -> bool {
        self.current.is_some()
    }

    /// Looks at all files that are not mended yet; gives lines of files of several outputs.
    pub(super) async fn step(
        &mut self,
        (heard, listed, home): Around<'_>,
        files: &[LogFile],
        lists: u64,
    ) -> Vec<SharedLines> {
        if heard.is_flood() {
            // What is missing is told by its number.
            heard.end_holding();
            self.end();
        }
        let Some(current) = &mut self.current else { return Vec::new() };
        let age = current.since.elapsed();
        if lists == current.lists && age < LIST_MAX && !heard.is_by_speed() {
            return Vec::new();
        }
        // Those of files that were joined since.
        for (key, tail) in heard.take_before() {
            current.tails.entry(key).or_insert(tail);
        }
        let mut told = Vec::new();
        let gone = if age >= GONE_AFTER { self.gone(files) } else { Vec::new() };
        let Some(current) = &mut self.current else { return told };
        for file in files.iter().chain(&gone) {
            let Some(path) = &file.path else { continue };
            let Some(joined) = self.joined.get_mut(path) else { continue };
            if current.done.contains(path) {
                continue;
            }
            joined.is_of(file);
            let is_done = if joined.is_shared || file.ids.is_empty() {
                let around = (heard, listed, home);
                let (is_done, lines) =
                    current.step_together(around, joined, (file, files), path).await;
                told.extend(lines);
                is_done
            } else {
                current.step_own((heard, listed, home), joined, file, path).await
            };
            if is_done {
                joined.keys = file.keys().collect();
                self.owners.extend(file.keys().map(|key| (key, path.clone())));
                joined.of.clone_from(file);
                joined.lost_ms = None;
                current.done.insert(path.clone());
            }
        }
        self.let_others_go(heard, files, lists);
        told
    }

    /// What is held of outputs that are not mended is told, and all of it when that was long enough.
    fn let_others_go(&mut self, heard: &Heard, files: &[LogFile], lists: u64) {
        let Some(current) = &mut self.current else { return };
        for (key, since_ms) in heard.held() {
            let file = files.iter().find(|file| file.path.is_some() && file.holds(key.0, key.1));
            match file.and_then(|file| file.path.as_ref()) {
                Some(path) if current.done.contains(path) => {
                    let joined = self.joined.get_mut(path);
                    let kept = file.zip(joined).map(|(file, joined)| joined.add(key, file));
                    self.owners.insert(key, path.clone());
                    heard.pass(key, kept.unwrap_or(OWN_BYTES));
                }
                Some(path) if self.joined.contains_key(path) => {}
                Some(path) if self.unreadable.contains(path) => heard.give_up(key),
                // What was missing before it is told when its file is joined.
                Some(_) if file.is_some_and(|file| is_waited_for(heard, file)) => {}
                None if current.may_be_listed(key, (heard.elapsed_ms() - since_ms, lists)) => {}
                None if heard.is_set_aside(key) => heard.give_up(key),
                Some(_) | None => heard.free(key),
            }
        }
        let is_open =
            |path: &PathBuf| self.joined.contains_key(path) && !current.done.contains(path);
        let has_open = files.iter().filter_map(|file| file.path.as_ref()).any(is_open);
        let is_to_join = |file: &LogFile| {
            file.path.as_ref().is_some_and(|path| !self.joined.contains_key(path))
                && is_waited_for(heard, file)
        };
        let age = current.since.elapsed();
        let has_open = has_open || age < ALL_MAX && files.iter().any(is_to_join);
        let are_all_there = self.joined.len() == current.done.len() && !has_open;
        // Of a bus that was there all the time nobody is waited for who is gone.
        let is_late = age >= ALL_MAX || heard.is_by_speed();
        if are_all_there || (is_late && !has_open) {
            heard.end_holding();
            self.end();
        }
    }

    /// Nothing is mended any more.
    fn end(&mut self) {
        self.current = None;
        self.joined.values_mut().for_each(|joined| joined.lost_ms = None);
    }
}

impl Joined {
    /// These outputs go into it now, too; how much is kept of the end of each, bytes.
    fn is_of(&mut self, file: &LogFile) -> usize {
        self.is_shared |= file.is_shared();
        if self.is_shared { SHARED_BYTES } else { OWN_BYTES }
    }

    /// Another output came of it behind what was missed; how much is kept of the end of each, bytes.
    fn add(&mut self, key: OutputKey, file: &LogFile) -> usize {
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        self.is_of(file)
    }
}

impl Current {
    /// Whether an output may be that of a process that the next list has: it is held for so long, and there were so
    /// many lists. A busy daemon says seldom who is there, and the next list may have been made before it began.
    fn may_be_listed(&mut self, key: OutputKey, (held_ms, lists): (i64, u64)) -> bool {
        let seen = *self.unlisted.entry(key).or_insert(lists);
        let is_asked = lists > seen + 1 || self.since.elapsed() >= ALL_MAX;
        held_ms < LIST_MAX.as_millis() as i64 || !is_asked
    }

    /// Looks at a file of one output. Whether it is done.
    async fn step_own(
        &mut self,
        (heard, listed, home): Around<'_>,
        joined: &mut Joined,
        file: &LogFile,
        path: &Path,
    ) -> bool {
        let Some(key) = file.keys().next() else { return true };
        let (now_ms, losses) = (heard.elapsed_ms(), heard.losses());
        let Some(mut gap) = self.gap(joined, path, now_ms) else {
            heard.give_up(key);
            return true;
        };
        if heard.is_told(key) {
            heard.note_unsure(&file.name);
            return true;
        }
        let mut again = heard.again(key);
        let has_begun = again.is_some();
        let is_late = gap.age_ms(now_ms) >= LOOK_MAX_MS;
        let (old, path_too) = (joined.file.clone(), path.to_owned());
        let to_ms = heard.held_since(key).unwrap_or_else(|| heard.wall_ms());
        let part_ms = heard.wall_ms();
        let dating = joined.dating((heard, listed, home), file);
        let looking = offload::look(move || {
            let all = files::generations(old, &path_too);
            let part = if is_late { read_on(&mut gap, &all, now_ms) } else { Vec::new() };
            let ends = gap.told().unwrap_or_default();
            let part = (dating.own(&all, (&part, ends), part_ms), part);
            // What the file has is told, whether the bus can be joined to it or not.
            let is_late = is_late && part.1.is_empty();
            let missed = gap.look(&all, again.as_mut(), now_ms, is_late);
            let dated =
                |missed: Missed| (dating.own(&all, (&missed.bytes, missed.to), to_ms), missed);
            let missed = missed.map(|missed| missed.map(dated));
            (missed, part, gap, again, all)
        });
        let Some((missed, part, mut gap, again, all)) = looking.await else {
            heard.give_up(key);
            return true;
        };
        joined.file = all.first().cloned();
        let process =
            ProcessRef { pm_id: Some(BusPmId::Process(key.0)), name: clean(&file.name).into() };
        if !part.1.is_empty() {
            gap.begin_again(now_ms);
            self.gaps.insert(path.to_owned(), gap);
            joined.lost_ms = Some(part_ms);
            heard.tell_part(key, process, part);
            return false;
        }
        self.gaps.insert(path.to_owned(), gap);
        if let Some(again) = again {
            heard.learn_again(key, &again);
        }
        let (written, Missed { bytes, left, is_exact, to, repeated }) = match missed {
            Ok(Some(missed)) => missed,
            Ok(None) => return false,
            Err(_) => {
                heard.give_up(key);
                return true;
            }
        };
        let tail = match all.last() {
            Some(newest) => Tail::of_file(newest, to.at, OWN_BYTES),
            None => Tail::of_none(OWN_BYTES),
        };
        let unsure = unsure(file, left, is_exact);
        let mended = Mended { process, bytes, written, unsure, tail: Some(tail), repeated, losses };
        let is_done = heard.release(key, has_begun, mended);
        if is_done {
            joined.file = all.last().cloned();
        }
        is_done
    }

    /// Takes how the outputs of a file ended.
    fn ended_in(&mut self, path: &Path, keys: &[OutputKey]) -> Vec<(OutputKey, Tail)> {
        if let Some(ended) = self.ended.remove(path) {
            return ended;
        }
        keys.iter().filter_map(|key| Some((*key, self.tails.remove(key)?))).collect()
    }

    /// What is looked for in a file of one output; `None` where it is not known how that ended.
    fn gap(&mut self, joined: &Joined, path: &Path, now_ms: i64) -> Option<Gap> {
        if !self.gaps.contains_key(path) {
            let (_, tail) = self.ended_in(path, &joined.keys).into_iter().next()?;
            self.gaps.insert(path.to_owned(), Gap::new(tail.keeping(OWN_BYTES), now_ms));
        }
        self.gaps.get(path).cloned()
    }
}

/// What is unsure about what was missed: of which so many bytes are left in the file.
fn unsure(file: &LogFile, left: u64, is_exact: bool) -> Option<String> {
    let name = clean(&file.name);
    match left {
        0 if is_exact => None,
        0 => Some(format!("{name}: {UNSURE}")),
        left => Some(format!("{name}: {left} bytes before this are in the log file only")),
    }
}

/// Whether something of this file came before the loss, though it is not joined yet.
fn is_waited_for(heard: &Heard, file: &LogFile) -> bool {
    file.keys().any(|key| heard.is_set_aside(key))
}

/// How much of a file is told at a time while the bus is not joined to it, bytes.
const READ_ON_BYTES: u64 = 4 << 20;

/// What the files hold behind all that was told; nothing where that cannot be read.
fn read_on(gap: &mut Gap, files: &[Arc<File>], now_ms: i64) -> Vec<u8> {
    let read = gap.locate(files, now_ms).and_then(|()| gap.read_on(files, READ_ON_BYTES));
    read.unwrap_or_default()
}

mod away;
mod together;
