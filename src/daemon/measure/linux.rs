//! Reads `/proc`. All of it blocks.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use procfs::process::Stat;
use procfs::{Current, FromRead, LoadAverage, Meminfo};
use tokio::time::Instant;

use crate::model::system::{Host, Measured, Usage};
use crate::protocol::process::PmId;

/// How often all processes of the machine are looked at for children of those that are measured.
const SCAN_MS: u128 = 5_000;
/// Each of so many looks asks all of them anew; the others ask only those that are new, or that lost
/// their parent. An id that another process got meanwhile is noticed by that.
const SCANS_TO_WHOLE: u32 = 12;
/// Longer than any line of `/proc/PID/stat`: 52 numbers and a name of 64 bytes at most.
const STAT_BYTES_MAX: usize = 2_048;
/// The most descendants of one process that are measured.
const DESCENDANTS_MAX: usize = 256;

/// The CPU time of a process when it was last read.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    /// Tells a process from another one that has its id later.
    started: u64,
    used: u64,
    at: Instant,
}

/// What was read before.
#[derive(Debug, Default)]
pub(super) struct Probe {
    ticks: HashMap<u32, Ticks>,
    /// The parent of each process of the machine, and the children of each.
    parents: HashMap<u32, u32>,
    children: HashMap<u32, Vec<u32>>,
    scans: u32,
    scanned_at: Option<Instant>,
    /// How many cores there are: the files of control groups are read for it.
    core_count: Option<u16>,
    /// The ticks of all cores at the last look: busy, and all.
    cores: Option<(u64, u64)>,
    /// For how long the machine is up, and when that was read; for one look.
    up: Option<(f64, Instant)>,
}

impl Probe {
    /// Notes the CPU time of all children of the daemon, for the look to come; how many there are.
    pub(super) fn begin(&mut self, god: u32) -> usize {
        self.scan();
        let own = self.children.get(&god).cloned().unwrap_or_default();
        let family = own.iter().flat_map(|pid| descendants(&self.children, *pid, DESCENDANTS_MAX));
        let family: Vec<u32> = family.map(|(pid, _)| pid).collect();
        for pid in own.iter().copied().chain(family) {
            if let Some(stat) = stat(pid) {
                self.usage(pid, &stat, &HashMap::new());
            }
        }
        own.len()
    }

    /// CPU and memory of the children of the daemon among these, without those of theirs.
    pub(super) fn own(&mut self, god: u32, pids: &[(PmId, u32)]) -> Vec<(PmId, Usage)> {
        self.up = None;
        let before = std::mem::take(&mut self.ticks);
        let usage = |(pm_id, pid): &(PmId, u32)| {
            let stat = stat(*pid).filter(|stat| parent(stat) == Some(god))?;
            Some((*pm_id, self.usage(*pid, &stat, &before)))
        };
        pids.iter().filter_map(usage).collect()
    }

    /// CPU and memory of the children of the daemon among these.
    pub(super) fn measure(&mut self, god: u32, pids: &[(PmId, u32)]) -> Vec<Measured> {
        if self.scanned_at.is_none_or(|at| at.elapsed().as_millis() >= SCAN_MS) {
            self.scan();
        }
        self.up = None;
        let before = std::mem::take(&mut self.ticks);
        let mut measured = Vec::with_capacity(pids.len());
        for (pm_id, pid) in pids {
            let Some(stat) = stat(*pid).filter(|stat| parent(stat) == Some(god)) else { continue };
            let own = self.usage(*pid, &stat, &before);
            let family = descendants(&self.children, *pid, DESCENDANTS_MAX);
            let mut tree = own;
            let mut count = 0;
            for (child, _) in family {
                // One that ended meanwhile, or whose id another one has, is none.
                let Some(stat) = stat_of_child(child, &self.children) else { continue };
                let usage = self.usage(child, &stat, &before);
                tree.cpu_percent += usage.cpu_percent;
                tree.memory_bytes = tree.memory_bytes.saturating_add(usage.memory_bytes);
                count += 1;
            }
            measured.push(Measured { pm_id: *pm_id, pid: *pid, own, tree, descendants: count });
        }
        if let Some(usage) = before.get(&god) {
            // Read less often.
            self.ticks.entry(god).or_insert(*usage);
        }
        measured
    }

    /// Looks at all processes of the machine.
    fn scan(&mut self) {
        let known = std::mem::take(&mut self.parents);
        let is_whole = self.scans.is_multiple_of(SCANS_TO_WHOLE);
        self.scans = self.scans.wrapping_add(1);
        self.parents = parents(if is_whole { None } else { Some(&known) });
        self.children = children_of(&self.parents);
        self.scanned_at = Some(Instant::now());
    }

    /// The machine and the daemon.
    pub(super) fn host(&mut self, god: u32) -> Host {
        let memory = Meminfo::current().ok();
        let memory = memory.and_then(|memory| Some((memory.mem_total, memory.mem_available?)));
        let before = self.ticks.clone();
        let god = stat(god).map(|stat| self.usage(god, &stat, &before));
        let ticks = cores_ticks();
        let before = std::mem::replace(&mut self.cores, ticks);
        Host {
            load: LoadAverage::current().ok().map(|load| load.one),
            cores: *self.core_count.get_or_insert_with(core_count),
            cpu_percent: busy_percent(before, ticks),
            memory,
            god,
        }
    }

    /// CPU since it was last read, else over its life; and memory.
    fn usage(&mut self, pid: u32, stat: &Stat, before: &HashMap<u32, Ticks>) -> Usage {
        let now = Instant::now();
        let (started, used) = (stat.starttime, stat.utime.saturating_add(stat.stime));
        let before = before.get(&pid).filter(|before| before.started == started);
        let per_second = procfs::ticks_per_second().max(1) as f64;
        let (ticks, seconds) = match before {
            Some(before) => {
                (used.saturating_sub(before.used), now.duration_since(before.at).as_secs_f64())
            }
            None => (used, self.age_s(stat).unwrap_or(0.0)),
        };
        self.ticks.insert(pid, Ticks { started, used, at: now });
        let percent = ticks as f64 / per_second / seconds * 100.0;
        Usage {
            // At once after the start, nothing can be told.
            cpu_percent: if percent.is_finite() && seconds > 0.1 { percent as f32 } else { 0.0 },
            memory_bytes: stat.rss.saturating_mul(procfs::page_size()),
        }
    }

    /// For how long a process has run, seconds.
    fn age_s(&mut self, stat: &Stat) -> Option<f64> {
        let (up, at) = match self.up {
            Some(up) => up,
            None => (procfs::Uptime::current().ok()?.uptime, Instant::now()),
        };
        self.up = Some((up, at));
        let started = stat.starttime as f64 / procfs::ticks_per_second().max(1) as f64;
        Some(up + at.elapsed().as_secs_f64() - started)
    }
}

fn core_count() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores).unwrap_or(u16::MAX)
}

/// Ticks of all cores since boot: busy, and all (`/proc/stat`).
fn cores_ticks() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    ticks_of(text.lines().next()?)
}

/// Those of its first line: user, nice, system, idle, iowait, irq, softirq, steal; guests are in user.
fn ticks_of(line: &str) -> Option<(u64, u64)> {
    let numbers = line.strip_prefix("cpu ")?.split_whitespace().take(8);
    let ticks: Vec<u64> = numbers.map(|number| number.parse().unwrap_or(0)).collect();
    let all = ticks.iter().fold(0_u64, |sum, ticks| sum.saturating_add(*ticks));
    let idle = ticks.iter().skip(3).take(2).fold(0_u64, |sum, ticks| sum.saturating_add(*ticks));
    Some((all.saturating_sub(idle), all))
}

fn busy_percent(before: Option<(u64, u64)>, now: Option<(u64, u64)>) -> Option<f32> {
    let ((busy_before, all_before), (busy, all)) = (before?, now?);
    let all = all.checked_sub(all_before).filter(|all| *all > 0)?;
    Some((busy.saturating_sub(busy_before) as f64 / all as f64 * 100.0) as f32)
}

/// What `/proc/PID/stat` says. Read each second of each process, so with three calls to the system:
/// the kernel gives the line whole.
pub(super) fn stat(pid: u32) -> Option<Stat> {
    let mut file = std::fs::File::open(format!("/proc/{pid}/stat")).ok()?;
    let mut line = [0; STAT_BYTES_MAX];
    let length = file.read(&mut line).ok()?;
    Stat::from_read(line.get(..length)?).ok()
}

/// The same of a child, as long as it is one.
fn stat_of_child(pid: u32, children: &HashMap<u32, Vec<u32>>) -> Option<Stat> {
    let stat = stat(pid)?;
    let siblings = children.get(&parent(&stat)?)?;
    siblings.contains(&pid).then_some(stat)
}

/// The process that started it, or took it over.
fn parent(stat: &Stat) -> Option<u32> {
    u32::try_from(stat.ppid).ok()
}

/// The children of each process of the machine.
pub(super) fn children() -> HashMap<u32, Vec<u32>> {
    children_of(&parents(None))
}

fn children_of(parents: &HashMap<u32, u32>) -> HashMap<u32, Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (pid, parent) in parents {
        children.entry(*parent).or_default().push(*pid);
    }
    for siblings in children.values_mut() {
        siblings.sort_unstable();
    }
    children
}

/// The parent of each process of the machine; of those that are known, and whose parent is still
/// there, as it was known.
fn parents(known: Option<&HashMap<u32, u32>>) -> HashMap<u32, u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pid = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    let pids: HashSet<u32> = entries.filter_map(pid).collect();
    let parent_of = |pid: &u32| {
        let known = known.and_then(|known| known.get(pid)).copied();
        let known = known.filter(|parent| *parent == 0 || pids.contains(parent));
        Some((*pid, known.or_else(|| parent(&stat(*pid)?))?))
    };
    pids.iter().filter_map(parent_of).collect()
}

/// The descendants of a process, each before its own children, with how far it is from it; at most so
/// many.
pub(super) fn descendants(
    children: &HashMap<u32, Vec<u32>>,
    pid: u32,
    most: usize,
) -> Vec<(u32, u8)> {
    let mut found = Vec::new();
    let of = |pid: u32| children.get(&pid).into_iter().flatten().rev().copied();
    let mut left: Vec<(u32, u8)> = of(pid).map(|child| (child, 1)).collect();
    while let Some((pid, depth)) = left.pop() {
        if found.len() >= most {
            break;
        }
        found.push((pid, depth));
        left.extend(of(pid).map(|child| (child, depth.saturating_add(1))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_stand_behind_their_parents() {
        let children = HashMap::from([(1, vec![2, 5]), (2, vec![3, 4]), (4, vec![6])]);
        let of = |most| descendants(&children, 1, most);
        assert_eq!(of(9), [(2, 1), (3, 2), (4, 2), (6, 3), (5, 1)]);
        assert_eq!(of(2), [(2, 1), (3, 2)]);
        assert_eq!(descendants(&children, 7, 9), []);
    }

    #[test]
    fn only_new_processes_and_those_without_their_parent_are_asked() {
        let own = std::process::id();
        let parent = parent(&stat(own).unwrap()).unwrap();
        assert_eq!(parents(None).get(&own), Some(&parent));
        // Whoever is there is taken at its word, and 1 always is.
        let known = |parent| HashMap::from([(own, parent), (u32::MAX, 1)]);
        let now = parents(Some(&known(1)));
        assert_eq!((now.get(&own), now.get(&u32::MAX)), (Some(&1), None));
        assert_eq!(parents(Some(&known(u32::MAX))).get(&own), Some(&parent));
        let mut probe = Probe { parents: known(1), scans: 1, ..Probe::default() };
        probe.scan();
        assert!(!probe.children.get(&parent).is_some_and(|those| those.contains(&own)));
        probe.scans = SCANS_TO_WHOLE;
        probe.scan();
        assert!(probe.children.get(&parent).is_some_and(|those| those.contains(&own)));
    }

    #[test]
    fn the_cores_are_busy_but_for_idle_and_waiting() {
        let line = |text| ticks_of(text);
        assert_eq!(line("cpu  10 1 5 70 4 3 2 1 9 9"), Some((22, 96)));
        assert_eq!(line("cpu0 1 2 3"), None);
        assert_eq!(busy_percent(Some((22, 96)), Some((72, 196))), Some(50.0));
        assert_eq!(busy_percent(Some((22, 96)), Some((22, 96))), None);
        assert_eq!(busy_percent(None, Some((22, 96))), None);
        assert!(cores_ticks().is_some());
    }

    #[test]
    fn only_children_of_the_daemon_are_measured() {
        let own = std::process::id();
        let stat = stat(own).unwrap();
        let parent = parent(&stat).unwrap();
        let mut probe = Probe::default();
        let measured = probe.measure(parent, &[(PmId(3), own)]);
        let [one] = &measured[..] else { panic!("{measured:?}") };
        assert_eq!((one.pm_id, one.pid), (PmId(3), own));
        assert!(one.own.memory_bytes > 1 << 20 && one.tree.memory_bytes >= one.own.memory_bytes);
        assert_eq!(probe.measure(own, &[(PmId(3), own)]), [], "not its own child");
        assert_eq!(probe.measure(parent, &[(PmId(3), u32::MAX)]), []);
        let host = probe.host(own);
        assert!(host.memory.is_some() && host.load.is_some());
        assert!(host.god.unwrap().memory_bytes > 1 << 20);
    }
}
