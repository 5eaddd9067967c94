//! The question before something is done to several processes, or to a daemon: it names them all.
//!
//! Invariant: what the question names is what is acted on, whatever the table shows by then; what is
//! not there any more closes it.

use super::act;
use super::batch::Batch;
use super::command::Command;
use super::editor::Editor;
use super::effect::{Effect, Effects};
use super::geometry::wrap;
use super::job;
use super::marks::Marked;
use super::mode::Mode;
use super::notice::{About, Notice};
use super::sheet::Sheet;
use super::state::App;
use super::what::What;
use crate::model::watched::Watched;
use crate::model::{Action, DaemonId, Target};

/// What is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Several {
    /// What will be done.
    pub what: What,
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
        for sentence in self.what.sentences(watched, &self.marked) {
            say(Kind::Act, &sentence);
        }
        if let Some(manner) = self.what.manner(&self.marked) {
            say(Kind::Manner, &manner);
        }
        lines
    }

    /// Whether the word that is wanted is typed.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.word.is_none_or(|word| self.input.text().trim() == word)
    }
}

/// Asks whether all of these are meant; of one, asks as of any.
pub(super) fn ask_to_act(app: &mut App, action: Action, marked: Marked) -> Effects {
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
    ask(app, What::Act(action), marked)
}

/// Asks whether it is meant, where that is asked; else does it.
pub(super) fn ask(app: &mut App, what: What, marked: Marked) -> Effects {
    if app.read_only {
        app.notify(format!("{}: refused, this is --read-only", what.title(&marked)), true);
        return Effects::none();
    }
    if marked.targets.is_empty() && !matches!(what, What::Whole(..) | What::Restore { .. }) {
        app.say(Notice::no_selection(app.now.steady_ms));
        return Effects::none();
    }
    if !what.asks(&marked) {
        return begin(app, &what, marked);
    }
    let word = what.word(&app.watched, &marked);
    let several = Several { what, marked, word, input: Editor::default(), top: 0 };
    app.open(Mode::Sheet(Box::new(Sheet::Several(several))));
    Effects::none()
}

/// Has it done, or says why not.
pub(super) fn begin(app: &mut App, what: &What, marked: Marked) -> Effects {
    if let Some(notice) = refusal(app, what, &marked) {
        app.say(notice);
        return Effects::none();
    }
    app.marks.clear();
    app.notice = None;
    app.is_dirty = true;
    let &What::Act(action) = what else { return job::begin(app, what, marked.targets) };
    for (daemon, target) in &marked.targets {
        if let Some(process) = app.watched.fleet.get_mut(target.key(*daemon)) {
            process.queue(action, app.now);
        }
    }
    app.undo.asked(action, &marked.targets, app.now.steady_ms);
    let by_daemon = by_daemon(&marked.targets);
    app.batch = Some(Batch::new(action, marked.targets));
    let effects = by_daemon.into_iter();
    Effects(effects.map(|(daemon, targets)| Effect::Act { daemon, action, targets }).collect())
}

/// The processes of each daemon, in their order.
pub(super) fn by_daemon(targets: &[(DaemonId, Target)]) -> Vec<(DaemonId, Vec<Target>)> {
    let mut by_daemon: Vec<(DaemonId, Vec<Target>)> = Vec::new();
    for (daemon, target) in targets {
        match by_daemon.iter_mut().find(|(id, _)| id == daemon) {
            Some((_, targets)) => targets.push(target.clone()),
            None => by_daemon.push((*daemon, vec![target.clone()])),
        }
    }
    by_daemon
}

/// Why nothing is done to any of them.
fn refusal(app: &App, what: &What, marked: &Marked) -> Option<Notice> {
    let say = |text: String| Notice::new(text, true, app.now.steady_ms);
    let title = what.title(marked);
    if app.read_only {
        return Some(say(format!("{title}: refused, this is --read-only")));
    }
    let is_action = matches!(what, What::Act(_));
    if is_action && app.batch.is_some() {
        let text = "others are being acted on: wait for their end, or Esc leaves the rest undone";
        return Some(say(text.to_owned()));
    }
    let down = |daemon: DaemonId| {
        let text = format!("cannot {title}: the daemon is not connected");
        (!app.watched.is_live(daemon)).then(|| say(text).about(About::Down(daemon)))
    };
    match what {
        What::Whole(_, daemon) => return down(*daemon),
        What::Restore { kept, .. } => return kept.iter().find_map(|(daemon, _)| down(*daemon)),
        _ => {}
    }
    for (daemon, target) in &marked.targets {
        if let Some(notice) = down(*daemon) {
            return Some(notice);
        }
        let key = target.key(*daemon);
        let name = app.placed(*daemon, &target.label());
        let process = app.watched.fleet.get(key).filter(|process| target.is(&process.info));
        let Some(process) = process else {
            return Some(say(format!("{name} is gone: nothing was done")));
        };
        if let Some(pending) = process.pending.filter(|_| is_action) {
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
