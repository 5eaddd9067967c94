//! Which field is the time, the level, the message: by name, the surer name first.

use super::super::Span;
use super::super::level::{self, Level, Sign};
use super::super::reading::{Context, Reading, Shape};
use super::super::time::{self, Parts};
use super::json::{Value, unescape};

/// Names of the time; the rank of a name is its place in the list.
const TIME: &[&[u8]] = &[
    b"time",
    b"timestamp",
    b"@timestamp",
    b"ts",
    b"@t",
    b"t",
    b"datetime",
    b"asctime",
    b"date",
    b"eventTime",
];
const LEVEL: &[&[u8]] = &[
    b"level",
    b"severity",
    b"lvl",
    b"log.level",
    b"@l",
    b"levelname",
    b"loglevel",
    b"log_level",
    b"level_name",
    b"severity_text",
    b"severityText",
    b"logLevel",
];
const MESSAGE: &[&[u8]] =
    &[b"msg", b"message", b"@message", b"@m", b"event", b"short_message", b"@mt", b"body", b"text"];
const STACK: &[&[u8]] = &[
    b"stack",
    b"stack_trace",
    b"stackTrace",
    b"stacktrace",
    b"exception",
    b"exc_info",
    b"traceback",
    b"@x",
];

/// A field that was found for a role: its rank, its value and what was read from it.
#[derive(Clone, Copy)]
struct Found<'a, T> {
    rank: usize,
    value: &'a [u8],
    read: T,
}

/// What the fields of a line say of time, level and message.
#[derive(Default)]
pub(in crate::logs::parse) struct Known<'a> {
    time: Option<Found<'a, Option<Parts>>>,
    level: Option<Found<'a, Level>>,
    message: Option<Found<'a, bool>>,
    has_app_name: bool,
    has_process_id: bool,
    /// PM2's `type` is `err`.
    pub(in crate::logs::parse) is_err: bool,
}

impl<'a> Known<'a> {
    pub(in crate::logs::parse) fn take(&mut self, path: &[&'a [u8]], value: Value<'a>) {
        let (bytes, is_text) = match value {
            Value::Text(inside) => (inside, true),
            Value::Bare(word) => (word, false),
            Value::Nested(_) => return,
        };
        match path {
            [key] => self.take_top(key, bytes, is_text),
            // ECS, nested.
            [b"log", b"level"] => self.take_level(1, bytes),
            // tracing's JSON.
            [b"fields", b"message"] => self.take_top(b"message", bytes, is_text),
            // MongoDB.
            [b"t", b"$date"] => self.take_top(b"t", bytes, is_text),
            _ => {}
        }
    }

    fn take_top(&mut self, key: &[u8], bytes: &'a [u8], is_text: bool) {
        let rank = |names: &[&[u8]]| names.iter().position(|name| *name == key);
        // MongoDB's `s` is a letter; other programs have other things of that name.
        if key == b"s" && bytes.len() == 1 {
            self.take_level(LEVEL.len(), bytes);
        }
        self.has_app_name |= key == b"app_name";
        self.has_process_id |= key == b"process_id";
        self.is_err |= key == b"type" && bytes == b"err";
        if let Some(rank) = rank(TIME) {
            let parts = time_of(bytes);
            let is_better = self.time.is_none_or(|found| {
                (rank, parts.is_none()) < (found.rank, found.read.is_none())
                    || (found.read.is_none() && parts.is_some())
            });
            if is_better && (parts.is_some() || is_text) {
                self.time = Some(Found { rank, value: bytes, read: parts });
            }
        } else if let Some(rank) = rank(LEVEL) {
            self.take_level(rank, bytes);
        } else if let Some(rank) = rank(MESSAGE)
            && self.message.is_none_or(|found| rank < found.rank)
            && bytes != b"null"
        {
            self.message = Some(Found { rank, value: bytes, read: is_text });
        } else {
            // No field that has a role.
        }
    }

    fn take_level(&mut self, rank: usize, bytes: &'a [u8]) {
        if self.level.is_some_and(|found| found.rank <= rank) {
            return;
        }
        let number = || std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
        let level = if bytes.first().is_some_and(u8::is_ascii_digit) {
            number().and_then(level::number)
        } else {
            level::any(super::super::Plain::of(bytes).text.trim_ascii()).or_else(|| coloured(bytes))
        };
        if let Some(read) = level {
            self.level = Some(Found { rank, value: bytes, read });
        }
    }

    /// Whether the line is PM2's `log_type: json` (docs/pm2-ops.md section 1.2).
    pub(in crate::logs::parse) fn is_pm2(&self) -> bool {
        self.has_app_name && self.has_process_id && self.message.is_some()
    }

    /// Whether this value (this place in the line) is time, level or message.
    pub(super) fn has_used(&self, value: Value<'_>) -> bool {
        let bytes = match value {
            Value::Text(bytes) | Value::Bare(bytes) | Value::Nested(bytes) => bytes,
        };
        let is_it = |known: Option<&[u8]>| known.is_some_and(|k| std::ptr::eq(k, bytes));
        let is_time = self.time.filter(|found| found.read.is_some() || self.is_pm2());
        is_it(is_time.map(|found| found.value))
            || is_it(self.level.map(|found| found.value))
            || is_it(self.message.map(|found| found.value))
    }

    pub(in crate::logs::parse) fn message_text(&self) -> String {
        match self.message {
            Some(found) if found.read => unescape(found.value),
            Some(found) => String::from_utf8_lossy(found.value).into_owned(),
            None => String::new(),
        }
    }

    /// What a line of these fields says. `place` gives the offset of a value in the line.
    pub(in crate::logs::parse) fn reading(
        &self,
        context: &Context<'_>,
        place: &dyn Fn(&[u8]) -> usize,
    ) -> Reading {
        let time = self.time.and_then(|found| {
            let declared = context.declared.filter(|_| self.is_pm2());
            let by_pattern = declared.and_then(|it| it.value(found.value, context.clock));
            let moment = by_pattern.or_else(|| found.read?.resolve(context.clock))?;
            let start = place(found.value);
            Some(moment.stamp(Span { start, end: start + found.value.len() }))
        });
        let said = self.level.map(|found| (found.read, Sign::Said));
        let thrown = || {
            let text = self.message.map(|found| found.value)?;
            Some((level::thrown(text)?, Sign::Thrown))
        };
        Reading {
            prefix: None,
            time,
            own_time: None,
            is_prose: false,
            level: said.or_else(thrown),
            message: Span { start: 0, end: 0 },
            shape: Shape::Json,
            fields: None,
        }
    }
}

/// `\u001b[32minfo\u001b[39m`: winston's colours, escaped by its JSON.
fn coloured(bytes: &[u8]) -> Option<Level> {
    if !bytes.contains(&b'\\') {
        return None;
    }
    let text = unescape(bytes);
    level::any(super::super::Plain::of(text.as_bytes()).text.trim_ascii())
}

fn time_of(bytes: &[u8]) -> Option<Parts> {
    let first = *bytes.first()?;
    let is_number = bytes.iter().all(|b| b.is_ascii_digit() || b".eE+".contains(b));
    if first.is_ascii_digit() && is_number {
        let number = std::str::from_utf8(bytes).ok()?.parse().ok()?;
        return Some(Parts { epoch_ms: Some(time::epoch_ms(number)?), ..Parts::default() });
    }
    time::text(bytes)
}

/// Fields that are the same on every line of a process.
pub(super) fn is_noise(path: &[&[u8]]) -> bool {
    match path {
        [key] => [&b"pid"[..], b"hostname", b"v", b"ecs.version", b"@version"].contains(key),
        [b"ecs", b"version"] | [b"process", b"pid"] | [b"host", b"hostname"] => true,
        _ => false,
    }
}

/// Fields that PM2 adds to every line.
pub(super) fn is_of_pm2(path: &[&[u8]]) -> bool {
    matches!(path, [b"type" | b"process_id" | b"app_name"])
}

/// Names of a stack trace, also in `err` and `error`.
pub(super) fn is_stack(path: &[&[u8]]) -> bool {
    match path {
        [key] => STACK.contains(key) || *key == b"error.stack_trace" || *key == b"err.stack",
        [b"err" | b"error" | b"exception" | b"reason", key] => STACK.contains(key),
        _ => false,
    }
}
