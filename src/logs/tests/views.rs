use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::parse::Level;
use super::super::*;
use super::{Memory, key, line, owner};
use crate::model::DaemonId;

fn numbered(count: usize) -> (Store, SourceId) {
    let mut store = Store::default();
    let source = store.source(&key(0, "api", Stream::Out)).unwrap();
    for number in 0..count {
        store.append(source, &line(number as i64, format!("line {number}").as_bytes())).unwrap();
    }
    (store, source)
}

fn finish(view: &mut View, store: &Store) -> Progress {
    finish_with(view, store, &NoFiles)
}

fn finish_with(view: &mut View, store: &Store, files: &dyn Files) -> Progress {
    for _ in 0..1000 {
        let progress = view.step(store, files, 64 * 1024);
        if progress.is_done {
            return progress;
        }
    }
    panic!("the view is never done: {:?}", view.progress(store));
}

fn at(store: &Store, found: Found) -> usize {
    let Found::At(id) = found else { panic!("{found:?}") };
    store.iter().position(|line| line.id == id).unwrap()
}

#[test]
fn a_search_counts_while_it_goes_on_from_the_end() {
    let (store, _) = numbered(50_000);
    let mut view = View::default();
    view.set_search(Some(Pattern::regex("7777").unwrap()));
    let first = view.step(&store, &NoFiles, 1);
    assert!(!first.is_done && first.looked > 0 && first.looked < 50_000);
    assert_eq!(view.prev_match(&store, None), Found::Pending);
    assert_eq!(view.next_match(&store, None), Found::Pending);
    let last = finish(&mut view, &store);
    assert_eq!((last.shown, last.hits, last.looked), (50_000, 5, 50_000));
    let hits: Vec<usize> = [7777, 17_777, 27_777, 37_777, 47_777].into();
    let mut from = None;
    for (number, hit) in hits.iter().enumerate() {
        let found = view.next_match(&store, from);
        assert_eq!(at(&store, found), *hit);
        let Found::At(id) = found else { unreachable!() };
        assert_eq!(view.matches_before(&store, id), number as u64);
        from = Some(id);
    }
    assert_eq!(view.next_match(&store, from), Found::Nothing);
    assert_eq!(at(&store, view.prev_match(&store, from)), 37_777);
    // Another search finds nothing of the old one.
    view.set_search(Some(Pattern::literal("no such line").unwrap()));
    assert_eq!(view.next_match(&store, None), Found::Pending);
    assert_eq!(finish(&mut view, &store).hits, 0);
    assert_eq!(view.next_match(&store, None), Found::Nothing);
}

#[test]
fn what_was_not_looked_at_yet_is_pending() {
    let (mut store, source) = numbered(100);
    let mut view = View::default();
    view.set_search(Some(Pattern::regex("7").unwrap()));
    finish(&mut view, &store);
    let first = view.next_match(&store, None);
    store.append(source, &line(100, b"line 700")).unwrap();
    assert!(!view.progress(&store).is_done);
    // Behind it there may be a nearer one; before all that was looked at there is none.
    assert_eq!(view.prev_match(&store, None), Found::Pending);
    assert_eq!(view.next_match(&store, None), first);
    finish(&mut view, &store);
    assert_eq!(at(&store, view.prev_match(&store, None)), 100);
}

#[test]
fn reading_does_not_move_while_lines_come_and_go() {
    let mut store = Store::new(Bounds { lines: 1024, bytes: 1 << 20 });
    let source = store.source(&key(0, "api", Stream::Out)).unwrap();
    let mut view = View::default();
    let mut number = 0;
    let mut more = |store: &mut Store, count: i64| {
        for _ in 0..count {
            store.append(source, &line(number, b"x")).unwrap();
            number += 1;
        }
    };
    more(&mut store, 1000);
    finish(&mut view, &store);
    assert_eq!(view.rows(&store, 10).first().unwrap().order_ms, 990);
    view.scroll(&store, -100, 10);
    let rows = view.rows(&store, 10);
    assert_eq!(rows[0].order_ms, 890);
    more(&mut store, 500);
    store.prepend_history(source, &[line(-5, b"old")]);
    finish(&mut view, &store);
    assert_eq!(view.rows(&store, 10), rows);
    assert_eq!(view.newer(&store), 500);
    view.scroll(&store, 10_000, 10);
    assert_eq!(view.place, Place::Following);
    assert_eq!(view.rows(&store, 10).last().unwrap().order_ms, 1499);
    // A line that is gone is still a place.
    view.place = Place::Reading { top: rows[0], newest: rows[0] };
    more(&mut store, 2000);
    finish(&mut view, &store);
    assert!(store.line(rows[0]).is_none());
    assert_eq!(view.rows(&store, 1)[0], store.iter().next().unwrap().id);
}

#[test]
fn scopes_streams_levels_and_mutes() {
    let mut store = Store::default();
    let mut add = |pm_id, namespace: &str, name: &str, stream, level| {
        let key = SourceKey { owner: owner(pm_id, namespace, name), stream };
        let source = store.source(&key).unwrap();
        store.append(source, &Line { level, ..line(0, name.as_bytes()) }).unwrap();
    };
    add(0, "shop", "api", Stream::Out, Some(Level::Info));
    add(1, "shop", "api", Stream::Err, Some(Level::Error));
    add(2, "shop", "web", Stream::Out, None);
    add(3, "default", "api", Stream::Both, Some(Level::Warn));
    let pm2 = SourceKey { owner: Owner::Pm2(DaemonId(0)), stream: Stream::Pm2 };
    let pm2 = store.source(&pm2).unwrap();
    store.append(pm2, &line(0, b"PM2")).unwrap();
    let shared = Owner::Process {
        daemon: DaemonId(0),
        pm_id: None,
        namespace: Arc::from("shop"),
        name: Arc::from("api"),
    };
    let shared = store.source(&SourceKey { owner: shared, stream: Stream::Out }).unwrap();
    store.append(shared, &line(0, b"shared")).unwrap();

    let count = |query: Query| {
        let mut view = View::new(query);
        finish(&mut view, &store);
        view.len()
    };
    let scope = |scope| Query { scope, ..Query::default() };
    let (at, shop, api) = (DaemonId(0), Arc::<str>::from("shop"), Arc::<str>::from("api"));
    assert_eq!(count(Query::default()), 6);
    assert_eq!(count(scope(Scope::Namespace(at, Arc::clone(&shop)))), 4);
    assert_eq!(count(scope(Scope::Namespace(DaemonId(1), Arc::clone(&shop)))), 0);
    assert_eq!(count(scope(Scope::App(at, shop, api))), 3);
    assert_eq!(count(scope(Scope::Process(owner(0, "shop", "api")))), 2);
    assert_eq!(count(scope(Scope::Process(owner(0, "shop", "other")))), 0);
    let marked = BTreeSet::from([owner(2, "shop", "web"), owner(3, "default", "api")]);
    assert_eq!(count(scope(Scope::Marked(Arc::new(marked)))), 2);
    let streams = Streams::ALL.with(Stream::Out, false);
    assert_eq!(count(Query { streams, ..Query::default() }), 3);
    let streams = streams.with(Stream::Err, false);
    assert_eq!(count(Query { streams, ..Query::default() }), 1);
    assert_eq!(count(Query { least: Some(Level::Warn), ..Query::default() }), 2);
    let muted = BTreeSet::from([owner(1, "shop", "api")]);
    assert_eq!(count(Query { muted, ..Query::default() }), 5);
}

#[test]
fn filters_add_up() {
    let (store, _) = numbered(10_000);
    let filter = |pattern: &str, is_inverted, is_on| Filter {
        pattern: Pattern::regex(pattern).unwrap(),
        is_inverted,
        is_on,
    };
    let filters = vec![filter("77", false, true), filter("^line 7", true, true)];
    let mut view = View::new(Query { filters: filters.clone(), ..Query::default() });
    finish(&mut view, &store);
    let naive = (0..10_000).map(|number| number.to_string());
    let naive = naive.filter(|text| text.contains("77") && !text.starts_with('7'));
    assert_eq!(view.len(), naive.count() as u64);
    let mut query = view.query().clone();
    query.filters[1].is_on = false;
    view.set_query(query);
    finish(&mut view, &store);
    assert_eq!(view.len(), 280);
}

#[test]
fn errors_and_restarts_are_found_and_counted_in_rulers() {
    let mut store = Store::default();
    let source = store.source(&key(0, "api", Stream::Out)).unwrap();
    let events = store.source(&key(0, "api", Stream::Events)).unwrap();
    for number in 0..20_000_i64 {
        let level = if number % 5000 == 4321 { Some(Level::Error) } else { Some(Level::Info) };
        store.append(source, &Line { level, ..line(number * 10, b"x") }).unwrap();
        if number % 10_000 == 9999 {
            let kind = Kind::Restart;
            store.append(events, &Line { kind, ..line(number * 10, b"restart") }).unwrap();
        }
    }
    let mut view = View::default();
    view.set_search(Some(Pattern::regex("restart").unwrap()));
    finish(&mut view, &store);
    let (forward, back) = (Direction::Forward, Direction::Back);
    let error = Goal::Level(Level::Error);
    let found = view.seek(&store, LineId::at_time(43_211), forward, error);
    assert_eq!(at(&store, found), 9321);
    assert_eq!(at(&store, view.seek(&store, LineId::at_time(43_211), back, error)), 4321);
    assert_eq!(at(&store, view.seek(&store, LineId::START, forward, Goal::Turn)), 10_000);
    assert_eq!(view.seek(&store, LineId::at_time(43_210), back, error), Found::Nothing);
    assert_eq!(view.count_at_least(Level::Error), 4);

    let cells = view.overview(&store, 10);
    assert_eq!(cells.iter().map(|cell| cell.lines).sum::<u64>(), 20_002);
    assert_eq!(
        cells.iter().map(|cell| cell.errors).collect::<Vec<_>>(),
        [0, 0, 1, 0, 1, 0, 0, 1, 0, 1]
    );
    assert_eq!(
        cells.iter().map(|cell| cell.turns).collect::<Vec<_>>(),
        [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    );
    assert_eq!(cells.iter().map(|cell| cell.hits).sum::<u64>(), 2);
    let buckets = view.histogram(&store, 20);
    assert_eq!(buckets[0].from_ms, 0);
    assert_eq!(buckets.iter().flat_map(|bucket| bucket.levels).sum::<u64>(), 20_002);
    let errors = |bucket: &Bucket| bucket.levels[column(Some(Level::Error))];
    let with_errors: Vec<usize> = (0..20).filter(|index| errors(&buckets[*index]) > 0).collect();
    assert_eq!(with_errors, [4, 9, 14, 19]);
    assert_eq!(view.histogram(&Store::default(), 0), []);
    assert_eq!(view.overview(&store, 0), []);
}

#[test]
fn lines_in_files_are_searched_with_few_reads() {
    let mut files = Memory::default();
    let mut store = Store::default();
    let sources: Vec<SourceId> =
        (0..4).map(|pm_id| store.source(&key(pm_id, "api", Stream::Out)).unwrap()).collect();
    for number in 0..20_000_usize {
        let text = format!("\x1b[32mline\x1b[0m {number}");
        let body = Body::Filed(files.write((number % 4) as u16, text.as_bytes()));
        store.append(sources[number % 4], &Line { body, ..line(number as i64, b"") }).unwrap();
    }
    store.append(sources[0], &line(30_000, b"line 7777 is held")).unwrap();
    let mut view = View::default();
    view.set_search(Some(Pattern::regex("^line .*7777").unwrap()));
    let progress = finish_with(&mut view, &store, &files);
    assert_eq!((progress.hits, progress.unreadable), (3, 0));
    assert_eq!(at(&store, view.next_match(&store, None)), 7777);
    assert!(*files.reads.borrow() < 40, "{} reads", files.reads.borrow());
    // Cut short behind our back: what is gone is counted and does not match.
    for file in &mut files.files {
        file.truncate(1000);
    }
    view.restart();
    let progress = finish_with(&mut view, &store, &files);
    assert_eq!(progress.hits, 1);
    assert!(progress.unreadable > 19_000, "{}", progress.unreadable);
}

#[test]
fn a_very_long_line_is_searched_whole() {
    let mut files = Memory::default();
    let mut long = vec![b'x'; 3 * 1024 * 1024 + 5];
    let needle = b" needle in hay ";
    let middle = 1024 * 1024 - 7;
    long[middle..middle + needle.len()].copy_from_slice(needle);
    let mut store = Store::default();
    let source = store.source(&key(0, "api", Stream::Out)).unwrap();
    for bytes in [&b"needle"[..], &long, b"other"] {
        let body = Body::Filed(files.write(0, bytes));
        store.append(source, &Line { body, ..line(0, b"") }).unwrap();
    }
    for (pattern, expected) in
        [("needle in", 1), ("^x", 1), ("needle", 2), ("x$", 1), ("^ needle", 0), ("hay $", 0)]
    {
        let mut view = View::default();
        view.set_search(Some(Pattern::regex(pattern).unwrap()));
        assert_eq!(finish_with(&mut view, &store, &files).hits, expected, "{pattern}");
    }
}
