//! Ecosystem files among the words of a command.
//!
//! Invariant: a process goes before a file of its name, unless the word has a slash in it and there is
//! such a config file; `id:`, `name:` and `ns:` never name a file. A file is understood whole before
//! anything is done with its apps.

use std::io;
use std::path::Path;

use super::failure::Failure;
use super::{Context, call, targets};
use crate::daemon::offload;
use crate::ecosystem::{self, AppConfig, NodeFinder, is_config_file};
use crate::protocol::process::ProcessInfo;

/// What pm2 looks for where no file is named.
const IN_FOLDER: [&str; 7] = [
    "ecosystem.config.js",
    "ecosystem.config.cjs",
    "ecosystem.config.mjs",
    "ecosystem.config.json",
    "ecosystem.json",
    "ecosystem.config.yaml",
    "ecosystem.config.yml",
];

/// Whether a word names a file: it is no process, and there is such a file, or it looks like one.
pub(super) async fn is_file(word: &str, processes: &[ProcessInfo]) -> bool {
    if word == "-" {
        return true;
    }
    if targets::is_prefixed(word) {
        return false;
    }
    // An ambiguous word is a process, though not clear which.
    let found = targets::matching(word, processes);
    let is_process = word == "all" || !found.is_ok_and(|found| found.is_empty());
    let path = Path::new(word);
    let has_slash = word.contains('/');
    if is_process {
        // `@org/api` is a name that npm packages have.
        return has_slash && is_config_file(path) && is_there(path).await;
    }
    has_slash || is_config_file(path) || is_there(path).await
}

/// Whether all words are config files that are there, and none is a process.
pub(super) async fn are_configs(context: &Context, words: &[String]) -> Result<bool, Failure> {
    for path in words.iter().map(Path::new) {
        if !is_config_file(path) || !is_there(path).await {
            return Ok(false);
        }
    }
    let client = context.connect().await?;
    let snapshot = client.snapshot().await.map_err(|error| context.failure(error))?;
    client.disconnect().await;
    for word in words {
        if !is_file(word, &snapshot.processes).await {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether there is such a file, on a disk that answers.
async fn is_there(path: &Path) -> bool {
    let path = path.to_owned();
    offload::look(move || path.is_file()).await.unwrap_or(false)
}

/// The file of this folder that is meant where none is named.
pub(super) async fn in_folder() -> Result<String, Failure> {
    let looking = || IN_FOLDER.iter().find(|name| Path::new(name).is_file());
    let found = offload::look(looking).await.flatten();
    found.map(|name| format!("./{name}")).ok_or_else(|| {
        Failure::usage("start what? Name processes or a file: there is no ecosystem.config.js here")
    })
}

/// The apps of a file; of standard input, which has to be JSON, for `-`.
pub(super) async fn load(file: &str, node: &NodeFinder) -> Result<Vec<AppConfig>, Failure> {
    let apps = if file == "-" {
        let text = call::read_bounded(io::stdin().lock())?;
        ecosystem::load_text(&text, "standard input", node).await
    } else {
        ecosystem::load(Path::new(file), node).await
    };
    apps.map_err(|error| Failure::usage(error.to_string()))
}

/// How a JavaScript file is evaluated for this command.
pub(super) fn node(context: &Context) -> NodeFinder {
    let words = context.words.clone();
    NodeFinder { words, ..NodeFinder::in_path(std::env::var_os("PATH")) }
}

/// The apps of these names, be it their own or what the daemon lists them under; all without any.
///
/// # Errors
/// No app has one of the names.
pub(super) fn only(apps: Vec<AppConfig>, names: &[String]) -> Result<Vec<AppConfig>, Failure> {
    let has = |app: &AppConfig, name: &str| app.name() == name || app.listed_names().contains(name);
    let is_there = |name: &&&str| apps.iter().any(|app| has(app, name));
    // As pm2, blanks part names, too, unless they are within one.
    let words = names.iter().map(|name| name.trim()).flat_map(|name| {
        if is_there(&&name) { vec![name] } else { name.split_whitespace().collect() }
    });
    let is_asked = !names.is_empty();
    let names: Vec<&str> = words.collect();
    if is_asked && names.is_empty() {
        return Err(Failure::usage("--only names no app: it is empty"));
    }
    if let Some(unknown) = names.iter().find(|name| !is_there(name)) {
        let known: Vec<&str> = apps.iter().map(AppConfig::name).collect();
        let known = known.join(", ");
        return Err(Failure::usage(format!(
            "--only {unknown}: no app has that name; there are: {known}"
        )));
    }
    let is_meant = |app: &AppConfig| names.is_empty() || names.iter().any(|name| has(app, name));
    Ok(apps.into_iter().filter(is_meant).collect())
}

/// The words with each file replaced by the processes that have the names of its apps, or of those
/// that are meant alone.
///
/// # Errors
/// A file that cannot be understood, or of which nothing runs; no file for `names`.
pub(super) async fn as_targets(
    context: &Context,
    words: &[String],
    names: &[String],
    processes: &[ProcessInfo],
) -> Result<Vec<String>, Failure> {
    let mut targets = Vec::new();
    let mut has_file = false;
    for word in words {
        if !is_file(word, processes).await {
            targets.push(word.clone());
            continue;
        }
        has_file = true;
        let apps = load(word, &node(context)).await?;
        if apps.is_empty() {
            return Err(Failure::usage(format!("{word}: there is no app in it")));
        }
        let apps = only(apps, names)?;
        let names: Vec<String> = apps.iter().flat_map(AppConfig::listed_names).collect();
        let known = names.iter().filter(|name| processes.iter().any(|info| *info.name == ***name));
        let known: Vec<String> = known.map(|name| format!("name:{name}")).collect();
        if known.is_empty() {
            let names = names.join(", ");
            let file = if word == "-" { "standard input" } else { word };
            return Err(Failure::condition(format!("no app of {file} runs: {names}")));
        }
        targets.extend(known);
    }
    if !names.is_empty() && !has_file {
        return Err(Failure::usage("--only needs a file, and none is given"));
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    #[tokio::test]
    async fn a_process_goes_before_a_file_of_its_name() {
        let named = |name| ProcessInfo::new(PmId(0), name, ProcessStatus::Stopped);
        let known = ["api.json", "@org/api", "src/lib.rs", "tests/pm2/package.json"].map(named);
        for (word, wanted) in [
            ("api.json", false),
            ("./api.json", true),
            ("other.json", true),
            ("ecosystem.config.js", true),
            ("Cargo.toml", true),
            ("-", true),
            ("0", false),
            ("all", false),
            ("nope", false),
            ("@org/api", false),
            ("name:@org/api", false),
            ("name:src/lib.rs", false),
            ("@org/web", true),
            ("name:@org/web", false),
            ("src/lib.rs", false),
            ("tests/pm2/package.json", true),
        ] {
            assert_eq!(is_file(word, &known).await, wanted, "{word}");
        }
    }
}
