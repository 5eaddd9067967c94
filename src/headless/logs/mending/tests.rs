//! What came of no bus, from the files: when it is printed, in which order, and with which times.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::super::filter::Filter;
use super::super::happening::{self, tests::context};
use super::super::print::Printer;
use super::super::{Context, Sources, source};
use super::*;
use crate::cli::Logs;
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// `logs -f --out`.
pub(in crate::headless::logs) fn asked() -> Logs {
    Logs { out: true, events: false, ..happening::tests::asked() }
}

/// Processes with a file each, which has a line already.
pub(in crate::headless::logs) fn processes(home: &Path) -> Vec<ProcessInfo> {
    let process = |(id, name): (u32, &str)| {
        let mut info = ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
        let path = home.join(name);
        std::fs::write(&path, "old\n").unwrap();
        info.logs.out = path.to_str().map(Into::into);
        info
    };
    [(3, "api"), (4, "web")].into_iter().map(process).collect()
}

pub(in crate::headless::logs) fn pass(all: &mut Following<'_, '_, &mut Vec<u8>>, ms: u64) {
    for _ in 0..ms.div_ceil(25) {
        all.look_all(false, true).unwrap();
        let passing = tokio::time::advance(Duration::from_millis(25));
        passing.now_or_never();
    }
}

/// What becomes of those while they are followed, and what is printed of it.
fn printed(
    infos: &[ProcessInfo],
    context: &Context,
    becomes: impl FnOnce(&mut Following<'_, '_, &mut Vec<u8>>),
) -> Vec<String> {
    printed_as(&asked(), (infos, context), becomes)
}

/// The same, by these options.
pub(in crate::headless::logs) fn printed_as(
    asked: &Logs,
    (infos, context): (&[ProcessInfo], &Context),
    becomes: impl FnOnce(&mut Following<'_, '_, &mut Vec<u8>>),
) -> Vec<String> {
    let mut files = source::of((infos, infos), asked, context);
    files.iter_mut().for_each(Source::measure);
    files.iter_mut().for_each(Source::measure_after);
    let (mut out, filter) = (Vec::new(), Filter::any());
    let mut lines = &mut out;
    let mut printer = Printer::new(context, asked, &files, &mut lines);
    let sources = Sources { files, console: None };
    let mut all = Following::of(sources, &filter, &mut printer, clock::now_ms());
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async { becomes(&mut all) });
    let text = String::from_utf8(out).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Lines of several files are printed in the order of time, and soon where nothing comes again.
#[test]
fn what_was_missed_of_several_files_is_told_soon_and_in_the_order_of_time() {
    let home = tempfile::tempdir().unwrap();
    let (infos, context) = (processes(home.path()), context(home.path()));
    let append = |name: &str, text: &str| {
        let file = std::fs::File::options().append(true).open(home.path().join(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    };
    let told = printed(&infos, &context, |all| {
        all.goes_away().unwrap();
        append("api", "2026-11-28T03:12:01Z one\n  of one\n2026-11-28T03:12:03Z three\n");
        append("web", "2026-11-28T03:12:02Z two\n2026-11-28T03:12:04Z four\n");
        all.missed().unwrap();
        pass(all, 800);
    });
    let words: Vec<_> = told.iter().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(words, ["one", "one", "two", "three", "four"], "{told:?}");
}

/// A bus that goes again and again keeps nothing away.
#[test]
fn what_was_missed_is_told_though_the_bus_never_stays() {
    let home = tempfile::tempdir().unwrap();
    let (infos, context) = (processes(home.path()), context(home.path()));
    let told = printed(&infos, &context, |all| {
        for n in 0..10 {
            all.goes_away().unwrap();
            let file = std::fs::File::options().append(true).open(home.path().join("api"));
            writeln!(file.unwrap(), "line {n}").unwrap();
            all.missed().unwrap();
            pass(all, 300);
        }
    });
    let words: Vec<_> = told.iter().filter_map(|line| line.split_whitespace().last()).collect();
    let wanted: Vec<String> = (0..words.len()).map(|n| n.to_string()).collect();
    assert!(words == wanted && words.len() >= 8, "{told:?}");
}

/// Nothing is dated before the start of the life that wrote it, whether events are asked for or not.
#[test]
fn what_a_life_wrote_that_began_since_is_not_dated_before_its_start() {
    let home = tempfile::tempdir().unwrap();
    let mut infos = processes(home.path());
    let (context, now_ms) = (context(home.path()), clock::now_ms());
    infos[0].online_since_ms = Some(now_ms - 1_000);
    infos[1].online_since_ms = Some(now_ms - 60_000);
    printed(&infos, &context, |all| {
        all.goes_away().unwrap();
        all.away_ms = Some(now_ms - 8_000);
        all.missed().unwrap();
        // When they were written last says nothing here.
        all.sources.iter_mut().for_each(|source| source.opened = None);
        let between = |index| all.missed_between(index, now_ms).0 - now_ms;
        assert_eq!([between(0), between(1)], [-1_000, -8_000]);
    });
}
