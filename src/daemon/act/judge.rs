//! From what was heard and seen to a [`Verdict`]. Pure.
//!
//! Invariant: a process is called up only after a look that was taken at the end of its settle
//! window said so, and only if nothing was heard of an end before.

use std::time::Duration;

use tokio::time::Instant;

use super::witness::Record;
use crate::model::Target;
use crate::model::end::End;
use crate::model::looping::may_loop;
use crate::model::verdict::{Down, Verdict, Why};
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// PM2's own default of `min_uptime` (docs/pm2.md section 3).
const MIN_UPTIME: Duration = Duration::from_secs(1);
/// How long a process that ended is watched on, to tell how often it does.
const MORE_ENDS: Duration = Duration::from_secs(1);
/// How long lines of standard error may come after the end (docs/pm2-ops.md section 0: 136 ms).
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How much earlier than its `listen_timeout` PM2 may call a process online that did not say that it
/// is ready.
const TIMER_GRAIN: Duration = Duration::from_millis(50);
/// A life that began so much later than the one that was watched is another one, milliseconds.
const OTHER_LIFE_MS: i64 = 50;

/// How long a process is watched after it came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Settle {
    /// Its own `min_uptime`; PM2's default is a second.
    #[default]
    Own,
    /// So long; zero takes the daemon's word.
    For(Duration),
}

impl From<Option<Duration>> for Settle {
    fn from(window: Option<Duration>) -> Self {
        window.map_or(Self::Own, Self::For)
    }
}

impl Settle {
    /// The window of a process, as it was at `now_ms`, milliseconds since 1970. One that may be in a
    /// crash loop is not called up after a shorter time than PM2's default.
    pub(super) fn window(self, info: Option<&ProcessInfo>, now_ms: i64) -> Duration {
        let own = info.and_then(|info| info.min_uptime_ms).map(Duration::from_millis);
        match self {
            Self::Own if info.is_some_and(|info| may_loop(info, now_ms)) => {
                own.unwrap_or_default().max(MIN_UPTIME)
            }
            Self::Own => own.unwrap_or(MIN_UPTIME),
            Self::For(window) => window,
        }
    }
}

/// When it can be judged: its window is over, or enough was heard of its end.
pub(super) fn due(record: &Record, answered: Instant, window: Duration) -> Instant {
    let up = record.online_at.unwrap_or(answered) + window;
    let at = match record.first_end_at {
        Some(end) if record.has_given_up => end + LAST_WORDS,
        Some(end) => up.min(end + MORE_ENDS).max(end + LAST_WORDS),
        None => up,
    };
    at.max(answered)
}

/// What is known at the end of the window.
pub(super) struct Evidence<'a> {
    pub(super) target: &'a Target,
    pub(super) record: &'a Record,
    /// The process when it came up, where a look told it: it was not heard.
    pub(super) before: Option<&'a ProcessInfo>,
    /// When the last call for it was sent.
    pub(super) sent: Instant,
    /// When that was answered.
    pub(super) answered: Instant,
    /// Its `listen_timeout`.
    pub(super) listen: Duration,
    /// Whether it was in a crash loop before.
    pub(super) was_looping: bool,
    /// The process as it is now.
    pub(super) now: Option<&'a ProcessInfo>,
    /// When that look was taken.
    pub(super) looked: Instant,
}

impl<'a> Evidence<'a> {
    /// The process as the look saw it come up, unless it was heard since that it was ended on request, as by
    /// a cron pattern: its next life is none that follows an end of its own.
    fn begun(&self) -> Option<&'a ProcessInfo> {
        let is_over = |before: &&ProcessInfo| {
            let both = self.record.stopped_ms.zip(before.online_since_ms);
            both.is_some_and(|(stopped_ms, began_ms)| stopped_ms > began_ms)
        };
        self.before.filter(|before| !is_over(before))
    }
}

/// What came of a start, restart or reload.
pub(super) fn launched(evidence: &Evidence<'_>) -> Verdict {
    let Evidence { target, record, looked, .. } = evidence;
    let Some(now) = evidence.now.filter(|now| target.is(now)) else { return Verdict::Gone };
    let from = record.online_at.unwrap_or(evidence.answered);
    let watched_ms = millis(looked.saturating_duration_since(from));
    let restarts = evidence.begun().map(|before| before.restarts).or(record.restarts);
    let unseen = restarts.map_or(0, |restarts| now.restarts.saturating_sub(restarts));
    let ends = record.ends.max(unseen).max(u32::from(is_other_life(evidence, now)));
    let end = || record.last_end.clone().unwrap_or_else(|| told_end(now));
    let down =
        |why| Verdict::Down(Down { why, ends, watched_ms, last_words: record.last_words(now) });
    match &now.status {
        _ if now.never_started() => down(Why::NeverStarted),
        _ if record.has_given_up || now.has_given_up() => down(Why::GivenUp(end())),
        ProcessStatus::Stopped if record.was_stopped && ends == 0 => {
            Verdict::Down(Down::unseen(Why::StoppedByOther))
        }
        // `autostart: false`: no life of it was heard of, and PM2 knows of no end.
        ProcessStatus::Stopped
            if ends == 0 && record.online_at.is_none() && now.exit_code.is_none() =>
        {
            Verdict::Added
        }
        ProcessStatus::Stopping => Verdict::Down(Down::unseen(Why::StoppedByOther)),
        ProcessStatus::Stopped if stays_stopped(now, &end()) && is_clean(&end(), record) => {
            Verdict::Ended
        }
        ProcessStatus::Stopped if stays_stopped(now, &end()) => down(Why::StaysStopped(end())),
        // Between two lives of a crash loop. What somebody else stopped or started is not PM2's to start.
        ProcessStatus::Stopped if !now.is_between_lives() => down(Why::Ended(end())),
        ProcessStatus::Stopped | ProcessStatus::WaitingRestart => down(Why::Ends(end())),
        _ if ends > 0 && stays_stopped(now, &end()) => down(Why::Ended(end())),
        _ if ends > 0 => down(Why::Ends(end())),
        _ if now.wait_ready && took_all(evidence) => {
            down(Why::NotReady { waited_ms: millis(evidence.listen) })
        }
        _ => Verdict::Up { after_ms: watched_ms, was_looping: evidence.was_looping },
    }
}

/// Whether the process is in another life than the one that was watched, by the daemon's own clock: the end
/// between them was not heard.
fn is_other_life(evidence: &Evidence<'_>, now: &ProcessInfo) -> bool {
    let looked_ms = evidence.begun().and_then(|before| before.online_since_ms);
    let came_up_ms = evidence.record.online_ms.max(looked_ms);
    let begun = now.online_since_ms.zip(came_up_ms);
    begun.is_some_and(|(now_ms, came_up_ms)| now_ms > came_up_ms.saturating_add(OTHER_LIFE_MS))
}

/// Whether PM2 waited for the process to say that it is ready until it waited no longer: nothing
/// else tells (docs/pm2-ops.md section 2.1).
fn took_all(evidence: &Evidence<'_>) -> bool {
    let record = evidence.record;
    // What is heard may be heard late, but says when it was.
    if let Some((stopped_ms, online_ms)) = record.stopped_ms.zip(record.online_ms) {
        let took_ms = u64::try_from(online_ms.saturating_sub(stopped_ms)).unwrap_or(0);
        return Duration::from_millis(took_ms) + TIMER_GRAIN >= evidence.listen;
    }
    let (from, to) = match record.online_at {
        Some(online) => (record.stopped_at.unwrap_or(evidence.sent), online),
        None => (evidence.sent, evidence.answered),
    };
    to.saturating_duration_since(from) + TIMER_GRAIN >= evidence.listen
}

/// How it ended, as a listing tells it.
fn told_end(now: &ProcessInfo) -> End {
    now.exit_code.clone().map_or(End::Unseen, End::Code)
}

/// Whether PM2 leaves it stopped after this end.
fn stays_stopped(now: &ProcessInfo, end: &End) -> bool {
    let code = match end {
        End::Code(code) => code.parse::<i64>().ok(),
        // PM2 takes the code of a signal for 0 (docs/pm2-ops.md section 0).
        End::Signal(_) => Some(0),
        End::Unseen => None,
    };
    !now.autorestart || code.is_some_and(|code| now.stop_exit_codes.contains(&code))
}

/// Whether it was done and said so. A cluster process that throws ends with code 0, too
/// (docs/pm2-ops.md section 0).
fn is_clean(end: &End, record: &Record) -> bool {
    matches!(end, End::Code(code) if &**code == "0") && record.exception.is_none()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::PmId;

    fn info(status: ProcessStatus) -> ProcessInfo {
        ProcessInfo { pid: Some(7), restarts: 4, ..ProcessInfo::new(PmId(0), "api", status) }
    }

    fn judged(record: &Record, now: Option<&ProcessInfo>) -> String {
        judged_since(record, None, now)
    }

    fn judged_since(
        record: &Record,
        before: Option<&ProcessInfo>,
        now: Option<&ProcessInfo>,
    ) -> String {
        let target = Target::of(&info(ProcessStatus::Online));
        let sent = Instant::now();
        let evidence = Evidence {
            target: &target,
            record,
            before,
            sent,
            answered: sent,
            listen: Duration::from_secs(3),
            was_looping: false,
            now,
            looked: sent + Duration::from_secs(1),
        };
        launched(&evidence).words(crate::model::Action::Restart)
    }

    #[test]
    fn each_kind_of_trouble_has_its_verdict() {
        let none = Record::default();
        let ended = |code: &str| Record {
            ends: 1,
            last_end: Some(End::Code(code.into())),
            ..Record::default()
        };
        let online = info(ProcessStatus::Online);
        let stopped = ProcessInfo { autorestart: false, ..info(ProcessStatus::Stopped) };
        let between = info(ProcessStatus::Stopped);
        let again = "down: exit code 1 (PM2 starts it again)";
        assert_eq!(judged(&ended("1"), Some(&between)), again);
        let over = ProcessInfo { pid: None, ..between.clone() };
        assert_eq!(judged(&ended("1"), Some(&over)), "down: exit code 1", "somebody stopped it");
        let waiting = ProcessInfo {
            created_at_ms: Some(1),
            restart_delay_ms: Some(3_000),
            ..info(ProcessStatus::WaitingRestart)
        };
        assert_eq!(judged(&ended("1"), Some(&waiting)), again);
        assert!(judged(&none, Some(&between)).contains("autostart"));
        let by_code = ProcessInfo { stop_exit_codes: [3].into(), ..between.clone() };
        assert!(judged(&ended("3"), Some(&by_code)).contains("leaves it stopped"));
        assert_eq!(judged(&none, Some(&online)), "up 1.0 s");
        assert_eq!(judged(&none, None), Verdict::Gone.words(crate::model::Action::Restart));
        assert_eq!(judged(&ended("1"), Some(&online)), again);
        let job = ProcessInfo { autorestart: false, ..online.clone() };
        assert_eq!(judged(&ended("1"), Some(&job)), "down: exit code 1", "somebody started it");
        assert!(judged(&ended("3"), Some(&stopped)).contains("leaves it stopped"));
        assert!(
            judged(&ended("0"), Some(&stopped)).starts_with("ended with exit code 0 or SIGINT")
        );
        let thrown = Record { exception: Some("Error: x".into()), ..ended("0") };
        assert!(judged(&thrown, Some(&stopped)).ends_with(": Error: x"));
        let by_other = Record { was_stopped: true, ..Record::default() };
        assert!(judged(&by_other, Some(&stopped)).contains("somebody else"));
        let ghost = ProcessInfo { pid: None, ..online.clone() };
        assert!(judged(&none, Some(&ghost)).contains("never started"));
        assert!(judged(&none, Some(&info(ProcessStatus::Errored))).contains("gave up"));
        let looping = Record { restarts: Some(2), ..Record::default() };
        assert!(judged(&looping, Some(&online)).contains("2 times in 1.0 s"));
    }

    /// A look of one life tells nothing of how long another one has been up.
    #[test]
    fn one_whose_life_began_while_it_was_watched_is_not_up() {
        let up_since =
            |ms| ProcessInfo { online_since_ms: Some(ms), ..info(ProcessStatus::Online) };
        let heard = Record { online_ms: Some(10_005), restarts: Some(4), ..Record::default() };
        let again = "down: an end (PM2 starts it again)";
        assert_eq!(judged(&heard, Some(&up_since(10_000))), "up 1.0 s");
        assert_eq!(judged(&heard, Some(&up_since(10_400))), again);
        // Nothing was heard of it.
        let (none, before) = (Record::default(), up_since(10_000));
        let looked = |now: &ProcessInfo| judged_since(&none, Some(&before), Some(now));
        assert_eq!(looked(&up_since(10_000)), "up 1.0 s");
        assert_eq!(looked(&up_since(10_400)), again);
        let counted = ProcessInfo { restarts: 6, ..up_since(10_400) };
        assert_eq!(looked(&counted), "down: an end, 2 times in 1.0 s (PM2 starts it again)");
        let by_cron = Record { stopped_ms: Some(10_390), ..Record::default() };
        assert_eq!(judged_since(&by_cron, Some(&before), Some(&counted)), "up 1.0 s");
    }

    #[test]
    fn one_that_never_says_that_it_is_ready_is_not() {
        let waits = ProcessInfo { wait_ready: true, ..info(ProcessStatus::Online) };
        let start = Instant::now();
        let target = Target::of(&waits);
        let verdict = |online_after: u64, times: Option<(i64, i64)>| {
            let online_at = Some(start + Duration::from_millis(online_after));
            let (stopped_ms, online_ms) = times.unzip();
            let stopped_at = Some(start);
            let record =
                Record { online_at, online_ms, stopped_at, stopped_ms, ..Record::default() };
            let answered = start + Duration::from_secs(4);
            let (listen, now) = (Duration::from_secs(3), Some(&waits));
            let looked = answered + Duration::from_secs(1);
            launched(&Evidence {
                target: &target,
                record: &record,
                before: None,
                sent: start,
                answered,
                listen,
                was_looping: false,
                now,
                looked,
            })
        };
        assert!(verdict(200, None).is_success());
        let late = Some((10_000, 13_010));
        assert!(!verdict(2_900, late).is_success(), "its end was heard late");
        assert!(verdict(3_010, Some((10_000, 10_500))).is_success());
        assert!(
            verdict(3_010, None).words(crate::model::Action::Restart).contains("not report ready")
        );
    }

    #[test]
    fn one_that_loops_is_watched_for_a_second_at_least() {
        let now_ms = 1_000_000;
        let quick = |restarts, up_ms| ProcessInfo {
            min_uptime_ms: Some(100),
            online_since_ms: Some(now_ms - up_ms),
            restarts,
            ..info(ProcessStatus::Online)
        };
        let window = |info: &ProcessInfo| Settle::Own.window(Some(info), now_ms);
        assert_eq!(window(&quick(9, 300)), MIN_UPTIME);
        assert_eq!(window(&quick(2, 300)), Duration::from_millis(100), "a mishap");
        assert_eq!(window(&quick(9, 60_000)), Duration::from_millis(100), "it is stable");
        let slow = ProcessInfo { min_uptime_ms: Some(5_000), ..quick(9, 300) };
        assert_eq!(window(&slow), Duration::from_secs(5));
        let said = Settle::For(Duration::ZERO).window(Some(&quick(9, 300)), now_ms);
        assert_eq!(said, Duration::ZERO, "as the user says");
    }

    #[test]
    fn an_end_shortens_a_long_window_and_lengthens_a_short_one() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let record = Record { online_at: Some(start), ..Record::default() };
        assert_eq!(due(&record, start, Duration::from_secs(1)), start + Duration::from_secs(1));
        let ended = Record { first_end_at: Some(start + ms(100)), ..record.clone() };
        assert_eq!(due(&ended, start, Duration::from_mins(1)), start + ms(1_100));
        assert_eq!(due(&ended, start, ms(110)), start + ms(300));
        let given_up = Record { has_given_up: true, ..ended };
        assert_eq!(due(&given_up, start, Duration::from_mins(1)), start + ms(300));
        assert_eq!(
            due(&record, start + Duration::from_secs(3), Duration::from_secs(1)),
            start + Duration::from_secs(3)
        );
    }
}
