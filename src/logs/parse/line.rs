//! One line read: whose stamp, which time, which level, where the text begins.

use super::cursor::Cursor;
use super::level::{self, Level, Sign};
use super::time::{Clock, Pattern, Stamp};
use super::{Span, fields, head};

/// What is known of a line before it is read.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The `log_date_format` of the process, if it declares one.
    pub declared: Option<&'a Pattern>,
    /// What completes a time that does not say all.
    pub clock: Clock<'a>,
    /// Whether the line came by standard error.
    pub is_stderr: bool,
}

/// What a line is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Words.
    Text,
    /// A JSON object, perhaps behind words.
    Json,
    /// Pairs of `key=value`.
    Logfmt,
}

/// What a line says of itself. Spans are of its plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What PM2 put before the line, blank included.
    pub prefix: Option<Span>,
    /// When: PM2's stamp where the process declares one, else the line's own.
    pub time: Option<Stamp>,
    /// The level and how it is known.
    pub level: Option<(Level, Sign)>,
    /// The text without what leads it: prefix, time and level. Of a line with fields what stands
    /// before them, which is nothing as a rule.
    pub message: Span,
    /// What the line is made of.
    pub shape: Shape,
    /// Where the fields are: [`fields::Record::of`] reads them.
    pub fields: Option<Span>,
}

/// Reads a line. `text` is plain: [`super::Plain::of`] takes the colours out.
#[must_use]
pub fn read(text: &[u8], context: &Context<'_>) -> Reading {
    let ends = text.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    let text = text.get(..text.len() - ends).unwrap_or_default();
    let prefix = context.declared.and_then(|pattern| pattern.prefix(text, context.clock));
    let start = prefix.map_or(0, |prefix| prefix.end);
    let mut reading = body(text, start, context);
    if let Some(prefix) = prefix {
        let own = reading.time.filter(|time| time.is_date_known);
        // A stamp such as `HH:mm` says less than what the process itself wrote.
        let stamp = prefix.moment.map(|moment| moment.stamp(prefix.span));
        reading.time = match (stamp, own) {
            (Some(stamp), _) if stamp.is_date_known => Some(stamp),
            (stamp, own) => own.or(stamp),
        };
        reading.prefix = Some(Span { start: 0, end: prefix.end });
    }
    if reading.level.is_none() && context.is_stderr {
        reading.level = Some((Level::Warn, Sign::Stream));
    }
    reading
}

fn body(text: &[u8], start: usize, context: &Context<'_>) -> Reading {
    let mut first = Cursor::new(text, start);
    first.skip_blanks();
    if first.peek() == Some(b'{')
        && let Some(reading) = fields::read_json(text, first.at(), context)
    {
        return reading;
    }
    let head = head::read(text, start, context.clock);
    let message = Span { start: head.end, end: text.len() };
    let said = head.level.map(|level| (level, Sign::Said));
    let time = head.time.map(|(moment, span)| moment.stamp(span));
    let whole =
        Reading { prefix: None, time, level: said, message, shape: Shape::Text, fields: None };
    if let Some(fields) = with_fields(text, head.end, context) {
        let is_alone = fields.shape == Shape::Logfmt;
        let start = fields.fields.map_or(text.len(), |span| span.start);
        let end = if is_alone { head.end } else { start };
        let words = Span { start: head.end, end };
        return Reading {
            time: whole.time.or(fields.time),
            level: said.or(fields.level).or_else(|| by_words(words.of(text))),
            message: words,
            ..fields
        };
    }
    Reading { level: said.or_else(|| by_words(message.of(text))), ..whole }
}

/// The fields that the rest of a line is: pairs, or an object at its end.
fn with_fields(text: &[u8], start: usize, context: &Context<'_>) -> Option<Reading> {
    let rest = text.get(start..)?;
    if rest.trim_ascii_end().last() == Some(&b'}') {
        let opened = rest.windows(2).enumerate().filter(|(_, two)| two == b"{\"");
        let mut objects = opened.take(3).map(|(at, _)| start + at);
        return objects.find_map(|at| fields::read_json(text, at, context));
    }
    let word = rest.iter().take(64).take_while(|byte| **byte != b' ' && **byte != b'"');
    let has_pair = word.copied().any(|byte| byte == b'=');
    if has_pair { fields::read_logfmt(text, start, context) } else { None }
}

fn by_words(message: &[u8]) -> Option<(Level, Sign)> {
    let mut cursor = Cursor::new(message, 0);
    if let Some(level) = level::in_head(cursor) {
        return Some((level, Sign::Said));
    }
    cursor.skip_blanks();
    if let Some(level) = level::thrown(cursor.rest()) {
        return Some((level, Sign::Thrown));
    }
    level::access(message).map(|level| (level, Sign::Form))
}
