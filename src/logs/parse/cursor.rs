//! A place in a line, and small steps from it. Every step checks the bound: none panics.

/// A byte position in a line. Copying it is the way to try something and go back.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()) }
    }

    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What is left from here on.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// From an earlier position to here.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.saturating_add(ahead)).copied()
    }

    #[inline]
    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.bytes.len());
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Steps over this byte if it is next.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// As [`Self::eat`], for `?`.
    #[inline]
    pub(super) fn want(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// Steps over these bytes if they are next.
    #[inline]
    pub(super) fn eat_all(&mut self, bytes: &[u8]) -> bool {
        let are_next = self.rest().starts_with(bytes);
        if are_next {
            self.at += bytes.len();
        }
        are_next
    }

    /// Steps over what holds, and gives it.
    #[inline]
    pub(super) fn take_while(&mut self, holds: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.at;
        // Plain steps, here and below: optimized for size, a chain of iterators is a call for each byte.
        while self.peek().is_some_and(&holds) {
            self.at += 1;
        }
        self.since(start)
    }

    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// How many digits are next, 20 at most.
    pub(super) fn count_digits(&self) -> usize {
        let mut count = 0;
        while count < 20 && self.peek_at(count).is_some_and(|byte| byte.is_ascii_digit()) {
            count += 1;
        }
        count
    }

    /// A number of this many digits at least and at most (18); more digits than that are left.
    #[inline]
    pub(super) fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let (mut count, mut value) = (0, 0);
        while count < most
            && let Some(digit @ b'0'..=b'9') = self.peek_at(count)
        {
            value = value * 10 + i64::from(digit - b'0');
            count += 1;
        }
        if count < least {
            return None;
        }
        self.at += count;
        Some(value)
    }

    /// Nothing that would go on a number or word is next: `15:04:05` ends here, not in `15:04:05x`.
    #[inline]
    pub(super) fn is_at_boundary(&self) -> bool {
        match self.peek() {
            Some(b':' | b'-' | b'/') => self.peek_at(1).is_none_or(|byte| !byte.is_ascii_digit()),
            Some(byte) => !byte.is_ascii_alphanumeric() && byte != b'_',
            None => true,
        }
    }
}

/// A space or a tab.
#[inline]
pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Without blanks and line ends on both sides.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// Where this begins in that.
pub(super) fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, word)
}
