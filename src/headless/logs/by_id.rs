//! A process that was asked for by its id: which one it is now.
//!
//! Invariant: it is the one that has the id and the name. Once that is gone, only one process can take its
//! place: the only one of its name and files that was not there beside it. It is never one of several, nor
//! one of another daemon where others were beside it when it went.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::process::{LogFiles, ProcessInfo};

/// What is brought back comes one by one: for so long others of its name are waited for.
const SETTLE: Duration = Duration::from_secs(2);

/// A process that was asked for by its id.
#[derive(Debug)]
pub(super) struct ById {
    /// As it was when it was there last.
    was: ProcessInfo,
    away: Option<Away>,
}

/// It is not there.
#[derive(Debug)]
struct Away {
    /// Those of its name and files that are certainly others.
    others: HashSet<u32>,
    /// Since when another one is looked for; `None` while there is nobody who may be it.
    since: Option<Instant>,
    /// How many processes there were at the last look.
    fleet: usize,
    is_told: bool,
    /// Whether none of its name and files was there when it was told to be gone.
    was_alone: bool,
    /// Whether another daemon may have come since it went.
    is_of_before: bool,
    /// Whether another daemon came since it was told to be gone with others beside it: whatever that has may
    /// be one of those.
    is_over: bool,
}

impl ById {
    pub(super) fn of(info: ProcessInfo) -> Self {
        Self { was: info, away: None }
    }

    /// Whether it is this one.
    pub(super) fn is(&self, id: u32, name: &str) -> bool {
        self.away.is_none() && self.has(id, name)
    }

    /// Whether it has, or had last, this id and name.
    fn has(&self, id: u32, name: &str) -> bool {
        self.was.pm_id.0 == id && *self.was.name == *name
    }

    /// Whether what says to be this one may be it, though it is not there: not where it was told to be gone
    /// with others of its name beside it.
    pub(super) fn may_have_said(&self, id: u32, name: &str) -> bool {
        self.has(id, name) && self.may_return()
    }

    fn may_return(&self) -> bool {
        self.away.as_ref().is_none_or(|away| !away.is_told || away.was_alone)
    }

    pub(super) fn name(&self) -> &str {
        &self.was.name
    }

    /// Whether one of its name may turn out to be it.
    pub(super) fn is_looked_for(&self) -> bool {
        self.away.as_ref().is_some_and(|away| away.since.is_some())
    }

    /// Whether this one may, of those that are there.
    pub(super) fn may_be(&self, info: &ProcessInfo) -> bool {
        let Some(away) = &self.away else { return false };
        away.since.is_some() && self.is_alike(info) && !away.others.contains(&info.pm_id.0)
    }

    fn is_alike(&self, info: &ProcessInfo) -> bool {
        info.name == self.was.name && files(info) == files(&self.was)
    }

    /// What is said of one that has its id and name, where the same daemon made that anew.
    fn takes_place(&self, it: &ProcessInfo, is_other: bool) -> Option<String> {
        let is_of_before = is_other || self.away.as_ref().is_some_and(|away| away.is_of_before);
        let (before, now) = (self.was.unique_id.as_ref()?, it.unique_id.as_ref()?);
        let (id, name) = (it.pm_id, &it.name);
        let line = || {
            format!(
                "process {id} ({name}) was deleted; another {name} has id {id} now, which is followed"
            )
        };
        (before != now && !is_of_before).then(line)
    }

    /// These are all that there are; `is_known` says whether an id was there before, `is_other` whether
    /// another daemon may say so. What is to be said of it.
    pub(super) fn learn(
        &mut self,
        all: &[ProcessInfo],
        is_known: impl Fn(&ProcessInfo) -> bool,
        is_other: bool,
        now: Instant,
    ) -> Option<String> {
        let is_told = self.away.as_ref().is_some_and(|away| away.is_told);
        let may_return = self.may_return();
        let it = all.iter().find(|info| self.has(info.pm_id.0, &info.name));
        if let Some(it) = it.filter(|_| may_return) {
            let line = self.takes_place(it, is_other);
            (self.was, self.away) = (it.clone(), None);
            let again = || format!("process {} ({}) is there again", it.pm_id, it.name);
            return line.or_else(|| is_told.then(again));
        }
        let alike: Vec<&ProcessInfo> = all.iter().filter(|info| self.is_alike(info)).collect();
        let away = self.away.get_or_insert_with(|| {
            let known = alike.iter().filter(|info| is_known(info)).map(|info| info.pm_id.0);
            let (others, fleet) = (known.collect(), all.len());
            Away {
                others,
                since: Some(now),
                fleet,
                is_told: false,
                was_alone: false,
                is_of_before: false,
                is_over: false,
            }
        });
        away.is_of_before |= is_other;
        let is_growing = all.len() > std::mem::replace(&mut away.fleet, all.len());
        if is_other {
            // Its ids say nothing of those before.
            away.others.clear();
            away.since = Some(now);
            away.is_over |= !may_return;
        }
        if away.is_over {
            away.since = None;
            return None;
        }
        let new: Vec<&&ProcessInfo> =
            alike.iter().filter(|info| !away.others.contains(&info.pm_id.0)).collect();
        // Others may be on their way.
        if away.since.is_none() && !new.is_empty() || away.since.is_some() && is_growing {
            away.since = Some(now);
        }
        if away.since.is_none_or(|since| now.duration_since(since) < SETTLE) {
            return None;
        }
        let (id, name) = (self.was.pm_id, &self.was.name);
        if let [one] = new.as_slice() {
            let line = format!("process {id} ({name}) is process {} now", one.pm_id);
            (self.was, self.away) = ((**one).clone(), None);
            return Some(line);
        }
        away.others.extend(new.iter().map(|info| info.pm_id.0));
        away.since = None;
        if std::mem::replace(&mut away.is_told, true) {
            return None;
        }
        away.was_alone = alike.is_empty();
        let now = all.iter().find(|info| info.pm_id == id).filter(|info| info.name != *name);
        let now = now.map_or_else(String::new, |info| format!(", its id is that of {}", info.name));
        Some(format!("process {id} ({name}) is gone{now}; nothing of it is followed any more"))
    }
}

/// The log files of a process.
pub(super) fn files(info: &ProcessInfo) -> [Option<&str>; 3] {
    let LogFiles { out, err, both, .. } = &info.logs;
    [out.as_deref(), err.as_deref(), both.as_deref()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    fn info(id: u32, name: &str) -> ProcessInfo {
        let mut info = ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
        info.logs.out = Some("/web.log".into());
        info
    }

    fn web(ids: &[u32]) -> Vec<ProcessInfo> {
        ids.iter().map(|id| info(*id, "web")).collect()
    }

    /// What is said of `id:2` of 0, 1 and 2, at looks 1.5 s apart; and which one it is at the end.
    fn told(looks: &[(&[u32], bool)]) -> (Vec<String>, Option<u32>) {
        let mut known: HashSet<u32> = [0, 1, 2].into();
        let mut it = ById::of(info(2, "web"));
        let (mut now, mut lines) = (Instant::now(), Vec::new());
        for (ids, is_other) in looks {
            now += Duration::from_millis(1_500);
            let is_known = |info: &ProcessInfo| known.contains(&info.pm_id.0);
            lines.extend(it.learn(&web(ids), is_known, *is_other, now));
            known = ids.iter().copied().collect();
        }
        (lines, it.away.is_none().then_some(it.was.pm_id.0))
    }

    const GONE: &str = "process 2 (web) is gone; nothing of it is followed any more";

    #[test]
    fn one_that_is_gone_is_none_of_those_beside_it() {
        assert_eq!(told(&[(&[0, 1, 2], false)]), (vec![], Some(2)));
        let gone = (vec![GONE.to_owned()], None);
        let left: &[u32] = &[0, 1];
        assert_eq!(told(&[(left, false), (left, false)]), (vec![], None), "not at once");
        assert_eq!(told(&[(left, false), (left, false), (left, false), (left, false)]), gone);
        // Two that come in its place: it may be either.
        let two: &[u32] = &[0, 1, 3, 4];
        assert_eq!(told(&[(two, false), (two, false), (two, false), (two, false)]), gone);
    }

    /// Another daemon gives its id to one of several: what that says before it is listed is not its own.
    #[test]
    fn what_has_its_id_later_does_not_speak_for_it() {
        let mut it = ById::of(info(2, "web"));
        assert!(it.may_have_said(2, "web") && !it.may_have_said(1, "web"));
        let mut now = Instant::now();
        let mut told = None;
        for _ in 0..3 {
            now += SETTLE;
            told = told.or(it.learn(&web(&[0, 1]), |_| true, false, now));
        }
        assert_eq!(told.as_deref(), Some(GONE));
        assert!(!it.may_have_said(2, "web"));
    }

    #[test]
    fn one_takes_its_place() {
        let three: &[u32] = &[0, 1, 3];
        let told = told(&[(&[0, 1], false), (three, false), (three, false), (three, false)]);
        assert_eq!(told, (vec!["process 2 (web) is process 3 now".to_owned()], Some(3)));
    }

    #[test]
    fn another_daemon_has_it_or_only_one_like_it() {
        assert_eq!(told(&[(&[0], true), (&[0, 1, 2], false)]), (vec![], Some(2)), "as it was");
        let none: &[u32] = &[];
        let shifted = told(&[(none, true), (&[0], false), (&[0], false), (&[0], false)]);
        assert_eq!(shifted, (vec!["process 2 (web) is process 0 now".to_owned()], Some(0)));
        let two = told(&[(&[0], true), (&[0, 1], false), (&[0, 1], false), (&[0, 1], false)]);
        assert_eq!(two, (vec![GONE.to_owned()], None));
        // It was gone before: one that has its id now is one of several.
        let three: &[u32] = &[0, 1, 2];
        let looks = [(&[0, 1][..], false), (&[0, 1], false), (&[0, 1], false)];
        let looks = [&looks[..], &[(three, true), (three, false), (three, false)]].concat();
        assert_eq!(told(&looks), (vec![GONE.to_owned()], None));
        // Nor is that which comes late, or alone.
        let late = [&looks[..3], &[(none, true), (none, false), (none, false)]].concat();
        let late = [&late[..], &[(&[0][..], false); 3], &[(three, false); 3]].concat();
        assert_eq!(told(&late), (vec![GONE.to_owned()], None));
    }

    /// A daemon brings back many processes one by one, or none for a long time.
    #[test]
    fn one_that_comes_back_late_is_the_same() {
        let look = |ids: &'static [u32]| (ids, false);
        let none: &[u32] = &[];
        let slow = [(none, true), look(&[0]), look(&[0, 7]), look(&[0, 7, 8]), look(&[0, 2, 7, 8])];
        assert_eq!(told(&slow), (vec![], Some(2)));
        let late = [(none, true), look(&[]), look(&[]), look(&[]), look(&[0, 1, 2])];
        let lines = vec![GONE.to_owned(), "process 2 (web) is there again".to_owned()];
        assert_eq!(told(&late), (lines, Some(2)));
    }

    #[test]
    fn one_that_was_made_anew_in_its_place_is_told() {
        let anew = |unique_id: &str| {
            vec![ProcessInfo { unique_id: Some(unique_id.into()), ..info(2, "web") }]
        };
        let now = Instant::now();
        let mut it = ById::of(anew("a").remove(0));
        assert_eq!(it.learn(&anew("a"), |_| true, false, now), None);
        let line = it.learn(&anew("b"), |_| true, false, now);
        let wanted = "process 2 (web) was deleted; another web has id 2 now, which is followed";
        assert_eq!(line.as_deref(), Some(wanted), "at once");
        assert_eq!(it.learn(&[], |_| true, false, now), None);
        let line = it.learn(&anew("c"), |_| true, false, now + Duration::from_millis(900));
        assert_eq!(line.as_deref(), Some(wanted), "a while later");
        assert_eq!(it.learn(&anew("c"), |_| true, false, now), None, "once");
        // Another daemon makes all anew, as they were.
        assert_eq!(it.learn(&anew("d"), |_| false, true, now), None);
        assert_eq!(it.learn(&[], |_| false, true, now), None);
        assert_eq!(it.learn(&anew("e"), |_| false, false, now), None);
        assert!(it.is(2, "web"));
    }

    #[test]
    fn an_id_that_another_has_is_said() {
        let mut it = ById::of(info(0, "web"));
        let (all, now) = (vec![info(0, "api")], Instant::now());
        let mut look = |ms| it.learn(&all, |_| true, false, now + Duration::from_millis(ms));
        assert_eq!(look(0), None);
        let line = look(2_000).unwrap();
        assert!(line.starts_with("process 0 (web) is gone, its id is that of api; "), "{line}");
        assert_eq!(look(9_000), None, "once");
    }
}
