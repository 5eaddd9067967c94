//! The details of one process: what is open, and what it does with a command.
//!
//! Invariant: it is about a [`Target`]: another process under that id closes it. What was read for it
//! is dropped with it, and so is what was revealed of its environment.

pub mod charts;
pub mod keys;
pub mod lists;
mod prompt;
pub mod rows;
mod take;

use std::collections::BTreeSet;

pub use self::lists::History;
pub use self::prompt::Prompt;
use self::prompt::Search;
pub use self::prompt::{Asked, Ready};
pub(super) use self::take::take;
use super::Mode;
use super::effect::{Effect, Effects};
use super::geometry::{Area, TITLE};
use super::state::App;
use crate::model::charts::spans::Span;
use crate::model::details::Details;
use crate::model::exam::Exam;
use crate::model::moment::Moment;
use crate::model::trigger::Reply;
use crate::model::watched::Watched;
use crate::model::{DaemonId, ProcessKey, Target, details};
use crate::protocol::text::clean_to;

/// How much of a reply the footer says.
const NOTICE_CHARS_MAX: usize = 200;
/// How much of the name of an action.
const NAME_CHARS_MAX: usize = 60;

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
    fn moved(self, by: usize) -> Self {
        Self::ALL.get((self.index() + by) % Self::ALL.len()).copied().unwrap_or_default()
    }

    /// Whether one of its rows is chosen, rather than all of them scrolled.
    #[must_use]
    pub fn chooses(self) -> bool {
        matches!(self, Self::Metrics | Self::Actions | Self::Environment)
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
    places: [usize; 6],
    /// What was read for it; `None` until that came.
    pub examined: Option<Box<Examined>>,
    /// The variables whose values are shown.
    pub revealed: BTreeSet<Box<str>>,
    /// The metric whose chart is shown.
    pub charted: Option<Box<str>>,
    /// What is asked for.
    pub prompt: Option<Prompt>,
    /// What is searched for in the raw JSON.
    pub search: Option<Search>,
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
            examined: None,
            revealed: BTreeSet::new(),
            charted: None,
            prompt: None,
            search: None,
            asked: Vec::new(),
        }
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

    fn set_place(&mut self, to: usize) {
        if let Some(place) = self.places.get_mut(self.tab.index()) {
            *place = to;
        }
    }

    /// Takes in what was read; whether the tab in front shows anything else than before.
    fn examine(&mut self, exam: Exam, watched: &Watched, utc_offset_s: i32, now: Moment) -> bool {
        let seen = details::Seen {
            now_ms: now.wall_ms,
            utc_offset_s,
            black_box: watched.boxes.get(self.key()),
            size_of: &|path| exam.size_of(path),
        };
        let mut details = Details::of(&exam.info, &exam.raw.0, &seen);
        // The app's own before those that each app has.
        details.metrics.sort_by_key(|metric| metric.is_internal);
        details.actions.sort_by_key(|action| action.is_internal);
        let raw = rows::raw(&details.raw);
        let Some(before) = &mut self.examined else {
            let mut history = History::default();
            history.take(&details.metrics, now.steady_ms);
            self.examined = Some(Box::new(Examined { exam, details, raw, history }));
            return true;
        };
        before.history.take(&details.metrics, now.steady_ms);
        let was = std::mem::replace(&mut before.details, details);
        let is = &before.details;
        let old_raw = std::mem::replace(&mut before.raw, raw);
        before.exam = exam;
        match self.tab {
            Tab::Overview => was.sections != is.sections,
            // Its bars tell.
            Tab::Charts => false,
            Tab::Metrics => was.metrics != is.metrics || self.charted.is_some(),
            Tab::Actions => was.actions != is.actions,
            Tab::Environment => was.environment != is.environment,
            Tab::Raw => old_raw != before.raw,
        }
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

impl App {
    /// The open details, if they are open.
    #[must_use]
    pub fn sheet(&self) -> Option<&Sheet> {
        let open = self.below.iter().chain(std::iter::once(&self.mode));
        open.rev().find_map(|mode| match mode {
            Mode::Details(sheet) => Some(&**sheet),
            _ => None,
        })
    }

    /// Closes what covers the details, or all where they are not open.
    pub(super) fn close_to_details(&mut self) {
        while !matches!(self.mode, Mode::Details(_) | Mode::Normal) {
            self.close();
        }
    }
}

/// Opens the details of the selected process.
pub(super) fn open(app: &mut App) {
    match app.selected_target() {
        Some((daemon, target)) => app.open(Mode::Details(Box::new(Sheet::new(daemon, target)))),
        None => app.say(super::Notice::no_selection(app.now.steady_ms)),
    }
}

/// Has the engine read what is open, and nothing else.
pub(super) fn sync(app: &mut App, effects: &mut Effects) {
    let open = app.sheet().map(Sheet::key);
    if open == app.examined {
        return;
    }
    let of = |key: ProcessKey, pm_id| Effect::Examine { daemon: key.daemon, pm_id };
    effects.0.extend(app.examined.map(|key| of(key, None)));
    effects.0.extend(open.map(|key| of(key, Some(key.pm_id))));
    app.examined = open;
}

/// A process replied to an action, or did not: shown where it was asked, else in the footer.
pub(super) fn replied(
    app: &mut App,
    daemon: DaemonId,
    action: &str,
    target: &Target,
    reply: Reply,
) {
    let open = app.below.iter_mut().chain(std::iter::once(&mut app.mode)).rev();
    let mut sheets = open.filter_map(|mode| match mode {
        Mode::Details(sheet) if sheet.daemon == daemon => Some(sheet),
        _ => None,
    });
    let asked = sheets.next().and_then(|sheet| {
        let mut asked = sheet.asked.iter_mut();
        asked.find(|it| it.reply.is_none() && *it.action == *action && it.target == *target)
    });
    if let Some(asked) = asked {
        asked.reply = Some(reply);
        app.is_dirty = true;
        return;
    }
    let (label, action) = (app.placed(daemon, &target.label()), clean_to(action, NAME_CHARS_MAX));
    let text = format!("{action} of {label}: {}", clean_to(&reply.words(), NOTICE_CHARS_MAX));
    app.notify(text, !reply.is_success());
}

/// All of a process was read.
pub(super) fn examined(app: &mut App, daemon: DaemonId, exam: Exam) {
    let (now, utc_offset_s) = (app.now, app.utc_offset_s);
    let is_it = |sheet: &Sheet| sheet.daemon == daemon && sheet.target.is(&exam.info);
    if !app.sheet().is_some_and(is_it) {
        return;
    }
    let open = app.below.iter_mut().chain(std::iter::once(&mut app.mode)).rev();
    let mut sheets = open.filter_map(|mode| match mode {
        Mode::Details(sheet) => Some(sheet),
        _ => None,
    });
    if let Some(sheet) = sheets.next() {
        app.is_dirty |= sheet.examine(exam, &app.watched, utc_offset_s, now);
    }
}
