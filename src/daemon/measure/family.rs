//! The family of a process and where it listens (docs/pm2-ops.md section 7). All of it blocks.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;

use procfs::net::{TcpNetEntry, TcpState, tcp, tcp6};
use procfs::process::{FDTarget, Process};

use super::Clusters;
use super::linux::{children, descendants, stat};
use crate::model::system::{Family, Listener, Listens, Member};
use crate::protocol::process::{ExecMode, ProcessInfo};
use crate::protocol::text::clean_to;

/// The most members that are told of.
const MEMBERS_MAX: usize = 64;
/// The most ports.
const LISTENS_MAX: usize = 64;
/// A command line is cut after so many characters.
const COMMAND_CHARS_MAX: usize = 400;

/// The family of a process that is a child of the daemon.
pub(super) fn family(god: u32, info: &ProcessInfo, clusters: &Clusters) -> Option<Family> {
    let pid = info.pid?;
    stat(pid).filter(|stat| u32::try_from(stat.ppid).ok() == Some(god))?;
    let mut pids = vec![(pid, 0)];
    pids.extend(descendants(&children(), pid, usize::MAX));
    let members = pids.iter().take(MEMBERS_MAX).filter_map(|(pid, depth)| member(*pid, *depth));
    let members: Vec<Member> = members.collect();
    let more = pids.len().saturating_sub(MEMBERS_MAX);
    let mut owners: HashMap<u64, u32> = HashMap::new();
    let mut is_partial = false;
    for (pid, _) in &pids {
        match sockets(*pid) {
            Some(inodes) => owners.extend(inodes.into_iter().map(|inode| (inode, *pid))),
            None => is_partial = true,
        }
    }
    let table: Vec<TcpNetEntry> = [tcp(), tcp6()].into_iter().flatten().flatten().collect();
    let listening = || table.iter().filter(|entry| entry.state == TcpState::Listen);
    let own = listening().filter_map(|entry| {
        let pid = owners.get(&entry.inode)?;
        Some(listens(entry.local_address, Listener::Own(*pid)))
    });
    let mut ports: Vec<Listens> = own.collect();
    if info.exec_mode == ExecMode::Cluster {
        // The daemon listens for its clusters.
        let of_god = sockets(god);
        is_partial |= of_god.is_none();
        let of_god: HashSet<u64> = of_god.unwrap_or_default().into_iter().collect();
        let shared: Vec<SocketAddr> = listening()
            .filter(|entry| of_god.contains(&entry.inode))
            .map(|entry| entry.local_address)
            .collect();
        let accepted: BTreeSet<u16> = table
            .iter()
            .filter(|entry| entry.state == TcpState::Established)
            .filter(|entry| owners.contains_key(&entry.inode))
            .map(|entry| entry.local_address.port())
            .collect();
        ports.extend(of_cluster(&shared, &accepted, clusters));
    }
    ports.sort_by(|one, other| one.address.cmp(&other.address));
    ports.dedup();
    ports.truncate(LISTENS_MAX);
    Some(Family { members, more, listens: ports, is_partial })
}

/// Which of the ports on which the daemon listens are a cluster's: those of connections that its
/// process has; else its `PORT`; else all, where there is no other cluster; else nobody knows.
fn of_cluster(
    shared: &[SocketAddr],
    accepted: &BTreeSet<u16>,
    clusters: &Clusters,
) -> Vec<Listens> {
    let of = |is_it: &dyn Fn(u16) -> bool| -> Vec<Listens> {
        let own = shared.iter().filter(|address| is_it(address.port()));
        own.map(|address| listens(*address, Listener::Daemon)).collect()
    };
    let connected = of(&|port| accepted.contains(&port));
    if !connected.is_empty() {
        return connected;
    }
    let named = of(&|port| clusters.port == Some(port));
    if !named.is_empty() {
        return named;
    }
    if clusters.count <= 1 {
        return of(&|_| true);
    }
    shared.iter().map(|address| listens(*address, Listener::SomeCluster)).collect()
}

fn listens(address: SocketAddr, by: Listener) -> Listens {
    Listens { address: address.to_string().into(), by }
}

fn member(pid: u32, depth: u8) -> Option<Member> {
    let process = Process::new(i32::try_from(pid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    let words = process.cmdline().unwrap_or_default();
    // A process without a command line is one that has ended, or the kernel's.
    let command = if words.is_empty() { format!("[{}]", stat.comm) } else { words.join(" ") };
    Some(Member {
        depth,
        pid,
        command: clean_to(command.trim_end(), COMMAND_CHARS_MAX).into(),
        memory_bytes: stat.rss.saturating_mul(procfs::page_size()),
    })
}

/// The inodes of the sockets of a process; `None` where they cannot be read.
pub(super) fn sockets(pid: u32) -> Option<Vec<u64>> {
    let descriptors = Process::new(i32::try_from(pid).ok()?).ok()?.fd().ok()?;
    let inodes = descriptors.filter_map(|descriptor| match descriptor.ok()?.target {
        FDTarget::Socket(inode) => Some(inode),
        _ => None,
    });
    Some(inodes.collect())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([0, 0, 0, 0], port))
    }

    #[test]
    fn a_port_of_the_daemon_is_told_by_connections_then_by_its_variable() {
        let shared = [address(3000), address(4000)];
        let of = |accepted: &[u16], count, port| {
            let accepted = accepted.iter().copied().collect();
            of_cluster(&shared, &accepted, &Clusters { count, port })
        };
        let daemon = |port| listens(address(port), Listener::Daemon);
        assert_eq!(of(&[4000, 99], 2, Some(3000)), [daemon(4000)]);
        assert_eq!(of(&[99], 2, Some(3000)), [daemon(3000)]);
        assert_eq!(of(&[], 1, None), [daemon(3000), daemon(4000)]);
        let some = |port| listens(address(port), Listener::SomeCluster);
        assert_eq!(of(&[], 2, Some(99)), [some(3000), some(4000)]);
    }

    #[test]
    fn a_process_is_found_with_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let own = std::process::id();
        let god = u32::try_from(stat(own).unwrap().ppid).unwrap();
        let info = ProcessInfo {
            pid: Some(own),
            ..ProcessInfo::new(PmId(0), "tests", ProcessStatus::Online)
        };
        let family = super::family(god, &info, &Clusters::default()).unwrap();
        assert_eq!((family.members[0].pid, family.members[0].depth), (own, 0));
        assert!(!family.members[0].command.is_empty() && !family.is_partial);
        let found = family.listens.iter().find(|listens| *listens.address == *address);
        assert_eq!(found.unwrap().by, Listener::Own(own));
        assert_eq!(super::family(own, &info, &Clusters::default()), None, "not a child of it");
    }
}
