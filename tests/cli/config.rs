//! `config`: the defaults, what is wrong with a file, and where it is.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::program::{Ended, Simulated, ended, program};
use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        simulated(the_printed_defaults_can_be_kept_and_are_fine),
        simulated(what_is_wrong_is_said_with_its_line),
        simulated(the_commands_write_the_audit_file),
        simulated(an_audit_file_that_cannot_be_written_is_named),
        simulated(the_place_is_printed),
        simulated(the_commands_heed_read_only),
        simulated(a_home_of_production_that_is_not_there_is_named),
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
    assert!(
        said.out.ends_with(": it is a folder, not a file (until then: read-only)\n"),
        "{said:?}"
    );
}

/// What changes something is refused without a screen too, also where `read-only` is mistyped.
fn the_commands_heed_read_only() {
    let daemon = Simulated::quiet(2);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let acting: [&[&str]; 8] = [
        &["restart", "app-0"],
        &["stop", "all", "--yes"],
        &["delete", "app-0"],
        &["send", "app-0", "hi"],
        &["call", "stopProcessId", "0", "--yes"],
        &["save"],
        &["signal", "SIGUSR2", "app-0"],
        &["kill", "--yes"],
    ];
    let run = |arguments: &[&str]| {
        let mut command = program(daemon.home(), arguments);
        command.env("PM2_TUI_CONFIG", &path);
        ended(command)
    };
    let cases = [
        ("slow = false\nread-only = true\n", format!("read-only = true in {}", path.display())),
        ("read_only = true\n", format!("{}:1: unknown key `read_only`", path.display())),
        ("read-only = \"yes\"\n", format!("{}:1: read-only: true or false", path.display())),
    ];
    for (text, why) in cases {
        fs::write(&path, text).unwrap();
        for arguments in acting {
            let said = run(arguments).with(2);
            assert!(said.err.contains("the configuration refuses: not done"), "{said:?}");
            assert!(said.err.contains(&why), "{why}: {said:?}");
            assert_eq!(said.err.lines().count(), 1, "{said:?}");
        }
        run(&["ls"]).with(0);
        run(&["call", "getVersion"]).with(0);
    }
    let called = daemon.called();
    let acts = |method: &String| !matches!(&**method, "getMonitorData" | "getVersion");
    assert!(!called.iter().any(acts), "{called:?}");
    fs::write(&path, "slow = 7\n").unwrap();
    run(&["restart", "app-0", "--settle", "0"]).with(0);
}

fn a_home_of_production_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    fs::write(&path, "production = [\"/nonexistent/.pm2\", \"/\", \"web-01\"]\n").unwrap();
    let said = run(folder.path(), &["config", "check", "--config", path.to_str().unwrap()]);
    let said = said.with(0);
    let wanted = "note: production: /nonexistent/.pm2: there is no such folder on this machine";
    assert!(said.out.lines().nth(1).is_some_and(|line| line.starts_with(wanted)), "{said:?}");
    let wanted = "note: production: web-01: this machine is not called so";
    assert!(said.out.lines().nth(2).is_some_and(|line| line.starts_with(wanted)), "{said:?}");
    assert_eq!(said.out.lines().count(), 3);
    fs::write(&path, "production = [\"localhost\", \"127.0.0.1\"]\n").unwrap();
    let said = run(folder.path(), &["config", "check", "--config", path.to_str().unwrap()]);
    assert_eq!(said.with(0).out.lines().count(), 1);
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

/// Each command that acts notes what was asked for, and what came of it.
fn the_commands_write_the_audit_file() {
    let daemon = Simulated::quiet(3);
    let folder = tempfile::tempdir().unwrap();
    let (path, audit) = (folder.path().join("c.toml"), folder.path().join("audit.log"));
    fs::write(&path, format!("audit = \"{}\"\n", audit.display())).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = program(daemon.home(), arguments);
        command.env("PM2_TUI_CONFIG", &path).env("USER", "ann");
        ended(command)
    };
    for (arguments, action, target, is_good) in [
        (&["restart", "0", "--settle", "0"][..], "restart", "app-0[0]", true),
        (&["stop", "1"], "stop", "app-1[1]", true),
        (&["reset", "0"], "reset the counts of", "app-0[0]", true),
        (&["signal", "USR2", "0", "--yes"], "send SIGUSR2 to", "app-0[0]", true),
        // The simulated daemon answers, and does not; its files are not looked for.
        (&["watch", "on", "0"], "watch the files of", "app-0[0]", false),
        (&["save"], "save the processes to", "", false),
        (&["call", "stopProcessId", "2"], "call stopProcessId", "app-2[2]", true),
        (&["send", "0", "hello"], "send a message to", "app-0[0]", true),
        (&["send", "1", "hello"], "send a message to", "app-1[1]", false),
        (&["delete", "2"], "delete", "app-2[2]", true),
        (&["kill", "--yes"], "end the daemon:", "", true),
    ] {
        let _ = fs::remove_file(&audit);
        let ended = run(arguments);
        let text = fs::read_to_string(&audit).unwrap_or_default();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [asked, outcome] = &lines[..] else { panic!("{arguments:?}: {text} {ended:?}") };
        for (line, event) in [(asked, "asked"), (outcome, "outcome")] {
            let is_it = line["event"] == event && line["action"] == action && line["user"] == "ann";
            assert!(is_it && line["home"] == *daemon.home().to_str().unwrap(), "{text}");
        }
        assert_eq!(asked["target"], target, "{text}");
        assert_eq!(outcome["ok"], is_good, "{text} {ended:?}");
    }
    let _ = fs::remove_file(&audit);
    run(&["ls"]);
    run(&["call", "getMonitorData"]);
    let text = fs::read_to_string(&audit).unwrap_or_default();
    assert_eq!(text, "", "what only reads is not in it");
}

fn an_audit_file_that_cannot_be_written_is_named() {
    let daemon = Simulated::quiet(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    for wrong in ["/dev/full", "/proc/pm2-tui/audit", folder.path().to_str().unwrap()] {
        fs::write(&path, format!("audit = \"{wrong}\"\n")).unwrap();
        let said =
            run(folder.path(), &["config", "check", "--config", path.to_str().unwrap()]).with(1);
        let named = format!("audit: the audit file {wrong} is not written: ");
        assert!(said.out.contains(&named) && !said.out.contains("fine"), "{said:?}");
        // What is asked for is done all the same.
        let mut command = program(daemon.home(), &["restart", "0", "--settle", "0"]);
        command.env("PM2_TUI_CONFIG", &path);
        let done = ended(command).with(0);
        assert!(done.out.starts_with("restarted app-0[0]"), "{done:?}");
        let warning = format!("pm2-tui: warning: the audit file {wrong} is not written: ");
        assert!(done.err.starts_with(&warning) && done.err.lines().count() == 1, "{done:?}");
    }
}
