//! What a file begins with: the lives that write it say it first.

use std::fs::File;

use super::Format;
use crate::daemon::seam::read_part;

/// How much of a file is read for what it begins with, bytes, and how many lines.
pub(super) const OPENING_BYTES: u64 = 4 << 10;
const OPENINGS_MAX: usize = 16;
/// So much of a line is compared with others, bytes.
const FOLDED_MAX: usize = 400;

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
}

/// A line without its numbers and without words that have some, as ids do: those differ where it says the
/// same.
pub(super) fn folded(line: &[u8]) -> Vec<u8> {
    let line = line.get(..FOLDED_MAX).unwrap_or(line);
    let words =
        line.chunk_by(|one, other| one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric());
    words.filter(|word| !word.iter().any(u8::is_ascii_digit)).flatten().copied().collect()
}
