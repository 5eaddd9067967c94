//! What came of no bus after a loss, from the files: the way of the screen, without holding up what
//! belongs to other files.

use std::io::Write;
use std::sync::Arc;

use super::super::failure::Failure;
use super::gathering::moment_ms;
use super::live::{Channel, Following, Joint};
use super::missing::{
    Found, HELD_MAX, LOOK_MAX_MS, Missing, SharedMissing, Step, complain, source_end,
};
use super::order::Which;
use super::said::Key;
use super::source::Source;
use super::unheard::Unheard;
use crate::daemon::history::Format;
use crate::daemon::history::gap::{Still, Tail};
use crate::daemon::history::shared::{self, MissedLines, Output, SHARED_BYTES};
use crate::daemon::seam::FIRST_MS;
use crate::daemon::{clock, files};
use crate::logs::parse::Judge;
use crate::protocol::process::PmId;

/// So often a file is looked at once nothing more is waited for: each time a part of it is read.
const LAST_LOOKS: usize = 64;
/// So many files are kept open that nothing is written into any more.
const GONE_OPEN_MAX: usize = 32;

impl<W: Write> Following<'_, '_, W> {
    /// The bus, or a part of what it said, was lost: what is missing is looked for from here on.
    pub(super) fn missed(&mut self) -> Result<(), Failure> {
        self.tell_held(Which::All)?;
        if self.away_ms <= self.lost_ms {
            self.away_ms = None;
        }
        self.lost_ms = Some(clock::now_ms());
        self.unheard = Unheard::default();
        self.growing.is_back();
        self.gathering.was_away(self.lost_ms);
        (0..self.sources.len()).for_each(|index| self.miss(index));
        Ok(())
    }

    /// The bus goes away, or cannot be reached still.
    pub(super) fn goes_away(&mut self) -> Result<(), Failure> {
        let now_ms = clock::now_ms();
        let is_lost_now = self.away_ms <= self.lost_ms;
        if is_lost_now {
            self.away_ms = Some(now_ms);
            self.growing.begin();
            self.measure();
        }
        if self.away_ms.is_some_and(|away_ms| now_ms - away_ms >= FIRST_MS) {
            let shared = self.sources.iter_mut().filter(|source| source.is_shared());
            shared.for_each(Source::goes_away);
        }
        if !is_lost_now || self.events.is_none() {
            return Ok(());
        }
        // As long as the daemon's log says nothing, what files have more is of the lives that are known: their last
        // words need not wait for the next ones.
        self.tell_held(Which::All)?;
        let is_own = |source: &Source| source.opened.is_some() && !source.is_shared();
        let own = self.sources.iter().enumerate().filter(|(_, source)| is_own(source));
        let own: Vec<usize> = own.map(|(index, _)| index).collect();
        for index in own {
            self.miss(index);
        }
        Ok(())
    }

    /// The same for one source.
    fn miss(&mut self, index: usize) {
        self.await_missing(index);
        let now_ms = self.clock_ms();
        let Some(source) = self.sources.get_mut(index) else { return };
        let was_open = source.opened.is_some();
        let Some(opened) = source.open_late() else { return };
        source.is_heard = false;
        if source.is_shared() {
            let of_source = |key: &&Key| key.source == index;
            let keys: Vec<Key> = self.channels.keys().filter(of_source).copied().collect();
            let channels = keys.iter().filter_map(|key| self.channels.get(key));
            let mut tails: Vec<_> = channels.map(|channel| channel.tail.bytes().to_vec()).collect();
            if tails.is_empty() {
                let tail = Tail::of_file(&opened, source.sizes.1, SHARED_BYTES);
                tails.push(tail.bytes().to_vec());
            }
            let mut reached = source.take_reached();
            if let Some(before) = self.mending.remove(&index) {
                // Nothing was told since.
                (tails, reached) = (before.tails, before.reached);
            }
            let (since_ms, last_ms, still) = (now_ms, now_ms, Still::default());
            let mending =
                SharedMissing { tails, since_ms, first_ms: None, last_ms, still, reached };
            self.mending.insert(index, mending);
            for key in keys {
                if let Some(channel) = self.channels.get_mut(&key) {
                    channel.joint = Joint::Waiting(Vec::new());
                }
            }
            return;
        }
        let key = Key::own(index);
        if !self.channels.contains_key(&key) {
            self.begin(key, clock::now_ms());
        }
        let Some(source) = self.sources.get(index) else { return };
        let Some(channel) = self.channels.get_mut(&key) else { return };
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
            // Nothing of it was in a file before.
            _ if !was_open && channel.tail.bytes().is_empty() => {
                Box::new(source_end(source, &opened, now_ms))
            }
            _ => Box::new(Missing::new(channel.tail.clone(), now_ms)),
        };
        channel.joint = Joint::Missing(missing);
    }

    /// These are the log files now: known ones get other processes, new ones are added, and of the others
    /// nothing comes any more.
    pub(super) fn renew(&mut self, sources: Vec<Source>) -> Result<(), Failure> {
        let mut is_there = vec![false; self.sources.len()];
        for source in sources {
            let is_same = |known: &Source| match &source.file.path {
                Some(path) => known.file.path.as_ref() == Some(path),
                None => {
                    known.file.path.is_none()
                        && known.file.name == source.file.name
                        && known.file.ids == source.file.ids
                        && known.file.stream == source.file.stream
                }
            };
            if let Some(index) = self.sources.iter().position(is_same) {
                if let Some(is_there) = is_there.get_mut(index) {
                    *is_there = true;
                }
                self.hand_on(index, source)?;
            } else {
                is_there.push(true);
                self.arrive(source);
            }
        }
        for (source, is_there) in self.sources.iter_mut().zip(is_there) {
            source.is_gone = !is_there;
        }
        self.let_go()
    }

    /// A source belongs to other processes now. What is missing of its file goes on where it ended.
    fn hand_on(&mut self, index: usize, source: Source) -> Result<(), Failure> {
        let now_ms = self.clock_ms();
        let Some(known) = self.sources.get_mut(index) else { return Ok(()) };
        let was_shared = known.is_shared();
        let is_other = known.label != source.label;
        if is_other || known.is_gone {
            // What stands open is of the one before.
            self.close(index)?;
        }
        let Some(known) = self.sources.get_mut(index) else { return Ok(()) };
        self.printer.rename(index, &source.label);
        let was_gone = known.is_gone;
        known.become_that_of(source);
        let mending = self.mending.get_mut(&index);
        if was_gone && mending.is_none() && known.is_shared() {
            // What others wrote meanwhile was not taken: how they ended before says nothing.
            known.measure_after();
            self.channels.retain(|key, _| key.source != index);
        }
        if let Some(mending) = mending.filter(|_| was_gone) {
            // Nothing of it was looked for meanwhile.
            mending.since_ms = now_ms;
        }
        let has_channel = self.channels.keys().any(|key| key.source == index);
        if known.opened.is_none() && !has_channel {
            let is_whole = known.arrive(self.lost_ms, self.started_ms);
            self.arrived(index, is_whole);
            return Ok(());
        }
        let own = self.channels.get(&Key::own(index));
        let is_open = own.is_some_and(|own| !matches!(own.joint, Joint::Live));
        if was_shared != known.is_shared() && is_open {
            self.tell_held(Which::All)?;
            self.miss(index);
        }
        Ok(())
    }

    fn arrive(&mut self, mut source: Source) {
        let is_whole = source.arrive(self.lost_ms, self.started_ms);
        self.printer.add(&source);
        self.sources.push(source);
        self.arrived(self.sources.len() - 1, is_whole);
    }

    fn arrived(&mut self, index: usize, is_whole: bool) {
        let Some(source) = self.sources.get(index) else { return };
        if source.is_heard || source.file.path.is_none() {
            return;
        }
        if !is_whole {
            complain(&source.label, "lines may be missing here");
        }
        self.miss(index);
    }

    /// Of sources that nothing comes of any more, only the last are kept open.
    fn let_go(&mut self) -> Result<(), Failure> {
        let is_open = |source: &Source| source.is_gone && source.opened.is_some();
        let gone: Vec<usize> = (0..self.sources.len())
            .filter(|index| self.sources.get(*index).is_some_and(is_open))
            .collect();
        for index in gone.iter().rev().skip(GONE_OPEN_MAX).copied() {
            let of_source = |(key, _): &(&Key, &Channel)| key.source == index;
            let is_live = |(_, channel): (&Key, &Channel)| matches!(channel.joint, Joint::Live);
            if !self.channels.iter().filter(of_source).all(is_live) {
                continue;
            }
            self.close(index)?;
            self.channels.retain(|key, _| key.source != index);
            if let Some(source) = self.sources.get_mut(index) {
                source.opened = None;
            }
        }
        Ok(())
    }

    /// Prints what is missing of files of several outputs, where that is known now.
    pub(super) fn mend_shared(&mut self) -> Result<(), Failure> {
        let now_ms = self.clock_ms();
        let all: Vec<usize> = self.mending.keys().copied().collect();
        for index in all {
            let (Some(mending), Some(source)) =
                (self.mending.get_mut(&index), self.sources.get_mut(index))
            else {
                continue;
            };
            let (Some(opened), Some(path)) = (source.opened.clone(), source.file.path.clone())
            else {
                continue;
            };
            // What others write now is not what was missed.
            if source.is_gone && !source.is_all_wanted() {
                continue;
            }
            let channels = self.channels.iter().filter(|(key, _)| key.source == index);
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
                reached: mending.reached,
            };
            let generations = files::generations(opened, &path);
            let missed = shared::missed_at(&generations, &outputs, (&mut mending.still, now_ms));
            let missed = missed.unwrap_or_else(|_| {
                let (lines, tail) = (Vec::new(), Vec::new());
                Some((MissedLines { lines, is_exact: false, tail }, Vec::new()))
            });
            let Some((MissedLines { lines, is_exact, tail }, places)) = missed else { continue };
            if !is_exact {
                complain(&source.label, "lines may be missing here");
            }
            source.opened = generations.last().map(Arc::clone);
            let is_other = generations.len() > 1;
            let format = source.file.format();
            self.mending.remove(&index);
            self.show_missed(index, (&lines, &places), &format)?;
            if is_other {
                self.growing.forget(index);
            }
            for (key, held) in held {
                if let Some(channel) = self.channels.get_mut(&key) {
                    channel.joint = Joint::Live;
                    channel.tail = Tail::ending(tail.clone(), SHARED_BYTES);
                }
                self.push_joined(key, held)?;
            }
        }
        Ok(())
    }

    /// Prints lines of a file of several outputs that came of no bus, which begin there.
    fn show_missed(
        &mut self,
        index: usize,
        (lines, places): (&[Vec<u8>], &[u64]),
        format: &Format,
    ) -> Result<(), Failure> {
        let now_ms = clock::now_ms();
        let lasts = lines.iter().zip(places).map(|(line, place)| place + line.len() as u64);
        let lasts: Vec<u64> = lasts.collect();
        let begin = places.first().copied().unwrap_or_default();
        let moments = self.moments(index, (begin, &lasts), (i64::MIN, now_ms));
        let begun_ms = moments.first().copied().unwrap_or(now_ms);
        let (mut judge, mut head_ms, mut place_ms) = (Judge::default(), begun_ms, begun_ms);
        for (bytes, at_ms) in lines.iter().zip(moments) {
            let (mut line, _) = format.judge(bytes, at_ms, &mut judge);
            if !line.goes_on() {
                (head_ms, place_ms) = (line.at_ms, moment_ms(&line, at_ms));
            }
            line.at_ms = head_ms;
            if let Some(source) = self.sources.get(index).filter(|_| self.filter.fits(&line)) {
                let who = (source.label_of_file(), source.file.stream);
                let said_by = (source.file.ids.as_slice(), who);
                self.gathering.line(self.printer, said_by, (place_ms, line))?;
            }
        }
        Ok(())
    }

    /// Tells what files have, within a bound, though the bus is not joined to them.
    pub(super) fn read_on_to_the_end(&mut self) -> Result<(), Failure> {
        let now_ms = self.clock_ms();
        self.mending.values_mut().for_each(|mending| mending.hurry(now_ms));
        for _ in 0..LAST_LOOKS {
            let mut has_more = false;
            for channel in self.channels.values_mut() {
                if let Joint::Missing(missing) = &mut channel.joint {
                    has_more |= missing.hurry(now_ms);
                }
            }
            self.look_all(false, true)?;
            if !has_more {
                break;
            }
        }
        Ok(())
    }

    /// Looks for what is missing of files of one output. What is found at a time is printed in the order of time;
    /// before the daemon said who is there, only what was looked for for long.
    pub(super) fn tell_missing(&mut self, is_settled: bool) -> Result<(), Failure> {
        if self.growing.is_waited_for() {
            return Ok(());
        }
        let now_ms = self.clock_ms();
        let is_missing = |channel: &Channel| matches!(channel.joint, Joint::Missing(_));
        let missing = self.channels.iter().filter(|(_, channel)| is_missing(channel));
        let mut keys: Vec<Key> = missing.map(|(key, _)| *key).collect();
        keys.sort_by_key(|key| key.source);
        let mut is_time = true;
        for key in &keys {
            let Some(source) = self.sources.get_mut(key.source) else { continue };
            let ids = &source.file.ids;
            let is_calm = is_settled && self.order.first_ms(|id| ids.contains(&PmId(id))).is_none();
            if let Some(Channel { joint: Joint::Missing(missing), .. }) = self.channels.get_mut(key)
            {
                is_time &= missing.look(source, now_ms, is_calm);
            }
        }
        let (mut found, mut joined, mut renamed) = (Vec::new(), Vec::new(), Vec::new());
        for key in keys {
            let Some(source) = self.sources.get_mut(key.source) else { continue };
            let Some(channel) = self.channels.get_mut(&key) else { continue };
            let Joint::Missing(missing) = &mut channel.joint else { continue };
            let before = source.opened.clone();
            let step = missing.step(source, now_ms, is_time);
            let is_same = |(one, other)| Arc::ptr_eq(one, other);
            if !before.as_ref().zip(source.opened.as_ref()).is_some_and(is_same) {
                renamed.push(key.source);
            }
            match step {
                None => {}
                Some(Step::Read(bytes, ends)) => found.push(Found { key, bytes, ends }),
                Some(Step::Joined { missed: (bytes, ends), new, tail, left }) => {
                    channel.tail = tail;
                    channel.joint = if left > 0 { Joint::Skipping { left } } else { Joint::Live };
                    found.push(Found { key, bytes, ends });
                    joined.push((key, new));
                }
            }
        }
        self.push_missed(&found)?;
        for index in renamed {
            self.growing.forget(index);
        }
        joined.into_iter().try_for_each(|(key, new)| self.push_joined(key, new))
    }

    /// Takes bytes of files of one output that came of no bus, in the order of time.
    pub(super) fn push_missed(&mut self, found: &[Found]) -> Result<(), Failure> {
        let now_ms = clock::now_ms();
        let mut pieces: Vec<Piece<'_>> = Vec::new();
        for found in found {
            let Some(channel) = self.channels.get(&found.key) else { continue };
            let moments = self.moments_of(found, (channel.last_ms, now_ms));
            let Found { key, bytes, .. } = found;
            let Some(channel) = self.channels.get_mut(key) else { continue };
            channel.is_missed = true;
            let of_file = bytes.split_inclusive(|byte| *byte == b'\n');
            let mut judge = channel.judge.clone();
            let of_file = of_file.zip(moments).map(|(bytes, at_ms)| {
                let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                let (line, _) = channel.format.judge(line, at_ms, &mut judge);
                Piece {
                    key: *key,
                    bytes,
                    at_ms,
                    place_ms: moment_ms(&line, at_ms),
                    goes_on: line.goes_on(),
                    is_estimated: line.is_estimated,
                }
            });
            let mut of_file: Vec<Piece<'_>> = of_file.collect();
            put_in_order(&mut of_file);
            pieces.extend(of_file);
        }
        pieces.sort_by_key(|piece| piece.place_ms);
        for Piece { key, bytes, at_ms, .. } in pieces {
            if let Some(channel) = self.channels.get_mut(&key) {
                channel.at_ms = at_ms;
            }
            self.push(key, bytes)?;
        }
        for Found { key, .. } in found {
            if let Some(channel) = self.channels.get_mut(key) {
                (channel.is_missed, channel.at_ms) = (false, now_ms);
            }
        }
        Ok(())
    }
}

/// A line that was missed.
struct Piece<'a> {
    key: Key,
    bytes: &'a [u8],
    /// What its time is told by where it does not say it, milliseconds since 1970.
    at_ms: i64,
    /// Where it stands among those of other files, likewise.
    place_ms: i64,
    goes_on: bool,
    is_estimated: bool,
}

/// Gives the lines of a file times in their order: one whose estimate is behind the time of a line behind it has that
/// of the last one before it that says one.
fn put_in_order(pieces: &mut [Piece<'_>]) {
    let mut behind_ms = i64::MAX;
    let mut behind: Vec<i64> = Vec::new();
    for piece in pieces.iter().rev() {
        behind.push(behind_ms);
        behind_ms = if piece.is_estimated { behind_ms } else { piece.place_ms };
    }
    let (mut said_ms, mut before_ms) = (None, i64::MIN);
    for (piece, behind_ms) in pieces.iter_mut().zip(behind.into_iter().rev()) {
        if piece.is_estimated && piece.place_ms > behind_ms {
            piece.place_ms = said_ms.unwrap_or(behind_ms);
            piece.at_ms = piece.place_ms;
        }
        if !piece.is_estimated {
            said_ms = Some(piece.place_ms);
        }
        let place_ms = if piece.goes_on { before_ms } else { piece.place_ms.max(before_ms) };
        (piece.place_ms, before_ms) = (place_ms, place_ms);
    }
}

#[cfg(test)]
pub(super) mod tests;
