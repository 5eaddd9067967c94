//! What kinds of terminal get, by the name in `TERM`, as bytes.

use std::time::Duration;

use crate::harness::screen::{COCKPIT, Screen};

/// All that the demo writes to a terminal of this kind, from its start to its end.
fn written(term: &str) -> String {
    let environment =
        [("TERM".to_owned(), term.to_owned()), ("COLORTERM".to_owned(), String::new())];
    let mut screen = Screen::program((100, 30), COCKPIT, &["demo"], &environment);
    screen.wait_for("rows", |text| text.contains("online") && text.contains("cluster"));
    screen.press("q");
    let ending = screen.wait_exit();
    assert_eq!(ending.code, 0, "{term}");
    String::from_utf8(ending.tail).unwrap()
}

/// The numbers of all SGR sequences.
fn styles(text: &str) -> Vec<&str> {
    let sequences = text.split("\x1b[").skip(1);
    sequences
        .filter_map(|piece| {
            let (numbers, _) = piece.split_once('m')?;
            numbers.chars().all(|c| c.is_ascii_digit() || c == ';').then_some(numbers)
        })
        .collect()
}

pub(crate) fn sixteen_colours_are_sent_as_such() {
    for term in ["linux", "ansi", "xterm-16color", "screen", "xterm"] {
        let text = written(term);
        let styles = styles(&text);
        let long = styles.iter().find(|style| style.contains("8;5;") || style.contains("8;2;"));
        assert_eq!(long, None, "{term}");
        let is_color = |number: &str| number.len() == 2 && number.starts_with(['3', '9']);
        assert!(styles.iter().any(|style| style.split(';').any(is_color)), "{term}: no colours");
    }
}

pub(crate) fn old_terminals_get_no_colours() {
    for term in ["vt100", "vt102", "vt220"] {
        let text = written(term);
        let numbers: Vec<&str> = styles(&text).iter().flat_map(|style| style.split(';')).collect();
        let other = numbers.iter().find(|number| !["", "0", "1", "4", "7"].contains(number));
        assert_eq!(other, None, "{term}");
        assert!(numbers.contains(&"1") && numbers.contains(&"7"), "{term}: bold and reverse stay");
        assert!(!text.contains("\x1b[?2004h") && !text.contains("\x1b[?2026h"), "{term}");
    }
}

pub(crate) fn without_an_alternate_screen_leaving_clears() {
    for (term, has_one) in [("vt100", false), ("vt220", false), ("linux", false), ("screen", true)]
    {
        let text = written(term);
        assert_eq!(text.contains("\x1b[?1049h"), has_one, "{term}");
        assert_eq!(text.contains("\x1b[?1049l"), has_one, "{term}");
        assert_eq!(
            text.ends_with("\x1b[2J\x1b[999;1H"),
            !has_one,
            "{term}: {:?}",
            text.get(text.len() - 60..)
        );
    }
}

pub(crate) fn a_late_answer_is_not_typed_to_the_shell() {
    let prompt = [("PS1".to_owned(), "ready> ".to_owned())];
    let mut screen = Screen::program((100, 30), "/bin/sh", &["-i"], &prompt);
    screen.wait_for("the prompt", |text| text.contains("ready>"));
    screen.press(&format!("{COCKPIT} demo\r"));
    screen.wait_for("rows", |text| text.contains("cluster"));
    // From the first answer on it is asked behind each frame. A key's is drawn at once.
    screen.press("\x1b[0n");
    screen.press("j");
    screen.press("q");
    // A slow link, not a synchronisation: the answer comes when the program is about to end.
    std::thread::sleep(Duration::from_millis(300));
    screen.press("\x1b[0n\x1b[0n");
    let text = screen.wait_for("the prompt again", |text| text.trim_end().ends_with("ready>"));
    screen.press("echo done\r");
    let text = screen.wait_for(&format!("the shell after {text}"), |text| text.contains("\ndone"));
    assert!(!text.contains("[0n"), "{text}");
}

pub(crate) fn a_terminal_without_a_screen_is_told_what_works() {
    for term in ["dumb", "unknown", ""] {
        let environment = [("TERM".to_owned(), term.to_owned())];
        let ending = Screen::program((100, 30), COCKPIT, &["demo"], &environment).wait_exit();
        let text = String::from_utf8(ending.tail).unwrap();
        assert_eq!(ending.code, 2, "{term:?}: {text}");
        assert!(text.contains("pm2-tui ls") && text.contains("pm2-tui events"), "{text}");
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}
