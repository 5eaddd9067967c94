//! Feeding 100,000 log lines, as a burst of a fork app brings them (64 KiB a frame), from the bus
//! frame to the app's ring.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use pm2_tui::app::message::Message;
use pm2_tui::app::{App, update};
use pm2_tui::model::DaemonId;
use pm2_tui::model::assembler::RawLines;
use pm2_tui::model::daemon::Daemon;
use pm2_tui::model::log::{LineKind, LogLine, LogSource};
use pm2_tui::model::moment::Moment;
use pm2_tui::model::report::Report;
use pm2_tui::protocol::amp::Frame;
use pm2_tui::protocol::bus::{self, BusEvent};
use pm2_tui::protocol::process::PmId;
use pm2_tui::protocol::value;

const LINES: usize = 100_000;
const LINES_A_FRAME: usize = 700;

fn frames() -> Vec<Frame> {
    let line = |n: usize| {
        format!(
            "{n:08} GET /v1/items/{} 200 {}ms user=4711 trace=0af7651916cd43dd8448\n",
            n % 977,
            n % 83
        )
    };
    let frame = |first: usize| {
        let last = (first + LINES_A_FRAME).min(LINES);
        let data: String = (first..last).map(line).collect();
        let payload = serde_json::json!({
            "process": {"pm_id": 0, "name": "api", "rev": null, "namespace": "default"},
            "at": 1_795_327_976_544_i64,
            "data": data,
        });
        Frame::new(vec![value::text("log:out"), value::json(&payload)]).unwrap()
    };
    (0..LINES).step_by(LINES_A_FRAME).map(frame).collect()
}

fn feed(frames: &[Frame]) -> App {
    let id = DaemonId(0);
    let mut app =
        App::new(vec![Daemon::new(id, "host", "/home/x/.pm2", 1_000)], Moment::at(0), 0, (120, 40));
    let source = LogSource { daemon: id, pm_id: Some(PmId(0)), name: Arc::from("api") };
    let mut assembler = RawLines::default();
    for frame in frames {
        let BusEvent::Log(chunk) = bus::decode(frame).unwrap().event else { continue };
        let mut lines = Vec::new();
        assembler.push(&chunk.data, 0, 0, |line| {
            let source = source.clone();
            lines.push(LogLine {
                said: None,
                is_estimated: false,
                at_ms: line.at_ms,
                source,
                kind: LineKind::Out,
                text: line.text.into(),
            });
        });
        let _ = update(&mut app, Moment::at(0), Message::Report(id, Report::Lines(lines)));
    }
    app
}

fn bench(criterion: &mut Criterion) {
    let frames = frames();
    let app = feed(&frames);
    assert_eq!(app.log_view.gone() + app.lines().len() as u64, LINES as u64, "no line is lost");
    criterion.bench_function("feed 100,000 log lines", |bencher| {
        bencher.iter(|| feed(black_box(&frames)));
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
