//! When lines and events that are ready are printed: at once, or where something is looked for, once that is known.

use std::io::Write;

use super::super::failure::Failure;
use super::gathering::Ready;
use super::live::{Following, Joint};
use super::order::Which;
use super::said::Key;
use crate::daemon::history::Line;
use crate::protocol::process::PmId;

impl<W: Write> Following<'_, '_, W> {
    /// Prints lines of an output, or gathers them: each with the moment that it belongs to.
    pub(super) fn hand_over(&mut self, key: Key, ready: Vec<(i64, Line)>) -> Result<(), Failure> {
        let Some(source) = self.sources.get(key.source) else { return Ok(()) };
        // It was asked for when it was said.
        let who = source.who(key.of).unwrap_or((&source.label, source.file.stream));
        let of = key.of.map(|(id, _)| PmId(id));
        let ids = of.as_ref().map_or(source.file.ids.as_slice(), std::slice::from_ref);
        for timed in ready {
            self.gathering.line(self.printer, (ids, who), timed)?;
        }
        Ok(())
    }

    /// Prints what was gathered, where nothing is looked for any more, or not for longer.
    pub(super) fn release(&mut self, is_end: bool, is_settled: bool) -> Result<(), Failure> {
        if !self.gathering.is_on() {
            return Ok(());
        }
        let is_over = is_end || self.gathering.is_over();
        if !is_over && (!is_settled || self.is_looking()) {
            return Ok(());
        }
        if is_over {
            self.tell_held(if is_end { Which::All } else { Which::Late })?;
        }
        for ready in self.gathering.end() {
            match ready {
                Ready::Line(label, stream, line) => self.printer.say((&label, stream), &line)?,
                Ready::Event(event) => self.printer.event(&event)?,
            }
        }
        Ok(())
    }

    /// Whether something may still come that was said before what is gathered.
    pub(super) fn is_looking(&self) -> bool {
        let is_sought = |joint: &Joint| match joint {
            Joint::Looking { .. } => true,
            Joint::Missing(missing) => missing.is_open(),
            Joint::Waiting(_) | Joint::Skipping { .. } | Joint::Live => false,
        };
        !self.order.is_empty()
            || self.is_beginning()
            || self.mended().next().is_some()
            || self.channels.values().any(|channel| is_sought(&channel.joint))
    }
}
