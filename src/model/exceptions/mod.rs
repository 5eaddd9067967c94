//! Exceptions grouped by what they say and where they were thrown.
//!
//! Invariant: fed by [`super::apply`] alone; all is bounded ([`GROUPS_MAX`],
//! [`THROWERS_MAX`]), and what fell out is counted. Times are of the daemon's wall clock.

use std::collections::VecDeque;

mod fold;
mod frame;

pub use self::fold::fold;
pub use self::frame::own_frame;
use super::{DaemonId, ProcessKey};
use crate::protocol::process::PmId;

/// The most groups that are kept; those seen least lately fall out.
pub const GROUPS_MAX: usize = 200;
/// The most processes that are kept by name of a group.
pub const THROWERS_MAX: usize = 32;
/// The most times that are kept of a group: an hour of exceptions without a pause.
const SLOTS_MAX: usize = 360;
/// Times are kept to so many milliseconds.
const SLOT_MS: i64 = 10_000;
/// A message is at most this long, characters.
const MESSAGE_CHARS_MAX: usize = 400;
/// A line of a stack is at most this long, characters.
const FRAME_CHARS_MAX: usize = 400;
/// The most lines of a stack that are kept.
const FRAMES_MAX: usize = 64;

/// An exception, cleaned.
#[derive(Debug, Clone, Copy)]
pub struct Thrown<'a> {
    /// The daemon of the process that threw it.
    pub daemon: DaemonId,
    /// The process, where it is known.
    pub pm_id: Option<PmId>,
    /// The process's name.
    pub name: &'a str,
    /// What it says, one line.
    pub message: &'a str,
    /// Its stack, or the last words that it stands in.
    pub stack: &'a [Box<str>],
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// A process that threw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thrower {
    /// Its daemon.
    pub daemon: DaemonId,
    /// Its id, where it is known.
    pub pm_id: Option<PmId>,
    /// Its name then.
    pub name: Box<str>,
    /// How often.
    pub count: u64,
}

impl Thrower {
    /// As it is named on the screen: `api[0]`.
    #[must_use]
    pub fn label(&self) -> String {
        match self.pm_id {
            Some(pm_id) => format!("{}[{pm_id}]", self.name),
            None => self.name.to_string(),
        }
    }

    /// The process, where it is known.
    #[must_use]
    pub fn key(&self) -> Option<ProcessKey> {
        Some(ProcessKey { daemon: self.daemon, pm_id: self.pm_id? })
    }
}

/// Exceptions that say the same and were thrown at the same place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its number, which it keeps.
    pub number: u64,
    /// What the last one said.
    message: Box<str>,
    /// The same with numbers, ids and addresses replaced by `*`: what all of them say.
    folded: Box<str>,
    /// Whether all of them said the same, with numbers and all.
    is_one_message: bool,
    /// The first frame of the app's own code: `handler (/srv/api/index.js:42:17)`.
    pub frame: Option<Box<str>>,
    /// How many there were.
    pub count: u64,
    /// When the first came, milliseconds since 1970.
    pub first_ms: i64,
    /// When the last came, likewise.
    pub last_ms: i64,
    /// Which processes threw them, in the order in which they did.
    pub throwers: Vec<Thrower>,
    /// How many were thrown by processes past [`THROWERS_MAX`].
    pub by_others: u64,
    /// The stack of the last one that had any.
    pub stack: Box<[Box<str>]>,
    /// How many came when: slots of [`SLOT_MS`], oldest first.
    slots: VecDeque<(i64, u32)>,
}

impl Group {
    /// What they say: word for word where all say the same, else with `*` for what differs.
    #[must_use]
    pub fn says(&self) -> &str {
        if self.is_one_message { &self.message } else { &self.folded }
    }

    /// What the last one said.
    #[must_use]
    pub fn last_message(&self) -> &str {
        &self.message
    }

    /// How many came in each of so many equal parts of the time before `now_ms`, the oldest first.
    #[must_use]
    pub fn when(&self, now_ms: i64, span_ms: i64, parts: u16) -> Vec<u32> {
        let mut counts = vec![0_u32; usize::from(parts)];
        let span_ms = span_ms.max(1);
        for (slot, count) in &self.slots {
            // One that came just now is not in the future, whatever the clocks say.
            let age_ms = now_ms.saturating_sub(slot.saturating_mul(SLOT_MS)).max(0);
            let back = age_ms.saturating_mul(i64::from(parts)) / span_ms;
            let place = i64::from(parts).saturating_sub(1).saturating_sub(back);
            if let Some(all) = usize::try_from(place).ok().and_then(|place| counts.get_mut(place)) {
                *all = all.saturating_add(*count);
            }
        }
        counts
    }

    fn is(&self, folded: &str, frame: Option<&str>) -> bool {
        *self.folded == *folded && self.frame.as_deref() == frame
    }

    fn take(&mut self, thrown: &Thrown<'_>, message: &str) {
        self.count = self.count.saturating_add(1);
        self.first_ms = self.first_ms.min(thrown.at_ms);
        self.is_one_message &= *self.message == *message;
        if thrown.at_ms >= self.last_ms {
            self.last_ms = thrown.at_ms;
            self.message = message.into();
            if !thrown.stack.is_empty() {
                self.stack = kept(thrown.stack);
            }
        }
        self.note_time(thrown.at_ms);
        self.note_thrower(thrown);
    }

    fn note_time(&mut self, at_ms: i64) {
        let slot = at_ms.div_euclid(SLOT_MS);
        // Mostly the last one; one that is told afterwards may be older.
        let at = self.slots.iter().rposition(|(other, _)| *other <= slot);
        if let Some((_, count)) =
            at.and_then(|at| self.slots.get_mut(at)).filter(|(other, _)| *other == slot)
        {
            *count = count.saturating_add(1);
            return;
        }
        self.slots.insert(at.map_or(0, |at| at + 1), (slot, 1));
        if self.slots.len() > SLOTS_MAX {
            self.slots.pop_front();
        }
    }

    fn note_thrower(&mut self, thrown: &Thrown<'_>) {
        let is_it = |thrower: &&mut Thrower| {
            thrower.daemon == thrown.daemon
                && thrower.pm_id == thrown.pm_id
                && *thrower.name == *thrown.name
        };
        if let Some(thrower) = self.throwers.iter_mut().find(is_it) {
            thrower.count = thrower.count.saturating_add(1);
        } else if self.throwers.len() < THROWERS_MAX {
            let Thrown { daemon, pm_id, name, .. } = *thrown;
            self.throwers.push(Thrower { daemon, pm_id, name: name.into(), count: 1 });
        } else {
            self.by_others = self.by_others.saturating_add(1);
        }
    }
}

/// All groups.
#[derive(Debug, Clone, Default)]
pub struct Exceptions {
    groups: Vec<Group>,
    /// The number of the next group.
    next: u64,
    /// How many groups fell out.
    gone: u64,
    /// How many exceptions there were in all.
    total: u64,
}

impl Exceptions {
    /// Takes one in.
    pub(super) fn take(&mut self, thrown: &Thrown<'_>) {
        let message = whole_message(thrown.message, thrown.stack);
        let message: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
        let folded = fold(&message);
        let frame = own_frame(thrown.stack);
        self.total = self.total.saturating_add(1);
        if let Some(group) =
            self.groups.iter_mut().find(|group| group.is(&folded, frame.as_deref()))
        {
            return group.take(thrown, &message);
        }
        if self.groups.len() >= GROUPS_MAX {
            let oldest = self.groups.iter().enumerate().min_by_key(|(_, group)| group.last_ms);
            if let Some((oldest, _)) = oldest {
                self.groups.swap_remove(oldest);
                self.gone = self.gone.saturating_add(1);
            }
        }
        let mut group = Group {
            number: self.next,
            message: message.as_str().into(),
            folded: folded.into(),
            is_one_message: true,
            frame: frame.map(Into::into),
            count: 0,
            first_ms: thrown.at_ms,
            last_ms: thrown.at_ms,
            throwers: Vec::new(),
            by_others: 0,
            stack: Box::default(),
            slots: VecDeque::new(),
        };
        self.next += 1;
        group.take(thrown, &message);
        self.groups.push(group);
    }

    /// The groups, those that were seen last first.
    #[must_use]
    pub fn latest_first(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.last_ms), group.number));
        groups
    }

    /// A group by its number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Group> {
        self.groups.iter().find(|group| group.number == number)
    }

    /// How many groups fell out.
    #[must_use]
    pub fn gone(&self) -> u64 {
        self.gone
    }

    /// How many exceptions there were in all, with those of groups that fell out.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// The message with its type before it: `TypeError: x is not a function`. PM2 gives the message alone
/// where the stack begins with both; the error log has both.
#[must_use]
pub fn whole_message<'a>(message: &'a str, stack: &'a [Box<str>]) -> &'a str {
    let head = stack.iter().map(|line| line.trim()).find(|line| !line.is_empty());
    let whole = head.filter(|head| head.ends_with(message)).unwrap_or(message);
    whole.strip_prefix("Uncaught ").unwrap_or(whole).trim()
}

fn kept(stack: &[Box<str>]) -> Box<[Box<str>]> {
    let cut = |line: &str| line.chars().take(FRAME_CHARS_MAX).collect::<String>().into();
    stack.iter().take(FRAMES_MAX).map(|line| cut(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Box<str>> {
        text.lines().map(Into::into).collect()
    }

    fn throw(all: &mut Exceptions, pm_id: u32, message: &str, frame: &str, at_ms: i64) {
        let stack = lines(&format!("Error: {message}\n    at {frame}\n    at node:internal/x:1:1"));
        all.take(&Thrown {
            daemon: DaemonId(0),
            pm_id: Some(PmId(pm_id)),
            name: "api",
            message,
            stack: &stack,
            at_ms,
        });
    }

    #[test]
    fn those_that_say_the_same_at_the_same_place_are_one_group() {
        let mut all = Exceptions::default();
        throw(&mut all, 0, "no user 4711", "load (/srv/api/users.js:3:9)", 20_000);
        throw(&mut all, 1, "no user 12", "load (/srv/api/users.js:3:9)", 60_000);
        throw(&mut all, 1, "no user 12", "save (/srv/api/users.js:8:9)", 40_000);
        // Told afterwards.
        throw(&mut all, 0, "no user 4711", "load (/srv/api/users.js:3:9)", 1_000);
        let groups = all.latest_first();
        assert_eq!((groups.len(), all.total(), all.gone()), (2, 4, 0));
        let group = groups[0];
        assert_eq!((group.says(), group.last_message()), ("Error: no user *", "Error: no user 12"));
        assert_eq!(group.frame.as_deref(), Some("load (/srv/api/users.js:3:9)"));
        assert_eq!((group.count, group.first_ms, group.last_ms), (3, 1_000, 60_000));
        let who: Vec<(String, u64)> =
            group.throwers.iter().map(|one| (one.label(), one.count)).collect();
        assert_eq!(who, [("api[0]".to_owned(), 2), ("api[1]".to_owned(), 1)]);
        assert_eq!(groups[1].says(), "Error: no user 12");
        assert_eq!(group.when(60_000, 60_000, 6), [0, 1, 0, 0, 0, 1], "one is older");
        assert_eq!(group.when(65_000, 70_000, 7), [1, 0, 1, 0, 0, 0, 1]);
    }

    #[test]
    fn all_is_bounded_and_what_falls_out_is_counted() {
        let mut all = Exceptions::default();
        for n in 0..GROUPS_MAX as i64 + 5 {
            throw(&mut all, 0, "x", &format!("f (/a.js:{n}:1)"), n);
        }
        assert_eq!((all.latest_first().len(), all.gone()), (GROUPS_MAX, 5));
        assert_eq!(all.latest_first().last().unwrap().first_ms, 5, "the oldest fell out");
        for n in 0..50_000 {
            throw(&mut all, n as u32 % 40, &"y".repeat(9_999), "g (/a.js:1:1)", n * SLOT_MS);
        }
        let group = all.latest_first()[0];
        assert_eq!((group.slots.len(), group.throwers.len()), (SLOTS_MAX, THROWERS_MAX));
        assert_eq!(group.by_others, 50_000 / 40 * 8);
        assert_eq!(group.says().chars().count(), MESSAGE_CHARS_MAX);
    }
}
