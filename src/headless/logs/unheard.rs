//! When processes began and ended while the bus was away, as the daemon's log tells: what they said meanwhile was
//! said between these.

use std::collections::HashMap;

use super::events::Event;
use super::said::BusId;
use crate::protocol::process::PmId;

/// By process what is known of it.
#[derive(Debug, Default)]
pub(super) struct Unheard(HashMap<BusId, Lives>);

#[derive(Debug, Default)]
struct Lives {
    /// When the first life began, where none was there before it, milliseconds since 1970.
    begun_ms: Option<i64>,
    /// When the last one ended, where none began behind it, likewise.
    ended_ms: Option<i64>,
}

impl Unheard {
    /// Takes what the daemon's log tells, oldest first, and then what the bus does.
    pub(super) fn add(&mut self, event: &Event) {
        let (Some(id), at_ms) = (event.of, event.line.at_ms) else { return };
        let is_start = match event.word {
            "online" => true,
            "exit" => false,
            _ => return,
        };
        if !event.line.is_estimated {
            if let Some(lives) = self.0.get_mut(&id).filter(|_| is_start) {
                lives.ended_ms = None;
            }
            return;
        }
        let lives = self
            .0
            .entry(id)
            .or_insert_with(|| Lives { begun_ms: is_start.then_some(at_ms), ended_ms: None });
        lives.ended_ms = (!is_start).then_some(at_ms);
    }

    /// When the first life of these processes began, where none was there before it, and when the last one ended,
    /// where none is there since.
    pub(super) fn of(&self, ids: &[PmId]) -> (Option<i64>, Option<i64>) {
        let all = || ids.iter().map(|id| self.0.get(&id.0));
        let begun = all().map(|lives| lives?.begun_ms).min().flatten();
        let ended = all().map(|lives| lives?.ended_ms).collect::<Option<Vec<i64>>>();
        (begun, ended.and_then(|ended| ended.into_iter().max()))
    }
}
