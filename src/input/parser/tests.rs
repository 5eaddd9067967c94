mod fuzz;

use proptest::prelude::*;

use super::*;
use crate::app::pointer::PointerKind;

const MS: Duration = Duration::from_millis(1);

/// What pieces mean that come this long after one another; then nothing comes for a long time. That
/// something was no key is left out: see `inputs`.
fn parsed(pieces: &[&[u8]], pause: Duration) -> Vec<Token> {
    let (mut parser, mut tokens, mut now) = (Parser::default(), Vec::new(), Duration::ZERO);
    for piece in pieces {
        parser.push(piece, now, &mut tokens);
        now += pause;
        parser.expire(now, &mut tokens);
    }
    parser.expire(now + 2 * PASTE_WAIT, &mut tokens);
    tokens.retain(|token| *token != Token::Noise);
    tokens
}

fn whole(bytes: &[u8]) -> Vec<Token> {
    parsed(&[bytes], MS)
}

/// What they mean byte by byte, and in two pieces at every place.
#[track_caller]
fn assert_however(bytes: &[u8], wanted: &[Token]) {
    assert_eq!(whole(bytes), wanted, "{}", bytes.escape_ascii());
    for pause in [MS, 40 * MS] {
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(parsed(&singles, pause), wanted, "{} singly", bytes.escape_ascii());
        for at in 1..bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(parsed(&[head, tail], pause), wanted, "{} at {at}", bytes.escape_ascii());
        }
    }
}

fn plain(code: KeyCode) -> Token {
    key(code, KeyModifiers::NONE)
}

#[test]
fn replies_of_the_terminal_are_no_keys() {
    for reply in [
        &b"\x1b]lssh server\x1b\\"[..],
        "\u{1b}]2;title ✓ done\u{1b}\\".as_bytes(),
        b"\x9d11;rgb:rr/ss/dd\x9c",
        b"\xc2\x9d11;rgb:rr/ss/dd\x07",
        b"\x1bP1$r0m\x1b\\",
        b"\x1bP>|XTerm(380)\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b^private\x1b\\",
        b"\x1bXstring\x1b\\",
        b"\x1b[12;40R",
        b"\x1b[?1;2c",
        b"\x1b[>0;276;0c",
        b"\x1b[?2026;2$y",
        b"\x1b[8;24;80t",
        b"\x1b[I",
        b"\x1b[O",
        b"\x1b[M rs",
        b"\x1b[<35;33;17M",
        b"\x1b[<0;0;17M",
        b"\x1b[32;33;17M",
        b"\x1b[?1u",
        b"\x1b[?997;1n",
        b"\x1b[114;9u",
        b"\x1b[114;17u",
        b"\x1b[114;33u",
        b"\x1b[114;1:3u",
        b"\x1b[[C",
    ] {
        assert_however(reply, &[]);
    }
    assert_however(b"\x1b[0n", &[Token::Status]);
    for reply in [&b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\"[..], b"\x1b]11;rgb:1e1e/1e1e/2e2e\x07"] {
        assert_however(reply, &[Token::Background([0x1e, 0x1e, 0x2e])]);
    }
    let click = Pointer { kind: PointerKind::Press, x: 32, y: 16 };
    assert_however(b"\x1b[<0;33;17M", &[Token::Mouse(click)]);
}

#[test]
fn keys_are_keys_in_pieces_too() {
    let with = |code, modifiers| key(code, modifiers);
    for (bytes, wanted) in [
        (&b"r"[..], plain(KeyCode::Char('r'))),
        (b"\r", plain(KeyCode::Enter)),
        (b"\x7f", plain(KeyCode::Backspace)),
        (b"\x03", with(KeyCode::Char('c'), KeyModifiers::CONTROL)),
        (b"\x1br", with(KeyCode::Char('r'), KeyModifiers::ALT)),
        (b"\x1bOR", plain(KeyCode::F(3))),
        (b"\x1b[A", plain(KeyCode::Up)),
        (b"\x1b[D", plain(KeyCode::Left)),
        (b"\x1b[1;5D", with(KeyCode::Left, KeyModifiers::CONTROL)),
        (b"\x1b[5~", plain(KeyCode::PageUp)),
        (b"\x1b[Z", plain(KeyCode::BackTab)),
        (b"\x1b[114u", plain(KeyCode::Char('r'))),
        (b"\x1b[114;2u", with(KeyCode::Char('R'), KeyModifiers::SHIFT)),
        ("漢".as_bytes(), plain(KeyCode::Char('漢'))),
        ("\u{1b}é".as_bytes(), with(KeyCode::Char('é'), KeyModifiers::ALT)),
    ] {
        assert_however(bytes, &[wanted]);
    }
    let repeat =
        KeyEvent::new_with_kind(KeyCode::Char('r'), KeyModifiers::NONE, KeyEventKind::Repeat);
    assert_however(b"\x1b[114;1:2u", &[Token::Key(repeat)]);
}

#[test]
fn a_lone_escape_waits_for_its_rest_and_no_longer() {
    assert_eq!(parsed(&[b"\x1b"], MS), [plain(KeyCode::Esc)]);
    let late = parsed(&[b"\x1b", b"r"], 60 * MS);
    assert_eq!(late, [plain(KeyCode::Esc), plain(KeyCode::Char('r'))]);
    assert_eq!(whole(b"\x1b\x1b"), [plain(KeyCode::Esc), plain(KeyCode::Esc)]);
}

#[test]
fn an_unfinished_sequence_is_dropped() {
    for bytes in [&b"\x1b]11;rgb"[..], b"\x1bP", b"\x1b[12;", b"\x1bO", b"\xe6\xbc"] {
        assert_eq!(parsed(&[bytes, b"r"], 2 * SEQUENCE_WAIT), [plain(KeyCode::Char('r'))]);
    }
    let mut long = b"\x1b]".to_vec();
    long.resize(STRING_BYTES_MAX + 3, b'r');
    long.extend(b"k");
    assert_eq!(whole(&long), [plain(KeyCode::Char('k'))]);
}

/// A letter beside it was not pressed by itself.
#[test]
fn a_byte_that_is_no_utf8_stands_for_a_character_without_a_meaning() {
    let broken = plain(KeyCode::Char(char::REPLACEMENT_CHARACTER));
    let letter = |letter| plain(KeyCode::Char(letter));
    assert_eq!(whole(b"\xffr"), [broken.clone(), letter('r')]);
    assert_eq!(whole(b"d\xe9s"), [letter('d'), broken.clone(), letter('s')]);
    assert_eq!(whole(b"\xc1\xb2r"), [broken.clone(), broken, letter('r')]);
}

#[test]
fn a_paste_is_one_text() {
    let paste = |text: &str| Token::Paste(text.to_owned());
    assert_however(b"\x1b[200~deploy\x1b[201~", &[paste("deploy")]);
    assert_however(b"\x1b[200~a\rb\x1b[20\x1b[201~", &[paste("a\rb\u{1b}[20")]);
    assert_however(b"\x1b[200~\x1b[201~", &[paste("")]);
    assert_eq!(whole(b"\x1b[201~"), []);
    // However long it takes, its text is no keys.
    assert_eq!(parsed(&[b"\x1b[200~dep", b"loy\x1b[201~"], 9 * SEQUENCE_WAIT), [paste("deploy")]);
    // One whose end was lost does not keep the keyboard for good.
    let lost = parsed(&[b"\x1b[200~dep", b"k"], 2 * PASTE_WAIT);
    assert_eq!(lost, [paste("dep"), plain(KeyCode::Char('k'))]);
    let mut long = b"\x1b[200~".to_vec();
    long.resize(2 * PASTE_BYTES_MAX, b'd');
    long.extend(b"\x1b[201~k");
    let tokens = whole(&long);
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[1], plain(KeyCode::Char('k')));
    // One that is nothing but beginnings of its end is bounded, too.
    let mut parser = Parser::default();
    parser.push(b"\x1b[200~", MS, &mut Vec::new());
    for _ in 0..4 {
        parser.push(&vec![0x1b; PASTE_BYTES_MAX], MS, &mut Vec::new());
    }
    let State::Paste { text, .. } = &parser.state else { panic!("{parser:?}") };
    assert!(text.len() <= PASTE_BYTES_MAX + PASTE_END.len(), "{}", text.len());
}

proptest! {
    /// No panic, and what is kept is bounded, whatever comes in whatever pieces.
    #[test]
    fn any_bytes_are_survived(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..64)) {
        let (mut parser, mut tokens, mut now) = (Parser::default(), Vec::new(), Duration::ZERO);
        for piece in pieces {
            parser.push(&piece, now, &mut tokens);
            now += 7 * MS;
        }
    }

    /// A string sequence with anything in it but its end is no key.
    #[test]
    fn nothing_comes_out_of_a_string(kind in prop::sample::select(b"]P_^X".to_vec()), text in "[ -~]{0,80}", at in 0_usize..80) {
        let mut bytes = vec![0x1b, kind];
        bytes.extend(text.bytes());
        bytes.extend(b"\x1b\\");
        let at = at.min(bytes.len());
        let (head, tail) = bytes.split_at(at);
        prop_assert_eq!(parsed(&[head, tail], 20 * MS), vec![]);
    }
}

#[test]
fn the_colour_of_the_ground_is_an_answer_and_nothing_else_is() {
    let tokens = |bytes: &[u8]| {
        let mut tokens = Vec::new();
        Parser::default().push(bytes, Duration::ZERO, &mut tokens);
        tokens
    };
    for (bytes, color) in [
        (&b"\x1b]11;rgb:1e1e/2c2c/ffff\x1b\\"[..], [0x1e, 0x2c, 0xff]),
        (b"\x1b]11;rgb:f/8/0\x07", [255, 136, 0]),
        (b"\x9d11;rgba:00/80/ff/ff\x9c", [0, 128, 255]),
    ] {
        assert_eq!(tokens(bytes), [Token::Background(color)], "{bytes:?}");
    }
    for bytes in [
        &b"\x1b]11;rgb:yyyy/yyyy/yyyy\x1b\\"[..],
        b"\x1b]11;rgb:1e1e/2c2c\x07",
        b"\x1b]11;rgb://\x07",
        b"\x1b]11;rgb:11111/1/1\x07",
        b"\x1b]11;rgb:+1/1/1\x07",
        b"\x1b]4;1;rgb:cd/00/00\x07",
        b"\x1bP11;rgb:1/1/1\x1b\\",
        b"\x1b]11;rgb:1/1/1\x18",
    ] {
        assert_eq!(tokens(bytes), [Token::Noise], "{bytes:?}");
    }
}
