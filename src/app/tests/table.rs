//! Which rows the table has: filter, what is not well, order; and what acts then.

use std::rc::Rc;

use super::*;
use crate::app::command::RowsCommand;

/// Processes of these names and states, by their ids from 0.
fn fleet(of: &[(&str, ProcessStatus)]) -> Report {
    let all = of.iter().enumerate();
    let processes = all.map(|(id, (name, status))| info(id as u32, name, status.clone())).collect();
    let snapshot = Snapshot { processes, warnings: Vec::new() };
    Report::Snapshot { at_ms: 1, took_ms: 1, interval_ms: 1_000, snapshot }
}

fn four() -> App {
    let mut app = app(0);
    send(&mut app, fleet(&of_four(ProcessStatus::Errored)));
    app
}

fn of_four(of_api: ProcessStatus) -> [(&'static str, ProcessStatus); 4] {
    [
        ("worker-10", ProcessStatus::Online),
        ("worker-2", ProcessStatus::Online),
        ("api", of_api),
        ("web", ProcessStatus::Online),
    ]
}

fn report_at(app: &mut App, at_ms: i64, report: Report) {
    let _ = update(app, Moment::at(at_ms), Message::Report(D, report));
}

fn type_text(app: &mut App, text: &str) {
    for c in text.chars() {
        let _ = update(app, Moment::at(2_000), Message::Text(c));
    }
}

fn rows(app: &App) -> Vec<u32> {
    app.rows().iter().map(|key| key.pm_id.0).collect()
}

#[test]
fn a_filter_is_in_force_while_it_is_typed_and_the_selection_stays_a_process() {
    let mut app = four();
    press(&mut app, Command::Down);
    press(&mut app, Command::Filter);
    assert!(app.mode.takes_text());
    type_text(&mut app, "w");
    assert_eq!((rows(&app), app.selected), (vec![0, 1, 3], Some(key(1))));
    type_text(&mut app, "eb");
    assert_eq!((rows(&app), app.selected), (vec![3], Some(key(3))));
    let _ = update(&mut app, Moment::at(2_000), Message::Edit(Edit::DeleteToStart));
    assert_eq!((rows(&app).len(), app.selected), (4, Some(key(1))), "it is selected again");
    type_text(&mut app, "status:");
    let Mode::Filter(typing) = &app.mode else { panic!() };
    assert_eq!(typing.wrong.as_ref().map(|wrong| wrong.at), Some(7));
    press(&mut app, Command::Open);
    assert!(app.mode.takes_text(), "what is wrong is not kept");
    type_text(&mut app, "err");
    press(&mut app, Command::Open);
    assert_eq!((&app.mode, rows(&app)), (&Mode::Normal, vec![2]));
    press(&mut app, Command::Back);
    assert_eq!((rows(&app).len(), app.selected), (4, Some(key(2))));
}

#[test]
fn a_filter_that_is_opened_again_is_replaced_by_what_is_typed_or_pasted() {
    let mut app = four();
    let reopened = |app: &mut App| {
        press(app, Command::Filter);
        type_text(app, "web");
        press(app, Command::Open);
        press(app, Command::Filter);
        assert_eq!(rows(app), [3], "it is in force still");
    };
    reopened(&mut app);
    type_text(&mut app, "ap");
    assert_eq!(rows(&app), [2]);
    press(&mut app, Command::Back);
    reopened(&mut app);
    let _ = update(&mut app, Moment::at(2_000), Message::Paste("worker-2".into()));
    assert_eq!(rows(&app), [1]);
    press(&mut app, Command::Back);
    reopened(&mut app);
    let _ = update(&mut app, Moment::at(2_000), Message::Edit(Edit::Backspace));
    let _ = update(&mut app, Moment::at(2_000), Message::Edit(Edit::Backspace));
    assert_eq!(rows(&app), [0, 1, 3], "w is left: {:?}", app.mode);
}

#[test]
fn esc_drops_what_is_typed_and_nothing_acts_on_what_is_not_shown() {
    let mut app = four();
    press(&mut app, Command::Down);
    press(&mut app, Command::Filter);
    type_text(&mut app, "nothing-of-this-name");
    assert_eq!((rows(&app), app.selected), (vec![], None));
    press(&mut app, Command::Open);
    assert_eq!(press(&mut app, Command::Act(Action::Stop)), []);
    assert!(app.notice.as_ref().unwrap().text.contains("no process"), "{:?}", app.notice);
    press(&mut app, Command::Filter);
    press(&mut app, Command::Back);
    assert_eq!((rows(&app).len(), app.selected), (4, Some(key(0))));
}

#[test]
fn the_selected_row_does_not_leave_by_itself() {
    let mut app = four();
    press(&mut app, Command::OnlyUnwell);
    assert_eq!((rows(&app), app.selected), (vec![2], Some(key(2))));
    report_at(&mut app, 9_000, fleet(&of_four(ProcessStatus::Online)));
    assert_eq!(rows(&app), [2], "another one under the finger would be acted on");
    // It leaves when the selection does.
    press(&mut app, Command::OnlyUnwell);
    press(&mut app, Command::OnlyUnwell);
    assert_eq!((rows(&app), app.selected), (vec![], None));
}

#[test]
fn the_next_row_that_is_not_well_is_round_the_end() {
    let mut app = four();
    press(&mut app, Command::NextUnwell);
    assert_eq!(app.selected, Some(key(2)));
    press(&mut app, Command::NextUnwell);
    assert_eq!(app.selected, Some(key(2)));
    assert!(app.notice.as_ref().unwrap().text.contains("no other"));
    press(&mut app, Command::Last);
    press(&mut app, Command::PreviousUnwell);
    assert_eq!(app.selected, Some(key(2)));
    press(&mut app, Command::First);
    press(&mut app, Command::PreviousUnwell);
    assert_eq!(app.selected, Some(key(2)));
}

#[test]
fn rows_rest_after_a_key_and_then_move() {
    let mut app = four();
    press(&mut app, Command::SortRight);
    assert_eq!((rows(&app), app.selected), (vec![2, 3, 1, 0], Some(key(0))));
    let mut renamed = of_four(ProcessStatus::Errored);
    renamed[2].0 = "zebra";
    report_at(&mut app, 2_500, fleet(&renamed));
    assert_eq!(rows(&app), [2, 3, 1, 0], "at rest");
    assert_eq!(app.table.moves_at_ms(), Some(4_000));
    let _ = update(&mut app, Moment::at(4_000), Message::Clock);
    assert_eq!(rows(&app), [3, 1, 0, 2]);
    assert_eq!(app.selected, Some(key(0)));
    press(&mut app, Command::SortReverse);
    assert_eq!(rows(&app), [2, 0, 1, 3]);
}

proptest! {
    #[test]
    fn the_selection_is_a_row_whatever_happens(steps in prop::collection::vec((0..14_u8, 0..6_u32), 1..40)) {
        let mut app = four();
        for (now_ms, (step, number)) in (3_000..).step_by(700).zip(steps) {
            let now = Moment::at(now_ms);
            let command = |command| Message::Command(command);
            let message = match step {
                0 => command(Command::Filter),
                1 => command(Command::OnlyUnwell),
                2 => command(Command::NextUnwell),
                3 => command(Command::SortRight),
                4 => command(Command::SortReverse),
                5 => command(Command::Back),
                6 => command(Command::Open),
                7 => command(Command::Down),
                8 => command(Command::Last),
                9 => Message::Text(char::from_digit(number, 36).unwrap()),
                10 => Message::Text(['w', 'a', '!', 'p', ' ', '-'][number as usize]),
                11 => Message::Clock,
                12 => Message::Report(D, snapshot(0..number)),
                _ => Message::Report(D, fleet(&of_four(ProcessStatus::Online)[..number.min(4) as usize])),
            };
            let _ = update(&mut app, now, message);
            let rows = app.rows().into_owned();
            prop_assert_eq!(app.selected.is_some(), !rows.is_empty());
            prop_assert!(app.selected.is_none_or(|key| rows.contains(&key)));
            prop_assert!(rows.iter().all(|key| app.watched.fleet.get(*key).is_some()));
            if let (Some(selected), Some(geometry)) = (app.selected, app.geometry(app.size)) {
                let place = rows.iter().position(|key| *key == selected).unwrap();
                let shown = app.table_top..app.table_top + usize::from(geometry.table_rows);
                prop_assert!(shown.contains(&place), "{} {:?}", place, shown);
            }
        }
    }
}

#[test]
fn all_is_well_is_said_only_where_it_is_known() {
    let said = |app: &mut App| {
        press(app, Command::OnlyUnwell);
        app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
    };
    let well = || {
        let mut app = app(0);
        send(&mut app, fleet(&of_four(ProcessStatus::Online)));
        app
    };
    assert!(said(&mut well()).starts_with("all is well"));
    assert!(said(&mut app(0)).starts_with("not known"), "there is no process");
    let mut lost = well();
    let down = Connection::Down { problem: Problem::Closed, retry_in_ms: 1_000 };
    send(&mut lost, Report::Connection(down));
    assert!(said(&mut lost).starts_with("not known"), "what is shown is of before");
}

/// A filter that hides the only one that is not well hides no alarm.
#[test]
fn what_a_filter_hides_is_not_said_to_be_well() {
    let mut app = four();
    press(&mut app, Command::Filter);
    type_text(&mut app, "!api");
    press(&mut app, Command::Open);
    let mut said = |command| {
        press(&mut app, command);
        app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
    };
    let wanted = "no other row here, but the filter hides 1 not well";
    assert_eq!(said(Command::NextUnwell), wanted);
    let wanted = "none here, but the filter hides 1 not well; Esc shows all";
    assert_eq!(said(Command::OnlyUnwell), wanted);
}

#[test]
fn the_lines_of_a_tree_are_made_once_until_something_changes() {
    let mut app = app(4);
    press(&mut app, Command::Rows(RowsCommand::Tree));
    let first = app.tree_lines().unwrap();
    assert!(Rc::ptr_eq(&first, &app.tree_lines().unwrap()), "asked again, nothing changed");
    press(&mut app, Command::First);
    assert!(Rc::ptr_eq(&first, &app.tree_lines().unwrap()), "only the cursor moved");
    press(&mut app, Command::Open);
    let folded = app.tree_lines().unwrap();
    assert!(folded.len() < first.len(), "{folded:?}");
    press(&mut app, Command::Open);
    assert_eq!(app.tree_lines().unwrap(), first);
    let key = ProcessKey { daemon: D, pm_id: PmId(2) };
    app.watched.fleet.get_mut(key).unwrap().info.namespace = Some("other".into());
    assert_eq!(app.tree_lines().unwrap().len(), first.len() + 1, "another namespace");
}

#[test]
fn from_a_group_the_next_that_is_not_well_may_be_its_first_process() {
    use crate::app::command::RowsCommand;
    for is_folded in [true, false] {
        let mut app = app(0);
        let infos = |status: [ProcessStatus; 3]| {
            let each = status.into_iter().zip(0..);
            each.map(|(status, id)| info(id, "api", status)).collect::<Vec<_>>()
        };
        let bad = [ProcessStatus::Errored, ProcessStatus::Online, ProcessStatus::Errored];
        send(&mut app, super::meant::poll(infos(bad), 1_000));
        press(&mut app, Command::Rows(RowsCommand::Tree));
        press(&mut app, Command::First);
        if is_folded {
            press(&mut app, Command::Older);
        }
        assert!(app.cursor_group().is_some());
        press(&mut app, Command::NextUnwell);
        assert_eq!(app.selected, Some(key(0)), "{is_folded}");
        assert!(app.cursor_group().is_none(), "it is on the process: {is_folded}");
        press(&mut app, Command::NextUnwell);
        assert_eq!(app.selected, Some(key(2)));
        // Backwards from the group: the last, not one in front of it.
        press(&mut app, Command::First);
        press(&mut app, Command::PreviousUnwell);
        assert_eq!(app.selected, Some(key(2)));
    }
}
