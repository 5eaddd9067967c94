//! Sending messages, and saying what came of them.
//!
//! Invariant: what came of each message counts for one sending, and of that is told once.

use serde_json::Value as Json;

use super::effect::{Effect, Effects};
use super::notice::Notice;
use super::prompt::SEND;
use super::sending::Sending;
use super::state::App;
use crate::model::DaemonId;
use crate::model::call::{CallOutcome, NamedCall};

/// The most that are remembered; what comes of others is told one by one.
const SENDINGS_MAX: usize = 64;

/// What came of a message that nobody got.
const NOBODY: &str = "not delivered: no running process got the message";

/// Sends these, as one.
pub(super) fn begin(
    app: &mut App,
    title: String,
    calls: impl IntoIterator<Item = (DaemonId, NamedCall)>,
) -> Effects {
    let calls: Vec<_> = calls.into_iter().collect();
    let left: Vec<DaemonId> = calls.iter().map(|(daemon, _)| *daemon).collect();
    if app.sending.len() < SENDINGS_MAX && !left.is_empty() {
        let all = left.len();
        app.sending.push(Sending { title, left, all, reached: 0, why: None });
    }
    app.is_dirty = true;
    Effects(calls.into_iter().map(|(daemon, call)| Effect::Call { daemon, call }).collect())
}

/// Takes in what came of a message, and says it once all of its sending are answered.
pub(super) fn answered(app: &mut App, id: DaemonId, outcome: &CallOutcome) {
    let of_it = app.sending.iter().position(|sending| sending.left.contains(&id));
    let reached = match outcome {
        CallOutcome::Answered(json) => reached(json),
        _ => None,
    };
    let why = match (outcome, reached) {
        // Some do not say whom they reached.
        (_, Some(1..)) | (CallOutcome::Answered(_), None) => None,
        (_, Some(0)) => Some(NOBODY.to_owned()),
        (outcome, None) => Some(outcome.words(SEND)),
    };
    let Some(place) = of_it else { return tell(app, (1, reached.unwrap_or(0)), why.as_deref()) };
    let Some(sending) = app.sending.get_mut(place) else { return };
    if let Some(of_daemon) = sending.left.iter().position(|other| *other == id) {
        sending.left.swap_remove(of_daemon);
    }
    sending.reached = sending.reached.saturating_add(reached.unwrap_or(0));
    sending.why = sending.why.take().or(why);
    app.is_dirty = true;
    if sending.left.is_empty() {
        let Sending { all, reached, why, .. } = app.sending.remove(place);
        tell(app, (all, reached), why.as_deref());
    }
}

/// Says what came of so many messages.
fn tell(app: &mut App, (all, reached): (usize, u64), why: Option<&str>) {
    let text = match (reached, why) {
        (0, None) => "the message was sent".to_owned(),
        (1, None) => "the message reached one process".to_owned(),
        (reached, None) => format!("the message reached {reached} processes"),
        (_, Some(why)) if all == 1 => why.to_owned(),
        (reached, Some(NOBODY)) => {
            let missed = (all as u64).saturating_sub(reached);
            let did_not = if missed == 1 {
                "one did not run".to_owned()
            } else {
                format!("{missed} did not run")
            };
            format!("the message reached {reached} of {all} processes; {did_not}")
        }
        (reached, Some(why)) => format!("the message reached {reached} of {all} processes; {why}"),
    };
    let notice = Notice::new(text, why.is_some(), app.now.steady_ms);
    app.say(notice.done());
}

/// How many processes a message reached, by the daemon's reply.
fn reached(json: &str) -> Option<u64> {
    let reply: Json = serde_json::from_str(json).ok()?;
    reply.get("process_count")?.as_u64()
}
