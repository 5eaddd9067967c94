//! Why a process ended: which exit is shown, and the way to its moment in the log.

use super::*;

/// An exit of the first process at that moment, and its next start.
fn exit_and_start(app: &mut App, at_ms: i64) {
    for (kind, status) in
        [(EventKind::Exit, ProcessStatus::Stopped), (EventKind::Online, ProcessStatus::Online)]
    {
        let info = ProcessInfo { exit_code: Some("7".into()), ..info(0, "p0", status) };
        let (manually, is_old_worker, signal) = (false, false, None);
        let event =
            ProcessEvent { kind, manually, at_ms: Some(at_ms), is_old_worker, signal, info };
        let message = Message::Report(D, Report::Process(Box::new(event)));
        let _ = update(app, Moment::at(at_ms), message);
    }
}

/// Enter in the list of exits, from the newest on, marks the lines of these.
fn enter_goes_to(app: &mut App, exits: &[&str]) {
    press(app, Command::Why);
    for wanted in exits {
        let before = app.mode.clone();
        press(app, Command::Open);
        let marked = super::log::marked_text(app);
        assert!(marked.contains(wanted), "{wanted}: {marked}");
        app.mode = before;
        press(app, Command::Older);
    }
}

/// In a loop: each step back is another exit, and none moves under the reader's eyes.
#[test]
fn the_exit_that_is_looked_at_stays_while_others_come() {
    let mut app = app(1);
    exit_and_start(&mut app, 10_000);
    exit_and_start(&mut app, 20_000);
    press(&mut app, Command::Why);
    let shown = |app: &App| {
        let Mode::Why { key, life, .. } = app.mode else { panic!("{:?}", app.mode) };
        let (death, number, count) = crate::app::why::death(&app.watched, key, life).unwrap();
        (death.ended_ms, number, count)
    };
    assert_eq!(shown(&app), (20_000, 1, 2));
    exit_and_start(&mut app, 30_000);
    assert_eq!(shown(&app), (20_000, 2, 3));
    press(&mut app, Command::Older);
    assert_eq!(shown(&app), (10_000, 3, 3));
    exit_and_start(&mut app, 40_000);
    press(&mut app, Command::Older);
    assert_eq!(shown(&app), (10_000, 4, 4));
    for wanted in [20_000, 30_000, 40_000, 40_000] {
        press(&mut app, Command::Newer);
        assert_eq!(shown(&app).0, wanted);
    }
    // What fell out is passed over.
    for at_ms in 5..40 {
        exit_and_start(&mut app, at_ms * 10_000);
    }
    press(&mut app, Command::Newer);
    assert_eq!(shown(&app), (210_000, 19, 20));
}

#[test]
fn enter_in_why_goes_to_that_moment_of_the_log() {
    use super::log::{marked_text, output};
    use crate::logs::Scope;
    let mut app = app(2);
    app.log_view = crate::app::log_view::LogView::new(crate::logs::Bounds::default());
    let at = |at_ms, pm_id: u32, text: &str| LogLine {
        said: None,
        at_ms,
        ..output(pm_id, &format!("p{pm_id}"), text)
    };
    send(&mut app, Report::Lines(vec![at(9_000, 0, "before"), at(10_000, 1, "of another")]));
    exit_and_start(&mut app, 10_000);
    send(&mut app, Report::Lines(vec![at(11_000, 0, "after"), at(12_000, 0, "later")]));
    press(&mut app, Command::Why);
    press(&mut app, Command::Open);
    assert_eq!((app.mode.clone(), app.focus), (Mode::Normal, Pane::Log));
    assert!(matches!(app.log_view.scope(), Scope::Process(_)), "{:?}", app.log_view.scope());
    assert!(marked_text(&app).contains("code 7"), "{}", marked_text(&app));
}

/// More exits are not all there were; a second look at the same ones is none more.
#[test]
fn more_exits_than_are_kept_are_the_last_ones() {
    use crate::model::death::after::{Left, reconstruct};
    let mut app = app(1);
    let shown = |app: &App| {
        let Mode::Why { key, life, .. } = app.mode else { panic!("{:?}", app.mode) };
        let (_, number, count) = crate::app::why::death(&app.watched, key, life).unwrap();
        let rows = crate::app::why::rows(app, key, life, (100, 10));
        let older = rows.iter().find(|(_, row)| row.contains("older ones")).unwrap();
        let of = crate::app::why::of_how_many(&app.watched, key, count);
        (format!("{number} of {of}"), older.1.clone(), app.watched.boxes.get(key).unwrap().older())
    };
    for at_ms in 101..=120 {
        exit_and_start(&mut app, at_ms * 1_000);
    }
    press(&mut app, Command::Why);
    assert_eq!(shown(&app), ("1 of 20".into(), "and 14 older ones".into(), 0));
    let end = |n| {
        format!(
            "1970-01-01T00:00:{n}: PM2 log: App [p0:0] exited with code [7] via signal [SIGINT]\n"
        )
    };
    let console: String = (10..35).map(end).collect();
    let info = info(0, "p0", ProcessStatus::Online);
    let (opening, errors, calm_since_ms) = (None, None, None);
    let left = Left {
        listed: &[],
        log_since_ms: None,
        opening,
        info: &info,
        console: &console,
        errors,
        calm_since_ms,
        utc_offset_s: 0,
    };
    for _ in 0..2 {
        send(&mut app, Report::Lives(vec![(PmId(0), reconstruct(&left))]));
        let older = "and 14 older ones of the last 20".into();
        assert_eq!(shown(&app), ("1 of the last 20".into(), older, 25));
    }
}

/// What it said last may be long before that. Of those of one second each has its own.
#[test]
fn enter_in_why_goes_to_the_exit_and_not_to_what_was_said_before() {
    use super::log::output;
    use crate::model::death::after::{Left, reconstruct};
    use crate::model::log::LineKind;
    let mut app = app(1);
    app.log_view = crate::app::log_view::LogView::new(crate::logs::Bounds::default());
    let exit = |at_ms, text: &str| {
        let kind = LineKind::Event("exit", Severity::Bad);
        LogLine { at_ms, kind, ..output(0, "p0", text) }
    };
    let said = |at_ms, text: &str| LogLine { at_ms, ..output(0, "p0", text) };
    let lines = vec![
        exit(2_999, "older"),
        said(4_000, "TypeError: not the end"),
        exit(12_400, "first"),
        exit(12_999, "second"),
        said(13_500, "up"),
        exit(20_999, "third"),
    ];
    send(&mut app, Report::Lines(lines));
    let end = |second| {
        format!(
            "1970-01-01T00:00:{second}: PM2 log: App [p0:0] starting in -fork mode-\n\
             1970-01-01T00:00:{second}: PM2 log: App [p0:0] exited with code [7] via signal [SIGINT]\n"
        )
    };
    let console: String = ["12", "12", "20"].map(end).concat();
    let info = info(0, "p0", ProcessStatus::Online);
    let (opening, errors, calm_since_ms) = (None, None, None);
    let left = Left {
        listed: &[],
        log_since_ms: None,
        opening,
        info: &info,
        console: &console,
        errors,
        calm_since_ms,
        utc_offset_s: 0,
    };
    send(&mut app, Report::Lives(vec![(PmId(0), reconstruct(&left))]));
    // One that was watched: what is said of it has its very time.
    exit_and_start(&mut app, 30_500);
    send(&mut app, Report::Lines(vec![said(29_000, "Error: late"), said(30_501, "Error: next")]));
    enter_goes_to(&mut app, &["code 7", "third", "second", "first"]);
}

/// PM2 counts what was stopped soon after its start as unstable, and may give up right behind a stop.
#[test]
fn enter_in_why_goes_to_the_exit_and_not_to_what_pm2_says_beside_it() {
    use super::log::output;
    use crate::model::death::after::{Left, reconstruct};
    use crate::model::log::LineKind;
    let mut app = app(1);
    app.log_view = crate::app::log_view::LogView::new(crate::logs::Bounds::default());
    let event = |word, text: &str| {
        let kind = LineKind::Event(word, Severity::Bad);
        LogLine { at_ms: 12_000, kind, ..output(0, "p0", text) }
    };
    let lines = vec![
        event("exit", "exit code 7"),
        event("stop", "PM2 ends it"),
        event("exit", "exit code 0 or SIGINT"),
        event("overlimit", "PM2 gave up after 2 unstable restarts: errored"),
    ];
    send(&mut app, Report::Lines(lines));
    let console = "\
1970-01-01T00:00:12: PM2 log: App [p0:0] exited with code [7] via signal [SIGINT]
1970-01-01T00:00:12: PM2 log: App [p0:0] starting in -fork mode-
1970-01-01T00:00:12: PM2 log: Stopping app:p0 id:0
1970-01-01T00:00:12: PM2 log: App [p0:0] exited with code [0] via signal [SIGINT]
";
    let info = info(0, "p0", ProcessStatus::Errored);
    let (opening, errors, calm_since_ms) = (None, None, None);
    let left = Left {
        listed: &[],
        log_since_ms: None,
        opening,
        info: &info,
        console,
        errors,
        calm_since_ms,
        utc_offset_s: 0,
    };
    send(&mut app, Report::Lives(vec![(PmId(0), reconstruct(&left))]));
    enter_goes_to(&mut app, &["exit code 0 or SIGINT", "exit code 7"]);
}

/// The list of exits is as long as there is room, and not shorter than six.
#[test]
fn all_exits_are_listed_where_there_is_room() {
    let mut app = app(1);
    for at_ms in 1..=20 {
        exit_and_start(&mut app, at_ms * 10_000);
    }
    press(&mut app, Command::Why);
    let Mode::Why { key, life, .. } = app.mode else { panic!("{:?}", app.mode) };
    let listed = |height: u16| {
        let rows = crate::app::why::rows(&app, key, life, (100, height));
        let older = rows.iter().any(|(_, row)| row.contains("older ones"));
        let count =
            rows.iter().filter(|(kind, _)| matches!(kind, crate::app::why::Kind::Life { .. }));
        (count.count(), older, rows.len() <= usize::from(height))
    };
    assert_eq!(listed(60), (20, false, true));
    let (count, older, fits) = listed(20);
    assert!((7..20).contains(&count) && older && fits, "{count}");
    assert_eq!(listed(8).0, 6);
}
