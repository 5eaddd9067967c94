//! What watching costs while nothing happens.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::Work;
use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::Screen;
use crate::harness::{now, poll_for};

use super::watcher::{NEVER, SIZE, Watcher};

/// One watcher's figures.
pub(crate) struct AtRest {
    /// Who.
    pub(crate) watcher: Watcher,
    /// From its start to the name of a process on its screen; the median of several starts.
    pub(crate) first_row: Option<Duration>,
    /// Resident memory of its process at the end.
    pub(crate) resident_bytes: u64,
    /// Its own CPU, percent of one core.
    pub(crate) cpu_percent: f64,
    /// God's CPU meanwhile, percent of one core.
    pub(crate) god_cpu_percent: f64,
    /// What it sent to its terminal.
    pub(crate) bytes_per_second: f64,
}

/// The name of the process that the first row shows.
const FIRST: &str = "app-001";

/// Measures every watcher on a daemon with this many processes that do nothing.
pub(crate) fn measure(processes: usize, work: &Work) -> Vec<AtRest> {
    let apps: Vec<App> = (1..=processes)
        .map(|number| {
            let name = format!("app-{number:03}");
            if processes <= 10 { apps::idle(&name) } else { apps::sleeper(&name) }
        })
        .collect();
    let home = Pm2Home::with(Release::Seven, &apps);
    home.mark();
    let figures = [Watcher::Nobody, Watcher::Monit, Watcher::Logs, Watcher::Cockpit]
        .map(|watcher| at_rest(watcher, &home, work));
    home.assert_unharmed_but(&[]);
    figures.into()
}

fn at_rest(watcher: Watcher, home: &Pm2Home, work: &Work) -> AtRest {
    let first_row = first_row(watcher, home, work.starts);
    let mut screen = watcher.start(home, "unused");
    let god = home.living_god();
    // Past the start: node's own start-up, the first polls, the first full frame.
    std::thread::sleep(Duration::from_secs(5));
    let figures = |screen: &Option<Screen>| {
        let (cpu, bytes) = screen
            .as_ref()
            .map_or((0.0, 0), |screen| (screen.process().cpu_seconds(), screen.bytes()));
        (now(), cpu, god.cpu_seconds(), bytes)
    };
    let before = figures(&screen);
    std::thread::sleep(work.window);
    let after = figures(&screen);
    let seconds = (after.0 - before.0).as_secs_f64();
    let resident_bytes = screen.as_ref().map_or(0, |screen| screen.process().memory_bytes("VmRSS"));
    if let Some(screen) = &mut screen {
        screen.press("q");
    }
    AtRest {
        watcher,
        first_row,
        resident_bytes,
        cpu_percent: (after.1 - before.1) / seconds * 100.0,
        god_cpu_percent: (after.2 - before.2) / seconds * 100.0,
        bytes_per_second: (after.3 - before.3) as f64 / seconds,
    }
}

/// The median time to the first row; `None` for a watcher that has no rows.
fn first_row(watcher: Watcher, home: &Pm2Home, starts: usize) -> Option<Duration> {
    if !matches!(watcher, Watcher::Monit | Watcher::Cockpit) {
        return None;
    }
    let mut times: Vec<Duration> = (0..starts)
        .map(|_| {
            let mut screen = watcher.start(home, "unused").unwrap();
            let shown = screen.wait_within(NEVER, |text| text.contains(FIRST));
            let time = now() - screen.spawned;
            assert!(shown.is_ok(), "{} shows no row: {shown:?}", watcher.label());
            time
        })
        .collect();
    times.sort();
    times.get(times.len() / 2).copied()
}

/// How long pm2-tui takes to draw something where the daemon accepts and never answers.
pub(crate) fn first_frame_without_an_answer() -> Option<Duration> {
    let home = Pm2Home::empty(Release::Seven);
    let silent = ["rpc.sock", "pub.sock"]
        .map(|socket| UnixListener::bind(home.path().join(socket)).unwrap());
    let screen = Screen::cockpit(SIZE, &["--home", home.path().to_str().unwrap()]);
    poll_for(Duration::from_secs(5), || {
        screen.text().contains("pm2-tui").then(|| screen.first_byte())?
    })?;
    let time = screen.first_byte()? - screen.spawned;
    drop(silent);
    Some(time)
}
