//! What is known of an end when it is told.

use super::*;

/// The kernel counts before it kills, and is asked when the end is told.
#[test]
fn a_kill_is_judged_by_the_count_at_its_end() {
    let killed = || {
        let mut exit = event(EventKind::Exit, ProcessStatus::Stopped);
        exit.signal = Some("SIGKILL".into());
        exit.info.exit_code = Some("0".into());
        Report::Process(Box::new(exit))
    };
    let reason = |watched: &Watched| {
        let last = watched.boxes.get(key(1)).and_then(|it| it.last()).cloned();
        super::super::death::words::reason(&last.unwrap()).unwrap()
    };
    let mut watched = api();
    for (kills, at_ms) in [(3, 0), (3, 1_100)] {
        if at_ms > 0 {
            apply(&mut watched, DAEMON, killed(), at(at_ms - 10));
        }
        apply(&mut watched, DAEMON, Report::OomKills(kills), at(at_ms));
    }
    assert_eq!(reason(&watched), "SIGKILL", "somebody else's");
    // A poll between the kill and its end has counted it already.
    apply(&mut watched, DAEMON, Report::OomKills(4), at(2_000));
    apply(&mut watched, DAEMON, killed(), at(2_100));
    apply(&mut watched, DAEMON, Report::OomKills(4), at(2_110));
    assert_eq!(reason(&watched), "SIGKILL, out of memory");
    apply(&mut watched, DAEMON, killed(), at(9_000));
    apply(&mut watched, DAEMON, Report::OomKills(4), at(9_010));
    assert_eq!(reason(&watched), "SIGKILL");
}
