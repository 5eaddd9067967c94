//! The program in pipes, and the daemons that it is pointed at.

use std::path::Path;
use std::process::{Command, Stdio};

use pm2_tui::demo::{Demo, Script, ScriptHandle, World, epoch_ms};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::harness::PATIENCE;
use crate::harness::home::run;
use crate::harness::screen::COCKPIT;

/// How the program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Panics unless it ended with this code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The program on this home, ready to be spawned, with nothing else of the environment.
pub(crate) fn program(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(COCKPIT);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("PM2_HOME", home)
        .env("LANG", "C.UTF-8");
    command
}

/// Runs the program on this home to its end.
#[track_caller]
pub(crate) fn pm2_tui(home: &Path, arguments: &[&str]) -> Ended {
    ended(program(home, arguments))
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn ended(command: Command) -> Ended {
    let name = format!("{command:?}");
    let output = run(command, PATIENCE * 3).unwrap_or_else(|| panic!("{name}: no end"));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended {
        code: output.status.code().unwrap_or_else(|| panic!("{name}: {}", output.status)),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Runs the program with this on its standard input.
#[track_caller]
pub(crate) fn fed(home: &Path, arguments: &[&str], input: &str) -> Ended {
    fed_to(program(home, arguments), input)
}

/// Runs a command with this on its standard input.
#[track_caller]
pub(crate) fn fed_to(mut command: Command, input: &str) -> Ended {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that does not read it may have ended by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A simulated daemon in this process.
pub(crate) struct Simulated {
    demo: Demo,
    /// Carries the daemon.
    runtime: Runtime,
}

impl Simulated {
    /// One with this many idle processes: `app-0` ..
    pub(crate) fn quiet(processes: usize) -> Self {
        Self::with(World::quiet(processes, epoch_ms()), Script::default())
    }

    /// One with this world, that goes wrong as scripted.
    pub(crate) fn with(world: World, script: Script) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let demo = {
            let _entered = runtime.enter();
            Demo::start(world, script).unwrap()
        };
        Self { demo, runtime }
    }

    pub(crate) fn home(&self) -> &Path {
        self.demo.home()
    }

    pub(crate) fn script(&self) -> ScriptHandle {
        self.demo.script()
    }

    /// Does this in the daemon's runtime.
    pub(crate) fn block_on<T>(&self, doing: impl Future<Output = T>) -> T {
        self.runtime.block_on(doing)
    }

    /// The methods called, in order, without the one question that every client begins with.
    pub(crate) fn called(&self) -> Vec<String> {
        let counters = self.script().counters();
        assert!(!counters.had_bad_call, "a call that kills God");
        let calls = counters.calls.iter().map(|call| call.method.clone());
        calls.filter(|method| method != "methods").collect()
    }

    /// Runs the program on it to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        pm2_tui(self.home(), arguments)
    }
}
