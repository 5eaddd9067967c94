//! What the changes of a daemon mean for what the user is doing: notices, the selection, what is
//! open.
//!
//! Invariant: only what is in sight makes a frame.

use super::closed::Closed;
use super::effect::Effects;
use super::mode::Mode;
use super::notice::{About, Notice};
use super::prompt::SEND;
use super::sheet::Sheet;
use super::state::App;
use super::{
    alert, audit, cursor, deliver, details, jobs, log_keys, log_older, log_taking, newcomers,
    sight, table, undoing,
};
use crate::model::apply::{Change, Changes};
use crate::model::bundle::Written;
use crate::model::call::CallOutcome;
use crate::model::{Action, DaemonId, Target, Verdict, verdict};
use crate::protocol::text::clean_to;

/// How much of a reply the footer says; the log has more.
const NOTICE_CHARS_MAX: usize = 200;

/// Takes the changes of one report in.
pub(super) fn take(app: &mut App, id: DaemonId, changes: Changes) -> Effects {
    let (mut has_lines, mut has_rows) = (false, false);
    let outcomes = changes.0.iter().filter_map(|change| audit::outcome(app, id, change));
    let effects = Effects(outcomes.collect());
    app.undo.forget(app.now.steady_ms);
    let news = app.watched.news.take();
    app.take_lines(news);
    for change in changes.0 {
        match change {
            Change::Past(past) => log_older::take_past(app, id, *past),
            Change::Daemon | Change::Losses => app.is_dirty = true,
            Change::Lost => {
                app.is_dirty = true;
                close_questions(app, id);
            }
            // What the header says of it is a change of the daemon.
            Change::Host => app.is_dirty |= shows_daemon(&app.mode),
            Change::Disk => {
                app.is_dirty |= shows_daemon(&app.mode);
                // The title of the log has the sizes of its files.
                has_lines = true;
            }
            Change::Lines => has_lines = true,
            Change::Examined(exam) => details::examined(app, id, *exam),
            Change::Exceptions => {
                app.is_dirty |=
                    matches!(app.mode, Mode::Exceptions { .. } | Mode::Exception { .. });
            }
            Change::Polled | Change::Event(_) | Change::Process(_) => has_rows = true,
            Change::Connected { is_other } => {
                app.is_dirty = true;
                if is_other {
                    app.undo.daemon_ended(id);
                    close_about_daemon(app, id);
                }
            }
            Change::Gone(target) => {
                (app.is_dirty, has_rows) = (true, true);
                app.undo.gone(id, &target);
                cursor::gone(app, id, &target);
                close_about(app, id, &target, &Verdict::Gone.about());
            }
            Change::Replaced { target, by } => {
                (app.is_dirty, has_rows) = (true, true);
                cursor::gone(app, id, &target);
                let name = by.rsplit_once('[').map_or(&*by, |(name, _)| name);
                close_about(app, id, &target, &format!("replaced: {}", target.newcomer(name)));
            }
            Change::Kept(kept) => app.undo.keep(id, *kept),
            Change::Begun(target) => {
                let batch = app.batch.as_mut();
                app.is_dirty |= batch.is_some_and(|batch| batch.begin(id, &target));
            }
            Change::Finished { action, target, verdict } => {
                finish(app, id, action, target, verdict);
            }
            Change::Did { task, outcome } => jobs::did(app, id, task, &outcome),
            Change::TaskEnded(task) => jobs::end(app, task),
            Change::Replied { action, target, reply } => {
                details::replied(app, id, &action, &target, reply);
            }
            // What it printed was seen.
            Change::Ran(ran) if ran.is_success => {}
            Change::Ran(ran) => app.notify(format!("{} {}", ran.name, ran.end), true),
            Change::Called { method, outcome } => finish_call(app, id, &method, &outcome),
            Change::Parts(parts) => log_keys::take_parts(app, parts),
            Change::FileEnded(end) => app.is_dirty |= app.log_view.compare(id, &end),
            Change::LogSaved(saved) => log_taking::saved(app, &saved),
            Change::Bundled(outcome) => finish_bundle(app, outcome),
            Change::Notice(why) => app.notify(why, true),
        }
    }
    show(app, id, has_rows, has_lines, effects)
}

/// What follows from changes that were taken in: of rows, of lines of the log.
fn show(
    app: &mut App,
    id: DaemonId,
    has_rows: bool,
    has_lines: bool,
    mut effects: Effects,
) -> Effects {
    if has_rows {
        details::renew(app, id);
        close_beside(app);
        effects.0.extend(alert::look(app, id));
        table::settle(app);
        cursor::follow(app);
        cursor::renew(app);
    }
    drop_old_notice(app);
    app.is_dirty = app.is_dirty
        || (has_rows && sight::rows(app) != app.drawn.rows)
        || (has_lines && sight::log(app) != app.drawn.log);
    effects
}

/// Whether what is known of a daemon is open.
fn shows_daemon(mode: &Mode) -> bool {
    matches!(mode, Mode::Sheet(sheet) if matches!(**sheet, Sheet::Daemon(..)))
}

/// A notice leaves when its time is over, or when what it says is not so any more.
pub(super) fn drop_old_notice(app: &mut App) {
    let has_selection = app.selected.is_some();
    let is_over = app
        .notice
        .as_ref()
        .is_some_and(|notice| notice.is_over(app.now.steady_ms, &app.watched, has_selection));
    if is_over {
        app.notice = None;
        app.is_dirty = true;
    }
    undoing::drop_offers(app);
}

/// Closes what is open about a process that is not there any more, and says so.
fn close_about(app: &mut App, id: DaemonId, target: &Target, what: &str) {
    let is_about = |mode: &Mode| mode.is_about(id, Some(target.pm_id));
    close_where(app, is_about, (&target.label(), what));
}

/// Closes what is open about a daemon that another one took the place of.
fn close_about_daemon(app: &mut App, id: DaemonId) {
    let is_about = |mode: &Mode| mode.is_about(id, None);
    close_where(app, is_about, ("", "another PM2 daemon answers now"));
}

/// Closes the questions and prompts that would have something sent to a daemon that does not answer any
/// more.
fn close_questions(app: &mut App, id: DaemonId) {
    let why = "the daemon is not connected any more";
    let is_about = |mode: &Mode| mode.would_send() && mode.is_about(id, None);
    close_where(app, is_about, ("", why));
    if let Some(name) = details::close_trigger(app, id) {
        say_closed(app, Closed::new(&name, ("", why), "; nothing was sent"));
        app.is_unopened = true;
    }
}

/// Closes the question about an undo where somebody has come under a name of it, of whom it does not tell.
fn close_beside(app: &mut App) {
    let Some(newcomer) = newcomers::unnamed(app) else { return };
    let why = format!("{} was started under that name meanwhile", newcomer.label());
    close_where(app, newcomers::is_about_them, ("", &why));
}

/// Closes these, and says why: of whom, where what is open does not name it, and in the words that the
/// commands have for it.
fn close_where(app: &mut App, is_about: impl Fn(&Mode) -> bool, (whom, why): (&str, &str)) {
    let mut open = app.below.iter().chain(std::iter::once(&app.mode)).rev();
    let Some(uppermost) = open.find(|mode| is_about(mode)) else { return };
    let name = uppermost.name();
    let sent = if matches!(uppermost, Mode::Details(_)) { "" } else { "; nothing was sent" };
    let closed = Closed::new(&name, (whom, why), sent);
    // Nothing may have been typed into it yet; a letter of the menu means another one in the table.
    app.is_unopened |= uppermost.takes_text() || uppermost.is_menu();
    app.below.retain(|mode| !is_about(mode));
    if is_about(&app.mode) {
        app.close();
        // It would stand over the words, and offer the same for who is selected now.
        if matches!(app.mode, Mode::Palette(_)) {
            app.close();
        }
    }
    say_closed(app, closed);
}

/// Says why something closed by itself; also when one types on.
fn say_closed(app: &mut App, closed: Closed) {
    app.say(closed.notice("", app.now.steady_ms));
    app.why_closed = Some(closed);
}

/// An asked action ended: its verdict, in the verdict's own words.
fn finish(app: &mut App, id: DaemonId, action: Action, target: Target, verdict: Verdict) {
    app.undo.finished(id, &target, (action, &verdict));
    let was_down = app.watched.fleet.get(target.key(id)).and_then(|process| process.was_down);
    let done = verdict::done(action, was_down.is_some(), &verdict);
    if app.batch.as_mut().is_some_and(|batch| batch.end(id, &target, (action, done, &verdict))) {
        app.is_dirty = true;
        if let Some(mut ended) = jobs::take_end(app) {
            ended.can_undo = app.undo.is_next(id, &target);
            jobs::tell(app, ended);
        }
        return;
    }
    // A key that does nothing for that reason is told of just now.
    if verdict == Verdict::Gone && cursor::is_told(app) {
        return;
    }
    let label = app.placed(id, &target.label());
    let prefix = app.daemon(id).map_or("", |daemon| &*daemon.cli_prefix);
    let is_bad = !verdict.is_success();
    let command = format!("{prefix}pm2 {} {}", action.verb(), target.pm_id);
    let undoes = if app.undo.is_next(id, &target) { jobs::undoes(app) } else { String::new() };
    let whom = verdict::whom(&label, was_down.filter(|_| done != action));
    let text = verdict.sentence(done, &whom) + &undoes;
    let short = format!("{label} {}{undoes}", verdict.words(action));
    let about = About::Outcome { daemon: id, target, action, verdict };
    let notice = Notice::new(text, is_bad, app.now.steady_ms).or(short).about(about);
    let notice = notice.offering(undoes).done();
    app.say(if is_bad { notice } else { notice.doing(&command) });
}

/// A bundle was written, or not.
fn finish_bundle(app: &mut App, outcome: Result<Written, Box<str>>) {
    app.is_bundling = false;
    match outcome {
        Ok(written) => app.notify_done(written.words()),
        Err(why) => app.notify(why, true),
    }
}

/// A call by name ended.
fn finish_call(app: &mut App, id: DaemonId, method: &str, outcome: &CallOutcome) {
    if method == SEND {
        return deliver::answered(app, id, outcome);
    }
    let CallOutcome::Answered(json) = outcome else {
        app.notify(outcome.words(method), true);
        return;
    };
    if method == "reloadLogs" {
        let prefix = app.daemon(id).map_or("", |daemon| &*daemon.cli_prefix);
        let command = format!("{prefix}pm2 reloadLogs");
        let text = "opened all log files again";
        app.say(Notice::new(text, false, app.now.steady_ms).done().doing(&command));
        return;
    }
    let text = clean_to(json, NOTICE_CHARS_MAX);
    app.notify_done(format!("{method}: {text}"));
}
