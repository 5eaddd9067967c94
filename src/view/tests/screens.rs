//! Screens as text, each read before it was accepted.

use super::fleet::*;
use crate::app::{Mode, Notice, Pane};
use crate::model::Action;
use crate::model::daemon::{Connection, Problem};
use crate::model::log::{LineKind, LogSource};
use crate::protocol::process::{PmId, ProcessStatus};

/// Checks the app's screen at one size or several.
macro_rules! check {
    ($app:expr, $theme:expr, $name:literal, $sizes:expr) => {
        for size in $sizes {
            let name = format!("{}_{}x{}", $name, size.0, size.1);
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path("../snapshots");
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(name, screen($app, $theme, size)));
        }
    };
}

const ALL: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 10)];

#[test]
fn typical_fleet() {
    check!(&typical(), COLOR, "typical", ALL);
    check!(&typical(), COLOR, "typical", [(30, 6), (60, 18), (200, 50)]);
}

#[test]
fn ascii_and_no_color() {
    check!(&typical(), PLAIN, "ascii", ALL);
}

#[test]
fn too_small() {
    check!(&typical(), COLOR, "too_small", [(29, 5)]);
}

#[test]
fn no_daemon() {
    let mut app = app(vec![down(0, "deploy")]);
    app.daemons[0].snapshot_at_ms = None;
    check!(&app, COLOR, "no_daemon", ALL);
    check!(&app, COLOR, "no_daemon", [(30, 6)]);
}

#[test]
fn no_daemon_of_two() {
    let mut app = app(vec![down(0, "deploy"), down(1, "root")]);
    app.daemons[1].connection = Connection::Down {
        problem: Problem::PermissionDenied {
            path: "/root/.pm2/rpc.sock".into(),
            owner: Some("root".into()),
        },
        retry_at_ms: NOW_MS,
    };
    check!(&app, COLOR, "no_daemon_of_two", [(80, 24), (40, 10)]);
}

#[test]
fn connecting() {
    let mut app = app(vec![daemon(0, "web-01")]);
    app.daemons[0].connection = Connection::Connecting;
    check!(&app, COLOR, "connecting", [(80, 24)]);
}

#[test]
fn live_and_empty() {
    check!(&app(vec![daemon(0, "web-01")]), COLOR, "empty", ALL);
}

#[test]
fn one_of_two_daemons_down() {
    let mut app = typical();
    app.daemons.push(down(1, "web-02"));
    fill(&mut app, 1);
    check!(&app, COLOR, "two_daemons", ALL);
}

#[test]
fn daemon_went_away() {
    let mut app = typical();
    app.daemons[0] = down(0, "web-01");
    check!(&app, COLOR, "went_away", ALL);
}

#[test]
fn warnings_and_losses() {
    let mut app = typical();
    app.is_demo = true;
    app.daemons[0].bus_live = false;
    app.daemons[0].warnings = 3;
    app.daemons[0].last_warning = Some("a process without pm2_env was left out".into());
    app.log.count_lost(1234);
    check!(&app, COLOR, "warnings", ALL);
    check!(&app, COLOR, "warnings", [(180, 12)]);
}

#[test]
fn question() {
    let mut app = typical();
    app.mode = Mode::Confirm { action: Action::Delete, key: key(0, 3) };
    check!(&app, COLOR, "confirm", ALL);
    check!(&app, COLOR, "confirm", [(30, 6)]);
}

#[test]
fn help() {
    let mut app = typical();
    app.mode = Mode::Help { top: 0 };
    check!(&app, COLOR, "help", ALL);
    app.mode = Mode::Help { top: 9999 };
    check!(&app, COLOR, "help_end", [(40, 10)]);
}

#[test]
fn notices() {
    let mut app = typical();
    app.notice = Some(Notice {
        text: "restarted api[0]   (pm2 restart 0)".into(),
        is_bad: false,
        until_ms: NOW_MS + 1000,
    });
    check!(&app, COLOR, "notice_good", [(80, 24)]);
    app.notice = Some(Notice {
        text: "delete worker[3] failed: process 3 not found".into(),
        is_bad: true,
        until_ms: NOW_MS + 1000,
    });
    check!(&app, COLOR, "notice_bad", [(80, 24), (40, 10)]);
}

#[test]
fn states_of_processes() {
    let mut app = typical();
    app.table_top = 0;
    let mut waiting = process(info(5, "flaky", ProcessStatus::WaitingRestart));
    waiting.info.restarts = 7;
    waiting.restarts_at_ms = Some(NOW_MS + 2900);
    app.fleet.insert(key(0, 5), waiting.clone());
    waiting.restarts_at_ms = None;
    app.fleet.insert(key(0, 6), waiting);
    let mut ghost = process(info(7, "ghost", ProcessStatus::Online));
    ghost.info.pid = None;
    app.fleet.insert(key(0, 7), ghost);
    let mut pending = process(info(8, "busy", ProcessStatus::Online));
    pending.pending = Some(Action::Restart);
    app.fleet.insert(key(0, 8), pending);
    let mut reloading = process(info(9, "cluster", ProcessStatus::Online));
    reloading.is_reloading = true;
    app.fleet.insert(key(0, 9), reloading);
    let odd = ProcessStatus::Other("one-launch-status".into());
    app.fleet.insert(key(0, 10), process(info(10, "odd", odd)));
    for (pm_id, status) in [(11, ProcessStatus::Launching), (12, ProcessStatus::Stopping)] {
        let name = status.as_str().to_owned();
        app.fleet.insert(key(0, pm_id), process(info(pm_id, &name, status)));
    }
    check!(&app, COLOR, "states", [(120, 40)]);
    app.table_top = 5;
    app.selected = Some(key(0, 7));
    check!(&app, COLOR, "states", [(40, 16)]);
    check!(&app, PLAIN, "states_ascii", [(120, 40)]);
}

#[test]
fn scrolled_log() {
    let mut app = typical();
    app.focus = Pane::Log;
    for number in 0..100 {
        let source = LogSource {
            daemon: crate::model::DaemonId(0),
            pm_id: Some(PmId(2)),
            name: "nightly-report-generator".into(),
        };
        let line = output(NOW_MS + number, source, LineKind::Out, &format!("line {number}"));
        app.log.push(line);
    }
    app.log_top = Some(20);
    check!(&app, COLOR, "scrolled_log", ALL);
}

#[test]
fn foreign_names() {
    let mut app = typical();
    let names = [
        "日本語のサービス名前",
        "שלום-עולם",
        "e\u{301}te\u{301}",
        "",
        "a\u{1b}[2Jb\nc",
        "👩‍👩‍👧‍👦-family",
        "क्षि",
    ];
    for (pm_id, name) in (20..).zip(names) {
        app.fleet.insert(key(0, pm_id), process(info(pm_id, name, ProcessStatus::Online)));
    }
    check!(&app, COLOR, "foreign_names", [(100, 30)]);
    check!(&app, PLAIN, "foreign_names_ascii", [(100, 30)]);
}

#[test]
fn long_table_scrolls() {
    let mut app = app(vec![daemon(0, "web-01")]);
    for pm_id in 0..120 {
        app.fleet.insert(key(0, pm_id), process(info(pm_id, "api", ProcessStatus::Online)));
    }
    app.selected = Some(key(0, 4));
    app.table_top = 2;
    check!(&app, COLOR, "long_table", [(80, 24)]);
}
