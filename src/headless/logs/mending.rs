//! What came of no bus after a loss, from the files: the way of the screen, without holding up what
//! belongs to other files.

use std::io::Write;
use std::sync::Arc;

use super::super::failure::Failure;
use super::live::{BusId, Following, Joint};
use super::missing::{HELD_MAX, LOOK_MAX_MS, Missing, SharedMissing, complain, source_end};
use super::source::Source;
use crate::daemon::history::gap::Tail;
use crate::daemon::history::shared::{self, MissedLines, Output, SHARED_BYTES};
use crate::daemon::{clock, files};
use crate::logs::parse::Judge;
use crate::protocol::bus::LogStream;
use crate::protocol::process::PmId;

impl<W: Write> Following<'_, '_, W> {
    /// The bus, or a part of what it said, was lost: what is missing is looked for from here on.
    pub(super) fn missed(&mut self) {
        let now_ms = self.clock_ms();
        for index in 0..self.sources.len() {
            let Some(source) = self.sources.get(index) else { continue };
            let Some(opened) = source.opened.clone() else { continue };
            let keys: Vec<(BusId, LogStream)> =
                source.file.keys().map(|(id, stream)| (id.0, stream)).collect();
            if source.file.is_shared() {
                let channels = self.channels.values().filter(|channel| channel.source == index);
                let mut tails: Vec<_> =
                    channels.map(|channel| channel.tail.bytes().to_vec()).collect();
                if tails.is_empty() {
                    let tail = Tail::of_file(&opened, source.sizes.1, SHARED_BYTES);
                    tails.push(tail.bytes().to_vec());
                }
                let mending =
                    SharedMissing { tails, since_ms: now_ms, first_ms: None, last_ms: now_ms };
                self.mending.insert(index, mending);
                let channels = self.channels.values_mut();
                for channel in channels.filter(|channel| channel.source == index) {
                    channel.joint = Joint::Waiting(Vec::new());
                }
                continue;
            }
            let Some(key) = keys.first() else { continue };
            if !self.channels.contains_key(key) && !self.begin(*key, clock::now_ms()) {
                continue;
            }
            let Some(source) = self.sources.get(index) else { continue };
            let Some(channel) = self.channels.get_mut(key) else { continue };
            let missing = match std::mem::replace(&mut channel.joint, Joint::Live) {
                Joint::Missing(mut missing) => {
                    missing.lose(now_ms);
                    missing
                }
                Joint::Looking { .. } => Box::new(source_end(source, &opened, now_ms)),
                // The file was told further than the bus had come.
                Joint::Skipping { left } => {
                    let told = channel.tail.at().map_or(0, |at| at + left as u64);
                    Box::new(Missing::told_to(channel.tail.clone(), told, now_ms))
                }
                _ => Box::new(Missing::new(channel.tail.clone(), now_ms)),
            };
            channel.joint = Joint::Missing(missing);
        }
    }

    /// These are the log files now: known ones get other processes, new ones are added.
    pub(super) fn renew(&mut self, sources: Vec<Source>) {
        for mut source in sources {
            let known = self
                .sources
                .iter_mut()
                .find(|known| known.file.path == source.file.path && known.file.path.is_some());
            match known {
                Some(known) => known.file = source.file,
                None if source.file.path.is_some() => {
                    source.measure();
                    source.measure_after();
                    self.printer.add(&source);
                    self.sources.push(source);
                }
                None => {}
            }
        }
        let gone: Vec<_> = self.channels.keys().filter(|key| !self.holds(**key)).copied().collect();
        for key in gone {
            self.give_on(key);
        }
    }

    /// Whether an output still goes into the file that it went into.
    fn holds(&self, key: (BusId, LogStream)) -> bool {
        let source = self.channels.get(&key).and_then(|channel| self.sources.get(channel.source));
        source.is_some_and(|source| source.file.holds(PmId(key.0), key.1))
    }

    /// An output has another process now: a daemon that comes back gives ids anew. What is missing of
    /// its file goes on where the old one ended.
    fn give_on(&mut self, key: (BusId, LogStream)) {
        let now_ms = self.clock_ms();
        let Some(mut channel) = self.channels.remove(&key) else { return };
        let Some(source) = self.sources.get(channel.source) else { return };
        let next = source.file.keys().find(|(_, stream)| *stream == key.1);
        let Some((id, stream)) = next.filter(|_| !source.file.is_shared()) else { return };
        if !matches!(channel.joint, Joint::Missing(_)) {
            // What the new one said before it was known by its id is in the file alone.
            let missing = Missing::new(channel.tail.clone(), now_ms);
            channel.joint = Joint::Missing(Box::new(missing));
        }
        self.channels.entry((id.0, stream)).or_insert(channel);
    }

    /// Prints what is missing of files of several outputs, where that is known now.
    pub(super) fn mend_shared(&mut self) -> Result<(), Failure> {
        let now_ms = self.clock_ms();
        let all: Vec<usize> = self.mending.keys().copied().collect();
        for index in all {
            let (Some(mending), Some(source)) =
                (self.mending.get(&index), self.sources.get_mut(index))
            else {
                continue;
            };
            let (Some(opened), Some(path)) = (source.opened.clone(), source.file.path.clone())
            else {
                continue;
            };
            let channels = self.channels.iter().filter(|(_, channel)| channel.source == index);
            let held: Vec<_> = channels
                .filter_map(|(key, channel)| match &channel.joint {
                    Joint::Waiting(held) => Some((*key, held.clone())),
                    _ => None,
                })
                .collect();
            let bytes: usize = held.iter().map(|(_, held)| held.len()).sum();
            let outputs = Output {
                tails: mending.tails.clone(),
                again: held.iter().map(|(_, held)| held.clone()).collect(),
                quiet_ms: now_ms - mending.last_ms,
                begun_ms: mending.first_ms.map_or(0, |first_ms| now_ms - first_ms),
                is_late: now_ms - mending.since_ms >= LOOK_MAX_MS || bytes >= HELD_MAX,
            };
            let generations = files::generations(opened, &path);
            let missed = shared::missed(&generations, &outputs).unwrap_or_else(|_| {
                let (lines, tail) = (Vec::new(), Vec::new());
                Some(MissedLines { lines, is_exact: false, tail })
            });
            let Some(MissedLines { lines, is_exact, tail }) = missed else { continue };
            if !is_exact {
                complain(&source.label, "lines may be missing here");
            }
            source.opened = generations.last().map(Arc::clone);
            let format = source.file.format();
            let at_ms = clock::now_ms();
            let mut judge = Judge::default();
            for line in lines {
                let (line, _) = format.judge(&line, at_ms, &mut judge);
                self.show(index, &line)?;
            }
            self.mending.remove(&index);
            for (key, held) in held {
                if let Some(channel) = self.channels.get_mut(&key) {
                    channel.joint = Joint::Live;
                    channel.tail = Tail::ending(tail.clone(), SHARED_BYTES);
                }
                self.push(key, &held)?;
            }
        }
        Ok(())
    }
}
