//! Facts about processes from `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A process that cannot be confused with a later one of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proc {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks after boot.
    started: u64,
}

/// The fields of `/proc/PID/stat` after the command's name; the first is the state.
fn stat(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything, so count from the last one.
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_ascii_whitespace().map(str::to_owned).collect())
}

impl Proc {
    /// The process that has this number now.
    pub fn find(pid: i32) -> Option<Self> {
        let started = stat(pid)?.get(19)?.parse().ok()?;
        Some(Self { pid, started })
    }

    /// State letter (`R`, `S`, `T`, `Z` ..); `None` once it is gone.
    pub fn state(self) -> Option<char> {
        let fields = stat(self.pid)?;
        (fields.get(19)?.parse() == Ok(self.started)).then(|| fields[0].chars().next())?
    }

    /// Whether it runs (a zombie does not).
    pub fn is_alive(self) -> bool {
        self.state().is_some_and(|state| state != 'Z')
    }

    /// Whether none of its threads has something to do at this moment.
    pub fn rests(self) -> bool {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.pid)) else { return true };
        threads.flatten().all(|thread| {
            let text = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            text.rsplit_once(") ").is_none_or(|(_, rest)| !rest.starts_with('R'))
        })
    }

    /// How many bytes its thread of this name has read so far, from anywhere; none without such a thread.
    pub fn bytes_read_by(self, name: &str) -> Option<u64> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?;
        let of = |path: &Path, file| fs::read_to_string(path.join(file)).ok();
        let mut paths = threads.flatten().map(|thread| thread.path());
        let path = paths.find(|path| of(path, "comm").is_some_and(|comm| comm.trim() == name))?;
        of(&path, "io")?.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse().ok())
    }

    /// Sends a signal, if it is still the same process.
    pub fn signal(self, signal: Signal) {
        if self.is_alive() {
            // It may end in between: then there is nothing to do.
            let _ = kill_process(Pid::from_raw(self.pid).unwrap(), signal);
        }
    }

    /// Waits for its end.
    pub fn ends_within(self, limit: Duration) -> bool {
        super::poll_for(limit, || (!self.is_alive()).then_some(())).is_some()
    }

    /// User and system time so far, seconds. All its threads, not its children.
    pub fn cpu_seconds(self) -> f64 {
        let Some(fields) = stat(self.pid) else {
            return f64::NAN;
        };
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// A line of `/proc/PID/status` in bytes, such as `VmRSS` or `VmHWM`.
    pub fn memory_bytes(self, line: &str) -> u64 {
        fs::read_to_string(format!("/proc/{}/status", self.pid))
            .unwrap_or_default()
            .lines()
            .find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))
            .and_then(|value| value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
            .unwrap_or(0)
            * 1024
    }

    /// Bytes that it handed to `write` and the like so far, to whatever.
    pub fn written_bytes(self) -> u64 {
        fs::read_to_string(format!("/proc/{}/io", self.pid))
            .unwrap()
            .lines()
            .find_map(|line| line.strip_prefix("wchar: ")?.parse().ok())
            .unwrap()
    }

    /// Makes `VmHWM` start again from what is resident now.
    pub fn reset_peak(self) {
        fs::write(format!("/proc/{}/clear_refs", self.pid), "5").unwrap();
    }

    /// Its children, their children, and so on.
    pub fn descendants(self) -> BTreeSet<Self> {
        let mut parents = vec![self.pid];
        let mut found = BTreeSet::new();
        let all: Vec<(i32, i32)> = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|pid: i32| Some((pid, stat(pid)?.get(1)?.parse().ok()?)))
            .collect();
        while let Some(parent) = parents.pop() {
            for &(pid, _) in all.iter().filter(|(_, of)| *of == parent) {
                if Self::find(pid).is_some_and(|child| found.insert(child)) {
                    parents.push(pid);
                }
            }
        }
        found
    }
}

/// User and system time, seconds, of all children of this process that ended and were waited for, with
/// theirs.
pub fn ended_children_cpu_seconds() -> f64 {
    let fields = stat(std::process::id() as i32).unwrap();
    let ticks: u64 = fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// The connections that the listener on this unix socket has accepted and not closed, by inode. A
/// client's end has no name of its own; the accepted end carries the listener's path.
pub fn connections_to(socket: &Path) -> BTreeSet<u64> {
    let path = socket.to_str().unwrap();
    fs::read_to_string("/proc/net/unix")
        .unwrap()
        .lines()
        .filter(|line| line.ends_with(path))
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        // Num RefCount Protocol Flags Type St Inode Path; St 03 is connected, 01 the listener.
        .filter(|fields| fields[5] == "03")
        .map(|fields| fields[6].parse().unwrap())
        .collect()
}
