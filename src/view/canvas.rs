//! The only place that writes cells: text, titles and blank rectangles, clipped to the screen.
//!
//! Invariant: nothing is written outside the buffer or outside what the caller allowed; with an
//! ASCII theme every cell is ASCII; no wide character is left with a half of it covered.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::parts::{self, Part};
use super::roles::Role;
use super::text;
use super::theme::Theme;
use crate::app::geometry::{Area, Overlay, TITLE};

/// The widest cluster, columns: what covers a cell begins at most so far left of it.
const CLUSTER_COLUMNS_MAX: u16 = 32;

/// A buffer and the theme that it is painted with.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
    /// The place of the last overlay.
    over: Option<Rect>,
    /// Whether strokes are red.
    is_alarmed: bool,
}

impl From<Area> for Rect {
    fn from(area: Area) -> Self {
        Self::new(area.x, area.y, area.columns, area.rows)
    }
}

impl<'a> Canvas<'a> {
    /// Paints on this buffer.
    pub(super) fn new(buffer: &'a mut Buffer, theme: Theme) -> Self {
        Self { buffer, theme, over: None, is_alarmed: false }
    }

    /// With red strokes, or not.
    pub(super) fn alarmed(self, is_alarmed: bool) -> Self {
        Self { is_alarmed, ..self }
    }

    /// The place of what was last laid over the rest.
    pub(super) fn over(&self) -> Option<Rect> {
        self.over
    }

    /// The theme.
    pub(super) fn theme(&self) -> Theme {
        self.theme
    }

    /// The style of a role.
    pub(super) fn role(&self, role: Role) -> Style {
        self.theme.role(role)
    }

    /// Writes text from the left, cut with an ellipsis; returns the columns it took.
    pub(super) fn text(
        &mut self,
        x: u16,
        y: u16,
        columns_max: u16,
        text: &str,
        style: Style,
    ) -> u16 {
        self.styled(x, y, columns_max, text, |_| style)
    }

    /// Writes text to the right end of so many columns; what is longer is cut with an ellipsis.
    pub(super) fn right(&mut self, x: u16, y: u16, columns: u16, text: &str, style: Style) {
        let blank = columns.saturating_sub(text::width(text));
        self.text(x.saturating_add(blank), y, columns - blank, text, style);
    }

    /// Writes text whose style depends on the byte; returns the columns it took.
    pub(super) fn styled(
        &mut self,
        x: u16,
        y: u16,
        columns_max: u16,
        text: &str,
        mut style: impl FnMut(usize) -> Style,
    ) -> u16 {
        let area = self.buffer.area;
        if y < area.y || y >= area.bottom() || x < area.x {
            return 0;
        }
        let columns_max = columns_max.min(area.right().saturating_sub(x));
        let ellipsis = self.theme.glyphs().ellipsis;
        let cut = text::cut(text, columns_max, text::width(ellipsis));
        let mut at = x;
        let mut last = Style::new();
        for cluster in text::clusters(text).take_while(|cluster| cluster.end <= cut.end) {
            last = style(cluster.offset);
            if self.theme.ascii && !cluster.text.is_ascii() {
                for _ in 0..cluster.columns {
                    self.put(at, y, "?", 1, last);
                    at += 1;
                }
            } else {
                self.put(at, y, &cluster.text, cluster.columns, last);
                at += cluster.columns;
            }
        }
        if cut.is_short {
            for glyph in text::clusters(ellipsis) {
                self.put(at, y, &glyph.text, 1, last);
                at += 1;
            }
        }
        at - x
    }

    /// Writes one cluster.
    fn put(&mut self, x: u16, y: u16, symbol: &str, columns: u16, style: Style) {
        debug_assert!(!symbol.contains(char::is_control), "{symbol:?} would reach the terminal");
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.reset();
            cell.set_symbol(symbol).set_style(style);
        }
        for covered in 1..columns {
            if let Some(cell) = self.buffer.cell_mut((x + covered, y)) {
                cell.reset();
            }
        }
    }

    /// Lays a style over what is there.
    pub(super) fn style(&mut self, area: Rect, style: Style) {
        self.buffer.set_style(area, style);
    }

    /// Marks a row as selected: a sign in its first cell; in the pane in front a ground over all of
    /// it, without holes; and its name, bold.
    pub(super) fn select(&mut self, row: Rect, name: Rect, is_in_front: bool) {
        let glyphs = self.theme.glyphs();
        let sign = if is_in_front { glyphs.selected } else { glyphs.selected_behind };
        self.put(row.x, row.y, sign, 1, self.role(Role::Accent));
        if is_in_front {
            self.style(row, self.theme.selected());
        }
        self.style(name, Style::new().add_modifier(Modifier::BOLD));
    }

    /// Puts the sign of a marked row into its first cell, over that of the selected one, whose ground
    /// and name tell that it is.
    pub(super) fn mark(&mut self, row: Rect) {
        let style = self.role(Role::Accent).add_modifier(Modifier::BOLD);
        if let Some(cell) = self.buffer.cell_mut((row.x, row.y)) {
            let style = cell.style().patch(style);
            cell.set_symbol(self.theme.glyphs().marked).set_style(style);
        }
    }

    /// Blanks a rectangle, and the wide characters that reach into it: half of one cannot be shown.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            self.blank_what_reaches(area.x, y);
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// Blanks the wide character that begins left of this cell and covers it.
    fn blank_what_reaches(&mut self, x: u16, y: u16) {
        for back in 1..=CLUSTER_COLUMNS_MAX.min(x - self.buffer.area.x.min(x)) {
            let Some(cell) = self.buffer.cell_mut((x - back, y)) else { return };
            if text::width(cell.symbol()) > back {
                cell.set_symbol(" ");
                return;
            }
            if cell.symbol() != " " {
                return;
            }
        }
    }

    /// Draws the title of a pane into a stroke over its whole width, heavy for the pane in front;
    /// returns what is below it, without the blank cell at both sides.
    pub(super) fn pane(&mut self, area: Rect, is_in_front: bool, title: &[Part]) -> Rect {
        if area.width < 2 || area.height < TITLE {
            return Rect::ZERO;
        }
        let glyphs = self.theme.glyphs();
        let (stroke, role) = if is_in_front {
            (glyphs.rule_in_front, Role::Accent)
        } else {
            (glyphs.rule, Role::Faint)
        };
        let role = if self.is_alarmed { Role::Bad } else { role };
        let style = self.role(role);
        for x in area.left()..area.right() {
            self.put(x, area.y, stroke, 1, style);
        }
        // A blank before and after each part, a stroke between and at both ends.
        let fitting = parts::fit(title, 3, area.width.saturating_sub(4));
        let end = area.right() - 1;
        let mut at = area.x + 1;
        for part in &fitting {
            at += self.text(at, area.y, end.saturating_sub(at), " ", style);
            at += self.part(at, area.y, end.saturating_sub(at + 1), part);
            at += self.text(at, area.y, end.saturating_sub(at), " ", style) + 1;
        }
        Rect::new(area.x + 1, area.y + TITLE, area.width - 2, area.height - TITLE)
    }

    /// Blanks the place of an overlay, with a cell at both sides, and draws its title; returns the
    /// place of its text.
    pub(super) fn overlay(&mut self, overlay: Overlay, title: &[Part]) -> Rect {
        let area = Rect::from(overlay.area);
        self.clear(Rect { x: area.x.saturating_sub(1), width: area.width + 2, ..area });
        self.pane(area, true, title);
        self.over = Some(area);
        overlay.text.into()
    }

    /// Writes one part; returns the columns it took.
    pub(super) fn part(&mut self, x: u16, y: u16, columns: u16, part: &Part) -> u16 {
        let mut at = x;
        let end = x.saturating_add(columns);
        for (text, role) in part.pieces() {
            let style = self.role(*role);
            at += self.text(at, y, end.saturating_sub(at), text, style);
        }
        at - x
    }
}
