//! Cleans foreign text at the door: no control sequence of a log line, name or message reaches the
//! rest of the program.
//!
//! Invariant: what comes out holds no C0, C1 or DEL control, no escape sequence, no line or
//! paragraph separator and no bidirectional override.

use std::borrow::Cow;

/// Cleans text that must be one plain line: a name, a status, a message.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    // Placeholder: the protocol helper writes this.
    text.chars().filter(|c| !c.is_control()).collect::<String>().into()
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

/// What SGR can say, less blinking and concealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextStyle {
    /// Foreground.
    pub fg: Option<TextColor>,
    /// Background.
    pub bg: Option<TextColor>,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Foreground and background exchanged.
    pub reverse: bool,
}

/// A colour of SGR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextColor {
    /// One of 256, the first 16 being the terminal's own.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// Cleans one line of a log, keeping its colours. `style` is the style in force at its start and
/// is left as it is at its end (colours run on over lines).
#[must_use]
pub fn clean_line(line: &str, _style: &mut TextStyle) -> StyledText {
    // Placeholder: the protocol helper writes this.
    StyledText { text: clean(line).into(), runs: Box::default() }
}
