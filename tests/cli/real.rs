//! The commands on a real PM2.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use super::program::{pm2_tui, program};
use crate::harness::apps::{self, LAST_LINE};
use crate::harness::home::Pm2Home;
use crate::harness::install::{Release, is_all};
use crate::harness::procfs::connections_to;
use crate::harness::wait_until;

pub(crate) fn processes_are_acted_on_and_nobody_else() {
    let home = Pm2Home::with(Release::Seven, &[apps::sleeper("one"), apps::sleeper("two")]);
    home.mark();
    let before = home.one("one");
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    let ended = run(&["restart", "one"]).with(0);
    assert!(ended.out.starts_with("restarted one[0], up 1."), "{ended:?}");
    let after = home.one("one");
    assert_ne!(before.pid, after.pid);
    assert_eq!((after.status.as_str(), after.restarts), ("online", 1));
    run(&["stop", "0"]).with(0);
    assert_eq!(home.one("one").status, "stopped");
    run(&["wait", "one", "--status", "stopped"]).with(0);
    run(&["check"]).with(1);
    run(&["start", "one"]).with(0);
    assert_eq!(home.one("one").status, "online");
    run(&["delete", "one"]).with(0);
    assert_eq!(home.jlist().len(), 1);
    home.assert_unharmed_but(&["one"]);
    home.add_ghost("ghost");
    assert!(run(&["check"]).with(1).out.contains("never started: there is no process"));
    assert!(run(&["restart", "ghost"]).with(1).err.contains("but it is down: never started"));
    // Because of it PM2 says 0 of all.
    let blind =
        "PM2 measures no CPU or memory while ghost[2] is online without a process: stop it\n";
    for [name, most] in [["--max-memory", "2G"], ["--max-cpu", "1000"]] {
        assert_eq!(run(&["check", "two", name, most, "--ask-pm2"]).with(1).out, blind);
        // Measured here.
        run(&["check", "two", name, most]).with(0);
    }
    run(&["check", "two", "--online", "--max-restarts", "9"]).with(0);
    let list = run(&["ls", "--json", "--filter", "two"]).with(0);
    assert_eq!(list.err, "");
    assert!(list.json()[0]["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{list:?}");
    let list = run(&["ls", "--json", "--ask-pm2"]).with(0);
    assert_eq!(list.err, format!("pm2-tui: {blind}"));
    for process in list.json().as_array().unwrap() {
        assert!(process["memory_bytes"].is_null() && process["cpu_percent"].is_null(), "{process}");
    }
    assert!(!run(&["ls", "--ask-pm2"]).with(0).out.contains("MiB"));
    let god = home.living_god();
    run(&["kill", "--yes"]).with(0);
    assert!(god.ends_within(crate::harness::PATIENCE));
    run(&["ls"]).with(3);
}

/// PM2 says nothing of it in its answer.
pub(crate) fn a_stop_that_took_a_kill_says_so() {
    let text = "process.on('SIGINT', () => {}); setInterval(() => {}, 1e9); \
                require('fs').writeFileSync('ready', '');";
    let stays = apps::script("stays", "js", text).with(serde_json::json!({"kill_timeout": 700}));
    let home = Pm2Home::with(Release::Seven, &[stays, apps::sleeper("goes")]);
    wait_until("it has its handler", || home.apps().join("ready").exists());
    let ended = pm2_tui(home.path(), &["stop", "stays", "goes"]).with(0);
    let mut lines: Vec<&str> = ended.out.lines().collect();
    lines.sort_unstable();
    let killed = "stopped stays[0] by SIGKILL: it did not end in its kill_timeout, 0.7 s";
    assert_eq!(lines, ["stopped goes[1]", killed]);
}

/// PM2's own figure is that since whoever asked last, which is noise where it is asked often.
pub(crate) fn cpu_is_that_of_a_known_span() {
    let text = "const used = () => { const it = process.cpuUsage(); return it.user + it.system; };
setInterval(() => { const end = used() + 10_000; while (used() < end); }, 100);";
    let home = Pm2Home::with(Release::Seven, &[apps::script("tenth", "js", text)]);
    home.mark();
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments).with(0);
    // At most a tenth of a core by its program, and Node's own start, which is over by then.
    run(&["wait", "tenth", "--status", "online", "--for", "2s"]);
    let (mut found, mut since_start) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        let listed = run(&["top", "-n", "1", "--json"]).json();
        found.push(listed["processes"][0]["cpu_percent"].as_f64().unwrap());
        let listed = run(&["ls", "--json"]).json();
        since_start.push(listed[0]["cpu_percent"].as_f64().unwrap());
    }
    // Of all its life, its start too: it moves little.
    let least = since_start.iter().copied().fold(f64::MAX, f64::min);
    let most = since_start.iter().copied().fold(0.0, f64::max);
    assert!(least >= 1.0 && most - least <= 20.0, "{since_start:?}");
    assert!(found.iter().all(|cpu| *cpu <= 20.0), "{found:?}");
    assert!(found.iter().sum::<f64>() >= 4.0, "{found:?}");
    for _ in 0..4 {
        run(&["check", "--max-cpu", "20"]);
    }
    let own = run(&["describe", "tenth", "--json"]).json().to_string();
    assert!(own.contains("cpu_percent"), "{own}");
    let twice = run(&["top", "-n", "2", "--interval", "0.5", "--json"]).out;
    assert_eq!(twice.lines().count(), 2, "{twice}");
    home.assert_unharmed_but(&[]);
}

pub(crate) fn a_word_that_means_two_processes_acts_on_none() {
    let jobs = apps::sleeper("0").with(serde_json::json!({
        "interpreter": "none", "args": ["86400"], "namespace": "7"
    }));
    let apps = [apps::sleeper("zero"), jobs, apps::sleeper("id:0"), apps::sleeper("08")];
    let home = Pm2Home::with(Release::Seven, &apps);
    home.mark();
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    for arguments in [
        &["restart", "0"][..],
        &["stop", "zero", "0"],
        &["delete", "0"],
        &["reload", "0"],
        &["start", "0"],
        &["send", "0", "hello"],
        &["check", "0"],
        &["wait", "0", "--status", "online", "--timeout", "5s"],
    ] {
        let ended = run(arguments).with(2);
        let said = "`0` is ambiguous: the id of zero[0] and the name of 0[1]; use id:0 or name:0";
        assert!(ended.err.contains(said), "{arguments:?}: {ended:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
    }
    assert!(run(&["stop", "id:0"]).with(2).err.contains("use an id or name:id:0"));
    assert!(run(&["stop", "id:08"]).with(1).err.contains("no process has the id `08`"));
    home.assert_unharmed_but(&[]);
    for (word, said) in [
        ("name:0", "stopped 0[1]"),
        ("ns:7", "0[1] is stopped already"),
        ("7", "0[1] is stopped already"),
        ("name:id:0", "stopped id:0[2]"),
        ("id:2", "id:0[2] is stopped already"),
        ("08", "stopped 08[3]"),
    ] {
        assert_eq!(run(&["stop", word]).with(0).out, format!("{said}\n"), "{word}");
    }
    home.assert_unharmed_but(&["0", "id:0", "08"]);
}

pub(crate) fn a_broken_release_is_noticed() {
    let text = "require('http').createServer((q, a) => a.end()).listen(0, '127.0.0.1', () =>
  require('fs').writeFileSync(`${process.env.READY}/web-${process.env.NODE_APP_INSTANCE}`, ''));";
    let web = apps::script("web", "js", text)
        .with(serde_json::json!({"exec_mode": "cluster", "instances": 2}));
    let home = Pm2Home::with(Release::Seven, &[web, apps::sleeper("other")]);
    // PM2 calls a worker online before it has read its script.
    wait_until("both have read the good release", || {
        ["web-0", "web-1"].iter().all(|file| home.apps().join(file).is_file())
    });
    home.mark();
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    let ended = run(&["start", "web"]).with(0);
    let workers: Vec<_> = home.jlist().into_iter().filter(|one| one.name == "web").collect();
    let [first, second] = &workers[..] else { panic!("{workers:?}") };
    for worker in &workers {
        assert!(ended.out.contains(&format!("web[{}] is online already\n", worker.pm_id)));
    }
    home.assert_unharmed_but(&[]);

    let script = home.apps().join("web.js");
    fs::write(&script, "throw new Error('a bad release');").unwrap();
    let ended = run(&["reload", "web"]).with(1);
    assert_eq!(ended.out, "", "none is called reloaded: {ended:?}");
    let down = format!("reloaded web[{}], but it is down: ", first.pm_id);
    assert!(ended.err.contains(&down) && ended.err.contains("a bad release"), "{ended:?}");
    assert!(ended.err.contains(&format!("web[{}]: left alone", second.pm_id)), "{ended:?}");
    let still = home.jlist().into_iter().find(|one| one.pm_id == second.pm_id).unwrap();
    assert_eq!((still.pid, still.status.as_str()), (second.pid, "online"), "it still serves");
    // It crashes at any moment of this.
    run(&["delete", "web"]).with(0);
    assert!(home.jlist().iter().all(|one| one.name == "other"), "{:?}", home.jlist());
    home.assert_unharmed_but(&["web"]);
}

/// Two `reloadLogs` at a time end a God daemon, whoever sends them.
pub(crate) fn programs_take_turns_to_reload_logs() {
    let home = Pm2Home::with(Release::Seven, &[apps::cluster("web"), apps::ticker("one")]);
    home.mark();
    let call = || program(home.path(), &["call", "reloadLogs"]).stdout(Stdio::null()).spawn();
    let all: Vec<_> = (0..4).map(|_| call().unwrap()).collect();
    for mut one in all {
        assert!(one.wait().unwrap().success());
    }
    home.assert_unharmed_but(&[]);
}

pub(crate) fn a_closed_pipe_stops_no_action() {
    let names = ["a", "b", "c", "d", "e"];
    let home = Pm2Home::with(Release::Seven, &names.map(apps::sleeper));
    let mut stop = program(home.path(), &[&["stop"][..], &names].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(stop.stdout.take());
    assert_eq!(stop.wait().unwrap().code(), Some(0));
    assert!(home.jlist().iter().all(|one| one.status == "stopped"), "{:?}", home.jlist());
}

pub(crate) fn bad_calls_leave_the_daemon_and_its_apps_alone() {
    let home = Pm2Home::with(Release::Seven, &[apps::sleeper("one"), apps::cluster("two")]);
    home.mark();
    let methods = pm2_tui(home.path(), &["methods", "--json"]).with(0).json();
    let own = methods.as_array().unwrap().iter().filter(|method| method["source"] == "daemon");
    let names: Vec<&str> = own.map(|method| method["name"].as_str().unwrap()).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        for args in
            [&["null"][..], &["9999", "{}", "1"], &["[1"], &["nonsense"], &["{\"id\": 9999}"]]
        {
            // What ends the daemon is what it is for.
            if matches!(name, "killMe" | "notifyKillPM2") {
                continue;
            }
            let arguments = [&["call", name], args, &["--timeout", "5s"]].concat();
            let ended = pm2_tui(home.path(), &arguments);
            assert!(ended.code <= 2, "{arguments:?}: {ended:?}");
            assert!(ended.code == 0 || ended.err.lines().count() == 1, "{arguments:?}: {ended:?}");
        }
    }
    home.assert_unharmed_but(&[]);
}

pub(crate) fn a_burst_of_lines_comes_whole() {
    let count = if is_all() { 1_000_000 } else { 300_000 };
    // The program is not optimized here: without the pauses lines come faster than it prints them. What
    // a release build takes, the bench `side_by_side -- --bursts` measures.
    let home = Pm2Home::with(Release::Seven, &[apps::flood("flood", count, 20)]);
    let mut child = program(home.path(), &["events", "log:out", "--json", "--chunks"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    // The flood waits for the file.
    wait_until("it reads the bus", || connections_to(&home.bus()).len() == 1);
    fs::write(home.apps().join("go"), "").unwrap();
    // Taken as fast as it comes, and looked at when all is there: nobody waits for this test.
    let mut taken = Vec::with_capacity(256 << 20);
    let is_last = |taken: &[u8]| {
        let tail = taken.get(taken.len().saturating_sub(256 << 10)..).unwrap_or_default();
        taken.ends_with(b"\n") && memchr::memmem::find(tail, LAST_LINE.as_bytes()).is_some()
    };
    let mut piece = vec![0; 1 << 20];
    while !is_last(&taken) {
        let count = out.read(&mut piece).unwrap();
        assert!(count > 0, "it ended before the burst did");
        taken.extend_from_slice(&piece[..count]);
    }
    // Its output has no reader any more.
    drop(out);
    let mut burst = Burst::default();
    for line in taken.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: serde_json::Value = serde_json::from_slice(line).unwrap();
        burst.take(event["data"]["data"].as_str().unwrap());
    }
    assert!(burst.is_over);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "nothing is lost");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(u64::try_from(burst.lines), Ok(count - 1));
}

/// Counts the lines of a flood, each of which must be the next.
#[derive(Default)]
struct Burst {
    begun: String,
    lines: usize,
    is_over: bool,
}

impl Burst {
    fn take(&mut self, chunk: &str) {
        self.begun.push_str(chunk);
        let Some(end) = self.begun.rfind('\n') else { return };
        for line in self.begun.get(..end).unwrap_or_default().lines() {
            if line == LAST_LINE {
                self.is_over = true;
                continue;
            }
            self.lines += 1;
            let wanted = format!("{:09} ", self.lines);
            assert!(line.starts_with(&wanted), "{wanted}is {line}");
        }
        self.begun.drain(..=end);
    }
}
