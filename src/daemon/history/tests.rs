//! Files read backwards.

use super::*;

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
        line(1_000, true, ""),
        line(2_800, true, "plain"),
        line(3_400, true, "plain"),
        line(4_000, false, "1970-01-01T00:00:04Z two"),
        line(5_000, false, "1970-01-01T00:00:05Z three"),
        line(5_000, true, "} of it"),
    ];
    assert_eq!(all, wanted);
}

#[test]
fn without_any_time_the_file_says_from_when_to_when() {
    let span = Span { from_ms: 1_000, to_ms: 2_000, size: 100 };
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
    let sought = Sought { is_it: &is_it, may_be_in: &may_be_in };
    let mut found = Vec::new();
    while let Some(line) = file.next_sought(&sought).unwrap() {
        found.push(line.bytes);
    }
    assert!(found == wanted && found.len() > 500);
    let mut file = Backwards::open(&path, None, format()).unwrap();
    assert!(file.next_sought(&Sought { is_it: &is_it, may_be_in: &none }).unwrap().is_none());
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
