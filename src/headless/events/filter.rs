//! `--process`: events of some processes only; and words among the patterns that are processes.
//!
//! Invariant: a word is read once, by the processes that there are, and refused where it means none
//! or two things; who comes later under the same name or in the same namespace is of them.

use std::collections::HashMap;
use std::time::Duration;

use super::super::failure::Failure;
use super::super::targets::{self, Reading};
use super::super::{Context, output};
use crate::protocol::bus::{BusPmId, ProcessEvent, ProcessRef};
use crate::protocol::process::ProcessInfo;

/// The most processes of which more than the id is remembered.
const KNOWN_MAX: usize = 10_000;
/// How long it may take to find out whether a pattern is a process.
const HINT_MAX: Duration = Duration::from_secs(2);
/// How the topics begin that PM2 itself publishes.
const OWN_TOPICS: [&str; 6] = ["log:", "process:", "pm2:", "axm:", "human:", "application:"];

/// Which processes are wanted.
#[derive(Debug)]
pub(super) struct Filter {
    readings: Vec<Reading>,
    /// What messages do not say of their process, by its id.
    known: HashMap<u32, Known>,
}

#[derive(Debug)]
struct Known {
    name: Box<str>,
    namespace: Option<Box<str>>,
    is_module: bool,
}

impl From<&ProcessInfo> for Known {
    fn from(info: &ProcessInfo) -> Self {
        let (name, namespace) = (info.name.clone(), info.namespace.clone());
        Self { name, namespace, is_module: info.is_module }
    }
}

impl Filter {
    /// Asks the daemon who is meant; `None` without words.
    ///
    /// # Errors
    /// No daemon, or a word that means no process or two things.
    pub(super) async fn ask(context: &Context, words: &[String]) -> Result<Option<Self>, Failure> {
        if words.is_empty() {
            return Ok(None);
        }
        Self::new(words, &processes(context).await?).map(Some)
    }

    fn new(words: &[String], processes: &[ProcessInfo]) -> Result<Self, Failure> {
        let mut readings = Vec::with_capacity(words.len());
        for word in words {
            match targets::read(word, processes)? {
                Some((reading, _)) => readings.push(reading),
                // Those that come later.
                None if word == "all" => readings.push(Reading::All),
                None => return Err(Failure::condition(targets::unknown(word, processes))),
            }
        }
        let known = processes.iter().take(KNOWN_MAX);
        let known = known.map(|info| (info.pm_id.0, Known::from(info))).collect();
        Ok(Self { readings, known })
    }

    /// A process says who it is.
    pub(super) fn hear(&mut self, event: &ProcessEvent) {
        let id = event.info.pm_id.0;
        if self.known.len() < KNOWN_MAX || self.known.contains_key(&id) {
            self.known.insert(id, Known::from(&event.info));
        }
    }

    /// Whether events of this process are wanted.
    pub(super) fn fits(&self, process: Option<&ProcessRef>) -> bool {
        let Some(process) = process else { return false };
        let id = match process.pm_id {
            // The worker that a reload replaces is still its process.
            Some(BusPmId::Process(id) | BusPmId::Old(id)) => Some(id.0),
            Some(BusPmId::Daemon) => return false,
            None => None,
        };
        let known = id.and_then(|id| self.known.get(&id));
        let name = Some(&process.name).filter(|name| !name.is_empty());
        let name = name.or_else(|| known.map(|known| &known.name));
        self.readings.iter().any(|reading| match reading {
            Reading::All => known.is_none_or(|known| !known.is_module),
            Reading::Id(wanted) => id == Some(*wanted),
            Reading::Name(wanted) => name.is_some_and(|name| **name == **wanted),
            Reading::Namespace(wanted) => {
                let namespace = known.and_then(|known| known.namespace.as_deref());
                namespace == Some(wanted.as_str())
            }
        })
    }
}

async fn processes(context: &Context) -> Result<Vec<ProcessInfo>, Failure> {
    let client = context.connect().await?;
    let snapshot = client.snapshot().await.map_err(|error| context.failure(error))?;
    client.disconnect().await;
    Ok(snapshot.processes)
}

/// Says of each pattern that is a process and no topic of PM2's how it is watched. An app may have
/// topics of any name, so that it is no error.
pub(super) async fn hint(context: &Context, patterns: &[String]) {
    let words = patterns.iter().filter(|word| !is_topic(word));
    let words: Vec<&String> = words.collect();
    if words.is_empty() {
        return;
    }
    // Where the daemon does not answer, something else will say so.
    if let Ok(Ok(processes)) = tokio::time::timeout(HINT_MAX, processes(context)).await {
        for line in words.iter().filter_map(|word| hint_text(word, &processes)) {
            output::complain(&line);
        }
    }
}

fn is_topic(word: &str) -> bool {
    word.contains('*') || OWN_TOPICS.iter().any(|start| word.starts_with(start))
}

fn hint_text(word: &str, processes: &[ProcessInfo]) -> Option<String> {
    let what = match targets::matching(word, processes) {
        Ok(found) if found.is_empty() || word == "all" => return None,
        // It means two processes, which `--process` will say.
        Ok(_) | Err(_) => word,
    };
    // Without zeros, which no argument has.
    let quoted = shlex::try_quote(what).ok()?;
    // What begins with a dash would be an option of its own.
    let gap = if what.starts_with('-') { "=" } else { " " };
    let line = format!(
        "`{what}` is a process, not a topic of PM2: `pm2-tui events --process{gap}{quoted}` prints \
         its events"
    );
    Some(crate::protocol::text::clean(&line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::bus::EventKind;
    use crate::protocol::process::{PmId, ProcessStatus};

    fn info(id: u32, name: &str, namespace: &str) -> ProcessInfo {
        let mut info = ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
        info.namespace = Some(namespace.into());
        info.is_module = namespace == "module";
        info
    }

    fn fleet() -> Vec<ProcessInfo> {
        let all =
            [(0, "api", "shop"), (1, "api", "shop"), (2, "job", "jobs"), (3, "log", "module")];
        let mut all: Vec<_> = all.map(|(id, name, space)| info(id, name, space)).to_vec();
        all.push(info(4, "0", "shop"));
        all
    }

    fn named(pm_id: Option<BusPmId>, name: &str) -> ProcessRef {
        ProcessRef { pm_id, name: name.into() }
    }

    fn filter(words: &[&str]) -> Result<Filter, String> {
        let words: Vec<String> = words.iter().map(|&word| word.into()).collect();
        Filter::new(&words, &fleet()).map_err(|failure| failure.line().unwrap())
    }

    fn fitting(words: &[&str]) -> Vec<u32> {
        let filter = filter(words).unwrap();
        let id = |info: &ProcessInfo| Some(BusPmId::Process(info.pm_id));
        let all = fleet();
        let fits = all.iter().filter(|info| filter.fits(Some(&named(id(info), &info.name))));
        fits.map(|info| info.pm_id.0).collect()
    }

    #[test]
    fn a_process_is_named_as_for_other_commands() {
        assert_eq!(fitting(&["api"]), [0, 1]);
        assert_eq!(fitting(&["id:0"]), [0]);
        assert_eq!(fitting(&["name:0"]), [4]);
        assert_eq!(fitting(&["jobs", "1"]), [1, 2]);
        assert_eq!(fitting(&["ns:shop"]), [0, 1, 4]);
        assert_eq!(fitting(&["all"]), [0, 1, 2, 4]);
        assert!(filter(&["0"]).unwrap_err().contains("ambiguous"));
        assert!(filter(&["api", "nope"]).unwrap_err().contains("no process has"));
    }

    #[test]
    fn who_comes_later_and_who_says_little_is_of_them() {
        let mut by_name = filter(&["api"]).unwrap();
        let mut by_namespace = filter(&["ns:shop"]).unwrap();
        let newcomer = named(Some(BusPmId::Process(PmId(9))), "api");
        assert!(by_name.fits(Some(&newcomer)) && !by_namespace.fits(Some(&newcomer)));
        let event = ProcessEvent {
            kind: EventKind::Online,
            manually: false,
            at_ms: None,
            is_old_worker: false,
            signal: None,
            info: info(9, "api", "shop"),
        };
        by_namespace.hear(&event);
        by_name.hear(&event);
        let nameless = named(newcomer.pm_id, "");
        assert!(by_name.fits(Some(&nameless)) && by_namespace.fits(Some(&nameless)));
        assert!(by_name.fits(Some(&named(None, "api"))) && !by_name.fits(Some(&named(None, "x"))));
        let old = named(Some(BusPmId::Old(PmId(0))), "");
        assert!(filter(&["id:0"]).unwrap().fits(Some(&old)));
        let daemon = named(Some(BusPmId::Daemon), "api");
        assert!(!by_name.fits(Some(&daemon)) && !by_name.fits(None));
    }

    #[test]
    fn a_pattern_that_is_a_process_has_a_way_out() {
        let said = |word: &str| hint_text(word, &fleet());
        let wanted = "`api` is a process, not a topic of PM2: `pm2-tui events --process api` \
                      prints its events";
        assert_eq!(said("api").as_deref(), Some(wanted));
        assert!(said("id:0").unwrap().contains("--process id:0"));
        let dashed = hint_text("-x", &[info(5, "-x", "shop")]);
        assert!(dashed.unwrap().contains("--process=-x`"), "no option of its own");
        assert!(said("0").unwrap().contains("--process 0"), "which then says that it is ambiguous");
        assert_eq!((said("my:topic"), said("all")), (None, None));
        for topic in ["log:out", "ap*", "process:exit", "pm2:kill"] {
            assert!(is_topic(topic), "{topic}");
        }
        assert!(!is_topic("api") && !is_topic("name:api"));
    }
}
