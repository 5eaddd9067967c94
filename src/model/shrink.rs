//! Which processes of an app go when it is scaled down: the highest instances, so that instance 0 stays.
//!
//! Invariant: pure; what is said before is what the engine then does, or it does nothing.

use crate::protocol::process::{Instance, ProcessInfo};

/// The `fewer` processes of an app that go first, the first of them first; `None` where it is not known
/// which instances they are.
#[must_use]
pub fn leaving<'a>(
    app: impl IntoIterator<Item = &'a ProcessInfo>,
    fewer: usize,
) -> Option<Vec<&'a ProcessInfo>> {
    let mut all: Vec<(u64, &ProcessInfo)> = Vec::new();
    for info in app {
        match info.instance {
            Instance::Number(number) => all.push((number, info)),
            // As one that came last.
            Instance::Unsaid => all.push((u64::MAX, info)),
            Instance::Elsewhere => return None,
        }
    }
    all.sort_by_key(|(number, info)| (*number, info.pm_id));
    Some(all.into_iter().rev().take(fewer).map(|(_, info)| info).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    #[test]
    fn the_highest_instances_go_whatever_their_ids() {
        let of = |(id, instance): (u32, Instance)| ProcessInfo {
            instance,
            ..ProcessInfo::new(PmId(id), "web", ProcessStatus::Online)
        };
        let ids = |app: &[(u32, Instance)], fewer| -> Option<Vec<u32>> {
            let app: Vec<ProcessInfo> = app.iter().copied().map(of).collect();
            Some(leaving(&app, fewer)?.iter().map(|info| info.pm_id.0).collect())
        };
        let number = Instance::Number;
        // The pm2 CLI deleted instance 0 and started another one.
        let app = [(1, number(1)), (2, number(2)), (7, number(0))];
        assert_eq!(ids(&app, 2), Some(vec![2, 1]));
        assert_eq!(ids(&[(1, Instance::Unsaid), (4, Instance::Unsaid)], 1), Some(vec![4]));
        assert_eq!(ids(&[(1, number(0)), (2, Instance::Elsewhere)], 1), None);
    }
}
