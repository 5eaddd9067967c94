//! The simulated machine: processes, what is going to happen to them, and when.
//!
//! Invariant: a world is pure. It knows no socket and no clock; time comes in with
//! [`World::step`] and [`World::call`], and the same calls at the same times give the same answers.
//! What PM2 does to a process is in `life`, what the processes do themselves in `lively`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use super::dice::Dice;
use super::proc::{Proc, Slot};
use super::wire;

/// The longest time that a world catches up in one step, in milliseconds: after a machine was
/// suspended for a night the agenda is shifted instead of lived through.
const CATCH_UP_MS_MAX: i64 = 60_000;

/// What a world wants sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Published {
    /// A bus message for every subscriber.
    Bus {
        /// The topic.
        topic: &'static str,
        /// The payload.
        payload: Json,
    },
    /// The late reply to the call that [`Answer::Later`] named.
    Reply {
        /// Names the call.
        ticket: Ticket,
        /// The whole reply envelope.
        body: Json,
    },
}

/// Names a call whose reply comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub(super) u64);

/// What a call led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The whole reply envelope, at once.
    Now(Json),
    /// The reply comes out of a later [`World::step`] as [`Published::Reply`].
    Later(Ticket),
    /// PM2 never answers this (`notifyKillPM2`).
    Never,
    /// The daemon ends itself in an orderly way (`killMe`): no reply, the sockets go.
    Ends,
    /// The call would have killed a real God: it is dead now.
    Dies,
}

/// Something that is going to happen. Those with a pid are void once the process has another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    /// Every second: what the processes use.
    Sample,
    /// Every 30 seconds: PM2's own worker, which looks at memory limits.
    Worker,
    /// The process does its next thing.
    Act { pm_id: u32, pid: u32 },
    /// The process meets what it does not survive.
    Mishap { pm_id: u32, pid: u32 },
    /// The process has come up.
    Online { pm_id: u32, pid: u32, reply: Option<Launched> },
    /// The process has reported what it can do.
    Report { pm_id: u32, pid: u32 },
    /// The process ended after a signal.
    Exited { slot: Slot, pid: u32, signal: &'static str },
    /// PM2's look every 100 ms found the process gone.
    Gone { slot: Slot, pid: u32, then: AfterStop },
    /// A restart that PM2 planned after an exit.
    Relaunch { pm_id: u32, number: u64 },
    /// The new worker of a reload listens.
    Listening { pm_id: u32, is_soft: bool, ticket: Option<Ticket> },
}

/// Whom to answer when a process came up, and what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launched {
    pub(super) ticket: Ticket,
    /// A duplicate is announced as `start`.
    pub(super) is_duplicate: bool,
}

/// What a stop was for.
#[derive(Debug, Clone, Copy)]
pub(super) enum AfterStop {
    /// Only to stop.
    Reply(Ticket),
    /// To start again; PM2's own worker waits for no reply.
    Start(Option<Ticket>),
    /// To forget it.
    Forget(Option<Ticket>),
}

/// The processes and what they do. See the module.
#[derive(Debug)]
pub struct World {
    pub(super) home: Box<str>,
    pub(super) version: Box<str>,
    pub(super) methods: BTreeMap<Box<str>, Vec<Box<str>>>,
    pub(super) procs: BTreeMap<u32, Proc>,
    pub(super) olds: BTreeMap<u32, Proc>,
    pub(super) next_pm_id: u32,
    pub(super) started_ms: i64,
    pub(super) is_being_killed: bool,
    pub(super) dice: Dice,
    agenda: BTreeMap<(i64, u64), Task>,
    sequence: u64,
    next_pid: u32,
    next_ticket: u64,
    outbox: Vec<Published>,
    stepped_ms: Option<i64>,
}

impl World {
    /// No process at all.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            home: "/home/deploy/.pm2".into(),
            version: wire::VERSION.into(),
            methods: wire::methods(),
            procs: BTreeMap::new(),
            olds: BTreeMap::new(),
            next_pm_id: 0,
            started_ms: 0,
            is_being_killed: false,
            dice: Dice::new(0x5eed_0f90),
            agenda: BTreeMap::new(),
            sequence: 0,
            next_pid: 0,
            next_ticket: 0,
            outbox: Vec::new(),
            stepped_ms: None,
        }
    }

    /// So many idle processes, `app-0` and on: no logs, no events, nothing changes.
    #[must_use]
    pub fn quiet(processes: usize, now_ms: i64) -> Self {
        let mut world = Self::empty();
        world.started_ms = now_ms - 86_400_000;
        for pm_id in 0..processes as u32 {
            world.add(Proc::new(pm_id, &format!("app-{pm_id}"), now_ms));
        }
        world
    }

    /// Takes ids from another number on, so that a daemon that comes back has other ones.
    #[must_use]
    pub fn renumbered(mut self, by: u32) -> Self {
        let old = std::mem::take(&mut self.procs);
        for (_, mut proc) in old {
            proc.pm_id += by;
            self.procs.insert(proc.pm_id, proc);
        }
        self.next_pm_id += by;
        self
    }

    /// Says another version and does as little else differently as `methods` allows.
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        self.version = version.into();
        self
    }

    /// Lists a method with these parameters, the callback last (`["id", "cb"]`).
    #[must_use]
    pub fn with_method(mut self, method: &str, params: &[&str]) -> Self {
        self.set_method(method, Some(params));
        self
    }

    /// Does not know a method.
    #[must_use]
    pub fn without_method(mut self, method: &str) -> Self {
        self.set_method(method, None);
        self
    }

    /// Sets or removes a method while the world lives.
    pub fn set_method(&mut self, method: &str, params: Option<&[&str]>) {
        match params {
            Some(params) => {
                let params = params.iter().map(|param| (*param).into()).collect();
                self.methods.insert(method.into(), params);
            }
            None => {
                self.methods.remove(method);
            }
        }
    }

    /// Tells the world which `PM2_HOME` its paths name.
    pub fn set_home(&mut self, home: &Path) {
        self.home = home.display().to_string().into();
    }

    /// The ids of its processes, ascending.
    pub fn pm_ids(&self) -> impl Iterator<Item = u32> {
        self.procs.keys().copied()
    }

    pub(super) fn add(&mut self, proc: Proc) {
        self.next_pm_id = self.next_pm_id.max(proc.pm_id + 1);
        self.next_pid = self.next_pid.max(proc.pid + 1);
        self.procs.insert(proc.pm_id, proc);
    }

    /// Lives up to a time (milliseconds since 1970) and hands out what was published and answered
    /// since the last step, in order.
    pub fn step(&mut self, now_ms: i64) -> Vec<Published> {
        let behind = now_ms - self.stepped_ms.unwrap_or(now_ms);
        if behind > CATCH_UP_MS_MAX {
            let agenda = std::mem::take(&mut self.agenda);
            let shift = |((at, number), task): ((i64, u64), Task)| ((at + behind, number), task);
            self.agenda = agenda.into_iter().map(shift).collect();
        }
        self.stepped_ms = Some(now_ms);
        while let Some(entry) = self.agenda.first_entry() {
            let at_ms = entry.key().0;
            if at_ms > now_ms {
                break;
            }
            let task = entry.remove();
            self.happen(task, at_ms);
        }
        std::mem::take(&mut self.outbox)
    }

    /// When the next thing happens; `None` while nothing is planned.
    #[must_use]
    pub fn next_ms(&self) -> Option<i64> {
        self.agenda.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }

    /// Plans a task; those of one time happen in the order in which they were planned.
    pub(super) fn plan(&mut self, at_ms: i64, task: Task) {
        let number = self.number();
        self.agenda.insert((at_ms, number), task);
    }

    /// A number that no plan had yet.
    pub(super) fn number(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    pub(super) fn new_pid(&mut self) -> u32 {
        self.next_pid += 1 + self.dice.below(40) as u32;
        self.next_pid
    }

    pub(super) fn proc(&self, slot: Slot) -> Option<&Proc> {
        let table = if slot.is_old { &self.olds } else { &self.procs };
        table.get(&slot.pm_id)
    }

    pub(super) fn proc_mut(&mut self, slot: Slot) -> Option<&mut Proc> {
        let table = if slot.is_old { &mut self.olds } else { &mut self.procs };
        table.get_mut(&slot.pm_id)
    }

    /// The process, if it still lives the life with this pid.
    pub(super) fn living(&mut self, pm_id: u32, pid: u32) -> Option<&mut Proc> {
        self.procs.get_mut(&pm_id).filter(|proc| proc.pid == pid && proc.is_alive)
    }

    pub(super) fn publish(&mut self, topic: &'static str, payload: Json) {
        self.outbox.push(Published::Bus { topic, payload });
    }

    pub(super) fn reply(&mut self, ticket: Ticket, body: Json) {
        self.outbox.push(Published::Reply { ticket, body });
    }

    /// `process:event`.
    pub(super) fn notify(&mut self, event: &str, slot: Slot, manually: bool, at_ms: i64) {
        let Some(proc) = self.proc(slot) else {
            return;
        };
        let payload = wire::process_event(proc, &self.home, event, manually, at_ms);
        self.publish("process:event", payload);
    }

    /// `log:PM2`: a line on God's own console.
    pub(super) fn console(&mut self, line: &str, at_ms: i64) {
        self.publish("log:PM2", wire::daemon_log(line, at_ms));
    }

    /// `log:out`: a chunk, as it is.
    pub(super) fn out(&mut self, slot: Slot, data: &str, at_ms: i64) {
        if let Some(payload) = self.proc(slot).map(|proc| wire::log(proc, data, at_ms)) {
            self.publish("log:out", payload);
        }
    }

    /// `log:err`: a chunk, as it is.
    pub(super) fn err(&mut self, slot: Slot, data: &str, at_ms: i64) {
        if let Some(payload) = self.proc(slot).map(|proc| wire::log(proc, data, at_ms)) {
            self.publish("log:err", payload);
        }
    }
}
