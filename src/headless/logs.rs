//! `logs`: what processes have logged, in the order of time, and then what they log.
//!
//! Invariant: a line of history and of the bus is printed once, whatever is being written meanwhile
//! (`live`); bytes are printed as they are only with `--raw`.

mod filter;
mod live;
mod print;
mod source;

use std::io::Write;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::Instant;

use self::filter::Filter;
use self::print::Printer;
use self::source::Source;
use super::failure::{Code, Failure};
use super::{Context, act, output, targets};
use crate::cli::Logs;
use crate::client::{Bus, Queued};
use crate::daemon::clock::now_ms;
use crate::daemon::history::Line;

/// How many lines are shown, if nobody says how many.
const LINES: usize = 100;
/// How long after that the end of a file of several processes is looked for: a busy cluster worker
/// writes later than God publishes. What comes on the bus meanwhile is compared with the file.
const SHARED_WAIT: Duration = Duration::from_millis(500);
/// How long the bus may take to be connected.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Prints logs.
pub(super) async fn run(
    context: &Context,
    what: &Logs,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let filter = Filter::of(what, now_ms(), context.utc_offset_s)?;
    let client = context.connect().await?;
    let processes = act::fleet(context, &client).await?;
    client.disconnect().await;
    let words = if what.targets.is_empty() { vec!["all".to_owned()] } else { what.targets.clone() };
    let infos = targets::resolve(&words, &processes)?;
    let mut sources = source::of(&infos, what, context);
    let mut printer = Printer::new(context, what, &sources, out);
    if !context.endpoint.is_local() {
        output::complain(
            "no history: the log files of this daemon are not on this machine, as far as is known",
        );
        sources.iter_mut().for_each(Source::close);
    }
    // Listening begins before the files are read, so that nothing is written in between.
    let mut bus = None;
    if what.follow {
        sources.iter_mut().for_each(Source::measure);
        let mut listening = Bus::subscribe(&context.endpoint, &["log:*"])?.undecoded();
        connected(&mut listening, context).await?;
        bus = Some(listening);
        if sources.iter().any(|source| source.file.is_shared()) {
            tokio::time::sleep(SHARED_WAIT).await;
        }
        sources.iter_mut().for_each(Source::measure_after);
    }
    let lines_max = what.lines.map_or_else(
        || if filter.has_since() { usize::MAX } else { LINES },
        |lines| usize::try_from(lines).unwrap_or(usize::MAX),
    );
    let (history, sources) = history(sources, filter.clone(), lines_max).await?;
    for (index, line) in &history {
        printer.print(*index, line)?;
    }
    match bus {
        Some(bus) => live::follow(bus, sources, &infos, &filter, &mut printer).await,
        // As grep.
        None if history.is_empty() && what.grep.is_some() => Ok(Code::Condition),
        None => Ok(Code::Fine),
    }
}

/// Waits until the bus is connected.
async fn connected(
    bus: &mut (impl futures_util::Stream<Item = Queued> + Unpin),
    context: &Context,
) -> Result<(), Failure> {
    let deadline = Instant::now() + CONNECT_MAX;
    match tokio::time::timeout_at(deadline, bus.next()).await {
        Ok(Some(Queued::Connected)) => Ok(()),
        Ok(Some(Queued::Reconnecting { problem, .. })) => {
            Err(context.failure(crate::client::ClientError::NotRunning(problem)))
        }
        _ => Err(Failure::Said(Code::Timeout, "the bus was not connected in time".to_owned())),
    }
}

/// The last lines of all sources, oldest first, each with the index of its source. Reads on a thread
/// that may take its time.
async fn history(
    sources: Vec<Source>,
    filter: Filter,
    lines_max: usize,
) -> Result<(Vec<(usize, Line)>, Vec<Source>), Failure> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut sources = sources;
        let lines = merged(&mut sources, &filter, lines_max);
        (lines, sources)
    });
    reading.await.map_err(|error| Failure::condition(error.to_string()))
}

/// Takes the newest of the next lines of all files again and again.
fn merged(sources: &mut [Source], filter: &Filter, lines_max: usize) -> Vec<(usize, Line)> {
    let mut files: Vec<_> = sources.iter_mut().map(Source::backwards).collect();
    let mut heads: Vec<Option<Line>> =
        files.iter_mut().map(|file| file.as_mut().and_then(|file| file.fitting(filter))).collect();
    let mut lines = Vec::new();
    while lines.len() < lines_max {
        let newest = heads
            .iter()
            .enumerate()
            .filter_map(|(index, head)| Some((head.as_ref()?.at_ms, index)))
            .max();
        let Some((_, index)) = newest else { break };
        let (Some(head), Some(Some(file))) = (heads.get_mut(index), files.get_mut(index)) else {
            break;
        };
        if let Some(line) = std::mem::replace(head, file.fitting(filter)) {
            lines.push((index, line));
        }
    }
    lines.reverse();
    lines
}
