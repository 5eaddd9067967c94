//! Lines on their way out: those that a view shows, or all, with their bytes as they came.

use std::io::{self, Write};

use jiff::Timestamp;

use super::line::{Body, Kind, LineId, LineRef, TimeFrom};
use super::read::Rereads;
use super::source::Owner;
use super::store::Store;
use super::view::{STEP_BYTES, View};

/// How many lines are looked up at a time.
const LINES_A_TURN: usize = 4096;

/// Lines to be saved, as they are held now; what comes later does not change them.
#[derive(Debug, Clone)]
pub struct Saving {
    store: Store,
    /// Which of them; all where there is none.
    view: Option<View>,
    /// Where to, as it was typed.
    pub path: Box<str>,
    /// Whether a file that is there is replaced.
    pub may_replace: bool,
    files: Rereads,
    /// Lines that their files do not hold any more, of those written so far.
    pub unreadable: u64,
}

impl PartialEq for Saving {
    fn eq(&self, other: &Self) -> bool {
        let key = |saving: &Self| (saving.store.len(), saving.view.is_some(), saving.may_replace);
        self.path == other.path && key(self) == key(other)
    }
}

impl Saving {
    /// Of what a view shows, or of all.
    #[must_use]
    pub fn new(store: &Store, view: Option<&View>, path: &str, files: Rereads) -> Self {
        let (store, view) = (store.clone(), view.cloned());
        Self { store, view, path: path.into(), may_replace: false, files, unreadable: 0 }
    }

    /// Writes them, each with a newline; how many. Each begins with when it was, where it does not say that
    /// itself, and with who said it where several did; else it is as it came. Blocks, where lines are in
    /// files.
    ///
    /// # Errors
    /// What the output says.
    pub fn write(&mut self, out: &mut impl Write) -> io::Result<u64> {
        let Self { store, view, files, unreadable, .. } = self;
        let files = &*files;
        let Some(view) = view else {
            let several = has_several(store.iter().map(|line| owner(store, &line)));
            let mut written = Written { out, files, unreadable, several, last: None, count: 0 };
            for line in store.iter() {
                written.line(store, line)?;
            }
            return written.end();
        };
        while !view.step(store, files, STEP_BYTES).is_done {}
        let several = {
            let pages = (0..view.len()).step_by(LINES_A_TURN);
            let ids = pages.flat_map(|from| view.lines_from(store, from, LINES_A_TURN));
            let lines = ids.filter_map(|id| store.line(id));
            has_several(lines.map(|line| owner(store, &line)))
        };
        let mut written = Written { out, files, unreadable, several, last: None, count: 0 };
        let mut position = 0;
        loop {
            let lines: Vec<LineId> = view.lines_from(store, position, LINES_A_TURN);
            if lines.is_empty() {
                return written.end();
            }
            position += lines.len() as u64;
            for id in lines {
                let head = store.line(id);
                // An entry is saved whole.
                for line in head.into_iter().chain(store.rest_of(id, true)) {
                    written.line(store, line)?;
                }
            }
        }
    }
}

/// Lines that are written, each with a newline behind it; the parts of one line of a file are one.
struct Written<'a, W> {
    out: &'a mut W,
    files: &'a Rereads,
    unreadable: &'a mut u64,
    /// Whether lines say who wrote them.
    several: bool,
    last: Option<LineRef<'a>>,
    count: u64,
}

impl<'a, W: Write> Written<'a, W> {
    fn line(&mut self, store: &Store, line: LineRef<'a>) -> io::Result<()> {
        let is_part = self.last.is_some_and(|last| line.is_part_behind(&last));
        if !is_part {
            self.newline()?;
            write_time(&line, self.out)?;
            if self.several {
                write_owner(owner(store, &line), self.out)?;
            }
            self.count += 1;
        }
        self.last = Some(line);
        write_bytes(&line, self.files, (self.out, self.unreadable))
    }

    /// Ends the last line.
    fn newline(&mut self) -> io::Result<()> {
        if self.last.is_some() { self.out.write_all(b"\n") } else { Ok(()) }
    }

    /// How many lines were written.
    fn end(mut self) -> io::Result<u64> {
        self.newline()?;
        Ok(self.count)
    }
}

/// Whose line it is.
fn owner<'a>(store: &'a Store, line: &LineRef<'_>) -> Option<&'a Owner> {
    store.source_key(line.source).map(|key| &key.owner)
}

/// Whether there are lines of more than one.
fn has_several<'a>(mut owners: impl Iterator<Item = Option<&'a Owner>>) -> bool {
    let first = owners.next();
    first.is_some_and(|first| owners.any(|other| other != first))
}

/// When it was, where the line does not say that itself: `2026-11-28T03:12:00.999Z `, with a `~` before it
/// where that is an estimate; and that something happened, which no process has written: `◆ `.
fn write_time(line: &LineRef<'_>, out: &mut impl Write) -> io::Result<()> {
    if line.kind != Kind::More
        && line.time.from != TimeFrom::Line
        && let Ok(at) = Timestamp::from_millisecond(line.time.at_ms)
    {
        let sign = if line.time.from == TimeFrom::Bus { "" } else { "~" };
        write!(out, "{sign}{at:.3} ")?;
    }
    let is_output = matches!(line.kind, Kind::Output | Kind::More | Kind::Message);
    out.write_all(if is_output { b"" } else { EVENT.as_bytes() })
}

/// Stands before what happened.
const EVENT: &str = "\u{25c6} ";

/// Whose line follows: `api[0] | `.
fn write_owner(owner: Option<&Owner>, out: &mut impl Write) -> io::Result<()> {
    match owner {
        Some(Owner::Process { name, pm_id: Some(id), .. }) => write!(out, "{name}[{id}] | "),
        Some(Owner::Process { name, pm_id: None, .. }) => write!(out, "{name} | "),
        Some(Owner::Pm2(_)) | None => write!(out, "PM2 | "),
    }
}

/// Stands for a line that its file does not hold any more.
const GONE: &[u8] = b"(no longer to be read)";

fn write_bytes(
    line: &LineRef<'_>,
    files: &Rereads,
    (out, unreadable): (&mut impl Write, &mut u64),
) -> io::Result<()> {
    const PIECE: usize = 1024 * 1024;
    let whole = match line.body {
        Body::Held(bytes) => bytes.len() as u64,
        Body::Filed(place) => place.len,
    };
    let mut at = 0;
    while at < whole {
        match line.read(files, at, PIECE) {
            Ok(bytes) if !bytes.is_empty() => {
                out.write_all(&bytes)?;
                at += bytes.len() as u64;
            }
            _ => {
                out.write_all(GONE)?;
                *unreadable += 1;
                break;
            }
        }
    }
    Ok(())
}
