//! What only who draws knows of a place on the screen: whose head it is, and which text.
//!
//! Invariant: text is taken from what is drawn, so that what is copied is what was seen; bars, rules,
//! gutters and the like are blanks in it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::canvas::Canvas;
use super::columns::{METER, columns};
use super::screen;
use super::theme::Theme;
use crate::app::App;
use crate::app::geometry::{Area, TITLE};
use crate::app::log_columns;
use crate::app::pointer::{Held, Pointer, PointerKind, Under};
use crate::model::rows::Field;

/// What is under the mouse.
#[must_use]
pub fn under(app: &App, theme: &Theme, pointer: Pointer) -> Under {
    match pointer.kind {
        PointerKind::Press => Under { head: head_at(app, pointer), text: None },
        PointerKind::Release => {
            let held = app.held.filter(Held::is_drag);
            Under { head: None, text: held.map(|held| text_of(app, *theme, held)) }
        }
        _ => Under::default(),
    }
}

/// The column of the table whose head stands there.
fn head_at(app: &App, pointer: Pointer) -> Option<Field> {
    let table = app.geometry(app.size)?.table;
    if table.rows <= TITLE || pointer.y != table.y + TITLE || table.columns < 2 {
        return None;
    }
    let area = Rect::from(table);
    let inner = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let mut places = columns(app, inner).places.into_iter();
    // The sign of the order stands behind its column.
    let at = places.find(|place| (place.x..=place.x + place.columns).contains(&pointer.x));
    Some(at?.field)
}

/// What of the screen is drawn and no text: in the log its gutter and ruler, elsewhere bars and rules.
struct Drawn {
    /// The rows and columns of the text of the log, and the column of its gutter.
    log: Option<(Rect, u16)>,
    /// The columns of the bars of memory against its limit, and the rows of the table.
    bars: Option<Rect>,
}

impl Drawn {
    fn of(app: &App) -> Self {
        let parts = app.geometry(app.size).filter(|_| !app.mode.covers());
        let inside = |area: Area| {
            let area = Rect::from(area);
            let rows = area.height.saturating_sub(TITLE);
            Rect::new(area.x + 1, area.y + TITLE, area.width.saturating_sub(2), rows)
        };
        let log = parts.as_ref().filter(|parts| parts.log.rows > TITLE).map(|parts| {
            let log = inside(parts.log);
            let columns = log_columns::Columns::of(app, log.width);
            let before = columns.text_at.saturating_sub(columns.level + log_columns::GUTTER);
            (log, log.x + before)
        });
        let bars = parts.as_ref().filter(|parts| parts.table.columns > 2).and_then(|parts| {
            let table = inside(parts.table);
            let place = columns(app, table).get(Field::Limit)?;
            Some(Rect { x: place.x, width: METER.min(place.columns), ..table })
        });
        Self { log, bars }
    }

    /// Whether a cell has no text.
    fn is(&self, (x, y): (u16, u16), symbol: &str) -> bool {
        let has = |area: Rect| (area.top()..area.bottom()).contains(&y);
        if let Some((log, gutter)) = self.log.filter(|(log, _)| has(*log)) {
            return x == gutter || x >= log.right() || x < log.x;
        }
        let is_bar = self.bars.is_some_and(|bars| {
            has(bars) && (bars.left()..bars.right()).contains(&x) && !symbol.is_ascii()
        });
        is_bar || symbol.starts_with(|c| ('\u{2500}'..='\u{259f}').contains(&c))
    }
}

/// The text of the cells that are selected, without blanks at the ends of lines.
fn text_of(app: &App, theme: Theme, held: Held) -> String {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let mut buffer = Buffer::empty(area);
    let _ = screen::draw(app, theme, area, &mut buffer);
    let drawn = Drawn::of(app);
    let mut lines = Vec::new();
    for (y, from, until) in held.cells() {
        let mut line = String::new();
        let mut covered = 0;
        for x in from..until {
            if covered > 0 {
                // The rest of a wide character.
                covered -= 1;
                continue;
            }
            let Some(cell) = buffer.cell((x, y)) else { break };
            covered = super::text::width(cell.symbol()).saturating_sub(1);
            line.push_str(if drawn.is((x, y), cell.symbol()) { " " } else { cell.symbol() });
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// Shows what is selected.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let Some(held) = app.held.filter(Held::is_drag) else { return };
    let style = Style::new().add_modifier(Modifier::REVERSED);
    for (y, from, until) in held.cells() {
        canvas.style(Rect::new(from, y, until.saturating_sub(from), 1), style);
    }
}
