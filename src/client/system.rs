//! `getSystemData` as daemons up to 3.5 answer it, from `/proc` and the daemon's processes.
//!
//! Invariant: what the system does not tell is missing from the answer, never made up. It is about
//! the machine that this program runs on, as the daemon's own is about the daemon's.

use std::fs;

use serde_json::{Value as Json, json};

use super::{Client, ClientError};
use crate::daemon::clock::now_ms;
use crate::daemon::offload;

impl Client {
    pub(super) async fn composed_system_data(&self) -> Result<Json, ClientError> {
        let processes = self.processes().await?;
        let system = offload::look(system).await.unwrap_or_default();
        Ok(json!({ "system": system, "processes": processes }))
    }
}

/// What `/proc` says of this machine.
fn system() -> Json {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let memory = read("/proc/meminfo");
    json!({
        "hostname": read("/proc/sys/kernel/hostname").trim(),
        "uptime": numbers(&read("/proc/uptime")).first().map(|seconds| *seconds as u64),
        "cpus": cpus(&read("/proc/cpuinfo"), &read("/proc/stat")),
        "load": numbers(&read("/proc/loadavg")).into_iter().take(3).collect::<Vec<_>>(),
        "memory": { "free": bytes(&memory, "MemAvailable"), "total": bytes(&memory, "MemTotal") },
        "time": now_ms(),
    })
}

/// The numbers at the start of a line.
fn numbers(text: &str) -> Vec<f64> {
    text.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect()
}

/// A line of `/proc/meminfo`, which is in kB, in bytes.
fn bytes(memory: &str, name: &str) -> Option<u64> {
    let value = memory.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What `os.cpus()` of Node.js says: times in milliseconds.
fn cpus(info: &str, stat: &str) -> Vec<Json> {
    let field = |name: &str| -> Vec<&str> {
        let named =
            |line: &'_ str| line.split_once(':').filter(|(key, _)| key.trim() == name).map(|_| ());
        let lines = info.lines().filter(|line| named(line).is_some());
        lines.filter_map(|line| Some(line.split_once(':')?.1.trim())).collect()
    };
    let (models, speeds) = (field("model name"), field("cpu MHz"));
    let times = stat.lines().filter(|line| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    let times = times.map(|line| -> Vec<u64> {
        line.split_ascii_whitespace().skip(1).map_while(|word| word.parse().ok()).collect()
    });
    times
        .enumerate()
        .map(|(at, times)| {
            // Ticks of a hundredth of a second: `USER_HZ` is 100 on every Linux that node runs on.
            let ms = |field: usize| times.get(field).map(|ticks| ticks.saturating_mul(10));
            let speed = speeds.get(at).and_then(|speed| speed.parse::<f64>().ok());
            json!({
                "model": models.get(at).copied().unwrap_or_default(),
                "speed": speed.map(|speed| speed as u64),
                "times": { "user": ms(0), "nice": ms(1), "sys": ms(2), "idle": ms(3), "irq": ms(5) },
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_reads_as_node_reads_it() {
        assert_eq!(numbers("1.50 2 0.25 1/200 77"), [1.5, 2.0, 0.25]);
        assert_eq!(bytes("MemTotal:   10 kB\nMemAvailable: 3 kB\n", "MemAvailable"), Some(3072));
        assert_eq!(bytes("MemTotal: x kB", "MemTotal"), None);
        let info = "model name\t: CPU A\ncpu MHz\t\t: 2445.4\nmodel name\t: CPU B\n";
        let stat = "cpu  9 9 9 9\ncpu0 1 2 3 4 5 6 7\ncpu1 8 8 8 8\nintr 1\n";
        let cpus = cpus(info, stat);
        assert_eq!(cpus.len(), 2);
        assert_eq!(cpus[0]["model"], "CPU A");
        assert_eq!(cpus[0]["speed"], 2445);
        let times = json!({ "user": 10, "nice": 20, "sys": 30, "idle": 40, "irq": 60 });
        assert_eq!(cpus[0]["times"], times);
        assert_eq!(cpus[1]["speed"], Json::Null);
    }
}
