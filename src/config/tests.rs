//! What is read, and what is said of what is wrong.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use proptest::prelude::*;

use super::*;
use crate::app::settings::{Alert, Confirm, Notification};

mod own;
mod thresholds;

/// What is wrong with a text: each as `LINE: WHAT`.
fn wrong(text: &str) -> Vec<String> {
    let (_, findings) = sections::read(text);
    let said = |finding: Finding| format!("{}: {}", finding.line.unwrap_or(0), finding.text);
    findings.into_iter().map(said).collect()
}

/// The printed defaults with every setting uncommented.
fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with('#') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    defaults().lines().map(line).collect()
}

#[test]
fn the_printed_defaults_are_the_defaults() {
    let (config, findings) = sections::read(&defaults());
    assert_eq!((config, findings), (Config::default(), Vec::new()));
    let text = uncommented();
    assert_eq!(wrong(&text), Vec::<String>::new());
    let (mut config, _) = sections::read(&text);
    // Examples, and what the program takes where nothing is said.
    assert_eq!(config.settings.alert.run.len(), 3);
    assert_eq!((config.settings.watches.len(), config.settings.audit.is_some()), (1, true));
    config.settings = Settings {
        commands: Vec::new(),
        watches: Vec::new(),
        audit: None,
        alert: Alert::default(),
        ..config.settings
    };
    config.keys = Keymap::default();
    assert_eq!(std::mem::take(&mut config.themes).len(), 1);
    assert_eq!(config.settings.mouse.take(), Some(true));
    assert_eq!(config.settle.take(), Some(Duration::from_secs(1)));
    let none = Screen::default();
    assert_eq!(config.screen.interval(), none.interval());
    assert_eq!(config.screen.log_lines(), none.log_lines());
    assert_eq!(config.screen.log_bytes(), none.log_bytes());
    let cli = |mib| Cli { frame_mib: mib, ..Cli::parse_from(["pm2-tui"]) };
    assert_eq!(cli(config.frame_mib.take()).frame_bytes_max(), cli(None).frame_bytes_max());
    config.screen = none;
    assert_eq!(config, Config::default());
}

#[test]
fn every_key_is_printed() {
    let text = uncommented();
    let tables = [
        sections::ROOT,
        &[themes::BASE],
        commands::COMMAND,
        crate::view::sets::ROLES,
        watching::ALERT,
        watching::WATCH,
    ];
    for key in tables.into_iter().flatten() {
        let starts =
            [format!("{key} = "), format!("[{key}]"), format!("[[{key}]]"), format!("[{key}.")];
        let is_printed =
            text.lines().any(|line| starts.iter().any(|start| line.starts_with(start)));
        assert!(is_printed, "{key}: {text}");
    }
}

#[test]
fn values_arrive() {
    let (config, findings) = sections::read(
        r#"
theme = "light"
mouse = false
plain = true
confirm = "always"
audit = "/var/log/pm2-tui.log"
production = ["/srv/.pm2/", "web-01"]
interval = 0.5
log-lines = 300_000
settle = "0"
[alert]
bell = true
notify = "osc9"
run = ["notify-send", "errored"]
[[watch]]
when = "mem>80%"
for = "2m"
"#,
    );
    assert_eq!(findings, []);
    let settings = &config.settings;
    assert_eq!(config.theme, Choice::Light);
    assert_eq!((settings.mouse, settings.is_plain), (Some(false), true));
    assert_eq!(settings.confirm, Confirm::Always);
    assert_eq!(settings.audit.as_deref(), Some(Path::new("/var/log/pm2-tui.log")));
    let Alert { bell, notify, run } = &settings.alert;
    assert_eq!((*bell, *notify, run.len()), (true, Notification::Osc9, 2));
    let [watch] = &settings.watches[..] else { panic!("{settings:?}") };
    assert_eq!((watch.when.text(), watch.hold_ms), ("mem>80%", 120_000));
    assert_eq!(settings.production, ["/srv/.pm2".into(), "web-01".into()]);
    assert_eq!(config.screen.interval(), Duration::from_millis(500));
    assert_eq!(config.screen.log_lines(), 300_000);
    assert_eq!(config.settle, Some(Duration::ZERO));
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_costs_itself_only() {
    let text = "them = \"dark\"\nlog_lines = 5\nslow = true\nconfirm = \"neverx\"\ninterval = 0\n\
                audit = \"a.log\"\nproduction = \"a/b\"\nmouse = \"yes\"\n[alert]\nbel = true\n\
                notify = \"osc8\"\n[[watch]]\nwhen = \"mem>\"\n[[watch]]\nfor = \"2m\"\n";
    let found = wrong(text);
    for (at, wanted) in [
        "1: unknown key `them`; did you mean `theme`?",
        "2: unknown key `log_lines`; did you mean `log-lines`?",
        "4: confirm: `neverx` is none of \"destructive\", \"always\", \"never\"; did you mean \"never\"?",
        "5: interval: a number of seconds from 0.2 to 3600 is wanted",
        "6: audit: `a.log`: a path from / or ~/ to a file is wanted",
        "7: production: `a/b`: a home begins with / or ~/",
        "8: mouse: true or false is wanted, not a text",
        "10: unknown key `bel`; did you mean `bell`?",
        "11: notify: `osc8` is none of",
        "13: when: ",
        "14: [[watch]]: when = \"..\" is missing",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(found.get(at).is_some_and(|said| said.starts_with(wanted)), "{found:#?}");
    }
    assert_eq!(found.len(), 11, "{found:#?}");
    let (config, _) = sections::read(text);
    assert!(config.screen.slow && config.settings.watches.is_empty());
}

/// What guards is never less safe by a mistake.
#[test]
fn what_guards_and_is_wrong_takes_its_safest_value_and_says_so() {
    let read = |text: &str| {
        let (config, findings) = sections::read(text);
        let said = findings.into_iter().map(|it| it.text).collect::<Vec<_>>().join("\n");
        (config, said)
    };
    for text in [
        "read-only = \"yes\"",
        "read-only = 1",
        "read-only = \"false\"",
        "read_only = true",
        "Read-Only = false",
        "readonly = true",
        "[read-only]",
        "read-only = false\nread-only = true",
        "read-only = true\nread-only = false",
        "read-only = maybe",
        "[keys]\nread-only = true",
        "[keys.table]\nread-only = true",
        "[themes.mine]\nread-only = true",
        "[safety]\nread-only = true",
        "[[command]]\nname = \"x\"\nrun = [\"y\"]\nread-only = true",
        "[keys\nread-only = true",
        "theme = \"\"\"\nread-only = true\n",
        "theme = \"dark\nread-only: true\n",
    ] {
        let (config, said) = read(text);
        assert!(config.read_only, "{text}");
        assert!(said.contains("(until then: read-only)"), "{text}: {said}");
        assert_ne!(config.settings.confirm, Confirm::Never, "{text}");
    }
    for text in [
        "confirm = true",
        "confirm = \"sometimes\"",
        "confirm = [\"always\"]",
        "konfirm = \"never\"",
        "confirmation = \"never\"",
        "confirm = \"never\"\nconfirm = \"always\"",
        "confirm = \"never\"\n\"confirm\" = \"never\"",
        "confirm = \"alw",
        "production = 7",
        "production = [\"/srv/.pm2\", 7]",
        "production = [\"/tmp/x/*\"]",
        "production = [\"a b\"]",
        "production = [\"$HOME/.pm2\"]",
        "production = [\"/srv/.pm2\", \"web-01\"",
        "prod = [\"/srv/.pm2\"]",
        "[production]\nhomes = [\"/x\"]",
        "[keys]\nconfirm = \"always\"",
    ] {
        let (config, said) = read(text);
        assert_eq!(config.settings.confirm, Confirm::Always, "{text}");
        assert!(said.contains("(until then all is asked about)"), "{text}: {said}");
        assert!(!config.read_only, "{text}");
    }
    let (config, _) = read("production = [\"/srv/.pm2\", \"/tmp/x/*\", \"web-01\"]");
    assert_eq!(config.settings.production, ["/srv/.pm2".into(), "web-01".into()]);
    let (config, _) =
        read("# confirm = 1\nslow = \"x\"\nmouse = 2\ninterval =\nconfirm = \"never\"\n\nx =\n");
    assert_eq!(
        config.settings.confirm,
        Confirm::Never,
        "what is broken elsewhere costs it nothing"
    );
    assert!(!config.read_only);
}

#[test]
fn a_doubtful_command_is_dangerous_and_asks() {
    let of = |fields: &str| {
        let text = format!("[[command]]\nname = \"x\"\nrun = [\"y\"]\n{fields}\n");
        let (config, findings) = sections::read(&text);
        let command = config.settings.commands[0].clone();
        let said = findings.iter().any(|it| it.text.contains("counts as dangerous"));
        (command.asks, command.is_dangerous, said, config.settings.confirm == Confirm::Always)
    };
    assert_eq!(of("dangerous = false\nconfirm = false"), (false, false, false, false));
    for fields in [
        "dangerous = false\nconfirm = \"no\"",
        "dangerous = \"no\"\nconfirm = false",
        "dangerous = false\ndangerus = true",
        "dangerous = false\nConfirm = true",
        "dangerous = false\ndangerous = true",
        "dangerous = false\nconfirm = maybe",
    ] {
        assert_eq!(of(fields), (true, true, true, false), "{fields}");
    }
}

#[test]
fn words_are_taken_in_any_case() {
    let (config, findings) = sections::read("confirm = \"Never\"\ntheme = \"High-Contrast\"\n");
    assert_eq!(findings, []);
    assert_eq!((config.settings.confirm, config.theme), (Confirm::Never, Choice::HighContrast));
}

#[test]
fn themes_are_chosen_by_name() {
    let read = |text: &str| sections::read(text);
    let (config, findings) =
        read("theme = \"mine\"\n[themes.mine]\nbase = \"light\"\ngood = \"cyan\"\n");
    assert_eq!(findings, []);
    assert!(matches!(config.theme, Choice::Own(_)), "{:?}", config.theme);
    assert_eq!(config.theme(Some("Light")), Ok(Choice::Light));
    assert_eq!(config.theme(Some("mine")), config.theme(None));
    assert!(config.theme(Some("lihgt")).unwrap_err().contains("did you mean \"light\"?"));
    let text = "theme = \"monox\"\n[themes.dark]\n[themes.a]\ngood = \"greenish\"\nbase = 3\ngod = \"red\"\n[themes.b]\nbase = \"x\"\n";
    let found = wrong(text);
    for (at, wanted) in [
        "1: theme: there is no `monox`; did you mean \"mono\"?",
        "2: `dark` is a theme already",
        "4: themes.a.good: `greenish` is neither a colour",
        "5: base: a text in quotes is wanted, not a number",
        "6: unknown key `god`; did you mean `good`?",
        "8: themes.b: a base is one of dark, light",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(found.get(at).is_some_and(|said| said.starts_with(wanted)), "{found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn keys_are_bound_and_clashes_named() {
    let text = "[keys]\nrestart = \"ctrl-t\"\nquit = []\n[keys.log]\nzoom = [\"Z\", \"hyper\"]\n[keys.table]\nfilter = \"d\"\nfilte = 1\n";
    let (config, _) = sections::read(text);
    let restart = crate::app::command::Command::Act(crate::model::Action::Restart);
    assert_eq!(config.keys.first(restart, crate::app::Pane::Processes), Some("Ctrl-T"));
    assert_eq!(
        wrong(text),
        [
            "3: quit cannot be without a key",
            "5: zoom: `hyper` is no key; keys are written as r, G, ctrl-r, shift-tab, f5, space",
            "7: filter = d: d means delete already, and stays delete's",
            "8: filte: a list of texts is wanted, not a number",
        ]
    );
}

#[test]
fn the_printed_keys_are_the_default_ones() {
    let text: String = uncommented().replace("[[command]]", "[[ignored]]");
    let (config, _) = sections::read(&text);
    assert_eq!(config.keys, Keymap::default());
    for row in Keymap::default().rows() {
        assert!(defaults().contains(&*row.help), "{}", row.label);
    }
}

#[test]
fn own_commands_are_taken_whole_or_not_at_all() {
    let text = "[[command]]\nname = \"top of it\"\nkey = \"ctrl-o\"\nrun = [\"htop\", \"-p\", \"{pid}\"]\n\
                dangerous = false\nwait = false\n\
                [[command]]\nname = \"b\"\nrun = [\"sh\", \"-c\", \"kill {pid}\"]\n\
                [[command]]\nname = \"c\"\nrun = \"htop -p {pid}\"\n\
                [[command]]\nrun = [\"{name}\"]\n\
                [[command]]\nname = \"d\"\nrun = [\"x\"]\ndangerous = \"no\"\nkey = \"r\"\n\
                [[command]]\nname = \"e\"\nrun = [\"x\", \"{pmid}\"]\n\
                [[command]]\nname = \"f\"\nrun = [\"awk\", \"{print}\", \"{}\"]\n";
    let (config, _) = sections::read(text);
    let commands = &config.settings.commands;
    let names: Vec<&str> = commands.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["top of it", "d", "f"]);
    let of = |it: &crate::app::settings::OwnCommand| (it.asks, it.is_dangerous, it.waits);
    assert_eq!((of(&commands[0]), of(&commands[1])), ((false, false, false), (true, true, true)));
    let own = crate::app::command::Command::Own(0);
    assert_eq!(config.keys.first(own, crate::app::Pane::Processes), Some("Ctrl-O"));
    let found = wrong(text);
    for wanted in [
        "9: run: {pid} must be an argument by itself: pass it on, as in [\"sh\", \"-c\", \"echo $0\", \"{pid}\"]",
        "12: run: a list is wanted",
        "13: [[command]]: name = .. is missing",
        "14: run: {name} cannot be the program",
        "18: dangerous: true or false is wanted, not a text",
        "22: run: there is no {pmid}; did you mean {pm_id}?",
        "19: d = r: r means restart already, and stays restart's",
    ] {
        assert!(found.iter().any(|said| said.starts_with(wanted)), "{wanted}: {found:#?}");
    }
    assert_eq!(found.len(), 7, "{found:#?}");
}

#[test]
fn a_broken_line_costs_itself_and_the_rest_counts() {
    let text = "confirm = \"always\"\ntheme = \nslow = true\n[keys\nbell = true\n";
    let (config, findings) = sections::read(text);
    assert_eq!(config.settings.confirm, Confirm::Always);
    assert!(config.screen.slow);
    assert!(!config.read_only);
    let lines: Vec<_> = findings.iter().map(|finding| finding.line).collect();
    assert!(lines.starts_with(&[Some(2)]) && lines.contains(&Some(4)), "{findings:?}");
    // Twice the same key is an error of TOML: which is meant is not known.
    let (config, findings) = sections::read("confirm = \"always\"\nconfirm = \"never\"\n");
    assert_eq!(config.settings.confirm, Confirm::Always);
    assert_eq!(findings.len(), 2, "{findings:?}");
}

fn at(path: &Path) -> Loaded {
    load(Some(path), |_| None)
}

#[test]
fn a_file_that_is_none_costs_its_values_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let said = |path: &Path| at(path).notice().unwrap_or_default();
    assert!(said(&path).starts_with("config.toml: it cannot be read: No such file"));
    fs::create_dir(&path).unwrap();
    assert_eq!(said(&path), "config.toml: it is a folder, not a file (until then: read-only)");
    let loaded = at(&path);
    assert!(loaded.config.read_only && loaded.config.settings.confirm == Confirm::Always);
    assert!(
        loaded.read_only().unwrap().contains(
            "it is a folder, not a file (until then: read-only); PM2_TUI_CONFIG=/dev/null"
        )
    );
    fs::remove_dir(&path).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
    assert_eq!(said(&path), "config.toml: it is no plain file (until then: read-only)");
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"slow = true\nconfirm = \"\xff\"").unwrap();
    assert_eq!(said(&path), "config.toml: it is not UTF-8 (line 2) (until then: read-only)");
    fs::write(&path, "#".repeat(300_000)).unwrap();
    assert_eq!(said(&path), "config.toml: it is larger than 256 KiB (until then: read-only)");
    fs::write(&path, "x = 1\ny = 2\nz = 3").unwrap();
    let first = "3 mistakes (pm2-tui config check), config.toml:1: unknown key `x`";
    assert!(said(&path).starts_with(first), "{}", said(&path));
    fs::write(&path, "").unwrap();
    assert_eq!((at(&path).findings, at(&path).config), (Vec::new(), Config::default()));
    assert_eq!(at(Path::new("/dev/null")).findings, []);
}

#[test]
fn a_flag_names_the_file_before_the_environment_and_the_folders() {
    let folder = tempfile::tempdir().unwrap();
    let whole = |name: &str| folder.path().join(name);
    let env = |pairs: &[(&str, PathBuf)]| {
        let pairs: Vec<(String, OsString)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        move |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let of = |named: Option<&Path>, pairs: &[(&str, PathBuf)]| load(named, env(pairs)).path;
    let all = [
        ("PM2_TUI_CONFIG", whole("b.toml")),
        ("XDG_CONFIG_HOME", whole("xdg")),
        ("HOME", whole("home")),
    ];
    assert_eq!(of(Some(&whole("a.toml")), &all), Some(whole("a.toml")));
    assert_eq!(of(None, &all), Some(whole("b.toml")));
    assert_eq!(of(None, &all[1..]), Some(whole("xdg/pm2-tui/config.toml")));
    assert_eq!(of(None, &all[2..]), Some(whole("home/.config/pm2-tui/config.toml")));
    assert_eq!(of(None, &[("XDG_CONFIG_HOME", "relative".into())]), None);
    // One that nobody named need not be there; a link to nowhere is a mistake.
    assert_eq!(load(None, env(&all[2..])).findings, []);
    assert_eq!(load(None, env(&[("HOME", "/dev/null".into())])).findings, []);
    fs::create_dir_all(whole("home/.config/pm2-tui")).unwrap();
    symlink(whole("gone"), whole("home/.config/pm2-tui/config.toml")).unwrap();
    let found = load(None, env(&all[2..])).findings;
    assert!(found[0].text.starts_with("it is a link to a file that does not exist"));
}

#[test]
fn a_flag_counts_more_than_the_file() {
    let text = "interval = 5\nlog-mib = 7\nsettle = \"9s\"\nread-only = true\nframe-mib = 3\n";
    let (config, findings) = sections::read(text);
    assert_eq!(findings, []);
    let mut cli = Cli::parse_from(["pm2-tui", "--interval", "2", "--settle", "1s"]);
    config.complete(&mut cli);
    assert_eq!(cli.screen.interval(), Duration::from_secs(2));
    assert_eq!(cli.settle, Some(Duration::from_secs(1)));
    assert_eq!((cli.screen.log_mib, cli.frame_mib, cli.read_only), (Some(7), Some(3), true));
}

proptest! {
    #[test]
    fn any_text_is_read_without_harm(
        words in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(sections::ROOT.to_vec())
                    .prop_map(str::to_owned),
                "[=\\[\\]\"',.{}#\n -]{1,3}".prop_map(String::from),
                "(true|1|\"x\"|\\[\\]|\\{\\}|1979-05-27)".prop_map(String::from),
                "\\PC{0,6}".prop_map(String::from),
            ],
            0..40,
        )
    ) {
        let (_, findings) = sections::read(&words.concat());
        for finding in findings {
            prop_assert!(!finding.text.chars().any(char::is_control), "{finding:?}");
        }
    }
}

/// Acceptance: keymap, help, palette, README and the printed defaults say the same. The footer is made of
/// the keymap's own rows, and hints are looked up in it.
#[test]
fn keymap_help_palette_readme_and_printed_defaults_agree() {
    use crate::app::help::Help;
    use crate::app::keymap::{Place, name};
    use crate::app::palette::{Entry, Facts, Palette, Scene, entries};
    use crate::model::watched::Watched;
    let readme = include_str!("../../README.md");
    let printed = defaults();
    let (keymap, watched) = (Keymap::default(), Watched::new(Vec::new()));
    let help = Help::of(Place::Table).lines(&keymap, 500);
    let scene = Scene {
        watched: &watched,
        keys: &keymap,
        selected: None,
        is_read_only: false,
        own: &[],
        facts: Facts::default(),
    };
    let offered = entries(&scene, &Palette::default());
    for (row, is_details) in
        keymap.rows().map(|row| (row, false)).chain(keymap.details().map(|row| (row, true)))
    {
        // Six tabs are `1` to `6`; `=` is + without Shift.
        let shown = row.keys.split(' ').filter(|key| !(is_details && "23456=".contains(key)));
        for key in shown {
            assert!(readme.contains(&format!("`{key}`")), "README: {key}, {}", row.label);
        }
        let said = crate::app::help::without_place(&row.help);
        let helps = help.iter().any(|line| line.keys == row.keys && line.text == said);
        assert!(helps, "help: {} {}", row.keys, row.label);
        let line = format!("\n#{} = ", name(&row.label));
        assert!(printed.contains(&line), "defaults: {line}");
        let is_offered = offered.iter().any(|entry| {
            matches!(entry, Entry::Command(other) if other.command == row.command && other.keys == row.keys)
        });
        let is_itself = row.command == crate::app::command::Command::Palette;
        assert_eq!(is_offered, !is_details && !is_itself, "palette: {}", row.label);
    }
    for (theme, _) in crate::view::sets::NAMES {
        assert!(readme.contains(&format!("`{theme}`")), "README: {theme}");
    }
}
