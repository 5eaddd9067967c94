//! What happens, on the bus and in files, and what is printed of that.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::events::{Console, Wanted};
use super::super::filter::Filter;
use super::super::print::Printer;
use super::super::said::Said;
use super::super::source::Source;
use super::super::{Context, Sources, source};
use super::*;
use crate::cli::{LogTime, Logs};
use crate::client::ClientOptions;
use crate::daemon::clock;
use crate::daemon::endpoint::Endpoint;
use crate::protocol::bus::LogStream;
use crate::protocol::process::{ProcessInfo, ProcessStatus};

const EXIT: &str = "App [api:3] exited with code [1] via signal [SIGINT]";

/// What commands know of a daemon in this home.
pub(in crate::headless::logs) fn context(home: &Path) -> Context {
    Context {
        endpoint: Endpoint::in_home(home),
        options: ClientOptions::default(),
        yes: false,
        is_terminal: false,
        is_ascii: true,
        utc_offset_s: 0,
        words: Vec::new(),
        refuses: None,
        book: None,
    }
}

/// `logs -f --events`.
pub(in crate::headless::logs) fn asked() -> Logs {
    Logs {
        targets: Vec::new(),
        lines: None,
        since: None,
        until: None,
        follow: true,
        grep: None,
        exclude: None,
        level: None,
        out: false,
        err: false,
        events: true,
        json: false,
        raw: false,
        time: LogTime::Off,
    }
}

/// What is done, step by step.
enum Step {
    /// Written into the file of this output, and on the bus.
    Says(LogStream, &'static str),
    /// Only in the file: the daemon did not know yet that somebody listens.
    Unheard(&'static str),
    /// Only in the file: the bus lost it.
    Lost(&'static str),
    /// The same, while the bus was away: for 10 s, and the file was written last 6 s ago.
    Away(&'static str),
    /// The console says that it ended.
    Ends,
    /// Nothing for a while, milliseconds.
    Waits(u64),
    /// The same on the bus alone, which comes faster than it was said.
    Passes(i64),
}

/// The bus was away for 10 s, and the file of the first output was written last 6 s ago: between what is known what
/// was missed is dated.
fn goes_away<W: Write>(all: &mut Following<'_, '_, W>, path: &Path, at_ms: i64) {
    let opened = std::fs::File::options().append(true).open(path).unwrap();
    let written_ms = u64::try_from(at_ms - 6_000).unwrap();
    opened.set_modified(std::time::UNIX_EPOCH + Duration::from_millis(written_ms)).unwrap();
    all.goes_away().unwrap();
    all.away_ms = Some(at_ms - 10_000);
    all.missed().unwrap();
    let mut between = |word: &'static str, ago_ms: i64, is_estimated: bool| {
        let mut event = Event::for_test(3, word);
        event.line.is_estimated = is_estimated;
        event.label = "api[3]".into();
        event.line.at_ms = at_ms - ago_ms;
        all.tell(vec![event]).unwrap();
        let (from_ms, to_ms) = all.missed_between(0, at_ms);
        (at_ms - from_ms, at_ms - to_ms)
    };
    assert_eq!(between("restart", 9_500, true), (10_000, 6_000));
    assert_eq!(between("online", 9_000, true), (9_000, 6_000));
    assert_eq!(between("exit", 7_000, true), (9_000, 7_000), "it ended then");
    assert_eq!(between("online", 500, false), (9_000, 6_000), "it goes on");
}

/// What is printed of a process that writes two files, by these steps.
fn printed(filter: &Filter, steps: &[Step]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = |stream: LogStream| -> PathBuf { folder.path().join(format!("{stream:?}")) };
    let write = |stream: LogStream, text: &str| {
        let mut file = std::fs::File::options().append(true).open(path(stream)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    for stream in [LogStream::Out, LogStream::Err] {
        std::fs::write(path(stream), "old\n").unwrap();
    }
    let mut info = ProcessInfo::new(PmId(3), "api", ProcessStatus::Online);
    info.logs.out = path(LogStream::Out).to_str().map(Into::into);
    info.logs.err = path(LogStream::Err).to_str().map(Into::into);
    let (context, infos) = (context(Path::new("/nowhere")), [info]);
    let mut files = source::of((&infos, &infos), &asked(), &context);
    files.iter_mut().for_each(Source::measure);
    files.iter_mut().for_each(Source::measure_after);
    let console = Console::nowhere(Wanted::of((&infos, &infos), false, &context));
    let mut out = Vec::new();
    let mut printer = Printer::new(&context, &asked(), &files, &mut out);
    let sources = Sources { files, console: Some(console) };
    let mut all = Following::of(sources, filter, &mut printer, clock::now_ms());
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut passed_ms = 0;
        for step in steps {
            let at_ms = clock::now_ms() + passed_ms;
            match step {
                Step::Says(stream, text) => {
                    write(*stream, text);
                    let (name, text) = ("api".into(), (*text).to_owned());
                    all.take_of(&Said { id: 3, name, stream: *stream, at_ms, text }).unwrap();
                }
                Step::Unheard(text) => write(LogStream::Out, text),
                Step::Lost(text) => {
                    write(LogStream::Out, text);
                    all.lost(1).unwrap();
                }
                Step::Away(text) => {
                    write(LogStream::Out, text);
                    goes_away(&mut all, &path(LogStream::Out), at_ms);
                }
                Step::Ends => {
                    let process = serde_json::json!({ "pm_id": "PM2" });
                    let json = serde_json::json!({ "process": process, "data": EXIT, "at": at_ms });
                    let json = json.to_string().into_bytes();
                    all.happened(&Message::new("log:PM2".into(), json.into(), at_ms)).unwrap();
                }
                Step::Passes(ms) => passed_ms += ms,
                Step::Waits(ms) => {
                    for _ in 0..ms.div_ceil(25) {
                        tokio::time::advance(Duration::from_millis(25)).await;
                        all.look_all(false, true).unwrap();
                    }
                }
            }
        }
        all.look_all(true, true).unwrap();
    });
    let text = String::from_utf8(out).unwrap();
    let said = |line: &str| {
        let said = line.split_once("] ").unwrap().1;
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    text.lines().map(said).collect()
}

use LogStream::{Err, Out};
use Step::{Away, Ends, Lost, Passes, Says, Unheard, Waits};

/// What was lost is told first, and then what was said since, and what happened, in its order.
#[test]
fn what_happens_stands_behind_what_was_lost_before_it() {
    let begin = || vec![Says(Out, "one\n"), Waits(3_000), Lost("lost\n")];
    let wanted = ["| one", "| lost", "! W dies", "* exit code 1", "| again", "* exit code 1"];
    for (name, rest) in [
        ("at once", vec![Says(Err, "dies\n"), Ends, Says(Out, "again\n"), Waits(5_000), Ends]),
        (
            "apart",
            vec![
                Says(Err, "dies\n"),
                Waits(50),
                Ends,
                Waits(300),
                Says(Out, "again\n"),
                Waits(5_000),
                Ends,
            ],
        ),
    ] {
        let steps: Vec<Step> = begin().into_iter().chain(rest).collect();
        assert_eq!(printed(&Filter::any(), &steps), wanted, "{name}");
    }
    // Where nothing comes again, that is waited for no longer than it is looked for.
    let steps = begin().into_iter().chain([Ends, Waits(2_500), Says(Out, "later\n"), Waits(1_000)]);
    let wanted = ["| one", "| lost", "* exit code 1", "| later"];
    assert_eq!(printed(&Filter::any(), &steps.collect::<Vec<_>>()), wanted);
}

/// An entry waits a moment for its rest: an end that comes then waits with it, and not for what follows.
#[test]
fn an_end_stands_behind_an_entry_that_waits_for_its_rest() {
    let filter = Filter::for_test(Some("x.js|exit|next|begun"), None, None);
    let joined = || vec![Says(Err, "none\n"), Says(Out, "none\n"), Waits(3_000)];
    let trace = "! E Error: boom";
    for (steps, wanted) in [
        (
            vec![Says(Err, "Error: boom\n    at a (x.js:1:1)\n"), Ends, Waits(500)],
            vec![trace, "! E at a (x.js:1:1)", "* exit code 1"],
        ),
        (
            vec![
                Says(Err, "Error: boom\n"),
                Ends,
                Says(Out, "next out\n"),
                Says(Err, "    at a (x.js:1:1)\nother\n"),
                Waits(500),
            ],
            vec![trace, "! E at a (x.js:1:1)", "* exit code 1", "| next out"],
        ),
        (
            vec![Says(Err, "begun"), Ends, Says(Err, " and over\nnext err\n"), Waits(500)],
            vec!["! W begun and over", "* exit code 1", "! W next err"],
        ),
    ] {
        let steps: Vec<Step> = joined().into_iter().chain(steps).collect();
        assert_eq!(printed(&filter, &steps), wanted);
    }
}

/// What was said some time apart comes at once where it was not taken for a while: that of each life is told in its
/// order, whatever may go on.
#[test]
fn what_comes_at_once_is_told_in_the_order_of_the_bus() {
    let filter = Filter::for_test(None, Some("flood"), None);
    let life = || [Says(Out, "HELLO\n"), Passes(1_500), Says(Err, "LAST\n"), Ends, Passes(150)];
    let wanted = ["| HELLO", "! W LAST", "* exit code 1"].repeat(3);
    // Which of the outputs is looked at first is by chance.
    for _ in 0..10 {
        let mut steps = vec![Says(Err, "flood\n"), Says(Out, "flood\n"), Waits(3_000)];
        (0..3).for_each(|_| steps.extend(life()));
        steps.push(Waits(500));
        assert_eq!(printed(&filter, &steps), wanted);
    }
}

/// What was said while the bus was away is not dated behind the time when its file was written last, nor behind the
/// end of the life that said it, nor before its start.
#[test]
fn what_was_missed_is_dated_between_what_is_known() {
    let steps = [Says(Out, "one\n"), Waits(3_000), Away("missed\n"), Waits(3_000)];
    let told = printed(&Filter::any(), &steps);
    let said: Vec<_> = told.iter().filter(|line| line.starts_with('|')).collect();
    assert_eq!(said, ["| one", "| missed"]);
}

/// What was written before the daemon knew that somebody listens is told before what its process said and did since,
/// and once, whether its output says something soon or not.
#[test]
fn what_came_on_no_bus_at_the_start_stands_before_what_did() {
    let wanted = ["| starts", "! W dies", "* exit code 1", "| again"];
    for waits in [0, 100, 300, 600, 3_000] {
        let steps = [
            Unheard("starts\n"),
            Says(Err, "dies\n"),
            Ends,
            Waits(waits),
            Says(Out, "again\n"),
            Waits(1_000),
        ];
        assert_eq!(printed(&Filter::any(), &steps), wanted, "{waits}");
    }
}
