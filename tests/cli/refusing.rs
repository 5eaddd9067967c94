//! Bad input: one clear line, the documented code, nothing sent.

use std::time::Duration;

use pm2_tui::demo::{Fault, Script, When, World, epoch_ms};

use super::program::{Simulated, ended, pm2_tui, program};

pub(crate) fn without_a_daemon_the_code_is_3_and_the_path_is_named() {
    let empty = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    let home = empty.path();
    for arguments in [
        &["ls"][..],
        &["ls", "--json", "--env"],
        &["methods"],
        &["call", "ping"],
        &["events"],
        &["events", "--for", "1s", "--exec", "true"],
        &["restart", "all"],
        &["stop", "0"],
        &["start", "api"],
        &["reload", "api"],
        &["delete", "api"],
        &["delete", "all", "--yes"],
        &["send", "api", "hi"],
        &["kill", "--yes"],
        &["wait", "api", "--status", "online"],
        &["check"],
    ] {
        let ended = pm2_tui(home, arguments).with(3);
        let said = ended.err.strip_prefix("pm2-tui: ").unwrap_or_else(|| panic!("{ended:?}"));
        assert!(said.contains(home.to_str().unwrap()), "{arguments:?}: {said}");
        assert!(said.contains("PM2_HOME="), "{arguments:?} names the way out: {said}");
        assert_eq!((said.lines().count(), ended.out.as_str()), (1, ""), "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(home).unwrap().count(), 0);
    let gone = home.join("gone");
    let ended = pm2_tui(home, &["--home", gone.to_str().unwrap(), "ls"]).with(3);
    assert!(ended.err.contains("gone does not exist"), "{ended:?}");
    // A socket that is named has nothing to do with the home.
    for home in [home, &gone] {
        let ended = pm2_tui(home, &["--daemon", "/nonexistent/x.sock", "ls"]).with(3);
        assert!(ended.err.contains("/nonexistent/x.sock is missing; check --daemon"), "{ended:?}");
        assert!(!ended.err.contains("PM2_HOME="), "{ended:?}");
    }
}

pub(crate) fn wrong_usage_is_2_and_nothing_is_sent() {
    let daemon = Simulated::quiet(2);
    for (arguments, named) in [
        (&["call", "noSuchMethod"][..], "noSuchMethod"),
        (&["--read-only", "call", "noSuchMethod"], "no method noSuchMethod"),
        (&["send", "app-0", "null"], "null is not a message"),
        (&["call", "startProcessId"], "startProcessId"),
        (&["call", "stopProcessId", "null"], "stopProcessId"),
        (&["call", "ping", "{}", "{}"], "ping"),
        (&["call", "prepare", "{\"name\": \"x\"}"], "prepare"),
        (&["call", "restartProcessId", "{\"id\": 0,}"], "line 1 column 10"),
        (&["call", "stopWatch", "x"], "stopWatch"),
        (&["call"], "METHOD"),
        (&["call", "ping", "--timeout", "soon"], "60s"),
        (&["send", "app-0", "{\"type\": "], "broken JSON"),
        (&["send", "app-0"], "MESSAGE"),
        (&["restart"], "TARGET"),
        (&["wait", "app-0", "--status", "onlin"], "onlin"),
        (&["wait", "app-0"], "--status"),
        (&["check", "--max-memory", "lots"], "300M"),
        (&["events", "--exec", "mail 'x"], "quote"),
        (&["events", "--count", "0"], "--count"),
        (&["events", ""], "pattern"),
        (&["nonsense"], "nonsense"),
        (&["lss", "--json"], "`pm2-tui ls`"),
        (&["startup"], "use pm2 startup"),
        (&["ls", "--interval", "2"], "--interval"),
        (&["check", "--max-restarts", "x"], "a whole number"),
        (&["check", "--max-restarts", "1", "--within", "0s"], "it must be more than 0"),
        (&["trigger", "app-0", "x", "--timeout", "0s"], "it must be more than 0"),
        (&["logs", "--since", "10m", "--until", "20m"], "--since 10m ("),
        (&["--nonsense"], "--nonsense"),
    ] {
        let ended = daemon.run(arguments).with(2);
        assert!(ended.err.contains(named), "{arguments:?}: {ended:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
    }
    assert_eq!(daemon.called(), [] as [&str; 0]);
    // No process at all: nothing is done, and the code is that of a condition.
    let ended = daemon.run(&["restart", "app-0", "nope"]).with(1);
    assert!(ended.err.contains("`nope`"), "{ended:?}");
    assert_eq!(daemon.called(), ["getMonitorData"]);
    let mut homeless = program(daemon.home(), &["ls"]);
    homeless.env_remove("PM2_HOME").env_remove("HOME");
    assert!(ended_with(homeless, 2).contains("--home"));
}

pub(crate) fn a_bad_file_starts_nothing() {
    let daemon = Simulated::quiet(1);
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("broken.json", "{\n  \"apps\": [}\n}"),
        ("noscript.json", "{\"apps\": [{\"name\": \"x\"}]}"),
        ("gone.json", "{\"apps\": [{\"name\": \"x\", \"script\": \"./gone.js\"}]}"),
        ("odd.json", "{\"apps\": [{\"script\": \"/bin/true\", \"no_such_key\": 1}]}"),
        ("app.txt", "{}"),
        ("good.json", "{\"apps\": [{\"script\": \"/bin/true\"}]}"),
        ("app.js", "require('fs').writeFileSync('touched', ''); module.exports = require('http')"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    for (file, named) in [
        ("broken.json", "broken.json:2:"),
        ("noscript.json", "script"),
        ("gone.json", "gone.js"),
        ("odd.json", "no_such_key"),
        ("app.txt", "app.txt"),
        ("app.js", "{\"apps\": [{\"script\": \"app.js\"}]}"),
        ("./app.js", "a script, not an ecosystem file"),
        ("missing.json", "missing.json"),
        ("./missing", "missing"),
    ] {
        let mut command = program(daemon.home(), &["start", "app-0", "good.json", file]);
        command.current_dir(folder.path());
        let ended = ended(command).with(2);
        assert!(
            ended.err.starts_with("pm2-tui: ") && ended.err.contains(named),
            "{file}: {ended:?}"
        );
        assert_eq!((ended.err.lines().count(), ended.out.as_str()), (1, ""), "{file}: {ended:?}");
    }
    assert!(!folder.path().join("touched").exists(), "an app is not run");
    let text = r#"{"script": "/bin/true", "env_production": {}}"#;
    std::fs::write(folder.path().join("env.json"), text).unwrap();
    let mut command =
        program(daemon.home(), &["start", "env.json", "--env", "prodution", "--strict"]);
    command.current_dir(folder.path());
    let said = ended_with(command, 2);
    let wanted = "pm2-tui: env.json: no app has env_prodution; there are: env_production\n";
    assert_eq!(said, wanted);
    daemon.run(&["start", "app-0", "--env", "production"]).with(2);
    let called = daemon.called();
    let only_reads = |method: &String| method == "getMonitorData" || method == "getVersion";
    assert!(called.iter().all(only_reads), "{called:?}");
}

fn ended_with(command: std::process::Command, code: i32) -> String {
    ended(command).with(code).err
}

pub(crate) fn read_only_sends_nothing_that_changes() {
    let daemon = Simulated::quiet(2);
    for arguments in [
        &["restart", "app-0"][..],
        &["stop", "all", "--yes"],
        &["start", "app-0"],
        &["reload", "app-0"],
        &["delete", "app-0"],
        &["send", "app-0", "hi"],
        &["kill", "--yes"],
        &["scale", "app-0", "+1"],
        &["reset", "app-0"],
        &["flush"],
        &["flush", "app-0"],
        &["save", "--force"],
        &["resurrect"],
        &["signal", "SIGUSR2", "app-0"],
        &["stdin", "app-0", "x"],
        &["watch", "on", "app-0"],
        &["call", "stopProcessId", "0"],
        &["call", "deleteAll"],
        &["call", "prepareJson", "{\"script\": \"/bin/true\"}", "/"],
    ] {
        let arguments = [&["--read-only"], arguments].concat();
        let ended = daemon.run(&arguments).with(2);
        assert!(ended.err.contains("read-only"), "{arguments:?}: {ended:?}");
    }
    assert_eq!(daemon.called(), [] as [&str; 0]);
    daemon.run(&["ls", "--read-only"]).with(0);
    daemon.run(&["--read-only", "call", "ping"]).with(0);
}

pub(crate) fn a_daemon_that_does_not_answer_is_a_timeout_by_name() {
    let script = Script::default().with("ping", When::Always, Fault::Silent).with(
        "getVersion",
        When::Always,
        Fault::Slow(Duration::from_millis(50)),
    );
    let daemon = Simulated::with(World::quiet(1, epoch_ms()), script);
    let ended = daemon.run(&["call", "ping", "--timeout", "200ms"]).with(4);
    assert!(ended.err.contains("ping") && ended.err.contains("0.2 s"), "{ended:?}");
    daemon.run(&["call", "getVersion", "--timeout", "5s"]).with(0);
}
