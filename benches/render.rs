//! Draws 500 processes at 160x50.

use criterion::{Criterion, criterion_group, criterion_main};
use pm2_tui::app::App;
use pm2_tui::model::daemon::{Connection, Daemon};
use pm2_tui::model::fleet::Process;
use pm2_tui::model::moment::Moment;
use pm2_tui::model::series::{Sample, Series};
use pm2_tui::model::{DaemonId, ProcessKey};
use pm2_tui::protocol::process::{ExecMode, PmId, ProcessInfo, ProcessStatus};
use pm2_tui::view::theme::{Colors, Ground, Theme};
use pm2_tui::view::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::hint::black_box;

const NOW_MS: i64 = 1_700_000_000_000;
const SIZE: (u16, u16) = (160, 50);

fn process(pm_id: u32) -> Process {
    let mut series = Series::default();
    for second in 0..300 {
        series.push(Sample {
            at_ms: NOW_MS - (300 - second) * 1000,
            cpu_percent: (second % 60) as f32,
            memory_bytes: 50_000_000 + second as u64 * 10_000,
        });
    }
    let info = ProcessInfo {
        namespace: Some("default".into()),
        exec_mode: ExecMode::Cluster,
        pid: Some(1000 + pm_id),
        restarts: pm_id % 7,
        online_since_ms: Some(NOW_MS - 10_000_000),
        cpu_percent: Some(12.3),
        memory_bytes: Some(53_000_000),
        ..ProcessInfo::new(PmId(pm_id), &format!("service-{pm_id}"), ProcessStatus::Online)
    };
    let mut process = Process::polled(info, Moment::at(NOW_MS));
    process.series = series;
    process
}

fn fleet() -> App {
    let mut daemon = Daemon::new(DaemonId(0), "web-01", "/home/deploy/.pm2", 1000);
    daemon.connection = Connection::Live { serial: 1, god: None };
    let mut app = App::new(vec![daemon], Moment::at(NOW_MS), 0, SIZE);
    for pm_id in 0..500 {
        let key = ProcessKey { daemon: DaemonId(0), pm_id: PmId(pm_id) };
        app.watched.fleet.insert(key, process(pm_id));
        app.selected = app.selected.or(Some(key));
    }
    app
}

fn render(criterion: &mut Criterion) {
    let app = fleet();
    let theme = Theme::new(Colors::True, Ground::Dark, false);
    criterion.bench_function("draw 500 processes at 160x50", |bencher| {
        let Ok(mut terminal) = Terminal::new(TestBackend::new(SIZE.0, SIZE.1));
        bencher.iter(|| {
            let Ok(_) = terminal.draw(|frame| view(black_box(&app), &theme, frame));
        });
    });
}

criterion_group!(benches, render);
criterion_main!(benches);
