//! Entries: a line and those that go on it, such as a stack trace below its head. What is asked for by
//! level or text is taken or left whole.
//!
//! Invariant: bounded: a part of a file, or the lines of one entry, are held.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::filter::Filter;
use crate::daemon::history::{Backwards, Format, Line};
use crate::daemon::seam::read_part;
use crate::logs::parse::{Part, Traces};

/// So many lines before an entry are looked at: it may begin there.
const BEFORE: usize = 256;
/// How many lines are read at once.
const READ_AT_ONCE: usize = 1_024;
/// As much is held of a file at most, bytes.
const WINDOW_BYTES_MAX: usize = 8 << 20;
/// So much before and behind a line is looked at for the lines next to it, bytes.
const NEAR_BYTES: u64 = 1_024;
/// So much before and behind a line may belong to its entry, bytes.
const ENTRY_BYTES: u64 = 64 << 10;
/// A line that nothing follows for so long is an entry.
const QUIET: Duration = Duration::from_millis(100);

/// Tells which lines go on the one before them.
#[derive(Debug, Default)]
struct Steps(Traces);

impl Steps {
    fn goes_on(&mut self, bytes: &[u8], format: &Format) -> bool {
        let step = self.0.feed(&format.said(bytes));
        step.part != Part::Text && (!step.is_first || step.joins_previous)
    }
}

/// A part of a file, whose entries are told from its end.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Oldest first.
    lines: VecDeque<Line>,
    bytes: usize,
    /// Which of them begin an entry.
    heads: Vec<usize>,
    is_begun: bool,
}

impl Window {
    /// The entry before the last one given, oldest line first; `None` at the beginning of the file.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn next(&mut self, file: &mut Backwards) -> io::Result<Option<Vec<Line>>> {
        loop {
            let is_certain = self.is_begun || self.bytes >= WINDOW_BYTES_MAX;
            let head = self.heads.last().copied();
            if let Some(head) = head.filter(|head| is_certain || *head >= BEFORE) {
                self.heads.pop();
                let entry = self.lines.split_off(head);
                self.bytes -= entry.iter().map(|line| line.bytes.len()).sum::<usize>();
                return Ok(Some(entry.into()));
            }
            if self.is_begun {
                return Ok(None);
            }
            self.read(file)?;
        }
    }

    fn read(&mut self, file: &mut Backwards) -> io::Result<()> {
        for _ in 0..READ_AT_ONCE {
            let Some(line) = file.next()? else {
                self.is_begun = true;
                break;
            };
            self.bytes += line.bytes.len();
            self.lines.push_front(line);
            if self.bytes >= WINDOW_BYTES_MAX {
                break;
            }
        }
        let mut steps = Steps::default();
        let all = self.lines.iter().enumerate();
        let begins = |(index, line): &(usize, &Line)| {
            !steps.goes_on(&line.bytes, file.format()) || *index == 0
        };
        self.heads = all.filter(begins).map(|(index, _)| index).collect();
        Ok(())
    }
}

/// The entry that a line of a file belongs to, oldest line first; nothing behind `end` is of it.
///
/// # Errors
/// Those of reading.
pub(super) fn around(hit: Line, file: &Backwards, end: Option<u64>) -> io::Result<Vec<Line>> {
    let (format, opened) = (file.format(), file.file());
    let Some(offset) = hit.offset else { return Ok(vec![hit]) };
    let behind = offset + hit.bytes.len() as u64 + u64::from(hit.is_ended);
    let until = |bytes: u64| behind.saturating_add(bytes).min(end.unwrap_or(u64::MAX)).max(behind);
    if !is_near_a_trace(&hit, (offset, behind, until(NEAR_BYTES)), &opened, format)? {
        return Ok(vec![hit]);
    }
    let from = offset.saturating_sub(ENTRY_BYTES);
    let bytes = read_part(&opened, from, until(ENTRY_BYTES))?;
    let mut steps = Steps::default();
    let (mut entry, mut at): (Vec<Line>, u64) = (Vec::new(), from);
    let mut has_hit = false;
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (place, is_cut) = (at, at == from && from > 0);
        at += piece.len() as u64;
        // The first may be the end of a line only.
        if is_cut && place < offset {
            continue;
        }
        let line = piece.strip_suffix(b"\n").unwrap_or(piece);
        if !steps.goes_on(line, format) || entry.is_empty() {
            if has_hit {
                break;
            }
            entry.clear();
        }
        let told_ms = entry.first().map_or(hit.at_ms, |head| head.at_ms);
        let (_, mut line) = format.read(line, told_ms);
        (line.offset, line.is_ended) = (Some(place), piece.ends_with(b"\n"));
        has_hit |= place == offset;
        entry.push(if place == offset && entry.is_empty() { hit.clone() } else { line });
    }
    Ok(if has_hit { entry } else { vec![hit] })
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

/// The last entry of an output that is followed: more lines of it may come.
#[derive(Debug, Default)]
pub(super) struct Open {
    steps: Steps,
    lines: Vec<Line>,
    /// Whether it is printed, once that was decided.
    is_wanted: Option<bool>,
    since: Option<Instant>,
}

impl Open {
    /// Takes the next line; the lines that are to be printed now.
    pub(super) fn take(&mut self, line: Line, format: &Format, filter: &Filter) -> Vec<Line> {
        let goes_on = self.steps.goes_on(&line.bytes, format);
        self.since = Some(Instant::now());
        match (goes_on, self.is_wanted) {
            (true, Some(true)) => vec![line],
            (true, Some(false)) => Vec::new(),
            (true, None) => {
                self.lines.push(line);
                Vec::new()
            }
            (false, _) => {
                let before = self.settle(filter);
                (self.lines, self.is_wanted) = (vec![line], None);
                before
            }
        }
    }

    /// The lines that are to be printed since nothing follows.
    pub(super) fn rest(&mut self, filter: &Filter, is_end: bool) -> Vec<Line> {
        let is_quiet = self.since.is_some_and(|since| since.elapsed() >= QUIET);
        if self.lines.is_empty() || !(is_quiet || is_end) {
            return Vec::new();
        }
        self.settle(filter)
    }

    fn settle(&mut self, filter: &Filter) -> Vec<Line> {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() {
            return lines;
        }
        let is_wanted = filter.fits_entry(&lines);
        self.is_wanted = Some(is_wanted);
        if is_wanted { lines } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headless::logs::source;
    use crate::logs::parse::Level;
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
            lines.push(String::from_utf8(line.bytes).unwrap());
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

    #[test]
    fn what_is_followed_is_told_by_entries_too() {
        let format = Format { declared: None, zone: jiff::tz::TimeZone::UTC, is_err: false };
        let filter = Filter::for_test(Some("a.js"), None, None);
        let mut open = Open::default();
        let mut printed: Vec<String> = Vec::new();
        let mut print = |lines: Vec<Line>| {
            printed.extend(lines.into_iter().map(|line| String::from_utf8(line.bytes).unwrap()));
        };
        for text in LOG.lines() {
            let (_, line) = format.read(text.as_bytes(), 0);
            print(open.take(line, &format, &filter));
        }
        print(open.rest(&filter, true));
        let wanted: Vec<&str> = [&all()[1..4], &all()[5..13]].concat();
        assert_eq!(printed, wanted);
    }
}
