//! `start`: stopped processes, or the apps of ecosystem files; what runs already is restarted with
//! the file's configuration.
//!
//! Invariant: every file is read and understood, and every target known, before the first call that
//! starts something is sent.

use std::io::Write;
use std::path::Path;

use super::failure::{Code, Failure};
use super::{Context, act, output, targets};
use crate::cli::Start;
use crate::client::{ClientError, Launched};
use crate::ecosystem::{self, NodeFinder, is_config_file};
use crate::model::{Action, Verdict};
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// Starts.
pub(super) async fn run(
    context: &Context,
    what: &Start,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    if context.options.read_only {
        return Err(Failure::read_only("start"));
    }
    let client = context.connect().await?;
    let processes = act::fleet(context, &client).await?;
    let (files, words): (Vec<&String>, Vec<&String>) =
        what.targets.iter().partition(|word| is_file(word, &processes));
    if files.is_empty() && what.env.is_some() {
        return Err(Failure::usage("--env is for the apps of a file, and none is named"));
    }
    let words: Vec<String> = words.into_iter().cloned().collect();
    let infos = targets::resolve(&words, &processes)?;
    let node =
        NodeFinder { env_name: what.env.clone(), ..NodeFinder::in_path(std::env::var_os("PATH")) };
    let surroundings = surroundings(context, what.env.as_deref())?;
    let mut loaded = Vec::new();
    for file in files {
        let apps = ecosystem::load(Path::new(file), &node).await;
        let apps = apps.and_then(|apps| {
            if let Some(name) = &what.env {
                let known = ecosystem::check_environment(&apps, name);
                if let (Err(error), false) = (&known, what.strict) {
                    // As pm2 does: deploy scripts say it of every file.
                    output::complain(&clean(&format!("warning: {error}")));
                } else {
                    known?;
                }
            }
            ecosystem::prepare_all(&apps, &surroundings).map(|_| apps)
        });
        loaded.push(apps.map_err(|error| Failure::usage(error.to_string()))?);
    }
    let mut code = Code::Fine;
    if infos.is_empty() && loaded.is_empty() {
        writeln!(out, "nothing to start: there are no processes")?;
    }
    for apps in loaded {
        let launched = client.start_apps(&apps, &surroundings).await;
        for one in launched.map_err(|error| context.failure(error))? {
            code = tell(context, code, one, out)?;
        }
    }
    if !infos.is_empty() {
        let acted = act::each(context, &client, Action::Start, &infos, out).await?;
        code = act::worse(code, acted);
    }
    client.disconnect().await;
    Ok(code)
}

/// Whether a word names a file: it is no process, and there is such a file, or it looks like one.
fn is_file(word: &str, processes: &[ProcessInfo]) -> bool {
    // An ambiguous word is a process, though not clear which.
    let found = targets::matching(word, processes);
    let is_process = word == "all" || !found.is_ok_and(|found| found.is_empty());
    let path = Path::new(word);
    word.contains('/') || (!is_process && (is_config_file(path) || path.is_file()))
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
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    #[test]
    fn a_process_goes_before_a_file_of_its_name() {
        let known = [ProcessInfo::new(PmId(0), "api.json", ProcessStatus::Stopped)];
        for (word, wanted) in [
            ("api.json", false),
            ("./api.json", true),
            ("other.json", true),
            ("ecosystem.config.js", true),
            ("Cargo.toml", true),
            ("0", false),
            ("all", false),
            ("nope", false),
        ] {
            assert_eq!(is_file(word, &known), wanted, "{word}");
        }
    }
}
