//! The state file: what becomes of it, and of the screen, where it is broken or shared.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value as Json;

use crate::harness::screen::{COCKPIT, Screen};
use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        simulated(a_file_that_cannot_be_used_costs_what_it_keeps_only),
        simulated(two_screens_do_not_spoil_it),
    ]
}

/// The demo with this folder for what is kept.
fn demo(folder: &Path) -> Screen {
    let state = ("XDG_STATE_HOME".to_owned(), folder.to_str().unwrap().to_owned());
    let mut screen = Screen::program((120, 40), COCKPIT, &["demo"], &[state]);
    screen.wait_for("rows", |text| text.contains("● live") && text.contains("online"));
    screen
}

/// Sorts by another column, so that there is something to keep.
fn sort(screen: &mut Screen) {
    screen.wait_for("the order by id", |text| text.contains(" id▲"));
    screen.press(">");
    screen.wait_for("another order", |text| !text.contains(" id▲"));
}

fn quit(mut screen: Screen) {
    screen.press("q");
    assert_eq!(screen.wait_exit().code, 0);
}

fn a_file_that_cannot_be_used_costs_what_it_keeps_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pm2-tui/state.json");
    fs::create_dir(path.parent().unwrap()).unwrap();
    let newer = "{\"version\":99,\"sort\":\"mem\"}";
    for (text, is_replaced) in [("{\"version\":1,\"so", true), (newer, false), ("\0\0", true)] {
        fs::write(&path, text).unwrap();
        let mut screen = demo(folder.path());
        sort(&mut screen);
        quit(screen);
        let after = fs::read_to_string(&path).unwrap();
        assert_eq!(after != text, is_replaced, "{text}: {after}");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let mut screen = demo(folder.path());
    sort(&mut screen);
    quit(screen);
    assert!(path.is_dir());
    fs::remove_dir(&path).unwrap();
    // A pipe would be waited for.
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
    quit(demo(folder.path()));
    fs::remove_file(&path).unwrap();
    // Of nobody: who is root reads it all the same.
    fs::write(&path, "{\"version\":1,\"sort\":\"mem\"}").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    quit(demo(folder.path()));
}

fn two_screens_do_not_spoil_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pm2-tui/state.json");
    let (mut one, mut two) = (demo(folder.path()), demo(folder.path()));
    sort(&mut one);
    sort(&mut two);
    one.press("q");
    two.press("q");
    assert_eq!((one.wait_exit().code, two.wait_exit().code), (0, 0));
    let kept: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert!(kept["version"] == 1 && kept["sort"].is_string(), "{kept}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left");
    let mut screen = demo(folder.path());
    screen.wait_for("the order that was kept", |text| !text.contains(" id▲"));
    quit(screen);
}
