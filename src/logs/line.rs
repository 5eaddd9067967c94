//! One line: what is said of it when it comes, its 28 bytes in the index, and what is read back.

use super::parse::Level;
use super::source::SourceId;

/// The most bytes that are held of one line (1 MiB); its true length is kept.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// How many columns there are for levels: none, then [`Level`] from the least on.
pub const LEVELS: usize = 7;

/// The column of a level.
#[must_use]
pub fn column(level: Option<Level>) -> usize {
    level.map_or(0, |level| level as usize + 1)
}

fn level_from_bits(bits: u16) -> Option<Level> {
    match bits {
        1 => Some(Level::Trace),
        2 => Some(Level::Debug),
        3 => Some(Level::Info),
        4 => Some(Level::Warn),
        5 => Some(Level::Error),
        6 => Some(Level::Fatal),
        _ => None,
    }
}

/// Where the time of a line is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TimeFrom {
    /// The line says it.
    Line,
    /// The daemon said it on the bus.
    Bus,
    /// The file's time of change.
    File,
    /// From the lines around it.
    Estimated,
}

impl TimeFrom {
    fn from_bits(bits: u16) -> Self {
        match bits {
            0 => Self::Line,
            1 => Self::Bus,
            2 => Self::File,
            _ => Self::Estimated,
        }
    }
}

/// When a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTime {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// How that is known.
    pub from: TimeFrom,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Kind {
    /// Output of a process, or of PM2.
    #[default]
    Output,
    /// Something happened that is none of the following.
    Event,
    /// A process ended.
    Exit,
    /// A process was started again.
    Restart,
    /// An exception that PM2 told of.
    Exception,
    /// A message of an app or a reply.
    Message,
    /// Lines were lost here.
    Loss,
    /// Output that goes on the entry of the line before it in its source: a stack trace below its head.
    More,
}

impl Kind {
    fn from_bits(bits: u16) -> Self {
        match bits {
            1 => Self::Event,
            2 => Self::Exit,
            3 => Self::Restart,
            4 => Self::Exception,
            5 => Self::Message,
            6 => Self::Loss,
            7 => Self::More,
            _ => Self::Output,
        }
    }

    /// Whether output must not push it out: it falls out by a bound of its own.
    pub(super) fn outlives_output(self) -> bool {
        !matches!(self, Self::Output | Self::More | Self::Message)
    }

    /// Whether `]` and `[` stop at it.
    #[must_use]
    pub fn is_turn(self) -> bool {
        matches!(self, Self::Exit | Self::Restart)
    }
}

/// A file that lines are read from again. Its number is given by the caller, who knows the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u16);

/// Where a line is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePlace {
    /// The file.
    pub file: FileId,
    /// Its first byte; at most 2^48 - 1.
    pub offset: u64,
    /// Its length without the newline, bytes.
    pub len: u64,
}

/// The bytes of a line, or where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// As they came, without the newline at the end. Newlines within are kept (an exception and its
    /// stack); a search looks at what is between them.
    Held(&'a [u8]),
    /// In a file; the store keeps nothing of them.
    Filed(FilePlace),
}

/// A line that comes into the store.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// When it was written. A time before that of its predecessor in the same source is kept, but the
    /// line stands behind its predecessor. A time in the future therefore holds back all that follow:
    /// believe none that is far ahead of the clock.
    pub time: LineTime,
    /// How bad it says that it is, if it does.
    pub level: Option<Level>,
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub body: Body<'a>,
}

/// A line's name for good, and its place in the order of all lines: lines that come and go do not
/// change it. Of a line that is gone it is still a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId {
    /// The time that it is ordered by, milliseconds since 1970: its own, or that of a line before
    /// it in its source where that is later.
    pub order_ms: i64,
    /// The order of arrival; negative for history.
    pub(super) rank: i64,
}

impl LineId {
    /// The place before all lines of this time and later ones.
    #[must_use]
    pub fn at_time(order_ms: i64) -> Self {
        Self { order_ms, rank: i64::MIN }
    }

    /// The place right before it.
    #[must_use]
    pub fn before(self) -> Self {
        Self { rank: self.rank.saturating_sub(1), ..self }
    }

    /// The place before all lines.
    pub const START: Self = Self { order_ms: i64::MIN, rank: i64::MIN };
    /// The place behind all lines.
    pub const END: Self = Self { order_ms: i64::MAX, rank: i64::MAX };
}

/// A line of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRef<'a> {
    /// Its name.
    pub id: LineId,
    /// Its source.
    pub source: SourceId,
    /// When it was written, as it says itself.
    pub time: LineTime,
    /// How bad it says that it is, if it does.
    pub level: Option<Level>,
    /// What it is.
    pub kind: Kind,
    /// Its bytes; cut where [`Self::len`] is more.
    pub body: Body<'a>,
    /// Its true length, bytes.
    pub len: u64,
    /// Whether it came on the bus and its log file lacks it.
    pub is_bus_only: bool,
}

impl LineRef<'_> {
    /// Whether only the beginning of it is held.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        matches!(self.body, Body::Held(bytes) if (bytes.len() as u64) < self.len)
    }

    /// Whether it is in a file and too long to be read whole.
    #[must_use]
    pub fn is_long(&self) -> bool {
        matches!(self.body, Body::Filed(_)) && self.len > LINE_BYTES_MAX as u64
    }

    /// Whether it is a part of the same line of a file as the one before it: no newline is between them.
    #[must_use]
    pub fn is_part_behind(&self, before: &LineRef<'_>) -> bool {
        match (before.body, self.body) {
            (Body::Filed(before), Body::Filed(place)) => {
                place.file == before.file && place.offset == before.offset + before.len
            }
            _ => false,
        }
    }

    /// Whether its clock was behind that of a line before it in its source.
    #[must_use]
    pub fn is_skewed(&self) -> bool {
        self.time.at_ms != self.id.order_ms
    }
}

const LEVEL_SHIFT: u32 = 0;
const KIND_SHIFT: u32 = 3;
const FROM_SHIFT: u32 = 6;
const THREE_BITS: u16 = 0b111;
const TWO_BITS: u16 = 0b11;
const FILED: u16 = 1 << 8;
const SPECIAL: u16 = 1 << 9;
const EXTRA: u16 = 1 << 10;
const BUS_ONLY: u16 = 1 << 11;

const OFFSET_BITS: u32 = 48;
const OFFSET_MAX: u64 = (1 << OFFSET_BITS) - 1;

/// A line in the index. Packed: an alignment of eight would take four bytes more of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, packed(4))]
pub(super) struct Record {
    /// Held: the first byte in the block's text. Filed: 16 bits of file, 48 of offset.
    place: u64,
    /// The lower bits of its rank.
    rank_low: u32,
    /// By how much its order is behind that of its block, milliseconds.
    off_ms: i32,
    /// Bytes, without the newline; of a filed line at most `u32::MAX`.
    pub(super) len: u32,
    /// The upper bits of its rank.
    rank_high: i16,
    /// The slot of its source.
    pub(super) source: u16,
    flags: u16,
}

/// The size of a record, bytes; the limit of the index is 32 a line.
pub(super) const RECORD_BYTES: usize = 28;
const _: () = assert!(size_of::<Record>() == RECORD_BYTES);

/// Ranks of lines are from `-RANK_MAX` to below this.
pub(super) const RANK_MAX: i64 = 1 << 47;

impl Record {
    /// A record of a line; its order, and the place of a held one, it gets from the block that takes it.
    pub(super) fn new(source: u16, line: &Line<'_>, body: Body<'_>) -> Self {
        let mut flags = (column(line.level) as u16) << LEVEL_SHIFT
            | (line.kind as u16) << KIND_SHIFT
            | (line.time.from as u16) << FROM_SHIFT;
        let (place, len) = match body {
            Body::Held(bytes) => {
                if super::bytes::is_special(bytes) {
                    flags |= SPECIAL;
                }
                (0, bytes.len() as u32)
            }
            Body::Filed(place) => {
                flags |= FILED;
                let file = u64::from(place.file.0) << OFFSET_BITS;
                let len = u32::try_from(place.len).unwrap_or(u32::MAX);
                (file | place.offset.min(OFFSET_MAX), len)
            }
        };
        Self { place, rank_low: 0, off_ms: 0, len, rank_high: 0, source, flags }
    }

    /// A record of a held line of prose: see [`super::parse::is_prose`].
    pub(super) fn prose(source: u16, (from, level): (TimeFrom, Option<Level>), len: u32) -> Self {
        let flags = (column(level) as u16) << LEVEL_SHIFT | (from as u16) << FROM_SHIFT;
        Self { place: 0, rank_low: 0, off_ms: 0, len, rank_high: 0, source, flags }
    }

    /// The name of its line, in a block with this base.
    pub(super) fn id(&self, base_ms: i64) -> LineId {
        let rank = i64::from(self.rank_high) << u32::BITS | i64::from(self.rank_low);
        LineId { order_ms: base_ms.saturating_add(self.off_ms.into()), rank }
    }

    /// How far an order is behind a base; `None` where a record cannot say it: 24 days.
    pub(super) fn off_ms(order_ms: i64, base_ms: i64) -> Option<i32> {
        i32::try_from(order_ms.checked_sub(base_ms)?).ok()
    }

    /// Takes the name of its line, in a block with this base.
    pub(super) fn set_id(&mut self, id: LineId, base_ms: i64) {
        self.off_ms = Self::off_ms(id.order_ms, base_ms).unwrap_or_default();
        self.rank_low = id.rank as u32;
        self.rank_high = (id.rank >> u32::BITS) as i16;
    }

    pub(super) fn level(&self) -> Option<Level> {
        level_from_bits(self.flags >> LEVEL_SHIFT & THREE_BITS)
    }

    pub(super) fn kind(&self) -> Kind {
        Kind::from_bits(self.flags >> KIND_SHIFT & THREE_BITS)
    }

    /// Whether output must not push it out. A ruler between lines of output falls out with these.
    pub(super) fn outlives_output(&self) -> bool {
        let is_ruler = self.kind() == Kind::Loss && self.level() == Some(Level::Info);
        self.kind().outlives_output() && !is_ruler
    }

    pub(super) fn from(&self) -> TimeFrom {
        TimeFrom::from_bits(self.flags >> FROM_SHIFT & TWO_BITS)
    }

    pub(super) fn is_filed(&self) -> bool {
        self.flags & FILED != 0
    }

    /// Whether it is in a file and too long to be read whole.
    pub(super) fn is_long(&self) -> bool {
        self.is_filed() && self.len as usize > LINE_BYTES_MAX
    }

    /// Whether what is searched is not its bytes but what is shown of them.
    pub(super) fn is_special(&self) -> bool {
        self.flags & SPECIAL != 0
    }

    pub(super) fn set_level(&mut self, level: Option<Level>) {
        let others = self.flags & !(THREE_BITS << LEVEL_SHIFT);
        self.flags = others | (column(level) as u16) << LEVEL_SHIFT;
    }

    pub(super) fn is_bus_only(&self) -> bool {
        self.flags & BUS_ONLY != 0
    }

    pub(super) fn set_bus_only(&mut self) {
        self.flags |= BUS_ONLY;
    }

    /// Whether its block has an [`super::extras::Extra`] for it.
    pub(super) fn has_extra(&self) -> bool {
        self.flags & EXTRA != 0
    }

    pub(super) fn set_has_extra(&mut self) {
        self.flags |= EXTRA;
    }

    /// The first byte of a held line in its block's text.
    pub(super) fn start(&self) -> usize {
        self.place as usize
    }

    pub(super) fn set_start(&mut self, start: usize) {
        self.place = start as u64;
    }

    /// What a held line takes in its block's text: its bytes and a newline.
    pub(super) fn text_bytes(&self) -> usize {
        if self.is_filed() { 0 } else { self.len as usize + 1 }
    }

    /// Where a filed line is, with the length that the index has.
    pub(super) fn file_place(&self) -> FilePlace {
        FilePlace {
            file: FileId((self.place >> OFFSET_BITS) as u16),
            offset: self.place & OFFSET_MAX,
            len: u64::from(self.len),
        }
    }
}
