//! Frames on their way out, whole or damaged as a fault wants it.
//!
//! Invariant: damage is done to bytes only; the world behind it goes on as if nothing had happened.

use bytes::{Bytes, BytesMut};
use serde_json::Value as Json;
use tokio::time::sleep;

use super::frames::{encode, reply_frame};
use super::peer::{Outgoing, ReplyTo, RpcConnection};
use super::script::Fault;
use crate::protocol::value;

/// What a fault makes of a frame, and whether the connection ends with it.
pub(super) fn damaged(fault: &Fault, frame: &Bytes, broken_json: &Bytes) -> (Option<Bytes>, bool) {
    match fault {
        Fault::HalfFrame => (Some(frame.slice(..frame.len() / 2)), true),
        Fault::Garbage => {
            let garbage = b"\xff\xfe\x00HTTP/1.1 400 Bad Request\r\n\r\n\x1b[2J\xc3\x28";
            (Some(Bytes::from_static(garbage)), false)
        }
        Fault::WrongVersion => {
            let mut bytes = BytesMut::from(frame.as_ref());
            if let Some(meta) = bytes.first_mut() {
                *meta = 0x20 | (*meta & 0x0f);
            }
            (Some(bytes.freeze()), false)
        }
        Fault::Oversize => {
            let start = b"\x12\xff\xff\xff\xf0j:{\"args\":[[";
            (Some(Bytes::from_static(start)), false)
        }
        Fault::BrokenJson => (Some(broken_json.clone()), false),
        Fault::UnknownIdFirst => (Some(frame.clone()), false),
        Fault::Close => (None, true),
        Fault::Slow(_)
        | Fault::Silent
        | Fault::HoldUntilNext
        | Fault::WithoutEnv
        | Fault::Refuse(_) => (None, false),
    }
}

pub(super) fn send_damaged(to: &RpcConnection, fault: &Fault, frame: &Bytes, id: &Bytes) {
    let broken = encode(vec![Bytes::from_static(b"j:{\"args\":[[{\"pid\":"), id.clone()]);
    let (bytes, is_end) = damaged(fault, frame, &broken);
    if let Some(bytes) = bytes {
        to.send(Outgoing::Now(bytes));
    }
    if is_end {
        to.send(Outgoing::Close);
    }
}

/// Sends a reply, or what its fault makes of it.
pub(super) fn deliver(to: ReplyTo, body: &Json) {
    let ReplyTo { connection, id, fault } = to;
    let mut body = body.clone();
    if fault == Some(Fault::WithoutEnv) {
        let first = body.pointer_mut("/args/0/0").and_then(Json::as_object_mut);
        if let Some(first) = first {
            first.remove("pm2_env");
        }
    }
    let frame = reply_frame(&id, &body);
    match fault {
        None | Some(Fault::WithoutEnv | Fault::Refuse(_)) => connection.send(Outgoing::Now(frame)),
        Some(Fault::Silent) => {}
        Some(Fault::Slow(by)) => {
            tokio::spawn(async move {
                tokio::select! {
                    () = connection.token.cancelled() => {}
                    () = sleep(by) => connection.send(Outgoing::Now(frame)),
                }
            });
        }
        Some(Fault::HoldUntilNext) => connection.send(Outgoing::Held(frame)),
        Some(Fault::UnknownIdFirst) => {
            connection.send(Outgoing::Now(reply_frame(&value::text("0:0"), &body)));
            connection.send(Outgoing::Now(frame));
        }
        Some(fault) => send_damaged(&connection, &fault, &frame, &id),
    }
}
