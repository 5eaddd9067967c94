use super::*;

fn reply(body: &str) -> Reply {
    let frame =
        Frame::new(vec![Bytes::from(format!("j:{body}")), Bytes::from_static(b"s:1:1")]).unwrap();
    Reply::parse(&frame).unwrap()
}

fn outcome(body: &str) -> Outcome {
    reply(body).outcome().unwrap()
}

fn failure(message: &str) -> Outcome {
    Outcome::Failure { message: message.to_owned(), stack: None }
}

/// The methods as PM2 7.0.4 lists them, with `reloadProcessId` as given.
fn methods(reload: &str) -> Methods {
    Methods::parse(&reply(&format!(
        r#"{{"methods":{{
            "ping":{{"params":["env","cb"]}},
            "getVersion":{{"params":["env","cb"]}},
            "getMonitorData":{{"params":["env","cb"]}},
            "startProcessId":{{"params":["id","cb"]}},
            "stopProcessId":{{"params":["id","cb"]}},
            "deleteProcessId":{{"params":["id","cb"]}},
            "restartProcessId":{{"params":["opts","cb"]}},
            "reloadProcessId":{{"params":["{reload}","cb"]}},
            "stopWatch":{{"params":["method","value","fn"]}},
            "notifyByProcessId":{{"params":["opts","cb"]}}
        }}}}"#
    )))
    .unwrap()
}

fn every_call() -> Vec<Call> {
    let id = PmId(7);
    let mut calls = vec![
        Call::Ping,
        Call::GetVersion,
        Call::GetMonitorData,
        Call::StartProcessId(id),
        Call::StopProcessId(id),
        Call::RestartProcessId(id),
        Call::ReloadProcessId(id),
        Call::DeleteProcessId(id),
    ];
    for before in [WatchedAction::Stop, WatchedAction::Delete] {
        calls.push(Call::StopWatch { before, id });
    }
    for action_name in
        [ActionName::Restart, ActionName::Stop, ActionName::Start, ActionName::Reload]
    {
        calls.push(Call::NotifyByProcessId { id, action_name });
    }
    calls
}

/// The JSON that a call puts on the wire.
fn sent(call: &Call, methods: &Methods) -> String {
    let checked = methods.check(call).unwrap();
    let frame = request_frame(&checked, &RequestId::new(12, 3));
    let [body, id] = frame.args() else {
        panic!("a call is two arguments");
    };
    assert_eq!(Value::parse(id), Value::Text("12:3"));
    let Value::Json(body) = Value::parse(body) else {
        panic!("a call is JSON");
    };
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn what_goes_out_is_what_the_daemon_takes() {
    let methods = methods("opts");
    let calls: Vec<String> = every_call().iter().map(|call| sent(call, &methods)).collect();
    assert_eq!(
        calls,
        [
            r#"{"args":[{}],"method":"ping","type":"call"}"#,
            r#"{"args":[{}],"method":"getVersion","type":"call"}"#,
            r#"{"args":[{}],"method":"getMonitorData","type":"call"}"#,
            r#"{"args":[7],"method":"startProcessId","type":"call"}"#,
            r#"{"args":[7],"method":"stopProcessId","type":"call"}"#,
            r#"{"args":[{"id":7}],"method":"restartProcessId","type":"call"}"#,
            r#"{"args":[{"id":7}],"method":"reloadProcessId","type":"call"}"#,
            r#"{"args":[7],"method":"deleteProcessId","type":"call"}"#,
            r#"{"args":["stopProcessId",7],"method":"stopWatch","type":"call"}"#,
            r#"{"args":["deleteProcessId",7],"method":"stopWatch","type":"call"}"#,
            r#"{"args":[{"action_name":"restart","id":7,"manually":true}],"method":"notifyByProcessId","type":"call"}"#,
            r#"{"args":[{"action_name":"stop","id":7,"manually":true}],"method":"notifyByProcessId","type":"call"}"#,
            r#"{"args":[{"action_name":"start","id":7,"manually":true}],"method":"notifyByProcessId","type":"call"}"#,
            r#"{"args":[{"action_name":"reload","id":7,"manually":true}],"method":"notifyByProcessId","type":"call"}"#,
        ]
    );
}

#[test]
fn an_old_daemon_reloads_by_a_bare_id() {
    let call = Call::ReloadProcessId(PmId(7));
    assert_eq!(
        sent(&call, &methods("id")),
        r#"{"args":[7],"method":"reloadProcessId","type":"call"}"#
    );
}

#[test]
fn no_call_holds_a_null() {
    for reload in ["id", "opts"] {
        for call in every_call() {
            assert!(!sent(&call, &methods(reload)).contains("null"), "{call:?}");
        }
    }
}

#[test]
fn a_call_that_does_not_fit_is_refused() {
    let odd = Methods::parse(&reply(
        r#"{"methods":{
            "ping":{"params":["cb"]},
            "getVersion":{"params":["a","b","cb"]},
            "getMonitorData":{"params":[]},
            "startProcessId":{},
            "stopProcessId":{"params":null},
            "deleteProcessId":{"params":["id",null]}
        }}"#,
    ))
    .unwrap();
    for (call, wanted) in [(Call::Ping, 0), (Call::GetVersion, 2), (Call::GetMonitorData, 0)] {
        let refused = CallRefused::ArgumentCount { method: call.method().into(), wanted, found: 1 };
        assert_eq!(odd.check(&call), Err(refused));
    }
    for call in [
        Call::StartProcessId(PmId(0)),
        Call::StopProcessId(PmId(0)),
        Call::DeleteProcessId(PmId(0)),
        Call::ReloadProcessId(PmId(0)),
    ] {
        let method = call.method().into();
        assert_eq!(odd.check(&call), Err(CallRefused::UnknownMethod { method }));
    }
    assert_eq!(odd.names().count(), 3);
}

#[test]
fn methods_that_are_none_are_an_error() {
    for body in ["{}", r#"{"error":"no"}"#, r#"{"methods":[]}"#, "{", "[]", ""] {
        assert!(Methods::parse(&reply(body)).is_err(), "{body}");
    }
}

#[test]
fn every_measured_envelope_is_read() {
    assert_eq!(outcome(r#"{"args":[]}"#), Outcome::Success(vec![]));
    assert_eq!(
        outcome(r#"{"args":[{"msg":"pong"}]}"#),
        Outcome::Success(vec![json!({ "msg": "pong" })])
    );
    assert_eq!(outcome(r#"{"error":"no such"}"#), failure("no such"));
    assert_eq!(
        outcome(r#"{"error":"thrown","stack":"Error: thrown\n  at x"}"#),
        Outcome::Failure {
            message: "thrown".to_owned(),
            stack: Some("Error: thrown\n  at x".to_owned())
        }
    );
    assert_eq!(outcome(r#"{"error":{"code":1}}"#), failure(r#"{"code":1}"#));
    assert_eq!(outcome("{}"), failure("PM2 reported an error without saying which"));
    assert_eq!(
        outcome(r#"{"args":[{"error":true,"message":"could not kill process w/o pid"}]}"#),
        failure("could not kill process w/o pid")
    );
    assert_eq!(outcome(r#"{"args":[{"error":true}]}"#), failure(r#"{"error":true}"#));
    // A process may well have a field of that name.
    assert!(matches!(outcome(r#"{"args":[{"error":false,"message":"m"}]}"#), Outcome::Success(_)));
    assert_eq!(outcome("[1]"), failure("a reply of unknown shape: [1]"));
    assert_eq!(outcome(r#"{"args":1}"#), failure("a reply of unknown shape: 1"));
}

#[test]
fn a_message_is_cleaned_and_cut() {
    assert_eq!(outcome(r#"{"error":"\u001b[31mred\u001b]0;t\u0007\nline"}"#), failure("red line"));
    let long = "x".repeat(5000);
    let Outcome::Failure { message, .. } = outcome(&format!(r#"{{"error":"{long}"}}"#)) else {
        panic!("an error is a failure");
    };
    assert_eq!(message.chars().count(), MESSAGE_CHARS_MAX + 1);
}

#[test]
fn half_a_surrogate_pair_does_not_cost_the_reply() {
    assert_eq!(outcome(r#"{"error":"cut \ud83d"}"#), failure("cut \u{fffd}"));
}

#[test]
fn broken_json_and_other_frames_are_errors() {
    assert!(reply("{").outcome().is_err());
    let frame = |args: &[&'static [u8]]| {
        Frame::new(args.iter().map(|arg| Bytes::from_static(arg)).collect()).unwrap()
    };
    let others: [&[&[u8]]; 5] =
        [&[], &[b"j:{}"], &[b"s:a", b"s:1"], &[b"j:{}", b"raw"], &[b"j:{}", b"s:1", b"s:2"]];
    for args in others {
        assert_eq!(Reply::parse(&frame(args)), Err(ReplyError::NotAReply));
    }
    let numbered = Reply::parse(&frame(&[b"j:{}", b"j:7"])).unwrap();
    assert_eq!(numbered.id().as_str(), "7");
}
