//! The details of a process of a real PM2.

use serde_json::json;

use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;

const SECRET: &str = "hunter2-and-a-half";

/// Declares an action and a metric with PM2's own messages; the action replies with what it got.
fn declaring(name: &str) -> App {
    apps::script(
        name,
        "js",
        "process.send({ type: 'axm:action', data: { action_name: 'greet', arity: 2 } });
process.on('message', (got) => {
  if ((got.msg || got) !== 'greet') return;
  const data = { at: Date.now(), action_name: 'greet', return: { hello: got.opts } };
  process.send({ type: 'axm:reply', data });
});
let users = 41;
setInterval(() => {
  users = 42;
  process.send({ type: 'axm:monitor', data: { Guests: { value: users, unit: 'people' } } });
}, 200);",
    )
    .with(json!({ "env": { "DB_PASSWORD": SECRET }, "max_memory_restart": "100M" }))
}

pub(crate) fn all_of_a_process_stands_in_its_tabs() {
    let home = Pm2Home::with(Release::Seven, &[declaring("one"), apps::sleeper("two")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.select("one");
    screen.press("\r");
    let script = screen.wait_for("the overview", |text| text.contains("one.js"));
    assert!(script.contains("100.0 MiB") && script.contains("one-out"), "{script}");
    screen.press("2");
    screen.wait_for("the charts", |text| {
        text.contains("max_memory_restart 100 MiB") && text.contains("-5 min")
    });
    screen.press("-");
    screen.wait_for("a minute", |text| text.contains("-60 s"));
    screen.press("3");
    screen.wait_for("the metric", |text| text.contains("Guests") && text.contains("42 people"));
    screen.press("5");
    let masked = screen.wait_for("the names", |text| text.contains("DB_PASSWORD"));
    assert!(!masked.contains(SECRET), "{masked}");
    screen.press("6");
    screen.wait_for("the raw JSON", |text| text.contains("\"pm2_env\""));
    screen.press("/");
    screen.wait_for("the prompt", |text| text.contains("Enter search"));
    screen.press("DB_PASSWORD");
    screen.wait_for("what was typed", |text| text.contains("/ DB_PASSWORD"));
    screen.press("\r");
    let raw = screen.wait_for("the hits", |text| text.contains("1 of 2"));
    assert!(raw.contains("***") && !raw.contains(SECRET), "{raw}");
    home.assert_unharmed_but(&[]);
}

pub(crate) fn an_action_is_triggered_and_its_reply_shows() {
    let home = Pm2Home::with(Release::Seven, &[declaring("one")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.select("one");
    screen.press("\r");
    screen.wait_for("the overview", |text| text.contains("one.js"));
    screen.press("4");
    screen.wait_for("the action", |text| text.contains("greet"));
    screen.press("\r");
    screen.wait_for("the prompt", |text| text.contains("Trigger greet in one[0]"));
    screen.press("{\"who\":7}");
    screen.wait_for("what it gets", |text| text.contains("the action gets {\"who\":7}"));
    screen.press("\r");
    screen.wait_for("the reply", |text| text.contains("{\"hello\":{\"who\":7}}"));
    home.assert_unharmed_but(&[]);
}

/// What acts in the details acts on their process; another one under its id closes them.
pub(crate) fn details_act_on_their_process_and_close_with_it() {
    let home = Pm2Home::with(Release::Seven, &[apps::sleeper("one"), apps::sleeper("two")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.select("two");
    screen.press("\r");
    screen.wait_for("the overview", |text| text.contains("/bin/sleep"));
    screen.press("s");
    home.wait_status("two", "stopped");
    screen.wait_for("that it is", |text| text.contains("○ stopped") && text.contains("1 Overview"));
    home.assert_unharmed_but(&["two"]);
    home.cli(&["delete", "two"]);
    screen.wait_for("the notice", |text| {
        text.contains("closed the details of two[1]") && text.contains("Processes")
    });
}
