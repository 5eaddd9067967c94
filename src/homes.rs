//! Which daemons are watched: from the command line, else as pm2 finds its own.
//!
//! Invariant: each daemon is watched once, however often and in whatever spelling it is named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::Cli;
use crate::daemon::endpoint::{Endpoint, EndpointError};
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
pub(crate) fn watched(cli: &Cli, demo_home: Option<&Path>) -> Result<Vec<Home>, EndpointError> {
    let env = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    let default = Endpoint::from_env(env);
    let default_home = default.as_ref().ok().map(|endpoint| real(&endpoint.home));
    let named: Vec<&Path> = match demo_home.or(cli.home.as_deref()) {
        Some(home) => vec![home],
        None => cli.homes.iter().map(PathBuf::as_path).collect(),
    };
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for home in &named {
        let endpoint = Endpoint::in_home(home);
        if !endpoints.iter().any(|known| real(&known.home) == real(&endpoint.home)) {
            endpoints.push(endpoint);
        }
    }
    if named.is_empty() {
        endpoints.push(default?);
    }
    let labels = labels(&endpoints);
    let watched = endpoints.into_iter().zip(labels).map(|(endpoint, label)| {
        let home = real(&endpoint.home);
        let is_default = named.is_empty() || default_home.as_ref() == Some(&home);
        let cli_prefix = if is_default {
            String::new()
        } else {
            format!("PM2_HOME={} ", clean(&home.to_string_lossy()))
        };
        Home { endpoint, label, cli_prefix }
    });
    Ok(watched.collect())
}

/// The folder itself, without links, dots or a slash at the end; as named where it is not there.
fn real(home: &Path) -> PathBuf {
    let absolute = || std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
    std::fs::canonicalize(home).unwrap_or_else(|_| absolute())
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

    #[test]
    fn a_home_named_twice_is_watched_once() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("deploy/.pm2");
        std::fs::create_dir_all(&home).unwrap();
        let home = home.to_str().unwrap();
        let again = format!("{home}/../.pm2/");
        let cli = Cli::parse_from(["pm2-tui", home, &again, "/nowhere/.pm2"]);
        let watched = watched(&cli, None).unwrap();
        let labels: Vec<&str> = watched.iter().map(|home| home.label.as_str()).collect();
        assert_eq!(labels, ["deploy", "nowhere"]);
        assert_eq!(watched[1].cli_prefix, "PM2_HOME=/nowhere/.pm2 ");
    }

    #[test]
    fn homes_of_one_name_are_told_apart() {
        let cli = Cli::parse_from(["pm2-tui", "/a/x/.pm2", "/b/x/.pm2"]);
        let watched = watched(&cli, None).unwrap();
        assert_eq!((watched[0].label.as_str(), watched[1].label.as_str()), ("x", "x#2"));
    }
}
