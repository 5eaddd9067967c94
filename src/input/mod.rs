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

use self::parser::{ESC_WAIT, Parser, Token};
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
                let (begun, mut taken) = (Instant::now(), 0);
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
                    let wait = wait_for_more(&tokens, parser.is_unfinished(), begun.elapsed());
                    let is_more = matches!(wait_for_bytes(tty, None, Some(wait))?, Ready::Bytes);
                    if !is_more || taken > TOGETHER_BYTES_MAX {
                        break;
                    }
                }
            }
        }
        for input in inputs(tokens, parser.is_unfinished()) {
            if keyboard.blocking_send(input).is_err() {
                return Ok(());
            }
        }
    }
}

/// How long what comes still belongs to what came within this time. A key before a sequence that is
/// not whole waits for the rest of it: whether that is an answer of the terminal decides whether the
/// key was pressed alone.
fn wait_for_more(tokens: &[Token], is_unfinished: bool, since: Duration) -> Duration {
    let has_key = tokens.iter().any(|token| matches!(token, Token::Key(_)));
    let rest = if has_key && is_unfinished { ESC_WAIT } else { Duration::ZERO };
    rest.saturating_sub(since).max(TOGETHER)
}

/// What tokens mean to the loop; keys that came together stay together. An answer of the terminal
/// or a report of the mouse between them does not part them: pasted text would be typed one by one.
/// Keys that came together with the mouse count for nothing: a click moves the cursor, and which of
/// both was first must not decide whom a key means. Keys beside anything else that is no key, or
/// before a sequence that `is_unfinished`, may be a part of it; only answers that were asked for may
/// come beside a key.
fn inputs(tokens: Vec<Token>, is_unfinished: bool) -> Vec<Input> {
    let has_mouse = tokens.iter().any(|token| matches!(token, Token::Mouse(_)));
    let may_be_beside =
        |token: &Token| matches!(token, Token::Key(_) | Token::Status | Token::Background(_));
    let is_noisy = is_unfinished || !tokens.iter().all(may_be_beside);
    let (mut inputs, mut others) = (Vec::new(), Vec::new());
    for token in tokens {
        match (token, others.last_mut()) {
            (Token::Status, _) => inputs.push(Input::TerminalAnswered),
            (Token::Background(color), _) => inputs.push(Input::Background(color)),
            (Token::Mouse(pointer), _) => inputs.push(Input::Pointer(pointer)),
            (Token::Noise, _) | (Token::Key(_), Some(Input::KeysBesideMouse)) => {}
            (Token::Paste(text), _) => others.push(Input::Paste(text)),
            (Token::Key(key), Some(Input::Keys(keys) | Input::KeysBesideNoise(keys))) => {
                keys.push(key);
            }
            (Token::Key(_), _) if has_mouse => others.push(Input::KeysBesideMouse),
            (Token::Key(key), _) if is_noisy => others.push(Input::KeysBesideNoise(vec![key])),
            (Token::Key(key), _) => others.push(Input::Keys(vec![key])),
        }
    }
    inputs.extend(others);
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
        let mut parser = Parser::default();
        parser.push(bytes, Duration::ZERO, &mut tokens);
        inputs(tokens, parser.is_unfinished())
    }

    #[test]
    fn an_answer_does_not_part_pasted_text() {
        let inputs = read(b"r\x1b[0nestart\x1b[0n");
        let [answers @ .., Input::Keys(keys)] = inputs.as_slice() else { panic!("{inputs:?}") };
        assert_eq!(answers, [Input::TerminalAnswered, Input::TerminalAnswered]);
        assert_eq!(keys.len(), "restart".len());
    }

    /// What one turn makes of pieces that come one after the other.
    fn read_in_pieces(pieces: &[&[u8]]) -> Vec<Input> {
        let (mut parser, mut tokens) = (Parser::default(), Vec::new());
        for piece in pieces {
            parser.push(piece, Duration::ZERO, &mut tokens);
        }
        inputs(tokens, parser.is_unfinished())
    }

    #[test]
    fn a_key_beside_an_answer_was_pressed_alone() {
        for answer in
            [&b"\x1b[0n"[..], b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\", b"\x9d11;rgb:1e/1e/2e\x07"]
        {
            for at in 0..=answer.len() {
                let (head, tail) = answer.split_at(at);
                for pieces in [
                    [&[b"y", head].concat()[..], tail],
                    [head, &[tail, b"y"].concat()],
                    [&[b"y", head].concat(), &[tail, answer].concat()],
                ] {
                    let inputs = read_in_pieces(&pieces);
                    let [answers @ .., Input::Keys(keys)] = &inputs[..] else {
                        panic!("{pieces:?}: {inputs:?}")
                    };
                    assert_eq!(keys.len(), 1, "{pieces:?}");
                    assert!(!answers.is_empty(), "{pieces:?}");
                }
                let pieces = [&[b"dep", head].concat()[..], &[tail, b"loy"].concat()];
                let inputs = read_in_pieces(&pieces);
                assert!(
                    matches!(inputs.last(), Some(Input::Keys(keys)) if keys.len() == 6),
                    "{inputs:?}"
                );
            }
        }
    }

    #[test]
    fn a_key_before_a_sequence_that_is_not_whole_waits_for_its_rest() {
        const MS: Duration = Duration::from_millis(1);
        for (bytes, since, wanted) in [
            (&b"y"[..], 0, TOGETHER),
            (b"y\x1b[0n", 0, TOGETHER),
            (b"y\x1b[0", 0, ESC_WAIT),
            (b"y\x1b", 0, ESC_WAIT),
            (b"y\x1b]11;rgb", 20, 30 * MS),
            (b"y\xe6", 48, TOGETHER),
            (b"y\x1b[0", 70, TOGETHER),
            // What the next read begins with is its rest, too; nothing waits for it.
            (b"\x1b[0", 0, TOGETHER),
            (b"\x1b", 0, TOGETHER),
        ] {
            let (mut parser, mut tokens) = (Parser::default(), Vec::new());
            parser.push(bytes, Duration::ZERO, &mut tokens);
            let wait = wait_for_more(&tokens, parser.is_unfinished(), since * MS);
            assert_eq!(wait, wanted, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn keys_that_came_together_with_the_mouse_count_for_nothing() {
        let click = Input::Pointer(Pointer { kind: PointerKind::Press, x: 2, y: 2 });
        for bytes in [&b"r\x1b[<0;3;3M"[..], b"\x1b[<0;3;3Mr", b"re\x1b[<0;3;3Mstart"] {
            assert_eq!(read(bytes), [click.clone(), Input::KeysBesideMouse]);
        }
    }

    #[test]
    fn keys_beside_what_is_no_key_are_not_keys_of_their_own() {
        for noise in [
            // The mouse in forms that nobody asks for: X10, UTF-8, urxvt; one that has no meaning.
            &b"\x1b[M !!"[..],
            b"\x1b[M \xc3\xb9y",
            b"\x1b[35;20;5M",
            b"\x1b[<35;20;5M",
            // Focus, attributes, kitty's reports, releases, keys with Super.
            b"\x1b[I",
            b"\x1b[?62;22c",
            b"\x1b[?1u",
            b"\x1b[114;1:3u",
            b"\x1b[114;9u",
            b"\x1b[[C",
            b"\x1bOr",
            // Strings, whole and broken off.
            b"\x1bP>|XTerm(380)\x1b\\",
            b"\x1b]52;c;eQ==\x07",
            b"\x1b]0;ti\x18",
            b"\x1b[12\x1b[A",
            // Characters that are none, and pastes.
            b"\xe6\xbc",
            b"\xed\xa0\x80",
            b"\x80",
            b"\x1b[200~a\x1b[201~",
            b"\x1b[201~",
        ] {
            for bytes in [[noise, b"y"].concat(), [b"y", noise].concat()] {
                let inputs = read(&bytes);
                let is_alone = inputs
                    .iter()
                    .any(|input| matches!(input, Input::Keys(keys) if keys.len() == 1));
                assert!(!is_alone, "{}: {inputs:?}", bytes.escape_ascii());
            }
        }
        for begun in [&b"y\x1b"[..], b"y\x1b[<0;1;1", b"y\x1b]11;", b"y\x1b[200~a", b"y\xe6"] {
            let inputs = read(begun);
            assert!(matches!(&inputs[..], [Input::KeysBesideNoise(_)]), "{inputs:?}");
        }
    }

    #[test]
    fn what_comes_after_a_sequence_that_was_given_up_may_be_its_rest() {
        for begun in [&b"\x1b[<0;1;1"[..], b"\x1b]11;rgb", b"\x1b[M ", b"\x1b[200~a", b"\xe6"] {
            let (mut parser, mut tokens) = (Parser::default(), Vec::new());
            parser.push(begun, Duration::ZERO, &mut tokens);
            let mut press = |at_s| {
                let mut tokens = Vec::new();
                parser.push(b"y", Duration::from_secs(at_s), &mut tokens);
                inputs(tokens, parser.is_unfinished()).pop()
            };
            let is_key = |input: Option<Input>| matches!(input, Some(Input::Keys(_)));
            assert!(!is_key(press(20)), "{}", begun.escape_ascii());
            assert!(is_key(press(21)), "{}", begun.escape_ascii());
        }
    }
}
