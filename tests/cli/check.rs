//! `check`: what is looked at, and when.

use serde_json::json;

use super::program::{Simulated, pm2_tui, program};
use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::wait_until;

pub(crate) fn what_is_left_out_is_no_failure() {
    let daemon = Simulated::quiet(4);
    daemon.run(&["call", "stopProcessId", "3"]).with(0);
    assert_eq!(daemon.run(&["check"]).with(1).out, "app-3[3]: stopped, not online\n");
    for (arguments, said) in [
        (&["--ignore-stopped"][..], "ok: 3 processes, 1 stopped\n"),
        (&["--except", "app-3"], "ok: 3 processes\n"),
        (&["--except", "3", "--except", "app-0"], "ok: 2 processes\n"),
        (&["--except", "3,app-0"], "ok: 2 processes\n"),
        (&["--except", "app-0", "--ignore-stopped"], "ok: 2 processes, 1 stopped\n"),
        (&["app-3", "--ignore-stopped"], "ok: 0 processes, 1 stopped\n"),
        (&["app-0", "app-1", "app-3", "--except", "id:3"], "ok: 2 processes\n"),
        (&["--looping", "--errored", "--max-restarts", "0"], "ok: 4 processes\n"),
    ] {
        let ended = daemon.run(&[&["check"], arguments].concat()).with(0);
        assert_eq!((ended.out.as_str(), ended.err.as_str()), (said, ""), "{arguments:?}");
    }
    let none = daemon.run(&["check", "app-3", "--except", "app-3"]).with(1);
    assert_eq!(none.err, "pm2-tui: no processes to check\n");
    let typo = daemon.run(&["check", "--except", "app3"]).with(1);
    assert!(typo.err.contains("`app3`"), "{typo:?}");
    let alone = daemon.run(&["check", "--within", "1s"]).with(2);
    assert!(alone.err.contains("--max-restarts"), "{alone:?}");
}

pub(crate) fn restarts_are_counted_between_two_looks() {
    let daemon = Simulated::quiet(2);
    let restart = || daemon.run(&["call", "restartProcessId", "{\"id\": 0}"]).with(0);
    restart();
    restart();
    // What was before counts only without --within.
    let before = daemon.run(&["check", "--max-restarts", "1"]).with(1);
    assert_eq!(before.out, "app-0[0]: 2 restarts, more than 1\n");
    let calm = ["check", "--max-restarts", "0", "--within", "50ms"];
    let said = "ok: 2 processes; may have crashed less than 30 s ago: app-0[0]\n";
    assert_eq!(daemon.run(&calm).with(0).out, said);

    let looks = || daemon.script().counters().count("getMonitorData");
    let meanwhile = |arguments: &[&str], does: &dyn Fn()| {
        let looked = looks();
        let mut command = program(daemon.home(), arguments);
        let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        wait_until("it has looked once", || looks() > looked);
        does();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let strict = ["check", "--max-restarts", "0", "--within", "3s"];
    let said = "app-0[0]: 1 restart in 3 s, more than 0\n".to_owned();
    assert_eq!(meanwhile(&strict, &|| drop(restart())), (Some(1), said));
    // A count that was set to 0 meanwhile is no negative one.
    let again = || {
        daemon.run(&["call", "resetMetaProcessId", "0"]).with(0);
        restart();
        restart();
    };
    let said = "app-0[0]: 2 restarts in 3 s, more than 0\n".to_owned();
    assert_eq!(meanwhile(&strict, &again), (Some(1), said));
    let delete = || drop(daemon.run(&["call", "deleteProcessId", "1"]).with(0));
    let said = "app-1[1]: it is gone, so its restarts are unknown\n".to_owned();
    let one = ["check", "app-1", "--max-restarts", "0", "--within", "3s"];
    assert_eq!(meanwhile(&one, &delete), (Some(1), said));
}

pub(crate) fn it_can_be_read_by_programs() {
    let daemon = Simulated::quiet(2);
    let fine = daemon.run(&["check", "--json"]).with(0).json();
    assert_eq!(
        fine,
        json!({"ok": true, "checked": 2, "stopped": 0, "failed": [], "looping": [],
               "may_have_crashed": []})
    );
    daemon.run(&["call", "stopProcessId", "1"]).with(0);
    let failed = daemon.run(&["check", "--json"]).with(1);
    let why = json!({
        "pm_id": 1, "name": "app-1", "condition": "online", "message": "stopped, not online"
    });
    let wanted = json!({"ok": false, "checked": 2, "stopped": 0, "failed": [why], "looping": [],
                        "may_have_crashed": []});
    assert_eq!((failed.json(), failed.err.as_str()), (wanted, ""));
}

pub(crate) fn a_crash_loop_is_noticed() {
    let crashes = apps::script("now", "js", "throw new Error('bad config');");
    let crashes = crashes.with(json!({"max_restarts": 1000, "restart_delay": 100}));
    // PM2 calls this one stable, since it lives longer than its own `min_uptime`.
    let quick = apps::script("quick", "js", "setTimeout(() => process.exit(3), 150);");
    let quick = quick.with(json!({"max_restarts": 100_000, "min_uptime": 100}));
    let home = Pm2Home::with(Release::Seven, &[crashes, apps::sleeper("calm"), quick]);
    wait_until("it crashed a few times", || home.one("now").restarts >= 4);
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    a_restart_does_not_hide_it(&home);
    let ended = run(&["check", "--looping"]).with(1);
    assert!(ended.out.starts_with("now[0]: ") && ended.out.contains(", looping: "), "{ended:?}");
    assert_eq!(run(&["check", "--looping", "--except", "now"]).with(0).out, "ok: 1 process\n");
    let often = run(&["check", "--max-restarts", "1", "--within", "3s"]).with(1);
    assert!(often.out.contains("restarts in 3 s, more than 1"), "{often:?}");
    assert_eq!(often.out.lines().count(), 1, "{often:?}");
    run(&["stop", "now"]).with(0);
    assert_eq!(run(&["check", "--looping"]).with(0).out, "ok: 2 processes\n");
}

fn a_restart_does_not_hide_it(home: &Pm2Home) {
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    wait_until("it crashed often", || home.one("quick").restarts >= 4);
    wait_until("it looks so", || {
        let listed = run(&["ls", "--filter", "quick"]).with(0).out;
        listed.contains("online, looping")
    });
    // Without any condition too: at most looks it is online.
    for words in [&["check", "quick"][..], &["check", "--ignore-stopped", "quick"]] {
        let ended = run(words).with(1);
        assert!(
            ended.out.starts_with("quick[2]: ") && ended.out.contains(", looping: "),
            "{ended:?}"
        );
    }
    let restarted = run(&["restart", "quick"]).with(1);
    assert!(restarted.err.contains("down: exit code 3"), "{restarted:?}");
    run(&["restart", "quick", "--settle", "0"]).with(0);
    let ended = run(&["check", "quick", "--looping"]).with(1);
    assert!(ended.out.starts_with("quick[2]: ") && ended.out.contains(", looping: "), "{ended:?}");
    run(&["delete", "quick"]).with(0);
}
