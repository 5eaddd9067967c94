//! Which daemons are watched: from the command line, else as pm2 finds its own.
//!
//! Invariant: each daemon is watched once, however often and in whatever spelling it is named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;

use crate::cli::Cli;
use crate::daemon::endpoint::{Endpoint, EndpointError};
use crate::daemon::offload;
use crate::protocol::shell::word;
use crate::protocol::text::clean;

/// One daemon to watch.
#[derive(Debug)]
pub(crate) struct Home {
    /// Where its sockets are.
    pub(crate) endpoint: Endpoint,
    /// Short and unique among the watched ones, cleaned.
    pub(crate) label: String,
    /// What the pm2 CLI needs before its command to reach this daemon: `PM2_HOME=DIR ` or nothing.
    pub(crate) cli_prefix: String,
}

/// The daemons that the command line names; without one, the one of the environment.
pub(crate) async fn watched(
    cli: &Cli,
    demo_home: Option<&Path>,
) -> Result<Vec<Home>, EndpointError> {
    let env = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    let default = Endpoint::from_env(env);
    let default_home = match &default {
        Ok(endpoint) => Some(real(&endpoint.home).await),
        Err(_) => None,
    };
    let named: Vec<&Path> = match demo_home.or(cli.home.as_deref()) {
        Some(home) => vec![home],
        None => cli.homes.iter().map(PathBuf::as_path).collect(),
    };
    let mut endpoints: Vec<Endpoint> = Vec::new();
    let mut known = Vec::new();
    let real_ones = join_all(named.iter().map(|home| real(home))).await;
    for (home, real) in named.iter().zip(real_ones) {
        if !known.contains(&real) {
            endpoints.push(Endpoint::in_home(home));
            known.push(real);
        }
    }
    if demo_home.is_none() && cli.daemon.is_some() {
        endpoints = vec![crate::headless::endpoint(cli)?];
    } else if named.is_empty() {
        endpoints.push(default?);
    } else {
        // The homes are named.
    }
    let labels = labels(&endpoints);
    let real_ones = join_all(endpoints.iter().map(|endpoint| real(&endpoint.home))).await;
    let each = endpoints.into_iter().zip(real_ones).zip(labels);
    let watched = each.map(|((endpoint, home), label)| {
        let is_default = named.is_empty() || default_home.as_ref() == Some(&home);
        let cli_prefix = if is_default {
            String::new()
        } else {
            format!("PM2_HOME={} ", word(&home.to_string_lossy()))
        };
        Home { endpoint, label, cli_prefix }
    });
    Ok(watched.collect())
}

/// The folder itself, without links, dots or a slash at the end; as named where it is not there, or
/// its disk does not answer.
async fn real(home: &Path) -> PathBuf {
    let named = home.to_owned();
    let found = offload::look(move || std::fs::canonicalize(named)).await;
    let absolute = || std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
    found.and_then(Result::ok).unwrap_or_else(absolute)
}

/// One daemon is called by its host, several by their homes: `/home/deploy/.pm2` is `deploy`.
fn labels(endpoints: &[Endpoint]) -> Vec<String> {
    if endpoints.len() == 1 {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        return vec![clean(&host).into_owned()];
    }
    let mut labels: Vec<String> = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        let home = &endpoint.home;
        let is_hidden =
            home.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let named = if is_hidden { home.parent().unwrap_or(home) } else { home };
        let name = named.file_name().unwrap_or(named.as_os_str()).to_string_lossy();
        let name = clean(&name).into_owned();
        let same = labels.iter().filter(|label| label.split('#').next() == Some(&name)).count();
        labels.push(if same == 0 { name } else { format!("{name}#{}", same + 1) });
    }
    labels
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[tokio::test]
    async fn a_home_named_twice_is_watched_once() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("deploy/.pm2");
        std::fs::create_dir_all(&home).unwrap();
        let home = home.to_str().unwrap();
        let again = format!("{home}/../.pm2/");
        let cli = Cli::parse_from(["pm2-tui", home, &again, "/nowhere/.pm2", "/no where"]);
        let watched = watched(&cli, None).await.unwrap();
        let labels: Vec<&str> = watched.iter().map(|home| home.label.as_str()).collect();
        assert_eq!(labels, ["deploy", "nowhere", "no where"]);
        assert_eq!(watched[1].cli_prefix, "PM2_HOME=/nowhere/.pm2 ");
        assert_eq!(watched[2].cli_prefix, "PM2_HOME='/no where' ");
    }

    #[tokio::test]
    async fn homes_of_one_name_are_told_apart() {
        let cli = Cli::parse_from(["pm2-tui", "/a/x/.pm2", "/b/x/.pm2"]);
        let watched = watched(&cli, None).await.unwrap();
        assert_eq!((watched[0].label.as_str(), watched[1].label.as_str()), ("x", "x#2"));
    }
}
