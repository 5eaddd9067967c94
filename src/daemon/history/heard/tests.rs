//! What is kept and held of outputs.

use super::*;
use crate::protocol::bus::ProcessRef;

pub(super) fn chunk(id: u32, data: &str) -> LogChunk {
    let process = ProcessRef { pm_id: Some(BusPmId::Process(PmId(id))), name: "api".into() };
    LogChunk { process, stream: LogStream::Out, at_ms: None, data: data.into() }
}

#[test]
fn what_came_is_kept_until_the_file_is_joined() {
    let heard = Heard::default();
    let key = (PmId(1), LogStream::Out);
    heard.take(chunk(1, "a\n"));
    heard.take(chunk(1, "b\n"));
    assert_eq!(heard.begun(key).unwrap().bytes, b"a\nb\n");
    heard.join(key, None);
    heard.take(chunk(1, "c\n"));
    assert!(heard.begun(key).is_none());
    assert_eq!(heard.lock().kept_bytes, 0);
    heard.take(chunk(2, "of the connection before"));
    heard.connected();
    assert!(heard.begun((PmId(2), LogStream::Out)).is_none());
    heard.take(chunk(1, "d\n"));
    assert!(heard.begun(key).is_none(), "it stays joined");
}

#[test]
fn after_a_loss_it_is_held_until_what_is_missing_is_told() {
    let heard = Heard::default();
    heard.mend();
    heard.connected();
    let key = (PmId(1), LogStream::Out);
    heard.join(key, Some(Tail::new(OWN_BYTES)));
    assert!(heard.take(chunk(1, "a\n")).is_some());
    heard.disconnected();
    heard.connected();
    assert_eq!(heard.take_before().remove(&key).unwrap().bytes(), b"a\n");
    assert!(heard.take(chunk(1, "c\n")).is_none() && heard.take(chunk(2, "x\n")).is_none());
    let mended = || Mended {
        process: ProcessRef { pm_id: Some(BusPmId::Process(PmId(1))), name: "api".into() },
        bytes: b"b\n".to_vec(),
        written: Written::default(),
        unsure: None,
        tail: Some(Tail::new(OWN_BYTES)),
        repeated: 0,
        losses: 0,
    };
    assert!(!heard.release(key, false, mended()), "something came");
    assert!(heard.release(key, true, mended()));
    assert!(heard.take(chunk(1, "d\n")).is_some());
    heard.free((PmId(2), LogStream::Out));
    heard.end_holding();
    let told: Vec<_> = heard
        .released()
        .iter()
        .map(|piece| match piece {
            Piece::Came(chunk) => chunk.data.clone(),
            Piece::Missed { bytes, .. } => String::from_utf8(bytes.clone()).unwrap(),
            Piece::Unsure { text, .. } => text.clone(),
            Piece::Lost(missing) => format!("{} lost", missing.lines()),
        })
        .collect();
    assert_eq!(told, ["b\n", "c\n", "x\n"]);
    assert_eq!(heard.lock().held_bytes, 0);
}

#[test]
fn what_is_kept_has_a_bound() {
    let heard = Heard::default();
    let piece = "x".repeat(40 << 10);
    for id in 0..300 {
        heard.take(chunk(id, &piece));
        heard.take(chunk(id, &piece));
    }
    let begun = heard.begun((PmId(0), LogStream::Out)).unwrap();
    assert_eq!((begun.bytes.len(), begun.is_cut), (piece.len(), true));
    assert!(heard.lock().kept_bytes <= ALL_BYTES_MAX);
    assert!(heard.begun((PmId(299), LogStream::Out)).unwrap().bytes.is_empty());
}
