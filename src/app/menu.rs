//! The menu of all that can be done to what is selected or marked, and to its daemon.
//!
//! Invariant: everything stands there always; what cannot be done says why.

use std::borrow::Cow;

use super::command::{COMMANDS, Command, CommandRow};
use super::help;
use super::marks::Marked;
use super::what::{What, Whole};
use crate::model::boot::SavedList;
use crate::model::daemon::Daemon;
use crate::model::errand::Errand;
use crate::model::fleet::Process;
use crate::model::watched::Watched;
use crate::model::{Action, DaemonId};
use crate::protocol::process::ProcessStatus;

/// Something in the menu.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// It is done, or asked about, at once.
    Do(What),
    /// A number of processes is asked for.
    Scale,
    /// A signal is chosen.
    Signal,
    /// A line is typed.
    Line,
    /// A declared action is chosen.
    Trigger,
    /// A message is written.
    Message,
    /// The log files of all processes are emptied.
    FlushAll,
}

impl Item {
    /// Whether something is typed before it is done.
    pub(super) fn takes_text(&self, watched: &Watched, marked: &Marked) -> bool {
        match self {
            Self::Do(what) => what.word(watched, marked).is_some(),
            Self::FlushAll => false,
            Self::Scale | Self::Signal | Self::Line | Self::Trigger | Self::Message => true,
        }
    }
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it does.
    pub item: Item,
    /// The key that does it in the table too; `""` where it has none.
    pub key: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it means, in a few words.
    pub about: Cow<'static, str>,
    /// Why it cannot be done now.
    pub refusal: Option<String>,
}

/// The open menu.
#[derive(Debug, Clone, PartialEq)]
pub struct Menu {
    /// Whom it is about.
    pub marked: Marked,
    /// Which daemon.
    pub daemon: DaemonId,
    /// The group of the tree that they are of, in words, where that is meant.
    group: Option<Box<str>>,
    /// Which line is chosen, from 0.
    at: usize,
}

impl Menu {
    /// About these, or about a daemon alone; the first that can be done is chosen.
    pub(super) fn new(
        watched: &Watched,
        is_read_only: bool,
        marked: Marked,
        daemon: DaemonId,
    ) -> Self {
        let menu = Self { marked, daemon, group: None, at: 0 };
        let entries = menu.entries(watched, is_read_only);
        let first = entries.iter().position(|entry| entry.refusal.is_none());
        // A start is meant for what PM2 leaves down, and not between two crashes.
        let is_down = |process: &Process| {
            matches!(process.info.status, ProcessStatus::Stopped | ProcessStatus::Errored)
        };
        let restart = Item::Do(What::Act(Action::Restart));
        let first = match entries.iter().position(|entry| entry.item == restart) {
            Some(at)
                if !Whom::of(watched, &menu).all(is_down)
                    && entries.get(at).is_some_and(|entry| entry.refusal.is_none()) =>
            {
                Some(at)
            }
            _ => first,
        };
        Self { at: first.unwrap_or(0), ..menu }
    }

    /// What its lines are called.
    #[cfg(test)]
    pub(super) fn labels() -> Vec<&'static str> {
        let (marked, daemon) = (Marked::default(), DaemonId(0));
        let menu = Self { marked, daemon, group: None, at: 0 };
        let entries = menu.entries(&Watched::new(Vec::new()), false);
        entries.into_iter().map(|entry| entry.label).collect()
    }

    /// Which line is chosen, from 0.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Whom it is about, in a few words.
    #[must_use]
    pub fn whom(&self) -> String {
        if let Some(part) = self.marked.part_words().filter(|_| self.group.is_some()) {
            return part;
        }
        match (&self.marked.targets[..], &self.group) {
            ([], _) => "the daemon".to_owned(),
            ([_], Some(group)) => format!("{group}, 1 process"),
            (all, Some(group)) => format!("{group}, {} processes", all.len()),
            ([(_, only)], None) => only.label(),
            (all, None) => format!("{} processes", all.len()),
        }
    }

    /// The same, about a group of the tree.
    pub(super) fn of_group(self, group: Option<String>) -> Self {
        Self { group: group.map(Into::into), ..self }
    }

    /// Another line is chosen.
    pub(super) fn choose(&mut self, at: usize) {
        self.at = at;
    }

    /// Its lines, in order.
    #[must_use]
    pub fn entries(&self, watched: &Watched, is_read_only: bool) -> Vec<Entry> {
        let whom = Whom::of(watched, self);
        let entry = |(item, label, about): (Item, &'static str, &'static str)| {
            let row = row_of(&item);
            Entry {
                key: row.and_then(|row| row.keys.split(' ').next()).unwrap_or_default(),
                refusal: whom.refusal(&item, is_read_only),
                about: whom.about(&item, row.map_or(about, |row| help::placeless(row.help))),
                item,
                label,
            }
        };
        let whole = |whole| Item::Do(What::Whole(whole, self.daemon));
        let act = |action| Item::Do(What::Act(action));
        let errand = |errand| Item::Do(What::Errand(errand));
        [
            (act(Action::Start), "start", ""),
            (act(Action::Restart), "restart", ""),
            (act(Action::Reload), "reload", ""),
            (act(Action::Stop), "stop", ""),
            (act(Action::Delete), "delete", ""),
            (Item::Scale, "scale ..", "Run more or fewer processes of the app"),
            (errand(Errand::Reset), "reset counts", "Set its counts of restarts to 0"),
            (Item::Signal, "send a signal ..", "Send it SIGUSR2, SIGHUP or another"),
            (Item::Line, "write a line ..", "Write to its standard input"),
            (Item::Message, "message ..", ""),
            (Item::Trigger, "trigger an action ..", "Trigger one that the app declared"),
            (errand(Errand::Watch(true)), "watch files", "Restart it when they change"),
            (
                errand(Errand::Watch(false)),
                "do not watch files",
                "Leave it running when they change",
            ),
            (errand(Errand::Flush), "flush logs", "Empty its log files"),
            (Item::FlushAll, "flush all logs", "Empty the log files of all processes"),
            (whole(Whole::ReloadLogs), "reload logs", "Open all log files again, after rotation"),
            (whole(Whole::FlushConsole), "flush PM2's log", "Empty pm2.log"),
            (whole(Whole::Save), "save", "Save the list that comes back at boot"),
            (whole(Whole::Resurrect), "resurrect", "Start saved processes that are missing"),
            (whole(Whole::Kill), "kill the daemon", "End it and all its processes"),
        ]
        .into_iter()
        .map(entry)
        .collect()
    }
}

/// The command that does the same: its key and its sentence are the menu's too.
fn row_of(item: &Item) -> Option<&'static CommandRow> {
    let command = match item {
        Item::Do(What::Act(action)) => Command::Act(*action),
        Item::Message => Command::Compose,
        _ => return None,
    };
    COMMANDS.iter().find(|row| row.command == command)
}

/// What is known of those that the menu is about.
struct Whom<'a> {
    processes: Vec<&'a Process>,
    daemon: Option<&'a Daemon>,
    is_live: bool,
    /// The first of them; shown where none is there any more.
    gone: Option<String>,
    /// Whether all are of one app.
    is_one_app: bool,
}

impl<'a> Whom<'a> {
    fn of(watched: &'a Watched, menu: &'a Menu) -> Self {
        let targets = &menu.marked.targets;
        let processes = targets.iter().filter_map(|(daemon, target)| {
            watched.fleet.get(target.key(*daemon)).filter(|process| target.is(&process.info))
        });
        let is_live = watched.is_live(menu.daemon)
            && targets.iter().all(|(daemon, _)| watched.is_live(*daemon));
        Self {
            processes: processes.collect(),
            daemon: watched.daemon(menu.daemon),
            is_live,
            gone: targets.first().map(|(_, target)| target.label()),
            is_one_app: menu.marked.is_one_app(),
        }
    }

    /// What it means, and how the saved list stands where it is about that.
    fn about(&self, item: &Item, about: &'static str) -> Cow<'static, str> {
        let is_save = matches!(item, Item::Do(What::Whole(Whole::Save, _)));
        let saved = self.daemon.and_then(|daemon| daemon.saved.as_ref()).filter(|_| is_save);
        let Some(saved) = saved else { return Cow::Borrowed(about) };
        let now = match saved {
            SavedList::Missing { .. } => "none yet".to_owned(),
            // Short enough for 80 columns.
            saved => saved.short_words().unwrap_or_else(|| "no change".to_owned()),
        };
        Cow::Owned(format!("{about}: {now}"))
    }

    fn all(&self, is_so: impl Fn(&Process) -> bool) -> bool {
        self.processes.iter().all(|process| is_so(process))
    }

    /// Why it cannot be done; `None` where it can.
    fn refusal(&self, item: &Item, is_read_only: bool) -> Option<String> {
        if is_read_only {
            return Some("this is --read-only".to_owned());
        }
        if !self.is_live {
            return Some("the daemon is not connected".to_owned());
        }
        let is_about_all = matches!(item, Item::Do(What::Whole(..)) | Item::FlushAll);
        if !is_about_all && self.processes.is_empty() {
            let gone = self.gone.as_ref().map(|label| format!("{label} is gone"));
            return Some(gone.unwrap_or_else(|| "no process is selected".to_owned()));
        }
        if let Some(method) = method(item)
            && let Some(methods) = self.daemon.and_then(|daemon| daemon.methods.as_ref())
            && !methods.has(method)
        {
            return Some(format!("this release of PM2 has no {method}"));
        }
        self.state(item).map(ToOwned::to_owned)
    }

    /// Why it makes no sense as things are.
    fn state(&self, item: &Item) -> Option<&'static str> {
        let is_stopped = |process: &Process| process.info.status == ProcessStatus::Stopped;
        let is_idle = |process: &Process| !process.is_running();
        let if_so = |is_so: bool, why| is_so.then_some(why);
        match item {
            Item::Do(What::Act(Action::Start)) => {
                if_so(self.all(Process::is_online), "online already")
            }
            Item::Do(What::Act(Action::Stop)) => if_so(self.all(is_stopped), "stopped already"),
            Item::Scale => if_so(!self.is_one_app, "several apps: one at a time"),
            Item::Signal | Item::Line | Item::Message => {
                if_so(self.all(is_idle), "it does not run")
            }
            Item::Trigger => {
                let declares = |process: &Process| !process.info.setup.actions.is_empty();
                if_so(!self.processes.iter().any(|it| declares(it)), "it declares no action")
            }
            Item::Do(What::Errand(Errand::Watch(is_on))) => {
                let same = self.all(|process| process.info.setup.is_watching == *is_on);
                if_so(same, if *is_on { "watched already" } else { "not watched" })
            }
            Item::Do(What::Whole(Whole::Resurrect, _)) => {
                let saved = self.daemon.and_then(|daemon| daemon.saved.as_ref());
                let is_none = matches!(saved, Some(SavedList::Missing { has_backup: false }));
                if_so(is_none, "nothing is saved: save writes dump.pm2")
            }
            Item::Do(_) | Item::FlushAll => None,
        }
    }
}

/// The daemon's method that it needs.
fn method(item: &Item) -> Option<&'static str> {
    Some(match item {
        Item::Do(What::Act(Action::Start)) => "startProcessId",
        Item::Do(What::Act(Action::Restart)) => "restartProcessId",
        Item::Do(What::Act(Action::Reload)) => "reloadProcessId",
        Item::Do(What::Act(Action::Stop)) => "stopProcessId",
        Item::Do(What::Act(Action::Delete)) => "deleteProcessId",
        Item::Do(What::Errand(Errand::Reset)) => "resetMetaProcessId",
        Item::Do(What::Errand(Errand::Watch(true))) => "startWatch",
        Item::Do(What::Errand(Errand::Watch(false))) => "stopWatch",
        Item::Do(What::Whole(Whole::ReloadLogs, _)) => "reloadLogs",
        Item::Do(What::Whole(Whole::Resurrect, _)) => "prepare",
        Item::Do(What::Whole(Whole::Kill, _)) => "killMe",
        Item::Scale => "duplicateProcessId",
        Item::Signal => "sendSignalToProcessId",
        Item::Line => "sendLineToStdin",
        Item::Message | Item::Trigger => "msgProcess",
        Item::Do(_) | Item::FlushAll => return None,
    })
}
