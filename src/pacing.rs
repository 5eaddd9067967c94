//! When the next frame is due: the rule that keeps keys quick on a slow link.
//!
//! A terminal is asked for its status (`ESC[5n`) behind each frame, and answers (`ESC[0n`) once it has
//! drawn it. Frames wait in the buffers of ssh and of the kernel otherwise, and a key behind them.
//!
//! Invariant: a frame that data alone caused is drawn only when all frames before it are on the
//! screen, so that at most one of them is ahead of a key; a frame for a key is drawn at once, at most
//! [`KEY_FRAMES_MAX`] of them are under way. Nothing is waited for without a bound. Where an answer
//! is overdue, one more frame asks again: if it was lost, the next one tells. An answer that nobody
//! asked for changes nothing: nothing waits for a terminal that answered once. Pure: time arrives as an
//! argument.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two frames: 30 a second, also for keys.
const FRAME_INTERVAL_MIN: Duration = Duration::from_millis(33);
/// The shortest time between two frames that only data caused: 10 a second.
const DATA_INTERVAL_MIN: Duration = Duration::from_millis(100);
/// The same where the user says that the link is slow.
const SLOW_DATA_INTERVAL_MIN: Duration = Duration::from_secs(1);
/// How long a terminal has for its first answer; one that took longer is not asked again.
const FIRST_ANSWER_WAIT: Duration = Duration::from_secs(1);
/// So many answers make sure that it is the terminal that answers: anyone may send one.
const ANSWERS_MIN: u8 = 2;
/// The same of a terminal that did not answer in time.
const LATE_ANSWERS_MIN: u8 = 8;
/// How long a terminal that has answered once has for its second answer.
const SECOND_ANSWER_WAIT: Duration = Duration::from_secs(2);
/// How long data waits for an answer of a terminal that has answered before.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// An answer that takes longer than this, and than [`OVERDUE_DELAYS`] usual ones, may be lost: one more
/// frame of data asks again.
const OVERDUE_MIN: Duration = Duration::from_secs(2);
/// See [`OVERDUE_MIN`].
const OVERDUE_DELAYS: u32 = 4;
/// What the pause after an answer takes for the delay of the link is at most twice the usual one and
/// this: a stall that is over is no slow link.
const STALL: Duration = Duration::from_millis(200);
/// Frames that may be under way before a frame for a key waits, too: a key that is held down.
const KEY_FRAMES_MAX: usize = 4;
/// How long it waits then.
const KEY_WAIT: Duration = Duration::from_secs(1);
/// Data for a terminal that does not answer, whose link nobody can measure: bytes a second.
const UNMEASURED_BYTES_PER_S: u32 = 4_000;
/// The longest pause that the size of a frame or the delay of its answer makes.
const REST_MAX: Duration = Duration::from_secs(2);
/// From this delay on a link is slow.
const SLOW_DELAY: Duration = Duration::from_millis(100);
/// For so long frames for keys may leave data out.
const KEEP_MAX: Duration = Duration::from_secs(2);

/// What is known of the terminal's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// It was asked for the first time.
    Unknown,
    /// It answers.
    Given,
    /// It does not, and is not asked.
    Never,
    /// It did not in time; then an answer came, which may be a late one, or nobody's. It is asked again,
    /// and nothing waits for that.
    Doubted,
}

/// The frames so far, and what the terminal said about them.
#[derive(Debug)]
pub(crate) struct Pacing {
    /// Whether the user says that the link is slow.
    is_slow: bool,
    /// Whether a key or a resize waits to be shown.
    is_urgent: bool,
    /// When the last frame was drawn, and its bytes.
    last: Option<(Instant, u32)>,
    /// When the last frame was drawn that left nothing out.
    last_whole: Option<Instant>,
    answers: Answers,
    /// How many questions it has answered, up to [`LATE_ANSWERS_MIN`].
    heard: u8,
    /// When the questions were asked that are not answered yet, oldest first.
    asked: VecDeque<Instant>,
    /// How many frames have had a question behind them.
    sent: u64,
    /// How many of them the terminal has drawn, as far as it said so.
    shown: u64,
    /// When the last answer came, and how long after its question.
    answered: Option<(Instant, Duration)>,
    /// How long answers take, in the mean of the last few.
    delay: Option<Duration>,
}

impl Pacing {
    /// For a terminal that was just asked for the first time.
    pub(crate) fn new(is_slow: bool, now: Instant) -> Self {
        Self {
            is_slow,
            is_urgent: true,
            last: None,
            last_whole: None,
            answers: Answers::Unknown,
            heard: 0,
            asked: VecDeque::from([now]),
            sent: 1,
            shown: 0,
            answered: None,
            delay: None,
        }
    }

    /// Makes the next change be shown as soon as a key's would.
    pub(crate) fn hurry(&mut self) {
        self.is_urgent = true;
    }

    /// When the next frame is due, if there is something to draw; `now` if it may be the first.
    pub(crate) fn due(&self, now: Instant) -> Instant {
        let Some((last, bytes)) = self.last else { return now };
        if self.is_urgent {
            let due = last + FRAME_INTERVAL_MIN;
            let is_full = self.asked.len() >= KEY_FRAMES_MAX && self.is_measured();
            let oldest = self.asked.front().filter(|_| is_full);
            return oldest.map_or(due, |oldest| due.max(*oldest + KEY_WAIT));
        }
        let interval = if self.is_slow { SLOW_DATA_INTERVAL_MIN } else { DATA_INTERVAL_MIN };
        let due = last + interval;
        if !self.is_measured() {
            let rest = Duration::from_secs(1) * bytes / UNMEASURED_BYTES_PER_S;
            return due.max(last + rest.min(REST_MAX));
        }
        match (self.asked.front(), self.answered) {
            // The frame that asks again.
            (Some(oldest), _) if self.answers == Answers::Given && self.asked.len() == 1 => {
                due.max(*oldest + self.overdue())
            }
            (Some(oldest), _) => due.max(*oldest + self.patience()),
            // The link is left free for a while, so that most keys find nothing ahead of them.
            (None, Some((at, took))) => due.max(at + (took / 2).min(REST_MAX)),
            (None, None) => due,
        }
    }

    /// Whether it is known how quick the link is, or will be soon.
    fn is_measured(&self) -> bool {
        !matches!(self.answers, Answers::Never | Answers::Doubted)
    }

    /// How long an answer is waited for.
    fn patience(&self) -> Duration {
        match self.answers {
            Answers::Unknown => FIRST_ANSWER_WAIT,
            Answers::Given if self.heard < ANSWERS_MIN => SECOND_ANSWER_WAIT,
            Answers::Given | Answers::Never | Answers::Doubted => ANSWER_WAIT,
        }
    }

    /// From when on an answer is overdue.
    fn overdue(&self) -> Duration {
        let usual = self.delay.unwrap_or_default();
        (usual * OVERDUE_DELAYS).clamp(OVERDUE_MIN, ANSWER_WAIT)
    }

    /// The number of the last frame that had a question behind it.
    pub(crate) fn last_asked(&self) -> u64 {
        self.sent
    }

    /// Whether a frame is on the screen, and so all before it, as far as can be known: of a terminal that
    /// has never answered nothing is.
    pub(crate) fn is_shown(&self, frame: u64, now: Instant) -> bool {
        let is_late = || self.asked.back().is_none_or(|asked| now >= *asked + ANSWER_WAIT);
        self.answers != Answers::Given || frame <= self.shown || is_late()
    }

    /// Whether the frame that is drawn now may leave new lines of the log out: it is for a key, and
    /// on a slow link they would delay it.
    pub(crate) fn leaves_data_out(&self, now: Instant) -> bool {
        let is_slow = self.is_slow
            || !self.is_measured()
            || self.delay.is_some_and(|delay| delay >= SLOW_DELAY);
        let is_recent = self.last_whole.is_some_and(|last| now < last + KEEP_MAX);
        self.is_urgent && is_slow && is_recent
    }

    /// Decides, just before a frame is drawn, whether the terminal is asked behind it.
    pub(crate) fn asks(&mut self, now: Instant) -> bool {
        if self.asked.front().is_some_and(|oldest| now >= *oldest + self.patience()) {
            if self.answers != Answers::Given || self.heard < ANSWERS_MIN {
                self.answers = Answers::Never;
            }
            self.asked.clear();
            self.shown = self.sent;
        }
        // Of one that is doubted no more is asked than it has to answer.
        let is_enough = self.asked.len() >= KEY_FRAMES_MAX && self.answers == Answers::Doubted;
        self.answers != Answers::Never && !is_enough
    }

    /// Notes that a frame of so many bytes was handed over, `asked` with a question behind it.
    pub(crate) fn drawn(&mut self, now: Instant, bytes: usize, asked: bool, is_whole: bool) {
        self.is_urgent = false;
        self.last = Some((now, u32::try_from(bytes).unwrap_or(u32::MAX)));
        if is_whole {
            self.last_whole = Some(now);
        }
        if asked && bytes > 0 {
            if self.asked.len() >= KEY_FRAMES_MAX {
                self.asked.pop_front();
            }
            self.asked.push_back(now);
            self.sent += 1;
        }
    }

    /// Notes an answer of the terminal.
    pub(crate) fn answered(&mut self, now: Instant) {
        // One that is late by more than all patience is of no question that is known any more, nor is one
        // that nobody asked for.
        let Some(asked) = self.asked.pop_front() else {
            if self.answers == Answers::Never {
                (self.answers, self.heard) = (Answers::Doubted, 0);
            }
            return;
        };
        let (overdue, was_given) = (self.overdue(), self.answers == Answers::Given);
        self.heard = self.heard.saturating_add(1).min(LATE_ANSWERS_MIN);
        if self.answers == Answers::Doubted && self.heard < LATE_ANSWERS_MIN {
            return;
        }
        self.answers = Answers::Given;
        self.shown = self.sent.saturating_sub(u64::try_from(self.asked.len()).unwrap_or(u64::MAX));
        let took = now.saturating_duration_since(asked);
        if was_given && took >= overdue {
            // The answer to the first question was lost, and this is that to the last one; or the
            // terminal stood still, and the others come at once.
            self.asked.clear();
        }
        let usual = self.delay.map_or(took, |delay| delay * 2 + STALL);
        self.answered = Some((now, took.min(usual)));
        self.delay = Some(self.delay.map_or(took, |delay| (delay * 3 + took) / 4));
    }

    /// How long the terminal takes to show a frame and say so; `None` while that is not known.
    pub(crate) fn delay(&self) -> Option<Duration> {
        self.delay
    }

    /// Until when an answer may come that nobody would take after the program's end.
    pub(crate) fn answers_until(&self) -> Option<Instant> {
        self.asked.back().map(|asked| *asked + FIRST_ANSWER_WAIT)
    }

    /// Forgets all questions: the terminal was given back.
    pub(crate) fn forget_questions(&mut self) {
        self.asked.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A pacing whose terminal answered the first question after so many milliseconds, with a first
    /// frame drawn at once.
    fn answering(start: Instant, after: u32) -> Pacing {
        let mut pacing = Pacing::new(false, start);
        assert_eq!(pacing.due(start), start, "the first frame waits for nothing");
        draw(&mut pacing, start, 4_000);
        pacing.answered(start + MS * after);
        pacing.answered(start + MS * after);
        pacing
    }

    fn draw(pacing: &mut Pacing, at: Instant, bytes: usize) {
        let asked = pacing.asks(at);
        pacing.drawn(at, bytes, asked, true);
    }

    #[test]
    fn data_waits_for_the_answer_and_a_key_does_not() {
        let start = Instant::now();
        let mut pacing = answering(start, 10);
        assert_eq!(pacing.due(start), start + MS * 100, "ten a second");
        draw(&mut pacing, start + MS * 100, 1_000);
        assert_eq!(pacing.due(start), start + MS * 100 + OVERDUE_MIN, "one is under way");
        pacing.hurry();
        assert_eq!(pacing.due(start), start + MS * 133, "a key is drawn at once");
        draw(&mut pacing, start + MS * 133, 100);
        pacing.answered(start + MS * 500);
        assert_eq!(pacing.due(start), start + MS * 133 + OVERDUE_MIN, "so is the key's frame");
        pacing.answered(start + MS * 533);
        assert_eq!(pacing.due(start), start + MS * 733, "free for half of the 400 ms");
    }

    #[test]
    fn keys_that_come_quicker_than_the_link_do_not_pile_up() {
        let start = Instant::now();
        let mut pacing = answering(start, 10);
        for key in 1..=4 {
            pacing.hurry();
            let due = pacing.due(start);
            assert_eq!(due, start + MS * 33 * key);
            draw(&mut pacing, due, 300);
        }
        pacing.hurry();
        assert_eq!(pacing.due(start), start + MS * 33 + KEY_WAIT);
        pacing.answered(start + MS * 200);
        assert_eq!(pacing.due(start), start + MS * 33 * 5);
    }

    #[test]
    fn a_terminal_that_does_not_answer_is_not_asked_again() {
        let start = Instant::now();
        let mut pacing = Pacing::new(false, start);
        draw(&mut pacing, start, 4_000);
        assert_eq!(pacing.due(start), start + FIRST_ANSWER_WAIT);
        assert!(!pacing.asks(start + FIRST_ANSWER_WAIT));
        let second = start + FIRST_ANSWER_WAIT;
        pacing.drawn(second, 200, false, true);
        assert_eq!(pacing.due(start), second + MS * 100, "ten a second");
        pacing.drawn(second + MS * 100, 2_000, false, true);
        assert_eq!(pacing.due(start), second + MS * 600, "as many bytes as any link takes");
        pacing.drawn(second + MS * 600, 1_000_000, false, true);
        assert_eq!(pacing.due(start), second + MS * 600 + REST_MAX);
        // It was slow, not silent.
        pacing.answered(second + MS * 700);
        assert!(pacing.asks(second + MS * 800));
        assert_eq!(pacing.delay(), None, "nobody knows how slow");
    }

    #[test]
    fn an_answer_that_nobody_asked_for_changes_nothing() {
        let start = Instant::now();
        let mut silent = Pacing::new(false, start);
        draw(&mut silent, start, 4_000);
        let mut at = start + FIRST_ANSWER_WAIT;
        draw(&mut silent, at, 200);
        for turn in 0..150 {
            silent.hurry();
            assert!(silent.due(at) <= at + MS * 40 && silent.delay().is_none(), "nothing waits");
            if turn < 8 {
                silent.answered(at + MS);
            }
            draw(&mut silent, at + MS * 40, 200);
            assert_eq!(silent.due(at), at + MS * 140, "data comes as before");
            at += MS * 100;
        }
        assert!(!silent.asks(at), "it does not answer");
        let mut early = Pacing::new(false, start);
        draw(&mut early, start, 4_000);
        early.answered(start + MS * 10);
        assert_eq!(early.due(start), start + SECOND_ANSWER_WAIT);
        assert!(!early.asks(start + SECOND_ANSWER_WAIT));
    }

    #[test]
    fn a_terminal_that_answers_twice_is_as_quick_as_one_that_answers_once() {
        let start = Instant::now();
        let (mut once, mut twice) = (answering(start, 10), answering(start, 10));
        let mut at = start;
        for _ in 0..20 {
            at = once.due(at);
            assert_eq!(twice.due(at), at);
            for pacing in [&mut once, &mut twice] {
                draw(pacing, at, 1_000);
                pacing.answered(at + MS * 20);
            }
            twice.answered(at + MS * 20);
        }
    }

    #[test]
    fn a_terminal_that_was_slow_is_waited_for_once_it_answers() {
        let start = Instant::now();
        let mut pacing = Pacing::new(false, start);
        draw(&mut pacing, start, 4_000);
        let mut at = start + FIRST_ANSWER_WAIT;
        draw(&mut pacing, at, 200);
        pacing.answered(start + MS * 1_500);
        for _ in 0..8 {
            at += MS * 1_000;
            draw(&mut pacing, at, 200);
            assert!(pacing.due(at) < at + MS * 200, "it may be nobody's answer");
            pacing.answered(at + MS * 900);
        }
        draw(&mut pacing, at + MS * 1_000, 200);
        assert!(pacing.due(at) > at + MS * 3_000, "one is under way");
    }

    #[test]
    fn a_terminal_that_stops_answering_stops_data_for_ten_seconds_only() {
        let start = Instant::now();
        let mut pacing = answering(start, 10);
        let mut drawn = Vec::new();
        while drawn.len() < 6 {
            let due = pacing.due(start);
            assert!(pacing.asks(due), "it is asked again");
            pacing.drawn(due, 500, true, true);
            drawn.push((due - start).as_millis());
        }
        // One after ten seconds, and one that asks again two seconds after it.
        assert_eq!(drawn, [100, 2_100, 10_100, 12_100, 20_100, 22_100]);
    }

    #[test]
    fn a_lost_answer_costs_data_two_seconds() {
        let start = Instant::now();
        let mut pacing = answering(start, 10);
        let lost = start + MS * 100;
        draw(&mut pacing, lost, 500);
        let again = pacing.due(start);
        assert_eq!(again, lost + OVERDUE_MIN, "one more frame asks again");
        draw(&mut pacing, again, 500);
        assert_eq!(pacing.due(start), lost + ANSWER_WAIT, "and no other");
        pacing.answered(again + MS * 10);
        assert!(pacing.due(start) <= again + MS * 200, "{:?}", pacing.due(start) - again);
        draw(&mut pacing, again + MS * 200, 500);
        pacing.answered(again + MS * 210);
        assert!(pacing.due(start) <= again + MS * 500, "the lost one is forgotten");
    }

    #[test]
    fn a_stall_that_is_over_leaves_no_long_pause() {
        let start = Instant::now();
        let mut pacing = answering(start, 10);
        draw(&mut pacing, start + MS * 100, 500);
        draw(&mut pacing, start + MS * 2_100, 500);
        for _ in 0..2 {
            pacing.answered(start + MS * 5_000);
        }
        assert!(pacing.due(start) < start + MS * 5_200, "{:?}", pacing.due(start) - start);
    }

    #[test]
    fn a_frame_is_shown_once_the_terminal_says_so() {
        let start = Instant::now();
        let mut pacing = answering(start, 10);
        draw(&mut pacing, start + MS * 100, 500);
        pacing.hurry();
        draw(&mut pacing, start + MS * 133, 500);
        let frame = pacing.last_asked();
        assert!(!pacing.is_shown(frame, start + MS * 900));
        pacing.answered(start + MS * 900);
        assert!(!pacing.is_shown(frame, start + MS * 900), "that was the one before");
        pacing.answered(start + MS * 950);
        assert!(pacing.is_shown(frame, start + MS * 950));
        // A terminal that answers no more is taken at its word after a while.
        draw(&mut pacing, start + MS * 1_000, 500);
        let frame = pacing.last_asked();
        assert!(!pacing.is_shown(frame, start + MS * 10_900));
        assert!(pacing.is_shown(frame, start + MS * 11_000));
    }

    #[test]
    fn a_slow_link_has_a_frame_of_data_a_second() {
        let start = Instant::now();
        let mut pacing = Pacing::new(true, start);
        draw(&mut pacing, start, 100);
        pacing.answered(start + MS * 20);
        pacing.answered(start + MS * 20);
        assert_eq!(pacing.due(start), start + Duration::from_secs(1));
        pacing.hurry();
        assert_eq!(pacing.due(start), start + MS * 33);
    }

    #[test]
    fn data_is_left_out_for_keys_on_slow_links_and_not_for_long() {
        let start = Instant::now();
        let mut quick = answering(start, 20);
        quick.hurry();
        assert!(!quick.leaves_data_out(start + MS * 100));
        let mut slow = answering(start, 300);
        assert!(!slow.leaves_data_out(start + MS * 100), "this one is for data");
        slow.hurry();
        assert!(slow.leaves_data_out(start + MS * 100));
        slow.drawn(start + MS * 1_900, 100, false, false);
        slow.hurry();
        assert!(!slow.leaves_data_out(start + MS * 2_000), "a held key does not stop the log");
    }

    #[test]
    fn the_delay_is_that_of_the_last_few_answers() {
        let start = Instant::now();
        let mut pacing = answering(start, 400);
        assert_eq!(pacing.delay(), Some(MS * 400));
        let mut at = start;
        for _ in 0..20 {
            at = pacing.due(at);
            draw(&mut pacing, at, 100);
            at += MS * 40;
            pacing.answered(at);
        }
        assert!(pacing.delay().unwrap() < MS * 50, "{:?}", pacing.delay());
    }
}
