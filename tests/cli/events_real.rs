//! `events` on a real PM2.

use std::fs;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use serde_json::Value;

use super::program::{pm2_tui, program};
use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::{Proc, connections_to};
use crate::harness::screen::COCKPIT;
use crate::harness::wait_until;

/// A process that ends with the trial.
struct Ending(Child);

impl Ending {
    /// Waits for its end; its exit code.
    #[track_caller]
    fn code(&mut self) -> Option<i32> {
        wait_until("it ends", || self.0.try_wait().unwrap().is_some());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // What ended already cannot be ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The command while it runs; what it says goes to files.
struct Watching {
    child: Ending,
    folder: tempfile::TempDir,
}

impl Watching {
    /// Returns when it reads the bus.
    fn start(home: &Pm2Home, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        let mut command = program(home.path(), &[&["events"][..], arguments].concat());
        command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        let before = connections_to(&home.bus());
        let child = Ending(command.spawn().unwrap());
        wait_until("it reads the bus", || !connections_to(&home.bus()).is_subset(&before));
        Self { child, folder }
    }

    fn out(&self) -> String {
        fs::read_to_string(self.folder.path().join("out")).unwrap()
    }

    fn err(&self) -> String {
        fs::read_to_string(self.folder.path().join("err")).unwrap()
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        wait_until(text, || self.out().contains(text) || self.err().contains(text));
    }

    fn signal(&self, signal: Signal) {
        Proc::find(self.child.0.id() as i32).unwrap().signal(signal);
    }

    /// Waits for its end: the code, and what it said.
    fn ended(mut self) -> (Option<i32>, String, String) {
        (self.child.code(), self.out(), self.err())
    }
}

/// Says `step N` once there is a file `goN`.
fn stepper(name: &str) -> App {
    let text = "const fs = require('fs'); let n = 0;
setInterval(() => { while (fs.existsSync(`go${n + 1}`)) console.log(`step ${++n}`) }, 20);";
    apps::script(name, "js", text)
}

/// Writes this once there is a file `go`, piece by piece.
fn writer(name: &str, pieces: &str) -> App {
    let text = format!(
        "const fs = require('fs'); const pieces = {pieces};
const timer = setInterval(() => {{
  if (pieces.length === 0) return clearInterval(timer);
  if (fs.existsSync('go')) process.stdout.write(pieces.shift());
}}, 100); setInterval(() => {{}}, 1e9);"
    );
    apps::script(name, "js", text)
}

fn texts(out: &str) -> Vec<String> {
    let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line["data"]["data"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn lines_are_joined() {
    let pieces = r"[JSON.stringify({ pad: 'x'.repeat(200000), end: true }) + '\n',
  'this', 'that\ntwo\nthr', 'ee\r\n', 'name? ']";
    let home = Pm2Home::with(Release::Seven, &[writer("one", pieces)]);
    let lines = Watching::start(&home, &["log:out", "--json", "--count", "5"]);
    let plain = Watching::start(&home, &["log:out", "--count", "5"]);
    let chunks = Watching::start(&home, &["log:out", "--json", "--chunks"]);
    fs::write(home.apps().join("go"), "").unwrap();
    let (code, out, err) = lines.ended();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let said = texts(&out);
    assert_eq!(said[1..], ["thisthat", "two", "three", "name? "]);
    let long: Value = serde_json::from_str(&said[0]).unwrap();
    assert_eq!((long["pad"].as_str().unwrap().len(), &long["end"]), (200_000, &Value::Bool(true)));
    let (code, out, _) = plain.ended();
    let rows: Vec<&str> = out.lines().collect();
    assert_eq!((code, rows.len()), (Some(0), 5));
    assert!(rows[0].ends_with(r#"x","end":true}"#) && rows[1].ends_with(" log:out thisthat"));
    assert!(rows[4].ends_with(" one[0] log:out name?"), "{}", rows[4]);
    chunks.wait_for("name? ");
    chunks.signal(Signal::TERM);
    let (code, out, err) = chunks.ended();
    assert_eq!((code, err.as_str()), (Some(143), ""));
    let whole = texts(&out);
    assert!(whole.len() > 5, "{}", whole.len());
    assert_eq!(whole.concat(), format!("{}\nthisthat\ntwo\nthree\r\nname? ", said[0]));
}

pub(crate) fn a_life_is_told_once_with_its_end() {
    let fails = "process.on('SIGUSR2', () => process.exit(7)); setInterval(() => {}, 1e9);
require('fs').writeFileSync('ready', '');";
    let home = Pm2Home::with(
        Release::Seven,
        &[apps::sleeper("one"), apps::script("two", "js", fails), apps::cluster("web")],
    );
    wait_until("it can be told to fail", || home.apps().join("ready").exists());
    let plain = Watching::start(&home, &["process:*"]);
    let general = Watching::start(&home, &["process:event"]);
    let json = Watching::start(&home, &["process:exit", "--json"]);
    let signal = |name: &str, signal| Proc::find(home.one(name).pid).unwrap().signal(signal);
    signal("one", Signal::KILL);
    plain.wait_for("one[0] process:online");
    signal("two", Signal::USR2);
    plain.wait_for("two[1] process:online");
    let web = home.jlist().into_iter().find(|one| one.pm_id == 2).unwrap();
    Proc::find(web.pid).unwrap().signal(Signal::SEGV);
    plain.wait_for("web[2] process:online");
    assert!(home.cli(&["stop", "one"]).status.success());
    plain.wait_for("one[0] process:stop ");
    general.wait_for("one[0] process:event stop ");
    let end = |watching: Watching| {
        watching.signal(Signal::INT);
        let (code, out, err) = watching.ended();
        assert_eq!((code, err.as_str()), (Some(130), ""));
        out
    };
    let out = end(plain);
    let of = |label: &str| {
        let rows = out.lines().filter_map(|line| line.split_once(label).map(|(_, rest)| rest));
        // How long it ran differs.
        let next = regex::Regex::new("( after [0-9.]+ ?[a-z]+)?, .*restart .*follows$").unwrap();
        rows.map(|row| next.replace(row, "").into_owned()).collect::<Vec<_>>()
    };
    let one = [
        "process:exit killed by SIGKILL",
        "process:online started again, restart 1",
        "process:exit stopping, exit code 0 or SIGINT",
        "process:exit stopped on request, exit code 0 or SIGINT",
        "process:stop stopped",
    ];
    assert_eq!(of(" one[0] "), one, "{out}");
    let [ended, started] = &of(" two[1] ")[..] else { panic!("{out}") };
    assert_eq!(ended, "process:exit code 7", "{out}");
    assert_eq!(started, "process:online started again, restart 1");
    assert_eq!(of(" web[2] ")[0], "process:exit killed by SIGSEGV", "{out}");
    let out = end(general);
    assert!(out.contains("one[0] process:event exit (killed by SIGKILL"), "{out}");
    assert!(out.lines().all(|line| line.contains(" process:event ")), "{out}");
    let exits: Vec<Value> =
        end(json).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ends: Vec<_> = exits
        .iter()
        .map(|exit| (exit["signal"].as_str(), exit["data"]["process"]["exit_code"].as_i64()))
        .collect();
    let killed = |signal| (Some(signal), Some(0));
    let wanted = [killed("SIGKILL"), (None, Some(7)), killed("SIGSEGV"), (None, Some(0))];
    assert_eq!((&ends[..4], ends.len()), (&wanted[..], 5));
}

pub(crate) fn a_process_is_watched_and_a_word_that_is_one_is_told() {
    let home = Pm2Home::with(Release::Seven, &[apps::ticker("a"), apps::ticker("b")]);
    home.start(&[apps::ticker("c").with(serde_json::json!({ "namespace": "jobs" }))]);
    let id = |name: &str| home.one(name).pm_id;
    let run = |arguments: &[&str]| pm2_tui(home.path(), &[&["events"][..], arguments].concat());
    for (word, name) in
        [("b".to_owned(), "b"), (format!("id:{}", id("a")), "a"), ("ns:jobs".to_owned(), "c")]
    {
        let ended = run(&["--process", &word, "--count", "5"]).with(0);
        let label = format!(" {name}[{}] log:out {name} tick ", id(name));
        assert!(ended.out.lines().all(|line| line.contains(&label)), "{word}: {ended:?}");
    }
    let both = run(&["log:*", "--process", "a", "--process", "jobs", "--count", "12"]).with(0);
    assert!(both.out.contains(" a[") && both.out.contains(" c["), "{both:?}");
    assert!(!both.out.contains(" b["), "{both:?}");
    assert!(run(&["--process", "nope"]).with(1).err.contains("no process has"));
    for word in ["b", "name:b"] {
        let ended = run(&[word, "--for", "300ms"]).with(0);
        let said = format!("`{word}` is a process, not a topic of PM2: `pm2-tui events --process");
        assert!(ended.err.contains(&said) && ended.out.is_empty(), "{ended:?}");
    }
    assert_eq!(run(&["my:topic", "--for", "300ms"]).with(0).err, "");
    // One that is deleted and started again under the name has another id.
    let watching =
        Watching::start(&home, &["process:online", "--process", "name:b", "--count", "1"]);
    assert!(home.cli(&["delete", "b"]).status.success());
    home.start(&[apps::ticker("b")]);
    let (code, out, err) = watching.ended();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains(&format!(" b[{}] process:online ", id("b"))), "{out}");
}

/// A signal that was ignored stays so, and a pipe that nobody reads holds nobody up.
pub(crate) fn signals_end_it_where_they_are_not_ignored() {
    let home = Pm2Home::with(Release::Seven, &[apps::flood("one", 300_000, 0)]);
    let ignoring = format!("trap '' HUP INT; exec '{COCKPIT}' events process:event");
    let mut shell = Command::new("sh");
    shell.args(["-c", &ignoring]).env("PM2_HOME", home.path()).stdin(Stdio::null());
    let mut ignoring = Ending(shell.stdout(Stdio::null()).spawn().unwrap());
    wait_until("it reads the bus", || connections_to(&home.bus()).len() == 1);
    let process = Proc::find(ignoring.0.id() as i32).unwrap();
    process.signal(Signal::HUP);
    process.signal(Signal::INT);
    let mut stuck = program(home.path(), &["events", "log:out"]);
    let stuck = stuck.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stuck = Ending(stuck);
    wait_until("it reads the bus", || connections_to(&home.bus()).len() == 2);
    fs::write(home.apps().join("go"), "").unwrap();
    let _unread = stuck.0.stdout.take().unwrap();
    // Its own end of the pipe: how many bytes it holds depends on how they were written.
    let end = fs::OpenOptions::new().write(true).open(format!("/proc/{}/fd/1", stuck.0.id()));
    let end = end.unwrap();
    let is_full = || {
        let mut ends = [PollFd::new(&end, PollFlags::OUT)];
        poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 0
    };
    wait_until("the pipe is full", is_full);
    Proc::find(stuck.0.id() as i32).unwrap().signal(Signal::INT);
    assert_eq!(stuck.code(), Some(130), "it ends all the same");
    assert!(ignoring.0.try_wait().unwrap().is_none(), "what is ignored ends nothing");
    process.signal(Signal::TERM);
    assert_eq!(ignoring.code(), Some(143));
}

/// A program that waits for a file `open` beside it, and then adds what it reads to the file `got`; it ends where its folder is gone.
fn note(folder: &Path) -> PathBuf {
    let path = folder.join("note.sh");
    let text = "#!/bin/sh\ncd \"${0%/*}\" && : > begun\n\
                while [ ! -e open ]; do [ -e note.sh ] || exit; sleep 0.02; done\ncat >> got\n";
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(crate) fn commands_run_on_every_way_out() {
    // In one piece, so that all wait when the first runs.
    let lines: Vec<String> = (1..=20).map(|n| format!("line {n}")).collect();
    let pieces = serde_json::json!([lines.join("\n") + "\n"]).to_string();
    for way in ["count", "interrupt", "terminate", "no daemon", "twice"] {
        let home = Pm2Home::with(Release::Seven, &[writer("one", &pieces)]);
        let folder = tempfile::tempdir().unwrap();
        let exec = note(folder.path());
        let count = if way == "count" { "20" } else { "1000" };
        let arguments = ["log:out", "--count", count, "--exec", exec.to_str().unwrap()];
        let watching = Watching::start(&home, &arguments);
        fs::write(home.apps().join("go"), "").unwrap();
        wait_until("the first runs", || folder.path().join("begun").exists());
        let (code, signal) = match way {
            "count" => (0, None),
            "terminate" => (143, Some(Signal::TERM)),
            _ => (130, Some(Signal::INT)),
        };
        if way == "no daemon" {
            pm2_tui(home.path(), &["kill", "--yes"]).with(0);
            watching.wait_for("waiting for it");
        }
        if let Some(signal) = signal {
            watching.signal(signal);
            watching.wait_for("20 commands still running; Ctrl-C again abandons them");
        }
        if way == "twice" {
            watching.signal(Signal::INT);
            let (code, _, err) = watching.ended();
            let said = "asked to end again: left 1 command running, and 19 events without one";
            assert!(code == Some(130) && err.contains(said), "{code:?}: {err}");
            // The one that runs is not ended, and does its work.
            fs::write(folder.path().join("open"), "").unwrap();
            let got = || fs::read_to_string(folder.path().join("got")).unwrap_or_default();
            wait_until("the one that was left has ended", || texts(&got()) == ["line 1"]);
            continue;
        }
        fs::write(folder.path().join("open"), "").unwrap();
        let (ended, out, err) = watching.ended();
        assert_eq!((ended, out.as_str()), (Some(code), ""), "{way}: {err}");
        let got = fs::read_to_string(folder.path().join("got")).unwrap();
        assert_eq!(texts(&got), lines, "{way}: {err}");
    }
}

pub(crate) fn a_command_that_cannot_start_loses_its_event_only() {
    let home = Pm2Home::with(Release::Seven, &[stepper("one")]);
    let folder = tempfile::tempdir().unwrap();
    let exec = note(folder.path());
    fs::write(folder.path().join("open"), "").unwrap();
    let arguments = ["log:out", "--count", "4", "--exec", exec.to_str().unwrap()];
    let watching = Watching::start(&home, &arguments);
    let got = || fs::read_to_string(folder.path().join("got")).unwrap_or_default();
    let step = |number: u32| fs::write(home.apps().join(format!("go{number}")), "").unwrap();
    step(1);
    wait_until("the first ran", || got().lines().count() == 1);
    let away = folder.path().join("away");
    fs::rename(&exec, &away).unwrap();
    step(2);
    watching.wait_for("cannot run `");
    fs::rename(&away, &exec).unwrap();
    step(3);
    wait_until("the third ran", || got().lines().count() == 2);
    step(4);
    let (code, _, err) = watching.ended();
    assert_eq!(code, Some(1), "{err}");
    assert!(err.ends_with("1 command could not be started, and the events are lost\n"), "{err}");
    assert_eq!(texts(&got()), ["step 1", "step 3", "step 4"]);
}
