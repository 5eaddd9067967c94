//! What users tried in vain: files for every verb, `--only`, standard input, apps that crash at once,
//! daemons that take no connection, homes whose disk hangs.

use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, Mode, flock, mkfifoat};

use super::program::{Ended, Simulated, fed_to, pm2_tui, program};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::now;

const IDLES: &str = "setInterval(() => {}, 1000);";
const TWO: &str = "module.exports = { apps: [
  { name: 'web', script: './app.js' }, { name: 'job', script: './app.js' }] };";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Runs the program in a folder, with this on its standard input.
fn run_in(folder: &Path, home: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut command = program(home, arguments);
    command.current_dir(folder);
    fed_to(command, input)
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

pub(crate) fn a_file_stands_for_its_apps() {
    let folder = folder(&[
        ("app.js", IDLES),
        ("ecosystem.config.js", TWO),
        ("none.json", "{\"apps\": [{\"name\": \"nobody\", \"script\": \"./app.js\"}]}"),
        ("apps.yml", "apps:\n  - name: kind\n    script: ./app.js\n"),
        ("apps.json5", "{apps: [{name: 'kind', script: './app.js'}]}"),
        ("sub/apps.config.cjs", "exports.apps = [{name: 'kind', script: './app.js'}]"),
    ]);
    let home = Pm2Home::with(Release::Seven, &[crate::harness::apps::sleeper("other")]);
    home.mark();
    let run = |arguments: &[&str]| run_in(folder.path(), home.path(), arguments, "");
    // Only some of the apps: the case cli-only.
    let one = run(&["start", "ecosystem.config.js", "--only", "web"]).with(0);
    assert_eq!(one.out.lines().count(), 1, "{one:?}");
    assert!(one.out.starts_with("started web["), "{one:?}");
    let both = run(&["start", "ecosystem.config.js", "--only", "job,web"]).with(0);
    assert_eq!(sorted(&both.out).len(), 2, "{both:?}");
    let typo = run(&["start", "ecosystem.config.js", "--only", "webb"]).with(2);
    assert!(typo.err.contains("webb") && typo.err.contains("job"), "{typo:?}");
    for only in [" web , job ", "web job", "web,", "web,web"] {
        let some = run(&["start", "ecosystem.config.js", "--only", only]).with(0);
        let count = if only.contains("job") { 2 } else { 1 };
        assert_eq!(some.out.lines().count(), count, "{only}: {some:?}");
    }
    for (only, why) in [("WEB", "WEB"), ("web,webb", "webb"), ("we*", "we*"), ("", "it is empty")] {
        let typo = run(&["start", "ecosystem.config.js", "--only", only]).with(2);
        assert!(typo.err.contains(why) && typo.out.is_empty(), "{only}: {typo:?}");
    }
    let word = run(&["start", "other", "--only", "web"]).with(2);
    assert!(word.err.contains("--only"), "{word:?}");
    // And all other verbs: cli-file-for-other-verbs.
    for (verb, said) in [
        ("restart", "restarted"),
        ("reload", "reloaded"),
        ("stop", "stopped"),
        ("delete", "deleted"),
    ] {
        let ended = run(&[verb, "ecosystem.config.js"]).with(0);
        let lines = sorted(&ended.out);
        let [job, web] = lines[..] else { panic!("{verb}: {ended:?}") };
        assert!(job.starts_with(&format!("{said} job[")), "{verb}: {ended:?}");
        assert!(web.starts_with(&format!("{said} web[")), "{verb}: {ended:?}");
    }
    // One app of it, by any verb; and other kinds of file.
    let some = ["--only", "job"];
    run(&["start", "./ecosystem.config.js"]).with(0);
    for verb in ["restart", "reload", "stop", "delete"] {
        let one = run(&[&[verb, "ecosystem.config.js"][..], &some].concat()).with(0);
        assert!(one.out.lines().count() == 1 && one.out.contains(" job["), "{verb}: {one:?}");
    }
    let named = run(&["stop", "web", "--only", "web"]).with(2);
    assert!(named.err.contains("--only needs a file"), "{named:?}");
    let env = run(&["reload", "ecosystem.config.js", "--env", "live"]).with(2);
    assert!(env.err.contains("pm2-tui restart FILE --env NAME"), "{env:?}");
    for file in ["apps.yml", "apps.json5", "./sub/apps.config.cjs"] {
        run(&["start", file]).with(0);
        for verb in ["restart", "reload", "stop", "delete"] {
            let one = run(&[verb, file]).with(0);
            assert!(one.out.lines().count() == 1 && one.out.contains(" kind["), "{verb}: {one:?}");
        }
    }
    run(&["delete", "ecosystem.config.js"]).with(0);
    let gone = run(&["stop", "ecosystem.config.js"]).with(1);
    assert!(gone.err.contains("no app of ecosystem.config.js runs: web, job"), "{gone:?}");
    let none = run(&["delete", "./none.json"]).with(1);
    assert!(none.err.contains("nobody"), "{none:?}");
    run(&["reload", "./missing.json"]).with(2);
    home.assert_unharmed_but(&[]);
}

pub(crate) fn apps_come_from_standard_input_or_the_folder() {
    let folder = folder(&[("app.js", IDLES)]);
    let home = Pm2Home::empty(Release::Seven);
    home.start(&[crate::harness::apps::sleeper("other")]);
    let run =
        |arguments: &[&str], input: &str| run_in(folder.path(), home.path(), arguments, input);
    let nothing = run(&["start"], "").with(2);
    assert!(nothing.err.contains("there is no ecosystem.config.js here"), "{nothing:?}");
    for (input, name) in [
        ("{\"apps\": [{\"name\": \"one\", \"script\": \"./app.js\"}]}", "one"),
        ("[{\"name\": \"two\", \"script\": \"./app.js\"}]\n", "two"),
        ("{\"name\": \"three\", \"script\": \"./app.js\"}", "three"),
    ] {
        let ended = run(&["start", "-"], input).with(0);
        assert!(ended.out.starts_with(&format!("started {name}[")), "{input}: {ended:?}");
    }
    for (input, named) in [("", "standard input"), ("{\"apps\": [", "standard input:1:"), ("7", "")]
    {
        let ended = run(&["start", "-"], input).with(2);
        assert!(ended.err.contains(named) && ended.out.is_empty(), "{input}: {ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{input}: {ended:?}");
    }
    fs::write(folder.path().join("ecosystem.config.js"), TWO).unwrap();
    assert_eq!(run(&["start"], "").with(0).out.lines().count(), 2);
    assert_eq!(home.jlist().len(), 6);
}

pub(crate) fn what_crashes_at_its_start_is_no_success() {
    let folder = folder(&[
        ("now.js", "throw new Error('bad config');"),
        ("late.js", "setTimeout(() => { console.error('no database'); process.exit(3) }, 300);"),
        ("killed.js", "process.kill(process.pid, 'SIGKILL');"),
        ("broken.js", "const = 1;"),
        ("module.js", "require('not-there-x');"),
        ("clean.js", "process.exit(0);"),
        ("shell.sh", "echo 'cannot bind' >&2; exit 78"),
    ]);
    let home = Pm2Home::empty(Release::Seven);
    home.start(&[crate::harness::apps::sleeper("other")]);
    for (name, said) in [
        ("now", "Error: bad config"),
        ("late", "exit code 3"),
        ("killed", "SIGKILL"),
        ("broken", "Unexpected token"),
        ("module", "Cannot find module 'not-there-x'\n"),
        ("clean", "exit code 0"),
        ("shell", "exit code 78"),
    ] {
        let file = format!("{name}.json");
        let script = if name == "shell" { "shell.sh".to_owned() } else { format!("{name}.js") };
        // On a busy machine, a second may pass before a script runs at all.
        // PM2 refuses to restart what it is just starting: those that loop fastest are not restarted.
        let restarts = !matches!(name, "broken" | "module" | "shell");
        let app = format!(
            "{{\"apps\": [{{\"name\": \"{name}\", \"script\": \"./{script}\", \"min_uptime\": 9000, \
             \"max_restarts\": 1000, \"autorestart\": {restarts}}}]}}"
        );
        fs::write(folder.path().join(&file), app).unwrap();
        let commands = [&["start", &*file][..], &["restart", name], &["reload", name]];
        for arguments in commands.into_iter().take(if name == "clean" { 1 } else { 3 }) {
            let ended = run_in(folder.path(), home.path(), arguments, "").with(1);
            assert!(ended.err.contains("but it is down: "), "{arguments:?}: {ended:?}");
            assert!(ended.err.contains(said), "{arguments:?}: {ended:?}");
            assert_eq!(ended.out, "", "{arguments:?}");
        }
        run_in(folder.path(), home.path(), &["delete", name], "").with(0);
    }
}

/// A socket whose queue of connections is full.
pub(crate) struct Full {
    home: tempfile::TempDir,
    listener: UnixListener,
    _held: Vec<UnixStream>,
}

impl Full {
    /// That of a daemon, in a home of its own.
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
        let path = home.path().join("rpc.sock");
        Self { home, ..Self::at(&path) }
    }

    /// The home of its own.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Who can make room in it.
    pub(crate) fn listener(&self) -> UnixListener {
        self.listener.try_clone().unwrap()
    }

    /// One at this path.
    pub(crate) fn at(path: &Path) -> Self {
        let home = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
        let listener = UnixListener::bind(path).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let mut held = Vec::new();
        loop {
            let flags = rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC;
            let (family, kind) =
                (rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM);
            let socket = rustix::net::socket_with(family, kind, flags, None).unwrap();
            let address = rustix::net::SocketAddrUnix::new(path).unwrap();
            match rustix::net::connect(&socket, &address) {
                Ok(()) => held.push(UnixStream::from(socket)),
                Err(error) => {
                    assert_eq!(error, rustix::io::Errno::AGAIN);
                    break;
                }
            }
        }
        Self { home, listener, _held: held }
    }
}

pub(crate) fn a_full_queue_of_connections_is_told_as_busy() {
    let daemon = Full::new();
    let home = daemon.home.path();
    for arguments in [
        &["call", "ping", "--timeout", "1s"][..],
        &["call", "getVersion", "--timeout", "500ms"],
        &["call", "restartProcessId", "0", "--timeout", "1s"],
    ] {
        let started = now();
        let ended = pm2_tui(home, arguments).with(3);
        let took = started.elapsed();
        assert!(took.as_millis() >= 250 && took.as_secs() < 8, "{arguments:?}: {took:?}");
        let busy = "pm2-tui: the daemon is busy: its queue of connections on ";
        assert!(ended.err.starts_with(busy), "{arguments:?}: {ended:?}");
        assert_eq!((ended.err.lines().count(), ended.out.as_str()), (1, ""), "{arguments:?}");
    }
    // It may have room by then.
    for limit in ["6s", "4s", "2s"] {
        let wait = ["wait", "api", "--status", "online", "--timeout", limit];
        let late = pm2_tui(home, &wait).with(4);
        let said = format!("timed out after {} s: the daemon is busy", limit.trim_end_matches('s'));
        assert!(late.err.contains(&said), "{late:?}");
    }
}

pub(crate) fn a_locked_home_is_waited_for_in_time() {
    let daemon = Simulated::quiet(1);
    let reload = ["call", "reloadLogs", "--timeout", "300ms"];
    let lock = fs::File::open(daemon.home()).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let held = daemon.run(&reload).with(4);
    assert!(held.err.contains("another program has locked /"), "{held:?}");
    assert!(held.err.contains("not sent"), "{held:?}");
    assert_eq!(daemon.script().counters().count("reloadLogs"), 0);
    // Nothing else needs the lock.
    daemon.run(&["ls"]).with(0);
    drop(lock);
    daemon.run(&["call", "reloadLogs"]).with(0);

    // Opening a FIFO that nobody writes to blocks, as a disk that hangs does.
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("home");
    mkfifoat(CWD, &fifo, Mode::RWXU).unwrap();
    let rpc = daemon.home().join("rpc.sock");
    let (fifo, rpc) = (fifo.to_str().unwrap(), rpc.to_str().unwrap());
    let before = daemon.script().counters().count("reloadLogs");
    let run = |arguments: &[&str]| {
        pm2_tui(daemon.home(), &[&["--home", fifo, "--daemon", rpc], arguments].concat())
    };
    let started = now();
    let hangs = run(&["call", "reloadLogs", "--timeout", "1m"]).with(1);
    assert!(hangs.err.contains("cannot be locked: its disk does not answer"), "{hangs:?}");
    assert!(started.elapsed().as_secs() < 15, "{:?}", started.elapsed());
    assert_eq!(daemon.script().counters().count("reloadLogs"), before);
    run(&["ls"]).with(0);
    // Any other trouble with the lock is said at once.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("home");
    let at_once = ["--home", below.to_str().unwrap(), "--daemon", rpc, "call", "reloadLogs"];
    let ended = pm2_tui(daemon.home(), &at_once).with(1);
    assert!(ended.err.contains("cannot be locked: Not a directory"), "{ended:?}");
}
