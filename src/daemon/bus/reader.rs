//! Reads the bus of one daemon, always.
//!
//! Invariant: nothing here waits for anyone but the socket: a subscriber that does not read makes
//! the God daemon queue the bus in its own memory, without bound and for good (PM2.md section 6).

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;
use tokio_util::codec::FramedRead;

use super::ear::Heard;
use super::output::Output;
use crate::daemon::clock::{now_ms, whole_ms};
use crate::daemon::rpc::backoff::Backoff;
use crate::daemon::rpc::connection::READ_BYTES;
use crate::daemon::rpc::socket::Stream;
use crate::daemon::{Farewell, Watch};
use crate::model::daemon::{BusState, Problem};
use crate::model::report::Report;
use crate::protocol::amp::{AmpCodec, AmpError, Frame};
use crate::protocol::bus::{self, BusEvent, EventKind};

/// A connection that lasted this long was a good one: the next try after it is a first one.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// Connects to the bus, reads it, and begins again when it goes, for ever.
pub(in crate::daemon) async fn run(watch: &Watch) {
    let timings = &watch.timings;
    // Not in step with the other actor of the same daemon.
    let seed = u64::from(std::process::id()) << 32 | u64::from(watch.id.0);
    let mut backoff = Backoff::new(timings.backoff_base, timings.backoff_max, seed);
    loop {
        let connecting = watch.endpoint.connect(&watch.endpoint.publish);
        let stream = tokio::time::timeout(timings.handshake, connecting).await;
        let silent = Problem::Silent { method: "connect".into() };
        let problem = match stream.unwrap_or(Err(silent)) {
            Ok(stream) => {
                let started = Instant::now();
                watch.report(Report::Bus(BusState::Live));
                watch.ears.set_connected(true);
                watch.wishes.other_is_back.notify_waiters();
                Reader::new(watch, started).read(stream).await;
                watch.ears.set_connected(false);
                if started.elapsed() >= GOOD_AFTER {
                    backoff.reset();
                }
                Problem::Closed
            }
            Err(problem) => problem,
        };
        watch.report(Report::Bus(BusState::Down(problem)));
        tokio::select! {
            () = tokio::time::sleep(backoff.delay()) => {}
            () = watch.wishes.reconnect_bus.notified() => {}
            () = watch.wishes.other_is_back.notified() => {}
        }
    }
}

/// One connection to the bus.
struct Reader<'a> {
    watch: &'a Watch,
    output: Output,
    /// Where its own clock begins.
    started: Instant,
    /// When an unfinished line may be due, at the earliest.
    flush_at: Option<Instant>,
    /// When a poll is due because of what changed.
    poll_at: Option<Instant>,
}

impl<'a> Reader<'a> {
    fn new(watch: &'a Watch, started: Instant) -> Self {
        Self { watch, output: Output::new(watch.id), started, flush_at: None, poll_at: None }
    }

    /// Reads until the connection ends.
    async fn read(mut self, stream: Stream) {
        let codec = AmpCodec::new(self.watch.options.frame_bytes_max);
        let mut frames = FramedRead::with_capacity(stream.gather(), codec, READ_BYTES);
        loop {
            // As long as frames are there, their lines gather; one report, and one wake-up of the
            // app, then serves them all.
            let frame = if let Some(frame) = frames.next().now_or_never() {
                frame
            } else {
                self.report_lines();
                tokio::select! {
                    frame = frames.next() => frame,
                    () = until(self.flush_at) => {
                        self.flush_old();
                        continue;
                    }
                    () = until(self.poll_at) => {
                        self.poll_at = None;
                        self.watch.wishes.change.notify_one();
                        continue;
                    }
                }
            };
            match frame {
                Some(Ok(frame)) => self.frame(&frame),
                Some(Err(error)) => {
                    if !matches!(error, AmpError::Io(_)) {
                        tracing::warn!(%error, "what came on the bus is no AMP");
                        self.watch.warn(&format!("bus: {error}"));
                    }
                    break;
                }
                None => break,
            }
            self.keep_time();
        }
        let mut emit = |report| self.watch.report(report);
        self.output.flush_older(i64::MAX, &mut emit);
        self.output.report(&mut emit);
        // What changed last must not wait for the next connection.
        self.watch.wishes.change.notify_one();
    }

    /// Whatever the flood, unfinished lines and polls come in time.
    fn keep_time(&mut self) {
        if self.flush_at.is_none() && self.poll_at.is_none() {
            return;
        }
        let now = Instant::now();
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_old();
        }
        if self.poll_at.is_some_and(|at| at <= now) {
            self.poll_at = None;
            self.watch.wishes.change.notify_one();
        }
    }

    fn frame(&mut self, frame: &Frame) {
        match bus::decode(frame) {
            Ok(message) => self.event(&message.topic, message.event),
            Err(error) => {
                tracing::warn!(bytes = frame.bytes(), "a message of the bus that cannot be read");
                self.watch.warn(&format!("bus: {error}"));
            }
        }
    }

    fn event(&mut self, topic: &str, event: BusEvent) {
        match event {
            BusEvent::Log(chunk) => {
                self.watch.ears.tell_log(&chunk);
                let at_ms = chunk.at_ms.unwrap_or_else(now_ms);
                let (clock, watch) = (self.clock_ms(), self.watch);
                let mut emit = |report| watch.report(report);
                self.output.push(&chunk, at_ms, clock, &mut emit);
                self.expect_flush();
            }
            BusEvent::DaemonLog { at_ms, data } => {
                let at_ms = at_ms.unwrap_or_else(now_ms);
                let (clock, watch) = (self.clock_ms(), self.watch);
                let mut emit = |report| watch.report(report);
                self.output.push_daemon(&data, at_ms, clock, &mut emit);
                self.expect_flush();
            }
            BusEvent::Process(mut event) => {
                if event.kind == EventKind::Exit {
                    let watch = self.watch;
                    let mut emit = |report| watch.report(report);
                    let id = event.info.pm_id;
                    self.output.process_ended(id, event.is_old_worker, &mut emit);
                    if !event.is_old_worker {
                        event.signal = self.output.take_signal(id);
                    }
                }
                if self.watch.ears.is_anyone_listening() {
                    self.watch.ears.tell(&Heard::Process(event.clone()));
                }
                self.report(Report::Process(event));
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
                self.watch
                    .killed
                    .send_replace(Some(Farewell { at: Instant::now(), message: message.clone() }));
                self.report(Report::Killed(message));
            }
            // One for each app that starts, with all its packages: nobody reads that in a log.
            BusEvent::Other(_) if topic == "application:dependencies" => {}
            BusEvent::Other(other) => {
                let watch = self.watch;
                let mut emit = |report| watch.report(report);
                self.output.push_message(topic, &other, now_ms, &mut emit);
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
        let due = Instant::now() + self.watch.timings.partial_line;
        self.flush_at.get_or_insert(due);
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

/// Waits until then; for ever without a time.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
