//! The whole state of the screen.

use super::alerted::Alerts;
use super::batch::Batch;
use super::closed::Closed;
use super::geometry::{ChartsWish, Geometry};
use super::job::Job;
use super::keymap::Keymap;
use super::log_view::{Lines, LogView};
use super::marks::Marks;
use super::mode::Mode;
use super::notice::{About, Notice};
use super::pane::Pane;
use super::pointer::Held;
use super::rows::Table;
use super::sending::Sending;
use super::settings::Settings;
use super::unchosen::Unchosen;
use super::undo::Undo;
use crate::logs::{Bounds, LineId, Scope};
use crate::model::charts::Bars;
use crate::model::daemon::Daemon;
use crate::model::moment::Moment;
use crate::model::process::Shown;
use crate::model::trigger::Trigger;
use crate::model::watched::Watched;
use crate::model::{DaemonId, ProcessKey, Target};

/// The most columns where the screen is read out.
const PLAIN_COLUMNS: u16 = 100;

/// The whole state of the screen.
#[derive(Debug)]
pub struct App {
    /// What is watched, and what is known of it.
    pub watched: Watched,
    /// As of the last message.
    pub now: Moment,
    /// Seconds that local time is ahead of UTC.
    pub utc_offset_s: i32,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Which pane the arrow keys move in.
    pub focus: Pane,
    /// How large the charts are wanted.
    pub charts: ChartsWish,
    /// What covers the screen.
    pub mode: Mode,
    /// What that covers in turn, and what comes back when it closes; the uppermost last.
    pub below: Vec<Mode>,
    /// The selected process; `None` only while there is none.
    pub selected: Option<ProcessKey>,
    /// Why what was open last closed by itself, or what was asked for did not open.
    pub(super) why_closed: Option<Closed>,
    /// Whether such a thing takes text and is not there: see [`App::take_unopened`].
    pub(super) is_unopened: bool,
    /// What the user had selected and is gone, while the cursor is where that left it.
    pub(super) unchosen: Option<Unchosen>,
    /// Which rows the table has.
    pub table: Table,
    /// Which processes are marked.
    pub marks: Marks,
    /// The action on several that is under way.
    pub batch: Option<Batch>,
    /// The tasks that are under way.
    pub jobs: Vec<Job>,
    /// The messages that are under way.
    pub sending: Vec<Sending>,
    /// What was deleted or stopped here and can be undone.
    pub undo: Undo,
    /// Whether an incident bundle is being written.
    pub(super) is_bundling: bool,
    /// How many tasks were asked for so far.
    pub(super) tasks: u64,
    /// First table row shown.
    pub table_top: usize,
    /// The first log line shown; `None` while following.
    pub log_top: Option<LineId>,
    /// The last log line shown when it was last followed: what is behind it is new.
    pub(super) log_left: Option<LineId>,
    /// The marked log line; `None` for the last one in sight.
    pub log_mark: Option<LineId>,
    /// The first log line that a frame for a key shows, instead of the newest.
    pub(super) log_kept: Option<LineId>,
    /// The log, and which lines of it are shown.
    pub log_view: LogView,
    /// Whether the mouse is on.
    pub mouse: bool,
    /// The mouse's button is held.
    pub held: Option<Held>,
    /// Whether the pane in front has the whole screen.
    pub is_zoomed: bool,
    /// How long the terminal takes to show a frame, milliseconds; `None` while that is not known.
    pub link_delay_ms: Option<u64>,
    /// The process that the engine was asked to read all of.
    pub(super) examined: Option<ProcessKey>,
    /// Whose log files the engine was asked to look at often.
    pub(super) sized: Scope,
    /// The last thing worth saying, in the footer.
    pub notice: Option<Notice>,
    /// Whether a simulated daemon is watched.
    pub is_demo: bool,
    /// Whether everything that changes something is refused.
    pub read_only: bool,
    /// Which keys mean what.
    pub keys: Keymap,
    /// What the configuration says beyond that.
    pub settings: Settings,
    /// What was triggered last.
    pub(super) triggered: Option<Trigger>,
    /// Which processes were told to be errored, and which are past a threshold.
    pub(super) alerts: Alerts,
    /// Whether something changed that a frame would show.
    pub is_dirty: bool,
    /// What the last frame showed of what reports change.
    pub(super) drawn: InSight,
}

/// What is in sight of what reports change.
#[derive(Debug, Default, PartialEq)]
pub(super) struct InSight {
    /// The table, the charts and the sums.
    pub(super) rows: RowsInSight,
    /// The log.
    pub(super) log: LogInSight,
}

/// What is in sight of processes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct RowsInSight {
    /// The rows of the table.
    pub(super) rows: Vec<(ProcessKey, Shown)>,
    /// What other columns say of them.
    pub(super) cells: Vec<Option<String>>,
    /// Why they do not run.
    pub(super) reasons: Vec<Option<String>>,
    /// Their mini charts, and the panels of the selected process.
    pub(super) charts: Vec<Bars>,
    /// How many processes are in each state.
    pub(super) counts: [usize; 9],
    /// How many are not well.
    pub(super) unwell: usize,
    /// The sums, as text.
    pub(super) sums: [Option<String>; 2],
}

/// What is in sight of the log.
#[derive(Debug, Default, PartialEq)]
pub(super) struct LogInSight {
    /// The first line and the last.
    pub(super) ends: [Option<LineId>; 2],
    /// How many lines are in sight.
    pub(super) lines: usize,
    /// What its title says of the lines that are not, and of the files.
    pub(super) title: Vec<Option<String>>,
    /// In how many lines the search is.
    pub(super) found: u64,
}

impl App {
    /// An app that watches these daemons and knows nothing of them yet.
    #[must_use]
    pub fn new(daemons: Vec<Daemon>, now: Moment, utc_offset_s: i32, size: (u16, u16)) -> Self {
        Self {
            watched: Watched::new(daemons),
            now,
            utc_offset_s,
            size,
            focus: Pane::Processes,
            charts: ChartsWish::default(),
            mode: Mode::Normal,
            below: Vec::new(),
            selected: None,
            unchosen: None,
            why_closed: None,
            is_unopened: false,
            table: Table::default(),
            marks: Marks::default(),
            batch: None,
            jobs: Vec::new(),
            sending: Vec::new(),
            undo: Undo::default(),
            is_bundling: false,
            tasks: 0,
            table_top: 0,
            log_top: None,
            log_left: None,
            log_mark: None,
            log_kept: None,
            log_view: LogView::new(Bounds::default()),
            mouse: false,
            held: None,
            is_zoomed: false,
            link_delay_ms: None,
            examined: None,
            sized: Scope::All,
            notice: None,
            is_demo: false,
            read_only: false,
            keys: Keymap::default(),
            settings: Settings::default(),
            triggered: None,
            alerts: Alerts::default(),
            is_dirty: true,
            drawn: InSight::default(),
        }
    }

    /// How a screen of this size is divided now.
    #[must_use]
    pub fn geometry(&self, size: (u16, u16)) -> Option<Geometry> {
        let is_tree = self.table.is_tree();
        let processes = if is_tree { self.table_lines() } else { self.watched.fleet.len() };
        let parts = Geometry::with_charts(size, processes, self.focus, self.charts)?;
        Some(if self.is_zoomed { parts.zoomed(self.focus) } else { parts })
    }

    /// The lines of the log that are shown.
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        self.log_view.lines()
    }

    /// A daemon by its key.
    #[must_use]
    pub fn daemon(&self, id: DaemonId) -> Option<&Daemon> {
        self.watched.daemon(id)
    }

    /// How a process is named on the screen: `api[0]`; with its daemon's label before it where
    /// several are watched.
    #[must_use]
    pub fn display_name(&self, key: ProcessKey) -> String {
        let process = self.watched.fleet.get(key);
        let label = process.map_or_else(
            || format!("process [{}]", key.pm_id),
            |process| Target::of(&process.info).label(),
        );
        self.placed(key.daemon, &label)
    }

    /// A process's label, with its daemon's before it where several are watched.
    #[must_use]
    pub fn placed(&self, daemon: DaemonId, label: &str) -> String {
        match self.daemon(daemon) {
            Some(daemon) if self.watched.daemons.len() > 1 => format!("{}:{label}", daemon.label),
            _ => label.to_owned(),
        }
    }

    /// The process of that key as it is now, as what is to be acted on.
    #[must_use]
    pub fn target(&self, key: ProcessKey) -> Option<Target> {
        let god = self.daemon(key.daemon).and_then(|daemon| daemon.god);
        Some(self.watched.fleet.get(key)?.target(god))
    }

    /// The selected process as it is now, and its daemon.
    #[must_use]
    pub fn selected_target(&self) -> Option<(DaemonId, Target)> {
        // What is not in sight is not meant.
        let key = self.selected.filter(|key| self.has_row(*key))?;
        Some((key.daemon, self.target(key)?))
    }

    /// Opens something over what is open.
    pub(super) fn open(&mut self, mode: Mode) {
        let below = std::mem::replace(&mut self.mode, mode);
        if below != Mode::Normal {
            self.below.push(below);
        }
        self.why_closed = None;
        self.is_dirty = true;
    }

    /// What would have asked for a text is refused, as `notice` says: who types on without a look means it.
    pub(super) fn refuse_prompt(&mut self, notice: Notice) {
        self.why_closed = Some(Closed::unopened(&notice));
        self.is_unopened = true;
        self.say(notice);
    }

    /// Whether something that takes text was refused or closed since this was asked last: what is typed on
    /// may be meant for it.
    pub(crate) fn take_unopened(&mut self) -> bool {
        std::mem::take(&mut self.is_unopened)
    }

    /// Closes what is open; what it covers comes back.
    pub(super) fn close(&mut self) {
        self.mode = self.below.pop().unwrap_or(Mode::Normal);
        self.notice.take_if(|notice| notice.about == About::Answer);
        self.is_dirty = true;
    }

    /// The terminal has so many columns and rows. What is read out stands in one column.
    pub(crate) fn resize(&mut self, (columns, rows): (u16, u16)) {
        let most = if self.settings.is_plain { PLAIN_COLUMNS } else { u16::MAX };
        self.size = (columns.min(most), rows);
    }

    /// Closes all that covers the screen.
    pub(super) fn close_all(&mut self) {
        self.below.clear();
        self.close();
    }

    /// Shows a notice in the footer.
    pub(crate) fn notify(&mut self, text: impl Into<String>, is_bad: bool) {
        self.say(Notice::new(text, is_bad, self.now.steady_ms));
    }

    /// Shows in the footer what was done.
    pub(super) fn notify_done(&mut self, text: impl Into<String>) {
        self.say(Notice::new(text, false, self.now.steady_ms).done());
    }

    /// Shows this notice in the footer.
    pub(super) fn say(&mut self, notice: Notice) {
        self.notice = Some(notice);
        self.is_dirty = true;
    }
}
