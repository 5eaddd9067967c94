//! Compares the saved list with what runs.
//!
//! Invariant: file calls go through [`offload`], one look at a time; what is the same as at the last look
//! is not read again. Daemons of this machine only; the daemon is asked nothing.

use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Watch, files, offload};
use crate::model::boot::{ReadList, SavedList};
use crate::model::report::Report;
use crate::protocol::drift;
use crate::protocol::process::{ProcessInfo, ProcessStatus};
use crate::protocol::rpc::Reply;

/// The shortest and the longest pause between two looks: as they take, so that no more than a twentieth of
/// the time goes into them.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// So many times as long as a look is the pause after it.
const PAUSE_TIMES: u32 = 20;
/// How long one may take.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// The largest saved list that is read, bytes.
const BYTES_MAX: u64 = 64 << 20;

/// What tells one state of a file from another: its disk, number, size, time of writing in seconds and
/// nanoseconds, and mode.
pub(super) type Stamp = (u64, u64, u64, i64, i64, u32);

/// What a look saw: of the processes and of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    processes: u64,
    /// `None` where there is none.
    file: Option<Stamp>,
    /// Whether there is the one before, where there is none.
    has_backup: bool,
}

/// The looks at the saved list of one daemon.
#[derive(Debug)]
pub(super) struct Looks {
    due: Arc<Mutex<Instant>>,
    is_under_way: Arc<AtomicBool>,
    seen: Arc<Mutex<Option<Seen>>>,
}

impl Looks {
    /// The first one is due now.
    pub(super) fn new() -> Self {
        let due = Arc::new(Mutex::new(Instant::now()));
        Self { due, is_under_way: Arc::default(), seen: Arc::default() }
    }

    /// Looks, if it is time and the daemon is a process of this machine: reports where the list and
    /// what the daemon just told of its processes differ, if either is another than before.
    ///
    /// Returns whether it was not time yet: the next reply is to be looked at.
    pub(super) fn look(&mut self, watch: &Watch, reply: &Reply, infos: &[ProcessInfo]) -> bool {
        let due = *self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due > Instant::now() || self.is_under_way.swap(true, Ordering::Relaxed) {
            return true;
        }
        let under_way = UnderWay(Arc::clone(&self.is_under_way));
        let path = path(&watch.endpoint.home);
        let (reply, processes) = (reply.clone(), digest(infos));
        let (seen, next) = (Arc::clone(&self.seen), Arc::clone(&self.due));
        let (id, inbox, generation) = (watch.id, watch.inbox.clone(), watch.generation.clone());
        watch.tasks.spawn(async move {
            let looking = offload::blocking(LOOK_MAX, move || {
                let _under_way = under_way;
                let started = Instant::now();
                let list = look(&path, &reply, processes, &seen);
                let pause = started.elapsed().saturating_mul(PAUSE_TIMES);
                *next.lock().unwrap_or_else(PoisonError::into_inner) =
                    Instant::now() + pause.clamp(PAUSE.0, PAUSE.1);
                list
            });
            if let Some(Some(Some(list))) = generation.run_until_cancelled(looking).await {
                inbox.report(id, Report::SavedList(Box::new(list)));
            }
        });
        false
    }
}

/// Says that the look is over, however it ended.
struct UnderWay(Arc<AtomicBool>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// What tells whether the processes are set up as they were: not what changes by itself.
fn digest(infos: &[ProcessInfo]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for info in infos {
        (info.pm_id, &info.name, &info.namespace, &info.unique_id).hash(&mut hasher);
        (info.status == ProcessStatus::Stopped, info.created_at_ms).hash(&mut hasher);
        (info.setup.is_watching, info.memory_limit_bytes, info.autorestart).hash(&mut hasher);
        (info.kill_timeout_ms, info.listen_timeout_ms, info.restart_delay_ms).hash(&mut hasher);
        (&info.setup.cron, &info.stop_exit_codes, &info.logs.out).hash(&mut hasher);
    }
    hasher.finish()
}

fn look(
    path: &Path,
    reply: &Reply,
    processes: u64,
    seen: &Mutex<Option<Seen>>,
) -> Option<SavedList> {
    let found = files::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let file = found.as_ref().ok().map(|(about, _)| identity(about));
    let has_backup = file.is_none() && has_backup(path);
    let now = Seen { processes, file, has_backup };
    {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.replace(now) == Some(now) {
            return None;
        }
    }
    Some(of_file(found, has_backup, reply.body()))
}

/// Whether there is the list before that of this path.
fn has_backup(path: &Path) -> bool {
    path.with_extension("pm2.bak").is_file()
}

/// Whether `pm2 resurrect` would find a list in this home: the last one, or the one before it; `None` where that
/// cannot be seen. Blocks.
pub(crate) fn is_there(home: &Path) -> Option<bool> {
    let path = path(home);
    path.try_exists().ok().map(|is_there| is_there || has_backup(&path))
}

/// The saved list of that path as it stands to the body of a reply. Blocks.
pub(super) fn compared(path: &Path, reply: &[u8]) -> SavedList {
    let found = files::open(path).and_then(|file| Ok((file.metadata()?, file)));
    of_file(found, has_backup(path), reply)
}

fn of_file(found: io::Result<(Metadata, File)>, has_backup: bool, reply: &[u8]) -> SavedList {
    match found.and_then(|(about, file)| Ok((read(&about, file)?, about))) {
        Ok((text, about)) => match drift::compare(reply, &text) {
            Ok(drift) => SavedList::Read(ReadList {
                drift,
                mode: about.mode() & 0o777,
                written_ms: about.mtime().saturating_mul(1_000),
            }),
            Err(error) => SavedList::Unreadable(error.to_string().into()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => SavedList::Missing { has_backup },
        Err(error) => SavedList::Unreadable(error.to_string().into()),
    }
}

/// Where the daemon of a home keeps its saved list.
pub(super) fn path(home: &Path) -> PathBuf {
    home.join("dump.pm2")
}

/// The state of the file of that path; `None` where there is none. Blocks.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().as_ref().map(identity)
}

fn identity(about: &Metadata) -> Stamp {
    let (seconds, nanoseconds) = (about.mtime(), about.mtime_nsec());
    (about.dev(), about.ino(), about.size(), seconds, nanoseconds, about.mode())
}

fn read(about: &Metadata, file: File) -> io::Result<String> {
    if about.len() > BYTES_MAX {
        return Err(io::Error::other("it is larger than 64 MiB"));
    }
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::amp::Frame;
    use crate::protocol::process::PmId;
    use crate::protocol::rpc::Reply;
    use crate::protocol::value;

    fn reply(list: &str) -> Reply {
        let list: serde_json::Value = serde_json::from_str(list).unwrap();
        let body = value::json(&serde_json::json!({ "args": [list] }));
        Reply::parse(&Frame::new(vec![body, value::text("1")]).unwrap()).unwrap()
    }

    #[test]
    fn a_list_that_is_saved_again_has_another_stamp() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("dump.pm2");
        assert_eq!(stamp(&path), None);
        std::fs::write(&path, "[]").unwrap();
        let first = stamp(&path);
        assert!(first.is_some() && stamp(&path) == first);
        // As PM2 saves and as this program does.
        let new = home.path().join("new");
        std::fs::write(&new, "[]").unwrap();
        std::fs::rename(&new, &path).unwrap();
        assert_ne!(stamp(&path), first);
    }

    #[test]
    fn it_is_compared_again_only_where_something_changed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("dump.pm2");
        let seen = Mutex::new(None);
        let one = reply(r#"[{"pm2_env":{"name":"api","pm_id":0}}]"#);
        let missing = |has_backup| Some(SavedList::Missing { has_backup });
        assert_eq!(look(&path, &one, 1, &seen), missing(false));
        assert_eq!(look(&path, &one, 1, &seen), None);
        let backup = home.path().join("dump.pm2.bak");
        std::fs::write(&backup, "[]").unwrap();
        assert_eq!(look(&path, &one, 1, &seen), missing(true), "that can be restored");
        std::fs::remove_file(&backup).unwrap();
        std::fs::write(&path, r#"[{"name":"api"}]"#).unwrap();
        let Some(SavedList::Read(read)) = look(&path, &one, 1, &seen) else { panic!() };
        assert_eq!((read.drift.listed, read.words()), (1, None));
        assert_eq!(look(&path, &one, 1, &seen), None);
        let Some(SavedList::Read(read)) = look(&path, &reply("[]"), 2, &seen) else { panic!() };
        assert_eq!(read.words().unwrap(), "1 saved is not there");
        std::fs::write(&path, "[{ half").unwrap();
        assert!(matches!(look(&path, &one, 2, &seen), Some(SavedList::Unreadable(_))));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(look(&path, &one, 2, &seen), Some(SavedList::Unreadable(_))));
    }

    #[test]
    fn what_changes_by_itself_is_no_change() {
        let info = ProcessInfo::new(PmId(0), "api", ProcessStatus::Online);
        let same =
            ProcessInfo { restarts: 7, cpu_percent: Some(1.0), pid: Some(3), ..info.clone() };
        assert_eq!(digest(std::slice::from_ref(&info)), digest(&[same]));
        let other = ProcessInfo { status: ProcessStatus::Stopped, ..info.clone() };
        assert_ne!(digest(&[info]), digest(&[other]));
    }
}
