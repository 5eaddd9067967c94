//! What was said on standard error: the text that tells why a process ended, of an error log or of the bus.
//!
//! Invariant: what PM2 put around a line is taken off here, and nowhere else: a prefix in the format that the
//! process declares, the object of `log_type: json`. Where that says a moment to the second, it stands before
//! the text as PM2's own stamp, the one form that `model::death` reads; else nothing does.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::clock;
use crate::logs::parse::{Clock, Context, Pattern, Plain, pm2_message, read};
use crate::model::log::{LineKind, LogLine};
use crate::protocol::process::{PmId, ProcessInfo};

/// So much of a line is looked at, bytes.
const LINE_BYTES_MAX: usize = 64 << 10;

/// The format of `time: true`: its stamp is the one that is read elsewhere.
const USUAL: &str = "YYYY-MM-DDTHH:mm:ss";

/// How an error log is read.
#[derive(Debug)]
pub(super) struct Said {
    /// The `log_date_format` of its process.
    pub(super) declared: Option<Pattern>,
    /// Of times without a zone.
    pub(super) zone: TimeZone,
    /// What completes a time that does not say all, milliseconds since 1970.
    pub(super) reference_ms: i64,
    /// Stamps are given in the local time that is so far ahead of UTC, seconds.
    pub(super) utc_offset_s: i32,
}

impl Said {
    /// How what a process with this format says at this time is read, milliseconds since 1970.
    pub(super) fn at(declared: Option<&str>, at_ms: i64) -> Self {
        Self {
            declared: declared.and_then(Pattern::new),
            zone: clock::zone(),
            reference_ms: at_ms,
            utc_offset_s: clock::utc_offset_s(at_ms),
        }
    }

    /// The text of a log, line by line.
    pub(super) fn text(&self, log: &[u8]) -> String {
        let mut text = String::with_capacity(log.len());
        for line in log.split_inclusive(|byte| *byte == b'\n') {
            self.push(line.strip_suffix(b"\n").unwrap_or(line), &mut text);
        }
        text
    }

    fn push(&self, line: &[u8], text: &mut String) {
        let plain = Plain::of(line.get(..LINE_BYTES_MAX).unwrap_or(line));
        let clock = Clock { zone: &self.zone, reference_ms: self.reference_ms };
        let declared = self.declared.as_ref();
        let reading = read(&plain.text, &Context { declared, clock, is_stderr: true });
        let message = pm2_message(&plain.text, &reading);
        let behind = reading.prefix.and_then(|prefix| plain.text.get(prefix.end..));
        let (said, is_pm2s) = match (&message, behind) {
            (Some(message), _) => (message.as_str().into(), true),
            (None, Some(behind)) => (String::from_utf8_lossy(behind), true),
            (None, None) => (String::from_utf8_lossy(line), false),
        };
        let is_exact = declared.is_none_or(Pattern::has_seconds);
        let time = reading.time.filter(|time| is_pm2s && is_exact && time.is_date_known);
        let stamp = time.and_then(|time| self.stamp(time.at_ms)).unwrap_or_default();
        // What came in one piece is one object.
        for said in said.trim_end_matches(['\n', '\r']).split('\n') {
            text.extend([stamp.as_str(), said, "\n"]);
        }
    }

    fn stamp(&self, at_ms: i64) -> Option<String> {
        let offset = Offset::from_seconds(self.utc_offset_s).ok()?;
        let at = offset.to_datetime(Timestamp::from_millisecond(at_ms).ok()?);
        Some(at.strftime("%Y-%m-%dT%H:%M:%S: ").to_string())
    }
}

/// What the processes of a daemon declare of the lines of their logs, where that is not the usual.
#[derive(Debug, Default)]
pub(super) struct Formats(Mutex<HashMap<PmId, Box<str>>>);

impl Formats {
    /// These are all processes now.
    pub(super) fn know(&self, infos: &[ProcessInfo]) {
        let declared = |info: &ProcessInfo| {
            let format = info.logs.date_format.clone().filter(|format| **format != *USUAL)?;
            Some((info.pm_id, format))
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            infos.iter().filter_map(declared).collect();
    }

    /// Notes of lines of the bus what was said, where PM2 put something else around it than its usual stamp.
    pub(super) fn note(&self, lines: &mut [LogLine]) {
        let formats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last: Option<(PmId, Said)> = None;
        for line in lines.iter_mut().filter(|line| line.kind == LineKind::Err) {
            let Some(pm_id) = line.source.pm_id else { continue };
            let declared = formats.get(&pm_id);
            // Of `log_type: json` PM2 tells nothing.
            if declared.is_none() && !line.text.starts_with('{') {
                continue;
            }
            let said = match last.take() {
                Some((id, said)) if id == pm_id => said,
                _ => Said::at(declared.map(|format| &**format), line.at_ms),
            };
            let said = Said { reference_ms: line.at_ms, ..said };
            line.said = Some(said.text(line.text.as_bytes()).into());
            last = Some((pm_id, said));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::ends::{Ground, of};
    use crate::model::death::words;
    use crate::protocol::process::{LogFiles, PmId, ProcessInfo, ProcessStatus};

    const TRACE: [&str; 7] = [
        "undefined:1",
        "{bad",
        " ^",
        "",
        "SyntaxError: Expected property name in JSON at position 1",
        "    at JSON.parse (<anonymous>)",
        "    at Timeout._onTimeout (/srv/badcfg.js:2:24)",
    ];

    fn said(declared: &str, log: &str) -> String {
        let (zone, reference_ms) = (TimeZone::UTC, 1_795_983_357_000);
        let said =
            Said { declared: Pattern::new(declared), zone, reference_ms, utc_offset_s: 3_600 };
        said.text(log.as_bytes())
    }

    fn json(message: &str) -> String {
        let message = serde_json::Value::from(message);
        format!(
            "{{\"message\":{message},\"timestamp\":\"2026-11-29T20:15:57+00:00\",\"type\":\"err\",\
             \"process_id\":5,\"app_name\":\"nd5\"}}\n"
        )
    }

    #[test]
    fn what_pm2_puts_around_a_line_is_taken_off() {
        let stamped = "2026-11-29T21:15:57: Error: x\n2026-11-29T21:15:57: \n";
        for (format, log) in [
            (
                "YYYY-MM-DD HH:mm:ss Z",
                "2026-11-29 20:15:57 +00:00: Error: x\n2026-11-29 20:15:57 +00:00: \n",
            ),
            (
                "YYYY-MM-DD HH:mm:ss.SSS",
                "2026-11-29 20:15:57.662: Error: x\n2026-11-29 20:15:57.662: \n",
            ),
            ("DD.MM.YYYY HH:mm:ss", "29.11.2026 20:15:57: Error: x\n29.11.2026 20:15:57: \n"),
            ("", &(json("Error: x\n") + &json("\n"))),
        ] {
            assert_eq!(said(format, log), stamped, "{format}");
        }
        // What says no day, or no seconds, tells no life by its time.
        assert_eq!(said("HH:mm:ss", "20:15:57: Error: x"), "Error: x\n");
        assert_eq!(said("YYYY-MM-DD HH:mm", "2026-11-29 20:15: Error: x\n"), "Error: x\n");
        // What the process itself wrote stays.
        let own = "2026-11-29 20:15:57 ERROR x\n{\"level\":50,\"msg\":\"x\"}\n";
        assert_eq!(said("", own), own);
        assert_eq!(said("", ""), "", "what is empty has no line");
    }

    #[test]
    fn a_line_of_the_bus_is_read_as_its_process_declares_it() {
        use crate::model::DaemonId;
        use crate::model::log::LogSource;
        let declares = |id, format: Option<&str>| {
            let mut info = ProcessInfo::new(PmId(id), "py", ProcessStatus::Online);
            info.logs.date_format = format.map(Into::into);
            info
        };
        let formats = Formats::default();
        let zoned = Some("YYYY-MM-DD HH:mm:ss Z");
        formats.know(&[declares(0, zoned), declares(1, Some(USUAL)), declares(2, None)]);
        let line = |id, kind, text: &str| LogLine {
            at_ms: 1_795_983_357_000,
            is_estimated: false,
            source: LogSource { daemon: DaemonId(0), pm_id: Some(PmId(id)), name: "py".into() },
            kind,
            text: text.into(),
            said: None,
        };
        let zoned = "2026-11-29 20:15:57 +00:00: KeyError: 'x'";
        let usual = "2026-11-29T20:15:57: KeyError: 'x'";
        let object = json("KeyError: 'x'\n");
        let mut lines = vec![
            line(0, LineKind::Err, &format!("{zoned}\n{zoned}")),
            line(0, LineKind::Out, zoned),
            line(1, LineKind::Err, usual),
            line(2, LineKind::Err, "KeyError: 'x'"),
            line(2, LineKind::Err, object.trim_end()),
            line(3, LineKind::Err, zoned),
        ];
        formats.note(&mut lines);
        let said = lines.iter().map(|line| {
            let said = line.said.as_deref()?;
            Some(said.lines().map(|line| line.get(21..)).collect::<Vec<_>>())
        });
        let word = Some("KeyError: 'x'");
        let wanted = [Some(vec![word, word]), None, None, None, Some(vec![word]), None];
        assert_eq!(said.collect::<Vec<_>>(), wanted);
    }

    /// The same crash, whatever PM2 puts before its lines.
    #[test]
    fn an_end_is_told_alike_whatever_the_format_of_its_log() {
        let console = "\
2026-11-29T20:15:56: PM2 log: App [nd:5] starting in -fork mode-
2026-11-29T20:15:57: PM2 log: App [nd:5] exited with code [1] via signal [SIGINT]
";
        let ground = Ground::of(console.to_owned(), 0, Vec::new());
        let stamp = |stamp: &str| TRACE.map(|line| format!("{stamp}: {line}\n")).concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("err.log");
        for (format, log) in [
            (None, TRACE.join("\n") + "\n"),
            (Some("YYYY-MM-DDTHH:mm:ss"), stamp("2026-11-29T20:15:57")),
            (Some("YYYY-MM-DD HH:mm:ss Z"), stamp("2026-11-29 20:15:57 +00:00")),
            (Some("YYYY-MM-DD HH:mm:ss.SSSZ"), stamp("2026-11-29 20:15:57.662+00:00")),
            (Some("HH:mm:ss"), stamp("20:15:57")),
            (None, json(&(TRACE.join("\n") + "\n"))),
        ] {
            std::fs::write(&path, &log).unwrap();
            let mut info = ProcessInfo::new(PmId(5), "nd", ProcessStatus::Stopped);
            info.exit_code = Some("1".into());
            let err = path.to_str().map(Into::into);
            let date_format = format.map(Into::into);
            info.logs = LogFiles { err, date_format, ..LogFiles::default() };
            let black_box = of(&info, &ground);
            let death = black_box.last().unwrap();
            let sentence = words::sentence(death);
            let wanted = format!("uncaught exception: {}, exit code 1", TRACE[4]);
            assert!(sentence.starts_with(&wanted), "{format:?}: {sentence}\n{log}");
        }
    }
}
