//! `config`: the annotated defaults, what is wrong with the user's file, and where it is.

use std::io::Write;
use std::path::Path;

use super::failure::{Code, Failure};
use crate::cli::{ConfigFile, ConfigTask};
use crate::config::{self, Loaded};
use crate::daemon::{audit, hosts, offload};
use crate::protocol::text::clean;

/// Runs it.
pub(super) async fn run(what: &ConfigFile, out: &mut impl Write) -> Result<Code, Failure> {
    let Some(task) = what.task else {
        out.write_all(config::defaults().as_bytes())?;
        return Ok(Code::Fine);
    };
    let named = what.config.clone();
    let load = move || config::load(named.as_deref(), |name| std::env::var_os(name));
    let Some(loaded) = offload::look(load).await else {
        return Err(Failure::condition(
            "the configuration cannot be read: its disk does not answer",
        ));
    };
    let Some(path) = &loaded.path else {
        return Err(Failure::condition(
            "there is no place for a configuration: neither XDG_CONFIG_HOME nor HOME is set",
        ));
    };
    let said = said(path);
    match task {
        ConfigTask::Path => writeln!(out, "{said}")?,
        ConfigTask::Check if !loaded.is_there => {
            writeln!(out, "{said}: there is no such file; the defaults count")?;
        }
        ConfigTask::Check => {
            let unwritten = unwritten(&loaded).await;
            if loaded.findings.is_empty() && unwritten.is_none() {
                writeln!(out, "{said}: fine")?;
                note_missing(&loaded, out).await?;
                return Ok(Code::Fine);
            }
            for finding in &loaded.findings {
                let place = finding.line.map_or_else(String::new, |line| format!(":{line}"));
                writeln!(out, "{said}{place}: {}", finding.text)?;
            }
            if let Some(why) = unwritten {
                writeln!(out, "{said}: audit: {why}")?;
            }
            note_missing(&loaded, out).await?;
            return Ok(Code::Condition);
        }
    }
    Ok(Code::Fine)
}

/// Why nothing can be written into the audit file, where one is wanted and that is so.
async fn unwritten(loaded: &Loaded) -> Option<String> {
    let path = loaded.config.settings.audit.clone()?;
    let named = path.clone();
    match offload::look(move || audit::probe(&named)).await {
        Some(Ok(())) => None,
        Some(Err(error)) => Some(audit::not_written(&path, &error)),
        None => Some("its disk does not answer".to_owned()),
    }
}

/// Names the homes of `production` that are not there, and its hosts that this machine is not. A file may be for several machines: that is no
/// mistake.
async fn note_missing(loaded: &Loaded, out: &mut impl Write) -> Result<(), Failure> {
    let places = loaded.config.settings.production.clone();
    let missing = offload::look(move || config::missing(&places)).await.unwrap_or_default();
    for place in missing {
        let why = config::NO_FOLDER;
        writeln!(out, "note: production: {}: {why}", clean(&place))?;
    }
    let mut places = loaded.config.settings.production.clone();
    places.retain(|place| !place.starts_with('/'));
    let others = move || {
        places.retain(|place| !hosts::is_this_host(place));
        places
    };
    for place in offload::look(others).await.unwrap_or_default() {
        let why = config::OTHER_HOST;
        writeln!(out, "note: production: {}: {why}", clean(&place))?;
    }
    Ok(())
}

fn said(path: &Path) -> String {
    clean(&path.to_string_lossy()).into_owned()
}
