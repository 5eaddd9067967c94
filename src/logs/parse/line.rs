//! One line read: whose stamp, which time, which level, where the text begins.

use super::cursor::Cursor;
use super::fields::{Known, LINE_MAX, json, logfmt, whole_object};
use super::level::{self, Level, Sign};
use super::plain::Plain;
use super::prose::is_prose;
use super::reading::{Context, Reading, Shape};
use super::time::Stamp;
use super::{Span, head};

/// Reads a line. `text` is plain: [`super::Plain::of`] takes the colours out.
#[must_use]
pub fn read(text: &[u8], context: &Context<'_>) -> Reading {
    let ends = text.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    let text = text.get(..text.len() - ends).unwrap_or_default();
    let prefix = context.declared.and_then(|pattern| pattern.prefix(text, context.clock));
    let start = prefix.map_or(0, |prefix| prefix.end);
    let mut reading =
        if prefix.is_none() && is_prose(text) { prose(text) } else { body(text, start, context) };
    reading.own_time = reading.time.map(|time| time.span);
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
    // A blank line warns of nothing.
    let is_blank = || text.get(start..).is_none_or(|text| text.trim_ascii().is_empty());
    if reading.level.is_none() && context.is_stderr && !is_blank() {
        let level = level::of_stderr(text.get(start..).unwrap_or_default());
        let sign = if level == Level::Warn { Sign::Stream } else { Sign::Said };
        reading.level = Some((level, sign));
    }
    reading
}

/// Nothing but its words.
fn prose(text: &[u8]) -> Reading {
    let message = Span { start: 0, end: text.len() };
    let (prefix, time, own_time, level, fields) = (None, None, None, None, None);
    let (shape, is_prose) = (Shape::Text, true);
    Reading { prefix, time, own_time, level, message, shape, is_prose, fields }
}

/// Looks for time, level and fields.
pub(super) fn body(text: &[u8], start: usize, context: &Context<'_>) -> Reading {
    let mut first = Cursor::new(text, start);
    first.skip_blanks();
    if first.peek() == Some(b'{')
        && let Some(reading) = read_json(text, first.at(), context)
    {
        return reading;
    }
    let head = head::read(text, start, context.clock);
    let message = Span { start: head.end, end: text.len() };
    let said = head.level.map(|level| (level, Sign::Said));
    let time = head.time.map(|(moment, span)| moment.stamp(span));
    let whole = Reading {
        prefix: None,
        time,
        own_time: None,
        is_prose: false,
        level: said,
        message,
        shape: Shape::Text,
        fields: None,
    };
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
        return objects.find_map(|at| read_json(text, at, context));
    }
    let lead = rest.get(..64).unwrap_or(rest);
    let ends = memchr::memchr3(b' ', b'"', b'=', lead).and_then(|end| lead.get(end));
    if ends == Some(&b'=') { read_logfmt(text, start, context) } else { None }
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

/// The line from `start` on, if it is an object to its end.
fn read_json(text: &[u8], start: usize, context: &Context<'_>) -> Option<Reading> {
    if text.len() > LINE_MAX {
        return None;
    }
    let mut known = Known::default();
    let end = json::object(text, start, &mut |path, value| known.take(path, value))?;
    if !text.get(end..)?.trim_ascii().is_empty() {
        return None;
    }
    let span = Span { start, end };
    let place = |value: &[u8]| text.as_ptr().addr().abs_diff(value.as_ptr().addr());
    let mut reading = known.reading(context, &place);
    (reading.shape, reading.fields) = (Shape::Json, Some(span));
    if known.is_pm2() {
        let message = known.message_text();
        let is_stderr = known.is_err;
        let inner = Plain::of(message.trim_end_matches(['\n', '\r']).as_bytes()).text.into_owned();
        // An object of PM2's in another is text: there is one level of this, not more.
        let context = Context { declared: None, is_stderr, ..*context };
        let is_object = inner.first() == Some(&b'{');
        if !is_object || whole_object(&inner).is_some() {
            let within = read(&inner, &context);
            reading.level = within.level;
            let span = reading.time.map_or(Span { start, end: start }, |time| time.span);
            let own = within.time.map(|time| Stamp { span, ..time });
            reading.time = reading.time.or(own);
        }
    }
    Some(reading)
}

/// The line from `start` on, if it is pairs to its end: two at least, and one that loggers write.
fn read_logfmt(text: &[u8], start: usize, context: &Context<'_>) -> Option<Reading> {
    if text.len() > LINE_MAX {
        return None;
    }
    let mut known = Known::default();
    let count = logfmt::pairs(text, start, &mut |path, value| known.take(path, value))?;
    if count < 2 {
        return None;
    }
    let place = |value: &[u8]| text.as_ptr().addr().abs_diff(value.as_ptr().addr());
    let mut reading = known.reading(context, &place);
    (reading.shape, reading.fields) = (Shape::Logfmt, Some(Span { start, end: text.len() }));
    Some(reading)
}
