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
        Err(Failure::condition(why))
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
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        // 2026-11-28T03:12:00 one hour ahead of UTC.
        let now_ms = 1_795_831_920_000;
        let at = |text: &str| moment(text, now_ms, 3_600).map(|at_ms| (now_ms - at_ms) / 1_000);
        let table = [
            ("10m", Some(600)),
            ("90s", Some(90)),
            ("03:10", Some(120)),
            ("04:12", Some(23 * 3_600)),
            ("2026-11-28T03:11", Some(60)),
            ("2026-11-28 03:11:30", Some(30)),
            ("2026-11-28T02:12:00Z", Some(0)),
            ("2026-11-28", Some(3 * 3_600 + 720)),
            ("soon", None),
            ("10", None),
            ("", None),
        ];
        for (text, wanted) in table {
            assert_eq!(at(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_names_both_ends() {
        use clap::Parser;
        // 2026-11-28T02:12:00.
        let now_ms = 1_795_831_920_000;
        let told = |since: &str, until: &str, more: &[&str]| {
            let args = ["pm2-tui", "logs", "--since", since, "--until", until];
            let cli = crate::cli::Cli::parse_from(args.iter().chain(more));
            let Some(crate::cli::Command::Logs(what)) = cli.command else { panic!() };
            Filter::of(&what, now_ms, 0).map(|_| ()).map_err(|error| {
                assert_eq!(error.code(), super::super::super::failure::Code::Usage);
                error.line().unwrap()
            })
        };
        let both = "--since 02:00 (2026-11-28 02:00:00) is later than --until 01:00 (2026-11-28 \
                    01:00:00): there is nothing between them";
        assert_eq!(told("02:00", "01:00", &[]), Err(both.into()));
        // That time of today is still to come.
        let wrapped = told("02:13", "02:11", &[]).unwrap_err();
        assert!(wrapped.starts_with("--since 02:13 is later than --until 02:11: "), "{wrapped}");
        assert!(wrapped.ends_with("write --since 'yesterday 02:13'"), "{wrapped}");
        assert_eq!(told("yesterday 02:13", "02:11", &[]), Ok(()));
        assert_eq!(told("01:00", "02:11", &[]), Ok(()));
        assert_eq!(told("02:00", "01:00", &["-f"]), Ok(()), "that is of tomorrow");
    }

    #[test]
    fn a_range_that_is_still_to_come_is_told() {
        use clap::Parser;
        // 2026-11-28T02:12:00.
        let now_ms = 1_795_831_920_000;
        let read = |args: &[&str]| {
            let args = ["pm2-tui", "logs"].iter().chain(args);
            let Some(crate::cli::Command::Logs(what)) = crate::cli::Cli::parse_from(args).command
            else {
                panic!()
            };
            let filter = Filter::of(&what, now_ms, 0).map_err(|error| error.line().unwrap())?;
            Ok::<_, String>(filter.is_over_today(&what, now_ms, 0))
        };
        let later = read(&["--since", "2026-11-29"]).unwrap_err();
        assert_eq!(later, "--since 2026-11-29 is still to come: no line is that new");
        assert_eq!(read(&["--since", "2026-11-29", "-f"]), Ok(None));
        let tomorrow = "2026-11-29 02:11:00".to_owned();
        assert_eq!(read(&["-f", "--until", "02:11"]), Ok(Some(tomorrow)));
        assert_eq!(read(&["-f", "--until", "02:13"]), Ok(None));
        assert_eq!(read(&["--until", "02:11"]), Ok(None));
    }

    #[test]
    fn what_is_followed_until_a_time_of_the_day_has_it_ahead() {
        let now_ms = 1_795_831_920_000;
        let next = |text: &str| {
            moment(text, now_ms, 0)
                .map(|at_ms| (next_of_day(text, at_ms, now_ms) - now_ms) / 60_000)
        };
        // It is 02:12.
        assert_eq!(next("14:00"), Some(11 * 60 + 48));
        assert_eq!(next("02:00"), Some(24 * 60 - 12));
        assert_eq!(next("2026-11-28T02:00"), Some(-12));
        assert_eq!(next("-10m"), Some(-10));
        assert_eq!(next("2h"), Some(-120));
        assert_eq!(next("3am"), Some(48));
        assert_eq!(next("today 2:00"), Some(-12));
    }

    #[test]
    fn a_broken_pattern_is_told() {
        let line = pattern("ä[bad").unwrap_err().line().unwrap();
        let wanted = "`ä[bad` is not a regular expression: unclosed character class at 2";
        assert!(line.contains(wanted), "{line}");
        assert!(pattern("timeout").unwrap().is_match(b"TIMEOUT"));
        assert!(!pattern("Timeout").unwrap().is_match(b"TIMEOUT"));
        assert!(pattern(&format!("(a{{1000}}){{{}}}", 1_000)).is_err(), "it would take all memory");
    }
}
