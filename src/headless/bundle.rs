//! `bundle`: what an incident needs, in one file.
//!
//! Invariant: only looks; a file that is there is replaced only after a yes.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use super::failure::{Code, Failure};
use super::stop::Stop;
use super::{Context, ask, output, targets};
use crate::cli::Bundle;
use crate::daemon::bundle::{self, NO_ANSWER, Order, Unfinished, WRITE_MAX};
use crate::daemon::clock::now_ms;
use crate::daemon::{hosts, offload};
use crate::model::bundle::Material;
use crate::model::moment::Moment;
use crate::protocol::text::clean;

/// Writes a bundle.
pub(super) async fn run(
    context: &Context,
    what: &Bundle,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let mut material = Material {
        label: hosts::here(),
        home: context.home(),
        at: Moment::at(now_ms()),
        utc_offset_s: context.utc_offset_s,
        ..Material::default()
    };
    let path = what.output.clone().unwrap_or_else(|| PathBuf::from(material.file_name()));
    // A name that nobody chose is free, or gets a number.
    let is_there = match what.output.clone() {
        Some(path) => {
            let looking = offload::look(move || bundle::is_there(&path));
            looking.await.ok_or_else(|| Failure::condition(NO_ANSWER))?
        }
        None => false,
    };
    if is_there {
        let shown = path.to_string_lossy();
        let shown = clean(&shown);
        let why = format!("{shown} is there and would be replaced: ");
        ask::require_because(context, &format!("bundle -o {shown}"), &why)?;
    }
    let client = context.connect().await?;
    material.version = client.version().await.ok().flatten().map(Into::into);
    let listing = client.listing().await.map_err(|error| context.failure(error))?;
    client.disconnect().await;
    for warning in &listing.warnings {
        output::complain(&clean(warning));
    }
    let mut listed = listing.raw;
    material.processes = if what.targets.is_empty() {
        listing.infos
    } else {
        let infos = targets::resolve(&what.targets, &listing.infos)?;
        let is_meant = |id: Option<u64>| infos.iter().any(|info| Some(info.pm_id.0.into()) == id);
        listed.retain(|process| is_meant(process.get("pm_id").and_then(serde_json::Value::as_u64)));
        infos
    };
    if is_there {
        ask::confirm(context, &format!("replace {}?", clean(&path.to_string_lossy())))?;
    }
    let home = context.endpoint.is_local().then(|| context.endpoint.home.clone());
    let may_number = what.output.is_none();
    let listed = Some(listed);
    let order = Order { path, may_replace: is_there, may_number, material, listed, home };
    let stop = Stop::listen(false)
        .map_err(|error| Failure::condition(format!("cannot listen to signals: {error}")))?;
    let unfinished = Arc::new(Unfinished::default());
    let parts = Arc::clone(&unfinished);
    let writing = offload::blocking(WRITE_MAX, move || bundle::write(order, &parts));
    let written = match unless_stopped(writing, unfinished, stop).await {
        Ok(written) => written.ok_or_else(|| Failure::condition(NO_ANSWER))?,
        Err(code) => return Ok(code),
    };
    let written = written.map_err(Failure::condition)?;
    writeln!(out, "{}", output::printable(&written.words(), context.is_ascii))?;
    Ok(Code::Fine)
}

/// Waits for its end, or until somebody asks the program to end: what is not finished is removed then.
async fn unless_stopped<T>(
    writing: impl Future<Output = T>,
    unfinished: Arc<Unfinished>,
    mut stop: Stop,
) -> Result<T, Code> {
    tokio::select! {
        written = writing => Ok(written),
        code = stop.asked(1) => {
            offload::look(move || unfinished.remove()).await;
            Err(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_leaves_no_part_behind() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join(".x.tar.gz.abc.part");
        std::fs::write(&part, "half").unwrap();
        let unfinished = Arc::new(Unfinished::default());
        assert!(unfinished.begin(&part));
        let writing = std::future::pending::<()>();
        let ended = unless_stopped(writing, Arc::clone(&unfinished), Stop::after(1)).await;
        assert_eq!((ended, part.exists()), (Err(Code::Interrupt), false));
        assert!(!unfinished.begin(&part), "nothing more begins");
    }
}
