//! The commands without a screen: the built binary with its output in pipes, against the simulated
//! daemon and against a real PM2; and the README's examples.
//!
//! With `PM2_TUI_TEST_PM2=off` the tests that need a real PM2 are reported as ignored.

mod acting;
pub(crate) mod bundle;
mod came_back;
mod cases;
mod check;
mod config;
pub(crate) mod deaths;
mod debug_log;
mod events;
mod events_real;
mod followed;
mod kinds;
mod log_files;
mod logs;
mod one_of_several;
mod program;
mod readme;
mod real;
mod refusing;
mod showing;
mod tasks;
mod trigger;
mod unanswered;
mod why;

use crate::harness::install::{Release, is_all};
use crate::harness::trials::{Test, Weight, simulated, with_pm2};

/// Acceptance of `logs -f` on a release.
fn following_misses_nothing(release: Release) -> Test {
    let name = format!("cli::logs::{}::following_misses_nothing", release.version());
    let trial = logs::following_misses_nothing_whatever_becomes_of_files_and_bus;
    Test::new(name, move || trial(release))
        .needing(release.locked())
        // What a busy machine's bus loses just before a flush nobody has.
        .weighing(Weight::Alone)
        .left_out_if(!release.is_in_ci() && !is_all())
}

/// Those of `logs`.
fn of_logs() -> Vec<Test> {
    vec![
        simulated(logs::a_daemon_that_is_gone_is_told_once),
        with_pm2(logs::history_is_what_the_files_hold),
        with_pm2(logs::a_process_that_gets_another_id_is_followed_on),
        // A bus that is seconds behind the daemon's log hides what is told again.
        with_pm2(came_back::what_starts_with_another_daemon_is_told_once).weighing(Weight::Alone),
        with_pm2(came_back::lives_that_begin_with_another_daemon_are_told_in_order)
            .weighing(Weight::Alone),
        with_pm2(followed::a_line_stands_below_who_said_it_whatever_its_id),
        with_pm2(followed::a_deletion_is_told),
        with_pm2(followed::lines_that_are_alike_are_not_lost_at_the_start),
        with_pm2(followed::what_is_left_of_a_cluster_is_told_once),
        with_pm2(followed::an_end_stands_behind_the_last_words_from_the_start_on),
        with_pm2(followed::what_is_told_after_the_daemon_is_in_the_order_of_time).lasting(),
        with_pm2(followed::what_files_hold_is_told_at_the_end),
        with_pm2(one_of_several::nothing_stands_under_an_id_that_is_gone).lasting(),
        with_pm2(one_of_several::what_writes_the_file_of_another_name_is_told_once).lasting(),
        with_pm2(logs::odd_files_are_read_or_named).weighing(Weight::Busy),
        with_pm2(log_files::a_trace_is_taken_or_left_whole),
        with_pm2(log_files::files_of_another_user_are_named),
        with_pm2(log_files::what_pm2_stamps_is_printed_as_it_is_in_the_file).weighing(Weight::Busy),
        following_misses_nothing(Release::Seven),
        following_misses_nothing(Release::Five),
        with_pm2(logs::following_a_flood_misses_nothing_and_doubles_nothing)
            .weighing(Weight::Alone),
        with_pm2(logs::what_happened_stands_between_the_lines),
        with_pm2(deaths::last_words_are_of_the_life_that_ended).lasting(),
        with_pm2(why::each_way_to_die_is_told_afterwards),
        with_pm2(why::ends_under_other_ids_and_daemons_are_told),
        with_pm2(why::a_crash_loop_is_never_said_to_stay_stopped),
    ]
}

pub(crate) fn trials() -> Vec<Test> {
    let mut trials = of_logs();
    trials.extend([
        simulated(showing::ls_shows_every_process),
        simulated(showing::methods_are_listed),
        simulated(showing::a_call_prints_the_reply),
        simulated(showing::check_and_wait_say_what_holds),
        with_pm2(cases::a_file_stands_for_its_apps).lasting(),
        with_pm2(cases::apps_come_from_standard_input_or_the_folder),
        with_pm2(cases::what_crashes_at_its_start_is_no_success).lasting(),
        simulated(cases::a_full_queue_of_connections_is_told_as_busy).lasting(),
        simulated(cases::a_locked_home_is_waited_for_in_time),
        simulated(check::what_is_left_out_is_no_failure),
        simulated(check::restarts_are_counted_between_two_looks),
        simulated(check::it_can_be_read_by_programs),
        with_pm2(check::a_crash_loop_is_noticed),
        simulated(trigger::a_message_to_all_asks_for_the_processes_once),
        simulated(showing::environments_are_asked_for_once),
        simulated(trigger::what_nobody_declares_is_not_sent),
        with_pm2(trigger::each_instance_replies),
        with_pm2(trigger::one_without_a_reply_is_told),
        simulated(showing::wait_can_demand_that_a_status_is_kept),
        simulated(showing::wait_ends_in_time_on_a_daemon_that_does_not_answer),
        simulated(showing::completions_and_man_need_no_daemon),
        simulated(showing::help_that_cannot_be_written_is_a_failure),
        simulated(refusing::without_a_daemon_the_code_is_3_and_the_path_is_named),
        simulated(refusing::wrong_usage_is_2_and_nothing_is_sent),
        simulated(refusing::a_bad_file_starts_nothing),
        simulated(refusing::read_only_sends_nothing_that_changes),
        simulated(refusing::a_daemon_that_does_not_answer_is_a_timeout_by_name),
        simulated(acting::a_line_for_each_process),
        simulated(acting::each_outcome_is_json_where_that_is_asked_for),
        simulated(acting::one_that_fails_makes_it_1),
        simulated(acting::sweeping_needs_a_yes),
        simulated(acting::a_terminal_is_asked_first),
        simulated(acting::another_daemon_than_the_one_asked_about_is_sent_nothing),
        simulated(acting::a_call_that_stops_or_starts_something_is_asked_first),
        simulated(acting::kill_ends_the_daemon),
        simulated(debug_log::it_tells_what_was_sent_and_refused_and_no_data),
        simulated(debug_log::it_tells_why_a_connection_was_given_up),
        simulated(debug_log::one_that_cannot_be_written_is_said),
        simulated(events::count_and_time_end_it),
        simulated(events::times_are_local_by_tz),
        simulated(events::a_closed_pipe_ends_it_quietly),
        simulated(events::exec_runs_a_command_for_each),
        with_pm2(events_real::lines_are_joined),
        with_pm2(events_real::a_life_is_told_once_with_its_end),
        with_pm2(events_real::a_process_is_watched_and_a_word_that_is_one_is_told),
        with_pm2(events_real::signals_end_it_where_they_are_not_ignored).weighing(Weight::Busy),
        with_pm2(events_real::commands_run_on_every_way_out),
        with_pm2(events_real::a_command_that_cannot_start_loses_its_event_only),
        with_pm2(real::processes_are_acted_on_and_nobody_else),
        with_pm2(real::a_stop_that_took_a_kill_says_so),
        with_pm2(real::cpu_is_that_of_a_known_span).lasting(),
        with_pm2(real::a_word_that_means_two_processes_acts_on_none),
        with_pm2(real::a_broken_release_is_noticed),
        with_pm2(real::programs_take_turns_to_reload_logs).lasting(),
        with_pm2(real::a_closed_pipe_stops_no_action),
        with_pm2(real::bad_calls_leave_the_daemon_and_its_apps_alone),
        with_pm2(real::a_burst_of_lines_comes_whole).weighing(Weight::Alone),
        with_pm2(bundle::it_holds_what_an_incident_needs),
        with_pm2(bundle::nothing_is_left_where_there_is_no_room),
        with_pm2(readme::the_examples_run).lasting(),
    ]);
    trials.extend(kinds::trials());
    trials.extend(unanswered::trials());
    trials.extend(tasks::trials());
    trials.extend(config::trials());
    trials
}
