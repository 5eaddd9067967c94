//! What is ready to be printed, held while some of what was said at that time is still looked for: then it is
//! printed in the order of time, whichever process said it.
//!
//! Invariant: of one process, what was handed over first is printed first; within a bound of time and bytes.
//! While nothing is looked for all goes straight on.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use tokio::time::Instant;

use super::events::Event;
use super::print::Printer;
use crate::daemon::history::Line;
use crate::protocol::bus::LogStream;
use crate::protocol::process::PmId;

/// For so long it is held at most.
const GATHER_MAX: Duration = Duration::from_millis(2_500);
/// So much of it, bytes.
const HELD_MAX: usize = 16 << 20;
/// What one item takes beside its text, about, bytes.
const ITEM_BYTES: usize = 192;

/// What is ready to be printed.
#[derive(Debug)]
pub(super) enum Ready {
    /// A line, and who said it.
    Line(Box<str>, LogStream, Line),
    Event(Event),
}

/// All that is ready, where it is held.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// Since when it is.
    since: Option<Instant>,
    /// With the moment that each belongs to, milliseconds since 1970.
    ready: Vec<(i64, Ready)>,
    /// The latest moment of what was handed over of a process, likewise.
    latest_ms: HashMap<PmId, i64>,
    /// The same of what the daemon's log told of it that came of no bus.
    told_ms: HashMap<PmId, i64>,
    /// What was before that may be missing from the bus, milliseconds since 1970.
    back_ms: Option<i64>,
    bytes: usize,
}

impl Gathering {
    /// Something is looked for from now on.
    pub(super) fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// The bus was away until then, milliseconds since 1970.
    pub(super) fn was_away(&mut self, back_ms: Option<i64>) {
        self.back_ms = back_ms;
        if self.ready.is_empty() {
            // Nothing waited meanwhile: what comes now is held as long as ever.
            self.since = self.since.map(|_| Instant::now());
        }
    }

    /// Whether it is.
    pub(super) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// Whether it was for long enough, or is too much.
    pub(super) fn is_over(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= GATHER_MAX) || self.bytes >= HELD_MAX
    }

    /// A line that belongs to this moment, of these processes: one, or those that write its file.
    pub(super) fn line<W: Write>(
        &mut self,
        printer: &mut Printer<'_, W>,
        (ids, who): (&[PmId], (&str, LogStream)),
        (at_ms, line): (i64, Line),
    ) -> io::Result<()> {
        if self.since.is_none() {
            return printer.say(who, &line);
        }
        self.bytes += line.bytes.len();
        self.take(ids, at_ms, Ready::Line(who.0.into(), who.1, line));
        Ok(())
    }

    /// Something that happened.
    pub(super) fn event<W: Write>(
        &mut self,
        printer: &mut Printer<'_, W>,
        event: &Event,
    ) -> io::Result<()> {
        if self.since.is_none() {
            return printer.event(event);
        }
        self.bytes += event.line.bytes.len();
        let of = event.of.map(PmId);
        self.take(of.as_slice(), event.line.at_ms, Ready::Event(event.clone()));
        Ok(())
    }

    fn take(&mut self, ids: &[PmId], at_ms: i64, ready: Ready) {
        // The daemon's log and the files are read one after the other: how they stand to each other, time alone tells.
        // What the bus brings is behind both.
        let is_told = matches!(&ready, Ready::Event(event) if event.line.is_estimated);
        let is_missed = !is_told && Some(at_ms) < self.back_ms;
        let (latest, told) = (&mut self.latest_ms, &mut self.told_ms);
        let said = ids.iter().filter(|_| !is_told).filter_map(|id| latest.get(id));
        let happened = ids.iter().filter(|_| !is_missed).filter_map(|id| told.get(id));
        let at_ms = said.chain(happened).fold(at_ms, |at_ms, before| at_ms.max(*before));
        let track = if is_told { told } else { latest };
        track.extend(ids.iter().map(|id| (*id, at_ms)));
        self.bytes += ITEM_BYTES;
        self.ready.push((at_ms, ready));
    }

    /// Nothing is held any more: all that was, in its order.
    pub(super) fn end(&mut self) -> impl Iterator<Item = Ready> + use<> {
        let Self { mut ready, .. } = std::mem::take(self);
        ready.sort_by_key(|(at_ms, _)| *at_ms);
        ready.into_iter().map(|(_, ready)| ready)
    }
}

/// The moment that a line of a file belongs to which came of no bus and is thought to be of about `near_ms`. Many
/// a stamp has whole seconds.
pub(super) fn moment_ms(line: &Line, near_ms: i64) -> i64 {
    match line.at_ms {
        _ if line.is_estimated => near_ms,
        at_ms if at_ms % 1_000 == 0 => near_ms.clamp(at_ms, at_ms.saturating_add(999)),
        at_ms => at_ms,
    }
}

#[cfg(test)]
mod tests;
