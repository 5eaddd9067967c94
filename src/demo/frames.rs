//! Frames as God sends them.

use bytes::{Bytes, BytesMut};
use serde_json::Value as Json;
use tokio_util::codec::Encoder;

use crate::protocol::amp::{AmpCodec, Frame};
use crate::protocol::value;

/// The reply to the call with this id.
pub(super) fn reply_frame(id: &Bytes, body: &Json) -> Bytes {
    encode(vec![value::json(body), id.clone()])
}

/// A message of the bus.
pub(super) fn bus_frame(topic: &str, payload: &Json) -> Bytes {
    encode(vec![value::text(topic), value::json(payload)])
}

/// Two arguments of less than 4 GiB always fit a frame.
pub(super) fn encode(args: Vec<Bytes>) -> Bytes {
    let mut bytes = BytesMut::new();
    let encoded = Frame::new(args).and_then(|frame| AmpCodec::default().encode(frame, &mut bytes));
    match encoded {
        Ok(()) => bytes.freeze(),
        Err(_) => Bytes::new(),
    }
}
