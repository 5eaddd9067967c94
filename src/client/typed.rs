//! pm2-interface's methods under their names, each with what it takes.
//!
//! Invariant: each is [`Client::call`] of the same name, on whatever daemon is running.

use serde_json::{Value as Json, json};

use super::{Client, ClientError};

impl Client {
    /// Starts apps: one app, an array of them, or `{apps: []}`, as an ecosystem file has them.
    /// Relative paths are in `cwd`. What has an app's name already is restarted with its
    /// configuration. Gives the processes; the `action` of each is `started` or `restarted`.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let app = serde_json::json!({ "name": "api", "script": "api.js", "instances": 2 });
    /// let started = client.prepare_json(&app, "/srv/api").await?;
    /// assert_eq!(started[0]["name"], "api");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`]; nothing is started where an app is not understood, and
    /// [`ClientError::Partly`] says what became of each where one failed after that.
    pub async fn prepare_json(&self, json_app: &Json, cwd: &str) -> Result<Json, ClientError> {
        self.call("prepareJson", vec![json_app.clone(), json!(cwd)]).await
    }

    /// All processes, as JSON, with their whole environment.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let processes = client.get_monitor_data().await?;
    /// for process in processes.as_array().into_iter().flatten() {
    ///     println!("{} {} {}", process["pm_id"], process["name"], process["pm2_env"]["status"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_monitor_data(&self) -> Result<Json, ClientError> {
        self.call("getMonitorData", vec![json!({})]).await
    }

    /// The machine and all processes: `{system: {hostname, uptime, cpus, load, memory, time},
    /// processes}`. PM2 7 answers with a map of metrics instead.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let data = client.get_system_data().await?;
    /// println!("{} since {} s", data["system"]["hostname"], data["system"]["uptime"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_system_data(&self) -> Result<Json, ClientError> {
        self.call("getSystemData", vec![json!({})]).await
    }

    /// Starts a stopped process.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// client.start_process_id(0).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn start_process_id(&self, id: u32) -> Result<Json, ClientError> {
        self.call("startProcessId", vec![json!(id)]).await
    }

    /// Stops a process.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let stopped = client.stop_process_id(0).await?;
    /// assert_eq!(stopped["pm2_env"]["status"], "stopped");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn stop_process_id(&self, id: u32) -> Result<Json, ClientError> {
        self.call("stopProcessId", vec![json!(id)]).await
    }

    /// Restarts a process with the environment that it has.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// client.restart_process_id(0).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn restart_process_id(&self, id: u32) -> Result<Json, ClientError> {
        self.call("restartProcessId", vec![json!(id)]).await
    }

    /// Sends a message to the process `id`, or to all of `name`: `{id | name, msg}`. An object
    /// arrives in the app as it is, with `id`, `topic` and `data` added where it has none. A text is
    /// the name of an action (`axm_actions`), which is triggered, with `opts`, in those that declare
    /// it. Gives `{process_count, success}`: how many were reached.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let message = serde_json::json!({ "name": "worker", "msg": { "type": "god:heap" } });
    /// let reached = client.msg_process(message).await?;
    /// assert_eq!(reached["process_count"], 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::NoSuchProcess`], [`ClientError::NoSuchAction`] and others.
    pub async fn msg_process(&self, opts: Json) -> Result<Json, ClientError> {
        self.call("msgProcess", vec![opts]).await
    }

    /// Stops every process but modules, and gives all processes.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let all = client.stop_all().await?;
    /// println!("{} processes", all.as_array().map_or(0, Vec::len));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn stop_all(&self) -> Result<Json, ClientError> {
        self.call("stopAll", vec![json!({})]).await
    }

    /// Restarts every process of this name, and gives all processes.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// client.restart_process_name("api").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::NoSuchProcess`] and others.
    pub async fn restart_process_name(&self, name: &str) -> Result<Json, ClientError> {
        self.call("restartProcessName", vec![json!(name)]).await
    }

    /// Stops and forgets every process but modules, and gives those that remain.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let left = client.delete_all().await?;
    /// println!("{} modules are left", left.as_array().map_or(0, Vec::len));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_all(&self) -> Result<Json, ClientError> {
        self.call("deleteAll", vec![json!({})]).await
    }

    /// The `pm2_env` of each process that runs a script of this file name; null where none does.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let found = client.find_by_script("api.js").await?;
    /// println!("{} run it", found.as_array().map_or(0, Vec::len));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn find_by_script(&self, script: &str) -> Result<Json, ClientError> {
        self.call("findByScript", vec![json!(script)]).await
    }
}
