//! The lives of a process that ended, by the daemon's own log, on this machine.
//!
//! Invariant: reads that file alone, bounded; asks the daemon nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::{clock, files};
use crate::model::death::Death;
use crate::model::death::after::{Left, deaths_of_id};
use crate::model::death::cause::{Cause, UNCAUGHT};
use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

/// How much is read of the end of `pm2.log`, bytes.
pub(super) const CONSOLE_BYTES_MAX: u64 = 512 << 10;
/// Of so many processes that write one file it is looked up when they lived.
const WRITERS_MAX: usize = 16;
/// Of a name that was begun anew again and again, at most so many ids are looked at.
const OTHERS_MAX: usize = 8;

/// The end of a daemon's own log, read when it is first asked for.
#[derive(Debug)]
pub(crate) struct Console {
    home: PathBuf,
    text: OnceLock<String>,
    flushed: OnceLock<Option<i64>>,
}

impl Console {
    /// That of the daemon in this folder.
    pub(crate) fn of(home: &Path) -> Arc<Self> {
        let (text, flushed) = (OnceLock::new(), OnceLock::new());
        Arc::new(Self { home: home.to_owned(), text, flushed })
    }

    /// Blocks, the first time.
    fn text(&self) -> &str {
        self.text.get_or_init(|| {
            let tail = files::tail(&self.home.join("pm2.log"), CONSOLE_BYTES_MAX);
            tail.map_or_else(
                |_| String::new(),
                |tail| String::from_utf8_lossy(&tail.bytes).into_owned(),
            )
        })
    }
}

/// A life that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LifeSpan {
    /// When it began, milliseconds since 1970.
    pub(crate) started_ms: Option<i64>,
    /// When it ended, whole seconds of them.
    pub(crate) ended_ms: i64,
    /// Whether it ended as one does that says an exception last.
    pub(crate) is_crash: bool,
    /// Whether it failed by itself: it may have said last why.
    pub(crate) is_failed: bool,
}

impl LifeSpan {
    /// That of a death.
    pub(super) fn of(death: &Death) -> Self {
        Self {
            started_ms: death.started_ms,
            ended_ms: death.ended_ms,
            is_crash: is_crash(death),
            is_failed: is_failed(death),
        }
    }
}

/// The lives of a process, and those of its name that were there before it, looked up when they are first
/// asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lives {
    looked: Option<Arc<Looked>>,
}

#[derive(Debug)]
struct Looked {
    info: ProcessInfo,
    /// Those that write the same, where it is not alone.
    others: Vec<ProcessInfo>,
    console: Arc<Console>,
    ended: OnceLock<Vec<LifeSpan>>,
    is_only: OnceLock<bool>,
}

impl Lives {
    /// What is asked of a process to tell its lives: little, where it never ended.
    pub(crate) fn asked_of(info: &ProcessInfo) -> ProcessInfo {
        if info.restarts > 0 || info.exit_code.is_some() {
            return info.clone();
        }
        let mut brief = ProcessInfo::new(info.pm_id, &info.name, info.status.clone());
        (brief.exec_mode, brief.online_since_ms) = (info.exec_mode, info.online_since_ms);
        brief.script.clone_from(&info.script);
        brief.logs.clone_from(&info.logs);
        brief
    }

    /// Of a process, by the log of its daemon.
    pub(crate) fn of(info: &ProcessInfo, console: &Arc<Console>) -> Self {
        Self::of_several(std::slice::from_ref(info), console)
    }

    /// Of processes that write one file, by the log of their daemon: of several nothing is known but when lives
    /// ended. Of too many nothing at all.
    pub(crate) fn of_several(infos: &[ProcessInfo], console: &Arc<Console>) -> Self {
        let Some((info, others)) = infos.split_first().filter(|_| infos.len() <= WRITERS_MAX)
        else {
            return Self::default();
        };
        let (info, others, console) = (info.clone(), others.to_vec(), Arc::clone(console));
        let (ended, is_only) = (OnceLock::new(), OnceLock::new());
        Self { looked: Some(Arc::new(Looked { info, others, console, ended, is_only })) }
    }

    /// Whether they are of several processes: where one ended the others went on.
    pub(crate) fn are_of_several(&self) -> bool {
        self.looked.as_ref().is_some_and(|looked| !looked.others.is_empty())
    }

    /// When the first life began that is known of; `None` where the first that is known began before
    /// what is left of it. Blocks, the first time.
    pub(crate) fn known_since(&self) -> Option<i64> {
        let Some(first) = self.ended().first() else { return self.only_since() };
        let since_ms = || self.looked.as_ref()?.young_since_ms().filter(|_| self.is_made_up(first));
        first.started_ms.or_else(since_ms)
    }

    /// When the only life began, where the whole log tells one start and no end: nothing was written
    /// before. Blocks, the first time.
    pub(crate) fn only_since(&self) -> Option<i64> {
        let looked = self.looked.as_ref()?;
        looked.young_since_ms().filter(|_| looked.is_only())
    }

    /// Whether the log tells nothing of it: it may have been there under another daemon.
    pub(crate) fn is_made_up(&self, life: &LifeSpan) -> bool {
        let since_ms = self.looked.as_ref().and_then(|looked| looked.young_since_ms());
        life.started_ms.is_none() && since_ms.is_some_and(|ms| ms - SECOND_MS == life.ended_ms)
    }

    /// These ended, oldest first, of a process.
    pub(super) fn told(info: &ProcessInfo, ended: Vec<LifeSpan>) -> Self {
        let (info, console) = (info.clone(), Console::of(Path::new("")));
        let (ended, others) = (ended.into(), Vec::new());
        let looked = Looked { info, others, console, ended, is_only: false.into() };
        Self { looked: Some(Arc::new(looked)) }
    }

    /// These, of a process that has lived since then.
    #[cfg(test)]
    pub(crate) fn for_test(ended: Vec<LifeSpan>, since_ms: Option<i64>) -> Self {
        let status = ProcessStatus::Online;
        let mut info = ProcessInfo::new(PmId(0), "a", status);
        info.online_since_ms = since_ms;
        Self::told(&info, ended)
    }

    /// Those of a process that never ended and began then, of whose daemon's log this is left.
    #[cfg(test)]
    pub(crate) fn since_for_test(since_ms: i64, log: &str) -> Self {
        let mut info = ProcessInfo::new(PmId(0), "a", ProcessStatus::Online);
        info.online_since_ms = Some(since_ms);
        let (text, flushed) = (log.to_owned().into(), OnceLock::new());
        let console = Console { home: PathBuf::new(), text, flushed };
        Self::of(&info, &Arc::new(console))
    }

    /// Whether nothing is known of them.
    pub(crate) fn is_empty(&self) -> bool {
        self.looked.is_none()
    }

    /// Those that ended, oldest first. Blocks, the first time.
    pub(crate) fn ended(&self) -> &[LifeSpan] {
        let Some(looked) = &self.looked else { return &[] };
        looked.ended.get_or_init(|| looked.look())
    }

    /// When the life after the one of this index began, milliseconds since 1970. Of several processes another
    /// one is on when one ends.
    pub(crate) fn begun_after(&self, index: usize) -> Option<i64> {
        if self.are_of_several() {
            return self.ended().get(index).map(|life| life.ended_ms);
        }
        let next = self.ended().get(index + 1);
        next.map_or_else(|| self.looked.as_ref()?.info.runs_since_ms(), |next| next.started_ms)
    }

    /// Those of the ends from this moment on, by their places: they are in the order of time.
    pub(crate) fn ended_since(&self, from_ms: i64) -> impl Iterator<Item = (usize, &LifeSpan)> {
        let ended = self.ended();
        let first = ended.partition_point(|life| life.ended_ms < from_ms);
        ended.iter().enumerate().skip(first)
    }

    /// When the first life began since a moment, where none was on then, as far as that is known. Blocks, the
    /// first time.
    pub(crate) fn begun_since(&self, from_ms: i64) -> Option<i64> {
        let mut ended = self.ended_since(from_ms).map(|(_, life)| life);
        let began_ms = match ended.find(|life| !self.is_made_up(life)) {
            Some(life) => life.started_ms,
            None => self.looked.as_ref()?.info.runs_since_ms(),
        };
        began_ms.filter(|began_ms| *began_ms > from_ms)
    }

    /// The time between two moments in which a life was on.
    pub(crate) fn on(&self, low_ms: i64, high_ms: i64) -> OnTime {
        let mut on = OnTime { low_ms, on_ms: 0, absences: Vec::new() };
        let mut away_ms = 0;
        // The one that ended last before that may be followed by an absence that goes on.
        let first = self.ended().partition_point(|life| life.ended_ms < low_ms).saturating_sub(1);
        for (index, life) in self.ended().iter().enumerate().skip(first) {
            let from_ms = life.ended_ms.saturating_add(SECOND_MS).max(low_ms);
            if from_ms >= high_ms {
                break;
            }
            let to_ms = self.begun_after(index).unwrap_or(i64::MAX).min(high_ms);
            if from_ms < to_ms {
                let begins_ms = from_ms.saturating_sub(low_ms).saturating_sub(away_ms);
                away_ms += to_ms - from_ms;
                on.absences.push((begins_ms, away_ms));
            }
        }
        on.on_ms = high_ms.saturating_sub(low_ms).saturating_sub(away_ms).max(0);
        on
    }
}

impl Looked {
    /// Its lives, and before the first of them those of other ids of its name: it was deleted, and begun anew.
    fn look(&self) -> Vec<LifeSpan> {
        if !self.others.is_empty() {
            let all = std::iter::once(&self.info).chain(&self.others);
            let mut all: Vec<LifeSpan> = all.flat_map(|info| self.lives_by(info)).collect();
            all.sort_by_key(|life| life.ended_ms);
            // When one began tells nothing of what the others wrote.
            return all.into_iter().map(|life| LifeSpan { started_ms: None, ..life }).collect();
        }
        let own = self.lives_of(self.info.pm_id);
        let begun_ms = own.first().map(|life| life.started_ms.unwrap_or(life.ended_ms));
        let begun_ms = begun_ms.or(self.info.online_since_ms).unwrap_or(i64::MAX);
        let mut all: Vec<LifeSpan> = Vec::new();
        for id in self.other_ids() {
            let lives = self.lives_of(id);
            all.extend(lives.into_iter().filter(|life| life.ended_ms <= begun_ms));
        }
        all.sort_by_key(|life| life.ended_ms);
        let mut former: Vec<LifeSpan> = Vec::new();
        for life in all {
            let begun_ms = life.started_ms.unwrap_or(i64::MIN);
            // Where several were there at a time, one of them was until the last of them ended.
            while former.last().is_some_and(|last| last.ended_ms > begun_ms) {
                former.pop();
            }
            former.push(life);
        }
        former.extend(own);
        let is_young = former.is_empty() && !self.is_only();
        if let Some(since_ms) = self.young_since_ms().filter(|_| is_young) {
            // What ended before that, if anything did, in whole seconds: a life under another daemon.
            let ended_ms = since_ms - SECOND_MS;
            former.push(LifeSpan { started_ms: None, ended_ms, is_crash: false, is_failed: false });
        }
        former
    }

    /// Whether the log has all that the daemon said, and that is one start of this name and no end.
    fn is_only(&self) -> bool {
        *self.is_only.get_or_init(|| {
            let text = self.console.text();
            let sign = format!("App [{}:", self.info.name);
            let told = memchr::memmem::find_iter(text.as_bytes(), sign.as_bytes());
            let told = told.filter_map(|at| text.get(at + sign.len()..)?.split_once("] "));
            let (mut starts, mut ends) = (0, 0);
            for (_, said) in told {
                starts += usize::from(said.starts_with("starting in -"));
                ends += usize::from(said.starts_with("exited with code ["));
            }
            (starts, ends) == (1, 0) && (text.len() as u64) < CONSOLE_BYTES_MAX
        })
    }

    /// Since when it runs, where it never ended.
    fn young_since_ms(&self) -> Option<i64> {
        young_since_ms(&self.info).filter(|_| self.others.is_empty())
    }

    /// What the log tells of the process of this id.
    fn lives_of(&self, id: PmId) -> Vec<LifeSpan> {
        if id == self.info.pm_id {
            return self.lives_by(&self.info);
        }
        let mut other = ProcessInfo::new(id, &self.info.name, ProcessStatus::Online);
        other.exec_mode = self.info.exec_mode;
        if self.has_exit(&other) { self.lives_by(&other) } else { Vec::new() }
    }

    /// Whether the log tells that it ended.
    fn has_exit(&self, info: &ProcessInfo) -> bool {
        let exit = format!("App [{}:{}] exited with code [", info.name, info.pm_id);
        memchr::memmem::find(self.console.text().as_bytes(), exit.as_bytes()).is_some()
    }

    /// What the log tells of this process.
    fn lives_by(&self, info: &ProcessInfo) -> Vec<LifeSpan> {
        if young_since_ms(info).is_some() && !self.has_exit(info) {
            return Vec::new();
        }
        let utc_offset_s = clock::utc_offset_s(clock::now_ms());
        let (errors, calm_since_ms, console) = (None, None, self.console.text());
        let deaths = deaths_of_id(&Left {
            listed: &[],
            log_since_ms: None,
            opening: None,
            info,
            console,
            errors,
            calm_since_ms,
            utc_offset_s,
        });
        deaths.iter().map(LifeSpan::of).collect()
    }

    /// The last other ids that the log names with its name.
    fn other_ids(&self) -> Vec<PmId> {
        let text = self.console.text();
        let sign = format!("App [{}:", self.info.name);
        let mut ids: Vec<PmId> = Vec::new();
        for at in memchr::memmem::rfind_iter(text.as_bytes(), sign.as_bytes()) {
            let rest = text.get(at + sign.len()..).unwrap_or_default();
            let id = rest.split_once("] ").and_then(|(id, _)| id.parse().ok()).map(PmId);
            ids.extend(id.filter(|id| *id != self.info.pm_id && !ids.contains(id)));
            if ids.len() >= OTHERS_MAX {
                break;
            }
        }
        ids
    }
}

/// Since when a process runs, where it never ended.
fn young_since_ms(info: &ProcessInfo) -> Option<i64> {
    let is_young = info.restarts == 0 && info.exit_code.is_none();
    info.online_since_ms.filter(|_| is_young)
}

/// The time between two moments in which a life was on: as if it wrote as much at any time, and nothing
/// while it was not there.
#[derive(Debug)]
pub(crate) struct OnTime {
    low_ms: i64,
    /// How long that is.
    on_ms: i64,
    /// After how much of it each absence begins, and how long those are up to its end.
    absences: Vec<(i64, i64)>,
}

impl OnTime {
    /// The moment that is `part` of the way.
    pub(crate) fn at(&self, (part, whole): (i64, i64)) -> i64 {
        let far_ms = i128::from(self.on_ms) * i128::from(part) / i128::from(whole.max(1));
        let far_ms = i64::try_from(far_ms).unwrap_or(self.on_ms);
        let before = self.absences.partition_point(|(begins_ms, _)| *begins_ms < far_ms);
        let away = before.checked_sub(1).and_then(|last| self.absences.get(last));
        self.low_ms.saturating_add(far_ms).saturating_add(away.map_or(0, |(_, away_ms)| *away_ms))
    }
}

mod emptied;

/// An end is known in whole seconds: it may be so much later, milliseconds.
pub(crate) const SECOND_MS: i64 = 999;

fn is_crash(death: &Death) -> bool {
    let is_own = !death.evidence.is_asked && !death.evidence.is_old_worker;
    is_own
        && match &death.cause {
            Cause::Code(code) => UNCAUGHT.contains(&&**code),
            Cause::Exception(_) | Cause::Zero { is_cluster: true, .. } => true,
            _ => false,
        }
}

fn is_failed(death: &Death) -> bool {
    let is_own = !death.evidence.is_asked && !death.evidence.is_old_worker;
    let is_so = match &death.cause {
        Cause::Code(_) | Cause::HeapFull | Cause::Native(_) => true,
        // Where its shell was killed it said nothing; where it ended with such a code itself it may have.
        Cause::ShellCode { is_shell, .. } => !is_shell,
        _ => is_crash(death),
    };
    is_own && is_so
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_life_since_a_moment_is_known_where_none_was_on_then() {
        let life = |started_ms, ended_ms| LifeSpan {
            started_ms: Some(started_ms),
            ended_ms,
            is_crash: false,
            is_failed: false,
        };
        let lives = Lives::for_test(vec![life(10_000, 30_000), life(40_000, 50_000)], Some(90_000));
        let since = [5_000, 20_000, 35_000, 60_000, 95_000].map(|ms| lives.begun_since(ms));
        assert_eq!(since, [Some(10_000), None, Some(40_000), Some(90_000), None]);
    }
}
