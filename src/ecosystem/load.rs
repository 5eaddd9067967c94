//! Reads a config file: JSON with comments, YAML, or JavaScript by way of the user's node.
//!
//! Invariant: the file's extension decides how it is read, as in PM2's `Common.isConfigFile`: the
//! last one, else one of PM2's anywhere in the name (`apps.json.bak`). JavaScript is evaluated only
//! where name or text say that it is a config: an app must not run here.

use std::path::Path;

use serde_json::{Map, Value as Json};

use super::error::{REASON_CHARS_MAX, shown, syntax};
use super::node::{Evaluated, Source};
use super::{AppConfig, EcosystemError, NodeFinder, comments, node, schema};
use crate::protocol::text;

/// The longest file that is read, bytes. Also bounds what a device or a pipe can give.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What PM2 looks for anywhere in a name, in its order, and how it reads that.
const WITHIN: [(&str, Format); 6] = [
    (".json", Format::Json),
    (".yml", Format::Yaml),
    (".yaml", Format::Yaml),
    (".config.js", Format::JavaScript),
    (".config.cjs", Format::JavaScript),
    (".config.mjs", Format::JavaScript),
];

const KNOWN: &str = ".json, .json5, .jsonc, .yaml, .yml, .js, .cjs, .mjs or .ts";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Yaml,
    JavaScript,
    TypeScript,
}

fn format_of(file: &Path) -> Option<Format> {
    match file.extension()?.to_str()? {
        "json" | "json5" | "jsonc" => Some(Format::Json),
        "ts" | "mts" | "cts" => Some(Format::TypeScript),
        "yaml" | "yml" => Some(Format::Yaml),
        "js" | "cjs" | "mjs" => Some(Format::JavaScript),
        _ => {
            let name = file.file_name()?.to_str()?;
            // A name that begins with it has no extension.
            let is_in = |part: &str| name.find(part).is_some_and(|at| at > 0);
            WITHIN.iter().find(|(part, _)| is_in(part)).map(|(_, format)| *format)
        }
    }
}

/// Whether a file is read as a config, by its name alone.
#[must_use]
pub fn is_config_file(file: &Path) -> bool {
    format_of(file).is_some()
}

/// Whether a JavaScript file is a config by its name: `x.config.js`, `ecosystem.js`, `pm2.prod.js`.
fn is_named_config(file: &Path) -> bool {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_ecosystem = |part| part == "ecosystem";
    stem.ends_with(".config")
        || stem.contains(".config.")
        || stem == "pm2"
        || stem.starts_with("pm2.")
        || stem.split(['.', '-', '_']).any(is_ecosystem)
}

/// Whether the text of a JavaScript file exports something and gives a value to a name `apps` or
/// `script`, as a config does: `apps:`, `"script":`, `exports.apps =`.
fn exports_apps(content: &str) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    let mut words = content.split(|letter| !is_name(letter));
    let is_given = |name: &str| {
        content.match_indices(name).any(|(at, _)| {
            let before = content.get(..at).and_then(|text| text.chars().next_back());
            let after = content.get(at + name.len()..).unwrap_or_default();
            let after = after.trim_start_matches(['"', '\'', '`', ']', ' ', '\t', '\r', '\n']);
            !before.is_some_and(is_name) && after.starts_with([':', '=', '}'])
        })
    };
    words.any(|word| matches!(word, "exports" | "export"))
        && ["apps", "script"].iter().any(|name| is_given(name))
}

/// Reads the apps of a config file.
///
/// # Errors
/// What is wrong with the file or with one of its apps.
pub async fn load(file: &Path, node: &NodeFinder) -> Result<Vec<AppConfig>, EcosystemError> {
    let name = file.to_string_lossy();
    let Some(format) = format_of(file) else {
        return Err(EcosystemError::Extension { file: shown(&name), known: KNOWN });
    };
    let content = read(file)?;
    let evaluated = match format {
        Format::Json => json(&content, &name, Source::Json(file), node).await?,
        Format::Yaml => Evaluated::of(parse_yaml(&content, &name)?),
        Format::JavaScript | Format::TypeScript
            if is_named_config(file) || exports_apps(&content) =>
        {
            node::evaluate(Source::Module(file), node).await?
        }
        Format::JavaScript | Format::TypeScript => {
            return Err(EcosystemError::Script { file: shown(&name) });
        }
    };
    apps_of(&evaluated, &name)
}

/// Reads the apps of a text as PM2 reads its standard input: JSON, else a JavaScript expression.
/// `name` is named in errors.
///
/// # Errors
/// As [`load`].
pub async fn load_text(
    content: &str,
    name: &str,
    node: &NodeFinder,
) -> Result<Vec<AppConfig>, EcosystemError> {
    let content = content.strip_prefix('\u{feff}').unwrap_or(content);
    apps_of(&json(content, name, Source::Text(content, name), node).await?, name)
}

fn apps_of(evaluated: &Evaluated, name: &str) -> Result<Vec<AppConfig>, EcosystemError> {
    let mut apps = parse_value(&evaluated.value, name)?;
    for app in &mut apps {
        app.changes.clone_from(&evaluated.changes);
    }
    Ok(apps)
}

/// JSON, or what is JavaScript only: PM2 evaluates all of it.
async fn json(
    content: &str,
    name: &str,
    source: Source<'_>,
    node: &NodeFinder,
) -> Result<Evaluated, EcosystemError> {
    if content.trim().is_empty() {
        return Err(EcosystemError::Shape { file: shown(name), reason: "it is empty".to_owned() });
    }
    match parse_json(content, name) {
        Ok(value) => Ok(Evaluated::of(value)),
        Err(error) => {
            let evaluated = node::evaluate(source, node).await;
            evaluated.map_err(|as_script| clearer(error, as_script, content))
        }
    }
}

/// The error of a file that is neither JSON nor JavaScript which helps more: JavaScript's, as PM2
/// tells it, unless no node could say it, or both stop at the same place.
fn clearer(json: EcosystemError, script: EcosystemError, content: &str) -> EcosystemError {
    let place = |error: &EcosystemError| match error {
        EcosystemError::Syntax { line, column, .. } => Some((*line, *column)),
        _ => None,
    };
    match (&script, place(&script)) {
        (EcosystemError::NoNode { .. }, _) => json,
        (_, Some(at)) if Some(at) <= place(&json) => json,
        // The bracket that was put round it is the first thing that does not fit.
        (_, Some((line, _))) if line > content.lines().count() => match json {
            EcosystemError::Syntax { file, .. } => {
                let last = content.lines().last().unwrap_or_default();
                let (line, column) = (content.lines().count(), last.chars().count() + 1);
                syntax(&file, line, column, "it ends too early: a bracket or quote is not closed")
            }
            other => other,
        },
        _ => script,
    }
}

fn read(file: &Path) -> Result<String, EcosystemError> {
    let unreadable = |reason: String| EcosystemError::Unreadable {
        file: shown(&file.to_string_lossy()),
        reason: text::clean(&reason).into_owned(),
    };
    let about = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?;
    if !about.is_file() {
        return Err(unreadable("it is no file".to_owned()));
    }
    if about.len() > FILE_BYTES_MAX {
        return Err(unreadable(format!("it is longer than {FILE_BYTES_MAX} bytes")));
    }
    let bytes = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let content = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok(content.strip_prefix('\u{feff}').unwrap_or(&content).to_owned())
}

/// Reads JSON that may have `//` and `/* */` comments and a comma after the last entry.
///
/// # Errors
/// [`EcosystemError::Syntax`] with line and column; `file` is named in it.
pub fn parse_json(content: &str, file: &str) -> Result<Json, EcosystemError> {
    serde_json::from_str(&comments::blank(content)).map_err(|error| {
        let reason = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = reason.strip_suffix(&place).unwrap_or(&reason);
        syntax(file, error.line(), error.column(), reason)
    })
}

fn parse_yaml(content: &str, file: &str) -> Result<Json, EcosystemError> {
    // As js-yaml: `yes` and `on` are text.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(content, options).map_err(|error| {
        let place = error.location();
        let line = place.map_or(1, |place| place.line() as usize);
        let column = place.map_or(1, |place| place.column() as usize);
        let reason = error.without_snippet().to_string();
        // The place is said before the reason, in the form of this program's errors.
        let reason = reason.split(" at line ").next().unwrap_or(&reason);
        // What follows is about the library's own settings.
        let reason = reason.split(", set ").next().unwrap_or(reason);
        let reason = reason.split(" rejected by ").next().unwrap_or(reason);
        syntax(file, line, column, reason)
    })
}

/// Reads the apps of a value: one app, an array of apps, or `{apps: ..}`; as in PM2 there may be none.
/// `file` is named in errors (`standard input`, say, where there is no file).
///
/// # Errors
/// What is wrong with one of the apps.
pub fn parse_value(value: &Json, file: &str) -> Result<Vec<AppConfig>, EcosystemError> {
    let shape = |reason: String| EcosystemError::Shape {
        file: shown(file),
        reason: text::clean_to(&reason, REASON_CHARS_MAX),
    };
    let (apps, deploy) = match value {
        Json::Object(whole) if whole.contains_key("apps") || whole.contains_key("pm2") => {
            parts(whole).map_err(shape)?
        }
        Json::Object(whole) if !AppConfig::has_script(whole) => {
            let keys = if whole.is_empty() {
                String::new()
            } else {
                format!(": its keys are {}", names(whole))
            };
            return Err(shape(format!("it has neither apps nor a script{keys}")));
        }
        // One app as it is, or a list of them.
        _ => (value, Map::new()),
    };
    let apps = match apps {
        Json::Array(apps) => apps.as_slice(),
        Json::Object(_) => std::slice::from_ref(apps),
        _ => {
            let kind = schema::kind(apps);
            return Err(shape(format!("an app must be an object, and this is {kind}")));
        }
    };
    AppConfig::check_names(apps, 1, file)?;
    let app = |(index, app): (usize, &Json)| {
        let mut app = AppConfig::from_json(app, file, index + 1)?;
        app.deploy.clone_from(&deploy);
        Ok(app)
    };
    apps.iter().enumerate().map(app).collect()
}

/// The keys of an object, for a person.
fn names(whole: &Map<String, Json>) -> String {
    let names: Vec<&str> = whole.keys().map(String::as_str).collect();
    names.join(", ")
}

/// The apps and the `deploy` part of a whole config.
fn parts(whole: &Map<String, Json>) -> Result<(&Json, Map<String, Json>), String> {
    // Other keys are somebody else's: npm's in a package.json, an anchor's in YAML.
    let apps = whole.get("apps").or_else(|| whole.get("pm2")).unwrap_or(&Json::Null);
    if whole.get("static").is_some_and(schema::is_truthy) {
        return Err("static: is served by the pm2 command itself; start it with pm2".to_owned());
    }
    match whole.get("deploy") {
        None | Some(Json::Null) => Ok((apps, Map::new())),
        Some(Json::Object(deploy)) => Ok((apps, deploy.clone())),
        Some(other) => Err(format!("deploy: must be an object, and is {}", schema::kind(other))),
    }
}

#[cfg(test)]
#[path = "tests/load.rs"]
mod tests;
