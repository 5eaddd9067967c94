//! What the details do with a command.

use super::{Sheet, Tab, content, copy, rows};
use crate::app::act;
use crate::app::bulk;
use crate::app::command::{Command, RowsCommand};
use crate::app::editor::{Breaks, Editor};
use crate::app::effect::{Effect, Effects};
use crate::app::guard;
use crate::app::help::Help;
use crate::app::inspection::{Asked, Prompt, Ready, Search};
use crate::app::inspection_ask::Ask;
use crate::app::keymap::Place;
use crate::app::marks::Marked;
use crate::app::menu::Menu;
use crate::app::mode::Mode;
use crate::app::notice::Notice;
use crate::app::own;
use crate::app::palette::Palette;
use crate::app::prompt::Compose;
use crate::app::row_keys;
use crate::app::settings::Confirm;
use crate::app::sheet;
use crate::app::state::App;
use crate::app::taken::scrolled;
use crate::app::what::What;
use crate::app::why;
use crate::model::Target;
use crate::model::trigger::Trigger;

/// A command while the details are open, and nothing covers them.
pub(in crate::app) fn take(app: &mut App, command: Command) -> Effects {
    let size = app.size;
    let Mode::Details(sheet) = &mut app.mode else { return Effects::none() };
    if sheet.prompt.is_some() {
        return answer(app, command);
    }
    let (daemon, target, key) = (sheet.daemon, sheet.target.clone(), sheet.key());
    match command {
        Command::Back if !sheet.step_back() => app.close(),
        Command::Details(ask @ (Ask::Copy | Ask::CopyAll)) => {
            return copy::copy(app, ask == Ask::CopyAll);
        }
        Command::Details(ask) => sheet.ask(ask),
        Command::Open if sheet.tab == Tab::Actions && app.read_only => {
            let why = "trigger: refused, this is --read-only";
            app.refuse_prompt(Notice::new(why, true, app.now.steady_ms));
        }
        Command::Open => {
            sheet.open();
            // Its actions were not read yet.
            app.is_unopened |= sheet.tab == Tab::Actions && sheet.prompt.is_none();
        }
        command if command.is_movement() => sheet.go(command, size),
        Command::Act(action) => return act::on(app, action, daemon, target),
        Command::Own(place) => return own::begin(app, place, Some((daemon, target))),
        Command::Refused(_) => own::refuse(app, command),
        Command::Compose if app.read_only => {
            let why = "message: refused, this is --read-only";
            app.refuse_prompt(Notice::new(why, true, app.now.steady_ms));
        }
        Command::Compose => {
            let compose = Compose::new(&app.watched, daemon, target);
            app.open(Mode::Compose(compose));
        }
        Command::Rows(RowsCommand::Actions) => {
            let marked = Marked { targets: vec![(daemon, target)], hidden: 0, part: None };
            let menu = Menu::new(&app.watched, app.read_only, marked, daemon);
            app.open(Mode::Sheet(Box::new(sheet::Sheet::Menu(menu))));
        }
        Command::Why => {
            let life = why::number(&app.watched, key, None, 0);
            app.open(Mode::Why { key, life, top: 0 });
        }
        Command::Help => {
            let help = Help::of(Place::Details).with(&app.settings.mistakes);
            app.open(Mode::Help(Box::new(help)));
        }
        Command::Palette => app.open(Mode::Palette(Palette::new(row_keys::menu(app)))),
        _ => {}
    }
    Effects::none()
}

/// A command while something is asked for.
fn answer(app: &mut App, command: Command) -> Effects {
    let Mode::Details(sheet) = &mut app.mode else { return Effects::none() };
    match (command, sheet.prompt.take()) {
        (Command::Open, Some(Prompt::Search(input))) => {
            let text = input.text();
            sheet.search = (!text.is_empty()).then(|| Search::new(sheet.tab, text));
            if sheet.search.is_none() {
                sheet.go_back();
            }
            sheet.go_to_hit(sheet.chosen_line(), false, true);
        }
        (Command::Back, Some(Prompt::Search(_))) if sheet.search_here().is_none() => {
            sheet.go_back();
        }
        (Command::Open, Some(Prompt::Trigger(ready))) => return trigger(app, ready),
        (Command::Open, Some(Prompt::Copy(name))) => return copy::value(app, &name),
        (Command::Details(Ask::Next), Some(Prompt::Trigger(mut ready))) => {
            let count = sheet.instances(&app.watched).len();
            ready.is_to_all = !ready.is_to_all && count > 1;
            sheet.prompt = Some(Prompt::Trigger(ready));
        }
        (Command::Back, _) => {}
        (_, prompt) => sheet.prompt = prompt,
    }
    Effects::none()
}

/// Triggers an action, or asks on where its parameters are no JSON.
fn trigger(app: &mut App, ready: Ready) -> Effects {
    let Mode::Details(sheet) = &mut app.mode else { return Effects::none() };
    let Ok(params) = ready.params() else {
        // The prompt says why.
        sheet.prompt = Some(Prompt::Trigger(ready));
        return Effects::none();
    };
    let daemon = sheet.daemon;
    if !app.watched.is_live(daemon) {
        app.notify("not triggered: the daemon is not connected", true);
        return Effects::none();
    }
    let targets =
        if ready.is_to_all { sheet.instances(&app.watched) } else { vec![sheet.target.clone()] };
    let asked = |target: &Target| Asked {
        action: ready.action.clone(),
        target: target.clone(),
        reply: None,
    };
    if guard::level(app, &[daemon]) == Confirm::Always {
        let params = params.map(|params| params.to_string().into());
        let what = What::Trigger { action: ready.action, params };
        let targets = targets.into_iter().map(|target| (daemon, target)).collect();
        return bulk::ask(app, what, Marked { targets, hidden: 0, part: None });
    }
    let Mode::Details(sheet) = &mut app.mode else { return Effects::none() };
    sheet.asked = targets.iter().map(asked).collect();
    let trigger = Trigger { action: ready.action.clone(), params, targets };
    Effects::one(Effect::Trigger { daemon, trigger })
}

impl Sheet {
    /// One step back within the details; false where there is none.
    fn step_back(&mut self) -> bool {
        if self.tab == Tab::Metrics && self.charted.take().is_some() {
            return true;
        }
        let is_dropped = self.search_here().is_some();
        if is_dropped {
            self.search = None;
            self.go_back();
        }
        is_dropped
    }

    /// Back to where the search was asked for.
    fn go_back(&mut self) {
        self.tab = self.came_from.take().unwrap_or(self.tab);
    }

    fn ask(&mut self, ask: Ask) {
        if matches!(ask, Ask::Next | Ask::Previous | Ask::Tab(_)) {
            self.came_from = None;
        }
        match ask {
            Ask::Next => self.tab = self.tab.moved(1),
            Ask::Previous => self.tab = self.tab.moved(Tab::ALL.len() - 1),
            Ask::Tab(number) => {
                let at = usize::from(number).checked_sub(1);
                self.tab = at.and_then(|at| Tab::ALL.get(at)).copied().unwrap_or(self.tab);
            }
            Ask::Longer => self.span = self.span.longer(),
            Ask::Shorter => self.span = self.span.shorter(),
            Ask::Search => {
                if !matches!(self.tab, Tab::Environment | Tab::Raw) {
                    self.came_from = Some(self.tab);
                    self.tab = Tab::Raw;
                }
                self.prompt = Some(Prompt::Search(Editor::default()));
            }
            // The app copies.
            Ask::Copy | Ask::CopyAll => {}
            Ask::NextHit => self.go_to_hit(self.hit_at(), false, false),
            Ask::PreviousHit => self.go_to_hit(self.hit_at(), true, false),
        }
    }

    /// The line of the hit, or the one chosen.
    fn hit_at(&self) -> usize {
        let at = self.search_here().and_then(|search| search.at);
        at.unwrap_or_else(|| self.chosen_line())
    }

    /// What is chosen, as hits are counted: of the raw JSON its line, folded ones among them.
    fn chosen_line(&self) -> usize {
        match self.tab {
            Tab::Raw => self.raw_line().unwrap_or(0),
            _ => self.place(),
        }
    }

    /// Enter: of a metric its chart, of an action its parameters, of a variable its value; in the raw
    /// JSON it folds.
    fn open(&mut self) {
        if self.tab == Tab::Raw {
            return self.fold();
        }
        let Some(examined) = &self.examined else { return };
        let details = &examined.details;
        match self.tab {
            Tab::Metrics if self.charted.take().is_none() => {
                let metric = details.metrics.get(self.place());
                self.charted = metric.filter(|it| it.number.is_some()).map(|it| it.name.clone());
            }
            Tab::Actions => {
                let Some(action) = details.actions.get(self.place()) else { return };
                self.prompt = Some(Prompt::Trigger(Ready {
                    action: action.name.clone(),
                    takes_parameters: action.takes_parameters,
                    is_to_all: false,
                    input: Editor::with("", Breaks::JsonOrText),
                }));
            }
            Tab::Environment => {
                let Some(variable) = details.environment.get(self.place()) else { return };
                if !self.revealed.remove(&variable.name) {
                    self.revealed.insert(variable.name.clone());
                }
            }
            _ => {}
        }
    }

    /// Moves in the tab in front.
    fn go(&mut self, command: Command, size: (u16, u16)) {
        let content = content(size);
        let page = usize::from(content.rows.max(1));
        let count = self.count(content.columns);
        let last =
            if self.tab.chooses() { count.saturating_sub(1) } else { count.saturating_sub(page) };
        let to = scrolled(self.place().min(last), last, page, command);
        self.set_place(to);
    }

    /// How many rows the tab in front has in so many columns.
    #[must_use]
    pub fn count(&self, columns: u16) -> usize {
        let Some(examined) = &self.examined else { return 0 };
        let details = &examined.details;
        match self.tab {
            Tab::Overview => {
                let columns = rows::overview(self, columns);
                columns.iter().map(|column| column.rows.len()).max().unwrap_or(0)
            }
            Tab::Charts => 0,
            Tab::Metrics => details.metrics.len(),
            Tab::Actions => details.actions.len(),
            Tab::Environment => details.environment.len(),
            Tab::Raw => examined.folds.shown(&examined.raw).len(),
        }
    }
}
