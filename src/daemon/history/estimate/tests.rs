//! Estimates of a file whose lives are known: where each line was written is known here, too.

use jiff::tz::TimeZone;

use super::super::{Backwards, Format, Line};
use super::*;
use crate::daemon::lives::{Console, Lives};
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

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
            lives.push(LifeSpan {
                started_ms,
                ended_ms,
                is_crash: says_last,
                is_failed: says_last,
            });
            at_ms += away;
        }
    }
    Written { text, times, lives, since_ms, is_err, every_ms: every }
}

/// The estimates of a file with that text, made and written last then.
fn estimates(text: &str, is_err: bool, lives: Lives, span: (i64, i64)) -> Vec<i64> {
    lines(text, is_err, lives, span).iter().map(|line| line.at_ms).collect()
}

/// The lines of such a file.
fn lines(text: &str, is_err: bool, lives: Lives, (made_ms, to_ms): (i64, i64)) -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    std::fs::write(&path, text).unwrap();
    let format = Format { declared: None, zone: TimeZone::UTC, is_err };
    let mut file = Backwards::open(&path, None, format).unwrap().of_lives(lives);
    let (size, made) = (text.len() as u64, Some(made_ms));
    file.span = Span { from_ms: made_ms, made_ms: made, to_ms, size, full: size };
    (file.reference_ms, file.upper.at_ms, file.latest_ms) = (to_ms, to_ms, to_ms);
    (file.behind_ms, file.written_ms) = (to_ms, to_ms);
    let mut all: Vec<Line> = std::iter::from_fn(|| file.next().unwrap()).collect();
    all.reverse();
    all
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
    for n in 0..100 {
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

/// A log of the daemon that tells one start and no end; the time zone is this machine's.
fn one_start(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap();
    let at = TimeZone::system().to_datetime(at);
    format!("{at}: PM2 log: App [a:0] starting in -fork mode-\n{at}: PM2 log: App [a:0] online\n")
}

/// Lives with one start: lines of which one is unlike the others, at any place. What the file begins with is
/// said again behind it, and is no beginning. The log tells the start, or it is gone and the file was made then.
#[test]
fn what_is_said_again_begins_no_life_where_none_ended() {
    let since_ms = 1_000_000;
    for (log, made_ms) in [
        (one_start(since_ms), since_ms - 20),
        (one_start(since_ms), 1_000),
        (String::new(), since_ms - 20),
    ] {
        for place in 0..13 {
            for (count, is_err) in [(13, true), (13, false), (400, false)] {
                let say = |n: usize| if n == place { "level set\n" } else { "tick alive\n" };
                let text: String = (0..count).map(say).collect();
                let lives = Lives::since_for_test(since_ms, &log);
                let to_ms = since_ms + count as i64 * 1_000;
                let times = estimates(&text, is_err, lives, (made_ms, to_ms));
                let mut before = if log.is_empty() { made_ms } else { since_ms };
                for (n, at_ms) in times.iter().enumerate() {
                    let truly = since_ms + 1_000 * (n as i64 + 1);
                    assert!(*at_ms >= before, "{place}: {n} at {at_ms}: {times:?}");
                    let off = (at_ms - truly).abs();
                    assert!(off <= 1_500 + to_ms / 1_000, "{place}: {n} at {at_ms}: {times:?}");
                    before = *at_ms;
                }
            }
        }
    }
}

/// A life whose first words another may have said, too: what may be of the time asked for is kept.
#[test]
fn what_may_be_of_a_time_is_bounded_by_what_is_certain() {
    let life = LifeSpan {
        started_ms: Some(1_000_000),
        ended_ms: 1_020_000,
        is_crash: false,
        is_failed: false,
    };
    let text = "up\ntick\nother\nup\ntick\nmore\n";
    let lives = Lives::for_test(vec![life], Some(1_021_000));
    let bounds = lines(text, false, lives, (1_000_000, 1_040_000)).into_iter();
    for line in bounds {
        assert_eq!(line.bounds_ms, Some((1_000_000, 1_040_000)), "{line:?}");
    }
}

/// Lines numbered on in each life from 1, and nothing else: what is numbered on is of the life that ended.
#[test]
fn what_is_numbered_on_is_before_the_end_of_its_life() {
    let (mut text, mut lives, mut owner) = (String::new(), Vec::new(), Vec::new());
    for n in 0..4_i64 {
        let begun_ms = 1_000_000 + n * 15_000;
        let count = [13, 9, 13, 5][n as usize];
        for line in 1..=count {
            text = text + "charge " + &line.to_string() + "\n";
            owner.push((begun_ms, begun_ms + 14_000));
        }
        if n < 3 {
            let (started_ms, ended_ms) = (Some(begun_ms), begun_ms + 13_000);
            lives.push(LifeSpan { started_ms, ended_ms, is_crash: true, is_failed: true });
        }
    }
    let lives = Lives::for_test(lives, Some(1_045_000));
    let times = estimates(&text, false, lives, (1_000_000, 1_050_000));
    for (n, (at_ms, (from_ms, to_ms))) in times.iter().zip(owner).enumerate() {
        assert!((from_ms..to_ms).contains(at_ms), "{n} at {at_ms}: {times:?}");
    }
}

/// What a life says first on its output it says when it begins; on standard error that may come at any time.
#[test]
fn what_is_first_on_standard_error_is_between_its_neighbours() {
    let life = |n: i64| {
        let begun_ms = 1_000_000 + n * 10_000;
        LifeSpan {
            started_ms: Some(begun_ms),
            ended_ms: begun_ms + 9_000,
            is_crash: false,
            is_failed: false,
        }
    };
    let text = "late\nother\n".repeat(3);
    for (is_err, wanted) in [(false, 1_010_999), (true, 1_013_666)] {
        let lives = Lives::for_test(vec![life(0), life(1)], Some(1_020_000));
        let told = lines(&text, is_err, lives, (1_000_000, 1_030_000));
        assert_eq!((told[2].at_ms, told[2].is_estimated), (wanted, true), "{told:?}");
        assert!(told.is_sorted_by_key(|line| line.at_ms), "{told:?}");
    }
}

/// Lives whose first words are all that the file has, one more than is known: when each was said nobody can tell.
/// Where one ended and the next began in a second, an estimate of that second is behind both.
#[test]
fn first_words_stand_behind_the_end_and_the_start_of_their_second() {
    let begun_ms = |n: i64| 1_000_400 + n * 2_100;
    let second = |ms: i64| ms - ms % 1_000;
    let life = |n: i64| {
        let (started_ms, ended_ms) = (Some(second(begun_ms(n))), second(begun_ms(n + 1)));
        LifeSpan { started_ms, ended_ms, is_crash: false, is_failed: false }
    };
    // Of the sixth nobody told: the daemon was killed.
    let lives: Vec<LifeSpan> = (0..20).filter(|n| *n != 5).map(life).collect();
    let is_turn = |two: &&[LifeSpan]| two[1].started_ms == Some(two[0].ended_ms);
    let turns = lives.windows(2).filter(is_turn).map(|two| two[0].ended_ms);
    let turns: Vec<i64> = turns.collect();
    let text: String = (0..21).fold(String::new(), |text, n| text + &format!("start pid {n}\n"));
    for (since_ms, to_ms) in [(begun_ms(20), begun_ms(20) + 50), (begun_ms(20), begun_ms(21))] {
        let lives = Lives::for_test(lives.clone(), Some(since_ms));
        let times = estimates(&text, false, lives, (1_000_000, to_ms));
        assert!(times.is_sorted(), "{times:?}");
        for at_ms in &times {
            let is_turn = turns.contains(&second(*at_ms));
            assert!(!is_turn || *at_ms >= second(*at_ms) + 999, "{at_ms}: {times:?}");
        }
    }
}

/// Whole seconds, on standard error, of a file that may begin with the last words of a life: those end it.
#[test]
fn last_words_of_a_second_are_before_the_end() {
    let life = LifeSpan { started_ms: Some(0), ended_ms: 5_000, is_crash: true, is_failed: true };
    let next =
        LifeSpan { started_ms: Some(5_000), ended_ms: 9_000, is_crash: true, is_failed: true };
    let at = |s: u32, text: &str| format!("1970-01-01T00:00:0{s}: {text}\n");
    let times = |first: u32| {
        let text = at(first, "LAST 1") + &at(5, "LAST 2") + &at(9, "LAST 3");
        let lives = Lives::for_test(vec![life, next], Some(9_300));
        estimates(&text, true, lives, (0, 9_900))
    };
    assert_eq!(times(5), [5_000, 5_000, 9_000], "a life may end so");
    assert_eq!(times(4), [4_000, 5_000, 9_000], "none began then");
    assert_eq!(times(0), [0, 5_999, 9_999], "a life begins so");
}

/// Lives that failed and said why, among some that somebody restarted; all say other things on standard error.
/// When each last word was said, truly and by estimate, in whole seconds.
fn failures(chance: &mut Chance, last: &str) -> Vec<(i64, i64)> {
    let (mut text, mut lives, mut ends) = (String::new(), Vec::new(), Vec::new());
    let (mut at_ms, mut to_ms, mut line) = (1_000_000, 1_000_000, 0);
    for _ in 0..2 + chance.below(7) {
        let started_ms = at_ms;
        for n in 0..chance.below(6) {
            at_ms += 1_000 + chance.below(30_000) as i64;
            (line, to_ms) = (line + 1, at_ms);
            let what = ["get", "put"][chance.below(2) as usize];
            text.extend(["warn: ", what, " took ", &n.to_string(), " ms\n"]);
        }
        at_ms += 1_000 + chance.below(30_000) as i64;
        let is_failed = chance.below(2) == 0;
        if is_failed {
            text.extend([last, " ", &at_ms.to_string(), "\n"]);
            ends.push((line, at_ms));
            (line, to_ms) = (line + 1, at_ms);
        }
        let second = |ms: i64| Some(ms - ms % 1_000);
        let (started_ms, ended_ms) = (second(started_ms), at_ms - at_ms % 1_000);
        lives.push(LifeSpan { started_ms, ended_ms, is_crash: is_failed, is_failed });
        at_ms += 150;
    }
    let since_ms = at_ms;
    for n in 0..chance.below(3) {
        (at_ms, to_ms) = (at_ms + 5_000, at_ms + 5_000);
        text.extend(["warn: get took ", &n.to_string(), " ms\n"]);
    }
    let lives = Lives::for_test(lives, Some(since_ms));
    let told = lines(&text, true, lives, (1_000_000, to_ms));
    let time = |(line, truly): (usize, i64)| {
        let line = &told[line];
        assert!(line.is_estimated, "{line:?}");
        // When it was is not certain: it may be wanted of any time of the file.
        assert_eq!(line.bounds_ms.unwrap().0, 1_000_000, "{line:?}");
        (truly / 1_000, line.at_ms / 1_000)
    };
    ends.into_iter().map(time).collect()
}

#[test]
fn last_words_are_of_lives_that_failed_not_of_those_that_somebody_ended() {
    for (last, at_least) in [("FATAL: no database", 100), ("ERROR: no port", 100), ("no port", 80)]
    {
        let mut chance = Chance(29);
        let all: Vec<(i64, i64)> = (0..200).flat_map(|_| failures(&mut chance, last)).collect();
        let right = all.iter().filter(|(truly, told)| truly == told).count();
        assert!(right * 100 >= at_least * all.len(), "{last}: {right} of {}: {all:?}", all.len());
    }
}

/// Right before an error that says its time, what says none was said with it, not somewhere between the times.
#[test]
fn what_stands_before_an_error_was_said_with_it() {
    let at = |s: u32, text: &str| format!("1970-01-01T00:00:{s:02}Z {text}\n");
    let times = |behind: &str, is_err: bool| {
        let text = at(10, "INFO up") + "one\ntwo\n" + &at(40, behind);
        estimates(&text, is_err, Lives::for_test(Vec::new(), Some(0)), (0, 40_000))
    };
    for error in ["Error: no database\n    at a (/srv/a.js:1:1)", "ERROR no database"] {
        let told = times(error, true);
        assert_eq!(told.get(..4), Some(&[10_000, 25_000, 40_000, 40_000][..]), "{error}");
    }
    assert_eq!(times("INFO other", true), [10_000, 20_000, 30_000, 40_000]);
    assert_eq!(times("ERROR no database", false), [10_000, 20_000, 30_000, 40_000]);
}

/// Without times nothing in a file tells that it was emptied: what was emptied with it does.
#[test]
fn what_a_file_holds_was_written_since_it_was_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str, at_ms: i64| {
        let file = std::fs::File::create(path(name)).unwrap();
        std::io::Write::write_all(&mut &file, text.as_bytes()).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(at_ms.unsigned_abs());
        file.set_modified(at).unwrap();
    };
    let made_ms = crate::daemon::clock::now_ms();
    let (flushed_ms, to_ms) = (made_ms + 600_000, made_ms + 700_000);
    let text = (1..=100).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n") + "\n";
    let times = |since_ms: i64| -> Vec<i64> {
        let mut info = ProcessInfo::new(PmId(0), "a", ProcessStatus::Online);
        info.online_since_ms = Some(since_ms);
        let logs = ["out.log", "err.log"].map(|name| path(name).to_str().unwrap().into());
        [info.logs.out, info.logs.err] = logs.map(Some);
        let lives = Lives::of(&Lives::asked_of(&info), &Console::of(folder.path()));
        let format = Format { declared: None, zone: TimeZone::UTC, is_err: false };
        let mut file = Backwards::open(&path("out.log"), None, format).unwrap().of_lives(lives);
        let all = std::iter::from_fn(|| file.next().unwrap());
        all.inspect(|line| assert!(line.bounds_ms.unwrap().0 < made_ms + 5_000, "it is a guess"))
            .map(|line| line.at_ms)
            .collect()
    };
    write("out.log", &text, to_ms);
    write("err.log", "", made_ms + 10);
    let first = |times: Vec<i64>| *times.last().unwrap() - made_ms;
    assert!(first(times(made_ms)) < 20_000, "the other one was always empty");
    write("err.log", "", flushed_ms);
    assert!((600_000..=602_000).contains(&first(times(made_ms))));
    let begun = first(times(made_ms + 650_000));
    assert!((600_000..=651_000).contains(&begun), "of a life before, or of this one: {begun}");
    write("err.log", "", to_ms + 5_000);
    assert!(first(times(made_ms)) < 20_000, "it was emptied behind what this one holds");
    // Both are written again: another app's is not, and the daemon's own log has nothing of before.
    write("err.log", "oh\n", to_ms);
    std::fs::create_dir(path("logs")).unwrap();
    write("logs/other-error.log", "", flushed_ms);
    let said = |at_ms: i64| one_start(at_ms - at_ms % 1_000).replace("[a:0]", "[other:1]");
    write("pm2.log", &said(made_ms - 5_000), to_ms);
    assert!(first(times(made_ms)) < 20_000, "it was not flushed then");
    write("pm2.log", &said(flushed_ms + 50_000), to_ms);
    assert!((600_000..=602_000).contains(&first(times(made_ms))));
    write("pm2.log", "", flushed_ms + 20_000);
    assert!((620_000..=622_000).contains(&first(times(made_ms))));
}

/// A log of errors of two processes: one of them fails now and then, and the other one goes on.
#[test]
fn what_is_said_last_in_a_file_of_several_processes_is_dated_to_an_end() {
    let at = |ms: i64| {
        let at = jiff::Timestamp::from_millisecond(ms).unwrap();
        TimeZone::system().to_datetime(at)
    };
    let made_ms = 1_000_000_000;
    let ends = [20_000, 50_000].map(|ms| made_ms + ms);
    let log = ends.map(|end| {
        let (start, end) = (at(end - 10_000), at(end));
        format!(
            "{start}: PM2 log: App [a:1] starting in -fork mode-\n\
             {end}: PM2 log: App [a:1] exited with code [1] via signal [SIGINT]\n"
        )
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pm2.log"), log.concat()).unwrap();
    let infos = [0, 1].map(|id| {
        let mut info = ProcessInfo::new(PmId(id), "a", ProcessStatus::Online);
        (info.online_since_ms, info.restarts) = (Some(made_ms), 2 * id);
        info
    });
    let ticks = |count: usize| "tick alive\n".repeat(count);
    let trace = "Error: lost\n    at a (/srv/a.js:1:1)\n\nNode.js v20.20.2\n";
    // Little is said before the first end, much behind the second.
    let text = [&ticks(3), trace, &ticks(5), trace, &ticks(60)].concat();
    let lives = Lives::of_several(&infos, &Console::of(folder.path()));
    assert_eq!(lives.ended().len(), 2);
    let read = lines(&text, true, lives, (made_ms, made_ms + 90_000));
    assert!(read.is_sorted_by_key(|line| line.at_ms));
    let said: Vec<i64> =
        read.iter().filter(|line| &*line.bytes == b"Error: lost").map(|line| line.at_ms).collect();
    assert_eq!(said, ends);
    let is_doubtful = |line: &Line| line.bounds_ms == Some((made_ms, made_ms + 90_000));
    assert!(read.iter().all(is_doubtful), "whose words they are is not known");
}
