//! What is run: script, arguments, interpreter, folder, mode, user, and where the code comes from.

use serde_json::{Value as Json, json};

use super::{Entries, Section, Source, Tone, one_line};
use crate::protocol::redact::without_login;
use crate::protocol::shell;

/// What is run, and how.
pub(super) fn program(source: &Source<'_>) -> Section {
    let mut entries = Entries::default();
    entries.field(source, "pm_exec_path", "script");
    words(source, "args", "args", &mut entries);
    entries.field(source, "pm_cwd", "cwd");
    entries.field(source, "exec_interpreter", "interpreter");
    words(source, "node_args", "interpreter args", &mut entries);
    let mode = source.info.exec_mode.as_str();
    entries.push("exec_mode", "mode", mode, json!(mode));
    let instance = source.field("instance_var").and_then(Json::as_str);
    let instance = source.field(instance.unwrap_or("NODE_APP_INSTANCE")).filter(is_plain);
    if let Some(instance) = instance {
        entries.push("instance", "instance", one_line(instance), instance.clone());
    }
    entries.field(source, "increment_var", "increment var");
    entries.field(source, "username", "user");
    entries.field(source, "uid", "uid");
    entries.field(source, "gid", "gid");
    entries.field(source, "node_version", "Node.js");
    // `pm2 show` says it too, and it is no secret.
    let node_env = source.env.get("env").and_then(|env| env.get("NODE_ENV")).filter(is_plain);
    if let Some(node_env) = node_env {
        entries.push("node_env", "NODE_ENV", one_line(node_env), node_env.clone());
    }
    entries.field(source, "_pm2_version", "started by PM2");
    entries.into_section("program", "Program")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what Option::filter hands over")]
fn is_plain(value: &&Json) -> bool {
    value.is_string() || value.is_number()
}

/// Arguments: one text, or a list, each quoted as a shell would want it.
fn words(source: &Source<'_>, key: &'static str, label: &'static str, entries: &mut Entries) {
    let Some(value) = source.field(key) else { return };
    let text = match value {
        Json::Array(items) => {
            let words = items.iter().map(|item| shell::word(&one_line(item)).into_owned());
            words.collect::<Vec<_>>().join(" ")
        }
        other => one_line(other),
    };
    entries.push(key, label, text, value.clone());
}

/// The repository that the script lies in, as PM2 found it when it started the process.
pub(super) fn versioning(source: &Source<'_>) -> Section {
    let mut entries = Entries::default();
    let Some(versioning) = source.field("versioning").and_then(Json::as_object) else {
        return entries.into_section("versioning", "Version control");
    };
    let mut text = |key: &'static str, label: &'static str| {
        let Some(value) = versioning.get(key).filter(|it| super::says_something(it)) else {
            return;
        };
        let shown = without_login(&one_line(value)).trim().to_owned();
        if !shown.is_empty() {
            let data =
                value.as_str().map_or_else(|| value.clone(), |url| json!(without_login(url)));
            entries.push(key, label, shown, data);
        }
    };
    text("type", "kind");
    text("branch", "branch");
    text("revision", "revision");
    text("comment", "comment");
    text("url", "remote");
    text("repo_path", "root");
    text("update_time", "looked at");
    if versioning.get("unstaged").and_then(Json::as_bool) == Some(true) {
        let text = "yes, not all changes are committed";
        entries.toned("unstaged", "changed", text, json!(true), Tone::Warning);
    }
    entries.into_section("versioning", "Version control")
}
