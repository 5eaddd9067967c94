//! The start: what was written into a file behind its history, before the daemon knew that somebody listens. It
//! comes on no bus, and its output may say nothing more for long.
//!
//! Invariant: it is told soon, before what its process says and does later; never twice: the bus goes on from there.

use std::io::Write;
use std::sync::Arc;

use tokio::time::Instant;

use super::super::failure::Failure;
use super::live::{Following, Joint};
use super::missing::{Found, LOOK_EVERY, LOOKS, source_end};
use super::said::Key;
use super::source::Source;
use crate::daemon::clock;
use crate::daemon::history::gap::MISSED_BYTES_MAX;
use crate::daemon::seam::{ReadAt, read_part};
use crate::protocol::process::PmId;

impl<W: Write> Following<'_, '_, W> {
    /// What comes waits until the files were looked at.
    pub(super) fn begin_all(&mut self) {
        for index in self.silent().collect::<Vec<_>>() {
            self.await_missing(index);
        }
    }

    /// The files of one output of which nothing came.
    fn silent(&self) -> impl Iterator<Item = usize> {
        let all = self.sources.iter().enumerate();
        let is_silent = |(index, source): &(usize, &Source)| {
            let is_own = source.opened.is_some() && !source.is_heard && !source.is_shared();
            is_own && !source.is_gone && !self.channels.contains_key(&Key::own(*index))
        };
        all.filter(is_silent).map(|(index, _)| index)
    }

    /// Whether it is not known yet what is missing at the start.
    pub(super) fn is_beginning(&self) -> bool {
        self.beginning.left == LOOKS || !self.beginning.longer.is_empty()
    }

    /// The processes of which something may be missing at the start.
    pub(super) fn begun(&self) -> impl Iterator<Item = &PmId> {
        let is_first = self.beginning.left == LOOKS;
        let silent = is_first.then(|| self.silent()).into_iter().flatten();
        let longer = self.beginning.longer.iter().map(|(index, _)| *index);
        silent.chain(longer).flat_map(|index| self.ids_of(index))
    }

    /// Looks at the files of which nothing came: what has stood there for a while is told.
    pub(super) fn look_at_start(&mut self, is_end: bool) -> Result<(), Failure> {
        let is_due = is_end || Instant::now() >= self.beginning.next;
        if self.beginning.left == 0 || !is_due {
            return Ok(());
        }
        self.beginning.left -= 1;
        self.beginning.next = Instant::now() + LOOK_EVERY;
        let silent: Vec<usize> = self.silent().collect();
        let longer = std::mem::take(&mut self.beginning.longer);
        let is_still = |(index, _): &(usize, u64)| silent.contains(index);
        let found = longer.into_iter().filter(is_still);
        let found: Vec<_> = found.filter_map(|(index, to)| self.unheard_of(index, to)).collect();
        self.push_missed(&found)?;
        if self.beginning.left == 0 {
            return Ok(());
        }
        for index in self.silent().collect::<Vec<_>>() {
            let Some(source) = self.sources.get(index) else { continue };
            let size = source.opened.as_ref().and_then(|file| file.size().ok());
            if let Some(size) = size.filter(|size| *size > source.sizes.1) {
                self.beginning.longer.push((index, size));
                self.await_missing(index);
            }
        }
        Ok(())
    }

    /// What a file holds behind its history up to this offset, of which nothing came. What comes goes on behind it.
    fn unheard_of(&mut self, index: usize, to: u64) -> Option<Found> {
        let now_ms = self.clock_ms();
        let key = Key::own(index);
        let source = self.sources.get(index)?;
        let (opened, from) = (Arc::clone(source.opened.as_ref()?), source.sizes.1);
        let bytes = read_part(&opened, from, to.min(from + MISSED_BYTES_MAX)).ok()?;
        if bytes.is_empty() {
            return None;
        }
        self.begin(key, clock::now_ms());
        let source = self.sources.get_mut(index)?;
        let ends = from + bytes.len() as u64;
        source.sizes.1 = ends;
        let missing = source_end(source, &opened, now_ms).level();
        self.channels.get_mut(&key)?.joint = Joint::Missing(Box::new(missing));
        Some(Found { key, bytes, ends })
    }
}

#[cfg(test)]
mod tests;
