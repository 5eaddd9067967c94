//! What can be done beside the five actions: counts, logs, signals, lines, watching, scaling, and the
//! saved list.

use super::{Client, ClientError, Outcome, Task};

impl Client {
    /// Does a task, and gives what came of it: for each target of [`Task::Each`], else for each step
    /// and then for the whole. Nothing is sent to a process that is another one by now.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// use pm2_tui::client::{Errand, Scale, Signal, Target, Task};
    ///
    /// let processes = client.snapshot().await?.processes;
    /// let api = processes.iter().filter(|process| &*process.name == "api");
    /// let targets: Vec<Target> = api.map(Target::of).collect();
    /// let errand = Errand::Signal(Signal::parse("SIGUSR2").unwrap_or(Signal::ALL[0]));
    /// let signal = Task::Each { errand, targets: targets.clone() };
    /// let scale = Task::Scale { targets, to: Scale::Up(2), leaves: Vec::new() };
    /// for task in [signal, scale] {
    ///     for outcome in client.perform(task).await? {
    ///         println!("{}", outcome.sentence());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`] where nothing could be sent at all. What the daemon refused is an outcome.
    pub async fn perform(&self, task: Task) -> Result<Vec<Outcome>, ClientError> {
        let mut outcomes = Vec::new();
        self.perform_telling(task, &mut |outcome| outcomes.push(outcome)).await?;
        Ok(outcomes)
    }

    /// The same, each outcome as it comes.
    pub(crate) async fn perform_telling(
        &self,
        task: Task,
        tell: &mut impl FnMut(Outcome),
    ) -> Result<(), ClientError> {
        if self.0.options.read_only {
            return Err(ClientError::ReadOnly { method: task.name().to_owned() });
        }
        // The bus is read as long as somebody acts.
        let (acting, _attendance) = self.0.acting().await?;
        acting.task(task, tell).await;
        Ok(())
    }

    /// The system's id of the daemon's process, where it runs on this machine.
    pub(crate) async fn god(&self) -> Option<u32> {
        self.0.session().await.ok()?.god
    }
}
