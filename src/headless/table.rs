//! The table of `ls` and `top`: which processes, in which order.
//!
//! Invariant: filter and order are read before the daemon is asked; what PM2 does not measure is `-`,
//! never 0.

use crate::cli::Which;
use crate::client::Client;
use crate::daemon::clock::now_ms;
use crate::model::DaemonId;
use crate::model::fleet::{Fleet, Process, blinding};
use crate::model::moment::Moment;
use crate::model::rows::{Filter, Query, Rows, Sort};
use crate::protocol::process::{ProcessInfo, Snapshot};
use crate::protocol::text::clean;

use super::failure::Failure;
use super::{Context, output, targets};

/// The daemon, which is the only one.
const DAEMON: DaemonId = DaemonId(0);

/// Reads what is asked for.
pub(super) fn query(which: &Which, by_itself: Sort) -> Result<Query, Failure> {
    let wrong = |what: &str, why: String| Failure::usage(clean(&format!("{what}: {why}")));
    let filter = which.filter.as_deref().map(Filter::parse).transpose();
    let filter = filter.map_err(|why| wrong("--filter", why.to_string()))?.flatten();
    let sort = which.sort.as_deref().map(Sort::parse).transpose();
    let sort = sort.map_err(|why| wrong("--sort", why))?.unwrap_or(by_itself);
    Ok(Query { filter, only_unwell: false, sort })
}

/// All processes as they were last seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    fleet: Fleet,
    /// What was complained of already.
    said: Option<String>,
}

impl Seen {
    /// Asks the daemon.
    pub(super) async fn look(&mut self, context: &Context, client: &Client) -> Result<(), Failure> {
        let snapshot = client.snapshot().await.map_err(|error| context.failure(error))?;
        self.take(snapshot);
        Ok(())
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
        self.fleet.apply_snapshot(DAEMON, snapshot, Moment::at(now_ms()));
    }

    /// Those that are asked for, in their order.
    pub(super) fn rows(&self, query: &Query) -> Vec<&Process> {
        let Rows(keys) = Rows::of(&self.fleet, query);
        keys.into_iter().filter_map(|key| self.fleet.get(key)).collect()
    }
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
    use crate::model::rows::Field;
    use crate::protocol::process::{PmId, ProcessStatus};

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
        ] {
            let failure = query(&which, Sort::default()).unwrap_err();
            assert_eq!(failure.code(), crate::headless::Code::Usage);
        }
    }
}
