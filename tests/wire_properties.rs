//! Properties of `protocol` over arbitrary input: frames survive any cutting, nothing panics, and
//! nothing that a terminal would obey comes out of the cleaning.

use bytes::{Bytes, BytesMut};
use pm2_tui::protocol::amp::{AmpCodec, Frame};
use pm2_tui::protocol::bus;
use pm2_tui::protocol::process::decode_monitor_data;
use pm2_tui::protocol::rpc::{Methods, Reply};
use pm2_tui::protocol::text::{TextStyle, ZERO_WIDTH_MAX, clean, clean_line};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio_util::codec::{Decoder, Encoder};
use unicode_width::UnicodeWidthChar;

use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        simulated(frames_survive_any_cutting),
        simulated(any_bytes_as_a_stream),
        simulated(any_bytes_as_a_message),
        simulated(any_json_as_a_message),
        simulated(a_payload_is_handed_on_as_one_line_of_the_same_json),
        simulated(what_is_cleaned_is_harmless),
        simulated(plain_text_stays_as_it_is),
    ]
}

fn any_frame() -> impl Strategy<Value = Frame> {
    vec(vec(any::<u8>(), 0..200), 0..=15)
        .prop_map(|args| Frame::new(args.into_iter().map(Bytes::from).collect()).unwrap())
}

/// JSON-like text from pieces that PM2 sends, well and badly put together.
fn any_json() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just(r#""\ud83d""#.to_owned()),
        Just(r#""_old_1""#.to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        proptest::sample::select(vec![
            "args", "error", "message", "process", "pm2_env", "pm_id", "name", "data", "str", "at",
            "event", "status", "monit", "cpu", "stack", "msg", "methods", "params",
        ])
        .prop_map(|key| format!("\"{key}\":")),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Text rich in what cleaning is about.
fn any_dirty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(vec![
            "\x1b", "[", "]", "m", "K", "31;1", "38:2::1:2:3", ";", ":", "\x07", "\x1b\\", "\r",
            "\t", "\n", "\u{9b}", "\u{90}", "\u{9c}", "\u{85}", "\x18", "\x7f", "\u{301}",
            "\u{200d}", "\u{202e}", "\u{2066}", "\u{2028}", "\u{feff}", "日", "é", "👩", "P", "_",
            "^", "X", "0;t",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
}

fn longest_zero_width(text: &str) -> usize {
    let (mut longest, mut now) = (0, 0);
    for c in text.chars() {
        now = if c.width() == Some(0) { now + 1 } else { 0 };
        longest = longest.max(now);
    }
    longest
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    fn frames_survive_any_cutting(
        sent in vec(any_frame(), 1..6),
        cuts in vec(1_usize..400, 1..40),
    ) {
        let mut bytes = BytesMut::new();
        let mut codec = AmpCodec::default();
        for frame in &sent {
            codec.encode(frame.clone(), &mut bytes).unwrap();
        }
        let mut cuts = cuts.into_iter().cycle();
        let mut buffer = BytesMut::new();
        let mut received = Vec::new();
        while !bytes.is_empty() {
            let cut = cuts.next().unwrap().min(bytes.len());
            buffer.extend_from_slice(&bytes.split_to(cut));
            while let Some(frame) = codec.decode(&mut buffer).unwrap() {
                received.push(frame);
            }
        }
        prop_assert!(buffer.is_empty());
        prop_assert_eq!(received, sent);
    }

    fn any_bytes_as_a_stream(bytes in vec(any::<u8>(), 0..500), limit in 0_usize..300) {
        let mut codec = AmpCodec::new(limit);
        let mut buffer = BytesMut::from(&bytes[..]);
        while let Ok(Some(frame)) = codec.decode(&mut buffer) {
            let length: usize = frame.args().iter().map(|arg| arg.len() + 4).sum();
            prop_assert!(length < limit.max(1) || frame.args().is_empty());
        }
    }

    fn any_bytes_as_a_message(topic in vec(any::<u8>(), 0..40), payload in vec(any::<u8>(), 0..200)) {
        for topic in [&topic[..], b"s:log:out", b"s:process:event", b"s:process:exception"] {
            let payload = [b"j:", &payload[..]].concat();
            let args = vec![Bytes::copy_from_slice(topic), Bytes::from(payload)];
            let frame = Frame::new(args).unwrap();
            let _ = bus::decode(&frame);
            let _ = Reply::parse(&frame);
        }
        let _ = decode_monitor_data(&payload);
    }

    fn any_json_as_a_message(json in any_json()) {
        let _ = decode_monitor_data(json.as_bytes());
        if let Some((line, _)) = bus::raw::payload_line(json.as_bytes()) {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&line).is_ok(), "{line}");
        }
        let payload = Bytes::from(format!("j:{json}"));
        for topic in ["log:out", "log:PM2", "process:event", "process:exception", "pm2:kill", "x"] {
            let topic = Bytes::from(format!("s:{topic}"));
            let frame = Frame::new(vec![topic, payload.clone()]).unwrap();
            let valid = serde_json::from_str::<serde_json::Value>(&json).is_ok();
            let read = bus::decode(&frame);
            // A payload that is JSON is never lost, whatever its shape.
            prop_assert!(read.is_ok() || !valid, "{read:?}");
        }
        let frame = Frame::new(vec![payload, Bytes::from_static(b"s:1:1")]).unwrap();
        let reply = Reply::parse(&frame).unwrap();
        let _ = reply.outcome();
        let _ = Methods::parse(&reply);
    }

    fn a_payload_is_handed_on_as_one_line_of_the_same_json(
        dirty in any_dirty(),
        half in proptest::sample::select(vec!["", "\\ud83d", "\\uDE00", "\\ud83d\\ude00", "\\\\ud83d"]),
        blank in proptest::sample::select(vec!["", " ", "\n", "\r\n\t"]),
        at in any::<i64>(),
        cut in any::<proptest::sample::Index>(),
    ) {
        let text = serde_json::to_string(&dirty).unwrap();
        let payload = format!("{{{blank}\"half\":\"{half}\",\"text\":{text},{blank}\"at\":{at}}}");
        let (line, at_ms) = bus::raw::payload_line(payload.as_bytes()).unwrap();
        prop_assert!(line.bytes().all(|byte| byte >= 0x20), "{line:?}");
        prop_assert_eq!(serde_json::from_str(&line).ok(), bus::raw::payload_json(payload.as_bytes()));
        prop_assert_eq!(at_ms, Some(at));
        let (part, _) = payload.as_bytes().split_at(cut.index(payload.len()));
        prop_assert_eq!(bus::raw::payload_line(part), None);
    }

    fn what_is_cleaned_is_harmless(dirty in any_dirty()) {
        let cleaned = clean(&dirty);
        prop_assert!(cleaned.chars().all(is_harmless), "{cleaned:?}");
        prop_assert!(longest_zero_width(&cleaned) <= ZERO_WIDTH_MAX);
        prop_assert_eq!(clean(&cleaned), &*cleaned);

        let mut style = TextStyle::default();
        for line in dirty.split('\n') {
            let before = style;
            let styled = clean_line(line, &mut style);
            prop_assert!(styled.text.chars().all(is_harmless), "{:?}", styled.text);
            prop_assert!(longest_zero_width(&styled.text) <= ZERO_WIDTH_MAX);
            let mut end = 0;
            for run in &styled.runs {
                prop_assert!(end <= run.start && run.start < run.end);
                prop_assert!(styled.text.get(run.start as usize..run.end as usize).is_some());
                prop_assert!(run.style != TextStyle::default());
                end = run.end;
            }
            prop_assert!(end as usize <= styled.text.len());
            // Clean text is left as it is, in one style.
            let mut again = before;
            let twice = clean_line(&styled.text, &mut again);
            prop_assert_eq!(&twice.text, &styled.text);
            prop_assert_eq!(again, before);
            prop_assert!(twice.runs.len() <= 1);
        }
    }

    fn plain_text_stays_as_it_is(plain in "[ -~äöü日本語]{0,200}") {
        prop_assert_eq!(clean(&plain), &*plain);
        prop_assert_eq!(&*clean_line(&plain, &mut TextStyle::default()).text, &*plain);
    }
}
