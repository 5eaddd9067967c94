//! `events`: the bus, a line for each event.
//!
//! Invariant: a line is written whole, and flushed before anything is waited for; what is lost is
//! counted and reported on standard error; the end of the reader is the end of the command.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::exec::{Job, Runner};
use super::failure::{Code, Failure};
use super::{Context, output};
use crate::cli::Events;
use crate::client::{Bus, ClientError, Event, Message, ProcessRef, Queued};
use crate::model::daemon::Problem;
use crate::model::units::{self, Clock};
use crate::protocol::bus::BusPmId;
use crate::protocol::text::clean;

/// How often it is looked whether the reader of the pipe is gone, while no event comes.
const PIPE_LOOK: Duration = Duration::from_secs(1);
/// The most of a topic or name that a command gets in its environment, characters.
const ENVIRONMENT_CHARS_MAX: usize = 1_000;
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
    let bus = Bus::subscribe_with(&context.endpoint, &patterns, context.options)?.undecoded();
    let mut sink = Sink::new(context, what.json, what.exec.map(Runner::new), out);
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
    mut bus: impl Stream<Item = Queued> + Unpin,
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
                sink.rest().await?;
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
            Some(Queued::Connected) => link.connected(),
            Some(Queued::Reconnecting { problem, .. }) => link.lost(problem, sink.context)?,
            Some(Queued::Lost(count)) => losses.on_the_way += count,
            Some(Queued::Message(message)) => {
                if !sink.take(&message)? {
                    losses.on_the_way += 1;
                    continue;
                }
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
    /// The last line for people; kept for its room.
    line: String,
}

impl<'a, W: Write> Sink<'a, W> {
    fn new(context: &'a Context, is_json: bool, runner: Option<Runner>, out: &'a mut W) -> Self {
        Self { context, is_json, daemon: context.home(), runner, out, line: String::new() }
    }
}

impl<W: Write> Sink<'_, W> {
    /// Prints the message or runs the command for it; `false` where it cannot be read.
    fn take(&mut self, message: &Message) -> Result<bool, Failure> {
        if let Some(runner) = &mut self.runner {
            let mut input = Vec::new();
            let is_sound = write_json(message, &self.daemon, &mut input)?;
            let Some(event) = message.decode().filter(|_| is_sound) else { return Ok(false) };
            runner.push(job(&event, input))?;
        } else if !self.is_json {
            let offset_s = self.context.utc_offset_s;
            let Some(()) = human(message, offset_s, &mut self.line) else { return Ok(false) };
            if self.context.is_ascii {
                self.line = output::printable(&self.line, true);
            }
            self.line.push('\n');
            self.out.write_all(self.line.as_bytes())?;
        } else {
            return write_json(message, &self.daemon, self.out);
        }
        Ok(true)
    }

    fn lost(&self) -> u64 {
        self.runner.as_ref().map_or(0, Runner::lost)
    }

    /// Lets events gather, and sees to the commands meanwhile.
    async fn rest(&mut self) -> Result<(), Failure> {
        let pause = tokio::time::sleep(REST);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return Ok(()),
                result = self.ended() => result?,
            }
        }
    }

    async fn ended(&mut self) -> Result<(), Failure> {
        match &mut self.runner {
            Some(runner) => runner.ended().await,
            None => std::future::pending().await,
        }
    }
}

/// Writes a message as one line of JSON; `false`, and nothing written, where it cannot be read.
fn write_json(message: &Message, daemon: &str, out: &mut impl Write) -> Result<bool, Failure> {
    let Some((data, at_ms)) = message.line() else { return Ok(false) };
    out.write_all(b"{\"topic\":")?;
    serde_json::to_writer(&mut *out, message.topic()).map_err(io::Error::from)?;
    write!(out, ",\"at\":{at_ms},\"daemon\":")?;
    serde_json::to_writer(&mut *out, daemon).map_err(io::Error::from)?;
    out.write_all(b",\"data\":")?;
    out.write_all(output::escaped(&data, false).as_bytes())?;
    out.write_all(b"}\n")?;
    Ok(true)
}

fn job(event: &Event, input: Vec<u8>) -> Job {
    let process = event.process.as_ref();
    let pm_id = process.and_then(|process| process.pm_id).map(id_text);
    // A zero cannot be in the environment, and all of it has a bound.
    let plain = |text: &str| {
        text.chars().filter(|c| *c != '\0').take(ENVIRONMENT_CHARS_MAX).collect::<String>()
    };
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

/// Puts an event into `line`: time, process, topic and what it says; `None` where it cannot be read.
fn human(message: &Message, utc_offset_s: i32, line: &mut String) -> Option<()> {
    // Most events by far: their values are not built.
    if let Some((process, at_ms, text)) = message.log() {
        start(process.as_ref(), at_ms, message.topic(), utc_offset_s, line);
        append(&text, line);
        return Some(());
    }
    let event = message.decode()?;
    start(event.process.as_ref(), event.at_ms, &event.topic, utc_offset_s, line);
    append(&said(&event.topic, &event.data), line);
    Some(())
}

/// Begins `line` anew with what stands before what was said.
fn start(
    process: Option<&ProcessRef>,
    at_ms: i64,
    topic: &str,
    utc_offset_s: i32,
    line: &mut String,
) {
    line.clear();
    line.push_str(&units::clock(at_ms, utc_offset_s, Clock::Milliseconds));
    line.push(' ');
    match process.map(|process| (process.pm_id, &process.name)) {
        None => line.push('-'),
        Some((Some(BusPmId::Daemon), _)) => line.push_str("PM2"),
        Some((Some(id), name)) => line.extend([name, "[", &id_text(id), "]"]),
        Some((None, name)) => line.push_str(name),
    }
    line.extend([" ", &clean(topic), " "]);
}

/// Ends `line` with what was said, in one line whatever it was: the lines of a chunk are parted
/// visibly, each cleaned by itself, since a carriage return goes back to the start of its own.
fn append(text: &str, line: &mut String) {
    for (index, part) in text.trim_end_matches('\n').split('\n').enumerate() {
        if index > 0 {
            line.push_str(" | ");
        }
        line.push_str(&clean(part));
    }
    line.truncate(line.trim_end().len());
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
pub(super) fn is_reader_gone() -> bool {
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
