//! Asking whether the last delete or stop is to be undone, and when that can be done at all.
//!
//! Invariant: an undo is offered only where it can be done now. A stop is undone in its own daemon alone;
//! what was deleted is kept here, and so it can be started in whichever daemon answers.

use super::bulk;
use super::effect::Effects;
use super::guard;
use super::marks::Marked;
use super::mode::Mode;
use super::navigate;
use super::newcomers::newcomers;
use super::notice::Notice;
use super::settings::Confirm;
use super::sheet::Sheet;
use super::state::App;
use super::undo::Newest;
use super::what::What;
use crate::model::daemon::Connection;
use crate::model::fleet::Process;
use crate::model::{Action, DaemonId, Target, units};

/// Whether the last delete or stop can be undone now.
pub(super) fn is_possible(app: &App) -> bool {
    let Some(newest) = app.undo.newest(app.now.steady_ms) else { return false };
    if newest.kept.is_empty() {
        return runs_again(app, newest.stopped, newest.ago_ms).is_none();
    }
    newest.kept.iter().all(|(daemon, _)| app.watched.is_live(*daemon))
}

/// Takes back what offers an undo where there is none any more.
pub(super) fn drop_offers(app: &mut App) {
    let is_said = app.notice.as_ref().is_some_and(Notice::offers_undo);
    let is_listed = matches!(&app.mode, Mode::Sheet(sheet) if sheet.offers_undo());
    if !(is_said || is_listed) || is_possible(app) {
        return;
    }
    if let Some(notice) = &mut app.notice {
        notice.drop_undo();
    }
    if let Mode::Sheet(sheet) = &mut app.mode
        && let Sheet::Ended(ended, _) = &mut **sheet
    {
        ended.can_undo = false;
    }
    app.is_dirty = true;
}

/// Whether the daemon that a process was in has ended: it does not run any more, or another one answers.
fn has_ended(app: &App, daemon: DaemonId, target: &Target) -> bool {
    let Some(daemon) = app.watched.daemon(daemon) else { return true };
    match &daemon.connection {
        Connection::Down { problem, .. } => problem.is_end(),
        Connection::Connecting => false,
        Connection::Live { .. } => target.god.is_some_and(|god| daemon.god != Some(god)),
    }
}

/// Who it is, or what several of them are called.
fn whom(stopped: &[(DaemonId, Target)]) -> String {
    match stopped {
        [(_, only)] => only.label(),
        _ => "what was stopped".to_owned(),
    }
}

/// Why none of these can be started that were stopped so long ago (milliseconds): they were started since, or
/// are not there any more.
fn runs_again(app: &App, stopped: &[(DaemonId, Target)], ago_ms: i64) -> Option<String> {
    let [(daemon, first), ..] = stopped else { return None };
    let what = whom(stopped);
    if has_ended(app, *daemon, first) {
        return Some(format!("nothing to undo: the daemon ended, and {what} with it"));
    }
    if !app.watched.daemon(*daemon)?.is_live() {
        return Some(format!("PM2 is not connected: {what} cannot be started now"));
    }
    let there = stopped.iter().filter_map(|(daemon, target)| {
        let process = app.watched.fleet.get(target.key(*daemon))?;
        target.is(&process.info).then_some(process)
    });
    let now_ms = app.now.steady_ms;
    let runs = |process: &Process| process.uptime_ms(now_ms).is_some_and(|up_ms| up_ms < ago_ms);
    let (running, idle): (Vec<_>, Vec<_>) = there.partition(|process| runs(process));
    if !idle.is_empty() {
        return None;
    }
    let verb = if running.is_empty() { "is not there any more" } else { "was started since" };
    Some(format!("nothing to undo: {what} {verb}"))
}

/// Why what was deleted cannot be started again now: nobody answers who could.
fn has_no_daemon(app: &App, newest: &Newest<'_>) -> Option<String> {
    let is_down = |(daemon, _): &&(DaemonId, _)| !app.watched.is_live(*daemon);
    let (daemon, kept) = newest.kept.iter().find(is_down)?;
    let why = if has_ended(app, *daemon, &kept.target) {
        "the daemon ended"
    } else {
        "PM2 is not connected"
    };
    let what = match newest.kept {
        [(_, only)] => only.target.label(),
        all => format!("the {} deleted processes", all.len()),
    };
    let left = units::uptime(newest.left_ms);
    Some(format!("{why}: {what} can be started again once a daemon answers here, for {left}"))
}

/// What is said where there is nothing to undo.
fn nothing(app: &App) -> String {
    let lost = app.undo.lost();
    match lost.first() {
        None => {
            "nothing to undo: a delete, a stop or a scale down can be undone here for 10 minutes"
                .to_owned()
        }
        Some((daemon, first)) if has_ended(app, *daemon, first) => {
            format!("nothing to undo: the daemon ended, and {} with it", whom(lost))
        }
        Some(_) => format!("nothing to undo: {} is not there any more", whom(lost)),
    }
}

/// Asks whether the last delete or stop is to be undone.
pub(super) fn ask(app: &mut App) -> Effects {
    let now_ms = app.now.steady_ms;
    app.undo.forget(now_ms);
    if let Some((action, asked)) = app.undo.under_way() {
        let whom = match asked {
            [(_, target)] => target.label(),
            all => format!("{} processes", all.len()),
        };
        let verb = action.verb();
        app.notify(
            format!("the {verb} of {whom} is still under way: undo it once it is done"),
            false,
        );
        return Effects::none();
    }
    let Some(newest) = app.undo.newest(now_ms) else {
        app.notify(nothing(app), false);
        return Effects::none();
    };
    if let Some(why) = has_no_daemon(app, &newest) {
        app.notify(why, false);
        return Effects::none();
    }
    if !newest.kept.is_empty() {
        let mut kept = newest.kept.to_vec();
        kept.sort_by_key(|(daemon, kept)| (*daemon, kept.target.pm_id));
        let beside = newcomers(app, &kept, &[]);
        let what = What::Restore { kept, ago_ms: newest.ago_ms, beside };
        return bulk::ask(app, what, Marked::default());
    }
    if let Some(why) = runs_again(app, newest.stopped, newest.ago_ms) {
        app.notify(why, false);
        return Effects::none();
    }
    if let [(daemon, target)] = newest.stopped {
        let (daemon, target) = (*daemon, target.clone());
        // It need not be in sight.
        let is_never = guard::level(app, &[daemon]) == Confirm::Never;
        let is_seen = is_never && navigate::rows_in_sight(app).contains(&target.key(daemon));
        if !guard::asks_of_one(app, Action::Start, daemon, is_seen) {
            return bulk::these(app, Action::Start, daemon, vec![target]);
        }
        app.open(Mode::Confirm { action: Action::Start, daemon, target });
        return Effects::none();
    }
    let mut targets = newest.stopped.to_vec();
    targets.sort_by_key(|(daemon, target)| (*daemon, target.pm_id));
    let marked = Marked { targets, hidden: 0, part: None };
    bulk::ask(app, What::Act(Action::Start), marked)
}
