//! Lines of output, put together from the pieces that the bus brings.
//!
//! Invariant: each byte of a stream comes out once, in order; an unfinished line holds at most its
//! bound ([`LINE_BYTES_MAX`] for the screen), and what a longer one loses is said.

/// The longest line kept whole, bytes before cleaning (64 KiB, one pipe read of the daemon).
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// A finished line as it was written: not cleaned, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawLine<'a> {
    /// When its first byte came, milliseconds since 1970, by the daemon's clock.
    pub at_ms: i64,
    /// Its text, raw.
    pub text: &'a str,
    /// How many bytes at its end were dropped, since it was longer than the bound.
    pub cut_bytes: u64,
}

/// The unfinished last line of one output of one process, raw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLines {
    partial: String,
    /// Bytes of the unfinished line beyond the bound, dropped.
    cut_bytes: u64,
    /// Whether a line has begun; it may hold no byte yet that is kept.
    started: Option<Started>,
    /// The longest line kept whole, bytes.
    bytes_max: usize,
}

/// When an unfinished line began, by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Started {
    /// By the daemon's, milliseconds since 1970.
    at_ms: i64,
    /// By the caller's own that is never set back, milliseconds.
    since_ms: i64,
}

impl Default for RawLines {
    fn default() -> Self {
        Self::up_to(LINE_BYTES_MAX)
    }
}

impl RawLines {
    /// With this bound for a line, bytes.
    #[must_use]
    pub fn up_to(bytes_max: usize) -> Self {
        Self { partial: String::new(), cut_bytes: 0, started: None, bytes_max }
    }

    /// Reads a piece: every line that it ends goes to `emit`, the rest waits. `at_ms` is the
    /// piece's time (daemon's clock), `now_ms` the caller's own clock that is never set back.
    pub fn push(&mut self, data: &str, at_ms: i64, now_ms: i64, mut emit: impl FnMut(RawLine<'_>)) {
        let mut rest = data;
        while let Some((line, after)) = rest.split_once('\n') {
            rest = after;
            if self.started.is_some() || line.len() > self.bytes_max {
                self.keep(line, at_ms, now_ms);
                self.flush(&mut emit);
            } else {
                // It came in one piece, as nearly all do: no copy.
                emit(RawLine {
                    at_ms,
                    text: line.strip_suffix('\r').unwrap_or(line),
                    cut_bytes: 0,
                });
            }
        }
        if !rest.is_empty() {
            self.keep(rest, at_ms, now_ms);
        }
    }

    /// The same, but the lines that end within this piece go together, with `\n` between them and the
    /// `\r` before it where there was one: in a burst they are many.
    pub fn push_together(
        &mut self,
        data: &str,
        at_ms: i64,
        now_ms: i64,
        mut emit: impl FnMut(RawLine<'_>),
    ) {
        let Some((mut whole, rest)) = data.rsplit_once('\n') else {
            if !data.is_empty() {
                self.keep(data, at_ms, now_ms);
            }
            return;
        };
        let mut is_over = false;
        if self.started.is_some() {
            let (line, after) = whole.split_once('\n').unwrap_or_else(|| {
                is_over = true;
                (whole, "")
            });
            self.keep(line, at_ms, now_ms);
            self.flush_raw(&mut emit);
            whole = after;
        }
        if is_over {
            // All of it ended the unfinished line.
        } else if whole.len() > self.bytes_max {
            for line in whole.split('\n') {
                self.keep(line, at_ms, now_ms);
                self.flush_raw(&mut emit);
            }
        } else {
            emit(RawLine { at_ms, text: whole, cut_bytes: 0 });
        }
        if !rest.is_empty() {
            self.keep(rest, at_ms, now_ms);
        }
    }

    /// Ends the unfinished line, if there is one.
    pub fn flush(&mut self, mut emit: impl FnMut(RawLine<'_>)) {
        self.flush_raw(|line| {
            let text = line.text.strip_suffix('\r').unwrap_or(line.text);
            emit(RawLine { text, ..line });
        });
    }

    /// The same, with its `\r` where there was one.
    pub fn flush_raw(&mut self, mut emit: impl FnMut(RawLine<'_>)) {
        let Some(Started { at_ms, .. }) = self.started.take() else { return };
        emit(RawLine { at_ms, text: &self.partial, cut_bytes: self.cut_bytes });
        self.cut_bytes = 0;
        self.partial.clear();
        // A rare long line must not keep its memory for ever.
        self.partial.shrink_to(1024);
    }

    /// When the unfinished line began, by the caller's clock, milliseconds.
    #[must_use]
    pub fn partial_since_ms(&self) -> Option<i64> {
        self.started.map(|started| started.since_ms)
    }

    /// How much the unfinished line holds, bytes.
    #[must_use]
    pub fn partial_bytes(&self) -> usize {
        self.partial.len()
    }

    /// Adds to the unfinished line, up to the bound.
    fn keep(&mut self, piece: &str, at_ms: i64, since_ms: i64) {
        self.started.get_or_insert(Started { at_ms, since_ms });
        let room = self.bytes_max.saturating_sub(self.partial.len());
        let fitting = if self.cut_bytes > 0 { 0 } else { floor_char_boundary(piece, room) };
        let (kept, cut) = piece.split_at(fitting);
        self.partial.push_str(kept);
        self.cut_bytes += cut.len() as u64;
    }
}

/// What stands at the end of a line that was cut.
#[must_use]
pub fn cut_note(cut_bytes: u64) -> String {
    format!(" [{cut_bytes} bytes more, cut]")
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
        let mut assembler = RawLines::default();
        let mut emit = |line: RawLine<'_>| {
            let note = if line.cut_bytes > 0 { cut_note(line.cut_bytes) } else { String::new() };
            lines.push(format!("{}{note}", line.text));
        };
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
        let mut assembler = RawLines::default();
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
    fn a_raw_line_is_as_it_was_written_up_to_its_own_bound() {
        let mut raw = RawLines::up_to(8);
        let mut lines = Vec::new();
        for piece in ["\u{1b}[1", "mé\r\n", "123456789abc\n", "12345678\n"] {
            raw.push(piece, 0, 0, |line| lines.push((line.text.to_owned(), line.cut_bytes)));
        }
        let wanted = [("\u{1b}[1mé", 0), ("12345678", 4), ("12345678", 0)];
        assert_eq!(lines, wanted.map(|(text, cut)| (text.to_owned(), cut)));
        assert_eq!((raw.partial_bytes(), raw.partial_since_ms()), (0, None));
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let long = "é".repeat(LINE_BYTES_MAX / 2 - 1) + "x";
        let one = format!("{long}éé\nnext\n");
        let cut = format!("{long} [4 bytes more, cut]");
        assert_eq!(texts(&[&one]), [cut.as_str(), "next"]);
        assert_eq!(texts(&[&long, "é", "é", "\nnext"]), [cut.as_str(), "next"]);
        let mut assembler = RawLines::default();
        for _ in 0..100 {
            assembler.push(&long, 0, 0, |_| panic!("no line ended"));
        }
        assert_eq!(assembler.partial_bytes(), LINE_BYTES_MAX - 1);
    }

    #[test]
    fn lines_that_end_in_one_piece_go_together() {
        let mut lines = RawLines::up_to(8);
        let mut said = Vec::new();
        for piece in ["a\nb\r\nhal", "f\r\nc\n", "\n", "x", "\n\n", "123456789\nd\n", "end"] {
            lines.push_together(piece, 0, 0, |line| {
                said.push((line.text.to_owned(), line.cut_bytes));
            });
        }
        lines.flush(|line| said.push((line.text.to_owned(), line.cut_bytes)));
        let whole = ["a\nb\r", "half\r", "c", "", "x", "", "12345678", "d", "end"];
        let texts: Vec<&str> = said.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, whole);
        let cut: Vec<u64> = said.iter().map(|(_, cut)| *cut).collect();
        assert_eq!(cut, [0, 0, 0, 0, 0, 0, 1, 0, 0]);
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
