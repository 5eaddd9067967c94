//! What this machine is called.
//!
//! Invariant: a name is never taken for another machine's because of its case or its domain.

use std::net::{IpAddr, UdpSocket};
use std::path::{Component, Path, PathBuf};

/// The name of this machine, as the system has it.
pub(crate) fn here() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether this is what a host is called: in any case, and with its domain or without.
pub(crate) fn is_of_host(place: &str, host: &str) -> bool {
    let short = |name: &str| name.split_once('.').map_or(name, |(short, _)| short).to_owned();
    // An address has dots, and no domain.
    let is_address = |name: &str| name.parse::<IpAddr>().is_ok();
    place.eq_ignore_ascii_case(host)
        || (!is_address(place)
            && !is_address(host)
            && ((!host.contains('.') && short(place).eq_ignore_ascii_case(host))
                || (!place.contains('.') && short(host).eq_ignore_ascii_case(place))))
}

/// Whether this is a name or an address of this machine. Blocks for as long as the system needs for a
/// look at its own addresses.
pub(crate) fn is_this_host(place: &str) -> bool {
    let address = place.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    is_of_host(place, &here())
        || place.eq_ignore_ascii_case("localhost")
        || place.to_ascii_lowercase().starts_with("localhost.")
        || address.is_ok_and(|address| {
            // Only an own address can be taken; nothing is sent from it.
            address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
        })
}

/// A path without `.` and `..`, by its words alone: for one that is not there, where no link can be
/// followed.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_meant_with_its_domain_or_without() {
        assert!(is_of_host("web-01", "web-01.example.com") && is_of_host("WEB-01.x", "web-01"));
        assert!(!is_of_host("web-01.a", "web-01.b") && !is_of_host("web-1", "web-01"));
        assert!(!is_of_host("10", "10.0.0.1") && !is_of_host("10.0.0.1", "10"));
    }

    #[test]
    fn this_machine_has_several_names() {
        let own = here().to_uppercase();
        for name in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]", &own] {
            assert!(is_this_host(name), "{name}");
        }
        for name in ["h", "192.0.2.1", "2001:db8::1", "localhost2", "no-such-host"] {
            assert!(!is_this_host(name), "{name}");
        }
    }

    #[test]
    fn a_path_is_read_without_detours() {
        let said = |path: &str| plain(Path::new(path)).to_string_lossy().into_owned();
        assert_eq!(said("/srv/x/../app/./.pm2/"), "/srv/app/.pm2");
        assert_eq!(said("/../.."), "/");
    }
}
