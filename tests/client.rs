//! The library against a real PM2: every method, called well and badly, the bus, and the examples.
//!
//! The locked PM2 releases are installed once, below the target folder. With
//! `PM2_TUI_TEST_PM2=off` these tests are reported as ignored. Needs Linux.

mod bad;
mod events;
mod examples;
mod good;

use std::future::Future;

use crate::harness::home::Pm2Home;
use crate::harness::trials::{Test, with_pm2};
use pm2_tui::Client;
use pm2_tui::client::ClientOptions;
use pm2_tui::daemon::Endpoint;

/// Runs a test's future.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

/// A client of this home's daemon.
pub(crate) async fn connect(home: &Pm2Home) -> Client {
    Client::connect(&Endpoint::in_home(home.path()), ClientOptions::default()).await.unwrap()
}

pub(crate) fn trials() -> Vec<Test> {
    vec![
        with_pm2(bad::no_bad_call_harms_seven),
        with_pm2(bad::no_bad_call_harms_five),
        with_pm2(bad::what_harms_as_things_are_is_not_sent),
        with_pm2(bad::a_read_only_client_changes_nothing),
        with_pm2(good::every_method_on_seven),
        with_pm2(good::every_method_on_five),
        with_pm2(good::apps_start_from_a_configuration),
        with_pm2(good::killing_leaves_no_app_behind),
        with_pm2(events::a_message_reaches_every_instance),
        with_pm2(events::events_come_under_both_names),
        with_pm2(examples::the_examples_do_what_they_say),
    ]
}
