//! How far back log files are to be read.

use super::pattern::Pattern;

/// How far back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The next older lines.
    More,
    /// To the beginning of the files.
    Begin,
    /// To a time, milliseconds since 1970.
    Time(i64),
    /// To the next older line that matches.
    Match(Pattern),
}
