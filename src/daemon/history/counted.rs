//! Lines that cannot be told apart, in a file of several outputs that the bus began within: they are counted.
//!
//! Pure but for reading files.

use std::collections::HashMap;

use super::shared::{BACK_BYTES, Begin};
use crate::daemon::seam::{ReadAt, read_part};

/// Where it looks again and again, that is known after so many looks.
const LOOKS_MIN: usize = 20;

/// Counts the lines that a file has and those that came on the bus: what it has more of was there before.
/// For lines that are all alike.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// Where in the file it was counted from and to, bytes.
    from: u64,
    to: u64,
    /// How many lines are there in between.
    written: u64,
    /// How many came.
    came: u64,
    /// The least and the most that the file had more.
    more: Option<(i64, i64)>,
}

impl Counted {
    /// From this place of a file on, where the bus was not connected yet.
    pub(crate) fn from(from: u64) -> Self {
        Self { from, to: from, written: 0, came: 0, more: None }
    }

    /// Takes what came, and looks at the file.
    pub(crate) fn take(&mut self, file: &impl ReadAt, text: &[u8]) {
        self.came += newlines(text);
        self.look(file);
    }

    /// So many lines came until now; looks at the file.
    fn look_with(&mut self, file: &impl ReadAt, came: u64) {
        self.came = came;
        self.look(file);
    }

    fn look(&mut self, file: &impl ReadAt) {
        let Some(size) = file.size().ok().filter(|size| *size >= self.to) else { return };
        let Ok(new) = read_part(file, self.to, size) else { return };
        self.written += newlines(&new);
        self.to += new.len() as u64;
        let more = self.written.cast_signed() - self.came.cast_signed();
        let (least, most) = self.more.unwrap_or((more, more));
        self.more = Some((least.min(more), most.max(more)));
    }

    /// Whether the file always had as many more.
    pub(crate) fn is_exact(&self) -> bool {
        self.more.is_none_or(|(least, most)| least == most)
    }

    /// How many lines too few history has that ends there, less those that came: so many as the file had
    /// more at most are certainly not those that came.
    pub(crate) fn short(&self, file: &impl ReadAt, at: u64, had: &HashMap<Vec<u8>, u32>) -> u32 {
        let Some((_, most)) = self.more else { return 0 };
        let lines = |from, to| read_part(file, from, to).map_or(0, |part| newlines(&part));
        let before = lines(self.from, at).cast_signed() - lines(at, self.from).cast_signed();
        let had: i64 = had.values().map(|count| i64::from(*count)).sum();
        u32::try_from(most - (before - had)).unwrap_or(0)
    }
}

fn newlines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// Leaves out so many of the lines that came, of those that came most often.
pub(crate) fn forget(had: &mut HashMap<Vec<u8>, u32>, mut count: u32) {
    let mut lines: Vec<(Vec<u8>, u32)> = had.drain().collect();
    lines.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    for (line, often) in lines {
        let fewer = often.min(count);
        count -= fewer;
        if often > fewer {
            had.insert(line, often - fewer);
        }
    }
}

/// The same for the screen, that looks now and then.
#[derive(Debug, Clone)]
pub(super) struct Counting {
    counted: Counted,
    looks: usize,
}

/// Where the history of a file ends, by what came until now.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) at: u64,
    /// Lines before that which came on the bus, and how often.
    pub(super) had: HashMap<Vec<u8>, u32>,
    pub(super) is_exact: bool,
    /// Whether the next look may tell more.
    pub(super) is_settled: bool,
}

impl Counting {
    /// Of a file that was this large when it was opened, bytes: the bus may have been connected before that.
    pub(super) fn from(size: u64) -> Self {
        Self { counted: Counted::from(size.saturating_sub(BACK_BYTES)), looks: 0 }
    }

    /// This came of each output until now.
    pub(super) fn look(&mut self, file: &impl ReadAt, came: &[Vec<u8>]) {
        self.looks += 1;
        self.counted.look_with(file, came.iter().map(|came| newlines(came)).sum());
    }

    /// Where history ends, by where the bus seems to begin.
    pub(super) fn end(&self, file: &impl ReadAt, begin: Begin) -> Found {
        let Begin { at, mut had, is_told_apart } = begin;
        if is_told_apart {
            return Found { at, had, is_exact: true, is_settled: true };
        }
        let short = self.counted.short(file, at, &had);
        // Of several texts it is not known which is short.
        let is_exact = self.counted.is_exact() && (short == 0 || had.len() == 1);
        forget(&mut had, short);
        Found { at, had, is_exact, is_settled: self.looks >= LOOKS_MIN }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shared;
    use super::*;

    /// Seven were there before, and three came: what came first is not the last of them.
    #[test]
    fn lines_that_are_all_alike_are_counted() {
        let mut file = b"tick\n".repeat(7);
        let mut counting = Counting::from(file.len() as u64);
        let mut came = Vec::new();
        let mut found = None;
        for _ in 0..LOOKS_MIN {
            file.extend(b"tick\n");
            came.extend(b"tick\n");
            let came = [came.clone()];
            counting.look(&file, &came);
            let begin = shared::begin(&file, (&came, true)).unwrap().unwrap();
            found = Some(counting.end(&file, begin));
        }
        let found = found.unwrap();
        let lines = found.at / 5 - u64::from(found.had.values().sum::<u32>());
        assert_eq!((lines, found.is_exact, found.is_settled), (7, true, true));
    }

    #[test]
    fn where_the_file_is_ahead_of_the_bus_now_and_then_no_line_is_lost() {
        let mut file = b"tick\n".repeat(7);
        let mut counting = Counting::from(file.len() as u64);
        let mut came = Vec::new();
        for look in 0..LOOKS_MIN {
            file.extend(b"tick\n");
            came.extend(b"tick\n");
            let mut written = file.clone();
            written.extend(b"tick\n".repeat(look % 2));
            counting.look(&written, &[came.clone()]);
        }
        let begin = shared::begin(&file, (&[came], true)).unwrap().unwrap();
        let found = counting.end(&file, begin);
        let lines = found.at / 5 - u64::from(found.had.values().sum::<u32>());
        assert_eq!((lines, found.is_exact), (8, false));
    }
}
