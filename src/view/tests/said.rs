//! What the footer says of whom keys mean, and offers where that is nobody.

use super::fleet::*;
use crate::app::command::{Command, RowsCommand};
use crate::app::message::Message;
use crate::app::{App, update};
use crate::model::Action;
use crate::model::moment::Moment;

fn send(app: &mut App, message: Message) {
    let _ = update(app, Moment::at(NOW_MS), message);
}

fn press(app: &mut App, command: Command) {
    send(app, Message::Command(command));
}

fn filter(app: &mut App, text: &str) {
    press(app, Command::Filter);
    for c in text.chars() {
        send(app, Message::Text(c));
    }
    press(app, Command::Open);
}

fn footer(app: &App, columns: u16) -> String {
    screen(app, COLOR, (columns, 30)).lines().last().unwrap().to_owned()
}

#[test]
fn the_footer_says_that_a_group_is_shown_in_part() {
    let mut app = typical();
    press(&mut app, Command::Rows(RowsCommand::Tree));
    press(&mut app, Command::First);
    assert!(footer(&app, 160).contains("all in default"), "{}", footer(&app, 160));
    filter(&mut app, "api");
    press(&mut app, Command::First);
    let wide = footer(&app, 160);
    let all = " processes of the namespace default; the other is filtered out  ";
    assert!(wide.starts_with(" 2 of ") && wide.contains(all), "{wide}");
    let narrow = footer(&app, 80);
    assert!(narrow.starts_with(" 2 of ") && narrow.contains(" in default  "), "{narrow}");
}

#[test]
fn where_nobody_is_selected_nothing_of_a_process_is_offered() {
    let mut app = typical();
    let offered = ["r restart", "s stop", "d delete", "Enter details", "W why", "Space mark"];
    assert!(footer(&app, 200).contains("r restart"), "{}", footer(&app, 200));
    filter(&mut app, "nobody-has-this-name");
    let footer = footer(&app, 200);
    for key in offered {
        assert!(!footer.contains(key), "{key}: {footer}");
    }
    assert!(footer.contains("/ filter") && footer.contains("x actions"), "{footer}");
}

#[test]
fn a_question_shows_why_its_answer_was_ignored() {
    let mut app = typical();
    press(&mut app, Command::Act(Action::Delete));
    send(&mut app, Message::GoesOn('y'));
    let text = "y was ignored: it came right after another key; press it again";
    assert!(footer(&app, 120).ends_with(text), "{}", footer(&app, 120));
    press(&mut app, Command::No);
    assert!(!footer(&app, 120).contains("ignored"), "{}", footer(&app, 120));
}
