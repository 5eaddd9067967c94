//! An incident bundle: what is known of a daemon, as documents that can be taken away.
//!
//! Invariant: pure; no value of an environment is in it. Lines of logs are as they are: the summary
//! says so.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::daemon::Daemon;
use super::death::{BlackBox, document, words};
use super::exceptions::{Group, Thrower};
use super::log::{LineKind, LogLine};
use super::looping::looks_looping;
use super::moment::Moment;
use super::series::Sample;
use super::state_word::state_word;
use super::units::{self, Clock};
use super::watched::Watched;
use super::{DaemonId, ProcessKey};
use crate::protocol::process::{PmId, ProcessInfo};

/// The most exceptions that the summary names.
const EXCEPTIONS_MAX: usize = 20;

/// A document of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its path in the bundle.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// What a bundle is made of, as far as it is known without a look at files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Material {
    /// What the daemon is called.
    pub label: String,
    /// Its `PM2_HOME`, cleaned.
    pub home: String,
    /// When it was taken.
    pub at: Moment,
    /// Seconds that local time was ahead of UTC then.
    pub utc_offset_s: i32,
    /// PM2's version.
    pub version: Option<Box<str>>,
    /// The processes, as PM2 told them last.
    pub processes: Vec<ProcessInfo>,
    /// Their black boxes, where there are any.
    pub boxes: Vec<(PmId, BlackBox)>,
    /// Their last minutes.
    pub series: Vec<(PmId, Vec<Sample>)>,
    /// Exceptions, those that were seen last first.
    pub exceptions: Vec<Group>,
    /// What happened, oldest first.
    pub events: Vec<LogLine>,
    /// What the log files and their disks are like, a line each.
    pub disk: Vec<String>,
}

/// A bundle that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is, cleaned.
    pub path: Box<str>,
    /// How many documents and log slices are in it.
    pub files: usize,
    /// Its size, bytes.
    pub bytes: u64,
}

impl Written {
    /// In words: `wrote incident.tar.gz: 12 files, 34.5 KiB`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("wrote {}: {} files, {}", self.path, self.files, units::bytes(self.bytes))
    }
}

/// What only a look at the files and at the daemon tells, for the summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The versions of Node.js that the processes run on.
    pub node: Vec<String>,
    /// The kernel and machine.
    pub system: String,
    /// What is in the bundle, and how much of it, a line each.
    pub files: Vec<String>,
    /// What could not be had, a sentence each.
    pub missing: Vec<String>,
}

impl Material {
    /// All that is known of a daemon, but what happened: whoever keeps the log has that.
    #[must_use]
    pub fn of(watched: &Watched, id: DaemonId, at: Moment, utc_offset_s: i32) -> Self {
        let ours = || watched.fleet.iter().filter(move |(key, _)| key.daemon == id);
        let daemon = watched.daemon(id);
        let mut material = Self {
            label: daemon.map(|daemon| daemon.label.to_string()).unwrap_or_default(),
            home: daemon.map(|daemon| daemon.home.to_string()).unwrap_or_default(),
            at,
            utc_offset_s,
            version: daemon.and_then(|daemon| daemon.version.clone()),
            processes: ours().map(|(_, process)| process.info.clone()).collect(),
            boxes: Vec::new(),
            series: ours()
                .map(|(key, process)| (key.pm_id, process.series.iter().collect()))
                .collect(),
            exceptions: Vec::new(),
            events: Vec::new(),
            disk: daemon.map(|daemon| disk(daemon, &ours)).unwrap_or_default(),
        };
        for (key, _) in ours() {
            if let Some(black_box) = watched.boxes.get(key) {
                material.boxes.push((key.pm_id, black_box.clone()));
            }
        }
        let is_ours = |group: &&Group| group.throwers.iter().any(|thrower| thrower.daemon == id);
        let groups = watched.exceptions.latest_first();
        material.exceptions = groups.into_iter().filter(is_ours).cloned().collect();
        material
    }

    /// A name for the file: `pm2-tui-web-01-20261128-031209.tar.gz`.
    #[must_use]
    pub fn file_name(&self) -> String {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let label: String = self.label.chars().filter(is_plain).take(40).collect();
        let digits = |text: String| text.replace(['-', ':'], "");
        let day = digits(units::day(self.at.wall_ms, self.utc_offset_s));
        let clock = digits(units::clock(self.at.wall_ms, self.utc_offset_s, Clock::Seconds));
        let parts = ["pm2-tui", label.trim_matches(['-', '.']), &day, &clock];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}.tar.gz", parts.join("-"))
    }

    /// The documents, the summary aside.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        let document = |name: &str, text: String| Document { name: name.to_owned(), text };
        let mut all = vec![document("deaths.json", pretty(&self.deaths()))];
        if !self.exceptions.is_empty() {
            all.push(document("exceptions.json", pretty(&self.groups())));
        }
        if !self.events.is_empty() {
            all.push(document("events.txt", self.events_text()));
        }
        if self.series.iter().any(|(_, samples)| !samples.is_empty()) {
            all.push(document("metrics.csv", self.metrics()));
        }
        all
    }

    fn deaths(&self) -> Json {
        let none = BlackBox::default();
        let all = self.processes.iter().map(|info| {
            let black_box = self.black_box(info.pm_id).unwrap_or(&none);
            let writers = words::writers(info, self.processes.iter());
            document::process(info, black_box, (usize::MAX, writers))
        });
        all.collect()
    }

    fn black_box(&self, pm_id: PmId) -> Option<&BlackBox> {
        self.boxes.iter().find(|(id, _)| *id == pm_id).map(|(_, black_box)| black_box)
    }

    fn groups(&self) -> Json {
        let all = self.exceptions.iter().map(|group| {
            let throwers = group
                .throwers
                .iter()
                .map(|thrower| json!({ "process": thrower.label(), "count": thrower.count }));
            json!({
                "says": group.says(),
                "last_message": group.last_message(),
                "frame": group.frame,
                "count": group.count,
                "first_at": group.first_ms,
                "last_at": group.last_ms,
                "processes": throwers.collect::<Json>(),
                "stack": group.stack,
            })
        });
        all.collect()
    }

    fn events_text(&self) -> String {
        let mut text = String::new();
        for line in &self.events {
            let name = match line.source.pm_id {
                Some(pm_id) => format!("{}[{pm_id}]", line.source.name),
                None => line.source.name.to_string(),
            };
            let at = self.time(line.at_ms);
            let _ = writeln!(text, "{at}  {name}  {}  {}", line.kind.word(), line.text);
            if let LineKind::Exception(stack) = &line.kind {
                for frame in stack {
                    let _ = writeln!(text, "    {frame}");
                }
            }
        }
        text
    }

    fn metrics(&self) -> String {
        let mut text = "at,pm_id,name,cpu_percent,memory_bytes\n".to_owned();
        for (pm_id, samples) in &self.series {
            let info = self.processes.iter().find(|info| info.pm_id == *pm_id);
            let name = info.map_or("", |info| &info.name).replace('"', "\"\"");
            for sample in samples {
                let ago_ms = self.at.steady_ms.saturating_sub(sample.at_ms);
                let at = self.time(self.at.wall_ms.saturating_sub(ago_ms));
                let Sample { cpu_percent, memory_bytes, .. } = sample;
                let _ = writeln!(text, "{at},{pm_id},\"{name}\",{cpu_percent:.1},{memory_bytes}");
            }
        }
        text
    }

    /// The same of what PM2's log tells, which has whole seconds.
    fn second(&self, at_ms: i64) -> String {
        let clock = units::clock(at_ms, self.utc_offset_s, Clock::Seconds);
        format!("{} {clock}", units::day(at_ms, self.utc_offset_s))
    }

    fn time(&self, at_ms: i64) -> String {
        let clock = units::clock(at_ms, self.utc_offset_s, Clock::Milliseconds);
        format!("{} {clock}", units::day(at_ms, self.utc_offset_s))
    }

    /// The summary, in Markdown.
    #[must_use]
    pub fn summary(&self, found: &Found) -> Document {
        let mut text = String::new();
        let _ = writeln!(text, "# Incident bundle of {}\n", cell(&self.label));
        let list = |text: &mut String, name: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(text, "- {name}: {value}");
            }
        };
        list(
            &mut text,
            "taken",
            &format!("{} {}", self.time(self.at.wall_ms), zone(self.utc_offset_s)),
        );
        list(&mut text, "PM2_HOME", &cell(&self.home));
        list(&mut text, "PM2", self.version.as_deref().unwrap_or("of an unknown version"));
        list(&mut text, "Node.js of the processes", &cell(&found.node.join(", ")));
        list(&mut text, "pm2-tui", env!("CARGO_PKG_VERSION"));
        list(&mut text, "system", &cell(&found.system));
        text.push_str(
            "\nValues of environments are left out. Lines of logs are as they were written: they may \
             hold secrets.\n",
        );
        self.summarize_processes(&mut text);
        self.summarize_exceptions(&mut text);
        section(&mut text, "Log files and disks", &self.disk);
        section(&mut text, "In this bundle", &found.files);
        section(&mut text, "Not in this bundle", &found.missing);
        Document { name: "summary.md".to_owned(), text }
    }

    fn summarize_processes(&self, text: &mut String) {
        let _ = writeln!(text, "\n## Processes\n");
        text.push_str("| id | name | status | restarts | cpu | memory | its last end |\n");
        text.push_str("|---:|---|---|---:|---:|---:|---|\n");
        for info in &self.processes {
            let black_box = self.black_box(info.pm_id);
            let end = black_box.and_then(BlackBox::last).map(|death| {
                let is_exact = death.is_watched;
                let at =
                    if is_exact { self.time(death.ended_ms) } else { self.second(death.ended_ms) };
                format!("{at}: {} ({})", words::sentence(death), words::sure(death))
            });
            let why = black_box.and_then(BlackBox::not_started);
            let why = why.map(|why| format!("could not be started: {why}"));
            // The words of `ls`.
            let status = state_word(info, looks_looping(info, self.at.wall_ms));
            // PM2 says 0 of what has no process.
            let has_figures = info.pid.is_some_and(|pid| pid > 0);
            let cpu = info.cpu_percent.filter(|_| has_figures);
            let cpu = cpu.map(|cpu| units::percent(f64::from(cpu)));
            let memory = info.memory_bytes.filter(|_| has_figures).map(units::bytes);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                info.pm_id,
                cell(&info.name),
                cell(&status),
                info.restarts,
                cpu.unwrap_or_else(|| "-".to_owned()),
                memory.unwrap_or_else(|| "-".to_owned()),
                cell(&why.or(end).unwrap_or_default()),
            );
        }
    }

    fn summarize_exceptions(&self, text: &mut String) {
        let lines = self.exceptions.iter().take(EXCEPTIONS_MAX).map(|group| {
            let who: Vec<String> = group.throwers.iter().map(Thrower::label).collect();
            let frame = group.frame.as_deref().unwrap_or("place unknown");
            // Those of ends that nobody watched are of PM2's log.
            let is_whole = group.last_ms % 1_000 == 0;
            let last = if is_whole { self.second(group.last_ms) } else { self.time(group.last_ms) };
            format!(
                "{} x {}, {frame}; last {last}, in {}",
                group.count,
                group.says(),
                who.join(", ")
            )
        });
        section(text, "Exceptions", &lines.collect::<Vec<_>>());
    }
}

fn disk<'a, F, I>(daemon: &Daemon, ours: &F) -> Vec<String>
where
    F: Fn() -> I,
    I: Iterator<Item = (ProcessKey, &'a super::process::Process)>,
{
    let mut lines: Vec<String> = Vec::new();
    if let Some(filling) = daemon.disk.filling() {
        lines.push(filling.words());
    }
    for (_, process) in ours() {
        for (holds, path, file) in daemon.disk.files_of(&process.info) {
            let path = crate::protocol::text::clean(path);
            let words = file.words();
            lines.push(format!("{} {}: {path}, {words}", process.info.name, holds.word()));
        }
    }
    lines
}

/// How far ahead of UTC: `UTC+01:00`.
fn zone(utc_offset_s: i32) -> String {
    let minutes = utc_offset_s.unsigned_abs() / 60;
    let sign = if utc_offset_s < 0 { '-' } else { '+' };
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A section with a list; nothing where there is nothing.
fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}\n");
    for line in lines {
        let _ = writeln!(text, "- {}", cell(line));
    }
}

/// Text in a table or list of Markdown: one line, no markup of its own.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => escaped.push(' '),
            '|' | '<' | '>' | '`' | '*' | '_' | '[' | ']' | '#' | '\\' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

fn pretty(json: &Json) -> String {
    let mut text = serde_json::to_string_pretty(json).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::death::after::{Left, reconstruct};
    use crate::protocol::process::ProcessStatus;

    #[test]
    fn a_summary_says_what_matters() {
        let mut info = ProcessInfo::new(PmId(3), "api|x", ProcessStatus::Errored);
        (info.restarts, info.memory_bytes) = (16, Some(1 << 20));
        let console = "2026-11-28T03:12:04: PM2 log: App [api|x:3] exited with code [3] via signal [SIGINT]\n";
        let left = Left {
            listed: &[],
            log_since_ms: None,
            opening: None,
            info: &info,
            console,
            errors: None,
            calm_since_ms: None,
            utc_offset_s: 0,
        };
        let boxes = vec![(PmId(3), reconstruct(&left))];
        let material = Material {
            label: "web-01".to_owned(),
            home: "/home/deploy/.pm2".to_owned(),
            at: Moment { wall_ms: 1_795_835_530_000, steady_ms: 5_000 },
            version: Some("7.0.4".into()),
            boxes,
            series: vec![(
                PmId(3),
                vec![Sample { at_ms: 4_000, cpu_percent: 12.34, memory_bytes: 7 }],
            )],
            processes: vec![info],
            ..Material::default()
        };
        let found = Found {
            node: vec!["20.20.2".to_owned()],
            files: vec!["deaths.json".to_owned()],
            ..Found::default()
        };
        let version = env!("CARGO_PKG_VERSION");
        let summary = material.summary(&found).text.replace(version, "VERSION");
        insta::assert_snapshot!(summary, @r"
        # Incident bundle of web-01

        - taken: 2026-11-28 03:12:10.000 UTC+00:00
        - PM2_HOME: /home/deploy/.pm2
        - PM2: 7.0.4
        - Node.js of the processes: 20.20.2
        - pm2-tui: VERSION

        Values of environments are left out. Lines of logs are as they were written: they may hold secrets.

        ## Processes

        | id | name | status | restarts | cpu | memory | its last end |
        |---:|---|---|---:|---:|---:|---|
        | 3 | api\|x | errored | 16 | - | - | 2026-11-28 03:12:04: ended by itself with exit code 3 (certain) |

        ## In this bundle

        - deaths.json
        ");
        assert_eq!(material.file_name(), "pm2-tui-web-01-20261128-031210.tar.gz");
        let documents = material.documents();
        let names: Vec<&str> = documents.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["deaths.json", "metrics.csv"]);
        let deaths: Json = serde_json::from_str(&documents[0].text).unwrap();
        assert_eq!(deaths[0]["deaths"][0]["exit_code"], "3");
        assert_eq!(deaths[0]["deaths"][0]["kind"], "exit");
        let metrics = &documents[1].text;
        assert!(metrics.ends_with("2026-11-28 03:12:09.000,3,\"api|x\",12.3,7\n"), "{metrics}");
    }
}
