//! Log files that were emptied: by others, and here.

use super::*;
use crate::model::disk::{FileLook, SizesLook};
use crate::model::errand::{Errand, Outcome, TaskId};

const MIB: u64 = 1 << 20;

fn look(watched: &mut Watched, sizes: [u64; 2], ms: i64) {
    let paths = ["/l/out.log", "/l/err.log"];
    let asked = paths.map(Into::into).to_vec();
    let file =
        |(path, size): (&str, u64)| FileLook { path: path.into(), device: 1, inode: 7, size };
    let files = paths.into_iter().zip(sizes).map(file).collect();
    apply(watched, DAEMON, Report::Sizes(SizesLook { asked, files }), at(ms));
}

fn with_files() -> Watched {
    let mut info = info(1, "api", ProcessStatus::Online);
    (info.logs.out, info.logs.err) = (Some("/l/out.log".into()), Some("/l/err.log".into()));
    watched(vec![info])
}

#[test]
fn log_files_that_somebody_else_emptied_are_told_once() {
    let mut watched = with_files();
    look(&mut watched, [5 * MIB, 2_048], 1_000);
    look(&mut watched, [6 * MIB, 2_048], 3_000);
    let before = watched.news.len();
    look(&mut watched, [10, 0], 5_000);
    assert!(told(&watched, before).is_empty(), "it may have been done here");
    look(&mut watched, [20, 0], 7_000);
    assert_eq!(
        told(&watched, before),
        ["truncated: out 6.0 MiB, err 2.0 KiB of log files, not from here"]
    );
    let line = watched.news.iter().last().unwrap();
    assert_eq!((line.at_ms, line.source.pm_id), (5_000, Some(PmId(1))), "when it was seen");
    look(&mut watched, [30, 0], 9_000);
    assert_eq!(told(&watched, before).len(), 1);
}

#[test]
fn what_was_emptied_here_is_told_by_its_outcome_alone() {
    for is_seen_before in [true, false] {
        let mut watched = with_files();
        look(&mut watched, [5 * MIB, 2_048], 1_000);
        let before = watched.news.len();
        if is_seen_before {
            look(&mut watched, [0, 0], 3_000);
        }
        let target = row(&watched).target(None);
        let outcome = Box::new(Outcome::of(&Errand::Flush, &target, Verdict::Done));
        apply(&mut watched, DAEMON, Report::Did { task: TaskId(1), outcome }, at(3_010));
        for ms in [5_000, 7_000, 9_000] {
            look(&mut watched, [0, 0], ms);
        }
        let told = told(&watched, before);
        assert!(told.len() == 1 && told[0].starts_with("flush: logs flushed"), "{told:?}");
    }
}
