//! From the terminal's bytes to keys, pastes and replies.
//!
//! Invariant: what is no key press is never taken for one. Whatever a terminal says by itself (OSC,
//! DCS, APC, PM and SOS strings, reports by CSI) is consumed, whole or in pieces; a byte of such a
//! sequence never becomes a key. Pure: time arrives as an argument.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{csi, mouse};
use crate::app::pointer::Pointer;

/// How long the rest of a sequence may take after a lone ESC, as in tmux and vim.
pub(super) const ESC_WAIT: Duration = Duration::from_millis(50);
/// How long an unfinished sequence waits for its next byte.
const SEQUENCE_WAIT: Duration = Duration::from_secs(1);
/// How long an unfinished paste waits for its next byte: one whose end was lost must not keep the
/// keyboard for good.
const PASTE_WAIT: Duration = Duration::from_secs(10);
/// The longest string sequence; what is longer is dropped.
const STRING_BYTES_MAX: usize = 64 * 1024;
/// How much of an OSC string is looked at: an answer about a colour is shorter.
const ANSWER_MAX: usize = 64;
/// The longest CSI sequence.
const CSI_BYTES_MAX: usize = 64;
/// The longest paste that is kept; the rest of it is dropped.
const PASTE_BYTES_MAX: usize = 64 * 1024;
/// What ends a bracketed paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// One thing that the terminal sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A key.
    Key(KeyEvent),
    /// A report of the mouse.
    Mouse(Pointer),
    /// A bracketed paste, whole.
    Paste(String),
    /// The answer to `ESC[5n`: all that was sent before the question is on the screen.
    Status,
    /// The answer to `OSC 11`: red, green and blue of the ground.
    Background([u8; 3]),
    /// Anything else that is no key: a report that nobody asked for, a sequence that was broken off.
    Noise,
}

/// Where the parser is in a sequence.
#[derive(Debug, Default)]
enum State {
    #[default]
    Ground,
    /// Within a UTF-8 character: its bytes so far, how many are missing, and whether Alt is held.
    Utf8 {
        bytes: Vec<u8>,
        missing: usize,
        is_alt: bool,
    },
    Esc,
    Csi(Vec<u8>),
    /// After `ESC O`.
    Ss3,
    /// After `ESC [ [`: a function key of the Linux console.
    Console,
    /// The three bytes of a mouse report of X10.
    Mouse(u8),
    /// A string sequence: its bytes so far, how many bytes of a UTF-8 character are missing, and
    /// whether the last byte was an ESC.
    Str {
        bytes: usize,
        missing: usize,
        has_esc: bool,
        /// The beginning of an OSC string, which may be an answer.
        answer: Option<Vec<u8>>,
    },
    /// A bracketed paste.
    Paste {
        text: Vec<u8>,
        end: usize,
    },
}

/// The parser.
#[derive(Debug, Default)]
pub(super) struct Parser {
    state: State,
    /// When the last byte came.
    last: Duration,
    /// Whether a sequence was given up: the next bytes may be the rest of it.
    is_broken: bool,
}

impl Parser {
    /// Takes bytes that were read at `now`, and adds what they mean.
    pub(super) fn push(&mut self, bytes: &[u8], now: Duration, tokens: &mut Vec<Token>) {
        self.expire(now, tokens);
        if std::mem::take(&mut self.is_broken) {
            tokens.push(Token::Noise);
        }
        for &byte in bytes {
            self.last = now;
            self.byte(byte, tokens);
        }
    }

    /// When [`Parser::expire`] has something to do, if nothing comes before.
    pub(super) fn due(&self) -> Option<Duration> {
        match self.state {
            State::Ground => None,
            State::Esc => Some(self.last + ESC_WAIT),
            State::Paste { .. } => Some(self.last + PASTE_WAIT),
            _ => Some(self.last + SEQUENCE_WAIT),
        }
    }

    /// Whether a sequence has begun whose end did not come yet.
    pub(super) fn is_unfinished(&self) -> bool {
        !matches!(self.state, State::Ground)
    }

    /// Ends what waited too long for its rest: a lone ESC is the key, a paste is what came of it, any
    /// other beginning is dropped. What comes next may be the rest, and counts as no key of its own.
    pub(super) fn expire(&mut self, now: Duration, tokens: &mut Vec<Token>) {
        if self.due().is_none_or(|due| now < due) {
            return;
        }
        match std::mem::take(&mut self.state) {
            State::Ground => {}
            State::Esc => tokens.push(key(KeyCode::Esc, KeyModifiers::NONE)),
            State::Paste { text, .. } => {
                tokens.push(Token::Paste(String::from_utf8_lossy(&text).into_owned()));
                self.is_broken = true;
            }
            _ => self.is_broken = true,
        }
    }

    fn byte(&mut self, byte: u8, tokens: &mut Vec<Token>) {
        self.state = match std::mem::take(&mut self.state) {
            State::Ground => ground(byte, KeyModifiers::NONE, tokens),
            State::Utf8 { bytes, missing, is_alt } => utf8(bytes, missing, is_alt, byte, tokens),
            State::Esc => escaped(byte, tokens),
            State::Csi(bytes) => csi(bytes, byte, tokens),
            State::Ss3 => ended(csi::ss3(byte).map(Token::Key), tokens),
            State::Console | State::Mouse(1) => ended(None, tokens),
            State::Mouse(left) => State::Mouse(left.saturating_sub(1)),
            State::Str { bytes, missing, has_esc, answer } => {
                string((bytes, missing, has_esc), answer, byte, tokens)
            }
            State::Paste { text, end } => paste(text, end, byte, tokens),
        };
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Token {
    Token::Key(KeyEvent::new_with_kind(code, modifiers, KeyEventKind::Press))
}

/// After a sequence: the token that it stands for, if it is one that means something.
fn ended(token: Option<Token>, tokens: &mut Vec<Token>) -> State {
    tokens.push(token.unwrap_or(Token::Noise));
    State::Ground
}

/// A byte outside of any sequence, or behind a lone ESC (then Alt is held).
fn ground(byte: u8, held: KeyModifiers, tokens: &mut Vec<Token>) -> State {
    let control = held | KeyModifiers::CONTROL;
    let (code, modifiers) = match byte {
        0x1b => return State::Esc,
        b'\r' => (KeyCode::Enter, held),
        b'\t' => (KeyCode::Tab, held),
        0x7f => (KeyCode::Backspace, held),
        0 => (KeyCode::Char(' '), control),
        0x01..=0x1a => (KeyCode::Char(char::from(byte - 1 + b'a')), control),
        0x1c..=0x1f => (KeyCode::Char(char::from(byte - 0x1c + b'4')), control),
        0x20..=0x7e => (KeyCode::Char(char::from(byte)), held),
        // A control character of eight bits begins a sequence, too.
        0x80..=0x9f => return c1(byte, tokens),
        0xc2..=0xdf => return begin(byte, 1, held),
        0xe0..=0xef => return begin(byte, 2, held),
        0xf0..=0xf4 => return begin(byte, 3, held),
        // No UTF-8: it stands for a character without a meaning, so that what comes with it is text.
        _ => (KeyCode::Char(char::REPLACEMENT_CHARACTER), KeyModifiers::NONE),
    };
    tokens.push(key(code, modifiers));
    State::Ground
}

fn begin(byte: u8, missing: usize, held: KeyModifiers) -> State {
    let is_alt = held.contains(KeyModifiers::ALT);
    State::Utf8 { bytes: vec![byte], missing, is_alt }
}

/// The state that a control character of C1 begins.
fn c1(byte: u8, tokens: &mut Vec<Token>) -> State {
    match byte {
        0x8f => State::Ss3,
        0x9b => State::Csi(Vec::new()),
        0x9d => OSC,
        0x90 | 0x98 | 0x9e | 0x9f => STRING,
        _ => ended(None, tokens),
    }
}

const STRING: State = State::Str { bytes: 0, missing: 0, has_esc: false, answer: None };
const OSC: State = State::Str { bytes: 0, missing: 0, has_esc: false, answer: Some(Vec::new()) };

fn utf8(
    mut bytes: Vec<u8>,
    missing: usize,
    is_alt: bool,
    byte: u8,
    tokens: &mut Vec<Token>,
) -> State {
    if !(0x80..=0xbf).contains(&byte) {
        // A broken character means nothing; what breaks it is looked at by itself.
        tokens.push(key(KeyCode::Char(char::REPLACEMENT_CHARACTER), KeyModifiers::NONE));
        return ground(byte, KeyModifiers::NONE, tokens);
    }
    bytes.push(byte);
    if missing > 1 {
        return State::Utf8 { bytes, missing: missing - 1, is_alt };
    }
    let Some(c) = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()) else {
        return ended(None, tokens);
    };
    if ('\u{80}'..='\u{9f}').contains(&c) {
        return c1(c as u8, tokens);
    }
    let held = if is_alt { KeyModifiers::ALT } else { KeyModifiers::NONE };
    tokens.push(key(KeyCode::Char(c), held));
    State::Ground
}

fn escaped(byte: u8, tokens: &mut Vec<Token>) -> State {
    match byte {
        b'[' => State::Csi(Vec::new()),
        b'O' => State::Ss3,
        b']' => OSC,
        b'P' | b'_' | b'^' | b'X' => STRING,
        // A second ESC: the first was a key.
        0x1b => {
            tokens.push(key(KeyCode::Esc, KeyModifiers::NONE));
            State::Esc
        }
        byte => ground(byte, KeyModifiers::ALT, tokens),
    }
}

fn csi(mut bytes: Vec<u8>, byte: u8, tokens: &mut Vec<Token>) -> State {
    match byte {
        0x1b => {
            tokens.push(Token::Noise);
            State::Esc
        }
        0x18 | 0x1a => ended(None, tokens),
        b'[' if bytes.is_empty() => State::Console,
        b'M' if bytes.is_empty() => State::Mouse(3),
        b'~' if bytes == b"200" => State::Paste { text: Vec::new(), end: 0 },
        b'n' => ended((bytes == b"0").then_some(Token::Status), tokens),
        b'M' | b'm' if bytes.first() == Some(&b'<') => {
            ended(mouse::report(&bytes, byte).map(Token::Mouse), tokens)
        }
        0x40..=0x7e => ended(csi::key(&bytes, byte).map(Token::Key), tokens),
        _ if bytes.len() >= CSI_BYTES_MAX => State::Csi(bytes),
        byte => {
            bytes.push(byte);
            State::Csi(bytes)
        }
    }
}

fn string(
    (bytes, missing, has_esc): (usize, usize, bool),
    mut answer: Option<Vec<u8>>,
    byte: u8,
    tokens: &mut Vec<Token>,
) -> State {
    let color =
        |answer: Option<Vec<u8>>| answer.and_then(|it| background(&it)).map(Token::Background);
    if has_esc && byte == b'\\' {
        return ended(color(answer), tokens);
    }
    if has_esc {
        // Another sequence begins: the string was broken off.
        tokens.push(Token::Noise);
        return escaped(byte, tokens);
    }
    let (missing, is_inside) = match byte {
        0x80..=0xbf if missing > 0 => (missing - 1, true),
        0xc2..=0xdf => (1, true),
        0xe0..=0xef => (2, true),
        0xf0..=0xf4 => (3, true),
        _ => (0, false),
    };
    match byte {
        0x07 => ended(color(answer), tokens),
        0x9c if !is_inside => ended(color(answer), tokens),
        0x18 | 0x1a => ended(None, tokens),
        _ if bytes >= STRING_BYTES_MAX => ended(None, tokens),
        byte => {
            if let Some(answer) = answer.as_mut().filter(|it| byte != 0x1b && it.len() < ANSWER_MAX)
            {
                answer.push(byte);
            }
            State::Str { bytes: bytes + 1, missing, has_esc: byte == 0x1b, answer }
        }
    }
}

/// The colour in an answer to `OSC 11`: `11;rgb:1e1e/1e1e/2e2e`, each with one to four digits.
fn background(answer: &[u8]) -> Option<[u8; 3]> {
    let text = std::str::from_utf8(answer).ok()?.strip_prefix("11;")?;
    let parts = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut colors = parts.split('/').map(|digits| {
        let most = 16_u32.checked_pow(u32::try_from(digits.len()).ok()?)?.checked_sub(1)?;
        let is_hex =
            (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        u8::try_from(value * 255 / most.max(1)).ok()
    });
    Some([colors.next()??, colors.next()??, colors.next()??])
}

fn paste(mut text: Vec<u8>, end: usize, byte: u8, tokens: &mut Vec<Token>) -> State {
    // How much of the end mark stands at the end of the text.
    let end = match PASTE_END.get(end) {
        Some(wanted) if *wanted == byte => end + 1,
        _ => usize::from(byte == 0x1b),
    };
    if end <= 1 {
        // Beyond what is kept stands nothing but what may become the end mark.
        text.truncate(PASTE_BYTES_MAX);
    }
    if text.len() < PASTE_BYTES_MAX || end > 0 {
        text.push(byte);
    }
    if end < PASTE_END.len() {
        return State::Paste { text, end };
    }
    text.truncate(text.len().saturating_sub(PASTE_END.len()).min(PASTE_BYTES_MAX));
    tokens.push(Token::Paste(String::from_utf8_lossy(&text).into_owned()));
    State::Ground
}

#[cfg(test)]
mod tests;
