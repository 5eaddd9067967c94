//! Fleets to draw.

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::json;

use crate::app::App;
use crate::model::daemon::{BusState, Connection, Daemon, Problem};
use crate::model::figures::Figures;
use crate::model::fleet::Process;
use crate::model::log::{LineKind, LogLine, LogSource, Severity};
use crate::model::moment::Moment;
use crate::model::series::Sample;
use crate::model::{DaemonId, ProcessKey, Target};
use crate::protocol::amp::Frame;
use crate::protocol::process::{ExecMode, PmId, ProcessInfo, ProcessStatus};
use crate::protocol::rpc::{Methods, Reply};
use crate::protocol::value;
use crate::view::theme::{Colors, Ground, Theme};
use crate::view::view;

/// 2023-11-14 22:13:20 UTC.
pub(super) const NOW_MS: i64 = 1_700_000_000_000;
pub(super) const MIB: u64 = 1024 * 1024;

pub(super) const COLOR: Theme = Theme::new(Colors::Sixteen, Ground::Dark, false);
pub(super) const PLAIN: Theme = Theme::new(Colors::None, Ground::Unknown, true);

/// Draws the app on a terminal of that size.
pub(super) fn draw(app: &App, theme: Theme, size: (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| view(app, &theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The screen as lines of text.
pub(super) fn screen(app: &App, theme: Theme, size: (u16, u16)) -> String {
    let buffer = draw(app, theme, size);
    (0..size.1).map(|y| row(&buffer, y).trim_end().to_owned() + "\n").collect()
}

/// One row as text; the cell that a wide glyph covers adds nothing.
pub(super) fn row(buffer: &Buffer, y: u16) -> String {
    use ratatui::buffer::CellWidth;
    let mut text = String::new();
    let mut x = 0;
    while x < buffer.area.width {
        let cell = &buffer[(x, y)];
        text.push_str(cell.symbol());
        x += cell.cell_width().max(1);
    }
    text
}

pub(super) fn key(daemon: u16, pm_id: u32) -> ProcessKey {
    ProcessKey { daemon: DaemonId(daemon), pm_id: PmId(pm_id) }
}

pub(super) fn target(pm_id: u32, name: &str) -> Target {
    Target::of(&ProcessInfo::new(PmId(pm_id), name, ProcessStatus::Online))
}

pub(super) fn info(pm_id: u32, name: &str, status: ProcessStatus) -> ProcessInfo {
    let is_up = status == ProcessStatus::Online;
    ProcessInfo {
        namespace: Some("default".into()),
        pid: is_up.then_some(1000 + pm_id),
        online_since_ms: Some(NOW_MS - 11_520_000),
        cpu_percent: Some(0.0),
        memory_bytes: Some(if is_up { 48 * MIB } else { 0 }),
        ..ProcessInfo::new(PmId(pm_id), name, status)
    }
}

pub(super) fn process(info: ProcessInfo) -> Process {
    Process::polled(info, Moment::at(NOW_MS))
}

/// Shows what PM2 says of CPU and memory.
pub(super) fn settle(process: &mut Process) {
    process.figures = Figures::default();
    process.figures.take(process.info.cpu_percent, process.info.memory_bytes, NOW_MS);
}

/// Gives a process a sample each second, the last one now; `None` leaves a gap.
pub(super) fn sampled(
    mut process: Process,
    seconds: i64,
    sample: impl Fn(i64) -> Option<(f32, u64)>,
) -> Process {
    for second in 0..=seconds {
        let Some((cpu_percent, memory_bytes)) = sample(second) else {
            continue;
        };
        process.series.push(Sample {
            at_ms: NOW_MS - (seconds - second) * 1000,
            cpu_percent,
            memory_bytes,
        });
        process.info.cpu_percent = Some(cpu_percent);
        process.info.memory_bytes = Some(memory_bytes);
    }
    settle(&mut process);
    process
}

pub(super) fn daemon(number: u16, label: &str) -> Daemon {
    let home = format!("/home/{label}/.pm2");
    let mut daemon = Daemon::new(DaemonId(number), label, &home, 1000);
    daemon.version = Some("7.0.4".into());
    daemon.connection = Connection::Live { serial: 1, god: None };
    daemon.bus = BusState::Live;
    daemon.snapshot_at_ms = Some(NOW_MS);
    daemon
}

/// A daemon that went away.
pub(super) fn down(number: u16, label: &str) -> Daemon {
    let mut daemon = daemon(number, label);
    daemon.connection = Connection::Down {
        problem: Problem::SocketMissing { path: format!("/home/{label}/.pm2/rpc.sock").into() },
        retry_in_ms: 2400,
    };
    daemon.retry_at_ms = Some(NOW_MS + 2400);
    daemon.bus = BusState::Connecting;
    daemon.snapshot_at_ms = Some(NOW_MS - 61_000);
    daemon
}

pub(super) fn app(daemons: Vec<Daemon>) -> App {
    App::new(daemons, Moment::at(NOW_MS), 3600, (120, 40))
}

/// Some methods as 7.0.4 lists them.
pub(super) fn methods() -> Arc<Methods> {
    let list = json!({ "methods": {
        "ping": { "params": ["env", "cb"] },
        "getMonitorData": { "params": ["env", "cb"] },
        "stopProcessId": { "params": ["id", "cb"] },
        "restartProcessId": { "params": ["opts", "cb"] },
        "msgProcess": { "params": ["cmd", "cb"] },
        "sendDataToProcessId": { "params": ["packet", "cb"] },
        "sendSignalToProcessName": { "params": ["opts", "cb"] },
        "stopWatch": { "params": ["method", "value", "fn"] },
        "killMe": { "params": [] },
    }});
    let frame = Frame::new(vec![value::json(&list), value::text("1:1")]).unwrap();
    Arc::new(Methods::parse(&Reply::parse(&frame).unwrap()).unwrap())
}

/// An app of one daemon with a process of each kind that a user meets.
pub(super) fn typical() -> App {
    let mut app = app(vec![daemon(0, "web-01")]);
    fill(&mut app, 0);
    app.selected = Some(key(0, 0));
    let source =
        |pm_id, name: &str| LogSource { daemon: DaemonId(0), pm_id, name: Arc::from(name) };
    let api = source(Some(PmId(0)), "api");
    let worker = source(Some(PmId(3)), "worker");
    let at = |ms| NOW_MS - 10_000 + ms;
    app.take_lines([output(at(123), api.clone(), LineKind::Out, "listening on :3000")]);
    let exit = "exit code 1, restart 16 of 16, now errored";
    app.take_lines([LogLine::event(at(1456), worker.clone(), "exit", Severity::Bad, exit)]);
    app.take_lines([output(
        at(2001),
        worker,
        LineKind::Err,
        "Error: connect ECONNREFUSED 10.0.0.7:5432 at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)",
    )]);
    let pm2 = source(None, "PM2");
    app.take_lines([LogLine::event(at(2500), pm2, "connected", Severity::Good, "PM2 7.0.4")]);
    app.take_lines([LogLine::event(at(3000), api, "online", Severity::Good, "")]);
    app
}

/// Adds the processes of [`typical`] to a daemon.
pub(super) fn fill(app: &mut App, daemon: u16) {
    for instance in 0..2 {
        let mut api = info(instance, "api", ProcessStatus::Online);
        api.exec_mode = ExecMode::Cluster;
        api.online_since_ms = Some(NOW_MS - 273_600_000);
        api.memory_limit_bytes = Some(300 * MIB);
        let api = sampled(process(api), 300, |second| {
            let wave = ((second + i64::from(instance) * 20) as f32 / 12.0).sin();
            let memory = (90 + second as u64 / 5) * MIB + MIB * 2 / 5;
            // It was not seen for half a minute.
            (!(150..180).contains(&second)).then_some((15.0 + 14.0 * wave, memory))
        });
        app.watched.fleet.insert(key(daemon, instance), api);
    }
    let mut jobs = info(2, "jobs", ProcessStatus::Online);
    jobs.namespace = Some("batch".into());
    jobs.online_since_ms = Some(NOW_MS - 42_000);
    let jobs = sampled(process(jobs), 42, |_| Some((0.0, 52 * MIB)));
    app.watched.fleet.insert(key(daemon, 2), jobs);
    let mut worker = info(3, "worker", ProcessStatus::Errored);
    worker.restarts = 16;
    worker.namespace = None;
    app.watched.fleet.insert(key(daemon, 3), process(worker));
    let cron = process(info(4, "nightly-report-generator", ProcessStatus::Stopped));
    app.watched.fleet.insert(key(daemon, 4), cron);
}

pub(super) fn output(at_ms: i64, source: LogSource, kind: LineKind, text: &str) -> LogLine {
    LogLine { said: None, is_estimated: false, at_ms, source, kind, text: text.into() }
}
