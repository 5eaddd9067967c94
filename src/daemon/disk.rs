//! How large the log files of a daemon are, and how much room their disks have.
//!
//! Invariant: file calls go through [`offload`], one look at a time: where a disk hangs, nothing more
//! is asked of it until that look is over. Local daemons only; the daemon is asked nothing.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::{Watch, offload};
use crate::model::disk::{DiskLook, FileLook, VolumeLook};
use crate::model::report::Report;
use crate::protocol::process::{LogFiles, ProcessInfo};
use crate::protocol::text::clean;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(30);
/// The most files that are looked at.
const FILES_MAX: usize = 1_000;
/// The most disks.
const VOLUMES_MAX: usize = 32;

/// The looks at the disks of one daemon.
#[derive(Debug)]
pub(super) struct Looks {
    due: Instant,
    is_under_way: Arc<AtomicBool>,
    /// Who writes which files, by the last list of the processes: a figure that is another one where that is.
    writers: Option<u64>,
}

impl Looks {
    /// The first one is due now.
    pub(super) fn new() -> Self {
        Self { due: Instant::now(), is_under_way: Arc::default(), writers: None }
    }

    /// Whether it is time for one.
    pub(super) fn is_due(&self) -> bool {
        self.due <= Instant::now() && !self.is_under_way.load(Ordering::Relaxed)
    }

    /// Looks, if it is time: reports what these processes' files are like.
    pub(super) fn look(&mut self, watch: &Watch, infos: &[ProcessInfo]) {
        if !watch.endpoint.is_local() {
            return;
        }
        let writers = Some(writers(infos));
        let are_other = std::mem::replace(&mut self.writers, writers) != writers;
        if are_other {
            watch.requests.sizes.know(watch.id, infos);
        }
        if watch.requests.are_files_other.swap(false, Ordering::Relaxed) || are_other {
            self.due = Instant::now();
        }
        if !self.is_due() {
            return;
        }
        self.due = Instant::now() + PAUSE;
        self.is_under_way.store(true, Ordering::Relaxed);
        let under_way = UnderWay(Arc::clone(&self.is_under_way));
        let home = watch.endpoint.home.clone();
        let paths = paths(infos.iter().map(|info| &info.logs));
        let (id, inbox, generation) = (watch.id, watch.inbox.clone(), watch.generation.clone());
        watch.tasks.spawn(async move {
            let looking = offload::look(move || {
                let _under_way = under_way;
                look(&home, paths)
            });
            if let Some(Some(look)) = generation.run_until_cancelled(looking).await {
                inbox.report(id, Report::Disk(look));
            }
        });
    }
}

/// Who writes which files, as a figure: the list comes every second, and is another one seldom.
fn writers(infos: &[ProcessInfo]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for ProcessInfo { pm_id, namespace, name, logs, .. } in infos {
        (pm_id.0, namespace, name, &logs.out, &logs.err, &logs.both).hash(&mut hasher);
    }
    hasher.finish()
}

/// Says that the look is over, however it ended.
pub(super) struct UnderWay(pub(super) Arc<AtomicBool>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The log files of these processes, each once, and how many were left out.
pub(super) fn paths<'a>(
    logs: impl IntoIterator<Item = &'a LogFiles>,
) -> (BTreeSet<Box<str>>, usize) {
    let all = logs.into_iter().flat_map(|logs| [&logs.out, &logs.err, &logs.both]).flatten();
    let mut paths: BTreeSet<Box<str>> =
        all.filter(|path| path.starts_with('/') && ***path != *"/dev/null").cloned().collect();
    let left_out = paths.len().saturating_sub(FILES_MAX);
    while paths.len() > FILES_MAX {
        paths.pop_last();
    }
    (paths, left_out)
}

fn look(home: &Path, (paths, left_out): (BTreeSet<Box<str>>, usize)) -> DiskLook {
    let mut look = DiskLook { left_out, ..DiskLook::default() };
    if let Ok(about) = fs::metadata(home) {
        look.volumes.extend(volume(home, about.dev()));
    }
    let console = home.join("pm2.log").to_str().map(Box::from);
    for path in console.into_iter().chain(paths) {
        let Ok(about) = fs::metadata(&*path) else { continue };
        if !about.is_file() {
            continue;
        }
        let device = about.dev();
        let is_known = look.volumes.iter().any(|volume| volume.device == device);
        let folder = Path::new(&*path).parent();
        if let Some(folder) = folder.filter(|_| !is_known && look.volumes.len() < VOLUMES_MAX) {
            look.volumes.extend(volume(folder, device));
        }
        look.files.push(FileLook { path, device, inode: about.ino(), size: about.size() });
    }
    look
}

fn volume(folder: &Path, device: u64) -> Option<VolumeLook> {
    let about = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
    let (free, total) = (bytes(about.f_bavail), bytes(about.f_blocks));
    // Such as those of /proc have no size.
    (total > 0).then(|| {
        let place = clean(&folder.to_string_lossy()).into();
        VolumeLook { device, place, free, total }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    #[test]
    fn files_that_are_there_are_looked_at_once() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| -> Box<str> { home.path().join(name).to_str().unwrap().into() };
        fs::write(&*path("pm2.log"), "12345").unwrap();
        fs::write(&*path("a.log"), "123").unwrap();
        let info = |out: Box<str>, err: Box<str>| {
            let mut info = ProcessInfo::new(PmId(0), "a", ProcessStatus::Online);
            (info.logs.out, info.logs.err) = (Some(out), Some(err));
            info
        };
        let infos = [
            info(path("a.log"), path("none.log")),
            info(path("a.log"), "/dev/null".into()),
            info("relative.log".into(), home.path().to_str().unwrap().into()),
        ];
        let seen = look(home.path(), paths(infos.iter().map(|info| &info.logs)));
        let files: Vec<(&str, u64)> =
            seen.files.iter().map(|file| (&*file.path, file.size)).collect();
        assert_eq!(files, [(&*path("pm2.log"), 5), (&*path("a.log"), 3)]);
        let [volume] = &seen.volumes[..] else { panic!("{seen:?}") };
        assert!(volume.free > 0 && volume.total >= volume.free, "{volume:?}");
        let many: Vec<ProcessInfo> = (0..FILES_MAX as u32)
            .map(|n| info(format!("/o{n}").into(), format!("/e{n}").into()))
            .collect();
        assert_eq!(paths(many.iter().map(|info| &info.logs)).1, FILES_MAX);
    }
}
