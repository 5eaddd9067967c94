//! What the configuration asks for of care: production, the audit file, alerts, thresholds, on a real PM2.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value as Json;

use super::configured::configured;
use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{Screen, row_says};
use crate::harness::trials::{Test, with_pm2};
use crate::harness::wait_until;

pub(crate) fn trials() -> Vec<Test> {
    vec![with_pm2(production_is_asked_and_each_action_is_in_the_audit_file).lasting()]
}

/// Presses `y` once the question could be read.
fn yes(screen: &mut Screen, question: &str) {
    screen.wait_for("the question", |text| text.contains(question));
    std::thread::sleep(std::time::Duration::from_millis(400));
    screen.press("y");
}

fn production_is_asked_and_each_action_is_in_the_audit_file() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one"), apps::idle("two")]);
    home.mark();
    let folder = home.path().to_str().unwrap();
    let (audit, told) = (home.apps().join("audit.log"), home.apps().join("told"));
    let text = format!(
        "confirm = \"never\"\nproduction = [\"{folder}\"]\naudit = \"{}\"\n\
         [alert]\nrun = [\"sh\", \"-c\", \"echo $PM2_TUI_PROCESS >> {}\"]\n\
         [[watch]]\nwhen = \"restarts>0\"\n",
        audit.display(),
        told.display()
    );
    let mut screen = configured(&home, &text, &["--interval", "0.5"]);
    screen.wait_for("that it is production", |text| {
        text.contains("PRODUCTION") && text.contains("two")
    });
    screen.select("two");
    let before = home.one("two");
    screen.press("r");
    yes(&mut screen, "restart two[");
    wait_until("a new pid", || {
        let now = home.one("two");
        now.pid != before.pid && now.pid > 0
    });
    screen.wait_for("the threshold in the row", |text| {
        row_says(text, "two", "restarts>0") && !row_says(text, "one", "restarts>0")
    });
    wait_until("both lines", || {
        fs::read_to_string(&audit).is_ok_and(|text| text.lines().count() == 2)
    });
    let text = fs::read_to_string(&audit).unwrap();
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (line, event) in lines.iter().zip(["asked", "outcome"]) {
        assert_eq!((&line["event"], &line["action"]), (&event.into(), &"restart".into()), "{line}");
        assert_eq!(line["target"], format!("two[{}]", before.pm_id), "{line}");
        assert!(line["home"] == folder && !line["user"].as_str().unwrap().is_empty(), "{line}");
    }
    assert_eq!(lines[1]["ok"], true);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&audit), 0o600);
    home.assert_unharmed_but(&["two"]);

    // What cannot be written is told, and the action is done all the same.
    fs::remove_file(&audit).unwrap();
    fs::create_dir(&audit).unwrap();
    screen.press("s");
    yes(&mut screen, "stop two[");
    wait_until("it is stopped", || home.one("two").status == "stopped");
    screen.wait_for("that it is not written", |text| {
        text.contains("the audit file ") && text.contains("is not written")
    });

    screen.wait_for("the warning that stays", |text| {
        text.contains("2 lines lost") || text.contains("no audit (2 lost)")
    });

    home.start(&[apps::crasher("broken")]);
    wait_until("the alert", || fs::read_to_string(&told).is_ok_and(|text| text == "broken\n"));
    screen.press("q");
    assert_eq!(screen.wait_exit().code, 0);
}
