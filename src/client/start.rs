//! `prepareJson`: apps from a configuration to running processes.
//!
//! Invariant: every app is understood, and every call checked, before the first is sent; then every
//! one is made, and what became of each process is told. A name means the processes that have it: to
//! the pm2 CLI, `all`, `/x/` and the path of a script are more than names here, too.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::{StreamExt, stream};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::{Client, ClientError, Launched, Target, Verdict};
use crate::daemon::act::{AT_ONCE, Acting, Launch};
use crate::daemon::calls::named::{Listing, no_such_process};
use crate::daemon::offload;
use crate::ecosystem::{
    AppConfig, Context, create_log_folders, parse_value, prepare_all, restart_env,
};
use crate::model::Action;
use crate::protocol::process::{ProcessInfo, ProcessStatus};
use crate::protocol::rpc::{ActionName, Call, CheckedCall};

/// A process that gets a new configuration.
struct Again {
    target: Target,
    name: String,
    call: CheckedCall,
}

/// An app that no process has the name of.
struct New {
    name: String,
    payload: Json,
    call: CheckedCall,
}

/// The calls, in the order of the pm2 CLI: first the known names, the processes of each together.
struct Plan {
    again: Vec<Vec<Again>>,
    new: Vec<New>,
}

impl Client {
    /// Starts apps that [`crate::ecosystem::load`] or [`crate::ecosystem::parse_value`] gave as
    /// `pm2 start FILE` does: the processes that have an app's name already, in whatever namespace,
    /// are restarted with its configuration and environment; then the other apps are started. Two
    /// names at a time, two processes of a name (one where it has no more than two).
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use pm2_tui::client::ecosystem::{self, Context, NodeFinder};
    ///
    /// let node = NodeFinder::in_path(std::env::var_os("PATH"));
    /// let apps = ecosystem::load("ecosystem.config.js".as_ref(), &node).await?;
    /// let context = Context {
    ///     pm2_home: client.endpoint().home.clone(),
    ///     cwd: std::env::current_dir()?,
    ///     environment: std::env::vars().collect(),
    ///     env_name: Some("production".to_owned()),
    ///     pm2_version: client.version().await?,
    /// };
    /// for one in client.start_apps(&apps, &context).await? {
    ///     println!("{} {:?}", one.name, one.pm_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Nothing was started: [`ClientError::Config`]; [`ClientError::Unsafe`] where two apps have the
    /// name of a process, or the release is older than 1.0 and knows only new processes; and
    /// others. What went wrong after that is told in [`Launched::result`].
    pub async fn start_apps(
        &self,
        apps: &[AppConfig],
        context: &Context,
    ) -> Result<Vec<Launched>, ClientError> {
        self.permit("prepareJson")?;
        let before = self.0.listing().await?;
        let context = &self.of_this_release(context).await?;
        let Plan { again, new } = self.plan(apps, context, &before)?;
        let payloads: Vec<Json> = new.iter().map(|app| app.payload.clone()).collect();
        let making = offload::look(move || create_log_folders(&payloads)).await;
        let late = || "the folders of the logs: their disk does not answer, not sent".to_owned();
        making.ok_or_else(|| ClientError::Unsafe { reason: late() })??;
        let (acting, _attendance) = self.0.acting().await?;
        let mut witness = acting.witness().await;
        let calls = self.launch(&acting, again, new);
        let (restarted, started) = witness.listen_during(calls).await;
        let after = self.0.listing().await?;
        let mut told: BTreeSet<u64> = before.raw.iter().filter_map(id_of).collect();
        let mut begun: Vec<Begun> = restarted.into_iter().map(|one| one.told(&after)).collect();
        for one in started {
            begun.extend(launches(&acting, one, &after, &mut told));
        }
        let pending: Vec<(Target, Launch)> =
            begun.iter().filter_map(|one| one.pending.clone()).collect();
        let verdicts = acting.settle(&pending, &mut witness).await;
        let last = self.0.listing().await?;
        let mut verdicts = verdicts.into_iter();
        Ok(begun.into_iter().map(|one| one.judged(&mut verdicts, &last)).collect())
    }

    /// Makes all calls: the names that are known first, two names at a time, two processes of a name
    /// (one where it has no more than two); then the other apps, two at a time.
    async fn launch(
        &self,
        acting: &Acting,
        again: Vec<Vec<Again>>,
        new: Vec<New>,
    ) -> (Vec<Sent>, Vec<Prepared>) {
        let names = again.into_iter().map(|group| {
            let at_once = if group.len() <= AT_ONCE { 1 } else { AT_ONCE };
            let each = |again: Again| self.restart_with(acting, again);
            Box::pin(stream::iter(group).map(each).buffer_unordered(at_once))
        });
        let mut restarted: Vec<Sent> =
            stream::iter(names).flatten_unordered(AT_ONCE).collect().await;
        let each = |(place, app): (usize, New)| async move {
            let sent = Instant::now();
            let reply = self.prepare(&app.call).await;
            Prepared { place, name: app.name, reply, sent, answered: Instant::now() }
        };
        let new = stream::iter(new.into_iter().enumerate());
        let mut started: Vec<Prepared> = new.map(each).buffer_unordered(AT_ONCE).collect().await;
        // They are told in the order in which they were begun, not ended.
        restarted.sort_by_key(|one| one.target.pm_id);
        started.sort_by_key(|one| one.place);
        (restarted, started)
    }

    /// The context with the daemon's version, where it is not known yet.
    async fn of_this_release(&self, context: &Context) -> Result<Context, ClientError> {
        let mut context = context.clone();
        if context.pm2_version.is_none() && self.methods().has("getVersion") {
            context.pm2_version = self.version().await?;
        }
        Ok(context)
    }

    fn plan(
        &self,
        apps: &[AppConfig],
        context: &Context,
        before: &Listing,
    ) -> Result<Plan, ClientError> {
        // Also for those that are restarted: a script that is gone is better told now.
        let payloads = prepare_all(apps, context)?;
        let methods = self.methods().clone().of_release(context.pm2_version.as_deref());
        let mut plan = Plan { again: Vec::new(), new: Vec::new() };
        let named = |info| before.raw_of(info).map(|raw| (text(raw.get("name")), info));
        let taken: Vec<(String, &ProcessInfo)> = before.infos.iter().filter_map(named).collect();
        let wanted: Vec<String> = payloads.iter().map(listed_name).collect();
        for ((app, payload), name) in apps.iter().zip(payloads.iter()).zip(wanted.iter()) {
            let name = name.clone();
            let known: Vec<&ProcessInfo> =
                taken.iter().filter(|(taken, _)| *taken == name).map(|(_, info)| *info).collect();
            if known.is_empty() {
                let call = methods.check_named("prepare", vec![payload.clone()])?;
                plan.new.push(New { name, payload: payload.clone(), call });
                continue;
            }
            let is_single = wanted.iter().filter(|other| **other == name).count() == 1;
            self.expect_restartable(&name, is_single)?;
            let env = restart_env(app, context)?;
            let again = known.into_iter().map(|info| {
                let opts = json!({ "id": info.pm_id.0, "env": env });
                let call = methods.check_named("restartProcessId", vec![opts])?;
                Ok(Again { target: Target::of(info), name: name.clone(), call })
            });
            plan.again.push(again.collect::<Result<_, ClientError>>()?);
        }
        let place = |target: &Target| before.infos.iter().position(|it| it.pm_id == target.pm_id);
        plan.again.sort_by_key(|group| group.first().and_then(|again| place(&again.target)));
        Ok(plan)
    }

    fn expect_restartable(&self, name: &str, is_single: bool) -> Result<(), ClientError> {
        let name = crate::protocol::text::clean(name);
        let reason = if !is_single {
            // The CLI gives all processes the last one's configuration, and starts more besides.
            format!(
                "there is a process named {name} already, and more than one app of that name to \
                 start: nothing was started"
            )
        } else if self.methods().has("prepareJson") {
            // The command line of these releases starts another one beside it.
            format!(
                "there is a process named {name} already, and this release of PM2 cannot give it \
                 another configuration: nothing was started"
            )
        } else {
            return Ok(());
        };
        Err(ClientError::Unsafe { reason })
    }

    async fn restart_with(&self, acting: &Acting, again: Again) -> Sent {
        let Again { target, name, call } = again;
        let made = self.restart_call(acting, &target, &call).await;
        Sent { target, name, made }
    }

    async fn restart_call(
        &self,
        acting: &Acting,
        target: &Target,
        call: &CheckedCall,
    ) -> Result<Launch, ClientError> {
        let not_done = |verdict| ClientError::NotDone {
            action: Action::Restart,
            label: target.label(),
            verdict,
        };
        let info = acting.find(target).await.map_err(not_done)?;
        if info.status == ProcessStatus::WaitingRestart {
            // PM2 refuses to restart what it is about to restart itself.
            let stop = self.methods().check(&Call::StopProcessId(info.pm_id))?;
            self.0.send(&stop, self.timeout(&stop).await?).await?;
        }
        let sent = Instant::now();
        self.0.send(call, self.timeout(call).await?).await?;
        let answered = Instant::now();
        let notice = Call::NotifyByProcessId { id: info.pm_id, action_name: ActionName::Restart };
        if let Ok(call) = self.methods().check(&notice) {
            // A courtesy: what was done is done, whatever becomes of it.
            let _ = self.0.send(&call, self.0.options.timeout).await;
        }
        Ok(acting.launch_of(&info, sent, answered))
    }

    /// What the pm2 CLI takes from its shell.
    fn surroundings(&self, folder: &str) -> Context {
        let text = |variable: std::ffi::OsString| variable.into_string().ok();
        let variables = std::env::vars_os();
        Context {
            pm2_home: self.endpoint().home.clone(),
            cwd: Path::new(folder).to_owned(),
            environment: variables
                .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
                .collect(),
            env_name: None,
            pm2_version: None,
        }
    }

    async fn prepare(&self, call: &CheckedCall) -> Result<Json, ClientError> {
        self.0.send(call, self.timeout(call).await?).await
    }

    /// Gives the processes, each with an `action`: `started` or `restarted`.
    pub(super) async fn composed_prepare_json(
        &self,
        value: &Json,
        folder: &str,
    ) -> Result<Json, ClientError> {
        let apps = parse_value(value, "prepareJson")?;
        let mut launched = self.start_apps(&apps, &self.surroundings(folder)).await?;
        for one in &mut launched {
            if let Ok(Json::Object(process)) = &mut one.result {
                process.insert("action".to_owned(), json!(one.action.participle()));
            }
        }
        processes(launched)
    }

    /// Up to 0.15 the daemon itself understands an app, one at a time, and knows only new ones.
    pub(super) async fn native_prepare_json(
        &self,
        value: &Json,
        folder: &Json,
    ) -> Result<Json, ClientError> {
        let named = parse_value(value, "prepareJson")?;
        // What this daemon does not look at itself: scripts, folders, names that are taken.
        let folder_text = folder.as_str().unwrap_or_default();
        prepare_all(&named, &self.surroundings(folder_text))?;
        let before = self.0.listing().await?;
        let taken = |app: &&AppConfig| before.infos.iter().any(|info| *info.name == *app.name());
        if let Some(app) = named.iter().find(taken) {
            self.expect_restartable(app.name(), true)?;
        }
        let apps = match value.get("apps").unwrap_or(value) {
            Json::Array(apps) => apps.clone(),
            app => vec![app.clone()],
        };
        let check =
            |app: Json| self.methods().check_named("prepareJson", vec![app, folder.clone()]);
        let calls = apps.into_iter().map(check).collect::<Result<Vec<_>, _>>()?;
        let mut launched = Vec::new();
        for (call, app) in calls.iter().zip(named) {
            let one = |result: Result<Json, ClientError>| Launched {
                action: Action::Start,
                name: app.name().to_owned(),
                pm_id: result.as_ref().ok().and_then(id_of),
                verdict: None,
                result,
            };
            match self.prepare(call).await {
                Ok(Json::Array(processes)) => {
                    launched.extend(processes.into_iter().map(|process| one(Ok(process))));
                }
                result => launched.push(one(result)),
            }
        }
        processes(launched)
    }
}

/// The processes, if nothing went wrong.
fn processes(launched: Vec<Launched>) -> Result<Json, ClientError> {
    if launched.iter().any(|one| one.result.is_err()) {
        return Err(ClientError::Partly { launched });
    }
    Ok(launched.into_iter().filter_map(|one| one.result.ok()).collect())
}

/// A restart that was sent, or not.
struct Sent {
    target: Target,
    name: String,
    made: Result<Launch, ClientError>,
}

impl Sent {
    fn told(self, after: &Listing) -> Begun {
        let Self { target, name, made } = self;
        // Its file may have given it another namespace.
        let is_it = |info: &&ProcessInfo| {
            (info.pm_id, &info.unique_id) == (target.pm_id, &target.unique_id)
        };
        let target = after.infos.iter().find(is_it).map_or(target.clone(), Target::of);
        let pm_id = Some(u64::from(target.pm_id.0));
        let (pending, error) = match made {
            Ok(launch) => (Some((target, launch)), None),
            Err(error) => (None, Some(error)),
        };
        Begun { action: Action::Restart, name, pm_id, pending, error }
    }
}

/// An answered `prepare`.
struct Prepared {
    place: usize,
    name: String,
    reply: Result<Json, ClientError>,
    sent: Instant,
    answered: Instant,
}

/// A process that was begun, or not; to be judged.
struct Begun {
    action: Action,
    name: String,
    pm_id: Option<u64>,
    pending: Option<(Target, Launch)>,
    error: Option<ClientError>,
}

impl Begun {
    /// With the next verdict, if it waits for one.
    fn judged(self, verdicts: &mut impl Iterator<Item = Verdict>, last: &Listing) -> Launched {
        let Self { action, name, pm_id, pending, error } = self;
        let verdict = pending.as_ref().and_then(|_| verdicts.next());
        let result = match (error, pending, verdict.clone()) {
            (Some(error), _, _) => Err(error),
            (None, Some((target, _)), Some(verdict)) if !verdict.is_success() => {
                Err(ClientError::NotDone { action, label: target.label(), verdict })
            }
            (None, _, _) => {
                pm_id.and_then(|id| listed(last, id)).ok_or_else(|| no_such_process(&name).into())
            }
        };
        Launched { action, name, pm_id, verdict, result }
    }
}

/// What the reply to `prepare` means; `told` are the processes that need no telling any more.
fn launches(
    acting: &Acting,
    prepared: Prepared,
    after: &Listing,
    told: &mut BTreeSet<u64>,
) -> Vec<Begun> {
    let Prepared { name, reply, sent, answered, .. } = prepared;
    let named: Vec<u64> = match &reply {
        Ok(Json::Array(instances)) => instances.iter().filter_map(id_of).collect(),
        _ => Vec::new(),
    };
    // Where one instance failed, those before it run.
    let is_its = |info: &&ProcessInfo| match named.as_slice() {
        [] => after.raw_of(info).is_some_and(|raw| text(raw.get("name")) == name),
        named => named.contains(&u64::from(info.pm_id.0)),
    };
    let new = after.infos.iter().filter(is_its).collect::<Vec<_>>().into_iter();
    let mut begun: Vec<Begun> = new
        .filter(|info| told.insert(u64::from(info.pm_id.0)))
        .map(|info| Begun {
            action: Action::Start,
            name: name.clone(),
            pm_id: Some(u64::from(info.pm_id.0)),
            pending: Some((Target::of(info), acting.launch_of(info, sent, answered))),
            error: None,
        })
        .collect();
    if let Err(error) = reply {
        let (pending, error) = (None, Some(error));
        begun.push(Begun { action: Action::Start, name, pm_id: None, pending, error });
    }
    begun
}

fn listed(listing: &Listing, id: u64) -> Option<Json> {
    listing.raw.iter().find(|raw| id_of(raw) == Some(id)).cloned()
}

/// A process's id, in whichever of its shapes.
fn id_of(process: &Json) -> Option<u64> {
    let inner = || process.get("pm2_env")?.get("pm_id")?.as_u64();
    process.get("pm_id").and_then(Json::as_u64).or_else(inner)
}

/// The name that the daemon will list: it lays the variables over the settings.
fn listed_name(payload: &Json) -> String {
    let variable = payload.get("env").and_then(|env| env.get("name")).filter(|it| it.is_string());
    text(variable.or_else(|| payload.get("name")))
}

/// Text as PM2 compares it: names may be numbers.
fn text(value: Option<&Json>) -> String {
    match value {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
