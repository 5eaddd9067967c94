//! The borrowed terminal: raw mode, alternate screen, and a writer thread.
//!
//! Invariant: whatever way the program ends, the terminal is as it was; and no write to it ever
//! blocks anything but the writer thread. A frame is drawn into memory and handed over; while the
//! last one is not written, none is drawn.

use std::cell::RefCell;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap,
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{queue, style};
use ratatui::backend::{Backend, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use tokio::sync::mpsc;

use crate::app::App;
use crate::runtime::Surface;
use crate::view::{theme::Theme, view};

/// How long leaving waits for a terminal that does not read.
const LEAVE_WAIT: Duration = Duration::from_millis(500);

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

/// The bytes that take the screen.
fn enter_bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing into memory cannot fail.
    let _ = queue!(
        bytes,
        EnterAlternateScreen,
        EnableBracketedPaste,
        Hide,
        DisableLineWrap,
        Clear(ClearType::All)
    );
    bytes
}

/// The bytes that give the screen back.
fn leave_bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = queue!(
        bytes,
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        style::ResetColor,
        EnableLineWrap,
        Show,
        LeaveAlternateScreen
    );
    bytes
}

/// Gives the terminal back from anywhere, once: for the panic hook, where no writer can be asked.
pub(crate) fn restore_now() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        // Nothing can be done about a terminal that is gone.
        let _ = crossterm::terminal::disable_raw_mode();
        let mut out = io::stdout().lock();
        let _ = out.write_all(&leave_bytes());
        let _ = out.flush();
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
    inner: CrosstermBackend<Memory>,
    memory: Memory,
    size: Size,
}

/// What was drawn and not yet handed to the writer; shared because ratatui's backend owns its
/// writer and does not give it back.
#[derive(Clone, Default)]
struct Memory(Rc<RefCell<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MemoryBackend {
    fn new((columns, rows): (u16, u16)) -> Self {
        let memory = Memory::default();
        let inner = CrosstermBackend::new(memory.clone());
        Self { inner, memory, size: Size::new(columns, rows) }
    }

    fn take(&self) -> Vec<u8> {
        self.memory.0.take()
    }
}

impl Backend for MemoryBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        // Nothing changed: not even the colour resets are sent.
        if content.peek().is_none() { Ok(()) } else { self.inner.draw(content) }
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
        queue!(self.memory, style::ResetColor, MoveTo(0, 0), Clear(ClearType::All))
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
    theme: Theme,
    to_writer: SyncSender<Vec<u8>>,
    from_writer: mpsc::Receiver<io::Result<()>>,
    in_flight: usize,
}

impl Screen {
    /// Takes the terminal and starts the writer thread.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub(crate) fn enter(theme: Theme) -> io::Result<Self> {
        let backend = MemoryBackend::new(size()?);
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
        let mut screen = Self { terminal, theme, to_writer, from_writer, in_flight: 0 };
        screen.hand_over(enter_bytes())?;
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

    /// Gives the terminal back; waits at most half a second for one that does not read.
    pub(crate) async fn leave(&mut self) {
        if !ENTERED.swap(false, Ordering::SeqCst) {
            return;
        }
        // A frame that is stuck, or a terminal that is gone, must not keep the program.
        let _ = tokio::time::timeout(LEAVE_WAIT, self.settle()).await;
        if self.hand_over(leave_bytes()).is_ok() {
            let _ = tokio::time::timeout(LEAVE_WAIT, self.settle()).await;
        }
        let _ = crossterm::terminal::disable_raw_mode();
    }

    /// Takes the terminal again after [`Screen::leave`].
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub(crate) async fn enter_again(&mut self) -> io::Result<()> {
        enter_raw()?;
        self.settle().await?;
        self.hand_over(enter_bytes())?;
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

    fn draw(&mut self, app: &App) -> io::Result<()> {
        let (columns, rows) = app.size;
        self.terminal.backend_mut().size = Size::new(columns, rows);
        let theme = self.theme;
        self.terminal.draw(|frame| view(app, &theme, frame))?;
        let bytes = self.terminal.backend().take();
        if bytes.is_empty() {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(bytes.len() + 16);
        queue!(frame, BeginSynchronizedUpdate)?;
        frame.extend_from_slice(&bytes);
        queue!(frame, EndSynchronizedUpdate)?;
        self.hand_over(frame)
    }

    fn redraw(&mut self) {
        // Clearing memory cannot fail; the next draw then sends every cell.
        let _ = self.terminal.clear();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore_now();
    }
}
