//! What is done when a process is errored, and which rows are past a threshold of the configuration.
//!
//! Invariant: a process is told once for each time that PM2 gives it up; what was so when its daemon was
//! first seen is not told. Nothing is looked at that the configuration does not ask for.

use std::collections::BTreeSet;

use super::alerted::Alerted;
use super::effect::Effect;
use super::settings::{Alert, Notification};
use super::state::App;
use crate::model::fleet::Process;
use crate::model::{DaemonId, ProcessKey, Target};
use crate::protocol::process::ProcessStatus;
use crate::protocol::text::clean_to;

/// The most characters of a text for the terminal's notification.
const TEXT_CHARS_MAX: usize = 200;
/// Thresholds are looked at so often at most, milliseconds: a storm of events costs one look.
const LOOK_MS: i64 = 250;

/// Looks at the processes of a daemon of which something was told; gives what is to be done.
pub(super) fn look(app: &mut App, daemon: DaemonId) -> Vec<Effect> {
    thresholds(app);
    let is_polled = app.daemon(daemon).is_some_and(|it| it.snapshot_at_ms.is_some());
    if app.settings.alert == Alert::default() || !is_polled {
        return Vec::new();
    }
    let is_errored = |process: &Process| process.info.status == ProcessStatus::Errored;
    let of_it = app.watched.fleet.iter().filter(|(key, _)| key.daemon == daemon);
    let errored: BTreeSet<ProcessKey> =
        of_it.filter(|(_, process)| is_errored(process)).map(|(key, _)| key).collect();
    let is_first = app.alerts.seen.insert(daemon);
    let new: Vec<ProcessKey> = errored.difference(&app.alerts.errored).copied().collect();
    app.alerts.errored.retain(|key| key.daemon != daemon || errored.contains(key));
    app.alerts.errored.extend(&errored);
    if is_first {
        return Vec::new();
    }
    // A bell rings with a frame.
    app.is_dirty |= !new.is_empty();
    new.into_iter().flat_map(|key| alert(app, key)).collect()
}

/// What is done about one.
fn alert(app: &App, key: ProcessKey) -> Vec<Effect> {
    let Some(process) = app.watched.fleet.get(key) else { return Vec::new() };
    let Alert { bell, notify, run } = &app.settings.alert;
    let label = Target::of(&process.info).label();
    let text = format!("{} is errored: PM2 gave up", app.placed(key.daemon, &label));
    let text = clean_to(&text, TEXT_CHARS_MAX);
    let mut effects = Vec::new();
    if *bell {
        effects.push(Effect::Ring("\x07".to_owned()));
    }
    match notify {
        Notification::Off => {}
        Notification::Osc9 => effects.push(Effect::Ring(format!("\x1b]9;{text}\x07"))),
        Notification::Osc777 => {
            // A semicolon would end the text.
            let text = text.replace(';', ",");
            effects.push(Effect::Ring(format!("\x1b]777;notify;pm2-tui;{text}\x07")));
        }
    }
    if !run.is_empty() {
        let home = app.daemon(key.daemon).map(|daemon| daemon.home.to_string());
        let name = process.info.name.to_string();
        let (pm_id, home) = (key.pm_id.0, home.unwrap_or_default());
        effects.push(Effect::Alert(Box::new(Alerted { label, name, pm_id, home })));
    }
    effects
}

/// Marks the processes that are past a threshold for long enough.
fn thresholds(app: &mut App) {
    let now_ms = app.now.steady_ms;
    let is_due = app.alerts.looked_ms.is_none_or(|at_ms| now_ms.saturating_sub(at_ms) >= LOOK_MS);
    if app.settings.watches.is_empty() || !is_due {
        return;
    }
    app.alerts.looked_ms = Some(now_ms);
    let before = std::mem::take(&mut app.alerts.since_ms);
    for (key, process) in app.watched.fleet.iter_mut() {
        let mut crossed: Option<Box<str>> = None;
        for (place, watch) in app.settings.watches.iter().enumerate() {
            if !watch.when.takes(process) {
                continue;
            }
            let since_ms = before.get(&(key, place)).copied().unwrap_or(now_ms);
            app.alerts.since_ms.insert((key, place), since_ms);
            let held_ms = now_ms.saturating_sub(since_ms);
            if u64::try_from(held_ms).unwrap_or(0) >= watch.hold_ms && crossed.is_none() {
                crossed = Some(watch.when.text().into());
            }
        }
        if process.tag.crossed != crossed {
            process.tag.crossed = crossed;
            app.is_dirty = true;
        }
    }
}
