//! History over losses of the bus, in virtual time: with log files, and what a bus would say.

use std::fs::{self, OpenOptions};
use std::io::Write;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::heard::Piece;
use super::*;
use crate::daemon::{Endpoint, Inbox, InboxBounds, Options, Timings};
use crate::model::DaemonId;
use crate::protocol::bus::{BusPmId, LogChunk, LogStream, ProcessRef};
use crate::protocol::process::ProcessStatus;

/// A screen, and all that it was told.
struct Scene {
    folder: tempfile::TempDir,
    watch: Arc<Watch>,
    told: Vec<String>,
    rulers: Vec<String>,
    /// What was missed, and when that was written as it seems.
    missed: Vec<(String, i64)>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let watch = Arc::new(Watch {
            id: DaemonId(0),
            endpoint: Endpoint::in_home(folder.path()),
            options: Options::default(),
            timings: Timings::default(),
            inbox: Inbox::new(InboxBounds::default()),
            requests: Arc::default(),
            ears: crate::daemon::Ears::default(),
            tasks: TaskTracker::new(),
            generation: CancellationToken::new(),
            history: Arc::default(),
            formats: crate::daemon::said::Formats::default(),
            killed: watch::Sender::new(None),
        });
        let running = Arc::clone(&watch);
        tokio::spawn(async move { run(&running).await });
        let (told, rulers, missed) = (Vec::new(), Vec::new(), Vec::new());
        Self { folder, watch, told, rulers, missed }
    }

    /// The daemon says which processes there are, and where the standard output of each goes.
    fn list(&self, all: &[(u32, &str)]) {
        self.list_since(all, None);
    }

    /// The same, and since when they live.
    fn list_since(&self, all: &[(u32, &str)], since_ms: Option<i64>) {
        let info = |(id, file): &(u32, &str)| {
            let mut info = ProcessInfo::new(PmId(*id), "api", ProcessStatus::Online);
            info.online_since_ms = since_ms;
            info.logs.out = Some(self.folder.path().join(file).to_str().unwrap().into());
            info
        };
        self.watch.history.processes(&all.iter().map(info).collect::<Vec<_>>());
    }

    fn write(&self, file: &str, line: &str) {
        let path = self.folder.path().join(file);
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    }

    fn rename(&self, file: &str) {
        let path = self.folder.path().join(file);
        fs::rename(&path, path.with_extension("1")).unwrap();
    }

    /// What a process says is in its file, and comes on the bus.
    fn says(&mut self, id: u32, file: &str, line: &str) {
        self.write(file, line);
        self.hears(id, line);
    }

    /// It comes on the bus.
    fn hears(&mut self, id: u32, line: &str) {
        let process = ProcessRef { pm_id: Some(BusPmId::Process(PmId(id))), name: "api".into() };
        let data = format!("{line}\n");
        let chunk = LogChunk { process, stream: LogStream::Out, at_ms: None, data };
        if let Some(chunk) = self.watch.history.heard.take(chunk) {
            self.tell(&chunk.data);
        }
    }

    fn connect(&self) {
        self.watch.history.heard.connected();
    }

    fn disconnect(&self) {
        self.watch.history.heard.disconnected();
    }

    fn tell(&mut self, text: &str) {
        self.told.extend(text.lines().map(str::to_owned));
    }

    async fn pass(&mut self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        for piece in self.watch.history.heard.released() {
            match piece {
                Piece::Came(chunk) => self.tell(&chunk.data),
                Piece::Missed { bytes, written, .. } => {
                    let mut before = 0;
                    let text = String::from_utf8(bytes).unwrap();
                    for line in text.split_inclusive('\n') {
                        let at_ms = written.at(before).unwrap();
                        self.missed.push((line.trim_end().to_owned(), at_ms));
                        before += line.len() as u64;
                    }
                    self.tell(&text);
                }
                Piece::Unsure { text, .. } => self.rulers.push(text),
                Piece::Lost(missing) => {
                    self.rulers.push(format!("{} lost", missing.lines()));
                }
            }
        }
        let mut reports = Vec::new();
        self.watch.inbox.take(&mut reports, usize::MAX);
        for (_, report) in reports {
            let Report::History(past) = report else { continue };
            for file in past.files {
                self.rulers.extend((!file.is_exact).then(|| format!("{}: not exact", file.name)));
                for line in file.lines {
                    if file.is_after {
                        let text = String::from_utf8(line.bytes.to_vec()).unwrap();
                        self.missed.push((text, line.at_ms));
                    }
                    self.tell(std::str::from_utf8(&line.bytes).unwrap());
                }
            }
        }
    }

    /// Each of these was told once, and nothing is unsure.
    fn assert_each_once(mut self, mut wanted: Vec<String>) {
        wanted.sort();
        self.told.sort();
        assert_eq!((self.told, self.rulers), (wanted, Vec::new()));
    }
}

fn numbered(name: &str, count: u32) -> Vec<String> {
    (0..count).map(|n| format!("{name} {n}")).collect()
}

/// The screen was opened just before the daemon was lost: where in their files the outputs began was not found
/// yet.
#[tokio::test(start_paused = true)]
async fn a_loss_during_the_first_look_leaves_no_gap_and_repeats_nothing() {
    for [one, two] in [["both.log", "both.log"], ["one.log", "two.log"]] {
        let mut scene = Scene::new();
        let all = [(1, one), (2, two)];
        scene.write(one, "one 0");
        scene.write(two, "two 0");
        scene.connect();
        scene.list(&all);
        scene.pass(50).await;
        for n in 1..3 {
            scene.says(1, one, &format!("one {n}"));
            scene.says(2, two, &format!("two {n}"));
            scene.pass(40).await;
        }
        scene.disconnect();
        scene.write(one, "one 3");
        scene.write(two, "two 3");
        scene.pass(100).await;
        scene.connect();
        scene.list(&all);
        for n in 4..8 {
            scene.says(1, one, &format!("one {n}"));
            scene.says(2, two, &format!("two {n}"));
            scene.pass(200).await;
        }
        scene.pass(10_000).await;
        scene.says(1, one, "one 8");
        scene.says(2, two, "two 8");
        scene.pass(100).await;
        scene.assert_each_once([numbered("one", 9), numbered("two", 9)].concat());
    }
}

/// The same of outputs of which nothing had come.
#[tokio::test(start_paused = true)]
async fn a_loss_during_the_first_look_at_what_is_quiet_leaves_no_gap() {
    for [one, two] in [["both.log", "both.log"], ["one.log", "two.log"]] {
        let mut scene = Scene::new();
        let all = [(1, one), (2, two)];
        scene.write(one, "one 0");
        scene.write(two, "two 0");
        scene.connect();
        scene.list(&all);
        scene.pass(50).await;
        scene.disconnect();
        scene.write(one, "one 1");
        scene.write(two, "two 1");
        scene.connect();
        scene.list(&all);
        scene.pass(100).await;
        for n in 2..5 {
            scene.says(1, one, &format!("one {n}"));
            scene.says(2, two, &format!("two {n}"));
            scene.pass(200).await;
        }
        scene.pass(10_000).await;
        scene.assert_each_once([numbered("one", 5), numbered("two", 5)].concat());
    }
}

/// Another daemon gives other ids, and so log files have other names; these are rotated while what was lost is
/// still looked for in the old ones.
#[tokio::test(start_paused = true)]
async fn files_with_new_names_are_read_though_they_are_renamed_at_once() {
    let mut scene = Scene::new();
    scene.write("api-out-0.log", "old 0");
    scene.connect();
    scene.list(&[(0, "api-out-0.log")]);
    scene.pass(3_000).await;
    scene.says(0, "api-out-0.log", "old 1");
    scene.pass(3_000).await;
    scene.disconnect();
    scene.pass(1_000).await;
    let new = "api-out-2.log";
    (0..5).for_each(|n| scene.write(new, &format!("new {n}")));
    scene.connect();
    scene.pass(10).await;
    scene.list(&[(2, new)]);
    scene.says(2, new, "new 5");
    scene.pass(300).await;
    scene.says(2, new, "new 6");
    scene.pass(700).await;
    scene.rename(new);
    for n in 7..10 {
        scene.says(2, new, &format!("new {n}"));
        scene.pass(500).await;
    }
    scene.pass(4_000).await;
    scene.assert_each_once([numbered("old", 2), numbered("new", 10)].concat());
}

/// What the renamed file held is told, and what the next one held before the bus began is said to be missing.
#[tokio::test(start_paused = true)]
async fn what_a_next_file_holds_before_the_bus_began_is_said_to_be_missing() {
    let mut scene = Scene::new();
    scene.write("api.log", "line 0");
    scene.list(&[(0, "api.log")]);
    scene.pass(100).await;
    scene.rename("api.log");
    scene.write("api.log", "line 1");
    scene.connect();
    scene.says(0, "api.log", "line 2");
    scene.pass(10_000).await;
    scene.told.sort();
    assert_eq!((scene.told, scene.rulers.len()), (vec!["line 0".into(), "line 2".into()], 1));
}

/// A bus that is accepted and closed again and again, from before the processes are known.
#[tokio::test(start_paused = true)]
async fn history_comes_though_the_bus_never_stays() {
    let mut scene = Scene::new();
    scene.write("api.log", "line 0");
    for _ in 0..2 {
        scene.connect();
        scene.pass(10).await;
        scene.disconnect();
        scene.pass(10).await;
    }
    scene.list(&[(0, "api.log")]);
    for _ in 0..40 {
        scene.connect();
        tokio::task::yield_now().await;
        scene.disconnect();
        scene.pass(100).await;
    }
    scene.assert_each_once(numbered("line", 1));
}

/// Where the bus is slower than the list, the files are read before it is there.
#[tokio::test(start_paused = true)]
async fn what_is_written_between_history_and_a_late_bus_is_told() {
    let mut scene = Scene::new();
    scene.write("api.log", "line 0");
    scene.list(&[(0, "api.log")]);
    scene.pass(3_000).await;
    assert_eq!(scene.told, ["line 0"]);
    scene.write("api.log", "line 1");
    scene.connect();
    scene.says(0, "api.log", "line 2");
    scene.pass(100).await;
    scene.list(&[(0, "api.log")]);
    scene.pass(2_000).await;
    scene.says(0, "api.log", "line 3");
    scene.pass(100).await;
    scene.assert_each_once(numbered("line", 4));
}

/// After `pm2 resurrect` ids and names of files may be other ones: what old workers wrote last is in files that
/// no process has.
#[tokio::test(start_paused = true)]
async fn what_old_workers_wrote_to_files_that_nobody_has_is_told() {
    let mut scene = Scene::new();
    scene.write("old.log", "old 0");
    scene.connect();
    scene.list(&[(1, "old.log")]);
    scene.pass(3_000).await;
    scene.says(1, "old.log", "old 1");
    scene.pass(3_000).await;
    scene.disconnect();
    scene.write("old.log", "old 2");
    scene.pass(500).await;
    scene.connect();
    scene.list(&[(2, "new.log")]);
    scene.says(2, "new.log", "new 0");
    scene.pass(20_000).await;
    let wanted = numbered("old", 3).into_iter().chain(numbered("new", 1));
    scene.assert_each_once(wanted.collect());
}

/// The daemon was away for long, and its processes with it: the file tells what the old ones wrote last, and the
/// new ones wrote nothing before they began. Which files there are stays as it was.
#[tokio::test(start_paused = true)]
async fn what_was_missed_was_written_by_lives_that_had_begun() {
    for [one, two] in [["both.log", "both.log"], ["one.log", "two.log"]] {
        let mut scene = Scene::new();
        let all = [(1, one), (2, two)];
        let say = |scene: &Scene, n: u32| {
            scene.write(one, &format!("one {n}"));
            scene.write(two, &format!("two {n}"));
        };
        let now_ms = |scene: &Scene| scene.watch.history.heard.wall_ms();
        say(&scene, 0);
        scene.connect();
        scene.list_since(&all, Some(now_ms(&scene) - 60_000));
        scene.pass(3_000).await;
        scene.says(1, one, "one 1");
        scene.says(2, two, "two 1");
        scene.pass(3_000).await;
        let lost_ms = now_ms(&scene);
        scene.disconnect();
        scene.pass(50).await;
        say(&scene, 2);
        scene.pass(30_000).await;
        let begun_ms = now_ms(&scene);
        for n in 3..6 {
            scene.pass(400).await;
            say(&scene, n);
        }
        scene.connect();
        scene.list_since(&all, Some(begun_ms));
        scene.pass(100).await;
        scene.says(1, one, "one 6");
        scene.says(2, two, "two 6");
        scene.pass(10_000).await;
        assert_eq!(scene.missed.len(), 8);
        for (line, at_ms) in &scene.missed {
            let wanted = match line.chars().last() {
                Some('2') => lost_ms..=lost_ms + 200,
                _ => begun_ms..=begun_ms + 1_300,
            };
            assert!(wanted.contains(at_ms), "{line} at {}, of {wanted:?}", at_ms - lost_ms);
        }
        scene.assert_each_once([numbered("one", 7), numbered("two", 7)].concat());
    }
}

/// A worker makes its files itself, later than it is listed: what it writes there while the bus is lost is told.
#[tokio::test(start_paused = true)]
async fn what_was_missed_is_told_of_files_that_were_made_behind_the_first_look() {
    for [one, two] in [["both.log", "both.log"], ["one.log", "two.log"]] {
        for is_made_before in [true, false] {
            let mut scene = Scene::new();
            let all = [(1, one), (2, two)];
            scene.connect();
            scene.list(&all);
            scene.pass(3_000).await;
            let had = if is_made_before { 2 } else { 0 };
            for n in 0..had {
                scene.says(1, one, &format!("one {n}"));
                scene.says(2, two, &format!("two {n}"));
                scene.pass(100).await;
            }
            scene.disconnect();
            for n in had..5 {
                scene.write(one, &format!("one {n}"));
                scene.write(two, &format!("two {n}"));
            }
            scene.pass(3_000).await;
            scene.connect();
            scene.list(&all);
            scene.pass(100).await;
            for n in 5..8 {
                scene.says(1, one, &format!("one {n}"));
                scene.says(2, two, &format!("two {n}"));
                scene.pass(200).await;
            }
            scene.pass(10_000).await;
            scene.assert_each_once([numbered("one", 8), numbered("two", 8)].concat());
        }
    }
}

/// Of a file that cannot be read nobody knows what was missed.
#[tokio::test(start_paused = true)]
async fn what_was_missed_of_a_file_that_cannot_be_read_is_said_to_be_missing() {
    let mut scene = Scene::new();
    fs::create_dir(scene.folder.path().join("api.log")).unwrap();
    scene.connect();
    scene.list(&[(0, "api.log")]);
    scene.pass(3_000).await;
    scene.disconnect();
    scene.connect();
    scene.list(&[(0, "api.log")]);
    let process = ProcessRef { pm_id: Some(BusPmId::Process(PmId(0))), name: "api".into() };
    let data = "line 1\n".to_owned();
    let chunk = LogChunk { process, stream: LogStream::Out, at_ms: None, data };
    assert!(scene.watch.history.heard.take(chunk).is_none(), "it is held");
    scene.pass(10_000).await;
    assert_eq!((scene.told, scene.rulers.len()), (vec!["line 1".into()], 1));
}

mod resurrected;
