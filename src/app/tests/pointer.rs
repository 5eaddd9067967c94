//! The mouse: selects, sorts, scrolls, copies, and nothing else.

use super::*;
use crate::app::pointer::{Pointer, PointerKind, Under};
use crate::model::rows::Field;

fn point(app: &mut App, kind: PointerKind, (x, y): (u16, u16), under: Under) -> Vec<Effect> {
    let pointer = Pointer { kind, x, y };
    update(app, Moment::at(2_000), Message::Pointer(pointer, under)).0
}

fn click(app: &mut App, at: (u16, u16)) -> Vec<Effect> {
    let mut effects = point(app, PointerKind::Press, at, Under::default());
    effects.extend(point(app, PointerKind::Release, at, Under::default()));
    effects
}

fn with_mouse(processes: u32) -> App {
    let mut app = app(processes);
    app.mouse = true;
    app
}

#[test]
fn a_click_selects_a_row_and_the_pane() {
    let mut app = with_mouse(5);
    // Header, title, heads, then the rows.
    assert_eq!(click(&mut app, (10, 3 + 2)), []);
    assert_eq!((app.selected, app.focus), (Some(key(2)), Pane::Processes));
    assert_eq!(click(&mut app, (10, 22)), []);
    assert_eq!((app.selected, app.focus), (Some(key(2)), Pane::Log));
    assert_eq!(click(&mut app, (0, 0)), [], "the header");
    assert_eq!(click(&mut app, (10, 3 + 30)), [], "below the screen");
    assert_eq!(app.selected, Some(key(2)));
    app.mouse = false;
    assert_eq!(click(&mut app, (10, 3)), []);
    assert_eq!(app.selected, Some(key(2)), "it is off");
}

#[test]
fn a_click_on_a_head_sorts_and_again_the_other_way_round() {
    let mut app = with_mouse(3);
    let on = |field| Under { head: Some(field), text: None };
    for is_descending in [true, false, true] {
        assert_eq!(point(&mut app, PointerKind::Press, (40, 2), on(Field::Memory)), []);
        let sort = app.table.query().sort;
        assert_eq!((sort.field, sort.is_descending), (Field::Memory, is_descending));
    }
    point(&mut app, PointerKind::Press, (40, 2), on(Field::Chart));
    assert_eq!(app.table.query().sort.field, Field::Memory, "nothing is sorted by a chart");
}

#[test]
fn a_drag_copies_and_lets_the_log_go_on() {
    let mut app = with_mouse(3);
    let line = |text: &str| {
        let source = LogSource { daemon: D, pm_id: Some(PmId(0)), name: "p0".into() };
        LogLine::event(1_000, source, "online", Severity::Good, text)
    };
    send(&mut app, Report::Lines((0..50).map(|at| line(&format!("line {at}"))).collect()));
    point(&mut app, PointerKind::Press, (10, 20), Under::default());
    assert!(app.log_top.is_some(), "it stands while text is selected");
    point(&mut app, PointerKind::Drag, (500, 21), Under::default());
    let cells: Vec<_> = app.held.unwrap().cells().collect();
    assert_eq!(cells, [(20, 10, 79), (21, 1, 79)], "as far as the pane goes");
    let text = Under { head: None, text: Some("one  \u{1b}[31mtwo\nthree".to_owned()) };
    let effects = point(&mut app, PointerKind::Release, (500, 21), text);
    assert_eq!(effects, [Effect::Copy("one  two\nthree".into())]);
    assert_eq!((app.log_top, app.held), (None, None));
    assert!(app.notice.as_ref().unwrap().text.contains("2 lines"));
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut app = with_mouse(40);
    let wheel = |app: &mut App, kind, y| point(app, kind, (10, y), Under::default());
    assert_eq!(wheel(&mut app, PointerKind::WheelDown, 5), []);
    assert_eq!(app.selected, Some(key(3)));
    app.focus = Pane::Log;
    wheel(&mut app, PointerKind::WheelUp, 5);
    assert_eq!((app.selected, app.focus), (Some(key(0)), Pane::Log), "the focus stays");
    let source = LogSource { daemon: D, pm_id: Some(PmId(0)), name: "p0".into() };
    let lines = (0..50).map(|_| LogLine::event(1, source.clone(), "online", Severity::Good, "x"));
    send(&mut app, Report::Lines(lines.collect()));
    let top = log_top(&app, 10);
    assert_eq!(wheel(&mut app, PointerKind::WheelUp, 20), []);
    assert_eq!(log_top(&app, 10), top - 3);
    wheel(&mut app, PointerKind::WheelDown, 20);
    assert_eq!(app.log_top, None, "at its end it follows");
    press(&mut app, Command::Help);
    wheel(&mut app, PointerKind::WheelDown, 5);
    assert!(matches!(&app.mode, Mode::Help(open) if open.top == 3), "{:?}", app.mode);
}

#[test]
fn a_question_is_not_answered_by_the_mouse() {
    let mut app = with_mouse(3);
    press(&mut app, Command::Act(Action::Delete));
    let before = app.mode.clone();
    for y in 0..24 {
        for x in 0..80 {
            assert_eq!(click(&mut app, (x, y)), []);
        }
        assert_eq!(point(&mut app, PointerKind::WheelDown, (10, y), Under::default()), []);
    }
    assert_eq!((&app.mode, app.selected), (&before, Some(key(0))));
}

#[test]
fn it_is_turned_off_and_on_by_a_key() {
    let mut app = with_mouse(1);
    assert_eq!(press(&mut app, Command::Mouse), [Effect::Mouse(false)]);
    assert_eq!(press(&mut app, Command::Mouse), [Effect::Mouse(true)]);
    assert!(app.mouse);
}

proptest! {
    #[test]
    fn no_report_acts(
        reports in prop::collection::vec((0..5_usize, 0..300_u16, 0..120_u16, 0..40_usize), 0..60),
        size in (0..200_u16, 0..60_u16),
        opened in 0..6_usize,
        is_tree: bool,
    ) {
        let mut app = with_mouse(7);
        if is_tree {
            press(&mut app, Command::Rows(RowsCommand::Tree));
        }
        match opened {
            1 => drop(press(&mut app, Command::Act(Action::Delete))),
            2 => drop(press(&mut app, Command::Rows(RowsCommand::Actions))),
            3 => drop(press(&mut app, Command::Palette)),
            4 => drop(press(&mut app, Command::Compose)),
            5 => drop(press(&mut app, Command::Open)),
            _ => {}
        }
        let _ = update(&mut app, Moment::at(2_000), Message::Resized(size.0, size.1));
        let mode = app.mode.name();
        for (kind, x, y, field) in reports {
            use PointerKind::{Drag, Press, Release, WheelDown, WheelUp};
            let kind = [Press, Drag, Release, WheelUp, WheelDown][kind];
            let head = crate::model::rows::columns::COLUMNS.get(field).map(|column| column.field);
            let under = Under { head, text: Some("x".to_owned()) };
            for effect in point(&mut app, kind, (x, y), under) {
                prop_assert!(matches!(effect, Effect::Copy(_) | Effect::Older { .. }), "{:?}", effect);
            }
            prop_assert_eq!(&app.mode.name(), &mode);
            if let Some(held) = app.held {
                for (_, from, until) in held.cells() {
                    prop_assert!(from <= until && until <= size.0);
                }
            }
        }
    }
}
