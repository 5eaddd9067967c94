//! Reports of the mouse, and what is selected with it.
//!
//! Invariant: what is selected stays within the part of the screen that it was begun in.

use super::geometry::{Area, SIDES};
use crate::model::rows::Field;

/// A report of the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// What happened.
    pub kind: PointerKind,
    /// The column, from 0.
    pub x: u16,
    /// The row, from 0.
    pub y: u16,
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerKind {
    /// The left button was pressed.
    Press,
    /// It was moved with that button held.
    Drag,
    /// A button was released.
    Release,
    /// The wheel was turned up.
    WheelUp,
    /// The wheel was turned down.
    WheelDown,
}

/// What stands under the mouse, as far as only who drew it knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Under {
    /// The column of the table whose head it is.
    pub head: Option<Field>,
    /// The text of the cells that a drag went over.
    pub text: Option<String>,
}

/// The button is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Where it was pressed.
    from: (u16, u16),
    /// Where it is.
    to: (u16, u16),
    /// The part of the screen that it was pressed in: a drag stays in it.
    area: Area,
    /// Whether the log followed until then: it stands while text is selected.
    pub(super) followed: bool,
}

impl Held {
    /// Pressed there, in this part of the screen: its text, without the blank cell at both sides.
    pub(super) fn new(at: (u16, u16), area: Area) -> Self {
        let columns = area.columns.saturating_sub(SIDES);
        let area = Area { x: area.x.saturating_add(1), columns, ..area };
        let held = Self { from: at, to: at, area, followed: false };
        let at = held.within(at);
        Self { from: at, to: at, ..held }
    }

    /// The same, dragged there.
    pub(super) fn to(self, at: (u16, u16)) -> Self {
        Self { to: self.within(at), ..self }
    }

    /// Whether text is selected.
    #[must_use]
    pub fn is_drag(&self) -> bool {
        self.from != self.to
    }

    /// The cells that are selected, as text runs: row, first column, and the one behind the last.
    pub fn cells(&self) -> impl Iterator<Item = (u16, u16, u16)> + use<> {
        let Self { from, to, area, .. } = *self;
        let key = |(x, y): (u16, u16)| (y, x);
        let (first, last) = if key(from) <= key(to) { (from, to) } else { (to, from) };
        let end = area.x.saturating_add(area.columns);
        let rows = if self.is_drag() { first.1..last.1.saturating_add(1) } else { 0..0 };
        rows.map(move |y| {
            let left = if y == first.1 { first.0 } else { area.x };
            let right = if y == last.1 { last.0.saturating_add(1) } else { end };
            (y, left.max(area.x), right.min(end))
        })
    }

    /// The nearest cell to this one that a drag may reach.
    fn within(&self, (x, y): (u16, u16)) -> (u16, u16) {
        let last = |from: u16, count: u16| from.saturating_add(count.saturating_sub(1));
        let Area { x: left, y: top, columns, rows } = self.area;
        (x.clamp(left, last(left, columns)), y.clamp(top, last(top, rows)))
    }
}
