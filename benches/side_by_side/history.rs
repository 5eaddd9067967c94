//! What `pm2-tui logs` of four files takes beside `tail` and `sort`, and beside `pm2 logs --nostream`.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::now;
use crate::harness::procfs;

use super::commands::own;
use super::table::Limit;

/// How many files.
const FILES: usize = 4;
/// Lines taken of each, and how many each has.
const LINES: (usize, usize) = (25_000, 100_000);

/// How often each runs in its turn: the kernel tells CPU time in ticks of 10 ms, and one run takes
/// five of them.
const RUNS_OF_A_TURN: usize = 10;

/// Who prints the last lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// `tail -q -n 25000 FILES | sort`.
    TailSort,
    /// `pm2 logs --nostream --lines 25000`.
    Logs,
    /// `pm2-tui logs --lines 100000`.
    Own,
}

/// What one took.
#[derive(Debug, Clone)]
pub(crate) struct Took {
    /// Who.
    pub(crate) reader: Reader,
    /// User and system time of all its processes, seconds a run, each turn; sorted.
    pub(crate) cpu_seconds: Vec<f64>,
    /// From its start to its end, sorted.
    pub(crate) times: Vec<Duration>,
}

impl Took {
    /// The median CPU time, seconds.
    pub(crate) fn cpu(&self) -> f64 {
        *self.cpu_seconds.get(self.cpu_seconds.len() / 2).unwrap()
    }

    /// The median time.
    pub(crate) fn time(&self) -> Duration {
        *self.times.get(self.times.len() / 2).unwrap()
    }
}

impl Reader {
    const ALL: [Self; 3] = [Self::TailSort, Self::Logs, Self::Own];

    /// What is typed.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::TailSort => "tail -q -n 25000 FILES \\| sort",
            Self::Logs => "pm2 logs --nostream --lines 25000",
            Self::Own => "pm2-tui logs --lines 100000",
        }
    }

    fn command(self, home: &Pm2Home, files: &[PathBuf]) -> Command {
        match self {
            Self::TailSort => {
                let mut command = Command::new("sh");
                command.args(["-c", &format!("tail -q -n {} \"$@\" | sort", LINES.0), "sh"]);
                // Log files are UTF-8, and so is the locale of who reads them.
                command.args(files).env("LC_ALL", "C.UTF-8");
                command
            }
            Self::Logs => {
                let lines = LINES.0.to_string();
                home.command(&["logs", "--nostream", "--out", "--lines", &lines])
            }
            Self::Own => {
                let lines = (LINES.0 * FILES).to_string();
                own(home, &["logs", "--out", "--lines", &lines])
            }
        }
    }
}

/// Lets each have so many turns of [`RUNS_OF_A_TURN`].
pub(crate) fn measure(turns: usize) -> Vec<Took> {
    let apps: Vec<App> = (0..FILES).map(|number| apps::sleeper(&format!("app-{number}"))).collect();
    let home = Pm2Home::with(Release::Seven, &apps);
    let file = |number| home.path().join(format!("logs/app-{number}-out.log"));
    let files: Vec<PathBuf> = (0..FILES).map(file).collect();
    for (number, file) in files.iter().enumerate() {
        fs::write(file, text(number)).unwrap();
    }
    for reader in Reader::ALL {
        let output = reader.command(&home, &files).stdin(Stdio::null()).output().unwrap();
        let lines = memchr::memchr_iter(b'\n', &output.stdout).count();
        assert!(lines >= LINES.0 * FILES, "{} printed {lines} lines", reader.label());
    }
    let mut all = Reader::ALL.map(|reader| Took { reader, cpu_seconds: vec![], times: vec![] });
    for _ in 0..turns {
        // In turns, so that a busy moment of the machine is not one reader's alone.
        for took in &mut all {
            let before = procfs::ended_children_cpu_seconds();
            for _ in 0..RUNS_OF_A_TURN {
                let mut command = took.reader.command(&home, &files);
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                let started = now();
                assert!(command.status().unwrap().success());
                took.times.push(now() - started);
            }
            let spent = procfs::ended_children_cpu_seconds() - before;
            took.cpu_seconds.push(spent / RUNS_OF_A_TURN as f64);
        }
    }
    for took in &mut all {
        took.times.sort();
        took.cpu_seconds.sort_by(f64::total_cmp);
    }
    all.into()
}

/// Lines as a service writes them, every 40 ms by its own clock.
fn text(number: usize) -> String {
    let mut text = String::new();
    for line in 0..LINES.1 {
        let ms = line * 40 + number * 10;
        let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
        let (second, ms) = (ms / 1_000 % 60, ms % 1_000);
        let _ = writeln!(
            text,
            "2026-11-28T{hour:02}:{minute:02}:{second:02}.{ms:03}Z INFO request {line} of app {number} \
             GET /v1/orders/{} 200 {}ms",
            line * 7 % 10_007,
            line % 97
        );
    }
    text
}

/// Prints them.
pub(crate) fn print(all: &[Took]) {
    println!(
        "### The last 100,000 lines of four files, medians of {} turns of {RUNS_OF_A_TURN} runs\n",
        all.first().unwrap().cpu_seconds.len()
    );
    println!("| | CPU | time |\n|---|---|---|");
    for took in all {
        let (label, cpu, time) = (took.reader.label(), took.cpu() * 1e3, took.time().as_millis());
        println!("| `{label}` | {cpu:.0} ms | {time} ms |");
    }
    println!();
}

/// The limits of issue 8 on history.
pub(crate) fn limits(all: &[Took]) -> Vec<Limit> {
    let cpu = |reader| all.iter().find(|took| took.reader == reader).map_or(f64::NAN, Took::cpu);
    let own = cpu(Reader::Own);
    vec![
        Limit {
            what: "history of four files, CPU, s: 1/5 of pm2 logs --nostream".to_owned(),
            own,
            most: cpu(Reader::Logs) / 5.0,
        },
        Limit {
            what: "history of four files, CPU, s: tail and sort together".to_owned(),
            own,
            most: cpu(Reader::TailSort),
        },
    ]
}
