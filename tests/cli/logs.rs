//! `logs` on a real PM2: beside the files, and joined to a flood without a line missing or twice.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use pm2_tui::demo::{World, epoch_ms};
use rustix::process::Signal;
use serde_json::json;

use super::program::{Simulated, pm2_tui, program};
use crate::harness::apps::{counter, script, sleeper};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::Proc;
use crate::harness::relay::Relay;
use crate::harness::wait_until;

pub(crate) fn history_is_what_the_files_hold() {
    let text = "console.log('2026-11-28T03:00:00Z one'); console.log('  more of one');\n\
                console.error('2026-11-28T03:00:02Z ERROR three\\x1b[31m'); \n\
                console.log('2026-11-28T03:00:01Z {\"level\":30,\"msg\":\"two\"}');\n\
                setInterval(function () {}, 1e9);";
    let home = Pm2Home::with(Release::Seven, &[script("app", "js", text)]);
    let (out, err) = (home.path().join("logs/app-out.log"), home.path().join("logs/app-error.log"));
    wait_until("it has logged", || {
        let lines = |path| fs::read_to_string(path).unwrap_or_default().lines().count();
        lines(&out) == 3 && lines(&err) == 1
    });
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    let raw = run(&["logs", "app", "--raw", "--out"]).with(0);
    assert_eq!(raw.out, fs::read_to_string(&out).unwrap());
    let told = run(&["logs", "--time", "iso"]).with(0);
    let lines: Vec<&str> = told.out.lines().collect();
    assert_eq!(lines.len(), 4, "{told:?}");
    assert!(lines[0].starts_with(" 2026-11-28T03:00:00.000Z app[0] │"), "{told:?}");
    assert!(
        lines[1].starts_with("~2026-11-28T03:00:00.000Z app[0] │")
            && lines[1].ends_with("more of one")
    );
    assert!(lines[2].contains("two") && lines[3].contains("┃ E"), "{told:?}");
    assert!(!told.out.contains('\u{1b}'), "{told:?}");
    assert_eq!(run(&["logs", "--grep", "TWO", "--raw"]).with(1).out, "");
    assert_eq!(run(&["logs", "--grep", "two|three", "--raw"]).with(0).out.lines().count(), 2);
    assert_eq!(run(&["logs", "--level", "error", "--raw"]).with(0).out.lines().count(), 1);
    assert_eq!(run(&["logs", "-n", "1", "--raw", "--out"]).with(0).out.lines().count(), 1);
    let since = run(&["logs", "--since", "2026-11-28T03:00:01Z", "--raw"]).with(0);
    assert_eq!(since.out.lines().count(), 2, "{since:?}");
    let json = run(&["logs", "--json", "--grep", "two"]).with(0);
    assert!(json.out.contains("\"level\":\"info\""), "{json:?}");
    assert!(run(&["logs", "--grep", "(a"]).with(2).err.contains("is not a regular expression"));
    assert!(run(&["logs", "--since", "soon"]).with(2).err.contains("is not a time"));
    // What is followed up to a moment that is over ends at once.
    let over = run(&["logs", "-f", "--until", "2026-11-28T03:00:01Z", "--raw"]).with(0);
    assert_eq!(over.out.lines().count(), 3, "{over:?}");
    assert!(over.err.contains("--until is over: nothing is followed"), "{over:?}");
    let ago = run(&["logs", "--since", "-5m", "--raw"]).with(0);
    assert_eq!((ago.out.as_str(), ago.err.as_str()), ("", ""), "5 minutes ago");
    // A file that cannot be read is a failure, whatever the others hold.
    fs::remove_file(&err).unwrap();
    fs::create_dir(&err).unwrap();
    for grep in [&[][..], &["--grep", "two"], &["--grep", "nothing-of-it"]] {
        let arguments = [&["logs", "--raw"], grep].concat();
        let ended = run(&arguments).with(1);
        assert!(ended.err.contains("app-error.log"), "{ended:?}");
    }
}

/// Files that are none, and lines that are none: what can be read is, and the rest is named once.
pub(crate) fn odd_files_are_read_or_named() {
    let idle = "setInterval(function () {}, 1e9);";
    let talks = format!("console.log('o1'); console.error('e1'); console.log('o2'); {idle}");
    let apps = [
        script("both", "js", &*talks)
            .with(json!({"out_file": "both.log", "error_file": "both.log"})),
        script("none", "js", &*talks)
            .with(json!({"out_file": "/dev/null", "error_file": "/dev/null"})),
        script("fifo", "js", idle),
        script("loop", "js", idle),
        script("binary", "js", idle),
        script("long", "js", idle),
    ];
    let home = Pm2Home::with(Release::Seven, &apps);
    let logs = home.path().join("logs");
    let both = home.apps().join("both.log");
    wait_until("it has logged", || {
        fs::read_to_string(&both).unwrap_or_default().lines().count() == 3
    });
    let out = |name: &str| logs.join(format!("{name}-out.log"));
    wait_until("they are there", || {
        ["fifo", "loop", "binary", "long"].iter().all(|name| out(name).exists())
    });
    fs::remove_file(out("fifo")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, out("fifo"), rustix::fs::Mode::RWXU).unwrap();
    fs::remove_file(out("loop")).unwrap();
    std::os::unix::fs::symlink("loop-out.log", out("loop")).unwrap();
    let bytes = b"\xff\xfe\x00\x01 bin\x1b]52;c;aGk=\x07\x9b31m end\n\x00\n";
    fs::write(out("binary"), bytes).unwrap();
    let mut long = vec![b'x'; 100 << 20];
    long.extend_from_slice(b" Needle\nlast\n");
    fs::write(out("long"), &long).unwrap();
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    // Both outputs in one file: each line once, in the order of the file.
    let told = run(&["logs", "both", "--raw"]).with(0);
    assert_eq!(told.out, fs::read_to_string(&both).unwrap());
    let none = run(&["logs", "none"]).with(0);
    let said = "none[1] writes no log file (/dev/null): it has no history";
    assert!(none.out.is_empty() && none.err.contains(said), "{none:?}");
    let fifo = run(&["logs", "fifo"]).with(1);
    assert_eq!(fifo.err.matches("fifo-out.log").count(), 1, "{fifo:?}");
    let around = run(&["logs", "loop"]).with(1);
    assert_eq!(around.err.matches("loop-out.log").count(), 1, "{around:?}");
    let raw = program(home.path(), &["logs", "binary", "--raw"]).output().unwrap();
    assert_eq!(raw.stdout, bytes);
    let shown = run(&["logs", "binary"]).with(0);
    assert!(shown.out.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    assert!(shown.out.contains("bin") && shown.out.contains("end"), "{shown:?}");
    // A line of 100 MB is searched whole, printed whole byte for byte, and else its beginning.
    assert_eq!(run(&["logs", "long", "-n", "1", "--raw"]).with(0).out, "last\n");
    let found = run(&["logs", "long", "--grep", "x{9} Needle$", "--raw"]).with(0);
    assert!(found.out.as_bytes() == &long[..(100 << 20) + 8], "{} bytes", found.out.len());
    let cut = run(&["logs", "long", "--grep", "Needle"]).with(0);
    let is_marked = cut.out.contains("more of this line, --raw prints it");
    assert!(is_marked && cut.out.len() < 70_000, "{} bytes", cut.out.len());
    run(&["logs", "long", "--exclude", "Needle|last"]).with(1);
    let raw = program(home.path(), &["logs", "long", "--raw", "-n", "2"]).output().unwrap();
    assert!(raw.stdout == long, "byte for byte: {} of {}", raw.stdout.len(), long.len());
}

/// How many lines of each came, each once and in order; and what was wrong, if anything was.
#[derive(Debug, Default, Clone)]
struct Counted {
    counts: BTreeMap<String, u64>,
    wrong: Option<String>,
    is_over: bool,
}

/// The name and the number of a line. PM2 says what it does in the logs of cluster workers, too.
fn numbered(line: &str) -> Option<(&str, u64)> {
    let line = line.split_once(": ").map_or(line, |(_, line)| line);
    let (name, number) = line.split_once(' ')?;
    let is_counted = ["forked", "worker", "shared0", "shared1", "stamped"].contains(&name);
    Some((name, number.parse().ok()?)).filter(|_| is_counted)
}

impl Counted {
    fn take(&mut self, line: &str) {
        let Some((name, number)) = numbered(line) else { return };
        let wanted = self.counts.entry(name.to_owned()).or_default();
        if number != *wanted && self.wrong.is_none() {
            self.wrong = Some(format!("{number} of {name} instead of {wanted}"));
        }
        *wanted += 1;
    }
}

/// A program that prints numbered lines, and what it says of them.
struct Counting {
    child: std::process::Child,
    counted: Arc<Mutex<Counted>>,
    told: Arc<Mutex<String>>,
}

impl Counting {
    fn of(mut following: std::process::Command) -> Self {
        let mut child = following.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (counted, told) = (Arc::<Mutex<Counted>>::default(), Arc::<Mutex<String>>::default());
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (count, say) = (Arc::clone(&counted), Arc::clone(&told));
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                count.lock().unwrap().take(&line.unwrap());
            }
            count.lock().unwrap().is_over = true;
        });
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map(Result::unwrap) {
                say.lock().unwrap().extend([line.as_str(), "\n"]);
            }
        });
        Self { child, counted, told }
    }

    /// Waits until all that is in these files now has come, and so many more lines of each.
    fn catches_up(&self, files: &[std::path::PathBuf], when: &str, more: u64) {
        let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
        for text in files.iter().map(|file| fs::read(file).unwrap()) {
            for (name, number) in String::from_utf8_lossy(&text).lines().filter_map(numbered) {
                wanted.insert(name.to_owned(), number + more);
            }
        }
        assert_eq!(wanted.len(), 5, "{when}: {wanted:?}");
        wait_until(&format!("what was written {when}"), || {
            let now = self.counted.lock().unwrap().clone();
            let told = self.told.lock().unwrap();
            assert!(now.wrong.is_none() && !now.is_over, "{when}: {now:?}; it said: {told}");
            wanted.iter().all(|(name, wanted)| now.counts.get(name) > Some(wanted))
        });
    }

    /// Ends it; what it said.
    fn end(mut self) -> String {
        Proc::find(self.child.id().cast_signed()).unwrap().signal(Signal::TERM);
        self.child.wait().unwrap();
        wait_until("all was read", || self.counted.lock().unwrap().is_over);
        let counted = self.counted.lock().unwrap();
        let told = self.told.lock().unwrap().clone();
        assert!(counted.wrong.is_none(), "{counted:?}; it said: {told}");
        told
    }
}

/// The same while files are rotated both ways and emptied, and the bus goes and comes.
pub(crate) fn following_misses_nothing_whatever_becomes_of_files_and_bus(release: Release) {
    let cluster = json!({"exec_mode": "cluster", "instances": 1});
    let shared = json!({"exec_mode": "cluster", "instances": 2, "merge_logs": true});
    let stamped = json!({"exec_mode": "cluster", "instances": 1, "time": true});
    let apps = [
        counter("forked", 50_000, 5, ""),
        counter("worker", 50_000, 20, "").with(cluster),
        counter("shared", 5_000, 5, "").with(shared),
        counter("stamped", 5_000, 5, "").with(stamped),
    ];
    let home = Pm2Home::with(release, &apps);
    let logs = home.path().join("logs");
    let id = home.one("stamped").pm_id;
    let stamped = format!("stamped-out-{id}.log");
    let files = ["forked-out.log", "worker-out-1.log", "shared-out.log", stamped.as_str()];
    let size = |name: &str| fs::metadata(logs.join(name)).map_or(0, |about| about.len());
    wait_until("they have logged a lot", || {
        size(files[0]) > 700_000 && size(files[1]) > 700_000 && size(files[3]) > 0
    });
    let relay = Relay::before(home.path());
    let mut following = program(home.path(), &["logs", "all", "-f", "--raw", "-n", "10000000"]);
    following.env("PM2_DAEMON_RPC_PORT", relay.folder().join("rpc.sock"));
    following.env("PM2_DAEMON_PUB_PORT", relay.bus());
    let counting = Counting::of(following);
    let grow = |by: u64| {
        let before = files.map(size);
        wait_until("the files grow", || {
            files.iter().zip(before).all(|(name, before)| size(name) > before + by)
        });
    };
    let catches_up = |when| counting.catches_up(&files.map(|name| logs.join(name)), when, 400);
    catches_up("at the start");
    for name in files {
        fs::rename(logs.join(name), logs.join(format!("{name}.1"))).unwrap();
    }
    home.call("reloadLogs", &json!({}));
    wait_until("the files are there again", || files.iter().all(|name| size(name) > 0));
    grow(4_000);
    catches_up("after a rotation");
    for name in files {
        fs::copy(logs.join(name), logs.join(format!("{name}.2"))).unwrap();
        fs::OpenOptions::new().write(true).open(logs.join(name)).unwrap().set_len(0).unwrap();
    }
    grow(4_000);
    catches_up("after a copy");
    assert!(home.cli(&["flush"]).status.success());
    grow(4_000);
    catches_up("after a flush");
    for when in ["after a loss", "after another"] {
        relay.cut();
        grow(4_000);
        relay.reopen();
        catches_up(when);
    }
    let told = counting.end();
    assert!(!told.contains("missing"), "{told}");
}

/// A daemon that comes back gives ids anew: the same app, with another id, goes on in the same file.
pub(crate) fn a_process_that_gets_another_id_is_followed_on() {
    let talker = || {
        let text = "let n = 0; setInterval(() => {}, 1e9);\n\
            const t = setInterval(() => { for (let i = 0; i < 100; i += 1) {\n\
            console.log(process.pid + ' ' + n); n += 1; }\n\
            if (n === 2000) clearInterval(t); }, 50);";
        script("talker", "js", text)
    };
    let home = Pm2Home::with(Release::Seven, &[sleeper("other")]);
    home.start(&[talker()]);
    let mut following = program(home.path(), &["logs", "talker", "-f", "--raw", "-n", "100000"]);
    let mut child = following.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let came = Arc::new(Mutex::new(Vec::new()));
    let out = BufReader::new(child.stdout.take().unwrap());
    let reading = std::thread::spawn({
        let came = Arc::clone(&came);
        move || out.lines().for_each(|line| came.lock().unwrap().push(line.unwrap()))
    });
    let file = home.path().join("logs/talker-out.log");
    let all = |lives: usize| {
        wait_until("all is written, and has come", || {
            let written = fs::read_to_string(&file).unwrap_or_default().lines().count();
            written == lives * 2_000 && came.lock().unwrap().len() >= written
        });
    };
    all(1);
    assert_eq!(home.one("talker").pm_id, 1);
    let pids = ["talker", "other"].map(|name| home.one(name).pid);
    home.living_god().signal(Signal::KILL);
    for pid in pids {
        Proc::find(pid).unwrap().signal(Signal::KILL);
    }
    home.start(&[talker()]);
    assert_eq!(home.one("talker").pm_id, 0);
    all(2);
    Proc::find(child.id().cast_signed()).unwrap().signal(Signal::TERM);
    child.wait().unwrap();
    reading.join().unwrap();
    let written = fs::read_to_string(&file).unwrap();
    let came = came.lock().unwrap();
    assert!(came.iter().map(String::as_str).eq(written.lines()), "{} lines came", came.len());
}

pub(crate) fn a_daemon_that_is_gone_is_told_once() {
    let daemon = Simulated::quiet(1);
    let folder = tempfile::tempdir().unwrap();
    let debug_log = folder.path().join("debug.log");
    let arguments = ["--debug-log", debug_log.to_str().unwrap(), "logs", "-f"];
    let mut following = program(daemon.home(), &arguments);
    let mut child = following.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    wait_until("it listens", || daemon.script().counters().bus_connections() == 1);
    daemon.block_on(daemon.script().vanish()).unwrap();
    wait_until("it has tried several times", || {
        let log = fs::read_to_string(&debug_log).unwrap_or_default();
        log.matches("the bus is not connected").count() >= 4
    });
    daemon.block_on(daemon.script().come_back(World::quiet(1, epoch_ms()))).unwrap();
    let told = said.by_ref().find(|line| line.contains("waiting for it"));
    assert!(told.is_some(), "that it is gone");
    let next = said.next().unwrap();
    assert!(next.contains("connected again"), "{next}");
    Proc::find(child.id().cast_signed()).unwrap().signal(Signal::TERM);
    child.wait().unwrap();
}

pub(crate) fn following_a_flood_misses_nothing_and_doubles_nothing() {
    let cluster = json!({"exec_mode": "cluster", "instances": 1});
    let shared = json!({"exec_mode": "cluster", "instances": 2, "merge_logs": true});
    let apps = [
        counter("forked", 20_000, 20, ""),
        counter("worker", 20_000, 20, "").with(cluster),
        counter("shared", 2_000, 20, "").with(shared),
    ];
    let home = Pm2Home::with(Release::Seven, &apps);
    wait_until("both have logged a lot", || {
        ["forked-out.log", "worker-out-0.log", "worker-out-1.log"]
            .iter()
            .filter_map(|name| fs::metadata(home.path().join("logs").join(name)).ok())
            .filter(|about| about.len() > 200_000)
            .count()
            == 2
    });
    let arguments = ["logs", "all", "-f", "--raw", "-n", "1000000"];
    let mut following = program(home.path(), &arguments);
    let mut child = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    let mut ended = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let (name, number) = line.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        let wanted = next.entry(name.to_owned()).or_default();
        assert_eq!(number, *wanted, "of {name}");
        *wanted += 1;
        if *wanted == if name.starts_with("shared") { 12_000 } else { 30_000 } {
            ended += 1;
        }
        if ended == 4 {
            break;
        }
    }
    assert_eq!(ended, 4, "it ended early: {next:?}");
    Proc::find(child.id().cast_signed()).unwrap().signal(Signal::TERM);
    child.wait().unwrap();
}

/// The events of the daemon's log, then those of the bus, each once.
pub(crate) fn what_happened_stands_between_the_lines() {
    let dies = "console.log('first words'); console.error('last words');\n\
                setTimeout(function () { process.exit(7); }, 300);";
    let throws = "process.on('SIGUSR2', function () { throw new Error('boom 4711'); });\n\
                  setInterval(function () { console.log('armed'); }, 100);";
    let once = json!({"autorestart": false});
    let apps = [script("dies", "js", dies).with(once), script("throws", "js", throws)];
    let home = Pm2Home::with(Release::Seven, &apps);
    home.wait_status("dies", "stopped");
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    let told = run(&["logs", "dies", "--events", "--time", "off"]).with(0);
    let lines: Vec<&str> = told.out.lines().map(str::trim_end).collect();
    let place = |words: &str| {
        lines
            .iter()
            .position(|line| line.contains(words))
            .unwrap_or_else(|| panic!("{words}: {told:?}"))
    };
    assert!(place("◆   started") < place("◆   exit code 7"), "{told:?}");
    assert!(place("last words") < place("◆   exit code 7"), "{told:?}");
    assert!(!told.out.contains("throws"), "{told:?}");
    let events = run(&["logs", "--events", "--json", "--grep", "exit code 7"]).with(0);
    let event: serde_json::Value = serde_json::from_str(events.out.trim_end()).unwrap();
    assert_eq!((&event["stream"], &event["event"]), (&json!("event"), &json!("exit")), "{event}");
    assert_eq!(
        (&event["process"], &event["level"]),
        (&json!("dies[0]"), &json!("error")),
        "{event}"
    );
    assert!(event["at"].as_i64().unwrap() > 1_700_000_000_000, "{event}");
    assert!(run(&["logs", "--events", "--raw"]).with(2).err.contains("--raw"));
    assert!(!run(&["logs"]).with(0).out.contains('◆'), "only where they are asked for");

    let arguments = ["logs", "all", "-f", "-n", "0", "--events", "--json"];
    let mut following = program(home.path(), &arguments);
    let mut child = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next =
        || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    while next()["text"] != "armed" {}
    let throws = Proc::find(home.one("throws").pid).unwrap();
    throws.signal(Signal::USR2);
    let mut seen = Vec::new();
    while !seen.iter().any(|word: &String| word.starts_with("online")) {
        let event = next();
        if event["stream"] == "event" {
            let text = event["text"].as_str().unwrap();
            seen.push(format!("{} {text}", event["event"].as_str().unwrap()));
        }
    }
    let wanted = ["exception Error: boom 4711", "exit exit code 1", "online started"];
    assert_eq!(seen, wanted);
    home.cli(&["restart", "throws"]);
    let mut words = Vec::new();
    while !words.contains(&"restart".to_owned()) {
        let event = next();
        if event["stream"] == "event" {
            words.push(event["event"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(words, ["stop", "exit", "online", "restart"]);
    Proc::find(child.id().cast_signed()).unwrap().signal(Signal::TERM);
    child.wait().unwrap();
}
