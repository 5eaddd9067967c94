//! What a daemon's reports change.

use super::update::notify;
use super::{App, Mode, navigate};
use crate::model::call::CallOutcome;
use crate::model::daemon::{Connection, Daemon};
use crate::model::fleet::Process;
use crate::model::lifecycle;
use crate::model::log::{LogLine, LogSource, Severity};
use crate::model::report::Report;
use crate::model::{Action, DaemonId, ProcessKey, Target, Verdict};
use crate::protocol::bus::{BusPmId, Exception, ProcessEvent};
use crate::protocol::process::{PmId, ProcessStatus, Snapshot};
use crate::protocol::text::clean_to;

/// For how long after a start its process is watched for not living, milliseconds.
const START_WATCH_MS: i64 = 5_000;

/// How much of a reply the footer says; the log has more.
const NOTICE_CHARS_MAX: usize = 200;

/// Takes one report in.
pub(super) fn take(app: &mut App, id: DaemonId, report: Report) {
    app.is_dirty = true;
    match report {
        Report::Connection(connection) => take_connection(app, id, connection),
        Report::BusLive(is_live) => with_daemon(app, id, |daemon| daemon.bus_live = is_live),
        Report::Version(version) => with_daemon(app, id, |daemon| daemon.version = Some(version)),
        Report::Methods(methods) => {
            with_daemon(app, id, |daemon| daemon.methods = Some(methods));
        }
        Report::CallFinished { method, outcome } => finish_call(app, id, &method, outcome),
        Report::Snapshot { at_ms, took_ms, interval_ms, snapshot } => {
            with_daemon(app, id, |daemon| {
                daemon.snapshot_at_ms = Some(at_ms);
                daemon.poll_took_ms = Some(took_ms);
                daemon.poll_interval_ms = interval_ms;
            });
            take_snapshot(app, id, snapshot, at_ms);
        }
        Report::Process(event) => take_event(app, id, &event),
        Report::Exception(exception) => take_exception(app, id, &exception),
        Report::Killed(message) => {
            push_daemon_line(app, id, "pm2:kill", Severity::Bad, &message);
        }
        Report::ActionFinished { action, target, verdict } => {
            finish(app, action, id, &target, &verdict);
        }
        Report::Lines(lines) => {
            for line in lines {
                app.log.push(line);
            }
        }
        Report::LinesLost(lines) => app.log.count_lost(lines),
        Report::EventsLost(events) => with_daemon(app, id, |daemon| daemon.events_lost += events),
        Report::Warning { text, count } => with_daemon(app, id, |daemon| {
            daemon.warnings += count;
            daemon.last_warning = Some(text);
        }),
    }
}

fn with_daemon(app: &mut App, id: DaemonId, change: impl FnOnce(&mut Daemon)) {
    if let Some(daemon) = app.daemons.get_mut(usize::from(id.0)) {
        change(daemon);
    }
}

fn take_connection(app: &mut App, id: DaemonId, connection: Connection) {
    let was_live = app.daemon(id).is_some_and(Daemon::is_live);
    let is_live = connection == Connection::Live;
    if is_live && !was_live {
        app.fresh.push(id);
        push_daemon_line(app, id, "connected", Severity::Good, "the daemon answers");
    }
    if let (true, Connection::Down { problem, .. }) = (was_live, &connection) {
        let home = app.daemon(id).map_or("", |daemon| &*daemon.home);
        let advice = problem.advice(home);
        push_daemon_line(app, id, "lost", Severity::Bad, &problem.sentence());
        push_daemon_line(app, id, "lost", Severity::Neutral, &advice);
    }
    with_daemon(app, id, |daemon| daemon.connection = connection);
}

fn take_snapshot(app: &mut App, id: DaemonId, snapshot: Snapshot, at_ms: i64) {
    let row = navigate::selected_row(app);
    let gone = app.fleet.apply_snapshot(id, snapshot, at_ms);
    let is_fresh = app.fresh.contains(&id);
    app.fresh.retain(|fresh| *fresh != id);
    for (key, process) in gone {
        let about = match &app.mode {
            Mode::Confirm { key, .. } => Some(*key),
            Mode::Compose(compose) => Some(compose.key),
            _ => None,
        };
        if about == Some(key) {
            app.mode = Mode::Normal;
            notify(app, &format!("{}[{}] is gone meanwhile", process.info.name, key.pm_id), true);
        }
        // PM2 has no event for a deletion. One asked for here is told by its outcome; behind a new
        // connection stands perhaps another daemon, whose processes are not those.
        let is_asked_here = matches!(process.asked, Some((Action::Delete, _)));
        if !is_fresh && !is_asked_here {
            let source = source(id, key.pm_id, &process.info.name);
            let text = "deleted from PM2";
            let line = LogLine::event(app.now_ms, source, "delete", Severity::Warning, text);
            app.log.push(line);
        }
    }
    tell_failed_starts(app, id);
    tell_blindness(app, id);
    navigate::select_near(app, row);
}

/// PM2 answers a start with success before it knows whether the process lives: the polls after it
/// tell.
fn tell_failed_starts(app: &mut App, id: DaemonId) {
    let is_start = |action| matches!(action, Action::Start | Action::Restart | Action::Reload);
    let failed = app.fleet.iter().find(|(key, process)| {
        let asked = process.asked.filter(|(action, at_ms)| {
            is_start(*action) && app.now_ms.saturating_sub(*at_ms) < START_WATCH_MS
        });
        let is_dead = process.never_started() || process.info.status == ProcessStatus::Errored;
        key.daemon == id && asked.is_some() && process.pending.is_none() && is_dead
    });
    let Some((key, process)) = failed else { return };
    let what = if process.never_started() {
        "there is no process: does its interpreter, script or folder exist?"
    } else {
        "it crashed at once until PM2 gave up: errored"
    };
    let text = format!("{} did not start: {what}", app.display_name(key));
    if let Some(process) = app.fleet.get_mut(key) {
        process.asked = None;
    }
    notify(app, &text, true);
}

/// One process without a pid makes PM2 7.0.4 measure none at all: every CPU and memory is 0
/// (pidusage refuses the whole list; measured). Says so once, with the culprit's name.
fn tell_blindness(app: &mut App, id: DaemonId) {
    let culprit = app.fleet.blinding(id);
    let was_blind = app.daemon(id).is_some_and(|daemon| daemon.is_blind);
    with_daemon(app, id, |daemon| daemon.is_blind = culprit.is_some());
    if let (Some(key), false) = (culprit, was_blind) {
        let name = app.display_name(key);
        let text = format!(
            "PM2 measures no CPU and memory while {name} is online without a process: stop it (s)"
        );
        push_daemon_line(app, id, "blind", Severity::Warning, &text);
    }
}

fn take_event(app: &mut App, id: DaemonId, event: &ProcessEvent) {
    let key = ProcessKey { daemon: id, pm_id: event.info.pm_id };
    let now_ms = app.now_ms;
    let told = lifecycle::tell(app.fleet.get_mut(key), event, now_ms);
    app.fleet.apply_event(id, event, now_ms);
    if let Some(told) = told {
        let at_ms = event.at_ms.unwrap_or(now_ms);
        let source = source(id, event.info.pm_id, &event.info.name);
        app.log.push(LogLine::event(at_ms, source, told.word, told.severity, &told.text));
    }
    navigate::select_near(app, None);
}

fn take_exception(app: &mut App, id: DaemonId, exception: &Exception) {
    let at_ms = exception.at_ms.unwrap_or(app.now_ms);
    let name = &exception.process.name;
    let source = match exception.process.pm_id {
        Some(BusPmId::Process(pm_id) | BusPmId::Old(pm_id)) => source(id, pm_id, name),
        Some(BusPmId::Daemon) | None => {
            LogSource { daemon: id, pm_id: None, name: (&**name).into() }
        }
    };
    let head = std::iter::once(&exception.message);
    // The stack repeats the message in its first line.
    let frames = exception.stack.iter().filter(|frame| frame.trim_start().starts_with("at "));
    for text in head.chain(frames.take(5)) {
        app.log.push(LogLine::event(at_ms, source.clone(), "exception", Severity::Bad, text));
    }
}

/// An asked action ended.
fn finish(app: &mut App, action: Action, id: DaemonId, target: &Target, verdict: &Verdict) {
    let key = target.key(id);
    let name = app.display_name(key);
    if let Some(process) = app.fleet.get_mut(key) {
        end_pending(process, app.now_ms);
    }
    let is_bad = !verdict.is_success();
    let severity = if is_bad { Severity::Bad } else { Severity::Good };
    let source = source(id, target.pm_id, &target.name);
    let verb = action.verb();
    let told = format!("{} (asked here)", verdict.words(action));
    app.log.push(LogLine::event(app.now_ms, source, verb, severity, &told));
    let prefix = app.daemon(id).map_or("", |daemon| &*daemon.cli_prefix);
    let cli =
        if is_bad { String::new() } else { format!("   = {prefix}pm2 {verb} {}", target.pm_id) };
    notify(app, &format!("{}{cli}", verdict.sentence(action, &name)), is_bad);
}

/// A call by name ended.
fn finish_call(app: &mut App, id: DaemonId, method: &str, outcome: CallOutcome) {
    let source = LogSource { daemon: id, pm_id: None, name: "PM2".into() };
    let (is_bad, text) = match outcome {
        CallOutcome::Answered(json) => {
            let text = clean_to(&json, NOTICE_CHARS_MAX);
            app.log.push(LogLine::message(app.now_ms, source, method, &json));
            return match reached(method, &json) {
                Some(0) => notify(app, "the message reached nobody: does the process run?", true),
                Some(1) => notify(app, "the message reached one process", false),
                Some(count) => {
                    notify(app, &format!("the message reached {count} processes"), false);
                }
                None => notify(app, &format!("{method}: {text}"), false),
            };
        }
        CallOutcome::Failed(reason) => (true, format!("{method} failed: {reason}")),
        CallOutcome::TimedOut { waited_ms } => {
            let waited = waited_ms as f64 / 1000.0;
            (true, format!("{method}: no answer in {waited:.1} s, outcome unknown"))
        }
        CallOutcome::Disconnected => {
            (true, format!("{method}: the connection closed, outcome unknown"))
        }
        CallOutcome::Busy => (true, format!("{method}: too many calls under way, not sent")),
    };
    app.log.push(LogLine::event(app.now_ms, source, "call", Severity::Bad, &text));
    notify(app, &text, is_bad);
}

/// How many processes a message reached, if this is the reply to one.
fn reached(method: &str, json: &str) -> Option<u64> {
    let reply: serde_json::Value = serde_json::from_str(json).ok()?;
    reply.get("process_count").filter(|_| method == "msgProcess")?.as_u64()
}

/// Ends the wait of a row.
fn end_pending(process: &mut Process, now_ms: i64) {
    process.pending = None;
    process.is_reloading = false;
    // The echo on the bus comes about now, however long the action took.
    process.asked = process.asked.map(|(action, _)| (action, now_ms));
}

fn source(daemon: DaemonId, pm_id: PmId, name: &str) -> LogSource {
    LogSource { daemon, pm_id: Some(pm_id), name: name.into() }
}

fn push_daemon_line(
    app: &mut App,
    id: DaemonId,
    word: &'static str,
    severity: Severity,
    text: &str,
) {
    let source = LogSource { daemon: id, pm_id: None, name: "PM2".into() };
    app.log.push(LogLine::event(app.now_ms, source, word, severity, text));
}
