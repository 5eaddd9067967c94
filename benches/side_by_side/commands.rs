//! What `ls` and `call` take beside `pm2 jlist`, on the same daemon, in turns.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::now;
use crate::harness::procfs::Proc;
use crate::harness::screen::COCKPIT;

use super::table::Limit;

/// A command that answers and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// `pm2 jlist`.
    Jlist,
    /// `pm2-tui ls`.
    Ls,
    /// `pm2-tui ls --json`.
    LsJson,
    /// `pm2-tui call getMonitorData`: what `pm2 jlist` prints, too.
    Call,
}

/// One command's figures.
pub(crate) struct Asked {
    /// Which.
    pub(crate) command: Asking,
    /// From its start to its end, sorted.
    pub(crate) times: Vec<Duration>,
    /// Its largest resident memory.
    pub(crate) peak_bytes: u64,
}

impl Asking {
    const ALL: [Self; 4] = [Self::Jlist, Self::Ls, Self::LsJson, Self::Call];

    /// What is typed.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Jlist => "pm2 jlist",
            Self::Ls => "pm2-tui ls",
            Self::LsJson => "pm2-tui ls --json",
            Self::Call => "pm2-tui call getMonitorData",
        }
    }

    fn command(self, home: &Pm2Home) -> Command {
        match self {
            Self::Jlist => home.command(&["jlist"]),
            Self::Ls => own(home, &["ls"]),
            Self::LsJson => own(home, &["ls", "--json"]),
            Self::Call => own(home, &["call", "getMonitorData"]),
        }
    }
}

impl Asked {
    /// The median time.
    pub(crate) fn median(&self) -> Duration {
        *self.times.get(self.times.len() / 2).unwrap()
    }
}

/// pm2-tui on this home.
pub(crate) fn own(home: &Pm2Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(COCKPIT);
    command.args(arguments).current_dir(home.path()).env_clear().envs(home.environment());
    command
}

/// Runs every command so many times on a daemon with this many processes that do nothing.
pub(crate) fn measure(processes: usize, runs: usize) -> Vec<Asked> {
    let apps: Vec<App> =
        (1..=processes).map(|number| apps::sleeper(&format!("app-{number:03}"))).collect();
    let home = Pm2Home::with(Release::Seven, &apps);
    home.mark();
    let mut all = Asking::ALL.map(|command| Asked {
        command,
        times: Vec::new(),
        peak_bytes: peak_bytes(command, &home),
    });
    for _ in 0..runs {
        // In turns, so that a busy moment of the machine is not one command's alone.
        for asked in &mut all {
            asked.times.push(time(asked.command, &home));
        }
    }
    for asked in &mut all {
        asked.times.sort();
    }
    home.assert_unharmed_but(&[]);
    all.into()
}

fn time(asking: Asking, home: &Pm2Home) -> Duration {
    let mut command = asking.command(home);
    let started = now();
    let output = command.stdin(Stdio::null()).output().unwrap();
    let took = now() - started;
    assert!(output.status.success(), "{}: {output:?}", asking.label());
    assert!(
        memchr::memmem::find(&output.stdout, b"app-001").is_some(),
        "{} lists no process: {output:?}",
        asking.label()
    );
    took
}

/// The most memory that a command had when it has all but printed its answer: into a full pipe, so
/// that it is still there to be asked.
fn peak_bytes(asking: Asking, home: &Pm2Home) -> u64 {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    // What a pipe of Linux holds.
    writer.write_all(&vec![0; 64 * 1024]).unwrap();
    let mut child = asking.command(home).stdin(Stdio::null()).stdout(writer).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let process = Proc::find(child.id() as i32).unwrap();
    assert!(process.is_alive(), "{} ended without an answer", asking.label());
    let peak = process.memory_bytes("VmHWM");
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    peak
}

/// The limits of issue 3 on commands that answer and end.
pub(crate) fn limits(few: &[Asked], many: &[Asked]) -> Vec<Limit> {
    let mut limits = Vec::new();
    for (processes, all) in [("10", few), ("100", many)] {
        let jlist = all.iter().find(|asked| asked.command == Asking::Jlist).unwrap();
        for own in all.iter().filter(|asked| asked.command != Asking::Jlist) {
            let label = own.command.label();
            limits.push(Limit {
                what: format!("{label}, {processes} processes, ms: 1/10 of pm2 jlist"),
                own: own.median().as_secs_f64() * 1000.0,
                most: jlist.median().as_secs_f64() * 1000.0 / 10.0,
            });
            limits.push(Limit {
                what: format!("{label}, {processes} processes, peak memory, MB"),
                own: own.peak_bytes as f64 / 1e6,
                most: 20.0,
            });
        }
    }
    limits
}
