//! `config`: the defaults, what is wrong with a file, and where it is.

use std::fs;
use std::path::Path;

use super::program::{Ended, ended, program};
use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        simulated(the_printed_defaults_can_be_kept_and_are_fine),
        simulated(what_is_wrong_is_said_with_its_line),
        simulated(the_place_is_printed),
    ]
}

/// The program with this folder for configurations; no daemon is asked.
fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = program(Path::new("/nonexistent/.pm2"), arguments);
    command.env("XDG_CONFIG_HOME", folder);
    ended(command)
}

fn the_printed_defaults_can_be_kept_and_are_fine() {
    let folder = tempfile::tempdir().unwrap();
    let missing = run(folder.path(), &["config", "check"]).with(0);
    assert!(missing.out.contains("there is no such file; the defaults count"), "{missing:?}");
    let printed = run(folder.path(), &["config"]).with(0);
    let own = folder.path().join("pm2-tui");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("config.toml"), &printed.out).unwrap();
    let checked = run(folder.path(), &["config", "check"]).with(0);
    assert_eq!((checked.out.ends_with("config.toml: fine\n"), &*checked.err), (true, ""));
}

fn what_is_wrong_is_said_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let named = path.to_str().unwrap();
    fs::write(&path, "# mine\nslwo = true\nconfirm = 7\n").unwrap();
    for arguments in
        [["config", "check", "--config", named], ["--config", named, "config", "check"]]
    {
        let said = run(folder.path(), &arguments).with(1);
        let lines: Vec<&str> = said.out.lines().collect();
        let wanted = format!("{named}:2: unknown key `slwo`; did you mean `slow`?");
        assert_eq!(lines[0], wanted);
        assert!(lines[1].starts_with(&format!("{named}:3: confirm: ")), "{said:?}");
        assert_eq!((lines.len(), &*said.err), (2, ""));
    }
    let missing = run(folder.path(), &["config", "check", "--config", "/nonexistent.toml"]);
    assert!(missing.with(1).out.contains("it cannot be read: No such file"));
    let folder_itself = folder.path().to_str().unwrap();
    let said = run(folder.path(), &["config", "check", "--config", folder_itself]).with(1);
    assert!(said.out.ends_with(": it is a folder, not a file\n"), "{said:?}");
}

fn the_place_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &["config", "path"]).with(0);
    let wanted = folder.path().join("pm2-tui").join("config.toml");
    assert_eq!(said.out, format!("{}\n", wanted.display()));
    let mut command = program(folder.path(), &["config", "path"]);
    command.env("PM2_TUI_CONFIG", "/etc/x.toml");
    assert_eq!(ended(command).with(0).out, "/etc/x.toml\n");
    let refused = run(folder.path(), &["--config", "/x", "ls"]).with(2);
    assert!(refused.err.contains("--config is for the screen, not for ls"), "{refused:?}");
}
