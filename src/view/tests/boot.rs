//! Screens about the daemon itself, and what would come back at boot.

use super::fleet::*;
use super::{ALL, check};
use crate::app::command::{Command, RowsCommand};
use crate::app::message::Message;
use crate::app::{App, update};
use crate::model::DaemonId;
use crate::model::boot::{ReadList, Release, SavedList, Startup};
use crate::model::disk::{DiskLook, VolumeLook};
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::model::system::{Host, Usage};
use crate::protocol::drift::{Changed, Difference, Drift, Listed};
use crate::protocol::process::PmId;

fn report(app: &mut App, report: Report) {
    let _ = update(app, Moment::at(NOW_MS), Message::Report(DaemonId(0), report));
}

fn known() -> App {
    let mut app = typical();
    app.watched.daemons[0].god = Some(812);
    app.watched.daemons[0].poll_took_ms = Some(3);
    let listed = |id, name: &str| Listed { pm_id: PmId(id), name: name.into() };
    let difference = |label, words: &str| Difference { label, words: words.into() };
    let drift = Drift {
        listed: 6,
        saved: 5,
        unsaved: vec![listed(4, "mailer")],
        absent: vec![("old".into(), 2)],
        changed: vec![Changed {
            process: listed(0, "api"),
            is_down: false,
            differences: vec![
                difference("args", "saved --port 3001"),
                difference("environment", "TOKEN saved with another value"),
            ],
        }],
    };
    let written_ms = NOW_MS - 3 * 86_400_000;
    let list = SavedList::Read(ReadList { drift, mode: 0o644, written_ms });
    report(&mut app, Report::SavedList(Box::new(list)));
    let path = "/etc/systemd/system/pm2-deploy.service".into();
    let unit = Startup::Unit { system: "systemd", path, is_enabled: Some(true) };
    report(&mut app, Report::Startup(unit));
    let release = Release {
        started_ms: Some(NOW_MS - 12 * 86_400_000),
        node: Some("20.20.2".into()),
        can_respawn: Some(false),
        on_disk: Some("7.0.6".into()),
        in_path: Some(("7.0.6".into(), "/usr/lib/node_modules/pm2".into())),
    };
    report(&mut app, Report::Release(Box::new(release)));
    let god = Some(Usage { cpu_percent: 0.4, memory_bytes: 58 << 20 });
    let memory = Some((8 << 30, 3 << 30));
    let host = Host { load: Some(0.42), cores: 2, cpu_percent: Some(12.3), memory, god };
    report(&mut app, Report::Host(host));
    let place = app.watched.daemons[0].home.clone();
    let volume = VolumeLook { device: 1, place, free: 38 << 30, total: 252 << 30 };
    let look = DiskLook { volumes: vec![volume], ..DiskLook::default() };
    report(&mut app, Report::Disk(look));
    app
}

#[test]
fn the_header_says_what_is_wrong() {
    check!(&known(), COLOR, "saved_list_header", [(120, 40), (160, 20), (80, 24)]);
}

#[test]
fn all_of_a_daemon() {
    let mut app = known();
    let command = Message::Command(Command::Rows(RowsCommand::Daemon));
    let _ = update(&mut app, Moment::at(NOW_MS), command);
    check!(&app, COLOR, "daemon_sheet", ALL);
    check!(&app, PLAIN, "daemon_sheet_ascii", [(80, 24)]);
}
