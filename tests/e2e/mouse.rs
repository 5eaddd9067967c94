//! The mouse in a terminal: what is reported, copied, and given back.

use crate::harness::screen::{Screen, is_selected};

const ON: &str = "\x1b[?1002h\x1b[?1006h";
const OFF: &str = "\x1b[?1006l\x1b[?1002l";

/// The demo with its rows on the screen.
fn demo(arguments: &[&str]) -> Screen {
    let arguments: Vec<&str> = std::iter::once("demo").chain(arguments.iter().copied()).collect();
    let mut screen = Screen::cockpit((120, 40), &arguments);
    screen.wait_for("rows", |text| text.contains("online") && text.contains("cluster"));
    screen
}

pub(crate) fn it_selects_sorts_and_copies() {
    let mut screen = demo(&[]);
    let third = |text: &str| text.lines().nth(5).map(str::to_owned).unwrap_or_default();
    // The row, from 1: header, title, heads, two rows before it.
    screen.send(b"\x1b[<0;10;6M\x1b[<0;10;6m");
    let text = screen.wait_for("the third row selected", |text| is_selected(&third(text)));
    let name: String = third(&text).chars().skip(6).take(4).collect();
    // Over the name.
    screen.send(b"\x1b[<0;7;6M\x1b[<32;8;6M\x1b[<32;10;6M\x1b[<0;10;6m");
    screen.wait_for("what was copied", |text| text.contains("copied what was selected: 1 line"));
    // Garbage.
    screen.send(b"\x1b[<0;0;0M\x1b[<99999;1;1M\x1b[<0;;M\x1b[<M\x1b[<0;7;65535M\x1b[<0;7;65535m");
    screen.send(b"\x1b[<0;7;3M\x1b[<0;7;3m");
    screen.wait_for("the order of names", |text| text.contains("name\u{25b2}"));
    screen.press("M");
    screen.wait_for("that it is off", |text| text.contains("mouse off"));
    screen.press("q");
    let ending = screen.wait_exit();
    assert_eq!(ending.code, 0);
    let text = String::from_utf8(ending.tail).unwrap();
    assert!(text.contains(ON) && text.rfind(OFF) > text.rfind(ON), "{text:?}");
    let copied = format!("\x1b]52;c;{}", base64(name.trim_end()));
    assert!(text.contains(&copied), "{copied:?} of {name:?}");
}

pub(crate) fn it_is_not_asked_for_where_it_is_not_wanted() {
    let mut screen = demo(&["--no-mouse"]);
    screen.press("q");
    let ending = screen.wait_exit();
    let text = String::from_utf8(ending.tail).unwrap();
    assert!(!text.contains("\x1b[?1002h") && text.contains(OFF), "{text:?}");
}

/// As the clipboard gets it.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            if place <= three.len() {
                out.push(char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}
