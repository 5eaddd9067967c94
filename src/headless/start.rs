//! `start`: stopped processes, or the apps of ecosystem files.
//!
//! Invariant: every file is read and understood, and every target known, before the first call that
//! starts something is sent.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::failure::{Code, Failure};
use super::{Context, act, output, targets};
use crate::cli::Start;
use crate::client::Client;
use crate::ecosystem::{self, AppConfig, NodeFinder, is_config_file};
use crate::model::Action;
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
    let node = NodeFinder::in_path(std::env::var_os("PATH"));
    let mut apps = Vec::new();
    for file in files {
        let file = Path::new(file);
        let loaded = ecosystem::load(file, &node).await;
        let loaded = loaded.map_err(|error| Failure::usage(error.to_string()))?;
        if let Some(name) = &what.env {
            let checked = ecosystem::check_environment(&loaded, name);
            checked.map_err(|error| Failure::usage(error.to_string()))?;
        }
        // Relative paths in a file are meant from where it is read, as in PM2.
        apps.push((folder()?, loaded));
    }
    let mut code = Code::Fine;
    if infos.is_empty() && apps.is_empty() {
        writeln!(out, "nothing to start: there are no processes")?;
    }
    for (folder, apps) in apps {
        start_apps(context, &client, what.env.as_deref(), folder, &apps, out).await?;
    }
    if !infos.is_empty() {
        code = act::each(context, &client, Action::Start, infos, out).await?;
    }
    client.disconnect().await;
    Ok(code)
}

/// Whether a word names a file: it is no process, and there is such a file, or it looks like one.
fn is_file(word: &str, processes: &[ProcessInfo]) -> bool {
    let is_process = word == "all" || !targets::matching(word, processes).is_empty();
    let path = Path::new(word);
    word.contains('/') || (!is_process && (is_config_file(path) || path.is_file()))
}

/// The folder that the command runs in.
fn folder() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::usage(format!("the working folder cannot be used: {error}")))
}

async fn start_apps(
    context: &Context,
    client: &Client,
    env_name: Option<&str>,
    cwd: PathBuf,
    apps: &[AppConfig],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let surroundings = ecosystem::Context {
        pm2_home: context.endpoint.home.clone(),
        cwd,
        environment: environment.collect(),
        env_name: env_name.map(str::to_owned),
    };
    let started = client.start_apps(apps, &surroundings).await;
    let started = started.map_err(|error| context.failure(error))?;
    for process in started.as_array().into_iter().flatten() {
        let name = match process.get("name") {
            Some(Json::String(name)) => clean(name).into_owned(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let id = process.get("pm_id").and_then(Json::as_u64);
        let id = id.map_or_else(|| "?".to_owned(), |id| id.to_string());
        let label = output::printable(&format!("{name}[{id}]"), context.is_ascii);
        writeln!(out, "started {label}")?;
    }
    Ok(())
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
