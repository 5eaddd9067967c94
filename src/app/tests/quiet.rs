//! What is out of sight makes no frame.

use super::*;
use crate::protocol::process::ProcessInfo;

fn rest(id: u32, second: i64) -> ProcessInfo {
    // Some KiB more or less, and now and then a little CPU.
    let wobble = (second * 7_919 + i64::from(id) * 104_729).rem_euclid(200) as u64;
    ProcessInfo {
        online_since_ms: Some(-86_400_000 * 3),
        memory_bytes: Some((40 << 20) + wobble * 1024),
        cpu_percent: Some(if wobble > 190 { 0.3 } else { 0.0 }),
        ..info(id, &format!("p{id}"), ProcessStatus::Online)
    }
}

fn poll(processes: Vec<ProcessInfo>, at_ms: i64) -> Message {
    let snapshot = Snapshot { processes, warnings: Vec::new() };
    Message::Report(D, Report::Snapshot { at_ms, took_ms: 1, interval_ms: 1_000, snapshot })
}

/// Takes a message in; whether it makes a frame, which is then drawn.
fn draws(app: &mut App, ms: i64, message: Message) -> bool {
    let _ = update(app, Moment::at(ms), message);
    let draws = app.is_dirty;
    app.mark_drawn();
    draws
}

/// Ten processes at rest, watched for five minutes.
fn at_rest() -> App {
    let mut app = app(0);
    for second in 0..300 {
        let processes = (0..10).map(|id| rest(id, second)).collect();
        draws(&mut app, second * 1_000, poll(processes, second * 1_000));
    }
    app
}

#[test]
fn processes_at_rest_make_hardly_a_frame() {
    let mut app = at_rest();
    let mut frames = 0;
    for second in 300..360 {
        let processes = (0..10).map(|id| rest(id, second)).collect();
        frames += usize::from(draws(&mut app, second * 1_000, poll(processes, second * 1_000)));
    }
    assert!(frames <= 6, "{frames} frames in a minute");
    // What does change is seen.
    let mut processes: Vec<_> = (0..10).map(|id| rest(id, 360)).collect();
    processes[3].cpu_percent = Some(60.0);
    assert!(draws(&mut app, 360_000, poll(processes, 360_000)));
}

#[test]
fn rows_that_are_not_on_the_screen_make_no_frame() {
    // Twelve at 80x24: seven are in sight.
    let busy = |at: i64| -> Vec<ProcessInfo> {
        let mut processes: Vec<_> = (0..12).map(|id| rest(id, 0)).collect();
        // Two of them, and their sum stays.
        for (id, sign) in [(10, 1), (11, -1)] {
            processes[id].cpu_percent = Some((50 + sign * (at % 7) * 5) as f32);
        }
        processes
    };
    let mut app = app(0);
    // Until the charts are full.
    for second in 0..310 {
        draws(&mut app, second * 1_000, poll(busy(second), second * 1_000));
    }
    for second in 310..340 {
        let draws = draws(&mut app, second * 1_000, poll(busy(second), second * 1_000));
        assert!(!draws, "second {second}");
    }
    press(&mut app, Command::Last);
    app.mark_drawn();
    let frames = (340..360)
        .filter(|second| draws(&mut app, second * 1_000, poll(busy(*second), second * 1_000)));
    assert!(frames.count() >= 15, "in sight they do");
}

#[test]
fn lines_below_what_is_being_read_make_no_frame() {
    let mut app = app(1);
    send(&mut app, lines(100));
    assert!(draws(&mut app, 2_000, Message::Report(D, lines(1))), "they do while it follows");
    press(&mut app, Command::NextPane);
    press(&mut app, Command::PageUp);
    app.mark_drawn();
    let frames =
        (0..5_000).filter(|at| draws(&mut app, 3_000 + at, Message::Report(D, lines(1)))).count();
    assert!(frames <= 15, "only the count of new ones, in ever larger steps: {frames}");
    // A pane that is not on the screen shows no line at all.
    let _ = update(&mut app, Moment::at(9_000), Message::Resized(80, 10));
    press(&mut app, Command::Back);
    press(&mut app, Command::Back);
    app.mark_drawn();
    assert!(!draws(&mut app, 9_100, Message::Report(D, lines(5))));
}

#[test]
fn time_alone_ticks_only_for_what_is_in_sight() {
    let mut app = app(0);
    let mut processes: Vec<_> = (0..12).map(|id| rest(id, 0)).collect();
    processes[11].online_since_ms = Some(1_000);
    draws(&mut app, 2_000, poll(processes, 2_000));
    let tick_ms = app.next_tick_ms().unwrap();
    assert!(tick_ms > 3_000, "the young one is below: {tick_ms}");
    press(&mut app, Command::Last);
    assert_eq!(app.next_tick_ms(), Some(3_000));
}
