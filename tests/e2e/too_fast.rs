//! Output that comes while the machine is too busy to take it.

use std::fs;
use std::time::Duration;

use pm2_tui::logs::TimeFrom;

use super::history::{COUNTED, Cockpit, assert_each_once, counted_apps, numbers};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::wait_until;

/// The bus says more than is kept while nothing takes it: what is lost of it is in the files, and stands in its
/// place, each line once.
pub(crate) fn what_came_too_fast_is_read_from_the_files() {
    let home = Pm2Home::with(Release::Seven, &counted_apps());
    let logs = home.path().join("logs");
    let size = |name: &str| fs::metadata(logs.join(name)).map_or(0, |about| about.len());
    let files = ["forked-out.log", "worker-out-1.log", "shared-out.log"];
    wait_until("they have logged a lot", || size(files[0]) > 700_000 && size(files[1]) > 700_000);
    home.mark();
    // One thread takes what comes, as in the program.
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::new(&home);
        cockpit
            .until("history and what follows", |app| {
                let all = numbers(app);
                COUNTED.iter().all(|name| all.get(*name).is_some_and(|all| all.len() >= 1_200))
            })
            .await;
        cockpit.read_all_older().await;
        for _ in 0..2 {
            let before = files.map(size);
            // As long as it does not take, 4 MiB are kept of what comes.
            let busy = tokio::spawn({
                let logs = logs.clone();
                async move {
                    let size = |name: &str| fs::metadata(logs.join(name)).unwrap().len();
                    while files
                        .iter()
                        .zip(before)
                        .any(|(name, size_then)| size(name) < size_then + 120_000)
                    {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            });
            busy.await.unwrap();
            cockpit.more(&COUNTED, 2_000).await;
        }
        assert_eq!(cockpit.app.log_view.lost(), 0, "all is in the files");
        let all = cockpit.app.lines().rows(0, usize::MAX);
        let unsure: Vec<_> =
            all.iter().filter(|line| line.text.text.contains("may be missing")).collect();
        assert!(unsure.is_empty(), "all is certain: {unsure:?}");
        let is_read = |line: &&pm2_tui::app::log_line::Shown| {
            line.time.from == TimeFrom::Estimated && line.text.text.starts_with("forked 1")
        };
        assert!(all.iter().filter(is_read).count() > 1_000, "nothing was lost on the bus");
        let all = numbers(&cockpit.app);
        for name in COUNTED {
            assert_each_once(name, &all[name]);
        }
        cockpit.handle.shut_down().await;
    });
    home.assert_unharmed_but(&[]);
}
