//! `top`: the table repeatedly, highest CPU first, for scripts and logs.
//!
//! Invariant: a table is printed whole, and said to be of one moment.

use std::io::Write;

use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep_until};

use super::ends::Ends;
use super::failure::{Code, Failure};
use super::figures::Figures;
use super::list::{Env, as_json};
use super::{Context, output, table};
use crate::cli::Top;
use crate::daemon::clock::now_ms;
use crate::model::fleet::Process;
use crate::model::rows::{Field, Sort};
use crate::model::units::{self, Clock};

/// Prints tables.
pub(super) async fn run(
    context: &Context,
    what: &Top,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let query = table::query(&what.which, Sort::by(Field::Cpu))?;
    let fields = table::fields(&what.shown)?;
    let client = context.connect().await?;
    let figures = Figures::begin(&client, what.figures.ask_pm2).await;
    let mut figures = figures.wanting(table::wants(&fields, &query))?;
    let mut seen = table::Seen::default();
    let mut ends = Ends::default();
    let mut printed = 0;
    figures.ready().await;
    let mut next = Instant::now();
    loop {
        seen.look(context, &client, &mut figures).await?;
        ends.look_up(context, &mut seen, Some(&*fields).filter(|_| !what.json)).await?;
        let at_ms = now_ms();
        let processes = seen.rows(&query);
        if processes.is_empty()
            && printed == 0
            && let Some(hint) = seen.hint(&query)
        {
            output::complain(&output::printable(&hint, context.is_ascii));
        }
        if what.json {
            let each = processes.iter();
            let list: Vec<Json> = each.map(|process| as_json(process, None, Env::None)).collect();
            let style = output::JsonStyle { is_pretty: false, ..context.json_style() };
            output::json(&json!({ "at": at_ms, "processes": list }), style, out)?;
        } else {
            if printed > 0 {
                writeln!(out)?;
            }
            writeln!(out, "{}", heading(&processes, at_ms, context.utc_offset_s))?;
            table::print(context, &processes, &fields, out)?;
        }
        out.flush()?;
        printed += 1;
        if what.count.is_some_and(|count| printed >= count) {
            client.disconnect().await;
            return Ok(Code::Fine);
        }
        // From table to table, however long the daemon takes to answer.
        next = (next + what.interval).max(Instant::now());
        sleep_until(next).await;
    }
}

/// `12:03:01  5 processes, 4 online, cpu 12.3%, mem 300.1 MiB`.
fn heading(processes: &[&Process], at_ms: i64, utc_offset_s: i32) -> String {
    let online = processes.iter().filter(|process| process.is_online());
    let cpu: f64 = online.clone().filter_map(|process| process.figures.cpu_percent()).sum();
    let memory: u64 = online.clone().filter_map(|process| process.figures.memory_bytes()).sum();
    format!(
        "{}  {}, {} online, cpu {}, mem {}",
        units::clock(at_ms, utc_offset_s, Clock::Seconds),
        output::processes(processes.len()),
        online.count(),
        units::percent(cpu),
        units::bytes(memory),
    )
}
