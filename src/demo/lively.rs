//! The dozen processes of `pm2-tui demo`: a small shop's production machine, and what each of its
//! processes does by itself.
//!
//! Invariant: everything is drawn from one dice with a fixed seed, so that the same demo shows the
//! same things at the same times.

use serde_json::json;

use super::dice::Dice;
use super::proc::{Behaviour, Proc, Slot, Status};
use super::wire;
use super::world::{Task, World};

const MIB: u64 = 1024 * 1024;
/// What the leaking process may use.
const LEAK_LIMIT_BYTES: u64 = 300 * MIB;
/// What it leaks: from its base over the limit in about 80 seconds.
const LEAK_BYTES_PER_S: u64 = 3 * MIB + MIB / 2;

impl Behaviour {
    /// The pause between two lines: at least, and how much more at most, in milliseconds.
    fn pause_ms(self) -> Option<(i64, u64)> {
        match self {
            Self::Idle | Self::Legacy => None,
            Self::Api => Some((900, 2600)),
            Self::Worker => Some((900, 2400)),
            Self::Mailer => Some((2500, 5000)),
            Self::Cron => Some((3000, 2000)),
            Self::Thumbs => Some((1500, 2500)),
            Self::Gateway | Self::Search => Some((1600, 2800)),
            Self::Billing => Some((1400, 3000)),
        }
    }

    /// The time until its next mishap: at least, and how much more at most, in milliseconds.
    fn mishap_ms(self) -> Option<(i64, u64)> {
        match self {
            Self::Legacy => Some((190, 120)),
            Self::Mailer => Some((24_000, 30_000)),
            Self::Billing => Some((35_000, 40_000)),
            _ => None,
        }
    }
}

impl World {
    /// The demo's dozen.
    #[must_use]
    pub fn lively(now_ms: i64) -> Self {
        let mut world = Self::empty();
        let days = |days: f64| now_ms - (days * 86_400_000.0) as i64;
        world.started_ms = days(21.3);
        for instance in 0..4 {
            let mut api = member(instance, "api", "shop", Behaviour::Api, 96, days(6.2));
            api.is_cluster = true;
            api.instances = 4;
            api.instance = instance;
            api.version = "4.12.1".into();
            api.unique_id = "6f1b7c1e-2d39-4d0b-8a77-5f0f2f1f9a10".into();
            api.restart_time = 3;
            world.add(api);
        }
        world.add(member(4, "worker", "jobs", Behaviour::Worker, 142, days(6.2)));
        let mut mailer = member(5, "mailer", "jobs", Behaviour::Mailer, 61, days(0.02));
        mailer.restart_delay = Some(5000);
        mailer.restart_time = 41;
        world.add(mailer);
        let mut cron = member(6, "cron-sync", "jobs", Behaviour::Cron, 44, days(1.4));
        cron.status = Status::Stopped;
        cron.pid = 0;
        cron.is_alive = false;
        cron.is_reporting = false;
        cron.exit_code = Some(0);
        world.add(cron);
        let mut thumbs = member(7, "thumbs", "media", Behaviour::Thumbs, 60, days(0.0001));
        thumbs.max_memory_restart = Some(LEAK_LIMIT_BYTES);
        thumbs.restart_time = 212;
        world.add(thumbs);
        let mut gateway = member(8, "ws-gateway", "shop", Behaviour::Gateway, 118, days(12.9));
        gateway.shutdown_ms = 5000;
        gateway.version = "2.3.0".into();
        world.add(gateway);
        let mut billing = member(9, "billing", "shop", Behaviour::Billing, 88, days(2.1));
        billing.version = "1.9.4".into();
        billing.restart_time = 7;
        world.add(billing);
        world.add(member(10, "search", "shop", Behaviour::Search, 231, days(12.9)));
        let mut legacy = member(11, "legacy", "default", Behaviour::Legacy, 38, now_ms);
        legacy.version = "0.8.2".into();
        world.add(legacy);
        let alive: Vec<(u32, u32)> = world
            .procs
            .values()
            .filter(|proc| proc.is_alive)
            .map(|proc| (proc.pm_id, proc.pid))
            .collect();
        for (pm_id, pid) in alive {
            world.begin(pm_id, pid, now_ms);
        }
        world.plan(now_ms, Task::Sample);
        world.plan(now_ms + 30_000, Task::Worker);
        world
    }

    /// A process came up: its own plans.
    pub(super) fn begin(&mut self, pm_id: u32, pid: u32, at_ms: i64) {
        let Some(proc) = self.living(pm_id, pid) else {
            return;
        };
        let behaviour = proc.behaviour;
        if behaviour == Behaviour::Thumbs && proc.pm_uptime > at_ms - 2000 {
            proc.memory_bytes = 60 * MIB;
        }
        if let Some((least, more)) = behaviour.pause_ms() {
            let first = 300 + self.dice.below(least.unsigned_abs() + more) as i64;
            self.plan(at_ms + first, Task::Act { pm_id, pid });
        }
        if let Some((least, more)) = behaviour.mishap_ms() {
            let due = least + self.dice.below(more) as i64;
            self.plan(at_ms + due, Task::Mishap { pm_id, pid });
        }
    }

    /// A process does its next thing: it writes a line.
    pub(super) fn act(&mut self, pm_id: u32, pid: u32, at_ms: i64) {
        let Some(proc) = self.living(pm_id, pid) else {
            return;
        };
        proc.acts += 1;
        let (behaviour, acts, memory) = (proc.behaviour, proc.acts, proc.memory_bytes);
        let Some((least, more)) = behaviour.pause_ms() else {
            return;
        };
        let line = line(behaviour, acts, memory, at_ms, &mut self.dice);
        if line.is_error {
            self.err(Slot::live(pm_id), &line.text, at_ms);
        } else {
            self.out(Slot::live(pm_id), &line.text, at_ms);
        }
        let pause = least + self.dice.below(more) as i64;
        self.plan(at_ms + pause, Task::Act { pm_id, pid });
    }

    /// A process meets what it does not survive: stack on `log:err`, exception, exit.
    pub(super) fn mishap(&mut self, pm_id: u32, pid: u32, at_ms: i64) {
        let Some(proc) = self.living(pm_id, pid) else {
            return;
        };
        let path = wire::script_path(&proc.name);
        let (kind, message, place) = match proc.behaviour {
            Behaviour::Mailer => (
                "Error",
                "connect ECONNREFUSED 10.0.4.17:587",
                "TCPConnectWrap.afterConnect [as oncomplete]",
            ),
            Behaviour::Billing => (
                "TypeError",
                "Cannot read properties of undefined (reading 'lines')",
                "Invoice.total",
            ),
            _ => (
                "Error",
                "Cannot find module './config/production.json'",
                "Module._resolveFilename",
            ),
        };
        let stack = format!(
            "{kind}: {message}\n    at {place} ({path}:42:17)\n    at {path}:118:9\n    \
             at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"
        );
        let payload = wire::exception(proc, kind, message, &stack, at_ms);
        let slot = proc.slot();
        self.err(slot, &format!("{stack}\n"), at_ms);
        self.publish("process:exception", payload);
        self.handle_exit(slot, 1, "SIGINT", at_ms);
    }

    /// Once a second: what every process uses now.
    pub(super) fn sample(&mut self, at_ms: i64) {
        self.plan(at_ms + 1000, Task::Sample);
        let dice = &mut self.dice;
        for proc in self.procs.values_mut().filter(|proc| proc.is_alive) {
            use_resources(proc, at_ms, dice);
        }
    }
}

fn member(
    pm_id: u32,
    name: &str,
    namespace: &str,
    behaviour: Behaviour,
    mib: u64,
    online_since_ms: i64,
) -> Proc {
    let mut proc = Proc::new(pm_id, name, online_since_ms);
    proc.namespace = namespace.into();
    proc.behaviour = behaviour;
    proc.memory_bytes = mib * MIB;
    proc.pm_uptime = online_since_ms;
    proc.created_at = Some(online_since_ms);
    proc.pid = 18_204 + pm_id * 37;
    proc
}

/// A wave between 0 and 1 with a period in seconds, in the middle at phase 0. Nearly a sine, without
/// the library that has one.
fn wave(at_ms: i64, period_s: f64, phase: f64) -> f64 {
    let turns = (at_ms.rem_euclid(86_400_000)) as f64 / 1000.0 / period_s;
    let slope = 1.0 - (2.0 * (turns + phase + 0.25).rem_euclid(1.0) - 1.0).abs();
    slope * slope * (3.0 - 2.0 * slope)
}

fn use_resources(proc: &mut Proc, at_ms: i64, dice: &mut Dice) {
    let noise = dice.unit();
    let phase = f64::from(proc.instance) * 0.17;
    let cpu = match proc.behaviour {
        Behaviour::Idle => return,
        Behaviour::Api => 4.0 + 38.0 * wave(at_ms, 47.0, phase).powi(2) + 9.0 * noise,
        Behaviour::Worker => {
            let is_busy = wave(at_ms, 31.0, 0.0) > 0.55;
            if is_busy { 78.0 + 24.0 * noise } else { 1.0 + 2.0 * noise }
        }
        Behaviour::Mailer | Behaviour::Cron => 0.2 + 1.8 * noise * noise,
        Behaviour::Thumbs => 12.0 + 14.0 * noise,
        Behaviour::Gateway => 3.0 + 8.0 * wave(at_ms, 83.0, 0.4) + 2.0 * noise,
        Behaviour::Billing => 0.8 + 5.0 * noise * noise,
        Behaviour::Search => 2.0 + 18.0 * wave(at_ms, 23.0, 0.2).powi(4) + 3.0 * noise,
        Behaviour::Legacy => 30.0,
    };
    proc.cpu_percent = cpu;
    let base = proc.memory_bytes;
    proc.memory_bytes = match proc.behaviour {
        Behaviour::Thumbs => base + LEAK_BYTES_PER_S - dice.below(MIB),
        // Up and down around where it was: garbage comes and is collected.
        _ if dice.below(2) == 0 => base + dice.below(MIB / 2),
        _ => base.saturating_sub(dice.below(MIB / 2)).max(24 * MIB),
    };
}

/// A line, with its newline, and where it goes.
struct Line {
    text: String,
    is_error: bool,
}

fn out(text: String) -> Line {
    Line { text, is_error: false }
}

fn line(behaviour: Behaviour, acts: u64, memory: u64, at_ms: i64, dice: &mut Dice) -> Line {
    match behaviour {
        Behaviour::Api => api_line(dice),
        Behaviour::Worker => {
            let job = 48_000 + acts;
            let queue = dice.pick(&["orders", "stock", "invoices", "exports"]);
            out(match dice.below(3) {
                0 => format!("job {queue}#{job} started\n"),
                1 => format!("job {queue}#{job} done in {}ms\n", 80 + dice.below(900)),
                _ => format!("{queue}: {} waiting, {} active\n", dice.below(60), 1 + dice.below(4)),
            })
        }
        Behaviour::Mailer => {
            let kind = dice.pick(&["order-confirmation", "password-reset", "newsletter"]);
            let to = 1000 + dice.below(9000);
            out(format!("sent {kind} to customer {to} (250 2.0.0 Ok)\n"))
        }
        Behaviour::Cron => out(format!("sync: {} rows changed\n", dice.below(400))),
        Behaviour::Thumbs => {
            let (size, ms) = (dice.pick(&["160x160", "320x320", "800x600"]), 40 + dice.below(300));
            out(match dice.below(5) {
                0 => format!("cache holds {} MiB, nothing evicted\n", memory / MIB),
                _ => format!("resized img/{:06}.jpg to {size} in {ms}ms\n", dice.below(900_000)),
            })
        }
        Behaviour::Gateway => {
            let id = dice.below(0xffff);
            out(match dice.below(3) {
                0 => format!("socket {id:04x} closed: 1001 going away\n"),
                1 => format!("socket {id:04x} opened, room shop:{}\n", dice.below(40)),
                _ => format!("broadcast price-update to {} sockets\n", 120 + dice.below(160)),
            })
        }
        Behaviour::Billing => billing_line(acts, at_ms, dice),
        Behaviour::Search => search_line(dice),
        Behaviour::Idle | Behaviour::Legacy => out(String::new()),
    }
}

fn api_line(dice: &mut Dice) -> Line {
    let path = dice.pick(&["/v1/products", "/v1/cart", "/v1/orders", "/v1/search", "/health"]);
    let method = dice.pick(&["GET", "GET", "GET", "POST", "PATCH"]);
    let ms = 2 + dice.below(60);
    match dice.below(40) {
        0 => Line {
            text: format!("{method} {path} 500 {}ms upstream timed out\n", 3000 + ms),
            is_error: true,
        },
        1..4 => out(format!("{method} {path}/{} 404 {ms}ms\n", dice.below(99_999))),
        _ => out(format!("{method} {path}/{} 200 {ms}ms\n", dice.below(99_999))),
    }
}

fn billing_line(acts: u64, at_ms: i64, dice: &mut Dice) -> Line {
    let is_error = dice.below(14) == 0;
    let (level, message) = if is_error {
        ("error", "card declined")
    } else {
        ("info", dice.pick(&["invoice paid", "invoice created", "payout scheduled"]))
    };
    let text = json!({
        "level": level,
        "time": at_ms,
        "msg": message,
        "invoice": format!("inv_{:06}", 20_000 + acts),
        "amount": 490 + dice.below(20_000),
        "currency": "EUR",
        "reqId": format!("{:08x}", dice.below(u64::from(u32::MAX))),
    });
    Line { text: format!("{text}\n"), is_error }
}

fn search_line(dice: &mut Dice) -> Line {
    let term = dice.pick(&["red shoes", "größe 42", "東京", "usb-c hub", "garden chair"]);
    let (hits, ms) = (dice.below(4000), 1 + dice.below(40));
    match dice.below(12) {
        0 => Line {
            text: "\u{1b}[31;1merror\u{1b}[0m index shard 3 \u{1b}[2m(retrying)\u{1b}[0m\n"
                .to_owned(),
            is_error: true,
        },
        1 | 2 => out(format!(
            "\u{1b}[33mwarn\u{1b}[39m  slow query \u{1b}[1m{term}\u{1b}[22m took {}ms\n",
            400 + ms
        )),
        _ => out(format!(
            "\u{1b}[32minfo\u{1b}[39m  query \u{1b}[36m{term}\u{1b}[39m {hits} hits \u{1b}[90m{ms}ms\u{1b}[0m\n"
        )),
    }
}
