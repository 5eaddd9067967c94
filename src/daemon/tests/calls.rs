//! What is sent for each action, and how actions end.

use super::*;

/// The calls, less polls, that an action on a process of this status makes.
async fn check(action: Action, status: ProcessStatus, has_pid: bool, expected: &[(&str, Json)]) {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    let id = rpc.expect("getMonitorData").await;
    let mut polled = process();
    if !has_pid {
        polled.as_object_mut().unwrap().remove("pid");
    }
    rpc.answer(&id, &json!({ "args": [[polled]] })).await;
    client.snapshot().await;
    // An event has no pid, so what the user saw may have none: only a poll can tell.
    let mut info = info(status);
    info.pid = None;
    client.handle.act(action, &info);
    let calls = rpc.calls(expected.len()).await;
    let expected: Vec<(String, Json)> =
        expected.iter().map(|(method, args)| ((*method).to_owned(), args.clone())).collect();
    assert_eq!(calls, expected);
    let served = tokio::spawn(async move {
        if let Some((_, method, args)) = rpc.call().await {
            panic!("one call too many: {method} {args}");
        }
    });
    assert_eq!(client.outcome().await, (action, ActionOutcome::Done));
    // The poll that follows comes on the same connection, after whatever else was sent.
    client.snapshot().await;
    client.snapshot().await;
    client.handle.shut_down().await;
    served.await.unwrap();
}

fn told(word: &str) -> (&str, Json) {
    let args = json!([{ "id": 1, "action_name": word, "manually": true }]);
    ("notifyByProcessId", args)
}

#[tokio::test]
async fn actions_do_what_the_pm2_cli_does() {
    use ProcessStatus::{Online, Stopped, WaitingRestart};
    let stop = || ("stopProcessId", json!([1]));
    let restart = || ("restartProcessId", json!([{ "id": 1 }]));
    check(Action::Restart, Online, true, &[restart(), told("restart")]).await;
    let waiting = [stop(), restart(), told("restart")];
    check(Action::Restart, WaitingRestart, true, &waiting).await;
    let watched = ("stopWatch", json!(["stopProcessId", 1]));
    check(Action::Stop, Online, true, &[watched, stop(), told("stop")]).await;
    let start = || ("startProcessId", json!([1]));
    check(Action::Start, Stopped, false, &[start()]).await;
    check(Action::Start, WaitingRestart, true, &[stop(), start()]).await;
    check(Action::Start, Online, true, &[start()]).await;
    let ghost = [restart(), told("restart")];
    check(Action::Start, Online, false, &ghost).await;
    let reload = ("reloadProcessId", json!([{ "id": 1 }]));
    check(Action::Reload, Online, true, &[reload, told("reload")]).await;
    let watched = ("stopWatch", json!(["deleteProcessId", 1]));
    let delete = ("deleteProcessId", json!([1]));
    check(Action::Delete, Online, true, &[watched, delete]).await;
}

#[tokio::test]
async fn a_process_that_came_to_wait_meanwhile_is_stopped_first() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    client.act(Action::Restart, ProcessStatus::Online);
    let (id, ..) = rpc.call().await.unwrap();
    let refusal = json!({ "error": "Process with pid 10 already exists", "stack": "" });
    rpc.answer(&id, &refusal).await;
    let calls = rpc.calls(2).await;
    assert_eq!(calls[0].0, "stopProcessId");
    assert_eq!(calls[1].0, "restartProcessId");
    assert_eq!(client.outcome().await.1, ActionOutcome::Done);
}

#[tokio::test]
async fn a_call_that_the_daemon_does_not_take_is_not_sent() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept().await;
    let mut methods = methods();
    methods["restartProcessId"] = json!({ "params": ["id", "opts", "cb"] });
    methods.as_object_mut().unwrap().remove("reloadProcessId");
    rpc.shake_hands(&methods).await;
    client.live().await;
    client.act(Action::Restart, ProcessStatus::Online);
    client.act(Action::Reload, ProcessStatus::Online);
    for _ in 0..2 {
        let (_, outcome) = client.outcome().await;
        assert!(matches!(outcome, ActionOutcome::Failed(_)), "{outcome:?}");
    }
    let served = tokio::spawn(async move {
        if let Some((_, method, args)) = rpc.call().await {
            panic!("sent: {method} {args}");
        }
    });
    client.snapshot().await;
    client.snapshot().await;
    client.handle.shut_down().await;
    served.await.unwrap();
}

#[tokio::test]
async fn refusals_are_told_and_no_pid_to_kill_is_none() {
    let refused = |message: &str| json!({ "error": message, "stack": "x" });
    let inside =
        json!({ "args": [{ "error": true, "message": "could not kill process w/o pid" }] });
    let failed = |message: &str| ActionOutcome::Failed(message.into());
    let cases = [
        (Action::Stop, refused("1 : id unknown"), failed("process 1 is gone")),
        (Action::Restart, refused("God db process id unknown"), failed("process 1 is gone")),
        (Action::Reload, refused("PM2 ID unknown"), failed("process 1 is gone")),
        (
            Action::Start,
            refused("process already \u{1b}[31monline"),
            failed("process already online"),
        ),
        (Action::Stop, inside.clone(), ActionOutcome::Done),
        (Action::Delete, inside, ActionOutcome::Done),
    ];
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    for (action, answer, expected) in cases {
        client.act(action, ProcessStatus::Online);
        loop {
            let (id, method, _) = rpc.call().await.unwrap();
            let courtesy = ["stopWatch", "notifyByProcessId"].contains(&method.as_str());
            let success = json!({ "args": [] });
            rpc.answer(&id, if courtesy { &success } else { &answer }).await;
            if !courtesy {
                break;
            }
        }
        assert_eq!(client.outcome().await, (action, expected));
    }
}

#[tokio::test]
async fn replies_come_in_any_order_and_unknown_ones_are_ignored() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    client.act(Action::Restart, ProcessStatus::Online);
    let first = rpc.call().await.unwrap();
    client.act(Action::Start, ProcessStatus::Stopped);
    let second = rpc.call().await.unwrap();
    assert_eq!((&*first.1, &*second.1), ("restartProcessId", "startProcessId"));
    rpc.answer("1:999999", &json!({ "args": [] })).await;
    rpc.answer(&second.0, &json!({ "error": "no", "stack": "" })).await;
    let outcome = client.outcome().await;
    assert_eq!(outcome, (Action::Start, ActionOutcome::Failed("no".into())));
    rpc.answer(&first.0, &json!({ "args": [{}] })).await;
    assert_eq!(client.outcome().await, (Action::Restart, ActionOutcome::Done));
}

#[tokio::test]
async fn actions_beyond_the_bound_are_refused_at_once() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    for _ in 0..=ACTIONS_MAX {
        client.act(Action::Restart, ProcessStatus::Online);
    }
    assert_eq!(client.outcome().await, (Action::Restart, ActionOutcome::Busy));
    for _ in 0..ACTIONS_MAX {
        let (_, method, _) = rpc.call().await.unwrap();
        assert_eq!(method, "restartProcessId");
    }
    drop(rpc);
    for _ in 0..ACTIONS_MAX {
        let (_, outcome) = client.outcome().await;
        assert_eq!(outcome, ActionOutcome::Disconnected);
    }
}

#[tokio::test]
async fn an_action_while_down_says_so_at_once() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, Timings { backoff_base: PATIENCE, ..timings() });
    drop(peer.accept().await);
    assert_eq!(client.down().await, Problem::Closed);
    client.act(Action::Stop, ProcessStatus::Online);
    let (_, outcome) = client.outcome().await;
    let ActionOutcome::Failed(why) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("the daemon closed the connection"), "{why}");
    // The user's wish does not wait for the backoff.
    client.handle.refresh();
    let _rpc = peer.accept_live().await;
    client.live().await;
}

#[tokio::test]
async fn a_call_by_name_is_checked_sent_and_answered_once() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, Timings { named: Duration::from_millis(30), ..timings() });
    let mut rpc = peer.accept_live().await;
    let known = client.wait(|report| match report {
        Report::Methods(methods) => Some(methods.has("stopProcessId")),
        _ => None,
    });
    assert!(known.await);
    client.live().await;
    // Refused here: not a byte of it is sent, the next call comes first.
    client.call("stopProcessId", vec![Json::Null]);
    let CallOutcome::Failed(why) = client.call_outcome().await else { panic!("not refused") };
    assert!(why.contains("stopProcessId takes"), "{why}");
    client.call("noSuchMethod", vec![]);
    let CallOutcome::Failed(why) = client.call_outcome().await else { panic!("not refused") };
    assert!(why.contains("no method noSuchMethod"), "{why}");
    client.call("stopProcessId", vec![json!("1")]);
    let (id, method, args) = rpc.call().await.unwrap();
    assert_eq!((&*method, args), ("stopProcessId", json!([1])));
    rpc.answer(&id, &json!({ "args": [{ "a": "x\u{1b}[2J" }] })).await;
    let said = CallOutcome::Answered(r#"{"a":"x\u001b[2J"}"#.into());
    assert_eq!(client.call_outcome().await, said);
    client.call("stopProcessId", vec![json!(2)]);
    let (id, ..) = rpc.call().await.unwrap();
    rpc.answer(&id, &json!({ "error": "2 : id unknown" })).await;
    assert_eq!(client.call_outcome().await, CallOutcome::Failed("2 : id unknown".into()));
    client.call("getVersion", vec![json!({})]);
    rpc.call().await.unwrap();
    assert_eq!(client.call_outcome().await, CallOutcome::TimedOut { waited_ms: 30 });
}

#[tokio::test]
async fn a_suspension_ends_a_call_by_name_and_too_many_are_refused() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    for id in 0..ACTIONS_MAX {
        client.call("stopProcessId", vec![json!(id)]);
    }
    client.call("stopProcessId", vec![json!(99)]);
    assert_eq!(client.call_outcome().await, CallOutcome::Busy);
    rpc.call().await.unwrap();
    client.handle.suspend().await;
    for _ in 0..ACTIONS_MAX {
        assert_eq!(client.call_outcome().await, CallOutcome::Disconnected);
    }
    client.call("stopProcessId", vec![json!(1)]);
    let CallOutcome::Failed(why) = client.call_outcome().await else { panic!("not refused") };
    assert!(why.contains("suspended"), "{why}");
}
