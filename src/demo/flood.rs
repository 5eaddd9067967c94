//! A burst of output, as fast as the quickest subscriber takes it.

use super::frames::bus_frame;
use super::proc::Proc;
use super::shared::Shared;
use super::wire;

/// What a flood keeps waiting at most for the quickest subscriber.
const FLOOD_AHEAD_BYTES: usize = 1024 * 1024;
/// One pipe read of God (docs/pm2.md section 5).
const CHUNK_BYTES: usize = 65_536;

/// See [`super::handle::ScriptHandle::flood`].
pub(super) async fn flood(proc: Proc, lines: u64, at_ms: i64, shared: &Shared) {
    let mut text = String::new();
    for number in 1..=lines {
        let line = format!("flood {number:>9} of {lines:>9} ");
        text.push_str(&line);
        text.extend(std::iter::repeat_n('.', 91 - line.len().min(91)));
        text.push('\n');
        if text.len() >= CHUNK_BYTES || number == lines {
            // ASCII only, so that any place is a place to cut.
            let rest = text.split_off(text.len().min(CHUNK_BYTES));
            send_chunk(&proc, &text, at_ms, shared).await;
            text = rest;
        }
    }
    if !text.is_empty() {
        send_chunk(&proc, &text, at_ms, shared).await;
    }
    shared.record.flood_done();
}

async fn send_chunk(proc: &Proc, data: &str, at_ms: i64, shared: &Shared) {
    let frame = bus_frame("log:out", &wire::log(proc, data, at_ms));
    loop {
        let drained = shared.record.drained.notified();
        tokio::pin!(drained);
        drained.as_mut().enable();
        let subscribers = shared.subscribers();
        let quickest = subscribers.iter().map(|one| one.queued_bytes()).min();
        if quickest.is_none_or(|waiting| waiting < FLOOD_AHEAD_BYTES) {
            for subscriber in subscribers {
                shared.push(&subscriber, frame.clone());
            }
            break;
        }
        drained.await;
    }
    tokio::task::yield_now().await;
}
