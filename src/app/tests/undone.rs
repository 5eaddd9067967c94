//! Undo: what was deleted or stopped here, and the words and keys that say so.

use super::several::{MARK, UNDO, answer, finish, fleet, ids, nine, question};
use super::*;
use crate::app::sheet::Sheet;
use crate::model::kept::Kept;

#[test]
fn a_stop_is_undone_by_a_start() {
    let mut app = nine();
    press(&mut app, UNDO);
    assert!(app.notice.as_ref().unwrap().text.contains("nothing to undo"));
    let effects = press(&mut app, Command::Act(Action::Stop));
    let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
    let target = targets[0].clone();
    press(&mut app, UNDO);
    assert_eq!(app.mode, Mode::Normal, "it is not stopped yet");
    assert!(app.notice.as_ref().unwrap().text.contains("still under way"));
    finish(&mut app, Action::Stop, &target, Verdict::Done);
    let notice = app.notice.clone().unwrap();
    assert_eq!(notice.text, "stopped api[0], u undoes   = pm2 stop 0");
    assert_eq!(notice.shorter, ["api[0] stopped, u undoes"]);
    press(&mut app, Command::Down);
    press(&mut app, UNDO);
    let Mode::Confirm { action: Action::Start, target: asked, .. } = &app.mode else {
        panic!("{:?}", app.mode)
    };
    assert_eq!(*asked, target);
    press(&mut app, Command::No);
    let key = target.key(D);
    let before = app.watched.fleet.get_mut(key).unwrap().online_since.replace((8_000, 8_000));
    let _ = update(&mut app, Moment::at(9_000), Message::Command(UNDO));
    assert_eq!(app.mode, Mode::Normal, "somebody started it since");
    assert_eq!(app.notice.as_ref().unwrap().text, "nothing to undo: api[0] was started since");
    app.watched.fleet.get_mut(key).unwrap().online_since = before;
    press(&mut app, UNDO);
    assert_eq!(ids(&press(&mut app, Command::Yes)), [("api".to_owned(), 0)].into());
    press(&mut app, UNDO);
    assert_eq!(app.mode, Mode::Normal, "once");
}

#[test]
fn the_stop_of_what_does_not_run_offers_no_undo() {
    let mut app = nine();
    let (key, _) = app.watched.fleet.iter().next().unwrap();
    let info = &mut app.watched.fleet.get_mut(key).unwrap().info;
    (info.status, info.pid) = (ProcessStatus::Stopped, None);
    let effects = press(&mut app, Command::Act(Action::Stop));
    let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
    finish(&mut app, Action::Stop, &targets[0].clone(), Verdict::Done);
    assert_eq!(app.notice.as_ref().unwrap().text, "stopped api[0]   = pm2 stop 0");
    press(&mut app, UNDO);
    assert!(app.notice.as_ref().unwrap().text.contains("nothing to undo"), "{:?}", app.notice);
}

/// All of the app `api` as it is now.
fn api(app: &App) -> std::sync::Arc<[Target]> {
    let all = app.watched.fleet.iter().filter(|(_, it)| *it.info.name == *"api");
    all.map(|(_, it)| it.target(None)).collect()
}

/// The first two of nine were deleted, of which the engine kept this environment.
fn deleted(env: impl Fn(u32) -> serde_json::Value) -> App {
    let mut app = nine();
    press(&mut app, MARK);
    press(&mut app, MARK);
    press(&mut app, Command::Act(Action::Delete));
    let effects = answer(&mut app);
    let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
    for target in targets {
        let kept = Kept::new(target.clone(), env(target.pm_id.0)).among(api(&app));
        send(&mut app, Report::Kept(Box::new(kept)));
        finish(&mut app, Action::Delete, target, Verdict::Done);
    }
    send(&mut app, fleet(2..9));
    app
}

#[test]
fn a_scale_down_is_undone_as_the_delete_that_it_is() {
    use crate::app::what::What;
    use crate::model::errand::{Outcome, Scale, Task};
    let mut app = nine();
    let first = app.watched.fleet.get(key(0)).unwrap().target(None);
    let marked = crate::app::marks::Marked { targets: vec![(D, first)], hidden: 0, part: None };
    let effects = crate::app::bulk::begin(&mut app, &What::Scale(Scale::To(1)), marked).0;
    let [Effect::Do { id, task: task @ Task::Scale { leaves, .. }, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(leaves.iter().map(|it| it.pm_id.0).collect::<Vec<_>>(), [2, 1]);
    press(&mut app, UNDO);
    assert!(app.notice.as_ref().unwrap().text.contains("still under way"));
    let did = |app: &mut App, outcome: Outcome| {
        send(app, Report::Did { task: *id, outcome: Box::new(outcome) });
    };
    let env = serde_json::json!({ "name": "api" });
    let kept = Kept::new(leaves[0].clone(), env).among(api(&app));
    send(&mut app, Report::Kept(Box::new(kept)));
    did(&mut app, Outcome::of(Action::Delete, &leaves[0], Verdict::Done));
    assert_eq!(app.watched.fleet.len(), 8, "its row goes at once");
    let why = Verdict::Refused("no".into());
    did(&mut app, Outcome::of(Action::Delete, &leaves[1], why));
    let whole = Outcome::about(task.deed(), "api", Verdict::NotBegun).noted("it has 2 processes");
    did(&mut app, whole.whole());
    send(&mut app, Report::TaskEnded(*id));
    let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    let Sheet::Ended(ended, _) = &**sheet else { panic!("{sheet:?}") };
    assert_eq!((ended.good(), ended.lines.len(), ended.shown(200).len()), (1, 2, 4));
    assert!(ended.can_undo);
    press(&mut app, UNDO);
    insta::assert_snapshot!(question(&app), @r"
    starts api[2] again, as 1s ago
    It gets a new id and counts from 0. Log files that are named by the id get new names; the old ones stay.
    ");
}

/// What came of the whole is said, and is no process more.
#[test]
fn the_sentence_about_all_is_not_counted_as_one_of_its_parts() {
    let ended = |whole: &[(bool, &str)]| {
        let line = |(is_good, text): &(bool, &str)| (*is_good, (*text).to_owned());
        let parts = vec![(true, "deleted web[2]".to_owned())];
        crate::app::ended::Ended::new("scale web to 2".to_owned(), parts, Vec::new())
            .with_whole(whole.iter().map(line).collect())
    };
    let good = ended(&[(true, "scaled web: 3 to 2 processes")]);
    assert_eq!((good.good(), good.lines.len(), good.is_good()), (1, 1, true));
    assert_eq!(good.sentence(), "scaled web: 3 to 2 processes");
    let bad = ended(&[(false, "scale web: unknown")]);
    assert_eq!((bad.sentence().as_str(), bad.is_good()), ("scale web: unknown", false));
    let alone = crate::app::ended::Ended::new("save".to_owned(), Vec::new(), Vec::new());
    assert_eq!(alone.with_whole(vec![(true, "saved".to_owned())]).lines.len(), 1);
}

#[test]
fn a_delete_is_undone_from_what_was_kept_and_not_for_ever() {
    use crate::model::errand::Task;
    let deleted = || deleted(|id| serde_json::json!({ "name": "api", "was": id }));
    let mut app = deleted();
    // The list of what came of them takes the keys that mean it.
    let Mode::Sheet(_) = &app.mode else { panic!("{:?}", app.mode) };
    let notice = app.notice.clone().unwrap();
    assert_eq!(notice.text, "delete: all 2, u undoes   = pm2 delete 0 1");
    let copied = press(&mut app, Command::Rows(RowsCommand::CopyCommand));
    assert_eq!(copied, [Effect::Copy("pm2 delete 0 1".into())]);
    press(&mut app, UNDO);
    insta::assert_snapshot!(question(&app), @r"
    starts api[0 1] again, as 0s ago
    Each gets a new id and counts from 0. Log files that are named by the id get new names; the old ones stay. One after another; Esc then leaves undone what has not begun.
    ");
    let effects = press(&mut app, Command::Yes);
    let [Effect::Do { task: Task::Restore { kept, .. }, id, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(
        kept.iter().cloned().map(|it| it.into_env()["was"].as_u64().unwrap()).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(app.jobs.len(), 1);
    send(&mut app, Report::TaskEnded(*id));
    assert!(app.jobs.is_empty());
    press(&mut app, UNDO);
    assert_eq!(app.mode, Mode::Normal, "once");
    let mut late = deleted();
    let _ = update(&mut late, Moment::at(2_000 + 600_000), Message::Command(UNDO));
    assert!(late.notice.as_ref().unwrap().text.contains("nothing to undo"));
}

/// What was stopped when it was deleted comes back stopped.
#[test]
fn the_undo_of_what_was_stopped_says_that_it_stays_so() {
    let mut app = deleted(|_| serde_json::json!({ "name": "api", "status": "stopped" }));
    press(&mut app, Command::Back);
    press(&mut app, UNDO);
    let asked = question(&app);
    assert!(asked.starts_with("puts api[0 1] back, stopped as it was"), "{asked}");
    assert!(asked.contains("Each gets a new id. Log files"), "{asked}");
}

/// Somebody else started one of that name meanwhile: it is named, and asked about whatever is set.
#[test]
fn an_undo_beside_a_newcomer_of_the_name_asks_and_names_it() {
    use crate::app::settings::Confirm;
    use crate::model::deed::Deed;
    use crate::model::errand::{Outcome, Task};
    let mut app = deleted(|id| serde_json::json!({ "name": "api", "was": id }));
    press(&mut app, Command::Back);
    app.settings.confirm = Confirm::Never;
    let Report::Snapshot { snapshot, .. } = fleet(2..9) else { panic!() };
    let mut processes = snapshot.processes;
    // The ids of the deleted are given again.
    let mut newcomer = ProcessInfo { pm_id: PmId(0), ..processes[0].clone() };
    newcomer.unique_id = Some("another".into());
    processes.push(newcomer);
    let came = Snapshot { processes, warnings: Vec::new() };
    send(&mut app, Report::Snapshot { at_ms: 2, took_ms: 1, interval_ms: 1_000, snapshot: came });
    press(&mut app, UNDO);
    insta::assert_snapshot!(question(&app), @r"
    starts api[0 1] again, as 0s ago
    beside api[0], started under that name since
    Each gets a new id and counts from 0. Log files that are named by the id get new names; the old ones stay. One after another; Esc then leaves undone what has not begun.
    ");
    let effects = press(&mut app, Command::Yes);
    let [Effect::Do { task: Task::Restore { beside, .. }, id, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(beside.iter().map(Target::label).collect::<Vec<_>>(), ["api[0]"]);
    // Where the engine finds one more, it can be asked again.
    for _ in 0..2 {
        let verdict = Verdict::Replaced { by: "api[9] came".into() };
        let outcome = Box::new(Outcome::about(Deed::restore(), "api", verdict));
        send(&mut app, Report::Did { task: *id, outcome });
    }
    send(&mut app, Report::TaskEnded(*id));
    app.close_all();
    press(&mut app, UNDO);
    assert!(question(&app).starts_with("starts api[0 1] again"), "{}", question(&app));
}

/// The question names nobody beside whom it would start some: so it must not stay open.
#[test]
fn an_open_undo_closes_where_a_newcomer_of_the_name_comes() {
    let mut app = deleted(|id| serde_json::json!({ "name": "api", "was": id }));
    press(&mut app, Command::Back);
    press(&mut app, UNDO);
    assert!(question(&app).starts_with("starts api[0 1] again"), "{}", question(&app));
    let come = |name: &str, id: u32| {
        let Report::Snapshot { snapshot, .. } = fleet(2..9) else { panic!() };
        let mut processes = snapshot.processes;
        let newcomer = ProcessInfo { unique_id: Some("another".into()), ..processes[0].clone() };
        processes.push(ProcessInfo { pm_id: PmId(id), name: name.into(), ..newcomer });
        let snapshot = Snapshot { processes, warnings: Vec::new() };
        Report::Snapshot { at_ms: 2, took_ms: 1, interval_ms: 1_000, snapshot }
    };
    send(&mut app, come("other", 20));
    assert!(matches!(app.mode, Mode::Sheet(_)), "that is nobody's name: {:?}", app.mode);
    send(&mut app, come("api", 21));
    assert_eq!(app.mode, Mode::Normal);
    let notice = app.notice.clone().unwrap().text;
    let wanted = "api[21] was started under that name meanwhile; nothing was sent";
    assert!(notice.starts_with("closed start 2 deleted processes again: "), "{notice}");
    assert!(notice.ends_with(wanted), "{notice}");
    // Asked again, it names the newcomer, and stays.
    press(&mut app, UNDO);
    assert!(question(&app).contains("beside api[21]"), "{}", question(&app));
    send(&mut app, come("api", 21));
    assert!(question(&app).contains("beside api[21]"), "{}", question(&app));
}

fn down(problem: Problem) -> Report {
    Report::Connection(Connection::Down { problem, retry_in_ms: 9_000 })
}

fn ended() -> Report {
    down(Problem::SocketMissing { path: "/x/rpc.sock".into() })
}

/// What the key says.
fn said(app: &mut App) -> String {
    press(app, UNDO);
    assert_eq!(app.mode, Mode::Normal, "{:?}", app.notice);
    app.notice.take().unwrap().text
}

/// A stop is of one daemon: with it, all that could be started is gone.
#[test]
fn no_stop_is_undone_after_its_daemon_ended() {
    let stopped = || {
        let mut app = nine();
        let effects = press(&mut app, Command::Act(Action::Stop));
        let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
        finish(&mut app, Action::Stop, &targets[0].clone(), Verdict::Done);
        assert!(app.notice.as_ref().unwrap().text.contains("u undoes"));
        app
    };
    let why = "nothing to undo: the daemon ended, and api[0] with it";
    let mut app = stopped();
    send(&mut app, down(Problem::Closed));
    let text = app.notice.clone().unwrap();
    assert_eq!(text.text, "stopped api[0]   = pm2 stop 0", "no key undoes it now");
    assert_eq!(text.shorter, ["api[0] stopped"]);
    assert!(said(&mut app).contains("not connected"), "it may be the same daemon that comes back");
    send(&mut app, ended());
    assert_eq!(said(&mut app), why);
    // Another daemon, with a process of that name and id in it.
    let mut app = stopped();
    send(&mut app, down(Problem::Closed));
    send(&mut app, Report::Connection(Connection::Live { serial: 2, god: Some(8) }));
    assert!(!app.notice.as_ref().is_some_and(|notice| notice.text.contains("undoes")));
    send(&mut app, fleet(0..9));
    assert_eq!(said(&mut app), why);
    // `pm2 kill` deletes all before.
    let mut app = stopped();
    send(&mut app, fleet(9..9));
    assert_eq!(said(&mut app), "nothing to undo: api[0] is not there any more");
    send(&mut app, ended());
    assert_eq!(said(&mut app), why);
}

/// What was deleted is kept here, and any daemon can start it.
#[test]
fn a_delete_is_undone_in_the_daemon_that_comes_after() {
    let mut app = deleted(|id| serde_json::json!({ "name": "api", "was": id }));
    let offers = |app: &App| match &app.mode {
        Mode::Sheet(sheet) => sheet.offers_undo(),
        mode => panic!("{mode:?}"),
    };
    assert!(offers(&app));
    send(&mut app, ended());
    assert!(!offers(&app), "nobody could start it now");
    press(&mut app, Command::Back);
    let wanted = "the daemon ended: the 2 deleted processes can be started again once a daemon answers here, for ";
    let text = said(&mut app);
    assert!(text.starts_with(wanted), "{text}");
    send(&mut app, Report::Connection(Connection::Live { serial: 2, god: Some(8) }));
    send(&mut app, fleet(9..9));
    press(&mut app, UNDO);
    assert!(question(&app).starts_with("starts api[0 1] again"), "{}", question(&app));
    let effects = press(&mut app, Command::Yes);
    assert!(matches!(&effects[..], [Effect::Do { .. }]), "{effects:?}");
}
