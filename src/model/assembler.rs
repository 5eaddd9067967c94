//! Lines of output, put together from the pieces that the bus brings.
//!
//! Invariant: each byte of a stream comes out once, in order, cleaned; an unfinished line holds at
//! most [`LINE_BYTES_MAX`] bytes, and what a longer one loses is said in its text.

use crate::protocol::text::{StyledText, TextStyle, clean_line};

/// The longest line kept whole, bytes before cleaning (64 KiB, one pipe read of the daemon).
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// A finished line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When its first byte came, milliseconds since 1970, by the daemon's clock.
    pub at_ms: i64,
    /// Its text, cleaned.
    pub text: StyledText,
}

/// The unfinished last line of one output of one process, and the colours that run on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineAssembler {
    partial: String,
    /// Bytes of the unfinished line beyond [`LINE_BYTES_MAX`], dropped.
    cut_bytes: u64,
    /// Whether a line has begun; it may hold no byte yet that is kept.
    started: Option<Started>,
    style: TextStyle,
}

/// When an unfinished line began, by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Started {
    /// By the daemon's, milliseconds since 1970.
    at_ms: i64,
    /// By the caller's own that is never set back, milliseconds.
    since_ms: i64,
}

impl LineAssembler {
    /// Reads a piece: every line that it ends goes to `emit`, the rest waits. `at_ms` is the
    /// piece's time (daemon's clock), `now_ms` the caller's own clock that is never set back.
    pub fn push(&mut self, data: &str, at_ms: i64, now_ms: i64, mut emit: impl FnMut(Line)) {
        let mut rest = data;
        while let Some((line, after)) = rest.split_once('\n') {
            rest = after;
            if self.started.is_some() {
                self.keep(line, at_ms, now_ms);
                self.finish(&mut emit);
            } else {
                self.emit_whole(line, at_ms, &mut emit);
            }
        }
        if !rest.is_empty() {
            self.keep(rest, at_ms, now_ms);
        }
    }

    /// Ends the unfinished line, if there is one: its process ended, or it waited long enough.
    pub fn flush(&mut self, mut emit: impl FnMut(Line)) {
        if self.started.is_some() {
            self.finish(&mut emit);
        }
    }

    /// When the unfinished line began, by the caller's clock, milliseconds.
    #[must_use]
    pub fn partial_since_ms(&self) -> Option<i64> {
        self.started.map(|started| started.since_ms)
    }

    /// A line that came in one piece, as nearly all do: no copy before cleaning.
    fn emit_whole(&mut self, line: &str, at_ms: i64, emit: &mut impl FnMut(Line)) {
        if line.len() > LINE_BYTES_MAX {
            self.keep(line, at_ms, 0);
            self.finish(emit);
            return;
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let text = clean_line(line, &mut self.style);
        emit(Line { at_ms, text });
    }

    /// Adds to the unfinished line, up to the bound.
    fn keep(&mut self, piece: &str, at_ms: i64, since_ms: i64) {
        self.started.get_or_insert(Started { at_ms, since_ms });
        let room = LINE_BYTES_MAX.saturating_sub(self.partial.len());
        let fitting = if self.cut_bytes > 0 { 0 } else { floor_char_boundary(piece, room) };
        let (kept, cut) = piece.split_at(fitting);
        self.partial.push_str(kept);
        self.cut_bytes += cut.len() as u64;
    }

    /// Emits the unfinished line and begins a new one.
    fn finish(&mut self, emit: &mut impl FnMut(Line)) {
        let at_ms = self.started.take().map_or(0, |started| started.at_ms);
        let line = self.partial.strip_suffix('\r').unwrap_or(&self.partial);
        let mut text = clean_line(line, &mut self.style);
        if self.cut_bytes > 0 {
            text.text = format!("{} [{} bytes more, cut]", text.text, self.cut_bytes).into();
        }
        self.cut_bytes = 0;
        self.partial.clear();
        // A rare long line must not keep its memory for ever.
        self.partial.shrink_to(1024);
        emit(Line { at_ms, text });
    }
}

/// The last character boundary at or before `index` (`str::floor_char_boundary` needs Rust 1.91).
fn floor_char_boundary(text: &str, index: usize) -> usize {
    if index >= text.len() {
        return text.len();
    }
    // A character has at most four bytes, so one of four neighbours is a boundary.
    (0..4)
        .filter_map(|back| index.checked_sub(back))
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(pieces: &[&str]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut assembler = LineAssembler::default();
        let mut emit = |line: Line| lines.push(line.text.text.to_string());
        for piece in pieces {
            assembler.push(piece, 0, 0, &mut emit);
        }
        assembler.flush(&mut emit);
        lines
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        assert_eq!(texts(&["a\nb\n"]), ["a", "b"]);
        assert_eq!(texts(&["par", "tial\nrest"]), ["partial", "rest"]);
        assert_eq!(texts(&["\n\nx\n"]), ["", "", "x"]);
        assert_eq!(texts(&["crlf\r\n", "split\r", "\n"]), ["crlf", "split"]);
        assert_eq!(texts(&["", ""]), Vec::<String>::new());
    }

    #[test]
    fn a_line_has_the_time_of_its_first_piece() {
        let mut lines = Vec::new();
        let mut assembler = LineAssembler::default();
        assembler.push("a", 10, 1, |line| lines.push(line.at_ms));
        assert_eq!(assembler.partial_since_ms(), Some(1));
        assembler.push("b\nc\nd", 20, 2, |line| lines.push(line.at_ms));
        assert_eq!(lines, [10, 20]);
        assert_eq!(assembler.partial_since_ms(), Some(2));
        assembler.flush(|line| lines.push(line.at_ms));
        assert_eq!(lines, [10, 20, 20]);
        assert_eq!(assembler.partial_since_ms(), None);
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let long = "é".repeat(LINE_BYTES_MAX / 2 - 1) + "x";
        let one = format!("{long}éé\nnext\n");
        let cut = format!("{long} [4 bytes more, cut]");
        assert_eq!(texts(&[&one]), [cut.as_str(), "next"]);
        assert_eq!(texts(&[&long, "é", "é", "\nnext"]), [cut.as_str(), "next"]);
        let mut assembler = LineAssembler::default();
        for _ in 0..100 {
            assembler.push(&long, 0, 0, |_| panic!("no line ended"));
        }
        assert!(assembler.partial.len() <= LINE_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[a-zé\n]{0,60}", cuts in proptest::collection::vec(0_usize..60, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| floor_char_boundary(&text, cut)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).filter_map(|pair| text.get(pair[0]..pair[1])).collect();
            let mut expected: Vec<&str> = text.split('\n').collect();
            if expected.last() == Some(&"") {
                expected.pop();
            }
            prop_assert_eq!(texts(&pieces), expected);
        }
    }
}
