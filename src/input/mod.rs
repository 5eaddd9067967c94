//! Keys, signals and the terminal's end, as [`Input`]s for the loop.
//!
//! Invariant: a terminal that hung up ends the program and never spins: the keyboard is read only
//! after `poll` said that there is something and that nobody hung up. crossterm's own reader is not
//! used: it decides on a lone ESC when a read ends, and takes a terminal's replies for typing
//! (crossterm issue 993).

mod csi;
mod mouse;
mod parser;

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::parser::{Parser, Token};
use crate::runtime::Input;
use crate::terminal;

/// Bytes that come so soon after others came together with them: no hand is so quick.
const TOGETHER: Duration = Duration::from_millis(5);
/// How much is taken together at most.
const TOGETHER_BYTES_MAX: usize = 1 << 20;
/// How much one read takes.
const READ_BYTES: usize = 4096;
/// Keys and signals that may wait for the loop.
const QUEUE_MAX: usize = 256;

/// Starts the keyboard thread and the signal task.
///
/// # Errors
/// When there is no terminal to read from, or a signal cannot be handled.
pub(crate) fn start() -> io::Result<(mpsc::Receiver<Input>, Keyboard)> {
    let tty = open_tty()?;
    let (held, holder) = io::pipe()?;
    let (held, holder) = (OwnedFd::from(held), OwnedFd::from(holder));
    let (sender, inputs) = mpsc::channel(QUEUE_MAX);
    let keyboard = sender.clone();
    std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
        let end = read_keyboard(&tty, &held, &keyboard);
        // An error here is the same as a hang-up: no key will ever come again.
        if end.is_err() || !keyboard.is_closed() {
            let _ = keyboard.blocking_send(Input::TerminalGone);
        }
    })?;
    tokio::spawn(read_signals(sender, Signals::new()?));
    Ok((inputs, Keyboard { holder }))
}

/// The thread that reads the keyboard, to be held while something else reads it.
#[derive(Debug)]
pub(crate) struct Keyboard {
    holder: OwnedFd,
}

impl Keyboard {
    /// Leaves the keyboard to another program.
    ///
    /// # Errors
    /// When the thread is gone.
    pub(crate) fn hold(&self) -> io::Result<()> {
        self.turn()
    }

    /// Reads the keyboard again.
    ///
    /// # Errors
    /// When the thread is gone.
    pub(crate) fn release(&self) -> io::Result<()> {
        self.turn()
    }

    /// Each byte turns the thread from reading to being held, and back.
    fn turn(&self) -> io::Result<()> {
        rustix::io::write(&self.holder, b".")?;
        Ok(())
    }
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

/// Reads keys until the terminal hangs up or nobody listens any more; a byte from `held` stops it until
/// another one comes.
fn read_keyboard(tty: &OwnedFd, held: &OwnedFd, keyboard: &mpsc::Sender<Input>) -> io::Result<()> {
    let (started, mut parser) = (Instant::now(), Parser::default());
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let now = started.elapsed();
        let wait = parser.due().map(|due| due.saturating_sub(now));
        let mut tokens = Vec::new();
        match wait_for_bytes(tty, Some(held), wait)? {
            Ready::HungUp => return Ok(()),
            Ready::Held => {
                let mut byte = [0];
                // The one that came, and the one that ends it.
                for _ in 0..2 {
                    if rustix::io::read(held, &mut byte)? == 0 {
                        return Ok(());
                    }
                }
            }
            Ready::Nothing => parser.expire(started.elapsed(), &mut tokens),
            Ready::Bytes => {
                // What comes right behind belongs to it: a paste, or keys that a slow link kept.
                let mut taken = 0;
                loop {
                    let read = rustix::io::read(tty, bytes.as_mut_slice())?;
                    if read == 0 {
                        return Ok(());
                    }
                    parser.push(
                        bytes.get(..read).unwrap_or_default(),
                        started.elapsed(),
                        &mut tokens,
                    );
                    taken += read;
                    let is_more =
                        matches!(wait_for_bytes(tty, None, Some(TOGETHER))?, Ready::Bytes);
                    if !is_more || taken > TOGETHER_BYTES_MAX {
                        break;
                    }
                }
            }
        }
        for input in inputs(tokens) {
            if keyboard.blocking_send(input).is_err() {
                return Ok(());
            }
        }
    }
}

/// What tokens mean to the loop; keys that came together stay together. An answer of the terminal
/// or a report of the mouse between them does not part them: pasted text would be typed one by one.
/// Keys that came together with the mouse count for nothing: a click moves the cursor, and which of
/// both was first must not decide whom a key means.
fn inputs(tokens: Vec<Token>) -> Vec<Input> {
    let is_aside =
        |token: &Token| matches!(token, Token::Status | Token::Background(_) | Token::Mouse(_));
    let has_mouse = tokens.iter().any(|token| matches!(token, Token::Mouse(_)));
    let (answers, others): (Vec<Token>, Vec<Token>) = tokens.into_iter().partition(is_aside);
    let answer = |token: Token| match token {
        Token::Background(color) => Input::Background(color),
        Token::Mouse(pointer) => Input::Pointer(pointer),
        _ => Input::TerminalAnswered,
    };
    let mut inputs: Vec<Input> = answers.into_iter().map(answer).collect();
    for token in others {
        match (token, inputs.last_mut()) {
            (Token::Key(_), Some(Input::KeysBesideMouse))
            | (Token::Status | Token::Background(_) | Token::Mouse(_), _) => {}
            (Token::Key(_), _) if has_mouse => inputs.push(Input::KeysBesideMouse),
            (Token::Key(key), Some(Input::Keys(keys))) => keys.push(key),
            (Token::Key(key), _) => inputs.push(Input::Keys(vec![key])),
            (Token::Paste(text), _) => inputs.push(Input::Paste(text)),
        }
    }
    inputs
}

/// What there is to read.
enum Ready {
    Bytes,
    Nothing,
    HungUp,
    /// Something else reads the keyboard for a while.
    Held,
}

fn wait_for_bytes(
    tty: &OwnedFd,
    held: Option<&OwnedFd>,
    wait: Option<Duration>,
) -> io::Result<Ready> {
    let timeout = wait.map(|wait| Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        // Up to the next millisecond, so that the wait is over when it ends.
        tv_nsec: i64::from(wait.subsec_nanos()),
    });
    let mut fds =
        [PollFd::new(tty, PollFlags::IN), PollFd::new(held.unwrap_or(tty), PollFlags::IN)];
    match poll(&mut fds, timeout.as_ref()) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Ready::Nothing),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let [ready, turned] = &fds;
    if held.is_some() && turned.revents().contains(PollFlags::IN) {
        return Ok(Ready::Held);
    }
    let is_gone = ready.revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
    Ok(if is_gone { Ready::HungUp } else { Ready::Bytes })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::pointer::{Pointer, PointerKind};

    fn read(bytes: &[u8]) -> Vec<Input> {
        let mut tokens = Vec::new();
        Parser::default().push(bytes, Duration::ZERO, &mut tokens);
        inputs(tokens)
    }

    #[test]
    fn an_answer_does_not_part_pasted_text() {
        let inputs = read(b"r\x1b[0nestart\x1b[0n");
        let [answers @ .., Input::Keys(keys)] = inputs.as_slice() else { panic!("{inputs:?}") };
        assert_eq!(answers, [Input::TerminalAnswered, Input::TerminalAnswered]);
        assert_eq!(keys.len(), "restart".len());
    }

    #[test]
    fn keys_that_came_together_with_the_mouse_count_for_nothing() {
        let click = Input::Pointer(Pointer { kind: PointerKind::Press, x: 2, y: 2 });
        for bytes in [&b"r\x1b[<0;3;3M"[..], b"\x1b[<0;3;3Mr", b"re\x1b[<0;3;3Mstart"] {
            assert_eq!(read(bytes), [click.clone(), Input::KeysBesideMouse]);
        }
    }
}
