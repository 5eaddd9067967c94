//! What a log file of several outputs holds that came on no bus: by its lines, since the bytes of one
//! output do not follow each other there.
//!
//! Pure but for reading files. The order of one output is that of the bus; how the lines of several
//! stand to each other is not (docs/pm2-ops.md section 1.3).

use std::collections::{HashMap, HashSet};
use std::io;

use self::again::CameAgain;
use super::gap::{Place, Still, between, end};
use crate::daemon::seam::{ReadAt, STILL_MS};

/// How much of the end of the files is looked at, bytes.
pub(super) const BACK_BYTES: u64 = 8 << 20;
/// How much is remembered of the end of each output, bytes: one may be ahead of another by this.
pub(crate) const SHARED_BYTES: usize = 64 << 10;
/// An output is quiet when nothing came for so long, milliseconds.
const QUIET_MS: i64 = 1_000;
/// How long outputs are waited for that did not come again though others did, milliseconds.
const OTHERS_MS: i64 = 1_500;

/// What came of all outputs of a file.
#[derive(Debug)]
pub(crate) struct Output {
    /// How each ended before.
    pub(crate) tails: Vec<Vec<u8>>,
    /// What came of each again.
    pub(crate) again: Vec<Vec<u8>>,
    /// For how long nothing came of any, milliseconds.
    pub(crate) quiet_ms: i64,
    /// How long ago the first of them came again, milliseconds.
    pub(crate) begun_ms: i64,
    /// Whether it was waited for long enough.
    pub(crate) is_late: bool,
    /// How large all files were together after the loss, as far as that is known, bytes: what came before it
    /// stands in so much of them.
    pub(crate) reached: Option<u64>,
}

impl Output {
    /// Whether nothing is certain yet, where something came again of one, or of all.
    fn are_waited_for(&self, (has_again, is_all): (bool, bool)) -> bool {
        // What stands behind the place of one that came again may have come of another before that.
        let is_early =
            if has_again { !is_all && self.begun_ms < OTHERS_MS } else { self.quiet_ms < QUIET_MS };
        is_early && !self.is_late
    }
}

/// The lines that were missing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MissedLines {
    /// They, without their newlines.
    pub(crate) lines: Vec<Vec<u8>>,
    /// Whether that is certainly all of them, each once.
    pub(crate) is_exact: bool,
    /// The end of the file as far as it is told with them, or comes on the bus.
    pub(crate) tail: Vec<u8>,
}

/// What is missing at this time, and where each of the lines begins: how many bytes of all files together stand
/// before it. `None` where that is not certain yet. Where nothing came again, what was written just now is waited
/// for: it may be on its way.
///
/// # Errors
/// Those of reading.
pub(crate) fn missed_at(
    files: &[impl ReadAt],
    outputs: &Output,
    (still, now_ms): (&mut Still, i64),
) -> io::Result<Option<(MissedLines, Vec<u64>)>> {
    let has_again = outputs.again.iter().any(|again| !again.is_empty());
    if has_again || outputs.is_late {
        return missed_now(files, outputs);
    }
    let before = end(files)?;
    if still.for_ms(before, now_ms) < QUIET_MS {
        return Ok(None);
    }
    let missed = missed_now(files, outputs)?;
    Ok(if end(files)? == before { missed } else { None })
}

/// What is missing as the files are now.
fn missed_now(
    files: &[impl ReadAt],
    outputs: &Output,
) -> io::Result<Option<(MissedLines, Vec<u64>)>> {
    missed_behind(files, outputs, outputs.reached)
}

/// The same where these files were so large together after the loss, bytes.
fn missed_behind(
    files: &[impl ReadAt],
    outputs: &Output,
    reached: Option<u64>,
) -> io::Result<Option<(MissedLines, Vec<u64>)>> {
    let has_again = outputs.again.iter().any(|again| !again.is_empty());
    let is_all = outputs.again.iter().all(|again| !again.is_empty());
    if outputs.are_waited_for((has_again, is_all)) {
        return Ok(None);
    }
    let (region, left) = between(files, Place { file: 0, at: 0 }, end(files)?, BACK_BYTES)?;
    let mut lines: Vec<&[u8]> = region.split(|byte| *byte == b'\n').collect();
    // What stands behind the last newline is no line yet, and the first may be the rest of one.
    lines.pop();
    let (cut, lines) = lines.split_at(usize::from(left > 0).min(lines.len()));
    let before = left + cut.first().map_or(0, |cut| cut.len() as u64 + 1);

    let written = reached.map_or(lines.len(), |reached| begun_before(lines, before, reached));
    let ends: Vec<_> = outputs.tails.iter().map(|tail| end_in((lines, written), tail)).collect();
    let is_anywhere = ends.iter().any(Option::is_some);
    if !is_anywhere && let Some((newest, older @ [_, ..])) = files.split_last() {
        // What came was emptied out of the newest; what the older ones have came before that.
        let older = all_of(older);
        let reached = reached.map(|reached| reached.saturating_sub(older));
        let missed = missed_behind(std::slice::from_ref(newest), outputs, reached)?;
        let behind = |place| older + place;
        return Ok(
            missed.map(|(missed, places)| (missed, places.into_iter().map(behind).collect()))
        );
    }
    let start = start_behind(lines, &ends);
    let mut had: HashMap<&[u8], u32> = HashMap::new();
    // Where nothing was written by the loss, nothing that came before it is there.
    let tails = if reached == Some(0) { &[][..] } else { &outputs.tails };
    let tails = tails.iter().zip(&ends);
    for line in tails.flat_map(|(tail, end)| told_behind((lines, start), (tail, *end))) {
        *had.entry(line).or_default() += 1;
    }
    let again = CameAgain::of(lines, start, &outputs.again);
    // Where each goes on; behind all of these places, all comes on the bus.
    let firsts = &again.firsts;
    let is_begun =
        outputs.again.iter().zip(firsts).all(|(again, first)| again.is_empty() || first.is_some());
    let is_quiet = outputs.quiet_ms >= QUIET_MS;
    if !is_begun && !is_quiet && !outputs.is_late {
        return Ok(None);
    }
    let stop = firsts.iter().flatten().max().copied().unwrap_or(lines.len());
    let settled = settled_in(lines, &outputs.again).unwrap_or(stop);
    let mut missed = Vec::new();
    // One that is empty and goes on saying nothing was emptied before.
    let is_idle = lines.is_empty() && !has_again;
    let has_no_line = |tail: &[u8]| whole_lines(tail).next().is_none();
    let mut is_exact = is_begun
        && (left == 0 || is_anywhere)
        && ends.iter().zip(&outputs.tails).all(|(end, tail)| end.is_some() || has_no_line(tail));
    for (index, line) in lines.iter().enumerate().take(stop).skip(start) {
        if again.has(index) || take_one(&mut had, line) {
            continue;
        }
        let is_alike = again.may_have(line) && outputs.quiet_ms < STILL_MS;
        if is_alike || index > settled && !is_quiet {
            // One that is behind the others, or is alike to one of them, may have to come yet.
            if !outputs.is_late {
                return Ok(None);
            }
            is_exact = false;
        }
        missed.push(index);
    }
    let mut among = lines.iter().enumerate().take(settled.saturating_add(1)).skip(stop);
    let is_of_none =
        |(index, line): (usize, &&[u8])| !again.has(index) && !take_one(&mut had, line);
    if has_again && !is_all && among.any(is_of_none) {
        // Of one that did not come again: it has to come yet, or was sent before the bus was there.
        if !outputs.is_late {
            return Ok(None);
        }
        is_exact = false;
    }
    let tail = ending(lines.get(..stop).unwrap_or_default());
    let (places, missed) = of_lines(lines, &missed, before).unzip();
    Ok(Some((MissedLines { lines: missed, is_exact: is_exact || is_idle, tail }, places)))
}

/// Up to where nothing has to come yet: the order of one output is kept, and the last that came of it stands there.
fn settled_in(lines: &[&[u8]], again: &[Vec<u8>]) -> Option<usize> {
    let lasts = again.iter().filter_map(|again| {
        let last = whole_lines(again).next_back()?;
        lines.iter().rposition(|other| *other == last)
    });
    lasts.min()
}

/// How large files are together, bytes.
pub(crate) fn all_of(files: &[impl ReadAt]) -> u64 {
    files.iter().filter_map(|file| file.size().ok()).sum()
}

/// How many of these lines begin before a place; so many bytes stand before all of them.
fn begun_before(lines: &[&[u8]], mut at: u64, place: u64) -> usize {
    let begins_before = |line: &&&[u8]| {
        let is_before = at < place;
        at += line.len() as u64 + 1;
        is_before
    };
    lines.iter().take_while(begins_before).count()
}

/// Some of these lines, by their places, and where each begins; so many bytes stand before all of them.
fn of_lines(lines: &[&[u8]], some: &[usize], mut at: u64) -> impl Iterator<Item = (u64, Vec<u8>)> {
    let mut next = 0;
    some.iter().filter_map(move |index| {
        let before = lines.get(next..*index)?;
        at += before.iter().map(|line| line.len() as u64 + 1).sum::<u64>();
        next = *index;
        Some((at, lines.get(*index)?.to_vec()))
    })
}

/// Where the history of a file ends that the bus began within.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Begin {
    /// The offset behind which all came on the bus, bytes.
    pub(crate) at: u64,
    /// Lines before that which came on the bus, and how often.
    pub(crate) had: HashMap<Vec<u8>, u32>,
    /// Whether what came first of each output, or what came last, is there once only: else nothing tells how
    /// many of the lines that are alike have yet to come.
    pub(crate) is_told_apart: bool,
}

/// Lines that came, and how often.
pub(crate) fn lines_of(came: &[Vec<u8>]) -> HashMap<Vec<u8>, u32> {
    let mut had: HashMap<Vec<u8>, u32> = HashMap::new();
    for line in came.iter().flat_map(|came| whole_lines(came)) {
        *had.entry(line.to_vec()).or_default() += 1;
    }
    had
}

/// Takes one of the lines of this text; false where there is none.
fn take_one(had: &mut HashMap<&[u8], u32>, line: &[u8]) -> bool {
    let Some(count) = had.get_mut(line).filter(|count| **count > 0) else { return false };
    *count -= 1;
    true
}

/// Where the bus began, by what came first of each output, and whether that is of all that go into the file;
/// `None` where that is not certain.
///
/// # Errors
/// Those of reading.
pub(crate) fn begin(
    file: &impl ReadAt,
    (came, is_all): (&[Vec<u8>], bool),
) -> io::Result<Option<Begin>> {
    let size = file.size()?;
    let from = size.saturating_sub(BACK_BYTES);
    let (start, end) = (Place { file: 0, at: from }, Place { file: 0, at: size });
    let (region, _) = between(std::slice::from_ref(file), start, end, BACK_BYTES)?;
    let mut lines: Vec<(u64, &[u8])> = Vec::new();
    let mut at = from;
    for line in region.split_inclusive(|byte| *byte == b'\n') {
        lines.push((at, line.strip_suffix(b"\n").unwrap_or(line)));
        at += line.len() as u64;
    }
    let last_place = |wanted: &[u8]| {
        Some(lines.iter().enumerate().rev().find(|(_, (_, line))| *line == wanted)?.0)
    };
    let is_only = |wanted: &[u8]| lines.iter().filter(|(_, line)| *line == wanted).nth(1).is_none();
    let (mut stop, mut earliest, mut settled) = (None, usize::MAX, usize::MAX);
    let mut newest = Some(0);
    let (mut are_firsts_told, mut are_lasts_told) = (true, true);
    let mut had: HashMap<Vec<u8>, u32> = HashMap::new();
    for came in came {
        let mut whole = whole_lines(came);
        let Some(first) = whole.next() else { continue };
        let Some(place) = last_place(first) else { return Ok(None) };
        are_firsts_told &= is_only(first);
        (stop, earliest) = (stop.max(Some(place)), earliest.min(place));
        let last = whole.next_back().unwrap_or(first);
        let last_at = last_place(last);
        are_lasts_told &= last_at.is_some() && is_only(last);
        settled = settled.min(last_at.unwrap_or(usize::MAX));
        newest = newest.zip(last_at).map(|(newest, last_at)| newest.max(last_at));
        for line in whole_lines(came) {
            *had.entry(line.to_vec()).or_default() += 1;
        }
    }
    let Some(stop) = stop else { return Ok(None) };
    // Of lines that are alike the newest are those that came, but for what has yet to come.
    let newest = newest.map_or(lines.len(), |newest| newest + 1);
    let stop = stop.min(newest);
    let earliest = if are_firsts_told { earliest } else { 0 };
    let mut before: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut is_sure = true;
    for (index, (_, line)) in lines.iter().enumerate().take(newest).skip(earliest).rev() {
        match had.get_mut(*line).filter(|count| **count > 0) {
            Some(count) => {
                *count -= 1;
                if index < stop {
                    *before.entry(line.to_vec()).or_default() += 1;
                }
            }
            None if index < stop => is_sure &= index <= settled,
            // Of one of which nothing came: it has to come yet, or was sent before the bus was there.
            None => is_sure &= is_all || index > settled,
        }
    }
    let is_told_apart = are_firsts_told || are_lasts_told;
    let at = lines.get(stop).map_or(size, |(at, _)| *at);
    Ok(is_sure.then_some(Begin { at, had: before, is_told_apart }))
}

/// The whole lines of a piece of output; the first may be the rest of one, which is no line of a file.
fn whole_lines(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let end = memchr::memrchr(b'\n', text).unwrap_or(0);
    let whole = text.get(..end).unwrap_or_default();
    whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// The last of these lines, each with its newline, as much as is remembered.
fn ending(lines: &[&[u8]]) -> Vec<u8> {
    let last = lines.get(lines.len() - ending_lines(lines)..).unwrap_or_default();
    last.iter().flat_map(|line| [*line, b"\n"].concat()).collect()
}

/// How many of the last of these lines are as much as is remembered.
fn ending_lines(lines: &[&[u8]]) -> usize {
    let mut bytes = 0;
    let last = lines.iter().rev().take_while(|line| {
        bytes += line.len() + 1;
        bytes <= SHARED_BYTES
    });
    last.count()
}

/// Behind which line what is missing begins, where the outputs end at these: behind the first of them.
/// All that one which was silent for longer is ahead of is no more than is remembered of the others.
fn start_behind(lines: &[&[u8]], ends: &[Option<usize>]) -> usize {
    let ends = || ends.iter().flatten().map(|last| last + 1);
    // Where nothing of what came is there, there was nothing, or the file was emptied.
    let (Some(first), Some(last)) = (ends().min(), ends().max()) else { return 0 };
    let between = lines.get(first..last).unwrap_or_default();
    last - ending_lines(between)
}

/// The last place of the last line of an output that is there at all, among so many that were written by the loss: a
/// later life may say the same. What is nowhere among those may have been written later than it came.
fn end_in((lines, written): (&[&[u8]], usize), tail: &[u8]) -> Option<usize> {
    let end = last_in(lines.get(..written).unwrap_or(lines), tail);
    // Where nothing was written, or all of that is gone, nothing that came is there.
    end.or_else(|| if written > 0 { last_in(lines, tail) } else { None })
}

/// The last place of the last line of an output that is among these.
fn last_in(lines: &[&[u8]], tail: &[u8]) -> Option<usize> {
    let wanted: HashSet<&[u8]> = whole_lines(tail).collect();
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    for (place, line) in lines.iter().enumerate() {
        if wanted.contains(line) {
            places.insert(line, place);
        }
    }
    whole_lines(tail).rev().find_map(|line| places.get(line).copied())
}

/// The lines of an output that came before and stand behind a place, or have yet to stand there; the last of them that
/// is there stands at `end`. What was told and stands before that place hides no line of a later life that says the
/// same.
fn told_behind<'t>(
    (lines, start): (&[&[u8]], usize),
    (tail, end): (&'t [u8], Option<usize>),
) -> Vec<&'t [u8]> {
    let mut told: Vec<&[u8]> = whole_lines(tail).collect();
    let last = end.and_then(|end| {
        let line = lines.get(end)?;
        Some((end, told.iter().rposition(|told| told == line)?))
    });
    let Some((end, last)) = last else { return told };
    let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (place, line) in lines.iter().enumerate().take(end + 1).skip(start) {
        places.entry(line).or_default().push(place);
    }
    let mut behind = told.split_off(last + 1);
    let mut before = end + 1;
    for line in told.into_iter().rev() {
        let of_line = places.get(line).map_or(&[][..], Vec::as_slice);
        let earlier = of_line.partition_point(|place| *place < before);
        if let Some(place) = earlier.checked_sub(1).and_then(|at| of_line.get(at)) {
            before = *place;
            behind.push(line);
        }
    }
    behind
}

mod again;
#[cfg(test)]
mod tests;
