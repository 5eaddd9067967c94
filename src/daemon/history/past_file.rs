//! Lines of a log file as they are reported: when each was written, at the latest.

use super::Line;
use super::sources::LogFile;
use crate::model::past::{FileStream, PastFile, PastLine};
use crate::protocol::bus::LogStream;
use crate::protocol::text::clean;

/// Lines as they are reported, written before the first of these, and where their time is an estimate before
/// both (milliseconds since 1970).
pub(super) fn past_file(
    file: &LogFile,
    lines: Vec<Line>,
    is_exact: bool,
    (latest_ms, estimated_ms): (i64, i64),
) -> PastFile {
    let own = file.ids.first().filter(|_| file.ids.len() == 1);
    // No line of the past is of the future, whatever its clock says.
    let latest = |is_estimated| if is_estimated { latest_ms.min(estimated_ms) } else { latest_ms };
    let line = |line: Line| PastLine {
        at_ms: line.at_ms.min(latest(line.is_estimated)),
        is_estimated: line.is_estimated || line.at_ms > latest_ms,
        level: line.level,
        goes_on: line.goes_on(),
        bytes: line.bytes,
        more: line.more,
        offset: line.offset,
    };
    PastFile {
        pm_id: own.copied(),
        name: clean(&file.name).into(),
        namespace: clean(file.namespace.as_deref().unwrap_or("default")).into(),
        stream: match file.stream {
            _ if file.is_for_both => FileStream::Both,
            LogStream::Out => FileStream::Out,
            LogStream::Err => FileStream::Err,
        },
        lines: lines.into_iter().map(line).collect(),
        rest: None,
        is_exact,
        is_after: false,
        again: None,
        has_more: false,
        gap: 0,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::logs::parse::Place;
    use crate::protocol::process::PmId;

    #[test]
    fn what_did_not_come_on_the_bus_was_written_before_that_was_connected() {
        let line = |at_ms, is_estimated| Line {
            at_ms,
            is_estimated,
            level: None,
            bytes: Bytes::from_static(b"tick"),
            more: 0,
            offset: None,
            is_ended: true,
            stamp_bytes: 0,
            place: Place::Begins,
            bounds_ms: None,
        };
        let file = LogFile::nowhere(PmId(0), "api", LogStream::Out);
        let lines =
            vec![line(900, true), line(5_000, true), line(1_100, false), line(9_000, false)];
        let past = past_file(&file, lines, true, (4_000, 1_000));
        let times: Vec<_> = past.lines.iter().map(|line| (line.at_ms, line.is_estimated)).collect();
        assert_eq!(times, [(900, true), (1_000, true), (1_100, false), (4_000, true)]);
    }
}
