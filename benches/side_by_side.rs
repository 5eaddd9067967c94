//! pm2-tui beside PM2's own `pm2 monit`, `pm2 logs` and `pm2 jlist`, on the same work in the same
//! run: a real PM2 in homes of its own, each watcher in a pseudo-terminal of 120x40 and each command
//! in a pipe, one after another.
//!
//! `cargo bench --bench side_by_side`; `-- --commands` leaves the screen out. These measure one thing
//! only: `-- --bursts` the bursts, `-- --piped` those into a pipe, `-- --history` the history of logs,
//! `-- --large` large log files, `-- --rest` the screen at rest with 10 processes. `-- --quick` (or
//! `SIDE_BY_SIDE_QUICK=1`) tries it with a tenth of the work. Needs Linux, node and npm. Figures of a
//! busy machine mean little.
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
    pub(crate) mod history;
    pub(crate) mod large;
    pub(crate) mod piped;
    pub(crate) mod rest;
    pub(crate) mod table;
    pub(crate) mod watcher;
}

use std::time::Duration;

use side_by_side::burst::{self, Burst};
use side_by_side::commands;
use side_by_side::history;
use side_by_side::large;
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
    /// How many bursts each watcher and follower gets that has a limit.
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
        Work { window: Duration::from_secs(4), starts: 2, lines: 200_000, asks: 5, rounds: 1 }
    } else {
        // God looks after its processes every 30 s: each window has that once.
        Work { window: Duration::from_secs(30), starts: 5, lines: 2_000_000, asks: 21, rounds: 5 }
    };
    if arguments.iter().any(|argument| argument == "--rest") {
        let few = rest::measure(10, &work);
        println!();
        table::print_rest("10 idle processes (node)", &few);
        table::print_limits(&rest_limits(&few));
        return;
    }
    let mut limits = Vec::new();
    let is_only = |part: &str| arguments.iter().any(|argument| argument == part);
    if is_only("--history") {
        limits.extend(history_of_logs(&work));
    } else if is_only("--large") {
        limits.extend(large::measure(is_quick));
    } else if is_only("--piped") {
        limits.extend(bursts_into_a_pipe(&work));
    } else if is_only("--bursts") {
        limits.extend(bursts(&work, &[]));
        limits.extend(bursts_into_a_pipe(&work));
    } else {
        if !is_only("--commands") {
            limits.extend(screen(&work));
        }
        limits.extend(commands_without_screen(&work));
    }
    table::print_limits(&limits);
}

/// Measures and prints what the screen costs, and gives the limits of that.
fn screen(work: &Work) -> Vec<Limit> {
    eprintln!("10 idle processes ..");
    let few = rest::measure(10, work);
    eprintln!("100 idle processes ..");
    let many = rest::measure(100, work);
    let first_frame = rest::first_frame_without_an_answer();

    println!();
    table::print_rest("10 idle processes (node)", &few);
    table::print_rest("100 idle processes (/bin/sleep)", &many);
    let mut limits = limits(&few, &many, first_frame);
    let others = [(Watcher::Nobody, true), (Watcher::Monit, true), (Watcher::Logs, false)];
    limits.extend(bursts(work, &others));
    limits
}

/// Measures and prints what a burst costs beside the screen and `others`, which get one each, and
/// gives the limits of that.
fn bursts(work: &Work, others: &[(Watcher, bool)]) -> Vec<Limit> {
    const LIMITED: [(Watcher, bool); 5] = [
        (Watcher::Drain, true),
        (Watcher::Logs, true),
        (Watcher::Raw, true),
        (Watcher::Cockpit, true),
        (Watcher::Cockpit, false),
    ];
    let measure = |&(watcher, is_reading): &(Watcher, bool)| {
        eprintln!("burst, {} ..", burst::label(watcher, is_reading));
        let one = burst::measure(watcher, is_reading, work.lines);
        eprintln!("  God's peak {:.1} MiB", one.god_peak_bytes as f64 / f64::from(1 << 20));
        one
    };
    // In turns, so that what else the machine does hits all alike.
    let all: Vec<Burst> = (0..work.rounds).flat_map(|_| LIMITED.iter().map(measure)).collect();
    let mut shown: Vec<Burst> = LIMITED.map(|(who, how)| burst::median(who, how, &all)).into();
    shown.extend(others.iter().map(measure));
    table::print_bursts(work.lines, work.rounds, &shown);
    burst_limits(&shown)
}

/// Measures and prints what the commands without a screen cost, and gives the limits of that.
fn commands_without_screen(work: &Work) -> Vec<Limit> {
    eprintln!("commands, 10 processes ..");
    let few = commands::measure(10, work.asks);
    eprintln!("commands, 100 processes ..");
    let many = commands::measure(100, work.asks);
    println!();
    table::print_asked("10 processes", &few);
    table::print_asked("100 processes", &many);
    let mut limits = commands::limits(&few, &many);
    limits.extend(history_of_logs(work));
    limits.extend(bursts_into_a_pipe(work));
    limits
}

/// Measures and prints what the last lines of log files cost, and gives the limits of that.
fn history_of_logs(work: &Work) -> Vec<Limit> {
    eprintln!("history of four log files ..");
    let all = history::measure(work.asks.div_ceil(3));
    history::print(&all);
    history::limits(&all)
}

/// Measures and prints what a burst costs that goes into a pipe, and gives the limits of that.
fn bursts_into_a_pipe(work: &Work) -> Vec<Limit> {
    let mut all: Vec<Piped> = Vec::new();
    for round in 1..=work.rounds {
        // In turns, as the commands.
        for follower in Follower::ALL {
            eprintln!("burst into a pipe, {}, round {round} ..", follower.label());
            let one = piped::measure(follower, work.lines);
            eprintln!("  God's peak {:.1} MiB", one.god_peak_bytes as f64 / f64::from(1 << 20));
            all.push(one);
        }
    }
    let medians = Follower::ALL.map(|follower| piped::median(follower, &all));
    table::print_piped(work.lines, work.rounds, &medians);
    piped::limits(&medians)
}

fn of(watcher: Watcher, all: &[AtRest]) -> &AtRest {
    all.iter().find(|one| one.watcher == watcher).unwrap()
}

/// The limits of what the screen costs at rest, with what was measured.
fn rest_limits(few: &[AtRest]) -> Vec<Limit> {
    let (monit, own) = (of(Watcher::Monit, few), of(Watcher::Cockpit, few));
    vec![
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
            what: "own CPU at rest, 10 processes, %: 1/30 of pm2 monit".to_owned(),
            own: own.cpu_percent,
            most: monit.cpu_percent / 30.0,
        },
        Limit {
            what: "terminal bytes a second at rest, 10 processes".to_owned(),
            own: own.bytes_per_second,
            most: 200.0,
        },
    ]
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Seconds, or infinity for never.
fn seconds(time: Option<Duration>) -> f64 {
    time.map_or(f64::INFINITY, |time| time.as_secs_f64())
}

/// The limits of what the screen costs but in a burst, with what was measured.
fn limits(few: &[AtRest], many: &[AtRest], first_frame: Option<Duration>) -> Vec<Limit> {
    let (monit_many, own_many) = (of(Watcher::Monit, many), of(Watcher::Cockpit, many));
    let nobody_many = of(Watcher::Nobody, many).god_cpu_percent;
    let mut limits = rest_limits(few);
    limits.extend([
        Limit {
            what: "first frame with a daemon that never answers, s".to_owned(),
            own: seconds(first_frame),
            most: 1.0,
        },
        Limit {
            what: "God's extra CPU, 100 processes, %: that of pm2 monit".to_owned(),
            own: own_many.god_cpu_percent - nobody_many,
            most: monit_many.god_cpu_percent - nobody_many,
        },
    ]);
    limits
}

/// The limits of the screen in a burst.
fn burst_limits(bursts: &[Burst]) -> Vec<Limit> {
    let find = |watcher, is_reading| {
        bursts
            .iter()
            .find(|burst| burst.watcher == watcher && burst.is_reading == is_reading)
            .unwrap()
    };
    let (drain, logs) = (find(Watcher::Drain, true), find(Watcher::Logs, true));
    let (reading, stopped) = (find(Watcher::Cockpit, true), find(Watcher::Cockpit, false));
    vec![
        Limit {
            what: "burst, own CPU, s: 1/8 of pm2 logs".to_owned(),
            own: reading.cpu_seconds,
            most: logs.cpu_seconds / 8.0,
        },
        Limit {
            what: "burst, God's peak, terminal reading, MiB: 1.10 of draining".to_owned(),
            own: mib(reading.god_peak_bytes),
            most: mib(drain.god_peak_bytes) * 1.10,
        },
        Limit {
            what: "burst, God's peak, terminal stopped, MiB: 1.10 of draining".to_owned(),
            own: mib(stopped.god_peak_bytes),
            most: mib(drain.god_peak_bytes) * 1.10,
        },
    ]
}
