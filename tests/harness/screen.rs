//! A program in a pseudo-terminal, and what its terminal shows.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::fs::OFlags;
use rustix::process::Signal;
use tempfile::TempDir;

use super::procfs::Proc;
use super::terminal::{Modes, Search, Shared};
use super::{PATIENCE, now, poll_for, wait_until};

/// The program under test.
pub const COCKPIT: &str = env!("CARGO_BIN_EXE_pm2-tui");

/// A program in a pseudo-terminal.
pub struct Screen {
    child: Option<Box<dyn Child + Send + Sync>>,
    process: Proc,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    /// The program's side, held so that its modes can be read.
    slave: Option<File>,
    modes_before: Modes,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    /// When the program was started.
    pub spawned: Instant,
    /// Its `HOME`, where the caller gave none.
    home: TempDir,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ending {
    /// Exit code; 128 + N where signal N ended it.
    pub code: i32,
    /// The end of what it wrote to the terminal.
    pub tail: Vec<u8>,
    /// The terminal's modes before it and after it.
    pub modes: (Modes, Modes),
}

/// A program whose terminal is gone.
pub struct HungUp {
    child: Box<dyn Child + Send + Sync>,
}

impl HungUp {
    /// Whether it ends in time; if not, it is killed.
    pub fn ends_within(mut self, limit: Duration) -> bool {
        let ended = poll_for(limit, || self.child.try_wait().unwrap());
        if ended.is_none() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
        ended.is_some()
    }
}

/// How long what a program wrote before its end may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long a key may be on its way to the program; then another one has the terminal.
const OTHERS_KEY: Duration = Duration::from_secs(2);

impl Screen {
    /// pm2-tui in a terminal of this size (columns, rows).
    pub fn cockpit(size: (u16, u16), arguments: &[&str]) -> Self {
        Self::program(size, COCKPIT, arguments, &[])
    }

    /// A program with nothing in its environment but the terminal's variables, a home and this.
    pub fn program(
        size: (u16, u16),
        program: impl AsRef<Path>,
        arguments: &[&str],
        environment: &[(String, String)],
    ) -> Self {
        Self::spawn(size, program.as_ref(), arguments, environment, None)
    }

    /// The folder that it works in, which is its `HOME` where the caller gave none.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// The same, with a reader that only looks for `marker` in the bytes.
    pub fn searched(
        size: (u16, u16),
        program: impl AsRef<Path>,
        arguments: &[&str],
        environment: &[(String, String)],
        marker: &'static str,
    ) -> Self {
        let search = Search { marker: marker.as_bytes(), found: None };
        Self::spawn(size, program.as_ref(), arguments, environment, Some(search))
    }

    fn spawn(
        size: (u16, u16),
        program: &Path,
        arguments: &[&str],
        environment: &[(String, String)],
        search: Option<Search>,
    ) -> Self {
        let home = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
        let pair = native_pty_system().openpty(pty_size(size)).unwrap();
        let slave = OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::NOCTTY.bits() as i32)
            .open(pair.master.tty_name().unwrap())
            .unwrap();
        let modes_before = Modes::of(&slave);

        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(home.path());
        command.env_clear();
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("COLORTERM", "truecolor"),
            ("LANG", "C.UTF-8"),
            ("HOME", home.path().to_str().unwrap()),
        ] {
            command.env(name, value);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let shared = Arc::new(Shared::new(size, search));
        let from = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let reader = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.read(from)
        });
        let spawned = now();
        let child = pair.slave.spawn_command(command).unwrap();
        let process = Proc::find(child.process_id().unwrap() as i32).unwrap();
        Self {
            child: Some(child),
            process,
            master: Some(pair.master),
            writer: Some(writer),
            slave: Some(slave),
            modes_before,
            shared,
            reader: Some(reader),
            spawned,
            home,
        }
    }

    /// The process.
    pub fn process(&self) -> Proc {
        self.process
    }

    /// The screen's rows.
    pub fn text(&self) -> String {
        self.shared.lock().text()
    }

    /// Bytes that came to the terminal so far.
    pub fn bytes(&self) -> u64 {
        self.shared.lock().bytes
    }

    /// When the first byte came.
    pub fn first_byte(&self) -> Option<Instant> {
        self.shared.lock().first_byte
    }

    /// When the reader of [`Self::searched`] saw what it looks for.
    pub fn found(&self) -> Option<Instant> {
        self.shared.lock().search.as_ref()?.found
    }

    /// Waits until the screen's text is as wanted, and gives it. Panics with the whole screen
    /// after [`PATIENCE`].
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        match self.wait_within(PATIENCE, is_there) {
            Ok(text) => text,
            Err((why, text)) => {
                panic!("{why} while waiting for {what}; the screen:\n{}", text.trim_end())
            }
        }
    }

    /// Waits until `ready` holds of something that the screen acts on, and panics with the whole
    /// screen after [`PATIENCE`].
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut ready: impl FnMut() -> bool) {
        assert!(
            poll_for(PATIENCE, || ready().then_some(())).is_some(),
            "waited {PATIENCE:?} in vain: {what}; the screen:\n{}",
            self.text().trim_end()
        );
    }

    /// Waits until the screen's text is as wanted; otherwise why not, and the screen.
    pub fn wait_within(
        &mut self,
        limit: Duration,
        is_there: impl Fn(&str) -> bool,
    ) -> Result<String, (String, String)> {
        let mut deadline = now() + limit;
        let mut ended = None;
        loop {
            if ended.is_none() {
                ended = self.try_wait();
                // Its last words may still be on their way.
                deadline = ended.as_ref().map_or(deadline, |_| deadline.min(now() + LAST_WORDS));
            }
            let state = self.shared.lock();
            let text = state.text();
            if is_there(&text) {
                return Ok(text);
            }
            if now() >= deadline {
                let why = ended.map_or_else(
                    || format!("{limit:?} passed"),
                    |status| format!("the program ended ({status:?})"),
                );
                return Err((why, text));
            }
            let pause = Duration::from_millis(50);
            drop(self.shared.changed.wait_timeout(state, pause).unwrap());
        }
    }

    fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().unwrap()
    }

    /// Sends what a keyboard would.
    pub fn press(&mut self, keys: &str) {
        self.send(keys.as_bytes());
    }

    /// Sends keys one after the other, as hands do: what comes at once was pasted.
    pub fn press_each(&mut self, keys: &[&str]) {
        for key in keys {
            self.press_alone(key);
            std::thread::sleep(Duration::from_millis(40));
        }
    }

    /// Sends a key and waits until the program's keyboard thread has read it. A busy kernel hands it over
    /// late, and until then it does not count as unread either: the next key would come together with it.
    fn press_alone(&mut self, key: &str) {
        let read = |process: Proc| process.bytes_read_by("keyboard");
        let before = read(self.process);
        self.press(key);
        if let Some(before) = before {
            let wanted = before + key.len() as u64;
            // While another program has the terminal the thread reads nothing.
            let _ = poll_for(OTHERS_KEY, || (read(self.process)? >= wanted).then_some(()));
        }
        self.wait_read();
    }

    /// Presses Esc alone: a key that follows at once would make another key of it, as from a terminal.
    pub fn escape(&mut self) {
        self.press_alone("\x1b");
        // The program waits 50 ms for the rest of a sequence, and then its thread has to come to run.
        std::thread::sleep(Duration::from_millis(80));
        self.wait_read();
    }

    /// Waits until the program has read all that was sent, and has done what it does about it: what is sent
    /// then does not come together with that, however busy the machine is.
    pub fn wait_read(&self) {
        let slave = self.slave.as_ref().expect("not hung up");
        wait_until("all that was sent is read", || {
            rustix::io::ioctl_fionread(slave).unwrap() == 0 && self.process.rests()
        });
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        let writer = self.writer.as_mut().expect("not hung up");
        writer.write_all(bytes).unwrap();
        writer.flush().unwrap();
    }

    /// Makes the terminal larger or smaller, and tells the program.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.shared.lock().resize(size);
        let master = self.master.as_ref().expect("not hung up");
        master.resize(pty_size(size)).unwrap();
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// The terminal takes no more output: what the program writes fills the kernel's buffer.
    pub fn stop_reading(&self) {
        self.shared.lock().is_reading = false;
    }

    /// Stops reading and has a program that draws after a resize do so until its terminal's buffer
    /// in the kernel is full: from then on every write to it blocks.
    #[track_caller]
    pub fn block(&mut self) {
        self.stop_reading();
        let (columns, rows) = self.size();
        let mut written = self.process.written_bytes();
        let mut silent = 0;
        for turn in 0..400_u16 {
            self.resize((columns + turn % 2, rows));
            // Longer than the shortest time between two frames.
            std::thread::sleep(Duration::from_millis(50));
            let before = std::mem::replace(&mut written, self.process.written_bytes());
            // A frame is some thousand bytes; requests to the daemon and wake-ups are few.
            silent = if written - before < 1000 { silent + 1 } else { 0 };
            if silent == 10 {
                self.resize((columns, rows));
                return;
            }
        }
        panic!("the terminal takes frame after frame though nobody reads it");
    }

    /// The terminal takes output again.
    pub fn resume_reading(&self) {
        self.shared.lock().is_reading = true;
        self.shared.changed.notify_all();
    }

    /// The terminal's modes now.
    pub fn modes(&self) -> Modes {
        Modes::of(self.slave.as_ref().expect("not hung up"))
    }

    /// Waits for the program's end.
    #[track_caller]
    pub fn wait_exit(mut self) -> Ending {
        let status = poll_for(PATIENCE, || self.try_wait());
        let Some(status) = status else {
            panic!("no end within {PATIENCE:?}; the screen:\n{}", self.text());
        };
        let after = self.modes();
        // With the last of its side closed, the reader comes to an end after all that was written.
        self.slave = None;
        self.reader.take().unwrap().join().unwrap();
        Ending {
            code: match status.signal() {
                Some(name) => panic!("a signal ended the program: {name}"),
                None => status.exit_code() as i32,
            },
            tail: self.shared.lock().tail.clone(),
            modes: (self.modes_before.clone(), after),
        }
    }

    /// Takes the terminal away, as a dropped SSH connection does.
    pub fn hang_up(mut self) -> HungUp {
        self.shared.lock().is_over = true;
        // The reader sits in a read on its own copy of the terminal; a redraw lets it go.
        let (columns, rows) = self.size();
        self.resize((columns - 1, rows));
        let reader = self.reader.take().unwrap();
        wait_until("the program draws after a resize", || reader.is_finished());
        reader.join().unwrap();
        // Dropped, this writes a line feed and an end-of-file character: still the keyboard.
        self.writer = None;
        self.slave = None;
        self.master = None;
        HungUp { child: self.child.take().expect("not hung up") }
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        let size = self.shared.lock().parser.screen().size();
        (size.1.get(), size.0.get())
    }

    /// Moves the selection to the process of this name.
    #[track_caller]
    pub fn select(&mut self, name: &str) {
        self.wait_for(&format!("the row of {name}"), |text| {
            row(text, name).is_some() && text.lines().any(is_selected)
        });
        for _ in 0..100 {
            let text = self.text();
            let at = |wanted: &dyn Fn(&str) -> bool| text.lines().position(wanted);
            let target = at(&|line| row(line, name).is_some()).unwrap();
            let marked = at(&is_selected).unwrap();
            if target == marked {
                return;
            }
            self.press(if target > marked { "j" } else { "k" });
            self.wait_for("the selection to move", |text| {
                text.lines().position(is_selected) != Some(marked)
            });
        }
        panic!("could not select {name}:\n{}", self.text());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.child.is_some() {
            let below = self.process.descendants();
            self.process.signal(Signal::KILL);
            for process in below {
                process.signal(Signal::KILL);
            }
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
        self.slave = None;
        {
            let mut state = self.shared.lock();
            state.is_over = true;
            self.shared.changed.notify_all();
        }
        self.writer = None;
        self.master = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// The table's row of the process of this name: a line with the name as a word of its own, above
/// the log.
pub fn row<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .take_while(|line| !is_log_title(line))
        .find(|line| line.split_whitespace().any(|word| word == name))
}

/// Whether a line of the screen is the selected one of its pane, in front or behind.
pub fn is_selected(line: &str) -> bool {
    line.starts_with(['▌', '▏'])
}

/// Whether a line of the screen is the title of the log, in front or behind.
pub fn is_log_title(line: &str) -> bool {
    line.starts_with("━ Log ") || line.starts_with("─ Log ")
}

/// Whether a line of the screen is the title of the table, in front or behind.
pub fn is_table_title(line: &str) -> bool {
    line.starts_with("━ Processes ") || line.starts_with("─ Processes ")
}

/// The lines of the log that are on the screen.
pub fn log_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().skip_while(|line| !is_log_title(line)).skip(1)
}

/// Whether the row of this name holds this.
pub fn row_says(text: &str, name: &str, words: &str) -> bool {
    row(text, name).is_some_and(|line| line.contains(words))
}

fn pty_size(size: (u16, u16)) -> PtySize {
    PtySize { rows: size.1, cols: size.0, pixel_width: 0, pixel_height: 0 }
}
