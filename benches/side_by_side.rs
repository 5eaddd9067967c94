//! pm2-tui beside PM2's own `pm2 monit`, `pm2 logs` and `pm2 jlist`, on the same work in the same
//! run: a real PM2 in homes of its own, each watcher in a pseudo-terminal of 120x40 and each command
//! in a pipe, one after another.
//!
//! `cargo bench --bench side_by_side`; `-- --commands` leaves the screen out; `-- --quick` (or
//! `SIDE_BY_SIDE_QUICK=1`) tries it with a tenth of the work. Needs Linux, node and npm. Figures of a busy machine mean little.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints, and panics when it cannot measure"
)]

#[path = "../tests/harness/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod harness;
mod side_by_side {
    pub(crate) mod burst;
    pub(crate) mod commands;
    pub(crate) mod piped;
    pub(crate) mod rest;
    pub(crate) mod table;
    pub(crate) mod watcher;
}

use std::time::Duration;

use side_by_side::burst::{self, Burst};
use side_by_side::commands;
use side_by_side::piped::{self, Follower, Piped};
use side_by_side::rest::{self, AtRest};
use side_by_side::table::{self, Limit};
use side_by_side::watcher::Watcher;

/// How much is done.
struct Work {
    /// How long CPU and bytes at rest are measured.
    window: Duration,
    /// How often a watcher is started for the time to its first row.
    starts: usize,
    /// Lines of a burst.
    lines: u64,
    /// How often each command that answers and ends is run.
    asks: usize,
    /// Lines of a burst into a pipe.
    piped_lines: u64,
    /// How many such bursts each follower gets.
    rounds: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = arguments.iter().any(|argument| argument == "--quick")
        || std::env::var_os("SIDE_BY_SIDE_QUICK").is_some();
    if !is_quick && !arguments.iter().any(|argument| argument == "--bench") {
        // `cargo test --benches` runs this too, where nobody wants to wait for it.
        println!("side_by_side measures with `cargo bench` only");
        return;
    }
    let work = if is_quick {
        Work {
            window: Duration::from_secs(4),
            starts: 2,
            lines: 200_000,
            asks: 5,
            piped_lines: 100_000,
            rounds: 1,
        }
    } else {
        // God looks after its processes every 30 s: each window has that once.
        Work {
            window: Duration::from_secs(30),
            starts: 5,
            lines: 2_000_000,
            asks: 21,
            piped_lines: 1_000_000,
            rounds: 3,
        }
    };
    let mut limits = Vec::new();
    if !arguments.iter().any(|argument| argument == "--commands") {
        limits.extend(screen(&work));
    }
    limits.extend(commands_without_screen(&work));
    table::print_limits(&limits);
}

/// Measures and prints what the screen costs, and gives the limits of that.
fn screen(work: &Work) -> Vec<Limit> {
    eprintln!("10 idle processes ..");
    let few = rest::measure(10, work);
    eprintln!("100 idle processes ..");
    let many = rest::measure(100, work);
    let bursts: Vec<Burst> = [
        (Watcher::Drain, true),
        (Watcher::Nobody, true),
        (Watcher::Monit, true),
        (Watcher::Logs, true),
        (Watcher::Logs, false),
        (Watcher::Cockpit, true),
        (Watcher::Cockpit, false),
    ]
    .into_iter()
    .map(|(watcher, is_reading)| {
        eprintln!("burst, {} ..", burst::label(watcher, is_reading));
        burst::measure(watcher, is_reading, work.lines)
    })
    .collect();
    let first_frame = rest::first_frame_without_an_answer();

    println!();
    table::print_rest("10 idle processes (node)", &few);
    table::print_rest("100 idle processes (/bin/sleep)", &many);
    table::print_bursts(work.lines, &bursts);
    limits(&few, &many, &bursts, first_frame)
}

/// Measures and prints what the commands without a screen cost, and gives the limits of that.
fn commands_without_screen(work: &Work) -> Vec<Limit> {
    eprintln!("commands, 10 processes ..");
    let few = commands::measure(10, work.asks);
    eprintln!("commands, 100 processes ..");
    let many = commands::measure(100, work.asks);
    let mut all: Vec<Piped> = Vec::new();
    for round in 1..=work.rounds {
        // In turns, as the commands.
        for follower in Follower::ALL {
            eprintln!("burst into a pipe, {}, round {round} ..", follower.label());
            all.push(piped::measure(follower, work.piped_lines));
        }
    }
    let medians = Follower::ALL.map(|follower| piped::median(follower, &all));

    println!();
    table::print_asked("10 processes", &few);
    table::print_asked("100 processes", &many);
    table::print_piped(work.piped_lines, work.rounds, &medians);
    let mut limits = commands::limits(&few, &many);
    limits.extend(piped::limits(&medians));
    limits
}

fn of(watcher: Watcher, all: &[AtRest]) -> &AtRest {
    all.iter().find(|one| one.watcher == watcher).unwrap()
}

/// The limits of issue 2, with what was measured.
fn limits(
    few: &[AtRest],
    many: &[AtRest],
    bursts: &[Burst],
    first_frame: Option<Duration>,
) -> Vec<Limit> {
    let (monit, own) = (of(Watcher::Monit, few), of(Watcher::Cockpit, few));
    let (monit_many, own_many) = (of(Watcher::Monit, many), of(Watcher::Cockpit, many));
    let nobody_many = of(Watcher::Nobody, many).god_cpu_percent;
    let find = |watcher, is_reading| {
        bursts
            .iter()
            .find(|burst| burst.watcher == watcher && burst.is_reading == is_reading)
            .unwrap()
    };
    let (drain, logs) = (find(Watcher::Drain, true), find(Watcher::Logs, true));
    let (reading, stopped) = (find(Watcher::Cockpit, true), find(Watcher::Cockpit, false));
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let seconds = |time: Option<Duration>| time.map_or(f64::INFINITY, |time| time.as_secs_f64());
    vec![
        Limit {
            what: "first frame with a daemon that never answers, s".to_owned(),
            own: seconds(first_frame),
            most: 1.0,
        },
        Limit {
            what: "first row, 10 processes, s: 1/5 of pm2 monit".to_owned(),
            own: seconds(own.first_row),
            most: seconds(monit.first_row) / 5.0,
        },
        Limit {
            what: "resident memory, 10 processes, MiB: 1/8 of pm2 monit".to_owned(),
            own: mib(own.resident_bytes),
            most: mib(monit.resident_bytes) / 8.0,
        },
        Limit {
            what: "own CPU at rest, 10 processes, %: 1/20 of pm2 monit".to_owned(),
            own: own.cpu_percent,
            most: monit.cpu_percent / 20.0,
        },
        Limit {
            what: "God's extra CPU, 100 processes, %: that of pm2 monit".to_owned(),
            own: own_many.god_cpu_percent - nobody_many,
            most: monit_many.god_cpu_percent - nobody_many,
        },
        Limit {
            what: "terminal bytes a second at rest, 10 processes".to_owned(),
            own: own.bytes_per_second,
            most: 300.0,
        },
        Limit {
            what: "burst, own CPU, s: 1/5 of pm2 logs".to_owned(),
            own: reading.cpu_seconds,
            most: logs.cpu_seconds / 5.0,
        },
        Limit {
            what: "burst, God's peak, terminal reading, MiB: 1.15 of draining".to_owned(),
            own: mib(reading.god_peak_bytes),
            most: mib(drain.god_peak_bytes) * 1.15,
        },
        Limit {
            what: "burst, God's peak, terminal stopped, MiB: 1.15 of draining".to_owned(),
            own: mib(stopped.god_peak_bytes),
            most: mib(drain.god_peak_bytes) * 1.15,
        },
    ]
}
