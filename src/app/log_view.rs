//! The log: the store of its lines, which of them are shown, and which of these are searched for.
//!
//! Invariant: pure. What is shown is computed in slices (`LogView::step`), never for a key; until it
//! is done, what was looked at so far is shown. The names of lines are the store's, so that a reader's
//! place survives every change of the view.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::editor::Editor;
use super::log_end::LifeEnd;
use super::log_filed::Filed;
use super::log_formats::Formats;
use super::log_line::{ROW_BYTES, Shown, WHOLE_BYTES};
pub use super::log_lines::Lines;
use super::log_names::Names;
use super::log_shape::Shape;
use super::log_traces::KnownTraces;
use crate::logs::parse::traces;
use crate::logs::{
    Bounds, Direction, Filter, Found, Goal, Kind, LineId, LineRef, Owner, Pattern, Place, Problem,
    Query, Reach, STEP_BYTES, Saving, Scope, SourceId, Store, Stream, View,
};
use crate::model::DaemonId;
use crate::model::log::{LogLine, LogSource};
use crate::protocol::text::StyledText;

/// The most recent searches that are remembered.
const RECENT_MAX: usize = 50;

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The pattern.
    pub pattern: Pattern,
    /// Why it is taken as it stands, where it is no regular expression.
    pub problem: Option<Problem>,
}

impl Search {
    /// Out of what was typed; `None` where that is nothing, or too long.
    #[must_use]
    pub fn of(typed: &str) -> Option<Self> {
        if typed.is_empty() {
            return None;
        }
        let (pattern, problem) = Pattern::search(typed).ok()?;
        Some(Self { pattern, problem })
    }
}

/// Which lines stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFilter {
    /// What is looked for.
    pub search: Search,
    /// Whether lines without it stay, instead of those with it.
    pub is_inverted: bool,
}

impl LineFilter {
    /// Out of what was typed: a leading `!` inverts it. `None` where nothing is looked for.
    #[must_use]
    pub fn of(typed: &str) -> Option<Self> {
        let (typed, is_inverted) =
            typed.strip_prefix('!').map_or((typed, false), |rest| (rest, true));
        Some(Self { search: Search::of(typed)?, is_inverted })
    }
}

/// What is typed for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// What to search for.
    Search,
    /// Which lines stay.
    Filter,
    /// Which time to go to.
    Time,
    /// Which file to save to.
    Save {
        /// Whether all lines that are held, whatever is shown.
        is_all: bool,
    },
}

/// A search or a filter while it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogInput {
    /// Which of them.
    pub asked: Asked,
    /// What is typed.
    pub input: Editor,
    /// The search before, which comes back if this one is given up.
    pub(super) search: Option<Search>,
    /// Where the log stood: its first line and the marked one.
    pub(super) place: (Option<LineId>, Option<LineId>),
    /// Which of the recent searches stands in the line, 0 for the latest; `None` for what is typed.
    pub(super) recent: Option<usize>,
}

/// A line that is to be gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// From where.
    pub(super) from: LineId,
    pub(super) way: Direction,
    pub(super) goal: Goal,
    /// Whether the line itself will do, and one on the other side too.
    pub(super) is_nearest: bool,
}

/// What is known of older lines in the files of a daemon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Older {
    pub(super) has_more: bool,
    /// They were asked for: of all processes, or of some.
    pub(super) asked: Option<bool>,
}

/// The log.
#[derive(Debug, Default)]
pub struct LogView {
    pub(super) store: Store,
    pub(super) view: View,
    /// How lines look.
    pub shape: Shape,
    filters: Vec<LineFilter>,
    /// The filter that is being typed.
    draft: Option<LineFilter>,
    search: Option<Search>,
    /// What was searched for, the latest first.
    recent: VecDeque<String>,
    /// Where to go as soon as the lines in between were looked at.
    pub(super) wanted: Option<Wanted>,
    /// Whether all lines were looked at.
    is_done: bool,
    /// Whether some of them are being read from files.
    is_waiting: bool,
    /// How many lines were lost before they came here, of which source; `None` of what is none of them.
    lost: HashMap<Option<SourceId>, u64>,
    /// The last ruler of each source that has one, and how many lines it tells of.
    pub(super) rulers: HashMap<SourceId, (LineId, u64)>,
    pub(super) older: HashMap<DaemonId, Older>,
    /// Of which sources the log files have older lines.
    pub(super) in_files: HashSet<SourceId>,
    /// What happened before the lines that are held, oldest first.
    pub(super) early: Vec<LogLine>,
    /// What is remembered of stack traces.
    pub(super) told: KnownTraces,
    /// What is being saved.
    pub(super) saving: Option<Saving>,
    /// The marked lines.
    pub(super) marks: BTreeSet<LineId>,
    /// The source of the last line: the next is mostly of the same.
    pub(super) last: Option<(LogSource, Stream, SourceId)>,
    pub(super) formats: Formats,
    pub(super) names: Names,
    pub(super) filed: Filed,
    /// How far back the log files are to be read.
    pub(super) reach: Option<Reach>,
    /// What they are being read for.
    pub(super) reaching: Option<Reach>,
    /// What is read for it comes before this line.
    pub(super) reached: Option<LineId>,
    /// The end of a life that they are being read for.
    pub(super) end: Option<LifeEnd>,
    /// Whose older lines were taken, and there are more to come.
    pub(super) taken: Vec<DaemonId>,
}

impl LogView {
    /// An empty log that holds so much.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { store: Store::new(bounds), is_done: true, ..Self::default() }
    }

    /// Whose lines are shown.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.view.query().scope
    }

    /// The filters that are kept, the latest last.
    pub fn filters(&self) -> impl Iterator<Item = &LineFilter> {
        self.filters.iter()
    }

    /// The filter that is being typed, which is in force too.
    #[must_use]
    pub fn draft(&self) -> Option<&LineFilter> {
        self.draft.as_ref()
    }

    /// Whether a filter can be dropped.
    #[must_use]
    pub fn has_filter(&self) -> bool {
        !self.filters.is_empty()
    }

    /// What is searched for.
    #[must_use]
    pub fn search(&self) -> Option<&Search> {
        self.search.as_ref()
    }

    /// In how many of the lines shown the search is, so far.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.view.progress(&self.store).hits
    }

    /// Which of the lines found this one is, from 0, if it is one.
    #[must_use]
    pub fn found_place(&self, line: LineId) -> Option<u64> {
        let is_found = self.view.is_match(&self.store, line);
        is_found.then(|| self.view.matches_before(&self.store, line))
    }

    /// Whether all lines were looked at.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether a step would look at lines that are there.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.is_done && !self.is_waiting
    }

    /// Lines of what is shown that were lost on the way here; what fell out by age is not lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let query = self.view.query();
        let sources = self.store.sources().filter(|(_, key, _)| {
            let is_of_any = key.stream == Stream::Losses;
            is_of_any || query.scope.has(&key.owner) && query.streams.has(key.stream)
        });
        let sources = sources.map(|(source, ..)| Some(source)).chain([None]);
        sources.filter_map(|source| self.lost.get(&source)).sum()
    }

    /// Lines that fell out by age.
    #[must_use]
    pub fn gone(&self) -> u64 {
        self.store.sources().map(|(_, _, tally)| tally.gone).sum()
    }

    /// The time of the oldest line that is shown, milliseconds since 1970.
    #[must_use]
    pub fn shown_since(&self) -> Option<i64> {
        self.time_of(self.lines().at(0)?)
    }

    /// Whether what is searched for may be in lines that were not looked at yet.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        !self.is_done || matches!(self.reaching, Some(Reach::Match(_)))
    }

    /// Whether the log files have lines of that time that are not held, of what is shown. Events of the
    /// daemon's log are older than the lines that are held: they say nothing of that.
    pub(super) fn is_missing_at(&self, at_ms: i64) -> bool {
        self.firsts().any(|first| first.is_none_or(|first| first.order_ms > at_ms))
    }

    /// Behind which line older lines from the log files come at the latest.
    pub(super) fn last_first(&self) -> Option<LineId> {
        self.firsts().flatten().max()
    }

    /// The first lines that are held of what the log files have older lines of.
    fn firsts(&self) -> impl Iterator<Item = Option<LineId>> {
        let shown = self.in_files.iter().filter(|source| {
            self.store.source_key(**source).is_some_and(|key| self.scope().has(&key.owner))
        });
        shown.map(|source| self.store.first_of(*source).map(|first| first.id))
    }

    /// The lines shown.
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines { store: &self.store, view: &self.view, files: &self.filed.seen }
    }

    /// A line as it is looked at, all of it.
    #[must_use]
    pub fn whole(&self, id: LineId) -> Option<Shown> {
        Shown::of(&self.store, &self.filed.seen, &self.store.line(id)?, WHOLE_BYTES)
    }

    /// When a line was written, milliseconds since 1970.
    #[must_use]
    pub fn time_of(&self, id: LineId) -> Option<i64> {
        Some(self.store.line(id)?.time.at_ms)
    }

    /// Whose line it is, and of which stream.
    #[must_use]
    pub fn source_of(&self, id: LineId) -> Option<(&Owner, Stream)> {
        let key = self.store.source_key(self.store.line(id)?.source)?;
        Some((&key.owner, key.stream))
    }

    /// Whose line it is.
    #[must_use]
    pub fn owner(&self, id: LineId) -> Option<&Owner> {
        self.source_of(id).map(|(owner, _)| owner)
    }

    /// What happened on a daemon, as far as it is known, oldest first.
    #[must_use]
    pub fn events(&self, daemon: DaemonId) -> Vec<LogLine> {
        let is_event = |line: &LineRef<'_>| match line.kind {
            Kind::Output | Kind::More => self.told.is_joined(line.id),
            kind => kind != Kind::Message,
        };
        let lines = self.store.iter().filter(is_event);
        let shown = lines.filter_map(|line| match line.kind {
            Kind::Output | Kind::More => self.thrown(&line),
            _ => Shown::of(&self.store, &self.filed.seen, &line, WHOLE_BYTES),
        });
        let early = self.early.iter().filter(|line| line.source.daemon == daemon).cloned();
        early
            .chain(shown.filter(|line| line.source.daemon == daemon).map(Shown::into_line))
            .collect()
    }

    /// A printed trace that PM2 told of too, as what it told.
    fn thrown(&self, head: &LineRef<'_>) -> Option<Shown> {
        let first = Shown::of(&self.store, &self.filed.seen, head, WHOLE_BYTES)?;
        let rest = self.store.rest_of(head.id, false);
        let rest =
            rest.filter_map(|line| Shown::of(&self.store, &self.filed.seen, &line, ROW_BYTES));
        let lines = std::iter::once(first.text.text.clone()).chain(rest.map(|line| line.text.text));
        let whole: Box<[Box<str>]> = lines.collect();
        let traces = traces(whole.iter().map(|line| line.as_bytes()));
        let title = traces.first().and_then(|trace| whole.get(trace.title)).cloned();
        let text = StyledText { text: title.unwrap_or_default(), runs: Box::default() };
        Some(Shown { kind: Kind::Exception, text, whole, ..first })
    }

    pub(super) fn set_scope(&mut self, scope: Scope) {
        let query = Query { scope, ..self.view.query().clone() };
        self.ask(query);
    }

    pub(super) fn set_search(&mut self, search: Option<Search>) {
        self.view.set_search(search.as_ref().map(|search| search.pattern.clone()));
        self.search = search;
        self.wanted = None;
    }

    /// Remembers what was searched for.
    pub(super) fn remember(&mut self, typed: String) {
        self.recent.retain(|other| *other != typed);
        self.recent.push_front(typed);
        self.recent.truncate(RECENT_MAX);
    }

    /// What was searched for so many searches before, 0 for the latest.
    pub(super) fn recent(&self, index: usize) -> Option<&str> {
        self.recent.get(index).map(String::as_str)
    }

    pub(super) fn set_draft(&mut self, draft: Option<LineFilter>) {
        self.draft = draft;
        self.ask_filters();
    }

    /// The filter that was typed stays.
    pub(super) fn keep_draft(&mut self) {
        self.filters.extend(self.draft.take());
    }

    /// Drops the last filter.
    pub(super) fn drop_filter(&mut self) {
        self.filters.pop();
        self.ask_filters();
    }

    fn ask_filters(&mut self) {
        let filter = |filter: &LineFilter| Filter {
            pattern: filter.search.pattern.clone(),
            is_inverted: filter.is_inverted,
            is_on: true,
        };
        let filters = self.filters.iter().chain(&self.draft).map(filter).collect();
        let query = Query { filters, ..self.view.query().clone() };
        self.ask(query);
    }

    pub(super) fn ask(&mut self, query: Query) {
        self.view.set_query(query);
        self.wanted = None;
    }

    /// Looks at a slice of the lines that were not looked at yet; those near this line first, else the
    /// newest.
    pub(super) fn step(&mut self, near: Option<LineId>) {
        self.view.place = near.map_or(Place::Following, |top| Place::Reading { top, newest: top });
        let progress = self.view.step(&self.store, &self.filed.searched, STEP_BYTES);
        (self.is_done, self.is_waiting) = (progress.is_done, progress.is_waiting);
        if self.is_done {
            self.filed.searched.shrink_to(0);
        }
    }

    /// Wants to go somewhere.
    pub(super) fn want(&mut self, wanted: Wanted) {
        self.wanted = Some(wanted);
    }

    /// Where that is, once it is known: then it is not wanted any more.
    pub(super) fn arrive(&mut self) -> Option<(Wanted, Option<LineId>)> {
        let wanted = self.wanted?;
        let seek = |way| self.view.seek(&self.store, wanted.from, way, wanted.goal);
        let is_there = wanted.is_nearest && self.view.is_match(&self.store, wanted.from);
        let mut found = if is_there { Found::At(wanted.from) } else { seek(wanted.way) };
        if found == Found::Nothing && wanted.is_nearest {
            found = seek(Direction::Back);
        }
        let found = match found {
            Found::Pending => return None,
            Found::At(line) => Some(line),
            Found::Nothing => None,
        };
        self.wanted = None;
        Some((wanted, found))
    }

    /// Whether a match of the search is known on that side of a line.
    pub(super) fn has_match(&self, from: LineId, way: Direction) -> bool {
        matches!(self.view.seek(&self.store, from, way, Goal::Match), Found::At(_))
    }

    /// Counts lines that were lost on the way here.
    pub(crate) fn count_lost(&mut self, source: Option<SourceId>, lines: u64) {
        *self.lost.entry(source).or_default() += lines;
    }
}

/// Whose lines a scope means, as the title says it: `all`, `app api`, `api[0]`.
#[must_use]
pub fn words(scope: &Scope) -> String {
    match scope {
        Scope::All => "all".to_owned(),
        Scope::Namespace(_, namespace) => format!("namespace {namespace}"),
        Scope::App(_, _, name) => format!("app {name}"),
        Scope::Process(Owner::Process { name, pm_id: Some(pm_id), .. }) => {
            format!("{name}[{pm_id}]")
        }
        Scope::Process(Owner::Process { name, pm_id: None, .. }) => name.to_string(),
        Scope::Process(Owner::Pm2(_)) => "PM2".to_owned(),
        Scope::Marked(marked) => format!("{} marked", marked.len()),
    }
}
