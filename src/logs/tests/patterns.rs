use proptest::prelude::*;

use super::super::*;
use super::{key, line};

#[test]
fn case_matters_with_a_capital_letter_that_is_meant() {
    for (pattern, text, expected) in [
        ("error", "an ERROR", true),
        ("Error", "an ERROR", false),
        ("Error", "an Error", true),
        (r"\S+ID", "traceid", false),
        (r"\Strace", "xTRACE", true),
        (r"\p{L}x", "ÄX", true),
        ("[A-F]x", "ax", false),
        ("ä", "Ä", true),
    ] {
        let Ok(pattern) = Pattern::regex(pattern) else {
            assert_eq!(pattern, r"\p{L}x", "only tables that are left out fail");
            continue;
        };
        assert_eq!(pattern.is_match(text.as_bytes()), expected, "{pattern:?} in {text}");
    }
}

#[test]
fn a_broken_one_says_where_and_is_taken_as_it_stands() {
    let problem = Pattern::regex("ab(c").unwrap_err();
    assert_eq!(problem.at, Some(2..3));
    assert_eq!(problem.message, "unclosed group");
    let (pattern, why) = Pattern::search("ab(c").unwrap();
    assert!(pattern.is_literal());
    assert_eq!(why, Some(problem));
    assert!(pattern.is_match(b"xAB(c"));
    assert_eq!(Pattern::regex("a{3,2}").unwrap_err().at, Some(1..6));
    let big = Pattern::regex(r"(\w{200}){200}").unwrap_err();
    assert_eq!(big.message, "it would take too much memory");
    assert!(Pattern::regex(&"(".repeat(4096)).is_err());
    assert!(Pattern::search(&"x".repeat(PATTERN_BYTES_MAX + 1)).is_err());
    assert!(Pattern::regex(&"x".repeat(PATTERN_BYTES_MAX)).is_ok());
}

#[test]
fn no_match_goes_over_the_end_of_a_line() {
    let all = br#"say "this
and" that"#;
    for pattern in [r#""[^"]*""#, r"this\s+and", r"(?s)this.and", "this\nand", r"\Wand\W"] {
        let pattern = Pattern::regex(pattern).unwrap();
        let expected = pattern.text() == r"\Wand\W";
        assert_eq!(pattern.is_match(b"(and)"), expected, "{pattern:?}");
        assert!(!pattern.is_match(all), "{pattern:?}");
    }
}

#[test]
fn what_is_shown_is_searched() {
    for (bytes, expected) in [
        (&b"\x1b[32minfo\x1b[39m: up"[..], &b"info: up"[..]),
        (b"10%\r20%", b"20%"),
        (b"windows\r", b"windows"),
        (b"\x1b]0;title\x07text", b"text"),
        (b"a\x1b[38;5;1mb\x1b[m\nc\x1b[2Kd", b"ab\ncd"),
        (b"\xc3\xa9t\xc3\xa9 \xff", b"\xc3\xa9t\xc3\xa9 \xff"),
    ] {
        let shown = plain(bytes);
        assert_eq!(&*shown, expected, "{}", String::from_utf8_lossy(bytes));
    }
    assert!(Pattern::regex("^info: up$").unwrap().is_match(&plain(b"\x1b[32minfo\x1b[39m: up\r")));
}

#[test]
fn highlights_are_ranges_of_what_is_shown() {
    let pattern = Pattern::regex("b*").unwrap();
    assert_eq!(pattern.find_iter("abbcb").collect::<Vec<_>>(), [1..3, 4..5]);
}

/// Found in the bytes, or in the row that is made of them; what is no JSON has no row.
#[test]
fn json_is_searched_as_it_is_and_as_its_row_shows_it() {
    let pino = r#"{"level":30,"time":1795831920000,"pid":7,"reqId":42,"msg":"say \"hi\"","a":{"b":"x y"}}"#;
    let pm2 = r#"{"message":"GET /cart 404\n","timestamp":"t","type":"out","process_id":0,"app_name":"a"}"#;
    for (pattern, line, expected) in [
        ("reqId=42", pino, true),
        ("reqid=4[0-9]$", pino, false),
        ("reqid=4[0-9]", pino, true),
        ("reqId\":42", pino, true),
        ("reqId=43", pino, false),
        (r#"say "hi" reqId"#, pino, true),
        (r#"a.b="x y"$"#, pino, true),
        ("^say", pino, true),
        ("pid=7", pino, false),
        ("(?i)REQID=42", pino, true),
        ("^GET /cart 404$", pm2, true),
        ("reqId=42", "{reqId: 42}", false),
        ("n=1", r#"2026-11-28T03:12:00Z up {"n":1}"#, true),
    ] {
        let both = [Pattern::search(pattern).unwrap().0, Pattern::literal(pattern).unwrap()];
        for (way, pattern) in ["regex", "literal"].into_iter().zip(both) {
            let is_regex =
                ["[", "^", "$", "(", "."].iter().any(|sign| pattern.text().contains(sign));
            if way == "literal" && is_regex {
                continue;
            }
            let mut store = Store::default();
            let source = store.source(&key(0, "api", Stream::Out)).unwrap();
            let shown = [&b"before"[..], line.as_bytes(), b"behind"];
            let ids = shown.map(|bytes| store.append(source, &super::line(0, bytes)).unwrap());
            let mut view = View::default();
            view.set_search(Some(pattern.clone()));
            assert!(view.step(&store, &NoFiles, usize::MAX).is_done);
            let hits = ids.map(|id| view.is_match(&store, id));
            assert_eq!(hits, [false, expected, false], "{way} {} in {line}", pattern.text());
            let filter = Filter { pattern: pattern.clone(), is_inverted: true, is_on: true };
            let mut view = View::new(Query { filters: vec![filter], ..Query::default() });
            view.step(&store, &NoFiles, usize::MAX);
            assert_eq!(view.shows(&store, ids[1]), !expected, "{way} {}", pattern.text());
            // In a file, the last of several.
            let all = shown.join(&b'\n');
            let found = pattern.last_line(&all).map(|range| all[range].to_vec());
            assert_eq!(found, expected.then(|| line.as_bytes().to_vec()), "{}", pattern.text());
        }
    }
}

/// Messages of apps and what happened are shown as they came.
#[test]
fn only_output_has_a_row_of_words() {
    let mut store = Store::default();
    let source = store.source(&key(0, "api", Stream::Messages)).unwrap();
    let message = Line { kind: Kind::Message, ..line(0, br#"my:stats {"rps":41}"#) };
    let id = store.append(source, &message).unwrap();
    let mut view = View::default();
    view.set_search(Some(Pattern::regex("rps=41").unwrap()));
    view.step(&store, &NoFiles, usize::MAX);
    assert!(!view.is_match(&store, id));
}

#[test]
fn the_last_line_of_a_file_may_be_found_by_its_bytes_or_its_row() {
    let lines = b"n=1 a\n{\"n\":1}\nn=1 b\nx";
    let found = |pattern: &str, lines: &[u8]| {
        let range = Pattern::regex(pattern).unwrap().last_line(lines)?;
        Some(String::from_utf8(lines[range].to_vec()).unwrap())
    };
    assert_eq!(found("n=1", lines).as_deref(), Some("n=1 b"));
    assert_eq!(found("n=1", &lines[..14]).as_deref(), Some("{\"n\":1}"));
    assert_eq!(found("n=1", &lines[..5]).as_deref(), Some("n=1 a"));
    assert_eq!(found("n=2", lines), None);
    assert_eq!(found("n=1", b"{\"n\":1}").as_deref(), Some("{\"n\":1}"));
}

const PATTERNS: &[&str] = &[
    "a",
    "ab|bc",
    "^a",
    "a$",
    "^$",
    "",
    "x*",
    r"\s",
    r"\S\s",
    "[^a]",
    "[^a]+b",
    r"\bab\b",
    r"\Bb",
    r"\Aa",
    r"a\z",
    "(?-m)^b",
    "(?s)a.b",
    "(?-u)[^a]",
    r"(?-u:\xff)",
    "a.{2,}b",
    "(a|b)*c$",
    r"\W+$",
    "(?R)b$",
    "A",
    "(?i)B",
];

proptest! {
    /// Whole blocks at once and line by line find the same lines.
    #[test]
    fn blocks_are_searched_as_lines_are(
        lines in prop::collection::vec(
            prop::collection::vec(prop::sample::select(&b"aabbc  A\xff\xc3\xa4\n\x1b\r[m"[..]), 0..8),
            0..40,
        ),
        pattern in prop::sample::select(PATTERNS),
        literal in any::<bool>(),
    ) {
        let pattern =
            if literal { Pattern::literal(pattern) } else { Pattern::regex(pattern) }.unwrap();
        let mut store = Store::default();
        let source = store.source(&key(0, "api", Stream::Out)).unwrap();
        for bytes in &lines {
            store.append(source, &line(0, bytes));
        }
        let mut view = View::default();
        view.set_search(Some(pattern.clone()));
        prop_assert!(view.step(&store, &NoFiles, usize::MAX).is_done);
        let hits: Vec<bool> = store.iter().map(|line| view.is_match(&store, line.id)).collect();
        let naive: Vec<bool> = lines.iter().map(|line| pattern.is_match(&plain(line))).collect();
        prop_assert_eq!(hits, naive);
    }

    /// Leaving newlines out of a pattern changes nothing for a line.
    #[test]
    fn a_pattern_means_what_it_says(
        text in "[ab \\[\\].A-]{0,12}",
        pattern in prop::sample::select(PATTERNS),
    ) {
        let plain = regex::bytes::RegexBuilder::new(pattern)
            .multi_line(true)
            .case_insensitive(!pattern.contains('A') || pattern.contains(r"\A"))
            .build()
            .unwrap();
        let ours = Pattern::regex(pattern).unwrap();
        prop_assert_eq!(ours.is_match(text.as_bytes()), plain.is_match(text.as_bytes()));
    }
}
