//! The program from end to end: the built binary in a pseudo-terminal, and a real PM2 under it.
//!
//! The locked PM2 releases are installed once, below the target folder. With
//! `PM2_TUI_TEST_PM2=off` the tests that need them are reported as ignored.
//! Needs Linux: facts about processes come from `/proc`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code: a failure is a panic with a message"
)]

mod e2e {
    pub(crate) mod acting;
    pub(crate) mod calling;
    pub(crate) mod command_line;
    pub(crate) mod daemons;
    pub(crate) mod manners;
    pub(crate) mod watching;
}
#[expect(dead_code, reason = "the bench uses the rest")]
mod harness;

use e2e::{acting, calling, command_line, daemons, manners, watching};
use libtest_mimic::{Arguments, Trial};

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    // Every test runs a daemon and its apps: more at once than this only makes them all slow.
    arguments.test_threads.get_or_insert(2);
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let with_pm2 =
        |name: &str, test: fn()| trial(name, test).with_ignored_flag(harness::install::is_off());
    let trials = vec![
        with_pm2(
            "pm2::a_blocked_terminal_harms_neither_god_nor_screen",
            manners::a_blocked_terminal_harms_neither_god_nor_screen,
        ),
        with_pm2("pm2::rows_show_pm2s_words", watching::rows_show_pm2s_words),
        with_pm2("pm2::log_lines_show_clean", watching::log_lines_show_clean),
        with_pm2("pm2::an_exception_shows", watching::an_exception_shows),
        with_pm2("pm2::resize_to_40x10_and_back", watching::resize_to_40x10_and_back),
        with_pm2("pm2::r_restarts_it_alone", acting::r_restarts_it_alone),
        with_pm2("pm2::s_stops_and_a_starts", acting::s_stops_and_a_starts),
        with_pm2("pm2::d_deletes_only_after_y", acting::d_deletes_only_after_y),
        with_pm2(
            "pm2::messages_and_methods_from_the_screen",
            calling::messages_and_methods_from_the_screen,
        ),
        with_pm2(
            "pm2::kill_and_a_new_daemon_show_by_themselves",
            daemons::kill_and_a_new_daemon_show_by_themselves,
        ),
        with_pm2("pm2::two_releases_in_one_table", daemons::two_releases_in_one_table),
        with_pm2("pm2::ctrl_z_closes_the_bus_first", manners::ctrl_z_closes_the_bus_first),
        with_pm2(
            "pm2::quit_and_signals_give_the_terminal_back",
            manners::quit_and_signals_give_the_terminal_back,
        ),
        with_pm2("pm2::hang_up_ends_it_within_a_second", manners::hang_up_ends_it_within_a_second),
        trial(
            "a_panic_gives_the_terminal_back_and_reports",
            manners::a_panic_gives_the_terminal_back_and_reports,
        ),
        trial(
            "an_output_that_is_no_terminal_is_refused",
            command_line::an_output_that_is_no_terminal_is_refused,
        ),
        trial("bad_options_are_refused_by_name", command_line::bad_options_are_refused_by_name),
        trial(
            "without_a_socket_the_screen_waits_and_names_it",
            command_line::without_a_socket_the_screen_waits_and_names_it,
        ),
        trial(
            "demo_needs_no_pm2_and_leaves_nothing",
            command_line::demo_needs_no_pm2_and_leaves_nothing,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}
