//! The table of `ls` and `top`: which processes, in which order.
//!
//! Invariant: filter and order are read before the daemon is asked; what PM2 does not measure is `-`,
//! never 0.

use std::io::Write;

use crate::cli::{Shown, Which};
use crate::client::Client;
use crate::daemon::clock::now_ms;
use crate::daemon::hosts;
use crate::daemon::measure::{Besides, Wants};
use crate::model::fleet::{Fleet, Process, blinding};
use crate::model::moment::Moment;
use crate::model::rows::columns::{COLUMNS, DEFAULT, Row, WIDE};
use crate::model::rows::{Field, Filter, Query, Rows, Sort};
use crate::model::{DaemonId, ProcessKey};
use crate::protocol::process::{PmId, ProcessInfo, Snapshot};
use crate::protocol::text::clean;

use super::failure::Failure;
use super::figures::Figures;
use super::output::{self, Align};
use super::{Context, targets};

/// The daemon, which is the only one.
const DAEMON: DaemonId = DaemonId(0);

/// Reads what is asked for.
pub(super) fn query(which: &Which, by_itself: Sort) -> Result<Query, Failure> {
    let wrong = |what: &str, why: String| Failure::usage(clean(&format!("{what}: {why}")));
    let filter = which.filter.as_deref().map(Filter::parse).transpose();
    let filter = filter.map_err(|why| wrong("--filter", why.to_string()))?.flatten();
    let sort = which.sort.as_deref().map(Sort::parse).transpose();
    let sort = sort.map_err(|why| wrong("--sort", why))?.unwrap_or(by_itself);
    if sort.field.needs_watching() {
        return Err(wrong("--sort", only_watched(sort.field)));
    }
    Ok(Query { filter, only_unwell: false, sort })
}

/// Whether a table without a screen can have the column: there is one daemon, nothing is drawn, and
/// nothing is watched.
fn is_printed(field: Field) -> bool {
    !matches!(field, Field::Daemon | Field::Chart) && !field.needs_watching()
}

/// Why a column is on the screen alone.
fn only_watched(field: Field) -> String {
    format!("{} is known only of what is watched for minutes: on the screen", field.word())
}

/// What the columns and the order need beside what PM2 says.
pub(super) fn wants(fields: &[Field], query: &Query) -> Wants {
    let has = |field: Field| fields.contains(&field) || query.sort.field == field;
    Wants { trees: has(Field::CpuTree) || has(Field::MemoryTree), ports: has(Field::Ports) }
}

/// Whether a table with these columns tells of CPU or memory, or goes by them.
pub(super) fn is_measured(which: &Which, fields: &[Field]) -> bool {
    let tells =
        |field: &Field| matches!(field, Field::Cpu | Field::Memory) || field.needs_machine();
    which.filter.is_some() || which.sort.is_some() || fields.iter().any(tells)
}

/// The columns that are asked for.
pub(super) fn fields(shown: &Shown) -> Result<Vec<Field>, Failure> {
    let by_itself = DEFAULT.into_iter().filter(|field| *field != Field::Limit);
    let by_itself = by_itself.filter(|field| is_printed(*field));
    if shown.columns.is_empty() {
        let more = WIDE
            .into_iter()
            .filter(|field| shown.wide && is_printed(*field) && !field.needs_machine());
        return Ok(by_itself.chain(more).collect());
    }
    let named = |word: &String| {
        let field = Field::of(word.trim());
        if let Some(field) = field.filter(|field| field.needs_watching()) {
            return Err(Failure::usage(format!("--columns: {}", only_watched(field))));
        }
        field.filter(|field| is_printed(*field)).ok_or_else(|| {
            let all = COLUMNS.iter().filter(|column| is_printed(column.field));
            let all: Vec<&str> = all.map(|column| column.name).collect();
            let why = format!(
                "--columns: there is no column `{word}`, but {}, metric:NAME",
                all.join(", ")
            );
            Failure::usage(clean(&why))
        })
    };
    let mut fields = Vec::new();
    for field in shown.columns.iter().map(named) {
        let field = field?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Ok(fields)
}

/// Prints the processes.
pub(super) fn print(
    context: &Context,
    processes: &[&Process],
    fields: &[Field],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let heading = fields.iter().map(|field| {
        let column = field.column();
        let align = if column.is_right { Align::Right } else { Align::Left };
        match field {
            Field::Restarts if !context.is_ascii => ("↺", align),
            field => (field.head(), align),
        }
    });
    let heading: Vec<(&str, Align)> = heading.collect();
    let now = Moment::at(now_ms());
    let rows = processes.iter().map(|process| cells(process, fields, now, context.is_ascii));
    Ok(output::table(&heading, &rows.collect::<Vec<_>>(), out)?)
}

/// What the columns say of a process.
fn cells(process: &Process, fields: &[Field], now: Moment, is_ascii: bool) -> Vec<String> {
    let row = Row { process, daemon: "", now };
    let cell = |field: &Field| {
        let cell = field.cell(&row).filter(|cell| !cell.is_empty());
        cell.map_or_else(|| "-".to_owned(), |cell| output::printable(&cell, is_ascii))
    };
    fields.iter().map(cell).collect()
}

/// All processes as they were last seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    fleet: Fleet,
    /// What was complained of already.
    said: Option<String>,
}

impl Seen {
    /// Asks the daemon, and measures.
    pub(super) async fn look(
        &mut self,
        context: &Context,
        client: &Client,
        figures: &mut Figures,
    ) -> Result<(), Failure> {
        let mut snapshot = client.snapshot().await.map_err(|error| context.failure(error))?;
        let besides = figures.fill(&mut snapshot.processes).await;
        let here = hosts::here();
        let host = context.endpoint.host().unwrap_or(&here);
        self.fleet.place(DAEMON, &clean(host), &context.home());
        self.take(snapshot);
        self.add(besides);
        Ok(())
    }

    /// Takes in what was measured of these beside.
    pub(super) fn add(&mut self, Besides { measured, ports }: Besides) {
        let now = Moment::at(now_ms());
        for one in &measured {
            let key = ProcessKey { daemon: DAEMON, pm_id: one.pm_id };
            if let Some(process) = self.fleet.get_mut(key) {
                process.take_measured(one, now);
            }
        }
        for (pm_id, ports) in ports {
            if let Some(process) = self.fleet.get_mut(ProcessKey { daemon: DAEMON, pm_id }) {
                process.ports = ports;
            }
        }
    }

    /// Takes a look in, and complains of what could not be read.
    pub(super) fn take(&mut self, snapshot: Snapshot) {
        let blind = blindness(&snapshot.processes);
        let complaints: Vec<String> = snapshot.warnings.iter().cloned().chain(blind).collect();
        let said = (!complaints.is_empty()).then(|| complaints.join("\n"));
        if said != self.said {
            for line in &complaints {
                output::complain(&clean(line));
            }
        }
        self.said = said;
        let now = Moment::at(now_ms());
        self.fleet.apply_snapshot(DAEMON, snapshot, (now, now));
    }

    /// Those whose last exit PM2 does not tell from an end by a signal: it says code 0 of both.
    pub(super) fn doubtful(&self) -> Vec<ProcessInfo> {
        let infos = self.fleet.iter().map(|(_, process)| &process.info);
        infos.filter(|info| info.exit_code.as_deref() == Some("0")).cloned().collect()
    }

    /// Takes in by which signal a process ended last.
    pub(super) fn ended_by(&mut self, pm_id: PmId, signal: &str) {
        if let Some(process) = self.fleet.get_mut(ProcessKey { daemon: DAEMON, pm_id }) {
            process.signal = Some(signal.into());
        }
    }

    /// What a filter that lets nobody through was probably meant as.
    pub(super) fn hint(&self, query: &Query) -> Option<String> {
        query.hint(&self.fleet)
    }

    /// Those that are asked for, in their order.
    pub(super) fn rows(&self, query: &Query) -> Vec<&Process> {
        let Rows(keys) = Rows::of(&self.fleet, query);
        keys.into_iter().filter_map(|key| self.fleet.get(key)).collect()
    }
}

/// The status of a process in the words of the table.
pub(super) fn status(info: &ProcessInfo) -> String {
    let now = Moment::at(now_ms());
    let mut fleet = Fleet::default();
    let snapshot = Snapshot { processes: vec![info.clone()], warnings: Vec::new() };
    fleet.apply_snapshot(DAEMON, snapshot, (now, now));
    let process = fleet.iter().next().map(|(_, process)| process);
    let cell = process.and_then(|process| Field::Status.cell(&Row { process, daemon: "", now }));
    cell.unwrap_or_else(|| info.status.as_str().to_owned())
}

/// Why PM2 measures nothing, where it does not.
pub(super) fn blindness(processes: &[ProcessInfo]) -> Option<String> {
    let culprit = targets::label(blinding(processes)?);
    Some(format!(
        "PM2 measures no CPU or memory while {culprit} is online without a process: stop it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::ProcessStatus;

    #[test]
    fn a_row_says_what_is_known() {
        let mut api = ProcessInfo {
            pid: Some(42),
            online_since_ms: Some(1_000),
            cpu_percent: Some(12.34),
            memory_bytes: Some(2_048),
            ..ProcessInfo::new(PmId(3), "api 日", ProcessStatus::Online)
        };
        let fields = fields(&Shown::default()).unwrap();
        let row = |info: &ProcessInfo, is_ascii| {
            let at = Moment::at(61_000);
            cells(&Process::polled(info.clone(), at), &fields, at, is_ascii)
        };
        let all = ["3", "api ?", "-", "fork", "online", "0", "1m", "12.3%", "2.0 KiB"];
        assert_eq!(row(&api, true), all);
        api.pid = None;
        assert_eq!(row(&api, false)[4..], ["online, never started", "0", "-", "-", "-"]);
        // `why` says the same.
        assert_eq!(status(&api), "online, never started");
    }

    #[test]
    fn columns_are_chosen_by_their_words() {
        let chosen = |words: &[&str]| {
            let columns = words.iter().map(|word| (*word).to_owned()).collect();
            fields(&Shown { columns, wide: false })
        };
        assert_eq!(chosen(&["pid", " name", "pid"]).unwrap(), [Field::Pid, Field::Name]);
        assert_eq!(chosen(&["ns", "memory"]).unwrap(), [Field::Namespace, Field::Memory]);
        let metric = Field::of("metric:Heap Size").unwrap();
        assert_eq!(
            chosen(&["cpu+", "ports", "metric:Heap Size"]).unwrap(),
            [Field::CpuTree, Field::Ports, metric]
        );
        let failure = chosen(&["limitin"]).unwrap_err();
        assert!(failure.line().unwrap().contains("limitin is known only of what is watched"));
        for wrong in ["nonsense", "chart", "daemon", ""] {
            let failure = chosen(&["id", wrong]).unwrap_err();
            assert!(failure.line().unwrap().contains("restarts"), "{wrong}");
        }
        let wide = fields(&Shown { columns: Vec::new(), wide: true }).unwrap();
        assert!(!wide.iter().any(|field| field.needs_machine()), "the daemon may be elsewhere");
        assert!(wide.contains(&Field::Pid) && wide.len() > 9, "{wide:?}");
    }

    #[test]
    fn a_table_has_what_is_asked_for_in_its_order() {
        let all = [("web", 5.0), ("api", 50.0), ("jobs", 1.0)];
        let processes = all.iter().enumerate().map(|(id, (name, cpu))| ProcessInfo {
            pid: Some(1),
            cpu_percent: Some(*cpu),
            memory_bytes: Some(1),
            ..ProcessInfo::new(PmId(id as u32), name, ProcessStatus::Online)
        });
        let mut seen = Seen::default();
        seen.take(Snapshot { processes: processes.collect(), warnings: Vec::new() });
        let names = |filter: &str, sort: &str| -> Vec<String> {
            let which = Which {
                filter: Some(filter.to_owned()),
                sort: Some(sort.to_owned()).filter(|sort| !sort.is_empty()),
            };
            let query = query(&which, Sort::by(Field::Id)).unwrap();
            seen.rows(&query).iter().map(|process| process.info.name.to_string()).collect()
        };
        assert_eq!(names("", ""), ["web", "api", "jobs"]);
        assert_eq!(names("", "cpu"), ["api", "web", "jobs"]);
        assert_eq!(names("cpu>2", "-name"), ["web", "api"]);
        for which in [
            Which { filter: Some("cpu>".into()), sort: None },
            Which { filter: None, sort: Some("nonsense".into()) },
            Which { filter: None, sort: Some("-silence".into()) },
        ] {
            let failure = query(&which, Sort::default()).unwrap_err();
            assert_eq!(failure.code(), crate::headless::Code::Usage);
        }
    }
}
