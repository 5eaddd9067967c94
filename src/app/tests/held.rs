//! Keys as they come from the terminal, by the gate into the app: held ones, and ones pressed again.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::app::gate::{Admitted, Gate};

/// What the keys that came at these milliseconds act on, each by the place of its arrival.
fn acted(app: &mut App, arrivals: &[(char, u64)]) -> Vec<(usize, PmId)> {
    let mut gate = Gate::default();
    let mut acted = Vec::new();
    for (place, (key, at_ms)) in arrivals.iter().enumerate() {
        let key = KeyEvent::new(KeyCode::Char(*key), KeyModifiers::NONE);
        let at = (&app.mode, app.focus);
        let keymap = app.keys.clone();
        let admitted = gate.admit(&keymap, at, &[key], Duration::from_millis(*at_ms));
        let Admitted::Messages(messages) = admitted else { panic!("{admitted:?}") };
        for message in messages {
            for effect in update(app, Moment::at(2_000), message).0 {
                if let Effect::Act { targets, .. } = effect {
                    acted.push((place, targets[0].pm_id));
                }
            }
        }
    }
    acted
}

/// Four processes, of which the selected one just went.
fn without_the_chosen() -> App {
    let mut app = app(4);
    press(&mut app, Command::Down);
    send(&mut app, snapshot([0, 2, 3]));
    app
}

#[test]
fn a_held_key_never_acts_on_who_came_under_the_cursor() {
    let held = |key: char, delay: u64| {
        let repeats = (0..60).map(move |n| (key, delay + n * 33));
        std::iter::once((key, 0)).chain(repeats).collect::<Vec<_>>()
    };
    for delay in [250, 500, 660] {
        let mut app = without_the_chosen();
        assert_eq!(acted(&mut app, &held('r', delay)), [], "{delay} ms");
        let notice = app.notice.clone().unwrap().text;
        assert!(notice.ends_with("press it again to act"), "{notice}");
    }
    // It went while the key was held: the press was meant for it.
    let mut app = app(4);
    assert_eq!(acted(&mut app, &held('r', 500)), [(0, PmId(0))]);
}

#[test]
fn a_key_that_is_pressed_again_acts_also_where_one_is_quick() {
    // At once it may repeat itself; the second time it was pressed for certain.
    let quick = [('r', 0), ('r', 600), ('r', 1_200)];
    let mut app = without_the_chosen();
    let now = app.selected.unwrap().pm_id;
    assert_eq!(acted(&mut app, &quick), [(2, now)]);
    let mut app = without_the_chosen();
    assert_eq!(acted(&mut app, &[('r', 0), ('r', 700)]), [(1, now)]);
    // Another key was told of nothing: it acts for itself alone.
    let mut app = without_the_chosen();
    assert_eq!(acted(&mut app, &[('r', 0), ('s', 900), ('r', 1_800)]), []);
    assert_eq!(acted(&mut app, &[('r', 0)]), [(0, now)], "pressed again, and nothing between");
}
