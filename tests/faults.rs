//! The fault list: a simulated daemon that goes wrong on real sockets, and what the client makes
//! of it. The same faults with shortened timeouts stand in `src/daemon/tests/`.

use std::time::Duration;

use pm2_tui::daemon::{DaemonHandle, Endpoint, Inbox, InboxBounds, Options, spawn};
use pm2_tui::demo::{Demo, Fault, Script, Socket, When, World, epoch_ms};
use pm2_tui::model::daemon::{Connection, Problem};
use pm2_tui::model::log::LineKind;
use pm2_tui::model::report::Report;
use pm2_tui::model::{Action, DaemonId, Target, Verdict};
use pm2_tui::protocol::process::ProcessInfo;

use crate::harness::trials::{Test, Weight, in_real_time, in_two_threads};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        in_real_time(a_slow_daemon_is_waited_for_and_then_left_alone),
        in_real_time(a_silent_daemon_is_named_and_replaced_by_a_new_connection),
        in_real_time(a_timed_out_action_is_unknown_and_the_connection_is_replaced).lasting(),
        in_real_time(what_has_not_begun_can_be_left_undone),
        in_real_time(half_a_frame_garbage_and_an_oversize_frame_cost_the_connection_only),
        in_real_time(broken_json_and_a_process_without_env_are_counted_on_the_same_connection),
        in_real_time(replies_to_unknown_ids_and_out_of_order_find_their_calls),
        in_real_time(
            what_is_pending_fails_when_the_daemon_goes_and_it_returns_with_other_processes,
        ),
        in_real_time(a_broken_bus_message_costs_itself_and_a_broken_stream_the_connection),
        in_two_threads(a_bus_flood_is_read_while_the_app_takes_nothing).weighing(Weight::Busy),
    ]
}

/// A test that waits longer than this for something has failed. It is over every timeout of the
/// client, the longest of which is that of a reload.
const PATIENCE: Duration = Duration::from_secs(40);

struct Client {
    demo: Demo,
    handle: DaemonHandle,
    inbox: Inbox,
    seen: Vec<Report>,
    /// The processes of the last snapshot seen.
    processes: Vec<ProcessInfo>,
}

impl Client {
    /// Watches a daemon of three processes with this script.
    fn start(script: Script) -> Self {
        let demo = Demo::start(World::quiet(3, epoch_ms()), script).unwrap();
        let inbox = Inbox::new(InboxBounds::default());
        let options = Options { interval: Duration::from_millis(50), ..Options::default() };
        let endpoint = Endpoint::in_home(demo.home());
        let handle = spawn(DaemonId(0), endpoint, options, inbox.clone());
        Self { demo, handle, inbox, seen: Vec::new(), processes: Vec::new() }
    }

    /// Takes reports until one fits, and gives what that says.
    async fn wait<T>(&mut self, fits: impl Fn(&Report) -> Option<T>) -> T {
        loop {
            while !self.seen.is_empty() {
                let report = self.seen.remove(0);
                if let Report::Snapshot { snapshot, .. } = &report {
                    self.processes.clone_from(&snapshot.processes);
                }
                if let Some(found) = fits(&report) {
                    return found;
                }
            }
            let ready = tokio::time::timeout(PATIENCE, self.inbox.ready()).await;
            ready.expect("no such report");
            let mut batch = Vec::new();
            self.inbox.take(&mut batch, usize::MAX);
            self.seen.extend(batch.into_iter().map(|(_, report)| report));
        }
    }

    async fn snapshot(&mut self) {
        self.wait(|report| matches!(report, Report::Snapshot { .. }).then_some(())).await;
    }

    async fn down(&mut self) -> Problem {
        self.wait(|report| match report {
            Report::Connection(Connection::Down { problem, .. }) => Some(problem.clone()),
            _ => None,
        })
        .await
    }

    async fn warning(&mut self) -> String {
        self.wait(|report| match report {
            Report::Warning { text, .. } => Some(text.to_string()),
            _ => None,
        })
        .await
    }

    async fn verdict(&mut self) -> Verdict {
        self.wait(|report| match report {
            Report::ActionFinished { verdict, .. } => Some(verdict.clone()),
            _ => None,
        })
        .await
    }

    /// Acts on the first process of the last snapshot.
    fn act(&self, action: Action) {
        self.handle.act(action, vec![Target::of(&self.processes[0])]);
    }

    /// Ends the test: the daemon got nothing that would have killed a real one.
    fn end(self) {
        assert!(!self.demo.script().counters().had_bad_call);
    }
}

/// The daemon goes wrong once on this method; the next snapshot comes all the same.
async fn recovers(method: &str, fault: Fault) -> Client {
    let mut client = Client::start(Script::default().with(method, When::Next, fault));
    client.snapshot().await;
    assert_eq!(client.processes.len(), 3);
    client
}

async fn a_slow_daemon_is_waited_for_and_then_left_alone() {
    let slow = Fault::Slow(Duration::from_millis(120));
    let mut client = Client::start(Script::default().with("getMonitorData", When::Always, slow));
    let (took_ms, interval_ms) = client
        .wait(|report| match report {
            Report::Snapshot { took_ms, interval_ms, .. } => Some((*took_ms, *interval_ms)),
            _ => None,
        })
        .await;
    assert!(took_ms >= 120, "{took_ms}");
    assert!(interval_ms >= 20 * took_ms, "{interval_ms} after {took_ms}");
    client.end();
}

async fn what_has_not_begun_can_be_left_undone() {
    let slow = Fault::Slow(Duration::from_secs(3));
    let mut client = Client::start(Script::default().with("stopProcessId", When::Always, slow));
    client.snapshot().await;
    let targets: Vec<Target> = client.processes.iter().map(Target::of).collect();
    client.handle.act(Action::Stop, targets.clone());
    for _ in 0..2 {
        client.wait(|report| matches!(report, Report::ActionBegun { .. }).then_some(())).await;
    }
    client.handle.halt();
    let mut verdicts = Vec::new();
    while verdicts.len() < targets.len() {
        verdicts.push(client.verdict().await);
    }
    assert_eq!(verdicts, [Verdict::NotBegun, Verdict::Done, Verdict::Done]);
    // What is asked for later is not meant.
    client.snapshot().await;
    client.handle.act(Action::Start, vec![targets[2].clone()]);
    assert_eq!(client.verdict().await, Verdict::Already);
    client.end();
}

async fn a_silent_daemon_is_named_and_replaced_by_a_new_connection() {
    let mut client = Client::start(Script::default().with("methods", When::Next, Fault::Silent));
    assert_eq!(client.down().await, Problem::Silent { method: "methods".into() });
    client.snapshot().await;
    assert!(client.demo.script().counters().rpc_connections_total >= 2);
    client.end();
}

async fn a_timed_out_action_is_unknown_and_the_connection_is_replaced() {
    let mut client = recovers("ping", Fault::Silent).await;
    let script = client.demo.script();
    let before = script.counters().rpc_connections_total;
    script.set("stopProcessId", When::Next, Fault::Silent);
    client.act(Action::Stop);
    let verdict = client.verdict().await;
    assert_eq!(verdict, Verdict::timed_out(11_600));
    client.snapshot().await;
    let replaced = script.wait_until(|counters| counters.rpc_connections_total > before);
    tokio::time::timeout(PATIENCE, replaced).await.unwrap();
    client.act(Action::Start);
    let verdict = client.verdict().await;
    assert!(!matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
    client.end();
}

async fn half_a_frame_garbage_and_an_oversize_frame_cost_the_connection_only() {
    for fault in [Fault::HalfFrame, Fault::Close] {
        let mut client = recovers("getMonitorData", fault).await;
        assert!(client.demo.script().counters().rpc_connections_total >= 2);
        client.snapshot().await;
        client.end();
    }
    for fault in [Fault::Garbage, Fault::WrongVersion, Fault::Oversize] {
        let script = Script::default().with("getMonitorData", When::Next, fault);
        let mut client = Client::start(script);
        client.warning().await;
        client.snapshot().await;
        client.end();
    }
}

async fn broken_json_and_a_process_without_env_are_counted_on_the_same_connection() {
    for fault in [Fault::BrokenJson, Fault::WithoutEnv] {
        let mut client = Client::start(Script::default().with("getMonitorData", When::Next, fault));
        client.warning().await;
        client.snapshot().await;
        client.snapshot().await;
        assert_eq!(client.processes.len(), 3);
        assert_eq!(client.demo.script().counters().rpc_connections_total, 1);
        client.end();
    }
}

async fn replies_to_unknown_ids_and_out_of_order_find_their_calls() {
    let mut client = recovers("getMonitorData", Fault::UnknownIdFirst).await;
    client.snapshot().await;
    let script = client.demo.script();
    // The reply to the restart waits for the next one, that of a poll or of the other action.
    script.set("restartProcessId", When::Next, Fault::HoldUntilNext);
    client.act(Action::Restart);
    assert!(client.verdict().await.is_success());
    assert_eq!(script.counters().rpc_connections_total, 1);
    client.end();
}

async fn what_is_pending_fails_when_the_daemon_goes_and_it_returns_with_other_processes() {
    let mut client = recovers("ping", Fault::Silent).await;
    let script = client.demo.script();
    script.set("restartProcessId", When::Next, Fault::Silent);
    client.act(Action::Restart);
    let sent = script.wait_until(|counters| counters.count("restartProcessId") == 1);
    tokio::time::timeout(PATIENCE, sent).await.unwrap();
    script.die().await.unwrap();
    let verdict = client.verdict().await;
    assert!(matches!(verdict, Verdict::Unknown { is_closed: true, .. }), "{verdict:?}");
    let world = World::quiet(2, epoch_ms()).renumbered(40);
    let ids: Vec<u32> = world.pm_ids().collect();
    script.come_back(world).await.unwrap();
    client.seen.clear();
    while client.processes.len() != 2 {
        client.snapshot().await;
    }
    let found: Vec<u32> = client.processes.iter().map(|process| process.pm_id.0).collect();
    assert_eq!(found, ids);
    client.end();
}

async fn a_broken_bus_message_costs_itself_and_a_broken_stream_the_connection() {
    let mut client = recovers("ping", Fault::Silent).await;
    let script = client.demo.script();
    let subscribed = |count: usize| {
        let script = script.clone();
        async move {
            let subscribed = script.wait_until(|counters| counters.bus_connections() == count);
            tokio::time::timeout(PATIENCE, subscribed).await.unwrap();
        }
    };
    subscribed(1).await;
    script.now(Socket::Bus, Fault::BrokenJson).await.unwrap();
    assert!(client.warning().await.starts_with("bus: "));
    assert_eq!(script.counters().bus_connections_total, 1);
    script.now(Socket::Bus, Fault::Garbage).await.unwrap();
    client.warning().await;
    let again = script.wait_until(|counters| counters.bus_connections_total == 2);
    tokio::time::timeout(PATIENCE, again).await.unwrap();
    subscribed(1).await;
    client.act(Action::Restart);
    client.wait(|report| matches!(report, Report::Process(_)).then_some(())).await;
    client.end();
}

async fn a_bus_flood_is_read_while_the_app_takes_nothing() {
    const LINES: u64 = 200_000;
    let client = recovers("ping", Fault::Silent).await;
    let script = client.demo.script();
    let subscribed = script.wait_until(|counters| counters.bus_connections() == 1);
    tokio::time::timeout(PATIENCE, subscribed).await.unwrap();
    let pm_id = client.processes[0].pm_id.0;
    script.flood(pm_id, LINES).await.unwrap();
    let drained = script.wait_until(|counters| {
        counters.floods_done == 1 && counters.bus_queued_bytes.iter().all(|bytes| *bytes == 0)
    });
    tokio::time::timeout(PATIENCE, drained).await.unwrap();
    // An event behind the flood says that all of it was read.
    client.act(Action::Restart);
    let (mut kept, mut lost, mut is_over) = (0, 0, false);
    while !is_over {
        let ready = tokio::time::timeout(PATIENCE, client.inbox.ready()).await;
        ready.expect("no event behind the flood");
        let mut batch = Vec::new();
        client.inbox.take(&mut batch, usize::MAX);
        for (_, report) in batch {
            match report {
                Report::Lines(lines) => {
                    let is_flood = |line: &&_| is_of(pm_id, line);
                    for line in lines.iter().filter(is_flood) {
                        let is_lost = matches!(line.kind, LineKind::Lost { .. });
                        let count = if is_lost { &mut lost } else { &mut kept };
                        *count += line.missing().1;
                    }
                }
                Report::Process(_) => is_over = true,
                _ => {}
            }
        }
    }
    assert!(kept > 0 && lost > 0, "{kept} kept, {lost} lost");
    assert!(kept + lost >= LINES, "{kept} kept and {lost} lost of {LINES}");
    let counters = script.counters();
    assert_eq!((counters.bus_overflows, counters.bus_connections_total), (0, 1));
    client.end();
}

fn is_of(pm_id: u32, line: &pm2_tui::model::log::LogLine) -> bool {
    line.source.pm_id.is_some_and(|id| id.0 == pm_id)
}
