//! `restart`, `stop`, `start`, `reload`, `delete`, `kill`: what changes something.
//!
//! Invariant: all targets are known, and what has to be asked was answered, before the first call
//! is sent; every process gets its line, and one that failed makes the exit code 1.

use std::io::Write;

use futures_util::{Stream, StreamExt, stream};
use serde_json::json;

use super::failure::{Code, Failure};
use super::{Context, ask, output, targets};
use crate::cli::Targets;
use crate::client::{Client, ClientError};
use crate::model::Action;
use crate::protocol::process::{ProcessInfo, ProcessStatus};
use crate::protocol::text::clean;

/// Actions under way at once, as in the pm2 CLI (`PM2_CONCURRENT_ACTIONS`).
const CONCURRENT_MAX: usize = 2;
/// Up to so many processes are done one after another, as in the pm2 CLI.
const ALONE_MAX: usize = 2;

/// Acts on the processes of some targets.
pub(super) async fn run(
    context: &Context,
    action: Action,
    who: &Targets,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let verb = action.verb();
    if context.options.read_only {
        return Err(Failure::read_only(verb));
    }
    let is_sweeping = matches!(action, Action::Stop | Action::Delete)
        && who.targets.iter().any(|target| target == "all");
    if is_sweeping {
        ask::require(context, &format!("{verb} all"))?;
    }
    let client = context.connect().await?;
    let processes = fleet(context, &client).await?;
    let infos = targets::resolve(&who.targets, &processes)?;
    if is_sweeping && !infos.is_empty() {
        let home = context.home();
        ask::confirm(context, &format!("{verb} all {} process(es) of {home}?", infos.len()))?;
    }
    if infos.is_empty() {
        writeln!(out, "nothing to {verb}: there are no processes")?;
    }
    let code = each(context, &client, action, infos, out).await?;
    client.disconnect().await;
    Ok(code)
}

/// All processes.
pub(super) async fn fleet(context: &Context, client: &Client) -> Result<Vec<ProcessInfo>, Failure> {
    let snapshot = client.snapshot().await.map_err(|error| context.failure(error))?;
    Ok(snapshot.processes)
}

/// Acts on each, and prints its line when its outcome is known.
pub(super) async fn each(
    context: &Context,
    client: &Client,
    action: Action,
    infos: Vec<ProcessInfo>,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    // A script that starts what runs has what it wants.
    let runs = |info: &ProcessInfo| {
        action == Action::Start && info.status == ProcessStatus::Online && !info.never_started()
    };
    let (running, infos): (Vec<_>, Vec<_>) = infos.into_iter().partition(runs);
    for info in &running {
        writeln!(out, "{} is online already", label(context, info))?;
    }
    let mut outcomes = acting(client, action, infos);
    let mut code = Code::Fine;
    let mut done = Vec::new();
    while let Some((info, result)) = outcomes.next().await {
        match result {
            Ok(()) => {
                // A deletion is told once it is seen.
                if action != Action::Delete {
                    writeln!(out, "{} {}", action.participle(), label(context, &info))?;
                    out.flush()?;
                }
                done.push(info);
            }
            Err(error) => {
                code = worse(code, &error);
                complain(context, action, &info, &error.to_string());
            }
        }
    }
    drop(outcomes);
    match settle(context, client, action, &done, out).await? {
        Code::Fine => Ok(code),
        worse => Ok(worse),
    }
}

/// Looks whether what the daemon said was done came about: tells what is deleted, and complains of
/// what is not up.
async fn settle(
    context: &Context,
    client: &Client,
    action: Action,
    done: &[ProcessInfo],
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let mut code = Code::Fine;
    match action {
        _ if done.is_empty() => {}
        Action::Delete => {
            let left = client.delete_again(done).await.map_err(|error| context.failure(error))?;
            for info in done {
                if left.iter().any(|left| left.pm_id == info.pm_id) {
                    complain(context, action, info, "it came back each time: stop it first");
                    code = Code::Condition;
                } else {
                    writeln!(out, "{} {}", action.participle(), label(context, info))?;
                }
            }
        }
        Action::Start | Action::Restart => {
            let troubled = client.not_up(done).await.map_err(|error| context.failure(error))?;
            for (info, trouble) in troubled {
                output::complain(&clean(&format!(
                    "{} is not up: {trouble}",
                    label(context, &info)
                )));
                code = Code::Condition;
            }
        }
        // Each was looked at before the next.
        Action::Reload | Action::Stop => {}
    }
    Ok(code)
}

/// A process in a line, as the terminal takes it.
fn label(context: &Context, info: &ProcessInfo) -> String {
    output::printable(&targets::label(info), context.is_ascii)
}

fn complain(context: &Context, action: Action, info: &ProcessInfo, why: &str) {
    let line = format!("cannot {} {}: {why}", action.verb(), label(context, info));
    output::complain(&clean(&line));
}

/// Acts on each, and gives its outcome when it is known.
fn acting(
    client: &Client,
    action: Action,
    infos: Vec<ProcessInfo>,
) -> impl Stream<Item = (ProcessInfo, Result<(), ClientError>)> + Unpin {
    let at_once = if infos.len() <= ALONE_MAX { 1 } else { CONCURRENT_MAX };
    let runs = groups(action, infos).into_iter().map(move |group| {
        let start = (group.into_iter(), false);
        Box::pin(stream::unfold(start, move |(mut rest, is_broken)| async move {
            let info = rest.next()?;
            let result = match action {
                Action::Reload if is_broken => Err(ClientError::Unsafe {
                    reason: "left alone, since the instance before it did not come up".to_owned(),
                }),
                Action::Reload => client.reload_one(&info).await,
                action => client.act(action, &info).await,
            };
            let is_broken = is_broken || result.is_err();
            Some(((info, result), (rest, is_broken)))
        }))
    });
    stream::iter(runs).flatten_unordered(at_once)
}

/// The exit code after one more failure: a timeout, or a daemon that went away, only where nothing
/// else went wrong.
pub(super) fn worse(code: Code, error: &ClientError) -> Code {
    match (code, error) {
        (Code::Fine | Code::Timeout, ClientError::Timeout { .. }) => Code::Timeout,
        (Code::Fine | Code::NoDaemon, ClientError::Closed | ClientError::NotRunning(_)) => {
            Code::NoDaemon
        }
        _ => Code::Condition,
    }
}

/// What goes side by side: each process for itself, but the instances of one app one after another
/// in a reload, so that there is always one that serves.
fn groups(action: Action, infos: Vec<ProcessInfo>) -> Vec<Vec<ProcessInfo>> {
    let mut groups: Vec<Vec<ProcessInfo>> = Vec::new();
    for info in infos {
        let same = groups.iter_mut().find(|group| {
            action == Action::Reload && group.first().is_some_and(|first| first.name == info.name)
        });
        match same {
            Some(group) => group.push(info),
            None => groups.push(vec![info]),
        }
    }
    groups
}

/// Ends the daemon and all its processes.
pub(super) async fn kill(context: &Context, out: &mut impl Write) -> Result<Code, Failure> {
    if context.options.read_only {
        return Err(Failure::read_only("kill"));
    }
    ask::require(context, "kill")?;
    let client = context.connect().await?;
    let count = fleet(context, &client).await?.len();
    let home = context.home();
    ask::confirm(context, &format!("end the daemon of {home} and its {count} process(es)?"))?;
    let reply = client.call("killMe", vec![json!({})]).await;
    reply.map_err(|error| context.failure(error))?;
    writeln!(out, "killed the daemon of {home} and its {count} process(es)")?;
    Ok(Code::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::PmId;

    #[test]
    fn instances_of_an_app_are_reloaded_one_after_another() {
        let infos: Vec<ProcessInfo> = [(0, "api"), (1, "web"), (2, "api")]
            .map(|(id, name)| ProcessInfo::new(PmId(id), name, ProcessStatus::Online))
            .to_vec();
        let ids = |action| -> Vec<Vec<u32>> {
            let groups = groups(action, infos.clone()).into_iter();
            groups.map(|group| group.iter().map(|info| info.pm_id.0).collect()).collect()
        };
        assert_eq!(ids(Action::Reload), [vec![0, 2], vec![1]]);
        assert_eq!(ids(Action::Stop), [[0], [1], [2]]);
    }

    #[test]
    fn a_timeout_is_told_only_where_nothing_worse_happened() {
        let waited = std::time::Duration::ZERO;
        let timeout = ClientError::Timeout { method: "m".into(), waited };
        assert_eq!(worse(Code::Fine, &timeout), Code::Timeout);
        assert_eq!(worse(Code::Condition, &timeout), Code::Condition);
        assert_eq!(worse(Code::Timeout, &ClientError::Closed), Code::Condition);
        assert_eq!(worse(Code::Fine, &ClientError::Closed), Code::NoDaemon);
        assert_eq!(worse(Code::Condition, &ClientError::Closed), Code::Condition);
    }
}
