//! Cleans foreign text at the door: no control sequence of a log line, name or message reaches the
//! rest of the program.
//!
//! Invariant: what comes out holds no C0, C1 or DEL control, no escape sequence, no line or
//! paragraph separator, no bidirectional override and no invisible character, and no character carries
//! more than [`ZERO_WIDTH_MAX`] zero-width ones.

use std::borrow::Cow;

use anstyle_parse::{Params, Parser, Perform};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape::is_deceptive;
use super::sgr;
pub use super::style::{TextColor, TextStyle};

/// The most zero-width characters (combining marks, joiners, selectors) kept after one character
/// that has a width.
pub const ZERO_WIDTH_MAX: usize = 8;

/// Columns from one tab stop to the next.
const TAB_COLUMNS: usize = 8;

/// A character that a terminal prints in the ground state and ignores inside any sequence: what
/// the parser is fed in place of a character of several bytes, which it would read bytewise.
const STAND_IN: u8 = 0x7f;

/// Cleans text that must be one plain line: a name, a status, a message. Lines are joined by a
/// space.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !needs_cleaning(text) {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            joined.push(' ');
        }
        let cleaned = Cleaner::run(line, TextStyle::default(), false);
        joined.push_str(&cleaned.text);
    }
    Cow::Owned(joined)
}

/// Cleans a message and cuts it, with an ellipsis, to `chars_max` characters.
#[must_use]
pub fn clean_to(text: &str, chars_max: usize) -> String {
    let cleaned = clean(text);
    match cleaned.char_indices().nth(chars_max) {
        Some((cut, _)) => {
            let kept = cleaned.get(..cut).unwrap_or_default();
            format!("{kept}…")
        }
        None => cleaned.into_owned(),
    }
}

/// A cleaned line and the colours that its SGR sequences gave it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StyledText {
    /// The text.
    pub text: Box<str>,
    /// Runs in order, not overlapping, by byte offset; empty for plain text. Boxed so that the
    /// common plain line stays small.
    pub runs: Box<[StyledRun]>,
}

/// A stretch of text in one style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StyledRun {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Its style.
    pub style: TextStyle,
}

/// Cleans one line of a log, keeping its colours. `style` is the style in force at its start and
/// is left as it is at its end (colours run on over lines). Text in the default style has no run.
///
/// Text that a carriage return goes back over is dropped, as a terminal would have overwritten it.
#[must_use]
pub fn clean_line(line: &str, style: &mut TextStyle) -> StyledText {
    if !needs_cleaning(line) {
        let runs = if *style == TextStyle::default() || line.is_empty() {
            Box::default()
        } else {
            Box::from([StyledRun { start: 0, end: line.len() as u32, style: *style }])
        };
        return StyledText { text: line.into(), runs };
    }
    let mut cleaned = Cleaner::run(line, *style, true);
    cleaned.end_run();
    *style = cleaned.style;
    StyledText { text: cleaned.text.into(), runs: cleaned.runs.into() }
}

/// One in each byte.
const EACH: u64 = u64::MAX / 0xff;

/// Whether any character must be changed or dropped. Most text is plain and is not run through
/// the parser.
fn needs_cleaning(text: &str) -> bool {
    let (is_ascii, has_control) = looked_through(text.as_bytes());
    if has_control || is_ascii {
        return has_control;
    }
    let mut zero_width = 0;
    text.chars().any(|c| {
        if c.is_ascii() {
            zero_width = 0;
            return false;
        }
        zero_width = if is_zero_width(c) { zero_width + 1 } else { 0 };
        zero_width > ZERO_WIDTH_MAX || is_c1(c) || is_dropped(c)
    })
}

/// Whether all of it is printable ASCII: it is clean as it is.
#[must_use]
pub fn is_plain(text: &[u8]) -> bool {
    looked_through(text) == (true, false)
}

/// Whether all of it is ASCII, and whether any of that is a control character.
fn looked_through(text: &[u8]) -> (bool, bool) {
    let (mut ascii, mut control) = (true, false);
    let mut look = |bytes: [u8; 8]| {
        let word = u64::from_ne_bytes(bytes);
        ascii &= word & (EACH * 0x80) == 0;
        // Whether a byte is less than that, and whether one is 0x7f.
        let delete = word ^ (EACH * 0x7f);
        let low = word.wrapping_sub(EACH * 0x20) & !word;
        let none = delete.wrapping_sub(EACH) & !delete;
        control |= (low | none) & (EACH * 0x80) != 0;
    };
    // No early exit, and eight bytes at a time: this is looked at for each line.
    let mut left = text;
    while let Some((eight, behind)) = left.split_first_chunk() {
        look(*eight);
        left = behind;
    }
    // The last eight once more, less those that were looked at; of a short text all, and blanks.
    if let Some(eight) = text.last_chunk() {
        look(*eight);
    } else {
        let mut rest = [b' '; 8];
        rest.iter_mut().zip(left).for_each(|(to, byte)| *to = *byte);
        look(rest);
    }
    (ascii, control)
}

fn is_c1(c: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&c)
}

/// Characters that break or reorder lines, or are not seen: a name must not look like another one.
fn is_dropped(c: char) -> bool {
    c > '\u{9f}' && is_deceptive(c)
}

fn is_zero_width(c: char) -> bool {
    c.width() == Some(0)
}

/// Receives what the parser makes of a line.
struct Cleaner {
    text: String,
    runs: Vec<StyledRun>,
    keeps_runs: bool,
    style: TextStyle,
    run_start: usize,
    /// The character that [`STAND_IN`] stands for.
    current: char,
    zero_width: usize,
    /// The parser is in no sequence; `false` where that is not certain.
    is_ground: bool,
    /// A carriage return came: the next character is written over the line so far.
    is_at_start: bool,
    /// Byte offset and column of the last tab stop.
    tab_stop: (usize, usize),
}

impl Cleaner {
    fn new(bytes: usize, style: TextStyle, keeps_runs: bool) -> Self {
        Self {
            text: String::with_capacity(bytes),
            runs: Vec::new(),
            keeps_runs,
            style,
            run_start: 0,
            current: '\0',
            zero_width: 0,
            is_ground: true,
            is_at_start: false,
            tab_stop: (0, 0),
        }
    }

    fn run(line: &str, style: TextStyle, keeps_runs: bool) -> Self {
        let mut cleaner = Self::new(line.len(), style, keeps_runs);
        let mut parser = Parser::<anstyle_parse::DefaultCharAccumulator>::new();
        let mut rest = line;
        loop {
            // Most of a line is plain even where some of it is not.
            if cleaner.is_ground {
                let is_plain = |byte: &u8| (0x20..0x7f).contains(byte);
                let length = rest.bytes().take_while(|byte| is_plain(byte)).count();
                if let Some((plain, after)) = rest.split_at_checked(length)
                    && length > 0
                {
                    cleaner.push_plain(plain);
                    rest = after;
                }
            }
            let mut chars = rest.chars();
            let Some(c) = chars.next() else {
                break;
            };
            rest = chars.as_str();
            cleaner.feed(&mut parser, c);
        }
        cleaner
    }

    fn feed(&mut self, parser: &mut Parser, c: char) {
        self.current = c;
        match u8::try_from(c) {
            Ok(STAND_IN) => {}
            Ok(byte) if byte < 0x80 => {
                self.is_ground &= byte != 0x1b;
                parser.advance(self, byte);
            }
            // An 8-bit control is short for ESC and the byte 0x40 lower (ECMA-48, 5.3).
            Ok(byte) if byte < 0xa0 => {
                self.is_ground = false;
                parser.advance(self, 0x1b);
                parser.advance(self, byte - 0x40);
            }
            _ => parser.advance(self, STAND_IN),
        }
    }

    /// Printable ASCII outside any sequence.
    fn push_plain(&mut self, plain: &str) {
        if self.is_at_start {
            self.erase();
        }
        self.zero_width = 0;
        self.text.push_str(plain);
    }

    fn end_run(&mut self) {
        let (start, end) = (self.run_start, self.text.len());
        self.run_start = end;
        if !self.keeps_runs || start == end || self.style == TextStyle::default() {
            return;
        }
        match self.runs.last_mut() {
            Some(last) if last.end as usize == start && last.style == self.style => {
                last.end = end as u32;
            }
            _ => self.runs.push(StyledRun {
                start: start as u32,
                end: end as u32,
                style: self.style,
            }),
        }
    }

    fn erase(&mut self) {
        self.is_at_start = false;
        self.text.clear();
        self.runs.clear();
        self.run_start = 0;
        self.zero_width = 0;
        self.tab_stop = (0, 0);
    }

    fn tab(&mut self) {
        if self.is_at_start {
            self.erase();
        }
        let (offset, column) = self.tab_stop;
        let since = self.text.get(offset..).unwrap_or_default();
        let column = column + since.width();
        let spaces = TAB_COLUMNS - column % TAB_COLUMNS;
        self.text.extend(std::iter::repeat_n(' ', spaces));
        self.tab_stop = (self.text.len(), column + spaces);
        self.zero_width = 0;
    }
}

impl Perform for Cleaner {
    fn print(&mut self, _byte: char) {
        self.is_ground = true;
        let c = self.current;
        if is_dropped(c) {
            return;
        }
        if self.is_at_start {
            self.erase();
        }
        if !c.is_ascii() && is_zero_width(c) {
            self.zero_width += 1;
            if self.zero_width > ZERO_WIDTH_MAX {
                return;
            }
        } else {
            self.zero_width = 0;
        }
        self.text.push(c);
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.tab(),
            b'\r' => self.is_at_start = true,
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, _intermediates: &[u8], _ignore: bool, _byte: u8) {
        self.is_ground = true;
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: u8) {
        self.is_ground = true;
        // With an intermediate it is another command, such as xterm's `CSI > 4 ; 1 m`.
        if !intermediates.is_empty() {
            return;
        }
        match action {
            b'm' => {
                let mut style = self.style;
                sgr::apply(params, &mut style);
                if style != self.style {
                    self.end_run();
                    self.style = style;
                }
            }
            // Erase in line, as progress bars send it after a carriage return.
            b'K' if self.is_at_start => self.erase(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
