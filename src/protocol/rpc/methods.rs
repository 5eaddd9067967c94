//! What a daemon can be asked: its own list of methods, against which every call is checked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{BOUND, Call, CallRefused, CheckedCall, Reply, ReplyError};
use crate::protocol::cron::Reader;
use crate::protocol::{json, settings};

/// The methods that a daemon lists, with the names of their parameters, the callback last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Methods {
    params: BTreeMap<Box<str>, Vec<Box<str>>>,
    /// Who reads the cron patterns of calls by name.
    cron: Reader,
}

impl Methods {
    /// Reads the reply to a `methods` request: `{"methods": {NAME: {"params": [..]}}}`.
    ///
    /// # Errors
    /// When the reply has no such object.
    pub fn parse(reply: &Reply) -> Result<Self, ReplyError> {
        #[derive(serde::Deserialize)]
        struct Wire {
            methods: BTreeMap<Box<str>, Json>,
        }
        let wire: Wire = json::from_slice(&reply.body)
            .map_err(|error| ReplyError::Json { what: "methods", reason: error.to_string() })?;
        // A method whose parameters are not known cannot be called safely: as if it were missing.
        let params = |method: &Json| -> Option<Vec<Box<str>>> {
            let names = method.get("params")?.as_array()?;
            names.iter().map(|name| name.as_str().map(Box::<str>::from)).collect()
        };
        Ok(Self {
            params: wire
                .methods
                .into_iter()
                .filter_map(|(name, method)| Some((name, params(&method)?)))
                .collect(),
            cron: Reader::default(),
        })
    }

    /// The methods of a daemon whose parameters are known already, in tests.
    #[cfg(test)]
    pub(crate) fn from_params(list: impl Iterator<Item = (Box<str>, Vec<Box<str>>)>) -> Self {
        Self { params: list.collect(), cron: Reader::default() }
    }

    /// The methods of a daemon that told its version: cron patterns are checked by what that release
    /// reads. Of others, only what every release reads is let through.
    #[must_use]
    pub fn of_release(mut self, version: Option<&str>) -> Self {
        self.cron = Reader::of_release(version);
        self
    }

    pub(in crate::protocol) fn cron_reader(&self) -> Reader {
        self.cron
    }

    /// Whether the daemon lists the method.
    #[must_use]
    pub fn has(&self, method: &str) -> bool {
        self.params.contains_key(method)
    }

    /// The names of the methods, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.params.keys().map(|name| &**name)
    }

    /// Checks a call against this daemon; the only way to a [`CheckedCall`].
    ///
    /// # Errors
    /// [`CallRefused`] when the method is not there or takes another number of arguments.
    pub fn check(&self, call: &Call) -> Result<CheckedCall, CallRefused> {
        let method = call.method();
        let unknown = || CallRefused::UnknownMethod { method: method.into() };
        let params = self.params.get(method).ok_or_else(unknown)?;
        let args = call.args(params);
        check_count(method, params, args.len())?;
        Ok(CheckedCall { method: Cow::Borrowed(method), args })
    }

    /// Checks a `prepare` of a process that was saved or kept: all of its `pm2_env`, without what God
    /// gives anew.
    ///
    /// # Errors
    /// [`CallRefused`] with a sentence that names what is wrong with it.
    pub fn check_saved(&self, saved: Map<String, Json>) -> Result<CheckedCall, CallRefused> {
        let method = "prepare";
        let unknown = || CallRefused::UnknownMethod { method: method.into() };
        let params = self.params.get(method).ok_or_else(unknown)?;
        check_count(method, params, 1)?;
        if let Some((key, reason)) = settings::trouble_of_saved(&saved, self.cron) {
            let takes = format!("a process as it was; {key} {reason}").into();
            return Err(CallRefused::Shape { method: method.into(), takes });
        }
        Ok(CheckedCall { method: Cow::Borrowed(method), args: vec![Json::Object(saved)] })
    }

    /// The names of a method's parameters as the daemon has them, the callback last; empty for
    /// those that it binds.
    #[must_use]
    pub fn params(&self, method: &str) -> Option<&[Box<str>]> {
        self.params.get(method).map(Vec::as_slice)
    }
}

/// Refuses a call that would put the callback in the wrong place.
pub(in crate::protocol) fn check_count(
    method: &str,
    params: &[Box<str>],
    found: usize,
) -> Result<(), CallRefused> {
    // The last parameter is always the callback.
    let wanted = match params.len() {
        0 if BOUND.contains(&method) => 1,
        count => count.saturating_sub(1),
    };
    if wanted == found {
        return Ok(());
    }
    Err(CallRefused::ArgumentCount { method: method.into(), wanted, found })
}
