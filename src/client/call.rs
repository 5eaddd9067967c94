//! Calls by name, and the typed methods under pm2-interface's names.
//!
//! Invariant: a name that the daemon lists means the daemon's method; only a method that it lacks,
//! or one whose plain form is harmful (`killMe`), is composed.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::{Client, ClientError};
use crate::daemon::calls::chosen::Chosen;
use crate::daemon::calls::message;
use crate::daemon::calls::named::{CallFailure, Listing};
use crate::protocol::process::ProcessInfo;
use crate::protocol::risk;
use crate::protocol::rpc::{CallRefused, CheckedCall};

/// A method that this client composes if the daemon does not have it.
///
/// ```
/// use pm2_tui::client::COMPOSED;
///
/// let reload = COMPOSED.iter().find(|composed| composed.name == "reload");
/// assert_eq!(reload.map(|composed| composed.takes), Some("an object: {}"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Composed {
    /// pm2-interface's name.
    pub name: &'static str,
    /// The names of its arguments.
    pub params: &'static [&'static str],
    /// What they mean, for a person.
    pub takes: &'static str,
}

/// The methods that can be called by name on every daemon.
pub const COMPOSED: &[Composed] = &[
    Composed { name: "deleteAll", params: &["data"], takes: "an object: {}" },
    Composed { name: "deleteProcess", params: &["target"], takes: "a name or an id" },
    Composed { name: "findByScript", params: &["script"], takes: "the name of a script's file" },
    Composed { name: "getSystemData", params: &["env"], takes: "{}" },
    Composed { name: "killMe", params: &["data"], takes: "an object: {}" },
    Composed {
        name: "prepareJson",
        params: &["app", "cwd"],
        takes: "an app, a list of apps or {\"apps\": []}, and an absolute working directory",
    },
    Composed { name: "reload", params: &["data"], takes: "an object: {}" },
    Composed { name: "restartProcessName", params: &["name"], takes: "a name" },
    Composed { name: "stopAll", params: &["env"], takes: "an object: {}" },
];

impl Client {
    /// Calls a method by name: the daemon's own if it lists one, else the composed one. Returns the
    /// first value of the reply, or null if there is none.
    ///
    /// ```no_run
    /// # async fn example(client: pm2_tui::Client) -> Result<(), pm2_tui::client::ClientError> {
    /// let args = vec![serde_json::json!({ "process_id": 0, "signal": "SIGUSR2" })];
    /// client.call("sendSignalToProcessId", args).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError`]; of them `Refused`, `ReadOnly`, `UnknownMethod` and `NoSuchProcess` mean that
    /// nothing was sent.
    pub async fn call(&self, method: &str, args: Vec<Json>) -> Result<Json, ClientError> {
        let is_known = self.methods().has(method);
        let is_ours = method == "killMe" || !is_known;
        let composed = COMPOSED.iter().find(|known| known.name == method);
        if !is_known && composed.is_none() {
            let known = self.callable();
            return Err(ClientError::UnknownMethod { method: method.to_owned(), known });
        }
        self.permit(method)?;
        if let Some(composed) = composed.filter(|_| is_ours) {
            if composed.params.len() != args.len() {
                return Err(refused(composed, args.len()));
            }
            return Box::pin(self.compose(composed, args)).await;
        }
        if let ("prepareJson", [value, folder]) = (method, args.as_slice()) {
            return self.native_prepare_json(value, folder).await;
        }
        let session = self.0.session().await?;
        let reply = session.call_by_name(method, args, self.0.options.timeout).await;
        match reply {
            // 4.5.6 lists it, and says that its source of data was not started.
            Err(CallFailure::Said { .. }) if method == "getSystemData" => {
                self.composed_system_data().await
            }
            reply => Ok(reply?),
        }
    }

    /// Whom a call by name reaches now.
    pub(crate) async fn chosen(&self, method: &str, args: &[Json]) -> Result<Chosen, ClientError> {
        let session = self.0.session().await?;
        Ok(session.chosen(method, args, self.0.options.timeout).await?)
    }

    /// [`Client::call`], only if it reaches those who were chosen, and nobody else.
    pub(crate) async fn call_for(
        &self,
        method: &str,
        args: Vec<Json>,
        chosen: &Chosen,
    ) -> Result<Json, ClientError> {
        let session = self.0.session().await?;
        let expected = session.expect_chosen(method, chosen, self.0.options.timeout).await;
        match expected.map_err(ClientError::from) {
            // Nothing but a look was sent.
            Err(ClientError::Closed) => return Err(self.0.why_closed().await),
            expected => expected?,
        }
        self.call(method, args).await
    }

    /// Looks whether the daemon is the one that was connected to, after a question that took its time.
    ///
    /// # Errors
    /// It does not answer, or another one does in its place: [`ClientError::OtherDaemon`].
    pub(crate) async fn expect_same_daemon(&self) -> Result<(), ClientError> {
        match self.0.snapshot().await {
            Err(ClientError::Closed) => Err(self.0.why_closed().await),
            looked => looked.map(drop),
        }
    }

    /// All processes, both as PM2 sent them and typed.
    pub(crate) async fn listing(&self) -> Result<Listing, ClientError> {
        self.0.listing().await
    }

    /// Sends a message to processes of a fresh listing, and returns how many received it. Before
    /// PM2 1.1 these must be all processes with a name.
    pub(crate) async fn deliver(
        &self,
        listing: &Listing,
        targets: &[&ProcessInfo],
        message: &Json,
    ) -> Result<u32, ClientError> {
        self.permit("msgProcess")?;
        let (session, timeout) = (self.0.session().await?, self.0.options.timeout);
        Ok(message::deliver(&session, listing, targets, message, timeout).await?)
    }

    /// Triggers an action in a process of a fresh listing, with these parameters (`opts`); returns
    /// whether the process was running.
    pub(crate) async fn trigger(
        &self,
        target: &ProcessInfo,
        action: &str,
        params: Option<&str>,
    ) -> Result<bool, ClientError> {
        self.permit("msgProcess")?;
        let (session, timeout) = (self.0.session().await?, self.0.options.timeout);
        let mut opts = Map::from_iter([("msg".to_owned(), Json::from(action))]);
        opts.extend(params.map(|params| ("opts".to_owned(), Json::from(params))));
        Ok(message::trigger(&session, target, opts, timeout).await?)
    }

    /// Refuses a method that changes something, if this client is read-only.
    pub(super) fn permit(&self, method: &str) -> Result<(), ClientError> {
        if self.0.options.read_only && risk::changes_something(method) {
            tracing::warn!(method, "refused: this client is read-only");
            return Err(ClientError::ReadOnly { method: method.to_owned() });
        }
        Ok(())
    }

    async fn compose(&self, composed: &Composed, args: Vec<Json>) -> Result<Json, ClientError> {
        let count = args.len();
        let refused = || refused(composed, count);
        let mut args = args.into_iter();
        let first = args.next().unwrap_or_default();
        let text = || first.as_str().filter(|text| !text.is_empty()).ok_or_else(refused);
        match composed.name {
            "deleteAll" | "killMe" | "reload" | "stopAll" if !first.is_object() => Err(refused()),
            "deleteAll" => self.composed_delete_all().await,
            "deleteProcess" => match first.as_u64() {
                Some(id) => self.delete_process_of_id(id).await,
                None => self.delete_process(text()?).await,
            },
            "findByScript" => self.composed_find_by_script(text()?).await,
            "getSystemData" => self.composed_system_data().await,
            "killMe" => self.kill_me().await,
            "prepareJson" => {
                let folder = args.next().unwrap_or_default();
                let folder = folder.as_str().filter(|path| path.starts_with('/'));
                self.composed_prepare_json(&first, folder.ok_or_else(refused)?).await
            }
            "reload" => self.reload().await,
            "restartProcessName" => self.composed_restart_name(text()?).await,
            "stopAll" => self.composed_stop_all().await,
            _ => Err(refused()),
        }
    }

    /// How long a call may take: the caller's limit, plus the time that the daemon itself may need.
    pub(super) async fn timeout(&self, call: &CheckedCall) -> Result<Duration, ClientError> {
        Ok(self.0.session().await?.time_for(call, self.0.options.timeout).await?)
    }
}

fn refused(composed: &Composed, found: usize) -> ClientError {
    let wanted = composed.params.len();
    let takes = if wanted == found {
        composed.takes.into()
    } else {
        let plural = if wanted == 1 { "" } else { "s" };
        format!("{wanted} argument{plural}, {}; {found} given", composed.takes).into()
    };
    CallRefused::Shape { method: composed.name.into(), takes }.into()
}
