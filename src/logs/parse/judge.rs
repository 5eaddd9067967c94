//! Which lines of one source belong together, and how bad each of them says that it is.
//!
//! Invariant: the one judge of what is in files and of what comes: the same bytes are told alike. A line
//! that is fields alone (JSON, logfmt), or that a time leads, goes on nothing; fields are gone on by
//! nothing.

use super::Span;
use super::level::{Level, Sign};
use super::reading::{Reading, Shape};
use super::trace::{Part, Traces};

/// So many lines stand below another one: some programs indent all that they say.
const BELOW_MAX: usize = 50;
/// What comes on the bus so long after the line before it goes on nothing, milliseconds: the lines of an
/// entry are written in one go.
pub const PAUSE_MS: i64 = 2_000;

/// Where a line stands to the one before it in its source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// It says something by itself.
    #[default]
    Begins,
    /// It is indented, or closes what was opened: it has time and level of the line above it, and is an
    /// entry of its own.
    Below,
    /// It is of the same entry: a stack trace below its head.
    GoesOn,
}

/// What the judge asks of a line: see [`Reading`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The text without what leads it.
    pub words: Span,
    level: Option<(Level, Sign)>,
    /// Whether a time of its own leads it, not one that PM2 put there.
    is_timed: bool,
    /// Whether it is fields and nothing else.
    is_object: bool,
    /// Whether it is a level or a time and nothing else.
    is_bare: bool,
    /// Whether no trace begins with it: see [`super::is_prose`].
    is_prose: bool,
}

impl Facts {
    /// Those of a line.
    #[must_use]
    pub fn of(reading: &Reading) -> Self {
        let led = reading.prefix.map_or(0, |prefix| prefix.end);
        let words = reading.message;
        let leads = |span: Span| span.start >= led && span.end <= words.start;
        Self {
            words,
            level: reading.level,
            is_timed: reading.own_time.is_some_and(leads),
            is_object: reading.shape != Shape::Text && words.start >= words.end,
            is_bare: words.start > led && words.start >= words.end,
            is_prose: reading.is_prose,
        }
    }
}

impl Facts {
    /// Whether it says that it is no warning and no error: then none is thrown in it. Most lines are so, and
    /// nothing more is looked for in them.
    fn is_calm(&self) -> bool {
        self.level.is_some_and(|(level, sign)| sign == Sign::Said && level <= Level::Info)
    }

    /// Whether the line certainly begins an entry, whatever stands before it.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.is_timed || self.is_object
    }
}

/// What one more line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Where it stands.
    pub place: Place,
    /// How bad it is, or the line that it goes on.
    pub level: Option<Level>,
    /// What it is of a stack trace.
    pub part: Part,
    /// Whether the lines of its entry before it are as bad, which did not say so.
    pub raises: bool,
}

/// Tells the lines of one source apart.
#[derive(Debug, Clone, Default)]
pub struct Judge {
    traces: Traces,
    /// The level of the entry.
    level: Option<Level>,
    /// Whether there is a line that can be gone on.
    is_open: bool,
    /// How many lines stand below it so far.
    below: usize,
}

impl Judge {
    /// Whether only the head of a trace would be more than text of its own, if it is not indented.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.traces.is_open()
    }

    /// What comes next goes on nothing: it comes much later.
    pub fn close(&mut self) {
        *self = Self::default();
    }

    /// Lines of prose are taken (see [`super::is_prose`]) while it is idle.
    pub fn take_prose(&mut self, level: Option<Level>) {
        (self.level, self.is_open, self.below) = (level, true, 0);
    }

    /// What the next line is, where that can be told without its text. Most lines are so.
    pub fn feed_unread(&mut self, facts: &Facts) -> Option<Judged> {
        let level = facts.level.map(|(level, _)| level);
        let judged = Judged { place: Place::Begins, level, part: Part::Text, raises: false };
        if facts.is_object {
            *self = Self::default();
        } else if facts.is_timed && facts.is_calm() {
            self.traces = Traces::default();
            self.take_prose(level);
        } else if facts.is_prose && self.is_idle() {
            self.take_prose(level);
        } else {
            return None;
        }
        Some(judged)
    }

    /// What the next line is. `text` is plain.
    pub fn feed(&mut self, text: &[u8], facts: &Facts) -> Judged {
        if let Some(judged) = self.feed_unread(facts) {
            return judged;
        }
        let own = facts.level.map(|(level, _)| level);
        if facts.is_timed && self.traces.is_open() {
            self.traces = Traces::default();
        }
        let words = facts.words.of(text);
        let step = self.traces.feed(words);
        let can_go_on = self.is_open && !facts.is_timed && !facts.is_bare;
        let is_rest = step.part != Part::Text && (!step.is_first || step.joins_previous);
        let is_said = facts.level.is_some_and(|(_, sign)| sign == Sign::Said);
        let place = if can_go_on && is_rest {
            Place::GoesOn
        } else if can_go_on
            && step.part == Part::Text
            && !is_said
            && self.below < BELOW_MAX
            && is_below(words)
        {
            Place::Below
        } else {
            Place::Begins
        };
        let mut level = if place == Place::Begins { own } else { self.level };
        let mut raises = false;
        if step.part == Part::Title && level < Some(Level::Error) {
            raises = place == Place::GoesOn;
            level = Some(Level::Error);
        }
        self.below = if place == Place::Below { self.below + 1 } else { 0 };
        (self.level, self.is_open) = (level, true);
        Judged { place, level, part: step.part, raises }
    }
}

/// Whether a line looks like one that goes on with what the line before it says: a value over several
/// lines.
fn is_below(words: &[u8]) -> bool {
    let closes = |first: &u8| matches!(first, b' ' | b'\t' | b'}' | b']' | b')');
    words.first().is_some_and(closes) || words.starts_with(b"Caused by")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::{Clock, Context, Plain, read};
    use super::*;

    /// A letter for where each line stands, and its level.
    fn judged(text: &str, is_stderr: bool) -> Vec<String> {
        let mut judge = Judge::default();
        let clock = Clock { zone: &TimeZone::UTC, reference_ms: 1_795_831_920_000 };
        let context = Context { declared: None, clock, is_stderr };
        let line = |line: &str| {
            let plain = Plain::of(line.as_bytes());
            let facts = Facts::of(&read(&plain.text, &context));
            let judged = judge.feed(&plain.text, &facts);
            let place = match judged.place {
                Place::Begins => "-",
                Place::Below => "below",
                Place::GoesOn => "more",
            };
            format!("{place} {}", judged.level.map_or("", Level::name)).trim_end().to_owned()
        };
        text.lines().map(line).collect()
    }

    #[test]
    fn nothing_goes_on_fields() {
        let text = "\
{\"level\":\"error\",\"time\":\"2026-11-28T03:00:00Z\",\"msg\":\"no\"}
plain
  indented
    at a (/srv/a.js:1:1)
{\"level\":\"error\",\"msg\":\"no\"}
    at a (/srv/a.js:1:1)
    at b (/srv/a.js:1:1)
{\"level\":\"info\",\"msg\":\"yes\"}
  indented
Error: x
    at a (/srv/a.js:1:1)
level=info msg=\"started\" port=3
  indented";
        let wanted = [
            "- error",
            "-",
            "below",
            "more",
            "- error",
            "-",
            "more",
            "- info",
            "-",
            "- error",
            "more error",
            "- info",
            "-",
        ];
        assert_eq!(judged(text, false), wanted);
    }

    #[test]
    fn what_is_always_indented_does_not_stand_below_one_line_for_ever() {
        let text = format!("error: no\n{}", "  tick\n".repeat(60));
        let told = judged(&text, false);
        assert_eq!((told[1].as_str(), told[50].as_str()), ("below error", "below error"));
        assert_eq!(told[51], "-");
    }

    #[test]
    fn a_line_with_a_time_goes_on_nothing_and_frames_have_the_level_of_their_head() {
        let text = "\
2026-11-28T03:00:00Z ERROR request failed
  detail: 1
plain
Error: boom
    at a (/srv/a.js:1:1)
2026-11-28T03:00:01Z INFO on
Traceback (most recent call last):
  File \"x.py\", line 1, in <module>
2026-11-28T03:00:02Z INFO on
ValueError: 3";
        let wanted = [
            "- error",
            "below error",
            "-",
            "- error",
            "more error",
            "- info",
            "- error",
            "more error",
            "- info",
            "- error",
        ];
        assert_eq!(judged(text, false), wanted);
        let text = "/srv/a.js:3\nthrow x\n^\n\nError: x\n    at c (/srv/a.js:3:1)\nthen";
        let wanted =
            ["- warn", "more warn", "more warn", "more warn", "more error", "more error", "- warn"];
        assert_eq!(judged(text, true), wanted);
    }
}
