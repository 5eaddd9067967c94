//! What happens, told among the lines that are followed.

use std::io::Write;

use super::super::failure::Failure;
use super::events::Event;
use super::live::{Following, Joint};
use super::order::Item;
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
            if !self.filter.fits(&event.line) {
                continue;
            }
            let event = match event.of {
                Some(id) => {
                    let held = self.looked_for(id).collect();
                    self.order.event(id, event, held)
                }
                None => Some(event),
            };
            if let Some(event) = event {
                self.printer.event(&event)?;
            }
        }
        Ok(())
    }

    /// The outputs of a process whose place is being looked for, and when something came of each last.
    fn looked_for(&self, id: BusId) -> impl Iterator<Item = (Key, i64)> {
        let looking = self.channels.iter().filter(move |(key, channel)| {
            let source = self.sources.get(key.source);
            matches!(channel.joint, Joint::Looking { .. })
                && source.is_some_and(|source| source.file.ids.contains(&PmId(id)))
        });
        looking.map(|(key, channel)| (*key, channel.at_ms))
    }

    /// Tells what waits of processes of which no output is held any more; where `is_all`, of all.
    pub(super) fn tell_held(&mut self, is_all: bool) -> Result<(), Failure> {
        if self.order.is_empty() {
            return Ok(());
        }
        let mut order = std::mem::take(&mut self.order);
        let ready = order.ready(|id| !is_all && self.looked_for(id).next().is_some());
        self.order = order;
        for item in ready {
            match item {
                Item::Event(event) => self.printer.event(&event)?,
                // What is held still is told when its place is known.
                Item::Piece { data: None, .. } => {}
                Item::Piece { key, at_ms, data: Some(data), .. } => {
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
