//! What came of a delete, a reload, a process that was replaced and a daemon that was killed: told by the
//! command, the library and the screen in the same words.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use pm2_tui::client::{Action, Client, ClientError, Target, Verdict};
use serde_json::json;

use super::stage::Stage;
use super::verdicts::{IDLES, THROWS, comparable};
use crate::e2e::swaps::{swap, wait_for_newcomers};
use crate::harness::PATIENCE;
use crate::harness::apps::{App, idle, script};
use crate::harness::home::{Pm2Home, run};
use crate::harness::install::Release;
use crate::harness::screen::{COCKPIT, Screen};
use crate::harness::wait_until;

/// Who is asked, which is how each of three equal apps is called.
const WAYS: [&str; 3] = ["command", "library", "screen"];

/// What was said of the app of one way, as it would be said of all.
fn said(way: &str, line: &str) -> String {
    comparable(&line.trim().replace("pm2-tui: ", "").replace(way, "it"))
}

/// Panics unless all were told the same.
#[track_caller]
fn assert_the_same(lines: &[Vec<String>], wanted: &[&str]) {
    for (lines, way) in lines.iter().zip(WAYS) {
        let told: Vec<String> = lines.iter().map(|line| said(way, line)).collect();
        assert_eq!(told.len(), wanted.len(), "{way}: {told:?}");
        for wanted in wanted {
            assert!(told.iter().any(|line| line.starts_with(wanted)), "{way}: {wanted}: {told:?}");
        }
    }
}

/// The program on this home.
fn program(home: &Pm2Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(COCKPIT);
    command.args(arguments).env("PM2_HOME", home.path()).env("LANG", "C.UTF-8");
    command
}

/// The lines that it printed.
fn by_command(home: &Pm2Home, arguments: &[&str], code: i32) -> Vec<String> {
    let output = run(program(home, arguments), PATIENCE * 3).unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    text.lines().map(str::to_owned).collect()
}

fn targets(stage: &Stage, client: &Client, name: &str) -> Vec<Target> {
    let all = stage.run(client.snapshot()).unwrap().processes;
    all.iter().filter(|info| &*info.name == name).map(Target::of).collect()
}

fn sentences(action: Action, verdicts: Vec<(Target, Verdict)>) -> Vec<String> {
    let line = |(target, verdict): (Target, Verdict)| verdict.sentence(action, &target.label());
    verdicts.into_iter().map(line).collect()
}

/// Presses this once the question could be read.
fn answer(screen: &mut Screen, question: &str, key: &str) {
    screen.wait_for(question, |text| text.contains(question));
    std::thread::sleep(Duration::from_millis(400));
    screen.press(key);
}

/// Waits until the last line of the screen has this, and gives it from there on.
fn notice(screen: &mut Screen, begin: &str) -> String {
    let text = screen.wait_for(begin, |text| {
        text.lines().next_back().is_some_and(|footer| footer.contains(begin))
    });
    let footer = text.lines().next_back().unwrap();
    footer.get(footer.find(begin).unwrap()..).unwrap().to_owned()
}

fn three(app: impl Fn(&str) -> App) -> Vec<App> {
    WAYS.iter().map(|way| app(way)).collect()
}

pub(crate) fn deletes_three_ways(release: Release) {
    let looping = |name: &str| {
        // Slow enough that three of them leave a busy machine some time.
        script(name, "js", "setTimeout(function () { process.exit(1); }, 300);")
            .with(json!({"max_restarts": 100_000}))
    };
    let stage = Stage::of(Pm2Home::with(release, &three(looping)));
    wait_until("all have crashed", || stage.home.jlist().iter().all(|one| one.restarts > 0));
    let client = stage.client();
    let command = by_command(&stage.home, &["delete", "command"], 0);
    let library = stage.run(client.act_all(Action::Delete, targets(&stage, &client, "library")));
    let mut screen = stage.home.cockpit((160, 40));
    screen.select("screen");
    screen.press("d");
    answer(&mut screen, "delete screen[2]?", "y");
    let screen = notice(&mut screen, "deleted screen[2]");
    let told = [command, sentences(Action::Delete, library.unwrap()), vec![screen]];
    assert_the_same(&told, &["deleted it[N]"]);
    assert!(stage.home.jlist().is_empty(), "{:?}", stage.home.jlist());
}

pub(crate) fn failed_reloads_three_ways(release: Release) {
    let workers = |name: &str| {
        let text = format!(
            "require('http').createServer(function (q, a) {{ a.end(); }})
  .listen(0, '127.0.0.1', function () {{
    require('fs').writeFileSync(process.env.READY + '/{name}-' + process.env.NODE_APP_INSTANCE, '');
  }});"
        );
        // A busy machine takes its time to start node.
        // It crashes once: a loop would push what was said out of the screen.
        let entry = json!({
            "exec_mode": "cluster", "instances": 2, "min_uptime": 20_000, "restart_delay": 60_000
        });
        script(name, "js", text).with(entry)
    };
    let stage = Stage::of(Pm2Home::with(release, &three(workers)));
    wait_until("all workers have read the good release", || {
        let is_there =
            |way: &&str, instance| stage.home.apps().join(format!("{way}-{instance}")).is_file();
        WAYS.iter().all(|way| is_there(way, 0) && is_there(way, 1))
    });
    for way in WAYS {
        fs::write(stage.home.apps().join(format!("{way}.js")), THROWS).unwrap();
    }
    let client = stage.client();
    let command = by_command(&stage.home, &["reload", "command"], 1);
    let library = stage.run(client.act_all(Action::Reload, targets(&stage, &client, "library")));
    let mut screen = stage.home.cockpit((200, 50));
    screen.select("screen");
    screen.press("R");
    answer(&mut screen, "reload screen: all of its 2 workers?", "y");
    // The log says it after the notice is gone, each in the words of the library.
    let library = library.unwrap();
    for (_, verdict) in &library {
        let words = format!("reload: {} (asked here", verdict.words(Action::Reload));
        screen.wait_for(&words, |text| text.contains(&words));
    }
    let wanted = [
        "reloaded it[N], but it is down: exit code N or SIGINT",
        "did not reload it[N]: left alone, because the instance before it failed",
    ];
    let told = [command, sentences(Action::Reload, library)];
    assert_the_same(&told, &wanted);
}

pub(crate) fn replaced_three_ways(release: Release) {
    let stage = Stage::of(Pm2Home::with(release, &[idle("alpha"), idle("beta")]));
    let (home, client) = (&stage.home, stage.client());
    let before = targets(&stage, &client, "beta");
    let mut screen = home.cockpit((160, 40));
    screen.select("beta");
    screen.press("d");
    screen.wait_for("the question", |text| text.contains("delete beta[1]?"));
    let of_home = ["--home", home.path().to_str().unwrap(), "delete", "all"];
    let mut question = Screen::program((160, 20), COCKPIT, &of_home, &[]);
    question.wait_for("the question", |text| text.contains("[y/N]"));
    swap(home);
    wait_for_newcomers(home);
    let library =
        sentences(Action::Delete, stage.run(client.act_all(Action::Delete, before)).unwrap());
    question.press("y\r");
    let text = question.wait_for("what came of it", |text| text.contains("cannot delete beta[1]"));
    let line = text.lines().find(|line| line.contains("cannot delete beta[1]")).unwrap();
    let command = line.trim().trim_start_matches("pm2-tui: ");
    assert_eq!(question.wait_exit().code, 1);
    let notice = notice(&mut screen, "delete beta[1]: ");
    assert_eq!(library, ["cannot delete beta[1]: replaced: id 1 is delta now; nothing was sent"]);
    assert_eq!(command, library[0]);
    // A slow machine may look in between, when the one is gone and the other is not there.
    let gone = "delete beta[1]: gone: the process no longer exists; nothing was sent";
    let is_told = [library[0].trim_start_matches("cannot "), gone];
    assert!(is_told.contains(&notice.trim_end()), "{notice}");
    home.assert_unharmed_but(&[]);
}

pub(crate) fn a_killed_daemon_three_ways(release: Release) {
    let stubborn = |name: &str| {
        script(name, "js", format!("process.on('SIGINT', function () {{}}); {IDLES}"))
            .with(json!({"kill_timeout": 60_000}))
    };
    let stage = Stage::of(Pm2Home::with(release, &three(stubborn)));
    stage.wait_online();
    let god = stage.home.living_god();
    let client = stage.client();
    let target = targets(&stage, &client, "library").remove(0);
    let mut screen = stage.home.cockpit((200, 40));
    screen.select("screen");
    let mut command = program(&stage.home, &["stop", "command"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stopping = target.clone();
    let library = stage.spawn(async move { client.act(Action::Stop, &stopping).await });
    screen.press("s");
    for way in WAYS {
        stage.home.wait_status(way, "stopping");
    }
    god.signal(rustix::process::Signal::KILL);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let command = vec![String::from_utf8(output.stderr).unwrap()];
    let killed = stage.run(library).unwrap();
    let Err(ClientError::NotDone { verdict, .. }) = killed else { panic!("{killed:?}") };
    let library = vec![verdict.sentence(Action::Stop, &target.label())];
    let screen = vec![notice(&mut screen, "stop screen[2]: ")];
    let wanted = "stop it[N]: unknown: the daemon closed the connection after N s, it may have";
    assert_the_same(&[command, library, screen], &[wanted]);
}
