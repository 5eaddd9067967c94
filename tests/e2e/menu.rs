//! Each action of the menu on a real PM2, and what PM2 then says of it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::saved_list::{choose, say_yes};
use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{Screen, is_selected, row};

/// Writes what it gets by line, message, action and signal into the file `said`.
pub(super) fn hearing(name: &str) -> App {
    apps::script(
        name,
        "js",
        "const fs = require('fs');
const say = (text) => { fs.appendFileSync('said', text + '\\n'); console.log(text); };
process.stdin.on('data', (data) => say('line ' + String(data).trim()));
process.on('SIGUSR2', () => say('signal'));
process.on('message', (got) => {
  say('message ' + JSON.stringify(got.msg || got.data || got));
  const data = { at: Date.now(), action_name: 'greet', return: { hello: 1 } };
  if ((got.msg || got) === 'greet') process.send({ type: 'axm:reply', data });
});
process.send({ type: 'axm:action', data: { action_name: 'greet', arity: 1 } });
console.log('begun');
setInterval(() => {}, 1e9);",
    )
}

/// What stands in the file `said`.
fn said(home: &Pm2Home) -> String {
    fs::read_to_string(home.apps().join("said")).unwrap_or_default()
}

/// `pm2_env` of all processes of a name, by instance.
fn envs(home: &Pm2Home, name: &str) -> Vec<Json> {
    let list = home.call("getMonitorData", &json!({}));
    let all = list.as_array().unwrap().iter().filter(|process| process["name"] == name);
    let mut envs: Vec<Json> = all.map(|process| process["pm2_env"].clone()).collect();
    envs.sort_by_key(|env| env["NODE_APP_INSTANCE"].as_u64());
    envs
}

/// Instances and ids of a name that are online.
fn instances(home: &Pm2Home, name: &str) -> Vec<(u64, u64)> {
    let envs = envs(home, name).into_iter().filter(|env| env["status"] == "online");
    envs.map(|env| (env["NODE_APP_INSTANCE"].as_u64().unwrap(), env["pm_id"].as_u64().unwrap()))
        .collect()
}

/// Types into what the menu asks for, and takes it.
#[track_caller]
fn type_in(screen: &mut Screen, title: &str, text: &str) {
    screen.wait_for("the prompt", |shown| shown.contains(title));
    if !text.is_empty() {
        screen.press(text);
        screen.wait_for("what is typed", |shown| shown.contains(&format!("> {text}")));
    }
    screen.press("\r");
    screen.wait_for("the prompt to close", |shown| !shown.contains(title));
}

fn log(home: &Pm2Home, name: &str) -> PathBuf {
    home.path().join("logs").join(name)
}

pub(crate) fn each_action_does_what_it_says() {
    let home =
        Pm2Home::with(Release::Seven, &[hearing("one"), apps::idle("two"), apps::cluster("web")]);
    let god = home.living_god();
    let mut screen = home.cockpit((120, 40));
    the_five(&home, &mut screen, &mut nothing);
    speaking(&home, &mut screen, &mut nothing);
    files_and_counts(&home, &mut screen, &mut nothing);
    scaling(&home, &mut screen, &mut nothing);
    whole(&home, &mut screen);
    assert_eq!(home.god(), Some(god), "the daemon is the same until it is killed");
    // It wants the word, not a `y`.
    choose(&mut screen, "kill the daemon");
    screen.wait_for("the question", |text| text.contains("type kill"));
    screen.press("kill");
    screen.wait_for("the word", |text| text.contains("> kill"));
    screen.press("\r");
    screen.wait_until("the daemon is gone", || home.god().is_none());
    screen.wait_for("that it is", |text| text.contains("disconnected"));
}

/// What is looked at after an action, given its name.
pub(super) type After<'a> = &'a mut dyn FnMut(&mut Screen, &str);

fn nothing(_: &mut Screen, _: &str) {}

/// Stop, start, restart, reload.
pub(super) fn the_five(home: &Pm2Home, screen: &mut Screen, after: After<'_>) {
    screen.select("one");
    choose(screen, "stop ");
    home.wait_status("one", "stopped");
    screen.wait_for("the row", |text| row(text, "one").is_some_and(|it| it.contains("stopped")));
    after(screen, "stop");
    choose(screen, "start ");
    let started = home.wait_status("one", "online");
    screen.wait_for("the row", |text| row(text, "one").is_some_and(|it| it.contains("online")));
    after(screen, "start");
    choose(screen, "restart ");
    screen.wait_until("one restart more", || {
        let now = home.one("one");
        now.restarts == started.restarts + 1 && now.pid != started.pid && now.pid > 0
    });
    screen.wait_for("its command", |text| text.contains("= ") && text.contains("pm2 restart 0"));
    let before = home.one("one");
    after(screen, "restart");
    choose(screen, "reload ");
    screen.wait_until("another pid", || {
        let now = home.one("one");
        now.pid != before.pid && now.pid > 0 && now.status == "online"
    });
    screen.wait_for("its command", |text| text.contains("pm2 reload 0"));
    after(screen, "reload");
    choose(screen, "reset counts");
    screen.wait_until("no restarts", || home.one("one").restarts == 0);
    screen.wait_for("its command", |text| text.contains("pm2 reset 0"));
    after(screen, "reset counts");
}

/// Signal, line, message, action.
pub(super) fn speaking(home: &Pm2Home, screen: &mut Screen, after: After<'_>) {
    choose(screen, "send a signal");
    type_in(screen, "Send a signal to one[0]", "usr2");
    say_yes(screen, "the signal", || said(home).contains("signal\n"));
    screen.wait_for("its command", |text| text.contains("pm2 sendSignal SIGUSR2 0"));
    after(screen, "send a signal");
    choose(screen, "write a line");
    type_in(screen, "Write a line to the standard input of one[0]", "hello 4711");
    screen.wait_until("the line", || said(home).contains("line hello 4711\n"));
    screen.wait_for("its command", |text| text.contains("pm2 send 0 'hello 4711'"));
    after(screen, "write a line");
    choose(screen, "message ");
    type_in(screen, "Message to one", "moin 4712");
    screen.wait_until("the message", || said(home).contains("moin 4712"));
    after(screen, "message");
    choose(screen, "trigger an action");
    type_in(screen, "Trigger an action in one[0]", "greet");
    screen.wait_until("the action", || said(home).contains("message \"greet\""));
    screen.wait_for("its reply", |text| text.contains("greet of one[0]: {\"hello\":1}"));
    after(screen, "trigger an action");
}

/// Watch, flush, reload of logs.
pub(super) fn files_and_counts(home: &Pm2Home, screen: &mut Screen, after: After<'_>) {
    let out = log(home, "one-out.log");
    assert!(fs::metadata(&out).unwrap().len() > 0);
    choose(screen, "flush logs");
    say_yes(screen, "an empty log", || fs::metadata(&out).unwrap().len() == 0);
    screen.wait_for("its command", |text| text.contains("pm2 flush 0"));
    after(screen, "flush logs");
    choose(screen, "reload logs");
    let console = home.path().join("pm2.log");
    say_yes(screen, "the logs opened again", || {
        fs::read_to_string(&console).unwrap().contains("Reloading logs...")
    });
    screen.wait_for("its end", |text| text.contains("pm2 reloadLogs"));
    after(screen, "reload logs");
    choose(screen, "flush PM2's log");
    say_yes(screen, "an empty console", || {
        !fs::read_to_string(&console).unwrap().contains("Reloading logs...")
    });
    screen.wait_for("its end", |text| text.contains("emptied "));
    after(screen, "flush PM2's log");
    screen.select("two");
    choose(screen, "watch files");
    screen.wait_until("it is watched", || envs(home, "two")[0]["watch"] == true);
    screen.wait_for("that it is", |text| text.contains("now watching the files of two"));
    after(screen, "watch files");
    choose(screen, "do not watch files");
    screen.wait_until("it is not", || envs(home, "two")[0]["watch"] == false);
    screen.wait_for("that it is not", |text| text.contains("stopped watching the files of two"));
    after(screen, "do not watch files");
}

pub(super) fn scaling(home: &Pm2Home, screen: &mut Screen, after: After<'_>) {
    screen.select("web");
    let first = instances(home, "web");
    assert_eq!(first.iter().map(|(instance, _)| *instance).collect::<Vec<_>>(), [0, 1]);
    for (typed, left, steps) in [("+2", 4, 2), ("-1", 3, 1), ("5", 5, 2), ("2", 2, 3)] {
        choose(screen, "scale ");
        type_in(screen, "Scale web", typed);
        say_yes(screen, typed, || instances(home, "web").len() == left);
        screen.wait_for("its end", |text| text.contains(&format!("to {left} processes")));
        let kept = instances(home, "web");
        assert_eq!(kept.get(..2), first.get(..2), "the lowest stay: {kept:?}");
        // Of one step there is no list.
        if steps > 1 {
            let listed = format!("{steps} of {steps} succeeded");
            screen.wait_for("each outcome", |text| text.contains(&listed));
            screen.escape();
            screen.wait_for("the table", |text| !text.contains(" succeeded"));
        }
        after(screen, typed);
    }
    // What the last one deleted comes back as after any delete.
    screen.press("u");
    screen.wait_for("the question", |text| text.contains("start 3 deleted processes again?"));
    say_yes(screen, "they are back", || instances(home, "web").len() == 5);
    screen.wait_for("each outcome", |text| text.contains("3 of 3 succeeded"));
    screen.escape();
    screen.wait_for("the table", |text| {
        text.contains("Enter details") && !text.contains(" succeeded")
    });
    screen.select("web");
    choose(screen, "scale ");
    type_in(screen, "Scale web", "2");
    screen.wait_for("who goes, by name", |text| {
        text.contains("scales web from 5 to 2: deletes web[")
    });
    say_yes(screen, "2 are left", || instances(home, "web").len() == 2);
    assert_eq!(instances(home, "web"), first, "the lowest stay");
    // No look at the daemon is waited for.
    screen.wait_for("its end", |text| text.contains("3 of 3 succeeded"));
    screen.escape();
    screen.wait_for("the table", |text| {
        text.contains("Enter details") && !text.contains(" succeeded")
    });
    after(screen, "2");
}

/// Save, delete, undo, resurrect.
fn whole(home: &Pm2Home, screen: &mut Screen) {
    let dump = home.path().join("dump.pm2");
    choose(screen, "save ");
    say_yes(screen, "the saved list", || dump.exists());
    let saved: Json = serde_json::from_str(&fs::read_to_string(&dump).unwrap()).unwrap();
    let mut names: Vec<&str> =
        saved.as_array().unwrap().iter().map(|env| env["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["one", "two", "web", "web"]);
    screen.wait_for("its command", |text| text.contains("pm2 save"));

    screen.select("two");
    let before = home.one("two");
    choose(screen, "delete ");
    say_yes(screen, "it is gone", || home.jlist().iter().all(|it| it.name != "two"));
    screen.wait_for("the row to go", |text| row(text, "two").is_none());
    // A poll may show that before PM2's answer comes, and only then it can be undone.
    screen.wait_for("the answer", |text| {
        text.lines().any(|line| line.contains("two[") && line.contains("deleted (asked here"))
    });
    screen.press("u");
    screen.wait_for("the question", |text| text.contains("starts two["));
    say_yes(screen, "it is back", || {
        home.jlist().iter().any(|it| it.name == "two" && it.status == "online")
    });
    assert_ne!(home.one("two").pid, before.pid);
    screen.wait_for("what came of it", |text| text.contains("restored two["));

    // The cursor came to its row by itself; what is chosen here stays.
    screen.select("two");
    home.cli(&["delete", "one"]);
    screen.wait_for("the row to go", |text| row(text, "one").is_none());
    choose(screen, "resurrect");
    say_yes(screen, "it is back", || {
        home.jlist().iter().any(|it| it.name == "one" && it.status == "online")
    });
    screen.wait_for("each outcome", |text| text.contains("restored one["));
    screen.press("\x1b");
    screen.wait_for("the table", |text| {
        text.contains("━ Processes") && text.lines().any(is_selected)
    });
}

/// `R` and `a` on the row of a group mean its processes, all by name, and no others.
pub(crate) fn keys_on_a_group_mean_its_processes() {
    let in_namespace = |app: App, name: &str| app.with(json!({ "namespace": name }));
    let web = apps::script("web", "js", "setInterval(() => {}, 1e9);")
        .with(json!({ "namespace": "shop", "exec_mode": "cluster", "instances": 2 }));
    let home = Pm2Home::with(
        Release::Seven,
        &[web, in_namespace(apps::idle("cart"), "shop"), in_namespace(apps::idle("mail"), "jobs")],
    );
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.wait_for("the rows", |text| row(text, "mail").is_some());
    screen.press("t");
    screen.wait_for("the tree", |text| text.contains("━ tree ━"));
    screen.select("shop");
    let pids = |names: &[&str]| -> Vec<i32> {
        let all = home.jlist().into_iter().filter(|it| names.contains(&it.name.as_str()));
        all.map(|it| it.pid).collect()
    };
    let ids = |name: &str| -> String {
        let all = home.jlist().into_iter().filter(|it| it.name == name);
        all.map(|it| it.pm_id.to_string()).collect::<Vec<_>>().join(" ")
    };
    let (web, cart) = (format!("web[{}]", ids("web")), format!("cart[{}]", ids("cart")));
    let before = pids(&["web", "cart"]);
    screen.press("R");
    screen.wait_for("the question, by name", |text| {
        text.contains("reload 3 processes?")
            && text.contains(&format!("reloads {web}"))
            && text.contains(&format!("reloads {cart}"))
            && !text.contains("reloads mail")
    });
    say_yes(&mut screen, "three new pids", || {
        let now = pids(&["web", "cart"]);
        now.len() == 3 && now.iter().all(|pid| *pid > 0 && !before.contains(pid))
    });
    screen.wait_for("each verdict", |text| text.contains("3 of 3 succeeded"));
    screen.escape();
    screen.wait_for("the table", |text| !text.contains(" succeeded"));
    home.assert_unharmed_but(&["web", "cart"]);

    home.cli(&["stop", "web", "cart"]);
    screen.wait_for("none is online", |text| {
        row(text, "shop").is_some_and(|it| it.contains("0 of 3"))
    });
    screen.select("shop");
    screen.press("a");
    screen.wait_for("the question, by name", |text| {
        text.contains("start 3 processes?") && text.contains(&format!("starts {web}"))
    });
    say_yes(&mut screen, "all are online", || {
        home.jlist().iter().filter(|it| it.status == "online" && it.pid > 0).count() == 4
    });
    screen.wait_for("each verdict", |text| text.contains("3 of 3 succeeded"));
    home.assert_unharmed_but(&["web", "cart"]);
}
