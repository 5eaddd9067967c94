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
use crate::daemon::lives::{self, Ground};
use crate::daemon::{files, offload};
use crate::model::death::{BlackBox, Death, document, words};
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
    let ground = ground(context).await;
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
            tell(context, info, &black_box, (deaths_max, writers), out)?;
            all.push(Json::Null);
        }
    }
    if what.json {
        output::json(&Json::Array(all), context.json_style(), out)?;
    }
    Ok(Code::Fine)
}

/// The end of the daemon's own log, and what else is the same for all.
pub(super) async fn ground(context: &Context) -> Result<Arc<Ground>, String> {
    let tail = read(context.endpoint.home.join("pm2.log"), CONSOLE_BYTES_MAX).await?;
    let (console, offset_s) =
        (String::from_utf8_lossy(&tail.bytes).into_owned(), context.utc_offset_s);
    let looking = offload::blocking(READ_MAX, move || Ground::of(console, offset_s));
    looking.await.map(Arc::new).ok_or_else(|| NO_ANSWER.to_owned())
}

/// How the last lives of a process ended.
pub(super) async fn look(info: &ProcessInfo, ground: &Arc<Ground>) -> Result<BlackBox, Failure> {
    let (info, ground) = (info.clone(), Arc::clone(ground));
    let looking = offload::blocking(READ_MAX, move || lives::of(&info, &ground));
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
    (deaths_max, writers): (usize, usize),
    out: &mut impl Write,
) -> Result<(), Failure> {
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
        if index == 0 && !death.words.is_empty() {
            line(&format!("  {}:", words::last_lines(death, writers)))?;
            for words in &death.words {
                line(&format!("    {words}"))?;
            }
        }
    }
    let more = black_box.lives().len().saturating_sub(deaths_max);
    if more > 0 {
        line(&format!("  and {more} more before that (--lives {})", deaths_max + more))?;
    }
    Ok(())
}

/// When it ended, in local time.
fn time(death: &Death, utc_offset_s: i32) -> String {
    let clock = units::clock(death.ended_ms, utc_offset_s, Clock::Seconds);
    format!("{} {clock}", units::day(death.ended_ms, utc_offset_s))
}
