//! Lines of output that were lost on the way, by output.
//!
//! Invariant: of each output it is known how many are missing; there is a bound for the outputs, past which
//! they are counted together.

use crate::protocol::bus::{BusPmId, LogStream, ProcessRef};
use crate::protocol::process::PmId;

/// The most outputs that are told apart.
const OUTPUTS_MAX: usize = 64;

/// What is missing of one output, in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Whose output.
    pub(crate) process: ProcessRef,
    /// Which.
    pub(crate) stream: LogStream,
    /// How many lines end in it.
    pub(crate) ends: u64,
    /// Whether what comes next begins within a line.
    pub(crate) is_cut: bool,
}

impl Missing {
    /// The process and the stream; an old worker counts as its process.
    pub(crate) fn key(&self) -> Option<(PmId, LogStream)> {
        match self.process.pm_id? {
            BusPmId::Process(id) | BusPmId::Old(id) => Some((id, self.stream)),
            BusPmId::Daemon => None,
        }
    }

    /// How many lines are missing: the one that it begins in is not whole, and neither is the one that it
    /// ends in.
    pub(crate) fn lines(&self) -> u64 {
        self.ends + u64::from(self.is_cut)
    }
}

/// What is missing of all outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AllMissing(Vec<Missing>);

impl AllMissing {
    /// So many lines of an output more are missing, behind what is missing of it already; with `is_cut` what
    /// comes next begins within a line.
    pub(crate) fn add(
        &mut self,
        process: &ProcessRef,
        stream: LogStream,
        (ends, is_cut): (u64, bool),
    ) {
        let is_it = |known: &&mut Missing| known.stream == stream && known.process == *process;
        if let Some(known) = self.0.iter_mut().find(is_it) {
            known.ends += ends;
            known.is_cut = is_cut;
        } else if self.0.len() < OUTPUTS_MAX {
            self.0.push(Missing { process: process.clone(), stream, ends, is_cut });
        } else if let Some(last) = self.0.last_mut() {
            // That is of several, then.
            last.process = ProcessRef { pm_id: None, name: Box::default() };
            (last.ends, last.is_cut) = (last.ends + ends, false);
        } else {
            // There is always a last one.
        }
    }

    /// All that is missing of others, too.
    pub(crate) fn add_all(&mut self, others: &[Missing]) {
        for other in others {
            self.add(&other.process, other.stream, (other.ends, other.is_cut));
        }
    }

    /// What is missing of an output, once.
    pub(crate) fn take(&mut self, key: (PmId, LogStream)) -> Vec<Missing> {
        let (taken, left) =
            std::mem::take(&mut self.0).into_iter().partition(|missing| missing.key() == Some(key));
        self.0 = left;
        taken
    }

    /// All of it, once.
    pub(crate) fn take_all(&mut self) -> Vec<Missing> {
        std::mem::take(&mut self.0)
    }

    /// All of it.
    pub(crate) fn all(&self) -> &[Missing] {
        &self.0
    }

    /// How many lines.
    #[cfg(test)]
    pub(crate) fn lines(&self) -> u64 {
        self.0.iter().map(Missing::lines).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_adds_up_within_the_bound() {
        let of = |id: u32| ProcessRef { pm_id: Some(BusPmId::Process(PmId(id))), name: "a".into() };
        let mut all = AllMissing::default();
        all.add(&of(1), LogStream::Out, (3, true));
        all.add(&of(1), LogStream::Out, (2, false));
        all.add(&of(1), LogStream::Err, (4, true));
        assert_eq!(all.lines(), 3 + 2 + 4 + 1, "a line that is cut twice is one");
        let key = (PmId(1), LogStream::Out);
        assert_eq!(all.take(key).iter().map(Missing::lines).sum::<u64>(), 5);
        assert_eq!(all.take(key), []);
        (0..200).for_each(|id| all.add(&of(id), LogStream::Out, (1, false)));
        assert_eq!((all.lines(), all.all().len()), (205, OUTPUTS_MAX));
    }
}
