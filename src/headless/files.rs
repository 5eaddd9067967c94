//! Ecosystem files among the words of a command.
//!
//! Invariant: a process goes before a file of its name, unless the word has a slash in it; a file is
//! understood whole before anything is done with its apps.

use std::io;
use std::path::Path;

use super::failure::Failure;
use super::{call, targets};
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
    // An ambiguous word is a process, though not clear which.
    let found = targets::matching(word, processes);
    let is_process = word == "all" || !found.is_ok_and(|found| found.is_empty());
    let path = Path::new(word);
    word.contains('/') || (!is_process && (is_config_file(path) || is_there(path).await))
}

/// Whether there is such a file, on a disk that answers.
pub(super) async fn is_there(path: &Path) -> bool {
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
        ecosystem::parse_json(&text, "standard input")
            .and_then(|value| ecosystem::parse_value(&value, "standard input"))
    } else {
        ecosystem::load(Path::new(file), node).await
    };
    apps.map_err(|error| Failure::usage(error.to_string()))
}

/// The words with each file replaced by the processes that have the names of its apps.
///
/// # Errors
/// A file that cannot be understood, or of which nothing runs.
pub(super) async fn as_targets(
    words: &[String],
    processes: &[ProcessInfo],
) -> Result<Vec<String>, Failure> {
    let mut targets = Vec::new();
    for word in words {
        if !is_file(word, processes).await {
            targets.push(word.clone());
            continue;
        }
        let node = NodeFinder::in_path(std::env::var_os("PATH"));
        let apps = load(word, &node).await?;
        let names: Vec<String> = apps.iter().flat_map(AppConfig::listed_names).collect();
        let known = names.iter().filter(|name| processes.iter().any(|info| *info.name == ***name));
        let known: Vec<String> = known.map(|name| format!("name:{name}")).collect();
        if known.is_empty() {
            let names = names.join(", ");
            return Err(Failure::condition(format!("no app of {word} runs: {names}")));
        }
        targets.extend(known);
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    #[tokio::test]
    async fn a_process_goes_before_a_file_of_its_name() {
        let known = [ProcessInfo::new(PmId(0), "api.json", ProcessStatus::Stopped)];
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
        ] {
            assert_eq!(is_file(word, &known).await, wanted, "{word}");
        }
    }
}
