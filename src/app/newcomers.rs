//! Who was started under a name since it was deleted: an undo starts none beside one of whom it did not tell.

use super::mode::Mode;
use super::sheet::Sheet;
use super::state::App;
use super::what::What;
use crate::model::kept::Kept;
use crate::model::{DaemonId, Target};
use crate::protocol::process::ProcessInfo;

/// Who runs under the names of these, and did not yet when they were deleted; but for those that are known.
pub(super) fn newcomers(
    app: &App,
    kept: &[(DaemonId, Kept)],
    known: &[(DaemonId, Target)],
) -> Vec<(DaemonId, Target)> {
    let is_new = |daemon: DaemonId, info: &ProcessInfo| {
        kept.iter().any(|(of, kept)| *of == daemon && kept.is_newcomer(info))
            && !known.iter().any(|(of, target)| *of == daemon && target.is(info))
    };
    let all = app.watched.fleet.iter().filter(|(key, it)| is_new(key.daemon, &it.info));
    all.map(|(key, process)| (key.daemon, process.target(None))).collect()
}

/// Whom an open question about an undo does not name, though it would start some beside them.
pub(super) fn unnamed(app: &App) -> Option<Target> {
    let mut open = app.below.iter().chain(std::iter::once(&app.mode));
    let unnamed = |mode| {
        let What::Restore { kept, beside, .. } = asked(mode)? else { return None };
        newcomers(app, kept, beside).into_iter().next()
    };
    open.find_map(unnamed).map(|(_, target)| target)
}

/// Whether it asks about an undo of a delete.
pub(super) fn is_about_them(mode: &Mode) -> bool {
    matches!(asked(mode), Some(What::Restore { .. }))
}

fn asked(mode: &Mode) -> Option<&What> {
    let Mode::Sheet(sheet) = mode else { return None };
    let Sheet::Several(several) = &**sheet else { return None };
    Some(&several.what)
}
