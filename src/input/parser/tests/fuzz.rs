//! Random bytes in random pieces: no panic, what is kept is bounded, and no key that acts comes out
//! of a string sequence or of a report.
//!
//! `PM2_TUI_FUZZ_MIB=1024 cargo test --lib fuzz` for a gigabyte of each kind; without
//! it 2 MiB, as in CI. `PM2_TUI_FUZZ_SEED` for other bytes.

use super::super::*;
use crate::app::keymap::Keymap;
use crate::app::{Mode, Pane, message::Message, press};

const MS: Duration = Duration::from_millis(1);
/// Outside of sequences: nothing that acts.
const QUIET: &[&str] = &["j", "k", "ä", "漢", "\u{1b}[A", "\u{1b}OB"];
/// Within: everything that acts, and more.
const LOUD: &[u8] = b"rRsdtymq!/:?xX\r\n\x03\x1a ORSP[]~;0123456789";

/// `SplitMix64`: the same bytes for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn dice() -> Dice {
    Dice(from_environment("PM2_TUI_FUZZ_SEED", 7))
}

fn bytes_wanted() -> u64 {
    from_environment("PM2_TUI_FUZZ_MIB", 2) << 20
}

/// Gives bytes to a parser in pieces of random lengths, so much time apart at most, and looks at
/// what comes out and what is kept.
fn drive(
    parser: &mut Parser,
    (now, pause): (&mut Duration, Duration),
    dice: &mut Dice,
    bytes: &[u8],
    mut look: impl FnMut(&Token),
) {
    let (mut rest, mut tokens) = (bytes, Vec::new());
    while !rest.is_empty() {
        let longest = dice.of(&[1, 2, 7, 64, 4096]);
        let (piece, after) = rest.split_at((1 + dice.below(longest)).min(rest.len()));
        rest = after;
        parser.push(piece, *now, &mut tokens);
        *now += pause.mul_f64(dice.below(1000) as f64 / 1000.0);
        parser.expire(*now, &mut tokens);
        tokens.drain(..).for_each(|token| look(&token));
        match &parser.state {
            State::Csi(bytes) => assert!(bytes.len() <= CSI_BYTES_MAX),
            State::Paste { text, .. } => assert!(text.len() <= PASTE_BYTES_MAX + PASTE_END.len()),
            State::Utf8 { bytes, .. } => assert!(bytes.len() < 4),
            State::Str { bytes, .. } => assert!(*bytes <= STRING_BYTES_MAX),
            _ => {}
        }
    }
}

/// Whether a key does more than to move.
fn acts(keymap: &Keymap, token: &Token) -> bool {
    let Token::Key(key) = token else { return false };
    [Pane::Processes, Pane::Log].into_iter().any(|pane| {
        match press::message(keymap, &Mode::Normal, pane, *key) {
            Some(Message::Command(command)) => !command.is_movement(),
            Some(_) => true,
            None => false,
        }
    })
}

/// A string sequence with anything in it but its end.
fn string(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let kind = dice.below(5);
    match dice.below(3) {
        0 => bytes.extend([0x1b, b"PX]^_"[kind]]),
        1 => bytes.push(b"\x90\x98\x9d\x9e\x9f"[kind]),
        _ => bytes.extend([0xc2, b"\x90\x98\x9d\x9e\x9f"[kind]]),
    }
    for _ in 0..dice.below(200) {
        match dice.below(8) {
            // A character whose bytes look like the 8-bit end.
            0 => bytes.extend("\u{201c}".bytes()),
            1 => bytes.extend("漢".bytes()),
            2 => bytes.push(dice.of(&[0x00, 0x01, 0x03, 0x0a, 0x0d, 0x7f])),
            // Control-Z ends a string as well, and what follows is typed.
            _ => bytes.extend([dice.of(LOUD)].iter().filter(|byte| **byte != 0x1a)),
        }
    }
    match dice.below(3) {
        0 => bytes.push(0x07),
        1 => bytes.push(0x9c),
        _ => bytes.extend(b"\x1b\\"),
    }
}

/// What a terminal says of itself by CSI.
fn report(dice: &mut Dice, bytes: &mut Vec<u8>) {
    bytes.extend(dice.of(&[&b"\x1b["[..], b"\x9b", b"\xc2\x9b"]));
    let mut number = || dice.below(300).to_string();
    let (a, b, c) = (number(), number(), number());
    let text = match dice.below(14) {
        0 => format!("{a};{b}R"),
        1 => format!("?{a};{b}R"),
        2 => format!("?{a};{b};{c}c"),
        3 => format!(">{a};{b};{c}c"),
        4 => format!("?{a};{b}$y"),
        5 => format!("{a};{b}$y"),
        6 => format!("{};{a};{b}t", dice.of(&[4, 6, 8, 9])),
        7 => dice.of(&["I", "O"]).to_owned(),
        8 => format!("<{a};{b};{c}{}", dice.of(&["M", "m"])),
        9 => format!("{a};{b};{c}M"),
        10 => format!("?{a}u"),
        11 => format!("?{a};{b}n"),
        // With Super, Hyper or Meta, and releases.
        12 => format!("{};{}u", dice.of(LOUD), 1 + dice.of(&[8, 9, 12, 16, 24, 32])),
        _ => format!("{};1:3u", dice.of(LOUD)),
    };
    bytes.extend(text.bytes());
}

/// A mouse report of X10: three bytes of anything.
fn mouse(dice: &mut Dice, bytes: &mut Vec<u8>) {
    bytes.extend(b"\x1b[M");
    bytes.extend((0..3).map(|_| dice.of(LOUD)));
}

/// A bracketed paste of anything but its end.
fn paste(dice: &mut Dice, bytes: &mut Vec<u8>) {
    bytes.extend(b"\x1b[200~");
    bytes.extend((0..dice.below(100)).map(|_| dice.of(b"rsdyR\r\x1b[20\x9d\xc2")));
    bytes.extend(PASTE_END);
}

#[test]
fn random_bytes_are_survived() {
    let (mut dice, mut parser, mut now) = (dice(), Parser::default(), Duration::ZERO);
    let (mut bytes, mut count) = (vec![0; 64 * 1024], 0);
    while count < bytes_wanted() {
        // Some only of what parsers of terminals are made of.
        let is_rough = dice.below(2) == 0;
        for byte in &mut bytes {
            *byte = if is_rough {
                dice.next() as u8
            } else {
                dice.of(
                    b"\x1b\x1b[]OPM_^X\\~;:0123456789?<>$ \x07\x18\x9b\x9c\x9d\xc2\xe2\xf0rsdmnuRc",
                )
            };
        }
        drive(&mut parser, (&mut now, 200 * MS), &mut dice, &bytes, |_| {});
        count += bytes.len() as u64;
    }
}

#[test]
fn no_key_that_acts_comes_out_of_a_sequence() {
    let (mut dice, mut parser, mut now) = (dice(), Parser::default(), Duration::ZERO);
    let (mut bytes, mut count) = (Vec::new(), 0);
    let (mut keys, mut pastes) = (0_u64, 0_u64);
    let keymap = Keymap::default();
    while count < bytes_wanted() {
        bytes.clear();
        for _ in 0..200 {
            match dice.below(8) {
                0..=2 => string(&mut dice, &mut bytes),
                3 | 4 => report(&mut dice, &mut bytes),
                5 => mouse(&mut dice, &mut bytes),
                6 => paste(&mut dice, &mut bytes),
                _ => {}
            }
            for _ in 0..dice.below(3) {
                bytes.extend(dice.of(QUIET).bytes());
            }
        }
        // Any pause, but none in which a lone ESC or an unfinished sequence is given up.
        drive(&mut parser, (&mut now, 49 * MS), &mut dice, &bytes, |token| {
            assert!(!acts(&keymap, token), "{token:?} of {}", bytes.escape_ascii());
            keys += u64::from(matches!(token, Token::Key(_)));
            pastes += u64::from(matches!(token, Token::Paste(_)));
        });
        count += bytes.len() as u64;
    }
    assert!(keys > 1_000 && pastes > 1_000, "{keys} keys and {pastes} pastes were among it");
}
