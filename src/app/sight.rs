//! What is in sight: whether a report changed anything that a frame would show.
//!
//! Invariant: what is out of sight, or moves by less than the last digit shown, makes no frame.

use super::geometry::{self, Charts, Pane};
use super::log_sight::Sight;
use super::state::{App, InSight, LogInSight, RowsInSight};
use super::{details, log_line, log_sight, navigate};
use crate::logs::{Owner, Scope, Stream};
use crate::model::charts::{self, Measure};
use crate::model::daemon::Daemon;
use crate::model::process::{Process, Shown};
use crate::model::rows::columns::{DEFAULT, Row, WIDE};
use crate::model::rows::reason;
use crate::model::totals::Totals;
use crate::model::{ProcessKey, units};
use crate::protocol::process::ProcessInfo;

/// Up to so many new lines are counted to the last one.
const EXACT_MAX: usize = 9_999;

/// Columns of a row's chart of CPU.
pub const MINI_COLUMNS: u16 = 8;
/// The same where a terminal has this many columns or more: at most.
pub const MINI_COLUMNS_WIDE: u16 = 32;
/// From so many columns on, a terminal is wide.
pub const WIDE_FROM: u16 = 140;

impl App {
    /// Notes that a frame shows the app as it is now.
    pub fn mark_drawn(&mut self) {
        self.is_dirty = false;
        self.drawn = InSight { rows: rows(self), log: log(self) };
    }

    /// Keeps the log where the last frame showed it, for one frame: on a slow link the lines that
    /// came since would make a key wait.
    pub fn keep_log(&mut self) {
        if self.focus == Pane::Processes && self.log_top.is_none() && self.drawn.log.lines > 0 {
            [self.log_kept, _] = self.drawn.log.ends;
        }
    }

    /// Ends what [`App::keep_log`] began; what was left out makes a frame of its own.
    pub fn release_log(&mut self) {
        if self.log_kept.take().is_some() && log(self) != self.drawn.log {
            self.is_dirty = true;
        }
    }
}

/// What is in sight of processes.
pub(super) fn rows(app: &App) -> RowsInSight {
    let fleet = &app.watched.fleet;
    // Of what stands in a group, its line says sums; the cells of a thousand would cost a frame.
    let own = navigate::own_rows_in_sight(app);
    let in_sight = || own.iter().filter_map(|key| Some((*key, fleet.get(*key)?)));
    let gap_ms =
        |daemon| charts::gap_ms(app.daemon(daemon).map_or(1_000, Daemon::sample_interval_ms));
    let steady_ms = app.now.steady_ms;
    let mini = if app.size.0 < WIDE_FROM { MINI_COLUMNS } else { MINI_COLUMNS_WIDE };
    let mut bars: Vec<_> = in_sight()
        .map(|(key, process)| {
            charts::mini(process, Measure::Cpu, steady_ms, gap_ms(key.daemon), mini)
        })
        .collect();
    let selected = app.selected.and_then(|key| Some((key, fleet.get(key)?)));
    let charts = navigate::geometry(app).map_or(Charts::None, |parts| parts.charts);
    if let Some((key, process)) = selected {
        let gap_ms = gap_ms(key.daemon);
        match charts {
            Charts::None => {}
            Charts::Line(line) => {
                let count = geometry::line_bars(line.columns);
                bars.extend(
                    [Measure::Cpu, Measure::Memory]
                        .map(|measure| charts::mini(process, measure, steady_ms, gap_ms, count)),
                );
            }
            panels @ Charts::Panels { .. } => {
                bars.extend(of_panels(process, panels, (steady_ms, gap_ms)));
            }
        }
    }
    if let Some(sheet) = app.sheet()
        && let Some(process) = fleet.get(sheet.key())
    {
        let panels = details::charts::below_overview(sheet, app.size);
        bars.extend(of_panels(process, panels, (steady_ms, gap_ms(sheet.daemon))));
    }
    if let Some(sheet) = app.sheet().filter(|sheet| sheet.tab == details::Tab::Charts) {
        bars.extend(
            details::charts::of(app, sheet, app.size)
                .into_iter()
                .map(|(_, placed)| placed.chart.bars),
        );
    }
    let totals = Totals::of(&app.watched);
    let sums = [totals.cpu_percent.map(units::percent), totals.memory_bytes.map(units::bytes)];
    let rows = navigate::rows_in_sight(app).into_iter();
    let rows = rows.filter_map(|key| Some((key, Shown::of(fleet.get(key)?))));
    let selected = selected.map(|(key, process)| (key, Shown::of(process)));
    RowsInSight {
        rows: rows.chain(selected).collect(),
        cells: in_sight().flat_map(|(_, process)| cells(app, process)).collect(),
        reasons: in_sight().map(|(key, _)| reason(&app.watched, key)).collect(),
        charts: bars,
        counts: totals.counts,
        unwell: totals.unwell,
        sums,
    }
}

/// The bars of two panes.
fn of_panels(
    process: &Process,
    panels: Charts,
    (steady_ms, gap_ms): (i64, i64),
) -> Vec<charts::Bars> {
    let Charts::Panels { cpu, memory } = panels else { return Vec::new() };
    let bars = |(measure, panel): (Measure, geometry::Area)| {
        let inside = geometry::panel_bars(panel);
        let size = (inside.columns, inside.rows);
        charts::panel(process, measure, steady_ms, gap_ms, size).bars
    };
    [(Measure::Cpu, cpu), (Measure::Memory, memory)].into_iter().map(bars).collect()
}

/// What columns say of a process besides those that stand by themselves.
fn cells(app: &App, process: &Process) -> Vec<Option<String>> {
    let wide = (app.size.0 >= WIDE_FROM && app.table.columns().is_none()).then_some(WIDE);
    let wide = wide.into_iter().flatten();
    let chosen = app.table.fields().iter().copied().filter(|field| !DEFAULT.contains(field));
    let row = Row { process, daemon: "", now: app.now };
    chosen.chain(wide).map(|field| field.cell(&row)).collect()
}

/// What is in sight of the log.
pub(super) fn log(app: &App) -> LogInSight {
    let Some(rows) = navigate::geometry(app).map(|parts| usize::from(parts.log_rows)) else {
        return LogInSight::default();
    };
    if rows == 0 && app.focus == Pane::Processes {
        return LogInSight::default();
    }
    let lines = app.lines();
    let Sight { top, count, .. } = log_sight::sight(app, rows);
    LogInSight {
        ends: [lines.at(top), lines.at((top + count).saturating_sub(1))],
        lines: count,
        title: app.log_title().into_iter().chain([app.log_files()]).collect(),
        found: app.log_view.found(),
    }
}

impl App {
    /// What the log's title says of the lines that are not in sight: how many are below, since when
    /// output is kept, and how many lines of it fell out before that.
    #[must_use]
    pub fn log_title(&self) -> [Option<String>; 3] {
        let log = &self.log_view;
        let lines = self.lines();
        let new = self.log_left.map_or(0, |left| {
            let place = lines.place_of(left);
            lines.len().saturating_sub(place + usize::from(lines.at(place) == Some(left)))
        });
        let below = self.log_top.map(|_| match new {
            0 => "reading".to_owned(),
            new if new <= EXACT_MAX => format!("{new} new below"),
            new => format!("{} new below", roughly(new as u64)),
        });
        let since = log.shown_since().map(|at_ms| {
            let at = units::clock(at_ms, self.utc_offset_s, units::Clock::Seconds);
            let day = |at_ms| units::day(at_ms, self.utc_offset_s);
            match day(at_ms) {
                // What is of another day says so.
                other if other != day(self.now.wall_ms) => format!("since {other} {at}"),
                _ => format!("since {at}"),
            }
        });
        let gone = log.gone();
        let gone = (gone > 0).then(|| format!("{} older gone", roughly(gone)));
        [below, since, gone]
    }

    /// How large the files are that the log is of, and how fast they grow: of one process or app, and
    /// PM2's own beside all.
    #[must_use]
    pub fn log_files(&self) -> Option<String> {
        let query = self.log_view.query();
        let console = |daemon: &Daemon| {
            let file = daemon.disk.console(&daemon.home)?;
            Some(format!("pm2.log {}", file.words()))
        };
        match &query.scope {
            Scope::Process(Owner::Pm2(id)) => console(self.daemon(*id)?),
            Scope::All => match &self.watched.daemons[..] {
                [only] if query.streams.has(Stream::Pm2) => console(only),
                _ => None,
            },
            scope @ (Scope::Process(Owner::Process { daemon, .. }) | Scope::App(daemon, ..)) => {
                let fleet = self.watched.fleet.iter().map(|(key, process)| (key, &process.info));
                let its = fleet.filter(|(key, info)| is_of(scope, *key, info));
                self.daemon(*daemon)?.disk.words_of(its.map(|(_, info)| info))
            }
            Scope::Namespace(..) | Scope::Marked(_) => None,
        }
    }
}

/// Whether a process's lines are in a scope that is one process or one app.
fn is_of(scope: &Scope, key: ProcessKey, info: &ProcessInfo) -> bool {
    let (at, namespace, name, id) = match scope {
        Scope::Process(Owner::Process { daemon, namespace, name, pm_id }) => {
            (daemon, namespace, name, *pm_id)
        }
        Scope::App(daemon, namespace, name) => (daemon, namespace, name, None),
        _ => return false,
    };
    *at == key.daemon
        && id.is_none_or(|id| id == key.pm_id)
        && **name == *info.name
        && *namespace == log_line::namespace(info.namespace.as_deref())
}

/// A count that seldom changes as it grows: `7`, `20+`, `5000+`.
fn roughly(count: u64) -> String {
    if count < 10 {
        return count.to_string();
    }
    let power = 10_u64.saturating_pow(count.ilog10());
    let steps = [5, 2, 1].map(|step| power.saturating_mul(step));
    let round = steps.into_iter().find(|round| *round <= count).unwrap_or(power);
    format!("{round}+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_round() {
        for (count, text) in [
            (0, "0"),
            (9, "9"),
            (10, "10+"),
            (19, "10+"),
            (20, "20+"),
            (99, "50+"),
            (1_234, "1000+"),
            (9_999, "5000+"),
            (1_000_000_007, "1000000000+"),
        ] {
            assert_eq!(roughly(count), text, "{count}");
        }
    }
}
