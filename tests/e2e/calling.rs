//! Methods by name and messages, on a real PM2.

use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;

/// Whether one row has all these.
fn has_row(text: &str, parts: &[&str]) -> bool {
    text.lines().any(|line| parts.iter().all(|part| line.contains(part)))
}

pub(crate) fn messages_and_methods_from_the_screen() {
    let home = Pm2Home::with(Release::Seven, &[apps::answerer("echo"), apps::idle("other")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));

    screen.select("echo");
    screen.press("m");
    screen.wait_for("the prompt", |text| text.contains("Message to echo"));
    screen.press_each(&["hello 4711", "\r"]);
    screen.wait_for("the answer", |text| has_row(text, &["echo", "my:answer", "hello 4711"]));

    screen.press(":");
    screen.wait_for("the palette", |text| text.contains("Command or method"));
    screen.press("ping");
    screen.wait_for("the method", |text| text.contains("ping(env)"));
    screen.press("\r");
    screen.wait_for("the reply", |text| has_row(text, &["ping", "{\"msg\":\"pong\"}"]));
    screen.press_each(&["\t", "\r"]);
    screen.wait_for("the reply whole", |text| has_row(text, &["  \"msg\": \"pong\""]));
    screen.press("\r");
    screen.wait_for("the table", |text| text.contains("Processes"));

    screen.press(":");
    screen.wait_for("the palette", |text| text.contains("Command or method"));
    screen.press("restartProcessId");
    screen.wait_for("the method", |text| text.contains("restartProcessId(opts)"));
    screen.press("\r");
    screen.wait_for("the id", |text| text.contains("> {\"id\":0}"));
    screen.press(" 7");
    screen.wait_for("the refusal", |text| {
        text.contains("takes 1 argument") && text.contains("2 given")
    });
    // Enter sends nothing, and what is typed stays.
    screen.press_each(&["\r", "\u{15}", "null"]);
    screen.wait_for("the other refusal", |text| {
        text.contains("> null") && has_row(text, &["restartProcessId takes"])
    });
    screen.press_each(&["\r", "\u{15}", "{\"id\":"]);
    screen.wait_for("what is open", |text| text.contains("not complete yet"));
    screen.press("\r");
    home.assert_unharmed_but(&[]);

    // A good call by name, which the app's pid shows.
    screen.press_each(&["\u{15}", "{\"id\":1}"]);
    screen.wait_for("the call to fit", |text| text.contains("Enter calls it"));
    let before = home.one("other");
    screen.press("\r");
    crate::harness::wait_until("a new pid", || home.one("other").pid != before.pid);
    home.assert_unharmed_but(&["other"]);
}
