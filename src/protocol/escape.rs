//! JSON text that no terminal acts on.

use std::borrow::Cow;

/// JSON text with every character escaped that a terminal could act on, or that hides or reorders
/// what is beside it: the same JSON, since outside of its strings there are no such characters.
/// JSON's own escapes leave DEL and all of these as they are.
pub(crate) fn escaped(json: &str, is_ascii: bool) -> Cow<'_, str> {
    let is_escaped = |c: char| is_deceptive(c) || (is_ascii && !c.is_ascii());
    // Bytes first: most text is ASCII.
    let is_plain = json.bytes().all(|byte| byte < 0x7f) || !json.chars().any(is_escaped);
    if is_plain {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.extend(["\\u", &format!("{unit:04x}")]);
            }
        } else {
            text.push(c);
        }
    }
    Cow::Owned(text)
}

/// DEL, the C1 controls, the line and paragraph separators, and the format characters (Unicode's
/// category Cf) that are not seen: bidirectional controls, zero-width ones, tags. The two joiners
/// (U+200C, U+200D) stay, since Persian, Indic scripts and emoji are written with them; so do the
/// Arabic, Syriac and Egyptian marks of that category, which are seen.
pub(crate) fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_deceives_is_escaped() {
        let plain = "{\"a\":\"é👩\u{200d}🔬 می\u{200c}خواهم\u{1b}\"}";
        assert!(matches!(escaped(plain, false), Cow::Borrowed(_)));
        assert_eq!(escaped("\"\u{e0041}\u{9b}é\"", false), "\"\\udb40\\udc41\\u009bé\"");
    }
}
