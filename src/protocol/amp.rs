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

    /// How much its arguments hold, bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.args.iter().map(Bytes::len).sum()
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

/// Finds where frames end, without taking them apart: for who hands on whole ones.
#[derive(Debug)]
pub struct FrameEnds {
    frame_bytes_max: usize,
    /// Where the next length prefix starts, from the frame's first byte; 0 before it came.
    cursor: usize,
    args_left: usize,
}

impl FrameEnds {
    /// Refuses frames of more than `frame_bytes_max` bytes.
    #[must_use]
    pub fn new(frame_bytes_max: usize) -> Self {
        Self { frame_bytes_max, cursor: 0, args_left: 0 }
    }

    /// How long the frame is that `src` begins with; `None` as long as it is not all there. The next
    /// call then takes `src` from the same byte on, and looks at none of its bytes again.
    ///
    /// # Errors
    /// [`AmpError::Version`], [`AmpError::FrameTooLarge`].
    pub fn next(&mut self, src: &[u8]) -> Result<Option<usize>, AmpError> {
        self.scan(src, |_| ())
    }

    /// [`FrameEnds::next`], which says of each argument where it is once that is known.
    fn scan(
        &mut self,
        src: &[u8],
        mut argument: impl FnMut((usize, usize)),
    ) -> Result<Option<usize>, AmpError> {
        if self.cursor == 0 {
            let Some(&meta) = src.first() else {
                return Ok(None);
            };
            if meta >> 4 != VERSION {
                return Err(AmpError::Version { found: meta >> 4 });
            }
            self.args_left = usize::from(meta & 0x0f);
            self.cursor = 1;
        }
        while self.args_left > 0 {
            let Some(prefix) = src.get(self.cursor..).and_then(<[u8]>::first_chunk::<4>) else {
                return Ok(None);
            };
            let start = self.cursor + 4;
            let end = start.saturating_add(u32::from_be_bytes(*prefix) as usize);
            if end > self.frame_bytes_max {
                return Err(AmpError::FrameTooLarge { bytes: end, max: self.frame_bytes_max });
            }
            argument((start, end));
            self.cursor = end;
            self.args_left -= 1;
        }
        if src.len() < self.cursor {
            return Ok(None);
        }
        Ok(Some(std::mem::take(&mut self.cursor)))
    }
}

/// A frame from this size on is large: a list of a thousand processes, with environments, has 10 MB.
const LARGE_BYTES: usize = 1 << 20;
/// Room for a large frame. The C library of Linux keeps what it has handed out of up to 32 MiB for the
/// next one; more it takes from the system, and gives it back at once. What is not written to costs
/// nothing.
const APART_BYTES: usize = 33 << 20;
/// Room behind a large frame.
const REST_BYTES: usize = 16 << 10;

/// Incremental, bounded AMP decoder and encoder.
#[derive(Debug)]
pub struct AmpCodec {
    ends: FrameEnds,
    /// Start and end of each argument whose length is known, from the frame's first byte.
    ranges: Vec<(usize, usize)>,
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
        Self { ends: FrameEnds::new(frame_bytes_max), ranges: Vec::new() }
    }
}

impl Decoder for AmpCodec {
    type Item = Frame;
    type Error = AmpError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, AmpError> {
        let ranges = &mut self.ranges;
        let Some(end) = self.ends.scan(src, |range| ranges.push(range))? else {
            if src.len() >= LARGE_BYTES && src.capacity() < APART_BYTES {
                src.reserve(APART_BYTES - src.len());
            }
            return Ok(None);
        };
        let whole = src.split_to(end).freeze();
        if end >= LARGE_BYTES {
            // What is left of the buffer would keep all of it until the next frame.
            let mut rest = BytesMut::with_capacity(src.len().max(REST_BYTES));
            rest.extend_from_slice(src);
            *src = rest;
        }
        let args = ranges.drain(..).map(|(start, end)| whole.slice(start..end)).collect();
        Ok(Some(Frame { args }))
    }
}

impl Encoder<Frame> for AmpCodec {
    type Error = AmpError;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> Result<(), AmpError> {
        let whole = dst.len();
        // `Frame::new` holds the count to four bits.
        dst.put_u8(VERSION << 4 | frame.args.len() as u8);
        for arg in &frame.args {
            let Ok(length) = u32::try_from(arg.len()) else {
                // Half a frame must not go out.
                dst.truncate(whole);
                return Err(AmpError::ArgTooLong { bytes: arg.len() });
            };
            dst.put_u32(length);
            dst.put_slice(arg);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(frame: Frame) -> BytesMut {
        let mut bytes = BytesMut::new();
        AmpCodec::default().encode(frame, &mut bytes).unwrap();
        bytes
    }

    fn frame(args: &[&'static [u8]]) -> Frame {
        Frame::new(args.iter().map(|arg| Bytes::from_static(arg)).collect()).unwrap()
    }

    #[test]
    fn the_bytes_are_those_of_node_amp() {
        // `amp.encode([Buffer.from('s:a'), Buffer.alloc(0)])` of npm amp 0.3.1.
        let encoded = bytes(frame(&[b"s:a", b""]));
        assert_eq!(&encoded[..], b"\x12\0\0\0\x03s:a\0\0\0\0");
        let mut encoded = encoded;
        let decoded = AmpCodec::default().decode(&mut encoded).unwrap();
        assert_eq!(decoded, Some(frame(&[b"s:a", b""])));
    }

    #[test]
    fn a_large_frame_leaves_no_room_behind() {
        let large = Frame::new(vec![Bytes::from(vec![7; 3 << 20])]).unwrap();
        let whole = bytes(large.clone());
        let mut codec = AmpCodec::default();
        let mut src = BytesMut::from(whole.get(..2 << 20).unwrap());
        assert_eq!(codec.decode(&mut src).unwrap(), None);
        assert!(src.capacity() > 32 << 20, "taken from the system by itself");
        src.extend_from_slice(whole.get(2 << 20..).unwrap());
        // The next frame follows at once.
        let next = frame(&[b"s:a"]);
        src.extend_from_slice(&bytes(next.clone()));
        assert_eq!(codec.decode(&mut src).unwrap(), Some(large));
        assert!(src.capacity() <= 64 << 10, "{}", src.capacity());
        assert_eq!(codec.decode(&mut src).unwrap(), Some(next));
        assert!(src.is_empty());
    }

    #[test]
    fn no_arguments_and_fifteen_are_frames_and_sixteen_are_none() {
        for count in [0, ARGS_MAX] {
            let whole = frame(&vec![&b"x"[..]; count]);
            let mut encoded = bytes(whole.clone());
            assert_eq!(AmpCodec::default().decode(&mut encoded).unwrap(), Some(whole));
            assert!(encoded.is_empty());
        }
        let error = Frame::new(vec![Bytes::new(); 16]).unwrap_err();
        assert!(matches!(error, AmpError::TooManyArgs { found: 16 }));
    }

    #[test]
    fn another_version_is_named() {
        let error = AmpCodec::default().decode(&mut BytesMut::from(&b"HTTP/1.1"[..])).unwrap_err();
        assert!(matches!(error, AmpError::Version { found: 4 }));
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_its_bytes_come() {
        let mut codec = AmpCodec::new(21);
        let error = codec.decode(&mut BytesMut::from(&b"\x11\0\0\0\x11"[..])).unwrap_err();
        assert!(matches!(error, AmpError::FrameTooLarge { bytes: 22, max: 21 }), "{error}");
        let mut codec = AmpCodec::new(21);
        assert!(codec.decode(&mut BytesMut::from(&b"\x11\0\0\0\x10"[..])).unwrap().is_none());
        let mut codec = AmpCodec::default();
        let most = BytesMut::from(&b"\x11\xff\xff\xff\xff"[..]);
        assert!(codec.decode(&mut most.clone()).is_err());
    }

    #[test]
    fn a_large_frame_in_pieces_is_scanned_once() {
        let payload = Bytes::from(vec![b'x'; 20 * 1024 * 1024]);
        let whole = Frame::new(vec![payload, Bytes::from_static(b"s:1:1")]).unwrap();
        let encoded = bytes(whole.clone());
        let mut codec = AmpCodec::default();
        let mut buffer = BytesMut::with_capacity(encoded.len());
        let mut decoded = None;
        let mut waits = 0;
        for piece in encoded.chunks(64 * 1024) {
            assert_eq!(decoded, None);
            buffer.extend_from_slice(piece);
            decoded = codec.decode(&mut buffer).unwrap();
            if decoded.is_none() {
                waits += 1;
                // Where the scan goes on: past the large argument from the first piece on, so that
                // no later call looks at its bytes.
                assert_eq!(codec.ends.cursor, 5 + 20 * 1024 * 1024);
                assert_eq!(codec.ranges.len(), 1);
            }
        }
        assert_eq!(waits, 320);
        assert_eq!(decoded, Some(whole));
        assert!(buffer.is_empty());
        assert!(codec.ranges.is_empty() && codec.ends.cursor == 0);
    }

    #[test]
    fn ends_are_found_however_the_bytes_are_cut() {
        let frames = [frame(&[b"s:a", b""]), frame(&[]), frame(&[b"xyz"])];
        let lengths = frames.clone().map(|frame| bytes(frame).len());
        let all: Vec<u8> = frames.into_iter().flat_map(bytes).collect();
        for size in 1..=all.len() {
            let (mut ends, mut found, mut kept) = (FrameEnds::new(99), Vec::new(), Vec::new());
            for piece in all.chunks(size) {
                kept.extend_from_slice(piece);
                while let Some(end) = ends.next(&kept).unwrap() {
                    kept.drain(..end);
                    found.push(end);
                }
            }
            assert_eq!(found, lengths, "in pieces of {size}");
        }
    }

    #[test]
    fn a_decoded_frame_shares_the_bytes_that_came() {
        let mut encoded = bytes(frame(&[b"0123456789"]));
        let start = encoded.as_ptr() as usize;
        let decoded = AmpCodec::default().decode(&mut encoded).unwrap().unwrap();
        assert_eq!(decoded.args()[0].as_ptr() as usize, start + 5);
    }
}
