//! The examples, built and run.

use std::process::Stdio;

use crate::harness::apps;
use crate::harness::example::example;
use crate::harness::home::{Pm2Home, run};
use crate::harness::install::Release;
use crate::harness::{PATIENCE, poll_for, wait_until};

fn said(home: &Pm2Home, name: &str, arguments: &[&str]) -> String {
    let output = run(example(home, name, arguments), PATIENCE).expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

pub(crate) fn the_examples_do_what_they_say() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one"), apps::thrower("boom")]);
    let basic = said(&home, "basic", &["0"]);
    for part in ["Connected to pm2", "0 one online", "restarted 0", "process:online one"] {
        assert!(basic.contains(part), "{basic}");
    }
    assert_eq!(home.one("one").restarts, 1);
    let disconnect = said(&home, "disconnect", &[]);
    assert!(disconnect.ends_with("disconnected\n"), "{disconnect}");

    let mails = home.path().join("mails");
    let append = format!("cat >> {}", mails.display());
    let arguments = ["admin@example.com", "sh", "-c", &append];
    let mut forward = example(&home, "forward_exceptions", &arguments);
    let mut forward = forward.stdout(Stdio::null()).spawn().unwrap();
    wait_until("the example listens", || {
        !crate::harness::procfs::connections_to(&home.bus()).is_empty()
    });
    let log = home.path().join("logs/boom-out.log");
    wait_until("the app can throw", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("armed"))
    });
    home.cli(&["sendSignal", "SIGUSR2", "boom"]);
    let mail = poll_for(PATIENCE, || {
        std::fs::read_to_string(&mails).ok().filter(|mail| mail.contains("boom 4711"))
    });
    forward.kill().unwrap();
    forward.wait().unwrap();
    let mail = mail.expect("a mail");
    assert!(mail.starts_with("To: admin@example.com\nSubject: boom: boom 4711\n\n"), "{mail}");
}
