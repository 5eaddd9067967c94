//! `events --exec`: a command for each event.
//!
//! Invariant: at most [`RUNNING_MAX`] commands run and [`WAITING_MAX`] events wait; what comes on
//! top is dropped, counted and reported. No shell is started unless the user names one: the words
//! are the program's arguments as they stand. This is the only place that starts processes.

use std::collections::VecDeque;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::{JoinError, JoinSet};

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

/// The commands that run and the events that wait for one.
#[derive(Debug)]
pub(super) struct Runner {
    words: Words,
    waiting: VecDeque<Job>,
    running: JoinSet<io::Result<ExitStatus>>,
    /// Whether the program could be started once.
    has_run: bool,
    lost: u64,
    failed: u64,
}

impl Runner {
    pub(super) fn new(words: Words) -> Self {
        let waiting = VecDeque::with_capacity(WAITING_MAX);
        Self { words, waiting, running: JoinSet::new(), has_run: false, lost: 0, failed: 0 }
    }

    /// Starts the command for an event, or lets it wait, or drops it.
    ///
    /// # Errors
    /// When the program cannot be started at all.
    pub(super) fn push(&mut self, job: Job) -> Result<(), Failure> {
        self.reap()?;
        if self.running.len() < RUNNING_MAX {
            return self.start(job);
        }
        if self.waiting.len() >= WAITING_MAX {
            self.lost += 1;
            return Ok(());
        }
        self.waiting.push_back(job);
        Ok(())
    }

    /// Whether a command runs, so that [`Self::ended`] has something to wait for.
    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    /// Waits for one command to end and starts the next. Cancel-safe; never ends while none runs.
    pub(super) async fn ended(&mut self) -> Result<(), Failure> {
        match self.running.join_next().await {
            Some(result) => self.take_end(result),
            None => std::future::pending().await,
        }
    }

    /// Starts waiting commands in the places of those that ended meanwhile.
    pub(super) fn reap(&mut self) -> Result<(), Failure> {
        while let Some(result) = self.running.try_join_next() {
            self.take_end(result)?;
        }
        Ok(())
    }

    fn take_end(
        &mut self,
        result: Result<io::Result<ExitStatus>, JoinError>,
    ) -> Result<(), Failure> {
        let why = match result {
            Ok(Ok(status)) if status.success() => None,
            Ok(Ok(status)) => Some(format!("ended with {status}")),
            Ok(Err(error)) => Some(format!("failed: {error}")),
            Err(error) => Some(format!("failed: {error}")),
        };
        if let Some(why) = why {
            self.failed += 1;
            output::complain(&clean(&format!("{} {why}", self.words.program)));
        }
        match self.waiting.pop_front() {
            Some(job) => self.start(job),
            None => Ok(()),
        }
    }

    /// Waits until every waiting event had its command; says and counts what was not done.
    pub(super) async fn finish(mut self) -> Result<Finished, Failure> {
        let rest = async {
            while self.is_busy() {
                self.ended().await?;
            }
            Ok::<(), Failure>(())
        };
        if let Ok(result) = tokio::time::timeout(LAST_MAX, rest).await {
            result?;
        } else {
            let (running, waiting) = (self.running.len(), self.waiting.len());
            output::complain(&format!(
                "after {} s {running} command(s) still run and {waiting} event(s) still wait: left",
                LAST_MAX.as_secs()
            ));
            self.lost += waiting as u64;
            self.running.detach_all();
        }
        Ok(Finished { lost: self.lost, failed: self.failed })
    }

    /// Events that were dropped so far because too many waited.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    fn start(&mut self, job: Job) -> Result<(), Failure> {
        let child = Command::new(&self.words.program)
            .args(&self.words.args)
            .env("PM2_TUI_TOPIC", &job.topic)
            .env("PM2_TUI_PROCESS", &job.process)
            .env("PM2_TUI_PM_ID", &job.pm_id)
            .stdin(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            // What could be run once can be again: this one event goes without.
            Err(error) if self.has_run => {
                self.failed += 1;
                output::complain(&clean(&format!("cannot run `{}`: {error}", self.words.program)));
                return Ok(());
            }
            Err(error) => {
                let program = clean(&self.words.program);
                return Err(Failure::usage(format!("cannot run `{program}`: {error}")));
            }
        };
        self.has_run = true;
        self.running.spawn(async move {
            if let Some(mut input) = child.stdin.take() {
                // A command need not read its input.
                let _ = input.write_all(&job.input).await;
            }
            child.wait().await
        });
        Ok(())
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finished {
    /// Events without a command, because too many waited.
    pub(super) lost: u64,
    /// Commands that did not end with success.
    pub(super) failed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(program: &str, args: &[&str]) -> Runner {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Runner::new(Words { program: program.to_owned(), args })
    }

    fn job(input: &str) -> Job {
        Job { input: input.into(), topic: "t:x".into(), process: "api".into(), pm_id: "3".into() }
    }

    #[tokio::test]
    async fn the_command_gets_the_event_and_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let script = "cat > $0; echo $PM2_TUI_TOPIC $PM2_TUI_PROCESS $PM2_TUI_PM_ID >> $0";
        let mut runner = runner("sh", &["-c", script, file.to_str().unwrap()]);
        runner.push(job("{\"a\":1}\n")).unwrap();
        assert_eq!(runner.finish().await, Ok(Finished { lost: 0, failed: 0 }));
        assert_eq!(std::fs::read_to_string(file).unwrap(), "{\"a\":1}\nt:x api 3\n");
    }

    #[tokio::test]
    async fn four_run_a_hundred_wait_and_the_rest_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let gate = folder.path().join("gate");
        rustix::fs::mkfifoat(rustix::fs::CWD, &gate, rustix::fs::Mode::RWXU).unwrap();
        // Each waits until somebody writes into the pipe, then all go on.
        let mut runner = runner("sh", &["-c", "read line < $0; exit 0", gate.to_str().unwrap()]);
        for _ in 0..(RUNNING_MAX + WAITING_MAX + 7) {
            runner.push(job("")).unwrap();
        }
        assert_eq!((runner.running.len(), runner.waiting.len()), (RUNNING_MAX, WAITING_MAX));
        assert_eq!(runner.lost(), 7);
        let held = std::fs::OpenOptions::new().read(true).write(true).open(&gate).unwrap();
        std::io::Write::write_all(&mut &held, "go\n".repeat(200).as_bytes()).unwrap();
        assert_eq!(runner.finish().await, Ok(Finished { lost: 7, failed: 0 }));
    }

    #[tokio::test]
    async fn those_that_ended_make_room_without_being_waited_for() {
        let mut runner = runner("true", &[]);
        for _ in 0..RUNNING_MAX + WAITING_MAX {
            runner.push(job("")).unwrap();
        }
        while runner.waiting.len() > WAITING_MAX / 2 {
            // Nothing here waits for a command; it only lets time pass.
            tokio::task::yield_now().await;
            runner.reap().unwrap();
        }
        runner.push(job("")).unwrap();
        assert_eq!(runner.finish().await, Ok(Finished { lost: 0, failed: 0 }));
    }

    #[tokio::test]
    async fn one_that_cannot_be_started_later_costs_its_event() {
        let mut runner = runner("true", &[]);
        runner.push(job("")).unwrap();
        let topic = "x".repeat(1 << 20);
        runner.push(Job { topic, ..job("") }).unwrap();
        assert_eq!(runner.finish().await.unwrap().failed, 1);
    }

    #[tokio::test]
    async fn a_command_that_fails_is_counted_and_one_that_is_missing_is_named() {
        let mut failing = runner("false", &[]);
        // More than a pipe holds, and nobody reads it.
        failing.push(job(&"x".repeat(1 << 20))).unwrap();
        assert_eq!(failing.finish().await.unwrap().failed, 1);
        let failure = runner("/nonexistent/mail", &[]).push(job("")).unwrap_err();
        assert!(failure.line().unwrap().contains("/nonexistent/mail"));
    }
}
