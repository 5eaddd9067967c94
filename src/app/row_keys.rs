//! What the keys about rows of the table do: marks, columns, the menu of actions, undo.
//!
//! Invariant: nothing is done here to a process that was not named before, but what is selected.

use super::ask::{Ask, Wanted};
use super::command::RowsCommand;
use super::effect::Effects;
use super::geometry::Pane;
use super::marks::{self, Marked};
use super::menu::{self, Item, Menu};
use super::mode::Mode;
use super::overlay::Taken;
use super::picker::Picker;
use super::prompt::Compose;
use super::sheet::Sheet;
use super::state::App;
use super::what::What;
use super::{act, several, undo};

/// What became of a command in a sheet.
pub(super) fn take_from_sheet(app: &mut App, taken: Taken) -> Effects {
    match taken {
        Taken::Columns(columns) => {
            app.table.choose(columns);
            Effects::none()
        }
        Taken::Several(what, marked) => {
            app.close_all();
            several::begin(app, &what, marked)
        }
        Taken::Item(item, marked) => {
            app.close_all();
            take_item(app, item, marked)
        }
        Taken::Ask(marked, what) => {
            app.close_all();
            several::ask(app, what, marked)
        }
        _ => Effects::none(),
    }
}

/// A command about rows.
pub(super) fn take(app: &mut App, command: RowsCommand) -> Effects {
    app.focus = Pane::Processes;
    match command {
        RowsCommand::Mark => marks::toggle(app),
        RowsCommand::MarkAll => marks::toggle_all(app),
        RowsCommand::Columns => {
            let picker = Picker::new(&app.table);
            app.open(Mode::Sheet(Box::new(Sheet::Columns(picker))));
        }
        RowsCommand::Undo => return undo::ask(app),
        RowsCommand::Actions => {
            let marked = act::whom(app);
            if let Some(daemon) = menu::daemon(app, &marked) {
                let menu = Menu::new(app, marked, daemon);
                app.open(Mode::Sheet(Box::new(Sheet::Menu(menu))));
            }
        }
    }
    Effects::none()
}

/// What was chosen in the menu.
fn take_item(app: &mut App, item: Item, marked: Marked) -> Effects {
    let wanted = match item {
        Item::Do(What::Act(action)) => return several::ask_to_act(app, action, marked),
        Item::Do(what) => return several::ask(app, what, marked),
        Item::Message => {
            if let Some((daemon, target)) = marked.targets.into_iter().next() {
                let compose = Compose::new(&app.watched, daemon, target);
                app.open(Mode::Compose(compose));
            }
            return Effects::none();
        }
        Item::Scale => Wanted::Scale,
        Item::Signal => Wanted::Signal,
        Item::Line => Wanted::Line,
        Item::Trigger => Wanted::Trigger,
    };
    app.open(Mode::Sheet(Box::new(Sheet::Ask(Ask::new(wanted, marked)))));
    Effects::none()
}
