//! What leads a line of text: time and level, in any order, with the brackets and rules around them.

use super::Span;
use super::cursor::{Cursor, is_blank};
use super::level::{self, Before, Level};
use super::time::{self, Clock, Moment, Parts};

/// Pieces that a head has at most.
const PIECES: usize = 4;
/// A time that does not lead is looked for in this many bytes.
const LOOK: usize = 160;

/// What leads a text.
#[derive(Default)]
pub(super) struct Head {
    pub(super) time: Option<(Moment, Span)>,
    pub(super) level: Option<Level>,
    /// Where the text goes on behind it.
    pub(super) end: usize,
}

/// Reads the head that begins at `from`.
pub(super) fn read(text: &[u8], from: usize, clock: Clock<'_>) -> Head {
    let mut head = Head { end: from, ..Head::default() };
    let mut cursor = Cursor::new(text, from);
    openings(&mut cursor, &mut head);
    pieces(text, cursor, &mut head, clock);
    if head.time.is_none() {
        further(text, from, &mut head, clock);
    }
    head
}

/// Time and level from here on, each once.
fn pieces<'a>(text: &'a [u8], mut cursor: Cursor<'a>, head: &mut Head, clock: Clock<'_>) {
    let mut open: Option<u8> = None;
    let mut has_rule = false;
    for _ in 0..PIECES {
        let blanks = cursor.take_while(is_blank);
        let is_column = has_rule || blanks.len() > 1 || blanks == b"\t";
        let opener = cursor.peek().filter(|byte| matches!(byte, b'[' | b'(' | b'<'));
        if opener.is_some() {
            cursor.skip(1);
            cursor.skip_blanks();
        }
        let found = if head.time.is_none() { time_at(text, cursor.at(), clock) } else { None };
        let end = if let Some((moment, end)) = found {
            let span = Span { start: cursor.at(), end };
            head.time = Some((moment, span));
            let letter = cursor
                .peek()
                .filter(u8::is_ascii_uppercase)
                .filter(|_| cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_digit()));
            let klog = letter.and_then(|letter| level::any(&[letter]));
            head.level = head.level.or(klog);
            end
        } else if head.level.is_none() {
            let before = Before { opener, has_time: head.time.is_some(), is_column };
            let Some(lead) = level::leading(cursor, before) else {
                return;
            };
            head.level = Some(lead.level);
            if !lead.is_spent {
                return;
            }
            lead.end
        } else {
            return;
        };
        open = opener.or(open);
        cursor = Cursor::new(text, end);
        has_rule = closings(&mut cursor, &mut open);
        head.end = cursor.at();
    }
}

fn time_at(text: &[u8], at: usize, clock: Clock<'_>) -> Option<(Moment, usize)> {
    let (parts, end) = time::at(text, at)?;
    Some((parts.resolve(clock)?, end))
}

/// Brackets, colons, rules and blanks behind a piece; whether a rule or tab was among them.
fn closings(cursor: &mut Cursor<'_>, open: &mut Option<u8>) -> bool {
    let mut has_rule = false;
    // logrus on a terminal: seconds since the start behind the level.
    let mut ahead = *cursor;
    if ahead.eat(b'[') && !ahead.take_while(|b| b.is_ascii_digit()).is_empty() && ahead.eat(b']') {
        *cursor = ahead;
    }
    // Python: `WARNING:root:text`.
    cursor.eat(b':');
    loop {
        let blanks = cursor.take_while(is_blank);
        has_rule |= blanks.contains(&b'\t') || blanks.len() > 1;
        let next = cursor.peek_at(1);
        let is_apart = next.is_none_or(is_blank);
        match cursor.peek() {
            Some(byte) if open.is_some_and(|opener| level::closer_of(opener) == byte) => {
                *open = None;
            }
            Some(b'|') => has_rule = true,
            Some(b':' | b',') if is_apart || next == Some(b'[') => {}
            Some(b'-') if is_apart => has_rule = true,
            _ => return has_rule,
        }
        cursor.skip(1);
    }
}

/// Heads with something of their own first: `NestJS`, Ruby, syslog's priority, Redis.
fn openings(cursor: &mut Cursor<'_>, head: &mut Head) {
    let mut ahead = *cursor;
    match ahead.next() {
        // `[Nest] 123  - 01/02/2024, 3:04:05 PM     LOG [App] ..`
        Some(b'[') if ahead.take_while(|byte| byte.is_ascii_alphanumeric()).len() > 1 => {
            let is_nest = ahead.eat_all(b"] ")
                && !ahead.take_while(|byte| byte.is_ascii_digit()).is_empty()
                && ahead.take_while(is_blank).len() < 8
                && ahead.eat_all(b"- ");
            if is_nest && ahead.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                *cursor = ahead;
            }
        }
        // `<34>1 2003-10-11T22:14:15.003Z ..`, `<13>Oct 11 22:14:15 ..`
        Some(b'<') => {
            let priority = ahead.number(1, 3);
            if let Some(priority) = priority.filter(|p| *p < 192 && ahead.eat(b'>')) {
                head.level = level::number((priority % 8) as f64);
                if ahead.eat(b'1') {
                    ahead.eat(b' ');
                }
                *cursor = ahead;
            }
        }
        // `1:M 02 Jan 2024 15:04:05.123 * Ready`
        Some(b'0'..=b'9') => {
            ahead.take_while(|byte| byte.is_ascii_digit());
            let is_redis = ahead.eat(b':')
                && matches!(ahead.next(), Some(b'M' | b'C' | b'S' | b'X'))
                && ahead.eat(b' ');
            if is_redis {
                *cursor = ahead;
            }
        }
        _ => {}
    }
}

/// A time with a date that does not lead: in brackets (access logs), or behind words of a head
/// (`api | 2024-..`, `host app[1]: 2024-..`). The text stays whole.
fn further(text: &[u8], from: usize, head: &mut Head, clock: Clock<'_>) {
    let window = text.get(from..text.len().min(from + LOOK)).unwrap_or_default();
    let dated = |at: usize| {
        let (parts, end) = time::at(text, at).filter(|(parts, _)| Parts::has_date(parts))?;
        Some((parts.resolve(clock)?, Span { start: at, end }))
    };
    let mut found = memchr::memchr_iter(b'[', window).map(|at| from + at + 1).find_map(dated);
    if found.is_none() {
        found = behind_words(text, head.end).find_map(dated);
    }
    let Some((_, span)) = found else {
        return;
    };
    head.time = found;
    if head.level.is_none() {
        let mut cursor = Cursor::new(text, span.end);
        closings(&mut cursor, &mut Some(b'['));
        let mut rest = Head { time: found, ..Head::default() };
        pieces(text, cursor, &mut rest, clock);
        head.level = rest.level;
    }
}

/// Where words begin that stand behind a name with a colon or a rule.
fn behind_words(text: &[u8], from: usize) -> impl Iterator<Item = usize> {
    let mut cursor = Cursor::new(text, from);
    let mut words = 0;
    std::iter::from_fn(move || {
        loop {
            words += 1;
            if words > 4 {
                return None;
            }
            cursor.skip_blanks();
            let word = cursor.take_while(|byte| !is_blank(byte));
            cursor.skip_blanks();
            match word.last()? {
                b':' | b'|' | b']' | b'>' => return Some(cursor.at()),
                _ if cursor.peek() == Some(b'|') => {}
                _ => return None,
            }
        }
    })
}
