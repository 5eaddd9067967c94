//! What is taken from the screen by the mouse.

use super::fleet::*;
use crate::app::message::Message;
use crate::app::pointer::{Pointer, PointerKind, Under};
use crate::app::{App, update};
use crate::model::DaemonId;
use crate::model::log::{LineKind, LogSource};
use crate::model::moment::Moment;
use crate::model::rows::Field;
use crate::protocol::process::PmId;
use crate::view::pointer::under;

fn point(app: &mut App, kind: PointerKind, x: u16, y: u16) -> Under {
    let pointer = Pointer { kind, x, y };
    let seen = under(app, &COLOR, pointer);
    let _ = update(app, Moment::at(NOW_MS), Message::Pointer(pointer, seen.clone()));
    seen
}

#[test]
fn a_head_is_known_by_its_cells_and_a_drag_takes_what_is_seen() {
    let mut app = typical();
    (app.mouse, app.size) = (true, (120, 40));
    let heads = (0..120).filter_map(|x| {
        let press = Pointer { kind: PointerKind::Press, x, y: 2 };
        under(&app, &COLOR, press).head
    });
    let mut heads: Vec<Field> = heads.collect();
    heads.dedup();
    assert!(heads.starts_with(&[Field::Id, Field::Name, Field::Namespace]), "{heads:?}");
    assert!(heads.contains(&Field::Memory), "{heads:?}");
    let elsewhere = Pointer { kind: PointerKind::Press, x: 5, y: 3 };
    assert_eq!(under(&app, &COLOR, elsewhere).head, None);
    let text = super::fleet::screen(&app, COLOR, (120, 40));
    // Bars are no text.
    let text = text.replace(|c| ('\u{2580}'..='\u{259f}').contains(&c) || c == '·', " ");
    let row: Vec<&str> = text.lines().skip(3).take(2).collect();
    let (first, second): (String, String) =
        (row[0].chars().skip(6).collect(), row[1].chars().skip(1).take(20).collect());
    point(&mut app, PointerKind::Press, 6, 3);
    point(&mut app, PointerKind::Drag, 20, 4);
    let seen = point(&mut app, PointerKind::Release, 20, 4).text.unwrap();
    assert_eq!(seen, format!("{}\n{}", first.trim_end(), second.trim_end()));
    assert!(seen.contains("api") && !seen.contains('\u{1b}'), "{seen}");
}

#[test]
fn a_drag_takes_lines_without_gutter_and_ruler() {
    let mut app = typical();
    (app.mouse, app.size) = (true, (120, 40));
    let source = LogSource { daemon: DaemonId(0), pm_id: Some(PmId(0)), name: "api".into() };
    app.take_lines([output(NOW_MS, source, LineKind::Err, "│ a table │ of its own")]);
    let text = super::fleet::screen(&app, COLOR, (120, 40));
    let y = text.lines().position(|line| line.contains("a table")).unwrap() as u16;
    point(&mut app, PointerKind::Press, 0, y);
    point(&mut app, PointerKind::Drag, 119, y);
    let seen = point(&mut app, PointerKind::Release, 119, y).text.unwrap();
    let words: Vec<&str> = seen.split_whitespace().skip(1).collect();
    assert_eq!(words.join(" "), "api[0] W │ a table │ of its own", "{seen:?}");
}
