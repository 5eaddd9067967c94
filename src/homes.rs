//! Which daemons are watched: from the command line, else as pm2 finds its own.
//!
//! Invariant: each daemon is watched once, however often and in whatever spelling it is named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;

use crate::cli::Cli;
use crate::daemon::endpoint::{Endpoint, EndpointError};
use crate::daemon::{hosts, offload};
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

/// Which of these are production: their homes or hosts are among the places where a mistake is dear.
pub(crate) async fn production(homes: &[Home], places: &[Box<str>]) -> Vec<bool> {
    if places.is_empty() {
        return vec![false; homes.len()];
    }
    let (folders, hosts): (Vec<_>, Vec<_>) = places.iter().partition(|it| it.starts_with('/'));
    let mut dear: Vec<PathBuf> =
        folders.iter().map(|folder| hosts::plain(Path::new(&***folder))).collect();
    dear.extend(join_all(folders.iter().map(|folder| real(Path::new(&***folder)))).await);
    let real_ones = join_all(homes.iter().map(|home| real(&home.endpoint.home))).await;
    let named: Vec<Box<str>> = hosts.iter().map(|it| (*it).clone()).collect();
    let names_this = offload::look(move || named.iter().any(|it| hosts::is_this_host(it)));
    // Where that is not answered, nothing is less safe.
    let names_this = names_this.await.unwrap_or(!hosts.is_empty());
    let is_dear = |(home, real): (&Home, PathBuf)| {
        let host = home.endpoint.host();
        let is_host = |name: &str| hosts.iter().any(|place| hosts::is_of_host(place, name));
        // What answers here may be a tunnel, and may be not.
        let is_here = host.is_none_or(|host| ["127.0.0.1", "::1", "localhost"].contains(&host));
        dear.contains(&hosts::plain(&home.endpoint.home))
            || dear.contains(&real)
            || (is_here && names_this)
            || host.is_some_and(is_host)
    };
    homes.iter().zip(real_ones).map(is_dear).collect()
}

/// Which hosts of these places are neither this machine nor that of a daemon which is watched: they guard
/// nothing here.
pub(crate) async fn strange_hosts(homes: &[Home], places: &[Box<str>]) -> Vec<Box<str>> {
    let watched = |place: &str| {
        homes.iter().filter_map(|home| home.endpoint.host()).any(|it| hosts::is_of_host(place, it))
    };
    let others = places.iter().filter(|it| !it.starts_with('/') && !watched(it));
    let mut others: Vec<Box<str>> = others.cloned().collect();
    let look = move || {
        others.retain(|place| !hosts::is_this_host(place));
        others
    };
    offload::look(look).await.unwrap_or_default()
}

/// The folder itself, without links, dots or a slash at the end; as named where it is not there, or
/// its disk does not answer.
async fn real(home: &Path) -> PathBuf {
    let named = home.to_owned();
    let found = offload::look(move || std::fs::canonicalize(named)).await;
    let absolute =
        || std::path::absolute(home).map_or_else(|_| home.to_owned(), |it| hosts::plain(&it));
    found.and_then(Result::ok).unwrap_or_else(absolute)
}

/// One daemon is called by its host, several by their homes: `/home/deploy/.pm2` is `deploy`.
fn labels(endpoints: &[Endpoint]) -> Vec<String> {
    if endpoints.len() == 1 {
        return vec![clean(&hosts::here()).into_owned()];
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

    #[tokio::test]
    async fn production_is_a_home_through_links_or_a_host() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("real/.pm2");
        std::fs::create_dir_all(&home).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&home, &link).unwrap();
        let cli = Cli::parse_from(["pm2-tui", home.to_str().unwrap(), "/nowhere/.pm2"]);
        let homes = watched(&cli, None).await.unwrap();
        let here = rustix::system::uname().nodename().to_string_lossy().to_uppercase();
        for (place, dear) in [
            (link.to_str().unwrap(), [true, false]),
            ("/nowhere/.pm2", [false, true]),
            ("/nowhere/x/../.pm2", [false, true]),
            ("no-such-host", [false, false]),
            ("localhost", [true, true]),
            ("127.0.0.1", [true, true]),
            ("192.0.2.1", [false, false]),
            (&*here, [true, true]),
        ] {
            assert_eq!(production(&homes, &[place.into()]).await, dear, "{place}");
        }
        assert_eq!(production(&homes, &[]).await, [false, false]);
        let through = format!("{}/real/../link", folder.path().display());
        assert_eq!(production(&homes, &[through.into()]).await, [true, false]);
        let places = ["h", "localhost", "/x", &here, "192.0.2.1"].map(Into::into);
        assert_eq!(strange_hosts(&homes, &places).await, ["h".into(), "192.0.2.1".into()]);
    }
}
