//! The black box of a process that nobody watched: made up from what is left of its deaths in the
//! daemon's own log, its error log, and PM2's figures.
//!
//! Invariant: pure; what is not known for certain says so ([`Sure`]). Source of the lines and rules:
//! docs/pm2-ops.md sections 2.2 and 2.3.

use super::black_box::BlackBox;
use super::cause::{Cause, Evidence, Sure, Trigger, is_error_line, judge};
use super::error_log::{Next, share};
use super::says_something;
use super::stamp::{stamped, without_stamp};
use super::{Death, Follows, LIVES_MAX, says_heap_is_full};
use crate::model::lifecycle::{self, Life, Whom};
use crate::model::verdict::End;
use crate::protocol::process::{ExecMode, ProcessInfo, ProcessStatus};
use crate::protocol::text::clean;

/// The error log is that of the last life where it was written no later than so long after its end,
/// milliseconds.
const WRITTEN_MS: i64 = 5_000;
/// A restart that PM2 was told of takes at least and at most so long, milliseconds, over the
/// `kill_timeout` (docs/pm2-ops.md section 2.3).
const COMMANDED_MS: (i64, i64) = (60, 500);
/// A reload puts the new worker in place within so long, milliseconds.
const RELOADED_MS: i64 = 5;

/// What is left of a process's lives.
#[derive(Debug, Clone, Copy)]
pub struct Left<'a> {
    /// What PM2 says of the process now.
    pub info: &'a ProcessInfo,
    /// The end of `pm2.log`.
    pub console: &'a str,
    /// The end of its error log, and when that was last written, milliseconds since 1970.
    pub errors: Option<(&'a str, i64)>,
    /// Seconds that the daemon's local time is ahead of UTC: its log has no zone.
    pub utc_offset_s: i32,
}

/// Makes a black box of what is left. Its deaths are told as such.
#[must_use]
pub fn reconstruct(left: &Left<'_>) -> BlackBox {
    let mut deaths = from_console(left);
    if deaths.is_empty() {
        deaths.extend(from_figures(left.info));
    }
    let skip = deaths.len().saturating_sub(LIVES_MAX);
    let mut deaths = deaths.split_off(skip);
    if let Some(last) = deaths.last_mut() {
        take_figures(last, left.info);
    }
    take_errors(&mut deaths, left);
    let mut black_box = BlackBox::default();
    for death in deaths.into_iter().rev() {
        black_box.reconstruct(death);
    }
    if left.info.never_started()
        && let Some(why) = left.console.lines().rev().find_map(spawn_error)
    {
        black_box.could_not_start(&why);
    }
    black_box
}

/// The time of a line of `pm2.log` and what it says: `2026-11-28T03:12:00: PM2 log: TEXT`; before
/// 2.0 without the word.
fn console_line(line: &str, utc_offset_s: i32) -> Option<(i64, &str)> {
    let (at_ms, rest) = stamped(line, utc_offset_s)?;
    let text = rest
        .strip_prefix("PM2 ")
        .and_then(|rest| rest.split_once(": "))
        .filter(|(level, _)| ["log", "info", "error", "warn"].contains(level))
        .map_or(rest, |(_, text)| text);
    Some((at_ms, text))
}

fn spawn_error(line: &str) -> Option<String> {
    let (_, text) = console_line(line, 0)?;
    lifecycle::read_spawn_error(text).map(|why| clean(why).into_owned())
}

/// What a line of the console says of one process.
enum Said<'a> {
    Starting,
    Stopping,
    Exited { code: &'a str, signal: &'a str },
}

/// Reads a line about the process of that id and name; names may hold `:` and `]`.
fn said<'a>(text: &'a str, info: &ProcessInfo, name: &str) -> Option<Said<'a>> {
    let id = info.pm_id.to_string();
    if let Some(rest) = text.strip_prefix("Stopping app:") {
        let (app, whom) = rest.rsplit_once(" id:")?;
        return (app == name && whom.trim_end() == id).then_some(Said::Stopping);
    }
    let rest = text.strip_prefix("App [")?.strip_prefix(name)?;
    let rest = rest.strip_prefix(':')?.strip_prefix(id.as_str())?.strip_prefix("] ")?;
    if rest.starts_with("starting in") {
        return Some(Said::Starting);
    }
    let (code, rest) = rest.strip_prefix("exited with code [")?.split_once("] via signal [")?;
    Some(Said::Exited { code, signal: rest.trim_end().strip_suffix(']')? })
}

/// The deaths that the daemon's own log tells, oldest first.
fn from_console(left: &Left<'_>) -> Vec<Death> {
    let (info, name) = (left.info, &*left.info.name);
    let mut deaths: Vec<Death> = Vec::new();
    let mut started_ms = None;
    let (mut is_asked, mut is_heap_full, mut trigger) = (false, false, None);
    for line in left.console.lines() {
        let Some((at_ms, text)) = console_line(line, left.utc_offset_s) else {
            is_heap_full |= says_heap_is_full(line);
            continue;
        };
        is_heap_full |= says_heap_is_full(text);
        if let Some((whom, life)) = lifecycle::read_console(text, at_ms)
            && (whom == Whom::Id(info.pm_id.0) || whom == Whom::Name(name))
        {
            trigger = match life {
                Life::OverMemory { used, limit } => Some(Trigger::Memory { used, limit }),
                Life::FileChanged(path) => Some(Trigger::File(clean(&path).into())),
                // Whole seconds: any restart of a process with a cron pattern looks so, but most
                // patterns are on the minute.
                Life::CronDue => (at_ms % 60_000 == 0).then_some(Trigger::Cron),
                _ => None,
            };
        }
        if text.starts_with("Script ")
            && text.contains("had too many unstable restarts")
            && let Some(last) = deaths.last_mut()
            && at_ms - last.ended_ms <= 1_000
        {
            last.follows = Follows::GaveUp { max: info.restarts_max() };
        }
        match said(text, info, name) {
            Some(Said::Starting) => {
                started_ms = Some(at_ms);
                (is_asked, is_heap_full) = (false, false);
                if let Some(last) = deaths.last_mut()
                    && last.follows == Follows::Unknown
                {
                    last.follows = Follows::Again;
                }
            }
            Some(Said::Stopping) => is_asked = true,
            Some(Said::Exited { code, signal }) => {
                let end = match signal {
                    "SIGINT" => End::Code(clean(code).into()),
                    signal => End::Signal(clean(signal).into()),
                };
                let evidence = Evidence {
                    end: Some(end),
                    is_asked,
                    trigger: trigger.take(),
                    is_heap_full,
                    is_cluster: info.exec_mode == ExecMode::Cluster,
                    ..Evidence::default()
                };
                deaths.push(death(evidence, started_ms.take(), at_ms));
                is_asked = false;
            }
            None => {}
        }
    }
    deaths
}

fn death(evidence: Evidence, started_ms: Option<i64>, ended_ms: i64) -> Death {
    let (cause, sure) = judge(&evidence);
    let uptime_ms = started_ms.and_then(|started| u64::try_from(ended_ms - started).ok());
    Death {
        started_ms,
        ended_ms,
        uptime_ms,
        cause,
        sure,
        evidence,
        follows: Follows::Unknown,
        stack: Box::default(),
        words: std::collections::VecDeque::new(),
        cpu_percent: None,
        memory_bytes: None,
        peak_bytes: None,
        is_watched: false,
        is_mixed: false,
    }
}

/// The last death as PM2's figures alone tell it (docs/pm2-ops.md section 2.3).
fn from_figures(info: &ProcessInfo) -> Option<Death> {
    let has_died = info.exit_code.is_some() || info.restarts > 0;
    let is_over = matches!(
        info.status,
        ProcessStatus::Stopped | ProcessStatus::Errored | ProcessStatus::WaitingRestart
    );
    if !has_died {
        return None;
    }
    let after_ms = info.online_since_ms.zip(info.created_at_ms).map(|(up, made)| up - made);
    let kill_ms = i64::try_from(info.kill_ms()).unwrap_or(i64::MAX);
    let mut evidence = Evidence {
        end: Some(info.exit_code.clone().map_or(End::Unseen, End::Code)),
        is_cluster: info.exec_mode == ExecMode::Cluster,
        ..Evidence::default()
    };
    if !is_over && let Some(after_ms) = after_ms {
        evidence.is_asked =
            (COMMANDED_MS.0..=kill_ms.saturating_add(COMMANDED_MS.1)).contains(&after_ms);
        evidence.is_old_worker = (0..=RELOADED_MS).contains(&after_ms) && info.restarts > 0;
    }
    // The life that goes on began when the last one ended; of one that is over only the start is known.
    let ended_ms = info.online_since_ms.unwrap_or_default();
    let mut death = death(evidence, None, ended_ms);
    death.sure = death.sure.min(Sure::Likely);
    if let Cause::Zero { .. } = death.cause {
        death.sure = Sure::Guess;
    }
    death.follows = if is_over { Follows::StaysStopped } else { Follows::Again };
    Some(death)
}

/// What PM2 says of how it stands now belongs to the last death.
fn take_figures(last: &mut Death, info: &ProcessInfo) {
    last.follows = match info.status {
        ProcessStatus::Errored => Follows::GaveUp { max: info.restarts_max() },
        ProcessStatus::Stopped => Follows::StaysStopped,
        ProcessStatus::Online if info.restarts > 0 => Follows::Restart { count: info.restarts },
        _ => last.follows.clone(),
    };
}

/// The end of the error log belongs to the deaths of those that wrote it, not to the life that goes on.
fn take_errors(deaths: &mut [Death], left: &Left<'_>) {
    let (Some((text, written_ms)), Some(last)) = (left.errors, deaths.last()) else { return };
    let is_over = left.info.status != ProcessStatus::Online;
    let is_later = !is_over && written_ms > last.ended_ms + WRITTEN_MS;
    let next = Next { is_on: !is_over, has_written: is_later };
    share(deaths, text, next, left.utc_offset_s);
    for death in deaths {
        conclude(death, is_later);
    }
}

/// Decides anew why a life ended, of its last lines. `is_later`: they may be of the life that goes on.
fn conclude(death: &mut Death, is_later: bool) {
    if death.words.is_empty() {
        return;
    }
    let words = &death.words;
    let head = words.iter().rposition(|line| is_error_line(line));
    let last_line = match head {
        Some(head) => words.get(head),
        None => words.iter().rev().find(|line| says_something(line)),
    };
    death.evidence.last_line = last_line.map(|line| without_stamp(line).into());
    if death.evidence.is_asked || death.evidence.is_old_worker {
        return;
    }
    // A cluster worker that threw ends with code 0: then only its last words tell.
    if death.evidence.is_cluster && head.is_some() && matches!(death.cause, Cause::Zero { .. }) {
        death.evidence.exception.clone_from(&death.evidence.last_line);
        death.cause = Cause::Exception(death.evidence.last_line.clone().unwrap_or_default());
        death.sure = if is_later { Sure::Guess } else { Sure::Likely };
        return;
    }
    let sure = death.sure;
    (death.cause, death.sure) = judge(&death.evidence);
    if matches!(death.cause, Cause::Exception(_)) {
        death.sure = death.sure.min(Sure::Likely).max(sure.min(Sure::Likely));
    }
    if is_later {
        death.sure = Sure::Guess;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::death::words;
    use crate::protocol::process::PmId;

    fn told(info: &ProcessInfo, console: &str, errors: Option<(&str, i64)>) -> Vec<String> {
        let left = Left { info, console, errors, utc_offset_s: 3_600 };
        let black_box = reconstruct(&left);
        let line = |death: &Death| {
            let follows = words::follows(&death.follows);
            format!("{} [{}] {follows}", words::sentence(death), death.sure.word())
        };
        black_box.lives().iter().map(line).collect()
    }

    fn info(status: ProcessStatus) -> ProcessInfo {
        ProcessInfo { restarts: 2, pid: Some(7), ..ProcessInfo::new(PmId(3), "my:a]pp", status) }
    }

    #[test]
    fn lives_are_read_from_the_daemons_own_log() {
        let console = "\
2026-11-28T03:12:00: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:12:00: PM2 log: App [my:a]pp:3] online
2026-11-28T03:12:01: PM2 log: App [my:a]pp:31] exited with code [9] via signal [SIGINT]
2026-11-28T03:12:04: PM2 log: App [my:a]pp:3] exited with code [0] via signal [SIGKILL]
2026-11-28T03:12:04: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:13:00: PM2 log: [PM2][WORKER] Process 3 restarted because it exceeds --max-memory-restart value (current_memory=174600192 max_memory_limit=104857600 [octets])
2026-11-28T03:13:00: PM2 log: Stopping app:my:a]pp id:3
2026-11-28T03:13:01: PM2 log: App [my:a]pp:3] exited with code [0] via signal [SIGINT]
2026-11-28T03:13:01: PM2 log: App [my:a]pp:3] starting in -fork mode-
2026-11-28T03:13:02: PM2 log: App [my:a]pp:3] exited with code [1] via signal [SIGINT]
2026-11-28T03:13:02: PM2 error: Script /srv/a.js had too many unstable restarts (16). Stopped. \"errored\"
a line of a stack
";
        let errors = "TypeError: x is no function\n    at a (b.js:1:1)\n\nNode.js v20\n";
        insta::assert_snapshot!(
            told(&info(ProcessStatus::Errored), console, Some((errors, 0))).join("\n"),
            @r"
        killed by SIGKILL, perhaps by the kernel because memory ran out, after about 4s [a guess] it was started again
        PM2 restarted it: over its memory limit, 166.5 MiB of 100.0 MiB, after about 57s [certain] it was started again
        uncaught exception: TypeError: x is no function, after about 1s [likely] PM2 gave up at max_restarts 16
        "
        );
    }

    #[test]
    fn figures_alone_say_how_little_is_known() {
        let online = |exit_code: Option<&str>, after_ms: i64| ProcessInfo {
            exit_code: exit_code.map(Into::into),
            created_at_ms: Some(1_000),
            online_since_ms: Some(1_000 + after_ms),
            ..info(ProcessStatus::Online)
        };
        let all = [
            told(&online(Some("0"), 170), "", None),
            told(&online(Some("7"), 60_000), "", None),
            told(&online(Some("0"), 60_000), "", None),
            told(&online(None, 2), "", None),
            told(&ProcessInfo { restarts: 0, ..online(None, 0) }, "", None),
        ];
        insta::assert_snapshot!(all.map(|lines| lines.join("")).join("\n"), @r"
        ended by PM2 on request: a restart, a reload, or a stop and a later start [likely] restart 2 followed
        ended by itself with exit code 7 [likely] restart 2 followed
        ended by itself with exit code 0 [a guess] restart 2 followed
        replaced by a reload [likely] restart 2 followed
        ");
    }

    #[test]
    fn what_was_logged_later_may_be_of_the_life_that_goes_on() {
        let console = "2026-11-28T03:13:02: PM2 log: App [my:a]pp:3] exited with code [1] via signal [SIGINT]\n";
        let (at_ms, _) = console_line(console.trim_end(), 3_600).unwrap();
        let words = |written_ms| {
            told(&info(ProcessStatus::Online), console, Some(("RangeError: r\n", written_ms)))
        };
        assert!(words(at_ms + 100).concat().contains("RangeError: r [likely]"));
        assert!(words(at_ms + 60_000).concat().contains("RangeError: r [a guess]"));
        let later = told(&info(ProcessStatus::Online), console, Some(("slow\n", at_ms + 60_000)));
        assert!(later.concat().contains("exit code 1 [certain]"), "{later:?}");
    }

    /// A loop: every life is told alike, each with its own lines, and one that was stopped with none of
    /// theirs.
    #[test]
    fn each_life_has_its_own_lines_of_the_error_log() {
        let exit = |second: u32, code: u32| {
            format!(
                "2026-11-28T03:12:{second:02}: PM2 log: App [my:a]pp:3] starting in -fork mode-\n\
                 2026-11-28T03:12:{second:02}: PM2 log: App [my:a]pp:3] exited with code [{code}] via signal [SIGINT]\n"
            )
        };
        let words_of = |status, console: &str, errors: &str| -> Vec<String> {
            let info = info(status);
            let errors = Some((errors, 0));
            let black_box = reconstruct(&Left { info: &info, console, errors, utc_offset_s: 0 });
            let line = |death: &Death| {
                let words: Vec<&str> = death.words.iter().map(|line| &**line).collect();
                let mixed = if death.is_mixed { " (mixed)" } else { "" };
                format!("{}: {}{mixed}", words::cause(&death.cause), words.join("|"))
            };
            black_box.lives().iter().map(line).collect()
        };
        let words = |console: &str, errors: &str| words_of(ProcessStatus::Errored, console, errors);
        let loops: String = (1..4).map(|second| exit(second, 1)).collect();
        let boom = |port: u32| format!("starting\nError: port {port}\n    at a (b.js:1:1)\n");
        let booms = format!("{}{}{}", boom(1), boom(2), boom(3));
        let is = |port: u32| {
            let words = boom(port).trim_end().replace('\n', "|");
            format!("uncaught exception: Error: port {port}: {words}")
        };
        assert_eq!(words(&loops, &booms), [is(1), is(2), is(3)]);
        // The life that goes on has said something already.
        let told = words_of(ProcessStatus::Online, &loops, &format!("{booms}starting\n"));
        assert_eq!(told, [is(1), is(2), is(3)]);
        // Of the last second, two lives: the stamps do not tell them apart, the exceptions do.
        let stamped = |second: u32, port: u32| {
            let stamp = format!("2026-11-28T03:12:{second:02}: ");
            format!("{stamp}{}\n", boom(port).trim_end().replace('\n', &format!("\n{stamp}")))
        };
        let twice = format!("{}{}{}", exit(1, 1), exit(2, 1), exit(2, 1));
        let told = words(&twice, &format!("{}{}{}", stamped(1, 1), stamped(2, 2), stamped(2, 3)));
        for (told, port) in told.iter().zip(1..) {
            assert_eq!(told.matches("Error").count(), 2, "{told}");
            assert!(
                told.contains(&format!("|2026-11-28T03:12:0{}: Error: port {port}|", port.min(2))),
                "{told}"
            );
        }
        let stop = "2026-11-28T03:12:09: PM2 log: Stopping app:my:a]pp id:3\n";
        let stopped =
            format!("{}{}", exit(1, 1), exit(9, 0).replacen('\n', &format!("\n{stop}"), 1));
        let told = words(&stopped, &format!("{}closing\n", boom(1)));
        assert_eq!(told[0], is(1));
        assert!(told[1].ends_with(": closing"), "{told:?}");
        // Which of them said a line that is no exception, nothing tells.
        let told = words(&loops, "no port\nno port\nno port\n");
        assert!(told[2].ends_with("no port|no port|no port (mixed)"), "{told:?}");
        assert!(told[1].ends_with("exit code 1: "), "{told:?}");
    }
}
