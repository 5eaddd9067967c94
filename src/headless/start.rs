//! `start`: stopped processes, or the apps of ecosystem files; what runs already is restarted with
//! the file's configuration.
//!
//! Invariant: every file is read and understood, and every target known, before the first call that
//! starts something is sent.

use std::io::Write;

use super::audit::Deeds;
use super::failure::{Code, Failure};
use super::{Context, act, files, output, targets};
use crate::cli::Start;
use crate::client::{ClientError, Launched};
use crate::ecosystem::{self, AppConfig};
use crate::model::{Action, Verdict};
use crate::protocol::text::clean;

/// Starts.
pub(super) async fn run(
    context: &Context,
    what: &Start,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    if context.options.read_only {
        return Err(context.read_only("start"));
    }
    let client = context.connect().await?;
    let processes = act::fleet(context, &client).await?;
    let named = if what.targets.is_empty() {
        vec![files::in_folder().await?]
    } else {
        what.targets.clone()
    };
    let (mut files, mut words) = (Vec::new(), Vec::new());
    for word in &named {
        if files::is_file(word, &processes).await {
            files.push(word);
        } else {
            words.push(word.clone());
        }
    }
    if files.is_empty() && (what.env.is_some() || !what.only.is_empty()) {
        return Err(Failure::usage("--env and --only need a file, and none is given"));
    }
    let infos = targets::resolve(&words, &processes)?;
    let mut surroundings = surroundings(context, what.env.as_deref())?;
    if !files.is_empty() && client.methods().has("getVersion") {
        let version = client.version().await;
        surroundings.pm2_version = version.map_err(|error| context.failure(error))?;
    }
    let loaded = load(context, what, &files, &surroundings).await?;
    let mut code = Code::Fine;
    if infos.is_empty() && loaded.is_empty() && files.is_empty() && !what.json {
        writeln!(out, "nothing to start: there are no processes")?;
    }
    for apps in loaded {
        let verb = Action::Start.verb();
        let deeds: Deeds =
            apps.iter().map(|app| (verb.to_owned(), app.name().to_owned())).collect();
        context.note_asked(&deeds);
        let launched = client.start_apps(&apps, &surroundings).await;
        let launched = launched.map_err(|error| {
            context.note_failed(&deeds, &error.to_string());
            context.failure(error)
        });
        for one in launched? {
            note(context, &one);
            code = if what.json {
                act::worse(code, tell_json(context, one, out)?)
            } else {
                tell(context, code, one, out)?
            };
        }
    }
    if !infos.is_empty() {
        let acted = act::each(context, &client, Action::Start, (&infos, what.json), out).await?;
        code = act::worse(code, acted);
    }
    client.disconnect().await;
    Ok(code)
}

/// The apps of each file, checked as far as that can be before anything is sent.
async fn load(
    context: &Context,
    what: &Start,
    named: &[&String],
    surroundings: &ecosystem::Context,
) -> Result<Vec<Vec<AppConfig>>, Failure> {
    let node = files::node(context);
    let mut loaded = Vec::new();
    for file in named {
        let mut apps = files::load(file, &node).await?;
        if apps.is_empty() {
            // As pm2: a file that is made by a program may have none.
            let file = if file.as_str() == "-" { "standard input" } else { file.as_str() };
            output::complain(&clean(&format!("warning: {file}: there is no app in it")));
            continue;
        }
        if let Some(name) = &what.env {
            check_environment(&apps, name, what.strict)?;
        }
        apps = files::only(apps, &what.only)?;
        for remark in apps.iter().flat_map(AppConfig::remarks) {
            output::complain(&clean(&format!("warning: {remark}")));
        }
        let prepared = ecosystem::prepare_all(&apps, surroundings);
        prepared.map_err(|error| Failure::usage(error.to_string()))?;
        loaded.push(apps);
    }
    Ok(loaded)
}

/// Warns where no app has this environment, as pm2 does: deploy scripts say it of every file.
fn check_environment(apps: &[AppConfig], name: &str, is_strict: bool) -> Result<(), Failure> {
    match ecosystem::check_environment(apps, name) {
        Ok(()) => Ok(()),
        Err(error) if is_strict => Err(Failure::usage(error.to_string())),
        Err(error) => {
            output::complain(&clean(&format!("warning: {error}")));
            Ok(())
        }
    }
}

/// What the pm2 CLI takes from its shell. Relative paths in a file are meant from the folder where
/// the command runs, as in PM2.
fn surroundings(context: &Context, env_name: Option<&str>) -> Result<ecosystem::Context, Failure> {
    let cwd = std::env::current_dir()
        .map_err(|error| Failure::usage(format!("the working folder cannot be used: {error}")))?;
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(ecosystem::Context {
        pm2_home: context.endpoint.home.clone(),
        cwd,
        environment: environment.collect(),
        env_name: env_name.map(str::to_owned),
        pm2_version: None,
    })
}

/// Notes what became of a process, or of an app that none came of.
fn note(context: &Context, one: &Launched) {
    let id = one.pm_id.map(|id| format!("[{id}]")).unwrap_or_default();
    let label = format!("{}{id}", one.name);
    let words = match (&one.result, &one.verdict) {
        (Ok(_), None) => Verdict::Done.words(one.action),
        (_, Some(verdict)) => verdict.words(one.action),
        (Err(error), None) => error.to_string(),
    };
    context.note_outcome((one.action.verb(), &label), (one.result.is_ok(), &words));
}

/// The same line as JSON.
fn tell_json(context: &Context, one: Launched, out: &mut impl Write) -> Result<Code, Failure> {
    let (code, outcome, words) = match (one.result, one.verdict) {
        (Ok(_), verdict) => {
            let verdict = verdict.unwrap_or(Verdict::Done);
            (Code::Fine, verdict.word(), verdict.words(one.action))
        }
        (Err(ClientError::NotDone { action, verdict, .. }), _) => {
            (Code::of_verdict(&verdict), verdict.word(), verdict.words(action))
        }
        (Err(error), _) => {
            let words = clean(&error.to_string()).into_owned();
            (context.failure(error).code(), "failed", words)
        }
    };
    let line = act::Line {
        asked: Action::Start,
        name: &clean(&one.name),
        pm_id: one.pm_id,
        is_ok: code == Code::Fine,
        outcome,
        words: &words,
    };
    line.print(context, out)?;
    Ok(code)
}

/// The line of a process, or of an app that none came of.
fn tell(
    context: &Context,
    code: Code,
    one: Launched,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let id = one.pm_id.map(|id| format!("[{id}]")).unwrap_or_default();
    let label = output::printable(&clean(&format!("{}{id}", one.name)), context.is_ascii);
    match (one.result, one.verdict) {
        (Ok(_), verdict) => {
            let verdict = verdict.unwrap_or(Verdict::Done);
            writeln!(out, "{}", verdict.sentence(one.action, &label))?;
            Ok(code)
        }
        (Err(ClientError::NotDone { action, verdict, .. }), _) => {
            output::complain(&clean(&verdict.sentence(action, &label)));
            Ok(act::worse(code, Code::of_verdict(&verdict)))
        }
        (Err(error), _) => {
            output::complain(&clean(&format!("cannot {} {label}: {error}", one.action.verb())));
            Ok(act::worse(code, context.failure(error).code()))
        }
    }
}
