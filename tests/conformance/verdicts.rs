//! What came of an action, told by the command, the library and the screen in the same words.

use std::collections::BTreeMap;
use std::fs;

use pm2_tui::client::{Action, ClientError, Target, Verdict};
use serde_json::json;

use super::stage::Stage;
use crate::harness::apps::{App, script};
use crate::harness::home::{Pm2Home, run};
use crate::harness::install::Release;
use crate::harness::screen::{COCKPIT, Screen};
use crate::harness::{PATIENCE, wait_until};

/// What PM2 does next, at the end of the words.
const AGAIN: &str = " (PM2 starts it again)";

/// An app, and what its restart must be said to have come to.
struct Case {
    app: App,
    is_success: bool,
    /// How the words begin, numbers as `N`.
    words: &'static str,
}

pub(super) const IDLES: &str = "setInterval(function () {}, 1e9);";
pub(super) const THROWS: &str = "throw new Error('bad config');";

fn cases(release: Release, port: u16) -> Vec<Case> {
    let case = |app, words: &'static str| Case { app, is_success: words.starts_with("up"), words };
    let js = |name: &str, text: &str| script(name, "js", text);
    // A busy machine takes its time to start node: it counts as failed to start for long.
    let forever = json!({"max_restarts": 1000, "min_uptime": 20_000});
    let listens = format!("require('http').createServer().listen({port}, '127.0.0.1');");
    let mut cases = vec![
        case(js("good", IDLES), "up N s"),
        case(
            js("throws", THROWS).with(forever.clone()),
            "down: exit code N: Error: bad config (PM2 starts it again)",
        ),
        case(
            js(
                "late",
                "setTimeout(function () { console.error('cannot go on'); process.exit(7); }, 400);",
            )
            .with(forever.clone()),
            "down: exit code N (PM2 starts it again)",
        ),
        case(
            js("taken", &listens).with(forever.clone()),
            "down: exit code N: Error: listen EADDRINUSE (PM2 starts it again)",
        ),
        case(
            // It ends twice within a second, on any machine: node would not.
            script("errs", "sh", "echo 'cannot go on' >&2; exit 4\n")
                .with(json!({"max_restarts": 1, "min_uptime": 20_000})),
            "down: errored, PM2 gave up after exit code N",
        ),
        case(js("removed", IDLES).with(forever.clone()), "down: exit code N (PM2 starts it again)"),
        case(
            js("unready", IDLES).with(json!({"wait_ready": true, "listen_timeout": 1200})),
            "online, but did not report ready in N s (wait_ready)",
        ),
        case(
            js("clustered", THROWS).with(json!({
                "exec_mode": "cluster", "instances": 1, "max_restarts": 1000, "min_uptime": 20_000
            })),
            "down: exit code N or SIGINT: Error: bad config (PM2 starts it again)",
        ),
    ];
    // 3.5.2 does not know them.
    if release != Release::Three {
        cases.push(case(
            js("stops", "setTimeout(function () { process.exit(3); }, 300);")
                .with(json!({"stop_exit_codes": [3], "min_uptime": 20_000})),
            "down: exit code N, and PM2 leaves it stopped",
        ));
    }
    cases
}

/// Numbers as `N`, so that counts and times of two runs compare.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' | '.' if out.ends_with('N') => {}
            '0'..='9' if !out.ends_with(char::is_alphabetic) => out.push('N'),
            c => out.push(c),
        }
    }
    out
}

/// Words without numbers, and without how often and in which time, which two runs need not share; nor
/// do they which line of an error they got: its head, or the same as Node.js 10 prints an object.
pub(super) fn comparable(text: &str) -> String {
    without_numbers(text).replace(", N times in N s", "").replace(": { Error:", ": Error:")
}

/// The words without what PM2 does next, and whether that stood there: before it are last words, which
/// may be longer, or come too late.
fn and_again(words: &str) -> (&str, bool) {
    words.strip_suffix(AGAIN).map_or((words, false), |words| (words, true))
}

/// The words of each process, from lines like `restarted api[0], up 1.0 s`.
fn words_by_name<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    lines
        .map(|line| {
            let line = line.trim_start_matches("pm2-tui: ");
            let line = line.replace(" (it was stopped)", "").replace(" (it was errored)", "");
            // What was stopped or errored is started.
            let rest = line.strip_prefix("re").unwrap_or(&line);
            let rest = rest.strip_prefix("started ").unwrap_or_else(|| panic!("{line}"));
            let (name, rest) = rest.split_once('[').unwrap_or_else(|| panic!("{line}"));
            let (_, words) = rest.split_once("], ").unwrap_or_else(|| panic!("{line}"));
            let words = words.trim_start_matches("but it is ");
            (name.to_owned(), comparable(words))
        })
        .collect()
}

pub(crate) fn restarts_three_ways(release: Release) {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let cases = cases(release, taken.local_addr().unwrap().port());
    let apps: Vec<App> = cases.iter().map(|case| case.app.clone()).collect();
    let home = Pm2Home::with(release, &apps);
    home.add_ghost("ghost");
    fs::remove_file(home.apps().join("removed.js")).unwrap();
    let mut wanted: BTreeMap<&str, (bool, &str)> =
        cases.iter().map(|case| (case.app.name.as_str(), (case.is_success, case.words))).collect();
    // 3.5.2 says `errored` of what it cannot spawn.
    let ghost = if release == Release::Three { "down: " } else { "down: never started" };
    wanted.insert("ghost", (false, ghost));

    let stage = Stage::of(home);
    let by_command = by_command(&stage.home, &wanted);
    let by_library = by_library(&stage, &wanted);
    for (name, (_, words)) in &wanted {
        // On a busy machine God may bring the last words of one of two runs too late.
        let ((one, again), (other, also)) =
            (and_again(&by_command[*name]), and_again(&by_library[*name]));
        assert!(one.starts_with(other) || other.starts_with(one), "{name}: {one}, {other}");
        let longer = if one.len() > other.len() { one } else { other };
        let (words, is_again) = and_again(words);
        assert!(longer.starts_with(words), "{name}: {longer}");
        // The ghost's words are those of two releases.
        assert!(*name == "ghost" || (again, also) == (is_again, is_again), "{name}: {longer}");
    }
    by_screen(&stage.home, &wanted);
}

fn by_command(home: &Pm2Home, wanted: &BTreeMap<&str, (bool, &str)>) -> BTreeMap<String, String> {
    let names: Vec<&str> = wanted.keys().copied().collect();
    let mut command = std::process::Command::new(COCKPIT);
    command.args(["restart"]).args(&names).env("PM2_HOME", home.path()).env("LANG", "C.UTF-8");
    // Two at a time, and each is watched for a second after its first end.
    let output = run(command, PATIENCE * 3).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let (good, bad) = (words_by_name(out.lines()), words_by_name(err.lines()));
    for (name, (is_success, _)) in wanted {
        assert_eq!(good.contains_key(*name), *is_success, "{name}: {out}{err}");
        assert_eq!(bad.contains_key(*name), !is_success, "{name}: {out}{err}");
    }
    good.into_iter().chain(bad).collect()
}

fn by_library(stage: &Stage, wanted: &BTreeMap<&str, (bool, &str)>) -> BTreeMap<String, String> {
    let client = stage.client();
    let lines = stage.run(async {
        let all = client.snapshot().await.unwrap().processes;
        let targets = all.iter().map(Target::of).collect();
        let verdicts = client.act_all(Action::Restart, targets).await.unwrap();
        client.disconnect().await;
        let line = |(target, verdict): (Target, Verdict)| {
            assert_eq!(verdict.is_success(), wanted[&*target.name].0, "{target:?}: {verdict:?}");
            verdict.sentence(Action::Restart, &target.label())
        };
        verdicts.into_iter().map(line).collect::<Vec<_>>()
    });
    words_by_name(lines.iter().map(String::as_str))
}

fn by_screen(home: &Pm2Home, wanted: &BTreeMap<&str, (bool, &str)>) {
    let path = home.path().to_str().unwrap();
    let mut screen = Screen::cockpit((220, 60), &["--home", path]);
    screen.wait_for("the rows", |text| wanted.keys().all(|name| text.contains(name)));
    for (name, (_, words)) in wanted {
        screen.select(name);
        screen.press("r");
        // In the footer's notice: the log says the same words of every attempt, and the footer names
        // the selected process beside the notice of the one before.
        screen.wait_for(&format!("what came of {name}: {words}"), |text| {
            let footer = text.lines().next_back().unwrap_or_default();
            footer.rsplit_once("started ").is_some_and(|(_, notice)| {
                notice.starts_with(&format!("{name}["))
                    && comparable(notice).contains(and_again(words).0)
            })
        });
    }
}

/// A process under the same id that is another one: nothing is sent to it.
pub(crate) fn a_replaced_process_gets_nothing(release: Release) {
    let home = Pm2Home::with(release, &[script("alpha", "js", IDLES), script("beta", "js", IDLES)]);
    let stage = Stage::of(home);
    let (home, client) = (&stage.home, stage.client());
    let targets: Vec<Target> = stage
        .run(async { client.snapshot().await.unwrap().processes.iter().map(Target::of).collect() });
    home.cli(&["delete", "all"]);
    home.start(&[script("gamma", "js", IDLES), script("beta", "js", IDLES)]);
    wait_until("the newcomers are online", || {
        home.jlist().len() == 2 && home.jlist().iter().all(|one| one.status == "online")
    });
    home.mark();
    for action in [Action::Restart, Action::Stop, Action::Reload, Action::Delete, Action::Start] {
        let verdicts = stage.run(client.act_all(action, targets.clone())).unwrap();
        for (target, verdict) in verdicts {
            assert!(matches!(verdict, Verdict::Replaced { .. }), "{target:?}: {verdict:?}");
        }
    }
    home.assert_unharmed_but(&[]);
}

/// A delete of a crash loop, a reload whose first worker fails, and a daemon that is killed.
pub(crate) fn ends_that_are_no_restarts(release: Release) {
    let web = "require('http').createServer(function (q, a) { a.end(); })
  .listen(0, '127.0.0.1', function () {
    require('fs').writeFileSync(process.env.READY + '/web-' + process.env.NODE_APP_INSTANCE, '');
  });";
    let stubborn = "process.on('SIGINT', function () {}); setInterval(function () {}, 1e9);";
    let home = Pm2Home::with(
        release,
        &[
            script("throws", "js", THROWS).with(json!({"max_restarts": 100_000})),
            // A busy machine takes its time to start node.
            script("web", "js", web).with(json!({
                "exec_mode": "cluster", "instances": 2, "min_uptime": 20_000
            })),
            script("stubborn", "js", stubborn).with(json!({"kill_timeout": 30_000})),
        ],
    );
    wait_until("all but the first are online", || {
        home.jlist().iter().filter(|one| one.name != "throws").all(|one| one.status == "online")
    });
    // PM2 calls a worker online before it has read its script, which is about to change.
    wait_until("the workers have read the good release", || {
        ["web-0", "web-1"].iter().all(|file| home.apps().join(file).is_file())
    });
    let stage = Stage::of(home);
    let (home, client) = (&stage.home, stage.client());
    let targets = |name: &str| -> Vec<Target> {
        let all = stage.run(client.snapshot()).unwrap().processes;
        all.iter().filter(|info| &*info.name == name).map(Target::of).collect()
    };
    let deleted = stage.run(client.act(Action::Delete, &targets("throws")[0]));
    assert_eq!(deleted, Ok(Verdict::Done));
    assert!(home.jlist().iter().all(|one| one.name != "throws"), "{:?}", home.jlist());

    fs::write(home.apps().join("web.js"), THROWS).unwrap();
    let before = home.jlist();
    let verdicts = stage.run(client.act_all(Action::Reload, targets("web"))).unwrap();
    let words: Vec<String> =
        verdicts.iter().map(|(_, verdict)| verdict.words(Action::Reload)).collect();
    assert!(words[0].contains("Error: bad config"), "{words:?}");
    assert!(words[1].contains("left alone"), "{words:?}");
    let second = verdicts[1].0.pm_id.0;
    let pid = |listed: &[crate::harness::home::Listed]| {
        listed.iter().find(|one| one.pm_id == u64::from(second)).map(|one| one.pid)
    };
    assert_eq!(pid(&before), pid(&home.jlist()), "the other worker still serves");

    let target = targets("stubborn").remove(0);
    let god = home.living_god();
    let acting = stage.spawn(async move { client.act(Action::Stop, &target).await });
    home.wait_status("stubborn", "stopping");
    god.signal(rustix::process::Signal::KILL);
    let killed = stage.run(acting).unwrap();
    let Err(ClientError::NotDone { verdict, .. }) = &killed else { panic!("{killed:?}") };
    assert!(matches!(verdict, Verdict::Unknown { is_closed: true, .. }), "{verdict:?}");
}
