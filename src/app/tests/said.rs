//! What is said of what a key means, or why it did nothing.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::several::{filter, nine, question, type_text};
use super::*;
use crate::app::gate::{Admitted, Gate};
use crate::app::palette::{self, Palette};
use crate::app::settings::{Of, OwnCommand, Word};
use crate::app::sheet::Sheet;

const TREE: Command = Command::Rows(RowsCommand::Tree);

/// The namespace shop, of which a filter shows three of five.
fn filtered() -> App {
    let mut app = nine();
    filter(&mut app, "api");
    press(&mut app, TREE);
    press(&mut app, Command::First);
    app
}

fn said(app: &App) -> &str {
    app.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

#[test]
fn a_group_that_is_filtered_says_how_much_of_it_is_meant() {
    let mut app = filtered();
    let part = "3 of 5 processes of the namespace shop; the others are filtered out";
    press(&mut app, Command::Rows(RowsCommand::Actions));
    let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    let Sheet::Menu(menu) = &**sheet else { panic!("{sheet:?}") };
    assert_eq!(menu.whom(), part);
    press(&mut app, Command::Back);
    assert_eq!(press(&mut app, Command::Act(Action::Stop)), []);
    assert!(question(&app).starts_with(&format!("{part}\n")), "{}", question(&app));
    press(&mut app, Command::No);
    // All of it is shown: nothing is said.
    press(&mut app, Command::Down);
    press(&mut app, Command::Act(Action::Stop));
    assert!(!question(&app).contains("filtered out"), "{}", question(&app));
}

#[test]
fn what_means_one_process_does_nothing_on_a_group() {
    let mut app = filtered();
    let own = |word: Word| OwnCommand {
        name: "lsof".into(),
        run: vec![Word::Text("lsof".into()), word],
        asks: false,
        is_dangerous: false,
        waits: false,
    };
    app.settings.commands = vec![own(Word::Of(Of::PmId)), own(Word::Text("-i".into()))];
    for command in [Command::Own(0), Command::Why] {
        app.notice = None;
        assert_eq!(press(&mut app, command), [], "{command:?}");
        assert_eq!(app.mode, Mode::Normal, "{command:?}");
        assert_eq!(said(&app), "choose one process: this is the namespace shop", "{command:?}");
    }
    let ran = press(&mut app, Command::Own(1));
    assert!(matches!(&ran[..], [Effect::Run(_)]), "it is about none: {ran:?}");
    press(&mut app, Command::Down);
    press(&mut app, Command::Down);
    let ran = press(&mut app, Command::Own(0));
    assert!(matches!(&ran[..], [Effect::Run(_)]), "{ran:?}");
}

/// Lets a key through the gate into the app.
fn key_press(app: &mut App, gate: &mut Gate, key: char, at_ms: u64) -> Vec<Effect> {
    let at = Duration::from_millis(at_ms);
    let keymap = app.keys.clone();
    let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
    let messages = match gate.admit(&keymap, (&app.mode, app.focus), &[key], at) {
        Admitted::Messages(messages) => messages,
        Admitted::Refused => vec![Message::Refused],
        Admitted::GoesOn(key) => vec![Message::GoesOn(key)],
        Admitted::TypedOn => vec![Message::TypedOn],
    };
    let mut effects = Vec::new();
    for message in messages {
        effects.extend(update(app, Moment::at(2_000), message).0);
    }
    turned(app, gate, at_ms);
    effects
}

/// The end of a turn of the loop, as `runtime` has it.
fn turned(app: &mut App, gate: &mut Gate, at_ms: u64) {
    let at = Duration::from_millis(at_ms);
    if app.take_unopened() {
        gate.spill(at);
    }
    gate.drawn(&app.mode, at);
}

/// Presses a key that is refused, types on and looks that nothing comes of it; which sentence that leaves.
fn types_on(app: &mut App, key: char) -> String {
    let mut gate = Gate::default();
    assert_eq!(key_press(app, &mut gate, key, 1_000), []);
    assert!(!app.mode.takes_text(), "{:?}", app.mode);
    let mode = app.mode.clone();
    let why = said(app).to_owned();
    for (key, at_ms) in "restart now".chars().zip((1_100..).step_by(290)) {
        assert_eq!(key_press(app, &mut gate, key, at_ms), [], "{key}");
        assert_eq!(app.mode, mode, "{key}");
    }
    assert_eq!(said(app), format!("{why}; what you type on is ignored for 3 s"));
    why
}

/// A newcomer under the id that was chosen.
fn swapped() -> App {
    let mut app = app(3);
    let unique_id = Some("other".into());
    let newcomer = ProcessInfo { unique_id, ..info(0, "delta", ProcessStatus::Online) };
    send(&mut app, super::meant::poll(vec![newcomer, info(1, "p1", ProcessStatus::Online)], 1_000));
    app
}

#[test]
fn what_is_typed_after_a_message_that_was_refused_does_nothing() {
    let mut app = swapped();
    let wanted = "nothing was done: p0[0] is gone, and the cursor is on delta[0] now";
    assert!(types_on(&mut app, 'm').starts_with(wanted), "{}", said(&app));
    // Later it is a key again, and opens what it opens.
    let mut gate = Gate::default();
    key_press(&mut app, &mut gate, 'm', 9_000);
    assert!(matches!(app.mode, Mode::Compose(_)), "{:?}", app.mode);

    let mut app = filtered();
    app.read_only = true;
    assert!(types_on(&mut app, 'm').contains("--read-only"));
    let mut none = App::new(Vec::new(), Moment::at(0), 0, (80, 24));
    assert_eq!(types_on(&mut none, 'm'), "no process is selected");
    let mut app = swapped();
    app.read_only = true;
    app.unchosen = None;
    types_on(&mut app, 'm');
    press(&mut app, Command::Open);
    assert!(types_on(&mut app, 'm').contains("--read-only"));
}

#[test]
fn a_word_typed_for_a_question_that_was_refused_does_nothing() {
    let mut app = app(4);
    app.settings.confirm = crate::app::settings::Confirm::Never;
    press(&mut app, Command::Rows(RowsCommand::MarkAll));
    press(&mut app, Command::Rows(RowsCommand::Mark));
    send(&mut app, snapshot([0]));
    assert!(app.marks.is_empty() && app.unchosen.is_some());
    assert!(types_on(&mut app, 'd').contains("what was marked is gone"));
}

#[test]
fn what_is_typed_for_what_the_palette_or_the_menu_refuses_does_nothing() {
    // By its name, and refused since the cursor is on another one.
    for name in ["scale", "signal", "write a line", "message", "trigger"] {
        let mut app = swapped();
        app.settings.confirm = crate::app::settings::Confirm::Never;
        let mut gate = Gate::default();
        press(&mut app, Command::Palette);
        type_text(&mut app, name);
        let items = crate::app::offers::scene(&app);
        let Mode::Palette(open) = &app.mode else { panic!("{:?}", app.mode) };
        let found = palette::entries(&items, open).swap_remove(0);
        if palette::refusal(&items, open, &found).is_some() {
            continue;
        }
        assert_eq!(press(&mut app, Command::Open), []);
        assert!(app.take_unopened(), "{name}: {:?} {}", app.mode, said(&app));
        gate.spill(Duration::ZERO);
        assert_eq!(key_press(&mut app, &mut gate, 'r', 2_900), [], "{name}");
    }
    // In the menu, where a letter acts, too.
    let mut app = app(1);
    send(&mut app, super::meant::poll(vec![info(0, "p0", ProcessStatus::Stopped)], 1_000));
    press(&mut app, Command::Rows(RowsCommand::Actions));
    assert_eq!(types_on(&mut app, 'm'), "message: it does not run");
}

#[test]
fn a_prompt_that_closes_before_anything_was_typed_is_typed_on_into() {
    for (key, name) in [('m', "the message to p0[0]"), ('x', "the menu of p0[0]")] {
        let mut app = app(3);
        let mut gate = Gate::default();
        key_press(&mut app, &mut gate, key, 0);
        assert_ne!(app.mode, Mode::Normal);
        send(&mut app, snapshot(1..3));
        turned(&mut app, &mut gate, 500);
        assert!(said(&app).starts_with(&format!("closed {name}: gone")), "{}", said(&app));
        for (key, at_ms) in [('r', 600), ('r', 1_400), ('r', 2_900)] {
            assert_eq!(key_press(&mut app, &mut gate, key, at_ms), [], "{at_ms}");
        }
        assert!(said(&app).ends_with("what you type on is ignored for 3 s"), "{}", said(&app));
    }
}

#[test]
fn why_a_prompt_closed_stays_said_while_one_types_on() {
    let mut app = app(3);
    let mut gate = Gate::default();
    key_press(&mut app, &mut gate, 'm', 0);
    assert!(matches!(app.mode, Mode::Compose(_)), "{:?}", app.mode);
    key_press(&mut app, &mut gate, 'r', 1_000);
    send(&mut app, snapshot(1..3));
    gate.drawn(&app.mode, Duration::from_millis(1_100));
    let why = said(&app).to_owned();
    assert!(why.starts_with("closed the message to p0[0]: gone"), "{why}");
    for (key, at_ms) in [('e', 1_200), ('s', 1_400), ('r', 2_900)] {
        assert_eq!(key_press(&mut app, &mut gate, key, at_ms), []);
        if key != 'e' {
            assert_eq!(said(&app), format!("{why}; what you type on is ignored for 3 s"), "{key}");
        }
    }
}

#[test]
fn each_press_says_that_the_cursor_is_elsewhere_and_none_acts_before_that() {
    let mut app = app(3);
    let mut gate = Gate::default();
    let [Effect::Act { targets, .. }] = &key_press(&mut app, &mut gate, 's', 0)[..] else {
        panic!("it stops")
    };
    let target = targets[0].clone();
    send(&mut app, snapshot(1..3));
    let wanted =
        "nothing was done: p0[0] is gone, and the cursor is on p1[1] now; press it again to act";
    for at_ms in [150, 500] {
        app.notice = None;
        assert_eq!(key_press(&mut app, &mut gate, 's', at_ms), []);
        assert_eq!(said(&app), wanted, "{at_ms}");
    }
    // What came of the first press says nothing of this one.
    let action = Action::Stop;
    send(&mut app, Report::ActionFinished { action, target, verdict: Verdict::Gone });
    assert_eq!(said(&app), wanted);
    // Something else took its place: it is said again before anything is done.
    app.notify("else", false);
    assert_eq!(key_press(&mut app, &mut gate, 's', 3_000), []);
    assert_eq!(said(&app), wanted);
    assert_eq!(key_press(&mut app, &mut gate, 's', 4_000).len(), 1);
}

#[test]
fn a_yes_right_after_another_key_says_that_it_was_ignored() {
    let mut app = app(2);
    let mut gate = Gate::default();
    press(&mut app, Command::Act(Action::Delete));
    gate.drawn(&app.mode, Duration::ZERO);
    key_press(&mut app, &mut gate, 'u', 1_000);
    assert_eq!(said(&app), "", "it means nothing here");
    assert_eq!(key_press(&mut app, &mut gate, 'y', 1_600), []);
    let wanted = "y was ignored: it came right after another key; press it again";
    assert_eq!(said(&app), wanted);
    press(&mut app, Command::No);
    assert_eq!(said(&app), "", "it leaves with the question");
    press(&mut app, Command::Act(Action::Delete));
    gate.drawn(&app.mode, Duration::from_secs(5));
    assert_eq!(key_press(&mut app, &mut gate, 'y', 7_000).len(), 1);
}

#[test]
fn what_the_last_key_found_leaves_with_the_next_one() {
    let mut app = app(2);
    press(&mut app, Command::NextUnwell);
    assert_eq!(said(&app), "no other row needs attention");
    press(&mut app, Command::Rows(RowsCommand::MarkAll));
    assert_eq!(said(&app), "");
}

#[test]
fn to_save_is_called_so_once_in_the_palette() {
    let mut app = app(1);
    press(&mut app, Command::Palette);
    type_text(&mut app, "save");
    let scene = crate::app::offers::scene(&app);
    let Mode::Palette(open) = &app.mode else { panic!("{:?}", app.mode) };
    let open: &Palette = open;
    let names: Vec<String> =
        palette::entries(&scene, open).iter().map(|entry| entry.name().to_owned()).collect();
    assert_eq!(names.iter().filter(|name| *name == "save").count(), 1, "{names:?}");
    assert_eq!(names.first().map(String::as_str), Some("save"));
    assert!(names.iter().any(|name| name == "save log view"), "{names:?}");
}

/// A letter of the menu acts; who types a word there does not have the others act in the table.
#[test]
fn a_word_typed_in_the_menu_acts_at_its_first_letter_alone() {
    let mut app = nine();
    app.settings.confirm = crate::app::settings::Confirm::Never;
    let mut gate = Gate::default();
    key_press(&mut app, &mut gate, 'x', 0);
    assert_eq!(key_press(&mut app, &mut gate, 'r', 1_000).len(), 1, "it restarts");
    for (key, at_ms) in "estart".chars().zip((1_150..).step_by(150)) {
        assert_eq!(key_press(&mut app, &mut gate, key, at_ms), [], "{key}");
    }
    assert_eq!(app.mode, Mode::Normal);
    // A second later each letter is a key again; and a yes is no part of a word.
    assert_eq!(key_press(&mut app, &mut gate, 'j', 3_000), []);
    assert_eq!(key_press(&mut app, &mut gate, 's', 3_100).len(), 1);
    key_press(&mut app, &mut gate, 'j', 5_000);
    app.settings.confirm = crate::app::settings::Confirm::Destructive;
    key_press(&mut app, &mut gate, 'x', 5_100);
    key_press(&mut app, &mut gate, 'd', 5_500);
    assert_eq!(key_press(&mut app, &mut gate, 'y', 6_000).len(), 1, "{:?}", app.mode);
}

/// Of `flush` the first letters are those of no item: the `s` in it must not stop what is selected.
#[test]
fn a_word_typed_in_the_menu_that_begins_with_no_items_letter_does_nothing() {
    let mut app = nine();
    let mut gate = Gate::default();
    key_press(&mut app, &mut gate, 'x', 0);
    for (key, at_ms) in "flush".chars().zip((1_000..).step_by(300)) {
        assert_eq!(key_press(&mut app, &mut gate, key, at_ms), [], "{key}");
    }
    assert!(app.mode.is_menu(), "{:?}", app.mode);
    assert_eq!(key_press(&mut app, &mut gate, 's', 4_000).len(), 1, "a second later it is a key");
}

/// The cursor may come elsewhere once more before one types on.
#[test]
fn what_was_refused_names_what_the_cursor_is_on_now() {
    let mut app = app(4);
    press(&mut app, Command::Down);
    send(&mut app, snapshot([0, 2, 3]));
    press(&mut app, Command::Compose);
    let notice = |app: &App| app.notice.as_ref().unwrap().text.clone();
    assert!(notice(&app).contains("the cursor is on p2[2] now"), "{}", notice(&app));
    send(&mut app, snapshot([0, 3]));
    assert!(notice(&app).contains("the cursor is on p3[3] now"), "{}", notice(&app));
    let _ = update(&mut app, Moment::at(2_000), Message::TypedOn);
    assert!(notice(&app).contains("the cursor is on p3[3] now"), "{}", notice(&app));
    // That was not told by a key: the next one says it first.
    press(&mut app, Command::Compose);
    assert_eq!(app.mode, Mode::Normal);
}
