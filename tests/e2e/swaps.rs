//! A deploy that deletes all and starts others, while something is open about what was there: PM2
//! gives the same ids again, and nothing may be done to the newcomers.

use serde_json::{Value, json};

use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::{COCKPIT, Screen};
use crate::harness::wait_until;

const NEWCOMERS: [&str; 2] = ["gamma", "delta"];

pub(crate) fn what_is_open_does_nothing_to_newcomers() {
    for release in [Release::Seven, Release::Three] {
        let home = Pm2Home::with(release, &[apps::idle("alpha"), apps::idle("beta")]);
        let mut dialog = home.cockpit((120, 30));
        dialog.select("beta");
        dialog.press("d");
        dialog.wait_for("the dialog", |text| text.contains("delete beta[1]?"));
        let mut prompt = home.cockpit((120, 30));
        prompt.select("beta");
        prompt.press("m");
        prompt.wait_for("the prompt", |text| text.contains("essage to beta"));
        let mut question = Screen::program(
            (120, 10),
            COCKPIT,
            &["--home", home.path().to_str().unwrap(), "delete", "all"],
            &[],
        );
        question.wait_for("the question", |text| text.contains("[y/N]"));

        swap(&home);
        // A slow machine may be looked at in between, when the one is gone and the other not there.
        for screen in [&mut dialog, &mut prompt] {
            screen.wait_for("a notice of it", |text| {
                let is_told = ["replaced: id 1 is delta now", "gone: the process no longer exists"];
                text.contains("; nothing was sent") && is_told.iter().any(|it| text.contains(it))
            });
        }
        wait_for_newcomers(&home);
        // Early and late, all that could still do something.
        for screen in [&mut dialog, &mut prompt] {
            screen.press("y");
            screen.wait_for("the newcomers", |text| NEWCOMERS.iter().all(|one| text.contains(one)));
            screen.press("\r");
        }
        question.press("y\r");
        question.wait_for("what came of both", |text| {
            text.contains("alpha[0]: replaced") && text.contains("beta[1]: replaced")
        });
        assert_eq!(question.wait_exit().code, 1);
        for screen in [dialog, prompt] {
            let mut screen = screen;
            screen.press("\u{3}");
            assert_eq!(screen.wait_exit().code, 0);
        }
        home.assert_unharmed_but(&[]);
    }
}

/// The prompt for a message is refused, since another process has come under the cursor: the message that is
/// typed on is no letters that act.
pub(crate) fn a_message_typed_after_a_refused_key_does_nothing_to_newcomers() {
    for release in [Release::Seven, Release::Three] {
        let home = Pm2Home::with(release, &[apps::idle("alpha"), apps::idle("beta")]);
        let mut screen = home.cockpit((120, 30));
        screen.select("beta");
        swap(&home);
        wait_for_newcomers(&home);
        screen.wait_for("the newcomers", |text| NEWCOMERS.iter().all(|one| text.contains(one)));
        screen.press("m");
        screen.wait_for("that it is refused", |text| {
            text.contains("nothing was done: beta[1] is gone")
        });
        screen.press_each(&["r", "e", "s", "t", "a", "r", "t", " ", "n", "o", "w"]);
        screen.wait_for("that it is ignored", |text| text.contains("what you type on is ignored"));
        screen.press("\u{3}");
        assert_eq!(screen.wait_exit().code, 0);
        home.assert_unharmed_but(&[]);
    }
}

/// Questions about calls by name: on the command line, and in the palette.
pub(crate) fn a_call_that_was_asked_about_does_nothing_to_newcomers() {
    for release in [Release::Seven, Release::Three] {
        let home = Pm2Home::with(release, &[apps::idle("alpha"), apps::idle("beta")]);
        let of_home = ["--home", home.path().to_str().unwrap()];
        // The words, whom the question names, and what is said in the end.
        let cases: [(&[&str], &str, &str); 7] = [
            (&["call", "stopProcessId", "0"], "(alpha[0])", "alpha[0]: replaced"),
            (&["call", "deleteProcessId", "1"], "(beta[1])", "beta[1]: replaced"),
            (
                &["call", "sendSignalToProcessId", r#"{"process_id":0,"signal":"SIGTERM"}"#],
                "(alpha[0])",
                "alpha[0]: replaced",
            ),
            (
                &[
                    "call",
                    "sendSignalToProcessName",
                    r#"{"process_name":"beta","signal":"SIGTERM"}"#,
                ],
                "(beta[1])",
                "beta[1]: replaced",
            ),
            (&["call", "deleteProcess", "alpha"], "(alpha[0])", "alpha[0]: replaced"),
            (&["call", "deleteAll"], "(alpha[0], beta[1])", "alpha[0]: replaced"),
            (&["kill"], "its 2 processes (alpha[0], beta[1])?", "alpha[0]: replaced"),
        ];
        let mut asked: Vec<(Screen, &str)> = Vec::new();
        for (words, named, said) in cases {
            let arguments: Vec<&str> = of_home.iter().chain(words).copied().collect();
            let mut screen = Screen::program((160, 10), COCKPIT, &arguments, &[]);
            screen.wait_for("the question", |text| text.contains("[y/N]") && text.contains(named));
            asked.push((screen, said));
        }
        let mut palette = home.cockpit((120, 30));
        palette.select("beta");
        palette.press(":");
        palette.wait_for("the palette", |text| text.contains("Command or method"));
        palette.press_each(&["s", "t", "o", "p", "P", "r", "o", "c", "e", "s", "s", "I", "d"]);
        palette.wait_for("the method", |text| text.contains("stopProcessId"));
        palette.press("\r");
        palette.wait_for("its argument", |text| text.contains("stopProcessId(id)"));
        palette.press("\r");
        palette.wait_for("the question", |text| text.contains("call stopProcessId(1): beta[1]?"));

        swap(&home);
        palette.wait_for("a notice of it", |text| {
            let is_told = ["replaced: id 1 is delta now", "gone: the process no longer exists"];
            text.contains("; nothing was sent") && is_told.iter().any(|it| text.contains(it))
        });
        wait_for_newcomers(&home);
        for (mut screen, said) in asked {
            screen.press("y\r");
            screen.wait_for("what came of it", |text| text.contains(said));
            assert_eq!(screen.wait_exit().code, 1, "{said}");
        }
        palette.wait_for("the table alone", |text| !text.contains("Command or method"));
        palette.press("\u{3}");
        assert_eq!(palette.wait_exit().code, 0);
        home.assert_unharmed_but(&[]);
    }
}

/// Deletes all and starts the newcomers, call after call: within 300 ms on an idle machine.
pub(crate) fn swap(home: &Pm2Home) {
    for id in [0, 1] {
        home.call("deleteProcessId", &json!(id));
    }
    for name in NEWCOMERS {
        home.call("prepare", &idle(home, name));
    }
}

pub(crate) fn wait_for_newcomers(home: &Pm2Home) {
    wait_until("the newcomers are online", || {
        let listed = home.jlist();
        listed
            .iter()
            .map(|one| (one.pm_id, &*one.name, &*one.status))
            .eq([(0, "gamma", "online"), (1, "delta", "online")])
    });
    home.mark();
}

/// What `prepare` needs for a process that does nothing.
fn idle(home: &Pm2Home, name: &str) -> Value {
    json!({
        "name": name,
        "namespace": "default",
        "pm_exec_path": home.apps().join("alpha.js"),
        "pm_cwd": home.path(),
        "args": [],
        "node_args": [],
        "exec_mode": "fork_mode",
        "exec_interpreter": "node",
        "instances": 1,
        "instance_var": "NODE_APP_INSTANCE",
        "env": {},
        "pm_pid_path": home.path().join(format!("pids/{name}.pid")),
        "pm_out_log_path": home.path().join(format!("logs/{name}-out.log")),
        "pm_err_log_path": home.path().join(format!("logs/{name}-error.log")),
        "treekill": true,
        "autorestart": true,
        "vizion": false,
    })
}
