//! What can be asked for of several processes, of an app, or of a daemon: how it is said before, what
//! has to be answered, and the pm2 CLI's command for it.
//!
//! Invariant: the sentences name every process that is meant, once, and no other.

use serde_json::Value as Json;

use super::marks::Marked;
use super::scaling::{self, Plan};
use crate::model::boot::SavedList;
use crate::model::daemon::Daemon;
use crate::model::deed::Deed;
use crate::model::errand::{Errand, Scale, Task};
use crate::model::kept::Kept;
use crate::model::watched::Watched;
use crate::model::{Action, DaemonId, Target, disk, outlook, units};
use crate::protocol::text::clean;

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// One of the five actions, to each.
    Act(Action),
    /// An errand, to each.
    Errand(Errand),
    /// Another number of processes of the app that they are of.
    Scale(Scale),
    /// An action that the app declared, in each; with parameters.
    Trigger {
        /// Its name.
        action: Box<str>,
        /// What it is given, as it was typed.
        params: Option<Box<str>>,
    },
    /// A message, whole, to each.
    Message(Json),
    /// Starting again what was deleted.
    Restore {
        /// As it was.
        kept: Vec<(DaemonId, Kept)>,
        /// How long ago, milliseconds.
        ago_ms: i64,
        /// Who was started under their names since.
        beside: Vec<(DaemonId, Target)>,
    },
    /// Something to this daemon.
    Whole(Whole, DaemonId),
}

/// What can be done to a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// Opens all log files again.
    ReloadLogs,
    /// Empties the daemon's own log.
    FlushConsole,
    /// Writes the list of processes that come back at boot.
    Save,
    /// Starts what was saved and does not run.
    Resurrect,
    /// Ends it, and all its processes.
    Kill,
}

impl Whole {
    /// What is done: `save the list of processes`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ReloadLogs => "open all log files again",
            Self::FlushConsole => "empty PM2's own log",
            Self::Save => "save the list of processes",
            Self::Resurrect => "start saved processes that are missing",
            Self::Kill => "end the daemon and all its processes",
        }
    }

    /// What it means, as the saved list stands.
    fn meaning(self, saved: Option<&SavedList>) -> &'static str {
        match self {
            Self::ReloadLogs => "needed after log rotation; takes about 4 s",
            Self::FlushConsole => "its lines are lost",
            Self::Save => match saved {
                Some(SavedList::Missing { .. }) => "nothing was saved before",
                Some(_) => "what is saved now is kept as dump.pm2.bak",
                None => "what was saved before is kept as dump.pm2.bak",
            },
            Self::Resurrect => "names that already run are not started again",
            Self::Kill => "all of it stops, and nothing restarts by itself",
        }
    }

    /// The pm2 CLI's command, where it has one.
    fn command(self) -> Option<&'static str> {
        match self {
            Self::ReloadLogs => Some("reloadLogs"),
            Self::FlushConsole => None,
            Self::Save => Some("save"),
            Self::Resurrect => Some("resurrect"),
            Self::Kill => Some("kill"),
        }
    }
}

impl What {
    /// What it is called in a title: `restart 4 processes`, `scale api to 6`.
    #[must_use]
    pub fn title(&self, marked: &Marked) -> String {
        let whom = match &marked.targets[..] {
            [(_, only)] => only.label(),
            all => format!("{} processes", all.len()),
        };
        match self {
            Self::Act(action) => format!("{} {whom}", action.verb()),
            Self::Errand(errand) => format!("{} {whom}", Deed::from(errand).verb),
            Self::Scale(scale) => {
                let app = marked.targets.first().map(|(_, target)| &*target.name);
                let by = if matches!(scale, Scale::To(_)) { "to" } else { "by" };
                format!("scale {} {by} {scale}", app.unwrap_or_default())
            }
            Self::Trigger { action, .. } => format!("trigger {action} in {whom}"),
            Self::Message(_) => format!("the message to {whom}"),
            Self::Restore { kept, .. } => match &kept[..] {
                [(_, only)] if only.is_stopped() => {
                    format!("put {} back, stopped", only.target.label())
                }
                [(_, only)] => format!("start {} again", only.target.label()),
                all if all.iter().any(|(_, it)| it.is_stopped()) => {
                    format!("bring {} deleted processes back", all.len())
                }
                all => format!("start {} deleted processes again", all.len()),
            },
            Self::Whole(whole, _) => whole.words().to_owned(),
        }
    }

    /// The same as a question before it, with the size of what would be emptied where that is known:
    /// `flush 54.4 KiB of logs of api[0]`.
    #[must_use]
    pub fn question(&self, watched: &Watched, marked: &Marked) -> String {
        let title = self.title(marked);
        if *self != Self::Errand(Errand::Flush) {
            return title;
        }
        let of_daemon = |daemon: &Daemon| {
            let meant = marked.targets.iter().filter(|(id, _)| *id == daemon.id);
            let its = meant.filter_map(|(id, target)| watched.fleet.get(target.key(*id)));
            daemon.disk.bytes_of(its.map(|process| &process.info))
        };
        let sizes = watched.daemons.iter().filter_map(of_daemon);
        let size = sizes.reduce(u64::saturating_add).map(units::bytes);
        match (size, title.strip_prefix("flush the ")) {
            (Some(size), Some(logs)) => format!("flush {size} of {logs}"),
            _ => title,
        }
    }

    /// The word that has to be typed where a `y` is not enough: for what cannot be taken back, and
    /// for all that a daemon runs.
    #[must_use]
    pub fn word(&self, watched: &Watched, marked: &Marked) -> Option<&'static str> {
        let has_all = |id: DaemonId| {
            let mut all = watched.fleet.iter().filter(|(key, _)| key.daemon == id).peekable();
            let is_meant = |key| marked.targets.iter().any(|(daemon, it)| it.key(*daemon) == key);
            all.peek().is_some() && all.all(|(key, _)| is_meant(key))
        };
        let is_all = || {
            let daemons = &watched.daemons;
            marked.targets.len() > 1 && daemons.iter().any(|daemon| has_all(daemon.id))
        };
        match self {
            Self::Act(Action::Delete) if marked.targets.len() > 1 => Some("delete"),
            Self::Act(action @ (Action::Stop | Action::Restart | Action::Reload)) if is_all() => {
                Some(action.verb())
            }
            Self::Whole(Whole::Kill, _) => Some("kill"),
            Self::Act(_)
            | Self::Errand(_)
            | Self::Scale(_)
            | Self::Trigger { .. }
            | Self::Message(_)
            | Self::Restore { .. }
            | Self::Whole(..) => None,
        }
    }

    /// Whether it is asked about: where it touches several, or risks something.
    #[must_use]
    pub fn asks(&self, marked: &Marked) -> bool {
        let is_grave = match self {
            Self::Act(action) => *action == Action::Delete,
            Self::Errand(errand) => errand.risk().asks(),
            Self::Scale(_) | Self::Whole(..) | Self::Restore { .. } => true,
            Self::Trigger { .. } => false,
            // The prompt has named them.
            Self::Message(_) => return false,
        };
        is_grave || marked.targets.len() > 1
    }

    /// What it will do, one sentence for each app; `place` names a daemon where several are watched.
    #[must_use]
    pub fn sentences(&self, watched: &Watched, marked: &Marked) -> Vec<String> {
        let place = |id| match watched.daemon(id) {
            Some(daemon) if watched.daemons.len() > 1 => format!(" on {}", daemon.label),
            _ => String::new(),
        };
        let (fleet, targets) = (&watched.fleet, &marked.targets[..]);
        let each = |verb: &str| {
            let named = outlook::named(fleet, targets, place).into_iter();
            named.map(|whom| format!("{verb} {whom}")).collect()
        };
        match self {
            Self::Act(action) => outlook::sentences(fleet, *action, targets, place),
            Self::Errand(errand) => {
                let mut sentences: Vec<String> = each(&Deed::from(errand).verb);
                sentences.extend(shared(watched, errand, targets));
                sentences
            }
            Self::Trigger { action, params } => {
                let with = params.as_ref().map(|params| format!(" with {}", clean(params)));
                each(&format!("trigger {action}{} in", with.unwrap_or_default()))
            }
            Self::Message(_) => each("send the message to"),
            Self::Scale(scale) => vec![scaling::sentence(watched, *scale, targets)],
            Self::Restore { kept, ago_ms, beside } => {
                let named = |is_stopped: bool| {
                    let kept = kept.iter().filter(|(_, it)| it.is_stopped() == is_stopped);
                    let targets: Vec<_> =
                        kept.map(|(daemon, it)| (*daemon, it.target.clone())).collect();
                    outlook::labels(&targets, place).into_iter()
                };
                let ago = units::uptime(*ago_ms);
                let started = named(false).map(|whom| format!("starts {whom} again, as {ago} ago"));
                let stopped = named(true)
                    .map(|whom| format!("puts {whom} back, stopped as it was {ago} ago"));
                let there = outlook::labels(beside, place)
                    .into_iter()
                    .map(|whom| format!("beside {whom}, started under that name since"));
                started.chain(stopped).chain(there).collect()
            }
            Self::Whole(whole, daemon) => {
                let (id, daemon) = (*daemon, watched.daemon(*daemon));
                let saved = daemon.and_then(|daemon| daemon.saved.as_ref());
                let file = daemon.and_then(|daemon| daemon.disk.console(&daemon.home));
                let size = match file.filter(|_| *whole == Whole::FlushConsole) {
                    Some(file) => format!(", {}", units::bytes(file.size())),
                    None => String::new(),
                };
                vec![format!("{}{}{size}: {}", whole.words(), place(id), whole.meaning(saved))]
            }
        }
    }

    /// How it goes about it.
    #[must_use]
    pub fn manner(&self, marked: &Marked) -> Option<String> {
        let targets = &marked.targets[..];
        let pace = match self {
            // There is nothing that could follow it.
            Self::Act(_) | Self::Errand(_) if targets.len() == 1 => return None,
            Self::Act(Action::Delete) => "Ten at a time",
            Self::Act(Action::Reload) if marked.is_one_app() => "One after another",
            Self::Act(_) if targets.len() > 2 => "Two at a time",
            Self::Act(_) => "One after another",
            Self::Errand(_) => {
                return (marked.targets.len() > 1).then(|| "Two at a time.".to_owned());
            }
            Self::Scale(_) => return Some("One after another.".to_owned()),
            Self::Restore { kept, .. } => {
                // PM2 keeps the counts of what it does not start.
                let counts = match kept.iter().filter(|(_, it)| it.is_stopped()).count() {
                    0 => " and counts from 0",
                    stopped if stopped == kept.len() => "",
                    _ => "; what is started counts from 0",
                };
                let is_one_app = || {
                    let mut all = kept.iter();
                    let first = all.next();
                    first.is_some_and(|(of, first)| {
                        all.all(|(daemon, it)| daemon == of && it.is_sister(first))
                    })
                };
                let (whom, pace) = if kept.len() == 1 {
                    ("It", String::new())
                } else {
                    let pace = if is_one_app() { "One after another" } else { "Two at a time" };
                    ("Each", format!(" {pace}; Esc then leaves undone what has not begun."))
                };
                return Some(format!(
                    "{whom} gets a new id{counts}. Log files that are named by the id get new names; \
                     the old ones stay.{pace}"
                ));
            }
            Self::Whole(Whole::Resurrect, _) => "Two at a time",
            Self::Trigger { .. } | Self::Message(_) | Self::Whole(..) => return None,
        };
        Some(format!("{pace}; Esc then leaves undone what has not begun."))
    }

    /// The pm2 CLI's commands that do the same to these, behind their prefix; none where it has none.
    #[must_use]
    pub fn commands(&self, watched: &Watched, targets: &[(DaemonId, Target)]) -> Vec<String> {
        // On the way down `pm2 scale` deletes those with the lowest ids, and we the highest instances.
        if let (Self::Scale(to), Some((daemon, first))) = (self, targets.first())
            && let Some(Ok(plan)) = Plan::of(watched, *to, (*daemon, first))
            && plan.shrinks()
        {
            let leaves = plan.leaves().iter().map(|target| (*daemon, target.clone()));
            return Self::Act(Action::Delete).commands(watched, &leaves.collect::<Vec<_>>());
        }
        let mut by_daemon: Vec<(DaemonId, Vec<&Target>)> = Vec::new();
        if let Self::Whole(_, daemon) = self {
            by_daemon.push((*daemon, Vec::new()));
        }
        for (daemon, target) in targets {
            match by_daemon.iter_mut().find(|(other, _)| other == daemon) {
                Some((_, all)) => all.push(target),
                None => by_daemon.push((*daemon, vec![target])),
            }
        }
        let of_daemon = |(daemon, all): (DaemonId, Vec<&Target>)| {
            let prefix = watched.daemon(daemon).map_or("", |daemon| &*daemon.cli_prefix);
            let commands = self.of_cli(&all).into_iter();
            commands.map(|command| format!("{prefix}pm2 {command}")).collect::<Vec<_>>()
        };
        by_daemon.into_iter().flat_map(of_daemon).collect()
    }

    fn of_cli(&self, targets: &[&Target]) -> Vec<String> {
        let quoted = |text: &str| crate::protocol::shell::word(text).into_owned();
        let each = |command: &dyn Fn(&Target) -> String| -> Vec<String> {
            targets.iter().map(|target| command(target)).collect()
        };
        match self {
            Self::Act(action) => {
                let ids: Vec<String> = targets.iter().map(|it| it.pm_id.to_string()).collect();
                if ids.is_empty() {
                    return Vec::new();
                }
                vec![format!("{} {}", action.verb(), ids.join(" "))]
            }
            Self::Errand(Errand::Reset) => each(&|target| format!("reset {}", target.pm_id)),
            Self::Errand(Errand::Flush) => each(&|target| format!("flush {}", target.pm_id)),
            Self::Errand(Errand::Signal(signal)) => {
                each(&|target| format!("sendSignal {} {}", signal.name(), target.pm_id))
            }
            Self::Errand(Errand::Line(line)) => {
                each(&|target| format!("send {} {}", target.pm_id, quoted(line)))
            }
            Self::Trigger { action, params } => each(&|target| {
                let params = params.as_deref().map(|params| format!(" {}", quoted(params)));
                format!("trigger {} {}{}", target.pm_id, quoted(action), params.unwrap_or_default())
            }),
            // Its own for watching starts or stops the process besides, and `pm2 scale app -1` fails
            // (docs/pm2-ops.md section 4).
            Self::Errand(Errand::Watch(_))
            | Self::Message(_)
            | Self::Restore { .. }
            | Self::Scale(Scale::Down(_)) => Vec::new(),
            Self::Scale(scale) => {
                let app = targets.first().map(|target| quoted(&target.name));
                app.into_iter().map(|app| format!("scale {app} {scale}")).collect()
            }
            Self::Whole(whole, _) => whole.command().into_iter().map(ToOwned::to_owned).collect(),
        }
    }

    /// The engine's task for these processes of one daemon; `None` for what is no task, and for a scale,
    /// whose task depends on what is there.
    #[must_use]
    pub fn task(&self, targets: Vec<Target>) -> Option<Task> {
        Some(match self {
            Self::Errand(errand) => Task::Each { errand: errand.clone(), targets },
            Self::Whole(Whole::FlushConsole, _) => Task::FlushConsole,
            Self::Whole(Whole::Save, _) => Task::Save { even_empty: false },
            Self::Whole(Whole::Resurrect, _) => Task::Resurrect,
            Self::Whole(Whole::Kill, _) => Task::Kill,
            Self::Act(_)
            | Self::Scale(_)
            | Self::Trigger { .. }
            | Self::Message(_)
            | Self::Restore { .. }
            | Self::Whole(Whole::ReloadLogs, _) => return None,
        })
    }
}

/// What else goes where log files are emptied, an item a daemon: the lines of others in the same files.
fn shared(watched: &Watched, errand: &Errand, targets: &[(DaemonId, Target)]) -> Vec<String> {
    if *errand != Errand::Flush {
        return Vec::new();
    }
    let of_daemon = |daemon: &Daemon| {
        let ours = targets.iter().filter(|(id, _)| *id == daemon.id);
        let meant: Vec<_> = ours.map(|(_, target)| target.pm_id).collect();
        let its = watched.fleet.iter().filter(|(key, _)| key.daemon == daemon.id);
        let its: Vec<_> = its.map(|(_, process)| &process.info).collect();
        let others = disk::sharing(&its, &meant);
        let others = others.iter().map(|info| (daemon.id, Target::of(info)));
        outlook::labels(&others.collect::<Vec<_>>(), |_| String::new())
    };
    let others = watched.daemons.iter().flat_map(of_daemon);
    others.map(|whom| format!("the lines of {whom} go too: they are in the same files")).collect()
}
