//! Who is meant: dialogs and prompts of processes that are others now, and keys that act.

use super::*;
use crate::app::ask::{Ask, Wanted};
use crate::app::command::COMMANDS;
use crate::app::marks::Marked;
use crate::app::notice::About;
use crate::app::sheet::Sheet;
use crate::model::apply::Change;
use crate::protocol::process::ExecMode;

/// A process under this id that was started since.
fn newcomer(id: u32, name: &str) -> ProcessInfo {
    let unique_id = Some(format!("new-{id}").into());
    ProcessInfo { unique_id, ..info(id, name, ProcessStatus::Online) }
}

pub(super) fn poll(processes: Vec<ProcessInfo>, at_ms: i64) -> Report {
    let snapshot = Snapshot { processes, warnings: Vec::new() };
    Report::Snapshot { at_ms, took_ms: 1, interval_ms: 1_000, snapshot }
}

fn online(info: ProcessInfo) -> Report {
    let (manually, is_old_worker, signal) = (false, false, None);
    let kind = EventKind::Online;
    let at_ms = Some(1_500);
    Report::Process(Box::new(ProcessEvent { kind, manually, at_ms, is_old_worker, signal, info }))
}

/// Opens something about process 1, and says what it is called.
fn open(app: &mut App, what: &str) -> String {
    press(app, Command::Down);
    match what {
        "delete" => assert!(press(app, Command::Act(Action::Delete)).is_empty()),
        "message" => assert!(press(app, Command::Compose).is_empty()),
        "method" | "asked" => {
            press(app, Command::Palette);
            for c in "stopProcessId".chars() {
                let _ = update(app, Moment::at(2_000), Message::Text(c));
            }
            press(app, Command::Open);
            if what == "asked" {
                press(app, Command::Open);
                assert!(matches!(app.mode, Mode::ConfirmCall { .. }), "{:?}", app.mode);
            }
        }
        what => panic!("{what}"),
    }
    assert_ne!(app.mode, Mode::Normal, "{what}");
    app.mode.name()
}

#[test]
fn what_is_open_about_a_process_that_another_one_replaced_closes_and_says_so() {
    let swaps: [fn() -> Report; 3] = [
        // A deploy by delete-all and start: the bus tells it before any poll.
        || online(newcomer(1, "delta")),
        || poll(vec![newcomer(0, "gamma"), newcomer(1, "delta")], 2_100),
        // The same app, started anew.
        || poll(vec![info(0, "p0", ProcessStatus::Online), newcomer(1, "p1")], 2_100),
    ];
    for swap in swaps {
        for what in ["delete", "message", "method", "asked"] {
            let mut app = app(3);
            send(&mut app, overlays::methods());
            let name = open(&mut app, what);
            send(&mut app, swap());
            assert_eq!(app.mode, Mode::Normal, "{what}: nothing stands over the words");
            let notice = app.notice.clone().unwrap();
            assert!(notice.is_bad && notice.text.ends_with("; nothing was sent"), "{notice:?}");
            let by = ["replaced: id 1 is delta now", "p1[1] is another process of that name now"];
            let is_told = by.iter().any(|by| notice.text.contains(by));
            assert!(notice.text.contains(&name) && is_told, "{notice:?}");
            for command in [Command::Yes, Command::Open] {
                // Whatever opens then, nothing is done to the process.
                let effects = press(&mut app, command);
                let reads = |effect: &Effect| matches!(effect, Effect::Examine { .. });
                assert!(effects.iter().all(reads), "{what}: {effects:?}");
            }
        }
    }
}

#[test]
fn what_is_open_about_others_stays_open() {
    for what in ["delete", "message", "method", "asked"] {
        let mut app = app(3);
        send(&mut app, overlays::methods());
        open(&mut app, what);
        let mode = app.mode.clone();
        // Its sister is replaced, and it is itself restarted.
        let restarted = ProcessInfo {
            restarts: 1,
            created_at_ms: Some(2_000),
            ..info(1, "p1", ProcessStatus::Online)
        };
        send(&mut app, poll(vec![newcomer(0, "gamma"), restarted], 2_100));
        assert_eq!(app.mode, mode, "{what}");
    }
}

#[test]
fn another_daemon_closes_what_is_open_about_the_one_before() {
    for what in ["delete", "message", "method", "asked"] {
        let mut app = app(3);
        send(&mut app, overlays::methods());
        open(&mut app, what);
        let mode = app.mode.clone();
        // The same daemon, on another connection.
        send(&mut app, live(2));
        assert_eq!(app.mode, mode, "{what}");
        let other = Connection::Live { serial: 3, god: Some(8) };
        send(&mut app, Report::Connection(other));
        assert!(app.mode == Mode::Normal || matches!(app.mode, Mode::Palette(_)), "{what}");
        assert!(app.notice.as_ref().unwrap().text.contains("another PM2 daemon"), "{what}");
    }
}

#[test]
fn what_is_done_is_done_to_the_process_as_it_was_when_it_was_asked_about() {
    let mut app = app(2);
    press(&mut app, Command::Act(Action::Delete));
    let asked = app.target(key(0)).unwrap();
    assert_eq!((asked.first_seen_ms, asked.god), (1_000, Some(7)));
    let restarted = ProcessInfo { restarts: 4, ..info(0, "p0", ProcessStatus::Online) };
    send(&mut app, poll(vec![restarted, info(1, "p1", ProcessStatus::Online)], 2_100));
    let effects = press(&mut app, Command::Yes);
    let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(targets, &[asked], "the engine compares it with what is there then");
}

#[test]
fn keys_that_act_do_nothing_in_the_log_and_say_where() {
    let acts = |row: &&crate::app::command::CommandRow| {
        matches!(row.command, Command::Act(_) | Command::Compose)
    };
    for row in COMMANDS.iter().filter(acts) {
        let mut app = app(4);
        press(&mut app, Command::Down);
        press(&mut app, Command::NextPane);
        assert!(press(&mut app, row.command).is_empty(), "{}", row.label);
        assert_eq!(app.mode, Mode::Normal, "{}", row.label);
        assert!(app.watched.fleet.get(key(1)).unwrap().pending.is_none());
        let notice = app.notice.clone().unwrap();
        assert!(!notice.is_bad && notice.text.starts_with("Tab, then "), "{}", notice.text);
        assert!(notice.text.contains(row.keys) && notice.text.ends_with("p1[1]"), "{notice:?}");
    }
    // By its name it can be asked for from everywhere; whom it is about is asked then.
    let mut app = app(2);
    press(&mut app, Command::NextPane);
    press(&mut app, Command::Palette);
    for c in "restart".chars() {
        let _ = update(&mut app, Moment::at(2_000), Message::Text(c));
    }
    assert!(press(&mut app, Command::Open).is_empty());
    let Mode::Confirm { action: Action::Restart, target, .. } = &app.mode else {
        panic!("{:?}", app.mode)
    };
    assert_eq!(target.pm_id, PmId(0));
}

fn worker(id: u32, namespace: &str) -> ProcessInfo {
    ProcessInfo {
        exec_mode: ExecMode::Cluster,
        namespace: Some(namespace.into()),
        ..info(id, "api", ProcessStatus::Online)
    }
}

#[test]
fn reload_of_a_worker_asks_for_all_of_its_app_or_this() {
    let workers = vec![worker(0, "a"), worker(1, "a"), worker(2, "b"), worker(3, "a")];
    let ids = |effects: Vec<Effect>| -> Vec<u32> {
        let [Effect::Act { action: Action::Reload, targets, .. }] = &effects[..] else {
            panic!("{effects:?}")
        };
        targets.iter().map(|target| target.pm_id.0).collect()
    };
    for (answer, wanted) in [(Command::Yes, vec![0, 1, 3]), (Command::This, vec![1])] {
        let mut app = app(0);
        send(&mut app, poll(workers.clone(), 2));
        press(&mut app, Command::Down);
        assert!(press(&mut app, Command::Act(Action::Reload)).is_empty());
        assert!(matches!(app.mode, Mode::ConfirmReload { .. }), "{:?}", app.mode);
        assert_eq!(ids(press(&mut app, answer)), wanted);
    }
    // One alone of its name and namespace, and a fork, are not asked about.
    let mut app = app(0);
    send(&mut app, poll(workers, 2));
    press(&mut app, Command::Down);
    press(&mut app, Command::Down);
    assert_eq!(ids(press(&mut app, Command::Act(Action::Reload))), [2]);
    let fork = ProcessInfo { exec_mode: ExecMode::Fork, ..worker(0, "a") };
    send(&mut app, poll(vec![fork.clone(), ProcessInfo { pm_id: PmId(1), ..fork }], 3));
    press(&mut app, Command::First);
    assert_eq!(ids(press(&mut app, Command::Act(Action::Reload))), [0]);
}

pub(super) fn finished(app: &App, id: u32, action: Action, verdict: Verdict) -> Report {
    let target = app.target(key(id)).unwrap();
    Report::ActionFinished { action, target, verdict }
}

#[test]
fn the_row_says_what_came_of_an_action_and_then_its_status() {
    let mut app = app(1);
    press(&mut app, Command::Act(Action::Restart));
    let up =
        finished(&app, 0, Action::Restart, Verdict::Up { after_ms: 1_000, was_looping: false });
    let now = |ms| Moment::at(ms);
    let _ = update(&mut app, now(3_000), Message::Report(D, up));
    let outcome = app.watched.fleet.get(key(0)).unwrap().outcome.clone().unwrap();
    assert_eq!(outcome.verdict.words(outcome.action), "up 1.0 s");
    assert_eq!(app.notice.as_ref().unwrap().text, "restarted p0[0], up 1.0 s   = pm2 restart 0");
    assert!(app.next_tick_ms().unwrap() <= outcome.until_ms, "it leaves by itself");
    // It ends: neither the row nor the notice says any more that it is up.
    let crashed = info(0, "p0", ProcessStatus::Stopped);
    let exit = ProcessEvent {
        kind: EventKind::Exit,
        manually: false,
        at_ms: None,
        is_old_worker: false,
        signal: None,
        info: crashed,
    };
    let exit = Message::Report(D, Report::Process(Box::new(exit)));
    let _ = update(&mut app, now(3_500), exit);
    assert_eq!(app.watched.fleet.get(key(0)).unwrap().outcome, None);
    assert_eq!(app.notice, None);
}

#[test]
fn a_notice_leaves_when_a_newer_state_contradicts_it() {
    let mut app = app(2);
    let down = Connection::Down { problem: Problem::Closed, retry_in_ms: 9_000 };
    send(&mut app, Report::Connection(down));
    press(&mut app, Command::Act(Action::Restart));
    assert!(matches!(app.notice.as_ref().unwrap().about, About::Down(D)));
    send(&mut app, live(2));
    assert_eq!(app.notice, None, "it is connected");
    press(&mut app, Command::Act(Action::Stop));
    press(&mut app, Command::Act(Action::Stop));
    assert!(matches!(app.notice.as_ref().unwrap().about, About::Pending(_)));
    let done = finished(&app, 0, Action::Stop, Verdict::Done);
    let later = |app: &mut App, ms, report| {
        let _ = update(app, Moment::at(ms), Message::Report(D, report));
    };
    later(&mut app, 3_000, done);
    assert!(app.notice.as_ref().unwrap().text.starts_with("stopped p0[0]"));
    // What was polled before it is older.
    assert!(app.watched.fleet.get(key(0)).unwrap().is_online());
    later(&mut app, 3_000, lines(1));
    assert!(app.notice.is_some());
    later(&mut app, 3_900, snapshot(0..2));
    assert_eq!(app.notice, None, "it is online again");
    let mut none = App::new(vec![Daemon::new(D, "host", "/x", 1_000)], Moment::at(0), 0, (80, 24));
    press(&mut none, Command::Act(Action::Stop));
    assert!(none.notice.as_ref().unwrap().text.contains("no process is selected"));
    send(&mut none, snapshot(0..1));
    assert_eq!(none.notice, None);
}

#[test]
fn a_clock_that_is_set_back_keeps_no_notice() {
    let mut app = app(1);
    app.now = Moment { wall_ms: 7_200_000, steady_ms: 5_000 };
    app.notify("said", false);
    let later = Moment { wall_ms: 3_600_000, steady_ms: 9_001 };
    let _ = update(&mut app, later, Message::Clock);
    assert_eq!(app.notice, None);
}

#[test]
fn a_method_is_not_filled_in_with_who_came_since_the_palette_was_opened() {
    let filled_in = |swap: Option<Report>| {
        let mut app = app(3);
        send(&mut app, overlays::methods());
        press(&mut app, Command::Down);
        press(&mut app, Command::Palette);
        for c in "stopProcessId".chars() {
            let _ = update(&mut app, Moment::at(2_000), Message::Text(c));
        }
        if let Some(swap) = swap {
            send(&mut app, swap);
        }
        press(&mut app, Command::Open);
        let Mode::Arguments(arguments) = &app.mode else { panic!("{:?}", app.mode) };
        arguments.input.text().clone()
    };
    assert_eq!(filled_in(None), "1");
    assert_eq!(filled_in(Some(online(newcomer(1, "delta")))), "");
}

#[test]
fn changes_name_who_is_gone() {
    let mut app = app(2);
    let report = poll(vec![info(1, "p1", ProcessStatus::Online)], 2_000);
    let changes = crate::model::apply::apply(&mut app.watched, D, report, Moment::at(2_000));
    let gone = |change: &Change| matches!(change, Change::Gone(target) if target.pm_id == PmId(0));
    assert!(changes.0.iter().any(gone), "{changes:?}");
}

#[test]
fn the_first_poll_selects_the_first_process_whatever_happened_before() {
    let mut app =
        App::new(vec![Daemon::new(D, "host", "/home/x/.pm2", 1_000)], Moment::at(0), 0, (80, 24));
    send(&mut app, live(1));
    let late = info(7, "p7", ProcessStatus::Online);
    send(&mut app, online(late));
    assert_eq!(app.selected, None);
    send(&mut app, snapshot(0..9));
    assert_eq!(app.selected, Some(key(0)));
}

/// What a key that acts does, and the notice.
fn acts(app: &mut App, action: Action) -> (Option<PmId>, Option<String>) {
    app.notice = None;
    let effects = press(app, Command::Act(action));
    let whom = effects.iter().find_map(|effect| match effect {
        Effect::Act { targets, .. } => Some(targets[0].pm_id),
        _ => None,
    });
    (whom, app.notice.take().map(|notice| notice.text))
}

#[test]
fn after_the_selected_process_went_the_first_key_acts_on_nothing() {
    let gone = || snapshot([0, 2, 3]);
    let swaps: [fn() -> Report; 2] = [gone, || online(newcomer(1, "delta"))];
    for swap in swaps {
        for action in [Action::Restart, Action::Stop, Action::Start, Action::Reload] {
            let mut app = app(4);
            press(&mut app, Command::Down);
            send(&mut app, swap());
            let now = app.display_name(app.selected.unwrap());
            let why = format!("nothing was done: p1[1] is gone, and the cursor is on {now} now");
            let (whom, notice) = acts(&mut app, action);
            assert_eq!(whom, None);
            assert!(notice.as_ref().is_some_and(|said| said.starts_with(&why)), "{notice:?}");
            assert_eq!(
                press(&mut app, Command::Act(action)),
                [],
                "that is not to be seen any more"
            );
            assert!(!press(&mut app, Command::Act(action)).is_empty(), "once");
        }
    }
    // Nor after all went, and others came: another daemon.
    let mut app = app(2);
    send(&mut app, snapshot([]));
    send(&mut app, snapshot([5, 6]));
    assert_eq!(acts(&mut app, Action::Stop).0, None);
    // The menu of actions, a message and the question of a delete are about it as well.
    let opening =
        [Command::Rows(RowsCommand::Actions), Command::Compose, Command::Act(Action::Delete)];
    for command in opening {
        send(&mut app, snapshot([5, 6]));
        press(&mut app, Command::First);
        send(&mut app, snapshot([6]));
        press(&mut app, command);
        assert_eq!(app.mode, Mode::Normal);
    }
}

#[test]
fn whoever_has_moved_since_knows_where_the_cursor_is() {
    let moves = [Command::Down, Command::First, Command::Last];
    for command in moves {
        let mut app = app(4);
        send(&mut app, snapshot([1, 2, 3]));
        // In a stream of keys it is no choice: nobody has seen yet what is there.
        let at_ms = app.now.steady_ms;
        let _ = update(&mut app, Moment::at(at_ms + 999), Message::Command(command));
        assert!(app.unchosen.is_some(), "{command:?}");
        let _ = update(&mut app, Moment::at(at_ms + 1_000), Message::Command(command));
        assert!(acts(&mut app, Action::Stop).0.is_some(), "{command:?}");
    }
    let mut app = app(4);
    send(&mut app, snapshot([0, 1, 2]));
    assert_eq!(acts(&mut app, Action::Stop).0, Some(PmId(0)), "another one went");
    // Leaving the details of what went is no choice.
    let mut app = super::app(4);
    press(&mut app, Command::Open);
    let _ = update(&mut app, Moment::at(2_000), Message::Report(D, snapshot([1, 2, 3])));
    assert_eq!(app.mode, Mode::Normal, "they closed");
    press(&mut app, Command::Back);
    assert_eq!(acts(&mut app, Action::Stop).0, None);
}

#[test]
fn after_all_marked_ones_went_the_first_key_acts_on_nothing() {
    let mut app = app(4);
    press(&mut app, Command::Rows(RowsCommand::Mark));
    assert_eq!(app.selected, Some(key(1)));
    send(&mut app, snapshot([1, 2, 3]));
    let (whom, notice) = acts(&mut app, Action::Restart);
    assert_eq!(whom, None);
    let said = "nothing was done: what was marked is gone, and the cursor is on p1[1] now";
    assert!(notice.is_some_and(|notice| notice.starts_with(said)));
}

#[test]
fn questions_and_prompts_close_when_their_daemon_is_lost() {
    let down = || Report::Connection(Connection::Down { problem: Problem::Closed, retry_in_ms: 1 });
    let closes = |app: &mut App, name: &str| {
        send(app, down());
        assert!(!app.mode.would_send(), "{name}: {:?}", app.mode);
        let notice = app.notice.clone().unwrap().text;
        let ends = "the daemon is not connected any more; nothing was sent";
        assert!(notice.contains(name) && notice.ends_with(ends), "{notice}");
    };
    for what in ["delete", "message", "method", "asked"] {
        let mut app = app(3);
        send(&mut app, overlays::methods());
        let name = open(&mut app, what);
        closes(&mut app, &name);
    }
    // A word that is half typed, and what the menu asks for.
    let mut app = app(3);
    press(&mut app, Command::Rows(RowsCommand::MarkAll));
    press(&mut app, Command::Act(Action::Delete));
    let _ = update(&mut app, Moment::at(2_000), Message::Text('d'));
    assert!(app.mode.takes_text());
    closes(&mut app, "delete 3 processes");
    for wanted in [Wanted::Scale, Wanted::Signal, Wanted::Line, Wanted::Trigger] {
        let mut app = super::app(3);
        let targets = vec![(D, app.target(key(1)).unwrap())];
        let ask = Ask::new(wanted, Marked { targets, hidden: 0, part: None });
        let name = ask.title();
        app.open(Mode::Sheet(Box::new(Sheet::Ask(ask))));
        closes(&mut app, &name);
    }
}

#[test]
fn where_there_is_no_room_for_a_screen_no_key_acts() {
    let mut app = app(2);
    let _ = update(&mut app, Moment::at(1_000), Message::Resized(29, 5));
    assert_eq!(acts(&mut app, Action::Restart).0, None);
    assert_eq!(press(&mut app, Command::Quit), [Effect::Quit]);
    // Nor is a question answered that nobody sees any more.
    let _ = update(&mut app, Moment::at(1_000), Message::Resized(80, 24));
    press(&mut app, Command::Act(Action::Delete));
    assert!(app.mode.is_question());
    let _ = update(&mut app, Moment::at(1_000), Message::Resized(20, 4));
    assert_eq!(press(&mut app, Command::Yes), []);
    assert!(app.mode.is_question());
}

/// Two apps of one namespace, of which the second has two instances, and the cursor on that group.
fn on_a_group(ids: &[u32]) -> (App, Vec<ProcessInfo>) {
    let of = |id: &u32| ProcessInfo {
        namespace: Some("shop".into()),
        ..info(*id, if *id == 0 { "web" } else { "api" }, ProcessStatus::Online)
    };
    let all: Vec<ProcessInfo> = ids.iter().map(of).collect();
    let mut app = app(0);
    send(&mut app, poll(all.clone(), 1_000));
    press(&mut app, Command::Rows(RowsCommand::Tree));
    press(&mut app, Command::First);
    while app.cursor_group().is_none_or(|group| group.app.is_none()) {
        press(&mut app, Command::Down);
    }
    (app, all)
}

#[test]
fn a_group_stays_chosen_as_long_as_it_is_there() {
    let (mut app, all) = on_a_group(&[0, 1, 2, 3]);
    let group = app.cursor_group().cloned();
    send(&mut app, poll([&all[..1], &all[2..]].concat(), 2_000));
    assert_eq!(app.cursor_group(), group.as_ref(), "two of it are left");
    assert!(press(&mut app, Command::Act(Action::Restart)).is_empty());
    assert!(app.mode.is_question(), "{:?}", app.notice);
}

#[test]
fn the_notice_names_the_group_that_is_gone() {
    let (mut app, all) = on_a_group(&[0, 1, 2]);
    send(&mut app, poll([&all[..1], &all[2..]].concat(), 2_000));
    assert!(app.cursor_group().is_none_or(|group| group.app.is_none()));
    assert!(press(&mut app, Command::Act(Action::Restart)).is_empty());
    let notice = app.notice.as_ref().unwrap();
    assert!(notice.text.contains("the app api in shop is gone"), "{}", notice.text);
}
