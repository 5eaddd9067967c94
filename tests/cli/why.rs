//! `why` on a real PM2, started after everything has died.

use serde_json::json;

use super::program::pm2_tui;
use crate::harness::apps::{self, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::Proc;
use crate::harness::{PATIENCE, wait_until};

/// Processes that die, each in its way, and how that must be told.
pub(crate) fn each_way_to_die_is_told_afterwards() {
    let throws = "throw new TypeError('bad config');";
    let last = "setTimeout(function () { process.exit(7); }, 300);";
    let once = json!({"autorestart": false});
    let home = Pm2Home::with(
        Release::Seven,
        &[
            script("throws", "js", throws).with(json!({"max_restarts": 2, "min_uptime": 20_000})),
            script("leaves", "js", last).with(once.clone()),
            script("clustered", "js", throws)
                .with(json!({"exec_mode": "cluster", "max_restarts": 1, "min_uptime": 20_000})),
            apps::sleeper("killed"),
            apps::sleeper("good"),
            apps::sleeper("asked"),
            apps::delayed("waited"),
        ],
    );
    home.wait_status("throws", "errored");
    home.wait_status("clustered", "errored");
    home.wait_status("leaves", "stopped");
    let killed = Proc::find(home.one("killed").pid).unwrap();
    killed.signal(rustix::process::Signal::KILL);
    assert!(killed.ends_within(PATIENCE));
    wait_until("it is started again", || home.one("killed").restarts == 1);
    home.cli(&["restart", "asked"]);
    home.wait_status("waited", "waiting restart");
    home.cli(&["stop", "waited"]);
    home.wait_status("waited", "stopped");
    home.add_ghost("ghost");
    home.mark();

    let told = pm2_tui(home.path(), &["why", "all"]).with(0);
    for (name, words) in [
        ("throws", "uncaught exception: TypeError: bad config, exit code 1, after"),
        ("leaves", "ended by itself with exit code 7, after"),
        // What a cluster worker says last seldom gets into its file (docs/pm2-ops.md section 2.1).
        ("clustered", "PM2 gave up at max_restarts 1"),
        ("killed", "killed by SIGKILL"),
        ("good", "no exit is on record"),
        (
            "asked",
            "ended by PM2 on request: a restart, a reload, or a stop and a later start, after",
        ),
        ("waited", "it was stopped by somebody while it waited for its restart"),
        ("waited", "ended by itself with exit code 3, after"),
        ("ghost", "could not be started: spawn "),
    ] {
        let paragraph = told.out.split("\n\n").find(|text| text.starts_with(&format!("{name}[")));
        assert!(paragraph.is_some_and(|text| text.contains(words)), "{name}: {}", told.out);
    }
    assert!(told.out.contains("PM2 gave up at max_restarts 2"), "{}", told.out);
    // Of each of its ends, not of the newest alone, it is told what followed.
    let throws = told.out.split("\n\n").find(|text| text.starts_with("throws[")).unwrap();
    let again = throws.lines().filter(|line| line.trim().starts_with("it was started again "));
    assert_eq!(again.count(), throws.matches("exit code 1, after ").count() - 1, "{throws}");
    assert!(told.out.contains("    TypeError: bad config\n"), "{}", told.out);
    // PM2 says code 0 of each signal: `ls` looks it up as `why` does.
    let ends = pm2_tui(home.path(), &["ls", "--columns", "name,exit"]).with(0);
    let end = |name: &str| {
        let row = ends.out.lines().find(|line| line.starts_with(&format!("{name} ")));
        row.and_then(|row| row.split_whitespace().nth(1)).unwrap_or_default().to_owned()
    };
    assert_eq!([end("killed"), end("leaves")], ["SIGKILL", "7"], "{}", ends.out);
    let processes = pm2_tui(home.path(), &["ls", "--json"]).with(0).json();
    let killed = processes.as_array().unwrap().iter().find(|it| it["name"] == "killed").unwrap();
    assert_eq!(killed["signal"], "SIGKILL", "{killed}");
    let json = pm2_tui(home.path(), &["why", "throws", "--json", "--lives", "1"]).with(0).json();
    assert_eq!(json[0]["deaths"].as_array().unwrap().len(), 1);
    assert_eq!(json[0]["deaths"][0]["exit"], "code 1");
    assert!(json[0]["deaths"][0]["next_started_at"].is_null(), "{json}");
    let json = pm2_tui(home.path(), &["why", "throws", "--json"]).with(0).json();
    let older = &json[0]["deaths"][1];
    assert!(older["next_started_at"].as_i64() >= older["ended_at"].as_i64(), "{json}");
    assert!(pm2_tui(home.path(), &["why", "nobody"]).with(1).err.contains("nobody"));
    home.assert_unharmed_but(&[]);
}

/// PM2's log has them under other ids, of this daemon and of those before it.
pub(crate) fn ends_under_other_ids_and_daemons_are_told() {
    let leaves = "console.error('bye'); setTimeout(function () { process.exit(7); }, 200);";
    let home = Pm2Home::with(
        Release::Seven,
        &[
            apps::sleeper("first"),
            apps::sleeper("kept"),
            script("leaves", "js", leaves).with(json!({"autorestart": false})),
            apps::cluster("web"),
        ],
    );
    let killed = Proc::find(home.one("kept").pid).unwrap();
    killed.signal(rustix::process::Signal::KILL);
    wait_until("it is started again", || home.one("kept").restarts == 1);
    home.wait_status("leaves", "stopped");
    for arguments in
        [&["reload", "web"][..], &["delete", "first"], &["save"], &["kill"], &["resurrect"]]
    {
        assert!(home.cli(arguments).status.success(), "{arguments:?}");
    }
    let god = home.living_god();
    god.signal(rustix::process::Signal::TERM);
    assert!(god.ends_within(PATIENCE));
    for arguments in [&["resurrect"][..], &["delete", "kept"]] {
        assert!(home.cli(arguments).status.success(), "{arguments:?}");
    }
    home.start(&[apps::sleeper("kept")]);
    let id = home.one("kept").pm_id;

    let told = pm2_tui(home.path(), &["why", "kept"]).with(0).out;
    let mut place = 0;
    for words in [
        "ended by PM2 on request: a stop or a delete, after".to_owned(),
        format!("it was deleted, and started anew with id {id} "),
        "ended by PM2 because its daemon was stopped by a signal".to_owned(),
        "ended by PM2 because its daemon was stopped on request (pm2 kill".to_owned(),
        "killed by SIGKILL".to_owned(),
    ] {
        let at = told.get(place..).and_then(|rest| rest.find(&words));
        place += at.unwrap_or_else(|| panic!("{words}: {told}"));
    }
    let json = pm2_tui(home.path(), &["why", "kept", "--json"]).with(0).json();
    let kinds = json[0]["deaths"].as_array().unwrap().iter().map(|death| &death["kind"]);
    assert!(kinds.eq(["asked", "daemon", "daemon", "killed"]), "{json}");
    let told = pm2_tui(home.path(), &["why", "leaves"]).with(0).out;
    assert!(told.contains("ended by itself with exit code 7"), "{told}");
    assert!(told.ends_with("its last lines of standard error:\n    bye\n"), "{told}");
    let json = pm2_tui(home.path(), &["why", "web", "--json"]).with(0).json();
    for worker in json.as_array().unwrap() {
        let kinds = worker["deaths"].as_array().unwrap().iter().map(|death| &death["kind"]);
        assert!(kinds.eq(["daemon", "daemon", "reload"]), "{json}");
    }
}

/// Of a fast crash loop most looks find `stopped`, between an end and the next start.
pub(crate) fn a_crash_loop_is_never_said_to_stay_stopped() {
    let fast = json!({"interpreter": "/bin/sh", "max_restarts": 1_000_000});
    let fast = script("loop", "sh", "exit 1\n").with(fast);
    let home = Pm2Home::with(Release::Seven, &[fast, apps::sleeper("good")]);
    wait_until("it loops", || home.one("loop").restarts >= 5);
    for _ in 0..8 {
        let told = pm2_tui(home.path(), &["why", "loop"]).with(0).out;
        assert!(!told.contains("leaves it stopped"), "{told}");
        assert!(told.starts_with("loop[0]  "), "{told}");
        assert!(!told.lines().next().unwrap().ends_with("  stopped"), "{told}");
        let told = pm2_tui(home.path(), &["describe", "loop"]).with(0).out;
        assert!(!told.contains("leaves it stopped"), "{told}");
        let told = pm2_tui(home.path(), &["check"]).with(1).out;
        assert!(told.contains("looping: "), "{told}");
        assert!(!told.contains("not online"), "{told}");
    }
    // A stop that comes between an end and the next start is lost: PM2 starts it all the same, on a busy
    // machine some looks later.
    wait_until("PM2 has stopped it", || {
        home.cli(&["stop", "loop"]);
        let one = home.one("loop");
        one.status == "stopped" && (0..100).all(|_| home.one("loop") == one)
    });
    let told = pm2_tui(home.path(), &["why", "loop"]).with(0).out;
    assert!(told.contains("PM2 leaves it stopped"), "{told}");
    assert!(told.starts_with("loop[0]  stopped\n"), "{told}");
}
