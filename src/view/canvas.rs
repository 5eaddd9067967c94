//! The only place that writes cells: text, frames and blank rectangles, clipped to the screen.
//!
//! Invariant: nothing is written outside the buffer or outside what the caller allowed; with an
//! ASCII theme every cell is ASCII.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::parts::{self, Part};
use super::text;
use super::theme::{Border, Theme, Tone};

/// A buffer and the theme that it is painted with.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
}

/// Which frame is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// A pane.
    Plain,
    /// The pane with the focus: other strokes, so that it shows without colour.
    Focused,
    /// What covers the screen.
    Dialog,
}

impl<'a> Canvas<'a> {
    /// Paints on this buffer.
    pub(super) fn new(buffer: &'a mut Buffer, theme: Theme) -> Self {
        Self { buffer, theme }
    }

    /// The theme.
    pub(super) fn theme(&self) -> Theme {
        self.theme
    }

    /// The style of a tone.
    pub(super) fn tone(&self, tone: Tone) -> Style {
        self.theme.tone(tone)
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

    /// Lays a style over the cells that show something.
    pub(super) fn style_written(&mut self, area: Rect, style: Style) {
        for position in area.intersection(self.buffer.area).positions() {
            if let Some(cell) = self.buffer.cell_mut(position)
                && cell.symbol() != " "
            {
                cell.set_style(style);
            }
        }
    }

    /// Blanks a rectangle, and the wide glyphs that reach into it.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            if let Some(left) = area.x.checked_sub(1)
                && let Some(cell) = self.buffer.cell_mut((left, y))
                && text::width(cell.symbol()) > 1
            {
                cell.set_symbol(" ");
            }
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// Draws a frame with a title above and one below; returns what is inside it.
    pub(super) fn frame(
        &mut self,
        area: Rect,
        kind: FrameKind,
        above: &[Part],
        below: &[Part],
    ) -> Rect {
        if area.width < 2 || area.height < 2 {
            return Rect::ZERO;
        }
        let glyphs = self.theme.glyphs();
        let border = match kind {
            FrameKind::Plain => &glyphs.plain,
            FrameKind::Focused => &glyphs.focused,
            FrameKind::Dialog => &glyphs.dialog,
        };
        let style = self.theme.frame(kind != FrameKind::Plain);
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for y in area.y + 1..bottom {
            self.put(area.x, y, border.vertical, 1, style);
            self.put(right, y, border.vertical, 1, style);
        }
        for x in area.x + 1..right {
            self.put(x, area.y, border.horizontal, 1, style);
            self.put(x, bottom, border.horizontal, 1, style);
        }
        self.put(area.x, area.y, border.top_left, 1, style);
        self.put(right, area.y, border.top_right, 1, style);
        self.put(area.x, bottom, border.bottom_left, 1, style);
        self.put(right, bottom, border.bottom_right, 1, style);
        let inner = Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2);
        self.title(inner.x, area.y, inner.width, above, border, style);
        self.title(inner.x, bottom, inner.width, below, border, style);
        inner
    }

    /// Writes the parts of a title into a frame's stroke, two strokes between them.
    fn title(
        &mut self,
        x: u16,
        y: u16,
        columns: u16,
        title: &[Part],
        border: &Border,
        style: Style,
    ) {
        // A blank before and after each part, and two strokes between.
        let fitting = parts::fit(title, 4, columns.saturating_sub(2));
        let end = x + columns;
        let mut at = x;
        for (index, part) in fitting.iter().enumerate() {
            if index > 0 {
                for _ in 0..2 {
                    if at < end {
                        self.put(at, y, border.horizontal, 1, style);
                        at += 1;
                    }
                }
            }
            at += self.text(at, y, end - at, " ", style);
            at += self.part(at, y, (end - at).saturating_sub(1), part);
            at += self.text(at, y, end - at, " ", style);
        }
    }

    /// Writes one part; returns the columns it took.
    pub(super) fn part(&mut self, x: u16, y: u16, columns: u16, part: &Part) -> u16 {
        let mut at = x;
        let end = x.saturating_add(columns);
        for (text, tone) in part.pieces() {
            let style = self.tone(*tone);
            at += self.text(at, y, end.saturating_sub(at), text, style);
        }
        at - x
    }
}
