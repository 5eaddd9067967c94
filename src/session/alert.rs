//! The command that the configuration names for a process that is errored.
//!
//! Invariant: at most [`RUNNING_MAX`] run at once, each for [`RUN_MAX`] at most; what comes on top is
//! not run, and told. No shell is started unless the user names one.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::app::alerted::Alerted;
use crate::protocol::text::clean;

/// Commands that run at once.
const RUNNING_MAX: usize = 4;
/// How long one may run.
const RUN_MAX: Duration = Duration::from_mins(1);

/// Runs the command.
#[derive(Debug, Clone)]
pub(super) struct Runner {
    words: Vec<String>,
    places: Arc<Semaphore>,
}

impl Default for Runner {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Runner {
    /// This program with its arguments; nothing is run where there are none.
    pub(super) fn new(words: Vec<String>) -> Self {
        Self { words, places: Arc::new(Semaphore::new(RUNNING_MAX)) }
    }

    /// Runs it for a process; never waits. `tell` is given a sentence where that fails.
    pub(super) fn run(&self, alerted: &Alerted, tell: impl Fn(String) + Send + 'static) {
        let Some((program, arguments)) = self.words.split_first() else { return };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let label = &alerted.label;
            tell(format!("{RUNNING_MAX} commands of alerts run already: none for {label}"));
            return;
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("PM2_TUI_EVENT", "errored")
            .env("PM2_TUI_PROCESS", &alerted.name)
            .env("PM2_TUI_PM_ID", alerted.pm_id.to_string())
            .env("PM2_TUI_HOME", &alerted.home)
            // The terminal is the screen's.
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let program = clean(program).into_owned();
        tokio::spawn(async move {
            let _place = place;
            let run = async { command.spawn()?.wait().await };
            match tokio::time::timeout(RUN_MAX, run).await {
                Ok(Ok(status)) if status.success() => {}
                Ok(Ok(status)) => tell(format!("the alert `{program}` ended with {status}")),
                Ok(Err(error)) => {
                    let why = format!("cannot run the alert `{program}`: {error}");
                    tell(clean(&why).into_owned());
                }
                Err(_) => tell(format!("the alert `{program}` took over a minute and was ended")),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn alerted() -> Alerted {
        Alerted { label: "api[3]".into(), name: "api".into(), pm_id: 3, home: "/h".into() }
    }

    #[tokio::test]
    async fn it_gets_the_process_and_says_how_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let script = format!("echo $PM2_TUI_PROCESS $PM2_TUI_PM_ID > {}; exit 7", file.display());
        let words = ["sh", "-c", &script].map(str::to_owned).to_vec();
        let (sender, said) = mpsc::channel();
        Runner::new(words).run(&alerted(), move |text| sender.send(text).unwrap());
        let text = tokio::task::spawn_blocking(move || said.recv().unwrap()).await.unwrap();
        assert_eq!(text, "the alert `sh` ended with exit status: 7");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "api 3\n");
    }

    #[tokio::test]
    async fn what_cannot_be_run_is_told() {
        let (sender, said) = mpsc::channel();
        let runner = Runner::new(vec!["/nonexistent/alert".to_owned()]);
        runner.run(&alerted(), move |text| sender.send(text).unwrap());
        let text = tokio::task::spawn_blocking(move || said.recv().unwrap()).await.unwrap();
        assert!(
            text.starts_with("cannot run the alert `/nonexistent/alert`: No such file"),
            "{text}"
        );
        Runner::new(Vec::new()).run(&alerted(), |_| panic!("nothing to run"));
    }
}
