//! The log pane with a real PM2: hostile output, copies, saved files, the pager.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::apps::{self, App, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{COCKPIT, Screen};
use crate::harness::wait_until;

/// What an app may write to do something to the terminal of who looks at its log.
const HOSTILE: &str = r"
const lines = [
  'osc52 \x1b]52;c;aGFja2Vk\x07.', 'osc8 \x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\.',
  'title \x1b]0;stolen\x07.', 'dcs \x1bPq#0;2;0;0;0\x1b\\.', 'moves \x1b[5A\x1b[2J\x1b[H.',
  'screen \x1b[?1049l\x1b[?25h.', 'asks \x1b[c\x1b[6n\x1b[>q\x05.', 'bidi \u202e\u2066x\u2069.',
  'c1 \u009b31m\u009d0;x\u009c.', 'nul \x00\x08\x7f.', 'zero ' + 'a' + '\u0301'.repeat(500) + '.',
  'colour \x1b[31mred\x1b[0m.', 'Error: hostile \x1b]0;t\x07', '    at f (/srv/\x1b[2Jx.js:1:1)',
];
function all() {
  for (const line of lines) console.log(line);
  process.stdout.write(Buffer.concat([Buffer.from('bytes \x1b'), Buffer.from([255, 254]), Buffer.from('.\n')]));
  process.stdout.write('half \x1b]52;c;');
  setTimeout(() => process.stdout.write('aGFjaw==\x07 end.\n'), 30);
  setTimeout(() => console.log('all said.'), 60);
}
all();
setInterval(all, 700);
";

fn hostile() -> App {
    script("noisy", "js", HOSTILE)
}

/// Whether this is a sequence that the program itself sends: how many bytes it has.
fn own_sequence(bytes: &[u8]) -> Option<usize> {
    if let Some(rest) = bytes.strip_prefix(b"\x1b[") {
        let length = rest.iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
        let (parameters, last) = (&rest[..length], *rest.get(length)?);
        let is_own = match last {
            b'm' => parameters.iter().all(|byte| byte.is_ascii_digit() || *byte == b';'),
            b'H' => !parameters.is_empty(),
            b'J' => parameters == b"2",
            b'n' => parameters == b"5",
            b'h' | b'l' => {
                let modes = [&b"?1002"[..], b"?1006", b"?1049", b"?2004", b"?2026", b"?25", b"?7"];
                modes.contains(&parameters)
            }
            b'A'..=b'D' | b'G' | b'K' | b'X' | b'd' | b'b' => true,
            _ => false,
        };
        return is_own.then_some(3 + length);
    }
    let rest = bytes.strip_prefix(b"\x1b]52;c;")?;
    let end = rest.iter().position(|byte| *byte == 7)?;
    let is_own = !rest.starts_with(b"aGFja");
    is_own.then_some(8 + end)
}

/// Asserts that the terminal was told and asked nothing but what the program itself does.
fn assert_tame(sent: &[u8]) {
    // What is kept may begin within a sequence.
    let start = sent.windows(2).position(|two| two == b"\x1b[").unwrap_or(0);
    let mut rest = &sent[start..];
    while let Some(&first) = rest.first() {
        let length = match first {
            0x1b => own_sequence(rest).unwrap_or_else(|| {
                panic!("{:?}", String::from_utf8_lossy(&rest[..rest.len().min(60)]))
            }),
            b'\r' | b'\n' => 1,
            ..0x20 | 0x7f => panic!("{first:#x}"),
            _ => 1,
        };
        rest = &rest[length..];
    }
    let text = String::from_utf8_lossy(&sent[start..]).into_owned();
    let is_bad = |c: char| ('\u{80}'..'\u{a0}').contains(&c) || "\u{202e}\u{2066}".contains(c);
    assert!(!text.contains(is_bad), "C1 or bidi");
}

pub(crate) fn hostile_lines_tell_the_terminal_nothing_but_colours() {
    let home = Pm2Home::with(Release::Seven, &[hostile()]);
    let file = home.path().join("logs").join("noisy-out.log");
    let logged = || fs::read(&file).unwrap_or_default();
    wait_until("history", || String::from_utf8_lossy(&logged()).contains("all said."));
    home.mark();
    let mut screen = Screen::program((120, 40), COCKPIT, &[], &home.environment());
    screen.wait_for("history and what follows", |text| text.matches("all said.").count() > 1);
    screen.press("\t");
    screen.wait_for("the log", |text| text.contains("Tab, then"));
    screen.press("z");
    screen.wait_for("the log alone", |text| !text.contains(" Processes "));
    screen.wait_for("all lines", |text| {
        ["osc52 .", "osc8 link.", "title .", "colour red.", "half  end."]
            .iter()
            .all(|words| text.contains(words))
    });
    for (keys, there) in [("w", "long lines wrap"), ("J", "as they were written"), ("Y", "copied")]
    {
        screen.press(keys);
        screen.wait_for(there, |text| text.contains(there));
    }
    screen.press("E");
    screen.wait_for("an error", |text| !text.contains("following"));
    screen.press("\r");
    screen.wait_for("it whole", |text| text.contains("w cut lines") && text.contains("    at f"));
    let before = screen.bytes();
    screen.press("y");
    wait_until("the terminal has got it", || screen.bytes() > before);
    screen.wait_for("that it has", |text| text.contains("copied the entry"));
    screen.press("\u{1b}");
    screen.wait_for("back", |text| !text.contains("Esc close"));
    screen.press("S");
    screen.wait_for("the path", |text| text.contains("save what is shown to"));
    let saved = screen.folder().join("saved.log");
    screen.press(saved.to_str().unwrap());
    screen.wait_for("the path typed", |text| text.contains("saved.log"));
    screen.press("\r");
    screen.wait_for("it saved", |text| text.contains("saved ") && text.contains(" lines, "));
    let bytes = fs::read(&saved).unwrap();
    assert_eq!(saved.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    for raw in [&b"osc52 \x1b]52;c;aGFja2Vk\x07.\n"[..], b"bidi \xe2\x80\xae\xe2\x81\xa6x"] {
        assert!(memchr::memmem::find(&bytes, raw).is_some(), "as it came: {raw:?}");
    }
    screen.press("q");
    assert_tame(&screen.wait_exit().tail);
    home.assert_unharmed_but(&[]);
}

pub(crate) fn the_pager_has_the_terminal_and_the_bus_is_read_meanwhile() {
    let home = Pm2Home::with(Release::Seven, &[apps::ticker("tick")]);
    home.mark();
    let told = home.apps().join("told");
    let pager = home.apps().join("pager");
    let words = format!(
        "#!/bin/sh\necho \"$@\" > {0}.part && mv {0}.part {0}\necho PAGING\nread line\n\
         echo \"$line\" > {0}.typed\n",
        told.display()
    );
    fs::write(&pager, words).unwrap();
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o755)).unwrap();
    let mut environment = home.environment();
    environment.push(("PAGER".to_owned(), format!("{} -x", pager.display())));
    let mut screen = Screen::program((120, 40), COCKPIT, &[], &environment);
    screen.wait_for("a line", |text| text.contains("tick tick"));
    screen.press("\t");
    screen.wait_for("the log, at a line of the file", |text| {
        let is_marked = |line: &str| line.starts_with('▌') && line.contains("tick tick");
        text.contains("Tab, then") && text.lines().any(is_marked)
    });
    screen.press("o");
    screen.wait_for("the pager", |text| text.contains("PAGING"));
    let out = home.path().join("logs").join("tick-out.log");
    assert_eq!(fs::read_to_string(&told).unwrap().trim(), format!("-x {}", out.display()));
    let size = || out.metadata().unwrap().len();
    let before = size();
    wait_until("it logs on", || size() > before + 200);
    // `s` stops nothing: the keyboard is the pager's.
    screen.press("s\n");
    screen.wait_for("the screen again", |text| text.contains("━ Log ━"));
    assert_eq!(fs::read_to_string(format!("{}.typed", told.display())).unwrap(), "s\n");
    screen.wait_for("nothing lost", |text| !text.contains("dropped"));
    screen.press("q");
    screen.wait_exit();
    home.assert_unharmed_but(&[]);
}

/// Without `$PAGER` lnav is taken where it is installed; less stands at the line.
pub(crate) fn lnav_is_taken_where_it_is_and_less_stands_at_the_line() {
    let home = Pm2Home::with(Release::Seven, &[apps::counter("many", 1_000, 0, ".")]);
    home.mark();
    let folder = home.apps().join("bin");
    fs::create_dir(&folder).unwrap();
    let lnav = folder.join("lnav");
    fs::write(&lnav, "#!/bin/sh\necho \"LNAV $1\"\nread line\n").unwrap();
    fs::set_permissions(&lnav, fs::Permissions::from_mode(0o755)).unwrap();
    let out = home.path().join("logs").join("many-out.log");
    let shown_by = |pager: Option<&str>| {
        let mut environment = home.environment();
        environment[0].1 = format!("{}:{}", folder.display(), environment[0].1);
        environment.extend(pager.map(|pager| ("PAGER".to_owned(), pager.to_owned())));
        let mut screen = Screen::program((120, 40), COCKPIT, &[], &environment);
        screen.wait_for("history", |text| text.contains("many 999."));
        screen.press("\t");
        screen.wait_for("the log", |text| text.contains("Tab, then"));
        screen.press("/");
        screen.wait_for("the prompt", |text| text.contains("Enter keep"));
        screen.press("many 500");
        screen.wait_for("the line", |text| text.contains("many 500.") && text.contains("1 of 1"));
        screen.press("\r");
        screen.wait_for("it is kept", |text| text.contains("Tab, then r"));
        screen.press("o");
        screen
    };
    let back = |mut screen: Screen, keys: &str| {
        screen.press(keys);
        screen.wait_for("the screen again", |text| text.contains("━ Log ━"));
        screen.press("q");
        screen.wait_exit();
    };
    let mut screen = shown_by(None);
    let said = format!("LNAV {}", out.display());
    screen.wait_for("lnav", |text| text.contains(&said));
    back(screen, "\n");
    let is_installed = |folder: std::path::PathBuf| folder.join("less").is_file();
    if std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(is_installed) {
        let mut screen = shown_by(Some("less"));
        screen.wait_for("less at the line", |text| {
            text.trim_start().starts_with("many 500.") && !text.contains("━ Log ━")
        });
        back(screen, "q");
    }
    home.assert_unharmed_but(&[]);
}
