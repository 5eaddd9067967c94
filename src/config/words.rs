//! Words of the file: what a mistyped one is meant as, and how they are said.
//!
//! Invariant: foreign text is cleaned before it is said.

use crate::protocol::text::clean;

/// The longest piece of the file that is quoted, characters.
const QUOTED_MAX: usize = 60;

/// The known word that an unknown one is probably meant as.
pub(super) fn near<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let word = plain(word);
    // One wrong letter in three is still a typing error.
    known
        .map(|name| (strsim::damerau_levenshtein(&word, &plain(name)), name))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, name)| edits * 3 <= word.len().max(name.len()))
        .map(|(_, name)| name)
}

/// Foreign text as it is said: clean, and not too long.
pub(super) fn said(text: &str) -> String {
    let clean = clean(text);
    match clean.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("{}..", clean.get(..end).unwrap_or_default()),
        None => clean.into_owned(),
    }
}
