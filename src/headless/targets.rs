//! Which processes a TARGET means.
//!
//! Invariant: either every target is known, or nothing is resolved and the unknown one is named.

use std::borrow::Borrow;

use super::failure::Failure;
use crate::protocol::process::ProcessInfo;
use crate::protocol::text::clean;

/// Names that a complaint lists.
const NAMES_MAX: usize = 8;

/// The processes of one target: `all` (without modules), an id, a name, or a namespace; in PM2's
/// order. Empty where it is unknown.
pub(super) fn matching<'a>(
    target: &str,
    processes: &'a [impl Borrow<ProcessInfo>],
) -> Vec<&'a ProcessInfo> {
    let by = |fits: &dyn Fn(&ProcessInfo) -> bool| -> Vec<&'a ProcessInfo> {
        processes.iter().map(Borrow::borrow).filter(|info| fits(info)).collect()
    };
    if target == "all" {
        return by(&|info| !info.is_module);
    }
    let id = target.parse().ok().map(|id: u32| by(&|info| info.pm_id.0 == id));
    // Names are kept cleaned.
    let target = clean(target);
    id.filter(|found| !found.is_empty())
        .or_else(|| Some(by(&|info| *info.name == *target)).filter(|found| !found.is_empty()))
        .unwrap_or_else(|| by(&|info| info.namespace.as_deref() == Some(&*target)))
}

/// The processes of all targets, each once, in the order named.
///
/// # Errors
/// The first target that is unknown, with the names there are.
pub(super) fn resolve(
    targets: &[String],
    processes: &[ProcessInfo],
) -> Result<Vec<ProcessInfo>, Failure> {
    let mut found: Vec<ProcessInfo> = Vec::new();
    for target in targets {
        let matches = matching(target, processes);
        // `all` of nothing is nothing.
        if matches.is_empty() && target != "all" {
            return Err(Failure::condition(unknown(target, processes)));
        }
        for info in matches {
            if found.iter().all(|known| known.pm_id != info.pm_id) {
                found.push(info.clone());
            }
        }
    }
    Ok(found)
}

/// Says that there is no such process, and which there are.
pub(super) fn unknown(target: &str, processes: &[impl Borrow<ProcessInfo>]) -> String {
    let mut names: Vec<&str> = processes.iter().map(|info| &*info.borrow().name).collect();
    names.sort_unstable();
    names.dedup();
    let rest = names.len().saturating_sub(NAMES_MAX);
    let list = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
    if target == "all" {
        return "there are no processes".to_owned();
    }
    let known = match (names.is_empty(), rest) {
        (true, _) => "this daemon has no processes".to_owned(),
        (false, 0) => format!("there are: {list}"),
        (false, rest) => format!("there are: {list} and {rest} more"),
    };
    let hint = if crate::ecosystem::is_config_file(std::path::Path::new(target)) {
        "; `pm2-tui start FILE` starts a file's apps and restarts those that run"
    } else {
        ""
    };
    let target = clean(target);
    format!("no process has the id, name or namespace `{target}`; {known}{hint}")
}

/// How a process is named in a line: `api[0]`.
pub(super) fn label(info: &ProcessInfo) -> String {
    format!("{}[{}]", info.name, info.pm_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    fn fleet() -> Vec<ProcessInfo> {
        let names = [
            (0, "api", "shop"),
            (1, "api", "shop"),
            (2, "7", "shop"),
            (7, "x", "api"),
            (9, "log", "m"),
        ];
        let mut all = names.map(|(id, name, namespace)| {
            let mut info = ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
            info.namespace = Some(namespace.into());
            info.is_module = name == "log";
            info
        });
        all[1].status = ProcessStatus::Stopped;
        all.to_vec()
    }

    fn ids(targets: &[&str]) -> Result<Vec<u32>, String> {
        let targets: Vec<String> = targets.iter().map(|&target| target.into()).collect();
        let found = resolve(&targets, &fleet()).map_err(|failure| failure.line().unwrap())?;
        Ok(found.iter().map(|info| info.pm_id.0).collect())
    }

    #[test]
    fn an_id_goes_before_a_name_and_a_name_before_a_namespace() {
        assert_eq!(ids(&["0"]), Ok(vec![0]));
        assert_eq!(ids(&["7"]), Ok(vec![7]));
        assert_eq!(ids(&["api"]), Ok(vec![0, 1]));
        assert_eq!(ids(&["shop"]), Ok(vec![0, 1, 2]));
    }

    #[test]
    fn all_leaves_modules_alone_and_nothing_comes_twice() {
        assert_eq!(ids(&["all"]), Ok(vec![0, 1, 2, 7]));
        assert_eq!(ids(&["1", "api", "all"]), Ok(vec![1, 0, 2, 7]));
        assert_eq!(ids(&["log"]), Ok(vec![9]));
    }

    #[test]
    fn one_unknown_target_and_nothing_is_resolved() {
        let said = ids(&["0", "nope\u{1b}[2J"]).unwrap_err();
        assert!(said.contains("`nope`") && said.contains("7, api, log, x"), "{said}");
        assert!(ids(&["eco.config.js"]).unwrap_err().contains("pm2-tui start FILE"));
        assert!(ids(&["42"]).is_err() && ids(&["-1"]).is_err() && ids(&[""]).is_err());
    }
}
