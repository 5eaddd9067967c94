//! `bundle`: what an incident needs, in one file.
//!
//! Invariant: only looks; a file that is there is replaced only after a yes.

use std::io::Write;
use std::path::PathBuf;

use super::failure::{Code, Failure};
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
    let looked = path.clone();
    let looking = offload::look(move || bundle::is_there(&looked));
    let is_there = looking.await.ok_or_else(|| Failure::condition(NO_ANSWER))?;
    if is_there {
        ask::require(context, &format!("bundle -o {}", clean(&path.to_string_lossy())))?;
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
    let order = Order { path, may_replace: is_there, material, listed: Some(listed), home };
    let writing =
        offload::blocking(WRITE_MAX, move || bundle::write(order, &Unfinished::default()));
    let written = writing.await.ok_or_else(|| Failure::condition(NO_ANSWER))?;
    let written = written.map_err(Failure::condition)?;
    writeln!(out, "{}", output::printable(&written.words(), context.is_ascii))?;
    Ok(Code::Fine)
}
