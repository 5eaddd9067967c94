//! An answer that never comes: told by the command, the library and the screen in the same words.

use std::process::Stdio;

use pm2_tui::client::{Action, Client, ClientError, ClientOptions, Target};
use pm2_tui::daemon::Endpoint;
use pm2_tui::demo::{Fault, When};

use super::program::{Simulated, program};
use crate::harness::screen::Screen;
use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![simulated(an_answer_that_never_comes_is_unknown_three_ways).lasting()]
}

fn an_answer_that_never_comes_is_unknown_three_ways() {
    let daemon = Simulated::quiet(3);
    daemon.script().set("stopProcessId", When::Always, Fault::Silent);
    let mut screen = Screen::cockpit((200, 40), &["--home", daemon.home().to_str().unwrap()]);
    screen.select("app-2");
    // All at once: each waits for over ten seconds.
    let mut command = program(daemon.home(), &["stop", "app-0"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    screen.press("s");
    let library = daemon.block_on(async {
        let endpoint = Endpoint::in_home(daemon.home());
        let client = Client::connect(&endpoint, ClientOptions::default()).await.unwrap();
        let all = client.snapshot().await.unwrap().processes;
        let target = Target::of(all.iter().find(|info| &*info.name == "app-1").unwrap());
        match client.act(Action::Stop, &target).await {
            Err(ClientError::NotDone { verdict, .. }) => {
                verdict.sentence(Action::Stop, &target.label())
            }
            other => panic!("{other:?}"),
        }
    });
    let words =
        |label: &str| format!("stop {label}: unknown: no answer in 11.6 s, it may have happened");
    assert_eq!(library, words("app-1[1]"));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert_eq!(said, format!("pm2-tui: {}\n", words("app-0[0]")));
    screen.wait_for("the same words", |text| text.contains(&words("app-2[2]")));
}
