//! What was lost, and how much of it was said.
//!
//! Invariant: at most one report a second, and one of all at the end.

use std::time::Duration;

use tokio::time::Instant;

use super::super::output;

/// The shortest time between two reports of a loss.
const REPORT_PAUSE: Duration = Duration::from_secs(1);

/// Losses of one kind.
#[derive(Debug)]
pub(super) struct Losses {
    /// What is lost, one and many, and why.
    words: (&'static str, &'static str, &'static str),
    all: u64,
    reported: u64,
    last: Option<Instant>,
}

impl Losses {
    /// Messages of the bus: lost on the way or broken.
    pub(super) fn of_the_bus() -> Self {
        let why = "they came too fast, or could not be read";
        Self::new(("message of the bus was lost", "messages of the bus were lost", why))
    }

    /// Events that got no command.
    pub(super) fn of_commands() -> Self {
        Self::new(("event had no command", "events had no command", "too many waited for one"))
    }

    fn new(words: (&'static str, &'static str, &'static str)) -> Self {
        Self { words, all: 0, reported: 0, last: None }
    }

    pub(super) fn add(&mut self, count: u64) {
        self.all = self.all.saturating_add(count);
    }

    /// There were so many in all.
    pub(super) fn set(&mut self, all: u64) {
        self.all = all;
    }

    /// Says what was lost, where it grew and the last report was a second ago or more; how many
    /// were not reported before.
    pub(super) fn report(&mut self) -> Option<u64> {
        let now = Instant::now();
        let is_early = self.last.is_some_and(|last| now.duration_since(last) < REPORT_PAUSE);
        if self.all == self.reported || is_early {
            return None;
        }
        self.last = Some(now);
        self.say("so far");
        Some(self.take())
    }

    /// Says at the end what was lost in all; how many were not reported before.
    pub(super) fn report_all(&mut self) -> Option<u64> {
        if self.all > 0 {
            self.say("in all");
        }
        Some(self.take()).filter(|new| *new > 0)
    }

    fn take(&mut self) -> u64 {
        self.all - std::mem::replace(&mut self.reported, self.all)
    }

    fn say(&self, when: &str) {
        let (one, many, why) = self.words;
        let what = if self.all == 1 { one } else { many };
        output::complain(&format!("{} {what} {when}: {why}", self.all));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_report_a_second_and_all_at_the_end() {
        let mut losses = Losses::of_the_bus();
        assert_eq!((losses.report(), losses.report_all()), (None, None));
        losses.add(3);
        assert_eq!(losses.report(), Some(3));
        losses.add(2);
        assert_eq!(losses.report(), None, "too early");
        tokio::time::advance(REPORT_PAUSE).await;
        assert_eq!((losses.report(), losses.report()), (Some(2), None));
        losses.add(1);
        assert_eq!((losses.report(), losses.report_all()), (None, Some(1)));
        assert_eq!(losses.report_all(), None);
    }
}
