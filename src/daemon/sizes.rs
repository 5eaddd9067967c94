//! How large the log files are whose sizes stand in the title of the log, oftener than those of all others.
//!
//! Invariant: file calls go through [`offload`], one look at a time; a look is at most [`FILES_MAX`] files.
//! Local daemons only; the daemon is asked nothing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::disk::{UnderWay, paths};
use super::{DaemonHandle, Watch, offload};
use crate::logs::{Owner, Scope};
use crate::model::DaemonId;
use crate::model::disk::{FileLook, SizesLook};
use crate::model::report::Report;
use crate::protocol::process::{LogFiles, ProcessInfo};
use crate::protocol::text::clean;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// The most files that are looked at; the others are with all of them.
const FILES_MAX: usize = 48;

/// Whose files these are.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    wanted: Mutex<Wanted>,
    /// Look now: they are others.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Wanted {
    /// Whose lines the log shows; `None` where there is no log.
    scope: Option<Scope>,
    /// Who writes which files, as the last list of the processes said.
    writers: Vec<(Owner, LogFiles)>,
    paths: BTreeSet<Box<str>>,
}

impl Wanted {
    /// Finds the files anew; whether they are others.
    fn renew(&mut self) -> bool {
        let found = match &self.scope {
            Some(scope @ (Scope::Process(_) | Scope::App(..))) => {
                let ours = self.writers.iter().filter(|(owner, _)| scope.has(owner));
                paths(ours.map(|(_, logs)| logs)).0.into_iter().take(FILES_MAX).collect()
            }
            _ => BTreeSet::new(),
        };
        let is_other = found != self.paths;
        self.paths = found;
        is_other
    }
}

impl Sizes {
    /// From now on the log shows these lines.
    fn set(&self, scope: Scope) {
        let mut wanted = self.lock();
        wanted.scope = Some(scope);
        wanted.renew();
        self.changed.notify_one();
    }

    /// These are the processes now: who writes which files is other than before.
    pub(super) fn know(&self, daemon: DaemonId, infos: &[ProcessInfo]) {
        let mut wanted = self.lock();
        let writers = infos.iter().map(|info| (owner(daemon, info), info.logs.clone()));
        wanted.writers = writers.collect();
        if wanted.renew() {
            self.changed.notify_one();
        }
    }

    /// What is looked at, with the daemon's own log; `None` where nobody wants it.
    fn asked(&self, home: &Path) -> Option<Vec<Box<str>>> {
        let wanted = self.lock();
        wanted.scope.as_ref()?;
        let console = home.join("pm2.log").to_str().map(Box::from);
        Some(console.into_iter().chain(wanted.paths.iter().cloned()).collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DaemonHandle {
    /// From now on, looks often at the sizes of the log files of these lines ([`Report::Sizes`]).
    pub fn watch_sizes(&self, scope: Scope) {
        self.requests.sizes.set(scope);
    }
}

/// A process as the owner of lines.
fn owner(daemon: DaemonId, info: &ProcessInfo) -> Owner {
    Owner::Process {
        daemon,
        pm_id: Some(info.pm_id),
        namespace: clean(info.namespace.as_deref().unwrap_or("default")).into(),
        name: clean(&info.name).into(),
    }
}

/// Looks for ever.
pub(super) async fn run(watch: &Watch) {
    let sizes = &watch.requests.sizes;
    let is_under_way = Arc::new(AtomicBool::new(false));
    loop {
        if let Some(asked) = sizes.asked(&watch.endpoint.home)
            && !is_under_way.swap(true, Ordering::Relaxed)
        {
            let under_way = UnderWay(Arc::clone(&is_under_way));
            let looking = offload::look(move || {
                let _under_way = under_way;
                look(asked)
            });
            if let Some(look) = looking.await {
                watch.report(Report::Sizes(look));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = sizes.changed.notified() => {}
        }
    }
}

fn look(asked: Vec<Box<str>>) -> SizesLook {
    let there = asked.iter().filter_map(|path| {
        let about = fs::metadata(&**path).ok().filter(fs::Metadata::is_file)?;
        let path = path.clone();
        Some(FileLook { path, device: about.dev(), inode: about.ino(), size: about.size() })
    });
    SizesLook { files: there.collect(), asked }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    const D: DaemonId = DaemonId(0);

    fn info(id: u32, out: &str) -> ProcessInfo {
        let mut info = ProcessInfo::new(PmId(id), "api", ProcessStatus::Online);
        info.logs.out = Some(out.into());
        info
    }

    #[tokio::test]
    async fn files_of_the_scope_are_looked_at_and_a_new_process_at_once() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("pm2.log"), "12345").unwrap();
        fs::write(path("a.log"), "123").unwrap();
        let sizes = Sizes::default();
        let seen = || {
            let look = look(sizes.asked(home.path()).unwrap());
            look.files.iter().map(|file| file.size).collect::<Vec<_>>()
        };
        let is_due = || {
            let due = sizes.changed.notified();
            futures_util::FutureExt::now_or_never(due).is_some()
        };
        let infos = [info(0, &path("a.log")), info(1, &path("b.log"))];
        sizes.know(D, &infos);
        assert!(sizes.asked(home.path()).is_none() && !is_due(), "there is no log");
        sizes.set(Scope::All);
        sizes.know(D, &infos);
        assert!(is_due() && seen() == [5]);
        sizes.set(Scope::Process(owner(D, &infos[0])));
        assert!(is_due() && seen() == [5, 3]);
        fs::write(path("a.log"), "1234567").unwrap();
        sizes.know(D, &infos);
        assert!(!is_due() && seen() == [5, 7], "nothing is new");
        sizes.set(Scope::App(D, "default".into(), "api".into()));
        assert!(is_due());
        fs::write(path("c.log"), "1").unwrap();
        sizes.know(D, &[infos[0].clone(), infos[1].clone(), info(2, &path("c.log"))]);
        assert!(is_due() && seen() == [5, 7, 1], "a new process");
        let many: Vec<_> = (0..100).map(|id| info(id, &format!("/none/{id}"))).collect();
        sizes.know(D, &many);
        assert_eq!(sizes.asked(home.path()).unwrap().len(), 1 + FILES_MAX);
    }
}
