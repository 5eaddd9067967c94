//! Other inputs of the kinds that users tried in vain: lines that come in pieces, names that are
//! numbers, queues that are full, terminals with few colours, buses that cannot be read.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Stdio;
use std::thread;

use serde_json::{Value, json};

use super::cases::Full;
use super::program::{Ended, Simulated, pm2_tui, program};
use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::connections_to;
use crate::harness::screen::{COCKPIT, Screen};
use crate::harness::trials::{Test, simulated, with_pm2};
use crate::harness::wait_until;

pub(crate) fn trials() -> Vec<Test> {
    vec![
        with_pm2(a_line_is_whole_however_it_comes),
        with_pm2(a_number_is_an_id_or_a_name_and_never_both),
        with_pm2(a_worker_that_is_slow_to_start_survives_reload_logs).lasting(),
        simulated(a_full_queue_is_waited_for_wherever_it_is),
        simulated(what_is_too_large_is_called_that),
        simulated(few_colours_stay_few),
        simulated(why_there_are_no_events_stands_on_the_screen),
        simulated(a_bus_of_another_user_is_told_on_the_screen),
    ]
}

/// Says these pieces, 100 ms apart, once there is a file `go`.
fn pieces(name: &str, entry: &Value, pieces: &str) -> App {
    let text = format!(
        "const fs = require('fs'); const pieces = {pieces};
const timer = setInterval(() => {{
  if (pieces.length === 0) return clearInterval(timer);
  if (fs.existsSync('go')) pieces.shift()();
}}, 100); setInterval(() => {{}}, 1e9);
const out = (text) => () => process.stdout.write(text);
const err = (text) => () => process.stderr.write(text);"
    );
    apps::script(name, "js", text).with(entry.clone())
}

/// What `events` prints of these apps, as topic, process and text.
fn heard(apps: &[App], count: usize) -> Vec<(String, String, String)> {
    let home = Pm2Home::with(Release::Seven, apps);
    let count = count.to_string();
    let arguments = ["events", "log:out", "log:err", "--json", "--count", &count];
    let before = connections_to(&home.bus());
    let mut command = program(home.path(), &arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it reads the bus", || !connections_to(&home.bus()).is_subset(&before));
    fs::write(home.apps().join("go"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{out}");
    let event = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let process = text(&event["data"]["process"]["name"]);
        (text(&event["topic"]), process, text(&event["data"]["data"]))
    };
    out.lines().map(event).collect()
}

fn a_line_is_whole_however_it_comes() {
    let fork = json!({});
    // Two streams of one process, a line end that comes in two pieces, and a line that its process
    // does not end.
    let mixed = pieces(
        "mixed",
        &fork,
        r"[() => out('one ')(), () => err('bad ')(), () => out('two\r')(), () => err('news\n')(),
  () => out('\n\nthree')(), () => process.exit(0)]",
    );
    let said = heard(&[mixed.with(json!({"autorestart": false}))], 4);
    let of = |topic: &str| -> Vec<&str> {
        let lines = said.iter().filter(|line| line.0 == topic);
        lines.map(|(_, _, text)| text.as_str()).collect()
    };
    assert_eq!(of("log:err"), ["bad news"], "{said:?}");
    assert_eq!(of("log:out"), ["one two", "", "three"], "{said:?}");

    // A long line on standard error, one of a worker of a cluster, and two processes at once.
    let long = "'x'.repeat(150000) + '\\n'";
    let apps = [
        pieces(
            "left",
            &fork,
            &format!("[() => err({long})(), () => out('a')(), () => out('b\\n')()]"),
        ),
        pieces("right", &fork, "[() => out('c')(), () => out('d')(), () => out('e\\n')()]"),
        pieces(
            "web",
            &json!({"exec_mode": "cluster", "instances": 1}),
            &format!("[() => out({long})(), () => out('f')(), () => out('g\\n')()]"),
        ),
    ];
    let mut said = heard(&apps, 5);
    said.sort();
    let short: Vec<(&str, &str, usize)> =
        said.iter().map(|(topic, name, text)| (&**topic, &**name, text.len())).collect();
    let wanted = [
        ("log:err", "left", 150_000),
        ("log:out", "left", 2),
        ("log:out", "right", 3),
        ("log:out", "web", 2),
        ("log:out", "web", 150_000),
    ];
    assert_eq!(short, wanted);
    assert_eq!((&*said[1].2, &*said[2].2, &*said[3].2), ("ab", "cde", "fg"));
}

fn a_number_is_an_id_or_a_name_and_never_both() {
    let names = ["port", "1", "3000", "0", "0x1", "-1"];
    let apps: Vec<App> = names.iter().map(|name| apps::sleeper(name)).collect();
    let home = Pm2Home::with(Release::Seven, &apps);
    home.mark();
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    let refused = |word: &str, said: &str| {
        for verb in ["restart", "delete"] {
            let ended = run(&[verb, "--yes", word]).with(2);
            assert!(ended.err.contains(said) && ended.out.is_empty(), "{verb} {word}: {ended:?}");
        }
    };
    refused("0", "`0` is ambiguous: the id of port[0] and the name of 0[3]; use id:0 or name:0");
    // Not even with another that is clear.
    let both = run(&["stop", "3000", "0"]).with(2);
    assert!(both.err.contains("`0` is ambiguous") && both.out.is_empty(), "{both:?}");
    home.assert_unharmed_but(&[]);
    // The same process by both, a name that is no id, and names that look like other things.
    for (words, label) in [
        (&["1"][..], "1[1]"),
        (&["3000"], "3000[2]"),
        (&["name:0"], "0[3]"),
        (&["id:0"], "port[0]"),
        (&["0x1"], "0x1[4]"),
        (&["--", "-1"], "-1[5]"),
    ] {
        let ended = run(&[&["stop"][..], words].concat()).with(0);
        assert_eq!(ended.out, format!("stopped {label}\n"), "{words:?}");
    }
    home.assert_unharmed_but(&names);
}

/// A worker is online before it has opened its logs, and ended of a `reloadLogs` in between.
fn a_worker_that_is_slow_to_start_survives_reload_logs() {
    let folder = tempfile::tempdir().unwrap();
    let slow = folder.path().join("slow.js");
    fs::write(&slow, "const began = Date.now(); while (Date.now() - began < 4000);").unwrap();
    let text = "require('fs').writeFileSync(`${process.env.READY}/runs`, '');
setInterval(() => {}, 1e9);";
    let entry = json!({
        "exec_mode": "cluster", "instances": 1,
        "node_args": format!("--require {}", slow.display()),
    });
    let home = Pm2Home::with(Release::Seven, &[apps::script("web", "js", text).with(entry)]);
    home.mark();
    pm2_tui(home.path(), &["call", "reloadLogs"]).with(0);
    wait_until("it runs", || home.apps().join("runs").is_file());
    home.assert_unharmed_but(&[]);
}

/// Passes on what comes on a listener to another socket, both ways.
fn pass_on(listener: UnixListener, to: &Path) {
    let to = to.to_owned();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), Ok(daemon)) = (client, UnixStream::connect(&to)) else { return };
            for (from, into) in [(&client, &daemon), (&daemon, &client)] {
                let (mut from, mut into) = (from.try_clone().unwrap(), into.try_clone().unwrap());
                thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    while let Ok(count @ 1..) = from.read(&mut bytes) {
                        if into.write_all(&bytes[..count]).is_err() {
                            return;
                        }
                    }
                    let _ = into.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
}

fn a_full_queue_is_waited_for_wherever_it_is() {
    // Of the bus alone.
    let daemon = Simulated::quiet(1);
    let publish = daemon.home().join("pub.sock");
    fs::remove_file(&publish).unwrap();
    let full = Full::at(&publish);
    let said = |ended: &Ended| ended.err.contains("pub.sock is full");
    let ended = daemon.run(&["events"]).with(3);
    assert!(said(&ended), "{ended:?}");
    // What heard nothing does not say that all is well.
    let ended = daemon.run(&["events", "--for", "300ms"]).with(3);
    assert!(ended.err.contains("no connection to ") && ended.err.contains("busy"), "{ended:?}");
    daemon.run(&["ls"]).with(0);
    drop(full);

    // Room comes while it is tried.
    let daemon = Simulated::quiet(1);
    let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    let rpc = folder.path().join("rpc.sock");
    let full = Full::at(&rpc);
    for arguments in [&["ls"][..], &["wait", "app-0", "--status", "online", "--timeout", "20s"]] {
        let mut command = program(folder.path(), arguments);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        if arguments[0] == "ls" {
            // Nothing tells from outside that it tries: it is given the time for a few tries.
            thread::sleep(std::time::Duration::from_millis(300));
            pass_on(full.listener(), &daemon.home().join("rpc.sock"));
        }
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {out}");
        assert!(out.contains("app-0"), "{arguments:?}: {out}");
    }

    // On the screen too, until it has room.
    let full = Full::new();
    let mut screen = Screen::cockpit((120, 40), &["--home", full.home().to_str().unwrap()]);
    screen.wait_for("why", |text| text.contains("the daemon is busy: its queue of connections"));
    pass_on(full.listener(), &daemon.home().join("rpc.sock"));
    screen.wait_for("the row", |text| text.contains("app-0") && text.contains("live"));
}

fn what_is_too_large_is_called_that() {
    let daemon = Simulated::quiet(700);
    for arguments in [&["ls"][..], &["check"], &["restart", "app-0"], &["call", "getMonitorData"]] {
        let ended = daemon.run(&[arguments, &["--frame-mib", "1"]].concat()).with(1);
        let said = "and at most 1.0 MiB is accepted; accept larger ones with --frame-mib";
        assert!(ended.err.contains(said) && ended.out.is_empty(), "{arguments:?}: {ended:?}");
    }
    daemon.run(&["check"]).with(0);
    // On the bus too, where it is not the last word.
    let daemon = Simulated::quiet(1);
    let arguments = ["events", "my:*", "--count", "1", "--frame-mib", "1"];
    let mut command = program(daemon.home(), &arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it listens", || daemon.script().counters().bus_connections() == 1);
    let say = |topic, bytes| {
        let payload = json!({ "data": "x".repeat(bytes) });
        daemon.block_on(daemon.script().publish(topic, payload)).unwrap();
    };
    say("my:dump", 2 << 20);
    wait_until("it has connected again", || {
        say("my:news", 10);
        child.try_wait().unwrap().is_some()
    });
    let output = child.wait_with_output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(err.contains("at least 2.0 MiB came, and at most 1.0 MiB is accepted"), "{err}");
    assert!(output.status.success() && out.contains("my:news"), "{out} {err}");
}

/// What the screen writes to this kind of terminal of lines with all kinds of colours.
fn written(environment: &[(&str, &str)]) -> String {
    let daemon = Simulated::quiet(1);
    let own = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment: Vec<(String, String)> =
        [("COLORTERM".to_owned(), String::new())].into_iter().chain(own).collect();
    let home = daemon.home().to_str().unwrap();
    let mut screen = Screen::program((120, 40), COCKPIT, &["--home", home], &environment);
    screen.wait_for("the row", |text| text.contains("app-0"));
    wait_until("it listens", || daemon.script().counters().bus_connections() > 0);
    let text = "\u{1b}[38;5;196mred\u{1b}[0m \u{1b}[48;2;1;200;3mgreen\u{1b}[0m \u{1b}[93mplain\u{1b}[0m\n";
    let line = json!({
        "process": {"pm_id": 0, "name": "app-0", "rev": null, "namespace": "default"},
        "at": pm2_tui::demo::epoch_ms(), "data": text,
    });
    daemon.block_on(daemon.script().publish("log:out", line)).unwrap();
    screen.wait_for("the line", |text| text.contains("red green plain"));
    screen.press("q");
    String::from_utf8(screen.wait_exit().tail).unwrap()
}

/// The numbers of all SGR sequences.
fn numbers(text: &str) -> Vec<Vec<u32>> {
    let sequences = text.split("\u{1b}[").skip(1);
    let numbers = sequences.filter_map(|piece| {
        let (numbers, _) = piece.split_once('m')?;
        numbers.split(';').map(|number| number.parse().ok()).collect()
    });
    numbers.collect()
}

fn few_colours_stay_few() {
    for term in ["rxvt", "tmux", "cygwin", "linux-16color", "eterm-color"] {
        let all = numbers(&written(&[("TERM", term)]));
        assert!(all.iter().flatten().any(|n| matches!(n, 30..=37 | 90..=97)), "{term}: no colours");
        assert!(!all.iter().flatten().any(|n| [38, 48].contains(n)), "{term}: {all:?}");
    }
    for environment in [
        &[("TERM", "vt320")][..],
        &[("TERM", "VT420")],
        &[("TERM", "xterm-mono")],
        &[("TERM", "xterm-256color"), ("NO_COLOR", "1")],
    ] {
        let all = numbers(&written(environment));
        let color = all.iter().flatten().find(|n| matches!(n, 30..=49 | 90..=107));
        assert_eq!(color, None, "{environment:?}: {all:?}");
    }
    // And many stay many.
    let all = numbers(&written(&[("TERM", "xterm-256color")]));
    assert!(all.iter().any(|numbers| numbers.windows(3).any(|n| n == [38, 5, 196])), "{all:?}");
}

/// Makes the bus of a home unreadable; what is kept as long as it is to stay so.
type Spoil = fn(&Path) -> Option<Full>;

fn why_there_are_no_events_stands_on_the_screen() {
    let spoils: [(&str, Spoil); 6] = [
        ("pub.sock is missing; pm2 update", |_| None),
        ("pub.sock is missing; pm2 update", |path| {
            symlink("gone", path).unwrap();
            None
        }),
        ("nobody listens on ", |path| {
            drop(UnixListener::bind(path).unwrap());
            None
        }),
        ("is not a socket", |path| {
            fs::write(path, "").unwrap();
            None
        }),
        ("is full; try again", |path| Some(Full::at(path))),
        ("does not speak PM2's protocol", |path| {
            let listener = UnixListener::bind(path).unwrap();
            thread::spawn(move || {
                for client in listener.incoming() {
                    let _ = client.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
                }
            });
            None
        }),
    ];
    for (why, spoil) in spoils {
        let daemon = Simulated::quiet(2);
        let publish = daemon.home().join("pub.sock");
        fs::remove_file(&publish).unwrap();
        let _kept = spoil(&publish);
        let mut screen = Screen::cockpit((200, 40), &["--home", daemon.home().to_str().unwrap()]);
        screen.wait_for(why, |text| {
            text.contains("app-1") && text.contains("no events: ") && text.contains(why)
        });
    }
}

/// As `chown` of one socket only.
fn a_bus_of_another_user_is_told_on_the_screen() {
    let daemon = Simulated::quiet(1);
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(daemon.home(), 0o755);
    mode(&daemon.home().join("rpc.sock"), 0o777);
    mode(&daemon.home().join("pub.sock"), 0o000);
    let home = daemon.home().to_str().unwrap();
    let arguments = ["--home", home];
    // Root may do everything.
    let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    mode(folder.path(), 0o755);
    let mut screen = if rustix::process::geteuid().is_root() {
        let copy = folder.path().join("pm2-tui");
        fs::copy(COCKPIT, &copy).unwrap();
        mode(&copy, 0o755);
        let user = ["--reuid=65534", "--regid=65534", "--clear-groups", copy.to_str().unwrap()];
        let arguments = [&user[..], &arguments].concat();
        let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        Screen::program((200, 40), "/usr/bin/setpriv", &arguments, &[path])
    } else {
        Screen::cockpit((200, 40), &arguments)
    };
    screen.wait_for("the reason", |text| {
        text.contains("app-0") && text.contains("no events: permission denied: ")
    });
    screen.wait_for("the way out", |text| text.contains("sudo -u ") && text.contains("pub.sock"));
}
