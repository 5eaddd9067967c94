//! The figures in words and columns.

use std::time::Duration;

use super::burst::{self, Burst};
use super::commands::{Asked, Asking};
use super::piped::{Follower, Piped};
use super::rest::AtRest;
use super::watcher::Watcher;

/// A limit and what was measured.
pub(crate) struct Limit {
    /// What is limited, with its unit.
    pub(crate) what: String,
    /// pm2-tui's figure.
    pub(crate) own: f64,
    /// What it may be at most.
    pub(crate) most: f64,
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn milliseconds(time: Option<Duration>) -> String {
    time.map_or("-".to_owned(), |time| format!("{:.0} ms", time.as_secs_f64() * 1000.0))
}

/// How many times less the second is than the first.
fn ratio(theirs: f64, own: f64) -> String {
    // Past that, one of them is lost in the measurement's grain.
    if own > 0.0 && theirs > 0.0 && theirs / own < 500.0 {
        format!("1/{:.1}", theirs / own)
    } else {
        "-".to_owned()
    }
}

/// A line of the table: what it is, how it is shown, and its number, both given God's CPU alone.
type Figure = (&'static str, fn(&AtRest, f64) -> String, fn(&AtRest, f64) -> f64);

/// What watching costs at rest, a column for each watcher.
pub(crate) fn print_rest(title: &str, all: &[AtRest]) {
    let nobody = all
        .iter()
        .find(|one| one.watcher == Watcher::Nobody)
        .map_or(0.0, |one| one.god_cpu_percent);
    let watchers: Vec<&AtRest> = all.iter().filter(|one| one.watcher != Watcher::Nobody).collect();
    println!("### {title}, 120x40, at rest; God alone takes {nobody:.2} % CPU\n");
    print!("| |");
    for one in &watchers {
        print!(" {} |", one.watcher.label());
    }
    println!(" pm2-tui of pm2 monit |");
    println!("|---|{}---|", "---|".repeat(watchers.len()));
    let figures: [Figure; 5] = [
        (
            "time to the first row",
            |one, _| milliseconds(one.first_row),
            |one, _| one.first_row.map_or(0.0, |time| time.as_secs_f64()),
        ),
        ("resident memory", |one, _| mib(one.resident_bytes), |one, _| one.resident_bytes as f64),
        ("own CPU", |one, _| format!("{:.2} %", one.cpu_percent), |one, _| one.cpu_percent),
        (
            "God's extra CPU",
            |one, nobody| format!("{:.2} %", one.god_cpu_percent - nobody),
            |one, nobody| one.god_cpu_percent - nobody,
        ),
        (
            "bytes to the terminal a second",
            |one, _| format!("{:.0}", one.bytes_per_second),
            |one, _| one.bytes_per_second,
        ),
    ];
    let find = |watcher| all.iter().find(|one| one.watcher == watcher);
    for (what, shown, figure) in figures {
        print!("| {what} |");
        for one in &watchers {
            print!(" {} |", shown(one, nobody));
        }
        match (find(Watcher::Monit), find(Watcher::Cockpit)) {
            (Some(monit), Some(own)) => {
                println!(" {} |", ratio(figure(monit, nobody), figure(own, nobody)));
            }
            _ => println!(" - |"),
        }
    }
    println!();
}

/// What a burst costs, a line for each watcher.
pub(crate) fn print_bursts(lines: u64, rounds: usize, bursts: &[Burst]) {
    println!(
        "### A burst of {lines} log lines, each under a fresh God; the first five are medians of {rounds} in turns\n"
    );
    println!(
        "| watcher | own CPU | own peak memory | God's peak memory | of draining | app wrote for | last line after |"
    );
    println!("|---|---|---|---|---|---|---|");
    let drain = bursts
        .iter()
        .find(|burst| burst.watcher == Watcher::Drain)
        .map_or(f64::NAN, |burst| burst.god_peak_bytes as f64);
    for burst in bursts {
        let has_process = !matches!(burst.watcher, Watcher::Nobody | Watcher::Drain);
        let own = |text: String| if has_process { text } else { "-".to_owned() };
        println!(
            "| {} | {} | {} | {} | {:.2} | {:.1} s | {} |",
            burst::label(burst.watcher, burst.is_reading),
            own(format!("{:.2} s", burst.cpu_seconds)),
            own(mib(burst.peak_bytes)),
            mib(burst.god_peak_bytes),
            burst.god_peak_bytes as f64 / drain,
            burst.app_took.as_secs_f64(),
            milliseconds(burst.last_line_after),
        );
    }
    println!(
        "\nLast line: from the app's end; where the terminal had stopped, from its going on.\n"
    );
}

/// What commands that answer and end take, a line for each.
pub(crate) fn print_asked(title: &str, all: &[Asked]) {
    println!("### {title}, asked {} times in turns\n", all.first().map_or(0, |a| a.times.len()));
    println!("| command | median | fastest | slowest | of pm2 jlist | peak memory |");
    println!("|---|---|---|---|---|---|");
    let seconds = |asked: &Asked| asked.median().as_secs_f64();
    let jlist = all.iter().find(|asked| asked.command == Asking::Jlist).map_or(0.0, seconds);
    for asked in all {
        let shown = |time: Option<&Duration>| {
            time.map_or("-".to_owned(), |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0))
        };
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            asked.command.label(),
            shown(Some(&asked.median())),
            shown(asked.times.first()),
            shown(asked.times.last()),
            ratio(jlist, seconds(asked)),
            mib(asked.peak_bytes),
        );
    }
    println!();
}

/// What following a burst into a pipe costs, a line for each follower.
pub(crate) fn print_piped(lines: u64, rounds: usize, medians: &[Piped]) {
    println!(
        "### A burst of {lines} log lines into a pipe, each under a fresh God; the medians of {rounds} in turns\n"
    );
    println!(
        "| follower | own CPU | of pm2 logs --json | own peak memory | God's peak memory | of draining | last line after | events | lines | lost | wrong |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let find = |follower| medians.iter().find(|piped| piped.follower == follower);
    let drain = find(Follower::Drain).map_or(f64::NAN, |piped| piped.god_peak_bytes as f64);
    let logs = find(Follower::Logs).map_or(f64::NAN, |piped| piped.cpu_seconds);
    for piped in medians {
        let is_drain = piped.follower == Follower::Drain;
        let own = |text: String| if is_drain { "-".to_owned() } else { text };
        println!(
            "| {} | {} | {} | {} | {} | {:.2} | {} | {} | {} | {} | {} |",
            piped.follower.label(),
            own(format!("{:.2} s", piped.cpu_seconds)),
            own(ratio(logs, piped.cpu_seconds)),
            own(mib(piped.peak_bytes)),
            mib(piped.god_peak_bytes),
            piped.god_peak_bytes as f64 / drain,
            milliseconds(piped.last_line_after),
            own(piped.events.to_string()),
            own(piped.came.lines.to_string()),
            own(piped.came.lost.to_string()),
            own(piped.came.wrong.to_string()),
        );
    }
    println!(
        "\nLast line: from the app's end; where the pipe was not read, from its going on. Lines, lost and wrong: the worst of all rounds.\n"
    );
}

/// The limits, and whether they are met.
pub(crate) fn print_limits(limits: &[Limit]) {
    println!("### Limits\n");
    println!("| what | at most | pm2-tui | |");
    println!("|---|---|---|---|");
    for limit in limits {
        let verdict = if limit.own <= limit.most { "met" } else { "**not met**" };
        println!("| {} | {:.3} | {:.3} | {verdict} |", limit.what, limit.most, limit.own);
    }
    println!("| God alive and its pid unchanged | | | met (asserted after each part) |");
}
