//! The signals by which processes ended, of which PM2 says code 0.
//!
//! Invariant: they are looked up as `why` does it, and only for those that it is unclear of; where the log
//! of the daemon is not here or cannot be read, they stay unknown.

use super::failure::Failure;
use super::table::Seen;
use super::{Context, why};
use crate::model::rows::Field;

/// Of at most so many processes: each costs a look at its logs.
const PROCESSES_MAX: usize = 64;

/// Looks them up where they are shown: in the column, and in JSON, which has no columns.
pub(super) async fn look_up(
    context: &Context,
    seen: &mut Seen,
    fields: Option<&[Field]>,
) -> Result<(), Failure> {
    let is_shown = fields.is_none_or(|fields| fields.contains(&Field::LastExit));
    if !is_shown || !context.endpoint.is_local() {
        return Ok(());
    }
    let doubtful = seen.doubtful();
    if doubtful.is_empty() {
        return Ok(());
    }
    let Ok(ground) = why::ground(context).await else { return Ok(()) };
    for info in doubtful.iter().take(PROCESSES_MAX) {
        if let Some(signal) = why::look(info, &ground).await?.signal() {
            seen.ended_by(info.pm_id, signal);
        }
    }
    Ok(())
}
