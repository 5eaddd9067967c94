//! Whether the workers of a cluster have opened their log files.
//!
//! A worker is online before it has read its script and opened its logs, and ends of a `reloadLogs`
//! that comes in between (docs/pm2-ops.md section 1.5).

use std::fs;
use std::time::Duration;

use rustix::fs::OFlags;
use tokio::time::Instant;

use crate::daemon::offload;
use crate::protocol::process::{ExecMode, ProcessInfo};

/// How long it is waited for. One that has not opened them by then never will.
const OPEN_MAX: Duration = Duration::from_secs(15);
/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until each worker that writes log files has them open, or the system does not tell.
pub(super) async fn opened(infos: &[ProcessInfo]) {
    let workers = infos.iter().filter(|info| info.exec_mode == ExecMode::Cluster);
    let wanted: Vec<(u32, usize)> =
        workers.filter_map(|info| Some((info.pid?, files(info)))).collect();
    let deadline = Instant::now() + OPEN_MAX;
    loop {
        let wanted = wanted.clone();
        let has_opened = |(pid, files): &(u32, usize)| appended(*pid).is_none_or(|n| n >= *files);
        let looking = move || wanted.iter().all(has_opened);
        if offload::look(looking).await != Some(false) || Instant::now() >= deadline {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How many log files it writes.
fn files(info: &ProcessInfo) -> usize {
    let logs = [&info.logs.out, &info.logs.err];
    let is_file = |path: &&str| !path.contains("/dev/null") && !path.contains("NULL");
    logs.into_iter().flatten().map(|path| &**path).filter(is_file).count()
}

/// How many files a process has open for appending, beside the three that it was given; `None` where
/// the system does not tell.
fn appended(pid: u32) -> Option<usize> {
    let entries = fs::read_dir(format!("/proc/{pid}/fdinfo")).ok()?;
    let own = entries.flatten().filter(|entry| {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        number.is_some_and(|number| number > 2)
    });
    let infos = own.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    Some(infos.filter(|info| is_appending(info)).count())
}

/// Whether the flags in `/proc/PID/fdinfo/N`, in octal, have `O_APPEND`.
fn is_appending(fdinfo: &str) -> bool {
    let flags = fdinfo.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & OFlags::APPEND.bits() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_appended_to_is_told_from_others() {
        assert!(is_appending("pos:\t0\nflags:\t02102001\nmnt_id:\t29\n"));
        assert!(!is_appending("pos:\t0\nflags:\t0100002\nmnt_id:\t29\n"));
        assert!(!is_appending("flags:\tnonsense") && !is_appending(""));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_process_appends_to_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let _log = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        assert!(appended(std::process::id()) >= Some(1));
        assert_eq!(appended(u32::MAX), None);
    }
}
