//! Which lines are wanted: by time, level, and what they say.

use std::fs::File;
use std::io;
use std::time::Duration;

use regex::bytes::{Regex, RegexBuilder};

use super::super::failure::Failure;
use super::super::output;
use crate::cli::{Logs, parse_span};
use crate::daemon::history::{InFile, Line};
use crate::daemon::seam::read_whole;
use crate::logs::parse::{Level, Plain};
use crate::logs::{FileId, FilePlace, Files, Pattern, is_in_long_line, when};
use crate::model::units::{self, Clock};
use crate::protocol::text::clean;

/// What is followed until later than that says so, milliseconds.
const HALF_DAY_MS: i64 = 43_200_000;
/// The most memory that a compiled pattern may take, bytes.
const PATTERN_BYTES_MAX: usize = 8 << 20;

/// Which lines are wanted.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    since_ms: Option<i64>,
    until_ms: Option<i64>,
    /// Of a line, and of several where what fits one is found among several, too.
    grep: Option<(Regex, Option<Regex>)>,
    exclude: Option<Regex>,
    level: Option<Level>,
}

impl Filter {
    /// Of what the command line says; `now_ms` is the wall clock.
    ///
    /// # Errors
    /// What cannot be read is named, with what can be.
    pub(super) fn of(what: &Logs, now_ms: i64, utc_offset_s: i32) -> Result<Self, Failure> {
        let time = |text: &Option<String>| -> Result<Option<i64>, Failure> {
            let Some(text) = text else { return Ok(None) };
            moment(text, now_ms, utc_offset_s).map(Some).ok_or_else(|| {
                Failure::usage(format!(
                    "`{}` is not a time: use 10m (ago), 14:05, 2026-11-28, 2026-11-28T03:12 or \
                     2026-11-28T03:12:00Z",
                    clean(text)
                ))
            })
        };
        let level = match &what.level {
            None => None,
            Some(word) => Some(Level::from_name(word).ok_or_else(|| {
                Failure::usage(format!(
                    "`{}` is not a level: use trace, debug, info, warn, error or fatal",
                    clean(word)
                ))
            })?),
        };
        let (since_ms, mut until_ms) = (time(&what.since)?, time(&what.until)?);
        if let (Some(text), false) = (&what.since, what.follow)
            && since_ms.is_some_and(|since_ms| since_ms > now_ms)
        {
            let text = clean(text);
            return Err(Failure::usage(format!(
                "--since {text} is still to come: no line is that new"
            )));
        }
        if what.follow {
            let text = what.until.as_deref().unwrap_or_default();
            until_ms = until_ms.map(|at_ms| next_of_day(text, at_ms, now_ms));
        }
        if let (Some(since), Some(until)) = (since_ms, until_ms)
            && (since > until || is_wrapped(what, (since, until), utc_offset_s))
        {
            return Err(Failure::usage(not_between(what, (since, until), utc_offset_s)));
        }
        Ok(Self {
            since_ms,
            until_ms,
            grep: what
                .grep
                .as_deref()
                .map(|text| pattern(text).map(|one| (one, of_several(text))))
                .transpose()?,
            exclude: what.exclude.as_deref().map(pattern).transpose()?,
            level,
        })
    }

    /// One that everything fits.
    #[cfg(test)]
    pub(super) fn any() -> Self {
        Self { since_ms: None, until_ms: None, grep: None, exclude: None, level: None }
    }

    /// One for what was written between two moments.
    #[cfg(test)]
    pub(super) fn between(since_ms: i64, until_ms: i64) -> Self {
        Self { since_ms: Some(since_ms), until_ms: Some(until_ms), ..Self::any() }
    }

    /// One for what was written up to a moment.
    #[cfg(test)]
    pub(super) fn until(at_ms: i64) -> Self {
        Self::any().and_until(at_ms)
    }

    /// The same up to a moment.
    #[cfg(test)]
    pub(super) fn and_until(self, at_ms: i64) -> Self {
        Self { until_ms: Some(at_ms), ..self }
    }

    /// One for these alone.
    #[cfg(test)]
    pub(super) fn for_test(
        grep: Option<&str>,
        exclude: Option<&str>,
        level: Option<Level>,
    ) -> Self {
        let grep = grep.map(|text| (pattern(text).unwrap(), of_several(text)));
        let exclude = exclude.map(|text| pattern(text).unwrap());
        Self { grep, exclude, level, ..Self::any() }
    }

    /// Whether lines are wanted from a moment on.
    pub(super) fn has_since(&self) -> bool {
        self.since_ms.is_some()
    }

    /// How long from now on lines are wanted, where that ends; 0 where it is over.
    pub(super) fn ends_in(&self, now_ms: i64) -> Option<Duration> {
        let left_ms = self.until_ms?.saturating_sub(now_ms);
        Some(Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)))
    }

    /// When a time of the day comes again that is just over, and is followed to: `2026-12-01 23:40:00`.
    pub(super) fn is_over_today(
        &self,
        what: &Logs,
        now_ms: i64,
        utc_offset_s: i32,
    ) -> Option<String> {
        let is_of_day = what.follow && what.until.as_deref().is_some_and(when::is_of_day);
        let until_ms = self.until_ms.filter(|at_ms| is_of_day && at_ms - now_ms > HALF_DAY_MS)?;
        let clock = units::clock(until_ms, utc_offset_s, Clock::Seconds);
        Some(format!("{} {clock}", units::day(until_ms, utc_offset_s)))
    }

    /// Which moment is meant by a time of the day that was one of yesterday: `2026-11-29 12:30:00`.
    pub(super) fn is_of_yesterday(
        &self,
        what: &Logs,
        now_ms: i64,
        utc_offset_s: i32,
    ) -> Vec<String> {
        let ends =
            [("--since", &what.since, self.since_ms), ("--until", &what.until, self.until_ms)];
        let told = |(option, text, at_ms): (&str, &Option<String>, Option<i64>)| {
            let (text, at_ms) = (text.as_deref()?, at_ms?);
            let day = units::day(at_ms, utc_offset_s);
            let is_past = at_ms <= now_ms && day != units::day(now_ms, utc_offset_s);
            let clock = units::clock(at_ms, utc_offset_s, Clock::Seconds);
            let is_meant = is_past && when::is_of_day(text);
            is_meant.then(|| {
                format!("{option} {} is still to come today: this takes {day} {clock}", clean(text))
            })
        };
        ends.into_iter().filter_map(told).collect()
    }

    /// Whether each line is wanted or not by itself: nothing is asked of what it says.
    pub(super) fn is_by_line(&self) -> bool {
        self.grep.is_none() && self.exclude.is_none() && self.level.is_none()
    }

    /// No line was wanted: as grep, but that may be a mistake of the one who asks, so it is said.
    ///
    /// # Errors
    /// Where a pattern is the reason.
    pub(super) fn finds_nothing(&self) -> Result<(), Failure> {
        let why = match (&self.grep, &self.exclude) {
            (None, None) => {
                if let Some(level) = self.level {
                    output::complain(&format!("no line of level {} or worse", level.name()));
                }
                return Ok(());
            }
            (Some(_), None) => "no line has what --grep asks for",
            (None, Some(_)) => "no line is left by --exclude",
            (Some(_), Some(_)) => "no line has what --grep asks for and is left by --exclude",
        };
        // So the screen shows what is in JSON.
        let hint = match &self.grep {
            Some((grep, _)) if grep.as_str().contains('=') => {
                "; lines of JSON are searched as they are printed: \"reqId\":\"x\", not reqId=x"
            }
            _ => "",
        };
        Err(Failure::condition(format!("{why}{hint}")))
    }

    /// Whether lines can be told by what they say before their time is known.
    pub(super) fn is_by_text(&self) -> bool {
        self.grep.is_some() && self.since_ms.is_none()
    }

    /// Whether a line says what is wanted, as it is in a file; one that is not held whole is read there.
    ///
    /// # Errors
    /// Those of reading it.
    pub(super) fn says(&self, line: &[u8], in_file: Option<InFile<'_>>) -> io::Result<bool> {
        self.grep.as_ref().map_or(Ok(true), |(regex, _)| is_in(regex, line, in_file))
    }

    /// Whether one of several lines may.
    pub(super) fn may_say(&self, lines: &[u8]) -> bool {
        let Some((_, Some(of_several))) = &self.grep else { return true };
        // What is shown of a line with these is not what is there.
        memchr::memchr2(b'\x1b', b'\r', lines).is_some() || of_several.is_match(lines)
    }

    /// Whether a line is older than anything that is wanted, by the time that it is shown with.
    pub(super) fn is_before(&self, line: &Line) -> bool {
        self.since_ms.is_some_and(|since_ms| line.at_ms < since_ms)
    }

    /// Whether it is newer than anything that is wanted, likewise.
    fn is_behind(&self, line: &Line) -> bool {
        self.until_ms.is_some_and(|until_ms| line.at_ms > until_ms)
    }

    /// Whether it is of the time that is wanted.
    fn is_of_time(&self, line: &Line) -> bool {
        !self.is_before(line) && !self.is_behind(line)
    }

    /// Whether it is not, but only by an estimate: it may be.
    fn may_be_of_time(&self, line: &Line) -> bool {
        line.bounds_ms.is_some_and(|(earliest_ms, latest_ms)| {
            !self.is_of_time(line)
                && self.since_ms.is_none_or(|since_ms| latest_ms >= since_ms)
                && self.until_ms.is_none_or(|until_ms| earliest_ms <= until_ms)
        })
    }

    /// Whether a line that is of the time that is wanted is so only by an estimate.
    pub(super) fn may_be_of_another_time(&self, line: &Line) -> bool {
        line.bounds_ms.is_some_and(|(earliest_ms, latest_ms)| {
            self.since_ms.is_some_and(|since_ms| earliest_ms < since_ms)
                || self.until_ms.is_some_and(|until_ms| latest_ms > until_ms)
        })
    }

    /// How many of the lines of an entry that is not wanted are left out by an estimate of their time alone.
    pub(super) fn left_by_estimate(&self, entry: &[Line], file: &File) -> u64 {
        let may_be = entry.first().is_some_and(|head| self.may_be_of_time(head));
        if may_be && self.is_said_by(entry, Some(file)) { entry.len() as u64 } else { 0 }
    }

    /// Whether an entry is wanted; lines that are not held whole are read in their file.
    pub(super) fn fits_entry(&self, entry: &[Line], file: Option<&File>) -> bool {
        entry.first().is_some_and(|head| self.is_of_time(head)) && self.is_said_by(entry, file)
    }

    /// Whether one of these lines says what is asked for, as bad as is asked for, and none what is not. What
    /// cannot be read says nothing.
    fn is_said_by(&self, entry: &[Line], file: Option<&File>) -> bool {
        let worst = entry.iter().filter_map(|line| line.level).max();
        if self.level.is_some() && worst < self.level {
            return false;
        }
        let says = |regex: &Regex, line: &Line| {
            let in_file = file.and_then(|file| line.in_file(file));
            is_in(regex, &line.bytes, in_file).unwrap_or_default()
        };
        let any = |regex: &Regex| entry.iter().any(|line| says(regex, line));
        self.grep.as_ref().is_none_or(|(regex, _)| any(regex))
            && !self.exclude.as_ref().is_some_and(any)
    }

    /// Whether a line is wanted.
    pub(super) fn fits(&self, line: &Line) -> bool {
        self.is_of_time(line)
            && (self.is_by_line() || self.is_said_by(std::slice::from_ref(line), None))
    }
}

/// Whether a pattern is in a line.
fn is_in(regex: &Regex, line: &[u8], in_file: Option<InFile<'_>>) -> io::Result<bool> {
    let Some(InFile { file, offset, len }) = in_file else {
        return Ok(regex.is_match(&Plain::of(line).text));
    };
    let ends = |text: &[u8], from| regex.shortest_match_at(text, from);
    let place = FilePlace { file: FileId(0), offset, len };
    is_in_long_line(&ends, place, &OneFile(file))
}

/// The one file that a line is read in.
struct OneFile<'a>(&'a File);

impl Files for OneFile<'_> {
    fn read_at(&self, _: FileId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        read_whole(self.0, buffer, offset)
    }
}

/// The pattern for several lines; none for one that asks where a text begins or ends.
fn of_several(text: &str) -> Option<Regex> {
    if ["\\A", "\\z", "\\Z", "(?"].iter().any(|sign| text.contains(sign)) {
        return None;
    }
    builder(text).multi_line(true).build().ok()
}

/// A pattern; small letters alone mean either case, as in most tools that search.
fn pattern(text: &str) -> Result<Regex, Failure> {
    builder(text).build().map_err(|error| {
        // That of the screen says where, too.
        let reason = Pattern::regex(text).err().map(|problem| problem.words(text));
        let reason = reason.unwrap_or_else(|| {
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        });
        Failure::usage(format!("`{}` is not a regular expression: {}", clean(text), clean(&reason)))
    })
}

/// A moment in the words of a command line, milliseconds since 1970.
fn moment(text: &str, now_ms: i64, utc_offset_s: i32) -> Option<i64> {
    // A number without a unit may be meant as minutes, or as an hour of the day.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(span) = parse_span(text).ok().filter(|_| !is_number) {
        return Some(now_ms.saturating_sub(millis(span)));
    }
    when::moment(text, now_ms, utc_offset_s)
}

/// Says that there is nothing between these, as they were written and as they are meant.
fn not_between(what: &Logs, (since_ms, until_ms): (i64, i64), utc_offset_s: i32) -> String {
    if since_ms <= until_ms {
        let text = |text: &Option<String>| clean(text.as_deref().unwrap_or_default()).into_owned();
        let (since, until) = (text(&what.since), text(&what.until));
        return format!(
            "--since {since} is later than --until {until}: for the night before write --since \
             'yesterday {since}'"
        );
    }
    let meant = |text: &Option<String>, at_ms| {
        let clock = units::clock(at_ms, utc_offset_s, Clock::Seconds);
        let text = clean(text.as_deref().unwrap_or_default()).into_owned();
        format!("{text} ({} {clock})", units::day(at_ms, utc_offset_s))
    };
    let (since, until) = (meant(&what.since, since_ms), meant(&what.until, until_ms));
    format!("--since {since} is later than --until {until}: there is nothing between them")
}

/// Whether two times of the day are meant of one day, and the first is the later one: it is still to come,
/// and so was taken for that of the day before.
fn is_wrapped(what: &Logs, (since_ms, until_ms): (i64, i64), utc_offset_s: i32) -> bool {
    let is_of_day = |text: &Option<String>| text.as_deref().is_some_and(when::is_of_day);
    let day = |at_ms| units::day(at_ms, utc_offset_s);
    let are_of_day = is_of_day(&what.since) && is_of_day(&what.until);
    are_of_day && !what.follow && day(since_ms) != day(until_ms)
}

/// What is followed until a time of the day is followed until that comes next.
fn next_of_day(text: &str, at_ms: i64, now_ms: i64) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    if when::is_of_day(text) && at_ms <= now_ms { at_ms.saturating_add(DAY_MS) } else { at_ms }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn builder(text: &str) -> RegexBuilder {
    let is_small = !text.chars().any(char::is_uppercase);
    let mut builder = RegexBuilder::new(text);
    builder.case_insensitive(is_small).unicode(true).size_limit(PATTERN_BYTES_MAX);
    builder
}

#[cfg(test)]
mod tests;
