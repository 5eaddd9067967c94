//! Writes an incident bundle: the documents of [`crate::model::bundle`], what PM2 says of the processes, and
//! the ends of log files, in one `.tar.gz`.
//!
//! Invariant: bounded; only its owner may read it; what is there already is replaced only where that
//! is allowed, and only by a whole bundle.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value as Json;
use tar::{Builder, Header};
use tempfile::{NamedTempFile, PersistError};
use tokio::sync::watch;

use super::ends::{self, Ground};
use super::files::Tail;
use super::rpc::session::{Link, ready};
use super::{DaemonHandle, Timings, files, offload};
use crate::model::bundle::{Document, Found, Material, Written};
use crate::model::report::Report;
use crate::model::units;
use crate::protocol::escape::escaped;
use crate::protocol::process::ProcessInfo;
use crate::protocol::redact;
use crate::protocol::text::clean;

/// How long writing one may take.
pub(crate) const WRITE_MAX: Duration = Duration::from_mins(1);
/// Said of one that is not written in that time.
pub(crate) const NO_ANSWER: &str = "the bundle is not written yet: the disk does not answer";
/// The way out where the file is there already.
const ANOTHER_NAME: &str = "name another file with -o, or run it again to replace this one";
/// How much of the end of a log file is taken, bytes.
const SLICE_BYTES_MAX: u64 = 256 << 10;
/// How much of the end of `pm2.log` is taken, bytes.
const CONSOLE_BYTES_MAX: u64 = 1 << 20;
/// How much of log files is taken in all, bytes.
const LOGS_BYTES_MAX: u64 = 32 << 20;
/// The most bundles of one second in a folder.
const NUMBERS_MAX: u32 = 99;
/// The most characters of a process's name in the name of a file.
const NAME_CHARS_MAX: usize = 60;

/// Where a bundle is to be, and what it is made of.
#[derive(Debug)]
pub(crate) struct Order {
    /// Its path.
    pub(crate) path: PathBuf,
    /// Whether a file that is there is replaced.
    pub(crate) may_replace: bool,
    /// Whether it gets another name where that one is taken: nobody chose it.
    pub(crate) may_number: bool,
    /// What is known.
    pub(crate) material: Material,
    /// What PM2 says of the processes; `None` where it could not be asked.
    pub(crate) listed: Option<Vec<Json>>,
    /// The folder of the daemon, where it is on this machine.
    pub(crate) home: Option<PathBuf>,
}

/// The partial files of bundles that are being written: the program's end removes them.
#[derive(Debug, Default)]
pub(crate) struct Unfinished(Mutex<Parts>);

#[derive(Debug, Default)]
struct Parts {
    /// Whether the program ends: nothing more is begun.
    is_over: bool,
    paths: BTreeSet<PathBuf>,
}

impl Unfinished {
    /// Removes what is not finished, and lets nothing more begin. Blocks.
    pub(crate) fn remove(&self) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.is_over = true;
        for path in std::mem::take(&mut parts.paths) {
            // One that is finished by now has another name.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Whether this one may be written.
    pub(crate) fn begin(&self, path: &Path) -> bool {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !parts.is_over {
            parts.paths.insert(path.to_owned());
        }
        !parts.is_over
    }

    fn end(&self, path: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).paths.remove(path);
    }
}

impl DaemonHandle {
    /// Writes an incident bundle, into the working folder or, where that cannot be written into, the one
    /// for temporary files. Never waits: the outcome is one [`Report::Bundled`].
    pub fn bundle(&self, material: Material) {
        let (id, inbox) = (self.id, self.inbox.clone());
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            inbox.report(id, Report::Bundled(Err("too much is under way: not written".into())));
            return;
        };
        let link = self.lock().as_ref().map(|running| running.link.clone());
        let (endpoint, timings) = (self.endpoint.clone(), self.timings);
        let unfinished = Arc::clone(&self.bundles);
        self.runtime.spawn(async move {
            let listed = match link {
                Some(link) => listed(link, &timings).await,
                None => None,
            };
            let writing = offload::blocking(WRITE_MAX, move || {
                let home = endpoint.is_local().then(|| endpoint.home.clone());
                let path = folder().join(material.file_name());
                let order =
                    Order { path, may_replace: false, may_number: true, material, listed, home };
                write(order, &unfinished)
            });
            let outcome = writing.await.unwrap_or_else(|| Err(NO_ANSWER.to_owned()));
            inbox.report(id, Report::Bundled(outcome.map_err(Into::into)));
            drop(permit);
        });
    }
}

/// What PM2 says of the processes, if it answers in time.
async fn listed(link: watch::Receiver<Link>, timings: &Timings) -> Option<Vec<Json>> {
    let session = ready(link, timings.handshake).await.ok()?;
    Some(session.listing(timings.read).await.ok()?.raw)
}

/// Where a bundle goes for which nobody named a place.
fn folder() -> PathBuf {
    let here = PathBuf::from(".");
    let is_writable = rustix::fs::access(&here, rustix::fs::Access::WRITE_OK).is_ok();
    if is_writable { here } else { std::env::temp_dir() }
}

/// Writes it. Blocks.
///
/// # Errors
/// A sentence that names the path. Nothing is kept of a bundle that is not whole.
pub(crate) fn write(mut order: Order, unfinished: &Unfinished) -> Result<Written, String> {
    let wanted = std::path::absolute(&order.path).unwrap_or_else(|_| order.path.clone());
    let path = if order.may_number { free(&wanted) } else { wanted.clone() };
    let shown = said(&path);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(format!("{shown} is not a file"));
    };
    if !order.may_replace && path.symlink_metadata().is_ok() {
        return Err(format!("{shown} is there already: not replaced; {ANOTHER_NAME}"));
    }
    if path.metadata().is_ok_and(|about| !about.is_file()) {
        return Err(format!("{shown} is not a regular file: not replaced"));
    }
    if !folder.is_dir() {
        return Err(format!("cannot write {shown}: there is no folder {}", said(folder)));
    }
    let name = name.to_string_lossy();
    // Only its owner can read such a file.
    let part = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(|error| format!("cannot write {shown}: {}; nothing was kept", bare(error)))?;
    let place = part.path().to_owned();
    if !unfinished.begin(&place) {
        return Err(format!("{shown} is not written: the program ends"));
    }
    let entries = entries(&mut order);
    let count = entries.len();
    let written = pack(part.as_file(), stem(&name), entries, order.material.at.wall_ms)
        .and_then(|()| part.as_file().sync_all())
        .and_then(|()| part.as_file().metadata());
    let bytes = match written {
        Ok(about) => about.len(),
        Err(error) => {
            unfinished.end(&place);
            return Err(failed(part, &shown, &error));
        }
    };
    let placed = put(part, path, (&order, &wanted));
    unfinished.end(&place);
    match placed {
        Ok(path) => Ok(Written { path: said(&path).into(), files: count, bytes }),
        Err(error) => Err(failed(error.file, &shown, &error.error)),
    }
}

/// Gives a whole bundle its name.
fn put(
    mut part: NamedTempFile,
    mut path: PathBuf,
    (order, wanted): (&Order, &Path),
) -> Result<PathBuf, PersistError> {
    loop {
        let placed =
            if order.may_replace { part.persist(&path) } else { part.persist_noclobber(&path) };
        match placed {
            Ok(_) => return Ok(path),
            // Another one of the same second took it meanwhile.
            Err(error) if order.may_number && error.error.kind() == ErrorKind::AlreadyExists => {
                let next = free(wanted);
                if next == path {
                    return Err(error);
                }
                (part, path) = (error.file, next);
            }
            Err(error) => return Err(error),
        }
    }
}

/// The first of `x.tar.gz`, `x-2.tar.gz` and so on that nothing has.
fn free(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbered = |number: u32| path.with_file_name(format!("{}-{number}.tar.gz", stem(&name)));
    let all = std::iter::once(path.to_owned()).chain((2..=NUMBERS_MAX).map(numbered));
    all.into_iter().find(|path| !is_there(path)).unwrap_or_else(|| path.to_owned())
}

/// What went wrong. Half a bundle is of no use, and takes the room that is missing: it goes.
fn failed(part: NamedTempFile, shown: &str, error: &io::Error) -> String {
    let place = part.path().to_owned();
    let left = match part.close() {
        Ok(()) => "nothing was kept".to_owned(),
        Err(_) => format!("half of it is left in {}", said(&place)),
    };
    if error.kind() == ErrorKind::AlreadyExists {
        // Two had the same name: the other was whole first.
        return format!("{shown} was written meanwhile: not replaced; {ANOTHER_NAME}; {left}");
    }
    format!("cannot write {shown}: {error}; {left}")
}

/// The system's error without the path of the part, which the user has not named.
fn bare(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(std::error::Error::source);
    let code = inner.and_then(|inner| inner.downcast_ref::<io::Error>()?.raw_os_error());
    code.map_or(error, io::Error::from_raw_os_error)
}

fn said(path: &Path) -> String {
    clean(&path.to_string_lossy()).into_owned()
}

/// The name of the folder in the bundle.
fn stem(name: &str) -> &str {
    let stem = name.strip_suffix(".tar.gz").or_else(|| name.strip_suffix(".tgz")).unwrap_or(name);
    if stem.is_empty() || stem.starts_with('.') { "bundle" } else { stem }
}

/// One file of a bundle.
struct Entry {
    name: String,
    bytes: Vec<u8>,
    /// How large the file is of which that is the end, bytes; `None` where it is all.
    of: Option<u64>,
}

impl Entry {
    /// The end of a log file.
    fn end(name: String, tail: Tail) -> Self {
        let of = (tail.size > tail.bytes.len() as u64).then_some(tail.size);
        Self { name, bytes: tail.bytes, of }
    }

    /// What the summary says of it: `pm2.log: the last 1.0 MiB of 4.2 MiB`.
    fn words(&self) -> String {
        let bytes = units::bytes(self.bytes.len() as u64);
        match self.of {
            Some(size) => format!("{}: the last {bytes} of {}", self.name, units::bytes(size)),
            None => format!("{}: {bytes}", self.name),
        }
    }
}

impl From<Document> for Entry {
    fn from(document: Document) -> Self {
        Self { name: document.name, bytes: document.text.into_bytes(), of: None }
    }
}

/// All files, the summary first.
fn entries(order: &mut Order) -> Vec<Entry> {
    let mut found = Found { system: system(), ..Found::default() };
    let mut entries = Vec::new();
    match &order.listed {
        Some(listed) => {
            let settings: Json = listed.iter().map(redact::settings).collect();
            found.node = node_versions(&settings);
            let text = serde_json::to_string_pretty(&settings).unwrap_or_default();
            let bytes = escaped(&text, false).into_owned().into_bytes();
            entries.push(Entry { name: "processes.json".to_owned(), bytes, of: None });
        }
        None => found.missing.push("what PM2 says of the processes: it did not answer".to_owned()),
    }
    let mut logs = Vec::new();
    match &order.home {
        Some(home) => {
            let console = console(home, &mut logs, &mut found);
            let material = &mut order.material;
            look_back(&console, material);
            slices(&material.processes, &mut logs, &mut found);
        }
        None => found.missing.push("log files: they are not on this machine".to_owned()),
    }
    entries.extend(order.material.documents().into_iter().map(Entry::from));
    entries.extend(logs);
    found.files.extend(entries.iter().map(Entry::words));
    entries.insert(0, order.material.summary(&found).into());
    entries
}

/// The end of the daemon's own log, also as an entry.
fn console(home: &Path, logs: &mut Vec<Entry>, found: &mut Found) -> String {
    let path = home.join("pm2.log");
    match files::tail(&path, CONSOLE_BYTES_MAX) {
        Ok(tail) => {
            let text = String::from_utf8_lossy(&tail.bytes).into_owned();
            logs.push(Entry::end("pm2.log".to_owned(), tail));
            text
        }
        Err(error) => {
            found.missing.push(format!("{}: {error}", said(&path)));
            String::new()
        }
    }
}

/// Makes up the black boxes of those whose lives nobody watched.
fn look_back(console: &str, material: &mut Material) {
    let ground =
        Ground::of(console.to_owned(), material.utc_offset_s, ends::listed(&material.processes));
    for info in &material.processes {
        if material.boxes.iter().any(|(id, known)| *id == info.pm_id && known.last().is_some()) {
            continue;
        }
        material.boxes.retain(|(id, _)| *id != info.pm_id);
        let made_up = ends::of(info, &ground);
        material.boxes.push((info.pm_id, made_up));
    }
}

/// The ends of the log files of all processes, each file once.
fn slices(infos: &[ProcessInfo], logs: &mut Vec<Entry>, found: &mut Found) {
    let mut taken = BTreeSet::new();
    let mut bytes = 0;
    for info in infos {
        let own = &info.logs;
        for (holds, path) in [("out", &own.out), ("error", &own.err), ("all", &own.both)] {
            let Some(path) = path.as_deref().filter(|path| *path != "/dev/null") else { continue };
            if !taken.insert(path) {
                continue;
            }
            if bytes >= LOGS_BYTES_MAX {
                found.missing.push(format!("{}: there are too many logs", clean(path)));
                continue;
            }
            match files::tail(Path::new(path), SLICE_BYTES_MAX) {
                Ok(tail) => {
                    bytes += tail.bytes.len() as u64;
                    let name = format!("logs/{}-{}-{holds}.log", info.pm_id, plain(&info.name));
                    logs.push(Entry::end(name, tail));
                }
                Err(error) => found.missing.push(format!("{}: {error}", clean(path))),
            }
        }
    }
}

/// A name that is one part of a path everywhere.
fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name = name.chars().take(NAME_CHARS_MAX);
    name.map(|c| if is_plain(c) { c } else { '-' }).collect()
}

fn node_versions(settings: &Json) -> Vec<String> {
    let all = settings.as_array().into_iter().flatten();
    let versions: BTreeSet<&str> =
        all.filter_map(|process| process.get("node_version")?.as_str()).collect();
    versions.into_iter().map(|version| clean(version).into_owned()).collect()
}

fn system() -> String {
    let about = rustix::system::uname();
    let words = [about.sysname(), about.release(), about.machine()];
    let words = words.map(|word| clean(&word.to_string_lossy()).into_owned());
    words.join(" ")
}

/// Packs the files, below one folder.
fn pack(out: impl Write, folder: &str, entries: Vec<Entry>, at_ms: i64) -> io::Result<()> {
    let zipped = GzEncoder::new(BufWriter::new(out), Compression::default());
    let mut archive = Builder::new(zipped);
    for Entry { name, bytes, .. } in entries {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(at_ms / 1_000).unwrap_or_default());
        archive.append_data(&mut header, format!("{folder}/{name}"), bytes.as_slice())?;
    }
    archive.into_inner()?.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.flush()
}

/// Whether something is there. Blocks.
pub(crate) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests;
