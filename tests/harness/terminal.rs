//! The terminal's end of a pseudo-terminal: takes the bytes and keeps what they show.

use std::fs::File;
use std::io::Read;
use std::num::NonZeroU16;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use memchr::memmem;
use rustix::termios::tcgetattr;

use super::now;

/// How much of the end of the output is kept as it came, bytes.
const TAIL_MAX: usize = 64 * 1024;

/// A frame begins; until its end nothing of it is shown, as in a terminal that knows these.
const FRAME_BEGINS: &[u8] = b"\x1b[?2026h";
const FRAME_ENDS: &[u8] = b"\x1b[?2026l";

/// What the reading thread and the test share.
pub struct Shared {
    state: Mutex<State>,
    /// Told of every change.
    pub changed: Condvar,
}

/// What came to the terminal.
pub struct State {
    /// The screen.
    pub parser: vt100::Parser,
    /// What the reader looks for in the bytes, instead of keeping a screen: some programs print
    /// more than a screen's parser could follow without being the thing that is measured.
    pub search: Option<Search>,
    /// How many bytes came.
    pub bytes: u64,
    /// The last of them.
    pub tail: Vec<u8>,
    /// A frame that is not whole yet, or the first bytes of its beginning.
    unfinished: Vec<u8>,
    /// When the first came.
    pub first_byte: Option<Instant>,
    /// Whether more is taken.
    pub is_reading: bool,
    /// Whether the reading thread is to end.
    pub is_over: bool,
}

/// What to look for in the bytes, and when it was first seen.
pub struct Search {
    /// What to look for.
    pub marker: &'static [u8],
    /// When it came.
    pub found: Option<Instant>,
}

/// A terminal's modes: input, output, control, local and the special characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modes(String);

impl Shared {
    /// A terminal of this size (columns, rows).
    pub fn new(size: (u16, u16), search: Option<Search>) -> Self {
        Self {
            state: Mutex::new(State {
                parser: vt100::Parser::new(cells(size.1), cells(size.0), 0),
                search,
                bytes: 0,
                tail: Vec::new(),
                unfinished: Vec::new(),
                first_byte: None,
                is_reading: true,
                is_over: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// The state.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // A failed test must not hide behind a poisoned lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all that comes, while it is allowed to.
    pub fn read(&self, mut from: Box<dyn Read + Send>) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let mut state = self.lock();
            while !state.is_reading && !state.is_over {
                state = self.changed.wait(state).unwrap();
            }
            if state.is_over {
                return;
            }
            drop(state);
            // An error is the program's side closed (EIO on Linux).
            let Ok(count @ 1..) = from.read(&mut buffer) else {
                self.lock().take_all();
                self.changed.notify_all();
                return;
            };
            self.lock().take(&buffer[..count]);
            self.changed.notify_all();
        }
    }
}

impl State {
    /// Makes the screen larger or smaller.
    pub fn resize(&mut self, size: (u16, u16)) {
        let screen = self.parser.screen_mut();
        screen.set_size(cells(size.1), cells(size.0));
    }

    fn take(&mut self, bytes: &[u8]) {
        self.first_byte.get_or_insert_with(now);
        self.bytes += bytes.len() as u64;
        self.tail.extend_from_slice(bytes);
        if let Some(search) = &mut self.search {
            // What was kept before may hold the marker's beginning.
            let from = self.tail.len().saturating_sub(bytes.len() + search.marker.len());
            if search.found.is_none() && memmem::find(&self.tail[from..], search.marker).is_some() {
                search.found = Some(now());
            }
        } else {
            self.unfinished.extend_from_slice(bytes);
            self.show_whole_frames();
        }
        if self.tail.len() > 2 * TAIL_MAX {
            self.tail.drain(..self.tail.len() - TAIL_MAX);
        }
    }

    /// Shows what came up to the last frame that is not whole: a test that read a half of one would
    /// see what no user sees.
    fn show_whole_frames(&mut self) {
        loop {
            let begins = memmem::find(&self.unfinished, FRAME_BEGINS);
            let shown = match begins {
                Some(begins) => memmem::find(&self.unfinished[begins..], FRAME_ENDS)
                    .map_or(begins, |ends| begins + ends + FRAME_ENDS.len()),
                None => self.unfinished.len() - begun(&self.unfinished),
            };
            if shown == 0 {
                return;
            }
            self.parser.process(&self.unfinished[..shown]);
            self.unfinished.drain(..shown);
        }
    }

    /// Shows all that came: nothing more does.
    fn take_all(&mut self) {
        self.parser.process(&std::mem::take(&mut self.unfinished));
    }

    /// The screen's rows.
    pub fn text(&self) -> String {
        let screen = self.parser.screen();
        let rows: Vec<String> =
            screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect();
        rows.join("\n")
    }
}

impl Modes {
    /// The modes of the terminal that this file is.
    pub fn of(terminal: &File) -> Self {
        let modes = tcgetattr(terminal).unwrap();
        Self(format!(
            "{:?} {:?} {:?} {:?} {:?}",
            modes.input_modes,
            modes.output_modes,
            modes.control_modes,
            modes.local_modes,
            modes.special_codes
        ))
    }
}

/// How many of the last bytes may be the beginning of a frame's beginning.
fn begun(bytes: &[u8]) -> usize {
    let longest = FRAME_BEGINS.len().min(bytes.len() + 1) - 1;
    let is_end = |count: &usize| bytes.ends_with(&FRAME_BEGINS[..*count]);
    (1..=longest).rev().find(is_end).unwrap_or_default()
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}
