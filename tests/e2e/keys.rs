//! What is no key press acts on nothing: pastes, late replies of the terminal, sequences in pieces,
//! keys that are held.

use std::time::Duration;

use serde_json::Value;

use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::Screen;

/// Inputs from public bug reports: bytes as text of Latin-1, and pauses in seconds.
const REPORTED: &str = include_str!("keys.json");

/// More of the same kinds: what is sent, and pauses in milliseconds behind it.
const MORE: &[&[(&str, u64)]] = &[
    // Pastes without bracketed paste, and with it.
    &[("yes delete all\rdddyyyrs", 0)],
    &[("d", 0), ("y", 0)],
    &[("dy", 0)],
    &[("\u{1b}[200~deploy\ry\u{1b}[201~", 0)],
    &[("\u{1b}[200~dep", 60), ("loy", 60), ("\u{1b}[201~", 0)],
    &[("kubectl delete pods\n", 0)],
    &[("d\u{e9}", 0)],
    &[("r\r", 0)],
    &[("\u{1b}[200~d\u{1b}[200~y\u{1b}[201~", 0)],
    &[("d", 300), ("\u{1b}[200~y\u{1b}[201~", 0)],
    &[("d", 300), ("yes\r", 0)],
    // An answer is a letter alone: not with Alt, not out of a reply.
    &[("d", 300), ("\u{1b}y", 0)],
    // Nor beside a report that nobody asked for, or behind one that was given up.
    &[("d", 300), ("\u{1b}[M !!y", 0)],
    &[("d", 300), ("\u{1b}[35;20;5My", 0)],
    &[("d", 300), ("\u{1b}[?1uy", 0)],
    &[("d", 300), ("\u{1b}[<0;1;1", 1_200), ("y", 0)],
    &[("d", 300), ("\u{1b}P>|XTerm(380)\u{1b}\\y", 0)],
    &[("d", 300), ("\u{1b}[200~a\u{1b}[201~y", 0)],
    &[("d", 300), ("y\u{1b}[<0;1;1", 20), (";M", 0)],
    &[("d", 300), ("\u{19}", 0)],
    &[("d", 300), ("\u{1b}]11;rgb:yyyy/yyyy/yyyy\u{1b}\\", 0)],
    &[(":", 300), ("killMe\r", 0)],
    // Replies of the terminal, late and in pieces.
    &[("\u{1b}]11;rgb:", 30), ("rrrr/ssss/dddd\u{7}", 0)],
    &[("\u{1b}]4;1;rgb:cd/00/", 20), ("00\u{1b}", 0), ("\\", 0)],
    &[("\u{1b}P>|XTerm(r)\u{1b}\\", 0)],
    &[("\u{1b}[", 30), ("24;80", 30), ("R", 0)],
    &[("\u{1b}[?62;", 10), ("22c", 0)],
    &[("\u{1b}_Gi=1;OK r s d\u{1b}\\", 0)],
    &[("\u{1b}P0+r544e\u{1b}\\", 0), ("\u{1b}P1$r0 q\u{1b}\\", 0)],
    &[("\u{1b}P!|00", 30), ("rdsr", 30), ("\u{1b}\\", 0)],
    &[("\u{1b}]L restart\u{1b}\\", 0), ("\u{1b}]l stop delete\u{7}", 0)],
    &[("\u{1b}]l", 30), ("ssh dsr", 30), ("\u{1b}\\", 0)],
    &[("\u{1b}]52;c;ZHJzUmRyc2Q=\u{1b}\\", 0)],
    &[("\u{1b}P>|kitty(0.3", 30), ("2rsd)", 30), ("\u{1b}\\", 0)],
    &[("\u{1b}[?2026;2$y", 0), ("\u{1b}[?31u", 0), ("\u{1b}[8;40;120t", 0)],
    &[("\u{1b}^rsd\u{1b}\\", 0), ("\u{1b}Xrsd\u{1b}\\", 0)],
    &[("\u{1b}[<64;10;20M", 0), ("\u{1b}[32;10;20M", 0)],
    &[("\u{1b}[M !!", 0), ("\u{1b}[<0;3;3M\u{1b}[<0;3;3m", 0)],
    &[("\u{1b}[I\u{1b}[O", 0)],
    // Function keys and Alt in pieces, keys with Super, releases.
    &[("\u{1b}O", 30), ("R", 0)],
    &[("\u{1b}", 0), ("OS", 0)],
    &[("\u{1b}[114;9u", 0), ("\u{1b}[115;17u", 0), ("\u{1b}[100;33u", 0)],
    &[("\u{1b}[114;1:3u\u{1b}[115;1:2u", 0)],
    &[("\u{1b}[1", 30), (";2", 30), ("R", 0)],
    &[("\u{1b}[[C", 0), ("\u{1b}Or", 0), ("\u{1b}[1;24r", 0), ("\u{1b}c", 0)],
];

fn pause(time: Duration) {
    // The pauses are part of the input.
    std::thread::sleep(time);
}

/// Back to the table, whatever is open: each key by itself.
fn back(screen: &mut Screen) {
    for _ in 0..2 {
        pause(Duration::from_millis(80));
        screen.press("\u{1b}");
    }
    pause(Duration::from_millis(80));
}

pub(crate) fn what_is_no_key_press_acts_on_nothing() {
    let home = Pm2Home::with(
        Release::Seven,
        &[apps::sleeper("one"), apps::sleeper("two"), apps::cluster("web")],
    );
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.select("two");
    for pieces in MORE {
        for (bytes, ms) in *pieces {
            screen.press(bytes);
            pause(Duration::from_millis(*ms));
        }
        back(&mut screen);
        home.assert_unharmed_but(&[]);
    }
    let cases: Value = serde_json::from_str(REPORTED).unwrap();
    for (name, case) in cases.as_object().unwrap() {
        // An Esc and a letter behind it are two keys after 50 ms, which a busy machine may make of 20:
        // the parser's own tests have that, by a clock of theirs.
        let is_elsewhere = ["held-r", "split-alt-r"].contains(&name.as_str());
        let Some(sent) = case["send"].as_array().filter(|_| !is_elsewhere) else { continue };
        for piece in sent {
            match piece {
                Value::String(text) => {
                    let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
                    screen.send(&bytes);
                }
                number => pause(Duration::try_from_secs_f64(number.as_f64().unwrap()).unwrap()),
            }
        }
        pause(Duration::from_millis(150));
        back(&mut screen);
        home.assert_unharmed_but(&[]);
    }
    // Letters that come within a second of refused ones go on with them.
    pause(Duration::from_secs(2));
    // Held: once. Two that came in one read would be pasted text: the first is read by itself.
    screen.select("two");
    let before = home.one("two").restarts;
    screen.press("r");
    screen.wait_for("the first to be taken", |text| text.contains("restarting"));
    for _ in 0..60 {
        screen.press("r");
        pause(Duration::from_millis(33));
    }
    screen.wait_for("what came of it", |text| text.contains("up 1."));
    assert_eq!(home.one("two").restarts, before + 1);
    home.assert_unharmed_but(&["two"]);
}

/// What comes while a message is typed, and pauses in milliseconds behind it; nothing of it sends the
/// message or closes the prompt.
const IN_A_MESSAGE: &[&[(&str, u64)]] = &[
    // Pastes of several lines, without brackets and with them.
    &[("first\nsecond\n", 0)],
    &[("one line\r", 0)],
    &[("a\r\nb\r\n", 0)],
    &[("\u{1b}[200~a\rb\r\u{1b}[201~", 0)],
    &[("\u{1b}[200~a\r", 40), ("b\r", 40), ("\u{1b}[201~", 0)],
    // Arrows and other keys in pieces. What follows an ESC comes at once: on a busy machine 20 ms
    // become more than the 50 that it is waited for; the parser's own tests have those by their clock.
    &[("\u{1b}", 0), ("[D", 0)],
    &[("\u{1b}", 0), ("[", 0), ("C", 0)],
    &[("\u{1b}[1;", 30), ("5D", 0)],
    &[("\u{1b}O", 30), ("D", 0)],
    &[("\u{1b}", 0), ("O", 0), ("F", 0)],
    &[("\u{1b}[3", 30), ("~", 0)],
    // Replies of the terminal, whole and in pieces.
    &[("\u{1b}]11;rgb:1e1e/1e1e/2e2e\u{1b}\\", 0)],
    &[("\u{1b}P1$r0m\u{1b}", 0), ("\\", 0)],
    &[("\u{1b}[?62;22c", 0), ("\u{1b}[24;", 20), ("80R", 0)],
];

pub(crate) fn what_comes_in_a_prompt_sends_nothing() {
    let text = "process.on('message', function () { require('fs').writeFileSync('heard', ''); });
require('fs').writeFileSync('listens', ''); setInterval(function () {}, 1e9);";
    let home = Pm2Home::with(Release::Seven, &[apps::script("ears", "js", text)]);
    let file = |name: &str| home.apps().join(name);
    crate::harness::wait_until("it listens", || file("listens").is_file());
    let mut screen = home.cockpit((120, 40));
    screen.select("ears");
    for pieces in IN_A_MESSAGE {
        screen.press("m");
        screen.wait_for("the prompt", |text| text.contains("essage to ears"));
        for (bytes, ms) in *pieces {
            screen.press(bytes);
            pause(Duration::from_millis(*ms));
        }
        // What is typed then is in the prompt: it is open still.
        pause(Duration::from_millis(100));
        screen.press("z");
        screen.wait_for(&format!("the prompt after {pieces:?}"), |text| {
            text.contains("essage to ears") && text.contains('z')
        });
        back(&mut screen);
        screen.wait_for("the table alone", |text| !text.contains("essage to ears"));
        assert!(!file("heard").exists(), "{pieces:?}");
        // What was refused as pasted text goes on for a second.
        pause(Duration::from_millis(1_100));
    }
    // Keys by themselves are typed, and sent.
    screen.press("m");
    screen.wait_for("the prompt", |text| text.contains("essage to ears"));
    screen.press_each(&["h", "i", "\r"]);
    screen.wait_until("it hears", || file("heard").is_file());
}
