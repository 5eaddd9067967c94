//! What reading a process list costs in memory: the environment, most of its bytes, is skipped in
//! place. A test file of its own, since the counting allocator is that of the whole program.

use std::fmt::Write as _;

use pm2_tui::logs::{
    Body, Bounds, FileId, FilePlace, Kind, Line, LineTime, Owner, SourceKey, Store, Stream,
    TimeFrom,
};
use pm2_tui::model::DaemonId;
use pm2_tui::protocol::process::{PmId, decode_monitor_data};

use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        simulated(skipping_the_environment_allocates_nothing),
        simulated(a_line_that_stays_in_its_file_takes_little_more_than_its_index),
    ]
}

const PROCESSES: usize = 1000;

/// A list whose environment, nested and flattened as PM2 sends it, is over nine tenths of it.
fn monitor_data() -> String {
    let mut list = String::from(r#"{"args":[["#);
    for id in 0..PROCESSES {
        let mut env = String::new();
        for variable in 0..40 {
            write!(env, r#""VARIABLE_{variable}":"a value \"quoted\" and\nlong enough","#).unwrap();
        }
        let comma = if id == 0 { "" } else { "," };
        write!(
            list,
            r#"{comma}{{"pid":{id},"name":"app-{id}","pm_id":{id},"monit":{{"memory":1,"cpu":0.3}},
            "pm2_env":{{{env}"env":{{{env}"PWD":"/"}},"status":"online","namespace":"default",
            "version":"1.0.0","unique_id":"{id}","exit_code":0,"exec_mode":"fork_mode"}}}}"#
        )
        .unwrap();
    }
    list.push_str("]]}");
    list
}

fn skipping_the_environment_allocates_nothing() {
    let list = monitor_data();
    let mut snapshot = None;
    let cost = allocation_counter::measure(|| {
        snapshot = decode_monitor_data(list.as_bytes()).ok();
    });
    assert_eq!(snapshot.unwrap().processes.len(), PROCESSES);
    let (allocations, bytes) = (cost.count_total, cost.bytes_max);
    // Name, namespace, version, unique id, exit code (twice: its digits and the text that is
    // kept), and the growth of the list.
    assert!(allocations <= 6 * PROCESSES as u64 + 40, "{allocations} allocations");
    assert!(bytes <= list.len() as u64 / 4, "{bytes} bytes for {}", list.len());
}

/// Four files are read backwards one after the other, in parts, so that each part comes in between lines
/// of the others. Where the clocks go back, the time of each line is kept beside the one that it is
/// ordered by.
fn a_line_that_stays_in_its_file_takes_little_more_than_its_index() {
    const LINES: i64 = 100_000;
    const PART: i64 = 4_000;
    for (is_back, most) in [(false, 34), (true, 39)] {
        let mut store = Store::new(Bounds { lines: 1 << 20, bytes: 64 << 20 });
        let cost = allocation_counter::measure(|| {
            for file in 0..4_u16 {
                let owner = Owner::Process {
                    daemon: DaemonId(0),
                    pm_id: Some(PmId(file.into())),
                    namespace: "default".into(),
                    name: "app".into(),
                };
                let source = store.source(&SourceKey { owner, stream: Stream::Out }).unwrap();
                for part in (0..LINES / PART).rev() {
                    let line = |n: i64| {
                        let at_ms = if is_back { -n } else { n } * 1_000 + 1_000_000_000;
                        let (offset, len) = (n as u64 * 100, 99);
                        let place = FilePlace { file: FileId(file), offset, len };
                        Line {
                            time: LineTime { at_ms, from: TimeFrom::Line },
                            level: None,
                            kind: Kind::Output,
                            body: Body::Filed(place),
                        }
                    };
                    let lines: Vec<Line<'_>> = (part * PART..(part + 1) * PART).map(line).collect();
                    assert_eq!(store.prepend_history(source, &lines).refused, 0);
                }
            }
        });
        assert_eq!(store.len() as i64, 4 * LINES);
        let each = cost.bytes_current / (4 * LINES);
        assert!(each <= most, "{each} bytes a line, at most {most}");
    }
}
