//! The store of log lines with 1,000,000 lines of 100 bytes: append, history, search, filters, rulers,
//! and the memory that they take.
//!
//! `cargo bench --bench logs`; the first lines that it prints are the memory.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints, and panics when it cannot measure"
)]

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pm2_tui::logs::parse::Level;
use pm2_tui::logs::{
    Body, Bounds, Direction, FileId, FilePlace, Files, Filter, Found, Goal, Kind, Line, LineId,
    LineTime, NoFiles, Owner, Pattern, Query, STEP_BYTES, Scope, SourceId, SourceKey, Store,
    Stream, TimeFrom, View,
};
use pm2_tui::model::DaemonId;
use pm2_tui::protocol::process::PmId;

const LINES: usize = 1_000_000;
const LINE_BYTES: usize = 100;
const SOURCES: usize = 16;
const START_MS: i64 = 1_795_327_976_544;
const BOUNDS: Bounds = Bounds { lines: 5_000_000, bytes: 4 << 30 };

/// All lines in one piece, each with its newline.
fn text() -> Vec<u8> {
    let mut text = Vec::with_capacity(LINES * (LINE_BYTES + 1));
    for n in 0..LINES {
        let word = if n % 1000 == 999 { "ERROR" } else { "info" };
        let line = format!(
            "2026-11-23T08:00:00.123Z {word} request {n:08} GET /api/v1/items/{} {} in {} ms ",
            n % 977,
            if n % 97 == 0 { 503 } else { 200 },
            n % 83
        );
        text.extend_from_slice(line.as_bytes());
        text.resize((n + 1) * (LINE_BYTES + 1) - 1, b'.');
        text.push(b'\n');
    }
    text
}

fn line(n: usize, body: Body<'_>) -> Line<'_> {
    Line {
        time: LineTime { at_ms: START_MS + n as i64 / 4, from: TimeFrom::Bus },
        level: Some(if n % 1000 == 999 { Level::Error } else { Level::Info }),
        kind: Kind::Output,
        body,
    }
}

fn held(text: &[u8], n: usize) -> Line<'_> {
    let start = n * (LINE_BYTES + 1);
    line(n, Body::Held(&text[start..start + LINE_BYTES]))
}

fn owner(number: usize) -> Owner {
    Owner::Process {
        daemon: DaemonId(0),
        pm_id: Some(PmId(number as u32)),
        namespace: Arc::from("default"),
        name: Arc::from(format!("service-{number}")),
    }
}

fn empty() -> (Store, Vec<SourceId>) {
    let mut store = Store::new(BOUNDS);
    let key = |number| SourceKey { owner: owner(number), stream: Stream::Out };
    let ids = (0..SOURCES).map(|number| store.source(&key(number)).unwrap()).collect();
    (store, ids)
}

fn fill(text: &[u8], bounds: Bounds) -> Store {
    let (mut store, ids) = empty();
    if bounds != BOUNDS {
        store = Store::new(bounds);
        for number in 0..SOURCES {
            store.source(&SourceKey { owner: owner(number), stream: Stream::Out }).unwrap();
        }
    }
    for n in 0..LINES {
        store.append(ids[n % SOURCES], &held(text, n)).unwrap();
    }
    store
}

/// A file in memory: what the reading itself takes is another bench's matter.
struct Memory(Arc<[u8]>);

impl Files for Memory {
    fn read_at(&self, _: FileId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.0[(offset as usize).min(self.0.len())..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

fn place(n: usize) -> FilePlace {
    let offset = (n * (LINE_BYTES + 1)) as u64;
    FilePlace { file: FileId(0), offset, len: LINE_BYTES as u64 }
}

fn filed() -> Store {
    let (mut store, ids) = empty();
    for n in 0..LINES {
        store.append(ids[n % SOURCES], &line(n, Body::Filed(place(n)))).unwrap();
    }
    store
}

/// Searches to the end; how many matched.
fn search(view: &mut View, store: &Store, files: &dyn Files, pattern: &Pattern) -> u64 {
    view.set_search(None);
    view.set_search(Some(pattern.clone()));
    loop {
        let progress = view.step(store, files, STEP_BYTES);
        if progress.is_done {
            return progress.hits;
        }
    }
}

/// Searches until the newest match is known.
fn first_match(view: &mut View, store: &Store, pattern: &Pattern) -> Found {
    view.set_search(None);
    view.set_search(Some(pattern.clone()));
    loop {
        view.step(store, &NoFiles, STEP_BYTES);
        match view.prev_match(store, None) {
            Found::Pending => {}
            found => return found,
        }
    }
}

/// The longest step of a search.
fn longest_step(store: &Store, pattern: &Pattern) -> Duration {
    let mut view = View::default();
    view.set_search(Some(pattern.clone()));
    let mut longest = Duration::ZERO;
    loop {
        let (is_done, took) = timed(|| view.step(store, &NoFiles, STEP_BYTES).is_done);
        longest = longest.max(took);
        if is_done {
            return longest;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    (work(), start.elapsed())
}

/// Resident memory of this process, bytes, where /proc says it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = status.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

fn print_memory(what: &str, make: impl FnOnce() -> (Store, View)) {
    let before = resident();
    let (store, view) = make();
    if let Some((before, after)) = before.zip(resident()) {
        let mb = after.saturating_sub(before) as f64 / 1e6;
        println!("memory, {what}: {mb:.1} MB for {} lines, {} shown", store.len(), view.len());
    }
}

fn viewed(store: Store, files: &dyn Files) -> (Store, View) {
    let mut view = View::default();
    view.set_search(Some(Pattern::regex("503").expect("a good pattern")));
    while !view.step(&store, files, STEP_BYTES).is_done {}
    (store, view)
}

const PATTERNS: [(&str, &str); 7] = [
    ("literal, rare", "request 00777777"),
    ("literal, one in 97", " 503 "),
    ("word, any case", r"\berror\b"),
    ("4 alternatives", "timeout|refused|ERROR|panic"),
    ("classes with newline", r"GET\s+[^ ]+/97[^0-9]"),
    ("in every line", "ms"),
    ("nowhere", "no such text"),
];

fn logs(criterion: &mut Criterion) {
    let text = text();
    let shared = Memory(Arc::from(text.as_slice()));
    print_memory("held", || viewed(fill(&text, BOUNDS), &NoFiles));
    print_memory("in files", || viewed(filed(), &shared));
    let store = fill(&text, BOUNDS);
    for (name, pattern) in PATTERNS {
        let pattern = Pattern::regex(pattern).unwrap();
        println!("longest step, {name}: {:?}", longest_step(&store, &pattern));
    }

    let mut group = criterion.benchmark_group("logs");
    group.sample_size(10).throughput(Throughput::Elements(LINES as u64));
    group.bench_function("memcpy of 1,000,000 lines one by one", |bencher| {
        bencher.iter(|| {
            let mut copy: Vec<u8> = Vec::new();
            for line in black_box(&text).chunks(LINE_BYTES + 1) {
                copy.extend_from_slice(line);
            }
            copy
        });
    });
    group.bench_function("append 1,000,000 lines", |bencher| {
        bencher.iter(|| fill(black_box(&text), BOUNDS));
    });
    group.bench_function("append 1,000,000 lines, 900,000 fall out", |bencher| {
        bencher.iter(|| fill(black_box(&text), Bounds::default()));
    });
    group.bench_function("append 1,000,000 lines of files", |bencher| bencher.iter(filed));
    history(&mut group);

    let mut view = View::default();
    while !view.step(&store, &NoFiles, STEP_BYTES).is_done {}
    for (name, pattern) in PATTERNS {
        let pattern = Pattern::regex(pattern).unwrap();
        group.bench_function(format!("search, {name}"), |bencher| {
            bencher.iter(|| search(&mut view, &store, &NoFiles, &pattern));
        });
        group.bench_function(format!("first match, {name}"), |bencher| {
            bencher.iter(|| first_match(&mut view, &store, &pattern));
        });
    }
    let on_files = filed();
    let pattern = Pattern::regex("timeout|refused|ERROR|panic").unwrap();
    let mut file_view = View::default();
    group.bench_function("search, lines in files, 4 alternatives", |bencher| {
        bencher.iter(|| search(&mut file_view, &on_files, &shared, &pattern));
    });
    views(&mut group, &store);
    group.finish();
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// History of 100 sources of 1,000 lines, into a store of 100,000.
fn history(group: &mut Group<'_>) {
    let make = || {
        let (mut store, ids) = empty();
        for n in 0..100_000 {
            store.append(ids[n % SOURCES], &line(n, Body::Held(&[b'x'; 100]))).unwrap();
        }
        let key = |number| SourceKey { owner: owner(number), stream: Stream::Err };
        let ids: Vec<SourceId> =
            (0..100).map(|number| store.source(&key(number)).unwrap()).collect();
        (store, ids)
    };
    let base = make();
    let lines: Vec<Line<'_>> = (0..1000).map(|n| line(n * 25, Body::Filed(place(n)))).collect();
    group.bench_function("history, 100 sources of 1,000 lines", |bencher| {
        let work = |(mut store, ids): (Store, Vec<SourceId>)| {
            let all: Vec<(SourceId, &[Line<'_>])> =
                ids.iter().map(|id| (*id, lines.as_slice())).collect();
            store.prepend_histories(&all);
            store
        };
        bencher.iter_batched(|| base.clone(), work, BatchSize::LargeInput);
    });
}

/// Other views of the same lines, and what is asked of them each frame.
fn views(group: &mut Group<'_>, store: &Store) {
    let mut compute = |name: &str, query: Query| {
        group.bench_function(format!("view, {name}"), |bencher| {
            bencher.iter(|| {
                let mut view = View::new(query.clone());
                while !view.step(store, &NoFiles, STEP_BYTES).is_done {}
                view
            });
        });
    };
    compute("all", Query::default());
    compute("one process", Query { scope: Scope::Process(owner(3)), ..Query::default() });
    compute("errors", Query { least: Some(Level::Error), ..Query::default() });
    let filter = |text: &str, is_inverted| Filter {
        pattern: Pattern::regex(text).unwrap(),
        is_inverted,
        is_on: true,
    };
    let filters = vec![filter("503", false), filter("items/9", true)];
    compute("two filters", Query { filters, ..Query::default() });

    let mut view = View::default();
    view.set_search(Some(Pattern::regex("503").unwrap()));
    while !view.step(store, &NoFiles, STEP_BYTES).is_done {}
    let middle = view.line_at(store, LINES as u64 / 2).unwrap();
    group.throughput(Throughput::Elements(1));
    group.bench_function("frame, a step with nothing new", |bencher| {
        bencher.iter(|| view.step(black_box(store), &NoFiles, STEP_BYTES));
    });
    group.bench_function("frame, 40 rows", |bencher| bencher.iter(|| view.rows(store, 40)));
    group.bench_function("frame, position", |bencher| {
        bencher.iter(|| view.position(store, black_box(middle)));
    });
    group.bench_function("frame, ruler of 40 cells", |bencher| {
        bencher.iter(|| view.overview(store, 40));
    });
    group.bench_function("frame, histogram of 120 parts", |bencher| {
        bencher.iter(|| view.histogram(store, 120));
    });
    group.bench_function("frame, next error", |bencher| {
        let goal = Goal::Level(Level::Fatal);
        bencher.iter(|| view.seek(store, LineId::START, Direction::Forward, goal));
    });
}

criterion_group!(benches, logs);
criterion_main!(benches);
