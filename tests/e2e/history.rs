//! History in the log of the screen: joined to a flood without a line missing or twice.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use pm2_tui::app::command::{Command, LogCommand};
use pm2_tui::app::effect::Effect;
use pm2_tui::app::log_line::Shown;
use pm2_tui::app::log_view::LogView;
use pm2_tui::app::message::Message;
use pm2_tui::app::{App, update};
use pm2_tui::daemon::inbox::{Inbox, InboxBounds};
use pm2_tui::daemon::{self, Endpoint, Options};
use pm2_tui::logs::Bounds;
use pm2_tui::model::DaemonId;
use pm2_tui::model::daemon::Daemon;
use pm2_tui::model::moment::Moment;
use serde_json::json;
use tokio::time::Instant;

use super::older::with_large_log;
use crate::harness::apps::{App as Script, counter, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::relay::Relay;
use crate::harness::wait_until;

const LIMIT: Duration = Duration::from_mins(1);

/// The screen without a terminal.
pub(super) struct Cockpit {
    pub(super) app: App,
    inbox: Inbox,
    pub(super) handle: daemon::DaemonHandle,
    started: Instant,
}

impl Cockpit {
    pub(super) fn new(home: &Pm2Home) -> Self {
        Self::at(Endpoint::in_home(home.path()), Options::default())
    }

    /// That reads CPU and memory from `/proc`.
    pub(super) fn measuring(home: &Pm2Home) -> Self {
        let options = Options { measures_here: true, ..Options::default() };
        Self::at(Endpoint::in_home(home.path()), options)
    }

    /// With the bus behind a relay.
    pub(super) fn behind(home: &Pm2Home, relay: &Relay) -> Self {
        let mut endpoint = Endpoint::in_home(relay.folder());
        home.path().clone_into(&mut endpoint.home);
        Self::at(endpoint, Options::default())
    }

    /// Of [`with_large_log`], with its end in sight, the log in front, and room for few of its lines.
    pub(super) async fn in_large_log(home: &Pm2Home, count: u32) -> Self {
        let mut cockpit = Self::new(home);
        cockpit.app.log_view = LogView::new(Bounds { lines: 20_000, bytes: 1 << 20 });
        let last = format!("hay {} ", count - 1);
        cockpit.until("the end of it", |app| is_in_sight(app, &last)).await;
        cockpit.app.focus = pm2_tui::app::Pane::Log;
        cockpit
    }

    fn at(endpoint: Endpoint, options: Options) -> Self {
        let inbox = Inbox::new(InboxBounds {
            lines_max: 1_000_000,
            line_bytes_max: 512 << 20,
            ..InboxBounds::default()
        });
        let handle = daemon::spawn(DaemonId(0), endpoint, options, inbox.clone());
        let daemons = vec![Daemon::new(DaemonId(0), "host", "/h", 1_000)];
        let mut app = App::new(daemons, Moment::at(0), 0, (120, 40));
        app.log_view = LogView::new(Bounds { lines: 2_000_000, bytes: 512 << 20 });
        Self { app, inbox, handle, started: Instant::now() }
    }

    fn now(&self) -> Moment {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let wall_ms = since.as_millis() as i64;
        Moment { wall_ms, steady_ms: self.started.elapsed().as_millis() as i64 }
    }

    pub(super) fn take(&mut self, message: Message) {
        let now = self.now();
        for effect in update(&mut self.app, now, message).0 {
            match effect {
                Effect::Older { of, reach, room, .. } => self.handle.older(of, reach, room),
                Effect::Reread { parts, .. } => self.handle.reread(parts),
                Effect::OlderOn { .. } => self.handle.older_on(),
                Effect::HaltOlder => self.handle.halt_older(),
                Effect::SaveLog(saving) => self.handle.save_log(*saving),
                _ => {}
            }
        }
    }

    /// Asks for something that is typed.
    pub(super) fn ask(&mut self, what: LogCommand, typed: &str) {
        self.take(Message::Command(Command::Log(what)));
        for c in typed.chars() {
            self.take(Message::Text(c));
        }
        while self.app.log_view.has_work() {
            self.take(Message::Clock);
        }
        self.take(Message::Command(Command::Open));
    }

    /// At the top, older lines come until there is none.
    pub(super) async fn read_all_older(&mut self) {
        self.app.focus = pm2_tui::app::Pane::Log;
        for _ in 0..200 {
            let before = self.app.lines().len();
            self.take(Message::Command(Command::First));
            self.take(Message::Command(Command::First));
            let notice = self.app.notice.take();
            if notice.is_some_and(|notice| notice.text.contains("no older")) {
                return;
            }
            self.until("older lines", |app| app.notice.is_some() && app.lines().len() > before)
                .await;
        }
        panic!("older lines come for ever");
    }

    /// Takes in what comes until each of these has logged so many more lines.
    pub(super) async fn more(&mut self, names: &[&str], count: u32) {
        let last = |app: &App, name: &str| last_number(app, name);
        let wanted: Vec<u32> = names.iter().map(|name| last(&self.app, name) + count).collect();
        self.until("more lines", |app| {
            names.iter().zip(&wanted).all(|(name, wanted)| last(app, name) >= *wanted)
        })
        .await;
    }

    /// Takes in what comes until all files have grown by some lines.
    async fn more_in_files(&mut self, logs: &std::path::Path) {
        let files = ["forked-out.log", "worker-out-1.log", "shared-out.log"];
        let sizes =
            || files.map(|name| fs::metadata(logs.join(name)).map_or(0, |about| about.len()));
        let before = sizes();
        self.until("the files grow", |_| {
            sizes().iter().zip(before).all(|(now, before)| *now > before + 5_000)
        })
        .await;
    }

    /// Takes in what comes until this holds.
    pub(super) async fn until(&mut self, what: &str, mut is_so: impl FnMut(&App) -> bool) {
        let deadline = Instant::now() + LIMIT;
        let mut batch = Vec::new();
        while !is_so(&self.app) {
            assert!(
                Instant::now() < deadline,
                "{what} did not come; {} lines",
                self.app.lines().len()
            );
            let ready = self.inbox.ready();
            let _ = tokio::time::timeout(Duration::from_millis(50), ready).await;
            self.inbox.take(&mut batch, usize::MAX);
            for (daemon, report) in batch.drain(..) {
                self.take(Message::Report(daemon, report));
            }
            while self.app.log_view.has_work() {
                self.take(Message::Clock);
            }
        }
    }
}

/// The numbers of each name, in the order of the log.
pub(super) fn numbers(app: &App) -> BTreeMap<String, Vec<u32>> {
    let mut all: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for line in app.lines().rows(0, usize::MAX) {
        let number = line.text.text.strip_suffix('.').and_then(|text| text.split_once(' '));
        if let Some((name, Ok(number))) = number.map(|(name, number)| (name, number.parse())) {
            all.entry(name.to_owned()).or_default().push(number);
        }
    }
    all
}

fn has(app: &App, is_it: impl Fn(&Shown) -> bool) -> bool {
    app.lines().rows(0, usize::MAX).iter().any(is_it)
}

pub(crate) fn history_meets_the_bus_in_a_flood() {
    let cluster = json!({"exec_mode": "cluster", "instances": 1});
    let stamped = json!({"time": true});
    let apps = [
        counter("forked", 4_000, 5, "."),
        counter("worker", 4_000, 5, ".").with(cluster),
        counter("stamped", 10, 5, ".").with(stamped),
    ];
    let home = Pm2Home::with(Release::Seven, &apps);
    let lines = |name: &str| {
        let path = home.path().join("logs").join(name);
        fs::read_to_string(path).unwrap_or_default().lines().count()
    };
    wait_until("they have logged a lot", || {
        lines("forked-out.log") > 4_500 && lines("worker-out-1.log") > 4_500
    });
    home.mark();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::new(&home);
        let early = |app: &App, name: &str| {
            numbers(app).get(name).is_some_and(|numbers| numbers.len() >= 1_200)
        };
        cockpit
            .until("history and what follows", |app| early(app, "forked") && early(app, "worker"))
            .await;
        cockpit.read_all_older().await;
        for (name, numbers) in numbers(&cockpit.app) {
            if name == "stamped" {
                continue;
            }
            let wanted: Vec<u32> = (0..numbers.len() as u32).collect();
            let first = numbers.iter().zip(&wanted).position(|(number, wanted)| number != wanted);
            assert_eq!(
                first,
                None,
                "{name}: {:?}",
                first.map(|at| &numbers[at.saturating_sub(3)..at + 3])
            );
        }
        let says_unsure = |line: &Shown| line.text.text.contains("may be missing or stand twice");
        assert!(!has(&cockpit.app, says_unsure), "the seam is exact");
        cockpit.handle.shut_down().await;
    });
    home.assert_unharmed_but(&[]);
}

/// Shows the ends of the files at once, and what cannot be read in one line.
pub(crate) fn the_ends_of_the_files_are_there_at_once() {
    let text = "console.log('2026-11-28T03:00:00Z one'); console.log('  more of one');\n\
                console.error('2026-11-28T03:00:02Z ERROR three'); \n\
                console.log('2026-11-28T03:00:01Z {\"level\":30,\"msg\":\"two\"}');\n\
                setInterval(function () {}, 1e9);";
    let home =
        Pm2Home::with(Release::Seven, &[script("app", "js", text), script("odd", "js", text)]);
    let logs = home.path().join("logs");
    let size = |name: &str| fs::metadata(logs.join(name)).map_or(0, |about| about.len());
    wait_until("it has logged", || size("app-error.log") > 0 && size("odd-error.log") > 0);
    wait_until("all", || fs::read_to_string(logs.join("app-out.log")).unwrap().contains("two"));
    for name in ["odd-out.log", "odd-error.log"] {
        fs::remove_file(logs.join(name)).unwrap();
    }
    fs::create_dir(logs.join("odd-out.log")).unwrap();
    std::os::unix::fs::symlink("odd-error.log", logs.join("odd-error.log")).unwrap();
    let mut screen = home.cockpit((120, 40));
    screen.wait_for("history in the order of time", |text| {
        let at = |word: &str| text.find(word);
        // What has a column of its own does not stand in the text again.
        let (one, more) = (at("03:00:00.000 app[0]   │   one"), at("03:00:00.000~app[0]"));
        let (two, three) = (at("│ i two"), at("┃ E three"));
        one.is_some() && one < more && more < two && two < three
    });
    screen.wait_for("what cannot be read, each once", |text| {
        ["odd-out.log of odd[1]: it is not a regular", "odd-error.log of odd[1]: Too many levels"]
            .iter()
            .all(|said| text.matches(said).count() == 1)
    });
    fs::remove_dir(logs.join("odd-out.log")).unwrap();
}

/// The newest number of a name, among the last lines.
fn last_number(app: &App, name: &str) -> u32 {
    let lines = app.lines();
    let rows = lines.rows(lines.len().saturating_sub(3_000), 3_000);
    let number = |line: &Shown| -> Option<u32> {
        let (of, number) = line.text.text.strip_suffix('.')?.rsplit_once(' ')?;
        of.ends_with(name).then(|| number.parse().ok())?
    };
    rows.iter().filter_map(number).max().unwrap_or(0)
}

/// Panics unless these are all numbers from 0 on, each once and in order.
#[track_caller]
pub(super) fn assert_each_once(name: &str, numbers: &[u32]) {
    let wrong = numbers.iter().zip(0..).position(|(number, wanted)| *number != wanted);
    if let Some(at) = wrong {
        let around = &numbers[at.saturating_sub(3)..(at + 3).min(numbers.len())];
        panic!("{name}: at {at} of {}: {around:?}", numbers.len());
    }
}

pub(super) const COUNTED: [&str; 4] = ["forked", "worker", "shared0", "shared1"];

/// Files are rotated both ways and emptied, the bus goes and comes, the log is read to its beginning:
/// every number is there once.
pub(crate) fn each_line_is_there_once_whatever_becomes_of_files_and_bus(release: Release) {
    let apps = counted_apps();
    let home = Pm2Home::with(release, &apps);
    let logs = home.path().join("logs");
    let size = |name: &str| fs::metadata(logs.join(name)).map_or(0, |about| about.len());
    wait_until("they have logged a lot", || {
        size("forked-out.log") > 700_000 && size("worker-out-1.log") > 700_000
    });
    home.mark();
    let relay = Relay::before(home.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::behind(&home, &relay);
        let early = |app: &App, name: &str| {
            numbers(app).get(name).is_some_and(|numbers| numbers.len() >= 1_200)
        };
        cockpit
            .until("history and what follows", |app| COUNTED.iter().all(|name| early(app, name)))
            .await;
        // Renamed and opened anew while the beginning is not read yet.
        for name in ["forked-out.log", "worker-out-1.log", "shared-out.log"] {
            fs::rename(logs.join(name), logs.join(format!("{name}.1"))).unwrap();
        }
        home.call("reloadLogs", &json!({}));
        cockpit.more(&COUNTED, 500).await;
        cockpit.read_all_older().await;
        // Copied and truncated, and emptied.
        truncate(&logs);
        cockpit.more(&COUNTED, 500).await;
        assert!(home.cli(&["flush"]).status.success());
        cockpit.more(&COUNTED, 500).await;
        // Lost for a moment, thrice.
        for _ in 0..3 {
            relay.cut();
            cockpit.more_in_files(&logs).await;
            relay.reopen();
            cockpit.more(&COUNTED, 1_000).await;
        }
        let all = numbers(&cockpit.app);
        let says_unsure = |line: &Shown| line.text.text.contains("may be missing");
        let unsure: Vec<_> =
            cockpit.app.lines().rows(0, usize::MAX).into_iter().filter(says_unsure).collect();
        assert!(unsure.is_empty(), "all is certain: {unsure:?}");
        assert_eq!(cockpit.app.log_view.lost(), 0, "no lines came too fast");
        for name in COUNTED {
            assert_each_once(name, &all[name]);
        }
        cockpit.handle.shut_down().await;
    });
    home.assert_unharmed_but(&[]);
}

pub(super) fn counted_apps() -> [Script; 3] {
    let cluster = json!({"exec_mode": "cluster", "instances": 1});
    let shared = json!({"exec_mode": "cluster", "instances": 2, "merge_logs": true});
    [
        counter("forked", 50_000, 20, "."),
        counter("worker", 50_000, 20, ".").with(cluster),
        counter("shared", 5_000, 10, ".").with(shared),
    ]
}

/// Empties the files as logrotate does with `copytruncate`.
fn truncate(logs: &std::path::Path) {
    for name in ["forked-out.log", "worker-out-1.log", "shared-out.log"] {
        let path = logs.join(name);
        fs::copy(&path, logs.join(format!("{name}.2"))).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    }
}

/// Whether a line in sight has these words: what is not looked at is not read.
pub(super) fn is_in_sight(app: &App, words: &str) -> bool {
    let top = pm2_tui::app::log_top(app, 20);
    app.lines().rows(top, 20).iter().any(|line| line.text.text.contains(words))
}

/// A file that is far larger than what is held is searched, and gone back in, on demand; nothing of it
/// is held, and what is cut off says so.
pub(crate) fn a_large_file_is_gone_back_in_on_demand() {
    let home = with_large_log(500_000);
    home.mark();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::in_large_log(&home, 500_000).await;
        // A word that only its beginning has.
        cockpit.ask(LogCommand::Search, "Needle");
        cockpit.until("the word", |app| is_in_sight(app, "Needle 5000 ")).await;
        assert_eq!(cockpit.app.log_view.found(), 1);
        let marked =
            |app: &App| pm2_tui::app::marked(app).and_then(|line| app.log_view.whole(line));
        cockpit
            .until("its line", |app| marked(app).is_some_and(|it| it.text.text.contains("Needle")))
            .await;
        // Its very beginning, where there is room for all between.
        cockpit.take(Message::Command(Command::First));
        cockpit.take(Message::Command(Command::First));
        cockpit.until("the beginning", |app| is_in_sight(app, "hay 0 ")).await;
        let first = |app: &App| app.lines().rows(0, 1)[0].text.text.to_string();
        cockpit.until("what is in sight", |app| first(app).contains("hay 0 ")).await;
        // Cut off under it.
        fs::OpenOptions::new()
            .write(true)
            .open(home.path().join("large.log"))
            .unwrap()
            .set_len(0)
            .unwrap();
        cockpit.take(Message::Command(Command::PageDown));
        cockpit.take(Message::Command(Command::PageDown));
        cockpit.take(Message::Command(Command::PageDown));
        cockpit
            .until("that they are gone", |app| {
                marked(app).is_some_and(|it| it.text.text.contains("no longer to be read"))
            })
            .await;
        let words = "of this log file are passed over here";
        assert!(has(&cockpit.app, |line| line.text.text.contains(words)));
        cockpit.handle.shut_down().await;
    });
    home.assert_unharmed_but(&[]);
}

/// A time that is not held is gone to, and reading is ended by Esc.
pub(crate) fn a_time_far_back_is_gone_to_and_esc_ends_it() {
    let home = with_large_log(500_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::in_large_log(&home, 500_000).await;
        // 10,000 s before the newest line are 100,000 lines.
        cockpit.ask(LogCommand::GoToTime, "-10000s");
        cockpit
            .until("the time", |app| {
                let marked = pm2_tui::app::marked(app).and_then(|line| app.log_view.time_of(line));
                let lines = app.lines();
                let newest = lines.at(lines.len() - 1).and_then(|line| app.log_view.time_of(line));
                let apart = newest.zip(marked).map_or(0, |(newest, marked)| newest - marked);
                (9_990_000..10_010_000).contains(&apart)
            })
            .await;
        let notice = |app: &App| app.notice.as_ref().map_or(String::new(), |it| it.text.clone());
        cockpit.ask(LogCommand::Search, "nowhere");
        cockpit.until("how far it is", |app| notice(app).contains("% of")).await;
        cockpit.take(Message::Command(Command::Back));
        assert!(notice(&cockpit.app).contains("stopped"));
        cockpit.handle.shut_down().await;
    });
}
