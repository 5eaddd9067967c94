//! Marks, and acting on several: what the question names is what is acted on.

use std::collections::BTreeSet;

use super::*;
use crate::app::several::Kind;
use crate::app::sheet::Sheet;
use crate::app::what::What;
use crate::model::errand::Scale;
use crate::protocol::process::ExecMode;

/// Name, namespace, mode, status, by id.
pub(super) const FLEET: [(&str, &str, ExecMode, ProcessStatus); 9] = [
    ("api", "shop", ExecMode::Cluster, ProcessStatus::Online),
    ("api", "shop", ExecMode::Cluster, ProcessStatus::Online),
    ("api", "shop", ExecMode::Cluster, ProcessStatus::Errored),
    ("api", "jobs", ExecMode::Fork, ProcessStatus::Online),
    ("worker-10", "jobs", ExecMode::Fork, ProcessStatus::Online),
    ("worker-2", "jobs", ExecMode::Fork, ProcessStatus::Stopped),
    ("worker-2", "jobs", ExecMode::Fork, ProcessStatus::Online),
    ("web", "shop", ExecMode::Fork, ProcessStatus::Errored),
    ("mail", "shop", ExecMode::Fork, ProcessStatus::Online),
];

pub(super) fn fleet(ids: impl IntoIterator<Item = usize>) -> Report {
    let process = |id: usize| {
        let (name, namespace, exec_mode, status) = FLEET[id].clone();
        let namespace = Some(namespace.into());
        ProcessInfo { namespace, exec_mode, ..info(id as u32, name, status) }
    };
    let snapshot =
        Snapshot { processes: ids.into_iter().map(process).collect(), warnings: Vec::new() };
    Report::Snapshot { at_ms: 1, took_ms: 1, interval_ms: 1_000, snapshot }
}

pub(super) fn nine() -> App {
    let mut app = app(0);
    send(&mut app, fleet(0..9));
    app
}

pub(super) const MARK: Command = Command::Rows(RowsCommand::Mark);
pub(super) const MARK_ALL: Command = Command::Rows(RowsCommand::MarkAll);

pub(super) fn type_text(app: &mut App, text: &str) {
    for c in text.chars() {
        let _ = update(app, Moment::at(2_000), Message::Text(c));
    }
}

pub(super) fn filter(app: &mut App, text: &str) {
    press(app, Command::Filter);
    let _ = update(app, Moment::at(2_000), Message::Edit(Edit::DeleteToStart));
    type_text(app, text);
    press(app, Command::Open);
}

fn several(app: &App) -> &crate::app::several::Several {
    match &app.mode {
        Mode::Sheet(sheet) => match &**sheet {
            Sheet::Several(several) => several,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

pub(super) fn question(app: &App) -> String {
    let lines = several(app).lines(&app.watched, 200);
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}

/// The ids that the question names, each with the name before it.
pub(super) fn named(app: &App) -> BTreeSet<(String, u32)> {
    let lines = several(app).lines(&app.watched, 10_000);
    let mut named = BTreeSet::new();
    for (_, line) in lines.iter().filter(|(kind, _)| *kind == Kind::Act) {
        let mut line = line.as_str();
        while let Some((before, rest)) = line.split_once('[') {
            let name = before.rsplit(' ').next().unwrap();
            let (ids, rest) = rest.split_once(']').unwrap();
            for id in ids.split(' ') {
                assert!(named.insert((name.to_owned(), id.parse().unwrap())), "{line}");
            }
            line = rest;
        }
    }
    named
}

pub(super) fn ids(effects: &[Effect]) -> BTreeSet<(String, u32)> {
    let mut all = BTreeSet::new();
    for effect in effects {
        let Effect::Act { targets, .. } = effect else { panic!("{effect:?}") };
        all.extend(targets.iter().map(|target| (target.name.to_string(), target.pm_id.0)));
    }
    all
}

pub(super) fn answer(app: &mut App) -> Vec<Effect> {
    if let Some(word) = several(app).word {
        assert_eq!(press(app, Command::Open), [], "not typed yet");
        type_text(app, word);
        return press(app, Command::Open);
    }
    press(app, Command::Yes)
}

#[test]
fn marked_processes_are_named_and_acted_on_and_the_hidden_ones_first() {
    let mut app = nine();
    press(&mut app, Command::Last);
    press(&mut app, MARK);
    filter(&mut app, "api");
    press(&mut app, MARK_ALL);
    assert_eq!((app.marks.len(), app.hidden_marks()), (5, 1));
    assert!(press(&mut app, Command::Act(Action::Restart)).is_empty());
    insta::assert_snapshot!(question(&app), @r"
    1 of the 5 is not shown now: mail[8]
    restarts mail[8], api[3] in jobs: each is down meanwhile
    restarts api[0 1 2] in shop, 3 of its 3 instances: perhaps nothing serves meanwhile; reload would keep 1 up
    Two at a time; Esc then leaves undone what has not begun.
    ");
    assert_eq!(press(&mut app, Command::No), []);
    assert_eq!(app.marks.len(), 5, "no leaves all as it was");
    press(&mut app, Command::Act(Action::Restart));
    let named = named(&app);
    assert_eq!(ids(&answer(&mut app)), named);
    assert!(app.marks.is_empty());
    let restarting = app.watched.fleet.get(key(8)).unwrap();
    assert_eq!((restarting.pending, restarting.is_queued), (Some(Action::Restart), true));
    press(&mut app, Command::Act(Action::Restart));
    assert!(app.notice.as_ref().unwrap().text.contains("already restarting"));
}

#[test]
fn deletes_of_several_and_what_means_all_want_a_word() {
    let mut app = nine();
    press(&mut app, MARK);
    press(&mut app, MARK);
    press(&mut app, Command::Act(Action::Stop));
    assert_eq!(several(&app).word, None);
    press(&mut app, Command::No);
    press(&mut app, Command::Act(Action::Delete));
    assert_eq!(several(&app).word, Some("delete"));
    assert!(app.mode.takes_text() && !app.mode.is_question());
    type_text(&mut app, "y");
    assert_eq!(press(&mut app, Command::Open), []);
    press(&mut app, Command::Back);
    assert_eq!(app.mode, Mode::Normal);
    press(&mut app, MARK_ALL);
    press(&mut app, Command::Act(Action::Stop));
    assert_eq!(several(&app).word, Some("stop"));
    assert_eq!(ids(&answer(&mut app)).len(), 9);
}

#[test]
fn one_mark_is_asked_about_unless_it_is_the_selected_row() {
    let mut app = nine();
    press(&mut app, MARK);
    assert_eq!((app.selected, app.marks.len()), (Some(key(1)), 1));
    assert_eq!(press(&mut app, Command::Act(Action::Restart)), []);
    let Mode::Confirm { target, .. } = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(target.pm_id, PmId(0));
    press(&mut app, Command::No);
    press(&mut app, Command::Up);
    assert_eq!(ids(&press(&mut app, Command::Act(Action::Restart))).len(), 1);
}

#[test]
fn marks_leave_with_their_process_and_with_esc_after_the_filter() {
    let mut app = nine();
    press(&mut app, MARK_ALL);
    send(&mut app, fleet(3..9));
    assert_eq!(app.marks.len(), 6);
    filter(&mut app, "worker");
    press(&mut app, MARK_ALL);
    assert_eq!((app.marks.len(), app.hidden_marks()), (3, 3), "all of those shown were marked");
    press(&mut app, Command::Back);
    assert_eq!((app.rows().len(), app.marks.len()), (6, 3));
    press(&mut app, Command::Back);
    assert!(app.marks.is_empty());
}

#[test]
fn a_question_about_what_is_gone_closes() {
    let mut app = nine();
    press(&mut app, MARK);
    press(&mut app, MARK);
    press(&mut app, Command::Act(Action::Stop));
    send(&mut app, fleet(1..9));
    assert_eq!(app.mode, Mode::Normal);
    assert!(app.notice.as_ref().unwrap().text.contains("closed stop 2 processes: "));
}

fn begun(app: &mut App, target: &Target) {
    send(app, Report::ActionBegun { action: Action::Restart, target: target.clone() });
}

fn ended(app: &mut App, target: &Target, verdict: Verdict) {
    let (action, target) = (Action::Restart, target.clone());
    send(app, Report::ActionFinished { action, target, verdict });
}

#[test]
fn the_end_lists_each_verdict_and_esc_leaves_the_rest_undone() {
    let mut app = nine();
    for _ in 0..3 {
        press(&mut app, MARK);
    }
    press(&mut app, Command::Act(Action::Restart));
    let effects = answer(&mut app);
    let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
    begun(&mut app, &targets[0]);
    assert!(!app.watched.fleet.get(key(0)).unwrap().is_queued);
    let counts = app.batch.as_ref().unwrap().counts();
    assert_eq!((counts.ended, counts.begun, counts.waiting), (0, 1, 2));
    assert_eq!(press(&mut app, Command::Back), [Effect::Halt]);
    assert_eq!(press(&mut app, Command::Back), [], "once");
    ended(&mut app, &targets[0], Verdict::Up { after_ms: 1_000, was_looping: false });
    ended(&mut app, &targets[1], Verdict::NotBegun);
    assert!(app.batch.is_some());
    ended(&mut app, &targets[2], Verdict::NotBegun);
    assert!(app.batch.is_none());
    let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    let Sheet::Ended(ended, _) = &**sheet else { panic!("{sheet:?}") };
    let lines = ended.shown(100);
    let lines: Vec<&str> = lines.iter().map(|(.., line)| line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "did not restart api[1 2]: left undone: it had not begun",
            "restarted api[0], up 1.0 s",
            "= pm2 restart 0",
        ]
    );
    let narrow = ended.shown(20);
    let begins =
        |lines: &[(_, bool, String)]| lines.iter().filter(|(_, begins, _)| *begins).count();
    assert!(narrow.len() > 3 && begins(&narrow) == 3, "a line that goes on is none of its own");
    let notice = app.notice.as_ref().unwrap();
    assert!(notice.is_bad && notice.text.starts_with("restart: 1 of 3; did not restart api[1]"));
    press(&mut app, Command::Back);
    assert_eq!(app.mode, Mode::Normal);
}

/// One sentence for all of whom it is the same, and what was stopped was started; what opens something
/// opens it in the list's place.
#[test]
fn equal_ends_are_one_sentence_and_the_list_makes_room() {
    let mut app = nine();
    press(&mut app, MARK_ALL);
    press(&mut app, Command::Act(Action::Reload));
    let effects = answer(&mut app);
    let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
    for (target, after_ms) in targets.clone().iter().zip(1_000..) {
        let verdict = Verdict::Up { after_ms, was_looping: false };
        finish(&mut app, Action::Reload, target, verdict);
    }
    let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    let Sheet::Ended(ended, _) = &**sheet else { panic!("{sheet:?}") };
    assert_eq!((ended.lines.len(), ended.good()), (9, 9));
    let lines: Vec<String> = ended.shown(400).into_iter().map(|(.., line)| line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    reloaded api[0 1], api[3], worker-10[4], worker-2[6], mail[8], up 1.0 s
    started api[2], worker-2[5], web[7], up 1.0 s
    = pm2 reload 0 1 2 3 4 5 6 7 8
    ");
    press(&mut app, Command::Palette);
    assert!(matches!(app.mode, Mode::Palette(_)), "{:?}", app.mode);
}

#[test]
fn nothing_opens_over_what_is_open() {
    let mut app = nine();
    press(&mut app, MARK);
    press(&mut app, MARK);
    press(&mut app, Command::Act(Action::Restart));
    let effects = answer(&mut app);
    let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
    press(&mut app, Command::Filter);
    for target in targets {
        ended(&mut app, target, Verdict::Up { after_ms: 1_000, was_looping: false });
    }
    assert!(matches!(app.mode, Mode::Filter(_)));
    let said = &app.notice.as_ref().unwrap().text;
    assert_eq!(said, "restart: all 2   = pm2 restart 0 1");
}

proptest! {
    /// For any filter, order and marks, what the question names is what is acted on, nothing else.
    #[test]
    fn what_is_named_is_acted_on(
        steps in prop::collection::vec((0..16_u8, 0..9_usize), 0..40),
        action in 0..5_usize,
        vanishes: Option<u8>,
    ) {
        let mut app = nine();
        for (step, number) in steps {
            match step {
                0..4 => { press(&mut app, MARK); }
                4 => { press(&mut app, MARK_ALL); }
                5 => { press(&mut app, Command::SortRight); }
                6 => { press(&mut app, Command::SortReverse); }
                7 => { press(&mut app, Command::OnlyUnwell); }
                8 => filter(&mut app, ["api", "worker", "!shop", "jobs", "w", "1", "none", "status:online", "a"][number]),
                9 => { press(&mut app, Command::Back); }
                10 => send(&mut app, fleet((0..9).filter(|id| *id != number))),
                12 => { press(&mut app, TREE); }
                13 => { press(&mut app, Command::Older); }
                14 => { press(&mut app, Command::Newer); }
                15 => { press(&mut app, Command::Last); }
                _ => for _ in 0..number { press(&mut app, Command::Down); },
            }
        }
        prop_assert_eq!(app.selected.is_some(), app.cursor_line().is_some());
        let action = [Action::Restart, Action::Stop, Action::Start, Action::Reload, Action::Delete][action];
        let wanted: BTreeSet<u32> = match app.marks.len() {
            0 => match app.group_members() {
                Some(group) => group.targets.iter().map(|(_, target)| target.pm_id.0).collect(),
                None => app.selected.iter().map(|key| key.pm_id.0).collect(),
            },
            _ => app.marked().targets.iter().map(|(_, target)| target.pm_id.0).collect(),
        };
        let hidden: BTreeSet<u32> = wanted.iter().copied().filter(|id| !app.has_row(key(*id))).collect();
        let mut effects = press(&mut app, Command::Act(action));
        if effects.is_empty() && app.mode != Mode::Normal {
            if let Some(id) = vanishes.map(usize::from).filter(|id| *id < 9) {
                send(&mut app, fleet((0..9).filter(|other| *other != id)));
            }
            match &app.mode {
                Mode::Normal => {}
                Mode::Confirm { target, .. } => {
                    let named = target.pm_id.0;
                    effects = press(&mut app, Command::Yes);
                    prop_assert!(ids(&effects).iter().all(|(_, id)| *id == named));
                }
                Mode::ConfirmReload { all, .. } => {
                    let named: BTreeSet<u32> = all.iter().map(|target| target.pm_id.0).collect();
                    effects = press(&mut app, Command::Yes);
                    let acted: BTreeSet<u32> = ids(&effects).into_iter().map(|(_, id)| id).collect();
                    prop_assert_eq!(acted, named);
                    return Ok(());
                }
                _ => {
                    let named = named(&app);
                    for (name, id) in &named {
                        prop_assert_eq!(name, FLEET[*id as usize].0);
                    }
                    let said = question(&app);
                    for id in &hidden {
                        let label = format!("{}[{id}]", FLEET[*id as usize].0);
                        prop_assert!(said.lines().next().unwrap().contains(&label), "{}", said);
                    }
                    effects = answer(&mut app);
                    prop_assert_eq!(ids(&effects), named);
                }
            }
        }
        let acted: BTreeSet<u32> = ids(&effects).into_iter().map(|(_, id)| id).collect();
        prop_assert!(effects.is_empty() || acted == wanted, "{:?} {:?}", acted, wanted);
    }
}

pub(super) fn finish(app: &mut App, action: Action, target: &Target, verdict: Verdict) {
    send(app, Report::ActionFinished { action, target: target.clone(), verdict });
}

const TREE: Command = Command::Rows(RowsCommand::Tree);

#[test]
fn in_the_tree_an_action_means_the_group() {
    let mut app = nine();
    press(&mut app, TREE);
    // shop, its api, three of that.
    assert_eq!((app.selected, app.cursor_line()), (Some(key(0)), Some(2)));
    press(&mut app, Command::Older);
    assert_eq!(app.cursor_line(), Some(1), "to its app");
    assert!(press(&mut app, Command::Act(Action::Stop)).is_empty());
    assert_eq!(named(&app).len(), 3);
    press(&mut app, Command::No);
    let lines = app.table_lines();
    press(&mut app, Command::Open);
    assert_eq!(app.table_lines(), lines - 3, "folded");
    press(&mut app, Command::Act(Action::Stop));
    assert_eq!(named(&app).len(), 3, "folded, and meant all the same");
    press(&mut app, Command::No);
    press(&mut app, MARK);
    assert_eq!(app.marks.len(), 3);
    press(&mut app, MARK);
    press(&mut app, Command::Newer);
    assert_eq!(app.table_lines(), lines);
    press(&mut app, Command::First);
    press(&mut app, Command::Act(Action::Restart));
    assert_eq!(named(&app).len(), 5, "the namespace");
    press(&mut app, Command::No);
    press(&mut app, Command::Older);
    press(&mut app, Command::NextUnwell);
    assert_eq!((app.selected, app.cursor_group()), (Some(key(2)), None), "it is unfolded");
    press(&mut app, TREE);
    assert_eq!((app.table_lines(), app.cursor_line()), (9, Some(2)));
}

#[test]
fn the_question_says_the_pace_where_there_is_one() {
    let mut app = nine();
    filter(&mut app, "api ns:shop");
    press(&mut app, MARK_ALL);
    assert_eq!(app.marks.len(), 3);
    press(&mut app, Command::Act(Action::Restart));
    assert!(question(&app).contains("Two at a time; Esc"), "{}", question(&app));
    press(&mut app, Command::No);
    press(&mut app, Command::Act(Action::Reload));
    let text = question(&app);
    assert!(text.contains("One after another; Esc") && !text.contains("Two at a time"), "{text}");
    let mut marked = several(&app).marked.clone();
    marked.targets.truncate(1);
    let signal = crate::model::errand::Errand::Signal(
        crate::model::errand::Signal::parse("SIGHUP").unwrap(),
    );
    for what in [What::Act(Action::Restart), What::Errand(signal)] {
        assert_eq!(what.manner(&marked), None);
    }
}

pub(super) const UNDO: Command = Command::Rows(RowsCommand::Undo);

#[test]
fn the_menu_does_what_can_be_done_to_the_marked() {
    use crate::model::errand::{Errand, Task};
    let mut app = nine();
    press(&mut app, MARK);
    press(&mut app, MARK);
    let menu = Command::Rows(RowsCommand::Actions);
    press(&mut app, menu);
    assert!(press(&mut app, Command::Act(Action::Start)).is_empty(), "both are online");
    assert!(matches!(&app.mode, Mode::Sheet(sheet) if matches!(**sheet, Sheet::Menu(_))));
    press(&mut app, Command::Act(Action::Stop));
    assert_eq!(named(&app).len(), 2);
    press(&mut app, Command::No);
    press(&mut app, menu);
    // Behind start, restart, reload, stop, delete, scale.
    press(&mut app, Command::First);
    for _ in 0..6 {
        press(&mut app, Command::Down);
    }
    assert!(press(&mut app, Command::Open).is_empty());
    insta::assert_snapshot!(question(&app), @r"
    reset the counts of api[0 1] in shop, 2 of its 3 instances
    Two at a time.
    ");
    let effects = press(&mut app, Command::Yes);
    let [Effect::Do { daemon: D, id, task: Task::Each { errand: Errand::Reset, targets } }] =
        &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(targets.iter().map(|target| target.pm_id.0).collect::<Vec<_>>(), [0, 1]);
    for target in targets {
        let outcome = crate::model::errand::Outcome::of(&Errand::Reset, target, Verdict::Done);
        send(&mut app, Report::Did { task: *id, outcome: Box::new(outcome) });
    }
    assert_eq!(app.jobs[0].done(), 2);
    send(&mut app, Report::TaskEnded(*id));
    let Mode::Sheet(sheet) = &app.mode else { panic!("{:?}", app.mode) };
    let Sheet::Ended(ended, _) = &**sheet else { panic!("{sheet:?}") };
    assert_eq!(ended.commands, ["pm2 reset 0", "pm2 reset 1"]);
}

#[test]
fn what_the_menu_asks_for_is_read_while_it_is_typed() {
    let mut app = nine();
    press(&mut app, Command::Rows(RowsCommand::Actions));
    press(&mut app, Command::First);
    for _ in 0..5 {
        press(&mut app, Command::Down);
    }
    press(&mut app, Command::Open);
    assert!(app.mode.takes_text(), "{:?}", app.mode);
    type_text(&mut app, "3");
    assert!(press(&mut app, Command::Open).is_empty());
    assert!(app.mode.takes_text(), "it has 3 already");
    let _ = update(&mut app, Moment::at(2_000), Message::Edit(Edit::DeleteToStart));
    type_text(&mut app, "-2");
    press(&mut app, Command::Open);
    assert_eq!(question(&app), "scales api from 3 to 1: deletes api[2 1]\nOne after another.\n");
    let marked = several(&app).marked.targets.clone();
    let commands = |to| What::Scale(Scale::To(to)).commands(&app.watched, &marked);
    assert_eq!(commands(4), ["pm2 scale api 4"]);
    assert_eq!(commands(1), ["pm2 delete 2 1"], "its own scale would delete others");
    let effects = press(&mut app, Command::Yes);
    assert!(matches!(&effects[..], [Effect::Do { .. }]), "{effects:?}");
}
