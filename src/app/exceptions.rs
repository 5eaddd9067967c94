//! Exceptions grouped: what `X` opens, and one group whole.
//!
//! Invariant: what is chosen is a group, never a row: groups change their places as exceptions come.

use super::command::{Command, LogCommand};
use super::evidence::{Kind, quote};
use super::geometry::{line_inside, wrap};
use super::mode::Mode;
use super::state::App;
use super::taken::{LogPlace, Taken, scrolled};
use crate::model::exceptions::{Exceptions, Group, Thrower};
use crate::model::units::{self, Clock};
use crate::model::watched::Watched;

/// Rows that a group takes in the list.
pub const GROUP_ROWS: u16 = 2;
/// Rows above the first group: the heads of the columns.
pub const HEAD_ROWS: u16 = 1;
/// The least rows of what is counted.
pub const SCOPE_ROWS: u16 = 1;
/// How many processes are named in a line.
const NAMED_MAX: usize = 3;

/// How far back the sparklines can reach, milliseconds, and how that is said.
const SPANS: [(i64, &str); 8] = [
    (600_000, "10 min"),
    (1_800_000, "30 min"),
    (3_600_000, "1 h"),
    (3 * 3_600_000, "3 h"),
    (12 * 3_600_000, "12 h"),
    (24 * 3_600_000, "24 h"),
    (3 * 86_400_000, "3 d"),
    (7 * 86_400_000, "7 d"),
];

/// How many groups fit a screen of this size, where a row is left to say what is counted.
#[must_use]
pub fn page(size: (u16, u16)) -> usize {
    let (_, rows) = line_inside(size);
    usize::from(rows.saturating_sub(HEAD_ROWS + SCOPE_ROWS) / GROUP_ROWS).max(1)
}

/// The place of the chosen group.
#[must_use]
pub fn place(groups: &[&Group], chosen: Option<u64>) -> usize {
    chosen
        .and_then(|number| groups.iter().position(|group| group.number == number))
        .unwrap_or_default()
}

/// The span of time that the sparklines show: the shortest that reaches back to the first exception of
/// the group that was seen last; of the others what falls into it.
#[must_use]
pub fn span(groups: &[&Group], now_ms: i64) -> (i64, &'static str) {
    let first_ms = groups.first().map_or(now_ms, |group| group.first_ms);
    let age_ms = now_ms.saturating_sub(first_ms);
    let fitting = SPANS.into_iter().find(|(span_ms, _)| *span_ms >= age_ms);
    fitting.or(SPANS.last().copied()).unwrap_or_default()
}

/// A command in the list.
pub(super) fn take_in_list(
    watched: &Watched,
    size: (u16, u16),
    chosen: &mut Option<u64>,
    command: Command,
) -> Taken {
    let groups = watched.exceptions.latest_first();
    let at = place(&groups, *chosen);
    match command {
        Command::Exceptions => return Taken::Close,
        Command::Open => {
            let number = groups.get(at).map(|group| group.number);
            return number.map_or(Taken::Done, |number| {
                *chosen = Some(number);
                Taken::Open(Mode::Exception { number, top: 0 })
            });
        }
        command if command.is_movement() => {
            let last = groups.len().saturating_sub(1);
            let at = scrolled(at, last, page(size), command);
            *chosen = groups.get(at).map(|group| group.number);
        }
        _ => {}
    }
    Taken::Done
}

/// A command in one group.
pub(super) fn take_in_group(
    watched: &Watched,
    size: (u16, u16),
    (number, top): (u64, &mut usize),
    command: Command,
) -> Taken {
    if matches!(command, Command::Open | Command::Exceptions) {
        return Taken::Close;
    }
    if command == Command::Log(LogCommand::NextMatch)
        && let Some(group) = watched.exceptions.get(number)
    {
        let says = group.says();
        let is_folded = says != group.last_message();
        return Taken::Log(LogPlace::Occurrences(says.to_owned(), is_folded));
    }
    let (columns, rows) = line_inside(size);
    // How times are written does not change how many rows there are.
    let lines = rows_of(&watched.exceptions, number, columns, |_| "00:00:00".to_owned());
    let last = lines.len().saturating_sub(usize::from(rows));
    *top = scrolled(*top, last, usize::from(rows), command);
    Taken::Done
}

/// The rows of one group, wrapped at so many columns.
#[must_use]
pub fn rows(app: &App, number: u64, columns: u16) -> Vec<(Kind, String)> {
    rows_of(&app.watched.exceptions, number, columns, |at_ms| at(app, at_ms))
}

fn rows_of(
    exceptions: &Exceptions,
    number: u64,
    columns: u16,
    at: impl Fn(i64) -> String,
) -> Vec<(Kind, String)> {
    let mut rows = Vec::new();
    let mut say = |kind, text: &str| {
        rows.extend(wrap(text, columns).into_iter().map(|row| (kind, row)));
    };
    let Some(group) = exceptions.get(number) else {
        say(Kind::Fact, "It is not kept any more: newer ones took its place.");
        return rows;
    };
    say(Kind::Cause, group.last_message());
    say(Kind::Fact, &format!("{}: first {}", times(group.count), at(group.first_ms)));
    say(Kind::Fact, &format!("last {}", at(group.last_ms)));
    if group.says() != group.last_message() {
        say(Kind::Fact, &format!("all say: {}", group.says()));
    }
    for thrower in &group.throwers {
        say(Kind::Fact, &format!("{}: {}", thrower.label(), times(thrower.count)));
    }
    if group.by_others > 0 {
        say(Kind::Fact, &format!("other processes: {}", times(group.by_others)));
    }
    if !group.stack.is_empty() {
        rows.push((Kind::Fact, String::new()));
        rows.push((Kind::Heading, "the last one".to_owned()));
        for line in &group.stack {
            quote(&mut rows, Kind::Evidence, line, columns);
        }
    }
    rows
}

/// When something was: the time of today, else with the day.
#[must_use]
pub fn at(app: &App, at_ms: i64) -> String {
    at_in(app, at_ms, Clock::Seconds)
}

/// The same, as precise as that.
#[must_use]
pub fn at_in(app: &App, at_ms: i64, clock: Clock) -> String {
    let clock = units::clock(at_ms, app.utc_offset_s, clock);
    let day = units::day(at_ms, app.utc_offset_s);
    if day == units::day(app.now.wall_ms, app.utc_offset_s) {
        clock
    } else {
        format!("{day} {clock}")
    }
}

/// Which processes threw: `api[0], api[1] and 3 more`.
#[must_use]
pub fn by(group: &Group) -> String {
    let named: Vec<String> = group.throwers.iter().take(NAMED_MAX).map(Thrower::label).collect();
    let more = group.throwers.len().saturating_sub(NAMED_MAX) + usize::from(group.by_others > 0);
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
