//! From pieces to lines, and where lines are missing.

use super::*;

fn chunk(pm_id: Option<BusPmId>, stream: LogStream, data: &str) -> LogChunk {
    LogChunk {
        process: ProcessRef { pm_id, name: "api".into() },
        stream,
        at_ms: Some(5),
        data: data.into(),
    }
}

fn lines(reports: Vec<Report>) -> Vec<LogLine> {
    let lines = reports.into_iter().map(|report| match report {
        Report::Lines(lines) => lines,
        other => panic!("{other:?}"),
    });
    lines.flatten().collect()
}

fn said(lines: &[LogLine]) -> Vec<(Option<u32>, &str, &str)> {
    let said = |line: &LogLine| line.source.pm_id.map(|id| id.0);
    lines.iter().map(|line| (said(line), line.kind.word(), &*line.text)).collect::<Vec<_>>()
}

#[test]
fn streams_are_apart_and_an_old_worker_counts_as_its_process() {
    let mut output = Output::new(DaemonId(0));
    let mut reports = Vec::new();
    let emit = &mut |report| reports.push(report);
    let (new, old) = (BusPmId::Process(PmId(1)), BusPmId::Old(PmId(1)));
    output.push(&chunk(Some(new), LogStream::Out, "a"), 0, 0, emit);
    output.push(&chunk(Some(new), LogStream::Err, "e\n"), 0, 0, emit);
    output.push(&chunk(Some(old), LogStream::Out, "o"), 0, 0, emit);
    output.push(&chunk(Some(new), LogStream::Out, "b\n"), 0, 0, emit);
    output.push(&chunk(None, LogStream::Out, "n\n"), 0, 0, emit);
    output.process_ended(PmId(1), true, emit);
    output.report(emit);
    assert!(!output.has_lines());
    let lines = lines(reports);
    assert_eq!(
        said(&lines),
        [(Some(1), "err", "e"), (Some(1), "out", "ab"), (None, "out", "n"), (Some(1), "out", "o"),]
    );
}

#[test]
fn what_is_lost_stands_where_it_is_missing_and_whole_lines_add_up() {
    let mut output = Output::new(DaemonId(0));
    let mut reports = Vec::new();
    let emit = &mut |report| reports.push(report);
    let (one, other) = (Some(BusPmId::Process(PmId(1))), Some(BusPmId::Process(PmId(2))));
    let missing = |ends, is_cut| Missing {
        process: chunk(one, LogStream::Out, "").process,
        stream: LogStream::Out,
        ends,
        is_cut,
    };
    output.push(&chunk(one, LogStream::Out, "1\n2\nthr"), 0, 0, emit);
    output.push(&chunk(other, LogStream::Out, "x\ny"), 0, 0, emit);
    // `ee\n4\nfi`, then `ve\nsi`: lines 3 to 6, of which the last one ends later.
    output.push_lost(&missing(2, true), 5, 0, emit);
    output.push_lost(&missing(1, true), 5, 0, emit);
    output.push(&chunk(one, LogStream::Out, "x\n7\n"), 0, 0, emit);
    output.push_lost(&missing(2, false), 5, 0, emit);
    output.push(&chunk(one, LogStream::Out, "10\n"), 0, 0, emit);
    output.push(&chunk(other, LogStream::Out, "\n"), 0, 0, emit);
    output.report(emit);
    let lines = lines(reports);
    let told = |line: &LogLine| match line.missing() {
        (_, count) if line.text.is_empty() => format!("{count} lost"),
        _ => line.text.to_string(),
    };
    let of = |id| lines.iter().filter(move |line| line.source.pm_id == Some(PmId(id)));
    let all: Vec<String> = of(1).map(told).collect();
    assert_eq!(all, ["1\n2", "3 lost", "1 lost", "7", "2 lost", "10"]);
    assert_eq!(of(2).map(told).collect::<Vec<_>>(), ["x", "y"], "of others nothing is cut");
}

#[test]
fn unfinished_lines_end_by_age() {
    let mut output = Output::new(DaemonId(0));
    let mut reports = Vec::new();
    let emit = &mut |report| reports.push(report);
    let id = |id| Some(BusPmId::Process(PmId(id)));
    output.push(&chunk(id(1), LogStream::Out, "first"), 0, 100, emit);
    output.push(&chunk(id(2), LogStream::Out, "second"), 0, 200, emit);
    assert_eq!(output.flush_older(99, emit), Some(100));
    assert!(!output.has_lines());
    assert_eq!(output.flush_older(100, emit), Some(200));
    assert_eq!(output.flush_older(300, emit), None);
    output.report(emit);
    assert_eq!(lines(reports).len(), 2);
}

#[test]
fn the_daemons_console_is_told_only_where_no_event_tells() {
    let mut output = Output::new(DaemonId(0));
    let mut reports = Vec::new();
    let emit = &mut |report| reports.push(report);
    let memory = "[PM2][WORKER] Process 0 restarted because it exceeds --max-memory-restart value";
    output.push_daemon("App [api:0] online\n\nApp name:api id:0 online\n", 0, 0, emit);
    output.push_daemon(&format!("{memory}\npid=7 msg=process killed\n"), 0, 0, emit);
    output.report(emit);
    assert_eq!(said(&lines(reports)), [(None, "pm2", memory)]);
}

#[test]
fn streams_and_reports_are_bounded() {
    let mut output = Output::new(DaemonId(0));
    let mut reports = Vec::new();
    let emit = &mut |report| reports.push(report);
    for id in 0..=STREAMS_MAX as u32 {
        let id = Some(BusPmId::Process(PmId(id)));
        output.push(&chunk(id, LogStream::Out, "x"), 0, 0, emit);
    }
    assert_eq!(output.streams.len(), 1);
    for at_ms in 0..=LINES_MAX as i64 {
        let chunk = LogChunk { at_ms: Some(at_ms), ..chunk(None, LogStream::Out, "y\n") };
        output.push(&chunk, 0, 0, emit);
    }
    output.report(emit);
    let sizes: Vec<usize> = reports
        .iter()
        .map(|report| match report {
            Report::Lines(lines) => lines.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sizes, [LINES_MAX, LINES_MAX, 1]);
}
