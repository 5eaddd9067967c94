//! Words for why a life ended: the one place where a [`Cause`] becomes text.

use super::cause::{By, Cause, DaemonEnd, Trigger};
use super::{Death, Follows};
use crate::model::end::{BY_ANOTHER, End, HERE, behind_exit};
use crate::model::units;
use crate::protocol::process::ProcessInfo;

/// The errors of the system that say more than the text around them.
const ERRNOS: [&str; 18] = [
    "EACCES",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "EEXIST",
    "EHOSTUNREACH",
    "EISDIR",
    "EMFILE",
    "ENOENT",
    "ENOMEM",
    "ENOSPC",
    "ENOTFOUND",
    "EPERM",
    "EPIPE",
    "EROFS",
    "ETIMEDOUT",
];
/// A reason in the table is at most this long, characters.
const REASON_CHARS_MAX: usize = 60;

/// A cause as a sentence without its full stop.
#[must_use]
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Exception(message) => format!("uncaught exception: {message}"),
        Cause::HeapFull => "its JavaScript heap was full (--max-old-space-size)".to_owned(),
        Cause::OutOfMemory => "killed by the kernel: the machine was out of memory".to_owned(),
        Cause::Killed { is_calm: false } => {
            "killed by SIGKILL (by the kernel because memory ran out, or kill -9, a supervisor)"
                .to_owned()
        }
        Cause::Killed { is_calm: true } => {
            "killed by SIGKILL from outside PM2 or by its signal command (kill -9, a supervisor; \
            the kernel counts no kill for want of memory)"
                .to_owned()
        }
        Cause::Signalled(signal) => {
            format!("killed by {signal}, from outside PM2 or by its signal command")
        }
        Cause::Sent(signal) => format!("killed by {signal}, sent {HERE}"),
        Cause::Native(signal) => format!("crashed in native code ({signal})"),
        Cause::ShellCode { code, signal, is_shell: true } => {
            format!("exit code {code}: a child of its shell was killed by {signal}")
        }
        Cause::ShellCode { code, signal, is_shell: false } => format!(
            "ended with exit code {code}, of its own or as a shell gives it for a child killed by {signal}"
        ),
        Cause::Code(code) => format!("ended by itself with exit code {code}"),
        Cause::Zero { is_cluster: false, is_heard } => format!("ended with {}", zero(*is_heard)),
        Cause::Zero { is_cluster: true, is_heard } => format!(
            "ended with {}, which PM2 also reports for a worker that threw",
            zero(*is_heard)
        ),
        Cause::Trigger(Trigger::Memory { used, limit }) => format!(
            "PM2 restarted it: over its memory limit, {} of {}",
            units::bytes(*used),
            units::bytes(*limit)
        ),
        Cause::Trigger(Trigger::File(path)) => format!("PM2 restarted it: {path} changed (watch)"),
        Cause::Trigger(Trigger::Cron) => "PM2 restarted it: its cron_restart was due".to_owned(),
        Cause::Asked { by, was_killed, may_be_cron } => {
            let words = by
                .map_or_else(|| asked_words(&Follows::Unknown, *may_be_cron).to_owned(), by_words);
            words + killed_words(*was_killed)
        }
        Cause::Reloaded(by) => match by {
            Some(by) => by_words(*by),
            None => "replaced by a reload".to_owned(),
        },
        Cause::WithDaemon(how) => with_daemon(*how),
        Cause::Unseen => "how it ended was not observed".to_owned(),
    }
}

fn with_daemon(how: DaemonEnd) -> String {
    let by_then = |how: &str| format!("PM2's daemon had {how} by then, and it too");
    match how {
        DaemonEnd::Died => by_then("died (killed, crashed, or the machine went down)"),
        DaemonEnd::Stopped => by_then("been stopped"),
        DaemonEnd::EndedIt { by_signal, was_killed } => {
            let how = if by_signal {
                "by a signal (a shutdown, a service manager, kill)"
            } else {
                "on request (pm2 kill, pm2 update)"
            };
            let killed = killed_words(was_killed);
            format!("ended by PM2 because its daemon was stopped {how}{killed}")
        }
    }
}

fn by_words(by: By) -> String {
    match by {
        By::Here(action) => format!("{} {HERE}", action.participle()),
        By::Cli(action) => format!("{} {BY_ANOTHER}", action.participle()),
    }
}

/// What was asked of PM2, by what followed.
fn asked_words(follows: &Follows, may_be_cron: bool) -> &'static str {
    match follows {
        Follows::StaysStopped | Follows::Later => "ended by PM2 on request: a stop",
        Follows::Anew { .. } | Follows::NextDaemon => "ended by PM2 on request: a stop or a delete",
        _ if may_be_cron => {
            "ended by PM2: its cron_restart was due, or on request (restart, reload or stop)"
        }
        Follows::Restart { .. } | Follows::Again | Follows::Soon => {
            "ended by PM2 on request: a restart, a reload, or a stop and a later start"
        }
        Follows::Unknown | Follows::GaveUp { .. } | Follows::StoppedWaiting { .. } => {
            "ended by PM2 on request (restart, reload, stop or delete)"
        }
    }
}

fn killed_words(was_killed: bool) -> &'static str {
    if was_killed { ", and killed by SIGKILL since it did not end in its kill_timeout" } else { "" }
}

fn zero(is_heard: bool) -> String {
    End::Code("0".into()).heard(is_heard)
}

/// The exit code or signal of a life that ended: `exit code 1`, `killed by SIGKILL`.
fn end(death: &Death) -> Option<String> {
    death.evidence.end.as_ref().map(|end| end.heard(!death.evidence.is_of_figures))
}

/// What followed, as the end of a sentence; empty where a new life did.
#[must_use]
pub fn follows(follows: &Follows) -> String {
    match follows {
        Follows::Unknown => String::new(),
        Follows::Restart { count } => format!("restart {count} followed"),
        Follows::Again | Follows::Later => "it was started again".to_owned(),
        Follows::Soon => "PM2 starts it again".to_owned(),
        Follows::StaysStopped => "PM2 leaves it stopped".to_owned(),
        Follows::StoppedWaiting { by } => {
            let by = by.map_or_else(|| "stopped by somebody".to_owned(), by_words);
            format!("it was {by} while it waited for its restart")
        }
        Follows::GaveUp { max } => format!("PM2 gave up at max_restarts {max}"),
        Follows::NextDaemon => "it was started again under PM2's next daemon".to_owned(),
        Follows::Anew { id, is_certain } => {
            let doubt = if *is_certain { "" } else { ", as it seems" };
            format!("it was deleted{doubt}, and started anew with id {id}")
        }
    }
}

/// The same with how long after it the next life began, where that is known to have begun at this time,
/// milliseconds since 1970.
#[must_use]
pub fn followed(death: &Death, next_ms: Option<i64>) -> String {
    let mut text = follows(&death.follows);
    let pause_ms = next_ms.and_then(|next_ms| u64::try_from(next_ms - death.ended_ms).ok());
    // By its figures alone it is not known when it ended.
    let Some(pause_ms) = pause_ms.filter(|_| !death.evidence.is_of_figures) else { return text };
    let pause = match pause_ms {
        0..50 if death.is_watched => "at once".to_owned(),
        ms if death.is_watched => format!("after {}", units::span(ms)),
        // The daemon's log has whole seconds.
        0..1_000 => "within a second".to_owned(),
        ms => format!("after about {}", units::whole_span(ms)),
    };
    match death.follows {
        Follows::Restart { .. }
        | Follows::Again
        | Follows::Later
        | Follows::Anew { .. }
        | Follows::NextDaemon => text.push(' '),
        // Another one had its place already.
        Follows::Unknown if death.evidence.is_old_worker => return text,
        Follows::Unknown | Follows::Soon => "it was started again ".clone_into(&mut text),
        Follows::StaysStopped | Follows::GaveUp { .. } | Follows::StoppedWaiting { .. } => {
            text.push_str(", and it was started again ");
        }
    }
    text + &pause
}

/// The whole sentence: cause and life span.
#[must_use]
pub fn sentence(death: &Death) -> String {
    let mut text = match (&death.cause, &death.follows) {
        // What followed says which request it was, as far as that goes.
        (Cause::Asked { by: None, was_killed, may_be_cron }, follows) => {
            asked_words(follows, *may_be_cron).to_owned() + killed_words(*was_killed)
        }
        (other, _) => cause(other),
    };
    if let (Cause::Exception(_) | Cause::HeapFull, Some(end)) = (&death.cause, end(death))
        && !is_zero(death)
    {
        text.push_str(", ");
        text.push_str(&end);
    }
    if let (
        Cause::Code(_) | Cause::ShellCode { .. } | Cause::Zero { .. },
        Some(signal),
        Some(end),
    ) = (&death.cause, death.evidence.sent, &death.evidence.end)
    {
        text.push_str(", ");
        text.push_str(&end.sent(signal));
    }
    match death.uptime_ms {
        None => {}
        Some(ms) if death.is_watched => {
            text.push_str(", after ");
            text.push_str(&units::span(ms));
        }
        // The daemon's log has whole seconds.
        Some(0) => text.push_str(", after a second at most"),
        Some(ms) => {
            text.push_str(", after about ");
            text.push_str(&units::whole_span(ms));
        }
    }
    text
}

/// What else is known of the end, where the sentence does not say it: how it ended, and what followed; the
/// next life began at `next_ms`, where that is known.
#[must_use]
pub fn facts(death: &Death, next_ms: Option<i64>) -> Vec<String> {
    let told = sentence(death);
    let is_told = match &death.evidence.end {
        Some(End::Signal(signal)) => told.contains(&**signal),
        // PM2 says 0 of a cluster worker that threw.
        Some(End::Code(_)) if is_zero(death) => !matches!(death.cause, Cause::Asked { .. }),
        Some(end @ End::Code(_)) => told.contains(&end.words()),
        Some(End::Unseen) | None => true,
    };
    let end = end(death).filter(|_| !is_told);
    let followed = Some(followed(death, next_ms)).filter(|text| !text.is_empty());
    end.into_iter().chain(followed).collect()
}

/// Whether PM2 reports exit code 0.
fn is_zero(death: &Death) -> bool {
    matches!(&death.evidence.end, Some(End::Code(code)) if **code == *"0")
}

/// The reason in a row of the table, as short as it can be said; `None` where somebody asked for it.
#[must_use]
pub fn reason(death: &Death) -> Option<String> {
    Some(whole_reason(death)?.chars().take(REASON_CHARS_MAX).collect())
}

/// The same where there is room for all of it.
#[must_use]
pub fn whole_reason(death: &Death) -> Option<String> {
    // PM2 says 0 of a cluster worker that threw.
    let code = || match &death.evidence.end {
        Some(end @ End::Code(_)) if !is_zero(death) => format!("{}: ", behind_exit(&end.words())),
        _ => String::new(),
    };
    let own = |code: &str| behind_exit(&End::Code(code.into()).words()).to_owned();
    let text = match &death.cause {
        Cause::Exception(message) => format!("{}{}", code(), short_message(message)),
        Cause::HeapFull => "JavaScript heap full".to_owned(),
        Cause::OutOfMemory => "SIGKILL, out of memory".to_owned(),
        Cause::Killed { is_calm: false } => "SIGKILL, out of memory?".to_owned(),
        Cause::Killed { is_calm: true } => "SIGKILL".to_owned(),
        Cause::Signalled(signal) | Cause::Native(signal) => signal.to_string(),
        Cause::Sent(signal) => format!("{signal}, sent here"),
        Cause::ShellCode { code, signal, is_shell: true } => format!("{}: {signal}", own(code)),
        Cause::Code(code) | Cause::ShellCode { code, .. } => match &death.evidence.last_line {
            Some(line) => format!("{}: {}", own(code), short_message(line)),
            None => own(code),
        },
        Cause::Zero { is_heard, .. } => zero(*is_heard),
        Cause::Trigger(Trigger::Memory { used, limit }) => {
            format!("memory {} > {}", units::bytes_short(*used), units::bytes_short(*limit))
        }
        Cause::WithDaemon(DaemonEnd::Died) => "PM2's daemon died".to_owned(),
        Cause::Trigger(_)
        | Cause::Asked { .. }
        | Cause::Reloaded(_)
        | Cause::WithDaemon(DaemonEnd::Stopped | DaemonEnd::EndedIt { .. })
        | Cause::Unseen => return None,
    };
    Some(text)
}

/// What is said of the last lines of a life that are kept; so many processes write the file that they are
/// of, where they are of one.
#[must_use]
pub fn last_lines(death: &Death, writers: usize) -> String {
    let text = match (death.is_unclear, death.is_mixed) {
        _ if writers > 1 && death.is_read => {
            return format!(
                "the last lines of its error log; {writers} processes share this file, any of them may \
                have written these"
            );
        }
        (true, true) => {
            "the last lines of standard error of about that time; lives before and after it may have \
            written some of them"
        }
        (true, false) => {
            "the last lines of its standard error; the life after it may have written some of them, \
            nothing tells which"
        }
        (_, true) => {
            "the last lines of its standard error; earlier lives may have written some of them"
        }
        _ => "its last lines of standard error",
    };
    text.to_owned()
}

/// Where no line of a life is told: that it may have written some.
#[must_use]
pub fn untold(death: &Death) -> Option<&'static str> {
    let is_untold = death.words.is_empty() && death.is_unclear;
    is_untold.then_some(if death.is_log_empty {
        "no lines of standard error are left: its error log is empty"
    } else {
        "which lines of standard error it wrote cannot be told from the log"
    })
}

/// How many of these processes write the error log of this one.
pub fn writers<'a>(info: &ProcessInfo, all: impl Iterator<Item = &'a ProcessInfo>) -> usize {
    let Some(path) = info.logs.err.as_deref() else { return 1 };
    all.filter(|other| other.logs.err.as_deref() == Some(path)).count()
}

/// How sure the sentence is. Of several causes that it names each is none for certain.
#[must_use]
pub fn sure(death: &Death) -> &'static str {
    match (&death.cause, &death.follows) {
        // A stop alone is followed by that.
        (Cause::Asked { by: None, .. }, Follows::StaysStopped | Follows::Later) => {
            death.sure.word()
        }
        (
            Cause::Asked { by: None, .. }
            | Cause::ShellCode { is_shell: false, .. }
            | Cause::Zero { is_cluster: false, .. },
            _,
        ) => "nothing tells which of these",
        _ => death.sure.word(),
    }
}

/// The part of a message that says most: `EADDRINUSE :3000` of `listen EADDRINUSE: address already
/// in use :::3000`, else the message.
fn short_message(message: &str) -> String {
    let message = message.strip_prefix("Error: ").unwrap_or(message);
    let mut words = message.split([' ', ':', ',']);
    let Some(errno) = words.find(|word| ERRNOS.contains(word)) else { return message.to_owned() };
    if let Some(address) = message.rsplit(' ').next().and_then(address) {
        return format!("{errno} {address}");
    }
    let quoted = message.split('\'').nth(1).filter(|quoted| !quoted.is_empty());
    match quoted {
        Some(quoted) => format!("{errno} {quoted}"),
        None => errno.to_owned(),
    }
}

/// The address that a message ends with: `:3000` where it is no certain host's.
fn address(word: &str) -> Option<String> {
    let (host, port) = word.rsplit_once(':')?;
    if port.is_empty() || !port.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let is_any = matches!(host, "" | "::" | "null" | "undefined" | "0.0.0.0" | "*");
    Some(if is_any { format!(":{port}") } else { format!("{host}:{port}") })
}

#[cfg(test)]
mod tests;
