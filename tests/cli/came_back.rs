//! `logs -f --events` over the end of the daemon: what it says before the bus is there again is told, too.

use super::followed::Listening;
use super::program::program;
use crate::harness::apps::script;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::wait_until;

pub(crate) fn what_starts_with_another_daemon_is_told_once() {
    let says = |name: &str| {
        script(name, "js", format!("setInterval(() => console.log('{name} is here'), 50);"))
    };
    let home = Pm2Home::with(Release::Seven, &[says("one"), says("two")]);
    let arguments = ["logs", "all", "-f", "-n", "0", "--events", "--time", "off"];
    let listening = Listening::of(program(home.path(), &arguments));
    wait_until("it follows", || listening.count() > 5);
    assert!(home.cli(&["save"]).status.success());
    let started = |name: &str| {
        let lines = listening.lines.lock().unwrap();
        let is_it = |line: &&String| line.starts_with(name) && line.ends_with("◆   started");
        lines.iter().filter(is_it).count()
    };
    for round in 1..=3 {
        assert!(home.cli(&["kill"]).status.success());
        assert!(home.cli(&["resurrect"]).status.success());
        wait_until("both are told to have started", || {
            started("one") >= round && started("two") >= round
        });
        // What would be told once more comes with them.
        let before = listening.count();
        wait_until("they go on", || listening.count() > before + 40);
        assert_eq!((started("one"), started("two")), (round, round));
    }
    let (lines, told) = listening.end();
    assert!(lines.iter().any(|line| line.contains("the daemon was started")), "{told}");
}
