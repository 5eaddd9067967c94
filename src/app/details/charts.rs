//! The charts of the details: where each is, and its bars; shared by `view` and by what decides
//! whether a report changed anything in sight.

use super::{Sheet, Tab, content, rows};
use crate::app::geometry::{Area, Charts, PANEL_SCALE, TITLE, panels};
use crate::app::state::App;
use crate::model::charts::spans::{self, Chart};
use crate::model::charts::{self, Bars, Measure};
use crate::model::daemon::Daemon;

/// Rows of the charts below the overview, with their title.
const BELOW_MIN: u16 = 6;
const BELOW_MAX: u16 = 12;
/// From so many rows on, a chart has a line for its restarts below it.
const ROWS_AXIS: u16 = 5;

/// A chart and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// All of it, with its title.
    pub area: Area,
    /// Where the bars are.
    pub bars: Area,
    /// The row below them for what happened, where there is one.
    pub axis: Option<u16>,
    /// What is drawn.
    pub chart: Chart,
}

/// Divides the content of the tab: one place for each of so many charts above a row for the time;
/// all with the same columns.
fn places(content: Area, count: u16) -> Vec<(Area, Area, Option<u16>)> {
    let rows = content.rows.saturating_sub(1);
    let each = rows / count.max(1);
    let place = |index: u16| {
        let spare = if index + 1 == count { rows - each * count } else { 0 };
        let y = content.y + index * each;
        // A title has the whole width of the screen.
        let area = Area { x: 0, y, columns: content.columns + 2, rows: each + spare };
        let axis = (area.rows >= ROWS_AXIS).then(|| area.y + area.rows - 1);
        let below = area.below(TITLE);
        let bars = Area {
            x: content.x + PANEL_SCALE,
            columns: content.columns.saturating_sub(PANEL_SCALE),
            rows: below.rows - u16::from(axis.is_some()),
            ..below
        };
        (area, bars, axis)
    };
    (0..count).map(place).collect()
}

/// The charts of CPU and memory on a screen of that size.
#[must_use]
pub fn of(app: &App, sheet: &Sheet, size: (u16, u16)) -> Vec<(Measure, Placed)> {
    let Some(process) = app.watched.fleet.get(sheet.key()) else { return Vec::new() };
    let measures = [Measure::Cpu, Measure::Memory];
    let gap_ms = gap_ms(app, sheet);
    let places = places(content(size), 2);
    let charts = measures.into_iter().zip(places).map(|(measure, (area, bars, axis))| {
        let (what, room) = ((measure, sheet.span), (bars.columns, bars.rows));
        let chart = spans::chart(process, what, app.now.steady_ms, gap_ms, room);
        (measure, Placed { area, bars, axis, chart })
    });
    charts.collect()
}

/// Where CPU and memory of the last minutes stand below the overview, on a screen of that size: where
/// it leaves room for them.
#[must_use]
pub fn below_overview(sheet: &Sheet, size: (u16, u16)) -> Charts {
    let content = content(size);
    let columns = rows::overview(sheet, content.columns);
    let used = columns.iter().map(|column| column.rows.len()).max().unwrap_or(0);
    let used = u16::try_from(used).unwrap_or(u16::MAX);
    let free = content.rows.saturating_sub(used.saturating_add(1)).min(BELOW_MAX);
    if sheet.tab != Tab::Overview || free < BELOW_MIN {
        return Charts::None;
    }
    let y = content.y + content.rows - free;
    panels(Area { x: 0, y, columns: size.0, rows: free })
}

/// The chart of the metric that is chosen for one, if one is.
#[must_use]
pub fn of_metric(app: &App, sheet: &Sheet, size: (u16, u16)) -> Option<Placed> {
    let name = sheet.charted.as_deref().filter(|_| sheet.tab == Tab::Metrics)?;
    let values = sheet.examined.as_ref()?.history.of(name)?;
    let (area, bars, axis) = places(content(size), 1).into_iter().next()?;
    let (now_ms, room) = (app.now.steady_ms, (bars.columns, bars.rows));
    let chart = spans::metric(values, sheet.span, now_ms, gap_ms(app, sheet), room);
    Some(Placed { area, bars, axis, chart })
}

/// The course of a metric in one row of so many columns, in the span of the charts.
#[must_use]
pub fn sparkline(app: &App, sheet: &Sheet, name: &str, columns: u16) -> Bars {
    let values = sheet.examined.as_ref().and_then(|examined| examined.history.of(name));
    let Some(values) = values else { return Vec::new() };
    spans::course(values, sheet.span, app.now.steady_ms, gap_ms(app, sheet), columns)
}

/// The columns of a chart in which the process ended, by its black box.
#[must_use]
pub fn ends(app: &App, sheet: &Sheet, chart: &Chart) -> Vec<u16> {
    let lives = app.watched.boxes.get(sheet.key()).map(|black_box| black_box.lives().iter());
    let ended = lives.into_iter().flatten().map(|death| app.now.steady_of(death.ended_ms));
    ended.filter_map(|at_ms| chart.bar_at(at_ms)).collect()
}

/// How old a sample may be to stand for the bars after it, milliseconds.
pub(super) fn gap_ms(app: &App, sheet: &Sheet) -> i64 {
    let daemon = app.daemon(sheet.daemon);
    charts::gap_ms(daemon.map_or(1_000, Daemon::sample_interval_ms))
}
