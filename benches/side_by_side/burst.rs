//! What watching costs while an app logs as fast as it can.

use std::cmp::Ordering;
use std::fs;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::harness::apps::{self, LAST_LINE};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::connections_to;
use crate::harness::screen::Screen;
use crate::harness::{now, poll_for, wait_until};

use super::watcher::{NEVER, Watcher};

/// One watcher's figures.
pub(crate) struct Burst {
    /// Who.
    pub(crate) watcher: Watcher,
    /// Whether its terminal takes output during the burst.
    pub(crate) is_reading: bool,
    /// Its own CPU from the burst's start until its last line was shown.
    pub(crate) cpu_seconds: f64,
    /// God's largest resident memory from the burst's start on.
    pub(crate) god_peak_bytes: u64,
    /// How long the app took to write it.
    pub(crate) app_took: Duration,
    /// From the app's end (or, where the terminal had stopped, from its going on) to the last
    /// line on the screen.
    pub(crate) last_line_after: Option<Duration>,
    /// The watcher's own largest resident memory.
    pub(crate) peak_bytes: u64,
}

/// A watcher's name with the state of its terminal.
pub(crate) fn label(watcher: Watcher, is_reading: bool) -> String {
    let stopped = if is_reading { "" } else { ", terminal stopped" };
    format!("{}{stopped}", watcher.label())
}

/// The figures of several bursts of one watcher: the median of each.
pub(crate) fn median(watcher: Watcher, is_reading: bool, all: &[Burst]) -> Burst {
    let own = || all.iter().filter(|one| (one.watcher, one.is_reading) == (watcher, is_reading));
    Burst {
        watcher,
        is_reading,
        cpu_seconds: middle(own().map(|one| one.cpu_seconds).collect(), f64::total_cmp),
        god_peak_bytes: middle(own().map(|one| one.god_peak_bytes).collect(), Ord::cmp),
        app_took: middle(own().map(|one| one.app_took).collect(), Ord::cmp),
        last_line_after: middle(own().map(|one| one.last_line_after).collect(), Ord::cmp),
        peak_bytes: middle(own().map(|one| one.peak_bytes).collect(), Ord::cmp),
    }
}

/// The value in the middle.
pub(super) fn middle<T: Copy>(mut values: Vec<T>, compare: impl Fn(&T, &T) -> Ordering) -> T {
    values.sort_by(compare);
    *values.get(values.len() / 2).unwrap()
}

/// Runs one burst under a fresh daemon.
pub(crate) fn measure(watcher: Watcher, is_reading: bool, lines: u64) -> Burst {
    let home = Pm2Home::with(Release::Seven, &[apps::flood("flood", lines, 0)]);
    home.mark();
    let god = home.living_god();
    let drained = (watcher == Watcher::Drain).then(|| drain(&home));
    let mut screen = watcher.start(&home, LAST_LINE);
    if watcher != Watcher::Nobody {
        wait_until("the watcher is on the bus", || !connections_to(&home.bus()).is_empty());
        // On the bus, but perhaps still drawing its first screens.
        std::thread::sleep(Duration::from_secs(2));
    }
    match &mut screen {
        Some(screen) if !is_reading && watcher == Watcher::Cockpit => screen.block(),
        // What `pm2 logs` prints of the burst's first moment fills its terminal.
        Some(screen) if !is_reading => screen.stop_reading(),
        _ => {}
    }
    let cpu_before = screen.as_ref().map_or(0.0, |s| s.process().cpu_seconds());
    god.reset_peak();
    let (started, ended) = flood(&home);

    let mut shown_from = ended;
    if let Some(screen) = screen.as_ref().filter(|_| !is_reading) {
        // Long enough for God to send all it has, were it read.
        std::thread::sleep(Duration::from_secs(5));
        shown_from = now();
        screen.resume_reading();
    }
    let shown = match (&mut screen, &drained) {
        (Some(screen), _) => last_line(watcher, screen),
        (None, Some(drained)) => drained.recv_timeout(NEVER).ok(),
        (None, None) => {
            std::thread::sleep(Duration::from_secs(5));
            None
        }
    };
    let process = screen.as_ref().map(Screen::process);
    let figures = Burst {
        watcher,
        is_reading,
        cpu_seconds: process.map_or(0.0, |process| process.cpu_seconds() - cpu_before),
        god_peak_bytes: god.memory_bytes("VmHWM"),
        app_took: ended.saturating_duration_since(started),
        last_line_after: shown.map(|at| at.saturating_duration_since(shown_from)),
        peak_bytes: process.map_or(0, |process| process.memory_bytes("VmHWM")),
    };
    home.assert_unharmed_but(&[]);
    figures
}

/// Lets the app of this home write its burst, and says when that began and ended.
pub(super) fn flood(home: &Pm2Home) -> (Instant, Instant) {
    let started = now();
    fs::write(home.apps().join("go"), "").unwrap();
    let done = home.apps().join("done");
    let written = poll_for(2 * NEVER, || fs::read_to_string(&done).ok());
    (started, at_epoch_ms(written.unwrap().parse().unwrap()))
}

/// When the watcher's terminal shows the burst's last line; `None` where that takes too long.
fn last_line(watcher: Watcher, screen: &mut Screen) -> Option<Instant> {
    if matches!(watcher, Watcher::Logs | Watcher::Raw) {
        poll_for(NEVER, || screen.found())
    } else {
        let shown = screen.wait_within(NEVER, |text| text.contains(LAST_LINE));
        shown.ok().map(|_| now())
    }
}

/// Reads the bus until the burst's last line, and says when that came.
pub(super) fn drain(home: &Pm2Home) -> mpsc::Receiver<Instant> {
    let mut bus = UnixStream::connect(home.bus()).unwrap();
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let marker = LAST_LINE.as_bytes();
        let mut buffer = vec![0; 256 * 1024];
        let mut kept = 0;
        while let Ok(count @ 1..) = bus.read(buffer.get_mut(kept..).unwrap_or_default()) {
            let filled = buffer.get(..kept + count).unwrap_or_default();
            if memchr::memmem::find(filled, marker).is_some() {
                // Nobody waits for the second time that it is seen.
                let _ = sender.try_send(now());
            }
            // The marker may lie across two reads.
            let keep = filled.len().min(marker.len());
            buffer.copy_within(kept + count - keep..kept + count, 0);
            kept = keep;
        }
    });
    receiver
}

/// The moment of a time in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the app says by the wall clock when it ended")]
fn at_epoch_ms(milliseconds: u64) -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ago = since.saturating_sub(Duration::from_millis(milliseconds));
    now().checked_sub(ago).unwrap()
}
