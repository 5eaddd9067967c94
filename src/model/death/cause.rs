//! Why a life ended: the one decision table, from what was seen of the end.
//!
//! Invariant: pure; each row of docs/pm2-ops.md section 2.4 is one arm of [`judge`].

use crate::model::Action;
use crate::model::end::End;

/// What was seen of an end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Its exit code or signal.
    pub end: Option<End>,
    /// Whether PM2 itself ended it (`exit` with status `stopping`).
    pub is_asked: bool,
    /// Whether it was the worker that a reload replaced.
    pub is_old_worker: bool,
    /// Who asked, where it is known.
    pub by: Option<By>,
    /// The signal that this program sent it just before.
    pub sent: Option<&'static str>,
    /// What PM2's console gave as its reason.
    pub trigger: Option<Trigger>,
    /// Whether PM2's log says what it says of a due `cron_restart`, and of any restart of such a process.
    pub may_be_cron: bool,
    /// The message of the exception just before, one cleaned line.
    pub exception: Option<Box<str>>,
    /// Its last line of standard error that says something, one cleaned line.
    pub last_line: Option<Box<str>>,
    /// Whether V8 said that its heap is full.
    pub is_heap_full: bool,
    /// Whether the kernel killed a process for want of memory meanwhile; unknown where nobody counted.
    pub is_oom: Option<bool>,
    /// Whether it was a cluster worker: PM2 reports exit code 0 of one that threw.
    pub is_cluster: bool,
    /// Whether PM2's figures alone tell its end: those have no signal.
    pub is_of_figures: bool,
    /// How its daemon ended, where that ended it, or nothing tells an end of its own before that.
    pub with_daemon: Option<DaemonEnd>,
    /// Whether a shell ran it, which gives a child's signal as an exit code of its own.
    pub is_shell: bool,
}

impl Evidence {
    /// Whether PM2 had to kill it, where PM2 ended it.
    pub(super) fn was_killed(&self) -> bool {
        matches!(&self.end, Some(End::Signal(signal)) if **signal == *"SIGKILL")
    }
}

/// How a daemon ended, as far as its log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DaemonEnd {
    /// It said nothing: it was killed, crashed, or the machine went down.
    Died,
    /// It was told to.
    Stopped,
    /// It was told to, and ended all processes first.
    EndedIt {
        /// Whether it was told so by a signal, not by a command.
        by_signal: bool,
        /// Whether the process did not end in its `kill_timeout`.
        was_killed: bool,
    },
}

/// Who had a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// This program.
    Here(Action),
    /// The pm2 command, or a client that reports what it did as that does.
    Cli(Action),
}

/// Why PM2 itself restarts a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// It uses more than its `max_memory_restart`, bytes.
    Memory {
        /// What it used.
        used: u64,
        /// What it may use.
        limit: u64,
    },
    /// A watched file changed, whose cleaned path this is.
    File(Box<str>),
    /// Its `cron_restart`.
    Cron,
}

/// Why a life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An exception that nobody caught, with its message.
    Exception(Box<str>),
    /// V8's heap was full.
    HeapFull,
    /// The kernel killed it for want of memory.
    OutOfMemory,
    /// SIGKILL: the kernel's for want of memory, or somebody's.
    Killed {
        /// Whether the kernel has killed nothing for want of memory, so that it was somebody's.
        is_calm: bool,
    },
    /// A signal from outside that usually somebody sends.
    Signalled(Box<str>),
    /// A signal that this program sent.
    Sent(&'static str),
    /// A signal that a fault of native code causes.
    Native(Box<str>),
    /// An exit code that a shell gives for a child that this signal killed.
    ShellCode {
        /// The exit code, 128 and the signal's number.
        code: Box<str>,
        /// The signal's name.
        signal: &'static str,
        /// Whether a shell ran it; else it may be an exit code of its own.
        is_shell: bool,
    },
    /// It ended by itself with an exit code other than 0.
    Code(Box<str>),
    /// Exit code 0: it ended by itself, or its end left no other trace.
    Zero {
        /// Whether it was a cluster worker, of which 0 says little.
        is_cluster: bool,
        /// Whether PM2's console was heard or read, which tells each signal but SIGINT.
        is_heard: bool,
    },
    /// PM2 restarted it for a reason of its own.
    Trigger(Trigger),
    /// Somebody had it ended.
    Asked {
        /// Who.
        by: Option<By>,
        /// Whether PM2 had to kill it, since it did not end in its `kill_timeout`.
        was_killed: bool,
        /// Whether its `cron_restart` may have been due instead.
        may_be_cron: bool,
    },
    /// A reload replaced it.
    Reloaded(Option<By>),
    /// Its daemon ended, and another one began.
    WithDaemon(DaemonEnd),
    /// Nobody saw how.
    Unseen,
}

/// How sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sure {
    /// Something else may look the same.
    Guess,
    /// Hardly anything else looks the same.
    Likely,
    /// PM2, the kernel or the process said so.
    Certain,
}

impl Sure {
    /// As a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Guess => "a guess",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// Decides why a life ended.
#[must_use]
pub fn judge(seen: &Evidence) -> (Cause, Sure) {
    if let Some(how) = seen.with_daemon {
        // The daemon says that a signal ends it before it ends anything.
        let is_told = matches!(how, DaemonEnd::EndedIt { by_signal: true, .. });
        return (Cause::WithDaemon(how), if is_told { Sure::Certain } else { Sure::Likely });
    }
    if seen.is_asked || seen.is_old_worker {
        return asked(seen);
    }
    match &seen.end {
        Some(End::Signal(signal)) => signalled(seen, signal),
        Some(End::Code(code)) => ended(seen, code),
        Some(End::Unseen) | None => match &seen.exception {
            Some(message) => (Cause::Exception(message.clone()), Sure::Likely),
            None => (Cause::Unseen, Sure::Guess),
        },
    }
}

fn asked(seen: &Evidence) -> (Cause, Sure) {
    if let Some(trigger) = &seen.trigger {
        let sure = if *trigger == Trigger::Cron { Sure::Likely } else { Sure::Certain };
        return (Cause::Trigger(trigger.clone()), sure);
    }
    if seen.is_old_worker {
        return (Cause::Reloaded(seen.by), Sure::Certain);
    }
    let was_killed = seen.was_killed();
    let may_be_cron = seen.may_be_cron && seen.by.is_none();
    (Cause::Asked { by: seen.by, was_killed, may_be_cron }, Sure::Certain)
}

fn signalled(seen: &Evidence, signal: &str) -> (Cause, Sure) {
    if let Some(sent) = seen.sent.filter(|sent| *sent == signal && seen.is_oom != Some(true)) {
        return (Cause::Sent(sent), Sure::Certain);
    }
    match signal {
        "SIGKILL" => match seen.is_oom {
            Some(true) => (Cause::OutOfMemory, Sure::Certain),
            // Who sent it is known of nobody.
            Some(false) => (Cause::Killed { is_calm: true }, Sure::Likely),
            None => (Cause::Killed { is_calm: false }, Sure::Guess),
        },
        "SIGABRT" | "SIGTRAP" | "SIGILL" if seen.is_heap_full => (Cause::HeapFull, Sure::Certain),
        // Anybody can send it, too: nothing tells that.
        "SIGABRT" | "SIGSEGV" | "SIGBUS" | "SIGILL" | "SIGFPE" | "SIGTRAP" | "SIGSYS" => {
            (Cause::Native(signal.into()), Sure::Likely)
        }
        // A signal may be what an app sends itself when it has reported an exception.
        _ => match &seen.exception {
            Some(message) => (Cause::Exception(message.clone()), Sure::Likely),
            None => (Cause::Signalled(signal.into()), Sure::Certain),
        },
    }
}

fn ended(seen: &Evidence, code: &str) -> (Cause, Sure) {
    if let Some(message) = &seen.exception {
        return (Cause::Exception(message.clone()), Sure::Certain);
    }
    if seen.is_heap_full {
        return (Cause::HeapFull, Sure::Likely);
    }
    if let Some(signal) = shell_signal(code) {
        let is_shell = seen.is_shell;
        let is_oom = is_shell && signal == "SIGKILL" && seen.is_oom == Some(true);
        return if is_oom {
            (Cause::OutOfMemory, Sure::Likely)
        } else {
            let sure = if is_shell { Sure::Likely } else { Sure::Guess };
            (Cause::ShellCode { code: code.into(), signal, is_shell }, sure)
        };
    }
    match (code, &seen.last_line) {
        // What Node.js prints of an exception where PM2's own module does not report it.
        (code, Some(line)) if UNCAUGHT.contains(&code) && is_error_line(line) => {
            (Cause::Exception(line.clone()), Sure::Likely)
        }
        // On old releases the signal's name stands in the exit code.
        (name, _) if name.starts_with("SIG") => signalled(seen, name),
        ("0", _) => {
            let (is_cluster, is_heard) = (seen.is_cluster, !seen.is_of_figures);
            (
                Cause::Zero { is_cluster, is_heard },
                if is_cluster { Sure::Guess } else { Sure::Likely },
            )
        }
        (code, _) => (Cause::Code(code.into()), Sure::Certain),
    }
}

/// How many colons of a line may stand before the one of its exception, and that one: a date and a time
/// have three.
const HEAD_COLONS_MAX: usize = 4;

/// Exit codes of interpreters and runtimes for what nobody caught: Node.js and Python, Go, Rust.
pub(crate) const UNCAUGHT: [&str; 3] = ["1", "2", "101"];

/// Whether a line of standard error is the head of an exception: `TypeError: x`, and Python's; also
/// behind a time or a word, which have colons of their own. The one rule for it.
pub(super) fn is_error_line(line: &str) -> bool {
    let colons = line.match_indices(':').take(HEAD_COLONS_MAX);
    colons.filter_map(|(at, _)| line.get(..at)).any(ends_with_an_error)
}

/// Whether a text ends with the name of an exception.
fn ends_with_an_error(name: &str) -> bool {
    let word = name.rsplit([' ', '.']).next().unwrap_or(name);
    // `Error [ERR_X]: x`
    let word = if word.ends_with(']') { name.split(' ').next().unwrap_or(name) } else { word };
    let is_name = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name
        && (word.ends_with("Error") || word.ends_with("Exception"))
        && word.starts_with(|c: char| c.is_ascii_uppercase())
}

/// The signal that a shell means with an exit code over 128 (POSIX shells: 128 and its number).
fn shell_signal(code: &str) -> Option<&'static str> {
    Some(match code {
        "129" => "SIGHUP",
        "130" => "SIGINT",
        "131" => "SIGQUIT",
        "132" => "SIGILL",
        "134" => "SIGABRT",
        "135" => "SIGBUS",
        "136" => "SIGFPE",
        "137" => "SIGKILL",
        "139" => "SIGSEGV",
        "141" => "SIGPIPE",
        "143" => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: &str) -> Evidence {
        Evidence { end: Some(End::Code(code.into())), ..Evidence::default() }
    }

    fn signal(name: &str) -> Evidence {
        Evidence { end: Some(End::Signal(name.into())), ..Evidence::default() }
    }

    #[test]
    fn a_kill_is_the_kernels_only_where_the_kernel_counted_one() {
        let oom = |is_oom| judge(&Evidence { is_oom, ..signal("SIGKILL") });
        assert_eq!(oom(Some(true)), (Cause::OutOfMemory, Sure::Certain));
        assert_eq!(oom(Some(false)), (Cause::Killed { is_calm: true }, Sure::Likely));
        assert_eq!(oom(None), (Cause::Killed { is_calm: false }, Sure::Guess));
    }

    /// `kill -SEGV` leaves the same behind.
    #[test]
    fn a_signal_of_native_code_may_have_been_sent() {
        for name in ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE"] {
            let native = (Cause::Native(name.into()), Sure::Likely);
            assert_eq!(judge(&signal(name)), native);
        }
        let sent = Evidence { sent: Some("SIGSEGV"), ..signal("SIGSEGV") };
        assert_eq!(judge(&sent), (Cause::Sent("SIGSEGV"), Sure::Certain));
        let full = Evidence { is_heap_full: true, ..signal("SIGABRT") };
        assert_eq!(judge(&full), (Cause::HeapFull, Sure::Certain));
    }

    #[test]
    fn what_pm2_says_it_does_outranks_what_the_process_says() {
        let trigger = Trigger::Memory { used: 2, limit: 1 };
        let seen = Evidence {
            is_asked: true,
            trigger: Some(trigger.clone()),
            exception: Some("closing".into()),
            ..code("0")
        };
        assert_eq!(judge(&seen), (Cause::Trigger(trigger), Sure::Certain));
        let killed = Evidence { is_asked: true, ..signal("SIGKILL") };
        let asked = Cause::Asked { by: None, was_killed: true, may_be_cron: false };
        assert_eq!(judge(&killed), (asked, Sure::Certain));
    }

    #[test]
    fn what_ends_itself_with_a_code_of_its_own_threw_nothing() {
        let judged = |it: &str| {
            let last_line = Some("Error: bad config".into());
            judge(&Evidence { last_line, ..code(it) })
        };
        assert_eq!(judged("1"), (Cause::Exception("Error: bad config".into()), Sure::Likely));
        assert_eq!(judged("7"), (Cause::Code("7".into()), Sure::Certain));
    }

    #[test]
    fn an_error_line_is_the_head_of_an_exception() {
        for line in [
            "Error: boom",
            "TypeError: x is not a function",
            "Uncaught ReferenceError: y is not defined",
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x'",
            "ModuleNotFoundError: No module named 'flask'",
            "django.db.utils.OperationalError: no such table",
            "java.lang.IllegalStateException: no",
            "2026-11-28T03:12:04: Error: boom",
            "Exception in thread \"main\" java.lang.RuntimeException: x",
        ] {
            assert!(is_error_line(line), "{line}");
        }
        for line in ["server: listening", "error: ", "Error", "2 errors: a", "warn: Error"] {
            assert!(!is_error_line(line), "{line}");
        }
    }

    #[test]
    fn exit_codes_over_128_are_a_shells_word_for_a_signal() {
        let judged = |it: &str, is_shell| judge(&Evidence { is_shell, ..code(it) });
        let shell =
            |code: &str, signal, is_shell| Cause::ShellCode { code: code.into(), signal, is_shell };
        for (code, signal) in [("137", "SIGKILL"), ("130", "SIGINT"), ("143", "SIGTERM")] {
            let (of_shell, own) = (shell(code, signal, true), shell(code, signal, false));
            assert_eq!(judged(code, true), (of_shell, Sure::Likely));
            assert_eq!(judged(code, false), (own, Sure::Guess), "it may be its own");
        }
        assert_eq!(judge(&code("200")), (Cause::Code("200".into()), Sure::Certain));
        let zero = Cause::Zero { is_cluster: false, is_heard: true };
        assert_eq!(judge(&code("0")), (zero, Sure::Likely));
    }
}
