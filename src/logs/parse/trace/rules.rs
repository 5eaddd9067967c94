//! Lines of a trace that are no frames.

use super::super::cursor::is_blank;

/// `/srv/app.js:12`, `file:///srv/app.mjs:3`, `node:internal/modules/cjs/loader:1143`: the line
/// above Node's source excerpt.
pub(super) fn is_excerpt_place(line: &[u8]) -> bool {
    let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return false;
    }
    let Some(path) = line.len().checked_sub(digits + 1).and_then(|end| line.get(..end)) else {
        return false;
    };
    if line.get(path.len()) != Some(&b':') {
        return false;
    }
    let kinds = [&b".js"[..], b".cjs", b".mjs", b".ts", b".cts", b".mts", b".jsx", b".tsx"];
    let is_script = path.starts_with(b"node:") || kinds.iter().any(|kind| path.ends_with(kind));
    let starts = matches!(line.first(), Some(b'/' | b'f' | b'n' | b'A'..=b'Z' | b'.' | b'['));
    // A path may have blanks, but none at its start.
    is_script && starts && !path.windows(2).any(|two| two == b": ")
}

/// `    ^^^`: below the source line.
pub(super) fn is_caret(line: &[u8]) -> bool {
    line.contains(&b'^') && line.iter().all(|byte| is_blank(*byte) || b"^~".contains(byte))
}

/// The line opens a block that its own end does not close.
pub(super) fn opens_block(line: &[u8]) -> bool {
    matches!(line.last(), Some(b'{' | b'['))
}

/// Lines between title and frames: Node's list of requires, and what is indented.
pub(super) fn is_more_of_message(line: &[u8]) -> bool {
    line == b"Require stack:"
        || line.starts_with(b"- /")
        || line.starts_with(b"- ") && line.ends_with(b"js")
        || line.first().is_some_and(|byte| is_blank(*byte))
}
