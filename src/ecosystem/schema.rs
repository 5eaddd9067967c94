//! PM2's table of keys, and the conversions that its CLI makes by it.
//!
//! Source: `lib/API/schema.json` and `lib/tools/Config.js` of PM2 7.0.4. Invariant: what [`read`]
//! accepts has one of the types of its row, so the daemon never sees another.

use serde_json::{Number, Value as Json, json};

/// A type that a key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Text.
    Text,
    /// A number, or text that is one.
    Number,
    /// `true` or `false`.
    Bool,
    /// A list of texts or numbers; where the row lists it first, text is split into one.
    Array,
    /// An object.
    Object,
}

/// What else holds for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    None,
    /// `300M` and the like, in bytes.
    Bytes,
    /// `10s` and the like, in milliseconds; as a number at least 100.
    Duration,
    /// `fork`, `cluster`, `fork_mode` or `cluster_mode`.
    ExecMode,
    /// Not below 0.
    NotNegative,
    /// A whole number (`max` is 0 before it comes here).
    Instances,
}

/// One row of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// PM2's own name of it.
    pub(super) name: &'static str,
    /// Other names, the strongest first; the name in camel case is one besides.
    aliases: &'static [&'static str],
    types: &'static [Type],
    rule: Rule,
}

impl Key {
    const fn new(name: &'static str, types: &'static [Type]) -> Self {
        Self { name, aliases: &[], types, rule: Rule::None }
    }

    const fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// The other names, the strongest first.
    pub(super) fn other_names(&self) -> impl Iterator<Item = String> {
        let aliases = self.aliases.iter().map(|alias| (*alias).to_owned());
        aliases.chain([camel_case(self.name)])
    }
}

const TEXT: &[Type] = &[Type::Text];
const NUMBER: &[Type] = &[Type::Number];
const BOOL: &[Type] = &[Type::Bool];
const LIST: &[Type] = &[Type::Array, Type::Text];
const TEXT_OR_NUMBER: &[Type] = &[Type::Text, Type::Number];
const OBJECT: &[Type] = &[Type::Object];
const BOOL_LIST_TEXT: &[Type] = &[Type::Bool, Type::Array, Type::Text];

/// Every key of PM2's schema but the pattern `env_*`.
pub(super) const KEYS: &[Key] = &[
    Key::new("script", TEXT).or(&["exec"]),
    Key::new("name", TEXT),
    Key::new("name_prefix", TEXT),
    Key::new("filter_env", BOOL_LIST_TEXT),
    Key::new("namespace", TEXT),
    Key::new("install_url", TEXT),
    Key::new("cwd", TEXT),
    Key::new("args", LIST),
    Key::new("exec_interpreter", TEXT).or(&["interpreter"]),
    Key::new("node_args", LIST).or(&["interpreter_args", "interpreterArgs"]),
    Key::new("out_file", TEXT).or(&["out_log", "output", "out"]),
    Key::new("error_file", TEXT).or(&["err_log", "err_file", "err", "error"]),
    Key::new("log_file", &[Type::Bool, Type::Text]).or(&["log"]),
    Key::new("disable_logs", BOOL),
    Key::new("log_type", TEXT),
    Key::new("log_date_format", TEXT),
    Key::new("time", BOOL),
    // PM2 also takes text here, for its own `--env NAME`; in a file that would be a mistake.
    Key::new("env", OBJECT),
    Key::new("max_memory_restart", TEXT_OR_NUMBER).rule(Rule::Bytes),
    Key::new("pid_file", TEXT).or(&["pid"]),
    Key::new("restart_delay", NUMBER),
    Key::new("exp_backoff_restart_delay", NUMBER),
    Key::new("source_map_support", BOOL),
    Key::new("disable_source_map_support", BOOL),
    Key::new("wait_ready", BOOL),
    Key::new("instances", NUMBER).rule(Rule::Instances),
    Key::new("kill_timeout", NUMBER),
    Key::new("shutdown_with_message", BOOL),
    Key::new("listen_timeout", NUMBER),
    Key::new("cron_restart", TEXT_OR_NUMBER).or(&["cron"]),
    Key::new("merge_logs", BOOL).or(&["combine_logs"]),
    Key::new("vizion", BOOL),
    Key::new("autostart", BOOL),
    Key::new("autorestart", BOOL),
    // PM2 takes no text here; what is meant by it is clear.
    Key::new(CODES, &[Type::Array, Type::Number, Type::Text]),
    Key::new("watch_delay", NUMBER),
    Key::new("watch", BOOL_LIST_TEXT),
    Key::new("ignore_watch", LIST),
    Key::new("watch_options", OBJECT),
    Key::new("min_uptime", &[Type::Number, Type::Text]).rule(Rule::Duration),
    Key::new("max_restarts", NUMBER).rule(Rule::NotNegative),
    Key::new("execute_command", BOOL),
    Key::new("exec_mode", TEXT).rule(Rule::ExecMode),
    Key::new("force", BOOL),
    Key::new("append_env_to_name", BOOL),
    Key::new("post_update", &[Type::Array]),
    Key::new("trace", BOOL),
    Key::new("disable_trace", BOOL),
    Key::new("v8", BOOL),
    Key::new("event_loop_inspector", BOOL),
    Key::new("deep_monitoring", BOOL),
    Key::new("increment_var", TEXT),
    Key::new("instance_var", TEXT),
    Key::new("pmx", &[Type::Bool, Type::Text]),
    Key::new("automation", BOOL),
    Key::new("treekill", BOOL),
    Key::new("port", NUMBER),
    Key::new("username", TEXT),
    Key::new("uid", TEXT_OR_NUMBER).or(&["user"]),
    Key::new("gid", TEXT_OR_NUMBER),
    Key::new("windowsHide", BOOL),
    Key::new("kill_retry_time", NUMBER),
    Key::new("write", BOOL),
    Key::new("io", OBJECT),
];

/// The key whose texts are numbers.
const CODES: &str = "stop_exit_codes";

/// What `instances` takes.
const INSTANCES: &str = "a whole number or \"max\"";

/// What PM2 fills in where an app does not say.
pub(super) fn default_of(key: &str) -> Option<Json> {
    match key {
        "vizion" | "autostart" | "autorestart" | "pmx" | "automation" | "treekill"
        | "windowsHide" => Some(json!(true)),
        "instance_var" => Some(json!("NODE_APP_INSTANCE")),
        "kill_retry_time" => Some(json!(100)),
        _ => None,
    }
}

/// The variables of an environment: `env` and every `env_NAME`.
pub(super) fn is_env_key(key: &str) -> bool {
    key.strip_prefix("env_").is_some_and(|name| !name.chars().any(char::is_whitespace))
}

/// What JavaScript takes for true.
pub(super) fn is_truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(_) | Json::Object(_) => true,
    }
}

/// The value as PM2 sends it: text that is a number becomes one, text is split into a list where
/// a list comes first, sizes become bytes and durations milliseconds.
///
/// # Errors
/// What the key takes, and what the value is instead.
pub(super) fn read(key: &Key, value: &Json) -> Result<Json, String> {
    if key.types.contains(&Type::Number)
        && let Some(number) = as_number(value)
    {
        let least = match key.rule {
            Rule::Duration => 100.0,
            Rule::NotNegative | Rule::Bytes => 0.0,
            Rule::Instances => return whole(&number),
            Rule::None | Rule::ExecMode => f64::NEG_INFINITY,
        };
        if number.as_f64().is_some_and(|number| number < least) {
            return Err(format!("must be {least} or more, and is {number}"));
        }
        return Ok(Json::Number(number));
    }
    let is_allowed = match value {
        Json::String(_) => key.types.contains(&Type::Text),
        Json::Bool(_) => key.types.contains(&Type::Bool),
        Json::Array(_) => key.types.contains(&Type::Array),
        Json::Object(_) => key.types.contains(&Type::Object),
        Json::Null | Json::Number(_) => false,
    };
    if !is_allowed {
        return Err(format!("must be {}, and is {}", wanted(key), kind(value)));
    }
    match value {
        Json::String(text) => read_text(key, text),
        Json::Array(items) => read_list(key, items),
        Json::Object(variables) if key.name == "env" => {
            variables.keys().try_for_each(|name| check_variable(name))?;
            Ok(value.clone())
        }
        _ => Ok(value.clone()),
    }
}

/// Refuses a name that no environment can have.
pub(super) fn check_variable(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(format!("{name:?} is not a variable name"));
    }
    Ok(())
}

fn read_text(key: &Key, text: &str) -> Result<Json, String> {
    match key.rule {
        Rule::Bytes => unit(text, &[('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10)])
            .ok_or_else(|| format!("must be a size as 300M, 1G, 512K or bytes, and is {text:?}")),
        Rule::Duration => unit(text, &[('h', 3_600_000), ('m', 60_000), ('s', 1000)])
            .ok_or_else(|| format!("must be a time as 10s, 5m, 1h or ms, and is {text:?}")),
        Rule::ExecMode if !matches!(text, "fork" | "cluster" | "fork_mode" | "cluster_mode") => {
            Err(format!("must be fork or cluster, and is {text:?}"))
        }
        _ if key.name == CODES => {
            let words = text.split([',', ' ', '\t']).filter(|word| !word.is_empty());
            words.map(code).collect::<Result<Vec<Json>, String>>().map(Json::Array)
        }
        _ if key.types.first() == Some(&Type::Array) => Ok(json!(split_words(text))),
        _ => Ok(json!(text)),
    }
}

fn read_list(key: &Key, items: &[Json]) -> Result<Json, String> {
    if key.name == CODES {
        // God reads numbers from text itself.
        let read = |item: &Json| match item {
            Json::String(text) => code(text.trim()),
            Json::Number(_) => Ok(item.clone()),
            other => Err(format!("{} cannot stand in this list", kind(other))),
        };
        return items.iter().map(read).collect::<Result<Vec<Json>, String>>().map(Json::Array);
    }
    let takes_numbers = matches!(key.name, "args" | "node_args");
    for item in items {
        let is_allowed = match item {
            // As text, too: PM2 reads numbers from it.
            Json::String(_) => true,
            Json::Number(_) | Json::Bool(_) => takes_numbers,
            _ => false,
        };
        if !is_allowed {
            return Err(format!("{} cannot stand in this list", kind(item)));
        }
    }
    // God starts nothing with a truth value as an argument.
    let words = items.iter().map(|item| match item {
        Json::Bool(value) => json!(value.to_string()),
        other => other.clone(),
    });
    Ok(words.collect())
}

/// An exit code.
fn code(word: &str) -> Result<Json, String> {
    let code: Option<u8> = word.parse().ok();
    code.map(Json::from).ok_or_else(|| format!("{word:?} is not an exit code: 0 to 255"))
}

/// A number, or text that is one. Unlike PM2, which reads empty text and lists of one as numbers.
fn as_number(value: &Json) -> Option<Number> {
    match value {
        Json::Number(number) => Some(number.clone()),
        Json::String(text) => {
            let text = text.trim();
            match text.parse::<i64>() {
                Ok(whole) => Some(whole.into()),
                // "inf" and "nan" are numbers for Rust only.
                Err(_) if text.contains(|letter: char| letter.is_ascii_digit()) => {
                    text.parse().ok().and_then(Number::from_f64)
                }
                Err(_) => None,
            }
        }
        _ => None,
    }
}

/// The number of instances: the daemon is not to get another than a whole one.
fn whole(number: &Number) -> Result<Json, String> {
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e9);
    let float = float.ok_or_else(|| format!("must be {INSTANCES}, and is {number}"))?;
    Ok(json!(float as i64))
}

/// `<digits><unit>` in the smallest unit.
fn unit(text: &str, units: &[(char, u64)]) -> Option<Json> {
    let (digits, factor) = units
        .iter()
        .find_map(|(letter, factor)| Some((text.strip_suffix(*letter)?, *factor)))
        .unwrap_or((text, 1));
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u64 = is_number.then(|| digits.parse().ok())??;
    Some(json!(number.checked_mul(factor)?))
}

/// `exec_mode` as `execMode`.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut done, part| {
        let mut letters = part.chars();
        match letters.next() {
            Some(letter) if part.len() > 1 => {
                done.extend(letter.to_uppercase());
                done.push_str(letters.as_str());
            }
            _ => done.push_str(part),
        }
        done
    })
}

/// Splits as the pm2 CLI does: at white space, quotes hold together and go, `key="a b"` stays.
pub(super) fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = rest.split_at_checked(word_bytes(rest)).unwrap_or((rest, ""));
        let bare = ['"', '\''].into_iter().find_map(|quote| {
            let inner = word.strip_prefix(quote)?;
            // A lone quote is both the first and the last: nothing is left of it.
            if inner.is_empty() { Some(inner) } else { inner.strip_suffix(quote) }
        });
        let word = bare.unwrap_or(word);
        if !word.trim().is_empty() {
            words.push(word.to_owned());
        }
        rest = after.trim_start();
    }
    words
}

/// How long the first word of a text is that does not start with white space, bytes.
fn word_bytes(text: &str) -> usize {
    let quoted = |text: &str| {
        let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        Some(text.get(1..)?.find(quote)? + 2)
    };
    let is_stop = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '=');
    let name = text.find(is_stop).unwrap_or(text.len());
    let pair = text.get(name..).and_then(|after| after.strip_prefix('=')).and_then(quoted);
    match pair {
        Some(value) if name > 0 => name + 1 + value,
        _ => {
            let plain = || text.find(char::is_whitespace).unwrap_or(text.len());
            quoted(text).unwrap_or_else(plain)
        }
    }
}

fn wanted(key: &Key) -> String {
    if key.rule == Rule::Instances {
        return INSTANCES.to_owned();
    }
    let words = key.types.iter().map(|kind| match kind {
        Type::Text => "text",
        Type::Number => "a number",
        Type::Bool => "true or false",
        Type::Array => "a list",
        Type::Object => "an object",
    });
    words.collect::<Vec<_>>().join(" or ")
}

/// A value's type in words.
pub(super) fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
