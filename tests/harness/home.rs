//! A PM2 home of its own with a real God daemon in it, ended by pid when it is dropped.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::apps::App;
use super::install::Release;
use super::procfs::Proc;
use super::{PATIENCE, poll_for, wait_until};

/// How long one CLI call may take: a node start on a busy machine, and 100 apps.
const CLI_LIMIT: Duration = Duration::from_secs(90);

/// One process as the daemon lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// PM2's id.
    pub pm_id: u64,
    /// Its name.
    pub name: String,
    /// Its pid; 0 where it has none.
    pub pid: i32,
    /// PM2's word.
    pub status: String,
    /// How often it was restarted.
    pub restarts: u64,
}

/// A `PM2_HOME`, perhaps with a daemon.
pub struct Pm2Home {
    folder: TempDir,
    release: Release,
    /// Of calls and of the bus, where the release has no unix sockets.
    ports: Option<(u16, u16)>,
    baseline: Mutex<Option<(Proc, Vec<Listed>)>>,
    /// Every process of this home that was ever seen, so that none survives.
    seen: Mutex<BTreeSet<Proc>>,
}

impl Pm2Home {
    /// A home without a daemon.
    pub fn empty(release: Release) -> Self {
        // Not the user's TMPDIR: a unix socket's path has at most 107 bytes.
        let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
        fs::create_dir(folder.path().join("apps")).unwrap();
        let ports = (release == Release::Zero10).then(free_ports);
        Self {
            folder,
            release,
            ports,
            baseline: Mutex::new(None),
            seen: Mutex::new(BTreeSet::new()),
        }
    }

    /// A home with a daemon that runs these apps.
    pub fn with(release: Release, apps: &[App]) -> Self {
        let home = Self::empty(release);
        home.start(apps);
        home
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The release that it is for.
    pub fn release(&self) -> Release {
        self.release
    }

    /// The ports of calls and of the bus, where the release has no unix sockets.
    pub fn ports(&self) -> Option<(u16, u16)> {
        self.ports
    }

    /// The folder that the apps run in.
    pub fn apps(&self) -> PathBuf {
        self.path().join("apps")
    }

    /// The daemon's bus.
    pub fn bus(&self) -> PathBuf {
        self.path().join("pub.sock")
    }

    /// The PM2 CLI on this home, ready to be spawned.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let (cli, node) = self.release.program();
        let mut command = Command::new(node);
        command
            .arg(cli)
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs(self.environment());
        command
    }

    /// The whole environment of everything in this home.
    pub fn environment(&self) -> Vec<(String, String)> {
        let home = self.path().to_str().unwrap();
        let node = self.release.program().1;
        // Its own node first: the daemon starts apps with the first one in PATH.
        let path =
            format!("{}:{}", node.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let apps = self.apps();
        let (rpc, publish) = self.ports.unwrap_or_default();
        let (rpc, publish) = (rpc.to_string(), publish.to_string());
        [
            ("PATH", path.as_str()),
            ("HOME", home),
            ("PM2_HOME", home),
            ("PM2_DISABLE_VERSION_CHECK", "true"),
            ("LANG", "C.UTF-8"),
            ("READY", apps.to_str().unwrap()),
            // Only 0.10 reads these. Zero counts as none there.
            ("PM2_RPC_PORT", rpc.as_str()),
            ("PM2_PUB_PORT", publish.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Runs the CLI and panics unless it succeeds.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        let output = run(self.command(arguments), CLI_LIMIT)
            .unwrap_or_else(|| panic!("pm2 {arguments:?} took longer than {CLI_LIMIT:?}"));
        assert!(
            output.status.success(),
            "pm2 {arguments:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        self.remember();
        output
    }

    /// Starts the daemon if there is none, and these apps.
    pub fn start(&self, apps: &[App]) {
        if apps.is_empty() {
            self.cli(&["ping"]);
        } else {
            let entries: Vec<Value> = apps.iter().map(|app| app.written_to(&self.apps())).collect();
            let file = self.path().join("start.json");
            fs::write(&file, json!({ "apps": entries }).to_string()).unwrap();
            self.cli(&["start", file.to_str().unwrap()]);
        }
    }

    /// Adds a process whose interpreter does not exist. The CLI refuses that, the daemon does not.
    pub fn add_ghost(&self, name: &str) {
        self.call(
            "prepare",
            &json!({
                "name": name,
                "namespace": "default",
                "pm_exec_path": "/bin/true",
                "pm_cwd": self.path(),
                "args": [],
                "node_args": [],
                "exec_mode": "fork_mode",
                "exec_interpreter": "/nonexistent/interpreter",
                "instances": 1,
                "instance_var": "NODE_APP_INSTANCE",
                "env": {},
                "pm_pid_path": self.path().join(format!("pids/{name}.pid")),
                "pm_out_log_path": self.path().join(format!("logs/{name}-out.log")),
                "pm_err_log_path": self.path().join(format!("logs/{name}-error.log")),
                "treekill": true,
                "autorestart": true,
                "vizion": false,
            }),
        );
    }

    /// The daemon, by its pid file.
    pub fn god(&self) -> Option<Proc> {
        // 0.10 makes a folder of its own in PM2_HOME.
        let folder = if self.ports.is_some() { ".pm2" } else { "" };
        let text = fs::read_to_string(self.path().join(folder).join("pm2.pid")).ok()?;
        Proc::find(text.trim().parse().ok()?).filter(|god| god.is_alive())
    }

    /// The daemon, which must be there.
    #[track_caller]
    pub fn living_god(&self) -> Proc {
        self.god().expect("the God daemon is alive")
    }

    /// What the daemon lists, over its own socket.
    pub fn jlist(&self) -> Vec<Listed> {
        let listed: Vec<Listed> = self
            .call("getMonitorData", &json!({}))
            .as_array()
            .expect("getMonitorData gives an array")
            .iter()
            .map(|process| Listed {
                pm_id: process["pm_id"].as_u64().unwrap(),
                name: process["name"].as_str().unwrap().to_owned(),
                pid: process["pid"].as_i64().unwrap_or(0) as i32,
                status: process["pm2_env"]["status"].as_str().unwrap().to_owned(),
                restarts: process["pm2_env"]["restart_time"].as_u64().unwrap_or(0),
            })
            .collect();
        let mut seen = self.seen.lock().unwrap();
        seen.extend(listed.iter().filter_map(|process| Proc::find(process.pid)));
        listed
    }

    /// The only process of this name.
    #[track_caller]
    pub fn one(&self, name: &str) -> Listed {
        let mut found: Vec<_> =
            self.jlist().into_iter().filter(|process| process.name == name).collect();
        assert_eq!(found.len(), 1, "one process named {name}: {found:?}");
        found.remove(0)
    }

    /// Waits until the process of this name has this status.
    #[track_caller]
    pub fn wait_status(&self, name: &str, status: &str) -> Listed {
        wait_until(&format!("PM2 says {status} of {name}"), || self.one(name).status == status);
        self.one(name)
    }

    /// From now on the daemon and its processes must not change.
    pub fn mark(&self) {
        *self.baseline.lock().unwrap() = Some((self.living_god(), self.jlist()));
    }

    /// Panics unless the daemon is the one of [`Self::mark`] and all its processes but these have
    /// the pids and restart counts that they had then.
    #[track_caller]
    pub fn assert_unharmed_but(&self, changed: &[&str]) {
        let (god, before) = self.baseline.lock().unwrap().clone().expect("mark() first");
        assert_eq!(self.god(), Some(god), "the God daemon was replaced");
        let untouched = |list: &[Listed]| -> Vec<(u64, i32, u64)> {
            list.iter()
                .filter(|process| !changed.contains(&process.name.as_str()))
                .map(|process| (process.pm_id, process.pid, process.restarts))
                .collect()
        };
        assert_eq!(
            untouched(&self.jlist()),
            untouched(&before),
            "processes that nobody touched changed"
        );
    }

    /// One RPC call, with the one argument that nearly every method takes. Written apart from the
    /// program's own client, so that it can contradict it.
    pub fn call(&self, method: &str, argument: &Value) -> Value {
        self.try_call(method, argument).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_call(&self, method: &str, argument: &Value) -> std::io::Result<Value> {
        let call = json!({"type": "call", "method": method, "args": [argument]});
        let reply = self.request(&call)?;
        match &reply["error"] {
            Value::Null => Ok(reply["args"][0].clone()),
            error => Err(std::io::Error::other(error.to_string())),
        }
    }

    /// The names of the daemon's methods.
    pub fn methods(&self) -> BTreeSet<String> {
        let reply = self.request(&json!({"type": "methods"})).unwrap();
        reply["methods"].as_object().unwrap().keys().cloned().collect()
    }

    fn request(&self, request: &Value) -> std::io::Result<Value> {
        if let Some((rpc, _)) = self.ports {
            let socket = TcpStream::connect(("127.0.0.1", rpc))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            exchange(socket, request)
        } else {
            let socket = UnixStream::connect(self.path().join("rpc.sock"))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            exchange(socket, request)
        }
    }

    /// Notes the daemon and everything under it.
    fn remember(&self) {
        if let Some(god) = self.god() {
            let mut seen = self.seen.lock().unwrap();
            seen.extend(god.descendants());
            seen.insert(god);
        }
    }
}

/// Sends one request and gives its reply.
fn exchange(mut socket: impl Read + Write, request: &Value) -> std::io::Result<Value> {
    // Version 1, two arguments: the request as JSON, and an id as a string.
    let mut frame = vec![0x12];
    for text in [format!("j:{request}"), "s:1".to_owned()] {
        frame.extend((text.len() as u32).to_be_bytes());
        frame.extend(text.as_bytes());
    }
    socket.write_all(&frame)?;
    let mut head = [0; 5];
    socket.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut reply = vec![0; length];
    socket.read_exact(&mut reply)?;
    Ok(serde_json::from_slice(reply.strip_prefix(b"j:").unwrap_or(&reply))?)
}

/// Two ports next to each other that nobody listens on now.
fn free_ports() -> (u16, u16) {
    loop {
        let first = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return (port, port + 1);
        }
    }
}

impl Drop for Pm2Home {
    fn drop(&mut self) {
        self.remember();
        if let Some(god) = self.god() {
            // On SIGTERM God deletes every process and ends, as `pm2 kill` has it do.
            god.signal(Signal::TERM);
            if !god.ends_within(Duration::from_secs(10)) {
                self.remember();
                god.signal(Signal::KILL);
            }
        }
        let seen = std::mem::take(self.seen.get_mut().unwrap_or_else(|error| error.into_inner()));
        for process in &seen {
            process.signal(Signal::KILL);
        }
        for process in &seen {
            process.ends_within(Duration::from_secs(2));
        }
    }
}

/// Runs a command with no input to its end; `None`, and the process killed, after `limit`.
pub fn run(mut command: Command, limit: Duration) -> Option<Output> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = drain(child.stdout.take().unwrap());
    let stderr = drain(child.stderr.take().unwrap());
    let status = poll_for(limit, || child.try_wait().unwrap());
    if status.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    Some(Output { status: status?, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() })
}

fn drain(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}
