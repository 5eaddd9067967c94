//! What a file begins with: the lives that write it say it first.

use std::fs::File;

use super::Format;
use crate::daemon::seam::read_part;

/// How much of a file is read for what it begins with, bytes, and how many lines.
pub(super) const OPENING_BYTES: u64 = 4 << 10;
const OPENINGS_MAX: usize = 16;
/// So much of a line is compared with others, bytes.
const FOLDED_MAX: usize = 400;

/// What a byte is to a word.
#[derive(Clone, Copy)]
enum Kind {
    Other,
    Letter,
    Digit,
}

/// That of each byte.
static KINDS: [Kind; 256] = kinds();

#[expect(clippy::indexing_slicing, reason = "a byte is below 256; checked when it is compiled")]
const fn kinds() -> [Kind; 256] {
    let mut kinds = [Kind::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' => Kind::Digit,
            b'a'..=b'z' | b'A'..=b'Z' => Kind::Letter,
            _ => Kind::Other,
        };
        byte += 1;
    }
    kinds
}

/// What a file begins with before any time.
#[derive(Debug)]
pub(super) struct Openings {
    /// Its first line.
    pub(super) first: Vec<u8>,
    /// That and those behind it, without numbers, up to what stands there again: that is said now and
    /// again, or by the next life.
    pub(super) folded: Vec<Vec<u8>>,
}

impl Openings {
    /// Blocks.
    pub(super) fn of(file: &File, format: &Format) -> Self {
        let bytes = read_part(file, 0, OPENING_BYTES).unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n').take(OPENINGS_MAX);
        let untimed = lines.take_while(|line| format.read(line, 0).0.is_none());
        let mut untimed = untimed.filter(|line| !line.is_empty()).peekable();
        let first = untimed.peek().map_or_else(Vec::new, |line| line.to_vec());
        let mut openings: Vec<Vec<u8>> = Vec::new();
        for line in untimed.map(folded) {
            if let Some(at) = openings.iter().position(|opening| *opening == line) {
                // Behind what a life says first, it is said now and again.
                openings.truncate(at.max(1));
                break;
            }
            openings.push(line);
        }
        Self { first, folded: openings }
    }

    /// Which of them a line reads as.
    pub(super) fn position(&self, line: &[u8]) -> Option<usize> {
        self.folded.iter().position(|opening| reads_as(line, opening))
    }
}

/// A line without its numbers and without words that have some, as ids do: those differ where it says the
/// same.
pub(super) fn folded(line: &[u8]) -> Vec<u8> {
    let mut folded = Vec::with_capacity(line.len().min(FOLDED_MAX));
    each_kept(line, |kept| {
        folded.extend_from_slice(kept);
        true
    });
    folded
}

/// Whether a line is that one, folded. Nothing is copied: it is asked of most lines.
pub(super) fn reads_as(line: &[u8], folded: &[u8]) -> bool {
    let mut rest = folded;
    let is_so = each_kept(line, |kept| {
        let behind = rest.strip_prefix(kept);
        rest = behind.unwrap_or_default();
        behind.is_some()
    });
    is_so && rest.is_empty()
}

/// Takes what is left of a line without its numbers, piece by piece, as long as that is wanted; whether all
/// of it was.
fn each_kept(line: &[u8], mut take: impl FnMut(&[u8]) -> bool) -> bool {
    let line = line.get(..FOLDED_MAX).unwrap_or(line);
    let (mut from, mut word, mut has_digit) = (0, 0, false);
    for (at, byte) in line.iter().enumerate() {
        match KINDS.get(usize::from(*byte)) {
            Some(Kind::Letter) => {}
            Some(Kind::Digit) => has_digit = true,
            Some(Kind::Other) | None => {
                if has_digit {
                    if !take(line.get(from..word).unwrap_or_default()) {
                        return false;
                    }
                    (from, has_digit) = (at, false);
                }
                word = at + 1;
            }
        }
    }
    let end = if has_digit { word } else { line.len() };
    take(line.get(from..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_numbers_is_left_out_of_a_line() {
        for (line, wanted) in [
            ("request 12 of app 3", "request  of app "),
            ("id 7f3a-b2, done", "id -, done"),
            ("12", ""),
            ("12:30 x", ": x"),
            ("none", "none"),
            ("end v2", "end "),
            ("", ""),
        ] {
            assert_eq!(folded(line.as_bytes()), wanted.as_bytes(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_line_reads_as_what_it_is_folded(one in "[a-c1-2 :]{0,12}", other in "[a-c1-2 :]{0,12}") {
            let of_other = folded(other.as_bytes());
            let is_same = folded(one.as_bytes()) == of_other;
            prop_assert_eq!(reads_as(one.as_bytes(), &of_other), is_same);
            // By words, as it is said above.
            let is_of_word = |one: &u8, other: &u8| one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric();
            let words = one.as_bytes().chunk_by(is_of_word);
            let kept = words.filter(|word| !word.iter().any(u8::is_ascii_digit));
            prop_assert_eq!(folded(one.as_bytes()), kept.flatten().copied().collect::<Vec<u8>>());
        }
    }
}
