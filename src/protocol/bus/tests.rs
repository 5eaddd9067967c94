use super::*;
use crate::protocol::amp::Frame;
use crate::protocol::process::ProcessStatus;

fn frame(topic: &str, payload: &str) -> Frame {
    Frame::new(vec![Bytes::from(format!("s:{topic}")), Bytes::from(format!("j:{payload}"))])
        .unwrap()
}

fn event(topic: &str, payload: &str) -> BusEvent {
    let message = decode(&frame(topic, payload)).unwrap();
    assert_eq!(&*message.topic, topic);
    message.event
}

fn process(pm_id: Option<BusPmId>, name: &str) -> ProcessRef {
    ProcessRef { pm_id, name: name.into() }
}

#[test]
fn log_lines_of_all_generations() {
    let expected = |stream, pm_id| {
        BusEvent::Log(LogChunk {
            process: process(Some(pm_id), "api"),
            stream,
            at_ms: Some(17),
            data: "one\ntwo \u{1b}[31m\"é\"".to_owned(),
        })
    };
    let data = r#""one\ntwo \u001b[31m\"é\"""#;
    assert_eq!(
        event(
            "log:out",
            &format!(
                r#"{{"process":{{"pm_id":3,"name":"api","rev":null}},"at":17,"data":{data}}}"#
            )
        ),
        expected(LogStream::Out, BusPmId::Process(PmId(3)))
    );
    // 0.12.16: the whole environment, and the text one level down.
    assert_eq!(
        event(
            "log:err",
            &format!(
                r#"{{"data":{{"other":[1],"str":{data}}},"at":17,"process":{{"PATH":"/","name":"api","pm_id":3,"args":[]}}}}"#
            )
        ),
        expected(LogStream::Err, BusPmId::Process(PmId(3)))
    );
    assert_eq!(
        event(
            "log:out",
            &format!(r#"{{"process":{{"pm_id":"_old_3","name":"api"}},"at":17,"data":{data}}}"#)
        ),
        expected(LogStream::Out, BusPmId::Old(PmId(3)))
    );
}

/// A process as 0.10.8 has it on the bus: captured, without most of its fields.
fn dump(status: &str, exit_code: &str, signal: &str) -> String {
    format!(
        r#"{{"domain":null,"exitCode":{exit_code},"signalCode":{signal},"pid":7291,
            "process":"[Circular ~.process]","pm2_env":{{"name":"api","pm_id":3,"status":"{status}",
            "restart_time":1,"pm_uptime":1795827221414}}}}"#
    )
}

#[test]
fn the_oldest_generation_has_topics_of_its_own_and_a_dump_of_the_process() {
    let of = |word: &str, process: &str| {
        event(&format!("process:{word}"), &format!(r#"{{"process":{process}}}"#))
    };
    for (word, kind) in [
        ("online", EventKind::Online),
        ("exit", EventKind::Exit),
        ("stop", EventKind::Stop),
        ("start", EventKind::Start),
        ("restart", EventKind::Restart),
        ("delete", EventKind::Delete),
        ("start_reload", EventKind::Reload),
        ("exit:overlimit", EventKind::RestartOverlimit),
    ] {
        let BusEvent::Process(event) = of(word, &dump("online", "null", "null")) else {
            panic!("{word} is an event");
        };
        assert_eq!((event.kind, event.info.pm_id, &*event.info.name), (kind, PmId(3), "api"));
        assert_eq!((event.info.restarts, event.info.exit_code), (1, None));
    }
    let exit = |code: &str, signal: &str| match of("exit", &dump("stopped", code, signal)) {
        BusEvent::Process(event) => (event.info.exit_code, event.signal),
        other => panic!("{other:?}"),
    };
    assert_eq!(exit("3", "null"), (Some("3".into()), None));
    assert_eq!(exit("null", r#""SIGKILL""#), (None, Some("SIGKILL".into())));
    let log = format!(r#"{{"process":{},"data":"x"}}"#, dump("online", "null", "null"));
    let BusEvent::Log(log) = event("log:out", &log) else { panic!("it is output") };
    assert_eq!(log.process, process(Some(BusPmId::Process(PmId(3))), "api"));
    // From 0.12 on only apps say that, and God says of whom in its own way.
    for app in [r#"{"pm_id":3,"name":"api"}"#, "7", r#"{"pm2_env":7}"#, r#"{"pm2_env":{}}"#] {
        assert!(matches!(of("online", app), BusEvent::Other(_)), "{app}");
    }
}

#[test]
fn half_a_surrogate_pair_does_not_cost_the_log() {
    let BusEvent::Log(chunk) = event("log:out", r#"{"process":{"pm_id":1},"data":"cut \ud83d"}"#)
    else {
        panic!("a log is a log");
    };
    assert_eq!(chunk.data, "cut \u{fffd}");
    assert_eq!(chunk.at_ms, None);
    assert_eq!(chunk.process, process(Some(BusPmId::Process(PmId(1))), ""));
}

#[test]
fn the_daemons_own_console() {
    let payload =
        r#"{"process":{"pm_id":"PM2","name":"PM2","rev":null},"at":5,"data":"App online\n"}"#;
    assert_eq!(
        event("log:PM2", payload),
        BusEvent::DaemonLog { at_ms: Some(5), data: "App online\n".to_owned() }
    );
}

#[test]
fn a_process_event_of_a_worker_being_replaced() {
    let BusEvent::Process(event) = event(
        "process:event",
        r#"{"event":"exit","manually":false,"at":9,"process":{"pm_id":"_old_2","name":"w\u001b[1m",
        "status":"stopping","restart_time":4,"exit_code":0,"pid":"77","SECRET":"s"}}"#,
    ) else {
        panic!("an event is an event");
    };
    assert_eq!(event.kind, EventKind::Exit);
    assert!(event.is_old_worker && !event.manually);
    assert_eq!(event.at_ms, Some(9));
    assert_eq!(event.info.pm_id, PmId(2));
    assert_eq!(&*event.info.name, "w");
    assert_eq!(event.info.status, ProcessStatus::Stopping);
    assert_eq!(event.info.restarts, 4);
    // Not PM2's field: an environment variable of that name.
    assert_eq!(event.info.pid, None);
}

#[test]
fn every_word_of_a_process_event() {
    for (word, kind) in [
        ("online", EventKind::Online),
        ("start", EventKind::Start),
        ("stop", EventKind::Stop),
        ("restart", EventKind::Restart),
        ("exit", EventKind::Exit),
        ("reload", EventKind::Reload),
        ("graceful reload", EventKind::GracefulReload),
        ("delete", EventKind::Delete),
        ("restart overlimit", EventKind::RestartOverlimit),
        ("my\\u001b[1m own", EventKind::Other("my own".into())),
    ] {
        let payload = format!(r#"{{"event":"{word}","manually":true,"process":{{"pm_id":0}}}}"#);
        let BusEvent::Process(event) = event("process:event", &payload) else {
            panic!("{word} is an event");
        };
        assert_eq!(event.kind, kind);
        assert!(event.manually);
    }
}

#[test]
fn exceptions() {
    let read = |data: &str| {
        event(
            "process:exception",
            &format!(r#"{{"at":1,"data":{data},"process":{{"pm_id":3,"name":"c"}}}}"#),
        )
    };
    let expected = |message: &str, stack: &[&str]| {
        BusEvent::Exception(Box::new(Exception {
            process: process(Some(BusPmId::Process(PmId(3))), "c"),
            at_ms: Some(1),
            message: message.into(),
            stack: stack.iter().map(|&line| line.into()).collect(),
        }))
    };
    assert_eq!(
        read(r#"{"message":"bo\nom","stack":"Error: boom\n    at \u001b[1mx\n","context":{}}"#),
        expected("bo om", &["Error: boom", "    at x"])
    );
    assert_eq!(
        read(r#"{"message":"","stack":"Error: boom\n  at x"}"#),
        expected("Error: boom", &["Error: boom", "  at x"])
    );
    assert_eq!(read(r#"{"message":"only"}"#), expected("only", &[]));
    let long = vec!["at x"; 500].join("\\n");
    let BusEvent::Exception(exception) = read(&format!(r#"{{"stack":"{long}"}}"#)) else {
        panic!("a stack is an exception");
    };
    assert_eq!(exception.stack.len(), STACK_LINES_MAX);
}

#[test]
fn the_end_of_the_daemon() {
    assert_eq!(
        event("pm2:kill", r#"{"status":"killed","msg":"pm2 has been killed via CLI"}"#),
        BusEvent::DaemonKilled { message: "pm2 has been killed via CLI".into() }
    );
}

#[test]
fn a_known_topic_of_another_shape_is_an_apps() {
    for (topic, payload) in [
        ("pm2:kill", r#"{"at":1,"data":{"status":"killed"},"process":{"pm_id":3,"name":"a"}}"#),
        ("process:event", r#"{"at":1,"data":{"event":"exit"},"process":{"pm_id":3,"name":"a"}}"#),
        ("process:event", r#"{"at":1,"event":"exit","process":7}"#),
        ("process:event", r#"{"at":1,"event":{},"process":{"pm_id":3,"name":"a"}}"#),
        ("process:event", r#"{"event":"exit","process":{"name":"a"}}"#),
        ("process:event", r#"{"event":"exit","process":{"pm_id":"PM2"}}"#),
        ("process:event", "[]"),
        ("log:out", r#"{"at":1,"data":7,"process":{"pm_id":3,"name":"a"}}"#),
        ("log:out", r#"{"at":1,"data":{"str":[]},"process":{"pm_id":3,"name":"a"}}"#),
        ("log:out", r#"{"at":1,"process":{"pm_id":3,"name":"a"}}"#),
        ("log:err", "null"),
        ("log:PM2", r#"{"at":1,"data":"fake","process":{"pm_id":3,"name":"a"}}"#),
        ("process:exception", r#"{"at":1,"data":"text","process":{"pm_id":3}}"#),
        ("process:exception", r#"{"at":1,"data":{"message":{}},"process":{"pm_id":3}}"#),
    ] {
        let BusEvent::Other(other) = event(topic, payload) else {
            panic!("{topic} {payload} was taken for PM2's");
        };
        assert_eq!(&other.json[..], payload.as_bytes());
    }
}

#[test]
fn messages_of_apps_keep_their_json() {
    let payload = r#"{"at":8,"data":{"heap":1},"process":{"pm_id":3,"name":"a","rev":null}}"#;
    let expected = Other {
        process: Some(process(Some(BusPmId::Process(PmId(3))), "a")),
        at_ms: Some(8),
        json: Bytes::copy_from_slice(payload.as_bytes()),
    };
    assert_eq!(event("my:topic", payload), BusEvent::Other(expected));
    for bare in [r#"{"type":"x"}"#, "7", r#""text""#, "[1]", "null", r#"{"process":{}}"#] {
        let BusEvent::Other(other) = event("process:msg", bare) else {
            panic!("{bare} is an app's");
        };
        assert_eq!((other.process, other.at_ms), (None, None));
    }
}

#[test]
fn a_kept_message_does_not_keep_the_read_buffer() {
    let whole = frame("my:topic", "{}");
    let buffer = whole.args()[1].as_ptr() as usize;
    let BusEvent::Other(other) = decode(&whole).unwrap().event else {
        panic!("an app's message");
    };
    let json = other.json.as_ptr() as usize;
    assert!(json < buffer || json > buffer + 4);
}

#[test]
fn broken_json_names_its_cleaned_topic() {
    for topic in ["log:out", "process:event", "process:exception", "pm2:kill", "my\u{1b}[1m:own"] {
        for payload in ["{", "", r#"{"at":}"#, r#"{"data":"a"#, "{}{}"] {
            let error = decode(&frame(topic, payload)).unwrap_err();
            let BusError::Json { topic: named, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(*named, *topic.replace("\u{1b}[1m", ""), "{payload}");
        }
    }
}

#[test]
fn what_is_no_message_is_an_error() {
    let others: [&[&'static [u8]]; 5] = [
        &[],
        &[b"s:log:out"],
        &[b"j:{}", b"j:{}"],
        &[b"s:log:out", b"s:{}"],
        &[b"s:\xff", b"j:{}"],
    ];
    for args in others {
        let args = args.iter().map(|arg| Bytes::from_static(arg)).collect();
        let frame = Frame::new(args).unwrap();
        assert_eq!(decode(&frame), Err(BusError::NotAMessage));
    }
}
