//! What a line says of itself, and what is known of it before.

use super::Span;
use super::level::{Level, Sign};
use super::time::{Clock, Pattern, Stamp};

/// What is known of a line before it is read.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The `log_date_format` of the process, if it declares one.
    pub declared: Option<&'a Pattern>,
    /// What completes a time that does not say all.
    pub clock: Clock<'a>,
    /// Whether the line came by standard error.
    pub is_stderr: bool,
}

/// What a line is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Words.
    Text,
    /// A JSON object, perhaps behind words.
    Json,
    /// Pairs of `key=value`.
    Logfmt,
}

/// What a line says of itself. Spans are of its plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What PM2 put before the line, blank included.
    pub prefix: Option<Span>,
    /// When: PM2's stamp where the process declares one, else the line's own.
    pub time: Option<Stamp>,
    /// Where a time of the line's own stands, not one that PM2 put before it.
    pub own_time: Option<Span>,
    /// The level and how it is known.
    pub level: Option<(Level, Sign)>,
    /// The text without what leads it: prefix, time and level. Of a line with fields what stands
    /// before them, which is nothing as a rule.
    pub message: Span,
    /// What the line is made of.
    pub shape: Shape,
    /// Whether it says nothing of itself: see [`super::is_prose`].
    pub is_prose: bool,
    /// Where the fields are: [`super::Record::of`] reads them.
    pub fields: Option<Span>,
}
