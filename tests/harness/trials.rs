//! The one pool that all trials run in: what a trial needs decides when it runs, and beside how
//! many others.
//!
//! Order: what needs no PM2 runs first, while npm installs the releases in the background; then the
//! trials with a real PM2, the long ones first; and what must be alone last.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Builder;

use super::install::{Locked, Pm2, is_off};
use super::now;

/// What a trial costs while it runs, in shares of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Waits for daemons, apps and terminals most of the time.
    Light,
    /// Keeps a core busy.
    Busy,
    /// Measures, or floods a daemon: nothing else runs beside it.
    Alone,
}

impl Weight {
    /// Of [`SHARES`].
    const fn shares(self) -> usize {
        match self {
            Self::Light => 1,
            Self::Busy => 4,
            Self::Alone => SHARES,
        }
    }
}

/// The shares of two cores. A trial with a real PM2 waits for most of its time: with 8 of them the
/// cores are busy for four fifths of the time, with 6 the suite takes a third longer.
const SHARES: usize = 10;

/// A trial: a name, what it needs and what it does.
pub struct Test {
    name: String,
    weight: Weight,
    /// The folder of releases that it needs first.
    needs: Option<Locked>,
    is_long: bool,
    is_left_out: bool,
    run: Box<dyn FnOnce() + Send>,
}

impl Test {
    /// A trial of this name that needs no PM2.
    pub fn new(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Self {
        let run = Box::new(run);
        let name = name.into();
        Self { name, weight: Weight::Light, needs: None, is_long: false, is_left_out: false, run }
    }

    /// With another weight than [`Weight::Light`].
    pub fn weighing(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Takes over ten seconds, mostly of waiting: it starts early, so that none waits for it at the
    /// end.
    pub fn lasting(mut self) -> Self {
        self.is_long = true;
        self
    }

    /// With a real PM2 from this folder: `PM2_TUI_TEST_PM2=off` leaves it out.
    pub fn needing(mut self, locked: Locked) -> Self {
        self.needs = self.needs.max(Some(locked));
        self.is_left_out |= is_off();
        self
    }

    /// Reported as ignored if this holds.
    pub fn left_out_if(mut self, is_left_out: bool) -> Self {
        self.is_left_out |= is_left_out;
        self
    }
}

/// A trial that needs no PM2, under its module's name and its own.
pub fn simulated<F: FnOnce() + Send + 'static>(test: F) -> Test {
    Test::new(name_of::<F>(), test)
}

/// A trial in virtual time: a sleep ends at once when nothing else is left to do.
pub fn in_virtual_time<F, R>(test: F) -> Test
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = ()>,
{
    in_runtime(Builder::new_current_thread().start_paused(true).enable_all(), test)
}

/// A trial on a runtime of one thread, on real sockets.
pub fn in_real_time<F, R>(test: F) -> Test
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = ()>,
{
    in_runtime(Builder::new_current_thread().enable_all(), test)
}

/// A trial on a runtime of two threads, on real sockets.
pub fn in_two_threads<F, R>(test: F) -> Test
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = ()>,
{
    in_runtime(Builder::new_multi_thread().worker_threads(2).enable_all(), test)
}

fn in_runtime<F, R>(runtime: &mut Builder, test: F) -> Test
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = ()>,
{
    let runtime = runtime.build().unwrap();
    Test::new(name_of::<F>(), move || runtime.block_on(test()))
}

/// A trial that needs a real PM2: with `PM2_TUI_TEST_PM2=off` it is left out.
pub fn with_pm2<F: FnOnce() + Send + 'static>(test: F) -> Test {
    simulated(test).needing(Locked::Current)
}

/// The path of a function below this crate.
fn name_of<F>() -> String {
    let path = std::any::type_name::<F>();
    path.split_once("::").map_or(path, |(_, below)| below).to_owned()
}

/// Runs them as the command line asks.
///
/// `PM2_TUI_TEST_TIMES=FILE` appends how long each took, and waited for its shares, to a file.
pub fn run(mut tests: Vec<Test>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(SHARES);
    tests.sort_by_key(|test| (test.weight == Weight::Alone, test.needs, !test.is_long));
    // A single trial installs what it needs by itself.
    if arguments.filter.is_none() && !arguments.list {
        let mut needed: Vec<Locked> =
            tests.iter().filter(|test| !test.is_left_out).filter_map(|test| test.needs).collect();
        needed.sort();
        needed.dedup();
        std::thread::spawn(move || {
            for locked in needed {
                // What goes wrong is told by the trials that need it.
                let _ = std::panic::catch_unwind(|| Pm2::of(locked));
            }
        });
    }
    libtest_mimic::run(&arguments, tests.into_iter().map(trial).collect()).exit_code()
}

fn trial(test: Test) -> Trial {
    let Test { name, weight, needs, is_left_out, run, .. } = test;
    let title = name.clone();
    let runner = move || {
        let asked = now();
        let _shares = Shares::take(weight.shares());
        let started = now();
        run();
        note(&name, started.elapsed(), started - asked);
        Ok(())
    };
    let kind = if needs.is_some() { "pm2" } else { "" };
    Trial::test(title, runner).with_kind(kind).with_ignored_flag(is_left_out)
}

fn note(name: &str, took: Duration, waited: Duration) {
    if let Some(file) = std::env::var_os("PM2_TUI_TEST_TIMES") {
        let line = format!("{:8.2} {:8.2} {name}\n", took.as_secs_f64(), waited.as_secs_f64());
        let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// Shares of the machine, given back when dropped.
struct Shares(usize);

/// Shares that are free, and the ticket of who comes next: whoever needs many is not overtaken.
struct Free {
    shares: usize,
    next_ticket: u64,
    serving: u64,
}

static FREE: Mutex<Free> = Mutex::new(Free { shares: SHARES, next_ticket: 0, serving: 0 });
static CHANGED: Condvar = Condvar::new();

impl Shares {
    fn take(wanted: usize) -> Self {
        let mut free = FREE.lock().unwrap();
        let ticket = free.next_ticket;
        free.next_ticket += 1;
        free = CHANGED
            .wait_while(free, |free| free.serving != ticket || free.shares < wanted)
            .unwrap();
        free.shares -= wanted;
        free.serving += 1;
        CHANGED.notify_all();
        Self(wanted)
    }
}

impl Drop for Shares {
    fn drop(&mut self) {
        FREE.lock().unwrap().shares += self.0;
        CHANGED.notify_all();
    }
}
