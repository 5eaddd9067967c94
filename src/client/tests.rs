//! The client and the bus against the simulated daemon, which says when a call would have killed a
//! real one.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value as Json, json};

use super::*;
use crate::demo::{Demo, Fault, Script, When, World, epoch_ms};
use crate::model::daemon::Problem;

const PATIENCE: Duration = Duration::from_secs(20);

fn demo(script: Script) -> Demo {
    Demo::start(World::quiet(4, epoch_ms()), script).unwrap()
}

async fn connect(demo: &Demo, timeout: Duration) -> Client {
    let options = ClientOptions { timeout, ..ClientOptions::default() };
    Client::connect(&Endpoint::in_home(demo.home()), options).await.unwrap()
}

fn end(demo: &Demo) {
    assert!(!demo.script().counters().had_bad_call);
}

#[tokio::test]
async fn bad_calls_of_every_method_never_reach_the_daemon() {
    let demo = demo(Script::default());
    let client = connect(&demo, PATIENCE).await;
    let bad = [
        json!([]),
        json!([null]),
        json!(["abc"]),
        json!([9999]),
        json!([[]]),
        json!([9999, {}]),
        json!([null, null]),
        json!([{}, {}, {}]),
    ];
    for method in client.callable().iter().filter(|method| *method != "reloadLogs") {
        for args in &bad {
            let result = client.call(method, args.as_array().unwrap().clone()).await;
            let is_lost = matches!(result, Err(ClientError::Closed | ClientError::Timeout { .. }));
            assert!(!is_lost, "{method} {args}: {result:?}");
            end(&demo);
        }
    }
    assert_eq!(client.snapshot().await.unwrap().processes.len(), 4);
}

#[tokio::test]
async fn a_timeout_is_named_and_the_next_call_has_a_new_connection() {
    let demo = demo(Script::default().with("getReport", When::Next, Fault::Silent));
    let client = connect(&demo, Duration::from_millis(300)).await;
    let before = demo.script().counters().rpc_connections_total;
    let error = client.call("getReport", vec![json!({})]).await.unwrap_err();
    let waited = Duration::from_millis(300);
    assert_eq!(error, ClientError::Timeout { method: "getReport".to_owned(), waited });
    assert!(client.call("ping", vec![json!({})]).await.is_ok());
    assert!(demo.script().counters().rpc_connections_total > before);
    end(&demo);
}

#[tokio::test]
async fn a_list_that_was_refused_or_is_broken_is_an_error() {
    let script = Script::default()
        .with("getMonitorData", When::Next, Fault::Refuse("not now".to_owned()))
        .with("getMonitorData", When::Next, Fault::BrokenJson)
        .with("getMonitorData", When::Next, Fault::WithoutEnv);
    let demo = demo(script);
    let client = connect(&demo, PATIENCE).await;
    let refused = client.snapshot().await.unwrap_err();
    assert!(
        matches!(&refused, ClientError::Daemon { message, .. } if message == "not now"),
        "{refused:?}"
    );
    let broken = client.snapshot().await.unwrap_err();
    assert!(matches!(&broken, ClientError::BadReply { method, .. } if method == "getMonitorData"));
    let partial = client.snapshot().await.unwrap();
    assert_eq!((partial.processes.len(), partial.warnings.len()), (3, 1));
    assert_eq!(client.version().await.unwrap().as_deref(), Some("7.0.4"));
    end(&demo);
}

#[tokio::test]
async fn what_the_daemon_has_not_is_composed() {
    let demo = demo(Script::default());
    let client = connect(&demo, PATIENCE).await;
    let names = |value: &Json| value.as_array().unwrap().len();
    let stopped = client.stop_all().await.unwrap();
    let status = |process: &Json| process["pm2_env"]["status"] == json!("stopped");
    assert!(stopped.as_array().unwrap().iter().all(status), "{stopped}");
    let name = stopped[0]["name"].as_str().unwrap();
    client.restart_process_name(name).await.unwrap();
    let before = names(&client.get_monitor_data().await.unwrap());
    assert!(names(&client.delete_process(name).await.unwrap()) < before);
    assert_eq!(client.delete_all().await, Ok(json!([])));
    let unknown = client.call("nosuch", vec![]).await.unwrap_err();
    assert!(matches!(unknown, ClientError::UnknownMethod { known, .. } if known.len() > 20));
    end(&demo);
}

#[tokio::test]
async fn killing_deletes_first() {
    let demo = demo(Script::default());
    let client = connect(&demo, PATIENCE).await;
    client.kill_me().await.unwrap();
    assert_eq!(client.snapshot().await, Err(ClientError::Closed));
    end(&demo);
}

#[tokio::test]
async fn nobody_there_is_an_error_that_names_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::in_home(folder.path());
    let error = Client::connect(&endpoint, ClientOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("rpc.sock"), "{error}");
    let mut bus = Bus::subscribe(&endpoint, &["*"]).unwrap();
    let item = tokio::time::timeout(PATIENCE, bus.next()).await.unwrap();
    let is_missing = |item: &BusItem| {
        matches!(item, BusItem::Reconnecting { problem: Problem::SocketMissing { .. }, .. })
    };
    assert!(item.as_ref().is_some_and(is_missing), "{item:?}");
}

#[tokio::test]
async fn every_event_of_a_flood_comes_or_is_counted() {
    const EVENTS: u64 = 40_000;
    let demo = demo(Script::default());
    let mut bus = Bus::subscribe(&Endpoint::in_home(demo.home()), &["log:out", "my:end"]).unwrap();
    assert_eq!(bus.next().await, Some(BusItem::Connected));
    let script = demo.script();
    let known = script.wait_until(|counters| counters.bus_connections_total > 0);
    tokio::time::timeout(PATIENCE, known).await.unwrap();
    for _ in 0..EVENTS {
        script.publish("my:end", json!({ "data": "x".repeat(300) })).await.unwrap();
    }
    script.publish("my:end", json!({ "is_last": true })).await.unwrap();
    let (mut taken, mut lost) = (0_u64, 0_u64);
    loop {
        match tokio::time::timeout(PATIENCE, bus.next()).await.unwrap() {
            Some(BusItem::Event(event)) if event.data["is_last"] == json!(true) => break,
            Some(BusItem::Event(_)) => taken += 1,
            Some(BusItem::Lost(count)) => lost += count,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(taken + lost, EVENTS);
}

#[tokio::test]
async fn a_message_over_the_bound_costs_the_connection_and_one_over_the_queue_does_not() {
    let demo = demo(Script::default());
    let endpoint = Endpoint::in_home(demo.home());
    let options = ClientOptions { frame_bytes_max: 1 << 20, ..ClientOptions::default() };
    let mut small = Bus::subscribe_with(&endpoint, &["my:*"], options).unwrap();
    let mut large = Bus::subscribe(&endpoint, &["my:*"]).unwrap();
    for bus in [&mut small, &mut large] {
        assert_eq!(bus.next().await, Some(BusItem::Connected));
    }
    let script = demo.script();
    let known = script.wait_until(|counters| counters.bus_connections_total > 1);
    tokio::time::timeout(PATIENCE, known).await.unwrap();
    for (topic, bytes) in [("my:first", 10), ("my:dump", 10 << 20), ("my:last", 10)] {
        script.publish(topic, json!({ "data": "x".repeat(bytes) })).await.unwrap();
    }
    let next = async |bus: &mut Bus| tokio::time::timeout(PATIENCE, bus.next()).await.unwrap();
    for wanted in ["my:first", "my:dump", "my:last"] {
        let item = next(&mut large).await;
        assert!(matches!(&item, Some(BusItem::Event(event)) if event.topic == wanted), "{item:?}");
    }
    assert!(matches!(next(&mut small).await, Some(BusItem::Event(_))));
    match next(&mut small).await {
        Some(BusItem::Reconnecting { problem: Problem::TooLarge { max, .. }, .. }) => {
            assert_eq!(max, 1_048_576);
        }
        other => panic!("{other:?}"),
    }
}
