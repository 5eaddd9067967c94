//! A process as the simulated daemon has it.

/// PM2's words for the state of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Online,
    Launching,
    Stopping,
    Stopped,
    Errored,
    WaitingRestart,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Launching => "launching",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Errored => "errored",
            Self::WaitingRestart => "waiting restart",
        }
    }
}

/// One process as the God daemon has it.
#[derive(Debug, Clone)]
pub(super) struct Proc {
    pub(super) pm_id: u32,
    /// The worker that a reload replaces: its id is the text `_old_N`.
    pub(super) is_old: bool,
    pub(super) name: Box<str>,
    pub(super) namespace: Box<str>,
    pub(super) is_cluster: bool,
    /// How many of this name, and which of them this is.
    pub(super) instances: u32,
    pub(super) instance: u32,
    /// 0 when PM2 says that there is none; the dead one's while waiting for a restart.
    pub(super) pid: u32,
    pub(super) is_alive: bool,
    pub(super) status: Status,
    pub(super) pm_uptime: i64,
    pub(super) created_at: Option<i64>,
    pub(super) restart_time: u32,
    pub(super) unstable_restarts: u32,
    pub(super) prev_restart_delay: Option<u32>,
    pub(super) exit_code: Option<i64>,
    pub(super) tree_pids: Option<u32>,
    pub(super) unique_id: Box<str>,
    pub(super) version: Box<str>,
    pub(super) max_memory_restart: Option<u64>,
    pub(super) restart_delay: Option<i64>,
    pub(super) watch: bool,
    /// Whether this life of the process has reported actions and metrics; gone at its exit.
    pub(super) is_reporting: bool,
    /// Whether its latest life has reported its options; they stay until the next life.
    pub(super) has_options: bool,
    /// Whether any life has reported a Node.js version.
    pub(super) has_node_version: bool,
    /// How long it takes to end after SIGINT; past PM2's 1600 ms it is killed.
    pub(super) shutdown_ms: i64,
    pub(super) cpu_percent: f64,
    pub(super) memory_bytes: u64,
    pub(super) behaviour: Behaviour,
    /// Counts what the behaviour did, so that its lines go on after a restart.
    pub(super) acts: u64,
    /// The planned restart, cleared by a stop.
    pub(super) restart_task: Option<u64>,
}

impl Proc {
    /// An idle fork process that has been online for a day.
    pub(super) fn new(pm_id: u32, name: &str, now_ms: i64) -> Self {
        let online_since = now_ms - 86_400_000;
        Self {
            pm_id,
            is_old: false,
            name: name.into(),
            namespace: "default".into(),
            is_cluster: false,
            instances: 1,
            instance: 0,
            pid: 2000 + pm_id * 7,
            is_alive: true,
            status: Status::Online,
            pm_uptime: online_since,
            created_at: Some(online_since),
            restart_time: 0,
            unstable_restarts: 0,
            prev_restart_delay: None,
            exit_code: None,
            tree_pids: None,
            unique_id: format!("{:08x}-5d1f-4c0e-9a51-{:012x}", 0x9e37_79b9_u32 ^ pm_id, pm_id)
                .into(),
            version: "N/A".into(),
            max_memory_restart: None,
            restart_delay: None,
            watch: false,
            is_reporting: true,
            has_options: true,
            has_node_version: true,
            shutdown_ms: 30,
            cpu_percent: 0.3,
            memory_bytes: 48 * 1024 * 1024 + u64::from(pm_id) * 4096,
            behaviour: Behaviour::Idle,
            acts: 0,
            restart_task: None,
        }
    }

    pub(super) fn slot(&self) -> Slot {
        Slot { pm_id: self.pm_id, is_old: self.is_old }
    }

    /// `api:3`, as PM2 names it on its own console.
    pub(super) fn label(&self) -> String {
        format!("{}:{}", self.name, self.slot().id_text())
    }

    /// Whether `getMonitorData` measures it: PM2 gives zeros for any other.
    pub(super) fn is_measured(&self) -> bool {
        self.status == Status::Online && self.pid != 0
    }
}

/// Where a process stands in the daemon's table: under its id, or under `_old_N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) pm_id: u32,
    pub(super) is_old: bool,
}

impl Slot {
    pub(super) fn live(pm_id: u32) -> Self {
        Self { pm_id, is_old: false }
    }

    pub(super) fn id_text(self) -> String {
        if self.is_old { format!("_old_{}", self.pm_id) } else { self.pm_id.to_string() }
    }
}

/// What a process does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Nothing at all.
    Idle,
    /// Answers requests in waves.
    Api,
    /// Works off batches: seconds of full load, then rest.
    Worker,
    /// Loses its mail server now and then and waits before it comes back.
    Mailer,
    /// Runs a job when somebody starts it.
    Cron,
    /// Leaks until PM2 restarts it.
    Thumbs,
    /// Holds connections; has metrics of its own; takes long to stop.
    Gateway,
    /// Logs JSON; throws now and then.
    Billing,
    /// Logs in colour.
    Search,
    /// Cannot start: its configuration is missing.
    Legacy,
}

impl Behaviour {
    /// Whether the app reports metrics beyond those that @pm2/io has for every app.
    pub(super) fn has_custom_metrics(self) -> bool {
        self == Self::Gateway
    }
}
