//! Time zones as they stand behind a time: `Z`, `+0200`, ` UTC`, `GMT-0700`, ` CET`.

use super::super::cursor::Cursor;

const HOUR: i32 = 3600;

/// Abbreviations that mean one offset: those of RFC 822, and of Europe and Japan. `IST` and `BST`
/// mean several, and are left to the zone of the machine.
const NAMES: &[(&[u8], i32)] = &[
    (b"UTC", 0),
    (b"GMT", 0),
    (b"WET", 0),
    (b"WEST", HOUR),
    (b"CET", HOUR),
    (b"CEST", 2 * HOUR),
    (b"EET", 2 * HOUR),
    (b"EEST", 3 * HOUR),
    (b"MSK", 3 * HOUR),
    (b"JST", 9 * HOUR),
    (b"EST", -5 * HOUR),
    (b"EDT", -4 * HOUR),
    (b"CST", -6 * HOUR),
    (b"CDT", -5 * HOUR),
    (b"MST", -7 * HOUR),
    (b"MDT", -6 * HOUR),
    (b"PST", -8 * HOUR),
    (b"PDT", -7 * HOUR),
];

/// The offset from UTC in seconds that is next, perhaps behind one space.
pub(super) fn offset(cursor: &mut Cursor<'_>) -> Option<i32> {
    let mut ahead = *cursor;
    if matches!(ahead.peek(), Some(b'Z' | b'z')) {
        ahead.skip(1);
        return ahead.is_at_boundary().then(|| {
            *cursor = ahead;
            0
        });
    }
    let is_apart = ahead.eat(b' ');
    let seconds = match ahead.peek()? {
        b'+' | b'-' => numeric(&mut ahead, is_apart)?,
        b'A'..=b'Z' => named(&mut ahead)?,
        _ => return None,
    };
    ahead.is_at_boundary().then(|| {
        *cursor = ahead;
        seconds
    })
}

/// `+02:00`, `+0200`; `+02` only where it touches the time.
pub(super) fn numeric(cursor: &mut Cursor<'_>, is_apart: bool) -> Option<i32> {
    let sign = match cursor.next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = cursor.number(2, 2)?;
    let mut ahead = *cursor;
    let has_colon = ahead.eat(b':');
    let minutes = match ahead.number(2, 2) {
        Some(minutes) => {
            *cursor = ahead;
            minutes
        }
        None if is_apart || has_colon => return None,
        None => 0,
    };
    let is_real = hours <= 14 && minutes < 60;
    is_real.then_some(sign * (hours as i32 * HOUR + minutes as i32 * 60))
}

fn named(cursor: &mut Cursor<'_>) -> Option<i32> {
    let name = cursor.take_while(|byte| byte.is_ascii_uppercase());
    let (_, seconds) = NAMES.iter().find(|(known, _)| *known == name)?;
    if *seconds == 0 && matches!(cursor.peek(), Some(b'+' | b'-')) {
        let mut ahead = *cursor;
        if let Some(more) = numeric(&mut ahead, false) {
            *cursor = ahead;
            return Some(more);
        }
    }
    Some(*seconds)
}
