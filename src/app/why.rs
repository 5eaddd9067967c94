//! Why a process died: the rows of what `W` opens.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::evidence::quote;
pub use super::evidence::{GUTTER, Kind};
use super::exceptions;
use super::geometry::wrap;
use super::log_end::LifeEnd;
use super::state::App;
use crate::model::ProcessKey;
use crate::model::death::cause::Cause;
use crate::model::death::{BlackBox, Death, LifeNumber, shown, words};
use crate::model::units::{self, Clock};
use crate::model::watched::Watched;

/// The death that is shown, which one that is counted from the newest, 1, and how many there are.
#[must_use]
pub fn death(
    watched: &Watched,
    key: ProcessKey,
    life: LifeNumber,
) -> Option<(&Death, usize, usize)> {
    let black_box = watched.boxes.get(key)?;
    let (death, place, _) = black_box.numbered(life)?;
    let count = black_box.lives().len();
    Some((death, count.saturating_sub(place), count))
}

/// How many deaths are on record of a process: `3`, or `the last 20` where there were more.
#[must_use]
pub fn of_how_many(watched: &Watched, key: ProcessKey, count: usize) -> String {
    let is_cut = watched.boxes.get(key).is_some_and(BlackBox::is_cut);
    if is_cut { format!("the last {count}") } else { count.to_string() }
}

/// That death as it is found in the log.
pub(super) fn end(watched: &Watched, key: ProcessKey, life: LifeNumber) -> Option<LifeEnd> {
    let black_box = watched.boxes.get(key)?;
    let (death, place, _) = black_box.numbered(life)?;
    let second = |death: &Death| death.ended_ms.div_euclid(1_000);
    let later = black_box.lives().iter().skip(place + 1);
    Some(LifeEnd {
        started_ms: death.started_ms,
        ended_ms: death.ended_ms,
        is_exact: death.is_watched,
        next_ended_ms: black_box.lives().get(place + 1).map(|next| next.ended_ms),
        later: later.take_while(|next| second(next) == second(death)).count(),
        said: death.evidence.last_line.clone(),
    })
}

/// The number of the death that is so many before the one that is shown, or after it: it stays shown
/// while others end.
#[must_use]
pub fn number(watched: &Watched, key: ProcessKey, life: LifeNumber, step: i64) -> LifeNumber {
    let black_box = watched.boxes.get(key)?;
    let (.., number) = black_box.numbered(life)?;
    black_box.numbered(Some(number + step)).map(|(.., number)| number)
}

/// Lives that are listed at a time, at least.
const LIVES_LISTED: usize = 6;
/// Rows of the list beside them: an empty one, the heading, and how many are older.
const LIST_FRAME: usize = 3;
/// Columns of the time of an end, and of how long a life was.
const ENDED: usize = 10;
const LIVED: usize = 10;
/// Columns of CPU and memory, on a line of at least so many columns.
const FIGURES: (usize, usize) = (16, 70);
/// The rows below the title, for so many columns and rows: wrapped at these, and with as many lives as
/// there is room for.
#[must_use]
pub fn rows(app: &App, key: ProcessKey, life: LifeNumber, size: (u16, u16)) -> Vec<(Kind, String)> {
    rows_of(&app.watched, key, (life, size), |at_ms| exceptions::at(app, at_ms))
}

/// The same; how times are written does not change how many rows there are.
pub(super) fn rows_of(
    watched: &Watched,
    key: ProcessKey,
    (life, (columns, height)): (LifeNumber, (u16, u16)),
    at: impl Fn(i64) -> String,
) -> Vec<(Kind, String)> {
    let mut rows = Vec::new();
    let mut say = |kind, text: &str| {
        rows.extend(wrap(text, columns).into_iter().map(|row| (kind, row)));
    };
    if let Some(why) = watched.boxes.get(key).and_then(BlackBox::not_started) {
        say(Kind::Cause, &format!("it could not be started: {why}"));
        rows.push(BLANK);
    }
    let mut say = |kind, text: &str| {
        rows.extend(wrap(text, columns).into_iter().map(|row| (kind, row)));
    };
    let Some((death, next_ms)) = with_next(watched, key, life) else {
        say(Kind::Fact, "No exit is on record, neither here nor in the daemon's own log.");
        return rows;
    };
    say(Kind::Cause, &words::sentence(death));
    let seen = match (death.is_watched, death.is_read) {
        (true, false) => "observed live",
        (true, true) => "observed live, its last lines read from the error log",
        (false, _) => "reconstructed from PM2's log, the error log and PM2's figures",
    };
    say(Kind::Fact, &format!("{}; {seen}", words::sure(death)));
    let facts: Vec<String> =
        words::facts(death, next_ms).into_iter().chain(figures(death)).collect();
    if !facts.is_empty() {
        say(Kind::Fact, &facts.join("; "));
    }
    let writers = watched.fleet.get(key).map_or(1, |process| {
        let all = watched.fleet.iter().filter(|(other, _)| other.daemon == key.daemon);
        words::writers(&process.info, all.map(|(_, process)| &process.info))
    });
    let below = evidence(death, writers, columns);
    let left = usize::from(height).saturating_sub(rows.len() + below.len() + LIST_FRAME);
    list_lives(&mut rows, watched, (key, life, columns), (left.max(LIVES_LISTED), at));
    rows.extend(below);
    rows
}

/// The death that is shown, and when the next life began.
fn with_next(
    watched: &Watched,
    key: ProcessKey,
    life: LifeNumber,
) -> Option<(&Death, Option<i64>)> {
    let black_box = watched.boxes.get(key)?;
    let (death, place, _) = black_box.numbered(life)?;
    let since_ms = watched.fleet.get(key).and_then(|process| process.info.runs_since_ms());
    Some((death, black_box.next_began(place, since_ms)))
}

/// What is left of a life that ended.
fn evidence(death: &Death, writers: usize, columns: u16) -> Vec<(Kind, String)> {
    let mut rows = Vec::new();
    let thrown = death.evidence.last_line.as_deref();
    let is_said = |line: &str| death.words.iter().any(|said| said.ends_with(line));
    // What the process printed itself is not told twice.
    if let Some(head) = death.stack.first().filter(|head| !is_said(head)) {
        rows.extend([BLANK, (Kind::Heading, "the exception".to_owned())]);
        for line in &death.stack {
            let kind = if line == head { Kind::Thrown } else { Kind::Evidence };
            quote(&mut rows, kind, line, columns);
        }
    }
    if let Some(text) = words::untold(death) {
        rows.push(BLANK);
        rows.extend(wrap(text, columns).into_iter().map(|row| (Kind::Heading, row)));
    }
    if !death.words.is_empty() {
        rows.push(BLANK);
        let heading = wrap(&words::last_lines(death, writers), columns);
        rows.extend(heading.into_iter().map(|row| (Kind::Heading, row)));
        for line in &death.words {
            let is_thrown = is_error(&death.cause) && thrown.is_some_and(|it| line.ends_with(it));
            let kind = if is_thrown { Kind::Thrown } else { Kind::Evidence };
            quote(&mut rows, kind, &shown(line), columns);
        }
    }
    rows
}

/// An empty row.
const BLANK: (Kind, String) = (Kind::Fact, String::new());

fn is_error(cause: &Cause) -> bool {
    matches!(cause, Cause::Exception(_))
}

/// The lives around the one that is shown, the newest first: when each ended, how long it was, how it
/// ended, what it took. One alone needs no list.
fn list_lives(
    rows: &mut Vec<(Kind, String)>,
    watched: &Watched,
    (key, life, columns): (ProcessKey, LifeNumber, u16),
    (listed, at): (usize, impl Fn(i64) -> String),
) {
    let Some(black_box) = watched.boxes.get(key).filter(|it| it.lives().len() > 1) else { return };
    let Some((_, chosen, _)) = death(watched, key, life) else { return };
    let count = black_box.lives().len();
    let first = chosen.saturating_sub(listed / 2 + 1).min(count.saturating_sub(listed));
    let columns = usize::from(columns);
    let figures = if columns >= FIGURES.1 { FIGURES.0 } else { 0 };
    let room = columns.saturating_sub(ENDED + LIVED + 3 + figures);
    let row = |ended: &str, lived: &str, how: &str, figures: Option<(&str, &str)>| {
        let ended: String = ended.chars().take(ENDED).collect();
        let how = cut(how, room);
        let blanks = " ".repeat(room.saturating_sub(how.width()));
        let figures =
            figures.map_or_else(String::new, |(cpu, memory)| format!("{cpu:>7}{memory:>9}"));
        format!("{ended:<ENDED$} {lived:>LIVED$}  {how}{blanks}{figures}").trim_end().to_owned()
    };
    let heads = (figures > 0).then_some(("cpu", "mem"));
    rows.extend([BLANK, (Kind::Heading, row("ended", "lived", "how", heads))]);
    for (place, death) in black_box.lives().iter().rev().enumerate().skip(first).take(listed) {
        let lived = death.uptime_ms.map_or_else(|| "-".to_owned(), |ms| lived(death, ms));
        let how = words::whole_reason(death).unwrap_or_else(|| words::cause(&death.cause));
        let cpu = death.cpu_percent.map(|cpu| units::percent(f64::from(cpu)));
        let memory = death.memory_bytes.map(units::bytes_short);
        let figures = (figures > 0)
            .then_some((cpu.as_deref().unwrap_or("-"), memory.as_deref().unwrap_or("-")));
        let is_chosen = place + 1 == chosen;
        rows.push((Kind::Life { is_chosen }, row(&at(death.ended_ms), &lived, &how, figures)));
    }
    let older = count.saturating_sub(first + listed);
    if older > 0 {
        let of = if black_box.is_cut() { format!(" of the last {count}") } else { String::new() };
        rows.push((Kind::Heading, format!("and {older} older ones{of}")));
    }
}

/// A text that is no wider than so many columns; one that is cut ends with `..`.
fn cut(text: &str, columns: usize) -> String {
    let text = text.trim();
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut taken = 0;
    let fits = |c: &char| {
        taken += c.width().unwrap_or(0);
        taken + 2 <= columns
    };
    let short: String = text.chars().take_while(fits).collect();
    format!("{}..", short.trim_end())
}

/// How long it was, as exactly as that is known: PM2's log has whole seconds.
fn lived(death: &Death, ms: u64) -> String {
    if death.is_watched {
        return units::span(ms);
    }
    // As in the sentence above: `after about 2 s`.
    if ms < 1_000 { "< 1 s".to_owned() } else { format!("~{}", units::whole_span(ms)) }
}

/// When it ended.
#[must_use]
pub fn ended_at(app: &App, death: &Death) -> String {
    units::clock(death.ended_ms, app.utc_offset_s, Clock::Seconds)
}

/// CPU and memory at the end, as far as they were measured.
fn figures(death: &Death) -> Option<String> {
    let cpu = death.cpu_percent.map(|cpu| format!("cpu {}", units::percent(f64::from(cpu))));
    let memory = death.memory_bytes.map(|bytes| format!("memory {}", units::bytes(bytes)));
    let peak = death
        .peak_bytes
        .filter(|peak| Some(*peak) != death.memory_bytes)
        .map(|bytes| format!("at most {}", units::bytes(bytes)));
    let all: Vec<String> = [cpu, memory, peak].into_iter().flatten().collect();
    (!all.is_empty()).then(|| format!("last measured: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("code 1: no file", 15), "code 1: no file");
        assert_eq!(cut("code 1: no file here", 15), "code 1: no fi..");
        assert_eq!(cut("code 1: no file here", 13), "code 1: no..");
        assert_eq!(cut("\u{65e5}\u{65e5}\u{65e5}\u{65e5}", 7), "\u{65e5}\u{65e5}..");
        assert_eq!(cut("", 10), "");
    }
}
