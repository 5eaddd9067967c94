//! Acting on several processes: the question before it, which names them all.
//!
//! Invariant: what the question names is what is acted on, whatever the table shows by then; what is
//! not there any more closes it.

use super::act;
use super::batch::Batch;
use super::command::Command;
use super::editor::Editor;
use super::effect::{Effect, Effects};
use super::geometry::wrap;
use super::marks::Marked;
use super::mode::Mode;
use super::notice::{About, Notice};
use super::sheet::Sheet;
use super::state::App;
use crate::model::watched::Watched;
use crate::model::{Action, DaemonId, Target, outlook};

/// An action on several processes that is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Several {
    /// What will be done.
    pub action: Action,
    /// To which processes, as they were when they were chosen.
    pub marked: Marked,
    /// The word that has to be typed, where `y` is not enough.
    pub word: Option<&'static str>,
    /// What is typed of it.
    pub input: Editor,
    /// First line shown.
    pub top: usize,
}

/// What a line of the question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Which of the processes are not shown.
    Hidden,
    /// What will be done to an app.
    Act,
    /// How.
    Manner,
}

impl Several {
    /// Its lines in so many columns: every process is named in those of [`Kind::Act`].
    #[must_use]
    pub fn lines(&self, watched: &Watched, columns: u16) -> Vec<(Kind, String)> {
        let place = |id| match watched.daemon(id) {
            Some(daemon) if watched.daemons.len() > 1 => format!(" on {}", daemon.label),
            _ => String::new(),
        };
        let mut lines = Vec::new();
        let mut say = |kind, text: &str| {
            lines.extend(wrap(text, columns).into_iter().map(|line| (kind, line)));
        };
        let Marked { targets, hidden } = &self.marked;
        if *hidden > 0 {
            let labels = targets.iter().take(*hidden).map(|(_, target)| target.label());
            let labels = labels.collect::<Vec<_>>().join(", ");
            let are = if *hidden == 1 { "is" } else { "are" };
            let all = targets.len();
            say(Kind::Hidden, &format!("{hidden} of the {all} {are} not shown now: {labels}"));
        }
        for sentence in outlook::sentences(&watched.fleet, self.action, targets, place) {
            say(Kind::Act, &sentence);
        }
        let pace = match self.action {
            Action::Delete => "Ten at a time",
            _ if targets.len() > 2 => "Two at a time",
            _ => "One after another",
        };
        say(Kind::Manner, &format!("{pace}; Esc then leaves undone what has not begun."));
        lines
    }

    /// Whether the word that is wanted is typed.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.word.is_none_or(|word| self.input.text().trim() == word)
    }
}

/// Asks whether all of these are meant; of one, asks as of any.
pub(super) fn ask(app: &mut App, action: Action, marked: Marked) -> Effects {
    if let [(daemon, target)] = &marked.targets[..] {
        let (daemon, target) = (*daemon, target.clone());
        let is_in_sight =
            app.selected == Some(target.key(daemon)) && app.has_row(target.key(daemon));
        if is_in_sight && action != Action::Delete {
            return act::these(app, action, daemon, vec![target]);
        }
        app.open(Mode::Confirm { action, daemon, target });
        return Effects::none();
    }
    let word = wants_word(app, action, &marked).then(|| action.verb());
    let several = Several { action, marked, word, input: Editor::default(), top: 0 };
    app.open(Mode::Sheet(Box::new(Sheet::Several(several))));
    Effects::none()
}

/// Whether a `y` is not enough: for what cannot be taken back, and for all that a daemon runs.
fn wants_word(app: &App, action: Action, marked: &Marked) -> bool {
    let has_all = |id: DaemonId| {
        let mut all = app.watched.fleet.iter().filter(|(key, _)| key.daemon == id).peekable();
        let is_meant = |key| marked.targets.iter().any(|(daemon, it)| it.key(*daemon) == key);
        all.peek().is_some() && all.all(|(key, _)| is_meant(key))
    };
    match action {
        Action::Delete => true,
        Action::Stop | Action::Restart | Action::Reload => {
            app.watched.daemons.iter().any(|daemon| has_all(daemon.id))
        }
        Action::Start => false,
    }
}

/// Has them acted on, or says why not.
pub(super) fn begin(app: &mut App, action: Action, marked: Marked) -> Effects {
    if let Some(notice) = refusal(app, action, &marked) {
        app.say(notice);
        return Effects::none();
    }
    let mut by_daemon: Vec<(DaemonId, Vec<Target>)> = Vec::new();
    for (daemon, target) in &marked.targets {
        if let Some(process) = app.watched.fleet.get_mut(target.key(*daemon)) {
            process.queue(action, app.now);
        }
        match by_daemon.iter_mut().find(|(id, _)| id == daemon) {
            Some((_, targets)) => targets.push(target.clone()),
            None => by_daemon.push((*daemon, vec![target.clone()])),
        }
    }
    app.batch = Some(Batch::new(action, marked.targets));
    app.marks.clear();
    app.notice = None;
    app.is_dirty = true;
    let effects = by_daemon.into_iter();
    Effects(effects.map(|(daemon, targets)| Effect::Act { daemon, action, targets }).collect())
}

/// Why nothing is done to any of them.
fn refusal(app: &App, action: Action, marked: &Marked) -> Option<Notice> {
    let say = |text: String| Notice::new(text, true, app.now.steady_ms);
    let verb = action.verb();
    if app.read_only {
        return Some(say(format!("{verb}: refused, this is --read-only")));
    }
    if app.batch.is_some() {
        let text = "others are being acted on: wait for their end, or Esc leaves the rest undone";
        return Some(say(text.to_owned()));
    }
    for (daemon, target) in &marked.targets {
        let key = target.key(*daemon);
        let name = app.placed(*daemon, &target.label());
        if !app.watched.is_live(*daemon) {
            let text = format!("cannot {verb} {name}: its daemon is not connected");
            return Some(say(text).about(About::Down(*daemon)));
        }
        let process = app.watched.fleet.get(key).filter(|process| target.is(&process.info));
        let Some(process) = process else {
            return Some(say(format!("{name} is gone: nothing was done")));
        };
        if let Some(pending) = process.pending {
            let text = format!("{name} is already {}: wait for its answer", pending.progressive());
            return Some(say(text).about(About::Pending(key)));
        }
    }
    None
}

/// Takes a movement in a list of so many lines, of which so many are shown.
pub(super) fn scroll(top: &mut usize, lines: usize, rows: usize, command: Command) {
    let last = lines.saturating_sub(rows);
    *top = super::overlay::scrolled(*top, last, rows, command);
}
