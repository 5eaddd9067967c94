//! `scale`, `reset`, `flush`, `save`, `resurrect`, `signal`, `stdin`, `watch`: what is done beside the
//! five actions.
//!
//! Invariant: all targets are known, and what has to be asked was answered, before the first call is
//! sent; everything that was to be done gets its line, and what did not come about makes the exit code.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use super::failure::{Code, Failure};
use super::{Context, act, ask, call, files, output, targets};
use crate::cli;
use crate::client::{Client, Errand, Outcome, Scale, Signal, Task};
use crate::daemon::offload;
use crate::model::audit::of_task;
use crate::model::{Target, disk, shrink, units};
use crate::protocol::process::{PmId, ProcessInfo};
use crate::protocol::risk::Risk;

/// Does the same to each process of some targets.
async fn each(
    context: &Context,
    errand: Errand,
    words: &[String],
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let task = Task::Each { errand, targets: Vec::new() };
    let Task::Each { errand, .. } = &task else { return Ok(Code::Fine) };
    expect_allowed(context, &task)?;
    let client = context.connect().await?;
    let processes = act::fleet(context, &client).await?;
    let words = files::as_targets(context, words, &[], &processes).await?;
    let infos = targets::resolve(&words, &processes)?;
    let verb = crate::model::deed::Deed::from(errand).verb;
    if infos.is_empty() {
        writeln!(out, "nothing to {}: there are no processes", task.name())?;
        return Ok(Code::Fine);
    }
    let whom = targets::some(&infos.iter().map(targets::label).collect::<Vec<_>>());
    let verb = match errand {
        Errand::Flush => match bytes(context, &infos, false).await {
            Some(bytes) => format!("flush {} of logs of", units::bytes(bytes)).into(),
            None => verb,
        },
        _ => verb,
    };
    let shared = match errand {
        Errand::Flush => shared(&processes, &infos),
        _ => String::new(),
    };
    let question = format!("{verb} {whom} of {}{shared}?", context.home());
    confirm(context, &client, errand.risk(), &question).await?;
    let code = perform(context, &client, of_each(errand.clone(), &infos), out).await?;
    client.disconnect().await;
    Ok(code)
}

/// What else goes with the lines of some processes: `, and in the same files those of api[1]`.
fn shared(all: &[ProcessInfo], infos: &[ProcessInfo]) -> String {
    let meant: Vec<PmId> = infos.iter().map(|info| info.pm_id).collect();
    let others = disk::sharing(&all.iter().collect::<Vec<_>>(), &meant);
    if others.is_empty() {
        return String::new();
    }
    let others: Vec<_> = others.into_iter().map(targets::label).collect();
    format!(", and in the same files those of {}", targets::some(&others))
}

/// How much is in the log files of these processes, and in the daemon's own, bytes; `None` where
/// that cannot be looked at.
async fn bytes(context: &Context, infos: &[ProcessInfo], with_console: bool) -> Option<u64> {
    if !context.endpoint.is_local() {
        return None;
    }
    let logs = infos.iter().flat_map(|info| [&info.logs.out, &info.logs.err, &info.logs.both]);
    let mut paths: BTreeSet<PathBuf> = logs.flatten().map(|path| PathBuf::from(&**path)).collect();
    if with_console {
        paths.insert(context.endpoint.home.join("pm2.log"));
    }
    let looking = offload::look(move || {
        let about = paths.iter().filter_map(|path| std::fs::metadata(path).ok());
        let sizes = about.filter(std::fs::Metadata::is_file).map(|about| about.len());
        sizes.reduce(u64::saturating_add)
    });
    looking.await.flatten()
}

/// The task for each of these.
fn of_each(errand: Errand, infos: &[ProcessInfo]) -> Task {
    Task::Each { errand, targets: infos.iter().map(Target::of).collect() }
}

/// Sets the counts of restarts to 0.
pub(super) async fn reset(
    context: &Context,
    words: &[String],
    out: &mut impl Write,
) -> Result<Code, Failure> {
    each(context, Errand::Reset, words, out).await
}

/// Sends a signal.
pub(super) async fn signal(
    context: &Context,
    what: &cli::Signal,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let signal = Signal::parse(&what.signal).map_err(Failure::usage)?;
    each(context, Errand::Signal(signal), &what.targets, out).await
}

/// Switches watching.
pub(super) async fn watch(
    context: &Context,
    what: &cli::WatchFiles,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    each(context, Errand::Watch(what.state == cli::OnOff::On), &what.targets, out).await
}

/// Writes lines to standard inputs.
pub(super) async fn stdin(
    context: &Context,
    what: &cli::Stdin,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    if context.options.read_only {
        return Err(context.read_only("stdin"));
    }
    let text =
        if what.line == "-" { call::read_bounded(io::stdin().lock())? } else { what.line.clone() };
    let lines: Vec<&str> = text.lines().collect();
    if lines.iter().all(|line| line.is_empty()) {
        return Err(Failure::usage("there is no line to write: PM2 takes no empty one"));
    }
    let client = context.connect().await?;
    let processes = act::fleet(context, &client).await?;
    let infos = targets::resolve(std::slice::from_ref(&what.target), &processes)?;
    if infos.is_empty() {
        writeln!(out, "nothing to write to: there are no processes")?;
    }
    let mut code = Code::Fine;
    for line in lines {
        let task = of_each(Errand::Line(line.into()), &infos);
        code = act::worse(code, perform(context, &client, task, out).await?);
    }
    client.disconnect().await;
    Ok(code)
}

/// Empties log files: of some targets, else of all processes and the daemon.
pub(super) async fn flush(
    context: &Context,
    words: &[String],
    out: &mut impl Write,
) -> Result<Code, Failure> {
    if !words.is_empty() {
        return each(context, Errand::Flush, words, out).await;
    }
    expect_allowed(context, &Task::FlushConsole)?;
    let client = context.connect().await?;
    // The logs of PM2's modules too, as the CLI.
    let processes = act::fleet(context, &client).await?;
    let all = output::processes(processes.len());
    let what = match bytes(context, &processes, true).await {
        Some(bytes) => format!("{} of logs", units::bytes(bytes)),
        None => "the logs".to_owned(),
    };
    let names = targets::named(processes.iter().map(targets::label), context.is_ascii);
    let home = context.home();
    let question = format!("empty {what} of all {all}{names} and of the daemon of {home}?");
    confirm(context, &client, Task::FlushConsole.risk(), &question).await?;
    let console = perform(context, &client, Task::FlushConsole, out).await?;
    let code = perform(context, &client, of_each(Errand::Flush, &processes), out).await?;
    client.disconnect().await;
    Ok(act::worse(console, code))
}

/// Changes how many processes an app has.
pub(super) async fn scale(
    context: &Context,
    what: &cli::Scale,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let to = Scale::parse(&what.to).map_err(Failure::usage)?;
    expect_allowed(context, &Task::Scale { targets: Vec::new(), to, leaves: Vec::new() })?;
    let client = context.connect().await?;
    let processes = act::fleet(context, &client).await?;
    let infos = targets::resolve(std::slice::from_ref(&what.target), &processes)?;
    let Some(first) = infos.first() else {
        return Err(Failure::condition("there are no processes to scale"));
    };
    let is_its =
        |info: &&ProcessInfo| (&info.name, &info.namespace) == (&first.name, &first.namespace);
    let its = || processes.iter().filter(is_its);
    let now = its().count();
    let wanted = to.of(u32::try_from(now).unwrap_or(u32::MAX));
    let name = output::printable(&first.name, context.is_ascii);
    // All that the question is about: what comes meanwhile is not deleted.
    let fewer = wanted.as_ref().map_or(0, |wanted| now.saturating_sub(*wanted as usize));
    let leaving = shrink::leaving(its(), fewer).unwrap_or_default();
    // What cannot be is said by its outcome.
    let question = match wanted.map(|wanted| wanted as usize) {
        Ok(wanted) if wanted > now => {
            let more = wanted - now;
            let noun = if more == 1 { "process" } else { "processes" };
            Some(format!("start {more} more {noun} of {name}?"))
        }
        Ok(wanted) if wanted < now => {
            let labels: Vec<String> = leaving.iter().map(|info| targets::label(info)).collect();
            let whom = match labels.len() {
                0 => output::processes(now - wanted),
                _ => output::printable(&labels.join(", "), context.is_ascii),
            };
            Some(format!("delete {whom} of the {now} of {name}?"))
        }
        _ => None,
    };
    let leaves: Vec<Target> = leaving.into_iter().map(Target::of).collect();
    let is_meant =
        |info: &&ProcessInfo| is_its(info) || infos.iter().any(|meant| meant.pm_id == info.pm_id);
    let targets = processes.iter().filter(is_meant).map(Target::of).collect();
    let task = Task::Scale { targets, to, leaves };
    if let Some(question) = question {
        confirm(context, &client, task.risk(), &question).await?;
    }
    let code = perform(context, &client, task, out).await?;
    client.disconnect().await;
    Ok(code)
}

/// Saves the list of processes.
pub(super) async fn save(
    context: &Context,
    force: bool,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let task = Task::Save { even_empty: force };
    expect_allowed(context, &task)?;
    let client = context.connect().await?;
    let code = perform(context, &client, task, out).await?;
    client.disconnect().await;
    Ok(code)
}

/// Starts what was saved.
pub(super) async fn resurrect(context: &Context, out: &mut impl Write) -> Result<Code, Failure> {
    expect_allowed(context, &Task::Resurrect)?;
    let client = context.connect().await?;
    let question = format!("start what is saved in {} and missing here?", context.home());
    confirm(context, &client, Task::Resurrect.risk(), &question).await?;
    let code = perform(context, &client, Task::Resurrect, out).await?;
    client.disconnect().await;
    Ok(code)
}

/// Asks where that is asked, and then looks whether the daemon is the same still.
async fn confirm(
    context: &Context,
    client: &Client,
    risk: Risk,
    question: &str,
) -> Result<(), Failure> {
    if !ask::is_asked(context, risk) {
        return Ok(());
    }
    ask::confirm_about(context, client, question).await
}

/// Refuses what only looking forbids, and what has to be asked where nobody can be.
fn expect_allowed(context: &Context, task: &Task) -> Result<(), Failure> {
    if context.options.read_only && task.risk() > Risk::Reads {
        return Err(context.read_only(task.name()));
    }
    ask::require_for(context, task.risk(), task.name())
}

/// Does it, and prints a line for each outcome when it is known.
async fn perform(
    context: &Context,
    client: &Client,
    task: Task,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let mut code = Code::Fine;
    let mut printed = Ok(());
    let deeds = of_task(&task);
    context.note_asked(&deeds);
    let mut tell = |outcome: Outcome| {
        let (deed, verdict) = (&outcome.deed, &outcome.verdict);
        let words = verdict.words(deed);
        context.note_outcome((&deed.verb, &outcome.label), (outcome.is_success(), &words));
        code = act::worse(code, Code::of_outcome(&outcome));
        if printed.is_ok() {
            printed = print(context, outcome, out);
        }
    };
    let performed = client.perform_telling(task, &mut tell).await;
    performed.map_err(|error| {
        context.note_failed(&deeds, &error.to_string());
        context.failure(error)
    })?;
    printed?;
    Ok(code)
}

/// What succeeded goes to standard output, all else to standard error.
fn print(context: &Context, mut outcome: Outcome, out: &mut impl Write) -> io::Result<()> {
    let printable = |text: &str| output::printable(text, context.is_ascii);
    // It is a warning, not what was asked for.
    let warning = match outcome.deed.word {
        "save" => outcome.note.take(),
        _ => None,
    };
    let line = printable(&outcome.sentence());
    if outcome.is_success() {
        writeln!(out, "{line}")?;
        out.flush()?;
    } else {
        output::complain(&line);
    }
    if let Some(warning) = warning {
        output::complain(&printable(&warning));
    }
    Ok(())
}
