//! `ls`, `methods`, `call`, `wait`, `check`, `completions`, `man`.

use serde_json::json;

use pm2_tui::demo::{Fault, Script, When, World, epoch_ms};

use super::program::{Simulated, ended, fed, program};
use crate::harness::now;

pub(crate) fn ls_shows_every_process() {
    let daemon = Simulated::quiet(3);
    let table = daemon.run(&["ls"]).with(0);
    let lines: Vec<&str> = table.out.lines().collect();
    assert_eq!(lines.len(), 4, "{table:?}");
    let heading: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(heading, ["id", "name", "namespace", "mode", "status", "↺", "uptime", "cpu", "mem"]);
    for (id, line) in lines[1..].iter().enumerate() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            cells[..5],
            [&*id.to_string(), &*format!("app-{id}"), "default", "fork", "online"]
        );
    }
    let mut ascii = program(daemon.home(), &["ls"]);
    ascii.env("LANG", "C");
    assert!(ended(ascii).with(0).out.is_ascii());

    let list = daemon.run(&["ls", "--json"]).with(0).json();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!(list[1]["name"], "app-1");
    assert_eq!(list[1]["status"], "online");
    assert!(list[1].get("env").is_none(), "no environment unless asked for");
    let names = daemon.run(&["ls", "--json", "--env"]).with(0).json();
    assert!(names[0]["env"].is_array(), "{names}");
    let values = daemon.run(&["ls", "--json", "--env-values"]).with(0).json();
    assert!(values[0]["env"].is_object(), "{values}");
    assert_eq!(
        names[0]["env"].as_array().unwrap().len(),
        values[0]["env"].as_object().unwrap().len()
    );
}

pub(crate) fn environments_are_asked_for_once() {
    let daemon = Simulated::quiet(3);
    for arguments in [&["ls"][..], &["ls", "--env"], &["ls", "--json", "--env-values"]] {
        let before = daemon.called().len();
        daemon.run(arguments).with(0);
        assert_eq!(daemon.called()[before..], ["getMonitorData"], "{arguments:?}");
    }
}

pub(crate) fn methods_are_listed() {
    let daemon = Simulated::quiet(0);
    let text = daemon.run(&["methods"]).with(0).out;
    assert!(text.lines().any(|line| line == "getMonitorData(env)"), "{text}");
    assert!(
        text.lines().any(|line| line.starts_with("prepareJson(") && line.contains("composed")),
        "{text}"
    );
    let list = daemon.run(&["methods", "--json"]).with(0).json();
    let wanted = json!({"name": "stopProcessId", "params": ["id"], "source": "daemon"});
    assert!(list.as_array().unwrap().contains(&wanted), "{list}");
}

pub(crate) fn a_call_prints_the_reply() {
    let daemon = Simulated::quiet(2);
    for args in [&["call", "ping"][..], &["call", "ping", "{}"]] {
        assert_eq!(daemon.run(args).with(0).out, "{\"msg\":\"pong\"}\n");
    }
    let stopped = daemon.run(&["call", "stopProcessId", "1"]).with(0).json();
    assert_eq!(stopped["pm_id"], 1);
    // The bare number of the old interface, where the daemon wants an object.
    daemon.run(&["call", "restartProcessId", "1"]).with(0);
    let fed = fed(daemon.home(), &["call", "stopProcessId", "-"], "1\n").with(0);
    assert_eq!(fed.json()["pm_id"], 1);
    let unknown = daemon.run(&["call", "startProcessId", "999"]).with(1);
    assert!(unknown.err.starts_with("pm2-tui: ") && unknown.err.contains("999"), "{unknown:?}");
    assert_eq!((unknown.err.lines().count(), unknown.out.as_str()), (1, ""));
}

pub(crate) fn check_and_wait_say_what_holds() {
    let daemon = Simulated::quiet(2);
    assert_eq!(daemon.run(&["check"]).with(0).out, "ok: 2 processes\n");
    assert_eq!(
        daemon.run(&["wait", "app-1", "--status", "online"]).with(0).out,
        "app-1[1] online\n"
    );
    daemon.run(&["stop", "app-1"]).with(0);
    assert_eq!(daemon.run(&["check"]).with(1).out, "app-1[1]: stopped, not online\n");
    daemon.run(&["check", "app-0"]).with(0);
    daemon.run(&["check", "--errored", "--max-restarts", "10", "--max-memory", "2G"]).with(0);
    let memory = daemon.run(&["check", "app-0", "--max-memory", "1K"]).with(1);
    assert!(memory.out.contains("more than 1.0 KiB"), "{memory:?}");
    let gone = daemon.run(&["check", "nope"]).with(1);
    assert!(gone.err.contains("`nope`") && gone.err.contains("app-0, app-1"), "{gone:?}");
    daemon.run(&["wait", "app-1", "--status", "stopped"]).with(0);
    let late = daemon.run(&["wait", "all", "--status", "online", "--timeout", "300ms"]).with(4);
    let why = "timed out after 0.3 s: app-1[1] is stopped, not online";
    assert!(late.err.contains(why), "{late:?}");
    let empty = Simulated::quiet(0).run(&["check"]).with(1);
    assert_eq!(empty.err, "pm2-tui: no processes to check\n");
    let unknown = |daemon: &Simulated, target: &str| {
        let wait = ["wait", target, "--status", "online", "--timeout", "500ms"];
        daemon.run(&wait).with(4).err
    };
    let why = "no process has the id, name or namespace `nope`; there are: app-0, app-1\n";
    assert_eq!(unknown(&daemon, "nope"), format!("pm2-tui: timed out after 0.5 s: {why}"));
    let none = unknown(&Simulated::quiet(0), "all");
    assert_eq!(none, "pm2-tui: timed out after 0.5 s: there are no processes\n");
}

pub(crate) fn wait_can_demand_that_a_status_is_kept() {
    let daemon = Simulated::quiet(2);
    let started = now();
    let held = daemon.run(&["wait", "all", "--status", "online", "--for", "500ms"]).with(0);
    assert_eq!(held.out, "app-0[0] online\napp-1[1] online\n");
    assert!(started.elapsed().as_millis() >= 500);
    let wait = ["wait", "app-0", "--status", "online", "--for", "1500ms", "--timeout", "4s"];
    let restless = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| daemon.run(&wait));
        while !waiting.is_finished() {
            daemon.run(&["restart", "app-0"]).with(0);
        }
        waiting.join().unwrap()
    });
    assert!(restless.with(4).err.contains("app-0"));
}

pub(crate) fn wait_ends_in_time_on_a_daemon_that_does_not_answer() {
    for method in ["methods", "getMonitorData"] {
        let script = Script::default().with(method, When::Always, Fault::Silent);
        let daemon = Simulated::with(World::quiet(1, epoch_ms()), script);
        let started = now();
        let wait = ["wait", "app-0", "--status", "online", "--timeout", "400ms"];
        let ended = daemon.run(&wait).with(4);
        let took = started.elapsed();
        assert!(took.as_millis() >= 400 && took.as_secs() < 4, "{took:?}");
        assert!(ended.err.contains("did not answer about app-0"), "{ended:?}");
    }
}

pub(crate) fn help_that_cannot_be_written_is_a_failure() {
    for arguments in [&["--help"][..], &["--version"], &["ls", "--help"]] {
        let mut command = super::program::program(std::path::Path::new("/nonexistent"), arguments);
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = command.stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("cannot write the output: No space left"), "{arguments:?}: {said}");
    }
}

pub(crate) fn completions_and_man_need_no_daemon() {
    let nowhere = std::path::Path::new("/nonexistent");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = super::program::pm2_tui(nowhere, &["completions", shell]).with(0).out;
        assert!(text.contains("max-restarts"), "{shell}");
    }
    let script = super::program::pm2_tui(nowhere, &["completions", "bash"]).with(0).out;
    for (words, wanted) in [
        ("pm2-tui ''", "events"),
        ("pm2-tui ls --", "--env-values"),
        ("pm2-tui list --", "--env-values"),
        ("pm2-tui --home /x wait --", "--for"),
        ("pm2-tui completions ''", "fish"),
        ("pm2-tui completions fi", "fish"),
    ] {
        let complete = format!(
            "{script}\nwords=({words}); at=$((${{#words[@]}} - 1)); COMP_WORDS=(\"${{words[@]}}\")\n\
             COMP_CWORD=$at; [[ $(complete -p pm2-tui) =~ -F\\ ([^ ]+) ]]\n\
             \"${{BASH_REMATCH[1]}}\" pm2-tui \"${{words[at]}}\" \"${{words[at - 1]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let mut bash = std::process::Command::new("bash");
        bash.args(["--norc", "-c", &complete]);
        let found = ended(bash).with(0).out;
        assert!(found.lines().any(|word| word == wanted), "{words}: {found}");
    }
    let man = super::program::pm2_tui(nowhere, &["man"]).with(0).out;
    assert!(man.contains(".TH") && man.contains("max\\-restarts"), "{man}");
    super::program::pm2_tui(nowhere, &["completions", "tcsh"]).with(2);
}
