//! `events`: the bus, a line for each event.
//!
//! Invariant: a line is written whole, and flushed before anything is waited for; what is lost is
//! counted and reported on standard error; the end of the reader is the end of the command.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use serde::Serialize;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::exec::{Job, Runner};
use super::failure::{Code, Failure};
use super::{Context, output};
use crate::cli::Events;
use crate::client::{Bus, BusItem, ClientError, Event};
use crate::model::daemon::Problem;
use crate::model::units::{self, Clock};
use crate::protocol::bus::BusPmId;
use crate::protocol::text::clean;

/// How often it is looked whether the reader of the pipe is gone, while no event comes.
const PIPE_LOOK: Duration = Duration::from_secs(1);
/// How long it rests after what it wrote: what comes meanwhile is written together.
const REST: Duration = Duration::from_millis(10);
/// The shortest time between two reports of a loss.
const REPORT_PAUSE: Duration = Duration::from_secs(1);

/// Prints events, or runs a command for each.
pub(super) async fn run(
    context: &Context,
    what: Events,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let patterns: Vec<&str> = what.patterns.iter().map(String::as_str).collect();
    let bus = Bus::subscribe(&context.endpoint, &patterns)?;
    let mut sink = Sink {
        context,
        is_json: what.json,
        daemon: context.home(),
        runner: what.exec.map(Runner::new),
        out,
    };
    let limits = Limits { count: what.count, span: what.span };
    let watches_pipe = sink.runner.is_none();
    let code = follow(bus, &mut sink, limits, || watches_pipe && is_reader_gone()).await?;
    sink.out.flush()?;
    let Some(runner) = sink.runner else { return Ok(code) };
    let finished = runner.finish().await?;
    if finished.lost > 0 {
        complain_of_loss(finished.lost);
    }
    Ok(if finished.failed > 0 && code == Code::Fine { Code::Condition } else { code })
}

/// When to end.
#[derive(Debug, Clone, Copy)]
struct Limits {
    count: Option<u64>,
    span: Option<Duration>,
}

/// Takes events until a limit, the end of the stream, or a failure.
async fn follow<W: Write>(
    mut bus: impl Stream<Item = BusItem> + Unpin,
    sink: &mut Sink<'_, W>,
    limits: Limits,
    is_gone: impl Fn() -> bool,
) -> Result<Code, Failure> {
    let deadline = limits.span.map(|span| Instant::now() + span);
    let mut seen = 0_u64;
    let mut link = Link::default();
    let mut losses = Losses::default();
    let mut has_taken = false;
    loop {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            losses.report(sink.lost(), true);
            return over(limits.count, seen);
        }
        // What is there already is taken without a flush between; before a wait, all is written.
        let item = if let Some(item) = bus.next().now_or_never() {
            item
        } else {
            sink.out.flush()?;
            losses.report(sink.lost(), false);
            if std::mem::take(&mut has_taken) {
                // In a burst this lets events gather: one wake-up and one write serve them all.
                tokio::time::sleep(REST).await;
                continue;
            }
            tokio::select! {
                biased;
                result = sink.ended() => { result?; continue; }
                item = bus.next() => item,
                () = until(deadline) => continue,
                () = tokio::time::sleep(PIPE_LOOK) => {
                    if is_gone() { return Err(Failure::PipeClosed); }
                    continue;
                }
            }
        };
        has_taken = true;
        match item {
            None => break,
            Some(BusItem::Connected) => link.connected(),
            Some(BusItem::Reconnecting { problem, .. }) => link.lost(problem, sink.context)?,
            Some(BusItem::Lost(count)) => losses.on_the_way += count,
            Some(BusItem::Event(event)) => {
                sink.take(&event)?;
                seen += 1;
                if limits.count == Some(seen) {
                    losses.report(sink.lost(), true);
                    return Ok(Code::Fine);
                }
            }
        }
    }
    losses.report(sink.lost(), true);
    Ok(Code::Fine)
}

/// Waits for the moment, if there is one.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The time is over: fine, unless events were counted on.
fn over(count: Option<u64>, seen: u64) -> Result<Code, Failure> {
    match count {
        Some(count) => {
            let line = format!("only {seen} of {count} events came in time");
            Err(Failure::Said(Code::Timeout, line))
        }
        None => Ok(Code::Fine),
    }
}

/// How the connection was last.
#[derive(Debug, Default)]
struct Link {
    was_up: bool,
    is_down: bool,
}

impl Link {
    fn connected(&mut self) {
        if self.is_down {
            output::complain("connected again; what happened in between is not known");
        }
        self.was_up = true;
        self.is_down = false;
    }

    /// A daemon that was never there is a failure; one that went away is waited for.
    fn lost(&mut self, problem: Problem, context: &Context) -> Result<(), Failure> {
        if !self.was_up {
            return Err(context.failure(ClientError::NotRunning(problem)));
        }
        if !self.is_down {
            output::complain(&clean(&format!("{}; waiting for it", problem.sentence())));
        }
        self.is_down = true;
        Ok(())
    }
}

/// What was lost, and how much of it was reported.
#[derive(Debug, Default)]
struct Losses {
    on_the_way: u64,
    reported: u64,
    last: Option<Instant>,
}

impl Losses {
    /// Reports a loss that grew, at most once a second unless it is the `last` report.
    fn report(&mut self, waiting: u64, is_last: bool) {
        let all = self.on_the_way + waiting;
        let now = Instant::now();
        let is_early = self.last.is_some_and(|last| now.duration_since(last) < REPORT_PAUSE);
        if all > self.reported && (is_last || !is_early) {
            complain_of_loss(all);
            self.reported = all;
            self.last = Some(now);
        }
    }
}

fn complain_of_loss(count: u64) {
    output::complain(&format!(
        "{count} event(s) lost so far: they came faster than they were taken"
    ));
}

/// Where events go.
struct Sink<'a, W> {
    context: &'a Context,
    is_json: bool,
    daemon: String,
    runner: Option<Runner>,
    out: &'a mut W,
}

/// An event as JSON.
#[derive(Serialize)]
struct Line<'a> {
    topic: &'a str,
    at: i64,
    daemon: &'a str,
    data: &'a Json,
}

impl<W: Write> Sink<'_, W> {
    fn take(&mut self, event: &Event) -> Result<(), Failure> {
        let daemon = self.daemon.as_str();
        let line = Line { topic: &event.topic, at: event.at_ms, daemon, data: &event.data };
        if let Some(runner) = &mut self.runner {
            let mut input = serde_json::to_vec(&line).map_err(io::Error::from)?;
            input.push(b'\n');
            return runner.push(job(event, input));
        }
        if !self.is_json {
            let text = human(event, self.context.utc_offset_s);
            writeln!(self.out, "{}", output::printable(&text, self.context.is_ascii))?;
        } else if self.context.is_terminal {
            // The escapes of JSON leave C1 controls as they are.
            let text = serde_json::to_string(&line).map_err(io::Error::from)?;
            writeln!(self.out, "{}", clean(&text))?;
        } else {
            serde_json::to_writer(&mut *self.out, &line).map_err(io::Error::from)?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn lost(&self) -> u64 {
        self.runner.as_ref().map_or(0, Runner::lost)
    }

    async fn ended(&mut self) -> Result<(), Failure> {
        match &mut self.runner {
            Some(runner) => runner.ended().await,
            None => std::future::pending().await,
        }
    }
}

fn job(event: &Event, input: Vec<u8>) -> Job {
    let process = event.process.as_ref();
    let pm_id = process.and_then(|process| process.pm_id).map(id_text);
    // A zero cannot be in the environment.
    let plain = |text: &str| text.replace('\0', "");
    Job {
        input,
        topic: plain(&event.topic),
        process: process.map_or_else(String::new, |process| plain(&process.name)),
        pm_id: pm_id.unwrap_or_default(),
    }
}

fn id_text(id: BusPmId) -> String {
    match id {
        BusPmId::Process(id) => id.to_string(),
        BusPmId::Old(id) => format!("_old_{id}"),
        BusPmId::Daemon => "PM2".to_owned(),
    }
}

/// An event in one line: time, process, topic and what it says.
fn human(event: &Event, utc_offset_s: i32) -> String {
    let at = units::clock(event.at_ms, utc_offset_s, Clock::Milliseconds);
    let process = match &event.process {
        None => "-".to_owned(),
        Some(process) => match process.pm_id {
            Some(BusPmId::Daemon) => "PM2".to_owned(),
            Some(id) => format!("{}[{}]", process.name, id_text(id)),
            None => process.name.to_string(),
        },
    };
    let text = said(&event.topic, &event.data);
    // One line, whatever was said: the lines of a chunk are parted visibly.
    let text = text.trim_end_matches('\n').replace('\n', " | ");
    format!("{at} {process} {} {}", clean(&event.topic), clean(&text)).trim_end().to_owned()
}

/// What an event says, short: of processes never more than their name and state, since PM2 puts
/// their whole environment there.
fn said(topic: &str, payload: &Json) -> String {
    let text = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_owned);
    let data = payload.get("data");
    let known = match topic {
        "process:event" => text(payload.get("event")).map(|event| {
            let process = payload.get("process");
            match text(process.and_then(|process| process.get("status"))) {
                Some(status) => format!("{event} ({status})"),
                None => event,
            }
        }),
        "process:exception" => text(data.and_then(|data| data.get("message"))),
        "pm2:kill" => text(payload.get("msg")),
        _ => text(data).or_else(|| text(payload.get("raw"))),
    };
    known.unwrap_or_else(|| match (data.or_else(|| payload.get("raw")), payload) {
        (Some(data), _) => data.to_string(),
        (None, Json::Object(map)) => {
            let rest = map.iter().filter(|(key, _)| !matches!(key.as_str(), "process" | "at"));
            let rest: serde_json::Map<_, _> =
                rest.map(|(key, value)| (key.clone(), value.clone())).collect();
            Json::Object(rest).to_string()
        }
        (None, other) => other.to_string(),
    })
}

/// Whether standard output is a pipe that nobody reads any more.
fn is_reader_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let out = io::stdout();
    if out.is_terminal() {
        return false;
    }
    let mut fds = [PollFd::new(&out, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let is_ready = poll(&mut fds, Some(&now)).is_ok_and(|count| count > 0);
    is_ready && fds.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

#[cfg(test)]
mod tests;
