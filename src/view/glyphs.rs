//! Every glyph, in Unicode and in ASCII.
//!
//! Invariant: those of ASCII are ASCII.

/// Every glyph that is not a letter. All are one column wide, but for ASCII's `ellipsis`
/// and `restarts`. None has a variation selector, none is from a private area.
#[derive(Debug)]
pub(super) struct Glyphs {
    pub(super) ellipsis: &'static str,
    /// Left of the selected row, in the pane in front.
    pub(super) selected: &'static str,
    /// The same, in the pane behind.
    pub(super) selected_behind: &'static str,
    /// Left of a marked row.
    pub(super) marked: &'static str,
    pub(super) online: &'static str,
    /// Launching, stopping, an action under way.
    pub(super) busy: &'static str,
    pub(super) stopped: &'static str,
    pub(super) bad: &'static str,
    /// Waiting, restarting.
    pub(super) waiting: &'static str,
    pub(super) good: &'static str,
    pub(super) warning: &'static str,
    pub(super) restarts: &'static str,
    /// The sorted column, the least first.
    pub(super) ascending: &'static str,
    /// Sorted by this column, the largest first.
    pub(super) descending: &'static str,
    /// The stroke of a pane's title.
    pub(super) rule: &'static str,
    /// The same, of the pane in front.
    pub(super) rule_in_front: &'static str,
    /// A limit in a chart.
    pub(super) limit: &'static str,
    /// Left of a line of standard output.
    pub(super) out: &'static str,
    /// Left of a line of standard error.
    pub(super) err: &'static str,
    /// The same of lines that no log file has.
    pub(super) out_bus_only: &'static str,
    pub(super) err_bus_only: &'static str,
    /// Left of what happened.
    pub(super) event: &'static str,
    /// Left of a message.
    pub(super) message: &'static str,
    /// One to eight eighths of a cell, from below.
    pub(super) bars: [&'static str; 8],
    /// One to eight eighths of a cell, from the left.
    pub(super) meter: [&'static str; 8],
    /// What of a meter is empty.
    pub(super) meter_empty: &'static str,
    /// A line break in a prompt, which has one row.
    pub(super) line_break: &'static str,
    /// A tab there.
    pub(super) tab: &'static str,
}

pub(super) static UNICODE: Glyphs = Glyphs {
    ellipsis: "…",
    selected: "▌",
    selected_behind: "▏",
    marked: "◆",
    online: "●",
    busy: "◌",
    stopped: "○",
    bad: "✗",
    waiting: "↻",
    good: "✓",
    warning: "⚠",
    restarts: "↺",
    ascending: "▲",
    descending: "▼",
    rule: "─",
    rule_in_front: "━",
    limit: "╌",
    out: "│",
    err: "┃",
    out_bus_only: "┊",
    err_bus_only: "┋",
    event: "◆",
    message: "»",
    bars: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    meter: ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
    meter_empty: "·",
    line_break: "↵",
    tab: "⇥",
};

pub(super) static ASCII: Glyphs = Glyphs {
    ellipsis: "...",
    selected: ">",
    selected_behind: "-",
    marked: "#",
    online: "*",
    busy: ".",
    stopped: "o",
    bad: "x",
    waiting: "~",
    good: "+",
    warning: "!",
    restarts: "rst",
    ascending: "^",
    descending: "v",
    rule: "-",
    rule_in_front: "=",
    limit: "-",
    out: "|",
    err: "!",
    out_bus_only: ":",
    err_bus_only: ";",
    event: "*",
    message: ">",
    bars: [".", ":", "-", "=", "+", "*", "#", "#"],
    meter: [" ", " ", " ", "#", "#", "#", "#", "#"],
    meter_empty: ".",
    line_break: "^J",
    tab: "^I",
};
