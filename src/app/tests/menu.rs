//! The menu: for any filter, order, tree and marks, what is named is acted on.

use std::collections::BTreeSet;

use super::several::{FLEET, MARK, MARK_ALL, UNDO, answer, filter, named, nine, type_text};
use super::*;
use crate::app::sheet::Sheet;
use crate::app::what::What;
use crate::model::errand::Task;

/// Those that are acted on.
fn acted(effects: &[Effect]) -> BTreeSet<u32> {
    let of = |targets: &Vec<Target>| targets.iter().map(|it| it.pm_id.0).collect::<Vec<_>>();
    let each = effects.iter().flat_map(|effect| match effect {
        Effect::Act { targets, .. }
        | Effect::Do { task: Task::Each { targets, .. } | Task::Scale { targets, .. }, .. } => {
            of(targets)
        }
        other => panic!("{other:?}"),
    });
    each.collect()
}

/// One table of words: what has a key is explained in the menu as in help and palette.
#[test]
fn the_menu_explains_as_the_palette_does() {
    let mut app = nine();
    press(&mut app, Command::Rows(RowsCommand::Actions));
    let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    let Sheet::Menu(menu) = &**sheet else { panic!("{sheet:?}") };
    let entries = menu.entries(&app.watched, false);
    let shared = entries.iter().filter(|entry| !entry.key.is_empty());
    let mut count = 0;
    for entry in shared {
        let row =
            app.keys.rows().find(|row| row.label == entry.label.trim_end_matches(" ..")).unwrap();
        assert!(row.help.ends_with(&*entry.about) && !entry.about.is_empty(), "{entry:?} {row:?}");
        count += 1;
    }
    assert_eq!(count, 6);
    assert!(entries.iter().all(|entry| !entry.about.is_empty()), "{entries:?}");
}

#[test]
fn nothing_is_restored_or_promised_where_nothing_is_saved() {
    use crate::app::what::Whole;
    use crate::model::boot::SavedList;
    let refusal = |list: Option<SavedList>| {
        let mut app = nine();
        if let Some(list) = list {
            send(&mut app, Report::SavedList(Box::new(list)));
        }
        press(&mut app, Command::Rows(RowsCommand::Actions));
        let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
        let Sheet::Menu(menu) = &**sheet else { panic!("{sheet:?}") };
        let entries = menu.entries(&app.watched, false);
        let entry = entries.into_iter().find(|entry| entry.label == "resurrect").unwrap();
        let none = crate::app::marks::Marked::default();
        let save = What::Whole(Whole::Save, D).sentences(&app.watched, &none);
        (entry.refusal, save.concat().split_once(": ").unwrap().1.to_owned())
    };
    let missing = |has_backup| Some(SavedList::Missing { has_backup });
    let why = Some("nothing is saved: save writes dump.pm2".to_owned());
    assert_eq!(refusal(missing(false)), (why, "nothing was saved before".to_owned()));
    assert_eq!(refusal(missing(true)).0, None, "that one is restored then");
    let kept = "what was saved before is kept as dump.pm2.bak".to_owned();
    assert_eq!(refusal(None), (None, kept), "it is not known yet");
}

proptest! {
    /// Of each line of the menu, for any filter, order, tree and marks: what is named is acted on.
    #[test]
    fn what_the_menu_names_is_acted_on(
        steps in prop::collection::vec((0..12_u8, 0..9_usize), 0..30),
        place in 0..14_usize,
    ) {
        let mut app = nine();
        for (step, number) in steps {
            match step {
                0..4 => { press(&mut app, MARK); }
                4 => { press(&mut app, MARK_ALL); }
                5 => { press(&mut app, Command::SortRight); }
                6 => { press(&mut app, Command::OnlyUnwell); }
                7 => filter(&mut app, ["api", "worker", "!shop", "jobs", "w", "1", "none", "status:online", "a"][number]),
                8 => { press(&mut app, Command::Rows(RowsCommand::Tree)); }
                9 => { press(&mut app, Command::Older); }
                _ => for _ in 0..number { press(&mut app, Command::Down); },
            }
        }
        let wanted: BTreeSet<u32> = match app.marks.len() {
            0 => match app.group_members() {
                Some(group) => group.targets.iter().map(|(_, target)| target.pm_id.0).collect(),
                None => app.selected_target().iter().map(|(_, it)| it.pm_id.0).collect(),
            },
            _ => app.marked().targets.iter().map(|(_, target)| target.pm_id.0).collect(),
        };
        press(&mut app, Command::Rows(RowsCommand::Actions));
        press(&mut app, Command::First);
        for _ in 0..place { press(&mut app, Command::Down); }
        let mut effects = press(&mut app, Command::Open);
        if let Mode::Sheet(sheet) = &app.mode && let Sheet::Ask(ask) = &**sheet {
            let typed = match ask.wanted {
                crate::app::ask::Wanted::Scale => "+1",
                crate::app::ask::Wanted::Signal => "SIGUSR2",
                crate::app::ask::Wanted::Line | crate::app::ask::Wanted::Trigger => "x",
            };
            type_text(&mut app, typed);
            effects = press(&mut app, Command::Open);
        }
        match &app.mode {
            Mode::Normal | Mode::Compose(_) => {}
            Mode::Confirm { target, .. } => {
                let id = target.pm_id.0;
                effects = press(&mut app, Command::Yes);
                prop_assert_eq!(acted(&effects), BTreeSet::from([id]));
            }
            Mode::Sheet(sheet) => match &**sheet {
                // It cannot be done, and says why.
                Sheet::Menu(_) | Sheet::Ask(_) => {}
                Sheet::Several(several) => {
                    // A scale names the app.
                    let is_scale = several.what.title(&several.marked).starts_with("scale ");
                    let named: BTreeSet<u32> = if is_scale {
                        several.marked.targets.iter().map(|(_, it)| it.pm_id.0).collect()
                    } else {
                        named(&app).into_iter().map(|(name, id)| {
                            assert_eq!(name, FLEET[id as usize].0);
                            id
                        }).collect()
                    };
                    effects = answer(&mut app);
                    prop_assert_eq!(acted(&effects), named);
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
        prop_assert!(effects.is_empty() || acted(&effects) == wanted, "{:?} {:?}", effects, wanted);
    }
}

/// Esc in the middle of an undo: what had not begun can be undone still.
#[test]
fn an_undo_that_is_left_undone_can_be_undone_again() {
    use crate::model::deed::Deed;
    use crate::model::errand::Outcome;
    use crate::model::kept::Kept;
    let mut app = nine();
    for _ in 0..3 {
        press(&mut app, MARK);
    }
    press(&mut app, Command::Act(Action::Delete));
    let effects = answer(&mut app);
    let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
    for target in targets {
        let env = serde_json::json!({ "name": "api", "was": target.pm_id.0 });
        send(
            &mut app,
            Report::Kept(Box::new(Kept::new(target.clone(), env).among(targets[..].into()))),
        );
        let (action, verdict) = (Action::Delete, Verdict::Done);
        send(&mut app, Report::ActionFinished { action, target: target.clone(), verdict });
    }
    app.close_all();
    press(&mut app, UNDO);
    let effects = press(&mut app, Command::Yes);
    let [Effect::Do { task: Task::Restore { kept, .. }, id, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(kept.len(), 3);
    assert_eq!(press(&mut app, Command::Back), [Effect::Halt]);
    for (label, verdict) in [
        ("api", Verdict::Up { after_ms: 1_000, was_looping: false }),
        ("api", Verdict::NotBegun),
        ("api", Verdict::NotBegun),
    ] {
        let outcome = Box::new(Outcome::about(Deed::restore(), label, verdict));
        send(&mut app, Report::Did { task: *id, outcome });
    }
    send(&mut app, Report::TaskEnded(*id));
    app.close_all();
    press(&mut app, UNDO);
    let effects = press(&mut app, Command::Yes);
    let [Effect::Do { task: Task::Restore { kept, .. }, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    let ids: Vec<u64> =
        kept.iter().cloned().map(|it| it.into_env()["was"].as_u64().unwrap()).collect();
    assert_eq!(ids, [1, 2], "those that had not begun");
}

/// How many parts a resurrect has is not known, and Esc leaves the rest of it undone all the same.
#[test]
fn a_resurrect_can_be_left_undone() {
    use crate::app::what::{What, Whole};
    use crate::app::{bulk, marks::Marked};
    let mut app = nine();
    let _ = bulk::begin(&mut app, &What::Whole(Whole::Save, D), Marked::default());
    assert_eq!(press(&mut app, Command::Back), [], "a save has no parts");
    let _ = bulk::begin(&mut app, &What::Whole(Whole::Resurrect, D), Marked::default());
    assert_eq!(press(&mut app, Command::Back), [Effect::Halt]);
    assert_eq!(press(&mut app, Command::Back), [], "once");
}

/// A crash loop is between two starts at most looks: what makes sense is to restart it.
#[test]
fn the_menu_opens_where_it_makes_sense() {
    use crate::app::menu::Item;
    use crate::app::what::What;
    for (status, wanted) in [
        (ProcessStatus::WaitingRestart, Action::Restart),
        (ProcessStatus::Launching, Action::Restart),
        (ProcessStatus::Online, Action::Restart),
        (ProcessStatus::Stopped, Action::Start),
        (ProcessStatus::Errored, Action::Start),
    ] {
        let mut app = app(1);
        send(&mut app, super::meant::poll(vec![info(0, "p0", status.clone())], 2_000));
        press(&mut app, Command::Rows(RowsCommand::Actions));
        let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
        let Sheet::Menu(menu) = &**sheet else { panic!("{sheet:?}") };
        let entries = menu.entries(&app.watched, false);
        assert_eq!(entries[menu.at()].item, Item::Do(What::Act(wanted)), "{status:?}");
    }
}

/// PM2 starts what does not run, whatever it is asked: so that is what is asked about.
#[test]
fn a_reload_of_what_does_not_run_asks_for_a_start() {
    for status in [ProcessStatus::Stopped, ProcessStatus::Errored] {
        let mut app = app(1);
        send(&mut app, super::meant::poll(vec![info(0, "p0", status)], 2_000));
        assert!(press(&mut app, Command::Act(Action::Reload)).is_empty());
        assert!(matches!(app.mode, Mode::Confirm { action: Action::Start, .. }), "{:?}", app.mode);
    }
    let mut app = app(1);
    assert!(matches!(press(&mut app, Command::Act(Action::Reload))[..], [Effect::Act { .. }]));
}

/// The row that is selected by then is another one.
#[test]
fn a_menu_about_what_is_gone_says_so() {
    let mut app = app(1);
    send(&mut app, super::meant::poll(vec![info(0, "old", ProcessStatus::Online)], 2_000));
    press(&mut app, Command::Palette);
    send(&mut app, super::meant::poll(vec![info(1, "new", ProcessStatus::Online)], 3_000));
    let Mode::Palette(palette) = &app.mode else { panic!("{:?}", app.mode) };
    let scene = crate::app::offers::scene(&app);
    let entries = crate::app::palette::entries(&scene, palette);
    let restart = entries.iter().find(|entry| entry.name() == "restart").unwrap();
    let refusal = crate::app::palette::refusal(&scene, palette, restart);
    assert_eq!(refusal.as_deref(), Some("old[0] is gone"));
}

#[test]
fn to_save_is_what_pm2_saves() {
    let mut app = app(1);
    send(&mut app, super::meant::poll(vec![info(0, "p0", ProcessStatus::Online)], 2_000));
    press(&mut app, Command::Palette);
    super::several::type_text(&mut app, "save");
    let Mode::Palette(palette) = &app.mode else { panic!("{:?}", app.mode) };
    let entries = crate::app::palette::entries(&crate::app::offers::scene(&app), palette);
    assert!(matches!(entries[0], crate::app::palette::Entry::Item(_)), "{:?}", entries[0]);
}

/// `sendSignalToProcessId` contains the word a letter earlier than `send a signal ..`.
#[test]
fn a_word_of_the_menu_comes_before_the_daemons_methods() {
    let mut app = app(1);
    send(&mut app, super::meant::poll(vec![info(0, "p0", ProcessStatus::Online)], 2_000));
    let method = serde_json::json!({ "params": ["opts", "cb"] });
    let list = serde_json::json!({ "methods": { "sendSignalToProcessId": method } });
    send(&mut app, super::overlays::listed(&list));
    press(&mut app, Command::Palette);
    super::several::type_text(&mut app, "signal");
    let Mode::Palette(palette) = &app.mode else { panic!("{:?}", app.mode) };
    let entries = crate::app::palette::entries(&crate::app::offers::scene(&app), palette);
    let names: Vec<&str> = entries.iter().map(crate::app::palette::Entry::name).collect();
    assert_eq!(names, ["send a signal ..", "sendSignalToProcessId"]);
}

/// The end that follows on it is told as that.
#[test]
fn a_signal_is_noted_at_whom_it_is_sent_to() {
    use crate::model::errand::{Errand, Signal};
    let mut app = app(2);
    let target = app.target(key(0)).unwrap();
    let what = What::Errand(Errand::Signal(Signal::parse("TERM").unwrap()));
    let effects = crate::app::jobs::begin(&mut app, &what, vec![(D, target)]).0;
    assert_eq!(acted(&effects), BTreeSet::from([0]));
    let sent = |pm_id| app.watched.fleet.get(key(pm_id)).unwrap().sent.map(|(signal, _)| signal);
    assert_eq!((sent(0), sent(1)), (Some("SIGTERM"), None));
}

#[test]
fn a_signal_of_no_such_name_is_said_while_it_is_typed_and_nothing_is_sent() {
    use crate::app::ask::{Ask, Wanted};
    let mut app = app(1);
    let targets = vec![(D, app.target(key(0)).unwrap())];
    let marked = crate::app::marks::Marked { targets, hidden: 0, part: None };
    app.open(Mode::Sheet(Box::new(Sheet::Ask(Ask::new(Wanted::Signal, marked)))));
    for c in "FOO".chars() {
        let _ = update(&mut app, Moment::at(2_000), Message::Text(c));
    }
    let says = |app: &App| match &app.mode {
        Mode::Sheet(sheet) => match &**sheet {
            Sheet::Ask(ask) => ask.read(&app.watched),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(says(&app), Err("no signal is named FOO".to_owned()));
    assert_eq!(press(&mut app, Command::Open), []);
    assert!(says(&app).is_err(), "it stays open");
}

#[test]
fn the_menu_of_a_group_names_it() {
    let mut app = nine();
    press(&mut app, Command::Rows(RowsCommand::Tree));
    press(&mut app, Command::First);
    let whom = |app: &mut App| {
        press(app, Command::Rows(RowsCommand::Actions));
        let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
        let Sheet::Menu(menu) = &**sheet else { panic!("{sheet:?}") };
        let whom = menu.whom();
        press(app, Command::Back);
        whom
    };
    let group = app.cursor_group().unwrap().words();
    let count = app.group_members().unwrap().targets.len();
    assert_eq!(whom(&mut app), format!("{group}, {count} processes"));
    // What is marked counts more than where the cursor is.
    while app.cursor_group().is_some() {
        press(&mut app, Command::Down);
    }
    let label = app.display_name(app.selected.unwrap());
    press(&mut app, MARK);
    press(&mut app, Command::First);
    assert_eq!(whom(&mut app), label);
}

#[test]
fn save_says_how_the_saved_list_stands() {
    use crate::model::boot::SavedList;
    let mut app = app(1);
    let about = |app: &App| {
        let menu = crate::app::row_keys::menu(app).unwrap();
        let entries = menu.entries(&app.watched, false);
        entries.iter().find(|entry| entry.label == "save").unwrap().about.to_string()
    };
    let plain = "Save the list that comes back at boot";
    assert_eq!(about(&app), plain, "not known");
    let missing = SavedList::Missing { has_backup: false };
    send(&mut app, Report::SavedList(Box::new(missing)));
    assert_eq!(about(&app), format!("{plain}: none yet"));
}

/// The Enter that opens the prompt is pressed once more than was meant.
#[test]
fn an_enter_too_many_triggers_nothing() {
    use crate::app::ask::{Ask, Wanted};
    let mut app = app(1);
    let process = app.watched.fleet.get_mut(key(0)).unwrap();
    process.info.setup.actions = Box::new(["drop-cache".into(), "heap".into()]);
    let targets = vec![(D, app.target(key(0)).unwrap())];
    let marked = crate::app::marks::Marked { targets, hidden: 0, part: None };
    let ask = |app: &mut App, wanted| {
        app.close_all();
        app.open(Mode::Sheet(Box::new(Sheet::Ask(Ask::new(wanted, marked.clone())))));
    };
    for wanted in [Wanted::Trigger, Wanted::Signal] {
        ask(&mut app, wanted);
        assert_eq!(press(&mut app, Command::Open), [], "{wanted:?}");
        let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
        let Sheet::Ask(asked) = &**sheet else { panic!("{sheet:?}") };
        assert!(asked.read(&app.watched).unwrap_err().starts_with("choose "), "{wanted:?}");
    }
    let triggered = |effects: &[Effect]| match effects {
        [Effect::Trigger { trigger, .. }] => trigger.action.to_string(),
        other => panic!("{other:?}"),
    };
    ask(&mut app, Wanted::Trigger);
    press(&mut app, Command::Down);
    assert_eq!(triggered(&press(&mut app, Command::Open)), "drop-cache");
    ask(&mut app, Wanted::Trigger);
    type_text(&mut app, "hea");
    assert_eq!(triggered(&press(&mut app, Command::Open)), "heap");
    // What begins like JSON is none until it is whole.
    ask(&mut app, Wanted::Trigger);
    type_text(&mut app, "heap {\"a\":");
    assert_eq!(press(&mut app, Command::Open), []);
    type_text(&mut app, "1}");
    let effects = press(&mut app, Command::Open);
    let [Effect::Trigger { trigger, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(trigger.params, Some(serde_json::json!({"a": 1})));
    // Lines that are pasted stay lines.
    ask(&mut app, Wanted::Trigger);
    let _ = update(&mut app, Moment::at(2_000), Message::Paste("heap one\ntwo".to_owned()));
    let effects = press(&mut app, Command::Open);
    let [Effect::Trigger { trigger, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(trigger.params, Some(serde_json::json!("one\ntwo")));
}
