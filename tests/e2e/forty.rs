//! Forty processes in five namespaces: each thing that finds, shows and acts, on one real PM2; what the
//! screen says of each process is what PM2 says, and what is saved is what runs.

use std::fs;

use serde_json::{Value as Json, json};

use super::menu::{self, hearing};
use super::saved_list::{choose, say_yes};
use super::undo::npm;
use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{Screen, row};
use crate::harness::trials::{Test, Weight, with_pm2};

pub(crate) fn trials() -> Vec<Test> {
    let trial = with_pm2(forty_processes_are_found_seen_and_acted_on);
    vec![trial.weighing(Weight::Busy).lasting()]
}

const NAMESPACES: [&str; 5] = ["shop", "jobs", "media", "infra", "default"];

fn apps() -> Vec<App> {
    let of = |app: App, namespace: &str, more: Json| {
        let mut entry = json!({ "namespace": namespace });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.with(entry)
    };
    let serve = "require('http').createServer((q, a) => a.end('hello')).listen(0, '127.0.0.1');";
    let cluster = |instances: u8| json!({ "exec_mode": "cluster", "instances": instances });
    let mut all = vec![
        of(hearing("one"), "jobs", json!({})),
        of(apps::idle("two"), "jobs", json!({ "max_memory_restart": "200M" })),
        of(apps::script("web", "js", serve), "shop", cluster(2)),
        of(apps::script("api", "js", serve), "shop", cluster(4)),
        apps::crasher("crasher"),
        apps::delayed("delayed"),
    ];
    let sleeper = |number: usize| {
        let app = apps::sleeper(&format!("s-{number}"));
        let more = json!({ "interpreter": "none", "args": ["86400"] });
        of(app, NAMESPACES[number % NAMESPACES.len()], more)
    };
    all.extend((0..28).map(sleeper));
    all
}

/// A module, as `pm2 install` leaves it.
fn add_module(home: &Pm2Home) {
    let (path, name) = (home.path(), "watchdog");
    home.call(
        "prepare",
        &json!({
            "name": name, "namespace": "default", "pmx_module": true, "instances": 1,
            "pm_exec_path": "/bin/sleep", "args": ["86400"], "pm_cwd": path, "node_args": [],
            "exec_mode": "fork_mode", "exec_interpreter": "none", "env": {},
            "instance_var": "NODE_APP_INSTANCE", "autorestart": true, "vizion": false,
            "pm_pid_path": path.join("pids/watchdog.pid"), "treekill": true,
            "pm_out_log_path": path.join("logs/watchdog-out.log"),
            "pm_err_log_path": path.join("logs/watchdog-error.log"),
        }),
    );
}

/// Waits until each process that PM2 lists has a row with its name and its status, and there is no row
/// more.
#[track_caller]
fn agrees(home: &Pm2Home, screen: &mut Screen) {
    screen.wait_for("the rows to be as PM2 says", |text| {
        let listed = home.jlist();
        let rows: Vec<Vec<&str>> = text
            .lines()
            .skip_while(|line| !line.contains("namespace"))
            .skip(1)
            .map(|line| line.trim_start_matches(['▌', '▏', '◆', ' ']).split_whitespace().collect())
            .take_while(|row: &Vec<&str>| row.first().is_some_and(|id| id.parse::<u64>().is_ok()))
            .collect();
        rows.len() == listed.len()
            && listed.iter().all(|it| {
                let id = it.pm_id.to_string();
                let row = rows.iter().find(|row| row.first() == Some(&&*id));
                let word = match &*it.status {
                    "waiting restart" => "waiting",
                    word => word,
                };
                row.is_some_and(|row| row.get(1) == Some(&&*it.name) && row.contains(&word))
            })
    });
}

/// Names, each as often as it is there, in order.
type Names = Vec<String>;

/// What is saved and what runs, modules aside; nothing is saved before there is a file.
fn saved_and_running(home: &Pm2Home) -> (Option<Names>, Names) {
    let text = fs::read_to_string(home.path().join("dump.pm2")).ok();
    let sorted = |mut names: Names| {
        names.sort();
        names
    };
    let saved = text.map(|text| {
        let saved: Json = serde_json::from_str(&text).unwrap();
        let all = saved.as_array().unwrap().iter();
        sorted(all.map(|env| env["name"].as_str().unwrap().to_owned()).collect())
    });
    let listed = home.jlist().into_iter().map(|it| it.name).filter(|name| name != "watchdog");
    (saved, sorted(listed.collect()))
}

/// Waits until the header says that the saved list is not what runs where that is so.
#[track_caller]
fn saved_list_agrees(home: &Pm2Home, screen: &mut Screen, what: &str) {
    screen.wait_for(&format!("the header to be as dump.pm2 is after {what}"), |text| {
        let says = text.lines().next().unwrap_or_default().contains("saved");
        let (saved, running) = saved_and_running(home);
        match saved {
            // That nothing is saved is said, too.
            None => says,
            // It may say more: other arguments of one that is saved and runs.
            Some(saved) => says || saved == running,
        }
    });
}

/// The names that are saved are those that run, modules aside.
fn saved_is_what_runs(home: &Pm2Home) {
    let (saved, running) = saved_and_running(home);
    assert_eq!(saved, Some(running));
}

fn forty_processes_are_found_seen_and_acted_on() {
    let home = Pm2Home::with(Release::Seven, &apps());
    npm(&home);
    add_module(&home);
    home.wait_status("crasher", "errored");
    home.wait_status("delayed", "waiting restart");
    assert_eq!(home.jlist().len(), 40);
    let mut screen = home.cockpit((200, 100));
    agrees(&home, &mut screen);
    home.mark();
    finds(&mut screen);
    sees(&mut screen);
    home.assert_unharmed_but(&["delayed"]);

    let mut looked = 0;
    let mut after = |screen: &mut Screen, what: &str| {
        looked += 1;
        agrees(&home, screen);
        saved_list_agrees(&home, screen, what);
    };
    menu::the_five(&home, &mut screen, &mut after);
    menu::speaking(&home, &mut screen, &mut after);
    menu::files_and_counts(&home, &mut screen, &mut after);
    menu::scaling(&home, &mut screen, &mut after);
    saves(&home, &mut screen);
    after(&mut screen, "save");
    several(&home, &mut screen, &mut after);
    assert_eq!(looked, 22, "after each action");
    let media: Vec<String> = (0..28).filter(|it| it % 5 == 2).map(|it| format!("s-{it}")).collect();
    let touched =
        ["one", "two", "web", "delayed"].into_iter().chain(media.iter().map(String::as_str));
    home.assert_unharmed_but(&touched.collect::<Vec<_>>());
    screen.press("q");
    assert_eq!(screen.wait_exit().code, 0);
}

/// Types a filter and keeps it.
fn filter(screen: &mut Screen, text: &str, title: &str) {
    screen.press("/");
    screen.wait_for("the prompt", |shown| shown.contains("Enter keep"));
    screen.press(text);
    screen.wait_for(title, |shown| shown.contains(title));
    screen.press("\r");
    // Where nothing fits, there is nobody whom a key could mean.
    screen.wait_for("the table", |shown| shown.contains(title) && !shown.contains("Enter keep"));
}

fn all_again(screen: &mut Screen) {
    screen.press("\x1b");
    screen.wait_for("all rows", |text| !text.contains(" of 40"));
}

/// Part 2: filter, what is not well, order, tree, columns.
fn finds(screen: &mut Screen) {
    for (text, title) in [
        ("api", "4 of 40"),
        ("ns:shop !s-", "6 of 40"),
        ("status:errored or status:waiting", "2 of 40"),
        ("mode:cluster", "6 of 40"),
        ("(one or two) mem>1M", "2 of 40"),
        ("unstable>0", " of 40"),
        ("host:nowhere", "0 of 40"),
    ] {
        filter(screen, text, title);
        all_again(screen);
    }
    // A frame may be read in part: the title says that the key was taken.
    screen.press("!");
    screen.wait_for("what is not well", |text| {
        text.contains("2 of 40")
            && row(text, "crasher").is_some()
            && row(text, "delayed").is_some()
            && row(text, "s-1").is_none()
    });
    screen.press("!");
    screen.wait_for("all", |text| !text.contains(" of 40") && row(text, "s-1").is_some());
    screen.select("one");
    screen.press("e");
    screen.wait_for("the next that is not well", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains("crasher"))
    });
    screen.press(">");
    screen.wait_for("the order by name", |text| text.contains("name▲"));
    let names = |text: &str, name: &str| text.lines().position(|line| row(line, name).is_some());
    screen.wait_for("in natural order", |text| names(text, "s-2") < names(text, "s-10"));
    screen.press("<");
    screen.wait_for("the order by id", |text| text.contains("id▲"));
    screen.press("t");
    screen.wait_for("the tree with its namespaces", |text| {
        text.contains("━ tree") && NAMESPACES.iter().all(|name| row(text, name).is_some())
    });
    screen.press("t");
    screen.wait_for("rows again", |text| text.contains("id▲") && !text.contains("━ tree"));
}

/// Part 3: the tabs of the details.
fn sees(screen: &mut Screen) {
    screen.select("one");
    screen.press("\r");
    screen.wait_for("the overview", |text| text.contains("one.js") && text.contains("min uptime"));
    for (key, shows, has) in [
        ("2", "+ - span", "max "),
        ("3", "Enter chart", "Heap"),
        ("4", "Enter trigger", "greet"),
        ("6", "Enter fold", "\"pm2_env\""),
        ("5", "Enter show, hide", "***"),
    ] {
        screen.press(key);
        screen.wait_for(shows, |text| text.contains(shows) && text.contains(has));
    }
    screen.press("\x1b");
    screen.wait_for("the table", |text| text.contains("━ Processes"));
    // The child that PM2 does not count.
    screen.select("npm-app");
    screen.press("\r");
    screen.wait_for("its children", |text| {
        text.contains(" of them:") && text.contains("node app.js")
    });
    screen.press("\x1b");
    screen.wait_for("the table", |text| text.contains("━ Processes"));
}

/// Save; what is saved is what runs, and the header says so.
fn saves(home: &Pm2Home, screen: &mut Screen) {
    choose(screen, "save ");
    say_yes(screen, "the saved list", || home.path().join("dump.pm2").exists());
    screen.wait_for("its command", |text| text.contains("pm2 save"));
    saved_is_what_runs(home);
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    screen.wait_for("nothing to differ", |text| !first(text).contains("saved"));
}

/// Marks, delete of several by the word, undo.
fn several(home: &Pm2Home, screen: &mut Screen, after: menu::After<'_>) {
    filter(screen, "ns:media s-", "of 40");
    let marked = home.jlist().iter().filter(|it| it.name.starts_with("s-")).count();
    assert_eq!(marked, 28);
    screen.press("*");
    screen.wait_for("the marks", |text| text.contains("6 marked"));
    let before: Vec<String> = home.jlist().into_iter().map(|it| it.name).collect();
    screen.press("d");
    screen.wait_for("the word", |text| text.contains("type delete"));
    screen.press("delete");
    screen.wait_for("what is typed", |text| text.contains("> delete"));
    screen.press("\r");
    screen.wait_for("each verdict", |text| {
        text.contains("succeeded") || text.contains("delete: all")
    });
    let left = home.jlist().len();
    assert!(left < 40, "{left}");
    screen.press("\x1b");
    screen.wait_for("the table", |text| text.contains("━ Processes"));
    screen.press("\x1b");
    screen.wait_for("no filter", |text| row(text, "crasher").is_some());
    screen.wait_for("that it differs", |text| {
        text.lines().next().unwrap_or_default().contains("saved")
    });
    after(screen, "delete");
    screen.press("u");
    screen.wait_for("the question", |text| text.contains("again, as"));
    say_yes(screen, "they are back", || home.jlist().len() == 40);
    screen
        .wait_for("each verdict", |text| text.contains("succeeded") || text.contains("again: all"));
    screen.press("\x1b");
    screen.wait_for("the table", |text| text.contains("━ Processes"));
    let mut names: Vec<String> = home.jlist().into_iter().map(|it| it.name).collect();
    let mut before = before;
    before.sort();
    names.sort();
    assert_eq!(before, names);
    saved_is_what_runs(home);
    after(screen, "undo");
}
