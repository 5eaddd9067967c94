//! What keys mean, and whose they become.

use super::*;
use crate::model::Action;

#[test]
fn every_key_of_the_table_is_reachable_and_means_one_command() {
    for (row, pane) in
        log_commands::all().flat_map(|row| [(row, Pane::Processes), (row, Pane::Log)])
    {
        for name in row.keys.split(' ').filter(|_| row.is_in(pane)) {
            let owners = log_commands::all()
                .filter(|other| other.is_in(pane) && other.keys.split(' ').any(|key| key == name))
                .count();
            assert_eq!(owners, 1, "{name} has {owners} commands");
        }
    }
}

fn bound(place: Place, command: &str, keys: &[&str], line: usize) -> Binding {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    Binding { place, command: command.to_owned(), keys, line }
}

/// What a key means in a pane, or in the details.
fn means(keymap: &Keymap, pane: Pane, key: &str) -> Option<Command> {
    keymap.named(pane, Key::parse(key).unwrap())
}

fn said(wrong: &[Wrong]) -> Vec<String> {
    wrong.iter().map(|wrong| format!("{}: {}", wrong.line, wrong.text)).collect()
}

const TABLE: Pane = Pane::Processes;

#[test]
fn every_key_of_the_tables_can_be_written_and_names_are_told_apart() {
    let keymap = Keymap::default();
    let mut names = std::collections::HashSet::new();
    for row in keymap
        .rows()
        .map(|row| (Place::of(row.pane), row))
        .chain(keymap.details().map(|row| (Place::Details, row)))
    {
        let (place, row) = row;
        assert_eq!(row.written().count(), row.keys.split(' ').count(), "{}", row.keys);
        assert!(names.insert((place.table(), name(&row.label))), "{place:?} {}", row.label);
        for key in row.written() {
            assert!(Key::parse(&key).is_ok(), "{key}");
        }
    }
    // What a pane has under a name of its own, no other has for both.
    for row in keymap.rows().filter(|row| row.pane.is_some()) {
        let twice = keymap.rows().any(|other| other.pane.is_none() && other.label == row.label);
        assert!(!twice || row.command == Command::PageDown, "{}", row.label);
    }
}

#[test]
fn keys_are_rebound_in_their_panes() {
    let (keymap, wrong) = Keymap::configured(
        &[
            bound(Place::Everywhere, "restart", &["ctrl-t", "F5"], 1),
            bound(Place::Table, "filter", &["f"], 2),
            bound(Place::Log, "filter", &["F"], 3),
            bound(Place::Log, "zoom", &["Z"], 4),
            bound(Place::Details, "search", &["s"], 5),
            bound(Place::Table, "tree", &[], 6),
        ],
        &[],
    );
    assert_eq!(said(&wrong), Vec::<String>::new());
    let restart = Some(Command::Act(Action::Restart));
    assert_eq!(means(&keymap, TABLE, "ctrl-t"), restart);
    assert_eq!(means(&keymap, TABLE, "f5"), restart);
    assert_eq!(means(&keymap, TABLE, "r"), None);
    assert_eq!(means(&keymap, TABLE, "f"), Some(Command::Filter));
    assert_eq!(means(&keymap, TABLE, "/"), None);
    assert_eq!(means(&keymap, TABLE, "t"), None, "taken away");
    assert_ne!(means(&keymap, Pane::Log, "f"), Some(Command::Filter));
    let zoom = Some(Command::Log(super::super::command::LogCommand::Zoom));
    assert_eq!(means(&keymap, Pane::Log, "Z"), zoom);
    assert_eq!(means(&keymap, Pane::Log, "z"), None);
    assert_eq!(means(&keymap, TABLE, "z"), zoom);
    assert_eq!(keymap.in_details(Key::parse("s").unwrap()), Some(Command::Details(Ask::Search)));
    assert_eq!(keymap.now(false, TABLE, "r"), Some("Ctrl-T".to_owned()));
    assert_eq!(keymap.now(false, TABLE, "t"), None);
    assert_eq!(keymap.now(false, TABLE, "j k"), Some("j k".to_owned()));
    assert_eq!(keymap.first(Command::Act(Action::Restart), TABLE), Some("Ctrl-T"));
}

#[test]
fn keys_can_be_swapped() {
    let (keymap, wrong) = Keymap::configured(
        &[
            bound(Place::Everywhere, "restart", &["s"], 1),
            bound(Place::Everywhere, "stop", &["r"], 2),
        ],
        &[],
    );
    assert_eq!(said(&wrong), Vec::<String>::new());
    assert_eq!(means(&keymap, TABLE, "s"), Some(Command::Act(Action::Restart)));
    assert_eq!(means(&keymap, TABLE, "r"), Some(Command::Act(Action::Stop)));
}

#[test]
fn a_clash_names_both_and_drops_the_later_one_only() {
    let (keymap, wrong) = Keymap::configured(
        &[
            bound(Place::Everywhere, "restart", &["d", "F5"], 3),
            bound(Place::Everywhere, "stop", &["F6"], 4),
            bound(Place::Table, "tree", &["F6"], 5),
        ],
        &[],
    );
    assert_eq!(
        said(&wrong),
        [
            "3: restart = d: d means delete already, and stays delete's",
            "5: tree = F6: F6 means stop already, and stays stop's",
        ]
    );
    assert_eq!(means(&keymap, TABLE, "d"), Some(Command::Act(Action::Delete)));
    assert_eq!(means(&keymap, TABLE, "F5"), Some(Command::Act(Action::Restart)));
    assert_eq!(means(&keymap, TABLE, "F6"), Some(Command::Act(Action::Stop)));
    let tree = Some(Command::Rows(super::super::command::RowsCommand::Tree));
    assert_eq!(means(&keymap, TABLE, "t"), tree, "what got none keeps its own");
}

#[test]
fn quit_help_and_back_cannot_be_lost() {
    let (keymap, wrong) = Keymap::configured(
        &[
            bound(Place::Everywhere, "quit", &[], 1),
            bound(Place::Everywhere, "help", &["esc"], 2),
            bound(Place::Everywhere, "restart", &["ctrl-c", "?", "esc"], 3),
            bound(Place::Everywhere, "back", &["b"], 4),
            bound(Place::Details, "search", &["?"], 5),
            bound(Place::Everywhere, "stop", &["enter", "up"], 6),
        ],
        &[],
    );
    assert_eq!(wrong.len(), 8, "{:#?}", said(&wrong));
    for pane in [TABLE, Pane::Log] {
        assert_eq!(means(&keymap, pane, "ctrl-c"), Some(Command::Quit));
        assert_eq!(means(&keymap, pane, "esc"), Some(Command::Back));
        assert_eq!(means(&keymap, pane, "?"), Some(Command::Help));
        assert_eq!(means(&keymap, pane, "r"), Some(Command::Act(Action::Restart)));
        assert_eq!(means(&keymap, pane, "s"), Some(Command::Act(Action::Stop)));
    }
    assert_eq!(keymap.in_details(Key::parse("?").unwrap()), None);
}

#[test]
fn what_is_wrong_names_the_near_one_or_its_table() {
    let (_, wrong) = Keymap::configured(
        &[
            bound(Place::Everywhere, "restrat", &["x"], 1),
            bound(Place::Everywhere, "tree", &["x"], 2),
            bound(Place::Table, "search", &["x"], 3),
            bound(Place::Everywhere, "reload", &["alt-r"], 4),
        ],
        &[],
    );
    assert_eq!(
        said(&wrong),
        [
            "1: [keys] has no `restrat`; did you mean `restart`?",
            "2: [keys] has no `tree`; it is in [keys.table]",
            "3: [keys.table] has no `search`; it is in [keys.log]",
            "4: reload: `alt-r` cannot be used: Alt and a letter is Esc and the letter to a terminal",
        ]
    );
}
