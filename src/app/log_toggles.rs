//! What the log shows, by one key each: streams, levels, muted processes, times, wrapping.
//!
//! Invariant: nothing here changes anything but what the log shows, and where.

use super::command::LogCommand;
use super::geometry::Pane;
use super::log_sheet::LogSheet;
use super::log_sight::{self, Sight};
use super::log_view::LogView;
use super::mode::Mode;
use super::notice::{About, Notice};
use super::state::App;
use crate::logs::parse::Level;
use crate::logs::{Owner, Query, Stream};

/// The levels that can be the least, from all on.
const LEAST: [Option<Level>; 6] = [
    None,
    Some(Level::Debug),
    Some(Level::Info),
    Some(Level::Warn),
    Some(Level::Error),
    Some(Level::Fatal),
];

/// Does what a key of the log means.
pub(super) fn take(app: &mut App, command: LogCommand) {
    match command {
        LogCommand::Time => {
            let times = app.log_view.shape.times.next();
            app.log_view.shape.times = times;
            app.notify(times.words(), false);
        }
        LogCommand::Wrap => {
            let shape = &mut app.log_view.shape;
            (shape.wraps, shape.shift) = (!shape.wraps, 0);
            let words = if shape.wraps { "long lines wrap" } else { "long lines are cut" };
            app.notify(words, false);
        }
        LogCommand::Json => {
            let shape = &mut app.log_view.shape;
            shape.is_raw = !shape.is_raw;
            let words = if shape.is_raw { "lines as they were written" } else { "JSON as words" };
            app.notify(words, false);
        }
        LogCommand::Shows(stream) => app.log_view.toggle(stream),
        LogCommand::LessLevels => app.log_view.step_least(true),
        LogCommand::MoreLevels => app.log_view.step_least(false),
        LogCommand::OnlyErrors => {
            let errors = Some(Level::Error);
            let is_on = app.log_view.query().least == errors;
            app.log_view.set_least(if is_on { None } else { errors });
        }
        LogCommand::Mute => mute(app),
        LogCommand::Clear => {
            app.log_view.set_cleared(true);
            (app.log_top, app.log_mark) = (None, None);
            let text = "cleared here, the files stay: 0 brings the lines back";
            app.say(Notice::new(text, false, app.now.steady_ms).about(About::Cleared));
        }
        LogCommand::Follow => follow(app),
        _ => {}
    }
}

/// Follows the newest line, or stops where the pane stands.
fn follow(app: &mut App) {
    if app.log_top.is_some() || app.log_mark.is_some() {
        (app.log_top, app.log_mark) = (None, None);
        return;
    }
    let Sight { top, .. } = log_sight::sight(app, log_sight::log_page(app));
    let place = (app.lines().at(top), log_sight::marked(app));
    (app.log_top, app.log_mark) = place;
}

/// Goes sideways in lines that are cut.
pub(super) fn move_sideways(app: &mut App, is_right: bool) {
    if app.log_view.shape.wraps {
        app.notify("lines wrap: w cuts them, then left and right go sideways", false);
    } else {
        app.log_view.shape.move_sideways(is_right);
    }
}

/// Shows all lines of a muted process again.
pub(super) fn unmute(app: &mut App, owner: Owner) {
    let about = About::Muted(owner.clone());
    app.notice.take_if(|notice| notice.about == about);
    app.log_view.set_muted(owner, false);
}

/// Shows again what was there before it was cleared.
pub(super) fn unclear(app: &mut App) {
    app.notice.take_if(|notice| notice.about == About::Cleared);
    app.log_view.set_cleared(false);
}

/// Mutes the process of the marked line; where some are muted already, lists them.
fn mute(app: &mut App) {
    if app.log_view.muted().next().is_some() {
        app.open(Mode::LogSheet(LogSheet::Muted { chosen: 0 }));
        return;
    }
    mute_marked(app);
}

/// Mutes the process of the marked line.
pub(super) fn mute_marked(app: &mut App) {
    app.focus = Pane::Log;
    let owner = log_sight::marked(app).and_then(|line| app.log_view.owner(line)).cloned();
    match owner {
        Some(owner) => {
            let name = name(&owner);
            app.log_view.set_muted(owner.clone(), true);
            let text = format!("{name} is muted: # lists the muted ones");
            app.say(Notice::new(text, false, app.now.steady_ms).about(About::Muted(owner)));
        }
        None => app.notify("no line is marked", false),
    }
}

/// How an owner is named: `api[0]`, `PM2`.
#[must_use]
pub fn name(owner: &Owner) -> String {
    match owner {
        Owner::Process { name, pm_id: Some(pm_id), .. } => format!("{name}[{pm_id}]"),
        Owner::Process { name, pm_id: None, .. } => name.to_string(),
        Owner::Pm2(_) => "PM2".to_owned(),
    }
}

impl LogView {
    /// Which lines are shown.
    #[must_use]
    pub fn query(&self) -> &Query {
        self.view.query()
    }

    /// Whose lines are not shown though they are in the scope.
    pub fn muted(&self) -> impl Iterator<Item = &Owner> {
        self.query().muted.iter()
    }

    /// Whether lines that were there before are not shown.
    #[must_use]
    pub fn is_cleared(&self) -> bool {
        self.query().behind.is_some()
    }

    /// Shows a stream, or not. Messages go with what happened.
    fn toggle(&mut self, stream: Stream) {
        let is_on = !self.query().streams.has(stream);
        let mut query = self.query().clone();
        query.streams = query.streams.with(stream, is_on);
        if stream == Stream::Events {
            query.streams = query.streams.with(Stream::Messages, is_on);
        }
        self.ask(query);
    }

    fn set_least(&mut self, least: Option<Level>) {
        let query = Query { least, ..self.query().clone() };
        self.ask(query);
    }

    fn step_least(&mut self, is_up: bool) {
        let at = LEAST.iter().position(|level| *level == self.query().least).unwrap_or(0);
        let to = if is_up { at + 1 } else { at.saturating_sub(1) };
        if let Some(least) = LEAST.get(to) {
            self.set_least(*least);
        }
    }

    pub(super) fn set_muted(&mut self, owner: Owner, is_muted: bool) {
        let mut query = self.query().clone();
        if is_muted {
            query.muted.insert(owner);
        } else {
            query.muted.remove(&owner);
        }
        self.ask(query);
    }

    /// Shows only what comes from now on, or all again.
    pub(super) fn set_cleared(&mut self, is_cleared: bool) {
        let behind = if is_cleared { self.store.last() } else { None };
        let query = Query { behind, ..self.query().clone() };
        self.ask(query);
    }
}
