//! The raw JSON with parts of it folded away.
//!
//! Invariant: a part is known by where it stands (its keys from the root), not by its line: new values
//! leave folded what is folded. What is searched for is never hidden.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Where a part stands.
type Place = u64;

/// What is folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folds(BTreeSet<Place>);

/// A line that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Which line of the JSON it is, from 0.
    pub line: usize,
    /// How many lines behind it are folded away, with the one that closes it.
    pub hidden: usize,
}

/// A line of indented JSON, and where it stands.
struct Walked {
    indent: usize,
    /// Its own place, where it opens a part.
    opens: Option<Place>,
    /// The parts that it is in, the outermost first, each with its line.
    inside: Vec<(usize, Place)>,
}

/// Goes through the lines.
fn walk(lines: &[String]) -> impl Iterator<Item = Walked> {
    // Of each open part: its indent, its place, its line, and how many lines stood in it.
    let mut open: Vec<(usize, Place, usize, usize)> = Vec::new();
    lines.iter().enumerate().map(move |(at, line)| {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        while open.last().is_some_and(|(of, ..)| *of >= indent) {
            open.pop();
        }
        let inside = open.iter().map(|(_, place, line, _)| (*line, *place)).collect();
        let mut hasher = DefaultHasher::new();
        if let Some((_, place, _, count)) = open.last_mut() {
            *count += 1;
            place.hash(&mut hasher);
            match text.split_once("\": ") {
                Some((key, _)) => key.hash(&mut hasher),
                None => count.hash(&mut hasher),
            }
        }
        let opens = text.ends_with(['{', '[']).then(|| hasher.finish());
        if let Some(place) = opens {
            open.push((indent, place, at, 0));
        }
        Walked { indent, opens, inside }
    })
}

impl Folds {
    /// The lines that are shown.
    #[must_use]
    pub fn shown(&self, lines: &[String]) -> Vec<Shown> {
        if self.0.is_empty() {
            return (0..lines.len()).map(|line| Shown { line, hidden: 0 }).collect();
        }
        let mut shown: Vec<Shown> = Vec::new();
        let mut folded: Option<usize> = None;
        for (line, walked) in walk(lines).enumerate() {
            if let Some(indent) = folded {
                if let Some(last) = shown.last_mut() {
                    last.hidden += 1;
                }
                if walked.indent <= indent {
                    folded = None;
                }
                continue;
            }
            shown.push(Shown { line, hidden: 0 });
            if walked.opens.is_some_and(|place| self.0.contains(&place)) {
                folded = Some(walked.indent);
            }
        }
        shown
    }

    /// Folds the part that a line opens, or unfolds it; of a line that opens none, folds the part that
    /// it is in. Gives the line that opens it.
    pub(in crate::app) fn toggle(&mut self, lines: &[String], line: usize) -> Option<usize> {
        let walked = walk(lines).nth(line)?;
        let (line, place) = match walked.opens {
            Some(place) => (line, place),
            None => walked.inside.last().copied()?,
        };
        if !self.0.remove(&place) {
            self.0.insert(place);
        }
        Some(line)
    }

    /// Unfolds all that a line is in.
    pub(in crate::app) fn reveal(&mut self, lines: &[String], line: usize) {
        for (_, place) in walk(lines).nth(line).map(|walked| walked.inside).unwrap_or_default() {
            self.0.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::inspection::rows;
    use serde_json::json;

    fn lines(value: u8) -> Vec<String> {
        rows::raw(&json!({ "a": { "b": [{ "x": value }, { "y": 2 }], "c": 3 }, "d": { "b": [4] } }))
    }

    fn texts(folds: &Folds, lines: &[String]) -> Vec<String> {
        let shown = folds.shown(lines).into_iter();
        shown.map(|it| format!("{}+{}", lines[it.line].trim(), it.hidden)).collect()
    }

    #[test]
    fn a_part_is_folded_where_it_stands_and_stays_so_with_other_values() {
        let mut folds = Folds::default();
        let before = lines(1);
        let at = before.iter().position(|line| line.contains("\"b\": [")).unwrap();
        assert_eq!(folds.toggle(&before, at), Some(at));
        let all = texts(&folds, &lines(9));
        assert_eq!(all[2], "\"b\": [+7", "{all:?}");
        assert_eq!(all[3], "\"c\": 3+0");
        // The one of the same name elsewhere is another.
        assert!(all.contains(&"4+0".to_owned()), "{all:?}");
        // From inside, the part around it.
        let c = before.iter().position(|line| line.contains("\"c\"")).unwrap();
        assert_eq!(folds.toggle(&before, c), Some(1));
        assert_eq!(texts(&folds, &before)[1], "\"a\": {+10");
        assert_eq!(folds.toggle(&before, 1), Some(1));
        assert_eq!(
            texts(&folds, &before),
            all.iter().map(|it| it.replace('9', "1")).collect::<Vec<_>>()
        );
        let x = before.iter().position(|line| line.contains("\"x\"")).unwrap();
        folds.reveal(&before, x);
        assert_eq!(folds.shown(&before).len(), before.len());
    }

    #[test]
    fn elements_of_a_list_are_told_apart() {
        let mut folds = Folds::default();
        let all = lines(1);
        let first =
            all.iter().position(|line| line.trim() == "{" && line.starts_with("   ")).unwrap();
        folds.toggle(&all, first);
        let shown = texts(&folds, &all);
        assert!(!shown.iter().any(|line| line.starts_with("\"x\"")), "{shown:?}");
        assert!(shown.iter().any(|line| line.starts_with("\"y\"")), "{shown:?}");
    }
}
