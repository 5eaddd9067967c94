//! `describe`, `top`, `ls` with its options, and what is done beside the five actions.

use std::fs;
use std::process::Stdio;

use pm2_tui::demo::{Fault, Script, When, World, epoch_ms};
use serde_json::json;

use super::program::{Simulated, fed, pm2_tui, program};
use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::trials::{Test, simulated, with_pm2};
use crate::harness::wait_until;

pub(crate) fn trials() -> Vec<Test> {
    vec![
        with_pm2(what_is_done_beside_the_actions_is_done).lasting(),
        with_pm2(logs_are_flushed_as_the_cli_does_it).lasting(),
        with_pm2(describe_tells_all_that_pm2_show_tells),
        simulated(a_table_is_filtered_and_sorted),
        simulated(a_watched_table_is_printed_again_when_it_changes),
        simulated(files_of_another_machine_are_left_alone),
        simulated(top_prints_tables_of_one_moment),
        simulated(each_process_gets_its_line_and_one_that_fails_makes_it_1),
        simulated(what_ends_begins_or_is_lost_for_good_is_asked_first),
    ]
}

/// Writes what it is told, by signal and by standard input, into files.
const TOLD: &str = "const fs = require('fs');
process.on('SIGUSR2', () => fs.appendFileSync('signals', 'usr2\\n'));
process.stdin.on('data', (data) => fs.appendFileSync('lines', data));
fs.writeFileSync('ready', '');
setInterval(() => console.log('a line'), 200);";

fn what_is_done_beside_the_actions_is_done() {
    let told = apps::script("told", "js", TOLD).with(json!({ "pmx": false }));
    let home = Pm2Home::with(Release::Seven, &[told, apps::sleeper("other")]);
    let read = |name: &str| fs::read_to_string(home.apps().join(name)).unwrap_or_default();
    wait_until("it can be told", || home.apps().join("ready").exists());
    home.mark();
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);

    assert_eq!(run(&["signal", "usr2", "told"]).with(0).out, "sent SIGUSR2 to told[0]\n");
    wait_until("the signal is there", || read("signals") == "usr2\n");
    assert_eq!(run(&["stdin", "told", "one line"]).with(0).out, "wrote a line to told[0]\n");
    wait_until("the line is there", || read("lines") == "one line\n");
    fed(home.path(), &["stdin", "told", "-"], "two\nthree\n").with(0);
    wait_until("the lines are there", || read("lines") == "one line\ntwo\nthree\n");
    // What is stopped is not signalled: God would signal itself.
    home.assert_unharmed_but(&[]);
    let ended = "sent SIGHUP to other[1]: it ended (killed by SIGHUP), restarted by PM2\n";
    assert_eq!(run(&["signal", "hup", "other"]).with(0).out, ended);
    home.cli(&["stop", "other"]);
    let ended = run(&["signal", "SIGUSR2", "other"]).with(1);
    assert!(ended.err.contains("cannot send SIGUSR2 to other[1]: refused"), "{ended:?}");
    assert!(run(&["stdin", "other", "x"]).with(1).err.contains("cannot write a line to other[1]"));
    home.assert_unharmed_but(&["other"]);

    run(&["restart", "told"]).with(0);
    assert_eq!(home.one("told").restarts, 1);
    assert_eq!(run(&["reset", "told"]).with(0).out, "reset the counts of told[0]\n");
    assert_eq!(home.one("told").restarts, 0);

    let watched = || {
        let list = home.call("getMonitorData", &json!({}));
        let told = list.as_array().unwrap().iter().find(|one| one["name"] == "told").unwrap();
        told["pm2_env"]["watch"].clone()
    };
    // Its folder has no file of PM2's in it.
    assert_eq!(run(&["watch", "off", "told"]).with(0).out, "told[0] is not watched\n");
    let ended = run(&["watch", "on", "told"]).with(0);
    assert_eq!(ended.out, "now watching the files of told[0]\n");
    assert_eq!(watched(), true);
    assert_eq!(run(&["watch", "on", "told"]).with(0).out, "told[0] is watched already\n");
    // It is there soon after God says so.
    wait_until("a change restarts it", || {
        fs::write(home.apps().join("changed"), read("ready")).unwrap();
        home.one("told").restarts > 0
    });
    let ended = run(&["watch", "off", "told"]).with(0);
    assert_eq!(ended.out, "stopped watching the files of told[0]\n");
    assert_eq!(watched(), false);
}

fn logs_are_flushed_as_the_cli_does_it() {
    let home = Pm2Home::with(Release::Seven, &[apps::sleeper("one"), apps::sleeper("two")]);
    home.mark();
    let logs = ["one-out", "one-error", "two-out", "two-error"];
    let logs = logs.map(|name| home.path().join(format!("logs/{name}.log")));
    let console = home.path().join("pm2.log");
    let fill = || {
        for path in logs.iter().chain([&console]) {
            fs::write(path, "x".repeat(1_024)).unwrap();
        }
    };
    let sizes = || -> Vec<u64> {
        logs.iter().chain([&console]).map(|path| fs::metadata(path).unwrap().len()).collect()
    };
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    let inode = |path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = inode(&logs[0]);
    for (arguments, left, lines) in [
        (&["flush", "one"][..], [0, 0, 1_024, 1_024, 1_024], 1),
        (&["flush", "1"], [1_024, 1_024, 0, 0, 1_024], 1),
        (&["flush", "all"], [0, 0, 0, 0, 1_024], 2),
        (&["flush"], [0, 0, 0, 0, 0], 3),
    ] {
        fill();
        let ended = run(arguments).with(0);
        assert_eq!(sizes(), left, "{arguments:?}");
        assert_eq!(ended.out.lines().count(), lines, "{ended:?}");
        // So does the CLI, which has no word for all but the daemon's own.
        if arguments[1..] != ["all"] {
            fill();
            home.cli(arguments);
            assert_eq!(sizes(), left, "pm2 {arguments:?}");
        }
    }
    fill();
    assert_eq!(run(&["flush", "one"]).with(0).out, "flushed the logs of one[0]: 2.0 KiB\n");
    assert_eq!(inode(&logs[0]), before, "in place");
    home.assert_unharmed_but(&[]);
}

/// Without the colours.
fn plain(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').map_or("", |(_, rest)| rest))
}

fn describe_tells_all_that_pm2_show_tells() {
    let app = apps::script("api", "js", "setInterval(() => {}, 1e9);").with(json!({
        "args": ["--port", "80"], "node_args": ["--max-old-space-size=100"],
        "env": { "SECRET": "hunter2", "NODE_ENV": "production" }, "cron_restart": "0 3 * * *",
        "max_memory_restart": "300M", "version": "1.2.3",
    }));
    let home = Pm2Home::with(Release::Seven, &[app]);
    wait_until("it reports its node", || {
        home.call("getMonitorData", &json!({}))[0]["pm2_env"].get("node_version").is_some()
    });
    let theirs = String::from_utf8(home.cli(&["show", "api"]).stdout).unwrap();
    let theirs = plain(&theirs);
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments).with(0);
    let ours = run(&["describe", "api"]).out;
    assert!(!ours.contains("hunter2") && ours.contains("SECRET"), "{ours}");
    // Each value of its table, but for those that are said in another way.
    let said_otherwise = [
        "restarts",
        "uptime",
        "watch & reload",
        "unstable restarts",
        "created at",
        "exec mode",
        "max memory restart",
    ];
    let table = theirs.split(" Describing process").nth(1).unwrap();
    let table = table.split("Revision control").next().unwrap().split("Actions").next().unwrap();
    let rows = table.lines().filter_map(|line| {
        let mut cells = line.split('│').map(str::trim).filter(|cell| !cell.is_empty());
        Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
    });
    let rows: Vec<(String, String)> = rows.collect();
    assert!(rows.len() > 15, "{theirs}");
    for (label, value) in rows {
        let is_said = ours.contains(&value) || value == "N/A";
        assert!(is_said || said_otherwise.contains(&&*label), "{label} {value} is not in\n{ours}");
    }
    for label in said_otherwise {
        let label = match label {
            "watch & reload" => "watch",
            "exec mode" => "mode",
            label => label,
        };
        assert!(ours.contains(label), "{label}: {ours}");
    }
    assert!(run(&["describe", "api", "--env-values"]).out.contains("hunter2"));
    let json = run(&["describe", "0", "--json"]);
    assert!(!json.out.contains("hunter2"), "{json:?}");
    let json = json.json();
    assert_eq!(json[0]["process"]["status"], "online");
    assert_eq!(json[0]["program"]["args"], json!(["--port", "80"]));
    assert_eq!(json[0]["policy"]["max_memory_bytes"], 314_572_800);
    assert!(json[0]["environment"].as_array().unwrap().contains(&json!("SECRET")));
    assert!(json[0]["metrics"].as_array().unwrap().iter().all(|it| it["name"].is_string()));
    let values = run(&["show", "api", "--json", "--env-values"]).json();
    assert_eq!(values[0]["environment"]["SECRET"], "hunter2");
    // What PM2 does not tell: when it restarts it next, and what comes back at boot.
    assert!(ours.contains("0 3 * * *, next 20"), "{ours}");
    home.cli(&["save"]);
    home.start(&[apps::idle("fresh")]);
    let saved = |name: &str| {
        let text = run(&["describe", name]).out;
        let line = text.lines().find(|line| line.contains("saved list"));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert!(saved("api").ends_with("in it, as it is now"), "{}", saved("api"));
    assert!(saved("fresh").contains("not in it"), "{}", saved("fresh"));
}

fn a_table_is_filtered_and_sorted() {
    let daemon = Simulated::quiet(12);
    daemon.run(&["stop", "app-3", "app-11"]).with(0);
    let ids = |arguments: &[&str]| -> Vec<i64> {
        let list = daemon.run(&[&["ls", "--json"], arguments].concat()).with(0).json();
        list.as_array().unwrap().iter().map(|one| one["pm_id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(&["--filter", "status:stopped"]), [3, 11]);
    assert_eq!(ids(&["--filter", "status:stopped", "--sort", "-name"]), [11, 3]);
    assert_eq!(ids(&["--filter", "app-1", "--sort", "name"]), [1, 10, 11]);
    assert_eq!(ids(&["--sort", "-id"])[..2], [11, 10]);
    let table = daemon.run(&["ls", "--filter", "!online"]).with(0);
    assert_eq!(table.out.lines().count(), 3, "{table:?}");
    let table = daemon.run(&["ls", "--columns", "pid,name", "--filter", "app-3"]).with(0);
    let lines: Vec<Vec<&str>> =
        table.out.lines().map(|it| it.split_whitespace().collect()).collect();
    assert_eq!(lines, [["pid", "name"], ["-", "app-3"]]);
    let wide = daemon.run(&["ls", "--wide"]).with(0).out;
    assert!(wide.lines().next().unwrap().contains("last exit"), "{wide}");
    assert!(daemon.run(&["ls", "--columns", "nonsense"]).with(2).err.contains("restarts"));
    daemon.run(&["ls", "--wide", "--json"]).with(2);
    assert!(daemon.run(&["ls", "--filter", "cpu>"]).with(2).err.contains("--filter"));
    assert!(daemon.run(&["ls", "--sort", "nonsense"]).with(2).err.contains("restarts"));
}

fn a_watched_table_is_printed_again_when_it_changes() {
    use std::io::{BufRead, BufReader};
    let daemon = Simulated::quiet(2);
    let mut child =
        program(daemon.home(), &["ls", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    let first: Vec<String> = (0..3).map(|_| next()).collect();
    assert!(first[1].contains("online") && first[2].contains("online"), "{first:?}");
    daemon.run(&["stop", "app-1"]).with(0);
    // Nothing was printed meanwhile but a table with the change.
    assert_eq!(next(), "");
    let second: Vec<String> = (0..3).map(|_| next()).collect();
    assert!(second[0].starts_with("id  name"), "{second:?}");
    assert!(second[2].contains("app-1") && !second[2].contains("online"), "{second:?}");
    drop(lines);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn files_of_another_machine_are_left_alone() {
    // The simulated daemon is no process of its own, as one behind a forwarded socket.
    let daemon = Simulated::quiet(1);
    for arguments in [&["save"][..], &["resurrect"], &["flush"], &["flush", "app-0"]] {
        let ended = daemon.run(arguments).with(1);
        assert!(ended.err.contains("on another machine"), "{arguments:?}: {ended:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
    }
    assert!(!daemon.home().join("dump.pm2").exists());
    assert!(daemon.called().iter().all(|method| method == "getMonitorData"));
}

fn top_prints_tables_of_one_moment() {
    let daemon = Simulated::quiet(3);
    let table = daemon.run(&["top", "-n", "2", "--interval", "0.2"]).with(0);
    let heads = table.out.lines().filter(|line| line.contains("3 processes, 3 online, cpu "));
    assert_eq!(heads.count(), 2, "{table:?}");
    assert_eq!(table.out.lines().count(), 2 * 5 + 1, "{table:?}");
    let lines = daemon.run(&["top", "-n", "2", "--interval", "0.2", "--json"]).with(0);
    for line in lines.out.lines() {
        let table: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(table["at"].is_i64() && table["processes"].as_array().unwrap().len() == 3);
    }
    assert_eq!(lines.out.lines().count(), 2, "{lines:?}");
    for wrong in [&["top", "-n", "0"][..], &["top", "--interval", "0"], &["top", "--sort", "x"]] {
        daemon.run(wrong).with(2);
    }
}

fn each_process_gets_its_line_and_one_that_fails_makes_it_1() {
    let refuse = Fault::Refuse("it is busy".to_owned());
    let script = Script::default().with("resetMetaProcessId", When::Nth(2), refuse);
    let daemon = Simulated::with(World::quiet(3, epoch_ms()), script);
    let ended = daemon.run(&["reset", "all"]).with(1);
    assert_eq!(ended.out.lines().count(), 2, "{ended:?}");
    assert!(ended.err.contains("cannot reset the counts of app-"), "{ended:?}");
    assert!(ended.err.contains("refused: it is busy"), "{ended:?}");
    for wrong in [
        &["signal", "nonsense", "app-0"][..],
        &["signal", "SIGTERM"],
        &["scale", "app-0"],
        &["stdin", "app-0", ""],
        &["watch", "maybe", "app-0"],
        &["describe"],
    ] {
        daemon.run(wrong).with(2);
    }
    // What cannot be of the number of processes there are is one kind of refusal.
    for to in ["0", "-1", "-9"] {
        let refused = daemon.run(&["scale", "app-0", to]).with(1);
        assert!(
            refused.err.contains("a scale leaves one: use delete to remove all"),
            "{to}: {refused:?}"
        );
    }
    assert!(daemon.run(&["reset", "nobody"]).with(1).err.contains("nobody"));
    assert!(!daemon.script().counters().had_bad_call);
}

fn what_ends_begins_or_is_lost_for_good_is_asked_first() {
    let daemon = Simulated::quiet(2);
    for (arguments, question) in [
        (&["signal", "USR2", "app-0", "1"][..], "send SIGUSR2 to app-0[0], app-1[1] of "),
        (&["flush", "app-0"], "flush the logs of app-0[0] of "),
        (
            &["flush"],
            "empty the logs of all 2 processes (app-0[0], app-1[1]) and of the daemon of ",
        ),
        (&["scale", "app-0", "+1"], "start 1 more process of app-0?"),
        (&["resurrect"], "start what is saved in "),
    ] {
        let code = super::acting::answered(&daemon, arguments, question, "n\r");
        assert_eq!(code, 1, "{arguments:?}");
    }
    let called = daemon.called();
    assert!(called.iter().all(|method| method == "getMonitorData"), "{called:?}");
    assert_eq!(
        super::acting::answered(&daemon, &["scale", "app-0", "2"], "1 more process", "y\r"),
        0
    );
    let shrink = ["scale", "app-0", "1"];
    assert_eq!(
        super::acting::answered(&daemon, &shrink, "delete app-0[2] of the 2 of app-0?", "n\r"),
        1
    );
    // A script is not held up, and counts and watching are not asked about.
    daemon.run(&["scale", "app-0", "1"]).with(0);
    assert_eq!(daemon.run(&["ls", "--json"]).json().as_array().unwrap().len(), 2);
}
