//! What the daemon's own log has that came of no bus, since that was away.
//!
//! Invariant: the bus brings the lines of the log in their order, so what was taken from it is found there in
//! that order, however far it is behind: what stands behind that was not told.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::daemon::files;
use crate::daemon::history::growth::Growth;
use crate::daemon::seam::{ReadAt, read_part};
use crate::model::console::{self, DAEMON_BEGINS as BEGINS};

/// So many lines are remembered at most, until they are looked for in the log.
const LINES_MAX: usize = 1_024;
/// The same until the daemon has said which processes there are, once the bus is back.
const HEARD_MAX: usize = 16_384;
/// At most so much is read, bytes.
const BYTES_MAX: u64 = 16 << 20;
/// So long behind the beginning of its second what the daemon's log says is seen there, milliseconds.
const SEEN_WITHIN_MS: i64 = 1_500;

/// Lines, and how often each is there.
#[derive(Debug, Default)]
pub(super) struct Had(HashMap<String, u32>);

impl Had {
    /// One more.
    pub(super) fn add(&mut self, line: &str) {
        *self.0.entry(line.to_owned()).or_default() += 1;
    }

    /// Takes one of these out; whether there was one.
    pub(super) fn take(&mut self, line: &str) -> bool {
        let Some(left) = self.0.get_mut(line).filter(|left| **left > 0) else { return false };
        *left -= 1;
        true
    }
}

/// What a line of the daemon's log says behind its time and level, as it is on the bus.
pub(super) fn said(line: &str) -> &str {
    let is_stamped = line.as_bytes().get(19..21) == Some(b": ");
    let text = line.get(21..).filter(|_| is_stamped).unwrap_or(line);
    console::unleveled(text).trim_end()
}

/// Up to where the daemon's log was told.
#[derive(Debug)]
pub(super) struct Away {
    path: PathBuf,
    /// All of it up to there was told, bytes.
    told: u64,
    /// What was taken from the bus since, in its order.
    heard: Vec<String>,
    /// How many of these the bus brought before it was away, once it is back.
    before: Option<usize>,
    /// How it grew since the bus is away.
    growth: Growth,
}

/// A line of the daemon's log, and between what it came where that is known: when it was not seen there yet, if it was
/// looked for, and when it was first. Milliseconds since 1970.
pub(super) type Seen = (String, Option<(Option<i64>, i64)>);

/// Between two looks: right behind the first, which may be long ago, or at the second.
pub(super) fn moment_in((not_yet_ms, by_ms): (Option<i64>, i64), is_start: bool) -> Option<i64> {
    if is_start { not_yet_ms } else { Some(by_ms) }
}

/// When something was that the daemon's log dates by whole seconds and that was seen there first then.
pub(super) fn moment_of(second: Option<i64>, seen_ms: Option<i64>) -> Option<i64> {
    match (second, seen_ms) {
        // It is looked at now and then.
        (Some(second), Some(seen_ms)) => Some(seen_ms.clamp(second, second + SEEN_WITHIN_MS)),
        (second, seen_ms) => seen_ms.or(second),
    }
}

impl Away {
    /// All of that log was told up to this size, bytes.
    pub(super) fn of(path: PathBuf, size: u64) -> Self {
        Self { path, told: size, heard: Vec::new(), before: None, growth: Growth::default() }
    }

    /// A line was taken from the bus.
    pub(super) fn heard(&mut self, line: &str) {
        if self.heard.len() >= HEARD_MAX {
            // The daemon does not answer: it is told twice rather than remembered.
            return;
        }
        self.heard.push(line.trim_end().to_owned());
        if self.heard.len() >= LINES_MAX && self.before.is_none() {
            self.go_on();
        }
    }

    /// The bus is there again.
    pub(super) fn is_back(&mut self) {
        self.before.get_or_insert(self.heard.len());
    }

    /// Looks how large it is now, milliseconds since 1970, while the bus is away: whether it grew since the last look,
    /// or another daemon had begun before the first.
    pub(super) fn measure(&mut self, now_ms: i64) -> bool {
        let Ok(about) = std::fs::metadata(&self.path) else { return false };
        let has_more = match self.growth.size() {
            Some(size) => size != about.len(),
            // This program may have been told late that the bus is away.
            None => self.text().is_some_and(|text| text.contains(BEGINS)),
        };
        self.growth.see(now_ms, about.len());
        has_more
    }

    /// What was not heard, once the bus is back: whole lines.
    pub(super) fn read(&mut self) -> Option<Vec<Seen>> {
        let before = self.before.take()?;
        let text = self.text()?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let places = places(&lines, (&self.heard, before));
        let mut is_heard = vec![false; lines.len()];
        for place in places.iter().flatten() {
            is_heard.iter_mut().skip(*place).take(1).for_each(|is_heard| *is_heard = true);
        }
        let growth = std::mem::take(&mut self.growth);
        let (mut end, mut missing) = (self.told, Vec::new());
        for (line, is_heard) in lines.into_iter().zip(is_heard) {
            end += line.len() as u64;
            if !is_heard {
                let seen = growth.there_by(end - 1);
                let seen = seen.map(|seen_ms| (growth.not_there_at(end - 1), seen_ms));
                missing.push((line.to_owned(), seen));
            }
        }
        self.told = end;
        self.heard.clear();
        Some(missing)
    }

    /// Looks for what was heard: what stands before that need not be looked at again.
    fn go_on(&mut self) {
        let text = self.text().unwrap_or_default();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let places = places(&lines, (&self.heard, self.heard.len()));
        if let Some(last) = places.iter().rposition(Option::is_some) {
            let end = places.get(last).copied().flatten().map_or(0, |place| place + 1);
            self.told += lines.iter().take(end).map(|line| line.len() as u64).sum::<u64>();
            self.heard.drain(..=last);
        }
        // What is not there now hardly comes any more.
        let excess = self.heard.len().saturating_sub(LINES_MAX / 2);
        self.heard.drain(..excess);
    }

    /// What the log holds behind all that was told.
    fn text(&mut self) -> Option<String> {
        let file = files::open(&self.path).ok()?;
        let size = file.size().ok()?;
        if size < self.told {
            // It was emptied meanwhile.
            self.told = 0;
        }
        self.told = self.told.max(size.saturating_sub(BYTES_MAX));
        let mut bytes = read_part(&file, self.told, size).ok()?;
        // What stands behind the last newline is no line yet.
        bytes.truncate(memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1));
        // A byte that is none of UTF-8 stays one: places in the log are counted in bytes.
        let plain = |byte: u8| if byte.is_ascii() { char::from(byte) } else { '?' };
        let text = String::from_utf8(bytes);
        Some(text.unwrap_or_else(|error| error.into_bytes().into_iter().map(plain).collect()))
    }
}

/// Where each of those that were heard stands among these lines, in their order; those of the bus before are of
/// the daemon before.
fn places(lines: &[&str], (heard, before): (&[String], usize)) -> Vec<Option<usize>> {
    let mut all: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, line) in lines.iter().enumerate() {
        all.entry(said(line)).or_default().push(place);
    }
    let begins = lines.iter().rposition(|line| line.contains(BEGINS)).unwrap_or(lines.len());
    let mut at = 0;
    let place = |(index, line): (usize, &String)| {
        let until = if index < before { begins } else { lines.len() };
        let places = all.get(line.as_str())?;
        let next = places.partition_point(|place| *place < at);
        let place = places.get(next).copied().filter(|place| *place < until)?;
        at = place + 1;
        Some(place)
    };
    heard.iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(words: &[&str]) -> String {
        let line = |word: &&str| ["2026-11-28T03:12:00: PM2 log: ", word, "\n"].concat();
        words.iter().map(line).collect::<Vec<_>>().concat()
    }

    const LOOP: [&str; 2] =
        ["App [api:3] online", "App [api:3] exited with code [1] via signal [SIGINT]"];

    /// However far that is, and though all lives say the same.
    #[test]
    fn a_bus_that_is_far_behind_hides_no_start() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pm2.log");
        let mut text = log(&LOOP).repeat(4_500);
        std::fs::write(&path, &text).unwrap();
        let mut away = Away::of(path.clone(), 0);
        LOOP.iter().cycle().take(8_193).for_each(|line| away.heard(line));
        assert!(away.heard.len() <= LINES_MAX);
        let missed = text.lines().count() - 8_193;
        text = format!("{text}--- {BEGINS} ---\n{}", log(&LOOP));
        std::fs::write(&path, &text).unwrap();
        away.is_back();
        let told: Vec<String> = away.read().unwrap().into_iter().map(|(line, _)| line).collect();
        assert_eq!(told.len(), missed + 3);
        assert!(text.ends_with(&told.concat()));
        assert_eq!(away.read(), None, "once");
    }

    /// The log itself has whole seconds.
    #[test]
    fn what_is_read_has_the_time_when_it_was_seen() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pm2.log");
        std::fs::write(&path, log(&LOOP)).unwrap();
        let mut away = Away::of(path.clone(), 0);
        let grown = [(1_000, 1), (1_025, 1), (1_050, 3), (1_075, 3)].map(|(at_ms, count)| {
            std::fs::write(&path, log(&LOOP).repeat(count)).unwrap();
            away.measure(at_ms)
        });
        assert_eq!(grown, [false, false, true, false]);
        // One that is told late that the bus is away looks first when another daemon is there.
        let mut late = Away::of(path.clone(), 0);
        std::fs::write(&path, format!("{}--- {BEGINS} ---\n", log(&LOOP))).unwrap();
        assert_eq!([1_000, 1_025].map(|at_ms| late.measure(at_ms)), [true, false]);
        away.is_back();
        std::fs::write(&path, log(&LOOP).repeat(4)).unwrap();
        let seen: Vec<_> = away.read().unwrap().into_iter().map(|(_, seen)| seen).collect();
        let second = Some((Some(1_025), 1_050));
        let wanted = [Some((None, 1_000)), second, second, None].map(|ms| [ms; 2]).concat();
        assert_eq!(seen, wanted);
    }

    #[test]
    fn what_the_last_daemon_did_not_write_hides_nothing_of_the_next() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pm2.log");
        std::fs::write(&path, "").unwrap();
        let mut away = Away::of(path.clone(), 0);
        away.heard(LOOP[0]);
        away.is_back();
        // The bus of the new one brings that before the log is read.
        away.heard(LOOP[1]);
        let text = format!("--- {BEGINS} ---\n{}", log(&LOOP));
        std::fs::write(&path, &text).unwrap();
        let told = away.read().unwrap();
        assert_eq!(told.last().map(|(line, _)| said(line)), Some(LOOP[0]));
    }
}
