//! What an action on several processes will do, by name, and what stays up meanwhile.
//!
//! Invariant: every process that is meant is named once, and no other; what is said of the rest of an
//! app is what is known of it now.

use super::fleet::Fleet;
use super::{Action, DaemonId, Target};
use crate::protocol::process::ExecMode;

/// The processes of one app among those that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part<'a> {
    daemon: DaemonId,
    /// Never empty.
    targets: Vec<&'a Target>,
}

/// What is known of the app of some processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct App {
    /// How many instances it has.
    all: usize,
    /// How many of those that are meant are online.
    meant_online: usize,
    /// How many of those that are meant are stopped or errored.
    meant_over: usize,
    /// How many of the others are online.
    others_online: usize,
    is_cluster: bool,
    /// Whether another app of the daemon has its name, in another namespace.
    has_namesake: bool,
}

/// One sentence for each app that some of these are of, in their order; one for all apps of a single
/// process of which it is the same. `place` names a daemon where
/// several are watched, and is empty otherwise.
#[must_use]
pub fn sentences(
    fleet: &Fleet,
    action: Action,
    targets: &[(DaemonId, Target)],
    place: impl Fn(DaemonId) -> String,
) -> Vec<String> {
    let mut said: Vec<Said> = Vec::new();
    for part in parts(targets) {
        let app = app(fleet, &part);
        let whom = whom(&part, app, &place(part.daemon));
        // PM2 starts what does not run, whatever it is asked.
        let is_start = app.meant_over == part.targets.len()
            && matches!(action, Action::Restart | Action::Reload);
        let action = if is_start { Action::Start } else { action };
        let meaning = meaning(action, part.targets.len(), app);
        let is_alone = app.all <= 1;
        let same = said
            .iter_mut()
            .find(|it| it.is_alone && is_alone && it.action == action && it.meaning == meaning);
        match same {
            Some(same) => same.whom.push(whom),
            None => said.push(Said { action, whom: vec![whom], meaning, is_alone }),
        }
    }
    said.iter().map(Said::sentence).collect()
}

/// What is said of an app, or of several that have one process each.
struct Said {
    action: Action,
    whom: Vec<String>,
    meaning: String,
    /// Whether the app has no other process.
    is_alone: bool,
}

impl Said {
    fn sentence(&self) -> String {
        let meaning = if self.whom.len() > 1 { of_several(&self.meaning) } else { &self.meaning };
        format!("{} {}: {meaning}", verb(self.action), self.whom.join(", "))
    }
}

/// What is said of one, said of several.
fn of_several(meaning: &str) -> &str {
    match meaning {
        NOT_ONLINE => "none of them is online now",
        ONLINE_ALREADY => "they are online already, and are left as they are",
        STAYS_LISTED => "they stay in PM2's list",
        NO_RELOAD => "forks have no reload, each is restarted and down meanwhile",
        WORKER_STAYS => "each old worker stays up until the new one listens",
        IS_DOWN => "each is down meanwhile",
        meaning => meaning,
    }
}

const NOT_ONLINE: &str = "it is not online";
const ONLINE_ALREADY: &str = "it is online already, and is left as it is";
const STAYS_LISTED: &str = "it stays in PM2's list";
const NO_RELOAD: &str = "a fork has no reload, it is restarted and down meanwhile";
const WORKER_STAYS: &str = "the old worker stays up until the new one listens";
const IS_DOWN: &str = "it is down meanwhile";

/// The processes of each app that some of these are of: `api[0 1], 2 of its 4 instances`.
#[must_use]
pub fn named(
    fleet: &Fleet,
    targets: &[(DaemonId, Target)],
    place: impl Fn(DaemonId) -> String,
) -> Vec<String> {
    let parts = parts(targets);
    parts.iter().map(|part| whom(part, app(fleet, part), &place(part.daemon))).collect()
}

/// The same without a count, for processes that are not there: `api[0 1]`.
#[must_use]
pub fn labels(targets: &[(DaemonId, Target)], place: impl Fn(DaemonId) -> String) -> Vec<String> {
    let none = Fleet::default();
    named(&none, targets, place)
}

fn parts(targets: &[(DaemonId, Target)]) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for (daemon, target) in targets {
        let is_its = |part: &&mut Part<'_>| {
            part.daemon == *daemon
                && part.targets.first().is_some_and(|first| {
                    (&first.name, &first.namespace) == (&target.name, &target.namespace)
                })
        };
        match parts.iter_mut().find(is_its) {
            Some(part) => part.targets.push(target),
            None => parts.push(Part { daemon: *daemon, targets: vec![target] }),
        }
    }
    parts
}

fn app(fleet: &Fleet, part: &Part<'_>) -> App {
    let mut app = App {
        all: 0,
        meant_online: 0,
        meant_over: 0,
        others_online: 0,
        is_cluster: false,
        has_namesake: false,
    };
    let Some(first) = part.targets.first() else { return app };
    for (key, process) in fleet.iter() {
        if key.daemon != part.daemon || process.info.name != first.name {
            continue;
        }
        if process.info.namespace != first.namespace {
            app.has_namesake = true;
            continue;
        }
        let is_meant = part.targets.iter().any(|target| target.pm_id == key.pm_id);
        let online = usize::from(process.is_online());
        app.all += 1;
        app.is_cluster |= process.info.exec_mode == ExecMode::Cluster;
        if is_meant {
            app.meant_online += online;
            app.meant_over += usize::from(process.info.is_over());
        } else {
            app.others_online += online;
        }
    }
    app
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Restart => "restarts",
        Action::Stop => "stops",
        Action::Start => "starts",
        Action::Reload => "reloads",
        Action::Delete => "deletes",
    }
}

/// `api[0 1 2 3] in shop, 4 of its 4 instances`.
fn whom(part: &Part<'_>, app: App, place: &str) -> String {
    let Some(first) = part.targets.first() else { return String::new() };
    let ids: Vec<String> = part.targets.iter().map(|target| target.pm_id.to_string()).collect();
    let mut whom = format!("{}[{}]", first.name, ids.join(" "));
    if let Some(namespace) = first.namespace.as_ref().filter(|_| app.has_namesake) {
        whom = format!("{whom} in {namespace}");
    }
    whom.push_str(place);
    let meant = part.targets.len();
    match app.all {
        0 | 1 => whom,
        all => format!("{whom}, {meant} of its {all} instances"),
    }
}

/// What that means for the app.
fn meaning(action: Action, meant: usize, app: App) -> String {
    let stay = || match app.others_online {
        0 => "none stays up".to_owned(),
        1 => "1 stays up".to_owned(),
        others => format!("{others} stay up"),
    };
    match action {
        Action::Start => match app.meant_online {
            0 if meant == 1 => NOT_ONLINE.to_owned(),
            0 => "none of them is online now".to_owned(),
            1 if meant == 1 => ONLINE_ALREADY.to_owned(),
            1 => "1 is online already, and is left as it is".to_owned(),
            online => format!("{online} are online already, and are left as they are"),
        },
        Action::Stop if app.all > 1 => stay(),
        Action::Stop => STAYS_LISTED.to_owned(),
        Action::Delete if app.all > 1 => format!("out of PM2's list; {}", stay()),
        Action::Delete => "out of PM2's list".to_owned(),
        Action::Reload if !app.is_cluster => NO_RELOAD.to_owned(),
        Action::Reload if app.all > 1 => {
            let up = (app.meant_online + app.others_online).saturating_sub(1);
            let up = if up == 1 { "1 stays up".to_owned() } else { format!("{up} stay up") };
            format!("one after another, up to the first that fails; {up}")
        }
        Action::Reload => WORKER_STAYS.to_owned(),
        Action::Restart if app.others_online > 0 => format!("{} meanwhile", stay()),
        Action::Restart if app.meant_online > 1 && app.is_cluster => {
            let up = app.meant_online - 1;
            format!("perhaps nothing serves meanwhile; reload would keep {up} up")
        }
        Action::Restart if app.all > 1 => "perhaps nothing serves meanwhile".to_owned(),
        Action::Restart => IS_DOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProcessKey;
    use crate::model::moment::Moment;
    use crate::model::process::Process;
    use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

    fn fleet() -> (Fleet, Vec<(DaemonId, Target)>) {
        let of = [
            (0, "api", "shop", true),
            (1, "api", "shop", true),
            (2, "api", "shop", true),
            (3, "worker", "jobs", false),
            (4, "worker", "jobs", false),
            (5, "mailer", "jobs", false),
            (6, "mailer", "shop", false),
        ];
        let mut fleet = Fleet::default();
        let mut targets = Vec::new();
        for (id, name, namespace, is_cluster) in of {
            let status = if id == 6 { ProcessStatus::Stopped } else { ProcessStatus::Online };
            let mut info = ProcessInfo::new(PmId(id), name, status);
            info.pid = Some(100 + id).filter(|_| id != 6);
            info.namespace = Some(namespace.into());
            if is_cluster {
                info.exec_mode = ExecMode::Cluster;
            }
            targets.push((DaemonId(0), Target::of(&info)));
            let key = ProcessKey { daemon: DaemonId(0), pm_id: PmId(id) };
            fleet.insert(key, Process::polled(info, Moment::at(1_000)));
        }
        (fleet, targets)
    }

    #[test]
    fn each_app_is_named_with_what_stays_up() {
        let (fleet, all) = fleet();
        let said = |fleet: &Fleet, action, ids: &[u32]| {
            let meant = all.iter().filter(|(_, target)| ids.contains(&target.pm_id.0));
            let meant: Vec<_> = meant.cloned().collect();
            sentences(fleet, action, &meant, |_| String::new()).join("\n")
        };
        let everything = [0, 1, 2, 3, 4, 5, 6];
        insta::assert_snapshot!(said(&fleet, Action::Restart, &everything), @r"
        restarts api[0 1 2], 3 of its 3 instances: perhaps nothing serves meanwhile; reload would keep 2 up
        restarts worker[3 4], 2 of its 2 instances: perhaps nothing serves meanwhile
        restarts mailer[5] in jobs: it is down meanwhile
        starts mailer[6] in shop: it is not online
        ");
        insta::assert_snapshot!(said(&fleet, Action::Restart, &[2, 4]), @r"
        restarts api[2], 1 of its 3 instances: 2 stay up meanwhile
        restarts worker[4], 1 of its 2 instances: 1 stays up meanwhile
        ");
        insta::assert_snapshot!(said(&fleet, Action::Stop, &[0, 1, 3, 4, 5]), @r"
        stops api[0 1], 2 of its 3 instances: 1 stays up
        stops worker[3 4], 2 of its 2 instances: none stays up
        stops mailer[5] in jobs: it stays in PM2's list
        ");
        insta::assert_snapshot!(said(&fleet, Action::Delete, &[0, 1, 2, 6]), @r"
        deletes api[0 1 2], 3 of its 3 instances: out of PM2's list; none stays up
        deletes mailer[6] in shop: out of PM2's list
        ");
        insta::assert_snapshot!(said(&fleet, Action::Reload, &[0, 1, 2, 5]), @r"
        reloads api[0 1 2], 3 of its 3 instances: one after another, up to the first that fails; 2 stay up
        reloads mailer[5] in jobs: a fork has no reload, it is restarted and down meanwhile
        ");
        let mut two = fleet;
        let info = ProcessInfo::new(PmId(7), "web", ProcessStatus::Online);
        let target = (DaemonId(0), Target::of(&info));
        let key = ProcessKey { daemon: DaemonId(0), pm_id: PmId(7) };
        two.insert(key, Process::polled(ProcessInfo { pid: Some(7), ..info }, Moment::at(1_000)));
        let both = [all[5].clone(), target];
        let fleet = two;
        let told = sentences(&fleet, Action::Reload, &both, |_| String::new()).join("\n");
        insta::assert_snapshot!(told, @"reloads mailer[5] in jobs, web[7]: forks have no reload, each is restarted and down meanwhile");
        insta::assert_snapshot!(said(&fleet, Action::Start, &[5, 6, 3, 4]), @r"
        starts worker[3 4], 2 of its 2 instances: 2 are online already, and are left as they are
        starts mailer[5] in jobs: it is online already, and is left as it is
        starts mailer[6] in shop: it is not online
        ");
    }
}
