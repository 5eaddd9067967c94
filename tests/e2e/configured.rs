//! The screen with the user's configuration, and with broken ones.

use std::fs;
use std::path::Path;

use crate::harness::screen::{COCKPIT, Screen};
use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![simulated(a_broken_configuration_is_told_and_the_screen_starts)]
}

/// The demo with this file as the configuration.
fn demo(config: &Path) -> Screen {
    let environment = [("PM2_TUI_CONFIG".to_owned(), config.to_str().unwrap().to_owned())];
    Screen::program((120, 40), COCKPIT, &["demo"], &environment)
}

fn a_broken_configuration_is_told_and_the_screen_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let cases: [(&[u8], &str); 3] = [
        (b"slow = true\ntheem = \"dark\"\n", "config.toml:2: unknown key `theem`"),
        (b"confirm = \"alw", "config.toml:1: "),
        (b"\xff\xfe", "config.toml: it is not UTF-8"),
    ];
    for (text, wanted) in cases {
        fs::write(&path, text).unwrap();
        let mut screen = demo(&path);
        screen.wait_for("rows and what is wrong", |text| {
            text.contains("● live") && text.contains("online") && text.contains(wanted)
        });
        screen.press("q");
        assert_eq!(screen.wait_exit().code, 0);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let mut screen = demo(&path);
    screen.wait_for("rows and what is wrong", |text| {
        text.contains("online") && text.contains("config.toml: it is a folder, not a file")
    });
    screen.press("q");
    assert_eq!(screen.wait_exit().code, 0);
}
