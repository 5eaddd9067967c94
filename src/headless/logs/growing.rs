//! How log files grew while nothing came on the bus, and when the daemon's own log said something then: about when
//! what was missed was written, and so which life wrote it.
//!
//! Invariant: of files only the sizes are asked, more and more seldom, but for the moments in which the daemon's log
//! says something: what stood in a file by then was said before that.

use std::io::Write;
use std::time::Duration;

use tokio::time::Instant;

use super::live::Following;
use super::missing::Found;
use super::sizes::Growing;
use crate::daemon::{clock, files};
use crate::protocol::process::PmId;

/// They are looked at no longer than that once the bus is back.
const BACK_MAX: Duration = Duration::from_secs(30);

/// Between what what was missed of a file was written, milliseconds since 1970.
struct Bounds {
    /// When the bus, or a part of what it said, was lost.
    lost: Option<i64>,
    /// When the first life began since then.
    begun: Option<i64>,
    /// When it was said at the latest.
    until: i64,
}

impl<W: Write> Following<'_, '_, W> {
    /// Looks how large the files are while the bus is away, and while what it missed is looked for.
    pub(super) fn measure(&mut self) {
        self.measure_at(clock::now_ms());
    }

    /// The same at this time, milliseconds since 1970.
    fn measure_at(&mut self, now_ms: i64) {
        if self.growing.since.is_none() {
            return;
        }
        let is_late = self.growing.back.is_some_and(|back| back.elapsed() >= BACK_MAX);
        if is_late || self.growing.back.is_some() && !self.is_looking() {
            self.growing = Growing::default();
            return;
        }
        let has_more = self.events.as_mut().is_some_and(|events| events.measure(now_ms));
        if !has_more && !self.growing.is_due() {
            return;
        }
        let growing = &mut self.growing;
        growing.has_happened |= has_more;
        for (index, source) in self.sources.iter().enumerate() {
            let Some((file, path)) = source.opened.as_ref().zip(source.file.path.as_ref()) else {
                continue;
            };
            if let Ok(size) = files::size_with_next(file, path) {
                growing.files.entry(index).or_default().see(now_ms, size);
            }
        }
        if let Some((_, last)) = &mut growing.since {
            *last = Some(Instant::now());
        }
    }

    /// Between what what was missed of a source was said: since the bus was away, and where a life began first since
    /// then, since that; before what waits of those who write it, not behind the time when its file was written last,
    /// and where the last of them ended, not behind that.
    fn bounds(&self, index: usize, now_ms: i64) -> Option<Bounds> {
        let source = self.sources.get(index)?;
        let ids = &source.file.ids;
        let next_ms = self.order.first_ms(|id| ids.contains(&PmId(id)));
        let written_ms = source.opened.as_ref().and_then(|file| files::written_ms(file).ok());
        let (begun_ms, ended_ms) = self.unheard.of(ids);
        let to_ms = [next_ms, written_ms, ended_ms].into_iter().flatten().fold(now_ms, i64::min);
        let lost_ms = self.away_ms.or(self.lost_ms).or(source.measured_ms);
        let of_lives = lost_ms.and_then(|lost_ms| source.begun_since(lost_ms));
        Some(Bounds { lost: lost_ms, begun: begun_ms.max(of_lives), until: to_ms })
    }

    /// Since when and up to when, as far as no sizes tell more.
    pub(super) fn missed_between(&self, index: usize, now_ms: i64) -> (i64, i64) {
        let Some(Bounds { lost, begun, until }) = self.bounds(index, now_ms) else {
            return (now_ms, now_ms);
        };
        (lost.max(begun).unwrap_or(until).min(until), until)
    }

    /// About when lines of a source were written that end with the bytes at these places of its files, not before
    /// `least_ms`; the first of them begins at `begin`.
    pub(super) fn moments(
        &self,
        index: usize,
        (begin, lasts): (u64, &[u64]),
        (least_ms, now_ms): (i64, i64),
    ) -> Vec<i64> {
        let (from_ms, to_ms) = self.missed_between(index, now_ms);
        let growth = self.growing.files.get(&index).filter(|growth| growth.size().is_some());
        let known = growth.zip(self.bounds(index, now_ms)).zip(lasts.last());
        let Some(((growth, Bounds { lost, begun, .. }), last)) = known else {
            let from_ms = from_ms.max(least_ms).min(to_ms);
            return spread(from_ms, to_ms, lasts.len()).collect();
        };
        // The bus may have been back for a moment meanwhile, and nothing of it was told.
        let lost_ms = growth.since_ms().min(lost).unwrap_or(to_ms);
        let from_ms = lost_ms.max(least_ms).min(to_ms);
        let written = growth.written((begin, last + 1), (from_ms, to_ms), begun);
        let at = |last: &u64| written.at(last.saturating_sub(begin)).unwrap_or(to_ms);
        lasts.iter().map(at).collect()
    }

    /// The same of what was found.
    pub(super) fn moments_of(
        &self,
        Found { key, bytes, ends }: &Found,
        times: (i64, i64),
    ) -> Vec<i64> {
        let begin = ends.saturating_sub(bytes.len() as u64);
        let newlines = memchr::memchr_iter(b'\n', bytes).map(|at| begin + at as u64);
        let rest = (!bytes.is_empty() && !bytes.ends_with(b"\n")).then(|| ends.saturating_sub(1));
        let lasts: Vec<u64> = newlines.chain(rest).collect();
        self.moments(key.source, (begin, &lasts), times)
    }
}

/// So many moments between two, the last of them the later one.
pub(super) fn spread(from_ms: i64, to_ms: i64, count: usize) -> impl Iterator<Item = i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX).max(1);
    let part =
        move |index: i64| i128::from(to_ms - from_ms) * i128::from(index) / i128::from(count);
    (1..=count).map(move |index| from_ms + i64::try_from(part(index)).unwrap_or_default())
}

#[cfg(test)]
mod tests;
