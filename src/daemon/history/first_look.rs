//! The first look at a log file: its last lines, up to where the bus began.
//!
//! Invariant: all file calls are offloaded; each output of the file is joined to the bus, whatever comes of
//! the look.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::again::again;
use super::gap::{OWN_BYTES, Tail};
use super::heard::Heard;
use super::join::{end_of, rest_of_line};
use super::older::Reader;
use super::past_file::past_file;
use super::shared::SHARED_BYTES;
use super::sources::LogFile;
use super::unread::{self, Failure};
use super::{Backwards, Line};
use crate::daemon::clock::now_ms;
use crate::daemon::lives::Lives;
use crate::daemon::seam::ReadAt;
use crate::daemon::{files, offload};
use crate::model::past::PastFile;
use crate::protocol::text::clean;

/// What is in a file has come on the bus this long after, if it comes at all and nothing floods.
const SETTLE: Duration = Duration::from_millis(100);

/// What was looked through and left in the file counts as this part of what is read, which has a bound.
const LEFT_PART: u64 = 128;

/// How much is remembered of the end of an output of this file, bytes.
fn tail_bytes(file: &LogFile) -> usize {
    if file.is_shared() { SHARED_BYTES } else { OWN_BYTES }
}

/// What came of a look at a file.
pub(super) enum Look {
    /// There is no file yet.
    Nothing,
    /// It cannot be read.
    Failed(Failure),
    /// Its last lines, and what reads on.
    Read(PastFile, Box<Reader>),
}

/// Looks at a file from its end backwards, as it was opened when it became known, and joins it to the bus.
pub(super) async fn first_look(
    heard: &Heard,
    (file, known): (LogFile, Lives),
    (path, held): (PathBuf, Option<Arc<File>>),
    (lines_max, bytes_max, unheard_ms): (usize, usize, i64),
) -> Look {
    let opened = offload::look({
        let path = path.clone();
        move || -> std::io::Result<(Arc<File>, u64)> {
            let opened = held.map_or_else(|| files::open(&path).map(Arc::new), Ok)?;
            let size = opened.size()?;
            Ok((opened, size))
        }
    });
    let failed = |why: &str| {
        let name = clean(&file.name).into();
        let ids = file.ids.clone();
        Look::Failed(Failure { path: path.clone(), ids, name, why: why.into() })
    };
    // Of one that cannot be read it is known at least that something came.
    let mut tail = Some(Tail::new(tail_bytes(&file)));
    let result = match opened.await {
        None => failed(unread::NO_ANSWER),
        Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            tail = Some(Tail::of_none(tail_bytes(&file)));
            Look::Nothing
        }
        Some(Err(error)) => failed(&clean(&error.to_string())),
        Some(Ok((opened, size))) => {
            tokio::time::sleep(SETTLE).await;
            let end = end_of(heard, &file, &opened, size).await;
            let whole = file.clone();
            let until_ms = file.keys().filter_map(|key| heard.begun(key)?.since_ms).min();
            let until_ms = until_ms.unwrap_or_else(now_ms);
            let read = offload::look(move || {
                let lines = Backwards::of(Arc::clone(&opened), Some(end.at), whole.format())?;
                let lines = lines.of_lives(known).leaving_long_lines();
                let tail = Tail::of_file(&opened, end.at, tail_bytes(&whole));
                let again = again(Arc::clone(&opened), end.at);
                let mut reader = Reader::new(whole, lines, again);
                let mut had = end.had.clone();
                let lines = reader.last(lines_max, bytes_max, &mut had)?;
                let rest = end.had.is_empty().then(|| rest_of_line(&opened, end.at)).flatten();
                let past = PastFile {
                    rest,
                    again: Some(reader.again.clone()),
                    has_more: !reader.is_over,
                    ..past_file(&reader.file, lines, end.is_exact, (until_ms, unheard_ms))
                };
                std::io::Result::Ok((past, Box::new(reader), tail))
            });
            match read.await {
                None => failed(unread::NO_ANSWER),
                Some(Err(error)) => failed(&clean(&error.to_string())),
                Some(Ok((past, reader, known))) => {
                    tail = Some(known);
                    Look::Read(past, reader)
                }
            }
        }
    };
    file.keys().for_each(|key| heard.join(key, tail.clone()));
    result
}

impl Reader {
    /// The last lines, oldest first, less those that came on the bus.
    fn last(
        &mut self,
        lines_max: usize,
        bytes_max: usize,
        had: &mut HashMap<Vec<u8>, u32>,
    ) -> std::io::Result<Vec<Line>> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        let mut is_within = false;
        // An entry is taken whole, but for one of many MiB.
        while (is_within && bytes < 2 * bytes_max) || lines.len() < lines_max && bytes < bytes_max {
            let Some(line) = self.next()? else { break };
            is_within = line.goes_on();
            if let Some(left) = had.get_mut(&*line.bytes).filter(|_| line.more == 0) {
                *left -= 1;
                if *left == 0 {
                    had.remove(&*line.bytes);
                }
                continue;
            }
            bytes += line.bytes.len() + usize::try_from(line.more / LEFT_PART).unwrap_or(bytes_max);
            lines.push(line);
        }
        lines.reverse();
        // Of a hundred files the rest of what was read at once is much.
        self.lines.release();
        Ok(lines)
    }
}
