//! What the end-to-end tests and the side-by-side bench share: a real PM2 in a home of its own,
//! and a program in a pseudo-terminal whose screen can be read.
//!
//! Invariant: nothing here touches a PM2 home or a process that it did not make itself; daemons
//! and apps are ended by pid, and a pid is only believed with the start time it was seen with.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a failure is a panic with a message"
)]
#![expect(unreachable_pub, reason = "shared by several binaries, none of which has a public API")]

pub mod apps;
pub mod example;
pub mod home;
pub mod install;
pub mod procfs;
pub mod relay;
pub mod screen;
pub mod terminal;
pub mod trials;

use std::time::{Duration, Instant};

/// How long a test waits for something that should come within a second or two. Generous, since
/// the machine may be compiling at the same time.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The clock of tests.
#[expect(clippy::disallowed_methods, reason = "tests and benches measure real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Asks every 10 ms until `ready` answers with something; `None` once `limit` is over.
pub fn poll_for<T>(limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = now() + limit;
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        if now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until `ready` holds, and panics with `what` after [`PATIENCE`].
#[track_caller]
pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    assert!(
        poll_for(PATIENCE, || ready().then_some(())).is_some(),
        "waited {PATIENCE:?} in vain: {what}"
    );
}
