//! Which lines of an error log belong to which of the lives that wrote it.
//!
//! Invariant: pure. With PM2's stamp a line belongs to the life of that time; in the second in which one
//! ended and the next began, what each life says first tells (`heads`). Without one that tells where each
//! life said it, else an exception tells where a life ended: the last one, and those before it that read the
//! same or that Node.js ends with its version. Which life wrote the other lines is not known, and that is
//! said.

use super::cause::{Cause, is_error_line};
use super::heads;
use super::lines::{Line, Log, Next, begins_ms, folded};
use super::stamp::{stamped, without_stamp};
use super::{Death, LIVES_MAX, WORD_CHARS_MAX, WORDS_MAX, says_heap_is_full};
use crate::protocol::text::clean;

/// A life has written its last line no later than so long after its end, milliseconds: the daemon's log
/// and the stamps have whole seconds.
const SECOND_MS: i64 = 1_000;

/// How lines were shared out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    /// Whether it is known that those wrote them: stamps say it, or there are no more exceptions than lives that
    /// ended so.
    pub(super) are_theirs: bool,
    /// Whether there is what each of them said first, and nothing else.
    pub(super) are_all: bool,
}

/// Gives the last lines of an error log to the deaths of those that wrote them, oldest first.
pub(super) fn share(deaths: &mut [Death], log: &Log<'_>, next: Next, utc_offset_s: i32) -> Shared {
    let mut at_ms = None;
    let read = |line: &str| {
        let stamp = stamped(line, utc_offset_s).map(|(stamp_ms, _)| stamp_ms);
        at_ms = stamp.or(at_ms);
        let line = clean(line);
        Line { at_ms, text: line.chars().take(WORD_CHARS_MAX).collect() }
    };
    let lines: Vec<Line> = log.text.lines().map(read).collect();
    let ends = ends(&lines);
    let is_head = |line: &&Line| is_error_line(&line.text) && !line.text.starts_with([' ', '\t']);
    let heads: Vec<String> = lines.iter().filter(is_head).map(|line| folded(&line.text)).collect();
    // Of more lives than are kept there are more.
    let are_all = deaths.len() >= LIVES_MAX && heads.iter().all(|head| Some(head) == heads.last());
    let crashes = (0..deaths.len()).filter(|at| has_crashed(deaths, *at)).count();
    let head = heads::head(&lines, deaths, next, log);
    let mut is_by_heads = false;
    if at_ms.is_some() {
        by_time(deaths, lines, &ends, (head.as_deref(), next));
    } else if let Some(parts) =
        head.filter(|_| ends.is_empty()).and_then(|head| heads::parts(&lines, &head, deaths, next))
    {
        is_by_heads = true;
        for (death, part) in deaths.iter_mut().zip(parts) {
            for line in part {
                say(death, line.text.clone());
            }
        }
    } else {
        by_exceptions(deaths, &lines, &ends, next);
    }
    let are_theirs = at_ms.is_some() || heads.len() <= crashes || are_all;
    Shared { are_theirs, are_all: is_by_heads }
}

/// Behind which lines a life has ended with an exception, as far as the lines tell.
fn ends(lines: &[Line]) -> Vec<usize> {
    let is_head = |line: &&Line| is_error_line(&line.text);
    let Some(last) = lines.iter().rfind(is_head).map(|line| folded(&line.text)) else {
        return Vec::new();
    };
    let mut ends = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| is_error_line(&line.text)) {
        let below = lines.iter().skip(index + 1);
        let count = below.clone().take_while(|line| goes_on(&line.text)).count();
        let is_nodes = below.take(count).any(|line| says_version(&line.text));
        if is_nodes || folded(&line.text) == last {
            ends.push(index + 1 + count);
        }
    }
    ends
}

/// Whether a line below the head of an exception is still of it.
fn goes_on(line: &str) -> bool {
    let line = without_stamp(line);
    line.is_empty() || line.starts_with([' ', '\t', '}', ']']) || says_version(line)
}

/// The last line of what Node.js says of an exception that nobody caught.
pub(super) fn says_version(line: &str) -> bool {
    without_stamp(line).starts_with("Node.js v")
}

/// Gives each line to the life of its time, where the stamps say that. In the second in which one ended
/// and the next began a head tells, or an exception.
fn by_time(
    deaths: &mut [Death],
    lines: Vec<Line>,
    ends: &[usize],
    (head, next): (Option<&str>, Next),
) {
    let (mut current, mut has_said) = (0, false);
    for (index, line) in lines.into_iter().enumerate() {
        let Some(at_ms) = line.at_ms else { continue };
        let is_over = |death: &&Death| death.ended_ms + SECOND_MS <= at_ms;
        let before = current;
        // Several lives may have ended in one second: then an exception is the end of one.
        let has_ended = ends.contains(&index);
        let begun_ms = match deaths.get(current + 1) {
            Some(next) => Some(begins_ms(next)),
            None if next.is_silent || !next.is_on => None,
            None => Some(next.begun_ms.unwrap_or(i64::MIN)),
        };
        // Of what the daemon's log says only the second is known.
        let may_be_next = begun_ms.is_some_and(|ms| ms < at_ms + SECOND_MS);
        let started_ms = deaths.get(current).and_then(|death| death.started_ms);
        let has_begun_before = started_ms.is_some_and(|ms| ms + heads::SOON_MS < at_ms);
        let is_head = head.is_some_and(|head| folded(&line.text) == head);
        if may_be_next && (has_ended || is_head && (has_said || has_begun_before)) {
            current += 1;
        }
        current += deaths.iter().skip(current).take_while(is_over).count();
        has_said &= current == before;
        let Some(death) = deaths.get_mut(current) else { break };
        if begins_ms(death) <= at_ms {
            // Without a head both may have said it.
            let is_same = death.ended_ms <= at_ms && current == before;
            death.is_unclear |= is_same && may_be_next && head.is_none() && ends.is_empty();
            has_said = true;
            say(death, line.text);
        }
    }
}

/// Gives what an exception ends to those that ended with one, from the newest back.
fn by_exceptions(deaths: &mut [Death], lines: &[Line], ends: &[usize], next: Next) {
    let Some(newest) = deaths.len().checked_sub(1) else { return };
    let crashed: Vec<usize> = (0..=newest).rev().filter(|at| has_crashed(deaths, *at)).collect();
    let end_of = |at: &usize| deaths.get(*at).and_then(|death| death.evidence.end.clone());
    let code = crashed.first().map(end_of);
    let is_alike = |at: &usize| code.as_ref() == Some(&end_of(at));
    let alike: Vec<usize> = crashed.into_iter().filter(is_alike).collect();
    let is_crash = alike.first() == Some(&newest);
    let is_later = next.has_written;
    // An exception of the life that goes on says nothing of one that was ended.
    if is_later && !is_crash {
        return;
    }
    let behind = ends.last().copied();
    let mut until = behind.filter(|_| next.is_on && is_crash).unwrap_or(lines.len());
    let mut say_part = |death: usize, from: usize, before: Option<usize>| {
        let is_mixed = death > before.map_or(0, |before| before + 1);
        let part = lines.get(from..until).unwrap_or_default();
        until = from;
        let Some(death) = deaths.get_mut(death).filter(|_| !part.is_empty()) else { return };
        for line in part {
            say(death, line.text.clone());
        }
        death.is_mixed = is_mixed;
    };
    match behind {
        // All of it is of the last one, as far as can be told.
        None if !is_later => say_part(newest, 0, None),
        // What is there may be of the life that goes on.
        None => {
            say_part(newest, 0, None);
            if let Some(death) = deaths.last_mut() {
                death.is_unclear = true;
            }
            return;
        }
        Some(behind) if !is_crash => say_part(newest, behind, alike.first().copied()),
        _ => {}
    }
    for (part, death) in (0..ends.len()).rev().zip(alike.iter().enumerate()) {
        let from = part.checked_sub(1).and_then(|before| ends.get(before)).copied();
        let before = from.and_then(|_| alike.get(death.0 + 1)).copied();
        say_part(*death.1, from.unwrap_or_default(), before);
    }
}

/// Whether an exception may have ended a life.
fn has_crashed(deaths: &[Death], at: usize) -> bool {
    deaths.get(at).is_some_and(|death| {
        let is_own = !death.evidence.is_asked && !death.evidence.is_old_worker;
        is_own && matches!(death.cause, Cause::Code(_) | Cause::Zero { is_cluster: true, .. })
    })
}

/// A death has said this line, too, as it is in its log.
pub(super) fn say_cleaned(death: &mut Death, line: &str) {
    say(death, clean(line).chars().take(WORD_CHARS_MAX).collect());
}

fn say(death: &mut Death, line: String) {
    // What V8 says of a heap has a long stack below it.
    death.evidence.is_heap_full |= says_heap_is_full(&line);
    if death.words.len() >= WORDS_MAX {
        death.words.pop_front();
    }
    death.words.push_back(line.into());
}
