//! `logs -f` while ids are given anew, and where lines are all alike.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use serde_json::json;

use super::program::program;
use crate::harness::apps::{App, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::Proc;
use crate::harness::relay::Relay;
use crate::harness::wait_until;

/// What a program prints, as text, until it is ended.
pub(super) struct Listening {
    child: std::process::Child,
    pub(super) lines: Arc<Mutex<Vec<String>>>,
    pub(super) told: Arc<Mutex<String>>,
}

impl Listening {
    pub(super) fn of(mut following: std::process::Command) -> Self {
        let mut child = following.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, told) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<String>>::default());
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (take, say) = (Arc::clone(&lines), Arc::clone(&told));
        std::thread::spawn(move || {
            BufReader::new(out).lines().for_each(|line| take.lock().unwrap().push(line.unwrap()));
        });
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map(Result::unwrap) {
                say.lock().unwrap().extend([line.as_str(), "\n"]);
            }
        });
        Self { child, lines, told }
    }

    /// How many lines it printed.
    pub(super) fn count(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        Proc::find(self.child.id().cast_signed()).unwrap().signal(signal);
    }

    /// Ends it: its lines, and what it said.
    pub(super) fn end(mut self) -> (Vec<String>, String) {
        self.signal(Signal::TERM);
        self.child.wait().unwrap();
        (self.lines.lock().unwrap().clone(), self.told.lock().unwrap().clone())
    }
}

/// An app that says its own name and a number again and again.
fn namer(name: &str) -> App {
    let text = format!("let n = 0; setInterval(() => console.log('{name} ' + n++), 10);");
    script(name, "js", text)
}

/// Ids are given anew while one follows: each line stands below the name that said it, once.
pub(crate) fn a_line_stands_below_who_said_it_whatever_its_id() {
    let home = Pm2Home::with(Release::Seven, &[namer("one"), namer("two")]);
    let following = program(home.path(), &["logs", "all", "-f", "--json", "-n", "0"]);
    let listening = Listening::of(following);
    wait_until("it follows", || listening.count() > 20);
    assert!(home.cli(&["delete", "all"]).status.success());
    home.start(&[namer("three"), namer("two"), namer("one")]);
    assert_eq!(home.one("two").pm_id, 1);
    assert_eq!(home.one("three").pm_id, 0);
    let text = |line: &String| -> (String, String) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let part = |field: &str| line[field].as_str().unwrap().to_owned();
        (part("process"), part("text"))
    };
    let has = |name: &str, wanted: &str| {
        let lines = listening.lines.lock().unwrap();
        let mut lines = lines.iter().rev().take(30).map(text);
        lines.any(|(process, text)| process == wanted && text.starts_with(name))
    };
    wait_until("all are followed", || {
        has("one", "one[2]") && has("two", "two[1]") && has("three", "three[0]")
    });
    let (lines, told) = listening.end();
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    for (process, text) in lines.iter().map(text) {
        let (name, number) = text.split_once(' ').unwrap();
        assert_eq!(process.split_once('[').unwrap().0, name, "{text}; it said: {told}");
        let number: u64 = number.parse().unwrap();
        // `two` has the same id again, and begins anew.
        let is_next = next.get(&process).is_none_or(|next| *next == number);
        assert!(is_next || number == 0, "{number} of {process}: {next:?}");
        next.insert(process, number + 1);
    }
    assert_eq!(told, "");
}

/// That a process is deleted comes on no bus: it is told among its events all the same, behind its end.
pub(crate) fn a_deletion_is_told() {
    let home = Pm2Home::with(Release::Seven, &[namer("one"), namer("two")]);
    let following = program(home.path(), &["logs", "all", "-f", "--events", "-n", "0"]);
    let listening = Listening::of(following);
    wait_until("it follows", || listening.count() > 20);
    assert!(home.cli(&["delete", "one"]).status.success());
    let place = |what: &str| {
        let lines = listening.lines.lock().unwrap();
        lines.iter().position(|line| line.contains("one[0]") && line.contains(what))
    };
    wait_until("it is told", || place("deleted from PM2").is_some());
    assert!(place("exit").is_some_and(|exit| Some(exit) < place("deleted from PM2")));
    let (lines, told) = listening.end();
    let deleted = lines.iter().filter(|line| line.contains("deleted from PM2"));
    assert_eq!((deleted.count(), &*told), (1, ""), "{lines:?}");
}

/// Lines that are all alike cannot be told apart: they are counted, and none is lost.
pub(crate) fn lines_that_are_alike_are_not_lost_at_the_start() {
    let cluster = |instances: u32| json!({"exec_mode": "cluster", "instances": instances, "merge_logs": true});
    let same = |name: &str| {
        let text = "let n = 0; const all = setInterval(() => { console.log('the same line');\n\
                    n += 1; if (n === 700) clearInterval(all); }, 10); setInterval(() => {}, 1e9);";
        script(name, "js", text)
    };
    let apps = [same("alone").with(cluster(1)), same("several").with(cluster(4))];
    let home = Pm2Home::with(Release::Seven, &apps);
    let logs = home.path().join("logs");
    let written = |name: &str| {
        fs::read_dir(&logs)
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name))
            .map(|path| fs::read_to_string(path).unwrap().matches("the same line").count())
            .sum::<usize>()
    };
    wait_until("both have begun", || written("alone") > 50 && written("several") > 200);
    let follow = |name: &str| {
        Listening::of(program(home.path(), &["logs", name, "-f", "--raw", "-n", "100000"]))
    };
    let following = ["alone", "several"].map(|name| (name, follow(name)));
    wait_until("all is written", || written("alone") == 700 && written("several") == 2_800);
    for (name, listening) in following {
        let all = written(name);
        wait_until("all has come", || {
            let lines = listening.lines.lock().unwrap();
            lines.iter().filter(|line| line.contains("the same line")).count() >= all
        });
        let (lines, told) = listening.end();
        let count = lines.iter().filter(|line| line.contains("the same line")).count();
        let is_said = told.contains("may be repeated");
        assert!(count == all || is_said && count < all + all / 10, "{count} of {all}: {told}");
    }
}

/// A cluster that shares a file grows and shrinks while one follows all, and one of it.
pub(crate) fn what_is_left_of_a_cluster_is_told_once() {
    let text = "let n = 0; setInterval(() => console.log('web ' + process.pid + ' ' + n++), 10);";
    let cluster = json!({"exec_mode": "cluster", "instances": 2, "merge_logs": true});
    let home = Pm2Home::with(Release::Seven, &[script("web", "js", text).with(cluster)]);
    let [first, second] = [0, 1].map(|at| home.jlist()[at].pid.to_string());
    let follow = |target: &str| {
        let arguments = ["logs", target, "-f", "--raw", "-n", "0"];
        Listening::of(program(home.path(), &arguments))
    };
    let [all, one] = ["all", "id:0"].map(follow);
    let has = |listening: &Listening, word: &str| {
        let lines = listening.lines.lock().unwrap();
        lines.iter().filter(|line| line.contains(word)).count() > 20
    };
    wait_until("both are followed", || {
        has(&all, &first) && has(&all, &second) && has(&one, &first)
    });
    assert!(home.cli(&["scale", "web", "3"]).status.success());
    let third = home.jlist().last().unwrap().pid.to_string();
    wait_until("the third is followed", || has(&all, &third));
    assert!(home.cli(&["delete", "1"]).status.success());
    assert!(home.cli(&["delete", "2"]).status.success());
    home.start(&[namer("other")]);
    wait_until("another one is followed", || has(&all, "other "));
    let (lines, told) = one.end();
    let is_first = |line: &&String| line.contains(&first);
    assert!(lines.iter().all(|line| is_first(&line)), "{told}");
    let (lines, told) = all.end();
    for pid in [first, second, third] {
        let word = format!("web {pid} ");
        let numbers: Vec<u64> =
            lines.iter().filter_map(|line| line.strip_prefix(&word)?.parse().ok()).collect();
        let is_next = numbers.windows(2).all(|two| two[1] == two[0] + 1);
        assert!(is_next, "{pid}: {numbers:?}; it said: {told}");
    }
}

/// Where in its file the bus begins is not known for a while: an end that comes meanwhile waits for the words before it.
pub(crate) fn an_end_stands_behind_the_last_words_from_the_start_on() {
    // Lines that are all alike may be printed twice.
    let text = "console.log('late starts ' + process.pid);\n\
                setTimeout(() => console.error('late dies ' + process.pid), 600);\n\
                setTimeout(() => process.exit(7), 650);";
    let app = script("late", "js", text).with(json!({"max_restarts": 1_000}));
    let home = Pm2Home::with(Release::Seven, &[app]);
    // What is looked for is known once an entry is whole: a moment after its line came.
    let grep = ["--grep", "late|exit|started"];
    for filter in [&[][..], &grep, &[]] {
        let arguments = ["logs", "late", "-f", "-n", "0", "--events", "--json"];
        let listening = Listening::of(program(home.path(), &[&arguments[..], filter].concat()));
        let is = |line: &str, field: &str, wanted: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line[field].as_str().is_some_and(|text| text.starts_with(wanted))
        };
        let ends = |lines: &[String]| lines.iter().filter(|line| is(line, "event", "exit")).count();
        wait_until("it has ended", || ends(&listening.lines.lock().unwrap()) >= 3);
        let (lines, told) = listening.end();
        let kinds: String = lines
            .iter()
            .filter_map(|line| match () {
                () if is(line, "event", "exit") => Some('X'),
                () if is(line, "event", "online") => Some('O'),
                () if is(line, "text", "late dies") => Some('d'),
                () if is(line, "text", "late starts") => Some('s'),
                () => None,
            })
            .collect();
        // It may begin anywhere in a life.
        assert!("dXOs".repeat(99).contains(&kinds), "{kinds}: {lines:?}; it said: {told}");
    }
}

/// How far the clock in lines may go back, milliseconds: what came on no bus has an estimate between the start of its
/// process and what that said next.
const BACK_MAX_MS: i64 = 500;

/// A line of a process that says who it is, its number and when that was.
struct Numbered {
    /// Its app and id, which of its outputs, and its pid.
    of: (String, String, String),
    number: u64,
    at_ms: i64,
}

impl Numbered {
    fn of(line: &serde_json::Value) -> Option<Self> {
        let words: Vec<&str> = line["text"].as_str()?.split(' ').collect();
        let [label, output, pid, number, at_ms] = words.as_slice() else { return None };
        let of = ((*label).to_owned(), (*output).to_owned(), (*pid).to_owned());
        Some(Self { of, number: number.parse().ok()?, at_ms: at_ms.parse().ok()? })
    }
}

/// The daemon is killed and comes back: what came on no bus stands among what did, in the order of time over all
/// processes, and each start before the first line of its life.
pub(crate) fn what_is_told_after_the_daemon_is_in_the_order_of_time() {
    let says = |output: &str, call: &str, every_ms: u32| {
        format!(
            "let {output} = 0; setInterval(() => console.{call}(process.env.name + '[' + \
             process.env.pm_id + '] {output} ' + process.pid + ' ' + {output}++ + ' ' + \
             Date.now()), {every_ms});\n"
        )
    };
    let out = says("out", "log", 10);
    let shared = json!({"instances": 2, "exec_mode": "fork", "merge_logs": true});
    let apps = [
        script("alone", "js", [out.clone(), says("err", "error", 25)].concat()),
        script("several", "js", out).with(shared),
    ];
    let home = Pm2Home::with(Release::Seven, &apps);
    assert!(home.cli(&["save"]).status.success());
    let listening =
        Listening::of(program(home.path(), &["logs", "-f", "-n", "0", "--events", "--json"]));
    wait_until("it follows", || listening.count() > 500);
    for _ in 0..2 {
        let god = home.living_god();
        god.signal(Signal::KILL);
        wait_until("the daemon is gone", || !god.is_alive());
        let before = listening.count();
        assert!(home.cli(&["resurrect"]).status.success());
        let pids: Vec<String> = home.jlist().iter().map(|it| format!(" {} 150 ", it.pid)).collect();
        wait_until("all go on", || {
            let lines = listening.lines.lock().unwrap();
            let has = |pid: &String| lines.iter().skip(before).any(|line| line.contains(pid));
            pids.iter().all(has)
        });
    }
    let (lines, told) = listening.end();
    assert!(!told.contains("missing") && !told.contains("repeated"), "{told}");
    assert_in_order(&lines);
}

/// Whoever ends it while the bus is away, or before it is known whose lines came, gets what the files hold.
pub(crate) fn what_files_hold_is_told_at_the_end() {
    let text =
        "let n = 0; setInterval(() => console.log('L ' + process.pid + ' ' + n++ + '.'), 10);";
    let app = script("worker", "js", text).with(json!({"exec_mode": "cluster", "instances": 2}));
    let home = Pm2Home::with(Release::Seven, &[app]);
    let logs = home.path().join("logs");
    let written = || -> Vec<String> {
        let files = fs::read_dir(&logs).unwrap().map(|file| file.unwrap().path());
        let texts = files.map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
        let is_whole = |line: &&str| line.starts_with("L ") && line.ends_with('.');
        texts.lines().filter(is_whole).map(str::to_owned).collect()
    };
    assert!(home.cli(&["save"]).status.success());
    // What a bus that is there has not brought yet is nothing that is held: this one stays away.
    let relay = Relay::before(home.path());
    let mut following = program(home.path(), &["logs", "-f", "--raw", "-n", "100000"]);
    following.env("PM2_DAEMON_RPC_PORT", relay.folder().join("rpc.sock"));
    following.env("PM2_DAEMON_PUB_PORT", relay.bus());
    let listening = Listening::of(following);
    wait_until("it follows", || listening.count() > 300);
    relay.cut();
    let god = home.living_god();
    god.signal(Signal::KILL);
    wait_until("the daemon is gone", || !god.is_alive());
    let before = written().len();
    assert!(home.cli(&["resurrect"]).status.success());
    wait_until("the next ones log", || written().len() > before + 40);
    let wanted = written();
    let (lines, told) = listening.end();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for line in &lines {
        *counts.entry(line).or_default() += 1;
    }
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}: {told}");
    let missing: Vec<_> = wanted.iter().filter(|line| !counts.contains_key(&***line)).collect();
    assert!(missing.is_empty(), "{missing:?}: {told}");
}

/// No number is missing or there twice, each life begins behind its start, and the clock hardly goes back.
fn assert_in_order(lines: &[String]) {
    let mut next: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    let mut started: BTreeMap<String, usize> = BTreeMap::new();
    let (mut latest_ms, mut back_ms, mut daemons) = (0, 0, 0);
    for line in lines {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let process = line["process"].as_str().unwrap();
        match line["event"].as_str() {
            Some("online") => *started.entry(process.to_owned()).or_default() += 1,
            Some("pm2") => daemons += 1,
            _ => {}
        }
        let Some(Numbered { of, number, at_ms }) = Numbered::of(&line) else { continue };
        let (label, is_first) = (of.0.clone(), !next.contains_key(&of));
        let wanted = next.entry(of).or_insert(number);
        assert_eq!(number, *wanted, "{line}");
        *wanted += 1;
        if is_first && daemons > 0 {
            assert_eq!(number, 0, "{line}");
            assert_eq!(started.get(&label), Some(&daemons), "before its start: {line}");
        }
        back_ms = back_ms.max(latest_ms - at_ms);
        latest_ms = latest_ms.max(at_ms);
    }
    assert_eq!((daemons, next.len()), (2, 12), "{started:?}");
    assert!(back_ms <= BACK_MAX_MS, "the clock went back by {back_ms} ms");
}
