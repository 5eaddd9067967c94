//! The state file: what of the screen is kept from one run to the next. Order, columns and the size of
//! the charts are kept for all homes, a filter and whether the rows stand as a tree for their own; of each
//! home, that it was told that others can read its saved list.
//!
//! Invariant: a file that cannot be read or is of another version costs what it keeps, never the run,
//! and one of a newer version is left as it is. It is replaced whole, is its owner's alone, and what
//! this release does not know of it stays.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use crate::app::geometry::ChartsWish;
use crate::app::layout::Layout;
use crate::protocol::text::clean;

/// The version of the file's form.
const VERSION: u64 = 1;
/// A larger file is none of ours, bytes.
const BYTES_MAX: u64 = 64 * 1024;
/// The most homes that something is kept of, and the longest name of one, bytes.
const HOMES_MAX: usize = 64;
const HOME_BYTES_MAX: usize = 512;
/// The key of what is kept for each home.
const HOMES: &str = "homes";
/// The key of the modes with which it was told that others can read a saved list.
const TOLD_OPEN: &str = "told_open";

/// Where it is: `pm2-tui/state.json` below `XDG_STATE_HOME`, else `~/.local/state`.
pub(super) fn path(environment: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local").join("state")))?;
    Some(state.join("pm2-tui").join("state.json"))
}

/// What the file keeps for all homes and for this one, or these together; nothing where it cannot be
/// read.
pub(super) fn read(path: &Path, home: &str) -> Layout {
    let Ok(all) = fields(path) else { return Layout::default() };
    let none = Map::new();
    let own = all.get(HOMES).and_then(|homes| homes.get(home)).and_then(Json::as_object);
    let own = own.unwrap_or(&none);
    let text = |from: &Map<String, Json>, key: &str| {
        from.get(key).and_then(Json::as_str).map(ToOwned::to_owned)
    };
    let words = |list: &Vec<Json>| -> Vec<String> {
        list.iter().filter_map(Json::as_str).map(ToOwned::to_owned).collect()
    };
    Layout {
        sort: text(&all, "sort"),
        filter: text(own, "filter"),
        columns: all.get("columns").and_then(Json::as_array).map(words),
        charts: ChartsWish::of(all.get("charts").and_then(Json::as_str)),
        is_tree: own.get("tree").and_then(Json::as_bool).unwrap_or(false),
        told_open: told_open(all.get(TOLD_OPEN)),
    }
}

/// The modes that were told, by home.
fn told_open(kept: Option<&Json>) -> BTreeMap<String, Option<u32>> {
    let kept = kept.and_then(Json::as_object).into_iter().flatten();
    let mode = |mode: &Json| u32::try_from(mode.as_u64()?).ok();
    kept.filter_map(|(home, value)| Some((home.clone(), Some(mode(value)?)))).collect()
}

/// Why nothing can be kept there: something that is no folder is in its place. Blocks.
pub(super) fn trouble(path: &Path) -> Option<String> {
    let folders = path.ancestors().skip(1);
    let mut there = folders.filter_map(|folder| Some((folder, fs::metadata(folder).ok()?)));
    let (what, is_wrong, kind) = match fs::metadata(path) {
        Ok(about) => (path, !about.is_file(), "file"),
        Err(_) => there.next().map(|(folder, about)| (folder, !about.is_dir(), "folder"))?,
    };
    let what = clean(&what.to_string_lossy()).into_owned();
    is_wrong.then(|| format!("{what} is no {kind}: order, columns and filter are not kept"))
}

/// Says that nothing was kept, and why: what was kept before stays.
pub(super) fn not_kept(path: &Path, error: &io::Error) -> String {
    let path = clean(&path.to_string_lossy()).into_owned();
    format!("order, columns and filter are not kept: cannot write {path}: {error}")
}

/// Keeps a layout: of all homes, and of this one.
///
/// # Errors
/// The file or its folder cannot be written, or the file is of a newer version.
pub(super) fn write(path: &Path, home: &str, layout: &Layout) -> io::Result<()> {
    let mut all = match fields(path) {
        Ok(all) => all,
        Err(Unread::Newer) => return Err(io::Error::other("it is of a newer version")),
        Err(Unread::Broken) => Map::new(),
    };
    for (key, value) in [
        ("version", json!(VERSION)),
        ("sort", json!(layout.sort)),
        ("columns", json!(layout.columns)),
        ("charts", json!(layout.charts.word())),
        // Once they were kept for all.
        ("filter", Json::Null),
        ("tree", Json::Null),
    ] {
        all.insert(key.to_owned(), value);
    }
    let own = json!({ "filter": layout.filter, "tree": layout.is_tree.then_some(true) });
    all.insert(HOMES.to_owned(), homes(all.get(HOMES), home, own));
    let mut told = told_open(all.get(TOLD_OPEN));
    told.extend(layout.told_open.clone());
    let told = told.into_iter().filter(|(home, _)| home.len() <= HOME_BYTES_MAX);
    let told = told.filter_map(|(home, mode)| Some((home, json!(mode?)))).take(HOMES_MAX);
    let told: Map<String, Json> = told.collect();
    all.insert(TOLD_OPEN.to_owned(), if told.is_empty() { Json::Null } else { told.into() });
    all.retain(|_, value| !value.is_null());
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Beside it, so that nobody ever reads half of it; of this process, so that two never mix.
    let part = folder.join(format!(".state.{}.part", std::process::id()));
    let written = write_new(&part, &Json::Object(all)).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// What is kept for each home, with this one's; others go where there are too many.
fn homes(before: Option<&Json>, home: &str, own: Json) -> Json {
    let mut homes = before.and_then(Json::as_object).cloned().unwrap_or_default();
    homes.remove(home);
    let Json::Object(mut own) = own else { return Json::Object(homes) };
    own.retain(|_, value| !value.is_null());
    if !own.is_empty() && home.len() <= HOME_BYTES_MAX {
        while homes.len() >= HOMES_MAX {
            let Some(first) = homes.keys().next().cloned() else { break };
            homes.remove(&first);
        }
        homes.insert(home.to_owned(), Json::Object(own));
    }
    if homes.is_empty() { Json::Null } else { Json::Object(homes) }
}

fn write_new(path: &Path, value: &Json) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(format!("{value:#}\n").as_bytes())
}

/// Why there is nothing to read.
enum Unread {
    /// No such file, or none that can be understood.
    Broken,
    /// Of a newer release.
    Newer,
}

fn fields(path: &Path) -> Result<Map<String, Json>, Unread> {
    let broken = |_| Unread::Broken;
    // A pipe of that name would be waited for.
    if !fs::metadata(path).map_err(broken)?.is_file() {
        return Err(Unread::Broken);
    }
    let mut text = String::new();
    let file = File::open(path).map_err(broken)?;
    file.take(BYTES_MAX).read_to_string(&mut text).map_err(broken)?;
    let Ok(Json::Object(all)) = serde_json::from_str(&text) else { return Err(Unread::Broken) };
    match all.get("version").and_then(Json::as_u64) {
        Some(VERSION) => Ok(all),
        Some(version) if version > VERSION => Err(Unread::Newer),
        _ => Err(Unread::Broken),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const HOME: &str = "/home/x/.pm2";

    fn layout() -> Layout {
        Layout {
            sort: Some("-mem".to_owned()),
            filter: Some("api \"x\"".to_owned()),
            columns: Some(vec!["id".to_owned(), "pid".to_owned()]),
            is_tree: true,
            charts: ChartsWish::Line,
            ..Layout::default()
        }
    }

    #[test]
    fn what_is_written_is_read_and_nobody_else_reads_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a").join("pm2-tui").join("state.json");
        assert_eq!(read(&path, HOME), Layout::default());
        write(&path, HOME, &layout()).unwrap();
        assert_eq!(read(&path, HOME), layout());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        write(&path, HOME, &Layout::default()).unwrap();
        assert_eq!(read(&path, HOME), Layout::default());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left");
    }

    #[test]
    fn a_broken_file_costs_what_it_keeps_and_a_newer_one_stays() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.json");
        for broken in ["", "{", "[]", "{\"version\":\"1\"}", "\u{0}", "{\"version\":1,\"sort\":7}"]
        {
            fs::write(&path, broken).unwrap();
            assert_eq!(read(&path, HOME), Layout::default(), "{broken}");
            write(&path, HOME, &layout()).unwrap();
            assert_eq!(read(&path, HOME), layout(), "{broken}");
        }
        fs::write(&path, "{\"version\":2,\"sort\":\"mem\"}").unwrap();
        assert_eq!(read(&path, HOME), Layout::default());
        assert!(write(&path, HOME, &layout()).is_err());
        assert!(fs::read_to_string(&path).unwrap().contains("\"version\":2"));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(read(&path, HOME), Layout::default());
        assert!(write(&path, HOME, &layout()).is_err());
        assert!(path.is_dir());
    }

    #[test]
    fn a_filter_and_a_tree_belong_to_their_home() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        write(&path, HOME, &layout()).unwrap();
        let all = Layout { filter: None, is_tree: false, ..layout() };
        assert_eq!(read(&path, "/other"), all);
        let charts = ChartsWish::Line;
        let other = Layout { filter: Some("x".to_owned()), charts, ..Layout::default() };
        write(&path, "/other", &other).unwrap();
        assert_eq!(read(&path, "/other"), other);
        assert_eq!(read(&path, HOME), Layout { sort: None, columns: None, ..layout() });
        // Nothing of its own leaves nothing behind, and the homes are bounded.
        write(&path, "/other", &Layout::default()).unwrap();
        assert!(!fs::read_to_string(&path).unwrap().contains("/other"));
        for number in 0..100 {
            write(&path, &format!("/home/{number}"), &layout()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap().matches("\"/home/").count(), HOMES_MAX);
        // As it was before: kept for all, which nobody asked for.
        fs::write(&path, "{\"version\":1,\"tree\":true,\"filter\":\"a\"}").unwrap();
        assert_eq!(read(&path, HOME), Layout::default());
    }

    /// A part that cannot be written leaves what was kept before, and nothing beside it.
    #[test]
    fn what_cannot_be_kept_is_told_and_leaves_the_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.json");
        write(&path, HOME, &layout()).unwrap();
        let part = home.path().join(format!(".state.{}.part", std::process::id()));
        fs::create_dir(&part).unwrap();
        let error = write(&path, HOME, &Layout::default()).unwrap_err();
        assert_eq!(read(&path, HOME), layout());
        let told = not_kept(&path, &error);
        let wanted = format!("filter are not kept: cannot write {}: {error}", path.display());
        assert!(told.ends_with(&wanted), "{told}");
    }

    #[test]
    fn what_stands_in_the_place_of_the_folder_is_told() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pm2-tui").join("state.json");
        assert_eq!(trouble(&path), None, "it will be made");
        fs::write(home.path().join("pm2-tui"), "").unwrap();
        let told = trouble(&path).unwrap();
        let wanted = "/pm2-tui is no folder: order, columns and filter are not kept";
        assert!(told.ends_with(wanted), "{told}");
        fs::remove_file(home.path().join("pm2-tui")).unwrap();
        write(&path, HOME, &layout()).unwrap();
        assert_eq!(trouble(&path), None);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(trouble(&path).unwrap().contains("state.json is no file: "));
    }

    #[test]
    fn what_was_told_of_a_home_is_kept_for_it_until_it_is_not_so() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.json");
        let told = |of: &str, mode: Option<u32>| Layout {
            told_open: BTreeMap::from([(of.to_owned(), mode)]),
            ..Layout::default()
        };
        write(&path, HOME, &told(HOME, Some(0o644))).unwrap();
        write(&path, "/other", &told("/other", Some(0o664))).unwrap();
        let wanted = [(HOME.to_owned(), Some(0o644)), ("/other".to_owned(), Some(0o664))];
        assert_eq!(read(&path, "/x").told_open, BTreeMap::from(wanted));
        write(&path, HOME, &told(HOME, None)).unwrap();
        assert_eq!(read(&path, HOME), told("/other", Some(0o664)));
    }

    #[test]
    fn what_is_not_known_stays() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.json");
        fs::write(&path, "{\"version\":1,\"theme\":\"dark\",\"sort\":\"mem\"}").unwrap();
        write(&path, HOME, &Layout::default()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"theme\": \"dark\"") && !text.contains("sort"), "{text}");
    }

    #[test]
    fn only_an_absolute_folder_counts() {
        let of = |pairs: &'static [(&str, &str)]| {
            path(|name| {
                let found = pairs.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let wanted = |text: &str| Some(PathBuf::from(text));
        assert_eq!(of(&[("XDG_STATE_HOME", "/s")]), wanted("/s/pm2-tui/state.json"));
        let home = [("XDG_STATE_HOME", "s"), ("HOME", "/h")];
        assert_eq!(of(Box::leak(Box::new(home))), wanted("/h/.local/state/pm2-tui/state.json"));
        assert_eq!(of(&[]), None);
    }
}
