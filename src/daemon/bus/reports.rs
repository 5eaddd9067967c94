//! The bus of a watched daemon as reports to the app.
//!
//! Invariant: reporting never waits; lines that came together are one report, and what must arrive
//! comes after the lines that came before it.

use std::time::Duration;

use tokio::time::Instant;

use super::decoder::Decoder;
use super::ear::Heard;
use super::output::Output;
use super::reader::{Lost, Reader, Reconnect, Taker};
use crate::daemon::clock::{now_ms, whole_ms};
use crate::daemon::history::heard::Piece;
use crate::daemon::history::unwritten;
use crate::daemon::{KillNotice, Watch, kernel};
use crate::model::daemon::{BusState, Problem};
use crate::model::report::Report;
use crate::protocol::amp::{AmpError, Frame};
use crate::protocol::bus::{BusEvent, EventKind, LogChunk};

/// Reads the bus of this daemon for ever.
pub(in crate::daemon) async fn run(watch: &Watch) {
    let timings = &watch.timings;
    let reader = Reader {
        endpoint: watch.endpoint.clone(),
        frame_bytes_max: watch.options.frame_bytes_max,
        connect_max: timings.handshake,
        reconnect: Reconnect::within(
            (timings.backoff_base, timings.backoff_max),
            u64::from(watch.id.0),
        ),
    };
    reader.run(&mut Reports::new(watch)).await;
}

/// What one connection said and is not reported yet.
struct Reports<'a> {
    watch: &'a Watch,
    decoder: Decoder,
    output: Output,
    /// Where its own clock begins.
    started: Instant,
    /// When an unfinished line may be due, at the earliest.
    flush_at: Option<Instant>,
    /// When a poll is due because of what changed.
    poll_at: Option<Instant>,
    was_connected: bool,
}

impl Taker for Reports<'_> {
    fn connected(&mut self) {
        // What a line lacks may come again, or stand in a file.
        let output = std::mem::replace(&mut self.output, Output::new(self.watch.id));
        let started = self.started;
        *self = Self { output, started, ..Self::new(self.watch) };
        self.expect_flush();
        self.watch.history.heard.connected();
        self.watch.report(Report::Bus(BusState::Live));
        self.watch.ears.set_connected(true);
        self.watch.requests.other_is_back.notify_waiters();
    }

    fn take(&mut self, frame: &Frame) {
        match self.decoder.decode(frame) {
            Ok(message) => self.event(&message.topic, message.event),
            Err(error) => {
                tracing::warn!(bytes = frame.bytes(), "a message of the bus that cannot be read");
                self.watch.warn(&format!("bus: {error}"));
            }
        }
    }

    fn lost(&mut self, lost: Lost) {
        if !lost.missing.all().is_empty() {
            self.watch.history.heard.lost(lost.missing.all());
            // What is missing stands before what comes next.
            self.tell_released();
        }
        self.report_lines();
        if lost.events > 0 {
            self.watch.report(Report::EventsLost(lost.events));
            // What changed is not known.
            self.watch.requests.change.notify_one();
        }
        self.watch.ears.tell_lost(&lost);
    }

    fn malformed(&mut self, error: &AmpError) {
        self.watch.warn(&format!("bus: {error}"));
    }

    fn caught_up(&mut self) {
        self.report_lines();
    }

    fn wakes_at(&self) -> Option<Instant> {
        [self.flush_at, self.poll_at].into_iter().flatten().min()
    }

    /// Whatever the flood, unfinished lines and polls come in time.
    fn wake(&mut self) {
        self.tell_released();
        let now = Instant::now();
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_old();
        }
        if self.poll_at.is_some_and(|at| at <= now) {
            self.poll_at = None;
            self.watch.requests.change.notify_one();
        }
    }

    async fn nudged(&self) {
        self.watch.history.heard.has_released.notified().await;
    }

    fn disconnected(&mut self, problem: Problem, _retry_in: Duration) {
        if std::mem::take(&mut self.was_connected) {
            self.flush_old();
        } else {
            self.end_lines();
        }
        self.report_lines();
        if self.poll_at.take().is_some() {
            // What changed last must not wait for the next connection.
            self.watch.requests.change.notify_one();
        }
        self.watch.ears.set_connected(false);
        self.watch.history.heard.disconnected();
        self.watch.report(Report::Bus(BusState::Down(problem)));
    }

    async fn hurry(&self) {
        tokio::select! {
            () = self.watch.requests.reconnect_bus.notified() => {}
            () = self.watch.requests.other_is_back.notified() => {}
        }
    }
}

/// Whether it was the kernel that killed a process, as soon as that is told: it counts before it kills.
fn tell_oom_kills(watch: &Watch) {
    let (inbox, id) = (watch.inbox.clone(), watch.id);
    let is_local = watch.endpoint.is_local();
    watch.tasks.spawn(async move {
        if let Some(kills) = kernel::oom_kills(is_local).await {
            inbox.report(id, Report::OomKills(kills));
        }
    });
}

impl<'a> Reports<'a> {
    fn new(watch: &'a Watch) -> Self {
        Self {
            watch,
            decoder: Decoder::default(),
            output: Output::new(watch.id),
            started: Instant::now(),
            flush_at: None,
            poll_at: None,
            was_connected: true,
        }
    }

    fn event(&mut self, topic: &str, event: BusEvent) {
        match event {
            BusEvent::Log(chunk) => {
                self.watch.ears.tell_log(&chunk);
                // What is held is told when it is known what was missing before it.
                if let Some(chunk) = self.watch.history.heard.take(chunk) {
                    self.tell_released();
                    self.push(&chunk);
                }
            }
            BusEvent::DaemonLog { at_ms, data } => {
                let at_ms = at_ms.unwrap_or_else(now_ms);
                let (clock, watch) = (self.clock_ms(), self.watch);
                let mut emit = |report| watch.report(report);
                self.output.push_daemon(&data, at_ms, clock, &mut emit);
                self.expect_flush();
            }
            BusEvent::Process(event) => {
                if event.kind == EventKind::Exit {
                    let watch = self.watch;
                    let mut emit = |report| watch.report(report);
                    let id = event.info.pm_id;
                    self.output.process_ended(id, event.is_old_worker, &mut emit);
                    unwritten::look(watch, &event);
                }
                if self.watch.ears.is_anyone_listening() {
                    self.watch.ears.tell(&Heard::Process(event.clone()));
                }
                let was_killed =
                    event.kind == EventKind::Exit && event.signal.as_deref() == Some("SIGKILL");
                self.report(Report::Process(event));
                if was_killed {
                    tell_oom_kills(self.watch);
                }
                let due = Instant::now() + self.watch.timings.debounce;
                self.poll_at.get_or_insert(due);
            }
            BusEvent::Exception(exception) => {
                if self.watch.ears.is_anyone_listening() {
                    self.watch.ears.tell(&Heard::Exception(exception.clone()));
                }
                self.report(Report::Exception(exception));
            }
            BusEvent::DaemonKilled { message } => {
                self.watch.killed.send_replace(Some(KillNotice {
                    at: Instant::now(),
                    message: message.clone(),
                }));
                self.report(Report::Killed(message));
            }
            // One for each app that starts, with all its packages: nobody reads that in a log.
            BusEvent::Other(_) if topic == "application:dependencies" => {}
            BusEvent::Other(other) => {
                let watch = self.watch;
                if topic == "axm:reply" {
                    watch.ears.tell_reply(&other);
                }
                let mut emit = |report| watch.report(report);
                self.output.push_message(topic, &other, now_ms, &mut emit);
            }
        }
    }

    fn push(&mut self, chunk: &LogChunk) {
        let at_ms = chunk.at_ms.unwrap_or_else(now_ms);
        let (clock, watch) = (self.clock_ms(), self.watch);
        self.output.push(chunk, at_ms, clock, &mut |report| watch.report(report));
        self.expect_flush();
    }

    /// Tells what was held, and what was missing before it.
    fn tell_released(&mut self) {
        let watch = self.watch;
        for piece in watch.history.heard.released() {
            let mut emit = |report| watch.report(report);
            match piece {
                Piece::Came(chunk) => self.push(&chunk),
                Piece::Missed { process, stream, bytes, written } => {
                    let clock = self.clock_ms();
                    let missed = (&bytes[..], &written);
                    self.output.push_missed((process, stream), missed, clock, &mut emit);
                    self.expect_flush();
                }
                Piece::Lost(missing) => {
                    let clock = self.clock_ms();
                    self.output.push_lost(&missing, now_ms(), clock, &mut emit);
                }
                Piece::Unsure { at_ms, text } => self.output.push_unsure(at_ms, &text, &mut emit),
            }
        }
    }

    /// Reports what must arrive, after the lines that came before it.
    fn report(&mut self, report: Report) {
        self.report_lines();
        self.watch.report(report);
    }

    fn report_lines(&mut self) {
        let watch = self.watch;
        self.output.report(&mut |report| watch.report(report));
    }

    /// Sees to it that an unfinished line, if there is one, ends in time.
    fn expect_flush(&mut self) {
        let wait = self.watch.timings.partial_line;
        self.flush_at.get_or_insert_with(|| Instant::now() + wait);
    }

    /// Ends all unfinished lines: their rest does not come.
    fn end_lines(&mut self) {
        let watch = self.watch;
        self.output.flush_older(i64::MAX, &mut |report| watch.report(report));
    }

    /// Ends unfinished lines that waited long enough.
    fn flush_old(&mut self) {
        let age_ms = whole_ms(self.watch.timings.partial_line) as i64;
        let since_ms = self.clock_ms() - age_ms;
        let watch = self.watch;
        let oldest = self.output.flush_older(since_ms, &mut |report| watch.report(report));
        self.flush_at = oldest.map(|began| {
            let wait_ms = (began - since_ms).max(1);
            Instant::now() + Duration::from_millis(wait_ms.unsigned_abs())
        });
    }

    /// Milliseconds since the connection began, by a clock that is never set back.
    fn clock_ms(&self) -> i64 {
        whole_ms(self.started.elapsed()) as i64
    }
}
