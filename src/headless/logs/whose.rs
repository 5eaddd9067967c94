//! Whose lines are followed: the processes that the words of the command line mean, now.
//!
//! Invariant: who says a line is told by id and name together. A daemon gives ids anew; one asked for by
//! its id is followed by its name and its file.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::super::failure::Failure;
use super::super::targets::{self, Reading};
use super::super::{Context, act};
use super::source::{self, Source};
use crate::cli::Logs;
use crate::protocol::process::{LogFiles, ProcessInfo};

/// How long the daemon may take to say which processes there are.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// So many are remembered that the daemon does not have any more.
const GONE_MAX: usize = 1_000;

/// What is known of a process that said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is followed.
    Ours,
    /// It is another one.
    Other,
    /// The daemon had it, and does not have it any more.
    Gone,
    /// The daemon was not asked since it came.
    Unknown,
}

/// Whose lines are followed.
pub(super) struct Whose<'a> {
    pub(super) context: &'a Context,
    what: &'a Logs,
    /// How the words were read.
    readings: Vec<Reading>,
    /// Those that were meant at the start: by an id they are the same ones later.
    chosen: Vec<ProcessInfo>,
    /// Those that are meant now.
    pub(super) infos: Vec<ProcessInfo>,
    /// All that the daemon had when it was last asked, by id: name, and whether it is meant.
    fleet: HashMap<u32, (Box<str>, bool)>,
    gone: HashSet<(u32, Box<str>)>,
    /// Whether another daemon may be there since it was asked.
    is_stale: bool,
}

impl<'a> Whose<'a> {
    /// Of these words, which mean these processes of all that there are.
    pub(super) fn of(
        (context, what): (&'a Context, &'a Logs),
        words: &[String],
        all: &[ProcessInfo],
        infos: Vec<ProcessInfo>,
    ) -> Self {
        let reading = |word: &String| match word.as_str() {
            "all" => Some(Reading::All),
            word => targets::read(word, all).ok().flatten().map(|(reading, _)| reading),
        };
        let mut whose = Self {
            context,
            what,
            readings: words.iter().filter_map(reading).collect(),
            chosen: infos.clone(),
            infos,
            fleet: HashMap::new(),
            gone: HashSet::new(),
            is_stale: false,
        };
        whose.learn(all);
        whose
    }

    fn learn(&mut self, all: &[ProcessInfo]) {
        let is_ours = |info: &ProcessInfo| self.infos.iter().any(|our| our.pm_id == info.pm_id);
        self.fleet =
            all.iter().map(|info| (info.pm_id.0, (info.name.clone(), is_ours(info)))).collect();
        let fleet = &self.fleet;
        self.gone.retain(|(id, name)| fleet.get(id).is_none_or(|(known, _)| known != name));
        self.is_stale = false;
    }

    /// Whether a process is meant, of all that there are.
    fn is_meant(&self, info: &ProcessInfo, all: &[ProcessInfo]) -> bool {
        self.readings.iter().any(|reading| match reading {
            Reading::Id(id) => {
                let mut chosen = self.chosen.iter().filter(|chosen| chosen.pm_id.0 == *id);
                chosen.any(|chosen| {
                    let is_it = |one: &ProcessInfo| one.pm_id.0 == *id && one.name == chosen.name;
                    // Only where there is none of that id: others may write the same file.
                    let is_same = || info.name == chosen.name && files(info) == files(chosen);
                    is_it(info) || !all.iter().any(is_it) && is_same()
                })
            }
            reading => reading.fits(info),
        })
    }

    /// Whether a process of this name may be meant, as far as the name tells.
    pub(super) fn may_mean(&self, name: &str) -> bool {
        self.readings.iter().any(|reading| match reading {
            Reading::Id(id) => {
                self.chosen.iter().any(|chosen| chosen.pm_id.0 == *id && *chosen.name == *name)
            }
            Reading::Name(wanted) => wanted == name,
            Reading::All | Reading::Namespace(_) => true,
        })
    }

    /// Whether all of a daemon's processes are followed.
    pub(super) fn is_all(&self) -> bool {
        self.readings.contains(&Reading::All)
    }

    /// What is known of the process that says to be this one.
    pub(super) fn standing(&self, id: u32, name: &str) -> Standing {
        if !self.may_mean(name) {
            return Standing::Other;
        }
        if self.is_stale {
            return Standing::Unknown;
        }
        match self.fleet.get(&id).filter(|(known, _)| **known == *name) {
            Some((_, true)) => Standing::Ours,
            Some((_, false)) => Standing::Other,
            None if self.gone.contains(&(id, name.into())) => Standing::Gone,
            None => Standing::Unknown,
        }
    }

    /// Whether the daemon told of a process what is not known of it.
    pub(super) fn is_news(&self, info: &ProcessInfo) -> bool {
        if !self.may_mean(&info.name) {
            return false;
        }
        let known = self.infos.iter().find(|known| known.pm_id == info.pm_id);
        match known {
            Some(known) => {
                known.name != info.name || info.logs.out.is_some() && files(known) != files(info)
            }
            None => self.fleet.get(&info.pm_id.0).is_none_or(|(name, _)| *name != info.name),
        }
    }

    /// The bus was lost: another daemon may be there.
    pub(super) fn forget(&mut self) {
        self.is_stale = true;
        self.gone.clear();
    }

    /// The daemon does not have that one, though it said something.
    pub(super) fn note_gone(&mut self, id: u32, name: &str) {
        if self.gone.len() >= GONE_MAX {
            self.gone.clear();
        }
        self.gone.insert((id, name.into()));
    }

    /// Asks again which processes there are.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub(super) async fn ask_again(&mut self) -> Result<(), Failure> {
        let asking = async {
            let client = self.context.connect().await?;
            let processes = act::fleet(self.context, &client).await?;
            client.disconnect().await;
            Ok::<_, Failure>(processes)
        };
        let all = tokio::time::timeout(ANSWER_MAX, asking)
            .await
            .map_err(|_| Failure::condition("the daemon does not answer"))??;
        self.infos = all.iter().filter(|info| self.is_meant(info, &all)).cloned().collect();
        self.learn(&all);
        Ok(())
    }

    /// Their log files.
    pub(super) fn sources(&self) -> Vec<Source> {
        let mut sources = source::of(&self.infos, self.what, self.context);
        if !self.context.endpoint.is_local() {
            sources.iter_mut().for_each(Source::close);
        }
        sources
    }
}

fn files(info: &ProcessInfo) -> [Option<&str>; 3] {
    let LogFiles { out, err, both, .. } = &info.logs;
    [out.as_deref(), err.as_deref(), both.as_deref()]
}
