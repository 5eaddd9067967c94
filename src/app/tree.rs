//! The table as a tree: where the cursor is, what is folded, which processes a group means.
//!
//! Invariant: where the cursor is on a group, the selected process is its first one, and what acts
//! asks about all of it; where it is on a process, that is in sight.

use std::ops::Range;
use std::rc::Rc;

use super::marks::{Marked, PartOf, choose_one};
use super::state::App;
use crate::model::ProcessKey;
use crate::model::rows::tree::{Group, Line};

impl App {
    /// The lines of the table as a tree; `None` while it is none.
    #[must_use]
    pub fn tree_lines(&self) -> Option<Rc<[Line]>> {
        Some(self.table.tree.as_ref()?.lines(&self.watched.fleet, &self.rows()))
    }

    /// How many lines the table has.
    #[must_use]
    pub fn table_lines(&self) -> usize {
        self.tree_lines().map_or_else(|| self.rows().len(), |lines| lines.len())
    }

    /// The group that the cursor is on.
    #[must_use]
    pub fn cursor_group(&self) -> Option<&Group> {
        let (group, first) = self.table.tree.as_ref()?.cursor.as_ref()?;
        Some(group).filter(|_| self.selected == Some(*first))
    }

    /// The processes of the group that the cursor is on, as what is to be acted on.
    #[must_use]
    pub fn group_members(&self) -> Option<Marked> {
        let group = self.cursor_group()?;
        let lines = self.tree_lines()?;
        let members = lines.iter().find_map(|line| match line {
            Line::Group { group: other, members, .. } if other == group => Some(members),
            _ => None,
        })?;
        let targets = members.iter().filter_map(|key| Some((key.daemon, self.target(*key)?)));
        let targets: Vec<_> = targets.collect();
        let all = self.watched.fleet.iter().filter(|(key, it)| group.holds(*key, it)).count();
        let part = PartOf { group: group.words().into(), all };
        let part = Some(part).filter(|part| part.all > targets.len());
        Some(Marked { targets, hidden: 0, part })
    }

    /// The line that the cursor is on.
    #[must_use]
    pub fn cursor_line(&self) -> Option<usize> {
        let selected = self.selected?;
        let Some(lines) = self.tree_lines() else {
            return self.rows().iter().position(|key| *key == selected);
        };
        let on_group = self.cursor_group();
        lines.iter().position(|line| match (line, on_group) {
            (Line::Group { group, .. }, Some(on)) => group == on,
            (Line::Process { key, .. }, None) => *key == selected,
            _ => false,
        })
    }
}

/// Shows the table as a tree, or as rows again.
pub(super) fn toggle(app: &mut App) {
    app.table.tree = match app.table.tree {
        Some(_) => None,
        None => Some(super::rows::Tree::default()),
    };
}

/// Puts the cursor on a line.
pub(super) fn go_to(app: &mut App, lines: &[Line], place: usize) {
    match lines.get(place) {
        Some(Line::Process { key, .. }) => app.selected = Some(*key),
        Some(Line::Group { group, members, .. }) => {
            let Some(first) = members.first() else { return };
            app.selected = Some(*first);
            if let Some(tree) = &mut app.table.tree {
                tree.cursor = Some((group.clone(), *first));
                return;
            }
        }
        None => return,
    }
    if let Some(tree) = &mut app.table.tree {
        tree.cursor = None;
    }
}

/// Whether the cursor is on a group, which is no process that could be meant alone; says so.
pub(super) fn is_many(app: &mut App) -> bool {
    let Some(group) = app.cursor_group().map(Group::words) else { return false };
    app.notify(choose_one(&group), true);
    true
}

/// Keeps the cursor on a group, of which this is a process.
pub(super) fn stay_on(app: &mut App, group: Group, process: ProcessKey) {
    app.selected = Some(process);
    if let Some(tree) = &mut app.table.tree {
        tree.cursor = Some((group, process));
    }
}

/// Takes the cursor off its group, to the process that is selected.
pub(super) fn leave_group(app: &mut App) {
    if let Some(tree) = &mut app.table.tree {
        tree.cursor = None;
    }
}

/// The selection may have changed: a cursor on another group leaves it, and what is selected is
/// unfolded.
pub(super) fn settle(app: &mut App) {
    let Some(selected) = app.selected else { return };
    let on = app.cursor_group().cloned();
    let holds =
        |line: &Line| matches!(line, Line::Group { members, .. } if members.contains(&selected));
    let Some(lines) = app.tree_lines() else { return };
    let is_there = on.as_ref().is_some_and(|on| {
        lines.iter().any(|line| matches!(line, Line::Group { group, .. } if group == on))
    });
    if is_there {
        return;
    }
    let hiding: Vec<Group> = lines
        .iter()
        .filter(|line| holds(line))
        .filter_map(|line| match line {
            Line::Group { group, is_folded: true, .. } => Some(group.clone()),
            _ => None,
        })
        .collect();
    let Some(tree) = &mut app.table.tree else { return };
    tree.cursor = None;
    if hiding.is_empty() {
        return;
    }
    for group in hiding {
        tree.folded.remove(&group);
    }
    // An app that is folded in a namespace that was.
    settle(app);
}

/// Folds the group of the cursor, or unfolds it; false where it is on none.
pub(super) fn fold(app: &mut App, wanted: Option<bool>) -> bool {
    let Some(group) = app.cursor_group().cloned() else { return false };
    let Some(tree) = &mut app.table.tree else { return false };
    let is_folded = tree.folded.contains(&group);
    if wanted.unwrap_or(!is_folded) {
        tree.folded.insert(group)
    } else {
        tree.folded.remove(&group)
    }
}

/// Left: folds the group; from a folded one, or from a process, to the group above.
pub(super) fn left(app: &mut App) {
    if fold(app, Some(true)) {
        return;
    }
    let (Some(lines), Some(place)) = (app.tree_lines(), app.cursor_line()) else { return };
    let depth = |line: &Line| match line {
        Line::Group { group, .. } => u16::from(group.app.is_some()),
        Line::Process { depth, .. } => *depth,
    };
    let Some(own) = lines.get(place).map(depth) else { return };
    let above = lines.iter().take(place).rposition(|line| depth(line) < own);
    if let Some(above) = above {
        go_to(app, &lines, above);
    }
}

/// Right: unfolds the group; where it is unfolded, to what is in it.
pub(super) fn right(app: &mut App) {
    if fold(app, Some(false)) {
        return;
    }
    let (Some(lines), Some(place)) = (app.tree_lines(), app.cursor_line()) else { return };
    if app.cursor_group().is_some() {
        go_to(app, &lines, place + 1);
    }
}

/// The processes whose lines are from here to there; with those of the groups there, if asked.
pub(super) fn in_sight(lines: &[Line], shown: Range<usize>, with_groups: bool) -> Vec<ProcessKey> {
    let mut keys = Vec::new();
    for line in lines.iter().skip(shown.start).take(shown.len()) {
        match line {
            Line::Process { key, .. } => keys.push(*key),
            Line::Group { members, .. } if with_groups => keys.extend(members),
            Line::Group { .. } => {}
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}
