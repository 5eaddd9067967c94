//! Whose lines are followed: the processes that the words of the command line mean, now.
//!
//! Invariant: who says a line is told by id and name together: a daemon gives ids anew. Of a file that
//! others write, too, what those say is taken and not told.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::super::failure::Failure;
use super::super::targets::{self, Reading};
use super::super::{Context, act, output};
use super::by_id::{ById, files};
use super::source::{self, Source};
use crate::cli::Logs;
use crate::protocol::process::ProcessInfo;

/// How long the daemon may take to say which processes there are.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// So many are remembered that the daemon does not have any more.
const GONE_MAX: usize = 1_000;

/// What is known of a process that said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is followed.
    Ours,
    /// It is another one that writes a file of those.
    Beside,
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
    /// How the words were read that do not say an id.
    readings: Vec<Reading>,
    /// Those that were meant by an id.
    by_id: Vec<ById>,
    /// Those that are meant now.
    pub(super) infos: Vec<ProcessInfo>,
    /// All that the daemon had when it was last asked.
    pub(super) all: Vec<ProcessInfo>,
    /// The files of those that are meant.
    paths: HashSet<Box<str>>,
    /// The same by id: name, and what it is.
    fleet: HashMap<u32, (Box<str>, Standing)>,
    gone: HashMap<(u32, Box<str>), Standing>,
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
        let (ids, readings): (Vec<_>, Vec<_>) =
            words.iter().filter_map(reading).partition(|word| matches!(word, Reading::Id(_)));
        let is_by_id = |info: &&ProcessInfo| ids.iter().any(|id| id.fits(info));
        let mut whose = Self {
            context,
            what,
            readings,
            by_id: infos.iter().filter(is_by_id).cloned().map(ById::of).collect(),
            infos,
            all: all.to_vec(),
            paths: HashSet::new(),
            fleet: HashMap::new(),
            gone: HashMap::new(),
            is_stale: false,
        };
        whose.learn();
        whose
    }

    /// What each of all that there are is.
    fn learn(&mut self) {
        self.paths = self.infos.iter().flat_map(files).flatten().map(Into::into).collect();
        let standing = |info: &ProcessInfo| {
            if self.infos.iter().any(|our| our.pm_id == info.pm_id) {
                Some(Standing::Ours)
            } else if self.by_id.iter().any(|one| one.may_be(info)) {
                None
            } else if self.writes_ours(info) {
                Some(Standing::Beside)
            } else {
                Some(Standing::Other)
            }
        };
        let known = self.all.iter();
        let known =
            known.filter_map(|info| Some((info.pm_id.0, (info.name.clone(), standing(info)?))));
        self.fleet = known.collect();
        let fleet = &self.fleet;
        self.gone.retain(|(id, name), _| fleet.get(id).is_none_or(|(known, _)| known != name));
        self.is_stale = false;
    }

    /// Whether a process is meant.
    fn is_meant(&self, info: &ProcessInfo) -> bool {
        self.readings.iter().any(|reading| reading.fits(info))
            || self.by_id.iter().any(|one| one.is(info.pm_id.0, &info.name))
    }

    /// Whether a process writes a file of those that are followed.
    fn writes_ours(&self, info: &ProcessInfo) -> bool {
        let is_ours = |path: &str| path != "/dev/null" && self.paths.contains(path);
        files(info).into_iter().flatten().any(is_ours)
    }

    /// Whether a process of this name may be meant, as far as the name tells.
    fn may_mean(&self, name: &str) -> bool {
        let by_name = self.readings.iter().any(|reading| match reading {
            Reading::Id(_) => false,
            Reading::Name(wanted) => wanted == name,
            Reading::All | Reading::Namespace(_) => true,
        });
        by_name || self.by_id.iter().any(|one| one.name() == name)
    }

    /// Whether one of this name wrote a file of those that are followed.
    fn is_beside(&self, name: &str) -> bool {
        let is_it = |(known, standing): &(Box<str>, Standing)| {
            *standing == Standing::Beside && **known == *name
        };
        self.fleet.values().any(is_it)
    }

    /// Whether all of a daemon's processes are followed.
    pub(super) fn is_all(&self) -> bool {
        self.readings.contains(&Reading::All)
    }

    /// The name of the one that was asked for by its id, which is this one now.
    pub(super) fn name_by_id(&self, id: u32) -> Option<&str> {
        let is_it = |info: &&ProcessInfo| self.by_id.iter().any(|one| one.is(id, &info.name));
        let info = self.infos.iter().filter(|info| info.pm_id.0 == id).find(is_it)?;
        Some(&info.name)
    }

    /// Whether it is being looked for who one is that was asked for by its id.
    pub(super) fn is_looking(&self) -> bool {
        self.by_id.iter().any(ById::is_looked_for)
    }

    /// What is known of the process that says to be this one.
    pub(super) fn standing(&self, id: u32, name: &str) -> Standing {
        let known = self.fleet.get(&id).filter(|(known, _)| **known == *name && !self.is_stale);
        if let Some((_, standing)) = known {
            return *standing;
        }
        if !(self.may_mean(name) || self.is_stale && self.is_beside(name)) {
            return Standing::Other;
        }
        let gone = self.gone.get(&(id, name.into())).filter(|_| !self.is_stale);
        gone.copied().unwrap_or(Standing::Unknown)
    }

    /// Whether the daemon told of a process what is not known of it.
    pub(super) fn is_news(&self, info: &ProcessInfo) -> bool {
        if !self.may_mean(&info.name) && !self.writes_ours(info) {
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

    /// The daemon does not have that one, though it said something. What it is.
    pub(super) fn note_gone(&mut self, id: u32, name: &str) -> Standing {
        if self.gone.len() >= GONE_MAX {
            self.gone.clear();
        }
        // By an id only that one was meant, not others of its name.
        let is_by_name = self.readings.iter().any(|reading| match reading {
            Reading::Name(wanted) => wanted == name,
            _ => true,
        });
        let is_ours = is_by_name || self.by_id.iter().any(|one| one.may_have_said(id, name));
        let standing = if is_ours { Standing::Gone } else { Standing::Other };
        self.gone.insert((id, name.into()), standing);
        standing
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
        for one in &mut self.by_id {
            let (fleet, is_stale) = (&self.fleet, self.is_stale);
            let is_known = |info: &ProcessInfo| {
                !is_stale && fleet.get(&info.pm_id.0).is_some_and(|(name, _)| *name == info.name)
            };
            if let Some(line) = one.learn(&all, is_known, is_stale, Instant::now()) {
                output::complain(&line);
            }
        }
        self.infos = all.iter().filter(|info| self.is_meant(info)).cloned().collect();
        self.all = all;
        self.learn();
        Ok(())
    }

    /// Their log files.
    pub(super) fn sources(&self) -> Vec<Source> {
        let mut sources = source::of((&self.infos, &self.all), self.what, self.context);
        if !self.context.endpoint.is_local() {
            sources.iter_mut().for_each(Source::close);
        }
        sources
    }
}
