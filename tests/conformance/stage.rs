//! A daemon with the apps that every scenario knows, and a client on it.

use std::time::Duration;

use futures_util::StreamExt;
use pm2_tui::client::{Bus, BusItem, Client, ClientError, ClientOptions, Event};
use pm2_tui::daemon::Endpoint;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::harness::apps::{App, script};
use crate::harness::home::{Listed, Pm2Home};
use crate::harness::install::Release;
use crate::harness::procfs::Proc;
use crate::harness::{PATIENCE, wait_until};

/// How long a call may take before it counts as lost: longer than any `kill_timeout` here.
const CALL_LIMIT: Duration = Duration::from_secs(15);

/// A daemon, its apps, and the runtime that clients on it live in.
pub(crate) struct Stage {
    pub(crate) home: Pm2Home,
    runtime: Runtime,
}

/// Two workers of a cluster that listen on one port, and say so.
pub(crate) fn web() -> App {
    let text = "require('http').createServer(function (q, a) { a.end('hello'); })
  .listen(0, '127.0.0.1', function () {
    require('fs').writeFileSync(process.env.READY + '/web-' + process.pid + '.ready', '');
  });";
    script("web", "js", text)
        .with(json!({"exec_mode": "cluster_mode", "instances": 2, "vizion": false}))
}

fn fork(name: &str, text: &str) -> App {
    let ready = "require('fs').writeFileSync(process.env.READY + '/NAME.ready', '');\n";
    script(name, "js", format!("{text}\n{}", ready.replace("NAME", name)))
        .with(json!({"exec_mode": "fork_mode", "vizion": false}))
}

/// A fork that does nothing.
pub(crate) fn plain() -> App {
    fork("plain", "setInterval(function () {}, 1e9);")
}

/// A fork that sends `my:message` on SIGUSR2.
pub(crate) fn talker() -> App {
    let text = "var n = 0;
process.on('SIGUSR2', function () { process.send({type: 'my:message', data: {n: ++n}}); });
setInterval(function () {}, 1e9);";
    fork("talker", text)
}

const THROWS: &str = "process.on('SIGUSR2', function () { throw new Error('boom 4711'); });
setInterval(function () {}, 1e9);";

/// A fork that throws on SIGUSR2.
pub(crate) fn thrower() -> App {
    fork("thrower", THROWS)
}

/// A cluster app that throws on SIGUSR2.
pub(crate) fn cluster_thrower() -> App {
    fork("clustered", THROWS)
        .with(json!({"exec_mode": "cluster_mode", "instances": 1, "vizion": false}))
}

impl Stage {
    /// A daemon with these apps, each up and with its handlers in place.
    pub(crate) fn new(release: Release, apps: &[App]) -> Self {
        let stage = Self::of(Pm2Home::with(release, apps));
        stage.wait_online();
        for name in ["plain", "talker", "thrower", "clustered"] {
            if apps.iter().any(|app| app.name == name) {
                stage.wait_ready(name);
            }
        }
        stage
    }

    /// A runtime for clients on this home's daemon.
    pub(crate) fn of(home: Pm2Home) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self { home, runtime }
    }

    /// Runs beside the test.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.runtime.spawn(work)
    }

    /// Waits until all that the daemon lists is online, and the workers of `web` listen.
    ///
    /// A worker that is ended between its question for the port and the answer kills a daemon with an
    /// old Node.js, 3.5.2 with Node 10 say: docs/pm2-ops.md has it.
    #[track_caller]
    pub(crate) fn wait_online(&self) {
        let apps = self.home.apps();
        let script = std::fs::read_to_string(apps.join("web.js")).unwrap_or_default();
        let says_so = script.contains(".ready");
        let listens = |one: &Listed| {
            !says_so || one.name != "web" || apps.join(format!("web-{}.ready", one.pid)).is_file()
        };
        let is_up = |one: &Listed| one.status == "online" && one.pid > 0 && listens(one);
        wait_until("all is online", || {
            let listed = self.home.jlist();
            !listed.is_empty() && listed.iter().all(is_up)
        });
    }

    /// Waits until a fork of this name has run to its script's end.
    #[track_caller]
    pub(crate) fn wait_ready(&self, name: &str) {
        let file = self.home.apps().join(format!("{name}.ready"));
        let runs = crate::harness::poll_for(PATIENCE, || file.is_file().then_some(()));
        assert!(runs.is_some(), "{name} does not run; {}", self.traces(name));
        // So that the next one of this name can be waited for.
        std::fs::remove_file(file).unwrap();
    }

    /// What there is to see of a process that does not get to its script's end.
    fn traces(&self, name: &str) -> String {
        let listed = self.home.jlist();
        let pid = listed.iter().find(|one| one.name == name).map_or(0, |one| one.pid);
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let log = |path: &std::path::Path| read(path.to_str().unwrap());
        let home = self.home.path();
        let logs = format!("logs/{name}-error-0.log");
        format!(
            "{listed:?}\n{}\n{}\n{}\n{}",
            read(&format!("/proc/{pid}/status")),
            read(&format!("/proc/{pid}/cmdline")).replace('\0', " "),
            log(&home.join(logs)),
            log(&home.join("pm2.log"))
        )
    }

    /// Sends a signal to the only process of this name.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let process = Proc::find(self.home.one(name).pid).unwrap();
        process.signal(rustix::process::Signal::USR2);
    }

    /// Where the daemon is.
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self.home.ports() {
            None => Endpoint::in_home(self.home.path()),
            Some((rpc, _)) => {
                Endpoint::at(&format!("tcp://127.0.0.1:{rpc}"), self.home.path()).unwrap()
            }
        }
    }

    /// Runs to its end.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A client on the daemon.
    #[track_caller]
    pub(crate) fn client(&self) -> Client {
        let options = ClientOptions { timeout: CALL_LIMIT, ..ClientOptions::default() };
        self.run(Client::connect(&self.endpoint(), options)).unwrap()
    }

    /// One call; `args` is an array.
    pub(crate) fn call(
        &self,
        client: &Client,
        method: &str,
        args: &Json,
    ) -> Result<Json, ClientError> {
        self.run(client.call(method, args.as_array().unwrap().clone()))
    }

    /// One call that must succeed.
    #[track_caller]
    pub(crate) fn good(&self, client: &Client, method: &str, args: &Json) -> Json {
        self.call(client, method, args).unwrap_or_else(|error| {
            panic!("{method} {args}: {error} ({error:?})\n{}", self.last_of_pm2())
        })
    }

    /// The end of the daemon's own log: why it closed a connection stands nowhere else.
    fn last_of_pm2(&self) -> String {
        let log = std::fs::read_to_string(self.home.path().join("pm2.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// A bus that is connected.
    pub(crate) fn bus(&self, patterns: &[&str]) -> Bus {
        self.run(async {
            let mut bus = Bus::subscribe(&self.endpoint(), patterns).unwrap();
            let first = tokio::time::timeout(PATIENCE, bus.next()).await;
            assert!(matches!(first, Ok(Some(BusItem::Connected))), "{first:?}");
            bus
        })
    }

    /// Takes events until one is wanted, and gives all of them with it.
    #[track_caller]
    pub(crate) fn events_until(
        &self,
        bus: &mut Bus,
        what: &str,
        is_last: impl Fn(&Event) -> bool,
    ) -> Vec<Event> {
        let mut taken = Vec::new();
        let found = self.run(async {
            tokio::time::timeout(PATIENCE, async {
                while let Some(item) = bus.next().await {
                    match item {
                        BusItem::Event(event) => {
                            let is_last = is_last(&event);
                            taken.push(event);
                            if is_last {
                                return true;
                            }
                        }
                        other => panic!("{other:?} while waiting for {what}"),
                    }
                }
                false
            })
            .await
        });
        let topics: Vec<&str> = taken.iter().map(|event| &*event.topic).collect();
        assert_eq!(found, Ok(true), "no {what} among {topics:?}");
        taken
    }

    /// Takes what comes until nothing has come for a second.
    pub(crate) fn listen(&self, bus: &mut Bus, mut take: impl FnMut(&Event)) {
        let pause = Duration::from_secs(1);
        self.run(async {
            while let Ok(Some(item)) = tokio::time::timeout(pause, bus.next()).await {
                if let BusItem::Event(event) = item {
                    take(&event);
                }
            }
        });
    }

    /// Stops and starts processes until each has the status that it had.
    pub(crate) fn restore(&self, before: &[Listed]) {
        for old in before {
            let now = self.home.jlist().into_iter().find(|one| one.pm_id == old.pm_id).unwrap();
            if now.status != old.status {
                let method =
                    if old.status == "online" { "startProcessId" } else { "stopProcessId" };
                self.home.call(method, &json!(old.pm_id));
            }
        }
        wait_until("the statuses are as before", || {
            let now = self.home.jlist();
            let same = |old: &Listed| {
                now.iter().any(|one| one.pm_id == old.pm_id && one.status == old.status)
            };
            before.iter().all(same)
        });
    }

    /// The ids of this name, ascending.
    pub(crate) fn ids(&self, name: &str) -> Vec<u64> {
        let listed = self.home.jlist();
        listed.iter().filter(|one| one.name == name).map(|one| one.pm_id).collect()
    }
}
