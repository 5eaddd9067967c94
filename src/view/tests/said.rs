//! What the footer says of whom keys mean, and offers where that is nobody.

use super::fleet::*;
use crate::app::ask::{Ask, Wanted};
use crate::app::command::{Command, RowsCommand};
use crate::app::editor::Editor;
use crate::app::marks::Marked;
use crate::app::message::Message;
use crate::app::sheet::Sheet;
use crate::app::{App, Mode, update};
use crate::model::boot::SavedList;
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::model::{Action, DaemonId};
use crate::protocol::process::{ProcessStatus, Snapshot};

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

const TREE: Command = Command::Rows(RowsCommand::Tree);

#[test]
fn the_footer_offers_on_a_group_only_what_a_group_takes() {
    let mut app = typical();
    for offered in ["W why", "m message"] {
        assert!(footer(&app, 240).contains(offered), "{offered}: {}", footer(&app, 240));
    }
    press(&mut app, TREE);
    press(&mut app, Command::First);
    assert!(app.cursor_group().is_some());
    let footer = footer(&app, 240);
    assert!(footer.contains("r restart") && footer.contains("Enter fold"), "{footer}");
    for refused in ["W why", "m message"] {
        assert!(!footer.contains(refused), "{refused}: {footer}");
    }
}

#[test]
fn a_group_of_which_a_part_is_shown_says_of_how_many() {
    let mut app = typical();
    press(&mut app, TREE);
    filter(&mut app, "api");
    let shown = screen(&app, COLOR, (120, 40));
    let group = shown.lines().find(|line| line.contains("▾ default")).unwrap().to_owned();
    press(&mut app, Command::First);
    let all = app.group_members().unwrap().part.unwrap().all;
    let wanted = format!("{} of {all} shown", app.rows().len());
    assert!(group.contains(&wanted), "{wanted}: {group}");
}

/// Whatever else the status says.
#[test]
fn a_row_past_a_limit_of_the_user_shows_the_sign() {
    let mut app = typical();
    let key = app.rows()[0];
    app.watched.fleet.get_mut(key).unwrap().tag.crossed = Some("cpu>90%".into());
    let row = |app: &App| {
        let name = app.watched.fleet.get(key).unwrap().info.name.to_string();
        let shown = screen(app, COLOR, (120, 40));
        shown.lines().find(|line| line.contains(&format!(" {name} "))).unwrap().to_owned()
    };
    assert_eq!(row(&app).matches('⚠').count(), 1, "{}", row(&app));
    // A threshold of `restarts`, say, is crossed by what is not online, too.
    app.watched.fleet.get_mut(key).unwrap().info.status = ProcessStatus::Launching;
    assert!(row(&app).contains("launching"), "{}", row(&app));
    assert_eq!(row(&app).matches('⚠').count(), 1, "{}", row(&app));
    app.watched.fleet.get_mut(key).unwrap().ask(Action::Restart, Moment::at(NOW_MS));
    assert!(row(&app).contains("restarting"), "{}", row(&app));
    assert_eq!(row(&app).matches('⚠').count(), 1, "{}", row(&app));
}

#[test]
fn that_nothing_is_saved_is_said_in_header_and_sheet() {
    let mut app = typical();
    let header = |app: &App| screen(app, COLOR, (160, 40)).lines().next().unwrap().to_owned();
    assert!(!header(&app).contains("not saved"), "it was not looked yet");
    let missing = Report::SavedList(Box::new(SavedList::Missing { has_backup: false }));
    send(&mut app, Message::Report(DaemonId(0), missing));
    assert!(header(&app).contains("⚠ not saved"), "{}", header(&app));
    press(&mut app, Command::Rows(RowsCommand::Daemon));
    let sheet = screen(&app, COLOR, (160, 40));
    let wanted = "no saved list: nothing comes back; x, then save, or pm2 save writes it";
    assert!(sheet.contains(wanted), "{sheet}");
    // Where nothing runs nothing would be lost.
    let snapshot = Snapshot { processes: Vec::new(), warnings: Vec::new() };
    let nobody = Report::Snapshot { at_ms: NOW_MS, took_ms: 1, interval_ms: 1_000, snapshot };
    send(&mut app, Message::Report(DaemonId(0), nobody));
    assert!(!header(&app).contains("not saved"), "{}", header(&app));
}

#[test]
fn a_list_is_brought_back_only_where_there_is_one() {
    let mut app = super::fleet::app(vec![super::fleet::down(0, "deploy")]);
    let told = |app: &mut App, is_so| {
        send(app, Message::Report(DaemonId(0), Report::HasSaved(is_so)));
        screen(app, COLOR, (160, 40))
    };
    assert!(!screen(&app, COLOR, (160, 40)).contains("resurrect"), "nobody knows");
    assert!(told(&mut app, true).contains("pm2 resurrect"));
    let none = told(&mut app, false);
    assert!(none.contains("pm2 start app.js") && !none.contains("resurrect"), "{none}");
}

#[test]
fn a_prompt_is_as_tall_as_what_it_holds_and_its_line_stays() {
    let mut app = typical();
    let targets: Vec<_> = app.selected_target().into_iter().collect();
    let marked = Marked { targets, hidden: 0, part: None };
    let ask = Ask { wanted: Wanted::Signal, marked, input: Editor::default(), at: None };
    app.mode = Mode::Sheet(Box::new(Sheet::Ask(ask)));
    let place = |app: &App| {
        let shown = screen(app, COLOR, (120, 40));
        let lines: Vec<&str> = shown.lines().collect();
        let line = lines.iter().position(|it| it.contains(" > ") || it.ends_with(" >"));
        let line = line.unwrap();
        let says = |line: &&str| line.contains("choose a signal") || line.contains("SIGUSR2 to");
        let said = lines.iter().position(says).unwrap();
        // A line of the log that only a tall prompt covers.
        (line, said, shown.contains("connected: PM2 7.0.4"))
    };
    let (line, said, shows_log) = place(&app);
    assert_eq!((said - line, shows_log), (16, false), "fifteen signals between");
    for c in "usr2".chars() {
        send(&mut app, Message::Text(c));
    }
    let (now, said, shows_log) = place(&app);
    assert_eq!((now, said - now), (line, 2), "one signal between");
    assert!(shows_log, "{}", screen(&app, COLOR, (120, 40)));
}

#[test]
fn why_a_prompt_closed_is_whole_on_a_line_of_110_columns() {
    let mut app = typical();
    press(&mut app, Command::Compose);
    let whom = app.selected.map(|key| app.display_name(key)).unwrap();
    let snapshot = Snapshot { processes: Vec::new(), warnings: Vec::new() };
    let gone = Report::Snapshot { at_ms: NOW_MS, took_ms: 1, interval_ms: 1_000, snapshot };
    send(&mut app, Message::Report(DaemonId(0), gone));
    assert!(footer(&app, 200).contains("closed the message to "), "{}", footer(&app, 200));
    send(&mut app, Message::TypedOn);
    for columns in [200, 110, 80] {
        let footer = footer(&app, columns);
        for words in ["closed", &whom, "gone", "nothing was sent"] {
            assert!(footer.contains(words), "{columns} {words}: {footer}");
        }
        let is_whole =
            footer.trim_end().ends_with("for 3 s") || footer.trim_end().ends_with("sent");
        assert!(is_whole, "{columns}: {footer}");
        assert!(
            columns < 110 || footer.contains("what you type on is ignored"),
            "{whom}: {footer}"
        );
    }
}
