//! A line without its escape sequences, and the way back to the bytes as they came.
//!
//! Loggers colour the very words that are looked for (`ESC[32minfo ESC[39m: ready`), so all the rest
//! of this room reads the plain text. Spans are of the plain text; [`Plain::raw`] turns them back.

use std::borrow::Cow;

use super::Span;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// A line without escape sequences.
#[derive(Debug, Clone)]
pub struct Plain<'a> {
    /// The line itself where it has no sequences.
    pub text: Cow<'a, [u8]>,
    /// Where text goes on behind a sequence: offset in `text`, offset in the line. Ascending.
    jumps: Vec<(usize, usize)>,
}

impl<'a> Plain<'a> {
    /// The plain text of a line.
    #[must_use]
    pub fn of(line: &'a [u8]) -> Self {
        if memchr::memchr(ESCAPE, line).is_none() {
            return Self { text: Cow::Borrowed(line), jumps: Vec::new() };
        }
        let mut text = Vec::with_capacity(line.len());
        let mut jumps = Vec::new();
        let mut rest = line;
        while let Some(at) = rest.iter().position(|byte| *byte == ESCAPE) {
            let (before, sequence) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            text.extend_from_slice(before);
            rest = sequence.get(sequence_length(sequence)..).unwrap_or_default();
            jumps.push((text.len(), line.len() - rest.len()));
        }
        text.extend_from_slice(rest);
        Self { text: Cow::Owned(text), jumps }
    }

    /// Whether the line has sequences, and so perhaps colours of its own.
    #[must_use]
    pub fn has_sequences(&self) -> bool {
        !self.jumps.is_empty()
    }

    /// The bytes of the line that a span of the text stands for: from its first to its last byte,
    /// with the sequences between them and without those around them.
    #[must_use]
    pub fn raw(&self, span: Span) -> Span {
        let start = self.raw_offset(span.start);
        let end = span.end.checked_sub(1).map_or(0, |last| self.raw_offset(last) + 1);
        Span { start, end: end.max(start) }
    }

    fn raw_offset(&self, offset: usize) -> usize {
        let known = self.jumps.partition_point(|(at, _)| *at <= offset);
        let jump = known.checked_sub(1).and_then(|last| self.jumps.get(last));
        jump.map_or(offset, |(at, raw)| raw + (offset - at))
    }
}

/// Bytes of the sequence at the start, at least 1. One that does not end takes all that is left of it:
/// for CSI its parameters, for strings (OSC, DCS) the line.
fn sequence_length(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        Some(b'[') => {
            let body = bytes.get(2..).unwrap_or_default();
            let parameters = body.iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
            let has_final = body.get(parameters).is_some_and(|byte| (0x40..0x7f).contains(byte));
            2 + parameters + usize::from(has_final)
        }
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let body = bytes.get(2..).unwrap_or_default();
            let end = body.iter().position(|byte| *byte == BELL || *byte == ESCAPE);
            end.map_or(bytes.len(), |at| {
                let is_closed_by_two = body.get(at) == Some(&ESCAPE);
                let has_backslash = is_closed_by_two && body.get(at + 1) == Some(&b'\\');
                2 + at + if is_closed_by_two { 2 * usize::from(has_backslash) } else { 1 }
            })
        }
        Some(0x20..0x7f) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(line: &str) -> String {
        String::from_utf8(Plain::of(line.as_bytes()).text.into_owned()).unwrap()
    }

    #[test]
    fn sequences_go_and_text_stays() {
        assert_eq!(plain("no colours"), "no colours");
        assert_eq!(plain("\x1b[32minfo\x1b[39m: ready"), "info: ready");
        assert_eq!(plain("\x1b[38;5;208m200\x1b[0m"), "200");
        assert_eq!(plain("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\!"), "link!");
        assert_eq!(plain("cut \x1b[3"), "cut ");
        assert_eq!(plain("cut \x1b"), "cut ");
        assert_eq!(plain("\x1b]0;never closed"), "");
    }

    #[test]
    fn spans_lead_back_to_the_bytes_as_they_came() {
        let line = b"\x1b[32minfo\x1b[39m: ready";
        let text = Plain::of(line);
        assert_eq!(text.raw(Span { start: 0, end: 4 }).of(line), b"info");
        assert_eq!(text.raw(Span { start: 6, end: 11 }).of(line), b"ready");
        assert_eq!(text.raw(Span { start: 0, end: 5 }).of(line), b"info\x1b[39m:");
    }
}
