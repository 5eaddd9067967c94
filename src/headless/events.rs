//! `events`: the bus, a line for each event.
//!
//! Invariant: a line is written whole, and flushed before anything is waited for; what is lost is
//! counted and reported; however it ends, the commands of events that wait are run.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::Instant;

use super::exec::{Runner, counted};
use super::failure::{Code, Failure};
use super::reconnecting::Connection;
use super::stop::Stop;
use super::{Context, output};
use crate::cli::Events;
use crate::client::{Bus, ClientError, Message, Queued};
use crate::protocol::bus::EventKind;

mod ends;
mod filter;
mod lines;
mod losses;
mod print;
mod topics;
mod whole;

use ends::Ends;
use filter::Filter;
use lines::{Chunk, Lines};
use losses::Losses;
use print::Printer;
use topics::Topics;
use whole::Whole;

/// How often it is looked whether the reader of the pipe is gone, while no event comes.
const PIPE_LOOK: Duration = Duration::from_secs(1);
/// How long it rests after what it wrote: what comes meanwhile is written together.
const REST: Duration = Duration::from_millis(10);

/// Prints events, or runs a command for each.
pub(super) async fn run(
    context: &Context,
    mut what: Events,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let runner = what.exec.take().map(Runner::new).transpose()?;
    let watches_pipe = runner.is_none();
    let mut stop = Stop::listen(runner.is_some())
        .map_err(|error| Failure::condition(format!("cannot listen to signals: {error}")))?;
    let mut topics = Topics::new(&what.patterns)?;
    if what.chunks {
        topics = topics.unedited();
    }
    let bus = Bus::subscribe_with(&context.endpoint, &topics.subscription(), context.options)?
        .undecoded();
    // What happens meanwhile waits in the queue of the bus.
    let filter = Filter::ask(context, &what.processes).await?;
    filter::hint(context, &what.patterns).await;
    let printer = Printer::new(context, what.json, runner, what.count, out);
    let mut sink = Sink::new(printer, topics, filter, !what.chunks);
    let is_gone = || watches_pipe && is_reader_gone();
    let ended = follow(bus, &mut sink, &mut stop, what.span, is_gone).await;
    sink.close(ended, &mut stop).await
}

/// Takes events until there are enough, the time is over, somebody stops it, or a failure.
async fn follow<W: Write>(
    mut bus: impl Stream<Item = Queued> + Unpin,
    sink: &mut Sink<'_, W>,
    stop: &mut Stop,
    span: Option<Duration>,
    is_gone: impl Fn() -> bool,
) -> Result<Code, Failure> {
    let deadline = span.map(|span| Instant::now() + span);
    let mut connection = Connection::default();
    let mut has_taken = false;
    loop {
        if sink.printer.is_full() {
            return Ok(Code::Fine);
        }
        if let Some(code) = stop.is_asked() {
            return Ok(code);
        }
        if has_come(deadline) {
            if let Some(span) = span.filter(|_| !connection.was_up()) {
                return Err(sink.context.unreached(span));
            }
            return sink.over();
        }
        if has_come(sink.due()) {
            sink.end_old_lines()?;
            continue;
        }
        // What is there already is taken without a flush between; before a wait, all is written.
        let item = if let Some(item) = bus.next().now_or_never() {
            item
        } else {
            sink.flush()?;
            if std::mem::take(&mut has_taken) {
                // In a burst this lets events gather: one wake-up and one write serve them all.
                sink.rest().await;
                continue;
            }
            let due = sink.due();
            tokio::select! {
                biased;
                _ = stop.asked(1) => continue,
                () = sink.ended() => continue,
                item = bus.next() => item,
                () = until(deadline) => continue,
                () = until(due) => continue,
                () = tokio::time::sleep(PIPE_LOOK) => {
                    if is_gone() { return Err(Failure::PipeClosed); }
                    continue;
                }
            }
        };
        has_taken = true;
        match item {
            None => return Ok(Code::Fine),
            Some(Queued::Connected) => {
                if connection.is_back("what happened in between is not known") {
                    sink.printer.lost(None)?;
                }
            }
            Some(Queued::Reconnecting { problem, .. }) => {
                if !connection.is_waited_for(&problem) {
                    return Err(sink.context.failure(ClientError::NotRunning(problem)));
                }
                sink.gap()?;
            }
            Some(Queued::Lost(count)) => sink.lost(count)?,
            Some(Queued::Message(message)) => sink.take(&message)?,
        }
    }
}

/// Whether the moment has come, if there is one.
fn has_come(moment: Option<Instant>) -> bool {
    moment.is_some_and(|moment| Instant::now() >= moment)
}

/// Waits for the moment, if there is one.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// What is done with what the bus says.
struct Sink<'a, W> {
    context: &'a Context,
    printer: Printer<'a, W>,
    topics: Topics<'a>,
    filter: Option<Filter>,
    /// None where chunks are printed as they come.
    lines: Option<Lines>,
    ends: Ends,
    losses: Losses,
    /// Events that got no command.
    commands: Losses,
}

impl<'a, W: Write> Sink<'a, W> {
    fn new(
        printer: Printer<'a, W>,
        topics: Topics<'a>,
        filter: Option<Filter>,
        is_joining: bool,
    ) -> Self {
        let lines = is_joining.then(|| Lines::new(printer.json_daemon()));
        Self {
            context: printer.context,
            printer,
            topics,
            filter,
            lines,
            ends: Ends::default(),
            losses: Losses::of_the_bus(),
            commands: Losses::of_commands(),
        }
    }
}

impl<W: Write> Sink<'_, W> {
    fn take(&mut self, message: &Message) -> Result<(), Failure> {
        let topic = message.topic();
        match topic {
            "process:event" => self.hear_event(message)?,
            "log:PM2" => self.hear_console(message),
            _ => {}
        }
        if !self.topics.want(message) {
            return Ok(());
        }
        let is_output = matches!(topic, "log:out" | "log:err" | "log:PM2");
        if matches!(topic, "log:out" | "log:err")
            && self.filter.is_none()
            && self.printer.prints_json()
            && self.lines.as_ref().is_some_and(Lines::is_empty)
            && let Some(whole) = Whole::read(message)
        {
            return self.printer.whole(topic, &whole);
        }
        let is_looked_into = is_output && (self.lines.is_some() || self.filter.is_some());
        let chunk = if is_looked_into { Chunk::read(message) } else { None };
        if let Some(filter) = &self.filter {
            let is_wanted = match (&chunk, message) {
                (Some(chunk), _) => filter.fits(chunk.process.as_ref()),
                // What cannot be read is counted below.
                (None, message) => {
                    message.decode().is_none_or(|event| filter.fits(event.process.as_ref()))
                }
            };
            if !is_wanted {
                return Ok(());
            }
        }
        if let (Some(chunk), Some(lines)) = (chunk, &mut self.lines) {
            let printer = &mut self.printer;
            if lines.push(message, chunk, &mut |head, line| printer.line(head, line))? {
                return Ok(());
            }
        }
        if !self.printer.message(message, &self.ends.of(message))? {
            self.losses.add(1);
        }
        Ok(())
    }

    /// A process says what became of it.
    fn hear_event(&mut self, message: &Message) -> Result<(), Failure> {
        let Some(event) = self.ends.of(message).event else { return Ok(()) };
        if let Some(filter) = &mut self.filter {
            filter.hear(&event);
        }
        self.ends.note(&event);
        if let Some(lines) = self.lines.as_mut().filter(|_| event.kind == EventKind::Exit) {
            let printer = &mut self.printer;
            lines.end_of(ends::id(&event), &mut |head, line| printer.line(head, line))?;
        }
        Ok(())
    }

    fn hear_console(&mut self, message: &Message) {
        let event = message.decode();
        if let Some(text) = event.as_ref().and_then(|event| event.data.get("data")?.as_str()) {
            self.ends.hear(text);
        }
    }

    /// So many events are missing here.
    fn lost(&mut self, count: u64) -> Result<(), Failure> {
        self.gap()?;
        self.losses.add(count);
        self.report()
    }

    /// What comes next does not go on where the last message ended.
    fn gap(&mut self) -> Result<(), Failure> {
        self.topics.gap();
        self.ends.gap();
        self.end_lines()
    }

    /// When an unfinished line may have waited long enough.
    fn due(&self) -> Option<Instant> {
        self.lines.as_ref().and_then(Lines::due)
    }

    fn end_old_lines(&mut self) -> Result<(), Failure> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        let printer = &mut self.printer;
        lines.end_old(&mut |head, line| printer.line(head, line))
    }

    fn end_lines(&mut self) -> Result<(), Failure> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        let printer = &mut self.printer;
        lines.end_all(&mut |head, line| printer.line(head, line))
    }

    /// The time is over: fine, unless more events were counted on.
    fn over(&mut self) -> Result<Code, Failure> {
        self.end_lines()?;
        let seen = self.printer.seen;
        match self.printer.count.filter(|count| seen < *count) {
            Some(count) => {
                let line = format!("only {seen} of {count} events came in time");
                Err(Failure::Said(Code::Timeout, line))
            }
            None => Ok(Code::Fine),
        }
    }

    /// Reports losses that grew.
    fn report(&mut self) -> Result<(), Failure> {
        self.commands.set(self.printer.runner.as_ref().map_or(0, Runner::lost));
        self.commands.report();
        match self.losses.report() {
            Some(new) => self.printer.lost(Some(new)),
            None => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.report()?;
        Ok(self.printer.out.flush()?)
    }

    /// Lets events gather, and sees to the commands meanwhile.
    async fn rest(&mut self) {
        let pause = tokio::time::sleep(REST);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return,
                () = self.ended() => {}
            }
        }
    }

    async fn ended(&mut self) {
        match &mut self.printer.runner {
            Some(runner) => runner.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Prints what is left, says what was lost, and runs the commands of those that wait.
    async fn close(
        mut self,
        ended: Result<Code, Failure>,
        stop: &mut Stop,
    ) -> Result<Code, Failure> {
        let written = if ended == Err(Failure::PipeClosed) {
            self.losses.report_all();
            Ok(())
        } else {
            self.last_words()
        };
        let ended = ended.and_then(|code| written.map(|()| code));
        let Some(runner) = self.printer.runner.take() else { return ended };
        if stop.is_asked().is_some() && runner.open() > 0 {
            let open = counted(runner.open() as u64, "command");
            output::complain(&format!("{open} still running; Ctrl-C again abandons them"));
        }
        let left = async {
            stop.asked(2).await;
        };
        let finished = runner.finish(left).await;
        self.commands.set(finished.lost);
        self.commands.report_all();
        for line in finished.lines() {
            output::complain(&line);
        }
        match ended {
            Ok(Code::Fine) if !finished.is_fine() => Ok(Code::Condition),
            ended => ended,
        }
    }

    fn last_words(&mut self) -> Result<(), Failure> {
        self.end_lines()?;
        if let Some(new) = self.losses.report_all() {
            self.printer.lost(Some(new))?;
        }
        Ok(self.printer.out.flush()?)
    }
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
