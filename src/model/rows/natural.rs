//! The order of names as people count: `worker-2` before `worker-10`.

use std::cmp::Ordering;

/// Compares names: digits as numbers, letters whatever their case; then as they are written.
#[must_use]
pub fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one, other);
    loop {
        let (a, b) = match (left.chars().next(), right.chars().next()) {
            (Some(a), Some(b)) => (a, b),
            // The shorter one first; equal but for case or zeros before a number.
            (a, b) => return a.is_some().cmp(&b.is_some()).then_with(|| one.cmp(other)),
        };
        let order = if a.is_ascii_digit() && b.is_ascii_digit() {
            let (number, other_number) = (number(&mut left), number(&mut right));
            let by_length = number.len().cmp(&other_number.len());
            by_length.then_with(|| number.cmp(other_number))
        } else {
            left = left.get(a.len_utf8()..).unwrap_or_default();
            right = right.get(b.len_utf8()..).unwrap_or_default();
            a.to_lowercase().cmp(b.to_lowercase())
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Takes the digits at the start; gives them without zeros before the number.
fn number<'a>(text: &mut &'a str) -> &'a str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits.trim_start_matches('0')
}
