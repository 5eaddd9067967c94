//! Draws 500 and 1,000 processes at 160x50; and what keys cost with 1,000.

use criterion::{Criterion, criterion_group, criterion_main};
use pm2_tui::app::command::{Command, RowsCommand};
use pm2_tui::app::editor::Edit;
use pm2_tui::app::message::Message;
use pm2_tui::app::{App, update};
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

fn fleet(count: u32) -> App {
    let mut daemon = Daemon::new(DaemonId(0), "web-01", "/home/deploy/.pm2", 1000);
    daemon.connection = Connection::Live { serial: 1, god: None };
    let mut app = App::new(vec![daemon], Moment::at(NOW_MS), 0, SIZE);
    for pm_id in 0..count {
        let key = ProcessKey { daemon: DaemonId(0), pm_id: PmId(pm_id) };
        app.watched.fleet.insert(key, process(pm_id));
        app.selected = app.selected.or(Some(key));
    }
    app
}

fn render(criterion: &mut Criterion) {
    let app = fleet(500);
    let theme = Theme::new(Colors::True, Ground::Dark, false);
    criterion.bench_function("draw 500 processes at 160x50", |bencher| {
        let Ok(mut terminal) = Terminal::new(TestBackend::new(SIZE.0, SIZE.1));
        bencher.iter(|| {
            let Ok(_) = terminal.draw(|frame| view(black_box(&app), &theme, frame));
        });
    });
}

/// A thousand processes with limits, children, metrics and ports; a key, and the frame that it makes.
fn thousand(criterion: &mut Criterion) {
    let mut app = fleet(1_000);
    for pm_id in 0..1_000 {
        let key = ProcessKey { daemon: DaemonId(0), pm_id: PmId(pm_id) };
        if let Some(process) = app.watched.fleet.get_mut(key) {
            process.info.memory_limit_bytes = Some(100_000_000);
            process.info.name = format!("app-{}", pm_id / 4).into();
            process.info.namespace = Some(format!("team-{}", pm_id % 20).into());
            process.tree = process.figures;
            process.ports = [3_000, 9_229].into();
            process.speech.hear(false, 100, NOW_MS - 60_000);
        }
    }
    let theme = Theme::new(Colors::True, Ground::Dark, false);
    let Ok(mut terminal) = Terminal::new(TestBackend::new(SIZE.0, SIZE.1));
    criterion.bench_function("draw 1000 processes with limits at 160x50", |bencher| {
        bencher.iter(|| {
            let Ok(_) = terminal.draw(|frame| view(black_box(&app), &theme, frame));
        });
    });
    let mut keys = |name: &str, app: &mut App, messages: &[Message]| {
        let mut at = 0;
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                at = (at + 1) % messages.len().max(1);
                if let Some(message) = messages.get(at) {
                    let _ = update(app, Moment::at(NOW_MS), message.clone());
                }
                let Ok(_) = terminal.draw(|frame| view(black_box(app), &theme, frame));
                app.mark_drawn();
            });
        });
    };
    let command = Message::Command;
    keys("scroll 1000 processes", &mut app, &[command(Command::Down), command(Command::PageDown)]);
    let sorts = [Command::SortRight, Command::SortReverse].map(command);
    keys("sort 1000 processes", &mut app, &sorts);
    let _ = update(&mut app, Moment::at(NOW_MS), command(Command::Filter));
    let typed = [Message::Text('a'), Message::Text('p'), Message::Edit(Edit::DeleteToStart)];
    keys("type in the filter of 1000 processes", &mut app, &typed);
    let _ = update(&mut app, Moment::at(NOW_MS), command(Command::Back));
    let _ = update(&mut app, Moment::at(NOW_MS), command(Command::Rows(RowsCommand::Tree)));
    let _ = update(&mut app, Moment::at(NOW_MS), command(Command::First));
    keys("fold a group of 1000 processes", &mut app, &[command(Command::Open)]);
    let moves = [command(Command::Down), command(Command::PageDown), command(Command::First)];
    keys("scroll a tree of 1000 processes", &mut app, &moves);
    let _ = update(&mut app, Moment::at(NOW_MS), command(Command::Rows(RowsCommand::Tree)));
    let marks = [command(Command::Rows(RowsCommand::MarkAll))];
    keys("mark all of 1000 processes", &mut app, &marks);
}

criterion_group!(benches, render, thousand);
criterion_main!(benches);
