//! Taking the log away into a file, and looking at a log file in a pager.
//!
//! Invariant: nothing is replaced that was not asked about.

use super::effect::{Effect, Effects};
use super::geometry::Pane;
use super::log_sheet::LogSheet;
use super::log_sight;
use super::mode::Mode;
use super::state::App;
use crate::logs::{Owner, Saving, Stream};
use crate::model::paged::Paged;
use crate::model::saved::Saved;
use crate::model::units::{self, Clock};
use crate::model::{DaemonId, ProcessKey};

/// The file that is proposed: of the working folder, by the time.
pub(super) fn proposed(app: &App) -> String {
    let at_ms = app.now.wall_ms;
    let clock = units::clock(at_ms, app.utc_offset_s, Clock::Seconds).replace(':', "");
    format!("pm2-log-{}-{clock}.txt", units::day(at_ms, app.utc_offset_s))
}

/// Saves what is shown, or all, to a file of that name.
pub(super) fn save(app: &mut App, path: &str, is_all: bool) -> Effects {
    let view = Some(&app.log_view.view).filter(|_| !is_all);
    let saving = Saving::new(&app.log_view.store, view, path, app.log_view.filed.rereads());
    app.notify("saving ..", false);
    app.log_view.saving = Some(saving.clone());
    Effects::one(Effect::SaveLog(Box::new(saving)))
}

/// What came of saving.
pub(super) fn saved(app: &mut App, saved: &Saved) {
    match (saved, app.log_view.saving.take()) {
        (Saved::IsThere { path }, Some(mut saving)) if !saving.may_replace => {
            saving.may_replace = true;
            app.log_view.saving = Some(saving);
            app.notice = None;
            app.open(Mode::LogSheet(LogSheet::Replace { path: path.clone() }));
        }
        (Saved::Written { .. }, _) => app.notify_done(saved.words()),
        _ => app.notify(saved.words(), true),
    }
}

/// The file that is there is replaced, or not.
pub(super) fn replace(app: &mut App, is_meant: bool) -> Effects {
    app.close();
    let saving = app.log_view.saving.take();
    let Some(saving) = saving.filter(|_| is_meant) else {
        app.notify("nothing was saved", false);
        return Effects::none();
    };
    app.log_view.saving = Some(saving.clone());
    app.notify("saving ..", false);
    Effects::one(Effect::SaveLog(Box::new(saving)))
}

/// Opens the log file of the marked line in a pager.
pub(super) fn page(app: &mut App) -> Effects {
    app.focus = Pane::Log;
    let Some(marked) = log_sight::marked(app) else { return Effects::none() };
    let Some((owner, stream)) = app.log_view.source_of(marked) else { return Effects::none() };
    let (daemon, path) = match owner {
        Owner::Pm2(daemon) => (*daemon, None),
        Owner::Process { daemon, pm_id, name, .. } => {
            let of_id = pm_id.and_then(|pm_id| file(app, *daemon, pm_id, stream));
            let path = of_id.or_else(|| {
                // A file that all of an app write.
                let mut ours =
                    app.watched.fleet.iter().filter(|(key, process)| {
                        key.daemon == *daemon && *process.info.name == **name
                    });
                ours.find_map(|(key, _)| file(app, *daemon, key.pm_id, stream))
            });
            if path.is_none() {
                app.notify("no log file of this process is known", false);
                return Effects::none();
            }
            (*daemon, path)
        }
    };
    // What is missing stands in the file before the line behind it.
    let place = app.log_view.behind_ruler(marked).unwrap_or(marked);
    let line = app.log_view.bytes_of(place).unwrap_or_default();
    let at_ms = app.log_view.time_of(marked).unwrap_or_default();
    Effects::one(Effect::Pager(Box::new(Paged { daemon, path, line, at_ms })))
}

fn file(
    app: &App,
    daemon: DaemonId,
    pm_id: crate::protocol::process::PmId,
    stream: Stream,
) -> Option<Box<str>> {
    let logs = &app.watched.fleet.get(ProcessKey { daemon, pm_id })?.info.logs;
    let own = if stream == Stream::Err { &logs.err } else { &logs.out };
    own.clone().or_else(|| logs.both.clone()).or_else(|| logs.out.clone())
}
