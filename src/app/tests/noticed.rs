//! The audit file, alerts, thresholds.

use super::meant::{finished, poll};
use super::*;
use crate::app::settings::{Alert, Notification, Watch};
use crate::model::rows::Filter;

fn restart(app: &mut App) -> Vec<Effect> {
    press(app, Command::Act(Action::Restart))
}

fn audited(effects: &[Effect]) -> Vec<&str> {
    let lines = effects.iter().filter_map(|effect| match effect {
        Effect::Audit(line) => Some(line.as_str()),
        _ => None,
    });
    lines.collect()
}

#[test]
fn each_action_is_a_line_of_the_audit_before_and_after() {
    let mut app = app(2);
    assert!(audited(&restart(&mut app)).is_empty(), "none is wanted");
    let mut app = super::app(2);
    app.settings.audit = Some("/dev/null".into());
    app.watched.user = "dep\"loy".into();
    let effects = restart(&mut app);
    assert_eq!(
        audited(&effects),
        [
            r#"{"time":"1970-01-01T00:00:02.000Z","user":"dep\"loy","home":"/home/x/.pm2","event":"asked","action":"restart","target":"p0[0]"}"#
        ]
    );
    let [Effect::Audit(_), Effect::Act { targets, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    let verdict = Verdict::Up { after_ms: 1_000, was_looping: false };
    let report =
        Report::ActionFinished { action: Action::Restart, target: targets[0].clone(), verdict };
    let effects = update(&mut app, Moment::at(3_000), Message::Report(D, report)).0;
    assert_eq!(
        audited(&effects),
        [
            r#"{"time":"1970-01-01T00:00:03.000Z","user":"dep\"loy","home":"/home/x/.pm2","event":"outcome","action":"restart","target":"p0[0]","ok":true,"outcome":"up 1.0 s"}"#
        ]
    );
}

/// A program of the user's own is asked for and ends like an action: in the audit and in the event log.
#[test]
fn the_end_of_an_own_command_is_told() {
    use crate::model::Target;
    use crate::model::ready::Ran;
    let mut app = super::app(2);
    app.settings.audit = Some("/dev/null".into());
    let target = app.watched.fleet.get(key(0)).map(|process| Target::of(&process.info));
    let ran = |end: &str, is_success| {
        let (name, target, end) = ("lsof".to_owned(), target.clone(), end.to_owned());
        Report::Ran(Box::new(Ran { name, target, end, is_success }))
    };
    let mut end = |ran: Report| -> Vec<String> {
        let effects = update(&mut app, Moment::at(3_000), Message::Report(D, ran)).0;
        audited(&effects).into_iter().map(ToString::to_string).collect()
    };
    let [line] = &end(ran("ended: exit status: 3", false))[..] else { panic!("no line") };
    let wanted = r#""event":"outcome","action":"run lsof","target":"p0[0]","ok":false,"outcome":"ended: exit status: 3"}"#;
    assert!(line.ends_with(wanted), "{line}");
    let [line] = &end(ran("ended: exit status: 0", true))[..] else { panic!("no line") };
    assert!(line.contains(r#""ok":true"#), "{line}");
    assert_eq!(&*app.notice.as_ref().unwrap().text, "lsof ended: exit status: 3");
    let told = ran("ended: exit status: 0", true);
    let _ = crate::model::apply::apply(&mut app.watched, D, told, Moment::at(4_000));
    let lines: Vec<String> = app.watched.news.iter().map(|line| format!("{line:?}")).collect();
    assert!(
        lines.iter().any(|line| line.contains("lsof ended: exit status: 0 (asked here")),
        "{lines:?}"
    );
}

fn status(app: &mut App, status: ProcessStatus, at_ms: i64) -> Vec<Effect> {
    let processes = vec![info(0, "p;0", status), info(1, "p1", ProcessStatus::Online)];
    let snapshot = Snapshot { processes, warnings: Vec::new() };
    let report = Report::Snapshot { at_ms, took_ms: 1, interval_ms: 1_000, snapshot };
    update(app, Moment::at(at_ms), Message::Report(D, report)).0
}

#[test]
fn an_errored_process_is_told_once_and_not_at_the_start() {
    let mut app = app(0);
    app.settings.alert =
        Alert { bell: true, notify: Notification::Osc777, run: vec!["true".to_owned()] };
    assert_eq!(status(&mut app, ProcessStatus::Errored, 10_000), []);
    assert_eq!(status(&mut app, ProcessStatus::Online, 20_000), []);
    let effects = status(&mut app, ProcessStatus::Errored, 30_000);
    let [Effect::Ring(bell), Effect::Ring(told), Effect::Alert(alerted)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(bell, "\x07");
    assert_eq!(told, "\x1b]777;notify;pm2-tui;p,0[0] is errored: PM2 gave up\x07");
    assert_eq!((&*alerted.name, alerted.pm_id), ("p;0", 0));
    assert_eq!(status(&mut app, ProcessStatus::Errored, 40_000), [], "once");
}

#[test]
fn a_threshold_marks_a_row_once_it_held() {
    let mut app = app(0);
    let when = Filter::parse("status:launching").unwrap().unwrap();
    app.settings.watches = vec![Watch { when, hold_ms: 5_000 }];
    let crossed = |app: &App| app.watched.fleet.get(key(0)).unwrap().tag.crossed.clone();
    status(&mut app, ProcessStatus::Launching, 10_000);
    assert_eq!(crossed(&app), None);
    status(&mut app, ProcessStatus::Launching, 14_000);
    assert_eq!(crossed(&app), None);
    status(&mut app, ProcessStatus::Launching, 15_000);
    assert_eq!(crossed(&app).as_deref(), Some("status:launching"));
    assert!(crate::model::rows::is_unwell(app.watched.fleet.get(key(0)).unwrap()));
    status(&mut app, ProcessStatus::Online, 16_000);
    assert_eq!(crossed(&app), None);
    status(&mut app, ProcessStatus::Launching, 17_000);
    assert_eq!(crossed(&app), None, "from the beginning");
}

#[test]
fn an_audit_file_that_is_not_written_is_told_and_stays_known() {
    use crate::model::audit::Standing;
    let mut app = app(1);
    let trouble = |lost| Standing { trouble: Some("it is not written: full".into()), lost };
    send(&mut app, Report::Audit(trouble(0)));
    assert!(app.notice.as_ref().unwrap().text.contains("full"));
    app.notice = None;
    send(&mut app, Report::Audit(trouble(2)));
    assert_eq!(app.notice, None, "once");
    assert_eq!(app.watched.audit.lost, 2);
    send(&mut app, Report::Audit(Standing::default()));
    assert!(app.notice.as_ref().unwrap().text.contains("written again"));
    assert_eq!(app.watched.audit.words(), None);
}

#[test]
fn rows_are_stale_since_the_daemon_was_lost() {
    let mut app = app(1);
    let problem = crate::model::daemon::Problem::Closed;
    let down = Report::Connection(Connection::Down { problem, retry_in_ms: 1_000 });
    let _ = update(&mut app, Moment::at(9_000), Message::Report(D, down.clone()));
    assert_eq!(app.watched.daemons[0].lost_at_ms, Some(9_000));
    let _ = update(&mut app, Moment::at(12_000), Message::Report(D, down));
    assert_eq!(app.watched.daemons[0].lost_at_ms, Some(9_000), "a try that failed is no loss");
    send(&mut app, live(2));
    assert_eq!(app.watched.daemons[0].lost_at_ms, None);
}

#[test]
fn what_was_told_of_the_saved_list_is_known_in_the_next_run() {
    let mut told = app(1);
    told.watched.daemons[0].told_open = Some(0o644);
    let mut next = app(1);
    next.restore(&told.layout());
    assert_eq!(next.watched.daemons[0].told_open, Some(0o644));
    next.restore(&app(1).layout());
    assert_eq!(next.watched.daemons[0].told_open, None);
}

/// Another client stops what ended: PM2 starts it no more.
#[test]
fn that_pm2_starts_it_again_is_said_as_long_as_it_may() {
    use crate::model::end::End;
    use crate::model::verdict::{Down, Why};
    let later = |app: &mut App, ms, status: ProcessStatus, pid: Option<u32>| {
        let process = ProcessInfo { pid, ..info(0, "p0", status) };
        let report = poll(vec![process], ms);
        let _ = update(app, Moment::at(ms), Message::Report(D, report));
        app.notice.is_some()
    };
    let mut app = app(1);
    press(&mut app, Command::Act(Action::Restart));
    let down = Verdict::Down(Down {
        why: Why::Ends(End::Code("1".into())),
        ends: 1,
        watched_ms: 1_000,
        last_words: None,
    });
    let done = finished(&app, 0, Action::Restart, down);
    let _ = update(&mut app, Moment::at(3_000), Message::Report(D, done));
    assert!(app.notice.as_ref().unwrap().text.contains("PM2 starts it again"));
    assert!(later(&mut app, 3_900, ProcessStatus::Online, Some(7)));
    // An event tells no pid: nobody knows yet whether that is between two lives.
    let exit = ProcessEvent {
        kind: EventKind::Exit,
        manually: false,
        at_ms: None,
        is_old_worker: false,
        signal: None,
        info: info(0, "p0", ProcessStatus::Stopped),
    };
    let exit = Message::Report(D, Report::Process(Box::new(exit)));
    let _ = update(&mut app, Moment::at(4_400), exit);
    assert!(app.notice.is_some());
    assert!(later(&mut app, 4_900, ProcessStatus::WaitingRestart, Some(7)));
    assert!(later(&mut app, 5_900, ProcessStatus::Stopped, Some(7)), "between two lives");
    assert!(!later(&mut app, 6_900, ProcessStatus::Stopped, None), "somebody stopped it");
}
