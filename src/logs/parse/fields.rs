//! Lines that are fields: JSON of pino, bunyan, winston, zap, slog, structlog, ECS and PM2's own
//! `log_type: json`, and logfmt. Level, message, then the other fields in their order.

pub(super) mod json;
pub(super) mod logfmt;
mod roles;

#[cfg(test)]
mod tests;

use super::reading::{Reading, Shape};
use super::trace::traces;

pub(super) use self::json::{Value, unescape};
pub(super) use self::roles::Known;

/// A line longer than this is left as text: 1 MiB.
pub const LINE_MAX: usize = 1024 * 1024;

/// A line taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The text. It may have several lines, and control characters: it is cleaned where it is shown.
    pub message: String,
    /// All but time, level, message and stack, in the order of the line.
    pub fields: Vec<Field>,
    /// The stack trace of an error object.
    pub stack: Option<String>,
}

/// One field of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Nested keys are joined by dots: `req.headers.host`.
    pub key: String,
    /// Text without quotes; numbers as they stand in the line; arrays as JSON.
    pub value: String,
    /// Whether it is the same on every line, and so seldom worth its room: `pid`, `hostname`, `v`.
    pub is_noise: bool,
    is_nested: bool,
}

impl Field {
    /// `key=value`, the value in quotes where it would not read as one word.
    #[must_use]
    pub fn word(&self) -> String {
        let is_word = |c: char| !c.is_whitespace() && !c.is_control() && c != '"' && c != '=';
        let is_plain = !self.value.is_empty() && self.value.chars().all(is_word);
        if self.is_nested || is_plain {
            return format!("{}={}", self.key, self.value);
        }
        let mut quoted = String::with_capacity(self.value.len() + 2);
        for character in self.value.chars() {
            match character {
                '"' | '\\' => quoted.extend(['\\', character]),
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                control if control.is_control() => quoted.extend(control.escape_unicode()),
                other => quoted.push(other),
            }
        }
        format!("{}=\"{quoted}\"", self.key)
    }
}

impl Record {
    /// Takes a plain line apart, as [`super::read`] has read it. `None` where it has no fields.
    #[must_use]
    pub fn of(text: &[u8], reading: &Reading) -> Option<Self> {
        let span = reading.fields?;
        let mut record = match reading.shape {
            Shape::Text => return None,
            Shape::Json => object(span.of(text)),
            Shape::Logfmt => pairs(span.of(text)),
        };
        let before = String::from_utf8_lossy(reading.message.of(text));
        if !before.trim().is_empty() {
            record.message = if record.message.is_empty() {
                before.trim_end().to_owned()
            } else {
                format!("{}{}", before, record.message)
            };
        }
        Some(record)
    }

    /// Message and fields on one line, without noise.
    #[must_use]
    pub fn line(&self) -> String {
        self.joined(&self.message)
    }

    fn joined(&self, message: &str) -> String {
        let fields = self.fields.iter().filter(|field| !field.is_noise).map(Field::word);
        let message = Some(message.to_owned()).filter(|message| !message.is_empty());
        message.into_iter().chain(fields).collect::<Vec<_>>().join(" ")
    }

    /// As a row shows it: as [`Self::line`], but of a stack trace what was thrown, and how many frames there
    /// are.
    #[must_use]
    pub fn row(&self) -> String {
        let message = match &self.stack {
            Some(stack) if self.message.is_empty() => stack.lines().next().unwrap_or_default(),
            _ => &*self.message,
        };
        let Some((head, frames)) = thrown(message) else { return self.joined(message) };
        let noun = if frames == 1 { "frame" } else { "frames" };
        format!("{}   + {frames} {noun}", self.joined(&head))
    }
}

/// What was thrown, with what stands before it, and how many frames follow; `None` of what is no stack trace.
fn thrown(message: &str) -> Option<(String, usize)> {
    if !message.contains('\n') {
        return None;
    }
    let lines: Vec<&str> = message.lines().collect();
    let all = traces(lines.iter().map(|line| line.as_bytes()));
    let trace = all.into_iter().find(|trace| trace.frames > 0)?;
    let before = lines.get(..trace.first)?.iter().map(|line| line.trim());
    let title = lines.get(trace.title)?.trim();
    let head: Vec<&str> = before.filter(|line| !line.is_empty()).chain([title]).collect();
    Some((head.join(" "), trace.frames))
}

fn object(text: &[u8]) -> Record {
    let mut known = Known::default();
    let end = json::object(text, 0, &mut |path, value| known.take(path, value));
    let mut record = Record::default();
    if end.is_none() {
        return record;
    }
    json::object(text, 0, &mut |path, value| record.take(path, value, &known));
    record.message = known.message_text();
    if known.is_pm2() {
        unwrap_pm2(&mut record);
    }
    record
}

fn pairs(text: &[u8]) -> Record {
    let mut known = Known::default();
    logfmt::pairs(text, 0, &mut |path, value| known.take(path, value));
    let mut record = Record::default();
    logfmt::pairs(text, 0, &mut |path, value| record.take(path, value, &known));
    record.message = known.message_text();
    record
}

/// What the process wrote, of a plain line that [`super::read`] has read, where that is an object of PM2's
/// `log_type: json`: all that came in one piece.
#[must_use]
pub fn pm2_message(text: &[u8], reading: &Reading) -> Option<String> {
    let span = reading.fields.filter(|span| reading.shape == Shape::Json && span.start == 0)?;
    let mut known = Known::default();
    json::object(span.of(text), 0, &mut |path, value| known.take(path, value))?;
    known.is_pm2().then(|| known.message_text())
}

/// What the process wrote is PM2's `message`: its own fields are what matters.
fn unwrap_pm2(record: &mut Record) {
    let message = record.message.trim_end_matches(['\n', '\r']).to_owned();
    if let Some(end) = message.starts_with('{').then(|| whole_object(message.as_bytes())).flatten()
    {
        let inner = object(message.as_bytes().get(..end).unwrap_or_default());
        record.message = inner.message;
        record.fields.extend(inner.fields);
        record.stack = inner.stack;
    } else {
        record.message = message;
    }
}

/// Where the object that this text is ends; one of PM2's is not looked for in another.
pub(super) fn whole_object(text: &[u8]) -> Option<usize> {
    let mut known = Known::default();
    let end = json::object(text, 0, &mut |path, value| known.take(path, value))?;
    let is_all = text.get(end..).is_some_and(|rest| rest.trim_ascii().is_empty());
    (is_all && !known.is_pm2()).then_some(end)
}

impl Record {
    fn take(&mut self, path: &[&[u8]], value: Value<'_>, known: &Known<'_>) {
        if known.has_used(value) {
            return;
        }
        let (value, is_nested) = match value {
            Value::Text(inside) => (unescape(inside), false),
            Value::Bare(word) => (String::from_utf8_lossy(word).into_owned(), false),
            Value::Nested(text) => (String::from_utf8_lossy(text).into_owned(), true),
        };
        if self.stack.is_none() && roles::is_stack(path) && value.contains('\n') {
            self.stack = Some(value);
            return;
        }
        let is_noise = roles::is_noise(path) || (known.is_pm2() && roles::is_of_pm2(path));
        let keys = path.iter().map(|key| unescape(key)).collect::<Vec<_>>();
        self.fields.push(Field { key: keys.join("."), value, is_noise, is_nested });
    }
}
