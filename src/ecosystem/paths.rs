//! Paths and programs as the pm2 CLI finds them.
//!
//! Invariant: nothing is changed; what cannot be looked at is not there.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, access};

/// How much of a file tells whether it is a program, bytes (PM2's `isbinaryfile.js`).
const PROBE_BYTES: u64 = 512;

/// Node's `path.resolve`: absolute, without `.` and `..`, links not followed.
pub(super) fn resolve(base: &Path, path: &str) -> PathBuf {
    let mut whole = PathBuf::new();
    for component in base.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            other => whole.push(other),
        }
    }
    whole
}

/// The extension with its dot, as Node's `path.extname`.
pub(super) fn extension(path: &Path) -> String {
    let extension = path.extension().map(|it| it.to_string_lossy());
    extension.map_or_else(String::new, |it| format!(".{it}"))
}

/// Whether this is a file that may be executed.
pub(super) fn runs(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| !about.is_dir()) && access(path, Access::EXEC_OK).is_ok()
}

/// PM2's `which`: a command in `PATH`, or a path with a slash in it as it is.
pub(super) fn which(command: &str, path: Option<&str>, cwd: &Path) -> Option<PathBuf> {
    if command.contains('/') {
        return Some(resolve(cwd, command)).filter(|it| runs(it));
    }
    path?
        .split(':')
        .map(|folder| resolve(&resolve(cwd, folder), command))
        .find(|candidate| !command.is_empty() && runs(candidate))
}

/// PM2's `isbinaryfile`: whether a file is a program to be run without an interpreter.
pub(super) fn is_binary(path: &Path) -> bool {
    let Ok(file) = fs::File::open(path) else { return false };
    if !file.metadata().is_ok_and(|about| about.is_file()) {
        return false;
    }
    let mut start = Vec::new();
    file.take(PROBE_BYTES).read_to_end(&mut start).is_ok() && looks_binary(&start)
}

fn looks_binary(start: &[u8]) -> bool {
    if start.is_empty() || start.starts_with(b"\xef\xbb\xbf") {
        return false;
    }
    let is_tail = |index: usize| start.get(index).is_some_and(|byte| (128..192).contains(byte));
    let mut suspicious = 0;
    let mut index = 0;
    while let Some(&byte) = start.get(index) {
        if byte == 0 {
            return true;
        }
        let is_plain = (7..=14).contains(&byte) || (32..=127).contains(&byte);
        let mut is_character = is_plain;
        if (194..=223).contains(&byte) && index + 1 < start.len() {
            index += 1;
            is_character = is_tail(index);
        } else if (224..=239).contains(&byte) && index + 2 < start.len() {
            index += 1;
            is_character = is_tail(index) && is_tail(index + 1);
            index += usize::from(is_character);
        } else {
            // Text, or a byte that text has not.
        }
        if !is_character {
            suspicious += 1;
            // PM2 wants to have seen 32 bytes before it decides.
            if index > 32 && suspicious * 10 > start.len() {
                return true;
            }
        }
        index += 1;
    }
    suspicious * 10 > start.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_resolve_as_in_node() {
        for (base, path, whole) in [
            ("/a/b", "c.js", "/a/b/c.js"),
            ("/a/b", "./c/../d.js", "/a/b/d.js"),
            ("/a/b", "../../../x", "/x"),
            ("/a/b", "/x/y/", "/x/y"),
            ("/a", "", "/a"),
        ] {
            assert_eq!(resolve(Path::new(base), path), Path::new(whole), "{base} {path}");
        }
        for (path, dot) in [("/a.js", ".js"), ("/.rc", ""), ("/a", ""), ("/a.b.ts", ".ts")] {
            assert_eq!(extension(Path::new(path)), dot);
        }
    }

    #[test]
    fn programs_are_told_from_scripts_as_pm2_does_it() {
        for (start, binary) in [
            (&b""[..], false),
            (b"#!/bin/sh\necho hello\n", false),
            (b"\x7fELF\x02\x01\x01\x00", true),
            (b"\xef\xbb\xbf\x00", false),
            ("über größe".as_bytes(), false),
            (b"\xff\xfe\xfd\xfc", true),
        ] {
            assert_eq!(looks_binary(start), binary, "{start:?}");
        }
        assert!(is_binary(&std::env::current_exe().unwrap()));
        assert!(!is_binary(Path::new("/nonexistent")) && !is_binary(Path::new("/")));
    }

    #[test]
    fn commands_are_found_in_path() {
        let cwd = Path::new("/");
        assert_eq!(which("sh", Some("/nonexistent:/bin"), cwd), Some(PathBuf::from("/bin/sh")));
        assert_eq!(which("bin/sh", None, cwd), Some(PathBuf::from("/bin/sh")));
        for (command, path) in [("sh", None), ("sh", Some("/nonexistent")), ("", Some("/bin"))] {
            assert_eq!(which(command, path, cwd), None);
        }
        assert_eq!(which("/etc/passwd", None, cwd), None);
    }
}
