//! The README's examples, run as they stand there: a `console` block's `$ ` lines in a shell, what
//! they print beside what the README says (`[..]` is any text in a line, `...` any lines).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use serde_json::json;

use super::program::ended;
use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::COCKPIT;
use crate::harness::{procfs::Proc, wait_until};

/// An example: the shell's line and what it prints.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    line: String,
    prints: Vec<String>,
}

fn examples(readme: &str) -> Vec<Example> {
    let mut all: Vec<Example> = Vec::new();
    let mut is_console = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            is_console = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| is_console) {
            all.push(Example { line: command.to_owned(), prints: Vec::new() });
        } else if is_console {
            let Some(example) = all.last_mut() else { panic!("output before a command: {line}") };
            example.prints.push(line.to_owned());
        } else {
            // Prose.
        }
    }
    all
}

/// Whether a line is as the README has it; blanks in a row count as one.
fn fits(wanted: &str, line: &str) -> bool {
    let single = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (wanted, line) = (single(wanted), single(line));
    let mut parts = wanted.split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether the lines are as the README has them.
fn all_fit(wanted: &[String], lines: &[&str]) -> bool {
    match wanted.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=lines.len()).any(|skipped| all_fit(rest, &lines[skipped..]))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, lines)| fits(first, line) && all_fit(rest, lines)),
    }
}

/// A folder with `pm2-tui` and a `mail` that keeps what it gets.
fn programs(folder: &Path) {
    std::os::unix::fs::symlink(COCKPIT, folder.join("pm2-tui")).unwrap();
    let mail = folder.join("mail");
    let text = format!(
        "#!/bin/sh\n{{ echo \"$@\"; cat; }} > {0}/part && mv {0}/part {0}/mailed\n",
        folder.display()
    );
    fs::write(&mail, text).unwrap();
    fs::set_permissions(&mail, fs::Permissions::from_mode(0o755)).unwrap();
}

fn shell(home: &Pm2Home, programs: &Path, line: &str) -> Command {
    let mut command = Command::new("sh");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    command
        .args(["-c", line])
        .current_dir(home.apps())
        .env_clear()
        .envs(home.environment())
        .env("PATH", path);
    command
}

/// An example that runs beside the others until the end.
struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn the_examples_run() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let examples = examples(&fs::read_to_string(readme).unwrap());
    let home = Pm2Home::with(Release::Seven, &[apps::cluster("api")]);
    // One after another, so that the ids are known.
    home.start(&[apps::ticker("worker")]);
    home.start(&[apps::thrower("mailer")]);
    home.wait_status("mailer", "online");
    let more = json!({ "apps": [apps::sleeper("nightly").written_to(&home.apps())] });
    fs::write(home.apps().join("ecosystem.json"), more.to_string()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    programs(folder.path());
    let mut background = Vec::new();
    for example in &examples {
        if let Some(line) = example.line.strip_suffix(" &") {
            let mut command = shell(&home, folder.path(), &format!("exec {line}"));
            background.push(Background(command.stdin(Stdio::null()).spawn().unwrap()));
            exception_is_mailed(&home, folder.path());
            continue;
        }
        let ended = ended(shell(&home, folder.path(), &example.line));
        // An example before it made a process crash.
        let calm = |line| str::split(line, "; may have crashed less than").next();
        let lines: Vec<&str> = ended.out.lines().filter_map(calm).collect();
        assert_eq!(ended.code, 0, "{}: {ended:?}", example.line);
        assert!(all_fit(&example.prints, &lines), "{example:#?}\nprinted\n{}", ended.out);
    }
    let names: Vec<&str> =
        examples.iter().filter_map(|example| example.line.split("pm2-tui ").nth(1)).collect();
    for command in ["ls", "methods", "call", "events", "restart", "stop", "start", "reload"]
        .into_iter()
        .chain(["delete", "send", "kill", "wait", "check", "completions", "man", "describe", "top"])
        .chain(["scale", "reset", "flush", "save", "resurrect", "signal", "stdin", "watch"])
    {
        let has = names.iter().any(|words| words.split(' ').next() == Some(command));
        assert!(has, "the README has no example of {command}");
    }
}

/// Has an app throw until the mail about it is there.
fn exception_is_mailed(home: &Pm2Home, folder: &Path) {
    let mailed = folder.join("mailed");
    let log = home.path().join("logs/mailer-out.log");
    wait_until("the exception is mailed", || {
        let is_armed = fs::read_to_string(&log).is_ok_and(|text| text.contains("armed"));
        if let Some(app) = Proc::find(home.one("mailer").pid).filter(|_| is_armed) {
            fs::write(&log, "").unwrap();
            app.signal(Signal::USR2);
        }
        mailed.exists()
    });
    let text = fs::read_to_string(&mailed).unwrap();
    assert!(text.starts_with("-s exception in PM2 me@example.org\n{\"topic\":"), "{text}");
    assert!(text.contains("boom 4711"), "{text}");
    home.wait_status("mailer", "online");
}
