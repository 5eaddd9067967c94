//! The screen on every release.

use super::stage::{Stage, plain, web};
use crate::harness::install::Release;
use crate::harness::screen::{COCKPIT, Screen, log_lines, row_says};

pub(crate) fn the_screen(release: Release) {
    let stage = Stage::new(release, &[web(), plain()]);
    stage.home.mark();
    let home = stage.home.path().to_str().unwrap();
    let mut environment = vec![("PM2_HOME".to_owned(), home.to_owned())];
    if let Some((rpc, publish)) = stage.home.ports() {
        for (name, port) in [("RPC", rpc), ("PUB", publish)] {
            environment
                .push((format!("PM2_DAEMON_{name}_PORT"), format!("tcp://127.0.0.1:{port}")));
        }
    }
    let mut screen = Screen::program((120, 40), COCKPIT, &[], &environment);
    screen.wait_for("the rows of this release", |text| {
        text.contains("● live")
            && text.contains(release.version())
            && row_says(text, "web", "online")
            && row_says(text, "plain", "online")
    });
    stage.home.assert_unharmed_but(&[]);

    screen.select("plain");
    let before = stage.home.one("plain").pid;
    screen.press("r");
    crate::harness::wait_until("r restarts it", || {
        let now = stage.home.one("plain");
        now.pid != before && now.status == "online"
    });
    screen.wait_for("the event in the log", |text| {
        // Not the row, the chart or the footer, which name it too.
        log_lines(text).any(|line| line.contains("plain[") && line.contains('◆'))
    });
    stage.home.assert_unharmed_but(&["plain"]);
}
