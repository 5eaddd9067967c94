//! The shell around the pure app: the loop, frame pacing, effects.
//!
//! Invariant: the loop never waits for the daemon or the terminal. `select!` only names what
//! happened, `update` decides, this module acts. A due frame outranks input, input outranks data,
//! data is taken in batches with a bound; nothing is drawn while nothing visible changed.

use std::io;
use std::time::Duration;

use crossterm::event::KeyEvent;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::app::alerted::Alerted;
use crate::app::effect::{Effect, Effects};
use crate::app::gate::{Admitted, Gate};
use crate::app::message::Message;
use crate::app::pointer::{Pointer, Under};
use crate::app::{App, update};
use crate::daemon::inbox::Inbox;
use crate::logs::{Reach, Saving, Scope};
use crate::model::bundle::Material;
use crate::model::call::NamedCall;
use crate::model::errand::{Task, TaskId};
use crate::model::moment::Moment;
use crate::model::paged::Paged;
use crate::model::past::{Again, PartRead};
use crate::model::ready::Ready;
use crate::model::report::Report;
use crate::model::trigger::Trigger;
use crate::model::{Action, DaemonId, Target};
use crate::pacing::Pacing;
use crate::protocol::process::PmId;

/// The most log lines taken into the app in one turn of the loop.
const LINES_A_TURN_MAX: usize = 8_192;
/// The shortest time between two turns that take data in: a flood is taken in gulps, each of which
/// wakes the loop once.
const DATA_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Where frames go.
pub trait Surface {
    /// Whether the last frame is still being written: then none may be drawn.
    fn is_busy(&self) -> bool;
    /// Waits until the surface is not busy or has failed. Cancel-safe; only called while busy.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn wait_idle(&mut self) -> impl Future<Output = io::Result<()>>;
    /// Draws the app into memory and hands the bytes over, how many it returns; never blocks. With
    /// `asks`, the terminal is asked behind a frame that has any bytes whether it has drawn it.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn draw(&mut self, app: &App, asks: bool) -> io::Result<usize>;
    /// Makes the next frame draw every cell.
    fn redraw(&mut self);
    /// Has the terminal copy a clean text, with the next frame.
    fn copy(&mut self, text: &[u8]);
    /// Has the terminal ring or notify, with the next frame.
    fn ring(&mut self, _bytes: &str) {}
    /// The terminal said which colour its ground has: red, green, blue.
    fn background(&mut self, _color: [u8; 3]) {}
    /// Has the terminal report the mouse, or not, with the next frame.
    fn report_mouse(&mut self, _is_wanted: bool) {}
    /// What stands under the mouse.
    fn under(&self, _app: &App, _pointer: Pointer) -> Under {
        Under::default()
    }
}

/// What the effects reach. Nothing here waits.
pub trait World {
    /// Has a daemon act on processes.
    fn act(&mut self, daemon: DaemonId, action: Action, targets: Vec<Target>);
    /// Has a daemon do a task.
    fn perform(&mut self, daemon: DaemonId, id: TaskId, task: Task);
    /// Has a daemon's method called.
    fn call(&mut self, daemon: DaemonId, call: NamedCall);
    /// Leaves undone what has not begun.
    fn halt(&mut self);
    /// Has older lines of log files read, of these processes or of all.
    fn older(&mut self, daemon: DaemonId, of: Vec<PmId>, reach: Reach, room: usize);
    /// Goes on reading older lines.
    fn older_on(&mut self, daemon: DaemonId);
    /// Leaves older lines unread.
    fn halt_older(&mut self);
    /// Has parts of log files read again.
    fn reread(&mut self, daemon: DaemonId, parts: Vec<(Again, PartRead)>);
    /// Has an action of apps triggered.
    fn trigger(&mut self, daemon: DaemonId, trigger: Trigger);
    /// Reads all of this process with each poll, or of none.
    fn examine(&mut self, daemon: DaemonId, pm_id: Option<PmId>);
    /// Has the sizes of the log files of these lines looked at often.
    fn watch_sizes(&mut self, scope: Scope);
    /// Has an incident bundle of a daemon written.
    fn bundle(&mut self, daemon: DaemonId, material: Material);
    /// Has lines of the log saved.
    fn save_log(&mut self, saving: Saving);
    /// Has a log file shown in a pager as soon as the loop has returned [`Pause::Pager`].
    fn page(&mut self, paged: Paged);
    /// Has a command of the user's own run as soon as the loop has returned [`Pause::Pager`].
    fn run(&mut self, ready: Ready);
    /// Has a line appended to the audit file.
    fn audit(&mut self, _line: String) {}
    /// Has the user's command run for a process that is errored.
    fn alert(&mut self, _alerted: Alerted) {}
    /// Connects or polls now.
    fn refresh(&mut self);
}

/// What comes from the terminal and from signals.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Keys that came together: more than one were pasted, or kept by a slow link.
    Keys(Vec<KeyEvent>),
    /// Keys that came together with a report of the mouse: whom they meant is not known.
    KeysBesideMouse,
    /// Keys that came together with something else that is no key.
    KeysBesideNoise(Vec<KeyEvent>),
    /// A bracketed paste.
    Paste(String),
    /// The mouse did something.
    Pointer(Pointer),
    /// The terminal answered that it has drawn all that was sent before the question.
    TerminalAnswered,
    /// The terminal answered which colour its ground has: red, green, blue.
    Background([u8; 3]),
    /// The terminal's new size in columns and rows.
    Resized(u16, u16),
    /// A signal that ends the program, by its number.
    Terminate(i32),
    /// SIGTSTP from outside.
    Suspend,
    /// SIGCONT that did not follow a suspension of our own: the screen may be anything now.
    Continued,
    /// The terminal hung up or cannot be read or written any more.
    TerminalGone,
}

/// Why the loop returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// The user quit.
    Quit,
    /// A signal ends the program, by its number.
    Signal(i32),
    /// The terminal is gone.
    TerminalGone,
    /// Suspend the program, then call [`run`] again.
    Suspend,
    /// Give the terminal to another program, then call [`run`] again.
    Pager,
}

/// The loop's own state, kept over a suspension.
#[derive(Debug)]
pub struct Pacer {
    pacing: Pacing,
    /// Frames drawn so far.
    pub frames: u64,
    /// Which keys count.
    gate: Gate,
    /// The frame that a question stands in which is not known to be on the screen yet.
    question: Option<u64>,
    /// Where its clock begins.
    started: Instant,
}

impl Pacer {
    /// For a terminal that was just asked for its status; `is_slow` where the user says that the
    /// link to it is slow.
    #[must_use]
    pub fn new(is_slow: bool) -> Self {
        let started = Instant::now();
        let pacing = Pacing::new(is_slow, started);
        Self { pacing, frames: 0, gate: Gate::default(), question: None, started }
    }

    /// Makes the next change be shown as soon as a key's would.
    pub fn hurry(&mut self) {
        self.pacing.hurry();
    }

    /// Draws a frame.
    fn draw(&mut self, app: &mut App, surface: &mut impl Surface) -> io::Result<()> {
        let now = Instant::now();
        let leaves_out = self.pacing.leaves_data_out(now);
        if leaves_out {
            app.keep_log();
        }
        app.mark_drawn();
        let asks = self.pacing.asks(now);
        let bytes = surface.draw(app, asks);
        app.release_log();
        self.pacing.drawn(now, bytes?, asks, !leaves_out);
        self.frames += 1;
        if app.mode.is_question() {
            self.question.get_or_insert(self.pacing.last_asked());
        }
        self.note_shown(app);
        Ok(())
    }

    /// Forgets a question that was closed, also if no frame showed that: the next one is another. What is
    /// typed for a prompt that is not there is no command.
    fn note_turn(&mut self, app: &mut App) {
        if app.take_unopened() {
            self.gate.spill(self.started.elapsed());
        }
        if !app.mode.is_question() {
            self.question = None;
            self.gate.drawn(&app.mode, self.started.elapsed());
        }
    }

    /// Tells the gate what is on the screen: a question from when the terminal has drawn it.
    fn note_shown(&mut self, app: &App) {
        let is_shown = |frame| self.pacing.is_shown(frame, Instant::now());
        if self.question.is_none_or(is_shown) {
            self.gate.drawn(&app.mode, self.started.elapsed());
        }
    }

    /// Notes an answer of the terminal.
    fn answered(&mut self, app: &mut App) {
        self.pacing.answered(Instant::now());
        self.note_shown(app);
        let delay_ms = self.pacing.delay().map(|delay| delay.as_millis());
        app.link_delay_ms = delay_ms.map(|delay_ms| u64::try_from(delay_ms).unwrap_or(u64::MAX));
    }

    /// Takes in what the terminal was asked and has not answered, for a second at most: what came
    /// later would stand behind the shell's prompt. Keys that come meanwhile are lost.
    pub(crate) async fn hear_out(&mut self, inputs: &mut mpsc::Receiver<Input>) {
        while let Some(until) = self.pacing.answers_until() {
            match timeout_at(until, inputs.recv()).await {
                Ok(Some(Input::TerminalAnswered)) => self.pacing.answered(Instant::now()),
                Ok(Some(Input::TerminalGone) | None) | Err(_) => break,
                Ok(Some(_)) => {}
            }
        }
        self.expect_no_answers();
    }

    /// Forgets what the terminal was asked: it is gone, or was given back.
    pub(crate) fn expect_no_answers(&mut self) {
        self.pacing.forget_questions();
    }
}

/// Runs until the program is to end or to be suspended.
///
/// `clock` tells what time it is.
pub async fn run<S: Surface>(
    app: &mut App,
    surface: &mut S,
    pacer: &mut Pacer,
    inputs: &mut mpsc::Receiver<Input>,
    inbox: &Inbox,
    world: &mut impl World,
    clock: impl Fn() -> Moment,
) -> Pause {
    let mut batch: Vec<(DaemonId, Report)> = Vec::new();
    let mut data_due = Instant::now();
    loop {
        let may_draw = app.is_dirty && !surface.is_busy();
        let due = pacer.pacing.due(Instant::now());
        let steady_ms = clock().steady_ms;
        let tick = app.next_tick_ms().map(|at_ms| wake_at(steady_ms, at_ms));
        let turn = tokio::select! {
            biased;
            () = sleep_until(due), if may_draw => Turn::Frame,
            result = surface.wait_idle(), if surface.is_busy() => Turn::Written(result.is_ok()),
            input = inputs.recv() => Turn::Input(input),
            () = data_ready(inbox, data_due) => Turn::Data,
            () = sleep_until(tick.unwrap_or(due)), if tick.is_some() => Turn::Clock,
        };
        let now = clock();
        let effects = match turn {
            Turn::Frame => {
                app.now = now;
                if pacer.draw(app, surface).is_err() {
                    return Pause::TerminalGone;
                }
                continue;
            }
            Turn::Written(true) => continue,
            Turn::Written(false) | Turn::Input(None) => return Pause::TerminalGone,
            Turn::Input(Some(input)) => {
                // What changes nothing that is seen hurries nothing.
                let was_dirty = std::mem::take(&mut app.is_dirty);
                let effects = match take_input(app, surface, pacer, now, input) {
                    Ok(effects) => effects,
                    Err(pause) => return pause,
                };
                if app.is_dirty {
                    pacer.hurry();
                }
                app.is_dirty |= was_dirty;
                effects
            }
            Turn::Data => {
                inbox.take(&mut batch, LINES_A_TURN_MAX);
                // What did not fit one turn is taken in the next.
                let pause = if inbox.is_empty() { DATA_INTERVAL_MIN } else { Duration::ZERO };
                data_due = Instant::now() + pause;
                let knew_none = app.watched.fleet.is_empty();
                let effects = take_batch(app, now, &mut batch);
                if knew_none && !app.watched.fleet.is_empty() {
                    // The first rows are what the user waits for.
                    pacer.hurry();
                }
                effects
            }
            Turn::Clock => update(app, now, Message::Clock),
        };
        pacer.note_turn(app);
        if let Some(pause) = perform(effects, surface, world) {
            return pause;
        }
    }
}

/// Takes what daemons say into the app while something else has the terminal, until that ends.
pub async fn attend<T>(
    app: &mut App,
    surface: &mut impl Surface,
    inbox: &Inbox,
    world: &mut impl World,
    clock: impl Fn() -> Moment,
    end: impl Future<Output = T>,
) -> T {
    let mut end = std::pin::pin!(end);
    let mut batch: Vec<(DaemonId, Report)> = Vec::new();
    let mut data_due = Instant::now();
    loop {
        tokio::select! {
            biased;
            ended = &mut end => return ended,
            () = data_ready(inbox, data_due) => {}
        }
        inbox.take(&mut batch, LINES_A_TURN_MAX);
        data_due = Instant::now() + DATA_INTERVAL_MIN;
        let effects = take_batch(app, clock(), &mut batch);
        // Nothing that a report asks for ends the loop.
        let _ = perform(effects, surface, world);
    }
}

/// Waits until there is data and it is time to take it. Cancel-safe.
async fn data_ready(inbox: &Inbox, due: Instant) {
    inbox.ready().await;
    sleep_until(due).await;
}

/// What happened, by name.
enum Turn {
    Frame,
    Written(bool),
    Input(Option<Input>),
    Data,
    Clock,
}

fn wake_at(now_ms: i64, at_ms: i64) -> Instant {
    let wait_ms = u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or(0);
    // At least a millisecond, so that a tick in the past cannot spin.
    Instant::now() + Duration::from_millis(wait_ms.max(1))
}

fn take_input(
    app: &mut App,
    surface: &mut impl Surface,
    pacer: &mut Pacer,
    now: Moment,
    input: Input,
) -> Result<Effects, Pause> {
    match input {
        Input::Keys(keys) => {
            pacer.note_shown(app);
            let (at, elapsed) = ((&app.mode, app.focus), pacer.started.elapsed());
            let admitted = pacer.gate.admit(&app.keys, at, &keys, elapsed);
            Ok(take_keys(app, now, admitted))
        }
        Input::KeysBesideNoise(keys) => {
            pacer.note_shown(app);
            let (at, elapsed) = ((&app.mode, app.focus), pacer.started.elapsed());
            let admitted = pacer.gate.admit_beside_noise(&app.keys, at, &keys, elapsed);
            Ok(take_keys(app, now, admitted))
        }
        Input::KeysBesideMouse => {
            let refused = pacer.gate.refuse(pacer.started.elapsed());
            Ok(take_keys(app, now, refused))
        }
        Input::Paste(text) => Ok(update(app, now, Message::Paste(text))),
        Input::Pointer(pointer) => {
            let under = surface.under(app, pointer);
            Ok(update(app, now, Message::Pointer(pointer, under)))
        }
        Input::TerminalAnswered => {
            pacer.answered(app);
            Ok(Effects::none())
        }
        Input::Background(color) => {
            surface.background(color);
            Ok(update(app, now, Message::Clock))
        }
        Input::Resized(columns, rows) => Ok(update(app, now, Message::Resized(columns, rows))),
        Input::Continued => {
            surface.redraw();
            Ok(update(app, now, Message::Clock))
        }
        Input::Suspend => Err(Pause::Suspend),
        Input::Terminate(signal) => Err(Pause::Signal(signal)),
        Input::TerminalGone => Err(Pause::TerminalGone),
    }
}

fn take_keys(app: &mut App, now: Moment, admitted: Admitted) -> Effects {
    let messages = match admitted {
        Admitted::Messages(messages) => messages,
        Admitted::Refused => vec![Message::Refused],
        Admitted::GoesOn(key) => vec![Message::GoesOn(key)],
        Admitted::TypedOn => vec![Message::TypedOn],
    };
    let mut all = Effects::none();
    for message in messages {
        all.0.extend(update(app, now, message).0);
    }
    all
}

fn take_batch(app: &mut App, now: Moment, batch: &mut Vec<(DaemonId, Report)>) -> Effects {
    let mut all = Effects::none();
    for (daemon, report) in batch.drain(..) {
        let effects = update(app, now, Message::Report(daemon, report));
        all.0.extend(effects.0);
    }
    all
}

/// Performs effects; returns the one that ends the loop, if there is one.
fn perform(effects: Effects, surface: &mut impl Surface, world: &mut impl World) -> Option<Pause> {
    let mut pause = None;
    for effect in effects.0 {
        match effect {
            Effect::Act { daemon, action, targets } => world.act(daemon, action, targets),
            Effect::Do { daemon, id, task } => world.perform(daemon, id, task),
            Effect::Call { daemon, call } => world.call(daemon, call),
            Effect::Halt => world.halt(),
            Effect::Older { daemon, of, reach, room } => world.older(daemon, of, reach, room),
            Effect::OlderOn { daemon } => world.older_on(daemon),
            Effect::HaltOlder => world.halt_older(),
            Effect::Reread { daemon, parts } => world.reread(daemon, parts),
            Effect::Trigger { daemon, trigger } => world.trigger(daemon, trigger),
            Effect::Examine { daemon, pm_id } => world.examine(daemon, pm_id),
            Effect::Sizes(scope) => world.watch_sizes(scope),
            Effect::Bundle { daemon, material } => world.bundle(daemon, *material),
            Effect::SaveLog(saving) => world.save_log(*saving),
            Effect::Pager(paged) => {
                world.page(*paged);
                pause = pause.or(Some(Pause::Pager));
            }
            Effect::Run(ready) => {
                world.run(*ready);
                pause = pause.or(Some(Pause::Pager));
            }
            Effect::Copy(text) => surface.copy(&text),
            Effect::Ring(bytes) => surface.ring(&bytes),
            Effect::Audit(line) => world.audit(line),
            Effect::Alert(alerted) => world.alert(*alerted),
            Effect::Mouse(is_wanted) => surface.report_mouse(is_wanted),
            Effect::Refresh => world.refresh(),
            Effect::Redraw => surface.redraw(),
            Effect::Suspend => pause = pause.or(Some(Pause::Suspend)),
            Effect::Quit => pause = Some(Pause::Quit),
        }
    }
    pause
}
