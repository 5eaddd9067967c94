//! The commands without a screen: the built binary with its output in pipes, against the simulated
//! daemon and against a real PM2; and the README's examples.
//!
//! With `PM2_TUI_TEST_PM2=off` the tests that need a real PM2 are reported as ignored.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a failure is a panic with a message"
)]

mod cli {
    pub(crate) mod acting;
    pub(crate) mod events;
    pub(crate) mod program;
    pub(crate) mod readme;
    pub(crate) mod real;
    pub(crate) mod refusing;
    pub(crate) mod showing;
}
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod harness;

use cli::{acting, events, readme, real, refusing, showing};
use libtest_mimic::{Arguments, Trial};

macro_rules! trials {
    ($($module:ident :: $test:ident),+ $(,)?) => {
        vec![$((concat!(stringify!($module), "::", stringify!($test)), $module::$test as fn())),+]
    };
}

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    // Those with a real PM2 run a daemon and its apps each.
    arguments.test_threads.get_or_insert(2);
    let simulated = trials![
        showing::ls_shows_every_process,
        showing::methods_are_listed,
        showing::a_call_prints_the_reply,
        showing::check_and_wait_say_what_holds,
        showing::completions_and_man_need_no_daemon,
        refusing::without_a_daemon_the_code_is_3_and_the_path_is_named,
        refusing::wrong_usage_is_2_and_nothing_is_sent,
        refusing::a_bad_file_starts_nothing,
        refusing::read_only_sends_nothing_that_changes,
        refusing::a_daemon_that_does_not_answer_is_a_timeout_by_name,
        acting::a_line_for_each_process,
        acting::one_that_fails_makes_it_1,
        acting::sweeping_needs_a_yes,
        acting::a_terminal_is_asked_first,
        acting::kill_ends_the_daemon,
        events::count_and_time_end_it,
        events::a_closed_pipe_ends_it_quietly,
        events::exec_runs_a_command_for_each,
    ];
    let with_pm2 = trials![
        real::processes_are_acted_on_and_nobody_else,
        real::bad_calls_leave_the_daemon_and_its_apps_alone,
        real::a_burst_of_a_million_lines_comes_whole,
        readme::the_examples_run,
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let off = harness::install::is_off();
    let mut all: Vec<Trial> = simulated.into_iter().map(trial).collect();
    all.extend(with_pm2.into_iter().map(|test| trial(test).with_ignored_flag(off)));
    libtest_mimic::run(&arguments, all).exit_code()
}
