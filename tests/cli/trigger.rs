//! `trigger` and `send`: who is called, and who answered.

use std::collections::BTreeSet;

use pm2_tui::demo::{Script, World, epoch_ms};
use serde_json::json;

use super::program::{Simulated, pm2_tui};
use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::wait_until;

pub(crate) fn a_message_to_all_asks_for_the_processes_once() {
    let daemon = Simulated::quiet(5);
    let sent = daemon.run(&["send", "all", "hello"]).with(0);
    assert_eq!(sent.out.lines().count(), 5, "{sent:?}");
    let mut wanted = vec!["getMonitorData"];
    wanted.extend(["sendDataToProcessId"; 5]);
    assert_eq!(daemon.called(), wanted);
    daemon.run(&["call", "stopProcessId", "2"]).with(0);
    let partly = daemon.run(&["send", "all", "hello"]).with(1);
    assert_eq!(partly.out.lines().count(), 4, "{partly:?}");
    let why = "pm2-tui: cannot send to app-2[2]: not delivered: the process is not running\n";
    assert_eq!(partly.err, why);
}

pub(crate) fn what_nobody_declares_is_not_sent() {
    let daemon = Simulated::with(World::lively(epoch_ms()), Script::default());
    let all = daemon.run(&["ls", "--json"]).with(0).json();
    let name = all[0]["name"].as_str().unwrap().to_owned();
    for arguments in [
        &["trigger", "all", "no such action"][..],
        &["trigger", &name, "KM:heapdump"],
        &["call", "msgProcess", &json!({ "name": name, "msg": "no such action" }).to_string()],
        &["call", "msgProcess", "{\"id\": 0, \"msg\": \"no such action\"}"],
        &["call", "msgProcess", "{\"name\": \"all\", \"msg\": \"no such action\"}"],
    ] {
        let ended = daemon.run(arguments).with(1);
        assert!(ended.err.contains("declares the action"), "{arguments:?}: {ended:?}");
        assert_eq!((ended.err.lines().count(), ended.out.as_str()), (1, ""), "{arguments:?}");
        if arguments.contains(&"all") {
            assert!(ended.err.contains("; declared: disconnect idle, km:cpu:"), "{ended:?}");
        }
    }
    let called: BTreeSet<String> = daemon.called().into_iter().collect();
    assert_eq!(called.into_iter().collect::<Vec<_>>(), ["getMonitorData"]);
    daemon.run(&["trigger", "nobody", "x"]).with(1);
    let refused = daemon.run(&["--read-only", "trigger", "all", "km:heapdump"]).with(2);
    assert!(refused.err.contains("read-only"), "{refused:?}");
    daemon.run(&["trigger", "all"]).with(2);
}

/// Declares `what`, `mute` and `die`, with PM2's own messages.
fn acting(name: &str) -> App {
    apps::script(
        name,
        "js",
        "for (const action_name of ['what', 'mute', 'die'])
  process.send({ type: 'axm:action', data: { action_name, action_type: 'custom' } });
process.on('message', (got) => {
  const name = got.msg || got;
  if (name === 'die') process.exit(1);
  if (name !== 'what') return;
  const data = { at: Date.now(), action_name: name, return: { id: process.env.pm_id, got } };
  process.send({ type: 'axm:reply', data });
});
setInterval(() => {}, 1e9);",
    )
}

/// A home in which all of these have declared their actions.
fn declared(apps: &[App]) -> Pm2Home {
    let home = Pm2Home::with(Release::Seven, apps);
    wait_until("all have declared their actions", || {
        let raw = pm2_tui(home.path(), &["call", "getMonitorData"]).with(0).json();
        let of = |name: &str| -> Vec<usize> {
            let all = raw.as_array().unwrap().iter().filter(|one| one["name"] == name);
            all.map(|one| one["pm2_env"]["axm_actions"].as_array().map_or(0, Vec::len)).collect()
        };
        let ready = |app: &App| app.name == "calm" || of(&app.name).iter().all(|&count| count >= 3);
        apps.iter().all(ready)
    });
    home
}

/// The ids of the instances of an app.
fn ids(home: &Pm2Home, name: &str) -> Vec<u32> {
    let all = home.jlist().into_iter().filter(|one| one.name == name);
    all.map(|one| one.pm_id.try_into().unwrap()).collect()
}

pub(crate) fn each_instance_replies() {
    let many = acting("many").with(json!({"exec_mode": "cluster", "instances": 2}));
    let home = declared(&[many, acting("one"), apps::sleeper("calm")]);
    home.mark();
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    let replies = |arguments: &[&str]| -> BTreeSet<String> {
        let ended = run(arguments).with(0);
        assert_eq!(ended.err, "", "{arguments:?}");
        ended.out.lines().map(str::to_owned).collect()
    };
    let line = |name: &str, id: u32, got: &str| {
        format!("{name}[{id}]: {{\"got\":{got},\"id\":{}}}", json!(id.to_string()))
    };
    let (many, one) = (ids(&home, "many"), ids(&home, "one")[0]);
    let what = "\"what\"";
    let both = BTreeSet::from([line("many", many[0], what), line("many", many[1], what)]);
    assert_eq!(replies(&["trigger", "many", "what"]), both);
    let mut all = both.clone();
    all.insert(line("one", one, what));
    assert_eq!(replies(&["trigger", "all", "what"]), all, "those of other apps are not asked");
    // As `pm2 trigger`: the parameters are a text.
    let by_id = format!("id:{one}");
    for params in ["{\"a\": 1}", "-5", "two words", "é\u{1f642}"] {
        let got = json!({ "id": one, "msg": "what", "opts": params }).to_string();
        let wanted = BTreeSet::from([line("one", one, &got)]);
        assert_eq!(replies(&["trigger", &by_id, "what", params]), wanted, "{params}");
    }
    let wanted = BTreeSet::from([line("one", one, what)]);
    assert_eq!(replies(&["trigger", "one", "what", ""]), wanted, "as pm2, nothing is no text");
    let json = run(&["trigger", "one", "what", "--json"]).with(0).json();
    let returned = json!({ "id": one.to_string(), "got": "what" });
    let wanted = json!({ "pm_id": one, "name": "one", "action": "what", "return": returned });
    assert_eq!(json, wanted);
    let none = run(&["trigger", "calm", "what"]).with(1);
    assert!(none.err.contains("`what`; none is declared"), "{none:?}");
    home.assert_unharmed_but(&[]);
}

pub(crate) fn one_without_a_reply_is_told() {
    let many = acting("many").with(json!({"exec_mode": "cluster", "instances": 2}));
    let home = declared(&[many, acting("alone").with(json!({"autorestart": false}))]);
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    let (many, alone) = (ids(&home, "many"), ids(&home, "alone")[0]);
    let late = run(&["trigger", "alone", "mute", "--timeout", "300ms"]).with(4);
    assert_eq!(late.err, format!("pm2-tui: alone[{alone}]: no reply in 0.3 s\n"));
    let both = run(&["trigger", "many", "mute", "--timeout", "300ms"]).with(4);
    assert_eq!(both.err.lines().count(), 2, "{both:?}");
    let ended = run(&["trigger", "alone", "die", "--timeout", "1m"]).with(1);
    assert_eq!(ended.err, format!("pm2-tui: alone[{alone}]: it ended before it replied\n"));
    // A stopped one declares nothing any more, but its sibling does.
    run(&["stop", &format!("id:{}", many[1])]).with(0);
    let partly = run(&["trigger", "many", "what"]).with(1);
    assert_eq!(partly.out.lines().count(), 1, "{partly:?}");
    let why = "not triggered: the process is not running";
    assert_eq!(partly.err, format!("pm2-tui: many[{}]: {why}\n", many[1]));
}
