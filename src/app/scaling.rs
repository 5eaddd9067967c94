//! Another number of processes of an app, as far as it is known before: which go, and what is said of it.
//!
//! Invariant: what the question names is what the engine may delete, and nothing else.

use crate::model::errand::{Scale, Task};
use crate::model::watched::Watched;
use crate::model::{DaemonId, Target, outlook, shrink};

/// What a scale means for an app as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// How many processes it has.
    pub(super) now: u32,
    /// How many it is to have.
    wanted: u32,
    /// Those that go, the first of them first; `None` where only the engine knows which.
    leaves: Option<Vec<Target>>,
    /// All of them.
    all: Vec<Target>,
}

impl Plan {
    /// Of the app of this process; `None` where that is gone, else why it cannot be.
    pub(super) fn of(
        watched: &Watched,
        scale: Scale,
        (daemon, first): (DaemonId, &Target),
    ) -> Option<Result<Self, String>> {
        let (fleet, key) = (&watched.fleet, first.key(daemon));
        let info = &fleet.get(key)?.info;
        let god = watched.daemon(daemon).and_then(|daemon| daemon.god);
        let all: Vec<Target> =
            fleet.sisters(key, info).map(|(_, sister)| sister.target(god)).collect();
        let now = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let wanted = match scale.of(now) {
            Ok(wanted) => wanted,
            Err(why) => return Some(Err(why)),
        };
        let infos = fleet.sisters(key, info).map(|(_, sister)| &sister.info);
        let leaving = shrink::leaving(infos, now.saturating_sub(wanted) as usize);
        let target = |pm_id| all.iter().find(|target| target.pm_id == pm_id).cloned();
        let leaves = leaving
            .map(|leaving| leaving.into_iter().filter_map(|info| target(info.pm_id)).collect());
        Some(Ok(Self { now, wanted, leaves, all }))
    }

    /// How many processes it starts or deletes.
    pub(super) fn steps(&self) -> usize {
        self.wanted.abs_diff(self.now) as usize
    }

    /// Those that go; none where only the engine knows which.
    pub(super) fn leaves(&self) -> &[Target] {
        self.leaves.as_deref().unwrap_or_default()
    }

    /// Whether processes are deleted.
    pub(super) fn shrinks(&self) -> bool {
        self.wanted < self.now
    }
}

/// The engine's task for these processes of one daemon; on the way down with those that may be deleted.
pub(super) fn task(
    watched: &Watched,
    to: Scale,
    (daemon, targets): (DaemonId, Vec<Target>),
) -> Task {
    let first = targets.first().map(|first| (daemon, first));
    let plan = first.and_then(|first| Plan::of(watched, to, first)?.ok());
    let leaves = plan.filter(Plan::shrinks).map(|plan| plan.leaves.unwrap_or(plan.all));
    Task::Scale { targets, to, leaves: leaves.unwrap_or_default() }
}

/// How many processes an app has, and then will have, and which go.
pub(super) fn sentence(watched: &Watched, scale: Scale, targets: &[(DaemonId, Target)]) -> String {
    let Some((daemon, first)) = targets.first() else { return String::new() };
    let name = &first.name;
    let plan = match Plan::of(watched, scale, (*daemon, first)) {
        None => return format!("{} is gone", first.label()),
        Some(Err(why)) => return format!("{name}: {why}"),
        Some(Ok(plan)) => plan,
    };
    let Plan { now, wanted, leaves, .. } = &plan;
    let (more, gone) = (wanted.saturating_sub(*now), now.saturating_sub(*wanted));
    match leaves {
        _ if more > 0 => {
            let verb = if more == 1 { "is" } else { "are" };
            format!("scales {name} from {now} to {wanted}: {more} more {verb} started")
        }
        _ if gone == 0 => format!("{name} has {now} already"),
        Some(leaves) => {
            let leaves: Vec<_> = leaves.iter().map(|target| (*daemon, target.clone())).collect();
            let whom = outlook::labels(&leaves, |_| String::new()).join(", ");
            format!("scales {name} from {now} to {wanted}: deletes {whom}")
        }
        None => format!(
            "scales {name} from {now} to {wanted}: {gone} of its processes are deleted, those with \
             the highest instance numbers first"
        ),
    }
}
