//! Which PM2 runs and which is installed, and who starts it at boot.
//!
//! Invariant: the daemon is asked once for each connection; `pm2` itself is never run, which would start a
//! daemon (docs/pm2-ops.md section 8). File calls go through [`offload`].

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;

use super::{Watch, files, offload, startup};
use crate::model::boot::Release;
use crate::model::report::Report;
use crate::protocol::text::clean;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_mins(2);
/// How long one may take.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// The most bytes of a `package.json` that are read.
const BYTES_MAX: u64 = 256 << 10;
/// How far above a program its `package.json` is looked for.
const FOLDERS_MAX: usize = 4;

/// Looks at the files again and again until it is dropped.
///
/// `report` is what the daemon says of itself (`getReport`); `is_here`: whether its disks are this machine's.
pub(super) async fn run(watch: &Watch, report: Option<Json>, is_here: bool) -> Infallible {
    let mut told = report.map(|report| of_report(&report)).unwrap_or_default();
    loop {
        let script = told.script.clone();
        let home = watch.endpoint.home.clone();
        let path = std::env::var_os("PATH");
        let looking = offload::blocking(LOOK_MAX, move || {
            let on_disk = script.as_deref().and_then(version_above);
            (on_disk.map(|(version, _)| version), in_path(path), startup::look(&home))
        });
        // What stands on another machine's disks is not known.
        let found = if is_here { looking.await } else { None };
        if let Some((on_disk, in_path, startup)) = found {
            (told.release.on_disk, told.release.in_path) = (on_disk, in_path);
            watch.report(Report::Startup(startup));
        }
        watch.report(Report::Release(Box::new(told.release.clone())));
        tokio::time::sleep(PAUSE).await;
    }
}

/// What the daemon said of itself.
#[derive(Debug, Default)]
struct Identity {
    release: Release,
    /// Its own script, in the folder of its PM2.
    script: Option<PathBuf>,
}

/// Reads a reply of `getReport`; its environment is not looked at.
fn of_report(report: &Json) -> Identity {
    let text = |key: &str| report.get(key).and_then(Json::as_str);
    let script = report.get("argv").and_then(|argv| argv.get(1)?.as_str()).map(PathBuf::from);
    let release = Release {
        started_ms: report.get("started_at").and_then(Json::as_i64),
        node: text("node_version").map(|node| clean(node).into()),
        can_respawn: text("node_path").map(|path| path != "not found"),
        ..Release::default()
    };
    Identity { release, script: script.filter(|script| script.is_absolute()) }
}

/// The version in the nearest `package.json` above a program that is PM2's, and its folder. Blocks.
fn version_above(program: &Path) -> Option<(Box<str>, Box<str>)> {
    let real = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    real.ancestors().skip(1).take(FOLDERS_MAX).find_map(|folder| {
        let file = files::open(&folder.join("package.json")).ok()?;
        let mut text = String::new();
        file.take(BYTES_MAX).read_to_string(&mut text).ok()?;
        let package: Json = serde_json::from_str(&text).ok()?;
        let is_pm2 = package.get("name").and_then(Json::as_str) == Some("pm2");
        let version = package.get("version").and_then(Json::as_str).filter(|_| is_pm2)?;
        Some((clean(version).into(), clean(&folder.to_string_lossy()).into()))
    })
}

/// The version of the first `pm2` in a `PATH`, and its folder. Blocks.
fn in_path(path: Option<OsString>) -> Option<(Box<str>, Box<str>)> {
    let path = path?;
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let mut programs = folders.map(|folder| folder.join("pm2"));
    version_above(&programs.find(|program| program.is_file())?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_version_on_disk_is_read_and_nothing_run() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let package = root.join("lib/node_modules/pm2");
        fs::create_dir_all(package.join("bin")).unwrap();
        fs::write(package.join("package.json"), r#"{"name":"pm2","version":"7.0.6"}"#).unwrap();
        fs::write(package.join("bin/pm2"), "#!/bin/sh\nexit 1\n").unwrap();
        let bin = root.join("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(package.join("bin/pm2"), bin.join("pm2")).unwrap();
        let path = OsString::from(format!("relative:/nonexistent:{}", bin.display()));
        let (version, place) = in_path(Some(path)).unwrap();
        assert_eq!((&*version, &*place), ("7.0.6", package.to_str().unwrap()));
        assert_eq!(version_above(&package.join("lib/Daemon.js")).unwrap().0, version);
        fs::write(package.join("package.json"), r#"{"name":"other","version":"1"}"#).unwrap();
        assert_eq!(version_above(&package.join("bin/pm2")), None);
        assert_eq!(in_path(Some("/nonexistent".into())), None);
    }

    #[test]
    fn of_its_report_only_what_is_no_secret_is_kept() {
        let told = of_report(&json!({
            "node_version": "20.20.2", "node_path": "not found", "started_at": 5,
            "argv": ["node", "/usr/lib/node_modules/pm2/lib/Daemon.js"], "env": { "TOKEN": "hunter2" },
        }));
        assert_eq!(told.release.can_respawn, Some(false));
        assert_eq!(
            told.script.as_deref(),
            Some(Path::new("/usr/lib/node_modules/pm2/lib/Daemon.js"))
        );
        assert!(!format!("{told:?}").contains("hunter2"));
        assert_eq!(of_report(&json!(null)).release, Release::default());
    }
}
