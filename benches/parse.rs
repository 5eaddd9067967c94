//! How fast lines are read: what an index asks of every line, and what is asked of those in sight.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use pm2_tui::logs::parse::{Clock, Context, Pattern, Plain, Record, Traces, read, tints};

const LINES: usize = 10_000;

fn lines(line: impl Fn(usize) -> String) -> Vec<Vec<u8>> {
    (0..LINES).map(|number| line(number).into_bytes()).collect()
}

fn kinds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    vec![
        (
            "plain",
            lines(|n| {
                format!(
                    "request {n} GET /api/v1/items answered in 12 ms, 4211 bytes sent to 10.0.0.7 by worker"
                )
            }),
        ),
        (
            "declared",
            lines(|n| {
                format!(
                    "2026-11-23T08:00:{:02}: request {n} GET /api/v1/items answered in 12 ms",
                    n % 60
                )
            }),
        ),
        (
            "ISO and level",
            lines(|n| {
                format!(
                    "2026-11-23T08:00:{:02}.123Z info: request {n} GET /api/v1/items 200 in 12 ms",
                    n % 60
                )
            }),
        ),
        (
            "local and level",
            lines(|n| {
                format!(
                    "2026-11-23 08:00:{:02},123 - app.api - INFO - request {n} took 12 ms",
                    n % 60
                )
            }),
        ),
        (
            "coloured",
            lines(|n| {
                format!(
                    "\x1b[32minfo\x1b[39m: request {n} \x1b[1mGET\x1b[22m /api/v1/items \x1b[38;5;208m200\x1b[0m"
                )
            }),
        ),
        (
            "access",
            lines(|n| {
                format!(
                    "10.0.0.7 - - [23/Nov/2026:08:00:00 +0000] \"GET /items/{n} HTTP/1.1\" 200 4211 \"-\" \"curl/8.5.0\""
                )
            }),
        ),
        (
            "pino",
            lines(|n| {
                format!(
                    r#"{{"level":30,"time":1795327976544,"pid":4211,"hostname":"web-1","reqId":{n},"msg":"request completed","responseTime":12.3}}"#
                )
            }),
        ),
        (
            "logfmt",
            lines(|n| {
                format!(
                    "time=2026-11-23T08:00:00.123Z level=INFO msg=\"request completed\" id={n} took=12ms"
                )
            }),
        ),
    ]
}

fn parse(criterion: &mut Criterion) {
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let pattern = Pattern::new("YYYY-MM-DDTHH:mm:ss");
    let clock = Clock { zone: &zone, reference_ms: 1_795_327_976_544 };
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(LINES as u64));
    for (kind, lines) in kinds() {
        let declared = pattern.as_ref().filter(|_| kind == "declared");
        let context = Context { declared, clock, is_stderr: false };
        group.bench_function(format!("index, {kind}"), |bencher| {
            bencher.iter(|| {
                for line in &lines {
                    let plain = Plain::of(black_box(line));
                    black_box(read(&plain.text, &context));
                }
            });
        });
        group.bench_function(format!("in sight, {kind}"), |bencher| {
            bencher.iter(|| {
                let mut traces = Traces::default();
                for line in &lines {
                    let plain = Plain::of(black_box(line));
                    let reading = read(&plain.text, &context);
                    black_box(Record::of(&plain.text, &reading).map(|record| record.line()));
                    black_box(traces.feed(reading.message.of(&plain.text)));
                    black_box(tints(&plain.text));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
