//! What is asked before it is done: by `confirm`, and on production.

use super::*;
use crate::app::command::RowsCommand;
use crate::app::marks::Marked;
use crate::app::settings::{Confirm, OwnCommand, Word};
use crate::app::sheet::Sheet;
use crate::app::what::{What, Whole};
use crate::app::{act, bulk, guard};

fn with(confirm: Confirm, processes: u32) -> App {
    let mut app = app(processes);
    app.settings.confirm = confirm;
    app
}

fn dear(confirm: Confirm) -> App {
    let mut app = with(confirm, 3);
    app.watched.daemons[0].is_production = true;
    app
}

fn marked(app: &App, pm_ids: &[u32]) -> Marked {
    let targets = pm_ids.iter().map(|id| (D, app.target(key(*id)).unwrap())).collect();
    Marked { targets, hidden: 0, part: None }
}

fn is_asked_by_sheet(app: &App) -> bool {
    matches!(&app.mode, Mode::Sheet(sheet) if matches!(**sheet, Sheet::Several(_)))
}

#[test]
fn always_asks_before_each_action_and_yes_does_it() {
    for is_dear in [None, Some(Confirm::Destructive), Some(Confirm::Never)] {
        let mut app = is_dear.map_or_else(|| with(Confirm::Always, 3), dear);
        for action in [Action::Restart, Action::Stop, Action::Start, Action::Reload, Action::Delete]
        {
            assert_eq!(press(&mut app, Command::Act(action)), [], "{action:?}");
            assert!(matches!(app.mode, Mode::Confirm { .. }), "{action:?}: {:?}", app.mode);
            press(&mut app, Command::No);
            assert_eq!(app.mode, Mode::Normal);
        }
        press(&mut app, Command::Act(Action::Restart));
        let effects = press(&mut app, Command::Yes);
        assert!(matches!(&effects[..], [Effect::Act { targets, .. }] if targets.len() == 1));
    }
}

#[test]
fn nothing_is_asked_about_what_cannot_be_done() {
    for confirm in [Confirm::Destructive, Confirm::Always, Confirm::Never] {
        let mut app = with(confirm, 3);
        let down = Connection::Down { problem: Problem::Closed, retry_in_ms: 9_000 };
        send(&mut app, Report::Connection(down));
        for action in [Action::Delete, Action::Stop, Action::Restart] {
            assert_eq!(press(&mut app, Command::Act(action)), []);
            assert_eq!(app.mode, Mode::Normal, "{action:?}");
            let said = format!("cannot {} p0[0]: its daemon is not connected", action.verb());
            assert_eq!(app.notice.as_ref().unwrap().text, said);
        }
        // Nor about several, or the daemon.
        let several = marked(&app, &[0, 1]);
        for what in [What::Act(Action::Delete), What::Whole(Whole::Kill, D)] {
            let whom =
                if matches!(what, What::Whole(..)) { Marked::default() } else { several.clone() };
            assert_eq!(bulk::ask(&mut app, what.clone(), whom).0, []);
            assert_eq!(app.mode, Mode::Normal, "{what:?}");
            let said = app.notice.as_ref().unwrap().text.clone();
            assert!(said.ends_with("the daemon is not connected"), "{said}");
        }
    }
}

#[test]
fn read_only_greys_own_commands_that_it_refuses() {
    use crate::app::palette::{Entry, Palette, refusal};
    let mut app = with(Confirm::Never, 1);
    let own = |name: &str, is_dangerous| OwnCommand {
        name: name.into(),
        run: vec![Word::Text("true".into())],
        asks: false,
        is_dangerous,
        waits: false,
    };
    app.settings.commands = vec![own("deploy", true), own("look", false)];
    let why = |app: &App, place| {
        let mut row = app.keys.rows().next().unwrap().clone();
        row.command = Command::Own(place);
        let entry = Entry::Command(Box::new(row));
        refusal(&crate::app::offers::scene(app), &Palette::default(), &entry)
    };
    assert_eq!((why(&app, 0), why(&app, 1)), (None, None));
    app.read_only = true;
    assert_eq!(why(&app, 0).as_deref(), Some("this is --read-only"));
    assert_eq!(why(&app, 1), None, "it is said to be safe");
}

#[test]
fn destructive_asks_as_before() {
    let mut app = with(Confirm::Destructive, 3);
    assert_eq!(press(&mut app, Command::Act(Action::Delete)), []);
    assert!(matches!(app.mode, Mode::Confirm { .. }));
    press(&mut app, Command::No);
    assert_eq!(press(&mut app, Command::Act(Action::Restart)).len(), 1);
}

#[test]
fn never_asks_of_one_nothing_but_of_the_daemon_all_or_a_delete_of_many() {
    for action in [Action::Restart, Action::Stop, Action::Delete] {
        let mut app = with(Confirm::Never, 3);
        assert_eq!(press(&mut app, Command::Act(action)).len(), 1, "{action:?}");
    }
    let asks = |what: What, pm_ids: &[u32]| {
        let mut app = with(Confirm::Never, 3);
        let marked = marked(&app, pm_ids);
        let effects = bulk::ask(&mut app, what, marked);
        assert_eq!(effects.0.is_empty(), is_asked_by_sheet(&app));
        is_asked_by_sheet(&app)
    };
    assert!(!asks(What::Act(Action::Restart), &[0, 1]));
    assert!(asks(What::Act(Action::Restart), &[0, 1, 2]), "all");
    assert!(asks(What::Act(Action::Delete), &[0, 1]));
    let mut app = with(Confirm::Never, 3);
    let hidden = Marked { hidden: 1, ..marked(&app, &[0, 1]) };
    let _ = bulk::ask(&mut app, What::Act(Action::Restart), hidden);
    assert!(is_asked_by_sheet(&app), "one is not shown");
    for whole in [Whole::Kill, Whole::Save, Whole::Resurrect, Whole::ReloadLogs] {
        assert!(asks(What::Whole(whole, D), &[]), "{whole:?}");
    }
}

/// By name from the log: the row that is meant is not in front.
#[test]
fn never_asks_where_the_row_is_not_in_front() {
    let mut app = with(Confirm::Never, 3);
    app.focus = Pane::Log;
    assert!(act::by_name(&mut app, Action::Restart).0.is_empty());
    assert!(matches!(app.mode, Mode::Confirm { .. }), "{:?}", app.mode);
}

#[test]
fn the_menu_finds_by_typing_through_the_palette() {
    for command in [Command::Palette, Command::Filter] {
        let mut app = with(Confirm::Destructive, 3);
        press(&mut app, Command::Rows(RowsCommand::Actions));
        assert_eq!(press(&mut app, command), []);
        assert!(matches!(app.mode, Mode::Palette(_)), "{:?}", app.mode);
    }
}

#[test]
fn always_asks_before_a_trigger_a_message_and_an_own_command() {
    let trigger = || What::Trigger { action: "gc".into(), params: None };
    for (mut app, is_asked) in
        [(with(Confirm::Destructive, 3), false), (dear(Confirm::Never), true)]
    {
        let one = marked(&app, &[0]);
        let effects = bulk::ask(&mut app, trigger(), one);
        assert_eq!((effects.0.is_empty(), is_asked_by_sheet(&app)), (is_asked, is_asked));
        assert_eq!(guard::asks_of_call(&app, D, "msgProcess"), is_asked);
        assert!(!guard::asks_of_call(&app, D, "getMonitorData"));
        let own = |is_dangerous| OwnCommand {
            name: "x".into(),
            run: vec![Word::Text("true".into())],
            asks: false,
            is_dangerous,
            waits: false,
        };
        assert_eq!(guard::asks_of_own(&app, &own(true), D), is_asked);
        assert!(!guard::asks_of_own(&app, &own(false), D));
    }
}

/// A filter hides two of the five of the group: they are told before anything is done, also of one.
#[test]
fn never_asks_where_a_filter_hides_a_part_of_the_group() {
    use super::several::{filter, nine, question};
    for (typed, shown) in [("api", 3), ("mail", 1)] {
        let mut app = nine();
        app.settings.confirm = Confirm::Never;
        filter(&mut app, typed);
        press(&mut app, Command::Rows(RowsCommand::Tree));
        press(&mut app, Command::First);
        let members = app.group_members().unwrap();
        assert_eq!((members.targets.len(), members.part.unwrap().all), (shown, 5), "{typed}");
        assert_eq!(press(&mut app, Command::Act(Action::Restart)), [], "{typed}");
        if shown > 1 {
            assert!(question(&app).starts_with("3 of 5 processes of "), "{}", question(&app));
        } else {
            assert!(matches!(app.mode, Mode::Confirm { .. }), "{:?}", app.mode);
        }
    }
    let mut app = nine();
    app.settings.confirm = Confirm::Never;
    press(&mut app, Command::Rows(RowsCommand::Tree));
    press(&mut app, Command::First);
    assert_eq!(app.group_members().unwrap().part, None);
    assert!(!press(&mut app, Command::Act(Action::Restart)).is_empty(), "all of it is shown");
}
