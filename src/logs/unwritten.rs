//! Lines that came on the bus and are in no file: which these are, told by how the file of a process ends
//! some time after the process did.
//!
//! A worker of a cluster writes its file itself and may end before that is done; of a fork, PM2 closes the
//! file at its end; a file whose disk was full stays as it is (docs/pm2-ops.md section 0).
//!
//! Invariant: what is not certain is not said. Nothing that a later life wrote is said to be missing.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

use super::line::{Body, Kind, LineId, LineRef, LineTime, TimeFrom};
use super::source::SourceId;
use super::store::Store;

/// Last words come so long after the end of a process: 136 ms were seen (docs/pm2-ops.md section 0).
const LATE_MS: i64 = 140;
/// So many lines are compared at most, of the log and of the file.
const LINES_MAX: usize = 128;
const FILE_LINES_MAX: usize = 512;
/// A longer line may be cut in the log, bytes.
const LONG_BYTES: usize = 4096;
/// So many lines of all sources are looked at for those of one.
const LOOK_MAX: usize = 20_000;

/// How a log file ends.
#[derive(Debug, Clone, Copy)]
pub struct FileEnd<'a> {
    /// Its last bytes.
    pub bytes: &'a [u8],
    /// Whether that is all of it.
    pub is_whole: bool,
    /// When it was written last, milliseconds since 1970.
    pub written_ms: i64,
}

/// A line to be found in a file.
#[derive(Debug, Clone)]
struct Came {
    id: LineId,
    at_ms: i64,
    text: Vec<u8>,
}

impl Store {
    /// Those of the newest lines of a source that its file lacks, of a life that began and ended at these
    /// times, milliseconds since 1970. The file is its own, and as it was a good while after.
    #[must_use]
    pub fn unwritten(
        &self,
        source: SourceId,
        (began_ms, ended_ms): (i64, i64),
        end: FileEnd<'_>,
    ) -> Vec<LineId> {
        let newest = self.newest_of(source).filter_map(came).take(LINES_MAX);
        let mut came: Vec<Came> = newest.collect();
        came.reverse();
        let last_ms = ended_ms.saturating_add(LATE_MS);
        let from = came.iter().take_while(|line| line.at_ms < began_ms).count();
        let to = came.iter().take_while(|line| line.at_ms <= last_ms).count();
        // What came before them is known only where they are not all that is looked at.
        let is_all = from > 0 || came.len() < LINES_MAX;
        missing(&came, (from..to, is_all), end)
    }

    /// The lines of a source, the newest first.
    fn newest_of(&self, source: SourceId) -> impl Iterator<Item = LineRef<'_>> {
        let bit = 1 << (source.slot % 64);
        let blocks = self.blocks.iter().rev();
        let blocks = blocks.filter(move |block| block.summary().sources & bit != 0);
        let lines = blocks.flat_map(|block| (0..block.len()).rev().map(move |at| (block, at)));
        let lines = lines.take(LOOK_MAX);
        let lines = lines.filter_map(|(block, at)| block.line(at, |slot| self.turn(slot)));
        lines.filter(move |line| line.source == source)
    }

    /// Says that a line is in no file.
    pub fn set_bus_only(&mut self, id: LineId) {
        let index = self.block_of(id);
        let Some(block) = self.blocks.get_mut(index) else { return };
        let rank = block.rank(id);
        if block.record_of(rank, id).is_some() {
            Arc::make_mut(block).set_bus_only(rank);
        }
    }
}

/// A line as it is looked for; `None` for what is in no file anyway, or is from one.
fn came(line: LineRef<'_>) -> Option<Came> {
    let LineTime { at_ms, from } = line.time;
    let is_output = matches!(line.kind, Kind::Output | Kind::More);
    let may_be_of_bus = matches!(from, TimeFrom::Bus | TimeFrom::Line);
    let Body::Held(bytes) = line.body else { return None };
    let text = comparable(bytes);
    let is_meant = is_output && may_be_of_bus && !text.is_empty() && !line.is_cut();
    is_meant.then_some(Came { id: line.id, at_ms, text })
}

/// PM2 sends what is no UTF-8 as U+FFFD.
fn comparable(line: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(line.trim_ascii_end()).into_owned().into_bytes()
}

/// Of the lines that came, those of a life that the file lacks; `is_all` where that are all lines of it.
fn missing(came: &[Came], (life, is_all): (Range<usize>, bool), end: FileEnd<'_>) -> Vec<LineId> {
    let lines = end.bytes.split(|byte| *byte == b'\n').map(comparable);
    let lines: Vec<Vec<u8>> = lines.filter(|line| !line.is_empty()).collect();
    let file = lines.get(lines.len().saturating_sub(FILE_LINES_MAX)..).unwrap_or_default();
    let texts: Vec<&[u8]> = came.iter().map(|line| &*line.text).collect();
    let file: Vec<&[u8]> = file.iter().map(|line| &**line).collect();
    // Of lines that are alike it is not certain which are there: the first ones, or the last.
    let (first_ones, last_ones) = (places(&texts, &file), last_places(&texts, &file));
    // Before the first line that is there for certain, the file may have been emptied or renamed.
    let known = last_ones.iter().position(Option::is_some);
    let is_untouched = || {
        let first_ms = came.get(life.start).map_or(i64::MIN, |first| first.at_ms);
        is_all && end.is_whole && end.bytes.is_empty() && end.written_ms <= first_ms
    };
    let from = match known {
        Some(known) => known + 1,
        None if is_untouched() => 0,
        None => return Vec::new(),
    };
    // An unfinished line goes on in the next one of the file; one that came in parts is whole there.
    let others = file.iter().enumerate().filter(|(at, _)| !first_ones.contains(&Some(*at)));
    let others: Vec<&[u8]> = others.map(|(_, other)| *other).collect();
    let is_part =
        |line: &Came| others.iter().any(|other| memmem::find(other, &line.text).is_some());
    // What is no UTF-8 in the file came as something else.
    let is_text = std::str::from_utf8(end.bytes).is_ok();
    let lacks = |index: usize, line: &Came| {
        let is_there = |places: &[Option<usize>]| places.get(index).is_none_or(Option::is_some);
        let is_known = is_there(&first_ones) || is_there(&last_ones);
        let is_comparable = line.text.len() < LONG_BYTES && (is_text || line.text.is_ascii());
        index >= from && !is_known && is_comparable && !is_part(line)
    };
    let said = came.iter().enumerate().take(life.end).skip(life.start);
    said.filter(|(index, line)| lacks(*index, line)).map(|(_, line)| line.id).collect()
}

/// As [`places`], but of lines that are alike the last ones are taken for those of the file.
fn last_places(came: &[&[u8]], file: &[&[u8]]) -> Vec<Option<usize>> {
    let came: Vec<&[u8]> = came.iter().rev().copied().collect();
    let file: Vec<&[u8]> = file.iter().rev().copied().collect();
    let mut places = places(&came, &file);
    places.reverse();
    let last = file.len().saturating_sub(1);
    places.into_iter().map(|place| Some(last - place?)).collect()
}

/// Where each line that came is in the file, if it is, with as many of them as can be in one order. Of lines
/// that are alike the first ones are taken for those of the file.
fn places(came: &[&[u8]], file: &[&[u8]]) -> Vec<Option<usize>> {
    let width = file.len() + 1;
    // How many of the lines from one on are in the file from a place on.
    let mut common = vec![0_u16; (came.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    let get = |common: &[u16], place: usize| common.get(place).copied().unwrap_or_default();
    for (row, line) in came.iter().enumerate().rev() {
        for (column, other) in file.iter().enumerate().rev() {
            let count = if line == other {
                get(&common, at(row + 1, column + 1)) + 1
            } else {
                get(&common, at(row + 1, column)).max(get(&common, at(row, column + 1)))
            };
            if let Some(place) = common.get_mut(at(row, column)) {
                *place = count;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut places = vec![None; came.len()];
    while let (Some(line), Some(other)) = (came.get(row), file.get(column)) {
        if line == other {
            if let Some(place) = places.get_mut(row) {
                *place = Some(column);
            }
            (row, column) = (row + 1, column + 1);
        } else if get(&common, at(row, column + 1)) == get(&common, at(row, column)) {
            column += 1;
        } else {
            row += 1;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Stream;
    use crate::logs::tests::{key, line};

    /// Lines one a millisecond from 1,000 on; the process ended with the first `said` of them.
    fn lacks(said: &[&str], later: &[&str], file: &str) -> Vec<String> {
        lacks_of(said, later, FileEnd { bytes: file.as_bytes(), is_whole: true, written_ms: 1_002 })
    }

    fn lacks_of(said: &[&str], later: &[&str], end: FileEnd<'_>) -> Vec<String> {
        let all = said.iter().chain(later).zip(0_i64..);
        let came = |(text, index): (&&str, i64)| {
            let id = LineId { order_ms: 1_000 + index, rank: index };
            Came { id, at_ms: id.order_ms, text: text.as_bytes().to_vec() }
        };
        let came: Vec<Came> = all.map(came).collect();
        let missing = missing(&came, (0..said.len(), true), end);
        let text =
            |id: LineId| came.iter().find(|line| line.id == id).map(|line| line.text.clone());
        missing.into_iter().map(|id| String::from_utf8(text(id).unwrap()).unwrap()).collect()
    }

    #[test]
    fn last_words_that_never_reached_the_file_are_found() {
        assert_eq!(lacks(&["a", "b", "c"], &[], "a\nb\n"), ["c"]);
        assert_eq!(lacks(&["a", "b", "c"], &[], "old\na\n"), ["b", "c"]);
        assert!(lacks(&["a", "b", "c"], &[], "a\nb\nc\n").is_empty());
        // The next life goes on behind them, of which not all is written yet.
        assert_eq!(lacks(&["a", "b", "c"], &["d", "e"], "a\nd\n"), ["b", "c"]);
        // A loop of the same words: those of the first life are not there, those of the second are.
        assert_eq!(lacks(&["up", "fatal"], &["up", "fatal"], "up\nup\nfatal\n"), ["fatal"]);
        // The next life came before the last words.
        assert_eq!(lacks(&["a", "b", "up", "c"], &["d"], "a\nup\nd\n"), ["b", "c"]);
        // Others write the file, too.
        assert_eq!(lacks(&["a", "b"], &[], "x\na\ny\nz\n"), ["b"]);
    }

    #[test]
    fn what_is_not_certain_is_not_said() {
        assert!(lacks(&["a", "b"], &[], "").is_empty(), "it was emptied");
        assert!(lacks(&["a", "b"], &["n"], "n\n").is_empty(), "it was emptied, and goes on");
        assert!(lacks(&["a", "b"], &[], "quite\nother\n").is_empty());
        assert!(lacks(&["tick", "tick"], &["tick"], "tick\ntick\n").is_empty(), "which is it");
        assert!(
            lacks(&["tick", "a"], &["tick"], "tick\n").is_empty(),
            "it was emptied, and goes on"
        );
        assert!(lacks(&["a", "part"], &["next"], "a\npartnext\n").is_empty(), "it goes on");
        assert!(lacks(&["a", "one", "two"], &[], "a\nonetwo\n").is_empty(), "it came in parts");
        assert_eq!(lacks(&["emptied", "a", "b"], &[], "a\n"), ["b"], "before that it was emptied");
        let latin = FileEnd { bytes: b"a\nol\xe9\n", is_whole: true, written_ms: 0 };
        assert_eq!(lacks_of(&["a", "ol\u{e9}", "b"], &[], latin), ["b"], "it is there as latin1");
        let long = "x".repeat(LONG_BYTES);
        assert!(lacks(&["a", &long], &[], "a\n").is_empty(), "it may be cut");
    }

    #[test]
    fn of_a_file_that_nothing_was_written_to_all_is_missing() {
        let end = |written_ms| FileEnd { bytes: b"", is_whole: true, written_ms };
        assert_eq!(lacks_of(&["a", "b"], &["c"], end(999)), ["a", "b"]);
        assert!(lacks_of(&["a", "b"], &["c"], end(1_001)).is_empty(), "it was emptied since");
    }

    #[test]
    fn only_lines_of_the_life_that_ended_are_looked_for() {
        let mut store = Store::default();
        let source = store.source(&key(1, "api", Stream::Out)).unwrap();
        let count = i64::try_from(LINES_MAX).unwrap() + 10;
        let lines = |store: &mut Store, times: Range<i64>| {
            let text = |at_ms: i64| format!("line {at_ms}");
            let append =
                |at_ms| store.append(source, &line(at_ms, text(at_ms).as_bytes())).unwrap();
            times.map(append).collect::<Vec<_>>()
        };
        let ids = lines(&mut store, 0..count);
        let anchored = format!("line {}\n", count - 4);
        let lacks = |life, text: &str| {
            let end = FileEnd { bytes: text.as_bytes(), is_whole: true, written_ms: 0 };
            store.unwritten(source, life, end)
        };
        assert_eq!(lacks((count - 2, count), &anchored), ids[ids.len() - 2..]);
        assert_eq!(lacks((count - 9, count), &anchored), ids[ids.len() - 3..]);
        // An empty file may be another one than that of the first lines, where these are not known.
        assert!(lacks((0, count), "").is_empty());
        assert_eq!(lacks((count - 2, count), ""), ids[ids.len() - 2..]);
    }

    #[test]
    fn a_line_of_the_store_is_marked_for_good() {
        let mut store = Store::default();
        let source = store.source(&key(1, "api", Stream::Out)).unwrap();
        for (at_ms, text) in [(10, b"a"), (11, b"b")] {
            store.append(source, &line(at_ms, text)).unwrap();
        }
        let ids: Vec<LineId> = store.iter().map(|line| line.id).collect();
        let end = FileEnd { bytes: b"a\n", is_whole: true, written_ms: 0 };
        let lacking = store.unwritten(source, (0, i64::MAX), end);
        assert_eq!(lacking, ids[1..]);
        store.set_bus_only(ids[1]);
        let marked: Vec<bool> = store.iter().map(|line| line.is_bus_only).collect();
        assert_eq!(marked, [false, true]);
    }
}
