//! `events --exec`: a command for each event.
//!
//! Invariant: at most [`RUNNING_MAX`] commands run and [`WAITING_MAX`] events wait; what comes on
//! top is dropped, counted and reported. They start in the order of the events, and of one process
//! never two at once. No shell is started unless the user names one: the words are the program's
//! arguments as they stand. This is the only place that starts processes.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::{Id, JoinError, JoinSet};

use super::failure::Failure;
use super::output;
use crate::cli::Words;
use crate::protocol::text::clean;

/// Commands that run at once.
pub(super) const RUNNING_MAX: usize = 4;
/// Events that wait for a command.
pub(super) const WAITING_MAX: usize = 100;
/// How long the commands may still take once no more events come.
const LAST_MAX: Duration = Duration::from_mins(1);

/// What one command gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    /// For its standard input: the event's JSON and a line end.
    pub(super) input: Vec<u8>,
    /// `PM2_TUI_TOPIC`.
    pub(super) topic: String,
    /// `PM2_TUI_PROCESS`; empty where the event names none.
    pub(super) process: String,
    /// `PM2_TUI_PM_ID`; empty where the event names none.
    pub(super) pm_id: String,
}

impl Job {
    /// Events of one process have their commands one after another: what they do to the world then
    /// is in order too.
    fn follows(&self, other: &Turn) -> bool {
        self.pm_id == other.pm_id && self.process == other.process
    }
}

/// Whose command runs.
#[derive(Debug)]
struct Turn {
    task: Id,
    process: String,
    pm_id: String,
}

/// The commands that run and the events that wait for one.
#[derive(Debug)]
pub(super) struct Runner {
    words: Words,
    waiting: VecDeque<Job>,
    running: JoinSet<io::Result<ExitStatus>>,
    turns: Vec<Turn>,
    /// Why the last one could not be started.
    said: String,
    finished: Finished,
}

impl Runner {
    /// # Errors
    /// There is no such program.
    pub(super) fn new(words: Words) -> Result<Self, Failure> {
        if find(&words.program).is_none() {
            let program = clean(&words.program);
            let why = match std::fs::metadata(&words.program) {
                Ok(found) if program.contains('/') && found.is_dir() => "it is a folder",
                Ok(_) if program.contains('/') => "it is not executable",
                _ => "no such program",
            };
            return Err(Failure::usage(format!("cannot run `{program}`: {why}")));
        }
        Ok(Self {
            words,
            waiting: VecDeque::with_capacity(WAITING_MAX + 1),
            running: JoinSet::new(),
            turns: Vec::with_capacity(RUNNING_MAX),
            said: String::new(),
            finished: Finished::default(),
        })
    }

    /// Starts the command for an event, or lets it wait, or drops it.
    pub(super) fn push(&mut self, job: Job) {
        self.reap();
        self.waiting.push_back(job);
        self.start_next();
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_back();
            self.finished.lost += 1;
        }
    }

    /// How many commands run or wait to.
    pub(super) fn open(&self) -> usize {
        self.running.len() + self.waiting.len()
    }

    /// Waits for one command to end and starts the next. Cancel-safe; never ends while none runs.
    pub(super) async fn ended(&mut self) {
        match self.running.join_next_with_id().await {
            Some(result) => self.take_end(result),
            None => std::future::pending().await,
        }
    }

    /// Starts waiting commands in the places of those that ended meanwhile.
    fn reap(&mut self) {
        while let Some(result) = self.running.try_join_next_with_id() {
            self.take_end(result);
        }
    }

    fn take_end(&mut self, result: Result<(Id, io::Result<ExitStatus>), JoinError>) {
        let (task, why) = match result {
            Ok((task, Ok(status))) if status.success() => (task, None),
            Ok((task, Ok(status))) => (task, Some(format!("ended with {status}"))),
            Ok((task, Err(error))) => (task, Some(format!("failed: {error}"))),
            Err(error) => (error.id(), Some(format!("failed: {error}"))),
        };
        self.turns.retain(|turn| turn.task != task);
        if let Some(why) = why {
            self.finished.failed += 1;
            output::complain(&clean(&format!("{} {why}", self.words.program)));
        }
        self.start_next();
    }

    /// Starts as many waiting commands as may run.
    fn start_next(&mut self) {
        while self.running.len() < RUNNING_MAX {
            let is_free = |job: &Job| !self.turns.iter().any(|turn| job.follows(turn));
            let Some(next) = self.waiting.iter().position(is_free) else { return };
            let Some(job) = self.waiting.remove(next) else { return };
            self.start(job);
        }
    }

    /// Runs the commands of all events that wait, unless it takes too long or `left` says that they
    /// are to be left; says and counts what was not done.
    pub(super) async fn finish(mut self, left: impl Future<Output = ()>) -> Finished {
        let rest = async {
            while self.open() > 0 {
                self.ended().await;
            }
        };
        let why = tokio::select! {
            () = rest => None,
            () = tokio::time::sleep(LAST_MAX) => Some(format!("after {} s", LAST_MAX.as_secs())),
            () = left => Some("asked to end again".to_owned()),
        };
        if let Some(why) = why {
            let (running, waiting) = (self.running.len(), self.waiting.len());
            output::complain(&format!(
                "{why}: left {} running, and {} without one",
                counted(running as u64, "command"),
                counted(waiting as u64, "event")
            ));
            self.finished.left = (running + waiting) as u64;
            self.running.detach_all();
        }
        self.finished
    }

    /// Events that were dropped so far because too many waited.
    pub(super) fn lost(&self) -> u64 {
        self.finished.lost
    }

    fn start(&mut self, job: Job) {
        let Job { input, topic, process, pm_id } = job;
        let child = Command::new(&self.words.program)
            .args(&self.words.args)
            .env("PM2_TUI_TOPIC", &topic)
            .env("PM2_TUI_PROCESS", &process)
            .env("PM2_TUI_PM_ID", &pm_id)
            .stdin(Stdio::piped())
            // Ctrl-C is for this program, which then sees to it that they end.
            .process_group(0)
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            // What cannot be run now may be later: this one event goes without.
            Err(error) => {
                self.finished.unstarted += 1;
                let why = format!("cannot run `{}`: {error}", self.words.program);
                let why = clean(&why).into_owned();
                // Once, not for each of many.
                if self.said != why {
                    output::complain(&why);
                    self.said = why;
                }
                return;
            }
        };
        self.said.clear();
        let running = self.running.spawn(async move {
            if let Some(mut stdin) = child.stdin.take() {
                // A command need not read its input.
                let _ = stdin.write_all(&input).await;
            }
            child.wait().await
        });
        self.turns.push(Turn { task: running.id(), process, pm_id });
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Finished {
    /// Events without a command, because too many waited.
    pub(super) lost: u64,
    /// Commands that did not end with success.
    pub(super) failed: u64,
    /// Events without a command, because it could not be started.
    pub(super) unstarted: u64,
    /// Commands that still ran and events that still waited at the end.
    pub(super) left: u64,
}

impl Finished {
    /// Whether each command that there was room for was run to a good end.
    pub(super) fn is_fine(&self) -> bool {
        self.failed + self.unstarted + self.left == 0
    }

    /// What is said at the end, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.unstarted > 0 {
            let commands = counted(self.unstarted, "command");
            lines.push(format!("{commands} could not be started, and the events are lost"));
        }
        if self.failed > 0 {
            lines.push(format!("{} failed", counted(self.failed, "command")));
        }
        lines
    }
}

/// A number and a noun.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The program that a name means: a path, or found in `PATH`.
fn find(program: &str) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
    };
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| is_program(path));
    }
    let folders = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let all: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    all.iter().map(|folder| folder.join(program)).find(|path| is_program(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(program: &str, args: &[&str]) -> Runner {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Runner::new(Words { program: program.to_owned(), args }).unwrap()
    }

    fn job(pm_id: usize, input: &str) -> Job {
        let pm_id = pm_id.to_string();
        Job { input: input.into(), topic: "t:x".into(), process: "api".into(), pm_id }
    }

    async fn finished(runner: Runner) -> Finished {
        runner.finish(std::future::pending()).await
    }

    const FINE: Finished = Finished { lost: 0, failed: 0, unstarted: 0, left: 0 };

    #[tokio::test]
    async fn the_command_gets_the_event_and_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let script = "cat > $0; echo $PM2_TUI_TOPIC $PM2_TUI_PROCESS $PM2_TUI_PM_ID >> $0";
        let mut runner = runner("sh", &["-c", script, file.to_str().unwrap()]);
        runner.push(job(3, "{\"a\":1}\n"));
        assert_eq!(finished(runner).await, FINE);
        assert_eq!(std::fs::read_to_string(file).unwrap(), "{\"a\":1}\nt:x api 3\n");
    }

    /// A pipe from which each command reads a line before it ends.
    struct Gate {
        folder: tempfile::TempDir,
    }

    impl Gate {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("gate");
            rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
            Self { folder }
        }

        fn runner(&self) -> Runner {
            let path = self.folder.path().join("gate");
            runner("sh", &["-c", "read line < $0; exit 0", path.to_str().unwrap()])
        }

        fn open(&self) -> std::fs::File {
            let path = self.folder.path().join("gate");
            let mut held = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
            std::io::Write::write_all(&mut held, "go\n".repeat(200).as_bytes()).unwrap();
            held
        }
    }

    #[tokio::test]
    async fn four_run_a_hundred_wait_and_the_rest_is_counted() {
        let gate = Gate::new();
        let mut runner = gate.runner();
        for id in 0..(RUNNING_MAX + WAITING_MAX + 7) {
            runner.push(job(id, ""));
        }
        assert_eq!((runner.running.len(), runner.waiting.len()), (RUNNING_MAX, WAITING_MAX));
        assert_eq!((runner.lost(), runner.open()), (7, RUNNING_MAX + WAITING_MAX));
        let _held = gate.open();
        assert_eq!(finished(runner).await, Finished { lost: 7, ..FINE });
    }

    #[tokio::test]
    async fn of_one_process_one_runs_and_others_do_not_wait_for_it() {
        let gate = Gate::new();
        let mut runner = gate.runner();
        for id in [1, 1, 1, 2, 1, 3] {
            runner.push(job(id, ""));
        }
        let ids =
            |jobs: &VecDeque<Job>| jobs.iter().map(|job| job.pm_id.clone()).collect::<Vec<_>>();
        let running: Vec<&str> = runner.turns.iter().map(|turn| &*turn.pm_id).collect();
        assert_eq!((running, ids(&runner.waiting)), (vec!["1", "2", "3"], vec!["1".to_owned(); 3]));
        let _held = gate.open();
        assert_eq!(finished(runner).await, FINE);
    }

    #[tokio::test]
    async fn what_the_commands_of_a_process_do_is_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let mut runner = runner("sh", &["-c", "cat >> $0", file.to_str().unwrap()]);
        let lines: Vec<String> = (0..60).map(|n| format!("{n}\n")).collect();
        for line in &lines {
            runner.push(job(1, line));
        }
        assert_eq!(finished(runner).await, FINE);
        assert_eq!(std::fs::read_to_string(file).unwrap(), lines.concat());
    }

    #[tokio::test]
    async fn those_that_ended_make_room_without_being_waited_for() {
        let mut runner = runner("true", &[]);
        for id in 0..RUNNING_MAX + WAITING_MAX {
            runner.push(job(id, ""));
        }
        while runner.waiting.len() > WAITING_MAX / 2 {
            // Nothing here waits for a command; it only lets time pass.
            tokio::task::yield_now().await;
            runner.reap();
        }
        runner.push(job(0, ""));
        assert_eq!(finished(runner).await, FINE);
    }

    #[tokio::test]
    async fn one_that_cannot_be_started_costs_its_event_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let mut runner = runner("sh", &["-c", "cat >> $0", file.to_str().unwrap()]);
        // More than the system lets an environment hold. All that may run at once fail so, with
        // others behind them.
        let topic = "x".repeat(1 << 20);
        for n in 0..3 * RUNNING_MAX {
            runner.push(Job { topic: topic.clone(), ..job(n, "") });
            runner.push(job(1, &n.to_string()));
        }
        let unstarted = 3 * RUNNING_MAX as u64;
        let end = finished(runner).await;
        assert_eq!(end, Finished { unstarted, ..FINE });
        assert!(!end.is_fine());
        assert_eq!(end.lines(), ["12 commands could not be started, and the events are lost"]);
        assert_eq!(std::fs::read_to_string(file).unwrap(), "01234567891011");
    }

    #[tokio::test]
    async fn a_command_that_fails_is_counted_and_one_that_is_missing_is_named() {
        let mut failing = runner("false", &[]);
        // More than a pipe holds, and nobody reads it.
        failing.push(job(1, &"x".repeat(1 << 20)));
        let end = finished(failing).await;
        assert_eq!(
            (end, end.lines()),
            (Finished { failed: 1, ..FINE }, vec!["1 command failed".into()])
        );
        for missing in ["/nonexistent/mail", "/tmp", "no-such-program-4711", ""] {
            let words = Words { program: missing.to_owned(), args: Vec::new() };
            let failure = Runner::new(words).unwrap_err();
            assert!(failure.line().unwrap().contains(missing));
        }
    }

    #[tokio::test]
    async fn what_is_left_is_counted() {
        let gate = Gate::new();
        let mut runner = gate.runner();
        for id in 0..7 {
            runner.push(job(id, ""));
        }
        let end = runner.finish(std::future::ready(())).await;
        assert_eq!(end, Finished { left: 7, ..FINE });
        // They live on, so let them end.
        let _held = gate.open();
        let mut late = gate.runner();
        late.push(job(1, ""));
        assert_eq!(finished(late).await, FINE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_ones_have_a_minute() {
        let mut runner = runner("sleep", &["5"]);
        runner.push(job(1, ""));
        runner.push(job(1, ""));
        let started = tokio::time::Instant::now();
        assert_eq!(finished(runner).await, Finished { left: 2, ..FINE });
        assert_eq!(started.elapsed(), LAST_MAX);
    }
}
