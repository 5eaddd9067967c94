//! Entries: a line and those that go on it, such as a stack trace below its head. What is asked for by
//! level or text is taken or left whole.
//!
//! Invariant: bounded: a part of a file, or the lines of one entry, are held. Which lines are an entry, the
//! reader of the file says, and what an output says live, the same judge.

use std::fs::File;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::filter::Filter;
use crate::daemon::history::{Backwards, Format, Line, PIECE_BYTES};
use crate::daemon::seam::{ReadAt, read_part};
use crate::logs::parse::{Level, Part};

/// So much before and behind a line is looked at for the lines next to it, bytes.
const NEAR_BYTES: u64 = 1_024;
/// So much behind a line is read for the times around it, bytes.
const AROUND_BYTES: u64 = 64 << 10;
/// From one that was found to the next one as much is read on at most, bytes.
const ON_BYTES_MAX: u64 = 1 << 20;
/// Where no time is near, as much is read of the end to date it: more costs seconds. Before that a line is dated
/// by what is near.
const WHOLE_BYTES_MAX: u64 = 16 << 20;
/// An entry of more than that is taken in parts, bytes.
const ENTRY_BYTES_MAX: usize = 1 << 20;
/// A line that nothing follows for so long is an entry.
pub(super) const QUIET: Duration = Duration::from_millis(100);

/// The entry before the last one given, oldest line first; `None` at the beginning of the file.
///
/// # Errors
/// Those of reading.
pub(super) fn next(file: &mut Backwards) -> io::Result<Option<Vec<Line>>> {
    let (mut entry, mut bytes) = (Vec::new(), 0);
    while let Some(line) = file.next()? {
        let is_head = !line.goes_on();
        bytes += line.bytes.len();
        entry.push(line);
        if is_head || bytes >= ENTRY_BYTES_MAX {
            break;
        }
    }
    entry.reverse();
    Ok((!entry.is_empty()).then_some(entry))
}

/// Reads beside a search what it found: the whole entry, with the time that it has when all is read.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// From somewhat behind what was found.
    near: Option<Trail>,
    /// From the end, as without a search.
    whole: Option<Trail>,
}

/// A file read backwards up to what is found in it.
#[derive(Debug)]
struct Trail {
    file: Backwards,
    /// What is behind this offset was read.
    at: u64,
    /// Whether something of it is known, that is: the line that it began with may be a part of one.
    has_begun: bool,
    /// Whether an entry was read that says its time: what stands before that has the time that it has when
    /// all is read.
    is_dated: bool,
}

impl Trail {
    fn of(file: Backwards, at: u64) -> Self {
        Self { file, at, has_begun: false, is_dated: false }
    }

    /// The entry with the line at this offset.
    fn find(&mut self, offset: u64) -> io::Result<Option<Vec<Line>>> {
        while let Some(entry) = next(&mut self.file)? {
            let Some(head) = entry.first() else { continue };
            self.at = head.offset.unwrap_or(self.at);
            if self.at <= offset {
                let is_it = entry.iter().any(|line| line.offset == Some(offset));
                return Ok(is_it.then_some(entry));
            }
            self.is_dated |= self.has_begun && is_dated(head);
            self.has_begun = true;
        }
        Ok(None)
    }
}

/// Whether an entry with this head says its time.
fn is_dated(head: &Line) -> bool {
    head.bounds_ms.is_none()
}

impl Beside {
    /// The entry that a line of a file belongs to, oldest line first; nothing behind `end` is of it.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn entry(
        &mut self,
        hit: Line,
        file: &Backwards,
        end: Option<u64>,
        format: impl Fn() -> Format,
    ) -> io::Result<Vec<Line>> {
        let Some(offset) = hit.offset else { return Ok(vec![hit]) };
        let behind = offset + hit.extent();
        let opened = file.file();
        let end = end.map_or_else(|| opened.size(), Ok)?.max(behind);
        if !hit.is_estimated {
            let near = (offset, behind, end.min(behind + NEAR_BYTES));
            if !is_near_a_trace(&hit, near, &opened, file.format())? {
                return Ok(vec![hit]);
            }
        }
        let begin = |from: u64| -> io::Result<Trail> {
            let reading = Backwards::of(file.file(), Some(from), format())?;
            let reading = reading.leaving_as(file).of_lives(file.lives().clone());
            Ok(Trail::of(reading, from))
        };
        if end - behind > ON_BYTES_MAX {
            let is_on =
                |trail: &Trail| (behind..behind.saturating_add(ON_BYTES_MAX)).contains(&trail.at);
            // In the pieces in which all of it is read.
            let far = (end - behind).saturating_sub(AROUND_BYTES);
            let from = end - far / PIECE_BYTES * PIECE_BYTES;
            let mut near = match self.near.take().filter(is_on) {
                Some(near) => near,
                None => begin(from)?,
            };
            let found = near.find(offset)?;
            let is_dated = near.is_dated || found.iter().flatten().next().is_some_and(is_dated);
            self.near = Some(near);
            if is_dated || end - behind > WHOLE_BYTES_MAX {
                return Ok(found.unwrap_or_else(|| vec![hit]));
            }
        }
        // When it was written, only all that stands behind it tells.
        let whole = match &mut self.whole {
            Some(whole) if whole.at >= behind => whole,
            other => other.insert(begin(end)?),
        };
        Ok(whole.find(offset)?.unwrap_or_else(|| vec![hit]))
    }
}

/// Whether a line, or the one before or behind it, may be within a trace.
fn is_near_a_trace(
    hit: &Line,
    (offset, behind, until): (u64, u64, u64),
    file: &File,
    format: &Format,
) -> io::Result<bool> {
    if is_within(&format.said(&hit.bytes)) {
        return Ok(true);
    }
    let next = read_part(file, behind, until)?;
    let next = next.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if behind < until && is_within(&format.said(next)) {
        return Ok(true);
    }
    let before = read_part(file, offset.saturating_sub(NEAR_BYTES), offset)?;
    let before = before.strip_suffix(b"\n").unwrap_or(&before);
    let before = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(offset > 0 && is_within(&format.said(before)))
}

/// Whether a line looks like one below the head of a trace, or its first.
fn is_within(line: &[u8]) -> bool {
    let leads = [&b"Traceback "[..], b"goroutine ", b"Caused by", b"panic: ", b"thread '"];
    line.first().is_none_or(|first| matches!(first, b' ' | b'\t' | b'}' | b']' | b'^'))
        || leads.iter().any(|lead| line.starts_with(lead))
}

/// A line that is followed, and the moment that its entry belongs to, milliseconds since 1970.
type Timed = (i64, Line);

/// The last entry of an output that is followed: more lines of it may come.
#[derive(Debug, Default)]
pub(super) struct Open {
    lines: Vec<Line>,
    /// The moment that they belong to, milliseconds since 1970.
    at_ms: i64,
    /// Whether it is printed, once that was decided.
    is_wanted: Option<bool>,
    since: Option<Instant>,
}

impl Open {
    /// Takes the next line; the lines that are to be printed now.
    pub(super) fn take(&mut self, (at_ms, line): Timed, filter: &Filter) -> Vec<Timed> {
        self.since = Some(Instant::now());
        match (line.goes_on(), self.is_wanted) {
            (true, Some(true)) => vec![(at_ms, line)],
            (true, Some(false)) => Vec::new(),
            (true, None) => {
                self.lines.push(line);
                Vec::new()
            }
            (false, _) => {
                let before = self.settle(filter);
                (self.lines, self.at_ms, self.is_wanted) = (vec![line], at_ms, None);
                before
            }
        }
    }

    /// Takes the next line where each is printed by itself: only what has to wait for what is thrown, so
    /// that it has its level, waits.
    pub(super) fn pass(&mut self, (at_ms, line): Timed, part: Part, filter: &Filter) -> Vec<Timed> {
        let waits = part == Part::Opens && line.level < Some(Level::Error);
        if !waits && (self.lines.is_empty() || !line.goes_on()) {
            let mut ready = self.settle(filter);
            self.is_wanted = None;
            ready.extend(Some((at_ms, line)).filter(|(_, line)| filter.fits(line)));
            return ready;
        }
        let mut ready = self.take((at_ms, line), filter);
        if part == Part::Title {
            ready.append(&mut self.settle(filter));
            self.is_wanted = None;
        }
        ready
    }

    /// Whether lines of it wait.
    pub(super) fn is_held(&self) -> bool {
        !self.lines.is_empty()
    }

    /// The lines that are to be printed since nothing follows.
    pub(super) fn rest(&mut self, filter: &Filter, is_end: bool) -> Vec<Timed> {
        let is_quiet = self.since.is_some_and(|since| since.elapsed() >= QUIET);
        if self.lines.is_empty() || !(is_quiet || is_end) {
            return Vec::new();
        }
        self.settle(filter)
    }

    fn settle(&mut self, filter: &Filter) -> Vec<Timed> {
        let mut lines = std::mem::take(&mut self.lines);
        if lines.is_empty() {
            return Vec::new();
        }
        let level = lines.iter().filter_map(|line| line.level).max();
        if lines.len() > 1 {
            for line in &mut lines {
                line.level = level;
            }
        }
        let is_wanted = filter.fits_entry(&lines, None);
        self.is_wanted = Some(is_wanted);
        if !is_wanted {
            return Vec::new();
        }
        lines.into_iter().map(|line| (self.at_ms, line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::headless::logs::source;
    use crate::logs::parse::Judge;
    use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

    const LOG: &str = "\
2026-11-28T03:00:00Z INFO start
Error: boom 1
    at a (/srv/a.js:1:1)
    at b (/srv/node_modules/b.js:1:1)
plain
/srv/a.js:3
throw new TypeError('x');
^

TypeError: x
    at c (/srv/a.js:3:1)

Node.js v20.1.0
info: end
Traceback (most recent call last):
  File \"x.py\", line 1, in <module>
ValueError: no 17
tail
";

    /// The lines of a file with that text that fit, oldest first.
    fn fitting(text: &str, filter: &Filter) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, text).unwrap();
        let mut info = ProcessInfo::new(PmId(0), "a", ProcessStatus::Online);
        info.logs.out = path.to_str().map(Into::into);
        let mut sources = source::of_outputs(&[info]);
        let mut reading = sources[0].backwards().unwrap();
        let mut lines = Vec::new();
        while let Some(line) = reading.fitting(filter) {
            lines.push(String::from_utf8(line.bytes.into()).unwrap());
        }
        lines.reverse();
        lines
    }

    fn all() -> Vec<&'static str> {
        LOG.lines().collect()
    }

    #[test]
    fn a_trace_is_taken_or_left_whole() {
        let grep = |text| fitting(LOG, &Filter::for_test(Some(text), None, None));
        assert_eq!(grep("a.js:1:1"), all()[1..4]);
        assert_eq!(grep("boom"), all()[1..4]);
        assert_eq!(grep("node_modules"), all()[1..4]);
        assert_eq!(grep("throw new"), all()[5..13]);
        assert_eq!(grep("node.js v20"), all()[5..13]);
        assert_eq!(grep("no 17"), all()[14..17]);
        assert_eq!(grep("plain"), ["plain"]);
        assert_eq!(grep("srv").len(), 11);
        let without = fitting(LOG, &Filter::for_test(None, Some("boom|x.py"), None));
        let wanted: Vec<&str> = [&all()[..1], &all()[4..14], &all()[17..]].concat();
        assert_eq!(without, wanted);
        let errors = fitting(LOG, &Filter::for_test(None, None, Some(Level::Error)));
        let wanted: Vec<&str> = [&all()[1..4], &all()[5..13], &all()[14..17]].concat();
        assert_eq!(errors, wanted);
    }

    /// Where what is asked for stands in it, across two pieces in which it is read too, and what is not there.
    #[test]
    fn very_long_lines_are_searched_whole() {
        let long = ["x".repeat((1 << 20) - 3), "y".repeat(2 << 20)].join("needle") + " tail";
        let text = format!("before\n{long}\nbehind\n");
        let count = |grep, exclude| fitting(&text, &Filter::for_test(grep, exclude, None)).len();
        for (grep, lines) in
            [("needle", 1), ("y tail$", 1), ("^xx", 1), ("^needle|needle$", 0), ("xneedley", 1)]
        {
            assert_eq!(count(Some(grep), None), lines, "{grep}");
            assert_eq!(count(None, Some(grep)), 3 - lines, "without {grep}");
        }
    }

    /// What says no time was written since its file was made, and up to when that was written last.
    #[test]
    fn what_was_certainly_written_later_is_not_wanted() {
        let now_ms = crate::daemon::clock::now_ms();
        let text = "one\ntwo\nthree\n";
        assert_eq!(fitting(text, &Filter::until(now_ms - 3_600_000)), [""; 0]);
        assert_eq!(fitting(text, &Filter::until(now_ms + 3_600_000)), ["one", "two", "three"]);
    }

    /// Lines that say no time, of a file that was made and written now, some time apart: those of a range are
    /// those that are shown with a time in it, and how many that leaves out is known.
    #[test]
    fn lines_are_of_the_range_that_they_are_shown_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let text: String = (0..100).fold(String::new(), |text, n| text + &format!("line {n}\n"));
        std::fs::write(&path, &text).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        file.set_modified(written + Duration::from_secs(1_000)).unwrap();
        let mut info = ProcessInfo::new(PmId(0), "a", ProcessStatus::Online);
        info.logs.out = path.to_str().map(Into::into);
        let begun_ms = crate::daemon::clock::now_ms();
        let at_ms = |seconds: i64| begun_ms + seconds * 1_000;
        let (since, both) = (at_ms(400), Filter::between(at_ms(400), at_ms(500)));
        let searched = Filter::for_test(Some("line"), None, None).and_until(at_ms(500));
        for (filter, since_ms, count) in [
            (both, since, 8..=12),
            (Filter::until(at_ms(500)), i64::MIN, 45..=55),
            (searched, i64::MIN, 45..=55),
        ] {
            let mut sources = source::of_outputs(std::slice::from_ref(&info));
            let mut reading = sources[0].backwards().unwrap();
            let all: Vec<Line> = std::iter::from_fn(|| reading.fitting(&filter)).collect();
            assert!(count.contains(&all.len()), "{} lines", all.len());
            let is_in = |line: &Line| (since_ms..=at_ms(500)).contains(&line.at_ms);
            assert!(all.iter().all(is_in), "{all:?}");
            assert_eq!(reading.left_by_estimate(), 100 - all.len() as u64);
            // What is printed may be of another time, as what is left out may be of this one.
            assert!(all.iter().all(|line| filter.may_be_of_another_time(line)), "{all:?}");
            let whole = Filter::between(at_ms(-100), at_ms(1_100));
            assert!(!all.iter().any(|line| whole.may_be_of_another_time(line)), "{all:?}");
        }
    }

    /// More than is held at once, whatever is looked for: as if all were held.
    #[test]
    fn entries_are_whole_wherever_a_part_of_the_file_begins() {
        let one = |n: usize| format!("line {n}\nError: boom {n}\n    at a (/srv/a.js:1:{n})\n");
        let text: String = (0..2_000).map(one).collect();
        for filter in [
            Filter::for_test(Some("at a"), None, None),
            Filter::for_test(None, None, Some(Level::Error)),
            Filter::for_test(None, Some("^line"), None),
        ] {
            let lines = fitting(&text, &filter);
            let wanted = text.lines().filter(|line| !line.starts_with("line"));
            assert!(lines.iter().eq(wanted), "{} lines", lines.len());
        }
    }

    /// Its time, by its text, of each line of a file that says this.
    fn times(path: &std::path::Path, filter: &Filter) -> Vec<(String, i64)> {
        let mut info = ProcessInfo::new(PmId(0), "a", ProcessStatus::Online);
        info.logs.out = path.to_str().map(Into::into);
        let mut sources = source::of_outputs(std::slice::from_ref(&info));
        let mut reading = sources[0].backwards().unwrap();
        let mut all = Vec::new();
        while let Some(line) = reading.fitting(filter) {
            all.push((String::from_utf8(line.bytes.into()).unwrap(), line.at_ms));
        }
        all
    }

    /// A line without a time stands between those that have one, however far these are, and a search reads
    /// as little of the file as it can.
    #[test]
    fn what_is_found_has_the_time_that_it_has_among_all() {
        let mut text = String::new();
        for part in 0..4 {
            let _ = writeln!(text, "2026-11-28T0{part}:00:00Z INFO hour {part}");
            // Far more than is looked at around a line, in less lines than wait for a time.
            for n in 0..1_500 {
                let sign = if n == [100, 1_450][part % 2] { "needle" } else { "line" };
                let _ = writeln!(text, "{sign} {part} {n} {}", "x".repeat(1_000));
            }
        }
        // Nothing tells when that was written but the end of the file.
        for n in 0..9_000 {
            let sign = if n % 4_000 == 100 { "needle" } else { "line" };
            let _ = writeln!(text, "{sign} last {n} {}", "x".repeat(300));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, text).unwrap();
        // As if it had been written long after the last time in it.
        let written = std::time::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
        let all = times(&path, &Filter::any());
        let wanted: Vec<_> = all.into_iter().filter(|(line, _)| line.contains("needle")).collect();
        assert_eq!(wanted.len(), 7);
        let found = times(&path, &Filter::for_test(Some("needle"), None, None));
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!(found.0, wanted.0);
            assert_eq!(found.1, wanted.1, "{}", found.0.get(..20).unwrap());
        }
        assert_eq!(found.len(), wanted.len());
    }

    #[test]
    fn what_is_followed_is_told_by_entries_too() {
        let format = Format { declared: None, zone: jiff::tz::TimeZone::UTC, is_err: false };
        let filter = Filter::for_test(Some("a.js"), None, None);
        let (mut open, mut judge) = (Open::default(), Judge::default());
        let mut printed: Vec<String> = Vec::new();
        let mut print = |lines: Vec<Timed>| {
            let text = |(_, line): Timed| String::from_utf8(line.bytes.into()).unwrap();
            printed.extend(lines.into_iter().map(text));
        };
        for text in LOG.lines() {
            let (line, _) = format.judge(text.as_bytes(), 0, &mut judge);
            print(open.take((0, line), &filter));
        }
        print(open.rest(&filter, true));
        let wanted: Vec<&str> = [&all()[1..4], &all()[5..13]].concat();
        assert_eq!(printed, wanted);
    }
}
