//! Reports of the mouse, as terminals send them in mode 1006: `CSI < BUTTON ; X ; Y M`, `m` where a
//! button is released. All else is no report that means something.

use crate::app::pointer::{Pointer, PointerKind};

/// What is held besides: Shift, Alt, Control.
const HELD: u16 = 4 | 8 | 16;

/// The report of these bytes and the final one.
pub(super) fn report(bytes: &[u8], last: u8) -> Option<Pointer> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"<")?).ok()?;
    let mut numbers = text.split(';').map(number);
    let (button, x, y) = (numbers.next()??, numbers.next()??, numbers.next()??);
    if numbers.next().is_some() {
        return None;
    }
    let kind = match (button & !HELD, last) {
        (0, b'M') => PointerKind::Press,
        (32, b'M') => PointerKind::Drag,
        (0 | 32, b'm') => PointerKind::Release,
        (64, b'M') => PointerKind::WheelUp,
        (65, b'M') => PointerKind::WheelDown,
        _ => return None,
    };
    Some(Pointer { kind, x: x.checked_sub(1)?, y: y.checked_sub(1)? })
}

/// Digits alone: no sign, no space.
fn number(text: &str) -> Option<u16> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_and_garbage_is_none() {
        let of = |text: &str| {
            let (last, bytes) = text.as_bytes().split_last().unwrap();
            report(bytes, *last)
        };
        let at = |kind, x, y| Some(Pointer { kind, x, y });
        assert_eq!(of("<0;12;5M"), at(PointerKind::Press, 11, 4));
        assert_eq!(of("<16;1;1M"), at(PointerKind::Press, 0, 0), "with Control");
        assert_eq!(of("<32;13;5M"), at(PointerKind::Drag, 12, 4));
        assert_eq!(of("<0;13;5m"), at(PointerKind::Release, 12, 4));
        assert_eq!(of("<64;65535;65535M"), at(PointerKind::WheelUp, 65_534, 65_534));
        assert_eq!(of("<65;1;2M"), at(PointerKind::WheelDown, 0, 1));
        for garbage in [
            "<0;0;5M",
            "<0;5;0M",
            "<0;5M",
            "<0;5;5;5M",
            "<;5;5M",
            "<-1;5;5M",
            "<+0;5;5M",
            "<0;65536;5M",
            "<0; 5;5M",
            "<1;5;5M",
            "<2;5;5M",
            "<35;5;5M",
            "<66;5;5M",
            "<64;5;5m",
            "<128;5;5M",
            "0;5;5M",
            "<M",
            "<0;5;5H",
            "<\u{e4};5;5M",
        ] {
            assert_eq!(of(garbage), None, "{garbage}");
        }
    }
}
