use futures_util::stream;
use serde_json::{Value as Json, json};

use super::*;
use crate::client::ClientOptions;
use crate::daemon::endpoint::Endpoint;
use crate::model::daemon::Problem;

fn context() -> Context {
    Context {
        endpoint: Endpoint::in_home("/h".as_ref()),
        options: ClientOptions::default(),
        yes: false,
        is_terminal: false,
        is_ascii: false,
        utc_offset_s: 0,
        words: Vec::new(),
        refuses: None,
        book: None,
    }
}

fn message(topic: &str, payload: &[u8]) -> Queued {
    Queued::Message(Message::new(topic.into(), payload.to_vec().into(), 1_700_000_000_123))
}

fn log(text: &str) -> Queued {
    let payload = json!({ "process": { "pm_id": 3, "name": "api" }, "data": text });
    message("log:out", payload.to_string().as_bytes())
}

/// How `events` is asked for.
#[derive(Default)]
struct Asked<'a> {
    patterns: &'a [&'a str],
    is_json: bool,
    is_chunks: bool,
    count: Option<u64>,
    span: Option<Duration>,
}

/// Follows the stream to its end; how it ended, and what was printed.
async fn followed(
    asked: Asked<'_>,
    bus: impl Stream<Item = Queued> + Unpin,
    stop: &mut Stop,
    is_gone: bool,
) -> (Result<Code, Failure>, String) {
    let context = context();
    let patterns: Vec<String> = asked.patterns.iter().map(|&it| it.into()).collect();
    let mut out = Vec::new();
    let printer = Printer::new(&context, asked.is_json, None, asked.count, &mut out);
    let topics = Topics::new(&patterns).unwrap();
    let mut sink = Sink::new(printer, topics, None, !asked.is_chunks);
    let ended = follow(bus, &mut sink, stop, asked.span, || is_gone).await;
    let ended = sink.close(ended, stop).await;
    (ended, String::from_utf8(out).unwrap())
}

async fn printed(items: Vec<Queued>, asked: Asked<'_>) -> (Result<Code, Failure>, String) {
    followed(asked, stream::iter(items), &mut Stop::never(), false).await
}

const PLAIN: Asked<'_> =
    Asked { patterns: &[], is_json: false, is_chunks: false, count: None, span: None };
const JSON: Asked<'_> = Asked { is_json: true, ..PLAIN };

#[tokio::test]
async fn a_line_for_each_line_of_output() {
    let start = "22:13:20.123 api[3] log:out";
    let items = || {
        vec![
            Queued::Connected,
            log("a\r\nb\u{1b}[2J\n\n"),
            log("c "),
            log("d\ne"),
            log(""),
            message("log:err", br#"{"at":1,"data":"x\n"}"#),
            log("f"),
        ]
    };
    let (code, text) = printed(items(), PLAIN).await;
    assert_eq!(code, Ok(Code::Fine));
    let lines = ["a", "b", ""].map(|text| format!("{start} {text}").trim_end().to_owned() + "\n");
    let rest = format!("{start} c d\n00:00:00.001 - log:err x\n{start} ef\n");
    assert_eq!(text, lines.concat() + &rest);
    let (_, chunks) = printed(items(), Asked { is_chunks: true, ..PLAIN }).await;
    let wanted = ["a | b", "c", "d | e", ""];
    let wanted = wanted.map(|text| format!("{start} {text}").trim_end().to_owned() + "\n");
    assert_eq!(chunks, wanted.concat() + "00:00:00.001 - log:err x\n" + start + " f\n");
}

#[tokio::test]
async fn what_is_no_output_is_a_line_too() {
    let items = vec![
        message("log:PM2", br#"{"process":{"pm_id":"PM2","name":"PM2"},"data":"x\n"}"#),
        message("log:out", br#"{"data":{"a":1}}"#),
        message("my:topic", br#"{"process":{"name":"api"},"data":"x"}"#),
    ];
    let (_, text) = printed(items, PLAIN).await;
    assert_eq!(
        text,
        "22:13:20.123 PM2 log:PM2 x\n22:13:20.123 - log:out {\"a\":1}\n\
         22:13:20.123 api my:topic x\n"
    );
}

fn life(topic: &str, event: &str, process: &Json) -> Queued {
    let payload = json!({ "event": event, "process": process });
    message(topic, payload.to_string().as_bytes())
}

fn console(line: &str) -> Queued {
    let payload = json!({ "process": { "pm_id": "PM2", "name": "PM2" }, "data": line });
    message("log:PM2", payload.to_string().as_bytes())
}

#[tokio::test]
async fn an_end_says_its_code_or_signal_once() {
    let process = |code: i32| json!({ "pm_id": 3, "name": "api", "status": "stopped", "exit_code": code, "KEY": "hunter2" });
    let items = || {
        let mut all = vec![log("last words")];
        for (line, code) in [
            ("App [api:3] exited with code [0] via signal [SIGKILL]\n", 0),
            ("App [api:3] exited with code [7] via signal [SIGINT]\n", 7),
            ("App [api:3] exited with code [0] via signal [SIGINT]\n", 0),
        ] {
            all.push(console(line));
            for topic in ["process:event", "process:exit"] {
                all.push(life(topic, "exit", &process(code)));
            }
        }
        all
    };
    let start = "22:13:20.123 api[3]";
    let exits = Asked { patterns: &["process:*", "log:out"], ..PLAIN };
    let (_, text) = printed(items(), exits).await;
    let wanted = format!(
        "{start} log:out last words\n{start} process:exit killed by SIGKILL, restart 1 follows\n\
         {start} process:exit code 7, restart 1 follows\n{start} process:exit code 0 or SIGINT, restart 1 follows\n"
    );
    assert_eq!(text, wanted);
    let (_, text) = printed(items(), Asked { patterns: &["process:event"], ..PLAIN }).await;
    let first = format!("{start} process:event exit (killed by SIGKILL, restart 1 follows)\n");
    assert!(text.starts_with(&first) && text.lines().count() == 3, "{text}");
    let (_, text) = printed(items(), Asked { patterns: &["process:exit"], ..JSON }).await;
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let signals: Vec<&Json> = lines.iter().map(|line| &line["signal"]).collect();
    assert_eq!(signals, [&json!("SIGKILL"), &Json::Null, &Json::Null]);
    assert!(lines.iter().all(|line| line["topic"] == "process:exit"), "{text}");
    // After a loss nobody knows what the console said.
    let mut lossy = items();
    lossy.truncate(2);
    lossy.extend([Queued::Lost(2), life("process:exit", "exit", &process(0))]);
    let (_, text) = printed(lossy, Asked { patterns: &["process:*"], ..PLAIN }).await;
    assert_eq!(text, format!("{start} process:exit code 0 or a signal, restart 1 follows\n"));
}

#[tokio::test]
async fn what_is_missing_stands_where_it_is_missing_and_joins_nothing() {
    let items = || vec![Queued::Connected, log("a "), Queued::Lost(3), log("b\n")];
    let (_, text) = printed(items(), PLAIN).await;
    let start = "22:13:20.123 api[3] log:out";
    assert_eq!(text, format!("{start} a\n{start} b\n"));
    let (_, text) = printed(items(), JSON).await;
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let topics: Vec<&str> = lines.iter().map(|line| line["topic"].as_str().unwrap()).collect();
    assert_eq!(topics, ["log:out", "pm2-tui:lost", "log:out"]);
    assert_eq!((&lines[1]["data"], &lines[1]["daemon"]), (&json!({ "lost": 3 }), &json!("/h")));
    // What is broken, and what comes within a second, is told at the end.
    let items = vec![Queued::Lost(3), message("x", b"}"), log("b\n"), Queued::Lost(2)];
    let (_, text) = printed(items, JSON).await;
    let last: Json = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["data"], json!({ "lost": 3 }), "{text}");
    let problem = Problem::SocketMissing { path: "/h/pub.sock".into() };
    let down = Queued::Reconnecting { problem, retry_in: Duration::ZERO };
    let (_, text) = printed(vec![Queued::Connected, down, Queued::Connected], JSON).await;
    let gap: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(gap["data"], json!({ "lost": null }));
}

#[tokio::test]
async fn json_of_a_line_is_the_payload_with_that_line() {
    let long = "x".repeat(200_000);
    let (one, two) = long.split_at(65_536);
    let (_, text) = printed(vec![log(one), log(two), log("\n\u{9b}a\n")], JSON).await;
    let lines: Vec<&str> = text.lines().collect();
    let start = "{\"topic\":\"log:out\",\"at\":1700000000123,\"daemon\":\"/h\",\"data\":{\"data\":";
    let process = ",\"process\":{\"name\":\"api\",\"pm_id\":3}}}";
    assert_eq!(lines[0], format!("{start}\"{long}\"{process}"));
    assert_eq!(lines[1], format!("{start}\"\\u009ba\"{process}"));
    assert_eq!(lines.len(), 2);
    let over = "y".repeat((1 << 20) + 5);
    let (_, text) = printed(vec![log(&over), log("\n")], JSON).await;
    let line: Json = serde_json::from_str(&text).unwrap();
    assert_eq!((&line["cut"], line["data"]["data"].as_str().unwrap().len()), (&json!(5), 1 << 20));
    let (_, text) = printed(vec![log(&over), log("\n")], PLAIN).await;
    assert!(text.ends_with("y [5 bytes more, cut]\n"));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_not_ended_comes_within_a_second() {
    let bus = stream::iter([log("name? ")]).chain(stream::pending());
    let started = Instant::now();
    let asked = Asked { count: Some(1), ..PLAIN };
    let (code, text) = followed(asked, bus, &mut Stop::never(), false).await;
    assert_eq!((code, text), (Ok(Code::Fine), "22:13:20.123 api[3] log:out name?\n".to_owned()));
    assert!(started.elapsed() < Duration::from_millis(1_100), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_signal_ends_it_with_all_that_came() {
    let bus = stream::iter([log("a\n")]).chain(stream::pending());
    let (code, text) = followed(PLAIN, bus, &mut Stop::after(1), false).await;
    assert_eq!((code, text.as_str()), (Ok(Code::Interrupt), ""), "before the first");
    let context = context();
    let mut out = Vec::new();
    let printer = Printer::new(&context, false, None, None, &mut out);
    let mut sink = Sink::new(printer, Topics::new(&[]).unwrap(), None, true);
    let Queued::Message(begun) = log("begun") else { panic!() };
    sink.take(&begun).unwrap();
    let code = sink.close(Ok(Code::Interrupt), &mut Stop::after(1)).await;
    assert_eq!(code, Ok(Code::Interrupt));
    assert_eq!(String::from_utf8(out).unwrap(), "22:13:20.123 api[3] log:out begun\n");
}

#[tokio::test]
async fn however_it_ends_those_that_wait_have_their_command() {
    let ways: [fn() -> Result<Code, Failure>; 4] = [
        || Ok(Code::Fine),
        || Ok(Code::Terminate),
        || Err(Failure::PipeClosed),
        || Err(Failure::Said(Code::NoDaemon, "gone".into())),
    ];
    for way in ways {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let args = ["-c", "cat >> $0", file.to_str().unwrap()].map(str::to_owned).to_vec();
        let runner = Runner::new(crate::cli::Words { program: "sh".into(), args }).unwrap();
        let context = context();
        let mut out = Vec::new();
        let printer = Printer::new(&context, false, Some(runner), None, &mut out);
        let mut sink = Sink::new(printer, Topics::new(&[]).unwrap(), None, true);
        for number in 0..20 {
            let Queued::Message(line) = log(&format!("{number}\n")) else { panic!() };
            sink.take(&line).unwrap();
        }
        assert_eq!(sink.close(way(), &mut Stop::after(1)).await, way());
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        let said: Vec<String> =
            lines.map(|line| line["data"]["data"].as_str().unwrap().to_owned()).collect();
        assert_eq!(said, (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn json_of_a_chunk_is_the_payload_whole() {
    let chunks = || Asked { is_chunks: true, ..JSON };
    let (_, text) = printed(vec![log("a\n")], chunks()).await;
    assert_eq!(
        text,
        "{\"topic\":\"log:out\",\"at\":1700000000123,\"daemon\":\"/h\",\"data\":{\"data\":\"a\\n\",\"process\":{\"name\":\"api\",\"pm_id\":3}}}\n"
    );
    let items = vec![
        message("a\"b", b"{\"z\":1.50,\n\"at\":5}"),
        message("b", br#"{"z":1.50,"at":5}"#),
        message("c", br#"{"a":"\ud83d"}"#),
    ];
    let (_, text) = printed(items, chunks()).await;
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
        let items = vec![message("log:out", b"{\"data\":"), message("x", b"}"), log("a\n")];
        let (code, text) = printed(items, Asked { is_json, count: Some(1), ..PLAIN }).await;
        let events = text.lines().filter(|line| !line.contains("pm2-tui:lost"));
        assert_eq!((code, events.count()), (Ok(Code::Fine), 1), "{text}");
    }
}

#[tokio::test]
async fn a_terminal_gets_no_control_character() {
    for is_json in [false, true] {
        for is_chunks in [false, true] {
            // Escaped, and as they are.
            let payload = "{\"data\":\"a\\u001b[2J\\u009b2J\u{9b}2J\u{7f}\u{202e}b\"}";
            let items = vec![message("log:out", payload.as_bytes())];
            let (_, text) = printed(items, Asked { is_json, is_chunks, ..PLAIN }).await;
            let line = text.strip_suffix('\n').unwrap();
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
            assert!(line.contains('a') && line.contains('b'));
        }
    }
}

#[tokio::test]
async fn count_ends_it_at_once() {
    for items in [vec![log("a\n"), log("b\n"), log("c\n")], vec![log("a\nb\nc\n")]] {
        let (code, text) = printed(items, Asked { count: Some(2), ..PLAIN }).await;
        assert_eq!((code, text.lines().count()), (Ok(Code::Fine), 2));
    }
}

#[tokio::test(start_paused = true)]
async fn time_ends_it_and_too_few_events_are_a_timeout() {
    for (count, wanted) in [(None, Code::Fine), (Some(2), Code::Timeout), (Some(1), Code::Fine)] {
        let bus = stream::iter([Queued::Connected, log("a")]).chain(stream::pending());
        let span = Some(Duration::from_millis(500));
        let asked = Asked { count, span, ..PLAIN };
        let (code, text) = followed(asked, bus, &mut Stop::never(), false).await;
        assert_eq!(code.unwrap_or_else(|failure| failure.code()), wanted);
        assert_eq!(text.lines().count(), 1, "what was begun is printed");
    }
    let asked = Asked { span: Some(Duration::from_millis(500)), ..PLAIN };
    let (code, _) = followed(asked, stream::pending(), &mut Stop::never(), false).await;
    let failure = code.unwrap_err();
    assert_eq!(failure.code(), Code::NoDaemon, "what was never connected heard nothing");
    assert!(failure.line().unwrap().contains("in 0.5 s"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_left_ends_it_without_an_event() {
    let bus = stream::iter([Queued::Connected]).chain(stream::pending());
    let (code, _) = followed(PLAIN, bus, &mut Stop::never(), true).await;
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
        let printer = Printer::new(&context, is_json, None, None, &mut out);
        let mut sink = Sink::new(printer, Topics::new(&[]).unwrap(), None, true);
        let bus = stream::iter([log("a\n")]);
        let stop = &mut Stop::never();
        let ended = follow(bus, &mut sink, stop, None, || false).await;
        assert_eq!(sink.close(ended, stop).await, Err(Failure::PipeClosed));
    }
}

#[tokio::test]
async fn a_daemon_that_never_was_there_is_a_failure_and_one_that_went_is_waited_for() {
    let problem = || Problem::SocketMissing { path: "/h/pub.sock".into() };
    let down = || Queued::Reconnecting { problem: problem(), retry_in: Duration::ZERO };
    let (code, _) = printed(vec![down(), log("a")], PLAIN).await;
    let failure = code.unwrap_err();
    assert_eq!(failure.code(), Code::NoDaemon);
    assert!(failure.line().unwrap().contains("/h/pub.sock"));
    let items = vec![Queued::Connected, down(), down(), Queued::Connected, log("a")];
    let (code, text) = printed(items, PLAIN).await;
    assert_eq!((code, text.lines().count()), (Ok(Code::Fine), 1));
}
