//! Copying by the terminal: OSC 52.
//!
//! Invariant: what is copied is base64 in the sequence, so that no byte of it can end or change it.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    let letter = |six: u32| {
        let index = (six & 63) as usize;
        ALPHABET.get(index).map_or('=', |letter| char::from(*letter))
    };
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        out.push(letter(bits >> 18));
        out.push(letter(bits >> 12));
        out.push(if three.len() > 1 { letter(bits >> 6) } else { '=' });
        out.push(if three.len() > 2 { letter(bits) } else { '=' });
    }
    out
}

/// The bytes that have a terminal copy a text; within tmux it is passed through, for where tmux does
/// not copy itself.
pub(super) fn sequence(text: &[u8], is_in_tmux: bool) -> Vec<u8> {
    let plain = format!("\x1b]52;c;{}\x07", base64(text));
    if !is_in_tmux {
        return plain.into_bytes();
    }
    // Each of the two is ignored where it is not allowed.
    let doubled = plain.replace('\x1b', "\x1b\x1b");
    format!("{plain}\x1bPtmux;{doubled}\x1b\\").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let all =
            [("", ""), ("f", "Zg=="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (text, wanted) in all {
            assert_eq!(base64(text.as_bytes()), wanted);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn a_text_is_base64_whatever_it_holds() {
        assert_eq!(sequence(b"a\nb", false), b"\x1b]52;c;YQpi\x07");
        assert_eq!(sequence(b"", false), b"\x1b]52;c;\x07");
        let hostile = sequence("\x07\x1b]52;c;!\x07 \u{9c}".as_bytes(), false);
        let inside = &hostile[7..hostile.len() - 1];
        assert!(inside.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)));
        let tmux = b"\x1b]52;c;YQ==\x07\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\";
        assert_eq!(sequence(b"a", true), tmux);
    }
}
