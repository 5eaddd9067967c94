//! The details of one process: what is open, and what it does with a command.
//!
//! Invariant: it is about a [`Target`]: another process under that id closes it.

pub mod charts;
mod copy;
mod take;

pub(super) use self::take::take;
use super::Mode;
use super::effect::{Effect, Effects};
pub use super::inspection::{
    Asked, Examined, History, Prompt, Ready, Sheet, Tab, content, lists, rows, tab_rows,
};
pub use super::inspection_keys as keys;
use super::notice::Notice;
use super::state::App;
use super::what::What;
use crate::model::exam::Exam;
use crate::model::trigger::Reply;
use crate::model::{DaemonId, ProcessKey, Target};
use crate::protocol::text::clean_to;

/// How much of a reply the footer says.
const NOTICE_CHARS_MAX: usize = 200;
/// How much of the name of an action.
const NAME_CHARS_MAX: usize = 60;

impl App {
    /// The open details, if they are open.
    #[must_use]
    pub fn sheet(&self) -> Option<&Sheet> {
        let open = self.below.iter().chain(std::iter::once(&self.mode));
        open.rev().find_map(|mode| match mode {
            Mode::Details(sheet) => Some(&**sheet),
            _ => None,
        })
    }

    /// Closes what covers the details, or all where they are not open.
    pub(super) fn close_to_details(&mut self) {
        while !matches!(self.mode, Mode::Details(_) | Mode::Normal) {
            self.close();
        }
    }
}

/// Opens the details of the selected process.
pub(super) fn open(app: &mut App) {
    if super::tree::is_many(app) {
        return;
    }
    match app.selected_target() {
        Some((daemon, target)) => {
            let sheet = Sheet::new(daemon, target);
            let sheet = sheet.knowing(&app.watched, app.utc_offset_s, app.now);
            app.open(Mode::Details(Box::new(sheet)));
        }
        None => app.say(super::Notice::no_selection(app.now.steady_ms)),
    }
}

/// Has the engine read what is open, and nothing else.
pub(super) fn sync(app: &mut App, effects: &mut Effects) {
    let open = app.sheet().map(Sheet::key);
    if open == app.examined {
        return;
    }
    let of = |key: ProcessKey, pm_id| Effect::Examine { daemon: key.daemon, pm_id };
    effects.0.extend(app.examined.map(|key| of(key, None)));
    effects.0.extend(open.map(|key| of(key, Some(key.pm_id))));
    app.examined = open;
}

/// A process replied to an action, or did not: shown where it was asked, else in the footer.
pub(super) fn replied(
    app: &mut App,
    daemon: DaemonId,
    action: &str,
    target: &Target,
    reply: Reply,
) {
    let open = app.below.iter_mut().chain(std::iter::once(&mut app.mode)).rev();
    let mut sheets = open.filter_map(|mode| match mode {
        Mode::Details(sheet) if sheet.daemon == daemon => Some(sheet),
        _ => None,
    });
    let asked = sheets.next().and_then(|sheet| {
        let mut asked = sheet.asked.iter_mut();
        asked.find(|it| it.reply.is_none() && *it.action == *action && it.target == *target)
    });
    if let Some(asked) = asked {
        asked.reply = Some(reply);
        app.is_dirty = true;
        return all_replied(app, daemon);
    }
    let command = command(app, action, &[(daemon, target.clone())]);
    let (label, action) = (app.placed(daemon, &target.label()), clean_to(action, NAME_CHARS_MAX));
    let text = format!("{action} of {label}: {}", clean_to(&reply.words(), NOTICE_CHARS_MAX));
    let notice = Notice::new(text.clone(), !reply.is_success(), app.now.steady_ms).or(text);
    app.say(if reply.is_success() { notice.done().doing(&command) } else { notice });
}

/// What came of an action stands in the details; once all have replied, the footer says the pm2 CLI's
/// command for it.
fn all_replied(app: &mut App, daemon: DaemonId) {
    let Some(sheet) = app.sheet() else { return };
    let is_good = |asked: &Asked| asked.reply.as_ref().is_some_and(Reply::is_success);
    let Some(action) = sheet.asked.first().map(|asked| asked.action.clone()) else { return };
    if !sheet.asked.iter().all(is_good) {
        return;
    }
    let targets: Vec<_> = sheet.asked.iter().map(|it| (daemon, it.target.clone())).collect();
    let command = command(app, &action, &targets);
    let text = format!("triggered {}", clean_to(&action, NAME_CHARS_MAX));
    app.say(Notice::new(text, false, app.now.steady_ms).done().doing(&command));
}

/// The pm2 CLI's command for the action that was triggered last; empty where that was another one.
fn command(app: &App, action: &str, targets: &[(DaemonId, Target)]) -> String {
    let Some(trigger) = app.triggered.as_ref().filter(|it| *it.action == *action) else {
        return String::new();
    };
    let params = trigger.params.as_ref().map(|params| match params {
        serde_json::Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    });
    let what = What::Trigger { action: action.into(), params };
    clean_to(&what.commands(&app.watched, targets).join("; "), NOTICE_CHARS_MAX)
}

/// Remembers with what an action is triggered.
pub(super) fn note_triggered(app: &mut App, effects: &Effects) {
    for effect in &effects.0 {
        if let Effect::Trigger { trigger, .. } = effect {
            app.triggered = Some(trigger.clone());
        }
    }
}

/// All of a process was read.
pub(super) fn examined(app: &mut App, daemon: DaemonId, exam: Exam) {
    let (now, utc_offset_s) = (app.now, app.utc_offset_s);
    let is_it = |sheet: &Sheet| sheet.daemon == daemon && sheet.target.is(&exam.info);
    if !app.sheet().is_some_and(is_it) {
        return;
    }
    if let Some(sheet) = open_sheet(&mut app.below, &mut app.mode) {
        app.is_dirty |= sheet.examine(exam, &app.watched, utc_offset_s, now);
    }
}

/// Something happened to a process of a daemon.
pub(super) fn renew(app: &mut App, daemon: DaemonId) {
    let (now, utc_offset_s) = (app.now, app.utc_offset_s);
    let sheet = open_sheet(&mut app.below, &mut app.mode);
    if let Some(sheet) = sheet.filter(|sheet| sheet.daemon == daemon) {
        app.is_dirty |= sheet.renew(&app.watched, utc_offset_s, now);
    }
}

/// Closes what asks for the parameters of an action, where the details of a process of this daemon do; what
/// that is called.
pub(super) fn close_trigger(app: &mut App, daemon: DaemonId) -> Option<String> {
    let sheet = open_sheet(&mut app.below, &mut app.mode);
    let sheet = sheet.filter(|sheet| sheet.daemon == daemon)?;
    let is_trigger = |prompt: &mut Prompt| matches!(prompt, Prompt::Trigger(_));
    let Some(Prompt::Trigger(ready)) = sheet.prompt.take_if(is_trigger) else { return None };
    let action = clean_to(&ready.action, NAME_CHARS_MAX);
    Some(format!("trigger {action} in {}", sheet.target.label()))
}

/// The uppermost details that are open.
fn open_sheet<'a>(below: &'a mut [Mode], mode: &'a mut Mode) -> Option<&'a mut Sheet> {
    let open = below.iter_mut().chain(std::iter::once(mode)).rev();
    let mut sheets = open.filter_map(|mode| match mode {
        Mode::Details(sheet) => Some(&mut **sheet),
        _ => None,
    });
    sheets.next()
}
