//! Which lines of the log are shown, and which of these are searched for.
//!
//! Invariant: pure, and in step with the log after `LogView::sync`: each line is looked at once, when
//! it comes or when what is asked for changes; what fell out of the log is nowhere here either. The
//! numbers of lines are the log's own, so that a reader's place survives every change of the view.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::editor::Editor;
use crate::logs::parse::{self, Clock, Context, Level, Sign};
use crate::logs::{Pattern, Problem};
use crate::model::log::{LineKind, LogLine, LogSource};
use crate::model::rings::Log;
use crate::model::{DaemonId, ProcessKey};

/// The most recent searches that are remembered.
const RECENT_MAX: usize = 50;

/// Whose lines are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// All, with those of the daemons themselves.
    #[default]
    All,
    /// Those of the processes of one name.
    App {
        /// Of which daemon.
        daemon: DaemonId,
        /// The name.
        name: Arc<str>,
    },
    /// Those of one process.
    Process {
        /// Which.
        key: ProcessKey,
        /// Its name: another process that gets its id is not meant.
        name: Arc<str>,
    },
}

impl Scope {
    fn takes(&self, source: &LogSource) -> bool {
        match self {
            Self::All => true,
            Self::App { daemon, name } => {
                source.pm_id.is_some() && source.daemon == *daemon && source.name == *name
            }
            Self::Process { key, name } => {
                source.pm_id == Some(key.pm_id)
                    && source.daemon == key.daemon
                    && source.name == *name
            }
        }
    }

    /// The process that it is of.
    pub(super) fn process(&self) -> Option<(ProcessKey, Arc<str>)> {
        match self {
            Self::Process { key, name } => Some((*key, name.clone())),
            Self::All | Self::App { .. } => None,
        }
    }

    /// As the title says it: `all`, `app api`, `api[0]`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::App { name, .. } => format!("app {name}"),
            Self::Process { key, name } => format!("{name}[{}]", key.pm_id),
        }
    }
}

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

    /// Whether it is in what is shown of a line.
    #[must_use]
    pub fn is_in(&self, line: &LogLine) -> bool {
        let (lead, text) = (line.lead(), &*line.text.text);
        if lead.is_empty() {
            return self.pattern.is_match(text.as_bytes());
        }
        self.pattern.is_match(format!("{lead}{text}").as_bytes())
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

    fn keeps(&self, line: &LogLine) -> bool {
        self.search.is_in(line) != self.is_inverted
    }
}

/// What is typed for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// What to search for.
    Search,
    /// Which lines stay.
    Filter,
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
    pub(super) place: (Option<u64>, Option<u64>),
    /// Which of the recent searches stands in the line, 0 for the latest; `None` for what is typed.
    pub(super) recent: Option<usize>,
}

/// Some lines of the log, by their numbers: as in the log those of its two rings, each in order.
#[derive(Debug, Default)]
pub(super) struct Picked {
    output: VecDeque<u64>,
    events: VecDeque<u64>,
    /// The first number that was not looked at yet.
    next: u64,
}

impl Picked {
    /// Takes the number of a line in, which is higher than all before.
    fn push(&mut self, log: &Log, number: u64) {
        let ring = if log.is_event(number) { &mut self.events } else { &mut self.output };
        ring.push_back(number);
    }

    /// Forgets what is not in the log any more.
    fn drop_gone(&mut self, log: &Log) {
        let [output, events] = log.firsts();
        for (ring, first) in [(&mut self.output, output), (&mut self.events, events)] {
            while ring.front().is_some_and(|number| *number < first) {
                ring.pop_front();
            }
        }
    }

    fn len(&self) -> usize {
        self.output.len() + self.events.len()
    }

    /// How many have a smaller number.
    fn rank(&self, number: u64) -> usize {
        let rank = |ring: &VecDeque<u64>| ring.partition_point(|other| *other < number);
        rank(&self.output) + rank(&self.events)
    }

    /// Those from a number on.
    fn since(&self, number: u64) -> impl Iterator<Item = u64> {
        let rest = |ring: &'_ VecDeque<u64>| ring.partition_point(|other| *other < number);
        let mut output = self.output.range(rest(&self.output)..).peekable();
        let mut events = self.events.range(rest(&self.events)..).peekable();
        std::iter::from_fn(move || match (output.peek(), events.peek()) {
            (Some(line), Some(event)) if line < event => output.next().copied(),
            (Some(_), None) => output.next().copied(),
            _ => events.next().copied(),
        })
    }

    /// The last one below a number.
    fn before(&self, number: u64) -> Option<u64> {
        let last = |ring: &VecDeque<u64>| {
            let count = ring.partition_point(|other| *other < number);
            count.checked_sub(1).and_then(|index| ring.get(index).copied())
        };
        last(&self.output).max(last(&self.events))
    }

    /// The number at a place; past the end that of the next line.
    fn number_at(&self, place: usize) -> u64 {
        let first = [self.output.front(), self.events.front()].into_iter().flatten().min();
        let (mut low, mut high) = (first.copied().unwrap_or(self.next), self.next);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.rank(middle + 1) > place {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

/// Which lines of the log are shown.
#[derive(Debug, Default)]
pub struct LogView {
    scope: Scope,
    filters: Vec<LineFilter>,
    /// The filter that is being typed.
    draft: Option<LineFilter>,
    search: Option<Search>,
    /// What was searched for, the latest first.
    recent: VecDeque<String>,
    /// The lines shown, while that is not all.
    shown: Picked,
    /// Those of them that are searched for.
    found: Picked,
}

impl LogView {
    /// Whose lines are shown.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
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

    /// In how many of the lines shown the search is.
    #[must_use]
    pub fn found(&self) -> usize {
        self.found.len()
    }

    /// Which of the lines found this one is, from 0, if it is one.
    #[must_use]
    pub fn found_place(&self, number: u64) -> Option<usize> {
        let next = self.found.since(number).next();
        (next == Some(number)).then(|| self.found.rank(number))
    }

    /// The nearest line found below this one, or above it.
    pub(super) fn found_from(&self, number: u64, is_down: bool) -> Option<u64> {
        if is_down {
            self.found.since(number.saturating_add(1)).next()
        } else {
            self.found.before(number)
        }
    }

    /// The line found at this one or next below it, else the last one above.
    pub(super) fn found_near(&self, number: u64) -> Option<u64> {
        self.found.since(number).next().or_else(|| self.found.before(number))
    }

    pub(super) fn set_scope(&mut self, scope: Scope) {
        self.scope = scope;
        self.look_again();
    }

    pub(super) fn set_search(&mut self, search: Option<Search>) {
        self.search = search;
        self.found = Picked::default();
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
        self.look_again();
    }

    /// The filter that was typed stays.
    pub(super) fn keep_draft(&mut self) {
        self.filters.extend(self.draft.take());
    }

    /// Drops the last filter.
    pub(super) fn drop_filter(&mut self) {
        self.filters.pop();
        self.look_again();
    }

    fn look_again(&mut self) {
        (self.shown, self.found) = (Picked::default(), Picked::default());
    }

    fn is_narrowed(&self) -> bool {
        self.scope != Scope::All || self.has_filter() || self.draft.is_some()
    }

    /// Takes in what came to the log and what fell out of it.
    pub(super) fn sync(&mut self, log: &Log) {
        if self.is_narrowed() {
            for (number, line) in log.from_number(self.shown.next) {
                let is_shown = self.scope.takes(&line.source)
                    && self.filters.iter().chain(&self.draft).all(|filter| filter.keeps(line));
                if is_shown {
                    self.shown.push(log, number);
                }
            }
            self.shown.next = log.next_number();
            self.shown.drop_gone(log);
        }
        if let Some(search) = &self.search {
            let shown = self.is_narrowed().then_some(&self.shown);
            let lines = Lines { log, shown };
            for (number, line) in lines.from_number(self.found.next) {
                if search.is_in(line) {
                    self.found.push(log, number);
                }
            }
            self.found.next = log.next_number();
            self.found.drop_gone(log);
        }
    }

    /// The lines shown.
    #[must_use]
    pub fn lines<'a>(&'a self, log: &'a Log) -> Lines<'a> {
        Lines { log, shown: self.is_narrowed().then_some(&self.shown) }
    }
}

/// The lines that are shown. A line's place is its index among them, from 0.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a> {
    log: &'a Log,
    /// Which; `None` for all.
    shown: Option<&'a Picked>,
}

impl<'a> Lines<'a> {
    /// How many.
    #[must_use]
    pub fn len(self) -> usize {
        self.shown.map_or_else(|| self.log.len(), Picked::len)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The place of the line with this number; where it is not shown, that of the one after it.
    #[must_use]
    pub fn place_of(self, number: u64) -> usize {
        self.shown.map_or_else(|| self.log.place_of(number), |shown| shown.rank(number))
    }

    /// The number of the line at a place; that of the next line past the end.
    #[must_use]
    pub fn number_at(self, place: usize) -> u64 {
        self.shown.map_or_else(|| self.log.number_at(place), |shown| shown.number_at(place))
    }

    /// The lines from a place on, with their numbers.
    pub fn from_place(self, place: usize) -> impl Iterator<Item = (u64, &'a LogLine)> {
        self.from_number(self.number_at(place))
    }

    /// The lines from a number on, with their numbers.
    pub fn from_number(self, number: u64) -> impl Iterator<Item = (u64, &'a LogLine)> {
        let log = self.log;
        let all = self.shown.is_none().then(|| log.from_number(number));
        let shown = self.shown.map(|shown| shown.since(number));
        let shown = shown.into_iter().flatten();
        let shown = shown.filter_map(|number| Some((number, log.get(number)?)));
        all.into_iter().flatten().chain(shown)
    }
}

/// The level that a line says itself, if it is output.
#[must_use]
pub fn level(line: &LogLine) -> Option<Level> {
    if !matches!(line.kind, LineKind::Out | LineKind::Err) {
        return None;
    }
    // Only the level is asked for: neither zone nor date matters.
    let clock = Clock { zone: &TimeZone::UTC, reference_ms: line.at_ms };
    let context = Context { declared: None, clock, is_stderr: line.kind == LineKind::Err };
    // That it came by standard error says the gutter.
    let said = parse::read(line.text.text.as_bytes(), &context).level;
    said.filter(|(_, sign)| *sign != Sign::Stream).map(|(level, _)| level)
}

/// Whether a line tells of an error: an exception, or output that says so.
#[must_use]
pub fn is_error(line: &LogLine) -> bool {
    matches!(line.kind, LineKind::Exception(_))
        || level(line).is_some_and(|level| level >= Level::Error)
}

/// Whether a line tells that a process ended or was restarted.
#[must_use]
pub fn is_end(line: &LogLine) -> bool {
    matches!(line.kind, LineKind::Event("exit" | "overlimit" | "stop" | "restart" | "reload", _))
}
