//! The open details of one process: what is shown of it, and what was read for it.
//!
//! Invariant: it is about a [`Target`]; what was read for it is dropped with it, and so is what was
//! revealed of its environment.

mod folds;
pub mod lists;
mod prompt;
pub mod rows;

use std::collections::BTreeSet;

pub(super) use self::folds::Folds;
pub use self::lists::History;
pub(super) use self::prompt::Search;
pub use self::prompt::{Asked, Prompt, Ready};
use super::geometry::{Area, TITLE};
use crate::model::charts::spans::Span;
use crate::model::details::{Details, Section};
use crate::model::exam::Exam;
use crate::model::fleet::Process;
use crate::model::moment::Moment;
use crate::model::state_word::told_now;
use crate::model::watched::Watched;
use crate::model::{DaemonId, ProcessKey, Target, details};
use crate::protocol::process::ProcessInfo;

/// A tab of the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// All facts.
    #[default]
    Overview,
    /// CPU and memory over time.
    Charts,
    /// What the app reports of itself.
    Metrics,
    /// What can be triggered in the app.
    Actions,
    /// Its environment.
    Environment,
    /// What the daemon says, as JSON.
    Raw,
}

impl Tab {
    /// All, in order.
    pub const ALL: [Self; 6] =
        [Self::Overview, Self::Charts, Self::Metrics, Self::Actions, Self::Environment, Self::Raw];

    /// What it is called.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Charts => "Charts",
            Self::Metrics => "Metrics",
            Self::Actions => "Actions",
            Self::Environment => "Environment",
            Self::Raw => "Raw",
        }
    }

    /// Its place in [`Tab::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0)
    }

    /// The one so many places to the right, round the end.
    pub(super) fn moved(self, by: usize) -> Self {
        Self::ALL.get((self.index() + by) % Self::ALL.len()).copied().unwrap_or_default()
    }

    /// Whether one of its rows is chosen, rather than all of them scrolled.
    #[must_use]
    pub fn chooses(self) -> bool {
        matches!(self, Self::Metrics | Self::Actions | Self::Environment | Self::Raw)
    }
}

/// The open details of a process.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Of which daemon.
    pub daemon: DaemonId,
    /// Of which process, as it was when they were opened.
    pub target: Target,
    /// Which tab is in front.
    pub tab: Tab,
    /// How far back the charts reach.
    pub span: Span,
    /// Of each tab: the first row shown, or the one chosen.
    pub(super) places: [usize; 6],
    /// What the table knows of it, until what is read for it came.
    pub known: Vec<Section>,
    /// What was read for it; `None` until that came.
    pub examined: Option<Box<Examined>>,
    /// The variables whose values are shown.
    pub revealed: BTreeSet<Box<str>>,
    /// The metric whose chart is shown.
    pub charted: Option<Box<str>>,
    /// What is asked for.
    pub prompt: Option<Prompt>,
    /// What is searched for in the environment or in the raw JSON.
    pub search: Option<Search>,
    /// The tab from which the search led to the raw JSON: leaving the search leads back.
    pub(super) came_from: Option<Tab>,
    /// The action that was triggered last, in each process, and what came of it.
    pub asked: Vec<Asked>,
}

/// What was read of a process, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// What was read.
    pub exam: Exam,
    /// What it says.
    pub details: Details,
    /// The raw JSON, masked, a line each.
    pub raw: Vec<String>,
    /// What of it is folded.
    pub folds: Folds,
    /// The values of each metric since the details were opened.
    pub history: History,
}

impl Sheet {
    /// Details of this process, of which nothing was read yet.
    #[must_use]
    pub fn new(daemon: DaemonId, target: Target) -> Self {
        Self {
            daemon,
            target,
            tab: Tab::default(),
            span: Span::default(),
            places: [0; 6],
            known: Vec::new(),
            examined: None,
            revealed: BTreeSet::new(),
            charted: None,
            prompt: None,
            search: None,
            came_from: None,
            asked: Vec::new(),
        }
    }

    /// The same with what the table knows of it, which is shown until the rest was read.
    #[must_use]
    pub(super) fn knowing(self, watched: &Watched, utc_offset_s: i32, now: Moment) -> Self {
        let Some(process) = watched.fleet.get(self.key()) else { return self };
        let daemon = watched.daemon(self.daemon);
        let seen = details::Seen {
            now_ms: now.wall_ms,
            up_ms: process.uptime_ms(now.steady_ms),
            utc_offset_s,
            black_box: watched.boxes.get(self.key()),
            is_looping: process.is_looping,
            saved: daemon.and_then(|daemon| daemon.saved.as_ref()?.standing(process.info.pm_id)),
            size_of: &|_| None,
            growth_of: &|_| None,
            clock: None,
        };
        let info = as_shown(process);
        let raw = details::known(&info);
        Self { known: Details::of(&info, &raw, &seen).sections, ..self }
    }

    /// The process's key.
    #[must_use]
    pub fn key(&self) -> ProcessKey {
        self.target.key(self.daemon)
    }

    /// Of the tab in front: the first row shown, or the one chosen.
    #[must_use]
    pub fn place(&self) -> usize {
        self.places.get(self.tab.index()).copied().unwrap_or(0)
    }

    pub(super) fn set_place(&mut self, to: usize) {
        if let Some(place) = self.places.get_mut(self.tab.index()) {
            *place = to;
        }
    }

    /// Takes in what was read; whether the tab in front shows anything else than before.
    pub(super) fn examine(
        &mut self,
        exam: Exam,
        watched: &Watched,
        utc_offset_s: i32,
        now: Moment,
    ) -> bool {
        let details = self.derive(&exam, watched, utc_offset_s, now);
        let raw = rows::raw(&details.raw);
        let Some(before) = &mut self.examined else {
            let mut history = History::default();
            history.take(&details.metrics, now.steady_ms);
            let folds = Folds::default();
            self.examined = Some(Box::new(Examined { exam, details, raw, folds, history }));
            return true;
        };
        before.history.take(&details.metrics, now.steady_ms);
        let was = std::mem::replace(&mut before.details, details);
        let is = &before.details;
        let old_raw = std::mem::replace(&mut before.raw, raw);
        let is_same_family = before.exam.family == exam.family;
        before.exam = exam;
        match self.tab {
            Tab::Overview => was.sections != is.sections || !is_same_family,
            // Its bars tell.
            Tab::Charts => false,
            Tab::Metrics => was.metrics != is.metrics || self.charted.is_some(),
            Tab::Actions => was.actions != is.actions,
            Tab::Environment => was.environment != is.environment,
            Tab::Raw => old_raw != before.raw,
        }
    }
}

impl Sheet {
    /// What is known now, of what was read and what was told since.
    fn derive(&self, exam: &Exam, watched: &Watched, utc_offset_s: i32, now: Moment) -> Details {
        let daemon = watched.daemon(self.daemon);
        let process = watched.fleet.get(self.key()).filter(|it| self.target.is(&it.info));
        let seen = details::Seen {
            now_ms: now.wall_ms,
            up_ms: process.and_then(|process| process.uptime_ms(now.steady_ms)),
            utc_offset_s,
            black_box: watched.boxes.get(self.key()),
            is_looping: process.is_some_and(|process| process.is_looping),
            saved: daemon.and_then(|daemon| daemon.saved.as_ref()?.standing(exam.info.pm_id)),
            size_of: &|path| exam.size_of(path),
            growth_of: &|path| daemon?.disk.file(path)?.per_minute(),
            clock: exam.zone.as_ref().zip(daemon.and_then(|daemon| daemon.version.as_deref())),
        };
        let info = process.map_or_else(|| exam.info.clone(), as_shown);
        let mut details = Details::of(&info, &exam.raw.0, &seen);
        // The app's own before those that each app has.
        details.metrics.sort_by_key(|metric| metric.is_internal);
        details.actions.sort_by_key(|action| action.is_internal);
        details
    }

    /// Says of the process what was told since it was read: so the title and what is below it say the
    /// same. Whether the tab in front shows anything else than before.
    pub(super) fn renew(&mut self, watched: &Watched, utc_offset_s: i32, now: Moment) -> bool {
        let Some(examined) = &self.examined else { return false };
        let details = self.derive(&examined.exam, watched, utc_offset_s, now);
        let Some(examined) = &mut self.examined else { return false };
        let has_changed = examined.details.sections != details.sections;
        examined.details.sections = details.sections;
        has_changed && self.tab == Tab::Overview
    }
}

/// Where the content of a tab is on a screen of that size: below header, title and tabs.
#[must_use]
pub fn content(size: (u16, u16)) -> Area {
    let (columns, rows) = size;
    let area = Area { x: 0, y: 1, columns, rows: rows.saturating_sub(2) };
    let area = area.below(TITLE + tab_rows(rows));
    Area { x: 1, columns: columns.saturating_sub(2), ..area }
}

/// Rows that the line of tabs takes: with a stroke where there is room.
#[must_use]
pub fn tab_rows(rows: u16) -> u16 {
    if rows < 16 { 1 } else { 2 }
}

/// What is known of a process now, with CPU and memory as its row says them.
fn as_shown(process: &Process) -> ProcessInfo {
    let info = told_now(process);
    let cpu = process.figures.cpu_percent().map(|percent| percent as f32);
    let memory = process.figures.memory_bytes();
    ProcessInfo {
        cpu_percent: cpu.or(info.cpu_percent),
        memory_bytes: memory.or(info.memory_bytes),
        ..info
    }
}
