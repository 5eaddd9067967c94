//! `prepareJson`: apps from a configuration to running processes.
//!
//! Invariant: every app is understood, and none of their names is taken, before the first is sent.

use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value as Json;

use super::compose::AT_ONCE;
use super::{Client, ClientError};
use crate::ecosystem::{AppConfig, Context, create_log_folders, parse_value, prepare_all};

impl Client {
    /// Starts apps that [`crate::ecosystem::load`] or [`crate::ecosystem::parse_value`] gave, two at
    /// a time as the pm2 CLI does, and gives the processes that were started.
    ///
    /// # Errors
    /// [`ClientError::Config`] and [`ClientError::NameTaken`]: nothing was started. And others.
    pub async fn start_apps(
        &self,
        apps: &[AppConfig],
        context: &Context,
    ) -> Result<Json, ClientError> {
        self.permit("prepareJson")?;
        let payloads = prepare_all(apps, context)?;
        let before = self.0.listing().await?;
        let mut calls = Vec::with_capacity(payloads.len());
        for payload in &payloads {
            let name = payload.get("name").and_then(Json::as_str).unwrap_or_default();
            if before.infos.iter().any(|info| &*info.name == name) {
                return Err(ClientError::NameTaken { name: name.to_owned() });
            }
            calls.push(self.methods().check_named("prepare", vec![payload.clone()])?);
        }
        create_log_folders(&payloads)?;
        stream::iter(calls.iter().map(|call| async move {
            self.0.send(call, self.timeout(call).await?).await.map(drop)
        }))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
        let after = self.0.listing().await?;
        let old: Vec<_> = before.infos.iter().map(|info| info.pm_id).collect();
        let is_new = |raw: &Json| {
            let id = raw.get("pm_id").and_then(Json::as_u64);
            !old.iter().any(|old| Some(u64::from(old.0)) == id)
        };
        Ok(after.raw.into_iter().filter(is_new).collect())
    }

    pub(super) async fn composed_prepare_json(
        &self,
        value: &Json,
        folder: &str,
    ) -> Result<Json, ClientError> {
        let apps = parse_value(value, "prepareJson")?;
        let context = Context {
            pm2_home: self.endpoint().home.clone(),
            cwd: Path::new(folder).to_owned(),
            environment: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            env_name: None,
        };
        self.start_apps(&apps, &context).await
    }

    /// Up to 0.15 the daemon itself understands an app, one at a time.
    pub(super) async fn native_prepare_json(
        &self,
        value: &Json,
        folder: &Json,
    ) -> Result<Json, ClientError> {
        parse_value(value, "prepareJson")?;
        let apps = match value.get("apps").unwrap_or(value) {
            Json::Array(apps) => apps.clone(),
            app => vec![app.clone()],
        };
        let check =
            |app: Json| self.methods().check_named("prepareJson", vec![app, folder.clone()]);
        let calls = apps.into_iter().map(check).collect::<Result<Vec<_>, _>>()?;
        let mut started = Vec::new();
        for call in &calls {
            match self.0.send(call, self.timeout(call).await?).await? {
                Json::Array(processes) => started.extend(processes),
                process => started.push(process),
            }
        }
        Ok(Json::Array(started))
    }
}
