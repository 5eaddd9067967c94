//! How `events`, `bundle` and `logs -f` are asked to end: by Ctrl-C, SIGTERM, or the end of the terminal.
//!
//! Invariant: whoever is asked ends, even where the terminal or pipe does not take the output; a
//! signal that was ignored when the program began (`nohup`, `&` in a script) stays ignored.

use std::io;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::failure::Code;

/// How long the end may take where nothing is left to do, and after a second signal.
const END_MAX: Duration = Duration::from_secs(1);
/// The signals that end it.
const ENDING: [(SignalKind, Code); 3] = [
    (SignalKind::hangup(), Code::HangUp),
    (SignalKind::interrupt(), Code::Interrupt),
    (SignalKind::terminate(), Code::Terminate),
];

/// Whether somebody asked it to end: how often, and the exit code.
#[derive(Debug)]
pub(super) struct Stop {
    asked: watch::Receiver<(u8, Code)>,
    #[cfg(test)]
    _sender: Option<watch::Sender<(u8, Code)>>,
}

impl Stop {
    /// Listens. With `is_working` there is work to finish, which takes its time until a second
    /// signal comes.
    ///
    /// # Errors
    /// When a signal cannot be listened to.
    pub(super) fn listen(is_working: bool) -> io::Result<Self> {
        let ignored = ignored();
        let mut signals = Vec::with_capacity(ENDING.len());
        for (kind, code) in ENDING {
            if ignored & (1 << (kind.as_raw_value() - 1)) == 0 {
                signals.push((signal(kind)?, code));
            }
        }
        let (sender, asked) = watch::channel((0, Code::Fine));
        // On a thread of its own: the main one may be writing to a pipe that nobody reads.
        tokio::spawn(async move {
            let code = next(&mut signals).await;
            sender.send_replace((1, code));
            if is_working {
                let again = next(&mut signals).await;
                sender.send_replace((2, again));
                exit_soon(again).await;
            } else {
                tokio::select! {
                    again = next(&mut signals) => exit_soon(again).await,
                    () = exit_soon(code) => {}
                }
            }
        });
        Ok(Self {
            asked,
            #[cfg(test)]
            _sender: None,
        })
    }

    /// Waits until it is asked for the first time (`times` 1) or again (2).
    pub(super) async fn asked(&mut self, times: u8) -> Code {
        match self.asked.wait_for(|(asked, _)| *asked >= times).await.map(|asked| asked.1) {
            Ok(code) => code,
            Err(_) => std::future::pending().await,
        }
    }

    /// The exit code, where it was asked already.
    pub(super) fn is_asked(&self) -> Option<Code> {
        let (times, code) = *self.asked.borrow();
        (times > 0).then_some(code)
    }

    /// Nobody asks.
    #[cfg(test)]
    pub(super) fn never() -> Self {
        Self::after(0)
    }

    /// Ctrl-C was pressed so often.
    #[cfg(test)]
    pub(super) fn after(times: u8) -> Self {
        let (sender, asked) = watch::channel((times, Code::Interrupt));
        Self { asked, _sender: Some(sender) }
    }
}

/// The next of the signals.
async fn next(signals: &mut [(Signal, Code)]) -> Code {
    std::future::poll_fn(|context| {
        for (signal, code) in &mut *signals {
            if let Poll::Ready(Some(())) = signal.poll_recv(context) {
                return Poll::Ready(*code);
            }
        }
        Poll::Pending
    })
    .await
}

#[expect(clippy::disallowed_methods, reason = "there is no screen, and the main thread is stuck")]
async fn exit_soon(code: Code) {
    tokio::time::sleep(END_MAX).await;
    std::process::exit(i32::from(code as u8));
}

/// The signals that this process ignores, a bit each, the lowest for signal 1. Where there is no
/// `/proc` none are known to be.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
