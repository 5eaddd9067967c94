//! Saves lines of the log to a file.
//!
//! Invariant: only its owner may read it; what is there already is replaced only where that is allowed,
//! and only by a whole file; a partial one is named.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{DaemonHandle, offload};
use crate::logs::Saving;
use crate::model::report::Report;
use crate::model::saved::Saved;
use crate::protocol::text::clean;

/// How long saving may take.
const WRITE_MAX: Duration = Duration::from_mins(5);
/// How much is written at a time, bytes.
const BUFFER_BYTES: usize = 256 * 1024;

impl DaemonHandle {
    /// Saves lines. Never waits: the outcome is one [`Report::LogSaved`].
    pub fn save_log(&self, saving: Saving) {
        let (id, inbox) = (self.id, self.inbox.clone());
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            let why = "too much is under way: nothing was saved".into();
            inbox.report(id, Report::LogSaved(Saved::Failed(why)));
            return;
        };
        let home = self.endpoint.home.clone();
        self.runtime.spawn(async move {
            let writing = offload::blocking(WRITE_MAX, move || write(saving, &home)).await;
            let saved = writing
                .unwrap_or_else(|| Saved::Failed("not saved yet: the disk does not answer".into()));
            inbox.report(id, Report::LogSaved(saved));
            drop(permit);
        });
    }
}

/// The file that a typed path means: `~` is the user's home. `None` for another user's.
fn meant(typed: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let rest = if typed == "~" { Some("") } else { typed.strip_prefix("~/") };
    if rest.is_none() && typed.starts_with('~') {
        return None;
    }
    let in_home = match (rest, home) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(typed),
    };
    Some(std::path::absolute(&in_home).unwrap_or(in_home))
}

/// Files by which the folder of a PM2 daemon is known.
const PM2_FILES: [&str; 3] = ["rpc.sock", "pm2.pid", "module_conf.json"];
/// Folders in it that have files of PM2's own too.
const PM2_FOLDERS: [&str; 2] = ["pids", "modules"];

/// Whether a folder is one where PM2 has its own files (`dump.pm2`, sockets, pids): that of this daemon
/// or of another.
fn is_pm2s_own(folder: &Path, home: &Path) -> bool {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    let is_home = |folder: &Path| {
        folder == home || PM2_FILES.iter().any(|name| folder.join(name).symlink_metadata().is_ok())
    };
    let is_within = PM2_FOLDERS.iter().any(|name| folder.ends_with(name));
    is_home(&folder) || is_within && folder.parent().is_some_and(is_home)
}

/// Writes them, not among the files of PM2, whose folder is `home`. Blocks.
fn write(mut saving: Saving, home: &Path) -> Saved {
    let failed = |why: String| Saved::Failed(why.into());
    let Some(path) = meant(saving.path.trim()) else {
        let typed = clean(saving.path.trim()).into_owned();
        return failed(format!(
            "{typed}: of `~`, only ~/ is understood; write ./~.. for such a file"
        ));
    };
    let shown = said(&path);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return failed(format!("{shown} is not a file"));
    };
    if is_pm2s_own(folder, home) {
        return failed(format!("{shown} would be among PM2's own files: nothing was saved"));
    }
    if path.metadata().is_ok_and(|about| !about.is_file()) {
        return failed(format!("{shown} is not a regular file: nothing was saved"));
    }
    if !saving.may_replace && path.symlink_metadata().is_ok() {
        return Saved::IsThere { path: shown.into() };
    }
    if let Err(error) = folder.metadata() {
        return failed(format!("cannot write {shown}: its folder: {error}"));
    }
    // Only its owner can read such a file.
    let part = tempfile::Builder::new()
        .prefix(&format!(".{}.", name.to_string_lossy()))
        .suffix(".part")
        .tempfile_in(folder);
    let part = match part {
        Ok(part) => part,
        // What it says itself names the temporary file.
        Err(error) => return failed(format!("cannot write {shown}: {}", error.kind())),
    };
    let (lines, bytes) = match fill(&mut saving, part.as_file()) {
        Ok(sums) => sums,
        Err(error) => return failed(half(part, &shown, &error)),
    };
    let placed =
        if saving.may_replace { part.persist(&path) } else { part.persist_noclobber(&path) };
    match placed {
        Ok(_) => {
            let unreadable = saving.unreadable;
            Saved::Written { path: shown.into(), lines, bytes, unreadable }
        }
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Saved::IsThere { path: shown.into() }
        }
        Err(error) => failed(half(error.file, &shown, &error.error)),
    }
}

/// Writes the lines into a file that is there: how many, and its size.
fn fill(saving: &mut Saving, mut file: &std::fs::File) -> io::Result<(u64, u64)> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, &mut file);
    let lines = saving.write(&mut out)?;
    out.flush()?;
    drop(out);
    file.sync_all()?;
    Ok((lines, file.metadata()?.len()))
}

/// What went wrong, and where the part is that was written.
fn half(part: tempfile::NamedTempFile, shown: &str, error: &io::Error) -> String {
    // One without anything in it is of no use: it goes.
    if part.as_file().metadata().is_ok_and(|about| about.len() == 0) {
        return format!("cannot write {shown}: {error}; nothing was saved");
    }
    // The names come first: folders can be long, and a notice is one line.
    let name = shown.rsplit('/').next().unwrap_or(shown);
    let why = format!("cannot write {name}: {}", error.kind());
    match part.into_temp_path().keep() {
        Err(_) => format!("{why}: {shown}"),
        Ok(path) => {
            let part = path.file_name().map(Path::new).map(said).unwrap_or_default();
            let folder = path.parent().map(said).unwrap_or_default();
            format!("{why}; what was written is in {part} in {folder}")
        }
    }
}

fn said(path: &Path) -> String {
    clean(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::logs::{
        Body, Bounds, Filter, Kind, Line, LineTime, Owner, Pattern, Query, Rereads, SourceKey,
        Store, Stream, TimeFrom, View,
    };
    use crate::model::DaemonId;

    fn store(texts: &[(&[u8], Kind)]) -> Store {
        let mut store = Store::new(Bounds::default());
        let owner = Owner::Pm2(DaemonId(0));
        let source = store.source(&SourceKey { owner, stream: Stream::Out }).unwrap();
        for (text, kind) in texts {
            let time = LineTime { at_ms: 0, from: TimeFrom::Line };
            let body = Body::Held(text);
            store.append(source, &Line { time, level: None, kind: *kind, body }).unwrap();
        }
        store
    }

    #[test]
    fn bytes_are_saved_as_they_came_and_only_the_owner_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let hostile = b"\x1b]52;c;aGk=\x07\xff\x00 x";
        let texts: [(&[u8], Kind); 4] = [
            (hostile, Kind::Output),
            (b"Error: x", Kind::Output),
            (b"    at y", Kind::More),
            (b"z", Kind::Output),
        ];
        let store = store(&texts);
        let typed = path.to_str().unwrap();
        let nowhere = Path::new("/nowhere");
        let Saved::Written { lines, bytes, .. } =
            write(Saving::new(&store, None, typed, Rereads::default()), Path::new("/nowhere"))
        else {
            panic!()
        };
        let wanted = [hostile.as_slice(), b"\nError: x\n    at y\nz\n"].concat();
        assert_eq!((lines, bytes), (4, wanted.len() as u64));
        assert_eq!(std::fs::read(&path).unwrap(), wanted);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        // What is there is asked about, and what a view shows is saved, entries whole.
        let filter =
            Filter { pattern: Pattern::regex("at y").unwrap(), is_inverted: false, is_on: true };
        let view = View::new(Query { filters: vec![filter], ..Query::default() });
        let mut saving = Saving::new(&store, Some(&view), typed, Rereads::default());
        assert_eq!(write(saving.clone(), nowhere), Saved::IsThere { path: typed.into() });
        assert_eq!(std::fs::read(&path).unwrap(), wanted);
        saving.may_replace = true;
        assert!(matches!(write(saving, nowhere), Saved::Written { lines: 2, .. }));
        assert_eq!(std::fs::read(&path).unwrap(), b"Error: x\n    at y\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no part is left");
    }

    #[test]
    fn lines_of_several_say_whose_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut store = Store::new(Bounds::default());
        for (id, name, text) in [(0, "api", b"one".as_slice()), (3, "web", b"two"), (0, "api", b"")]
        {
            let owner = Owner::Process {
                daemon: DaemonId(0),
                pm_id: Some(crate::protocol::process::PmId(id)),
                namespace: "shop".into(),
                name: name.into(),
            };
            let source = store.source(&SourceKey { owner, stream: Stream::Out }).unwrap();
            let time = LineTime { at_ms: 0, from: TimeFrom::Line };
            let body = Body::Held(text);
            let line = Line { time, level: None, kind: Kind::Output, body };
            store.append(source, &line).unwrap();
        }
        let typed = path.to_str().unwrap();
        let view = View::new(Query::default());
        for view in [None, Some(&view)] {
            let mut saving = Saving::new(&store, view, typed, Rereads::default());
            saving.may_replace = true;
            let saved = write(saving, Path::new("/nowhere"));
            assert!(matches!(saved, Saved::Written { lines: 3, .. }), "{saved:?}");
            let wanted = "api[0] | one\nweb[3] | two\napi[0] | \n";
            assert_eq!(std::fs::read_to_string(&path).unwrap(), wanted);
        }
    }

    #[test]
    fn what_says_no_time_gets_one_and_what_happened_a_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut store = Store::new(Bounds::default());
        let owner = Owner::Pm2(DaemonId(0));
        let source = store.source(&SourceKey { owner, stream: Stream::Out }).unwrap();
        for (text, kind, from) in [
            (b"own".as_slice(), Kind::Output, TimeFrom::Line),
            (b"heard", Kind::Output, TimeFrom::Bus),
            (b"read", Kind::Output, TimeFrom::Estimated),
            (b"  more", Kind::More, TimeFrom::Estimated),
            (b"code 1", Kind::Exit, TimeFrom::Estimated),
        ] {
            let time = LineTime { at_ms: 1_999, from };
            let body = Body::Held(text);
            store.append(source, &Line { time, level: None, kind, body }).unwrap();
        }
        let saving = Saving::new(&store, None, path.to_str().unwrap(), Rereads::default());
        assert!(matches!(write(saving, Path::new("/nowhere")), Saved::Written { lines: 5, .. }));
        let at = "1970-01-01T00:00:01.999Z";
        let wanted = format!("own\n{at} heard\n~{at} read\n  more\n~{at} \u{25c6} code 1\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), wanted);
    }

    #[test]
    fn what_cannot_be_written_is_told_with_its_path() {
        let store = store(&[(b"x", Kind::Output)]);
        for (typed, words) in [
            ("/dev/full", "not a regular file"),
            ("/proc/nothing/log", "cannot write /proc/nothing/log: its folder: No such file"),
            ("/proc/log", "cannot write /proc/log: "),
            ("~root/log", "~root/log: of `~`, only ~/ is understood"),
            ("/", "is not a file"),
        ] {
            let Saved::Failed(why) =
                write(Saving::new(&store, None, typed, Rereads::default()), Path::new("/nowhere"))
            else {
                panic!()
            };
            assert!(why.contains(words) && !why.contains(".part"), "{why}");
        }
    }

    #[test]
    fn the_files_of_pm2_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (home, other) = (folder.path().join("home"), folder.path().join("other"));
        for folder in [home.join("pids"), home.join("logs"), other.clone()] {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(other.join("pm2.pid"), "1").unwrap();
        let store = store(&[(b"x", Kind::Output)]);
        let save = |path: PathBuf| {
            let saving = Saving::new(&store, None, path.to_str().unwrap(), Rereads::default());
            write(saving, &home)
        };
        for path in
            [home.join("dump.pm2"), home.join("logs/../x"), home.join("pids/x"), other.join("x")]
        {
            let Saved::Failed(why) = save(path.clone()) else { panic!("{path:?}") };
            assert!(why.contains("would be among PM2's own files"), "{why}");
            assert!(!path.exists());
        }
        assert!(matches!(save(home.join("logs/x")), Saved::Written { .. }));
    }

    /// A disk that is full: every write to this file fails so.
    #[test]
    fn a_full_disk_is_told_and_what_was_written_is_named() {
        let store = store(&[(b"x", Kind::Output)]);
        let mut saving = Saving::new(&store, None, "x", Rereads::default());
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = fill(&mut saving, &full).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let folder = tempfile::tempdir().unwrap();
        let empty = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        let why = half(empty, "/srv/log", &error);
        assert!(why.ends_with("; nothing was saved"), "{why}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no empty part is left");
        let mut part = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        part.write_all(b"some of it").unwrap();
        let path = part.path().to_owned();
        let why = half(part, "/srv/log", &error);
        let name = path.file_name().unwrap().to_str().unwrap();
        let wanted = format!(
            "cannot write log: no storage space; what was written is in {name} in {}",
            folder.path().display()
        );
        assert_eq!(why, wanted, "its name stands before folders that may be long");
        assert!(path.exists());
    }

    #[test]
    fn a_tilde_is_the_home_of_the_user() {
        let home = std::env::var_os("HOME").unwrap();
        assert_eq!(meant("~/a b/log"), Some(Path::new(&home).join("a b/log")));
        assert_eq!(meant("/a/~/log"), Some(PathBuf::from("/a/~/log")));
        assert!(meant("log").is_some_and(|path| path.is_absolute()));
    }
}
