//! The rows as a tree: namespace, app, instance.
//!
//! Invariant: every row is in the tree once, below its groups; groups stand where their first row
//! stands, and what is folded is left out, not forgotten.

use std::collections::{HashMap, HashSet};

use crate::model::fleet::{Fleet, Process};
use crate::model::{DaemonId, ProcessKey};

/// A namespace of a daemon, or an app in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group {
    /// The daemon.
    pub daemon: DaemonId,
    /// The namespace; `""` where PM2 has none.
    pub namespace: Box<str>,
    /// The app; `None` for the namespace itself.
    pub app: Option<Box<str>>,
}

impl Group {
    /// Whether a process is in it.
    #[must_use]
    pub fn holds(&self, key: ProcessKey, process: &Process) -> bool {
        let info = &process.info;
        key.daemon == self.daemon
            && info.namespace.as_deref().unwrap_or_default() == &*self.namespace
            && self.app.as_ref().is_none_or(|app| *info.name == **app)
    }

    /// What it is called in a sentence: `the app api in shop`, `the namespace shop`.
    #[must_use]
    pub fn words(&self) -> String {
        let namespace = if self.namespace.is_empty() { "-" } else { &*self.namespace };
        match &self.app {
            Some(app) => format!("the app {app} in {namespace}"),
            None => format!("the namespace {namespace}"),
        }
    }
}

/// A line of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A group, above what it holds.
    Group {
        /// Which.
        group: Group,
        /// Its processes, folded or not.
        members: Vec<ProcessKey>,
        /// Whether they are left out.
        is_folded: bool,
    },
    /// A process.
    Process {
        /// Which.
        key: ProcessKey,
        /// How many groups it is in.
        depth: u16,
    },
}

/// A namespace: its daemon, its name, its processes, each with the name of its app.
type Space<'a> = (DaemonId, &'a str, Vec<(&'a str, ProcessKey)>);

/// The lines of these rows. An app of one process has no line of its own.
pub(crate) fn lines(fleet: &Fleet, rows: &[ProcessKey], folded: &HashSet<Group>) -> Vec<Line> {
    let mut places: HashMap<(DaemonId, &str), usize> = HashMap::new();
    let mut spaces: Vec<Space<'_>> = Vec::new();
    for key in rows {
        let Some(process) = fleet.get(*key) else { continue };
        let namespace = process.info.namespace.as_deref().unwrap_or_default();
        let place = *places.entry((key.daemon, namespace)).or_insert(spaces.len());
        if place == spaces.len() {
            spaces.push((key.daemon, namespace, Vec::new()));
        }
        if let Some((_, _, members)) = spaces.get_mut(place) {
            members.push((&process.info.name, *key));
        }
    }
    let mut lines = Vec::with_capacity(rows.len() + spaces.len());
    for (daemon, namespace, members) in spaces {
        let group = Group { daemon, namespace: namespace.into(), app: None };
        let is_folded = folded.contains(&group);
        let keys = members.iter().map(|(_, key)| *key).collect();
        lines.push(Line::Group { group, members: keys, is_folded });
        if !is_folded {
            apps(&mut lines, (daemon, namespace), &members, folded);
        }
    }
    lines
}

/// The lines of the apps of one namespace.
fn apps(
    lines: &mut Vec<Line>,
    (daemon, namespace): (DaemonId, &str),
    members: &[(&str, ProcessKey)],
    folded: &HashSet<Group>,
) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut apps: Vec<(&str, Vec<ProcessKey>)> = Vec::new();
    for (name, key) in members {
        let place = *places.entry(*name).or_insert(apps.len());
        if place == apps.len() {
            apps.push((*name, Vec::new()));
        }
        if let Some((_, keys)) = apps.get_mut(place) {
            keys.push(*key);
        }
    }
    for (name, keys) in apps {
        if let [key] = keys[..] {
            lines.push(Line::Process { key, depth: 1 });
            continue;
        }
        let group = Group { daemon, namespace: namespace.into(), app: Some(name.into()) };
        let is_folded = folded.contains(&group);
        lines.push(Line::Group { group, members: keys.clone(), is_folded });
        if !is_folded {
            lines.extend(keys.into_iter().map(|key| Line::Process { key, depth: 2 }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::moment::Moment;
    use crate::model::process::Process;
    use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};

    #[test]
    fn rows_stand_below_their_namespace_and_app() {
        let mut fleet = Fleet::default();
        let all = [
            ("api", Some("shop")),
            ("worker", Some("jobs")),
            ("api", Some("shop")),
            ("api", Some("jobs")),
            ("lone", None),
        ];
        let mut rows = Vec::new();
        for (id, (name, namespace)) in all.into_iter().enumerate() {
            let key = ProcessKey { daemon: DaemonId(0), pm_id: PmId(id as u32) };
            let info = ProcessInfo {
                namespace: namespace.map(Into::into),
                ..ProcessInfo::new(key.pm_id, name, ProcessStatus::Online)
            };
            fleet.insert(key, Process::polled(info, Moment::at(0)));
            rows.push(key);
        }
        let shown = |folded: &HashSet<Group>| -> Vec<String> {
            let line = |line: &Line| match line {
                Line::Group { group, members, is_folded } => format!(
                    "{}{} {}{}",
                    group.namespace,
                    group.app.as_ref().map(|app| format!("/{app}")).unwrap_or_default(),
                    members.len(),
                    if *is_folded { " folded" } else { "" }
                ),
                Line::Process { key, depth } => format!("{depth}:{}", key.pm_id),
            };
            lines(&fleet, &rows, folded).iter().map(line).collect()
        };
        let mut folded = HashSet::new();
        let wanted = ["shop 2", "shop/api 2", "2:0", "2:2", "jobs 2", "1:1", "1:3", " 1", "1:4"];
        assert_eq!(shown(&folded), wanted);
        let group = |namespace: &str, app: Option<&str>| Group {
            daemon: DaemonId(0),
            namespace: namespace.into(),
            app: app.map(Into::into),
        };
        folded.insert(group("shop", Some("api")));
        folded.insert(group("jobs", None));
        assert_eq!(shown(&folded), ["shop 2", "shop/api 2 folded", "jobs 2 folded", " 1", "1:4"]);
    }
}
