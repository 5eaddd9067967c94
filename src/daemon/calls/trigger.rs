//! Actions of apps, triggered for the screen, and what each process replies.
//!
//! Invariant: what a process does not declare is not sent to it; the bus is heard before the first
//! call, so that no reply is missed. Exactly one reply is reported for each target.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::message;
use super::named::{CallFailure, Listing};
use crate::daemon::Watch;
use crate::daemon::bus::ear::{Ear, Heard};
use crate::daemon::clock::whole_ms;
use crate::daemon::inbox::Inbox;
use crate::daemon::rpc::session::{Link, Session, ready};
use crate::model::report::Report;
use crate::model::trigger::{Reply, Trigger};
use crate::model::{DaemonId, Target};
use crate::protocol::bus::EventKind;

/// How long a reply is waited for.
const WAIT: Duration = Duration::from_secs(10);

/// Triggers and reports each reply.
pub(in crate::daemon) async fn run(
    watch: &Watch,
    link: watch::Receiver<Link>,
    what: (Box<str>, Option<Json>),
    mut finish: TriggerFinish,
) {
    let (action, params) = what;
    let timings = &watch.timings;
    let session = match ready(link, timings.handshake).await {
        Ok(session) => session,
        Err(why) => return finish.refuse_all(&why),
    };
    if params.is_some() && !takes_params(&session) {
        return finish.refuse_all("this release of PM2 hands no parameters to an action");
    }
    let mut ear = watch.ears.listen();
    let is_deaf = !watch.ears.connected(timings.handshake).await;
    let listing = match session.listing(timings.named).await {
        Ok(listing) => listing,
        Err(failure) => return finish.refuse_all(&failure.sentence()),
    };
    let mut opts = Map::new();
    opts.insert("msg".to_owned(), json!(action));
    if let Some(params) = params {
        opts.insert("opts".to_owned(), params);
    }
    for target in finish.left.clone() {
        if let Err(why) = send(&session, &listing, &target, &action, &opts, timings.named).await {
            finish.report(&target, Reply::Refused(why.into()));
        }
    }
    hear(&mut ear, is_deaf, &action, &mut finish).await;
}

/// Whether the daemon hands parameters on: its method takes a command then. Up to 0.10 it takes
/// options, and hands on only their `msg` (`lib/God/ActionMethods.js`).
fn takes_params(session: &Session) -> bool {
    let params = session.methods.params("msgProcess");
    params.and_then(<[Box<str>]>::first).is_none_or(|first| **first != *"opts")
}

/// Triggers it in one process.
async fn send(
    session: &Session,
    listing: &Listing,
    target: &Target,
    action: &str,
    opts: &Map<String, Json>,
    timeout: Duration,
) -> Result<(), String> {
    let info = target.find(&listing.infos, session.god).map_err(|verdict| verdict.about())?;
    if !listing.declares(info, action) {
        return Err("it does not declare the action".to_owned());
    }
    match message::trigger(session, info, opts.clone(), timeout).await {
        Ok(true) => Ok(()),
        Ok(false) => Err("it does not run, or takes no messages".to_owned()),
        Err(failure @ CallFailure::NoReply { .. }) => {
            Err(format!("{}; it may have happened", failure.sentence()))
        }
        Err(failure) => Err(failure.sentence()),
    }
}

/// Hears the replies, until each has come or the time is over.
async fn hear(ear: &mut Ear, mut is_deaf: bool, action: &str, finish: &mut TriggerFinish) {
    let until = Instant::now() + WAIT;
    while !finish.left.is_empty() {
        let Ok(heard) = timeout_at(until, ear.next()).await else { break };
        match heard {
            Heard::Reply { pm_id, action: of, returned } if *of == *action => {
                let is_it = |target: &&Target| pm_id.is_none_or(|id| target.pm_id == id);
                // Where the message does not say whose it is, it can only be that of the one left.
                let is_clear = pm_id.is_some() || finish.left.len() == 1;
                let target = finish.left.iter().find(is_it).filter(|_| is_clear).cloned();
                if let Some(target) = target {
                    finish.report(&target, returned.map_or(Reply::Nothing, Reply::Returned));
                }
            }
            Heard::Process(event) if event.kind == EventKind::Exit && !event.is_old_worker => {
                let is_it = |target: &&Target| target.pm_id == event.info.pm_id;
                if let Some(target) = finish.left.iter().find(is_it).cloned() {
                    finish.report(&target, Reply::Ended);
                }
            }
            Heard::Lost => is_deaf = true,
            _ => {}
        }
    }
    for target in std::mem::take(&mut finish.left) {
        finish.send(target, Reply::Silent { waited_ms: whole_ms(WAIT), is_deaf });
    }
}

/// Sees to it that each target has its reply reported once, also when the task is dropped.
#[derive(Debug)]
pub(in crate::daemon) struct TriggerFinish {
    inbox: Inbox,
    daemon: DaemonId,
    action: Box<str>,
    left: Vec<Target>,
}

impl TriggerFinish {
    pub(in crate::daemon) fn new(inbox: Inbox, daemon: DaemonId, trigger: &Trigger) -> Self {
        let (action, left) = (trigger.action.clone(), trigger.targets.clone());
        Self { inbox, daemon, action, left }
    }

    fn report(&mut self, target: &Target, reply: Reply) {
        self.left.retain(|left| left != target);
        self.send(target.clone(), reply);
    }

    pub(in crate::daemon) fn refuse_all(mut self, why: &str) {
        for target in std::mem::take(&mut self.left) {
            self.send(target, Reply::Refused(why.into()));
        }
    }

    fn send(&self, target: Target, reply: Reply) {
        let report = Report::Replied { action: self.action.clone(), target, reply };
        self.inbox.report(self.daemon, report);
    }
}

impl Drop for TriggerFinish {
    fn drop(&mut self) {
        for target in std::mem::take(&mut self.left) {
            self.send(target, Reply::Refused("disconnected; it may have happened".into()));
        }
    }
}
