//! A terminal behind a slow link, in virtual time: how long a key takes to show while a log floods.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use crossterm::event::KeyCode;
use pm2_tui::app::App;
use pm2_tui::daemon::inbox::Inbox;
use pm2_tui::model::ProcessKey;
use pm2_tui::model::log::{LogLine, LogSource, Severity};
use pm2_tui::model::report::Report;
use pm2_tui::protocol::process::PmId;
use pm2_tui::runtime::{Input, Surface};
use pm2_tui::view::theme::Theme;
use pm2_tui::view::view;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::{D, Session, key, processes};

const MS: Duration = Duration::from_millis(1);

/// What a link is like.
#[derive(Debug, Clone, Copy)]
struct Link {
    bytes_per_s: u32,
    /// One way.
    delay: Duration,
    /// For how long the terminal answers.
    answers_for: Duration,
}

/// A frame on its way.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Instant,
    shown_at: Instant,
    bytes: usize,
    selected: Option<ProcessKey>,
    /// Frames that were not yet on the screen when it was drawn.
    ahead: usize,
}

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

/// The terminal: whatever is drawn is taken at once, as the buffers of ssh do, and is shown when the
/// link has carried it.
struct Throttled {
    link: Link,
    terminal: Terminal<CrosstermBackend<Memory>>,
    memory: Memory,
    start: Instant,
    sent: Rc<RefCell<Vec<Sent>>>,
    answers: mpsc::Sender<Input>,
}

impl Throttled {
    fn new(link: Link, answers: mpsc::Sender<Input>) -> Self {
        let memory = Memory::default();
        let viewport = Viewport::Fixed(Rect::new(0, 0, 120, 40));
        let backend = CrosstermBackend::new(memory.clone());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport }).unwrap();
        let start = Instant::now();
        let throttled = Self { link, terminal, memory, start, sent: Rc::default(), answers };
        // The question that entering asks.
        throttled.answer(start + link.delay);
        throttled
    }

    fn answer(&self, shown_at: Instant) {
        if shown_at > self.start + self.link.answers_for {
            return;
        }
        let (answers, at) = (self.answers.clone(), shown_at + self.link.delay);
        tokio::spawn(async move {
            sleep_until(at).await;
            let _ = answers.send(Input::TerminalAnswered).await;
        });
    }
}

impl Surface for Throttled {
    fn is_busy(&self) -> bool {
        false
    }

    async fn wait_idle(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn draw(&mut self, app: &App, asks: bool) -> io::Result<usize> {
        self.terminal.draw(|frame| view(app, &theme(), frame)).unwrap();
        let bytes = self.memory.0.take().len();
        let now = Instant::now();
        let mut sent = self.sent.borrow_mut();
        let free_at = sent.last().map_or(now, |last| last.shown_at - self.link.delay).max(now);
        let takes = Duration::from_secs(1) * bytes as u32 / self.link.bytes_per_s;
        let shown_at = free_at + takes + self.link.delay;
        let ahead = sent.iter().rev().take_while(|sent| sent.shown_at > now).count();
        sent.push(Sent { at: now, shown_at, bytes, selected: app.selected, ahead });
        drop(sent);
        if asks {
            self.answer(shown_at);
        }
        Ok(bytes)
    }

    fn copy(&mut self, _: &[u8]) {}

    fn redraw(&mut self) {}
}

/// Rows of the table; each but the first is selected by a key.
const PROCESSES: u32 = 24;

fn theme() -> Theme {
    Theme::detect(|name| match name {
        "TERM" => Some("xterm-256color".to_owned()),
        "LANG" => Some("C.UTF-8".to_owned()),
        _ => None,
    })
}

/// A logger's line: the same but for its number, as most are.
fn line(number: u64) -> LogLine {
    let source = LogSource { daemon: D, pm_id: Some(PmId(0)), name: "api".into() };
    let text = format!("request {number} GET /orders/{} 200 in {} ms", number * 7919, number % 97);
    LogLine::event(number as i64, source, "event", Severity::Neutral, &text)
}

/// A logger of 200 lines a second, for so long.
async fn chatter(inbox: Inbox, seconds: u64) {
    for number in 0..seconds * 200 {
        inbox.report(D, Report::Lines(vec![line(number)]));
        sleep(5 * MS).await;
    }
}

/// What a minute of chatter and a key every 1.7 s came to.
struct Minute {
    /// From the press to its frame on the screen, the shortest first.
    latencies: Vec<Duration>,
    sent: Vec<Sent>,
}

impl Minute {
    async fn on(link: Link, is_slow: bool) -> Self {
        let mut session = Session::on(is_slow, |answers| Throttled::new(link, answers));
        session.report(processes(PROCESSES));
        let sent = session.surface.sent.clone();
        let (inbox, input) = (session.inbox.clone(), session.input.clone());
        let pressed = RefCell::new(VecDeque::new());
        let keys = async {
            sleep(6_000 * MS).await;
            for _ in 1..PROCESSES {
                pressed.borrow_mut().push_back(Instant::now());
                sleep(link.delay).await;
                input.send(key(KeyCode::Down)).await.unwrap();
                sleep(1_713 * MS).await;
            }
        };
        session
            .beside(async {
                tokio::join!(keys, chatter(inbox, 60));
            })
            .await;
        let sent = sent.borrow().clone();
        let mut latencies = Vec::new();
        for (row, at) in (1..).zip(pressed.into_inner()) {
            let selected = Some(ProcessKey { daemon: D, pm_id: PmId(row) });
            let is_it = |sent: &&Sent| sent.at >= at && sent.selected == selected;
            let shown = sent.iter().find(is_it).expect("every key shows").shown_at;
            latencies.push(shown - at);
        }
        latencies.sort();
        Self { latencies, sent }
    }

    #[track_caller]
    fn assert_quick(&self, median: Duration, worst: Duration) {
        let middle = self.latencies[self.latencies.len() / 2];
        assert!(middle <= median, "median {middle:?} of {:?}", self.latencies);
        let last = self.latencies.last().unwrap();
        assert!(*last <= worst, "worst {last:?} of {:?}", self.latencies);
    }

    /// Frames after the start.
    fn frames(&self) -> usize {
        self.sent.len()
            - self.sent.iter().take_while(|sent| sent.at < self.sent[0].at + 6_000 * MS).count()
    }

    fn bytes_per_s(&self) -> usize {
        self.sent.iter().map(|sent| sent.bytes).sum::<usize>() / 60
    }
}

const SLOW: Link = Link {
    bytes_per_s: 8_000,
    delay: Duration::from_millis(75),
    answers_for: Duration::from_hours(1),
};
const SILENT: Link = Link { answers_for: Duration::ZERO, ..SLOW };

pub(super) async fn a_key_shows_soon_behind_8_kb_a_second() {
    let minute = Minute::on(SLOW, false).await;
    minute.assert_quick(400 * MS, 800 * MS);
    let most = minute.sent.iter().skip(3).map(|sent| sent.ahead).max();
    assert!(most <= Some(1), "{most:?} frames ahead of one");
    assert!(minute.frames() > 54, "the log is seen to move: {} frames", minute.frames());
}

pub(super) async fn a_key_shows_soon_behind_3_kb_a_second() {
    let link = Link { bytes_per_s: 3_000, delay: 200 * MS, ..SLOW };
    let minute = Minute::on(link, false).await;
    minute.assert_quick(1_500 * MS, 1_500 * MS);
    assert!(minute.bytes_per_s() < 3_000);
}

pub(super) async fn a_key_shows_soon_on_a_terminal_that_never_answers() {
    let minute = Minute::on(SILENT, false).await;
    minute.assert_quick(400 * MS, 800 * MS);
    assert!(minute.bytes_per_s() < 6_000, "{} bytes a second", minute.bytes_per_s());
}

pub(super) async fn slow_draws_data_once_a_second() {
    for link in [SLOW, SILENT] {
        let minute = Minute::on(link, true).await;
        minute.assert_quick(400 * MS, 800 * MS);
        // One a second, and one for each key.
        assert!(minute.frames() <= 54 + PROCESSES as usize, "{} frames", minute.frames());
    }
}

pub(super) async fn a_terminal_that_stops_answering_is_drawn_on() {
    let link = Link { answers_for: 5_000 * MS, bytes_per_s: 1_000_000, delay: MS };
    let minute = Minute::on(link, false).await;
    minute.assert_quick(50 * MS, 50 * MS);
    let last = minute.sent.last().unwrap().at - minute.sent[0].at;
    assert!(last > 49_000 * MS, "drawn until {last:?}");
}

/// A question is answered once it was on the screen for a while, not since it was sent.
pub(super) async fn a_question_that_is_under_way_is_not_answered() {
    let link = Link { bytes_per_s: 1_000_000, delay: 400 * MS, ..SLOW };
    let mut session = Session::on(false, |answers| Throttled::new(link, answers));
    session.report(processes(2));
    let input = session.input.clone();
    let press = async |code| input.send(key(code)).await.unwrap();
    session
        .beside(async {
            sleep(5_000 * MS).await;
            press(KeyCode::Char('d')).await;
            // The terminal's answer is here after 800 ms.
            sleep(600 * MS).await;
            press(KeyCode::Char('y')).await;
        })
        .await;
    assert!(session.app.mode.is_question(), "unread, and answered");
    session
        .beside(async {
            sleep(2_500 * MS).await;
            press(KeyCode::Char('y')).await;
            sleep(100 * MS).await;
        })
        .await;
    assert!(!session.app.mode.is_question(), "read, and answered");
}

pub(super) async fn the_header_names_the_delay() {
    for (link, is_named) in
        [(SLOW, true), (Link { bytes_per_s: 1_000_000, delay: MS, ..SLOW }, false)]
    {
        let mut session = Session::on(false, |answers| Throttled::new(link, answers));
        let inbox = session.inbox.clone();
        session.beside(chatter(inbox, 10)).await;
        let delay = session.app.link_delay_ms.expect("it was measured");
        assert_eq!(delay > 200, is_named, "{delay} ms");
        let mut shown = Terminal::new(ratatui::backend::TestBackend::new(120, 40)).unwrap();
        shown.draw(|frame| view(&session.app, &theme(), frame)).unwrap();
        let text = shown.backend().to_string();
        let header = text.lines().next().unwrap();
        assert_eq!(header.contains("link delay 0."), is_named, "{header}");
    }
}
