//! PM2's process JSON, as in `getMonitorData`, `process:event` and most replies.
//!
//! Invariant: reading borrows the message, keeps the fields below and skips the rest, above all
//! the whole environment; foreign text comes out cleaned (see [`super::text`]).

use std::fmt;

mod decode;
mod metrics;
mod setup;
mod whole;
pub use decode::{DecodeError, PROCESSES_MAX, WARNINGS_MAX, decode_monitor_data};
pub(super) use decode::{ProcessFields, parse_pm_id};
pub use metrics::Reported;
pub use setup::Setup;
pub use whole::whole;

/// PM2's id of a process. Stable across its restarts; reused after the last process is deleted
/// (`God.next_id = 0`, `lib/God/ActionMethods.js`) and by a new daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PmId(pub u32);

impl fmt::Display for PmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// PM2's own word for the state of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessStatus {
    /// `online`
    Online,
    /// `launching`
    Launching,
    /// `stopping`
    Stopping,
    /// `stopped`
    Stopped,
    /// `errored`
    Errored,
    /// `waiting restart`
    WaitingRestart,
    /// A word that no release of PM2 was seen to use.
    Other(Box<str>),
}

impl ProcessStatus {
    /// PM2's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Online => "online",
            Self::Launching => "launching",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Errored => "errored",
            Self::WaitingRestart => "waiting restart",
            Self::Other(word) => word,
        }
    }

    /// Reads PM2's word; an unknown one is kept, cleaned.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "online" => Self::Online,
            "launching" => Self::Launching,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            "errored" => Self::Errored,
            "waiting restart" => Self::WaitingRestart,
            other => Self::Other(super::text::clean(other).into()),
        }
    }
}

/// How PM2 runs a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecMode {
    /// `fork_mode`, and what any other word falls back to in PM2.
    Fork,
    /// `cluster_mode`
    Cluster,
}

impl ExecMode {
    /// The word that `pm2 ls` shows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Cluster => "cluster",
        }
    }
}

/// Which instance of its app a process is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Instance {
    /// PM2 does not say.
    #[default]
    Unsaid,
    /// `NODE_APP_INSTANCE`.
    Number(u64),
    /// It is in a variable of another name (`instance_var`).
    Elsewhere,
}

/// Where a process's output goes, as PM2 has it: paths as they came, not cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFiles {
    /// `pm_out_log_path`: standard output.
    pub out: Option<Box<str>>,
    /// `pm_err_log_path`: standard error.
    pub err: Option<Box<str>>,
    /// `pm_log_path`: both, where it is asked for.
    pub both: Option<Box<str>>,
    /// `log_date_format`: the format of a time before each line.
    pub date_format: Option<Box<str>>,
}

impl LogFiles {
    /// The paths of those that are files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let all = [&self.out, &self.err, &self.both].into_iter().flatten();
        all.map(|path| &**path).filter(|path| *path != "/dev/null")
    }
}

/// What PM2 says of one process, in our units. A field that PM2 did not send, or sent in a shape
/// that cannot be used, is `None` (or the default named).
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessInfo {
    /// PM2's id.
    pub pm_id: PmId,
    /// Name, one cleaned line; PM2 may send a number. `""` where missing.
    pub name: Box<str>,
    /// Namespace; absent before 4.5.6.
    pub namespace: Option<Box<str>>,
    /// `pm2_env.version`, the version in its package.json; `None` for `"N/A"`.
    pub version: Option<Box<str>>,
    /// How PM2 runs it.
    pub exec_mode: ExecMode,
    /// Which instance of its app it is.
    pub instance: Instance,
    /// PM2's word; [`ProcessStatus::Other`] of `""` where missing.
    pub status: ProcessStatus,
    /// The operating system's id; `None` where PM2 says 0, null or nothing. Stale while
    /// `waiting restart` (measured).
    pub pid: Option<u32>,
    /// `restart_time`: a count, despite its name.
    pub restarts: u32,
    /// Restarts within `min_uptime` of each other; reset to 0 on `errored`.
    pub unstable_restarts: u32,
    /// `max_restarts`; PM2's default is 16 (`lib/God.js`).
    pub max_restarts: Option<u32>,
    /// `pm_uptime`: when it last came online, milliseconds since 1970.
    pub online_since_ms: Option<i64>,
    /// `created_at`, milliseconds since 1970; null after `errored`.
    pub created_at_ms: Option<i64>,
    /// Tells two processes with the same `pm_id` apart; absent before 2.10.
    pub unique_id: Option<Box<str>>,
    /// `exit_code` of its last end: a number, or a signal's name on old releases, as text.
    pub exit_code: Option<Box<str>>,
    /// Milliseconds that PM2 waits before SIGKILL (default 1600).
    pub kill_timeout_ms: Option<u64>,
    /// Milliseconds that PM2 waits for a new worker in a reload (default 3000).
    pub listen_timeout_ms: Option<u64>,
    /// `max_memory_restart`, bytes.
    pub memory_limit_bytes: Option<u64>,
    /// `restart_delay`, milliseconds.
    pub restart_delay_ms: Option<u64>,
    /// `exp_backoff_restart_delay`, milliseconds: the first delay of a growing back-off.
    pub backoff_first_ms: Option<u64>,
    /// `prev_restart_delay`, milliseconds: the back-off delay last used; 0 before the first.
    pub backoff_last_ms: Option<u64>,
    /// `autorestart`; PM2's default is true.
    pub autorestart: bool,
    /// `min_uptime`, milliseconds: an end before that is an unstable restart (default 1000).
    pub min_uptime_ms: Option<u64>,
    /// `wait_ready`: PM2 calls it online once it says that it is ready, or after its
    /// `listen_timeout`.
    pub wait_ready: bool,
    /// `stop_exit_codes`: with these PM2 leaves it stopped.
    pub stop_exit_codes: Box<[i64]>,
    /// Its log files.
    pub logs: LogFiles,
    /// `pm_cwd`: the folder that it runs in, as it came, not cleaned.
    pub cwd: Option<Box<str>>,
    /// `pm_exec_path`: what it runs, as it came, not cleaned.
    pub script: Option<Box<str>>,
    /// Whether it was put into PM2's list as stopped, and has not run since: PM2 then sends no key `pid`
    /// (`lib/God.js` `prepare`; docs/pm2-ops.md section 3). Of what a snapshot says.
    pub was_put_in_stopped: bool,
    /// `pmx_module`: a PM2 module, which `stop all` and its like leave alone.
    pub is_module: bool,
    /// What it was set up with, as far as a column shows it.
    pub setup: Setup,
    /// `axm_monitor`: what it reports of itself.
    pub metrics: Box<[Reported]>,
    /// `monit.cpu`, percent of one core.
    pub cpu_percent: Option<f32>,
    /// `monit.memory`, bytes.
    pub memory_bytes: Option<u64>,
}

impl ProcessInfo {
    /// A process of which PM2 said only this.
    #[must_use]
    pub fn new(pm_id: PmId, name: &str, status: ProcessStatus) -> Self {
        Self {
            pm_id,
            name: name.into(),
            namespace: None,
            version: None,
            exec_mode: ExecMode::Fork,
            instance: Instance::Unsaid,
            status,
            pid: None,
            restarts: 0,
            unstable_restarts: 0,
            max_restarts: None,
            online_since_ms: None,
            created_at_ms: None,
            unique_id: None,
            exit_code: None,
            kill_timeout_ms: None,
            listen_timeout_ms: None,
            memory_limit_bytes: None,
            restart_delay_ms: None,
            backoff_first_ms: None,
            backoff_last_ms: None,
            autorestart: true,
            min_uptime_ms: None,
            wait_ready: false,
            stop_exit_codes: Box::default(),
            logs: LogFiles::default(),
            cwd: None,
            script: None,
            was_put_in_stopped: false,
            is_module: false,
            setup: Setup::default(),
            metrics: Box::default(),
            cpu_percent: None,
            memory_bytes: None,
        }
    }

    /// Milliseconds that PM2 waits before SIGKILL: its `kill_timeout`, else PM2's default
    /// (`constants.js`).
    #[must_use]
    pub fn kill_ms(&self) -> u64 {
        self.kill_timeout_ms.unwrap_or(1_600)
    }

    /// How many unstable restarts PM2 makes: its `max_restarts`, else PM2's default (`lib/God.js`).
    #[must_use]
    pub fn restarts_max(&self) -> u32 {
        self.max_restarts.unwrap_or(16)
    }

    /// Whether PM2 gave up after too many unstable restarts. With a `restart_delay` it goes on saying
    /// `waiting restart` of such a process, but forgets when it was created and counts anew
    /// (measured on 7.0.4). Of what a snapshot says.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        let is_forgotten =
            self.created_at_ms.is_none() && self.unstable_restarts == 0 && self.restarts > 0;
        match self.status {
            ProcessStatus::Errored => true,
            ProcessStatus::WaitingRestart => is_forgotten,
            _ => false,
        }
    }

    /// When the life began that goes on, milliseconds since 1970 by the daemon's clock.
    #[must_use]
    pub fn runs_since_ms(&self) -> Option<i64> {
        self.online_since_ms.filter(|_| self.status == ProcessStatus::Online)
    }

    /// Why PM2 leaves it stopped once it ended by itself with its `exit_code`; `None` where it starts
    /// it again (`lib/God.js` `handleExit`).
    #[must_use]
    pub fn stays_stopped(&self) -> Option<Stays> {
        let code = self.exit_code.as_deref().and_then(|code| code.parse::<i64>().ok());
        if !self.autorestart {
            Some(Stays::AutorestartOff)
        } else if code.is_some_and(|code| self.stop_exit_codes.contains(&code)) {
            Some(Stays::StopExitCode)
        } else {
            None
        }
    }

    /// Whether it has ended and PM2 starts it again in a moment: PM2 calls that `stopped`, too, but
    /// keeps the pid of what ended, which it sets to 0 where it leaves it stopped (`lib/God.js`
    /// `handleExit`, `God/ActionMethods.js` `stopProcessId`). Of what a snapshot says.
    #[must_use]
    pub fn is_between_lives(&self) -> bool {
        self.status == ProcessStatus::Stopped && self.pid.is_some()
    }

    /// Whether it has ended, and PM2 does not start it again by itself. Of what a snapshot says.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self.status {
            ProcessStatus::Stopped => !self.is_between_lives(),
            ProcessStatus::Errored => true,
            ProcessStatus::WaitingRestart => self.has_given_up(),
            _ => false,
        }
    }

    /// In which state it is where it is over: `stopped`, or `errored` where PM2 gave up.
    #[must_use]
    pub fn over_word(&self) -> Option<&'static str> {
        let word = if self.has_given_up() { "errored" } else { "stopped" };
        self.is_over().then_some(word)
    }

    /// Whether it ended with an exit code that is not 0, and PM2 leaves it so since its `autorestart` is
    /// off: a job that failed. Of what a snapshot says, which does not tell whether it was stopped.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let code = self.exit_code.as_deref().and_then(|code| code.parse::<i64>().ok());
        let is_bad = code.is_some_and(|code| code != 0 && !self.stop_exit_codes.contains(&code));
        self.is_ended_job() && is_bad
    }

    /// Whether PM2 may say code 0 of a job that a signal ended: [`Self::has_failed`] does not tell of it.
    #[must_use]
    pub fn may_have_been_killed(&self) -> bool {
        self.is_ended_job() && self.exit_code.as_deref() == Some("0")
    }

    /// Whether it has ended, and PM2 leaves it so since its `autorestart` is off.
    fn is_ended_job(&self) -> bool {
        let is_over = self.status == ProcessStatus::Stopped && self.is_over();
        // Its exit code may be of a life before it was put into the list.
        is_over && !self.autorestart && !self.was_put_in_stopped
    }

    /// Whether PM2 starts again even what it gave up: when its cron pattern is due, or a file changes.
    #[must_use]
    pub fn is_started_by_others(&self) -> bool {
        self.setup.cron.is_some() || self.setup.is_watching
    }

    /// Whether PM2 says `online` of a process that it could not spawn: no pid (7.0.4 and 5.4.3,
    /// measured; docs/pm2.md section 2). Of what a snapshot says; events carry no pid.
    #[must_use]
    pub fn never_started(&self) -> bool {
        self.status == ProcessStatus::Online && self.pid.is_none()
    }
}

/// Why PM2 does not start a process again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// `autorestart` is off.
    AutorestartOff,
    /// It ended with one of its `stop_exit_codes`.
    StopExitCode,
}

/// One `getMonitorData` answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The processes that could be read, in PM2's order; at most [`PROCESSES_MAX`].
    pub processes: Vec<ProcessInfo>,
    /// One sentence for each process that could not; past [`WARNINGS_MAX`] of them, a last one
    /// counts the rest.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests;
