//! Keys, signals and the terminal's end, as [`Input`]s for the loop.
//!
//! Invariant: a terminal that hung up ends the program and never spins: the keyboard is read only
//! after `poll` said that there is something and that nobody hung up (crossterm's own reader loops
//! for ever on end of file).

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::runtime::Input;
use crate::terminal;

/// How long crossterm looks for the rest of what `poll` said is there; with zero it does not look.
const AT_HAND: Duration = Duration::from_millis(1);
/// Keys and signals that may wait for the loop.
const QUEUE_MAX: usize = 256;

/// Starts the keyboard thread and the signal task.
///
/// # Errors
/// When there is no terminal to read from, or a signal cannot be handled.
pub(crate) fn start() -> io::Result<mpsc::Receiver<Input>> {
    let tty = open_tty()?;
    let (sender, inputs) = mpsc::channel(QUEUE_MAX);
    let keyboard = sender.clone();
    std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
        let end = read_keyboard(&tty, &keyboard);
        // An error here is the same as a hang-up: no key will ever come again.
        if end.is_err() || !keyboard.is_closed() {
            let _ = keyboard.blocking_send(Input::TerminalGone);
        }
    })?;
    tokio::spawn(read_signals(sender, Signals::new()?));
    Ok(inputs)
}

/// The terminal that keys come from: standard input, or the controlling one where that is a pipe;
/// the same choice as crossterm's.
fn open_tty() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(rustix::io::dup(stdin.as_fd())?);
    }
    Ok(std::fs::File::open("/dev/tty")?.into())
}

/// Reads keys until the terminal hangs up or nobody listens any more.
fn read_keyboard(tty: &OwnedFd, keyboard: &mpsc::Sender<Input>) -> io::Result<()> {
    loop {
        let mut fds = [PollFd::new(tty, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [ready] = &fds;
        if ready.revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Ok(());
        }
        while event::poll(AT_HAND)? {
            let input = match event::read()? {
                Event::Key(key) => Input::Key(key),
                Event::Resize(columns, rows) => Input::Resized(columns, rows),
                _ => continue,
            };
            if keyboard.blocking_send(input).is_err() {
                return Ok(());
            }
        }
    }
}

/// The signals that the program listens to. SIGTSTP is left alone: its default action knows whether
/// there is a shell to come back to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    quit: Signal,
    window: Signal,
    continued: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            window: signal(SignalKind::window_change())?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }
}

async fn read_signals(inputs: mpsc::Sender<Input>, mut signals: Signals) {
    loop {
        let input = tokio::select! {
            _ = signals.terminate.recv() => Input::Terminate(15),
            _ = signals.interrupt.recv() => Input::Terminate(2),
            _ = signals.hang_up.recv() => Input::Terminate(1),
            _ = signals.quit.recv() => Input::Terminate(3),
            _ = signals.continued.recv() => Input::Continued,
            _ = signals.window.recv() => match terminal::size() {
                Ok((columns, rows)) => Input::Resized(columns, rows),
                Err(_) => Input::TerminalGone,
            },
        };
        if inputs.send(input).await.is_err() {
            return;
        }
    }
}
