//! Lines on their way out: those that a view shows, or all, with their bytes as they came.

use std::io::{self, Write};

use super::line::{Body, LineId, LineRef};
use super::read::Rereads;
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

    /// Writes them, each with a newline; how many. Blocks, where lines are in files.
    ///
    /// # Errors
    /// What the output says.
    pub fn write(&mut self, out: &mut impl Write) -> io::Result<u64> {
        let Self { store, view, files, unreadable, .. } = self;
        let files = &*files;
        let Some(view) = view else {
            let mut count = 0;
            for line in store.iter() {
                write_line(&line, files, (out, unreadable))?;
                count += 1;
            }
            return Ok(count);
        };
        while !view.step(store, files, STEP_BYTES).is_done {}
        let (mut position, mut count) = (0, 0);
        loop {
            let lines: Vec<LineId> = view.lines_from(store, position, LINES_A_TURN);
            if lines.is_empty() {
                return Ok(count);
            }
            position += lines.len() as u64;
            for id in lines {
                let head = store.line(id);
                // An entry is saved whole.
                for line in head.into_iter().chain(store.rest_of(id, true)) {
                    write_line(&line, files, (out, unreadable))?;
                    count += 1;
                }
            }
        }
    }
}

/// Stands for a line that its file does not hold any more.
const GONE: &[u8] = b"(no longer to be read)";

fn write_line(
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
    out.write_all(b"\n")
}
