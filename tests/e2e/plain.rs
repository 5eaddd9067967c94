//! `--plain`: the screen as lines.

use crate::harness::screen::Screen;

pub(crate) fn changes_are_lines_and_nothing_is_drawn() {
    let mut screen = Screen::cockpit((120, 40), &["demo", "--plain"]);
    screen.wait_for("a row in words", |text| text.contains("online, restarts"));
    screen.press("j");
    screen.press_each(&["?"]);
    screen.wait_for("the help", |text| text.contains("Restart it with its current environment"));
    screen.press("\u{1b}");
    screen.wait_for("the table again", |text| text.rfind("\ntable: ") > text.rfind("\nr Restart"));
    screen.press("/");
    screen.wait_for("the filter that is typed", |text| text.contains(" processes, filter"));
    screen.press("zzz");
    screen.wait_for("the filter", |text| text.contains("table: 0 of"));
    screen.press("\u{3}");
    let ending = screen.wait_exit();
    assert_eq!(ending.code, 0);
    let text = String::from_utf8(ending.tail).unwrap();
    assert!(!text.contains('\u{1b}'), "a sequence: {text:?}");
    let drawn = |c: char| ('\u{2500}'..='\u{25ff}').contains(&c);
    assert_eq!(text.chars().find(|c| drawn(*c)), None, "{text}");
    let (before, after) = &ending.modes;
    assert_eq!(before, after);
}
