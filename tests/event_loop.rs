//! The real loop on a test surface in virtual time: how many frames, and when.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use pm2_tui::app::{App, Pane};
use pm2_tui::daemon::inbox::{Inbox, InboxBounds};
use pm2_tui::model::bundle::Material;
use pm2_tui::model::call::NamedCall;
use pm2_tui::model::daemon::{Connection, Daemon};
use pm2_tui::model::errand::{Task, TaskId};
use pm2_tui::model::log::{LogLine, LogSource, Severity};
use pm2_tui::model::moment::Moment;
use pm2_tui::model::past;
use pm2_tui::model::report::Report;
use pm2_tui::model::trigger::Trigger;
use pm2_tui::model::{Action, DaemonId, Target};
use pm2_tui::protocol::process::{PmId, ProcessInfo, ProcessStatus, Snapshot};
use pm2_tui::runtime::{Input, Pacer, Pause, Surface, World, run};
use pm2_tui::view::theme::{Colors, Ground, Theme};
use pm2_tui::view::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep};

use crate::harness::trials::{Test, in_virtual_time};

mod link;

pub(crate) fn trials() -> Vec<Test> {
    vec![
        in_virtual_time(a_flood_draws_at_most_twelve_frames_a_second_and_a_key_is_in_the_next),
        in_virtual_time(an_idle_minute_draws_nothing),
        in_virtual_time(the_first_frame_waits_for_no_daemon),
        in_virtual_time(a_terminal_that_does_not_read_stops_only_the_drawing),
        in_virtual_time(quitting_and_signals_end_the_loop),
        in_virtual_time(link::a_key_shows_soon_behind_8_kb_a_second),
        in_virtual_time(link::a_key_shows_soon_behind_3_kb_a_second),
        in_virtual_time(link::a_key_shows_soon_on_a_terminal_that_never_answers),
        in_virtual_time(link::slow_draws_data_once_a_second),
        in_virtual_time(link::a_terminal_that_stops_answering_is_drawn_on),
        in_virtual_time(link::a_question_that_is_under_way_is_not_answered),
        in_virtual_time(link::the_header_names_the_delay),
    ]
}

const D: DaemonId = DaemonId(0);

/// One drawn frame: when, and which pane had the focus (what a Tab changes).
type Drawn = Rc<RefCell<Vec<(Duration, Pane)>>>;

struct TestSurface {
    terminal: Terminal<TestBackend>,
    drawn: Drawn,
    start: Instant,
    /// While set, a drawn frame stays unwritten until notified: a terminal that does not read.
    stalled: Option<Rc<Notify>>,
    busy: bool,
    /// Where the terminal's answers go; they come at once.
    input: mpsc::Sender<Input>,
}

impl Surface for TestSurface {
    fn is_busy(&self) -> bool {
        self.busy
    }

    async fn wait_idle(&mut self) -> io::Result<()> {
        if let Some(stalled) = &self.stalled {
            stalled.notified().await;
        }
        self.busy = false;
        Ok(())
    }

    fn draw(&mut self, app: &App, asks: bool) -> io::Result<usize> {
        let theme = Theme::new(Colors::True, Ground::Dark, false);
        self.terminal.draw(|frame| view(app, &theme, frame)).unwrap();
        self.drawn.borrow_mut().push((self.start.elapsed(), app.focus));
        self.busy = self.stalled.is_some();
        if asks && !self.busy {
            self.input.try_send(Input::TerminalAnswered).unwrap();
        }
        Ok(1_000)
    }

    fn copy(&mut self, _: &[u8]) {}

    fn redraw(&mut self) {}
}

#[derive(Default)]
struct Asked(Vec<(Action, PmId)>);

impl World for Asked {
    fn act(&mut self, _daemon: DaemonId, action: Action, targets: Vec<Target>) {
        self.0.extend(targets.iter().map(|target| (action, target.pm_id)));
    }

    fn perform(&mut self, _daemon: DaemonId, _id: TaskId, _task: Task) {}

    fn call(&mut self, _daemon: DaemonId, _call: NamedCall) {}

    fn halt(&mut self) {}

    fn older(&mut self, _: DaemonId, _: Vec<PmId>, _: pm2_tui::logs::Reach, _: usize) {}
    fn older_on(&mut self, _: DaemonId) {}
    fn halt_older(&mut self) {}
    fn reread(&mut self, _: DaemonId, _: Vec<(past::Again, past::PartRead)>) {}
    fn trigger(&mut self, _daemon: DaemonId, _trigger: Trigger) {}

    fn watch_sizes(&mut self, _scope: pm2_tui::logs::Scope) {}
    fn examine(&mut self, _daemon: DaemonId, _pm_id: Option<PmId>) {}

    fn bundle(&mut self, _daemon: DaemonId, _material: Material) {}
    fn save_log(&mut self, _saving: pm2_tui::logs::Saving) {}
    fn page(&mut self, _paged: pm2_tui::model::paged::Paged) {}
    fn run(&mut self, _ready: pm2_tui::model::ready::Ready) {}

    fn refresh(&mut self) {}
}

struct Session<S> {
    app: App,
    surface: S,
    pacer: Pacer,
    inputs: mpsc::Receiver<Input>,
    input: mpsc::Sender<Input>,
    inbox: Inbox,
    world: Asked,
    start: Instant,
}

impl Session<TestSurface> {
    fn new() -> Self {
        let session = Self::on(false, |input| TestSurface {
            terminal: Terminal::new(TestBackend::new(120, 40)).unwrap(),
            drawn: Rc::default(),
            start: Instant::now(),
            stalled: None,
            busy: false,
            input,
        });
        // To the question that entering asks.
        session.input.try_send(Input::TerminalAnswered).unwrap();
        session
    }
}

impl<S: Surface> Session<S> {
    /// A session on a surface that sends its answers there; with `--slow` or without.
    fn on(is_slow: bool, surface: impl FnOnce(mpsc::Sender<Input>) -> S) -> Self {
        let (input, inputs) = mpsc::channel(64);
        let start = Instant::now();
        let daemon = Daemon::new(D, "host", "/home/x/.pm2", 1_000);
        let surface = surface(input.clone());
        let inbox = Inbox::new(InboxBounds::default());
        let mut session = Self {
            app: App::new(vec![daemon], Moment::at(0), 0, (120, 40)),
            surface,
            pacer: Pacer::new(is_slow),
            inputs,
            input,
            inbox,
            world: Asked::default(),
            start,
        };
        session.report(Report::Connection(Connection::Live { serial: 1, god: None }));
        session.report(snapshot());
        session
    }

    fn report(&mut self, report: Report) {
        self.inbox.report(D, report);
    }

    /// Runs the loop beside a script; the loop ends when the script does.
    async fn beside(&mut self, script: impl Future<Output = ()>) -> Option<Pause> {
        let start = self.start;
        let clock = move || Moment::at(start.elapsed().as_millis() as i64);
        tokio::select! {
            pause = run(
                &mut self.app, &mut self.surface, &mut self.pacer, &mut self.inputs, &self.inbox,
                &mut self.world, clock,
            ) => Some(pause),
            () = script => None,
        }
    }
}

fn snapshot() -> Report {
    processes(1)
}

/// A snapshot of so many processes.
fn processes(count: u32) -> Report {
    let process = |pm_id| ProcessInfo {
        pid: Some(7),
        // Days ago: the uptime's text changes by the hour.
        online_since_ms: Some(-3 * 86_400_000 - 60_000),
        cpu_percent: Some(0.0),
        memory_bytes: Some(1 << 20),
        ..ProcessInfo::new(PmId(pm_id), "api", ProcessStatus::Online)
    };
    let snapshot = Snapshot { processes: (0..count).map(process).collect(), warnings: Vec::new() };
    Report::Snapshot { at_ms: 1, took_ms: 1, interval_ms: 1_000, snapshot }
}

fn lines(count: usize) -> Report {
    let source = LogSource { daemon: D, pm_id: Some(PmId(0)), name: "api".into() };
    let line = |_| LogLine::event(0, source.clone(), "event", Severity::Neutral, "a line");
    Report::Lines((0..count).map(line).collect())
}

fn key(code: KeyCode) -> Input {
    Input::Keys(vec![KeyEvent::new(code, KeyModifiers::NONE)])
}

async fn a_flood_draws_at_most_twelve_frames_a_second_and_a_key_is_in_the_next() {
    let mut session = Session::new();
    let (inbox, input) = (session.inbox.clone(), session.input.clone());
    let drawn = session.surface.drawn.clone();
    let flood = async move {
        for millisecond in 0..1_000 {
            inbox.report(D, lines(100));
            if millisecond == 517 {
                input.send(key(KeyCode::Tab)).await.unwrap();
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    session.beside(flood).await;
    let drawn = drawn.borrow();
    assert!(drawn.len() <= 12, "{} frames", drawn.len());
    assert!(drawn.len() >= 9, "the flood must be seen: {} frames", drawn.len());
    let pressed = Duration::from_millis(517);
    let (answered, focus) = drawn.iter().find(|(at, _)| *at >= pressed).unwrap();
    assert_eq!(*focus, Pane::Log, "the key is in the next frame");
    let waited = answered.saturating_sub(pressed);
    assert!(waited <= Duration::from_millis(34), "after {waited:?}");
    let seen = session.app.lines().len() as u64 + session.app.log_view.lost();
    assert!(seen >= 10_000, "the ring is full: {seen}");
}

async fn an_idle_minute_draws_nothing() {
    let mut session = Session::new();
    session.beside(sleep(Duration::from_secs(2))).await;
    let before = session.surface.drawn.borrow().len();
    assert!(before >= 1, "the first frame comes by itself");
    session.beside(sleep(Duration::from_mins(1))).await;
    assert_eq!(session.surface.drawn.borrow().len(), before);
}

async fn the_first_frame_waits_for_no_daemon() {
    let mut session = Session::new();
    let mut nothing = Vec::new();
    session.inbox.take(&mut nothing, usize::MAX);
    session.beside(sleep(Duration::from_millis(1))).await;
    assert_eq!(session.surface.drawn.borrow().len(), 1);
}

async fn a_terminal_that_does_not_read_stops_only_the_drawing() {
    let mut session = Session::new();
    let release = Rc::new(Notify::new());
    session.surface.stalled = Some(release.clone());
    let (inbox, input) = (session.inbox.clone(), session.input.clone());
    let drawn = session.surface.drawn.clone();
    let script = async {
        for _ in 0..1_000 {
            inbox.report(D, lines(100));
            sleep(Duration::from_millis(1)).await;
        }
        input.send(key(KeyCode::Char('r'))).await.unwrap();
        sleep(Duration::from_millis(200)).await;
        assert_eq!(drawn.borrow().len(), 1, "no frame behind an unwritten one");
        release.notify_one();
        sleep(Duration::from_millis(200)).await;
        assert_eq!(drawn.borrow().len(), 2, "then the newest state at once");
    };
    session.beside(script).await;
    assert_eq!(session.world.0, [(Action::Restart, PmId(0))], "keys went on working");
    assert!(session.inbox.is_empty(), "data went on being taken");
}

async fn quitting_and_signals_end_the_loop() {
    for (input, wanted) in [
        (key(KeyCode::Char('q')), Pause::Quit),
        (Input::Terminate(15), Pause::Signal(15)),
        (Input::TerminalGone, Pause::TerminalGone),
        (Input::Suspend, Pause::Suspend),
    ] {
        let mut session = Session::new();
        session.input.send(input).await.unwrap();
        assert_eq!(session.beside(sleep(Duration::from_secs(9))).await, Some(wanted));
    }
}
