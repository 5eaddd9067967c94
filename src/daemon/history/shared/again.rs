//! Which lines of a file of several outputs came again after a loss.
//!
//! Pure. Lines that are alike are told apart by what came first or last of each output, where that is there
//! once; else the newest are those that came, once nothing is under way.

use std::collections::HashMap;

use super::{take_one, whole_lines};

/// The lines that came again, among those of the file from a place on.
pub(super) struct CameAgain<'a> {
    /// Where each output goes on; `None` where nothing of it is there.
    pub(super) firsts: Vec<Option<usize>>,
    /// Whether each of the lines came.
    came: Vec<bool>,
    /// What came, and how often that is not there.
    texts: HashMap<&'a [u8], u32>,
    is_told_apart: bool,
}

impl<'a> CameAgain<'a> {
    /// Of lines from `start` on, and what came again of each output.
    pub(super) fn of(lines: &[&[u8]], start: usize, again: &'a [Vec<u8>]) -> Self {
        let outputs: Vec<Vec<&[u8]>> =
            again.iter().map(|again| whole_lines(again).collect()).collect();
        let mut texts: HashMap<&[u8], u32> = HashMap::new();
        for line in outputs.iter().flatten() {
            *texts.entry(line).or_default() += 1;
        }
        let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (place, line) in lines.iter().enumerate().skip(start) {
            if let Some((line, _)) = texts.get_key_value(line) {
                places.entry(line).or_default().push(place);
            }
        }
        let firsts = || outputs.iter().map(|output| places_of(&places, output.first()));
        let ended = || outputs.iter().filter(|output| !output.is_empty());
        let lasts = || ended().map(|output| places_of(&places, output.last()));
        let are_firsts_told = firsts().all(|places| places.len() <= 1);
        let are_lasts_told = lasts().all(|places| places.len() == 1);
        let mut came = vec![false; lines.len()];
        let mut take = |place: usize, line: &[u8]| {
            if let Some(came) = came.get_mut(place) {
                *came = take_one(&mut texts, line);
            }
        };
        let firsts: Vec<Option<usize>> = if are_firsts_told {
            let firsts: Vec<_> = firsts().map(|places| places.first().copied()).collect();
            let earliest = firsts.iter().flatten().min().copied().unwrap_or(lines.len());
            lines.iter().enumerate().skip(earliest).for_each(|(place, line)| take(place, line));
            firsts
        } else {
            let newest = lasts().flatten().max().filter(|_| are_lasts_told);
            let end = newest.map_or(lines.len(), |newest| newest + 1);
            let all = lines.iter().enumerate().take(end).skip(start);
            all.rev().for_each(|(place, line)| take(place, line));
            outputs.iter().map(|output| begin_of(output, &places, end)).collect()
        };
        Self { firsts, came, texts, is_told_apart: are_firsts_told || are_lasts_told }
    }

    /// Whether the line at this place came.
    pub(super) fn has(&self, place: usize) -> bool {
        self.came.get(place).copied().unwrap_or_default()
    }

    /// Whether a line that is alike to this one came, and nothing tells which of the two that was.
    pub(super) fn may_have(&self, line: &[u8]) -> bool {
        !self.is_told_apart && self.texts.contains_key(line)
    }
}

/// Where a line stands.
fn places_of<'p, 'a>(
    places: &'p HashMap<&'a [u8], Vec<usize>>,
    line: Option<&&'a [u8]>,
) -> &'p [usize] {
    line.and_then(|line| places.get(line)).map_or(&[], Vec::as_slice)
}

/// Where an output began that ends before `end`: its lines are there in their order, each as late as it can be.
/// Last ones that are not there have yet to be written.
fn begin_of<'a>(
    output: &[&'a [u8]],
    places: &HashMap<&'a [u8], Vec<usize>>,
    end: usize,
) -> Option<usize> {
    let mut begin = None;
    for line in output.iter().rev() {
        let of_line = places_of(places, Some(line));
        let earlier = of_line.partition_point(|place| *place < begin.unwrap_or(end));
        begin = earlier.checked_sub(1).and_then(|at| of_line.get(at)).copied().or(begin);
    }
    begin
}
