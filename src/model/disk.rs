//! Sizes and growth of log files, and how long the disks last that they are on.
//!
//! Invariant: pure and bounded; growth is known only once it was seen for a while, and a file that
//! was flushed or replaced begins anew. Times are of the steady clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::units;
use crate::protocol::process::{PmId, ProcessInfo};

/// Growth is that of the last so many milliseconds.
const SPAN_MS: i64 = 600_000;
/// It is known once it was seen for so long, milliseconds.
const SEEN_MIN_MS: i64 = 20_000;
/// That of a whole disk has to be seen for longer: much comes and goes there.
const DISK_SEEN_MIN_MS: i64 = 300_000;
/// The most samples of one value.
const SAMPLES_MAX: usize = 64;
/// Of samples that are nearer to each other than that only the last one counts, milliseconds: else so many would
/// not reach as far.
const APART_MS: i64 = 10_000;
/// A disk that would be full later than that is no news, milliseconds.
const DAY_MS: u64 = 86_400_000;
/// With less than that left, bytes, a disk counts as full: God ends at the first line that it cannot
/// write (docs/pm2-ops.md section 0).
const FULL_BYTES: u64 = 1 << 20;

/// What was done here is told within so long, milliseconds.
const OURS_TOLD_MS: i64 = 1_500;
/// The most emptied files that wait to be told: all that are looked at.
const EMPTIED_MAX: usize = 1_000;

/// What one look at the log files of a daemon saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiskLook {
    /// Those that are there.
    pub files: Vec<FileLook>,
    /// The disks that they and `PM2_HOME` are on.
    pub volumes: Vec<VolumeLook>,
    /// How many files were left out, because there are too many.
    pub left_out: usize,
}

/// What a look at some of the log files of a daemon saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SizesLook {
    /// The paths that were looked at.
    pub asked: Vec<Box<str>>,
    /// Those that are there.
    pub files: Vec<FileLook>,
}

/// One log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLook {
    /// Its path, as PM2 has it.
    pub path: Box<str>,
    /// The number of its disk.
    pub device: u64,
    /// Its number there: another one is another file.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
}

/// One disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeLook {
    /// Its number.
    pub device: u64,
    /// A folder on it, cleaned.
    pub place: Box<str>,
    /// Bytes that are left to those who are not root.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

/// A value that grows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Growth(VecDeque<(i64, u64)>);

impl Growth {
    /// A sample. `is_kept` is false where what was before means nothing any more.
    fn push(&mut self, now_ms: i64, value: u64, is_kept: bool) {
        if !is_kept {
            self.0.clear();
        }
        if let Some(before) = self.0.len().checked_sub(2).and_then(|at| self.0.get(at))
            && self.0.back().is_some_and(|last| last.0.saturating_sub(before.0) < APART_MS)
        {
            self.0.pop_back();
        }
        let oldest = now_ms.saturating_sub(SPAN_MS);
        while self.0.len() >= SAMPLES_MAX || self.0.front().is_some_and(|(at, _)| *at < oldest) {
            self.0.pop_front();
        }
        self.0.push_back((now_ms, value));
    }

    fn last(&self) -> Option<u64> {
        self.0.back().map(|(_, value)| *value)
    }

    /// Growth a minute, once it was seen for so long; 0 where it shrank.
    fn per_minute(&self, seen_min_ms: i64) -> Option<u64> {
        let ((from_ms, from), (to_ms, to)) = (self.0.front()?, self.0.back()?);
        let took_ms = to_ms.saturating_sub(*from_ms);
        if took_ms < seen_min_ms {
            return None;
        }
        let grown = u128::from(to.saturating_sub(*from)) * 60_000;
        u64::try_from(grown / u128::from(took_ms.unsigned_abs().max(1))).ok()
    }

    /// The same, only where it grew in the older half of that time as well as in the newer.
    fn steady_per_minute(&self) -> Option<u64> {
        let middle = self.0.get(self.0.len() / 2)?.1;
        let grows = self.0.front()?.1 < middle && middle < self.0.back()?.1;
        self.per_minute(DISK_SEEN_MIN_MS).filter(|_| grows)
    }
}

/// What is known of a log file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFile {
    device: u64,
    inode: u64,
    size: Growth,
}

impl LogFile {
    /// Its size, bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size.last().unwrap_or_default()
    }

    /// How much it grows a minute, bytes; `None` until that was seen for a while.
    #[must_use]
    pub fn per_minute(&self) -> Option<u64> {
        self.size.per_minute(SEEN_MIN_MS)
    }

    /// In words: `1.2 GiB, +3.1 MiB/min`.
    #[must_use]
    pub fn words(&self) -> String {
        size_words(self.size(), self.per_minute())
    }

    /// Takes a look in; how much was in the file, bytes, where it was emptied since the last one.
    fn take(&mut self, look: &FileLook, now_ms: i64) -> Option<u64> {
        let before = self.size();
        let is_same = (self.device, self.inode) == (look.device, look.inode);
        let is_kept = is_same && look.size >= before;
        (self.device, self.inode) = (look.device, look.inode);
        self.size.push(now_ms, look.size, is_kept);
        (is_same && look.size < before).then_some(before)
    }
}

/// Of all processes of a daemon, those beside the meant ones that write a log file of these, too.
#[must_use]
pub fn sharing<'a>(all: &[&'a ProcessInfo], meant: &[PmId]) -> Vec<&'a ProcessInfo> {
    let is_meant = |info: &&&ProcessInfo| meant.contains(&info.pm_id);
    let theirs = all.iter().filter(is_meant).flat_map(|info| info.logs.paths());
    let theirs: BTreeSet<&str> = theirs.collect();
    let shares = |info: &&&ProcessInfo| info.logs.paths().any(|path| theirs.contains(path));
    all.iter().filter(|info| !is_meant(info) && shares(info)).copied().collect()
}

/// A size and how fast it grows: `1.2 GiB, +3.1 MiB/min`.
#[must_use]
pub fn size_words(size: u64, per_minute: Option<u64>) -> String {
    let size = units::bytes(size);
    match per_minute {
        Some(grown) if grown > 0 => format!("{size}, +{}/min", units::bytes(grown)),
        _ => size,
    }
}

/// What a log file of a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// Both.
    Both,
}

impl Holds {
    /// As PM2 calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
            Self::Both => "both",
        }
    }
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Volume {
    look: VolumeLook,
    used: Growth,
}

/// A disk that is full soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filling {
    /// A folder on it, cleaned.
    pub place: Box<str>,
    /// In how many milliseconds; 0 where it is full.
    pub in_ms: u64,
    /// The log file there that grows fastest, by its cleaned name.
    pub fastest: Option<Box<str>>,
}

impl Filling {
    /// `disk of /var/log full in about 5h 10m (api-out.log)`.
    #[must_use]
    pub fn words(&self) -> String {
        let by = self.fastest.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{}{by}", self.words_of_place())
    }

    /// `disk of /var/log full in about 5h 10m`.
    #[must_use]
    pub fn words_of_place(&self) -> String {
        format!("disk of {} {}", self.place, self.when())
    }

    /// `disk full in about 5h 10m`.
    #[must_use]
    pub fn short_words(&self) -> String {
        format!("disk {}", self.when())
    }

    fn when(&self) -> String {
        if self.in_ms == 0 {
            return "full".to_owned();
        }
        let in_ms = i64::try_from(self.in_ms).unwrap_or(i64::MAX);
        format!("full in about {}", units::uptime(in_ms.max(60_000)))
    }
}

/// A log file that was emptied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Emptied {
    path: Box<str>,
    /// How much was in it, bytes.
    bytes: u64,
    /// When that was seen, milliseconds of the steady clock.
    pub(super) seen_ms: i64,
}

/// The log files of one daemon, and their disks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    files: BTreeMap<Box<str>, LogFile>,
    /// Those that were seen emptied and are not told yet.
    emptied: Vec<Emptied>,
    volumes: Vec<Volume>,
    left_out: usize,
}

impl Disk {
    /// A log file, by the path that PM2 has of it; `None` where it is not there or not known yet.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&LogFile> {
        self.files.get(path)
    }

    /// The log files of a process that are there, with their paths as they came.
    #[must_use]
    pub fn files_of<'a>(&'a self, info: &'a ProcessInfo) -> Vec<(Holds, &'a str, &'a LogFile)> {
        let logs = &info.logs;
        let all = [(Holds::Out, &logs.out), (Holds::Err, &logs.err), (Holds::Both, &logs.both)];
        let mut found: Vec<(Holds, &str, &LogFile)> = Vec::new();
        for (holds, path) in all {
            let Some(path) = path.as_deref() else { continue };
            // One file can be both.
            if let Some(same) = found.iter_mut().find(|(_, other, _)| *other == path) {
                same.0 = Holds::Both;
            } else if let Some(file) = self.file(path) {
                found.push((holds, path, file));
            } else {
                // It is not there.
            }
        }
        found
    }

    /// The daemon's own log, where it was looked at; its home as it is shown.
    #[must_use]
    pub fn console(&self, home: &str) -> Option<&LogFile> {
        self.file(&format!("{home}/pm2.log"))
    }

    /// The log files of some processes, each once.
    fn each_of<'a>(
        &'a self,
        infos: impl IntoIterator<Item = &'a ProcessInfo>,
    ) -> BTreeMap<&'a str, (Holds, &'a LogFile)> {
        let all = infos.into_iter().flat_map(|info| self.files_of(info));
        all.map(|(holds, path, file)| (path, (holds, file))).collect()
    }

    /// How much is in the log files of some processes, bytes; `None` where none was looked at.
    pub fn bytes_of<'a>(&'a self, infos: impl IntoIterator<Item = &'a ProcessInfo>) -> Option<u64> {
        let files = self.each_of(infos);
        let sizes = files.values().map(|(_, file)| file.size());
        (!files.is_empty()).then(|| sizes.fold(0, u64::saturating_add))
    }

    /// How large the log files of some processes are in all, and how fast they grow:
    /// `out 54.4 KiB, +4.5 KiB/min; err 0 B`.
    pub fn words_of<'a>(
        &'a self,
        infos: impl IntoIterator<Item = &'a ProcessInfo>,
    ) -> Option<String> {
        let files = self.each_of(infos);
        let words = |wanted: Holds| {
            let its = || files.values().filter(|(holds, _)| *holds == wanted).map(|(_, file)| file);
            its().next()?;
            let size = its().fold(0_u64, |sum, file| sum.saturating_add(file.size()));
            let grown = its().filter_map(|file| file.per_minute());
            let grown = grown.fold(0, u64::saturating_add);
            Some(format!("{} {}", wanted.word(), size_words(size, Some(grown))))
        };
        let all: Vec<String> =
            [Holds::Out, Holds::Err, Holds::Both].into_iter().filter_map(words).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// The disk that this folder is on, where it was looked at.
    #[must_use]
    pub fn volume_of(&self, folder: &str) -> Option<&VolumeLook> {
        let mut looks = self.volumes.iter().map(|volume| &volume.look);
        looks.find(|look| *look.place == *folder)
    }

    /// How many files were not looked at, because there are too many.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The disk that is full first, within a day at the present growth.
    #[must_use]
    pub fn filling(&self) -> Option<Filling> {
        let all = self.volumes.iter().filter_map(|volume| self.filling_of(volume));
        all.min_by_key(|filling| filling.in_ms)
    }

    fn filling_of(&self, volume: &Volume) -> Option<Filling> {
        let device = volume.look.device;
        let there = || {
            let files = self.files.iter().filter(move |(_, file)| file.device == device);
            files.filter_map(|(path, file)| Some((path, file.per_minute().filter(|by| *by > 0)?)))
        };
        let by_logs: u64 = there().fold(0, |sum, (_, by)| sum.saturating_add(by));
        let per_minute = by_logs.max(volume.used.steady_per_minute().unwrap_or_default());
        let free = volume.look.free;
        let in_ms = if free < FULL_BYTES {
            0
        } else {
            let in_ms = u128::from(free) * 60_000 / u128::from(per_minute).max(1);
            let in_ms = u64::try_from(in_ms).ok().filter(|_| per_minute > 0)?;
            in_ms.max(1)
        };
        if in_ms >= DAY_MS {
            return None;
        }
        let fastest = there().max_by_key(|(_, by)| *by).map(|(path, _)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            crate::protocol::text::clean(name).into()
        });
        Some(Filling { place: volume.look.place.clone(), in_ms, fastest })
    }

    /// What was emptied of the log files of a process, and how much was in them: `out 1.2 MiB, err 3.0 KiB`;
    /// `None` where nothing was.
    pub(super) fn emptied_words(&self, emptied: &[Emptied], info: &ProcessInfo) -> Option<String> {
        let words = |(holds, path, _): (Holds, &str, &LogFile)| {
            let file = emptied.iter().find(|file| *file.path == *path)?;
            Some(format!("{} {}", holds.word(), units::bytes(file.bytes)))
        };
        let all: Vec<String> = self.files_of(info).into_iter().filter_map(words).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    fn note_emptied(&mut self, path: Box<str>, bytes: Option<u64>, seen_ms: i64) {
        if let Some(bytes) = bytes.filter(|_| self.emptied.len() < EMPTIED_MAX) {
            self.emptied.push(Emptied { path, bytes, seen_ms });
        }
    }

    /// These were emptied here, which is told: as if no look had seen more in them.
    pub(super) fn empty_here<'a>(&mut self, paths: impl Iterator<Item = &'a str>, now_ms: i64) {
        for path in paths {
            self.emptied.retain(|file| *file.path != *path);
            if let Some(file) = self.files.get_mut(path) {
                file.size.push(now_ms, 0, false);
            }
        }
    }

    /// Those that were seen emptied so long ago that it was not done here.
    pub(super) fn take_emptied(&mut self, now_ms: i64) -> Vec<Emptied> {
        let is_due = |file: &mut Emptied| now_ms.saturating_sub(file.seen_ms) >= OURS_TOLD_MS;
        self.emptied.extract_if(.., is_due).collect()
    }

    /// Takes a look at some of the files in; whether anything is other than it was.
    pub(super) fn take_sizes(&mut self, look: SizesLook, now_ms: i64) -> bool {
        let told = |file: Option<&LogFile>| file.map(LogFile::words);
        let before: Vec<_> = look.asked.iter().map(|path| told(self.file(path))).collect();
        for path in &look.asked {
            if look.files.iter().all(|file| file.path != *path) {
                self.files.remove(path);
            }
        }
        for file in look.files {
            let bytes = self.files.entry(file.path.clone()).or_default().take(&file, now_ms);
            self.note_emptied(file.path, bytes, now_ms);
        }
        look.asked.iter().zip(before).any(|(path, before)| told(self.file(path)) != before)
    }

    /// Takes a look in. What it does not have is not there any more.
    pub(super) fn take(&mut self, look: DiskLook, now_ms: i64) {
        self.left_out = look.left_out;
        let mut files = BTreeMap::new();
        for file in look.files {
            let mut known = self.files.remove(&file.path).unwrap_or_default();
            let bytes = known.take(&file, now_ms);
            self.note_emptied(file.path.clone(), bytes, now_ms);
            files.insert(file.path, known);
        }
        self.files = files;
        let mut volumes = Vec::new();
        for look in look.volumes {
            let known = self.volumes.iter().find(|volume| volume.look.device == look.device);
            let mut used = known.map(|volume| volume.used.clone()).unwrap_or_default();
            used.push(now_ms, look.total.saturating_sub(look.free), true);
            volumes.push(Volume { look, used });
        }
        self.volumes = volumes;
    }
}

#[cfg(test)]
mod tests;
