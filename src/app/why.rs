//! Why a process died: the rows of what `W` opens.

use super::geometry::wrap;
use super::state::App;
use crate::model::ProcessKey;
use crate::model::death::{BlackBox, Death, LifeNumber, words};
use crate::model::units::{self, Clock};
use crate::model::watched::Watched;

/// What a row is, and so how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The cause.
    Cause,
    /// Figures and what followed.
    Fact,
    /// A heading above evidence.
    Heading,
    /// Evidence: a line of a stack or of standard error.
    Evidence,
}

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

/// The number of the death that is so many before the one that is shown, or after it: it stays shown
/// while others end.
#[must_use]
pub fn number(watched: &Watched, key: ProcessKey, life: LifeNumber, step: i64) -> LifeNumber {
    let black_box = watched.boxes.get(key)?;
    let (.., number) = black_box.numbered(life)?;
    black_box.numbered(Some(number + step)).map(|(.., number)| number)
}

/// The rows below the title, wrapped at so many columns.
#[must_use]
pub fn rows(
    watched: &Watched,
    key: ProcessKey,
    life: LifeNumber,
    columns: u16,
) -> Vec<(Kind, String)> {
    let mut rows = Vec::new();
    let mut say = |kind, text: &str| {
        rows.extend(wrap(text, columns).into_iter().map(|row| (kind, row)));
    };
    if let Some(why) = watched.boxes.get(key).and_then(BlackBox::not_started) {
        say(Kind::Cause, &format!("it could not be started: {why}"));
        say(Kind::Fact, "");
    }
    let Some((death, ..)) = death(watched, key, life) else {
        say(Kind::Fact, "No exit is on record, neither here nor in the daemon's own log.");
        return rows;
    };
    say(Kind::Cause, &words::sentence(death));
    let seen = if death.is_watched {
        "observed live"
    } else {
        "reconstructed from PM2's log, the error log and PM2's figures"
    };
    say(Kind::Fact, &format!("{}; {seen}", death.sure.word()));
    let end = death.evidence.end.as_ref().map(words::end);
    let follows = words::follows(&death.follows);
    let facts = [end, Some(follows).filter(|text| !text.is_empty()), figures(death)];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    if !facts.is_empty() {
        say(Kind::Fact, &facts.join("; "));
    }
    if !death.stack.is_empty() {
        say(Kind::Fact, "");
        say(Kind::Heading, "the exception");
        death.stack.iter().for_each(|line| say(Kind::Evidence, line));
    }
    if !death.words.is_empty() {
        say(Kind::Fact, "");
        let heading = if death.is_mixed {
            "the last lines of its standard error; earlier lives may have written some of them"
        } else {
            "its last lines of standard error"
        };
        say(Kind::Heading, heading);
        death.words.iter().for_each(|line| say(Kind::Evidence, line));
    }
    rows
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
