//! Whether the user chose what the cursor is on, or it came there because the process went that was
//! chosen.
//!
//! Invariant: what acts at once acts on nothing that the user did not choose: the first such key after
//! the chosen process went only says so.

use super::closed::Closed;
use super::command::{Command, RowsCommand};
use super::mode::Mode;
use super::navigate;
use super::notice::{About, Notice};
use super::pane::Pane;
use super::state::App;
use super::tree;
use super::unchosen::Unchosen;
use crate::model::{DaemonId, ProcessKey, Target};

/// A process is gone, or another one has its id.
pub(super) fn gone(app: &mut App, id: DaemonId, target: &Target) {
    let key = target.key(id);
    if app.selected != Some(key) {
        return;
    }
    // That one was not chosen either.
    if let Some(before) = app.unchosen.as_mut().filter(|before| before.wanted.is_some()) {
        before.pressed = None;
        return;
    }
    let Some(group) = app.cursor_group().cloned() else {
        let wanted = Some((id, target.clone(), app.now.wall_ms));
        let gone = Unchosen::of(app.placed(id, &target.label()), app.now);
        app.unchosen = Some(Unchosen { wanted, ..gone });
        return;
    };
    // A group is meant as long as it has a line: an app of one process has none.
    let least = if group.app.is_some() { 2 } else { 1 };
    let fleet = &app.watched.fleet;
    let is_its = |other: &ProcessKey| {
        *other != key && fleet.get(*other).is_some_and(|process| group.holds(*other, process))
    };
    let others: Vec<ProcessKey> = app.rows().iter().copied().filter(is_its).collect();
    match others.first() {
        Some(other) if others.len() >= least => tree::stay_on(app, group, *other),
        _ => {
            let gone = app.placed(id, &group.words());
            app.unchosen = Some(Unchosen { was_many: true, ..Unchosen::of(gone, app.now) });
        }
    }
}

/// Puts the cursor on one that came since under the name of the one that went: PM2 may have given its id
/// to somebody else. It is another process still: a key that acts says so first.
pub(super) fn follow(app: &mut App) {
    let Some(unchosen) = &app.unchosen else { return };
    let Some((id, target, since_ms)) = &unchosen.wanted else { return };
    let is_it = |key: &ProcessKey| {
        let process = app.watched.fleet.get(*key).filter(|_| key.daemon == *id);
        process.is_some_and(|process| {
            process.first_seen_ms >= *since_ms
                && process.info.name == target.name
                && process.info.namespace == target.namespace
        })
    };
    if app.selected.as_ref().is_some_and(is_it) {
        return;
    }
    let Some(key) = app.rows().iter().copied().find(is_it) else { return };
    app.selected = Some(key);
    app.is_dirty = true;
    if let Some(unchosen) = &mut app.unchosen {
        unchosen.pressed = None;
    }
    navigate::keep_selection_visible(app);
}

/// Marks left since; of those that are gone the last took with it what the keys were about.
pub(super) fn marks_left(app: &mut App) {
    if app.marks.is_empty() {
        app.unchosen =
            Some(Unchosen { was_many: true, ..Unchosen::of("what was marked", app.now) });
    }
}

/// Whether a key does nothing but say where the cursor is now. The same key again acts.
pub(super) fn stops(app: &mut App, command: Command) -> bool {
    let acts = acts(command);
    let opens_it = matches!(
        command,
        Command::Filter
            | Command::OnlyUnwell
            | Command::NextUnwell
            | Command::PreviousUnwell
            | Command::Open
    );
    let goes_to_it = command.is_movement()
        || matches!(command, Command::Rows(RowsCommand::Mark | RowsCommand::MarkAll));
    if app.focus != Pane::Processes || !(acts || opens_it || goes_to_it) {
        return false;
    }
    // In a stream of keys a movement is no choice.
    let is_seen = app.unchosen.as_ref().is_none_or(|unchosen| unchosen.may_be_seen(app.now));
    if opens_it || (goes_to_it && is_seen) {
        app.unchosen = None;
    }
    let Some(unchosen) = app.unchosen.take_if(|_| acts) else { return false };
    // What was said may have been overtaken: it acts only where that is still to be seen.
    // What opens something names there whom it is about: it need not be told of the same twice.
    let opens = matches!(command, Command::Compose | Command::Rows(RowsCommand::Actions));
    let was_told = unchosen.pressed == Some(command) || (opens && unchosen.pressed.is_some());
    if was_told && is_told(app) {
        return false;
    }
    say(app, command, unchosen);
    true
}

/// A key came again as of one that is held, which acts on nothing: it says where the cursor is, too.
pub(super) fn repeated(app: &mut App, command: Command) {
    if app.mode != Mode::Normal || app.focus != Pane::Processes || !acts(command) {
        return;
    }
    if let Some(unchosen) = app.unchosen.take() {
        say(app, command, unchosen);
    }
}

/// Whether the footer says where the cursor is, and why.
pub(super) fn is_told(app: &App) -> bool {
    app.notice.as_ref().is_some_and(|notice| notice.about == About::Unchosen)
}

/// Whether it acts on what the cursor is on.
fn acts(command: Command) -> bool {
    matches!(
        command,
        Command::Act(_) | Command::Compose | Command::Own(_) | Command::Rows(RowsCommand::Actions)
    )
}

/// Says anew what a key was told, where the cursor has come elsewhere since: that names what it is on.
pub(super) fn renew(app: &mut App) {
    let Some(unchosen) = &app.unchosen else { return };
    let Some((command, _)) = unchosen.told.filter(|(_, on)| *on != app.selected) else { return };
    let notice = words(app, command, unchosen);
    let is_closed = app.why_closed.as_ref().is_some_and(|closed| closed.is_about(&About::Unchosen));
    if is_closed {
        app.why_closed = Some(Closed::unopened(&notice));
    }
    if is_told(app) {
        app.say(notice);
    }
    let selected = app.selected;
    if let Some(unchosen) = &mut app.unchosen {
        (unchosen.pressed, unchosen.told) = (None, Some((command, selected)));
    }
}

/// Says that this key did nothing, and why.
fn say(app: &mut App, command: Command, unchosen: Unchosen) {
    let notice = words(app, command, &unchosen);
    if takes_text(command, &unchosen) {
        app.refuse_prompt(notice);
    } else {
        app.say(notice);
    }
    let told = Some((command, app.selected));
    app.unchosen = Some(Unchosen { pressed: Some(command), told, ..unchosen });
}

/// Whether it would have asked for a text: of several, for a word.
fn takes_text(command: Command, unchosen: &Unchosen) -> bool {
    command == Command::Compose || (unchosen.was_many && matches!(command, Command::Act(_)))
}

/// Why this key did nothing.
fn words(app: &App, command: Command, unchosen: &Unchosen) -> Notice {
    let gone = &unchosen.gone;
    let now = app.selected.map(|key| app.display_name(key));
    let brief = match &now {
        Some(now) => format!("nothing was done: {now} is selected now"),
        None => format!("nothing was done: {gone} is gone"),
    };
    let what = match now {
        Some(now) if *now == **gone => format!("{gone} is another process now"),
        Some(now) => format!("{gone} is gone, and the cursor is on {now} now"),
        None => format!("{gone} is gone, and nothing is selected now"),
    };
    let again = if takes_text(command, unchosen) {
        "after 3 s press it again to act"
    } else {
        "press it again to act"
    };
    let text = format!("nothing was done: {what}; {again}");
    Notice::new(text, true, app.now.steady_ms).or(brief).about(About::Unchosen)
}
