//! Where the columns of the process table are.
//!
//! Invariant: a column has one place in all rows, whatever they hold; widths depend on all
//! processes, not on those in sight, so that scrolling moves nothing.

use ratatui::layout::Rect;

use super::{lookup, status, text};
use crate::app::{App, MINI_COLUMNS, MINI_COLUMNS_WIDE, WIDE_FROM};
use crate::model::rows::Field;
use crate::model::rows::columns::{DEFAULT, Row, WIDE};

/// A column's place: first column of the screen, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) field: Field,
    pub(super) x: u16,
    pub(super) columns: u16,
}

/// Where the columns are, from left to right; those that left are not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) places: Vec<Place>,
    /// Whether numbers are in their short form.
    pub(super) is_short: bool,
}

impl Columns {
    /// Where a column is.
    pub(super) fn get(&self, field: Field) -> Option<Place> {
        self.places.iter().copied().find(|place| place.field == field)
    }

    /// The place of the figures of a process, where something else may stand instead: from its CPU to
    /// the end of those beside it; to the end of the row where they are the last.
    pub(super) fn figures(&self, row_end: u16) -> Option<(u16, u16)> {
        let is_figure =
            |field| matches!(field, Field::Cpu | Field::Chart | Field::Memory | Field::Limit);
        let first = self.places.iter().position(|place| place.field == Field::Cpu)?;
        let run = self.places.iter().skip(first).take_while(|place| is_figure(place.field));
        let run: Vec<&Place> = run.collect();
        let (start, last) = (run.first()?, run.last()?);
        let is_last = self.places.last() == Some(*last);
        let end = if is_last { row_end } else { last.x + last.columns };
        Some((start.x, end.saturating_sub(start.x)))
    }
}

/// Below this, numbers and states are in their short form.
const SHORT_BELOW: u16 = 52;
/// Below this, one blank between columns, else two.
const NARROW_BELOW: u16 = 98;
/// A name narrower than this tells nothing.
const NAME_MIN: u16 = 4;
/// Of a longer name, so much is shown before other columns get their room.
const NAME_WANTED: u16 = 16;
/// On a narrow terminal, the count of restarts leaves so much of it at least.
const NAME_SHORT: u16 = 5;
/// How much further in the deepest name of a tree stands.
const TREE_INDENT: u16 = 4;
/// With fewer columns, so much of it.
const NAME_LEAST: u16 = 12;
/// Cells of the meter of memory against its limit.
pub(super) const METER: u16 = 5;
/// Columns of the meter with its percentage.
const LIMIT: u16 = METER + 5;

/// The columns that can leave, the last to leave first; what is not among them leaves before.
const LEAVING: [Field; 6] =
    [Field::Restarts, Field::Uptime, Field::Limit, Field::Mode, Field::Chart, Field::Namespace];
/// With so many of them, the last is the mode.
const MODE: usize = 4;

/// How wide the contents of a column are, beside others.
struct Content {
    field: Field,
    columns: u16,
    /// Whether any process has something to say there.
    is_told: bool,
}

/// Places the columns in what is inside the pane.
pub(super) fn columns(app: &App, inner: Rect) -> Columns {
    let fields = fields(app);
    let contents: Vec<Content> = fields.iter().map(|field| content(app, *field)).collect();
    let name = contents.iter().find(|one| one.field == Field::Name).map_or(8, |one| one.columns);
    if inner.width >= SHORT_BELOW {
        let extras = fields.iter().filter(|field| !is_usual(**field)).count();
        let ranks = contents.iter().map(|one| rank(one.field, &fields)).max().unwrap_or(0);
        for shown in (0..=ranks).rev() {
            // A long name may be cut for the sake of the columns that say more than its end.
            let most = if shown > extras + MODE { NAME_WANTED } else { NAME_LEAST };
            let kept = contents.iter().filter(|one| rank(one.field, &fields) <= shown);
            let mut kept: Vec<(Field, u16)> = kept.map(|one| (one.field, one.columns)).collect();
            if spare(&kept, inner, false).0 >= name.min(most) {
                if shown == ranks && inner.width + 2 >= WIDE_FROM && app.table.columns().is_none() {
                    widen(app, inner, &mut kept);
                }
                return place(&kept, inner, false);
            }
        }
    }
    let restarts = restarts(app);
    let short = |daemon: u16, has_restarts: bool, least: u16| {
        let kept = contents.iter().filter(|one| {
            rank(one.field, &fields) == 0 || (has_restarts && one.field == Field::Restarts)
        });
        let kept = kept.map(|one| match one.field {
            Field::Cpu | Field::Memory => (one.field, 5),
            Field::Restarts => (one.field, restarts),
            Field::Daemon => (one.field, one.columns.min(daemon)),
            field => (field, one.columns),
        });
        let kept: Vec<(Field, u16)> = kept.filter(|(_, columns)| *columns > 0).collect();
        (spare(&kept, inner, true).0 >= least, place(&kept, inner, true))
    };
    let ways = [(6, true, NAME_SHORT), (6, false, NAME_MIN)];
    let mut fitting =
        ways.into_iter().map(|(daemon, has_restarts, least)| short(daemon, has_restarts, least));
    let fitting = fitting.find_map(|(fits, columns)| fits.then_some(columns));
    fitting.unwrap_or_else(|| short(0, false, 0).1)
}

/// The columns that are wanted, from left to right.
fn fields(app: &App) -> Vec<Field> {
    let mut fields = app.table.fields().to_vec();
    if app.table.columns().is_none() && !has_limit(app) {
        fields.retain(|field| *field != Field::Limit);
    }
    if app.table.columns().is_none() && app.table.is_tree() {
        // It is the group that a row stands in.
        fields.retain(|field| *field != Field::Namespace);
    }
    if app.watched.daemons.len() > 1 && !fields.contains(&Field::Daemon) {
        fields.insert(1.min(fields.len()), Field::Daemon);
    }
    fields
}

/// How wide the count of restarts is at least.
fn restarts(app: &App) -> u16 {
    let most = app.watched.fleet.iter().map(|(_, process)| process.info.restarts).max();
    text::width(&most.unwrap_or(0).to_string()).max(2)
}

/// Whether any process has a memory limit.
fn has_limit(app: &App) -> bool {
    app.watched.fleet.iter().any(|(_, it)| it.info.memory_limit_bytes.is_some())
}

/// How early a column leaves: the highest number first, 0 never.
fn rank(field: Field, fields: &[Field]) -> usize {
    match field {
        Field::Id | Field::Daemon | Field::Name | Field::Status | Field::Cpu | Field::Memory => 0,
        field => {
            let extras = || fields.iter().filter(|field| !is_usual(**field));
            match LEAVING.iter().position(|leaving| *leaving == field) {
                Some(place) => extras().count() + place + 1,
                // What was chosen stays longer; of that the last leaves first.
                None => extras().position(|other| *other == field).unwrap_or(0) + 1,
            }
        }
    }
}

/// Whether a column is one of those that stand by themselves.
fn is_usual(field: Field) -> bool {
    field == Field::Daemon || DEFAULT.contains(&field)
}

/// How wide a column is by what it holds.
fn content(app: &App, field: Field) -> Content {
    let column = field.column();
    let (least, most) = column.width;
    let fixed = |columns| Content { field, columns, is_told: true };
    match field {
        Field::Status => return fixed(status::COLUMNS),
        Field::Chart => return fixed(MINI_COLUMNS),
        Field::Limit => return fixed(LIMIT),
        Field::Cpu => return fixed(6),
        // By who has a limit, not by who nears it: else columns would come and go.
        Field::LimitIn => return Content { field, columns: least, is_told: has_limit(app) },
        Field::Uptime | Field::Mode | Field::Memory => return fixed(least),
        _ => {}
    }
    let cells = app.watched.fleet.iter().filter_map(|(key, process)| {
        let daemon = lookup::daemon(app, key.daemon).map_or("-", |daemon| &*daemon.label);
        field.cell(&Row { process, daemon, now: app.now })
    });
    if least == most {
        let mut cells = cells;
        // Counts that are all 0 are worth no column of their own.
        return Content { field, columns: least, is_told: cells.any(|cell| cell != "0") };
    }
    let head = if let Field::Metric(name) = field { text::width(name.get()) } else { 0 };
    let (mut columns, mut is_told) = (least.max(head).min(most), false);
    for cell in cells {
        is_told = true;
        columns = columns.max(text::width(&cell)).min(most);
        if columns == most {
            break;
        }
    }
    if field == Field::Name && app.table.is_tree() {
        columns = columns.saturating_add(TREE_INDENT).min(most);
    }
    Content { field, columns, is_told }
}

/// What is left for the name after all other columns, the status among them, and for the status.
fn spare(kept: &[(Field, u16)], inner: Rect, is_short: bool) -> (u16, u16) {
    let others = kept.iter().filter(|(field, _)| !matches!(field, Field::Name | Field::Status));
    let others = others.fold(0_u16, |sum, (_, columns)| sum.saturating_add(*columns));
    let next = kept.iter().skip(1).map(|(field, _)| *field);
    let gaps = kept.iter().zip(next).map(|((field, _), next)| gap(inner, is_short, *field, next));
    let fixed = gaps.fold(others, u16::saturating_add);
    let left = inner.width.saturating_sub(fixed);
    let status = if is_short {
        status::SHORT_COLUMNS.min(left.saturating_sub(NAME_MIN)).max(3)
    } else {
        status::COLUMNS
    };
    (left.saturating_sub(status), status)
}

/// Blanks between two columns: the sign of the sorted column stands in them behind the id, and a head
/// that ends where the next begins would read as one.
fn gap(inner: Rect, is_short: bool, field: Field, next: Field) -> u16 {
    let gap = if inner.width < NARROW_BELOW { 1 } else { 2 };
    let meets = field.column().is_right && !next.column().is_right && !next.head().is_empty();
    match field {
        _ if is_short => gap,
        Field::Id => gap + 1,
        _ if meets => gap.max(2),
        _ => gap,
    }
}

/// Gives the width of a wide terminal to more columns, and to longer charts.
fn widen(app: &App, inner: Rect, kept: &mut Vec<(Field, u16)>) {
    let name = kept.iter().find(|(field, _)| *field == Field::Name).map_or(0, |(_, wide)| *wide);
    let left = |kept: &[(Field, u16)]| spare(kept, inner, false).0.saturating_sub(name);
    for field in WIDE {
        let one = content(app, field);
        let last = kept.last().map_or(Field::Id, |(field, _)| *field);
        if one.is_told && left(kept) >= one.columns + gap(inner, false, last, field) {
            kept.push((field, one.columns));
        }
    }
    let left = left(kept);
    if let Some((_, columns)) = kept.iter_mut().find(|(field, _)| *field == Field::Chart) {
        *columns = columns.saturating_add(left).min(MINI_COLUMNS_WIDE);
    }
}

/// Places columns of these widths.
fn place(kept: &[(Field, u16)], inner: Rect, is_short: bool) -> Columns {
    let (name, status) = spare(kept, inner, is_short);
    let (mut x, end) = (inner.x, inner.right());
    let mut places = Vec::with_capacity(kept.len());
    let next = kept.iter().skip(1).map(|(field, _)| Some(*field)).chain([None]);
    for ((field, columns), next) in kept.iter().zip(next) {
        let columns = match field {
            // Not wider than the names are: the eye should not have to travel.
            Field::Name => name.min(*columns),
            Field::Status => status,
            _ => *columns,
        };
        // Whatever a daemon calls its ids, no column reaches over the edge.
        let shown = columns.min(end.saturating_sub(x));
        places.push(Place { field: *field, x, columns: shown });
        let gap = next.map_or(0, |next| gap(inner, is_short, *field, next));
        x = x.saturating_add(columns).saturating_add(gap);
    }
    Columns { places, is_short }
}
