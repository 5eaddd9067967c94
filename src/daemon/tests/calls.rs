//! What is sent for each action, and how actions end.

use super::*;

/// The calls, less polls, that an action on a process of this status makes.
async fn check(action: Action, status: ProcessStatus, has_pid: bool, expected: &[(&str, Json)]) {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    let id = rpc.expect("getMonitorData").await;
    if !has_pid {
        rpc.polled.as_object_mut().unwrap().remove("pid");
    }
    rpc.say(&status);
    let polled = json!({ "args": [[rpc.polled]] });
    rpc.answer(&id, &polled).await;
    client.snapshot().await;
    client.act(action);
    let calls = rpc.calls(expected.len()).await;
    let expected: Vec<(String, Json)> =
        expected.iter().map(|(method, args)| ((*method).to_owned(), args.clone())).collect();
    assert_eq!(calls, expected);
    if action == Action::Delete {
        rpc.polled = json!({});
    } else if action == Action::Stop {
        rpc.say(&ProcessStatus::Stopped);
    } else {
        rpc.polled = process();
    }
    let served = tokio::spawn(async move {
        if let Some((_, method, args)) = rpc.call().await {
            panic!("one call too many: {method} {args}");
        }
    });
    let (done, verdict) = client.verdict().await;
    assert_eq!((done, verdict.is_success()), (action, true), "{verdict:?}");
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
    check(Action::Start, Online, true, &[]).await;
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
    client.act(Action::Restart);
    let (id, ..) = rpc.call().await.unwrap();
    let refusal = json!({ "error": "Process with pid 10 already exists", "stack": "" });
    rpc.answer(&id, &refusal).await;
    let calls = rpc.calls(2).await;
    assert_eq!(calls[0].0, "stopProcessId");
    assert_eq!(calls[1].0, "restartProcessId");
    assert!(client.verdict_from(&mut rpc).await.1.is_success());
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
    client.act(Action::Restart);
    client.act(Action::Reload);
    for _ in 0..2 {
        let none = async { rpc.call().await.map(|(_, method, args)| (method, args)) };
        let (_, verdict) = tokio::select! {
            verdict = client.verdict() => verdict,
            call = none => panic!("sent: {call:?}"),
        };
        assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
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
    let failed = |message: &str| Verdict::Refused(message.into());
    let cases = [
        (Action::Stop, refused("1 : id unknown"), Verdict::Gone),
        (Action::Restart, refused("God db process id unknown"), Verdict::Gone),
        (Action::Reload, refused("PM2 ID unknown"), Verdict::Gone),
        (
            Action::Start,
            refused("process already \u{1b}[31monline"),
            failed("process already online"),
        ),
        (Action::Stop, inside.clone(), Verdict::Done),
        (Action::Delete, inside, Verdict::Done),
    ];
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    for (action, answer, expected) in cases {
        rpc.polled = process();
        if action == Action::Start {
            rpc.say(&ProcessStatus::Stopped);
        }
        client.act(action);
        loop {
            let (id, method, _) = rpc.call().await.unwrap();
            let courtesy = ["stopWatch", "notifyByProcessId"].contains(&method.as_str());
            let success = json!({ "args": [] });
            rpc.answer(&id, if courtesy { &success } else { &answer }).await;
            if !courtesy {
                break;
            }
        }
        match action {
            Action::Delete => rpc.polled = json!({}),
            Action::Stop => rpc.say(&ProcessStatus::Stopped),
            _ => {}
        }
        assert_eq!(client.verdict_from(&mut rpc).await, (action, expected));
    }
}

#[tokio::test]
async fn replies_come_in_any_order_and_unknown_ones_are_ignored() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    client.act(Action::Restart);
    let first = rpc.call().await.unwrap();
    rpc.say(&ProcessStatus::Stopped);
    client.act(Action::Start);
    let second = rpc.call().await.unwrap();
    assert_eq!((&*first.1, &*second.1), ("restartProcessId", "startProcessId"));
    rpc.answer("1:999999", &json!({ "args": [] })).await;
    rpc.answer(&second.0, &json!({ "error": "no", "stack": "" })).await;
    let verdict = client.verdict().await;
    assert_eq!(verdict, (Action::Start, Verdict::Refused("no".into())));
    rpc.answer(&first.0, &json!({ "args": [{}] })).await;
    rpc.polled = process();
    let (action, verdict) = client.verdict_from(&mut rpc).await;
    assert_eq!((action, verdict.is_success()), (Action::Restart, true), "{verdict:?}");
}

#[tokio::test]
async fn actions_beyond_the_bound_are_refused_at_once() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    for _ in 0..=ACTIONS_MAX {
        client.act(Action::Restart);
    }
    let (_, verdict) = client.verdict().await;
    assert!(matches!(&verdict, Verdict::Refused(why) if why.contains("too many")), "{verdict:?}");
    for _ in 0..ACTIONS_MAX {
        let (_, method, _) = rpc.call().await.unwrap();
        assert_eq!(method, "restartProcessId");
    }
    drop(rpc);
    for _ in 0..ACTIONS_MAX {
        let (_, verdict) = client.verdict().await;
        assert!(matches!(verdict, Verdict::Unknown { is_closed: true, .. }), "{verdict:?}");
    }
}

#[tokio::test]
async fn an_action_while_down_says_so_at_once() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, Timings { backoff_base: PATIENCE, ..timings() });
    let rpc = peer.accept().await;
    // A bus that comes later would end the pause before the next try.
    client.wait(|report| matches!(report, Report::Bus(BusState::Live)).then_some(())).await;
    drop(rpc);
    assert_eq!(client.down().await, Problem::Closed);
    client.act(Action::Stop);
    let (_, verdict) = client.verdict().await;
    let Verdict::Refused(why) = verdict else {
        panic!("{verdict:?}");
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

#[tokio::test]
async fn another_process_under_the_same_id_gets_nothing() {
    let peer = Peer::new();
    let mut client = Client::new(&peer, timings());
    let mut rpc = peer.accept_live().await;
    client.live().await;
    rpc.polled["name"] = json!("delta");
    rpc.polled["pm2_env"]["name"] = json!("delta");
    for action in [Action::Restart, Action::Stop, Action::Start, Action::Reload, Action::Delete] {
        client.act(action);
        let (_, verdict) = tokio::select! {
            verdict = client.verdict() => verdict,
            call = rpc.call() => panic!("sent: {call:?}"),
        };
        assert_eq!(verdict, Verdict::Replaced { by: "id 1 is delta now".into() });
    }
    rpc.polled = json!({});
    client.act(Action::Delete);
    let (_, verdict) = tokio::select! {
        verdict = client.verdict() => verdict,
        call = rpc.call() => panic!("sent: {call:?}"),
    };
    assert_eq!(verdict, Verdict::Gone);
}
