//! Lines made of parts that leave by priority where the line is short.
//!
//! Invariant: parts keep their order; a part is shown whole, in its short form, or not at all
//! (those that never leave are cut at the end of the line).

use std::collections::VecDeque;

use super::roles::Role;
use super::text;
use crate::app::{App, press};

/// A piece of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pieces: Vec<(String, Role)>,
    /// Its shorter forms, each with how early it takes it: the highest number first.
    shorts: VecDeque<(u8, Vec<(String, Role)>)>,
    /// How early it leaves: the highest number first; 0 never.
    leaves: u8,
    /// Columns that its number may still take: they are kept free, so that no form changes with it.
    slack: u16,
}

/// A key and what it does.
pub(super) fn key(key: &str, label: &str, leaves: u8) -> Part {
    Part::new(key, Role::Accent, leaves).and(format!(" {label}"), Role::Quiet)
}

/// So many lines are below those shown.
pub(super) fn below(count: usize) -> Part {
    let lines = if count == 1 { "line" } else { "lines" };
    Part::new(format!("{count} more {lines} below"), Role::Quiet, 0)
}

/// The keys as words where the terminal has no arrows.
pub(super) fn spelled(keys: &str, ascii: bool) -> String {
    if !ascii {
        return keys.to_owned();
    }
    let words = [('↑', "Up"), ('↓', "Down"), ('←', "Left"), ('→', "Right")];
    words.iter().fold(keys.to_owned(), |keys, (arrow, word)| keys.replace(*arrow, word))
}

/// A hint with the keys that the user has in the place of the default ones; `None` where the command
/// has no key.
pub(super) fn now(part: Part, app: &App) -> Option<Part> {
    let mut part = part;
    if let Some((keys, Role::Accent)) = part.pieces.first_mut()
        && !keys.is_empty()
    {
        *keys = press::now(&app.keys, &app.mode, app.focus, keys)?;
    }
    Some(part)
}

impl Part {
    /// A part in one role.
    pub(super) fn new(text: impl Into<String>, role: Role, leaves: u8) -> Self {
        Self { pieces: vec![(text.into(), role)], shorts: VecDeque::new(), leaves, slack: 0 }
    }

    /// Adds text in another role.
    pub(super) fn and(mut self, text: impl Into<String>, role: Role) -> Self {
        self.pieces.push((text.into(), role));
        self
    }

    /// Takes this form when it is its turn by `shortens`, behind other forms that were named before.
    pub(super) fn or(self, shortens: u8, short: impl Into<String>, role: Role) -> Self {
        self.or_part(shortens, Self::new(short, role, 0))
    }

    /// Takes the form of this part when it is its turn.
    pub(super) fn or_part(mut self, shortens: u8, short: Self) -> Self {
        self.shorts.push_back((shortens, short.pieces));
        self
    }

    /// Its number is this one, and takes so many columns at most.
    pub(super) fn growing(mut self, number: &str, widest: u16) -> Self {
        self.slack = widest.saturating_sub(text::width(number));
        self
    }

    /// Columns that it may take.
    pub(super) fn reserved(&self) -> u16 {
        self.columns().saturating_add(self.slack)
    }

    /// How early it is changed next, if ever.
    fn gives_way(&self) -> Option<u8> {
        match (self.shorts.front(), self.leaves) {
            (Some((shortens, _)), _) => Some(*shortens),
            (None, 0) => None,
            (None, leaves) => Some(leaves),
        }
    }

    /// Its pieces, in order.
    pub(super) fn pieces(&self) -> &[(String, Role)] {
        &self.pieces
    }

    /// Columns it takes.
    pub(super) fn columns(&self) -> u16 {
        self.pieces.iter().fold(0, |sum, (piece, _)| sum.saturating_add(text::width(piece)))
    }
}

/// Columns that a line of parts may take.
pub(super) fn columns(parts: &[Part], gap: u16) -> u16 {
    let gaps = u16::try_from(parts.len().saturating_sub(1)).unwrap_or(u16::MAX).saturating_mul(gap);
    parts.iter().fold(gaps, |sum, part| sum.saturating_add(part.reserved()))
}

/// The parts that fit so many columns, with `gap` between them: those with the highest number take
/// their short form first, then leave.
pub(super) fn fit(parts: &[Part], gap: u16, columns_max: u16) -> Vec<Part> {
    let mut fitting = parts.to_vec();
    while columns(&fitting, gap) > columns_max {
        let next = fitting
            .iter()
            .enumerate()
            .filter_map(|(index, part)| Some((index, part.gives_way()?)))
            .max_by_key(|(_, turn)| *turn)
            .map(|(index, _)| index);
        let Some(index) = next else {
            break;
        };
        if let Some(part) = fitting.get_mut(index)
            && let Some((_, short)) = part.shorts.pop_front()
        {
            part.pieces = short;
        } else {
            fitting.remove(index);
        }
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(parts: &[Part], columns: u16) -> String {
        fit(parts, 1, columns)
            .iter()
            .map(|part| part.pieces().iter().map(|(text, _)| text.as_str()).collect())
            .collect::<Vec<String>>()
            .join(" ")
    }

    #[test]
    fn parts_leave_by_priority() {
        let parts = [
            Part::new("always", Role::Text, 0).or(0, "a", Role::Text),
            Part::new("first", Role::Text, 9),
            Part::new("second", Role::Text, 5).or(5, "2nd", Role::Text).or(5, "2", Role::Text),
        ];
        assert_eq!(line(&parts, 19), "always first second");
        assert_eq!(line(&parts, 18), "always second");
        assert_eq!(line(&parts, 12), "always 2nd");
        assert_eq!(line(&parts, 9), "always 2");
        assert_eq!(line(&parts, 7), "always");
        assert_eq!(line(&parts, 5), "a");
        assert_eq!(line(&parts, 0), "a");
    }

    /// A form that changes with each digit of a number beside it cannot be read.
    #[test]
    fn no_form_changes_with_a_number() {
        let with = |number: &str| {
            let parts = [
                Part::new(format!("cpu {number}"), Role::Text, 0).growing(number, 6),
                Part::new("saved list: 5 are not", Role::Text, 9).or(9, "5 not saved", Role::Text),
            ];
            (0..40).map(|columns| line(&parts, columns).replace(number, "N")).collect::<Vec<_>>()
        };
        assert_eq!(with("3.1%"), with("12.3%"));
        assert_eq!(with("3.1%"), with("100.0%"));
    }
}
