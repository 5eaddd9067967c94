//! History in the log of the screen: joined to a flood without a line missing or twice.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use pm2_tui::app::effect::Effect;
use pm2_tui::app::log_line::Shown;
use pm2_tui::app::message::Message;
use pm2_tui::app::{App, update};
use pm2_tui::daemon::inbox::{Inbox, InboxBounds};
use pm2_tui::daemon::{self, Endpoint, Options};
use pm2_tui::model::DaemonId;
use pm2_tui::model::daemon::Daemon;
use pm2_tui::model::moment::Moment;
use serde_json::json;
use tokio::time::Instant;

use crate::harness::apps::{App as Script, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::wait_until;

const LIMIT: Duration = Duration::from_mins(1);

/// An app that logs numbered lines: so many at once, then some every few milliseconds, for ever.
fn counter(name: &str, at_once: u32) -> Script {
    script(
        name,
        "js",
        format!(
            "var n = 0, name = '{name}';\n\
             if (name === 'shared') name += process.env.NODE_APP_INSTANCE;\n\
             function line() {{ console.log(name + ' ' + n++ + '.'); }}\n\
             for (var i = 0; i < {at_once}; i++) line();\n\
             setInterval(function () {{ for (var i = 0; i < 5; i++) line(); }}, 10);"
        ),
    )
}

/// The screen without a terminal.
pub(super) struct Cockpit {
    pub(super) app: App,
    inbox: Inbox,
    pub(super) handle: daemon::DaemonHandle,
    started: Instant,
}

impl Cockpit {
    pub(super) fn new(home: &Pm2Home) -> Self {
        let inbox = Inbox::new(InboxBounds { lines_max: 1_000_000, ..InboxBounds::default() });
        let endpoint = Endpoint::in_home(home.path());
        let handle = daemon::spawn(DaemonId(0), endpoint, Options::default(), inbox.clone());
        let daemons = vec![Daemon::new(DaemonId(0), "host", "/h", 1_000)];
        let app = App::new(daemons, Moment::at(0), 0, (120, 40));
        Self { app, inbox, handle, started: Instant::now() }
    }

    fn now(&self) -> Moment {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let wall_ms = since.as_millis() as i64;
        Moment { wall_ms, steady_ms: self.started.elapsed().as_millis() as i64 }
    }

    fn take(&mut self, message: Message) {
        let now = self.now();
        for effect in update(&mut self.app, now, message).0 {
            if let Effect::Older { of, .. } = effect {
                self.handle.older(of);
            }
        }
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
            while !self.app.log_view.is_done() {
                self.take(Message::Clock);
            }
        }
    }
}

/// The numbers of each name, in the order of the log.
fn numbers(app: &App) -> BTreeMap<String, Vec<u32>> {
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
        counter("forked", 4_000),
        counter("worker", 4_000).with(cluster),
        counter("stamped", 10).with(stamped),
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
        // At the top, older lines come until there is none.
        cockpit.app.focus = pm2_tui::app::Pane::Log;
        for _ in 0..20 {
            let before = cockpit.app.lines().len();
            cockpit.take(Message::Command(pm2_tui::app::command::Command::First));
            cockpit.take(Message::Command(pm2_tui::app::command::Command::First));
            let notice = cockpit.app.notice.take();
            if notice.is_some_and(|notice| notice.text.contains("no older")) {
                break;
            }
            cockpit
                .until("older lines", |app| app.notice.is_some() && app.lines().len() > before)
                .await;
        }
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
    // One line, or one each where a busy machine reads the files one after another.
    screen.wait_for("what cannot be read", |text| {
        text.contains("and 1 more")
            || (text.contains("no plain file") && text.contains("symbolic links"))
    });
    fs::remove_dir(logs.join("odd-out.log")).unwrap();
}
