//! Where the file is, and its text.
//!
//! Invariant: nothing but a plain file of a bounded size is read: a pipe or a device would be waited
//! for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use memchr::memchr_iter;

/// A larger file is no configuration, bytes.
const BYTES_MAX: u64 = 256 * 1024;
/// Reads no file: for a run with the defaults.
const NONE: &str = "/dev/null";

/// Where the file is, or would be.
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Whether the user named it; then it has to be there.
    is_named: bool,
}

/// By `--config`, else `PM2_TUI_CONFIG`, else `pm2-tui/config.toml` below `XDG_CONFIG_HOME`, else below
/// `~/.config`.
pub(super) fn place(named: Option<&Path>, env: impl Fn(&str) -> Option<OsString>) -> Option<Place> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = named.map(Path::to_owned).or_else(|| set("PM2_TUI_CONFIG")) {
        return Some(Place { path, is_named: true });
    }
    let absolute = |name: &str| set(name).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(Place { path: folder.join("pm2-tui").join("config.toml"), is_named: false })
}

/// Whether something is there.
pub(super) fn is_there(place: &Place) -> bool {
    place.path.exists()
}

/// The text of the file; `None` where there is none and none is needed.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(place: &Place) -> Result<Option<String>, String> {
    if place.path == Path::new(NONE) {
        return Ok(None);
    }
    let metadata = match fs::metadata(&place.path) {
        Ok(metadata) => metadata,
        // A link to nowhere is a mistake, not a file that was never written.
        // Below a HOME that is no folder (/dev/null) there is none either.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
                && !place.is_named =>
        {
            return match fs::symlink_metadata(&place.path) {
                Ok(_) => Err("it is a link to a file that does not exist".to_owned()),
                Err(_) => Ok(None),
            };
        }
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    if metadata.is_dir() {
        return Err("it is a folder, not a file".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is no plain file".to_owned());
    }
    let too_large = || format!("it is larger than {} KiB", BYTES_MAX / 1024);
    if metadata.len() > BYTES_MAX {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let file = File::open(&place.path).map_err(|error| format!("it cannot be read: {error}"))?;
    file.take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(too_large());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = memchr_iter(b'\n', before).count() + 1;
        format!("it is not UTF-8 (line {line})")
    })?;
    Ok(Some(text))
}
