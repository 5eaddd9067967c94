//! Calls that are unsafe in the daemon's current state, found before a call by name is sent.
//!
//! Invariant: a call that passed finds what God reads without a guard of its own: a process that
//! runs, a channel or standard input that is open, folders that exist. What cannot be seen from here
//! (another machine, also behind a forwarded socket; a system without `/proc`) is left to the daemon.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::ask::{Listing, is_running};
use super::failure::{CallFailure, no_such_process};
use crate::daemon::clock::whole_ms;
use crate::daemon::offload;
use crate::daemon::rpc::session::Session;
use crate::protocol::process::ProcessInfo;
use crate::protocol::rpc::CheckedCall;

/// The keys of `prepare` that name a file which God opens or writes.
const FILES: [&str; 4] = ["pm_out_log_path", "pm_err_log_path", "pm_log_path", "pm_pid_path"];
/// How often a lock that another program holds is tried.
const LOCK_EVERY: Duration = Duration::from_millis(20);

/// Checks whether a call is safe in the daemon's current state.
pub(super) async fn check(
    session: &Session,
    call: &CheckedCall,
    timeout: Duration,
) -> Result<(), CallFailure> {
    let first = call.args().first().unwrap_or(&Json::Null);
    let id = |key: &str| first.get(key).and_then(Json::as_u64).unwrap_or_default();
    match call.method() {
        "sendSignalToProcessId" => {
            let listing = session.listing(timeout).await?;
            expect_running(&listing, id("process_id"), "PM2 would signal itself").map(drop)
        }
        "sendDataToProcessId" => {
            let listing = session.listing(timeout).await?;
            let info = expect_running(&listing, id("id"), "PM2 would end with it")?;
            expect(has_channel(session, info).await, info, "has closed its channel to PM2")
        }
        "sendLineToStdin" => {
            let listing = session.listing(timeout).await?;
            let info = expect_running(&listing, id("pm_id"), "PM2 would end with it")?;
            expect(reads_input(session, info).await, info, "has closed its standard input")
        }
        "stopWatch" | "startWatch" | "toggleWatch" | "restartWatch" => {
            expect_known(&session.listing(timeout).await?, call.args())
        }
        "prepare" if session.god.is_some() => folders(first).await,
        _ => Ok(()),
    }
}

/// The process of this id, which must run: God takes it for granted.
fn expect_running<'a>(
    listing: &'a Listing,
    id: u64,
    else_what: &str,
) -> Result<&'a ProcessInfo, CallFailure> {
    let found = listing.infos.iter().find(|info| u64::from(info.pm_id.0) == id);
    let info = found.ok_or_else(|| no_such_process(&id.to_string()))?;
    if is_running(info) {
        return Ok(info);
    }
    let status =
        if info.never_started() { "online without having started" } else { info.status.as_str() };
    Err(CallFailure::Unsafe(format!("process {id} is {status}: not sent, since {else_what}")))
}

fn expect(holds: bool, info: &ProcessInfo, what: &str) -> Result<(), CallFailure> {
    if holds {
        return Ok(());
    }
    Err(CallFailure::Unsafe(format!("process {} {what}: not sent", info.pm_id)))
}

/// Whether the process has the channel that PM2 writes messages to; God ends of a write to a closed
/// one (measured on 7.0.4). Node opens it as the first descriptor after the standard ones.
pub(super) async fn has_channel(session: &Session, info: &ProcessInfo) -> bool {
    session.god.is_none() || is_descriptor(info, 3, &["socket:"]).await
}

/// Whether somebody can read what is written to the standard input of the process; God ends of a
/// write to a closed one (measured on 3.5.2 to 7.0.4).
async fn reads_input(session: &Session, info: &ProcessInfo) -> bool {
    session.god.is_none() || is_descriptor(info, 0, &["pipe:", "socket:"]).await
}

/// Whether a descriptor of the process is of these kinds, where the system tells.
async fn is_descriptor(info: &ProcessInfo, number: u32, kinds: &[&str]) -> bool {
    let Some(pid) = info.pid else { return false };
    let reading = move || fs::read_link(format!("/proc/{pid}/fd/{number}"));
    let target = offload::look(reading).await.and_then(Result::ok).unwrap_or_default();
    let target = target.to_string_lossy();
    kinds.iter().any(|kind| target.starts_with(kind))
}

/// Whether there is what a `stopWatch` and the like is about: God answers with success all the same.
fn expect_known(listing: &Listing, args: &[Json]) -> Result<(), CallFailure> {
    let [Json::String(method), value] = args else { return Ok(()) };
    if method.ends_with("ProcessName") {
        let name = value.as_str().unwrap_or_default();
        let is_known = listing.infos.iter().any(|info| &*info.name == name);
        return if is_known { Ok(()) } else { Err(no_such_process(name)) };
    }
    let id = value.as_u64().or_else(|| value.get("id")?.as_u64());
    match id.filter(|_| method.ends_with("ProcessId")) {
        Some(id) if listing.infos.iter().all(|info| u64::from(info.pm_id.0) != id) => {
            Err(no_such_process(&id.to_string()))
        }
        _ => Ok(()),
    }
}

/// Whether the folders of the files are there: daemons up to 1.1.3 end of one that is not.
async fn folders(app: &Json) -> Result<(), CallFailure> {
    for key in FILES {
        let folder = app.get(key).and_then(Json::as_str).and_then(|file| Path::new(file).parent());
        let Some(folder) = folder.map(Path::to_owned) else { continue };
        let named = folder.display().to_string();
        let why = match offload::look(move || folder.is_dir()).await {
            Some(true) => continue,
            Some(false) => format!("there is no folder {named} for the {key}: not sent"),
            None => format!("the folder {named} for the {key} does not answer: not sent"),
        };
        return Err(CallFailure::Unsafe(why));
    }
    Ok(())
}

/// Keeps other programs of this kind from doing the same to a daemon meanwhile.
#[derive(Debug)]
pub(super) struct HomeLock(
    #[cfg_attr(not(test), expect(dead_code, reason = "held, and let go when dropped"))]
    Option<fs::File>,
);

impl HomeLock {
    /// Waits until the deadline for the lock on the folder of a daemon, which leaves no trace there; an
    /// empty one where there is no such folder here.
    ///
    /// # Errors
    /// Another program held it all the time, or it cannot be locked. Nothing was sent.
    pub(super) async fn take(home: &Path, deadline: Instant) -> Result<Self, CallFailure> {
        let started = Instant::now();
        let shown = home.display();
        let cannot = |error: &dyn Display| {
            CallFailure::Unsafe(format!("{shown} cannot be locked: {error}: not sent"))
        };
        let path = home.to_owned();
        let opened = offload::look(move || fs::File::open(path)).await;
        let mut folder = match opened.ok_or_else(|| cannot(&"its disk does not answer"))? {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self(None)),
            Err(error) => return Err(cannot(&error)),
        };
        loop {
            let locking = move || {
                let locked = flock(&folder, FlockOperation::NonBlockingLockExclusive);
                (folder, locked)
            };
            let tried = offload::look(locking).await;
            let (again, locked) = tried.ok_or_else(|| cannot(&"its disk does not answer"))?;
            match locked {
                Ok(()) => return Ok(Self(Some(again))),
                Err(Errno::WOULDBLOCK | Errno::INTR) => folder = again,
                Err(error) => return Err(cannot(&io::Error::from(error))),
            }
            if Instant::now() + LOCK_EVERY >= deadline {
                return Err(CallFailure::Locked {
                    what: format!("another program has locked {shown}"),
                    waited_ms: whole_ms(started.elapsed()),
                });
            }
            tokio::time::sleep(LOCK_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_of_another_program_is_waited_for_until_the_deadline() {
        let home = tempfile::tempdir().unwrap();
        let other = fs::File::open(home.path()).unwrap();
        flock(&other, FlockOperation::LockExclusive).unwrap();
        let limit = Duration::from_millis(100);
        let failed = HomeLock::take(home.path(), Instant::now() + limit).await.unwrap_err();
        assert!(matches!(failed, CallFailure::Locked { .. }), "{failed:?}");
        let waiting = HomeLock::take(home.path(), Instant::now() + Duration::from_mins(1));
        let (locked, ()) = tokio::join!(waiting, async { drop(other) });
        assert!(locked.unwrap().0.is_some());
        let gone = HomeLock::take(&home.path().join("gone"), Instant::now() + limit).await;
        assert!(gone.unwrap().0.is_none(), "on another machine");
        // A file below a file: no lock, and no waiting for one.
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        let (below, late) = (file.join("home"), Instant::now() + Duration::from_hours(1));
        let failed = HomeLock::take(&below, late).await.unwrap_err().sentence();
        assert!(failed.contains("cannot be locked: Not a directory"), "{failed}");
    }
}
