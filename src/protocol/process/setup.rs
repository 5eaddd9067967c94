//! What a process was set up with, as far as a column shows it.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::protocol::json::{Object, Scalar, nothing, object, skip_map, skip_rest};
use crate::protocol::text::clean;

/// The most actions kept of one process; an app that declares more is not one for a menu.
const ACTIONS_MAX: usize = 64;

/// What a process was set up with, cleaned; a field that PM2 did not send is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setup {
    /// `username`: who started it; absent before 2.10.
    pub user: Option<Box<str>>,
    /// Whether PM2 restarts it when its files change: `watch` is true, or names files.
    pub is_watching: bool,
    /// `versioning.branch`, where PM2 found a repository.
    pub git_branch: Option<Box<str>>,
    /// `versioning.revision`.
    pub git_revision: Option<Box<str>>,
    /// `cron_restart`.
    pub cron: Option<Box<str>>,
    /// `node_version`: of Node.js where that runs it.
    pub node: Option<Box<str>>,
    /// `exec_interpreter`: `node`, a path, `none`.
    pub interpreter: Option<Box<str>>,
    /// Whether a shell runs it, or it runs its own by one, as npm does.
    pub runs_shell: bool,
    /// The names of the actions that it declared (`axm_actions`).
    pub actions: Box<[Box<str>]>,
}

object! {
    pub(in crate::protocol) struct Versioning<'de> {
        branch: Scalar<'de> = "branch",
        revision: Scalar<'de> = "revision",
    }
}

object! {
    struct Declared<'de> {
        name: Scalar<'de> = "action_name",
    }
}

impl Setup {
    /// What these fields say.
    pub(super) fn of(
        [user, cron, node, interpreter, script]: [&Scalar<'_>; 5],
        watch: &Truth,
        versioning: &Object<Versioning<'_>>,
        actions: &Actions,
    ) -> Self {
        let git = versioning.0.as_ref();
        Self {
            user: boxed(user),
            is_watching: watch.0,
            git_branch: git.and_then(|git| boxed(&git.branch)),
            git_revision: git.and_then(|git| boxed(&git.revision)),
            cron: boxed(cron).filter(|cron| !matches!(&**cron, "0" | "false")),
            node: boxed(node),
            interpreter: boxed(interpreter),
            runs_shell: [interpreter, script]
                .iter()
                .any(|path| path.as_str().is_some_and(is_shell)),
            actions: actions.0.clone().into(),
        }
    }
}

/// Whether the program of this path is a shell, or runs what it is given by one.
fn is_shell(path: &str) -> bool {
    const NAMES: [&str; 12] = [
        "sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "busybox", "npm", "npx", "yarn", "pnpm",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let is_script = Path::new(name).extension().is_some_and(|ending| ending == "sh");
    is_script || NAMES.contains(&stem.strip_suffix("-cli").unwrap_or(stem))
}

/// Whether a value counts as true in JavaScript, strings `false` and `0` aside, which an environment
/// variable may have put there.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Truth(bool);

/// The names of declared actions.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Actions(Vec<Box<str>>);

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TruthVisitor)
    }
}

struct TruthVisitor;

impl<'de> Visitor<'de> for TruthVisitor {
    type Value = Truth;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Truth(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Truth(value != 0))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Truth(value != 0))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Truth(value != 0.0))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Truth(!matches!(value, "" | "0" | "false")))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Truth(false))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_rest(seq).map(|()| Truth(true))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| Truth(true))
    }
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ActionsVisitor)
    }
}

struct ActionsVisitor;

impl<'de> Visitor<'de> for ActionsVisitor {
    type Value = Actions;

    nothing!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str,);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some(Object(action)) = seq.next_element::<Object<Declared<'de>>>()? {
            let name = action.and_then(|action| boxed(&action.name));
            names.extend(name.filter(|_| names.len() < ACTIONS_MAX));
        }
        Ok(Actions(names))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| Actions::default())
    }
}

/// A field's text, cleaned; `None` where it has none.
pub(super) fn boxed(field: &Scalar<'_>) -> Option<Box<str>> {
    let text = field.as_text()?;
    let text = clean(&text);
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_known_by_its_name() {
        for path in
            ["bash", "/bin/sh", "/srv/start.sh", "/usr/bin/npm", "/n/bin/npm-cli.js", "yarn.js"]
        {
            assert!(is_shell(path), "{path}");
        }
        for path in ["node", "none", "", "/srv/shop.js", "python3", "/srv/bash/app.js", "a.sh.js"] {
            assert!(!is_shell(path), "{path}");
        }
    }
}
