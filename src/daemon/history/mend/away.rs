//! What is known of the time in which nothing came on the bus: how files grew, and when lives began.
//!
//! Invariant: of files only the sizes are asked, and seldom; all file calls are offloaded.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::gap::Place;
use super::super::growth::{Growth, Written};
use super::super::heard::Heard;
use super::super::listed::Listed;
use super::super::sources::LogFile;
use super::{Joined, Mending};
use crate::daemon::lives::Console;
use crate::daemon::seam::ReadAt;
use crate::daemon::{files, offload};

/// How long files are left alone at least and at most, while nothing comes of them.
const REST_MIN: Duration = Duration::from_millis(100);
const REST_MAX: Duration = Duration::from_secs(2);
/// Of the time that the bus is away, this part.
const REST_PART: u32 = 20;

/// What came, the processes, and the home of their daemon.
pub(super) type Around<'a> = (&'a Heard, &'a Arc<Listed>, &'a Path);

/// When sizes were looked at.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// First since the bus is away, and last.
    since: Option<(Instant, Instant)>,
    /// Whether the bus is back.
    is_back: bool,
}

impl Mending {
    /// How long until sizes are to be looked at again.
    pub(in crate::daemon::history) fn rest(&self) -> Duration {
        let Some((first, last)) = self.looked.since else { return Duration::ZERO };
        // Once it is back, what it brings is waited for, and not for long.
        let rest = if self.looked.is_back { REST_MIN } else { (last - first) / REST_PART };
        (last + rest.clamp(REST_MIN, REST_MAX)).saturating_duration_since(Instant::now())
    }

    /// Looks how large the files are, now and then, while the bus is away or what it missed is looked for.
    pub(in crate::daemon::history) async fn measure(
        &mut self,
        heard: &Heard,
        (is_asked, is_back): (bool, bool),
    ) {
        if !is_asked {
            self.looked = Looked::default();
            return;
        }
        self.looked.is_back = is_back;
        if !self.rest().is_zero() {
            return;
        }
        let now = Instant::now();
        self.looked.since = Some((self.looked.since.map_or(now, |(first, _)| first), now));
        let files = self.joined.iter().map(|(path, it)| (path.clone(), it.file.clone()));
        let files: Vec<(PathBuf, Option<Arc<File>>)> = files.collect();
        let now_ms = heard.wall_ms();
        let looking = offload::look(move || {
            let look = |(path, file): (PathBuf, Option<Arc<File>>)| {
                // One that was made meanwhile is held, though it is renamed then.
                let file = file.or_else(|| files::open(&path).ok().map(Arc::new));
                let size = file.as_ref().map_or(Ok(0), |file| files::size_with_next(file, &path));
                (size.ok(), path, file)
            };
            files.into_iter().map(look).collect::<Vec<_>>()
        });
        for (size, path, file) in looking.await.unwrap_or_default() {
            let Some(joined) = self.joined.get_mut(&path) else { continue };
            joined.file = file;
            if let Some(size) = size {
                joined.growth.see(now_ms, size);
            }
        }
    }
}

/// What tells when the lines of a file were written that were missed.
pub(super) struct Dating {
    listed: Arc<Listed>,
    home: PathBuf,
    of: LogFile,
    lost_ms: i64,
    growth: Growth,
}

impl Joined {
    /// Of the processes that write it now.
    pub(super) fn dating(&self, (heard, listed, home): Around<'_>, of: &LogFile) -> Dating {
        Dating {
            listed: Arc::clone(listed),
            home: home.to_owned(),
            of: of.clone(),
            lost_ms: self.lost_ms.unwrap_or_else(|| heard.lost_ms()),
            growth: self.growth.clone(),
        }
    }
}

impl Dating {
    /// When what was missed of one output was written: before `to_ms`, as it ends at a place in the files. Blocks.
    pub(super) fn own(
        &self,
        files: &[Arc<File>],
        (bytes, ends): (&[u8], Place),
        to_ms: i64,
    ) -> Written {
        if bytes.is_empty() {
            return Written::default();
        }
        let before = files.iter().take(ends.file).filter_map(|file| file.size().ok());
        let to = before.sum::<u64>() + ends.at;
        let from = to.saturating_sub(bytes.len() as u64);
        self.written((from, to), to_ms)
    }

    /// About when lines were written, before `to_ms`, of which each begins at such a place. Blocks.
    pub(super) fn shared(&self, places: &[u64], to_ms: i64) -> Vec<i64> {
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return Vec::new() };
        let written = self.written((*first, last + 1), to_ms);
        places.iter().map(|place| written.at(place - first).unwrap_or(to_ms)).collect()
    }

    fn written(&self, places: (u64, u64), to_ms: i64) -> Written {
        let console = Console::of(&self.home);
        let begun_ms = self.listed.begun_since(&self.of, self.lost_ms, &console);
        self.growth.written(places, (self.lost_ms.min(to_ms), to_ms), begun_ms)
    }
}
