//! The same scenarios on real daemons of many generations, through `Client` and `Bus`, and beside
//! the npm package pm2-interface.
//!
//! As it stands the newest release and the oldest of all, over TCP, are asked; `PM2_TUI_TEST_PM2=all`
//! asks every release that can be made to run, and asks 5.4.3 and 3.5.2 for verdicts and saved lists
//! too. Each runs on a Node.js of its time, out of npm, which there is for Linux x64 only: elsewhere
//! these tests are reported as ignored, and so they are with `PM2_TUI_TEST_PM2=off`.
//!
//! Invariant: what is true of a daemon is read with the harness's own few lines of the protocol,
//! never with the client that is tested.

mod beside;
mod calls;
mod ends;
mod events;
mod harm;
mod methods;
mod screen;
mod stage;
mod tasks;
mod verdicts;

use crate::harness::install::{Locked, Release, is_all};
use crate::harness::trials::Test;

/// A scenario: its name and what it does with a release.
type Scenario = (&'static str, fn(Release));

const SCENARIOS: &[Scenario] = &[
    ("connect_and_methods", methods::connect_and_methods),
    ("the_asking_methods", methods::the_asking_methods),
    ("restart_stop_and_start", methods::restart_stop_and_start),
    ("reload_of_a_cluster", methods::reload_of_a_cluster),
    ("prepare_delete_and_kill", methods::prepare_delete_and_kill),
    ("starting_again", methods::starting_again),
    ("bad_calls_of_every_method", harm::bad_calls_of_every_method),
    ("events_under_both_names", events::events_under_both_names),
    ("two_way", events::two_way),
    ("the_two_way_example", events::the_two_way_example),
    ("an_action_is_triggered", events::an_action_is_triggered),
    ("the_screen", screen::the_screen),
];

/// Scenarios that take over ten seconds.
const LONG: &[Scenario] = &[("good_calls_of_every_method", calls::good_calls_of_every_method)];

/// Scenarios beside pm2-interface, which is installed with the old releases.
const BESIDE: &[Scenario] = &[
    ("beside_pm2_interface_calls", beside::calls),
    ("beside_pm2_interface_topics", beside::topics),
];

/// Scenarios for releases that mark each process (`unique_id`) and tell how one ended.
const VERDICTS: &[Scenario] = &[
    ("restarts_three_ways", verdicts::restarts_three_ways),
    ("a_replaced_process_gets_nothing", verdicts::a_replaced_process_gets_nothing),
    ("ends_that_are_no_restarts", verdicts::ends_that_are_no_restarts),
    ("deletes_three_ways", ends::deletes_three_ways),
    ("replaced_three_ways", ends::replaced_three_ways),
    ("a_killed_daemon_three_ways", ends::a_killed_daemon_three_ways),
    ("saved_lists_are_equal", tasks::saved_lists_are_equal),
];

/// Such scenarios that take over ten seconds.
const LONG_VERDICTS: &[Scenario] = &[
    ("failed_reloads_three_ways", ends::failed_reloads_three_ways),
    ("what_was_saved_comes_back", tasks::what_was_saved_comes_back),
    ("scaled_beside_the_cli", tasks::scaled_beside_the_cli),
];

pub(crate) fn trials() -> Vec<Test> {
    let releases = Release::ALL.into_iter().filter(|release| is_all() || release.is_in_ci());
    releases.flat_map(trials_of).collect()
}

fn trials_of(release: Release) -> Vec<Test> {
    let is_left_out = !cfg!(all(target_os = "linux", target_arch = "x86_64"));
    // CI asks these of the newest release, `PM2_TUI_TEST_PM2=all` of the others.
    let is_asked = match release {
        Release::Seven => true,
        Release::Five | Release::Three => is_all(),
        _ => false,
    };
    let (verdicts, long_verdicts) =
        if is_asked { (VERDICTS, LONG_VERDICTS) } else { (&[][..], &[][..]) };
    let trial = |&(name, run): &Scenario| {
        let name = format!("conformance::{}::{name}", release.version());
        Test::new(name, move || run(release)).needing(release.locked()).left_out_if(is_left_out)
    };
    let beside = BESIDE.iter().map(|scenario| trial(scenario).needing(Locked::Old));
    let long = LONG.iter().chain(long_verdicts).map(|scenario| trial(scenario).lasting());
    long.chain([SCENARIOS, verdicts].concat().iter().map(trial)).chain(beside).collect()
}
