//! How fast PM2's bytes become values: a process list of 5 MB, and log lines by the 100,000.

use std::fmt::Write as _;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pm2_tui::protocol::amp::Frame;
use pm2_tui::protocol::bus::{self, BusEvent};
use pm2_tui::protocol::process::decode_monitor_data;
use pm2_tui::protocol::text::{TextStyle, clean_line};

const PROCESSES: usize = 1000;
const LINES: usize = 100_000;
const CHUNK_BYTES: usize = 64 * 1024;

/// 1,000 processes of 5 kB, as PM2 7 sends them: the environment is in it twice.
fn monitor_data() -> String {
    let mut list = String::from(r#"{"args":[["#);
    for id in 0..PROCESSES {
        let mut env = String::new();
        for variable in 0..36 {
            let value = "x".repeat(20 + variable);
            write!(env, r#""VARIABLE_{variable}":"{value}","#).unwrap_or_default();
        }
        let comma = if id == 0 { "" } else { "," };
        write!(
            list,
            r#"{comma}{{"pid":{id},"name":"app-{id}","pm2_env":{{{env}"name":"app-{id}","filter_env":[],"namespace":"default","env":{{{env}"app-{id}":{{}}}},"merge_logs":true,"vizion":true,"autostart":true,"autorestart":true,"watch":false,"instance_var":"NODE_APP_INSTANCE","pmx":true,"automation":true,"treekill":true,"username":"tester","windowsHide":true,"kill_retry_time":100,"node_args":[],"pm_exec_path":"/srv/apps/app-{id}.js","pm_cwd":"/srv/apps","exec_interpreter":"node","exec_mode":"fork_mode","instances":1,"pm_out_log_path":"/home/tester/.pm2/logs/app-{id}-out.log","pm_err_log_path":"/home/tester/.pm2/logs/app-{id}-error.log","pm_pid_path":"/home/tester/.pm2/pids/app-{id}.pid","km_link":false,"NODE_APP_INSTANCE":0,"unique_id":"1998c17a-8e81-493e-95a6-8ceb537c10e3","status":"online","pm_uptime":1795327976325,"axm_actions":[],"axm_monitor":{{"Heap Size":{{"value":"10.23","type":"internal/v8/heap/total","unit":"MiB","historic":true}}}},"axm_options":{{}},"axm_dynamic":{{}},"created_at":1795327976309,"restart_time":0,"unstable_restarts":0,"version":"1.0.0","node_version":"20.20.2","exit_code":0}},"pm_id":{id},"monit":{{"memory":52359168,"cpu":0.3}}}}"#
        )
        .unwrap_or_default();
    }
    list.push_str("]]}");
    list
}

/// Frames of `log:out` as a fork-mode process causes them: pipe reads of 64 KiB.
fn log_frames(line: impl Fn(usize) -> String) -> Vec<Frame> {
    let mut text = String::new();
    for number in 0..LINES {
        text.push_str(&line(number));
        text.push('\n');
    }
    text.as_bytes()
        .chunks(CHUNK_BYTES)
        .filter_map(|chunk| {
            let data = String::from_utf8_lossy(chunk);
            let payload = serde_json::json!({
                "process": { "pm_id": 0, "name": "api", "rev": null, "namespace": "default" },
                "at": 1_795_327_976_544_i64,
                "data": data,
            });
            let args = vec![Bytes::from_static(b"s:log:out"), Bytes::from(format!("j:{payload}"))];
            Frame::new(args).ok()
        })
        .collect()
}

fn frame_bytes(frames: &[Frame]) -> u64 {
    let args = frames.iter().flat_map(Frame::args);
    args.map(|arg| arg.len() as u64).sum()
}

fn decode_all(frames: &[Frame]) -> usize {
    frames.iter().filter_map(|frame| bus::decode(black_box(frame)).ok()).count()
}

fn decode_and_clean(frames: &[Frame]) -> usize {
    let mut style = TextStyle::default();
    let mut lines = 0;
    for frame in frames {
        let Ok(message) = bus::decode(black_box(frame)) else {
            continue;
        };
        if let BusEvent::Log(chunk) = message.event {
            for line in chunk.data.lines() {
                black_box(clean_line(line, &mut style));
                lines += 1;
            }
        }
    }
    lines
}

fn decode(criterion: &mut Criterion) {
    let list = monitor_data();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(list.len() as u64));
    group.bench_function("getMonitorData of 1,000 processes", |bencher| {
        bencher.iter(|| decode_monitor_data(black_box(list.as_bytes())));
    });

    let plain = log_frames(|number| {
        format!(
            "2026-11-23T08:00:00.123Z info request {number} GET /api/v1/items 200 in 12 ms, 4211 bytes"
        )
    });
    let coloured = log_frames(|number| {
        format!(
            "\x1b[32minfo\x1b[39m: request {number} \x1b[1mGET\x1b[22m /api/v1/items \x1b[38;5;208m200\x1b[0m in 12 ms"
        )
    });
    for (name, frames) in [("plain", &plain), ("coloured", &coloured)] {
        group.throughput(Throughput::Bytes(frame_bytes(frames)));
        group.bench_function(format!("100,000 {name} log lines"), |bencher| {
            bencher.iter(|| decode_all(frames));
        });
        group.bench_function(format!("100,000 {name} log lines, cleaned"), |bencher| {
            bencher.iter(|| decode_and_clean(frames));
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
