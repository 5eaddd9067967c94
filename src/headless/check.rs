//! `check`: conditions, once, for probes and deploy scripts.
//!
//! Invariant: a line for each process and condition that does not hold, or could not be measured, and
//! exit code 1; one line and 0 where all do. Nothing to check is not fine, but what is stopped and may
//! be is. A crash loop is not fine where nothing else is asked for: it is online at most looks.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::ends::{self, Killed};
use super::failure::{Code, Failure};
use super::figures::Figures;
use super::{Context, act, output, table, targets};
use crate::cli::Check;
use crate::daemon::clock::now_ms;
use crate::model::end::End;
use crate::model::looping::{doubt_ms, has_crashed, looks_looping, may_have_crashed};
use crate::model::state_word::{standing, state_word};
use crate::model::{Target, units};
use crate::protocol::process::{ProcessInfo, ProcessStatus};

/// When to look again at what has ended and PM2 starts again: then it runs, and its count has grown,
/// milliseconds.
const BETWEEN_MS: u64 = 400;

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq)]
struct Broken {
    /// The process; none for what is about all of them.
    process: Option<ProcessInfo>,
    /// The option's name, as in JSON.
    condition: &'static str,
    /// What is so instead.
    why: String,
}

impl Broken {
    fn line(&self) -> String {
        match &self.process {
            Some(info) => format!("{}: {}", targets::label(info), self.why),
            None => self.why.clone(),
        }
    }

    fn as_json(&self) -> Json {
        json!({
            "pm_id": self.process.as_ref().map(|info| info.pm_id.0),
            "name": self.process.as_ref().map(|info| &*info.name),
            "condition": self.condition,
            "message": self.why,
        })
    }
}

/// What was looked at.
#[derive(Debug)]
struct Looked {
    /// The processes that are checked.
    checked: Vec<ProcessInfo>,
    /// How many were left out, since they are stopped.
    stopped: usize,
}

/// Checks.
pub(super) async fn run(
    context: &Context,
    what: &Check,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let client = context.connect().await?;
    let is_measuring = what.max_memory.is_some() || what.max_cpu.is_some();
    let asks_pm2 = what.figures.ask_pm2 || !is_measuring;
    let mut figures = if what.max_cpu.is_some() {
        Figures::begin(&client, asks_pm2).await
    } else {
        Figures::at_once(&client, asks_pm2).await
    };
    let mut first = None;
    if let Some(within) = what.within {
        let processes = act::fleet(context, &client).await?;
        let killed = ends::killed(context, &processes).await;
        first = Some(look(what, &processes, false, &killed)?.checked);
        tokio::time::sleep(within).await;
    }
    figures.ready().await;
    let mut processes = act::fleet(context, &client).await?;
    let mut doubtful = Vec::new();
    if let Some(doubt) = doubt(what, &processes) {
        doubtful = std::mem::take(&mut processes);
        tokio::time::sleep(doubt).await;
        processes = act::fleet(context, &client).await?;
    }
    figures.fill(&mut processes).await;
    client.disconnect().await;
    let mut broken = Vec::new();
    let killed = ends::killed(context, &processes).await;
    let looked = look(what, &processes, first.is_some() || !doubtful.is_empty(), &killed)?;
    let gone = |info: &&ProcessInfo| processes.iter().all(|now| now.pm_id != info.pm_id);
    broken.extend(first.iter().flatten().filter(gone).map(|info| Broken {
        process: Some(info.clone()),
        condition: "max_restarts",
        why: "it is gone, so its restarts are unknown".to_owned(),
    }));
    if looked.checked.is_empty() && looked.stopped == 0 && broken.is_empty() {
        return Err(Failure::condition("no processes to check"));
    }
    if let Some(why) = table::blindness(&processes).filter(|_| is_measuring) {
        broken.push(Broken { process: None, condition: "measured", why });
    }
    let now_ms = now_ms();
    for info in &looked.checked {
        let count = restarts(info, first.as_deref());
        let has_crashed = find(&doubtful, info).is_some_and(|before| has_crashed(before, info));
        let failure = killed.failure(info);
        let found = broken_by(what, info, (count, has_crashed, failure), now_ms).into_iter();
        broken.extend(found.map(|(condition, why)| Broken {
            process: Some(info.clone()),
            condition,
            why,
        }));
    }
    let has_crashed =
        |info: &ProcessInfo| find(&doubtful, info).is_some_and(|before| has_crashed(before, info));
    let checked = looked.checked.iter();
    let looping: Vec<&ProcessInfo> =
        checked.filter(|info| has_crashed(info) || looks_looping(info, now_ms)).collect();
    let lately: Vec<&ProcessInfo> =
        looked.checked.iter().filter(|info| may_have_crashed(info, now_ms)).collect();
    report(context, what, (&looked, &looping, &lately), &broken, out)?;
    Ok(if broken.is_empty() { Code::Fine } else { Code::Condition })
}

/// The processes that are asked about. A word that means nothing is an error, but not the second time:
/// what it meant may have gone.
fn look(
    what: &Check,
    processes: &[ProcessInfo],
    is_second: bool,
    killed: &Killed,
) -> Result<Looked, Failure> {
    let meant = |words: &[String]| -> Result<Vec<ProcessInfo>, Failure> {
        let mut meant = Vec::with_capacity(words.len());
        for word in words {
            if !is_second || !targets::matching(word, processes)?.is_empty() {
                meant.push(word.clone());
            }
        }
        targets::resolve(&meant, processes)
    };
    let all = ["all".to_owned()];
    let mut checked = meant(if what.targets.is_empty() { &all } else { &what.targets })?;
    let except = meant(&what.except)?;
    checked.retain(|info| except.iter().all(|other| other.pm_id != info.pm_id));
    let found = checked.len();
    checked.retain(|info| {
        let is_stopped = info.status == ProcessStatus::Stopped && info.is_over();
        !(what.ignore_stopped && is_stopped && killed.failure(info).is_none())
    });
    Ok(Looked { stopped: found - checked.len(), checked })
}

/// How long to wait until it is known of all that are checked whether they loop; `None` where it is.
fn doubt(what: &Check, processes: &[ProcessInfo]) -> Option<Duration> {
    let now_ms = now_ms();
    let checked = look(what, processes, true, &Killed::default()).ok()?.checked;
    let is_asked = what.looping || is_default(what);
    let between = checked.iter().any(ProcessInfo::is_between_lives) && is_asked;
    let between = between.then_some(BETWEEN_MS);
    let waits = checked.iter().filter(|_| what.looping);
    let waits = waits.filter_map(|info| doubt_ms(info, now_ms)).chain(between);
    waits.max().map(Duration::from_millis)
}

/// The same process at an earlier look.
fn find<'a>(before: &'a [ProcessInfo], info: &ProcessInfo) -> Option<&'a ProcessInfo> {
    before.iter().find(|it| it.pm_id == info.pm_id).filter(|it| Target::of(it).is(info))
}

/// How often a process was restarted: since the first look where there was one, else in all. One that
/// is new since then, or whose count was set to 0, has all of its restarts since.
fn restarts(info: &ProcessInfo, first: Option<&[ProcessInfo]>) -> u32 {
    let before = find(first.unwrap_or_default(), info);
    before.and_then(|before| info.restarts.checked_sub(before.restarts)).unwrap_or(info.restarts)
}

fn report(
    context: &Context,
    what: &Check,
    (looked, looping, lately): (&Looked, &[&ProcessInfo], &[&ProcessInfo]),
    broken: &[Broken],
    out: &mut impl Write,
) -> Result<(), Failure> {
    if what.json {
        let named = |infos: &[&ProcessInfo]| -> Vec<Json> {
            infos.iter().map(|info| json!({ "pm_id": info.pm_id.0, "name": info.name })).collect()
        };
        let report = json!({
            "ok": broken.is_empty(),
            "checked": looked.checked.len(),
            "stopped": looked.stopped,
            "failed": broken.iter().map(Broken::as_json).collect::<Vec<_>>(),
            "looping": named(looping),
            "may_have_crashed": named(lately),
        });
        return Ok(output::json(&report, context.json_style(), out)?);
    }
    for one in broken {
        writeln!(out, "{}", output::printable(&one.line(), context.is_ascii))?;
    }
    if broken.is_empty() {
        let besides = match looked.stopped {
            0 => String::new(),
            stopped => format!(", {stopped} stopped"),
        };
        let labels: Vec<String> = lately.iter().map(|info| targets::label(info)).collect();
        let crashed = match labels.len() {
            0 => String::new(),
            _ => format!("; may have crashed less than 30 s ago: {}", targets::some(&labels)),
        };
        let line = format!("ok: {}{besides}{crashed}", output::processes(looked.checked.len()));
        writeln!(out, "{}", output::printable(&line, context.is_ascii))?;
    }
    Ok(())
}

/// Whether nothing is asked for but whether all is well.
fn is_default(what: &Check) -> bool {
    let has_other = what.errored
        || what.looping
        || what.max_restarts.is_some()
        || what.max_memory.is_some()
        || what.max_cpu.is_some()
        || what.min_uptime.is_some();
    !what.online && !has_other
}

/// What does not hold for a process, each with the condition's name. `restarts` is how many count,
/// `has_crashed` whether it did since an earlier look at what was in doubt, and `failure` how a job failed.
fn broken_by(
    what: &Check,
    info: &ProcessInfo,
    (restarts, has_crashed, failure): (u32, bool, Option<End>),
    now_ms: i64,
) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let is_online = info.status == ProcessStatus::Online && !info.never_started();
    let is_default = is_default(what);
    let is_looping = has_crashed || looks_looping(info, now_ms);
    if (what.online || is_default) && !is_online {
        let is_waiting = info.status == ProcessStatus::WaitingRestart && !info.has_given_up();
        let starts_again = is_waiting || info.is_between_lives();
        if info.never_started() {
            all.push(("online", standing(info)));
        } else if let Some(end) = failure {
            all.push(("online", format!("{}, {}", state_word(info, false), end.words())));
        } else if what.online || !is_looping || !starts_again {
            all.push(("online", format!("{}, not online", state_word(info, false))));
        } else {
            // What it does is said below.
        }
    } else if what.errored && info.has_given_up() {
        all.push(("errored", standing(info)));
    } else {
        // Its status is fine, or not asked for.
    }
    if (what.looping || is_default) && is_looping {
        all.push(("looping", format!("{}: {} restarts", state_word(info, true), info.restarts)));
    }
    if let Some(max) = what.max_restarts.filter(|max| restarts > *max) {
        let span = what.within.map(|span| format!(" in {}", seconds(span))).unwrap_or_default();
        let plural = if restarts == 1 { "" } else { "s" };
        all.push(("max_restarts", format!("{restarts} restart{plural}{span}, more than {max}")));
    }
    all.extend(over_limits(what, info));
    if let (Some(min), Some(since), true) = (what.min_uptime, info.online_since_ms, is_online) {
        let span_ms = now_ms.saturating_sub(since);
        let min_ms = i64::try_from(min.as_millis()).unwrap_or(i64::MAX);
        if span_ms < min_ms {
            let (up, min) = (units::uptime(span_ms), units::uptime(min_ms));
            all.push(("min_uptime", format!("online for {up}, less than {min}")));
        }
    }
    all
}

/// What is measured, and over its limit.
fn over_limits(what: &Check, info: &ProcessInfo) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let (Some(max), Some(bytes)) = (what.max_memory, info.memory_bytes)
        && bytes > max
    {
        let (found, max) = (units::bytes(bytes), units::bytes(max));
        all.push(("max_memory", format!("{found} of memory, more than {max}")));
    }
    if let (Some(max), Some(cpu)) = (what.max_cpu, info.cpu_percent)
        && cpu > max
    {
        let (cpu, max) = (f64::from(cpu), f64::from(max));
        let (cpu, max) = (units::percent(cpu), units::percent(max));
        all.push(("max_cpu", format!("{cpu} cpu, more than {max}")));
    }
    all
}

fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::PmId;

    fn process(id: u32, name: &str, status: ProcessStatus) -> ProcessInfo {
        let pid = (status != ProcessStatus::Stopped).then_some(9);
        ProcessInfo { pid, ..ProcessInfo::new(PmId(id), name, status) }
    }

    #[test]
    fn what_pm2_gave_up_is_called_that() {
        let given_up = ProcessInfo {
            status: ProcessStatus::WaitingRestart,
            restarts: 5,
            created_at_ms: None,
            ..process(0, "api", ProcessStatus::Online)
        };
        assert!(given_up.has_given_up());
        let said = broken_by(&Check::default(), &given_up, (5, false, None), 10_000);
        assert_eq!(said.first().unwrap().1, "waiting restart, given up, not online");
    }

    #[test]
    fn each_condition_that_is_given_must_hold() {
        let mut info = process(0, "api", ProcessStatus::Online);
        info.restarts = 5;
        info.memory_bytes = Some(2048);
        info.cpu_percent = Some(50.0);
        info.online_since_ms = Some(0);
        let said = |what: &Check, info: &ProcessInfo| -> Vec<String> {
            let failure = Killed::default().failure(info);
            let found = broken_by(what, info, (info.restarts, false, failure), 10_000);
            found.into_iter().map(|(_, why)| why).collect()
        };
        let none = Check::default();
        assert_eq!(said(&none, &info), [] as [String; 0]);
        let strict = Check {
            max_restarts: Some(4),
            max_memory: Some(1024),
            max_cpu: Some(49.0),
            min_uptime: Some(Duration::from_secs(11)),
            ..Check::default()
        };
        assert_eq!(
            said(&strict, &info),
            [
                "5 restarts, more than 4",
                "2.0 KiB of memory, more than 1.0 KiB",
                "50.0% cpu, more than 49.0%",
                "online for 10s, less than 11s"
            ]
        );
        let lax = Check {
            max_restarts: Some(5),
            max_memory: Some(2048),
            max_cpu: Some(50.0),
            min_uptime: Some(Duration::from_secs(10)),
            ..Check::default()
        };
        assert_eq!(said(&lax, &info), [] as [String; 0]);
        let looping = Check { looping: true, ..Check::default() };
        assert_eq!(said(&looping, &info), [] as [String; 0]);
        info.unstable_restarts = 3;
        assert_eq!(said(&looping, &info), ["online, looping: 5 restarts"]);
        assert_eq!(said(&none, &info), ["online, looping: 5 restarts"], "also where none is given");
        let online = Check { online: true, ..Check::default() };
        assert_eq!(said(&online, &info), [] as [String; 0], "PM2's status alone");
        assert_eq!(said(&lax, &info), [] as [String; 0], "only where it is asked for");
        info.pid = None;
        assert_eq!(said(&none, &info), ["online, never started: there is no process"]);
        info.status = ProcessStatus::Stopped;
        assert_eq!(said(&none, &info), ["stopped, not online"]);
        let errored = Check { errored: true, ..Check::default() };
        assert_eq!(said(&errored, &info), [] as [String; 0]);
        let job = ProcessInfo { autorestart: false, exit_code: Some("1".into()), ..info.clone() };
        assert_eq!(said(&none, &job), ["stopped, exit code 1"]);
        let done = ProcessInfo { exit_code: Some("0".into()), ..job.clone() };
        assert_eq!(said(&none, &done), ["stopped, not online"]);
        let meant = ProcessInfo { stop_exit_codes: [1].into(), ..job };
        assert_eq!(said(&none, &meant), ["stopped, not online"], "its stop_exit_codes have it");
        info.status = ProcessStatus::Errored;
        assert_eq!(said(&errored, &info).len(), 1);
        // Between an end and the next start PM2 says `stopped`, too.
        let between = process(0, "api", ProcessStatus::Online);
        let between = ProcessInfo { status: ProcessStatus::Stopped, ..between };
        let once = "restarting, not online";
        assert_eq!(said(&none, &between), [once]);
        let looping = ProcessInfo {
            restarts: 5,
            unstable_restarts: 3,
            online_since_ms: Some(9_000),
            ..between
        };
        assert_eq!(said(&none, &looping), ["restarting, looping: 5 restarts"]);
        assert_eq!(said(&online, &looping), [once], "PM2's status alone");
    }

    /// PM2 says code 0 of each signal.
    #[test]
    fn a_job_that_a_signal_ended_has_failed() {
        let job = ProcessInfo {
            autorestart: false,
            exit_code: Some("0".into()),
            ..process(9, "job", ProcessStatus::Stopped)
        };
        let said = |killed: &Killed| {
            broken_by(&Check::default(), &job, (0, false, killed.failure(&job)), 10_000)
        };
        let killed = Killed::for_test(PmId(9), "SIGABRT");
        assert_eq!(said(&killed), [("online", "stopped, killed by SIGABRT".to_owned())]);
        assert_eq!(said(&Killed::default()), [("online", "stopped, not online".to_owned())]);
    }

    #[test]
    fn only_restarts_since_the_first_look_count() {
        let with = |id: u32, unique: &str, restarts| ProcessInfo {
            unique_id: Some(unique.into()),
            restarts,
            ..process(id, "api", ProcessStatus::Online)
        };
        let first = [with(0, "a", 70), with(1, "b", 3)];
        let count = |info: &ProcessInfo| restarts(info, Some(&first));
        assert_eq!(count(&with(0, "a", 70)), 0);
        assert_eq!(count(&with(0, "a", 74)), 4);
        assert_eq!(count(&with(0, "a", 2)), 2, "its count was set to 0 meanwhile");
        assert_eq!(count(&with(0, "x", 71)), 71, "another process with its id");
        assert_eq!(count(&with(2, "c", 5)), 5, "a new one");
        assert_eq!(restarts(&with(0, "a", 74), None), 74);
        let what = Check {
            max_restarts: Some(3),
            within: Some(Duration::from_millis(1_500)),
            ..Check::default()
        };
        let said = broken_by(&what, &with(0, "a", 74), (4, false, None), 0);
        assert_eq!(said, [("max_restarts", "4 restarts in 1.5 s, more than 3".to_owned())]);
    }

    #[test]
    fn what_is_left_out_is_not_looked_at() {
        let all = [
            process(0, "api", ProcessStatus::Online),
            process(1, "job", ProcessStatus::Stopped),
            process(2, "old", ProcessStatus::Errored),
        ];
        let failed = ProcessInfo {
            autorestart: false,
            exit_code: Some("1".into()),
            ..process(3, "bad", ProcessStatus::Stopped)
        };
        let lenient = Check { ignore_stopped: true, ..Check::default() };
        let done = [ProcessInfo { exit_code: Some("0".into()), ..failed.clone() }];
        let none = Killed::default();
        let checked = |infos: &[ProcessInfo], killed: &Killed| {
            look(&lenient, infos, false, killed).unwrap().checked.len()
        };
        assert_eq!(checked(&[failed], &none), 1, "it is not well");
        assert_eq!(checked(&done, &none), 0);
        assert_eq!(checked(&done, &Killed::for_test(PmId(3), "SIGABRT")), 1, "nor is that");
        let ids = |what: &Check| -> (Vec<u32>, usize) {
            let looked = look(what, &all, false, &none).unwrap();
            (looked.checked.iter().map(|info| info.pm_id.0).collect(), looked.stopped)
        };
        assert_eq!(ids(&Check::default()), (vec![0, 1, 2], 0));
        assert_eq!(ids(&lenient), (vec![0, 2], 1), "errored is no kind of stopped");
        let except = vec!["old".to_owned(), "1".to_owned()];
        assert_eq!(ids(&Check { except: except.clone(), ..lenient.clone() }), (vec![0], 0));
        assert_eq!(ids(&Check { except, targets: vec!["job".to_owned()], ..lenient }), (vec![], 0));
        let unknown = Check { except: vec!["olds".to_owned()], ..Check::default() };
        assert!(look(&unknown, &all, false, &none).unwrap_err().line().unwrap().contains("`olds`"));
        assert_eq!(look(&unknown, &all, true, &none).unwrap().checked.len(), 3, "it may have gone");
    }
}
