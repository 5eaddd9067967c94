//! Estimates of a file whose lives are known: where each line was written is known here, too.

use jiff::tz::TimeZone;

use super::super::{Backwards, Format};
use super::*;
use crate::daemon::lives::Lives;

/// Numbers that look like chance, the same ones each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What a process wrote, and when.
struct Written {
    text: String,
    times: Vec<i64>,
    /// The lives that ended, and since when the last one is.
    lives: Vec<LifeSpan>,
    since_ms: i64,
    is_err: bool,
    /// The time between two lines of a life.
    every_ms: i64,
}

/// Lives of some seconds, some time apart; each line with a number, some lives with first and last words.
fn written(chance: &mut Chance) -> Written {
    let (mut text, mut times, mut lives) = (String::new(), Vec::new(), Vec::new());
    let [says_first, says_last, is_err] = [0; 3].map(|_| chance.below(2) == 0);
    let (count, every) = (1 + chance.below(40), 20 + chance.below(2_000) as i64);
    let away = [300, 3_000, 40_000][chance.below(3) as usize];
    let (mut at_ms, mut number, mut since_ms) = (1_000_000, 0, 0);
    for life in 0..count {
        since_ms = at_ms;
        let mut say = |at_ms: i64, line: &str| {
            text.push_str(line);
            times.extend(line.lines().map(|_| at_ms));
        };
        at_ms += 50;
        if says_first {
            say(at_ms, "listening on 8080\n");
        }
        for _ in 0..=chance.below(120) {
            at_ms += every / 2 + chance.below(every as u64) as i64;
            number += 1;
            say(
                at_ms,
                &format!(
                    "handled {} of {}\n",
                    ["get", "put", "list"][chance.below(3) as usize],
                    number
                ),
            );
        }
        if life + 1 < count {
            at_ms += 10;
            if says_last {
                say(at_ms, "Error: lost\n    at a (/srv/a.js:1:1)\n\nNode.js v20.20.2\n");
            }
            let second = |ms: i64| ms - ms % 1_000;
            let (started_ms, ended_ms) = (Some(second(since_ms)), second(at_ms));
            lives.push(LifeSpan { started_ms, ended_ms, is_crash: says_last });
            at_ms += away;
        }
    }
    Written { text, times, lives, since_ms, is_err, every_ms: every }
}

/// The estimates of a file with that text, made and written last then.
fn estimates(text: &str, is_err: bool, lives: Lives, (made_ms, to_ms): (i64, i64)) -> Vec<i64> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    std::fs::write(&path, text).unwrap();
    let format = Format { declared: None, zone: TimeZone::UTC, is_err };
    let mut file = Backwards::open(&path, None, format).unwrap().of_lives(lives);
    let (size, made) = (text.len() as u64, Some(made_ms));
    file.span = Span { from_ms: made_ms, made_ms: made, to_ms, size, full: size };
    (file.reference_ms, file.upper.at_ms, file.latest_ms) = (to_ms, to_ms, to_ms);
    (file.behind_ms, file.written_ms) = (to_ms, to_ms);
    let mut times: Vec<i64> =
        std::iter::from_fn(|| file.next().unwrap()).map(|line| line.at_ms).collect();
    times.reverse();
    times
}

impl Written {
    /// Its estimates.
    fn estimates(&self) -> Vec<i64> {
        let lives = Lives::for_test(self.lives.clone(), Some(self.since_ms));
        let span = (1_000_000, *self.times.last().unwrap());
        estimates(&self.text, self.is_err, lives, span)
    }

    /// Whether a life was there then, as far as whole seconds tell.
    fn was_on(&self, at_ms: i64) -> bool {
        let is_within = |life: &LifeSpan| {
            (life.started_ms.unwrap()..=life.ended_ms + SECOND_MS + 1).contains(&at_ms)
        };
        at_ms >= self.since_ms - self.since_ms % 1_000 || self.lives.iter().any(is_within)
    }
}

#[test]
fn estimates_are_stable_in_order_and_within_lives() {
    let mut chance = Chance(11);
    for n in 0..300 {
        let written = written(&mut chance);
        let times = written.estimates();
        assert_eq!(times, written.estimates(), "{n}: at each look");
        assert_eq!(times.len(), written.times.len());
        let last = *written.times.last().unwrap();
        let mut before = 1_000_000;
        for (line, at_ms) in times.iter().enumerate() {
            assert!((before..=last).contains(at_ms), "{n}: line {line} at {at_ms} behind {before}");
            assert!(written.was_on(*at_ms), "{n}: line {line} at {at_ms}: {:?}", written.lives);
            before = *at_ms;
        }
        // Where one part of the file ends and the next begins is no pause.
        let real = written.times.windows(2).map(|two| two[1] - two[0]).max().unwrap_or(0);
        let most = real + 3 * written.every_ms + 3_000;
        let lines: Vec<&str> = written.text.lines().collect();
        for line in 1..times.len() {
            let (told, truly) = (&times[line - 1..=line], &written.times[line - 1..=line]);
            let words = &lines[line - 1..=line];
            assert!(
                told[1] - told[0] <= most,
                "{n}: {line} {words:?}: {told:?}, truly {truly:?} {most}"
            );
        }
    }
}

/// An app that was deleted and started again, with the same id or another one: nothing of it was written
/// while it was not there.
#[test]
fn what_is_started_again_wrote_nothing_while_it_was_not_there() {
    let log = |id: u32| {
        let line = |ms: i64, said: &str| {
            let at = jiff::Timestamp::from_millisecond(ms).unwrap();
            let at = TimeZone::system().to_datetime(at);
            format!("{at}: PM2 log: App [a:{id}] {said}\n")
        };
        let exit = "exited with code [0] via signal [SIGINT]";
        line(1_000_000, "starting in -fork mode-")
            + &line(1_000_000, "online")
            + &line(1_060_000, exit)
    };
    let lives = |log: &str| Lives::since_for_test(1_500_300, log);
    for id in [0, 3] {
        let text: String = (0..1_000).fold(String::new(), |text, n| text + &format!("tick {n}\n"));
        let times = estimates(&text, false, lives(&log(id)), (1_000_000, 1_560_000));
        let is_off = |at_ms: &&i64| (1_061_000..1_500_000).contains(*at_ms);
        assert_eq!(times.iter().find(is_off), None, "{id}");
        let before = times.iter().filter(|at_ms| **at_ms < 1_061_000).count();
        assert!((450..550).contains(&before), "{id}: {before} of them before it was deleted");
    }
}
