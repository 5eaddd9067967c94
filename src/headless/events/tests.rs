use futures_util::stream;
use serde_json::json;

use super::*;
use crate::client::ClientOptions;
use crate::daemon::endpoint::Endpoint;
use crate::protocol::bus::ProcessRef;
use crate::protocol::process::PmId;

fn context() -> Context {
    Context {
        endpoint: Endpoint::in_home("/h".as_ref()),
        options: ClientOptions::default(),
        yes: false,
        is_terminal: false,
        is_ascii: false,
        utc_offset_s: 0,
    }
}

fn event(topic: &str, data: Json) -> Event {
    let process = ProcessRef { pm_id: Some(BusPmId::Process(PmId(3))), name: "api".into() };
    Event { topic: topic.to_owned(), at_ms: 1_700_000_000_123, data, process: Some(process) }
}

fn message(topic: &str, payload: &[u8]) -> Queued {
    Queued::Message(Message::new(topic.into(), payload.to_vec().into(), 1_700_000_000_123))
}

fn log(text: &str) -> Queued {
    let payload = json!({ "process": { "pm_id": 3, "name": "api" }, "data": text });
    message("log:out", payload.to_string().as_bytes())
}

async fn printed(
    items: Vec<Queued>,
    is_json: bool,
    limits: Limits,
) -> (Result<Code, Failure>, String) {
    let context = context();
    let mut out = Vec::new();
    let mut sink = Sink::new(&context, is_json, None, &mut out);
    let code = follow(stream::iter(items), &mut sink, limits, || false).await;
    (code, String::from_utf8(out).unwrap())
}

const NONE: Limits = Limits { count: None, span: None };

#[tokio::test]
async fn a_line_for_each_event() {
    let items = vec![Queued::Connected, log("a\r\nb\u{1b}[2J\n\n"), log("c "), log("")];
    let (code, text) = printed(items, false, NONE).await;
    assert_eq!(code, Ok(Code::Fine));
    let start = "22:13:20.123 api[3] log:out";
    assert_eq!(text, format!("{start} a | b\n{start} c\n{start}\n"));
    let items = vec![
        message("log:PM2", br#"{"process":{"pm_id":"PM2","name":"PM2"},"data":"x\n"}"#),
        message("log:err", br#"{"at":1,"data":"x"}"#),
        message("log:out", br#"{"data":{"a":1}}"#),
        message("my:topic", br#"{"process":{"name":"api"},"data":"x"}"#),
    ];
    let (_, text) = printed(items, false, NONE).await;
    assert_eq!(
        text,
        "22:13:20.123 PM2 log:PM2 x\n00:00:00.001 - log:err x\n\
         22:13:20.123 - log:out {\"a\":1}\n22:13:20.123 api my:topic x\n"
    );
}

#[tokio::test]
async fn json_lines_have_the_payload_whole() {
    let (_, text) = printed(vec![log("a\n")], true, NONE).await;
    assert_eq!(
        text,
        "{\"topic\":\"log:out\",\"at\":1700000000123,\"daemon\":\"/h\",\"data\":{\"data\":\"a\\n\",\"process\":{\"name\":\"api\",\"pm_id\":3}}}\n"
    );
    let items = vec![
        message("a\"b", b"{\"z\":1.50,\n\"at\":5}"),
        message("b", br#"{"z":1.50,"at":5}"#),
        message("c", br#"{"a":"\ud83d"}"#),
    ];
    let (_, text) = printed(items, true, NONE).await;
    let start = |topic: &str, at| format!(r#"{{"topic":"{topic}","at":{at},"daemon":"/h","data":"#);
    assert_eq!(
        text,
        [
            start(r#"a\"b"#, 5_i64) + "{\"at\":5,\"z\":1.5}}\n",
            start("b", 5) + "{\"z\":1.50,\"at\":5}}\n",
            start("c", 1_700_000_000_123) + "{\"a\":\"\u{fffd}\"}}\n",
        ]
        .concat()
    );
}

#[tokio::test]
async fn a_broken_message_is_no_event() {
    for is_json in [false, true] {
        let items = vec![message("log:out", b"{\"data\":"), message("x", b"}"), log("a")];
        let limits = Limits { count: Some(1), span: None };
        let (code, text) = printed(items, is_json, limits).await;
        assert_eq!((code, text.lines().count()), (Ok(Code::Fine), 1), "{text}");
    }
}

#[tokio::test]
async fn a_terminal_gets_no_control_character() {
    let context = Context { is_terminal: true, ..context() };
    for is_json in [false, true] {
        let mut out = Vec::new();
        let mut sink = Sink::new(&context, is_json, None, &mut out);
        // Escaped, and as they are.
        let payload = "{\"data\":\"a\\u001b[2J\\u009b2J\u{9b}2J\u{7f}\u{202e}b\"}";
        let items = stream::iter(vec![message("log:out", payload.as_bytes())]);
        follow(items, &mut sink, NONE, || false).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = text.strip_suffix('\n').unwrap();
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(line.contains('a') && line.contains('b'));
    }
}

#[tokio::test]
async fn count_ends_it_at_once() {
    let limits = Limits { count: Some(2), span: None };
    let (code, text) = printed(vec![log("a"), log("b"), log("c")], false, limits).await;
    assert_eq!((code, text.lines().count()), (Ok(Code::Fine), 2));
}

#[tokio::test(start_paused = true)]
async fn time_ends_it_and_too_few_events_are_a_timeout() {
    let context = context();
    for (count, wanted) in [(None, Code::Fine), (Some(2), Code::Timeout)] {
        let mut out = Vec::new();
        let mut sink = Sink::new(&context, false, None, &mut out);
        let items = stream::iter([log("a")]).chain(stream::pending());
        let limits = Limits { count, span: Some(Duration::from_secs(5)) };
        let code = follow(items, &mut sink, limits, || false).await;
        let code = code.unwrap_or_else(|failure| failure.code());
        assert_eq!(code, wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_left_ends_it_without_an_event() {
    let context = context();
    let mut out = Vec::new();
    let mut sink = Sink::new(&context, false, None, &mut out);
    let items = stream::iter([Queued::Connected]).chain(stream::pending());
    let code = follow(items, &mut sink, NONE, || true).await;
    assert_eq!(code, Err(Failure::PipeClosed));
}

struct ClosedPipe;

impl Write for ClosedPipe {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_closed_pipe_ends_it_quietly() {
    let context = context();
    for is_json in [false, true] {
        let mut out = ClosedPipe;
        let mut sink = Sink::new(&context, is_json, None, &mut out);
        let code = follow(stream::iter([log("a")]), &mut sink, NONE, || false).await;
        assert_eq!(code, Err(Failure::PipeClosed));
    }
}

#[tokio::test]
async fn a_daemon_that_never_was_there_is_a_failure_and_one_that_went_is_waited_for() {
    let problem = || Problem::SocketMissing { path: "/h/pub.sock".into() };
    let down = || Queued::Reconnecting { problem: problem(), retry_in: Duration::ZERO };
    let (code, _) = printed(vec![down(), log("a")], false, NONE).await;
    let failure = code.unwrap_err();
    assert_eq!(failure.code(), Code::NoDaemon);
    assert!(failure.line().unwrap().contains("/h/pub.sock"));
    let items = vec![Queued::Connected, down(), down(), Queued::Connected, log("a")];
    let (code, text) = printed(items, false, NONE).await;
    assert_eq!((code, text.lines().count()), (Ok(Code::Fine), 1));
}

#[test]
fn what_an_event_says_never_holds_an_environment() {
    let process = json!({ "name": "api", "status": "stopped", "SECRET": "hunter2" });
    for (topic, payload, wanted) in [
        ("process:event", json!({ "event": "exit", "process": process }), "exit (stopped)"),
        ("process:exception", json!({ "data": { "message": "boom", "stack": "s" } }), "boom"),
        ("my:message", json!({ "data": { "a": 1 }, "process": process, "at": 1 }), "{\"a\":1}"),
        ("process:msg", json!({ "raw": "hi", "process": process }), "hi"),
        ("process:online", json!({ "process": process, "at": 1 }), "{}"),
        (
            "pm2:kill",
            json!({ "status": "killed", "msg": "pm2 has been killed" }),
            "pm2 has been killed",
        ),
        ("x", json!([1]), "[1]"),
    ] {
        assert_eq!(said(topic, &payload), wanted, "{topic}");
    }
}

#[test]
fn the_command_gets_names_without_zeros() {
    let mut event = event("a\0b", json!({}));
    let job = job(&event, Vec::new());
    assert_eq!((job.topic.as_str(), job.process.as_str(), job.pm_id.as_str()), ("ab", "api", "3"));
    event.process = None;
    assert_eq!(super::job(&event, Vec::new()).pm_id, "");
}
