//! Exceptions grouped, and a disk that is full soon.

use super::fleet::*;
use super::{ALL, check};
use crate::app::command::{Command, LogCommand};
use crate::app::marks::Marked;
use crate::app::message::Message;
use crate::app::what::{What, Whole};
use crate::app::{App, Mode, Pane, update};
use crate::model::disk::{DiskLook, FileLook, VolumeLook};
use crate::model::errand::Errand;
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::model::{DaemonId, ProcessKey, Target};
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

/// A worker that writes `/out` and `/err`.
fn with_files() -> (App, Target) {
    let mut app = typical();
    app.watched.daemons[0].home = "/root/.pm2".into();
    let key = ProcessKey { daemon: D, pm_id: PmId(3) };
    let info = &mut app.watched.fleet.get_mut(key).unwrap().info;
    (info.logs.out, info.logs.err) = (Some("/out".into()), Some("/err".into()));
    let target = Target::of(info);
    (app, target)
}

/// Two looks at files of these names and sizes in the home, which grow by `grown` in a minute.
fn look(app: &mut App, files: &[(&str, u64)], grown: u64) {
    for minute in 0..2_u64 {
        let file = |(path, size): &(&str, u64)| FileLook {
            path: (*path).into(),
            device: 1,
            inode: 1,
            size: size + minute * grown,
        };
        let look = DiskLook { files: files.iter().map(file).collect(), ..DiskLook::default() };
        let now = Moment::at(NOW_MS + minute as i64 * 60_000);
        let _ = update(app, now, Message::Report(D, Report::Disk(look)));
    }
    app.now = Moment::at(NOW_MS);
}

#[test]
fn the_title_of_the_log_has_the_sizes_of_its_files() {
    let (mut app, _) = with_files();
    look(&mut app, &[("/out", 50 << 10), ("/err", 0), ("/root/.pm2/pm2.log", 7 << 10)], 4_608);
    let title = |app: &App, size| {
        let screen = screen(app, COLOR, size);
        let line = screen.lines().find(|line| line.contains(" Log ")).unwrap();
        line.trim_end_matches(['━', '─', ' ']).to_owned()
    };
    let all = title(&app, (120, 40));
    assert!(all.ends_with("since 23:13:10 ─ pm2.log 11.5 KiB, +4.5 KiB/min"), "{all}");
    app.focus = Pane::Processes;
    app.selected = Some(ProcessKey { daemon: D, pm_id: PmId(3) });
    let command = Message::Command(Command::Log(LogCommand::OfProcess));
    let _ = update(&mut app, Moment::at(NOW_MS), command);
    let one = title(&app, (120, 40));
    assert!(one.contains("worker[3]"), "{one}");
    assert!(one.ends_with("out 54.5 KiB, +4.5 KiB/min; err 4.5 KiB, +4.5 KiB/min"), "{one}");
    let narrow = title(&app, (60, 24));
    assert!(narrow.contains("worker[3]") && !narrow.contains("KiB"), "first to leave: {narrow}");
}

#[test]
fn a_flush_asks_with_the_size_of_what_it_empties() {
    let (mut app, target) = with_files();
    let marked = Marked { targets: vec![(D, target)], hidden: 0, part: None };
    let what = What::Errand(Errand::Flush);
    assert_eq!(what.question(&app.watched, &marked), "flush the logs of worker[3]");
    look(&mut app, &[("/out", 50 << 10), ("/err", 100), ("/root/.pm2/pm2.log", 7 << 10)], 0);
    assert_eq!(what.question(&app.watched, &marked), "flush 50.1 KiB of logs of worker[3]");
    let says = |app: &App| what.sentences(&app.watched, &marked);
    assert_eq!(says(&app), ["flush the logs of worker[3]"]);
    let other = ProcessKey { daemon: D, pm_id: PmId(0) };
    app.watched.fleet.get_mut(other).unwrap().info.logs.out = Some("/err".into());
    let too = "the lines of api[0] go too: they are in the same files";
    assert_eq!(says(&app), ["flush the logs of worker[3]", too]);
    let whole = What::Whole(Whole::FlushConsole, D).sentences(&app.watched, &marked);
    assert_eq!(whole, ["empty PM2's own log, 7.0 KiB: its lines are lost"]);
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
     web-01  PM2 7.0.4 ● live  5  ● 3  ⚠ 1  ✗ 1  ○ 1  cpu 42.1%  mem 352.8 MiB  ⚠ disk of /var/log/pm2 full in about 3h 42m
     web-01  ● live  5  ● 3  ⚠ 1  ✗ 1  ○ 1  cpu 42.1%  ⚠ disk full in about 3h 42m
     ● live  ⚠ disk full in about 3h 42m
    ");
}
