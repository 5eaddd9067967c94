//! Where in a log file the bus began: so that history from the file and what the bus brings fit
//! together, no byte missing and none twice.
//!
//! Pure. The way is that of docs/pm2-ops.md section 1.4, which was exact in 36 of 36 floods: the first
//! bytes that came are looked for in the file; where they are found more than once, the difference
//! between what is in the file and what has come is taken, once it stands still and the ends agree.

use std::collections::VecDeque;
use std::io;

/// The most bytes that are looked for.
const NEEDLE_MAX: usize = 4096;
/// How far before the size at connecting the bus can begin: cluster workers write their files
/// themselves, and were seen 16 MB ahead of the bus, bytes.
const BACK_MAX: u64 = 32 << 20;
/// How long nothing must have come before a difference is noted, milliseconds.
const QUIET_MS: i64 = 20;
/// What came on the bus is in the file this long after, if it comes there at all, milliseconds: an
/// earlier place of the same text would be taken for it before.
pub(crate) const FIRST_MS: i64 = 100;
/// How long nothing must have come before the file is taken to hold all that did, milliseconds.
pub(crate) const STILL_MS: i64 = 300;
/// So many equal differences in a row are believed.
const NOTES: usize = 5;
/// So often a file is looked at before what it has more is believed.
const LOOKS_MIN: usize = 20;
/// So much of what came first is looked for there, bytes.
const ALIKE_BYTES: usize = 256;
/// How much is read at once while the needle is looked for, bytes.
const PIECE_BYTES: usize = 1 << 20;

/// A file that is read at offsets; one that grows.
pub(crate) trait ReadAt {
    /// How large it is now, bytes.
    fn size(&self) -> io::Result<u64>;
    /// Reads what is there at an offset; fewer bytes at its end, as of a read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl<T: ReadAt> ReadAt for std::sync::Arc<T> {
    fn size(&self) -> io::Result<u64> {
        T::size(self)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        T::read_at(self, buffer, offset)
    }
}

impl ReadAt for std::fs::File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

/// Looks for the place of one process's output in its file.
#[derive(Debug, Clone)]
pub(crate) struct Seam {
    /// The size when the bus was connected, bytes.
    start: u64,
    /// Whether what is in the file by then was never on the bus: God writes it, not the process.
    is_fork: bool,
    needle: Vec<u8>,
    /// The last bytes that came.
    last: VecDeque<u8>,
    received: u64,
    received_at_ms: i64,
    /// What was received when the last difference was noted.
    noted_at: u64,
    notes: Vec<u64>,
    /// The least and the most that the file had more than came, and how often it was looked at, where the
    /// place is one of several.
    more: Option<(u64, u64, usize)>,
}

impl Seam {
    /// Of a file that was `start` bytes when the bus was connected.
    pub(crate) fn new(start: u64, is_fork: bool) -> Self {
        Self {
            start,
            is_fork,
            needle: Vec::new(),
            last: VecDeque::new(),
            received: 0,
            received_at_ms: 0,
            noted_at: 0,
            notes: Vec::new(),
            more: None,
        }
    }

    /// Takes a piece of output that came at `now_ms`, a clock that is never set back.
    pub(crate) fn take(&mut self, data: &[u8], now_ms: i64) {
        let room = NEEDLE_MAX - self.needle.len().min(NEEDLE_MAX);
        self.needle.extend(data.iter().take(room));
        self.last.extend(data.iter().skip(data.len().saturating_sub(NEEDLE_MAX)));
        let excess = self.last.len().saturating_sub(NEEDLE_MAX);
        self.last.drain(..excess);
        self.received += data.len() as u64;
        self.received_at_ms = now_ms;
    }

    /// The offset of the first byte that came, once it is certain. Reads the file; the next look may
    /// know more.
    ///
    /// # Errors
    /// Those of reading.
    fn look(&mut self, file: &impl ReadAt, now_ms: i64) -> io::Result<Option<u64>> {
        if self.received == 0 {
            return Ok(None);
        }
        let size = file.size()?;
        let back = if self.is_fork { NEEDLE_MAX as u64 } else { BACK_MAX };
        let from = self.start.min(size).saturating_sub(back);
        // What God had written before is never on the bus; it writes a little before it publishes.
        let later = if self.is_fork { self.start.min(size) } else { from };
        let mut found = find(file, &self.needle, later, size)?;
        if found.is_empty() && later > from {
            found = find(file, &self.needle, from, size)?;
        }
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            _ => {
                let more = size.saturating_sub(self.received);
                let (least, most, count) = self.more.unwrap_or((more, more, 0));
                self.more = Some((least.min(more), most.max(more), count + 1));
                self.by_difference(file, size, now_ms)
            }
        }
    }

    /// The offset of the first byte that came, where all that comes is alike and it never is quiet: not
    /// before that, as far as can be told, so that nothing is lost; and whether it is certain. `None` where
    /// that is not known.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn by_count(&self, file: &impl ReadAt) -> io::Result<Option<(u64, bool)>> {
        let Some((least, most, _)) = self.more.filter(|(.., count)| *count >= LOOKS_MIN) else {
            return Ok(None);
        };
        // God writes before it publishes; of a worker either may be first.
        let from = if self.is_fork { least } else { most };
        let beginning = self.needle.get(..self.needle.len().min(ALIKE_BYTES)).unwrap_or_default();
        let found = find(file, beginning, from, file.size()?)?;
        Ok(found.first().map(|at| (*at, least == most)))
    }

    /// Whether what came may have begun before that place: lines are alike, and the file had fewer more once.
    pub(crate) fn may_repeat_at(&self, at: u64) -> bool {
        self.more.is_some_and(|(least, ..)| least < at)
    }

    /// The offset of the first byte that came, not before `from`, by all that tells it: what came as a
    /// whole; its beginning, once it is written (`is_written`); how much it is, once nothing comes any
    /// more (`is_quiet`).
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn place(
        &mut self,
        file: &impl ReadAt,
        from: u64,
        now_ms: i64,
        (is_written, is_quiet): (bool, bool),
    ) -> io::Result<Option<u64>> {
        let mut at = self.look(file, now_ms)?.filter(|at| *at >= from);
        if at.is_none() && is_written {
            at = self.by_beginning(file)?.filter(|at| *at >= from);
        }
        if at.is_none() && is_quiet {
            at = self.by_quiet(file)?.filter(|at| *at >= from);
        }
        Ok(at)
    }

    /// Before which offset of a file of that size at connecting the bus did not begin.
    pub(crate) fn earliest(size: u64, is_fork: bool) -> u64 {
        size.saturating_sub(if is_fork { NEEDLE_MAX as u64 } else { BACK_MAX })
    }

    /// What came is in this file, not before this offset.
    pub(crate) fn start_at(&mut self, start: u64) {
        self.start = start;
    }

    /// The offset of the first byte that came, by the beginning of what came alone: the rest may be in
    /// another file, since this one was rotated, or not be written yet. For when there was time enough
    /// for that.
    ///
    /// # Errors
    /// Those of reading.
    fn by_beginning(&self, file: &impl ReadAt) -> io::Result<Option<u64>> {
        let size = file.size()?;
        let back = if self.is_fork { NEEDLE_MAX as u64 } else { BACK_MAX };
        let from = self.start.min(size).saturating_sub(back);
        let first_line = memchr::memchr(b'\n', &self.needle).map_or(0, |at| at + 1);
        for length in [1024, 256, first_line] {
            let Some(beginning) = self.needle.get(..length).filter(|some| !some.is_empty()) else {
                continue;
            };
            let found = find(file, beginning, from, size)?;
            if !found.is_empty() {
                return Ok(if let [only] = found.as_slice() { Some(*only) } else { None });
            }
        }
        Ok(None)
    }

    /// How much came, bytes.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Whether nothing came for so long that all that did is written.
    pub(crate) fn is_quiet(&self, now_ms: i64) -> bool {
        now_ms - self.received_at_ms >= STILL_MS
    }

    /// The last bytes that came.
    pub(crate) fn last(&self) -> Vec<u8> {
        self.last.iter().copied().collect()
    }

    /// Takes over what a copy of it found out in the file.
    pub(crate) fn learn(&mut self, other: &Self) {
        self.noted_at = other.noted_at;
        self.notes.clone_from(&other.notes);
    }

    /// Whether what came is not in the file at all, as far as is known.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn is_absent(&self, file: &impl ReadAt) -> io::Result<bool> {
        let size = file.size()?;
        let from = self.start.min(size).saturating_sub(BACK_MAX);
        Ok(find(file, &self.needle, from, size)?.is_empty())
    }

    /// The offset of the first byte that came, where nothing is under way any more: the end of the file
    /// is the end of what came.
    ///
    /// # Errors
    /// Those of reading.
    fn by_quiet(&self, file: &impl ReadAt) -> io::Result<Option<u64>> {
        let size = file.size()?;
        // A file that was emptied meanwhile holds less than what came.
        let difference = size.saturating_sub(self.received);
        Ok((size > 0 && self.ends_alike(file, size)?).then_some(difference))
    }

    /// Whether the last bytes that came are the last of the file.
    fn ends_alike(&self, file: &impl ReadAt, size: u64) -> io::Result<bool> {
        let mut end = vec![0; self.last.len()];
        let at = size.saturating_sub(end.len() as u64);
        let read = read_whole(file, &mut end, at)?;
        let skip = self.last.len() - read.min(self.last.len());
        Ok(end.get(..read).is_some_and(|end| end.iter().eq(self.last.iter().skip(skip))))
    }

    fn by_difference(
        &mut self,
        file: &impl ReadAt,
        size: u64,
        now_ms: i64,
    ) -> io::Result<Option<u64>> {
        if now_ms - self.received_at_ms < QUIET_MS || self.received == self.noted_at {
            return Ok(None);
        }
        self.noted_at = self.received;
        let Some(difference) = size.checked_sub(self.received) else { return Ok(None) };
        if self.notes.last().is_some_and(|last| *last != difference) {
            self.notes.clear();
        }
        self.notes.push(difference);
        if self.notes.len() < NOTES {
            return Ok(None);
        }
        Ok(self.ends_alike(file, size)?.then_some(difference))
    }
}

/// All places of some bytes in a part of a file; at most two, since more say no more.
fn find(file: &impl ReadAt, needle: &[u8], from: u64, to: u64) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    let finder = memchr::memmem::Finder::new(needle);
    let mut at = from;
    let mut buffer = vec![0; PIECE_BYTES + needle.len()];
    while at < to && found.len() < 2 {
        let read = read_whole(file, &mut buffer, at)?;
        let piece = buffer.get(..read).unwrap_or_default();
        // Places may overlap where lines are alike.
        let mut behind = 0;
        while found.len() < 2
            && let Some(place) = piece.get(behind..).and_then(|rest| finder.find(rest))
        {
            behind += place + 1;
            let place = at + (behind - 1) as u64;
            if found.last() != Some(&place) {
                found.push(place);
            }
        }
        if read < buffer.len() {
            break;
        }
        // Pieces overlap, so that nothing is missed where two meet.
        at += PIECE_BYTES as u64;
    }
    Ok(found)
}

/// What a file holds between these places, as far as it goes; nothing where `to` is not behind `from`.
pub(crate) fn read_part(file: &impl ReadAt, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or_default()];
    let read = read_whole(file, &mut bytes, from)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Fills a buffer from an offset on, as far as the file goes.
pub(crate) fn read_whole(file: &impl ReadAt, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl ReadAt for Vec<u8> {
        fn size(&self) -> io::Result<u64> {
            Ok(self.len() as u64)
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let rest = self.get(offset as usize..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    fn lines(range: std::ops::Range<u32>) -> Vec<u8> {
        range.flat_map(|n| format!("line {n}\n").into_bytes()).collect()
    }

    #[test]
    fn lines_that_differ_are_found_at_once() {
        let before = lines(0..100_000);
        for is_fork in [true, false] {
            let mut seam = Seam::new(before.len() as u64, is_fork);
            let mut file = before.clone();
            assert_eq!(seam.look(&file, 0).unwrap(), None);
            seam.take(&lines(100_003..100_200), 1);
            assert_eq!(seam.look(&file, 1).unwrap(), None, "not in the file yet");
            file.extend(lines(100_000..100_300));
            let at = (before.len() + lines(100_000..100_003).len()) as u64;
            assert_eq!(seam.look(&file, 2).unwrap(), Some(at));
        }
    }

    #[test]
    fn a_cluster_worker_is_ahead_of_the_bus() {
        let file = lines(0..300_000);
        let mut seam = Seam::new(file.len() as u64, false);
        seam.take(&lines(250_000..250_001), 0);
        assert_eq!(seam.look(&file, 0).unwrap(), Some(lines(0..250_000).len() as u64));
    }

    #[test]
    fn lines_that_are_all_the_same_are_counted_once_it_is_quiet() {
        let mut file = b"tick\n".repeat(50);
        let mut seam = Seam::new(file.len() as u64 - 10, false);
        let mut now_ms = 0;
        let mut known = None;
        for _ in 0..8 {
            file.extend(b"tick\n");
            seam.take(b"tick\n", now_ms);
            assert_eq!(seam.look(&file, now_ms + 5).unwrap(), None, "it is not quiet");
            now_ms += 100;
            known = known.or(seam.look(&file, now_ms).unwrap());
        }
        assert_eq!(known, Some(250));
        assert!(!seam.may_repeat_at(250));
    }

    /// A worker that is ahead of the bus whenever that is quiet: what it had once tells it.
    #[test]
    fn a_place_that_was_earlier_once_may_repeat_lines() {
        let mut file = b"tick\n".repeat(50);
        let mut seam = Seam::new(file.len() as u64, false);
        let (mut now_ms, mut known) = (0, None);
        for _ in 0..8 {
            file.extend(b"tick\n");
            seam.take(b"tick\n", now_ms);
            assert_eq!(seam.look(&file, now_ms).unwrap(), None, "it is not quiet");
            now_ms += 100;
            let mut written = file.clone();
            written.extend(b"tick\n".repeat(2));
            known = known.or(seam.look(&written, now_ms).unwrap());
        }
        assert_eq!(known, Some(260));
        assert!(seam.may_repeat_at(260));
    }

    #[test]
    fn lines_that_are_all_the_same_are_counted_though_it_never_is_quiet() {
        for (is_fork, ahead) in [(true, 1), (false, 2)] {
            let mut file = b"tick\n".repeat(50);
            let mut seam = Seam::new(file.len() as u64, is_fork);
            for now_ms in 0..LOOKS_MIN {
                assert_eq!(seam.by_count(&file).unwrap(), None, "too few looks");
                file.extend(b"tick\n");
                seam.take(b"tick\n", now_ms as i64);
                let mut written = file.clone();
                written.extend(b"tick\n".repeat(1 + now_ms % 2));
                assert_eq!(seam.look(&written, now_ms as i64).unwrap(), None, "it is not quiet");
            }
            file.extend(b"tick\n".repeat(2));
            assert_eq!(seam.by_count(&file).unwrap(), Some(((50 + ahead) * 5, false)));
        }
    }

    #[test]
    fn of_a_fork_the_same_line_counts_only_behind_what_was_there() {
        let mut file = b"connecting\n".repeat(9);
        let at = file.len() as u64;
        let mut seam = Seam::new(at, true);
        seam.take(b"connecting\n", 0);
        assert_eq!(seam.look(&file, 5).unwrap(), None, "it is not written yet");
        file.extend(b"connecting\n");
        assert_eq!(seam.look(&file, 10).unwrap(), Some(at));
    }

    #[test]
    fn a_needle_on_the_edge_of_two_pieces_is_found_once() {
        let mut file = vec![b'x'; PIECE_BYTES - 3];
        file.extend(b"needle");
        file.extend(vec![b'y'; PIECE_BYTES]);
        let size = file.len() as u64;
        assert_eq!(find(&file, b"needle", 0, size).unwrap(), [PIECE_BYTES as u64 - 3]);
        let alike = b"tick\n".repeat(5);
        assert_eq!(find(&alike, &alike[..20], 0, 25).unwrap(), [0, 5], "places that overlap");
    }
}
