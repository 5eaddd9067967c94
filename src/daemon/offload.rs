//! The one place where the engine, the client and the commands look at files.
//!
//! Invariant: no file call runs on an async worker, and none is waited for longer than its limit: a
//! home on a network disk that hangs costs what is asked of it, never the program. A call that hangs
//! keeps its thread; at most [`CALLS_MAX`] do, and past that nothing more is asked.
//!
//! Calls take turns, [`AT_ONCE`] at a time: each thread more is a stack and a heap that stay in memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// How long a look at a file may take: far longer than a disk takes that answers.
pub(crate) const LOOK_MAX: Duration = Duration::from_secs(2);
/// The most calls under way.
const CALLS_MAX: usize = 64;
/// How many calls run at once while none of them hangs.
const AT_ONCE: usize = 2;
/// How long a call waits for its turn: past that, the calls before it hang or take long, and it goes
/// on beside them.
const TURN_MAX: Duration = Duration::from_millis(50);

static CALLS: Semaphore = Semaphore::const_new(CALLS_MAX);

thread_local! {
    /// Whose turn it is among the calls of one thread's tasks: all that ask for files are on one.
    static TURNS: Arc<Semaphore> = Arc::new(Semaphore::new(AT_ONCE));
}

/// Runs a blocking call on a thread of its own; `None` where it did not end within the limit, or too
/// many hang already.
pub(crate) async fn blocking<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let permit = CALLS.try_acquire().ok()?;
    let turns = TURNS.with(Arc::clone);
    let turn = tokio::time::timeout(TURN_MAX, turns.acquire_owned()).await;
    let running = tokio::task::spawn_blocking(move || {
        let _held = (permit, turn);
        call()
    });
    let ended = tokio::time::timeout(limit, running).await;
    if ended.is_err() {
        tracing::warn!(?limit, "a file call did not end in time");
    }
    // It can only fail by a panic in the call, which the hooks have told.
    ended.ok()?.ok()
}

/// [`blocking`], for a look at a file.
pub(crate) async fn look<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    blocking(LOOK_MAX, call).await
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;

    /// Opening a FIFO that nobody writes to blocks, as a disk that hangs does.
    #[tokio::test]
    async fn a_file_that_never_opens_costs_only_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("god.pid");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        let path = fifo.clone();
        let started = Instant::now();
        let reading = blocking(Duration::from_millis(50), move || fs::read(path));
        let (read, ticks) = tokio::join!(reading, async {
            // The worker goes on meanwhile.
            let mut ticks = 0;
            while started.elapsed() < Duration::from_millis(40) {
                tokio::task::yield_now().await;
                ticks += 1;
            }
            ticks
        });
        assert!(read.is_none() && ticks > 1);
        assert!(started.elapsed() < LOOK_MAX);
        // Lets the thread end.
        drop(fs::OpenOptions::new().read(true).write(true).open(fifo).unwrap());
        assert_eq!(look(|| 7).await, Some(7));
    }

    #[tokio::test]
    async fn calls_take_turns_so_that_few_threads_are_made() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let calls = (0..16).map(|_| {
            look(|| {
                let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
                MOST.fetch_max(running, Ordering::SeqCst);
                std::thread::yield_now();
                RUNNING.fetch_sub(1, Ordering::SeqCst);
            })
        });
        let ended = futures_util::future::join_all(calls).await;
        assert!(ended.iter().all(Option::is_some));
        assert!(MOST.load(Ordering::SeqCst) <= AT_ONCE);
    }
}
