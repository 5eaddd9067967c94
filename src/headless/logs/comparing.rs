//! How lines of the bus that history had already are told where several processes write one file.

/// Less than this in that time, and the bus is not behind its file: bytes, and milliseconds.
const BEHIND_BYTES: usize = 4 << 10;
const BEHIND_MS: i64 = 200;
/// So many lines in a row that history had not, and it has none that still come. The first may be the rest
/// of one.
const MISSES: u8 = 3;

/// For how long lines are compared with those of history: as long as the bus can be
/// behind the file. What is behind comes as fast as the daemon can send, and of one output in order.
#[derive(Debug)]
pub(super) struct Comparing {
    /// Since when what came is counted, by the daemon's times, milliseconds since 1970.
    from_ms: i64,
    /// How much came since, bytes.
    bytes: usize,
    /// How many lines in a row history had not.
    misses: u8,
}

impl Comparing {
    /// From this moment of the daemon's clock on, milliseconds since 1970.
    pub(super) fn since(from_ms: i64) -> Self {
        Self { from_ms, bytes: 0, misses: 0 }
    }

    /// A piece of so many bytes came. False where the bus is behind no more.
    pub(super) fn is_behind(&mut self, at_ms: i64, bytes: usize) -> bool {
        if at_ms.saturating_sub(self.from_ms) >= BEHIND_MS {
            if self.bytes < BEHIND_BYTES {
                return false;
            }
            (self.from_ms, self.bytes) = (at_ms, 0);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        true
    }

    /// History had a line that came, so it may have the next.
    pub(super) fn had(&mut self) {
        self.misses = 0;
    }

    /// History had not a line that came. False where it has none of the next, either.
    pub(super) fn missed(&mut self) -> bool {
        self.misses = self.misses.saturating_add(1);
        self.misses < MISSES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_slowly_is_not_behind_its_file() {
        let mut slow = Comparing::since(1_000);
        assert!(slow.is_behind(1_050, 60) && slow.is_behind(1_150, 60));
        assert!(!slow.is_behind(1_200, 60));
        assert!(!Comparing::since(1_000).is_behind(1_000 + BEHIND_MS, 60), "nothing came before");
        let mut flood = Comparing::since(1_000);
        let times = (0..200).map(|at| 1_000 + at * 10);
        assert!(times.into_iter().all(|at| flood.is_behind(at, 1 << 10)));
    }

    #[test]
    fn of_one_output_in_order_nothing_is_behind_what_history_had_not() {
        let mut all = Comparing::since(0);
        assert!(all.missed(), "it may be the rest of a line");
        all.had();
        assert!(all.missed() && all.missed());
        assert!(!all.missed());
    }
}
