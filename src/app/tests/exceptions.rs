//! Exceptions grouped: what `X` opens; and the incident bundle.

use super::*;
use crate::protocol::bus::{BusPmId, Exception, ProcessRef};

fn exception(pm_id: u32, message: &str, at_ms: i64) -> Report {
    let stack = format!("Error: {message}\n    at f (/srv/a.js:{}:1)", message.len());
    Report::Exception(Box::new(Exception {
        process: ProcessRef {
            pm_id: Some(BusPmId::Process(PmId(pm_id))),
            name: format!("p{pm_id}").into(),
        },
        at_ms: Some(at_ms),
        message: message.into(),
        stack: stack.lines().map(Into::into).collect(),
    }))
}

/// The message of the group that is shown whole.
fn whole(app: &App) -> String {
    let Mode::Exception { number, .. } = app.mode else { panic!("{:?}", app.mode) };
    let rows = crate::app::exceptions::rows(app, number, 100);
    rows.into_iter().map(|(_, row)| row + "\n").collect()
}

#[test]
fn x_lists_groups_and_enter_shows_one_whole() {
    let mut app = app(2);
    press(&mut app, Command::Exceptions);
    assert_eq!(app.mode, Mode::Exceptions { chosen: None });
    assert!(press(&mut app, Command::Open).is_empty(), "there is none");
    app.mark_drawn();
    send(&mut app, exception(0, "boom", 100));
    assert!(app.is_dirty, "it is in sight");
    send(&mut app, exception(1, "no user 7", 200));
    send(&mut app, exception(0, "no user 8", 300));
    send(&mut app, exception(0, "another", 400));
    press(&mut app, Command::Down);
    // What is chosen stays chosen when another group comes before it.
    send(&mut app, exception(1, "a new one", 500));
    press(&mut app, Command::Open);
    let rows = whole(&app);
    for words in ["Error: no user 8\n", "2 times", "all say: Error: no user *", "p1[1]: once"] {
        assert!(rows.contains(words), "{words}: {rows}");
    }
    assert!(rows.ends_with("the last one\nError: no user 8\n    at f (/srv/a.js:9:1)\n"), "{rows}");
    press(&mut app, Command::Back);
    assert!(matches!(app.mode, Mode::Exceptions { chosen: Some(_) }), "{:?}", app.mode);
    press(&mut app, Command::Exceptions);
    assert_eq!(app.mode, Mode::Normal);
    app.mark_drawn();
    let log = app.lines().len();
    send(&mut app, exception(0, "boom", 600));
    assert_eq!(app.lines().len(), log + 1);
    press(&mut app, Command::Exceptions);
    press(&mut app, Command::Open);
    assert!(whole(&app).starts_with("Error: boom\n2 times"), "seen last, shown first");
}

#[test]
fn the_occurrences_of_an_exception_are_found_in_the_log_whatever_number_they_say() {
    let mut app = app(2);
    send(&mut app, exception(1, "no user 7", 200));
    send(&mut app, exception(0, "no user 8", 300));
    send(&mut app, exception(0, "another", 100));
    press(&mut app, Command::Exceptions);
    press(&mut app, Command::Open);
    // The key of the log, though the table has the focus.
    super::log::keys(&mut app, "n");
    assert_eq!((app.mode.clone(), app.focus), (Mode::Normal, Pane::Log));
    assert_eq!(app.log_view.found(), 2);
    assert!(super::log::marked_text(&app).contains("no user 8"));
}

#[test]
fn letters_that_act_do_nothing_there() {
    let mut app = app(2);
    send(&mut app, exception(0, "boom", 100));
    press(&mut app, Command::Exceptions);
    for command in [Command::Act(Action::Stop), Command::Act(Action::Delete), Command::Compose] {
        assert!(press(&mut app, command).is_empty());
        assert!(matches!(app.mode, Mode::Exceptions { .. }));
    }
    assert!(app.watched.fleet.get(key(0)).unwrap().pending.is_none());
}

#[test]
fn a_bundle_is_written_elsewhere_and_told() {
    use crate::model::bundle::Written;
    let mut app = app(2);
    send(&mut app, exception(0, "boom", 100));
    let effects = press(&mut app, Command::Bundle);
    let [Effect::Bundle { daemon, material }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((*daemon, material.processes.len(), material.exceptions.len()), (D, 2, 1));
    assert!(material.events.iter().any(|line| line.kind.word() == "exception"));
    assert!(app.notice.as_ref().unwrap().text.starts_with("writing pm2-tui-host-19700101-"));
    assert_eq!(press(&mut app, Command::Bundle), [], "one at a time");
    assert!(app.notice.as_ref().unwrap().text.starts_with("a bundle is being written"));
    let written = Written { path: "/tmp/x.tar.gz".into(), files: 7, bytes: 2048 };
    send(&mut app, Report::Bundled(Ok(written)));
    let notice = app.notice.clone().unwrap();
    assert_eq!((&*notice.text, notice.is_bad), ("wrote /tmp/x.tar.gz: 7 files, 2.0 KiB", false));
    send(&mut app, Report::Bundled(Err("cannot write /x: no space".into())));
    let notice = app.notice.clone().unwrap();
    assert_eq!((&*notice.text, notice.is_bad), ("cannot write /x: no space", true));
    assert!(texts(&app).iter().any(|text| text.contains("cannot write /x: no space")));
    assert_eq!(press(&mut app, Command::Bundle).len(), 1, "the next one");
}
