//! `logs` of one of several processes that write the same file.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::followed::Listening;
use super::program::{pm2_tui, program};
use crate::harness::apps::{App, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::Proc;
use crate::harness::wait_until;

/// An app that says its pid and a number again and again.
fn counted(name: &str) -> App {
    let text = "let n = 0; setInterval(() => console.log(`pid ${process.pid} ${n++} `), 20);";
    script(name, "js", text)
}

/// A line as it was printed: who, what, and whether its time is an estimate.
fn read(line: &str) -> (String, String, bool) {
    let line: Value = serde_json::from_str(line).unwrap();
    let part = |field: &str| line[field].as_str().unwrap().to_owned();
    (part("process"), part("text"), line["is_estimated"].as_bool().unwrap())
}

impl Listening {
    fn read(&self) -> Vec<(String, String, bool)> {
        self.lines.lock().unwrap().iter().map(|line| read(line)).collect()
    }

    fn wait_said(&self, words: &str) {
        wait_until(words, || self.told.lock().unwrap().contains(words));
    }

    /// Waits until more of that process came under that name.
    fn wait_of(&self, label: &str, pid: i32) {
        let word = format!("pid {pid} ");
        let count = || {
            let lines = self.read();
            lines.iter().filter(|(who, text, _)| who == label && text.starts_with(&word)).count()
        };
        let before = count();
        wait_until(&format!("lines of {pid} under {label}"), || count() > before + 20);
    }

    /// Ends it: that each line came once, and in the order of its process; its lines, and what it said.
    fn end_once(self) -> (Vec<(String, String, bool)>, String) {
        let (lines, told) = self.end();
        let lines: Vec<_> = lines.iter().map(|line| read(line)).collect();
        let mut seen = BTreeSet::new();
        for (who, text, _) in lines.iter().filter(|(_, text, _)| text.starts_with("pid ")) {
            assert!(seen.insert(text), "{text} of {who} twice; it said: {told}");
        }
        (lines, told)
    }
}

fn follow(home: &Pm2Home, target: &str) -> Listening {
    Listening::of(program(home.path(), &["logs", target, "-f", "--json", "-n", "0"]))
}

/// Each line under a name with an id came from one of these processes.
fn assert_said_by((lines, told): (&[(String, String, bool)], &str), label: &str, pids: &[i32]) {
    for (_, text, _) in lines.iter().filter(|(who, ..)| who == label) {
        let is_theirs = pids.iter().any(|pid| text.starts_with(&format!("pid {pid} ")));
        let is_right = is_theirs || !text.starts_with("pid ");
        assert!(is_right, "{text} under {label}, of {pids:?}; it said: {told}");
    }
}

/// One of a cluster is deleted, others come, and the daemon comes back: under its name stands what it said.
pub(crate) fn nothing_stands_under_an_id_that_is_gone() {
    let cluster = json!({"exec_mode": "cluster", "instances": 3, "merge_logs": true});
    let home = Pm2Home::with(Release::Seven, &[counted("web").with(cluster)]);
    let pid = |id: u64| home.jlist().iter().find(|one| one.pm_id == id).unwrap().pid;
    let (first, third) = (pid(0), pid(2));
    let [zero, two] = ["id:0", "id:2"].map(|target| follow(&home, target));
    zero.wait_of("web[0]", first);
    two.wait_of("web[2]", third);
    // What the file alone has is said by nobody for certain.
    let history = pm2_tui(home.path(), &["logs", "id:0", "-n", "200", "--json"]).with(0);
    let history: Vec<_> = history.out.lines().map(read).collect();
    assert!(history.len() > 50 && history.iter().all(|(who, ..)| who == "web"), "{history:?}");
    assert!(home.cli(&["save"]).status.success());
    assert!(home.cli(&["delete", "2"]).status.success());
    let gone = "process 2 (web) is gone; nothing of it is followed any more";
    two.wait_said(gone);
    assert!(home.cli(&["scale", "web", "4"]).status.success());
    zero.wait_of("web[0]", first);
    assert!(home.cli(&["kill"]).status.success());
    assert!(home.cli(&["resurrect"]).status.success());
    zero.wait_of("web[0]", pid(0));
    zero.wait_of("web[0]", pid(0));
    let (lines, told) = two.end_once();
    assert_said_by((&lines, &told), "web[2]", &[third]);
    assert!(lines.iter().all(|(who, ..)| who == "web[2]"), "{:?}", lines.last());
    assert_eq!(told.matches("is gone").count(), 1, "{told}");
    let pids = [first, pid(0)];
    let (lines, told) = zero.end_once();
    assert_said_by((&lines, &told), "web[0]", &pids);
    let is_marked = |(who, _, is_estimated): &(String, String, bool)| who != "web" || *is_estimated;
    assert!(lines.iter().all(is_marked), "what came of no bus has no time: {told}");
    assert!(!told.contains("is gone"), "{told}");
}

/// A process gets another name, another one its old one and its file; then the daemon dies.
pub(crate) fn what_writes_the_file_of_another_name_is_told_once() {
    let home = Pm2Home::with(Release::Seven, &[counted("web")]);
    let old = home.one("web").pid;
    let [by_name, by_id] = ["web", "id:0"].map(|target| follow(&home, target));
    by_name.wait_of("web[0]", old);
    by_id.wait_of("web[0]", old);
    assert!(home.cli(&["restart", "0", "--name", "new"]).status.success());
    by_id.wait_said("process 0 (web) is gone, its id is that of new; nothing of it");
    home.start(&[counted("web")]);
    let renamed = home.one("new").pid;
    let web = home.one("web").pid;
    by_name.wait_of("web[1]", web);
    by_id.wait_said("process 0 (web) is process 1 now");
    assert!(home.cli(&["save"]).status.success());
    home.living_god().signal(Signal::KILL);
    for pid in [renamed, web] {
        Proc::find(pid).unwrap().signal(Signal::KILL);
    }
    assert!(home.cli(&["resurrect"]).status.success());
    let again = home.one("web");
    for listening in [by_name, by_id] {
        listening.wait_of(&format!("web[{}]", again.pm_id), again.pid);
        let (lines, told) = listening.end_once();
        for label in ["web[0]", "web[1]"] {
            assert_said_by((&lines, &told), label, &[old, web, again.pid]);
        }
        let is_marked =
            |(who, _, is_estimated): &(String, String, bool)| who != "web" || *is_estimated;
        assert!(lines.iter().all(is_marked), "what came of no bus has no time: {told}");
    }
}
