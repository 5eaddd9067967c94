//! What following the bus into a pipe costs while an app logs as fast as it can: `events` beside
//! `pm2 logs --json`, with every line counted that comes out of the pipe.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::apps::{self, FLOOD_TEXT, LAST_LINE};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::{Proc, connections_to};
use crate::harness::{now, wait_until};

use super::burst::{drain, flood, middle};
use super::commands::own;
use super::table::Limit;
use super::watcher::NEVER;

/// Who follows the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follower {
    /// A thread that reads the bus and does nothing with it.
    Drain,
    /// `pm2 logs --json`.
    Logs,
    /// `pm2-tui events`.
    Events,
    /// `pm2-tui events --json`.
    EventsJson,
    /// The same, where nobody reads its pipe before the burst is over.
    Stopped,
}

/// One follower's figures.
pub(crate) struct Piped {
    /// Who.
    pub(crate) follower: Follower,
    /// Its own CPU from the burst's start until its last line had come.
    pub(crate) cpu_seconds: f64,
    /// Its largest resident memory.
    pub(crate) peak_bytes: u64,
    /// God's largest resident memory from the burst's start on.
    pub(crate) god_peak_bytes: u64,
    /// From the app's end (or, where the pipe was not read, from its going on) to the last line in
    /// the pipe.
    pub(crate) last_line_after: Option<Duration>,
    /// How many events that was: God says several lines in one, fewer the busier it is.
    pub(crate) events: u64,
    /// What came out of the pipe; nothing of the drain.
    pub(crate) came: Came,
}

/// The burst's lines as they came out of the pipe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Came {
    /// How many came, each once, in order and whole.
    pub(crate) lines: u64,
    /// How many are missing.
    pub(crate) lost: u64,
    /// What else came: lines broken, twice or out of order.
    pub(crate) wrong: u64,
}

impl Follower {
    /// Every one, the one that the others are measured against first.
    pub(crate) const ALL: [Self; 5] =
        [Self::Drain, Self::Logs, Self::Events, Self::EventsJson, Self::Stopped];

    /// Its name in the tables.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Drain => "a draining reader",
            Self::Logs => "pm2 logs --json",
            Self::Events => "pm2-tui events",
            Self::EventsJson => "pm2-tui events --json",
            Self::Stopped => "pm2-tui events --json, pipe not read",
        }
    }

    fn command(self, home: &Pm2Home) -> Option<Command> {
        match self {
            Self::Drain => None,
            Self::Logs => Some(home.command(&["logs", "--json", "--lines", "0"])),
            Self::Events => Some(own(home, &["events"])),
            Self::EventsJson | Self::Stopped => Some(own(home, &["events", "--json"])),
        }
    }

    /// What the app said in this line of output.
    fn said(self, line: &str) -> Option<String> {
        let (topic, topics, said) = match self {
            Self::Drain => return None,
            Self::Logs => ("/type", "out", "/message"),
            Self::Events => return line.split_once(" log:out ").map(|(_, said)| said.to_owned()),
            Self::EventsJson | Self::Stopped => ("/topic", "log:out", "/data/data"),
        };
        let json: Value = serde_json::from_str(line).unwrap();
        let text = |path| json.pointer(path).and_then(Value::as_str);
        text(said).filter(|_| text(topic) == Some(topics)).map(str::to_owned)
    }
}

/// A follower and what it wrote.
struct Running {
    child: Child,
    process: Proc,
    /// Lets the reader of its pipe begin.
    go: mpsc::SyncSender<()>,
    last_line: mpsc::Receiver<Instant>,
    written: JoinHandle<Vec<u8>>,
}

/// Runs one burst under a fresh daemon.
pub(crate) fn measure(follower: Follower, lines: u64) -> Piped {
    let home = Pm2Home::with(Release::Seven, &[apps::flood("flood", lines, 0)]);
    home.mark();
    let god = home.living_god();
    let drained = (follower == Follower::Drain).then(|| drain(&home));
    let running = follower.command(&home).map(|command| start(command, lines));
    wait_until("the follower is on the bus", || !connections_to(&home.bus()).is_empty());
    // On the bus, but perhaps still busy with its own start.
    std::thread::sleep(Duration::from_secs(2));
    let cpu_before = running.as_ref().map_or(0.0, |running| running.process.cpu_seconds());
    god.reset_peak();
    let is_read = follower != Follower::Stopped;
    if let Some(running) = running.as_ref().filter(|_| is_read) {
        running.go.send(()).unwrap();
    }
    let (_, mut ended) = flood(&home);
    if let Some(running) = running.as_ref().filter(|_| !is_read) {
        // Long enough for God to send all it has.
        std::thread::sleep(Duration::from_secs(5));
        ended = now();
        running.go.send(()).unwrap();
    }
    let last_line = match (&running, &drained) {
        (Some(running), _) => running.last_line.recv_timeout(NEVER),
        (None, Some(drained)) => drained.recv_timeout(NEVER),
        (None, None) => Err(mpsc::RecvTimeoutError::Disconnected),
    };
    let process = running.as_ref().map(|running| running.process);
    let mut figures = Piped {
        follower,
        cpu_seconds: process.map_or(0.0, |process| process.cpu_seconds() - cpu_before),
        peak_bytes: process.map_or(0, |process| process.memory_bytes("VmHWM")),
        god_peak_bytes: god.memory_bytes("VmHWM"),
        last_line_after: last_line.ok().map(|at| at.saturating_duration_since(ended)),
        events: 0,
        came: Came::default(),
    };
    if let Some(mut running) = running {
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        let written = String::from_utf8(running.written.join().unwrap()).unwrap();
        let said: Vec<String> = written.lines().filter_map(|line| follower.said(line)).collect();
        figures.events = said.len() as u64;
        figures.came = count(&said.concat(), lines);
    }
    home.assert_unharmed_but(&[]);
    figures
}

/// Starts it with its output in a pipe that is read as fast as it comes, once that is allowed.
fn start(mut command: Command, lines: u64) -> Running {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let (sender, last_line) = mpsc::sync_channel(1);
    let (go, may_read) = mpsc::sync_channel(1);
    let written = std::thread::spawn(move || {
        // An error is the end of the bench.
        let _ = may_read.recv();
        let marker = LAST_LINE.as_bytes();
        // Room for all, and looked at only when it is over: reading has to be the least of it.
        let mut all = Vec::with_capacity(lines as usize * 160);
        let mut buffer = vec![0; 256 * 1024];
        let mut found = None;
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            let came = buffer.get(..count).unwrap_or_default();
            // The marker may lie across two reads.
            let from = all.len().saturating_sub(marker.len());
            all.extend_from_slice(came);
            let tail = all.get(from..).unwrap_or_default();
            found = found.or_else(|| memchr::memmem::find(tail, marker).map(|at| from + at));
            let last = found.and_then(|at| all.get(at..)).unwrap_or_default();
            if memchr::memchr(b'\n', last).is_some() {
                // Nobody waits for the second time that it is seen.
                let _ = sender.try_send(now());
            }
        }
        all
    });
    let process = Proc::find(child.id() as i32).unwrap();
    Running { child, process, go, last_line, written }
}

/// Counts the lines of a burst of this many in what its app said. Where one event ends in the
/// middle of a line, `events` and `pm2 logs --json` do not tell that from the line's end; so neither
/// line ends nor blanks count.
fn count(said: &str, lines: u64) -> Came {
    let bare = |text: &str| -> String {
        text.chars().filter(|c| !matches!(c, ' ' | '\n' | '|')).collect()
    };
    let said = bare(said);
    let end = bare(FLOOD_TEXT);
    let mut came = Came::default();
    let mut next = 1;
    for piece in said.split(end.as_str()) {
        let number = if piece == LAST_LINE { Some(lines) } else { piece.parse().ok() };
        match number.filter(|number| (next..=lines).contains(number)) {
            Some(number) => {
                came.lines += 1;
                came.lost += number - next;
                next = number + 1;
            }
            None => came.wrong += 1,
        }
    }
    came.lost += lines + 1 - next;
    came
}

/// The figures of several bursts of one follower: the median of each, and all that went wrong.
pub(crate) fn median(follower: Follower, all: &[Piped]) -> Piped {
    let own: Vec<&Piped> = all.iter().filter(|piped| piped.follower == follower).collect();
    let whole = |of: fn(&Piped) -> u64| middle(own.iter().map(|one| of(one)).collect(), u64::cmp);
    Piped {
        follower,
        cpu_seconds: middle(own.iter().map(|one| one.cpu_seconds).collect(), f64::total_cmp),
        events: whole(|one| one.events),
        peak_bytes: whole(|one| one.peak_bytes),
        god_peak_bytes: whole(|one| one.god_peak_bytes),
        last_line_after: middle(own.iter().map(|one| one.last_line_after).collect(), Ord::cmp),
        came: Came {
            lines: own.iter().map(|one| one.came.lines).min().unwrap(),
            lost: own.iter().map(|one| one.came.lost).max().unwrap(),
            wrong: own.iter().map(|one| one.came.wrong).max().unwrap(),
        },
    }
}

/// The limits of issues 3 and 7 on `events`, of the medians.
pub(crate) fn limits(medians: &[Piped]) -> Vec<Limit> {
    let find = |follower| medians.iter().find(|piped| piped.follower == follower).unwrap();
    let (drain, logs) = (find(Follower::Drain), find(Follower::Logs));
    let mut limits = Vec::new();
    for own in [Follower::Events, Follower::EventsJson, Follower::Stopped].map(find) {
        let label = own.follower.label();
        // Where nobody reads, events are lost, and it says how many.
        if own.follower != Follower::Stopped {
            limits.extend([
                Limit {
                    what: format!("burst, {label}, own CPU, s: 1/8 of pm2 logs --json"),
                    own: own.cpu_seconds,
                    most: logs.cpu_seconds / 8.0,
                },
                Limit {
                    what: format!("burst, {label}, lines lost or wrong in the pipe"),
                    own: (own.came.lost + own.came.wrong) as f64,
                    most: 0.0,
                },
            ]);
        }
        limits.extend([
            Limit {
                what: format!("burst, {label}, peak memory, MB"),
                own: own.peak_bytes as f64 / 1e6,
                most: 20.0,
            },
            Limit {
                what: format!("burst, {label}, God's peak, MiB: 1.10 of draining"),
                own: own.god_peak_bytes as f64 / f64::from(1 << 20),
                most: drain.god_peak_bytes as f64 / f64::from(1 << 20) * 1.10,
            },
        ]);
    }
    limits
}
