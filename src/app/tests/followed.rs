//! Where the cursor is when PM2 gives the ids anew: by kill -9 and resurrect, say.

use super::meant::poll;
use super::*;

/// A process of another life of the daemon.
fn anew(id: u32, name: &str) -> ProcessInfo {
    let unique_id = Some(format!("anew-{name}").into());
    ProcessInfo { unique_id, ..info(id, name, ProcessStatus::Online) }
}

/// Three processes, of which p1 is selected.
fn at_p1() -> App {
    let mut app = app(3);
    press(&mut app, Command::Down);
    app
}

fn on(app: &App) -> String {
    app.selected.map(|key| app.display_name(key)).unwrap_or_default()
}

#[test]
fn the_cursor_follows_a_name_that_has_another_id_and_the_first_key_only_says_so() {
    let all = || vec![anew(0, "p1"), anew(1, "p2"), anew(2, "p0")];
    let ways: [Vec<Vec<ProcessInfo>>; 3] = [
        vec![all()],
        vec![Vec::new(), all()],
        // One after another, the wanted one last.
        vec![Vec::new(), vec![anew(1, "p2")], vec![anew(1, "p2"), anew(2, "p0")], all()],
    ];
    for ways in ways {
        let mut app = at_p1();
        for processes in ways {
            send(&mut app, poll(processes, 1_000));
        }
        assert_eq!(on(&app), "p1[0]");
        assert_eq!(press(&mut app, Command::Act(Action::Restart)), []);
        let notice = app.notice.clone().unwrap().text;
        assert!(notice.contains("p1[1] is gone, and the cursor is on p1[0] now"), "{notice}");
        let effects = press(&mut app, Command::Act(Action::Restart));
        let [Effect::Act { targets, .. }] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(targets[0].label(), "p1[0]");
    }
}

#[test]
fn what_was_told_of_another_line_acts_on_none_that_the_cursor_followed_to() {
    let mut app = at_p1();
    send(&mut app, poll(vec![anew(1, "p2")], 1_000));
    assert_eq!(press(&mut app, Command::Act(Action::Stop)), []);
    assert_eq!(on(&app), "p2[1]");
    send(&mut app, poll(vec![anew(1, "p2"), anew(2, "p1")], 1_100));
    assert_eq!(on(&app), "p1[2]");
    assert_eq!(press(&mut app, Command::Act(Action::Stop)), [], "it says where it is first");
    assert_eq!(press(&mut app, Command::Act(Action::Stop)).len(), 1);
}

#[test]
fn the_cursor_stays_where_the_user_put_it_and_goes_to_no_sister() {
    let mut app = at_p1();
    send(&mut app, poll(vec![anew(1, "p2")], 1_000));
    press(&mut app, Command::First);
    send(&mut app, poll(vec![anew(1, "p2"), anew(2, "p1")], 1_100));
    assert_eq!(on(&app), "p2[1]", "it was chosen since");

    let all = [(0, "api"), (1, "api"), (2, "web")];
    let infos = |ids: &[u32]| {
        let named = all.iter().filter(|(id, _)| ids.contains(id));
        named.map(|(id, name)| info(*id, name, ProcessStatus::Online)).collect::<Vec<_>>()
    };
    let mut app = super::app(0);
    send(&mut app, poll(infos(&[0, 1, 2]), 900));
    press(&mut app, Command::Down);
    let gone = Message::Report(D, poll(infos(&[0, 2]), 5_000));
    let _ = update(&mut app, Moment::at(5_000), gone);
    assert_eq!(on(&app), "web[2]", "the nearest line");
}
