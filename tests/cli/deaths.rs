//! Each way to die of docs/pm2-ops.md section 2 on a real PM2: told in its words by who watched, and by who
//! came afterwards.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pm2_tui::daemon::inbox::{Inbox, InboxBounds};
use pm2_tui::daemon::{self, Endpoint, Options};
use pm2_tui::model::apply::apply;
use pm2_tui::model::daemon::{BusState, Daemon};
use pm2_tui::model::death::{BlackBox, words};
use pm2_tui::model::moment::Moment;
use pm2_tui::model::watched::Watched;
use pm2_tui::model::{DaemonId, ProcessKey};
use pm2_tui::protocol::process::PmId;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::program::pm2_tui;
use crate::harness::apps::{self, App, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::Proc;
use crate::harness::{PATIENCE, now, poll_for, wait_until};

const CODE_3: &[&str] = &["ended by itself with exit code 3"];
const D: DaemonId = DaemonId(0);

/// A way to die: the app, and what is said of its last end when it was watched, and afterwards. Of
/// several sentences one must be there.
struct Way {
    app: App,
    watched: &'static [&'static str],
    afterwards: &'static [&'static str],
}

fn way(app: App, watched: &'static [&'static str], afterwards: &'static [&'static str]) -> Way {
    Way { app, watched, afterwards }
}

/// One that dies by itself: 300 ms after its start, and only once.
fn dying(name: &str, how: &str, entry: &Value) -> App {
    let mut all = json!({ "autorestart": false });
    for (key, value) in entry.as_object().unwrap() {
        all[key] = value.clone();
    }
    script(name, "js", format!("setTimeout(function () {{ {how} }}, 300);")).with(all)
}

/// Those that die by themselves.
fn by_themselves() -> Vec<Way> {
    let heap = "var all = []; setInterval(function () { for (var i = 0; i < 1e5; i++) \
                all.push({ n: [i] }); }, 0);";
    let child = "set -e\nsleep 0.3\nsh -c 'kill -9 $$'\n";
    let python = "import time\ntime.sleep(0.3)\nraise ValueError('no 17')\n";
    vec![
        way(
            dying("zero", "process.exit(0);", &json!({})),
            &["ended with exit code 0 or SIGINT, after"],
            &["ended with exit code 0 or SIGINT, after"],
        ),
        way(dying("code", "process.exit(3);", &json!({})), CODE_3, CODE_3),
        way(
            dying("throws", "throw new TypeError('bad config');", &json!({})),
            &["uncaught exception: TypeError: bad config, exit code 1, after"],
            // PM2 closes the file at the exit: on a busy machine the last words come later.
            &["uncaught exception: TypeError: bad config", "ended by itself with exit code 1"],
        ),
        way(
            dying(
                "clustered",
                "throw new TypeError('bad worker');",
                &json!({"exec_mode": "cluster"}),
            ),
            &["uncaught exception: TypeError: bad worker, after"],
            // What a cluster worker says last may never get into its file.
            &[
                "uncaught exception: TypeError: bad worker",
                "exit code 0 or SIGINT, which PM2 also reports for a worker that threw",
            ],
        ),
        way(
            dying("rejects", "Promise.reject(new Error('no 4711'));", &json!({"pmx": false})),
            &["uncaught exception: Error: no 4711"],
            &["uncaught exception: Error: no 4711", "ended by itself with exit code 1"],
        ),
        way(
            dying("aborts", "process.abort();", &json!({})),
            &["crashed in native code (SIGABRT)"],
            &["crashed in native code (SIGABRT)"],
        ),
        way(
            script("heap", "js", heap)
                .with(json!({"node_args": "--max-old-space-size=24", "autorestart": false})),
            &["its JavaScript heap was full"],
            &["its JavaScript heap was full"],
        ),
        way(
            script("child", "sh", child).with(json!({"interpreter": "bash", "autorestart": false})),
            &["exit code 137: a child of its shell was killed by SIGKILL"],
            &["exit code 137: a child of its shell was killed by SIGKILL"],
        ),
        way(
            dying("own", "process.exit(137);", &json!({})),
            &["ended with exit code 137, of its own or as a shell gives it"],
            &["ended with exit code 137, of its own or as a shell gives it"],
        ),
        way(
            script("python", "py", python)
                .with(json!({"interpreter": "python3", "autorestart": false})),
            &["uncaught exception: ValueError: no 17"],
            &["uncaught exception: ValueError: no 17", "ended by itself with exit code 1"],
        ),
    ]
}

/// Those whose end PM2 answers, or causes, in a way of its own.
fn by_pm2(port: u16) -> Vec<Way> {
    let memory = "var kept = Buffer.alloc(120e6, 1);\n\
                  setInterval(function () { return kept; }, 1e3);";
    let listens = format!("require('net').createServer().listen({port}, '127.0.0.1');");
    vec![
        way(
            dying("port", &listens, &json!({})),
            &["EADDRINUSE"],
            &["EADDRINUSE", "ended by itself with exit code 1"],
        ),
        way(
            dying(
                "stopcode",
                "process.exit(7);",
                &json!({"autorestart": true, "stop_exit_codes": [7]}),
            ),
            &["exit code 7"],
            &["exit code 7"],
        ),
        way(
            dying(
                "loops",
                "process.exit(3);",
                &json!({"autorestart": true, "max_restarts": 2, "min_uptime": 20_000}),
            ),
            CODE_3,
            CODE_3,
        ),
        way(
            dying(
                "later",
                "process.exit(3);",
                &json!({"autorestart": true, "restart_delay": 600_000}),
            ),
            CODE_3,
            CODE_3,
        ),
        way(
            dying(
                "backoff",
                "process.exit(3);",
                &json!({"autorestart": true, "exp_backoff_restart_delay": 10_000}),
            ),
            CODE_3,
            CODE_3,
        ),
        way(
            script("memory", "js", memory).with(json!({"max_memory_restart": "60M"})),
            &["over its memory limit"],
            &["over its memory limit"],
        ),
        way(
            apps::sleeper("cron").with(json!({
                "interpreter": "none", "args": ["86400"], "cron_restart": "*/2 * * * * *"
            })),
            &["its cron_restart was due"],
            // PM2's log has whole seconds, and says the same of every restart of such a process.
            &["its cron_restart was due"],
        ),
    ]
}

/// Those that something is done to.
fn by_others(home: &Pm2Home) -> Vec<Way> {
    let seen = home.apps().join("seen");
    std::fs::create_dir(&seen).unwrap();
    let stubborn = "process.on('SIGINT', function () {}); setInterval(function () {}, 1e9);\n\
                    require('fs').writeFileSync('stubborn.ready', '');";
    vec![
        way(
            apps::sleeper("terminated"),
            &["killed by SIGTERM, from outside PM2"],
            &["killed by SIGTERM, from outside PM2"],
        ),
        way(
            apps::sleeper("killed"),
            // Where the kernel counts what it kills.
            &[
                "killed by SIGKILL from outside PM2 or by its signal command (kill -9, a",
                "killed by SIGKILL (by the kernel because memory ran out, or kill -9, a supervisor)",
            ],
            // Where it has killed none since it started.
            &[
                "killed by SIGKILL from outside PM2 or by its signal command (kill -9, a",
                "killed by SIGKILL (by the kernel because memory ran out, or kill -9, a supervisor)",
            ],
        ),
        way(
            apps::sleeper("faulty"),
            &["crashed in native code (SIGSEGV)"],
            &["crashed in native code (SIGSEGV)"],
        ),
        way(
            apps::sleeper("restarted"),
            &["restarted by another client"],
            &["ended by PM2 on request: a restart, a reload, or a stop"],
        ),
        way(
            apps::sleeper("stopped"),
            &["stopped by another client"],
            &["ended by PM2 on request: a stop"],
        ),
        way(
            script("stubborn", "js", stubborn).with(json!({"kill_timeout": 700})),
            &["killed by SIGKILL since it did not end in its kill_timeout"],
            &["killed by SIGKILL since it did not end in its kill_timeout"],
        ),
        way(
            script("reloaded", "js", "require('http').createServer().listen(0);")
                .with(json!({"exec_mode": "cluster", "instances": 1})),
            &["reloaded by another client"],
            &["replaced by a reload"],
        ),
        way(
            apps::idle("watching").with(json!({ "watch": [seen] })),
            &["changed (watch)"],
            &["changed (watch)"],
        ),
        way(
            apps::idle("scriptless").with(json!({"max_restarts": 3, "min_uptime": 600_000})),
            &["Cannot find module"],
            &["Cannot find module"],
        ),
    ]
}

/// A daemon that is watched as the screen does it.
struct Watching {
    watched: Arc<Mutex<Watched>>,
    is_over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watching {
    fn start(home: &Pm2Home) -> Self {
        let daemon = Daemon::new(D, "here", "/home", 200);
        let watched = Arc::new(Mutex::new(Watched::new(vec![daemon])));
        let is_over = Arc::new(AtomicBool::new(false));
        let (shared, over) = (Arc::clone(&watched), Arc::clone(&is_over));
        let endpoint = Endpoint::in_home(home.path());
        let watch = async move {
            let inbox = Inbox::new(InboxBounds::default());
            let options = Options { interval: Duration::from_millis(200), ..Options::default() };
            let handle = daemon::spawn(D, endpoint, options, inbox.clone());
            let started = now();
            let mut batch = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let _ = tokio::time::timeout(Duration::from_millis(50), inbox.ready()).await;
                inbox.take(&mut batch, usize::MAX);
                let mut watched = shared.lock().unwrap_or_else(PoisonError::into_inner);
                for (id, report) in batch.drain(..) {
                    let steady_ms = started.elapsed().as_millis() as i64;
                    let wall_ms = pm2_tui::demo::epoch_ms();
                    apply(&mut watched, id, report, Moment { wall_ms, steady_ms });
                }
            }
            handle.shut_down().await;
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(watch);
        });
        let watching = Self { watched, is_over, thread: Some(thread) };
        wait_until("the bus is heard", || {
            watching.look(|watched| {
                let daemon = &watched.daemons[0];
                daemon.is_live() && daemon.bus == BusState::Live
            })
        });
        watching
    }

    fn look<T>(&self, look: impl FnOnce(&Watched) -> T) -> T {
        look(&self.watched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is said of the last end of a process, and what followed.
    fn told(&self, pm_id: u64) -> String {
        self.look(|watched| {
            let key = ProcessKey { daemon: D, pm_id: PmId(pm_id as u32) };
            let black_box = watched.boxes.get(key);
            let last = black_box.and_then(BlackBox::last);
            let told = last.map(|death| {
                let seen = if death.is_watched { "watched" } else { "made up" };
                format!("{seen}: {}; {}", words::sentence(death), words::follows(&death.follows))
            });
            let not_started = black_box.and_then(BlackBox::not_started).unwrap_or_default();
            format!("{} {not_started}", told.unwrap_or_default())
        })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How long to wait for the next: not long where the trial has failed already.
fn patience(wrong: &[String]) -> Duration {
    if wrong.is_empty() { PATIENCE * 2 } else { Duration::from_secs(2) }
}

fn has_one(told: &str, wanted: &[&str]) -> bool {
    wanted.iter().any(|words| told.contains(words))
}

/// Does to those what is to be done.
fn kill_them(home: &Pm2Home) {
    let signal = |name: &str, signal| Proc::find(home.one(name).pid).unwrap().signal(signal);
    signal("terminated", Signal::TERM);
    signal("killed", Signal::KILL);
    signal("faulty", Signal::SEGV);
    std::fs::remove_file(home.apps().join("scriptless.js")).unwrap();
    signal("scriptless", Signal::KILL);
    home.cli(&["restart", "restarted"]);
    home.cli(&["stop", "stopped"]);
    wait_until("it heeds no SIGINT", || home.apps().join("stubborn.ready").exists());
    home.cli(&["restart", "stubborn"]);
    home.cli(&["reload", "reloaded"]);
    // PM2 watches a while after the start.
    let mut touched = 0;
    wait_until("what watches is restarted", || {
        touched += 1;
        std::fs::write(home.apps().join("seen/a.txt"), touched.to_string()).unwrap();
        home.one("watching").restarts > 0
    });
}

pub(crate) fn each_way_is_told_by_who_watched_and_afterwards(release: Release) {
    let home = Pm2Home::empty(release);
    // Its worker looks at memory every 30 s otherwise.
    let mut ping = home.command(&["ping"]);
    ping.env("PM2_WORKER_INTERVAL", "1500");
    assert!(ping.output().unwrap().status.success());
    home.cli(&["ping"]);
    let watching = Watching::start(&home);
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut ways = by_others(&home);
    ways.extend(by_themselves());
    ways.extend(by_pm2(taken.local_addr().unwrap().port()));
    let apps: Vec<App> = ways.iter().map(|way| way.app.clone()).collect();
    home.start(&apps);
    kill_them(&home);
    let ids: Vec<u64> = ways.iter().map(|way| home.one(&way.app.name).pm_id).collect();
    let mut wrong = Vec::new();
    for (way, id) in ways.iter().zip(&ids) {
        let mut told = String::new();
        let is_told = poll_for(patience(&wrong), || {
            told = watching.told(*id);
            (told.starts_with("watched") && has_one(&told, way.watched)).then_some(())
        });
        if is_told.is_none() {
            wrong.push(format!("{}, watched: {told}", way.app.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let follows = |name: &str| watching.told(home.one(name).pm_id);
    assert!(follows("stopcode").contains("PM2 leaves it stopped"), "{}", follows("stopcode"));
    wait_until("it is given up", || follows("loops").contains("PM2 gave up at max_restarts 2"));
    // One that PM2 cannot start blinds it for the memory of all: so it comes last.
    home.add_ghost("ghost");
    let ghost = home.one("ghost").pm_id;
    wait_until("it is told", || watching.told(ghost).contains("spawn "));
    for says in ["TypeError: bad config", "TypeError: bad worker", "ValueError: no 17"] {
        wait_until(&format!("{says} is grouped"), || {
            watching.look(|watched| {
                let groups = watched.exceptions.latest_first();
                groups.into_iter().any(|group| group.says().contains(says))
            })
        });
    }
    drop(watching);
    afterwards(&home, &ways, &ids);
}

/// Nobody watched, as far as these know.
fn afterwards(home: &Pm2Home, ways: &[Way], ids: &[u64]) {
    let late = Watching::start(home);
    let mut wrong = Vec::new();
    for (way, id) in ways.iter().zip(ids) {
        let name = &way.app.name;
        let why = pm2_tui(home.path(), &["why", &format!("id:{id}"), "--lives", "1"]).with(0);
        if !has_one(&why.out, way.afterwards) {
            wrong.push(format!("{name}, afterwards: {}", why.out));
        }
        let mut told = String::new();
        let is_told = poll_for(patience(&wrong), || {
            told = late.told(*id);
            // What ends again and again is watched now; of its first end this may have heard a part.
            (told.starts_with("watched") || has_one(&told, way.afterwards)).then_some(())
        });
        if is_told.is_none() {
            wrong.push(format!("{name}, on the screen afterwards: {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let why = |name: &str| pm2_tui(home.path(), &["why", name]).with(0).out;
    assert!(why("loops").contains("PM2 gave up at max_restarts 2"), "{}", why("loops"));
    assert!(why("ghost").contains("could not be started: spawn "), "{}", why("ghost"));
    let json = pm2_tui(home.path(), &["why", "code", "--json"]).with(0).json();
    let death = &json[0]["deaths"][0];
    assert_eq!((&death["kind"], &death["exit_code"]), (&json!("exit"), &json!("3")), "{death}");
    assert_eq!((&death["exception"], &death["watched"]), (&json!(null), &json!(false)));
}

/// What the next life says first is none of the last words of the one that ended, though both are of the
/// same second: `time: true` writes whole seconds, and without it a line says no time at all.
pub(crate) fn last_words_are_of_the_life_that_ended() {
    let dies = "console.error('boot of ' + process.pid); console.error('config read');\n\
                setTimeout(function () { console.error('FATAL no database'); process.exit(1); }, 1100);";
    let apps = [
        script("timed", "js", dies).with(json!({"time": true})),
        script("timeless", "js", dies),
        script("delayed", "js", dies).with(json!({"restart_delay": 1_500})),
    ];
    let home = Pm2Home::with(Release::Seven, &apps);
    let mut clear = 0;
    for restarts in 1..=4 {
        for app in &apps {
            let name = &*app.name;
            wait_until("it has ended once more", || home.one(name).restarts >= restarts);
            let why = pm2_tui(home.path(), &["why", name, "--json"]).with(0).json();
            let death = &why[0]["deaths"][0];
            let said = death["last_lines"].as_array().unwrap();
            let last = said.last().and_then(Value::as_str).unwrap_or_default();
            if death["last_lines_are_unclear"] == true {
                assert!(said.iter().any(|line| line.as_str().unwrap().contains("FATAL")), "{why}");
                continue;
            }
            assert!(last.ends_with("FATAL no database"), "{name}, {restarts}: {why}");
            let boots = said.iter().filter(|line| line.as_str().unwrap().contains("boot of"));
            assert!(boots.count() <= 1 || death["last_lines_are_mixed"] == true, "{why}");
            clear += 1;
        }
    }
    assert!(clear >= 8, "{clear} of 12 were told for certain");
}
