//! What kinds of terminal can do, by the name in `TERM`: the few facts of terminfo that matter here.
//!
//! Invariant: a name that is not known is taken for a terminal as xterm is one.

/// What a kind of terminal can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Whether it has colours.
    pub(crate) has_colors: bool,
    /// Whether it has a second screen, so that what was there before comes back.
    pub(super) has_alternate: bool,
    /// Whether it has attributes beyond bold, underlined, blinking and reversed, and modes that are
    /// younger than the VT220.
    pub(crate) is_modern: bool,
    /// Whether nothing is drawn: what is new is written as lines.
    pub(super) is_plain: bool,
}

/// Kinds that terminfo gives no `smcup`, by how their names begin.
const NO_ALTERNATE: [&str; 10] =
    ["linux", "ansi", "pcansi", "cons25", "wsvt25", "sun", "mach", "hurd", "beterm", "cygwin"];

impl Kind {
    /// Lines for whatever reads them.
    pub(crate) const PLAIN: Self =
        Self { has_colors: false, has_alternate: false, is_modern: false, is_plain: true };

    /// The kind of this name; `None` where nothing can be drawn: the cursor cannot be moved, or
    /// nobody says what it is.
    pub(crate) fn of(term: &str) -> Option<Self> {
        let term = term.to_ascii_lowercase();
        if matches!(term.as_str(), "" | "dumb" | "unknown" | "network" | "dialup") {
            return None;
        }
        let is_vt = is_vt(&term);
        let is_mono = ["-m", "-mono"].iter().any(|end| term.ends_with(end));
        let has_alternate = !is_vt && !NO_ALTERNATE.iter().any(|start| term.starts_with(start));
        let has_colors = !is_vt && !is_mono;
        Some(Self { has_colors, has_alternate, is_modern: !is_vt, is_plain: false })
    }
}

/// Whether it is one of DEC's own, `vt100` to `vt520`. The VT525 has colours.
fn is_vt(term: &str) -> bool {
    let number = term.strip_prefix("vt").unwrap_or_default();
    number.starts_with(|c: char| c.is_ascii_digit()) && !number.starts_with("525")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_name() {
        let of = |term| {
            let kind = Kind::of(term).unwrap();
            (kind.has_colors, kind.has_alternate, kind.is_modern)
        };
        for term in ["vt100", "vt102", "vt220", "vt220-w", "VT320", "vt420"] {
            assert_eq!(of(term), (false, false, false), "{term}");
        }
        for term in ["linux", "linux-16color", "ansi", "cons25"] {
            assert_eq!(of(term), (true, false, true), "{term}");
        }
        for term in ["xterm", "xterm-256color", "screen", "tmux-256color", "rxvt", "foot", "vte"] {
            assert_eq!(of(term), (true, true, true), "{term}");
        }
        assert_eq!(of("xterm-mono"), (false, true, true));
        assert_eq!(of("linux-m"), (false, false, true));
    }

    #[test]
    fn some_can_show_no_screen() {
        for term in ["", "dumb", "DUMB", "unknown"] {
            assert_eq!(Kind::of(term), None, "{term:?}");
        }
    }
}
