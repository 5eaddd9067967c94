//! Where the columns of the log are.
//!
//! Invariant: columns do not hang on the lines in sight, so that the text does not jump sideways as
//! lines come; but for the day, which has no column where all that can be in sight is of today. Where it is narrow, milliseconds go first, then the id and the level's letter.

use super::log_names::{Names, columns, whole};
use super::log_shape::Times;
use super::state::App;
use crate::model::units::{self, Clock};

/// The name column's widest, with the id.
const NAME_MAX: u16 = 20;
/// The name column's narrowest: `api[0]` and its like.
const NAME_MIN: u16 = 8;
/// The daemon column's widest.
const DAEMON_MAX: u16 = 12;
/// Columns of the gutter, with a blank.
pub const GUTTER: u16 = 2;
/// Columns of the level's letter, with a blank.
const LEVEL: u16 = 2;
/// Columns of a day, with a blank: `2026-11-28`.
const DAY: u16 = 11;
/// Columns of a day of this year, with a blank: `11-28`.
const SHORT_DAY: u16 = 6;
/// Columns of a time as a distance: `-12.345s`.
const DISTANCE: u16 = 9;

/// Where the columns of the log are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// How times are told.
    pub times: Times,
    /// How much of them.
    pub clock: Clock,
    /// How wide they are.
    pub time: u16,
    /// Where lines of other days than today can be in sight: how their days are told.
    pub days: Option<Days>,
    /// How wide the daemon's label is; 0 where there is one daemon.
    pub daemon: u16,
    /// How wide names are.
    pub name: u16,
    /// Whether they have the process's id.
    pub has_id: bool,
    /// How wide the level's letter is.
    pub level: u16,
    /// The first column of the text.
    pub text_at: u16,
    /// How wide the text is.
    pub text: u16,
}

/// How the days of lines are told that are not of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// Milliseconds since 1970 that are of today.
    today_ms: i64,
    /// Whether some are of another year.
    has_year: bool,
}

impl Days {
    /// `None` where the oldest line is of today.
    fn of(oldest_ms: i64, today_ms: i64, offset_s: i32) -> Option<Self> {
        let (oldest, today) = (units::day(oldest_ms, offset_s), units::day(today_ms, offset_s));
        let has_year = oldest.get(..4) != today.get(..4);
        (oldest != today).then_some(Self { today_ms, has_year })
    }

    fn columns(self) -> u16 {
        if self.has_year { DAY } else { SHORT_DAY }
    }

    /// The day of a time in five columns, or its year; `None` where that is today.
    fn other(self, at_ms: i64, offset_s: i32) -> Option<String> {
        let (day, today) = (units::day(at_ms, offset_s), units::day(self.today_ms, offset_s));
        let is_of_year = day.get(..4) == today.get(..4);
        let shown = if is_of_year { day.get(5..)? } else { day.get(..4)? };
        (day != today).then(|| format!("{shown:5}"))
    }

    /// The day of a time, in its columns: blanks where that is today.
    fn told(self, at_ms: i64, offset_s: i32) -> String {
        let day = units::day(at_ms, offset_s);
        let is_today = day == units::day(self.today_ms, offset_s);
        let shown =
            if is_today { "" } else { day.get(if self.has_year { 0 } else { 5 }..).unwrap_or("") };
        format!("{shown:width$}", width = usize::from(self.columns()))
    }
}

impl Columns {
    /// The columns in a pane that has room for so many.
    #[must_use]
    pub fn of(app: &App, width: u16) -> Self {
        let clock = match width {
            0..42 => Clock::Minutes,
            42..98 => Clock::Seconds,
            _ => Clock::Milliseconds,
        };
        let has_id = width >= 42;
        let times = app.log_view.shape.times;
        let oldest_ms = oldest_ms(app).filter(|_| times == Times::Clock);
        let days = oldest_ms.and_then(|oldest| Days::of(oldest, app.now.wall_ms, app.utc_offset_s));
        let time = match times {
            // Where it is narrow, the day stands in the place of the clock.
            Times::Clock if clock == Clock::Minutes => clock.columns(),
            Times::Clock => days.map_or(0, Days::columns) + clock.columns(),
            Times::Date => DAY + clock.columns(),
            Times::Distance => DISTANCE,
            Times::Off => 0,
        };
        let level = if has_id { LEVEL } else { 0 };
        let daemon = daemon_columns(app, width);
        let name = name_columns(app, width, has_id);
        let with_gap = |columns: u16| if columns > 0 { columns + 1 } else { 0 };
        let text_at = with_gap(time) + with_gap(daemon) + with_gap(name) + GUTTER + level;
        let text = width.saturating_sub(text_at);
        Self { times, clock, time, days, daemon, name, has_id, level, text_at, text }
    }

    /// A time in its column; `from_ms` is that of the marked line.
    #[must_use]
    pub fn time(&self, at_ms: i64, from_ms: i64, offset_s: i32) -> String {
        match self.times {
            Times::Clock if self.clock == Clock::Minutes => {
                let day = self.days.and_then(|days| days.other(at_ms, offset_s));
                day.unwrap_or_else(|| units::clock(at_ms, offset_s, self.clock))
            }
            Times::Clock => {
                let day = self.days.map(|days| days.told(at_ms, offset_s)).unwrap_or_default();
                format!("{day}{}", units::clock(at_ms, offset_s, self.clock))
            }
            Times::Date => {
                let clock = units::clock(at_ms, offset_s, self.clock);
                format!("{} {clock}", units::day(at_ms, offset_s))
            }
            Times::Distance => format!("{:>9}", distance(at_ms.saturating_sub(from_ms))),
            Times::Off => String::new(),
        }
    }
}

/// The oldest time of the lines that can be in sight, milliseconds since 1970.
fn oldest_ms(app: &App) -> Option<i64> {
    let lines = app.lines();
    // Each takes one row at least.
    let rows = usize::from(app.size.1);
    let following = lines.len().saturating_sub(rows);
    let first = app.log_top.or(app.log_kept).map(|line| lines.place_of(line));
    let top = first.map_or(following, |place| place.min(following));
    let times = (top..top + rows).map_while(|place| app.log_view.time_of(lines.at(place)?));
    times.min()
}

/// Names are as wide as those of the processes, and of those that had lines, in steps of two, so that the
/// text seldom moves as processes come, and not as they go.
fn name_columns(app: &App, width: u16, has_id: bool) -> u16 {
    let names = app.watched.fleet.iter().map(|(key, process)| {
        let name = &process.info.name;
        if has_id { whole(name, key.pm_id) } else { columns(name) }
    });
    let Names { bare, whole } = app.log_view.names;
    let said = if has_id { whole } else { bare };
    let name = names.max().unwrap_or(0).max(said).clamp(NAME_MIN, NAME_MAX);
    name.next_multiple_of(2).min((width / 5).max(NAME_MIN))
}

fn daemon_columns(app: &App, width: u16) -> u16 {
    if app.watched.daemons.len() < 2 {
        return 0;
    }
    let labels = app.watched.daemons.iter().map(|daemon| columns(&daemon.label));
    labels.max().unwrap_or(0).min(DAEMON_MAX).min(width / 6)
}

/// A time from another one on, at most nine columns: `+0.012s`, `-59.999s`, `+12m 05s`, `-3h 12m`.
fn distance(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    let far = ms.unsigned_abs();
    match far {
        0 => "0".to_owned(),
        1..60_000 => format!("{sign}{}.{:03}s", far / 1_000, far % 1_000),
        60_000..3_600_000 => format!("{sign}{}m {:02}s", far / 60_000, far / 1_000 % 60),
        _ => format!("{sign}{}", units::uptime(i64::try_from(far).unwrap_or(i64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_days_say_which() {
        const DAY_MS: i64 = 86_400_000;
        let today_ms = 20_000 * DAY_MS + 5_000;
        assert_eq!(Days::of(today_ms - 4_000, today_ms, 0), None);
        let days = Days::of(today_ms - DAY_MS, today_ms, 0).unwrap();
        assert_eq!(days.told(today_ms - DAY_MS, 0), "10-03 ");
        assert_eq!(days.told(today_ms, 0), "      ", "today's stand below one another");
        assert_eq!(days.told(today_ms - 6_000, 3_600), "      ", "by the clock of the place");
        assert_eq!(days.other(today_ms - DAY_MS, 0).as_deref(), Some("10-03"));
        let days = Days::of(0, today_ms, 0).unwrap();
        assert_eq!(days.told(0, 0), "1970-01-01 ");
        assert_eq!(days.other(0, 0).as_deref(), Some("1970 "));
        assert_eq!(days.other(today_ms, 0), None);
    }

    #[test]
    fn distances_are_short() {
        for (ms, text) in [
            (0, "0"),
            (12, "+0.012s"),
            (-59_999, "-59.999s"),
            (725_000, "+12m 05s"),
            (-11_520_000, "-3h 12m"),
            (i64::MAX, "+106751991167d"),
            (i64::MIN, "-106751991167d"),
        ] {
            assert_eq!(distance(ms), text);
        }
    }
}
