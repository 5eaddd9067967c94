//! A log file in the user's pager: the terminal is handed over, and taken back as after Ctrl-Z.
//!
//! Invariant: what daemons say is taken in meanwhile, so that the bus is read and nothing is lost; the
//! keyboard is the pager's alone; no byte of the file comes through this program.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};
use memchr::memmem;
use tokio::process::Command;
use tokio::sync::mpsc;

use super::{Clock, Daemons, Keys};
use crate::app::App;
use crate::daemon::inbox::Inbox;
use crate::model::paged::Paged;
use crate::protocol::text::clean;
use crate::runtime::{self, Input, Pause};
use crate::terminal::{self, Screen};

/// How far back from its end a file is searched for the line, bytes.
const LOOK_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How much of it is read at a time.
const PIECE_BYTES: usize = 1024 * 1024;
/// How many bytes before the line are counted in lines.
const COUNT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How long looking at the file may take.
const LOOK_MAX: Duration = Duration::from_secs(2);
/// What a shell says of a program that it does not find.
const NOT_FOUND: i32 = 127;

/// Shows the file; the pause that ends the program, if one came meanwhile.
pub(super) async fn show(
    app: &mut App,
    screen: &mut Screen,
    keys: &mut Keys,
    (inbox, daemons, clock): (&Inbox, &mut Daemons, Clock),
) -> Result<Option<Pause>> {
    let Some(paged) = daemons.paged.take() else { return Ok(None) };
    let Some(path) = daemons.path_of(&paged) else {
        app.notify("the log file is not on this machine", true);
        return Ok(None);
    };
    let users = std::env::var("PAGER").ok().filter(|words| !words.trim().is_empty());
    let viewer = users.unwrap_or(if is_installed("lnav") { "lnav" } else { "less" }.to_owned());
    let wants = Wants::of(&viewer);
    let (look, line) = (path.clone(), paged.line);
    let looking = tokio::task::spawn_blocking(move || locate(&look, &line, wants));
    let place = match tokio::time::timeout(LOOK_MAX, looking).await {
        Ok(Ok(Ok(place))) => place,
        Ok(Ok(Err(error))) => {
            app.notify(format!("cannot open {}: {error}", said(&path)), true);
            return Ok(None);
        }
        Ok(Err(_)) | Err(_) => None,
    };
    let words = command(&viewer, wants, place);
    let mut program = Command::new("sh");
    program.arg("-c").arg(&words).arg("sh").arg(&path);
    let ended = hand_over(app, screen, keys, (inbox, daemons, clock), program, None).await?;
    let status = match ended {
        Ended::Pause(pause) => return Ok(Some(pause)),
        Ended::Status(status) => status,
    };
    let words = clean(&words).into_owned();
    match status {
        Ok(status) if status.code() == Some(NOT_FOUND) => {
            app.notify(format!("not found: {words}; PAGER says which pager"), true);
        }
        Ok(status) if !status.success() => app.notify(format!("the pager ended: {status}"), true),
        Ok(_) => {}
        Err(error) => app.notify(format!("cannot run sh: {error}"), true),
    }
    Ok(None)
}

/// Gives the terminal to a program until that ends; with a name, Enter is waited for then, so that what
/// it printed can be read.
///
/// # Errors
/// When the terminal cannot be taken again.
pub(super) async fn hand_over(
    app: &mut App,
    screen: &mut Screen,
    keys: &mut Keys,
    (inbox, daemons, clock): (&Inbox, &mut Daemons, Clock),
    mut program: Command,
    name: Option<&str>,
) -> Result<Ended> {
    screen.leave(keys.pacer.hear_out(&mut keys.inputs)).await;
    keys.keyboard.hold()?;
    let inputs = &mut keys.inputs;
    let running = async {
        let ended = run(&mut program, inputs).await;
        if let (Some(name), Ended::Status(Ok(status))) = (name, &ended) {
            let says = format!("{name} ended: {status}. Enter goes back.");
            let asks = "printf '\\n%s ' \"$1\"; read -r answer";
            let mut program = Command::new("sh");
            program.arg("-c").arg(asks).arg("sh").arg(says);
            if let Ended::Pause(pause) = run(&mut program, inputs).await {
                return Ended::Pause(pause);
            }
        }
        ended
    };
    let ended = runtime::attend(app, screen, inbox, daemons, move || clock.now(), running).await;
    keys.keyboard.release()?;
    screen.enter_again().await.wrap_err("cannot take the terminal again")?;
    app.resize(terminal::size()?);
    keys.pacer.hurry();
    app.is_dirty = true;
    Ok(ended)
}

/// Runs a program to its end, or to what ends this one.
async fn run(program: &mut Command, inputs: &mut mpsc::Receiver<Input>) -> Ended {
    match program.spawn() {
        Ok(mut child) => ended(&mut child, inputs).await,
        Err(error) => Ended::Status(Err(error)),
    }
}

/// A program of the user's own with its arguments: no shell.
pub(super) fn program(program: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// How it ended.
pub(super) enum Ended {
    Status(io::Result<ExitStatus>),
    Pause(Pause),
}

/// Waits for the pager's end, or for what ends the program.
async fn ended(child: &mut tokio::process::Child, inputs: &mut mpsc::Receiver<Input>) -> Ended {
    loop {
        tokio::select! {
            status = child.wait() => return Ended::Status(status),
            input = inputs.recv() => match input {
                // Ctrl-C is for the pager.
                Some(Input::Terminate(signal)) if signal != 2 => {
                    let _ = child.start_kill();
                    let _ = child.wait().await;
                    return Ended::Pause(Pause::Signal(signal));
                }
                Some(Input::TerminalGone) | None => {
                    let _ = child.start_kill();
                    return Ended::Pause(Pause::TerminalGone);
                }
                Some(_) => {}
            },
        }
    }
}

/// By what a pager is told the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// By its byte, from 0: however large the file, nothing is counted.
    Offset,
    /// By its line, from 1.
    Line,
    /// Not at all, as far as is known.
    Nothing,
}

impl Wants {
    fn of(pager: &str) -> Self {
        let program = pager.split_whitespace().next().unwrap_or_default();
        let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or_default();
        match name {
            "less" => Self::Offset,
            "more" | "most" | "vi" | "vim" | "view" | "nvim" | "nano" => Self::Line,
            _ => Self::Nothing,
        }
    }
}

/// The words of a shell that show the file `$1`, at this place where the pager can.
fn command(pager: &str, wants: Wants, place: Option<u64>) -> String {
    match (wants, place) {
        (Wants::Offset, Some(offset)) => format!("{pager} +{offset}P \"$1\""),
        (Wants::Line, Some(line)) => format!("{pager} +{line} \"$1\""),
        (Wants::Nothing, _) | (_, None) => format!("{pager} \"$1\""),
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn said(path: &Path) -> String {
    clean(&path.to_string_lossy()).into_owned()
}

/// Where in a file its last line with these bytes is, as far as that is near its end, and its number
/// is soon counted; whether the file can be read at all. Blocks.
fn locate(path: &Path, line: &[u8], wants: Wants) -> io::Result<Option<u64>> {
    // Of a FIFO that nobody writes to, opening would not end.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if line.is_empty() || wants == Wants::Nothing {
        return Ok(None);
    }
    let lowest = size.saturating_sub(LOOK_BYTES_MAX);
    let finder = memmem::FinderRev::new(line);
    let mut buffer = vec![0; PIECE_BYTES + line.len()];
    let mut end = size;
    while end > lowest {
        let start = end.saturating_sub(PIECE_BYTES as u64);
        // The pieces overlap by a line, so that one over the border is found.
        let until = (end + line.len() as u64).min(size);
        let wanted = usize::try_from(until - start).unwrap_or(0);
        let Some(piece) = buffer.get_mut(..wanted) else { return Ok(None) };
        file.read_exact_at(piece, start)?;
        if let Some(at) = finder.rfind(piece) {
            let offset = start + at as u64;
            return if wants == Wants::Line { number(&file, offset) } else { Ok(Some(offset)) };
        }
        end = start;
    }
    Ok(None)
}

/// The number of the line at a place, from 1; `None` where counting to there would take long.
fn number(file: &File, offset: u64) -> io::Result<Option<u64>> {
    if offset > COUNT_BYTES_MAX {
        return Ok(None);
    }
    let mut buffer = vec![0; PIECE_BYTES];
    let (mut at, mut lines) = (0, 1);
    while at < offset {
        let wanted = usize::try_from(offset - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let Some(piece) = buffer.get_mut(..wanted) else { return Ok(None) };
        file.read_exact_at(piece, at)?;
        lines += memchr::memchr_iter(b'\n', piece).count() as u64;
        at += wanted as u64;
    }
    Ok(Some(lines))
}

impl Daemons {
    /// The path of a file that is to be shown, if it is on this machine.
    fn path_of(&self, paged: &Paged) -> Option<PathBuf> {
        let home = self.homes.get(usize::from(paged.daemon.0))?.as_ref()?;
        Some(match &paged.path {
            Some(path) => home.join(&**path),
            None => home.join("pm2.log"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_is_the_users_and_is_told_where_by_what_it_understands() {
        let words = |pager: &str, place| command(pager, Wants::of(pager), place);
        assert_eq!(words("less", Some(7)), "less +7P \"$1\"");
        assert_eq!(words("less -S", Some(7)), "less -S +7P \"$1\"");
        assert_eq!(words("/usr/bin/less", None), "/usr/bin/less \"$1\"");
        for pager in ["most -w", "/bin/more", "vim -R", "view", "nvim", "nano -v"] {
            assert_eq!(words(pager, Some(7)), format!("{pager} +7 \"$1\""));
        }
        for pager in ["lnav", "bat", "lesser", "my pager"] {
            assert_eq!(words(pager, Some(7)), format!("{pager} \"$1\""));
        }
    }

    #[test]
    fn the_last_line_like_it_is_found_over_the_borders_of_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut text = b"needle 1\nneedle 2\n".to_vec();
        text.resize(3 * PIECE_BYTES, b'x');
        let border = 2 * PIECE_BYTES - 3;
        text.splice(border..border + 8, *b"needle 3");
        std::fs::write(&path, &text).unwrap();
        let numbered = |line: &[u8]| super::locate(&path, line, Wants::Line).unwrap();
        assert_eq!([b"needle 1", b"needle 2"].map(|line| numbered(line)), [Some(1), Some(2)]);
        assert_eq!(numbered(b"needle 3"), Some(3));
        assert_eq!(super::locate(&path, b"needle 1", Wants::Nothing).unwrap(), None);
        let locate = |path: &Path, line: &[u8]| super::locate(path, line, Wants::Offset);
        assert_eq!(locate(&path, b"needle 1").unwrap(), Some(0));
        assert_eq!(locate(&path, b"needle 3").unwrap(), Some(border as u64));
        assert_eq!(locate(&path, b"needle").unwrap(), Some(border as u64));
        assert_eq!(locate(&path, b"absent").unwrap(), None);
        assert_eq!(locate(&path, b"").unwrap(), None);
        assert!(
            locate(folder.path(), b"x").unwrap_err().to_string().contains("not a regular file")
        );
        assert!(locate(&folder.path().join("none"), b"x").is_err());
    }
}
