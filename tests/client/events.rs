//! The bus of a real PM2, and messages to apps.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use pm2_tui::Bus;
use pm2_tui::client::{BusItem, Event};
use pm2_tui::daemon::Endpoint;
use serde_json::json;

use super::{block_on, connect};
use crate::harness::PATIENCE;
use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;

async fn subscribe(home: &Pm2Home, patterns: &[&str]) -> Bus {
    let mut bus = Bus::subscribe(&Endpoint::in_home(home.path()), patterns).unwrap();
    let first = tokio::time::timeout(PATIENCE, bus.next()).await;
    assert_eq!(first, Ok(Some(BusItem::Connected)));
    bus
}

async fn next(bus: &mut Bus) -> Event {
    match tokio::time::timeout(PATIENCE, bus.next()).await {
        Ok(Some(BusItem::Event(event))) => event,
        other => panic!("no event: {other:?}"),
    }
}

/// Starts an app of two instances that answers each message it gets.
fn answering() -> Pm2Home {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("quiet")]);
    let script = home.apps().join("echo.js");
    let text = "process.on('message', (got) => process.send({ type: 'my:echo', data: { got } }));
setInterval(() => process.send({ type: 'my:ready', data: {} }), 100);";
    std::fs::write(&script, text).unwrap();
    home.cli(&["start", script.to_str().unwrap(), "--name", "echo", "-i", "2"]);
    home
}

pub(crate) fn a_message_reaches_every_instance() {
    let home = answering();
    home.mark();
    block_on(async {
        let client = connect(&home).await;
        let mut ready = subscribe(&home, &["my:ready"]).await;
        let mut listening = BTreeSet::new();
        while listening.len() < 2 {
            listening.insert(next(&mut ready).await.data["process"]["pm_id"].as_u64());
        }
        let mut bus = subscribe(&home, &["my:echo"]).await;
        let by_name = json!({ "name": "echo", "msg": { "type": "god:hello", "extra": 1 } });
        let reached = client.msg_process(by_name).await.unwrap();
        assert_eq!(reached, json!({ "process_count": 2, "success": true }));
        for _ in 0..2 {
            let event = next(&mut bus).await;
            assert_eq!(event.topic, "my:echo");
            assert_eq!(event.data["data"]["got"]["type"], "god:hello");
            assert_eq!(event.data["data"]["got"]["extra"], 1);
            assert_eq!(&*event.process.unwrap().name, "echo");
        }
        let id = home.jlist().iter().find(|process| process.name == "echo").unwrap().pm_id;
        let action = vec![json!({ "id": id, "msg": "hello" })];
        let error = client.call("msgProcess", action).await.unwrap_err();
        let pm2_tui::client::ClientError::NoSuchAction { reason } = &error else {
            panic!("{error}")
        };
        assert!(reason.contains("the action `hello`"), "a text is an action: {reason}");
        let by_id = json!([{ "id": id, "msg": { "data": "hello" } }]);
        let reached = client.call("msgProcess", by_id.as_array().unwrap().clone()).await.unwrap();
        assert_eq!(reached["process_count"], 1);
        let event = next(&mut bus).await;
        assert_eq!(event.data["data"]["got"]["data"], "hello");
        home.assert_unharmed_but(&[]);
    });
}

pub(crate) fn events_come_under_both_names() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one")]);
    block_on(async {
        let client = connect(&home).await;
        let mut both = subscribe(&home, &["process:*"]).await;
        let mut old = subscribe(&home, &["process:online", "process:exit"]).await;
        client.restart_process_id(0).await.unwrap();
        let mut topics = Vec::new();
        while topics.last().is_none_or(|topic| topic != "process:online") {
            topics.push(next(&mut both).await.topic);
        }
        let event = "process:event";
        let exit = "process:exit";
        assert_eq!(topics, [event, exit, event, exit, event, "process:online"]);
        for topic in [exit, exit, "process:online"] {
            let seen = next(&mut old).await;
            assert_eq!(seen.topic, topic);
            assert_eq!(&*seen.process.unwrap().name, "one");
        }
        client.kill_me().await.unwrap();
        let gone = loop {
            match tokio::time::timeout(PATIENCE, old.next()).await.unwrap() {
                Some(BusItem::Reconnecting { problem, .. }) => break problem.sentence(),
                Some(_) => {}
                None => panic!("the stream ended"),
            }
        };
        assert!(gone.contains("killed"), "{gone}");
        home.start(&[apps::idle("back")]);
        while tokio::time::timeout(PATIENCE, old.next()).await.unwrap() != Some(BusItem::Connected)
        {
        }
    });
}
