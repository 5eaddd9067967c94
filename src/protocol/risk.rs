//! What a method of the daemon risks, and so who is asked before it is called.
//!
//! Invariant: every method has exactly one risk, and this table alone says which. The palette of the
//! screen, `call` and the read-only mode go by it.

/// What may come of a call, the least first.
///
/// ```
/// use pm2_tui::client::Risk;
///
/// assert_eq!(Risk::of("getMonitorData"), Risk::Reads);
/// assert_eq!(Risk::of("restartProcessId"), Risk::Changes);
/// assert_eq!(Risk::of("duplicateProcessId"), Risk::Stops);
/// assert_eq!(Risk::of("deleteAll"), Risk::Ends);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// It tells something and changes nothing.
    Reads,
    /// It changes something about a process that goes on running: a restart, a message, a setting.
    Changes,
    /// It stops, deletes or starts a process, or reaches several at once. So may a method that is
    /// not known.
    Stops,
    /// It stops or deletes all processes, or ends the daemon.
    Ends,
}

/// Every method of PM2 0.10 to 7.0 (docs/pm2.md section 1), those that the client composes, and what it
/// does to files.
const METHODS: &[(Risk, &[&str])] = &[
    (
        Risk::Reads,
        &[
            "ping",
            "getVersion",
            "getMonitorData",
            "getSystemData",
            "getReport",
            "findByScript",
            "findByFullPath",
            "findByPort",
        ],
    ),
    (
        Risk::Changes,
        &[
            "restartProcessId",
            "reloadProcessId",
            "softReloadProcessId",
            "resetMetaProcessId",
            "monitor",
            "unmonitor",
            "stopWatch",
            "startWatch",
            "toggleWatch",
            "restartWatch",
            "notifyByProcessId",
            "msgProcess",
            "sendDataToProcessId",
            "sendLineToStdin",
            "launchSysMonitoring",
            "forceGc",
            "profileCPU",
            "profileMEM",
            "profileStart",
            "profileStop",
            "snapshotPM2",
            "lock",
            "unlock",
            // The list of processes; the one before is kept.
            "save",
        ],
    ),
    (
        Risk::Stops,
        &[
            "startProcessId",
            "stopProcessId",
            "deleteProcessId",
            "duplicateProcessId",
            "prepare",
            "prepareJson",
            // Most processes end of a signal.
            "sendSignalToProcessId",
            "sendSignalToProcessName",
            "restartProcessName",
            "stopProcessName",
            "deleteProcessName",
            "deleteProcess",
            "reload",
            // The files of all processes; two at once end a daemon.
            "reloadLogs",
            // Lines that nobody can bring back.
            "flush",
        ],
    ),
    (Risk::Ends, &["stopAll", "deleteAll", "killMe", "notifyKillPM2"]),
];

/// Every method and its risk.
#[cfg(test)]
pub(super) fn methods() -> impl Iterator<Item = (&'static str, Risk)> {
    METHODS.iter().flat_map(|(risk, names)| names.iter().map(|name| (*name, *risk)))
}

/// The risk of a method that stands in the table.
pub(super) fn known(method: &str) -> Option<Risk> {
    METHODS.iter().find(|(_, names)| names.contains(&method)).map(|(risk, _)| *risk)
}

impl Risk {
    /// The risk of a method.
    #[must_use]
    pub fn of(method: &str) -> Self {
        known(method).unwrap_or(Self::Stops)
    }

    /// Whether a person is asked first, wherever there is one: in the palette, and on a terminal.
    #[must_use]
    pub fn asks(self) -> bool {
        self >= Self::Stops
    }

    /// Whether it needs a yes also where nobody can be asked.
    #[must_use]
    pub fn needs_yes(self) -> bool {
        self >= Self::Ends
    }
}

/// Whether a method may change something; so does one that is not known.
///
/// ```
/// use pm2_tui::client::changes_something;
///
/// assert!(changes_something("restartProcessId") && !changes_something("getMonitorData"));
/// ```
#[must_use]
pub fn changes_something(method: &str) -> bool {
    Risk::of(method) > Risk::Reads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_asked_before_a_process_ends_begins_or_several_are_reached() {
        for method in [
            "deleteProcessId",
            "stopProcessId",
            "startProcessId",
            "duplicateProcessId",
            "prepare",
            "sendSignalToProcessId",
            "sendSignalToProcessName",
            "restartProcessName",
            "reloadLogs",
            "noReleaseHasThis",
        ] {
            assert!(Risk::of(method).asks() && !Risk::of(method).needs_yes(), "{method}");
        }
        for method in ["killMe", "notifyKillPM2", "stopAll", "deleteAll"] {
            assert!(Risk::of(method).asks() && Risk::of(method).needs_yes(), "{method}");
        }
        let mut names: Vec<&str> =
            METHODS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "each once: {names:?}");
        for method in ["ping", "restartProcessId", "msgProcess", "getReport"] {
            assert!(!Risk::of(method).asks() && !Risk::of(method).needs_yes(), "{method}");
        }
    }
}
