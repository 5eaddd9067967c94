//! Takes what comes on the bus, and sees to it that each line is told as that of the process that said it.
//!
//! Invariant: what came of a process that is not known waits, in its order, until the daemon said whose it
//! is; within a bound.

use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::time::Instant;

use super::super::failure::{Code, Failure};
use super::super::reconnecting::Connection;
use super::super::stop::Stop;
use super::super::{events, output};
use super::Sources;
use super::events::Live;
use super::filter::Filter;
use super::live::Following;
use super::print::Printer;
use super::said::Said;
use super::whose::{Standing, Whose};
use crate::client::{Message, Queued};
use crate::protocol::bus::{EventKind, raw};

/// How often the places of seams are looked for while nothing comes.
const TICK: Duration = Duration::from_millis(25);
/// How often the daemon is asked which processes there are, at most.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// Where it does not answer.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// So long after its end one that is deleted is not there any more.
const DELETED: Duration = Duration::from_millis(500);
/// So long the daemon may take to answer once nothing more is waited for.
const LAST_ASK: Duration = Duration::from_millis(400);
/// So much waits at most to be told whose it is, bytes.
const HELD_MAX: usize = 16 << 20;

/// What waits to be told whose it is.
#[derive(Debug)]
struct Waiting {
    said: VecDeque<Said>,
    bytes: usize,
    /// Whether there is something to ask.
    is_asked: bool,
    next: Instant,
    /// When there will be: one that ended may be deleted by then.
    later: Option<Instant>,
    /// Those that ended, and when: one that is not started again may be deleted.
    ended: Vec<(u32, Instant)>,
}

impl Waiting {
    fn hold(&mut self, said: Said) {
        self.bytes += said.text.len();
        self.said.push_back(said);
        self.is_asked = true;
    }

    fn clear(&mut self) {
        self.said.clear();
        self.bytes = 0;
    }
}

/// Waits for the moment, if there is one.
async fn until_then(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// All that is followed, with those who say it.
struct Course<'a, 'b, 'c, W> {
    all: Following<'a, 'b, W>,
    whose: Whose<'c>,
    waiting: Waiting,
    /// The bus is away.
    is_away: bool,
}

/// Prints what comes, until the end of the reader or that moment. What is older than `started_ms`,
/// milliseconds since 1970, is not asked for.
pub(super) async fn follow<W: Write>(
    mut bus: impl Stream<Item = Queued> + Unpin,
    sources: Sources,
    whose: Whose<'_>,
    (filter, printer): (&Filter, &mut Printer<'_, W>),
    (until, started_ms): (Option<Instant>, i64),
) -> Result<Code, Failure> {
    let stop = Stop::listen(false)
        .map_err(|error| Failure::condition(format!("cannot listen to signals: {error}")))?;
    let mut connection = Connection::up();
    let (said, next) = (VecDeque::new(), Instant::now());
    let all = Following::of(sources, filter, printer, started_ms);
    let is_asked = all.events.as_ref().is_some_and(Live::has_unknown);
    let waiting = Waiting { said, bytes: 0, is_asked, next, later: None, ended: Vec::new() };
    let mut course = Course { all, whose, waiting, is_away: false };
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            item = bus.next() => match item {
                None => return course.end().await,
                Some(Queued::Message(message)) => course.take(&message).await?,
                Some(Queued::Lost(count)) => {
                    course.waiting.clear();
                    course.all.lost(count)?;
                }
                Some(Queued::Reconnecting { problem, .. }) => {
                    connection.is_waited_for(&problem);
                    course.is_away = true;
                    course.all.goes_away()?;
                    // Who is asked now may be another daemon, before its bus is there.
                    course.whose.forget();
                }
                Some(Queued::Connected) => {
                    course.is_away = false;
                    if connection.is_back("what was written meanwhile is read from the log files") {
                        course.begin_again()?;
                    }
                }
            },
            () = until_then(until) => {
                return course.end().await;
            }
            _ = ticks.tick() => {
                course.ask().await?;
                course.all.measure();
                let is_settled = !course.waiting.is_asked;
                course.all.look_all(false, is_settled)?;
                course.all.printer.flush()?;
                if let Some(code) = stop.is_asked() {
                    // What is held is told, and no line is cut.
                    return course.end().await.map(|_| code);
                }
                if events::is_reader_gone() {
                    return Err(Failure::PipeClosed);
                }
            }
        }
    }
}

impl<W: Write> Course<'_, '_, '_, W> {
    /// Nothing more is waited for: what waits is told, and what files have that came on no bus yet.
    async fn end(&mut self) -> Result<Code, Failure> {
        if self.is_away {
            self.begin_again()?;
        }
        if self.waiting.is_asked || !self.waiting.said.is_empty() {
            (self.waiting.is_asked, self.waiting.next) = (true, Instant::now());
            // The daemon may just be gone.
            if let Ok(asked) = tokio::time::timeout(LAST_ASK, self.ask()).await {
                asked?;
            }
        }
        for said in std::mem::take(&mut self.waiting.said) {
            if self.whose.note_gone(said.id, &said.name) == Standing::Gone {
                self.take_of_gone(&said)?;
            }
        }
        self.all.read_on_to_the_end()?;
        self.all.look_all(true, true)?;
        self.all.printer.flush()?;
        Ok(Code::Fine)
    }

    async fn take(&mut self, message: &Message) -> Result<(), Failure> {
        if message.topic() == "process:event" {
            self.told(message);
            self.ask().await?;
        }
        self.all.happened(message)?;
        let Some(said) = Said::of(message) else { return Ok(()) };
        match self.whose.standing(said.id, &said.name) {
            Standing::Other => {}
            Standing::Ours | Standing::Beside => self.all.take_of(&said)?,
            Standing::Gone => self.take_of_gone(&said)?,
            Standing::Unknown => {
                self.waiting.hold(said);
                self.ask().await?;
            }
        }
        if self.waiting.bytes >= HELD_MAX {
            // It is in the files, too.
            self.waiting.clear();
            self.all.missed()?;
        }
        Ok(())
    }

    /// A process that is not known, or not so, is asked for.
    fn told(&mut self, message: &Message) {
        let told = message.line().and_then(|(json, _)| raw::process_event(json.as_bytes()));
        // A worker that a reload replaces is known by the one that replaces it.
        let Some(told) = told.filter(|told| !told.is_old_worker) else { return };
        self.waiting.is_asked |= self.whose.is_news(&told.info);
        let id = told.info.pm_id.0;
        if self.all.events.is_some() && self.whose.standing(id, &told.info.name) == Standing::Ours {
            let ended = &mut self.waiting.ended;
            ended.retain(|(other, _)| *other != id);
            if told.kind == EventKind::Exit {
                ended.push((id, Instant::now()));
            }
        }
        if let Some(name) = self.whose.name_by_id(id) {
            self.waiting.is_asked |= *name != *told.info.name;
            // That it is deleted is not told.
            if told.kind == EventKind::Exit {
                self.waiting.later = Some(Instant::now() + DELETED);
            }
        }
    }

    /// Another daemon may be there.
    fn begin_again(&mut self) -> Result<(), Failure> {
        self.waiting.clear();
        self.all.missed()?;
        self.whose.forget();
        self.all.events.iter_mut().for_each(Live::was_away);
        self.waiting.is_asked = true;
        Ok(())
    }

    /// Asks the daemon where there is something to ask, and tells what waited for that.
    async fn ask(&mut self) -> Result<(), Failure> {
        if self.waiting.later.is_some_and(|later| Instant::now() >= later) {
            (self.waiting.later, self.waiting.is_asked) = (None, true);
        }
        let count = self.waiting.ended.len();
        self.waiting.ended.retain(|(_, since)| since.elapsed() < DELETED);
        self.waiting.is_asked |= self.waiting.ended.len() < count;
        if !self.waiting.is_asked || Instant::now() < self.waiting.next {
            return Ok(());
        }
        if self.whose.ask_again().await.is_err() {
            self.waiting.next = Instant::now() + ASK_AGAIN;
            return Ok(());
        }
        self.waiting.next = Instant::now() + ASK_EVERY;
        self.waiting.is_asked = self.whose.is_looking();
        self.all.renew(self.whose.sources())?;
        if let Some(events) = &mut self.all.events {
            let processes = (&*self.whose.infos, &*self.whose.all);
            let told = events.renew(processes, self.whose.is_all(), self.whose.context);
            self.all.tell(told)?;
        }
        let held = std::mem::take(&mut self.waiting.said);
        self.waiting.bytes = 0;
        for said in held {
            match self.whose.standing(said.id, &said.name) {
                Standing::Other => {}
                Standing::Ours | Standing::Beside => self.all.take_of(&said)?,
                Standing::Gone => self.take_of_gone(&said)?,
                // It may be the one that is looked for.
                Standing::Unknown if self.whose.is_looking() => self.waiting.hold(said),
                Standing::Unknown => {
                    if self.whose.note_gone(said.id, &said.name) == Standing::Gone {
                        self.take_of_gone(&said)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn take_of_gone(&mut self, said: &Said) -> Result<(), Failure> {
        let label = format!("{}[{}]", said.name, said.id);
        let label = output::printable(&label, self.whose.context.is_ascii);
        self.all.take_of_gone(said, &label)
    }
}
