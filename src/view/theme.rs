//! Colours and glyphs for what the terminal can show.

/// How many colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// None at all (`NO_COLOR`, `TERM=dumb`): state is told by words, glyphs and attributes.
    None,
    /// The terminal's own 16.
    Sixteen,
    /// 256 and more.
    Many,
}

/// Colours and glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// How many colours may be used.
    pub colors: Colors,
    /// Whether only ASCII may be drawn (a locale without UTF-8, `TERM=dumb`).
    pub ascii: bool,
}
