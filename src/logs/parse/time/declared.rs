//! PM2's `log_date_format`, compiled to what it writes.
//!
//! Which library formats depends on the release (docs/pm2-ops.md section 1.2): dayjs in new ones,
//! date-fns and moment in old ones, and the format alone does not tell. Where they differ, a piece
//! accepts what any of them writes: `x` is the letter (dayjs) or milliseconds (the others).

use super::super::cursor::Cursor;
use super::super::{Span, cursor};
use super::known::{milliseconds, month, weekday};
use super::{Clock, Moment, Parts, epoch_ms, zone};

/// A format longer than this declares nothing: no clock is that long.
const LENGTH_MAX: usize = 256;

/// A `log_date_format`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

/// What PM2 put before a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logs::parse) struct Prefix {
    /// The stamp, without the colon behind it.
    pub(in crate::logs::parse) span: Span,
    /// Where the line begins that the process wrote.
    pub(in crate::logs::parse) end: usize,
    /// `None` where the format has no hour.
    pub(in crate::logs::parse) moment: Option<Moment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    /// Four digits, or two.
    Year,
    ShortYear,
    /// `Y` and `YYY`: a year, but with dayjs the zone.
    YearOrZone,
    Month,
    MonthName,
    Day,
    Ordinal,
    Weekday,
    Hour,
    Minute,
    Second,
    Fraction,
    Half,
    Zone,
    /// A letter that only some libraries replace: by a count of seconds or milliseconds, by digits.
    Epoch(u8),
    Tenths(usize),
}

impl Pattern {
    /// Compiles a format. `None` where it declares no prefix: empty, or too long.
    #[must_use]
    pub fn new(format: &str) -> Option<Self> {
        if format.is_empty() || format.len() > LENGTH_MAX {
            return None;
        }
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = Cursor::new(format.as_bytes(), 0);
        while let Some(byte) = rest.peek() {
            let piece = match byte {
                b'[' => escaped(&mut rest),
                _ => token(&mut rest, byte),
            };
            match (piece, pieces.last_mut()) {
                (Piece::Literal(more), Some(Piece::Literal(text))) => text.extend(more),
                (piece, _) => pieces.push(piece),
            }
        }
        Some(Self { pieces })
    }

    /// Whether it says seconds.
    #[must_use]
    pub fn has_seconds(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Second | Piece::Epoch(_)))
    }

    /// The stamp that PM2 put before this line, if one is there: `STAMP: line`.
    pub(in crate::logs::parse) fn prefix(&self, line: &[u8], clock: Clock<'_>) -> Option<Prefix> {
        let (parts, end) = self.matches(line)?;
        let mut after = Cursor::new(line, end);
        after.want(b':')?;
        // An empty line keeps its colon, and an editor may have cut the blank.
        if !after.eat(b' ') && after.peek().is_some() {
            return None;
        }
        let span = Span { start: 0, end };
        Some(Prefix { span, end: after.at(), moment: parts.resolve(clock) })
    }

    /// The time that this text is: `timestamp` in lines of `log_type: json`.
    pub(in crate::logs::parse) fn value(&self, text: &[u8], clock: Clock<'_>) -> Option<Moment> {
        let (parts, end) = self.matches(text)?;
        (end == text.len()).then(|| parts.resolve(clock)).flatten()
    }

    fn matches(&self, line: &[u8]) -> Option<(Parts, usize)> {
        let mut cursor = Cursor::new(line, 0);
        let mut parts = Parts::default();
        for piece in &self.pieces {
            piece.take(&mut cursor, &mut parts)?;
        }
        Some((parts, cursor.at()))
    }
}

/// `[text]`: the text. A bracket that is not closed, or that nothing is in, is itself.
fn escaped(rest: &mut Cursor<'_>) -> Piece {
    let inside = rest.rest().get(1..).unwrap_or_default();
    match inside.iter().position(|byte| *byte == b']') {
        Some(length) if length > 0 => {
            rest.skip(length + 2);
            Piece::Literal(inside.get(..length).unwrap_or_default().to_vec())
        }
        _ => {
            rest.skip(1);
            Piece::Literal(b"[".to_vec())
        }
    }
}

fn token(rest: &mut Cursor<'_>, letter: u8) -> Piece {
    let run = rest.rest().iter().take_while(|byte| **byte == letter).count();
    let longest = match letter {
        b'Y' | b'M' | b'd' => 4,
        b'D' | b'H' | b'h' | b'm' | b's' | b'Z' => 2,
        b'S' => 9,
        _ => 1,
    };
    let count = run.min(longest);
    rest.skip(count);
    match (letter, count) {
        (b'Y', 4) => Piece::Year,
        (b'Y', 2) => Piece::ShortYear,
        (b'Y', _) => Piece::YearOrZone,
        (b'M', 1 | 2) => Piece::Month,
        (b'M', _) => Piece::MonthName,
        (b'D', 1) if rest.eat(b'o') => Piece::Ordinal,
        (b'D', _) => Piece::Day,
        (b'd', _) => Piece::Weekday,
        (b'H' | b'h', _) => Piece::Hour,
        (b'm', _) => Piece::Minute,
        (b's', _) => Piece::Second,
        (b'S', 3) => Piece::Fraction,
        (b'S', _) => Piece::Tenths(count),
        (b'a' | b'A', _) => Piece::Half,
        (b'Z', _) => Piece::Zone,
        (b'x' | b'X', _) => Piece::Epoch(letter),
        _ => Piece::Literal(vec![letter; count]),
    }
}

impl Piece {
    fn take(&self, cursor: &mut Cursor<'_>, parts: &mut Parts) -> Option<()> {
        match self {
            Self::Literal(text) => return cursor.eat_all(text).then_some(()),
            Self::Year => parts.year = Some(cursor.number(4, 4)?),
            Self::ShortYear => parts.year = Some(2000 + cursor.number(2, 2)?),
            Self::YearOrZone => {
                if matches!(cursor.peek(), Some(b'+' | b'-')) {
                    parts.offset_s = Some(zone::numeric(cursor, true)?);
                } else {
                    parts.year = Some(cursor.number(4, 4)?);
                }
            }
            Self::Month => parts.month = Some(cursor.number(1, 2)?),
            Self::MonthName => parts.month = Some(month(cursor)?),
            Self::Day => parts.day = Some(cursor.number(1, 2)?),
            Self::Ordinal => {
                parts.day = Some(cursor.number(1, 2)?);
                let suffix = cursor.take_while(|byte| byte.is_ascii_lowercase());
                return [&b"o"[..], b"st", b"nd", b"rd", b"th"].contains(&suffix).then_some(());
            }
            Self::Weekday => take_weekday(cursor)?,
            Self::Hour => parts.hour = Some(cursor.number(1, 2)?),
            Self::Minute => parts.minute = cursor.number(1, 2)?,
            Self::Second => parts.second = cursor.number(1, 2)?,
            Self::Fraction => parts.ms = cursor.number(3, 3)?,
            Self::Half => {
                let is_pm = match cursor.next()? {
                    b'a' | b'A' => false,
                    b'p' | b'P' => true,
                    _ => return None,
                };
                matches!(cursor.next()?, b'm' | b'M').then_some(())?;
                parts.is_pm = Some(is_pm);
            }
            Self::Zone if cursor.eat(b'Z') => parts.offset_s = Some(0),
            Self::Zone => parts.offset_s = Some(zone::numeric(cursor, true)?),
            Self::Epoch(letter) if cursor.eat(*letter) => {}
            Self::Epoch(_) => {
                let start = cursor.at();
                cursor.take_while(|byte| byte.is_ascii_digit() || byte == b'.');
                let digits = std::str::from_utf8(cursor.since(start)).ok()?;
                parts.epoch_ms = Some(epoch_ms(digits.parse().ok()?)?);
            }
            Self::Tenths(count) if cursor.peek() == Some(b'S') => {
                return cursor.eat_all(&vec![b'S'; *count]).then_some(());
            }
            Self::Tenths(count) => {
                let start = cursor.at();
                cursor.number(*count, *count)?;
                parts.ms = milliseconds(&mut Cursor::new(cursor.since(start), 0));
            }
        }
        Some(())
    }
}

/// `2`, `Tu`, `Tue`, `Tuesday`.
fn take_weekday(cursor: &mut Cursor<'_>) -> Option<()> {
    if weekday(cursor) || cursor.number(1, 1).is_some() {
        return Some(());
    }
    let word = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    cursor::trim(word).len().eq(&2).then_some(())
}
