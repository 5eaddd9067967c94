//! The pieces of a filter.

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// At which character, from 0.
    pub at: usize,
    /// What.
    pub what: String,
    /// What else is wrong, further on.
    pub also: Vec<Self>,
}

impl Wrong {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), also: Vec::new() }
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "character {}: {}", self.at + 1, self.what)?;
        self.also.iter().try_for_each(|other| write!(f, "; {other}"))
    }
}

impl std::error::Error for Wrong {}

/// A piece, and at which character it begins, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Close,
    Not,
    And,
    Or,
    Word(Word),
}

/// A word as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Without its quotes, in small letters.
    pub(super) text: String,
    /// How many characters stand before its first quote; all, where it has none: signs behind it
    /// are plain text.
    pub(super) plain: usize,
}

/// Cuts a filter into its pieces.
///
/// # Errors
/// A quote that does not end.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Wrong> {
    let mut pieces = Vec::new();
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        let kind = match c {
            c if c.is_whitespace() => continue,
            '(' => Kind::Open,
            ')' => Kind::Close,
            '!' => Kind::Not,
            first => {
                let mut word = Word { text: String::new(), plain: usize::MAX };
                let mut next = Some((at, first));
                while let Some((at, c)) = next {
                    if c == '"' {
                        word.plain = word.plain.min(word.text.chars().count());
                        quoted(at, &mut chars, &mut word.text)?;
                    } else {
                        word.text.extend(c.to_lowercase());
                    }
                    next = chars.next_if(|(_, c)| !c.is_whitespace() && !matches!(c, '(' | ')'));
                }
                match (&*word.text, word.plain) {
                    ("and", usize::MAX) => Kind::And,
                    ("or", usize::MAX) => Kind::Or,
                    _ => Kind::Word(word),
                }
            }
        };
        pieces.push(Piece { at, kind });
    }
    Ok(pieces)
}

/// Takes what is in quotes that began at a character.
fn quoted(
    at: usize,
    chars: &mut impl Iterator<Item = (usize, char)>,
    text: &mut String,
) -> Result<(), Wrong> {
    for (_, c) in chars {
        if c == '"' {
            return Ok(());
        }
        text.extend(c.to_lowercase());
    }
    Err(Wrong::new(at, "this quote is not closed"))
}
