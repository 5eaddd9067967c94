//! Methods of pm2-interface that newer daemons lack, composed as the pm2 CLI does (docs/pm2.md
//! section 3).
//!
//! Invariant: "all" does not include modules.

use serde_json::Value as Json;

use super::{Client, ClientError, Target, Verdict};
use crate::daemon::calls::named::no_such_process;
use crate::model::Action;
use crate::protocol::process::{ExecMode, ProcessInfo, ProcessStatus};

impl Client {
    pub(super) async fn composed_stop_all(&self) -> Result<Json, ClientError> {
        let listing = self.0.listing().await?;
        self.act_on(Action::Stop, listing.infos.iter().filter(|info| !info.is_module)).await
    }

    pub(super) async fn composed_delete_all(&self) -> Result<Json, ClientError> {
        let listing = self.0.listing().await?;
        self.act_on(Action::Delete, listing.infos.iter().filter(|info| !info.is_module)).await
    }

    pub(super) async fn composed_restart_name(&self, name: &str) -> Result<Json, ClientError> {
        let listing = self.0.listing().await?;
        let found = listing.named(name);
        if found.is_empty() {
            return Err(no_such_process(name).into());
        }
        self.act_on(Action::Restart, found.into_iter()).await
    }

    /// Stops and deletes the process with this id, or those with this name; returns those that
    /// remain. A target that is the id of one process and the name of another is refused.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let left = client.delete_process("api").await?;
    /// println!("{} are left", left.as_array().map_or(0, Vec::len));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::NoSuchProcess`] and others.
    pub async fn delete_process(&self, target: &str) -> Result<Json, ClientError> {
        self.permit("deleteProcess")?;
        let listing = self.0.listing().await?;
        let id: Option<u32> = target.parse().ok();
        let by_id = listing.infos.iter().find(|info| Some(info.pm_id.0) == id);
        let named = listing.named(target);
        let found = match by_id {
            Some(info) if named.iter().any(|other| other.pm_id != info.pm_id) => {
                let reason = format!("`{target}` is the id of one process and the name of another");
                return Err(ClientError::Unsafe { reason });
            }
            Some(info) => vec![info],
            None => named,
        };
        if found.is_empty() {
            return Err(no_such_process(target).into());
        }
        self.act_on(Action::Delete, found.into_iter()).await
    }

    /// The same for the process with this id only.
    pub(super) async fn delete_process_of_id(&self, id: u64) -> Result<Json, ClientError> {
        let listing = self.0.listing().await?;
        let found = listing.infos.iter().filter(|info| u64::from(info.pm_id.0) == id);
        if found.clone().next().is_none() {
            return Err(no_such_process(&id.to_string()).into());
        }
        self.act_on(Action::Delete, found).await
    }

    /// Reloads every cluster app without downtime, one instance of an app after another, two apps
    /// at a time; returns all processes. Stopped processes stay stopped. If an instance does not
    /// come up, the other instances of its app are left alone.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let all = client.reload().await?;
    /// println!("{} processes", all.as_array().map_or(0, Vec::len));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`]: the first failure ends it.
    pub async fn reload(&self) -> Result<Json, ClientError> {
        self.permit("reload")?;
        let listing = self.0.listing().await?;
        let reloadable = |info: &&ProcessInfo| {
            info.exec_mode == ExecMode::Cluster
                && !info.is_module
                && info.status == ProcessStatus::Online
        };
        self.act_on(Action::Reload, listing.infos.iter().filter(reloadable)).await
    }

    pub(super) async fn composed_find_by_script(&self, script: &str) -> Result<Json, ClientError> {
        let listing = self.0.listing().await?;
        let env_of = |raw: Json| match raw {
            Json::Object(mut process) => process.remove("pm2_env"),
            _ => None,
        };
        let runs = |env: &Json| {
            let path = env.get("pm_exec_path").and_then(Json::as_str);
            path.and_then(|path| path.rsplit('/').next()).is_some_and(|name| name == script)
        };
        let found: Vec<Json> = listing.raw.into_iter().filter_map(env_of).filter(runs).collect();
        // As the daemons that had it: up to 0.15 it gives their `pm2_env`, or null for none.
        Ok(if found.is_empty() { Json::Null } else { Json::Array(found) })
    }

    /// All processes as PM2 has them now.
    pub(super) async fn processes(&self) -> Result<Json, ClientError> {
        Ok(Json::Array(self.0.listing().await?.raw))
    }

    /// Acts on processes as the pm2 CLI does, and returns all processes afterwards.
    ///
    /// # Errors
    /// The first failure.
    pub(super) async fn act_on<'a>(
        &self,
        action: Action,
        infos: impl Iterator<Item = &'a ProcessInfo>,
    ) -> Result<Json, ClientError> {
        for (target, verdict) in self.act_all(action, infos.map(Target::of).collect()).await? {
            // One that is gone meanwhile needs no deleting.
            if !verdict.is_success() && (action, &verdict) != (Action::Delete, &Verdict::Gone) {
                return Err(ClientError::NotDone { action, label: target.label(), verdict });
            }
        }
        self.processes().await
    }
}
