//! Screens about rows: marks, the question about several, its end, the menu, the columns.

use std::sync::Arc;

use serde_json::json;

use super::fleet::*;
use super::{ALL, check};
use crate::app::command::{Command, RowsCommand};
use crate::app::layout::Layout;
use crate::app::message::Message;
use crate::app::{App, Mode, update};
use crate::model::end::End;
use crate::model::fleet::Process;
use crate::model::moment::Moment;
use crate::model::report::Report;
use crate::model::verdict::{Down, Why};
use crate::model::{Action, DaemonId, ProcessKey, Verdict};
use crate::protocol::amp::Frame;
use crate::protocol::process::ProcessStatus;
use crate::protocol::rpc::{Methods, Reply};
use crate::protocol::value;

const D: DaemonId = DaemonId(0);

fn press(app: &mut App, commands: &[Command]) {
    for command in commands {
        let _ = update(app, Moment::at(NOW_MS), Message::Command(*command));
    }
}

fn type_text(app: &mut App, text: &str) {
    for c in text.chars() {
        let _ = update(app, Moment::at(NOW_MS), Message::Text(c));
    }
}

const MARK: Command = Command::Rows(RowsCommand::Mark);
const MENU: Command = Command::Rows(RowsCommand::Actions);

/// All methods that a menu needs.
fn all_methods() -> Arc<Methods> {
    let names = [
        "startProcessId",
        "stopProcessId",
        "restartProcessId",
        "reloadProcessId",
        "deleteProcessId",
        "duplicateProcessId",
        "resetMetaProcessId",
        "sendSignalToProcessId",
        "sendLineToStdin",
        "msgProcess",
        "startWatch",
        "stopWatch",
        "reloadLogs",
        "prepare",
        "killMe",
        "getMonitorData",
    ];
    let all = names.map(|name| (name.to_owned(), json!({ "params": ["opts", "cb"] })));
    let list = json!({ "methods": all.into_iter().collect::<serde_json::Map<_, _>>() });
    let frame = Frame::new(vec![value::json(&list), value::text("1:1")]).unwrap();
    Arc::new(Methods::parse(&Reply::parse(&frame).unwrap()).unwrap())
}

/// All but the last marked, then a filter that hides some of them.
fn marked() -> App {
    let mut app = typical();
    press(&mut app, &[MARK, MARK, MARK, MARK, Command::Filter]);
    type_text(&mut app, "api");
    press(&mut app, &[Command::Open]);
    app
}

#[test]
fn marks_and_the_question_about_them() {
    let mut app = marked();
    check!(&app, COLOR, "rows_marked", ALL);
    check!(&app, PLAIN, "rows_marked_ascii", [(80, 24)]);
    press(&mut app, &[Command::Act(Action::Restart)]);
    check!(&app, COLOR, "rows_several", ALL);
    press(&mut app, &[Command::No, Command::Act(Action::Delete)]);
    type_text(&mut app, "dele");
    check!(&app, COLOR, "rows_delete_several", ALL);
    check!(&app, COLOR, "rows_delete_several", [(30, 6)]);
}

#[test]
fn an_action_on_several_under_way_and_its_end() {
    let mut app = typical();
    press(&mut app, &[MARK, MARK, MARK, MARK, Command::Act(Action::Restart), Command::Yes]);
    let targets: Vec<_> = [0, 1, 2, 3].iter().filter_map(|id| app.target(key(0, *id))).collect();
    let report = |app: &mut App, report| {
        let _ = update(app, Moment::at(NOW_MS), Message::Report(D, report));
    };
    let action = Action::Restart;
    for target in &targets[..3] {
        report(&mut app, Report::ActionBegun { action, target: target.clone() });
    }
    let up = || Verdict::Up { after_ms: 1_000, was_looping: false };
    report(&mut app, Report::ActionFinished { action, target: targets[0].clone(), verdict: up() });
    check!(&app, COLOR, "rows_under_way", ALL);
    press(&mut app, &[Command::Back]);
    let down = Verdict::Down(Down {
        why: Why::Ends(End::Code("1".into())),
        ends: 3,
        watched_ms: 1_040,
        last_words: Some("Error: Cannot find module './config/production.json'".into()),
    });
    for (target, verdict) in targets[1..].iter().zip([up(), down, Verdict::NotBegun]) {
        report(&mut app, Report::ActionFinished { action, target: target.clone(), verdict });
    }
    check!(&app, COLOR, "rows_ended", ALL);
}

/// At 80 columns each sentence of the menu stands whole, and each reason.
fn nothing_is_cut(app: &App) {
    let screen = screen(app, COLOR, (80, 24));
    let cut: Vec<&str> = screen.lines().take(22).filter(|line| line.contains('…')).collect();
    assert!(screen.contains("kill the daemon") && cut.is_empty(), "{cut:?}");
}

#[test]
fn the_menu_and_what_it_asks_for() {
    let mut app = typical();
    app.watched.daemons[0].methods = Some(all_methods());
    press(&mut app, &[MENU]);
    check!(&app, COLOR, "rows_menu", ALL);
    nothing_is_cut(&app);
    check!(&app, PLAIN, "rows_menu_ascii", [(80, 24)]);
    check!(&app, COLOR, "rows_menu", [(30, 6)]);
    // Scale is the sixth, and the first that can be done is the second.
    press(&mut app, &[Command::Down; 4]);
    press(&mut app, &[Command::Open]);
    type_text(&mut app, "+2");
    check!(&app, COLOR, "rows_scale", ALL);
    press(&mut app, &[Command::Open]);
    check!(&app, COLOR, "rows_scale_question", [(80, 24)]);
    press(&mut app, &[Command::No, MENU]);
    press(&mut app, &[Command::Down; 6]);
    press(&mut app, &[Command::Open, Command::Down]);
    check!(&app, COLOR, "rows_signal", ALL);
    app.read_only = true;
    press(&mut app, &[Command::Back, MENU]);
    check!(&app, COLOR, "rows_menu_read_only", [(80, 24)]);
    nothing_is_cut(&app);
    app.read_only = false;
    app.watched.daemons[0].methods = Some(Arc::default());
    nothing_is_cut(&app);
}

#[test]
fn the_columns_and_their_list() {
    let mut app = typical();
    press(&mut app, &[Command::Rows(RowsCommand::Columns)]);
    press(&mut app, &[Command::Last, MARK, Command::SortLeft, Command::Up]);
    check!(&app, COLOR, "rows_columns", ALL);
    press(&mut app, &[Command::Back]);
    check!(&app, COLOR, "rows_other_columns", [(120, 40), (80, 24)]);
}

#[test]
fn rows_as_a_tree() {
    let mut app = typical();
    press(&mut app, &[Command::Rows(RowsCommand::Tree), Command::First]);
    check!(&app, COLOR, "rows_tree", ALL);
    check!(&app, PLAIN, "rows_tree_ascii", [(80, 24)]);
    press(&mut app, &[Command::Down, Command::Older]);
    check!(&app, COLOR, "rows_tree_folded", [(80, 24)]);
}

#[test]
fn a_wide_terminal_has_more_columns() {
    let mut app = typical();
    let mut info = info(7, "billing", crate::protocol::process::ProcessStatus::Online);
    info.version = Some("2.14.0".into());
    info.setup.git_branch = Some("main".into());
    info.setup.user = Some("deploy".into());
    info.unstable_restarts = 3;
    info.exit_code = Some("1".into());
    let mut process = process(info);
    settle(&mut process);
    app.watched.fleet.insert(key(0, 7), process);
    check!(&app, COLOR, "rows_wide", [(200, 20), (150, 20)]);
    assert_eq!(app.mode, Mode::Normal);
}

#[test]
fn a_crash_loop_that_runs_shows_its_figures_and_one_that_waits_why() {
    use crate::model::death::after::{Left, reconstruct};
    use crate::protocol::process::ProcessStatus;
    let mut app = typical();
    let info = app.watched.fleet.get(key(0, 2)).unwrap().info.clone();
    let console = "1970-01-01T00:00:00: PM2 log: App [jobs:2] exited with code [7] via signal \
                   [SIGINT]\n";
    let left = Left {
        listed: &[],
        log_since_ms: None,
        opening: None,
        info: &info,
        console,
        errors: None,
        calm_since_ms: None,
        utc_offset_s: 0,
    };
    let lives = Report::Lives(vec![(info.pm_id, reconstruct(&left))]);
    let _ = update(&mut app, Moment::at(NOW_MS), Message::Report(D, lives));
    let row = |app: &App| {
        let shown = screen(app, COLOR, (120, 40));
        shown.lines().find(|line| line.contains(" jobs ")).unwrap().to_owned()
    };
    app.watched.fleet.get_mut(key(0, 2)).unwrap().is_looping = true;
    let runs = row(&app);
    assert!(runs.contains("looping") && runs.contains("52.0 MiB"), "{runs}");
    assert!(!runs.contains("code 7"), "{runs}");
    let process = app.watched.fleet.get_mut(key(0, 2)).unwrap();
    (process.info.status, process.is_looping) = (ProcessStatus::WaitingRestart, false);
    process.restarts_at_ms = Some(NOW_MS + 7_200_000);
    let waits = row(&app);
    assert!(waits.contains("in 120m") && waits.contains("code 7"), "{waits}");
}

#[test]
fn a_tree_counts_processes_and_no_groups() {
    let mut app = typical();
    let _ =
        update(&mut app, Moment::at(NOW_MS), Message::Command(Command::Rows(RowsCommand::Tree)));
    let title = |app: &App| {
        let shown = screen(app, COLOR, (120, 40));
        shown.lines().nth(1).unwrap().to_owned()
    };
    let all = app.watched.fleet.len();
    assert!(title(&app).contains(&format!("Processes ━ {all} ━ tree")), "{}", title(&app));
    press(&mut app, &[Command::Filter]);
    type_text(&mut app, "api");
    press(&mut app, &[Command::Open]);
    assert!(title(&app).contains(&format!(" 2 of {all} ")), "{}", title(&app));
}

#[test]
fn a_group_sums_what_its_processes_use_with_their_children() {
    let mut app = typical();
    let columns = ["id", "name", "status", "cpu+", "mem+"].map(str::to_owned).to_vec();
    app.restore(&Layout { columns: Some(columns), is_tree: true, ..Layout::default() });
    for (_, process) in app.watched.fleet.iter_mut() {
        process.tree.take(Some(120.0), Some(391 << 20), app.now.steady_ms);
    }
    let shown = screen(&app, COLOR, (120, 40));
    let api = shown.lines().find(|line| line.contains("api ×2")).unwrap_or(&shown);
    assert!(api.contains("240.0%") && api.contains("782.0 MiB"), "{api}");
}

/// Whatever is the matter with them: the header counts those that `!` shows and that the tree counts.
#[test]
fn header_tree_and_filter_agree_on_who_is_not_well() {
    let mut app = typical();
    let keys = |is_it: fn(&Process) -> bool| -> Vec<ProcessKey> {
        let all = app.watched.fleet.iter().filter(|(_, process)| is_it(process));
        all.map(|(key, _)| key).collect()
    };
    let (online, stopped) =
        (keys(Process::is_online), keys(|it| it.info.status == ProcessStatus::Stopped));
    // Past a threshold of the user's, looping, and stopped though it is saved as running.
    app.watched.fleet.get_mut(online[0]).unwrap().tag.crossed = Some("mem>80%".into());
    app.watched.fleet.get_mut(online[1]).unwrap().is_looping = true;
    app.watched.fleet.get_mut(stopped[0]).unwrap().is_saved_running = true;
    let count = |app: &App, before: &str| -> usize {
        let shown = screen(app, COLOR, (160, 40));
        // The line of an app says again what that of its namespace does.
        let lines = shown.lines().filter(|line| line.contains(before) && !line.contains('×'));
        let counts = lines.filter_map(|line| {
            let (_, rest) = line.split_once(before)?.1.split_once("⚠ ")?;
            rest.split_whitespace().next()?.parse::<usize>().ok()
        });
        counts.sum()
    };
    // One is errored besides.
    assert_eq!(count(&app, "● live"), 4, "{}", screen(&app, COLOR, (160, 40)));
    press(&mut app, &[Command::OnlyUnwell]);
    assert_eq!(app.rows().len(), 4);
    press(&mut app, &[Command::OnlyUnwell, Command::Rows(RowsCommand::Tree)]);
    assert_eq!(count(&app, "▾ "), 4, "{}", screen(&app, COLOR, (160, 40)));
}

/// A cut name shows that it is cut, and the sign beside it.
#[test]
fn the_sign_takes_no_letter_of_a_name() {
    let mut app = typical();
    let mut all = app.watched.fleet.iter_mut();
    let (_, process) = all.find(|(_, it)| it.info.status == ProcessStatus::Stopped).unwrap();
    process.info.name = "a-very-long-name-of-an-app".into();
    process.is_saved_running = true;
    drop(all);
    for columns in [40, 60, 80, 120] {
        let shown = screen(&app, COLOR, (columns, 30));
        let row = shown.lines().find(|line| line.contains("a-v")).unwrap();
        assert_eq!(row.matches('⚠').count(), 1, "{columns}: {row}");
        let name = row.split('⚠').next().unwrap().trim_end();
        assert!(name.ends_with('…') || name.ends_with("an-app"), "{columns}: {row}");
    }
}

#[test]
fn a_folded_group_says_how_many_of_it_are_marked() {
    let mut app = typical();
    let tree = Command::Rows(RowsCommand::Tree);
    press(&mut app, &[MARK, tree, Command::First]);
    let group = |app: &App| {
        let shown = screen(app, COLOR, (80, 30));
        shown.lines().find(|line| line.contains("default")).unwrap().to_owned()
    };
    assert!(!group(&app).contains('◆'), "{}", group(&app));
    press(&mut app, &[Command::Older]);
    assert!(group(&app).contains("▸ ◆1 default"), "{}", group(&app));
}

#[test]
fn a_column_that_is_chosen_and_not_drawn_says_so() {
    let mut app = typical();
    let line = |app: &App, columns: u16| {
        let shown = screen(app, COLOR, (columns, 40));
        shown.lines().find(|line| line.contains("✓ namespace")).unwrap().to_owned()
    };
    press(&mut app, &[Command::Rows(RowsCommand::Columns)]);
    assert!(!line(&app, 160).contains("not drawn"), "{}", line(&app, 160));
    assert!(line(&app, 60).contains("not drawn"), "{}", line(&app, 60));
    press(&mut app, &[Command::Back, Command::Rows(RowsCommand::Tree)]);
    press(&mut app, &[Command::Rows(RowsCommand::Columns)]);
    assert!(line(&app, 160).contains("not drawn"), "its group says it: {}", line(&app, 160));
}

/// A long filter is cut with the sign that all else is cut with.
#[test]
fn a_filter_that_is_cut_says_so_as_all_else_does() {
    let mut app = typical();
    press(&mut app, &[Command::Filter]);
    type_text(&mut app, &"app-with-old-name ".repeat(4));
    press(&mut app, &[Command::Open]);
    let shown = screen(&app, COLOR, (120, 40));
    let line = shown.lines().find(|line| line.contains("/ app-with-old-name")).unwrap();
    assert!(line.contains("/ app-with-old-name app-with-old-name app…"), "{line}");
}
