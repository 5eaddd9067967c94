//! The borrowed terminal: raw mode, alternate screen, and a writer thread.
//!
//! Invariant: whatever way the program ends, the terminal is as it was; and no write to it ever
//! blocks anything but the writer thread. A frame is drawn into memory and handed over; while the
//! last one is not written, none is drawn.

mod clipboard;
mod encode;
mod kind;

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap,
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use ratatui::backend::{Backend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use tokio::sync::mpsc;

pub(crate) use self::kind::Kind;
use crate::app::App;
use crate::app::pointer::{Pointer, Under};
use crate::runtime::Surface;
use crate::view::plain::Announced;
use crate::view::theme::{Ground, Theme};
use crate::view::{self, view};

/// How long leaving waits for a terminal that does not read.
const LEAVE_WAIT: Duration = Duration::from_millis(500);

/// Asks for the terminal's status. It answers `ESC[0n` when it has drawn all that came before.
const STATUS: &[u8] = b"\x1b[5n";

/// Asks which colour the ground has.
const BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\";
/// Have the mouse reported: its buttons, the wheel, and moves with a button held; and no more.
const MOUSE_ON: &[u8] = b"\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l";

/// Ends all colours and attributes.
const PLAIN: &[u8] = b"\x1b[m";
/// A frame of fewer bytes comes in one piece: it needs no marks to be shown at once.
const ONE_PIECE_BYTES: usize = 512;

/// What gives this program's terminal back.
static LEAVE_BYTES: OnceLock<Vec<u8>> = OnceLock::new();
/// Whether the terminal is ours now: entered and not yet left.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Takes the terminal: raw mode now; the alternate screen comes with the first frame.
///
/// # Errors
/// When raw mode cannot be set.
fn enter_raw() -> io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    Ok(())
}

/// The bytes that take the screen. They ask for the terminal's status first: so it shows early
/// whether it answers.
fn enter_bytes(kind: Kind, reports_mouse: bool) -> Vec<u8> {
    if kind.is_plain {
        return Vec::new();
    }
    let mut bytes = STATUS.to_vec();
    // Writing into memory cannot fail.
    if kind.has_alternate {
        let _ = queue!(bytes, EnterAlternateScreen);
    }
    if kind.is_modern {
        let _ = queue!(bytes, EnableBracketedPaste);
    }
    if reports_mouse {
        bytes.extend_from_slice(MOUSE_ON);
    }
    let _ = queue!(bytes, Hide, DisableLineWrap, Clear(ClearType::All));
    bytes
}

/// The bytes that give the screen back. Where there is no other screen to go back to, this one is
/// cleared and the cursor stands in its last row.
fn leave_bytes(kind: Kind) -> Vec<u8> {
    let mut bytes = Vec::new();
    if kind.is_plain {
        return bytes;
    }
    if kind.is_modern {
        let _ = queue!(bytes, EndSynchronizedUpdate, DisableBracketedPaste);
        bytes.extend_from_slice(MOUSE_OFF);
    }
    bytes.extend_from_slice(PLAIN);
    let _ = queue!(bytes, EnableLineWrap, Show);
    if kind.has_alternate {
        let _ = queue!(bytes, LeaveAlternateScreen);
    } else {
        // A terminal stops at its last row.
        let _ = queue!(bytes, Clear(ClearType::All), MoveTo(0, 998));
    }
    bytes
}

/// Gives the terminal back from anywhere, once: for the panic hook, where no writer can be asked. A
/// terminal that does not read is waited for half a second: the writer may be stuck in the middle of
/// a frame, with standard output locked.
pub(crate) fn restore_now() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        // Nothing can be done about a terminal that is gone.
        let _ = crossterm::terminal::disable_raw_mode();
        write_within_leave_wait(|| {
            let mut out = io::stdout().lock();
            let bytes = LEAVE_BYTES.get().map(Vec::as_slice);
            let _ = out.write_all(bytes.unwrap_or_default());
            let _ = out.flush();
        });
    }
}

/// Writes on a thread of its own, and waits for it at most [`LEAVE_WAIT`]; one that is stuck ends with
/// the program.
pub(crate) fn write_within_leave_wait(write: impl FnOnce() + Send + 'static) {
    let (done, written) = sync_channel(1);
    let thread = std::thread::Builder::new().name("last-words".to_owned());
    let started = thread.spawn(move || {
        write();
        let _ = done.send(());
    });
    if started.is_ok() {
        // Written, or not in time: the program ends either way.
        let _ = written.recv_timeout(LEAVE_WAIT);
    }
}

/// The size of the terminal that standard output is.
///
/// # Errors
/// When standard output is no terminal any more.
pub(crate) fn size() -> io::Result<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(io::stdout().as_fd())?;
    // A terminal that does not know its size says 0; the field's default is 80x24.
    Ok(match (size.ws_col, size.ws_row) {
        (0, _) | (_, 0) => (80, 24),
        known => known,
    })
}

/// A ratatui backend that draws into memory. The sizes come from the terminal, the cursor's place
/// is never asked (that would read from the terminal).
struct MemoryBackend {
    kind: Kind,
    /// What was drawn and not yet handed to the writer.
    drawn: Vec<u8>,
    size: Size,
}

impl Backend for MemoryBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        encode::cells(self.kind, content, &mut self.drawn);
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        // Hidden once on entering; this program never shows it.
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, _position: P) -> io::Result<()> {
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.drawn.extend_from_slice(PLAIN);
        queue!(self.drawn, Clear(ClearType::All))
    }

    fn clear_region(&mut self, _region: ratatui::backend::ClearType) -> io::Result<()> {
        // Only whole screens are cleared: the viewport is the whole screen.
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The real terminal as a surface for frames.
pub(crate) struct Screen {
    terminal: Terminal<MemoryBackend>,
    kind: Kind,
    theme: Theme,
    to_writer: SyncSender<Vec<u8>>,
    from_writer: mpsc::Receiver<io::Result<()>>,
    in_flight: usize,
    /// What goes out with the next frame.
    aside: Vec<u8>,
    /// What was said, where nothing is drawn.
    told: Announced,
    /// Whether the mouse is to be reported, and whether the terminal was told so.
    mouse: (bool, bool),
}

impl Screen {
    /// Takes the terminal and starts the writer thread.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub(crate) fn enter(kind: Kind, theme: Theme, reports_mouse: bool) -> io::Result<Self> {
        let (columns, rows) = size()?;
        let size = Size::new(columns, rows);
        let backend = MemoryBackend { kind, drawn: Vec::new(), size };
        LEAVE_BYTES.get_or_init(|| leave_bytes(kind));
        enter_raw()?;
        let options = TerminalOptions { viewport: Viewport::Fullscreen };
        let terminal = Terminal::with_options(backend, options)?;
        // One frame is written while the next could wait; more are never handed over.
        let (to_writer, frames) = sync_channel::<Vec<u8>>(2);
        let (written, from_writer) = mpsc::channel(4);
        std::thread::Builder::new().name("terminal-writer".to_owned()).spawn(move || {
            while let Ok(bytes) = frames.recv() {
                let mut out = io::stdout().lock();
                let result = out.write_all(&bytes).and_then(|()| out.flush());
                let failed = result.is_err();
                if written.blocking_send(result).is_err() || failed {
                    return;
                }
            }
        })?;
        let mut screen = Self {
            terminal,
            kind,
            theme,
            to_writer,
            from_writer,
            in_flight: 0,
            aside: Vec::new(),
            told: Announced::default(),
            mouse: (reports_mouse, reports_mouse),
        };
        // Before its status is asked for: the answers come in this order.
        let asks = kind.is_modern && screen.theme.asks_for_ground();
        let mut bytes = if asks { BACKGROUND.to_vec() } else { Vec::new() };
        bytes.extend(enter_bytes(kind, reports_mouse));
        screen.hand_over(bytes)?;
        Ok(screen)
    }

    fn hand_over(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self.to_writer.try_send(bytes) {
            Ok(()) => {
                self.in_flight += 1;
                Ok(())
            }
            Err(_) => Err(io::Error::other("the terminal's writer has ended")),
        }
    }

    async fn settle(&mut self) -> io::Result<()> {
        while self.in_flight > 0 {
            self.written().await?;
        }
        Ok(())
    }

    /// Waits for one hand-over to be written. Cancel-safe.
    async fn written(&mut self) -> io::Result<()> {
        match self.from_writer.recv().await {
            Some(result) => {
                self.in_flight -= 1;
                result
            }
            None => Err(io::Error::other("the terminal's writer has ended")),
        }
    }

    /// Gives the terminal back; waits at most half a second for one that does not read, and then
    /// for what it still has to say, which must not be echoed.
    pub(crate) async fn leave(&mut self, heard_out: impl Future<Output = ()>) {
        if !ENTERED.swap(false, Ordering::SeqCst) {
            return;
        }
        // A frame that is stuck, or a terminal that is gone, must not keep the program.
        let _ = tokio::time::timeout(LEAVE_WAIT, self.settle()).await;
        if self.hand_over(leave_bytes(self.kind)).is_ok() {
            let _ = tokio::time::timeout(LEAVE_WAIT, self.settle()).await;
        }
        heard_out.await;
        let _ = crossterm::terminal::disable_raw_mode();
    }

    /// Takes the terminal again after [`Screen::leave`].
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub(crate) async fn enter_again(&mut self) -> io::Result<()> {
        enter_raw()?;
        self.settle().await?;
        self.mouse.1 = self.mouse.0;
        self.hand_over(enter_bytes(self.kind, self.mouse.0))?;
        self.redraw();
        Ok(())
    }
}

impl Surface for Screen {
    fn is_busy(&self) -> bool {
        self.in_flight > 0
    }

    async fn wait_idle(&mut self) -> io::Result<()> {
        self.written().await
    }

    fn draw(&mut self, app: &App, asks: bool) -> io::Result<usize> {
        if self.kind.is_plain {
            // Nobody who reads lines answers, so nothing is asked.
            let lines = view::plain::news(app, &mut self.told).into_iter();
            self.hand_over(
                lines.flat_map(|line| line.into_bytes().into_iter().chain(*b"\r\n")).collect(),
            )?;
            return Ok(0);
        }
        let (columns, rows) = app.size;
        self.terminal.backend_mut().size = Size::new(columns, rows);
        let theme = self.theme;
        self.terminal.draw(|frame| view(app, &theme, frame))?;
        let mut frame = std::mem::take(&mut self.terminal.backend_mut().drawn);
        frame.append(&mut self.aside);
        if self.mouse.0 != self.mouse.1 {
            self.mouse.1 = self.mouse.0;
            frame.extend_from_slice(if self.mouse.0 { MOUSE_ON } else { MOUSE_OFF });
        }
        if frame.is_empty() {
            return Ok(0);
        }
        if self.kind.is_modern && frame.len() > ONE_PIECE_BYTES {
            let bytes = std::mem::take(&mut frame);
            queue!(frame, BeginSynchronizedUpdate)?;
            frame.extend_from_slice(&bytes);
            queue!(frame, EndSynchronizedUpdate)?;
        }
        if asks {
            frame.extend_from_slice(STATUS);
        }
        let bytes = frame.len();
        self.hand_over(frame)?;
        Ok(bytes)
    }

    fn redraw(&mut self) {
        self.told = Announced::default();
        // Clearing memory cannot fail; the next draw then sends every cell.
        let _ = self.terminal.clear();
    }

    fn background(&mut self, color: [u8; 3]) {
        if self.theme.asks_for_ground() {
            self.theme = self.theme.on(Ground::of_color(color));
        }
    }

    fn report_mouse(&mut self, is_wanted: bool) {
        self.mouse.0 = is_wanted && self.kind.is_modern;
    }

    fn under(&self, app: &App, pointer: Pointer) -> Under {
        view::under(app, &self.theme, pointer)
    }

    fn copy(&mut self, text: &[u8]) {
        if self.kind.is_modern {
            let is_in_tmux = std::env::var_os("TMUX").is_some_and(|tmux| !tmux.is_empty());
            self.aside.extend(clipboard::sequence(text, is_in_tmux));
        }
    }

    fn ring(&mut self, bytes: &str) {
        // What is no bell is a sequence that an old terminal would print.
        if self.kind.is_modern || bytes == "\x07" {
            self.aside.extend_from_slice(bytes.as_bytes());
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore_now();
    }
}
