//! `why`: how the last lives of a process ended, made up from what is left of them: the daemon's own
//! log, the process's error log, and PM2's figures.
//!
//! Invariant: only looks; what is not known for certain says so.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::failure::{Code, Failure};
use super::{Context, act, output, table, targets};
use crate::cli::Why;
use crate::daemon::ends::{self, Ground};
use crate::daemon::{files, offload};
use crate::model::death::{BlackBox, Death, document, shown, words};
use crate::model::units::{self, Clock};
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// How much is read of the end of `pm2.log`, bytes.
const CONSOLE_BYTES_MAX: u64 = 4 << 20;
/// How long reading a file may take: it may be on a disk that hangs.
const READ_MAX: Duration = Duration::from_secs(5);
/// Said of a file that is not read in that time.
const NO_ANSWER: &str = "the disk with the log files does not answer";
/// How many deaths are told, if nobody says how many.
const DEATHS_SHOWN: usize = 5;

/// Tells why processes died.
pub(super) async fn run(
    context: &Context,
    what: &Why,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let client = context.connect().await?;
    let processes = act::fleet(context, &client).await?;
    client.disconnect().await;
    let infos = targets::resolve(&what.targets, &processes)?;
    let ground = ground(context, &processes).await;
    if let Err(why) = &ground {
        let path = context.endpoint.home.join("pm2.log");
        output::complain(&format!("cannot read {}: {why}", clean(&path.to_string_lossy())));
    }
    let ground = ground.unwrap_or_default();
    let deaths_max = what.lives.map_or(DEATHS_SHOWN, |lives| lives as usize);
    let mut all = Vec::new();
    for info in &infos {
        let black_box = look(info, &ground).await?;
        let writers = words::writers(info, processes.iter());
        if what.json {
            all.push(document::process(info, &black_box, (deaths_max, writers)));
        } else {
            if !all.is_empty() {
                writeln!(out)?;
            }
            tell(context, info, &black_box, (what, writers), out)?;
            all.push(Json::Null);
        }
    }
    if what.json {
        output::json(&Json::Array(all), context.json_style(), out)?;
    }
    Ok(Code::Fine)
}

/// The end of the daemon's own log, and what else is the same for all.
/// Where PM2 lists these.
pub(super) async fn ground(
    context: &Context,
    processes: &[ProcessInfo],
) -> Result<Arc<Ground>, String> {
    let tail = read(context.endpoint.home.join("pm2.log"), CONSOLE_BYTES_MAX).await?;
    let (console, offset_s) =
        (String::from_utf8_lossy(&tail.bytes).into_owned(), context.utc_offset_s);
    let listed = ends::listed(processes);
    let looking = offload::blocking(READ_MAX, move || Ground::of(console, offset_s, listed));
    looking.await.map(Arc::new).ok_or_else(|| NO_ANSWER.to_owned())
}

/// How the last lives of a process ended.
pub(super) async fn look(info: &ProcessInfo, ground: &Arc<Ground>) -> Result<BlackBox, Failure> {
    let (info, ground) = (info.clone(), Arc::clone(ground));
    let looking = offload::blocking(READ_MAX, move || ends::of(&info, &ground));
    looking.await.ok_or_else(|| Failure::condition(NO_ANSWER))
}

/// Reads the end of a file, on a thread where it may take its time.
async fn read(path: PathBuf, bytes_max: u64) -> Result<files::Tail, String> {
    let reading = offload::blocking(READ_MAX, move || files::tail(&path, bytes_max));
    reading.await.ok_or_else(|| NO_ANSWER.to_owned())?.map_err(|error| error.to_string())
}

fn tell(
    context: &Context,
    info: &ProcessInfo,
    black_box: &BlackBox,
    (what, writers): (&Why, usize),
    out: &mut impl Write,
) -> Result<(), Failure> {
    let deaths_max = what.lives.map_or(DEATHS_SHOWN, |lives| lives as usize);
    let mut line = |text: &str| -> Result<(), Failure> {
        writeln!(out, "{}", output::printable(text.trim_end(), context.is_ascii))?;
        Ok(())
    };
    let status = table::status(info);
    line(&format!("{}  {status}", targets::label(info)))?;
    if let Some(why) = black_box.not_started() {
        line(&format!("  could not be started: {why}"))?;
    }
    if black_box.lives().is_empty() {
        return line("  no exit is on record");
    }
    let lives = black_box.lives().iter().enumerate().rev();
    for (index, (place, death)) in lives.take(deaths_max).enumerate() {
        let at = time(death, context.utc_offset_s);
        line(&format!("  {at}  {} ({})", words::sentence(death), words::sure(death)))?;
        let facts = words::facts(death, black_box.next_began(place, info.runs_since_ms()));
        if !facts.is_empty() {
            line(&format!("  {:19}  {}", "", facts.join("; ")))?;
        }
        // Unasked, of the newest only: it is what is wanted most.
        if index > 0 && what.lives.is_none() {
            continue;
        }
        if let Some(text) = words::untold(death) {
            line(&format!("  {text}"))?;
        }
        if !death.words.is_empty() {
            line(&format!("  {}:", words::last_lines(death, writers)))?;
            for words in &death.words {
                line(&format!("    {}", shown(words)))?;
            }
        }
    }
    more(info, black_box, deaths_max).map_or(Ok(()), |text| line(&format!("  {text}")))
}

/// What there is beside the ends that are told, and where that is not all.
fn more(info: &ProcessInfo, black_box: &BlackBox, deaths_max: usize) -> Option<String> {
    let kept = black_box.lives().len();
    let counted = match info.restarts {
        restarts if restarts as usize > kept => format!("; PM2 counts {restarts} restarts"),
        _ => String::new(),
    };
    match (kept.saturating_sub(deaths_max), black_box.is_cut()) {
        (0, false) => None,
        (0, true) => Some(format!("only the last {kept} are told{counted}")),
        (more, false) => Some(format!("and {more} more before that (--lives {kept})")),
        (more, true) => {
            Some(format!("and {more} more of the last {kept} (--lives {kept}){counted}"))
        }
    }
}

/// When it ended, in local time.
fn time(death: &Death, utc_offset_s: i32) -> String {
    let clock = units::clock(death.ended_ms, utc_offset_s, Clock::Seconds);
    format!("{} {clock}", units::day(death.ended_ms, utc_offset_s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::death::after::{Left, reconstruct};
    use crate::protocol::process::{PmId, ProcessStatus};

    #[test]
    fn what_is_cut_at_the_bound_says_so() {
        let told = |ends: u32, restarts, deaths_max| {
            let end = |n| {
                format!(
                    "2026-11-28T03:12:{n:02}: PM2 log: App [late:3] exited with code [1] via signal [SIGINT]\n"
                )
            };
            let console: String = (0..ends).map(end).collect();
            let new = ProcessInfo::new(PmId(3), "late", ProcessStatus::Online);
            let info = ProcessInfo { restarts, ..new };
            let (opening, errors, calm_since_ms) = (None, None, None);
            let left = Left {
                listed: &[],
                log_since_ms: None,
                opening,
                info: &info,
                console: &console,
                errors,
                calm_since_ms,
                utc_offset_s: 0,
            };
            more(&info, &reconstruct(&left), deaths_max)
        };
        assert_eq!(told(3, 3, 5), None);
        assert_eq!(told(20, 20, 20), None);
        assert_eq!(told(20, 20, 2).unwrap(), "and 18 more before that (--lives 20)");
        let cut = "and 18 more of the last 20 (--lives 20)";
        assert_eq!(told(44, 99, 2).unwrap(), format!("{cut}; PM2 counts 99 restarts"));
        // It was set back, or stopped and started.
        assert_eq!(told(44, 0, 2).unwrap(), cut);
        let all = "only the last 20 are told; PM2 counts 99 restarts";
        assert_eq!(told(44, 99, 20).unwrap(), all);
    }
}
