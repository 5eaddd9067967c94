//! What the title of the table says of its rows: the filter, while it is typed and kept, and the
//! order.
//!
//! Invariant: what is wrong with a filter is marked where it is wrong, and said.

use super::glyphs::Glyphs;
use super::parts::Part;
use super::prompt;
use super::roles::Role;
use super::text;
use crate::app::table::Typing;
use crate::app::{App, Mode};
use crate::model::rows::{Filter, Sort};

/// The most columns of a filter in the title.
const FILTER_COLUMNS: u16 = 40;

/// The parts of the title.
pub(super) fn parts(app: &App, glyphs: &Glyphs) -> Vec<Part> {
    let query = app.table.query();
    let mut parts = Vec::new();
    if !app.marks.is_empty() {
        let hidden = match app.hidden_marks() {
            0 => String::new(),
            hidden => format!(", {hidden} not shown"),
        };
        let text = format!("{} {} marked{hidden}", glyphs.marked, app.marks.len());
        parts.push(Part::new(text, Role::Accent, 1));
    }
    if app.table.is_tree() {
        parts.push(Part::new("tree", Role::Accent, 4));
    }
    if query.only_unwell {
        parts.push(Part::new("! not well", Role::Warn, 2));
    }
    match (&app.mode, &query.filter) {
        (Mode::Filter(typing), _) => parts.extend(typed(app, typing, glyphs)),
        (_, Some(filter)) => parts.push(kept(filter, glyphs.ellipsis)),
        (_, None) => {}
    }
    if query.sort != Sort::default() {
        let sign = if query.sort.is_descending { glyphs.descending } else { glyphs.ascending };
        let by = format!("by {} {sign}", query.sort.field.word());
        parts.push(Part::new(by, Role::Quiet, 3));
    }
    parts
}

/// The filter in force; of a long one its start.
fn kept(filter: &Filter, ellipsis: &str) -> Part {
    let shown = text::shortened(filter.text(), FILTER_COLUMNS, ellipsis);
    Part::new(format!("/ {shown}"), Role::Accent, 0)
}

/// The filter being typed, with the cursor and what is wrong.
fn typed(app: &App, typing: &Typing, glyphs: &Glyphs) -> Vec<Part> {
    let wrong_at = typing.wrong.as_ref().map_or(usize::MAX, |wrong| wrong.at);
    if typing.input.is_selected() {
        let shown = text::cut_to(typing.input.before(), FILTER_COLUMNS);
        return vec![Part::new("/ ", Role::Accent, 0).and(shown, Role::Match)];
    }
    let room = (FILTER_COLUMNS, glyphs.ellipsis);
    let line = prompt::in_title("/", &typing.input, room, wrong_at);
    let mut parts = vec![line];
    let wrong = typing.wrong.as_ref().map(|wrong| (wrong.to_string(), Role::Bad));
    let hint = || Some((app.table.query().hint(&app.watched.fleet)?, Role::Warn));
    let said = wrong.or_else(hint);
    parts.extend(said.map(|(text, role)| Part::new(text, role, 0)));
    parts
}
