//! What bytes of a line hold.

use memchr::{memchr, memchr2};

pub(super) const ESCAPE: u8 = 0x1b;

/// Whether what is shown of a line differs from its bytes in more than replaced characters.
pub(super) fn is_special(bytes: &[u8]) -> bool {
    memchr2(ESCAPE, b'\r', bytes).is_some()
}

/// Whether bytes hold a newline.
pub(super) fn has_newline(bytes: &[u8]) -> bool {
    memchr(b'\n', bytes).is_some()
}
