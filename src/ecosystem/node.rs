//! Evaluates a JavaScript ecosystem file with the user's node.
//!
//! Invariant: node runs only for a file that the user named and that [`load`] takes for a config; it
//! is bounded in time and output, and killed when it passes a bound.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::error::{shown, syntax};
use super::{EcosystemError, paths, schema};
use crate::protocol::text;

/// What node runs: PM2 has it in its own process, with `require`.
const SCRIPT: &str = include_str!("evaluate.js");

/// How long a file may take to fail after it exported its value. PM2 goes on with the value, and
/// fails with the file when that happens.
const LATER: Duration = Duration::from_secs(1);
/// How long the rest of it may take once node has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How much of the file's standard error is kept, bytes.
const COMPLAINTS_BYTES_MAX: usize = 64 * 1024;
/// How many of its lines are told.
const COMPLAINTS_MAX: usize = 6;

/// The longest message of an exception that an error shows, characters.
const MESSAGE_CHARS_MAX: usize = 500;

/// Where node is looked for, and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFinder {
    /// `PATH`.
    pub path: Option<OsString>,
    /// How long an ecosystem file may take.
    pub time_limit: Duration,
    /// The most bytes that it may write.
    pub output_bytes_max: usize,
    /// The command and its words, as the file sees them in its `process.argv`: `start`, `FILE`,
    /// `--env`, `production`. Where they are empty: `start` and the file.
    pub words: Vec<OsString>,
}

/// What a file gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evaluated {
    /// What it exports.
    pub(super) value: Json,
    /// The variables that it set in the process that evaluated it, and those that it removed there.
    pub(super) changes: BTreeMap<String, Option<String>>,
}

impl NodeFinder {
    /// Looks in this `PATH`; 10 s and 8 MiB.
    #[must_use]
    pub fn in_path(path: Option<OsString>) -> Self {
        Self {
            path,
            time_limit: Duration::from_secs(10),
            output_bytes_max: 8 * 1024 * 1024,
            words: Vec::new(),
        }
    }

    fn find(&self) -> Option<PathBuf> {
        let path = self.path.as_ref()?;
        std::env::split_paths(path).map(|folder| folder.join("node")).find(|it| paths::runs(it))
    }
}

impl Evaluated {
    /// A value that nothing had to be evaluated for.
    pub(super) fn of(value: Json) -> Self {
        Self { value, changes: BTreeMap::new() }
    }
}

/// What is evaluated.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// A module, as `require` or `import` reads it.
    Module(&'a Path),
    /// A file whose text is one expression, as PM2 reads JSON.
    Json(&'a Path),
    /// Text that is one expression, and what it is called.
    Text(&'a str, &'a str),
}

/// What the file exports, and what it changed in its environment.
///
/// # Errors
/// No node, an exception (with its place in the file), a bound that was passed.
pub(super) async fn evaluate(
    source: Source<'_>,
    node: &NodeFinder,
) -> Result<Evaluated, EcosystemError> {
    let (file, format, text) = match source {
        Source::Module(file) => (file, "module", None),
        Source::Json(file) => (file, "json", None),
        Source::Text(text, name) => (Path::new(name), "json", Some(text)),
    };
    let name = file.to_string_lossy();
    let failed = |reason: String| EcosystemError::Evaluation {
        file: shown(&name),
        reason: text::clean_to(&reason, MESSAGE_CHARS_MAX),
    };
    let Some(program) = node.find() else {
        return Err(EcosystemError::NoNode { file: shown(&name) });
    };
    let whole = match text {
        Some(_) => PathBuf::from("-"),
        None => std::path::absolute(file).map_err(|error| failed(error.to_string()))?,
    };
    // Not to be guessed by the file, so that nothing it writes is taken for its value.
    let random = || RandomState::new().hash_one(0);
    let marker = format!("pm2-tui-{:016x}{:016x}", random(), random());
    let words =
        if node.words.is_empty() { vec!["start".into(), file.into()] } else { node.words.clone() };
    let mut child = Command::new(program)
        .args(["-e", SCRIPT, "--"])
        .arg(&whole)
        .args([&marker, format])
        // What PM2's own process has there.
        .arg("pm2")
        .args(words)
        .env("PM2_USAGE", "CLI")
        .stdin(if text.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("node could not be started: {error}")))?;
    if let (Some(mut input), Some(text)) = (child.stdin.take(), text) {
        let text = text.to_owned();
        // It may be longer than a pipe holds. What is not read is no failure.
        tokio::spawn(async move { input.write_all(text.as_bytes()).await });
    }
    let Some(mut output) = child.stdout.take() else {
        return Err(failed("node has no output".to_owned()));
    };
    let complaints = child.stderr.take().map(Complaints::hear);
    let said = value_in(&mut output, &marker, node.output_bytes_max);
    let said = match tokio::time::timeout(node.time_limit, said).await {
        Err(_) => Err(format!("it took longer than {} s", node.time_limit.as_secs_f64())),
        Ok(said) => said,
    };
    // A file may check something and end the program after it exported its value.
    let failure = end(child, output, if said.is_ok() { LATER } else { LAST_WORDS }).await;
    let complained = match complaints {
        Some(complaints) => complaints.told().await,
        None => String::new(),
    };
    let and_wrote = |reason: String| match complained.as_str() {
        "" => reason,
        complained => format!("{reason}: {complained}"),
    };
    match (said, failure) {
        (Ok(_), Some(_)) if !complained.is_empty() => Err(failed(complained)),
        (_, Some(failure)) => Err(failed(and_wrote(failure))),
        (Err(reason), None) => Err(failed(and_wrote(reason))),
        (Ok(said), None) => {
            // What node prints of the exception itself comes last, and is told already.
            let own = complained.split("node:internal/").next().unwrap_or_default();
            understood(&said, &name, own.trim_end_matches("; "))
        }
    }
}

/// Waits so long for the end and then kills; says how it failed by itself.
async fn end(mut child: Child, mut output: ChildStdout, wait: Duration) -> Option<String> {
    // Read on: a file that writes later must not fail of that. What it started may hold the pipe.
    let drained = async {
        let _copied = tokio::io::copy(&mut output, &mut tokio::io::sink()).await;
        std::future::pending().await
    };
    let ended = tokio::time::timeout(wait, async {
        tokio::select! {
            ended = child.wait() => ended,
            never = drained => never,
        }
    });
    match ended.await {
        Ok(Ok(status)) if !status.success() => Some(match (status.code(), status.signal()) {
            (Some(code), _) => format!("it ended the program with exit code {code}"),
            (None, Some(signal)) => format!("signal {signal} ended node"),
            (None, None) => "node was killed".to_owned(),
        }),
        Ok(_) => None,
        Err(_) => {
            if child.start_kill().is_ok() {
                let _status = child.wait().await;
            }
            None
        }
    }
}

/// What is written to standard error, up to a bound.
struct Complaints {
    kept: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Complaints {
    fn hear(mut from: ChildStderr) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&kept);
        let task = tokio::spawn(async move {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut chunk).await {
                let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
                let room = COMPLAINTS_BYTES_MAX.saturating_sub(kept.len());
                kept.extend(chunk.iter().take(count.min(room)));
            }
        });
        Self { kept, task }
    }

    /// The lines that say something, once node has ended. What it started may hold the pipe.
    async fn told(mut self) -> String {
        let _all = tokio::time::timeout(LAST_WORDS, &mut self.task).await;
        self.task.abort();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let says = |line: &&str| {
            // Frames, and what node says of itself: warnings and its version.
            let is_nodes = ["at ", "Node.js v", "(node:", "(Use `node"];
            let is_nodes = is_nodes.iter().any(|start| line.starts_with(start));
            line.chars().any(char::is_alphanumeric) && !is_nodes
        };
        let is_trace = |line: &&str| line.contains(" stack trace ---");
        let lines = text.lines().map(str::trim).take_while(|line| !is_trace(line));
        let lines = lines.filter(says).take(COMPLAINTS_MAX);
        lines.collect::<Vec<_>>().join("; ").replace(":; ", ": ")
    }
}

/// Reads until both markers came, and gives what is between them.
async fn value_in(
    output: &mut (impl AsyncRead + Unpin),
    marker: &str,
    bytes_max: usize,
) -> Result<Json, String> {
    let fence = format!("\n{marker}\n");
    let mut seen = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let count = output.read(&mut chunk).await.map_err(|error| error.to_string())?;
        seen.extend_from_slice(chunk.get(..count).unwrap_or_default());
        // The end can only be where something new is: only then is it looked for.
        if seen.ends_with(fence.as_bytes()) || count == 0 {
            let content = String::from_utf8_lossy(&seen);
            let mut parts = content.split(&fence);
            return match (parts.next(), parts.next(), parts.next()) {
                (Some(_), Some(value), Some(_)) => {
                    serde_json::from_str(value).map_err(|error| error.to_string())
                }
                _ if count == 0 => Err("node ended before the file exported anything".to_owned()),
                _ => continue,
            };
        }
        if seen.len() > bytes_max {
            return Err(format!("it wrote more than {bytes_max} bytes"));
        }
    }
}

/// What the script said: the value, or an exception, after which the file's own words come.
fn understood(said: &Json, file: &str, complained: &str) -> Result<Evaluated, EcosystemError> {
    let number = |key: &str| said.get(key).and_then(Json::as_u64).map(|number| number as usize);
    let message = said.get("message").and_then(Json::as_str).map(|message| match complained {
        "" => message.to_owned(),
        complained => format!("{message}; it wrote: {complained}"),
    });
    match (message, number("line"), number("column")) {
        (Some(message), Some(line), Some(column)) => Err(syntax(file, line, column, &message)),
        (Some(message), ..) => Err(EcosystemError::Evaluation {
            file: shown(file),
            reason: text::clean_to(&message, MESSAGE_CHARS_MAX),
        }),
        (None, ..) => {
            let value = said.get("exports").cloned().ok_or_else(|| EcosystemError::Evaluation {
                file: shown(file),
                reason: "it exports nothing".to_owned(),
            })?;
            Ok(Evaluated { value, changes: changes(said.get("env")) })
        }
    }
}

/// The changed variables, but for those that no process can have.
fn changes(said: Option<&Json>) -> BTreeMap<String, Option<String>> {
    let all = said.and_then(Json::as_object).into_iter().flatten();
    let valid = all.filter(|(name, value)| {
        schema::check_variable(name).is_ok() && !value.as_str().is_some_and(|it| it.contains('\0'))
    });
    valid.map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned))).collect()
}

#[cfg(test)]
#[path = "tests/node.rs"]
mod tests;
