//! The program from end to end: the built binary in a pseudo-terminal, and a real PM2 under it.
//!
//! The locked PM2 releases are installed once, below the target folder. With
//! `PM2_TUI_TEST_PM2=off` the tests that need them are reported as ignored.
//! Needs Linux: facts about processes come from `/proc`.

mod acting;
mod beside;
mod calling;
mod careful;
mod command_line;
mod configured;
mod daemons;
mod details;
mod forty;
mod history;
mod history_back;
mod kept;
mod keys;
mod logs;
mod manners;
mod measuring;
mod menu;
mod mouse;
mod older;
mod plain;
mod saved_list;
mod several;
pub(crate) mod swaps;
mod terminals;
mod timeline;
mod too_fast;
mod undo;
mod watching;

use crate::harness::install::{Release, is_all};
use crate::harness::trials::{Test, Weight, simulated, with_pm2};

/// Acceptance of the log's data on a release.
fn each_line_is_there_once(release: Release) -> Test {
    let name = format!("e2e::history::{}::each_line_is_there_once", release.version());
    let trial = history::each_line_is_there_once_whatever_becomes_of_files_and_bus;
    Test::new(name, move || trial(release))
        .needing(release.locked())
        .weighing(Weight::Alone)
        .left_out_if(!release.is_in_ci() && !is_all())
}

/// The saved list beside a release.
fn the_saved_list_is_compared(release: Release) -> Test {
    let name = format!("e2e::saved_list::{}::the_header_says_where_it_differs", release.version());
    Test::new(name, move || saved_list::the_header_says_where_it_differs(release))
        .needing(release.locked())
        .lasting()
        .left_out_if(release != Release::Seven && !is_all())
}

/// Each way to die, on a release.
fn each_death_is_told(release: Release) -> Test {
    let name = format!("cli::deaths::{}::each_way_is_told", release.version());
    let trial = crate::cli::deaths::each_way_is_told_by_who_watched_and_afterwards;
    Test::new(name, move || trial(release))
        .needing(release.locked())
        .lasting()
        .left_out_if(release != Release::Seven && !is_all())
}

/// Undo of a delete, of each kind of process.
fn each_kind_comes_back(release: Release) -> Test {
    let name = format!("e2e::undo::{}::each_kind_comes_back_field_by_field", release.version());
    Test::new(name, move || undo::each_kind_comes_back_field_by_field(release))
        .needing(release.locked())
        .lasting()
        .left_out_if(!release.is_in_ci() && !is_all())
}

/// Of the log pane.
fn of_logs() -> Vec<Test> {
    vec![
        with_pm2(history::history_meets_the_bus_in_a_flood).weighing(Weight::Busy),
        each_line_is_there_once(Release::Seven),
        each_line_is_there_once(Release::Five),
        with_pm2(history_back::a_daemon_that_comes_back_leaves_no_gap),
        with_pm2(history::the_ends_of_the_files_are_there_at_once),
        with_pm2(history::a_large_file_is_gone_back_in_on_demand),
        with_pm2(history::a_time_far_back_is_gone_to_and_esc_ends_it),
        with_pm2(older::a_very_long_line_is_one),
        with_pm2(older::a_filter_is_followed_to_the_beginning_of_the_files),
        with_pm2(too_fast::what_came_too_fast_is_read_from_the_files).weighing(Weight::Alone),
        with_pm2(older::what_happened_is_there_without_the_bus),
        with_pm2(older::what_pm2_stamps_is_there_once).weighing(Weight::Alone),
        with_pm2(logs::hostile_lines_tell_the_terminal_nothing_but_colours),
        with_pm2(logs::the_pager_has_the_terminal_and_the_bus_is_read_meanwhile),
        with_pm2(logs::lnav_is_taken_where_it_is_and_less_stands_at_the_line),
    ]
}

pub(crate) fn trials() -> Vec<Test> {
    let mut trials = vec![
        with_pm2(manners::a_blocked_terminal_harms_neither_god_nor_screen).weighing(Weight::Alone),
        with_pm2(keys::what_is_no_key_press_acts_on_nothing),
        with_pm2(keys::what_comes_in_a_prompt_sends_nothing).lasting(),
        with_pm2(watching::rows_show_pm2s_words),
        with_pm2(watching::log_lines_show_clean),
        with_pm2(watching::w_shows_why_it_died),
        each_death_is_told(Release::Seven),
        each_death_is_told(Release::Five),
        with_pm2(watching::x_groups_exceptions_and_b_writes_a_bundle),
        with_pm2(watching::a_filter_leaves_rows_out),
        with_pm2(watching::the_log_of_one_is_searched),
        the_saved_list_is_compared(Release::Seven),
        the_saved_list_is_compared(Release::Five),
        the_saved_list_is_compared(Release::Three),
        with_pm2(menu::each_action_does_what_it_says).lasting(),
        with_pm2(menu::keys_on_a_group_mean_its_processes),
        each_kind_comes_back(Release::Seven),
        each_kind_comes_back(Release::Five),
        with_pm2(timeline::what_happened_stands_in_the_log_once),
        with_pm2(timeline::what_only_the_bus_had_is_marked),
        with_pm2(timeline::what_pm2_does_by_itself_stands_in_the_log),
        with_pm2(watching::an_exception_shows),
        with_pm2(watching::resize_to_40x10_and_back),
        with_pm2(acting::r_restarts_it_alone),
        with_pm2(acting::s_stops_and_a_starts),
        with_pm2(acting::d_deletes_only_after_y),
        with_pm2(several::marked_ones_are_restarted_together_and_no_other),
        with_pm2(several::escape_leaves_undone_what_has_not_begun),
        with_pm2(several::a_delete_is_undone),
        with_pm2(acting::the_neighbour_of_what_went_is_not_acted_on),
        with_pm2(details::all_of_a_process_stands_in_its_tabs),
        with_pm2(details::an_action_is_triggered_and_its_reply_shows),
        with_pm2(details::details_act_on_their_process_and_close_with_it),
        with_pm2(measuring::proc_is_read_and_the_daemon_left_alone),
        with_pm2(beside::figures_are_those_of_pm2).lasting(),
        with_pm2(measuring::ask_pm2_asks_it_each_time),
        with_pm2(measuring::the_daemon_is_asked_seldom),
        with_pm2(swaps::a_call_that_was_asked_about_does_nothing_to_newcomers),
        with_pm2(swaps::what_is_open_does_nothing_to_newcomers),
        with_pm2(swaps::a_message_typed_after_a_refused_key_does_nothing_to_newcomers),
        with_pm2(calling::messages_and_methods_from_the_screen),
        with_pm2(daemons::kill_and_a_new_daemon_show_by_themselves),
        with_pm2(daemons::two_releases_in_one_table),
        with_pm2(manners::ctrl_z_closes_the_bus_first),
        with_pm2(manners::quit_and_signals_give_the_terminal_back),
        with_pm2(manners::hang_up_ends_it_within_a_second),
        simulated(manners::a_panic_gives_the_terminal_back_and_reports),
        simulated(manners::a_panic_ends_it_though_the_terminal_does_not_read),
        simulated(command_line::an_output_that_is_no_terminal_is_refused),
        simulated(command_line::bad_options_are_refused_by_name),
        simulated(command_line::without_a_socket_the_screen_waits_and_names_it),
        simulated(command_line::demo_needs_no_pm2_and_leaves_nothing),
        simulated(mouse::it_selects_sorts_and_copies),
        simulated(plain::changes_are_lines_and_nothing_is_drawn),
        simulated(mouse::it_is_not_asked_for_where_it_is_not_wanted),
        simulated(terminals::sixteen_colours_are_sent_as_such),
        simulated(terminals::old_terminals_get_no_colours),
        simulated(terminals::without_an_alternate_screen_leaving_clears),
        simulated(terminals::a_late_answer_is_not_typed_to_the_shell),
        simulated(terminals::a_terminal_without_a_screen_is_told_what_works),
    ];
    for more in
        [of_logs(), careful::trials(), configured::trials(), forty::trials(), kept::trials()]
    {
        trials.extend(more);
    }
    trials
}
