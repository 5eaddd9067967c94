//! Where all processes of a daemon listen (docs/pm2-ops.md section 7), and the time zone that it goes
//! by. All of it blocks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;

use jiff::tz::TimeZone;
use procfs::net::{TcpNetEntry, TcpState, tcp, tcp6};
use procfs::process::Process;

use super::Asked;
use super::family::sockets;
use super::linux::{children, descendants, stat};
use crate::protocol::process::PmId;

/// The most descendants of a process whose sockets are looked at.
const DESCENDANTS_MAX: usize = 64;
/// The most ports of one process.
const PORTS_MAX: usize = 16;

/// A socket that listens, or has a connection.
#[derive(Debug, Clone, Copy)]
struct Socket {
    port: u16,
    inode: u64,
    listens: bool,
}

impl Socket {
    fn of(entry: &TcpNetEntry) -> Option<Self> {
        let listens = match entry.state {
            TcpState::Listen => true,
            TcpState::Established => false,
            _ => return None,
        };
        Some(Self { port: entry.local_address.port(), inode: entry.inode, listens })
    }
}

/// The ports of each process, in order.
pub(super) fn ports(asked: &Asked) -> Vec<(PmId, Box<[u16]>)> {
    let Some(god) = asked.god else { return Vec::new() };
    let children = children();
    // Which process of PM2 a socket belongs to.
    let mut owners: HashMap<u64, PmId> = HashMap::new();
    for (pm_id, pid) in &asked.pids {
        let is_child = stat(*pid).is_some_and(|stat| u32::try_from(stat.ppid).ok() == Some(god));
        if !is_child {
            continue;
        }
        let family = descendants(&children, *pid, DESCENDANTS_MAX).into_iter().map(|(pid, _)| pid);
        let sockets = std::iter::once(*pid).chain(family).filter_map(sockets).flatten();
        owners.extend(sockets.map(|inode| (inode, *pm_id)));
    }
    let of_god: HashSet<u64> = if asked.clusters.is_empty() {
        HashSet::new()
    } else {
        sockets(god).unwrap_or_default().into_iter().collect()
    };
    let all = [tcp(), tcp6()].into_iter().flatten().flatten();
    let table: Vec<Socket> = all.filter_map(|entry| Socket::of(&entry)).collect();
    attribute(asked, &owners, &of_god, &table)
}

/// Whose the ports are: of whoever has the socket. One on which the daemon listens is a cluster's of
/// which some instance has a connection there, or the only one's; else nobody knows.
fn attribute(
    asked: &Asked,
    owners: &HashMap<u64, PmId>,
    of_god: &HashSet<u64>,
    table: &[Socket],
) -> Vec<(PmId, Box<[u16]>)> {
    let mut ports: BTreeMap<PmId, BTreeSet<u16>> = BTreeMap::new();
    let mut shared: BTreeSet<u16> = BTreeSet::new();
    for Socket { port, inode, .. } in table.iter().copied().filter(|socket| socket.listens) {
        if let Some(pm_id) = owners.get(&inode) {
            ports.entry(*pm_id).or_default().insert(port);
        } else if of_god.contains(&inode) {
            shared.insert(port);
        } else {
            // Another program's.
        }
    }
    let cluster_of: HashMap<PmId, usize> = asked.clusters.iter().copied().collect();
    let clusters: BTreeSet<usize> = cluster_of.values().copied().collect();
    let mut accepted: BTreeSet<(usize, u16)> = BTreeSet::new();
    for socket in table.iter().filter(|socket| !socket.listens) {
        let cluster = owners.get(&socket.inode).and_then(|pm_id| cluster_of.get(pm_id));
        accepted.extend(cluster.map(|cluster| (*cluster, socket.port)));
    }
    for port in shared {
        for (pm_id, cluster) in &asked.clusters {
            if accepted.contains(&(*cluster, port)) || clusters.len() == 1 {
                ports.entry(*pm_id).or_default().insert(port);
            }
        }
    }
    let of = |(pm_id, _): &(PmId, u32)| {
        let found = ports.get(pm_id).into_iter().flatten().copied();
        (*pm_id, found.take(PORTS_MAX).collect())
    };
    asked.pids.iter().map(of).collect()
}

/// The time zone of a process: of its `TZ`, as it was started with, else the machine's. Of its
/// environment nothing else is looked at.
pub(super) fn zone(pid: u32) -> Option<TimeZone> {
    let environment = Process::new(i32::try_from(pid).ok()?).ok()?.environ().ok()?;
    match environment.get(OsStr::new("TZ")) {
        None => Some(TimeZone::system()),
        Some(name) => {
            let name = name.to_str()?.trim_start_matches(':');
            TimeZone::get(name).or_else(|_| TimeZone::posix(name)).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn socket(port: u16, inode: u64, listens: bool) -> Socket {
        Socket { port, inode, listens }
    }

    #[test]
    fn a_port_of_the_daemon_is_that_of_the_cluster_with_a_connection_there() {
        let ids = [0, 1, 2, 3].map(PmId);
        let asked = Asked {
            god: Some(1),
            pids: ids.map(|id| (id, 100 + id.0)).to_vec(),
            clusters: vec![(PmId(0), 0), (PmId(1), 0), (PmId(2), 1)],
        };
        let owners = HashMap::from([(70, PmId(1)), (71, PmId(3))]);
        let of_god = HashSet::from([80, 81]);
        let table = [
            socket(3000, 80, true),
            socket(4000, 81, true),
            socket(5000, 71, true),
            socket(6000, 99, true),
            socket(3000, 70, false),
        ];
        let of = |asked: &Asked| -> Vec<Vec<u16>> {
            let found = attribute(asked, &owners, &of_god, &table);
            found.into_iter().map(|(_, ports)| ports.into_vec()).collect()
        };
        assert_eq!(of(&asked), [vec![3000], vec![3000], vec![], vec![5000]]);
        let alone = Asked { clusters: vec![(PmId(0), 0)], ..asked };
        assert_eq!(of(&alone), [vec![3000, 4000], vec![], vec![], vec![5000]]);
    }

    #[test]
    fn a_process_is_found_with_its_port_and_its_zone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = std::process::id();
        let god = u32::try_from(stat(own).unwrap().ppid).ok();
        let asked = Asked { god, pids: vec![(PmId(7), own)], clusters: Vec::new() };
        let [(PmId(7), found)] = &ports(&asked)[..] else { panic!() };
        assert!(found.contains(&port), "{found:?}");
        assert!(zone(own).is_some());
        assert_eq!(zone(u32::MAX), None);
    }
}
