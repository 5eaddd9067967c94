//! Large log files: a screen that opens 100 of 1 GB, a search through 1 GB beside `grep -c`, and a
//! million lines that are read again from their files.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::now;
use crate::harness::procfs;
use crate::harness::screen::Screen;

use super::commands::own;
use super::table::Limit;
use super::watcher::{NEVER, SIZE};

/// How many large files, and how large each is, bytes.
const FILES: usize = 100;
const FILE_BYTES: u64 = 1 << 30;
/// Lines at the end of each.
const LINES: usize = 1_000;
/// Lines that are read again, of so many files.
const AGAIN: (usize, usize) = (1_000_000, 4);
const MIB: f64 = 1024.0 * 1024.0;

fn line(number: usize) -> String {
    let (minute, second) = (number / 60 % 60, number % 60);
    let hour = number / 3_600 % 24;
    let text =
        format!("2026-11-28T{hour:02}:{minute:02}:{second:02}.000Z INFO request {number} of app ");
    format!("{text:.<99}\n")
}

/// All that is measured here, as limits.
pub(crate) fn measure(is_quick: bool) -> Vec<Limit> {
    let mut limits = opening();
    limits.push(search(if is_quick { FILE_BYTES / 10 } else { FILE_BYTES }));
    limits.push(read_again());
    limits
}

/// Opens 100 files of 1 GB, which are holes but for their ends.
fn opening() -> Vec<Limit> {
    eprintln!("{FILES} log files of 1 GB ..");
    let apps: Vec<App> =
        (0..FILES).map(|number| apps::sleeper(&format!("app-{number:03}"))).collect();
    let home = Pm2Home::with(Release::Seven, &apps);
    let (first_before, memory_before) = screen(&home);
    let lists = least(5, || own(&home, &["list"]));
    let text: String = (0..LINES).map(line).collect();
    for number in 0..FILES {
        let path = home.path().join(format!("logs/app-{number:03}-out.log"));
        let file = File::options().write(true).open(path).unwrap();
        file.write_all_at(text.as_bytes(), FILE_BYTES - text.len() as u64).unwrap();
    }
    let (first_after, memory_after) = screen(&home);
    let lines = (LINES * FILES).to_string();
    let logs = least(5, || own(&home, &["logs", "--out", "-n", &lines]));
    println!("### {FILES} log files of 1 GB\n");
    println!("| | without | with |\n|---|---|---|");
    println!("| first row | {} ms | {} ms |", first_before.as_millis(), first_after.as_millis());
    println!("| memory | {memory_before:.1} MiB | {memory_after:.1} MiB |");
    println!(
        "| `list`, `logs -n {lines}` | {} ms | {} ms |",
        lists.time.as_millis(),
        logs.time.as_millis()
    );
    println!("| CPU of these | {:.0} ms | {:.0} ms |\n", lists.cpu * 1e3, logs.cpu * 1e3);
    let seconds = |time: Duration| time.as_secs_f64();
    vec![
        Limit {
            what: "first row with 100 log files of 1 GB, s: as without, 20 % more".to_owned(),
            own: seconds(first_after),
            most: seconds(first_before) * 1.2 + 0.05,
        },
        Limit {
            what: "the last 1,000 lines of each, printed, s: 0.2 over `list`".to_owned(),
            own: seconds(logs.time.saturating_sub(lists.time)),
            most: 0.2,
        },
        Limit {
            what: "the last 1,000 lines of each, printed, CPU, s: 0.2 over `list`".to_owned(),
            own: logs.cpu - lists.cpu,
            most: 0.2,
        },
        Limit {
            what: "memory with 100 log files of 1 GB, MiB: 20 more".to_owned(),
            own: memory_after - memory_before,
            most: 20.0,
        },
    ]
}

/// The time to the first row, and the memory some seconds later, MiB; medians of three.
fn screen(home: &Pm2Home) -> (Duration, f64) {
    let mut figures: Vec<(Duration, f64)> = (0..3)
        .map(|_| {
            let mut screen = Screen::cockpit(SIZE, &["--home", home.path().to_str().unwrap()]);
            screen.wait_within(NEVER, |text| text.contains("app-000")).unwrap();
            let time = now() - screen.spawned;
            std::thread::sleep(Duration::from_secs(5));
            let memory = screen.process().memory_bytes("VmRSS") as f64 / MIB;
            screen.press("q");
            (time, memory)
        })
        .collect();
    figures.sort_by_key(|(time, _)| *time);
    *figures.get(1).unwrap()
}

/// Searches a file for a word that is on its first line only, beside `grep -c`.
fn search(bytes: u64) -> Limit {
    eprintln!("a search through {} MB ..", bytes >> 20);
    let home = Pm2Home::with(Release::Seven, &[apps::sleeper("app")]);
    let path = home.path().join("logs/app-out.log");
    write_lines(&path, bytes);
    let grep = |path: &Path| {
        let mut command = Command::new("grep");
        command.args(["-c", "needle"]).arg(path).env("LC_ALL", "C");
        command
    };
    let theirs = least(3, || grep(&path));
    let ours = least(3, || own(&home, &["logs", "--grep", "needle"]));
    println!("### A word in {} MB of history, least of 3\n", bytes >> 20);
    println!("| | `grep -c` | `pm2-tui logs --grep` |\n|---|---|---|");
    println!("| CPU | {:.0} ms | {:.0} ms |", theirs.cpu * 1e3, ours.cpu * 1e3);
    println!("| time | {} ms | {} ms |\n", theirs.time.as_millis(), ours.time.as_millis());
    Limit {
        what: "search of history on demand, CPU, s: 3 times grep -c".to_owned(),
        own: ours.cpu,
        most: theirs.cpu * 3.0,
    }
}

fn write_lines(path: &Path, bytes: u64) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    out.write_all(b"the needle\n").unwrap();
    let mut written = 0;
    for number in 0.. {
        if written >= bytes {
            break;
        }
        let line = line(number);
        out.write_all(line.as_bytes()).unwrap();
        written += line.len() as u64;
    }
}

/// A million lines in the screen, that stay in their files.
fn read_again() -> Limit {
    let (lines, files) = AGAIN;
    eprintln!("{lines} lines that stay in their files ..");
    let apps: Vec<App> = (0..files).map(|number| apps::sleeper(&format!("app-{number}"))).collect();
    let home = Pm2Home::with(Release::Seven, &apps);
    for number in 0..files {
        let text: String = (0..lines / files).map(line).collect();
        fs::write(home.path().join(format!("logs/app-{number}-out.log")), text).unwrap();
    }
    let most = (lines * 2).to_string();
    let arguments = ["--home", home.path().to_str().unwrap(), "--log-lines", &most];
    let mut screen = Screen::cockpit(SIZE, &arguments);
    screen.wait_within(NEVER, |text| text.contains("request")).unwrap();
    // The log, its first line, and then all that is before.
    for key in ["\t", "g", "g"] {
        screen.press(key);
        std::thread::sleep(Duration::from_secs(1));
    }
    screen.wait_within(NEVER, |text| text.contains("where the log files begin")).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let memory = screen.process().memory_bytes("VmRSS") as f64 / MIB;
    screen.press("q");
    Limit {
        what: "memory with 1,000,000 lines that are read again, MiB".to_owned(),
        own: memory,
        most: 48.0,
    }
}

/// What a command took.
#[derive(Debug, Clone, Copy)]
struct Took {
    /// From its start to its end.
    time: Duration,
    /// User and system time of all its processes, seconds.
    cpu: f64,
}

/// The least of so many runs, without their output.
fn least(runs: usize, command: impl Fn() -> Command) -> Took {
    let all: Vec<Took> = (0..runs).map(|_| run(command())).collect();
    let time = all.iter().map(|took| took.time).min().unwrap();
    let cpu = all.iter().map(|took| took.cpu).min_by(f64::total_cmp).unwrap();
    Took { time, cpu }
}

fn run(mut command: Command) -> Took {
    // Into a pipe: into `/dev/null` grep stops at the first match.
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let (started, before) = (now(), procfs::ended_children_cpu_seconds());
    let status = command.output().unwrap().status;
    assert!(status.success(), "{command:?}: {status}");
    Took { time: now() - started, cpu: procfs::ended_children_cpu_seconds() - before }
}
