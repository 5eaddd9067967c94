//! The formats that loggers write without being asked, recognised by their first bytes.

use super::super::cursor::Cursor;
use super::{DAY_MS, Parts, days_of, epoch_ms, zone};

const MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];
const WEEKDAYS: [&[u8]; 7] =
    [b"monday", b"tuesday", b"wednesday", b"thursday", b"friday", b"saturday", b"sunday"];

/// The time that begins here, and where it ends. Never a date alone.
pub(in crate::logs::parse) fn at(line: &[u8], start: usize) -> Option<(Parts, usize)> {
    let cursor = Cursor::new(line, start);
    match cursor.peek()? {
        b'0'..=b'9' => iso(cursor).or_else(|| numeric(cursor)),
        b'A'..=b'Z' => klog(cursor).or_else(|| named(cursor)),
        b'a'..=b'z' => named(cursor),
        _ => None,
    }
}

fn numeric(cursor: Cursor<'_>) -> Option<(Parts, usize)> {
    let digits = cursor.count_digits();
    match (digits, cursor.peek_at(digits)) {
        (4, Some(separator @ (b'-' | b'/' | b'.'))) => year_first(cursor, separator),
        (8, Some(b'T' | b' ' | b'-' | b'_')) => compact(cursor),
        (1 | 2, Some(b':')) => clock_alone(cursor),
        (1 | 2, Some(b'/' | b'-' | b'.' | b' ')) => day_first(cursor),
        (10 | 13 | 16 | 19, _) => epoch(cursor, digits),
        _ => None,
    }
}

/// `2024-01-02T15:04:05.123Z`, as most loggers write it, by eights: a zero stands for any digit.
const ISO: [&[u8; 8]; 3] = [b"0000-00-", b"00T00:00", b":00.000Z"];
/// What each byte of these may differ by, as what it is short of 0x80: a digit by 9, a sign by nothing.
const MAY_DIFFER: [&[u8; 8]; 3] = [b"vvvv\x7fvv\x7f", b"vv\x7fvv\x7fvv", b"\x7fvv\x7fvvv\x7f"];

/// That, in one go; `None` of all else, whatever it is.
fn iso(mut cursor: Cursor<'_>) -> Option<(Parts, usize)> {
    let text: &[u8; 24] = cursor.rest().first_chunk()?;
    let ([date, time, end], []) = text.as_chunks() else { return None };
    let ([form, middle, last], [by, to, of]) = (ISO, MAY_DIFFER);
    let [y0, y1, y2, y3, _, m0, m1, _] = digits(*date, *form, *by)?;
    let [d0, d1, _, h0, h1, _, min0, min1] = digits(*time, *middle, *to)?;
    let [_, s0, s1, _, ms0, ms1, ms2, _] = digits(*end, *last, *of)?;
    cursor.skip(text.len());
    let number = |tens, ones| i64::from(tens) * 10 + i64::from(ones);
    let parts = Parts {
        hour: Some(number(h0, h1)),
        minute: number(min0, min1),
        second: number(s0, s1),
        ms: number(ms0, ms1) * 10 + i64::from(ms2),
        ..Parts::default()
    };
    let days = days_of(number(y0, y1) * 100 + number(y2, y3), number(m0, m1), number(d0, d1))?;
    let at_ms = days * DAY_MS + parts.within_day_ms()?;
    let parts = Parts { epoch_ms: Some(at_ms), ..Parts::default() };
    cursor.is_at_boundary().then_some((parts, cursor.at()))
}

/// The digits of eight bytes, each where it stands, if they have this form.
#[inline]
fn digits(bytes: [u8; 8], form: [u8; 8], may_differ: [u8; 8]) -> Option<[u8; 8]> {
    /// The highest bit of each byte.
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Of a digit its value is left, of a sign nothing.
    let left = u64::from_le_bytes(bytes) ^ u64::from_le_bytes(form);
    // No byte carries into the next one.
    let beyond = (left & !HIGH).wrapping_add(u64::from_le_bytes(may_differ)) | left;
    (beyond & HIGH == 0).then_some(left.to_le_bytes())
}

/// `2024-01-02T15:04:05.123Z`, `2024/01/02 15:04:05`, `2024-01-02 15:04:05,123`.
fn year_first(mut cursor: Cursor<'_>, separator: u8) -> Option<(Parts, usize)> {
    let year = cursor.number(4, 4)?;
    cursor.want(separator)?;
    let month = cursor.number(1, 2)?;
    cursor.want(separator)?;
    let day = cursor.number(1, 2)?;
    let parts = Parts { year: Some(year), month: Some(month), day: Some(day), ..Parts::default() };
    match cursor.next()? {
        b'T' | b't' | b'_' | b':' | b'-' => {}
        b',' | b' ' => {
            cursor.skip_blanks();
            // Gin: `2024/01/02 - 15:04:05`.
            cursor.eat_all(b"- ");
        }
        _ => return None,
    }
    finish(cursor, parts)
}

/// `20240102T150405Z`, `20240102 15:04:05`.
fn compact(mut cursor: Cursor<'_>) -> Option<(Parts, usize)> {
    let (year, month, day) = (cursor.number(4, 4)?, cursor.number(2, 2)?, cursor.number(2, 2)?);
    let mut parts =
        Parts { year: Some(year), month: Some(month), day: Some(day), ..Parts::default() };
    cursor.skip(1);
    if cursor.count_digits() != 6 {
        return finish(cursor, parts);
    }
    parts.hour = Some(cursor.number(2, 2)?);
    parts.minute = cursor.number(2, 2)?;
    parts.second = cursor.number(2, 2)?;
    fraction(&mut cursor, &mut parts);
    ending(cursor, parts)
}

/// `15:04:05.123`, `3:04PM`: seconds or a half of the day belong to it.
fn clock_alone(cursor: Cursor<'_>) -> Option<(Parts, usize)> {
    let colons = cursor.rest().iter().take(8).filter(|byte| **byte == b':').count();
    let (parts, end) = finish(cursor, Parts::default())?;
    (colons >= 2 || parts.is_pm.is_some()).then_some((parts, end))
}

/// `10/Oct/2000:13:55:36 -0700`, `02 Jan 2024 15:04:05`, `01/02/2024, 3:04:05 PM`,
/// `02.01.2024 15:04:05`, `24/01/02 15:04:05`, `01-02 15:04:05.123`.
fn day_first(mut cursor: Cursor<'_>) -> Option<(Parts, usize)> {
    let first = cursor.number(1, 2)?;
    let separator = cursor.next()?;
    if cursor.peek()?.is_ascii_alphabetic() {
        let month = month(&mut cursor)?;
        if !cursor.eat(separator) {
            return None;
        }
        let year = cursor.number(4, 4)?;
        if !cursor.eat(b':') {
            cursor.skip_blanks();
        }
        let parts =
            Parts { year: Some(year), month: Some(month), day: Some(first), ..Parts::default() };
        return finish(cursor, parts);
    }
    if separator == b' ' {
        return None;
    }
    let second = cursor.number(1, 2)?;
    // Android's logcat: month and day.
    if separator == b'-' && cursor.eat(b' ') {
        let parts = Parts { month: Some(first), day: Some(second), ..Parts::default() };
        return finish(cursor, parts);
    }
    cursor.want(separator)?;
    let digits = cursor.count_digits();
    let third = cursor.number(2, 4)?;
    cursor.eat(b',');
    if !matches!(cursor.next()?, b' ' | b'T') {
        return None;
    }
    cursor.skip_blanks();
    match digits {
        4 => {
            let parts = Parts { year: Some(third), ..Parts::default() };
            let (mut parts, end) = finish(cursor, parts)?;
            // Half days are written in the United States, where the month comes first.
            let is_month_first = parts.is_pm.is_some() || second > 12;
            let (day, month) = if is_month_first { (second, first) } else { (first, second) };
            (parts.day, parts.month) = (Some(day), Some(month));
            parts.may_be_swapped =
                separator == b'/' && parts.is_pm.is_none() && first <= 12 && second <= 12;
            Some((parts, end))
        }
        // Spark's log4j: year, month, day.
        2 if separator == b'/' => {
            let parts = Parts {
                year: Some(2000 + first),
                month: Some(second),
                day: Some(third),
                ..Parts::default()
            };
            finish(cursor, parts)
        }
        _ => None,
    }
}

/// `1704207845123`, `1704207845.123`. Ten digits alone are as often an id.
fn epoch(mut cursor: Cursor<'_>, digits: usize) -> Option<(Parts, usize)> {
    let start = cursor.at();
    cursor.skip(digits);
    let has_fraction =
        cursor.peek() == Some(b'.') && cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_digit());
    if has_fraction {
        cursor.skip(1);
        cursor.take_while(|byte| byte.is_ascii_digit());
    }
    let is_time = (digits == 13 && !has_fraction) || (digits == 10 && has_fraction);
    if !is_time || !cursor.is_at_boundary() {
        return None;
    }
    let number: f64 = std::str::from_utf8(cursor.since(start)).ok()?.parse().ok()?;
    let parts = Parts { epoch_ms: Some(epoch_ms(number)?), ..Parts::default() };
    Some((parts, cursor.at()))
}

/// `I0102 15:04:05.123456`: klog and glog; the letter is the level.
fn klog(mut cursor: Cursor<'_>) -> Option<(Parts, usize)> {
    if !matches!(cursor.next()?, b'I' | b'W' | b'E' | b'F') || cursor.count_digits() != 4 {
        return None;
    }
    let (month, day) = (cursor.number(2, 2)?, cursor.number(2, 2)?);
    cursor.want(b' ')?;
    finish(cursor, Parts { month: Some(month), day: Some(day), ..Parts::default() })
}

/// `Jan  2 15:04:05`, `Tue Jan 02 2024 15:04:05 GMT+0000`, `Tue, 02 Jan 2024 15:04:05 GMT`,
/// `Wed Oct 11 14:32:52.123456 2000`, `Jan 02, 2024 3:04:05 PM`.
fn named(mut cursor: Cursor<'_>) -> Option<(Parts, usize)> {
    // The first letter tells of most words that they are no name.
    if !b"ADFJMNOSTW".contains(&cursor.peek()?.to_ascii_uppercase()) {
        return None;
    }
    if weekday(&mut cursor) {
        cursor.eat(b',');
        cursor.want(b' ')?;
        if cursor.peek()?.is_ascii_digit() {
            return day_first(cursor);
        }
    }
    let month = month(&mut cursor)?;
    if cursor.peek() != Some(b' ') {
        return None;
    }
    cursor.skip_blanks();
    let day = cursor.number(1, 2)?;
    cursor.eat(b',');
    cursor.want(b' ')?;
    let mut parts = Parts { month: Some(month), day: Some(day), ..Parts::default() };
    if cursor.count_digits() == 4 {
        parts.year = cursor.number(4, 4);
        cursor.eat(b',');
        cursor.skip_blanks();
    }
    let (mut parts, end) = finish(cursor, parts)?;
    if parts.year.is_none() {
        let mut ahead = cursor;
        ahead.skip(end - cursor.at());
        if ahead.eat(b' ') && ahead.count_digits() == 4 {
            let year = ahead.number(4, 4).filter(|year| (1970..2100).contains(year));
            if ahead.is_at_boundary() && year.is_some() {
                parts.year = year;
                return Some((parts, ahead.at()));
            }
        }
    }
    Some((parts, end))
}

/// The time of day from here, then what belongs to it.
fn finish(mut cursor: Cursor<'_>, mut parts: Parts) -> Option<(Parts, usize)> {
    parts.hour = Some(cursor.number(1, 2)?);
    cursor.want(b':')?;
    parts.minute = cursor.number(2, 2)?;
    if cursor.peek() == Some(b':') && cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_digit()) {
        cursor.skip(1);
        parts.second = cursor.number(2, 2)?;
        fraction(&mut cursor, &mut parts);
    }
    ending(cursor, parts)
}

/// Half of the day and zone.
fn ending(mut cursor: Cursor<'_>, mut parts: Parts) -> Option<(Parts, usize)> {
    parts.is_pm = half_of_day(&mut cursor);
    parts.offset_s = zone::offset(&mut cursor);
    let is_real = parts.hour? < 24 && parts.minute < 60 && parts.second <= 60;
    (is_real && cursor.is_at_boundary()).then_some((parts, cursor.at()))
}

/// `.123456`, `,123`, `:123`; digits after the third are cut off.
pub(super) fn fraction(cursor: &mut Cursor<'_>, parts: &mut Parts) {
    let mut ahead = *cursor;
    let Some(separator @ (b'.' | b',' | b':')) = ahead.next() else {
        return;
    };
    let digits = ahead.count_digits();
    let is_fraction = match separator {
        b'.' => digits > 0,
        b',' => digits >= 3,
        _ => digits == 3,
    };
    if is_fraction {
        parts.ms = milliseconds(&mut ahead);
        *cursor = ahead;
    }
}

/// Digits of a fraction of a second.
pub(super) fn milliseconds(cursor: &mut Cursor<'_>) -> i64 {
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    let first = digits.iter().map(|digit| i64::from(digit - b'0')).chain([0, 0, 0]);
    first.take(3).fold(0, |sum, digit| sum * 10 + digit)
}

/// `PM`, ` a.m.`: with the space that node writes there (U+202F) too.
fn half_of_day(cursor: &mut Cursor<'_>) -> Option<bool> {
    let mut ahead = *cursor;
    if !ahead.eat_all("\u{202f}".as_bytes()) {
        ahead.eat(b' ');
    }
    let is_pm = match ahead.next()? {
        b'a' | b'A' => false,
        b'p' | b'P' => true,
        _ => return None,
    };
    let has_dots = ahead.eat(b'.');
    if !matches!(ahead.next(), Some(b'm' | b'M')) || (has_dots && !ahead.eat(b'.')) {
        return None;
    }
    ahead.is_at_boundary().then(|| {
        *cursor = ahead;
        is_pm
    })
}

/// The month whose name is next, whole or its first three letters: 1 to 12.
pub(super) fn month(cursor: &mut Cursor<'_>) -> Option<i64> {
    name(cursor, &MONTHS).map(|index| index as i64 + 1)
}

/// Whether a day of the week is next; steps over it.
pub(super) fn weekday(cursor: &mut Cursor<'_>) -> bool {
    name(cursor, &WEEKDAYS).is_some()
}

fn name(cursor: &mut Cursor<'_>, names: &[&[u8]]) -> Option<usize> {
    let mut ahead = *cursor;
    let word = ahead.take_while(|byte| byte.is_ascii_alphabetic());
    if !(3..=9).contains(&word.len()) {
        return None;
    }
    // No two names have the same three letters first.
    let short = word.first_chunk::<3>()?.map(|letter| letter.to_ascii_lowercase());
    let index = names.iter().position(|name| name.first_chunk() == Some(&short))?;
    let is_it = word.len() == 3
        || names.get(index).is_some_and(|name| word.eq_ignore_ascii_case(name))
        || word.eq_ignore_ascii_case(b"sept");
    is_it.then(|| {
        *cursor = ahead;
        index
    })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::Clock;
    use super::*;

    proptest! {
        #[test]
        fn what_is_read_in_one_go_is_read_alike_step_by_step(
            at in 0..40_usize,
            byte in "[0-9]|[ -~]",
            second in 0..=61_u8,
        ) {
            let mut line = format!("2024-12-31T23:59:{second:02}.120Z ready").into_bytes();
            // Beyond its end: as it is.
            line.get_mut(at).into_iter().for_each(|old| *old = byte.as_bytes()[0]);
            let cursor = Cursor::new(&line, 0);
            let clock = Clock { zone: &TimeZone::UTC, reference_ms: 0 };
            let moment = |(parts, end): (Parts, usize)| Some((parts.resolve(clock)?, end));
            let one = iso(cursor).and_then(moment);
            let step = year_first(cursor, b'-').and_then(moment);
            prop_assert!(one.is_none() || one == step, "{one:?} {step:?}");
            let is_digit = |byte: &u8, sign: &u8| *sign == b'0' && byte.is_ascii_digit();
            let mut form = line.iter().zip(ISO.iter().copied().flatten());
            let is_form = form.all(|(byte, sign)| byte == sign || is_digit(byte, sign));
            prop_assert_eq!(one.is_some(), step.is_some() && is_form);
        }
    }
}
