//! Any sequence of appends, histories, queries and searches: the store against a list of all that
//! it was given, and the view against a look at each line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::parse::Level;
use super::super::*;
use super::{Memory, key, line, owner};
use crate::model::DaemonId;

const SOURCES: [(u32, &str, Stream); 5] = [
    (0, "api", Stream::Out),
    (0, "api", Stream::Err),
    (1, "web", Stream::Out),
    (0, "api", Stream::Events),
    (0, "", Stream::Losses),
];

#[derive(Debug, Clone)]
struct Given {
    source: usize,
    at_ms: i64,
    level: Option<Level>,
    is_filed: bool,
    is_more: bool,
    text: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Given>),
    History(usize, Vec<Given>),
    Ask(Query),
    Search(Option<&'static str>),
    /// A step of the view that need not be the last.
    Look(usize),
}

fn level() -> impl Strategy<Value = Option<Level>> {
    use Level::{Debug, Error, Fatal, Info, Trace, Warn};
    prop::option::of(prop::sample::select(&[Trace, Debug, Info, Warn, Error, Fatal][..]))
}

fn given() -> impl Strategy<Value = Given> {
    let text =
        prop::sample::select(&["", "alpha", "beta 7", "\x1b[1mal\x1b[mpha", "x\ny", "long"][..]);
    // Further away, too, than a record can say of its block: 24 days.
    let far = (-3..4_i64).prop_map(|part| part * 40 * 86_400_000);
    let at_ms = prop_oneof![10 => 0..100_i64, 2 => -1000..1000_i64, 1 => far];
    let level = level();
    let is_more = prop::bool::weighted(0.3);
    (0..SOURCES.len(), at_ms, level, prop::bool::weighted(0.2), is_more, text).prop_map(
        |(source, at_ms, level, is_filed, is_more, text)| {
            let text = if text == "long" { "z".repeat(700) } else { text.to_owned() };
            Given { source, at_ms, level, is_filed, is_more, text: text.into_bytes() }
        },
    )
}

fn query() -> impl Strategy<Value = Query> {
    let scope = prop_oneof![
        Just(Scope::All),
        Just(Scope::Process(owner(0, "default", "api"))),
        Just(Scope::Marked(Arc::new(BTreeSet::from([owner(1, "default", "web")])))),
    ];
    let filters = prop::collection::vec(
        (prop::sample::select(&["alpha", "7", "^z", r"\s"][..]), any::<bool>(), any::<bool>()),
        0..3,
    );
    let level = level();
    let behind = prop::option::weighted(0.2, -100..100_i64);
    let behind = behind.prop_map(|at_ms| at_ms.map(LineId::at_time));
    (scope, level, filters, any::<bool>(), prop::bool::weighted(0.2), behind).prop_map(
        |(scope, least, filters, has_err, is_muted, behind)| Query {
            scope,
            behind,
            least,
            streams: Streams::ALL.with(Stream::Err, has_err),
            muted: if is_muted { [owner(1, "default", "web")].into() } else { BTreeSet::new() },
            filters: filters
                .into_iter()
                .map(|(text, is_inverted, is_on)| Filter {
                    pattern: Pattern::regex(text).unwrap(),
                    is_inverted,
                    is_on,
                })
                .collect(),
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let lines = || prop::collection::vec(given(), 1..40);
    prop_oneof![
        6 => lines().prop_map(Step::Append),
        3 => (0..SOURCES.len(), lines()).prop_map(|(source, lines)| Step::History(source, lines)),
        1 => query().prop_map(Step::Ask),
        1 => prop::option::of(prop::sample::select(&["al", "^x", "7$", "Z", "[^a]"][..]))
            .prop_map(Step::Search),
        3 => (1..3000_usize).prop_map(Step::Look),
    ]
}

/// A line as the model has it.
#[derive(Debug, Clone)]
struct Known {
    source: usize,
    level: Option<Level>,
    at_ms: i64,
    text: Vec<u8>,
    /// Its number in the order of its source, as it should be: history is before 0.
    number: i64,
}

struct Both {
    store: Store,
    files: Memory,
    ids: Vec<SourceId>,
    taken: BTreeMap<LineId, Known>,
    /// The number before the first and behind the last, a source.
    numbers: Vec<(i64, i64)>,
    view: View,
}

impl Both {
    fn new() -> Self {
        let mut store = Store::new(Bounds { lines: 128, bytes: 8 * 1024 });
        let key = |(pm_id, name, stream)| match stream {
            Stream::Losses => SourceKey { owner: Owner::Pm2(DaemonId(0)), stream },
            stream => key(pm_id, name, stream),
        };
        let source = |source| store.source(&key(source)).unwrap();
        let ids = SOURCES.map(source).to_vec();
        let numbers = vec![(0, 0); SOURCES.len()];
        let (files, view) = (Memory::default(), View::default());
        Self { store, files, ids, taken: BTreeMap::new(), numbers, view }
    }

    fn line<'a>(&mut self, given: &'a Given) -> Line<'a> {
        let body = if given.is_filed {
            Body::Filed(self.files.write(given.source as u16, &given.text))
        } else {
            Body::Held(&given.text)
        };
        let kind = match SOURCES[given.source].2 {
            Stream::Events => Kind::Exit,
            Stream::Losses => Kind::Loss,
            _ if given.is_more => Kind::More,
            _ => Kind::Output,
        };
        Line { level: given.level, kind, body, ..line(given.at_ms, b"") }
    }

    fn append(&mut self, given: &Given) {
        let before: Vec<LineId> = self.store.iter().map(|line| line.id).collect();
        let incoming = self.line(given);
        let id = self.store.append(self.ids[given.source], &incoming).unwrap();
        let number = self.numbers[given.source].1;
        self.numbers[given.source].1 += 1;
        self.know(id, given, number);
        // Of output the oldest fell out.
        let is_output = |id: &&LineId| {
            let known = &self.taken[id];
            let is_ruler = known.level == Some(Level::Info);
            match SOURCES[known.source].2 {
                Stream::Events => false,
                Stream::Losses => is_ruler,
                _ => true,
            }
        };
        let (held, gone): (Vec<LineId>, Vec<LineId>) =
            before.iter().filter(is_output).partition(|id| self.store.line(**id).is_some());
        assert!(gone.last() < held.first() || gone.is_empty() || held.is_empty());
    }

    fn know(&mut self, id: LineId, given: &Given, number: i64) {
        let known = Known {
            source: given.source,
            level: given.level,
            at_ms: given.at_ms,
            text: given.text.clone(),
            number,
        };
        assert!(self.taken.insert(id, known).is_none(), "an id is used twice");
    }

    fn prepend(&mut self, source: usize, lines: &[Given]) {
        let lines: Vec<Given> =
            lines.iter().map(|given| Given { source, ..given.clone() }).collect();
        let incoming: Vec<Line<'_>> = lines.iter().map(|given| self.line(given)).collect();
        let before: BTreeSet<LineId> = self.store.iter().map(|line| line.id).collect();
        let outcome = self.store.prepend_history(self.ids[source], &incoming);
        assert_eq!(outcome.taken + outcome.refused, lines.len());
        let after: Vec<LineId> = self.store.iter().map(|line| line.id).collect();
        assert!(before.iter().all(|id| after.contains(id)), "history pushed something out");
        let new: Vec<LineId> = after.into_iter().filter(|id| !before.contains(id)).collect();
        assert_eq!(new.len(), outcome.taken);
        self.numbers[source].0 -= lines.len() as i64;
        let first = self.numbers[source].0;
        let numbered = lines.iter().zip(first..).skip(outcome.refused);
        for (id, (given, number)) in new.into_iter().zip(numbered) {
            self.know(id, given, number);
        }
    }

    fn check_store(&self) {
        let store = &self.store;
        assert!(store.len() <= store.bounds().lines && store.bytes() <= store.bounds().bytes);
        let mut held = vec![0; SOURCES.len()];
        let mut last: Vec<Option<i64>> = vec![None; SOURCES.len()];
        let mut newest = None;
        for line in store.iter() {
            let known = &self.taken[&line.id];
            assert!(newest < Some(line.id), "not in order, or twice");
            newest = Some(line.id);
            assert_eq!(line.source, self.ids[known.source]);
            assert_eq!((line.level, line.time.at_ms), (known.level, known.at_ms));
            assert_eq!(&*line.read(&self.files, 0, 4096).unwrap(), known.text);
            assert!(last[known.source] < Some(known.number), "the order of arrival is broken");
            last[known.source] = Some(known.number);
            held[known.source] += 1;
            let found = store.line(line.id).unwrap();
            assert_eq!(found, line);
        }
        assert_eq!(held.iter().sum::<u64>(), store.len() as u64);
        for (source, id) in self.ids.iter().enumerate() {
            let tally = store.tally(*id).unwrap();
            let taken = self.taken.values().filter(|known| known.source == source).count() as u64;
            assert_eq!(tally.taken, taken);
            assert_eq!(taken, held[source] + tally.gone, "lost and not counted");
        }
    }

    /// The first line of the entry of each line, as its block has it.
    fn heads(&self) -> BTreeMap<LineId, LineId> {
        let mut all = BTreeMap::new();
        for block in &self.store.blocks {
            let mut open = BTreeMap::new();
            for record in block.records() {
                let own = block.id_of(record);
                let head = match (record.kind(), open.get(&record.source)) {
                    (Kind::More, Some(head)) => *head,
                    _ => own,
                };
                open.insert(record.source, head);
                all.insert(own, head);
            }
        }
        all
    }

    fn check_view(&mut self) {
        let is_done = (0..1000).any(|_| self.view.step(&self.store, &self.files, 500).is_done);
        assert!(is_done, "never done: {:?}", self.view.progress(&self.store));
        let (store, view) = (&self.store, &self.view);
        let query = view.query();
        let heads = self.heads();
        let mut entries: BTreeMap<LineId, Vec<LineId>> = BTreeMap::new();
        for (line, head) in &heads {
            entries.entry(*head).or_default().push(*line);
        }
        let has = |head: &LineId, pattern: &Pattern| {
            entries[head].iter().any(|line| pattern.is_match(&plain(&self.taken[line].text)))
        };
        let is_shown = |line: &LineRef<'_>| {
            let known = &self.taken[&line.id];
            let filters = query.filters.iter().filter(|filter| filter.is_on);
            if heads[&line.id] != line.id {
                return false;
            }
            // Each of these scopes is of the daemon whose lines were lost.
            let is_loss = line.kind == Kind::Loss;
            (is_loss || query.has_source(store.source_key(line.source).unwrap()))
                && query.behind < Some(line.id)
                && (known.level >= query.least || is_loss || line.kind == Kind::Exit)
                && filters.clone().all(|f| has(&line.id, &f.pattern) != f.is_inverted)
        };
        let shown: Vec<LineRef<'_>> = store.iter().filter(is_shown).collect();
        let ids: Vec<LineId> = shown.iter().map(|line| line.id).collect();
        assert_eq!(view.lines_from(store, 0, usize::MAX), ids);
        assert_eq!(view.len(), ids.len() as u64);
        for (position, id) in ids.iter().enumerate() {
            assert_eq!(view.line_at(store, position as u64), Some(*id));
            assert_eq!(view.position(store, *id), position as u64);
            assert!(view.shows(store, *id));
        }
        assert_eq!(view.line_at(store, ids.len() as u64), None);
        let matches =
            |line: &&LineRef<'_>| view.search().is_some_and(|pattern| has(&line.id, pattern));
        let hits: Vec<LineId> = shown.iter().filter(matches).map(|line| line.id).collect();
        assert_eq!(view.progress(store).hits, hits.len() as u64);
        let errors =
            shown.iter().filter(|line| line.level >= Some(Level::Error)).map(|line| line.id);
        let errors: Vec<LineId> = errors.collect();
        let turns = shown.iter().filter(|line| line.kind == Kind::Exit).map(|line| line.id);
        let turns: Vec<LineId> = turns.collect();
        for (goal, all) in [
            (Goal::Match, &hits),
            (Goal::Level(Level::Error), &errors),
            (Goal::Turn, &turns),
            (Goal::Line, &ids),
        ] {
            for from in self.taken.keys() {
                let next = all.iter().find(|id| *id > from);
                let before = all.iter().rev().find(|id| *id < from);
                let found = |id: Option<&LineId>| id.map_or(Found::Nothing, |id| Found::At(*id));
                assert_eq!(view.seek(store, *from, Direction::Forward, goal), found(next));
                assert_eq!(view.seek(store, *from, Direction::Back, goal), found(before));
            }
        }
        self.check_charts(&ids, &hits, &errors);
    }

    fn check_charts(&self, ids: &[LineId], hits: &[LineId], errors: &[LineId]) {
        let (store, view) = (&self.store, &self.view);
        for parts in [1, 3, 7] {
            let mut naive = vec![(0, 0, 0); parts];
            for (position, id) in ids.iter().enumerate() {
                let cell = &mut naive[position * parts / ids.len()];
                cell.0 += 1;
                cell.1 += u64::from(hits.contains(id));
                cell.2 += u64::from(errors.contains(id));
            }
            let cells = view.overview(store, parts);
            let cells: Vec<_> = cells.iter().map(|c| (c.lines, c.hits, c.errors)).collect();
            assert_eq!(cells, naive);
            let buckets = view.histogram(store, parts);
            for (index, bucket) in buckets.iter().enumerate() {
                let end = buckets.get(index + 1).map_or(i64::MAX, |next| next.from_ms);
                let is_in = |id: &&LineId| id.order_ms >= bucket.from_ms && id.order_ms < end;
                let count = ids.iter().filter(is_in).count() as u64;
                assert_eq!(bucket.levels.iter().sum::<u64>(), count);
                assert_eq!(bucket.hits, hits.iter().filter(is_in).count() as u64);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_store_and_its_view_are_as_a_list_of_all_lines(
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let mut both = Both::new();
        for step in steps {
            match step {
                Step::Append(lines) => lines.iter().for_each(|given| both.append(given)),
                Step::History(source, lines) => both.prepend(source, &lines),
                Step::Ask(query) => both.view.set_query(query),
                Step::Search(text) => {
                    let pattern = text.map(|text| Pattern::regex(text).unwrap());
                    both.view.set_search(pattern);
                }
                Step::Look(budget) => {
                    both.view.step(&both.store, &both.files, budget);
                }
            }
            both.check_store();
        }
        both.check_view();
    }
}
