use jiff::tz::{Offset, TimeZone};

use super::*;

/// 2024-01-02 16:00 UTC.
const REFERENCE_MS: i64 = 1_704_211_200_000;

fn shown(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap().to_string()
}

fn at_zone(line: &str, zone: &TimeZone, reference_ms: i64) -> Option<String> {
    let (parts, _) = at(line.as_bytes(), 0)?;
    parts.resolve(Clock { zone, reference_ms }).map(|moment| shown(moment.at_ms))
}

fn utc(line: &str) -> Option<String> {
    at_zone(line, &TimeZone::UTC, REFERENCE_MS)
}

#[test]
fn iso_8601_comes_in_variants() {
    let expected = Some("2024-01-02T15:04:05.12Z".to_owned());
    for line in [
        "2024-01-02T15:04:05.12Z",
        "2024-01-02t15:04:05.120z",
        "2024-01-02 15:04:05.120",
        "2024-01-02 15:04:05,120",
        "2024-01-02 15:04:05:120",
        "2024-01-02_15:04:05.120",
        "2024/01/02 15:04:05.120999999",
        "2024.01.02 15:04:05.12",
        "2024-1-2 15:04:05.12",
        "2024-01-02T16:04:05.12+01:00",
        "2024-01-02T16:04:05.12+0100",
        "2024-01-02T16:04:05.12+01",
        "2024-01-02T10:04:05.12 -05:00",
        "20240102T150405.12Z",
        "20240102 15:04:05.12",
        "2024-01-02, 15:04:05.12",
    ] {
        assert_eq!(utc(line), expected, "{line}");
    }
}

#[test]
fn what_is_no_time_is_none() {
    for line in [
        "2024-01-02",
        "2024-13-02 15:04:05",
        "2024-02-30 15:04:05",
        "2024-01-02 24:04:05",
        "2024-01-02 15:60:05",
        "2024-01-02 15:04:05x",
        "15:04",
        "127.0.0.1:3000 up",
        "10.0.0.1",
        "1.2.3",
        "12 apples",
        "99999999999999999999",
        "1704207845",
        "Mayor 12 12:00:00",
        "E9999 15:04:05.123",
        "",
    ] {
        assert_eq!(utc(line), None, "{line}");
    }
}

#[test]
fn what_is_missing_is_nearest_to_the_reference() {
    assert_eq!(utc("23:59:59").unwrap(), "2024-01-02T23:59:59Z");
    assert_eq!(utc("03:59:59").unwrap(), "2024-01-03T03:59:59Z");
    assert_eq!(utc("Dec 31 23:59:59").unwrap(), "2023-12-31T23:59:59Z");
    assert_eq!(utc("Jan 31 23:59:59").unwrap(), "2024-01-31T23:59:59Z");
    // A leap day is of the year that has it.
    assert_eq!(utc("Feb 29 12:00:00").unwrap(), "2024-02-29T12:00:00Z");
    // Month and day may be swapped, where half days do not tell.
    assert_eq!(utc("02/01/2024 10:00:00").unwrap(), "2024-01-02T10:00:00Z");
    assert_eq!(utc("01/02/2024 10:00:00").unwrap(), "2024-01-02T10:00:00Z");
    assert_eq!(utc("01/02/2024 10:00:00 PM").unwrap(), "2024-01-02T22:00:00Z");
    assert_eq!(utc("12:00:00 AM").unwrap(), "2024-01-03T00:00:00Z");
    assert_eq!(utc("12:00:00 p.m.").unwrap(), "2024-01-02T12:00:00Z");
}

#[test]
fn a_zone_with_summer_time_is_followed() {
    let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let at = |line| at_zone(line, &berlin, REFERENCE_MS).unwrap();
    assert_eq!(at("2024-07-01 12:00:00"), "2024-07-01T10:00:00Z");
    assert_eq!(at("2024-12-01 12:00:00"), "2024-12-01T11:00:00Z");
    // The hour that is not there, and the first of the two that are.
    assert_eq!(at("2024-03-31 02:30:00"), "2024-03-31T01:30:00Z");
    assert_eq!(at("2024-10-27 02:30:00"), "2024-10-27T00:30:00Z");
    // The day of the reference is the zone's: 00:30 of the third is 23:30 UTC of the second.
    assert_eq!(at("00:30:00"), "2024-01-02T23:30:00Z");
}

#[test]
fn days_and_dates_are_one_another() {
    for days in (-700_000..2_900_000).step_by(97) {
        let (year, month, day) = date_of(days);
        if year > 0 {
            assert_eq!(days_of(year, month, day), Some(days));
        }
    }
    assert_eq!(days_of(1970, 1, 1), Some(0));
    assert_eq!(days_of(2000, 2, 29), Some(11_016));
    assert_eq!(days_of(1900, 2, 29), None);
}

#[test]
fn numbers_are_times_in_the_unit_that_their_size_tells() {
    for number in [1_704_207_845.123, 1_704_207_845_123.0, 1_704_207_845_123_000.0] {
        assert_eq!(epoch_ms(number), Some(1_704_207_845_123));
    }
    assert_eq!(epoch_ms(1_704_207_845_123_000_000.0), Some(1_704_207_845_123));
    for number in [0.0, 12.0, -1.0, 5e8, 1e30, f64::NAN, f64::INFINITY] {
        assert_eq!(epoch_ms(number), None, "{number}");
    }
}

/// The stamp of this format before a line, and what follows it.
fn declared<'a>(format: &str, line: &'a str) -> Option<(Option<String>, &'a str)> {
    let zone = TimeZone::fixed(Offset::UTC);
    let clock = Clock { zone: &zone, reference_ms: REFERENCE_MS };
    let prefix = Pattern::new(format)?.prefix(line.as_bytes(), clock)?;
    Some((prefix.moment.map(|moment| shown(moment.at_ms)), line.get(prefix.end..)?))
}

#[test]
fn every_token_is_read() {
    let at = |text: &str| Some(text.to_owned());
    let rows = [
        ("YYYY-MM-DDTHH:mm:ss", "2024-01-02T15:04:05: x", at("2024-01-02T15:04:05Z")),
        (
            "YYYY-MM-DDTHH:mm:ss.SSSZ",
            "2024-01-02T15:04:05.678+01:00: x",
            at("2024-01-02T14:04:05.678Z"),
        ),
        ("YYYY-MM-DD HH:mm:ss ZZ", "2024-01-02 15:04:05 -0130: x", at("2024-01-02T16:34:05Z")),
        ("YY/M/D H:m:s", "24/1/2 3:4:5: x", at("2024-01-02T03:04:05Z")),
        ("D/MMM/YYYY:HH:mm:ss Z", "2/Jan/2024:15:04:05 +00:00: x", at("2024-01-02T15:04:05Z")),
        ("MMMM Do YYYY, h:mm:ss a", "January 2nd 2024, 3:04:05 pm: x", at("2024-01-02T15:04:05Z")),
        // dayjs without its plugin leaves the `o`.
        ("MMMM Do YYYY, hh:mm A", "January 2o 2024, 12:04 AM: x", at("2024-01-02T00:04:00Z")),
        ("dd D MMM YYYY HH:mm", "Tu 2 Jan 2024 15:04: x", at("2024-01-02T15:04:00Z")),
        ("d HH:mm:ss", "2 15:04:05: x", at("2024-01-02T15:04:05Z")),
        ("[at] HH:mm:ss.SS", "at 15:04:05.67: x", at("2024-01-02T15:04:05.67Z")),
        ("HH:mm:ss.SS", "15:04:05.SS: x", at("2024-01-02T15:04:05Z")),
        ("X", "1704207845: x", at("2024-01-02T15:04:05Z")),
        ("x", "1704207845123: x", at("2024-01-02T15:04:05.123Z")),
        ("X", "X: x", None),
        ("YYYY-MM-DD", "2024-01-02: x", None),
        ("[log]", "log: x", None),
        ("Y HH:mm", "+0100 15:04: x", at("2024-01-02T14:04:00Z")),
    ];
    for (format, line, expected) in rows {
        assert_eq!(declared(format, line), Some((expected, "x")), "{format}");
    }
}

#[test]
fn a_line_without_the_stamp_has_no_prefix() {
    let format = "YYYY-MM-DDTHH:mm:ss";
    for line in ["hello", "2024-01-02T15:04:05 x", "2024-01-02T15:04:05:x", "2024-01-02T15:04", ""]
    {
        assert_eq!(declared(format, line), None, "{line}");
    }
    assert_eq!(declared(format, "2024-01-02T15:04:05:").unwrap().1, "");
    assert_eq!(Pattern::new(""), None);
    assert_eq!(Pattern::new(&"Y".repeat(1000)), None);
}
