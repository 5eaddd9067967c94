//! Files read backwards.

mod costs;
mod long;
mod turns;

use super::*;
use crate::daemon::lives::LifeSpan;

fn read(text: &[u8]) -> Vec<(i64, bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    std::fs::write(&path, text).unwrap();
    let format = Format { declared: None, zone: TimeZone::UTC, is_err: false };
    let mut file = Backwards::open(&path, None, format).unwrap();
    let mut lines = Vec::new();
    while let Some(line) = file.next().unwrap() {
        let text = String::from_utf8_lossy(&line.bytes).into_owned();
        lines.push((line.at_ms, line.is_estimated, text));
    }
    lines.reverse();
    lines
}

#[test]
fn what_has_no_time_is_between_the_lines_around_it() {
    let text =
        b"before\n1970-01-01T00:00:01Z one\n  at x\n\nplain\nplain\n1970-01-01T00:00:04Z two\n\
                 1970-01-01T00:00:05Z three\n} of it";
    let all = read(text);
    let line = |at_ms, is_estimated, text: &str| (at_ms, is_estimated, text.to_owned());
    let wanted = [
        line(1_000, true, "before"),
        line(1_000, false, "1970-01-01T00:00:01Z one"),
        line(1_000, true, "  at x"),
        line(1_750, true, ""),
        line(2_500, true, "plain"),
        line(3_250, true, "plain"),
        line(4_000, false, "1970-01-01T00:00:04Z two"),
        line(5_000, false, "1970-01-01T00:00:05Z three"),
        line(5_000, true, "} of it"),
    ];
    assert_eq!(all, wanted);
}

#[test]
fn without_any_time_the_file_says_from_when_to_when() {
    let span = Span { from_ms: 1_000, made_ms: None, to_ms: 2_000, size: 100, full: 100 };
    assert_eq!([0, 50, 100, 200].map(|at| span.at(at)), [1_000, 1_500, 2_000, 2_000]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    std::fs::write(&path, b"one\ntwo\nthree\n").unwrap();
    let written_ms = files::written_ms(&File::open(&path).unwrap()).unwrap();
    let format = Format { declared: None, zone: TimeZone::UTC, is_err: false };
    let mut file = Backwards::open(&path, None, format).unwrap();
    let last = file.next().unwrap().unwrap();
    assert_eq!((last.at_ms, last.is_estimated), (written_ms, true));
    assert!(file.next().unwrap().unwrap().at_ms <= written_ms);
}

#[test]
fn what_is_looked_for_is_found_as_if_all_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let line = |n: usize| {
        format!(
            "{}needle {n} {}\n",
            if n.is_multiple_of(7) { "" } else { "no " },
            "x".repeat(n % 90)
        )
    };
    let text = (0..30_000).map(line).collect::<Vec<_>>().concat() + "needle at the end";
    std::fs::write(&path, text).unwrap();
    let format = || Format { declared: None, zone: TimeZone::UTC, is_err: false };
    let is_it = |line: &[u8]| line.starts_with(b"needle") && line.contains(&b'3');
    let none = |_: &[u8]| false;
    let mut all = Backwards::open(&path, None, format()).unwrap();
    let mut wanted = Vec::new();
    while let Some(line) = all.next().unwrap() {
        wanted.extend(Some(line.bytes).filter(|line| is_it(line)));
    }
    let mut file = Backwards::open(&path, None, format()).unwrap();
    let may_be_in = |lines: &[u8]| memchr::memmem::find(lines, b"3").is_some();
    let is_found = |line: &[u8], _: Option<InFile<'_>>| Ok(is_it(line));
    let sought = Sought { is_it: &is_found, may_be_in: &may_be_in };
    let mut found = Vec::new();
    while let Some(line) = file.next_sought(&sought).unwrap() {
        found.push(line.bytes);
    }
    assert!(found == wanted && found.len() > 500);
    let mut file = Backwards::open(&path, None, format()).unwrap();
    assert!(file.next_sought(&Sought { is_it: &is_found, may_be_in: &none }).unwrap().is_none());
}

#[test]
fn no_line_of_a_large_file_is_missing_or_twice() {
    let text = (0..200_000).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    let all = read(text.as_bytes());
    assert_eq!(all.len(), 200_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    std::fs::write(&path, &text).unwrap();
    let format = Format { declared: None, zone: TimeZone::UTC, is_err: false };
    let mut file = Backwards::open(&path, None, format).unwrap();
    for n in (0..200_000).rev() {
        if n % 9_999 == 0 {
            file.release();
        }
        assert_eq!(file.next().unwrap().unwrap().bytes, format!("line {n}").into_bytes());
    }
    assert!(file.next().unwrap().is_none());
    for (n, (_, is_estimated, line)) in all.iter().enumerate() {
        assert_eq!((line.as_str(), *is_estimated), (format!("line {n}").as_str(), true));
    }
    let long = vec![b'x'; 3 << 20];
    assert_eq!(read(&long).iter().map(|(_, _, line)| line.len()).sum::<usize>(), 3 << 20);
    assert!(read(b"").is_empty());
}

/// Lines of a file with that text, of a process with these lives: time, `~` where it is an estimate, how
/// bad, whether it goes on, text.
fn told(text: &str, written_ms: i64, known: Lives) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    std::fs::write(&path, text).unwrap();
    let format = Format { declared: None, zone: TimeZone::UTC, is_err: true };
    let mut file = Backwards::open(&path, None, format).unwrap().of_lives(known);
    let size = text.len() as u64;
    file.span = Span { from_ms: 0, made_ms: Some(0), to_ms: written_ms, size, full: size };
    (file.reference_ms, file.upper.at_ms) = (written_ms, written_ms);
    (file.behind_ms, file.written_ms) = (written_ms, written_ms);
    let mut lines = Vec::new();
    while let Some(line) = file.next().unwrap() {
        let sign = if line.is_estimated { "~" } else { "" };
        let level = line.level.map_or("-", Level::name);
        let more = if line.goes_on() { "+" } else { "" };
        let text = String::from_utf8_lossy(&line.bytes).into_owned();
        lines.push(format!("{sign}{} {level} {more}{}", line.at_ms, text.trim()));
    }
    lines.reverse();
    lines
}

fn ended(ended_ms: i64) -> LifeSpan {
    let started_ms = Some(ended_ms - 20_000);
    LifeSpan { started_ms, ended_ms, is_crash: true, is_failed: true }
}

/// Lives that began 20 s before they ended, at 30, 60 and 90 s, and one that goes on since 92 s.
fn lives() -> Lives {
    Lives::for_test([30_000, 60_000, 90_000].map(ended).to_vec(), Some(92_000))
}

#[test]
fn plain_lines_below_an_object_are_not_of_it() {
    let text = "\
{\"level\":\"error\",\"time\":\"1970-01-01T00:00:10Z\",\"msg\":\"no\"}
plain
again
{\"level\":\"info\",\"time\":\"1970-01-01T00:00:13Z\",\"msg\":\"on\"}
Error: boom
    at a (/srv/a.js:1:1)
    at b (/srv/a.js:2:1)
";
    let wanted = [
        "10000 error {\"level\":\"error\",\"time\":\"1970-01-01T00:00:10Z\",\"msg\":\"no\"}",
        "~11000 warn plain",
        "~12000 warn again",
        "13000 info {\"level\":\"info\",\"time\":\"1970-01-01T00:00:13Z\",\"msg\":\"on\"}",
        "~20000 error Error: boom",
        "~20000 error +at a (/srv/a.js:1:1)",
        "~20000 error +at b (/srv/a.js:2:1)",
    ];
    assert_eq!(told(text, 20_000, Lives::default()), wanted);
}

#[test]
fn last_words_are_at_the_end_of_the_life_that_said_them() {
    let start = |s: u32| {
        let (minutes, seconds) = (s / 60, s % 60);
        format!("{{\"time\":\"1970-01-01T00:{minutes:02}:{seconds:02}.400Z\",\"msg\":\"up\"}}\n")
    };
    let boom = |n: u32| format!("Error: boom {n}\n    at a (/srv/a.js:1:{n})\n");
    let text = format!("{}busy\n{}{}{}banner\n", start(10), boom(1), start(40), boom(2));
    let brief = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().filter(|line| !line.contains('{') && !line.contains('+')).collect()
    };
    let wanted = [
        "~20200 warn busy",
        "~30000 error Error: boom 1",
        "~60000 error Error: boom 2",
        "~95000 warn banner",
    ];
    assert_eq!(brief(told(&text, 95_000, lives())), wanted);
    // What the file begins with is of the life that began: nothing else tells which life it is of.
    let text = format!("banner 1\n{}mid\nbanner 2\n{}", start(50), start(85));
    assert_eq!(
        brief(told(&text, 95_000, lives()))[1..],
        ["~55200 warn mid", "~78199 warn banner 2"]
    );
    // One that began in the second in which the one before ended.
    let text = format!("{}{}{}", start(30), boom(1), start(61));
    assert_eq!(brief(told(&text, 95_000, lives())), ["~60000 error Error: boom 1"]);
    // Without any time, from the last one back.
    let text = [1, 2, 3].map(|n| format!("starting\n{}", boom(n))).concat();
    let wanted = [
        "~30000 error Error: boom 1",
        "~50499 warn starting",
        "~60000 error Error: boom 2",
        "~80499 warn starting",
        "~90000 error Error: boom 3",
    ];
    assert_eq!(brief(told(&text, 90_100, lives()))[1..], wanted);
    // What was written last is of no life that ended long before.
    let handled = brief(told(&text, 200_000, lives()));
    let ends = [&handled[1], &handled[3], &handled[5]].map(|line| line.split(' ').next().unwrap());
    assert_eq!(ends, ["~60000", "~90000", "~200000"]);
}

#[test]
fn what_is_said_now_and_again_is_not_all_said_at_the_start() {
    let life = |n: u32| {
        let slow = [1, 2, 3].map(|at| format!("WARN slow: {n}{at} ms\n")).concat();
        format!("{slow}Error: boom {n}\n    at a (/srv/a.js:1:{n})\n")
    };
    let text = [1, 2, 3].map(life).concat();
    let times: Vec<String> = told(&text, 90_100, lives())
        .iter()
        .filter(|line| line.contains("slow") || line.contains("boom"))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let of_the_last_two = ["~45749", "~50499", "~55249", "~60000"]
        .into_iter()
        .chain(["~75749", "~80499", "~85249", "~90000"]);
    assert!(times[4..].iter().map(String::as_str).eq(of_the_last_two), "{times:?}");
}

/// What is said again and again is no first word of a life, though the file begins with it.
#[test]
fn what_is_repeated_behind_the_first_words_is_none_of_them() {
    let life = |n: u32| {
        let slow = [1, 2, 3].map(|at| format!("WARN slow: {n}{at} ms\n")).concat();
        format!("up {n}\n{slow}Error: boom {n}\n    at a (/srv/a.js:1:{n})\n")
    };
    let text = [1, 2, 3].map(life).concat();
    let times: Vec<String> = told(&text, 90_100, lives())
        .iter()
        .filter(|line| line.contains("slow") || line.contains("up"))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(times[8..], ["~74799", "~78599", "~82399", "~86199"]);
}

#[test]
fn what_stands_behind_a_time_is_not_before_it() {
    let text = "1970-01-01T00:00:20.005Z INFO up\none\n";
    assert_eq!(told(text, 20_002, Lives::default())[1], "~20005 warn one");
}

/// An old time at the head of a file, as where a log was begun anew with a line of the last year.
#[test]
fn lines_are_not_spread_over_years_of_which_nothing_is_known() {
    let text = "1970-01-01T00:00:01Z INFO old\none\ntwo\nthree\nfour\n";
    let times = |lives: Lives, made_ms: i64| -> Vec<i64> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, text).unwrap();
        let format = Format { declared: None, zone: TimeZone::UTC, is_err: true };
        let mut file = Backwards::open(&path, None, format).unwrap().of_lives(lives);
        let (to_ms, made) = (9_000_000, Some(made_ms));
        let size = text.len() as u64;
        file.span = Span { from_ms: made_ms, made_ms: made, to_ms, size, full: size };
        (file.reference_ms, file.upper.at_ms) = (to_ms, to_ms);
        (file.behind_ms, file.written_ms) = (to_ms, to_ms);
        let mut times: Vec<i64> =
            std::iter::from_fn(|| file.next().unwrap()).map(|line| line.at_ms).collect();
        times.reverse();
        times
    };
    let hour = [1_000, 8_994_000, 8_996_000, 8_998_000, 9_000_000];
    assert_eq!(times(Lives::default(), 8_992_000), hour, "since the file was made");
    assert_eq!(times(Lives::since_for_test(8_992_000, ""), 500), hour, "since it first ran");
    let life = LifeSpan {
        started_ms: Some(8_992_000),
        ended_ms: 8_999_000,
        is_crash: false,
        is_failed: false,
    };
    let lives = Lives::for_test(vec![life], None);
    assert!(times(lives, 500)[1..].iter().all(|at_ms| *at_ms >= 8_992_000), "since its first life");
    let copied = times(Lives::default(), 9_500_000);
    assert_eq!(copied[1], 2_250_750, "a file that was copied was made later than it was written");
}

#[test]
fn nothing_is_written_while_no_life_is_on() {
    // Down from 30 s on; the next one begins at 80 s.
    let down =
        LifeSpan { started_ms: Some(10_000), ended_ms: 30_000, is_crash: false, is_failed: false };
    let lives = Lives::for_test(vec![down], Some(80_000));
    let text = "1970-01-01T00:00:20Z INFO up\none\ntwo\nthree\n1970-01-01T00:01:30Z INFO up\n";
    let times: Vec<String> = told(text, 90_000, lives)
        .iter()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(times, ["20000", "~25249", "~30499", "~84750", "90000"]);
    // A file without a time: all of it was written while a life was on.
    let lives = || Lives::for_test(vec![down], Some(80_000));
    let ticks = "tick\n".repeat(50);
    let is_off = |line: &String| {
        let at_ms: i64 = line.split(' ').next().unwrap().trim_start_matches('~').parse().unwrap();
        (31_000..80_000).contains(&at_ms)
    };
    assert!(
        !told(&ticks, 90_000, lives()).iter().any(is_off),
        "{:?}",
        told(&ticks, 90_000, lives())
    );
}

#[test]
fn what_comes_is_judged_as_what_is_in_files() {
    let trace =
        "/srv/a.js:3\nthrow x\n^\n\nError: x\n    at c (/srv/a.js:3:1)\n\nNode.js v20.1.0\n";
    let text = format!(
        "1970-01-01T00:00:10Z WARN slow\n  detail: 1\nplain\n{{\"level\":50,\"msg\":\"no\"}}\nafter\n{trace}\
         Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nValueError: 3\ntail\n\
         level=error msg=\"no\" n=1\n  below\n"
    )
    .repeat(400);
    let history: Vec<(Option<Level>, Place)> = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, &text).unwrap();
        let format = Format { declared: None, zone: TimeZone::UTC, is_err: false };
        let mut file = Backwards::open(&path, None, format).unwrap();
        let mut lines = Vec::new();
        while let Some(line) = file.next().unwrap() {
            lines.push((line.level, line.place));
        }
        lines.reverse();
        lines
    };
    let format = Format { declared: None, zone: TimeZone::UTC, is_err: false };
    let mut judge = Judge::default();
    let mut came: Vec<(Option<Level>, Place)> = Vec::new();
    for line in text.lines() {
        let (line, told) = format.judge(line.as_bytes(), 0, &mut judge);
        if told.raises {
            let head = came.iter().rposition(|(_, place)| *place != Place::GoesOn).unwrap();
            came[head..].iter_mut().for_each(|(level, _)| *level = line.level);
        }
        came.push((line.level, line.place));
    }
    assert_eq!(history.len(), came.len());
    let other = history.iter().zip(&came).zip(text.lines()).find(|((one, other), _)| one != other);
    assert_eq!(other, None);
}

/// A line that is longer than what is kept of one is read in pieces: they are of one entry.
#[test]
fn the_pieces_of_a_long_line_are_one_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let long = "x".repeat(5 << 20);
    std::fs::write(&path, format!("before\n{long}\nafter\n")).unwrap();
    let format = Format { declared: None, zone: TimeZone::UTC, is_err: false };
    let mut file = Backwards::open(&path, None, format).unwrap();
    let mut lines: Vec<(usize, bool, bool)> = std::iter::from_fn(|| file.next().unwrap())
        .map(|line| (line.bytes.len(), line.goes_on(), line.is_ended))
        .collect();
    lines.reverse();
    assert_eq!(lines.iter().filter(|(_, goes_on, _)| !goes_on).count(), 3, "{lines:?}");
    assert_eq!((lines[0], *lines.last().unwrap()), ((6, false, true), (5, false, true)));
    assert!(!lines[1].1 && !lines[1].2 && lines[2].1, "{lines:?}");
    assert_eq!(lines.iter().map(|(len, ..)| len).sum::<usize>(), (5 << 20) + 11);
}

/// Lives 15 s apart, of lines without times and without an exception: none of them leaves its life.
#[test]
fn no_line_leaves_the_life_that_wrote_it() {
    let life = |n: i64| LifeSpan {
        started_ms: Some(n * 20_000),
        ended_ms: n * 20_000 + 5_000,
        is_crash: true,
        is_failed: true,
    };
    let lives = Lives::for_test((0..4).map(life).collect(), Some(80_000));
    let say = |n: usize| format!("boot {n}\nready {n}\nslow query\nFATAL db {n}\n");
    let text: String = (0..5).map(say).collect();
    let times: Vec<(i64, String)> = told(&text, 84_000, lives)
        .iter()
        .map(|line| {
            let (time, text) = line.split_once(' ').unwrap();
            (time.trim_start_matches('~').parse().unwrap(), text.to_owned())
        })
        .collect();
    for (index, (at_ms, text)) in times.iter().enumerate() {
        let begun = 20_000 * (index / 4) as i64;
        assert!((begun..=begun + 5_999).contains(at_ms), "{at_ms} {text}: {times:?}");
    }
}

/// A line that tells of another year or of the future dates none but itself.
#[test]
fn a_time_that_stands_out_dates_no_other_line() {
    let at = |s: u32| format!("1970-01-01T01:00:{s:02}Z INFO x\nplain\n");
    for other in ["2031-01-01T00:00:00Z due\nplain\n", "1970-01-01T00:00:01Z old\nplain\n"] {
        let text = format!("{}{}{other}{}", at(10), at(11), at(20));
        for line in told(&text, 3_622_000, Lives::default()) {
            let time = line.split(' ').next().unwrap().trim_start_matches('~');
            let at_ms: i64 = time.parse().unwrap();
            assert!((3_610_000..=3_622_000).contains(&at_ms), "{line}");
        }
    }
}

/// A daemon that died had no time to say so: what the next one started tells where its lines begin.
#[test]
fn lines_of_another_daemons_life_are_before_the_start_of_this_one() {
    let text = "boot 1\none\ntwo\nboot 2\nthree\n";
    let times: Vec<i64> = told(text, 92_000, Lives::since_for_test(90_000, ""))
        .iter()
        .map(|line| line.split(' ').next().unwrap().trim_start_matches('~').parse().unwrap())
        .collect();
    assert!(times[..3].iter().all(|at_ms| *at_ms <= 90_000), "{times:?}");
    assert!(times[3..].iter().all(|at_ms| *at_ms >= 90_000), "{times:?}");
}

/// `time: true` writes whole seconds: in the one in which a life ended, what the next one says is later.
#[test]
fn what_the_next_life_says_in_the_same_second_is_behind_the_end() {
    let at = |s: u32, text: &str| format!("1970-01-01T00:00:0{s}: {text}\n");
    let all = [(0, "boot 1"), (5, "FATAL"), (5, "boot 2"), (5, "up"), (7, "on")];
    let text: String = all.iter().map(|(s, text)| at(*s, text)).collect();
    let life = LifeSpan { started_ms: Some(0), ended_ms: 5_000, is_crash: true, is_failed: true };
    let times = |lives: Lives| -> Vec<String> {
        let all = told(&text, 8_000, lives);
        all.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    let wanted = ["0", "5000", "~5999", "~5999", "7000"];
    assert_eq!(times(Lives::for_test(vec![life], Some(5_300))), wanted);
    let later = Lives::for_test(vec![life], Some(6_300));
    assert_eq!(times(later), ["0", "5000", "5000", "5000", "7000"], "it began in another second");
}

/// Lives of 5 s, 20 s apart, of which each says one line alone, or three, on standard error; of the first
/// there are more than a black box holds. The last one has ended, or has not.
#[test]
fn what_each_life_says_is_dated_into_that_life() {
    let life = |n: i64| LifeSpan {
        started_ms: Some(n * 20_000),
        ended_ms: n * 20_000 + 5_000,
        is_crash: true,
        is_failed: true,
    };
    let three = |n: i64| format!("warn {n}\nslow {n}\nFATAL {n}\n");
    let one = |n: i64| format!("FATAL {n}\n");
    let says: [(&dyn Fn(i64) -> String, i64); 2] = [(&one, 200), (&three, 60)];
    for (say, ended) in says {
        let next_ms = ended * 20_000;
        for (count, next) in [(ended, None), (ended + 1, Some(next_ms))] {
            let lives = Lives::for_test((0..ended).map(life).collect(), next);
            let text: String = (0..count).map(say).collect();
            let written_ms =
                if next.is_some() { next_ms + 3_000 } else { next_ms - 20_000 + 5_020 };
            for line in told(&text, written_ms, lives) {
                let (time, text) = line.split_once(' ').unwrap();
                let at_ms: i64 = time.trim_start_matches('~').parse().unwrap();
                let n: i64 = text.rsplit(' ').next().unwrap().parse().unwrap();
                assert!((n * 20_000..=n * 20_000 + 6_000).contains(&at_ms), "{line}");
            }
        }
    }
}

/// Lives of 10 s that say nothing of their own first: lines with ids, none of which begins a life. As many at
/// any time, and each may be of any time of the file.
#[test]
fn ids_that_are_alike_by_chance_begin_no_life() {
    let life = |n: i64| LifeSpan {
        started_ms: Some(n * 10_000),
        ended_ms: n * 10_000 + 9_000,
        is_crash: true,
        is_failed: true,
    };
    let lives = Lives::for_test((0..30).map(life).collect(), Some(300_000));
    let say =
        |n: u32| format!("charge {} reqId={:08x} ok\n", n % 10, n.wrapping_mul(2_654_435_761));
    let text: String = (0..600).map(say).collect();
    for (n, line) in told(&text, 300_000, lives).iter().enumerate() {
        let (time, _) = line.split_once(' ').unwrap();
        let at_ms: i64 = time.trim_start_matches('~').parse().unwrap();
        assert!((at_ms - n as i64 * 500).abs() <= 12_000, "{n}: {line}");
    }
}
