//! `describe`: all that is known of processes.
//!
//! Invariant: no value of an environment is printed unless `--env-values` asks for it; what the machine
//! adds (sizes of log files, how it last ended) is only what can be looked at here.

use std::collections::HashMap;
use std::io::Write;

use serde_json::Value as Json;
use unicode_width::UnicodeWidthStr;

use super::failure::{Code, Failure};
use super::figures::Figures;
use super::{Context, output, targets, why};
use crate::cli::Describe;
use crate::daemon::beside::{self, Beside};
use crate::daemon::calls::named::Listing;
use crate::daemon::{clock, offload};
use crate::model::death::BlackBox;
use crate::model::details::{Details, Seen};
use crate::model::looping::looks_looping;
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// The columns that labels take at least, and at most.
const LABEL_MIN: usize = 24;
const LABEL_MAX: usize = 40;

/// Describes the processes of some targets.
pub(super) async fn run(
    context: &Context,
    what: &Describe,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let client = context.connect().await?;
    let mut figures = Figures::begin(&client, what.figures.ask_pm2).await;
    figures.ready().await;
    let mut listing = client.listing().await.map_err(|error| context.failure(error))?;
    figures.fill(&mut listing.infos).await;
    let god = client.god().await;
    let version = client.version().await.ok().flatten();
    client.disconnect().await;
    let is_here = god.is_some();
    let infos = targets::resolve(&what.targets, &listing.infos)?;
    let ground = if is_here { why::ground(context, &listing.infos).await.ok() } else { None };
    let sizes = if is_here { sizes(&infos).await } else { HashMap::new() };
    let around = Around { beside: beside(context, god, &listing).await, version, sizes };
    let mut all = Vec::new();
    for (place, info) in infos.iter().enumerate() {
        let black_box = match &ground {
            Some(ground) => why::look(info, ground).await.ok(),
            None => None,
        };
        let details = details(context, &listing, info, black_box.as_ref(), &around);
        if what.json {
            all.push(details.to_json(what.env_values));
            continue;
        }
        if place > 0 {
            writeln!(out)?;
        }
        tell(context, info, &details, what.env_values, out)?;
    }
    if what.json {
        output::json(&Json::Array(all), context.json_style(), out)?;
    }
    Ok(Code::Fine)
}

/// What is known beside what the daemon says of its processes.
struct Around {
    beside: Beside,
    /// PM2's version.
    version: Option<String>,
    /// How large log files are.
    sizes: HashMap<String, u64>,
}

/// What this machine tells of a daemon that runs here.
async fn beside(context: &Context, god: Option<u32>, listing: &Listing) -> Beside {
    let Some(god) = god else { return Beside::default() };
    let (home, listed) = (context.endpoint.home.clone(), listing.raw.clone());
    let looking = offload::look(move || beside::look(god, &home, &listed));
    looking.await.unwrap_or_default()
}

fn details(
    context: &Context,
    listing: &Listing,
    info: &ProcessInfo,
    black_box: Option<&BlackBox>,
    around: &Around,
) -> Details {
    let size_of = |path: &str| around.sizes.get(path).copied();
    let Beside { zone, saved } = &around.beside;
    let seen = Seen {
        now_ms: clock::now_ms(),
        up_ms: None,
        utc_offset_s: context.utc_offset_s,
        black_box,
        is_looping: looks_looping(info, clock::now_ms()),
        saved: saved.as_ref().and_then(|saved| saved.standing(info.pm_id)),
        size_of: &size_of,
        // One look shows no growth.
        growth_of: &|_| None,
        clock: zone.as_ref().zip(around.version.as_deref()),
    };
    Details::of(info, listing.raw_of(info).unwrap_or(&Json::Null), &seen)
}

/// How large the log files are; nothing of those that cannot be looked at.
async fn sizes(infos: &[ProcessInfo]) -> HashMap<String, u64> {
    let logs = infos.iter().flat_map(|info| [&info.logs.out, &info.logs.err, &info.logs.both]);
    let paths: Vec<String> = logs.flatten().map(ToString::to_string).collect();
    let looking = offload::look(move || {
        let size = |path: &String| {
            let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
            Some((path.clone(), about.len()))
        };
        paths.iter().filter_map(size).collect()
    });
    looking.await.unwrap_or_default()
}

/// Prints the sections, labels and values each under one another.
fn tell(
    context: &Context,
    info: &ProcessInfo,
    details: &Details,
    with_values: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    writeln!(out, "{}", output::printable(&targets::label(info), context.is_ascii))?;
    for section in &details.sections {
        let entries = section.entries.iter();
        let entries = entries.map(|entry| (entry.label.to_owned(), entry.text.clone()));
        pairs(context, section.title, entries.collect(), out)?;
    }
    let metrics = details.metrics.iter();
    let metrics = metrics.map(|metric| (metric.name.to_string(), metric.text()));
    pairs(context, "Metrics", metrics.collect(), out)?;
    let actions = details.actions.iter();
    let actions = actions.map(|action| (clean(&action.name).into(), action.comment.to_string()));
    pairs(context, "Actions", actions.collect(), out)?;
    let variables = details.environment.iter().map(|variable| {
        let value = if with_values { variable.value.reveal() } else { String::new() };
        (variable.name.to_string(), value)
    });
    let title =
        if with_values { "Environment" } else { "Environment (--env-values shows its values)" };
    pairs(context, title, variables.collect(), out)
}

/// Prints a section; nothing of an empty one.
fn pairs(
    context: &Context,
    title: &str,
    pairs: Vec<(String, String)>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if pairs.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {title}")?;
    let widths = pairs.iter().map(|(label, _)| label.width());
    let width = widths.max().unwrap_or(0).clamp(LABEL_MIN, LABEL_MAX);
    for (label, text) in pairs {
        let blanks = " ".repeat(width.saturating_sub(label.width()));
        let line = format!("    {label}{blanks}  {text}");
        writeln!(out, "{}", output::printable(line.trim_end(), context.is_ascii))?;
    }
    Ok(())
}
