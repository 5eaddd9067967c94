//! Log lines: what one says of itself, the store that holds a million of them in the order of time,
//! and views of it.
//!
//! Invariant: pure, as [`crate::model`]: no clock, and no I/O but through [`Files`], which the caller
//! gives. Bytes are kept as they came; they are cleaned when a line is looked at. Within one source
//! the order of arrival is never broken. What falls out of a bound is counted.

mod bits;
mod block;
mod bytes;
mod charts;
mod entry;
mod extras;
mod line;
mod long;
mod merge;
pub mod parse;
mod pattern;
mod pieces;
mod query;
mod reach;
mod read;
mod rows;
mod saving;
mod seek;
mod slot;
mod source;
mod store;
mod unwritten;
mod view;
pub mod when;

pub use self::charts::{Bucket, Cell};
pub use self::entry::ENTRY_LINES_MAX;
pub use self::line::{
    Body, FileId, FilePlace, Kind, LEVELS, LINE_BYTES_MAX, Line, LineId, LineRef, LineTime,
    TimeFrom, column,
};
pub use self::long::is_in_long_line;
pub use self::pattern::{PATTERN_BYTES_MAX, Pattern, Problem};
pub use self::pieces::{Part, Pieces};
pub use self::query::{Filter, Query, Scope, Streams};
pub use self::reach::Reach;
pub use self::read::{Files, NoFiles, Rereads, plain};
pub use self::saving::Saving;
pub use self::seek::{Direction, Found, Goal};
pub use self::source::{Owner, SourceId, SourceKey, Stream, Tally};
pub use self::store::{Bounds, Prepended, Store};
pub use self::unwritten::FileEnd;
pub use self::view::{Place, Progress, STEP_BYTES, View};

#[cfg(test)]
mod tests;
