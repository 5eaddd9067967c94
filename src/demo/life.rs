//! What PM2 does to a process, step for step as `lib/God.js`, `lib/God/ActionMethods.js` and
//! `lib/God/Reload.js` of 7.0.4 do it, and with the same words on God's console.
//!
//! Invariant: the order of events on the bus is PM2's (docs/pm2.md section 5): a stop is two exits, a
//! restart exit, exit, online, a crash one exit and an online.

use serde_json::{Value as Json, json};

use super::proc::{Proc, Slot, Status};
use super::wire;
use super::world::{AfterStop, Launched, Task, Ticket, World};

/// PM2's `kill_timeout`.
const KILL_TIMEOUT_MS: i64 = 1600;
/// PM2's `kill_retry_time`: how often it looks whether a killed process is gone.
const KILL_RETRY_MS: i64 = 100;
/// `min_uptime` and `max_restarts`: what makes a restart unstable, and how many are too many.
const MIN_UPTIME_MS: i64 = 1000;
const MAX_RESTARTS: u32 = 16;
/// PM2's worker (`WORKER_INTERVAL`).
const WORKER_MS: i64 = 30_000;
/// Measured on 7.0.4: spawn to `online`, and a listening cluster worker.
const FORK_UP_MS: i64 = 14;
const CLUSTER_UP_MS: i64 = 55;
const LISTEN_MS: i64 = 250;
const REPORT_MS: i64 = 210;

impl World {
    pub(super) fn happen(&mut self, task: Task, at_ms: i64) {
        match task {
            Task::Sample => self.sample(at_ms),
            Task::Worker => self.check_memory(at_ms),
            Task::Act { pm_id, pid } => self.act(pm_id, pid, at_ms),
            Task::Mishap { pm_id, pid } => self.mishap(pm_id, pid, at_ms),
            Task::Online { pm_id, pid, reply } => self.came_online(pm_id, pid, reply, at_ms),
            Task::Report { pm_id, pid } => {
                if let Some(proc) = self.living(pm_id, pid) {
                    proc.is_reporting = true;
                    proc.has_options = true;
                    proc.has_node_version = true;
                }
            }
            Task::Exited { slot, pid, signal } => {
                if self.proc(slot).is_some_and(|proc| proc.pid == pid && proc.is_alive) {
                    self.handle_exit(slot, 0, signal, at_ms);
                }
            }
            Task::Gone { slot, pid, then } => self.found_gone(slot, pid, then, at_ms),
            Task::Relaunch { pm_id, number } => {
                let planned = self.procs.get_mut(&pm_id);
                if let Some(proc) = planned.filter(|proc| proc.restart_task == Some(number)) {
                    proc.restart_task = None;
                    proc.restart_time += 1;
                    self.launch(pm_id, None, at_ms);
                }
            }
            Task::Listening { pm_id, is_soft, ticket } => {
                let kind = if is_soft { "softReload" } else { "reload" };
                self.console(&format!("-{kind}- New worker listening\n"), at_ms);
                let old = Slot { pm_id, is_old: true };
                self.stop(old, AfterStop::Forget(ticket), at_ms);
            }
        }
    }

    /// `God.executeApp`.
    pub(super) fn launch(&mut self, pm_id: u32, reply: Option<Launched>, at_ms: i64) {
        let pid = self.new_pid();
        let Some(proc) = self.procs.get_mut(&pm_id) else {
            return;
        };
        proc.status = Status::Launching;
        proc.pid = pid;
        proc.is_alive = true;
        proc.pm_uptime = at_ms;
        proc.created_at.get_or_insert(at_ms);
        proc.is_reporting = false;
        proc.has_options = false;
        proc.restart_task = None;
        let (mode, takes_ms) =
            if proc.is_cluster { ("cluster", CLUSTER_UP_MS) } else { ("fork", FORK_UP_MS) };
        let line = format!("App [{}] starting in -{mode} mode-\n", proc.label());
        self.console(&line, at_ms);
        self.plan(at_ms + takes_ms, Task::Online { pm_id, pid, reply });
    }

    fn came_online(&mut self, pm_id: u32, pid: u32, reply: Option<Launched>, at_ms: i64) {
        if self.living(pm_id, pid).is_none() {
            if let Some(reply) = reply {
                self.reply(reply.ticket, wire::error("the process ended before it was up"));
            }
            return;
        }
        self.notify("online", Slot::live(pm_id), false, at_ms);
        if let Some(proc) = self.living(pm_id, pid) {
            proc.status = Status::Online;
            let line = format!("App [{}] online\n", proc.label());
            self.console(&line, at_ms);
        }
        if let Some(reply) = reply {
            if reply.is_duplicate {
                self.notify("start", Slot::live(pm_id), true, at_ms);
            }
            let dump = self.procs.get(&pm_id);
            let dump = dump.map_or(Json::Null, |proc| wire::child_dump(proc, &self.home));
            self.reply(reply.ticket, wire::success(dump));
        }
        self.plan(at_ms + REPORT_MS, Task::Report { pm_id, pid });
        self.begin(pm_id, pid, at_ms);
    }

    /// `God.handleExit`.
    pub(super) fn handle_exit(&mut self, slot: Slot, code: i64, signal: &str, at_ms: i64) {
        let Some(proc) = self.proc_mut(slot) else {
            return;
        };
        let label = proc.label();
        let is_stopping =
            matches!(proc.status, Status::Stopping | Status::Stopped | Status::Errored);
        proc.is_alive = false;
        proc.is_reporting = false;
        proc.cpu_percent = 0.0;
        if is_stopping {
            proc.pid = 0;
        }
        if !matches!(proc.status, Status::Errored | Status::Stopping) {
            proc.status = Status::Stopped;
        }
        let since = |from: i64| at_ms - from;
        let is_young = proc
            .created_at
            .is_some_and(|created| since(created) < MIN_UPTIME_MS * i64::from(MAX_RESTARTS));
        if is_young && since(proc.pm_uptime) < MIN_UPTIME_MS {
            proc.unstable_restarts += 1;
        }
        let is_over = proc.unstable_restarts >= MAX_RESTARTS;
        let name = proc.name.clone();
        if proc.is_cluster {
            let id = slot.id_text();
            self.console(&format!("App name:{name} id:{id} disconnected\n"), at_ms);
        }
        self.console(
            &format!("App [{label}] exited with code [{code}] via signal [{signal}]\n"),
            at_ms,
        );
        if is_over {
            self.give_up(slot, &name, at_ms);
        }
        if let Some(proc) = self.proc_mut(slot) {
            proc.exit_code = Some(code);
        }
        self.notify("exit", slot, false, at_ms);
        if self.is_being_killed {
            return;
        }
        let delay = self.proc_mut(slot).and_then(|proc| {
            let delay = proc.restart_delay?;
            proc.status = Status::WaitingRestart;
            Some(delay)
        });
        if !is_stopping && !is_over && !slot.is_old {
            let pm_id = slot.pm_id;
            let number = self.number();
            if let Some(proc) = self.proc_mut(slot) {
                proc.restart_task = Some(number);
            }
            let due_ms = at_ms + delay.unwrap_or(0);
            self.plan(due_ms, Task::Relaunch { pm_id, number });
        }
    }

    /// Too many unstable restarts: `restart overlimit`, then the ordinary `exit`.
    fn give_up(&mut self, slot: Slot, name: &str, at_ms: i64) {
        let Some(proc) = self.proc_mut(slot) else {
            return;
        };
        proc.status = Status::Errored;
        proc.pid = 0;
        let restarts = proc.unstable_restarts;
        self.console(
            &format!(
                "Script {} had too many unstable restarts ({restarts}). Stopped. \"errored\"\n",
                wire::script_path(name)
            ),
            at_ms,
        );
        self.notify("restart overlimit", slot, false, at_ms);
        if let Some(proc) = self.proc_mut(slot) {
            proc.unstable_restarts = 0;
            proc.created_at = None;
        }
    }

    /// `God.stopProcessId`.
    pub(super) fn stop(&mut self, slot: Slot, then: AfterStop, at_ms: i64) {
        let Some(proc) = self.proc_mut(slot) else {
            self.stopped(slot, then, json!({}), at_ms);
            return;
        };
        proc.restart_task = None;
        if proc.status == Status::Stopped {
            proc.pid = 0;
            let formatted = self.formatted(slot);
            self.stopped(slot, then, formatted, at_ms);
            return;
        }
        let (name, pid, id) = (proc.name.clone(), proc.pid, slot.id_text());
        let (is_alive, takes_ms) = (proc.is_alive, proc.shutdown_ms);
        proc.status = Status::Stopping;
        if pid == 0 {
            proc.status = Status::Stopped;
        } else {
            proc.tree_pids = Some(pid);
        }
        self.console(&format!("Stopping app:{name} id:{id}\n"), at_ms);
        if pid == 0 {
            self.console(&format!("app={name} id={id} does not have a pid\n"), at_ms);
            let failed = json!({ "error": true, "message": "could not kill process w/o pid" });
            self.stopped(slot, then, failed, at_ms);
            return;
        }
        let mut gone_ms = at_ms;
        if is_alive {
            let signal = if takes_ms < KILL_TIMEOUT_MS { "SIGINT" } else { "SIGKILL" };
            gone_ms += takes_ms.min(KILL_TIMEOUT_MS + 8);
            self.plan(gone_ms, Task::Exited { slot, pid, signal });
        }
        // The first look at or after the exit, counted from the signal.
        let looks = (gone_ms - at_ms) / KILL_RETRY_MS + 1;
        let seen_ms = at_ms + looks * KILL_RETRY_MS;
        self.plan(seen_ms, Task::Gone { slot, pid, then });
    }

    /// PM2's look found the whole process tree gone.
    pub(super) fn found_gone(&mut self, slot: Slot, pid: u32, then: AfterStop, at_ms: i64) {
        self.console(&format!("pid={pid} msg=process tree killed (1 pids)\n"), at_ms);
        if let Some(proc) = self.proc_mut(slot).filter(|proc| !proc.is_alive) {
            proc.status = Status::Stopped;
            self.notify("exit", slot, false, at_ms);
            if let Some(proc) = self.proc_mut(slot) {
                proc.pid = 0;
            }
        }
        let formatted = self.formatted(slot);
        self.stopped(slot, then, formatted, at_ms);
    }

    fn stopped(&mut self, slot: Slot, then: AfterStop, formatted: Json, at_ms: i64) {
        match then {
            AfterStop::Reply(ticket) => self.reply(ticket, wire::success(formatted)),
            AfterStop::Start(ticket) => {
                if let Some(proc) = self.proc_mut(slot) {
                    proc.restart_time += 1;
                }
                self.start(slot.pm_id, ticket, at_ms);
            }
            AfterStop::Forget(ticket) => {
                if slot.is_old {
                    self.olds.remove(&slot.pm_id);
                } else {
                    self.procs.remove(&slot.pm_id);
                }
                if self.procs.is_empty() && self.olds.is_empty() {
                    self.next_pm_id = 0;
                }
                if let Some(ticket) = ticket {
                    self.reply(ticket, wire::success(formatted));
                }
            }
        }
    }

    fn formatted(&self, slot: Slot) -> Json {
        let proc = self.proc(slot);
        proc.map_or_else(|| json!({}), |proc| wire::formatted(proc, &self.home))
    }

    /// `God.startProcessId`; without a ticket nobody waits for the answer.
    pub(super) fn start(&mut self, pm_id: u32, ticket: Option<Ticket>, at_ms: i64) {
        let refusal = match self.procs.get(&pm_id) {
            None => Some(format!("{pm_id} id unknown")),
            Some(proc) => match (proc.status, proc.pid) {
                (Status::Online, _) => Some("process already online".to_owned()),
                (Status::Launching, _) => Some("process already started".to_owned()),
                (_, 0) => None,
                (_, pid) => Some(format!("Process with pid {pid} already exists")),
            },
        };
        match (refusal, ticket) {
            (Some(refusal), Some(ticket)) => self.reply(ticket, wire::error(&refusal)),
            (Some(_), None) => {}
            (None, ticket) => {
                let reply = ticket.map(|ticket| Launched { ticket, is_duplicate: false });
                self.launch(pm_id, reply, at_ms);
            }
        }
    }

    /// `God.restartProcessId` for a process that is there.
    pub(super) fn restart(&mut self, pm_id: u32, ticket: Option<Ticket>, at_ms: i64) {
        let Some(proc) = self.procs.get_mut(&pm_id) else {
            return;
        };
        reset_state(proc, at_ms);
        if matches!(proc.status, Status::Online | Status::Launching) {
            self.stop(Slot::live(pm_id), AfterStop::Start(ticket), at_ms);
        } else {
            self.start(pm_id, ticket, at_ms);
        }
    }

    /// `God.reloadProcessId` and `God.softReloadProcessId` for a process that is there.
    pub(super) fn reload(&mut self, pm_id: u32, is_soft: bool, ticket: Option<Ticket>, at_ms: i64) {
        let is_hot = |proc: &Proc| proc.is_cluster && proc.status == Status::Online;
        if !self.procs.get(&pm_id).is_some_and(is_hot) {
            let line = format!("Process {pm_id} in a stopped status, starting it\n");
            self.console(&line, at_ms);
            self.restart(pm_id, ticket, at_ms);
            return;
        }
        let Some(mut old) = self.procs.remove(&pm_id) else {
            return;
        };
        let mut new = old.clone();
        new.restart_time += 1;
        reset_state(&mut new, at_ms);
        old.is_old = true;
        self.olds.insert(pm_id, old);
        self.procs.insert(pm_id, new);
        self.launch(pm_id, None, at_ms);
        let listening = Task::Listening { pm_id, is_soft, ticket };
        self.plan(at_ms + LISTEN_MS, listening);
    }

    /// PM2's worker: restarts what uses more memory than `max_memory_restart`.
    fn check_memory(&mut self, at_ms: i64) {
        self.plan(at_ms + WORKER_MS, Task::Worker);
        let over = self.procs.values().filter(|proc| proc.is_measured());
        let over: Vec<(u32, u64, u64)> = over
            .filter_map(|proc| Some((proc.pm_id, proc.memory_bytes, proc.max_memory_restart?)))
            .filter(|(_, memory, limit)| memory > limit)
            .collect();
        for (pm_id, memory, limit) in over {
            let line = format!(
                "[PM2][WORKER] Process {pm_id} restarted because it exceeds --max-memory-restart \
                 value (current_memory={memory} max_memory_limit={limit} [octets])\n"
            );
            self.console(&line, at_ms);
            self.reload(pm_id, false, None, at_ms);
        }
    }
}

/// `God.resetState`.
fn reset_state(proc: &mut Proc, at_ms: i64) {
    proc.created_at = Some(at_ms);
    proc.unstable_restarts = 0;
    proc.prev_restart_delay = Some(0);
}
