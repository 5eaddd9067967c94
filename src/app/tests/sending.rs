//! Messages to one process or to the marked ones, and what is said of them.

use serde_json::json;

use super::several::{MARK, MARK_ALL, nine, type_text};
use super::*;
use crate::app::settings::Confirm;

fn ready() -> App {
    let mut app = nine();
    send(&mut app, overlays::methods());
    app
}

/// To which ids it is sent.
fn reached(effects: &[Effect]) -> Vec<u32> {
    let id = |effect: &Effect| {
        let Effect::Call { daemon: D, call } = effect else { panic!("{effect:?}") };
        assert_eq!(&*call.method, "msgProcess");
        let id = call.args[0]["id"].as_u64().unwrap() as u32;
        assert_eq!(call.targets[0].pm_id, PmId(id), "only to the one that was meant");
        assert_eq!(call.args[0]["msg"]["data"], json!("reload"));
        id
    };
    effects.iter().map(id).collect()
}

fn answer(app: &mut App, count: u32) {
    let outcome = CallOutcome::Answered(json!({ "process_count": count }).to_string().into());
    send(app, Report::CallFinished { method: "msgProcess".into(), outcome });
}

fn said(app: &App) -> &str {
    app.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

#[test]
fn a_message_goes_to_all_that_are_marked_and_names_them() {
    let mut app = ready();
    press(&mut app, MARK);
    press(&mut app, Command::Down);
    press(&mut app, Command::Down);
    press(&mut app, MARK);
    press(&mut app, Command::Compose);
    let Mode::Compose(compose) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(compose.to(&app.watched), "2 processes: api[0], api[3]");
    press(&mut app, Command::NextPane);
    type_text(&mut app, "reload");
    let effects = press(&mut app, Command::Open);
    assert_eq!(reached(&effects), [0, 3]);
    assert!(app.marks.is_empty() && app.mode == Mode::Normal);
    assert_eq!(app.sending[0].words(), "sending the message to 2 processes 0 of 2");
    answer(&mut app, 1);
    assert_eq!(app.sending[0].words(), "sending the message to 2 processes 1 of 2");
    assert_eq!(said(&app), "");
    answer(&mut app, 0);
    assert!(app.sending.is_empty());
    assert_eq!(said(&app), "the message reached 1 of 2 processes; one did not run");
}

#[test]
fn a_message_on_a_group_goes_to_all_of_it_that_is_shown() {
    let on_shop = || {
        let mut app = ready();
        several::filter(&mut app, "api");
        press(&mut app, Command::Rows(RowsCommand::Tree));
        press(&mut app, Command::First);
        app
    };
    let mut app = on_shop();
    press(&mut app, Command::Compose);
    let Mode::Compose(compose) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(compose.to(&app.watched), "3 processes: api[0 1 2]");
    type_text(&mut app, "reload");
    assert_eq!(reached(&press(&mut app, Command::Open)), [0, 1, 2]);
    // As with marks: it closes with any of them, and the menu offers the same.
    let mut app = on_shop();
    press(&mut app, Command::Compose);
    send(&mut app, several::fleet(1..9));
    assert_eq!(app.mode, Mode::Normal);
    assert!(
        said(&app).contains("closed the message to 3 processes: api[0]: gone"),
        "{}",
        said(&app)
    );
    let mut app = on_shop();
    press(&mut app, Command::Rows(RowsCommand::Actions));
    press(&mut app, Command::Compose);
    let Mode::Compose(compose) = &app.mode else { panic!("{:?} {}", app.mode, said(&app)) };
    assert_eq!(compose.targets().count(), 3);
    // A mark says more than the cursor.
    let mut app = ready();
    press(&mut app, Command::Down);
    press(&mut app, MARK);
    press(&mut app, Command::Rows(RowsCommand::Tree));
    press(&mut app, Command::First);
    press(&mut app, Command::Compose);
    let Mode::Compose(compose) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(compose.targets().count(), 1);
}

#[test]
fn a_message_under_way_is_told_until_it_is_answered() {
    let mut app = ready();
    press(&mut app, Command::Compose);
    type_text(&mut app, "reload");
    assert_eq!(reached(&press(&mut app, Command::Open)), [0]);
    assert_eq!(app.sending[0].words(), "sending the message to api[0] ..");
    answer(&mut app, 1);
    assert!(app.sending.is_empty());
    assert_eq!(said(&app), "the message reached one process");
}

#[test]
fn a_message_to_marked_ones_closes_with_any_of_them_and_is_asked_about_where_all_is() {
    let mut app = ready();
    press(&mut app, MARK_ALL);
    press(&mut app, Command::Compose);
    send(&mut app, several::fleet(0..8));
    assert_eq!(app.mode, Mode::Normal, "mail is gone");
    assert!(
        said(&app).contains("closed the message to 9 processes: mail[8]: gone"),
        "{}",
        said(&app)
    );
    app.settings.confirm = Confirm::Always;
    press(&mut app, Command::Compose);
    type_text(&mut app, "reload");
    assert_eq!(press(&mut app, Command::Open), []);
    assert_eq!(several::named(&app).len(), 8, "the question names all");
    assert_eq!(reached(&press(&mut app, Command::Yes)).len(), 8);
}
