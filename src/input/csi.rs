//! The keys among the CSI and SS3 sequences: those of xterm, the Linux console and rxvt, and kitty's
//! protocol (`CSI u`). Whatever else ends as a sequence is a report, and no key.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What is held besides Shift, Alt and Control: keys with these mean nothing here.
const FOREIGN: u32 = 8 | 16 | 32;

/// A key by `ESC O` and this byte.
pub(super) fn ss3(byte: u8) -> Option<KeyEvent> {
    let code = match byte {
        b'P'..=b'S' => KeyCode::F(byte - b'P' + 1),
        b'M' => KeyCode::Enter,
        byte => moving(byte)?,
    };
    Some(KeyEvent::new(code, KeyModifiers::NONE))
}

fn moving(byte: u8) -> Option<KeyCode> {
    Some(match byte {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        _ => return None,
    })
}

/// A key by `ESC [`, these bytes and the final one.
pub(super) fn key(bytes: &[u8], last: u8) -> Option<KeyEvent> {
    // Private parameters and intermediate bytes are of reports.
    let text = std::str::from_utf8(bytes).ok()?;
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b';' || byte == b':') {
        return None;
    }
    let mut params = text.split(';');
    let number = |param: Option<&str>| -> Option<u32> { param?.split(':').next()?.parse().ok() };
    let (first, second, third) = (params.next(), params.next(), params.next());
    match last {
        // `CSI 27 ; MODIFIERS ; CODE ~` (xterm's modifyOtherKeys).
        b'~' if number(first) == Some(27) => build(coded(number(third)?)?, second),
        b'~' => build(numbered(number(first)?)?, second),
        b'u' => build(coded(number(first)?)?, second),
        b'Z' => build(KeyCode::BackTab, second),
        // `CSI R` is where the cursor is, never F3.
        b'P' | b'Q' | b'S' if first != Some("") || second.is_none() => {
            build(KeyCode::F(last - b'P' + 1), second)
        }
        last => build(moving(last)?, second),
    }
}

/// With modifiers and the kind of event, as in `5:2`.
fn build(code: KeyCode, modifiers: Option<&str>) -> Option<KeyEvent> {
    let mut parts = modifiers.unwrap_or_default().split(':');
    let held = match parts.next() {
        None | Some("") => 0,
        Some(number) => number.parse::<u32>().ok()?.checked_sub(1)?,
    };
    let kind = match parts.next() {
        None | Some("" | "1") => KeyEventKind::Press,
        Some("2") => KeyEventKind::Repeat,
        // A release is no key press.
        Some(_) => return None,
    };
    if held & FOREIGN != 0 {
        return None;
    }
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in
        [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)]
    {
        if held & bit != 0 {
            modifiers |= modifier;
        }
    }
    let code = match code {
        // Kitty gives the key's own letter.
        KeyCode::Char(c) if modifiers.contains(KeyModifiers::SHIFT) => {
            KeyCode::Char(c.to_uppercase().next().unwrap_or(c))
        }
        code => code,
    };
    Some(KeyEvent::new_with_kind(code, modifiers, kind))
}

/// A key by the number before `~`.
fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23 | 24 => KeyCode::F(number as u8 - 12),
        _ => return None,
    })
}

/// A key by its Unicode number.
fn coded(number: u32) -> Option<KeyCode> {
    Some(match number {
        9 => KeyCode::Tab,
        13 => KeyCode::Enter,
        27 => KeyCode::Esc,
        127 => KeyCode::Backspace,
        // Kitty's own numbers of keys without a character.
        57_344..=63_743 => return None,
        number => KeyCode::Char(char::from_u32(number).filter(|c| !c.is_control())?),
    })
}
