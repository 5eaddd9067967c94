//! All facts: labels to the right of their column, what they say behind them.

use crate::app::details::Sheet;
use crate::app::details::rows::{GAP, Kind, overview};
use crate::app::geometry::Area;
use crate::model::details::Tone;
use crate::view::canvas::Canvas;
use crate::view::roles::Role;

/// Draws them.
pub(super) fn draw(canvas: &mut Canvas<'_>, content: Area, sheet: &Sheet) {
    let columns = overview(sheet, content.columns);
    let rows = usize::from(content.rows);
    let longest = columns.iter().map(|column| column.rows.len()).max().unwrap_or(0);
    let top = sheet.place().min(longest.saturating_sub(rows));
    let half = content.columns.saturating_sub(GAP) / 2;
    let width = if columns.len() > 1 { half } else { content.columns };
    for (index, column) in (0_u16..).zip(&columns) {
        let x = content.x + index * (half + GAP);
        let shown = column.rows.iter().skip(top).take(rows);
        for (y, row) in (content.y..).zip(shown) {
            let quiet = canvas.role(Role::Quiet);
            match row.kind {
                Kind::Blank => {}
                Kind::Heading => {
                    let strong = canvas.role(Role::Strong);
                    canvas.text(x, y, width, &row.label, strong);
                }
                Kind::Fact(tone) => {
                    let style = canvas.role(role(tone));
                    canvas.right(x, y, column.labels, &row.label, quiet);
                    let at = column.labels + 2;
                    canvas.text(x + at, y, width.saturating_sub(at), &row.text, style);
                }
            }
        }
    }
}

/// How a fact looks.
pub(super) fn role(tone: Tone) -> Role {
    match tone {
        Tone::Plain => Role::Text,
        Tone::Good => Role::Good,
        Tone::Warning => Role::Warn,
        Tone::Bad => Role::Bad,
        Tone::Faint => Role::Quiet,
    }
}
