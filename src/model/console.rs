//! What the lines of the daemon's own log tell of processes, as sentences.
//!
//! Invariant: pure; the forms are those of docs/pm2-ops.md section 2.2, names may hold `:` and `]`.

use super::end::End;
use super::lifecycle::{self, Whom};
use super::log::Severity;
use super::units;
use super::words;
use crate::protocol::text::clean;

/// What is said of a process that PM2 is about to end: its end is told by a line of its own.
pub const ENDS_IT: &str = "PM2 ends it";
/// How it begins that PM2 gave up on a process: its end was told by the line before.
pub const GAVE_UP: &str = "PM2 gave up";

/// What a daemon says first, behind some dashes.
pub const DAEMON_BEGINS: &str = "New PM2 Daemon started";
/// What one says that is told to end.
pub const DAEMON_STOPPED: &str = "PM2 successfully stopped";
/// What one says that a signal ends.
pub const DAEMON_SIGNALLED: &str = "pm2 has been killed by signal";

/// Whom a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About<'a> {
    /// The process of that name and id.
    Process(&'a str, u32),
    /// The process of that id.
    Id(u32),
    /// All of that name.
    Name(&'a str),
    /// The process of this script that the line right before told the end of.
    Script(&'a str),
    /// The daemon itself.
    Daemon,
}

/// Something that a line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened<'a> {
    /// To whom.
    pub about: About<'a>,
    /// A word of at most nine columns: `exit`, `online`, `memory` ..
    pub word: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One line, cleaned.
    pub text: String,
}

/// A line of `pm2.log` behind its time, without the level: `PM2 log: TEXT`; before 2.0 the text alone.
#[must_use]
pub fn unleveled(line: &str) -> &str {
    let leveled = line.strip_prefix("PM2 ").and_then(|rest| rest.split_once(": "));
    leveled
        .filter(|(level, _)| ["log", "info", "error", "warn"].contains(level))
        .map_or(line, |(_, text)| text)
}

/// What a line tells that came at `at_ms`; `None` where it is no news of a process.
#[must_use]
pub fn read(line: &str, at_ms: i64) -> Option<Happened<'_>> {
    let line = line.trim_end();
    app(line)
        .or_else(|| reason(line, at_ms))
        .or_else(|| stopping(line))
        .or_else(|| limit(line))
        .or_else(|| daemon(line))
}

/// `App [api:3] online`, `App [api:3] exited with code [1] via signal [SIGINT]`.
fn app(line: &str) -> Option<Happened<'_>> {
    let rest = line.strip_prefix("App [")?;
    let (label, said) =
        [" exited with code [", " online", " will restart in "].into_iter().find_map(|middle| {
            let at = rest.rfind(middle)?;
            Some((rest.get(..at)?, rest.get(at + 1..)?))
        })?;
    // 1.1: `App [api] with id [3] and pid [42], exited ..`
    let older = label.rsplit_once("] with id [");
    let (about, is_old) = if let Some((name, id)) = older {
        (About::Process(name, id.split(']').next()?.parse().ok()?), false)
    } else {
        let (name, id) = label.strip_suffix(']')?.rsplit_once(':')?;
        let old = id.strip_prefix("_old_");
        (About::Process(name, old.unwrap_or(id).parse().ok()?), old.is_some())
    };
    let happened = |word, severity, text: String| Happened { about, word, severity, text };
    if said == "online" {
        return Some(happened("online", Severity::Good, "started".to_owned()));
    }
    if let Some(pause) = said.strip_prefix("will restart in ") {
        let ms: u64 = pause.strip_suffix("ms")?.parse().ok()?;
        let text = format!("PM2 waits {} before it starts it again", units::span(ms));
        return Some(happened("wait", Severity::Warning, text));
    }
    let (code, signal) = said.strip_prefix("exited with code [")?.split_once("] via signal [")?;
    let (code, signal) = (clean(code), clean(signal.strip_suffix(']')?));
    let is_clean = (&*code, &*signal) == ("0", "SIGINT");
    // PM2 prints SIGINT where there was no signal, too.
    let end = match &*signal {
        "SIGINT" => End::Code((&*code).into()),
        signal => End::Signal(signal.into()),
    };
    let text = end.words();
    let severity = if is_clean { Severity::Warning } else { Severity::Bad };
    Some(if is_old {
        happened("exit", Severity::Neutral, format!("old worker of a reload ended, {text}"))
    } else {
        happened("exit", severity, text)
    })
}

/// Why PM2 restarts a process.
fn reason(line: &str, at_ms: i64) -> Option<Happened<'_>> {
    let (whom, happened) = lifecycle::read_console(line, at_ms)?;
    let about = match whom {
        Whom::Id(id) => About::Id(id),
        Whom::Name(name) => About::Name(name),
    };
    let words::Sentence { word, severity, text } = words::tell(&happened);
    Some(Happened { about, word, severity, text: clean(&text).into_owned() })
}

/// `Stopping app:api id:3`.
fn stopping(line: &str) -> Option<Happened<'_>> {
    let (name, id) = line.strip_prefix("Stopping app:")?.rsplit_once(" id:")?;
    let (id, word) = match id.strip_prefix("_old_") {
        Some(old) => (old, "reload"),
        None => (id, "stop"),
    };
    let text = if word == "reload" { "PM2 ends its old worker" } else { ENDS_IT };
    let about = About::Process(name, id.parse().ok()?);
    Some(Happened { about, word, severity: Severity::Neutral, text: text.to_owned() })
}

/// `Script /srv/a.js had too many unstable restarts (16). Stopped. "errored"`.
fn limit(line: &str) -> Option<Happened<'_>> {
    let (script, count) = given_up(line)?;
    Some(Happened {
        about: About::Script(script),
        word: "overlimit",
        severity: Severity::Bad,
        text: format!("{GAVE_UP} after {count} unstable restarts: errored"),
    })
}

/// The script of which PM2 says that it gave up, and after how many unstable restarts.
#[must_use]
pub fn given_up(line: &str) -> Option<(&str, u32)> {
    let said = line.strip_prefix("Script ")?;
    let (script, rest) = said.rsplit_once(" had too many unstable restarts (")?;
    Some((script, rest.split(')').next()?.parse().ok()?))
}

/// What happened to the daemon itself, and what it could not start.
fn daemon(line: &str) -> Option<Happened<'_>> {
    let about = About::Daemon;
    let happened = |severity, text: String| Happened { about, word: "pm2", severity, text };
    if let Some(why) = lifecycle::read_spawn_error(line) {
        return Some(happened(Severity::Bad, format!("could not start a process: {}", clean(why))));
    }
    let dashes = line.trim_start_matches('-').trim_start();
    let table = [
        (DAEMON_BEGINS, Severity::Good, "the daemon was started"),
        ("PM2 global error caught", Severity::Bad, "error in the daemon"),
        ("[PM2] Resurrecting PM2", Severity::Bad, "the daemon restarts itself"),
        (DAEMON_STOPPED, Severity::Warning, "the daemon was ended"),
        (DAEMON_SIGNALLED, Severity::Bad, "the daemon was killed by a signal"),
    ];
    let (_, severity, text) = table.into_iter().find(|(start, ..)| dashes.starts_with(start))?;
    Some(happened(severity, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: About<'_> = About::Process("my:a]pp", 3);

    fn told(line: &str) -> Option<(About<'_>, &'static str, String)> {
        let Happened { about, word, text, .. } = read(unleveled(line), 500)?;
        Some((about, word, text))
    }

    #[test]
    fn what_happens_to_a_process_is_told() {
        let api = API;
        let table = [
            ("PM2 log: App [my:a]pp:3] online", api, "online", "started"),
            (
                "PM2 log: App [my:a]pp:3] exited with code [1] via signal [SIGINT]",
                api,
                "exit",
                "exit code 1",
            ),
            (
                "App [my:a]pp:3] exited with code [0] via signal [SIGKILL]",
                api,
                "exit",
                "killed by SIGKILL",
            ),
            (
                "App [my:a]pp:_old_3] exited with code [0] via signal [SIGINT]",
                api,
                "exit",
                "old worker of a reload ended, exit code 0 or SIGINT",
            ),
            (
                "App [api] with id [7] and pid [42], exited with code [2] via signal [SIGINT]",
                About::Process("api", 7),
                "exit",
                "exit code 2",
            ),
            (
                "App [my:a]pp:3] will restart in 150ms",
                api,
                "wait",
                "PM2 waits 0.1 s before it starts it again",
            ),
        ];
        for (line, about, word, text) in table {
            assert_eq!(told(line), Some((about, word, text.to_owned())), "{line}");
        }
    }

    #[test]
    fn what_pm2_does_and_why_is_told() {
        let api = API;
        let table = [
            ("Stopping app:my:a]pp id:3", api, "stop", "PM2 ends it"),
            ("Stopping app:my:a]pp id:_old_3", api, "reload", "PM2 ends its old worker"),
            (
                "PM2 error: Script /srv/a.js had too many unstable restarts (4). Stopped. \"errored\"",
                About::Script("/srv/a.js"),
                "overlimit",
                "PM2 gave up after 4 unstable restarts: errored",
            ),
            (
                "Change detected on path a.js for app api - restarting",
                About::Name("api"),
                "watch",
                "a.js changed: PM2 restarts it",
            ),
            (
                "PM2 error: Error: spawn python3 ENOENT",
                About::Daemon,
                "pm2",
                "could not start a process: spawn python3 ENOENT",
            ),
            ("--- New PM2 Daemon started -----", About::Daemon, "pm2", "the daemon was started"),
        ];
        for (line, about, word, text) in table {
            assert_eq!(told(line), Some((about, word, text.to_owned())), "{line}");
        }
        for line in [
            "",
            "App [my:a]pp:3] starting in -fork mode-",
            "App [api:x] online",
            "pid=42 msg=process killed",
            "PM2 log: a line of a worker",
            "[PM2] Deregistering a cron job on: 3",
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }
}
