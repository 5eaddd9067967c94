use std::fmt::Write as _;

use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

use super::*;

const LINES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lines/libraries.txt"));

/// 2024-01-02 16:00 UTC.
const REFERENCE_MS: i64 = 1_704_211_200_000;

fn zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(1))
}

fn context<'a>(zone: &'a TimeZone, declared: Option<&'a Pattern>) -> Context<'a> {
    let clock = Clock { zone, reference_ms: REFERENCE_MS };
    Context { declared, clock, is_stderr: false }
}

/// `\e`, `\t` and `\\` of the table.
fn unescaped(text: &str) -> String {
    let mut line = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('e') => line.push('\x1b'),
                Some('t') => line.push('\t'),
                Some('\\') | None => line.push('\\'),
                Some(other) => line.extend(['\\', other]),
            },
            other => line.push(other),
        }
    }
    line
}

/// `time | level | message`, and the fields below it as the table has them.
fn told(line: &str, context: &Context<'_>) -> String {
    let plain = Plain::of(line.as_bytes());
    let reading = read(&plain.text, context);
    let time = reading.time.map_or("-".to_owned(), |stamp| {
        let at = jiff::Timestamp::from_millisecond(stamp.at_ms).unwrap();
        let zone = if stamp.is_zone_known { "" } else { "~" };
        let date = if stamp.is_date_known { "" } else { "?" };
        format!("{}{zone}{date}", at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    });
    let level = reading.level.map_or("-".to_owned(), |(level, sign)| match sign {
        Sign::Said => level.name().to_owned(),
        Sign::Thrown => format!("{} (thrown)", level.name()),
        Sign::Form => format!("{} (form)", level.name()),
        Sign::Stream => format!("{} (stream)", level.name()),
    });
    let record = Record::of(&plain.text, &reading);
    let message = record.as_ref().map_or_else(
        || String::from_utf8_lossy(reading.message.of(&plain.text)).into_owned(),
        |record| record.message.clone(),
    );
    let escaped = |text: &str| text.replace('\n', "\\n").replace('\t', "\\t");
    let mut told = format!("= {time} | {level} | {}\n", escaped(&message));
    if let Some(record) = record {
        let shown = record.fields.iter().filter(|field| !field.is_noise).map(Field::word);
        let fields = shown.collect::<Vec<_>>().join(" ");
        if !fields.is_empty() {
            writeln!(told, "+ {}", escaped(&fields)).unwrap();
        }
        if let Some(stack) = record.stack {
            writeln!(told, "! {}", escaped(&stack)).unwrap();
        }
    }
    told
}

/// Every line of the table says what stands below it.
#[test]
fn lines_of_real_libraries_are_read_as_expected() {
    let zone = zone();
    let (mut declared, mut is_stderr) = (None, false);
    let (mut count, mut wrong) = (0, String::new());
    let mut rows = LINES.lines().peekable();
    while let Some(row) = rows.next() {
        if row.starts_with("## ") {
            (declared, is_stderr) = (None, false);
        } else if let Some(format) = row.strip_prefix("@declared ") {
            declared = Pattern::new(format);
        } else if row == "@stderr" {
            is_stderr = true;
        } else if let Some(line) = row.strip_prefix("> ") {
            let mut expected = String::new();
            while let Some(row) = rows.next_if(|row| row.starts_with(['=', '+', '!'])) {
                expected.push_str(row);
                expected.push('\n');
            }
            let context = Context { is_stderr, ..context(&zone, declared.as_ref()) };
            let told = told(&unescaped(line), &context);
            count += 1;
            if told.trim() != expected.trim() {
                writeln!(wrong, "> {line}\nexpected\n{expected}read\n{told}").unwrap();
            }
        } else {
            assert!(row.is_empty() || row.starts_with('#'), "no row of the table: {row}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 200, "only {count} lines");
}

/// Bytes that look like lines, so that the rare branches are reached.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static str> = LINES.split([' ', '"', '\n']).collect();
    let word = prop_oneof![
        8 => proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..6),
        2 => proptest::sample::select(vec![
            "{\"", "\":", "\",", "}", "[", "]", "\x1b[", "\\u", "=\"", "://", "    at ", "T", ":", "+", "-", "µs",
            "::", "\\", "'", "\0", "\t", "99999999999999999999",
        ]).prop_map(|word| word.as_bytes().to_vec()),
    ];
    proptest::collection::vec((word, proptest::sample::select(vec!["", " ", "\"", "  "])), 0..24)
        .prop_map(|parts| {
            parts
                .into_iter()
                .flat_map(|(word, gap)| [word, gap.as_bytes().to_vec()].concat())
                .collect()
        })
}

fn is_within(span: Span, text: &[u8]) -> bool {
    span.start <= span.end && span.end <= text.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// No bytes make anything panic, and no span leaves the line.
    #[test]
    fn any_bytes_are_read(line in lines(), format in "[YMDHhmsSZAaxXdo\\[\\] :-]{0,12}") {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let declared = Pattern::new(&format);
        let plain = Plain::of(&line);
        for is_stderr in [false, true] {
            let context = Context { is_stderr, ..context(&berlin, declared.as_ref()) };
            let reading = read(&plain.text, &context);
            prop_assert!(is_within(reading.message, &plain.text));
            let spans = [reading.prefix, reading.fields, reading.time.map(|time| time.span)];
            for span in spans.into_iter().flatten() {
                prop_assert!(is_within(span, &plain.text), "{span:?}");
                prop_assert!(is_within(plain.raw(span), &line));
            }
            if let Some(record) = Record::of(&plain.text, &reading) {
                prop_assert!(record.line().len() < 100_000);
            }
        }
        let mut last = 0;
        for tint in tints(&plain.text) {
            prop_assert!(is_within(tint.span, &plain.text) && tint.span.start >= last);
            last = tint.span.end;
        }
    }

    /// Whatever the lines are, traces follow one another, have a title and end within them.
    #[test]
    fn any_lines_are_told_apart(lines in proptest::collection::vec(lines(), 0..40)) {
        let found = traces(lines.iter().map(Vec::as_slice));
        let mut last = 0;
        for trace in found {
            prop_assert!(trace.first >= last && trace.lines > 1);
            last = trace.first + trace.lines;
            prop_assert!(last <= lines.len() && (trace.first..last).contains(&trace.title));
            prop_assert!(trace.own.is_none_or(|own| (trace.first..last).contains(&own)));
        }
    }
}
