//! CPU and memory measured here beside PM2's own, on loads that differ.
//!
//! `PM2_TUI_TEST_FIGURES_S=600` for ten minutes; without it as long as four polls take.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use pm2_tui::daemon::{self, Endpoint, Inbox, InboxBounds, Options};
use pm2_tui::model::DaemonId;
use pm2_tui::model::report::Report;
use tokio::time::timeout;

use crate::harness::apps::{self, App};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::now;

const MIB: f64 = 1_048_576.0;
/// What may be between them: percent of a core, and MB.
const CPU_MAX: f64 = 2.0;
const MEMORY_MAX: f64 = 2.0;
/// The same in a short run beside other trials, whose four comparisons span other seconds than PM2's.
const CPU_MAX_SHORT: f64 = 6.0;

/// Burns so many percent of a core.
fn burner(name: &str, percent: u32) -> App {
    let text = format!(
        "setInterval(() => {{ const end = Date.now() + {percent}; while (Date.now() < end); }}, 100);"
    );
    apps::script(name, "js", text)
}

/// Takes half a MiB a second, and gives it back.
fn breather(name: &str) -> App {
    let text = "let kept = []; setInterval(() => { kept.push(Buffer.alloc(1 << 19, 1)); \
                if (kept.length > 60) kept = []; }, 1000);";
    apps::script(name, "js", text)
}

/// What was between the two, in each comparison.
#[derive(Debug, Default)]
struct Differences {
    cpu: Vec<f64>,
    memory: Vec<f64>,
}

/// The one that nine of ten are not over.
fn most(all: &[f64]) -> f64 {
    let mut all = all.to_vec();
    all.sort_by(f64::total_cmp);
    all.get(all.len().saturating_sub(1) * 9 / 10).copied().unwrap_or(f64::NAN)
}

pub(crate) fn figures_are_those_of_pm2() {
    let seconds = std::env::var("PM2_TUI_TEST_FIGURES_S").ok().map(|text| text.parse().unwrap());
    let span = Duration::from_secs(seconds.unwrap_or(55));
    let loads = [
        burner("fifth", 20),
        burner("half", 50),
        breather("breath"),
        apps::sleeper("idle"),
        apps::cluster("web"),
    ];
    let home = Pm2Home::with(Release::Seven, &loads);
    home.mark();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(compare(&home, span));
    assert_eq!(found.len(), 5, "each load is compared: {found:?}");
    let mut told = String::new();
    for (name, differences) in &found {
        let (cpu, memory) = (most(&differences.cpu), most(&differences.memory));
        let count = differences.cpu.len();
        writeln!(told, "{name}: cpu {cpu:.2} points, memory {memory:.2} MB, of {count}").unwrap();
        assert!(count >= 2, "too few comparisons\n{told}");
    }
    let head = "nine of ten comparisons with PM2's own are within";
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{head}\n{told}"));
    for differences in found.values() {
        let cpu_max = if seconds.is_some() { CPU_MAX } else { CPU_MAX_SHORT };
        assert!(most(&differences.cpu) <= cpu_max, "{told}");
        assert!(most(&differences.memory) <= MEMORY_MAX, "{told}");
    }
    home.assert_unharmed_but(&[]);
}

async fn compare(home: &Pm2Home, span: Duration) -> BTreeMap<String, Differences> {
    let inbox = Inbox::new(InboxBounds::default());
    let endpoint = Endpoint::in_home(home.path());
    let options = Options { measures_here: true, ..Options::default() };
    let handle = daemon::spawn(DaemonId(0), endpoint, options, inbox.clone());
    let mut found: BTreeMap<String, Differences> = BTreeMap::new();
    // Of each process since the last poll: the sum of CPU, how often, and the last memory.
    let mut since: BTreeMap<u32, (f64, f64, f64)> = BTreeMap::new();
    let (started, mut polls) = (now(), 0);
    let is_enough = |found: &BTreeMap<String, Differences>| {
        found.len() == 5 && found.values().all(|it| it.cpu.len() >= 2)
    };
    while started.elapsed() < span || (!is_enough(&found) && started.elapsed() < span * 4) {
        if timeout(Duration::from_secs(1), inbox.ready()).await.is_err() {
            continue;
        }
        let mut batch = Vec::new();
        inbox.take(&mut batch, 10_000);
        for (_, report) in batch {
            match report {
                Report::Measured { processes, .. } => {
                    for one in processes {
                        let (cpu, count, memory) = since.entry(one.pm_id.0).or_default();
                        *cpu += f64::from(one.own.cpu_percent);
                        *count += 1.0;
                        *memory = one.own.memory_bytes as f64;
                    }
                }
                Report::Snapshot { snapshot, .. } => {
                    polls += 1;
                    for info in snapshot.processes {
                        let measured = since.remove(&info.pm_id.0);
                        let Some((cpu, count, memory)) = measured else { continue };
                        // A poll after a short time says little, as the first one of a process does.
                        if polls < 3 || count < 5.0 {
                            continue;
                        }
                        let (Some(own_cpu), Some(own_memory)) =
                            (info.cpu_percent, info.memory_bytes)
                        else {
                            continue;
                        };
                        let differences = found.entry(info.name.to_string()).or_default();
                        differences.cpu.push((cpu / count - f64::from(own_cpu)).abs());
                        differences.memory.push((memory - own_memory as f64).abs() / MIB);
                    }
                }
                _ => {}
            }
        }
    }
    handle.shut_down().await;
    found
}
