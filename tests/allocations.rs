//! What reading a process list costs in memory: the environment, most of its bytes, is skipped in
//! place. A test file of its own, since the counting allocator is that of the whole program.

use std::fmt::Write as _;

use pm2_tui::protocol::process::decode_monitor_data;

use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![simulated(skipping_the_environment_allocates_nothing)]
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
