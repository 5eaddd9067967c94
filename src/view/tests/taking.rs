//! Exceptions grouped, and a disk that is full soon.

use super::fleet::*;
use super::{ALL, check};
use crate::app::message::Message;
use crate::app::{App, Mode, update};
use crate::model::DaemonId;
use crate::model::disk::{DiskLook, FileLook, VolumeLook};
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::protocol::bus::{BusPmId, Exception, ProcessRef};
use crate::protocol::process::PmId;

const D: DaemonId = DaemonId(0);

fn throw(app: &mut App, (pm_id, name): (u32, &str), text: &str, ago_s: i64) {
    let message = text.lines().next().unwrap().split_once(": ").unwrap().1;
    let exception = Exception {
        process: ProcessRef { pm_id: Some(BusPmId::Process(PmId(pm_id))), name: name.into() },
        at_ms: Some(NOW_MS - ago_s * 1_000),
        message: message.into(),
        stack: text.lines().map(Into::into).collect(),
    };
    let report = Report::Exception(Box::new(exception));
    let _ = update(app, Moment::at(NOW_MS), Message::Report(D, report));
}

fn with_exceptions() -> App {
    let mut app = typical();
    for ago_s in [3_000, 2_900, 2_880, 900, 880, 870, 860, 200, 30, 4] {
        let user = 4_000 + ago_s;
        let text = format!(
            "TypeError: cannot read the name of user {user}\n    at load (/srv/api/users.js:42:17)\n    \
             at Layer.handle (/srv/api/node_modules/express/lib/router/layer.js:95:5)\n    \
             at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"
        );
        throw(&mut app, (u32::from(ago_s % 3 == 0), "api"), &text, ago_s);
    }
    throw(
        &mut app,
        (3, "worker"),
        "Error: connect ECONNREFUSED 127.0.0.1:5432\n    at TCPConnectWrap.afterConnect (node:net:1595:16)",
        90_000,
    );
    app
}

#[test]
fn exceptions_grouped() {
    let mut app = with_exceptions();
    app.mode = Mode::Exceptions { chosen: None };
    check!(&app, COLOR, "exceptions", ALL);
    check!(&app, COLOR, "exceptions", [(30, 6)]);
    check!(&app, PLAIN, "exceptions_ascii", [(80, 24)]);
    let mut none = typical();
    none.mode = Mode::Exceptions { chosen: None };
    check!(&none, COLOR, "exceptions_none", [(80, 24)]);
}

#[test]
fn what_is_counted_is_said_below_as_many_groups_as_fit() {
    let mut app = with_exceptions();
    for n in 0..40_u8 {
        let kind = char::from(b'A' + n % 26);
        let text = format!("{kind}{kind}Error{}: no\n    at a (/srv/a{n}.js:1:1)", n / 26);
        throw(&mut app, (0, "api"), &text, 100 + i64::from(n));
    }
    app.mode = Mode::Exceptions { chosen: None };
    for size in [(120, 40), (120, 39), (80, 24), (80, 23), (45, 12)] {
        let screen = screen(&app, COLOR, size);
        assert!(screen.contains("counted: the bus, and the last 20 exits"), "{size:?}: {screen}");
        assert!(!screen.contains("40 groups not kept"), "{screen}");
    }
}

#[test]
fn one_group_whole() {
    let mut app = with_exceptions();
    let number = app.watched.exceptions.latest_first()[0].number;
    app.mode = Mode::Exception { number, top: 0 };
    check!(&app, COLOR, "exception", ALL);
    check!(&app, COLOR, "exception", [(30, 6)]);
}

#[test]
fn a_disk_that_is_full_soon_is_in_the_header() {
    let mut app = typical();
    for minute in 1..4_i64 {
        let size = minute as u64 * 90 * MIB;
        let path = "/var/log/pm2/api-out.log".into();
        let volume = VolumeLook {
            device: 1,
            place: "/var/log/pm2".into(),
            free: 20_000 * MIB,
            total: 100_000 * MIB,
        };
        let look = DiskLook {
            files: vec![FileLook { path, device: 1, inode: 1, size }],
            volumes: vec![volume],
            left_out: 0,
        };
        let now = Moment::at(NOW_MS + minute * 60_000);
        let _ = update(&mut app, now, Message::Report(D, Report::Disk(look)));
    }
    app.now = Moment::at(NOW_MS);
    let first = |size| screen(&app, COLOR, size).lines().next().unwrap_or_default().to_owned();
    let all = ALL.map(first).join("\n");
    assert!(first((200, 40)).contains("⚠ disk of /var/log/pm2 full in about 3h 42m (api-out.log)"));
    insta::assert_snapshot!(all, @r"
     web-01  PM2 7.0.4 ● live  5 processes  ● 3  ⚠ 1  ✗ 1  ○ 1  cpu 42.1%  mem 352.8 MiB  ⚠ disk full in about 3h 42m
     web-01  ● live  5  ● 3  ⚠ 1  ✗ 1  ○ 1  cpu 42.1%  ⚠ disk full in about 3h 42m
     ● live  ⚠ disk full in about 3h 42m
    ");
}
