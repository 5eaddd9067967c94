//! What happens, told among the lines that are followed.

use std::collections::HashSet;
use std::io::Write;

use super::super::failure::Failure;
use super::events::Event;
use super::live::{Channel, Following, Joint, by_time};
use super::order::{Item, Which};
use super::said::{BusId, Key};
use crate::client::Message;
use crate::protocol::process::PmId;

impl<W: Write> Following<'_, '_, W> {
    /// Prints what a message tells that happened.
    pub(super) fn happened(&mut self, message: &Message) -> Result<(), Failure> {
        let Some(events) = &mut self.events else { return Ok(()) };
        let events = events.take(message);
        self.tell(events)
    }

    /// Prints what happened, where it is wanted: behind lines of its process that are held.
    pub(super) fn tell(&mut self, events: Vec<Event>) -> Result<(), Failure> {
        for event in events {
            self.unheard.add(&event);
            if !self.filter.fits(&event.line) {
                continue;
            }
            let event = match event.of {
                // What only the daemon's log tells was before all that the bus brings.
                Some(id) if !event.line.is_estimated => {
                    self.catch_up(id, event.line.at_ms)?;
                    if self.held().any(|held| held == id) {
                        let looked_for = self.looked_for(id).collect();
                        self.order.open(id, looked_for);
                    }
                    self.order.event(id, event)
                }
                _ => Some(event),
            };
            if let Some(event) = event {
                self.gathering.event(self.printer, &event)?;
            }
        }
        Ok(())
    }

    /// Some of what these processes said is missing: what happened to them, and what they say, waits for that; what
    /// others say is gathered.
    pub(super) fn await_missing(&mut self, index: usize) {
        self.gathering.begin();
        let ids = self.sources.get(index).map(|source| source.file.ids.clone());
        ids.into_iter().flatten().for_each(|id| self.order.open(id.0, Vec::new()));
    }

    /// The place of an output of this process is looked for: the same.
    pub(super) fn await_place(&mut self, id: BusId) {
        self.gathering.begin();
        if !self.order.is_open(id) {
            let looked_for = self.looked_for(id).collect();
            self.order.open(id, looked_for);
        }
    }

    /// Takes bytes whose place is known now: those that came behind what waits wait, too.
    pub(super) fn push_joined(&mut self, key: Key, mut bytes: Vec<u8>) -> Result<(), Failure> {
        let at_ms = self.order.cut(key, &mut bytes);
        if let Some((channel, at_ms)) = self.channels.get_mut(&key).zip(at_ms) {
            channel.at_ms = at_ms;
        }
        self.push(key, &bytes)
    }

    /// Takes a piece that is certainly new: it waits where something of its process does, but for the rest of
    /// an entry that has begun.
    pub(super) fn push_or_hold(
        &mut self,
        id: BusId,
        key: Key,
        (at_ms, data): (i64, &[u8]),
    ) -> Result<(), Failure> {
        if !self.order.is_open(id) {
            return self.push(key, data);
        }
        let channel = self.channels.get(&key).filter(|_| !self.order.has(id, key));
        let rest = channel.map_or(0, |channel| channel.rest_in(data));
        let (rest, behind) = data.split_at(rest.min(data.len()));
        if !rest.is_empty() {
            self.push(key, rest)?;
        }
        if !behind.is_empty() {
            self.order.hold(id, key, (at_ms, behind));
        }
        Ok(())
    }

    /// Prints what is held of a process and does not go on any more when something of it comes then: whether
    /// there was something.
    fn say_overdue(&mut self, id: BusId, at_ms: i64) -> Result<bool, Failure> {
        let overdue = self.channels.iter().filter(|(_, channel)| channel.is_overdue(at_ms));
        let keys = by_time(overdue.filter(|(key, _)| self.is_of(key, id)));
        for key in &keys {
            self.say_partial(*key)?;
            self.say_rest(*key, true)?;
        }
        Ok(!keys.is_empty())
    }

    /// The same, and what waited for that: it was before what comes then.
    pub(super) fn catch_up(&mut self, id: BusId, at_ms: i64) -> Result<(), Failure> {
        while self.say_overdue(id, at_ms)? {
            self.tell_held(Which::Ready)?;
        }
        Ok(())
    }

    /// The outputs of a process whose place is being looked for, and when something came of each last.
    fn looked_for(&self, id: BusId) -> impl Iterator<Item = (Key, i64)> {
        let held = self.channels_of(id).filter(|(_, channel)| {
            matches!(channel.joint, Joint::Looking { .. } | Joint::Missing(_) | Joint::Waiting(_))
        });
        held.map(|(key, channel)| (*key, channel.at_ms))
    }

    /// The outputs that are those of a process.
    fn channels_of(&self, id: BusId) -> impl Iterator<Item = (&Key, &Channel)> {
        self.channels.iter().filter(move |(key, _)| self.is_of(key, id))
    }

    fn is_of(&self, key: &Key, id: BusId) -> bool {
        match key.of {
            Some((other, _)) => other == id,
            None => self.ids_of(key.source).contains(&PmId(id)),
        }
    }

    pub(super) fn ids_of(&self, source: usize) -> &[PmId] {
        self.sources.get(source).map_or(&[], |source| &source.file.ids)
    }

    /// The processes of which lines are held: their place is not known, what was missed before them is not, or
    /// their entry may go on.
    fn held(&self) -> impl Iterator<Item = BusId> {
        let is_held = |(_, channel): &(&Key, &Channel)| match &channel.joint {
            Joint::Looking { .. } => true,
            Joint::Missing(missing) => missing.is_open() || channel.is_open(),
            Joint::Waiting(_) => false,
            Joint::Skipping { .. } | Joint::Live => channel.is_open(),
        };
        let channels = self.channels.iter().filter(is_held);
        let own = channels.flat_map(|(key, _)| {
            let ids = if key.of.is_none() { self.ids_of(key.source) } else { &[] };
            ids.iter().map(|id| id.0).chain(key.of.map(|(id, _)| id))
        });
        let mended = self.mended().flat_map(|index| self.ids_of(index));
        own.chain(mended.chain(self.begun()).map(|id| id.0))
    }

    /// The files of several processes that are being mended.
    pub(super) fn mended(&self) -> impl Iterator<Item = usize> {
        let is_there = |index: &usize| self.sources.get(*index).is_some_and(|it| !it.is_gone);
        self.mending.keys().copied().filter(is_there)
    }

    /// Tells what waits of these processes.
    pub(super) fn tell_held(&mut self, which: Which) -> Result<(), Failure> {
        if self.order.is_empty() {
            return Ok(());
        }
        let mut order = std::mem::take(&mut self.order);
        let held: HashSet<BusId> = self.held().collect();
        let ready = order.ready(which, |id| held.contains(&id));
        self.order = order;
        for item in ready {
            match item {
                Item::Event(event) => {
                    // Entries that began before it.
                    let of = event.of.into_iter().flat_map(|id| self.channels_of(id));
                    let keys = by_time(of);
                    keys.into_iter().try_for_each(|key| self.say_rest(key, true))?;
                    self.gathering.event(self.printer, &event)?;
                }
                // What is held still is told when its place is known.
                Item::Piece { data: None, .. } => {}
                Item::Piece { key, at_ms, data: Some(data), .. } => {
                    let id = key.of.map(|(id, _)| id);
                    let id = id.or_else(|| self.ids_of(key.source).first().map(|id| id.0));
                    id.map_or(Ok(false), |id| self.say_overdue(id, at_ms))?;
                    if let Some(channel) = self.channels.get_mut(&key) {
                        channel.at_ms = at_ms;
                    }
                    self.push(key, &data)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
