//! AMP framing: one meta byte (`version << 4 | argc`), then `argc` arguments, each a `u32`
//! big-endian length and that many bytes (npm package `amp` 0.3.1, `lib/encode.js`,
//! `lib/stream.js`).
//!
//! Invariant: a frame's bytes are looked at once however they are cut into reads, and nothing is
//! buffered beyond the configured bound.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// The only AMP version there is (`amp/lib/encode.js`).
pub const VERSION: u8 = 1;
/// The most arguments a frame can hold: the count has four bits.
pub const ARGS_MAX: usize = 15;
/// The default bound on one frame, in bytes (256 MiB).
pub const FRAME_BYTES_MAX: usize = 256 * 1024 * 1024;

/// One AMP message: up to [`ARGS_MAX`] byte strings, each possibly empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    args: Vec<Bytes>,
}

impl Frame {
    /// Builds a frame.
    ///
    /// # Errors
    /// [`AmpError::TooManyArgs`] past [`ARGS_MAX`] arguments.
    pub fn new(args: Vec<Bytes>) -> Result<Self, AmpError> {
        if args.len() > ARGS_MAX {
            return Err(AmpError::TooManyArgs { found: args.len() });
        }
        Ok(Self { args })
    }

    /// The arguments in order.
    #[must_use]
    pub fn args(&self) -> &[Bytes] {
        &self.args
    }

    /// The arguments in order, by value.
    #[must_use]
    pub fn into_args(self) -> Vec<Bytes> {
        self.args
    }
}

/// Why a byte stream could not be read or written as AMP.
#[derive(Debug, thiserror::Error)]
pub enum AmpError {
    /// The stream failed.
    #[error("the socket failed: {0}")]
    Io(#[from] io::Error),
    /// The meta byte names another version, so the stream is no AMP or out of step.
    #[error(
        "AMP version {found} instead of {VERSION}: this is not PM2, or the stream is out of step"
    )]
    Version {
        /// The version in the meta byte, 0 to 15.
        found: u8,
    },
    /// A frame announces more bytes than allowed.
    #[error("a frame of at least {bytes} bytes is over the limit of {max}")]
    FrameTooLarge {
        /// Bytes announced so far.
        bytes: usize,
        /// The configured bound.
        max: usize,
    },
    /// More arguments than the count's four bits can say.
    #[error("{found} arguments do not fit a frame of at most {ARGS_MAX}")]
    TooManyArgs {
        /// The number of arguments.
        found: usize,
    },
    /// One argument is longer than its 32-bit length can say.
    #[error("an argument of {bytes} bytes does not fit its 32-bit length")]
    ArgTooLong {
        /// The argument's length.
        bytes: usize,
    },
}

/// Incremental, bounded AMP decoder and encoder.
#[derive(Debug)]
pub struct AmpCodec {
    frame_bytes_max: usize,
    partial: Option<Partial>,
}

/// A frame whose first bytes have come: what is known of it, so that no byte is read twice.
#[derive(Debug, Default)]
struct Partial {
    args_left: usize,
    /// Start and end of each argument whose length is known, from the frame's first byte.
    ranges: Vec<(usize, usize)>,
    /// Where the next length prefix starts.
    cursor: usize,
}

impl Default for AmpCodec {
    fn default() -> Self {
        Self::new(FRAME_BYTES_MAX)
    }
}

impl AmpCodec {
    /// A codec that refuses frames of more than `frame_bytes_max` bytes.
    #[must_use]
    pub fn new(frame_bytes_max: usize) -> Self {
        Self { frame_bytes_max, partial: None }
    }
}

impl Decoder for AmpCodec {
    type Item = Frame;
    type Error = AmpError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, AmpError> {
        if self.partial.is_none() {
            let Some(&meta) = src.first() else {
                return Ok(None);
            };
            if meta >> 4 != VERSION {
                return Err(AmpError::Version { found: meta >> 4 });
            }
            let args_left = usize::from(meta & 0x0f);
            self.partial =
                Some(Partial { args_left, ranges: Vec::with_capacity(args_left), cursor: 1 });
        }
        let Some(partial) = self.partial.as_mut() else {
            return Ok(None);
        };
        while partial.args_left > 0 {
            let Some(prefix) = src.get(partial.cursor..).and_then(<[u8]>::first_chunk::<4>) else {
                return Ok(None);
            };
            let start = partial.cursor + 4;
            let end = start.saturating_add(u32::from_be_bytes(*prefix) as usize);
            if end > self.frame_bytes_max {
                return Err(AmpError::FrameTooLarge { bytes: end, max: self.frame_bytes_max });
            }
            partial.ranges.push((start, end));
            partial.cursor = end;
            partial.args_left -= 1;
        }
        if src.len() < partial.cursor {
            return Ok(None);
        }
        let Some(partial) = self.partial.take() else {
            return Ok(None);
        };
        let whole = src.split_to(partial.cursor).freeze();
        let args = partial.ranges.into_iter().map(|(start, end)| whole.slice(start..end)).collect();
        Ok(Some(Frame { args }))
    }
}

impl Encoder<Frame> for AmpCodec {
    type Error = AmpError;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> Result<(), AmpError> {
        // `Frame::new` holds the count to four bits.
        dst.put_u8(VERSION << 4 | frame.args.len() as u8);
        for arg in &frame.args {
            let length =
                u32::try_from(arg.len()).map_err(|_| AmpError::ArgTooLong { bytes: arg.len() })?;
            dst.put_u32(length);
            dst.put_slice(arg);
        }
        Ok(())
    }
}
